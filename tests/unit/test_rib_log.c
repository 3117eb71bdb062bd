/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A table through the log is the table that was told one by one: two RIBs with a compiler each hear
 * the same random story, one of them by rib_announce_later() and compiled in slices, and are then
 * the same, candidate by candidate (SEED=n repeats it). And more changes than the dirty queue
 * holds.
 */
#include "core/fib_internal.h"
#include "fixture_rib.h"

#define NOW	 1000000000000ULL
#define MANY	 (DIRTY_MAX + 5000)
#define ALL	 (2 * MANY + 1) /* of which many are no half */
#define PREFIXES 3000

struct side {
	struct rib *rib;
	struct fib *fib;
	size_t installed, writes;
};

struct world {
	struct fixture f;
	struct side plain, logged;
	struct prefix prefix[PREFIXES];
};

static int group_write(void *arg, uint32_t id, const struct sw_group *group)
{
	(void)arg;
	(void)id;
	(void)group;
	return 0;
}

static int prefix_write(void *arg, const struct prefix *prefix, uint32_t group, bool fresh)
{
	struct side *side = arg;

	(void)prefix;
	(void)group;
	side->installed += fresh;
	side->writes++;
	return 0;
}

static int prefix_remove(void *arg, const struct prefix *prefix, uint8_t len, uint32_t group)
{
	(void)prefix;
	(void)len;
	(void)group;
	((struct side *)arg)->installed--;
	return 0;
}

static bool slice(void *arg)
{
	(void)arg;
	return false;
}

static int quiesce(void *arg)
{
	(void)arg;
	return 0;
}

static void default_write(void *arg, uint8_t family, uint32_t group)
{
	(void)arg;
	(void)family;
	(void)group;
}

static void side_init(const struct config *cfg, struct side *side)
{
	const struct fib_ops ops = {
		.arg = side,
		.group_write = group_write,
		.prefix_write = prefix_write,
		.prefix_remove = prefix_remove,
		.slice = slice,
		.quiesce = quiesce,
		.default_write = default_write,
	};

	side->rib = rib_new(cfg, NULL);
	side->fib = fib_new(cfg, side->rib, &ops);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	fixture_init(&w->f);
	side_init(&w->f.cfg, &w->plain);
	side_init(&w->f.cfg, &w->logged);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	fib_free(w->plain.fib);
	rib_free(w->plain.rib);
	fib_free(w->logged.fib);
	rib_free(w->logged.rib);
	free(w);
	return 0;
}

/* All over the buckets: of IPv6 inside 2000::/3 and outside, many in one. */
static struct prefix any_prefix(void)
{
	struct prefix p = {.family = below(2) ? 4 : 6};

	p.len = (uint8_t)(below(4) ? 12 + below(21) : below(12));
	for (unsigned int i = 0; i < 4; i++)
		p.bytes[i] = (uint8_t)below(256);
	if (p.family == 6 && below(4))
		p.bytes[0] = 0x2a, p.bytes[1] = 0;
	if (!below(3))
		p.bytes[0] = p.family == 4 ? 172 : 0x2a, p.bytes[1] = 1;
	if (p.family == 6 && !below(3)) {
		p.len = (uint8_t)(33 + below(96));
		for (unsigned int i = 4; i < 16; i++)
			p.bytes[i] = (uint8_t)below(i < 12 ? 2 : 256);
	}
	prefix_mask(&p);
	return p;
}

static void change(struct world *w, feed_id feed)
{
	int path = (int)below(N_PATHS);
	struct route r = route_by(&w->f, "0.0.0.0/0", path);
	uint32_t as[2] = {12076, 65000 + below(3)};

	r.prefix = w->prefix[below(PREFIXES)];
	r.view = below(8) ? VIEW_LOCAL : VIEW_REMOTE;
	r.source = (uint16_t)below(2);
	r.sub = feed == FEED_ROUTER ? below(2) : 0;
	r.chosen = !below(20);
	route_as(&r, as, 2);
	if (!below(8)) {
		assert_int_equal(rib_withdraw(w->plain.rib, feed, &r, feed == FEED_ROUTER, NOW),
				 rib_withdraw(w->logged.rib, feed, &r, feed == FEED_ROUTER, NOW));
		return;
	}
	rib_announce(w->plain.rib, feed, &r, NOW);
	rib_announce_later(w->logged.rib, feed, &r, NOW);
}

