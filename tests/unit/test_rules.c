/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Policy rules: each mistake in the config with its line, the normalised form, and the bits that
 * they are compiled to against what one would say of them. That the programs read these bits as
 * they are meant shows tests/prog/test_rules.c.
 */
#include "config_assert.h"

#include <netinet/in.h>
#include "core/rules.h"

#define EDGE                                                                                       \
	"paths:\n"                                                                                 \
	"- {name: er, class: expressroute, interface: e0, gateway: 192.0.2.1}\n"                   \
	"- {name: vpn30, class: vpn, interface: t0}\n"                                             \
	"- {name: vpn31, class: vpn, interface: t1}\n" INSIDE
#define ONE(text)  EDGE "rules:\n- {" text "}\n"
#define RULE(text) ONE(text), 7

static void test_mistakes(void **state)
{
	static const struct {
		const char *text;
		int line;
		const char *words;
	} cases[] = {
		{EDGE "rules: vpn\n", 6, "rules: vpn: |list"},
		{EDGE "rules: [deny]\n", 6, "a rule: not a mapping"},
		{RULE("deny: true"), "name: missing"},
		{RULE("name: a b, deny: true"), "name: a b: not a name"},
		{RULE("name: a, deny: true, denny: true"), "denny"},
		{RULE("name: a"), "rule a does nothing"},
		{RULE("name: a, stateful: false"), "rule a does nothing"},
		{RULE("name: a, deny: false"), "deny: false: does nothing"},
		{RULE("name: a, deny: yes"), "deny: yes: wrong type"},
		{RULE("name: a, to: hub, deny: true"), "to: hub: no prefix"},
		{RULE("name: a, to: 10.0.0.1/8, deny: true"), "has host bits: give 10.0.0.0/8"},
		{RULE("name: a, from: [10.0.0.0/8], deny: true"), "from: a list"},
		{RULE("name: a, from: 10.0.0.0/8, to: 'fd00::/8', deny: true"),
		 "rule a has IPv4 and IPv6"},
		{RULE("name: a, proto: tpc, deny: true"), "proto: tpc: no protocol"},
		{RULE("name: a, proto: 256, deny: true"), "proto: 256: no protocol"},
		{RULE("name: a, proto: icmp, to: 'fd00::/8', deny: true"), "give icmp6"},
		{RULE("name: a, proto: icmp6, to: 10.0.0.0/8, deny: true"), "give icmp"},
		{RULE("name: a, port: 0, deny: true"), "port: 0: out of range"},
		{RULE("name: a, port: 65536, deny: true"), "out of range: give 1 to 65535"},
		{RULE("name: a, port: http, deny: true"), "port: http: not a number"},
		{RULE("name: a, proto: icmp, port: 8, deny: true"), "port: 8: |no ports"},
		{RULE("name: a, dscp: 64, deny: true"), "dscp: 64: out of range: give 0 to 63"},
		{RULE("name: a, dscp: ef, deny: true"), "dscp: ef: not a number"},
		{RULE("name: a, stateful: 1, deny: true"), "stateful: 1: wrong type"},
		{RULE("name: a, prefer: vpn"), "prefer: vpn: |list"},
		{RULE("name: a, prefer: []"), "prefer: |empty"},
		{RULE("name: a, prefer: [vpn], only: [vpn]"), "only: the rule has another"},
		{RULE("name: a, deny: true, only: [vpn]"), "only: the rule has another"},
		{RULE("name: a, only: [vpn], deny: true"), "deny: the rule has another"},
		{RULE("name: a, prefer: [vnp]"), "prefer: vnp: no path has this name"},
		{RULE("name: a, only: [vpn, vpn]"), "only: vpn: listed twice"},
		{RULE("name: a, only: [vpn30, vpn30]"), "only: vpn30: listed twice"},
		{RULE("name: a, prefer: [vpn, vpn30]"), "vpn30: is of class vpn, listed before"},
		{RULE("name: a, only: [peering]"), "only: rule a: no path is of what it lists"},
		{EDGE "rules:\n- {name: a, deny: true}\n- {name: b, deny: true}\n"
		      "- name: a\n  only: [vpn]\n",
		 9, "name: a: two rules have it"},
		{EDGE "rules:\n- name: a\n  only:\n  - vpn\n  - wan\n", 10, "only: wan: no path"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_mistake(cases[i].text, cases[i].line, cases[i].words);
}

static void test_too_many(void **state)
{
	char text[20000] = EDGE "rules:\n";
	size_t n = strlen(text);

	(void)state;
	for (int i = 0; i < SW_MAX_RULES; i++)
		n += (size_t)sprintf(text + n, "- {name: r%d, deny: true}\n", i);
	config_free(parse_good(text));
	sprintf(text + n, "- {name: last, deny: true}\n");
	assert_mistake(text, 6 + SW_MAX_RULES + 1, "rules: 257 of them: give 256 at most");
}

/* What no flow will have is told, and taken all the same. */
static void test_warnings(void **state)
{
	static const struct {
		const char *rules;
		int line; /* 0: nothing is told */
		const char *words;
	} cases[] = {
		{"- {name: a, to: 10.0.0.0/8, proto: tcp, only: [vpn]}\n"
		 "- {name: b, to: 10.0.0.0/8, prefer: [er]}\n",
		 0, NULL},
		{"- {name: a, to: 10.0.0.0/8, only: [vpn]}\n"
		 "- {name: b, to: 10.1.0.0/16, proto: tcp, port: 5432, prefer: [vpn]}\n",
		 8, "rule b: never matches: rule a before it takes all that it would: put it"},
		{"- {name: a, deny: true}\n- {name: b, to: 'fd00::/8', deny: true}\n", 8,
		 "rule a before it"},
		{"- {name: a, port: 80, deny: true}\n"
		 "- {name: b, proto: udp, port: 80, dscp: 46, deny: true}\n",
		 8, "rule a before it"},
		{"- {name: a, proto: tcp, port: 80, deny: true}\n"
		 "- {name: b, port: 80, deny: true}\n",
		 0, NULL},
		{"- {name: a, dscp: 46, deny: true}\n- {name: b, dscp: 10, deny: true}\n", 0, NULL},
		{"- {name: a, from: 10.9.0.0/16, deny: true}\n", 7,
		 "no network of `inside` has any of 10.9.0.0/16"},
		{"- {name: a, from: 10.0.0.0/8, deny: true}\n", 0, NULL},
		{"- {name: a, to: 10.0.0.0/26, deny: true}\n", 7,
		 "10.0.0.0/26 is inside, and a rule is read from inside to outside"},
		{"- {name: a, to: 10.0.0.0/8, deny: true}\n", 0, NULL},
		{"- {name: a, to: 'fd00::/8', deny: true}\n", 7, "no network of `inside` is IPv6"},
		{"- {name: a, to: 10.7.7.7/32, deny: true}\nexempt: [{to: 10.7.0.0/16}]\n", 7,
		 "`exempt` has 10.7.7.7/32"},
		{"- {name: a, to: 10.7.0.0/16, deny: true}\nexempt: [{to: 10.7.7.7/32}]\n", 0,
		 NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct config_errors out = {0};
		char text[1000];
		struct config *cfg;

		snprintf(text, sizeof(text), EDGE "rules:\n%s", cases[i].rules);
		cfg = parse_good(text);
		assert_int_equal(rules_warn(cfg, &out), 0);
		if (out.n != !!cases[i].line)
			fail_msg("case %zu: %zu warnings", i, out.n);
		if (out.n &&
		    (out.v[0].line != cases[i].line || !strstr(out.v[0].text, cases[i].words)))
			fail_msg("case %zu: %d: %s", i, out.v[0].line, out.v[0].text);
		config_errors_free(&out);
		config_free(cfg);
	}
}

static const char full[] = EDGE "rules:\n"
				"- {name: secure, from: 10.0.0.0/25, to: 10.11.30.0/26, proto: "
				"tcp, port: 5432, prefer: [vpn]}\n"
				"- {name: voice, dscp: 46, proto: 17, only: [er, vpn31]}\n"
				"- {name: six, to: 'fd00::/8', proto: icmp6, deny: true}\n"
				"- {name: walls, proto: 89, stateful: true}\n";

static const char golden[] = "rules:\n"
			     "  - name: secure\n"
			     "    from: 10.0.0.0/25\n"
			     "    to: 10.11.30.0/26\n"
			     "    proto: tcp\n"
			     "    port: 5432\n"
			     "    stateful: false\n"
			     "    prefer: [vpn]\n"
			     "  - name: voice\n"
			     "    proto: udp\n"
			     "    dscp: 46\n"
			     "    stateful: false\n"
			     "    only: [er, vpn31]\n"
			     "  - name: six\n"
			     "    to: \"fd00::/8\"\n"
			     "    proto: icmp6\n"
			     "    stateful: false\n"
			     "    deny: true\n"
			     "  - name: walls\n"
			     "    proto: 89\n"
			     "    stateful: true\n"
			     "feeds: []\n";

static void test_print(void **state)
{
	struct config *cfg = parse_good(full), *again;
	char *text = config_print(cfg), *twice;

	(void)state;
	assert_non_null(strstr(text, golden));
	again = parse_good(text);
	twice = config_print(again);
	assert_string_equal(text, twice);
	free(text);
	free(twice);
	config_free(cfg);
	config_free(again);
}

/* What the list of a rule comes to: its kind, and the order of its paths. */
static void test_kinds(void **state)
{
	static const struct {
		const char *text;
		uint8_t flags;
		uint64_t step[3], other[3];
	} cases[] = {
		{ONE("name: a, prefer: [vpn]"), SW_RULE_BINDS | SW_RULE_ENCRYPT, {6}, {0}},
		{ONE("name: a, only: [vpn31]"), SW_RULE_BINDS | SW_RULE_ENCRYPT, {4}, {0}},
		{ONE("name: a, prefer: [vpn31, vpn]"),
		 SW_RULE_BINDS | SW_RULE_ENCRYPT,
		 {4, 2},
		 {0}},
		{ONE("name: a, prefer: [vpn, expressroute]"), 0, {6, 1}, {0, 6}},
		{ONE("name: a, prefer: [er, vpn31, vpn]"), 0, {1, 4, 2}, {0, 1, 1}},
		{ONE("name: a, only: [expressroute, vpn30]"), SW_RULE_BINDS, {3}, {0}},
		{ONE("name: a, prefer: [expressroute]"), 0, {1}, {0}},
		{ONE("name: a, deny: true"), SW_RULE_DENY, {0}, {0}},
		{ONE("name: a, stateful: true"), 0, {0}, {0}},
	};
	struct sw_rules *out = malloc(sizeof(*out));

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct config *cfg = parse_good(cases[i].text);

		rules_compile(cfg, NULL, UINT64_MAX, out);
		assert_int_equal(out->rule[0].flags, cases[i].flags);
		assert_memory_equal(out->rule[0].step, cases[i].step, sizeof(cases[i].step));
		assert_memory_equal(out->rule[0].other, cases[i].other, sizeof(cases[i].other));
		/* what packets do not know yet is no path to be bound to */
		rules_compile(cfg, NULL, 1, out);
		if (cases[i].flags & SW_RULE_ENCRYPT)
			assert_int_equal(out->rule[0].paths, 0);
		config_free(cfg);
	}
	free(out);
}

/* The compiled bits, found as slowly as can be. */
static const struct sw_rule_bits *bits4(const struct sw_rule_values *v, uint32_t x)
{
	size_t at = 0;

	while (at < SW_RULE_ENDS && v->low[at] <= x)
		at++;
	return &v->rules[at];
}

static const struct sw_rule_bits *bits6(const struct sw_rule_values6 *v, uint64_t high,
					uint64_t low)
{
	size_t at = 0;

	while (at < SW_RULE_ENDS &&
	       (v->high[at] < high || (v->high[at] == high && v->low[at] <= low)))
		at++;
	return &v->rules[at];
}

static uint64_t half_of(const struct ip_addr *ip, int from)
{
	uint64_t v = 0;

	for (int i = from; i < from + 8; i++)
		v = v << 8 | ip->bytes[i];
	return v;
}

static int found(const struct sw_rules *r, const struct rule_flow *flow)
{
	const struct sw_rule_bits *d[5] = {NULL};

	if (flow->from.family == 4) {
		d[0] = bits4(&r->from4, (uint32_t)(half_of(&flow->from, 0) >> 32));
		d[1] = bits4(&r->to4, (uint32_t)(half_of(&flow->to, 0) >> 32));
	} else {
		d[0] = bits6(&r->from6, half_of(&flow->from, 0), half_of(&flow->from, 8));
		d[1] = bits6(&r->to6, half_of(&flow->to, 0), half_of(&flow->to, 8));
	}
	d[2] = bits4(&r->port, flow->port);
	d[3] = &r->proto[flow->proto];
	d[4] = flow->dscp < 0 ? &r->dscp_unknown : &r->dscp[flow->dscp];
	for (int i = 0; i < SW_MAX_RULES; i++) {
		bool all = true;

		for (int k = 0; k < 5; k++)
			all &= d[k]->w[i / 64] >> i % 64 & 1;
		if (all)
			return i;
	}
	return -1;
}

static struct ip_addr random_ip(uint8_t family)
{
	static const uint8_t few[] = {0, 1, 127, 128, 255};
	struct ip_addr ip = {.family = family};

	for (int i = 0; i < (family == 4 ? 4 : 16); i++)
		ip.bytes[i] = few[(size_t)rand() % sizeof(few)];
	return ip;
}

static void random_prefix(struct prefix *p, uint8_t family)
{
	char text[PREFIX_STRLEN], address[IP_STRLEN];
	struct ip_addr ip = random_ip(family);
	bool masked;

	snprintf(text, sizeof(text), "%s/%u", ip_format(&ip, address),
		 (unsigned int)rand() % (family == 4 ? 33 : 129));
	assert_int_equal(prefix_parse(text, p, &masked), 0);
}

static struct config_rule random_rule(void)
{
	static const int protos[] = {-1, -1, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP};
	struct config_rule rule = {.action = RULE_DENY, .dscp = rand() % 4 ? -1 : rand() % 2};
	uint8_t family = rand() % 2 ? 4 : 6;

	if (rand() % 4)
		random_prefix(&rule.to, family);
	if (rand() % 2)
		random_prefix(&rule.from, family);
	rule.proto = protos[(size_t)rand() % COUNT(protos)];
	if (rule.proto != IPPROTO_ICMP && rand() % 2)
		rule.port = rand() % 3 ? 1 + (uint32_t)rand() % 3 : 65535;
	return rule;
}

static void test_random(void **state)
{
	static const uint16_t ports[] = {0, 1, 2, 3, 4, 65534, 65535};
	const char *text = getenv("SEED");
	unsigned int seed = text ? (unsigned int)strtoul(text, NULL, 0) : 20261127;
	struct sw_rules *out = malloc(sizeof(*out));
	static struct config_rule rules[SW_MAX_RULES];
	struct config cfg = {.rules = rules};

	(void)state;
	print_message("SEED=%u\n", seed);
	srand(seed);
	for (int round = 0; round < 60; round++) {
		cfg.n_rules = round % 3 ? 1 + (size_t)rand() % 20 : SW_MAX_RULES;
		for (size_t i = 0; i < cfg.n_rules; i++)
			rules[i] = random_rule();
		rules_compile(&cfg, NULL, UINT64_MAX, out);
		for (int i = 0; i < 200; i++) {
			uint8_t family = rand() % 2 ? 4 : 6;
			struct rule_flow flow = {.from = random_ip(family),
						 .to = random_ip(family),
						 .proto = rand() % 2   ? IPPROTO_TCP
							  : rand() % 2 ? IPPROTO_UDP
								       : IPPROTO_ICMP,
						 .port = ports[(size_t)rand() % COUNT(ports)],
						 .dscp = rand() % 3 - 1};
			const struct config_rule *rule = rules_match(&cfg, &flow);

			assert_int_equal(found(out, &flow), rule ? (int)(rule - rules) : -1);
		}
	}
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mistakes), cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_warnings), cmocka_unit_test(test_print),
		cmocka_unit_test(test_kinds),	 cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
