/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules and tables of kernel forwarding against a real kernel: put, put back, pruned, removed. */
#include "kernel/steer.h"
#include "links_fixture.h"

static struct steer_plan plan;
static struct steer_report report;

static int text_of(const char *command, char *out, size_t size)
{
	FILE *pipe = popen(command, "r");
	size_t n = pipe ? fread(out, 1, size - 1, pipe) : 0;

	out[n] = '\0';
	return pipe ? pclose(pipe) : -1;
}

/* The command's output, blanks squeezed, must be this. */
static void says(const char *command, const char *want)
{
	char line[400], got[4096];

	snprintf(line, sizeof(line), "%s | tr -s ' \\t' ' ' | sed 's/ *$//'", command);
	text_of(line, got, sizeof(got));
	assert_string_equal(got, want);
}

static void plan_two(void)
{
	sh("ip link add e0 type veth peer name p0; ip link set p0 up; ip link set e0 up; ip addr "
	   "add "
	   "192.0.2.1/24 dev e0; ip tuntap add mode tun name t0; ip link set t0 up");
	memset(&plan, 0, sizeof(plan));
	plan.tables = 7000;
	plan.mask = 0xff0000;
	plan.n = 2;
	plan.path[0] = (struct steer_path){.id = 0, .ifindex = if_nametoindex("e0")};
	ip_parse("192.0.2.2", &plan.path[0].via[0]);
	plan.path[1] = (struct steer_path){
		.id = 63, .ifindex = if_nametoindex("t0"), .l3 = true, .mtu = 1380};
}

#define RULES4                                                                                     \
	"7000: from all fwmark 0x10000/0xff0000 lookup 7000 proto 83\n"                            \
	"7063: from all fwmark 0x400000/0xff0000 lookup 7063 proto 83\n"
#define RULES6 "7063: from all fwmark 0x400000/0xff0000 lookup 7063 proto 83\n"

static void all_is_there(void)
{
	says("ip rule | grep ^7", RULES4);
	says("ip -6 rule | grep ^7", RULES6);
	says("ip route show table 7000", "default via 192.0.2.2 dev e0 proto 83 onlink\n");
	says("ip route show table 7063 | sed 's/ linkdown//'",
	     "default dev t0 proto 83 scope link mtu lock 1380\n");
}

static void is_put_once(void **state)
{
	(void)state;
	plan_two();
	assert_int_equal(steer_sync(&plan, true, &report), 0);
	assert_int_equal(report.put, 6); /* no gateway6: no IPv6 on e0 */
	assert_int_equal(report.err, 0);
	all_is_there();
	assert_int_equal(steer_sync(&plan, true, &report), 0);
	assert_int_equal(report.put, 0);
}

static void comes_back(void **state)
{
	(void)state;
	plan_two();
	steer_sync(&plan, true, &report);
	sh("ip rule del priority 7063; ip -6 rule del priority 7063; ip route del default table "
	   "7000");
	assert_int_equal(steer_sync(&plan, false, &report), 0);
	assert_int_equal(report.put, 3);
	assert_string_equal(report.what, "IPv4 route of table 7000");
	all_is_there();
	/* somebody replaced it */
	sh("ip route replace default via 192.0.2.9 dev e0 table 7000 proto 83");
	assert_int_equal(steer_sync(&plan, false, &report), 0);
	assert_int_equal(report.put, 1);
	all_is_there();
	/* a link that is down takes no route: that is no error, and it is put when the link is up
	 */
	sh("ip link set e0 down");
	assert_int_equal(steer_sync(&plan, false, &report), 0);
	assert_int_equal(report.put + (size_t)report.err, 0);
	says("ip route show table 7000", "");
	sh("ip link set e0 up");
	assert_int_equal(steer_sync(&plan, false, &report), 0);
	assert_int_equal(report.put, 1);
}

/* The usual IPv6 gateway is link-local; a path's smaller MTU is a locked metric. */
static void link_local_gateway(void **state)
{
	(void)state;
	plan_two();
	ip_parse("fe80::9", &plan.path[0].via[1]);
	plan.path[0].mtu = 1300;
	assert_int_equal(steer_sync(&plan, true, &report), 0);
	assert_int_equal(report.put, 8);
	assert_int_equal(report.err, 0);
	says("ip -6 route show table 7000 | sed 's/ metric.*mtu/ mtu/'",
	     "default via fe80::9 dev e0 proto 83 mtu lock 1300 pref medium\n");
	assert_int_equal(steer_sync(&plan, true, &report), 0);
	assert_int_equal(report.put, 0);
	/* and no IPv6 on the tunnel's device: said, and the rest works */
	sh("sysctl -qw net.ipv6.conf.t0.disable_ipv6=1");
	assert_int_equal(steer_sync(&plan, false, &report), 0);
	assert_int_equal(report.put, 0);
	assert_int_not_equal(report.err, 0);
	assert_string_equal(report.failed, "IPv6 route of table 7063");
}

