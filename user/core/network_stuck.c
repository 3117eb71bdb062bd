/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Traffic that does not come back to a path that has (S13, S14, S21, S26): the path has been well
 * for failback-delay + grace, and flows of prefixes that it answers are still on a worse class, on
 * our side or on Azure's. Only after a return, and until that side was once seen to follow: what
 * leaves a path later has another cause.
 *
 * Where nothing flows, and in monitor mode the kernel chooses, its own routes are asked for some of
 * the prefixes.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "core/cause_text.h"
#include "core/network_watch.h"
#include "core/remote.h"
#include "core/rules.h"

#define SEEN_NS	 10000000000ULL /* a flow without a packet for so long tells nothing */
#define OVER_NS	 30000000000ULL
#define NS_PER_S 1000000000ULL
#define ASKED	 4 /* prefixes that the kernel is asked for */

static const enum side side_of[STUCK_SIDES] = {SIDE_ONPREM, SIDE_AZURE};

static uint64_t due_ns(const struct network_path *p, const struct incident_context *ctx)
{
	return p->well_ns + ctx->cfg->failback_delay_ns + ctx->cfg->grace_ns;
}

static bool due(const struct network_path *p, const struct incident_context *ctx)
{
	return p->well && (p->stuck[STUCK_ONPREM].watched || p->stuck[STUCK_AZURE].watched) &&
	       ctx->now >= due_ns(p, ctx);
}

bool network_watch_wants(struct network_watch *watch, const struct incident_context *ctx)
{
	bool wants = false;

	for (int id = 0; id < SW_MAX_PATHS; id++) {
		struct network_path *p = &watch->path[id];

		p->scanned = due(p, ctx);
		wants |= p->scanned || (p->back_ns && p->moved);
		for (int side = 0; side < STUCK_SIDES; side++)
			p->stuck[side].flows = p->stuck[side].well = 0;
	}
	return wants;
}

static struct ip_addr outside_of(const struct sw_flow_key *key, const struct flow *flow)
{
	return flow_address(key, !(flow->about & SW_FLOW_INSIDE_IS_HI));
}

static uint8_t rank_of(const struct incident_context *ctx, uint8_t id)
{
	const struct config_path *cfg = rib_path(ctx->rib, (unsigned int)id);

	return cfg ? config_rank(ctx->cfg, cfg->class) : SW_NO_RANK;
}

static void example_set(struct network_stuck *stuck, const struct sw_flow_key *key,
			const struct flow *flow, const struct prefix *dst)
{
	stuck->dst = *dst;
	stuck->example = (struct sw_event){
		.settle_ns = flow->settle_ns,
		.created_ns = flow->created_ns,
		.key = *key,
		.previous = flow->told,
		.about = flow->about,
		.spoof_path = flow->spoof_path,
		.state = flow->state,
	};
}

/* A direction's class; path SW_NO_PATH: not seen. */
static void side_add(struct network_stuck *stuck, uint8_t rank, uint8_t best,
		     const struct sw_flow_key *key, const struct flow *flow,
		     const struct prefix *dst)
{
	if (!stuck->watched || rank == SW_NO_RANK)
		return;
	if (rank <= best) {
		stuck->well++;
		return;
	}
	if (!stuck->flows++)
		example_set(stuck, key, flow, dst);
}

static void stuck_flow(struct network_watch *watch, const struct incident_context *ctx, int id,
		       const struct sw_flow_key *key, const struct flow *flow)
{
	struct network_path *p = &watch->path[id];
	struct ip_addr dst = outside_of(key, flow);
	struct prefix prefix;
	struct sw_group group;
	uint8_t best;

	/* what was last seen before it was due can't have followed */
	if (ctx->now > flow->seen_ns + SEEN_NS || flow->seen_ns < due_ns(p, ctx) ||
	    flow->state.verdict == SW_VERDICT_PENDING ||
	    !fib_lookup(ctx->fib, &dst, &prefix, &group) || !(group.members >> id & 1))
		return;
	best = rank_of(ctx, (uint8_t)id);
	/* the flow's own answer: a rule may want it elsewhere */
	if (fib_answer_rank(&group, watch->usable) != best ||
	    rank_of(ctx, flow->state.answer) != best)
		return;
	if (flow->state.flags & SW_FLOW_OUT_FRESH)
		side_add(&p->stuck[STUCK_ONPREM], rank_of(ctx, flow->state.out), best, key, flow,
			 &prefix);
	if (flow->state.flags & SW_FLOW_IN_FRESH)
		side_add(&p->stuck[STUCK_AZURE], rank_of(ctx, flow->state.in), best, key, flow,
			 &prefix);
}

void network_watch_flow(struct network_watch *watch, const struct incident_context *ctx,
			const struct sw_flow_key *key, const struct flow *flow)
{
	for (int id = 0; id < SW_MAX_PATHS; id++) {
		struct network_path *p = &watch->path[id];

		if (p->back_ns)
			network_failback_flow(p, id, flow);
		if (p->scanned)
			stuck_flow(watch, ctx, id, key, flow);
	}
}

