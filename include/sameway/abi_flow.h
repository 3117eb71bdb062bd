/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Of abi.h: flows, their records and the index of the flow table (bpf/flow_table.h), the clock, and
 * what is told of them. Included by that alone.
 */
#ifndef SAMEWAY_ABI_FLOW_H
#define SAMEWAY_ABI_FLOW_H

#include <linux/types.h>

/* A flow: lo/hi ordered, so that both directions share one record. */
struct sw_flow_key {
	__u8 lo[16], hi[16];	/* network order; IPv4 in the first four bytes, rest 0 */
	__u16 lo_port, hi_port; /* network order; ICMP echo: both the identifier */
	__u8 proto;
	__u8 family; /* 4 or 6 */
	__u8 pad[2];
};

/*
 * Times of a record are ticks: CLOCK_MONOTONIC >> SW_TICK_SHIFT, 1.05 ms each, around in 52 days.
 * seen is coarser, 268 ms, around in 4.9 hours: idle flows are removed long before that.
 */
#define SW_TICK_SHIFT 20
#define SW_SEEN_SHIFT 28

/*
 * A flow's state: one word, changed by compare-and-exchange only. `reuse` counts the flows that
 * had this record: who comes late, with a packet of the one before, changes nothing.
 */
#define SW_FLOW_NO_PATH 0x7f
union sw_flow_word {
	__u64 word;
	struct {
		__u64 out : 7, in : 7; /* path last seen inside-to-path, path-to-inside */
		__u64 answer : 7;      /* what select gave when last judged */
		__u64 verdict : 4;
		__u64 told : 4;	     /* verdict of the last event sent */
		__u64 out_fresh : 1; /* out was seen since the epoch began */
		__u64 in_fresh : 1;
		__u64 event : 1;   /* one is owed: ring full or rate limit */
		__u64 used : 1;	   /* 0: the record is nobody's */
		__u64 settled : 6; /* from the first change of this row to `settle`: 1/16 grace */
		__u64 moved : 15;  /* see sw_flow_moved() */
		__u64 reuse : 10;
	} s;
};

/*
 * Ticks from `settle` to the first outward packet on `out`, and one more where that came after it.
 * Less than 0: `settle` is a later change, of the other direction. 0: not known.
 */
#define SW_FLOW_MOVED_MAX 0x3fff
static inline __s32 sw_flow_moved(__u32 moved)
{
	return (__s32)(moved << 17) >> 17;
}

#define SW_FLOW_INSIDE_IS_HI   0x01 /* the inside host is key.hi */
#define SW_FLOW_OPENED_INSIDE  0x02 /* who sent the SYN, else the first packet seen */
#define SW_FLOW_NO_SYN	       0x04 /* its first packet was a SYN-ACK: the SYN went elsewhere */
#define SW_FLOW_LOOPS	       0x08 /* what came by a path from its inside host had left before */
#define SW_FLOW_REFLECTED      0x80 /* went to the path that answers come by (bpf/reflect.h) */
#define SW_FLOW_ABOUT	       (0x0f | SW_FLOW_REFLECTED)
#define SW_FLOW_EVIDENCE       0x30 /* SW_EVIDENCE_*, by SW_FLOW_EVIDENCE_SHIFT */
#define SW_FLOW_SPOOFED	       0x40 /* `note` tells when and where */
#define SW_FLOW_EVIDENCE_SHIFT 4

/*
 * Evidence of an answer that went elsewhere, taken of a flow while one direction is all that is
 * seen: `note`, an ACK number, grows over data that was not seen here. Not taken of packets in the
 * first SW_EVIDENCE_AGE_NS of the record and after a change: what they answer may have passed
 * before.
 */
#define SW_EVIDENCE_NONE   0
#define SW_EVIDENCE_BASE   1 /* `note` is set */
#define SW_EVIDENCE_ONCE   2 /* it has grown */
#define SW_EVIDENCE_WHOLE  3 /* again, or a SYN-ACK without its SYN */
#define SW_EVIDENCE_AGE_NS 1000000000ULL
/* So long after a packet of its own inside host came by a path a flow is LOOP_OR_SPOOF. */
#define SW_SPOOF_HOLD_NS 5000000000ULL
/* So long a CPU makes no second record of a spoofer's packet: a flood would push out all others. */
#define SW_SPOOF_MAKE_NS 10000000ULL
/* `note` of SW_FLOW_SPOOFED: the path, and above it the time in units of 2^SW_SPOOF_SHIFT ns. */
#define SW_SPOOF_SHIFT	   26
#define SW_SPOOF_PATH_BITS 6

/*
 * A flow is reflected to the path it is answered by when it is that old, as many packets were
 * answers, and nothing of it changed for grace; the edge whose inside host is key.hi lets the other
 * edge go first: it waits for longer.
 */
#define SW_REFLECT_AGE_NS  1000000000ULL
#define SW_REFLECT_WAIT_NS 5000000000ULL
#define SW_REFLECT_PACKETS 3

/* Closing flags of TCP seen, of each direction, in `judged` above the generation. */
#define SW_JUDGED_BITS 28
#define SW_JUDGED_MASK ((1U << SW_JUDGED_BITS) - 1)
#define SW_TCP_FIN_OUT (1U << SW_JUDGED_BITS)
#define SW_TCP_FIN_IN  (2U << SW_JUDGED_BITS)
#define SW_TCP_RST_OUT (4U << SW_JUDGED_BITS)
#define SW_TCP_RST_IN  (8U << SW_JUDGED_BITS)

