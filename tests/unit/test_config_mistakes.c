/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Each mistake of a config alone: the line it is told on and the words that help its writer. A row
 * a mistake, so a new key needs a row for each way to get it wrong.
 */
#include "config_assert.h"

struct mistake {
	const char *text;
	int line;
	const char *words;
};

static void assert_mistakes(const struct mistake *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_mistake(v[i].text, v[i].line, v[i].words);
}

static void test_values(void **state)
{
	static const struct mistake cases[] = {
		{BASE "mode: fast\n", 3, "mode: fast: |monitor, enforce"},
		{BASE "mode: [enforce]\n", 3,
		 "mode: a list: wrong type: give one of monitor, enforce"},
		{BASE "asymmetry: {action: [drop]}\n", 3,
		 "action: a list: wrong type: give one of alert, reflect, drop"},
		{BASE "transit: [deny]\n", 3,
		 "transit: a list: wrong type: give one of deny, allow"},
		{BASE "mode:\n", 3, "mode: no value"},
		{BASE "match: shortest\n", 3, "longest-prefix, class-first"},
		{BASE "prefer: expressroute\n", 3, "prefer: expressroute: |a list of classes"},
		{BASE "prefer: []\n", 3, "prefer|empty"},
		{BASE "prefer:\n- vpn\n- wan\n", 5, "prefer: wan: no class|expressroute"},
		{BASE "prefer:\n- vpn\n- vpn\n", 5, "prefer: vpn: listed twice"},
		{BASE "failback-delay: 10\n", 3, "10: a number without unit|10s"},
		{BASE "stale-time: 2d\n", 3, "stale-time: 2d: not a duration"},
		{BASE "stale-time: s\n", 3, "not a duration"},
		{BASE "stale-time: 1.5s\n", 3, "not a duration"},
		{BASE "stale-time: -1s\n", 3, "not a duration"},
		{BASE "asymmetry:\n  grace: 25h\n", 4, "grace: 25h: too long|24h"},
		{BASE "asymmetry:\n  confirm: 99999999999999999999ms\n", 4, "confirm|too long"},
		{BASE "asymmetry: 60s\n", 3, "asymmetry: not a mapping"},
		{BASE "asymmetry: {scope: flow}\n", 3, "scope: flow: |class, circuit, path"},
		{BASE "asymmetry: {action: block}\n", 3, "action: block: |alert, reflect, drop"},
		{BASE "fib: { nodes4: 63 }\n", 3, "nodes4: 63: out of range: give 64 to 32768"},
		{BASE "fib: { nodes6: 1048577 }\n", 3, "give 64 to 1048576"},
		{BASE "fib: { nodes: 64 }\n", 3, "nodes"},
		{BASE "fib: 64\n", 3, "fib"},
		{BASE "flows: 63\n", 3, "flows: 63: out of range: give 64 to 4194304"},
		{BASE "flows6: 63\n", 3, "flows6: 63: out of range: give 64 to 4194304"},
		{BASE "flows6: 4194305\n", 3, "flows6: 4194305: out of range"},
		{BASE "flows: 4194305\n", 3, "out of range"},
		{BASE "flows: many\n", 3, "flows: many: not a number"},
		{BASE "flows: '2048'\n", 3, "without quotes"},
		{BASE "flows: 99999999999999999999999\n", 3, "flows"},
		{BASE "flows: 02048\n", 3, "not a number"},
		{BASE "class-first-min: 129\n", 3, "0 to 128"},
		{BASE "multipath: yes\n", 3, "not known: give one of circuit, circuits"},
		{BASE "exempt: [{to: 10.0.0.1/8}]\n", 3,
		 "to: 10.0.0.1/8: has host bits: give 10.0.0.0/8"},
		{BASE "exempt: [{from: lan}]\n", 3, "from: lan: no prefix"},
		{BASE "exempt:\n  - {}\n", 4, "give `to` or `from`"},
		{BASE "exempt: [10.0.0.1]\n", 3, "an exempt entry: not a mapping"},
		{BASE "mode: \"a\\0b\"\n", 3, "zero byte"},
		{BASE "mode: \"\\e[31m\"\n", 3, "mode: ?[31m: not known"},
	};

	(void)state;
	assert_mistakes(cases, COUNT(cases));
}

