/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a change costs with 10,000 prefixes installed: the default route's is one group, whatever is
 * installed; another covering prefix's is what it covers, no more than the budget at a time.
 */
#include "fixture_rib.h"

#include "core/fib.h"

#define PREFIXES 10000
#define BUDGET	 500
#define T0	 1000000000000ULL

struct writes {
	size_t groups, prefixes, removes, defaults;
	struct prefix last;
	struct sw_group group; /* the last */
};

struct world {
	struct fixture f;
	struct rib *rib;
	struct fib *fib;
	struct writes n;
};

static int group_write(void *arg, uint32_t id, const struct sw_group *group)
{
	struct writes *n = arg;

	(void)id;
	n->groups++;
	n->group = *group;
	return 0;
}

static int prefix_write(void *arg, const struct prefix *prefix, uint32_t group, bool fresh)
{
	struct writes *n = arg;

	(void)group;
	(void)fresh;
	n->prefixes++;
	n->last = *prefix;
	return 0;
}

static int prefix_remove(void *arg, const struct prefix *prefix, uint8_t len, uint32_t group)
{
	(void)prefix;
	(void)len;
	(void)group;
	((struct writes *)arg)->removes++;
	return 0;
}

static bool slice(void *arg)
{
	(void)arg;
	return false;
}

static int quiesce(void *arg)
{
	(void)arg;
	return 0;
}

static void default_write(void *arg, uint8_t family, uint32_t group)
{
	(void)family;
	(void)group;
	((struct writes *)arg)->defaults++;
}

/* 10.0.0.0/24 to 10.39.15.0/24: the even ones by ER1A and VPN, the odd ones by VPN alone. */
static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct fib_ops ops = {
		.arg = &w->n,
		.group_write = group_write,
		.prefix_write = prefix_write,
		.prefix_remove = prefix_remove,
		.slice = slice,
		.quiesce = quiesce,
		.default_write = default_write,
	};
	char text[PREFIX_STRLEN];

	fixture_init(&w->f);
	w->f.cfg.default_route = DEFAULT_ROUTE_LAST;
	w->rib = rib_new(&w->f.cfg, NULL);
	w->fib = fib_new(&w->f.cfg, w->rib, &ops);
	for (int i = 0; i < PREFIXES; i++) {
		snprintf(text, sizeof(text), "10.%d.%d.0/24", i / 256, i % 256);
		put(w->rib, &w->f, text, VPN);
		if (i % 2 == 0)
			put(w->rib, &w->f, text, ER1A);
	}
	put(w->rib, &w->f, "0.0.0.0/0", VPN);
	assert_int_equal(fib_compile(w->fib, T0, ~0ULL, 0), 0);
	fib_sync_done(w->fib);
	assert_int_equal(w->n.prefixes, PREFIXES + 1);
	memset(&w->n, 0, sizeof(w->n));
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	fib_free(w->fib);
	rib_free(w->rib);
	free(w);
	return 0;
}

/* Slices until nothing is left; none may write more than the budget. Returns how many. */
static size_t slices(struct world *w)
{
	size_t n = 0, before, left;

	do {
		before = w->n.prefixes + w->n.removes;
		left = fib_compile(w->fib, T0, ~0ULL, BUDGET);
		assert_true(w->n.prefixes + w->n.removes - before <= BUDGET);
		n++;
	} while (left);
	return n;
}

static void test_default_is_one_group(void **state)
{
	struct world *w = *state;

	put(w->rib, &w->f, "0.0.0.0/0", ER2);
	assert_int_equal(slices(w), 1);
	assert_int_equal(w->n.groups, 1);
	assert_int_equal(w->n.group.tiers, 2);
	assert_int_equal(w->n.defaults, 1);
	/* 0/0 is a prefix itself, and no other is touched */
	assert_int_equal(w->n.prefixes, 1);
	assert_int_equal(w->n.last.len, 0);
	assert_int_equal(w->n.removes, 0);
	take(w->rib, &w->f, "0.0.0.0/0", ER2);
	take(w->rib, &w->f, "0.0.0.0/0", VPN);
	assert_int_equal(slices(w), 1);
	assert_int_equal(w->n.groups, 1);
	assert_int_equal(w->n.defaults, 2);
	assert_int_equal(w->n.prefixes, 1);
	assert_int_equal(w->n.removes, 1);
}

static void test_cover_in_slices(void **state)
{
	struct world *w = *state;
	const size_t want = PREFIXES / BUDGET + 1;

	put(w->rib, &w->f, "10.0.0.0/8", ER1A);
	assert_int_equal(slices(w), want);
	assert_int_equal(w->n.prefixes, PREFIXES / 2 + 1); /* the even ones had ER1A already */
	assert_true(w->n.groups <= 3);
	/* work without a write counts as well: this changes the answer of none */
	memset(&w->n, 0, sizeof(w->n));
	put(w->rib, &w->f, "10.0.0.0/8", VPN);
	assert_int_equal(slices(w), want);
	assert_int_equal(w->n.prefixes, 1);
	assert_int_equal(w->n.last.len, 8);
	take(w->rib, &w->f, "10.0.0.0/8", ER1A);
	take(w->rib, &w->f, "10.0.0.0/8", VPN);
	assert_int_equal(slices(w), want);
	assert_int_equal(w->n.removes, 1);
}

/* One prefix among all of them is one prefix's work. */
static void test_one_is_one(void **state)
{
	struct world *w = *state;

	put(w->rib, &w->f, "10.7.7.0/24", ER2);
	assert_int_equal(slices(w), 1);
	assert_int_equal(w->n.prefixes, 1);
	assert_int_equal(w->n.groups, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_default_is_one_group),
		T(test_cover_in_slices),
		T(test_one_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
