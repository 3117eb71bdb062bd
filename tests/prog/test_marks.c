/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What sw_tc_ingress writes into skb->mark: the path's number in the bits of `fwmark`, for what the
 * kernel is to send or to answer, and nothing else.
 */
#include "edge.h"

#define MASK	   0xff0000U
#define OTHER	   0x5a00005aU /* bits of somebody else */
#define MARK(path) (((uint32_t)(path) + 1) << 16)

static struct {
	int ret;
	uint32_t mark;
} got;

/* Runs it with a mark that others and an earlier packet's left. */
static void run_marked(enum device dev, const struct packet *p, uint32_t mark)
{
	static uint8_t out[FRAME_MAX + 64];
	struct frame f = frame_at(dev, p);
	struct __sk_buff in = {.ifindex = edge.ifindex[dev], .mark = mark}, after = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f.data, .data_size_in = (uint32_t)f.len,
		    .data_out = out, .data_size_out = sizeof(out), .repeat = 1, .ctx_in = &in,
		    .ctx_size_in = sizeof(in), .ctx_out = &after, .ctx_size_out = sizeof(after));

	if (bpf_prog_test_run_opts(program_fd(TC_IN), &opts))
		fail_msg("%s: %s", edge.what, strerror(errno));
	got.ret = (int)opts.retval;
	got.mark = after.mark;
	if (opts.retval != TC_REDIRECT &&
	    (opts.data_size_out != f.len || memcmp(out, f.data, f.len)))
		CHECK(0, "the bytes of what the kernel sends were changed");
}

static void vary_no_gateway(void)
{
	struct sw_nexthop nh = {
		.family = 4, .ifindex = edge.ifindex[ER0], .addr = {192, 168, 1, 77}};
	uint32_t index = ER0 * 2;

	map_write("nexthops", &index, &nh);
}

#define FROM_LAN(to_, ...)                                                                         \
	{                                                                                          \
		.src = LAN_HOST, .dst = to_, .sport = 5, .dport = 6, ##__VA_ARGS__                 \
	}
#define TO_LAN(from, ...)                                                                          \
	{                                                                                          \
		.src = from, .dst = LAN_HOST, .sport = 6, .dport = 5, ##__VA_ARGS__                \
	}

static const struct {
	const char *what;
	enum device in;
	struct packet packet;
	void (*vary)(void);
	enum sw_reason fast, kernel; /* reason by who sends */
	int path;		     /* whose mark, -1: ours are cleared, -2: nothing is touched */
	bool slow;		     /* marked with forward: fast too */
} cases[] = {
	{"to er0", LAN0, FROM_LAN(REMOTE), NULL, SW_REASON_forwarded, SW_REASON_forwarded, ER0,
	 false},
	{"to the tunnel", LAN0, FROM_LAN(BRANCH), NULL, SW_REASON_forwarded, SW_REASON_forwarded,
	 TUN, false},
	{"IPv6",
	 LAN0,
	 {.src = LAN_HOST6, .dst = REMOTE6, .sport = 5, .dport = 6},
	 NULL,
	 SW_REASON_forwarded,
	 SW_REASON_forwarded,
	 ER0,
	 false},
	{"failed over", LAN0, FROM_LAN(SPOKE), vary_er_down, SW_REASON_forwarded,
	 SW_REASON_forwarded, VPN1, false},
	{"a fragment", LAN0, FROM_LAN(REMOTE, .frag = FRAG_LATER), NULL, SW_REASON_forwarded,
	 SW_REASON_forwarded, ER0, false},
	{"TTL 1", LAN0, FROM_LAN(REMOTE, .ttl = 1), NULL, SW_REASON_ttl, SW_REASON_ttl, ER0, true},
	{"options", LAN0, FROM_LAN(REMOTE, .options = 4), NULL, SW_REASON_ip_options,
	 SW_REASON_ip_options, ER0, true},
	{"too big", LAN0, FROM_LAN(VPN_HOST, .size = 1401), NULL, SW_REASON_too_big,
	 SW_REASON_too_big, VPN1, true},
	{"no neighbour", LAN0, FROM_LAN(REMOTE), vary_no_gateway, SW_REASON_no_neighbor,
	 SW_REASON_forwarded, ER0, true},
	{"monitor", LAN0, FROM_LAN(REMOTE), vary_monitor, SW_REASON_observed, SW_REASON_observed,
	 -2, true},
	{"past the deadline", LAN0, FROM_LAN(REMOTE), vary_over, SW_REASON_observed,
	 SW_REASON_observed, -2, true},
	{"local", LAN0, FROM_LAN(OWN), NULL, SW_REASON_local, SW_REASON_local, -2, true},
	{"exempt", LAN0, FROM_LAN(EXEMPT), NULL, SW_REASON_exempt, SW_REASON_exempt, -2, true},
	{"no route", LAN0, FROM_LAN("172.31.0.1"), NULL, SW_REASON_no_route, SW_REASON_no_route, -2,
	 true},
	{"nothing usable", LAN0, FROM_LAN(BRANCH), vary_er_down, SW_REASON_forwarded,
	 SW_REASON_forwarded, TUN, false},
	{"a foreign source",
	 LAN0,
	 {.src = "10.77.0.1", .dst = REMOTE, .sport = 5, .dport = 6},
	 NULL,
	 SW_REASON_source,
	 SW_REASON_source,
	 -2,
	 true},
	{"to inside", ER0, TO_LAN(REMOTE), NULL, SW_REASON_forwarded, SW_REASON_forwarded, -1,
	 false},
	{"to inside from the tunnel", TUN, TO_LAN(BRANCH), NULL, SW_REASON_forwarded,
	 SW_REASON_forwarded, -1, false},
	{"to inside, options", ER0, TO_LAN(REMOTE, .options = 4), NULL, SW_REASON_ip_options,
	 SW_REASON_ip_options, -1, true},
};

