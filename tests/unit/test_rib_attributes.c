/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the RIB keeps once for many candidates: interned attributes and their references, by random
 * changes (SEED=n repeats them); the memo of the last route; marks of sources.
 */
#include "core/rib_internal.h"
#include "fixture_rib.h"

/* A source may be marked any number of times before it is swept. */
static void test_many_marks(void **state)
{
	struct edge *e = *state;
	struct route a = route_by(&e->f, "10.1.0.0/16", ER1A);
	struct route b = route_by(&e->f, "10.2.0.0/16", ER1A);

	for (int sweeps = 0; sweeps < 40; sweeps++) {
		assert_int_equal(rib_announce(e->rib, FEED_FILE, &a, 1),
				 sweeps ? RIB_UNCHANGED : RIB_OK);
		assert_int_equal(rib_announce(e->rib, FEED_FILE, &b, 1), RIB_OK);
		for (int marks = 0; marks <= sweeps; marks++)
			rib_source_mark(e->rib, FEED_FILE, 0);
		assert_int_equal(rib_announce(e->rib, FEED_FILE, &a, 1), RIB_UNCHANGED);
		assert_int_equal(rib_source_sweep(e->rib, FEED_FILE, 0, 1), 1);
		assert_non_null(edge_first(e, VIEW_LOCAL, "10.1.0.0/16"));
		assert_null(edge_first(e, VIEW_LOCAL, "10.2.0.0/16"));
	}
}

#define STORY_PREFIXES 40

/* Every candidate has one reference; two of a content share it, and no content is there twice. */
static void assert_interned(const struct rib *rib)
{
	const struct candidate *all[STORY_PREFIXES * N_PATHS];
	size_t n = 0, distinct = 0, refs = 0;

	for (struct rib_node *node = NULL; (node = rib_next(rib, VIEW_LOCAL, node));)
		for (const struct candidate *c = rib_node_candidates(node); c; c = c->next)
			all[n++] = c;
	for (size_t i = 0; i < n; i++) {
		const struct attributes *a = all[i]->attr;
		bool seen = false;

		for (size_t k = 0; k < i; k++) {
			const struct attributes *b = all[k]->attr;
			bool same = a->path == b->path && a->n_as == b->n_as &&
				    a->local_pref == b->local_pref &&
				    !memcmp(a->as_path, b->as_path, a->n_as * sizeof(*a->as_path));

			assert_int_equal(same, a == b);
			seen |= a == b;
		}
		distinct += !seen;
		refs += seen ? 0 : a->refs;
	}
	if (rib->memo.attr) {
		refs += rib->memo.attr->refs == 1;
		distinct += rib->memo.attr->refs == 1;
		n++;
	}
	assert_int_equal(refs, n);
	assert_int_equal(rib->attributes.n, distinct);
}

/* AS paths of all sizes, also those too long for a slab; the references end at none. */
static void test_interned(void **state)
{
	struct edge *e = *state;
	uint32_t as[100];
	struct route r;

	seed_init(20261127);
	for (int step = 0; step < 4000; step++) {
		char prefix[32];

		snprintf(prefix, sizeof(prefix), "10.%u.0.0/16", below(STORY_PREFIXES));
		r = route_by(&e->f, prefix, (int)below(N_PATHS));
		r.has_local_pref = true;
		r.local_pref = below(2) ? 100 : 200;
		as[0] = as[99] = 7;
		for (size_t i = 1; i < 99; i++)
			as[i] = 1000 + (uint32_t)i;
		route_as(&r, as, below(4) ? below(4) : below(100));
		if (below(3))
			rib_announce(e->rib, FEED_FILE, &r, 1);
		else
			rib_withdraw(e->rib, FEED_FILE, &r, false, 1);
		if (step % 100 == 0)
			assert_interned(e->rib);
	}
	rib_source_drop(e->rib, FEED_FILE, 0, 1);
	rib_memo_forget(e->rib);
	assert_int_equal(e->rib->attributes.n, 0);
}

