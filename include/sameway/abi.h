/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the data plane (bpf/) and the daemon (user/) share: limits, names, map values, events.
 * Names are X-macro lists: the enum, the text, the JSON and the help come from one place.
 * Any change of a struct here changes SW_ABI_VERSION: pinned maps of another version are refused.
 */
#ifndef SAMEWAY_ABI_H
#define SAMEWAY_ABI_H

#include <linux/types.h>

#define SW_ABI_VERSION 4

#define SW_MAX_PATHS   64
#define SW_MAX_WEIGHT  64
#define SW_MAX_INSIDE  64
/* An interface's slot: a path's id, or SW_INSIDE_SLOT + the number of the inside entry. */
#define SW_INSIDE_SLOT 64
#define SW_MAX_SLOTS   (SW_MAX_PATHS + SW_MAX_INSIDE)
#define SW_MAX_TIERS   8
#define SW_MAX_TAGS    2 /* VLAN tags of a frame */
#define SW_MAX_GROUPS  32768
#define SW_NAME_LEN    32
#define SW_NO_PATH     0xff
#define SW_NO_RANK     0xff
/* rtm_protocol of the rules and routes that are sameway's own, in kernel forwarding. */
#define SW_RTPROT 83

/* Path classes, in the default order of preference. */
#define SW_CLASSES(X)                                                                              \
	X(EXPRESSROUTE, "expressroute")                                                            \
	X(VPN, "vpn")                                                                              \
	X(PEERING, "peering")                                                                      \
	X(OTHER, "other")

/* Every packet that an interface received has exactly one reason: field name, text. */
#define SW_REASONS(X)                                                                              \
	X(forwarded, "forwarded")                                                                  \
	X(last_resort, "last-resort")                                                              \
	X(observed, "observed")                                                                    \
	X(local, "local")                                                                          \
	X(multicast, "multicast")                                                                  \
	X(linklocal, "linklocal")                                                                  \
	X(arp_nd, "arp-nd")                                                                        \
	X(exempt, "exempt")                                                                        \
	X(ttl, "ttl")                                                                              \
	X(ip_options, "ip-options")                                                                \
	X(too_big, "too-big")                                                                      \
	X(no_route, "no-route")                                                                    \
	X(no_path, "no-path")                                                                      \
	X(no_neighbor, "no-neighbor")                                                              \
	X(other_host, "other-host")                                                                \
	X(source, "source")                                                                        \
	X(hairpin, "hairpin")                                                                      \
	X(redirect_failed, "redirect-failed")                                                      \
	X(unknown_ethertype, "unknown-ethertype")                                                  \
	X(unknown_vlan, "unknown-vlan")                                                            \
	X(malformed, "malformed")                                                                  \
	X(transit_denied, "transit-denied")                                                        \
	X(rule_denied, "rule-denied")                                                              \
	X(asymmetric_denied, "asymmetric-denied")                                                  \
	X(spoof, "spoof")                                                                          \
	X(error, "error")

#define SW_ACTIONS(X)                                                                              \
	X(PASS, "pass")                                                                            \
	X(FORWARD, "forward")                                                                      \
	X(DROP, "drop")

/* A flow's verdicts (scenarios.md, reading key); no-route has no record, only a count. */
#define SW_VERDICTS(X)                                                                             \
	X(PENDING, "pending")                                                                      \
	X(OK, "ok")                                                                                \
	X(BENIGN_ECMP, "benign-ecmp")                                                              \
	X(INTER_CIRCUIT, "inter-circuit")                                                          \
	X(ASYMMETRIC, "asymmetric")                                                                \
	X(POLICY_VIOLATION, "policy-violation")                                                    \
	X(FAILOVER, "failover")                                                                    \
	X(TRANSITION, "transition")                                                                \
	X(ONE_WAY, "one-way")                                                                      \
	X(BLIND, "blind")                                                                          \
	X(LOOP_OR_SPOOF, "loop-or-spoof")                                                          \
	X(NO_ROUTE, "no-route")

