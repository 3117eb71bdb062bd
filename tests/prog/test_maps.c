/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Maps as people see them: types for bpftool, the counters that the kernel's timer sums, one record
 * for both directions of a flow, a full flow table; and how much of the verifier's budget the
 * programs take.
 */
#include "flow_oracle.h"
#include "flows.h"

#include <poll.h>

#define DEADLINE_NS (5 * SECOND_NS)
#define FLOWS	    1024 /* of the table here */

static int maps_setup(void **state)
{
	(void)state;
	return edge_open(FLOWS);
}

/* bpftool prints fields only where a map has its types; devmaps and ring buffers cannot. */
static void test_types(void **state)
{
	struct bpf_map *map;
	unsigned int typed = 0;
	(void)state;

	bpf_object__for_each_map(map, edge.skel->obj)
	{
		struct bpf_map_info info = {0};
		uint32_t size = sizeof(info);

		if (bpf_map__type(map) == BPF_MAP_TYPE_DEVMAP ||
		    bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF || bpf_map__is_internal(map))
			continue;
		assert_int_equal(bpf_obj_get_info_by_fd(bpf_map__fd(map), &info, &size), 0);
		CHECK(info.btf_id && info.btf_key_type_id && info.btf_value_type_id,
		      "map %s has no types", bpf_map__name(map));
		typed++;
	}
	assert_int_equal(edge.failures, 0);
	assert_true(typed >= 15);
}

/* Names of maps and programs are cut at 15 characters in the kernel: bpftool must find them. */
static void test_names(void **state)
{
	struct bpf_map *map;
	(void)state;

	bpf_object__for_each_map(map, edge.skel->obj) if (!bpf_map__is_internal(map))
		CHECK(strlen(bpf_map__name(map)) <= 15, "%s", bpf_map__name(map));
	assert_int_equal(edge.failures, 0);
}

static void test_verifier_budget(void **state)
{
	struct bpf_program *prog;
	(void)state;

	bpf_object__for_each_program(prog, edge.skel->obj)
	{
		struct bpf_prog_info info = {0};
		uint32_t size = sizeof(info);

		assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &size), 0);
		print_message("%-15s %7u verified of 1000000, %6u bytes of JIT code\n",
			      bpf_program__name(prog), info.verified_insns, info.jited_prog_len);
		CHECK(info.verified_insns < 500000, "%s is near the verifier's limit",
		      bpf_program__name(prog));
	}
	assert_int_equal(edge.failures, 0);
}

static int start_timer(void)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	if (bpf_prog_test_run_opts(bpf_program__fd(edge.skel->progs.sw_start), &opts))
		return -errno;
	return (int)opts.retval;
}

/* path_counters is fresh within a second or two, with no daemon; twice armed is armed. */
static void test_timer(void **state)
{
	struct packet p = flow_to(REMOTE, 1);
	uint64_t until = now_ns() + DEADLINE_NS;
	volatile struct sw_path_counters *row = &edge.path_counters[ER0];
	(void)state;

	memcpy(edge.path_counters[ER0].name, "er0", 4);
	for (int i = 0; i < 3; i++)
		send_out(&p, ER0);
	send_in(&p, ER0);
	assert_int_equal(start_timer(), 0);
	assert_int_equal(start_timer(), 0);
	while (row->tx_packets != 3 && now_ns() < until)
		poll(NULL, 0, 5);
	assert_int_equal(row->tx_packets, 3);
	assert_int_equal(row->rx_packets, 1);
	assert_int_equal(row->tx_bytes, path_stats(ER0).tx_bytes);
	assert_int_equal(row->rx_bytes, path_stats(ER0).rx_bytes);
	assert_int_equal(edge.path_counters[ER1].tx_packets, 0);
	send_out(&p, ER0); /* and again */
	until = now_ns() + DEADLINE_NS;
	while (row->tx_packets != 4 && now_ns() < until)
		poll(NULL, 0, 5);
	assert_int_equal(row->tx_packets, 4);
}

