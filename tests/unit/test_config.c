/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The config as its writer meets it: what is taken, with which defaults, how it prints, and for
 * each mistake the line and the words that help. EXAMPLES names the directory of edge.yaml
 * (default: docs/examples, from the root of the checkout).
 */
#include "config_assert.h"

static char *read_file(const char *name)
{
	const char *dir = getenv("EXAMPLES");
	char path[512], *text = calloc(1, 65536);
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir ? dir : "docs/examples", name);
	f = fopen(path, "r");
	if (!f)
		fail_msg("%s: not there: run from the root of the checkout, or set EXAMPLES", path);
	assert_non_null(text);
	assert_true(fread(text, 1, 65535, f) > 0);
	fclose(f);
	return text;
}

/* --for takes what the config takes. */
static void test_duration(void **state)
{
	uint64_t ns = 7;
	(void)state;

	assert_int_equal(duration_parse("10m", &ns), 0);
	assert_int_equal(ns, 600000000000ULL);
	assert_int_equal(duration_parse("250ms", &ns), 0);
	assert_int_equal(ns, 250000000);
	assert_int_equal(duration_parse("24h", &ns), 0);
	assert_int_equal(duration_parse("25h", &ns), -ERANGE);
	assert_int_equal(duration_parse("99999999999s", &ns), -ERANGE);
	assert_int_equal(duration_parse("10", &ns), -EDOM);
	assert_int_equal(duration_parse("", &ns), -EINVAL);
	assert_int_equal(duration_parse("s", &ns), -EINVAL);
	assert_int_equal(duration_parse("-1s", &ns), -EINVAL);
	assert_int_equal(duration_parse("1d", &ns), -EINVAL);
}

static void test_defaults(void **state)
{
	struct config *cfg = parse_good(BASE);

	(void)state;
	assert_int_equal(cfg->mode, SW_MODE_MONITOR);
	assert_int_equal(cfg->n_prefer, 2);
	assert_int_equal(config_rank(cfg, SW_CLASS_EXPRESSROUTE), 0);
	assert_int_equal(config_rank(cfg, SW_CLASS_VPN), 1);
	assert_int_equal(config_rank(cfg, SW_CLASS_PEERING), SW_NO_RANK);
	assert_int_equal(cfg->match, MATCH_LONGEST_PREFIX);
	assert_int_equal(cfg->scope, SW_SCOPE_CLASS);
	assert_true(cfg->grace_ns == 60 * 1000000000ULL && cfg->confirm_ns == 15 * 1000000000ULL);
	assert_true(cfg->failback_delay_ns == 1000000000ULL);
	assert_true(cfg->stale_ns == 120 * 1000000000ULL);
	assert_int_equal(cfg->forward, FORWARD_AUTO);
	assert_int_equal(cfg->fwmark, 0xff0000);
	assert_int_equal(cfg->tables, 7000);
	assert_false(cfg->bypass_netfilter);
	assert_int_equal(cfg->default_route, DEFAULT_ROUTE_NEVER);
	assert_int_equal(cfg->class_first_min, 16);
	assert_int_equal(cfg->flows, 65536);
	assert_int_equal(cfg->nodes4, 8192);
	assert_int_equal(cfg->nodes6, 16384);
	assert_int_equal(cfg->flows6, 16384);
	assert_int_equal(cfg->n_exempt, 0);
	assert_int_equal(cfg->n_feeds, 0);
	config_free(cfg);
}