/* Words of struct sw_usable: field, the reason `paths` shows while a path's bit is clear. */
#define SW_LIVENESS(X)                                                                             \
	X(link, "interface-down")                                                                  \
	X(peers4, "peer-down")                                                                     \
	X(peers6, "peer-down")                                                                     \
	X(bfd, "bfd-down")                                                                         \
	X(probe, "probe-failed")                                                                   \
	X(admin, "drained")                                                                        \
	X(failback, "failback-delay")                                                              \
	X(neighbor, "no-neighbor")

#define SW_ENUM_CLASS(id, text)	  SW_CLASS_##id,
#define SW_ENUM_REASON(id, text)  SW_REASON_##id,
#define SW_ENUM_ACTION(id, text)  SW_ACTION_##id,
#define SW_ENUM_VERDICT(id, text) SW_VERDICT_##id,
enum sw_class { SW_CLASSES(SW_ENUM_CLASS) SW_CLASS_COUNT };
enum sw_reason { SW_REASONS(SW_ENUM_REASON) SW_REASON_COUNT };
enum sw_action { SW_ACTIONS(SW_ENUM_ACTION) SW_ACTION_COUNT };
enum sw_verdict { SW_VERDICTS(SW_ENUM_VERDICT) SW_VERDICT_COUNT };

enum sw_mode { SW_MODE_MONITOR, SW_MODE_ENFORCE };
/* FAST redirects; KERNEL only marks, and the kernel sends by the mark. */
enum sw_forward { SW_FORWARD_FAST, SW_FORWARD_KERNEL };
enum sw_scope { SW_SCOPE_CLASS, SW_SCOPE_CIRCUIT, SW_SCOPE_PATH };
enum sw_role { SW_ROLE_PATH = 1, SW_ROLE_INSIDE };
/* What a group's prefixes are. ROUTE has tiers; the others are reserved answers of the FIB. */
enum sw_group_kind {
	SW_GROUP_FREE,
	SW_GROUP_ROUTE,
	SW_GROUP_INSIDE, /* inside network: `slot` says whose */
	SW_GROUP_LOCAL,	 /* an address of this box, or a broadcast address */
	SW_GROUP_EXEMPT,
};

/* Map `ctl`, one row, mmapped; written by the daemon alone. */
struct sw_ctl {
	__u32 abi;	  /* SW_ABI_VERSION */
	__u32 mode;	  /* enum sw_mode in effect now (monitor during a cold start) */
	__u32 generation; /* bumped AFTER every change of groups, FIB, usable or paths */
	__u32 scope;	  /* enum sw_scope */
	__u64 grace_ns;
	__u64 can4, can6; /* paths that may be sent packets of the family */
	__u64 weighted;	  /* paths whose weight is more than 1 */
	__u32 default4,
		default6; /* group that select falls through to (default-route: last), 0: none */
	__u32 seed;	  /* of the flow hash */
	__u64 netns;	  /* inode of the network namespace whose interfaces these are */
	__u32 event_rate; /* events a second and CPU, at most */
	__u32 unwatched;  /* bits SW_UNWATCHED_*: a hook that should see the direction is missing */
	__u32 devices_map; /* the kernel's id of map `devices` */
	/* mode ENFORCE counts as MONITOR from here on (CLOCK_MONOTONIC), daemon or not; 0: never */
	__u64 enforce_until_ns;
	__u64 watched_ns; /* CLOCK_MONOTONIC since when nothing is unwatched */
	__u64 magic;	  /* random: tells what we moved from what others did; 0: none yet */
	__u32 forward;	  /* enum sw_forward in effect */
	/*
	 * The bits of skb->mark that are ours, in a row. A path's value is its id + 1, counted in
	 * the lowest of them: one word, so that no packet sees half a change. 0: nothing is marked.
	 */
	__u32 fwmark;
	/* first of the route tables and rule priorities installed, and to be removed; 0: none */
	__u32 tables, tables_before;
	/* 1: output rules of this box saw the kernel's choice, what it sends out stays there */
	__u32 no_egress_moves;
	__u32 root4, root6;	    /* group of 0/0 and ::/0, where the tables have none; 0: none */
	__u32 prefixes4, prefixes6; /* that go to a group of routes, as last compiled */
	__u32 nodes4, nodes6;	    /* of the tables, in use */
	/* a bit a slot: its device takes multi-buffer frames that XDP redirects */
	__u64 takes_frags[SW_MAX_SLOTS / 64];
};

