/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What enforce does with an asymmetric flow (asymmetry: action:): reflect takes it to the path that
 * it is answered by, once, on evidence; drop lets no answer through until the verdict is another.
 * At both hooks. The far side answers by a path of its own; time is moved on, nobody waits.
 */
#include "choice.h"
#include "flows.h"

/* By the order of addresses in keys, LAN_HOST comes before the one and after the other. */
#define SECOND "10.11.30.40"
#define FIRST  SPOKE

static uint64_t start;
static enum hook hook;

static void at(double s)
{
	edge.clock_at = start + (uint64_t)(s * 1e9);
}

/* An outward packet, all the way: the device it leaves by, NO_DEVICE: none. */
static enum device goes(const struct packet *p)
{
	struct frame f = frame_at(LAN0, p);
	int ret = edge_run(hook, LAN0, &f);

	if (ret != (hook == XDP ? XDP_REDIRECT : TC_REDIRECT))
		return NO_DEVICE;
	for (enum device dev = ER0; dev < LAN0; dev++)
		if (dev != TUN && !memcmp(f.data, device_next_mac(dev), 6)) {
			if (hook == TC_IN)
				edge_run(TC_OUT, dev, &f);
			return dev;
		}
	return TUN;
}

/* An answer by the device: whether it is delivered. */
static bool answered(const struct packet *p, enum device by)
{
	struct packet back = packet_back(p);

	return packet_run(hook, by, &back) == (hook == XDP ? (int)XDP_REDIRECT : TC_REDIRECT);
}

static void answers(const struct packet *p, enum device by, int n)
{
	while (n--)
		assert_true(answered(p, by));
}

static void begin(enum hook with, enum sw_asymmetry action)
{
	edge_reset();
	edge.what = hook_text[with];
	hook = with;
	start = now_ns();
	edge.clock_at = start;
	edge.ctl->asymmetry = action;
}

#define BOTH_HOOKS for (enum hook with = XDP; with <= TC_IN; with++)

static void alert_moves_nothing(void **state)
{
	(void)state;
	BOTH_HOOKS
	{
		struct packet p = flow_to(SECOND, 4000);

		begin(with, SW_ASYMMETRY_ALERT);
		assert_int_equal(goes(&p), ER0);
		answers(&p, VPN1, 10);
		at(600);
		assert_int_equal(goes(&p), ER0);
		assert_true(answered(&p, VPN1));
		assert_int_equal(flow_state(&p).verdict, SW_VERDICT_ASYMMETRIC);
	}
}

static void reflects_when_due(void **state)
{
	(void)state;
	BOTH_HOOKS
	{
		struct packet p = flow_to(SECOND, 4000);

		begin(with, SW_ASYMMETRY_REFLECT);
		assert_int_equal(goes(&p), ER0);
		answers(&p, VPN1, 2);
		at(2);
		assert_int_equal(goes(&p), ER0); /* two answers are not enough */
		answers(&p, VPN1, 1);
		assert_int_equal(goes(&p), VPN1);
		at(3);
		answers(&p, VPN1, 1);
		assert_int_equal(goes(&p), VPN1);
		assert_int_equal(flow_state(&p).verdict, SW_VERDICT_TRANSITION);
		at(70); /* grace is over: both on the VPN though ExpressRoute is there */
		assert_int_equal(goes(&p), VPN1);
		answers(&p, VPN1, 1);
		assert_int_equal(flow_state(&p).verdict, SW_VERDICT_POLICY_VIOLATION);
		assert_int_equal(path_stats(VPN1).tx_packets, 3);
	}
}

static void a_young_flow_stays(void **state)
{
	struct packet p = flow_to(SECOND, 4000);
	(void)state;

	begin(XDP, SW_ASYMMETRY_REFLECT);
	goes(&p);
	answers(&p, VPN1, 50);
	at(0.9);
	assert_int_equal(goes(&p), ER0);
	at(1.1);
	assert_int_equal(goes(&p), VPN1);
}

