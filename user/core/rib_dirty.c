/* SPDX-License-Identifier: GPL-2.0-only */
/* Nodes that changed, for the compiler, and the end of nodes that nobody says anything of. */
#include "core/rib_internal.h"

#include <stdlib.h>

/* Takes the node out of its trie. What is near it there may go with it. */
static void node_remove(struct rib *rib, struct rib_node *node, enum rib_view view)
{
	rib->near[view] = NULL;
	trie_remove(&rib->view[view], &node->trie);
}

/* Room for one more. False: it is as large as it gets, or there is no memory. */
static bool dirty_grow(struct dirty_queue *q)
{
	size_t size = q->size ? q->size * 2 : 64;
	struct rib_node **v;

	if (q->n < q->size)
		return true;
	v = size > DIRTY_MAX ? NULL : malloc(size * sizeof(struct rib_node *));
	if (!v)
		return false;
	for (size_t i = 0; q->size && i < q->n; i++)
		v[i] = q->v[(q->first + i) % q->size];
	free(q->v);
	*q = (struct dirty_queue){.v = v, .size = size, .n = q->n, .overflow = q->overflow};
	return true;
}

void rib_touch(struct rib *rib, struct rib_node *node, enum rib_view view)
{
	struct dirty_queue *q = &rib->dirty;

	if (view == VIEW_REMOTE) {
		if (!node->candidates)
			node_remove(rib, node, view);
		return;
	}
	if (node->trie.dirty)
		return;
	node->trie.dirty = true;
	rib->n_dirty++;
	if (node->trie.listed || (rib->sweep && prefix_contains(rib->sweep, &node->trie.prefix)))
		return;
	if (!dirty_grow(q)) {
		q->overflow = true;
		return;
	}
	node->trie.listed = true;
	q->v[(q->first + q->n++) % q->size] = node;
}

/* Those that somebody came by are passed over. */
struct rib_node *rib_dirty_first(struct rib *rib)
{
	struct dirty_queue *q = &rib->dirty;
	struct rib_node *node;

	while (q->n && !(node = q->v[q->first])->trie.dirty) {
		q->first = (q->first + 1) % q->size;
		q->n--;
		node->trie.listed = false;
		rib_prune(rib, node);
	}
	return q->n ? q->v[q->first] : NULL;
}

void rib_clean(struct rib *rib, struct rib_node *node)
{
	if (!node->trie.dirty)
		return;
	node->trie.dirty = false;
	rib->n_dirty--;
}

void rib_prune(struct rib *rib, struct rib_node *node)
{
	if (!node->candidates && !node->trie.dirty && !node->trie.listed && !node->group &&
	    !node->had && !node->rare && !node->adopted)
		node_remove(rib, node, VIEW_LOCAL);
}
