/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The compiler, by the situations of scenarios.md: what is installed, when an answer counts as
 * changed, what is degraded and for how long, and what a full map does. A new daemon is
 * test_fib_adopt.c, random changes test_fib_random.c.
 */
#include "fixture_fib.h"

static void test_install(void **state)
{
	struct world *w = *state;
	struct fib_counts counts;

	steady(w);
	put(w->rib, &w->f, "fd10::/48", ER1A);
	compile_at(w, T0);
	counts = fib_counts(w->fib);
	assert_int_equal(counts.installed4, 3);
	assert_int_equal(counts.installed6, 1);
	assert_int_equal(counts.groups, 2);
	assert_int_equal(id_of(w, HUB), id_of(w, SPOKE));
	assert_int_equal(group_of(w, HUB)->tiers, 2);
	assert_int_equal(group_of(w, HUB)->tier[0], BIT(ER1A));
	assert_int_equal(group_of(w, HUB)->tier[1], BIT(VPN));
	assert_int_equal(group_of(w, HUB)->rank[1], 1);
	assert_int_equal(group_of(w, HUB)->degraded, SW_NO_RANK);
	assert_int_equal(group_of(w, HUB)->since_ns, 0);
	assert_in_range(id_of(w, HUB), 128, SW_MAX_GROUPS - 1);
	take(w->rib, &w->f, "fd10::/48", ER1A);
	compile_at(w, T0);
	assert_null(group_of(w, "fd10::/48"));
}

/* What covers a prefix changes: so does what it inherits. */
static void test_inherit(void **state)
{
	struct world *w = *state;

	put(w->rib, &w->f, "10.11.30.0/27", VPN);
	compile_at(w, T0);
	assert_int_equal(group_of(w, "10.11.30.0/27")->tiers, 1);
	put(w->rib, &w->f, SPOKE, ER1A);
	compile_at(w, T0);
	assert_int_equal(group_of(w, "10.11.30.0/27")->tier[1], BIT(ER1A));
	take(w->rib, &w->f, SPOKE, ER1A);
	compile_at(w, T0);
	assert_int_equal(group_of(w, "10.11.30.0/27")->tiers, 1);
	assert_null(group_of(w, SPOKE));
}

/* In slices: no more than asked for at a time, and the rest is not forgotten. */
static void test_slices(void **state)
{
	struct world *w = *state;
	char text[PREFIX_STRLEN];
	size_t before;

	put(w->rib, &w->f, "10.0.0.0/8", ER1A);
	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "10.%d.0.0/16", i);
		put(w->rib, &w->f, text, VPN);
	}
	compile_at(w, T0);
	take(w->rib, &w->f, "10.0.0.0/8", ER1A);
	before = w->maps.prefix_writes;
	assert_int_not_equal(fib_compile(w->fib, T0, w->usable, 10), 0);
	assert_true(w->maps.prefix_writes - before <= 10);
	while (fib_compile(w->fib, T0, w->usable, 7))
		;
	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "10.%d.0.0/16", i);
		assert_int_equal(group_of(w, text)->tiers, 1);
	}
}

/* Most of the table at once, of either family and both, in slices, with changes meanwhile. */
static void test_sweep(void **state)
{
	struct world *w = *state;
	char text[PREFIX_STRLEN];

	for (int i = 0; i < 1400; i++) {
		if (i >= 700 || i % 2)
			snprintf(text, sizeof(text), "fd00:%x::/32", i);
		else
			snprintf(text, sizeof(text), "10.%d.%d.0/24", i / 256, i % 256);
		put(w->rib, &w->f, text, i % 3 ? ER1A : VPN);
	}
	put(w->rib, &w->f, "fd00::/16", ER2);
	for (int i = 0; fib_compile(w->fib, T0, w->usable, 50); i++) {
		assert_true(i < 200);
		if (i == 3)
			put(w->rib, &w->f, "10.0.0.0/8", ER2); /* behind it: what it covers again */
	}
	assert_int_equal(fib_counts(w->fib).installed4, 351);
	assert_int_equal(fib_counts(w->fib).installed6, 1051);
	assert_int_equal(group_of(w, "10.2.66.0/24")->members, BIT(ER1A) | BIT(ER2));
	assert_int_equal(group_of(w, "fd00:4b0::/32")->members, BIT(VPN) | BIT(ER2));
	take(w->rib, &w->f, "fd00::/16", ER2);
	compile_at(w, T0);
	assert_int_equal(group_of(w, "fd00:4b0::/32")->members, BIT(VPN));
}