#define P(rest) "paths:\n- {name: a, class: vpn, interface: t0}\n- {" rest "}\n" INSIDE
#define G(a, b)                                                                                    \
	"paths:\n- {name: a, class: vpn, interface: t0, " a                                        \
	"}\n- {name: b, class: vpn, interface: t0, " b "}\n" INSIDE
static void test_paths(void **state)
{
	static const struct mistake cases[] = {
		{INSIDE, 1, "paths: missing in the config"},
		{INSIDE "paths: []\n", 2, "at least one path"},
		{INSIDE "paths:\n", 2, "paths: no value: |a list"},
		{INSIDE "paths: {a: b}\n", 2, "paths: a mapping: wrong type: give a list"},
		{P("class: vpn, interface: t1"), 3, "name: missing in a path"},
		{P("name: b, interface: t1"), 3, "class: missing"},
		{P("name: b, class: vpn"), 3, "interface: missing"},
		{P("name: b c, class: vpn, interface: t1"), 3, "name: b c: not a name"},
		{P("name: a2345678901234567890123456789012, class: vpn, interface: t1"), 3, "31"},
		{P("name: b, class: lte, interface: t1"), 3, "class: lte: |expressroute, vpn"},
		{P("name: a, class: vpn, interface: t1"), 3, "name: a: two paths"},
		{P("name: b, class: vpn, interface: t0"), 3, "interface: t0: paths a and b |vlan"},
		{P("name: b, class: vpn, interface: t0, gateway: 192.0.2.1"), 3,
		 "interface: t0: paths a and b |gateway"},
		{G("gateway: 192.0.2.1, gateway6: 'fe80::1'",
		   "gateway: 192.0.2.2, gateway6: 'fe80::1'"),
		 3, "interface: t0: paths a and b "},
		{G("vlan: [30], gateway6: 'fe80::1'", "vlan: [30], gateway6: 'fe80::1'"), 3,
		 "interface: t0: paths a and b |same tags"},
		{G("vlan: [300], gateway: 192.0.2.1, hook: tc",
		   "vlan: [301], gateway: 192.0.2.2, hook: xdp"),
		 3, "hook: xdp: path a on the same interface t0 has tc|give both the same"},
		{G("vlan: [300], gateway: 192.0.2.1, hook: tc", "vlan: [301], gateway: 192.0.2.2"),
		 3, "hook: auto: path a on the same interface t0 has tc"},
		{P("name: b, class: vpn, interface: t1, hook: XDP"), 3,
		 "hook: XDP: not known|auto, xdp, xdp-generic, tc"},
		{P("name: b, class: vpn, interface: t1, hook: [tc]"), 3, "hook: a list"},
		{G("vlan: [300], l3: t0.300, gateway: 192.0.2.1",
		   "vlan: [300], l3: t0.301, gateway: 192.0.2.2"),
		 3, "l3: t0.301: path a has the same interface and tags, and t0.300"},
		{P("name: b, class: vpn, interface: t1, vlan: [30]"), 3, "vlan: path b |gateway"},
		{P("name: b, class: vpn, interface: t1, vlan: 30"), 3, "vlan: 30: wrong type"},
		{P("name: b, class: vpn, interface: t1, gateway: 192.0.2.1, vlan: [0]"), 3,
		 "vlan: 0: no VLAN id|1 to 4094"},
		{P("name: b, class: vpn, interface: t1, gateway: 192.0.2.1, vlan: [30, 4095]"), 3,
		 "vlan: 4095: no VLAN id"},
		{P("name: b, class: vpn, interface: t1, gateway: 192.0.2.1, vlan: [1, 2, 3]"), 3,
		 "vlan: a list: 3 tags: give two"},
		{P("name: b, class: vpn, interface: t1, gateway: 192.0.2.1, l3: a/b"), 3,
		 "l3: a/b: no interface"},
		{P("name: b, class: vpn, interface: t1, gateway: 192.0.2.1, l3: t0"), 3,
		 "l3: t0: a has it as its interface"},
		{P("name: b, class: vpn, interface: t1, gateway: 192.0.2.1, l3: l0"), 3,
		 "l3: l0: inside has it"},
		{P("name: b, class: vpn, interface: l0"), 4, "interface: l0: |path b|not both"},
		{P("name: b, class: vpn, interface: a234567890123456"), 3, "1 to 15"},
		{P("name: b, class: vpn, interface: a/b"), 3, "interface: a/b"},
		{P("name: b, class: vpn, interface: t1, gateway: 'fe80::1'"), 3, "family|gateway6"},
		{P("name: b, class: vpn, interface: t1, gateway6: 1.2.3.4"), 3,
		 "gateway6: 1.2.3.4: wrong family|gateway"},
		{P("name: b, class: vpn, interface: t1, gateway: 1.2.3"), 3, "no address"},
		{P("name: b, class: vpn, interface: t1, gateway: 224.0.0.1"), 3, "no neighbour"},
		{P("name: b, class: vpn, interface: t1, gateway6: '::'"), 3, "no neighbour"},
		{P("name: b, class: vpn, interface: t1, peers: 1.2.3.4"), 3,
		 "peers: 1.2.3.4: |list"},
		{P("name: b, class: vpn, interface: t1, peers: [1.2.3.4/32]"), 3,
		 "without /length"},
		{P("name: b, class: vpn, interface: t1, peers: [1.2.3.4, 1.2.3.4]"), 3,
		 "peers: 1.2.3.4: listed twice"},
		{P("name: b, class: vpn, interface: t1, as: 0"), 3, "as: 0: out of range"},
		{P("name: b, class: vpn, interface: t1, as: 4294967296"), 3, "out of range"},
		{P("name: b, class: vpn, interface: t1, mtu: 575"), 3,
		 "mtu: 575: out of range: give 576 to 65535"},
		{P("name: b, class: vpn, interface: t1, mss: 535"), 3,
		 "mss: 535: out of range: give 536 to 65495, or auto"},
		{P("name: b, class: vpn, interface: t1, mss: 65496"), 3, "out of range"},
		{P("name: b, class: vpn, interface: t1, mss: pmtu"), 3,
		 "mss: pmtu: no MSS: give a number from 536 to 65495, or auto"},
		{P("name: b, class: vpn, interface: t1, mss: [1300]"), 3,
		 "mss: a list: wrong type: give a number or auto"},
		{P("name: b, class: vpn, interface: t1, weight: 0"), 3,
		 "weight: 0: out of range: give 1 to 64"},
		{P("name: b, class: vpn, interface: t1, weight: 65"), 3, "out of range"},
		{P("name: b, class: expressroute, interface: t1, prefix-limit: { in: 0 }"), 3,
		 "in: 0: out of range"},
		{P("name: b, class: vpn, interface: t1, prefix-limit: { out: 9 }"), 3,
		 "prefix-limit: path b is no expressroute path: remove it"},
		{P("name: b, class: vpn, interface: t1, weight: 1.5"), 3, "weight: 1.5: "},
		{P("name: b, class: vpn, interface: t1, mtu: 1279, gateway6: 'fe80::1'"), 3,
		 "mtu: 1279: too small for IPv6"},
		{P("name: b, class: vpn, interface: t1, bfd: true"), 3,
		 "bfd: true: path b|no gateway and no peers"},
		{P("name: b, class: vpn, interface: t1, bfd: yes"), 3, "bfd: yes: |true or false"},
		{P("name: b, class: vpn, interface: t1, bfd: true, gateway: 1.2.3.4, peers: "
		   "[1.2.3.4, 2.1.1.1, 2.1.1.2, 2.1.1.3, 2.1.1.4, 2.1.1.5, 2.1.1.6, 2.1.1.7, "
		   "2.1.1.8]"),
		 3, "bfd: true: path b has 9|8 at most"},
		{P("name: b, class: vpn, interface: t1, encrypted: yes"), 3,
		 "encrypted: yes: |true or false"},
		{P("name: b, class: vpn, interface: t1, gateway: 1.2.3.4") "mode: enforce\n", 3,
		 "encrypted|path b"},
		{P("name: b, class: vpn, interface: t1, gateway6: 'fe80::1', encrypted: "
		   "false") "mode: enforce\n",
		 3, "encrypted"},
		{"paths:\n- {name: a, class: vpn, interface: t0, peers: [1.2.3.4]}\n- {name: b, "
		 "class: vpn, interface: t1, gateway: 1.2.3.4}\n" INSIDE,
		 3, "gateway: 1.2.3.4: path a has it too"},
		{"paths:\n- {name: a, class: vpn, interface: t0, peers: [1.2.3.4]}\n- name: b\n  "
		 "class: vpn\n  interface: t1\n  peers:\n  - 1.2.3.5\n  - 1.2.3.4\n" INSIDE,
		 8, "peers: 1.2.3.4: path a"},
		{"paths: [{name: a, class: vpn, interface: t0, mtu: 1000}]\ninside: [{interface: "
		 "l0, networks: ['fd00::/64']}]\n",
		 1, "mtu: 1000: too small for IPv6"},
	};

	(void)state;
	assert_mistakes(cases, COUNT(cases));
}

