/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Causes: the situations of scenarios.md, set up as routes, path states and one event, and what an
 * engineer reads of each; and the pure part on facts that no RIB would give.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fixture_edge.h"
#include "core/cause_text.h"

static struct cause_told judge_event(const struct edge *e, const struct sw_event *ev,
				     struct cause_facts *facts)
{
	struct cause_told told;

	cause_gather(&e->ctx, ev, facts);
	cause_tell(facts, &told);
	assert_true(strlen(told.message) < CAUSE_TEXT_LEN);
	assert_true(strlen(told.fix) > 0);
	assert_null(strchr(told.message, '\n'));
	return told;
}

static struct cause_told judge(const struct edge *e, enum sw_verdict verdict, int out, int in,
			       struct cause_facts *facts)
{
	struct sw_event ev = edge_hub_event(e, verdict, 1000, out, in);

	return judge_event(e, &ev, facts);
}

static void assert_says(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" does not say \"%s\"", text, part);
}

static void assert_prefix(const struct prefix *p, const char *text)
{
	char buf[PREFIX_STRLEN];

	assert_string_equal(prefix_format(p, buf), text);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(cause_name(CAUSE_VPN_MORE_SPECIFIC), "vpn-more-specific");
	assert_string_equal(cause_name(CAUSE_UNKNOWN), "unknown");
	assert_string_equal(side_name(SIDE_ONPREM), "onprem");
	assert_string_equal(side_name(SIDE_AZURE), "azure");
	assert_string_equal(severity_name(SEVERITY_INFO), "info");
	assert_string_equal(severity_name(SEVERITY_CRITICAL), "critical");
}

/* Which verdicts open an incident: these six, and no healthy or undecided one. */
static void test_opens(void **state)
{
	(void)state;
	for (uint8_t v = 0; v < SW_VERDICT_COUNT; v++)
		assert_int_equal(cause_opens(v),
				 v == SW_VERDICT_ASYMMETRIC || v == SW_VERDICT_INTER_CIRCUIT ||
					 v == SW_VERDICT_POLICY_VIOLATION ||
					 v == SW_VERDICT_FAILOVER || v == SW_VERDICT_ONE_WAY ||
					 v == SW_VERDICT_LOOP_OR_SPOOF);
}

/* S20: out by ER as it should, back by VPN. */
static void test_azure_preference(void **state)
{
	struct edge *e = edge_new();
	struct cause_facts f;
	struct cause_told t;

	(void)state;
	edge_hub(e);
	t = judge(e, SW_VERDICT_ASYMMETRIC, ER1, VPN, &f);
	assert_int_equal(t.cause, CAUSE_AZURE_PREFERENCE);
	assert_int_equal(t.side, SIDE_AZURE);
	assert_int_equal(t.severity, SEVERITY_WARNING);
	assert_prefix(&f.src, "10.2.30.0/25");
	assert_prefix(&f.dst, "10.10.30.0/24");
	assert_says(t.message, "10.2.30.0/25 -> 10.10.30.0/24 leaves by er1-primary "
			       "(expressroute, er0) and returns by vpn30 (vpn, tun30)");
	assert_says(t.message, "expected expressroute");
	assert_says(t.message, "er1-primary 10.10.30.0/24 as_path 12076 local_pref 200");
	assert_says(t.message, "vpn30 10.10.30.0/24 as_path 65515 local_pref 100");
	assert_says(t.fix, "hubRoutingPreference");
	assert_says(t.fix, "can't tell");
	edge_free(e);
}

/* The better path is drained: we left it, they still return by it. */
static void test_return_by_drained(void **state)
{
	struct edge *e = edge_new();
	struct cause_facts f;
	struct cause_told t;

	(void)state;
	edge_hub(e);
	edge_object(e, ER1, WORD_ADMIN, true);
	t = judge(e, SW_VERDICT_ASYMMETRIC, VPN, ER1, &f);
	assert_int_equal(t.cause, CAUSE_DRAINED);
	assert_int_equal(t.side, SIDE_ONPREM);
	assert_says(t.message, "er1-primary is drained here");
	assert_says(t.fix, "sameway path er1-primary undrain");
	edge_free(e);
}

