/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The feed `frr`: FRR's own output (tests/unit/data/frr, of 8.4.4 on the twin of Location 1's edge)
 * into a RIB, compared with what that edge has; each shape; each way to be wrong.
 */
#include "snapshot_text.h"

#define FRR "frr/"

static const char *const edge =
	"paths:\n"
	"- { name: er1, class: expressroute, circuit: er1, interface: er0, gateway: 192.168.30.18, "
	"peers: [192.168.30.18] }\n"
	"- { name: vpn30, class: vpn, interface: tun30, peers: [10.10.30.254] }\n"
	"inside: [{ interface: lan0, networks: [10.2.30.0/25] }]\n"
	"feeds: [{ name: frr, type: frr, file: a }]\n";

#define BRANCH	      "10.11.30.64/26 vpn30 100 as 65515 65516\n"
#define BRANCH_CHOSEN "10.11.30.64/26 chosen vpn30 100 as 65515 65516\n"
#define OWN	      "10.2.30.0/25 own\n10.2.30.0/25 chosen own\n"
#define REMOTE(pref)                                                                               \
	"10.17.30.0/26 er1 " pref " as 12076\n10.17.30.0/26 chosen er1 " pref " as 12076\n"

/* facts.md, 4.1, and the states of frr-json's README. */
static const struct {
	const char *file, *rib;
} tables[] = {
	{FRR "ce1-steady.json",
	 OWN "10.10.30.0/24 er1 200 as 12076\n"
	     "10.10.30.0/24 chosen er1 200 as 12076\n"
	     "10.10.30.0/24 vpn30 100 as 65515\n"
	     "10.11.30.0/26 er1 200 as 12076\n"
	     "10.11.30.0/26 chosen er1 200 as 12076\n"
	     "10.11.30.0/26 vpn30 100 as 65515\n" BRANCH BRANCH_CHOSEN REMOTE("200")},
	{FRR "ce1-er1-ce-link-down.json",
	 OWN "10.10.30.0/24 vpn30 100 as 65515\n10.10.30.0/24 chosen vpn30 100 as 65515\n"
	     "10.11.30.0/26 vpn30 100 as 65515\n"
	     "10.11.30.0/26 chosen vpn30 100 as 65515\n" BRANCH BRANCH_CHOSEN},
	{FRR "ce1-vpn-down.json",
	 OWN "10.10.30.0/24 er1 200 as 12076\n10.10.30.0/24 chosen er1 200 as 12076\n"
	     "10.11.30.0/26 er1 200 as 12076\n"
	     "10.11.30.0/26 chosen er1 200 as 12076\n" REMOTE("200")},
	{FRR "ce1-no-localpref.json",
	 OWN "10.10.30.0/24 er1 100 as 12076\n10.10.30.0/24 vpn30 100 as 65515\n"
	     "10.10.30.0/24 chosen vpn30 100 as 65515\n"
	     "10.11.30.0/26 er1 100 as 12076\n10.11.30.0/26 vpn30 100 as 65515\n"
	     "10.11.30.0/26 chosen vpn30 100 as 65515\n" BRANCH BRANCH_CHOSEN REMOTE("100")},
	{FRR "ce1-received-from-msee.json",
	 "10.10.30.0/24 er1 200 as 12076\n10.11.30.0/26 er1 200 as 12076\n"
	 "10.17.30.0/26 er1 200 as 12076\n"}, /* 10.2.30.0/25 came back to its own AS */
	{FRR "ce1-prefix-hub.json",
	 "10.10.30.0/24 er1 200 as 12076\n10.10.30.0/24 chosen er1 200 as 12076\n"
	 "10.10.30.0/24 vpn30 100 as 65515\n"},
};

static void test_tables(void **state)
{
	struct config *cfg = config_of(edge);

	(void)state;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		struct rib *rib = rib_new(cfg, NULL);

		rib_take(rib, cfg, &frr_snapshot, 0, tables[i].file);
		assert_string_equal(rib_text(rib, VIEW_LOCAL), tables[i].rib);
		rib_free(rib);
	}
	config_free(cfg);
}