/* Group ids are used up: those that rest are used again after one wait; one that fails, not. */
static void test_ids_again(void **state)
{
	struct world *w = *state;

	put(w->rib, &w->f, HUB, ER1A);
	compile_at(w, T0);
	fib_sync_done(w->fib);
	for (uint32_t i = 0; i < 2 * SW_MAX_GROUPS; i++) {
		/* each change of the answer is a group of its own, by its time */
		w->usable = i % 2 ? BIT(VPN) : ~0ULL;
		if (i % 2)
			take(w->rib, &w->f, HUB, VPN);
		else
			put(w->rib, &w->f, HUB, VPN);
		compile_at(w, T0 + i * SECOND);
	}
	assert_true(w->maps.quiesces <= 2);
	assert_int_equal(fib_counts(w->fib).refused, 0);
}

/* Writes that are unfinished: a slice ends with one, and nothing is forgotten. */
static void test_unfinished(void **state)
{
	struct world *w = *state;

	steady(w);
	w->maps.slow = true;
	put(w->rib, &w->f, "10.0.0.0/8", ER1A);
	put(w->rib, &w->f, "10.64.0.0/10", VPN);
	assert_true(fib_compile(w->fib, T0, w->usable, 500) > 0);
	assert_true(w->maps.unfinished);
	while (fib_compile(w->fib, T0, w->usable, 500))
		;
	assert_false(w->maps.unfinished);
	assert_non_null(group_of(w, "10.64.0.0/10"));
	take(w->rib, &w->f, "10.0.0.0/8", ER1A);
	compile_at(w, T0);
	assert_false(w->maps.unfinished);
	assert_null(group_of(w, "10.0.0.0/8"));
}

static void test_default(void **state)
{
	struct world *w = *state;

	w->f.cfg.default_route = DEFAULT_ROUTE_LAST;
	put(w->rib, &w->f, "0.0.0.0/0", VPN);
	put(w->rib, &w->f, "::/0", VPN);
	put(w->rib, &w->f, ONLY, ER1A);
	compile_at(w, T0);
	assert_int_equal(w->maps.defaults[0], id_of(w, "0.0.0.0/0"));
	assert_int_equal(w->maps.defaults[1], id_of(w, "::/0"));
	assert_int_equal(group_of(w, ONLY)->members, BIT(ER1A));
	put(w->rib, &w->f, "0.0.0.0/0", ER2);
	compile_at(w, T0);
	assert_int_equal(w->maps.groups[w->maps.defaults[0]].tiers, 2);
	take(w->rib, &w->f, "0.0.0.0/0", ER2);
	take(w->rib, &w->f, "0.0.0.0/0", VPN);
	compile_at(w, T0);
	assert_int_equal(w->maps.defaults[0], 0);
	assert_null(group_of(w, "0.0.0.0/0"));
	/* never: an ordinary prefix, nothing falls through to it */
	w->f.cfg.default_route = DEFAULT_ROUTE_NEVER;
	put(w->rib, &w->f, "0.0.0.0/0", VPN);
	compile_at(w, T0);
	assert_int_equal(w->maps.defaults[0], 0);
	assert_non_null(group_of(w, "0.0.0.0/0"));
}

