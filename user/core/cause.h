/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why a flow has its verdict: cause, side, severity, and the words for a person.
 *
 * In two steps, so that each can be tested alone: cause_gather() reads RIB, FIB and path states
 * into a small struct of facts; cause_tell() is a pure function of these facts.
 */
#ifndef SAMEWAY_CORE_CAUSE_H
#define SAMEWAY_CORE_CAUSE_H

#include "core/incident.h"

#define CAUSE_TEXT_LEN INCIDENT_TEXT_LEN
#define CAUSE_ROUTES   3
#define CAUSE_NAMES    4
/* So long after a change the far side may be behind: the hold time of BGP at Microsoft's edge. */
#define CAUSE_NEAR_NS 180000000000ULL
/* What comes by a path so soon after it came back was on its way before. */
#define CAUSE_SETTLED_NS 1000000000ULL

/* A direction's path. Strings are the config's. */
struct cause_way {
	int path; /* id, -1: not seen, and the rest is unset */
	const char *name, *interface, *circuit;
	const char *l3; /* the device that the kernel's routes name */
	enum sw_class class;
	bool probed;		 /* it has a probe */
	struct ip_addr neighbor; /* its BGP neighbour, as the config says; family 0: not said */
};

/* What this edge's RIB says of one path towards dst. */
struct cause_route {
	const char *path;
	const struct candidate *candidate; /* the RIB's; NULL: none for dst by this path */
	struct prefix prefix;		   /* whose candidate it is; set with candidate */
};

/* What the kernel itself would do with a flow. */
struct cause_kernel {
	bool asked, known; /* known: it could say */
	struct kernel_route route;
};

/* What Azure's own tables (the remote view) say of the way back to src. */
struct cause_remote {
	bool fed;   /* there is such a view */
	bool known; /* it has a route to src; the rest is set */
	bool here;  /* that class and circuit is a path of this edge's */
	struct prefix prefix;
	enum sw_class class;
	const char *circuit; /* "": not told */
	uint64_t age_ns;
	/*
	 * The longest of each class that covers src. far: the gateways have none by ExpressRoute,
	 * only a table on the circuit's side has it.
	 */
	struct cause_route er, vpn;
	bool far;
	bool vpn_foreign; /* the VPN's is of another AS than ours, or of a site without BGP */
	/* of src's inside network: what it has by VPN and not by ExpressRoute, the first few */
	struct prefix missing[CAUSE_NAMES];
	size_t n_missing;
};

/* The words that the routing daemon is told in. UNKNOWN: FRR's and IOS's, and BIRD's. */
enum cause_router { ROUTER_UNKNOWN, ROUTER_FRR, ROUTER_BIRD };

/* A black hole (blackhole.h): flows that send and get no packet back. */
struct cause_silent {
	size_t flows; /* 0: it is none, the rest is not set */
	size_t hosts; /* that they send to */
	uint64_t for_ns;
	bool whole; /* nothing comes back by the path from anywhere; else from dst alone */
	bool moves; /* a TCP flow goes on sending new data: it is answered by another way */
};

struct cause_facts {
	uint8_t verdict;     /* enum sw_verdict */
	bool monitor;	     /* the kernel's choice stands, not ours */
	bool stateful;	     /* a stateful device behind the inside entry */
	bool pair;	     /* of cause_gather_pair(): seen of no flow */
	const char *if_down; /* told of what would be without this path; NULL: of what is */
	struct prefix src, dst;
	struct cause_way forward, reverse; /* inside to outside, and back */

	/* W of the reading key: the first usable tier of dst. */
	bool has_expected;
	enum sw_class expected;
	const char *available[CAUSE_NAMES]; /* its usable paths, the first few */
	size_t n_available;
	struct cause_way better;	     /* the first of them; path -1: none */
	const char *rule;		     /* of the config, that it is by; NULL: by the ladder */
	const struct config_rule *flow_rule; /* the first that matches the flow, NULL: none */
	bool must_encrypt; /* a rule wants it on the VPN: ExpressRoute carries it in clear */

	struct cause_remote remote;
	struct cause_route
		chosen; /* what the routing daemon says it chose; candidate NULL: unknown */
	enum cause_router router;
	/*
	 * The way that they return by was lost, or ours came back, so long ago that the far side
	 * may not have followed yet; -1: no such change within grace and CAUSE_NEAR_NS.
	 */
	int64_t changed_ago_ns;
	bool forward_dead; /* nothing comes back of what leaves by the forward path, for anybody */

	/* That tier is the VPN's by a longer prefix than a usable ExpressRoute one. */
	bool more_specific;
	struct prefix vpn_prefix, er_prefix;
	unsigned int class_first_min;

	/* Failover: the better path that was lost (path -1: none found), and why. */
	struct cause_way lost;
	enum cause lost_cause;
	bool lost_objects;   /* it is not usable; else its routes were withdrawn */
	int64_t duration_ms; /* from its loss to the event, -1: not known */
	bool has_moved;	     /* the two below are known */
	size_t prefixes_moved, prefixes_lost;
	const struct incident_lost *lost_names; /* of prefixes_lost, the first few */
	uint64_t told_by; /* the incident that tells of all that moved; 0: this one */

