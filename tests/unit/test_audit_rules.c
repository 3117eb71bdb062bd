/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `audit` with policy rules: what a row says of a rule that prefers, binds, denies, has a part of
 * the traffic or of the addresses; what would be without a path; and the row of any two addresses
 * against rules asked one by one. That a rule's choice is the kernel's shows
 * tests/prog/test_audit_agrees.c.
 */
#include "fixture_audit.h"
#include "fixture_rules.h"

#include <netinet/in.h>

#define LAN    "10.2.30.0/25"
#define HUB    "10.10.30.0/24"
#define BRANCH "10.11.30.64/26"

/* Hub by both, a branch by VPN alone; Azure has us by both. */
static struct edge *ruled_edge(void)
{
	struct edge *e = seed_edge();

	edge_route(e, BRANCH, "vpn30", 65515, 100);
	return e;
}

static void assert_text(json_t *rows, const char *src, const char *dst, const char *key,
			const char *words)
{
	json_t *row = row_of(rows, src, dst);

	if (!row || !strstr(text_of(row, key), words))
		fail_msg("%s -> %s: %s says not '%s' but: %s", src, dst, key, words,
			 row ? text_of(row, key) : "no row");
}

static void assert_no_text(json_t *rows, const char *key, const char *words)
{
	const json_t *row;
	size_t i;

	json_array_foreach (rows, i, row)
		if (strstr(text_of(row, key), words))
			fail_msg("%s says '%s': %s", key, words, text_of(row, key));
}

static void assert_rule(json_t *rows, const char *src, const char *dst, const char *rule,
			const char *path, bool dropped)
{
	json_t *row = row_of(rows, src, dst);
	json_t *paths = json_object_get(json_object_get(row, "forward"), "paths");
	const char *first = json_string_value(json_array_get(paths, 0));

	if (!row || strcmp(text_of(row, "rule"), rule) || strcmp(first ? first : "-", path) ||
	    json_is_true(json_object_get(row, "dropped")) != dropped)
		fail_msg("%s -> %s: rule %s by %s%s", src, dst, row ? text_of(row, "rule") : "?",
			 first ? first : "-", dropped ? "" : " or dropped");
}

static void test_prefers(void **state)
{
	struct edge *e = ruled_edge();
	json_t *rows;

	(void)state;
	rule_add(e, "wish", NULL, HUB, RULE_PREFER, "vpn expressroute");
	rows = audit_all(e, -1);
	assert_rule(rows, LAN, HUB, "wish", "vpn30", false);
	assert_string_equal(text_of(row_of(rows, LAN, HUB), "verdict"), "asymmetric");
	assert_text(rows, LAN, HUB, "message", "expected vpn by rule wish");
	assert_rule(rows, LAN, BRANCH, "null", "vpn30", false);
	json_decref(rows);
	/* VPN both ways is what the rule wants (S9) */
	learned(e, "10.2.30.0/26", SW_CLASS_VPN, "");
	rows = audit_all(e, -1);
	assert_pair(rows, "10.2.30.0/26", HUB, "ok", "null");
	json_decref(rows);
	/* and what is left of it, where the kernel would have it, too */
	rows = audit_all(e, VPN);
	assert_rule(rows, LAN, HUB, "wish", "er1-primary", false);
	assert_pair(rows, LAN, HUB, "failover", "link-down");
	json_decref(rows);
	edge_free(e);
}

