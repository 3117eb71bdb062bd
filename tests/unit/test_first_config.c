/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * init: what BIRD and FRR say of their sessions, and the config that follows from it and from a
 * made-up box. Each config that is complete must be one that check-config takes.
 */
#include "config_assert.h"

#include "core/first_config.h"

/* As on BIRD's socket: codes, a heading a protocol, indented lines below it. */
#define BIRD_ER                                                                                    \
	"2002-Name       Proto      Table      State  Since         Info\n"                        \
	"1002-device1    Device     ---        up     12:00:00.000  \n"                            \
	" \n"                                                                                      \
	"1002-ER1        BGP        ---        up     12:00:00.000  Established   \n"              \
	"1006-  BGP state:          Established\n"                                                 \
	"     Neighbor address: 192.168.30.18%er0\n"                                               \
	"     Neighbor AS:      12076\n"                                                           \
	"     Local AS:         65021\n"                                                           \
	"     Source address:   192.168.30.17\n"                                                   \
	"   Channel ipv4\n"                                                                        \
	"     State:          UP\n"
#define BIRD_VPN                                                                                   \
	"1002-VPN        BGP        ---        start  12:00:00.000  Active\n"                      \
	"1006-  BGP state:          Active\n"                                                      \
	"     Neighbor address: 10.10.30.254\n"                                                    \
	"     Neighbor AS:      65515\n"                                                           \
	"     Local AS:         65021\n"
#define BIRD_MON                                                                                   \
	"1002-MON        BGP        ---        start  12:00:00.000  Active\n"                      \
	"1006-  BGP state:          Active\n"                                                      \
	"     Neighbor address: 127.0.0.2\n"                                                       \
	"     Neighbor port:    1799\n"                                                            \
	"     Neighbor AS:      65021\n"                                                           \
	"     Local AS:         65021\n"                                                           \
	"1002-kernel1    Kernel     master4    up     12:00:00.000  \n"                            \
	"     Neighbor AS:      1\n"                                                               \
	"0000 \n"

#define FRR_TEXT                                                                                   \
	"{\"192.168.30.18\":{\"remoteAs\":12076,\"localAs\":65021,\"bgpState\":\"Established\","   \
	"\"hostLocal\":\"192.168.30.17\",\"portForeign\":179},"                                    \
	"\"10.10.30.254\":{\"remoteAs\":65515,\"localAs\":65021,\"bgpState\":\"Active\","          \
	"\"hostLocal\":\"Unknown\",\"portForeign\":-1},\"er7\":{\"remoteAs\":1}}"

struct box {
	struct host_link links[5];
	struct host_address addresses[5];
	struct host_route routes[4];
	struct host host;
};

static struct prefix prefix_of(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p, NULL), 0);
	return p;
}

static struct ip_addr addr_of(const char *text)
{
	struct ip_addr addr;

	assert_int_equal(ip_parse(text, &addr), 0);
	return addr;
}

/* er0 towards Microsoft, tun30 the tunnel, lan0 inside, wan in public, lo. */
static void box_make(struct box *box)
{
	static const char *const names[] = {"lo", "er0", "tun30", "lan0", "wan"};

	memset(box, 0, sizeof(*box));
	for (uint32_t i = 0; i < 5; i++) {
		box->links[i] = (struct host_link){.ifindex = i + 1, .up = true, .carrier = true};
		strcpy(box->links[i].name, names[i]);
	}
	box->links[0].loopback = true;
	box->links[2].l3 = true;
	box->addresses[0] = (struct host_address){2, addr_of("192.168.30.17"), 30};
	box->addresses[1] = (struct host_address){4, addr_of("10.2.30.3"), 25};
	box->addresses[2] = (struct host_address){4, addr_of("fd00:2:30::3"), 64};
	box->addresses[3] = (struct host_address){4, addr_of("fe80::1"), 64};
	box->addresses[4] = (struct host_address){5, addr_of("66.198.12.106"), 30};
	box->routes[0] = (struct host_route){.dst = prefix_of("192.168.30.16/30"), .ifindex = 2};
	box->routes[1] = (struct host_route){.dst = prefix_of("10.10.30.254/32"), .ifindex = 3};
	box->routes[2] = (struct host_route){
		.dst = prefix_of("10.10.30.0/24"), .via = addr_of("192.168.30.18"), .ifindex = 2};
	box->host = (struct host){.links = box->links,
				  .n_links = 5,
				  .addresses = box->addresses,
				  .n_addresses = 5,
				  .routes = box->routes,
				  .n_routes = 3};
}

