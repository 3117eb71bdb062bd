// SPDX-License-Identifier: GPL-2.0-only
/*
 * `transit: allow`: what comes by a path and is for another goes where select says, at XDP and TC,
 * by redirect or by the kernel's mark; never back by the path that it came by; it has no flow
 * record and no verdict. Without it nothing has changed.
 */
#include "rules.h"

#define MASK  0xff0000U
#define MAGIC 0x1122334455667788ULL

static struct {
	int ret;
	uint32_t mark, cb2;
	struct frame was, is;
} got;

static void run_at(enum hook hook, enum device dev, struct frame *f, uint32_t ingress)
{
	static uint8_t out[FRAME_MAX + 64];
	struct xdp_md xdp = {.data_end = (uint32_t)f->len, .ingress_ifindex = edge.ifindex[dev]};
	struct __sk_buff skb = {.ifindex = edge.ifindex[dev], .ingress_ifindex = ingress},
			 after = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->data, .data_size_in = (uint32_t)f->len,
		    .data_out = out, .data_size_out = sizeof(out), .repeat = 1);

	memcpy(skb.cb, f->cb, sizeof(f->cb));
	opts.ctx_in = hook == XDP ? (void *)&xdp : (void *)&skb;
	opts.ctx_size_in = hook == XDP ? sizeof(xdp) : sizeof(skb);
	opts.ctx_out = hook == XDP ? NULL : &after;
	opts.ctx_size_out = hook == XDP ? 0 : sizeof(after);
	edge.clock->now_ns = now_ns();
	if (bpf_prog_test_run_opts(program_fd(hook), &opts))
		fail_msg("%s: %s", edge.what, strerror(errno));
	memcpy(f->data, out, opts.data_size_out);
	f->len = opts.data_size_out;
	memcpy(f->cb, after.cb, sizeof(f->cb));
	got.ret = (int)opts.retval;
	got.mark = after.mark;
	got.cb2 = after.cb[2];
}

/* At XDP, and at TC where XDP leaves it. */
static bool redirected(enum hook hook, enum device in, const struct packet *p)
{
	got.is = frame_at(in, p);
	got.was = got.is;
	if (hook == XDP && in != TUN) {
		run_at(XDP, in, &got.is, 0);
		if (got.ret != XDP_PASS)
			return got.ret == XDP_REDIRECT;
		CHECK(!memcmp(got.is.data, got.was.data, got.was.len), "changed by XDP");
	}
	run_at(TC_IN, in, &got.is, 0);
	return got.ret == TC_REDIRECT;
}

static void vary_er0_down(void)
{
	paths_down(BIT(ER0));
}
static void vary_only_tun(void)
{
	paths_down(BIT(ER0) | BIT(ER1) | BIT(ER2) | BIT(VPN1));
}
static void vary_all_down(void)
{
	paths_down(BIT(DEVICES) - 1);
}
static void vary_peers_down(void)
{
	edge.usable->peers4 = edge.usable->peers6 = 0;
}
static void rule_in_force(const char *to, enum config_rule_action action, const char *words)
{
	rule_list[0] = rule_to(to, action, words);
	rules_put(1, 1);
}
static void vary_deny(void)
{
	rule_in_force("10.12.30.0/24", RULE_DENY, NULL);
}
static void vary_deny_back(void)
{
	rule_in_force("10.17.30.0/26", RULE_DENY, NULL);
}
static void vary_prefer_vpn(void)
{
	rule_in_force("10.10.30.0/24", RULE_PREFER, "vpn expressroute");
}
static void vary_only_er2(void)
{
	rule_in_force("10.10.30.0/24", RULE_ONLY, "er2");
}
static void vary_no_gateway(void)
{
	nexthop_write(ER0, 4, false);
}

#define P(s, d, ...)                                                                               \
	{                                                                                          \
		.src = s, .dst = d, .sport = 7, .dport = 9, ##__VA_ARGS__                          \
	}
#define GOES(dev)  .to = dev, .reason = SW_REASON_forwarded, .action = SW_ACTION_FORWARD
#define DROPPED(r) .to = NO_DEVICE, .reason = SW_REASON_##r, .action = SW_ACTION_DROP
#define PASSED(r)  .to = NO_DEVICE, .reason = SW_REASON_##r, .action = SW_ACTION_PASS

