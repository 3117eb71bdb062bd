/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Causes of our own side, told by the kernel's own route: local-pref-missing, fib-override,
 * bgp-daemon; that it is asked once an incident; and the words for one direction, loops, spoofers.
 */
#include "fixture_incident.h"

/* What the kernel answers, and how often it was asked. */
struct kernel {
	int err, asked;
	struct kernel_route route;
	struct ip_addr src, dst;
	char inside[16];
};

static int kernel_answer(void *arg, const struct ip_addr *src, const struct ip_addr *dst,
			 const char *inside, uint8_t answer, struct kernel_route *out)
{
	struct kernel *k = arg;

	k->asked++;
	k->src = *src;
	k->dst = *dst;
	(void)answer;
	snprintf(k->inside, sizeof(k->inside), "%s", inside);
	*out = k->route;
	return k->err;
}

/* table 0: main */
static struct kernel kernel_by(const char *device, const char *protocol, uint32_t table)
{
	struct kernel k = {.route = {.prefix = prefix_of("10.10.30.0/24"), .table = table}};

	k.route.learned = strcmp(protocol, "static") != 0;
	snprintf(k.route.protocol, sizeof(k.route.protocol), "%s", protocol);
	snprintf(k.route.interface, sizeof(k.route.interface), "%s", device);
	return k;
}

static void assert_says(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" does not say \"%s\"", text, part);
}

/* The hub by both, with these local preferences; the kernel answers k; VPN out, ER back. */
static void provoke(struct world *w, struct kernel *k, uint32_t er, uint32_t vpn)
{
	edge_withdraw(w->e, "10.10.30.0/24", "er1-primary");
	edge_withdraw(w->e, "10.10.30.0/24", "vpn30");
	edge_route(w->e, "10.10.30.0/24", "er1-primary", 12076, er);
	edge_route(w->e, "10.10.30.0/24", "vpn30", 65515, vpn);
	w->e->ctx.kernel_route = kernel_answer;
	w->e->ctx.kernel_arg = k;
	event(w, SW_VERDICT_ASYMMETRIC, 1, VPN, ER1);
	assert_heard(w, 1, 0, 0);
	assert_int_equal(w->heard.last.side, SIDE_ONPREM);
}

static void test_local_pref_missing(void **state)
{
	struct world *w = *state;
	struct kernel k = kernel_by("tun30", "bird", 0);

	provoke(w, &k, 100, 100);
	assert_int_equal(w->heard.last.cause, CAUSE_LOCAL_PREF_MISSING);
	assert_says(w->heard.last.message, "sent by vpn30 though expressroute is available");
	assert_says(w->heard.last.message, "both have local preference 100");
	assert_says(w->heard.last.message, "er1-primary 10.10.30.0/24 as_path 12076");
	assert_says(w->heard.last.message, "vpn30 10.10.30.0/24 as_path 65515");
	assert_says(w->heard.last.fix,
		    "set local preference 200 inbound on the neighbor of er1-primary");
	assert_int_equal(k.asked, 1);
	assert_int_equal(k.src.bytes[3], 10);
	assert_int_equal(k.dst.bytes[3], 4);
	assert_string_equal(k.inside, "lan0");
}

/* Set, but the wrong way round: the number to set is more than the VPN's. */
static void test_local_pref_wrong(void **state)
{
	struct world *w = *state;
	struct kernel k = kernel_by("tun30", "zebra", 0);

	provoke(w, &k, 100, 300);
	assert_int_equal(w->heard.last.cause, CAUSE_LOCAL_PREF_MISSING);
	assert_says(w->heard.last.message, "its local preference is 300, that of er1-primary only");
	assert_says(w->heard.last.fix, "set local preference 400");
}

/* Nobody could be asked: equal preferences say enough, unequal ones do not. */
static void test_kernel_silent(void **state)
{
	struct world *w = *state;
	struct kernel k = {.err = -ENETUNREACH};

	provoke(w, &k, 100, 100);
	assert_int_equal(w->heard.last.cause, CAUSE_LOCAL_PREF_MISSING);
	event(w, SW_VERDICT_ASYMMETRIC, 2, VPN, ER1);
	assert_int_equal(k.asked, 1);
}

