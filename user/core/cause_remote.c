/* SPDX-License-Identifier: GPL-2.0-only */
/* What Azure's own tables say of the way back to an inside prefix, by class. */
#include <string.h>

#include "core/cause_gather.h"
#include "core/remote.h"

#define MISSING_LOOKED 256 /* prefixes of an inside network, at most */

/* Fresh before stale, a gateway's word before others'. */
static bool better(const struct candidate *a, const struct candidate *b)
{
	if (a->stale != b->stale)
		return !a->stale;
	return !a->attr->second_hand && b->attr->second_hand;
}

/* The node's best of the class, NULL: none. */
static const struct candidate *of_class(const struct rib_node *node, enum sw_class class)
{
	const struct candidate *best = NULL;

	for (const struct candidate *c = rib_node_candidates(node); c; c = c->next)
		if (!c->peer_down && c->attr->class == class && (!best || better(c, best)))
			best = c;
	return best;
}

/* The longest that covers src; the default route only where nothing else does. */
static void find_class(const struct rib_node *node, enum sw_class class, struct cause_route *out)
{
	bool default_only = !rib_node_prefix(node)->len;

	for (; node && !out->candidate; node = rib_parent(node)) {
		if (!rib_node_prefix(node)->len && !default_only)
			return;
		out->candidate = of_class(node, class);
		out->prefix = *rib_node_prefix(node);
	}
}

/* A circuit's own table has it by ExpressRoute, and a gateway has src, but not by that. */
static bool only_far(const struct cause_remote *r)
{
	return r->er.candidate && r->er.candidate->attr->second_hand && r->vpn.candidate &&
	       !r->vpn.candidate->attr->second_hand;
}

/* The AS of this site: a BGP feed's own, else whose route it is that ExpressRoute brought. */
static uint32_t own_as(const struct config *cfg, const struct candidate *er)
{
	for (size_t i = 0; i < cfg->n_feeds; i++)
		if (cfg->feeds[i].as)
			return cfg->feeds[i].as;
	return er && er->attr->n_as ? er->attr->as_path[er->attr->n_as - 1] : 0;
}

/* A site without BGP shows an empty AS path. */
static bool is_foreign(const struct candidate *vpn, uint32_t own)
{
	const struct attributes *a = vpn->attr;

	if (!a->has_as_path)
		return false;
	return !a->n_as || (own && a->as_path[a->n_as - 1] != own);
}

static bool is_here(const struct config *cfg, const struct cause_remote *r)
{
	for (size_t i = 0; i < cfg->n_paths; i++) {
		const struct config_path *p = &cfg->paths[i];

		if (p->class == r->class &&
		    (!r->circuit[0] || r->class == SW_CLASS_VPN ||
		     !strcmp(r->circuit, p->circuit) || !strcmp(r->circuit, p->name)))
			return true;
	}
	return false;
}

/* BGP addresses of the gateways are hosts of their own, by VPN alone, and no mistake. */
static void find_missing(const struct rib *rib, const struct prefix *network,
			 struct cause_remote *r)
{
	struct rib_node *node = rib_find(rib, VIEW_REMOTE, network);
	size_t looked = 0;

	if (!node)
		node = rib_after(rib, VIEW_REMOTE, network);
	for (; node && prefix_contains(network, rib_node_prefix(node)) && looked < MISSING_LOOKED;
	     node = rib_next(rib, VIEW_REMOTE, node), looked++) {
		const struct prefix *prefix = rib_node_prefix(node);

		if (r->n_missing == CAUSE_NAMES || prefix->len == prefix_max_len(prefix->family))
			continue;
		if (of_class(node, SW_CLASS_VPN) && !of_class(node, SW_CLASS_EXPRESSROUTE))
			r->missing[r->n_missing++] = *prefix;
	}
}

void cause_gather_remote(const struct incident_context *ctx, const struct prefix *src,
			 const struct prefix *network, struct cause_remote *r)
{
	const struct rib_node *node = cause_match(ctx->rib, VIEW_REMOTE, src);
	struct remote_return back;

	*r = (struct cause_remote){.circuit = ""};
	r->fed = rib_next(ctx->rib, VIEW_REMOTE, NULL);
	if (!node || !remote_best(node, ctx->now, &back))
		return;
	r->known = true;
	r->prefix = back.prefix;
	r->class = back.class;
	r->circuit = back.circuit;
	r->age_ns = back.age_ns;
	r->here = is_here(ctx->cfg, r);
	find_class(node, SW_CLASS_EXPRESSROUTE, &r->er);
	find_class(node, SW_CLASS_VPN, &r->vpn);
	r->far = only_far(r);
	if (r->vpn.candidate)
		r->vpn_foreign = is_foreign(r->vpn.candidate, own_as(ctx->cfg, r->er.candidate));
	if (network)
		find_missing(ctx->rib, network, r);
}
