/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Policy rules in the programs: random rules and packets against what one would say of them, what
 * is kept for a flow, how a flow with a rule is judged, and that what must be encrypted leaves by
 * no other way, whatever it looks like.
 */
#include "rules.h"

#define ROUNDS	(test_long() ? 400 : 60)
#define PACKETS 60

static const char *const outside[] = {HUB, SPOKE, BRANCH, REMOTE, TWO, VPN_HOST, ALL};
static const char *const outside6[] = {HUB6, SPOKE6, BRANCH6, REMOTE6, VPN_HOST6};
static const enum group groups4[] = {G_HUB, G_SPOKE, G_BRANCH, G_REMOTE, G_TWO, G_VPN, G_ALL};
static const enum group groups6[] = {G_HUB, G_SPOKE, G_BRANCH, G_REMOTE, G_VPN};
static const uint16_t ports[] = {443, 5432, 8080};
static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_UDP, PROTO_SCTP, 89};

#define COUNT(v)  (sizeof(v) / sizeof((v)[0]))
#define RANDOM(v) ((v)[(size_t)rand() % COUNT(v)])

static void random_prefix(struct prefix *p, const char *of)
{
	struct ip_addr ip = rule_address(of);
	unsigned int max = ip.family == 4 ? 32 : 128;
	unsigned int len =
		rand() % 4 ? max - (unsigned int)rand() % 9 : (unsigned int)rand() % (max + 1);
	char text[80], address[IP_STRLEN];

	snprintf(text, sizeof(text), "%s/%u", ip_format(&ip, address), len);
	if (prefix_parse(text, p, &(bool){0}))
		abort();
}

static void random_picks(struct config_rule *rule)
{
	static const char *const words[] = {"expressroute", "vpn", "er0", "er2", "tun0", "vpn1"};
	bool used[COUNT(words)] = {0};

	for (int n = 1 + rand() % 3; n; n--) {
		size_t w = (size_t)rand() % COUNT(words);
		struct config_pick *pick = &rule->pick[rule->n_picks];

		if (used[w])
			continue;
		used[w] = true;
		if (class_parse(words[w], &pick->class))
			strcpy(pick->path, words[w]);
		rule->n_picks++;
	}
}

static void random_rule(struct config_rule *rule)
{
	bool six = rand() % 3 == 0;

	*rule = (struct config_rule){.proto = -1, .dscp = -1, .action = 1 + rand() % 3};
	if (rand() % 4)
		random_prefix(&rule->to, six ? RANDOM(outside6) : RANDOM(outside));
	if (rand() % 3 == 0)
		random_prefix(&rule->from, six ? LAN_HOST6 : LAN_HOST);
	if (rand() % 3 == 0)
		rule->proto = RANDOM(protos);
	if (rand() % 2 && (rule->proto < 0 || oracle_ports(rule->proto)))
		rule->port = RANDOM(ports);
	if (rand() % 6 == 0)
		rule->dscp = rand() % 3;
	if (rand() % 12 == 0)
		rule->action = RULE_NOTHING;
	else if (rule->action != RULE_DENY)
		random_picks(rule);
}

struct story {
	struct packet p;
	struct frame f;
	enum group group;
	uint8_t dscp;
	bool unread;
};

static void random_packet(struct story *s)
{
	bool six = rand() % 3 == 0;
	size_t to = (size_t)rand() % (six ? COUNT(outside6) : COUNT(outside));
	static uint16_t sport;

	memset(s, 0, sizeof(*s));
	s->group = six ? groups6[to] : groups4[to];
	s->p = (struct packet){.src = six ? LAN_HOST6 : LAN_HOST,
			       .dst = six ? outside6[to] : outside[to],
			       .proto = RANDOM(protos),
			       .sport = ++sport, /* each is a flow of its own */
			       .dport = RANDOM(ports),
			       .frag = rand() % 3 ? FRAG_NONE : FRAG_FIRST + rand() % 2,
			       .options = !six && rand() % 8 == 0 ? 4 : 0};
	if (six && !s->p.frag && rand() % 4 == 0)
		s->p.ext = rand() % 2 ? "d" : "h";
	if (six && s->p.frag && rand() % 2) {
		s->p.ext = "fd";
		s->unread = true;
	}
	s->dscp = (uint8_t)(rand() % 3);
	s->f = frame_at(LAN0, &s->p);
	if (six) {
		s->f.data[s->f.l3] |= s->dscp >> 2;
		s->f.data[s->f.l3 + 1] |= (uint8_t)(s->dscp << 6);
	} else {
		uint16_t check;

		s->f.data[s->f.l3 + 1] = (uint8_t)(s->dscp << 2);
		memset(s->f.data + s->f.l3 + CHECK_OFFSET, 0, 2);
		check = checksum(s->f.data + s->f.l3, 20u + s->p.options);
		memcpy(s->f.data + s->f.l3 + CHECK_OFFSET, &check, 2);
	}
}

