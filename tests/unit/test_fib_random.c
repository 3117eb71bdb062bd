/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The compiler against an oracle that keeps a list of candidates and works out every prefix from
 * nothing, by a ladder of its own: after any sequence of changes, in any slices, the maps hold what
 * it says, and addresses are answered as it says. The maps check the order of writes meanwhile.
 * SEED=n repeats a run.
 */
#include "fixture_fib.h"

#define MAX_LISTED 400
#define STALE_NS   (30 * SECOND)

struct listed {
	struct prefix prefix;
	feed_id feed;
	int path;
	uint32_t local_pref, as[12];
	size_t n_as;
	bool stale, down, marked;
	uint64_t stale_ns;
};

struct oracle {
	struct listed v[MAX_LISTED];
	size_t n;
	struct fib_reserved reserved[6];
	size_t n_reserved;
};

static int class_rank(int path)
{
	return path == PEERING ? 255 : path == VPN;
}

/* The steps as digits of one number, the lower the better: compared as text, most significant
 * first. */
static void listed_key(const struct world *w, const struct listed *c, char key[96])
{
	size_t run = 0;
	bool is_er = class_rank(c->path) == 0;
	int len = 128 - c->prefix.len, rank = class_rank(c->path);
	bool strict = w->f.cfg.match == MATCH_CLASS_FIRST && c->prefix.len >= 16;
	bool is_short = w->f.cfg.match == MATCH_CLASS_FIRST && !strict;

	while (run < c->n_as && c->as[run] == c->as[0])
		run++;
	snprintf(key, 96, "%d.%03d.%03d.%d.%d.%010u.%03zu.%u", is_short, strict ? rank : len,
		 strict ? len : rank, is_er && run > 8 && c->as[0] == 12076, c->stale,
		 4000000000u - c->local_pref, c->n_as ? c->n_as - run + 1 : 0,
		 w->f.paths[c->path].circuit_id);
}

/* Tiers and members by repeated search for the best path that is left. */
static struct sw_group oracle_route(const struct world *w, const struct oracle *o,
				    const struct prefix *p)
{
	struct sw_group g = {.kind = SW_GROUP_ROUTE, .degraded = SW_NO_RANK};
	char last[96] = "", key[96], best_key[96];
	uint64_t done = 0;

	for (;;) {
		const struct listed *best = NULL;

		for (size_t i = 0; i < o->n; i++) {
			const struct listed *c = &o->v[i];
			bool same = prefix_equal(&c->prefix, p);

			if (c->down || !prefix_contains(&c->prefix, p) || (!c->prefix.len && !same))
				continue;
			g.members |= BIT(c->path);
			if (class_rank(c->path) > 1 || done & BIT(c->path))
				continue;
			listed_key(w, c, key);
			if (!best || strcmp(key, best_key) < 0) {
				best = c;
				memcpy(best_key, key, sizeof(key));
			}
		}
		if (!best)
			return g;
		done |= BIT(best->path);
		if (strcmp(last, best_key) != 0) {
			g.rank[g.tiers] = (uint8_t)class_rank(best->path);
			g.tiers++;
		}
		memcpy(last, best_key, sizeof(last));
		g.tier[g.tiers - 1] |= BIT(best->path);
	}
}

static const struct fib_reserved *reserved_find(const struct oracle *o, const struct prefix *p,
						uint8_t kind, bool covering)
{
	for (size_t i = 0; i < o->n_reserved; i++) {
		const struct fib_reserved *r = &o->reserved[i];

		if (r->kind == kind &&
		    (covering ? prefix_contains(&r->prefix, p) : prefix_equal(&r->prefix, p)))
			return r;
	}
	return NULL;
}

static uint8_t local_slot(const struct oracle *o, const struct prefix *p)
{
	for (size_t i = 0; i < o->n_reserved; i++) {
		if (o->reserved[i].kind == SW_GROUP_LOCAL && o->reserved[i].slot &&
		    prefix_equal(&o->reserved[i].prefix, p))
			return SW_LOCAL_ON_PATH;
	}
	return 0;
}

/* What the prefix should be; FREE: not installed. */
static struct sw_group oracle_group(const struct world *w, const struct oracle *o,
				    const struct prefix *p)
{
	const struct fib_reserved *inside = reserved_find(o, p, SW_GROUP_INSIDE, false);
	struct sw_group g = {.kind = SW_GROUP_FREE, .degraded = SW_NO_RANK};
	bool listed = false, reserved = inside;

	for (size_t i = 0; i < o->n; i++)
		listed |= !o->v[i].down && prefix_equal(&o->v[i].prefix, p);
	reserved |= reserved_find(o, p, SW_GROUP_EXEMPT, false) != NULL;
	if (reserved_find(o, p, SW_GROUP_LOCAL, false))
		g.kind = SW_GROUP_LOCAL, g.slot = local_slot(o, p);
	else if ((listed || reserved) && reserved_find(o, p, SW_GROUP_EXEMPT, true))
		g.kind = SW_GROUP_EXEMPT;
	else if (inside)
		g.kind = SW_GROUP_INSIDE, g.slot = inside->slot;
	else if (listed)
		g = oracle_route(w, o, p);
	return g;
}

