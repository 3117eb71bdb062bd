/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `audit` of random views, cut into random parts, against an oracle that scans lists of routes for
 * two addresses.
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

/* Nothing leads to it, though Azure has a prefix with it as its own, and no other way. */
static bool oracle_lost(const struct views *v, const struct ip_addr *dst)
{
	for (size_t i = 0; i < v->n_remote; i++) {
		bool own = prefix_has(&v->remote[i].prefix, dst);

		for (size_t k = 0; k < v->n_remote; k++)
			if (prefix_equal(&v->remote[k].prefix, &v->remote[i].prefix))
				own &= v->remote[k].class == SW_CLASS_PEERING;
		if (own && v->remote[i].prefix.len)
			return true;
	}
	return false;
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

		want = oracle(e, &v, &src, &dst);
		if (!best_of(e, &v, &dst, best)) {
			if (!oracle_lost(&v, &dst)) {
				assert_null(row);
				continue;
			}
			want = "no-route";
		}
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
