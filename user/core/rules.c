/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From rules to bits (rules.h). Of addresses and ports a table has the values where what matches
 * changes: each prefix and port gives its first value and the one behind its last.
 */
#include "core/rules.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define PROTOS 256
#define DSCPS  64

typedef unsigned __int128 value; /* an address or a port, in host order */

static const struct config_path *path_at(const struct config *cfg, const struct config_rule *rule,
					 size_t pick, size_t i)
{
	const struct config_path *path = &cfg->paths[i];

	return config_pick_has(&rule->pick[pick], path) ? path : NULL;
}

/* All that it lists are VPNs. */
static bool lists_vpns(const struct config *cfg, const struct config_rule *rule)
{
	for (size_t k = 0; k < rule->n_picks; k++) {
		for (size_t i = 0; i < cfg->n_paths; i++) {
			const struct config_path *path = path_at(cfg, rule, k, i);

			if (path && path->class != SW_CLASS_VPN)
				return false;
		}
	}
	return rule->n_picks;
}

bool rule_encrypts(const struct config *cfg, const struct config_rule *rule)
{
	return lists_vpns(cfg, rule);
}

bool rule_restricts(const struct config *cfg, const struct config_rule *rule)
{
	return rule->action == RULE_DENY || rule->action == RULE_ONLY || rule_encrypts(cfg, rule);
}

bool rule_asks_packet(const struct config_rule *rule)
{
	return rule->proto >= 0 || rule->port || rule->dscp >= 0;
}

uint8_t rule_family(const struct config_rule *rule)
{
	return rule->to.family ? rule->to.family : rule->from.family;
}

static bool has_ports(int proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP;
}

static bool proto_matches(const struct config_rule *rule, int proto)
{
	return rule->proto < 0 ? !rule->port || has_ports(proto) : rule->proto == proto;
}

static bool prefix_takes(const struct prefix *p, const struct ip_addr *ip)
{
	struct prefix host = prefix_host(ip);

	return !p->family || prefix_contains(p, &host);
}

const struct config_rule *rules_match(const struct config *cfg, const struct rule_flow *flow)
{
	for (size_t i = 0; i < cfg->n_rules; i++) {
		const struct config_rule *rule = &cfg->rules[i];

		if (prefix_takes(&rule->from, &flow->from) && prefix_takes(&rule->to, &flow->to) &&
		    proto_matches(rule, flow->proto) && (!rule->port || rule->port == flow->port) &&
		    (rule->dscp < 0 || rule->dscp == flow->dscp))
			return rule;
	}
	return NULL;
}

bool rules_ask_dscp(const struct config *cfg)
{
	for (size_t i = 0; i < cfg->n_rules; i++) {
		if (cfg->rules[i].dscp >= 0)
			return true;
	}
	return false;
}

static void bit_set(struct sw_rule_bits *bits, size_t rule)
{
	bits->w[rule / 64] |= 1ULL << rule % 64;
}

/* What a rule asks of one dimension; all: nothing. Not of this family: never. */
struct range {
	value first, last;
	bool all, never;
};

static value address_value(const struct ip_addr *ip)
{
	value v = 0;

	for (int i = 0; i < (ip->family == 4 ? 4 : 16); i++)
		v = v << 8 | ip->bytes[i];
	return v;
}

static struct range prefix_range(const struct config_rule *rule, const struct prefix *p,
				 uint8_t family)
{
	struct range range = {.all = !p->family};
	struct ip_addr ip;
	unsigned int host;

	if (rule_family(rule) && rule_family(rule) != family)
		return (struct range){.never = true};
	if (range.all)
		return range;
	ip = prefix_address(p);
	host = (family == 4 ? 32 : 128) - p->len;
	range.first = address_value(&ip);
	range.last = host == 128 ? ~(value)0 : range.first | (((value)1 << host) - 1);
	return range;
}

static int value_compare(const void *a, const void *b)
{
	value x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x < y ? -1 : x > y;
}

/* The values where what matches changes, sorted, each once; most: of the dimension. */
static size_t ends_of(const struct range *range, size_t n, value most, value *ends)
{
	size_t count = 0, kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (range[i].all || range[i].never)
			continue;
		ends[count++] = range[i].first;
		if (range[i].last < most)
			ends[count++] = range[i].last + 1;
	}
	qsort(ends, count, sizeof(*ends), value_compare);
	for (size_t i = 0; i < count; i++) {
		if (!i || ends[i] != ends[i - 1])
			ends[kept++] = ends[i];
	}
	return kept;
}

/*
 * rules[i]: what matches from ends[i - 1] on. Beyond the last of n ends its rules again: the
 * largest value may be found at any of them. Returns n; ends has room for SW_RULE_ENDS.
 */
static size_t table_make(const struct range *range, size_t n_rules, value most, value *ends,
			 struct sw_rule_bits *bits)
{
	size_t n = ends_of(range, n_rules, most, ends);

	for (size_t at = 0; at <= SW_RULE_ENDS; at++) {
		value v = at ? ends[at <= n ? at - 1 : n - !!n] : 0;

		if (at && !n) {
			bits[at] = bits[0];
			continue;
		}
		for (size_t i = 0; i < n_rules; i++) {
			if (range[i].all ||
			    (!range[i].never && range[i].first <= v && v <= range[i].last))
				bit_set(&bits[at], i);
		}
	}
	for (size_t at = n; at < SW_RULE_ENDS; at++)
		ends[at] = most;
	return n;
}