/* What the program at the hook must answer, and, where it sends it, by which of `paths`. */
static int expected(const struct story *s, uint64_t usable, enum hook hook, uint64_t *paths)
{
	const struct config_rule *rule = oracle_rule(&s->p, s->dscp, s->unread);
	bool restricts = rule && oracle_restricts(rule);
	bool options = s->p.options || (s->p.ext && s->p.ext[0] == 'h');
	int drop = hook == XDP ? XDP_DROP : TC_SHOT, pass = hook == XDP ? XDP_PASS : TC_UNSPEC;

	*paths = oracle_choice(rule, &edge.groups[s->group], usable);
	if (!*paths)
		return restricts ? drop : pass;
	if (options)
		return restricts && !edge.ctl->fwmark ? drop : pass;
	return hook == XDP ? XDP_REDIRECT : TC_REDIRECT;
}

/* What is told of the flow that the packet has begun: the rule's number and one, 0: none. */
static void expect_told(const struct story *s)
{
	const struct config_rule *rule = oracle_rule(&s->p, s->dscp, s->unread);
	unsigned int want = rule ? (unsigned int)(rule - rule_list) + 1 : 0;
	struct flow flow = {0};

	if (s->p.frag || s->p.ext || !oracle_ports(s->p.proto))
		return;
	CHECK(flow_get(&s->p, &flow) && flow.rule == want, "%s -> %s is told of rule %u, not %u",
	      s->p.src, s->p.dst, flow.rule, want);
}

static struct sw_rule_denied denied_by(uint32_t rule)
{
	struct sw_rule_denied sum;

	percpu_sum("rule_denied", (edge.ctl->rules & SW_RULES_ROW) * SW_MAX_RULES + rule,
		   (uint64_t *)&sum, sizeof(sum) / 8);
	return sum;
}

static uint64_t denied[SW_MAX_RULES]; /* packets, by the oracle */

static void one_packet(struct story *s, uint64_t usable, enum hook hook)
{
	uint64_t paths, went = 0;
	int want = expected(s, usable, hook, &paths), ret = edge_run(hook, LAN0, &s->f);

	if (hook == XDP && want == XDP_REDIRECT && paths & BIT(TUN)) {
		if (ret == XDP_PASS)
			return; /* it can't send there: TC does */
	}
	if (want == (hook == XDP ? XDP_DROP : TC_SHOT))
		denied[oracle_rule(&s->p, s->dscp, s->unread) - rule_list]++;
	CHECK(ret == want, "%s of %s -> %s proto %u port %u frag %d unread %d dscp %u: %d, not %d",
	      hook_text[hook], s->p.src, s->p.dst, packet_proto(&s->p), s->p.dport, s->p.frag,
	      s->unread, s->dscp, ret, want);
	if (ret != want || ret != (hook == XDP ? XDP_REDIRECT : TC_REDIRECT))
		return;
	for (int dev = ER0; dev < LAN0; dev++) {
		if (dev != TUN && !memcmp(s->f.data, device_next_mac(dev), 6))
			went = BIT(dev);
	}
	if (!went)
		went = BIT(TUN);
	CHECK(went & paths, "%s -> %s went by %#llx, not one of %#llx", s->p.src, s->p.dst,
	      (unsigned long long)went, (unsigned long long)paths);
	if (hook == XDP)
		expect_told(s);
}

/* Each of n rules has denied what the oracle says since `began`. */
static void expect_denied(size_t n, const struct sw_rule_denied *began)
{
	for (uint32_t i = 0; i < n; i++) {
		struct sw_rule_denied now = denied_by(i);

		CHECK(now.dropped - began[i].dropped == denied[i] && now.passed == began[i].passed,
		      "rule %u has denied %llu packets, not %llu", i,
		      (unsigned long long)(now.dropped - began[i].dropped),
		      (unsigned long long)denied[i]);
	}
}

