/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs on interfaces: whose they are, what becomes of them when the interface goes, and that
 * nobody else's programs and filters suffer. The clsact way is tried on new kernels, too.
 */
#include "datapath_fixture.h"

static int foreign_xdp(void)
{
	const struct bpf_insn insns[] = {RETURN(2)};

	return prog_load(BPF_PROG_TYPE_XDP, "someone_else", insns, COUNT(insns));
}

/* The user's own filter: counts in map row 0 and passes. */
static int user_filter(int counter)
{
	const struct bpf_insn insns[] = {
		LOAD_MAP(1, BPF_PSEUDO_MAP_VALUE, counter),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, 1),
		INSN(BPF_STX | BPF_DW | BPF_ATOMIC, 1, 2, 0, BPF_ADD),
		RETURN(0),
	};

	return prog_load(BPF_PROG_TYPE_SCHED_CLS, "user_filter", insns, COUNT(insns));
}

static int user_filter_attach(const char *ifname, int prog_fd, bool make_qdisc)
{
	LIBBPF_OPTS(bpf_tc_hook, where, .ifindex = (int)if_nametoindex(ifname),
		    .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = 1, .priority = 60000, .prog_fd = prog_fd);

	if (make_qdisc)
		assert_int_equal(bpf_tc_hook_create(&where), 0);
	return bpf_tc_attach(&where, &filter);
}

static uint64_t counter_read(int counter)
{
	uint32_t zero = 0;
	uint64_t value = 0;

	assert_int_equal(bpf_map_lookup_elem(counter, &zero, &value), 0);
	return value;
}

/* Ten frames into er0, by its peer; true when the user's filter counts them. */
static bool frames_counted(int counter)
{
	uint8_t frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 0x88, 0xb5};
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_ifindex = (int)if_nametoindex("er0p")};
	uint64_t before = counter_read(counter);
	time_t end = time(NULL) + DEADLINE_S;
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	assert_true(fd >= 0);
	while (counter_read(counter) < before + 10 && time(NULL) < end) {
		for (int i = 0; i < 10; i++)
			sendto(fd, frame, sizeof(frame), 0, (struct sockaddr *)&to, sizeof(to));
		poll(NULL, 0, 5);
	}
	close(fd);
	return counter_read(counter) >= before + 10;
}

static int counter_make(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "user_count", 4, 8, 1, NULL);

	assert_true(fd >= 0);
	return fd;
}

static int hook_stale(void *arg, const char *ifname, enum hook hook, bool attached)
{
	(void)hook;
	assert_string_equal(ifname, "er0");
	assert_false(attached);
	++*(int *)arg;
	return 0;
}

static void test_interface_made_anew(void **state)
{
	struct datapath *dp = open_dp();
	int seen = 0;

	(void)state;
	attach_three(dp);
	run("ip link del er0");
	assert_int_equal(maps_hook_each(INSTANCE, hook_stale, &seen), 0);
	assert_int_equal(seen, 3);
	three_attached(dp, false);
	run("ip link add er0 type veth peer name er0p");
	attach_three(dp);
	three_attached(dp, true);
	three_run_pinned();
	/* another interface under the old name, while the first one lives on under a new one */
	run("ip link set er0 down && ip link set er0 name old0 && "
	    "ip link add er0 type veth peer name er1p");
	attach_three(dp);
	three_run_pinned();
	nothing_runs("old0");
	run("ip link del old0");
	datapath_close(dp);
}

