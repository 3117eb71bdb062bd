/* SPDX-License-Identifier: GPL-2.0-only */
/* Records of the flow tables, made by hand, and what they are told as. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/flow.h"

#define SECOND 1000000000ULL
#define DAY    (86400 * SECOND)
#define TICK   (1ULL << SW_TICK_SHIFT)
#define SEEN   (1ULL << SW_SEEN_SHIFT)
#define SPOOF  (1ULL << SW_SPOOF_SHIFT)

/* Of a flow that was made, changed and last seen at this time. */
static struct sw_flow_record record_at(uint64_t created, uint64_t settle, uint64_t seen)
{
	return (struct sw_flow_record){
		.state = {.s = {.out = SW_FLOW_NO_PATH,
				.in = SW_FLOW_NO_PATH,
				.answer = SW_FLOW_NO_PATH,
				.used = 1}},
		.created = (uint32_t)(created >> SW_TICK_SHIFT),
		.settle = (uint32_t)(settle >> SW_TICK_SHIFT),
		.seen = (uint16_t)(seen >> SW_SEEN_SHIFT),
	};
}

static struct flow decoded(const struct sw_flow_record *r, uint64_t now)
{
	struct sw_flow4 row = {.r = *r};
	struct sw_flow_key key;
	struct flow flow;

	assert_true(flow_decode4(&row, now, &key, &flow));
	return flow;
}

static void test_all_fields(void **state)
{
	struct sw_flow_record r = record_at(50 * SECOND, 60 * SECOND, 70 * SECOND);
	struct sw_flow6 row = {.lo = {1, 2}, .hi = {3, 4}};
	uint64_t addresses[4];
	struct sw_flow_key key;
	struct flow flow;

	(void)state;
	r.state.s.out = 63;
	r.state.s.in = 0;
	r.state.s.answer = 7;
	r.state.s.verdict = SW_VERDICT_NO_ROUTE;
	r.state.s.told = SW_VERDICT_LOOP_OR_SPOOF;
	r.state.s.out_fresh = r.state.s.event = 1;
	r.state.s.moved = 3;
	r.state.s.reuse = 1023;
	r.out_packets = 5;
	r.out_bytes = 500;
	r.in_packets = UINT32_MAX;
	r.in_bytes = 2ULL << SW_FLOW_BYTES_BITS | 700;
	r.lo_port = 80;
	r.hi_port = 443;
	r.proto = 6;
	r.judged = 0x0abcdef | SW_TCP_FIN_IN | SW_TCP_RST_OUT;
	r.about = SW_FLOW_INSIDE_IS_HI | SW_FLOW_LOOPS | SW_EVIDENCE_ONCE << SW_FLOW_EVIDENCE_SHIFT;
	r.note = 12345; /* an ACK number */
	row.r = r;
	assert_true(flow_decode6(&row, 100 * SECOND, &key, &flow));
	assert_int_equal(key.family, 6);
	assert_int_equal(key.proto, 6);
	assert_int_equal(key.lo_port, 80);
	assert_int_equal(key.hi_port, 443);
	memcpy(addresses, key.lo, 16);
	memcpy(addresses + 2, key.hi, 16);
	for (uint64_t i = 0; i < 4; i++)
		assert_int_equal(addresses[i], i + 1);
	assert_int_equal(flow.state.out, 63);
	assert_int_equal(flow.state.in, 0);
	assert_int_equal(flow.state.answer, 7);
	assert_int_equal(flow.state.verdict, SW_VERDICT_NO_ROUTE);
	assert_int_equal(flow.state.flags, SW_FLOW_OUT_FRESH | SW_FLOW_EVENT);
	assert_int_equal(flow.told, SW_VERDICT_LOOP_OR_SPOOF);
	assert_int_equal(flow.reuse, 1023);
	assert_int_equal(flow.out_packets, 5);
	assert_int_equal(flow.out_bytes, 500);
	assert_int_equal(flow.in_packets, (2ULL << 32) + UINT32_MAX);
	assert_int_equal(flow.in_bytes, 700);
	assert_int_equal(flow.judged, 0x0abcdef);
	assert_int_equal(flow.closing, SW_TCP_FIN_IN | SW_TCP_RST_OUT);
	assert_int_equal(flow.about, SW_FLOW_INSIDE_IS_HI | SW_FLOW_LOOPS);
	assert_int_equal(flow.evidence, SW_EVIDENCE_ONCE);
	assert_int_equal(flow.spoof_path, SW_NO_PATH);
	assert_int_equal(flow.spoof_ns, 0);
	assert_in_range(flow.created_ns, 50 * SECOND - TICK, 50 * SECOND);
	assert_in_range(flow.settle_ns, 60 * SECOND - TICK, 60 * SECOND);
	assert_int_equal(flow.moved_ns, flow.settle_ns + 3 * TICK);
	assert_in_range(flow.seen_ns, 70 * SECOND - SEEN, 70 * SECOND);
}

static void test_ipv4_key(void **state)
{
	struct sw_flow4 row = {.r = record_at(1, 0, 1), .lo = 0x04030201, .hi = 0x08070605};
	struct sw_flow_key key, want = {.family = 4};
	struct flow flow;

	(void)state;
	memset(&key, 0xff, sizeof(key));
	memcpy(want.lo, &row.lo, 4);
	memcpy(want.hi, &row.hi, 4);
	assert_true(flow_decode4(&row, SECOND, &key, &flow));
	assert_memory_equal(&key, &want, sizeof(key)); /* the rest is 0 */
	row.r.state.s.used = 0;
	assert_false(flow_decode4(&row, SECOND, &key, &flow));
}

