/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `audit`: pairs of scenarios.md as routes of both views, and what a row of each says; and random
 * views, cut into random parts, against an oracle that scans lists of routes for two addresses.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fixture_audit.h"

static unsigned int seed_state;

static unsigned int below(unsigned int n)
{
	return (unsigned int)rand_r(&seed_state) % n;
}

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

/* Random views. */

#define ROUTES 40

struct plain {
	struct prefix prefix;
	bool own;
	int path; /* of the config */
	uint32_t pref;
	enum sw_class class;
	char circuit[SW_NAME_LEN];
	uint64_t at;
};

struct views {
	struct plain local[ROUTES], remote[ROUTES];
	size_t n_local, n_remote;
	uint64_t usable, last;
	int down; /* of the config, -1: none */
};

static struct prefix random_prefix(const char *base, unsigned int min)
{
	struct prefix p = prefix_of(base);
	unsigned int bits = p.family == 4 ? 8 : 6;

	p.len = (uint8_t)(min + below(bits));
	for (unsigned int i = min; i < min + bits; i++)
		if (below(2))
			p.bytes[i / 8] |= (uint8_t)(0x80 >> i % 8);
	prefix_mask(&p);
	return p;
}

static void random_local(struct edge *e, struct views *v)
{
	uint32_t as[] = {65515};
	struct plain p = {.prefix = below(4) ? random_prefix("10.10.0.0/16", 16)
					     : random_prefix("fd10::/32", 32),
			  .path = (int)below(3),
			  .pref = 100 + below(3) * 50,
			  .class = SW_CLASS_VPN};
	struct route r = {.view = VIEW_LOCAL,
			  .as_path = as,
			  .n_as = 1,
			  .has_as_path = true,
			  .has_local_pref = true};
	size_t at = 0;

	if (!below(10)) {
		p.prefix.len = 0;
		prefix_mask(&p.prefix);
	}
	p.class = e->paths[p.path].class;
	r.prefix = p.prefix;
	r.local_pref = p.pref;
	snprintf(r.path, sizeof(r.path), "%s", e->paths[p.path].name);
	rib_announce(e->rib, 0, &r, ++e->ctx.now);
	while (at < v->n_local &&
	       (!prefix_equal(&v->local[at].prefix, &p.prefix) || v->local[at].path != p.path))
		at++;
	v->local[at] = p;
	v->n_local += at == v->n_local;
}

static void random_learned(struct edge *e, struct views *v, struct plain *p)
{
	static const char *const circuits[] = {"", "er1", "er2-primary", "s2s", "elsewhere"};
	struct route r = {.view = VIEW_REMOTE, .has_class = true};
	size_t at = 0;

	snprintf(p->circuit, sizeof(p->circuit), "%s", circuits[below(5)]);
	r.prefix = p->prefix;
	r.class = p->class;
	memcpy(r.circuit, p->circuit, sizeof(r.circuit));
	p->at = ++e->ctx.now;
	rib_announce(e->rib, 1, &r, p->at);
	while (at < v->n_remote &&
	       (!prefix_equal(&v->remote[at].prefix, &p->prefix) ||
		v->remote[at].class != p->class || strcmp(v->remote[at].circuit, p->circuit)))
		at++;
	v->remote[at] = *p;
	v->n_remote += at == v->n_remote;
}

static void random_remote(struct edge *e, struct views *v)
{
	struct plain p = {.prefix = below(4) ? random_prefix("10.2.0.0/16", 15 + below(8))
					     : random_prefix("fd02:30::/64", 62),
			  .class = below(2) ? SW_CLASS_EXPRESSROUTE : SW_CLASS_VPN};

	if (!below(3)) { /* the far side's own, or what it reaches elsewhere */
		p.prefix = v->n_local ? v->local[below((unsigned int)v->n_local)].prefix
				      : random_prefix("10.10.0.0/16", 16);
		p.class = below(2) ? SW_CLASS_PEERING : p.class;
	}
	random_learned(e, v, &p);
}

/* The ladder as one number: the lower, the better. */
static uint64_t ladder(const struct edge *e, const struct plain *p)
{
	uint64_t len = 128U - p->prefix.len, class = p->class == SW_CLASS_EXPRESSROUTE ? 0 : 1;
	bool swap = e->cfg.match == MATCH_CLASS_FIRST && p->prefix.len >= e->cfg.class_first_min;
	uint64_t head = swap ? class << 8 | len : 1ULL << 16 | len << 8 | class;

	return head << 40 | (uint64_t)(1000 - p->pref) << 8 | e->paths[p->path].circuit_id;
}