static void test_moved_to_another_namespace(void **state)
{
	struct datapath *dp = open_dp();
	uint32_t index = if_nametoindex("er0");
	int status, home[2], gone[2];
	char byte;
	pid_t pid;

	(void)state;
	attach_three(dp);
	assert_int_equal(pipe(home) | pipe(gone), 0);
	fflush(NULL);
	pid = fork();
	if (!pid) {
		close(gone[1]);
		if (unshare(CLONE_NEWNET) || write(home[1], "x", 1) != 1)
			_exit(1);
		_exit(read(gone[0], &byte, 1) == 0 ? 0 : 1);
	}
	assert_int_equal(read(home[0], &byte, 1), 1);
	run("ip link set er0 netns %d", pid);
	/* here, a new er0 has the number that the link tells */
	run("ip link add er0 index %u type veth peer name er2p", index);
	attach_three(dp);
	three_run_pinned();
	close(gone[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(gone[0]);
	close(home[0]);
	close(home[1]);
	datapath_close(dp);
}

/* Both run the same programs: only the numbers tell whose link is whose. */
static void test_names_exchanged(void **state)
{
	struct datapath *dp = open_dp();

	(void)state;
	attach_three(dp);
	attach(dp, "vpn0", HOOK_XDP);
	attach(dp, "vpn0", HOOK_TC_INGRESS);
	run("ip link set er0 down && ip link set vpn0 down && ip link set er0 name old0 && "
	    "ip link set vpn0 name er0 && ip link set old0 name vpn0");
	attach_three(dp);
	attach(dp, "vpn0", HOOK_XDP);
	attach(dp, "vpn0", HOOK_TC_INGRESS);
	three_attached(dp, true);
	three_run_pinned();
	assert_int_equal(datapath_prune(dp, (const char *const[]){"vpn0"}, 1), 0);
	nothing_runs("er0");
	assert_int_equal(xdp_id("vpn0"), pinned_prog_id("sw_xdp"));
	assert_true(datapath_attached(dp, "vpn0", HOOK_TC_INGRESS));
	assert_int_equal(tcx_count("vpn0", TCX_OUT, NULL), 0);
	datapath_close(dp);
}

static void test_foreign_xdp(void **state)
{
	struct datapath *dp = open_dp();
	int fd = foreign_xdp();
	uint32_t id;

	(void)state;
	assert_int_equal(bpf_xdp_attach((int)if_nametoindex("er0"), fd, XDP_FLAGS_DRV_MODE, NULL),
			 0);
	id = xdp_id("er0");
	err[0] = '\0';
	assert_int_equal(datapath_xdp_check(dp, if_nametoindex("er0"), "er0", err), -EBUSY);
	assert_non_null(strstr(err, "someone_else"));
	for (enum hook hook = HOOK_XDP; hook <= HOOK_XDP_GENERIC; hook++) {
		char text[40];

		err[0] = '\0';
		assert_int_equal(datapath_attach(dp, if_nametoindex("er0"), "er0", hook, err),
				 -EBUSY);
		snprintf(text, sizeof(text), "someone_else (id %u)", id);
		if (!strstr(err, text) || !strstr(err, "er0"))
			fail_msg("%s", err);
		assert_false(datapath_attached(dp, "er0", hook));
	}
	print_message("    %s\n", err);
	assert_false(pins_have(dir(), "link_er0_xdp"));
	assert_int_equal(xdp_id("er0"), id);
	datapath_close(dp);
	teardown(NULL);
	close(fd);
}

static void test_native_and_generic(void **state)
{
	struct datapath *dp = open_dp();

	(void)state;
	attach(dp, "er0", HOOK_XDP_GENERIC);
	assert_int_equal(datapath_xdp_check(dp, if_nametoindex("er0"), "er0", err), 0);
	assert_false(datapath_runs(dp, if_nametoindex("er0"), "er0", HOOK_XDP));
	attach(dp, "er0", HOOK_XDP);
	assert_true(datapath_runs(dp, if_nametoindex("er0"), "er0", HOOK_XDP));
	/* ours, whatever the interface is called now */
	assert_int_equal(datapath_xdp_check(dp, if_nametoindex("er0"), "was0", err), 0);
	assert_true(datapath_attached(dp, "er0", HOOK_XDP));
	assert_false(datapath_attached(dp, "er0", HOOK_XDP_GENERIC));
	/* a device without native XDP: said so, and what could be is not touched */
	run("ip tuntap add dev tun9 mode tun");
	assert_int_equal(datapath_attach(dp, if_nametoindex("tun9"), "tun9", HOOK_XDP, err),
			 -EOPNOTSUPP);
	assert_non_null(strstr(err, "native XDP"));
	attach(dp, "tun9", HOOK_TC_INGRESS);
	attach(dp, "tun9", HOOK_TC_EGRESS);
	assert_int_equal(datapath_unattach(dp, "tun9", HOOK_TC_INGRESS), 0);
	assert_int_equal(datapath_unattach(dp, "tun9", HOOK_TC_INGRESS), 0);
	assert_false(datapath_attached(dp, "tun9", HOOK_TC_INGRESS));
	assert_true(datapath_attached(dp, "tun9", HOOK_TC_EGRESS));
	run("ip link del tun9");
	assert_int_equal(datapath_attach(dp, 0x7ffffff0, "gone9", HOOK_TC_INGRESS, err), -ENODEV);
	assert_int_equal(datapath_attach(dp, 0x7ffffff0, "gone9", HOOK_XDP, err), -ENODEV);
	assert_non_null(strstr(err, "gone9"));
	datapath_close(dp);
}

static void test_dotted_names_and_prune(void **state)
{
	static const char *const keep[] = {"lan0.30", "unknown"};
	struct datapath *dp = open_dp();

	(void)state;
	run("ip link add lan0.30 type veth peer name lanp");
	attach_three(dp);
	attach(dp, "lan0.30", HOOK_XDP);
	attach(dp, "lan0.30", HOOK_TC_INGRESS);
	assert_true(datapath_attached(dp, "lan0.30", HOOK_XDP));
	assert_int_equal(datapath_prune(dp, keep, COUNT(keep)), 0);
	nothing_runs("er0");
	three_attached(dp, false);
	assert_true(datapath_attached(dp, "lan0.30", HOOK_XDP));
	assert_true(datapath_attached(dp, "lan0.30", HOOK_TC_INGRESS));
	assert_int_equal(datapath_prune(dp, NULL, 0), 0);
	nothing_runs("lan0.30");
	datapath_close(dp);
}

static void user_filter_counts_with(enum hooks_tc way, bool users_qdisc)
{
	struct datapath *dp = open_dp();
	int counter = counter_make(), fd = user_filter(counter);
	int ours[2] = {pins_open(dir(), "sw_tc_ingress"), pins_open(dir(), "sw_tc_egress")};
	size_t removed;

	if (users_qdisc)
		assert_int_equal(user_filter_attach("er0", fd, true), 0);
	for (int twice = 0; twice < 2; twice++)
		for (int i = 0; i < 2; i++)
			assert_int_equal(hooks_attach(dir(), ours[i], if_nametoindex("er0"), "er0",
						      i ? HOOK_TC_EGRESS : HOOK_TC_INGRESS, way,
						      err),
					 0);
	if (!users_qdisc && way == HOOKS_CLSACT)
		assert_int_equal(user_filter_attach("er0", fd, false), 0);
	assert_true(datapath_attached(dp, "er0", HOOK_TC_INGRESS));
	assert_true(datapath_attached(dp, "er0", HOOK_TC_EGRESS));
	if (users_qdisc || way == HOOKS_CLSACT)
		assert_true(frames_counted(counter));
	datapath_close(dp);
	assert_int_equal(datapath_detach(INSTANCE, &removed, err), 0);
	/* the user's filter is as before, and alone */
	assert_int_equal(tcx_count("er0", TCX_IN, NULL), 0);
	assert_false(clsact_attached("er0", HOOK_TC_INGRESS));
	assert_false(clsact_attached("er0", HOOK_TC_EGRESS));
	assert_true(qdisc_there("er0"));
	assert_true(frames_counted(counter));
	run("tc qdisc del dev er0 clsact");
	close(fd);
	close(counter);
	close(ours[0]);
	close(ours[1]);
}

static void test_user_filters(void **state)
{
	(void)state;
	if (hooks_tc_way() == HOOKS_TCX)
		user_filter_counts_with(HOOKS_TCX, true);
	user_filter_counts_with(HOOKS_CLSACT, true);
	user_filter_counts_with(HOOKS_CLSACT, false);
}

static void test_clsact(void **state)
{
	struct datapath *dp = open_dp();
	int fd = pins_open(dir(), "sw_tc_ingress"), foreign, counter = counter_make();
	uint32_t index = if_nametoindex("er0");
	size_t removed = 0;
	int seen = 0;

	(void)state;
	foreign = user_filter(counter);
	for (enum hook hook = HOOK_TC_INGRESS; hook <= HOOK_TC_EGRESS; hook++)
		assert_int_equal(clsact_attach(dir(), fd, index, "er0", hook, err), 0);
	assert_true(qdisc_there("er0"));
	assert_true(datapath_attached(dp, "er0", HOOK_TC_EGRESS));
	assert_int_equal(datapath_unattach(dp, "er0", HOOK_TC_EGRESS), 0);
	assert_true(qdisc_there("er0"));
	assert_true(datapath_attached(dp, "er0", HOOK_TC_INGRESS));
	assert_false(datapath_attached(dp, "er0", HOOK_TC_EGRESS));
	assert_int_equal(datapath_unattach(dp, "er0", HOOK_TC_INGRESS), 0);
	nothing_runs("er0"); /* the qdisc that we made is gone with the last filter */

	/* the interface comes again with the user's own empty qdisc: not ours to remove */
	assert_int_equal(clsact_attach(dir(), fd, index, "er0", HOOK_TC_INGRESS, err), 0);
	run("ip link del er0");
	assert_int_equal(maps_hook_each(INSTANCE, hook_stale, &seen), 0);
	assert_int_equal(seen, 1);
	run("ip link add er0 type veth peer name er0p && tc qdisc add dev er0 clsact");
	index = if_nametoindex("er0");
	assert_int_equal(clsact_attach(dir(), fd, index, "er0", HOOK_TC_INGRESS, err), 0);
	assert_int_equal(datapath_detach(INSTANCE, &removed, err), 0);
	assert_true(qdisc_there("er0"));
	assert_false(clsact_attached("er0", HOOK_TC_INGRESS));
	datapath_close(dp);

	/* the same, and nobody attached in between */
	run("tc qdisc del dev er0 clsact");
	dp = open_dp();
	assert_int_equal(clsact_attach(dir(), fd, index, "er0", HOOK_TC_INGRESS, err), 0);
	run("ip link del er0 && ip link add er0 type veth peer name er0p && "
	    "tc qdisc add dev er0 clsact");
	index = if_nametoindex("er0");
	assert_int_equal(datapath_detach(INSTANCE, &removed, err), 0);
	assert_true(qdisc_there("er0"));
	datapath_close(dp);

	/* somebody's program in our place is not replaced */
	LIBBPF_OPTS(bpf_tc_hook, where, .ifindex = (int)index, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = CLSACT_HANDLE, .priority = CLSACT_PRIORITY,
		    .prog_fd = foreign);
	assert_int_equal(bpf_tc_attach(&where, &filter), 0);
	dp = open_dp();
	assert_int_equal(clsact_attach(dir(), fd, index, "er0", HOOK_TC_INGRESS, err), -EBUSY);
	assert_non_null(strstr(err, "er0"));
	assert_false(pins_have(dir(), "filter_er0_tc-ingress"));
	/* nor is what is no program */
	run("tc filter del dev er0 ingress && tc filter add dev er0 ingress prio %d protocol ip "
	    "u32 match u32 0 0 flowid 1:1",
	    CLSACT_PRIORITY);
	assert_int_equal(clsact_attach(dir(), fd, index, "er0", HOOK_TC_INGRESS, err), -EBUSY);
	if (!strstr(err, "priority 1 of its tc-ingress filters"))
		fail_msg("%s", err);
	assert_false(pins_have(dir(), "filter_er0_tc-ingress"));
	run("tc qdisc del dev er0 clsact");
	datapath_close(dp);
	close(fd);
	close(foreign);
	close(counter);
}

static void clsact_both(const char *ifname)
{
	for (int i = 0; i < 2; i++) {
		int fd = pins_open(dir(), i ? "sw_tc_egress" : "sw_tc_ingress");

		assert_true(fd >= 0);
		assert_int_equal(clsact_attach(dir(), fd, if_nametoindex(ifname), ifname,
					       i ? HOOK_TC_EGRESS : HOOK_TC_INGRESS, err),
				 0);
		close(fd);
	}
}

/* Filters stay with the interface, pins with the name. */
static void test_clsact_renamed(void **state)
{
	struct datapath *dp = open_dp();
	size_t removed;

	(void)state;
	clsact_both("er0");
	run("ip link set er0 down && ip link set er0 name old0 && "
	    "ip link add er0 type veth peer name er1p");
	clsact_both("er0");
	nothing_runs("old0");
	assert_true(clsact_attached("er0", HOOK_TC_EGRESS));
	run("ip link del old0");

	/* names exchanged; then one of them is let go */
	clsact_both("vpn0");
	run("ip link set er0 down && ip link set vpn0 down && ip link set er0 name old0 && "
	    "ip link set vpn0 name er0 && ip link set old0 name vpn0");
	clsact_both("er0");
	clsact_both("vpn0");
	assert_int_equal(datapath_prune(dp, (const char *const[]){"vpn0"}, 1), 0);
	nothing_runs("er0");
	assert_true(clsact_attached("vpn0", HOOK_TC_INGRESS));
	assert_true(clsact_attached("vpn0", HOOK_TC_EGRESS));

	/* nobody attached since: detach finds it */
	run("ip link set vpn0 name old0");
	datapath_close(dp);
	assert_int_equal(datapath_detach(INSTANCE, &removed, err), 0);
	nothing_runs("old0");
	run("ip link del old0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(interface_made_anew), TEST(moved_to_another_namespace),
		TEST(names_exchanged),	   TEST(foreign_xdp),
		TEST(native_and_generic),  TEST(dotted_names_and_prune),
		TEST(user_filters),	   TEST(clsact),
		TEST(clsact_renamed),
	};

	return cmocka_run_group_tests_name("hooks", tests, group_setup, NULL);
}
