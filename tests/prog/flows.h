/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets of one flow, sent where a test wants them: outward at TC egress of a path (as if the
 * kernel had sent it there), inward at TC ingress of a path. Monitoring, so that nothing moves:
 * what select would give is the verdicts' W, whatever the packets do.
 */
#ifndef TESTS_PROG_FLOWS_H
#define TESTS_PROG_FLOWS_H

#include "edge.h"

#define LONG_AGO_NS (2 * GRACE_NS)
#define NEVER	    UINT64_MAX

/* The time of a change so long ago; the clock starts at the machine's boot. */
static inline uint64_t time_before(uint64_t ago_ns)
{
	uint64_t now = now_ns();

	if (ago_ns == NEVER)
		return 0;
	return ago_ns < now ? now - ago_ns : 1;
}

/* A flow of a LAN host, as it goes out. */
static inline struct packet flow_to(const char *dst, uint16_t port)
{
	return (struct packet){
		.src = LAN_HOST, .dst = dst, .proto = IPPROTO_TCP, .sport = port, .dport = 443};
}

static inline uint8_t send_out(const struct packet *p, enum device by)
{
	packet_run(TC_OUT, by, p);
	return flow_state(p).verdict;
}

static inline uint8_t send_in(const struct packet *p, enum device by)
{
	struct packet back = packet_back(p);

	packet_run(TC_IN, by, &back);
	return flow_state(p).verdict;
}

/* What the daemon does when a path's usability changes: the store, the time, the generation. */
static inline void path_change(enum device dev, bool up, uint64_t ago_ns)
{
	if (up)
		edge.usable->link |= BIT(dev);
	else
		edge.usable->link &= ~BIT(dev);
	edge.paths[dev].changed_ns = time_before(ago_ns);
	edge.ctl->generation++;
}

/* A feed gave the prefixes of HUB a new answer: a new group. */
static inline void hub_change(uint64_t t0, uint64_t t1, uint8_t degraded, uint64_t ago_ns)
{
	static int other;
	enum group id = G_NEW + (other ^= 1);

	group_route(id, t0, t1, 0);
	edge.groups[id].since_ns = time_before(ago_ns);
	edge.groups[id].degraded = degraded;
	fib_write("10.10.30.0", 24, id);
	edge.ctl->generation++;
}

static inline int flows_start(void **state)
{
	(void)state;
	edge_reset();
	edge.ctl->mode = SW_MODE_MONITOR;
	return 0;
}

#endif
