/* SPDX-License-Identifier: GPL-2.0-only */
/* The image's structs, for rtnetlink_image.c (what the kernel said) and rtnetlink_publish.c. */
#ifndef SAMEWAY_FEED_RTNETLINK_IMAGE_H
#define SAMEWAY_FEED_RTNETLINK_IMAGE_H

#include "core/rib_trie.h"
#include "feed/rtnetlink.h"

/* A route of the kernel. Those of a prefix are in the order in which the kernel takes them. */
struct rtnl_entry {
	struct rtnl_entry *next;
	uint32_t metric, nexthop;
	uint8_t tos, type, protocol;
	size_t n_legs;
	struct rtnl_leg legs[];
};

struct rtnl_node {
	struct trie_node trie; /* first */
	struct rtnl_entry *entries;
	struct rtnl_candidate *told; /* what the RIB was told of this prefix, allocated */
	size_t n_told;
	uint32_t no_way; /* of its routes, as last published */
	bool dirty;
	struct rtnl_node *next_dirty;
};

struct rtnl_group {
	uint32_t id;
	struct rtnl_leg leg;
	size_t n_members;
	uint32_t *members;
};

/* The kernel's state of one moment. groups and links are in order of their number. */
struct rtnl_state {
	struct trie routes;
	struct rtnl_group *groups;
	size_t n_groups;
	struct rtnl_link *links;
	size_t n_links;
};

struct rtnl_image {
	const struct config_feed *cfg;
	struct rtnl_ops ops;
	size_t no_way;
	struct rtnl_state now, next; /* next: while loading */
	bool loading;
	bool all; /* publish tells what has not changed, too */
	struct rtnl_node *dirty;
};

/* The place of the number in the array, or where it would be; *found says which. */
size_t rtnl_group_place(const struct rtnl_state *state, uint32_t id, bool *found);
size_t rtnl_link_place(const struct rtnl_state *state, uint32_t ifindex, bool *found);
void rtnl_dirty(struct rtnl_image *image, struct rtnl_node *node);
void rtnl_state_free(struct rtnl_state *state);
static inline struct rtnl_node *rtnl_node_next(struct rtnl_state *state, struct rtnl_node *after)
{
	return (struct rtnl_node *)trie_next(&state->routes, after ? &after->trie : NULL);
}

#endif