/* Best candidates for an address of each path, 0/0 only where nothing else covers it. */
static size_t best_of(const struct edge *e, const struct views *v, const struct ip_addr *dst,
		      const struct plain *best[3])
{
	bool longer = false;
	size_t n = 0;

	for (size_t i = 0; i < v->n_local; i++)
		longer |= v->local[i].prefix.len && prefix_has(&v->local[i].prefix, dst);
	memset(best, 0, 3 * sizeof(*best));
	for (size_t i = 0; i < v->n_local; i++) {
		const struct plain *p = &v->local[i];

		if (!prefix_has(&p->prefix, dst) || (longer && !p->prefix.len))
			continue;
		n += !best[p->path];
		if (!best[p->path] || ladder(e, p) < ladder(e, best[p->path]))
			best[p->path] = p;
	}
	return n;
}

static const struct plain *first_of(const struct edge *e, const struct plain *const best[3],
				    uint64_t paths, uint64_t *members)
{
	const struct plain *found = NULL;

	*members = 0;
	for (int i = 0; i < 3; i++)
		if (best[i] && paths >> e->ids[i] & 1 &&
		    (!found || ladder(e, best[i]) < ladder(e, found)))
			found = best[i];
	for (int i = 0; found && i < 3; i++)
		if (best[i] && paths >> e->ids[i] & 1 && ladder(e, best[i]) == ladder(e, found))
			*members |= 1ULL << e->ids[i];
	return found;
}

static const char *circuit_name(const struct edge *e, int i)
{
	return e->paths[i].circuit[0] ? e->paths[i].circuit : e->paths[i].name;
}

static bool oracle_gone(const struct edge *e, const struct views *v, const struct plain *p)
{
	const char *circuit;
	bool circuit_left = false, class_left = false;

	if (v->down < 0 || p->class != e->paths[v->down].class)
		return false;
	circuit = circuit_name(e, v->down);
	for (int i = 0; i < 3; i++) {
		if (i == v->down || !(v->usable >> e->ids[i] & 1) || e->paths[i].class != p->class)
			continue;
		class_left = true;
		circuit_left |= !strcmp(circuit_name(e, i), circuit);
	}
	if (circuit_left)
		return false;
	return p->circuit[0] ? !strcmp(p->circuit, circuit) : !class_left;
}

/* only: candidates of that class, -1: any. */
static const struct plain *oracle_return(const struct edge *e, const struct views *v,
					 const struct ip_addr *src, bool gone, int only)
{
	const struct plain *best = NULL;

	for (size_t i = 0; i < v->n_remote; i++) {
		const struct plain *p = &v->remote[i];

		if (!prefix_has(&p->prefix, src) || (gone && oracle_gone(e, v, p)) ||
		    (only >= 0 && (int)p->class != only))
			continue;
		if (!best || p->prefix.len > best->prefix.len ||
		    (p->prefix.len == best->prefix.len &&
		     (p->class < best->class ||
		      (p->class == best->class &&
		       (!!p->circuit[0] > !!best->circuit[0] ||
			(!!p->circuit[0] == !!best->circuit[0] && p->at > best->at))))))
			best = p;
	}
	return best;
}

/* Azure has something of ours by VPN. */
static bool oracle_vpn_seen(const struct edge *e, const struct views *v, uint8_t family)
{
	for (size_t i = 0; i < v->n_remote; i++)
		for (size_t k = 0; k < e->inside.n_networks; k++)
			if (v->remote[i].prefix.family == family &&
			    v->remote[i].class == SW_CLASS_VPN &&
			    prefix_contains(&e->inside.networks[k], &v->remote[i].prefix))
				return true;
	return false;
}

/* The class that the answers of dst are held to, -1: none. */
static int oracle_only(const struct edge *e, const struct views *v, const struct ip_addr *src,
		       const struct ip_addr *dst)
{
	const struct plain *best[3], *there = NULL;
	struct prefix longest = {0};

	for (size_t i = 0; i < v->n_local; i++)
		if (prefix_has(&v->local[i].prefix, dst) && v->local[i].prefix.len >= longest.len)
			longest = v->local[i].prefix;
	for (size_t i = 0; i < v->n_remote; i++)
		if (longest.len && prefix_equal(&v->remote[i].prefix, &longest) &&
		    (!there || v->remote[i].class < there->class))
			there = &v->remote[i];
	if (there)
		return there->class == SW_CLASS_PEERING ? -1 : (int)there->class;
	for (size_t i = 0; i < v->n_remote; i++)
		if (v->remote[i].class == SW_CLASS_PEERING &&
		    prefix_contains(&v->remote[i].prefix, &longest))
			return -1;
	best_of(e, v, dst, best);
	return !best[0] && !best[2] &&
			       (oracle_return(e, v, src, false, SW_CLASS_VPN) ||
				oracle_vpn_seen(e, v, src->family))
		       ? SW_CLASS_VPN
		       : -1;
}

