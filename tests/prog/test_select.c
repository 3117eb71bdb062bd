/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which path: that both directions choose alike, that failing over is one store, that a record
 * never chooses by itself, and that sw_explain says what the programs do and leaves no trace. The
 * choice against an oracle, and shares by weight, are in test_share.c.
 */
#include "choice.h"

/* a -> b and b -> a have one member, whatever the numbers. */
static void test_symmetric(void **state)
{
	uint64_t used = 0;
	(void)state;

	srand(test_seed());
	edge.groups[G_NEW] = (struct sw_group){.kind = SW_GROUP_ROUTE, .tiers = 1, .tier = {0x7f}};
	fib_write("10.40.0.0", 16, G_NEW);
	fib_write("fd00:40::", 64, G_NEW);
	for (int i = 0; i < 2000; i++) {
		const char *format = i % 2 ? "fd00:40::%x" : "10.40.1.%u";
		struct packet p = {.src = host(format, (unsigned int)rand() % 250),
				   .dst = host(format, (unsigned int)rand() % 250),
				   .proto = i % 3 ? IPPROTO_TCP : IPPROTO_UDP,
				   .sport = (uint16_t)(rand() % 8),
				   .dport = (uint16_t)(rand() % 8)};
		struct packet back = packet_back(&p);
		struct sw_explain there = explain(&p, 0), here = explain(&back, 0);

		assert_int_equal(there.path, here.path);
		used |= BIT(there.path);
	}
	assert_int_equal(used, 0x7f);
}

/* Nobody outside can know the member: it depends on the seed. */
static void test_seeded(void **state)
{
	int moved = 0;
	(void)state;

	for (uint16_t i = 0; i < 200; i++) {
		struct packet p = {.src = LAN_HOST, .dst = HUB, .sport = i};
		uint8_t path;

		edge.ctl->seed = 1;
		path = explain(&p, 0).path;
		edge.ctl->seed = 2;
		moved += explain(&p, 0).path != path;
	}
	assert_in_range(moved, 50, 150);
}

/* The programs send where sw_explain says, for random tuples and what is usable. */
static void test_explain_is_true(void **state)
{
	static const char *const to[] = {"10.10.30.%u", "10.11.30.%u", "10.12.30.%u",
					 "10.20.30.%u"};
	(void)state;

	srand(test_seed());
	for (int i = 0; i < 1500; i++) {
		struct packet p = {.src = LAN_HOST,
				   .dst = host(to[rand() % 4], 1u + (unsigned int)rand() % 60),
				   .proto = rand() % 2 ? IPPROTO_TCP : IPPROTO_UDP,
				   .sport = (uint16_t)rand(),
				   .dport = (uint16_t)rand()};
		struct sw_explain told;
		enum device by;

		paths_down((uint64_t)rand() & 31);
		told = explain(&p, 0);
		by = sent_by(TC_IN, &p);
		CHECK(by == (told.path == SW_NO_PATH ? NO_DEVICE : told.path),
		      "%s told %u, sent by %u", p.dst, told.path, by);
		if (by != TUN) /* XDP leaves that to TC */
			CHECK(sent_by(XDP, &p) == by, "XDP and TC differ");
		told = explain(&p, 0); /* with the record: on the path that it has */
		CHECK(by == NO_DEVICE || told.path == by, "then told %u", told.path);
	}
	assert_int_equal(edge.failures, 0);
}

static void test_explain_no_trace(void **state)
{
	static const struct packet p = {.src = LAN_HOST, .dst = HUB, .sport = 5, .dport = 6};
	struct sw_flow_record before;
	(void)state;

	explain(&p, 0);
	assert_int_equal(flow_count(), 0);
	packet_run(TC_OUT, ER1, &p);
	before = *flow_record(&p);
	counters_clear();
	assert_int_equal(explain(&p, 0).path, ER1);
	assert_int_equal(explain(&p, BIT(ER1)).path, ER0);
	assert_int_equal(explain(&p, BIT(ER1) | BIT(ER0)).path, TUN);
	assert_int_equal(explain(&p, BIT(ER1) | BIT(ER0) | BIT(TUN)).path, SW_NO_PATH);
	assert_memory_equal(flow_record(&p), &before, sizeof(before));
	assert_int_equal(reasons_total(), 0);
	for (uint32_t path = 0; path < 5; path++)
		assert_int_equal(path_stats(path).tx_packets + path_stats(path).rx_packets, 0);
	for (int i = 0; i < SW_VERDICT_COUNT; i++)
		assert_int_equal(edge.verdicts[i].given, 0);
	assert_int_equal(health().events_sent + health().neighbor_asked, 0);
}

