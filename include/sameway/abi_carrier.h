/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Of abi.h: carrier as the kernel's timer reads it (bpf/carrier.h), and how the timer holds a path
 * back that returns. Included by that alone.
 */
#ifndef SAMEWAY_ABI_CARRIER_H
#define SAMEWAY_ABI_CARRIER_H

#include <linux/types.h>

/* Of the longest failback-delay, and the time that its doubling looks back. */
#define SW_FAILBACK_MAX_NS 300000000000ULL

/* A path that the timer has taken away; by the timer, but delay_ns. */
struct sw_hold {
	__u64 delay_ns;	 /* failback-delay; the daemon */
	__u64 down;	 /* it objects, or holds the path back: see up_ns */
	__u64 down_ns;	 /* CLOCK_MONOTONIC when that began */
	__u64 up_ns;	 /* CLOCK_MONOTONIC since when all is well again, 0: it is not */
	__u64 up_rx;	 /* packets that the path had received then */
	__u64 hold_ns;	 /* how long it holds the path back */
	__u64 failed_ns; /* CLOCK_MONOTONIC of the last failure, 0: none */
};

#define SW_CARRIER_GONE 1
/* A device of a path: where the kernel has it, and whose it must still be. */
struct sw_carrier_device {
	__u64 dev, net; /* addresses in the kernel; dev 0: none, SW_CARRIER_GONE: no more */
	__u32 ifindex;
	__u32 up; /* the timer: it is there, set up, and has its carrier */
};
#define SW_CARRIER_DEVICES 2 /* the path's interface; the one that has its addresses (`l3:`) */

/*
 * Map `carrier`, mmapped, a row a path id. hold.down says who has the path's bit of word `link`:
 * while it is 1 the timer, which has cleared the bit and sets it again; else the daemon. The daemon
 * takes it (1 to 0) when it says itself that the link is down; its return is the daemon's, then.
 */
struct sw_carrier {
	struct sw_carrier_device device[SW_CARRIER_DEVICES];
	struct sw_hold hold;
};

/* What `sw_carrier_find` is asked: a path and its devices, 0: no more. */
struct sw_carrier_ask {
	__u32 path;
	__u32 ifindex[SW_CARRIER_DEVICES];
};

#endif
