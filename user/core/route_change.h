/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Prefixes that appear, disappear or change their class, folded: what feeds say in one burst is one
 * incident. Pure. The cost is by what changes, not by the table.
 *
 * Quiet are: what is back as it was before the burst's end; and what a path takes along that fails,
 * with its return (the failover tells of it). What is not as before when such a path has been well
 * for ROUTE_CHANGE_WELL_NS is told then.
 */
#ifndef SAMEWAY_CORE_ROUTE_CHANGE_H
#define SAMEWAY_CORE_ROUTE_CHANGE_H

#include "core/incident.h"

#define ROUTE_CHANGE_KEPT    4096	   /* prefixes that are known one by one; beyond: counted */
#define ROUTE_CHANGE_CALM_NS 2000000000ULL /* without a change: the burst is over */
#define ROUTE_CHANGE_MAX_NS  30000000000ULL /* or it has lasted this long */
#define ROUTE_CHANGE_WELL_NS 60000000000ULL
/* Between two incidents; doubled up to the second while changes go on. */
#define ROUTE_CHANGE_GAP_NS	10000000000ULL
#define ROUTE_CHANGE_GAP_MAX_NS 600000000000ULL

struct route_changes;
struct route_changes *route_changes_new(const struct config *cfg);
void route_changes_free(struct route_changes *rc);
/* The answer of a prefix of the local view was `old` and is `new`; NULL: none. */
void route_changes_add(struct route_changes *rc, const struct prefix *prefix,
		       const struct sw_group *old, const struct sw_group *new, uint64_t now);
/* Each second, and when feeds have changed something: bits of paths that are usable with routes. */
void route_changes_paths(struct route_changes *rc, uint64_t well, uint64_t now);
/*
 * Each second. True, with *out to be told once: a burst is over. busy: the compiler is still at it.
 */
bool route_changes_due(struct route_changes *rc, const struct incident_context *ctx, bool busy,
		       struct network_state *out);

#endif