/* What the answer to an address that is no route says. */
static void test_explain_kinds(void **state)
{
	static const struct {
		const char *dst;
		uint8_t kind;
	} row[] = {
		{LAN_HOST, SW_GROUP_INSIDE},  {OWN, SW_GROUP_LOCAL},
		{EXEMPT, SW_GROUP_EXEMPT},    {HUB, SW_GROUP_ROUTE},
		{"192.0.2.1", SW_GROUP_FREE}, {EXEMPT6, SW_GROUP_EXEMPT},
		{"fd77::1", SW_GROUP_FREE},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct packet p = {.src = strchr(row[i].dst, ':') ? LAN_HOST6 : LAN_HOST,
				   .dst = row[i].dst};
		struct sw_explain got = explain(&p, 0);

		assert_int_equal(got.kind, row[i].kind);
		assert_int_equal(got.path == SW_NO_PATH, row[i].kind != SW_GROUP_ROUTE);
	}
}

/* One store moves a flow, and the same store back brings it home: at once, at both hooks. */
static void test_failover_is_one_store(void **state)
{
	static const struct packet p = {.src = LAN_HOST, .dst = SPOKE, .proto = IPPROTO_TCP};
	(void)state;

	for (enum hook hook = XDP; hook <= TC_IN; hook++) {
		assert_int_equal(sent_by(hook, &p), ER0);
		edge.usable->link &= ~BIT(ER0);
		assert_int_equal(sent_by(hook, &p), VPN1);
		edge.usable->link |= BIT(ER0);
		assert_int_equal(sent_by(hook, &p), ER0);
	}
}

/* Each word of `usable` objects by itself; the peers' of their family only. */
static void test_objections(void **state)
{
	static const struct packet p4 = {.src = LAN_HOST, .dst = SPOKE};
	static const struct packet p6 = {.src = LAN_HOST6, .dst = SPOKE6};
	uint64_t *word = (uint64_t *)edge.usable;
	(void)state;

	for (size_t i = 0; i < sizeof(*edge.usable) / 8; i++) {
		bool only4 = &word[i] == (uint64_t *)&edge.usable->peers4;
		bool only6 = &word[i] == (uint64_t *)&edge.usable->peers6;

		word[i] &= ~BIT(ER0);
		assert_int_equal(sent_by(XDP, &p4), only6 ? ER0 : VPN1);
		assert_int_equal(sent_by(XDP, &p6), only4 ? ER0 : VPN1);
		word[i] |= BIT(ER0);
	}
}

/* Asked last: the group again, but not a path whose link is gone or that is drained. */
static void test_last_resort(void **state)
{
	static const struct packet p = {.src = LAN_HOST, .dst = SPOKE};
	(void)state;

	edge.usable->probe = 0;
	assert_int_equal(sent_by(XDP, &p), ER0);
	assert_int_equal(reason_count(LAN0, SW_ACTION_FORWARD, SW_REASON_last_resort), 1);
	edge.usable->admin &= ~BIT(ER0);
	assert_int_equal(sent_by(XDP, &p), VPN1);
	edge.usable->link = 0;
	assert_int_equal(sent_by(XDP, &p), NO_DEVICE);
	assert_int_equal(sent_by(TC_IN, &p), NO_DEVICE);
	assert_int_equal(reason_count(LAN0, SW_ACTION_PASS, SW_REASON_no_path), 1);
}

/* A flow stays on its member while that is in the best tier, and not a packet longer. */
static void test_sticky(void **state)
{
	(void)state;

	for (uint16_t port = 0; port < 64; port++) {
		struct packet p = {.src = LAN_HOST, .dst = ALL, .sport = port};

		paths_down(BIT(ER0));
		assert_int_equal(sent_by(XDP, &p), ER1);
		paths_down(0);
		assert_int_equal(sent_by(XDP, &p), ER1);
		assert_int_equal(explain(&p, 0).step, SW_STEP_STICKY);
		paths_down(BIT(ER0) | BIT(ER1));
		assert_int_equal(sent_by(XDP, &p), ER2);
		paths_down(0);
		assert_in_range(sent_by(XDP, &p), ER0, ER1);
	}
}