/* 256 rules at most, any packet: the program and the oracle agree. */
static void test_random(void **state)
{
	struct sw_rule_denied began[SW_MAX_RULES];
	struct story s;

	(void)state;
	srand(test_seed());
	for (int round = 0; round < ROUNDS; round++) {
		size_t n = round % 4 ? 1 + (size_t)rand() % 12 : SW_MAX_RULES;
		uint64_t usable = (BIT(DEVICES) - 1) & (rand() | (uint64_t)rand());

		edge_reset();
		for (size_t i = 0; i < n; i++)
			random_rule(&rule_list[i]);
		if (n == SW_MAX_RULES) { /* most of them for others, so that all are asked */
			for (size_t i = 0; i < n - 5; i++)
				rule_list[i].port = 1000 + (uint32_t)i,
				rule_list[i].proto = IPPROTO_TCP;
		}
		rules_put(n, 1 + (uint32_t)round);
		memset(denied, 0, sizeof(denied));
		for (uint32_t i = 0; i < n; i++)
			began[i] = denied_by(i);
		edge.usable->link = usable;
		edge.ctl->fwmark = round & 1 ? 0xff0000 : 0;
		for (int i = 0; i < PACKETS; i++) {
			random_packet(&s);
			one_packet(&s, usable, rand() & 1 ? XDP : TC_IN);
		}
		expect_denied(n, began);
	}
	edge.ctl->rules = 0;
	assert_int_equal(edge.failures, 0);
}

static const struct packet secure = {
	.src = LAN_HOST, .dst = HUB, .proto = IPPROTO_TCP, .sport = 40000, .dport = 5432};

static void secure_only(enum config_rule_action action)
{
	rule_list[0] = rule_to("10.10.30.0/24", action, "vpn");
	rule_list[0].proto = IPPROTO_TCP;
	rule_list[0].port = 5432;
	rules_put(1, 1);
}

/* Decided once a flow: another rule in its place changes nothing until the generation does. */
static void test_kept(void **state)
{
	struct sw_rules *row;

	(void)state;
	secure_only(RULE_PREFER);
	assert_int_equal(sent_by(TC_IN, &secure), TUN);
	packet_run(TC_OUT, TUN, &secure);
	row = &rule_rows[edge.ctl->rules & SW_RULES_ROW];
	row->rule[0] = (struct sw_rule){.flags = SW_RULE_DENY};
	memset(&row->to4, 0, sizeof(row->to4)); /* matches nothing: who asks finds no rule */
	assert_int_equal(packet_run(TC_IN, LAN0, &secure), TC_SHOT);
	row->rule[0].flags = 0;
	assert_in_range(sent_by(TC_IN, &secure), ER0, ER1);
	rule_list[0] = rule_to("10.10.30.0/24", RULE_DENY, NULL);
	rules_put(1, 2);
	assert_int_equal(packet_run(TC_IN, LAN0, &secure), TC_SHOT);
	rules_put(0, 0);
	assert_in_range(sent_by(TC_IN, &secure), ER0, ER1);
}

/* A record that another flow has now, or that was decided by rules of before, is told so. */
static void test_told(void **state)
{
	struct packet back = packet_back(&secure);
	struct flow flow = {0};

	(void)state;
	secure_only(RULE_PREFER);
	packet_run(TC_IN, TUN, &back);
	assert_true(flow_get(&secure, &flow));
	assert_int_equal(flow.rule, 1);
	assert_int_equal(flow.rules_gen, 1);
	rules_put(1, 2);
	assert_true(flow_get(&secure, &flow));
	assert_int_equal(flow.rules_gen, 1);
	packet_run(TC_OUT, TUN, &secure);
	assert_true(flow_get(&secure, &flow));
	assert_int_equal(flow.rules_gen, 2);
	flow_record(&secure)->state.s.reuse++;
	assert_true(flow_get(&secure, &flow));
	assert_int_equal(flow.rule, 0);
}