/* The memo answers for routes that are the same in all that it stands for, and no others. */
static void test_memo(void **state)
{
	struct edge *e = *state;
	struct ip_addr own = addr("192.168.30.18");
	struct route r = {.prefix = pfx("10.9.0.0/16"), .nexthop = addr("192.168.30.18")};

	assert_int_equal(rib_announce(e->rib, FEED_ROUTER, &r, 1), RIB_OK);
	r.prefix = pfx("10.2.30.0/26");
	assert_int_equal(rib_announce(e->rib, FEED_ROUTER, &r, 1), RIB_OWN);
	r.prefix = pfx("10.8.0.0/16");
	snprintf(r.path, sizeof(r.path), "vpn30");
	assert_int_equal(rib_announce(e->rib, FEED_ROUTER, &r, 1), RIB_OK);
	assert_int_equal(edge_first(e, VIEW_LOCAL, "10.8.0.0/16")->attr->path, VPN);
	r.path[0] = 0;
	assert_int_equal(rib_announce(e->rib, FEED_ROUTER, &r, 1), RIB_OK);
	assert_int_equal(edge_first(e, VIEW_LOCAL, "10.8.0.0/16")->attr->path, ER1A);
	assert_int_equal(rib_set_links(e->rib, NULL, 0, &own, 1), 0);
	r.prefix = pfx("10.7.0.0/16");
	assert_int_equal(rib_announce(e->rib, FEED_ROUTER, &r, 1), RIB_OWN);
	r.nexthop = addr("192.0.2.99");
	assert_int_equal(rib_announce(e->rib, FEED_ROUTER, &r, 1), RIB_UNKNOWN_PATH);
}

/* A route said to be as the one before is that, whatever became of that one. */
static void test_again(void **state)
{
	struct edge *e = *state;
	struct ip_addr own = addr("192.168.30.18");
	struct route r = {.prefix = pfx("10.9.0.0/16"), .nexthop = addr("192.168.30.18")};

	assert_int_equal(rib_announce(e->rib, FEED_ROUTER, &r, 1), RIB_OK);
	r.nexthop = addr("192.0.2.99");
	assert_int_equal(rib_announce(e->rib, FEED_ROUTER, &r, 1), RIB_UNKNOWN_PATH);
	r.again = true;
	r.prefix = pfx("10.8.0.0/16");
	assert_int_equal(rib_announce(e->rib, FEED_ROUTER, &r, 1), RIB_UNKNOWN_PATH);
	r.again = false;
	r.nexthop = addr("192.168.30.18");
	r.prefix = pfx("10.2.30.0/26"); /* inside */
	assert_int_equal(rib_announce(e->rib, FEED_ROUTER, &r, 1), RIB_OWN);
	r.again = true;
	r.prefix = pfx("10.7.0.0/16");
	assert_int_equal(rib_announce(e->rib, FEED_ROUTER, &r, 1), RIB_OK);
	r.prefix = pfx("10.2.30.64/26");
	assert_int_equal(rib_announce(e->rib, FEED_ROUTER, &r, 1), RIB_OWN);
	r.prefix = pfx("10.6.0.0/16");
	assert_int_equal(rib_announce(e->rib, FEED_ROUTER, &r, 1), RIB_OK);
	assert_ptr_equal(edge_first(e, VIEW_LOCAL, "10.6.0.0/16")->attr,
			 edge_first(e, VIEW_LOCAL, "10.7.0.0/16")->attr);
	assert_int_equal(rib_set_links(e->rib, NULL, 0, &own, 1), 0);
	r.prefix = pfx("10.5.0.0/16");
	assert_int_equal(rib_announce(e->rib, FEED_ROUTER, &r, 1), RIB_OWN);
}

#define T(name) cmocka_unit_test_setup_teardown(name, edge_setup, edge_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(test_many_marks), T(test_interned), T(test_memo),
					   T(test_again)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
