/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the data plane (bpf/) and the daemon (user/) share: limits, names, map values, events.
 * Names are X-macro lists: the enum, the text, the JSON and the help come from one place.
 * Any change of a struct here changes SW_ABI_VERSION: pinned maps of another version are refused.
 */
#ifndef SAMEWAY_ABI_H
#define SAMEWAY_ABI_H

#include <linux/types.h>

#define SW_ABI_VERSION 12

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
/* What enforce does with a flow whose verdict is asymmetric (bpf/reflect.h). */
enum sw_asymmetry { SW_ASYMMETRY_ALERT, SW_ASYMMETRY_REFLECT, SW_ASYMMETRY_DROP };
enum sw_role { SW_ROLE_PATH = 1, SW_ROLE_INSIDE };
/* What a group's prefixes are. ROUTE has tiers; the others are reserved answers of the FIB. */
enum sw_group_kind {
	SW_GROUP_FREE,
	SW_GROUP_ROUTE,
	SW_GROUP_INSIDE, /* inside network: `slot` says whose */
	SW_GROUP_LOCAL,	 /* an address of this box, or a broadcast address */
	SW_GROUP_EXEMPT,
};

/*
 * Map `ctl`, one row, mmapped; written by the daemon (`generation`: the kernel's timer, too;
 * `carrier`, `held`: by programs alone).
 */
struct sw_ctl {
	__u32 abi;	  /* SW_ABI_VERSION */
	__u32 mode;	  /* enum sw_mode in effect now (monitor during a cold start) */
	__u32 generation; /* bumped AFTER every change of groups, FIB, usable, paths or rules */
	__u32 rules;	  /* which policy rules are in force, see abi_rule.h; 0: none */
	__u32 scope;	  /* enum sw_scope */
	__u32 asymmetry;  /* enum sw_asymmetry */
	__u64 grace_ns;
	__u64 can4, can6; /* paths that may be sent packets of the family */
	__u64 weighted;	  /* paths whose weight is more than 1 */
	__u64 clamped;	  /* paths that have an `mss:` */
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
	__u64 rules_ns;	  /* CLOCK_MONOTONIC when a reload last changed the rules, 0: never */
	__u32 rules_last; /* `rules` as it last was, other than 0 */
	__u32 transit;	  /* 1: path to path is forwarded */
	__u64 bfd;	  /* paths whose BFD sessions object: `bfd: true` */
	__u64 carrier;	  /* paths whose carrier the kernel's timer reads, see abi_carrier.h */
	__u64 held;	  /* by the timer: those of them that have it again and are held back */
};

/* What a packet of the path carries in the bits of `mask`. */
static inline __u32 sw_mark(__u32 mask, __u32 path)
{
	return (path + 1) * (mask & -mask) & mask;
}

/* By direction: enum direction's numbers as bits. */
#define SW_UNWATCHED_OUT 0x1 /* inside to path */
#define SW_UNWATCHED_IN	 0x2

/*
 * Map `usable`, one row, mmapped: one cache line, each word has ONE writer (admin and link: two, by
 * atomic operations, see SW_DRAIN_LATE_NS and struct sw_carrier); set = no objection.
 */
struct sw_usable {
#define SW_FIELD_WORD(field, text) __u64 field;
	SW_LIVENESS(SW_FIELD_WORD)
};

/* Map `paths`, mmapped, a row a path id; written by the daemon. */
#define SW_DRAIN_LATE_NS                                                                           \
	1000000000ULL /* past a drain's end, by then: the kernel's timer ends it                   \
		       */
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
	__u16 mss;	  /* most that TCP by it may offer, 0: any; see sw_path_mss() */
	/* CLOCK_MONOTONIC when its usable bit last changed, 0: never; the kernel's timer, too */
	__u64 changed_ns;
	__u64 drained_until_ns; /* CLOCK_MONOTONIC when a drain ends by itself, 0: by hand only */
	__u32 routes4, routes6; /* that feeds have for it and that count */
};

