/* SPDX-License-Identifier: GPL-2.0-only */
/* What routes themselves tell (maintenance, leaks), and tables that are full. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fixture_network.h"

static void announce(struct net *n, enum rib_view view, const char *prefix, const char *path,
		     const uint32_t *as, size_t n_as)
{
	struct route r = {.view = view,
			  .prefix = prefix_of(prefix),
			  .as_path = as,
			  .n_as = n_as,
			  .has_as_path = true};

	if (view == VIEW_REMOTE) {
		r.has_class = true;
		r.class = SW_CLASS_VPN;
	}
	snprintf(r.path, sizeof(r.path), "%s", path);
	rib_announce(n->w.e->rib, 0, &r, n->w.e->ctx.now);
	net_look(n);
}

static void microsoft(struct net *n, const char *path, size_t times)
{
	uint32_t as[16];

	for (size_t i = 0; i < times; i++)
		as[i] = 12076;
	announce(n, VIEW_LOCAL, "10.10.30.0/24", path, as, times);
}
static void prepended(struct net *n)
{
	microsoft(n, "er1-primary", 9);
}
static void prepended_less(struct net *n)
{
	microsoft(n, "er1-primary", 8);
}
static void plain(struct net *n)
{
	microsoft(n, "er1-primary", 1);
}
static void secondary(struct net *n)
{
	n->w.e->paths[2].circuit_id = n->w.e->paths[0].circuit_id;
	microsoft(n, "er2-primary", 1);
}
static void secondary_too(struct net *n)
{
	microsoft(n, "er2-primary", 9);
}

static void leak_sent(struct net *n)
{
	static const uint32_t as[] = {65021, 12076};

	announce(n, VIEW_REMOTE, "10.17.30.0/26", "", as, 2);
}
static void leak_sent_no_more(struct net *n)
{
	const struct route r = {.view = VIEW_REMOTE, .prefix = prefix_of("10.17.30.0/26")};

	rib_withdraw(n->w.e->rib, 0, &r, false, n->w.e->ctx.now);
}
static void own_by_vpn(struct net *n)
{
	static const uint32_t as[] = {65021};

	announce(n, VIEW_REMOTE, "10.2.30.0/25", "", as, 1);
}
static void leak_accepted(struct net *n)
{
	static const uint32_t as[] = {65515, 12076, 65020};

	announce(n, VIEW_LOCAL, "10.1.31.0/25", "vpn30", as, 3);
}
static void leak_accepted_no_more(struct net *n)
{
	net_withdraw(n, "10.1.31.0/25", "vpn30");
}
static void transit_one(struct net *n)
{
	n->facts.transit[VPN] += 1;
}
static void transit_many(struct net *n)
{
	n->facts.transit[VPN] += 5;
}

static void refuse(struct net *n)
{
	n->facts.counts.refused = 12;
}
static void fits(struct net *n)
{
	n->facts.counts.refused = 0;
}
static void transit_allowed(struct net *n)
{
	n->w.e->cfg.transit = TRANSIT_ALLOW;
}
static void flows_full(struct net *n)
{
	n->facts.counts.flows_full += 3;
}
static void flows_forgotten(struct net *n)
{
	n->facts.counts.flows_forgotten += 3;
}
static void events_lost(struct net *n)
{
	n->facts.counts.events_lost += 3;
}
static void tiers_cut(struct net *n)
{
	n->facts.counts.tiers_cut = 1;
}

#define MAINTAINED "maintenance er1-primary notice unknown"
#define LEAK	   "route-leak vpn30 "

static const struct story stories[] = {
	{"S35: 12076 nine times",
	 {{prepended, 3, MAINTAINED}, {plain, 29, MAINTAINED}, {NULL, 3, ""}}},
	{"S35: eight are none", {{prepended_less, 60, ""}}},
	{"S12: two windows, the primary's and the secondary's",
	 {{secondary, 3, ""},
	  {prepended, 3, MAINTAINED},
	  {plain, 40, ""},
	  {secondary_too, 3, "maintenance er2-primary notice unknown"}}},
	{"S32: Azure's VPN gateway has what we learn by ExpressRoute",
	 {{own_by_vpn, 30, ""},
	  {leak_sent, 5, LEAK "warning unknown"},
	  {transit_one, 2, LEAK "critical unknown"},
	  {NULL, 70, LEAK "warning unknown"},
	  {leak_sent_no_more, 12, ""}}},
	{"S32: without its tables, by the packets alone",
	 {{transit_one, 60, ""}, {transit_many, 5, LEAK "critical unknown"}, {NULL, 75, ""}}},
	{"S32: it is meant, with transit: allow",
	 {{own_by_vpn, 30, ""},
	  {leak_sent, 5, LEAK "warning unknown"},
	  {transit_many, 2, LEAK "critical unknown"},
	  {transit_allowed, 12, ""},
	  {transit_many, 60, ""}}},
	{"S32: from its start",
	 {{transit_allowed, 1, ""}, {own_by_vpn, 30, ""}, {leak_sent, 60, ""}}},
	{"S32: what the VPN gives us is not",
	 {{transit_allowed, 1, ""}, {leak_accepted, 5, LEAK "warning unknown"}}},
	{"S32: what the VPN gives us",
	 {{leak_accepted, 5, LEAK "warning unknown"}, {leak_accepted_no_more, 12, ""}}},
	{"limit: prefixes", {{refuse, 1, "limit prefixes warning unknown"}, {fits, 1, ""}}},
	{"limit: tiers", {{tiers_cut, 1, "limit tiers notice unknown"}}},
	{"limit: flows without a record",
	 {{flows_full, 1, "limit flows warning unknown"},
	  {NULL, 50, "limit flows warning unknown"},
	  {NULL, 20, ""}}},
	{"limit: records taken from flows in use",
	 {{flows_forgotten, 1, "limit flows warning unknown"}, {NULL, 65, ""}}},
	{"limit: events", {{events_lost, 1, "limit events notice unknown"}, {NULL, 65, ""}}},
};

static void test_stories(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++)
		net_story(&stories[i]);
}

static void test_words(void **state)
{
	struct net *n = net_new();
	const struct incident *m = &n->last[NETWORK_MAINTENANCE], *l = &n->last[NETWORK_ROUTE_LEAK];

	(void)state;
	prepended(n);
	net_wait(n, 5);
	assert_non_null(strstr(m->message, "NO-REDUNDANCY: circuit er1 has no other usable path"));
	assert_int_equal(m->side, SIDE_AZURE);
	secondary(n);
	net_wait(n, 12);
	assert_non_null(strstr(m->message, "er2-primary carries it"));
	secondary_too(n);
	net_wait(n, 12);
	assert_int_equal(n->once[NETWORK_MAINTENANCE], 2);
	assert_non_null(strstr(m->message, "NO-REDUNDANCY"));
	leak_sent(n);
	transit_many(n);
	net_wait(n, 5);
	assert_int_equal(l->side, SIDE_ONPREM);
	assert_non_null(strstr(l->message,
			       "has 1 prefix of ExpressRoute from on-premises: "
			       "10.17.30.0/26, as_path 65021 12076: AS 65021 announces"));
	assert_non_null(strstr(l->message, "packets came by vpn30 for another path"));
	assert_non_null(strstr(l->fix, "prefix-list"));
	leak_accepted(n);
	net_wait(n, 5);
	assert_int_equal(n->once[NETWORK_ROUTE_LEAK], 2);
	assert_int_equal(l->side, SIDE_AZURE);
	assert_non_null(strstr(l->message, "10.1.31.0/25, as_path 65515 12076 65020"));
	assert_non_null(strstr(l->fix, "_12076_"));
	net_free(n);
}

/* In a large table it is looked for in parts; once found, no more, and what is found is true. */
static void test_leak_in_parts(void **state)
{
	struct net *n = net_new();
	const struct network_leaks *l = &n->watch->path[VPN].leaks;
	static const uint32_t as[] = {65515, 12076};
	char text[32];

	(void)state;
	for (unsigned int i = 0; i < NETWORK_LEAK_STEP + 10; i++) {
		snprintf(text, sizeof(text), "9.%u.%u.0/24", i >> 8, i & 255);
		edge_route(n->w.e, text, "vpn30", 65515, 100);
	}
	leak_accepted(n);
	net_wait(n, 1);
	assert_int_equal(l->n_first, 0);
	assert_int_equal(l->at.bytes[0], 9);
	net_wait(n, 1);
	assert_int_equal(l->n_first, 1);
	assert_true(l->done);
	announce(n, VIEW_LOCAL, "10.1.32.0/25", "vpn30", as, 2);
	net_wait(n, 5);
	assert_int_equal(l->n_first, 2);
	assert_non_null(strstr(n->last[NETWORK_ROUTE_LEAK].message, "10.1.31.0/25"));
	leak_accepted_no_more(n);
	net_wait(n, 11);
	assert_int_equal(l->n_first, 1);
	assert_true(n->last[NETWORK_ROUTE_LEAK].open);
	assert_non_null(strstr(n->last[NETWORK_ROUTE_LEAK].message,
			       "gives us 1 prefix that came through ExpressRoute: 10.1.32.0/25"));
	/* not over after a restart while the walk has not come so far */
	network_watch_free(n->watch);
	n->watch = network_watch_new();
	for (int i = 0; i < 20; i++) {
		net_wait(n, 1);
		n->watch->path[VPN].leaks.at = (struct prefix){0};
	}
	assert_true(n->last[NETWORK_ROUTE_LEAK].open);
	assert_int_equal(n->once[NETWORK_ROUTE_LEAK], 1);
	net_free(n);
}

