/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A path-compressed binary trie of prefixes of both families, under the RIB and the FIB.
 *
 * A node is the head of the caller's struct (node_size bytes, zeroed by the trie, its first member
 * a struct trie_node), taken from a slab. A node that is not `used` is a fork that the trie needs
 * for its shape: made as one it has only the head, and makes room for a used one; a used one that
 * is removed stays as a fork in place, so that removing never allocates and a used node never
 * moves. Every operation walks one branch: at most 33 or 129 nodes, however many prefixes there
 * are.
 *
 * Invariants: a child's prefix is inside its parent's and longer; child[b] has bit b after the
 * parent's length; an unused node has two children.
 */
#ifndef SAMEWAY_CORE_RIB_TRIE_H
#define SAMEWAY_CORE_RIB_TRIE_H

#include "core/prefix.h"
#include "core/slab.h"

struct trie_node {
	struct trie_node *parent, *child[2];
	struct prefix prefix;
	bool used : 1;
	bool bare : 1;		    /* a fork of no more than this struct */
	bool dirty : 1, listed : 1; /* the caller's, as `count` is, in what would be padding */
	uint32_t count;
};

struct trie {
	struct trie_node *root[2]; /* IPv4, IPv6 */
	size_t node_size;	   /* bytes of the caller's struct, a multiple of 8 */
	struct slab nodes, forks;
};

/* Frees all nodes; what the caller's structs own must be gone before. */
void trie_clear(struct trie *trie);

/* The used node of exactly this prefix, NULL: none. */
struct trie_node *trie_find(const struct trie *trie, const struct prefix *prefix);
/* As trie_find, made where there is none. NULL when out of memory, the trie unchanged. */
struct trie_node *trie_insert(struct trie *trie, const struct prefix *prefix);
/* As trie_insert; near: a node of the trie that is not far from where it goes, to begin there. */
struct trie_node *trie_insert_near(struct trie *trie, struct trie_node *near,
				   const struct prefix *prefix);
/* Removes a used node: it is freed, or stays as a fork with everything behind its head zeroed. */
void trie_remove(struct trie *trie, struct trie_node *node);

/* The longest used prefix that covers `prefix` or equals it, NULL: none. */
struct trie_node *trie_match(const struct trie *trie, const struct prefix *prefix);
/* The nearest used prefix that covers the node's, NULL: none. */
struct trie_node *trie_parent(const struct trie_node *node);
/* In order of prefix_cmp(), used nodes: the next one after `after` (NULL: the first). */
struct trie_node *trie_next(const struct trie *trie, const struct trie_node *after);
/* The first used node inside `range` that comes after `after` (a prefix inside or equal to it). */
struct trie_node *trie_after(const struct trie *trie, const struct prefix *range,
			     const struct prefix *after);

#endif
