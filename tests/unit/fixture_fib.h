/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Maps that watch the compiler: a group is written before a prefix points to it, one in use never
 * changes (but for since_ns back to 0), and an id let go is written again only after a wait for the
 * packets that may have it. What covers a removed prefix is what is there. Full, or slow, on
 * demand.
 */
#ifndef FIXTURE_FIB_H
#define FIXTURE_FIB_H

#include "fixture_rib.h"

#include <errno.h>

#include "core/fib.h"

#define SECOND 1000000000ULL
#define T0     (1000 * SECOND)
#define HOUR   (3600 * SECOND)
#define BIT(p) (1ULL << (p))

struct fake_prefix {
	struct prefix prefix;
	uint32_t group;
};

struct fake_maps {
	struct sw_group groups[SW_MAX_GROUPS];
	size_t refs[SW_MAX_GROUPS];
	size_t freed[SW_MAX_GROUPS]; /* waits there were when it was let go, and one; 0: never */
	struct fake_prefix v[2000];
	size_t n, max; /* max: prefixes that fit */
	bool groups_fail;
	bool slow;	 /* each write is unfinished at first */
	bool unfinished; /* the last one is */
	size_t quiesces;
	int quiesce_error;
	uint32_t defaults[2];
	uint64_t now;
	size_t group_writes, prefix_writes, removes;
};

struct world {
	struct fixture f;
	struct rib *rib;
	struct fib *fib;
	struct fake_maps maps;
	uint64_t now, usable;
};

static inline struct fake_prefix *fake_find(struct fake_maps *m, const struct prefix *p)
{
	for (size_t i = 0; i < m->n; i++)
		if (prefix_equal(&m->v[i].prefix, p))
			return &m->v[i];
	return NULL;
}

static inline int fake_group_write(void *arg, uint32_t id, const struct sw_group *group)
{
	struct fake_maps *m = arg;

	assert_in_range(id, 1, SW_MAX_GROUPS - 1);
	if (m->groups_fail)
		return -EIO;
	if (m->refs[id]) {
		struct sw_group settled = m->groups[id];

		settled.since_ns = 0;
		assert_memory_equal(&settled, group, sizeof(settled));
	} else if (m->freed[id]) {
		assert_true(m->quiesces >= m->freed[id]);
	}
	m->groups[id] = *group;
	m->group_writes++;
	return 0;
}

static inline void fake_unref(struct fake_maps *m, uint32_t id)
{
	if (!--m->refs[id])
		m->freed[id] = m->quiesces + 1;
}

static inline int fake_begin(struct fake_maps *m)
{
	m->unfinished = m->slow;
	return m->unfinished;
}

static inline int fake_prefix_write(void *arg, const struct prefix *prefix, uint32_t group,
				    bool fresh)
{
	struct fake_maps *m = arg;
	struct fake_prefix *at = fake_find(m, prefix);

	assert_int_equal(fresh, !at);
	assert_int_not_equal(m->groups[group].kind, SW_GROUP_FREE);
	if (!at && m->n >= m->max)
		return -ENOSPC;
	if (!at) {
		at = &m->v[m->n++];
		*at = (struct fake_prefix){.prefix = *prefix};
	}
	m->refs[group]++;
	if (at->group)
		fake_unref(m, at->group);
	at->group = group;
	m->prefix_writes++;
	return fake_begin(m);
}

/* The longest that covers it, the default route aside. */
static inline const struct fake_prefix *fake_cover(const struct fake_maps *m,
						   const struct prefix *prefix)
{
	const struct fake_prefix *best = NULL;

	for (size_t i = 0; i < m->n; i++) {
		const struct prefix *p = &m->v[i].prefix;

		if (p->len && p->len < prefix->len && prefix_contains(p, prefix) &&
		    (!best || p->len > best->prefix.len))
			best = &m->v[i];
	}
	return best;
}