/* What a packet of the path carries in the bits of `mask`. */
static inline __u32 sw_mark(__u32 mask, __u32 path)
{
	return (path + 1) * (mask & -mask) & mask;
}

/* By direction: enum direction's numbers as bits. */
#define SW_UNWATCHED_OUT 0x1 /* inside to path */
#define SW_UNWATCHED_IN	 0x2

/* Map `usable`, one row, mmapped: one cache line, each word has ONE writer; set = no objection. */
struct sw_usable {
#define SW_FIELD_WORD(field, text) __u64 field;
	SW_LIVENESS(SW_FIELD_WORD)
};

/* Map `paths`, mmapped, a row a path id; written by the daemon. */
struct sw_path {
	char name[SW_NAME_LEN];		/* empty: not configured */
	char circuit_name[SW_NAME_LEN]; /* empty: none */
	__u32 ifindex;
	__u32 mtu;	  /* of the IP packet, bytes */
	__u8 class;	  /* enum sw_class */
	__u8 rank;	  /* place of the class in prefer, SW_NO_RANK: observed only */
	__u8 circuit;	  /* number of the circuit, same number = one redundant pair */
	__u8 l3;	  /* 1: a device without Ethernet header */
	__u8 maintenance; /* 1: some of its routes say so (12076 repeated) */
	__u8 weight;	  /* its share among equals, 1..SW_MAX_WEIGHT; 0 counts as 1 */
	__u8 pad[2];
	__u64 changed_ns;	/* CLOCK_MONOTONIC when its usable bit last changed, 0: never */
	__u64 drained_until_ns; /* CLOCK_MONOTONIC when a drain ends by itself, 0: by hand only */
};

/* Map `interfaces`, hash by ifindex; written by the daemon. */
struct sw_interface {
	char name[16];
	__u8 role; /* enum sw_role */
	__u8 slot; /* path id, or SW_INSIDE_SLOT + inside number; the lowest where it has several */
	__u8 l3;
	__u8 ports;  /* 1: it has VLAN tags or several paths, and `ports` tells whose a packet is */
	__u8 mac[6]; /* its own */
	__u8 tags;   /* most VLAN tags that a port of it has */
	__u8 owner;  /* 1: only has a path's addresses (`l3:`), no program of ours runs on it */
	__u32 mtu;
};

/*
 * Map `interfaces_fast`, row ifindex % SW_FAST_INTERFACES: plain Ethernet interfaces of ours, those
 * with neither VLAN tags nor several paths, in two words that change one at a time. Two that want
 * one row: one is not in it, and its packets take the long way.
 */
#define SW_FAST_INTERFACES  256
#define SW_FAST_MAC	    0xffffffffffffULL
#define SW_FAST_MTU(where)  ((__u32)((where) >> 32) & 0xffff)
#define SW_FAST_SLOT(where) ((__u32)((where) >> 48) & 0xff)
struct sw_interface_fast {
	__u64 where; /* ifindex:32, MTU:16, slot:8; 0: none */
	__u64 mac;   /* its own */
};
static inline struct sw_interface_fast sw_interface_fast(__u32 ifindex,
							 const struct sw_interface *row)
{
	struct sw_interface_fast fast = {0};
	int i;

	if (row->ports || row->l3 || row->owner)
		return fast;
	for (i = 0; i < 6; i++) /* as a little-endian machine reads it */
		fast.mac |= (__u64)row->mac[i] << 8 * i;
	fast.where = (__u64)row->slot << 48 | ifindex;
	if (row->mtu <= 0xffff)
		fast.where |= (__u64)row->mtu << 32;
	return fast;
}

