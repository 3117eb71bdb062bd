/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The facts behind a verdict: who the flow belongs to, what our routes would have chosen, which
 * better path was lost. Reads the RIB (or, while a restarted daemon's RIB is still empty, the
 * adopted FIB) and the paths' states; changes nothing.
 */
#include <arpa/inet.h>
#include <string.h>

#include "core/cause_gather.h"
#include "core/rules.h"

bool cause_path_objects(const struct incident_path_state *state, uint8_t family)
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
		int id = incident_path_id(ctx, i);

		if (ctx->path[id].configured && !cause_path_objects(&ctx->path[id], family))
			usable |= 1ULL << id;
	}
	return usable;
}

/* The first peer of the family, else the gateway, else a peer of the other family. */
static struct ip_addr neighbor_of(const struct config_path *path, uint8_t family)
{
	const struct ip_addr *gateway = family == 4 ? &path->gateway : &path->gateway6;

	for (size_t i = 0; i < path->n_peers; i++)
		if (path->peers[i].family == family)
			return path->peers[i];
	if (gateway->family || !path->n_peers)
		return *gateway;
	return path->peers[0];
}

struct cause_way cause_way_of(const struct config_path *path, int id, uint8_t family)
{
	return (struct cause_way){
		.path = id,
		.name = path->name,
		.interface = path->interface,
		.l3 = config_l3(path),
		.circuit = config_circuit_name(path),
		.class = path->class,
		.probed = path->probe.target.family,
		.neighbor = neighbor_of(path, family),
	};
}

static struct cause_way way_by_id(const struct incident_context *ctx, int id, uint8_t family)
{
	const struct config_path *path = rib_path(ctx->rib, (unsigned int)id);

	return path ? cause_way_of(path, id, family) : (struct cause_way){.path = -1};
}

bool cause_stateful(const struct config *cfg, const struct prefix *src)
{
	struct prefix network;
	const struct config_inside *inside = config_inside_of(cfg, src, &network);

	return inside && inside->stateful;
}

struct rib_node *cause_match(const struct rib *rib, enum rib_view view, const struct prefix *prefix)
{
	const struct ip_addr ip = prefix_address(prefix);
	struct rib_node *node = rib_match(rib, view, &ip);

	while (node && rib_node_prefix(node)->len > prefix->len)
		node = rib_parent(node);
	return node;
}

/* A better class than the one it was moved to would carry it now. */
static bool has_returned(const struct incident_context *ctx, const struct sw_event *ev)
{
	const struct ip_addr dst = flow_address(&ev->key, !(ev->about & SW_FLOW_INSIDE_IS_HI));
	const struct config_path *out = rib_path(ctx->rib, ev->state.out);
	struct sw_group group;
	struct prefix prefix;

	return out && fib_lookup(ctx->fib, &dst, &prefix, &group) &&
	       fib_answer_rank(&group, paths_usable(ctx, dst.family)) <
		       config_rank(ctx->cfg, out->class);
}

bool cause_is_over(const struct incident_context *ctx, const struct sw_event *ev)
{
	const struct config_rule *rule;

	switch (ev->state.verdict) {
	case SW_VERDICT_FAILOVER:
		return has_returned(ctx, ev);
	case SW_VERDICT_ASYMMETRIC:
	case SW_VERDICT_POLICY_VIOLATION:
		rule = cause_rule(ctx->cfg, ev);
		return rule && rule_encrypts(ctx->cfg, rule);
	default:
		return false;
	}
}

static void expect_tier(const struct incident_context *ctx, struct cause_facts *f, uint64_t paths,
			enum sw_class class)
{
	f->has_expected = true;
	f->expected = class;
	for (size_t i = 0; i < ctx->cfg->n_paths && f->n_available < CAUSE_NAMES; i++) {
		int id = incident_path_id(ctx, i);

		if (!(paths >> id & 1))
			continue;
		if (!f->n_available)
			f->better = cause_way_of(&ctx->cfg->paths[i], id, f->dst.family);
		f->available[f->n_available++] = ctx->cfg->paths[i].name;
	}
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
	if (!f->pair)
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
			    policy_compare(ctx->cfg, (struct policy_candidate){c, node},
					   (struct policy_candidate){route->candidate, node},
					   &step) < 0)
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
			add_route(ctx, f, node, f->available[0], incident_path_id(ctx, i));
}

/* What the two verdicts of one direction are told from. */
static void gather_one(const struct incident_context *ctx, const struct sw_event *ev,
		       struct cause_facts *f)
{
	struct prefix network;

