/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What becomes of a packet: one table of cases, each through sw_xdp and sw_tc_ingress, enforcing
 * and monitoring. Reason and action are counted once, by the hook that has the last word: XDP
 * counts what it redirects or drops, all else it leaves to TC untouched and uncounted. What TC
 * sends out by a path is counted and recorded by sw_tc_egress of the path, which is run on it.
 */
#include "edge.h"
#include "cases.h"

#define FORWARD SW_ACTION_FORWARD
#define PASS	SW_ACTION_PASS
#define DROP	SW_ACTION_DROP

static void expect_counters(const struct one *c, enum hook hook, uint32_t reason, uint32_t action)
{
	bool monitor = edge.ctl->mode == SW_MODE_MONITOR;
	bool said = hook == TC_IN || action != PASS;
	bool out = c->in >= LAN0, moved = action == FORWARD;
	bool rx = !out && (moved || c->in_counted || (monitor && c->action == FORWARD)) &&
		  action != DROP && said;
	bool tx = out && moved;
	struct sw_path_stats in = {0}, sent = {0};

	CHECK(reason_count(c->in, action, reason) == said, "%s %s counted %" PRIu64 " times",
	      reason_text(reason), hook_text[hook], reason_count(c->in, action, reason));
	CHECK(reasons_total() == said, "%" PRIu64 " packets counted by %s", reasons_total(),
	      hook_text[hook]);
	if (!out)
		in = path_stats(c->in);
	if (c->to < LAN0)
		sent = path_stats(c->to);
	CHECK(in.rx_packets == (rx || (c->transit && monitor && said)), "rx of the path: %llu",
	      in.rx_packets);
	CHECK(sent.tx_packets == tx, "tx of the path: %llu", sent.tx_packets);
}

static void expect_bytes(const struct one *c, const struct frame *before, const struct frame *after)
{
	size_t l3 = c->to == TUN && c->in == TUN ? 0 : ETH_HLEN,
	       ttl = before->data[before->l3] >> 4 == 4 ? 8 : 7;
	const uint8_t *ip = after->data + l3, *was = before->data + before->l3;

	CHECK(after->len == before->len + (l3 - before->l3), "length %zu", after->len);
	CHECK(ip[ttl] == was[ttl] - 1, "TTL %u", ip[ttl]);
	if (ttl == 8)
		CHECK(!checksum(ip, (size_t)(ip[0] & 15) * 4), "IPv4 checksum is wrong");
	if (c->to != TUN) {
		CHECK(!memcmp(after->data, device_next_mac(c->to), 6),
		      "destination MAC %02x:%02x:..:%02x", after->data[0], after->data[1],
		      after->data[5]);
		CHECK(!memcmp(after->data + 6, device_mac(c->to), 6), "source MAC ..:%02x",
		      after->data[11]);
		CHECK(after->data[12] == (ttl == 8 ? 0x08 : 0x86), "ethertype");
	}
	for (size_t i = 0; i < before->len - before->l3; i++)
		if (i != ttl && !(ttl == 8 && (i == CHECK_OFFSET || i == CHECK_OFFSET + 1)) &&
		    ip[i] != was[i]) {
			CHECK(0, "byte %zu of the IP packet changed", i);
			break;
		}
}

/* Runs the case at the hook; the frame as it was and as it left. */
static int run_one(const struct one *c, enum hook hook, struct frame *before, struct frame *after)
{
	*before = frame_at(c->in, &c->packet);
	if (c->spoil)
		c->spoil(before);
	*after = *before;
	return edge_run(hook, c->in, after);
}

static void expect_record(const struct one *c, bool want)
{
	struct flow flow;

	if (c->primed) /* its record is another packet's */
		return;
	CHECK(flow_count() == want, "%zu records", flow_count());
	if (want && flow_get(&c->packet, &flow))
		CHECK(flow.out_packets + flow.in_packets == (c->reason != SW_REASON_spoof),
		      "packets of the record: %" PRIu64 ", %" PRIu64, flow.out_packets,
		      flow.in_packets);
}

/* The case begins: its own change of the edge, the flow that it wants to be there. */
static void prepare(const struct one *c, uint32_t mode)
{
	unsigned int failures = edge.failures;

	edge_reset();
	edge.failures = failures;
	edge.what = c->what;
	if (c->vary)
		c->vary();
	if (c->primed)
		packet_run(c->primed_in ? TC_IN : TC_OUT, c->primed_by, c->primed);
	edge.ctl->mode = mode;
	counters_clear();
}