/* What is right although it looks like a mistake. */
static void test_paths_alike(void **state)
{
	(void)state;
	config_free(parse_good(P("name: b, class: vpn, interface: t1, gateway: 1.2.3.4")));
	config_free(parse_good(P("name: b, class: vpn, interface: t1") "mode: enforce\n"));
	config_free(parse_good(P("name: b, class: vpn, interface: t1, gateway: 1.2.3.4, peers: "
				 "[1.2.3.4], mtu: 576, encrypted: true") "mode: enforce\n"));
}

static void test_inside(void **state)
{
	static const struct mistake cases[] = {
		{PATH, 1, "inside: missing"},
		{PATH "inside: []\n", 2, "at least one"},
		{PATH "inside: [{interface: l0}]\n", 2, "networks: missing in an inside entry"},
		{PATH "inside: [{networks: [10.0.0.0/8]}]\n", 2, "interface: missing"},
		{PATH "inside: [{interface: l0, networks: []}]\n", 2, "networks|empty"},
		{PATH "inside:\n- interface: l0\n  networks:\n  - 10.0.0.0/8\n  - 10.0.0.1/24\n", 6,
		 "10.0.0.1/24: has host bits: give 10.0.0.0/24"},
		{PATH "inside:\n- interface: l0\n  networks: [10.0.0.0/8]\n- interface: l1\n  "
		      "networks:\n  - 11.0.0.0/8\n  - 10.2.0.0/16\n",
		 8, "10.2.0.0/16: overlaps 10.0.0.0/8 of l0"},
		{PATH "inside:\n- interface: l0\n  networks: [10.2.0.0/16]\n- interface: l1\n  "
		      "networks: [10.0.0.0/8]\n",
		 6, "10.0.0.0/8: overlaps 10.2.0.0/16"},
		{PATH "inside:\n- {interface: l0, networks: [10.0.0.0/8]}\n- {interface: l0, "
		      "networks: [11.0.0.0/8]}\n",
		 4, "interface: l0: two inside"},
		{PATH "inside: [{interface: l0, networks: [10.0.0.0/8, 10.0.0.0/8]}]\n", 2,
		 "listed twice"},
		{PATH "inside: [{interface: l0, networks: [10.0.0.0/8], stateful: 1}]\n", 2,
		 "stateful: 1: |true or false"},
	};

	(void)state;
	assert_mistakes(cases, COUNT(cases));
}