/* slow: the path whose mark a packet has that is left to the kernel, NO_DEVICE: none. */
/* clang-format off */
static const struct one {
	const char *what;
	enum device in;
	struct packet packet;
	enum device to;
	enum sw_reason reason;
	enum sw_action action;
	bool unmarked, uncounted;
	enum device slow;
	void (*vary)(void);
} cases[] = {
	{"VPN to ExpressRoute", VPN1, P(VPN_HOST, REMOTE), GOES(ER0)},
	{"and back", ER0, P(REMOTE, VPN_HOST), GOES(VPN1)},
	{"without Ethernet header to one with", TUN, P(BRANCH, REMOTE), GOES(ER0)},
	{"and back", ER0, P(REMOTE, BRANCH), GOES(TUN)},
	{"from one VPN to another", TUN, P(BRANCH, VPN_HOST), GOES(VPN1)},
	{"TCP", VPN1, P(VPN_HOST, REMOTE, .proto = IPPROTO_TCP, .flags = TCP_SYN), GOES(ER0)},
	{"a ping", VPN1, P(VPN_HOST, REMOTE, .proto = IPPROTO_ICMP), GOES(ER0)},
	{"a fragment", VPN1, P(VPN_HOST, REMOTE, .frag = FRAG_LATER), GOES(ER0)},
	{"IPv6", VPN1, P(VPN_HOST6, REMOTE6), GOES(ER0)},
	{"IPv6 to a device without header", ER0, P(REMOTE6, BRANCH6), GOES(TUN)},
	{"TTL 2", VPN1, P(VPN_HOST, REMOTE, .ttl = 2), GOES(ER0)},
	{"the next tier", VPN1, P(VPN_HOST, TWO), GOES(ER2), .vary = vary_er0_down},
	{"the last resort", VPN1, P(VPN_HOST, REMOTE), .to = ER0, .reason = SW_REASON_last_resort,
	 .action = SW_ACTION_FORWARD, .vary = vary_peers_down},
	/* never back */
	{"the path it came by is the best", ER0, P(REMOTE, SPOKE), DROPPED(hairpin)},
	{"to its own prefix", VPN1, P(VPN_HOST, "10.19.30.9"), DROPPED(hairpin)},
	{"the path it came by is one of equals", ER1, P(HUB, ALL), DROPPED(hairpin)},
	{"a failover to it", TUN, P(BRANCH, HUB), DROPPED(hairpin), .vary = vary_er_down},
	{"before that", TUN, P(BRANCH, TWO), GOES(ER0)},
	{"IPv6, back", ER0, P(REMOTE6, SPOKE6), DROPPED(hairpin)},
	/* the kernel's, by the mark of the path */
	{"too big", ER0, P(REMOTE, VPN_HOST, .size = 1401), PASSED(too_big), .slow = VPN1},
	{"options", VPN1, P(VPN_HOST, REMOTE, .options = 8), PASSED(ip_options), .slow = ER0},
	{"TTL 1", VPN1, P(VPN_HOST, REMOTE, .ttl = 1), PASSED(ttl), .slow = ER0, .uncounted = true},
	{"no neighbour", VPN1, P(VPN_HOST, REMOTE), PASSED(no_neighbor), .slow = ER0, .vary = vary_no_gateway},
	{"nothing usable", VPN1, P(VPN_HOST, REMOTE), PASSED(no_path), .unmarked = true, .vary = vary_all_down},
	/* not ours */
	{"a source that is not behind it", VPN1, P(BRANCH, REMOTE), PASSED(source), .unmarked = true, .uncounted = true},
	{"an inside source", VPN1, P(LAN_HOST, REMOTE), DROPPED(spoof), .uncounted = true},
	{"to this box", VPN1, P(VPN_HOST, OWN), PASSED(local), .unmarked = true, .uncounted = true},
	{"to an exempt address", VPN1, P(VPN_HOST, EXEMPT), PASSED(exempt), .unmarked = true, .uncounted = true},
	{"no route", VPN1, P(VPN_HOST, "10.1.31.10"), PASSED(no_route), .unmarked = true, .uncounted = true},
	/* rules: as from inside, each direction by its own */
	{"denied", ER0, P(REMOTE, BRANCH), DROPPED(rule_denied), .vary = vary_deny},
	{"a fragment of it", ER0, P(REMOTE, BRANCH, .frag = FRAG_LATER), DROPPED(rule_denied), .vary = vary_deny},
	{"with options", ER0, P(REMOTE, BRANCH, .options = 4), DROPPED(rule_denied), .vary = vary_deny},
	{"the other direction is not", ER0, P(REMOTE, BRANCH), GOES(TUN), .vary = vary_deny_back},
	{"preferred", VPN1, P(VPN_HOST, HUB), GOES(TUN), .vary = vary_prefer_vpn},
	{"bound to a path that its prefix has not", VPN1, P(VPN_HOST, HUB), DROPPED(rule_denied), .vary = vary_only_er2},
	{"by the VPN alone", VPN1, P(VPN_HOST, HUB), GOES(TUN), .vary = vary_only_tun},
};
/* clang-format on */