static char *written(const struct box *box, const char *bird, const char *in_the_way, bool complete)
{
	struct sessions sessions = {0};
	bool got = !complete;
	char *text;

	assert_int_equal(sessions_parse_bird(&sessions, bird), 0);
	text = first_config(&box->host, &sessions, in_the_way, &got);
	assert_non_null(text);
	assert_int_equal(got, complete);
	sessions_free(&sessions);
	return text;
}

static void test_bird(void **state)
{
	struct sessions s = {0};
	char text[IP_STRLEN];

	(void)state;
	assert_int_equal(sessions_parse_bird(&s, BIRD_ER BIRD_VPN BIRD_MON), 0);
	assert_int_equal(s.n, 3);
	assert_true(s.bird && !s.frr && s.v[0].up && !s.v[1].up);
	assert_string_equal(s.v[0].name, "ER1");
	assert_string_equal(ip_format(&s.v[0].neighbor, text), "192.168.30.18");
	assert_string_equal(ip_format(&s.v[0].source, text), "192.168.30.17");
	assert_int_equal(s.v[0].as, 12076);
	assert_int_equal(s.v[1].local_as, 65021);
	assert_int_equal(s.v[2].port, 1799);
	assert_int_equal(s.v[2].as, 65021); /* not what a later protocol says */
	sessions_free(&s);
	assert_int_equal(sessions_parse_bird(&s, "9001 There is no BGP\n"), 0);
	assert_int_equal(s.n, 0);
	sessions_free(&s);
}

static void test_frr(void **state)
{
	struct sessions s = {0};

	(void)state;
	assert_int_equal(sessions_parse_frr(&s, FRR_TEXT), 0);
	assert_int_equal(s.n, 2);
	assert_true(s.frr && s.v[0].up && !s.v[1].up);
	assert_int_equal(s.v[0].as, 12076);
	assert_int_equal(s.v[0].source.family, 4);
	assert_int_equal(s.v[1].source.family, 0);
	assert_int_equal(s.v[1].port, 0);
	sessions_free(&s);
	assert_int_equal(sessions_parse_frr(&s, "% BGP instance not found"), -EINVAL);
	sessions_free(&s);
}

static void test_edge(void **state)
{
	const struct config_path *er, *vpn;
	struct config *cfg;
	char buf[PREFIX_STRLEN];
	struct box box;
	char *text;

	(void)state;
	box_make(&box);
	text = written(&box, BIRD_ER BIRD_VPN BIRD_MON, NULL, true);
	cfg = parse_good(text);
	assert_int_equal(cfg->mode, SW_MODE_ENFORCE);
	assert_int_equal(cfg->n_paths, 2);
	er = config_path_by_name(cfg, "er1-primary");
	vpn = config_path_by_name(cfg, "vpn1");
	assert_true(er && er->class == SW_CLASS_EXPRESSROUTE && vpn && vpn->class == SW_CLASS_VPN);
	assert_string_equal(er->interface, "er0");
	assert_string_equal(ip_format(&er->gateway, buf), "192.168.30.18");
	assert_string_equal(vpn->interface, "tun30"); /* by the /32, not by the hub's prefix */
	assert_int_equal(vpn->gateway.family, 0);
	assert_int_equal(cfg->n_inside, 1);
	assert_int_equal(cfg->inside[0].n_networks, 2);
	assert_string_equal(prefix_format(&cfg->inside[0].networks[0], buf), "10.2.30.0/25");
	assert_string_equal(prefix_format(&cfg->inside[0].networks[1], buf), "fd00:2:30::/64");
	assert_int_equal(cfg->feeds[0].port, 1799);
	assert_int_equal(cfg->feeds[0].as, 65021);
	assert_non_null(strstr(text, "# not wan: it has a public address"));
	config_free(cfg);
	free(text);
}

