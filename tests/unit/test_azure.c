/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The feed `azure`: tables in the shapes of the az commands (tests/unit/data/azure) into a RIB,
 * compared with what the hub's gateways have; each trap of their formats; each way to be wrong.
 */
#include "snapshot_text.h"

#include <unistd.h>

#define AZ	"azure/"
#define LEARNED AZ "vnet-gateway-list-learned-routes."
#define CIRCUIT AZ "express-route-list-route-tables."
#define NIC	AZ "nic-show-effective-route-table.hub-vm."
#define PEERS	AZ "vnet-gateway-list-bgp-peer-status."

static const char *const edge =
	"paths:\n"
	"- { name: er1, class: expressroute, circuit: er1, interface: er0, gateway: 192.168.30.18 "
	"}\n"
	"- { name: vpn30, class: vpn, interface: tun30, peers: [10.10.30.254] }\n"
	"inside: [{ interface: lan0, networks: [10.2.30.0/25] }]\n"
	"feeds: [{ name: azure, type: azure, dir: a, view: remote, circuits: { 10.10.30.132: er1, "
	"10.10.30.133: er1, 10.10.30.134: er2, 10.10.30.135: er2, 192.168.30.17: er1, "
	"192.168.31.17: er2 } }]\n";

#define LOC2	      "10.1.31.0/25 expressroute er2\n"
#define ER1	      "10.2.30.0/25 expressroute er1\n"
#define VPN	      "10.2.30.0/25 vpn \n"
#define VNETS	      "10.10.30.0/24 peering \n10.11.30.0/26 peering \n"
#define BRANCH	      "10.11.30.64/26 vpn \n"
#define REMOTE	      "10.17.30.0/26 expressroute er1\n"
#define PINNED	      "10.2.30.125/32 vpn \n"
#define PINNED_BRANCH "10.11.30.126/32 vpn \n"

/* facts.md, 4.2, and its states. */
static const struct {
	const char *files[6], *rib;
} views[] = {
	{{LEARNED "hub-ergw.steady.json"}, LOC2 ER1 VPN VNETS BRANCH REMOTE},
	{{LEARNED "hub-ergw.steady.json", LEARNED "hub-vpngw.steady.json"},
	 LOC2 ER1 VPN PINNED VNETS BRANCH PINNED_BRANCH REMOTE},
	{{LEARNED "hub-ergw.steady.json", LEARNED "hub-vpngw.steady.json",
	  PEERS "hub-ergw.steady.json",
	  AZ "vnet-gateway-list-advertised-routes.hub-vpngw.peer-10.2.30.125.json",
	  AZ "vnet-gateway-list-advertised-routes.hub-ergw.peer-10.10.30.132.json"},
	 LOC2 ER1 VPN PINNED VNETS BRANCH PINNED_BRANCH REMOTE},
	{{LEARNED "hub-ergw.er1-ce-link-down.json", LEARNED "hub-vpngw.er1-ce-link-down.json"},
	 LOC2 VPN PINNED VNETS BRANCH PINNED_BRANCH REMOTE},
	{{LEARNED "hub-ergw.er1-circuit-disabled.json"}, LOC2 VPN VNETS BRANCH},
	{{LEARNED "hub-ergw.er1-primary-maintenance.json"}, LOC2 ER1 VPN VNETS BRANCH REMOTE},
	{{LEARNED "hub-ergw.onprem-more-specific-on-vpn.json"},
	 LOC2 ER1 VPN "10.2.30.0/26 vpn \n" VNETS BRANCH REMOTE},
	/* a circuit: what leads to on-prem is by it, the VNets are VNets */
	{{CIRCUIT "er1.primary.steady.json", CIRCUIT "er1.secondary.steady.json",
	  CIRCUIT "er2.primary.steady.json"},
	 LOC2 ER1 VNETS "10.17.30.0/26 peering \n"},
	{{CIRCUIT "er1.primary.ce-link-down.json"}, VNETS "10.17.30.0/26 peering \n"},
	{{CIRCUIT "TRAP-classful-and-suffix.json"},
	 "10.0.0.0/8 expressroute er1\n169.254.50.216/30 expressroute \n"
	 "172.16.0.0/16 expressroute \n172.29.0.0/16 peering \n192.168.200.0/24 peering \n"},
	{{AZ "routeserver-peering-list-learned-routes.nva.json"}, "0.0.0.0/0 vpn \n" VPN},
	/* a NIC's next hops prove nothing */
	{{NIC "steady.json"}, VNETS},
	{{NIC "er1-ce-link-down.json"}, VNETS},
};