#define TWENTY "01234567890123456789"
#define EIGHTY TWENTY TWENTY TWENTY TWENTY
#define BGP    "name: f, type: bgp, listen: 127.0.0.2:1790, as: 65021, router-id: 10.2.30.250"
static void test_feeds(void **state)
{
	static const struct mistake cases[] = {
		{BASE "feeds: [{type: jsonl, file: a}]\n", 3, "name: missing in a jsonl feed"},
		{BASE "feeds: [{name: f, file: a}]\n", 3, "type: missing in a feed"},
		{BASE "feeds: [{name: f, type: snmp, file: a}]\n", 3,
		 "type: snmp: not known|bgp, jsonl"},
		{BASE "feeds: [{name: f, type: frr, table: 254, file: a}]\n", 3,
		 "table: no key of a frr feed: remove it"},
		{BASE "feeds: [{name: f, type: frr, file: a, dir: b}]\n", 3,
		 "more than one input: give one of file, dir and command"},
		{BASE "feeds:\n- {name: f, type: azure, view: remote}\n", 4, "feed f: no input"},
		{BASE "feeds:\n- {name: f, type: azure, view: local, dir: a}\n", 4,
		 "view: local: Azure's tables are its own view"},
		{BASE "feeds:\n- {name: f, type: azure, dir: a, circuits: [er1]}\n", 4,
		 "circuits: no mapping"},
		{BASE "feeds:\n- {name: f, type: azure, dir: a, circuits: {er1: er1}}\n", 4, "er1"},
		{BASE
		 "feeds:\n- {name: f, type: azure, dir: a, circuits: {1.2.3.4: a,\n  1.2.3.5: a,\n"
		 "  1.2.3.4: b}}\n",
		 6, "circuits: 1.2.3.4: listed twice, as a and b: remove one"},
		{BASE "feeds:\n- {name: f, type: frr, command: a, interval: 10ms}\n", 4,
		 "interval: too short"},
		{BASE "feeds: [{name: f, type: mrt, file: a, speed: fast}]\n", 3,
		 "give one of full, real"},
		{BASE "feeds: [{name: f, type: rtnetlink, table: 0}]\n", 3, "table: 0: "},
		{BASE "feeds: [{name: f, type: rtnetlink, table: main}]\n", 3, "table: main: "},
		{BASE "feeds: [{name: f, type: rtnetlink, protocol: []}]\n", 3, "protocol"},
		{BASE "feeds: [{name: f, type: rtnetlink, protocol: [birdy]}]\n", 3,
		 "protocol: birdy: no protocol"},
		{BASE "feeds: [{name: f, type: rtnetlink, protocol: [bgp, 256]}]\n", 3,
		 "protocol: 256: no protocol"},
		{BASE "feeds: [{name: f, type: rtnetlink, protocol: [83]}]\n", 3,
		 "protocol: 83: sameway's own"},
		{BASE "feeds: [{name: f, type: rtnetlink, file: a}]\n", 3,
		 "file: no key of a rtnetlink feed"},
		{BASE "feeds: [{name: f, type: jsonl, file: a, table: 1}]\n", 3,
		 "table: no key of a jsonl feed"},
		{BASE "feeds:\n- {name: f, type: rtnetlink}\n- {name: g, type: rtnetlink, table: "
		      "254}\n",
		 5, "table: 254: feed f"},
		{BASE "feeds: [{name: f, type: jsonl}]\n", 3, "file: missing"},
		{BASE "feeds: [{name: f, type: jsonl, file: ''}]\n", 3, "file: an empty text"},
		{BASE "feeds: [{name: f, type: jsonl, file: a, listen: 1.2.3.4:5}]\n", 3,
		 "listen: no key of a jsonl feed"},
		{BASE "feeds: [{" BGP ", peers: [127.0.0.1], dir: x}]\n", 3,
		 "dir: no key of a bgp feed"},
		{BASE "feeds: [{" BGP "}]\n", 3, "peers: missing in a bgp feed"},
		{BASE "feeds: [{" BGP ", peers: [127.0.0.1], password: ''}]\n", 3, "password"},
		{BASE "feeds: [{" BGP ", peers: [127.0.0.1], password: " EIGHTY "1}]\n", 3,
		 "password: 81 bytes: give 1 to 80"},
		{BASE "feeds: [{" BGP ", peers: [127.0.0.1], ttl-security: 255}]\n", 3,
		 "ttl-security"},
		{BASE "feeds: [{name: f, type: bmp, listen: 127.0.0.1:1, peers: [127.0.0.1], "
		      "password: x}]\n",
		 3, "password: no key of a bmp feed"},
		{BASE "feeds: [{" BGP ", peers: []}]\n", 3, "peers|empty"},
		{BASE "feeds: [{name: f, type: bgp, listen: 127.0.0.2:179, as: 1, peers: "
		      "[127.0.0.1]}]\n",
		 3, "router-id: missing"},
		{BASE "feeds: [{name: f, type: bgp, listen: 127.0.0.2:179, as: 1, peers: "
		      "[127.0.0.1], router-id: '::1'}]\n",
		 3, "router-id: ::1"},
		{BASE "feeds: [{name: f, type: bgp, listen: 127.0.0.2:0, as: 1, peers: "
		      "[127.0.0.1], router-id: 1.1.1.1}]\n",
		 3, "listen: 127.0.0.2:0: "},
		{BASE "feeds: [{name: f, type: bgp, listen: 127.0.0.2:65536, as: 1, peers: "
		      "[127.0.0.1], router-id: 1.1.1.1}]\n",
		 3, "listen"},
		{BASE "feeds: [{name: f, type: bgp, listen: 127.0.0.2, as: 1, peers: [127.0.0.1], "
		      "router-id: 1.1.1.1}]\n",
		 3, "ADDRESS:PORT"},
		{BASE "feeds: [{name: f, type: bgp, listen: '::1:179', as: 1, peers: [127.0.0.1], "
		      "router-id: 1.1.1.1}]\n",
		 3, "[IPV6]:PORT"},
		{BASE
		 "feeds:\n- {name: f, type: jsonl, file: a}\n- {name: f, type: jsonl, file: b}\n",
		 5, "name: f: two feeds"},
		{BASE "feeds:\n- {" BGP
		      ", peers: [127.0.0.1]}\n- {name: g, type: bgp, listen: 127.0.0.2:1790, as: "
		      "1, peers: [127.0.0.1], router-id: 1.1.1.1}\n",
		 5, "127.0.0.2 port 1790: feed f"},
		{BASE "feeds:\n- {name: f, type: jsonl, file: '-'}\n- {name: g, type: jsonl, file: "
		      "'-'}\n",
		 5, "standard input"},
	};

	(void)state;
	assert_mistakes(cases, COUNT(cases));
}