/*
 * What a flow's record begins with, in maps `flows` (IPv4) and `flows6`. Of bytes and packets the
 * top byte of *_bytes belongs to *_packets: 56 and 40 bits. Ports and addresses in network order.
 */
struct sw_flow_record {
	union sw_flow_word state;
	__u64 out_bytes, in_bytes;
	__u32 out_packets, in_packets;
	__u32 created; /* ticks; free: the next free record, and one (no packet writes it late) */
	__u32 settle;  /* ticks: last change of this row of changes, 0: none */
	__u32 note;    /* an ACK number, or of a spoofer */
	__u16 lo_port, hi_port;
	__u32 judged; /* sw_ctl.generation when last judged, 0: never; SW_TCP_* */
	__u8 proto;
	__u8 about; /* SW_FLOW_* */
	__u16 seen; /* last packet, CLOCK_MONOTONIC >> SW_SEEN_SHIFT */
};
struct sw_flow4 {
	struct sw_flow_record r;
	__u32 lo, hi;
};
struct sw_flow6 {
	struct sw_flow_record r;
	__u64 lo[2], hi[2];
	__u64 pad;
};
#define SW_FLOW_BYTES_BITS 56

/*
 * Maps `flows_index`, `flows6_index`: lines of eight entries, one cache line each; a flow is in the
 * line that its hash names. Entry, from the highest bit: tag:16 (of the hash, never 0), record:24,
 * BUSY:1 (somebody is at it, whoever else meets it leaves it alone), class:3, time:20 in units of
 * 2^SW_LEASE_SHIFT ns. 0: free.
 */
#define SW_LINE_ENTRIES	  8
#define SW_ENTRY_BUSY	  (1ULL << 23)
#define SW_ENTRY_TIME	  0xfffffULL
#define SW_LEASE_SHIFT	  24
#define SW_ENTRY_TAG(e)	  ((e) >> 48)
#define SW_ENTRY_REC(e)	  ((__u32)((e) >> 24) & 0xffffff)
#define SW_ENTRY_CLASS(e) ((__u32)((e) >> 20) & 7)
/* What is pushed out first when there is no room; a dead one is a closed or reset TCP. */
enum sw_entry_class { SW_ENTRY_DEAD, SW_ENTRY_NEW, SW_ENTRY_ANSWERED };
struct sw_flow_line {
	__u64 e[SW_LINE_ENTRIES];
};
/* A record is taken from a flow only so many units after its last packet. */
#define SW_LEASE_UNITS 2
/* One that is so much later than a CPU's clock is of another's clock. */
#define SW_AHEAD_UNITS 4096
/* An answered flow is as good as idle after two minutes. */
#define SW_IDLE_UNITS 7153
#define SW_MAX_FLOWS  (1U << 22)

/* Map `flow_tables`, a row a table (0: IPv4, 1: IPv6): sizes by the daemon before all else. */
struct sw_flow_table {
	__u32 lines; /* less one: a mask */
	__u32 max;   /* records */
	__u64 pad[7];
	/* written when flows come and go: the free ones {times changed:32, record and one:32} */
	__u64 free;
	__u64 unused; /* records that were never used begin here */
	__u64 pad2[6];
};

/* Map `clock`, one row: CLOCK_MONOTONIC, by the kernel's timer each SW_CLOCK_PERIOD_NS. */
#define SW_CLOCK_PERIOD_NS 2000000ULL
struct sw_clock {
	__u64 now_ns; /* 0: not running yet */
	__u64 pad[7];
};

/* What events and user space say of a state. */
#define SW_FLOW_OUT_FRESH 0x01
#define SW_FLOW_IN_FRESH  0x02
#define SW_FLOW_EVENT	  0x04 /* an event is owed */
struct sw_flow_state {
	__u8 out, in, verdict, answer; /* SW_NO_PATH: not seen, none */
	__u8 flags;
	__u8 pad[3];
};

/* Ring buffer `events`: a flow's verdict changed. */
struct sw_event {
	__u64 ts_ns;	 /* CLOCK_MONOTONIC */
	__u64 settle_ns; /* of the record */
	__u64 moved_ns;	 /* likewise */
	__u64 out_packets, in_packets;
	__u64 created_ns;
	struct sw_flow_key key;
	struct sw_flow_state state;
	__u8 previous; /* verdict of the last event sent for this flow */
	__u8 about;
	__u8 spoof_path; /* likewise */
	__u8 pad[5];
};

_Static_assert(sizeof(struct sw_flow_key) == 40, "flow key has no hidden padding");
_Static_assert(sizeof(union sw_flow_word) == 8, "flow state is one word");
_Static_assert(sizeof(struct sw_flow_record) == 56, "flow record has no hidden padding");
_Static_assert(sizeof(struct sw_flow4) == 64, "an IPv4 flow is one cache line");
_Static_assert(sizeof(struct sw_flow6) == 96, "an IPv6 flow is one and a half");
_Static_assert(sizeof(struct sw_flow_line) == 64, "a line of the index is a cache line");
_Static_assert(sizeof(struct sw_flow_table) == 128, "flow table has no hidden padding");

#endif