/* The same from a stateful inside; the flow's key the other way round; IPv6. */
static void test_stateful_and_key_order(void **state)
{
	struct edge *e = edge_new();
	struct cause_facts f;
	struct cause_told t;
	struct sw_event ev;

	(void)state;
	e->inside.stateful = true;
	edge_route(e, "10.1.0.0/16", "er1-primary", 12076, 100);
	edge_route(e, "fd10::/32", "er1-primary", 12076, 100);
	ev = edge_event(e, SW_VERDICT_ASYMMETRIC, "10.2.30.10", "10.1.2.3", 7, ER1, VPN);
	assert_int_equal(ev.about, SW_FLOW_INSIDE_IS_HI);
	t = judge_event(e, &ev, &f);
	assert_int_equal(t.severity, SEVERITY_CRITICAL);
	assert_prefix(&f.src, "10.2.30.0/25");
	assert_prefix(&f.dst, "10.1.0.0/16");
	assert_says(t.message, "vpn30 none");
	ev = edge_event(e, SW_VERDICT_ASYMMETRIC, "fd02:30::5", "fd10::1", 7, ER1, VPN);
	t = judge_event(e, &ev, &f);
	assert_int_equal(t.cause, CAUSE_AZURE_PREFERENCE);
	assert_prefix(&f.src, "fd02:30::/64");
	assert_prefix(&f.dst, "fd10::/32");
	edge_free(e);
}

/* S11: ours follows the VPN's longer prefix. On-prem can mend it, and is told how. */
static void test_vpn_more_specific(void **state)
{
	struct edge *e = edge_new();
	struct cause_facts f;
	struct cause_told t;

	(void)state;
	edge_route(e, "10.10.30.0/24", "er1-primary", 12076, 200);
	edge_route(e, "10.10.30.0/27", "vpn30", 65515, 100);
	t = judge(e, SW_VERDICT_ASYMMETRIC, VPN, ER1, &f);
	assert_int_equal(t.cause, CAUSE_VPN_MORE_SPECIFIC);
	assert_int_equal(t.side, SIDE_ONPREM);
	assert_prefix(&f.dst, "10.10.30.0/27");
	assert_says(t.message, "10.10.30.0/27 from the VPN is more specific than 10.10.30.0/24");
	assert_says(t.fix, "filter 10.10.30.0/27 inbound on the VPN neighbor of vpn30");
	assert_says(t.fix, "`match: class-first`");
	assert_null(strstr(t.fix, "class-first-min"));

	/* With ER down the longer prefix is not what is wrong. */
	edge_object(e, ER1, WORD_LINK, true);
	t = judge(e, SW_VERDICT_ASYMMETRIC, VPN, ER1, &f);
	assert_int_equal(t.cause, CAUSE_CONVERGENCE);
	edge_free(e);
}

/* A covering prefix too short for class-first: the fix says what else it takes. */
static void test_class_first_min(void **state)
{
	struct edge *e = edge_new();
	struct cause_facts f;
	struct cause_told t;

	(void)state;
	edge_route(e, "10.0.0.0/8", "er1-primary", 12076, 200);
	edge_route(e, "10.10.30.0/27", "vpn30", 65515, 100);
	t = judge(e, SW_VERDICT_ASYMMETRIC, VPN, ER1, &f);
	assert_int_equal(t.cause, CAUSE_VPN_MORE_SPECIFIC);
	assert_says(t.fix, "`class-first-min: 8`");
	edge_free(e);
}

/* The default route by ER covers nothing: the VPN-only prefix is not "more specific" than it. */
static void test_default_route_lends_nothing(void **state)
{
	struct edge *e = edge_new();
	struct cause_facts f;
	struct cause_told t;

	(void)state;
	edge_route(e, "0.0.0.0/0", "er1-primary", 12076, 200);
	edge_route(e, "10.10.30.0/24", "vpn30", 65515, 100);
	t = judge(e, SW_VERDICT_ASYMMETRIC, VPN, ER1, &f);
	assert_int_equal(t.cause, CAUSE_UNKNOWN);
	assert_int_equal(t.side, SIDE_AZURE);
	assert_says(t.message, "expected vpn");
	assert_says(t.message, "er1-primary none");
	edge_free(e);
}

