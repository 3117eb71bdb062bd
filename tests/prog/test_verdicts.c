/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Verdicts, row by row of the reading key (scenarios.md): a story is a few packets of one flow and
 * changes of the edge between them, with the verdict expected after each. F is the path outward,
 * R inward, W what select gives. Grace is a minute; nobody waits: changes are dated back, and
 * grace is made nothing where it is to be over.
 */
#include "flows.h"

enum kind { END, SEND_OUT, SEND_IN, CHANGE };

struct step {
	enum kind kind;
	enum device by;
	uint8_t verdict;
	void (*change)(void);
};

struct story {
	const char *what;
	const char *dst;
	struct step step[12];
};

static void grace_over(void)
{
	edge.ctl->grace_ns = 0;
}
static void scope_circuit(void)
{
	edge.ctl->scope = SW_SCOPE_CIRCUIT;
}
static void scope_path(void)
{
	edge.ctl->scope = SW_SCOPE_PATH;
}
static void er0_changed(void)
{
	path_change(ER0, true, SECOND_NS);
}
static void er0_changed_long_ago(void)
{
	path_change(ER0, true, LONG_AGO_NS);
}
static void er0_failed_long_ago(void)
{
	path_change(ER0, false, LONG_AGO_NS);
}
static void er_fails(void)
{
	path_change(ER0, false, 0);
	path_change(ER1, false, 0);
}
static void er_back(void)
{
	path_change(ER0, true, 0);
	path_change(ER1, true, 0);
}
static void er_failed_long_ago(void)
{
	path_change(ER0, false, LONG_AGO_NS);
	path_change(ER1, false, LONG_AGO_NS);
}
static void backup_flaps(void)
{
	path_change(TUN, false, 0);
	path_change(TUN, true, 0);
}
static void backup_fails(void)
{
	path_change(TUN, false, 0);
}
static void other_path_flaps(void)
{
	path_change(ER2, false, 0);
	path_change(ER2, true, 0);
}
static void all_fail(void)
{
	er_fails();
	path_change(TUN, false, 0);
}
static void feed_changes(void)
{
	hub_change(BIT(ER0) | BIT(ER1), BIT(TUN), SW_NO_RANK, SECOND_NS);
}
static void feed_changed_long_ago(void)
{
	hub_change(BIT(ER0) | BIT(ER1), BIT(TUN), SW_NO_RANK, LONG_AGO_NS);
}
static void feed_changes_by_the_way(void)
{
	edge.ctl->generation++;
}
static void withdrawn(void)
{
	hub_change(BIT(TUN), 0, 0, 0);
}
static void vpn_only(void)
{
	hub_change(BIT(TUN), 0, SW_NO_RANK, 0);
}
static void announced(void)
{
	hub_change(BIT(ER0) | BIT(ER1), BIT(TUN), SW_NO_RANK, 0);
}
static void vpn_first(void)
{
	for (int i = 0; i < 5; i++)
		edge.paths[i].rank = i < TUN;
	hub_change(BIT(TUN), BIT(ER0) | BIT(ER1), SW_NO_RANK, NEVER);
}
static void er2_is_observed_only(void)
{
	edge.paths[ER2].class = SW_CLASS_OTHER;
	edge.paths[ER2].rank = SW_NO_RANK;
	hub_change(BIT(ER0) | BIT(ER1), BIT(TUN), SW_NO_RANK, NEVER);
	edge.groups[G_NEW].members |= BIT(ER2);
	edge.groups[G_NEW + 1].members |= BIT(ER2);
}

#define OUT(by, verdict)                                                                           \
	{                                                                                          \
		SEND_OUT, by, SW_VERDICT_##verdict, NULL                                           \
	}
#define IN(by, verdict)                                                                            \
	{                                                                                          \
		SEND_IN, by, SW_VERDICT_##verdict, NULL                                            \
	}
#define DO(change)                                                                                 \
	{                                                                                          \
		CHANGE, NO_DEVICE, 0, change                                                       \
	}