/* An address that is answered, of a prefix: its first but one, where it has such. */
static struct ip_addr address_in(const struct prefix *prefix)
{
	struct ip_addr ip = prefix_address(prefix);

	if (prefix->len < prefix_max_len(prefix->family))
		ip.bytes[prefix->family == 4 ? 3 : 15] |= 1;
	return ip;
}

static const struct config_inside *inside_of(const struct config *cfg, uint8_t family,
					     struct ip_addr *src)
{
	for (size_t i = 0; i < cfg->n_inside; i++)
		for (size_t k = 0; k < cfg->inside[i].n_networks; k++)
			if (cfg->inside[i].networks[k].family == family) {
				*src = address_in(&cfg->inside[i].networks[k]);
				return &cfg->inside[i];
			}
	return NULL;
}

/* The path of a worse class whose device the kernel sends it out of; -1: none. */
static int kernel_sends_by(const struct incident_context *ctx, uint8_t best,
			   const struct ip_addr *src, const struct ip_addr *dst, const char *inside,
			   int id)
{
	struct kernel_route route = {0};

	if (ctx->kernel_route(ctx->kernel_arg, src, dst, inside, (uint8_t)id, &route))
		return -1;
	for (size_t i = 0; i < ctx->cfg->n_paths; i++) {
		const struct config_path *cfg = &ctx->cfg->paths[i];
		uint8_t rank = config_rank(ctx->cfg, cfg->class);

		if (rank != SW_NO_RANK && rank > best &&
		    (!strcmp(cfg->interface, route.interface) ||
		     !strcmp(config_l3(cfg), route.interface)))
			return incident_path_id(ctx, i);
	}
	return -1;
}

/* A flow as it would be: by which the cause is told. */
static void example_make(struct network_stuck *stuck, const struct ip_addr *src,
			 const struct ip_addr *dst, int by, int id)
{
	bool swap = memcmp(src->bytes, dst->bytes, sizeof(src->bytes)) > 0;
	struct sw_event *ev = &stuck->example;

	*ev = (struct sw_event){
		.about = swap ? SW_FLOW_INSIDE_IS_HI : 0,
		.state = {.out = (uint8_t)by,
			  .in = (uint8_t)by,
			  .answer = (uint8_t)id,
			  .verdict = SW_VERDICT_POLICY_VIOLATION},
	};
	memcpy(ev->key.lo, swap ? dst->bytes : src->bytes, 16);
	memcpy(ev->key.hi, swap ? src->bytes : dst->bytes, 16);
	ev->key.family = src->family;
}

/* A policy rule takes all that goes there: the ladder is not what says where it should. */
static bool is_ruled(const struct config *cfg, const struct ip_addr *src, const struct ip_addr *dst)
{
	const struct rule_flow any = {.from = *src, .to = *dst, .proto = IPPROTO_RAW, .dscp = -1};
	const struct config_rule *rule = rules_match(cfg, &any);

	return rule && rule->action != RULE_NOTHING;
}

static void kernel_look(struct network_path *p, const struct incident_context *ctx, uint64_t usable,
			int id)
{
	struct network_stuck *stuck = &p->stuck[STUCK_ONPREM];
	struct prefix prefix[ASKED];
	size_t n;

	if (!stuck->watched || stuck->flows || stuck->well || !ctx->kernel_route ||
	    ctx->cfg->mode != SW_MODE_MONITOR)
		return;
	n = fib_answered(ctx->fib, usable, (unsigned int)id, prefix, ASKED);
	for (size_t i = 0; i < n; i++) {
		struct ip_addr dst = address_in(&prefix[i]), src;
		const struct config_inside *inside = inside_of(ctx->cfg, dst.family, &src);
		int by;

		if (!inside)
			continue;
		if (is_ruled(ctx->cfg, &src, &dst)) { /* goes where the rule wants it */
			stuck->well++;
			continue;
		}
		by = kernel_sends_by(ctx, rank_of(ctx, (uint8_t)id), &src, &dst, inside->interface,
				     id);
		if (by < 0) {
			stuck->well++;
			continue;
		}
		stuck->dst = prefix[i];
		example_make(stuck, &src, &dst, by, id);
		stuck->kernel = true;
		stuck->well = 0;
		return;
	}
}

/* Why our side does not follow, told as of a flow of it. */
static void onprem_tell(struct network_stuck *stuck, const struct incident_context *ctx)
{
	struct sw_event ev = stuck->example;
	struct cause_facts facts;

	if (ev.state.in >= SW_MAX_PATHS)
		ev.state.in = ev.state.out;
	ev.state.verdict = SW_VERDICT_POLICY_VIOLATION;
	cause_gather(ctx, &ev, &facts);
	if (cause_asks_kernel(&facts) && ctx->kernel_route) {
		facts.kernel.asked = true;
		facts.kernel.known = !ctx->kernel_route(ctx->kernel_arg, &facts.src_host,
							&facts.dst_host, facts.inside_interface,
							facts.answer, &facts.kernel.route);
	}
	cause_tell(&facts, &stuck->told);
}