static void test_example(void **state)
{
	char *text = read_file("edge.yaml");
	struct config *cfg = parse_good(text);
	const struct config_path *er, *vpn;

	(void)state;
	assert_int_equal(cfg->n_paths, 2);
	er = config_path_by_name(cfg, "er1-primary");
	vpn = config_path_by_name(cfg, "vpn30");
	assert_non_null(er);
	assert_non_null(vpn);
	assert_null(config_path_by_name(cfg, "vpn3"));
	assert_int_equal(er->class, SW_CLASS_EXPRESSROUTE);
	assert_string_equal(er->interface, "er0");
	assert_int_equal(er->gateway.bytes[3], 18);
	assert_true(ip_equal(&er->gateway, &er->peers[0]));
	assert_int_equal(vpn->gateway.family, 0);
	assert_int_not_equal(er->circuit_id, vpn->circuit_id);
	assert_string_equal(cfg->inside[0].interface, "lan0");
	assert_int_equal(cfg->exempt[0].prefix.len, 32);
	assert_false(cfg->exempt[0].from);
	assert_int_equal(cfg->feeds[0].type, FEED_BGP);
	assert_int_equal(cfg->feeds[0].port, 1790);
	assert_int_equal(cfg->feeds[0].as, 65021);
	assert_int_equal(cfg->feeds[0].router_id, 0x0a021efa);
	assert_int_equal(cfg->feeds[0].n_peers, 1);
	config_free(cfg);
	free(text);
}

static const char full[] =
	"feeds:\n"
	"  - {name: j, type: jsonl, file: \"r \\u00e9\\t\\\"\\\\\\U0001F600.jsonl\", follow: "
	"true}\n"
	"  - {name: b, type: bgp, listen: '[fd00::2]:179', as: 4200000000,\n"
	"     router-id: 10.2.30.250, peers: ['fd00::1'], password: 'its #1',\n"
	"     ttl-security: true}\n"
	"  - {name: k, type: rtnetlink}\n"
	"  - {name: l, type: rtnetlink, table: 101, protocol: [bird, 2, 7, 255]}\n"
	"exempt: [{to: 10.9.0.0/16}, {from: 'fd00:9::1'}]\n"
	"inside: [{interface: l0, networks: [10.0.0.0/24, 'fd00:1::/64'], gateway: 192.0.2.1,\n"
	"          gateway6: 'fe80::1', stateful: true}, {interface: l1, networks: "
	"[10.0.1.0/24], hook: xdp-generic}]\n"
	"paths:\n"
	"- &p {name: 'null', class: vpn, interface: e0, gateway: 192.0.2.9, encrypted: true, mtu: "
	"1400, hook: tc}\n"
	"- {name: b, class: expressroute, circuit: 'true', interface: 'e{1', gateway6: 'fe80::1',\n"
	"   as: 12076, peers: [192.0.2.7, 'FD00::0:7'], vlan: [], bfd: true, weight: 64, hook: "
	"auto,\n   prefix-limit: {in6: 7, out: 10000},\n"
	"   l3: 'e{1', probe: ~, mss: 65495}\n"
	"- {name: c, class: other, interface: e2, hook: xdp, probe: {target: '[FD00::9]:443',\n"
	"   interval: 60000ms, misses: 20}}\n"
	"- {name: -d, class: peering, circuit: 'true', interface: e3, mss: auto,\n"
	"   probe: {target: 192.0.2.200}}\n"
	"- {name: e, class: other, interface: e0, vlan: [30, 300], l3: e0.300, gateway6: "
	"'fe80::1', hook: tc}\n"
	"- {name: f, class: other, interface: e0, vlan: [4094], gateway6: 'fe80::1', hook: tc,\n"
	"   l3: e0.4094, probe: {target: 'fd00::4:443'}}\n"
	"- {name: g, class: other, interface: e0, gateway: 192.0.2.10, hook: tc}\n"
	"mode: enforce\nmatch: class-first\nforward: kernel\ndefault-route: last\n"
	"asymmetry: {scope: circuit, grace: 90s, confirm: 1500ms, action: reflect}\n"
	"failback-delay: 0ms\nstale-time: 120m\nclass-first-min: 0\nflows: 0x400\nflows6: 64\n"
	"fib: { nodes6: 1048576 }\ntransit: allow\n"
	"multipath: circuits\nfwmark: 2130706432\ntables: 256\nbypass-netfilter: true\nrules: []\n"
	"notify: { command: 'page --to \"me\"' }\nexport:\nfleet: ~\nprefer: [vpn, other]\n";

