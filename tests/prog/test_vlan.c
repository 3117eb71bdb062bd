/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VLAN tags and paths that share a device, by BPF_PROG_TEST_RUN. er0 and er1 of edge.h are put on
 * er0's device in all the ways there are; what must become of a frame is said again here, from its
 * tags and MACs alone, without the programs' words. (Of two tags that TC puts on, the outer one is
 * beside the data, where a test run does not show it: tests/lab/test_vlan.sh sees it on the wire.)
 */
#include "edge.h"

#define TAGS_MAX 4
#define CTAG	 0x8100
#define STAG	 0x88a8

struct tag {
	uint16_t proto, vid;
};
struct tagging {
	struct tag tag[TAGS_MAX];
	size_t n;
};

static const uint8_t owner_mac[6] = {2, 0xcc, 0, 0, 0, 1}; /* of the device with the addresses */
static const uint8_t other_mac[6] = {2, 0xdd, 0, 0, 0, 1};

/* Path `path` is on er0's device, with these tags. */
static void path_on_trunk(enum device path, uint16_t outer, uint16_t inner)
{
	struct sw_nexthop nh;

	for (uint32_t family = 0; family < 2; family++) {
		uint32_t index = (uint32_t)path * 2 + family;

		assert_int_equal(bpf_map_lookup_elem(map_fd("nexthops"), &index, &nh), 0);
		nh.ifindex = edge.ifindex[ER0];
		nh.l3_ifindex = edge.ifindex[path]; /* its gateway's MAC is known there */
		nh.tags = (union sw_tags){.vid = {outer, inner}};
		nh.checked_ns = 0;
		map_write("nexthops", &index, &nh);
	}
	edge.paths[path].ifindex = edge.ifindex[ER0];
	map_write("devices", &(uint32_t){path}, &edge.ifindex[ER0]);
}

static void port_write(uint16_t outer, uint16_t inner, uint64_t paths)
{
	struct sw_port_key key = {.ifindex = edge.ifindex[ER0], .tags.vid = {outer, inner}};
	struct sw_port port = {.paths = paths, .slot = (uint8_t)__builtin_ctzll(paths)};

	memcpy(port.mac, owner_mac, 6);
	map_write("ports", &key, &port);
}

/* er0's device asks map `ports`, whose deepest port has so many tags. */
static void trunk_write(uint8_t tags)
{
	struct sw_interface row = {.name = "er0",
				   .role = SW_ROLE_PATH,
				   .slot = ER0,
				   .ports = 1,
				   .tags = tags,
				   .mtu = 1600};

	memcpy(row.mac, owner_mac, 6);
	map_write("interfaces", &edge.ifindex[ER0], &row);
}

static int vlan_start(void **state)
{
	edge_start(state);
	map_clear("ports");
	return 0;
}

/* The frame with its tags in the data. */
static void put_tags(struct frame *f, const struct tagging *t)
{
	uint8_t *at = f->data + 12;

	memmove(at + t->n * 4, at, f->len - 12);
	for (size_t i = 0; i < t->n; i++, at += 4) {
		at[0] = (uint8_t)(t->tag[i].proto >> 8);
		at[1] = (uint8_t)t->tag[i].proto;
		at[2] = (uint8_t)(t->tag[i].vid >> 8);
		at[3] = (uint8_t)t->tag[i].vid;
	}
	f->len += t->n * 4;
	f->l3 += t->n * 4;
}

static struct frame tagged(const struct packet *p, const struct tagging *t, const uint8_t *dmac,
			   const uint8_t *smac)
{
	struct frame f;

	frame_build(&f, p, dmac, smac);
	put_tags(&f, t);
	return f;
}

/* The packet's bytes, TTL less one, behind the MACs of `to` and these tags: and nothing else. */
static void expect_frame(const struct frame *got, const struct packet *p, const struct tagging *t,
			 const uint8_t *dmac, const uint8_t *smac)
{
	struct packet less = *p;
	struct frame want;

	less.ttl = 63;
	want = tagged(&less, t, dmac, smac);
	CHECK(got->len == want.len, "%zu bytes, not %zu", got->len, want.len);
	for (size_t i = 0; i < want.len && got->len == want.len; i++)
		if (got->data[i] != want.data[i]) {
			CHECK(0, "byte %zu is %02x, not %02x", i, got->data[i], want.data[i]);
			break;
		}
}