static void values_make(const struct range *range, size_t n, value most, struct sw_rule_values *out)
{
	value ends[SW_RULE_ENDS];

	table_make(range, n, most, ends, out->rules);
	for (size_t i = 0; i < SW_RULE_ENDS; i++)
		out->low[i] = (uint32_t)ends[i];
}

static void values_make6(const struct range *range, size_t n, struct sw_rule_values6 *out)
{
	value ends[SW_RULE_ENDS];

	table_make(range, n, ~(value)0, ends, out->rules);
	for (size_t i = 0; i < SW_RULE_ENDS; i++) {
		out->high[i] = (uint64_t)(ends[i] >> 64);
		out->low[i] = (uint64_t)ends[i];
	}
}

static void addresses_compile(const struct config *cfg, struct sw_rules *out)
{
	struct range range[4][SW_MAX_RULES];
	size_t n = cfg->n_rules;

	for (size_t i = 0; i < n; i++) {
		const struct config_rule *rule = &cfg->rules[i];

		range[0][i] = prefix_range(rule, &rule->from, 4);
		range[1][i] = prefix_range(rule, &rule->to, 4);
		range[2][i] = prefix_range(rule, &rule->from, 6);
		range[3][i] = prefix_range(rule, &rule->to, 6);
	}
	values_make(range[0], n, UINT32_MAX, &out->from4);
	values_make(range[1], n, UINT32_MAX, &out->to4);
	values_make6(range[2], n, &out->from6);
	values_make6(range[3], n, &out->to6);
}

static void ports_compile(const struct config *cfg, struct sw_rules *out)
{
	struct range range[SW_MAX_RULES];

	for (size_t i = 0; i < cfg->n_rules; i++) {
		const struct config_rule *rule = &cfg->rules[i];

		range[i] =
			(struct range){.first = rule->port, .last = rule->port, .all = !rule->port};
		if (!rule->port || rule_restricts(cfg, rule))
			bit_set(&out->port_hidden, i);
	}
	values_make(range, cfg->n_rules, UINT32_MAX, &out->port);
}

static void rest_compile(const struct config *cfg, struct sw_rules *out)
{
	for (size_t i = 0; i < cfg->n_rules; i++) {
		const struct config_rule *rule = &cfg->rules[i];

		for (int p = 0; p < PROTOS; p++) {
			if (proto_matches(rule, p))
				bit_set(&out->proto[p], i);
		}
		if ((rule->proto < 0 && !rule->port) || rule_restricts(cfg, rule))
			bit_set(&out->proto_hidden, i);
		for (int v = 0; v < DSCPS; v++) {
			if (rule->dscp < 0 || rule->dscp == v)
				bit_set(&out->dscp[v], i);
		}
		if (rule->dscp < 0)
			bit_set(&out->dscp_unknown, i);
	}
}

/* The paths of what it lists at `pick`; *classes: theirs, as bits. */
static uint64_t pick_paths(const struct config *cfg, const uint8_t *path_ids,
			   const struct config_rule *rule, size_t pick, uint32_t *classes)
{
	uint64_t paths = 0;

	for (size_t i = 0; i < cfg->n_paths; i++) {
		if (!path_at(cfg, rule, pick, i))
			continue;
		paths |= 1ULL << (path_ids ? path_ids[i] : i);
		*classes |= 1U << cfg->paths[i].class;
	}
	return paths;
}

static uint64_t paths_of(const struct config *cfg, const uint8_t *path_ids, uint32_t classes)
{
	uint64_t paths = 0;

	for (size_t i = 0; i < cfg->n_paths; i++) {
		if (classes >> cfg->paths[i].class & 1)
			paths |= 1ULL << (path_ids ? path_ids[i] : i);
	}
	return paths;
}

void rule_compile(const struct config *cfg, const uint8_t *path_ids, uint64_t known,
		  const struct config_rule *rule, struct sw_rule *out)
{
	size_t n = 0;

	memset(out, 0, sizeof(*out));
	if (rule->action == RULE_DENY)
		out->flags = SW_RULE_DENY;
	else if (rule_encrypts(cfg, rule))
		out->flags = SW_RULE_BINDS | SW_RULE_ENCRYPT;
	else if (rule->action == RULE_ONLY)
		out->flags = SW_RULE_BINDS;
	if (!out->flags)
		known = UINT64_MAX;
	for (size_t k = 0; k < rule->n_picks; k++) {
		uint32_t classes = 0;
		uint64_t paths = pick_paths(cfg, path_ids, rule, k, &classes) & known & ~out->paths;

		if (!paths)
			continue;
		if (rule->action == RULE_ONLY) {
			out->step[0] |= paths;
		} else {
			out->step[n] = paths;
			out->other[n++] = out->paths & ~paths_of(cfg, path_ids, classes);
		}
		out->paths |= paths;
	}
}

void rules_compile(const struct config *cfg, const uint8_t *path_ids, uint64_t known,
		   struct sw_rules *out)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < cfg->n_rules; i++)
		rule_compile(cfg, path_ids, known, &cfg->rules[i], &out->rule[i]);
	addresses_compile(cfg, out);
	ports_compile(cfg, out);
	rest_compile(cfg, out);
}