/* The verdict of a new flow that is seen there, each way. */
static uint8_t verdict_after(enum device out, enum device in)
{
	struct packet back = packet_back(&secure);

	flows_clear();
	edge.ctl->generation++;
	if (out != NO_DEVICE)
		packet_run(TC_OUT, out, &secure);
	if (in != NO_DEVICE)
		packet_run(TC_IN, in, &back);
	return flow_state(&secure).verdict;
}

static void expect_verdict(uint8_t got, uint8_t want)
{
	CHECK(got == want, "%s, not %s", verdict_text(got), verdict_text(want));
}

/* S9, and what is beside it. */
static void test_verdicts(void **state)
{
	(void)state;
	edge.ctl->mode = SW_MODE_MONITOR;
	secure_only(RULE_PREFER);
	edge.what = "must be encrypted";
	expect_verdict(verdict_after(TUN, TUN), SW_VERDICT_OK);
	expect_verdict(verdict_after(ER0, ER0), SW_VERDICT_POLICY_VIOLATION);
	expect_verdict(verdict_after(TUN, ER0), SW_VERDICT_POLICY_VIOLATION);
	expect_verdict(verdict_after(ER0, TUN), SW_VERDICT_POLICY_VIOLATION);
	expect_verdict(verdict_after(ER0, NO_DEVICE), SW_VERDICT_POLICY_VIOLATION);
	expect_verdict(verdict_after(NO_DEVICE, ER0), SW_VERDICT_POLICY_VIOLATION);
	expect_verdict(verdict_after(TUN, NO_DEVICE), SW_VERDICT_PENDING);
	edge.what = "the VPN is down";
	paths_down(BIT(TUN));
	expect_verdict(verdict_after(ER0, ER0), SW_VERDICT_POLICY_VIOLATION);
	paths_down(0);
	edge.what = "VPN first";
	rule_list[0] = rule_to("10.10.30.0/24", RULE_PREFER, "vpn expressroute");
	rules_put(1, 2);
	expect_verdict(verdict_after(TUN, TUN), SW_VERDICT_OK);
	expect_verdict(verdict_after(ER0, ER0), SW_VERDICT_POLICY_VIOLATION);
	expect_verdict(verdict_after(TUN, ER0), SW_VERDICT_ASYMMETRIC);
	paths_down(BIT(TUN));
	expect_verdict(verdict_after(ER0, ER0), SW_VERDICT_FAILOVER);
	paths_down(0);
	edge.what = "no rule";
	rules_put(0, 0);
	expect_verdict(verdict_after(TUN, TUN), SW_VERDICT_POLICY_VIOLATION);
	expect_verdict(verdict_after(ER0, ER0), SW_VERDICT_OK);
	assert_int_equal(edge.failures, 0);
}

/* A reload of the rules explains what it moves. */
static void test_reload_settles(void **state)
{
	struct packet back = packet_back(&secure);

	(void)state;
	edge.ctl->mode = SW_MODE_MONITOR;
	expect_verdict(verdict_after(ER0, ER0), SW_VERDICT_OK);
	rule_list[0] = rule_to("10.10.30.0/24", RULE_PREFER, "vpn expressroute");
	rules_put(1, 1);
	edge.ctl->rules_ns = now_ns();
	packet_run(TC_OUT, ER0, &secure);
	packet_run(TC_IN, ER0, &back);
	expect_verdict(flow_state(&secure).verdict, SW_VERDICT_TRANSITION);
	assert_int_equal(edge.failures, 0);
}

/* In enforce both directions are dropped and counted; in monitor counted. */
static void test_deny(void **state)
{
	struct packet back = packet_back(&secure);
	struct sw_rule_denied before;

	(void)state;
	rule_list[0] = rule_to("10.10.30.0/24", RULE_DENY, NULL);
	rules_put(1, 1);
	before = denied_by(0);
	assert_int_equal(packet_run(XDP, LAN0, &secure), XDP_DROP);
	assert_int_equal(packet_run(TC_IN, LAN0, &secure), TC_SHOT);
	assert_int_equal(packet_run(TC_IN, ER0, &back), TC_SHOT);
	assert_int_equal(reason_count(LAN0, SW_ACTION_DROP, SW_REASON_rule_denied), 2);
	assert_int_equal(reason_count(ER0, SW_ACTION_DROP, SW_REASON_rule_denied), 1);
	edge.ctl->mode = SW_MODE_MONITOR;
	assert_int_equal(packet_run(TC_IN, LAN0, &secure), TC_UNSPEC);
	assert_int_equal(packet_run(TC_IN, ER0, &back), TC_UNSPEC);
	assert_int_equal(reason_count(LAN0, SW_ACTION_PASS, SW_REASON_rule_denied), 1);
	assert_int_equal(reason_count(ER0, SW_ACTION_PASS, SW_REASON_rule_denied), 1);
	assert_int_equal(denied_by(0).dropped - before.dropped, 3);
	assert_int_equal(denied_by(0).passed - before.passed, 2);
	expect_verdict(verdict_after(ER0, ER0), SW_VERDICT_OK);
	assert_int_equal(edge.failures, 0);
}

