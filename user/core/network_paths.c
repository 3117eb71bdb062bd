/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How each path failed and returned. A failure is what objects to a path, or takes its last route
 * away; a return, that it is usable again and has routes. What sameway's own attaching shook, and
 * what a person drained, is none to be counted.
 *
 * Failures in quick succession are one incident `flapping`, and meanwhile none `failback` each; a
 * single return is one `failback`, told when prefixes have stopped moving back.
 */
#include <string.h>

#include "core/cause_text.h"
#include "core/network_watch.h"

#define CALM_NS	   2000000000ULL  /* no more prefixes have moved back */
#define PACKET_NS  7000000000ULL  /* for a scan to find the first packet */
#define NOTHING_NS 30000000000ULL /* after a return: nothing comes back to it */
#define CAUSE_NS   5000000000ULL  /* a better cause may still be told */
#define NS_PER_MS  1000000ULL
#define NS_PER_S   1000000000ULL

static size_t fails_lately(const struct network_path *p, uint64_t now)
{
	size_t kept = p->n_fails < NETWORK_FAILS ? p->n_fails : NETWORK_FAILS, n = 0;

	for (size_t i = 0; i < kept; i++)
		n += now < p->fail_ns[i] + NETWORK_FLAP_NS;
	return n;
}

/* since: when; of a path that had failed before the daemon began, some time ago. */
static void path_failed(struct network_path *p, const struct incident_context *ctx, int id,
			uint64_t since)
{
	p->cause = cause_of_path(ctx, id, 0);
	p->failed = true;
	p->failed_ns = since;
	p->back_ns = 0;
	p->moved = 0;
	p->first_ns = 0;
	for (int side = 0; side < STUCK_SIDES; side++)
		p->stuck[side].watched = false;
	if (p->cause != CAUSE_DRAINED)
		p->fail_ns[p->n_fails++ % NETWORK_FAILS] = since;
}

/* A link takes its neighbours and its routes along, and may be the last to be told. */
static void cause_refine(struct network_path *p, const struct incident_context *ctx, int id)
{
	enum cause cause = cause_of_path(ctx, id, 0);

	if (ctx->now < p->failed_ns + CAUSE_NS &&
	    (cause_tells_more(cause, p->cause) || p->cause == CAUSE_UNKNOWN))
		p->cause = cause;
}

static void path_returned(struct network_path *p, uint64_t now)
{
	p->well_ns = now;
	if (p->failed) {
		p->back_ns = p->moved_ns = now;
		p->duration_ms = -1;
	}
	p->failed = false;
	p->known = true;
}

static void path_look(struct network_path *p, const struct incident_context *ctx,
		      const struct network_facts *facts, int id)
{
	bool routes = rib_path_routes(ctx->rib, id, 0);
	bool bad = facts->objected >> id & 1 || (facts->routes_told && !routes);
	bool well = !bad && routes && facts->usable >> id & 1;

	if (facts->reset >> id & 1)
		return;
	if (bad && !p->bad && p->known)
		path_failed(p, ctx, id, ctx->now);
	else if (bad && !p->bad && facts->held >> id & 1)
		path_failed(p, ctx, id,
			    ctx->path[id].changed_ns ? ctx->path[id].changed_ns : ctx->now);
	else if (bad && p->failed)
		cause_refine(p, ctx, id);
	if (well && !p->well)
		path_returned(p, ctx->now);
	p->bad = bad;
	p->well = well;
}

void network_moved(struct network_path *p, size_t n, uint64_t now)
{
	p->moved += n;
	if (n && !p->first_ns)
		p->first_ns = now;
}

uint64_t network_failed(const struct network_watch *watch, struct network_failed out[SW_MAX_PATHS])
{
	uint64_t number = 0;

	for (int id = 0; id < SW_MAX_PATHS; id++) {
		const struct network_path *p = &watch->path[id];

		out[id] = (struct network_failed){p->failed || p->back_ns, p->cause, p->failed_ns};
		number += out[id].failed ? p->failed_ns + (uint64_t)p->cause : 0;
	}
	return number;
}

/* They were well under an earlier daemon: what is seen next is their return. */
void network_failed_restore(struct network_watch *watch,
			    const struct network_failed in[SW_MAX_PATHS])
{
	for (int id = 0; id < SW_MAX_PATHS; id++) {
		struct network_path *p = &watch->path[id];

		if (!in[id].failed)
			continue;
		p->known = p->bad = p->failed = true;
		p->cause = in[id].cause;
		p->failed_ns = in[id].at_ns;
	}
}

/* What is usable at the first look has gained nothing, but for what an earlier daemon saw fail. */
static void first_look(struct network_watch *watch, uint64_t usable)
{
	watch->usable = usable;
	for (int id = 0; id < SW_MAX_PATHS; id++)
		if (watch->path[id].failed)
			watch->usable &= ~(1ULL << id);
	watch->looked = true;
}

/* Prefixes that a path answers better since it is usable; it may have routes already. */
static void usable_look(struct network_watch *watch, const struct incident_context *ctx,
			uint64_t usable)
{
	uint64_t gained;

	if (!watch->looked)
		first_look(watch, usable);
	gained = usable & ~watch->usable;
	for (; gained; gained &= gained - 1) {
		int id = __builtin_ctzll(gained);
		uint64_t with = watch->usable | 1ULL << id;

		network_moved(&watch->path[id], fib_improved(ctx->fib, watch->usable, with),
			      ctx->path[id].changed_ns ? ctx->path[id].changed_ns : ctx->now);
		watch->usable = with;
	}
	watch->usable = usable;
}