static const char golden[] = "mode: enforce\n"
			     "prefer: [vpn, other]\n"
			     "match: class-first\n"
			     "asymmetry:\n"
			     "  scope: circuit\n"
			     "  grace: 90s\n"
			     "  confirm: 1500ms\n"
			     "  action: reflect\n"
			     "failback-delay: 0s\n"
			     "stale-time: 2h\n"
			     "transit: allow\n"
			     "forward: kernel\n"
			     "fwmark: 0x7f000000\n"
			     "tables: 256\n"
			     "bypass-netfilter: true\n"
			     "default-route: last\n"
			     "class-first-min: 0\n"
			     "multipath: circuits\n"
			     "flows: 1024\n"
			     "flows6: 64\n"
			     "fib: { nodes4: 8192, nodes6: 1048576 }\n"
			     "paths:\n"
			     "  - name: \"null\"\n"
			     "    class: vpn\n"
			     "    interface: e0\n"
			     "    gateway: 192.0.2.9\n"
			     "    peers: []\n"
			     "    mtu: 1400\n"
			     "    weight: 1\n"
			     "    encrypted: true\n"
			     "    bfd: false\n"
			     "    hook: tc\n"
			     "  - name: b\n"
			     "    class: expressroute\n"
			     "    circuit: \"true\"\n"
			     "    interface: \"e{1\"\n"
			     "    gateway6: \"fe80::1\"\n"
			     "    peers: [192.0.2.7, \"fd00::7\"]\n"
			     "    as: 12076\n"
			     "    mss: 65495\n"
			     "    weight: 64\n"
			     "    prefix-limit: { in: 1000, in6: 7, out: 10000 }\n"
			     "    encrypted: false\n"
			     "    bfd: true\n"
			     "    hook: auto\n"
			     "  - name: c\n"
			     "    class: other\n"
			     "    interface: e2\n"
			     "    peers: []\n"
			     "    weight: 1\n"
			     "    probe:\n"
			     "      target: \"[fd00::9]:443\"\n"
			     "      interval: 1m\n"
			     "      misses: 20\n"
			     "    encrypted: false\n"
			     "    bfd: false\n"
			     "    hook: xdp\n"
			     "  - name: \"-d\"\n"
			     "    class: peering\n"
			     "    circuit: \"true\"\n"
			     "    interface: e3\n"
			     "    peers: []\n"
			     "    mss: auto\n"
			     "    weight: 1\n"
			     "    probe:\n"
			     "      target: 192.0.2.200\n"
			     "      interval: 1s\n"
			     "      misses: 3\n"
			     "    encrypted: false\n"
			     "    bfd: false\n"
			     "    hook: auto\n"
			     "  - name: e\n"
			     "    class: other\n"
			     "    interface: e0\n"
			     "    vlan: [30, 300]\n"
			     "    l3: e0.300\n"
			     "    gateway6: \"fe80::1\"\n"
			     "    peers: []\n"
			     "    weight: 1\n"
			     "    encrypted: false\n"
			     "    bfd: false\n"
			     "    hook: tc\n"
			     "  - name: f\n"
			     "    class: other\n"
			     "    interface: e0\n"
			     "    vlan: [4094]\n"
			     "    l3: e0.4094\n"
			     "    gateway6: \"fe80::1\"\n"
			     "    peers: []\n"
			     "    weight: 1\n"
			     "    probe:\n"
			     "      target: \"[fd00::4:443]\"\n"
			     "      interval: 1s\n"
			     "      misses: 3\n"
			     "    encrypted: false\n"
			     "    bfd: false\n"
			     "    hook: tc\n"
			     "  - name: g\n"
			     "    class: other\n"
			     "    interface: e0\n"
			     "    gateway: 192.0.2.10\n"
			     "    peers: []\n"
			     "    weight: 1\n"
			     "    encrypted: false\n"
			     "    bfd: false\n"
			     "    hook: tc\n"
			     "inside:\n"
			     "  - interface: l0\n"
			     "    networks: [10.0.0.0/24, \"fd00:1::/64\"]\n"
			     "    gateway: 192.0.2.1\n"
			     "    gateway6: \"fe80::1\"\n"
			     "    stateful: true\n"
			     "    hook: auto\n"
			     "  - interface: l1\n"
			     "    networks: [10.0.1.0/24]\n"
			     "    stateful: false\n"
			     "    hook: xdp-generic\n"
			     "exempt:\n"
			     "  - to: 10.9.0.0/16\n"
			     "  - from: \"fd00:9::1/128\"\n"
			     "rules: []\n"
			     "feeds:\n"
			     "  - name: j\n"
			     "    type: jsonl\n"
			     "    file: \"r \\u00E9\\u0009\\\"\\\\\\U0001F600.jsonl\"\n"
			     "    follow: true\n"
			     "  - name: b\n"
			     "    type: bgp\n"
			     "    listen: \"[fd00::2]:179\"\n"
			     "    as: 4200000000\n"
			     "    router-id: 10.2.30.250\n"
			     "    password: \"its #1\"\n"
			     "    ttl-security: true\n"
			     "    peers: [\"fd00::1\"]\n"
			     "  - name: k\n"
			     "    type: rtnetlink\n"
			     "    table: 254\n"
			     "  - name: l\n"
			     "    type: rtnetlink\n"
			     "    table: 101\n"
			     "    protocol: [kernel, 7, bird, 255]\n"
			     "notify:\n"
			     "    command: \"page --to \\\"me\\\"\"\n";