static void test_views(void **state)
{
	struct config *cfg = config_of(edge);

	(void)state;
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
		struct rib *rib = rib_new(cfg, NULL);

		for (uint16_t k = 0; k < 6 && views[i].files[k]; k++)
			rib_take(rib, cfg, &azure_snapshot, k + 1, views[i].files[k]);
		assert_string_equal(rib_text(rib, VIEW_REMOTE), views[i].rib);
		rib_free(rib);
	}
	config_free(cfg);
}

/* `circuits` are of either family, and printed as they are read. */
static void test_circuits(void **state)
{
	struct config *cfg =
		config_of("paths: [{ name: er1, class: expressroute, interface: er0, gateway: "
			  "192.168.30.18 }]\n"
			  "inside: [{ interface: lan0, networks: [10.2.30.0/25] }]\n"
			  "feeds: [{ name: a, type: azure, dir: a, circuits: { 10.10.30.132: er1, "
			  "\"2001:db8::1\": er2 } }]\n");
	char *text = config_print(cfg);
	struct config *again = config_of(text);

	(void)state;
	assert_int_equal(again->feeds[0].n_circuits, 2);
	assert_int_equal(again->feeds[0].circuits[1].peer.family, 6);
	assert_string_equal(again->feeds[0].circuits[1].name, "er2");
	config_free(cfg);
	config_free(again);
	free(text);
}

static const char *file_text(const struct config *cfg, const char *file)
{
	size_t len;
	char *text = data_read(file, &len);
	const char *got = parsed_text(&azure_snapshot, &cfg->feeds[0], text, len);

	free(text);
	return got;
}

/* What is kept of a row; equal ones are one, of several the shortest AS path. */
static void test_rows(void **state)
{
	struct config *cfg = config_of(edge);

	(void)state;
	assert_string_equal(
		file_text(cfg, LEARNED "hub-ergw.er1-primary-maintenance.json"),
		"10.1.31.0/25 expressroute er2 peer 10.10.30.134 via 10.10.30.134 as 12076 65020\n"
		"10.2.30.0/25 expressroute er1 peer 10.10.30.132 via 10.10.30.132 as 12076 12076 "
		"12076 12076 12076 12076 12076 12076 12076 65021\n"
		"10.2.30.0/25 vpn peer 10.10.30.142 via 10.10.30.142 as 65021\n"
		"10.10.30.0/24 peering peer 10.10.30.140 as\n"
		"10.11.30.0/26 peering peer 10.10.30.140 as\n"
		"10.11.30.64/26 vpn peer 10.10.30.142 via 10.10.30.142 as 65516\n"
		"10.17.30.0/26 expressroute er1 peer 10.10.30.133 via 10.10.30.133 as 12076 "
		"12076\n");
	assert_string_equal(file_text(cfg, CIRCUIT "TRAP-classful-and-suffix.json"),
			    "10.0.0.0/8 expressroute er1 via 192.168.30.17 as 65021 lp 100\n"
			    "169.254.50.216/30 expressroute via 169.254.101.217 as 64600\n"
			    "172.16.0.0/16 expressroute via 169.254.101.217 as 64600 64901\n"
			    "172.29.0.0/16 peering via 172.29.255.12 as 65515\n"
			    "192.168.200.0/24 peering via 10.0.0.129 as 65515 lp 10\n");
	assert_string_equal(file_text(cfg, PEERS "hub-vpngw.vpn-peer-connecting.json"),
			    "peer 10.2.30.125 of 10.10.30.254 as 65021 Connecting 0 wrong\n"
			    "peer 10.11.30.126 of 10.10.30.254 as 65516 Connected 1\n"
			    "peer 10.10.30.140 of 10.10.30.254 as 65515 Connected 4\n"
			    "peer 10.10.30.141 of 10.10.30.254 as 65515 Connected 4\n");
	assert_string_equal(file_text(cfg, AZ "routeserver-peering-list-learned-routes.empty.json"),
			    "empty 1\n");
	assert_string_equal(
		file_text(cfg, AZ "error-internal-server-error.txt"),
		"error: not JSON, but \"(InternalServerError) An error occurred.\": run "
		"the command by hand\n");
	assert_string_equal(
		file_text(cfg,
			  AZ "vnet-gateway-list-advertised-routes.hub-ergw.peer-10.10.30.132.json"),
		"hint: what a gateway adver\n");
	assert_non_null(strstr(file_text(cfg, NIC "steady.json"), "hint: next hops of a NIC's"));
	config_free(cfg);
}