static void change_feed(struct world *w, feed_id feed)
{
	struct side *sides[] = {&w->plain, &w->logged};
	struct ip_addr peer = w->f.paths[below(N_PATHS)].gateway;
	uint16_t source = (uint16_t)below(2);
	unsigned int what = below(5);

	for (int i = 0; i < 2; i++) {
		struct rib *rib = sides[i]->rib;

		switch (what) {
		case 0:
			rib_source_mark(rib, feed, source);
			break;
		case 1:
			rib_source_sweep(rib, feed, source, NOW);
			break;
		case 2:
			rib_source_stale(rib, feed, source, NOW);
			break;
		case 3:
			rib_peer_down(rib, feed, &peer, NOW);
			break;
		default:
			rib_expire_stale(rib, NOW + 10, 5);
		}
	}
}

static void assert_same_candidates(const struct rib *in, const struct rib_node *a,
				   const struct rib *with, const struct rib_node *b)
{
	const struct candidate *x = rib_node_candidates(a), *y = rib_node_candidates(b);

	for (; x && y; x = x->next, y = y->next) {
		assert_int_equal(x->attr->path, y->attr->path);
		assert_int_equal(x->attr->class, y->attr->class);
		assert_int_equal(x->attr->as_path[1], y->attr->as_path[1]);
		assert_int_equal(x->sub, y->sub);
		assert_int_equal(x->attr->feed, y->attr->feed);
		assert_int_equal(x->source, y->source);
		assert_int_equal(x->mark, y->mark);
		assert_int_equal(x->chosen, y->chosen);
		assert_int_equal(x->stale, y->stale);
		assert_true(rib_stale_ns(in, x) == rib_stale_ns(with, y));
		assert_int_equal(x->peer_down, y->peer_down);
	}
	assert_true(!x && !y);
}

static void assert_same_ribs(const struct rib *a, const struct rib *b)
{
	struct rib_counts x = rib_counts(a), y = rib_counts(b);

	assert_memory_equal(&x, &y, sizeof(x));
	for (int view = 0; view < VIEW_COUNT; view++) {
		struct rib_node *at = NULL, *with = NULL;

		do {
			at = rib_next(a, (enum rib_view)view, at);
			with = rib_next(b, (enum rib_view)view, with);
			assert_int_equal(!at, !with);
			if (!at)
				break;
			assert_true(prefix_equal(rib_node_prefix(at), rib_node_prefix(with)));
			assert_same_candidates(a, at, b, with);
		} while (true);
	}
}

/* The groups are made in another order: what they say is to be the same. */
static void assert_same_answers(const struct world *w)
{
	for (size_t i = 0; i < PREFIXES; i++) {
		struct ip_addr ip = prefix_address(&w->prefix[i]);
		struct prefix p = {0}, q = {0};
		struct sw_group a = {0}, b = {0};

		assert_int_equal(fib_lookup(w->plain.fib, &ip, &p, &a),
				 fib_lookup(w->logged.fib, &ip, &q, &b));
		assert_memory_equal(&p, &q, sizeof(p));
		assert_memory_equal(&a, &b, sizeof(a));
	}
}

static void test_same_as_one_by_one(void **state)
{
	struct world *w = *state;

	seed_init(20261127);
	for (size_t i = 0; i < PREFIXES; i++)
		w->prefix[i] = any_prefix();
	for (int round = 0; round < 30; round++) {
		for (unsigned int i = below(2000); i; i--) {
			change(w, below(3));
			if (!below(400))
				change_feed(w, below(3));
			if (!below(100))
				fib_compile(w->logged.fib, NOW, ~0ULL, 1 + below(50));
		}
		fib_compile(w->plain.fib, NOW, ~0ULL, 0);
		while (fib_compile(w->logged.fib, NOW, ~0ULL, 1 + below(200)))
			;
		assert_same_ribs(w->plain.rib, w->logged.rib);
		assert_same_answers(w);
		assert_int_equal(w->plain.installed, w->logged.installed);
	}
}

