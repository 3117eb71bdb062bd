/* SPDX-License-Identifier: GPL-2.0-only */
/* The ladder, a test a step, in the order of the steps. */
#include "fixture_rib.h"

#include "core/policy.h"

struct ladder {
	struct fixture f;
	struct rib *rib;
	struct policy_answer answer;
};

static int setup(void **state)
{
	struct ladder *l = calloc(1, sizeof(*l));

	fixture_init(&l->f);
	l->rib = rib_new(&l->f.cfg, NULL);
	*state = l;
	return 0;
}

static int teardown(void **state)
{
	struct ladder *l = *state;

	rib_free(l->rib);
	free(l);
	return 0;
}

static void tiers(struct ladder *l, const char *prefix)
{
	struct prefix p = pfx(prefix);
	struct rib_node *node = rib_find(l->rib, VIEW_LOCAL, &p);

	assert_non_null(node);
	policy_tiers(&l->f.cfg, node, &l->answer);
}

static void tier_is(const struct ladder *l, size_t i, uint64_t paths, enum policy_step step)
{
	assert_true(i < l->answer.n_tiers);
	assert_int_equal(l->answer.tier[i].paths, paths);
	assert_string_equal(policy_step_name(l->answer.tier[i].step), policy_step_name(step));
}

#define BIT(path) (1ULL << (path))

static void test_prefix_length(void **state)
{
	struct ladder *l = *state;

	put(l->rib, &l->f, "10.11.30.0/26", ER1A);
	put(l->rib, &l->f, "10.11.30.0/27", VPN);
	tiers(l, "10.11.30.0/27");
	assert_int_equal(l->answer.n_tiers, 2);
	tier_is(l, 0, BIT(VPN), POLICY_RULE);
	tier_is(l, 1, BIT(ER1A), POLICY_PREFIX_LENGTH);
	assert_true(l->answer.tier[0].own);
	assert_false(l->answer.tier[1].own);
	assert_int_equal(l->answer.tier[1].via.len, 26);
	/* the other way nothing is inherited */
	tiers(l, "10.11.30.0/26");
	assert_int_equal(l->answer.n_tiers, 1);
}

static void test_path_once_at_its_best(void **state)
{
	struct ladder *l = *state;

	put(l->rib, &l->f, "10.11.0.0/16", ER1A);
	put(l->rib, &l->f, "10.11.30.0/24", ER1A);
	put(l->rib, &l->f, "10.11.0.0/16", VPN);
	tiers(l, "10.11.30.0/24");
	assert_int_equal(l->answer.n_tiers, 2);
	tier_is(l, 0, BIT(ER1A), POLICY_RULE);
	tier_is(l, 1, BIT(VPN), POLICY_PREFIX_LENGTH);
	assert_int_equal(l->answer.members, BIT(ER1A) | BIT(VPN));
}

static void test_default_lends_nothing(void **state)
{
	struct ladder *l = *state;

	put(l->rib, &l->f, "0.0.0.0/0", VPN);
	put(l->rib, &l->f, "10.17.30.0/26", ER1A);
	put(l->rib, &l->f, "::/0", VPN);
	put(l->rib, &l->f, "fd00::/16", ER1A);
	tiers(l, "10.17.30.0/26");
	assert_int_equal(l->answer.members, BIT(ER1A));
	tiers(l, "fd00::/16");
	assert_int_equal(l->answer.members, BIT(ER1A));
	tiers(l, "0.0.0.0/0");
	tier_is(l, 0, BIT(VPN), POLICY_RULE);
}

