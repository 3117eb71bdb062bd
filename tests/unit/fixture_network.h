/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An edge whose network states are told each second, and stories on it: a step does something, time
 * goes on, and what is open then is compared as text.
 */
#ifndef TESTS_FIXTURE_NETWORK_H
#define TESTS_FIXTURE_NETWORK_H

#include "fixture_incident.h"
#include "core/network_watch.h"

struct net {
	struct world w;
	struct network_watch *watch;
	struct network_facts facts;
	size_t once[NETWORK_END]; /* of each kind: opened */
	struct incident last[NETWORK_END];
	struct kernel_route kernel; /* what the kernel would do; interface empty: nothing */
};

static inline void net_hear(void *arg, enum incident_change change, const struct incident *inc)
{
	struct net *n = arg;

	n->once[inc->verdict] += change == INCIDENT_OPEN;
	n->last[inc->verdict] = *inc;
}

static inline void net_changed(void *arg, const struct prefix *prefix, const struct sw_group *old,
			       const struct sw_group *new)
{
	struct net *n = arg;

	network_watch_prefix(n->watch, prefix, old, new, n->facts.usable, n->w.e->ctx.now);
}

static inline int net_kernel(void *arg, const struct ip_addr *src, const struct ip_addr *dst,
			     const char *inside, uint8_t answer, struct kernel_route *out)
{
	const struct net *n = arg;

	(void)src, (void)dst, (void)inside, (void)answer;
	*out = n->kernel;
	return n->kernel.interface[0] ? 0 : -ENETUNREACH;
}

static inline uint64_t net_all(void)
{
	return 1ULL << ER1 | 1ULL << ER2 | 1ULL << VPN;
}

/* What the daemon does when a feed or a path has changed. */
static inline void net_look(struct net *n)
{
	struct edge *e = n->w.e;

	fib_compile(e->fib, e->ctx.now, n->facts.usable, 0);
	network_paths_look(n->watch, &e->ctx, &n->facts);
}

static inline void net_tick(struct net *n)
{
	struct edge *e = n->w.e;

	net_look(n);
	incidents_network_begin(n->w.set);
	network_watch_tell(n->watch, &e->ctx, &n->facts, n->w.set);
	incidents_network_end(n->w.set, &e->ctx);
	for (int id = 0; id < SW_MAX_PATHS; id++) {
		const struct network_path *p = &n->watch->path[id];

		e->ctx.path[id].flapping = p->flapping.open;
		e->ctx.path[id].fell = p->failed ? (uint8_t)p->cause : CAUSE_UNKNOWN;
	}
}

static inline void net_wait(struct net *n, unsigned int seconds)
{
	for (unsigned int i = 0; i < seconds; i++) {
		edge_wait(n->w.e, S);
		net_tick(n);
	}
}

/* The path objects by this word, and is not usable, or is well. */
static inline void net_path(struct net *n, int path, int word, bool objects)
{
	uint64_t bit = 1ULL << path;

	edge_object(n->w.e, path, word, objects);
	n->facts.objected = objects ? n->facts.objected | bit : n->facts.objected & ~bit;
	n->facts.usable = objects ? n->facts.usable & ~bit : n->facts.usable | bit;
	net_look(n);
}

static inline void net_route(struct net *n, const char *prefix, const char *path, uint32_t first_as)
{
	edge_route(n->w.e, prefix, path, first_as, 100);
	net_look(n);
}

static inline void net_withdraw(struct net *n, const char *prefix, const char *path)
{
	edge_withdraw(n->w.e, prefix, path);
	net_look(n);
}

/* "kind subject severity cause", in order of id, by "; ". */
static inline void net_open_text(const struct net *n, char out[2048])
{
	const struct incident *inc;
	size_t len = 0;

	out[0] = 0;
	for (size_t i = 0; (inc = incidents_get(n->w.set, i)); i++)
		if (inc->open)
			len += (size_t)snprintf(
				out + len, 2048 - len, "%s%s %s %s %s", len ? "; " : "",
				incident_verdict_name(inc->verdict), inc->subject,
				severity_name(inc->severity), cause_name(inc->cause));
}

struct step {
	void (*act)(struct net *n);
	unsigned int seconds; /* after it */
	const char *open;
};

struct story {
	const char *id;
	struct step step[12];
};

/* The seed's Location 1, steady: hub and spoke by both, the remote region by ExpressRoute alone, a
 * branch by the VPN alone. The second circuit has no routes. */
static inline struct net *net_new(void)
{
	static const struct fib_ops ops = {
		.group_write = edge_group_write,
		.prefix_write = edge_prefix_write,
		.prefix_remove = edge_prefix_remove,
		.slice = edge_slice,
		.quiesce = edge_quiesce,
		.default_write = edge_default_write,
		.changed = net_changed,
	};
	struct net *n = calloc(1, sizeof(*n));
	struct fib_ops mine = ops;
	struct edge *e;

	assert_non_null(n);
	n->w.e = e = edge_new();
	mine.arg = n;
	fib_free(e->fib);
	e->fib = fib_new(&e->cfg, e->rib, &mine);
	e->ctx.fib = e->fib;
	e->ctx.kernel_route = net_kernel;
	e->ctx.kernel_arg = n;
	e->cfg.failback_delay_ns = S;
	for (unsigned int i = 0; i < 3; i++)
		e->paths[i].circuit_id = i;
	n->w.set = incidents_new(net_hear, n);
	n->watch = network_watch_new();
	assert_non_null(n->w.set);
	assert_non_null(n->watch);
	n->facts = (struct network_facts){.usable = net_all(), .routes_told = true};
	edge_route(e, "10.10.30.0/24", "er1-primary", 12076, 200);
	edge_route(e, "10.10.30.0/24", "vpn30", 65515, 100);
	edge_route(e, "10.11.30.0/26", "er1-primary", 12076, 200);
	edge_route(e, "10.11.30.0/26", "vpn30", 65515, 100);
	edge_route(e, "10.17.30.0/26", "er1-primary", 12076, 200);
	edge_route(e, "10.11.30.64/26", "vpn30", 65515, 100);
	net_tick(n);
	return n;
}

static inline void net_free(struct net *n)
{
	network_watch_free(n->watch);
	incidents_free(n->w.set);
	edge_free(n->w.e);
	free(n);
}

static inline void net_story(const struct story *story)
{
	struct net *n = net_new();

	for (size_t i = 0; i < 12 && story->step[i].open; i++) {
		const struct step *step = &story->step[i];
		char open[2048];

		if (step->act)
			step->act(n);
		net_wait(n, step->seconds);
		net_open_text(n, open);
		if (strcmp(open, step->open))
			fail_msg("%s, step %zu: open is '%s', not '%s'", story->id, i, open,
				 step->open);
	}
	net_free(n);
}

#endif
