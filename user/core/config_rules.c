/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The section `rules`: read, and checked once the paths are known. What a rule means is in
 * core/rules.h.
 */
#include "core/config_yaml.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(v) (sizeof(v) / sizeof((v)[0]))

static const struct {
	const char *name;
	int number;
} protos[] = {{"tcp", IPPROTO_TCP},
	      {"udp", IPPROTO_UDP},
	      {"icmp", IPPROTO_ICMP},
	      {"icmp6", IPPROTO_ICMPV6},
	      {"sctp", IPPROTO_SCTP}};

const char *config_proto_name(int number)
{
	for (size_t i = 0; i < COUNT(protos); i++) {
		if (protos[i].number == number)
			return protos[i].name;
	}
	return NULL;
}

static void read_prefix(struct config_reader *r, const struct config_key *key,
			const yaml_node_t *node, void *into)
{
	struct prefix *p = (void *)((char *)into + key->offset);

	if (config_prefix(r, key, node, p))
		config_mark(r, p, node);
}

static void read_proto(struct config_reader *r, const struct config_key *key,
		       const yaml_node_t *node, void *into)
{
	const char *text = config_text(r, key, node, "a protocol");
	struct config_rule *rule = into;
	uint64_t number;
	size_t i = 0;

	if (!text)
		return;
	while (i < COUNT(protos) && strcmp(protos[i].name, text))
		i++;
	if (i < COUNT(protos))
		rule->proto = protos[i].number;
	else if (config_number(text, &number) || number > 255)
		config_bad(r, key, node,
			   "no protocol: give tcp, udp, icmp, icmp6, sctp or 0 to 255");
	else
		rule->proto = (int)number;
	config_mark(r, &rule->proto, node);
}

static void read_dscp(struct config_reader *r, const struct config_key *key,
		      const yaml_node_t *node, void *into)
{
	const struct config_key number = {.name = key->name, .max = 63};
	struct config_rule *rule = into;
	uint32_t dscp = UINT32_MAX;

	config_read_u32(r, &number, node, &dscp);
	if (dscp <= number.max)
		rule->dscp = (int)dscp;
}

/* One of prefer, only and deny. */
static void rule_act(struct config_reader *r, const struct config_key *key, const yaml_node_t *node,
		     struct config_rule *rule, enum config_rule_action action)
{
	if (rule->action != RULE_NOTHING)
		config_complain(r, config_line(node),
				"%s: the rule has another of prefer, only and deny: give one",
				key->name);
	rule->action = action;
}

static void read_deny(struct config_reader *r, const struct config_key *key,
		      const yaml_node_t *node, void *into)
{
	const struct config_key as_bool = {.name = key->name};
	bool deny = true;

	config_read_bool(r, &as_bool, node, &deny);
	if (!deny)
		config_bad(r, key, node, "does nothing: give true, or leave it out");
	rule_act(r, key, node, into, RULE_DENY);
}

static void read_pick(struct config_reader *r, const struct config_key *key,
		      const yaml_node_t *node, struct config_rule *rule)
{
	const char *text = config_text(r, key, node, "a class or the name of a path");
	struct config_pick *pick = &rule->pick[rule->n_picks];

	if (!text)
		return;
	if (class_parse(text, &pick->class)) {
		if (!text[0] || strlen(text) >= sizeof(pick->path)) {
			config_bad(r, key, node, "no class and no path: give one of paths' names");
			return;
		}
		strcpy(pick->path, text);
	}
	rule->n_picks++;
	config_mark(r, pick, node);
}

static void read_picks(struct config_reader *r, const struct config_key *key,
		       const yaml_node_t *node, void *into)
{
	struct config_rule *rule = into;
	bool again = rule->n_picks;
	size_t n;

	rule_act(r, key, node, rule, key->name[0] == 'p' ? RULE_PREFER : RULE_ONLY);
	if (!config_items(r, key, node, "classes or names of paths", &n) || again)
		return;
	if (!n)
		config_bad(r, key, node, "empty: give a class or the name of a path");
	if (n > SW_RULE_STEPS) {
		config_complain(r, config_line(config_item(r, node, SW_RULE_STEPS)),
				"%s: %zu of them: give %d at most, a class for its paths",
				key->name, n, SW_RULE_STEPS);
		n = SW_RULE_STEPS;
	}
	for (size_t i = 0; i < n; i++)
		read_pick(r, key, config_item(r, node, i), rule);
}

static const struct config_key rule_keys[] = {
	KEY(config_rule, "name", name, name, .required = true),
	KEY_OWN("from", read_prefix, .offset = offsetof(struct config_rule, from)),
	KEY_OWN("to", read_prefix, .offset = offsetof(struct config_rule, to)),
	KEY_OWN("proto", read_proto),
	KEY(config_rule, "port", port, u32, .min = 1, .max = 65535),
	KEY_OWN("dscp", read_dscp),
	KEY(config_rule, "stateful", stateful, bool),
	KEY_OWN("prefer", read_picks),
	KEY_OWN("only", read_picks),
	KEY_OWN("deny", read_deny),
};