static void test_print_golden(void **state)
{
	struct config *cfg = parse_good(full), *again;
	char *one = config_print(cfg), *two;

	(void)state;
	assert_string_equal(one, golden);
	again = parse_good(one);
	two = config_print(again);
	assert_string_equal(one, two);
	assert_string_equal(again->feeds[0].file, "r \xc3\xa9\t\"\\\xf0\x9f\x98\x80.jsonl");
	assert_int_equal(config_rank(again, SW_CLASS_OTHER), 1);
	config_free(cfg);
	config_free(again);
	free(one);
	free(two);
}

/* Circuits are numbered by their first path; a path without one is alone in its own. */
static void test_circuits(void **state)
{
	struct config *cfg = parse_good(full);

	(void)state;
	assert_int_equal(cfg->paths[0].circuit_id, 0);
	assert_int_equal(cfg->paths[1].circuit_id, 1);
	assert_int_equal(cfg->paths[2].circuit_id, 2);
	assert_int_equal(cfg->paths[3].circuit_id, 1);
	config_free(cfg);
	cfg = parse_good(INSIDE "paths:\n- {name: a, class: vpn, circuit: x, interface: t0}\n"
				"- {name: b, class: vpn, circuit: x, interface: t1}\n"
				"- {name: c, class: vpn, interface: t2}\n");
	assert_int_equal(cfg->paths[1].circuit_id, 0);
	assert_int_equal(cfg->paths[2].circuit_id, 1);
	config_free(cfg);
}

/* All mistakes at once, each on its line, whatever the order they were found in. */
static void test_all_mistakes(void **state)
{
	static const char text[] = "mod: enforce\n"
				   "flows: 1\n"
				   "feeds: [{name: f, type: bmp}]\n"
				   "inside: [{interface: l0, networks: [10.0.0.1/24]}]\n"
				   "paths:\n"
				   "  - name: a\n"
				   "    class: wan\n"
				   "    interface: l0\n"
				   "    mtu: 1\n"
				   "transit: permit\n";
	static const int lines[] = {1, 2, 3, 3, 4, 4, 7, 9, 10};
	struct config_errors errors;

	(void)state;
	parse_bad_len(text, strlen(text), &errors);
	assert_int_equal(errors.n, COUNT(lines));
	for (size_t i = 0; i < errors.n; i++)
		assert_int_equal(errors.v[i].line, lines[i]);
	config_errors_free(&errors);
}

/* Anchors are for the writer's ease; one mistake behind an alias is one mistake. */
static void test_aliases(void **state)
{
	struct config *cfg = parse_good("inside: [{interface: l0, networks: &n [10.0.0.0/24]}]\n"
					"exempt: [{to: &x 10.9.0.0/16}, {from: *x}]\n" PATH);

	(void)state;
	assert_true(prefix_equal(&cfg->exempt[0].prefix, &cfg->exempt[1].prefix));
	assert_true(cfg->exempt[1].from);
	config_free(cfg);
	assert_mistake(BASE "feeds: [{name: f, type: jsonl, file: &x []}, {name: g, type: jsonl, "
			    "file: *x}]\n",
		       3, "file: a list: wrong type");
}