/* The other side's inside host comes first: so does its edge, if it reflects. */
static void the_second_waits(void **state)
{
	(void)state;
	BOTH_HOOKS
	{
		struct packet p = flow_to(FIRST, 4000);

		begin(with, SW_ASYMMETRY_REFLECT);
		assert_int_equal(goes(&p), ER0);
		answers(&p, VPN1, 50);
		at(4.9);
		assert_int_equal(goes(&p), ER0);
		at(5.1);
		assert_int_equal(goes(&p), VPN1);
	}
}

/* It comes back to select's path by itself, and is then not led away again by the far side alone.
 */
static void once_an_answer(void **state)
{
	(void)state;
	BOTH_HOOKS
	{
		struct packet p = flow_to(SECOND, 4000);

		begin(with, SW_ASYMMETRY_REFLECT);
		goes(&p);
		answers(&p, VPN1, 3);
		at(2);
		assert_int_equal(goes(&p), VPN1);
		at(100);
		answers(&p, ER0, 3);
		assert_int_equal(goes(&p), ER0);
		at(200);
		answers(&p, ER0, 1);
		assert_int_equal(goes(&p), ER0);
		assert_int_equal(flow_state(&p).verdict, SW_VERDICT_OK);
		answers(&p, VPN1, 50);
		at(300);
		answers(&p, VPN1, 50);
		assert_int_equal(goes(&p), ER0);
		assert_int_equal(flow_state(&p).verdict, SW_VERDICT_ASYMMETRIC);
		/* select has another answer, and later the old one again: a new start */
		edge.paths[ER0].changed_ns = edge.clock_at;
		paths_down(BIT(ER0));
		edge.ctl->generation++;
		assert_int_equal(goes(&p), VPN1);
		paths_down(0);
		edge.paths[ER0].changed_ns = edge.clock_at;
		edge.ctl->generation++;
		goes(&p); /* judged: the answer is another */
		assert_int_equal(goes(&p), ER0);
		answers(&p, VPN1, 5);
		assert_int_equal(goes(&p), ER0); /* grace */
		at(400);
		answers(&p, VPN1, 5);
		assert_int_equal(goes(&p), VPN1);
	}
}

/* Where the answers' path fails, select's answer counts. */
static void not_to_a_path_that_fails(void **state)
{
	struct packet p = flow_to(SECOND, 4000);
	(void)state;

	begin(XDP, SW_ASYMMETRY_REFLECT);
	goes(&p);
	answers(&p, VPN1, 3);
	at(2);
	assert_int_equal(goes(&p), VPN1);
	paths_down(BIT(VPN1));
	assert_int_equal(goes(&p), ER0);
}

/* Only among the paths that the group allows. */
static void not_to_a_stranger(void **state)
{
	struct packet p = flow_to(SECOND, 4000);
	(void)state;

	begin(XDP, SW_ASYMMETRY_REFLECT);
	goes(&p);
	answers(&p, TUN, 50); /* a VPN, but the prefix has no route by it */
	at(100);
	answers(&p, TUN, 50);
	assert_int_equal(goes(&p), ER0);
	assert_int_equal(flow_state(&p).verdict, SW_VERDICT_ASYMMETRIC);
}

/* Packets that somebody made up, between those of the real path, for ten minutes. */
static void is_not_steered(void **state)
{
	(void)state;
	BOTH_HOOKS
	{
		struct packet p = flow_to(SECOND, 4000);

		begin(with, SW_ASYMMETRY_REFLECT);
		goes(&p);
		answers(&p, ER0, 5);
		at(10);
		answers(&p, VPN1, 1); /* one */
		assert_int_equal(goes(&p), ER0);
		answers(&p, ER0, 1);
		for (int s = 11; s < 600; s++) {
			at(s);
			answers(&p, VPN1, 3);
			assert_int_equal(goes(&p), ER0);
			answers(&p, ER0, 1);
			assert_int_equal(goes(&p), ER0);
		}
	}
}

static void monitor_reflects_nothing(void **state)
{
	struct packet p = flow_to(SECOND, 4000);
	struct packet back = packet_back(&p);
	(void)state;

	begin(TC_IN, SW_ASYMMETRY_REFLECT);
	edge.ctl->mode = SW_MODE_MONITOR;
	packet_run(TC_OUT, ER0, &p);
	for (int i = 0; i < 5; i++)
		packet_run(TC_IN, VPN1, &back);
	at(100);
	assert_int_equal(packet_run(TC_IN, LAN0, &p), TC_UNSPEC);
	assert_int_equal(packet_run(TC_OUT, ER0, &p), TC_UNSPEC);
	assert_int_equal(flow_state(&p).verdict, SW_VERDICT_ASYMMETRIC);
}