static const struct packet out4 = {
	.src = LAN_HOST, .dst = REMOTE, .proto = IPPROTO_TCP, .sport = 1, .dport = 2};
static const struct packet out6 = {.src = LAN_HOST6, .dst = REMOTE6, .sport = 1, .dport = 2};
static const struct packet in4 = {
	.src = REMOTE, .dst = LAN_HOST, .proto = IPPROTO_TCP, .sport = 2, .dport = 1};
static const struct packet in6 = {.src = REMOTE6, .dst = LAN_HOST6, .sport = 2, .dport = 1};

static const struct tagging untagged;
static const struct tagging one_tag = {{{CTAG, 300}}, 1};
static const struct tagging two_tags = {{{STAG, 30}, {CTAG, 300}}, 2};

/* Inside to a path: its tags, in this order and of these kinds. */
static void test_out(void **state)
{
	static const struct {
		uint16_t outer, inner;
		const struct tagging *xdp, *tc;
	} row[] = {
		{0, 0, &untagged, &untagged},
		{300, 0, &one_tag, &untagged}, /* TC: beside the data */
		{30, 300, &two_tags, &one_tag},
	};

	for (size_t i = 0; i < 6; i++) {
		const struct packet *p = i % 2 ? &out6 : &out4;
		struct frame f;

		vlan_start(state);
		path_on_trunk(ER0, row[i / 2].outer, row[i / 2].inner);
		f = frame_at(LAN0, p);
		CHECK(edge_run(XDP, LAN0, &f) == XDP_REDIRECT, "XDP, row %zu: not sent", i);
		expect_frame(&f, p, row[i / 2].xdp, device_next_mac(ER0), device_mac(ER0));
		CHECK(path_stats(ER0).tx_packets == 1, "XDP, row %zu: not counted", i);
		f = frame_at(LAN0, p);
		CHECK(edge_run(TC_IN, LAN0, &f) == TC_REDIRECT, "TC, row %zu: not sent", i);
		expect_frame(&f, p, row[i / 2].tc, device_next_mac(ER0), device_mac(ER0));
		CHECK(reason_count(LAN0, SW_ACTION_FORWARD, SW_REASON_forwarded) == 2, "row %zu",
		      i);
		assert_int_equal(edge.failures, 0);
	}
}

/* From a device without Ethernet header to one with tags: inside behind a TUN. */
static void test_l3_to_tagged(void **state)
{
	struct sw_interface row = {.name = "tun0",
				   .role = SW_ROLE_INSIDE,
				   .slot = SW_INSIDE_SLOT,
				   .l3 = 1,
				   .mtu = 1500};
	struct frame f;

	vlan_start(state);
	path_on_trunk(ER0, 30, 300);
	map_write("interfaces", &edge.ifindex[TUN], &row);
	f = frame_at(TUN, &out4);
	assert_int_equal(edge_run(TC_IN, TUN, &f), TC_REDIRECT);
	expect_frame(&f, &out4, &one_tag, device_next_mac(ER0), device_mac(ER0));
	assert_int_equal(edge.failures, 0);
}

/* Ports of every depth on one device, and what tags a frame can have: the reason, or the path. */
struct oracle {
	bool moved;
	uint32_t reason;
	enum device path;
	bool xdp; /* XDP moves it too: it has as many tags as any port */
};

/* Ports: er0 [300], er1 [30, 300]. As few words as can be: the ids that are not 0, in order. */
static struct oracle oracle_of(const struct tagging *t, bool own_mac)
{
	struct oracle o = {.reason = SW_REASON_unknown_vlan, .path = ER0};
	uint16_t vid[TAGS_MAX] = {0};
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		if (t->tag[i].vid & 0xfff)
			vid[n++] = t->tag[i].vid & 0xfff;
	if (t->n > 3)
		return o; /* two and one of priority are looked at */
	if (n == 1 && vid[0] == 300)
		o.moved = true;
	else if (n == 2 && vid[0] == 30 && vid[1] == 300)
		o = (struct oracle){.moved = true, .path = ER1, .xdp = true};
	if (!n && !own_mac)
		o.reason = SW_REASON_other_host;
	if (o.moved && !own_mac)
		o = (struct oracle){.reason = SW_REASON_other_host, .path = o.path};
	if (o.moved)
		o.reason = SW_REASON_forwarded;
	return o;
}