static void test_reserved(void **state)
{
	struct world *w = *state;
	struct fib_reserved v[] = {
		{pfx("10.2.30.0/25"), SW_GROUP_INSIDE, 64},
		{pfx("10.10.30.254/32"), SW_GROUP_EXEMPT, 0},
		{pfx("10.10.30.1/32"), SW_GROUP_LOCAL, 0},
		{pfx(HUB), SW_GROUP_EXEMPT, 0},
		{pfx("10.10.30.1/32"), SW_GROUP_EXEMPT, 0},
		{pfx("10.10.30.1/32"), SW_GROUP_LOCAL, SW_LOCAL_ON_PATH},
	};

	steady(w);
	put(w->rib, &w->f, "10.10.30.128/25", ER1A);
	assert_int_equal(fib_set_reserved(w->fib, v, 3), 0);
	compile_at(w, T0);
	/* the VPN's own peer stays exempt inside an ExpressRoute prefix (S3) */
	assert_int_equal(kind_at(w, "10.10.30.254"), SW_GROUP_EXEMPT);
	assert_int_equal(kind_at(w, "10.10.30.253"), SW_GROUP_ROUTE);
	assert_int_equal(kind_at(w, "10.10.30.1"), SW_GROUP_LOCAL);
	assert_int_equal(kind_at(w, "10.2.30.10"), SW_GROUP_INSIDE);
	assert_int_equal(id_of(w, "10.2.30.0/25"), 64);
	assert_int_equal(group_of(w, "10.10.30.1/32")->slot, 0);
	/* the same address on a path's interface, too: nobody moves what is sent from there */
	assert_int_equal(fib_set_reserved(w->fib, v, 6), 0);
	compile_at(w, T0);
	assert_int_equal(kind_at(w, "10.10.30.1"), SW_GROUP_LOCAL);
	assert_int_equal(group_of(w, "10.10.30.1/32")->slot, SW_LOCAL_ON_PATH);
	/* painted over everything inside it but our own addresses */
	assert_int_equal(fib_set_reserved(w->fib, v, 5), 0);
	compile_at(w, T0);
	assert_int_equal(kind_at(w, "10.10.30.253"), SW_GROUP_EXEMPT);
	assert_int_equal(kind_at(w, "10.10.30.4"), SW_GROUP_EXEMPT);
	assert_int_equal(kind_at(w, "10.10.30.1"), SW_GROUP_LOCAL);
	assert_int_equal(fib_counts(w->fib).installed4, 2);
	assert_int_equal(fib_set_reserved(w->fib, v, 1), 0);
	compile_at(w, T0);
	assert_int_equal(kind_at(w, "10.10.30.253"), SW_GROUP_ROUTE);
	assert_int_equal(kind_at(w, "10.10.30.1"), SW_GROUP_ROUTE);
	assert_null(group_of(w, "10.10.30.254/32"));
	assert_int_equal(fib_counts(w->fib).installed4, 4);
}

static void test_since(void **state)
{
	struct world *w = *state;
	uint64_t change = T0 + 10 * SECOND + 123456789, stamp = T0 + 10 * SECOND + 100000000;

	steady(w);
	put(w->rib, &w->f, HUB, ER2); /* another tier, the same answer */
	compile_at(w, T0 + SECOND);
	assert_int_equal(group_of(w, HUB)->since_ns, 0);
	take(w->rib, &w->f, HUB, ER1A);
	take(w->rib, &w->f, SPOKE, ER1A);
	compile_at(w, change);
	assert_int_equal(group_of(w, HUB)->since_ns, stamp);
	assert_int_equal(group_of(w, SPOKE)->since_ns, stamp);
	assert_int_equal(group_of(w, ONLY)->since_ns, 0);
	/* while it settles, what changes no answer leaves the time alone */
	take(w->rib, &w->f, HUB, VPN);
	compile_at(w, change + SECOND);
	assert_int_equal(group_of(w, HUB)->since_ns, stamp);
	settle_at(w, change + 2 * GRACE, GRACE);
	assert_int_equal(group_of(w, HUB)->since_ns, stamp);
	settle_at(w, change + 3 * GRACE + SECOND, GRACE);
	assert_int_equal(group_of(w, HUB)->since_ns, 0);
	assert_int_equal(group_of(w, SPOKE)->since_ns, 0);
}

/* A path that is down already is no answer: its withdrawal changes none. */
static void test_since_by_usable(void **state)
{
	struct world *w = *state;

	steady(w);
	w->usable = ~BIT(ER1A);
	take(w->rib, &w->f, HUB, ER1A);
	compile_at(w, T0 + SECOND);
	assert_int_equal(group_of(w, HUB)->since_ns, 0);
	assert_int_equal(group_of(w, HUB)->degraded, 0);
}

/* S11: a more specific appears on the VPN, and its packets had another answer. */
static void test_since_of_new(void **state)
{
	struct world *w = *state;

	steady(w);
	put(w->rib, &w->f, "10.11.30.0/27", VPN);
	put(w->rib, &w->f, "10.11.30.32/27", ER1A);
	put(w->rib, &w->f, "10.99.0.0/16", VPN);
	compile_at(w, T0 + 20 * SECOND);
	assert_int_equal(group_of(w, "10.11.30.0/27")->since_ns, T0 + 20 * SECOND);
	assert_int_equal(group_of(w, "10.11.30.32/27")->since_ns, 0);
	assert_int_equal(group_of(w, "10.99.0.0/16")->since_ns, 0);
}