static void test_nothing_known(void **state)
{
	struct sw_flow_record r = record_at(SECOND, 0, SECOND);
	struct flow flow = decoded(&r, 2 * SECOND);

	(void)state;
	assert_int_equal(flow.state.out, SW_NO_PATH);
	assert_int_equal(flow.state.in, SW_NO_PATH);
	assert_int_equal(flow.state.answer, SW_NO_PATH);
	assert_int_equal(flow.state.flags, 0);
	assert_int_equal(flow.settle_ns, 0);
	assert_int_equal(flow.moved_ns, 0);
	r.state.s.moved = 0x7fff & -7; /* before its answers moved, too */
	r.settle = (uint32_t)(60 * SECOND >> SW_TICK_SHIFT);
	assert_int_equal(decoded(&r, 61 * SECOND).moved_ns,
			 decoded(&r, 61 * SECOND).settle_ns - 7 * TICK);
	r.settle = 0;
	r.state.s.moved = 5; /* of a change that is forgotten */
	assert_int_equal(decoded(&r, 2 * SECOND).moved_ns, 0);
}

/* Ticks come round each 52 days, `seen` each 4.9 hours. */
static void test_times_come_round(void **state)
{
	static const uint64_t nows[] = {3 * DAY, 52 * DAY, 53 * DAY, 1000 * DAY};
	static const uint64_t ages[] = {0, SECOND, 3600 * SECOND, 17000 * SECOND};

	(void)state;
	for (size_t n = 0; n < sizeof(nows) / sizeof(nows[0]); n++) {
		for (size_t a = 0; a < sizeof(ages) / sizeof(ages[0]); a++) {
			uint64_t then = nows[n] - ages[a], old = nows[n] - 2 * DAY - ages[a];
			struct sw_flow_record r = record_at(old, then, then);
			struct flow flow = decoded(&r, nows[n]);

			assert_in_range(flow.created_ns, old - TICK, old);
			assert_in_range(flow.settle_ns, then - TICK, then);
			assert_in_range(flow.seen_ns, then - SEEN, then);
		}
	}
}

/* Written after the reader looked at the clock: just seen, not hours ago. */
static void test_written_meanwhile(void **state)
{
	const uint64_t now = 1000 * DAY;

	(void)state;
	for (uint64_t later = 0; later < 50 * SECOND; later += SECOND / 3) {
		struct sw_flow_record r = record_at(now + later, now + later, now + later);
		struct flow flow = decoded(&r, now);

		assert_in_range(flow.created_ns, now + later - TICK, now + later);
		assert_in_range(flow.settle_ns, now + later - TICK, now + later);
		assert_in_range(flow.seen_ns, now + later - SEEN, now + later);
	}
}

static void test_spoof(void **state)
{
	struct sw_flow_record r = record_at(9 * DAY, 0, 9 * DAY);
	struct flow flow;

	(void)state;
	for (uint64_t at = 9 * DAY - 3600 * SECOND; at < 9 * DAY; at += 600 * SECOND) {
		r.about = SW_FLOW_SPOOFED;
		r.note = (uint32_t)(at >> SW_SPOOF_SHIFT) << SW_SPOOF_PATH_BITS | 33;
		flow = decoded(&r, 9 * DAY);
		assert_int_equal(flow.about, 0);
		assert_int_equal(flow.spoof_path, 33);
		assert_in_range(flow.spoof_ns, at - SPOOF, at);
	}
}

/* A machine that has just started. */
static void test_young_clock(void **state)
{
	struct sw_flow_record r = record_at(0, 0, 0);
	struct flow flow = decoded(&r, SECOND);

	(void)state;
	assert_in_range(flow.created_ns, 0, TICK);
	assert_in_range(flow.seen_ns, 0, SEEN);
}

/* By name of its own generation's rules alone; nothing of another flow's record. */
static void test_rule(void **state)
{
	static struct sw_rule_names names[2] = {
		{.gen = 7, .name = {"first", "second"}},
		{.gen = 8, .name = {"other"}},
	};
	struct flow flow = {.reuse = 1023};
	uint32_t kept = sw_flow_rule(7U << SW_RULES_GEN_SHIFT | 3, 1023, 2);

	(void)state;
	flow_rule_decode(&flow, kept);
	assert_int_equal(flow.rule, 2);
	assert_string_equal(flow_rule_name(&flow, names), "second");
	names[0].gen = 6;
	assert_null(flow_rule_name(&flow, names));
	flow_rule_decode(&flow, sw_flow_rule(8U << SW_RULES_GEN_SHIFT, 1023, 1));
	assert_string_equal(flow_rule_name(&flow, names), "other");
	flow_rule_decode(&flow, sw_flow_rule(8U << SW_RULES_GEN_SHIFT, 1023, 0));
	assert_null(flow_rule_name(&flow, names));
	flow.reuse = 1022;
	flow_rule_decode(&flow, kept);
	assert_null(flow_rule_name(&flow, names));
	names[0].gen = names[1].gen = 0; /* none are in force */
	flow_rule_decode(&flow, 0);
	flow.rule = 1;
	assert_null(flow_rule_name(&flow, names));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_fields),	  cmocka_unit_test(test_ipv4_key),
		cmocka_unit_test(test_nothing_known),	  cmocka_unit_test(test_times_come_round),
		cmocka_unit_test(test_written_meanwhile), cmocka_unit_test(test_spoof),
		cmocka_unit_test(test_young_clock),	  cmocka_unit_test(test_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
