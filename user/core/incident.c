/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Incidents from flow verdicts.
 *
 * An incident is a record, found by (verdict, src, dst) in a hash while it is open, and kept in
 * order of id till long after. Each flow that has a verdict worth an incident is tracked: a hash
 * from flow key to its record, so that a flow that changes its mind leaves the record it was on.
 * The tracking is bounded; flows beyond it are only counted, anew by each scan.
 *
 * Events come at once but may be lost, scans are slow but true: a scan goes through the same
 * judging as events for every flow that is not tracked as it should be.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/incident_internal.h"

static uint64_t elapsed(uint64_t from, uint64_t now)
{
	return now > from ? now - from : 0;
}

/* An update: at once for what a person acts on, else calmly. */
void incident_update(struct incidents *set, struct record *rec, uint64_t now)
{
	const struct incident *inc = &rec->inc, *told = &rec->told;
	bool urgent = inc->severity != told->severity || inc->cause != told->cause ||
		      inc->forward_path != told->forward_path ||
		      inc->reverse_path != told->reverse_path ||
		      inc->duration_ms != told->duration_ms;
	bool calm = (inc->flows != told->flows || inc->prefixes_lost != told->prefixes_lost) &&
		    elapsed(rec->told_ns, now) >= UPDATE_NS;

	if (urgent || calm)
		incident_tell(set, rec, INCIDENT_UPDATE, now);
}

static bool record_is_of(const struct record *r, const struct cause_facts *f)
{
	return r->inc.verdict == f->verdict && prefix_equal(&r->inc.src, &f->src) &&
	       prefix_equal(&r->inc.dst, &f->dst);
}

/* Azure is not slow any more, it stays where it is: another cause. */
static bool outlived(const struct incident *inc, const struct incident_context *ctx)
{
	return inc->cause == CAUSE_CONVERGENCE &&
	       elapsed(inc->opened_ns, ctx->now) >= CAUSE_NEAR_NS + ctx->cfg->grace_ns;
}

/*
 * The open incident that the flow belongs to: of the same cause, else one that it is no news to.
 * A failover between two prefixes is one incident, though its cause looks another while the path
 * comes back (link up, BGP not yet); and a cause that can't be told (yet) contradicts none.
 */
static struct record *record_find(struct incidents *set, const struct incident_context *ctx,
				  const struct cause_facts *f, const struct cause_told *told)
{
	struct record *near = NULL;

	for (struct record *r = *incident_bucket(set, f->verdict, &f->src, &f->dst); r;
	     r = r->next) {
		if (!record_is_of(r, f))
			continue;
		if (r->inc.cause == told->cause)
			return r;
		if (f->verdict == SW_VERDICT_FAILOVER ||
		    (told->cause == CAUSE_UNKNOWN && !outlived(&r->inc, ctx) &&
		     (told->side == SIDE_UNKNOWN || told->side == r->inc.side)))
			near = r;
	}
	return near;
}

/* What is told of the incident, as of this judgement. */
void incident_set(struct record *rec, const struct cause_facts *f, const struct cause_told *told)
{
	struct incident *inc = &rec->inc;

	inc->cause = told->cause;
	inc->side = told->side;
	inc->severity = inc->confirmed ? told->severity : SEVERITY_NOTICE;
	rec->severity = told->severity;
	inc->forward_path = f->forward.path;
	inc->reverse_path = f->reverse.path;
	inc->has_moved = f->verdict == SW_VERDICT_FAILOVER && f->has_moved;
	inc->prefixes_moved = f->prefixes_moved;
	inc->prefixes_lost = f->prefixes_lost;
	memcpy(inc->message, told->message, sizeof(inc->message));
	memcpy(inc->fix, told->fix, sizeof(inc->fix));
}

struct record *incident_open(struct incidents *set, const struct incident_context *ctx,
			     const struct cause_facts *f, const struct cause_told *told)
{
	const struct incident inc = {
		.verdict = f->verdict,
		.confirmed = f->verdict != SW_VERDICT_ASYMMETRIC,
		.src = f->src,
		.dst = f->dst,
		.duration_ms = f->duration_ms,
	};
	struct record *rec = incident_add(set, ctx, &inc);

	if (rec)
		incident_set(rec, f, told);
	return rec;
}