/* Settled groups become their equals, so that flaps don't leave copies behind. */
static void test_settle_merges(void **state)
{
	struct world *w = *state;
	uint32_t id;

	steady(w);
	id = id_of(w, SPOKE);
	take(w->rib, &w->f, HUB, ER1A);
	compile_at(w, T0 + 10 * SECOND);
	put(w->rib, &w->f, HUB, ER1A);
	compile_at(w, T0 + 20 * SECOND);
	assert_int_equal(group_of(w, HUB)->since_ns, T0 + 20 * SECOND);
	assert_int_not_equal(id_of(w, HUB), id);
	settle_at(w, T0 + HOUR, GRACE);
	assert_int_equal(id_of(w, HUB), id);
	assert_int_equal(fib_counts(w->fib).groups, 2);
}

/* S24, S25 and failback: hub and spoke on the VPN are degraded, the ER-only prefix is lost. */
static void test_failover(void **state)
{
	struct world *w = *state;
	size_t moved, lost;

	steady(w);
	fib_moved(w->fib, ~0ULL, ~BIT(ER1A), &moved, &lost);
	assert_int_equal(moved, 2);
	assert_int_equal(lost, 1);
	fib_moved(w->fib, ~BIT(ER1A), ~0ULL, &moved, &lost);
	assert_int_equal(moved, 2); /* back; what had no answer is not moved */
	assert_int_equal(lost, 0);
	take(w->rib, &w->f, HUB, ER1A);
	take(w->rib, &w->f, SPOKE, ER1A);
	take(w->rib, &w->f, ONLY, ER1A);
	compile_at(w, T0 + 10 * SECOND);
	assert_int_equal(fib_counts(w->fib).moved, 2); /* by the feed, this time */
	assert_int_equal(fib_counts(w->fib).lost, 1);
	assert_int_equal(group_of(w, HUB)->degraded, 0);
	assert_int_equal(group_of(w, HUB)->tier[0], BIT(VPN));
	assert_int_equal(kind_at(w, "10.17.30.4"), SW_GROUP_FREE);
	put(w->rib, &w->f, HUB, ER2); /* any candidate of the class will do */
	compile_at(w, T0 + 20 * SECOND);
	assert_int_equal(group_of(w, HUB)->degraded, SW_NO_RANK);
	assert_int_equal(group_of(w, SPOKE)->degraded, 0);
}

/* S2: what never had a better class is not degraded; nor is what loses one of two ERs. */
static void test_not_degraded(void **state)
{
	struct world *w = *state;

	steady(w);
	put(w->rib, &w->f, HUB, ER2);
	put(w->rib, &w->f, "10.11.30.64/26", VPN);
	compile_at(w, T0 + SECOND);
	take(w->rib, &w->f, HUB, ER1A);
	compile_at(w, T0 + 2 * SECOND);
	assert_int_equal(group_of(w, HUB)->degraded, SW_NO_RANK);
	assert_int_equal(group_of(w, "10.11.30.64/26")->degraded, SW_NO_RANK);
}

/* The memory outlives the prefix itself. */
static void test_degraded_kept(void **state)
{
	struct world *w = *state;

	steady(w);
	take(w->rib, &w->f, HUB, ER1A);
	take(w->rib, &w->f, HUB, VPN);
	compile_at(w, T0 + SECOND);
	assert_null(group_of(w, HUB));
	settle_at(w, T0 + HOUR, GRACE);
	put(w->rib, &w->f, HUB, VPN);
	compile_at(w, T0 + 2 * HOUR);
	assert_int_equal(group_of(w, HUB)->degraded, 0);
	settle_at(w, T0 + 23 * HOUR, GRACE);
	assert_int_equal(group_of(w, HUB)->degraded, 0);
	settle_at(w, T0 + 25 * HOUR, GRACE);
	assert_int_equal(group_of(w, HUB)->degraded, SW_NO_RANK);
	take(w->rib, &w->f, HUB, VPN);
	put(w->rib, &w->f, HUB, VPN);
	compile_at(w, T0 + 26 * HOUR);
	assert_int_equal(group_of(w, HUB)->degraded, SW_NO_RANK);
}

