/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The set of incidents: a record each, in order of id, found by (verdict, src, dst) while open, and
 * kept till long after. incident.c and incident_network.c say when one opens and closes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/incident_internal.h"

uint64_t incident_hash(uint64_t hash, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ p[i]) * 0x100000001b3ULL;
	return hash ^ hash >> 29;
}

struct incidents *incidents_new(incident_cb cb, void *arg)
{
	struct incidents *set = calloc(1, sizeof(*set));

	if (!set)
		return NULL;
	set->cb = cb;
	set->arg = arg;
	return set;
}

void incidents_free(struct incidents *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < FLOW_BUCKETS; i++)
		for (struct tracked *t = set->flows[i], *next; t; t = next) {
			next = t->next;
			free(t);
		}
	for (size_t i = 0; i < set->n; i++)
		free(set->v[i]);
	free(set->v);
	free(set);
}

void incident_tell(struct incidents *set, struct record *rec, enum incident_change change,
		   uint64_t now)
{
	incident_live(set, rec, change);
	rec->told = rec->inc;
	rec->told_ns = now;
	if (set->cb)
		set->cb(set->arg, change, &rec->inc);
}

struct record **incident_bucket(struct incidents *set, uint8_t verdict, const struct prefix *src,
				const struct prefix *dst)
{
	uint64_t hash = incident_hash(verdict, src, sizeof(*src));

	return &set->bucket[incident_hash(hash, dst, sizeof(*dst)) % RECORD_BUCKETS];
}

/* Puts the record into the array, in order of id. */
static int record_insert(struct incidents *set, struct record *rec)
{
	size_t at = set->n;

	if (set->n == set->room) {
		size_t room = set->room ? set->room * 2 : 64;
		struct record **v = realloc(set->v, room * sizeof(struct record *));

		if (!v)
			return -ENOMEM;
		set->v = v;
		set->room = room;
	}
	while (at && set->v[at - 1]->inc.id > rec->inc.id)
		at--;
	if (at && set->v[at - 1]->inc.id == rec->inc.id)
		return -EEXIST;
	memmove(set->v + at + 1, set->v + at, (set->n - at) * sizeof(struct record *));
	set->v[at] = rec;
	set->n++;
	if (rec->inc.id > set->last_id)
		set->last_id = rec->inc.id;
	return 0;
}

static void record_link(struct incidents *set, struct record *rec)
{
	struct record **bucket =
		incident_bucket(set, rec->inc.verdict, &rec->inc.src, &rec->inc.dst);

	rec->next = *bucket;
	*bucket = rec;
	set->n_open++;
	set->n_network += incident_is_network(&rec->inc);
}

struct record *incident_add(struct incidents *set, const struct incident_context *ctx,
			    const struct incident *inc)
{
	struct record *rec = calloc(1, sizeof(*rec));

	if (!rec)
		return NULL;
	rec->inc = *inc;
	rec->inc.id = set->last_id + 1;
	rec->inc.open = true;
	rec->inc.first_wall = ctx->wall;
	rec->inc.opened_ns = ctx->now;
	if (record_insert(set, rec)) {
		free(rec);
		return NULL;
	}
	record_link(set, rec);
	return rec;
}

void incidents_prune(struct incidents *set)
{
	size_t excess = set->n - set->n_open, kept = 0;

	if (excess <= CLOSED_KEPT)
		return;
	excess -= CLOSED_KEPT;
	for (size_t i = 0; i < set->n; i++) {
		if (excess && !set->v[i]->inc.open) {
			set->forgotten += set->hook && set->v[i]->inc.life.told != TOLD_ALL;
			free(set->v[i]);
			excess--;
		} else {
			set->v[kept++] = set->v[i];
		}
	}
	set->n = kept;
}

void incident_close(struct incidents *set, struct record *rec, uint64_t now)
{
	struct record **at = incident_bucket(set, rec->inc.verdict, &rec->inc.src, &rec->inc.dst);

	while (*at != rec)
		at = &(*at)->next;
	*at = rec->next;
	set->memo_epoch++;
	set->n_open--;
	set->n_network -= incident_is_network(&rec->inc);
	rec->inc.open = false;
	rec->inc.flows = 0;
	incident_tell(set, rec, INCIDENT_CLOSE, now);
}

size_t incidents_open_flows(const struct incidents *set)
{
	return set->n_open - set->n_network;
}

size_t incidents_open(const struct incidents *set)
{
	return set->n_open;
}

const struct incident *incidents_get(const struct incidents *set, size_t i)
{
	return i < set->n ? &set->v[i]->inc : NULL;
}

int incidents_restore(struct incidents *set, const struct incident *inc)
{
	struct record *rec;
	int err;

	if (!inc->id)
		return -EINVAL;
	rec = calloc(1, sizeof(*rec));
	if (!rec)
		return -ENOMEM;
	rec->inc = *inc;
	rec->inc.flows = 0;
	incident_live_restored(set, rec);
	rec->told = rec->inc;
	rec->told_ns = inc->last_ns;
	err = record_insert(set, rec);
	if (err) {
		free(rec);
		return err;
	}
	if (inc->open)
		record_link(set, rec);
	incidents_prune(set);
	return 0;
}