static void expect_in(const struct packet *p, const struct tagging *t, bool own_mac)
{
	const struct oracle want = oracle_of(t, own_mac);
	const uint8_t *to = own_mac ? owner_mac : other_mac;
	struct frame before = tagged(p, t, to, device_next_mac(ER0)), f = before;
	int ret;

	counters_clear();
	flows_clear();
	ret = edge_run(XDP, ER0, &f);
	CHECK(ret == (want.xdp ? XDP_REDIRECT : XDP_PASS), "XDP answers %d", ret);
	if (want.xdp)
		expect_frame(&f, p, &untagged, device_next_mac(LAN0), device_mac(LAN0));
	else
		CHECK(f.len == before.len && !memcmp(f.data, before.data, f.len),
		      "XDP changed what it passes");
	CHECK(reasons_total() == want.xdp, "XDP counted %" PRIu64, reasons_total());
	counters_clear();
	f = before;
	ret = edge_run(TC_IN, ER0, &f);
	CHECK(ret == (want.moved ? TC_REDIRECT : TC_UNSPEC), "TC answers %d", ret);
	if (want.moved)
		expect_frame(&f, p, &untagged, device_next_mac(LAN0), device_mac(LAN0));
	CHECK(reason_count(want.path, want.moved ? SW_ACTION_FORWARD : SW_ACTION_PASS,
			   want.reason) == 1,
	      "not %s of %s", reason_text(want.reason), device_name[want.path]);
	CHECK(reasons_total() == 1, "TC counted %" PRIu64, reasons_total());
	CHECK(path_stats(want.path).rx_packets == want.moved, "rx of the path");
}

static void trunk_of_two(void **state)
{
	vlan_start(state);
	trunk_write(2);
	path_on_trunk(ER0, 300, 0);
	path_on_trunk(ER1, 30, 300);
	port_write(300, 0, BIT(ER0));
	port_write(30, 300, BIT(ER1));
	edge.groups[G_REMOTE].members |= BIT(ER1);
}

static void test_in(void **state)
{
	static const struct tagging row[] = {
		{.n = 0},
		{{{CTAG, 300}}, 1},
		{{{STAG, 300}}, 1},
		{{{STAG, 30}, {CTAG, 300}}, 2},
		{{{CTAG, 30}, {STAG, 300}}, 2},
		{{{CTAG, 300}, {CTAG, 30}}, 2},
		{{{CTAG, 30}}, 1},
		{{{STAG, 30}, {CTAG, 301}}, 2},
		{{{STAG, 31}, {CTAG, 300}}, 2},
		{{{STAG, 30}, {CTAG, 300}, {CTAG, 300}}, 3},
		{{{CTAG, 0}, {CTAG, 300}}, 2},			/* a priority only */
		{{{CTAG, 0xe000}, {STAG, 30}, {CTAG, 300}}, 3}, /* likewise */
		{{{STAG, 0x601e}, {CTAG, 0xa12c}}, 2},		/* 30 and 300 with priorities */
		{{{CTAG, 0}}, 1},
	};

	trunk_of_two(state);
	for (size_t i = 0; i < 4 * sizeof(row) / sizeof(row[0]); i++) {
		char what[40];

		snprintf(what, sizeof(what), "row %zu, IPv%d", i / 4, i % 2 ? 6 : 4);
		edge.what = what;
		expect_in(i % 2 ? &in6 : &in4, &row[i / 4], i / 2 % 2);
	}
	assert_int_equal(edge.failures, 0);
}