/* VLAN ids of a frame, the outer one first, in host order; 0: no tag. */
union sw_tags {
	__u16 vid[SW_MAX_TAGS];
	__u32 all; /* 0: untagged */
};

/* Map `ports`: the paths of an interface that has VLAN tags or several paths; key and value. */
struct sw_port_key {
	__u32 ifindex;
	union sw_tags tags;
};
struct sw_port {
	__u64 paths; /* ids; where it is more than one, the gateway's MAC tells which */
	__u8 mac[6]; /* of the device that has the addresses (`l3:`) */
	__u8 slot;   /* the lowest of them */
	__u8 pad;
};

/*
 * Map `nexthops`, index slot * 2 + (0: IPv4, 1: IPv6). The daemon writes family, ifindex, addr;
 * the programs fill the MACs from the kernel's neighbour table and look again each
 * SW_NEXTHOP_CHECK_NS, so they stay right with the daemon dead.
 */
#define SW_NEXTHOP_CHECK_NS 250000000ULL
struct sw_nexthop {
	__u8 dmac[6], smac[6]; /* as they are written, in one piece */
	__u32 ifindex;	       /* the device it leaves by */
	union sw_tags tags;    /* to be put on */
	__u8 family;	       /* 4 or 6; 0: no gateway of this family, ifindex is all there is */
	__u8 valid;	       /* the MACs are resolved */
	__u8 pad[2];
	__u64 checked_ns; /* 0: ask at the next packet */
	__u8 addr[16];	  /* network order, IPv4 in the first four */
	__u32 l3_ifindex; /* the device whose neighbour it is: another where `l3:` says so */
	__u32 pad2;
	__u64 pad3;
};

/* Map `neighbors`: hosts of inside networks that are on the link; key and value. */
struct sw_neighbor_key {
	__u32 ifindex;
	__u32 family;  /* 4 or 6 */
	__u8 addr[16]; /* network order, IPv4 in the first four */
};
struct sw_neighbor {
	__u8 mac[6];
	__u8 pad[2];
	__u64 checked_ns; /* when the kernel's neighbour table last said so, 0: ask again */
};

/*
 * Maps `fib4` and `fib6`, mmapped: an entry for each of the first 24 or 16 bits of an address, a
 * group's number (0: none) or, with the top bit set, a node's in `fib4_nodes` or `fib6_nodes`: 256
 * entries for the next 8 bits. Entries of 2 bytes for IPv4, 4 to a row; of 4 for IPv6, 2 to a row.
 * Where an entry says 0, sw_ctl.root4 or root6 is the answer: the prefix 0/0.
 */
#define SW_FIB4_ROWS	  (1u << 22)
#define SW_FIB6_ROWS	  (1u << 15)
#define SW_FIB4_NODE_ROWS 64u
#define SW_FIB6_NODE_ROWS 128u

/* Of a LOCAL group: addresses of paths' own interfaces; what has one as its source stays there. */
#define SW_LOCAL_ON_PATH 1

/*
 * Map `groups`, mmapped. A group in use is never changed, except `since_ns` set back to 0: a new
 * answer is a new group, written before a prefix points to it. Group 0 is no group.
 */
