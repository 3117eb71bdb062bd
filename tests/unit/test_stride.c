/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The writer of the FIB's tables, read as the BPF programs read them, against a naive oracle: after
 * a build, after live edits, in slices, with nodes used up; that nodes are given up, and used again
 * only after all readers have left; that what another writer left is taken over as it answers.
 * SEED=n repeats a run, SAMEWAY_LONG=1 asks for more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "core/stride.h"
#include "prefix_oracle.h"

struct table {
	struct stride_memory mem;
	struct stride *s;
	struct prefix_oracle o;
	uint32_t fallback;
	uint8_t family;
	size_t quiesces;
	int quiesce_error;
};

static bool is_long(void)
{
	const char *text = getenv("SAMEWAY_LONG");

	return text && atoi(text);
}

static int quiesce(void *arg)
{
	struct table *t = arg;

	t->quiesces++;
	return t->quiesce_error;
}

static void table_open(struct table *t, uint8_t family, uint32_t nodes, size_t max)
{
	memset(t, 0, sizeof(*t));
	t->family = family;
	t->mem = (struct stride_memory){
		.family = family,
		.root = calloc(family == 4 ? 1 << 24 : 1 << 16, family == 4 ? 2 : 4),
		.nodes = calloc(nodes, family == 4 ? 512 : 1024),
		.n_nodes = nodes,
		.fallback = &t->fallback,
		.quiesce = quiesce,
		.arg = t,
	};
	t->s = stride_new(&t->mem);
	assert_non_null(t->s);
	oracle_init(&t->o, max);
}

static void table_close(struct table *t)
{
	stride_free(t->s);
	free(t->mem.root);
	free(t->mem.nodes);
	oracle_free(&t->o);
}

/* As bpf/fib.h. */
static uint32_t table_find(const struct table *t, const struct ip_addr *ip)
{
	const uint8_t *a = ip->bytes;
	uint32_t e;

	if (t->family == 4) {
		e = ((uint16_t *)t->mem.root)[a[0] << 16 | a[1] << 8 | a[2]];
		if (e & 0x8000)
			e = ((uint16_t *)t->mem.nodes)[(e & 0x7fff) * 256 + a[3]];
		assert_false(e & 0x8000);
	} else {
		e = ((uint32_t *)t->mem.root)[a[0] << 8 | a[1]];
		for (int i = 2; !(e & 0x80000000); i++) {
			assert_true(i < 16 && e < t->mem.n_nodes);
			e = ((uint32_t *)t->mem.nodes)[e * 256 + a[i]];
		}
		e &= 0xffff;
	}
	return e ? e : t->fallback;
}

static void compare(const struct table *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct ip_addr ip = oracle_address(&t->o, t->family);
		uint32_t has = table_find(t, &ip), want = oracle_find(&t->o, &ip);
		char text[IP_STRLEN];

		if (has != want)
			fail_msg("%s: %u, not %u", ip_format(&ip, text), has, want);
	}
}

static int set(struct table *t, const struct prefix *p, uint32_t group)
{
	struct oracle_row *row = oracle_get(&t->o, p);
	int ret = stride_set(t->s, p, group, !row);

	if (ret >= 0)
		oracle_set(&t->o, p, group);
	return ret;
}

static int clear(struct table *t, struct prefix p)
{
	struct oracle_row *cover;

	oracle_clear(&t->o, &p);
	cover = p.len ? oracle_match(&t->o, p, p.len - 1u) : NULL;
	if (cover && !cover->prefix.len)
		cover = NULL;
	return stride_clear(t->s, &p, cover ? cover->prefix.len : 0, cover ? cover->group : 0);
}

static uint32_t group(void)
{
	return 1 + oracle_below(32767);
}

static void build(struct table *t, size_t n)
{
	while (t->o.n < n) {
		struct prefix p = oracle_prefix(&t->o, t->family, oracle_length(t->family));

		assert_true(set(t, &p, group()) >= 0);
	}
}

