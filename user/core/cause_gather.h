/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files that gather the facts of a cause share. */
#ifndef SAMEWAY_CORE_CAUSE_GATHER_H
#define SAMEWAY_CORE_CAUSE_GATHER_H

#include "core/cause.h"

/* Whether a liveness word stops the path for this family. */
bool cause_path_objects(const struct incident_path_state *state, uint8_t family);
struct cause_way cause_way_of(const struct config_path *path, int id, uint8_t family);
/* The longest prefix with candidates that covers all of `prefix`; NULL: none. */
struct rib_node *cause_match(const struct rib *rib, enum rib_view view,
			     const struct prefix *prefix);

/* The remote view's word on the way back to `src`, of an inside network (NULL: not known). */
void cause_gather_remote(const struct incident_context *ctx, const struct prefix *src,
			 const struct prefix *network, struct cause_remote *out);
/* The better path that a failover lost, and why. `ev` of a pair: all 0 but the family. */
void cause_gather_lost(const struct incident_context *ctx, const struct sw_event *ev,
		       struct cause_facts *f);

#endif
