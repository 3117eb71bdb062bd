/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Feeds that go and come back: what is kept, for how long, and that a return with the same routes
 * writes nothing to the data plane, whatever the compiler's slices and the order of the table.
 */
#include "fixture_fib.h"

#define STALE_NS  (120 * SECOND)
#define N_ROUTES  300
#define N_SOURCES 3

struct told {
	struct route route;
	uint16_t source;
};

struct story {
	struct told v[N_ROUTES];
	size_t n;
};

static size_t writes(const struct world *w)
{
	return w->maps.group_writes + w->maps.prefix_writes + w->maps.removes;
}

static void tell(struct world *w, const struct told *t)
{
	enum rib_result result = rib_announce(w->rib, FEED_FILE, &t->route, w->now);

	assert_true(result == RIB_OK || result == RIB_UNCHANGED);
}

/* Some of the compiler's work, or none. */
static void compile_some(struct world *w)
{
	if (!below(3))
		fib_compile(w->fib, w->now, w->usable, 1 + below(6));
}

static void story_make(struct world *w, struct story *s)
{
	for (size_t i = 0; i < N_ROUTES; i++) {
		struct told *t = &s->v[s->n++];

		/* the paths that are equals are of one source: else its loss parts them, by the
		 * ladder */
		t->route = route_by(&w->f, "0.0.0.0/0", (int)below(N_PATHS));
		t->route.prefix = random_prefix();
		t->source = (uint16_t)(t->route.path[0] == 'e' ? 0 : 1 + below(N_SOURCES - 1));
		t->route.source = t->source;
		tell(w, t);
	}
	compile_at(w, w->now);
	fib_sync_done(w->fib);
	compile_at(w, w->now);
}

/* The source's table again, in an order of its own. */
static void source_return(struct world *w, const struct story *s, uint16_t source)
{
	size_t at = below(N_ROUTES), step = 7; /* no divisor of N_ROUTES */

	rib_source_mark(w->rib, FEED_FILE, source);
	for (size_t i = 0; i < s->n; i++, at = (at + step) % s->n) {
		if (s->v[at].source != source)
			continue;
		tell(w, &s->v[at]);
		compile_some(w);
	}
	assert_int_equal(rib_source_sweep(w->rib, FEED_FILE, source, w->now), 0);
	compile_at(w, w->now);
}

static void test_return_writes_nothing(void **state)
{
	struct world *w = *state;
	struct story *s = calloc(1, sizeof(*s));
	size_t before, routes;

	seed_init(20261127);
	story_make(w, s);
	routes = rib_feed_routes(w->rib, FEED_FILE);
	before = writes(w);
	assert_true(before > 100);
	for (int round = 0; round < 60; round++) {
		uint16_t source = (uint16_t)below(N_SOURCES);

		rib_source_stale(w->rib, FEED_FILE, source, w->now);
		assert_true(rib_feed_stale(w->rib, FEED_FILE) > 0);
		compile_at(w, w->now + below(100) * SECOND);
		assert_int_equal(rib_expire_stale(w->rib, w->now, STALE_NS), 0);
		source_return(w, s, source);
		assert_int_equal(writes(w), before);
		assert_int_equal(rib_feed_stale(w->rib, FEED_FILE), 0);
		assert_int_equal(rib_feed_routes(w->rib, FEED_FILE), routes);
		/* what is confirmed does not expire */
		assert_int_equal(rib_expire_stale(w->rib, w->now + HOUR, STALE_NS), 0);
	}
	free(s);
}

/* Gone for longer than stale-time: removed, once, and the data plane follows. */
static void test_expires(void **state)
{
	struct world *w = *state;

	steady(w);
	rib_source_stale(w->rib, FEED_FILE, 0, T0);
	compile_at(w, T0 + STALE_NS - 1);
	assert_int_equal(rib_expire_stale(w->rib, w->now, STALE_NS), 0);
	assert_non_null(group_of(w, HUB));
	assert_int_equal(rib_expire_stale(w->rib, T0 + STALE_NS, STALE_NS), 5);
	compile_at(w, T0 + STALE_NS);
	assert_null(group_of(w, HUB));
	assert_int_equal(rib_expire_stale(w->rib, T0 + HOUR, STALE_NS), 0);
}

/* Back within stale-time, with less than before, and no word of its table's end. */
static void test_back_without_end(void **state)
{
	struct world *w = *state;
	struct route r = route_by(&w->f, HUB, ER1A);

	steady(w);
	rib_source_stale(w->rib, FEED_FILE, 0, T0);
	assert_int_equal(rib_source_mark(w->rib, FEED_FILE, 0), 5);
	assert_int_equal(rib_feed_stale(w->rib, FEED_FILE), 0);
	assert_int_equal(rib_announce(w->rib, FEED_FILE, &r, T0 + SECOND), RIB_UNCHANGED);
	/* lost again: those not confirmed are counted from the first time */
	rib_source_stale(w->rib, FEED_FILE, 0, T0 + 2 * SECOND);
	assert_int_equal(rib_feed_stale(w->rib, FEED_FILE), 5);
	assert_int_equal(rib_expire_stale(w->rib, T0 + STALE_NS, STALE_NS), 4);
	rib_source_mark(w->rib, FEED_FILE, 0);
	assert_int_equal(rib_expire_stale(w->rib, T0 + STALE_NS + 2 * SECOND, STALE_NS), 0);
	assert_int_equal(rib_expire_stale(w->rib, T0 + 2 * STALE_NS + 2 * SECOND, STALE_NS), 1);
}

/* More times than there are numbers for: nothing goes too early, all of it goes. */
static void test_many_times(void **state)
{
	enum { SOURCES = 400 };
	const uint64_t step = STALE_NS / (2 * SOURCES), last = T0 + (SOURCES - 1) * step;
	struct world *w = *state;
	struct route r = route_by(&w->f, HUB, ER1A);
	size_t gone = 0;

	for (uint16_t i = 0; i < SOURCES; i++) {
		r.source = i;
		assert_int_equal(rib_announce(w->rib, FEED_FILE, &r, T0), RIB_OK);
	}
	for (uint16_t i = 0; i < SOURCES; i++)
		rib_source_stale(w->rib, FEED_FILE, i, T0 + i * step);
	for (uint64_t i = 0; i < SOURCES; i++) {
		gone += rib_expire_stale(w->rib, T0 + i * step + STALE_NS - 1, STALE_NS);
		assert_true(gone <= i);
	}
	gone += rib_expire_stale(w->rib, last + STALE_NS, STALE_NS);
	assert_int_equal(gone, SOURCES);
	/* their numbers are free again */
	r.source = 0;
	rib_announce(w->rib, FEED_FILE, &r, T0);
	rib_source_stale(w->rib, FEED_FILE, 0, T0 + HOUR);
	assert_int_equal(rib_expire_stale(w->rib, T0 + HOUR + STALE_NS - 1, STALE_NS), 0);
	assert_int_equal(rib_expire_stale(w->rib, T0 + HOUR + STALE_NS, STALE_NS), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(test_return_writes_nothing), T(test_expires),
					   T(test_back_without_end), T(test_many_times)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