/* clang-format off */
static const struct story stories[] = {
	{"5: outward only", HUB, {OUT(ER0, PENDING), OUT(ER0, PENDING)}},
	{"5: inward only", HUB, {IN(ER0, PENDING), IN(ER0, PENDING)}},
	{"7: the same path", HUB, {OUT(ER0, PENDING), IN(ER0, OK), OUT(ER0, OK)}},
	{"7: inward first", HUB, {IN(ER1, PENDING), OUT(ER1, OK)}},
	{"7: within a circuit", HUB, {OUT(ER0, PENDING), IN(ER1, BENIGN_ECMP), OUT(ER0, BENIGN_ECMP)}},
	{"7: within a circuit, the other way", HUB, {OUT(ER1, PENDING), IN(ER0, BENIGN_ECMP)}},
	{"7: to another circuit", TWO, {OUT(ER0, PENDING), IN(ER2, INTER_CIRCUIT)}},
	{"7: scope circuit judges the other circuit", TWO,
	 {DO(scope_circuit), OUT(ER0, PENDING), IN(ER2, ASYMMETRIC)}},
	{"7: and not within one", HUB, {DO(scope_circuit), OUT(ER0, PENDING), IN(ER1, BENIGN_ECMP)}},
	{"7: scope path judges that too", HUB, {DO(scope_path), OUT(ER0, PENDING), IN(ER1, ASYMMETRIC)}},
	{"7: scope path, one path", HUB, {DO(scope_path), OUT(ER0, PENDING), IN(ER0, OK)}},
	{"7: scope path settles", HUB,
	 {DO(scope_path), DO(er0_changed), OUT(ER0, PENDING), IN(ER1, TRANSITION),
	  DO(grace_over), OUT(ER0, ASYMMETRIC)}},
	{"7: none of these waits for grace", HUB,
	 {DO(er0_changed), OUT(ER0, PENDING), IN(ER1, BENIGN_ECMP), IN(ER0, OK)}},
	{"7: VPN only, no failover", BRANCH, {OUT(TUN, PENDING), IN(TUN, OK)}},
	{"7: VPN first by policy", HUB, {DO(vpn_first), OUT(TUN, PENDING), IN(TUN, OK)}},
	{"7: still on the old path, both ways", HUB,
	 {DO(er_failed_long_ago), OUT(ER0, PENDING), IN(ER0, OK)}},

	{"9: a new flow, nothing near: at once", HUB,
	 {OUT(ER0, PENDING), IN(TUN, ASYMMETRIC), OUT(ER0, ASYMMETRIC), IN(TUN, ASYMMETRIC)}},
	{"9: our side is wrong", HUB, {OUT(TUN, PENDING), IN(ER0, ASYMMETRIC)}},
	{"9: inward first", HUB, {IN(TUN, PENDING), OUT(ER0, ASYMMETRIC)}},
	{"9: they mend it, a change of class settles", HUB,
	 {OUT(ER0, PENDING), IN(TUN, ASYMMETRIC), IN(ER0, TRANSITION), OUT(ER0, OK)}},
	{"9: a path of its answer changed lately", HUB,
	 {DO(er0_changed), OUT(ER0, PENDING), IN(TUN, TRANSITION), OUT(ER0, TRANSITION),
	  DO(grace_over), OUT(ER0, ASYMMETRIC)}},
	{"9: when grace is over the other direction's packet judges too", HUB,
	 {DO(er0_changed), OUT(ER0, PENDING), IN(TUN, TRANSITION),
	  DO(grace_over), IN(TUN, ASYMMETRIC)}},
	{"9: that was long ago", HUB, {DO(er0_changed_long_ago), OUT(ER0, PENDING), IN(TUN, ASYMMETRIC)}},
	{"9: a feed changed its answer lately", HUB,
	 {DO(feed_changes), OUT(ER0, PENDING), IN(TUN, TRANSITION),
	  DO(grace_over), OUT(ER0, ASYMMETRIC)}},
	{"9: that was long ago too", HUB,
	 {DO(feed_changed_long_ago), OUT(ER0, PENDING), IN(TUN, ASYMMETRIC)}},
	{"9: a backup's flapping explains nothing", HUB,
	 {DO(backup_flaps), OUT(ER0, PENDING), IN(TUN, ASYMMETRIC)}},
	{"9: nor does it to a flow that is there", HUB,
	 {OUT(ER0, PENDING), IN(TUN, ASYMMETRIC), DO(backup_fails), OUT(ER0, ASYMMETRIC),
	  IN(TUN, ASYMMETRIC)}},
	{"9: another group's path explains nothing", HUB,
	 {DO(other_path_flaps), OUT(ER0, PENDING), IN(TUN, ASYMMETRIC)}},
	{"9: a change that is not its own leaves its verdict", HUB,
	 {OUT(ER1, PENDING), IN(TUN, ASYMMETRIC), DO(feed_changes_by_the_way),
	  OUT(ER1, ASYMMETRIC), IN(TUN, ASYMMETRIC)}},
	{"9: the same on the circuit's other path", HUB,
	 {OUT(ER0, PENDING), IN(TUN, ASYMMETRIC), DO(feed_changes_by_the_way),
	  OUT(ER0, ASYMMETRIC), IN(TUN, ASYMMETRIC)}},
	{"9: the far side moves a flow: settling, then said", HUB,
	 {OUT(ER0, PENDING), IN(ER0, OK), IN(TUN, TRANSITION), OUT(ER0, TRANSITION),
	  DO(grace_over), OUT(ER0, ASYMMETRIC)}},
	{"9: we move it, against select", HUB,
	 {OUT(ER0, PENDING), IN(ER0, OK), OUT(TUN, TRANSITION), IN(ER0, TRANSITION),
	  DO(grace_over), IN(ER0, ASYMMETRIC)}},

	{"8: both on VPN, ExpressRoute is there", HUB, {OUT(TUN, PENDING), IN(TUN, POLICY_VIOLATION)}},
	{"8: settles first", HUB,
	 {DO(er0_changed), OUT(TUN, PENDING), IN(TUN, TRANSITION),
	  DO(grace_over), OUT(TUN, POLICY_VIOLATION)}},
	{"8: on a class that is only observed", HUB,
	 {DO(er2_is_observed_only), OUT(ER2, PENDING), IN(ER2, POLICY_VIOLATION)}},
	{"8: on plain ExpressRoute where VPN comes first", HUB,
	 {DO(vpn_first), OUT(ER0, PENDING), IN(ER0, POLICY_VIOLATION)}},

	{"6: the better tier is unusable", HUB,
	 {DO(er_failed_long_ago), OUT(TUN, PENDING), IN(TUN, FAILOVER)}},
	{"6: it does not wait for grace", HUB, {DO(er_fails), OUT(TUN, PENDING), IN(TUN, FAILOVER)}},
	{"6: the better class was withdrawn, and is remembered", HUB,
	 {DO(withdrawn), OUT(TUN, PENDING), IN(TUN, FAILOVER)}},
	{"6: there never was a better class", HUB, {DO(vpn_only), OUT(TUN, PENDING), IN(TUN, OK)}},
	{"6: half a circuit is none", HUB, {DO(er0_failed_long_ago), OUT(ER1, PENDING), IN(ER1, OK)}},
	{"6: to the other circuit is none: the class is the same", TWO,
	 {DO(er0_failed_long_ago), OUT(ER2, PENDING), IN(ER2, OK)}},
	{"6: a failover as it happens", HUB,
	 {OUT(ER0, PENDING), IN(ER0, OK), DO(er_fails), OUT(TUN, TRANSITION),
	  IN(ER0, TRANSITION), IN(TUN, TRANSITION), OUT(TUN, FAILOVER), IN(TUN, FAILOVER)}},
	{"6: and back", HUB,
	 {DO(er_failed_long_ago), OUT(TUN, PENDING), IN(TUN, FAILOVER), DO(er_back),
	  OUT(ER0, TRANSITION), IN(TUN, TRANSITION), IN(ER0, TRANSITION), OUT(ER0, OK)}},
	{"9: and back, they do not follow", HUB,
	 {DO(er_failed_long_ago), OUT(TUN, PENDING), IN(TUN, FAILOVER), DO(er_back),
	  OUT(ER0, TRANSITION), IN(TUN, TRANSITION), DO(grace_over), IN(TUN, ASYMMETRIC)}},
	{"6: withdrawn as it happens, announced again", HUB,
	 {OUT(ER0, PENDING), IN(ER0, OK), DO(withdrawn), OUT(TUN, TRANSITION),
	  IN(TUN, TRANSITION), OUT(TUN, FAILOVER), DO(announced), OUT(ER0, TRANSITION),
	  IN(ER0, TRANSITION), OUT(ER0, OK)}},
	{"a member lost: the flow is learned anew", HUB,
	 {OUT(ER0, PENDING), IN(ER0, OK), DO(er0_failed_long_ago),
	  OUT(ER1, PENDING), OUT(ER1, PENDING), IN(ER1, OK)}},
	{"everything fails: what was seen is what was seen", HUB,
	 {OUT(ER0, PENDING), IN(ER0, OK), DO(all_fail), OUT(ER0, TRANSITION),
	  IN(ER0, OK)}},
};
/* clang-format on */