#define ROW(more)   "{\"network\":\"10.2.30.0/25\",\"sourcePeer\":\"10.10.30.132\"," more "}"
#define LEARN(more) "[" ROW(more) "]"
#define GOT(rest)   "10.2.30.0/25 " rest "\n"
#define MSEE(net)                                                                                  \
	"[{\"network\":\"" net                                                                     \
	"\",\"path\":\"65021 i\",\"nextHop\":\"192.168.30.17*\",\"locPrf\":\"\"}]"
#define HOP "via 192.168.30.17 as 65021\n"

static const struct {
	const char *text, *want; /* a want without newline at its end: how it begins */
} shapes[] = {
	/* the class is by the first AS, whatever the weight */
	{LEARN("\"asPath\":\"12076-65021\",\"weight\":32768"),
	 GOT("expressroute er1 peer 10.10.30.132 as 12076 65021")},
	{LEARN("\"asPath\":\"65021-12076\",\"weight\":32769"),
	 GOT("vpn er1 peer 10.10.30.132 as 65021 12076")},
	{LEARN("\"asPath\":\"12076-12076\""),
	 GOT("expressroute er1 peer 10.10.30.132 as 12076 12076")},
	/* redacted, and more than 32 bits */
	{LEARN("\"asPath\":\"65021--65010\""),
	 GOT("vpn er1 peer 10.10.30.132 as 65021 23456 65010")},
	{LEARN("\"asPath\":\"12076-4514841457\""),
	 GOT("expressroute er1 peer 10.10.30.132 as 12076 23456")},
	{LEARN("\"asPath\":\"12076-4259840001\""),
	 GOT("expressroute er1 peer 10.10.30.132 as 12076 4259840001")},
	/* a site without BGP; the VNet's own; a /32 behind a connection; enums in any case */
	{LEARN("\"asPath\":\"\",\"origin\":\"IBgp\""), GOT("vpn er1 peer 10.10.30.132 as")},
	{LEARN("\"asPath\":\"\",\"origin\":\"nETWORK\",\"nextHop\":null"),
	 GOT("peering er1 peer 10.10.30.132 as")},
	{"[{\"network\":\"10.2.30.125/"
	 "32\",\"asPath\":\"\",\"origin\":\"Network\",\"sourcePeer\":\"10.10.30.254\"}]",
	 "10.2.30.125/32 vpn peer 10.10.30.254 as\n"},
	{LEARN("\"asPath\":null,\"origin\":\"Vpn\""), GOT("vpn er1 peer 10.10.30.132")},
	/* IPv6; PowerShell's keys, and its array of one */
	{"{\"Network\":\"2001:db8::/"
	 "48\",\"AsPath\":\"12076-1\",\"SourcePeer\":\"2001:db9::1\",\"NextHop\":\"::\"}",
	 "2001:db8::/48 expressroute peer 2001:db9::1 via :: as 12076 1\n"},
	/* wrapped, bare, by instance, and behind progress text */
	{"{\"value\":" LEARN("\"asPath\":\"12076\"") "}",
	 GOT("expressroute er1 peer 10.10.30.132 as 12076")},
	{"{\"RouteServiceRole_IN_0\":[],\"RouteServiceRole_IN_1\":" LEARN(
		 "\"asPath\":\"65021\"") ",\"value\":null}",
	 GOT("vpn er1 peer 10.10.30.132 as 65021")},
	{"{- Finished ..\r\n[ running\n{\"value\":" LEARN("\"asPath\":\"12076\"") "}\n",
	 GOT("expressroute er1 peer 10.10.30.132 as 12076")},
	/* two tables in one output; one of them empty is unknown */
	{LEARN("\"asPath\":\"12076\"") LEARN("\"asPath\":\"65021\""),
	 GOT("expressroute er1 peer 10.10.30.132 as 12076")
		 GOT("vpn er1 peer 10.10.30.132 as 65021")},
	{"{\"value\":[]}" LEARN("\"asPath\":\"65021\""),
	 GOT("vpn er1 peer 10.10.30.132 as 65021") "empty 1\n"},
	{"{\"value\":[]}", "empty 1\n"},
	{"{\"value\":[],\"RouteServiceRole_IN_0\":[]}", "empty 1\n"},
	{"[]", "empty 1\n"},
	{"", "empty 1\n"},
	{"{\"nextLink\":\"https://x\",\"value\":" LEARN("\"asPath\":\"12076\"") "}",
	 GOT("expressroute er1 peer 10.10.30.132 as 12076") "empty 1\nhint: it has more pages "
							    "(n\n"},
	/* a gateway's word is kept, not the circuit's shorter one */
	{LEARN("\"asPath\":\"12076-65021\"") "[{\"network\":\"10.2.30.0/"
					     "25\",\"path\":\"65021\",\"nextHop\":\"192.168.30."
					     "17\"}]",
	 GOT("expressroute er1 peer 10.10.30.132 as 12076 65021")},
	/* networks without a mask, of a circuit alone */
	{MSEE("10.0.0.0"), "10.0.0.0/8 expressroute er1 " HOP},
	{MSEE("127.0.0.0"), "127.0.0.0/8 expressroute er1 " HOP},
	{MSEE("128.1.0.0"), "128.1.0.0/16 expressroute er1 " HOP},
	{MSEE("191.255.0.0"), "191.255.0.0/16 expressroute er1 " HOP},
	{MSEE("192.0.2.0"), "192.0.2.0/24 expressroute er1 " HOP},
	{MSEE("223.255.255.0"), "223.255.255.0/24 expressroute er1 " HOP},
	{MSEE("0.0.0.0"), "0.0.0.0/0 expressroute er1 " HOP},
	{MSEE("10.1.0.0"),
	 "error: none of its 1 rows can be read: row 1: `network` is no prefix: "},
	{MSEE("224.0.0.0"), "error: none of its 1 rows"},
	{MSEE("10.1.0.0/16"), "10.1.0.0/16 expressroute er1 " HOP},
	{MSEE("2001:db8::/32"), "2001:db8::/32 expressroute er1 " HOP},
	{"[{\"network\":\"10.0.0.0/8\",\"path\":\"\"}]", "10.0.0.0/8 other as\n"},
	/* a NIC: what is not active, what is no gateway's; several prefixes; a known next hop */
	{"[{\"addressPrefix\":[\"10.0.0.0/8\",\"10.1.0.0/"
	 "16\"],\"nextHopType\":\"VirtualNetworkGateway\","
	 "\"nextHopIpAddress\":[\"10.3.129.92\",\"10.10.30.132\"],\"state\":\"active\"},"
	 "{\"addressPrefix\":[\"10.9.0.0/"
	 "16\"],\"nextHopType\":\"vnetLocal\",\"state\":\"Invalid\"},"
	 "{\"addressPrefix\":\"10.8.0.0/16\",\"nextHopType\":\"connectedgroup\"},"
	 "{\"addressPrefix\":[\"0.0.0.0/"
	 "0\"],\"nextHopType\":\"Internet\",\"nextHopIpAddress\":[]}]",
	 "10.0.0.0/8 expressroute er1 via 10.10.30.132\n10.1.0.0/16 expressroute er1 via "
	 "10.10.30.132\n"
	 "10.8.0.0/16 peering\n"},
	/* sessions: no routes over one that is up */
	{"[{\"neighbor\":\"10.2.30.125\",\"state\":\"CONNECTED\",\"routesReceived\":0,\"asn\":"
	 "65021}]",
	 "peer 10.2.30.125 of  as 65021 CONNECTED 0 wrong\n"},
	{"[{\"neighbor\":\"10.2.30.125\",\"localAddress\":\"10.10.30.254\",\"state\":\"Connected\","
	 "\"asn\":65021}]",
	 "peer 10.2.30.125 of 10.10.30.254 as 65021 Connected 0\n"},
	/* wrong rows beside right ones */
	{"[" ROW("\"asPath\":\"12076\"") ",{\"network\":\"x\",\"asPath\":\"1\"},"
					 "{\"network\":\"10.0.0.0/"
					 "8\",\"asPath\":\"1.5\"},7,{\"neighbor\":\"1.1.1.1\","
					 "\"state\":\"x\"}]",
	 GOT("expressroute er1 peer 10.10.30.132 as 12076") "refused 4: row 2: `network` is no "
							    "prefix: "
							    "see that the table is whole\n"},
	/* sessions that are right do not make up for routes of which none can be read */
	{"[{\"network\":\"x\",\"asPath\":\"1\",\"sourcePeer\":\"10.10.30.132\"}]"
	 "[{\"neighbor\":\"10.2.30.125\",\"state\":\"Connected\",\"asn\":65021}]",
	 "error: none of its 1 rows can be read: row 1: `network` is no prefix: "},
	/* wrong texts: an error each */
	{"ERROR: (AuthorizationFailed) x\n",
	 "error: not JSON, but \"ERROR: (AuthorizationFailed) x\": "},
	{"{- Finished ..\n", "error: not JSON ("},
	{"{\"error\":{\"code\":\"GatewayBusy\",\"message\":\"try\\u001b later\"}}",
	 "error: Azure says: GatewayBusy: try? later: run the command by hand\n"},
	{"{\"value\":[{\"network\":\"10.0.0.0/8\"", "error: ends too early ("},
	{"{\"value\":7}", "error: no table of Azure's: "},
	{"{\"value\":[7]}", "error: its rows are of no table that is known: "},
	{"[{\"name\":\"vm\"}]", "error: its rows are of no table that is known: "},
	{"{}", "error: no table of Azure's: "},
	{"7", "error: not JSON, but \"7\": "},
	{LEARN("\"asPath\":\"12076\"") " (InternalServerError)",
	 "error: not JSON, but \"(InternalServerError)\": "},
	{"[{\"network\":\"10.0.0.0/33\",\"asPath\":\"1\",\"sourcePeer\":\"1.1.1.1\"}]",
	 "error: none of its 1 rows can be read: row 1: "},
};

