/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What people do about incidents, and what the hook (config `notify`) is told of them. Pure, as
 * incident.h. All of it is kept in the state file.
 *
 * Silence and ack hold back words, not facts: an incident is recorded and shown all the same.
 */
#ifndef SAMEWAY_CORE_INCIDENT_LIFE_H
#define SAMEWAY_CORE_INCIDENT_LIFE_H

#include "core/incident.h"

#define SILENCES_MAX 64
/* Between two updates of an incident to the hook; a severity that rises does not wait. */
#define HOOK_CALM_NS 60000000000ULL

/* Somebody has seen it: the hook hears no more of it but its close, unless its severity rises. Told
 * as an update. 0; -ENOENT: no such incident; -ESTALE: closed. */
int incidents_ack(struct incidents *set, uint64_t id, uint64_t now);

struct silence {
	struct prefix prefix;
	uint64_t until_ns; /* CLOCK_MONOTONIC */
};

/*
 * Incidents whose src or dst lies within `prefix` are silenced until then; 0/0 and ::/0 silence
 * those without prefixes, too. Again: another end; until_ns 0: ended now. Incidents for which that
 * changes something are told as updates. 0; -ENOSPC: SILENCES_MAX of them; -ENOENT: none to end.
 */
int incidents_silence(struct incidents *set, const struct prefix *prefix, uint64_t until_ns,
		      uint64_t now);
/* Ends those whose time is over. Whether there were any. */
bool incidents_silences_expire(struct incidents *set, uint64_t now);
/* The i-th, NULL past the end; and whether it holds the incident back. */
const struct silence *incidents_silence_get(const struct incidents *set, size_t i);
bool silence_covers(const struct silence *silence, const struct incident *inc);
/* From the state file, before the incidents. 0 or -ENOSPC. */
int incidents_silence_restore(struct incidents *set, const struct silence *silence);

/*
 * The hook. It is told of each incident's opening, of a severity or cause that changes, and of its
 * close; at its own pace, so what waits is a state of the incidents and no queue: the latest is
 * told. One that closed before its opening was told is told as open, then as closed. Nothing is
 * owed where there is no hook, of what was silenced or acked all the time it was open, nor of a
 * closed incident that is forgotten: that is counted.
 */
struct incident_news {
	enum incident_change change;
	struct incident inc; /* as of now; open unless the change is its close */
	uint64_t *also;	     /* ids of others of which the same is due, and told by this */
	size_t n_also;
};
void incidents_hook(struct incidents *set, bool there);
/*
 * The next due: the worst, of these the oldest. A cause that hits many prefixes is not as many
 * calls: those of one change, verdict, cause, side, severity and paths go together. 0, with
 * out->also to be freed; -ENOENT: none is due now; -ENOMEM.
 */
int incidents_hook_next(const struct incidents *set, uint64_t now, struct incident_news *out);
/* It was told, or given up. */
void incidents_hook_told(struct incidents *set, const struct incident_news *news, uint64_t now);
size_t incidents_hook_waiting(const struct incidents *set, uint64_t now);
/* Forgotten before all of it was told. */
uint64_t incidents_hook_forgotten(const struct incidents *set);

#endif