static void expect_sent(const struct one *c)
{
	size_t l3 = got.is.len - (got.was.len - got.was.l3);
	bool v6 = packet_family(&c->packet) == 6;
	unsigned int ttl = got.was.data[got.was.l3 + (v6 ? 7 : 8)];

	CHECK(got.is.data[l3 + (v6 ? 7 : 8)] == ttl - 1, "TTL");
	if (!v6)
		CHECK(!checksum(got.is.data + l3, 20), "IPv4 checksum");
	if (c->to == TUN)
		return;
	CHECK(!memcmp(got.is.data, device_next_mac(c->to), 6), "destination ..:%02x",
	      got.is.data[5]);
	CHECK(!memcmp(got.is.data + 6, device_mac(c->to), 6), "source ..:%02x", got.is.data[11]);
}

/* It leaves by `to`, where XDP has not counted it: there it is counted, once, and stays. */
static void expect_counts(const struct one *c, enum hook hook, bool forwarded)
{
	bool dropped = c->action == SW_ACTION_DROP;
	uint64_t verdicts = 0;

	CHECK(path_stats(c->in).rx_packets == !(dropped || c->uncounted), "rx %llu",
	      path_stats(c->in).rx_packets);
	if (forwarded && got.ret == TC_REDIRECT) {
		if (c->to == TUN) {
			memmove(got.is.data, got.is.data + ETH_HLEN, got.is.len - ETH_HLEN);
			got.is.len -= ETH_HLEN;
		}
		CHECK(got.cb2 == edge.ifindex[c->to], "not marked as on its way");
		run_at(TC_OUT, c->to, &got.is, edge.ifindex[c->in]);
		CHECK(got.ret == TC_UNSPEC && !got.cb2, "TC egress did not let it go");
	}
	for (enum device dev = ER0; dev < LAN0; dev++) {
		struct sw_path_stats s = path_stats(dev);

		CHECK(s.tx_packets == (forwarded && dev == c->to), "%s: tx %llu", hook_text[hook],
		      s.tx_packets);
		CHECK(!s.egress_back && !s.egress_moved && !s.egress_stayed, "told by TC egress");
	}
	for (int v = 0; v < SW_VERDICT_NO_ROUTE; v++)
		verdicts += edge.verdicts[v].given;
	if (c->reason != SW_REASON_spoof)
		CHECK(!verdicts && !flow_count(), "a flow, or a verdict");
}

static void begin(const struct one *c, uint32_t forward)
{
	edge_reset();
	edge.what = c->what;
	edge.ctl->transit = 1;
	edge.ctl->forward = forward;
	edge.ctl->fwmark = MASK;
	edge.ctl->magic = MAGIC;
	if (c->vary)
		c->vary();
}

