/* SPDX-License-Identifier: GPL-2.0-only */
/* Paths that flap, that come back, and that traffic does not come back to. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fixture_network.h"
#include "core/state.h"

static void er_down(struct net *n)
{
	net_path(n, ER1, WORD_LINK, true);
}
static void er_up(struct net *n)
{
	net_path(n, ER1, WORD_LINK, false);
}
static void er_drain(struct net *n)
{
	net_path(n, ER1, WORD_ADMIN, true);
}
static void er_undrain(struct net *n)
{
	net_path(n, ER1, WORD_ADMIN, false);
}
static void er_reset(struct net *n)
{
	n->facts.reset = 1ULL << ER1;
	er_down(n);
}
static void er_reset_over(struct net *n)
{
	n->facts.reset = 0;
	er_up(n);
}

#define LOST "no-backup expressroute critical link-down"
#define FLAP "flapping er1-primary warning link-down"

static const struct story stories[] = {
	{"S27: three failures in five minutes are one incident, till it is calm",
	 {{er_down, 2, LOST},
	  {er_up, 20, ""},
	  {er_down, 2, LOST},
	  {er_up, 20, ""},
	  {er_down, 2, FLAP "; " LOST},
	  {er_up, 10, FLAP},
	  {er_down, 2, FLAP "; " LOST},
	  {er_up, 290, FLAP},
	  {NULL, 15, ""}}},
	{"S27: two are none",
	 {{er_down, 2, LOST}, {er_up, 20, ""}, {er_down, 2, LOST}, {er_up, 60, ""}}},
	{"S27: slowly",
	 {{er_down, 2, LOST},
	  {er_up, 180, ""},
	  {er_down, 2, LOST},
	  {er_up, 180, ""},
	  {er_down, 2, LOST},
	  {er_up, 20, ""}}},
	{"drained by hand, as often as one likes",
	 {{er_drain, 2, "no-backup expressroute critical drained"},
	  {er_undrain, 10, ""},
	  {er_drain, 2, "no-backup expressroute critical drained"},
	  {er_undrain, 10, ""},
	  {er_drain, 2, "no-backup expressroute critical drained"},
	  {er_undrain, 10, ""}}},
	{"our own attaching is no failure", {{er_reset, 1, ""}, {er_reset_over, 60, ""}}},
};

static void test_stories(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++)
		net_story(&stories[i]);
}

static void test_flapping_words(void **state)
{
	struct net *n = net_new();
	const struct incident *inc = &n->last[NETWORK_FLAPPING];

	(void)state;
	n->facts.hold_ns[ER1] = 8 * S;
	for (int i = 0; i < 4; i++) {
		er_down(n);
		net_wait(n, 5);
		er_up(n);
		net_wait(n, 15);
	}
	assert_int_equal(n->once[NETWORK_FLAPPING], 1);
	assert_non_null(strstr(inc->message,
			       "er1-primary (expressroute, er0) has failed 4 times in "
			       "the last 5 minutes, the last time: its link is down"));
	assert_non_null(strstr(inc->message, "its hold-down, now 8 s"));
	assert_non_null(strstr(inc->fix, "`sameway path er1-primary drain`"));
	/* one each until it was known to flap, none since */
	assert_int_equal(n->once[NETWORK_FAILBACK], 2);
	/* a failover's incident is not closed between, though its flows are gone for minutes */
	assert_true(n->w.e->ctx.path[ER1].flapping);
	event(&n->w, SW_VERDICT_FAILOVER, 1, VPN, VPN);
	scan(&n->w, 0, SW_VERDICT_OK, 0, 0);
	edge_wait(n->w.e, 120 * S);
	scan(&n->w, 0, SW_VERDICT_OK, 0, 0);
	assert_true(n->last[SW_VERDICT_FAILOVER].open);
	n->w.e->ctx.path[ER1].flapping = false;
	scan(&n->w, 0, SW_VERDICT_OK, 0, 0);
	assert_false(n->last[SW_VERDICT_FAILOVER].open);
	net_free(n);
}

