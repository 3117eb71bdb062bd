/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events: one a change into or out of a verdict that an incident is made of, none for the rest;
 * what the ring or the rate limit has no room for is kept, counted, and sent with the flow's next
 * packet; what a newer verdict replaced before it could be sent is counted as lost.
 */
#include "flow_oracle.h"
#include "flows.h"

#define MAX_SEEN 20000

static struct sw_event seen[MAX_SEEN];
static size_t n_seen;
static struct ring_buffer *ring;

static int on_event(void *arg, void *data, size_t size)
{
	(void)arg;
	assert_true(size >= sizeof(struct sw_event));
	if (n_seen < MAX_SEEN)
		memcpy(&seen[n_seen++], data, sizeof(seen[0]));
	return 0;
}

/* The events since the last call. */
static size_t events_take(void)
{
	n_seen = 0;
	assert_true(ring_buffer__consume(ring) >= 0);
	return n_seen;
}

static int events_setup(void **state)
{
	(void)state;
	edge_open(32768);
	ring = ring_buffer__new(map_fd("events"), on_event, NULL, NULL);
	return !ring;
}

static int events_teardown(void **state)
{
	ring_buffer__free(ring);
	return edge_teardown(state);
}

static int events_start(void **state)
{
	ring_buffer__consume(ring);
	return flows_start(state);
}

/* A flow made asymmetric at once. */
static void make_asymmetric(const struct packet *p)
{
	send_out(p, ER0);
	send_in(p, TUN);
}

static bool event_owed(const struct packet *p)
{
	return flow_state(p).flags & SW_FLOW_EVENT;
}

/* Each member of the one window of the rate limit, as if a second had gone by. */
static void rate_window_ends(void)
{
	percpu_zero("health", 0, sizeof(struct sw_health));
}

static void test_healthy_is_silent(void **state)
{
	struct packet p = flow_to(HUB, 1);
	(void)state;

	send_out(&p, ER0);
	send_in(&p, ER0);
	send_in(&p, ER1); /* benign */
	path_change(ER0, true, 0);
	send_out(&p, ER0);
	send_in(&p, TUN); /* settling */
	assert_int_equal(flow_state(&p).verdict, SW_VERDICT_TRANSITION);
	assert_int_equal(events_take(), 0);
	assert_int_equal(health().events_sent, 0);
}

static void test_one_a_change(void **state)
{
	struct packet p = flow_to(HUB, 4000);
	struct sw_event *ev = seen;
	struct flow flow;
	(void)state;

	make_asymmetric(&p);
	assert_int_equal(events_take(), 1);
	assert_true(flow_get(&p, &flow));
	assert_int_equal(ev->state.verdict, SW_VERDICT_ASYMMETRIC);
	assert_int_equal(ev->previous, SW_VERDICT_PENDING);
	assert_int_equal(ev->state.out, ER0);
	assert_int_equal(ev->state.in, TUN);
	assert_int_equal(ev->state.answer, ER0);
	assert_int_equal(ev->out_packets, 1);
	assert_int_equal(ev->in_packets, 1);
	assert_int_equal(ev->created_ns, flow.created_ns);
	assert_true(ev->ts_ns >= ev->created_ns && ev->ts_ns <= now_ns());
	assert_true(flow.about & SW_FLOW_OPENED_INSIDE);
	assert_int_equal(ev->about, flow.about);

	for (int i = 0; i < 10; i++)
		make_asymmetric(&p);
	assert_int_equal(events_take(), 0);

	send_in(&p, ER0); /* settles: it is no longer asymmetric */
	assert_int_equal(events_take(), 1);
	assert_int_equal(ev->previous, SW_VERDICT_ASYMMETRIC);
	assert_int_equal(ev->state.verdict, SW_VERDICT_TRANSITION);
	send_out(&p, ER0);
	assert_int_equal(flow_state(&p).verdict, SW_VERDICT_OK);
	assert_int_equal(events_take(), 0);
	assert_int_equal(health().events_sent, 2);
}

