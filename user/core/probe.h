/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A path's probe, judged interval by interval. Pure: what was sent and heard comes from the daemon,
 * the state is in the row of map `probes`, so that the next daemon goes on with it.
 */
#ifndef SAMEWAY_CORE_PROBE_H
#define SAMEWAY_CORE_PROBE_H

#include "core/config.h"

#define PROBE_TARGET_LEN (IP_STRLEN + 8)
/* ADDRESS, ADDRESS:PORT or [IPV6]:PORT; port in host order, 0: none. */
const char *probe_target_format(const struct ip_addr *target, uint16_t port,
				char buf[PROBE_TARGET_LEN]);

/* The interval under way; zeroed: nothing was sent in it. */
struct probe_interval {
	uint64_t begun_ns; /* CLOCK_MONOTONIC */
	bool sent, heard;
};

/*
 * Makes the row that of `probe`. Where it is already (of an earlier daemon, or a reload), state and
 * counters stay; else it begins anew, as never answered.
 */
void probe_adopt(struct sw_probe *row, const struct config_probe *probe);
void probe_sent(struct sw_probe *row, struct probe_interval *in, uint64_t now);
/* An answer to any probe that is not too old, for the first time. */
void probe_heard(struct sw_probe *row, struct probe_interval *in, uint64_t rtt_ns, uint64_t now);
/* Nothing could be sent: what was missed so far may be for that reason. */
void probe_blocked(struct sw_probe *row, enum sw_probe_block block);
/*
 * The interval is over; all that had arrived by now was heard. One that lasted twice as long or
 * more, since we slept, is no miss. Returns whether the state has changed.
 */
bool probe_judge(struct sw_probe *row, struct probe_interval *in, uint64_t now);

/* Intervals without an answer, of the known ones; and the last of them in a row. */
unsigned int probe_lost(const struct sw_probe *row);
unsigned int probe_missed(const struct sw_probe *row);

#endif
