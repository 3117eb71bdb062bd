/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How flows share the members of a tier: the choice of the programs and of sw_explain against the
 * oracle of choice.h; shares by weight; a member lost, new, or of another weight moves no flow that
 * need not move. SAMEWAY_LONG=1: a million tuples.
 */
#include "choice.h"

static long rounds(long quick, long all)
{
	const char *text = getenv("SAMEWAY_LONG");

	return text && !strcmp(text, "1") ? all : quick;
}

static void check_answer(const struct answer *want, const struct sw_explain *got, uint32_t hash)
{
	if (want->tier < 0) {
		CHECK(got->path == SW_NO_PATH && got->step == SW_STEP_NONE, "path %u of none",
		      got->path);
		return;
	}
	CHECK(got->tier == want->tier, "tier %u, not %d", got->tier, want->tier);
	CHECK(got->tier_usable == want->members, "members %llx", got->tier_usable);
	CHECK(got->usable == want->usable, "usable %llx", got->usable);
	CHECK(got->path == oracle_member(want->members, hash), "path %u, not %u", got->path,
	      oracle_member(want->members, hash));
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
	for (long i = rounds(20000, 1000000); i; i--) {
		bool v6 = rand() % 2, with_default = rand() % 2;
		struct packet p = {.src = v6 ? LAN_HOST6 : LAN_HOST,
				   .dst = host(v6 ? "fd00:40::%x" : "10.40.1.%u",
					       1u + (unsigned int)rand() % 250),
				   .sport = (uint16_t)rand(),
				   .dport = (uint16_t)rand()};
		uint64_t down = rand() % 2 ? random64() & random64() : 0;
		struct sw_explain got;
		struct answer want;

		random_weights();
		random_group(g);
		random_group(last);
		random_liveness();
		edge.ctl->default4 = edge.ctl->default6 = with_default ? G_NEW + 1 : 0;
		got = explain(&p, down);
		want = oracle(g, with_default ? last : NULL, v6 ? 6 : 4, down);
		check_answer(&want, &got, choice_hash(&p));
		assert_int_equal(got.group, G_NEW);
		assert_int_equal(got.kind, SW_GROUP_ROUTE);
		assert_int_equal(edge.failures, 0);
	}
}

/* A packet from inside to 10.40/16 or fd00:40::/64, in buffers of the last call. */
static struct packet random_packet(void)
{
	bool v6 = rand() % 2;
	static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_UDP, PROTO_SCTP};

	return (struct packet){
		.src = host(v6 ? "fd02:30::%x" : "10.2.30.%u", 2u + (unsigned int)rand() % 120),
		.dst = host(v6 ? "fd00:40::%x" : "10.40.1.%u", 1u + (unsigned int)rand() % 250),
		.proto = protos[rand() % 3],
		.sport = (uint16_t)rand(),
		.dport = (uint16_t)rand()};
}

static void one_tier(uint64_t members)
{
	edge.groups[G_NEW] = (struct sw_group){
		.kind = SW_GROUP_ROUTE, .degraded = SW_NO_RANK, .tiers = 1, .tier = {members}};
	edge.ctl->can4 = edge.ctl->can6 = ~0ULL;
	memset(edge.usable, 0xff, sizeof(*edge.usable));
	fib_write("10.40.0.0", 16, G_NEW);
	fib_write("fd00:40::", 64, G_NEW);
}

/* XDP and TC send by the oracle's path, the first packet without a record and the next with one. */
static void test_programs(void **state)
{
	const uint64_t real = BIT(LAN0) - 1;
	(void)state;

	srand(test_seed());
	one_tier(real);
	for (long i = rounds(20000, 1000000); i; i--) {
		struct packet p = random_packet();
		struct sw_explain told;
		struct answer want = {.tier = -1};
		uint64_t left = real;
		enum device by;

		if (i % 16 == 0) {
			random_weights();
			one_tier(0);
			edge.groups[G_NEW].tiers = 3;
			for (int t = 0; t < 3; t++) {
				edge.groups[G_NEW].tier[t] = left & random64();
				left &= ~edge.groups[G_NEW].tier[t];
			}
			paths_down(random64() & random64() & real);
		}
		told = explain(&p, 0);
		if (told.step == SW_STEP_STICKY) /* these addresses and ports again */
			continue;
		want = oracle(&edge.groups[G_NEW], NULL, packet_family(&p), 0);
		by = want.tier < 0 ? NO_DEVICE : oracle_member(want.members, choice_hash(&p));
		CHECK(told.path == (by == NO_DEVICE ? SW_NO_PATH : by), "told %u, not %d",
		      told.path, by);
		if (i % 2 && by != TUN) /* XDP leaves that to TC */
			CHECK(sent_by(XDP, &p) == by, "%s: XDP not by %d", p.dst, by);
		CHECK(sent_by(TC_IN, &p) == by, "%s: TC not by %d", p.dst, by);
		assert_int_equal(edge.failures, 0);
	}
}

