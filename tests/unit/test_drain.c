/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What came of a drain: flows told from looks at records made by hand, packets of a random story
 * against sums kept beside it, rules that lose their path, and the text.
 */
#include "fixture_audit.h"
#include "fixture_rules.h"

#include <unistd.h>

#include "core/drain.h"
#include "output/render.h"

#define NOW (1000 * S)

static struct flow flow_at(uint32_t record, unsigned int out, uint64_t sent, uint64_t came)
{
	return (struct flow){
		.record = record,
		.reuse = 1,
		.seen_ns = NOW,
		.state = {.out = (uint8_t)out, .in = ER1},
		.out_packets = sent,
		.out_bytes = sent * 100,
		.in_packets = came,
	};
}

static void before(struct drain *d, struct flow flow)
{
	assert_int_equal(drain_before(d, 4, &flow, NOW), 0);
}

/* One look that finds one record, once a call of begin. */
static void seen(struct drain *d, struct flow flow)
{
	drain_look_begin(d);
	drain_look(d, 4, &flow);
}

static struct drain_flows sums(struct drain *d, size_t by_vpn)
{
	size_t by[SW_MAX_PATHS];
	struct drain_flows sum = drain_flows(d, by);

	assert_int_equal(by[VPN], by_vpn);
	return sum;
}

static void test_who_counts(void **state)
{
	struct flow old = flow_at(9, ER1, 10, 10);
	struct drain d;

	(void)state;
	drain_begin(&d, ER1);
	old.seen_ns = NOW - DRAIN_ALIVE_NS - 1;
	before(&d, flow_at(1, ER1, 10, 10));
	before(&d, flow_at(2, VPN, 10, 10)); /* not by this path */
	before(&d, flow_at(3, SW_NO_PATH, 0, 10));
	before(&d, old);
	assert_int_equal(sums(&d, 0).alive, 1);
	drain_free(&d);
}

static void test_moved_and_answered(void **state)
{
	struct flow back;
	struct drain d;

	(void)state;
	drain_begin(&d, ER1);
	before(&d, flow_at(5, ER1, 10, 10));
	seen(&d, flow_at(5, ER1, 12, 12)); /* not yet */
	assert_int_equal(sums(&d, 0).moved, 0);
	seen(&d, flow_at(5, VPN, 15, 14)); /* these answers may be of before */
	seen(&d, flow_at(5, VPN, 17, 16));
	assert_int_equal(sums(&d, 1).moved, 1);
	assert_int_equal(sums(&d, 1).by_path, 1); /* in: ER1 */
	assert_int_equal(d.backup[VPN].packets, 5);
	assert_int_equal(d.backup[VPN].bytes, 500);
	back = flow_at(5, VPN, 18, 17);
	back.state.in = VPN;
	seen(&d, back);
	assert_int_equal(sums(&d, 1).by_path, 0);
	assert_int_equal(sums(&d, 1).unanswered, 0);
	drain_free(&d);
}

/* Looks after the move, each with more sent, none with an answer; and how many are too few. */
static void test_unanswered(void **state)
{
	struct drain d;

	(void)state;
	drain_begin(&d, ER1);
	before(&d, flow_at(1, ER1, 10, 10));
	seen(&d, flow_at(1, VPN, 12, 11));
	for (uint64_t i = 0; i < DRAIN_SENT; i++) {
		assert_int_equal(sums(&d, 1).unanswered, 0);
		seen(&d, flow_at(1, VPN, 13 + i, 11));
	}
	assert_int_equal(sums(&d, 1).unanswered, 1);
	drain_free(&d);

	drain_begin(&d, ER1); /* it never had any */
	before(&d, flow_at(1, ER1, 10, 0));
	for (uint64_t i = 0; i < 6; i++)
		seen(&d, flow_at(1, VPN, 12 + i, 0));
	assert_int_equal(sums(&d, 1).unanswered, 0);
	assert_int_equal(sums(&d, 1).moved, 1);
	drain_free(&d);
}

/* A record that became another flow's says nothing of the first. */
static void test_reused(void **state)
{
	struct flow other = flow_at(1, VPN, 1000, 1000);
	struct drain d;

	(void)state;
	drain_begin(&d, ER1);
	before(&d, flow_at(1, ER1, 10, 10));
	other.reuse = 2;
	seen(&d, other);
	assert_int_equal(sums(&d, 0).moved, 0);
	assert_int_equal(d.backup[VPN].packets, 0);
	drain_free(&d);
}