/* A daemon that began while a probe held the path down tells its return, since when it failed. */
static void test_held(void **state)
{
	(void)state;
	for (int held = 0; held < 2; held++) {
		struct net *n = net_new();

		network_watch_free(n->watch);
		n->watch = network_watch_new();
		assert_non_null(n->watch);
		n->facts.held = (uint64_t)held << ER1;
		net_path(n, ER1, WORD_PROBE, true);
		net_wait(n, 100);
		n->facts.held = 0;
		net_path(n, ER1, WORD_PROBE, false);
		net_wait(n, 20);
		assert_int_equal(n->once[NETWORK_FAILBACK], held);
		if (held) {
			assert_int_equal(n->last[NETWORK_FAILBACK].cause, CAUSE_ER_DATAPLANE);
			assert_non_null(strstr(n->last[NETWORK_FAILBACK].message,
					       "is back after 100 s: 2 prefixes"));
		}
		net_free(n);
	}
}

/* A flow's record, as a scan would find it. */
static struct flow flow_by(const struct net *n, int out, int in, enum sw_verdict verdict)
{
	return (struct flow){
		.seen_ns = n->w.e->ctx.now,
		.created_ns = n->w.e->ctx.now - 600 * S,
		.state = {.out = (uint8_t)out,
			  .in = (uint8_t)in,
			  .answer = ER1,
			  .verdict = (uint8_t)verdict,
			  .flags = SW_FLOW_OUT_FRESH | SW_FLOW_IN_FRESH},
	};
}

/* A scan that finds `count` of the flow. */
static void net_scan(struct net *n, struct flow flow, unsigned int count)
{
	struct edge *e = n->w.e;

	if (!network_watch_wants(n->watch, &e->ctx))
		return;
	for (unsigned int i = 0; i < count; i++) {
		struct sw_event ev = edge_hub_event(e, flow.state.verdict, (uint16_t)(1000 + i),
						    flow.state.out, flow.state.in);

		flow.about = ev.about;
		network_watch_flow(n->watch, &e->ctx, &ev.key, &flow);
	}
	network_watch_scanned(n->watch, &e->ctx);
}

/* The link's fall is told last: its neighbours went first. */
static void test_cause(void **state)
{
	struct net *n = net_new();

	(void)state;
	net_path(n, ER1, 7, true); /* neighbor */
	net_wait(n, 1);
	n->w.e->ctx.path[ER1].objections[WORD_LINK] = true;
	net_wait(n, 20);
	n->w.e->ctx.path[ER1].objections[WORD_LINK] = false;
	net_wait(n, 2);
	net_path(n, ER1, 7, false);
	net_wait(n, 10);
	assert_int_equal(n->once[NETWORK_FAILBACK], 1);
	assert_int_equal(n->last[NETWORK_FAILBACK].cause, CAUSE_LINK_DOWN);
	net_free(n);
}

/* S24's end: told once, with what moved and how long the first packet took. */
static void test_failback(void **state)
{
	struct net *n = net_new();
	const struct incident *inc = &n->last[NETWORK_FAILBACK];
	struct flow flow;
	uint64_t back;

	(void)state;
	er_down(n);
	net_wait(n, 20);
	assert_false(network_watch_wants(n->watch, &n->w.e->ctx));
	er_up(n);
	back = n->w.e->ctx.now;
	net_wait(n, 1);
	assert_true(network_watch_wants(n->watch, &n->w.e->ctx));
	flow = flow_by(n, ER1, ER1, SW_VERDICT_OK);
	flow.moved_ns = back + 40 * MS;
	net_scan(n, flow, 1);
	flow.moved_ns = back + 15 * MS;
	net_scan(n, flow, 1);
	flow.moved_ns = back + 90 * MS;
	net_scan(n, flow, 1);
	flow.state.out = VPN;
	flow.moved_ns = back + 1 * MS;
	net_scan(n, flow, 1);
	assert_int_equal(n->once[NETWORK_FAILBACK], 0);
	net_wait(n, 2);
	assert_int_equal(n->once[NETWORK_FAILBACK], 1);
	assert_false(inc->open);
	assert_int_equal(inc->severity, SEVERITY_INFO);
	assert_int_equal(inc->cause, CAUSE_LINK_DOWN);
	assert_int_equal(inc->prefixes_moved, 2); /* hub and spoke; the third had nowhere to go */
	assert_int_equal(inc->duration_ms, 15);
	assert_int_equal(inc->forward_path, ER1);
	assert_string_equal(inc->message,
			    "er1-primary (expressroute, er0) is back after 20 s: 2 prefixes moved "
			    "back to it, the first packet by it 15 ms after the change");
	net_wait(n, 600);
	assert_int_equal(n->once[NETWORK_FAILBACK], 1);
	net_free(n);
}