/* What an earlier daemon told goes on as it is, or is closed as if it had been told by this one. */
static void test_adopted(void **state)
{
	struct net *n = net_new();
	char open[2048];

	(void)state;
	prepended(n);
	net_wait(n, 5);
	assert_int_equal(n->once[NETWORK_MAINTENANCE], 1);
	network_watch_free(n->watch);
	n->watch = network_watch_new();
	net_wait(n, 60);
	assert_int_equal(n->once[NETWORK_MAINTENANCE], 1);
	network_watch_free(n->watch);
	n->watch = network_watch_new();
	plain(n);
	net_wait(n, 20);
	net_open_text(n, open);
	assert_string_equal(open, MAINTAINED);
	net_wait(n, 15);
	assert_false(n->last[NETWORK_MAINTENANCE].open);
	/* nothing can be told now: what is open stays */
	prepended(n);
	net_wait(n, 5);
	plain(n);
	for (int i = 0; i < 60; i++) {
		edge_wait(n->w.e, S);
		incidents_network_begin(n->w.set);
		incidents_network_keep_all(n->w.set, &n->w.e->ctx, NETWORK_FAILBACK);
		incidents_network_end(n->w.set, &n->w.e->ctx);
	}
	assert_true(n->last[NETWORK_MAINTENANCE].open);
	net_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories), cmocka_unit_test(test_words),
		cmocka_unit_test(test_leak_in_parts), cmocka_unit_test(test_adopted)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