/* What one more judgement of a flow changes in an open incident. */
static void record_refresh(struct record *rec, const struct incident_context *ctx,
			   const struct cause_facts *f, const struct cause_told *told, bool known)
{
	struct incident *inc = &rec->inc;
	bool moved = inc->forward_path != f->forward.path || inc->reverse_path != f->reverse.path;

	if (told->severity > rec->severity) { /* a flow of a stateful rule among others */
		rec->severity = told->severity;
		if (inc->confirmed && inc->severity < told->severity)
			inc->severity = told->severity;
	}
	/* The first packet on the new path, of whichever flow, ends the failover. */
	if (f->duration_ms >= 0 && (inc->duration_ms < 0 || f->duration_ms < inc->duration_ms))
		inc->duration_ms = f->duration_ms;
	/* BGP may lose a link's routes before we see the link go, or BFD's word. */
	if (cause_tells_more(told->cause, inc->cause) &&
	    elapsed(inc->opened_ns, ctx->now) < ctx->cfg->confirm_ns)
		incident_set(rec, f, told);
	/* Its paths are those of a flow of its own that moved; another flow's are no news. */
	else if (moved && inc->cause == told->cause && (known || inc->flows == 1))
		incident_set(rec, f, told);
}

static struct tracked **flow_slot(struct incidents *set, const struct sw_flow_key *key)
{
	struct tracked **at =
		&set->flows[incident_hash(0xcbf29ce484222325ULL, key, sizeof(*key)) % FLOW_BUCKETS];

	while (*at && memcmp(&(*at)->key, key, sizeof(*key)))
		at = &(*at)->next;
	return at;
}

static void flow_forget(struct incidents *set, struct tracked **at)
{
	struct tracked *t = *at;

	t->rec->inc.flows--;
	set->n_tracked--;
	*at = t->next;
	free(t);
}

/* The flow has another verdict now, or belongs to another incident. */
static void flow_leave(struct incidents *set, const struct incident_context *ctx,
		       struct tracked **at, uint8_t verdict)
{
	struct record *rec = (*at)->rec;
	bool explained = verdict == SW_VERDICT_TRANSITION || verdict == SW_VERDICT_FAILOVER;

	flow_forget(set, at);
	rec->inc.had_flow_ns = ctx->now;
	if (explained && !rec->inc.confirmed && !rec->inc.flows)
		incident_close(set, rec, ctx->now);
	else
		incident_update(set, rec, ctx->now);
}

/* Counts the flow in; only counts it where there is no room to track it. */
static void flow_join(struct incidents *set, struct record *rec, struct tracked **at,
		      const struct sw_flow_key *key, bool scan)
{
	struct tracked *t = NULL;

	if (set->n_tracked < FLOWS_TRACKED)
		t = malloc(sizeof(*t));
	if (t) {
		*t = (struct tracked){.rec = rec, .key = *key, .scan = set->scan};
		*at = t;
		set->n_tracked++;
		rec->inc.flows++;
	} else if (!scan || ++rec->untracked_scan > rec->untracked) {
		rec->untracked++;
		rec->inc.flows++;
	}
}

/* The kernel's route, asked once an incident: its other flows are told by the same. */
static void kernel_ask(struct incidents *set, const struct incident_context *ctx,
		       struct cause_facts *f)
{
	if (!ctx->kernel_route || !cause_asks_kernel(f))
		return;
	for (struct record *r = *incident_bucket(set, f->verdict, &f->src, &f->dst); r; r = r->next)
		if (r->kernel.asked && record_is_of(r, f)) {
			f->kernel = r->kernel;
			return;
		}
	f->kernel.asked = true;
	f->kernel.known = !ctx->kernel_route(ctx->kernel_arg, &f->src_host, &f->dst_host,
					     f->inside_interface, f->answer, &f->kernel.route);
}

/*
 * Scans of very many flows: what one flow's cause is, others' of its key are in this context, and a
 * hundred thousand need not be told one by one.
 */
