/* SPDX-License-Identifier: GPL-2.0-only */
/* A pair's ways compared (audit.h). */
#include <string.h>

#include "core/audit_internal.h"

int audit_tier(const struct policy_answer *answer, uint64_t paths, struct audit_forward *out)
{
	for (size_t t = 0; t < answer->n_tiers; t++) {
		if (!(answer->tier[t].paths & paths))
			continue;
		out->paths = answer->tier[t].paths & paths;
		out->class = answer->tier[t].class;
		return (int)t;
	}
	return -1;
}

/* A better class has candidates, or had them when the compiler last looked. */
static bool is_degraded(const struct audit *a, const struct rib_node *node,
			const struct policy_answer *answer, int tier)
{
	const struct prefix *prefix = rib_node_prefix(node);
	uint8_t rank = answer->tier[tier].rank;
	struct sw_group group;
	struct prefix match;

	for (int t = 0; t < tier; t++)
		if (answer->tier[t].rank < rank)
			return true;
	return fib_cover(a->ctx->fib, prefix, &match, &group) && prefix_equal(&match, prefix) &&
	       group.kind == SW_GROUP_ROUTE && group.degraded < rank;
}

const struct rib_node *audit_default(const struct audit *a, uint8_t family)
{
	const struct prefix all = {.family = family};

	if (a->ctx->cfg->default_route != DEFAULT_ROUTE_LAST)
		return NULL;
	return rib_find(a->ctx->rib, VIEW_LOCAL, &all);
}

/* As choose() of bpf/select.h. */
static void choose(const struct audit *a, const struct rib_node *node, uint64_t down,
		   struct audit_forward *out)
{
	uint8_t family = rib_node_prefix(node)->family;
	uint64_t usable = a->usable[family == 6] & ~down, last = a->last[family == 6] & ~down;
	const struct rib_node *from = node;
	struct policy_answer own, other;
	int tier;

	policy_tiers(a->ctx->cfg, node, &own);
	tier = audit_tier(&own, usable, out);
	if (tier >= 0) {
		out->degraded = is_degraded(a, node, &own, tier);
		return;
	}
	from = audit_default(a, family);
	if (from) {
		policy_tiers(a->ctx->cfg, from, &other);
		tier = audit_tier(&other, usable, out);
	}
	if (tier >= 0) {
		out->degraded = is_degraded(a, from, &other, tier);
		return;
	}
	tier = audit_tier(&own, last, out);
	if (tier < 0)
		return;
	out->last_resort = true;
	out->degraded = is_degraded(a, node, &own, tier);
}

/*
 * Nothing is moved: it goes where the routing daemon has chosen, where a feed tells that. Of
 * several of its choices those of the first one's class.
 */
static void as_chosen(const struct audit *a, const struct rib_node *node, uint64_t down,
		      struct audit_forward *out)
{
	uint64_t usable = a->usable[rib_node_prefix(node)->family == 6] & ~down, paths = 0;
	enum sw_class class = SW_CLASS_VPN;

	for (const struct candidate *c = rib_node_candidates(node); c; c = c->next) {
		if (!c->chosen || c->attr->own || c->peer_down || c->attr->path < 0 ||
		    !(usable >> c->attr->path & 1) || (paths && c->attr->class != class))
			continue;
		class = c->attr->class;
		paths |= 1ULL << c->attr->path;
	}
	if (!paths)
		return;
	out->paths = paths;
	out->class = class;
	out->dropped = out->last_resort = false;
}

static void circuit_name(const struct audit *a, struct audit_forward *out)
{
	const char *name = NULL;

	for (size_t i = 0; i < a->ctx->cfg->n_paths; i++) {
		const char *circuit = config_circuit_name(&a->ctx->cfg->paths[i]);

		if (!(out->paths >> incident_path_id(a->ctx, i) & 1))
			continue;
		if (name && strcmp(name, circuit))
			return;
		name = circuit;
	}
	if (name)
		memcpy(out->circuit, name, strnlen(name, SW_NAME_LEN - 1));
}

struct audit_forward audit_choose(const struct audit *a, const struct rib_node *node, uint64_t down,
				  const struct config_rule *rule)
{
	struct audit_forward out = {0};

	if (rule && rule->action != RULE_NOTHING)
		audit_choose_ruled(a, node, down, rule, &out);
	else if (node)
		choose(a, node, down, &out);
	out.has_expected = out.paths;
	out.expected = out.class;
	out.wanted = out.paths;
	if (node && a->ctx->cfg->mode == SW_MODE_MONITOR) {
		as_chosen(a, node, down, &out);
		if (out.rule)
			out.better = audit_rule_better(a, &out);
	}
	circuit_name(a, &out);
	return out;
}

/* Whether some of its packets leave by another circuit than they return by. */
static bool circuits_differ(const struct audit *a, const struct audit_forward *f,
			    const struct audit_return *r)
{
	for (size_t i = 0; r->circuit[0] && i < a->ctx->cfg->n_paths; i++)
		if (f->paths >> incident_path_id(a->ctx, i) & 1 &&
		    strcmp(config_circuit_name(&a->ctx->cfg->paths[i]), r->circuit))
			return true;
	return false;
}

int audit_verdict(const struct audit *a, const struct audit_forward *f,
		  const struct audit_return *r)
{
	const struct config *cfg = a->ctx->cfg;

	if (f->dropped && f->rule->action == RULE_DENY)
		return AUDIT_DENIED;
	if (!f->paths)
		return SW_VERDICT_NO_ROUTE;
	/* one direction in clear is enough */
	if (f->must_encrypt &&
	    (f->paths & ~f->allowed || (r->known && !audit_returns_allowed(a, f, r))))
		return SW_VERDICT_POLICY_VIOLATION;
	if (r->lost)
		return SW_VERDICT_ONE_WAY;
	if (!r->known)
		return AUDIT_UNKNOWN;
	if (f->class != r->class)
		return SW_VERDICT_ASYMMETRIC;
	if (f->rule ? f->better
		    : f->has_expected && config_rank(cfg, f->expected) < config_rank(cfg, f->class))
		return SW_VERDICT_POLICY_VIOLATION;
	if (f->degraded)
		return SW_VERDICT_FAILOVER;
	if (!circuits_differ(a, f, r))
		return SW_VERDICT_OK;
	return cfg->scope == SW_SCOPE_CLASS ? SW_VERDICT_INTER_CIRCUIT : SW_VERDICT_ASYMMETRIC;
}

const char *audit_verdict_name(int verdict)
{
	return verdict < 0 ? NULL : incident_verdict_name((unsigned int)verdict);
}

bool audit_has_cause(int verdict)
{
	return verdict != SW_VERDICT_OK;
}
