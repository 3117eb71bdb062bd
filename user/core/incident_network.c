/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Incidents from states of the network: a feed that is gone, a circuit near its limit. Who knows
 * the states tells all that last in each round; an incident lasts as long as its state is told.
 */
#include "core/incident_internal.h"

#include <string.h>

static const struct prefix no_prefix;

static struct record *network_find(const struct incidents *set, const struct network_state *s)
{
	struct record *r = *incident_bucket((struct incidents *)set, s->kind, &no_prefix, &s->dst);

	while (r && (r->inc.verdict != s->kind || r->inc.side != s->side ||
		     strcmp(r->inc.subject, s->subject) || !prefix_equal(&r->inc.dst, &s->dst)))
		r = r->next;
	return r;
}

static void network_set(struct incident *inc, const struct incident_context *ctx,
			const struct network_state *s)
{
	inc->cause = s->cause;
	inc->severity = s->severity;
	inc->forward_path = s->path;
	inc->has_moved = s->has_moved;
	inc->prefixes_moved = s->prefixes_moved;
	inc->prefixes_lost = s->prefixes_lost;
	inc->duration_ms = s->has_duration ? s->duration_ms : -1;
	inc->last_wall = ctx->wall;
	inc->last_ns = inc->had_flow_ns = ctx->now;
	memcpy(inc->message, s->message, sizeof(inc->message));
	memcpy(inc->fix, s->fix, sizeof(inc->fix));
}

static struct record *network_open(struct incidents *set, const struct incident_context *ctx,
				   const struct network_state *s)
{
	struct incident inc = {
		.verdict = (uint8_t)s->kind,
		.confirmed = true,
		.side = s->side,
		.dst = s->dst,
		.reverse_path = -1,
	};
	struct record *rec;

	memcpy(inc.subject, s->subject, sizeof(inc.subject));
	network_set(&inc, ctx, s);
	rec = incident_add(set, ctx, &inc);
	if (rec)
		incident_tell(set, rec, INCIDENT_OPEN, ctx->now);
	return rec;
}

void incidents_network_begin(struct incidents *set)
{
	set->round++;
}

static void network_keep(struct incidents *set, const struct incident_context *ctx,
			 struct record *rec)
{
	rec->round = set->round;
	rec->inc.last_wall = ctx->wall;
	rec->inc.last_ns = rec->inc.had_flow_ns = ctx->now;
}

void incidents_network_state(struct incidents *set, const struct incident_context *ctx,
			     const struct network_state *s)
{
	struct record *rec = network_find(set, s);
	bool urgent;

	if (!rec) {
		rec = network_open(set, ctx, s); /* no memory: the next round tries again */
		if (rec)
			rec->round = set->round;
		return;
	}
	network_keep(set, ctx, rec);
	urgent = rec->inc.cause != s->cause || rec->inc.severity != s->severity;
	if (!urgent &&
	    (!strcmp(rec->inc.message, s->message) || ctx->now < rec->told_ns + UPDATE_NS))
		return;
	network_set(&rec->inc, ctx, s);
	incident_tell(set, rec, INCIDENT_UPDATE, ctx->now);
}

void incidents_network_keep(struct incidents *set, const struct incident_context *ctx,
			    const struct network_state *s)
{
	struct record *rec = network_find(set, s);

	if (rec)
		network_keep(set, ctx, rec);
}

void incidents_network_keep_all(struct incidents *set, const struct incident_context *ctx,
				enum network_kind first)
{
	for (size_t i = 0; set->n_network && i < set->n; i++)
		if (set->v[i]->inc.open && set->v[i]->inc.verdict >= first)
			network_keep(set, ctx, set->v[i]);
}

int incidents_network_severity(const struct incidents *set, const struct network_state *s)
{
	const struct record *rec = network_find(set, s);

	return rec ? (int)rec->inc.severity : -1;
}

const struct incident *incidents_network_open(const struct incidents *set,
					      const struct network_state *s)
{
	for (size_t i = 0; set->n_network && i < set->n; i++) {
		const struct incident *inc = &set->v[i]->inc;

		if (inc->open && inc->verdict == s->kind && inc->side == s->side &&
		    !strcmp(inc->subject, s->subject))
			return inc;
	}
	return NULL;
}

void incidents_network_end(struct incidents *set, const struct incident_context *ctx)
{
	for (size_t i = 0; set->n_network && i < set->n; i++) {
		struct record *rec = set->v[i];

		if (rec->inc.open && incident_is_network(&rec->inc) && rec->round != set->round)
			incident_close(set, rec, ctx->now);
	}
	incidents_prune(set);
}

void incidents_network_once(struct incidents *set, const struct incident_context *ctx,
			    const struct network_state *s)
{
	struct record *rec = network_open(set, ctx, s);

	if (rec)
		incident_close(set, rec, ctx->now);
	incidents_prune(set);
}
