/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Policy rules for tests of the programs: written as the daemon writes them, and what they mean, as
 * one would say it: a naive oracle over the config.
 */
#ifndef TESTS_PROG_RULES_H
#define TESTS_PROG_RULES_H

#include "choice.h"
#include "core/rules.h"

/* The edge's paths as a config has them; ids are their places. */
static struct config_path rule_paths[] = {
	{.name = "er0", .class = SW_CLASS_EXPRESSROUTE},
	{.name = "er1", .class = SW_CLASS_EXPRESSROUTE},
	{.name = "er2", .class = SW_CLASS_EXPRESSROUTE},
	{.name = "tun0", .class = SW_CLASS_VPN},
	{.name = "vpn1", .class = SW_CLASS_VPN},
};
static struct config_rule rule_list[SW_MAX_RULES];
static struct config rule_config = {
	.prefer = {SW_CLASS_EXPRESSROUTE, SW_CLASS_VPN},
	.n_prefer = 2,
	.paths = rule_paths,
	.n_paths = sizeof(rule_paths) / sizeof(rule_paths[0]),
	.rules = rule_list,
};
static struct sw_rules *rule_rows;

/* The row that is not in force, compiled from rule_list; `generation` as the daemon counts it. */
static inline void rules_put(size_t n, uint32_t generation)
{
	uint32_t row = ~edge.ctl->rules & SW_RULES_ROW;

	if (!rule_rows)
		rule_rows = map_mmap("rules", 2 * sizeof(*rule_rows));
	rule_config.n_rules = n;
	rules_compile(&rule_config, NULL, UINT64_MAX, &rule_rows[row]);
	edge.ctl->rules = !n ? 0
			     : generation << SW_RULES_GEN_SHIFT | row |
					  (rules_ask_dscp(&rule_config) ? SW_RULES_DSCP : 0);
	edge.ctl->generation++;
}

/* A rule to a prefix that lists what the words say; NULL: deny. */
static inline struct config_rule rule_to(const char *to, enum config_rule_action action,
					 const char *words)
{
	struct config_rule rule = {.name = "r", .proto = -1, .dscp = -1, .action = action};
	char copy[100] = "", *save = NULL;

	if (to && prefix_parse(to, &rule.to, NULL))
		abort();
	if (words)
		strcpy(copy, words);
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		struct config_pick *pick = &rule.pick[rule.n_picks++];

		if (class_parse(word, &pick->class))
			strcpy(pick->path, word);
	}
	return rule;
}

static inline struct ip_addr rule_address(const char *text)
{
	struct ip_addr ip;

	if (ip_parse(text, &ip))
		abort();
	return ip;
}

/* Nothing but VPNs, or `only`, or deny: it keeps its traffic from all else. */
static inline bool oracle_restricts(const struct config_rule *rule)
{
	bool vpn = rule->n_picks;

	for (size_t i = 0; i < rule->n_picks; i++) {
		const struct config_pick *pick = &rule->pick[i];

		vpn &= pick->path[0] ? pick->path[0] == 't' || pick->path[0] == 'v'
				     : pick->class == SW_CLASS_VPN;
	}
	return vpn || rule->action == RULE_ONLY || rule->action == RULE_DENY;
}

static inline bool oracle_in(const struct prefix *p, const char *text)
{
	struct ip_addr ip = rule_address(text);

	if (!p->family)
		return true;
	if (p->family != ip.family)
		return false;
	for (unsigned int bit = 0; bit < p->len; bit++) {
		struct ip_addr net = prefix_address(p);

		if ((net.bytes[bit / 8] ^ ip.bytes[bit / 8]) >> (7 - bit % 8) & 1)
			return false;
	}
	return true;
}

static inline bool oracle_ports(int proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == PROTO_SCTP;
}

/* An outward packet. unread: not even its protocol can be told. */
static inline bool oracle_matches(const struct config_rule *rule, const struct packet *p,
				  uint8_t dscp, bool unread)
{
	uint8_t proto = packet_proto(p), family = rule->to.family | rule->from.family;
	bool restricts = oracle_restricts(rule);

	if (family && family != packet_family(p))
		return false;
	if (!oracle_in(&rule->from, p->src) || !oracle_in(&rule->to, p->dst) ||
	    (rule->dscp >= 0 && rule->dscp != dscp))
		return false;
	if (unread)
		return restricts || (rule->proto < 0 && !rule->port);
	if (rule->proto >= 0 && rule->proto != proto)
		return false;
	if (!rule->port)
		return true;
	return oracle_ports(proto) && (p->frag ? restricts : rule->port == p->dport);
}

static inline const struct config_rule *oracle_rule(const struct packet *p, uint8_t dscp,
						    bool unread)
{
	for (size_t i = 0; i < rule_config.n_rules; i++) {
		if (oracle_matches(&rule_list[i], p, dscp, unread))
			return &rule_list[i];
	}
	return NULL;
}

static inline uint64_t oracle_picked(const struct config_pick *pick)
{
	uint64_t paths = 0;

	for (size_t i = 0; i < rule_config.n_paths; i++) {
		if (pick->path[0] ? !strcmp(pick->path, rule_paths[i].name)
				  : pick->class == rule_paths[i].class)
			paths |= BIT(i);
	}
	return paths;
}

/* Those that may be chosen of the group while `usable` are: the best by the rule, 0: none. */
static inline uint64_t oracle_choice(const struct config_rule *rule, const struct sw_group *g,
				     uint64_t usable)
{
	uint64_t order[SW_RULE_STEPS] = {~0ULL}, all = 0;
	size_t n = 1;

	for (size_t i = 0; rule && i < rule->n_picks; i++)
		all |= order[i] = oracle_picked(&rule->pick[i]);
	if (rule && rule->action == RULE_DENY)
		return 0;
	if (rule && rule->action == RULE_ONLY)
		order[0] = all;
	else if (rule && rule->action == RULE_PREFER)
		n = rule->n_picks;
	for (size_t k = 0; k < n; k++) {
		for (int t = 0; t < g->tiers; t++) {
			if (g->tier[t] & usable & order[k])
				return g->tier[t] & usable & order[k];
		}
	}
	return 0;
}

#endif
