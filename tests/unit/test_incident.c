/* SPDX-License-Identifier: GPL-2.0-only */
/* Incidents as a person sees them: what opens, is confirmed, updated, closed, and when. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fixture_incident.h"

static void test_healthy_is_silent(void **state)
{
	struct world *w = *state;

	event(w, SW_VERDICT_OK, 1, ER1, ER1);
	event(w, SW_VERDICT_TRANSITION, 2, ER1, VPN);
	event(w, SW_VERDICT_BENIGN_ECMP, 3, ER1, ER1);
	event(w, SW_VERDICT_PENDING, 4, ER1, SW_NO_PATH);
	scan(w, 4, SW_VERDICT_OK, ER1, ER1);
	assert_heard(w, 0, 0, 0);
	assert_null(incidents_get(w->set, 0));
}

/* Asymmetric: a notice at once, one incident for all flows of the pair, a warning in 15 s. */
static void test_asymmetric_opens_and_is_confirmed(void **state)
{
	struct world *w = *state;

	event(w, SW_VERDICT_ASYMMETRIC, 1, ER1, VPN);
	assert_heard(w, 1, 0, 0);
	assert_int_equal(w->heard.last.id, 1);
	assert_int_equal(w->heard.last.severity, SEVERITY_NOTICE);
	assert_false(w->heard.last.confirmed);
	assert_int_equal(w->heard.last.flows, 1);
	assert_int_equal(w->heard.last.cause, CAUSE_AZURE_PREFERENCE);
	assert_int_equal(w->heard.last.side, SIDE_AZURE);
	assert_int_equal(w->heard.last.forward_path, ER1);
	assert_int_equal(w->heard.last.reverse_path, VPN);
	assert_int_equal(w->heard.last.duration_ms, -1);
	assert_true(w->heard.last.first_wall == WALL_BASE);
	event(w, SW_VERDICT_ASYMMETRIC, 2, ER1, VPN);
	event(w, SW_VERDICT_ASYMMETRIC, 2, ER1, VPN); /* sent again */
	assert_heard(w, 1, 0, 0);
	assert_int_equal(incidents_get(w->set, 0)->flows, 2);

	edge_wait(w->e, 14 * S);
	scan(w, 2, SW_VERDICT_ASYMMETRIC, ER1, VPN);
	assert_int_equal(w->heard.last.severity, SEVERITY_NOTICE);
	edge_wait(w->e, 1 * S);
	scan(w, 2, SW_VERDICT_ASYMMETRIC, ER1, VPN);
	assert_int_equal(w->heard.last.severity, SEVERITY_WARNING);
	assert_true(w->heard.last.confirmed);
	assert_true(w->heard.last.first_wall == WALL_BASE);
	assert_true(w->heard.last.last_wall == WALL_BASE + 15 * S);
}

static void test_stateful_is_critical(void **state)
{
	struct world *w = *state;

	w->e->inside.stateful = true;
	event(w, SW_VERDICT_ASYMMETRIC, 1, ER1, VPN);
	assert_int_equal(w->heard.last.severity, SEVERITY_NOTICE);
	edge_wait(w->e, 15 * S);
	scan(w, 1, SW_VERDICT_ASYMMETRIC, ER1, VPN);
	assert_heard(w, 1, 1, 0);
	assert_int_equal(w->heard.last.severity, SEVERITY_CRITICAL);
}

/* A change that explains it arrives before the confirmation: gone at once, with its last flow. */
static void test_explained_closes_at_once(void **state)
{
	struct world *w = *state;

	event(w, SW_VERDICT_ASYMMETRIC, 1, ER1, VPN);
	event(w, SW_VERDICT_ASYMMETRIC, 2, ER1, VPN);
	edge_wait(w->e, 5 * S);
	event(w, SW_VERDICT_TRANSITION, 1, ER1, VPN);
	assert_heard(w, 1, 0, 0);
	event(w, SW_VERDICT_TRANSITION, 2, ER1, VPN);
	assert_heard(w, 1, 0, 1);
	assert_int_equal(incidents_open(w->set), 0);
	assert_int_equal(incidents_get(w->set, 0)->flows, 0);
	/* It is asymmetric after all: a new incident, with a new id. */
	event(w, SW_VERDICT_ASYMMETRIC, 1, ER1, VPN);
	assert_int_equal(w->heard.last.id, 2);
	assert_int_equal(incidents_open(w->set), 1);
}

