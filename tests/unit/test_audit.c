/* SPDX-License-Identifier: GPL-2.0-only */
/* `audit`: pairs of scenarios.md as routes of both views, and what a row of each says. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fixture_audit.h"

static void test_steady(void **state)
{
	struct edge *e = seed_edge();
	json_t *rows, *row;

	(void)state;
	edge_route(e, "10.11.30.64/26", "vpn30", 65515, 100);
	edge_wait(e, 5 * S);
	rows = audit_all(e, -1);
	assert_int_equal(json_array_size(rows), 2);
	assert_pair(rows, "10.2.30.0/25", "10.10.30.0/24", "ok", "null");
	row = row_of(rows, "10.2.30.0/25", "10.10.30.0/24");
	assert_int_equal(json_integer_value(json_object_get(row, "view_age_s")), 5);
	assert_string_equal(text_of(json_object_get(row, "forward"), "circuit"), "er1");
	assert_string_equal(text_of(json_object_get(row, "reverse"), "circuit"), "er1");
	/* S2: nobody offers it but by VPN */
	assert_pair(rows, "10.2.30.0/25", "10.11.30.64/26", "ok", "null");
	json_decref(rows);
	edge_free(e);
}

/*
 * The hub's table is the hub's way back: the branch behind its VPN gateway answers by VPN, the
 * remote VNet by the circuit, whatever the hub prefers.
 */
static void test_behind_others(void **state)
{
	struct edge *e = seed_edge();
	json_t *rows;

	(void)state;
	edge_route(e, "10.11.30.64/26", "vpn30", 65515, 100);
	edge_route(e, "10.17.30.0/26", "er1-primary", 12076, 200);
	edge_route(e, "10.12.30.0/26", "vpn30", 65515, 100);
	learned(e, "10.11.30.64/26", SW_CLASS_VPN, "");
	learned(e, "10.17.30.0/26", SW_CLASS_EXPRESSROUTE, "er1");
	learned(e, "10.10.30.0/24", SW_CLASS_PEERING, "");
	learned(e, "10.12.0.0/16", SW_CLASS_PEERING, "");
	learned(e, "10.2.30.0/26", SW_CLASS_VPN, "");
	/* a part of it is Azure's own, which says nothing of all */
	edge_route(e, "10.13.0.0/16", "vpn30", 65515, 100);
	learned(e, "10.13.0.0/24", SW_CLASS_PEERING, "");
	rows = audit_all(e, -1);
	assert_pair(rows, "10.2.30.0/25", "10.13.0.0/16", "ok", "null");
	assert_pair(rows, "10.2.30.0/25", "10.10.30.0/24", "ok", "null");
	assert_pair(rows, "10.2.30.0/25", "10.11.30.64/26", "ok", "null");
	assert_pair(rows, "10.2.30.0/25", "10.17.30.0/26", "ok", "null");
	assert_pair(rows, "10.2.30.0/26", "10.11.30.64/26", "ok", "null");
	assert_pair(rows, "10.2.30.0/26", "10.17.30.0/26", "ok", "null");
	/* of the hub's own, and offered to us by VPN only: it answers by ExpressRoute */
	assert_string_equal(text_of(row_of(rows, "10.2.30.0/25", "10.12.30.0/26"), "verdict"),
			    "asymmetric");
	json_decref(rows);
	/* its way back goes with the circuit, though the hub has the VPN */
	rows = audit_all(e, ER1);
	assert_pair(rows, "10.2.30.0/25", "10.10.30.0/24", "failover", "link-down");
	assert_pair(rows, "10.2.30.0/25", "10.17.30.0/26", "no-route", "link-down");
	assert_pair(rows, "10.2.30.0/25", "10.11.30.64/26", "ok", "null");
	json_decref(rows);
	edge_route(e, "10.17.30.0/26", "vpn30", 65515, 100);
	rows = audit_all(e, ER1);
	assert_pair(rows, "10.2.30.0/25", "10.17.30.0/26", "one-way", "backup-blackhole");
	json_decref(rows);
	edge_free(e);
}

static void test_nothing_remote(void **state)
{
	struct edge *e = edge_new();
	json_t *rows, *row;

	(void)state;
	edge_hub(e);
	rows = audit_all(e, -1);
	assert_int_equal(json_array_size(rows), 2); /* of IPv4: the two networks */
	assert_pair(rows, "10.2.30.0/25", "10.10.30.0/24", "null", "unknown");
	row = row_of(rows, "10.2.0.0/16", "10.10.30.0/24");
	assert_true(json_is_true(json_object_get(row, "src_rest")));
	assert_true(json_is_null(json_object_get(row, "view_age_s")));
	assert_non_null(strstr(text_of(row, "fix"), "view: remote"));
	json_decref(rows);
	edge_free(e);
}