static unsigned int run_all(uint32_t mode, uint32_t forward)
{
	unsigned int failures = 0;

	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		const struct one *c = &cases[i / 2];
		enum hook hook = i % 2 ? XDP : TC_IN;
		bool kernel = forward == SW_FORWARD_KERNEL, monitor = mode == SW_MODE_MONITOR;
		bool forwards = c->action == SW_ACTION_FORWARD && !monitor, sent;
		uint32_t mark = 0, reason = c->reason, action = c->action;
		struct one here = *c;

		begin(c, forward);
		edge.ctl->mode = mode;
		sent = redirected(hook, c->in, &c->packet);
		if (kernel && reason == SW_REASON_no_neighbor) {
			reason = SW_REASON_forwarded; /* the kernel asks */
			action = SW_ACTION_FORWARD;
		}
		if (monitor) {
			if (action == SW_ACTION_FORWARD || reason == SW_REASON_no_neighbor)
				reason = SW_REASON_observed;
			action = here.action = SW_ACTION_PASS;
			here.uncounted = c->uncounted && c->reason != SW_REASON_spoof;
		} else if (c->action == SW_ACTION_FORWARD && kernel) {
			mark = sw_mark(MASK, c->to);
		} else if (c->action == SW_ACTION_PASS && !c->unmarked) {
			mark = sw_mark(MASK, c->slow);
		}
		CHECK(sent == (forwards && !kernel), "at %s: answer %d", hook_text[hook], got.ret);
		CHECK(reason_count(c->in, action, reason) == 1 && reasons_total() == 1,
		      "at %s: not %s, %s", hook_text[hook], reason_text(reason),
		      action == SW_ACTION_DROP ? "drop" : "pass or forward");
		if (sent)
			expect_sent(c);
		else
			CHECK(got.mark == mark, "mark %x, not %x", got.mark, mark);
		expect_counts(&here, hook, sent);
		failures += edge.failures;
	}
	return failures;
}

static void test_redirected(void **state)
{
	(void)state;
	assert_int_equal(run_all(SW_MODE_ENFORCE, SW_FORWARD_FAST), 0);
}

static void test_marked(void **state)
{
	(void)state;
	assert_int_equal(run_all(SW_MODE_ENFORCE, SW_FORWARD_KERNEL), 0);
}

static void test_observed(void **state)
{
	(void)state;
	assert_int_equal(run_all(SW_MODE_MONITOR, SW_FORWARD_FAST), 0);
}

/* Both ends of a TCP through the box are made to fit. */
static void test_mss(void **state)
{
	const struct packet syn = P(BRANCH, REMOTE, .proto = IPPROTO_TCP, .flags = TCP_SYN);
	struct frame f = frame_at(TUN, &syn);
	(void)state;

	edge_reset();
	edge.what = "a SYN in transit";
	edge.ctl->transit = 1;
	edge.ctl->clamped = BIT(TUN);
	edge.paths[TUN].mss = 1300;
	f.data[f.l3 + 20 + 12] = 6 << 4;
	memcpy(f.data + f.l3 + 40, (uint8_t[]){2, 4, 1460 >> 8, 1460 & 0xff}, 4);
	run_at(TC_IN, TUN, &f, 0);
	assert_int_equal(got.ret, TC_REDIRECT);
	assert_int_equal(f.data[ETH_HLEN + 42] << 8 | f.data[ETH_HLEN + 43], 1300);
}

/* What the kernel sends from path to path: a loop, or what is allowed. */
static void test_egress(void **state)
{
	static const struct {
		const char *what;
		enum device from, to;
		uint32_t transit;
		bool back;
	} rows[] = {{"allowed", VPN1, ER0, 1, false},
		    {"back where it came from", VPN1, VPN1, 1, true},
		    {"not allowed", VPN1, ER0, 0, true}};
	const struct packet p = P(VPN_HOST, REMOTE);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct frame f = frame_at(rows[i].to, &p);

		edge_reset();
		edge.what = rows[i].what;
		edge.ctl->transit = rows[i].transit;
		edge.ctl->forward = SW_FORWARD_KERNEL;
		edge.ctl->magic = MAGIC;
		run_at(TC_OUT, rows[i].to, &f, edge.ifindex[rows[i].from]);
		CHECK(path_stats(rows[i].to).egress_back == rows[i].back, "back %llu",
		      path_stats(rows[i].to).egress_back);
		CHECK(path_stats(rows[i].to).tx_packets == 1 && !flow_count(), "not counted");
		assert_int_equal(edge.failures, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_redirected, edge_start),
		cmocka_unit_test_setup(test_marked, edge_start),
		cmocka_unit_test_setup(test_observed, edge_start),
		cmocka_unit_test_setup(test_mss, edge_start),
		cmocka_unit_test_setup(test_egress, edge_start),
	};

	return cmocka_run_group_tests(tests, edge_setup, edge_teardown);
}
