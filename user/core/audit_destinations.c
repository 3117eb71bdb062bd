/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who is sent to: the columns of an audit. A learned prefix is split where a policy rule asks for a
 * part of it.
 */
#include <string.h>

#include "core/audit_internal.h"
#include "core/cause_gather.h"
#include "core/remote.h"

/* From *at on, in the prefix: the first that no more specific learned one has. False: none. */
static bool free_of_routes(const struct rib *rib, const struct prefix *prefix, struct ip_addr *at)
{
	const struct rib_node *next = rib_after(rib, VIEW_LOCAL, prefix);

	for (; next && prefix_contains(prefix, rib_node_prefix(next));
	     next = rib_next(rib, VIEW_LOCAL, next)) {
		const struct prefix *inner = rib_node_prefix(next);

		if (!prefix_has(inner, at)) {
			if (memcmp(inner->bytes, at->bytes, sizeof(at->bytes)) > 0)
				break;
			continue;
		}
		if (!audit_address_after(inner, at) || !prefix_has(prefix, at))
			return false;
	}
	return true;
}

/* The part of the prefix with the address that a rule makes a row of its own; NULL: none. */
static const struct prefix *part_with(const struct config *cfg, const struct prefix *prefix,
				      const struct ip_addr *at)
{
	for (size_t i = 0; i < cfg->n_rules; i++) {
		const struct prefix *to = &cfg->rules[i].to;

		if (audit_rule_splits(&cfg->rules[i], to, prefix) && prefix_has(to, at))
			return to;
	}
	return NULL;
}

struct ip_addr audit_free_address(const struct audit *a, const struct prefix *prefix)
{
	struct ip_addr at = prefix_address(prefix);
	const struct prefix *part;

	do {
		if (!free_of_routes(a->ctx->rib, prefix, &at))
			return prefix_address(prefix);
		part = part_with(a->ctx->cfg, prefix, &at);
		if (part && (!audit_address_after(part, &at) || !prefix_has(prefix, &at)))
			return prefix_address(prefix);
	} while (part);
	return at;
}

/* Nobody offers it, nor has lately offered it, by another class than VPN. */
static bool is_vpn_only(const struct audit *a, const struct audit_destination *d)
{
	const struct prefix *prefix = rib_node_prefix(d->node);
	struct policy_answer answer;
	struct sw_group group;
	struct prefix match;

	if (fib_cover(a->ctx->fib, prefix, &match, &group) && prefix_equal(&match, prefix) &&
	    group.degraded < config_rank(a->ctx->cfg, SW_CLASS_VPN))
		return false;
	policy_tiers(a->ctx->cfg, d->node, &answer);
	for (uint64_t left = answer.members; left; left &= left - 1) {
		const struct config_path *p =
			rib_path(a->ctx->rib, (unsigned int)__builtin_ctzll(left));

		if (!p || p->class != SW_CLASS_VPN)
			return false;
	}
	return answer.members;
}

/* Whether Azure says that the prefix is its own, or in one of its own. */
static bool is_azures(const struct audit *a, const struct prefix *prefix)
{
	const struct ip_addr ip = prefix_address(prefix);
	const struct rib_node *node = rib_match(a->ctx->rib, VIEW_REMOTE, &ip);

	for (; node; node = rib_parent(node)) {
		if (!prefix_contains(rib_node_prefix(node), prefix))
			continue;
		for (const struct candidate *c = rib_node_candidates(node); c; c = c->next)
			if (!c->peer_down && c->attr->class == SW_CLASS_PEERING)
				return true;
	}
	return false;
}

/* By where the remote view has it; a covering prefix tells only where it is Azure's own. */
static void find_by(const struct audit *a, struct audit_destination *d)
{
	const struct prefix *prefix = rib_node_prefix(d->node);
	const struct rib_node *there = rib_find(a->ctx->rib, VIEW_REMOTE, prefix);
	struct remote_return found;

	if (there && remote_best(there, a->ctx->now, &found) && prefix->len) {
		if (found.class == SW_CLASS_EXPRESSROUTE)
			d->by = AUDIT_BY_EXPRESSROUTE;
		else if (found.class == SW_CLASS_VPN)
			d->by = AUDIT_BY_VPN;
		return;
	}
	if (!is_azures(a, prefix))
		d->vpn_only = is_vpn_only(a, d);
}

enum audit_by audit_by(const struct audit_source *src, const struct audit_destination *dst)
{
	if (dst->vpn_only &&
	    (src->was[AUDIT_BY_VPN].known || src->vpn_seen || src->was[AUDIT_BY_ANY].second_hand))
		return AUDIT_BY_VPN;
	return dst->by;
}

bool audit_destination(const struct audit *a, const struct rib_node *node,
		       struct audit_destination *out)
{
	const struct candidate *c = rib_node_candidates(node);

	while (c && !candidate_live(c))
		c = c->next;
	if (!c || audit_is_exempt(a, rib_node_prefix(node)))
		return false;
	*out = (struct audit_destination){
		.node = node,
		.prefix = *rib_node_prefix(node),
		.host = audit_free_address(a, rib_node_prefix(node)),
	};
	audit_ways_out(a, out, NULL);
	audit_rules_meet(a->ctx->cfg, false, &out->prefix, &out->host, &out->rules);
	find_by(a, out);
	return true;
}

static void narrow(const struct audit *a, struct audit_destination *d, const struct prefix *prefix,
		   struct ip_addr host)
{
	d->prefix = *prefix;
	d->host = host;
	audit_rules_meet(a->ctx->cfg, false, &d->prefix, &d->host, &d->rules);
}

bool audit_part(const struct audit *a, const struct audit_destination *whole,
		const struct prefix *after, struct audit_destination *out)
{
	const struct config *cfg = a->ctx->cfg;
	const struct prefix *first = NULL;

	for (size_t i = 0; i < cfg->n_rules; i++) {
		const struct prefix *to = &cfg->rules[i].to;

		if (!whole->node ||
		    !audit_rule_splits(&cfg->rules[i], to, rib_node_prefix(whole->node)) ||
		    prefix_cmp(to, after) <= 0 || (first && prefix_cmp(to, first) >= 0) ||
		    cause_match(a->ctx->rib, VIEW_LOCAL, to) != whole->node ||
		    audit_is_exempt(a, to))
			continue;
		first = to;
	}
	if (!first)
		return false;
	*out = *whole;
	narrow(a, out, first, audit_free_address(a, first));
	return true;
}

void audit_destination_of(const struct audit *a, const struct ip_addr *dst,
			  struct audit_destination *out)
{
	const struct prefix host = prefix_host(dst);

	narrow(a, out, &host, *dst);
}