	/* One-way: how it is known. Loop or spoof: `reverse` is where they come by. */
	bool reverse_drained; /* asymmetric: the path that they return by is drained here */
	bool no_syn;	      /* by a SYN-ACK without its SYN; else by ACK numbers */
	bool dropped;	      /* asymmetric: its answers are, by `action: drop` */
	bool reflected;	      /* policy: it follows them, by `action: reflect` */
	bool loops;	      /* the flow was seen leaving before */
	struct cause_silent silent;

	/* Filled by who asks, where cause_asks_kernel(). */
	struct cause_kernel kernel;
	struct ip_addr src_host, dst_host; /* of the event's flow */
	uint8_t answer;			   /* path that select gave it, SW_NO_PATH: none */
	const char *inside_interface;	   /* of src, NULL: none */

	struct cause_route route[CAUSE_ROUTES];
	size_t n_routes;
};

struct cause_told {
	enum cause cause;
	enum side side;
	enum severity severity;				   /* once confirmed */
	char message[CAUSE_TEXT_LEN], fix[CAUSE_TEXT_LEN]; /* one line each */
};

/* Facts about the event's flow. They point into ctx: use them before it changes. */
void cause_gather(const struct incident_context *ctx, const struct sw_event *ev,
		  struct cause_facts *facts);
/* The same of a flow whose rule is known, NULL: none. */
void cause_gather_ruled(const struct incident_context *ctx, const struct sw_event *ev,
			const struct config_rule *rule, struct cause_facts *facts);

/* Two prefixes and how they are, or would be, reached: for who has no flow to show. */
struct cause_pair {
	uint8_t verdict;	/* enum sw_verdict, one that cause_opens() */
	struct prefix src, dst; /* the inside one and the other, and told as they are */
	int forward;		/* path id, -1: none */
	bool has_reverse;	/* the two below are known */
	enum sw_class reverse_class;
	const char *reverse_circuit; /* NULL or "": of no known circuit */
};
/* The same facts of a pair. `reverse` is the first path of that class and circuit; where this edge
 * has none of the class, path -1. */
void cause_gather_pair(const struct incident_context *ctx, const struct cause_pair *pair,
		       struct cause_facts *facts);
/* Whether the cause depends on the kernel's own route: our side does not follow our routes. */
bool cause_asks_kernel(const struct cause_facts *facts);
/* Cause and words of a verdict that opens incidents (cause_opens()). */
void cause_tell(const struct cause_facts *facts, struct cause_told *told);
/* The rule of the event's flow, NULL: none; by its DSCP none is told: events do not carry it. */
const struct config_rule *cause_rule(const struct config *cfg, const struct sw_event *ev);
/*
 * All that cause_gather() tells two flows apart by, but their hosts' addresses, ports and times: of
 * two with one key, in one context, both cause and prefixes are the same. To be compared byte by
 * byte. False: this flow has no such key.
 */
struct cause_key {
	const struct config_rule *rule;
	const struct rib_node *node[3]; /* local of dst, of src; remote of src */
	struct prefix network;		/* inside one of src */
	struct sw_flow_state state;
	uint8_t about, proto, pad[4];
};
_Static_assert(sizeof(struct cause_key) == 4 * sizeof(void *) + 32,
	       "a cause's key has no hidden padding");
bool cause_key(const struct incident_context *ctx, const struct sw_event *ev,
	       struct cause_key *key);
/*
 * Of a flow that has been without a packet for long, whether nothing of its verdict is left. A
 * failover: a better class would carry it now. What a rule wants encrypted and was seen in clear:
 * no packet is, any more.
 */
bool cause_is_over(const struct incident_context *ctx, const struct sw_event *ev);
/*
 * Why a path (its id) is not well for a family, 0: for either: what objects to it, or no routes.
 * BFD's word holds for the routes that its fall took along: the routing daemon ends the session,
 * and by that BFD itself asks for nothing more.
 */
enum cause cause_of_path(const struct incident_context *ctx, int id, uint8_t family);
/*
 * Whether `news` tells more of one failure than `old`, of what may be seen of it one after the
 * other: routes that go, BFD, the link.
 */
bool cause_tells_more(enum cause news, enum cause old);
/* Whether a flow of this verdict opens an incident (contract.md, "Incidents open on"). */
bool cause_opens(uint8_t verdict);
/* scenarios.md's severity of a confirmed incident. */
enum severity cause_severity(uint8_t verdict, enum cause cause, bool stateful,
			     size_t prefixes_lost);
/* Local prefixes that answered while the paths `before` were usable, and do not with `after`; looks
 * at the first few thousand. */
void cause_lost_names(const struct config *cfg, const struct rib *rib, uint64_t before,
		      uint64_t after, struct incident_lost *out);
/* Whether the inside entry with the longest network that holds `src` says stateful. */
bool cause_stateful(const struct config *cfg, const struct prefix *src);

#endif
