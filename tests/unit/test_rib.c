/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The RIB: which path a route belongs to, what replaces what, what a feed's or a peer's end does;
 * and random changes against a list that is searched from end to end. SEED=n repeats a run.
 */
#include "fixture_rib.h"

static int path_of(struct edge *e, const struct route *r)
{
	const struct candidate *c;
	int path;

	assert_int_equal(rib_announce(e->rib, FEED_FILE, r, 1), RIB_OK);
	c = edge_first(e, VIEW_LOCAL, "10.10.30.0/24");
	assert_non_null(c);
	assert_null(c->next);
	path = c->attr->path;
	assert_int_equal(rib_withdraw(e->rib, FEED_FILE, r, false, 1), 1);
	return path;
}

static void test_path_in_order(void **state)
{
	struct edge *e = *state;
	struct rib_link_net nets[] = {{pfx("192.168.30.16/28"), ER2},
				      {pfx("192.168.30.20/30"), ER1B}};
	uint32_t as[] = {65515, 12076};
	struct route r = route_by(&e->f, "10.10.30.0/24", VPN);

	assert_int_equal(rib_set_links(e->rib, nets, 2, NULL, 0), 0);
	r.peer = addr("192.168.30.18");
	assert_int_equal(path_of(e, &r), VPN); /* the feed's word first */
	memset(r.path, 0, sizeof(r.path));
	r.nexthop = addr("192.168.30.22");
	assert_int_equal(path_of(e, &r), ER1A); /* the peer before the next hop */
	r.peer.family = 0;
	assert_int_equal(path_of(e, &r), ER1B);
	r.nexthop_ll = addr("fe80::18");
	r.nexthop = addr("2001:db8::1");
	assert_int_equal(path_of(e, &r), ER1A);
	r.nexthop_ll.family = 0;
	r.nexthop = addr("192.168.30.21");
	assert_int_equal(path_of(e, &r), ER1B); /* the longest network of a link */
	r.nexthop = addr("192.168.30.17");
	assert_int_equal(path_of(e, &r), ER2);
	r.nexthop = addr("203.0.113.1");
	route_as(&r, as, 2);
	assert_int_equal(path_of(e, &r), VPN);
	as[0] = 12076; /* three paths have it: no proof */
	assert_int_equal(rib_announce(e->rib, FEED_FILE, &r, 1), RIB_UNKNOWN_PATH);
	snprintf(r.path, sizeof(r.path), "nobody");
	r.nexthop = addr("192.168.30.22");
	assert_int_equal(rib_announce(e->rib, FEED_FILE, &r, 1), RIB_UNKNOWN_PATH);
	assert_int_equal(rib_counts(e->rib).candidates, 0);
}

/* The interface that the kernel sends a route out of: after next hops, before the AS path. */
static void test_path_by_interface(void **state)
{
	struct edge *e = *state;
	struct route r = {.view = VIEW_LOCAL, .prefix = pfx("10.10.30.0/24"), .sub = 1};

	snprintf(e->f.paths[ER1A].interface, sizeof(e->f.paths[ER1A].interface), "er0");
	snprintf(e->f.paths[ER1B].interface, sizeof(e->f.paths[ER1B].interface), "er1");
	snprintf(e->f.paths[VPN].interface, sizeof(e->f.paths[VPN].interface), "tun30");
	e->f.paths[ER1B].gateway6 = addr("fe80::22");
	snprintf(r.interface, sizeof(r.interface), "tun30");
	assert_int_equal(path_of(e, &r), VPN); /* no next hop, and none needed */
	snprintf(r.interface, sizeof(r.interface), "er0");
	assert_int_equal(rib_announce(e->rib, FEED_FILE, &r, 1), RIB_UNKNOWN_PATH);
	r.nexthop = addr("203.0.113.1");
	assert_int_equal(path_of(e, &r), ER1A); /* a next hop on its link, says the kernel */
	r.nexthop = addr("192.168.31.18");
	assert_int_equal(path_of(e, &r), ER2); /* a gateway tells more */
	r.nexthop = addr("fe80::22");
	assert_int_equal(path_of(e, &r), ER1A); /* but for one that means something on a link */
	r.nexthop = addr("fe80::18");
	snprintf(r.interface, sizeof(r.interface), "er1");
	assert_int_equal(path_of(e, &r), ER1B);
	r.nexthop = addr("203.0.113.1");
	snprintf(r.interface, sizeof(r.interface), "wan");
	assert_int_equal(rib_announce(e->rib, FEED_FILE, &r, 1), RIB_UNKNOWN_PATH);
	/* two paths on one interface: it tells none of them */
	snprintf(e->f.paths[ER2].interface, sizeof(e->f.paths[ER2].interface), "er0");
	snprintf(r.interface, sizeof(r.interface), "er0");
	assert_int_equal(rib_announce(e->rib, FEED_FILE, &r, 1), RIB_UNKNOWN_PATH);
}

