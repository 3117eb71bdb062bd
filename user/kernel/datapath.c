/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The data plane's life: load or adopt, attach, detach.
 *
 * A set of pinned maps is whole when `ctl` is among them (pins.c). A whole set is adopted, after
 * every map was found to be what this program would have made; programs are loaded anew around
 * the old maps, and hooks.c swaps them in. Half a set, from a daemon that died while it pinned or
 * while it detached, carries nothing worth keeping and is made anew. Nothing is pinned before the
 * programs are loaded, so a refusal by the kernel leaves bpffs as it was.
 */
#include "kernel/datapath_impl.h"

#include "kernel/hooks.h"
#include "kernel/release.h"
#include "kernel/report.h"
#include "kernel/trace.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#define BTF_PATH "/sys/kernel/btf/vmlinux"

/* Rows are found by pointer arithmetic: BPF rounds each value up to 8 bytes. */
_Static_assert(sizeof(struct sw_ctl) % 8 == 0, "ctl");
_Static_assert(sizeof(struct sw_path) % 8 == 0, "paths");
_Static_assert(sizeof(struct sw_group) % 8 == 0, "groups");
_Static_assert(sizeof(struct sw_path_counters) % 8 == 0, "path_counters");
_Static_assert(sizeof(struct sw_verdict_row) % 8 == 0, "verdicts");
_Static_assert(sizeof(struct sw_rules) % 8 == 0, "rules");
_Static_assert(sizeof(struct sw_rule_names) % 8 == 0, "rule_names");
_Static_assert(sizeof(struct sw_bfd) % 8 == 0, "bfd");
_Static_assert(sizeof(struct sw_carrier) % 8 == 0, "carrier");
_Static_assert(sizeof(struct sw_probe) % 8 == 0, "probes");

static int stale(const struct datapath *dp, const char *map, const char *why,
		 char err[DATAPATH_ERR])
{
	return report_fail(err, -ESTALE,
			   "the pinned map %s of instance %s %s: run `sameway -i %s detach` first, "
			   "which forgets its flows and counters",
			   map, dp->instance, why, dp->instance);
}

/* The first word of the pinned ctl row: its version. */
static int ctl_version(int fd, uint32_t value_size, uint32_t *version)
{
	uint32_t zero = 0, *row = calloc(1, value_size + sizeof(*row));
	int err;

	if (!row)
		return -ENOMEM;
	err = bpf_map_lookup_elem(fd, &zero, row);
	if (!err)
		*version = row[0];
	free(row);
	return err;
}

/* Whether the pinned map is what we would make; the fd is of the pinned one. */
static int map_check(const struct datapath *dp, const struct bpf_map *map, int fd,
		     char err[DATAPATH_ERR])
{
	const char *name = bpf_map__name(map);
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info), version = 0;
	char why[120];
	int ret = bpf_obj_get_info_by_fd(fd, &info, &len);

	if (ret)
		return stale(dp, name, "is no map", err);
	if (!strcmp(name, "ctl") && info.type == BPF_MAP_TYPE_ARRAY) {
		ret = ctl_version(fd, info.value_size, &version);
		if (ret)
			return stale(dp, name, "can't be read", err);
		snprintf(why, sizeof(why), "is of ABI version %u, this sameway's is %u", version,
			 SW_ABI_VERSION);
		if (version != SW_ABI_VERSION)
			return stale(dp, name, why, err);
	}
	if (info.type != bpf_map__type(map) || info.key_size != bpf_map__key_size(map) ||
	    info.value_size != bpf_map__value_size(map))
		return stale(dp, name, "has the layout of another version", err);
	if (info.max_entries != bpf_map__max_entries(map)) {
		bool four = map == dp->skel->maps.fib4_nodes;
		bool nodes = four || map == dp->skel->maps.fib6_nodes;
		uint32_t unit = four ? SW_FIB4_NODE_ROWS : 1;

		snprintf(why, sizeof(why), "has room for %u %s, now %u are asked for",
			 info.max_entries / unit, nodes ? "nodes" : "records",
			 bpf_map__max_entries(map) / unit);
		return stale(dp, name, why, err);
	}
	return 0;
}

