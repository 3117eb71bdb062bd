/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Changes of the tables (stride.h). A change is two parts: the nodes that the prefix needs, made or
 * given up in one store, and a sweep over the entries that it covers.
 */
#include "core/stride_internal.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RUN_MAX 4096u /* entries of a table in one go; at least a node's */

/*
 * Of IPv6, memory that nobody has written would lead to node 0 everywhere; what a writer left leads
 * to each node once.
 */
static void root_open(const struct stride *s)
{
	struct stride_place p = stride_root(s, 0);

	if (s->width == 2 || stride_load(s, &p, 0) != s->link || stride_load(s, &p, 1) != s->link)
		return;
	for (size_t i = p.size; i-- > 0;)
		stride_store(&p, i, 0, 0);
}

struct stride *stride_new(const struct stride_memory *memory)
{
	struct stride *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->mem = *memory;
	s->first = memory->family == 4 ? 24 : 16;
	s->bits = prefix_max_len(memory->family);
	s->width = memory->family == 4 ? 2 : 4;
	s->link = 1u << (8 * s->width - 1);
	s->most = memory->family == 4 ? s->link - 1 : STRIDE6_GROUP;
	s->clean = s->retired = STRIDE_NO_NODE;
	s->left = STRIDE_SLICE;
	/* large, so the kernel gives pages where something is written only */
	if (s->width == 2) {
		s->root_depth = calloc((size_t)1 << s->first, 1);
		s->node_depth = calloc(memory->n_nodes, STRIDE_NODE_ENTRIES);
	}
	s->node = calloc(memory->n_nodes, sizeof(*s->node));
	if (!s->node || (s->width == 2 && (!s->root_depth || !s->node_depth))) {
		stride_free(s);
		return NULL;
	}
	root_open(s);
	return s;
}

void stride_free(struct stride *s)
{
	if (!s)
		return;
	free(s->root_depth);
	free(s->node_depth);
	free(s->node);
	free(s);
}

uint32_t stride_nodes_used(const struct stride *s)
{
	return s->used;
}

static stride_addr prefix_start(const struct prefix *prefix)
{
	uint64_t half[2];

	memcpy(half, prefix->bytes, sizeof(half));
	return (stride_addr)be64toh(half[0]) << 64 | be64toh(half[1]);
}

static stride_addr prefix_last(const struct prefix *prefix)
{
	stride_addr rest = prefix->len < 128 ? ~(stride_addr)0 >> prefix->len : 0;

	return prefix_start(prefix) | rest;
}

/* nodes */

void stride_retire(struct stride *s, uint32_t node)
{
	s->node[node].count = 0;
	s->node[node].next = s->retired;
	s->retired = node;
	s->used--;
}

static void node_give_back(struct stride *s, uint32_t node)
{
	s->node[node].next = s->clean;
	s->clean = node;
	s->used--;
}

static int node_take(struct stride *s, uint32_t *node)
{
	int err;

	if (s->clean == STRIDE_NO_NODE && s->unused < s->mem.n_nodes) {
		*node = s->unused++;
		s->used++;
		return 0;
	}
	if (s->clean == STRIDE_NO_NODE && s->retired == STRIDE_NO_NODE)
		return -ENOSPC;
	if (s->clean == STRIDE_NO_NODE) {
		err = s->mem.quiesce(s->mem.arg);
		if (err)
			return err;
		s->clean = s->retired;
		s->retired = STRIDE_NO_NODE;
	}
	*node = s->clean;
	s->clean = s->node[*node].next;
	s->used++;
	return 0;
}

/* Where a prefix is: the nodes that lead to its entries, as far as they are there. */
struct way {
	uint32_t node[STRIDE_LEVELS];
	unsigned int levels;	 /* that it needs */
	unsigned int have;	 /* that there are */
	struct stride_place end; /* in the last of these */
};

static struct way way_of(const struct stride *s, const struct prefix *prefix)
{
	stride_addr a = prefix_start(prefix);
	struct way way = {.end = stride_root(s, a)};

	if (prefix->len > s->first)
		way.levels = (prefix->len - s->first + 7) / 8;
	while (way.have < way.levels && stride_depth(&way.end, way.end.at) == STRIDE_LINK) {
		uint32_t node = stride_link_of(s, &way.end);

		way.node[way.have++] = node;
		way.end = stride_in_node(s, node, way.end.shift, a);
	}
	return way;
}