static void follows_the_plan(void **state)
{
	(void)state;
	plan_two();
	steer_sync(&plan, true, &report);
	/* other bits: the new rules first, the old ones go with the pruning */
	plan.mask = 0x7f;
	assert_int_equal(steer_sync(&plan, false, &report), 0);
	says("ip rule | grep -c ^7", "4\n");
	assert_int_equal(steer_sync(&plan, true, &report), 0);
	says("ip rule | grep ^7", "7000: from all fwmark 0x1/0x7f lookup 7000 proto 83\n"
				  "7063: from all fwmark 0x40/0x7f lookup 7063 proto 83\n");
	/* a path less; what somebody else has there stays */
	sh("ip rule add priority 7063 from 10.1.1.1 lookup main; ip route add 10.9.0.0/16 dev lo "
	   "table "
	   "7063");
	plan.n = 1;
	assert_int_equal(steer_sync(&plan, true, &report), 0);
	says("ip rule | grep ^7", "7000: from all fwmark 0x1/0x7f lookup 7000 proto 83\n"
				  "7063: from 10.1.1.1 lookup main\n");
	says("ip -6 rule | grep -c ^7", "0\n");
	says("ip route show table 7063", "10.9.0.0/16 dev lo scope link\n");
	assert_int_equal(steer_clear(7000), 0);
	says("ip rule | grep ^7", "7063: from 10.1.1.1 lookup main\n");
	says("ip route show table all | grep -c 'proto 83'", "0\n");
	assert_int_equal(steer_clear(7000), 0); /* nothing there */
}

static void taken_is_named(void **state)
{
	char text[STEER_TEXT] = "";

	(void)state;
	assert_int_equal(steer_taken(7000, text), 0);
	plan_two();
	steer_sync(&plan, true, &report);
	assert_int_equal(steer_taken(7000, text), 0); /* ours */
	sh("ip -6 rule add priority 7063 from fd00::1 lookup main");
	assert_int_equal(steer_taken(7000, text), 1);
	assert_string_equal(text, "IPv6 rule 7063 (table 254) is somebody else's");
	assert_int_equal(steer_taken(7064, text), 0);
	sh("ip route add 10.9.0.0/16 dev lo table 7064 proto 4");
	assert_int_equal(steer_taken(7064, text), 1);
	assert_string_equal(text, "table 7064 has an IPv4 route of somebody else (proto 4)");
}

/* A VPN's packets are answered unreachable without its device: not sent in clear by another route.
 */
static void vpn_is_guarded(void **state)
{
	(void)state;
	plan_two();
	plan.path[1].vpn = true;
	sh("ip link set lo up; ip route add default via 192.0.2.2; ip addr add fd00::1/64 dev e0 "
	   "nodad; ip -6 route add default via fd00::2 dev e0");
	assert_int_equal(steer_sync(&plan, true, &report), 0);
	assert_int_equal(report.put, 8);
	assert_int_equal(report.err, 0);
	says("ip route show table 7063 | sed 's/ linkdown//'",
	     "default dev t0 proto 83 scope link mtu lock 1380\n"
	     "unreachable default proto 83 metric 4294967295\n");
	says("ip -6 route show table 7063 | cut -d' ' -f1-3,5-6",
	     "default dev t0 83 metric\nunreachable default dev proto 83\n");
	assert_int_equal(steer_sync(&plan, false, &report), 0);
	assert_int_equal(report.put, 0);
	sh("ip link del t0");
	says("ip route get 10.1.1.1 mark 0x400000 2>&1", "RTNETLINK answers: No route to host\n");
	says("ip -6 route get fd01::1 mark 0x400000 2>&1", "RTNETLINK answers: No route to host\n");
	says("ip route get 10.1.1.1 | grep -c e0", "1\n"); /* the others' go on */
	plan.path[1].ifindex = 0;
	plan.path[1].l3 = false; /* not known any more */
	assert_int_equal(steer_sync(&plan, true, &report), 0);
	assert_int_equal(report.put, 0);
	says("ip -6 rule | grep ^7", RULES6);
	sh("ip route del unreachable default table 7063 metric 4294967295");
	assert_int_equal(steer_sync(&plan, false, &report), 0);
	assert_int_equal(report.put, 1);
	assert_string_equal(report.what, "IPv4 unreachable route of table 7063");
	/* of another class now */
	plan.path[1].vpn = false;
	plan.path[1].l3 = true;
	assert_int_equal(steer_sync(&plan, true, &report), 0);
	says("ip route show table 7063; ip -6 route show table 7063", "");
	plan.path[1].vpn = true;
	assert_int_equal(steer_sync(&plan, true, &report), 0);
	assert_int_equal(steer_clear(7000), 0);
	says("ip route show table all | grep -c 'proto 83'", "0\n");
	says("ip -6 route show table all | grep -c 'proto 83'", "0\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(is_put_once),	     T(comes_back),	T(link_local_gateway),
		T(follows_the_plan), T(taken_is_named), T(vpn_is_guarded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