/* S10, S15 before their causes are known: ours left by VPN, though ER is there. */
static void test_not_expected(void **state)
{
	struct edge *e = edge_new();
	struct cause_facts f;
	struct cause_told t;

	(void)state;
	edge_hub(e);
	t = judge(e, SW_VERDICT_ASYMMETRIC, VPN, ER1, &f);
	assert_int_equal(t.cause, CAUSE_UNKNOWN);
	assert_int_equal(t.side, SIDE_ONPREM);
	assert_says(t.message, "sent by vpn30 though expressroute is available by er1-primary");
	assert_says(t.fix, "local preference");
	assert_null(strstr(t.fix, "mode: monitor"));
	e->cfg.mode = SW_MODE_MONITOR;
	t = judge(e, SW_VERDICT_ASYMMETRIC, VPN, ER1, &f);
	assert_says(t.fix, "`mode: monitor`");
	edge_free(e);
}

static void test_policy_violation(void **state)
{
	struct edge *e = edge_new();
	struct cause_facts f;
	struct cause_told t;

	(void)state;
	edge_hub(e);
	t = judge(e, SW_VERDICT_POLICY_VIOLATION, VPN, VPN, &f);
	assert_int_equal(t.side, SIDE_ONPREM);
	assert_int_equal(t.cause, CAUSE_UNKNOWN);
	assert_int_equal(t.severity, SEVERITY_WARNING);
	assert_says(t.message, "available: er1-primary");
	edge_free(e);
}

static void test_inter_circuit(void **state)
{
	struct edge *e = edge_new();
	struct cause_facts f;
	struct cause_told t;

	(void)state;
	edge_hub(e);
	edge_route(e, "10.10.30.0/24", "er2-primary", 12076, 200);
	t = judge(e, SW_VERDICT_INTER_CIRCUIT, ER1, ER2, &f);
	assert_int_equal(t.severity, SEVERITY_WARNING);
	assert_says(t.message, "leaves by circuit er1 and returns by circuit er2-primary");
	assert_says(t.fix, "connection weight");
	/* `scope: circuit` gives the same flow the verdict asymmetric: the same words help. */
	t = judge(e, SW_VERDICT_ASYMMETRIC, ER1, ER2, &f);
	assert_int_equal(t.cause, CAUSE_UNKNOWN);
	assert_says(t.message, "leaves by circuit er1 and returns by circuit er2-primary");
	edge_free(e);
}

/* S24 by link: the link's objection wins over its BGP routes being gone a moment later. */
static void test_link_down(void **state)
{
	struct edge *e = edge_new();
	struct cause_facts f;
	struct cause_told t;

	(void)state;
	edge_hub(e);
	edge_object(e, ER1, WORD_LINK, true);
	e->ctx.prefixes_moved = 2;
	edge_wait(e, 7 * MS);
	t = judge(e, SW_VERDICT_FAILOVER, VPN, VPN, &f);
	assert_int_equal(t.cause, CAUSE_LINK_DOWN);
	assert_int_equal(t.severity, SEVERITY_NOTICE);
	assert_int_equal(f.duration_ms, 7);
	assert_says(t.message, "the link of er1-primary (expressroute, er0) is down");
	assert_says(t.message, "2 prefixes moved");
	edge_withdraw(e, "10.10.30.0/24", "er1-primary");
	e->ctx.prefixes_lost = 1;
	t = judge(e, SW_VERDICT_FAILOVER, VPN, VPN, &f);
	assert_int_equal(t.cause, CAUSE_LINK_DOWN);
	assert_int_equal(t.severity, SEVERITY_CRITICAL);
	assert_says(t.message, "er1-primary none");
	assert_says(t.message, "1 prefix lost the only path: no backup exists");
	edge_free(e);
}

static void test_drained(void **state)
{
	struct edge *e = edge_new();
	struct cause_facts f;
	struct cause_told t;

	(void)state;
	edge_hub(e);
	edge_object(e, ER1, WORD_ADMIN, true);
	t = judge(e, SW_VERDICT_FAILOVER, VPN, VPN, &f);
	assert_int_equal(t.cause, CAUSE_DRAINED);
	assert_int_equal(t.side, SIDE_ONPREM);
	assert_says(t.fix, "sameway path er1-primary undrain");
	edge_free(e);
}