static void run_story(const struct story *s)
{
	struct packet p = flow_to(s->dst, 4000);
	const struct step *step = s->step;

	edge.what = s->what;
	for (int i = 0; i < 12 && step[i].kind != END; i++) {
		uint8_t got;

		if (step[i].kind == CHANGE) {
			step[i].change();
			continue;
		}
		got = step[i].kind == SEND_OUT ? send_out(&p, step[i].by) : send_in(&p, step[i].by);
		CHECK(got == step[i].verdict, "step %d (%s by %s): %s, not %s", i,
		      step[i].kind == SEND_OUT ? "out" : "in", device_name[step[i].by],
		      verdict_text(got), verdict_text(step[i].verdict));
	}
}

static void test_stories(void **state)
{
	unsigned int failures = 0;

	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		flows_start(state);
		run_story(&stories[i]);
		failures += edge.failures;
	}
	assert_int_equal(failures, 0);
}

/*
 * Change upon change, each within the grace of the one before: settling ends three graces after
 * the first, or up to a sixteenth of grace earlier for each that follows.
 */
static void test_three_graces(void **state)
{
	struct packet p = flow_to(SPOKE, 4000);
	uint64_t from = now_ns();
	(void)state;

	for (int i = 0; i < 4; i++) { /* at 0, 50, 100 and 150 s */
		edge.clock_at = from + (uint64_t)i * 50 * SECOND_NS;
		path_change(ER0, i % 2 == 0, 0);
		edge.paths[ER0].changed_ns = edge.clock_at;
		assert_int_equal(send_out(&p, i % 2 ? VPN1 : ER0),
				 i ? SW_VERDICT_TRANSITION : SW_VERDICT_PENDING);
		assert_int_equal(send_in(&p, i % 2 ? ER0 : VPN1), SW_VERDICT_TRANSITION);
	}
	edge.clock_at = from + 165 * SECOND_NS;
	assert_int_equal(send_out(&p, VPN1), SW_VERDICT_TRANSITION);
	edge.clock_at = from + 181 * SECOND_NS; /* 31 s after the last */
	assert_int_equal(send_out(&p, VPN1), SW_VERDICT_ASYMMETRIC);
}