/* What cannot be made to go by the VPN, and looks like anything. */
static const struct packet disguised[] = {
	{.src = LAN_HOST, .dst = HUB, .proto = IPPROTO_TCP, .sport = 1, .dport = 5432},
	{.src = LAN_HOST, .dst = HUB, .proto = IPPROTO_TCP, .frag = FRAG_FIRST},
	{.src = LAN_HOST, .dst = HUB, .proto = IPPROTO_TCP, .frag = FRAG_LATER},
	{.src = LAN_HOST, .dst = HUB, .proto = IPPROTO_TCP, .dport = 5432, .options = 8},
	{.src = LAN_HOST, .dst = HUB, .proto = IPPROTO_TCP, .dport = 5432, .size = 1500},
	{.src = "10.2.30.99", .dst = HUB, .proto = IPPROTO_TCP, .sport = 2, .dport = 5432},
	{.src = "172.16.0.1", .dst = HUB, .proto = IPPROTO_TCP, .sport = 3, .dport = 5432},
	{.src = LAN_HOST, .dst = HUB, .proto = IPPROTO_TCP, .size = 30},
};

static void all_disguises(bool path_chosen)
{
	static const int goes[] = {TC_REDIRECT, TC_REDIRECT, TC_REDIRECT, TC_UNSPEC,
				   TC_UNSPEC,	TC_REDIRECT, TC_SHOT,	  TC_SHOT};

	for (size_t i = 0; i < COUNT(disguised); i++) {
		struct frame f = frame_at(LAN0, &disguised[i]);
		int want = path_chosen ? goes[i] : TC_SHOT, ret = edge_run(TC_IN, LAN0, &f);

		CHECK(ret == want, "disguise %zu: %d, not %d", i, ret, want);
	}
}

/* Its own hook at the wire: whatever sent it there. */
static void all_at_the_wire(int want)
{
	for (size_t i = 0; i < COUNT(disguised); i++) {
		struct frame f = frame_at(ER0, &disguised[i]);
		int ret;

		f.ingress = edge.ifindex[LAN0];
		ret = edge_run(TC_OUT, ER0, &f);
		CHECK(ret == want, "disguise %zu at the wire: %d, not %d", i, ret, want);
	}
}

static void never_in_clear(enum config_rule_action action)
{
	uint64_t before;

	secure_only(action);
	before = denied_by(0).dropped;
	edge.ctl->fwmark = 0xff0000; /* what goes to the kernel is marked */
	edge.what = "VPN up";
	all_disguises(true);
	edge.ctl->magic = 1;
	edge.ctl->no_egress_moves = 1;
	all_at_the_wire(TC_SHOT);
	assert_int_equal(path_stats(ER0).egress_denied, COUNT(disguised));
	assert_int_equal(denied_by(0).dropped - before, COUNT(disguised) + 2); /* two at ingress */
	edge.what = "VPN down";
	paths_down(BIT(TUN));
	all_disguises(false);
	all_at_the_wire(TC_SHOT);
	edge.what = "no VPN route";
	paths_down(0);
	group_route(G_HUB, BIT(ER0) | BIT(ER1), 0, 0);
	all_disguises(false);
	all_at_the_wire(TC_SHOT);
	edge.what = "no route";
	fib_clear();
	fib_write("10.2.30.0", 25, G_LAN0);
	all_disguises(false);
	all_at_the_wire(TC_SHOT);
	edge.what = "monitor";
	edge.ctl->mode = SW_MODE_MONITOR;
	all_at_the_wire(TC_UNSPEC);
	assert_int_equal(edge.failures, 0);
}

static void test_only(void **state)
{
	(void)state;
	never_in_clear(RULE_ONLY);
}