static void test_own(void **state)
{
	struct edge *e = *state;
	struct ip_addr own = addr("192.168.30.17");
	struct route r = {.prefix = pfx("10.2.30.64/26"), .peer = addr("192.168.30.18")};

	assert_int_equal(rib_set_links(e->rib, NULL, 0, &own, 1), 0);
	assert_int_equal(rib_announce(e->rib, FEED_FILE, &r, 1), RIB_OWN);
	r = (struct route){.prefix = pfx("10.9.0.0/16"), .nexthop = own};
	assert_int_equal(rib_announce(e->rib, FEED_FILE, &r, 1), RIB_OWN);
	assert_int_equal(rib_counts(e->rib).own, 2);
	assert_int_equal(rib_counts(e->rib).prefixes4, 0);
	assert_int_equal(rib_path_routes(e->rib, ER1A, 0), 0);
	assert_true(edge_first(e, VIEW_LOCAL, "10.9.0.0/16")->attr->own);
	assert_int_equal(rib_withdraw(e->rib, FEED_FILE, &r, false, 1), 1);
	/* what covers an inside network is not inside it */
	put(e->rib, &e->f, "10.2.0.0/16", VPN);
	assert_int_equal(rib_counts(e->rib).own, 1);
	/* Azure's view of our networks is what that view is for */
	r = (struct route){.view = VIEW_REMOTE, .prefix = pfx("10.2.30.0/25")};
	assert_int_equal(rib_announce(e->rib, FEED_FILE, &r, 1), RIB_OK);
}

static void test_remote(void **state)
{
	struct edge *e = *state;
	struct ip_addr ip = addr("10.2.30.10");
	uint32_t as[] = {12076, 65021};
	struct route r = {.view = VIEW_REMOTE, .prefix = pfx("10.2.30.0/25"), .circuit = "er1"};

	route_as(&r, as, 2);
	assert_int_equal(rib_announce(e->rib, FEED_FILE, &r, 1), RIB_OK);
	assert_int_equal(edge_first(e, VIEW_REMOTE, "10.2.30.0/25")->attr->class,
			 SW_CLASS_EXPRESSROUTE);
	assert_string_equal(edge_first(e, VIEW_REMOTE, "10.2.30.0/25")->attr->circuit, "er1");
	r.circuit[0] = 0;
	as[0] = 65515;
	assert_int_equal(rib_announce(e->rib, FEED_FILE, &r, 1), RIB_OK);
	assert_int_equal(edge_first(e, VIEW_REMOTE, "10.2.30.0/25")->next->attr->class,
			 SW_CLASS_VPN);
	r.has_class = true;
	r.class = SW_CLASS_PEERING;
	assert_int_equal(rib_announce(e->rib, FEED_FILE, &r, 1), RIB_OK);
	assert_int_equal(rib_counts(e->rib).candidates, 3);
	assert_int_equal(rib_counts(e->rib).prefixes4, 0);
	assert_non_null(rib_match(e->rib, VIEW_REMOTE, &ip));
	assert_null(rib_match(e->rib, VIEW_LOCAL, &ip));
	assert_int_equal(rib_withdraw(e->rib, FEED_FILE, &r, false, 1), 1);
	r.has_class = false;
	assert_int_equal(rib_withdraw(e->rib, FEED_FILE, &r, false, 1), 2);
	assert_null(rib_next(e->rib, VIEW_REMOTE, NULL));
}