static void test_marks(void **state)
{
	static const struct mistake cases[] = {
		{BASE "forward: slow\n", 3, "give one of auto, fast, kernel"},
		{BASE "fwmark: 0\n", 3, "fwmark: 0: out of range"},
		{BASE "fwmark: 0x3f\n", 3, "fwmark: 0x3f: 6 bits: 64 paths need 7 in a row"},
		{BASE "fwmark: 0x80000000\n", 3, "1 bit: "},
		{BASE "fwmark: 0xff0f00\n", 3, "fwmark: 0xff0f00: has a gap: "},
		{BASE "tables: 255\n", 3, "tables: 255: out of range: give 256 to 32702"},
		{BASE "tables: 32703\n", 3, "tables: 32703: out of range"},
		{BASE "bypass-netfilter: yes\n", 3, "give true or false"},
		{BASE "feeds:\n- {name: k, type: rtnetlink, table: 7063}\n", 4,
		 "table: 7063: is one of sameway's own"},
	};
	static const char *const good[] = {
		BASE "fwmark: 0x7f\n",
		BASE "fwmark: 0xfe000000\n",
		BASE "fwmark: 0xffffffff\ntables: 32702\n",
		BASE "feeds:\n- {name: k, type: rtnetlink, table: 7064}\n",
		BASE "feeds:\n- {name: k, type: rtnetlink, table: 6999}\n",
	};

	(void)state;
	assert_mistakes(cases, COUNT(cases));
	for (size_t i = 0; i < COUNT(good); i++) {
		struct config_errors errors;
		struct config *cfg = NULL;

		assert_int_equal(config_parse(good[i], strlen(good[i]), &cfg, &errors), 0);
		config_free(cfg);
		config_errors_free(&errors);
	}
}

