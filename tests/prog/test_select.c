/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which path: the choice of the programs against a naive oracle on random groups, what is usable
 * and tuples; that both directions choose alike, that a lost member moves its own flows only, that
 * failing over is one store, that a record never chooses by itself, and that sw_explain says what
 * the programs do and leaves no trace.
 */
#include "explain.h"

static uint64_t random64(void)
{
	return (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ (uint64_t)rand();
}

/* A text address in the prefix, in one of a few buffers: for a moment. */
static const char *host(const char *format, unsigned int n)
{
	static char text[8][32];
	static unsigned int next;
	char *at = text[next++ % 8];

	snprintf(at, sizeof(text[0]), format, n);
	return at;
}

/* The path a packet from inside is sent by, told by the MAC of its next hop; NO_DEVICE: none. */
static enum device sent_by(enum hook hook, const struct packet *p)
{
	struct frame f = frame_at(LAN0, p);
	int ret = edge_run(hook, LAN0, &f);

	if (ret != (hook == XDP ? XDP_REDIRECT : TC_REDIRECT))
		return NO_DEVICE;
	for (enum device dev = ER0; dev < LAN0; dev++)
		if (dev != TUN && !memcmp(f.data, device_next_mac(dev), 6))
			return dev;
	return TUN;
}

/* Random disjoint tiers, some empty of usable paths; ranks do not decrease. */
static void random_group(struct sw_group *g)
{
	uint64_t left = ~0ULL;

	memset(g, 0, sizeof(*g));
	g->kind = SW_GROUP_ROUTE;
	g->degraded = SW_NO_RANK;
	g->tiers = (uint8_t)(rand() % (SW_MAX_TIERS + 1));
	for (int i = 0; i < g->tiers; i++) {
		g->tier[i] = left & random64() & random64() & random64();
		left &= ~g->tier[i];
		g->members |= g->tier[i];
		g->rank[i] = (uint8_t)(i / 3);
	}
}

struct answer {
	int tier; /* -1: none */
	uint64_t members, usable;
	bool last_resort;
};

static int oracle_tier(const struct sw_group *g, uint64_t mask, struct answer *out)
{
	for (int i = 0; i < g->tiers; i++) {
		if (g->tier[i] & mask) {
			*out = (struct answer){i, g->tier[i] & mask, out->usable, false};
			return 1;
		}
	}
	return 0;
}

/* design.md, select, as one would say it. */
static struct answer oracle(const struct sw_group *g, const struct sw_group *last, int family,
			    uint64_t down)
{
	const struct sw_usable *u = edge.usable;
	uint64_t can = family == 4 ? edge.ctl->can4 : edge.ctl->can6;
	struct answer out = {.tier = -1};

	out.usable = u->link & (family == 4 ? u->peers4 : u->peers6) & u->bfd & u->probe &
		     u->admin & u->failback & u->neighbor & can & ~down;
	if (oracle_tier(g, out.usable, &out) || (last && oracle_tier(last, out.usable, &out)))
		return out;
	if (oracle_tier(g, u->link & u->admin & can & ~down, &out))
		out.last_resort = true;
	return out;
}

static void random_liveness(void)
{
	uint64_t *word = (uint64_t *)edge.usable;
	bool all_down = rand() % 4 == 0;

	for (size_t i = 0; i < sizeof(*edge.usable) / 8; i++)
		word[i] = random64() | random64() | random64();
	edge.usable->peers4 &= all_down ? 0 : ~0ULL;
	edge.usable->peers6 &= all_down ? 0 : ~0ULL;
	edge.ctl->can4 = random64() | random64();
	edge.ctl->can6 = random64() | random64();
}

static void check_answer(const struct answer *want, const struct sw_explain *got)
{
	if (want->tier < 0) {
		CHECK(got->path == SW_NO_PATH && got->step == SW_STEP_NONE, "path %u of none",
		      got->path);
		return;
	}
	CHECK(got->tier == want->tier, "tier %u, not %d", got->tier, want->tier);
	CHECK(got->tier_usable == want->members, "members %llx", got->tier_usable);
	CHECK(got->usable == want->usable, "usable %llx", got->usable);
	CHECK(got->path < SW_MAX_PATHS && want->members >> got->path & 1, "path %u is no member",
	      got->path);
	if (want->last_resort)
		CHECK(got->step == SW_STEP_LAST_RESORT, "step %u, not last resort", got->step);
	else
		CHECK(got->step ==
			      (want->members & (want->members - 1) ? SW_STEP_HASH : SW_STEP_ONLY),
		      "step %u", got->step);
}

static void test_oracle(void **state)
{
	struct sw_group *g = &edge.groups[G_NEW], *last = &edge.groups[G_NEW + 1];
	(void)state;

	srand(test_seed());
	fib_write("10.40.0.0", 16, G_NEW);
	fib_write("fd00:40::", 64, G_NEW);
	for (int i = 0; i < 5000; i++) {
		bool v6 = rand() % 2, with_default = rand() % 2;
		struct packet p = {.src = v6 ? LAN_HOST6 : LAN_HOST,
				   .dst = host(v6 ? "fd00:40::%x" : "10.40.1.%u",
					       1u + (unsigned int)rand() % 250),
				   .sport = (uint16_t)rand(),
				   .dport = (uint16_t)rand()};
		uint64_t down = rand() % 2 ? random64() & random64() : 0;
		struct sw_explain got;
		struct answer want;

		random_group(g);
		random_group(last);
		random_liveness();
		edge.ctl->default4 = edge.ctl->default6 = with_default ? G_NEW + 1 : 0;
		got = explain(&p, down);
		want = oracle(g, with_default ? last : NULL, v6 ? 6 : 4, down);
		check_answer(&want, &got);
		assert_int_equal(got.group, G_NEW);
		assert_int_equal(got.kind, SW_GROUP_ROUTE);
		assert_int_equal(edge.failures, 0);
	}
}

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

/* Of n flows over four members each has a fair part; one lost moves its own, one back its own. */
static void test_lost_member(void **state)
{
	enum { FLOWS = 2000 };
	uint8_t path[FLOWS];
	unsigned int share[SW_MAX_PATHS] = {0};
	(void)state;

	edge.groups[G_NEW] = (struct sw_group){
		.kind = SW_GROUP_ROUTE, .tiers = 1, .tier = {BIT(3) | BIT(9) | BIT(31) | BIT(63)}};
	edge.ctl->can4 = ~0ULL;
	memset(edge.usable, 0xff, sizeof(*edge.usable));
	fib_write("10.40.0.0", 16, G_NEW);
	for (int i = 0; i < FLOWS; i++) {
		struct packet p = {.src = LAN_HOST, .dst = "10.40.1.1", .sport = (uint16_t)i};

		path[i] = explain(&p, 0).path;
		share[path[i]]++;
	}
	for (uint8_t member = 0; member < SW_MAX_PATHS; member++) {
		if (!(edge.groups[G_NEW].tier[0] >> member & 1))
			continue;
		CHECK(share[member] > FLOWS / 5 && share[member] < FLOWS * 3 / 10,
		      "member %u has %u of %u flows", member, share[member], FLOWS);
	}
	edge.usable->bfd &= ~BIT(9);
	for (int i = 0; i < FLOWS; i++) {
		struct packet p = {.src = LAN_HOST, .dst = "10.40.1.1", .sport = (uint16_t)i};
		uint8_t now = explain(&p, 0).path;

		CHECK(path[i] == 9 ? now != 9 : now == path[i], "flow %d went from %u to %u", i,
		      path[i], now);
	}
	assert_int_equal(edge.failures, 0);
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
		cmocka_unit_test_setup(test_oracle, edge_start),
		cmocka_unit_test_setup(test_symmetric, edge_start),
		cmocka_unit_test_setup(test_lost_member, edge_start),
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
