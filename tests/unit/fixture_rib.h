/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An edge for tests of RIB, ladder and compiler: two ExpressRoute circuits, the first with two
 * paths, a VPN, and a peering that `prefer` does not list; feed 0 is BGP, 1 and 2 are jsonl.
 */
#ifndef FIXTURE_RIB_H
#define FIXTURE_RIB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/rib.h"

enum { ER1A, ER1B, ER2, VPN, PEERING, N_PATHS };
enum { FEED_ROUTER, FEED_FILE, FEED_OTHER };

struct fixture {
	struct config_path paths[N_PATHS];
	struct ip_addr peers[N_PATHS];
	struct prefix network;
	struct config_inside inside;
	struct config_feed feeds[3];
	struct config cfg;
};

static inline struct ip_addr addr(const char *text)
{
	struct ip_addr ip;

	assert_int_equal(ip_parse(text, &ip), 0);
	return ip;
}

static inline struct prefix pfx(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p, NULL), 0);
	return p;
}

static inline void fixture_path(struct fixture *f, int i, const char *name, enum sw_class class,
				unsigned int circuit, const char *gateway, uint32_t as)
{
	struct config_path *path = &f->paths[i];

	snprintf(path->name, sizeof(path->name), "%s", name);
	path->class = class;
	path->circuit_id = circuit;
	path->as = as;
	if (class == SW_CLASS_VPN) {
		f->peers[i] = addr(gateway);
		path->peers = &f->peers[i];
		path->n_peers = 1;
	} else {
		path->gateway = addr(gateway);
	}
}

static inline void fixture_init(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	fixture_path(f, ER1A, "er1-primary", SW_CLASS_EXPRESSROUTE, 0, "192.168.30.18", 12076);
	fixture_path(f, ER1B, "er1-secondary", SW_CLASS_EXPRESSROUTE, 0, "192.168.30.22", 12076);
	fixture_path(f, ER2, "er2", SW_CLASS_EXPRESSROUTE, 1, "192.168.31.18", 12076);
	fixture_path(f, VPN, "vpn30", SW_CLASS_VPN, 2, "10.10.30.254", 65515);
	fixture_path(f, PEERING, "ix", SW_CLASS_PEERING, 3, "192.0.2.1", 0);
	f->paths[ER1A].gateway6 = addr("fe80::18");
	f->network = pfx("10.2.30.0/25");
	f->inside.networks = &f->network;
	f->inside.n_networks = 1;
	f->feeds[FEED_ROUTER].type = FEED_BGP;
	f->feeds[FEED_FILE].type = FEED_JSONL;
	f->feeds[FEED_OTHER].type = FEED_JSONL;
	f->cfg.prefer[0] = SW_CLASS_EXPRESSROUTE;
	f->cfg.prefer[1] = SW_CLASS_VPN;
	f->cfg.n_prefer = 2;
	f->cfg.class_first_min = 16;
	f->cfg.paths = f->paths;
	f->cfg.n_paths = N_PATHS;
	f->cfg.inside = &f->inside;
	f->cfg.n_inside = 1;
	f->cfg.feeds = f->feeds;
	f->cfg.n_feeds = 3;
}

/* A local route by the path's name; the rest is the caller's to set. */
static inline struct route route_by(const struct fixture *f, const char *prefix, int path)
{
	struct route r = {.view = VIEW_LOCAL, .prefix = pfx(prefix)};

	memcpy(r.path, f->paths[path].name, sizeof(r.path));
	return r;
}

static inline void route_as(struct route *r, const uint32_t *as, size_t n)
{
	r->has_as_path = true;
	r->as_path = as;
	r->n_as = n;
}

static inline void put(struct rib *rib, const struct fixture *f, const char *prefix, int path)
{
	struct route r = route_by(f, prefix, path);

	assert_int_equal(rib_announce(rib, FEED_FILE, &r, 1), RIB_OK);
}

static inline void take(struct rib *rib, const struct fixture *f, const char *prefix, int path)
{
	struct route r = route_by(f, prefix, path);

	assert_int_equal(rib_withdraw(rib, FEED_FILE, &r, false, 2), 1);
}

static unsigned int seed_state;

static inline void seed_init(unsigned int fallback)
{
	const char *text = getenv("SEED");

	seed_state = text ? (unsigned int)strtoul(text, NULL, 0) : fallback;
	print_message("SEED=%u\n", seed_state);
}

static inline unsigned int below(unsigned int n)
{
	return (unsigned int)rand_r(&seed_state) % n;
}

/* A prefix out of few, so that they cover each other and come again. */
static inline struct prefix random_prefix(void)
{
	static const uint8_t lens4[] = {0, 8, 12, 16, 17, 24, 30, 32};
	static const uint8_t lens6[] = {0, 16, 32, 48, 64, 65, 127, 128};
	struct prefix p = {.family = below(3) ? 4 : 6};

	p.len = p.family == 4 ? lens4[below(8)] : lens6[below(8)];
	for (int i = 0; i < (p.family == 4 ? 4 : 16); i++)
		p.bytes[i] = (uint8_t)(below(4) ? 0 : below(2) ? 0x80 : below(4));
	p.bytes[0] = p.family == 4 ? 172 : 0xfd;
	prefix_mask(&p);
	return p;
}

/* The fixture with a RIB. */
struct edge {
	struct fixture f;
	struct rib *rib;
};

static inline int edge_setup(void **state)
{
	struct edge *e = calloc(1, sizeof(*e));

	fixture_init(&e->f);
	e->rib = rib_new(&e->f.cfg, NULL);
	*state = e;
	return 0;
}

static inline int edge_teardown(void **state)
{
	struct edge *e = *state;

	rib_free(e->rib);
	free(e);
	return 0;
}

/* The prefix's first candidate, NULL: none. */
static inline const struct candidate *edge_first(const struct edge *e, enum rib_view view,
						 const char *prefix)
{
	struct prefix p = pfx(prefix);
	struct rib_node *node = rib_find(e->rib, view, &p);

	return node ? rib_node_candidates(node) : NULL;
}

#endif