/* A value a path, all different, none 0, within the mask. */
static void test_mark_values(void **state)
{
	static const uint32_t masks[] = {0xff0000, 0x7f, 0xfe000000, 0xffffffff};

	(void)state;
	for (size_t i = 0; i < COUNT(masks); i++) {
		for (uint32_t id = 0; id < SW_MAX_PATHS; id++) {
			assert_int_equal(sw_mark(masks[i], id) & ~masks[i], 0);
			assert_int_not_equal(sw_mark(masks[i], id), 0);
			if (id)
				assert_true(sw_mark(masks[i], id) > sw_mark(masks[i], id - 1));
		}
	}
	assert_int_equal(sw_mark(0xff0000, 2), 0x30000);
}

static void test_not_yet(void **state)
{
	static const struct mistake cases[] = {
		{BASE "export: {web: 127.0.0.1:1}\n", 3, "export: a mapping: not yet: "},
		{BASE "fleet: {edge: a}\n", 3, "fleet: a mapping: not yet: "},
		{BASE "exempt: [{to: 10.0.0.1, from: 10.0.0.2}]\n", 3, "from: 10.0.0.2: not yet: "},
		{BASE "exempt: [{to: 10.0.0.1, port: 53}]\n", 3, "port: 53: not yet: "},
	};

	(void)state;
	assert_mistakes(cases, COUNT(cases));
}

