/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The trie of prefixes (rib_trie.h). Walking down compares whole prefixes only where a branch ends
 * or forks; walking in order is a preorder walk by parent pointers, which is the order of
 * prefix_cmp(): a fork first, then what has a 0 after it, then what has a 1.
 */
#include "core/rib_trie.h"

#include <endian.h>
#include <string.h>

static unsigned int family_index(uint8_t family)
{
	return family == 6;
}

/* Bit `at` of the address, from the most significant. */
static unsigned int prefix_bit(const struct prefix *p, unsigned int at)
{
	return (p->bytes[at / 8] >> (7 - at % 8)) & 1;
}

/* How many leading bits two prefixes of a family share, at most the shorter length. */
static unsigned int prefix_common(const struct prefix *a, const struct prefix *b)
{
	unsigned int max = a->len < b->len ? a->len : b->len;

	for (unsigned int i = 0; i * 8 < max; i += 8) {
		uint64_t x, y;

		memcpy(&x, a->bytes + i, sizeof(x));
		memcpy(&y, b->bytes + i, sizeof(y));
		if (x != y) {
			unsigned int bits = i * 8 + (unsigned int)__builtin_clzll(be64toh(x ^ y));

			return bits < max ? bits : max;
		}
	}
	return max;
}

static struct trie_node *node_new(struct trie *trie, const struct prefix *prefix)
{
	struct trie_node *node;

	trie->nodes.size = trie->node_size;
	node = slab_take(&trie->nodes);
	if (node)
		node->prefix = *prefix;
	return node;
}

static struct trie_node *fork_new(struct trie *trie, const struct prefix *prefix)
{
	struct trie_node *node;

	trie->forks.size = sizeof(*node);
	node = slab_take(&trie->forks);
	if (node) {
		node->prefix = *prefix;
		node->bare = true;
	}
	return node;
}

static void node_free(struct trie *trie, struct trie_node *node)
{
	slab_give(node->bare ? &trie->forks : &trie->nodes, node);
}

/* Where the parent (or the root) points to the node. */
static struct trie_node **node_link(struct trie *trie, const struct trie_node *node)
{
	if (!node->parent)
		return &trie->root[family_index(node->prefix.family)];
	return &node->parent->child[node->parent->child[1] == node];
}

static void node_adopt(struct trie_node *parent, struct trie_node *child)
{
	parent->child[prefix_bit(&child->prefix, parent->prefix.len)] = child;
	child->parent = parent;
}

void trie_clear(struct trie *trie)
{
	slab_clear(&trie->nodes);
	slab_clear(&trie->forks);
	trie->root[0] = trie->root[1] = NULL;
}

/* As trie_descend, from `next` on, which `at` leads to. */
static struct trie_node *descend_from(struct trie_node *at, struct trie_node *next,
				      const struct prefix *prefix, struct trie_node **below)
{
	while (next && prefix_contains(&next->prefix, prefix)) {
		at = next;
		next = at->prefix.len == prefix->len
			       ? NULL
			       : at->child[prefix_bit(prefix, at->prefix.len)];
	}
	*below = next;
	return at;
}

/*
 * The lowest node (used or fork) whose prefix covers `prefix` or equals it; *below: the child in
 * its direction, which does not cover it.
 */
static struct trie_node *trie_descend(const struct trie *trie, const struct prefix *prefix,
				      struct trie_node **below)
{
	return descend_from(NULL, trie->root[family_index(prefix->family)], prefix, below);
}

struct trie_node *trie_find(const struct trie *trie, const struct prefix *prefix)
{
	struct trie_node *below, *node = trie_descend(trie, prefix, &below);

	return node && node->used && node->prefix.len == prefix->len ? node : NULL;
}

/* A used node where the fork was; NULL: out of memory, the fork is there as before. */
static struct trie_node *fork_use(struct trie *trie, struct trie_node *fork)
{
	struct trie_node *node = fork;

	if (fork->bare) {
		node = node_new(trie, &fork->prefix);
		if (!node)
			return NULL;
		*node_link(trie, fork) = node;
		node->parent = fork->parent;
		node_adopt(node, fork->child[0]);
		node_adopt(node, fork->child[1]);
		node_free(trie, fork);
	}
	node->used = true;
	return node;
}

/* Between `above` (NULL: at the root) and `below`, as descend_from() found them. */
static struct trie_node *insert_between(struct trie *trie, struct trie_node *above,
					struct trie_node *below, const struct prefix *prefix)
{
	struct trie_node *node, *fork = NULL;
	struct trie_node **link = &trie->root[family_index(prefix->family)];

