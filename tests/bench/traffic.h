/* SPDX-License-Identifier: GPL-2.0-only */
/* What the bench's programs (traffic.bpf.c) and its userspace share. */
#ifndef TESTS_BENCH_TRAFFIC_H
#define TESTS_BENCH_TRAFFIC_H

#define DESTINATIONS 65536 /* hosts that packets are for, spread over the prefixes */
#define FIRST_PORT   1024
#define FRAME4	     60 /* the least Ethernet frame, but for its check sum */
#define FRAME6	     64

/*
 * What packets are written: set before a run. Packet n is of flow ((n * an odd number) & mask) +
 * base: every flow once, then again. Flow f is inside host 10.1.x.y of the low 16 bits of f to
 * destination number (low 16 bits of f), by the source port of the others.
 */
struct writing {
	__u32 flow_mask, flow_base;
	__u32 cpus; /* that write at once: a flow is always the same one's, as with RSS */
	__u32 one_destination; /* 1: all go to row DESTINATIONS */
	__u32 inward;	       /* 1: from the outside host to the inside one */
	__u32 family;
	__u8 dmac[6], smac[6];
};

/* When the first packet since `armed` came to each sink, CLOCK_MONOTONIC; 0: none yet. */
struct arrival {
	__u64 first_ns[2];
	__u32 armed;
};

/* Key and value of the hash maps to compare with: an IPv4 flow and what is kept of it. */
struct lru_key {
	__u32 lo, hi;
	__u16 lo_port, hi_port;
	__u32 proto;
};
struct lru_record {
	__u64 packets[2], bytes[2];
	__u64 last_ns, state;
};

/* A cache line. */
struct line {
	__u64 word[8];
};

struct lpm_key {
	__u32 len;
	__u32 addr;
};
struct lpm_hop {
	__u8 macs[12];
	__u32 port;
};

#endif