struct sw_group {
	__u8 kind;     /* enum sw_group_kind */
	__u8 tiers;    /* how many of tier[] are used */
	__u8 slot;     /* kind INSIDE: interface slot; LOCAL: 0 or SW_LOCAL_ON_PATH */
	__u8 degraded; /* best rank of a class that had candidates and lost them all, SW_NO_RANK:
			  none */
	__u32 pad;
	__u64 since_ns; /* CLOCK_MONOTONIC when a feed last changed the answer of its prefixes, 0:
			   long ago */
	__u64 members;	/* every path with a candidate, chosen or only observed */
	__u64 tier[SW_MAX_TIERS];
	__u8 rank[SW_MAX_TIERS]; /* class rank of each tier */
};

/*
 * Per-CPU map `path_stats` and, its first four summed by the kernel's timer each second,
 * `path_counters`. egress_*: packets that the kernel sent out by this path and select would not.
 */
struct sw_path_stats {
	__u64 rx_packets, rx_bytes, tx_packets, tx_bytes;
	__u64 egress_moved;	  /* to the path that select gives; counted there */
	__u64 egress_too_big;	  /* left here: larger than that path's MTU */
	__u64 egress_no_neighbor; /* left here: its gateway's MAC is not known */
	__u64 egress_returned;	  /* left here: moved before, another mover brought it back */
	__u64 egress_lost;	  /* dropped: half rewritten when it could not be moved */
	__u64 egress_stayed; /* left here: nothing is moved (kernel forwarding, output rules) */
	__u64 egress_back;   /* left here, and had come by a path: a loop until its TTL ends */
};
struct sw_path_counters {
	char name[SW_NAME_LEN];
	__u64 rx_packets, rx_bytes, tx_packets, tx_bytes;
};

/* Per-CPU map `reasons`, a row a slot: packets received by the interface. */
struct sw_reason_counts {
#define SW_FIELD_COUNT(field, text) __u64 field;
	SW_REASONS(SW_FIELD_COUNT)
};
struct sw_reasons {
	struct sw_reason_counts pass, forward, drop; /* in the order of enum sw_action */
	/*
	 * Frames that TC ingress saw; those of them that were whole GSO frames, and the packets in
	 * these: what native XDP would have taken one by one.
	 */
	__u64 tc_frames, gso_frames, gso_packets;
};

/* Map `verdicts`, a row a verdict. */
struct sw_verdict_row {
	char name[24];
	__u64 given; /* times the programs gave it (no-route: packets) */
	__u64 flows; /* records that have it now, written by the daemon's scan */
};

/* Per-CPU map `health`, one row: what would otherwise be lost in silence. */
struct sw_health {
	__u64 events_sent;
	__u64 events_full;     /* ring was full: kept, sent again by the flow's next packet */
	__u64 events_limited;  /* over event_rate: kept likewise */
	__u64 events_lost;     /* replaced by a newer verdict before they could be sent */
	__u64 flows_full;      /* no record could be had: none is free, none may be taken */
	__u64 flows_evicted;   /* taken from another flow */
	__u64 flows_forgotten; /* of those, from one that was answered, and neither dead nor idle */
	__u64 flows_busy;      /* left alone, another CPU was at it: a packet not recorded */
	__u64 neighbor_asked;  /* look-ups of a gateway's MAC */
	__u64 redirect_no_dev; /* XDP redirect found no device in the devmap */
	__u64 spoofs_skipped;  /* packets of spoofers that no record was made for */
	__u64 spoof_made_ns;   /* when one was */
	__u64 rate_window_ns, rate_count;
};

/*
 * Per-CPU map `redirect_errors`, a row a slot: packets that XDP redirected to the device and the
 * kernel then lost, by why. They are among what `reasons` and `path_stats` count as sent.
 */
#define SW_REDIRECT_ERRORS(X)                                                                      \
	X(device_down, "device-down")	  /* administratively down */                              \
	X(too_long, "too-long")		  /* than the device's MTU */                              \
	X(not_supported, "not-supported") /* the driver takes nothing (any more) */                \
	X(no_receiver, "no-receiver")	  /* its queues are off, or a veth's peer has no GRO */    \
	X(queue_full, "queue-full")	  /* it took only some */                                  \
	X(other, "other")
