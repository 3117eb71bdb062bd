/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The facts behind a verdict: who the flow belongs to, what our routes would have chosen, which
 * better path was lost. Reads the RIB (or, while a restarted daemon's RIB is still empty, the
 * adopted FIB) and the paths' states; changes nothing.
 */
#include <string.h>

#include "core/cause.h"

#define WORD(field, text) WORD_##field,
enum { SW_LIVENESS(WORD) WORD_COUNT };

static int path_id(const struct incident_context *ctx, size_t i)
{
	return ctx->path_ids ? ctx->path_ids[i] : (int)i;
}

/* Whether a liveness word stops the path for this family. */
static bool path_objects(const struct incident_path_state *state, uint8_t family)
{
	for (int w = 0; w < WORD_COUNT; w++) {
		if (w == (family == 4 ? WORD_peers6 : WORD_peers4))
			continue;
		if (state->objections[w])
			return true;
	}
	return false;
}

static uint64_t paths_usable(const struct incident_context *ctx, uint8_t family)
{
	uint64_t usable = 0;

	for (size_t i = 0; i < ctx->cfg->n_paths; i++) {
		int id = path_id(ctx, i);

		if (ctx->path[id].configured && !path_objects(&ctx->path[id], family))
			usable |= 1ULL << id;
	}
	return usable;
}

static struct cause_way way_of(const struct config_path *path, int id)
{
	return (struct cause_way){
		.path = id,
		.name = path->name,
		.interface = path->interface,
		.l3 = config_l3(path),
		.circuit = path->circuit[0] ? path->circuit : path->name,
		.class = path->class,
	};
}

static struct cause_way way_by_id(const struct incident_context *ctx, uint8_t id)
{
	for (size_t i = 0; i < ctx->cfg->n_paths && id != SW_NO_PATH; i++)
		if (path_id(ctx, i) == id)
			return way_of(&ctx->cfg->paths[i], id);
	return (struct cause_way){.path = -1};
}

static const struct config_inside *inside_of(const struct config *cfg, const struct prefix *src,
					     struct prefix *network)
{
	const struct config_inside *found = NULL;
	int len = -1;

	for (size_t i = 0; i < cfg->n_inside; i++)
		for (size_t k = 0; k < cfg->inside[i].n_networks; k++) {
			const struct prefix *net = &cfg->inside[i].networks[k];

			if (net->len > len && prefix_contains(net, src)) {
				found = &cfg->inside[i];
				*network = *net;
				len = net->len;
			}
		}
	return found;
}

bool cause_stateful(const struct config *cfg, const struct prefix *src)
{
	struct prefix network;
	const struct config_inside *inside = inside_of(cfg, src, &network);

	return inside && inside->stateful;
}

static struct ip_addr key_addr(const struct sw_flow_key *key, bool hi)
{
	struct ip_addr ip = {.family = key->family};

	memcpy(ip.bytes, hi ? key->hi : key->lo, key->family == 4 ? 4 : 16);
	return ip;
}

static void expect_tier(const struct incident_context *ctx, struct cause_facts *f, uint64_t paths,
			enum sw_class class)
{
	f->has_expected = true;
	f->expected = class;
	for (size_t i = 0; i < ctx->cfg->n_paths && f->n_available < CAUSE_NAMES; i++)
		if (paths >> path_id(ctx, i) & 1)
			f->available[f->n_available++] = ctx->cfg->paths[i].name;
}

/* The first usable tier is the VPN's, by a longer prefix than a usable ExpressRoute one. */
static void find_more_specific(const struct incident_context *ctx, struct cause_facts *f,
			       const struct policy_answer *answer, size_t first, uint64_t usable)
{
	const struct policy_tier *vpn = &answer->tier[first];

	if (vpn->class != SW_CLASS_VPN || f->forward.path < 0 || f->forward.class != SW_CLASS_VPN ||
	    config_rank(ctx->cfg, SW_CLASS_EXPRESSROUTE) >= vpn->rank)
		return;
	for (size_t t = first + 1; t < answer->n_tiers; t++) {
		const struct policy_tier *er = &answer->tier[t];

		if (er->class != SW_CLASS_EXPRESSROUTE || !(er->paths & usable) ||
		    er->via.len >= vpn->via.len)
			continue;
		f->more_specific = true;
		f->vpn_prefix = vpn->via;
		f->er_prefix = er->via;
		return;
	}
}

