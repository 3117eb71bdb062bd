/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of the RIB, for rib*.c and for the compiler (fib*.c), which drains the dirty queue and
 * keeps what it knows of a prefix in the RIB's node. A local node stays in its trie, without
 * candidates, until the compiler has seen that it is empty.
 */
#ifndef SAMEWAY_CORE_RIB_INTERNAL_H
#define SAMEWAY_CORE_RIB_INTERNAL_H

#include "core/rib.h"
#include "core/rib_trie.h"

/*
 * A cache line. Of `trie` are: count, candidates that count; of the local view: dirty, to be
 * compiled; listed, in the dirty queue, also when it is dirty no more. What is behind `candidates`
 * is the compiler's.
 */
struct rib_node {
	struct trie_node trie; /* first */
	struct candidate *candidates;
	uint32_t rare;	/* number of its struct fib_rare, 0: none */
	uint16_t group; /* installed, 0: not */
	uint8_t had;	/* ~ best class rank with a candidate when last compiled, 0: none */
	bool adopted;	/* an earlier daemon's, nothing has asked for it yet */
};
_Static_assert(sizeof(struct rib_node) == 64, "a cache line");

/* Nodes that changed, oldest first. More than it holds are found by a walk. */
#define DIRTY_MAX 65536u
struct dirty_queue {
	struct rib_node **v; /* a ring */
	size_t size, first, n;
	bool overflow; /* some are dirty and not in it */
};

#define ATTRIBUTES_STEP	 16u /* bytes */
#define ATTRIBUTES_SLABS 17u /* AS paths of 63 at most */

struct attribute_table {
	struct attributes **bucket;
	size_t n, n_buckets; /* a power of two */
	struct slab slab[ATTRIBUTES_SLABS];
};

/* The last local route that is not own, and what it came to: a feed says the same of many in turn.
 */
struct rib_memo {
	struct attributes *attr; /* with a reference; NULL: none */
	bool last;		 /* the last route told came to it */
	char path[SW_NAME_LEN], interface[16];
	struct ip_addr nexthop_ll;
};

#define SOURCE_MARK  0x0f
#define SOURCE_HEARD 0x80 /* it has announced something */

/*
 * When sources went away, by number (struct candidate, stale_at; 0: never), for as long as one of
 * their candidates has it.
 */
#define STALE_TIMES 255u
struct stale_time {
	uint64_t ns;
	size_t refs;
};

struct rib_feed {
	size_t routes, stale;
	size_t logged; /* of routes in the log, those that will be in `routes` */
	uint8_t *mark; /* by source; beyond n_marks: 0 */
	size_t n_marks;
	size_t path[SW_MAX_PATHS][2]; /* local ones that count: IPv4, IPv6 */
};

/* Routes that came in no order, until they are put in order of prefix: rib_log.c. */
struct log_run;
struct log_bucket;
struct rib_log {
	struct log_bucket *bucket; /* LOG_BUCKETS of each family */
	struct slab blocks;
	struct log_run *run;
	size_t n_runs, runs_room;
	uint64_t *key; /* of the bucket that is put; room for the words of any */
	size_t room;
	size_t n;    /* routes */
	uint32_t at; /* no bucket before this is put next */
	size_t lost; /* that there was no memory for */
};

struct rib {
	const struct config *cfg;
	const struct config_path *path[SW_MAX_PATHS]; /* by path id */
	struct trie view[VIEW_COUNT];
	struct trie_node *near[VIEW_COUNT]; /* where something was last inserted, NULL: gone */
	struct slab candidates;
	struct rib_log log;
	struct attribute_table attributes;
	struct rib_memo memo;
	struct dirty_queue dirty;
	size_t n_dirty;
	const struct prefix *sweep; /* what is dirty here is looked for; NULL: nowhere */
	struct rib_counts counts;
	size_t n_stale; /* that are, or wait to be confirmed: stale_at is set */
	struct stale_time stale_time[STALE_TIMES + 1];
	size_t path_routes[SW_MAX_PATHS][2]; /* IPv4, IPv6 */
	bool path_had[SW_MAX_PATHS][2];	     /* since the start */
	size_t path_maintenance[SW_MAX_PATHS];
	size_t path_leaks[SW_MAX_PATHS], remote_leaks;
	struct rib_feed *feed;
	size_t n_feeds;
	struct rib_link_net *nets;
	size_t n_nets;
	struct ip_addr *own;
	size_t n_own;
};

