/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Black holes: of a path, or of a prefix by it, nothing comes back any more, while flows that were
 * answered before go on sending. Told by the scan of the flow records from what has grown since the
 * last one. Pure.
 *
 * A flow counts as silent when for BLACKHOLE_NS it sent and got nothing, had been answered before
 * (itself, or what it asks: host, port and protocol), and is of a kind that is answered: no one-way
 * UDP, no closed TCP. A black hole is where none at all is answered: one answer proves the way;
 * what the far side's TCP repeats because it hears nothing is none.
 */
#ifndef SAMEWAY_CORE_BLACKHOLE_H
#define SAMEWAY_CORE_BLACKHOLE_H

#include "core/cause.h"

#define BLACKHOLE_NS 10000000000ULL
/* At least so many flows to so many hosts: of a whole path, and of one prefix while others answer.
 */
#define BLACKHOLE_FLOWS	       3
#define BLACKHOLE_HOSTS	       2
#define BLACKHOLE_PREFIX_FLOWS 6
#define BLACKHOLE_PREFIX_HOSTS 3
/* Of large packets to one prefix: at least so many flows. */
#define BLACKHOLE_LARGE_FLOWS 2
/* Records that are looked at, of each family: the first ones, which are taken first. */
#define BLACKHOLE_RECORDS 65536

struct blackhole {
	uint8_t path;
	struct prefix src; /* an inside network, or the part of it that Azure has by itself */
	struct prefix dst; /* of `whole` the one with most silent flows */
	struct cause_silent silent;
};
/* answered: it is over. Else it lasts, and silent.flows send into it now, 0: none does. */
typedef void (*blackhole_cb)(void *arg, const struct blackhole *hole, bool answered);

/* Large packets by a path, to dst, get no answer, and small ones do. */
struct blackhole_size {
	size_t flows; /* that send such; 0: there is none */
	struct prefix src, dst;
	uint16_t lost, answered; /* means of IP packets' bytes: the least, and the most */
};

struct blackholes;
struct blackholes *blackholes_new(void);
void blackholes_free(struct blackholes *b);

/* What comes in was not watched: what was seen so far says nothing. */
void blackholes_forget(struct blackholes *b);
/* A scan: begin, all records in use, end. */
void blackholes_begin(struct blackholes *b, const struct incident_context *ctx);
/* Of each record; true: unpack it, for blackholes_flow(). */
bool blackholes_look(struct blackholes *b, uint8_t family, uint32_t record,
		     const struct sw_flow_record *r, union sw_flow_word state);
void blackholes_flow(struct blackholes *b, const struct incident_context *ctx,
		     const struct sw_flow_key *key, const struct flow *flow);
void blackholes_end(struct blackholes *b, const struct incident_context *ctx, blackhole_cb cb,
		    void *arg);

/* Whether nothing comes back of what leaves by the path, of the last scan. */
bool blackholes_dead(const struct blackholes *b, unsigned int path);
/* A packet came by the path after then, CLOCK_MONOTONIC; 0: none was seen. */
uint64_t blackholes_received(const struct blackholes *b, unsigned int path);
/* By path id, of the last scan. */
const struct blackhole_size *blackholes_sizes(const struct blackholes *b);

#endif
