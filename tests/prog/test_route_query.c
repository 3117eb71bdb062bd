/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's own route, as the causes want it, in a namespace with routes of every kind. */
#include "harness.h"

#include "core/prefix.h"
#include "kernel/route_query.h"

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
	return 0;
}

/* Asks for a packet of the LAN; the answer as "PREFIX DEVICE PROTOCOL TABLE", or the error. */
static const char *query(const char *dst)
{
	static char text[120];
	char prefix[PREFIX_STRLEN];
	struct kernel_route r;
	struct ip_addr d, s;
	int err;

	ip_parse(dst, &d);
	ip_parse(d.family == 4 ? "10.2.30.10" : "fd02:30::10", &s);
	err = route_query(&d, &s, if_nametoindex("lan0"), &r);
	if (err)
		snprintf(text, sizeof(text), "none: %s", strerror(-err));
	else
		snprintf(text, sizeof(text), "%s %s %s%s %u", prefix_format(&r.prefix, prefix),
			 r.interface, r.protocol, r.learned ? "" : " (by hand)", r.table);
	return text;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_wrote_it),
		cmocka_unit_test(test_rule),
		cmocka_unit_test(test_multipath),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