/* A TCP flow's opening and end, each protocol's, in one record, whichever direction is first. */
static void test_one_record(void **state)
{
	static const struct packet row[] = {
		{.src = LAN_HOST, .dst = HUB, .proto = IPPROTO_TCP, .sport = 4000, .dport = 443},
		{.src = LAN_HOST, .dst = HUB, .sport = 53, .dport = 53},
		{.src = LAN_HOST, .dst = HUB, .proto = PROTO_SCTP, .sport = 9, .dport = 8},
		{.src = LAN_HOST, .dst = HUB, .proto = IPPROTO_ICMP, .sport = 77},
		{.src = LAN_HOST6, .dst = HUB6, .proto = IPPROTO_TCP, .sport = 1, .dport = 2},
		{.src = LAN_HOST6, .dst = HUB6, .proto = PROTO_ICMP6, .sport = 77},
		{.src = FAR_HOST, .dst = HUB, .proto = 47},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]) * 2; i++) {
		const struct packet *p = &row[i / 2];
		struct flow flow;

		flows_clear();
		if (i % 2) {
			send_in(p, ER0);
			send_out(p, ER0);
		} else {
			send_out(p, ER0);
			send_in(p, ER0);
		}
		send_in(p, ER0);
		assert_int_equal(flow_count(), 1);
		assert_true(flow_get(p, &flow));
		assert_int_equal(flow.out_packets, 1);
		assert_int_equal(flow.in_packets, 2);
		assert_int_equal(flow.in_bytes, 2 * flow.out_bytes);
		assert_int_equal(flow_state(p).verdict, SW_VERDICT_OK);
		assert_int_equal(!!(flow.about & SW_FLOW_OPENED_INSIDE), !(i % 2));
		assert_true(flow.created_ns && flow.seen_ns >= flow.created_ns - SECOND_NS &&
			    flow.seen_ns <= now_ns());
	}
}

/* Who opened it is who sent the SYN, also when its SYN-ACK is the first that is seen. */
static void test_opener(void **state)
{
	struct flow flow;
	(void)state;

	for (int i = 0; i < 4; i++) {
		struct packet p = flow_to(HUB, 4000);

		flows_clear();
		p.flags = i / 2 ? TCP_SYN | TCP_ACK : TCP_SYN;
		if (i % 2)
			send_in(&p, ER0);
		else
			send_out(&p, ER0);
		assert_true(flow_get(&p, &flow));
		assert_int_equal(!!(flow.about & SW_FLOW_OPENED_INSIDE), i == 0 || i == 3);
		assert_int_equal(flow.closing, 0);
		p.flags = TCP_FIN | TCP_ACK;
		send_out(&p, ER0);
		assert_true(flow_get(&p, &flow));
		assert_int_equal(flow.closing, SW_TCP_FIN_OUT);
		p.flags = TCP_RST;
		send_in(&p, ER0);
		assert_true(flow_get(&p, &flow));
		assert_int_equal(flow.closing, SW_TCP_FIN_OUT | SW_TCP_RST_IN);
	}
}

static int inside_compared(void *arg, const struct sw_flow_key *key, const struct flow *flow)
{
	return memcmp(flow->about & SW_FLOW_INSIDE_IS_HI ? key->hi : key->lo, arg, 16);
}

/* The inside host's side of the key, whichever address is the lower. */
static void test_inside_side(void **state)
{
	struct packet p = flow_to(HUB, 4000);
	uint8_t inside[16];
	(void)state;

	address_bytes(LAN_HOST, inside);
	for (uint16_t port = 1; port < 20; port++) {
		p.sport = port;
		if (port % 2)
			send_in(&p, ER0);
		else
			send_out(&p, ER0);
	}
	assert_int_equal(flow_table_each(&edge.tables.t[0], now_ns(), inside_compared, inside), 0);
	assert_int_equal(flow_count(), 19);
}

/* A flood of spoofers' packets: a record each SW_SPOOF_MAKE_NS, the others' stay, all is counted.
 */