/* The greatest MSS that a TCP of the family by the path may offer, 0: any. RFC 9293, 3.7.1. */
static inline __u32 sw_path_mss(const struct sw_path *path, __u8 family)
{
	__u32 headers = family == 4 ? 40 : 60;

	if (path->mss && path->mtu > headers && path->mtu - headers < path->mss)
		return path->mtu - headers;
	return path->mss;
}

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
 * group's number (0: none) or a node's in `fib4_nodes` or `fib6_nodes`: 256 entries for the next 8
 * bits. IPv4: 2 bytes, 4 to a row, nodes have the top bit set; IPv6: 4 bytes, 2 to a row, a node to
 * a row, groups have the top bit set, so that an entry of a node is the key of its row; a group is
 * in the low 16 bits, and above it, for the daemon alone, the length of its prefix.
 * Where an entry says group 0, sw_ctl.root4 or root6 is the answer: the prefix 0/0.
 */
#define SW_FIB4_ROWS	  (1u << 22)
#define SW_FIB6_ROWS	  (1u << 15)
#define SW_FIB4_NODE_ROWS 64u

struct sw_fib6_node {
	__u32 entry[256];
};

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
	__u64 egress_denied; /* dropped: a rule keeps it off this path, and it has no other */
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
	__u64 flows_leaked;   /* records that could not be given back: the next daemon finds them */
	__u64 flows_busy;     /* left alone, another CPU was at it: a packet not recorded */
	__u64 neighbor_asked; /* look-ups of a gateway's MAC */
	__u64 redirect_no_dev; /* XDP redirect found no device in the devmap */
	__u64 spoofs_skipped;  /* packets of spoofers that no record was made for */
	__u64 spoof_made_ns;   /* when one was */
	__u64 mss_clamped;     /* SYNs whose MSS was lowered */
	__u64 rate_window_ns, rate_count;
};

/*
 * Per-CPU map `redirect_errors`, a row a slot: packets that were redirected to the device and the
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
	__u64 stalled_ns; /* when it last came SW_STALL_NS late, or later */
};
/* The machine stood still: what came in meanwhile is not heard yet. */
#define SW_STALL_NS 100000000ULL
/* A direction without a packet on any path for so long is idle: nothing is told of it. */
#define SW_SIDE_IDLE_NS 5000000000ULL

#include "sameway/abi_flow.h"
#include "sameway/abi_probe.h"
#include "sameway/abi_rule.h"
#include "sameway/abi_carrier.h"
#include "sameway/abi_bfd.h"

/*
 * The `explain` program's packet: filled by the caller, answered in place. Runs the stages of the
 * data path on a tuple; touches no counter and no record.
 */
struct sw_explain {
	__u8 family, proto;
	__u16 sport, dport; /* network order */
	__u8 dscp;
	__u8 pad;
	__u8 src[16], dst[16];
	__u64 down; /* paths to be taken as unusable */
	/* answered */
	__u32 rule;	  /* number and one, 0: none */
	__u32 rule_flags; /* SW_RULE_* */
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
	X(REFLECTED, "reflected")                                                                  \
	X(LAST_RESORT, "last-resort")
#define SW_ENUM_STEP(id, text) SW_STEP_##id,
enum sw_step { SW_STEPS(SW_ENUM_STEP) SW_STEP_COUNT };

_Static_assert(sizeof(struct sw_usable) == 64, "usable is one cache line");
_Static_assert(sizeof(struct sw_port_key) == 8, "port key has no hidden padding");
_Static_assert(sizeof(struct sw_nexthop) == 64, "a next hop is a cache line");
_Static_assert(sizeof(struct sw_group) == 96, "group has no hidden padding");
_Static_assert(sizeof(struct sw_explain) % 8 == 0, "explain has no hidden padding");

#endif