/* There a path's name is its class and circuit, when announced and when withdrawn. */
static void test_remote_path(void **state)
{
	struct edge *e = *state;
	struct route r = {
		.view = VIEW_REMOTE, .prefix = pfx("10.2.30.0/25"), .path = "er1-primary"};
	const struct attributes *a;

	assert_int_equal(rib_announce(e->rib, FEED_FILE, &r, 1), RIB_OK);
	a = edge_first(e, VIEW_REMOTE, "10.2.30.0/25")->attr;
	assert_int_equal(a->class, SW_CLASS_EXPRESSROUTE);
	assert_string_equal(a->circuit, "er1-primary"); /* it has no `circuit` */
	snprintf(r.path, sizeof(r.path), "vpn30");
	assert_int_equal(rib_announce(e->rib, FEED_FILE, &r, 1), RIB_OK);
	snprintf(r.path, sizeof(r.path), "er1-primary");
	assert_int_equal(rib_withdraw(e->rib, FEED_FILE, &r, false, 1), 1);
	assert_int_equal(edge_first(e, VIEW_REMOTE, "10.2.30.0/25")->attr->class, SW_CLASS_VPN);
	snprintf(r.path, sizeof(r.path), "nowhere");
	assert_int_equal(rib_announce(e->rib, FEED_FILE, &r, 1), RIB_UNKNOWN_PATH);
	assert_int_equal(rib_withdraw(e->rib, FEED_FILE, &r, false, 1), 0);
}

static void test_replace(void **state)
{
	struct edge *e = *state;
	struct route r = route_by(&e->f, "10.10.30.0/24", ER1A);

	assert_int_equal(rib_announce(e->rib, FEED_FILE, &r, 1), RIB_OK);
	assert_int_equal(rib_announce(e->rib, FEED_FILE, &r, 2), RIB_UNCHANGED);
	assert_int_equal(edge_first(e, VIEW_LOCAL, "10.10.30.0/24")->heard_ns, 2);
	r.has_local_pref = true;
	r.local_pref = 100; /* what absent means, but another attribute */
	assert_int_equal(rib_announce(e->rib, FEED_FILE, &r, 3), RIB_OK);
	assert_int_equal(rib_announce(e->rib, FEED_OTHER, &r, 3), RIB_OK);
	put(e->rib, &e->f, "10.10.30.0/24", VPN);
	assert_int_equal(rib_counts(e->rib).candidates, 3);
	assert_int_equal(rib_counts(e->rib).prefixes4, 1);
	assert_int_equal(rib_feed_routes(e->rib, FEED_FILE), 2);
	assert_int_equal(rib_path_routes(e->rib, ER1A, 4), 2);
	assert_int_equal(rib_path_routes(e->rib, ER1A, 6), 0);
}

/* jsonl: announced by path, withdrawn by peer, and the other way; nothing given is everything. */
static void test_withdraw(void **state)
{
	struct edge *e = *state;
	struct route by_peer = {.prefix = pfx("10.10.30.0/24"), .peer = addr("10.10.30.254")};
	struct route all = {.prefix = pfx("10.10.30.0/24")};

	put(e->rib, &e->f, "10.10.30.0/24", VPN);
	put(e->rib, &e->f, "10.10.30.0/24", ER1A);
	assert_int_equal(rib_withdraw(e->rib, FEED_OTHER, &by_peer, false, 1), 0);
	assert_int_equal(rib_withdraw(e->rib, FEED_FILE, &by_peer, false, 1), 1);
	assert_int_equal(rib_path_routes(e->rib, VPN, 0), 0);
	assert_int_equal(rib_announce(e->rib, FEED_FILE, &by_peer, 1), RIB_OK);
	take(e->rib, &e->f, "10.10.30.0/24", VPN);
	put(e->rib, &e->f, "10.10.30.0/24", VPN);
	assert_int_equal(rib_withdraw(e->rib, FEED_FILE, &all, false, 1), 2);
	assert_null(rib_next(e->rib, VIEW_LOCAL, NULL));
}

static enum rib_result bgp(struct edge *e, uint32_t sub, const char *nexthop)
{
	struct route r = {.prefix = pfx("10.10.30.0/24"), .sub = sub, .nexthop = addr(nexthop)};

	return rib_announce(e->rib, FEED_ROUTER, &r, 1);
}

/* A path id is one route (RFC 7911, 3): another next hop under it replaces, whatever the path. */
static void test_bgp_path_ids(void **state)
{
	struct edge *e = *state;
	struct route r = {.prefix = pfx("10.10.30.0/24"), .sub = 1};

	assert_int_equal(bgp(e, 1, "192.168.30.18"), RIB_OK);
	assert_int_equal(bgp(e, 2, "10.10.30.254"), RIB_OK);
	assert_int_equal(bgp(e, 1, "192.168.31.18"), RIB_OK);
	assert_int_equal(rib_path_routes(e->rib, ER1A, 0), 0);
	assert_int_equal(rib_path_routes(e->rib, ER2, 0), 1);
	assert_int_equal(rib_withdraw(e->rib, FEED_ROUTER, &r, true, 1), 1);
	assert_int_equal(rib_counts(e->rib).candidates, 1);
	/* refused: what it replaces is gone all the same */
	assert_int_equal(bgp(e, 2, "203.0.113.9"), RIB_UNKNOWN_PATH);
	assert_int_equal(rib_counts(e->rib).candidates, 0);
}