/* S9: what must be encrypted and would come back by ExpressRoute is in clear, whoever is asked. */
static void test_encrypts(void **state)
{
	struct edge *e = ruled_edge();
	json_t *rows;

	(void)state;
	rule_add(e, "secure", NULL, HUB, RULE_PREFER, "vpn");
	rows = audit_all(e, -1);
	assert_rule(rows, LAN, HUB, "secure", "vpn30", false);
	assert_pair(rows, LAN, HUB, "policy-violation", "unencrypted");
	assert_text(rows, LAN, HUB, "severity", "critical");
	assert_text(rows, LAN, HUB, "side", "azure");
	assert_pair(rows, LAN, BRANCH, "ok", "null");
	json_decref(rows);
	learned(e, "10.2.30.0/26", SW_CLASS_VPN, "");
	rows = audit_all(e, -1);
	assert_pair(rows, "10.2.30.0/26", HUB, "ok", "null");
	json_decref(rows);
	/* nor by another edge's circuit, while another edge's VPN will do */
	learned(e, "10.2.30.96/28", SW_CLASS_EXPRESSROUTE, "elsewhere");
	learned(e, "10.2.30.112/28", SW_CLASS_VPN, "elsewhere");
	rows = audit_all(e, -1);
	assert_pair(rows, "10.2.30.96/28", HUB, "policy-violation", "unencrypted");
	assert_pair(rows, "10.2.30.112/28", HUB, "inter-circuit", "unknown");
	json_decref(rows);
	/* by another VPN than the one that it names it is not in clear */
	e->paths[2].class = SW_CLASS_VPN;
	strcpy(rules[0].pick[0].path, "vpn30");
	learned(e, "10.2.30.64/26", SW_CLASS_VPN, "er2-primary");
	rows = audit_all(e, -1);
	assert_pair(rows, "10.2.30.64/26", HUB, "policy-violation", "unknown");
	assert_text(rows, "10.2.30.64/26", HUB, "message", "rule secure has it on vpn30 in both");
	json_decref(rows);
	edge_free(e);
}

/* The VPN-only rule without its VPN: nothing takes over, it is dropped. */
static void test_bound_if_down(void **state)
{
	struct edge *e = ruled_edge();
	json_t *rows, *row;

	(void)state;
	rule_add(e, "secure", NULL, HUB, RULE_ONLY, "vpn30");
	rows = audit_all(e, VPN);
	assert_rule(rows, LAN, HUB, "secure", "-", true);
	row = row_of(rows, LAN, HUB);
	assert_pair(rows, LAN, HUB, "no-route", "link-down");
	assert_true(json_is_true(json_object_get(row, "lost")));
	assert_text(rows, LAN, HUB, "message",
		    "if vpn30 fails: rule secure sends 10.10.30.0/24 by vpn30 or not at all");
	assert_text(rows, LAN, HUB, "message", "dropped (rule-denied)");
	assert_text(rows, LAN, HUB, "severity", "critical");
	json_decref(rows);
	rows = audit_all(e, ER1);
	assert_rule(rows, LAN, HUB, "secure", "vpn30", false);
	json_decref(rows);
	/* no route by what it lists */
	edge_withdraw(e, HUB, "vpn30");
	rows = audit_all(e, -1);
	assert_rule(rows, LAN, HUB, "secure", "-", true);
	assert_pair(rows, LAN, HUB, "no-route", "bgp-down");
	json_decref(rows);
	/* a preference that has nothing left is the kernel's */
	rules[0].action = RULE_PREFER;
	strcpy(rules[0].pick[0].path, "er2-primary");
	rows = audit_all(e, -1);
	assert_rule(rows, LAN, HUB, "secure", "-", false);
	assert_text(rows, LAN, HUB, "message", "left to the kernel's routes (no-path)");
	json_decref(rows);
	edge_free(e);
}

static void test_denies(void **state)
{
	struct edge *e = ruled_edge();
	json_t *rows;

	(void)state;
	rule_add(e, "no", LAN, HUB, RULE_DENY, NULL);
	rows = audit_all(e, -1);
	assert_rule(rows, LAN, HUB, "no", "-", true);
	assert_pair(rows, LAN, HUB, "null", "null");
	assert_text(rows, LAN, HUB, "message", "rule no denies it");
	json_decref(rows);
	/* nothing is dropped in monitor mode: what the daemon chose is judged */
	e->cfg.mode = SW_MODE_MONITOR;
	chosen(e, HUB, "er1-primary");
	rows = audit_all(e, -1);
	assert_rule(rows, LAN, HUB, "no", "er1-primary", false);
	assert_pair(rows, LAN, HUB, "ok", "null");
	json_decref(rows);
	edge_free(e);
}