static const char *oracle(const struct edge *e, const struct views *v, const struct ip_addr *src,
			  const struct ip_addr *dst)
{
	uint64_t down = v->down < 0 ? 0 : 1ULL << e->ids[v->down], members;
	int only = oracle_only(e, v, src, dst);
	const struct plain *best[3], *f, *b = oracle_return(e, v, src, true, only);
	const struct ip_addr any = {.family = dst->family, .bytes = {200}};

	best_of(e, v, dst, best);
	f = first_of(e, best, v->usable & ~down, &members);
	if (!f && e->cfg.default_route == DEFAULT_ROUTE_LAST) {
		best_of(e, v, &any, best);
		f = first_of(e, best, v->usable & ~down, &members);
		best_of(e, v, f ? &any : dst, best);
	}
	if (!f)
		f = first_of(e, best, v->last & ~down, &members);
	if (!f)
		return "no-route";
	if (!b)
		return oracle_return(e, v, src, false, only) ? "one-way" : "null";
	if (b->class != f->class)
		return "asymmetric";
	for (int i = 0; i < 3; i++)
		if (best[i] && best[i]->class < f->class && ladder(e, best[i]) < ladder(e, f))
			return "failover";
	for (int i = 0; b->circuit[0] && i < 3; i++)
		if (members >> e->ids[i] & 1 && strcmp(circuit_name(e, i), b->circuit))
			return e->cfg.scope == SW_SCOPE_CLASS ? "inter-circuit" : "asymmetric";
	return "ok";
}

static struct ip_addr random_host(const char *base, unsigned int from, unsigned int bits)
{
	struct prefix p = prefix_of(base);

	for (unsigned int i = from; i < from + bits; i++)
		if (below(2))
			p.bytes[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return prefix_address(&p);
}

static void random_views(struct edge *e, struct views *v)
{
	e->cfg.match = below(2) ? MATCH_CLASS_FIRST : MATCH_LONGEST_PREFIX;
	e->cfg.scope = below(3) ? SW_SCOPE_CLASS : SW_SCOPE_CIRCUIT;
	e->cfg.default_route = below(2) ? DEFAULT_ROUTE_LAST : DEFAULT_ROUTE_NEVER;
	e->cfg.class_first_min = 16 + below(6);
	for (unsigned int i = 0; i < 3; i++)
		e->paths[i].circuit_id = i;
	if (below(2)) {
		snprintf(e->paths[2].circuit, SW_NAME_LEN, "er1");
		e->paths[2].circuit_id = 0;
	}
	for (unsigned int i = below(ROUTES); i; i--)
		random_local(e, v);
	for (unsigned int i = below(ROUTES / 2); i; i--)
		random_remote(e, v);
	for (int i = 0; i < 3; i++) {
		v->usable |= below(4) ? 1ULL << e->ids[i] : 0;
		v->last |= below(4) ? 1ULL << e->ids[i] : 0;
	}
	v->last |= v->usable;
	v->down = (int)below(4) - 1;
}

static void random_story(void)
{
	struct edge *e = edge_new();
	struct views v = {0};
	struct audit a;
	json_t *rows;

	random_views(e, &v);
	a = audit_of(e, v.down < 0 ? -1 : e->ids[v.down]);
	a.usable[0] = a.usable[1] = v.usable;
	a.last[0] = a.last[1] = v.last;
	rows = rows_of(&a, below(2) ? SIZE_MAX : below(3000), NULL, NULL);
	for (int i = 0; i < 60; i++) {
		bool four = below(4);
		struct ip_addr src = four ? below(2) ? random_host("10.2.30.0", 25, 7)
						     : random_host("10.2.0.0", 16, 16)
					  : random_host("fd02:30::", 64, 4);
		struct ip_addr dst =
			four ? random_host("10.10.0.0", 16, 9) : random_host("fd10::", 32, 7);
		json_t *row = row_for(rows, &src, &dst);
		const struct plain *best[3];
		const char *want;
		char s[IP_STRLEN], d[IP_STRLEN];

		if (!best_of(e, &v, &dst, best)) {
			assert_null(row);
			continue;
		}
		want = oracle(e, &v, &src, &dst);
		if (!row || strcmp(text_of(row, "verdict"), want))
			fail_msg("%s -> %s: %s by the audit, %s by the oracle", ip_format(&src, s),
				 ip_format(&dst, d), row ? text_of(row, "verdict") : "no row",
				 want);
	}
	json_decref(rows);
	edge_free(e);
}

static void test_random(void **state)
{
	const char *seed = getenv("SEED");

	(void)state;
	seed_state = seed ? (unsigned int)strtoul(seed, NULL, 0) : 39;
	print_message("SEED=%u\n", seed_state);
	for (int i = 0; i < 150; i++)
		random_story();
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
		cmocka_unit_test(test_only_on_vpn),
		cmocka_unit_test(test_if_down),
		cmocka_unit_test(test_if_down_return),
		cmocka_unit_test(test_circuits),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_changes_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