/* Eight entries from `at` on, all of prefixes of one length. */
static void eight_store(const struct stride *s, const struct stride_place *p, size_t at,
			uint32_t value, uint8_t depth)
{
	uint64_t *words = (uint64_t *)(p->entries + at * s->width);
	uint64_t word = s->width == 2 ? value * 0x0001000100010001ULL
				      : stride6_word(value, depth) * 0x100000001ULL;

	for (size_t i = 0; i < s->width; i++)
		__atomic_store_n(&words[i], word, __ATOMIC_RELEASE);
	if (p->depth)
		memset(p->depth + at, depth, 8);
}

/* The whole node answers `value`. Nobody reads it yet. */
static void node_fill(const struct stride *s, const struct stride_place *p, uint32_t value,
		      uint8_t depth)
{
	for (size_t i = 0; i < STRIDE_NODE_ENTRIES; i += 8)
		eight_store(s, p, i, value, depth);
}

/*
 * The nodes that are missing on the way, the lowest with the prefix in it, reachable by the last
 * store. 0 or -errno with nothing changed.
 */
static int way_make(struct stride *s, struct way *way, const struct prefix *prefix, uint32_t group)
{
	stride_addr a = prefix_start(prefix);
	uint32_t value = stride_load(s, &way->end, way->end.at), below = 0;
	uint8_t depth = stride_depth(&way->end, way->end.at);

	for (unsigned int i = way->have; i < way->levels; i++) {
		int err = node_take(s, &way->node[i]);

		while (err && i-- > way->have)
			node_give_back(s, way->node[i]);
		if (err)
			return err;
	}
	for (unsigned int i = way->levels; i-- > way->have;) {
		unsigned int shift = way->end.shift - 8 * (i - way->have);
		struct stride_place p = stride_in_node(s, way->node[i], shift, a);
		bool lowest = i == way->levels - 1;
		size_t n = lowest ? (size_t)1 << (128 - prefix->len - p.shift) : 1;

		node_fill(s, &p, value, depth);
		for (size_t k = 0; k < n; k++)
			stride_store(&p, p.at + k, lowest ? group : below,
				     lowest ? prefix->len : STRIDE_LINK);
		below = way->node[i] | s->link;
		s->node[way->node[i]].count = 0;
	}
	stride_store(&way->end, way->end.at, below, STRIDE_LINK);
	return 0;
}

/* Gives up nodes that no longer prefix is in: from the highest on, all of them answer alike. */
static void way_collapse(struct stride *s, const struct way *way, const struct prefix *prefix)
{
	stride_addr a = prefix_start(prefix);
	struct stride_place p = stride_root(s, a), first;
	unsigned int at = 0;

	while (at < way->levels && s->node[way->node[at]].count)
		p = stride_in_node(s, way->node[at++], p.shift, a);
	if (at == way->levels)
		return;
	first = stride_in_node(s, way->node[way->levels - 1], p.shift - 8 * (way->levels - 1 - at),
			       a);
	stride_store(&p, p.at, stride_load(s, &first, first.at), stride_depth(&first, first.at));
	for (; at < way->levels; at++)
		stride_retire(s, way->node[at]);
}

/* sweeps */

/* From `at` to `end` or the next node: paints, and returns where it stopped. */
static size_t run6(const struct stride_place *p, size_t at, size_t end,
		   const struct stride_sweep *w)
{
	const uint32_t *words = (const uint32_t *)p->entries;

	for (; at < end && words[at] & STRIDE6_ANSWER; at++) {
		uint8_t depth = STRIDE6_DEPTH(words[at]);

		if (depth >= w->from && depth <= w->to)
			stride_store(p, at, w->value, w->depth);
	}
	return at;
}