/* ExpressRoute first, against the daemon's wish. */
static void test_class(void **state)
{
	struct ladder *l = *state;
	struct route r = route_by(&l->f, "10.10.30.0/24", VPN);

	r.has_local_pref = true;
	r.local_pref = 500;
	assert_int_equal(rib_announce(l->rib, FEED_FILE, &r, 1), RIB_OK);
	put(l->rib, &l->f, "10.10.30.0/24", ER1A);
	put(l->rib, &l->f, "10.10.30.0/24", PEERING);
	tiers(l, "10.10.30.0/24");
	assert_int_equal(l->answer.n_tiers, 2);
	tier_is(l, 0, BIT(ER1A), POLICY_RULE);
	tier_is(l, 1, BIT(VPN), POLICY_CLASS);
	assert_int_equal(l->answer.tier[1].rank, 1);
	/* a class that is not in prefer is observed only */
	assert_int_equal(l->answer.members, BIT(ER1A) | BIT(VPN) | BIT(PEERING));
	l->f.cfg.prefer[0] = SW_CLASS_VPN;
	l->f.cfg.prefer[1] = SW_CLASS_EXPRESSROUTE;
	tiers(l, "10.10.30.0/24");
	tier_is(l, 0, BIT(VPN), POLICY_RULE);
}

static void test_class_first(void **state)
{
	struct ladder *l = *state;

	l->f.cfg.match = MATCH_CLASS_FIRST;
	put(l->rib, &l->f, "10.0.0.0/8", ER2);
	put(l->rib, &l->f, "10.0.0.0/8", VPN);
	put(l->rib, &l->f, "10.11.0.0/16", ER1A);
	put(l->rib, &l->f, "10.11.30.0/27", VPN);
	tiers(l, "10.11.30.0/27");
	/* ER's /16 before the VPN's /27, but its /8 is shorter than class-first-min: after */
	assert_int_equal(l->answer.n_tiers, 3);
	tier_is(l, 0, BIT(ER1A), POLICY_RULE);
	tier_is(l, 1, BIT(VPN), POLICY_CLASS);
	tier_is(l, 2, BIT(ER2), POLICY_PREFIX_LENGTH);
	l->f.cfg.class_first_min = 17;
	tiers(l, "10.11.30.0/27");
	tier_is(l, 0, BIT(VPN), POLICY_RULE);
	tier_is(l, 1, BIT(ER1A), POLICY_PREFIX_LENGTH);
	l->f.cfg.class_first_min = 8;
	tiers(l, "10.11.30.0/27");
	tier_is(l, 0, BIT(ER1A), POLICY_RULE);
	tier_is(l, 1, BIT(ER2), POLICY_PREFIX_LENGTH);
	tier_is(l, 2, BIT(VPN), POLICY_CLASS);
}

static void put_as(struct ladder *l, const char *prefix, int path, const uint32_t *as, size_t n)
{
	struct route r = route_by(&l->f, prefix, path);

	route_as(&r, as, n);
	rib_announce(l->rib, FEED_FILE, &r, 1);
}

/* Last of its class, still before the next class. */
static void test_maintenance(void **state)
{
	struct ladder *l = *state;
	uint32_t as[10];

	for (size_t i = 0; i < 10; i++)
		as[i] = 12076;
	put(l->rib, &l->f, "10.10.30.0/24", VPN);
	put_as(l, "10.10.30.0/24", ER1A, as, 8);
	put_as(l, "10.10.30.0/24", ER1B, as, 1);
	tiers(l, "10.10.30.0/24");
	tier_is(l, 0, BIT(ER1A) | BIT(ER1B), POLICY_RULE);
	put_as(l, "10.10.30.0/24", ER1A, as, 9);
	tiers(l, "10.10.30.0/24");
	assert_int_equal(l->answer.n_tiers, 3);
	tier_is(l, 0, BIT(ER1B), POLICY_RULE);
	tier_is(l, 1, BIT(ER1A), POLICY_MAINTENANCE);
	assert_true(l->answer.tier[1].maintenance);
	tier_is(l, 2, BIT(VPN), POLICY_CLASS);
	/* only at its start, only of ExpressRoute */
	as[0] = 65001;
	put_as(l, "10.10.30.0/24", ER1A, as, 10);
	as[0] = 12076;
	put_as(l, "10.10.30.0/24", VPN, as, 10);
	tiers(l, "10.10.30.0/24");
	for (size_t i = 0; i < l->answer.n_tiers; i++)
		assert_false(l->answer.tier[i].maintenance);
}