/* By BGP: the prefixes come one by one after the session is back; without packets no time. */
static void test_failback_bgp(void **state)
{
	static const char *const prefix[] = {"10.10.30.0/24", "10.11.30.0/26", "10.17.30.0/26"};
	struct net *n = net_new();

	(void)state;
	for (size_t i = 0; i < 3; i++)
		net_withdraw(n, prefix[i], "er1-primary");
	net_wait(n, 30);
	for (size_t i = 0; i < 3; i++) {
		net_route(n, prefix[i], "er1-primary", 12076);
		net_wait(n, 1);
	}
	assert_int_equal(n->once[NETWORK_FAILBACK], 0);
	net_wait(n, 8);
	assert_int_equal(n->once[NETWORK_FAILBACK], 1);
	assert_int_equal(n->last[NETWORK_FAILBACK].prefixes_moved, 2);
	assert_int_equal(n->last[NETWORK_FAILBACK].duration_ms, -1);
	assert_int_equal(n->last[NETWORK_FAILBACK].cause, CAUSE_BGP_DOWN);
	/* the VPN's return moves nothing back to it */
	net_path(n, VPN, WORD_LINK, true);
	net_wait(n, 10);
	net_path(n, VPN, WORD_LINK, false);
	net_wait(n, 60);
	assert_int_equal(n->once[NETWORK_FAILBACK], 1);
	net_free(n);
}

/* Out and back, then `count` flows like this seen each 5 s for so long. */
static struct net *returned(void)
{
	struct net *n = net_new();

	er_down(n);
	net_wait(n, 30);
	er_up(n);
	net_wait(n, 15); /* failback was told */
	assert_int_equal(n->once[NETWORK_FAILBACK], 1);
	return n;
}

static void scans(struct net *n, unsigned int seconds, int out, int in, enum sw_verdict verdict,
		  unsigned int count)
{
	for (unsigned int i = 0; i < seconds; i += 5) {
		net_wait(n, 5);
		net_scan(n, flow_by(n, out, in, verdict), count);
	}
	net_tick(n);
}

static const struct stuck_case {
	const char *id;
	int out, in;
	enum sw_verdict verdict;
	bool monitor;
	size_t opened;
	enum side side;
	enum cause cause;
	const char *kernel, *protocol; /* by which device, whose route */
} stuck_cases[] = {
	{"S21, S26: Azure still answers by the VPN", ER1, VPN, SW_VERDICT_ASYMMETRIC, false, 1,
	 SIDE_AZURE, CAUSE_UNKNOWN, "", ""},
	{"S13: we still send by the VPN", VPN, ER1, SW_VERDICT_ASYMMETRIC, true, 1, SIDE_ONPREM,
	 CAUSE_BGP_DAEMON, "tun30", "bgp"},
	{"S15 after it: a static route", VPN, ER1, SW_VERDICT_ASYMMETRIC, true, 1, SIDE_ONPREM,
	 CAUSE_FIB_OVERRIDE, "tun30", "static"},
	{"S26: both", VPN, VPN, SW_VERDICT_POLICY_VIOLATION, true, 2, SIDE_AZURE, CAUSE_UNKNOWN,
	 "tun30", "bgp"},
	{"both have followed", ER1, ER1, SW_VERDICT_OK, false, 0, 0, 0, "", ""},
};

static void stuck_one(const struct stuck_case *c)
{
	struct net *n = returned();
	const struct incident *inc = &n->last[NETWORK_FAILBACK_STUCK];

	if (c->monitor)
		n->w.e->cfg.mode = SW_MODE_MONITOR;
	snprintf(n->kernel.interface, sizeof(n->kernel.interface), "%s", c->kernel);
	snprintf(n->kernel.protocol, sizeof(n->kernel.protocol), "%s", c->protocol);
	n->kernel.learned = !strcmp(c->protocol, "bgp");
	n->kernel.prefix = prefix_of("10.10.30.0/24");
	scans(n, 40, c->out, c->in, c->verdict, 3); /* grace 60 s, 1 s, of which 55 are over */
	assert_int_equal(n->once[NETWORK_FAILBACK_STUCK], 0);
	scans(n, 15, c->out, c->in, c->verdict, 3);
	if (n->once[NETWORK_FAILBACK_STUCK] != c->opened)
		fail_msg("%s: %zu opened", c->id, n->once[NETWORK_FAILBACK_STUCK]);
	if (!c->opened) {
		/* it has followed: what leaves it later has another cause */
		scans(n, 60, ER1, VPN, SW_VERDICT_ASYMMETRIC, 3);
		assert_int_equal(n->once[NETWORK_FAILBACK_STUCK], 0);
		net_free(n);
		return;
	}
	if (inc->side != c->side || inc->cause != c->cause || inc->severity != SEVERITY_WARNING)
		fail_msg("%s: %s %s %s", c->id, side_name(inc->side), cause_name(inc->cause),
			 inc->message);
	assert_non_null(strstr(inc->message, "3 flows, of 10.10.30.0/24"));
	assert_true(inc->fix[0]);
	scans(n, 45, ER1, ER1, SW_VERDICT_OK, 3);
	assert_true(inc->open); /* for max(grace, 30 s) */
	scans(n, 30, ER1, ER1, SW_VERDICT_OK, 3);
	assert_false(inc->open);
	assert_int_equal(n->once[NETWORK_FAILBACK_STUCK], c->opened);
	net_free(n);
}

