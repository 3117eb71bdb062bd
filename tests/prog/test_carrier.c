/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Carrier as the kernel's timer reads it: which devices are found, what is done when one loses its
 * carrier and has it again, who gives the path back, and that a device that is gone says no more.
 */
#include "clock.h"

#include <sys/stat.h>

#define GATEWAY "192.168.1.2" /* of er0 */

static struct sw_carrier *carrier;

static int carrier_setup(void **state)
{
	int ret = edge_setup(state);

	carrier = map_mmap("carrier", SW_MAX_PATHS * sizeof(*carrier));
	return ret;
}

static int find(uint32_t path, uint32_t ifindex, uint32_t l3)
{
	struct sw_carrier_ask ask = {.path = path, .ifindex = {ifindex, l3}};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &ask, .ctx_size_in = sizeof(ask));

	assert_int_equal(
		bpf_prog_test_run_opts(bpf_program__fd(edge.skel->progs.sw_carrier_find), &opts),
		0);
	return (int)opts.retval;
}

static int carrier_start(void **state)
{
	struct stat st;

	edge.ctl->carrier = 0;
	edge_start(state);
	map_clear("ports");
	memset(carrier, 0, SW_MAX_PATHS * sizeof(*carrier));
	assert_int_equal(stat("/proc/thread-self/ns/net", &st), 0);
	edge.ctl->netns = st.st_ino;
	timer_arm();
	assert_int_equal(find(ER0, edge.ifindex[ER0], 0), 0);
	assert_int_equal(find(ER1, edge.ifindex[ER1], 0), 0);
	timer_looks();
	return 0;
}

static bool bit(enum device path)
{
	return *(volatile uint64_t *)&edge.usable->link >> path & 1;
}

/* The far end of a device's cable. */
static void far_set(const char *peer, const char *what)
{
	char command[64];

	snprintf(command, sizeof(command), "link set %s %s\n", peer, what);
	ip_batch(command);
}

/* Until the path's bit is as it should be; how long that took, ms from `from`. */
static double await_bit(enum device path, bool set, uint64_t from)
{
	uint64_t end = precise_ns() + DEADLINE;

	while (bit(path) != set) {
		if (precise_ns() > end)
			fail_msg("path %d is never %s", path, set ? "given back" : "taken away");
		usleep(100);
	}
	return (double)(precise_ns() - from) / 1e6;
}

/* A packet that er0 receives, for this box. */
static void er0_receives(void)
{
	struct packet p = {.src = GATEWAY, .dst = OWN, .sport = 179, .dport = 40000};

	packet_run(TC_IN, ER0, &p);
}

/* The link is back, its gateway talks to this box: until the path is given back. */
static void er0_returns(const char *dev, const char *back)
{
	uint64_t end = precise_ns() + DEADLINE;

	far_set(dev, back);
	/* as what the gateway sends makes it: an interface that was set down has lost all */
	ip_batch("neigh replace " GATEWAY " lladdr 02:aa:00:00:00:01 dev er0\n");
	while (!bit(ER0)) {
		er0_receives();
		usleep(2000);
		if (precise_ns() > end)
			fail_msg("%s: never given back", edge.what);
	}
	timer_looks();
}

static void test_found(void **state)
{
	const uint32_t at = edge.ifindex[ER0];

	(void)state;
	assert_int_equal(edge.ctl->carrier, BIT(ER0) | BIT(ER1));
	assert_int_equal(carrier[ER0].device[0].up, 1);
	assert_int_equal(carrier[ER0].device[0].ifindex, at);
	assert_int_equal(carrier[ER0].device[1].dev, 0);
	assert_int_not_equal(carrier[ER0].device[0].dev, carrier[ER1].device[0].dev);
	/* two devices, as of `l3:` */
	assert_int_equal(find(ER0, at, edge.ifindex[LAN0]), 0);
	assert_int_equal(carrier[ER0].device[1].ifindex, edge.ifindex[LAN0]);
	assert_int_equal(carrier[ER0].device[1].up, 1);
	/* the same list of the kernel's, another number */
	assert_int_equal(find(ER0, at + 256, 0), ENODEV);
	assert_int_equal(edge.ctl->carrier, BIT(ER1));
	assert_int_equal(find(ER0, at, 0x7fffffff), ENODEV);
	assert_int_equal(edge.ctl->carrier, BIT(ER1));
	edge.ctl->netns++;
	assert_int_equal(find(ER0, at, 0), EXDEV);
	edge.ctl->netns--;
	assert_int_equal(find(SW_MAX_PATHS, at, 0), EINVAL);
	assert_int_equal(find(ER0, at, 0), 0);
	assert_int_equal(edge.ctl->carrier, BIT(ER0) | BIT(ER1));
}