static void test_stale(void **state)
{
	struct ladder *l = *state;
	struct route r = route_by(&l->f, "10.10.30.0/24", ER1A);

	r.has_local_pref = true;
	r.local_pref = 900;
	rib_announce(l->rib, FEED_OTHER, &r, 1);
	put(l->rib, &l->f, "10.10.30.0/24", ER1B);
	put(l->rib, &l->f, "10.10.30.0/24", VPN);
	rib_source_stale(l->rib, FEED_OTHER, 0, 5);
	tiers(l, "10.10.30.0/24");
	tier_is(l, 0, BIT(ER1B), POLICY_RULE);
	tier_is(l, 1, BIT(ER1A), POLICY_STALE);
	tier_is(l, 2, BIT(VPN), POLICY_CLASS);
}

static void test_local_pref(void **state)
{
	struct ladder *l = *state;
	struct route r = route_by(&l->f, "10.10.30.0/24", ER1B);
	uint32_t as[] = {12076, 65000, 65001};

	r.has_local_pref = true;
	r.local_pref = 101;
	route_as(&r, as, 3);
	rib_announce(l->rib, FEED_FILE, &r, 1);
	put_as(l, "10.10.30.0/24", ER1A, as, 1); /* absent: 100 */
	r = route_by(&l->f, "10.10.30.0/24", ER2);
	r.has_local_pref = true;
	r.local_pref = 0;
	rib_announce(l->rib, FEED_FILE, &r, 1);
	tiers(l, "10.10.30.0/24");
	tier_is(l, 0, BIT(ER1B), POLICY_RULE);
	tier_is(l, 1, BIT(ER1A), POLICY_LOCAL_PREF);
	tier_is(l, 2, BIT(ER2), POLICY_LOCAL_PREF);
}

static void test_as_path(void **state)
{
	struct ladder *l = *state;
	uint32_t longer[] = {12076, 65000}, repeated[] = {65001, 65001, 65001, 65000};

	put_as(l, "10.10.30.0/24", ER2, longer, 1);
	put_as(l, "10.10.30.0/24", ER1A, longer, 2);
	put_as(l, "10.10.30.0/24", ER1B, repeated, 4);
	tiers(l, "10.10.30.0/24");
	assert_int_equal(l->answer.n_tiers, 2);
	tier_is(l, 0, BIT(ER2), POLICY_RULE); /* though its circuit is the later one */
	tier_is(l, 1, BIT(ER1A) | BIT(ER1B), POLICY_AS_PATH);
}

static void test_circuit_and_equal(void **state)
{
	struct ladder *l = *state;

	put(l->rib, &l->f, "10.10.30.0/24", ER2);
	put(l->rib, &l->f, "10.10.30.0/24", ER1B);
	put(l->rib, &l->f, "10.10.30.0/24", ER1A);
	tiers(l, "10.10.30.0/24");
	assert_int_equal(l->answer.n_tiers, 2);
	tier_is(l, 0, BIT(ER1A) | BIT(ER1B), POLICY_RULE);
	tier_is(l, 1, BIT(ER2), POLICY_CIRCUIT);
}

/* `multipath: circuits`: a circuit's place decides nothing, whatever comes before it still does. */
static void test_multipath_circuits(void **state)
{
	struct ladder *l = *state;
	uint32_t longer[] = {12076, 65000};

	l->f.cfg.multipath = MULTIPATH_CIRCUITS;
	put(l->rib, &l->f, "10.10.30.0/24", VPN);
	put(l->rib, &l->f, "10.10.30.0/24", ER2);
	put(l->rib, &l->f, "10.10.30.0/24", ER1B);
	put(l->rib, &l->f, "10.10.30.0/24", ER1A);
	tiers(l, "10.10.30.0/24");
	assert_int_equal(l->answer.n_tiers, 2);
	tier_is(l, 0, BIT(ER1A) | BIT(ER1B) | BIT(ER2), POLICY_RULE);
	tier_is(l, 1, BIT(VPN), POLICY_CLASS);
	put_as(l, "10.10.30.0/24", ER1A, longer, 1);
	put_as(l, "10.10.30.0/24", ER1B, longer, 2);
	put_as(l, "10.10.30.0/24", ER2, longer, 1);
	tiers(l, "10.10.30.0/24");
	tier_is(l, 0, BIT(ER1A) | BIT(ER2), POLICY_RULE);
	tier_is(l, 1, BIT(ER1B), POLICY_AS_PATH);
}

