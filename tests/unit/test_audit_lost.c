/* SPDX-License-Identifier: GPL-2.0-only */
/* `audit`: prefixes that have no candidate any more are told, and what never was ours is not. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fixture_network.h"
#include "fixture_audit.h"

#define LAN    "10.2.30.0/25"
#define REMOTE "10.17.30.0/26"
#define BRANCH "10.11.30.64/26"

/* All rows, in parts of one each: what is told does not depend on where it is cut. */
static json_t *rows_now_of(const struct net *n, int down, size_t len)
{
	struct audit a = audit_of(n->w.e, down);

	a.watch = n->watch;
	for (int family = 0; family < 2; family++) {
		a.usable[family] &= n->facts.usable;
		a.last[family] &= n->facts.usable;
	}
	return rows_of(&a, len, NULL, NULL);
}

static json_t *audit_net(const struct net *n)
{
	json_t *whole = rows_now_of(n, -1, SIZE_MAX), *cut = rows_now_of(n, -1, 1);

	assert_true(json_equal(whole, cut));
	json_decref(cut);
	return whole;
}

static struct net *net_seed(void)
{
	struct net *n = net_new();

	n->w.e->inside.networks = &n->w.e->networks[1];
	n->w.e->inside.n_networks = 1;
	learned(n->w.e, LAN, SW_CLASS_EXPRESSROUTE, "er1");
	learned(n->w.e, LAN, SW_CLASS_VPN, "");
	learned(n->w.e, "10.10.30.0/24", SW_CLASS_PEERING, "");
	learned(n->w.e, "10.10.30.128/27", SW_CLASS_PEERING, "");
	learned(n->w.e, REMOTE, SW_CLASS_EXPRESSROUTE, "er1");
	learned(n->w.e, BRANCH, SW_CLASS_VPN, "");
	learned(n->w.e, "10.1.31.0/25", SW_CLASS_EXPRESSROUTE, "er2"); /* another site's */
	return n;
}

static void er1_session(struct net *n, bool down)
{
	net_path(n, ER1, WORD_PEERS4, down);
	net_path(n, ER1, WORD_PEERS6, down);
}

/* Steady: a row a learned prefix, and none of what only Azure has. */
static void test_steady(void **state)
{
	struct net *n = net_seed();
	json_t *rows = audit_net(n), *row;
	size_t i;

	(void)state;
	assert_int_equal(json_array_size(rows), 4);
	json_array_foreach (rows, i, row)
		assert_string_equal(text_of(row, "verdict"), "ok");
	json_decref(rows);
	net_free(n);
}

/* S25: BGP has withdrawn what came by the link that is down. */
static void test_withdrawn(void **state)
{
	struct net *n = net_seed();
	json_t *rows, *row;

	(void)state;
	net_path(n, ER1, WORD_LINK, true);
	net_withdraw(n, "10.10.30.0/24", "er1-primary");
	net_withdraw(n, "10.11.30.0/26", "er1-primary");
	net_withdraw(n, REMOTE, "er1-primary");
	net_wait(n, 30);
	rows = audit_net(n);
	assert_int_equal(json_array_size(rows), 4);
	assert_pair(rows, LAN, REMOTE, "no-route", "link-down");
	row = row_of(rows, LAN, REMOTE);
	assert_string_equal(text_of(row, "message"),
			    "10.17.30.0/26 has no route here any more, it came by er1-primary; "
			    "er1-primary: its link is down; Azure still has it, by expressroute");
	assert_string_equal(text_of(json_object_get(row, "reverse"), "class"), "expressroute");
	assert_true(json_is_null(json_object_get(json_object_get(row, "forward"), "class")));
	json_decref(rows);
	rows = rows_now_of(n, VPN, SIZE_MAX);
	row = row_of(rows, LAN, REMOTE);
	assert_non_null(row); /* lost already */
	assert_false(json_is_true(json_object_get(row, "lost")));
	assert_false(json_is_true(json_object_get(row, "moves")));
	assert_string_equal(text_of(json_object_get(row, "was"), "verdict"), "no-route");
	assert_null(strstr(text_of(row, "message"), "if vpn30 fails"));
	json_decref(rows);
	net_path(n, ER1, WORD_LINK, false);
	net_route(n, REMOTE, "er1-primary", 12076);
	net_wait(n, 5);
	rows = audit_net(n);
	assert_string_equal(text_of(row_of(rows, LAN, REMOTE), "verdict"), "ok");
	json_decref(rows);
	net_free(n);
}