static int map_adopt(struct datapath *dp, struct bpf_map *map, char err[DATAPATH_ERR])
{
	const char *name = bpf_map__name(map);
	int fd = pins_open(dp->dir, name), ret;

	if (fd == -ENOENT)
		return stale(dp, name, "is missing", err);
	if (fd < 0)
		return report_fail(err, fd, "can't open the pinned map %s (%s): see %s", name,
				   strerror(-fd), dp->dir);
	ret = map_check(dp, map, fd, err);
	if (!ret) {
		ret = bpf_map__reuse_fd(map, fd);
		if (ret)
			report_fail(err, ret, "can't take over the pinned map %s (%s): try again",
				    name, strerror(-ret));
	}
	close(fd);
	return ret;
}

/* `ctl` before all others, as it has the version. */
static int maps_adopt(struct datapath *dp, char err[DATAPATH_ERR])
{
	struct bpf_map *map;
	int ret = map_adopt(dp, dp->skel->maps.ctl, err);

	if (ret)
		return ret;
	dp->flows_anew = !datapath_flows_fit(dp);
	bpf_object__for_each_map(map, dp->skel->obj)
	{
		if (bpf_map__is_internal(map) || map == dp->skel->maps.ctl ||
		    (dp->flows_anew && datapath_flows_has(dp, map)))
			continue;
		ret = map_adopt(dp, map, err);
		if (ret)
			return ret;
	}
	return 0;
}

static int map_memory(struct datapath *dp)
{
	const struct {
		struct bpf_map *map;
		size_t row;
	} maps[MEM_COUNT] = {
		[MEM_CTL] = {dp->skel->maps.ctl, sizeof(struct sw_ctl)},
		[MEM_USABLE] = {dp->skel->maps.usable, sizeof(struct sw_usable)},
		[MEM_PATHS] = {dp->skel->maps.paths, sizeof(struct sw_path)},
		[MEM_GROUPS] = {dp->skel->maps.groups, sizeof(struct sw_group)},
		[MEM_COUNTERS] = {dp->skel->maps.path_counters, sizeof(struct sw_path_counters)},
		[MEM_FAST] = {dp->skel->maps.interfaces_fast, sizeof(struct sw_interface_fast)},
		[MEM_RULES] = {dp->skel->maps.rules, sizeof(struct sw_rules)},
		[MEM_RULE_NAMES] = {dp->skel->maps.rule_names, sizeof(struct sw_rule_names)},
		[MEM_BFD] = {dp->skel->maps.bfd, sizeof(struct sw_bfd)},
		[MEM_CARRIER] = {dp->skel->maps.carrier, sizeof(struct sw_carrier)},
		[MEM_PROBES] = {dp->skel->maps.probes, sizeof(struct sw_probe)},
		[MEM_VERDICTS] = {dp->skel->maps.verdicts, sizeof(struct sw_verdict_row)},
		[MEM_FIB4] = {dp->skel->maps.fib4, sizeof(uint64_t)},
		[MEM_FIB4_NODES] = {dp->skel->maps.fib4_nodes, sizeof(uint64_t)},
		[MEM_FIB6] = {dp->skel->maps.fib6, sizeof(uint64_t)},
		[MEM_FIB6_NODES] = {dp->skel->maps.fib6_nodes, sizeof(struct sw_fib6_node)},
	};
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	for (int i = 0; i < MEM_COUNT; i++) {
		size_t len = maps[i].row * bpf_map__max_entries(maps[i].map);
		void *mem;

		len = (len + page - 1) / page * page;
		mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(maps[i].map),
			   0);
		if (mem == MAP_FAILED)
			return -errno;
		dp->mem[i] = mem;
		dp->mem_len[i] = len;
	}
	return 0;
}

static int programs_pin(struct datapath *dp)
{
	struct bpf_program *prog;
	int err;

	bpf_object__for_each_program(prog, dp->skel->obj)
	{
		if (!bpf_program__autoload(prog))
			continue;
		err = pins_put(dp->dir, bpf_program__name(prog), bpf_program__fd(prog));
		if (err)
			return err;
	}
	return 0;
}

/* `timers` first, since its timer may only run while it is pinned; `ctl` last: the set is whole. */
static int maps_pin(struct datapath *dp)
{
	struct bpf_map *first = dp->skel->maps.timers, *last = dp->skel->maps.ctl, *map;
	int err = pins_make(dp->dir);

	if (!err)
		err = pins_put(dp->dir, bpf_map__name(first), bpf_map__fd(first));
	bpf_object__for_each_map(map, dp->skel->obj)
	{
		if (err)
			return err;
		if (map != first && map != last && !bpf_map__is_internal(map))
			err = pins_put(dp->dir, bpf_map__name(map), bpf_map__fd(map));
	}
	return err ? err : pins_put(dp->dir, bpf_map__name(last), bpf_map__fd(last));
}

