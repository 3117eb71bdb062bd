/* SPDX-License-Identifier: GPL-2.0-only */
/* The edge with BGP neighbours, routes of both views by AS path, and what is told of a flow. */
#ifndef TESTS_FIXTURE_SCENE_H
#define TESTS_FIXTURE_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fixture_edge.h"
#include "core/cause.h"

#define ER  SW_CLASS_EXPRESSROUTE
#define OUT "10.2.30.10"

struct scene {
	struct edge *e;
	struct cause_facts f;
	struct cause_told t;
};

static inline int scene_new(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->e = edge_new();
	s->e->paths[0].gateway = (struct ip_addr){4, {192, 168, 30, 18}};
	s->e->paths[1].gateway = (struct ip_addr){4, {10, 10, 30, 254}};
	*state = s;
	return 0;
}

static inline int scene_free(void **state)
{
	struct scene *s = *state;

	edge_free(s->e);
	free(s);
	return 0;
}

/* as: up to nine AS numbers, 0 ends them */
static inline struct route route_of(enum rib_view view, const char *prefix, const uint32_t *as)
{
	struct route r = {
		.view = view, .prefix = prefix_of(prefix), .as_path = as, .has_as_path = true};

	while (r.n_as < 9 && as[r.n_as])
		r.n_as++;
	return r;
}

#define AS(...)                                                                                    \
	(const uint32_t[10])                                                                       \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}

static inline void local(struct scene *s, const char *prefix, const char *path, uint32_t local_pref,
			 const uint32_t *as)
{
	struct route r = route_of(VIEW_LOCAL, prefix, as);

	r.has_local_pref = true;
	r.local_pref = local_pref;
	snprintf(r.path, sizeof(r.path), "%s", path);
	assert_int_equal(rib_announce(s->e->rib, 0, &r, s->e->ctx.now), RIB_OK);
}

/* What the routing daemon says it chose. */
static inline void chosen(struct scene *s, const char *prefix, const char *path)
{
	struct route r = route_of(VIEW_LOCAL, prefix, AS(65515));

	r.chosen = true;
	r.source = 9;
	snprintf(r.path, sizeof(r.path), "%s", path);
	assert_int_equal(rib_announce(s->e->rib, 0, &r, s->e->ctx.now), RIB_OK);
}

static inline void remote(struct scene *s, const char *prefix, enum sw_class class,
			  const char *circuit, const uint32_t *as)
{
	struct route r = route_of(VIEW_REMOTE, prefix, as);

	r.has_class = true;
	r.class = class;
	snprintf(r.circuit, sizeof(r.circuit), "%s", circuit);
	assert_int_equal(rib_announce(s->e->rib, 1, &r, s->e->ctx.now), RIB_OK);
}

/* Location 1's /25 as Azure has it in steady state. */
static inline void remote_steady(struct scene *s)
{
	remote(s, "10.2.30.0/25", ER, "er1", AS(12076, 65021));
	remote(s, "10.2.30.0/25", SW_CLASS_VPN, "", AS(65021));
}

static inline void tell(struct scene *s, enum sw_verdict verdict, const char *src, const char *dst,
			int out, int in)
{
	struct sw_event ev = edge_event(s->e, verdict, src, dst, 1000, out, in);

	ev.state.flags = (uint8_t)((out != SW_NO_PATH ? SW_FLOW_OUT_FRESH : 0) |
				   (in != SW_NO_PATH ? SW_FLOW_IN_FRESH : 0));
	cause_gather(&s->e->ctx, &ev, &s->f);
	cause_tell(&s->f, &s->t);
}

static inline void tell_hub(struct scene *s, enum sw_verdict verdict, int out, int in)
{
	tell(s, verdict, OUT, "10.10.30.4", out, in);
}

static inline void assert_says(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" does not say \"%s\"", text, part);
}

static inline void assert_told(const struct scene *s, enum cause cause, enum side side,
			       enum severity severity)
{
	if (s->t.cause != cause)
		fail_msg("cause %s, not %s: %s", cause_name(s->t.cause), cause_name(cause),
			 s->t.message);
	assert_string_equal(side_name(s->t.side), side_name(side));
	assert_string_equal(severity_name(s->t.severity), severity_name(severity));
}

static inline void message(const struct scene *s, const char *part)
{
	assert_says(s->t.message, part);
}

static inline void fix(const struct scene *s, const char *part)
{
	assert_says(s->t.fix, part);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_new, scene_free)

#endif