/* What came in by the VPN, or across the circuit, goes out where select says, not back there. */
static void test_ingress_is_no_egress(void **state)
{
	(void)state;

	for (uint16_t port = 0; port < 64; port++) {
		struct packet out = {.src = LAN_HOST, .dst = HUB, .sport = port, .dport = 80};
		struct packet in = packet_back(&out);
		uint8_t want = explain(&out, 0).path;
		struct sw_flow_state s;

		assert_int_equal(packet_run(TC_IN, port % 2 ? TUN : (enum device)(ER1 - want), &in),
				 TC_REDIRECT);
		s = flow_state(&out);
		assert_int_equal(s.out, SW_NO_PATH);
		assert_int_equal(sent_by(port % 4 / 2 ? XDP : TC_IN, &out), want);
	}
}

/* A record whose outward path is of a worse tier does not hold its flow there. */
static void test_record_does_not_choose(void **state)
{
	static const struct packet p = {.src = LAN_HOST, .dst = HUB, .sport = 1};
	(void)state;

	packet_run(TC_OUT, TUN, &p);
	assert_int_equal(flow_state(&p).out, TUN);
	assert_in_range(sent_by(XDP, &p), ER0, ER1);
	packet_run(TC_OUT, ER2, &p); /* not even a member */
	assert_in_range(sent_by(XDP, &p), ER0, ER1);
}

/* No packet that came by a path goes out by a path, whatever was recorded of its flow. */
static void test_never_back(void **state)
{
	static const char *const any[] = {HUB, SPOKE, BRANCH, REMOTE, TWO, VPN_HOST, ALL, LAN_HOST};
	(void)state;

	for (enum device in = ER0; in < LAN0; in++) {
		for (size_t i = 0; i < 56; i++) {
			struct packet p = {.src = any[i / 7], .dst = any[i % 7], .sport = 9};

			packet_run(TC_OUT, in, &p);
			if (in != TUN)
				assert_int_not_equal(packet_run(XDP, in, &p), XDP_REDIRECT);
			assert_int_not_equal(packet_run(TC_IN, in, &p), TC_REDIRECT);
		}
	}
}

/* All fragments of a datagram take one path, also where headers stand behind the fragment's. */
static void test_fragments_together(void **state)
{
	uint64_t used = 0;
	(void)state;

	for (unsigned int i = 1; i < 200; i++) {
		bool v6 = i % 2;
		struct packet first = {.src = v6 ? LAN_HOST6 : LAN_HOST,
				       .dst = host(v6 ? "fd00:10::%x" : "10.10.30.%u", i),
				       .proto = i % 3 ? IPPROTO_UDP : IPPROTO_TCP,
				       .sport = (uint16_t)(i * 7),
				       .ext = v6 ? i % 5 ? "f" : "fd" : NULL,
				       .frag = FRAG_FIRST};
		struct packet later = first;
		struct frame f;
		enum device by = sent_by(XDP, &first);

		later.frag = FRAG_LATER;
		f = frame_at(LAN0, &later);
		if (v6) /* data, not headers */
			memset(f.data + f.l3 + 48, (int)i, f.len - f.l3 - 48);
		assert_int_equal(edge_run(XDP, LAN0, &f), XDP_REDIRECT);
		assert_memory_equal(f.data, device_next_mac(by), 6);
		assert_int_equal(sent_by(TC_IN, &later), by);
		used |= BIT(by);
	}
	assert_int_equal(used, BIT(ER0) | BIT(ER1));
	assert_int_equal(flow_count(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_symmetric, edge_start),
		cmocka_unit_test_setup(test_seeded, edge_start),
		cmocka_unit_test_setup(test_explain_is_true, edge_start),
		cmocka_unit_test_setup(test_explain_no_trace, edge_start),
		cmocka_unit_test_setup(test_explain_kinds, edge_start),
		cmocka_unit_test_setup(test_failover_is_one_store, edge_start),
		cmocka_unit_test_setup(test_objections, edge_start),
		cmocka_unit_test_setup(test_last_resort, edge_start),
		cmocka_unit_test_setup(test_sticky, edge_start),
		cmocka_unit_test_setup(test_ingress_is_no_egress, edge_start),
		cmocka_unit_test_setup(test_record_does_not_choose, edge_start),
		cmocka_unit_test_setup(test_never_back, edge_start),
		cmocka_unit_test_setup(test_fragments_together, edge_start),
	};

	return cmocka_run_group_tests(tests, edge_setup, edge_teardown);
}
