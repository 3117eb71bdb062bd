/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's own route, as the causes want it, in a namespace with routes of every kind. */
#include "harness.h"

#include "core/prefix.h"
#include "kernel/route_query.h"
#include "kernel/steer.h"
#include "kernel/tunnel_end.h"

#include <linux/rtnetlink.h>

static int setup(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET))
		fail_msg("no network namespace (%s): run as root", strerror(errno));
	sysctl_write("/proc/sys/net/ipv4/conf/all/forwarding", "1");
	sysctl_write("/proc/sys/net/ipv6/conf/all/forwarding", "1");
	ip_batch("link set lo up\n"
		 "link add lan0 type veth peer name plan\nlink set lan0 up\nlink set plan up\n"
		 "link add er0 type veth peer name per\nlink set er0 up\nlink set per up\n"
		 "link add er1 type veth peer name per1\nlink set er1 up\nlink set per1 up\n"
		 "addr add 10.2.30.3/25 dev lan0\naddr add fd02:30::3/64 dev lan0 nodad\n"
		 "addr add 192.168.30.17/30 dev er0\naddr add 192.168.31.17/30 dev er1\n"
		 "addr add fd99::1/64 dev er0 nodad\n"
		 "route add 10.10.30.0/24 via 192.168.30.18 proto bgp metric 20\n"
		 "route add 10.11.30.0/26 dev er1 proto static\n"
		 "route add 10.12.0.0/16 proto bird nexthop via 192.168.30.18 nexthop via "
		 "192.168.31.18\n"
		 "route add 10.13.0.0/16 dev er0 proto bgp\n"
		 "route add 10.13.0.0/16 dev er1 table 77\n"
		 "rule add from 10.2.30.0/25 to 10.13.0.0/16 lookup 77\n"
		 "route add blackhole 10.14.0.0/16\n"
		 "route add fd10::/32 via fd99::2 proto zebra\n"
		 "route add fd10:1::/48 dev er1 proto static\n");
	ip_batch("route add default dev er1 proto 83 table 7001\n"
		 "route add 10.13.0.0/16 dev er0 table 7001\n"
		 "rule add pref 7001 fwmark 0x20000/0xff0000 lookup 7001 proto 83\n"
		 "route add ::/0 dev er1 proto 83 table 7001\n");
	if (system("ip -6 rule add pref 7001 fwmark 0x20000/0xff0000 lookup 7001 proto 83"))
		fail_msg("no IPv6 rule");
	return 0;
}

/* Asks for a packet of the LAN; the answer as "PREFIX DEVICE PROTOCOL TABLE", or the error. */
static const char *query_marked(const char *dst, uint32_t mark)
{
	static char text[120];
	char prefix[PREFIX_STRLEN];
	struct kernel_route r = {0};
	struct ip_addr d, s;
	int err;

	ip_parse(dst, &d);
	ip_parse(d.family == 4 ? "10.2.30.10" : "fd02:30::10", &s);
	err = route_query(&d, &s, if_nametoindex("lan0"), mark, &r);
	if (err)
		snprintf(text, sizeof(text), "none: %s", strerror(-err));
	else
		snprintf(text, sizeof(text), "%s %s %s%s %u", prefix_format(&r.prefix, prefix),
			 r.interface, r.protocol, r.learned ? "" : " (by hand)", r.table);
	return text;
}

static const char *query(const char *dst)
{
	return query_marked(dst, 0);
}

static void test_who_wrote_it(void **state)
{
	(void)state;
	assert_string_equal(query("10.10.30.4"), "10.10.30.0/24 er0 bgp 0");
	assert_string_equal(query("10.11.30.4"), "10.11.30.0/26 er1 static (by hand) 0");
	assert_string_equal(query("192.168.31.18"), "192.168.31.16/30 er1 kernel (by hand) 0");
	assert_string_equal(query("fd10::4"), "fd10::/32 er0 zebra 0");
	assert_string_equal(query("fd10:1::4"), "fd10:1::/48 er1 static (by hand) 0");
}

/* The rule is of the LAN's source: another source would get the main table's. */
static void test_rule(void **state)
{
	(void)state;
	assert_string_equal(query("10.13.1.1"), "10.13.0.0/16 er1 boot (by hand) 77");
}

