/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Prefixes that nothing leads to any more, though this edge had them or Azure has them as its own:
 * columns of an audit that no candidate makes. Told are those whose candidates' sessions are down,
 * those that went with a path that failed (network_prefixes.c), and what the remote view says is a
 * VNet's. What Azure has of others (another site's, say) was never ours to have, and is none.
 */
#include "core/audit_internal.h"
#include "core/cause_text.h"
#include "core/network_watch.h"
#include "core/remote.h"

static void nearer(struct prefix *first, bool *found, const struct prefix *next)
{
	if (!*found || prefix_cmp(next, first) < 0)
		*first = *next;
	*found = true;
}

bool audit_lost_after(const struct audit *a, bool begun, struct prefix *at)
{
	static const enum rib_view views[] = {VIEW_LOCAL, VIEW_REMOTE};
	const struct prefix after = *at;
	struct prefix gone;
	bool found = false;

	for (size_t i = 0; i < 2; i++) {
		const struct rib_node *node = begun ? rib_after(a->ctx->rib, views[i], &after)
						    : rib_next(a->ctx->rib, views[i], NULL);

		if (node)
			nearer(at, &found, rib_node_prefix(node));
	}
	if (a->watch && network_gone_after(a->watch, begun ? &after : NULL, &gone))
		nearer(at, &found, &gone);
	return found;
}

/* Whether a packet to it finds a candidate that counts. */
static bool is_led(const struct audit *a, const struct prefix *prefix)
{
	const struct ip_addr ip = prefix_address(prefix);
	const struct rib_node *node = rib_match(a->ctx->rib, VIEW_LOCAL, &ip);

	while (node && !prefix_contains(rib_node_prefix(node), prefix))
		node = rib_parent(node);
	return node;
}

static bool is_well(const struct audit *a, int id, uint8_t family)
{
	return a->usable[family == 6] >> id & 1 && rib_path_routes(a->ctx->rib, id, family);
}

/* The first of these that is not well; NULL: they are. */
static const struct config_path *failed_path(const struct audit *a, uint64_t among, uint8_t family)
{
	for (size_t i = 0; i < a->ctx->cfg->n_paths; i++) {
		int id = incident_path_id(a->ctx, i);

		if (among >> id & 1 && !is_well(a, id, family))
			return &a->ctx->cfg->paths[i];
	}
	return NULL;
}

/* By which it should have come: of the best class, where none of it is well. */
static const struct config_path *best_path(const struct audit *a, uint8_t family)
{
	uint64_t best = network_same(a->ctx, network_first_rank(a->ctx));

	for (uint64_t left = best; left; left &= left - 1)
		if (is_well(a, __builtin_ctzll(left), family))
			return NULL;
	return failed_path(a, best, family);
}

/*
 * The paths that it was by; 0: not known. What went while they were well was withdrawn, as routes
 * are: route-change tells it.
 */
static uint64_t had_paths(const struct audit *a, const struct prefix *prefix)
{
	const struct rib_node *node = rib_find(a->ctx->rib, VIEW_LOCAL, prefix);
	uint64_t paths = a->watch ? network_gone_paths(a->watch, prefix) : 0;

	if (paths && !failed_path(a, paths, prefix->family))
		paths = 0;
	for (const struct candidate *c = node ? rib_node_candidates(node) : NULL; c; c = c->next)
		if (!c->attr->own && !c->chosen && c->attr->path >= 0)
			paths |= 1ULL << c->attr->path;
	return paths;
}

/* The best that the remote view has of exactly this, NULL: nothing. */
static const struct candidate *remote_of(const struct audit *a, const struct prefix *prefix)
{
	const struct rib_node *node = rib_find(a->ctx->rib, VIEW_REMOTE, prefix);
	struct remote_return found;

	return node && remote_best(node, a->ctx->now, &found) ? found.candidate : NULL;
}

static bool is_vnet(const struct candidate *remote)
{
	return remote && remote->attr->class == SW_CLASS_PEERING;
}

bool audit_lost(const struct audit *a, const struct prefix *prefix, struct audit_destination *out)
{
	const struct candidate *remote = remote_of(a, prefix);
	struct prefix network;

	if (!prefix->len || is_led(a, prefix) || audit_is_exempt(a, prefix) ||
	    config_inside_of(a->ctx->cfg, prefix, &network) ||
	    (!had_paths(a, prefix) && !is_vnet(remote)))
		return false;
	*out = (struct audit_destination){
		.prefix = *prefix,
		.host = audit_free_address(a, prefix),
	};
	audit_ways_out(a, out, NULL);
	audit_rules_meet(a->ctx->cfg, false, &out->prefix, &out->host, &out->rules);
	if (remote && remote->attr->class == SW_CLASS_EXPRESSROUTE)
		out->by = AUDIT_BY_EXPRESSROUTE;
	else if (remote && remote->attr->class == SW_CLASS_VPN)
		out->by = AUDIT_BY_VPN;
	return true;
}

void audit_tell_lost(const struct audit *a, const struct audit_destination *dst,
		     struct cause_told *told)
{
	const struct candidate *remote = remote_of(a, &dst->prefix);
	uint64_t had = had_paths(a, &dst->prefix);
	uint8_t family = dst->prefix.family;
	const struct config_path *path = had ? failed_path(a, had, family) : best_path(a, family);
	struct text msg = {told->message, 0}, fix = {told->fix, 0};
	char text[PREFIX_STRLEN];

	prefix_format(&dst->prefix, text);
	if (path)
		told->cause = cause_of_path(
			a->ctx, incident_path_id(a->ctx, (size_t)(path - a->ctx->cfg->paths)),
			family);
	text_add(&msg, "%s has no route here", text);
	if (had) {
		text_add(&msg, " any more, it came by ");
		text_path_names(&msg, a->ctx, had);
	}
	if (path)
		text_add(&msg, "; %s: %s", path->name, network_cause_words(told->cause));
	if (is_vnet(remote))
		text_add(&msg, "; Azure has it as its own");
	else if (remote)
		text_add(&msg, "; Azure still has it, by %s",
			 class_name((enum sw_class)remote->attr->class));
	if (path)
		text_add(&fix,
			 "`sameway paths` says why %s is not well; announce %s on another path, "
			 "too, if it needs a backup",
			 path->name, text);
	else
		text_add(&fix,
			 "see what the neighbours announce and what our import filter leaves "
			 "(`show bgp ipv4 unicast neighbors N received-routes`, `birdc show route "
			 "filtered`), and in Azure whether the VNet's peering uses the remote "
			 "gateway");
}
