/* SPDX-License-Identifier: GPL-2.0-only */
/* Probes of paths: a host beyond each that is to answer by it. Part of abi.h. */
#ifndef SAMEWAY_ABI_PROBE_H
#define SAMEWAY_ABI_PROBE_H

#include <linux/types.h>

#define SW_PROBE_MISSES	 20 /* at most: intervals in a row that make a path fail */
#define SW_PROBE_HISTORY 64 /* intervals remembered */

/* What is known of the target. NEVER objects to nothing: it may not answer at all. */
#define SW_PROBE_STATES(X)                                                                         \
	X(NEVER, "never-answered")                                                                 \
	X(UP, "up")                                                                                \
	X(DOWN, "down")

/* Why none is sent now; such an interval tells nothing. */
#define SW_PROBE_BLOCKS(X)                                                                         \
	X(NONE, "")                                                                                \
	X(LINK, "interface-down")                                                                  \
	X(ADDRESS, "no-address")                                                                   \
	X(NEIGHBOR, "no-neighbor")                                                                 \
	X(SEND, "send-failed")

#define SW_ENUM_PROBE_STATE(id, text) SW_PROBE_##id,
#define SW_ENUM_PROBE_BLOCK(id, text) SW_PROBE_BLOCK_##id,
enum sw_probe_state { SW_PROBE_STATES(SW_ENUM_PROBE_STATE) SW_PROBE_STATE_COUNT };
enum sw_probe_block { SW_PROBE_BLOCKS(SW_ENUM_PROBE_BLOCK) SW_PROBE_BLOCK_COUNT };

/* Map `probes`, mmapped, a row a path id; written by the daemon, read by commands. */
struct sw_probe {
	__u8 target[16]; /* network order, IPv4 in the first four */
	__u16 port;	 /* host order; 0: ICMP echo */
	__u8 family;	 /* 4 or 6; 0: the path has no probe */
	__u8 state;	 /* enum sw_probe_state */
	__u8 block;	 /* enum sw_probe_block */
	__u8 misses;	 /* as configured */
	__u8 run;	 /* intervals in a row that speak against the state */
	__u8 known;	 /* intervals in `lost`, at most SW_PROBE_HISTORY */
	__u32 interval_ms;
	__u32 elsewhere; /* ifindex by which an answer came that was not the path's, 0: none */
	__u64 lost;	 /* a bit an interval, the last one lowest; 1: no answer */
	__u64 sent, answered;
	__u64 rtt_ns;	    /* of the last answer */
	__u64 answered_ns;  /* CLOCK_MONOTONIC of it, 0: never */
	__u64 elsewhere_ns; /* likewise, of `elsewhere` */
};

#endif