static void test_spoof_flood(void **state)
{
	enum { SENT = 20 * FLOWS };
	const struct packet real = flow_to(REMOTE, 1);
	uint64_t from = now_ns(), most;
	(void)state;

	edge.ctl->mode = SW_MODE_ENFORCE;
	assert_int_equal(packet_run(XDP, LAN0, &real), XDP_REDIRECT);
	for (unsigned int i = 0; i < SENT; i++) {
		struct packet p = {.src = LAN_HOST, .dst = HUB, .sport = (uint16_t)i};

		assert_int_equal(packet_run(XDP, ER0, &p), XDP_DROP);
	}
	most = (now_ns() - from) / SW_SPOOF_MAKE_NS + 2; /* the clock goes in steps */
	assert_in_range(flow_count(), 2, 1 + most * (uint64_t)edge.cpus);
	assert_in_range(health().spoofs_skipped, SENT - most * (uint64_t)edge.cpus, SENT - 1);
	assert_int_equal(reason_count(ER0, SW_ACTION_DROP, SW_REASON_spoof), SENT);
	assert_int_equal(flow_state(&real).out, ER0);
}

/*
 * More flows than room: while their leases run nobody's record is taken, packets and counters go
 * on, and what has no record is counted. Afterwards a new flow has one.
 */
static void test_flows_full(void **state)
{
	enum { SENT = 20 * FLOWS };
	struct packet p;
	size_t made;
	(void)state;

	edge.ctl->mode = SW_MODE_ENFORCE;
	edge.clock_at = now_ns();
	for (unsigned int i = 0; i < SENT; i++) {
		p = flow_to(REMOTE, (uint16_t)i);
		assert_int_equal(packet_run(XDP, LAN0, &p), XDP_REDIRECT);
	}
	made = flow_count();
	assert_in_range(made, FLOWS * 9 / 10, FLOWS);
	assert_int_equal(path_stats(ER0).tx_packets, SENT);
	assert_int_equal(reason_count(LAN0, SW_ACTION_FORWARD, SW_REASON_forwarded), SENT);
	assert_int_equal(health().flows_full, SENT - made);
	assert_int_equal(health().flows_evicted + health().flows_busy, 0);
	assert_int_equal(table_check(&edge.tables.t[0]), 0);
	edge.clock_at += SECOND_NS;
	for (unsigned int i = 0; i < SENT; i++) {
		edge.clock_at += SECOND_NS / 1000;
		p = flow_to(REMOTE, (uint16_t)(i + SENT));
		assert_int_equal(packet_run(XDP, LAN0, &p), XDP_REDIRECT);
		assert_int_equal(flow_state(&p).out, ER0);
	}
	send_in(&p, ER0);
	assert_int_equal(flow_state(&p).verdict, SW_VERDICT_OK);
	assert_int_equal(health().flows_full, SENT - made);
	assert_int_equal(health().flows_evicted, SENT - (FLOWS - made));
	assert_int_equal(health().flows_forgotten, 0);
	assert_int_equal(table_check(&edge.tables.t[0]), 0);
}

/* Flows of one line of the index. */
static void line_flows(struct packet *p, size_t n)
{
	struct packet q = flow_to(REMOTE, 0);
	uint32_t line = oracle_line(&q);

	for (uint16_t port = 1; n; port++) {
		q.sport = port;
		if (oracle_line(&q) == line) {
			*p++ = q;
			n--;
		}
	}
}

static bool has_record(const struct packet *p)
{
	struct flow flow;

	return flow_get(p, &flow);
}

/* Whose record a new flow gets: a dead one's, an idle one's, an unanswered one's, at last
 * another's.
 */
static void test_eviction_order(void **state)
{
	enum { DEAD, IDLE = 2, UNANSWERED = 4, ANSWERED = 6, NEW = 8, MADE = 17 };
	uint64_t from = now_ns() + 3600 * SECOND_NS;
	struct packet p[MADE], reset;
	(void)state;

	line_flows(p, MADE);
	for (int i = NEW - 1; i >= 0; i--) { /* the place is no hint */
		edge.clock_at = from - (i / 2 == IDLE / 2 ? 130 : 20) * SECOND_NS - (NEW - i);
		send_out(&p[i], ER0);
		edge.clock_at += SECOND_NS;
		if (i / 2 != UNANSWERED / 2)
			send_in(&p[i], ER0);
		reset = p[i];
		reset.flags = TCP_RST;
		if (i / 2 == DEAD / 2)
			send_out(&reset, ER0);
		edge.clock_at += (1 + i % 2) * SECOND_NS; /* of two the older one first */
		send_out(&p[i], ER0);
	}
	edge.clock_at = from;
	for (int i = 0; i < NEW; i++) {
		for (int had = 0; had < NEW; had++)
			CHECK(has_record(&p[had]) == (had >= i), "%d after %d new ones", had, i);
		send_out(&p[NEW + i], ER0);
	}
	assert_int_equal(health().flows_evicted, NEW);
	assert_int_equal(health().flows_forgotten, NEW - ANSWERED);
	assert_int_equal(health().flows_full, 0);
	packet_run(TC_OUT, ER0, &p[MADE - 1]); /* all leases run */
	assert_false(has_record(&p[MADE - 1]));
	assert_int_equal(health().flows_full, 1);
	for (int i = NEW; i < MADE - 1; i++)
		CHECK(has_record(&p[i]), "%d has lost its record", i);
	assert_int_equal(edge.failures, 0);
	assert_int_equal(table_check(&edge.tables.t[0]), 0);
}

