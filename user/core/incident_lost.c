/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A failover moves and loses prefixes once, and opens an incident for each pair of prefixes whose
 * flows it moved. One of them tells the whole, the others what is their own: else one cable would
 * be as many criticals.
 */
#include "core/incident_internal.h"

/* Told by an earlier daemon, or before a reload: the open one, begun since, that has lost the most.
 */
static struct record *teller_earlier(const struct incidents *set, uint64_t fell_ns)
{
	struct record *best = NULL;

	for (size_t i = 0; i < set->n; i++) {
		struct record *rec = set->v[i];

		if (rec->inc.open && rec->inc.verdict == SW_VERDICT_FAILOVER &&
		    rec->inc.opened_ns >= fell_ns &&
		    rec->inc.prefixes_lost > (best ? best->inc.prefixes_lost : 0))
			best = rec;
	}
	return best;
}

/* Who tells of this loss: open, or of the same fall of the path. NULL: nobody does yet. */
static struct record *teller_of(struct incidents *set, const struct incident_context *ctx,
				const struct cause_facts *f)
{
	struct incident_loss *loss = &set->loss[f->lost.path];
	uint64_t fell_ns = ctx->path[f->lost.path].changed_ns;
	struct record *rec = loss->id ? incident_by_id(set, loss->id) : NULL;

	if (!loss->id) {
		rec = teller_earlier(set, fell_ns);
		if (rec)
			*loss = (struct incident_loss){.id = rec->inc.id, .fell_ns = fell_ns};
	}
	if (!rec || (!rec->inc.open && !(f->lost_objects && loss->fell_ns == fell_ns)))
		return NULL;
	if (rec->inc.open && f->lost_objects)
		loss->fell_ns = fell_ns;
	return rec;
}

/* More was lost since it was told. False: it can't say so, its own flow has not lost by this path.
 */
static bool teller_renew(struct incidents *set, const struct incident_context *ctx,
			 struct record *teller, int path)
{
	const struct incident_loss *loss = &set->loss[path];
	struct cause_facts facts;
	struct cause_told told;

	if (!loss->example.key.family) /* an earlier daemon's */
		return false;
	cause_gather(ctx, &loss->example, &facts);
	if (facts.lost.path != path)
		return false;
	cause_tell(&facts, &told);
	incident_set(teller, &facts, &told);
	incident_update(set, teller, ctx->now);
	return true;
}

bool incident_lost_share(struct incidents *set, const struct incident_context *ctx,
			 const struct record *rec, struct cause_facts *f)
{
	struct record *teller;
	bool more;

	if (f->verdict != SW_VERDICT_FAILOVER || f->lost.path < 0 || !f->has_moved)
		return false;
	teller = teller_of(set, ctx, f);
	if (!teller)
		return true;
	more = f->prefixes_lost > teller->inc.prefixes_lost;
	if (teller == rec || (more && !teller->inc.open))
		return more;
	if (more && !teller_renew(set, ctx, teller, f->lost.path))
		return true;
	f->told_by = teller->inc.id;
	f->prefixes_moved = 1; /* its own */
	f->prefixes_lost = 0;
	f->lost_names = NULL;
	return false;
}

void incident_lost_told(struct incidents *set, const struct incident_context *ctx,
			const struct record *rec, const struct cause_facts *f,
			const struct sw_event *ev)
{
	set->loss[f->lost.path] = (struct incident_loss){
		.id = rec->inc.id,
		.fell_ns = ctx->path[f->lost.path].changed_ns,
		.example = *ev,
	};
}
