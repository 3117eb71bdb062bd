/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The life of the data plane: made, pinned, adopted by a second daemon, refused, recovered after a
 * crash half way, removed.
 */
#include "datapath_fixture.h"

static int map_has_btf(void *arg, const char *where, const char *name)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	int fd = pins_open(where, name);

	(void)arg;
	assert_true(fd >= 0);
	if (strncmp(name, "sw_", 3) != 0) {
		assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
		if (!info.btf_value_type_id && info.type != BPF_MAP_TYPE_DEVMAP &&
		    info.type != BPF_MAP_TYPE_RINGBUF)
			fail_msg("%s has no BTF", name);
	}
	close(fd);
	return 0;
}

static int pin_count(void *arg, const char *where, const char *name)
{
	(void)where;
	/* a qdisc's record goes with its last filter, and is not counted */
	if (strncmp(name, "qdisc_", 6))
		++*(size_t *)arg;
	return 0;
}

static void test_mounts_and_pins(void **state)
{
	struct datapath *dp;
	struct stat st;

	(void)state;
	while (pins_mounted())
		assert_int_equal(umount(PINS_FS), 0);
	dp = open_dp();
	assert_true(pins_mounted());
	assert_false(datapath_adopted(dp));
	assert_int_equal(stat(dir(), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(datapath_ctl(dp)->abi, SW_ABI_VERSION);
	for (size_t i = 0; i < COUNT(map_names); i++)
		if (!pins_have(dir(), map_names[i]))
			fail_msg("%s is not pinned", map_names[i]);
	assert_int_equal(pins_each(dir(), "", map_has_btf, NULL), 0);
	for (size_t i = 0; i < COUNT(prog_names); i++)
		assert_true(pins_have(dir(), prog_names[i]));
	assert_int_equal(datapath_start_timer(dp), 0);
	datapath_close(dp);
}

static void test_no_bpffs(void **state)
{
	(void)state;
	assert_int_equal(mount("none", "/sys/fs", "tmpfs", 0, NULL), 0);
	refused(-ENODEV, "mount -t bpf", FLOWS);
	assert_int_equal(umount("/sys/fs"), 0);
}

static void test_no_btf(void **state)
{
	(void)state;
	assert_int_equal(mount("none", "/sys/kernel/btf", "tmpfs", 0, NULL), 0);
	refused(-ENOENT, "BTF", FLOWS);
	assert_int_equal(umount("/sys/kernel/btf"), 0);
}

static void test_not_root(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct datapath *dp = NULL;
		size_t removed;
		bool ok = !setuid(65534) && open_named(&dp, INSTANCE, FLOWS) == -EPERM &&
			  strstr(err, "root") && !dp;

		ok = ok && datapath_detach(INSTANCE, &removed, err) == -EPERM &&
		     strstr(err, "root");
		_exit(ok ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_instance_names(void **state)
{
	static const char *const bad[] = {"", "a/b", "..", "a.b", "a b"};
	struct datapath *dp = NULL;
	char longest[65];

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(open_named(&dp, bad[i], FLOWS), -EINVAL);
		assert_non_null(strstr(err, "instance"));
	}
	memset(longest, 'x', 64);
	longest[64] = '\0';
	assert_int_equal(open_named(&dp, longest, FLOWS), -EINVAL);
	longest[63] = '\0';
	snprintf(instance, sizeof(instance), "A-b_%d", 9);
	datapath_close(open_dp());
}

static void test_failed_load_leaves_nothing(void **state)
{
	struct stat st;

	(void)state;
	refused(-EINVAL, "flows", 0);
	refused(-EINVAL, "`flows: 4294967295`", UINT32_MAX);
	assert_int_equal(stat(PINS_BASE, &st), -1);
	/* nor is the bpffs that it mounted itself */
	assert_int_equal(umount(PINS_FS), 0);
	refused(-EINVAL, "flows", SW_MAX_FLOWS + 1);
	assert_false(pins_mounted());
}

static void test_adoption(void **state)
{
	struct datapath *dp = open_dp();
	uint32_t link_before, link_after, old;
	struct bpf_link_info info = {0};
	uint32_t len = sizeof(info);
	int fd;

	(void)state;
	attach_three(dp);
	three_attached(dp, true);
	three_run_pinned();
	datapath_verdicts(dp)[SW_VERDICT_OK].given = 4242;
	datapath_path_counters(dp)[63].rx_packets = 17;
	datapath_groups(dp)[SW_MAX_GROUPS - 1].members = 9;
	fd = pins_open(dir(), "link_er0_xdp");
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	close(fd);
	link_before = info.id;
	old = pinned_prog_id("sw_xdp");
	datapath_close(dp);

	assert_int_equal(xdp_id("er0"), old); /* the daemon is dead, the hooks are not */
	dp = open_dp();
	assert_true(datapath_adopted(dp));
	three_attached(dp, true);
	assert_int_equal(datapath_verdicts(dp)[SW_VERDICT_OK].given, 4242);
	assert_int_equal(datapath_path_counters(dp)[63].rx_packets, 17);
	assert_int_equal(datapath_groups(dp)[SW_MAX_GROUPS - 1].members, 9);
	attach_three(dp);
	three_run_pinned();
	assert_int_not_equal(xdp_id("er0"), old);
	fd = pins_open(dir(), "link_er0_xdp");
	len = sizeof(info);
	memset(&info, 0, sizeof(info));
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	close(fd);
	link_after = info.id;
	assert_int_equal(link_before, link_after); /* updated, not made anew */
	assert_int_equal(datapath_start_timer(dp), 0);
	datapath_close(dp);
}

static void test_other_version_refused(void **state)
{
	struct datapath *dp = open_dp();
	struct maps *maps = NULL;
	uint32_t running;
	int fd;

	(void)state;
	attach_three(dp);
	running = xdp_id("er0");
	datapath_ctl(dp)->abi = SW_ABI_VERSION + 1;
	datapath_close(dp);
	refused(-ESTALE, "detach", FLOWS);
	assert_non_null(strstr(err, INSTANCE));
	assert_non_null(strstr(err, "ctl"));
	assert_int_equal(maps_open(&maps, INSTANCE, err), -ESTALE);
	assert_non_null(strstr(err, "detach"));
	assert_int_equal(xdp_id("er0"), running); /* which goes on */

	/* the same version, but a map that it would not have made */
	teardown(NULL);
	links_make();
	datapath_close(open_dp());
	for (int six = 0; six < 2; six++) {
		struct datapath *none = NULL;

		assert_int_equal(
			open_sizes(&none, INSTANCE, FLOWS, six ? NODES4 : 64, six ? 64 : NODES6),
			-ESTALE);
		assert_non_null(strstr(err, six ? "fib6_nodes" : "fib4_nodes"));
		assert_non_null(strstr(err, "now 64 are asked for"));
	}
	fd = bpf_map_create(BPF_MAP_TYPE_HASH, "interfaces", 4, 8, SW_MAX_SLOTS, NULL);
	assert_int_equal(pins_put(dir(), "interfaces", fd), 0);
	close(fd);
	refused(-ESTALE, "interfaces", FLOWS);
	assert_int_equal(pins_drop(dir(), "interfaces"), 0);
	refused(-ESTALE, "interfaces", FLOWS);
}

/* What the pinned flow tables go by, and have room for; the fds are of the pins. */
static struct sw_flow_table flow_tables_pinned(uint32_t *records)
{
	struct sw_flow_table table = {0};
	struct bpf_map_info info = {0};
	uint32_t zero = 0, len = sizeof(info);
	int fd = pins_open(dir(), "flow_tables");

	assert_int_equal(bpf_map_lookup_elem(fd, &zero, &table), 0);
	close(fd);
	fd = pins_open(dir(), "flows");
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	close(fd);
	*records = info.max_entries;
	return table;
}

static void flows_become(uint32_t records, bool anew)
{
	struct datapath *dp = open_flows(records);
	struct sw_flow_table table;
	uint32_t pinned;

	assert_true(datapath_adopted(dp));
	assert_int_equal(datapath_flows_anew(dp), anew);
	assert_int_equal(datapath_paths(dp)[5].changed_ns, 42); /* the rest is as it was */
	table = flow_tables_pinned(&pinned);
	assert_int_equal(table.max, records);
	assert_int_equal(pinned, records);
	if (anew)
		assert_int_equal(table.unused, 0);
	datapath_close(dp);
}

static void test_flows_of_another_size(void **state)
{
	struct datapath *dp = open_dp();
	struct sw_flow_table table;
	uint32_t zero = 0, records;
	int fd;

	(void)state;
	datapath_paths(dp)[5].changed_ns = 42;
	datapath_close(dp);
	flows_become(FLOWS, false);
	flows_become(FLOWS * 2, true);
	flows_become(FLOWS * 2, false);
	flows_become(FLOWS / 2, true);
	/* a daemon that died while it pinned: rows and index as asked for now, the sizes of before
	 */
	table = flow_tables_pinned(&records);
	table.max = FLOWS;
	table.unused = 7;
	fd = pins_open(dir(), "flow_tables");
	assert_int_equal(bpf_map_update_elem(fd, &zero, &table, 0), 0);
	close(fd);
	flows_become(FLOWS / 2, true);
	flows_become(FLOWS / 2, false);
}

static void test_half_a_set(void **state)
{
	struct datapath *dp = open_dp();
	size_t removed = 0, pins = 0;

	(void)state;
	attach_three(dp);
	datapath_verdicts(dp)[0].given = 5;
	datapath_close(dp);
	/* as a daemon leaves it that dies before its last pin */
	assert_int_equal(pins_drop(dir(), "ctl"), 0);
	assert_int_equal(pins_drop(dir(), "fib4"), 0);
	dp = open_dp();
	assert_false(datapath_adopted(dp));
	assert_int_equal(datapath_verdicts(dp)[0].given, 0);
	nothing_runs("er0");
	assert_true(pins_have(dir(), "fib4"));
	datapath_close(dp);
	/* and detach takes half a set, too */
	assert_int_equal(pins_drop(dir(), "ctl"), 0);
	assert_int_equal(pins_each(dir(), "", pin_count, &pins), 0);
	assert_int_equal(datapath_detach(INSTANCE, &removed, err), 0);
	assert_int_equal(removed, pins);
}

static void test_detach_leaves_nothing(void **state)
{
	struct datapath *dp = open_dp();
	char other[40];
	size_t removed = 0, pins = 0;
	struct maps *maps;
	struct stat st;

	(void)state;
	attach_three(dp);
	attach(dp, "vpn0", HOOK_TC_INGRESS);
	assert_int_equal(pins_each(dir(), "", pin_count, &pins), 0);
	assert_true(pins >= COUNT(map_names) + COUNT(prog_names) + 4);
	/* while a daemon still holds everything */
	assert_int_equal(datapath_detach(INSTANCE, &removed, err), 0);
	assert_int_equal(removed, pins);
	nothing_runs("er0");
	nothing_runs("vpn0");
	assert_int_equal(stat(PINS_BASE, &st), -1);
	datapath_close(dp);
	assert_int_equal(datapath_detach(INSTANCE, &removed, err), 0);
	assert_int_equal(removed, 0);
	assert_int_equal(maps_open(&maps, INSTANCE, err), -ENOENT);
	assert_non_null(strstr(err, INSTANCE));

	/* another instance's pins stay */
	snprintf(other, sizeof(other), "%s-2", INSTANCE);
	assert_int_equal(open_named(&dp, other, FLOWS), 0);
	attach(dp, "er0", HOOK_XDP);
	datapath_close(open_dp());
	assert_int_equal(datapath_detach(INSTANCE, &removed, err), 0);
	assert_true(datapath_attached(dp, "er0", HOOK_XDP));
	assert_int_equal(datapath_detach(other, &removed, err), 0);
	datapath_close(dp);
	nothing_runs("er0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(mounts_and_pins),
		TEST(no_bpffs),
		TEST(no_btf),
		TEST(not_root),
		TEST(instance_names),
		TEST(failed_load_leaves_nothing),
		TEST(adoption),
		TEST(other_version_refused),
		TEST(flows_of_another_size),
		TEST(half_a_set),
		TEST(detach_leaves_nothing),
	};

	return cmocka_run_group_tests_name("datapath", tests, group_setup, NULL);
}