static void test_cautious(void **state)
{
	struct config *cfg;
	struct box box;
	char *text;

	(void)state;
	box_make(&box);
	/* A firewall; no session to us yet: it observes, and says what to add. */
	text = written(&box, BIRD_ER BIRD_VPN BIRD_MON, "nftables chain ip guard", true);
	cfg = parse_good(text);
	assert_int_equal(cfg->mode, SW_MODE_MONITOR);
	assert_int_equal(cfg->forward, FORWARD_AUTO);
	assert_non_null(strstr(text, "# nftables chain ip guard"));
	config_free(cfg);
	free(text);
	text = written(&box, BIRD_ER BIRD_VPN, NULL, true);
	cfg = parse_good(text);
	assert_int_equal(cfg->mode, SW_MODE_MONITOR);
	assert_int_equal(cfg->feeds[0].port, 1790);
	assert_non_null(strstr(text, "#       neighbor 127.0.0.2 port 1790 as 65021;\n"));
	assert_non_null(strstr(text, "rr client"));
	config_free(cfg);
	free(text);
}

/* Behind a /30 is a router, and the networks behind it are inside. */
static void test_router(void **state)
{
	struct config *cfg;
	char buf[PREFIX_STRLEN];
	struct box box;
	char *text;

	(void)state;
	box_make(&box);
	box.addresses[1] = (struct host_address){4, addr_of("192.168.40.1"), 30};
	box.addresses[2].ifindex = 1;
	box.routes[3] = (struct host_route){
		.dst = prefix_of("10.2.30.0/25"), .via = addr_of("192.168.40.2"), .ifindex = 4};
	box.host.n_routes = 4;
	text = written(&box, BIRD_ER BIRD_VPN, NULL, true);
	cfg = parse_good(text);
	assert_string_equal(prefix_format(&cfg->inside[0].networks[0], buf), "10.2.30.0/25");
	assert_string_equal(ip_format(&cfg->inside[0].gateway, buf), "192.168.40.2");
	config_free(cfg);
	free(text);
}

/* Neighbours of no known AS, on Ethernet: a person must say what they are. */
static void test_unknown(void **state)
{
	struct config *cfg;
	struct box box;
	char *text;

	(void)state;
	box_make(&box);
	text = written(&box,
		       "1002-X          BGP        ---        up     12:00  Established\n"
		       "     Neighbor address: 192.168.30.18\n"
		       "     Neighbor AS:      64999\n     Local AS:         65021\n",
		       NULL, true);
	cfg = parse_good(text);
	assert_int_equal(cfg->paths[0].class, SW_CLASS_OTHER);
	assert_non_null(strstr(text, "DECIDE: not known to be ExpressRoute or VPN"));
	config_free(cfg);
	free(text);
	text = written(&box, "", NULL, false);
	assert_non_null(strstr(text, "DECIDE: no external BGP session was found"));
	free(text);
	box.host.n_links = 3;
	text = written(&box, BIRD_ER, NULL, false);
	assert_non_null(strstr(text, "DECIDE: no private network was found"));
	free(text);
}

static void test_frr_lines(void **state)
{
	struct sessions s = {0};
	struct config *cfg;
	struct box box;
	bool complete;
	char *text;

	(void)state;
	box_make(&box);
	assert_int_equal(sessions_parse_frr(&s, FRR_TEXT), 0);
	text = first_config(&box.host, &s, NULL, &complete);
	assert_true(complete);
	cfg = parse_good(text);
	assert_int_equal(cfg->feeds[0].port, 1790);
	assert_non_null(strstr(text, "neighbor 169.254.77.2 addpath-tx-all-paths"));
	assert_non_null(strstr(text, "route-reflector-client"));
	config_free(cfg);
	free(text);
	sessions_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bird),	  cmocka_unit_test(test_frr),
		cmocka_unit_test(test_edge),	  cmocka_unit_test(test_cautious),
		cmocka_unit_test(test_router),	  cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_frr_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