/* S10, S12: the daemon chose the VPN, nothing is moved in monitor mode; enforce mends it. */
static void test_daemon_choice(void **state)
{
	struct edge *e = seed_edge();
	json_t *rows;

	(void)state;
	edge_route(e, "10.10.30.0/24", "er1-primary", 12076, 100);
	chosen(e, "10.10.30.0/24", "vpn30");
	rows = audit_all(e, -1);
	assert_pair(rows, "10.2.30.0/25", "10.10.30.0/24", "ok", "null");
	json_decref(rows);
	e->cfg.mode = SW_MODE_MONITOR;
	rows = audit_all(e, -1);
	assert_pair(rows, "10.2.30.0/25", "10.10.30.0/24", "asymmetric", "local-pref-missing");
	assert_non_null(strstr(text_of(row_of(rows, "10.2.30.0/25", "10.10.30.0/24"), "fix"),
			       "local preference 200 inbound on the neighbor of er1-primary"));
	json_decref(rows);
	/* both by VPN, ExpressRoute is there (S23) */
	learned(e, "10.2.30.0/26", SW_CLASS_VPN, "");
	rows = audit_all(e, -1);
	assert_pair(rows, "10.2.30.0/26", "10.10.30.0/24", "policy-violation",
		    "local-pref-missing");
	json_decref(rows);
	edge_free(e);
}

static void test_vpn_more_specific(void **state) /* S11 */
{
	struct edge *e = seed_edge();
	json_t *rows;

	(void)state;
	edge_route(e, "10.11.30.0/26", "er1-primary", 12076, 200);
	edge_route(e, "10.11.30.0/27", "vpn30", 65515, 100);
	rows = audit_all(e, -1);
	assert_pair(rows, "10.2.30.0/25", "10.11.30.0/27", "asymmetric", "vpn-more-specific");
	assert_pair(rows, "10.2.30.0/25", "10.11.30.0/26", "ok", "null");
	json_decref(rows);
	e->cfg.match = MATCH_CLASS_FIRST;
	rows = audit_all(e, -1);
	assert_pair(rows, "10.2.30.0/25", "10.11.30.0/27", "ok", "null");
	json_decref(rows);
	edge_free(e);
}

static void test_onprem_more_specific(void **state) /* S17 */
{
	struct edge *e = seed_edge();
	json_t *rows, *row;

	(void)state;
	learned(e, "10.2.30.0/26", SW_CLASS_VPN, "");
	rows = audit_all(e, -1);
	assert_int_equal(json_array_size(rows), 2);
	row = row_of(rows, "10.2.30.0/26", "10.10.30.0/24");
	assert_string_equal(text_of(row, "verdict"), "asymmetric");
	assert_string_equal(text_of(row, "side"), "azure");
	assert_pair(rows, "10.2.30.0/25", "10.10.30.0/24", "ok", "null");
	row = row_of(rows, "10.2.30.0/25", "10.10.30.0/24");
	assert_true(json_is_true(json_object_get(row, "src_rest")));
	json_decref(rows);
	/* both halves: nothing of the network itself is left */
	learned(e, "10.2.30.64/26", SW_CLASS_EXPRESSROUTE, "er1");
	rows = audit_all(e, -1);
	assert_int_equal(json_array_size(rows), 2);
	assert_pair(rows, "10.2.30.64/26", "10.10.30.0/24", "ok", "null");
	json_decref(rows);
	edge_free(e);
}

/*
 * S17 and S2: what is behind the VPN gateway has a way back to the half that the VPN announces; how
 * it returns to the rest is not known, and it is no asymmetry.
 */
static void test_behind_vpn_half(void **state)
{
	struct edge *e = edge_new();
	json_t *rows, *row;

	(void)state;
	e->inside.networks = &e->networks[1];
	e->inside.n_networks = 1;
	edge_hub(e);
	edge_route(e, "10.11.30.64/26", "vpn30", 65515, 100);
	learned(e, "10.2.30.0/25", SW_CLASS_EXPRESSROUTE, "er1");
	learned(e, "10.2.30.0/26", SW_CLASS_VPN, "");
	rows = audit_all(e, -1);
	assert_pair(rows, "10.2.30.0/26", "10.11.30.64/26", "ok", "null");
	assert_pair(rows, "10.2.30.0/25", "10.11.30.64/26", "null", "unknown");
	row = row_of(rows, "10.2.30.0/25", "10.11.30.64/26");
	assert_non_null(strstr(text_of(row, "message"), "behind the VPN gateway"));
	assert_non_null(strstr(text_of(row, "fix"), "advertise 10.2.30.0/25 on the VPN"));
	/* what both offer is as it was */
	assert_pair(rows, "10.2.30.0/25", "10.10.30.0/24", "ok", "null");
	assert_string_equal(text_of(row_of(rows, "10.2.30.0/26", "10.10.30.0/24"), "verdict"),
			    "asymmetric");
	json_decref(rows);
	edge_free(e);
}