/* A group but for what only history tells. */
static struct sw_group plain(struct sw_group g)
{
	g.since_ns = 0;
	g.degraded = SW_NO_RANK;
	return g;
}

static size_t compare_prefix(struct world *w, const struct oracle *o, const struct prefix *p)
{
	struct sw_group want = oracle_group(w, o, p), has;
	struct fake_prefix *at = fake_find(&w->maps, p);

	assert_int_equal(want.kind == SW_GROUP_FREE, !at);
	if (!at)
		return 0;
	has = plain(w->maps.groups[at->group]);
	assert_memory_equal(&has, &want, sizeof(want));
	return 1;
}

/* Every prefix that the oracle knows, and no other; each counted once. */
static void compare_maps(struct world *w, const struct oracle *o)
{
	struct prefix all[MAX_LISTED + 6];
	size_t n = 0, installed = 0;

	for (size_t i = 0; i < o->n + o->n_reserved; i++) {
		const struct prefix *p = i < o->n ? &o->v[i].prefix : &o->reserved[i - o->n].prefix;
		size_t k = 0;

		while (k < n && !prefix_equal(&all[k], p))
			k++;
		if (k < n)
			continue;
		all[n++] = *p;
		installed += compare_prefix(w, o, p);
	}
	assert_int_equal(w->maps.n, installed);
}

static void compare_addresses(struct world *w, const struct oracle *o)
{
	for (int round = 0; round < 30; round++) {
		struct prefix p = random_prefix(), found, best = {0};
		struct ip_addr ip = prefix_address(&p);
		struct sw_group has, want = {.kind = SW_GROUP_FREE};

		for (size_t i = 0; i < o->n + o->n_reserved; i++) {
			const struct prefix *at =
				i < o->n ? &o->v[i].prefix : &o->reserved[i - o->n].prefix;
			struct sw_group g;

			if (!prefix_has(at, &ip) || (want.kind && at->len <= best.len))
				continue;
			g = oracle_group(w, o, at);
			if (g.kind) {
				want = g;
				best = *at;
			}
		}
		assert_int_equal(fib_lookup(w->fib, &ip, &found, &has), want.kind != 0);
		if (!want.kind)
			continue;
		has = plain(has);
		assert_memory_equal(&has, &want, sizeof(want));
		assert_true(prefix_equal(&found, &best));
	}
}

static struct listed *listed_find(struct oracle *o, const struct prefix *p, feed_id feed, int path)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->v[i].feed == feed && o->v[i].path == path &&
		    prefix_equal(&o->v[i].prefix, p))
			return &o->v[i];
	return NULL;
}

/* The route that the path's own peer sends, so that its fall can be told. */
static struct route route_from(const struct world *w, const struct prefix *p, int path)
{
	const struct config_path *cfg = &w->f.paths[path];

	return (struct route){
		.prefix = *p,
		.peer = cfg->n_peers ? cfg->peers[0] : cfg->gateway,
	};
}

static void change_route(struct world *w, struct oracle *o)
{
	feed_id feed = below(2) ? FEED_FILE : FEED_OTHER;
	struct prefix p = random_prefix();
	int path = (int)below(N_PATHS);
	struct listed *at = listed_find(o, &p, feed, path);
	struct route r = route_from(w, &p, path);

	if (below(5) < 2 || o->n == MAX_LISTED) {
		assert_int_equal(rib_withdraw(w->rib, feed, &r, false, w->now), at != NULL);
		if (at)
			*at = o->v[--o->n];
		return;
	}
	if (!at)
		at = &o->v[o->n++];
	*at = (struct listed){.prefix = p, .feed = feed, .path = path};
	at->local_pref = below(3) ? 100 : 200;
	at->n_as = below(6) ? 1 + below(2) : 9;
	for (size_t i = 0; i < at->n_as; i++)
		at->as[i] = at->n_as < 9 && i ? 65000 : 12076;
	r.has_local_pref = at->local_pref != 100;
	r.local_pref = at->local_pref;
	route_as(&r, at->as, at->n_as);
	if (below(2))
		rib_announce_later(w->rib, feed, &r, w->now);
	else
		rib_announce(w->rib, feed, &r, w->now);
}