/* bgp-down: the peers' word, of the flow's family only; or all routes gone with the link up. */
static void test_bgp_down(void **state)
{
	struct edge *e = edge_new();
	struct cause_facts f;
	struct sw_event ev;

	(void)state;
	edge_hub(e);
	edge_route(e, "10.77.0.0/16", "er2-primary", 12076, 100);
	edge_object(e, ER1, WORD_PEERS6, true);
	assert_int_equal(judge(e, SW_VERDICT_FAILOVER, VPN, VPN, &f).cause, CAUSE_UNKNOWN);
	assert_int_equal(f.lost.path, -1);
	assert_int_equal(f.expected, SW_CLASS_EXPRESSROUTE);
	edge_object(e, ER1, WORD_PEERS6, false);
	edge_object(e, ER1, WORD_PEERS4, true);
	assert_int_equal(judge(e, SW_VERDICT_FAILOVER, VPN, VPN, &f).cause, CAUSE_BGP_DOWN);
	edge_object(e, ER1, WORD_PEERS4, false);

	edge_withdraw(e, "10.10.30.0/24", "er1-primary");
	ev = edge_hub_event(e, SW_VERDICT_FAILOVER, 9, VPN, VPN);
	ev.settle_ns = ev.created_ns + 5 * MS;
	e->ctx.prefixes_lost = 4; /* by the withdrawal, as the compiler counted */
	assert_int_equal(judge_event(e, &ev, &f).cause, CAUSE_BGP_DOWN);
	assert_string_equal(f.lost.name, "er1-primary");
	assert_int_equal(f.duration_ms, 5);
	assert_int_equal(f.prefixes_lost, 4);
	ev.moved_ns =
		ev.settle_ns + 2 * MS; /* the first packet out on the VPN, before any came back */
	judge_event(e, &ev, &f);
	assert_int_equal(f.duration_ms, 2);
	edge_free(e);
}

/* A circuit that is down for long does not take the blame for the other's BGP loss of just now. */
static void test_old_loss_is_not_blamed(void **state)
{
	struct edge *e = edge_new();
	struct cause_facts f;
	struct sw_event ev;

	(void)state;
	edge_hub(e);
	edge_object(e, ER2, WORD_LINK, true);
	edge_wait(e, 3600 * S);
	edge_withdraw(e, "10.10.30.0/24", "er1-primary");
	ev = edge_hub_event(e, SW_VERDICT_FAILOVER, 9, VPN, VPN);
	ev.settle_ns = ev.ts_ns - 5 * MS;
	assert_int_equal(judge_event(e, &ev, &f).cause, CAUSE_BGP_DOWN);
	assert_string_equal(f.lost.name, "er1-primary");
	edge_free(e);
}

/*
 * Two paths of one trunk fall in one moment, the one that nothing had gone by after the other: the
 * fall that has moved the prefixes is told of. Of two falls that are apart it is the last one.
 */
static void test_one_trunk(void **state)
{
	struct edge *e = edge_new();
	struct cause_facts f;
	struct sw_event ev;

	(void)state;
	edge_hub(e);
	edge_route(e, "10.77.0.0/16", "er2-primary", 12076, 100);
	edge_object(e, ER1, WORD_LINK, true);
	edge_wait(e, 4 * MS);
	edge_object(e, ER2, WORD_LINK, true);
	e->ctx.path[ER1].moved = 2;
	ev = edge_hub_event(e, SW_VERDICT_FAILOVER, 9, VPN, VPN);
	assert_int_equal(judge_event(e, &ev, &f).cause, CAUSE_LINK_DOWN);
	assert_string_equal(f.lost.name, "er1-primary");
	e->ctx.path[ER2].moved = 2;
	judge_event(e, &ev, &f);
	assert_string_equal(f.lost.name, "er2-primary");
	e->ctx.path[ER2].moved = 0;
	e->ctx.path[ER2].changed_ns += 1000 * MS;
	judge_event(e, &ev, &f);
	assert_string_equal(f.lost.name, "er2-primary");
	edge_free(e);
}

/* One prefix is withdrawn: a circuit that never had a route, whose session is up or not, has no
 * part in it. */