static void run_enforce(const struct one *c, enum hook hook)
{
	bool defers = hook == XDP && (c->action == PASS || c->to == TUN);
	uint32_t action = defers ? PASS : c->action;
	struct frame before, after;
	int ret;

	prepare(c, SW_MODE_ENFORCE);
	ret = run_one(c, hook, &before, &after);
	if (action == FORWARD)
		CHECK(ret == (hook == XDP ? XDP_REDIRECT : TC_REDIRECT), "%s answers %d",
		      hook_text[hook], ret);
	else if (action == DROP)
		CHECK(ret == (hook == XDP ? XDP_DROP : TC_SHOT), "%s answers %d", hook_text[hook],
		      ret);
	else
		CHECK(ret == (hook == XDP ? XDP_PASS : TC_UNSPEC), "%s answers %d", hook_text[hook],
		      ret);
	if (action == FORWARD) {
		expect_bytes(c, &before, &after);
	} else {
		CHECK(after.len == before.len && !memcmp(before.data, after.data, before.len),
		      "%s changed the bytes of what it does not move", hook_text[hook]);
	}
	if (action == FORWARD && hook == TC_IN && c->to < LAN0) {
		if (c->to == TUN) {
			memmove(after.data, after.data + ETH_HLEN, after.len - ETH_HLEN);
			after.len -= ETH_HLEN;
		}
		CHECK(edge_run(TC_OUT, c->to, &after) == TC_UNSPEC, "tc egress has an opinion");
	}
	expect_counters(c, hook, c->reason, action);
	expect_record(c, c->record && !defers);
}

/* Monitoring: the same words, and not a byte, not a packet moved. */
static void run_monitor(const struct one *c, enum hook hook)
{
	uint32_t reason = c->action == FORWARD ? SW_REASON_observed : c->reason;
	bool inward = c->in < LAN0;
	struct frame before, after;
	int ret;

	if (reason == SW_REASON_no_neighbor)
		reason = SW_REASON_observed; /* nobody asks for a MAC that is not needed */
	prepare(c, SW_MODE_MONITOR);
	ret = run_one(c, hook, &before, &after);
	CHECK(ret == (hook == XDP ? XDP_PASS : TC_UNSPEC), "%s answers %d in monitor mode",
	      hook_text[hook], ret);
	CHECK(after.len == before.len && !memcmp(before.data, after.data, before.len),
	      "%s changed bytes in monitor mode", hook_text[hook]);
	expect_counters(c, hook, reason, PASS);
	expect_record(c, c->record && inward && hook == TC_IN);
}

static void run_table(void (*run)(const struct one *, enum hook), enum hook hook)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (hook == XDP && cases[i].in == TUN)
			continue; /* has no native XDP */
		run(&cases[i], hook);
	}
	assert_int_equal(edge.failures, 0);
}

static void test_enforce_xdp(void **state)
{
	(void)state;
	run_table(run_enforce, XDP);
}

static void test_enforce_tc(void **state)
{
	(void)state;
	run_table(run_enforce, TC_IN);
}

static void test_monitor_xdp(void **state)
{
	(void)state;
	run_table(run_monitor, XDP);
}

static void test_monitor_tc(void **state)
{
	(void)state;
	run_table(run_monitor, TC_IN);
}

/* What a device drops of the headers, byte by byte: never moved, never recorded, no crash. */
static void truncate_everywhere(const struct packet *p, enum device dev, size_t headers,
				enum hook hook)
{
	struct frame whole = frame_at(dev, p);

	size_t least = ETH_HLEN;

	if (hook == TC_IN) /* the kernel lets no frame without an IP header be tried */
		least += packet_family(p) == 6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	for (size_t len = least; len < whole.l3 + headers; len++) {
		struct frame f = whole;
		int ret;

		f.len = len;
		ret = edge_run(hook, dev, &f);
		CHECK(ret == (hook == XDP ? XDP_PASS : TC_UNSPEC), "%s: %zu of %zu bytes: %d",
		      hook_text[hook], len, whole.len, ret);
		if (hook == TC_IN)
			CHECK(reason_count(dev, PASS, SW_REASON_malformed) == 1,
			      "%zu of %zu bytes are not malformed", len, whole.len);
		CHECK(!flow_count(), "%zu of %zu bytes have a record", len, whole.len);
		counters_clear();
	}
}