	f->no_syn = ev->about & SW_FLOW_NO_SYN;
	f->loops = ev->about & SW_FLOW_LOOPS;
	f->reflected = ev->about & SW_FLOW_REFLECTED;
	if (f->verdict == SW_VERDICT_LOOP_OR_SPOOF) {
		f->reverse = way_by_id(ctx, ev->spoof_path, ev->key.family);
		if (config_inside_of(ctx->cfg, &f->dst, &network))
			f->dst = network;
	} else if (f->verdict == SW_VERDICT_ONE_WAY) {
		/* the other's path is of before the last change */
		if (!(ev->state.flags & SW_FLOW_OUT_FRESH))
			f->forward = (struct cause_way){.path = -1};
		if (!(ev->state.flags & SW_FLOW_IN_FRESH))
			f->reverse = (struct cause_way){.path = -1};
	}
}

const struct config_rule *cause_rule(const struct config *cfg, const struct sw_event *ev)
{
	bool inside_hi = ev->about & SW_FLOW_INSIDE_IS_HI;
	const struct rule_flow flow = {
		.from = flow_address(&ev->key, inside_hi),
		.to = flow_address(&ev->key, !inside_hi),
		.proto = ev->key.proto,
		.port = ntohs(inside_hi ? ev->key.lo_port : ev->key.hi_port),
		.dscp = -1,
	};

	return cfg->n_rules ? rules_match(cfg, &flow) : NULL;
}

static void gather_rule(const struct incident_context *ctx, const struct sw_event *ev,
			struct cause_facts *f)
{
	const struct config_rule *rule = f->flow_rule;
	const struct config_path *path;