static struct memo *memo_slot(struct incidents *set, const struct cause_key *key)
{
	return &set->memo[incident_hash(0, key, sizeof(*key)) % MEMOS];
}

static bool memo_join(struct incidents *set, const struct incident_context *ctx,
		      const struct sw_event *ev, const struct cause_key *key)
{
	const struct memo *memo = memo_slot(set, key);
	struct record *rec = memo->rec;
	struct tracked **at;

	if (memo->epoch != set->memo_epoch || memcmp(&memo->key, key, sizeof(*key)))
		return false;
	at = flow_slot(set, &ev->key);
	if (*at && (*at)->rec != rec) {
		flow_leave(set, ctx, at, ev->state.verdict);
		at = flow_slot(set, &ev->key);
		incidents_prune(set);
	}
	if (!*at)
		flow_join(set, rec, at, &ev->key, true);
	rec->inc.last_wall = ctx->wall;
	rec->inc.last_ns = rec->inc.had_flow_ns = ctx->now;
	incident_update(set, rec, ctx->now);
	return true;
}

/* All that had failed over are back, and now it fails otherwise: told is what is so now. */
static bool fell_anew(const struct record *rec, const struct incident_context *ctx,
		      const struct cause_told *told)
{
	return rec->inc.verdict == SW_VERDICT_FAILOVER && !rec->inc.flows &&
	       rec->inc.cause != told->cause &&
	       elapsed(rec->inc.opened_ns, ctx->now) >= ctx->cfg->confirm_ns;
}

static struct record *flow_judge(struct incidents *set, const struct incident_context *ctx,
				 const struct sw_event *ev, bool scan)
{
	struct tracked **at = flow_slot(set, &ev->key);
	struct cause_facts facts;
	struct cause_told told;
	struct record *rec;
	bool opened = false, known, whole, anew;

	if (!cause_opens(ev->state.verdict)) {
		if (*at)
			flow_leave(set, ctx, at, ev->state.verdict);
		incidents_prune(set);
		return NULL;
	}
	cause_gather(ctx, ev, &facts);
	kernel_ask(set, ctx, &facts);
	cause_tell(&facts, &told);
	rec = record_find(set, ctx, &facts, &told);
	anew = rec && fell_anew(rec, ctx, &told);
	whole = incident_lost_share(set, ctx, rec, &facts);
	if (facts.told_by)
		cause_tell(&facts, &told);
	if (*at && (*at)->rec != rec) {
		flow_leave(set, ctx, at, ev->state.verdict);
		at = flow_slot(set, &ev->key);
		incidents_prune(set);
	}
	if (!rec) {
		rec = incident_open(set, ctx, &facts, &told);
		if (!rec)
			return NULL; /* no memory: the next scan tries again */
		opened = true;
	}
	if (whole)
		incident_lost_told(set, ctx, rec, &facts, ev);
	if (whole && facts.prefixes_lost > rec->inc.prefixes_lost)
		incident_set(rec, &facts, &told);
	known = *at;
	if (!known)
		flow_join(set, rec, at, &ev->key, scan);
	if (facts.kernel.asked)
		rec->kernel = facts.kernel;
	rec->inc.last_wall = ctx->wall;
	rec->inc.last_ns = rec->inc.had_flow_ns = ctx->now;
	if (anew) {
		incident_set(rec, &facts, &told);
		rec->inc.duration_ms = facts.duration_ms;
	}
	if (opened) {
		incident_tell(set, rec, INCIDENT_OPEN, ctx->now);
	} else {
		record_refresh(rec, ctx, &facts, &told, known);
		incident_update(set, rec, ctx->now);
	}
	return rec;
}

static void flow_judge_scanned(struct incidents *set, const struct incident_context *ctx,
			       const struct sw_event *ev)
{
	struct record *rec;
	struct cause_key key;
	bool keyed;

	if (ctx->now != set->memo_now)
		set->memo_epoch++;
	set->memo_now = ctx->now;
	keyed = cause_opens(ev->state.verdict) && cause_key(ctx, ev, &key);
	if (keyed && memo_join(set, ctx, ev, &key))
		return;
	rec = flow_judge(set, ctx, ev, true);
	if (keyed && rec)
		*memo_slot(set, &key) = (struct memo){key, rec, set->memo_epoch};
}

