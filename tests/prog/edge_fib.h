/* SPDX-License-Identifier: GPL-2.0-only */
/* The FIB of the tests' edge: prefixes by hand, written as the daemon writes them. */
#ifndef TESTS_PROG_EDGE_FIB_H
#define TESTS_PROG_EDGE_FIB_H

#include "core/stride.h"
#include "harness.h"

static struct {
	struct stride *table[2]; /* IPv4, IPv6 */
	struct {
		struct prefix prefix;
		uint32_t group;
	} v[64];
	size_t n;
} edge_fib;

/* Tests of programs have no packet under way while they write. */
static inline int fib_quiesce(void *arg)
{
	(void)arg;
	return 0;
}

static inline void fib_open(void)
{
	uint32_t nodes4 = bpf_map__max_entries(edge.skel->maps.fib4_nodes) / SW_FIB4_NODE_ROWS;
	uint32_t nodes6 = bpf_map__max_entries(edge.skel->maps.fib6_nodes);
	const struct stride_memory memory[2] = {
		{4, map_mmap("fib4", SW_FIB4_ROWS * 8UL),
		 map_mmap("fib4_nodes", nodes4 * SW_FIB4_NODE_ROWS * 8UL), nodes4, &edge.ctl->root4,
		 fib_quiesce, NULL},
		{6, map_mmap("fib6", SW_FIB6_ROWS * 8UL),
		 map_mmap("fib6_nodes", nodes6 * sizeof(struct sw_fib6_node)), nodes6,
		 &edge.ctl->root6, fib_quiesce, NULL},
	};

	edge_fib.n = 0;
	for (int i = 0; i < 2; i++) {
		edge_fib.table[i] = stride_new(&memory[i]);
		assert_non_null(edge_fib.table[i]);
	}
}

static inline void fib_close(void)
{
	for (int i = 0; i < 2; i++)
		stride_free(edge_fib.table[i]);
}

static inline struct prefix fib_prefix(const char *text, uint32_t len)
{
	char with_len[80];
	struct prefix prefix;

	snprintf(with_len, sizeof(with_len), "%s/%u", text, len);
	assert_int_equal(prefix_parse(with_len, &prefix, NULL), 0);
	return prefix;
}

static inline size_t fib_index(const struct prefix *prefix)
{
	size_t i = 0;

	while (i < edge_fib.n && !prefix_equal(&edge_fib.v[i].prefix, prefix))
		i++;
	return i;
}

static inline void fib_write(const char *text, uint32_t len, uint32_t group)
{
	struct prefix prefix = fib_prefix(text, len);
	size_t i = fib_index(&prefix);

	assert_true(i < sizeof(edge_fib.v) / sizeof(edge_fib.v[0]));
	assert_true(stride_set(edge_fib.table[prefix.family == 6], &prefix, group,
			       i == edge_fib.n) >= 0);
	stride_finish(edge_fib.table[prefix.family == 6]);
	edge_fib.v[i].prefix = prefix;
	edge_fib.v[i].group = group;
	edge_fib.n += i == edge_fib.n;
}

static inline void fib_remove_at(size_t i)
{
	struct prefix prefix = edge_fib.v[i].prefix;
	struct stride *table = edge_fib.table[prefix.family == 6];
	uint32_t group = 0;
	uint8_t len = 0;

	edge_fib.v[i] = edge_fib.v[--edge_fib.n];
	for (size_t k = 0; k < edge_fib.n; k++) {
		const struct prefix *cover = &edge_fib.v[k].prefix;

		if (cover->len > len && cover->len < prefix.len &&
		    prefix_contains(cover, &prefix)) {
			len = cover->len;
			group = edge_fib.v[k].group;
		}
	}
	assert_true(stride_clear(table, &prefix, len, group) >= 0);
	stride_finish(table);
}

static inline void fib_remove(const char *text, uint32_t len)
{
	struct prefix prefix = fib_prefix(text, len);
	size_t i = fib_index(&prefix);

	if (i < edge_fib.n)
		fib_remove_at(i);
}

static inline void fib_clear(void)
{
	while (edge_fib.n)
		fib_remove_at(edge_fib.n - 1);
}

#endif
