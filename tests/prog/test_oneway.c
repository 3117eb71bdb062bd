/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rows 4 and 5 of the reading key: evidence of an answer that went elsewhere, what is none, sides
 * that nobody watches or that are idle; an inside host's packets that come by a path. The clock
 * can't be moved: records are dated back.
 */
#include "flows.h"

#define AGED SW_EVIDENCE_AGE_NS

/* The kernel's timer has just found packets both ways. */
static void sides_alive(uint64_t rx_ago, uint64_t tx_ago)
{
	struct {
		uint64_t timer[2];
		struct sw_beat beat;
	} row = {.beat = {.rx_ns = time_before(rx_ago), .tx_ns = time_before(tx_ago)}};
	uint32_t zero = 0;

	map_write("timers", &zero, &row);
}

static int oneway_start(void **state)
{
	flows_start(state);
	sides_alive(0, 0);
	return 0;
}

/* So much time passes for the record. */
static void flow_ages(const struct packet *p, uint64_t ns)
{
	struct sw_flow_record *r = flow_record(p);
	uint32_t ticks = (uint32_t)(ns >> SW_TICK_SHIFT) + 1;

	r->created -= ticks;
	if (r->settle)
		r->settle -= ticks;
	if (r->about & SW_FLOW_SPOOFED)
		r->note -= ((uint32_t)(ns >> SW_SPOOF_SHIFT) + 1) << SW_SPOOF_PATH_BITS;
}

enum what {
	STOP,
	OUT_,
	IN_,
	AGE,
	DAY,
	UNWATCH_IN,
	UNWATCH_OUT,
	WATCH,
	IDLE_IN,
	IDLE_OUT,
	ALIVE,
	FRESH
};

struct move {
	enum what what;
	uint8_t flags;
	uint32_t ack;
	uint8_t verdict;
};

struct tale {
	const char *what;
	uint8_t proto; /* 0: TCP */
	struct move move[14];
};

#define O(flags, ack, verdict)                                                                     \
	{                                                                                          \
		OUT_, flags, ack, SW_VERDICT_##verdict                                             \
	}
#define I(flags, ack, verdict)                                                                     \
	{                                                                                          \
		IN_, flags, ack, SW_VERDICT_##verdict                                              \
	}
#define D(what)                                                                                    \
	{                                                                                          \
		what, 0, 0, 0                                                                      \
	}
#define SYNACK (TCP_SYN | TCP_ACK)

