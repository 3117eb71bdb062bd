/* SPDX-License-Identifier: GPL-2.0-only */
/* What a drain takes from policy rules: fib_moved() counts by the ladder alone. */
#include "core/drain.h"
#include "core/rules.h"

#define LOOKED 2000 /* prefixes a rule */

static bool rule_loses(const struct audit *a, uint64_t out, const struct config_rule *rule,
		       const struct rib_node *node)
{
	return audit_choose(a, node, 0, rule).paths && !audit_choose(a, node, out, rule).paths;
}

/* The first prefix that is in the rule's `to`. */
static const struct rib_node *rule_first(const struct rib *rib, const struct config_rule *rule)
{
	const struct rib_node *node;

	if (!rule->to.family)
		return rib_next(rib, VIEW_LOCAL, NULL);
	node = rib_find(rib, VIEW_LOCAL, &rule->to);
	return node ? node : rib_after(rib, VIEW_LOCAL, &rule->to);
}

static size_t rule_prefixes(const struct audit *a, uint64_t out, const struct config_rule *rule)
{
	const struct rib_node *node = rule_first(a->ctx->rib, rule);
	uint8_t family = rule_family(rule);
	size_t n = 0, looked = 0;

	for (; node && looked < LOOKED; node = rib_next(a->ctx->rib, VIEW_LOCAL, node)) {
		const struct prefix *prefix = rib_node_prefix(node);

		if (rule->to.family && !prefix_contains(&rule->to, prefix))
			break;
		looked++;
		if (!family || prefix->family == family)
			n += rule_loses(a, out, rule, node);
	}
	if (looked)
		return n;
	if (rule->to.family) { /* it is for a part of a prefix */
		struct ip_addr first = prefix_address(&rule->to);

		node = rib_match(a->ctx->rib, VIEW_LOCAL, &first);
		n = node && rule_loses(a, out, rule, node);
	}
	return n;
}

size_t drain_rules(const struct audit *audit, uint64_t out, struct drain_rule *v, size_t room)
{
	const struct config *cfg = audit->ctx->cfg;
	size_t n = 0;

	for (size_t i = 0; i < cfg->n_rules; i++) {
		const struct config_rule *rule = &cfg->rules[i];
		size_t prefixes;

		if (rule->action != RULE_PREFER && rule->action != RULE_ONLY)
			continue;
		prefixes = rule_prefixes(audit, out, rule);
		if (prefixes && n < room)
			v[n] = (struct drain_rule){rule, prefixes};
		n += prefixes > 0;
	}
	return n;
}