/* Two tables of one feed: same path ids, each marked, swept, stale and dropped by itself. */
static void test_sources(void **state)
{
	struct edge *e = *state;
	struct route r = {.prefix = pfx("10.10.30.0/24"), .sub = 1};

	bgp(e, 1, "192.168.30.18");
	r.source = 7;
	ip_parse("10.10.30.254", &r.nexthop);
	assert_int_equal(rib_announce(e->rib, FEED_ROUTER, &r, 1), RIB_OK);
	assert_int_equal(rib_counts(e->rib).candidates, 2);
	rib_source_mark(e->rib, FEED_ROUTER, 7);
	rib_source_sweep(e->rib, FEED_ROUTER, 0, 2);
	assert_int_equal(rib_counts(e->rib).candidates, 2);
	rib_source_stale(e->rib, FEED_ROUTER, 7, 3);
	assert_false(edge_first(e, VIEW_LOCAL, "10.10.30.0/24")->stale);
	assert_true(edge_first(e, VIEW_LOCAL, "10.10.30.0/24")->next->stale);
	assert_int_equal(rib_source_drop(e->rib, FEED_ROUTER, 0, 4), 1);
	assert_int_equal(rib_path_routes(e->rib, ER1A, 0), 0);
	assert_int_equal(rib_path_routes(e->rib, VPN, 0), 1);
	assert_int_equal(rib_source_sweep(e->rib, FEED_ROUTER, 7, 5), 1);
	assert_int_equal(rib_counts(e->rib).candidates, 0);
}

/* What the daemon itself chose is no candidate. */
static void test_chosen(void **state)
{
	struct edge *e = *state;
	struct route r = {.prefix = pfx("10.10.30.0/24"), .sub = 1, .chosen = true};

	ip_parse("10.10.30.254", &r.nexthop);
	assert_int_equal(rib_announce(e->rib, FEED_ROUTER, &r, 1), RIB_OK);
	assert_int_equal(rib_counts(e->rib).candidates, 0);
	assert_int_equal(rib_counts(e->rib).prefixes4, 0);
	assert_int_equal(rib_path_routes(e->rib, VPN, 0), 0);
	bgp(e, 1, "192.168.30.18");
	assert_int_equal(rib_counts(e->rib).candidates, 1);
	assert_int_equal(rib_withdraw(e->rib, FEED_ROUTER, &r, true, 2), 1);
	assert_int_equal(rib_path_routes(e->rib, ER1A, 0), 1);
}

/* After a daemon's restart its path ids name other routes: ExpressRoute's must not blink. */
static void test_bgp_restart(void **state)
{
	struct edge *e = *state;
	struct route r = {.prefix = pfx("10.10.30.0/24"), .sub = 1};

	bgp(e, 1, "192.168.30.18");
	bgp(e, 2, "10.10.30.254");
	rib_source_stale(e->rib, FEED_ROUTER, 0, 5);
	rib_source_mark(e->rib, FEED_ROUTER, 0);
	assert_int_equal(bgp(e, 1, "10.10.30.254"), RIB_OK);
	assert_int_equal(rib_path_routes(e->rib, ER1A, 0), 1);
	assert_int_equal(bgp(e, 2, "192.168.30.18"), RIB_OK);
	assert_int_equal(bgp(e, 1, "192.168.30.18"),
			 RIB_OK); /* the new table's 1, not the old one's */
	assert_int_equal(bgp(e, 1, "10.10.30.254"), RIB_OK);
	rib_source_sweep(e->rib, FEED_ROUTER, 0, 6);
	assert_int_equal(rib_counts(e->rib).candidates, 2);
	assert_false(edge_first(e, VIEW_LOCAL, "10.10.30.0/24")->stale);
	assert_int_equal(rib_withdraw(e->rib, FEED_ROUTER, &r, true, 7), 1);
	assert_int_equal(rib_path_routes(e->rib, VPN, 0), 0);
	assert_int_equal(rib_path_routes(e->rib, ER1A, 0), 1);
}

