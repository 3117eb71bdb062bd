/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A failover moves and loses prefixes once, and opens an incident for each pair of prefixes whose
 * flows it moved. One of them tells the whole, the others what is their own: else one cable would
 * be as many criticals.
 */
#include "core/incident_internal.h"

/* Who tells of this loss: open, or of the same fall of the path. NULL: nobody does yet. */
static struct record *teller_of(const struct incidents *set, const struct incident_context *ctx,
				const struct cause_facts *f)
{
	const struct incident_loss *loss = &set->loss[f->lost.path];
	struct record *rec = loss->id ? incident_by_id(set, loss->id) : NULL;
	bool same = f->lost_objects && loss->fell_ns == ctx->path[f->lost.path].changed_ns;

	return rec && (rec->inc.open || same) ? rec : NULL;
}

/* More was lost since it was told. */
static void teller_renew(struct incidents *set, const struct incident_context *ctx,
			 struct record *teller, const struct incident_loss *loss)
{
	struct cause_facts facts;
	struct cause_told told;

	cause_gather(ctx, &loss->example, &facts);
	cause_tell(&facts, &told);
	incident_set(teller, &facts, &told);
	incident_update(set, teller, ctx->now);
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
	if (more)
		teller_renew(set, ctx, teller, &set->loss[f->lost.path]);
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