static void test_stuck(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(stuck_cases) / sizeof(stuck_cases[0]); i++)
		stuck_one(&stuck_cases[i]);
}

/* By the VPN on both sides, and yet nobody is stuck. */
static void test_stuck_not(void **state)
{
	(void)state;
	for (int why = 0; why < 3; why++) {
		struct net *n = returned();
		uint64_t back = n->w.e->ctx.now - 15 * S;

		for (int i = 0; i < 12; i++) {
			struct flow flow = flow_by(n, VPN, VPN, SW_VERDICT_POLICY_VIOLATION);

			if (why == 0) /* a rule wants it there (S9) */
				flow.state.answer = VPN;
			if (why == 1) /* no packet since the return */
				flow.state.flags = 0;
			net_wait(n, 5);
			if (why == 2) /* its last packet came before it was due */
				flow.seen_ns = back + 59 * S;
			net_scan(n, flow, 3);
		}
		net_tick(n);
		if (n->once[NETWORK_FAILBACK_STUCK])
			fail_msg("case %d: told", why);
		net_free(n);
	}
}

/* S14: nothing flows, and the kernel, by the routing daemon, would send by the VPN. */
static void test_stuck_kernel(void **state)
{
	struct net *n = returned();
	const struct incident *inc = &n->last[NETWORK_FAILBACK_STUCK];

	(void)state;
	n->w.e->cfg.mode = SW_MODE_MONITOR;
	snprintf(n->kernel.interface, sizeof(n->kernel.interface), "tun30");
	snprintf(n->kernel.protocol, sizeof(n->kernel.protocol), "bgp");
	n->kernel.learned = true;
	n->kernel.prefix = prefix_of("10.10.30.0/24");
	scans(n, 60, 0, 0, SW_VERDICT_OK, 0);
	assert_int_equal(n->once[NETWORK_FAILBACK_STUCK], 1);
	assert_int_equal(inc->side, SIDE_ONPREM);
	assert_int_equal(inc->cause, CAUSE_BGP_DAEMON);
	assert_non_null(strstr(inc->message, "the kernel's route for 10.1"));
	snprintf(n->kernel.interface, sizeof(n->kernel.interface), "er0");
	scans(n, 80, 0, 0, SW_VERDICT_OK, 0);
	assert_false(inc->open);
	net_free(n);
}

/* What a rule wants on the VPN is on it, no failback is awaited; unless it is of one protocol. */
static void test_stuck_kernel_rule(void **state)
{
	struct config_rule rule = {.name = "r",
				   .proto = -1,
				   .dscp = -1,
				   .action = RULE_PREFER,
				   .pick = {{.class = SW_CLASS_VPN}},
				   .n_picks = 1};

	(void)state;
	for (int some = 0; some < 2; some++) {
		struct net *n = returned();

		rule.proto = some ? 6 : -1;
		n->w.e->cfg.rules = &rule;
		n->w.e->cfg.n_rules = 1;
		n->w.e->cfg.mode = SW_MODE_MONITOR;
		snprintf(n->kernel.interface, sizeof(n->kernel.interface), "tun30");
		n->kernel.prefix = prefix_of("10.10.30.0/24");
		scans(n, 90, 0, 0, SW_VERDICT_OK, 0);
		assert_int_equal(n->once[NETWORK_FAILBACK_STUCK], some);
		net_free(n);
	}
}

