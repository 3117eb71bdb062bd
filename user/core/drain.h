/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A drain as an exercise: what taking a path out moves, and what is lost by it, told from looks at
 * the flow records before, during and at the end, and from the rules. Pure.
 *
 * A drain moves this side's direction of a flow alone. It says of the backup that answers come, by
 * whichever path: those that still come by the drained one are counted apart.
 */
#ifndef SAMEWAY_CORE_DRAIN_H
#define SAMEWAY_CORE_DRAIN_H

#include "core/audit.h"
#include "core/flow.h"

#define DRAIN_ALIVE_NS 10000000000ULL /* a flow with a packet since is alive */
#define DRAIN_SENT     2 /* looks that find a flow sending by the backup: it had time for answers */

/* A flow that went out by the path before, and was alive. */
struct drain_flow {
	uint32_t record;
	uint16_t reuse;
	uint8_t family;
	uint8_t by;    /* what it goes out by since, SW_NO_PATH: nothing was sent yet */
	bool answers;  /* it had answers before */
	bool answered; /* and has them since */
	bool by_path;  /* the last of these came by the path all the same */
	uint8_t sent;  /* looks that found more sent, after the first that found `by` */
	uint64_t out_packets, out_bytes, in_packets; /* when last looked at */
};

struct drain_backup { /* packets of these flows, bytes with their IP headers, that it carried */
	uint64_t packets, bytes;
};

struct drain {
	unsigned int path; /* its id */
	struct drain_flow *v;
	size_t n, room, at;
	struct drain_backup backup[SW_MAX_PATHS]; /* by path id */
};

/* Of the flows that were alive: moved to another path; of these, answers that ended, and those that
 * still come by the path. Those that did not move sent nothing since, or have no path. */
struct drain_flows {
	size_t alive, moved, unanswered, by_path;
};

/* Before it is taken out: each record, in order of family and number. 0 or -ENOMEM. */
void drain_begin(struct drain *d, unsigned int path);
int drain_before(struct drain *d, uint8_t family, const struct flow *flow, uint64_t now);
/* One look at all records, in the same order; from the one right after it is out. */
void drain_look_begin(struct drain *d);
void drain_look(struct drain *d, uint8_t family, const struct flow *flow);
/* by: of those that moved, by the path that they were last seen on. */
struct drain_flows drain_flows(const struct drain *d, size_t by[SW_MAX_PATHS]);
void drain_free(struct drain *d);

/* A policy rule whose traffic to some prefixes has no path without the one that is taken out. */
struct drain_rule {
	const struct config_rule *rule;
	size_t prefixes; /* of the first few thousand */
};
/* out: bits of the paths. How many rules, of which the first `room` are in v. */
size_t drain_rules(const struct audit *audit, uint64_t out, struct drain_rule *v, size_t room);

#endif