/* As run6, by the lengths of eight where they are the same. */
static size_t run4(const struct stride *s, const struct stride_place *p, size_t at, size_t end,
		   const struct stride_sweep *w)
{
	uint64_t depths;

	while (at < end) {
		uint8_t depth = p->depth[at];

		if (depth == STRIDE_LINK)
			break;
		if (!(at % 8) && end - at >= 8) {
			memcpy(&depths, p->depth + at, sizeof(depths));
			if (depths == depth * 0x0101010101010101ULL) {
				if (depth >= w->from && depth <= w->to)
					eight_store(s, p, at, w->value, w->depth);
				at += 8;
				continue;
			}
		}
		if (depth >= w->from && depth <= w->to)
			stride_store(p, at, w->value, w->depth);
		at++;
	}
	return at;
}

static size_t run(const struct stride *s, const struct stride_place *p, size_t at, size_t end,
		  const struct stride_sweep *w)
{
	return s->width == 2 ? run4(s, p, at, end, w) : run6(p, at, end, w);
}

/* One run at least, which is all of a sweep within a node; true: unfinished. */
static bool sweep_go(struct stride *s)
{
	struct stride_sweep *w = &s->sweep;

	while (w->active) {
		struct stride_place p = stride_place_of(s, w->at);
		stride_addr more = (w->last - w->at) >> p.shift;
		size_t most = p.size - p.at < RUN_MAX ? p.size - p.at : RUN_MAX;
		size_t end = p.at + (more < most ? (size_t)more + 1 : most);
		size_t done = run(s, &p, p.at, end, w) - p.at;

		w->active = w->last - w->at > (((stride_addr)done << p.shift) - 1);
		w->at += (stride_addr)done << p.shift;
		done += 8; /* the way down */
		s->left -= done < s->left ? done : s->left;
		if (!s->left)
			break;
	}
	return w->active;
}

bool stride_slice(struct stride *s)
{
	s->left = STRIDE_SLICE;
	return sweep_go(s);
}

void stride_finish(struct stride *s)
{
	while (sweep_go(s))
		s->left = STRIDE_SLICE;
}

static bool of_table(const struct stride *s, const struct prefix *prefix)
{
	return prefix->family == s->mem.family && prefix->len <= s->bits;
}

/* Most are painted on the spot: a few entries of one table, with no node below. */
static int sweep_start(struct stride *s, const struct way *way, const struct prefix *prefix,
		       uint8_t from, uint8_t depth, uint32_t value)
{
	const struct stride_place *p = &way->end;
	unsigned int bits = 128 - prefix->len - p->shift;

	s->sweep = (struct stride_sweep){
		.from = from, .to = prefix->len, .depth = depth, .value = value};
	if (bits <= 8 && run(s, p, p->at, p->at + (1u << bits), &s->sweep) == p->at + (1u << bits))
		return 0;
	s->sweep.active = true;
	s->sweep.at = prefix_start(prefix);
	s->sweep.last = prefix_last(prefix);
	return sweep_go(s);
}

int stride_set(struct stride *s, const struct prefix *prefix, uint32_t group, bool fresh)
{
	struct way way;
	int err;

	if (!of_table(s, prefix) || !group || group > s->most)
		return -EINVAL;
	if (!prefix->len) {
		__atomic_store_n(s->mem.fallback, group, __ATOMIC_RELEASE);
		return 0;
	}
	stride_finish(s);
	way = way_of(s, prefix);
	if (way.have < way.levels) {
		err = fresh ? way_make(s, &way, prefix, group) : -EINVAL;
		if (err)
			return err;
	}
	for (unsigned int i = 0; fresh && i < way.levels; i++)
		s->node[way.node[i]].count++;
	return way.have < way.levels ? 0 : sweep_start(s, &way, prefix, 0, prefix->len, group);
}

int stride_clear(struct stride *s, const struct prefix *prefix, uint8_t cover_len,
		 uint32_t cover_group)
{
	struct way way;
	bool unfinished;

	if (!of_table(s, prefix) || cover_group > s->most || cover_len > prefix->len)
		return -EINVAL;
	if (!prefix->len) {
		__atomic_store_n(s->mem.fallback, 0, __ATOMIC_RELEASE);
		return 0;
	}
	stride_finish(s);
	way = way_of(s, prefix);
	if (way.have < way.levels)
		return -ENOENT;
	unfinished = sweep_start(s, &way, prefix, prefix->len, cover_len, cover_group);
	for (unsigned int i = 0; i < way.levels; i++)
		s->node[way.node[i]].count--;
	way_collapse(s, &way, prefix);
	return unfinished;
}