/* Once confirmed, or when the flow simply got well, it takes the wait. */
static void test_close_waits(void **state)
{
	struct world *w = *state;

	event(w, SW_VERDICT_ASYMMETRIC, 1, ER1, VPN);
	event(w, SW_VERDICT_OK, 1, ER1, ER1);
	edge_wait(w->e, 59 * S);
	scan(w, 1, SW_VERDICT_OK, ER1, ER1);
	assert_heard(w, 1, 1, 0); /* told that no flow is left */
	assert_int_equal(w->heard.last.flows, 0);
	assert_int_equal(w->heard.last.severity, SEVERITY_NOTICE);
	edge_wait(w->e, 1 * S);
	scan(w, 1, SW_VERDICT_OK, ER1, ER1);
	assert_heard(w, 1, 1, 1);
	assert_true(w->heard.last.last_wall == WALL_BASE);
}

static void test_confirmed_survives_transition(void **state)
{
	struct world *w = *state;

	event(w, SW_VERDICT_ASYMMETRIC, 1, ER1, VPN);
	edge_wait(w->e, 16 * S);
	scan(w, 1, SW_VERDICT_ASYMMETRIC, ER1, VPN);
	event(w, SW_VERDICT_TRANSITION, 1, ER1, VPN);
	assert_int_equal(incidents_open(w->set), 1);
	edge_wait(w->e, 10 * S);
	event(w, SW_VERDICT_ASYMMETRIC, 1, ER1, VPN); /* the same incident goes on */
	assert_int_equal(incidents_open(w->set), 1);
	assert_int_equal(w->heard.n[INCIDENT_OPEN], 1);
}

/* A grace of 2 s still waits 30 s; flows whose records are gone count as healed. */
static void test_gone_flows_close(void **state)
{
	struct world *w = *state;

	w->e->cfg.grace_ns = 2 * S;
	event(w, SW_VERDICT_ASYMMETRIC, 1, ER1, VPN);
	scan(w, 1, SW_VERDICT_ASYMMETRIC, ER1, VPN);
	edge_wait(w->e, 29 * S);
	scan(w, 0, SW_VERDICT_OK, ER1, ER1);
	assert_int_equal(incidents_open(w->set), 1);
	assert_int_equal(incidents_get(w->set, 0)->flows, 0);
	edge_wait(w->e, 1 * S);
	scan(w, 0, SW_VERDICT_OK, ER1, ER1);
	assert_int_equal(incidents_open(w->set), 0);
}

/* An event lost on the way: the scan finds the flow and opens what it should have. */
/* The wait counts from its flows' last packet, not from when their records were removed. */
static void test_idle_flows_close_when_gone(void **state)
{
	struct world *w = *state;

	w->e->cfg.grace_ns = 2 * S;
	event(w, SW_VERDICT_ASYMMETRIC, 1, ER1, VPN);
	edge_wait(w->e, 31 * S);
	scan(w, 1, SW_VERDICT_ASYMMETRIC, ER1, VPN); /* there, but no packet since */
	assert_int_equal(incidents_open(w->set), 1);
	edge_wait(w->e, 1 * S);
	scan(w, 0, SW_VERDICT_OK, ER1, ER1);
	assert_int_equal(incidents_open(w->set), 0);
}

static void test_scan_opens_what_events_lost(void **state)
{
	struct world *w = *state;

	scan(w, 3, SW_VERDICT_ASYMMETRIC, ER1, VPN);
	assert_heard(w, 1, 0, 0);
	assert_int_equal(incidents_get(w->set, 0)->flows, 3);
	/* A flow that came in while a scan runs is not taken for gone by it. */
	incidents_scan_begin(w->set);
	event(w, SW_VERDICT_ASYMMETRIC, 9, ER1, VPN);
	incidents_scan_end(w->set, &w->e->ctx);
	assert_int_equal(incidents_get(w->set, 0)->flows, 1);
}

