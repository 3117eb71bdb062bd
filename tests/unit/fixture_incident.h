/* SPDX-License-Identifier: GPL-2.0-only */
/* An edge with a set of incidents, and what its callback said. */
#ifndef TESTS_FIXTURE_INCIDENT_H
#define TESTS_FIXTURE_INCIDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fixture_edge.h"
#include "core/cause.h"

/* What the callback said. */
struct heard {
	size_t n[3];
	struct incident last;
};

static inline void hear(void *arg, enum incident_change change, const struct incident *inc)
{
	struct heard *h = arg;

	h->n[change]++;
	h->last = *inc;
	assert_int_equal(inc->open, change != INCIDENT_CLOSE);
}

struct world {
	struct edge *e;
	struct incidents *set;
	struct heard heard;
};

static inline int world_new(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->e = edge_new();
	edge_hub(w->e);
	w->set = incidents_new(hear, &w->heard);
	assert_non_null(w->set);
	*state = w;
	return 0;
}

static inline int world_free(void **state)
{
	struct world *w = *state;

	incidents_free(w->set);
	edge_free(w->e);
	free(w);
	return 0;
}

static inline void event(struct world *w, enum sw_verdict verdict, uint16_t port, int out, int in)
{
	struct sw_event ev = edge_hub_event(w->e, verdict, port, out, in);

	incidents_event(w->set, &w->e->ctx, &ev);
}

static inline void scan_flow(struct world *w, const struct sw_event *ev)
{
	struct flow flow = {.about = ev->about, .created_ns = ev->created_ns, .state = ev->state};

	incidents_scan_flow(w->set, &w->e->ctx, &ev->key, &flow);
}

/* A scan that finds `n` flows, ports 1 to n, of this verdict. */
static inline void scan(struct world *w, uint16_t n, enum sw_verdict verdict, int out, int in)
{
	incidents_scan_begin(w->set);
	for (uint16_t port = 1; port <= n; port++) {
		struct sw_event ev = edge_hub_event(w->e, verdict, port, out, in);

		scan_flow(w, &ev);
	}
	incidents_scan_end(w->set, &w->e->ctx);
}

static inline void assert_heard(const struct world *w, size_t opened, size_t updated, size_t closed)
{
	assert_int_equal(w->heard.n[INCIDENT_OPEN], opened);
	assert_int_equal(w->heard.n[INCIDENT_UPDATE], updated);
	assert_int_equal(w->heard.n[INCIDENT_CLOSE], closed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_new, world_free)

#endif