/* rib_attributes.c. The content's as_path and circuit are copied; NULL: out of memory. */
struct attributes *attributes_get(struct attribute_table *t, struct attributes *content);
void attributes_put(struct attribute_table *t, struct attributes *attr);
void attributes_free(struct attribute_table *t);

/* Whether rib_source_mark() marked it, and it was not announced again since. */
static inline bool rib_swept(const struct rib *rib, const struct candidate *c)
{
	const struct rib_feed *feed = &rib->feed[c->attr->feed];

	return c->source < feed->n_marks && c->mark != (feed->mark[c->source] & SOURCE_MARK);
}

/* Puts a candidate into its place, and takes over its reference to the attributes. */
enum rib_result rib_put(struct rib *rib, enum rib_view view, const struct prefix *prefix,
			struct candidate *new);

/* rib_log.c. Whether it takes no more. */
bool log_full(const struct rib_log *log);
/* Takes over the reference to the attributes. 0, -ENOMEM. */
int log_add(struct rib *rib, enum rib_view view, const struct prefix *prefix,
	    const struct candidate *new);
/* Puts what there is of the prefix, and of some that are near it. */
void log_put_prefix(struct rib *rib, const struct prefix *prefix);
/* Puts all of it. */
void log_put_all(struct rib *rib);
/*
 * Puts the next of it in order of prefix, some ten to some thousand. Returns how many, 0: the log
 * is empty. *range: where they are, but for those that cover it or, of IPv6, are outside 2000::/3;
 * the caller compiles all that is dirty there, so that it is not in the queue. NULL: it is.
 */
size_t log_put(struct rib *rib, struct prefix *range);
void log_free(struct rib_log *log);

/* rib_resolve.c: what the route is of. Returns RIB_OK, RIB_OWN or RIB_UNKNOWN_PATH. */
enum rib_result rib_resolve(const struct rib *rib, const struct route *route, int *path);
/* What the memo says may be true no more. */
void rib_memo_forget(struct rib *rib);
static inline bool rib_feed_is(const struct rib *rib, feed_id feed, enum config_feed_type type)
{
	return feed < rib->cfg->n_feeds && rib->cfg->feeds[feed].type == type;
}
/* Whether the prefix is inside an inside network. */
bool rib_prefix_inside(const struct rib *rib, const struct prefix *prefix);
/* The path that a route of the remote view names, which says class and circuit; NULL: none. */
const struct config_path *rib_remote_path(const struct rib *rib, const struct route *route);
/* Class, circuit and second_hand of a route of the remote view. */
void rib_remote_attributes(const struct rib *rib, feed_id feed, const struct route *route,
			   struct attributes *a);
/* The path whose gateway, gateway6 or peer the address is; -1: none, or more than one. */
int rib_path_of_address(const struct rib *rib, const struct ip_addr *ip);
/* The path of this name, -1: none. */
int rib_path_by_name(const struct rib *rib, const char *name);

/* When it became stale, 0: it did not. */
static inline uint64_t rib_stale_ns(const struct rib *rib, const struct candidate *c)
{
	return rib->stale_time[c->stale_at].ns;
}

/* Adds (by 1) or takes away (by -1) what the node's candidate counts for, as it is now. */
void candidate_count(struct rib *rib, struct rib_node *node, const struct candidate *c,
		     enum rib_view view, int by);
/* Unlinks and frees. The node's holder calls rib_touch() after. */
void candidate_remove(struct rib *rib, struct rib_node *node, struct candidate **link,
		      enum rib_view view);
/* The node changed: dirty (local), or removed when it has no candidate left (remote). */
void rib_touch(struct rib *rib, struct rib_node *node, enum rib_view view);

/* rib_dirty.c. Dirty nodes in the queue, oldest first; NULL: none. Clean: dirty no more. */
struct rib_node *rib_dirty_first(struct rib *rib);
void rib_clean(struct rib *rib, struct rib_node *node);
/* Removes a clean local node, of which neither a feed nor the compiler says anything. */
void rib_prune(struct rib *rib, struct rib_node *node);

#endif
