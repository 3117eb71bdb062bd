/* SPDX-License-Identifier: GPL-2.0-only */
/* The compiler of a new daemon: what it keeps of the maps and of the state file of the last one. */
#include "fixture_fib.h"

static int degraded_one(void *arg, const struct prefix *prefix, uint8_t rank, uint64_t since_ns)
{
	struct prefix hub = pfx(HUB);

	assert_true(prefix_equal(prefix, &hub));
	assert_int_equal(rank, 0);
	*(uint64_t *)arg = since_ns;
	return 0;
}

static void test_degraded_over_restart(void **state)
{
	struct world *w = *state;
	struct prefix hub = pfx(HUB);
	uint64_t since = 0;

	steady(w);
	take(w->rib, &w->f, HUB, ER1A);
	compile_at(w, T0 + 5 * SECOND);
	assert_int_equal(fib_degraded_each(w->fib, degraded_one, &since), 0);
	assert_int_equal(since, T0 + 5 * SECOND);
	/* a new daemon: the same RIB, maps that are gone */
	fib_free(w->fib);
	rib_free(w->rib);
	memset(&w->maps, 0, sizeof(w->maps));
	w->maps.max = 2000;
	w->rib = rib_new(&w->f.cfg, NULL);
	world_fib(w);
	assert_int_equal(fib_degraded_restore(w->fib, &hub, 0, since), 0);
	put(w->rib, &w->f, HUB, VPN);
	put(w->rib, &w->f, SPOKE, ER1A);
	compile_at(w, T0 + HOUR);
	assert_int_equal(group_of(w, HUB)->degraded, 0);
	/* while tables load, an ER route that comes and goes is no loss */
	take(w->rib, &w->f, SPOKE, ER1A);
	put(w->rib, &w->f, SPOKE, VPN);
	compile_at(w, T0 + HOUR);
	assert_int_equal(group_of(w, SPOKE)->degraded, SW_NO_RANK);
	assert_int_equal(group_of(w, SPOKE)->since_ns, 0);
	fib_sync_done(w->fib);
	settle_at(w, since + 24 * HOUR, GRACE);
	assert_int_equal(group_of(w, HUB)->degraded, SW_NO_RANK);
}

/* A daemon died, another reads the maps back. */
static void adopt(struct world *w)
{
	fib_free(w->fib);
	rib_free(w->rib);
	w->rib = rib_new(&w->f.cfg, NULL);
	world_fib(w);
	for (uint32_t id = 1; id < SW_MAX_GROUPS; id++)
		if (w->maps.groups[id].kind)
			assert_int_equal(fib_adopt_group(w->fib, id, &w->maps.groups[id]), 0);
	for (size_t i = 0; i < w->maps.n; i++)
		assert_int_equal(fib_adopt_prefix(w->fib, &w->maps.v[i].prefix, w->maps.v[i].group),
				 0);
	w->maps.group_writes = w->maps.prefix_writes = w->maps.removes = 0;
}

static void test_adopt_unchanged(void **state)
{
	struct world *w = *state;
	struct fib_reserved inside = {pfx("10.2.30.0/25"), SW_GROUP_INSIDE, 64};

	assert_int_equal(fib_set_reserved(w->fib, &inside, 1), 0);
	steady(w);
	adopt(w);
	assert_int_equal(kind_at(w, "10.10.30.4"), SW_GROUP_ROUTE);
	assert_int_equal(fib_set_reserved(w->fib, &inside, 1), 0);
	assert_int_equal(fib_counts(w->fib).installed4, 0); /* of no candidate so far */
	put(w->rib, &w->f, HUB, VPN);			    /* half a table: not yet believed */
	compile_at(w, T0 + SECOND);
	assert_int_equal(fib_counts(w->fib).installed4, 1);
	put(w->rib, &w->f, HUB, ER1A);
	put(w->rib, &w->f, SPOKE, ER1A);
	put(w->rib, &w->f, SPOKE, VPN);
	put(w->rib, &w->f, ONLY, ER1A);
	compile_at(w, T0 + 2 * SECOND);
	fib_sync_done(w->fib);
	compile_at(w, T0 + 3 * SECOND);
	assert_int_equal(w->maps.group_writes, 0);
	assert_int_equal(w->maps.prefix_writes, 0);
	assert_int_equal(w->maps.removes, 0);
	assert_int_equal(fib_counts(w->fib).installed4, 3);
}

static void test_adopt_changed(void **state)
{
	struct world *w = *state;
	struct fib_reserved local[] = {
		{pfx("10.10.30.1/32"), SW_GROUP_LOCAL, 0},
		{pfx("10.10.30.2/32"), SW_GROUP_LOCAL, SW_LOCAL_ON_PATH},
	};

	assert_int_equal(fib_set_reserved(w->fib, local, 2), 0);
	steady(w);
	adopt(w);
	put(w->rib, &w->f, HUB, VPN);
	put(w->rib, &w->f, "10.44.0.0/16", VPN);
	compile_at(w, T0 + SECOND);
	assert_int_equal(group_of(w, HUB)->tiers, 2);
	assert_int_equal(w->maps.removes, 0);
	fib_sync_done(w->fib);
	compile_at(w, T0 + 2 * SECOND);
	/* ER went while no daemon looked: a change, and a loss */
	assert_int_equal(group_of(w, HUB)->degraded, 0);
	assert_int_equal(group_of(w, HUB)->since_ns, T0 + 2 * SECOND);
	assert_non_null(group_of(w, "10.44.0.0/16"));
	assert_null(group_of(w, ONLY));
	assert_null(group_of(w, SPOKE));
	assert_null(group_of(w, "10.10.30.1/32"));
	assert_null(group_of(w, "10.10.30.2/32"));
	/* and its memory is adopted in turn */
	adopt(w);
	put(w->rib, &w->f, HUB, VPN);
	put(w->rib, &w->f, "10.44.0.0/16", VPN);
	fib_sync_done(w->fib);
	compile_at(w, T0 + 5 * SECOND);
	assert_int_equal(group_of(w, HUB)->degraded, 0);
	assert_int_equal(w->maps.prefix_writes, 0);
}

static void test_adopt_refused(void **state)
{
	struct world *w = *state;
	struct sw_group g = {.kind = SW_GROUP_ROUTE, .degraded = SW_NO_RANK};
	struct prefix hub = pfx(HUB);

	assert_int_equal(fib_adopt_group(w->fib, 0, &g), -EINVAL);
	assert_int_equal(fib_adopt_group(w->fib, SW_MAX_GROUPS, &g), -EINVAL);
	assert_int_equal(fib_adopt_group(w->fib, 1, &g), -EINVAL);
	assert_int_equal(fib_adopt_prefix(w->fib, &hub, 200), -ENOENT);
	assert_int_equal(fib_adopt_group(w->fib, 200, &g), 0);
	assert_int_equal(fib_adopt_group(w->fib, 200, &g), -EEXIST);
	assert_int_equal(fib_adopt_prefix(w->fib, &hub, 200), 0);
	assert_int_equal(fib_adopt_prefix(w->fib, &hub, 200), -EEXIST);
}

#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_degraded_over_restart),
		T(test_adopt_unchanged),
		T(test_adopt_changed),
		T(test_adopt_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