/* A circuit's route table is all that there is: it tells nothing of what is behind the VPN. */
static void test_second_hand(void **state)
{
	struct edge *e = edge_new();
	struct route r = {.view = VIEW_REMOTE,
			  .prefix = prefix_of("10.2.30.0/25"),
			  .has_class = true,
			  .class = SW_CLASS_EXPRESSROUTE,
			  .second_hand = true};
	json_t *rows;

	(void)state;
	edge_hub(e);
	edge_route(e, "10.11.30.64/26", "vpn30", 65515, 100);
	assert_int_equal(rib_announce(e->rib, 1, &r, e->ctx.now), RIB_OK);
	rows = audit_all(e, -1);
	assert_pair(rows, "10.2.30.0/25", "10.10.30.0/24", "ok", "null");
	assert_pair(rows, "10.2.30.0/25", "10.11.30.64/26", "null", "unknown");
	assert_non_null(strstr(text_of(row_of(rows, "10.2.30.0/25", "10.11.30.64/26"), "fix"),
			       "feed what the gateway of 10.11.30.64/26 has learned"));
	json_decref(rows);
	/* a gateway's word counts, whatever else is there */
	learned(e, "10.2.30.0/25", SW_CLASS_EXPRESSROUTE, "er1");
	rows = audit_all(e, -1);
	assert_string_equal(text_of(row_of(rows, "10.2.30.0/25", "10.11.30.64/26"), "verdict"),
			    "asymmetric");
	json_decref(rows);
	edge_free(e);
}

static void test_only_on_vpn(void **state) /* S18 */
{
	struct edge *e = seed_edge();
	json_t *rows;

	(void)state;
	e->networks[1] = prefix_of("10.2.30.0/24");
	edge_route(e, "10.17.30.0/26", "er1-primary", 12076, 200);
	learned(e, "10.2.30.128/25", SW_CLASS_VPN, "");
	rows = audit_all(e, -1);
	assert_string_equal(text_of(row_of(rows, "10.2.30.128/25", "10.10.30.0/24"), "verdict"),
			    "asymmetric");
	assert_pair(rows, "10.2.30.0/25", "10.10.30.0/24", "ok", "null");
	assert_int_equal(json_array_size(rows), 4);
	json_decref(rows);
	edge_free(e);
}

/* S24, S25: what moves and what is lost, and that Azure loses the circuit, too. */
static void test_if_down(void **state)
{
	struct edge *e = seed_edge();
	json_t *rows, *row;

	(void)state;
	edge_route(e, "10.17.30.0/26", "er1-primary", 12076, 200);
	rows = audit_all(e, ER1);
	assert_pair(rows, "10.2.30.0/25", "10.10.30.0/24", "failover", "link-down");
	row = row_of(rows, "10.2.30.0/25", "10.10.30.0/24");
	assert_true(json_is_true(json_object_get(row, "moves")));
	assert_true(json_is_false(json_object_get(row, "lost")));
	assert_string_equal(text_of(json_object_get(row, "was"), "verdict"), "ok");
	assert_string_equal(
		text_of(json_object_get(json_object_get(row, "was"), "reverse"), "class"),
		"expressroute");
	assert_pair(rows, "10.2.30.0/25", "10.17.30.0/26", "no-route", "link-down");
	row = row_of(rows, "10.2.30.0/25", "10.17.30.0/26");
	assert_true(json_is_true(json_object_get(row, "lost")));
	assert_true(json_is_null(json_object_get(json_object_get(row, "forward"), "class")));
	json_decref(rows);
	/* the VPN out: nothing moves */
	rows = audit_all(e, VPN);
	assert_pair(rows, "10.2.30.0/25", "10.10.30.0/24", "ok", "null");
	assert_true(json_is_false(
		json_object_get(row_of(rows, "10.2.30.0/25", "10.10.30.0/24"), "moves")));
	json_decref(rows);
	edge_free(e);
}