static void test_truncated(void **state)
{
	static const struct packet quoted = {
		.src = LAN_HOST, .dst = REMOTE, .sport = 5, .dport = 6};
	static const struct {
		struct packet p;
		size_t headers;
	} row[] = {
		{{.src = REMOTE, .dst = LAN_HOST, .proto = IPPROTO_TCP}, 40},
		{{.src = REMOTE, .dst = LAN_HOST}, 28},
		{{.src = REMOTE, .dst = LAN_HOST, .proto = IPPROTO_ICMP}, 28},
		{{.src = REMOTE, .dst = LAN_HOST, .proto = IPPROTO_ICMP, .quote = &quoted}, 48},
		{{.src = REMOTE, .dst = LAN_HOST, .options = 12}, 40},
		{{.src = REMOTE6, .dst = LAN_HOST6, .proto = IPPROTO_TCP}, 60},
		{{.src = REMOTE6, .dst = LAN_HOST6, .ext = "drd"}, 72},
		{{.src = REMOTE6, .dst = LAN_HOST6, .proto = PROTO_ICMP6}, 48},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		truncate_everywhere(&row[i].p, ER0, row[i].headers, XDP);
		truncate_everywhere(&row[i].p, ER0, row[i].headers, TC_IN);
	}
	assert_int_equal(edge.failures, 0);
}

/* The IP length says less than its headers need; Ethernet's padding is not to be read as ports. */
static void test_length_cut(void **state)
{
	static const struct packet tcp = {.src = REMOTE, .dst = LAN_HOST, .proto = IPPROTO_TCP};
	static const struct packet tcp6 = {.src = REMOTE6, .dst = LAN_HOST6, .proto = IPPROTO_TCP};
	(void)state;

	for (uint8_t len = 0; len < 40; len++) {
		struct frame f = frame_at(ER0, &tcp);

		f.data[f.l3 + 2] = 0;
		f.data[f.l3 + 3] = len;
		CHECK(edge_run(TC_IN, ER0, &f) == TC_UNSPEC, "moved with tot_len %u", len);
	}
	for (uint8_t len = 0; len < 20; len++) {
		struct frame f = frame_at(ER0, &tcp6);

		f.data[f.l3 + 5] = len;
		CHECK(edge_run(TC_IN, ER0, &f) == TC_UNSPEC, "moved with payload_len %u", len);
	}
	CHECK(reason_count(ER0, PASS, SW_REASON_malformed) == 60, "%" PRIu64 " of 60 malformed",
	      reason_count(ER0, PASS, SW_REASON_malformed));
	CHECK(!flow_count(), "%zu records", flow_count());
	assert_int_equal(edge.failures, 0);
}

/* Noise in the headers: whatever the programs make of it, each packet has one reason. */
static void test_noise(void **state)
{
	static const struct packet row[] = {
		{.src = REMOTE, .dst = LAN_HOST, .proto = IPPROTO_TCP},
		{.src = REMOTE6, .dst = LAN_HOST6, .ext = "dr"},
		{.src = REMOTE, .dst = LAN_HOST, .proto = IPPROTO_ICMP},
	};
	const unsigned int rounds = 20000;
	(void)state;

	srand(test_seed());
	for (unsigned int i = 0; i < rounds; i++) {
		struct frame f = frame_at(ER0, &row[(size_t)rand() % 3]);

		for (int k = rand() % 4; k >= 0; k--)
			f.data[6 + (size_t)rand() % (f.len - 6)] = (uint8_t)rand();
		f.len -= (size_t)rand() % 16;
		edge_run(TC_IN, ER0, &f);
	}
	assert_int_equal(reasons_total(), rounds);
}

/* The checksum's carry, which few headers have. */
static void test_checksum_carry(void **state)
{
	static const struct packet p = {.src = LAN_HOST, .dst = REMOTE};
	unsigned int tried = 0;
	(void)state;

	for (uint32_t id = 0; id < 65536; id++) {
		struct frame f = frame_at(LAN0, &p);
		uint8_t *ip = f.data + ETH_HLEN;
		uint16_t sum;

		ip[4] = (uint8_t)(id >> 8);
		ip[5] = (uint8_t)id;
		memset(ip + CHECK_OFFSET, 0, 2);
		sum = checksum(ip, 20);
		if (!sum)
			sum = 0xffff; /* the other zero, as right */
		memcpy(ip + CHECK_OFFSET, &sum, 2);
		if (ip[CHECK_OFFSET] > 1 && ip[CHECK_OFFSET] < 0xfe)
			continue;
		tried++;
		assert_int_equal(edge_run(XDP, LAN0, &f), XDP_REDIRECT);
		assert_int_equal(checksum(ip, 20), 0);
	}
	assert_in_range(tried, 1000, 1100);
}