/* clang-format off */
static const struct tale tales[] = {
	{"ACK grows twice, outward", 0,
	 {O(TCP_SYN, 0, PENDING), O(TCP_ACK, 100, PENDING), D(AGE), O(TCP_ACK, 100, PENDING),
	  O(TCP_ACK, 200, PENDING), O(TCP_ACK, 300, ONE_WAY), O(TCP_ACK, 300, ONE_WAY)}},
	{"ACK grows twice, inward", 0,
	 {I(TCP_ACK, 1, PENDING), D(AGE), I(TCP_ACK, 1, PENDING), I(TCP_ACK, 2, PENDING), I(TCP_ACK, 3, ONE_WAY)}},
	{"it wraps around", 0,
	 {O(TCP_ACK, 5, PENDING), D(AGE), O(TCP_ACK, 0xfffffff0, PENDING), O(TCP_ACK, 0xffffffff, PENDING),
	  O(TCP_ACK, 10, ONE_WAY)}},
	{"in the first second it is none: in flight at a start", 0,
	 {O(TCP_ACK, 1, PENDING), O(TCP_ACK, 2, PENDING), O(TCP_ACK, 3, PENDING), O(TCP_ACK, 4, PENDING),
	  D(AGE), O(TCP_ACK, 5, PENDING), O(TCP_ACK, 6, PENDING), O(TCP_ACK, 7, ONE_WAY)}},
	{"and an idle flow's keepalive afterwards is none", 0,
	 {O(TCP_ACK, 1, PENDING), O(TCP_ACK, 2, PENDING), O(TCP_ACK, 3, PENDING), D(DAY), O(TCP_ACK, 3, PENDING),
	  I(TCP_ACK, 9, OK)}},
	{"ACK does not grow: keepalives, retransmits", 0,
	 {O(TCP_ACK, 7, PENDING), D(AGE), O(TCP_ACK, 7, PENDING), O(TCP_ACK, 7, PENDING), O(TCP_ACK, 6, PENDING),
	  O(TCP_ACK, 7, PENDING), O(TCP_ACK, 8, PENDING), O(TCP_ACK, 8, PENDING), O(TCP_ACK, 7, PENDING)}},
	{"SYN and its retransmits", 0,
	 {O(TCP_SYN, 0, PENDING), D(AGE), O(TCP_SYN, 0, PENDING), O(TCP_SYN, 0, PENDING), O(TCP_SYN, 0, PENDING)}},
	{"RST", 0,
	 {O(TCP_SYN, 0, PENDING), D(AGE), O(TCP_RST | TCP_ACK, 1, PENDING), O(TCP_RST | TCP_ACK, 2, PENDING),
	  O(TCP_RST | TCP_ACK, 3, PENDING), O(TCP_RST, 9, PENDING)}},
	{"UDP", IPPROTO_UDP, {O(0, 1, PENDING), D(AGE), O(0, 2, PENDING), O(0, 3, PENDING), O(0, 4, PENDING)}},
	{"ping", IPPROTO_ICMP, {O(0, 0, PENDING), D(AGE), O(0, 0, PENDING), O(0, 0, PENDING), O(0, 0, PENDING)}},
	{"ESP", 50, {O(0, 1, PENDING), D(AGE), O(0, 2, PENDING), O(0, 3, PENDING), O(0, 4, PENDING)}},

	{"SYN-ACK without its SYN, repeated", 0,
	 {O(SYNACK, 5, PENDING), D(AGE), O(SYNACK, 5, ONE_WAY)}},
	{"SYN-ACK without its SYN, inward", 0, {I(SYNACK, 5, PENDING), D(AGE), I(TCP_ACK, 5, ONE_WAY)}},
	{"SYN-ACK without its SYN, then the other side's ACK", 0,
	 {O(SYNACK, 5, PENDING), I(TCP_ACK, 1, OK), D(AGE), O(SYNACK, 5, OK)}},
	{"SYN-ACK just after the hooks were attached", 0,
	 {D(FRESH), O(SYNACK, 5, PENDING), D(AGE), O(SYNACK, 5, PENDING), O(SYNACK, 5, PENDING)}},
	{"SYN-ACK after its SYN, which nobody answers any more", 0,
	 {I(TCP_SYN, 0, PENDING), O(SYNACK, 5, OK), D(AGE), O(SYNACK, 5, OK)}},

	{"the other direction comes after all", 0,
	 {O(TCP_ACK, 1, PENDING), D(AGE), O(TCP_ACK, 1, PENDING), O(TCP_ACK, 2, PENDING), O(TCP_ACK, 3, ONE_WAY),
	  I(TCP_ACK, 1, OK), O(TCP_ACK, 4, OK)}},
	{"blind: what comes in is not watched", 0,
	 {D(UNWATCH_IN), O(TCP_ACK, 1, PENDING), D(AGE), O(TCP_ACK, 1, PENDING), O(TCP_ACK, 2, PENDING),
	  O(TCP_ACK, 3, BLIND), O(TCP_ACK, 4, BLIND), D(WATCH), O(TCP_ACK, 4, ONE_WAY)}},
	{"the other direction's hook does not matter", 0,
	 {D(UNWATCH_OUT), O(TCP_ACK, 1, PENDING), D(AGE), O(TCP_ACK, 1, PENDING), O(TCP_ACK, 2, PENDING),
	  O(TCP_ACK, 3, ONE_WAY)}},
	{"blind: what leaves is not watched", 0,
	 {D(UNWATCH_OUT), I(TCP_ACK, 1, PENDING), D(AGE), I(TCP_ACK, 1, PENDING), I(TCP_ACK, 2, PENDING),
	  I(TCP_ACK, 3, BLIND), O(TCP_ACK, 1, OK)}},
	{"blind: nothing comes in at all", 0,
	 {D(IDLE_IN), O(TCP_ACK, 1, PENDING), D(AGE), O(TCP_ACK, 1, PENDING), O(TCP_ACK, 2, PENDING),
	  O(TCP_ACK, 3, BLIND), D(ALIVE), O(TCP_ACK, 3, ONE_WAY), D(IDLE_IN), O(TCP_ACK, 5, ONE_WAY)}},
	{"blind: nothing leaves at all", 0,
	 {D(IDLE_OUT), I(TCP_ACK, 1, PENDING), D(AGE), I(TCP_ACK, 1, PENDING), I(TCP_ACK, 2, PENDING),
	  I(TCP_ACK, 3, BLIND)}},
	{"idle is not blind without evidence", 0,
	 {D(IDLE_IN), O(TCP_SYN, 0, PENDING), D(DAY), O(TCP_SYN, 0, PENDING)}},
};
/* clang-format on */

static void move_do(const struct move *m, const struct packet *p)
{
	switch (m->what) {
	case AGE:
		flow_ages(p, AGED);
		break;
	case DAY:
		flow_ages(p, LONG_AGO_NS);
		break;
	case UNWATCH_IN:
		edge.ctl->unwatched = SW_UNWATCHED_IN;
		break;
	case UNWATCH_OUT:
		edge.ctl->unwatched = SW_UNWATCHED_OUT;
		break;
	case WATCH:
		edge.ctl->unwatched = 0;
		break;
	case IDLE_IN:
		sides_alive(SW_SIDE_IDLE_NS, 0);
		break;
	case IDLE_OUT:
		sides_alive(0, SW_SIDE_IDLE_NS);
		break;
	case ALIVE:
		sides_alive(0, 0);
		break;
	default:
		edge.ctl->watched_ns = now_ns();
		break;
	}
}