static void test_shapes(void **state)
{
	struct config *cfg = config_of(edge);

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		const char *got = parsed_text(&azure_snapshot, &cfg->feeds[0], shapes[i].text,
					      strlen(shapes[i].text));
		size_t len = strlen(shapes[i].want);

		if (len && shapes[i].want[len - 1] != '\n' ? strncmp(got, shapes[i].want, len)
							   : strcmp(got, shapes[i].want))
			fail_msg("%s\ngives\n%swant\n%s", shapes[i].text, got, shapes[i].want);
	}
	config_free(cfg);
}

/* A network of ours that a gateway lists as its own is that of a VPN site without BGP. */
static void test_inside_is_no_vnet(void **state)
{
	static const char text[] = "[{\"network\":\"10.2.30.0/25\",\"asPath\":\"\",\"origin\":"
				   "\"Network\",\"sourcePeer\":\"10.10.30.254\"}]";
	struct config *cfg = config_of(edge);
	struct rib *rib = rib_new(cfg, NULL);
	char error[SNAPSHOT_ERROR];
	struct snapshot s = {0};

	(void)state;
	assert_int_equal(
		snapshot_parse(&azure_snapshot, &cfg->feeds[0], text, strlen(text), &s, error), 0);
	assert_int_equal(rib_announce(rib, 0, &s.routes[0], 1), RIB_OK);
	assert_string_equal(rib_text(rib, VIEW_REMOTE), "10.2.30.0/25 vpn \n");
	snapshot_free(&s);
	rib_free(rib);
	config_free(cfg);
}

