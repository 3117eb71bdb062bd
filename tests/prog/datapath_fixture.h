/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of user/kernel/ on the running kernel share. Each program runs in network and
 * mount namespaces of its own, with its own bpffs, so that nothing of it is left whatever happens.
 * Each test has a new instance and two veth pairs, er0 and vpn0. Needs root.
 */
#ifndef SAMEWAY_TESTS_DATAPATH_FIXTURE_H
#define SAMEWAY_TESTS_DATAPATH_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel/clsact.h"
#include "kernel/hooks.h"
#include "kernel/maps.h"
#include "kernel/pins.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FLOWS	   4096
#define NODES4	   1024
#define NODES6	   4096
#define FLOWS6	   1000
#define TCX_IN	   ((enum bpf_attach_type)46)
#define TCX_OUT	   ((enum bpf_attach_type)47)
#define INSTANCE   instance
#define DEADLINE_S 5

static char instance[32];
static char err[DATAPATH_ERR];
static unsigned int seed;

static const char *const map_names[] = {
	"ctl",	      "usable",		 "paths",	"groups",	"path_counters",
	"verdicts",   "path_stats",	 "reasons",	"health",	"fib4",
	"interfaces", "nexthops",	 "neighbors",	"ports",	"fib6",
	"flows",      "events",		 "devices",	"timers",	"fib4_nodes",
	"fib6_nodes", "flows6",		 "flows_index", "flows6_index", "flow_tables",
	"clock",      "interfaces_fast", "probes",
};
static const char *const prog_names[] = {"sw_xdp", "sw_tc_ingress", "sw_tc_egress", "sw_explain",
					 "sw_start"};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

__attribute__((format(printf, 1, 2))) static inline void run(const char *fmt, ...)
{
	char command[300];
	va_list args;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	if (system(command))
		fail_msg("failed: %s", command);
}

static inline const char *dir(void)
{
	static char path[PINS_DIR];

	assert_int_equal(pins_dir(path, INSTANCE, err), 0);
	return path;
}

static inline int open_sizes(struct datapath **dp, const char *name, uint32_t flows,
			     uint32_t nodes4, uint32_t nodes6)
{
	const struct datapath_sizes sizes = {flows, FLOWS6, nodes4, nodes6};

	return datapath_open(dp, name, &sizes, err);
}

static inline int open_named(struct datapath **dp, const char *name, uint32_t flows)
{
	return open_sizes(dp, name, flows, NODES4, NODES6);
}

static inline struct datapath *open_flows(uint32_t flows)
{
	struct datapath *dp = NULL;
	int ret = open_named(&dp, INSTANCE, flows);

	if (ret)
		fail_msg("datapath_open: %d %s", ret, err);
	return dp;
}

static inline struct datapath *open_dp(void)
{
	return open_flows(FLOWS);
}

static inline void refused(int code, const char *word, uint32_t flows)
{
	struct datapath *dp = NULL;

	err[0] = '\0';
	assert_int_equal(open_named(&dp, INSTANCE, flows), code);
	assert_null(dp);
	if (!strstr(err, word) || !strstr(err, ": "))
		fail_msg("message lacks \"%s\": %s", word, err);
	print_message("    %s\n", err);
}

static inline void attach(struct datapath *dp, const char *ifname, enum hook hook)
{
	int ret = datapath_attach(dp, if_nametoindex(ifname), ifname, hook, err);

	if (ret)
		fail_msg("attach %s %s: %d %s", ifname, hook_name(hook), ret, err);
}

static inline uint32_t xdp_id(const char *ifname)
{
	uint32_t id = 0;

	assert_int_equal(bpf_xdp_query_id((int)if_nametoindex(ifname), 0, &id), 0);
	return id;
}

/* How many tcx programs the interface has; the first one's id. */
static inline uint32_t tcx_count(const char *ifname, enum bpf_attach_type type, uint32_t *first)
{
	uint32_t ids[8] = {0}, n = COUNT(ids);

	if (bpf_prog_query((int)if_nametoindex(ifname), type, 0, NULL, ids, &n))
		return 0;
	if (first)
		*first = ids[0];
	return n;
}

