/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an earlier writer left in the tables (stride.h). The lengths of its prefixes went with it,
 * but not its answers: addresses in a row that answer alike are cut into the largest prefixes that
 * fit, and these are what is set from now on.
 */
#include "core/stride_internal.h"

#include <string.h>

/* The entry is of a prefix of this length; memory that says so already is not touched. */
static void depth_put(const struct stride *s, const struct stride_place *p, size_t at,
		      uint8_t depth)
{
	if (stride_depth(p, at) != depth)
		stride_store(p, at, stride_load(s, p, at), depth);
}

/* Whether the whole node is one answer. */
static bool node_uniform(const struct stride *s, const struct stride_place *p)
{
	uint32_t value = stride_load(s, p, 0);

	for (size_t i = 0; i < STRIDE_NODE_ENTRIES; i++)
		if (stride_depth(p, i) == STRIDE_LINK || stride_load(s, p, i) != value)
			return false;
	return true;
}

/*
 * The nodes of a table: what leads nowhere, or where another leads, answers nothing, and a node of
 * one answer is given up. A level deeper each time, so 14 deep at most.
 */
static void table_read(struct stride *s, struct stride_place p)
{
	for (p.at = 0; p.at < p.size; p.at++) {
		uint32_t value = stride_load(s, &p, p.at), node = value & ~s->link;
		struct stride_place below;

		if (!(value & s->link)) {
			if (stride_depth(&p, p.at) == STRIDE_LINK)
				depth_put(s, &p, p.at, 0);
			continue;
		}
		if (node >= s->mem.n_nodes || s->node[node].count || p.shift == 128 - s->bits) {
			stride_store(&p, p.at, 0, 0);
			continue;
		}
		below = stride_in_node(s, node, p.shift, 0);
		depth_put(s, &p, p.at, STRIDE_LINK);
		s->node[node].count = 1; /* reached */
		s->used++;
		table_read(s, below);
		if (!node_uniform(s, &below))
			continue;
		stride_store(&p, p.at, stride_load(s, &below, 0), 0);
		s->node[node].count = 0;
		s->used--;
	}
}

/* What no entry leads to may have been reached a moment ago. */
static void nodes_read(struct stride *s)
{
	for (uint32_t i = 0; i < s->mem.n_nodes; i++)
		s->node[i].count = 0;
	s->used = 0;
	table_read(s, stride_root(s, 0));
	s->clean = s->retired = STRIDE_NO_NODE;
	for (uint32_t i = 0; i < s->mem.n_nodes; i++) {
		if (!s->node[i].count) {
			s->node[i].next = s->retired;
			s->retired = i;
		}
		s->node[i].count = 0;
	}
	s->unused = s->mem.n_nodes;
}

static void count_add(struct stride *s, stride_addr a)
{
	struct stride_place p = stride_root(s, a);

	while (stride_depth(&p, p.at) == STRIDE_LINK) {
		uint32_t node = stride_link_of(s, &p);

		s->node[node].count++;
		p = stride_in_node(s, node, p.shift, a);
	}
}

/* [start, last] answers alike: as prefixes. Each lies in one table, since nodes are not alike. */
static void row_close(struct stride *s, stride_addr start, stride_addr last, bool set)
{
	for (;;) {
		struct stride_place p = stride_place_of(s, start);
		unsigned int size = 0; /* of the prefix, bits */

		while (size < 127 && !(start >> size & 1) &&
		       last - start >= ((stride_addr)1 << (size + 1)) - 1)
			size++;
		for (size_t i = 0; i < (size_t)1 << (size - p.shift); i++)
			depth_put(s, &p, p.at + i, set ? (uint8_t)(128 - size) : 0);
		if (set)
			count_add(s, start);
		if (last - start == ((stride_addr)1 << size) - 1)
			return;
		start += (stride_addr)1 << size;
	}
}

static void rows_read(struct stride *s)
{
	stride_addr at = 0, start = 0;
	uint32_t value = 0;

	do {
		struct stride_place p = stride_place_of(s, at);
		uint32_t here = stride_load(s, &p, p.at);
		size_t n = 1;

		if (here != value && at)
			row_close(s, start, at - 1, value);
		if (here != value)
			start = at;
		value = here;
		while (p.at + n < p.size && stride_load(s, &p, p.at + n) == here)
			n++;
		at += (stride_addr)n << p.shift;
	} while (at);
	row_close(s, start, at - 1, value);
}

static struct prefix prefix_at(const struct stride *s, stride_addr a, uint8_t len)
{
	struct prefix prefix = {.family = s->mem.family, .len = len};

	for (size_t i = 0; i < s->bits / 8; i++)
		prefix.bytes[i] = (uint8_t)(a >> (120 - 8 * i));
	return prefix;
}

int stride_read(struct stride *s, stride_cb cb, void *arg)
{
	uint32_t group = __atomic_load_n(s->mem.fallback, __ATOMIC_RELAXED);
	struct prefix prefix = prefix_at(s, 0, 0);
	stride_addr at = 0;
	int ret;

	stride_finish(s);
	nodes_read(s);
	rows_read(s);
	ret = group ? cb(arg, &prefix, group) : 0;
	while (!ret) {
		struct stride_place p = stride_place_of(s, at);
		uint8_t len = stride_depth(&p, p.at);
		size_t n = 1;

		group = stride_load(s, &p, p.at);
		if (len && len <= 128) { /* it is no link */
			prefix = prefix_at(s, at, len);
			at += (stride_addr)1 << (128 - len);
			ret = cb(arg, &prefix, group);
		} else {
			while (p.at + n < p.size && !stride_depth(&p, p.at + n))
				n++;
			at = ((at >> p.shift) + n) << p.shift;
		}
		if (!at)
			break;
	}
	return ret;
}