static void expect_from_rib(const struct incident_context *ctx, struct cause_facts *f,
			    const struct rib_node *node, uint64_t usable)
{
	struct policy_answer answer;

	f->dst = *rib_node_prefix(node);
	policy_tiers(ctx->cfg, node, &answer);
	for (size_t t = 0; t < answer.n_tiers; t++) {
		uint64_t paths = answer.tier[t].paths & usable;

		if (!paths)
			continue;
		expect_tier(ctx, f, paths, answer.tier[t].class);
		find_more_specific(ctx, f, &answer, t, usable);
		return;
	}
}

static void expect_from_fib(const struct incident_context *ctx, struct cause_facts *f,
			    const struct ip_addr *dst, uint64_t usable)
{
	struct prefix prefix;
	struct sw_group group;

	if (!fib_lookup(ctx->fib, dst, &prefix, &group) || group.kind != SW_GROUP_ROUTE)
		return;
	f->dst = prefix;
	for (size_t t = 0; t < group.tiers && t < SW_MAX_TIERS; t++) {
		uint64_t paths = group.tier[t] & usable;

		if (!paths || group.rank[t] >= ctx->cfg->n_prefer)
			continue;
		expect_tier(ctx, f, paths, ctx->cfg->prefer[group.rank[t]]);
		return;
	}
}

/* The best candidate that counts of a path, the longest prefix first. */
static void find_route(const struct incident_context *ctx, const struct rib_node *node, int path,
		       struct cause_route *route)
{
	bool default_only = node && !rib_node_prefix(node)->len;

	for (; node && !route->candidate; node = rib_parent(node)) {
		enum policy_step step;

		if (!rib_node_prefix(node)->len && !default_only)
			return;
		for (const struct candidate *c = rib_node_candidates(node); c; c = c->next) {
			if (c->attr->path != path || !candidate_live(c))
				continue;
			if (!route->candidate ||
			    policy_compare(ctx->cfg, c, route->candidate, &step) < 0)
				route->candidate = c;
		}
		route->prefix = *rib_node_prefix(node);
	}
}

static void add_route(const struct incident_context *ctx, struct cause_facts *f,
		      const struct rib_node *node, const char *name, int path)
{
	for (size_t i = 0; i < f->n_routes; i++)
		if (!strcmp(f->route[i].path, name))
			return;
	if (path < 0 || f->n_routes == CAUSE_ROUTES)
		return;
	f->route[f->n_routes] = (struct cause_route){.path = name};
	find_route(ctx, node, path, &f->route[f->n_routes]);
	f->n_routes++;
}

static void add_routes(const struct incident_context *ctx, struct cause_facts *f,
		       const struct rib_node *node)
{
	if (f->forward.path >= 0)
		add_route(ctx, f, node, f->forward.name, f->forward.path);
	if (f->reverse.path >= 0)
		add_route(ctx, f, node, f->reverse.name, f->reverse.path);
	if (f->lost.path >= 0)
		add_route(ctx, f, node, f->lost.name, f->lost.path);
	for (size_t i = 0; i < ctx->cfg->n_paths; i++)
		if (f->n_available && f->available[0] == ctx->cfg->paths[i].name)
			add_route(ctx, f, node, f->available[0], path_id(ctx, i));
}

static enum cause path_cause(const struct incident_context *ctx, int id, uint8_t family)
{
	const uint64_t *objections = ctx->path[id].objections;

	if (objections[WORD_link])
		return CAUSE_LINK_DOWN;
	if (objections[WORD_admin])
		return CAUSE_DRAINED;
	if (ctx->path[id].limit_near)
		return CAUSE_PREFIX_LIMIT;
	if (objections[family == 4 ? WORD_peers4 : WORD_peers6] ||
	    !rib_path_routes(ctx->rib, id, family))
		return CAUSE_BGP_DOWN;
	return CAUSE_UNKNOWN;
}

/*
 * How well the loss of a path explains a failover. A path that objects comes first, or that was
 * near a limit on its prefixes, then one whose routes are all gone, then one that objected long
 * before the change that this flow felt.
 */
static int path_blame(const struct incident_context *ctx, const struct sw_event *ev, int id)
{
	const struct incident_path_state *state = &ctx->path[id];

	if (path_objects(state, ev->key.family))
		return state->changed_ns + ctx->cfg->grace_ns < ev->settle_ns ? 1 : 3;
	/* Azure may have dropped the connection of one VNet, while the session stays up */
	if (state->limit_near)
		return 3;
	return rib_path_routes(ctx->rib, id, ev->key.family) ? 0 : 2;
}

static void find_lost(const struct incident_context *ctx, const struct sw_event *ev,
		      struct cause_facts *f)
{
	uint8_t rank = config_rank(ctx->cfg, f->forward.class);
	uint64_t changed = 0, from, to;
	int best = 0;