static int hook_remove_counted(void *arg, const char *dir, const char *ifname, enum hook hook)
{
	int err = hooks_remove(dir, ifname, hook);

	if (!err)
		++*(size_t *)arg;
	return err;
}

/* Everything of the instance's directory, hooks before what they run. */
static int instance_remove(const char *dir, size_t *removed)
{
	int err = hooks_each(dir, hook_remove_counted, removed);

	return err ? err : pins_clear(dir, removed);
}

/* The kernel's id of a map, 0: not known. */
static uint32_t map_id(const struct bpf_map *map)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(bpf_map__fd(map), &info, &len) ? 0 : info.id;
}

static int load(struct datapath *dp, char err[DATAPATH_ERR])
{
	int ret;

	trace_prepare(dp->skel);
	dp->skel->rodata->carrier_readable =
		libbpf_probe_bpf_helper(BPF_PROG_TYPE_SYSCALL, BPF_FUNC_probe_read_kernel, NULL) ==
		1;
	ret = sameway__load(dp->skel);
	if (ret)
		return report_fail(
			err, ret,
			"the kernel refuses the programs (%s; %s): Linux 6.1 or newer is "
			"needed, and memory for the tables (`flows:`, `fib:`)",
			strerror(-ret), report_said());
	ret = map_memory(dp);
	if (!ret)
		ret = prefixes_open(dp);
	if (!ret)
		ret = datapath_flows_map(dp);
	if (!ret)
		datapath_ctl(dp)->devices_map = map_id(dp->skel->maps.devices);
	return ret ? report_fail(err, ret, "can't map the tables (%s): free some memory",
				 strerror(-ret))
		   : 0;
}

static int open_fresh(struct datapath *dp, char err[DATAPATH_ERR])
{
	size_t gone = 0;
	int ret = load(dp, err);

	if (ret)
		return ret;
	datapath_ctl(dp)->abi = SW_ABI_VERSION;
	datapath_flows_begin(dp);
	ret = instance_remove(dp->dir, &gone); /* half a set, if anything */
	if (!ret)
		ret = maps_pin(dp);
	if (!ret)
		ret = programs_pin(dp);
	if (!ret)
		return 0;
	instance_remove(dp->dir, &gone);
	return report_fail(err, ret, "can't pin to %s (%s): see whether bpffs there is writable",
			   dp->dir, strerror(-ret));
}

static int open_adopted(struct datapath *dp, char err[DATAPATH_ERR])
{
	int ret = maps_adopt(dp, err);

	if (!ret)
		ret = load(dp, err);
	if (ret)
		return ret;
	if (dp->flows_anew)
		datapath_flows_begin(dp);
	ret = flow_tables_repair(&dp->tables, &dp->repaired);
	if (ret)
		return report_fail(err, ret,
				   "can't look through the flow tables (%s): free some "
				   "memory",
				   strerror(-ret));
	ret = dp->flows_anew ? datapath_flows_pin(dp) : 0;
	if (!ret)
		ret = programs_pin(dp);
	return ret ? report_fail(err, ret, "can't pin to %s (%s): see whether bpffs is writable",
				 dp->dir, strerror(-ret))
		   : 0;
}

static int sizes_set(const char *key, uint32_t records, struct bpf_map *rows, struct bpf_map *index,
		     char err[DATAPATH_ERR])
{
	if (!records || records > SW_MAX_FLOWS || bpf_map__set_max_entries(rows, records) ||
	    bpf_map__set_max_entries(index, flow_table_lines(records)))
		return report_fail(err, -EINVAL, "`%s: %u` can't be: give a number from 1 to %u",
				   key, records, SW_MAX_FLOWS);
	return 0;
}