#define FLOWS 300

/* Records of both families in order; flows come, go and send at random. */
static void test_random(void **state)
{
	unsigned int seed = (unsigned int)getpid();
	static uint64_t sent[FLOWS];
	uint64_t want[2] = {0};
	static uint8_t out[FLOWS];
	static bool gone[FLOWS], moved[FLOWS];
	struct drain d;
	size_t n = 0, by[SW_MAX_PATHS], by_want[SW_MAX_PATHS] = {0};

	(void)state;
	print_message("seed %u\n", seed);
	srandom(seed);
	drain_begin(&d, ER1);
	for (uint32_t i = 0; i < FLOWS; i++) {
		struct flow flow = flow_at(i % (FLOWS / 2), ER1, sent[i] = 5, 5);

		out[i] = ER1;
		assert_int_equal(drain_before(&d, i < FLOWS / 2 ? 4 : 6, &flow, NOW), 0);
	}
	for (int look = 0; look < 20; look++) {
		drain_look_begin(&d);
		for (uint32_t i = 0; i < FLOWS; i++) {
			uint64_t more = (uint64_t)random() % 4;
			struct flow flow;

			gone[i] |= random() % 50 == 0;
			if (gone[i])
				continue;
			if (more && random() % 3 == 0)
				out[i] = random() % 2 ? VPN : ER2;
			if (out[i] != ER1 && more) {
				want[out[i] == VPN] += more;
				moved[i] = true;
			}
			sent[i] += more;
			flow = flow_at(i % (FLOWS / 2), out[i], sent[i], 5);
			drain_look(&d, i < FLOWS / 2 ? 4 : 6, &flow);
		}
	}
	for (size_t i = 0; i < FLOWS; i++) {
		n += moved[i];
		by_want[out[i]] += moved[i];
	}
	assert_int_equal(drain_flows(&d, by).moved, n);
	assert_int_equal(by[VPN], by_want[VPN]);
	assert_int_equal(by[ER2], by_want[ER2]);
	assert_int_equal(d.backup[VPN].packets, want[1]);
	assert_int_equal(d.backup[ER2].packets, want[0]);
	drain_free(&d);
}

static void assert_rules(struct edge *e, const char *want)
{
	struct audit audit = audit_of(e, -1);
	struct drain_rule v[8];
	size_t n = drain_rules(&audit, 1ULL << ER1, v, 8);
	char text[200] = "";

	for (size_t i = 0; i < n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s %zu;",
			 v[i].rule->name, v[i].prefixes);
	assert_string_equal(text, want);
}

static void test_rules(void **state)
{
	struct edge *e = edge_new();

	(void)state;
	e->cfg.mode = SW_MODE_ENFORCE;
	edge_route(e, "10.10.30.0/24", "er1-primary", 12076, 200);
	edge_route(e, "10.10.30.0/24", "vpn30", 65515, 100);
	edge_route(e, "10.17.30.0/26", "er1-primary", 12076, 200);
	edge_route(e, "10.11.30.64/26", "vpn30", 65515, 100);
	assert_rules(e, "");
	rule_add(e, "only", NULL, NULL, RULE_ONLY, "er1-primary");
	rule_add(e, "class", NULL, "10.10.0.0/16", RULE_ONLY, "expressroute");
	rule_add(e, "part", NULL, "10.10.30.4/32", RULE_ONLY, "er1-primary");
	rule_add(e, "both", NULL, "10.10.30.0/24", RULE_PREFER, "vpn expressroute");
	rule_add(e, "vpn", NULL, "10.10.30.0/24", RULE_ONLY, "vpn");
	rule_add(e, "elsewhere", NULL, "10.99.0.0/16", RULE_ONLY, "er1-primary");
	rule_add(e, "deny", NULL, NULL, RULE_DENY, NULL);
	assert_rules(e, "only 2;class 1;part 1;");
	/* another path that the rule allows */
	edge_route(e, "10.10.30.0/24", "er2-primary", 12076, 200);
	assert_rules(e, "only 2;part 1;");
	edge_free(e);
}