static void test_in_random(void **state)
{
	static const uint16_t vids[] = {0, 30, 300, 300, 30, 31, 0xe000, 0x612c, 4095};

	trunk_of_two(state);
	srand(test_seed());
	for (int round = 0; round < 4000 && !edge.failures; round++) {
		struct tagging t = {.n = (size_t)rand() % (TAGS_MAX + 1)};
		char what[80];

		for (size_t i = 0; i < t.n; i++)
			t.tag[i] = (struct tag){rand() % 2 ? CTAG : STAG,
						vids[(size_t)rand() % (sizeof(vids) / 2)]};
		snprintf(what, sizeof(what), "round %d: %zu tags %u %u %u %u", round, t.n,
			 t.tag[0].vid, t.tag[1].vid, t.tag[2].vid, t.tag[3].vid);
		edge.what = what;
		expect_in(rand() % 2 ? &in6 : &in4, &t, rand() % 4);
	}
	assert_int_equal(edge.failures, 0);
}

/* On a trunk without untagged path: what has no tag is the kernel's, by what it is. */
static void test_untagged_on_trunk(void **state)
{
	static const struct packet own = {.src = REMOTE, .dst = OWN};
	static const struct packet group = {.src = REMOTE, .dst = "224.0.0.5"};
	struct frame f;

	trunk_of_two(state);
	f = tagged(&own, &untagged, owner_mac, other_mac);
	assert_int_equal(edge_run(TC_IN, ER0, &f), TC_UNSPEC);
	assert_int_equal(reason_count(ER0, SW_ACTION_PASS, SW_REASON_local), 1);
	f = tagged(&group, &untagged, (const uint8_t[]){1, 0, 0x5e, 0, 0, 5}, other_mac);
	assert_int_equal(edge_run(TC_IN, ER0, &f), TC_UNSPEC);
	assert_int_equal(reason_count(ER0, SW_ACTION_PASS, SW_REASON_multicast), 1);
	f = tagged(&in4, &untagged, owner_mac, other_mac);
	f.data[13] = 6;
	assert_int_equal(edge_run(TC_IN, ER0, &f), TC_UNSPEC);
	assert_int_equal(reason_count(ER0, SW_ACTION_PASS, SW_REASON_arp_nd), 1);
	f = tagged(&in4, &untagged, owner_mac, other_mac);
	assert_int_equal(edge_run(TC_IN, ER0, &f), TC_UNSPEC);
	assert_int_equal(reason_count(ER0, SW_ACTION_PASS, SW_REASON_unknown_vlan), 1);
	/* a flow that is there makes it no path's either */
	packet_run(XDP, LAN0, &out4);
	assert_int_equal(edge_run(TC_IN, ER0, &f), TC_UNSPEC);
	assert_int_equal(reason_count(ER0, SW_ACTION_PASS, SW_REASON_unknown_vlan), 2);
	assert_int_equal(path_stats(ER0).rx_packets, 0);
}

/* er0 and er1 on one segment, with the same tags or none: the gateway's MAC says whose it is. */
static void run_segment(void **state, const struct tagging *t)
{
	uint16_t outer = t->n ? t->tag[0].vid : 0, inner = t->n > 1 ? t->tag[1].vid : 0;

	vlan_start(state);
	trunk_write((uint8_t)t->n);
	port_write(outer, inner, BIT(ER0) | BIT(ER1));
	path_on_trunk(ER0, outer, inner);
	path_on_trunk(ER1, outer, inner);
	edge.groups[G_REMOTE].members |= BIT(ER1);
	for (enum device path = ER0; path <= ER1; path++) {
		for (int v6 = 0; v6 < 2; v6++) {
			const struct packet *p = v6 ? &in6 : &in4, back = packet_back(p);
			struct frame f = tagged(p, t, owner_mac, device_next_mac(path));

			flows_clear();
			counters_clear();
			CHECK(edge_run(XDP, ER0, &f) == XDP_REDIRECT, "XDP: not moved");
			expect_frame(&f, p, &untagged, device_next_mac(LAN0), device_mac(LAN0));
			CHECK(path_stats(path).rx_packets == 1, "not %s's", device_name[path]);
			CHECK(reason_count(path, SW_ACTION_FORWARD, SW_REASON_forwarded) == 1,
			      "no reason");
			/* what leaves for that gateway is the path's, whoever sent it */
			f = tagged(&back, t, device_next_mac(path), owner_mac);
			CHECK(edge_run(TC_OUT, ER0, &f) == TC_UNSPEC, "TC egress");
			CHECK(path_stats(path).tx_packets == 1, "egress: not %s's",
			      device_name[path]);
			CHECK(path_stats(!path).tx_packets == 0, "egress: the other's too");
		}
	}
	assert_int_equal(edge.failures, 0);
}