static int open_checked(struct datapath *dp, const struct datapath_sizes *sizes,
			char err[DATAPATH_ERR])
{
	int ret;

	dp->skel = sameway__open();
	if (!dp->skel)
		return report_fail(err, -errno, "can't read the built-in programs (%s): build anew",
				   report_said());
	ret = sizes_set("flows", sizes->flows4, dp->skel->maps.flows, dp->skel->maps.flows_index,
			err);
	if (!ret)
		ret = sizes_set("flows6", sizes->flows6, dp->skel->maps.flows6,
				dp->skel->maps.flows6_index, err);
	if (ret)
		return ret;
	if (!sizes->nodes4 || !sizes->nodes6 ||
	    bpf_map__set_max_entries(dp->skel->maps.fib4_nodes,
				     sizes->nodes4 * SW_FIB4_NODE_ROWS) ||
	    bpf_map__set_max_entries(dp->skel->maps.fib6_nodes, sizes->nodes6))
		return report_fail(err, -EINVAL,
				   "`fib: { nodes4: %u, nodes6: %u }` can't be: give numbers from "
				   "1 on",
				   sizes->nodes4, sizes->nodes6);
	ret = bpf_map__set_max_entries(dp->skel->maps.flow_rules,
				       (sizes->flows4 + sizes->flows6) / 2 + 1);
	if (ret)
		return report_fail(err, ret, "`flows: %u` can't be: give a smaller number",
				   sizes->flows4);
	dp->adopted = pins_have(dp->dir, "ctl");
	return dp->adopted ? open_adopted(dp, err) : open_fresh(dp, err);
}

static int open_may(char err[DATAPATH_ERR])
{
	if (geteuid())
		return report_fail(err, -EPERM, "not root: run it as root, or with sudo");
	if (access(BTF_PATH, R_OK))
		return report_fail(err, -ENOENT,
				   "this kernel has no BTF (" BTF_PATH "): boot one built with "
				   "CONFIG_DEBUG_INFO_BTF, as Debian's are");
	return 0;
}

int datapath_open(struct datapath **out, const char *instance, const struct datapath_sizes *sizes,
		  char err[DATAPATH_ERR])
{
	struct datapath *dp;
	bool mounted = false;
	int ret;

	report_start();
	ret = open_may(err);
	if (ret)
		return ret;
	dp = calloc(1, sizeof(*dp));
	if (!dp)
		return report_fail(err, -ENOMEM, "out of memory: free some");
	ret = pins_dir(dp->dir, instance, err);
	if (!ret)
		ret = pins_mount(&mounted, err);
	if (!ret) {
		snprintf(dp->instance, sizeof(dp->instance), "%s", instance);
		ret = open_checked(dp, sizes, err);
	}
	if (ret) {
		datapath_close(dp);
		if (mounted)
			umount(PINS_FS);
		return ret;
	}
	*out = dp;
	return 0;
}

void datapath_close(struct datapath *dp)
{
	if (!dp)
		return;
	ring_buffer__free(dp->events);
	prefixes_close(dp);
	for (int i = 0; i < MEM_COUNT; i++)
		if (dp->mem[i])
			munmap(dp->mem[i], dp->mem_len[i]);
	flow_tables_unmap(&dp->tables);
	sameway__destroy(dp->skel);
	free(dp);
}

bool datapath_adopted(const struct datapath *dp)
{
	return dp->adopted;
}

const struct flow_repair *datapath_repaired(const struct datapath *dp)
{
	return &dp->repaired;
}

void datapath_readopt(struct datapath *dp)
{
	dp->adopted = true;
	ring_buffer__free(dp->events);
	dp->events = NULL;
}

int datapath_start_timer(struct datapath *dp)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int err = bpf_prog_test_run_opts(bpf_program__fd(dp->skel->progs.sw_start), &opts);

	if (err)
		return err;
	return (int)opts.retval > 0 ? -EIO : (int)opts.retval;
}

int datapath_trace(struct datapath *dp)
{
	return trace_attach(dp->dir, dp->skel);
}

int datapath_detach(const char *instance, size_t *removed, char err[DATAPATH_ERR])
{
	char dir[PINS_DIR];
	size_t n = 0;
	int ret;

	report_start();
	if (geteuid())
		return report_fail(err, -EPERM, "not root: run it as root, or with sudo");
	ret = pins_dir(dir, instance, err);
	if (ret)
		return ret;
	if (pins_mounted()) {
		n = release_xdp(dir, instance);
		ret = instance_remove(dir, &n);
	}
	if (ret)
		return report_fail(err, ret, "can't remove all of %s (%s): run detach again", dir,
				   strerror(-ret));
	*removed = n;
	return 0;
}