static inline int fake_prefix_remove(void *arg, const struct prefix *prefix, uint8_t cover_len,
				     uint32_t cover_group)
{
	struct fake_maps *m = arg;
	struct fake_prefix *at = fake_find(m, prefix);
	const struct fake_prefix *cover = fake_cover(m, prefix);

	assert_non_null(at);
	assert_int_equal(cover_len, cover ? cover->prefix.len : 0);
	assert_int_equal(cover_group, cover ? cover->group : 0);
	fake_unref(m, at->group);
	*at = m->v[--m->n];
	m->removes++;
	return fake_begin(m);
}

static inline bool fake_slice(void *arg)
{
	struct fake_maps *m = arg;

	m->unfinished = false;
	return false;
}

static inline int fake_quiesce(void *arg)
{
	struct fake_maps *m = arg;

	m->quiesces += !m->quiesce_error;
	return m->quiesce_error;
}

static inline void fake_default_write(void *arg, uint8_t family, uint32_t group)
{
	((struct fake_maps *)arg)->defaults[family == 6] = group;
}

static inline void world_fib(struct world *w)
{
	struct fib_ops ops = {
		.arg = &w->maps,
		.group_write = fake_group_write,
		.prefix_write = fake_prefix_write,
		.prefix_remove = fake_prefix_remove,
		.slice = fake_slice,
		.quiesce = fake_quiesce,
		.default_write = fake_default_write,
	};

	w->fib = fib_new(&w->f.cfg, w->rib, &ops);
	assert_non_null(w->fib);
}

static inline int world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	fixture_init(&w->f);
	w->rib = rib_new(&w->f.cfg, NULL);
	w->maps.max = 2000;
	w->now = T0;
	w->usable = ~0ULL;
	world_fib(w);
	*state = w;
	return 0;
}

static inline int world_teardown(void **state)
{
	struct world *w = *state;

	fib_free(w->fib);
	rib_free(w->rib);
	free(w);
	return 0;
}

static inline void compile_at(struct world *w, uint64_t now)
{
	w->now = now;
	w->maps.now = now;
	assert_int_equal(fib_compile(w->fib, now, w->usable, 0), 0);
	assert_int_equal(fib_counts(w->fib).pending, 0);
}

static inline void settle_at(struct world *w, uint64_t now, uint64_t grace_ns)
{
	w->now = now;
	w->maps.now = now;
	fib_settle(w->fib, now, grace_ns);
}

/* The group that the maps hold for exactly this prefix; NULL: not installed. */
static inline const struct sw_group *group_of(struct world *w, const char *text)
{
	struct prefix p = pfx(text);
	struct fake_prefix *at = fake_find(&w->maps, &p);

	return at ? &w->maps.groups[at->group] : NULL;
}

static inline uint32_t id_of(struct world *w, const char *text)
{
	struct prefix p = pfx(text);
	struct fake_prefix *at = fake_find(&w->maps, &p);

	return at ? at->group : 0;
}

static inline uint8_t kind_at(struct world *w, const char *ip_text)
{
	struct ip_addr ip = addr(ip_text);
	struct prefix p;
	struct sw_group g;

	return fib_lookup(w->fib, &ip, &p, &g) ? g.kind : (uint8_t)SW_GROUP_FREE;
}

#define HUB   "10.10.30.0/24"
#define SPOKE "10.11.30.0/26"
#define ONLY  "10.17.30.0/26" /* ExpressRoute alone */
#define GRACE (60 * SECOND)

/* The seed's state: hub and spoke on both, a prefix that ExpressRoute alone has. */
static inline void steady(struct world *w)
{
	put(w->rib, &w->f, HUB, ER1A);
	put(w->rib, &w->f, HUB, VPN);
	put(w->rib, &w->f, SPOKE, ER1A);
	put(w->rib, &w->f, SPOKE, VPN);
	put(w->rib, &w->f, ONLY, ER1A);
	compile_at(w, T0);
	fib_sync_done(w->fib);
}

#endif