static void test_segment(void **state)
{
	run_segment(state, &untagged);
	run_segment(state, &one_tag);
	run_segment(state, &two_tags);
}

static void test_segment_stranger(void **state)
{
	struct frame f;

	run_segment(state, &untagged);
	counters_clear();
	flows_clear();
	for (int round = 0; round < 2; round++) { /* the second time its flow has a record */
		f = tagged(&in4, &untagged, owner_mac, other_mac);
		assert_int_equal(edge_run(XDP, ER0, &f), XDP_PASS);
		assert_int_equal(edge_run(TC_IN, ER0, &f), TC_UNSPEC);
		packet_run(XDP, LAN0, &out4);
	}
	assert_int_equal(reason_count(ER0, SW_ACTION_PASS, SW_REASON_source), 2);
	assert_int_equal(path_stats(ER0).rx_packets + path_stats(ER1).rx_packets, 0);
	f = tagged(&out4, &untagged, other_mac, owner_mac);
	edge_run(TC_OUT, ER0, &f);
	assert_int_equal(path_stats(ER1).tx_packets, 0);
}

/* The kernel learns that the gateway has another MAC; no daemon has a hand in it. */
static void test_segment_moves(void **state)
{
	struct frame f;
	uint64_t from;
	int ret;

	run_segment(state, &two_tags);
	ip_batch("neigh replace 192.168.2.2 lladdr 02:dd:00:00:00:01 dev er1\n"
		 "neigh replace fd99:2::2 lladdr 02:dd:00:00:00:01 dev er1\n");
	from = now_ns();
	do { /* what is known is not asked for again before SW_NEXTHOP_CHECK_NS */
		f = tagged(&in4, &two_tags, owner_mac, other_mac);
		ret = edge_run(XDP, ER0, &f);
	} while (ret != XDP_REDIRECT && now_ns() - from < 5 * SECOND_NS);
	ip_batch("neigh replace 192.168.2.2 lladdr 02:aa:00:00:00:02 dev er1\n"
		 "neigh replace fd99:2::2 lladdr 02:aa:00:00:00:02 dev er1\n");
	assert_int_equal(ret, XDP_REDIRECT);
	assert_true(path_stats(ER1).rx_packets >= 1);
}

/* Frames cut short in the tags or behind them. */
static void test_truncated(void **state)
{
	struct frame whole;

	trunk_of_two(state);
	whole = tagged(&in4, &two_tags, owner_mac, device_next_mac(ER1));
	for (size_t len = ETH_HLEN + 20; len < whole.len; len++) {
		struct frame f = whole;

		f.len = len;
		CHECK(edge_run(XDP, ER0, &f) == XDP_PASS, "XDP moves %zu bytes", len);
		CHECK(edge_run(TC_IN, ER0, &f) == TC_UNSPEC, "TC moves %zu bytes", len);
	}
	CHECK(reason_count(ER1, SW_ACTION_PASS, SW_REASON_malformed) == whole.len - ETH_HLEN - 20,
	      "%" PRIu64 " malformed", reason_count(ER1, SW_ACTION_PASS, SW_REASON_malformed));
	assert_int_equal(edge.failures, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_out),
		cmocka_unit_test(test_l3_to_tagged),
		cmocka_unit_test(test_in),
		cmocka_unit_test(test_in_random),
		cmocka_unit_test(test_untagged_on_trunk),
		cmocka_unit_test(test_segment),
		cmocka_unit_test(test_segment_stranger),
		cmocka_unit_test(test_segment_moves),
		cmocka_unit_test(test_truncated),
	};

	return cmocka_run_group_tests(tests, edge_setup, edge_teardown);
}
