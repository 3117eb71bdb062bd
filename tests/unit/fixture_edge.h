/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An edge for tests of incidents: two ExpressRoute circuits and a VPN, an inside network of each
 * family, a RIB and a FIB on it, and helpers that read like the situations they set up. Path ids
 * are on purpose not the config's order.
 */
#ifndef TESTS_FIXTURE_EDGE_H
#define TESTS_FIXTURE_EDGE_H

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/incident.h"

#define S	  1000000000ULL
#define MS	  1000000ULL
#define WALL_BASE 1795000000000000000ULL /* November 2026 */
#define NOW_BASE  (100000 * S)

enum { ER1 = 3, ER2 = 1, VPN = 7 };
enum { WORD_LINK, WORD_PEERS4, WORD_PEERS6, WORD_BFD, WORD_PROBE, WORD_ADMIN, WORD_FAILBACK };

struct edge {
	struct config cfg;
	struct config_path paths[3];
	struct config_inside inside;
	struct prefix networks[3];
	uint8_t ids[3];
	struct rib *rib;
	struct fib *fib;
	struct incident_context ctx;
};

static inline struct prefix prefix_of(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p, NULL), 0);
	return p;
}

static inline int edge_group_write(void *arg, uint32_t id, const struct sw_group *group)
{
	(void)arg, (void)id, (void)group;
	return 0;
}

static inline int edge_prefix_write(void *arg, const struct prefix *prefix, uint32_t group,
				    bool fresh)
{
	(void)arg, (void)prefix, (void)group, (void)fresh;
	return 0;
}

static inline int edge_prefix_remove(void *arg, const struct prefix *prefix, uint8_t len,
				     uint32_t group)
{
	(void)arg, (void)prefix, (void)len, (void)group;
	return 0;
}

static inline bool edge_slice(void *arg)
{
	(void)arg;
	return false;
}

static inline int edge_quiesce(void *arg)
{
	(void)arg;
	return 0;
}

static inline void edge_default_write(void *arg, uint8_t family, uint32_t group)
{
	(void)arg, (void)family, (void)group;
}

static inline struct edge *edge_new(void)
{
	static const struct fib_ops ops = {
		.group_write = edge_group_write,
		.prefix_write = edge_prefix_write,
		.prefix_remove = edge_prefix_remove,
		.slice = edge_slice,
		.quiesce = edge_quiesce,
		.default_write = edge_default_write,
	};
	struct edge *e = calloc(1, sizeof(*e));

	assert_non_null(e);
	e->paths[0] = (struct config_path){.name = "er1-primary",
					   .class = SW_CLASS_EXPRESSROUTE,
					   .circuit = "er1",
					   .interface = "er0"};
	e->paths[1] = (struct config_path){
		.name = "vpn30", .class = SW_CLASS_VPN, .circuit = "s2s", .interface = "tun30"};
	e->paths[2] = (struct config_path){
		.name = "er2-primary", .class = SW_CLASS_EXPRESSROUTE, .interface = "er5"};
	e->ids[0] = ER1;
	e->ids[1] = VPN;
	e->ids[2] = ER2;
	e->networks[0] = prefix_of("10.2.0.0/16");
	e->networks[1] = prefix_of("10.2.30.0/25");
	e->networks[2] = prefix_of("fd02:30::/64");
	e->inside = (struct config_inside){
		.interface = "lan0", .networks = e->networks, .n_networks = 3};
	e->cfg = (struct config){
		.mode = SW_MODE_ENFORCE,
		.prefer = {SW_CLASS_EXPRESSROUTE, SW_CLASS_VPN},
		.n_prefer = 2,
		.grace_ns = 60 * S,
		.confirm_ns = 15 * S,
		.class_first_min = 16,
		.paths = e->paths,
		.n_paths = 3,
		.inside = &e->inside,
		.n_inside = 1,
	};
	e->rib = rib_new(&e->cfg, e->ids);
	assert_non_null(e->rib);
	e->fib = fib_new(&e->cfg, e->rib, &ops);
	assert_non_null(e->fib);
	e->ctx = (struct incident_context){.cfg = &e->cfg,
					   .rib = e->rib,
					   .fib = e->fib,
					   .path_ids = e->ids,
					   .now = NOW_BASE,
					   .wall = WALL_BASE};
	for (int i = 0; i < 3; i++)
		e->ctx.path[e->ids[i]].configured = true;
	return e;
}

static inline void edge_free(struct edge *e)
{
	fib_free(e->fib);
	rib_free(e->rib);
	free(e);
}

static inline void edge_wait(struct edge *e, uint64_t ns)
{
	e->ctx.now += ns;
	e->ctx.wall += ns;
}

static inline void edge_route(struct edge *e, const char *prefix, const char *path,
			      uint32_t first_as, uint32_t local_pref)
{
	const uint32_t as_path[] = {first_as};
	struct route r = {.view = VIEW_LOCAL,
			  .prefix = prefix_of(prefix),
			  .as_path = as_path,
			  .n_as = 1,
			  .has_as_path = true,
			  .has_local_pref = true,
			  .local_pref = local_pref};

	snprintf(r.path, sizeof(r.path), "%s", path);
	assert_int_equal(rib_announce(e->rib, 0, &r, e->ctx.now), RIB_OK);
}

static inline void edge_withdraw(struct edge *e, const char *prefix, const char *path)
{
	struct route r = {.view = VIEW_LOCAL, .prefix = prefix_of(prefix)};

	snprintf(r.path, sizeof(r.path), "%s", path);
	assert_int_equal(rib_withdraw(e->rib, 0, &r, false, e->ctx.now), 1);
}

/* The usual: hub by ER (better) and VPN. */
static inline void edge_hub(struct edge *e)
{
	edge_route(e, "10.10.30.0/24", "er1-primary", 12076, 200);
	edge_route(e, "10.10.30.0/24", "vpn30", 65515, 100);
}

static inline void edge_object(struct edge *e, int path, int word, bool objects)
{
	e->ctx.path[path].objections[word] = objects;
	e->ctx.path[path].changed_ns = e->ctx.now;
}

/* A flow's event: inside host, outside host, paths out and in. The key is ordered, as in bpf/. */
static inline struct sw_event edge_event(const struct edge *e, enum sw_verdict verdict,
					 const char *src, const char *dst, uint16_t port, int out,
					 int in)
{
	int family = strchr(src, ':') ? AF_INET6 : AF_INET;
	struct sw_event ev = {
		.ts_ns = e->ctx.now,
		.created_ns = e->ctx.now - 10 * MS,
		.state = {.out = (uint8_t)out, .in = (uint8_t)in, .verdict = (uint8_t)verdict},
	};
	uint8_t a[16] = {0}, b[16] = {0};
	bool swap;

	assert_int_equal(inet_pton(family, src, a), 1);
	assert_int_equal(inet_pton(family, dst, b), 1);
	swap = memcmp(a, b, 16) > 0;
	memcpy(ev.key.lo, swap ? b : a, 16);
	memcpy(ev.key.hi, swap ? a : b, 16);
	ev.key.lo_port = swap ? htons(443) : htons(port);
	ev.key.hi_port = swap ? htons(port) : htons(443);
	ev.key.proto = 6;
	ev.key.family = family == AF_INET ? 4 : 6;
	ev.about = swap ? SW_FLOW_INSIDE_IS_HI : 0;
	return ev;
}

static inline struct sw_event edge_hub_event(const struct edge *e, enum sw_verdict verdict,
					     uint16_t port, int out, int in)
{
	return edge_event(e, verdict, "10.2.30.10", "10.10.30.4", port, out, in);
}

#endif