/* One table after the other: each leaves nothing of the last, and is all there is. */
static void test_table_replaces(void **state)
{
	struct config *cfg = config_of(edge);
	struct rib *rib = rib_new(cfg, NULL);

	(void)state;
	for (unsigned int i = 0; i < 40; i++) {
		size_t at = i * 7 % (sizeof(tables) / sizeof(tables[0]));
		struct rib *fresh = rib_new(cfg, NULL);
		char want[TEXT_LEN];

		rib_take(rib, cfg, &frr_snapshot, 0, tables[at].file);
		rib_take(fresh, cfg, &frr_snapshot, 0, tables[at].file);
		snprintf(want, sizeof(want), "%s", rib_text(fresh, VIEW_LOCAL));
		assert_int_equal(strlen(rib_text(rib, VIEW_LOCAL)), strlen(want));
		rib_free(fresh);
	}
	rib_free(rib);
	config_free(cfg);
}

/* Two sessions of one path are two candidates; the same table again is no change to any. */
static void test_two_sessions(void **state)
{
	struct config *cfg = config_of(
		"paths:\n- { name: er1, class: expressroute, interface: er0, peers: [192.0.2.1, "
		"192.0.2.5] }\n"
		"inside: [{ interface: lan0, networks: [10.2.30.0/25] }]\n"
		"feeds: [{ name: frr, type: frr, file: a }]\n");
	static const char text[] =
		"{\"routes\":{\"10.0.0.0/8\":["
		"{\"valid\":true,\"bestpath\":true,\"peerId\":\"192.0.2.1\",\"path\":\"1\","
		"\"nexthops\":[{\"ip\":\"192.0.2.1\"}]},"
		"{\"valid\":true,\"peerId\":\"192.0.2.5\",\"path\":\"1\","
		"\"nexthops\":[{\"ip\":\"192.0.2.5\"}]}]}}";
	struct rib *rib = rib_new(cfg, NULL);
	struct snapshot s = {0};
	char error[SNAPSHOT_ERROR];

	(void)state;
	assert_int_equal(
		snapshot_parse(&frr_snapshot, &cfg->feeds[0], text, strlen(text), &s, error), 0);
	assert_int_equal(s.n, 3);
	for (int round = 0; round < 3; round++) {
		rib_source_mark(rib, 0, 0);
		for (size_t i = 0; i < s.n; i++)
			assert_int_equal(rib_announce(rib, 0, &s.routes[i], 1),
					 round ? RIB_UNCHANGED : RIB_OK);
		assert_int_equal(rib_source_sweep(rib, 0, 0, 1), 0);
		assert_int_equal(rib_feed_routes(rib, 0), 2);
	}
	snapshot_free(&s);
	rib_free(rib);
	config_free(cfg);
}

#define HEAD(rest)  "{\"defaultLocPrf\":100,\"localAS\":65021,\"routes\":{" rest "}}"
#define PATH(more)  "{\"valid\":true,\"peerId\":\"192.0.2.1\",\"path\":\"1 2\"," more "}"
#define VIA(ip)	    "\"nexthops\":[{\"ip\":\"" ip "\",\"used\":true}]"
#define ROUTE(more) HEAD("\"10.0.0.0/8\":[" PATH(more) "]")