/* The daemon chose ExpressRoute, and nothing is moved: in clear. */
static void test_monitor(void **state)
{
	struct edge *e = ruled_edge();
	json_t *rows;

	(void)state;
	e->cfg.mode = SW_MODE_MONITOR;
	rule_add(e, "secure", NULL, HUB, RULE_PREFER, "vpn");
	chosen(e, HUB, "er1-primary");
	rows = audit_all(e, -1);
	assert_pair(rows, LAN, HUB, "policy-violation", "unencrypted");
	assert_text(rows, LAN, HUB, "side", "onprem");
	json_decref(rows);
	/* it need not be encrypted, and the better class by the rule is not used either way */
	rules[0].pick[rules[0].n_picks++].class = SW_CLASS_EXPRESSROUTE;
	rows = audit_all(e, -1);
	assert_string_equal(text_of(row_of(rows, LAN, HUB), "verdict"), "policy-violation");
	json_decref(rows);
	edge_free(e);
}

/* What a pair does not tell of a packet: the rule is named, the rest is judged without it. */
static void test_parts(void **state)
{
	struct edge *e = ruled_edge();
	json_t *rows, *part;

	(void)state;
	rule_add(e, "db", NULL, "10.10.30.128/25", RULE_PREFER, "vpn")->port = 5432;
	rule_add(e, "voice", NULL, NULL, RULE_PREFER, "vpn")->dscp = 46;
	rule_add(e, "walls", NULL, NULL, RULE_NOTHING, NULL)->proto = IPPROTO_TCP;
	rule_add(e, "all", NULL, HUB, RULE_PREFER, "er2-primary er1-primary");
	rule_add(e, "late", NULL, HUB, RULE_DENY, NULL)->proto = IPPROTO_UDP;
	rows = audit_all(e, -1);
	assert_int_equal(json_array_size(rows), 2);
	assert_rule(rows, LAN, HUB, "all", "er1-primary", false);
	part = json_object_get(row_of(rows, LAN, HUB), "part_rules");
	assert_int_equal(json_array_size(part), 2);
	assert_string_equal(json_string_value(json_array_get(part, 0)), "db");
	assert_string_equal(json_string_value(json_array_get(part, 1)), "voice");
	assert_pair(rows, LAN, BRANCH, "ok", "null");
	part = json_object_get(row_of(rows, LAN, BRANCH), "part_rules");
	assert_int_equal(json_array_size(part), 1);
	json_decref(rows);
	edge_free(e);
}

/* A rule for some of the addresses: rows of their own, each told once, wherever a part ends. */
static void test_splits(void **state)
{
	struct edge *e = ruled_edge();
	struct audit a = audit_of(e, -1);
	json_t *rows;

	(void)state;
	edge_route(e, "10.10.30.192/28", "er1-primary", 12076, 100);
	rule_add(e, "secure", "10.2.30.64/26", "10.10.30.128/25", RULE_PREFER, "vpn");
	rule_add(e, "same", NULL, "10.10.30.128/25", RULE_PREFER, "expressroute");
	rule_add(e, "one", NULL, "10.10.30.200/32", RULE_DENY, NULL);
	rule_add(e, "wide", NULL, "10.0.0.0/8", RULE_PREFER, "expressroute vpn");
	for (size_t len = 1; len < 20000; len = len * 8 + 1) {
		rows = rows_of(&a, len, NULL, NULL);
		assert_int_equal(json_array_size(rows), 2 * 5);
		assert_rule(rows, "10.2.30.64/26", "10.10.30.128/25", "secure", "vpn30", false);
		assert_rule(rows, LAN, "10.10.30.128/25", "same", "er1-primary", false);
		assert_rule(rows, "10.2.30.64/26", HUB, "wide", "er1-primary", false);
		/* longer prefixes are theirs, and of no VPN */
		assert_rule(rows, "10.2.30.64/26", "10.10.30.192/28", "secure", "vpn30", false);
		assert_rule(rows, LAN, "10.10.30.200/32", "same", "er1-primary", false);
		assert_rule(rows, LAN, BRANCH, "wide", "vpn30", false);
		json_decref(rows);
	}
	edge_free(e);
}