/* Many flows: one update each 10 s, not one a flow. */
static void test_updates_are_calm(void **state)
{
	struct world *w = *state;

	for (uint16_t i = 0; i < 3000; i++) {
		event(w, SW_VERDICT_INTER_CIRCUIT, i, ER1, ER2);
		edge_wait(w->e, 10 * MS);
	}
	assert_int_equal(w->heard.n[INCIDENT_OPEN], 1);
	assert_in_range(w->heard.n[INCIDENT_UPDATE], 2, 3);
	assert_int_equal(incidents_get(w->set, 0)->severity, SEVERITY_WARNING);
	/* Nothing changes, nothing is said. */
	edge_wait(w->e, 11 * S);
	event(w, SW_VERDICT_INTER_CIRCUIT, 0, ER1, ER2);
	w->heard.n[INCIDENT_UPDATE] = 0;
	edge_wait(w->e, 11 * S);
	event(w, SW_VERDICT_INTER_CIRCUIT, 0, ER1, ER2);
	assert_int_equal(w->heard.n[INCIDENT_UPDATE], 0);
	/* Its flow takes other paths: said at once, in the words too. */
	event(w, SW_VERDICT_INTER_CIRCUIT, 0, ER2, ER1);
	assert_int_equal(w->heard.n[INCIDENT_UPDATE], 1);
	assert_int_equal(w->heard.last.forward_path, ER2);
	assert_non_null(strstr(w->heard.last.message, "leaves by er2-primary"));
}

/* Two flows on two pairs of paths don't make the incident swing between them. */
static void test_another_flows_paths_are_no_news(void **state)
{
	struct world *w = *state;

	event(w, SW_VERDICT_INTER_CIRCUIT, 1, ER1, ER2);
	event(w, SW_VERDICT_INTER_CIRCUIT, 2, ER2, ER1);
	assert_heard(w, 1, 0, 0);
	assert_int_equal(incidents_get(w->set, 0)->forward_path, ER1);
	assert_int_equal(incidents_get(w->set, 0)->flows, 2);
}

/* Failover: what moved, what was lost, how long the first flow took; others don't change it. */
static void test_failover(void **state)
{
	struct world *w = *state;
	struct sw_event ev;

	w->e->ctx.prefixes_moved = 5;
	w->e->ctx.prefixes_lost = 2;
	edge_object(w->e, ER1, WORD_LINK, true);
	edge_wait(w->e, 9 * MS);
	event(w, SW_VERDICT_FAILOVER, 1, VPN, VPN);
	assert_heard(w, 1, 0, 0);
	assert_int_equal(w->heard.last.cause, CAUSE_LINK_DOWN);
	assert_int_equal(w->heard.last.severity, SEVERITY_CRITICAL);
	assert_true(w->heard.last.has_moved);
	assert_int_equal(w->heard.last.prefixes_moved, 5);
	assert_int_equal(w->heard.last.prefixes_lost, 2);
	assert_int_equal(w->heard.last.duration_ms, 9);
	assert_true(w->heard.last.confirmed);

	ev = edge_hub_event(w->e, SW_VERDICT_FAILOVER, 2, VPN, VPN);
	ev.created_ns = ev.ts_ns - 1 * S;
	ev.ts_ns += 400 * MS; /* it was idle till then */
	incidents_event(w->set, &w->e->ctx, &ev);
	assert_heard(w, 1, 0, 0);
	ev.key.lo_port++;
	ev.ts_ns -= 403 * MS; /* its event comes late, its packet was the first */
	incidents_event(w->set, &w->e->ctx, &ev);
	assert_heard(w, 1, 1, 0);
	assert_int_equal(w->heard.last.duration_ms, 6);
}

static void failover_to(struct world *w, const char *dst)
{
	struct sw_event ev = edge_event(w->e, SW_VERDICT_FAILOVER, "10.2.30.10", dst, 1, VPN, VPN);

	incidents_event(w->set, &w->e->ctx, &ev);
}

static void assert_loss(const struct world *w, size_t i, enum severity severity, size_t moved,
			size_t lost)
{
	const struct incident *inc = incidents_get(w->set, i);

	assert_non_null(inc);
	assert_int_equal(inc->severity, severity);
	assert_int_equal(inc->prefixes_moved, moved);
	assert_int_equal(inc->prefixes_lost, lost);
	assert_int_equal(strstr(inc->message, "no backup exists") != NULL, lost > 0);
	assert_int_equal(strstr(inc->message, "; incident 1 tells of all") != NULL, i > 0);
}