static uint32_t mark_of(size_t i, bool fast)
{
	if (cases[i].path == -2 || (fast && !cases[i].slow))
		return OTHER | 0x330000;
	return OTHER | (cases[i].path < 0 ? 0 : MARK(cases[i].path));
}

static void run_all(uint32_t forward)
{
	bool fast = forward == SW_FORWARD_FAST;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned int failures = edge.failures;
		uint32_t reason = fast ? cases[i].fast : cases[i].kernel;
		bool forwards = reason == SW_REASON_forwarded;
		uint32_t action = forwards ? SW_ACTION_FORWARD : SW_ACTION_PASS;

		edge_reset();
		edge.failures = failures;
		edge.what = cases[i].what;
		edge.ctl->forward = forward;
		edge.ctl->fwmark = MASK;
		if (cases[i].vary)
			cases[i].vary();
		run_marked(cases[i].in, &cases[i].packet, OTHER | 0x330000);
		CHECK(got.ret == (fast && forwards ? TC_REDIRECT : TC_UNSPEC), "answers %d",
		      got.ret);
		CHECK(reason_count(cases[i].in, action, reason) == 1, "not counted as %s",
		      reason_text(reason));
		if (got.ret != TC_REDIRECT)
			CHECK(got.mark == mark_of(i, fast), "mark %#x, want %#x", got.mark,
			      mark_of(i, fast));
	}
	assert_int_equal(edge.failures, 0);
}

static void kernel_forwarding(void **state)
{
	(void)state;
	run_all(SW_FORWARD_KERNEL);
}

static void fast_marks_what_it_leaves(void **state)
{
	(void)state;
	run_all(SW_FORWARD_FAST);
}

/* What XDP would move or drop is TC's, where the kernel is to send. */
static void xdp_passes_all(void **state)
{
	const struct packet out = FROM_LAN(REMOTE), transit = {.src = REMOTE, .dst = BRANCH};

	(void)state;
	edge.what = __func__;
	edge.ctl->forward = SW_FORWARD_KERNEL;
	assert_int_equal(packet_run(XDP, LAN0, &out), XDP_PASS);
	assert_int_equal(packet_run(XDP, ER0, &transit), XDP_PASS);
	assert_int_equal(reasons_total(), 0);
	assert_int_equal(packet_run(TC_IN, ER0, &transit), TC_SHOT);
	assert_int_equal(reason_count(ER0, SW_ACTION_DROP, SW_REASON_transit_denied), 1);
}

/* Behind the box's own masquerade: a packet of the path, and no flow. */
static void masqueraded_is_counted(void **state)
{
	const struct packet p = {.src = OWN, .dst = REMOTE, .sport = 5, .dport = 6};
	static const struct {
		enum device came_by;
		uint64_t tx;
	} by[] = {{LAN0, 1}, {NO_DEVICE, 0}, {ER1, 0}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct frame f = frame_at(ER0, &p);
		struct __sk_buff skb = {.ifindex = edge.ifindex[ER0]};
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f.data,
			    .data_size_in = (uint32_t)f.len, .repeat = 1, .ctx_in = &skb,
			    .ctx_size_in = sizeof(skb));

		edge_reset();
		if (by[i].came_by != NO_DEVICE)
			skb.ingress_ifindex = edge.ifindex[by[i].came_by];
		assert_int_equal(bpf_prog_test_run_opts(program_fd(TC_OUT), &opts), 0);
		assert_int_equal(path_stats(ER0).tx_packets, by[i].tx);
		assert_int_equal(flow_count(), 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(kernel_forwarding, edge_start),
		cmocka_unit_test_setup(fast_marks_what_it_leaves, edge_start),
		cmocka_unit_test_setup(xdp_passes_all, edge_start),
		cmocka_unit_test_setup(masqueraded_is_counted, edge_start),
	};

	return cmocka_run_group_tests(tests, edge_setup, edge_teardown);
}