static void assert_report(const char *rows, const char *want)
{
	json_t *object = json_loads(rows, 0, NULL);
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(object);
	assert_non_null(out);
	assert_int_equal(text_drain(out, object), 0);
	fclose(out);
	assert_string_equal(text, want);
	free(text);
	json_decref(object);
}

static void test_text(void **state)
{
	(void)state;
	assert_report("{\"path\":\"er1-primary\",\"usable\":true,\"reasons\":[],\"for_s\":300.0,"
		      "\"ended\":\"by-itself\",\"took_s\":300.2,\"prefixes_moved\":3,"
		      "\"prefixes_lost\":0,\"lost_prefixes\":[],\"lost_rules\":[],"
		      "\"flows\":{\"alive\":4,\"moved\":4,\"unanswered\":0,\"answered_by_it\":0},"
		      "\"backups\":[{\"path\":\"vpn30\",\"class\":\"vpn\",\"flows\":4,"
		      "\"packets\":120,\"bytes\":10080}],\"packets_lost\":0,\"losses\":[]}",
		      "er1-primary is back after 300 s, by itself\n"
		      "  prefixes    3 moved, 0 without a path\n"
		      "  flows       4 of 4 moved\n"
		      "  by vpn30    4 flows, 120 packets, 10.1k bytes\n"
		      "  answers     still come, of each flow that had them\n"
		      "  round trip  not known: these paths have no `probe:` that is answered\n"
		      "  lost        0 packets, by the counters of this edge\n");
	/* of no flow it does not say that its answers come */
	assert_report("{\"path\":\"er1-primary\",\"usable\":true,\"reasons\":[],\"ended\":"
		      "\"by-itself\",\"took_s\":3.0,\"prefixes_moved\":0,\"prefixes_lost\":0,"
		      "\"lost_prefixes\":[],\"lost_rules\":[],\"flows\":{\"alive\":0,\"moved\":0,"
		      "\"unanswered\":0,\"answered_by_it\":0},\"backups\":[],\"rtt_before_ms\":2.0,"
		      "\"packets_lost\":0,\"losses\":[]}",
		      "er1-primary is back after 3 s, by itself\n"
		      "  prefixes    0 moved, 0 without a path\n"
		      "  flows       none went by er1-primary before: of its backup nothing is "
		      "proven\n"
		      "  round trip  2.0 ms by er1-primary before\n"
		      "  lost        0 packets, by the counters of this edge\n");
	assert_report(
		"{\"path\":\"er1-primary\",\"usable\":false,\"reasons\":[\"interface-down\"],"
		"\"ended\":\"by-hand\",\"took_s\":12.0,\"prefixes_moved\":3,"
		"\"prefixes_lost\":1,\"lost_prefixes\":[\"10.17.30.0/26\"],"
		"\"lost_rules\":[{\"name\":\"secure\",\"prefixes\":2}],\"rtt_before_ms\":3.14,"
		"\"flows\":{\"alive\":4,\"moved\":1,\"unanswered\":1,\"answered_by_it\":3},"
		"\"backups\":[{\"path\":\"vpn30\",\"class\":\"vpn\",\"flows\":1,"
		"\"packets\":1,\"bytes\":84}],\"packets_lost\":7,"
		"\"losses\":[{\"reason\":\"rule-denied\",\"packets\":7}]}",
		"er1-primary is back after 12 s, undrained by hand, but not usable: "
		"interface-down\n"
		"  prefixes    3 moved, 1 without a path: 10.17.30.0/26\n"
		"  rule        secure allows no other path for 2 prefixes\n"
		"  flows       1 of 4 moved; the others sent nothing since, or have no path\n"
		"  by vpn30    1 flow, 1 packet, 84 bytes\n"
		"  answers     ended for 1 flow that had them: the backup loses them\n"
		"    of 3 still come by er1-primary: the far side has not moved, so its "
		"direction of the backup is not proven\n"
		"  round trip  3.1 ms by er1-primary before\n"
		"  lost        7 packets, by the counters of this edge\n"
		"    rule-denied 7\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_counts), cmocka_unit_test(test_moved_and_answered),
		cmocka_unit_test(test_unanswered), cmocka_unit_test(test_reused),
		cmocka_unit_test(test_random),	   cmocka_unit_test(test_rules),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
