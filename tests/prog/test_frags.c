/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames of several buffers at XDP (jumbo MTUs), and what TC ingress counts of frames of several
 * packets. A test run puts into the linear part what has room in a page, the rest into fragments.
 * How TC takes a jumbo frame is the lab's: a test run of it has one page.
 */
#include "edge.h"

#define LINEAR_SURE    3300 /* bytes of IP that are surely in the linear part, on any kernel */
#define FRAGMENTS_SURE 3800 /* and surely not all */
#define ROUNDS	       20000

static void takes_frags(enum device dev, bool yes)
{
	uint64_t *word = (uint64_t *)&edge.ctl->takes_frags[device_slot(dev) / 64];

	*word = yes ? *word | BIT(device_slot(dev) % 64) : *word & ~BIT(device_slot(dev) % 64);
}

static uint32_t random_below(uint32_t n)
{
	return (uint32_t)rand() % n;
}

/* One of random size, against what its size, the path's MTU and the device say. */
static void frame_one(unsigned int round)
{
	static const uint32_t mtus[] = {1500, 3300, 5000, 9000};
	bool v6 = random_below(2), inward = random_below(2), taken = random_below(4) != 0;
	enum device to = inward ? LAN0 : ER0;
	uint32_t mtu = mtus[random_below(4)];
	uint32_t size = random_below(2) ? 60 + random_below(LINEAR_SURE - 60)
					: FRAGMENTS_SURE + random_below(9000 - FRAGMENTS_SURE);
	struct packet p = {.src = v6 ? LAN_HOST6 : LAN_HOST,
			   .dst = v6 ? REMOTE6 : REMOTE,
			   .sport = (uint16_t)(1 + random_below(60000)),
			   .dport = 7,
			   .size = (uint16_t)size};
	bool forward = (inward || size <= mtu) && (size < FRAGMENTS_SURE || taken);
	struct sw_path_stats stats;
	struct frame f, was;
	int ret;

	if (inward)
		p = packet_back(&p);
	edge.paths[ER0].mtu = mtu;
	takes_frags(to, taken);
	takes_frags(inward ? ER0 : LAN0, !taken); /* the other device's is not asked */
	counters_clear();
	f = was = frame_at(inward ? ER0 : LAN0, &p);
	ret = edge_run(XDP, inward ? ER0 : LAN0, &f);
	stats = path_stats(ER0);
	CHECK(ret == (forward ? XDP_REDIRECT : XDP_PASS),
	      "round %u: %u bytes, MTU %u, %s: XDP answers %d", round, size, mtu,
	      taken ? "taken" : "not taken", ret);
	CHECK(f.len == was.len, "round %u: %zu bytes of %zu", round, f.len, was.len);
	if (!forward)
		CHECK(!memcmp(f.data, was.data, was.len), "round %u: changed", round);
	else
		CHECK(!memcmp(f.data + 34, was.data + 34, was.len - 34) &&
			      !memcmp(f.data, device_next_mac(to), 6),
		      "round %u: not the packet any more", round);
	CHECK(reasons_total() == forward, "round %u: counted %" PRIu64 " times", round,
	      reasons_total());
	CHECK((inward ? stats.rx_packets : stats.tx_packets) == forward &&
		      (inward ? stats.rx_bytes : stats.tx_bytes) == (forward ? size : 0),
	      "round %u: %llu bytes of the path", round, inward ? stats.rx_bytes : stats.tx_bytes);
}

static void test_sizes(void **state)
{
	static const enum device inside = LAN0;
	struct sw_interface row = {.role = SW_ROLE_INSIDE, .slot = SW_INSIDE_SLOT, .mtu = 9000};

	(void)state;
	memcpy(row.mac, device_mac(inside), 6);
	map_write("interfaces", &edge.ifindex[inside], &row);
	srand(test_seed());
	for (unsigned int i = 0; i < ROUNDS && edge.failures < 10; i++)
		frame_one(i);
	assert_int_equal(edge.failures, 0);
}

/* A header that says more than there is, in one buffer and in several: never moved. */
static void test_longer_than_it_is(void **state)
{
	static const uint16_t sizes[] = {200, 8000};

	(void)state;
	edge.paths[ER0].mtu = 9000;
	takes_frags(ER0, true);
	for (size_t i = 0; i < 2; i++) {
		struct packet p = {.src = LAN_HOST, .dst = REMOTE, .dport = 7, .size = sizes[i]};
		struct frame f = frame_at(LAN0, &p);

		f.len--;
		assert_int_equal(edge_run(XDP, LAN0, &f), XDP_PASS);
		f.len++;
		assert_int_equal(edge_run(XDP, LAN0, &f), XDP_REDIRECT);
	}
	assert_int_equal(reasons_total(), 2);
}

static void frames_counted(enum device dev, struct sw_reasons *sum)
{
	percpu_sum("reasons", device_slot(dev), (uint64_t *)sum, REASON_WORDS);
}

/* Frames, and packets in those of several, at TC alone; reasons count packets. */
static void test_gso_counted(void **state)
{
	const struct packet whole = {.src = LAN_HOST,
				     .dst = REMOTE,
				     .proto = IPPROTO_TCP,
				     .sport = 1,
				     .dport = 2,
				     .size = 2940};
	struct packet one = whole;
	uint64_t packets = 0, gso = 0;
	struct sw_reasons sum;

	(void)state;
	one.size = 1000;
	for (uint32_t i = 0; i < 50; i++) {
		struct frame f = frame_at(LAN0, i % 3 ? &whole : &one);

		if (i % 3) {
			f.gso_size = 1450;
			f.gso_segs = 2;
			gso++;
		}
		packets += i % 3 ? 2 : 1;
		assert_int_equal(edge_run(TC_IN, LAN0, &f), TC_REDIRECT);
		f = frame_at(LAN0, &one);
		assert_int_equal(edge_run(XDP, LAN0, &f), XDP_REDIRECT);
	}
	frames_counted(LAN0, &sum);
	assert_int_equal(sum.tc_frames, 50);
	assert_int_equal(sum.gso_frames, gso);
	assert_int_equal(sum.gso_packets, 2 * gso);
	assert_int_equal(sum.forward.forwarded, packets + 50);
	frames_counted(ER0, &sum);
	assert_int_equal(sum.tc_frames, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_sizes, edge_start),
		cmocka_unit_test_setup(test_longer_than_it_is, edge_start),
		cmocka_unit_test_setup(test_gso_counted, edge_start),
	};

	return cmocka_run_group_tests(tests, edge_setup, edge_teardown);
}