static void change_peer(struct world *w, struct oracle *o)
{
	int path = (int)below(N_PATHS);
	struct route r = route_from(w, &(struct prefix){.family = 4}, path);

	rib_peer_down(w->rib, FEED_FILE, &r.peer, w->now);
	for (size_t i = 0; i < o->n; i++)
		if (o->v[i].feed == FEED_FILE && o->v[i].path == path)
			o->v[i].down = true;
}

static void oracle_remove_if(struct oracle *o, bool (*gone)(const struct listed *, uint64_t),
			     uint64_t now)
{
	for (size_t i = o->n; i-- > 0;)
		if (gone(&o->v[i], now))
			o->v[i] = o->v[--o->n];
}

static bool is_marked(const struct listed *c, uint64_t now)
{
	(void)now;
	return c->marked;
}

static bool is_expired(const struct listed *c, uint64_t now)
{
	return c->stale && now - c->stale_ns >= STALE_NS;
}

static void change_feed(struct world *w, struct oracle *o)
{
	if (below(2)) {
		rib_source_stale(w->rib, FEED_OTHER, 0, w->now);
		for (size_t i = 0; i < o->n; i++)
			if (o->v[i].feed == FEED_OTHER && !o->v[i].stale) {
				o->v[i].stale = true;
				o->v[i].stale_ns = w->now;
			}
		return;
	}
	rib_source_mark(w->rib, FEED_FILE, 0);
	for (size_t i = 0; i < o->n; i++)
		o->v[i].marked = o->v[i].feed == FEED_FILE;
	for (int i = 0; i < 200; i++)
		change_route(w, o);
	rib_source_sweep(w->rib, FEED_FILE, 0, w->now);
	oracle_remove_if(o, is_marked, w->now);
}

static void change_reserved(struct world *w, struct oracle *o)
{
	static const uint8_t kinds[] = {SW_GROUP_INSIDE, SW_GROUP_LOCAL, SW_GROUP_EXEMPT};

	o->n_reserved = below(7);
	for (size_t i = 0; i < o->n_reserved; i++) {
		struct fib_reserved *r = &o->reserved[i];

		do {
			*r = (struct fib_reserved){.prefix = random_prefix(),
						   .kind = kinds[below(3)]};
		} while (r->prefix.len < 12);
		if (r->kind == SW_GROUP_INSIDE)
			r->slot = 64;
		else if (r->kind == SW_GROUP_LOCAL && below(2))
			r->slot = SW_LOCAL_ON_PATH;
	}
	assert_int_equal(fib_set_reserved(w->fib, o->reserved, o->n_reserved), 0);
}

static void change_any(struct world *w, struct oracle *o)
{
	unsigned int what = below(100);

	if (what < 90)
		change_route(w, o);
	else if (what < 93)
		change_peer(w, o);
	else if (what < 95)
		change_feed(w, o);
	else if (what < 97)
		change_reserved(w, o);
	else
		w->usable = below(64) | ~0xffULL;
	w->now += below(2) ? 0 : below(2000) * 1000000ULL;
	w->maps.now = w->now;
	rib_expire_stale(w->rib, w->now, STALE_NS);
	oracle_remove_if(o, is_expired, w->now);
}

static void run(struct world *w, int rounds)
{
	struct oracle *o = calloc(1, sizeof(*o));

	for (int round = 0; round < rounds; round++) {
		for (unsigned int i = below(40); i; i--) {
			change_any(w, o);
			if (!below(4))
				fib_compile(w->fib, w->now, w->usable, 1 + below(5));
		}
		if (round == 3)
			fib_sync_done(w->fib);
		w->maps.groups_fail = !below(10);
		fib_compile(w->fib, w->now, w->usable, 1 + below(20));
		w->maps.groups_fail = false;
		while (fib_compile(w->fib, w->now, w->usable, 1 + below(9)))
			;
		settle_at(w, w->now, SECOND); /* what failed, too */
		assert_int_equal(fib_counts(w->fib).refused, 0);
		compare_maps(w, o);
		compare_addresses(w, o);
	}
	/* all gone: nothing is left behind */
	for (size_t i = 0; i < o->n; i++) {
		struct route all = {.prefix = o->v[i].prefix};

		rib_withdraw(w->rib, o->v[i].feed, &all, false, w->now);
	}
	assert_int_equal(fib_set_reserved(w->fib, NULL, 0), 0);
	compile_at(w, w->now);
	assert_int_equal(w->maps.n, 0);
	assert_int_equal(fib_counts(w->fib).groups, 0);
	assert_null(rib_next(w->rib, VIEW_LOCAL, NULL));
	free(o);
}

static void test_longest_prefix(void **state)
{
	seed_init(20261123);
	run(*state, 80);
}

static void test_class_first(void **state)
{
	struct world *w = *state;

	seed_init(20261124);
	w->f.cfg.match = MATCH_CLASS_FIRST;
	run(w, 80);
}

#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(test_longest_prefix), T(test_class_first)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