/* Azure's own tables: it has not learned us by ExpressRoute again; or it has, and prefers. */
static void test_stuck_remote(void **state)
{
	(void)state;
	for (int er = 0; er < 2; er++) {
		struct net *n = returned();
		struct route r = {.view = VIEW_REMOTE, .has_class = true, .class = SW_CLASS_VPN};

		r.prefix = prefix_of("10.2.30.0/25");
		assert_int_equal(rib_announce(n->w.e->rib, 0, &r, n->w.e->ctx.now), RIB_OK);
		if (er) {
			r.class = SW_CLASS_EXPRESSROUTE;
			rib_announce(n->w.e->rib, 0, &r, n->w.e->ctx.now);
		}
		scans(n, 60, ER1, VPN, SW_VERDICT_ASYMMETRIC, 1);
		assert_int_equal(n->once[NETWORK_FAILBACK_STUCK], 1);
		assert_int_equal(n->last[NETWORK_FAILBACK_STUCK].cause,
				 er ? CAUSE_AZURE_PREFERENCE : CAUSE_NOT_ADVERTISED_ON_ER);
		net_free(n);
	}
}

/* A daemon dies, `away` seconds pass, and the next one has its state file. */
static void restart(struct net *n, unsigned int away)
{
	struct network_failed failed[SW_MAX_PATHS], again[SW_MAX_PATHS] = {0};
	struct state_context ctx = {.cfg = &n->w.e->cfg,
				    .path_ids = n->w.e->ids,
				    .now = n->w.e->ctx.now,
				    .wall = n->w.e->ctx.wall,
				    .failed = failed};
	struct incidents *none = incidents_new(NULL, NULL);
	char *text;

	network_failed(n->watch, failed);
	text = state_print(&ctx, none, n->w.e->fib);
	assert_non_null(text);
	edge_wait(n->w.e, away * S);
	ctx.now = n->w.e->ctx.now;
	ctx.wall = n->w.e->ctx.wall;
	ctx.failed = again;
	assert_int_equal(state_parse(&ctx, text, strlen(text), none, n->w.e->fib), 0);
	free(text);
	incidents_free(none);
	network_watch_free(n->watch);
	n->watch = network_watch_new();
	network_failed_restore(n->watch, again);
}

static void assert_back(const struct net *n, const char *after)
{
	const struct incident *inc = &n->last[NETWORK_FAILBACK];

	assert_int_equal(n->once[NETWORK_FAILBACK], 1);
	assert_int_equal(inc->cause, CAUSE_LINK_DOWN);
	assert_int_equal(inc->prefixes_moved, 2);
	if (!strstr(inc->message, after))
		fail_msg("%s", inc->message);
}

/* It failed under an earlier daemon: down still at the start; held; back before the start. */
static void test_failback_restart(void **state)
{
	struct net *n = net_new();

	(void)state;
	er_down(n);
	net_wait(n, 20);
	restart(n, 5);
	net_wait(n, 5);
	assert_int_equal(n->once[NETWORK_FAILBACK], 0);
	er_up(n);
	net_wait(n, 15);
	assert_back(n, "is back after 30 s: 2 prefixes moved back");
	restart(n, 5);
	net_wait(n, 60);
	assert_back(n, "is back after 30 s"); /* told once */
	net_free(n);

	n = net_new();
	er_down(n);
	net_wait(n, 20);
	edge_object(n->w.e, ER1, WORD_LINK, false);
	n->facts.objected = 0; /* only failback-delay keeps it */
	net_wait(n, 2);
	restart(n, 1);
	net_wait(n, 1);
	n->facts.usable = net_all();
	net_wait(n, 15);
	assert_back(n, "is back after 25 s");
	net_free(n);

	n = net_new();
	er_down(n);
	net_wait(n, 20);
	restart(n, 5);
	edge_object(n->w.e, ER1, WORD_LINK, false);
	n->facts.objected = 0;
	n->facts.usable = net_all();
	net_wait(n, 15);
	assert_back(n, "is back after 26 s");
	restart(n, 5);
	net_wait(n, 60);
	assert_int_equal(n->once[NETWORK_FAILBACK], 1);
	net_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_flapping_words),
		cmocka_unit_test(test_failback),
		cmocka_unit_test(test_failback_restart),
		cmocka_unit_test(test_failback_bgp),
		cmocka_unit_test(test_stuck),
		cmocka_unit_test(test_stuck_not),
		cmocka_unit_test(test_stuck_kernel_rule),
		cmocka_unit_test(test_stuck_kernel),
		cmocka_unit_test(test_stuck_remote),
		cmocka_unit_test(test_cause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