static void test_aliases_cycle(void **state)
{
	struct config_errors errors;
	const char *text = "paths: &x [*x, {name: *x}]\ninside: *x\nexempt: *x\nprefer: *x\n";

	(void)state;
	parse_bad_len(text, strlen(text), &errors);
	config_errors_free(&errors);
}

static size_t add_entries(char *text, size_t at, size_t n, const char *fmt)
{
	for (size_t i = 0; i < n; i++)
		at += (size_t)sprintf(text + at, fmt, i, i);
	return at;
}

static void test_limits(void **state)
{
	static const char path[] = "- {name: p%zu, class: vpn, interface: t%zu}\n";
	static const char inside[] = "- {interface: l%zu, networks: [10.%zu.0.0/16]}\n";
	char text[16384];
	struct config *cfg;
	size_t at;

	(void)state;
	at = (size_t)sprintf(text, "paths:\n");
	at = add_entries(text, at, 64, path);
	at += (size_t)sprintf(text + at, "inside:\n");
	at = add_entries(text, at, 64, inside);
	cfg = parse_good(text);
	assert_int_equal(cfg->n_paths, 64);
	assert_int_equal(cfg->n_inside, 64);
	assert_int_equal(cfg->paths[63].circuit_id, 63);
	config_free(cfg);
	add_entries(text, at, 1, "- {interface: m%zu, networks: [11.%zu.0.0/16]}\n");
	assert_mistake(text, 131, "inside: 65 of them: give 64 at most");
	at = (size_t)sprintf(text, "paths:\n");
	at = add_entries(text, at, 65, path);
	sprintf(text + at, INSIDE);
	assert_mistake(text, 66, "paths: 65 of them: give 64 at most");
}

/* A file that is not a config at all does not fill the terminal for ever. */
static void test_many_mistakes(void **state)
{
	char *text = calloc(1, 65536);
	struct config_errors errors;
	size_t len;

	(void)state;
	assert_non_null(text);
	len = add_entries(text, 0, 2000, "key%zu: %zu\n");
	parse_bad_len(text, len, &errors);
	assert_int_equal(errors.n, 1001);
	assert_non_null(strstr(errors.v[1000].text, "more mistakes"));
	config_errors_free(&errors);
	free(text);
}

/* Cut anywhere, the example is taken or told wrong, and nothing leaks. */
static void test_truncated(void **state)
{
	char *text = read_file("edge.yaml");
	size_t len = strlen(text);

	(void)state;
	for (size_t i = 0; i < len; i++) {
		struct config_errors errors;
		struct config *cfg = NULL;
		int rc = config_parse(text, i, &cfg, &errors);

		assert_true(rc == -EINVAL ? errors.n > 0 && !cfg : rc == 0 && cfg);
		config_free(cfg);
		config_errors_free(&errors);
	}
	free(text);
}

static void test_classes(void **state)
{
	enum sw_class class = SW_CLASS_VPN;

	(void)state;
	assert_string_equal(class_name(SW_CLASS_EXPRESSROUTE), "expressroute");
	assert_int_equal(class_parse("lte", &class), -EINVAL);
	assert_int_equal(class, SW_CLASS_VPN);
	assert_int_equal(class_parse("peering", &class), 0);
	assert_int_equal(class, SW_CLASS_PEERING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_duration),  cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_example),	  cmocka_unit_test(test_print_golden),
		cmocka_unit_test(test_circuits),  cmocka_unit_test(test_all_mistakes),
		cmocka_unit_test(test_aliases),	  cmocka_unit_test(test_aliases_cycle),
		cmocka_unit_test(test_limits),	  cmocka_unit_test(test_many_mistakes),
		cmocka_unit_test(test_truncated), cmocka_unit_test(test_classes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