static void run_tale(const struct tale *t, const char *dst)
{
	const struct move *m = t->move;

	edge.what = t->what;
	for (int i = 0; i < 14 && m[i].what != STOP; i++) {
		struct packet p = flow_to(dst, 4000);
		uint8_t got;

		if (strchr(dst, ':'))
			p.src = LAN_HOST6;
		p.proto = t->proto ? t->proto : IPPROTO_TCP;
		if (p.proto == 50) /* has no ports */
			p.sport = p.dport = 0;
		p.flags = m[i].flags;
		p.ack = m[i].ack;
		if (m[i].what != OUT_ && m[i].what != IN_) {
			move_do(&m[i], &p);
			continue;
		}
		got = m[i].what == OUT_ ? send_out(&p, ER0) : send_in(&p, ER0);
		CHECK(got == m[i].verdict, "%s, step %d: %s, not %s", dst, i, verdict_text(got),
		      verdict_text(m[i].verdict));
	}
}

static void test_tales(void **state)
{
	unsigned int failures = 0;

	for (size_t i = 0; i < sizeof(tales) / sizeof(tales[0]); i++) {
		oneway_start(state);
		run_tale(&tales[i], HUB);
		failures += edge.failures;
		if (tales[i].proto == IPPROTO_ICMP)
			continue;
		oneway_start(state);
		run_tale(&tales[i], HUB6);
		failures += edge.failures;
	}
	assert_int_equal(failures, 0);
}

static uint8_t out_ack(uint32_t ack, enum device by)
{
	struct packet p = flow_to(HUB, 4000);

	p.ack = ack;
	return send_out(&p, by);
}

/* A flow seen both ways, then moved: only what comes after the change and its second counts. */
static void test_after_a_change(void **state)
{
	struct packet p = flow_to(HUB, 4000);
	(void)state;

	assert_int_equal(out_ack(1, ER0), SW_VERDICT_PENDING);
	assert_int_equal(send_in(&p, ER0), SW_VERDICT_OK);
	flow_ages(&p, AGED);
	for (uint32_t ack = 2; ack < 6; ack++)
		assert_int_equal(out_ack(ack, ER0), SW_VERDICT_OK);
	path_change(ER0, false, 0);
	path_change(ER1, false, 0);
	for (uint32_t ack = 6; ack < 12; ack++) /* on their way when it changed */
		assert_int_equal(out_ack(ack, TUN), SW_VERDICT_TRANSITION);
	flow_ages(&p, AGED);
	assert_int_equal(out_ack(20, TUN), SW_VERDICT_TRANSITION);
	assert_int_equal(out_ack(21, TUN), SW_VERDICT_TRANSITION);
	edge.ctl->grace_ns = 0;
	assert_int_equal(out_ack(21, TUN), SW_VERDICT_PENDING);
	assert_int_equal(out_ack(22, TUN), SW_VERDICT_ONE_WAY);
	assert_int_equal(send_in(&p, TUN), SW_VERDICT_PENDING); /* it moved, too */
	assert_int_equal(out_ack(23, TUN), SW_VERDICT_FAILOVER);
}

/* Given and told once, however many packets follow; blind is told to nobody. */
static void test_told_once(void **state)
{
	struct packet p = flow_to(HUB, 4000);
	(void)state;

	edge.ctl->unwatched = SW_UNWATCHED_IN;
	out_ack(1, ER0);
	flow_ages(&p, AGED);
	for (uint32_t ack = 2; ack < 9; ack++)
		out_ack(ack, ER0);
	assert_int_equal(edge.verdicts[SW_VERDICT_BLIND].given, 1);
	assert_int_equal(health().events_sent, 0);
	edge.ctl->unwatched = 0;
	for (uint32_t ack = 9; ack < 15; ack++)
		out_ack(ack, ER0);
	assert_int_equal(edge.verdicts[SW_VERDICT_ONE_WAY].given, 1);
	assert_int_equal(health().events_sent, 1);
	send_in(&p, ER0);
	assert_int_equal(health().events_sent, 2);
	assert_int_equal(path_stats(ER0).rx_packets, 1);
}