/* As old as the table that said it last, changed or not. */
static void test_age(void **state)
{
	static const char text[] = "[{\"network\":\"10.2.30.0/25\",\"asPath\":\"12076\","
				   "\"sourcePeer\":\"10.10.30.132\"}]";
	struct config *cfg = config_of(edge);
	struct rib *rib = rib_new(cfg, NULL);
	struct prefix p;
	char error[SNAPSHOT_ERROR];
	struct snapshot s = {0};
	const struct candidate *c;

	(void)state;
	prefix_parse("10.2.30.0/25", &p, NULL);
	assert_int_equal(
		snapshot_parse(&azure_snapshot, &cfg->feeds[0], text, strlen(text), &s, error), 0);
	s.routes[0].age_ns = 40;
	assert_int_equal(rib_announce(rib, 0, &s.routes[0], 100), RIB_OK);
	c = rib_node_candidates(rib_find(rib, VIEW_REMOTE, &p));
	assert_int_equal(candidate_age(c, 100), 40);
	s.routes[0].age_ns = 10;
	assert_int_equal(rib_announce(rib, 0, &s.routes[0], 200), RIB_UNCHANGED);
	assert_int_equal(candidate_age(c, 200), 10);
	s.routes[0].age_ns = 1000; /* from before this machine was up */
	assert_int_equal(rib_announce(rib, 0, &s.routes[0], 200), RIB_UNCHANGED);
	assert_int_equal(candidate_age(c, 200), 1000);
	snapshot_free(&s);
	rib_free(rib);
	config_free(cfg);
}