static void test_peer_down(void **state)
{
	struct edge *e = *state;
	struct ip_addr peer = addr("10.10.30.254"), host = addr("10.10.30.4");
	struct route r = {.prefix = pfx("10.10.30.0/24"), .peer = peer};

	rib_announce(e->rib, FEED_FILE, &r, 1);
	put(e->rib, &e->f, "10.0.0.0/8", ER1A);
	assert_int_equal(rib_peer_down(e->rib, FEED_OTHER, &peer, 2), 0);
	assert_int_equal(rib_peer_down(e->rib, FEED_FILE, &peer, 2), 1);
	assert_int_equal(rib_peer_down(e->rib, FEED_FILE, &peer, 2), 0);
	assert_int_equal(rib_counts(e->rib).prefixes4, 1);
	assert_int_equal(rib_node_prefix(rib_match(e->rib, VIEW_LOCAL, &host))->len, 8);
	/* announced again as it was: it counts again */
	assert_int_equal(rib_announce(e->rib, FEED_FILE, &r, 3), RIB_OK);
	assert_int_equal(rib_counts(e->rib).prefixes4, 2);
	assert_int_equal(rib_node_prefix(rib_match(e->rib, VIEW_LOCAL, &host))->len, 24);
}

static void test_stale_then_gone(void **state)
{
	struct edge *e = *state;
	struct route r = route_by(&e->f, "10.10.30.0/24", ER1A);

	put(e->rib, &e->f, "10.10.30.0/24", ER1A);
	put(e->rib, &e->f, "10.11.30.0/24", ER1A);
	rib_source_stale(e->rib, FEED_FILE, 0, 1000);
	rib_source_stale(e->rib, FEED_FILE, 0, 1500); /* the first time counts */
	assert_int_equal(rib_feed_stale(e->rib, FEED_FILE), 2);
	assert_int_equal(rib_feed_routes(e->rib, FEED_FILE), 2);
	assert_int_equal(rib_feed_stale(e->rib, FEED_OTHER), 0);
	assert_int_equal(rib_announce(e->rib, FEED_FILE, &r, 1600), RIB_OK);
	assert_int_equal(rib_expire_stale(e->rib, 1999, 1000), 0);
	assert_int_equal(rib_expire_stale(e->rib, 2000, 1000), 1);
	assert_int_equal(rib_counts(e->rib).candidates, 1);
	assert_int_equal(rib_feed_stale(e->rib, FEED_FILE), 0);
	assert_int_equal(rib_feed_routes(e->rib, FEED_FILE), 1);
	assert_non_null(edge_first(e, VIEW_LOCAL, "10.10.30.0/24"));
}

static void test_path_ids(void **state)
{
	struct edge *e = *state;
	uint8_t ids[N_PATHS] = {7, 63, 0, 5, 6};
	struct rib *rib = rib_new(&e->f.cfg, ids);

	put(rib, &e->f, "10.10.30.0/24", ER1B);
	assert_int_equal(rib_path_routes(rib, 63, 4), 1);
	assert_ptr_equal(rib_path(rib, 63), &e->f.paths[ER1B]);
	assert_null(rib_path(rib, 1));
	rib_free(rib);
}

/* The oracle: a list of what was announced and not withdrawn. */
#define MAX_LISTED 600
struct listed {
	struct prefix prefix;
	int path;
	bool marked;
};
struct list {
	struct listed v[MAX_LISTED];
	size_t n;
};

static struct listed *list_find(struct list *l, const struct prefix *p, int path)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].path == path && prefix_equal(&l->v[i].prefix, p))
			return &l->v[i];
	return NULL;
}

static void list_remove(struct list *l, struct listed *at)
{
	*at = l->v[--l->n];
}

static bool listed_before(const struct listed *a, const struct prefix *after,
			  const struct listed *best)
{
	return (!after || prefix_cmp(&a->prefix, after) > 0) &&
	       (!best || prefix_cmp(&a->prefix, &best->prefix) < 0);
}