	for (size_t i = 0; i < ctx->cfg->n_paths; i++) {
		const struct config_path *path = &ctx->cfg->paths[i];
		int id = path_id(ctx, i);
		int blame;

		if (!ctx->path[id].configured || config_rank(ctx->cfg, path->class) >= rank)
			continue;
		blame = path_blame(ctx, ev, id);
		if (blame < best || !blame ||
		    (blame == best && ctx->path[id].changed_ns <= changed))
			continue;
		best = blame;
		changed = ctx->path[id].changed_ns;
		f->lost = way_of(path, id);
		f->lost_objects = path_objects(&ctx->path[id], ev->key.family);
		f->lost_cause = path_cause(ctx, id, ev->key.family);
	}
	from = f->lost_objects ? changed : ev->settle_ns;
	to = ev->moved_ns >= from ? ev->moved_ns : ev->ts_ns;
	if (from && ev->created_ns < from && to >= from)
		f->duration_ms = (int64_t)((to - from) / 1000000);
}

/* What the two verdicts of one direction are told from. */
static void gather_one(const struct incident_context *ctx, const struct sw_event *ev,
		       struct cause_facts *f)
{
	struct prefix network;

	f->no_syn = ev->about & SW_FLOW_NO_SYN;
	f->loops = ev->about & SW_FLOW_LOOPS;
	if (f->verdict == SW_VERDICT_LOOP_OR_SPOOF) {
		f->reverse = way_by_id(ctx, ev->spoof_path);
		if (inside_of(ctx->cfg, &f->dst, &network))
			f->dst = network;
	} else if (f->verdict == SW_VERDICT_ONE_WAY) {
		/* the other's path is of before the last change */
		if (!(ev->state.flags & SW_FLOW_OUT_FRESH))
			f->forward = (struct cause_way){.path = -1};
		if (!(ev->state.flags & SW_FLOW_IN_FRESH))
			f->reverse = (struct cause_way){.path = -1};
	}
}

bool cause_asks_kernel(const struct cause_facts *f)
{
	if (f->verdict == SW_VERDICT_ASYMMETRIC &&
	    (f->reverse.path < 0 || f->forward.class == f->reverse.class))
		return false;
	return (f->verdict == SW_VERDICT_ASYMMETRIC || f->verdict == SW_VERDICT_POLICY_VIOLATION) &&
	       f->forward.path >= 0 && f->has_expected && f->forward.class != f->expected &&
	       !f->more_specific && f->inside_interface;
}

void cause_gather(const struct incident_context *ctx, const struct sw_event *ev,
		  struct cause_facts *f)
{
	bool inside_hi = ev->about & SW_FLOW_INSIDE_IS_HI;
	struct ip_addr src = key_addr(&ev->key, inside_hi), dst = key_addr(&ev->key, !inside_hi);
	uint64_t usable = paths_usable(ctx, ev->key.family);
	const struct config_inside *inside;
	const struct rib_node *node;
	struct prefix network;

	*f = (struct cause_facts){
		.verdict = ev->state.verdict,
		.monitor = ctx->cfg->mode == SW_MODE_MONITOR,
		.src = prefix_host(&src),
		.dst = prefix_host(&dst),
		.forward = way_by_id(ctx, ev->state.out),
		.reverse = way_by_id(ctx, ev->state.in),
		.class_first_min = ctx->cfg->class_first_min,
		.lost = {.path = -1},
		.duration_ms = -1,
		.src_host = src,
		.dst_host = dst,
		.answer = ev->state.answer,
	};
	inside = inside_of(ctx->cfg, &f->src, &network);
	if (inside) {
		f->src = network;
		f->stateful = inside->stateful;
		f->inside_interface = inside->interface;
	}
	f->reverse_drained =
		f->reverse.path >= 0 && ctx->path[f->reverse.path].objections[WORD_admin];
	gather_one(ctx, ev, f);
	node = rib_match(ctx->rib, VIEW_LOCAL, &dst);
	if (node)
		expect_from_rib(ctx, f, node, usable);
	else
		expect_from_fib(ctx, f, &dst, usable);
	if (f->verdict == SW_VERDICT_FAILOVER && f->forward.path >= 0) {
		find_lost(ctx, ev, f);
		f->has_moved = f->lost_objects || ctx->prefixes_moved || ctx->prefixes_lost;
		if (f->lost.path >= 0 && f->has_moved) {
			f->prefixes_moved = ctx->prefixes_moved;
			f->prefixes_lost = ctx->prefixes_lost;
		}
	}
	add_routes(ctx, f, node);
}
