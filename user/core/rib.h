/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The RIB: every candidate of both views, by prefix. No I/O, no clock: callers pass `now`
 * (CLOCK_MONOTONIC, ns).
 *
 * Per view and family a path-compressed binary trie of prefixes; a node holds the candidates of
 * its prefix in a list. A node that changed is put in the dirty queue, which fib.h drains: it
 * recompiles the node and what it covers.
 */
#ifndef SAMEWAY_CORE_RIB_H
#define SAMEWAY_CORE_RIB_H

#include "core/config.h"
#include "core/prefix.h"

enum rib_view { VIEW_LOCAL, VIEW_REMOTE, VIEW_COUNT };

/* Who a candidate is from: index of the feed in config.feeds. */
typedef unsigned int feed_id;

/* A route as a feed gives it. Pointers are the caller's and copied. */
struct route {
	enum rib_view view;
	struct prefix prefix;
	char path[SW_NAME_LEN];	   /* empty: to be resolved from peer, next hop, AS path */
	struct ip_addr peer;	   /* family 0: none */
	struct ip_addr nexthop;	   /* family 0: none */
	char interface[16];	   /* it leaves by (rtnetlink), empty: not told */
	struct ip_addr nexthop_ll; /* IPv6 link-local of an MP_REACH with two, family 0: none */
	const uint32_t *as_path;
	size_t n_as;
	bool has_as_path; /* an empty AS path is one; absent is none */
	bool has_local_pref;
	uint32_t local_pref;
	uint16_t source; /* of a feed with several tables: the session, router's peer or file */
	uint32_t sub;	 /* what else identifies it in its source: BGP path id, else 0 */
	/*
	 * No candidate: what the routing daemon itself chose (BMP loc-rib, RFC 9069; FRR's
	 * bestpath). Kept for causes, neither counted nor compiled.
	 */
	bool chosen;
	bool own;	 /* the feed knows that it is this box's own; else the RIB finds out */
	uint64_t age_ns; /* since it was true; 0: it is now */
	bool again;	 /* prefix and sub apart it says what the route told just before said */
	/* remote view; where they are not given, `path` says both */
	bool has_class;
	enum sw_class class;
	char circuit[SW_NAME_LEN];
	/* told by another than who decides the way back: it counts where nobody else tells */
	bool second_hand;
};

/*
 * What very many candidates have in common, kept once: two of the same content are the same
 * pointer. Read only.
 */
struct attributes {
	uint32_t hash, refs;
	uint32_t as_length;  /* as the ladder counts: repeats of the first AS are one */
	uint32_t local_pref; /* as given; absent: 100 */
	uint16_t circuit_id; /* of its path, place in config order */
	int16_t path;	     /* path id; -1: remote view, or own and of no path */
	uint16_t feed;	     /* who said so */
	uint8_t class;	     /* enum sw_class; local: whenever it has a path, the path's */
	bool own; /* inside an inside network, or with an own next hop: kept, never compiled */
	bool maintenance; /* policy_maintenance() */
	bool leak; /* of the VPN, and has been through the Microsoft edge: policy_is_leak() */
	bool has_as_path, has_local_pref, has_class;
	bool second_hand; /* as route.second_hand */
	/* so far what the compiler looks at */
	struct attributes *next; /* of the hash chain */
	const uint32_t *as_path;
	const char *circuit; /* remote view, as given, else "" */
	uint32_t n_as;
	struct ip_addr peer, nexthop;
};

#define HEARD_BITS 56 /* of ns: two years */
struct candidate {
	struct candidate *next; /* of the same prefix */
	struct attributes *attr;
	/* when it was last true: as announced, less its age; see candidate_age() */
	uint64_t heard_ns : HEARD_BITS;
	uint64_t chosen : 1; /* no candidate: the daemon's choice */
	uint64_t stale : 1;
	uint64_t peer_down : 1; /* its peer is down: kept out of the answer */
	uint64_t mark : 4;	/* of its source when it was announced; another: rib_swept() */
	uint32_t sub;
	uint16_t source;
	/* when it became stale, see rib_stale_ns(); kept while its source is back and has not
	 * confirmed it; else 0 */
	uint8_t stale_at;
};
_Static_assert(sizeof(struct candidate) <= 32, "there are millions");

/* ns since it was last true; also of one from before the clock began. */
static inline uint64_t candidate_age(const struct candidate *c, uint64_t now)
{
	return (now - c->heard_ns) & ((1ULL << HEARD_BITS) - 1);
}

/* Whether it counts: it may be an answer. */
static inline bool candidate_live(const struct candidate *c)
{
	return !c->attr->own && !c->chosen && !c->peer_down;
}

struct rib_node; /* a prefix; see the accessors */
struct rib;

enum rib_result {
	RIB_OK,
	RIB_UNCHANGED,
	RIB_UNKNOWN_PATH, /* refused: no path owns its peer or next hop */
	RIB_OWN,	  /* kept as own */
	RIB_NO_MEMORY,
};

/* `cfg` must outlive the rib. path_ids[i]: id of cfg->paths[i] (NULL: i). */
struct rib *rib_new(const struct config *cfg, const uint8_t *path_ids);
void rib_free(struct rib *rib);

/*
 * The networks on each path's link and this box's own addresses, replaced as a whole whenever
 * rtnetlink says they changed. They serve to resolve next hops of routes announced later.
 */
