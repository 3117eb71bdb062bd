/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Of abi.h: BFD as the kernel watches it (bpf/liveness.h), what the routing daemon's sessions say
 * and hear on a path and what is made of it. Included by that alone.
 */
#ifndef SAMEWAY_ABI_BFD_H
#define SAMEWAY_ABI_BFD_H

#include <linux/types.h>

/* Far ends of a path: its gateways and peers, each address once. */
#define SW_BFD_SESSIONS 8
#define SW_BFD_PORT	3784 /* one hop, RFC 5881 */
#define SW_BFD_MULTIHOP 4784 /* RFC 5883 */

/* States of a session, by their numbers in a packet: RFC 5880, 4.1. */
#define SW_BFD_STATES(X)                                                                           \
	X(ADMIN_DOWN, "admin-down")                                                                \
	X(DOWN, "down")                                                                            \
	X(INIT, "init")                                                                            \
	X(UP, "up")
#define SW_ENUM_BFD_STATE(id, text) SW_BFD_##id,
enum sw_bfd_state { SW_BFD_STATES(SW_ENUM_BFD_STATE) SW_BFD_STATE_COUNT };

/* Why a control packet for this box is not heard. */
#define SW_BFD_REFUSALS(X)                                                                         \
	X(malformed, "malformed") /* RFC 5880, 6.8.6 */                                            \
	X(ttl, "ttl")		  /* one hop, and not sent with 255 */                             \
	X(source, "source")	  /* no gateway or peer of the path's */                           \
	X(session, "session")	  /* not of our side's: another port or discriminator */

/* One word: what the far side said last. */
union sw_bfd_said {
	__u64 all;
	struct {
		__u32 tx_us; /* Desired Min TX Interval */
		__u8 mult;   /* Detect Mult; 0: nothing was said yet */
		__u8 state;  /* enum sw_bfd_state */
		__u16 pad;
	} s;
};
/* One word: what our side says. */
union sw_bfd_own {
	__u64 all;
	struct {
		__u32 rx_us;	 /* Required Min RX Interval; 0: not learned */
		__u32 before_us; /* what held before it, still does while it is the longer */
	} s;
};
/* One word: what our side's session is known by, network order. */
union sw_bfd_name {
	__u64 all;
	struct {
		__u32 mine; /* My Discriminator; the far side's Your Discriminator */
		__u16 port; /* of the destination, both ways; 0: not learned */
		__u16 pad;
	} s;
};

struct sw_bfd_session {
	/* the daemon */
	__u8 addr[16]; /* of the far end, network order, IPv4 in the first four */
	__u64 gateway; /* it is on the link: 3784 till ours is learned */
	__u64 family;  /* 4 or 6; 0: no session */
	/* TC ingress */
	__u64 heard_ns; /* CLOCK_MONOTONIC of its last packet, 0: none ever */
	__u64 heard;	/* packets */
	__u64 gap_ns;	/* longest time between two in state Up, while ours is not learned */
	union sw_bfd_said said;
	/* TC egress */
	union sw_bfd_name name[2]; /* the one it has, the one before: what is under way says it */
	__u64 own_heard_ns;	   /* CLOCK_MONOTONIC of our last packet, 0: none ever */
	__u64 own_ns;		   /* CLOCK_MONOTONIC when own last changed */
	__u64 own_state;	   /* enum sw_bfd_state + 1; 0: not learned */
	union sw_bfd_own own;
	/* the kernel's timer */
	__u64 detect_ns; /* detection time, RFC 5880, 6.8.4 */
	__u64 armed;	 /* it was Up, and nobody has said AdminDown since */
	__u64 down;	 /* armed, and not Up now */
	__u64 misses;	 /* times that it fell silent */
	__u64 downs;	 /* times that the far side said Down */
};

/* Map `bfd`, mmapped, a row a path id. */
struct sw_bfd {
	/* TC ingress */
	struct {
		SW_BFD_REFUSALS(SW_FIELD_COUNT)
	} refused;
	/* the kernel's timer */
	struct sw_hold hold;
	__u64 silent_ns; /* CLOCK_MONOTONIC of the last packet before it fell, 0: it was said */
	struct sw_bfd_session session[SW_BFD_SESSIONS];
};

_Static_assert(sizeof(union sw_bfd_said) == 8 && sizeof(union sw_bfd_own) == 8 &&
		       sizeof(union sw_bfd_name) == 8,
	       "a word each");

#endif