struct sw_redirect_errors {
	SW_REDIRECT_ERRORS(SW_FIELD_COUNT)
};

/*
 * Map `timers`, one row: a struct bpf_timer, then this, written by the kernel's timer. An old
 * beat_ns: the clock has stalled. The others: packets of all paths, and when it last found more.
 */
#define SW_TIMER_PERIOD_NS 1000000000ULL
struct sw_beat {
	__u64 beat_ns;
	__u64 rx_packets, rx_ns;
	__u64 tx_packets, tx_ns;
};
/* A direction without a packet on any path for so long is idle: nothing is told of it. */
#define SW_SIDE_IDLE_NS 5000000000ULL

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
		__u64 moved : 15;  /* ticks from `settle` to the first outward packet on `out`
				      after it, and one; 0: not known */
		__u64 reuse : 10;
	} s;
};

#define SW_FLOW_INSIDE_IS_HI   0x01 /* the inside host is key.hi */
#define SW_FLOW_OPENED_INSIDE  0x02 /* who sent the SYN, else the first packet seen */
#define SW_FLOW_NO_SYN	       0x04 /* its first packet was a SYN-ACK: the SYN went elsewhere */
#define SW_FLOW_LOOPS	       0x08 /* what came by a path from its inside host had left before */
#define SW_FLOW_ABOUT	       0x0f
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
#define SW_CLOCK_PERIOD_NS 4000000ULL
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

/*
 * The `explain` program's packet: filled by the caller, answered in place. Runs the stages of the
 * data path on a tuple; touches no counter and no record.
 */
struct sw_explain {
	__u8 family, proto;
	__u16 sport, dport; /* network order */
	__u8 pad[2];
	__u8 src[16], dst[16];
	__u64 down; /* paths to be taken as unusable */
	/* answered */
	__u32 group;
	__u8 kind;	   /* enum sw_group_kind */
	__u8 path;	   /* SW_NO_PATH: none */
	__u8 tier;	   /* that decided */
	__u8 step;	   /* enum sw_step */
	__u64 usable;	   /* as select saw it */
	__u64 tier_usable; /* members of the tier it chose from */
};

/* Which step of select decided. */
#define SW_STEPS(X)                                                                                \
	X(NONE, "none")                                                                            \
	X(ONLY, "only-usable-path")                                                                \
	X(HASH, "flow-hash")                                                                       \
	X(STICKY, "stays-on-its-path")                                                             \
	X(LAST_RESORT, "last-resort")
#define SW_ENUM_STEP(id, text) SW_STEP_##id,
enum sw_step { SW_STEPS(SW_ENUM_STEP) SW_STEP_COUNT };

_Static_assert(sizeof(struct sw_usable) == 64, "usable is one cache line");
_Static_assert(sizeof(struct sw_flow_key) == 40, "flow key has no hidden padding");
_Static_assert(sizeof(struct sw_port_key) == 8, "port key has no hidden padding");
_Static_assert(sizeof(struct sw_nexthop) == 64, "a next hop is a cache line");
_Static_assert(sizeof(struct sw_group) == 96, "group has no hidden padding");
_Static_assert(sizeof(union sw_flow_word) == 8, "flow state is one word");
_Static_assert(sizeof(struct sw_flow_record) == 56, "flow record has no hidden padding");
_Static_assert(sizeof(struct sw_flow4) == 64, "an IPv4 flow is one cache line");
_Static_assert(sizeof(struct sw_flow6) == 96, "an IPv6 flow is one and a half");
_Static_assert(sizeof(struct sw_flow_line) == 64, "a line of the index is a cache line");
_Static_assert(sizeof(struct sw_flow_table) == 128, "flow table has no hidden padding");
_Static_assert(sizeof(struct sw_explain) % 8 == 0, "explain has no hidden padding");

#endif