static void test_kernel_silent_preferred(void **state)
{
	struct world *w = *state;
	struct kernel k = {.err = -ENETUNREACH};

	provoke(w, &k, 200, 100);
	assert_int_equal(w->heard.last.cause, CAUSE_UNKNOWN);
}

static void test_fib_override(void **state)
{
	struct world *w = *state;
	struct kernel k = kernel_by("tun30", "static", 0);

	w->e->cfg.mode = SW_MODE_MONITOR;
	provoke(w, &k, 200, 100);
	assert_int_equal(w->heard.last.cause, CAUSE_FIB_OVERRIDE);
	assert_says(w->heard.last.message,
		    "the kernel sends it by 10.10.30.0/24 dev tun30 proto static table main");
	assert_says(w->heard.last.message, "er1-primary 10.10.30.0/24");
	assert_says(w->heard.last.fix, "ip route del 10.10.30.0/24 dev tun30");
	assert_says(w->heard.last.fix, "`mode: monitor`");
	/* more flows of the incident ask nobody, whatever the kernel says by now */
	k.route.learned = true;
	for (uint16_t port = 2; port < 20; port++)
		event(w, SW_VERDICT_ASYMMETRIC, port, VPN, ER1);
	assert_int_equal(k.asked, 1);
	assert_int_equal(w->heard.n[INCIDENT_OPEN], 1);
	/* the same mistake seen both ways by VPN */
	event(w, SW_VERDICT_POLICY_VIOLATION, 77, VPN, VPN);
	assert_int_equal(k.asked, 2);
	assert_int_equal(w->heard.n[INCIDENT_OPEN], 2);
}

/* By an ip rule: another table, though a routing daemon wrote it; of both verdicts. */
static void test_fib_override_rule(void **state)
{
	struct world *w = *state;
	struct kernel k = kernel_by("tun30", "bgp", 77);

	w->e->ctx.kernel_route = kernel_answer;
	w->e->ctx.kernel_arg = &k;
	event(w, SW_VERDICT_POLICY_VIOLATION, 1, VPN, VPN);
	assert_int_equal(w->heard.last.cause, CAUSE_FIB_OVERRIDE);
	assert_says(w->heard.last.message, "proto bgp table 77");
	assert_says(w->heard.last.fix, "`ip rule`");
}

static void test_bgp_daemon(void **state)
{
	struct world *w = *state;
	struct kernel k = kernel_by("tun30", "bgp", 0);

	provoke(w, &k, 200, 100);
	assert_int_equal(w->heard.last.cause, CAUSE_BGP_DAEMON);
	assert_says(w->heard.last.message, "local preference is right (200 of er1-primary");
}

/* The kernel would send it the right way: something else sent it there, and we don't know what. */
static void test_kernel_agrees(void **state)
{
	struct world *w = *state;
	struct kernel k = kernel_by("er0", "bgp", 0);

	provoke(w, &k, 100, 100);
	assert_int_equal(w->heard.last.cause, CAUSE_UNKNOWN);
}

/*
 * Sent by the kernel by our mark: what the routing daemon prefers is none of it, though both local
 * preferences are equal; what is in the way is named with how to take it away.
 */
static void test_marked(void **state)
{
	struct world *w = *state;
	struct kernel k = kernel_by("tun30", "boot", 7000);

	k.route.marked = k.route.in_tables = true;
	k.route.mark = 0x10000;
	k.route.mask = 0xff0000;
	provoke(w, &k, 100, 100);
	assert_int_equal(w->heard.last.cause, CAUSE_FIB_OVERRIDE);
	assert_says(w->heard.last.message,
		    "sameway marks it for er1-primary (0x10000), and the kernel sends it by "
		    "10.10.30.0/24 dev tun30 proto boot table 7000");
	assert_says(w->heard.last.fix, "`ip -4 route del 10.10.30.0/24 dev tun30 table 7000`");
}