void config_read_rules(struct config_reader *r, const struct config_key *key,
		       const yaml_node_t *node, void *into)
{
	struct config *cfg = into;
	size_t n;

	if (!config_items(r, key, node, "rules", &n))
		return;
	if (n > SW_MAX_RULES) {
		config_complain(r, config_line(config_item(r, node, SW_MAX_RULES)),
				"rules: %zu of them: give %d at most", n, SW_MAX_RULES);
		n = SW_MAX_RULES;
	}
	cfg->rules = config_array(r, n, sizeof(*cfg->rules));
	while (cfg->rules && cfg->n_rules < n) {
		struct config_rule *rule = &cfg->rules[cfg->n_rules];
		const yaml_node_t *item = config_item(r, node, cfg->n_rules);

		cfg->n_rules++;
		rule->proto = rule->dscp = -1;
		rule->line = config_line(item);
		config_mapping(r, item, "a rule", rule_keys, COUNT(rule_keys), rule);
	}
}

static bool has_ports(int proto)
{
	return proto < 0 || proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP;
}

static void check_match(struct config_reader *r, const struct config_rule *rule)
{
	uint8_t family = rule->to.family ? rule->to.family : rule->from.family;
	int line = config_line_of(r, &rule->proto, rule->line);

	if (rule->to.family && rule->from.family && rule->to.family != rule->from.family)
		config_complain(r, config_line_of(r, &rule->to, rule->line),
				"to: rule %s has IPv4 and IPv6: give both of one family",
				rule->name);
	if (rule->port && !has_ports(rule->proto))
		config_complain(r, config_line_of(r, &rule->port, rule->line),
				"port: %u: the protocol of rule %s has no ports: give tcp, udp or "
				"sctp, or leave the port out",
				rule->port, rule->name);
	if (rule->proto == IPPROTO_ICMP && family == 6)
		config_complain(r, line, "proto: icmp: is of IPv4, rule %s of IPv6: give icmp6",
				rule->name);
	if (rule->proto == IPPROTO_ICMPV6 && family == 4)
		config_complain(r, line, "proto: icmp6: is of IPv6, rule %s of IPv4: give icmp",
				rule->name);
}

static bool pick_equal(const struct config_pick *a, const struct config_pick *b)
{
	return !strcmp(a->path, b->path) && (a->path[0] || a->class == b->class);
}

bool config_pick_has(const struct config_pick *pick, const struct config_path *path)
{
	return pick->path[0] ? !strcmp(pick->path, path->name) : pick->class == path->class;
}

static void check_pick(struct config_reader *r, const struct config_rule *rule, size_t i)
{
	const struct config_pick *pick = &rule->pick[i];
	const struct config_path *path = config_path_by_name(r->cfg, pick->path);
	const char *key = rule->action == RULE_ONLY ? "only" : "prefer";
	int line = config_line_of(r, pick, rule->line);

	if (pick->path[0] && !path) {
		config_complain(r, line,
				"%s: %s: no path has this name: give one of `paths`, or one of "
				"expressroute, vpn, peering, other",
				key, pick->path);
		return;
	}
	for (size_t k = 0; k < i; k++) {
		const char *text = pick->path[0] ? pick->path : class_name(pick->class);

		if (pick_equal(&rule->pick[k], pick))
			config_complain(r, line, "%s: %s: listed twice: remove one", key, text);
		else if (path && config_pick_has(&rule->pick[k], path))
			config_complain(r, line,
					"%s: %s: is of class %s, listed before it: put it first, "
					"or leave it out",
					key, text, class_name(path->class));
	}
}

static bool picks_any(const struct config *cfg, const struct config_rule *rule)
{
	for (size_t i = 0; i < cfg->n_paths * rule->n_picks; i++) {
		if (config_pick_has(&rule->pick[i % rule->n_picks], &cfg->paths[i / rule->n_picks]))
			return true;
	}
	return false;
}

static void check_rule(struct config_reader *r, const struct config_rule *rule)
{
	size_t errors = r->errors->n;

	for (const struct config_rule *other = r->cfg->rules; other < rule; other++) {
		if (rule->name[0] && !strcmp(other->name, rule->name))
			config_complain(r, config_line_of(r, rule->name, rule->line),
					"name: %s: two rules have it: give each a name of its own",
					rule->name);
	}
	check_match(r, rule);
	if (rule->name[0] && rule->action == RULE_NOTHING && !rule->stateful)
		config_complain(r, rule->line,
				"rules: rule %s does nothing: give prefer, only or deny: true",
				rule->name);
	for (size_t i = 0; i < rule->n_picks; i++)
		check_pick(r, rule, i);
	if (rule->n_picks && errors == r->errors->n && !picks_any(r->cfg, rule))
		config_complain(r, config_line_of(r, &rule->pick[0], rule->line),
				"%s: rule %s: no path is of what it lists: add one to `paths`",
				rule->action == RULE_ONLY ? "only" : "prefer", rule->name);
}

void config_check_rules(struct config_reader *r)
{
	for (size_t i = 0; i < r->cfg->n_rules; i++)
		check_rule(r, &r->cfg->rules[i]);
}