static uint64_t denied(enum device dev)
{
	return reason_count(dev, SW_ACTION_DROP, SW_REASON_asymmetric_denied);
}

static void drops_the_answers(void **state)
{
	(void)state;
	BOTH_HOOKS
	{
		struct packet p = flow_to(SECOND, 4000), other = flow_to(SECOND, 4001);

		begin(with, SW_ASYMMETRY_DROP);
		assert_int_equal(goes(&p), ER0);
		assert_true(answered(&p, VPN1)); /* the packet that shows it */
		assert_int_equal(goes(&p), ER0);
		assert_false(answered(&p, VPN1));
		at(100);
		assert_int_equal(goes(&p), ER0);
		assert_false(answered(&p, VPN1));
		assert_int_equal(denied(VPN1), 2);
		assert_int_equal(path_stats(VPN1).rx_packets, 1);
		assert_int_equal(goes(&other), ER0); /* another flow is none of it */
		assert_true(answered(&other, ER0));
		/* they mend it: over */
		answers(&p, ER0, 4);
		assert_int_equal(goes(&p), ER0);
	}
}

/* A change that explains it makes it a transition, and later a failover: nothing is dropped. */
static void a_change_ends_the_drop(void **state)
{
	(void)state;
	BOTH_HOOKS
	{
		struct packet p = flow_to(SECOND, 4000);

		begin(with, SW_ASYMMETRY_DROP);
		goes(&p);
		answered(&p, VPN1);
		assert_false(answered(&p, VPN1));
		path_change(ER0, false, 0);
		edge.paths[ER0].changed_ns = edge.clock_at;
		assert_int_equal(goes(&p), VPN1);
		assert_true(answered(&p, VPN1));
		assert_int_equal(goes(&p), VPN1);
		assert_int_equal(flow_state(&p).verdict, SW_VERDICT_FAILOVER);
	}
}

static void monitor_drops_nothing(void **state)
{
	struct packet p = flow_to(SECOND, 4000);
	struct packet back = packet_back(&p);
	(void)state;

	begin(TC_IN, SW_ASYMMETRY_DROP);
	edge.ctl->mode = SW_MODE_MONITOR;
	packet_run(TC_OUT, ER0, &p);
	packet_run(TC_IN, VPN1, &back);
	assert_int_equal(packet_run(TC_IN, LAN0, &p), TC_UNSPEC);
	assert_int_equal(packet_run(TC_IN, VPN1, &back), TC_UNSPEC);
	assert_int_equal(denied(LAN0) + denied(VPN1), 0);
}

/* sw_explain says what the next packet would do, and why. */
static void explain_says_so(void **state)
{
	struct packet p = flow_to(SECOND, 4000);
	struct sw_explain said;
	(void)state;

	begin(XDP, SW_ASYMMETRY_REFLECT);
	goes(&p);
	answers(&p, VPN1, 3);
	at(2);
	edge.clock->now_ns = edge.clock_at;
	said = explain(&p, 0);
	assert_int_equal(said.path, VPN1);
	assert_int_equal(said.step, SW_STEP_REFLECTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alert_moves_nothing),
		cmocka_unit_test(reflects_when_due),
		cmocka_unit_test(a_young_flow_stays),
		cmocka_unit_test(the_second_waits),
		cmocka_unit_test(once_an_answer),
		cmocka_unit_test(not_to_a_path_that_fails),
		cmocka_unit_test(not_to_a_stranger),
		cmocka_unit_test(is_not_steered),
		cmocka_unit_test(monitor_reflects_nothing),
		cmocka_unit_test(drops_the_answers),
		cmocka_unit_test(a_change_ends_the_drop),
		cmocka_unit_test(monitor_drops_nothing),
		cmocka_unit_test(explain_says_so),
	};

	return cmocka_run_group_tests(tests, edge_setup, edge_teardown);
}