/* The kernel's timer notes when each direction last had a packet, and when it had none. */
static void test_timer(void **state)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct packet p = flow_to(HUB, 4000);
	struct {
		uint64_t timer[2];
		struct sw_beat beat;
	} row = {0};
	uint64_t end = now_ns() + 10 * SECOND_NS;
	uint32_t zero = 0;
	(void)state;

	sides_alive(NEVER, NEVER);
	strcpy(edge.path_counters[ER0].name, "er0"); /* the timer sums what has a name */
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(edge.skel->progs.sw_start), &opts),
			 0);
	send_out(&p, ER0);
	while (!row.beat.tx_ns && now_ns() < end) {
		usleep(20000);
		assert_int_equal(bpf_map_lookup_elem(map_fd("timers"), &zero, &row), 0);
	}
	assert_true(row.beat.tx_ns);
	assert_int_equal(row.beat.tx_packets, 1);
	assert_int_equal(row.beat.rx_ns, 0);
}

/* What our own host has sent, come by a path. */
static void spoof_in(const struct packet *p, enum device by)
{
	packet_run(TC_IN, by, p);
}

static void test_loop(void **state)
{
	struct packet p = flow_to(HUB, 4000);
	struct flow flow;
	(void)state;

	assert_int_equal(out_ack(1, ER0), SW_VERDICT_PENDING);
	assert_int_equal(send_in(&p, ER0), SW_VERDICT_OK);
	spoof_in(&p, TUN);
	assert_int_equal(flow_state(&p).verdict, SW_VERDICT_LOOP_OR_SPOOF);
	assert_int_equal(flow_state(&p).in, ER0);
	assert_true(flow_get(&p, &flow));
	assert_true(flow.about & SW_FLOW_LOOPS);
	assert_int_equal(flow.spoof_path, TUN);
	assert_int_equal(flow.in_packets, 1);
	assert_int_equal(flow.out_packets, 1);
	/* proper packets between do not make it flap */
	for (int i = 0; i < 4; i++) {
		assert_int_equal(send_in(&p, ER0), SW_VERDICT_LOOP_OR_SPOOF);
		edge.ctl->generation++;
		spoof_in(&p, TUN);
	}
	assert_int_equal(edge.verdicts[SW_VERDICT_LOOP_OR_SPOOF].given, 1);
	assert_int_equal(health().events_sent, 1);
	flow_ages(&p, SW_SPOOF_HOLD_NS);
	assert_int_equal(send_in(&p, ER0), SW_VERDICT_OK);
	assert_int_equal(health().events_sent, 2);
}

static void test_spoof(void **state)
{
	struct packet p = {.src = "10.2.30.44", .dst = HUB, .sport = 5, .dport = 6};
	struct flow flow;
	(void)state;

	spoof_in(&p, ER0);
	assert_int_equal(flow_state(&p).verdict, SW_VERDICT_LOOP_OR_SPOOF);
	assert_true(flow_get(&p, &flow));
	assert_false(flow.about & SW_FLOW_LOOPS);
	assert_int_equal(flow_state(&p).in, SW_NO_PATH);
	assert_int_equal(flow_state(&p).out, SW_NO_PATH);
	assert_int_equal(flow.in_packets, 0);
	/* monitoring, the kernel sends it out again: it is a spoofer's all the same */
	assert_int_equal(send_out(&p, ER0), SW_VERDICT_LOOP_OR_SPOOF);
	spoof_in(&p, ER0);
	assert_true(flow_get(&p, &flow));
	assert_false(flow.about & SW_FLOW_LOOPS);
	assert_int_equal(edge.verdicts[SW_VERDICT_LOOP_OR_SPOOF].given, 1);
	assert_int_equal(health().events_sent, 1);
	assert_int_equal(reason_count(ER0, SW_ACTION_PASS, SW_REASON_spoof), 2);
}

/* Enforcing, what comes back is dropped and its verdict told all the same, at both hooks. */
static void test_spoof_enforced(void **state)
{
	for (enum hook hook = XDP; hook <= TC_IN; hook++) {
		struct packet p = flow_to(SPOKE, 4000);

		oneway_start(state);
		edge.ctl->mode = SW_MODE_ENFORCE;
		packet_run(TC_OUT, ER0, &p);
		assert_int_equal(packet_run(hook, ER0, &p), hook == XDP ? (int)XDP_DROP : TC_SHOT);
		assert_int_equal(flow_state(&p).verdict, SW_VERDICT_LOOP_OR_SPOOF);
		assert_int_equal(reason_count(ER0, SW_ACTION_DROP, SW_REASON_spoof), 1);
		assert_int_equal(health().events_sent, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_tales, oneway_start),
		cmocka_unit_test_setup(test_after_a_change, oneway_start),
		cmocka_unit_test_setup(test_told_once, oneway_start),
		cmocka_unit_test_setup(test_loop, oneway_start),
		cmocka_unit_test_setup(test_spoof, oneway_start),
		cmocka_unit_test_setup(test_spoof_enforced, oneway_start),
		cmocka_unit_test_setup(test_timer, oneway_start),
	};

	return cmocka_run_group_tests(tests, edge_setup, edge_teardown);
}
