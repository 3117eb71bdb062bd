/* SPDX-License-Identifier: GPL-2.0-only */
#include "core/incident_life.h"
#include "core/incident_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct record *incident_by_id(const struct incidents *set, uint64_t id)
{
	size_t low = 0, high = set->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (set->v[mid]->inc.id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low < set->n && set->v[low]->inc.id == id ? set->v[low] : NULL;
}

int incidents_ack(struct incidents *set, uint64_t id, uint64_t now)
{
	struct record *rec = incident_by_id(set, id);

	if (!rec)
		return -ENOENT;
	if (!rec->inc.open)
		return -ESTALE;
	rec->inc.life.acked = true;
	rec->inc.life.acked_severity = rec->inc.severity;
	incident_tell(set, rec, INCIDENT_UPDATE, now);
	return 0;
}

/* Silences */

bool silence_covers(const struct silence *s, const struct incident *inc)
{
	if (!inc->src.family && !inc->dst.family)
		return !s->prefix.len;
	return (inc->src.family && prefix_contains(&s->prefix, &inc->src)) ||
	       (inc->dst.family && prefix_contains(&s->prefix, &inc->dst));
}

static bool silenced(const struct incidents *set, const struct incident *inc)
{
	for (size_t i = 0; i < set->n_silences; i++)
		if (silence_covers(&set->silences[i], inc))
			return true;
	return false;
}

/* The silences have changed. */
static void silences_apply(struct incidents *set, uint64_t now)
{
	for (size_t i = 0; i < set->n; i++) {
		struct record *rec = set->v[i];
		bool is = rec->inc.open && silenced(set, &rec->inc);

		if (!rec->inc.open || is == rec->inc.life.silenced)
			continue;
		rec->inc.life.silenced = is;
		incident_tell(set, rec, INCIDENT_UPDATE, now);
	}
}

static void silence_remove(struct incidents *set, size_t i)
{
	set->n_silences--;
	memmove(set->silences + i, set->silences + i + 1,
		(set->n_silences - i) * sizeof(set->silences[0]));
}

int incidents_silence_restore(struct incidents *set, const struct silence *silence)
{
	if (set->n_silences == SILENCES_MAX)
		return -ENOSPC;
	set->silences[set->n_silences++] = *silence;
	return 0;
}

int incidents_silence(struct incidents *set, const struct prefix *prefix, uint64_t until_ns,
		      uint64_t now)
{
	const struct silence silence = {*prefix, until_ns};
	size_t i = 0;
	int err = 0;

	while (i < set->n_silences && !prefix_equal(&set->silences[i].prefix, prefix))
		i++;
	if (i < set->n_silences && until_ns)
		set->silences[i] = silence;
	else if (i < set->n_silences)
		silence_remove(set, i);
	else
		err = until_ns ? incidents_silence_restore(set, &silence) : -ENOENT;
	if (!err)
		silences_apply(set, now);
	return err;
}

bool incidents_silences_expire(struct incidents *set, uint64_t now)
{
	size_t before = set->n_silences;

	for (size_t i = set->n_silences; i-- > 0;)
		if (set->silences[i].until_ns <= now)
			silence_remove(set, i);
	if (set->n_silences == before)
		return false;
	silences_apply(set, now);
	return true;
}

const struct silence *incidents_silence_get(const struct incidents *set, size_t i)
{
	return i < set->n_silences ? &set->silences[i] : NULL;
}

/* The hook */

void incident_live(const struct incidents *set, struct record *rec, enum incident_change change)
{
	struct incident_life *life = &rec->inc.life;

	if (life->acked && rec->inc.severity > life->acked_severity)
		life->acked = false;
	if (change == INCIDENT_OPEN)
		life->silenced = silenced(set, &rec->inc);
	if (change == INCIDENT_CLOSE &&
	    (!set->hook || (life->told == TOLD_NOTHING && (life->silenced || life->acked))))
		life->told = TOLD_ALL;
}

void incident_live_restored(const struct incidents *set, struct record *rec)
{
	if (rec->inc.open)
		rec->inc.life.silenced = silenced(set, &rec->inc);
}

void incidents_hook(struct incidents *set, bool there)
{
	set->hook = there;
	for (size_t i = 0; !there && i < set->n; i++)
		if (!set->v[i]->inc.open)
			set->v[i]->inc.life.told = TOLD_ALL;
}

static bool hook_due(const struct incident *inc, uint64_t now, enum incident_change *change)
{
	const struct incident_life *life = &inc->life;
	bool held = inc->open && (life->silenced || life->acked);

	if (life->told == TOLD_ALL || held)
		return false;
	if (life->told == TOLD_NOTHING) {
		*change = INCIDENT_OPEN;
		return true;
	}
	*change = inc->open ? INCIDENT_UPDATE : INCIDENT_CLOSE;
	if (!inc->open || inc->severity > life->told_severity)
		return true;
	return (inc->severity != life->told_severity || inc->cause != life->told_cause) &&
	       now >= life->told_ns + HOOK_CALM_NS;
}

/* Told by one call, both being due. */
static bool hook_kin(const struct incident *a, const struct incident *b)
{
	return a->verdict == b->verdict && a->cause == b->cause && a->side == b->side &&
	       a->severity == b->severity && a->forward_path == b->forward_path &&
	       a->reverse_path == b->reverse_path && !strcmp(a->subject, b->subject);
}

static int hook_also(const struct incidents *set, uint64_t now, struct incident_news *news)
{
	const struct incident *inc;

	news->also = calloc(set->n, sizeof(*news->also));
	if (!news->also)
		return -ENOMEM;
	for (size_t i = 0; (inc = incidents_get(set, i)); i++) {
		enum incident_change change;

		if (inc->id != news->inc.id && hook_due(inc, now, &change) &&
		    change == news->change && hook_kin(inc, &news->inc))
			news->also[news->n_also++] = inc->id;
	}
	return 0;
}

int incidents_hook_next(const struct incidents *set, uint64_t now, struct incident_news *out)
{
	const struct incident *worst = NULL;
	enum incident_change change;

	*out = (struct incident_news){0};
	for (size_t i = 0; set->hook && i < set->n; i++) {
		const struct incident *inc = &set->v[i]->inc;

		if (!hook_due(inc, now, &change) || (worst && inc->severity <= worst->severity))
			continue;
		worst = inc;
		out->change = change;
	}
	if (!worst)
		return -ENOENT;
	out->inc = *worst;
	out->inc.open = out->change != INCIDENT_CLOSE;
	return hook_also(set, now, out);
}

static void hook_told(struct incidents *set, uint64_t id, const struct incident_news *news,
		      uint64_t now)
{
	struct record *rec = incident_by_id(set, id);

	if (!rec || rec->inc.life.told == TOLD_ALL)
		return;
	rec->inc.life.told = news->change == INCIDENT_CLOSE ? TOLD_ALL : TOLD_OPEN;
	rec->inc.life.told_severity = news->inc.severity;
	rec->inc.life.told_cause = news->inc.cause;
	rec->inc.life.told_ns = now;
}

void incidents_hook_told(struct incidents *set, const struct incident_news *news, uint64_t now)
{
	hook_told(set, news->inc.id, news, now);
	for (size_t i = 0; i < news->n_also; i++)
		hook_told(set, news->also[i], news, now);
}

size_t incidents_hook_waiting(const struct incidents *set, uint64_t now)
{
	enum incident_change change;
	size_t n = 0;

	for (size_t i = 0; set->hook && i < set->n; i++)
		n += hook_due(&set->v[i]->inc, now, &change);
	return n;
}

uint64_t incidents_hook_forgotten(const struct incidents *set)
{
	return set->forgotten;
}
