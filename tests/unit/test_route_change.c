/* SPDX-License-Identifier: GPL-2.0-only */
/* Prefixes that appear, disappear or change class: what is told of a burst, and what is not. */
#include "fixture_fib.h"

#include "core/fib_internal.h"
#include "core/incident.h"
#include "core/route_change.h"

struct story {
	struct world *w;
	struct route_changes *rc;
	struct incident_context ctx;
	struct network_state told;
	uint64_t well;
	size_t heard; /* calls of the compiler */
};

static struct story *one; /* fib_ops.arg is the maps' */

static void hear(void *arg, const struct prefix *prefix, const struct sw_group *old,
		 const struct sw_group *new)
{
	(void)arg;
	one->heard++;
	route_changes_add(one->rc, prefix, old, new, one->w->now);
}

static int story_setup(void **state)
{
	struct story *s = calloc(1, sizeof(*s));
	struct world *w;

	world_setup((void **)&s->w);
	w = s->w;
	one = s;
	s->rc = route_changes_new(&w->f.cfg);
	s->ctx = (struct incident_context){.cfg = &w->f.cfg, .rib = w->rib, .fib = w->fib};
	s->well = ~0ULL;
	steady(w);
	fib_sync_done(w->fib);
	compile_at(w, T0);
	w->fib->ops.changed = hear;
	route_changes_paths(s->rc, s->well, T0);
	*state = s;
	return 0;
}

static int story_teardown(void **state)
{
	struct story *s = *state;
	void *w = s->w;

	route_changes_free(s->rc);
	world_teardown(&w);
	free(s);
	return 0;
}

/* The compiler at work, then the daemon's second. */
static bool tick(struct story *s, uint64_t seconds)
{
	compile_at(s->w, s->w->now);
	route_changes_paths(s->rc, s->well, s->w->now);
	compile_at(s->w, s->w->now + seconds * SECOND);
	route_changes_paths(s->rc, s->well, s->w->now);
	s->ctx.now = s->w->now;
	return route_changes_due(s->rc, &s->ctx, false, &s->told);
}

static void test_one(void **state)
{
	struct story *s = *state;
	struct world *w = s->w;

	put(w->rib, &w->f, "10.99.0.0/16", VPN);
	assert_false(tick(s, 1)); /* it may go on */
	assert_true(tick(s, 1));
	assert_string_equal(s->told.message,
			    "10.99.0.0/16 appeared: before nothing, now vpn by vpn30");
	assert_int_equal(s->told.severity, SEVERITY_INFO);
	assert_int_equal(s->told.prefixes_moved, 1);
	assert_int_equal(s->told.prefixes_lost, 0);
	assert_true(s->told.dst.len == 16);
	assert_false(tick(s, 60)); /* once */
	put(w->rib, &w->f, "10.99.0.0/16", ER1A);
	assert_true(tick(s, 2));
	assert_string_equal(s->told.message, "10.99.0.0/16 changed class: before vpn by vpn30, now "
					     "expressroute by er1-primary");
	tick(s, 60);
	take(w->rib, &w->f, "10.99.0.0/16", ER1A);
	take(w->rib, &w->f, "10.99.0.0/16", VPN);
	assert_true(tick(s, 2));
	assert_string_equal(s->told.message, "10.99.0.0/16 disappeared: before expressroute by "
					     "er1-primary, now nothing");
	assert_int_equal(s->told.prefixes_lost, 1);
}

/* Another path of the same class, a lost backup, a change of rank: no news. */
static void test_same_class(void **state)
{
	struct story *s = *state;
	struct world *w = s->w;

	put(w->rib, &w->f, HUB, ER1B);
	put(w->rib, &w->f, ONLY, VPN);
	take(w->rib, &w->f, SPOKE, VPN);
	assert_false(tick(s, 2));
	assert_true(s->heard >= 3);
	assert_false(tick(s, 60));
}

static void test_burst(void **state)
{
	struct story *s = *state;
	struct world *w = s->w;
	char text[32];

	for (unsigned int i = 0; i < 40; i++) {
		snprintf(text, sizeof(text), "172.16.%u.0/24", i);
		put(w->rib, &w->f, text, VPN);
	}
	take(w->rib, &w->f, HUB, ER1A);
	take(w->rib, &w->f, ONLY, ER1A);
	assert_true(tick(s, 2));
	assert_string_equal(s->told.message,
			    "42 prefixes changed; 1 from expressroute to vpn (10.10.30.0/24); 1 "
			    "disappeared, expressroute (10.17.30.0/26); 40 appeared, vpn "
			    "(172.16.0.0/24, 172.16.1.0/24, 172.16.2.0/24, ...)");
	assert_int_equal(s->told.prefixes_moved, 41);
	assert_int_equal(s->told.prefixes_lost, 1);
	assert_false(s->told.dst.family);
}