/* Any length, so that short ones come and go over all of it, too. */
static void edit(struct table *t, size_t n, size_t keep)
{
	uint8_t max = (uint8_t)prefix_max_len(t->family);

	while (n--) {
		struct prefix p;

		if (t->o.n > keep || (t->o.n && !oracle_below(3))) {
			p = t->o.row[oracle_below(t->o.n)].prefix;
			if (oracle_below(4))
				assert_true(clear(t, p) >= 0);
			else
				assert_true(set(t, &p, group()) >= 0);
		} else {
			uint8_t len = oracle_below(8) ? oracle_length(t->family)
						      : (uint8_t)(max - oracle_below(max + 1u));

			p = oracle_prefix(&t->o, t->family, len);
			assert_true(set(t, &p, group()) >= 0);
		}
		if (!oracle_below(50))
			stride_slice(t->s);
	}
}

static void clear_all(struct table *t)
{
	size_t entries = t->family == 4 ? 1 << 24 : 1 << 16, width = t->family == 4 ? 2 : 4;
	const uint8_t *bytes = t->mem.root;

	while (t->o.n)
		assert_true(clear(t, t->o.row[oracle_below(t->o.n)].prefix) >= 0);
	stride_finish(t->s);
	assert_int_equal(stride_nodes_used(t->s), 0);
	assert_int_equal(t->fallback, 0);
	for (size_t i = 0; i < width; i++)
		assert_int_equal(bytes[i], t->family == 6 && i == 3 ? 0x80 : 0);
	assert_int_equal(memcmp(bytes, bytes + width, (entries - 1) * width), 0);
}

static void run(uint8_t family, size_t prefixes, size_t addresses)
{
	struct table t;

	table_open(&t, family, family == 4 ? 32768 : 262144, prefixes + 100);
	build(&t, prefixes);
	compare(&t, addresses);
	edit(&t, 20000, prefixes);
	stride_finish(t.s);
	compare(&t, addresses);
	clear_all(&t);
	table_close(&t);
}

static void test_random4(void **state)
{
	static const size_t sizes[] = {1000, 10000, 100000, 1000000};

	(void)state;
	for (int i = 0; i < (is_long() ? 4 : 2); i++)
		run(4, sizes[i], is_long() ? 5000000 : 200000);
}

static void test_random6(void **state)
{
	static const size_t sizes[] = {1000, 10000, 100000, 200000};

	(void)state;
	for (int i = 0; i < (is_long() ? 4 : 2); i++)
		run(6, sizes[i], is_long() ? 5000000 : 200000);
}

/* In few blocks, few lengths, deep: nodes are made and given up all the time, and run out. */
static void crowd(uint8_t family, uint32_t nodes)
{
	struct table t;
	size_t refused = 0, before;

	table_open(&t, family, nodes, 5000);
	for (int i = 0; i < 60000; i++) {
		struct prefix p = {.family = family};

		p.bytes[0] = 10;
		p.bytes[1] = (uint8_t)oracle_below(2);
		p.bytes[2] = (uint8_t)oracle_below(3);
		for (unsigned int k = 3; k < prefix_max_len(family) / 8; k++)
			p.bytes[k] = (uint8_t)(oracle_below(4) * 0x50);
		p.len = (uint8_t)(7 + oracle_below(prefix_max_len(family) - 6));
		prefix_mask(&p);
		if (oracle_below(2)) {
			int ret = set(&t, &p, group());

			refused += ret == -ENOSPC;
			assert_true(ret >= 0 || ret == -ENOSPC);
		} else if (oracle_get(&t.o, &p)) {
			assert_true(clear(&t, p) >= 0);
		}
		for (size_t k = t.o.n; i % 1000 == 0 && k-- > 0;) /* an end of all nodes */
			if (t.o.row[k].prefix.len > (family == 4 ? 24 : 16))
				assert_true(clear(&t, t.o.row[k].prefix) >= 0);
		if (i % 1000 == 0)
			assert_int_equal(stride_nodes_used(t.s), 0);
		assert_true(stride_nodes_used(t.s) <= nodes);
		if (i % 500 == 0) {
			stride_finish(t.s);
			compare(&t, 2000);
		}
	}
	assert_true(refused > 100);
	assert_true(t.quiesces > 10);
	/* a wait that fails is a refusal, too */
	before = t.o.n;
	t.quiesce_error = -ENOMEM;
	for (int i = 0; i < 200; i++) {
		struct prefix p = {.family = family, .len = (uint8_t)prefix_max_len(family)};
		int ret;

		p.bytes[0] = 11;
		p.bytes[2] = (uint8_t)i;
		ret = set(&t, &p, 5);
		assert_true(ret == 0 || ret == -ENOMEM || ret == -ENOSPC);
	}
	assert_true(t.o.n >= before);
	compare(&t, 20000);
	clear_all(&t);
	table_close(&t);
}