/* One class after the other goes: what is remembered is the best of them. */
static void test_degraded_in_steps(void **state)
{
	struct world *w = *state;

	steady(w);
	take(w->rib, &w->f, HUB, ER1A);
	compile_at(w, T0 + SECOND);
	take(w->rib, &w->f, HUB, VPN);
	compile_at(w, T0 + 2 * SECOND);
	put(w->rib, &w->f, HUB, VPN);
	compile_at(w, T0 + 3 * SECOND);
	assert_int_equal(group_of(w, HUB)->degraded, 0);
}

/* A prefix becomes reserved while its candidates change: what inherits from it hears of those. */
static void test_reserved_and_dirty(void **state)
{
	struct world *w = *state;
	struct fib_reserved inside = {pfx(SPOKE), SW_GROUP_INSIDE, 64};

	put(w->rib, &w->f, "10.11.30.0/27", VPN);
	steady(w);
	assert_int_equal(group_of(w, "10.11.30.0/27")->tiers, 2);
	take(w->rib, &w->f, SPOKE, ER1A);
	assert_int_equal(fib_set_reserved(w->fib, &inside, 1), 0);
	compile_at(w, T0 + SECOND);
	assert_int_equal(group_of(w, SPOKE)->kind, SW_GROUP_INSIDE);
	assert_int_equal(group_of(w, "10.11.30.0/27")->tiers, 1);
}

/* An inherited candidate is one too: the covering ER route goes, the VPN's more specific stays. */
static void test_degraded_inherited(void **state)
{
	struct world *w = *state;

	steady(w);
	put(w->rib, &w->f, "10.11.30.0/27", VPN);
	compile_at(w, T0 + SECOND);
	take(w->rib, &w->f, SPOKE, ER1A);
	compile_at(w, T0 + 2 * SECOND);
	assert_int_equal(group_of(w, "10.11.30.0/27")->degraded, 0);
	/* its answer was the VPN before: since it came, not since this */
	assert_int_equal(group_of(w, "10.11.30.0/27")->since_ns, T0 + SECOND);
}

/* A full map: what does not fit is counted, and comes when there is room. */
static void test_map_full(void **state)
{
	struct world *w = *state;

	w->maps.max = 2;
	steady(w);
	assert_int_equal(fib_counts(w->fib).refused, 1);
	assert_int_equal(fib_counts(w->fib).installed4, 2);
	take(w->rib, &w->f, HUB, ER1A);
	compile_at(w, T0 + SECOND);
	settle_at(w, T0 + 2 * SECOND, GRACE);
	assert_int_equal(fib_counts(w->fib).refused, 1);
	w->maps.max = 3;
	settle_at(w, T0 + 3 * SECOND, GRACE);
	assert_int_equal(fib_counts(w->fib).refused, 0);
	assert_int_equal(fib_counts(w->fib).installed4, 3);
	assert_int_equal(w->maps.n, 3);
	assert_int_equal(group_of(w, ONLY)->tier[0], BIT(ER1A));
}

/* Groups can't be written: prefixes stay on what they have, whole. */
static void test_groups_fail(void **state)
{
	struct world *w = *state;
	struct sw_group before;

	steady(w);
	before = *group_of(w, HUB);
	w->maps.groups_fail = true;
	take(w->rib, &w->f, HUB, ER1A);
	compile_at(w, T0 + SECOND);
	assert_memory_equal(group_of(w, HUB), &before, sizeof(before));
	assert_int_equal(fib_counts(w->fib).refused, 1);
	w->maps.groups_fail = false;
	settle_at(w, T0 + 2 * SECOND, GRACE);
	assert_int_equal(group_of(w, HUB)->tier[0], BIT(VPN));
	assert_int_equal(group_of(w, HUB)->degraded, 0);
	assert_int_equal(fib_counts(w->fib).refused, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_install),
		T(test_inherit),
		T(test_slices),
		T(test_sweep),
		T(test_ids_again),
		T(test_unfinished),
		T(test_default),
		T(test_reserved),
		T(test_since),
		T(test_since_by_usable),
		T(test_since_of_new),
		T(test_settle_merges),
		T(test_failover),
		T(test_not_degraded),
		T(test_degraded_kept),
		T(test_degraded_inherited),
		T(test_degraded_in_steps),
		T(test_reserved_and_dirty),
		T(test_map_full),
		T(test_groups_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