	if (above && above->prefix.len == prefix->len)
		return above->used ? above : fork_use(trie, above);
	if (above)
		link = &above->child[prefix_bit(prefix, above->prefix.len)];
	node = node_new(trie, prefix);
	if (!node)
		return NULL;
	node->used = true;
	if (below && !prefix_contains(prefix, &below->prefix)) {
		struct prefix shared = *prefix;

		shared.len = (uint8_t)prefix_common(prefix, &below->prefix);
		prefix_mask(&shared);
		fork = fork_new(trie, &shared);
		if (!fork) {
			node_free(trie, node);
			return NULL;
		}
	}
	*link = fork ? fork : node;
	(*link)->parent = above;
	if (fork)
		node_adopt(fork, node);
	if (below)
		node_adopt(fork ? fork : node, below);
	return node;
}

struct trie_node *trie_insert(struct trie *trie, const struct prefix *prefix)
{
	struct trie_node *below, *above = trie_descend(trie, prefix, &below);

	return insert_between(trie, above, below, prefix);
}

struct trie_node *trie_insert_near(struct trie *trie, struct trie_node *near,
				   const struct prefix *prefix)
{
	struct trie_node *below, *above = near;

	while (above && !prefix_contains(&above->prefix, prefix))
		above = above->parent;
	if (!above)
		return trie_insert(trie, prefix);
	above = descend_from(above->parent, above, prefix, &below);
	return insert_between(trie, above, below, prefix);
}

/* Frees a node with at most one child, which takes its place. */
static struct trie_node *node_splice(struct trie *trie, struct trie_node *node)
{
	struct trie_node *parent = node->parent;
	struct trie_node *child = node->child[0] ? node->child[0] : node->child[1];

	*node_link(trie, node) = child;
	if (child)
		child->parent = parent;
	node_free(trie, node);
	return parent;
}

void trie_remove(struct trie *trie, struct trie_node *node)
{
	struct trie_node *parent;

	if (node->child[0] && node->child[1]) {
		memset((char *)node + sizeof(*node), 0, trie->node_size - sizeof(*node));
		node->used = node->dirty = node->listed = false;
		node->count = 0;
		return;
	}
	parent = node_splice(trie, node);
	if (parent && !parent->used && !(parent->child[0] && parent->child[1]))
		node_splice(trie, parent);
}

struct trie_node *trie_match(const struct trie *trie, const struct prefix *prefix)
{
	struct trie_node *below, *node = trie_descend(trie, prefix, &below);

	return node && !node->used ? trie_parent(node) : node;
}

struct trie_node *trie_parent(const struct trie_node *node)
{
	struct trie_node *up = node->parent;

	while (up && !up->used)
		up = up->parent;
	return up;
}

/* Preorder, forks included, within one family; NULL: it was the last. */
static struct trie_node *node_skip(const struct trie_node *node)
{
	while (node->parent) {
		struct trie_node *parent = node->parent;

		if (parent->child[0] == node && parent->child[1])
			return parent->child[1];
		node = parent;
	}
	return NULL;
}

static struct trie_node *node_next(const struct trie_node *node)
{
	if (node->child[0])
		return node->child[0];
	if (node->child[1])
		return node->child[1];
	return node_skip(node);
}

/* The node itself or the next used one. */
static struct trie_node *node_used(struct trie_node *node)
{
	while (node && !node->used)
		node = node_next(node);
	return node;
}

struct trie_node *trie_next(const struct trie *trie, const struct trie_node *after)
{
	struct trie_node *node = node_used(after ? node_next(after) : trie->root[0]);

	if (node || (after && after->prefix.family == 6))
		return node;
	return node_used(trie->root[1]);
}

struct trie_node *trie_after(const struct trie *trie, const struct prefix *range,
			     const struct prefix *after)
{
	struct trie_node *below, *at = trie_descend(trie, after, &below);
	struct trie_node *node;

	if (below && prefix_cmp(&below->prefix, after) > 0)
		node = below;
	else if (below)
		node = node_skip(below);
	else if (!at)
		node = NULL;
	else if (at->prefix.len == after->len)
		node = node_next(at);
	else if (!prefix_bit(after, at->prefix.len) && at->child[1])
		node = at->child[1];
	else
		node = node_skip(at);
	node = node_used(node);
	return node && prefix_contains(range, &node->prefix) ? node : NULL;
}
