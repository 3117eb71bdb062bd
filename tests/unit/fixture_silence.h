/* SPDX-License-Identifier: GPL-2.0-only */
/* An edge whose flows are answered, or fall silent, from scan to scan. */
#ifndef TESTS_FIXTURE_SILENCE_H
#define TESTS_FIXTURE_SILENCE_H

#include "fixture_incident.h"
#include "core/blackhole.h"

#include <netinet/in.h>

#define FLOWS 64
#define TCP   IPPROTO_TCP
#define PING  IPPROTO_ICMP
#define UDP   IPPROTO_UDP

struct sim_flow {
	uint8_t path, proto, about, closing, verdict;
	uint16_t reuse;
	uint32_t in, out;
	uint32_t in_s, out_s; /* packets it gets and sends in each second */
	uint32_t size;	      /* of what it sends, bytes */
	uint64_t bytes;
	bool back_off; /* what it sends is repeated, ever more seldom */
	uint64_t settle_ns;
	char src[24], dst[24];
	uint16_t port;
};

struct sim {
	struct world *w;
	struct blackholes *b;
	struct sim_flow flow[FLOWS];
	size_t n;
	unsigned int silent_s;
};

static inline int sim_new(void **state)
{
	struct sim *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	world_new((void **)&s->w);
	edge_route(s->w->e, "10.11.30.0/26", "er1-primary", 12076, 200);
	s->b = blackholes_new();
	assert_non_null(s->b);
	*state = s;
	return 0;
}

static inline int sim_free(void **state)
{
	struct sim *s = *state;

	blackholes_free(s->b);
	world_free((void **)&s->w);
	free(s);
	return 0;
}

static inline struct sim_flow *flow_add(struct sim *s, uint8_t proto, const char *src,
					const char *dst)
{
	struct sim_flow *f = &s->flow[s->n];

	assert_true(s->n < FLOWS);
	*f = (struct sim_flow){.path = VPN,
			       .proto = proto,
			       .about = SW_FLOW_OPENED_INSIDE,
			       .verdict = SW_VERDICT_OK,
			       .in_s = 2,
			       .out_s = 2,
			       .size = 90,
			       .port = (uint16_t)(443 + s->n++ % 2)};
	snprintf(f->src, sizeof(f->src), "%s", src);
	snprintf(f->dst, sizeof(f->dst), "%s", dst);
	return f;
}

/* Six of TCP and ping, to four hosts of two prefixes. */
static inline void flows_usual(struct sim *s)
{
	flow_add(s, TCP, "10.2.30.10", "10.10.30.4");
	flow_add(s, TCP, "10.2.30.11", "10.10.30.5");
	flow_add(s, TCP, "10.2.30.12", "10.10.30.6");
	flow_add(s, PING, "10.2.30.10", "10.10.30.4");
	flow_add(s, TCP, "10.2.30.10", "10.11.30.4");
	flow_add(s, TCP, "10.2.30.100", "10.11.30.4");
}

static inline void on_hole(void *arg, const struct blackhole *hole, bool answered)
{
	struct sim *s = arg;

	incidents_hole(s->w->set, &s->w->e->ctx, hole, answered);
}

static inline void flow_scan(struct sim *s, const struct sim_flow *f, uint32_t record)
{
	struct sw_event ev = edge_event(s->w->e, (enum sw_verdict)f->verdict, f->src, f->dst,
					f->port, f->path, f->in ? f->path : SW_NO_PATH);
	bool hi = ev.about & SW_FLOW_INSIDE_IS_HI;
	struct sw_flow_record r = {.in_packets = f->in,
				   .out_packets = f->out,
				   .out_bytes = f->bytes,
				   .proto = f->proto,
				   .about = (__u8)(f->about | ev.about)};
	union sw_flow_word word = {.s = {.out = f->path,
					 .in = f->in ? f->path : SW_FLOW_NO_PATH,
					 .verdict = f->verdict,
					 .out_fresh = 1,
					 .in_fresh = 1,
					 .used = 1,
					 .reuse = f->reuse}};
	struct flow flow = {.state = ev.state,
			    .record = record,
			    .about = r.about,
			    .closing = f->closing,
			    .settle_ns = f->settle_ns,
			    .in_packets = f->in,
			    .out_packets = f->out};

	ev.key.proto = f->proto;
	ev.key.lo_port = htons(hi ? f->port : 50000);
	ev.key.hi_port = htons(hi ? 50000 : f->port);
	if (blackholes_look(s->b, 4, record, &r, word))
		blackholes_flow(s->b, &s->w->e->ctx, &ev.key, &flow);
}

/* One of each `step` seconds: a scan at its end. */
static inline void run(struct sim *s, unsigned int seconds, unsigned int step)
{
	struct incident_context *ctx = &s->w->e->ctx;

	for (unsigned int t = 0; t < seconds; t += step) {
		edge_wait(s->w->e, step * S);
		incidents_scan_begin(s->w->set);
		blackholes_begin(s->b, ctx);
		s->silent_s += step;
		for (size_t i = 0; i < s->n; i++) {
			struct sim_flow *f = &s->flow[i];
			uint32_t out = f->out_s * step;

			if (f->back_off)
				out = s->silent_s < 8 || s->silent_s % 8 < step;
			f->in += f->in_s * step;
			f->out += out;
			f->bytes += (uint64_t)out * f->size;
			flow_scan(s, f, (uint32_t)i);
		}
		blackholes_end(s->b, ctx, on_hole, s);
		incidents_scan_end(s->w->set, ctx);
	}
}

/* From here on nothing comes back; TCP repeats itself. */
static inline void fall_silent(struct sim *s, size_t from, size_t n)
{
	s->silent_s = 0;
	for (size_t i = from; i < from + n; i++) {
		s->flow[i].in_s = 0;
		s->flow[i].back_off = s->flow[i].proto == TCP;
	}
}

/* The usual flows, all answered for 20 s; then none is. */
static inline void usual_fall_silent(struct sim *s)
{
	flows_usual(s);
	run(s, 20, 5);
	fall_silent(s, 0, 6);
}

#define SIM(name) cmocka_unit_test_setup_teardown(name, sim_new, sim_free)

#endif