static void test_prefer_vpn(void **state)
{
	(void)state;
	never_in_clear(RULE_PREFER);
}

/* What is not the rule's is left alone; and this box's own tunnel. */
static void test_others(void **state)
{
	struct packet other = secure, tunnel = {.src = "192.168.1.1", .dst = HUB, .proto = 50};
	struct frame f;

	(void)state;
	secure_only(RULE_ONLY);
	edge.ctl->magic = 1;
	other.dport = 443;
	f = frame_at(ER0, &other);
	f.ingress = edge.ifindex[LAN0];
	assert_int_equal(edge_run(TC_OUT, ER0, &f), TC_UNSPEC);
	rule_list[0] = rule_to(NULL, RULE_ONLY, "vpn");
	rules_put(1, 2);
	fib_write("192.168.1.1", 32, G_LOCAL);
	f = frame_at(ER0, &tunnel);
	assert_int_equal(edge_run(TC_OUT, ER0, &f), TC_UNSPEC);
	assert_int_equal(path_stats(ER0).egress_denied, 0);
}

/* An ICMP error follows the flow that it quotes, and who sends it to whom. */
static void test_errors(void **state)
{
	struct packet back = packet_back(&secure), fake = back;
	struct packet error = {.src = LAN_HOST, .dst = HUB, .proto = IPPROTO_ICMP, .quote = &back};

	(void)state;
	secure_only(RULE_ONLY);
	assert_int_equal(sent_by(TC_IN, &error), TUN);
	paths_down(BIT(TUN));
	assert_int_equal(packet_run(TC_IN, LAN0, &error), TC_SHOT);
	paths_down(0);
	rule_list[0] = rule_to("10.10.30.0/24", RULE_ONLY, "vpn");
	rules_put(1, 2);
	fake.src = SPOKE;
	error.quote = &fake;
	assert_int_equal(sent_by(TC_IN, &error), TUN);
}

/* The short way gives what the long one gives, and sees a path go and a rule come. */
static void test_fast(void **state)
{
	struct packet p = secure;

	(void)state;
	group_route(G_HUB, BIT(ER0), BIT(VPN1), 0);
	rule_list[0] = rule_to("10.10.30.0/24", RULE_ONLY, "vpn");
	rules_put(1, 1);
	p.size = 100;
	for (int i = 0; i < 4; i++)
		assert_int_equal(sent_by(XDP, &p), VPN1);
	paths_down(BIT(VPN1));
	assert_int_equal(packet_run(XDP, LAN0, &p), XDP_DROP);
	paths_down(0);
	assert_int_equal(sent_by(XDP, &p), VPN1);
	rules_put(0, 0);
	assert_int_equal(sent_by(XDP, &p), ER0);
	assert_int_equal(sent_by(XDP, &p), ER0);
	rules_put(1, 2);
	assert_int_equal(sent_by(XDP, &p), VPN1);
}

/* sw_explain answers by the same. */
static void test_explain(void **state)
{
	struct sw_explain io;

	(void)state;
	secure_only(RULE_ONLY);
	io = explain(&secure, 0);
	assert_int_equal(io.rule, 1);
	assert_int_equal(io.path, TUN);
	assert_int_equal(io.rule_flags, SW_RULE_BINDS | SW_RULE_ENCRYPT);
	io = explain(&secure, BIT(TUN));
	assert_int_equal(io.path, SW_NO_PATH);
	edge.ctl->rules = 0;
	assert_int_equal(explain(&secure, 0).rule, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_random, edge_start),
		cmocka_unit_test_setup(test_kept, edge_start),
		cmocka_unit_test_setup(test_told, edge_start),
		cmocka_unit_test_setup(test_verdicts, edge_start),
		cmocka_unit_test_setup(test_reload_settles, edge_start),
		cmocka_unit_test_setup(test_deny, edge_start),
		cmocka_unit_test_setup(test_only, edge_start),
		cmocka_unit_test_setup(test_prefer_vpn, edge_start),
		cmocka_unit_test_setup(test_others, edge_start),
		cmocka_unit_test_setup(test_errors, edge_start),
		cmocka_unit_test_setup(test_fast, edge_start),
		cmocka_unit_test_setup(test_explain, edge_start),
	};

	return cmocka_run_group_tests(tests, edge_setup, edge_teardown);
}