/* The daemon's clock is exact, the programs' a little behind: a change is not yet in their time. */
static void test_change_ahead_of_the_clock(void **state)
{
	struct packet p = flow_to(SPOKE, 4100);
	uint64_t from = now_ns();
	(void)state;

	edge.clock_at = from;
	send_out(&p, ER0);
	assert_int_equal(send_in(&p, ER0), SW_VERDICT_OK);
	path_change(ER0, false, 0);
	edge.paths[ER0].changed_ns = from + 5000000;
	assert_int_equal(send_out(&p, VPN1), SW_VERDICT_TRANSITION);
	assert_int_equal(send_in(&p, ER0), SW_VERDICT_TRANSITION);
	edge.clock_at = from + GRACE_NS + SECOND_NS;
	assert_int_equal(send_out(&p, VPN1), SW_VERDICT_ASYMMETRIC);
}

/* Through the whole pipeline, enforcing: what is sent, and the verdict, at both hooks. */
static void expect_pair(enum hook hook, const struct packet *p, enum device by, uint8_t verdict)
{
	struct packet back = packet_back(p);
	struct frame f = frame_at(LAN0, p);
	int moved = hook == XDP ? (int)XDP_REDIRECT : TC_REDIRECT;

	CHECK(edge_run(hook, LAN0, &f) == moved, "%s does not send it", hook_text[hook]);
	CHECK(!memcmp(f.data, device_next_mac(by), 6), "%s: not by %s", hook_text[hook],
	      device_name[by]);
	if (hook == TC_IN)
		edge_run(TC_OUT, by, &f);
	CHECK(packet_run(hook, by, &back) == moved, "%s does not deliver it", hook_text[hook]);
	CHECK(flow_state(p).verdict == verdict, "%s, not %s", verdict_text(flow_state(p).verdict),
	      verdict_text(verdict));
}