/* Gone and back before the burst is over, and what a feed's return tells again. */
static void test_as_before(void **state)
{
	struct story *s = *state;
	struct world *w = s->w;

	take(w->rib, &w->f, HUB, ER1A);
	assert_false(tick(s, 1));
	put(w->rib, &w->f, HUB, ER1A);
	assert_false(tick(s, 2));
	rib_source_stale(w->rib, FEED_FILE, 0, w->now);
	assert_false(tick(s, 5));
	rib_source_mark(w->rib, FEED_FILE, 0);
	assert_false(tick(s, 5));
	assert_false(tick(s, 60));
}

/* While changes go on incidents are 10 s apart, then 20 s ... */
static void test_churn(void **state)
{
	struct story *s = *state;
	struct world *w = s->w;
	size_t told = 0;

	for (int second = 0; second < 1200; second += 3) {
		if (second / 3 % 2)
			take(w->rib, &w->f, "10.99.0.0/16", VPN);
		else
			put(w->rib, &w->f, "10.99.0.0/16", VPN);
		told += tick(s, 3);
	}
	/* about at 3, 13, 33, 73, 153, 313, 633: those at which it is not as it was before */
	assert_in_range(told, 2, 7);
	/* and after a long calm at once again */
	tick(s, 3600);
	assert_false(tick(s, 3600));
	put(w->rib, &w->f, "10.98.0.0/16", VPN);
	assert_true(tick(s, 2));
}

/* A circuit fails and takes its routes along; it returns. What is not as before is told then. */
static void test_failover(void **state)
{
	struct story *s = *state;
	struct world *w = s->w;

	s->well &= ~BIT(ER1A);
	take(w->rib, &w->f, HUB, ER1A);
	take(w->rib, &w->f, SPOKE, ER1A);
	take(w->rib, &w->f, ONLY, ER1A);
	for (int i = 0; i < 40; i++)
		assert_false(tick(s, 3));
	/* something else is told all the same */
	put(w->rib, &w->f, "10.99.0.0/16", VPN);
	assert_true(tick(s, 2));
	assert_non_null(strstr(s->told.message, "10.99.0.0/16 appeared"));
	put(w->rib, &w->f, HUB, ER1A);
	s->well |= BIT(ER1A);
	for (int i = 0; i < 10; i++)
		assert_false(tick(s, 3));
	put(w->rib, &w->f, ONLY, ER1A);
	for (int i = 0; i < 9; i++)
		assert_false(tick(s, 3));
	assert_true(tick(s, 10)); /* the spoke has not come back with it */
	assert_string_equal(s->told.message, "10.11.30.0/26 changed class: before expressroute by "
					     "er1-primary, now vpn by vpn30");
	assert_false(tick(s, 600));
}

/* A whole table: bounded memory, right counts; and all of it back with a path that had failed. */
static void test_many(void **state)
{
	struct story *s = *state;
	const struct sw_group er = {
		.kind = SW_GROUP_ROUTE, .tiers = 1, .tier = {BIT(ER2)}, .degraded = SW_NO_RANK};
	const struct sw_group vpn = {
		.kind = SW_GROUP_ROUTE, .tiers = 1, .tier = {BIT(VPN)}, .rank = {1}, .degraded = 0};
	struct prefix p = {.family = 4, .len = 32};

	for (unsigned int i = 0; i < 3 * ROUTE_CHANGE_KEPT; i++) {
		memcpy(p.bytes, &i, sizeof(i));
		route_changes_add(s->rc, &p, NULL, &er, s->w->now);
	}
	assert_true(tick(s, 2));
	assert_non_null(strstr(s->told.message, "12288 prefixes changed; 12288 appeared"));
	tick(s, 60);
	s->well &= ~BIT(ER2);
	for (unsigned int i = 0; i < 3 * ROUTE_CHANGE_KEPT; i++) {
		memcpy(p.bytes, &i, sizeof(i));
		route_changes_add(s->rc, &p, &er, &vpn, s->w->now);
	}
	assert_false(tick(s, 60));
	s->well |= BIT(ER2);
	for (unsigned int i = 0; i < 3 * ROUTE_CHANGE_KEPT; i++) {
		memcpy(p.bytes, &i, sizeof(i));
		route_changes_add(s->rc, &p, &vpn, &er, s->w->now);
		if (i == ROUTE_CHANGE_KEPT) /* a slow table: the rest is another burst */
			assert_false(tick(s, 2));
	}
	assert_false(tick(s, 2));
	assert_false(tick(s, 120));
}

#define T(name) cmocka_unit_test_setup_teardown(name, story_setup, story_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(test_one),	      T(test_same_class), T(test_burst),
					   T(test_as_before), T(test_churn),	  T(test_failover),
					   T(test_many)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