#define PROBE(text) P("name: b, class: vpn, interface: t1, probe: " text)
#define PROBE_BY(way, text)                                                                        \
	P("name: b, class: other, interface: t1, " way ", probe: {target: " text "}")

static void test_probe(void **state)
{
	static const struct mistake cases[] = {
		{PROBE("192.0.2.1"), 3, "probe: not a mapping: "},
		{PROBE("{}"), 3, "target: missing in probe"},
		{PROBE("{target: 192.0.2.1, source: 1.1.1.1}"), 3, "source: "},
		{PROBE("{target: ~}"), 3, "target: "},
		{PROBE("{target: host}"), 3, "target: host: no address: "},
		{PROBE("{target: 192.0.2.1/32}"), 3, "target: 192.0.2.1/32: no address: "},
		{PROBE("{target: '192.0.2.1:0'}"), 3, "target: 192.0.2.1:0: no address and port: "},
		{PROBE("{target: '[fd00::1'}"), 3, "target: [fd00::1: no address and port: "},
		{PROBE("{target: '[192.0.2.1]'}"), 3, "target: [192.0.2.1]: no address: "},
		{PROBE("{target: '[]'}"), 3, "target: []: no address: "},
		{PROBE("{target: 0.0.0.0}"), 3, "target: 0.0.0.0: is no host's: "},
		{PROBE("{target: 127.0.0.1}"), 3, "target: 127.0.0.1: is no host's: "},
		{PROBE("{target: 224.0.0.5}"), 3, "target: 224.0.0.5: is no host's: "},
		{PROBE("{target: '[::1]:1'}"), 3, "target: ::1: is no host's: "},
		{PROBE("{target: 'ff02::1'}"), 3, "target: ff02::1: is no host's: "},
		{PROBE("{target: 10.0.0.9}"), 3, "target: 10.0.0.9: is inside (10.0.0.0/24 of l0"},
		{PROBE("{target: 192.0.2.1, interval: 99ms}"), 3, "interval: out of range: "},
		{PROBE("{target: 192.0.2.1, interval: 61s}"), 3, "interval: out of range: "},
		{PROBE("{target: 192.0.2.1, interval: 1}"), 3, "interval: "},
		{PROBE("{target: 192.0.2.1, misses: 0}"), 3,
		 "misses: 0: out of range: give 1 to 20"},
		{PROBE("{target: 192.0.2.1, misses: 21}"), 3, "misses: 21: out of range: "},
		{PROBE_BY("gateway: 192.0.2.9", "'fd00::1'"), 3,
		 "target: fd00::1: path b has no `gateway6:` "},
		{PROBE_BY("gateway6: 'fe80::9'", "192.0.2.1"), 3,
		 "target: 192.0.2.1: path b has no `gateway:` "},
		{PROBE_BY("gateway: 192.0.2.9, vlan: [7]", "192.0.2.1"), 3,
		 "probe: path b has VLAN tags and no `l3:`: "},
	};

	(void)state;
	assert_mistakes(cases, COUNT(cases));
}