/* One cable, many prefixes: the first incident tells what was lost, the others what is theirs. */
static void test_failover_is_told_once(void **state)
{
	struct world *w = *state;

	edge_route(w->e, "10.11.30.0/26", "vpn30", 65515, 100);
	edge_route(w->e, "10.12.30.0/26", "vpn30", 65515, 100);
	w->e->ctx.prefixes_moved = 3;
	w->e->ctx.prefixes_lost = 1;
	edge_object(w->e, ER1, WORD_LINK, true);
	failover_to(w, "10.10.30.4");
	failover_to(w, "10.11.30.4");
	assert_heard(w, 2, 0, 0);
	assert_loss(w, 0, SEVERITY_CRITICAL, 3, 1);
	assert_loss(w, 1, SEVERITY_NOTICE, 1, 0);

	w->e->ctx.prefixes_lost = 2; /* BGP's withdrawals come behind */
	edge_wait(w->e, 10 * S);
	failover_to(w, "10.12.30.4");
	assert_heard(w, 3, 1, 0);
	assert_loss(w, 0, SEVERITY_CRITICAL, 3, 2);
	assert_loss(w, 1, SEVERITY_NOTICE, 1, 0);
	assert_loss(w, 2, SEVERITY_NOTICE, 1, 0);
}

/* After a reload or restart, which takes no note of it, whoever is seen first. */
static void test_failover_is_told_once_by_two(void **state)
{
	struct world *w = *state, again = *w;
	const struct incident *inc;

	edge_route(w->e, "10.11.30.0/26", "vpn30", 65515, 100);
	w->e->ctx.prefixes_moved = 2;
	w->e->ctx.prefixes_lost = 1;
	edge_object(w->e, ER1, WORD_LINK, true);
	failover_to(w, "10.10.30.4");
	failover_to(w, "10.11.30.4");
	again.set = incidents_new(NULL, NULL);
	assert_non_null(again.set);
	for (size_t i = 0; (inc = incidents_get(w->set, i)); i++)
		assert_int_equal(incidents_restore(again.set, inc), 0);
	failover_to(&again, "10.11.30.4");
	failover_to(&again, "10.10.30.4");
	assert_loss(&again, 0, SEVERITY_CRITICAL, 2, 1);
	assert_loss(&again, 1, SEVERITY_NOTICE, 1, 0);
	incidents_free(again.set);
}

/* Who has told it may be closed by then; another fall of the path is told anew. */
static void test_failover_is_told_anew(void **state)
{
	struct world *w = *state;

	edge_route(w->e, "10.11.30.0/26", "vpn30", 65515, 100);
	w->e->ctx.prefixes_moved = 2;
	w->e->ctx.prefixes_lost = 1;
	edge_object(w->e, ER1, WORD_LINK, true);
	event(w, SW_VERDICT_FAILOVER, 1, VPN, VPN);
	edge_wait(w->e, 100 * S);
	scan(w, 0, SW_VERDICT_OK, VPN, VPN);
	assert_int_equal(incidents_open(w->set), 0);
	failover_to(w, "10.11.30.4");
	assert_loss(w, 1, SEVERITY_NOTICE, 1, 0);
	edge_wait(w->e, 100 * S);
	scan(w, 0, SW_VERDICT_OK, VPN, VPN);
	edge_object(w->e, ER1, WORD_LINK, true);
	failover_to(w, "10.11.30.4");
	assert_int_equal(w->heard.last.severity, SEVERITY_CRITICAL);
	assert_int_equal(w->heard.last.prefixes_lost, 1);
}

/* On its way back (link up, BGP not yet) it is still the same outage, not one of BGP's. */
static void test_failover_is_one_incident(void **state)
{
	struct world *w = *state;

	edge_object(w->e, ER1, WORD_LINK, true);
	event(w, SW_VERDICT_FAILOVER, 1, VPN, VPN);
	edge_withdraw(w->e, "10.10.30.0/24", "er1-primary");
	edge_wait(w->e, 30 * S);
	edge_object(w->e, ER1, WORD_LINK, false);
	event(w, SW_VERDICT_FAILOVER, 2, VPN, VPN);
	assert_int_equal(incidents_open(w->set), 1);
	assert_int_equal(incidents_get(w->set, 0)->cause, CAUSE_LINK_DOWN);
	assert_int_equal(incidents_get(w->set, 0)->flows, 2);
}