/* By its mark: sameway's own route, and what somebody put before it. */
static void test_mark(void **state)
{
	(void)state;
	assert_string_equal(query_marked("10.10.30.4", 0x20000), "0.0.0.0/0 er1 83 (by hand) 7001");
	assert_string_equal(query_marked("10.13.1.1", 0x20000),
			    "10.13.0.0/16 er0 boot (by hand) 7001");
	assert_string_equal(query_marked("fd10::4", 0x20000), "::/0 er1 83 (by hand) 7001");
	assert_string_equal(query_marked("10.10.30.4", 0x30000), "10.10.30.0/24 er0 bgp 0");
}

struct way {
	const char *dst, *iif;
	uint32_t mark, table, before, rule;
};

/* Which rule leads to the table that the kernel answered from. */
static void test_rule_ahead(void **state)
{
	static const struct way ways[] = {
		{"10.10.30.4", "lan0", 0x30000, RT_TABLE_MAIN, 7002, 5211},
		{"10.10.30.4", "lan0", 0x20000, RT_TABLE_MAIN, 7001, 0},
		{"10.10.30.4", "lan0", 0x30000, RT_TABLE_MAIN, 5211, 0},
		{"10.10.30.4", "lan0", 0x10000, 88, 7000, 0},
		{"10.99.30.4", "lan0", 0x10000, 88, 7000, 300},
		{"10.99.30.4", "er0", 0x10000, 88, 7000, 0},
	};

	(void)state;
	ip_batch("rule add pref 5211 fwmark 0x30000/0xff0000 lookup main\n"
		 "rule add pref 300 from 10.2.30.0/24 to 10.99.0.0/16 iif lan0 lookup 88\n"
		 "rule add pref 299 not from 10.2.30.0/24 lookup 88\n");
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		const struct way *w = &ways[i];
		struct ip_addr d, s;

		ip_parse(w->dst, &d);
		ip_parse("10.2.30.10", &s);
		assert_int_equal(steer_rule_ahead(&d, &s, w->iif, w->mark, w->table, w->before),
				 w->rule);
	}
	ip_batch("rule del pref 5211\nrule del pref 300\nrule del pref 299\n");
}

/* One of the next hops, the one that this pair gets. */
static void test_multipath(void **state)
{
	const char *got = query("10.12.0.1");
	(void)state;

	if (strcmp(got, "10.12.0.0/16 er0 bird 0"))
		assert_string_equal(got, "10.12.0.0/16 er1 bird 0");
}

static void test_none(void **state)
{
	(void)state;
	assert_memory_equal(query("10.99.0.1"), "none", 4);
	assert_memory_equal(query("10.14.0.1"), "none", 4);
	assert_memory_equal(query("fd77::1"), "none", 4);
	assert_memory_equal(query("10.2.30.3"), "none", 4); /* this box */
}

/* Where a tunnel's device sends what it has wrapped, and where the kernel sends that. */
static void test_tunnel_end(void **state)
{
	char text[IP_STRLEN], device[16];
	struct ip_addr end;

	(void)state;
	ip_batch("link add vx4 type vxlan id 4 remote 10.10.30.9 dstport 4789 dev lan0\n"
		 "link add vx6 type vxlan id 6 remote fd10::9 dstport 4789 dev lan0\n"
		 "link add vx0 type vxlan id 7 dstport 4790 dev lan0\n");
	assert_int_equal(tunnel_end("vx4", &end), 0);
	assert_string_equal(ip_format(&end, text), "10.10.30.9");
	assert_int_equal(route_query_own(&end, device), 0);
	assert_string_equal(device, "er0");
	assert_int_equal(tunnel_end("vx6", &end), 0);
	assert_string_equal(ip_format(&end, text), "fd10::9");
	assert_int_equal(route_query_own(&end, device), 0);
	assert_string_equal(device, "er0");
	assert_int_equal(tunnel_end("vx0", &end), -ENOENT);
	assert_int_equal(tunnel_end("er0", &end), -ENOENT);
	assert_int_equal(tunnel_end("none0", &end), -ENODEV);
	ip_parse("10.14.0.1", &end);
	assert_int_not_equal(route_query_own(&end, device), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_wrote_it), cmocka_unit_test(test_rule),
		cmocka_unit_test(test_mark),	     cmocka_unit_test(test_rule_ahead),
		cmocka_unit_test(test_multipath),    cmocka_unit_test(test_none),
		cmocka_unit_test(test_tunnel_end),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