/* What waits is no candidate yet, counts for its feed, and waits for as long as the compiler does.
 */
static void test_waits(void **state)
{
	struct world *w = *state;
	struct side *side = &w->logged;
	struct route r = route_by(&w->f, "192.0.2.0/24", ER1A);

	fib_hold(side->fib, true);
	assert_int_equal(rib_announce_later(side->rib, FEED_FILE, &r, NOW), RIB_OK);
	assert_int_equal(fib_compile(side->fib, NOW, ~0ULL, 0), 1);
	assert_int_equal(rib_counts(side->rib).candidates, 0);
	assert_int_equal(rib_feed_routes(side->rib, FEED_FILE), 1);
	fib_hold(side->fib, false);
	assert_int_equal(fib_compile(side->fib, NOW, ~0ULL, 0), 0);
	assert_int_equal(rib_counts(side->rib).candidates, 1);
	assert_int_equal(rib_feed_routes(side->rib, FEED_FILE), 1);
	assert_int_equal(side->installed, 1);
}

/* No more than it may hold: what comes then is put where it belongs, and so is what waits there. */
static void test_full(void **state)
{
	struct world *w = *state;
	struct rib *rib = w->logged.rib;
	struct route r = route_by(&w->f, "192.0.2.0/24", ER1A), s = r;
	const struct candidate *c;

	route_as(&s, (uint32_t[]){12076, 65000}, 2);
	assert_int_equal(rib_announce_later(rib, FEED_FILE, &r, NOW), RIB_OK);
	assert_int_equal(rib_counts(rib).candidates, 0);
	rib->log.n += 1 << 30;
	assert_int_equal(rib_announce_later(rib, FEED_FILE, &s, NOW), RIB_OK);
	rib->log.n -= 1 << 30;
	assert_int_equal(rib_counts(rib).candidates, 1);
	assert_int_equal(rib_feed_routes(rib, FEED_FILE), 1);
	c = rib_node_candidates(rib_find(rib, VIEW_LOCAL, &r.prefix));
	assert_int_equal(c->attr->n_as, 2); /* the later one stands */
}

/* Prefix i, by a path. */
static struct route many_route(const struct world *w, uint32_t i, int path)
{
	struct route r = route_by(&w->f, "16.0.0.0/24", path);

	r.prefix.bytes[0] = (uint8_t)(16 + (i >> 16));
	r.prefix.bytes[1] = (uint8_t)(i >> 8);
	r.prefix.bytes[2] = (uint8_t)i;
	return r;
}

static void test_more_than_the_queue(void **state)
{
	struct world *w = *state;
	struct side *side = &w->plain;
	struct route r;

	for (uint32_t i = 0; i < ALL; i++) {
		r = many_route(w, i, ER1A);
		assert_int_equal(rib_announce(side->rib, FEED_FILE, &r, NOW), RIB_OK);
	}
	assert_int_equal(fib_compile(side->fib, NOW, ~0ULL, 0), 0);
	assert_int_equal(side->installed, ALL);
	side->writes = 0;
	for (uint32_t i = 0; i < MANY; i++) {
		r = many_route(w, 2 * i, VPN);
		assert_int_equal(rib_announce(side->rib, FEED_FILE, &r, NOW), RIB_OK);
	}
	assert_true(fib_compile(side->fib, NOW, ~0ULL, 500) > 0);
	assert_int_equal(rib_withdraw(side->rib, FEED_FILE, &r, false, NOW), 1);
	while (fib_compile(side->fib, NOW, ~0ULL, 500))
		;
	assert_int_equal(side->writes, MANY - 1);
	assert_int_equal(rib_source_drop(side->rib, FEED_FILE, 0, NOW), ALL + MANY - 1);
	assert_int_equal(fib_compile(side->fib, NOW, ~0ULL, 0), 0);
	assert_int_equal(side->installed, 0);
	assert_int_equal(fib_counts(side->fib).pending, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_same_as_one_by_one),
		T(test_waits),
		T(test_full),
		T(test_more_than_the_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