static void test_unused_circuit_is_not_blamed(void **state)
{
	struct edge *e = edge_new();
	struct cause_facts f;
	struct sw_event ev;

	(void)state;
	edge_hub(e);
	edge_route(e, "10.77.0.0/16", "er1-primary", 12076, 100);
	edge_wait(e, 3600 * S);
	edge_withdraw(e, "10.10.30.0/24", "er1-primary");
	ev = edge_hub_event(e, SW_VERDICT_FAILOVER, 9, VPN, VPN);
	ev.settle_ns = ev.ts_ns - 5 * MS;
	assert_int_equal(judge_event(e, &ev, &f).cause, CAUSE_UNKNOWN);
	assert_int_equal(f.lost.path, -1);
	/* what was lost before a restart may have been its */
	e->ctx.started_ns = ev.ts_ns;
	assert_int_equal(judge_event(e, &ev, &f).cause, CAUSE_BGP_DOWN);
	assert_string_equal(f.lost.name, "er2-primary");
	edge_free(e);
}

/* A flow born after the failure did not fail over: it says nothing of how long that took. */
static void test_new_flow_has_no_duration(void **state)
{
	struct edge *e = edge_new();
	struct cause_facts f;

	(void)state;
	edge_hub(e);
	edge_object(e, ER1, WORD_LINK, true);
	edge_wait(e, 60 * S);
	judge(e, SW_VERDICT_FAILOVER, VPN, VPN, &f);
	assert_int_equal(f.duration_ms, -1);
	edge_free(e);
}

/* One prefix withdrawn while its path carries others: BGP is not down, and we don't say so. */
static void test_one_prefix_withdrawn(void **state)
{
	struct edge *e = edge_new();
	struct cause_facts f;
	struct cause_told t;

	(void)state;
	edge_hub(e);
	edge_route(e, "10.77.0.0/16", "er1-primary", 12076, 100);
	edge_route(e, "10.78.0.0/16", "er2-primary", 12076, 100);
	edge_withdraw(e, "10.10.30.0/24", "er1-primary");
	t = judge(e, SW_VERDICT_FAILOVER, VPN, VPN, &f);
	assert_int_equal(t.cause, CAUSE_UNKNOWN);
	assert_says(t.message, "its better routes are gone");
	edge_free(e);
}

/* No route, no inside network: hosts, and no side is accused. */
static void test_nothing_known(void **state)
{
	struct edge *e = edge_new();
	struct cause_facts f;
	struct cause_told t;
	struct sw_event ev;

	(void)state;
	ev = edge_event(e, SW_VERDICT_ASYMMETRIC, "192.0.2.1", "198.51.100.1", 7, ER1, VPN);
	t = judge_event(e, &ev, &f);
	assert_int_equal(t.cause, CAUSE_UNKNOWN);
	assert_int_equal(t.side, SIDE_UNKNOWN);
	assert_prefix(&f.src, "192.0.2.1/32");
	assert_prefix(&f.dst, "198.51.100.1/32");
	edge_free(e);
}

/* After a restart the RIB is empty for a while; what is installed answers in its place. */
static void test_adopted_fib(void **state)
{
	struct edge *e = edge_new();
	const struct prefix hub = prefix_of("10.10.30.0/24");
	struct sw_group group = {.kind = SW_GROUP_ROUTE,
				 .tiers = 2,
				 .degraded = SW_NO_RANK,
				 .members = 1ULL << ER1 | 1ULL << VPN,
				 .tier = {1ULL << ER1, 1ULL << VPN},
				 .rank = {0, 1}};
	struct cause_facts f;

	(void)state;
	assert_int_equal(fib_adopt_group(e->fib, 1000, &group), 0);
	assert_int_equal(fib_adopt_prefix(e->fib, &hub, 1000), 0);
	assert_int_equal(judge(e, SW_VERDICT_ASYMMETRIC, ER1, VPN, &f).cause,
			 CAUSE_AZURE_PREFERENCE);
	assert_prefix(&f.dst, "10.10.30.0/24");
	edge_free(e);
}