/* A GSO frame is as many packets as it has segments, and as long as each of them. */
static void test_gso(void **state)
{
	static const struct packet in = {
		.src = REMOTE, .dst = LAN_HOST, .proto = IPPROTO_TCP, .size = 2840};
	struct sw_path_stats stats;
	struct flow flow;
	struct frame f;
	(void)state;

	f = frame_at(ER0, &in);
	f.gso_size = 1400;
	f.gso_segs = 2;
	assert_int_equal(edge_run(TC_IN, ER0, &f), TC_REDIRECT);
	assert_int_equal(reason_count(ER0, FORWARD, SW_REASON_forwarded), 2);
	stats = path_stats(ER0);
	assert_int_equal(stats.rx_packets, 2);
	assert_int_equal(stats.rx_bytes, 2840 + 40);
	assert_true(flow_get(&in, &flow));
	assert_int_equal(flow.in_packets, 2);
	assert_int_equal(flow.in_bytes, 2880);

	f = frame_at(ER0, &in);
	f.gso_size = 1461; /* 1501 with its headers */
	f.gso_segs = 2;
	assert_int_equal(edge_run(TC_IN, ER0, &f), TC_UNSPEC);
	assert_int_equal(reason_count(ER0, PASS, SW_REASON_too_big), 2);
}

/* A device without a slot is none of ours. */
static void test_foreign_device(void **state)
{
	static const struct packet p = {.src = LAN_HOST, .dst = REMOTE};
	(void)state;

	bpf_map_delete_elem(map_fd("interfaces"), &edge.ifindex[LAN0]);
	assert_int_equal(packet_run(XDP, LAN0, &p), XDP_PASS);
	assert_int_equal(packet_run(TC_IN, LAN0, &p), TC_UNSPEC);
	assert_int_equal(packet_run(TC_OUT, LAN0, &p), TC_UNSPEC);
	assert_int_equal(reasons_total(), 0);
	assert_int_equal(flow_count(), 0);
}

/* A path that XDP has no device for: up to TC as it came, and said. */
static void test_no_device(void **state)
{
	static const struct packet p = {.src = LAN_HOST, .dst = REMOTE};
	struct frame f = frame_at(LAN0, &p), before = f;
	uint32_t slot = ER0;
	(void)state;

	bpf_map_delete_elem(map_fd("devices"), &slot);
	assert_int_equal(edge_run(XDP, LAN0, &f), XDP_PASS);
	assert_memory_equal(f.data, before.data, f.len);
	assert_int_equal(health().redirect_no_dev, 1);
	assert_int_equal(reasons_total(), 0);
	assert_int_equal(edge_run(TC_IN, LAN0, &f), TC_REDIRECT);
}

/* What leaves by a path but is this box's own, exempt or inside's is no packet of the path. */
static void test_egress_not_ours(void **state)
{
	static const struct packet row[] = {
		{.src = OWN, .dst = REMOTE},
		{.src = EXEMPT, .dst = REMOTE},
		{.src = LAN_HOST, .dst = EXEMPT},
		{.src = LAN_HOST, .dst = "224.0.0.5"},
		{.src = LAN_HOST, .dst = "169.254.3.3"},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_int_equal(packet_run(TC_OUT, ER0, &row[i]), TC_UNSPEC);
		assert_int_equal(path_stats(ER0).tx_packets, 0);
		assert_int_equal(flow_count(), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_enforce_xdp, edge_start),
		cmocka_unit_test_setup(test_enforce_tc, edge_start),
		cmocka_unit_test_setup(test_monitor_xdp, edge_start),
		cmocka_unit_test_setup(test_monitor_tc, edge_start),
		cmocka_unit_test_setup(test_truncated, edge_start),
		cmocka_unit_test_setup(test_length_cut, edge_start),
		cmocka_unit_test_setup(test_noise, edge_start),
		cmocka_unit_test_setup(test_checksum_carry, edge_start),
		cmocka_unit_test_setup(test_gso, edge_start),
		cmocka_unit_test_setup(test_foreign_device, edge_start),
		cmocka_unit_test_setup(test_no_device, edge_start),
		cmocka_unit_test_setup(test_egress_not_ours, edge_start),
	};

	return cmocka_run_group_tests(tests, edge_setup, edge_teardown);
}