static void test_enforcing(void **state)
{
	for (enum hook hook = XDP; hook <= TC_IN; hook++) {
		struct packet p = flow_to(SPOKE, 4000);
		struct flow flow;

		edge_start(state);
		edge.what = hook_text[hook];
		expect_pair(hook, &p, ER0, SW_VERDICT_OK);
		path_change(ER0, false, 0);
		expect_pair(hook, &p, VPN1, SW_VERDICT_TRANSITION);
		expect_pair(hook, &p, VPN1, SW_VERDICT_FAILOVER);
		path_change(ER0, true, 0);
		expect_pair(hook, &p, ER0, SW_VERDICT_TRANSITION);
		expect_pair(hook, &p, ER0, SW_VERDICT_OK);
		assert_int_equal(flow_count(), 1);
		assert_true(flow_get(&p, &flow));
		assert_int_equal(flow.out_packets, 5);
		assert_int_equal(flow.in_packets, 5);
		assert_int_equal(path_stats(ER0).tx_packets, 3);
		assert_int_equal(path_stats(VPN1).rx_packets, 2);
		assert_int_equal(edge.failures, 0);
	}
}

/* A change that comes after the verdict: a flow that is re-judged on it settles. */
static void test_explained_later(void **state)
{
	struct packet p = flow_to(HUB, 4000);
	(void)state;

	assert_int_equal(send_out(&p, ER0), SW_VERDICT_PENDING);
	assert_int_equal(send_in(&p, TUN), SW_VERDICT_ASYMMETRIC);
	er_fails(); /* they saw it before we did */
	assert_int_equal(send_out(&p, TUN), SW_VERDICT_TRANSITION);
	assert_int_equal(send_in(&p, TUN), SW_VERDICT_FAILOVER);
}

/* Each verdict is counted when it is given, and once. */
static void test_given(void **state)
{
	struct packet p = flow_to(HUB, 4000), lost = flow_to("10.1.31.10", 1);
	(void)state;

	send_out(&p, ER0);
	for (int i = 0; i < 5; i++)
		send_in(&p, ER0);
	assert_int_equal(edge.verdicts[SW_VERDICT_OK].given, 1);
	send_in(&p, ER1);
	send_out(&p, ER0);
	assert_int_equal(edge.verdicts[SW_VERDICT_BENIGN_ECMP].given, 1);
	packet_run(TC_IN, LAN0, &lost);
	packet_run(TC_IN, LAN0, &lost);
	assert_int_equal(edge.verdicts[SW_VERDICT_NO_ROUTE].given, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_stories, flows_start),
		cmocka_unit_test_setup(test_three_graces, flows_start),
		cmocka_unit_test_setup(test_change_ahead_of_the_clock, flows_start),
		cmocka_unit_test_setup(test_enforcing, flows_start),
		cmocka_unit_test_setup(test_explained_later, flows_start),
		cmocka_unit_test_setup(test_given, flows_start),
	};

	return cmocka_run_group_tests(tests, edge_setup, edge_teardown);
}