struct rib_link_net {
	struct prefix prefix;
	int path; /* path id */
};
int rib_set_links(struct rib *rib, const struct rib_link_net *nets, size_t n_nets,
		  const struct ip_addr *own, size_t n_own);

/*
 * Adds or replaces the candidate (view, prefix, feed, source, path, sub); of the remote view, class
 * and circuit stand for the path. Of a feed frr peer and next hop belong to it too: its paths are
 * by session, and several may be of one path. That of a feed of sessions (bgp, bmp, mrt) is (view,
 * prefix, feed, source, sub) (RFC 7911, 3): one of the same sub is replaced, or gone when the new
 * one is refused, unless it is left from before rib_source_mark(), whose path ids mean nothing any
 * more. An equal one is RIB_UNCHANGED, but no longer marked; one that was stale or peer_down counts
 * again, which is a change.
 */
enum rib_result rib_announce(struct rib *rib, feed_id feed, const struct route *route,
			     uint64_t now);
/*
 * As rib_announce, in a log: fib_compile() puts it into its place, many in order of prefix, which
 * for a whole table is several times faster. Until then it is in rib_feed_routes() alone, and
 * RIB_UNCHANGED is not told. Whatever else is told to the RIB comes after what is in the log.
 */
enum rib_result rib_announce_later(struct rib *rib, feed_id feed, const struct route *route,
				   uint64_t now);
/*
 * Removes: with a path or peer, next hop or sub given, the candidates of this feed that match what
 * is given (BGP: sub; jsonl: path or peer) in route->source; with none, all of the source's
 * candidates of the prefix. Returns how many.
 */
size_t rib_withdraw(struct rib *rib, feed_id feed, const struct route *route, bool by_sub,
		    uint64_t now);
/* Candidates whose peer or next hop is this address stop / may count again. Returns how many. */
size_t rib_peer_down(struct rib *rib, feed_id feed, const struct ip_addr *peer, uint64_t now);

/*
 * Start of a new table from the source: marks all its candidates; rib_source_sweep removes those
 * not announced since. What was stale is not any more, all at once: were it to change back one by
 * one, equals would part for a moment. Returns how many were.
 */
size_t rib_source_mark(struct rib *rib, feed_id feed, uint16_t source);
size_t rib_source_sweep(struct rib *rib, feed_id feed, uint16_t source, uint64_t now);
/* It was told to be over (BMP's peer down): its candidates are removed. Returns how many. */
size_t rib_source_drop(struct rib *rib, feed_id feed, uint16_t source, uint64_t now);
/* The source went away: its candidates are stale (last within their class) ... */
void rib_source_stale(struct rib *rib, feed_id feed, uint16_t source, uint64_t now);
/*
 * ... and removed when they have been for stale_ns; for twice that, where the source came back
 * meanwhile and has not announced them again (it may never say that its table is whole). Returns
 * how many.
 */
size_t rib_expire_stale(struct rib *rib, uint64_t now, uint64_t stale_ns);

/*
 * Counts. prefixes: local ones with a candidate that counts. candidates, own: all that are kept, of
 * both views, but for the `chosen`.
 */
struct rib_counts {
	size_t prefixes4, prefixes6, candidates, own;
	size_t lost; /* ever, in the log, since there was no memory for them */
};
struct rib_counts rib_counts(const struct rib *rib);
/* The feed's candidates, of both views, whose peer is not down; none of the `chosen`. */
size_t rib_feed_routes(const struct rib *rib, feed_id feed);
/* Of those, the ones that are stale. */
size_t rib_feed_stale(const struct rib *rib, feed_id feed);
/* Its local candidates of the path (id) that count, of the family 4 or 6. */
size_t rib_feed_path_routes(const struct rib *rib, feed_id feed, int path, uint8_t family);
/* Local candidates of the path that count, of the family; 0: both. */
size_t rib_path_routes(const struct rib *rib, int path, uint8_t family);
/* Those of the paths (ids) that have any. */
uint64_t rib_paths_with_routes(const struct rib *rib, uint64_t paths);
/* Whether it has any of family 4 or 6, or had since the start. */
bool rib_path_had_routes(const struct rib *rib, int path, uint8_t family);
/* Whether any of those tells of maintenance of its connection (policy_maintenance). */
bool rib_path_maintenance(const struct rib *rib, int path);
/* Those of the path that are of the VPN and went through the Microsoft edge; of the remote view. */
size_t rib_path_leaks(const struct rib *rib, int path);
size_t rib_remote_leaks(const struct rib *rib);

/* Walks in order of prefix; the next after `after` (NULL: the first). Nodes with candidates only.
 */
struct rib_node *rib_next(const struct rib *rib, enum rib_view view, const struct rib_node *after);
/* The first after a prefix, which need not be there (any more). */
struct rib_node *rib_after(const struct rib *rib, enum rib_view view, const struct prefix *after);
struct rib_node *rib_find(const struct rib *rib, enum rib_view view, const struct prefix *prefix);
/* By path id; NULL: no path has it. */
const struct config_path *rib_path(const struct rib *rib, unsigned int path);
/* Longest match among prefixes with at least one candidate that counts. */
struct rib_node *rib_match(const struct rib *rib, enum rib_view view, const struct ip_addr *ip);
/* Nearest covering prefix with candidates, NULL: none. */
struct rib_node *rib_parent(const struct rib_node *node);
const struct prefix *rib_node_prefix(const struct rib_node *node);
const struct candidate *rib_node_candidates(const struct rib_node *node);

#endif