	if (!rule)
		return;
	f->stateful |= rule->stateful;
	f->must_encrypt = rule_encrypts(ctx->cfg, rule);
	path = rib_path(ctx->rib, ev->state.answer);
	if ((rule->action != RULE_PREFER && rule->action != RULE_ONLY) || !path)
		return;
	/* what select gave it was by the rule, not by the ladder */
	f->rule = rule->name;
	f->n_available = 0;
	f->more_specific = false;
	expect_tier(ctx, f, 1ULL << ev->state.answer, path->class);
	add_route(ctx, f, rib_match(ctx->rib, VIEW_LOCAL, &f->dst_host), path->name,
		  ev->state.answer);
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

/* What the routing daemon itself chose, where a feed says so. */
static void find_chosen(const struct rib_node *node, const struct config *cfg,
			const struct incident_context *ctx, struct cause_route *chosen)
{
	const struct candidate *c = node ? rib_node_candidates(node) : NULL;

	while (c && !c->chosen)
		c = c->next;
	for (size_t i = 0; c && i < cfg->n_paths; i++)
		if (incident_path_id(ctx, i) == c->attr->path)
			*chosen =
				(struct cause_route){cfg->paths[i].name, c, *rib_node_prefix(node)};
}

static enum cause_router router_of(const struct config *cfg)
{
	for (size_t i = 0; i < cfg->n_feeds; i++)
		if (cfg->feeds[i].type == FEED_FRR)
			return ROUTER_FRR;
	return ROUTER_UNKNOWN;
}

static bool route_is_lost(const struct cause_facts *f, const char *path)
{
	for (size_t i = 0; i < f->n_routes; i++)
		if (!strcmp(f->route[i].path, path))
			return !f->route[i].candidate;
	return false;
}

/*
 * The last change that the far side may not have followed yet: the way that it still returns by was
 * lost, or the one that we send by came back and has brought nothing since.
 */
static void find_change(const struct incident_context *ctx, struct cause_facts *f)
{
	const struct ip_addr dst = prefix_address(&f->dst);
	bool lost = false, answered = false;
	uint64_t last = 0, since = 0;
	struct sw_group group;
	struct prefix prefix;

	if (f->forward.path < 0 || f->reverse.path < 0)
		return;
	if (fib_lookup(ctx->fib, &dst, &prefix, &group) && group.kind == SW_GROUP_ROUTE)
		since = group.since_ns;
	if (cause_path_objects(&ctx->path[f->reverse.path], f->dst.family)) {
		last = ctx->path[f->reverse.path].changed_ns;
		lost = true;
	}
	lost |= route_is_lost(f, f->reverse.name);
	if (!lost) {
		last = ctx->path[f->forward.path].changed_ns;
		answered = ctx->path[f->forward.path].received_ns >
			   (last > since ? last : since) + CAUSE_SETTLED_NS;
	}
	if (since > last)
		last = since;
	if (last && !answered && ctx->now >= last &&
	    ctx->now - last < CAUSE_NEAR_NS + ctx->cfg->grace_ns)
		f->changed_ago_ns = (int64_t)(ctx->now - last);
}

/* All that depends on the two prefixes and the two ways alone. */
static void gather_ways(const struct incident_context *ctx, const struct prefix *src,
			const struct prefix *dst, const struct sw_event *ev, struct cause_facts *f)
{
	const struct ip_addr address = prefix_address(dst);
	const struct rib_node *node = cause_match(ctx->rib, VIEW_LOCAL, dst);
	uint64_t usable = paths_usable(ctx, dst->family);
	const struct config_inside *inside;
	struct prefix network;

	f->monitor = ctx->cfg->mode == SW_MODE_MONITOR;
	f->class_first_min = ctx->cfg->class_first_min;
	f->router = router_of(ctx->cfg);
	inside = config_inside_of(ctx->cfg, src, &network);
	if (inside) {
		f->stateful = inside->stateful;
		f->inside_interface = inside->interface;
		if (!f->pair)
			f->src = network;
	}
	if (f->reverse.path >= 0)
		f->reverse_drained = ctx->path[f->reverse.path].objections[WORD_admin];
	if (f->forward.path >= 0)
		f->forward_dead = ctx->path[f->forward.path].dead;
	if (node) {
		if (!f->pair && f->dst.len == dst->len) /* else an inside network */
			f->dst = *rib_node_prefix(node);
		expect_from_rib(ctx, f, node, usable);
		find_chosen(node, ctx->cfg, ctx, &f->chosen);
	} else {
		expect_from_fib(ctx, f, &address, usable);
	}
	if (f->verdict == SW_VERDICT_FAILOVER && f->forward.path >= 0)
		cause_gather_lost(ctx, ev, f);
	cause_gather_remote(ctx, src, inside ? &network : NULL, &f->remote);
	add_routes(ctx, f, node);
	find_change(ctx, f);
}

static const struct cause_facts no_facts = {
	.lost = {.path = -1},
	.better = {.path = -1},
	.duration_ms = -1,
	.changed_ago_ns = -1,
};

void cause_gather_ruled(const struct incident_context *ctx, const struct sw_event *ev,
			const struct config_rule *rule, struct cause_facts *f)
{
	bool inside_hi = ev->about & SW_FLOW_INSIDE_IS_HI;
	struct ip_addr src = flow_address(&ev->key, inside_hi),
		       dst = flow_address(&ev->key, !inside_hi);
	const struct prefix src_host = prefix_host(&src), dst_host = prefix_host(&dst);

	*f = no_facts;
	f->flow_rule = rule;
	f->verdict = ev->state.verdict;
	f->src = src_host;
	f->dst = dst_host;
	f->src_host = src;
	f->dst_host = dst;
	f->answer = ev->state.answer;
	f->forward = way_by_id(ctx, ev->state.out, dst.family);
	f->reverse = way_by_id(ctx, ev->state.in, dst.family);
	f->dropped = ctx->cfg->mode == SW_MODE_ENFORCE &&
		     ctx->cfg->asymmetry == SW_ASYMMETRY_DROP &&
		     f->verdict == SW_VERDICT_ASYMMETRIC;
	gather_one(ctx, ev, f);
	gather_ways(ctx, &src_host, &dst_host, ev, f);
	gather_rule(ctx, ev, f);
}

void cause_gather(const struct incident_context *ctx, const struct sw_event *ev,
		  struct cause_facts *f)
{
	cause_gather_ruled(ctx, ev, cause_rule(ctx->cfg, ev), f);
}

/* The path that Azure's answers come by: of the class and, where one has it, of the circuit. */
static struct cause_way way_back(const struct incident_context *ctx, const struct cause_pair *pair)
{
	const char *circuit = pair->reverse_circuit ? pair->reverse_circuit : "";
	struct cause_way first = {.path = -1};

	for (size_t i = 0; i < ctx->cfg->n_paths; i++) {
		const struct config_path *path = &ctx->cfg->paths[i];
		int id = incident_path_id(ctx, i);
		struct cause_way way = cause_way_of(path, id, pair->dst.family);

		if (path->class != pair->reverse_class)
			continue;
		if (first.path < 0 || (id == pair->forward && !circuit[0]))
			first = way;
		if (circuit[0] && !strcmp(way.circuit, circuit))
			return way;
	}
	return first;
}

void cause_gather_pair(const struct incident_context *ctx, const struct cause_pair *pair,
		       struct cause_facts *f)
{
	struct sw_event ev = {.key.family = pair->dst.family};

	*f = no_facts;
	f->pair = true;
	f->verdict = pair->verdict;
	f->src = pair->src;
	f->dst = pair->dst;
	f->src_host = prefix_address(&pair->src);
	f->dst_host = prefix_address(&pair->dst);
	f->answer = SW_NO_PATH;
	f->forward = way_by_id(ctx, pair->forward, pair->dst.family);
	f->reverse = pair->has_reverse ? way_back(ctx, pair) : (struct cause_way){.path = -1};
	gather_ways(ctx, &pair->src, &pair->dst, &ev, f);
}