/* What is withdrawn on a path that is well was meant so; but a VNet's prefix Azure has to announce.
 */
static void test_well(void **state)
{
	struct net *n = net_seed();
	json_t *rows;

	(void)state;
	net_withdraw(n, REMOTE, "er1-primary");
	net_wait(n, 2);
	rows = audit_net(n);
	assert_null(row_of(rows, LAN, REMOTE));
	json_decref(rows);
	net_withdraw(n, "10.10.30.0/24", "er1-primary");
	net_withdraw(n, "10.10.30.0/24", "vpn30");
	net_wait(n, 2);
	rows = audit_net(n);
	assert_pair(rows, LAN, "10.10.30.0/24", "no-route", "unknown");
	assert_non_null(strstr(text_of(row_of(rows, LAN, "10.10.30.0/24"), "message"),
			       "Azure has it as its own"));
	json_decref(rows);
	edge_route(n->w.e, "0.0.0.0/0", "vpn30", 65515,
		   100); /* then it goes by the default route */
	net_wait(n, 2);
	rows = audit_net(n);
	assert_null(row_of(rows, LAN, "10.10.30.0/24"));
	json_decref(rows);
	net_free(n);
}

/* Its candidates are there, and their session is down: no route, the session's fault. */
static void test_session(void **state)
{
	const struct ip_addr peer = {4, {192, 168, 30, 18}};
	struct route r = {.view = VIEW_LOCAL, .prefix = prefix_of("10.19.30.0/26"), .peer = peer};
	struct net *n = net_new();
	json_t *rows;

	(void)state;
	n->w.e->inside.networks = &n->w.e->networks[1];
	n->w.e->inside.n_networks = 1;
	snprintf(r.path, sizeof(r.path), "er1-primary");
	assert_int_equal(rib_announce(n->w.e->rib, 1, &r, n->w.e->ctx.now), RIB_OK);
	net_wait(n, 2);
	rib_peer_down(n->w.e->rib, 1, &peer, n->w.e->ctx.now);
	er1_session(n, true);
	net_wait(n, 2);
	rows = audit_net(n);
	assert_pair(rows, LAN, "10.19.30.0/26", "no-route", "bgp-down");
	json_decref(rows);
	er1_session(n, false);
	assert_int_equal(rib_announce(n->w.e->rib, 1, &r, n->w.e->ctx.now), RIB_OK);
	net_wait(n, 2);
	rows = audit_net(n);
	assert_true(!strcmp(text_of(row_of(rows, LAN, "10.19.30.0/26"), "verdict"), "null"));
	json_decref(rows);
	net_free(n);
}

/* A rule that binds or denies what has no route drops it; else the kernel has it. */
static void test_ruled(void **state)
{
	static struct config_rule rule = {
		.name = "deny", .proto = -1, .dscp = -1, .action = RULE_DENY};
	struct net *n = net_seed();
	json_t *rows, *row;

	(void)state;
	n->w.e->cfg.rules = &rule;
	n->w.e->cfg.n_rules = 1;
	net_path(n, ER1, WORD_LINK, true);
	net_withdraw(n, REMOTE, "er1-primary");
	net_wait(n, 5);
	rows = audit_net(n);
	row = row_of(rows, LAN, REMOTE);
	assert_true(json_is_true(json_object_get(row, "dropped")));
	assert_true(json_is_null(json_object_get(row, "verdict")));
	assert_string_equal(text_of(row, "rule"), "deny");
	json_decref(rows);
	net_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steady), cmocka_unit_test(test_withdrawn),
		cmocka_unit_test(test_well),   cmocka_unit_test(test_session),
		cmocka_unit_test(test_ruled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