/* A next hop is looked up once a quarter of a second, not with each packet. */
static void test_next_hop_kept(void **state)
{
	struct packet p = flow_to(REMOTE, 1);
	uint64_t from = now_ns(), windows;
	(void)state;

	edge.ctl->mode = SW_MODE_ENFORCE;
	for (int i = 0; i < 200; i++)
		assert_int_equal(packet_run(XDP, LAN0, &p), XDP_REDIRECT);
	windows = (now_ns() - from) / SW_NEXTHOP_CHECK_NS;
	assert_in_range(health().neighbor_asked, 1, 2 + windows);
}

/* A gateway whose neighbour entry comes later is found without anybody's help. */
static void test_next_hop_comes(void **state)
{
	struct packet p = flow_to(REMOTE, 1);
	uint64_t until = now_ns() + DEADLINE_NS;
	(void)state;

	edge.ctl->mode = SW_MODE_ENFORCE;
	ip_batch("neigh del 192.168.1.2 dev er0\n");
	assert_int_equal(packet_run(XDP, LAN0, &p), XDP_PASS);
	ip_batch("neigh replace 192.168.1.2 lladdr 02:aa:00:00:00:01 dev er0\n");
	while (packet_run(XDP, LAN0, &p) != XDP_REDIRECT)
		assert_true(now_ns() < until);
}

/* `enforce --for`: from the deadline on packets are the kernel's, with nobody to say so. */
static void test_deadline(void **state)
{
	struct packet p = flow_to(REMOTE, 1);
	(void)state;

	edge.ctl->mode = SW_MODE_ENFORCE;
	edge.ctl->enforce_until_ns = now_ns() + DEADLINE_NS;
	assert_int_equal(packet_run(XDP, LAN0, &p), XDP_REDIRECT);
	assert_int_equal(packet_run(TC_IN, LAN0, &p), TC_REDIRECT);
	edge.ctl->enforce_until_ns = now_ns() - 20000000; /* the coarse clock is a tick behind */
	assert_int_equal(packet_run(XDP, LAN0, &p), XDP_PASS);
	assert_int_equal(packet_run(TC_IN, LAN0, &p), TC_UNSPEC);
	assert_int_equal(reason_count(LAN0, SW_ACTION_PASS, SW_REASON_observed), 1);
	edge.ctl->enforce_until_ns = 0;
	assert_int_equal(packet_run(XDP, LAN0, &p), XDP_REDIRECT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_types, flows_start),
		cmocka_unit_test_setup(test_names, flows_start),
		cmocka_unit_test_setup(test_verifier_budget, flows_start),
		cmocka_unit_test_setup(test_flows_full, flows_start),
		cmocka_unit_test_setup(test_eviction_order, flows_start),
		/* from here on the kernel's timer sets the clock, too */
		cmocka_unit_test_setup(test_timer, flows_start),
		cmocka_unit_test_setup(test_one_record, flows_start),
		cmocka_unit_test_setup(test_opener, flows_start),
		cmocka_unit_test_setup(test_inside_side, flows_start),
		cmocka_unit_test_setup(test_spoof_flood, flows_start),
		cmocka_unit_test_setup(test_next_hop_kept, flows_start),
		cmocka_unit_test_setup(test_next_hop_comes, flows_start),
		cmocka_unit_test_setup(test_deadline, flows_start),
	};

	return cmocka_run_group_tests(tests, maps_setup, edge_teardown);
}
