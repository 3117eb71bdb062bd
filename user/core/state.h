/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state file's text: what a restarted daemon must remember. Incidents, the prefixes that lost
 * their better class (once BGP has withdrawn it, only memory tells a failover from a prefix that
 * never had it), and the paths that have failed and whose return is not told yet. JSON; every time
 * in it is RFC 3339 in UTC, since CLOCK_MONOTONIC does not survive a reboot. Text only: reading and
 * writing the file is the daemon's.
 */
#ifndef SAMEWAY_CORE_STATE_H
#define SAMEWAY_CORE_STATE_H

#include "core/incident.h"

struct network_failed;
/* What ids, ranks and times mean: paths and classes are written by name, times as wall time. */
struct state_context {
	const struct config *cfg;
	const uint8_t *path_ids; /* of cfg->paths[i]; NULL: i */
	uint64_t now, wall;	 /* CLOCK_MONOTONIC and CLOCK_REALTIME, ns, of one moment */
	/* by path id, SW_MAX_PATHS: printed from it, parsed into it; NULL: not wanted */
	struct network_failed *failed;
};

/* The text, allocated; NULL when out of memory. */
char *state_print(const struct state_context *ctx, const struct incidents *set,
		  const struct fib *fib);

/*
 * Restores from the text, into an empty set. A path that is no more in the config becomes -1 (not
 * known); a degraded prefix whose class is no more in prefer is left out. A time before the boot
 * becomes the boot, a time to come becomes now. Returns 0, -EBADMSG (damaged, or of another
 * version: nothing is restored) or -ENOMEM.
 */
int state_parse(const struct state_context *ctx, const char *text, size_t len,
		struct incidents *set, struct fib *fib);

#endif