/* Rows in any order give the same routes, word for word. */
static void test_order(void **state)
{
	struct config *cfg = config_of(edge);
	unsigned int seed = (unsigned int)getpid();
	char want[TEXT_LEN], *text;
	json_t *doc, *rows;
	size_t len;

	(void)state;
	text = data_read(LEARNED "hub-vpngw.steady.json", &len);
	doc = json_loads(text, 0, NULL);
	rows = json_object_get(doc, "value");
	snprintf(want, sizeof(want), "%s", parsed_text(&azure_snapshot, &cfg->feeds[0], text, len));
	free(text);
	print_message("seed %u\n", seed);
	for (int round = 0; round < 50; round++) {
		size_t n = json_array_size(rows);
		json_t *moved = json_incref(json_array_get(rows, (size_t)rand_r(&seed) % n));

		for (size_t i = 0; i < n; i++)
			if (json_array_get(rows, i) == moved) {
				json_array_remove(rows, i);
				break;
			}
		json_array_insert_new(rows, (size_t)rand_r(&seed) % n, moved);
		text = json_dumps(doc, 0);
		/* of two equal ways either may stay: the way itself is the same */
		assert_int_equal(
			strlen(parsed_text(&azure_snapshot, &cfg->feeds[0], text, strlen(text))),
			strlen(want));
		free(text);
	}
	json_decref(doc);
	config_free(cfg);
}

static void test_cut(void **state)
{
	struct config *cfg = config_of(edge);
	size_t len;
	char *text = data_read(LEARNED "hub-ergw.steady.json", &len);

	(void)state;
	for (size_t n = 1; n < len; n++) {
		struct snapshot s = {0};
		char error[SNAPSHOT_ERROR];
		char *copy = malloc(n);

		memcpy(copy, text, n);
		if (!snapshot_parse(&azure_snapshot, &cfg->feeds[0], copy, n, &s, error) &&
		    strchr(text + n, '}'))
			fail_msg("cut at %zu of %zu: %zu routes", n, len, s.n);
		snapshot_free(&s);
		free(copy);
	}
	free(text);
	config_free(cfg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_views),
		cmocka_unit_test(test_circuits),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_inside_is_no_vnet),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_age),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