static void test_marked_rule(void **state)
{
	struct world *w = *state;
	struct kernel k = kernel_by("tun30", "bird", 0);

	k.route.marked = true;
	k.route.rule = 5211;
	provoke(w, &k, 100, 100);
	assert_int_equal(w->heard.last.cause, CAUSE_FIB_OVERRIDE);
	assert_says(w->heard.last.message, "proto bird table main");
	assert_says(w->heard.last.fix, "`ip -4 rule del priority 5211`");
}

static void test_marked_writer(void **state)
{
	struct world *w = *state;
	struct kernel k = kernel_by("er0", "83", 7000);

	k.route.marked = k.route.in_tables = k.route.own = true;
	k.route.mask = 0xff0000;
	snprintf(k.route.writer, sizeof(k.route.writer), "nftables chain ip m pre: it writes");
	provoke(w, &k, 100, 100);
	assert_int_equal(w->heard.last.cause, CAUSE_FIB_OVERRIDE);
	assert_says(w->heard.last.message, "something changes that: nftables chain ip m pre");
	assert_says(w->heard.last.fix, "leave the bits 0xff0000 as they are");
}

/* Nobody is found, or the kernel can't say: not known, and no word of local preference to set. */
static void test_marked_unknown(void **state)
{
	struct world *w = *state;
	struct kernel k = {.err = -ENETUNREACH, .route.marked = true};

	provoke(w, &k, 100, 100);
	assert_int_equal(w->heard.last.cause, CAUSE_UNKNOWN);
	assert_says(w->heard.last.fix, "find what takes it elsewhere");
	assert_null(strstr(w->heard.last.fix, "local preference"));
}

/* Where our side is right, or the longer prefix is to blame, nobody is asked. */
static void test_not_asked(void **state)
{
	struct world *w = *state;
	struct kernel k = kernel_by("tun30", "static", 0);

	w->e->ctx.kernel_route = kernel_answer;
	w->e->ctx.kernel_arg = &k;
	event(w, SW_VERDICT_ASYMMETRIC, 1, ER1, VPN);
	event(w, SW_VERDICT_ONE_WAY, 2, VPN, SW_NO_PATH);
	edge_route(w->e, "10.10.30.0/27", "vpn30", 65515, 100);
	event(w, SW_VERDICT_ASYMMETRIC, 3, VPN, ER1);
	assert_int_equal(w->heard.last.cause, CAUSE_VPN_MORE_SPECIFIC);
	assert_int_equal(k.asked, 0);
}

/* Azure stays where it is long after our change: it is not slow, and is told by another cause. */
static void test_convergence_outlived(void **state)
{
	struct world *w = *state;

	edge_object(w->e, ER1, WORD_LINK, true);
	edge_wait(w->e, 70 * S);
	event(w, SW_VERDICT_ASYMMETRIC, 1, VPN, ER1);
	assert_int_equal(w->heard.last.cause, CAUSE_CONVERGENCE);
	for (int i = 0; i < 16; i++) {
		edge_wait(w->e, 10 * S);
		scan(w, 1, SW_VERDICT_ASYMMETRIC, VPN, ER1);
	}
	assert_int_equal(w->heard.n[INCIDENT_OPEN], 1);
	for (int i = 0; i < 20; i++) {
		edge_wait(w->e, 10 * S);
		scan(w, 1, SW_VERDICT_ASYMMETRIC, VPN, ER1);
	}
	assert_int_equal(w->heard.n[INCIDENT_OPEN], 2);
	assert_int_equal(w->heard.n[INCIDENT_CLOSE], 1);
	assert_int_equal(incidents_get(w->set, 0)->cause, CAUSE_CONVERGENCE);
	assert_false(incidents_get(w->set, 0)->open);
	assert_int_equal(incidents_get(w->set, 1)->cause, CAUSE_UNKNOWN);
}

static void one_way(struct world *w, uint16_t port, int out, int in, uint8_t flags, uint8_t about)
{
	struct sw_event ev = edge_hub_event(w->e, SW_VERDICT_ONE_WAY, port, out, in);

	ev.state.flags = flags;
	ev.about |= about;
	incidents_event(w->set, &w->e->ctx, &ev);
}

