/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Incidents from black holes. Their flows have no verdict of their own (all that is seen of them is
 * that they are silent), so the scan counts them anew each time, as those beyond FLOWS_TRACKED.
 */
#include "core/blackhole.h"
#include "core/incident_internal.h"

/* The hole's own, else one of the same cause: of before a restart. */
static struct record *hole_find(struct incidents *set, const struct blackhole *hole,
				enum cause cause)
{
	struct record *same = NULL;

	for (struct record *r = *incident_bucket(set, SW_VERDICT_ONE_WAY, &hole->src, &hole->dst);
	     r; r = r->next) {
		if (r->inc.verdict != SW_VERDICT_ONE_WAY ||
		    r->inc.forward_path != (int)hole->path ||
		    !prefix_equal(&r->inc.src, &hole->src) ||
		    !prefix_equal(&r->inc.dst, &hole->dst))
			continue;
		if (r->hole)
			return r;
		if (r->inc.cause == cause)
			same = r;
	}
	return same;
}

static void hole_tell(const struct incident_context *ctx, const struct blackhole *hole,
		      struct cause_facts *facts, struct cause_told *told)
{
	const struct cause_pair pair = {.verdict = SW_VERDICT_ONE_WAY,
					.src = hole->src,
					.dst = hole->dst,
					.forward = hole->path};

	cause_gather_pair(ctx, &pair, facts);
	facts->silent = hole->silent;
	if (!facts->silent.flows)
		facts->silent.flows = 1; /* it was not idle when it was found */
	cause_tell(facts, told);
}

void incidents_hole(struct incidents *set, const struct incident_context *ctx,
		    const struct blackhole *hole, bool answered)
{
	struct cause_facts facts;
	struct cause_told told;
	struct record *rec;

	hole_tell(ctx, hole, &facts, &told);
	rec = hole_find(set, hole, told.cause);
	if (answered) {
		if (rec && rec->inc.flows == rec->untracked)
			incident_close(set, rec, ctx->now);
		return;
	}
	if (!hole->silent.flows)
		return;
	if (!rec) {
		rec = incident_open(set, ctx, &facts, &told);
		if (!rec)
			return; /* no memory: the next scan tries again */
		rec->inc.flows = rec->untracked = hole->silent.flows;
		incident_tell(set, rec, INCIDENT_OPEN, ctx->now);
	} else if (hole->silent.whole > rec->whole || rec->inc.cause != told.cause) {
		incident_set(rec, &facts, &told);
		incident_tell(set, rec, INCIDENT_UPDATE, ctx->now);
	}
	rec->hole = true;
	rec->whole |= hole->silent.whole;
	rec->untracked_scan += hole->silent.flows;
	rec->inc.last_wall = ctx->wall;
	rec->inc.last_ns = rec->inc.had_flow_ns = ctx->now;
}