static void test_crowded(void **state)
{
	(void)state;
	crowd(4, 4);
	crowd(6, 60);
}

static struct prefix pfx(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p, NULL), 0);
	return p;
}

/* A node that left the tables is not written until quiesce() was called. */
static void test_reuse(void **state)
{
	struct prefix a = pfx("10.0.0.1/32"), b = pfx("10.0.1.1/32"), c = pfx("10.0.2.1/32");
	uint16_t left[256], *nodes;
	struct table t;

	(void)state;
	table_open(&t, 4, 2, 100);
	nodes = t.mem.nodes;
	assert_int_equal(set(&t, &a, 7), 0);
	assert_int_equal(stride_nodes_used(t.s), 1);
	memcpy(left, nodes, sizeof(left));
	assert_int_equal(left[1], 7);
	assert_int_equal(clear(&t, a), 0);
	assert_int_equal(stride_nodes_used(t.s), 0);
	assert_int_equal(set(&t, &b, 8), 0); /* the other one */
	assert_int_equal(t.quiesces, 0);
	left[1] = 0; /* what the removed prefix handed back before the node was given up */
	assert_memory_equal(nodes, left, sizeof(left));
	assert_int_equal(set(&t, &c, 9), 0);
	assert_int_equal(t.quiesces, 1);
	assert_int_equal(nodes[1], 9);
	assert_int_equal(set(&t, &a, 7), -ENOSPC);
	assert_int_equal(t.quiesces, 1); /* nothing to wait for */
	compare(&t, 1000);
	table_close(&t);
}

static void test_refused(void **state)
{
	struct prefix p = pfx("10.0.0.0/8"), six = pfx("fd00::/8"), host = pfx("10.0.0.1/32");
	struct table t;

	(void)state;
	table_open(&t, 4, 2, 100);
	assert_int_equal(stride_set(t.s, &p, 0, true), -EINVAL);
	assert_int_equal(stride_set(t.s, &p, 32768, true), -EINVAL);
	assert_int_equal(stride_set(t.s, &six, 1, true), -EINVAL);
	assert_int_equal(stride_clear(t.s, &host, 0, 0), -ENOENT);
	assert_int_equal(stride_clear(t.s, &host, 8, 40000), -EINVAL);
	p.len = 33;
	assert_int_equal(stride_set(t.s, &p, 1, true), -EINVAL);
	table_close(&t);
	table_open(&t, 6, 2, 100);
	assert_int_equal(stride_set(t.s, &six, 65536, true), -EINVAL);
	assert_int_equal(stride_set(t.s, &six, 65535, true), 0);
	table_close(&t);
}

/* A sweep that covers much stops where its slice ends, and goes on. */
static void test_slices(void **state)
{
	struct prefix half = pfx("128.0.0.0/1"), all = pfx("0.0.0.0/0");
	struct ip_addr last, first;
	struct table t;
	int slices = 0;

	(void)state;
	assert_int_equal(ip_parse("255.255.255.255", &last), 0);
	assert_int_equal(ip_parse("128.0.0.0", &first), 0);
	table_open(&t, 4, 16, 100);
	assert_int_equal(set(&t, &all, 3), 0);
	assert_int_equal(set(&t, &half, 4), 1);
	assert_int_equal(table_find(&t, &first), 4);
	assert_int_equal(table_find(&t, &last), 3);
	while (stride_slice(t.s))
		slices++;
	assert_in_range(slices, 4, 20);
	assert_int_equal(table_find(&t, &last), 4);
	/* and whoever changes something meanwhile has it done */
	assert_int_equal(clear(&t, half), 1);
	assert_int_equal(set(&t, &all, 5), 0);
	half.len = 2;
	assert_true(set(&t, &half, 6) >= 0);
	stride_finish(t.s);
	compare(&t, 10000);
	clear_all(&t);
	table_close(&t);
}