void incidents_event(struct incidents *set, const struct incident_context *ctx,
		     const struct sw_event *ev)
{
	set->memo_epoch++;
	flow_judge(set, ctx, ev, false);
}

void incidents_scan_begin(struct incidents *set)
{
	set->scan++;
	set->memo_epoch++;
	for (size_t i = 0; i < set->n; i++)
		set->v[i]->untracked_scan = 0;
}

void incidents_scan_flow(struct incidents *set, const struct incident_context *ctx,
			 const struct sw_flow_key *key, const struct flow *flow)
{
	struct sw_event ev = {
		/* No ts_ns: when the verdict changed is not known, so no duration is told. */
		.settle_ns = flow->settle_ns,	  .moved_ns = flow->moved_ns,
		.out_packets = flow->out_packets, .in_packets = flow->in_packets,
		.created_ns = flow->created_ns,	  .key = *key,
		.previous = flow->told,		  .about = flow->about,
		.spoof_path = flow->spoof_path,	  .state = flow->state,
	};
	struct tracked *t = *flow_slot(set, key);

	/* judged last by what is no more: left out, so that end takes it off */
	if (elapsed(flow->seen_ns, ctx->now) >= CLOSE_MIN_NS && cause_is_over(ctx, &ev))
		return;
	if (t && t->rec->inc.verdict == ev.state.verdict && !outlived(&t->rec->inc, ctx)) {
		t->scan = set->scan;
		if (flow->seen_ns > t->rec->inc.had_flow_ns)
			t->rec->inc.had_flow_ns = flow->seen_ns;
	} else if (t || cause_opens(ev.state.verdict)) {
		flow_judge_scanned(set, ctx, &ev);
	}
}

bool incidents_tracking(const struct incidents *set)
{
	return set->n_tracked;
}

/* Takes off the flows whose records the scan did not see. */
static void flows_expire(struct incidents *set)
{
	for (size_t i = 0; i < FLOW_BUCKETS; i++)
		for (struct tracked **at = &set->flows[i]; *at;) {
			if ((*at)->scan == set->scan)
				at = &(*at)->next;
			else
				flow_forget(set, at);
		}
}

/* What comes and goes is one incident each, not one each time. */
static bool flapping(const struct incident_context *ctx)
{
	for (unsigned int id = 0; id < SW_MAX_PATHS; id++)
		if (ctx->path[id].flapping)
			return true;
	return false;
}

static void record_age(struct incidents *set, struct record *rec,
		       const struct incident_context *ctx)
{
	uint64_t wait = ctx->cfg->grace_ns > CLOSE_MIN_NS ? ctx->cfg->grace_ns : CLOSE_MIN_NS;
	struct incident *inc = &rec->inc;

	inc->flows = inc->flows - rec->untracked + rec->untracked_scan;
	rec->untracked = rec->untracked_scan;
	if (inc->flows) {
		inc->last_wall = ctx->wall;
		inc->last_ns = ctx->now;
		if (!inc->confirmed && elapsed(inc->opened_ns, ctx->now) >= ctx->cfg->confirm_ns) {
			inc->confirmed = true;
			inc->severity = cause_severity(inc->verdict, inc->cause,
						       cause_stateful(ctx->cfg, &inc->src),
						       inc->prefixes_lost);
			if (rec->severity > inc->severity) /* by a rule of its flow */
				inc->severity = rec->severity;
		}
	} else if (elapsed(inc->had_flow_ns, ctx->now) >= wait &&
		   !(inc->verdict == SW_VERDICT_FAILOVER && flapping(ctx))) {
		incident_close(set, rec, ctx->now);
		return;
	}
	incident_update(set, rec, ctx->now);
}

void incidents_scan_end(struct incidents *set, const struct incident_context *ctx)
{
	flows_expire(set);
	for (size_t i = 0; i < set->n; i++)
		if (set->v[i]->inc.open && !incident_is_network(&set->v[i]->inc))
			record_age(set, set->v[i], ctx);
	incidents_prune(set);
}
