/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Policy rules as an audit asks them: which one a pair of prefixes goes by, and what select
 * (bpf/select.h, ruled.h) makes of it. A rule that asks for addresses alone is asked as the kernel
 * does, and where it is for a part of a prefix, that part is a row of its own.
 */
#include <string.h>

#include "core/audit_internal.h"
#include "core/rules.h"

void audit_rules_meet(const struct config *cfg, bool from, const struct prefix *prefix,
		      const struct ip_addr *host, struct audit_rules *out)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < cfg->n_rules; i++) {
		const struct config_rule *rule = &cfg->rules[i];
		const struct prefix *p = from ? &rule->from : &rule->to;
		uint64_t bit = 1ULL << i % 64;

		if (rule_family(rule) && rule_family(rule) != prefix->family)
			continue;
		if (!p->family || prefix_has(p, host))
			out->has[i / 64] |= bit;
		if (!p->family || prefix_contains(p, prefix) || prefix_contains(prefix, p))
			out->meets[i / 64] |= bit;
	}
}

bool audit_rule_splits(const struct config_rule *rule, const struct prefix *part,
		       const struct prefix *of)
{
	return part->family && part->len > of->len && !rule_asks_packet(rule) &&
	       prefix_contains(of, part);
}

const struct config_rule *audit_rule(const struct audit *a, const struct audit_source *src,
				     const struct audit_destination *dst,
				     uint64_t part[SW_RULE_WORDS])
{
	const struct audit_rules *s = &src->rules, *d = &dst->rules;

	memset(part, 0, SW_RULE_WORDS * sizeof(*part));
	for (size_t w = 0; w * 64 < a->ctx->cfg->n_rules; w++)
		for (uint64_t left = s->meets[w] & d->meets[w]; left; left &= left - 1) {
			uint64_t bit = left & -left;
			const struct config_rule *rule =
				&a->ctx->cfg->rules[w * 64 + (size_t)__builtin_ctzll(left)];

			if (rule_asks_packet(rule))
				part[w] |= rule->action == RULE_NOTHING ? 0 : bit;
			else if (s->has[w] & d->has[w] & bit)
				return rule;
		}
	return NULL;
}

void audit_ways_out(const struct audit *a, struct audit_destination *dst,
		    const struct config_rule *rule)
{
	dst->rule = rule;
	dst->forward = audit_choose(a, dst->node, a->down < 0 ? 0 : 1ULL << a->down, rule);
	dst->was = a->down < 0 ? dst->forward : audit_choose(a, dst->node, 0, rule);
}

void audit_destination_by(const struct audit *a, struct audit_destination *dst,
			  const struct config_rule *rule)
{
	if (rule != dst->rule)
		audit_ways_out(a, dst, rule);
}

/* A better class has paths among these: as tier_degraded(). */
static bool tier_degraded(const struct policy_answer *answer, int tier, uint64_t among)
{
	for (int t = 0; t < tier; t++)
		if (answer->tier[t].rank < answer->tier[tier].rank && answer->tier[t].paths & among)
			return true;
	return false;
}

/* As rule_tier(). Paths of classes that are in no tier come after those that are. */
static bool rule_tier(const struct audit *a, const struct rib_node *node,
		      const struct sw_rule *rule, uint64_t mask, struct audit_forward *out)
{
	struct policy_answer answer;
	const struct config_path *path;
	int i = 0, tier;

	if (!node)
		return false;
	policy_tiers(a->ctx->cfg, node, &answer);
	mask &= answer.members;
	while (i < SW_RULE_STEPS && !(rule->step[i] & mask))
		i++;
	if (i == SW_RULE_STEPS)
		return false;
	tier = audit_tier(&answer, rule->step[i] & mask, out);
	if (tier < 0) {
		out->paths = rule->step[i] & mask;
		path = rib_path(a->ctx->rib, (unsigned int)__builtin_ctzll(out->paths));
		out->class = path ? path->class : SW_CLASS_OTHER;
	}
	out->degraded = rule->other[i] & answer.members ||
			(tier > 0 && tier_degraded(&answer, tier, rule->step[i]));
	return true;
}

void audit_choose_ruled(const struct audit *a, const struct rib_node *node, uint64_t down,
			const struct config_rule *rule, struct audit_forward *out)
{
	uint8_t family = node ? rib_node_prefix(node)->family : 4;
	uint64_t usable = a->usable[family == 6] & ~down, last = a->last[family == 6] & ~down;
	struct sw_rule row;

	rule_compile(a->ctx->cfg, a->ctx->path_ids, UINT64_MAX, rule, &row);
	out->rule = rule;
	out->allowed = row.paths;
	out->must_encrypt = row.flags & SW_RULE_ENCRYPT;
	if (node && (rule_tier(a, node, &row, usable, out) ||
		     rule_tier(a, audit_default(a, family), &row, usable, out)))
		return;
	if (row.flags)
		out->dropped = true;
	else
		out->last_resort = rule_tier(a, node, &row, last, out);
}

/* As rule_place(). */
static unsigned int rule_place(const struct audit *a, const struct sw_rule *rule, uint64_t paths,
			       enum sw_class class)
{
	unsigned int i = 0;

	while (i < SW_RULE_STEPS && rule->step[i] && !(rule->step[i] & paths))
		i++;
	return i << 8 | config_rank(a->ctx->cfg, class);
}

bool audit_rule_better(const struct audit *a, const struct audit_forward *f)
{
	struct sw_rule row;

	rule_compile(a->ctx->cfg, a->ctx->path_ids, UINT64_MAX, f->rule, &row);
	if (row.flags & SW_RULE_DENY)
		return false; /* what passes all the same is only counted */
	if (row.flags && f->paths & ~row.paths)
		return true;
	return f->has_expected && f->expected != f->class &&
	       rule_place(a, &row, f->wanted, f->expected) <
		       rule_place(a, &row, f->paths, f->class);
}

bool audit_returns_allowed(const struct audit *a, const struct audit_forward *f,
			   const struct audit_return *r)
{
	const struct config *cfg = a->ctx->cfg;
	bool here = false;

	for (size_t i = 0; i < cfg->n_paths; i++) {
		const struct config_path *p = &cfg->paths[i];

		if (p->class != r->class ||
		    (r->circuit[0] && strcmp(config_circuit_name(p), r->circuit)))
			continue;
		if (f->allowed >> incident_path_id(a->ctx, i) & 1)
			return true;
		here = true;
	}
	return !here && r->class == SW_CLASS_VPN; /* by another edge's */
}
