/* SPDX-License-Identifier: GPL-2.0-only */
/* What the compiler knows of few prefixes (fib_internal.h): a table by number, and nodes' ends. */
#include "core/fib_internal.h"

#include <stdlib.h>

/* One more chunk, all of it free. False: out of memory. */
static bool table_grow(struct fib_rare_table *table)
{
	uint32_t n = table->n_chunks;
	struct fib_rare **chunk = realloc(table->chunk, (n + 1) * sizeof(struct fib_rare *));

	if (!chunk)
		return false;
	table->chunk = chunk;
	chunk[n] = calloc(RARE_CHUNK, sizeof(**chunk));
	if (!chunk[n])
		return false;
	table->n_chunks++;
	for (uint32_t i = RARE_CHUNK; i-- > 0;) {
		if (!n && !i) /* 0 is none */
			break;
		chunk[n][i].next = table->free;
		table->free = n * RARE_CHUNK + i;
	}
	return true;
}

void fib_rare_free(struct fib_rare_table *table)
{
	for (uint32_t i = 0; i < table->n_chunks; i++)
		free(table->chunk[i]);
	free(table->chunk);
	*table = (struct fib_rare_table){0};
}

struct fib_rare *fib_rare_get(struct fib *fib, struct rib_node *node)
{
	struct fib_rare *rare;

	if (node->rare)
		return fib_rare(fib, node);
	if (!fib->rare.free && !table_grow(&fib->rare))
		return NULL;
	node->rare = fib->rare.free;
	rare = fib_rare(fib, node);
	fib->rare.free = rare->next;
	*rare = (struct fib_rare){.node = node, .lost = SW_NO_RANK};
	return rare;
}

static void rare_give(struct fib *fib, struct rib_node *node)
{
	struct fib_rare *rare = fib_rare(fib, node);

	rare->node = NULL;
	rare->next = fib->rare.free;
	fib->rare.free = node->rare;
	node->rare = 0;
}

struct rib_node *fib_node_get(struct fib *fib, const struct prefix *prefix)
{
	return (struct rib_node *)trie_insert(&fib->rib->view[VIEW_LOCAL], prefix);
}

void fib_prune(struct fib *fib, struct rib_node *node)
{
	const struct fib_rare *rare = fib_rare(fib, node);

	if (rare && !rare->reserved && !rare->was_reserved && !rare->cut &&
	    rare->lost == SW_NO_RANK && !rare->dirty && !rare->failed && !rare->listed &&
	    !rare->unwanted)
		rare_give(fib, node);
	rib_prune(fib->rib, node);
}
