/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of the RIB, for rib*.c and for the compiler (fib.c), which drains the dirty list. A
 * local node stays in its trie, without candidates, until the compiler has seen that it is empty.
 */
#ifndef SAMEWAY_CORE_RIB_INTERNAL_H
#define SAMEWAY_CORE_RIB_INTERNAL_H

#include "core/rib.h"
#include "core/rib_trie.h"

#include <sys/queue.h>

struct rib_node {
	struct trie_node trie; /* first */
	struct candidate *candidates;
	size_t n_live; /* candidates that count */
	bool dirty;    /* local view: on the dirty list */
	TAILQ_ENTRY(rib_node) dirty_link;
};

struct rib_feed_counts {
	size_t routes, stale;
	size_t path[SW_MAX_PATHS][2]; /* local ones that count: IPv4, IPv6 */
};

struct rib {
	const struct config *cfg;
	const struct config_path *path[SW_MAX_PATHS]; /* by path id */
	struct trie view[VIEW_COUNT];
	TAILQ_HEAD(rib_dirty, rib_node) dirty;
	size_t n_dirty;
	struct rib_counts counts;
	size_t n_stale; /* that are, or wait to be confirmed: stale_ns is set */
	size_t path_routes[SW_MAX_PATHS][2]; /* IPv4, IPv6 */
	size_t path_maintenance[SW_MAX_PATHS];
	struct rib_feed_counts *feeds; /* by feed_id */
	size_t n_feeds;
	struct rib_link_net *nets;
	size_t n_nets;
	struct ip_addr *own;
	size_t n_own;
};

/* rib_resolve.c: what the route is of. Returns RIB_OK, RIB_OWN or RIB_UNKNOWN_PATH. */
enum rib_result rib_resolve(const struct rib *rib, const struct route *route, int *path);
/* The path whose gateway, gateway6 or peer the address is; -1: none, or more than one. */
int rib_path_of_address(const struct rib *rib, const struct ip_addr *ip);
/* The path of this name, -1: none. */
/* Whether the prefix lies inside an inside network. */
bool rib_is_inside(const struct rib *rib, const struct route *route);
int rib_path_by_name(const struct rib *rib, const char *name);

/* Adds (by 1) or takes away (by -1) what the candidate counts for, as it is now. */
void candidate_count(struct rib *rib, const struct candidate *c, enum rib_view view, int by);
/* Unlinks and frees. The node's holder calls rib_touch() after. */
void candidate_remove(struct rib *rib, struct candidate **link, enum rib_view view);
/* The node changed: dirty (local), or removed when it has no candidate left (remote). */
void rib_touch(struct rib *rib, struct rib_node *node, enum rib_view view);

/* Dirty nodes, oldest first; NULL: none. Clean: taken off the list. */
struct rib_node *rib_dirty_first(struct rib *rib);
void rib_clean(struct rib *rib, struct rib_node *node);
/* Removes a clean local node without candidates from its trie. */
void rib_prune(struct rib *rib, struct rib_node *node);

#endif
