/* SPDX-License-Identifier: GPL-2.0-only */
/* What state.c and state_life.c share. Nothing else includes this. */
#ifndef SAMEWAY_CORE_STATE_INTERNAL_H
#define SAMEWAY_CORE_STATE_INTERNAL_H

#include "core/incident_life.h"
#include "core/state.h"
#include <jansson.h>

/* CLOCK_MONOTONIC to wall time and back; monotonic is never 0, which elsewhere says "never". */
uint64_t state_wall(const struct state_context *ctx, uint64_t ns);
uint64_t state_monotonic(const struct state_context *ctx, uint64_t wall);
/* To JSON; NULL when out of memory. */
json_t *state_time_json(uint64_t wall);
json_t *state_prefix_json(const struct prefix *prefix);
/* Each reads a member of `obj` and returns false where it is not what we write. */
bool state_time(const json_t *obj, const char *key, uint64_t *out);
bool state_prefix(const json_t *obj, const char *key, struct prefix *out);
/* The i below n whose text it is. */
bool state_name(const json_t *obj, const char *key, const char *(*name)(unsigned int),
		unsigned int n, unsigned int *out);

/* state_life.c. NULL when out of memory. */
json_t *state_life_json(const struct state_context *ctx, const struct incident_life *life);
json_t *state_silences_json(const struct state_context *ctx, const struct incidents *set);
/*
 * Absent (NULL) in a file of an earlier version: nobody has seen the incident, and of a closed one
 * nothing is owed. Whether it is what we write; inc->open is known.
 */
bool state_life_parse(const struct state_context *ctx, const json_t *obj, struct incident *inc);
/* Likewise; those that are over are left out. `out` has room for SILENCES_MAX. 0 or -EBADMSG. */
int state_silences_parse(const struct state_context *ctx, const json_t *list, struct silence *out,
			 size_t *n_out);
/*
 * Paths that have failed: of ctx->failed, NULL when out of memory; and into out, absent: none is
 * known. 0 or -EBADMSG.
 */
json_t *state_failed_json(const struct state_context *ctx);
int state_failed_parse(const struct state_context *ctx, const json_t *list,
		       struct network_failed out[SW_MAX_PATHS]);

#endif