#define FLOWS 3000

static void flows_path(uint8_t path[FLOWS])
{
	for (uint16_t i = 0; i < FLOWS; i++) {
		struct packet p = {.src = LAN_HOST, .dst = "10.40.1.1", .sport = i};

		path[i] = explain(&p, 0).path;
	}
}

/* Which flows moved: those of `from` (SW_NO_PATH: of any), all to `to` (likewise), none else. */
static void check_moved(const uint8_t was[FLOWS], const uint8_t is[FLOWS], unsigned int from,
			unsigned int to)
{
	for (int i = 0; i < FLOWS; i++) {
		bool must = was[i] == from;

		CHECK(must ? is[i] != from : is[i] == was[i] || is[i] == to,
		      "flow %d went from %u to %u", i, was[i], is[i]);
	}
	assert_int_equal(edge.failures, 0);
}

/* One lost moves its own flows, back they come; a new one and more weight take from others only. */
static void test_resilient(void **state)
{
	uint8_t before[FLOWS], after[FLOWS];
	(void)state;

	srand(test_seed());
	for (long round = rounds(20, 300); round; round--) {
		uint64_t members = random64() | BIT(rand() % 64) | BIT(rand() % 64);
		unsigned int lost;

		if (round % 2)
			members &= random64() & random64() & random64();
		members |= BIT(3) | BIT(rand() % 64);
		random_weights();
		one_tier(members);
		flows_path(before);
		lost = before[rand() % FLOWS];
		edge.usable->bfd = ~BIT(lost);
		flows_path(after);
		if (members & ~BIT(lost))
			check_moved(before, after, lost, SW_NO_PATH);
		edge.usable->bfd = ~0ULL;
		flows_path(after);
		assert_memory_equal(before, after, sizeof(before));

		do
			lost = (unsigned int)rand() % 64;
		while (members >> lost & 1 && ~members);
		one_tier(members | BIT(lost));
		flows_path(after);
		check_moved(before, after, SW_NO_PATH, lost);
		memcpy(before, after, sizeof(before));
		weight_write(lost, edge.paths[lost].weight % 64 + 1);
		flows_path(after);
		if (edge.paths[lost].weight > 1)
			check_moved(before, after, SW_NO_PATH, lost);
	}
}

/* Of n flows each member has its weight's share, within five sigma. */
static void test_shares(void **state)
{
	static const uint8_t weights[][5] = {
		{1, 1}, {1, 3}, {64, 1}, {1, 1, 1, 1, 1}, {5, 10, 20, 40, 64}};
	const long n = rounds(20000, 500000);
	(void)state;

	srand(test_seed());
	for (size_t row = 0; row < sizeof(weights) / sizeof(weights[0]); row++) {
		long share[SW_MAX_PATHS] = {0};
		double sum = 0;

		one_tier(0);
		for (unsigned int i = 0; i < 5 && weights[row][i]; i++) {
			weight_write(7 * i + 3, weights[row][i]);
			edge.groups[G_NEW].tier[0] |= BIT(7 * i + 3);
			sum += weights[row][i];
		}
		for (long i = 0; i < n; i++) {
			struct packet p = random_packet();

			share[explain(&p, 0).path & 63]++;
		}
		for (unsigned int i = 0; i < 5 && weights[row][i]; i++) {
			double part = weights[row][i] / sum;
			double want = (double)n * part, off = (double)share[7 * i + 3] - want;

			CHECK(off * off < 25 * want * (1 - part),
			      "row %zu: weight %u has %ld, not %.0f of %ld", row, weights[row][i],
			      share[7 * i + 3], want, n);
		}
	}
	assert_int_equal(edge.failures, 0);
}

/* What no daemon writes does no harm: weight 0 is 1, beyond the limit is the limit. */
static void test_odd_weights(void **state)
{
	uint8_t want[FLOWS], got[FLOWS];
	(void)state;

	one_tier(BIT(1) | BIT(40));
	weight_write(1, 1);
	weight_write(40, 64);
	flows_path(want);
	edge.paths[1].weight = 0;
	edge.paths[40].weight = 255;
	edge.ctl->weighted = ~0ULL;
	flows_path(got);
	assert_memory_equal(want, got, sizeof(want));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_oracle, edge_start),
		cmocka_unit_test_setup(test_programs, edge_start),
		cmocka_unit_test_setup(test_resilient, edge_start),
		cmocka_unit_test_setup(test_shares, edge_start),
		cmocka_unit_test_setup(test_odd_weights, edge_start),
	};

	return cmocka_run_group_tests(tests, edge_setup, edge_teardown);
}