/* What Azure has learned of us says why, where a feed shows it. */
static void azure_tell(struct network_stuck *stuck, const struct incident_context *ctx)
{
	struct text fix = {stuck->told.fix, 0};
	struct cause_facts facts;
	struct remote_return back;
	bool er = false;

	cause_gather(ctx, &stuck->example, &facts);
	stuck->told.cause = CAUSE_UNKNOWN;
	if (remote_return(ctx->rib, &facts.src_host, ctx->now, &back)) {
		const struct rib_node *node = rib_find(ctx->rib, VIEW_REMOTE, &back.prefix);

		for (const struct candidate *c = rib_node_candidates(node); c; c = c->next)
			er |= !c->peer_down && c->attr->class == SW_CLASS_EXPRESSROUTE;
		stuck->told.cause = er ? CAUSE_AZURE_PREFERENCE : CAUSE_NOT_ADVERTISED_ON_ER;
	}
	if (stuck->told.cause == CAUSE_NOT_ADVERTISED_ON_ER)
		text_add(&fix,
			 "advertise the inside prefix on the ExpressRoute session again (`show "
			 "bgp ipv4 unicast neighbors N advertised-routes`); ");
	text_add(
		&fix,
		"use BGP on the VPN connection, not static prefixes of a local network gateway; "
		"prepend our AS on the VPN session and set hubRoutingPreference to AS path where a "
		"vWAN hub or Route Server keeps the VPN's route; `az network nic "
		"show-effective-route-table` shows it");
}

static void side_scanned(struct network_stuck *stuck, const struct incident_context *ctx, int side)
{
	if (stuck->flows || stuck->kernel) {
		if (side == STUCK_ONPREM)
			onprem_tell(stuck, ctx);
		else
			azure_tell(stuck, ctx);
	} else if (stuck->well && !stuck->hold.open) {
		stuck->watched = false; /* it has followed */
	}
}

void network_watch_scanned(struct network_watch *watch, const struct incident_context *ctx)
{
	for (int id = 0; id < SW_MAX_PATHS; id++) {
		struct network_path *p = &watch->path[id];

		if (!p->scanned || !due(p, ctx))
			continue;
		kernel_look(p, ctx, watch->usable, id);
		for (int side = 0; side < STUCK_SIDES; side++) {
			struct network_stuck *s = &p->stuck[side];

			side_scanned(s, ctx, side);
			s->on = s->flows || s->kernel;
			s->told_flows = s->flows;
			s->kernel = false;
		}
	}
}

static void stuck_words(const struct incident_context *ctx, const struct network_path *p,
			const struct config_path *cfg, int side, struct network_state *s)
{
	const struct network_stuck *stuck = &p->stuck[side];
	uint8_t by = side == STUCK_ONPREM ? stuck->example.state.out : stuck->example.state.in;
	const struct config_path *on = rib_path(ctx->rib, (unsigned int)by);
	struct text msg = {s->message, 0};
	char prefix[PREFIX_STRLEN];

	s->cause = stuck->told.cause;
	text_add(
		&msg,
		"%s (%s) is well again, for longer than failback-delay and grace (%llu s), and %s "
		"by %s (%s): ",
		cfg->name, class_name(cfg->class),
		(unsigned long long)((ctx->cfg->failback_delay_ns + ctx->cfg->grace_ns) / NS_PER_S),
		side == STUCK_ONPREM ? "we still send" : "Azure still answers", on ? on->name : "?",
		on ? class_name(on->class) : "?");
	if (stuck->told_flows)
		text_add(&msg, "%zu flow%s, of %s among others", stuck->told_flows,
			 stuck->told_flows == 1 ? "" : "s", prefix_format(&stuck->dst, prefix));
	else
		text_add(&msg, "the kernel's route for %s", prefix_format(&stuck->dst, prefix));
	if (side == STUCK_AZURE && s->cause == CAUSE_NOT_ADVERTISED_ON_ER)
		text_add(&msg, "; Azure has not learned the inside prefix by ExpressRoute again");
	if (side == STUCK_ONPREM && stuck->told.message[0])
		text_add(&msg, ". %s", stuck->told.message);
	memcpy(s->fix, stuck->told.fix, sizeof(s->fix));
}

void network_stuck_tell(struct network_watch *watch, const struct incident_context *ctx,
			const struct network_facts *facts, struct incidents *set)
{
	uint64_t over = ctx->cfg->grace_ns > OVER_NS ? ctx->cfg->grace_ns : OVER_NS;

	(void)facts;
	for (size_t i = 0; i < ctx->cfg->n_paths; i++) {
		const struct config_path *cfg = &ctx->cfg->paths[i];
		int id = incident_path_id(ctx, i);
		struct network_path *p = &watch->path[id];

		for (int side = 0; side < STUCK_SIDES; side++) {
			struct network_stuck *stuck = &p->stuck[side];
			struct network_state s =
				network_state_of(NETWORK_FAILBACK_STUCK, cfg->name, id);
			bool on = stuck->watched && stuck->on && p->well;

			s.side = side_of[side];
			if (on)
				stuck_words(ctx, p, cfg, side, &s);
			network_held(set, ctx, &stuck->hold, &s, on, 0, p->well ? over : 0);
		}
	}
}