static void test_not_counted(void **state)
{
	struct ladder *l = *state;
	struct ip_addr peer = addr("192.168.30.18");
	struct route r = {.prefix = pfx("10.10.30.0/24"), .peer = peer};

	assert_int_equal(rib_announce(l->rib, FEED_FILE, &r, 1), RIB_OK);
	put(l->rib, &l->f, "10.10.30.0/24", VPN);
	assert_int_equal(rib_peer_down(l->rib, FEED_FILE, &peer, 2), 1);
	tiers(l, "10.10.30.0/24");
	assert_int_equal(l->answer.members, BIT(VPN));
}

/* More tiers than a group holds: the first are kept, the others counted. */
static void test_cut(void **state)
{
	struct ladder *l = *state;
	struct config_path paths[12] = {0};
	struct config cfg = l->f.cfg;
	struct rib *rib;

	for (unsigned int i = 0; i < 12; i++) {
		snprintf(paths[i].name, sizeof(paths[i].name), "p%u", i);
		paths[i].circuit_id = i;
	}
	cfg.paths = paths;
	cfg.n_paths = 12;
	rib = rib_new(&cfg, NULL);
	for (int i = 11; i >= 0; i--) {
		struct route r = {.prefix = pfx("10.10.30.0/24")};

		memcpy(r.path, paths[i].name, sizeof(r.path));
		assert_int_equal(rib_announce(rib, 1, &r, 1), RIB_OK);
	}
	policy_tiers(&cfg, rib_next(rib, VIEW_LOCAL, NULL), &l->answer);
	assert_int_equal(l->answer.n_tiers, SW_MAX_TIERS);
	assert_int_equal(l->answer.cut, 4);
	assert_int_equal(l->answer.members, 0xfff);
	for (size_t i = 0; i < SW_MAX_TIERS; i++)
		assert_int_equal(l->answer.tier[i].paths, 1ULL << i);
	rib_free(rib);
}

/* Candidates of prefixes that cover one address: the order is total. */
static void test_total_order(void **state)
{
	struct ladder *l = *state;
	static const char *const covers[] = {"10.0.0.0/8", "10.11.0.0/16", "10.11.30.0/24"};
	struct policy_candidate c[15];
	enum policy_step step;
	size_t n = 0;

	l->f.cfg.match = MATCH_CLASS_FIRST;
	for (size_t i = 0; i < 3; i++) {
		struct prefix p = pfx(covers[i]);
		struct rib_node *node;

		for (int path = 0; path < N_PATHS; path++)
			put(l->rib, &l->f, covers[i], path);
		node = rib_find(l->rib, VIEW_LOCAL, &p);
		for (const struct candidate *at = rib_node_candidates(node); at; at = at->next)
			c[n++] = (struct policy_candidate){at, node};
	}
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++) {
			int ij = policy_compare(&l->f.cfg, c[i], c[j], &step);

			assert_int_equal(ij, -policy_compare(&l->f.cfg, c[j], c[i], &step));
			for (size_t k = 0; k < n; k++)
				if (ij <= 0 && policy_compare(&l->f.cfg, c[j], c[k], &step) <= 0)
					assert_true(policy_compare(&l->f.cfg, c[i], c[k], &step) <=
						    0);
		}
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_prefix_length),
		T(test_path_once_at_its_best),
		T(test_default_lends_nothing),
		T(test_class),
		T(test_class_first),
		T(test_maintenance),
		T(test_stale),
		T(test_local_pref),
		T(test_as_path),
		T(test_circuit_and_equal),
		T(test_multipath_circuits),
		T(test_not_counted),
		T(test_cut),
		T(test_total_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