static const struct {
	const char *text, *want;
} shapes[] = {
	{HEAD(""), ""}, /* BGP without a route: that is said, not unknown */
	{"{\"defaultLocPrf\":150,\"routes\":{\"10.0.0.0/8\":[" PATH(VIA("192.0.2.1")) "]}}",
	 "10.0.0.0/8 peer 192.0.2.1 via 192.0.2.1 as 1 2 lp 150\n"},
	{ROUTE("\"locPrf\":0," VIA("192.0.2.9")),
	 "10.0.0.0/8 peer 192.0.2.1 via 192.0.2.9 as 1 2 lp 0\n"},
	/* not valid, or not in use: no candidate */
	{HEAD("\"10.0.0.0/8\":[{\"peerId\":\"192.0.2.1\",\"path\":\"1\"," VIA("192.0.2.1") "}]"),
	 ""},
	{ROUTE("\"damped\":true," VIA("192.0.2.1")), ""},
	{ROUTE("\"history\":true," VIA("192.0.2.1")), ""},
	/* two of a session that nothing tells apart are one, FRR's first */
	{HEAD("\"10.0.0.0/8\":[" PATH(VIA("192.0.2.1")) "," PATH(
		 "\"locPrf\":9," VIA("192.0.2.1")) "," PATH(VIA("192.0.2.2")) "]"),
	 "10.0.0.0/8 peer 192.0.2.1 via 192.0.2.1 as 1 2 lp 100\n"
	 "10.0.0.0/8 peer 192.0.2.1 via 192.0.2.2 as 1 2 lp 100\n"},
	/* and FRR's choice, if it is the other, is still told */
	{HEAD("\"10.0.0.0/8\":[" PATH(VIA("192.0.2.1")) "," PATH(
		 "\"bestpath\":true," VIA("192.0.2.1")) "]"),
	 "10.0.0.0/8 peer 192.0.2.1 via 192.0.2.1 as 1 2 lp 100\n"
	 "10.0.0.0/8 peer 192.0.2.1 via 192.0.2.1 as 1 2 lp 100 chosen\n"},
	/* IPv6, in one output with IPv4; a global next hop and a link-local one; unnumbered */
	{ROUTE(VIA("192.0.2.1")) "\n" HEAD(
		 "\"2001:db8::/"
		 "32\":[{\"valid\":true,\"bestpath\":true,\"peerId\":\"fd00::2\",\"path\":\"1\","
		 "\"nexthops\":[{\"ip\":\"fe80::2\",\"scope\":\"link-local\",\"used\":true},{"
		 "\"ip\":"
		 "\"fd00::2\",\"scope\":\"global\"}]}]"),
	 "10.0.0.0/8 peer 192.0.2.1 via 192.0.2.1 as 1 2 lp 100\n"
	 "2001:db8::/32 peer fd00::2 via fd00::2 or fe80::2 as 1 lp 100\n"
	 "2001:db8::/32 peer fd00::2 via fd00::2 or fe80::2 as 1 lp 100 chosen\n"},
	{HEAD("\"2001:db8::/32\":[{\"valid\":true,\"peerId\":\"er0\",\"path\":\"1\"," VIA(
		 "fe80::1") "}]"),
	 "2001:db8::/32 via fe80::1 dev er0 as 1 lp 100\n"},
	/* own ones, in both forms */
	{HEAD("\"10.9.0.0/16\":[{\"valid\":true,\"peerId\":\"(unspec)\",\"path\":\"\"," VIA(
		 "0.0.0.0") "}]"),
	 "10.9.0.0/16 own as lp 100\n"},
	{"{\"prefix\":\"10.9.0.0/16\",\"paths\":[{\"valid\":true,\"aspath\":{\"string\":\"Local\"},"
	 "\"peer\":{\"peerId\":\"0.0.0.0\"}," VIA("0.0.0.0") "}]}",
	 "10.9.0.0/16 own as\n"},
	/* received by a session, in IPv6 */
	{"{\"localAS\":9,\"receivedRoutes\":{\"2001:db8::/"
	 "32\":{\"nextHopGlobal\":\"fd00::2\",\"path\":\"1 9\"},"
	 "\"2001:db9::/32\":{\"nextHopGlobal\":\"fd00::2\",\"path\":\"1\"}}}",
	 "2001:db9::/32 via fd00::2 as 1\n"},
	/* AS paths */
	{HEAD("\"10.0.0.0/8\":[{\"valid\":true,\"path\":\"7 {1,2} 8 (65001) 4294967296 i\"," VIA(
		 "192.0.2.1") "}]"),
	 "10.0.0.0/8 via 192.0.2.1 as 7 1 8 23456 lp 100\n"},
	/* unknown: a prefix that is not there; nothing at all */
	{"{\n}\n", "empty 1\n"},
	{"", "empty 1\n"},
	{" \n", "empty 1\n"},
	/* wrong rows beside right ones */
	{HEAD("\"10.0.0.0/8\":[" PATH(VIA("192.0.2.1")) "],\"10.0.0.0/99\":[" PATH(
		 VIA("192.0.2.1")) "]"),
	 "10.0.0.0/8 peer 192.0.2.1 via 192.0.2.1 as 1 2 lp 100\nrefused 1: 10.0.0.0/99: not a "
	 "prefix\n"},
	{HEAD("\"10.0.0.0/8\":[" PATH(VIA("192.0.2.1")) ",7,{\"valid\":true,\"path\":\"1 x\"," VIA(
		 "192.0.2.1") "},{\"valid\":true,\"path\":\"1\",\"nexthops\":[]},{\"valid\":true,"
			      "\"path\":\"1\",\"locPrf\":\"9\"," VIA("192.0.2.1") "}]"),
	 "10.0.0.0/8 peer 192.0.2.1 via 192.0.2.1 as 1 2 lp 100\nrefused 4: 10.0.0.0/8: a path is "
	 "no "
	 "object\n"},
	/* wrong texts: an error each, never a table */
	{"% Unknown command: show bgp ipv4 unicast detail json\n",
	 "error: not JSON, but \"% Unknown command: show bgp ipv4 unicast detail json\": run the "
	 "command by "
	 "hand\n"},
	{HEAD("") "\nbgpd is not running\n",
	 "error: not JSON, but \"bgpd is not running\": run the command by hand\n"},
	{"vtysh \x1b[31mwarns {\n" HEAD(""),
	 "error: not JSON, but \"vtysh ?[31mwarns {\": run the command by hand\n"},
	{"{\"warning\":\"Default BGP instance not found\"}",
	 "error: FRR says: Default BGP instance not found: see `vtysh -c 'show bgp summary'`\n"},
	{"{\"advertisedRoutes\":{}}", "error: advertised routes are what this box announces, no "
				      "candidates: give `show bgp ipv4 unicast "
				      "json`\n"},
	{"{\"peers\":{}}", "error: a summary holds no routes: give `show bgp ipv4 unicast json`\n"},
	{"{\"routes\":[]}", "error: no BGP table of FRR: "},
	{"[]", "error: no BGP table of FRR: "},
	{"{\"10.0.0.0/8\":[]}", "error: no BGP table of FRR: "},
	{ROUTE("\"x\":["), "error: not JSON ("},
	{"{\"routes\":{\"10.0.0.0/8\":[", "error: ends too early ("},
	{HEAD("\"10.0.0.0/99\":[" PATH(VIA("192.0.2.1")) "]"),
	 "error: none of its 1 rows can be read: 10.0.0.0/99: not a prefix\n"},
};