/* The first that matches, and one that chooses nothing leaves it to the ladder. */
static void test_first(void **state)
{
	struct edge *e = ruled_edge();
	json_t *rows;

	(void)state;
	rule_add(e, "walls", NULL, HUB, RULE_NOTHING, NULL)->stateful = true;
	rule_add(e, "no", NULL, NULL, RULE_DENY, NULL);
	learned(e, "10.2.30.0/26", SW_CLASS_VPN, "");
	rows = audit_all(e, -1);
	assert_rule(rows, LAN, HUB, "null", "er1-primary", false);
	assert_rule(rows, LAN, BRANCH, "no", "-", true);
	assert_text(rows, "10.2.30.0/26", HUB, "severity", "critical"); /* asymmetric, stateful */
	json_decref(rows);
	edge_free(e);
}

/* --if-down tells of then: nothing "is" down, and there is no cable to check. */
static void test_speaks_of_then(void **state)
{
	struct edge *e = ruled_edge();
	json_t *rows;

	(void)state;
	edge_route(e, "10.17.30.0/26", "er1-primary", 12076, 200);
	e->ctx.prefixes_moved = 7; /* by what did happen */
	rows = audit_all(e, ER1);
	assert_pair(rows, LAN, HUB, "failover", "link-down");
	assert_text(rows, LAN, HUB, "message", "if er1-primary fails: 10.2.30.0/25 -> ");
	assert_text(rows, LAN, HUB, "message", "the backup of er1-primary (expressroute) carries");
	assert_text(rows, LAN, HUB, "fix", "sameway path er1-primary drain --for 5m");
	assert_text(rows, LAN, "10.17.30.0/26", "message", "if er1-primary fails: 10.17.30.0/26");
	assert_no_text(rows, "message", "is down");
	assert_no_text(rows, "message", "7 prefixes");
	assert_no_text(rows, "fix", "check");
	json_decref(rows);
	/* Azure goes on by the other circuit: as it will be, not while it converges */
	learned(e, "10.2.30.0/25", SW_CLASS_EXPRESSROUTE, "er2-primary");
	e->ctx.path[ER2].objections[WORD_LINK] = 1;
	e->ctx.path[ER2].changed_ns = e->ctx.now;
	rows = audit_all(e, ER1);
	assert_string_equal(text_of(row_of(rows, LAN, HUB), "verdict"), "asymmetric");
	assert_no_text(rows, "cause", "convergence");
	assert_no_text(rows, "message", "0 s ago");
	json_decref(rows);
	/* what did fail before is told as ever */
	edge_object(e, ER1, WORD_LINK, true);
	rows = audit_all(e, -1);
	assert_no_text(rows, "message", "if ");
	json_decref(rows);
	edge_free(e);
}

/* Random rules on random prefixes: the row of two addresses has the rule that they have. */

static unsigned int seed_state;

static unsigned int below(unsigned int n)
{
	return (unsigned int)rand_r(&seed_state) % n;
}

static void random_text(char out[40], const char *base, unsigned int least)
{
	unsigned int len = least + below(33 - least), host = below(256) & ~((1U << (32 - len)) - 1);

	snprintf(out, 40, "%s%u/%u", base, host, len);
}