/* All are back, and soon after the path is drained: that is told, not the link's loss again. */
static void test_failover_of_another_cause(void **state)
{
	struct world *w = *state;

	edge_object(w->e, ER1, WORD_LINK, true);
	event(w, SW_VERDICT_FAILOVER, 1, VPN, VPN);
	edge_wait(w->e, 20 * S);
	edge_object(w->e, ER1, WORD_LINK, false);
	event(w, SW_VERDICT_OK, 1, ER1, ER1);
	edge_wait(w->e, 5 * S);
	edge_object(w->e, ER1, WORD_ADMIN, true);
	event(w, SW_VERDICT_FAILOVER, 1, VPN, VPN);
	assert_int_equal(incidents_open(w->set), 1);
	assert_int_equal(w->heard.last.cause, CAUSE_DRAINED);
	assert_non_null(strstr(w->heard.last.message, "er1-primary (expressroute) is drained"));
	assert_int_equal(w->heard.last.flows, 1);
}

/* BGP's loss seen first, the link's a moment later: link-down wins, said at once. */
static void test_link_down_wins_late(void **state)
{
	struct world *w = *state;

	edge_withdraw(w->e, "10.10.30.0/24", "er1-primary");
	event(w, SW_VERDICT_FAILOVER, 1, VPN, VPN);
	assert_int_equal(w->heard.last.cause, CAUSE_BGP_DOWN);
	edge_wait(w->e, 1 * S);
	edge_object(w->e, ER1, WORD_LINK, true);
	event(w, SW_VERDICT_FAILOVER, 2, VPN, VPN);
	assert_heard(w, 1, 1, 0);
	assert_int_equal(w->heard.last.cause, CAUSE_LINK_DOWN);
	assert_non_null(strstr(w->heard.last.message, "the link of er1-primary"));
}

/* A flow moves from one incident to another: asymmetric, then a failover explains it. */
static void test_flow_moves_on(void **state)
{
	struct world *w = *state;

	event(w, SW_VERDICT_ASYMMETRIC, 1, ER1, VPN);
	edge_object(w->e, ER1, WORD_LINK, true);
	event(w, SW_VERDICT_FAILOVER, 1, VPN, VPN);
	assert_heard(w, 2, 0, 1);
	assert_false(incidents_get(w->set, 0)->open);
	assert_int_equal(incidents_get(w->set, 1)->verdict, SW_VERDICT_FAILOVER);
	assert_int_equal(incidents_get(w->set, 1)->flows, 1);
}

/* Closed ones are kept, the last 1,000; ids rise, also over a restart. */
static void test_closed_are_kept_and_ids_rise(void **state)
{
	struct world *w = *state;
	struct incidents *again = incidents_new(NULL, NULL);
	const struct incident *inc;
	struct sw_event ev;
	uint64_t last = 0;
	size_t n = 0;

	assert_non_null(again);
	for (int i = 0; i < 1200; i++) {
		event(w, SW_VERDICT_ASYMMETRIC, 1, ER1, VPN);
		event(w, SW_VERDICT_TRANSITION, 1, ER1, VPN);
	}
	event(w, SW_VERDICT_ASYMMETRIC, 1, ER1, VPN);
	for (; (inc = incidents_get(w->set, n)); n++) {
		assert_true(inc->id > last);
		last = inc->id;
		assert_int_equal(incidents_restore(again, inc), 0);
		assert_int_equal(incidents_restore(again, inc), -EEXIST);
	}
	assert_int_equal(n, 1001);
	assert_int_equal(last, 1201);
	assert_int_equal(incidents_open(again), 1);
	/* The open one goes on under its id, the next gets a new one. */
	event(w, SW_VERDICT_OK, 1, ER1, ER1);
	ev = edge_hub_event(w->e, SW_VERDICT_ASYMMETRIC, 1, ER1, VPN);
	incidents_event(again, &w->e->ctx, &ev);
	assert_int_equal(incidents_open(again), 1);
	assert_int_equal(incidents_get(again, 1000)->flows, 1);
	ev = edge_hub_event(w->e, SW_VERDICT_INTER_CIRCUIT, 2, ER1, ER2);
	incidents_event(again, &w->e->ctx, &ev);
	assert_int_equal(incidents_get(again, 1001)->id, 1202);
	incidents_free(again);
}