/* A backup that BFD, a probe or its session calls dead carries nothing but a last resort. */
static void test_if_down_last_resort(void **state)
{
	struct edge *e = seed_edge();
	struct audit a = audit_of(e, ER1);
	json_t *rows, *row;

	(void)state;
	a.usable[0] &= ~(1ULL << VPN);
	rows = rows_of(&a, SIZE_MAX, NULL, NULL);
	row = row_of(rows, "10.2.30.0/25", "10.10.30.0/24");
	assert_true(json_is_true(json_object_get(row, "last_resort")));
	assert_true(json_is_true(json_object_get(row, "lost")));
	assert_true(json_is_false(json_object_get(row, "moves")));
	json_decref(rows);
	a.usable[0] = ~0ULL;
	rows = rows_of(&a, SIZE_MAX, NULL, NULL);
	row = row_of(rows, "10.2.30.0/25", "10.10.30.0/24");
	assert_true(json_is_false(json_object_get(row, "last_resort")));
	assert_true(json_is_true(json_object_get(row, "moves")));
	json_decref(rows);
	edge_free(e);
}

/* A circuit with another usable path goes on; one that Azure has nothing else of is a black hole.
 */
static void test_if_down_return(void **state)
{
	struct edge *e = edge_new();
	json_t *rows;

	(void)state;
	edge_hub(e);
	learned(e, "10.2.30.0/25", SW_CLASS_EXPRESSROUTE, "er1");
	rows = audit_all(e, ER1);
	assert_pair(rows, "10.2.30.0/25", "10.10.30.0/24", "one-way", "backup-blackhole");
	assert_pair(rows, "10.2.0.0/16", "10.10.30.0/24", "null", "unknown");
	json_decref(rows);
	snprintf(e->paths[2].circuit, SW_NAME_LEN, "er1");
	rows = audit_all(e, ER1);
	assert_string_equal(text_of(row_of(rows, "10.2.30.0/25", "10.10.30.0/24"), "verdict"),
			    "asymmetric");
	json_decref(rows);
	edge_free(e);
}

static void test_circuits(void **state)
{
	struct edge *e = seed_edge();
	json_t *rows;

	(void)state;
	learned(e, "10.2.30.0/26", SW_CLASS_EXPRESSROUTE, "er2-primary");
	rows = audit_all(e, -1);
	assert_pair(rows, "10.2.30.0/26", "10.10.30.0/24", "inter-circuit", "unknown");
	json_decref(rows);
	e->cfg.scope = SW_SCOPE_CIRCUIT;
	rows = audit_all(e, -1);
	assert_pair(rows, "10.2.30.0/26", "10.10.30.0/24", "asymmetric", "unknown");
	json_decref(rows);
	edge_free(e);
}

/* The table changes between two parts: what is there all the time is told once. */
struct churn {
	struct edge *e;
	unsigned int n;
};

static void churn_step(void *arg)
{
	struct churn *c = arg;
	char prefix[32];

	snprintf(prefix, sizeof(prefix), "10.20.%u.0/24", c->n % 32 * 2 + 1);
	if (c->n < 32)
		edge_route(c->e, prefix, "vpn30", 65515, 100);
	else if (c->n < 64)
		edge_withdraw(c->e, prefix, "vpn30");
	c->n++;
}

static void test_changes_between(void **state)
{
	struct edge *e = seed_edge();
	struct churn churn = {.e = e};
	struct audit a = audit_of(e, -1);
	json_t *rows, *row;
	char prefix[32];
	size_t i, told = 0;

	(void)state;
	for (unsigned int n = 0; n < 64; n++) {
		snprintf(prefix, sizeof(prefix), "10.20.%u.0/24", n * 2);
		edge_route(e, prefix, "er1-primary", 12076, 200);
		snprintf(prefix, sizeof(prefix), "10.2.30.%u/32", n);
		learned(e, prefix, SW_CLASS_EXPRESSROUTE, "er1");
	}
	rows = rows_of(&a, 1, churn_step, &churn);
	json_array_foreach (rows, i, row) {
		struct prefix dst = prefix_of(text_of(row, "dst_prefix"));

		told += dst.bytes[1] == 20 && !(dst.bytes[2] & 1);
	}
	assert_int_equal(told, 64 * 65);
	assert_true(churn.n > 64);
	json_decref(rows);
	edge_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steady),
		cmocka_unit_test(test_behind_others),
		cmocka_unit_test(test_nothing_remote),
		cmocka_unit_test(test_daemon_choice),
		cmocka_unit_test(test_vpn_more_specific),
		cmocka_unit_test(test_onprem_more_specific),
		cmocka_unit_test(test_behind_vpn_half),
		cmocka_unit_test(test_second_hand),
		cmocka_unit_test(test_only_on_vpn),
		cmocka_unit_test(test_if_down),
		cmocka_unit_test(test_if_down_return),
		cmocka_unit_test(test_if_down_last_resort),
		cmocka_unit_test(test_circuits),
		cmocka_unit_test(test_changes_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