/* A pair of prefixes is told as a flow between them is, and keeps its own prefixes. */
static void test_pair(void **state)
{
	struct edge *e = edge_new();
	struct cause_pair pair = {.verdict = SW_VERDICT_ASYMMETRIC,
				  .src = prefix_of("10.2.30.0/26"),
				  .dst = prefix_of("10.10.30.0/24"),
				  .forward = ER1,
				  .has_reverse = true,
				  .reverse_class = SW_CLASS_VPN};
	struct cause_facts f;
	struct cause_told t;

	(void)state;
	edge_hub(e);
	edge_route(e, "10.10.30.0/27", "vpn30", 65515, 100); /* no part of the pair's prefix */
	cause_gather_pair(&e->ctx, &pair, &f);
	cause_tell(&f, &t);
	assert_int_equal(t.cause, CAUSE_AZURE_PREFERENCE);
	assert_int_equal(t.side, SIDE_AZURE);
	assert_prefix(&f.src, "10.2.30.0/26");
	assert_prefix(&f.dst, "10.10.30.0/24");
	assert_int_equal(f.reverse.path, VPN);
	assert_string_equal(f.inside_interface, "lan0");
	pair.reverse_class = SW_CLASS_EXPRESSROUTE;
	pair.reverse_circuit = "er2-primary"; /* a circuit of its own: the path's name */
	cause_gather_pair(&e->ctx, &pair, &f);
	assert_int_equal(f.reverse.path, ER2);
	pair.reverse_circuit = "er9";
	cause_gather_pair(&e->ctx, &pair, &f);
	assert_int_equal(f.reverse.path, ER1);
	pair.reverse_class = SW_CLASS_PEERING;
	cause_gather_pair(&e->ctx, &pair, &f);
	assert_int_equal(f.reverse.path, -1);
	edge_free(e);
}

/* What does not fit is cut with "...", in one line that fits. */
static void test_long_text_is_cut(void **state)
{
	char buf[CAUSE_TEXT_LEN];
	struct text t = {buf, 0};

	(void)state;
	for (size_t i = 0; i < CAUSE_TEXT_LEN; i++)
		text_add(&t, "%zu ", i);
	assert_int_equal(strlen(buf), CAUSE_TEXT_LEN - 1);
	assert_string_equal(buf + CAUSE_TEXT_LEN - 4, "...");
	assert_int_equal(t.len, CAUSE_TEXT_LEN - 1);
}

/* Maintenance's prepends are told as Microsoft's operators write them. */
static void test_as_path_runs(void **state)
{
	uint32_t as_path[] = {12076, 12076, 12076, 65021};
	struct attributes a = {
		.has_as_path = true, .as_path = as_path, .n_as = 4, .local_pref = 100};
	struct candidate c = {.attr = &a};
	const struct prefix p = prefix_of("10.0.0.0/8");
	struct cause_facts f = {.verdict = SW_VERDICT_INTER_CIRCUIT,
				.src = p,
				.dst = p,
				.forward = {.path = -1},
				.reverse = {.path = -1},
				.n_routes = 1,
				.route = {{"er1", &c, p}}};
	struct cause_told t;

	(void)state;
	cause_tell(&f, &t);
	assert_says(t.message, "er1 10.0.0.0/8 as_path 12076x3 65021 local_pref 100");
	assert_says(t.message, "leaves by no path that was seen here");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_opens),
		cmocka_unit_test(test_azure_preference),
		cmocka_unit_test(test_return_by_drained),
		cmocka_unit_test(test_stateful_and_key_order),
		cmocka_unit_test(test_vpn_more_specific),
		cmocka_unit_test(test_class_first_min),
		cmocka_unit_test(test_default_route_lends_nothing),
		cmocka_unit_test(test_not_expected),
		cmocka_unit_test(test_policy_violation),
		cmocka_unit_test(test_inter_circuit),
		cmocka_unit_test(test_link_down),
		cmocka_unit_test(test_drained),
		cmocka_unit_test(test_bgp_down),
		cmocka_unit_test(test_old_loss_is_not_blamed),
		cmocka_unit_test(test_one_trunk),
		cmocka_unit_test(test_unused_circuit_is_not_blamed),
		cmocka_unit_test(test_new_flow_has_no_duration),
		cmocka_unit_test(test_one_prefix_withdrawn),
		cmocka_unit_test(test_nothing_known),
		cmocka_unit_test(test_adopted_fib),
		cmocka_unit_test(test_pair),
		cmocka_unit_test(test_long_text_is_cut),
		cmocka_unit_test(test_as_path_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
