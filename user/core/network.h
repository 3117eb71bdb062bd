/* SPDX-License-Identifier: GPL-2.0-only */
/* States of the network that are incidents of their own: when, and the words. Pure. */
#ifndef SAMEWAY_CORE_NETWORK_H
#define SAMEWAY_CORE_NETWORK_H

#include "core/incident.h"

/* A feed that is not up. */
struct network_feed {
	const struct config_feed *cfg;
	const char *type;  /* its name */
	bool was_up;	   /* since the start */
	uint64_t since_ns; /* when it was last seen up, or the start; CLOCK_MONOTONIC */
	size_t routes;	   /* of it that are still used, stale */
	const char *error; /* its last, or empty */
};
/* True, with *out filled: it has not been up for longer than it may. */
bool network_feed_stale(const struct incident_context *ctx, const struct network_feed *feed,
			struct network_state *out);

/*
 * ExpressRoute's limits (its FAQ): prefixes that come from Azure by a connection (here: by each
 * path, of the one feed that tells most), and those of ours that Azure has learned by each circuit
 * (the remote view).
 */
struct network_limits {
	size_t out[SW_MAX_PATHS]; /* by config_path.circuit_id */
};
/* Counts what Azure has learned: a walk of the remote view. */
void network_limits_count(const struct incident_context *ctx, struct network_limits *limits);
/*
 * Tells the incidents each that is near (from four fifths on, until down at three quarters) or
 * passed. Returns bits of path ids.
 */
uint64_t network_limits_tell(const struct incident_context *ctx,
			     const struct network_limits *limits, struct incidents *set);

#endif