void network_paths_look(struct network_watch *watch, const struct incident_context *ctx,
			const struct network_facts *facts)
{
	usable_look(watch, ctx, facts->usable);
	for (int id = 0; id < SW_MAX_PATHS; id++) {
		struct network_path *p = &watch->path[id];

		if (!ctx->path[id].configured)
			continue;
		path_look(p, ctx, facts, id);
		if (p->moved != p->moved_seen)
			p->moved_ns = ctx->now;
		p->moved_seen = p->moved;
	}
	network_prefixes_note(watch, network_well(ctx, facts, ~0ULL), ctx->now);
}

static void flapping_words(const struct incident_context *ctx, const struct network_path *p,
			   const struct config_path *cfg, size_t n, uint64_t hold_ns,
			   struct network_state *s)
{
	struct text msg = {s->message, 0}, fix = {s->fix, 0};

	s->cause = p->cause;
	text_add(&msg,
		 "%s (%s, %s) has failed %zu times in the last %llu minutes, the last time: %s; it "
		 "is used again when it has been well for its hold-down, now %llu s",
		 cfg->name, class_name(cfg->class), cfg->interface, n,
		 (unsigned long long)(NETWORK_FLAP_NS / NS_PER_S / 60),
		 network_cause_words(p->cause), (unsigned long long)(hold_ns / NS_PER_S));
	text_add(&fix,
		 "find what comes and goes (`ip -s link show %s`, the provider, the BGP session's "
		 "log); `sameway path %s drain` leaves it out till then, a longer `failback-delay` "
		 "(now %llu s, doubled by each failure) lets it rest longer",
		 cfg->interface, cfg->name,
		 (unsigned long long)(ctx->cfg->failback_delay_ns / NS_PER_S));
}

void network_flapping_tell(struct network_watch *watch, const struct incident_context *ctx,
			   const struct network_facts *facts, struct incidents *set)
{
	for (size_t i = 0; i < ctx->cfg->n_paths; i++) {
		const struct config_path *cfg = &ctx->cfg->paths[i];
		int id = incident_path_id(ctx, i);
		struct network_path *p = &watch->path[id];
		struct network_state s = network_state_of(NETWORK_FLAPPING, cfg->name, id);
		size_t n = fails_lately(p, ctx->now);
		bool on = n >= NETWORK_FLAPS || (n && p->flapping.open);

		if (on)
			flapping_words(ctx, p, cfg, n, facts->hold_ns[id], &s);
		network_held(set, ctx, &p->flapping, &s, on, 0, p->n_fails ? 0 : NETWORK_FLAP_NS);
	}
}

static void failback_words(const struct network_path *p, const struct config_path *cfg,
			   struct network_state *s)
{
	struct text msg = {s->message, 0}, fix = {s->fix, 0};

	s->severity = SEVERITY_INFO;
	s->cause = p->cause;
	s->has_moved = true;
	s->prefixes_moved = p->moved;
	s->has_duration = p->duration_ms >= 0;
	s->duration_ms = p->duration_ms;
	text_add(&msg, "%s (%s, %s) is back after %llu s: %zu prefix%s moved back to it", cfg->name,
		 class_name(cfg->class), cfg->interface,
		 (unsigned long long)((p->back_ns - p->failed_ns) / NS_PER_S), p->moved,
		 p->moved == 1 ? "" : "es");
	if (s->has_duration)
		text_add(&msg, ", the first packet by it %lld ms after the change",
			 (long long)p->duration_ms);
	else
		text_add(&msg, "; no packet was seen to follow yet");
	text_add(&fix, "nothing to do; why it had failed: %s", network_cause_words(p->cause));
}

static void failback_path(struct network_path *p, const struct incident_context *ctx, int id,
			  struct incidents *set)
{
	const struct config_path *cfg = rib_path(ctx->rib, (unsigned int)id);
	struct network_state s;

	if (!p->back_ns || !cfg)
		return;
	if (p->flapping.open || fails_lately(p, ctx->now) >= NETWORK_FLAPS ||
	    (!p->moved && ctx->now >= p->back_ns + NOTHING_NS)) {
		p->back_ns = 0;
		return;
	}
	if (!p->moved || ctx->now < p->moved_ns + (p->duration_ms < 0 ? PACKET_NS : CALM_NS))
		return;
	s = network_state_of(NETWORK_FAILBACK, cfg->name, id);
	failback_words(p, cfg, &s);
	incidents_network_once(set, ctx, &s);
	p->back_ns = 0;
	for (int side = 0; side < STUCK_SIDES; side++)
		p->stuck[side].watched = true;
}

void network_failback_tell(struct network_watch *watch, const struct incident_context *ctx,
			   struct incidents *set)
{
	for (int id = 0; id < SW_MAX_PATHS; id++)
		failback_path(&watch->path[id], ctx, id, set);
}

void network_failback_flow(struct network_path *p, int id, const struct flow *flow)
{
	int64_t ms;

	/* its clock ticks by the millisecond */
	if (!p->back_ns || !p->first_ns || flow->state.out != id ||
	    flow->moved_ns + NS_PER_MS < p->first_ns)
		return;
	ms = flow->moved_ns > p->first_ns ? (int64_t)((flow->moved_ns - p->first_ns) / NS_PER_MS)
					  : 0;
	if (p->duration_ms < 0 || ms < p->duration_ms)
		p->duration_ms = ms;
}