/* Either end of the cable: no carrier, or set down. */
static void test_lost(void **state)
{
	static const struct {
		const char *what, *dev, *lost, *back;
	} cases[] = {
		{"the far end set down", "per0", "down", "up"},
		{"set down", "er0", "down", "up"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t from;
		uint32_t generation;
		double ms;

		carrier_start(state);
		from = precise_ns();
		generation = edge.ctl->generation;
		edge.what = cases[i].what;
		far_set(cases[i].dev, cases[i].lost);
		ms = await_bit(ER0, false, from);
		print_message("%s: %.1f ms with ip's start\n", cases[i].what, ms);
		CHECK(!carrier[ER0].device[0].up && carrier[ER0].hold.down, "not told");
		timer_looks();
		CHECK(edge.paths[ER0].changed_ns > from, "no time");
		CHECK(edge.ctl->generation != generation, "flows are not judged anew");
		CHECK(bit(ER1) && carrier[ER1].device[0].up, "er1 is taken away, too");
		er0_returns(cases[i].dev, cases[i].back);
	}
	assert_int_equal(edge.failures, 0);
}

static void await_held(void)
{
	uint64_t end = precise_ns() + DEADLINE;

	while (!*(volatile uint64_t *)&carrier[ER0].hold.up_ns) {
		if (precise_ns() > end)
			fail_msg("the timer does not see that it is back");
		usleep(100);
	}
	timer_looks();
}

/* Not before failback-delay, and longer when it fails again; and not without the gateway's MAC. */
static void test_held_back(void **state)
{
	struct packet p = {.src = HUB, .dst = LAN_HOST, .sport = 1, .dport = 2};
	uint64_t from;

	carrier_start(state);
	carrier[ER0].hold.delay_ns = 200 * MS;
	far_set("per0", "down");
	await_bit(ER0, false, precise_ns());
	from = precise_ns();
	far_set("per0", "up");
	await_held();
	assert_int_equal(edge.ctl->held, BIT(ER0));
	usleep(300000);
	assert_false(bit(ER0)); /* nobody knows its gateway */
	er0_returns("per0", "up");
	assert_in_range(edge.paths[ER0].changed_ns, from + 300 * MS, from + DEADLINE);
	assert_int_equal(edge.ctl->held, 0);
	/* again: twice as long, with the gateway known all the time */
	far_set("per0", "down");
	await_bit(ER0, false, precise_ns());
	assert_int_equal(carrier[ER0].hold.hold_ns, 400 * MS);
	from = precise_ns();
	er0_returns("per0", "up");
	assert_in_range(edge.paths[ER0].changed_ns, from + 400 * MS, from + DEADLINE);
	/* the far side's packets end it */
	far_set("per0", "down");
	await_bit(ER0, false, precise_ns());
	carrier[ER0].hold.hold_ns = 600 * SECOND_NS;
	far_set("per0", "up");
	await_held();
	for (int i = 0; i < 200; i++) {
		er0_receives();
		usleep(2000);
	}
	assert_false(bit(ER0));
	packet_run(TC_IN, ER0, &p);
	er0_returns("per0", "up");
}

/* What the daemon has taken is the daemon's to give back; what it says is down is not taken away.
 */
static void test_whose(void **state)
{
	carrier_start(state);
	far_set("per0", "down");
	await_bit(ER0, false, precise_ns());
	carrier[ER0].hold.down = 0;
	far_set("per0", "up");
	er0_receives();
	timer_looks();
	er0_receives();
	timer_looks();
	assert_int_equal(carrier[ER0].device[0].up, 1);
	assert_false(bit(ER0));
	edge.paths[ER0].changed_ns = 0;
	far_set("per0", "down");
	timer_looks();
	assert_int_equal(carrier[ER0].device[0].up, 0);
	assert_int_equal(carrier[ER0].hold.down, 0);
	far_set("per0", "up");
	timer_looks();
	assert_false(bit(ER0));
	assert_int_equal(edge.paths[ER0].changed_ns, 0);
	/* out for another reason: has not changed */
	edge.usable->link |= BIT(ER0);
	edge.usable->admin &= ~BIT(ER0);
	far_set("per0", "down");
	await_bit(ER0, false, precise_ns());
	timer_looks();
	assert_int_equal(edge.paths[ER0].changed_ns, 0);
	far_set("per0", "up");
}

/*
 * The device goes, and another has its name and number, most likely in the same memory: not the
 * same. It is when it is looked up anew.
 */
static void test_gone(void **state)
{
	char command[128];
	uint32_t up;

	carrier_start(state);
	assert_int_equal(find(VPN1, edge.ifindex[VPN1], 0), 0);
	ip_batch("link del vpn1\n");
	await_bit(VPN1, false, precise_ns());
	snprintf(command, sizeof(command),
		 "link add vpn1 index %u type veth peer name pvpn1\n"
		 "link set pvpn1 up\nlink set vpn1 up\n",
		 edge.ifindex[VPN1]);
	ip_batch(command);
	timer_looks();
	assert_int_equal(carrier[VPN1].device[0].up, 0);
	assert_false(bit(VPN1));
	assert_int_equal(find(VPN1, edge.ifindex[VPN1], 0), 0);
	timer_looks();
	assert_int_equal(carrier[VPN1].device[0].up, 1);
	/* nor is what moved to another network namespace, and is up there */
	snprintf(command, sizeof(command),
		 "ip netns add sw$PPID && ip link set vpn1 netns sw$PPID && "
		 "ip -n sw$PPID link set vpn1 up");
	assert_int_equal(system(command), 0);
	timer_looks();
	up = carrier[VPN1].device[0].up;
	assert_int_equal(system("ip netns del sw$PPID"), 0);
	assert_int_equal(up, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_found, carrier_start),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_held_back),
		cmocka_unit_test(test_whose),
		cmocka_unit_test(test_gone),
	};

	return cmocka_run_group_tests(tests, carrier_setup, edge_teardown);
}