static void test_notify(void **state)
{
	static const struct mistake cases[] = {
		{BASE "notify: /bin/page\n", 3, "notify: not a mapping: "},
		{BASE "notify: {}\n", 3, "command: missing in notify"},
		{BASE "notify: {command: }\n", 3, "command: no value: "},
		{BASE "notify: {command: ''}\n", 3, "command: an empty text: no command: give one"},
		{BASE "notify: {command: [a]}\n", 3, "command: a list: "},
		{BASE "notify: {command: a, shell: b}\n", 3, "shell: "},
		{BASE "notify: {command: a, command: b}\n", 3, "command: twice in notify: "},
	};

	(void)state;
	assert_mistakes(cases, COUNT(cases));
}

static void test_document(void **state)
{
	static const struct mistake cases[] = {
		{"", 1, "an empty config"},
		{"# nothing\n\n", 1, "an empty config"},
		{"\n\nhello\n", 3, "the config: not a mapping"},
		{"- a\n", 1, "not a mapping"},
		{BASE "mode: [a\n", 4, "YAML: |syntax"},
		{BASE "\tmode: a\n", 3, "YAML: "},
		{BASE "mode: *nobody\n", 3, "YAML: |alias"},
		{BASE "mode: monitor\n\xff\n", 4, "YAML: |UTF-8"},
		{BASE "---\nmode: enforce\n", 3, "second document"},
		{BASE "---\n[\n", 5, "YAML: "},
		{BASE "mode: monitor\nmode: monitor\n", 4, "mode: twice"},
		{BASE "stale_time: 1s\n", 3, "stale_time: unknown key|did you mean stale-time"},
		{BASE "Mode: enforce\n", 3, "did you mean mode"},
		{BASE "zzzzzzzzzzzz: 1\n", 3, "zzzzzzzzzzzz: unknown key of the config: remove"},
		{BASE "? [a]\n: b\n", 3, "a key that is no text"},
		{BASE "asymmetry: {gracee: 1s}\n", 3,
		 "gracee: unknown key of asymmetry: did you mean grace"},
		{P("name: b, class: vpn, interface: t1, gatway: 1.2.3.4"), 3,
		 "gatway|a path|gateway"},
	};

	(void)state;
	assert_mistakes(cases, COUNT(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),	    cmocka_unit_test(test_paths),
		cmocka_unit_test(test_paths_alike), cmocka_unit_test(test_inside),
		cmocka_unit_test(test_feeds),	    cmocka_unit_test(test_not_yet),
		cmocka_unit_test(test_probe),	    cmocka_unit_test(test_notify),
		cmocka_unit_test(test_marks),	    cmocka_unit_test(test_mark_values),
		cmocka_unit_test(test_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