static int read_one(void *arg, const struct prefix *p, uint32_t g)
{
	struct prefix_oracle *o = arg;

	if (o->n)
		assert_true(prefix_cmp(&o->row[o->n - 1].prefix, p) < 0);
	assert_true(oracle_set(o, p, g));
	return 0;
}

static int read_and_remove(void *arg, const struct prefix *p, uint32_t g)
{
	struct table *t = arg;

	(void)g;
	if (oracle_below(2))
		return 0;
	oracle_clear(&t->o, p);
	return stride_clear(t->s, p, 0, 0) < 0;
}

static int read_stop(void *arg, const struct prefix *p, uint32_t g)
{
	(void)p;
	(void)g;
	++*(int *)arg;
	return 77;
}

/* Another writer's tables: the same answers, by disjoint prefixes, and editable from there on. */
static void adopt(uint8_t family, uint32_t groups)
{
	struct prefix_oracle read;
	struct table t;
	int calls = 0;

	table_open(&t, family, family == 4 ? 4096 : 65536, 200000);
	while (t.o.n < 5000) {
		struct prefix p = oracle_prefix(&t.o, family, oracle_length(family));

		assert_true(set(&t, &p, 1 + oracle_below(groups)) >= 0);
	}
	edit(&t, 500, 5000);
	stride_finish(t.s);
	stride_free(t.s);
	t.s = stride_new(&t.mem);
	assert_non_null(t.s);
	for (int again = 0; again < 2; again++) { /* the second time our own: a reload */
		oracle_init(&read, 200000);
		assert_int_equal(stride_read(t.s, read_one, &read), 0);
		for (int i = 0; i < 50000; i++) {
			struct ip_addr ip = oracle_address(&t.o, family);

			assert_int_equal(table_find(&t, &ip), oracle_find(&t.o, &ip));
			assert_int_equal(oracle_find(&read, &ip), oracle_find(&t.o, &ip));
		}
		oracle_free(&t.o);
		t.o = read;
		if (!again)
			edit(&t, 3000, t.o.n + 100);
	}
	assert_int_equal(stride_read(t.s, read_stop, &calls), 77);
	assert_int_equal(calls, 1);
	assert_int_equal(stride_read(t.s, read_and_remove, &t), 0);
	stride_finish(t.s);
	compare(&t, 50000);
	edit(&t, 3000, t.o.n + 100);
	stride_finish(t.s);
	compare(&t, 50000);
	clear_all(&t);
	table_close(&t);
}

static void test_adopt(void **state)
{
	(void)state;
	adopt(4, 3);
	adopt(4, 30000);
	adopt(6, 3);
	adopt(6, 30000);
}

/* What no writer of ours left: links to nowhere and in circles end somewhere. */
static void test_garbage(void **state)
{
	struct table t;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct prefix_oracle read;

		table_open(&t, i ? 6 : 4, 8, 100000);
		oracle_init(&read, 100000);
		for (int k = 0; k < 2000; k++) {
			if (i)
				((uint32_t *)(k & 1 ? t.mem.nodes : t.mem.root))[k] =
					oracle_below(12);
			else
				((uint16_t *)(k & 1 ? t.mem.nodes : t.mem.root))[k] =
					(uint16_t)(0x8000 | oracle_below(12));
		}
		assert_int_equal(stride_read(t.s, read_one, &read), 0);
		oracle_free(&read);
		table_close(&t);
	}
}

static int seed(void **state)
{
	const char *text = getenv("SEED");

	(void)state;
	oracle_state = text ? strtoull(text, NULL, 10) : 20261127;
	printf("SEED=%llu\n", (unsigned long long)oracle_state);
	oracle_state = oracle_state * 2 + 1;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random4), cmocka_unit_test(test_random6),
		cmocka_unit_test(test_crowded), cmocka_unit_test(test_reuse),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_slices),
		cmocka_unit_test(test_adopt),	cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, seed, NULL);
}