static void test_one_way(void **state)
{
	struct world *w = *state;
	const struct incident *inc = &w->heard.last;

	w->e->inside.stateful = true;
	one_way(w, 1, ER1, SW_NO_PATH, SW_FLOW_OUT_FRESH, 0);
	assert_int_equal(inc->severity, SEVERITY_WARNING);
	assert_int_equal(inc->cause, CAUSE_UNKNOWN);
	assert_int_equal(inc->side, SIDE_UNKNOWN);
	assert_int_equal(inc->forward_path, ER1);
	assert_int_equal(inc->reverse_path, -1);
	assert_says(inc->message,
		    "leaves by er1-primary (expressroute, er0) and returns by no path "
		    "that was seen here");
	assert_says(inc->message, "ACK numbers grow over data that never passed here");
	assert_says(inc->fix, "run sameway on the other edge too, or tap both");
	event(w, SW_VERDICT_OK, 1, ER1, ER1);
	/* a path of before the last change is not one that it returns by */
	one_way(w, 1, VPN, ER1, SW_FLOW_OUT_FRESH, 0);
	assert_int_equal(inc->forward_path, VPN);
	assert_int_equal(inc->reverse_path, -1);
	assert_int_equal(w->heard.n[INCIDENT_OPEN], 1);
	assert_int_equal(w->heard.n[INCIDENT_CLOSE], 0);
}

static void test_one_way_inward(void **state)
{
	struct world *w = *state;

	one_way(w, 2, SW_NO_PATH, ER1, SW_FLOW_IN_FRESH, SW_FLOW_NO_SYN);
	assert_says(w->heard.last.message,
		    "leaves by no path that was seen here and returns by er1-primary");
	assert_says(w->heard.last.message, "a SYN-ACK passes here whose SYN did not");
	assert_says(w->heard.last.fix, "inside host's gateway");
}

static void spoof(struct world *w, const char *src, const char *dst, uint8_t about)
{
	struct sw_event ev =
		edge_event(w->e, SW_VERDICT_LOOP_OR_SPOOF, src, dst, 7, SW_NO_PATH, SW_NO_PATH);

	ev.about |= about;
	ev.spoof_path = ER1;
	incidents_event(w->set, &w->e->ctx, &ev);
}

static void test_spoof(void **state)
{
	struct world *w = *state;

	spoof(w, "10.2.30.10", "10.10.30.4", 0);
	assert_int_equal(w->heard.last.severity, SEVERITY_WARNING);
	assert_int_equal(w->heard.last.reverse_path, ER1);
	assert_says(w->heard.last.message,
		    "10.2.30.0/25 -> 10.10.30.0/24: packets with a source of "
		    "ours come in by er1-primary (expressroute, er0)");
	assert_says(w->heard.last.message, "spoofed");
	assert_says(w->heard.last.fix, "dropped here");
	/* to inside: all of a network's hosts are one incident */
	spoof(w, "10.2.30.10", "10.2.30.11", 0);
	spoof(w, "10.2.30.10", "10.2.30.12", 0);
	assert_heard(w, 2, 0, 0);
	assert_says(w->heard.last.message, "10.2.30.0/25 -> 10.2.30.0/25");
}

static void test_loop(void **state)
{
	struct world *w = *state;

	w->e->cfg.mode = SW_MODE_MONITOR;
	spoof(w, "10.2.30.10", "10.10.30.4", SW_FLOW_LOOPS);
	assert_says(w->heard.last.message, "a routing loop");
	assert_says(w->heard.last.fix, "TTL that falls");
	assert_says(w->heard.last.fix, "`mode: monitor` lets them pass");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_local_pref_missing),
		TEST(test_local_pref_wrong),
		TEST(test_kernel_silent),
		TEST(test_kernel_silent_preferred),
		TEST(test_fib_override),
		TEST(test_fib_override_rule),
		TEST(test_bgp_daemon),
		TEST(test_kernel_agrees),
		TEST(test_marked),
		TEST(test_marked_rule),
		TEST(test_marked_writer),
		TEST(test_marked_unknown),
		TEST(test_not_asked),
		TEST(test_convergence_outlived),
		TEST(test_one_way),
		TEST(test_one_way_inward),
		TEST(test_spoof),
		TEST(test_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