static inline uint32_t pinned_prog_id(const char *name)
{
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);
	int fd = pins_open(dir(), name);

	assert_true(fd >= 0);
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	close(fd);
	return info.id;
}

static inline int qdisc_there(const char *ifname)
{
	char command[100];

	snprintf(command, sizeof(command), "tc qdisc show dev %s | grep -q clsact", ifname);
	return !system(command);
}

static inline void links_make(void)
{
	run("ip link add er0 type veth peer name er0p && ip link add vpn0 type veth peer name "
	    "vpn0p && ip link set er0 up && ip link set er0p up && ip link set vpn0 up && "
	    "ip link set vpn0p up");
}

static inline int setup(void **state)
{
	(void)state;
	snprintf(instance, sizeof(instance), "t%08x", (unsigned int)random());
	links_make();
	return 0;
}

static inline int teardown(void **state)
{
	size_t removed;

	(void)state;
	if (datapath_detach(INSTANCE, &removed, err))
		print_error("detach: %s\n", err);
	for (const char *const *name = (const char *const[]){"er0", "vpn0", "lan0.30", NULL}; *name;
	     name++) {
		char command[100];

		snprintf(command, sizeof(command), "ip link del %s 2>/dev/null", *name);
		if (if_nametoindex(*name) && system(command))
			return -1;
	}
	return 0;
}

/* Programs of other people, from instructions. */

#define INSN(c, d, s, o, i)                                                                        \
	((struct bpf_insn){.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)})
#define RETURN(value)                                                                              \
	INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, value), INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define LOAD_MAP(reg, kind, fd)                                                                    \
	INSN(BPF_LD | BPF_DW | BPF_IMM, reg, kind, 0, fd), INSN(0, 0, 0, 0, 0)

static inline int prog_load(enum bpf_prog_type type, const char *name, const struct bpf_insn *insns,
			    size_t n)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		    .expected_attach_type = type == BPF_PROG_TYPE_XDP ? BPF_XDP : 0);
	int fd = bpf_prog_load(type, name, "GPL", insns, n, &opts);

	assert_true(fd >= 0);
	return fd;
}

static inline void attach_three(struct datapath *dp)
{
	attach(dp, "er0", HOOK_XDP);
	attach(dp, "er0", HOOK_TC_INGRESS);
	attach(dp, "er0", HOOK_TC_EGRESS);
}

static inline void three_attached(struct datapath *dp, bool yes)
{
	static const enum hook hooks[] = {HOOK_XDP, HOOK_TC_INGRESS, HOOK_TC_EGRESS};

	for (size_t i = 0; i < COUNT(hooks); i++)
		assert_int_equal(datapath_attached(dp, "er0", hooks[i]), yes);
	assert_false(datapath_attached(dp, "er0", HOOK_XDP_GENERIC));
}

/* er0 runs exactly what is pinned now, once. */
static inline void three_run_pinned(void)
{
	uint32_t first = 0;

	assert_int_equal(xdp_id("er0"), pinned_prog_id("sw_xdp"));
	if (hooks_tc_way() != HOOKS_TCX)
		return;
	assert_int_equal(tcx_count("er0", TCX_IN, &first), 1);
	assert_int_equal(first, pinned_prog_id("sw_tc_ingress"));
	assert_int_equal(tcx_count("er0", TCX_OUT, &first), 1);
	assert_int_equal(first, pinned_prog_id("sw_tc_egress"));
}

static inline void nothing_runs(const char *ifname)
{
	assert_int_equal(xdp_id(ifname), 0);
	assert_int_equal(tcx_count(ifname, TCX_IN, NULL), 0);
	assert_int_equal(tcx_count(ifname, TCX_OUT, NULL), 0);
	assert_false(qdisc_there(ifname));
}

static inline int group_setup(void **state)
{
	const char *env = getenv("SEED");

	(void)state;
	seed = env ? (unsigned int)strtoul(env, NULL, 0) : 20261123;
	print_message("SEED=%u\n", seed);
	srandom(seed);
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
		print_error("no namespaces of its own (%s): run it as root\n", strerror(errno));
		return -1;
	}
	while (pins_mounted())
		if (umount(PINS_FS))
			return -1;
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

#endif