/* Every walk gives what the list gives: order, parents, matches, counts. */
static void compare(const struct rib *rib, const struct list *l)
{
	const struct rib_node *node = NULL;
	const struct prefix *after = NULL;
	size_t total = 0;

	for (;;) {
		const struct listed *best = NULL, *up = NULL;

		for (size_t i = 0; i < l->n; i++)
			if (listed_before(&l->v[i], after, best))
				best = &l->v[i];
		node = rib_next(rib, VIEW_LOCAL, node);
		if (!best) {
			assert_null(node);
			break;
		}
		assert_non_null(node);
		assert_true(prefix_equal(rib_node_prefix(node), &best->prefix));
		assert_ptr_equal(rib_find(rib, VIEW_LOCAL, &best->prefix), node);
		if (after)
			assert_ptr_equal(rib_after(rib, VIEW_LOCAL, after), node);
		for (size_t i = 0; i < l->n; i++) {
			const struct prefix *p = &l->v[i].prefix;

			if (p->len < best->prefix.len && prefix_contains(p, &best->prefix) &&
			    (!up || p->len > up->prefix.len))
				up = &l->v[i];
		}
		assert_int_equal(!up, !rib_parent(node));
		if (up)
			assert_true(prefix_equal(rib_node_prefix(rib_parent(node)), &up->prefix));
		for (const struct candidate *c = rib_node_candidates(node); c; c = c->next)
			total++;
		after = &best->prefix;
	}
	assert_int_equal(total, l->n);
	assert_int_equal(rib_counts(rib).candidates, l->n);
}

static void compare_matches(const struct rib *rib, const struct list *l)
{
	for (int round = 0; round < 20; round++) {
		struct prefix p = random_prefix();
		struct ip_addr ip = prefix_address(&p);
		const struct rib_node *node = rib_match(rib, VIEW_LOCAL, &ip);
		const struct listed *best = NULL;

		for (size_t i = 0; i < l->n; i++)
			if (prefix_has(&l->v[i].prefix, &ip) &&
			    (!best || l->v[i].prefix.len > best->prefix.len))
				best = &l->v[i];
		assert_int_equal(!best, !node);
		if (best)
			assert_true(prefix_equal(rib_node_prefix(node), &best->prefix));
		/* what comes after a prefix that may not be there */
		best = NULL;
		for (size_t i = 0; i < l->n; i++)
			if (listed_before(&l->v[i], &p, best))
				best = &l->v[i];
		node = rib_after(rib, VIEW_LOCAL, &p);
		assert_int_equal(!best, !node);
		if (best)
			assert_true(prefix_equal(rib_node_prefix(node), &best->prefix));
	}
}

static void random_change(struct edge *e, struct list *l)
{
	int path = (int)below(N_PATHS);
	struct route r = route_by(&e->f, "0.0.0.0/0", path);
	struct listed *at;

	r.prefix = random_prefix();
	at = list_find(l, &r.prefix, path);
	if (below(5) < 2 || l->n == MAX_LISTED) {
		size_t n = rib_withdraw(e->rib, FEED_FILE, &r, false, 1);

		assert_int_equal(n, at != NULL);
		if (at)
			list_remove(l, at);
		return;
	}
	assert_int_equal(rib_announce(e->rib, FEED_FILE, &r, 1), at ? RIB_UNCHANGED : RIB_OK);
	if (!at) {
		at = &l->v[l->n++];
		*at = (struct listed){.prefix = r.prefix, .path = path};
	}
	at->marked = false;
}

static void random_sweep(struct edge *e, struct list *l)
{
	rib_source_mark(e->rib, FEED_FILE, 0);
	for (size_t i = 0; i < l->n; i++)
		l->v[i].marked = true;
	for (unsigned int i = 0; i < 300; i++)
		random_change(e, l);
	rib_source_sweep(e->rib, FEED_FILE, 0, 1);
	for (size_t i = l->n; i-- > 0;)
		if (l->v[i].marked)
			list_remove(l, &l->v[i]);
}

static void test_random(void **state)
{
	struct edge *e = *state;
	struct list *l = calloc(1, sizeof(*l));

	seed_init(20261123);
	for (int round = 0; round < 120; round++) {
		for (int i = 0; i < 40; i++)
			random_change(e, l);
		if (!below(20))
			random_sweep(e, l);
		compare(e->rib, l);
		compare_matches(e->rib, l);
	}
	free(l);
}

#define T(name) cmocka_unit_test_setup_teardown(name, edge_setup, edge_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_path_in_order), T(test_own),	  T(test_remote),
		T(test_remote_path),   T(test_replace),	  T(test_withdraw),
		T(test_bgp_path_ids),  T(test_sources),	  T(test_chosen),
		T(test_bgp_restart),   T(test_peer_down), T(test_stale_then_gone),
		T(test_path_ids),      T(test_random),	  T(test_path_by_interface),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