static void test_shapes(void **state)
{
	const struct config_feed cfg = {.type = FEED_FRR};

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		const char *got =
			parsed_text(&frr_snapshot, &cfg, shapes[i].text, strlen(shapes[i].text));
		size_t len = strlen(shapes[i].want);

		if (len && shapes[i].want[len - 1] != '\n' ? strncmp(got, shapes[i].want, len)
							   : strcmp(got, shapes[i].want))
			fail_msg("%s\ngives\n%swant\n%s", shapes[i].text, got, shapes[i].want);
	}
}

static void test_other_outputs(void **state)
{
	static const struct {
		const char *file, *want;
	} wrong[] = {
		{FRR "ce1-advertised-to-msee.json", "error: advertised routes are"},
		{FRR "ce1-advertised-to-vpngw-LEAK.json", "error: advertised routes are"},
		{FRR "ce1-summary.json", "error: a summary holds no routes"},
		{FRR "ce1-ip-route.json", "error: no BGP table of FRR"},
	};
	const struct config_feed cfg = {.type = FEED_FRR};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		size_t len;
		char *text = data_read(wrong[i].file, &len);

		assert_memory_equal(parsed_text(&frr_snapshot, &cfg, text, len), wrong[i].want,
				    strlen(wrong[i].want));
		free(text);
	}
}

/* Cut anywhere: an error or unknown, never a shorter table. */
static void test_cut(void **state)
{
	const struct config_feed cfg = {.type = FEED_FRR};
	size_t len;
	char *text = data_read(FRR "ce1-steady.json", &len);

	(void)state;
	for (size_t n = 0; n < len; n++) {
		struct snapshot s = {0};
		char error[SNAPSHOT_ERROR];
		/* of its own size, so that a read beyond it is found */
		char *copy = malloc(n ? n : 1);

		memcpy(copy, text, n);
		if (!snapshot_parse(&frr_snapshot, &cfg, copy, n, &s, error)) {
			bool whole = !strcspn(text + n, " \n}") && !strchr(text + n, '}');

			if (!whole && !s.empty)
				fail_msg("cut at %zu of %zu: %zu routes", n, len, s.n);
		}
		snapshot_free(&s);
		free(copy);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),	       cmocka_unit_test(test_two_sessions),
		cmocka_unit_test(test_table_replaces), cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_other_outputs),  cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