/* From one incident's verdict to another's; each event's key finds the record. */
static void test_between_incidents(void **state)
{
	struct packet p = flow_to(HUB, 1);
	struct sw_flow_key key = oracle_key(&p);
	(void)state;

	path_change(ER0, false, LONG_AGO_NS);
	path_change(ER1, false, LONG_AGO_NS);
	send_out(&p, TUN);
	send_in(&p, TUN);
	hub_change(BIT(ER0) | BIT(ER1), BIT(TUN), SW_NO_RANK, LONG_AGO_NS);
	edge.usable->link |= BIT(ER0) | BIT(ER1);
	send_out(&p, TUN);
	send_in(&p, TUN);
	assert_int_equal(events_take(), 3);
	assert_int_equal(seen[0].state.verdict, SW_VERDICT_FAILOVER);
	assert_int_equal(seen[1].state.verdict, SW_VERDICT_PENDING);
	assert_int_equal(seen[2].state.verdict, SW_VERDICT_POLICY_VIOLATION);
	for (int i = 0; i < 3; i++)
		assert_memory_equal(&seen[i].key, &key, sizeof(key));
}

static void test_rate_limit(void **state)
{
	struct packet p[5];
	(void)state;

	edge.ctl->event_rate = 2;
	for (uint16_t i = 0; i < 5; i++) {
		p[i] = flow_to(HUB, i);
		make_asymmetric(&p[i]);
	}
	assert_int_equal(events_take(), 2);
	assert_int_equal(health().events_limited, 3);
	assert_true(event_owed(&p[4]));
	send_in(&p[4], TUN); /* still over it */
	assert_int_equal(events_take(), 0);
	assert_int_equal(health().events_limited, 4);

	edge.ctl->event_rate = 100;
	rate_window_ends();
	for (int i = 0; i < 5; i++) {
		send_in(&p[i], TUN);
		assert_false(event_owed(&p[i]));
	}
	assert_int_equal(events_take(), 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(seen[i].state.verdict, SW_VERDICT_ASYMMETRIC);
		assert_int_equal(seen[i].in_packets, i < 2 ? 2 : 3);
	}
	assert_int_equal(health().events_lost, 0);
}

static void test_replaced(void **state)
{
	struct packet p = flow_to(HUB, 1), q = flow_to(HUB, 2);
	(void)state;

	edge.ctl->event_rate = 0;
	make_asymmetric(&p);
	make_asymmetric(&q);
	send_in(&p, ER0); /* settles: nobody was told of the asymmetry, nothing is to be told */
	assert_int_equal(health().events_lost, 1);
	assert_false(event_owed(&p));
	assert_true(event_owed(&q));
	edge.ctl->event_rate = 100;
	send_out(&p, ER0);
	assert_int_equal(events_take(), 0);
	send_out(&q, ER0);
	assert_int_equal(events_take(), 1);
	assert_int_equal(health().events_lost, 1);
}

/* Nobody reads: the ring fills, nothing is lost but time. */
static void test_ring_full(void **state)
{
	enum { FLOWS = 12000 }; /* an event is about 100 bytes, the ring 1 MiB */
	size_t owed = 0, sent;
	(void)state;

	for (uint16_t i = 0; i < FLOWS; i++) {
		struct packet p = flow_to(HUB, i);

		make_asymmetric(&p);
		owed += event_owed(&p);
	}
	sent = health().events_sent;
	assert_true(owed > 0 && owed < FLOWS);
	assert_int_equal(sent + owed, FLOWS);
	assert_int_equal(health().events_full, owed);
	assert_int_equal(events_take(), sent);
	for (uint16_t i = 0; i < FLOWS; i++) {
		struct packet p = flow_to(HUB, i);

		if (!event_owed(&p))
			continue;
		send_out(&p, ER0);
		assert_false(event_owed(&p));
	}
	assert_int_equal(events_take(), owed);
	for (size_t i = 0; i < owed; i++)
		assert_int_equal(seen[i].state.verdict, SW_VERDICT_ASYMMETRIC);
	assert_int_equal(health().events_lost, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_healthy_is_silent, events_start),
		cmocka_unit_test_setup(test_one_a_change, events_start),
		cmocka_unit_test_setup(test_between_incidents, events_start),
		cmocka_unit_test_setup(test_rate_limit, events_start),
		cmocka_unit_test_setup(test_replaced, events_start),
		cmocka_unit_test_setup(test_ring_full, events_start),
	};

	return cmocka_run_group_tests(tests, events_setup, events_teardown);
}