/* Asked one by one; `packet`: those that ask for more, for all they say of addresses. */
static bool takes(const struct config_rule *rule, const struct ip_addr *src,
		  const struct ip_addr *dst)
{
	return (!rule->from.family || prefix_has(&rule->from, src)) &&
	       (!rule->to.family || prefix_has(&rule->to, dst));
}

static bool named(json_t *part, const char *name)
{
	const json_t *text;
	size_t i;

	json_array_foreach (part, i, text)
		if (!strcmp(json_string_value(text), name))
			return true;
	return false;
}

static void check_pair(const struct edge *e, json_t *rows, const struct ip_addr *src,
		       const struct ip_addr *dst)
{
	json_t *row = row_for(rows, src, dst);
	const char *want = "null";
	char s[IP_STRLEN], d[IP_STRLEN];

	assert_non_null(row);
	for (size_t i = 0; i < e->cfg.n_rules && !strcmp(want, "null"); i++) {
		if (!takes(&rules[i], src, dst))
			continue;
		if (!rules[i].port)
			want = rules[i].name;
		else if (!named(json_object_get(row, "part_rules"), rules[i].name))
			fail_msg("%s -> %s: rule %s is not named", ip_format(src, s),
				 ip_format(dst, d), rules[i].name);
	}
	if (strcmp(text_of(row, "rule"), want))
		fail_msg("%s -> %s: rule %s, not %s", ip_format(src, s), ip_format(dst, d),
			 text_of(row, "rule"), want);
}

static void random_story(void)
{
	struct edge *e = seed_edge();
	struct audit a = audit_of(e, -1);
	char text[40], other[40], name[16];
	json_t *rows;

	for (unsigned int n = below(6); n; n--) {
		random_text(text, "10.10.30.", 25);
		edge_route(e, text, below(2) ? "vpn30" : "er1-primary", 65515, 100 + n);
	}
	for (unsigned int n = below(8); n; n--) {
		random_text(text, "10.2.30.", 25);
		random_text(other, "10.10.30.", 24);
		snprintf(name, sizeof(name), "r%u", n);
		rule_add(e, name, below(2) ? text : NULL, below(3) ? other : NULL, RULE_PREFER,
			 below(2) ? "vpn" : "expressroute vpn")
			->port = below(4) ? 0 : 443;
	}
	rows = rows_of(&a, below(2) ? SIZE_MAX : below(4000), NULL, NULL);
	for (size_t i = 0, n = json_array_size(rows); i < n; i++)
		for (size_t k = i + 1; k < n; k++)
			if (!strcmp(text_of(json_array_get(rows, i), "src_prefix"),
				    text_of(json_array_get(rows, k), "src_prefix")) &&
			    !strcmp(text_of(json_array_get(rows, i), "dst_prefix"),
				    text_of(json_array_get(rows, k), "dst_prefix")))
				fail_msg("a pair is told twice");
	for (int i = 0; i < 60; i++) {
		struct ip_addr src = {.family = 4, .bytes = {10, 2, 30, (uint8_t)below(128)}};
		struct ip_addr dst = {.family = 4, .bytes = {10, 10, 30, (uint8_t)below(256)}};

		check_pair(e, rows, &src, &dst);
	}
	json_decref(rows);
	edge_free(e);
}

static void test_random(void **state)
{
	const char *seed = getenv("SEED");

	(void)state;
	seed_state = seed ? (unsigned int)strtoul(seed, NULL, 0) : 42;
	print_message("SEED=%u\n", seed_state);
	for (int i = 0; i < 150; i++)
		random_story();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefers),	       cmocka_unit_test(test_encrypts),
		cmocka_unit_test(test_bound_if_down),  cmocka_unit_test(test_denies),
		cmocka_unit_test(test_monitor),	       cmocka_unit_test(test_parts),
		cmocka_unit_test(test_splits),	       cmocka_unit_test(test_first),
		cmocka_unit_test(test_speaks_of_then), cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