/* After a restart with the feeds not there yet the cause can't be told: no second incident. */
static void test_restart_without_routes(void **state)
{
	struct world *w = *state;

	event(w, SW_VERDICT_POLICY_VIOLATION, 1, VPN, VPN);
	event(w, SW_VERDICT_ASYMMETRIC, 2, ER1, VPN);
	edge_object(w->e, ER1, WORD_LINK, true);
	edge_object(w->e, VPN, WORD_LINK, true);
	event(w, SW_VERDICT_ASYMMETRIC, 3, ER1, VPN);
	assert_int_equal(incidents_open(w->set), 2);
	assert_int_equal(incidents_get(w->set, 1)->flows, 2);
}

/* The path is back, and the only flow on the other one is idle: its record lives for hours. */
static void test_failover_is_over_for_idle_flows(void **state)
{
	struct world *w = *state;

	fib_sync_done(w->e->fib);
	fib_compile(w->e->fib, w->e->ctx.now, ~0ULL, 0);
	edge_object(w->e, ER1, WORD_LINK, true);
	event(w, SW_VERDICT_FAILOVER, 1, VPN, VPN);
	for (int s = 0; s < 100; s += 10) {
		edge_wait(w->e, 10 * S);
		scan(w, 1, SW_VERDICT_FAILOVER, VPN, VPN);
	}
	assert_int_equal(incidents_open(w->set), 1); /* as long as it lasts, idle or not */
	edge_object(w->e, ER1, WORD_LINK, false);
	for (int s = 0; s < 100; s += 10) {
		edge_wait(w->e, 10 * S);
		scan(w, 1, SW_VERDICT_FAILOVER, VPN, VPN);
	}
	assert_int_equal(incidents_open(w->set), 0);
}

/*
 * A rule wants it on the VPN, it was seen on ExpressRoute, and no packet came since. What is only
 * on the worse path stays: nothing says that its next packet would be elsewhere.
 */
static void test_in_clear_is_over_for_idle_flows(void **state)
{
	struct config_rule rule = {.name = "secure",
				   .proto = -1,
				   .dscp = -1,
				   .action = RULE_PREFER,
				   .pick = {{.class = SW_CLASS_VPN}},
				   .n_picks = 1};
	struct world *w = *state;

	for (int ruled = 0; ruled < 2; ruled++) {
		w->e->cfg.rules = &rule;
		w->e->cfg.n_rules = (size_t)ruled;
		event(w, SW_VERDICT_POLICY_VIOLATION, 1, ruled ? ER1 : VPN, ruled ? ER1 : VPN);
		assert_int_equal(w->heard.last.cause == CAUSE_UNENCRYPTED, ruled);
		edge_wait(w->e, 59 * S);
		scan(w, 1, SW_VERDICT_POLICY_VIOLATION, ruled ? ER1 : VPN, ruled ? ER1 : VPN);
		assert_int_equal(incidents_open(w->set), 1);
		edge_wait(w->e, 1 * S);
		scan(w, 1, SW_VERDICT_POLICY_VIOLATION, ruled ? ER1 : VPN, ruled ? ER1 : VPN);
		assert_int_equal(incidents_open(w->set), !ruled);
		edge_wait(w->e, 100 * S);
		scan(w, 0, SW_VERDICT_OK, ER1, ER1);
		assert_int_equal(incidents_open(w->set), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_healthy_is_silent),
		TEST(test_asymmetric_opens_and_is_confirmed),
		TEST(test_stateful_is_critical),
		TEST(test_explained_closes_at_once),
		TEST(test_close_waits),
		TEST(test_confirmed_survives_transition),
		TEST(test_gone_flows_close),
		TEST(test_idle_flows_close_when_gone),
		TEST(test_scan_opens_what_events_lost),
		TEST(test_updates_are_calm),
		TEST(test_another_flows_paths_are_no_news),
		TEST(test_failover),
		TEST(test_failover_is_told_once),
		TEST(test_failover_is_told_once_by_two),
		TEST(test_failover_is_told_anew),
		TEST(test_failover_is_one_incident),
		TEST(test_failover_is_over_for_idle_flows),
		TEST(test_in_clear_is_over_for_idle_flows),
		TEST(test_failover_of_another_cause),
		TEST(test_link_down_wins_late),
		TEST(test_flow_moves_on),
		TEST(test_closed_are_kept_and_ids_rise),
		TEST(test_restart_without_routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
