/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Commands read the pinned maps by their names, without the programs and without a daemon: one fd
 * a map, opened when it is first asked for, and values of the version that `ctl` says it has.
 */
#include "kernel/maps.h"

#include "kernel/hooks.h"
#include "kernel/pins.h"
#include "kernel/report.h"
#include "kernel/trace.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum map_id {
	MAP_CTL,
	MAP_USABLE,
	MAP_PATHS,
	MAP_BFD,
	MAP_CARRIER,
	MAP_PROBES,
	MAP_PATH_STATS,
	MAP_NEXTHOPS,
	MAP_REASONS,
	MAP_HEALTH,
	MAP_REDIRECT_ERRORS,
	MAP_INTERFACES,
	MAP_CLOCK,
	MAP_RULE_NAMES,
	MAP_RULE_DENIED,
	MAP_FIB4_NODES,
	MAP_FIB6_NODES,
	MAP_COUNT
};

static const char *const map_names[MAP_COUNT] = {
	[MAP_CTL] = "ctl",
	[MAP_USABLE] = "usable",
	[MAP_PATHS] = "paths",
	[MAP_BFD] = "bfd",
	[MAP_CARRIER] = "carrier",
	[MAP_PROBES] = "probes",
	[MAP_PATH_STATS] = "path_stats",
	[MAP_NEXTHOPS] = "nexthops",
	[MAP_REASONS] = "reasons",
	[MAP_HEALTH] = "health",
	[MAP_INTERFACES] = "interfaces",
	[MAP_CLOCK] = "clock",
	[MAP_REDIRECT_ERRORS] = "redirect_errors",
	[MAP_RULE_NAMES] = "rule_names",
	[MAP_RULE_DENIED] = "rule_denied",
	[MAP_FIB4_NODES] = "fib4_nodes",
	[MAP_FIB6_NODES] = "fib6_nodes",
};

struct maps {
	char dir[PINS_DIR];
	int fd[MAP_COUNT]; /* -1: not asked for yet */
	int cpus;
	bool flows_mapped;
	struct flow_tables flows; /* once they are asked for */
};

static int map_fd(struct maps *maps, enum map_id id)
{
	if (maps->fd[id] < 0) {
		int fd = pins_open(maps->dir, map_names[id]);

		if (fd < 0)
			return fd;
		maps->fd[id] = fd;
	}
	return maps->fd[id];
}

/* One row; the value must have the size that we know, or it would be written past the end. */
static int row_read(struct maps *maps, enum map_id id, uint32_t key, void *out, size_t size)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	int fd = map_fd(maps, id), err;

	if (fd < 0)
		return fd;
	err = bpf_obj_get_info_by_fd(fd, &info, &len);
	if (err)
		return err;
	return info.value_size == size ? bpf_map_lookup_elem(fd, &key, out) : -ESTALE;
}

/* A row of u64 words, summed over the CPUs. */
static int row_sum(struct maps *maps, enum map_id id, uint32_t key, void *out, size_t size)
{
	uint64_t *rows = calloc((size_t)maps->cpus, size), *sum;
	size_t words = size / sizeof(*rows);
	int err;

	if (!rows)
		return -ENOMEM;
	err = row_read(maps, id, key, rows, size);
	if (!err) {
		sum = out;
		memset(sum, 0, size);
		for (size_t i = 0; i < words * (size_t)maps->cpus; i++)
			sum[i % words] += rows[i];
	}
	free(rows);
	return err;
}

static int open_check(struct maps *maps, const char *instance, char err[DATAPATH_ERR])
{
	int fd = map_fd(maps, MAP_CTL), ret;
	struct sw_ctl ctl;

	if (fd == -ENOENT && !pins_mounted())
		return report_fail(err, fd,
				   "no bpffs at " PINS_FS " here: `ip netns exec` hides it, use "
				   "`nsenter --net=/run/netns/NAME`; or start the instance with "
				   "`sameway -i %s run`",
				   instance);
	if (fd == -ENOENT)
		return report_fail(err, fd,
				   "instance %s is not there (no %s): start it with `sameway -i %s "
				   "run`",
				   instance, maps->dir, instance);
	if (fd < 0)
		return report_fail(err, fd, "can't open the maps in %s (%s): run it as root",
				   maps->dir, strerror(-fd));
	ret = row_read(maps, MAP_CTL, 0, &ctl, sizeof(ctl));
	if (!ret && ctl.abi != SW_ABI_VERSION)
		ret = -ESTALE;
	if (ret == -ESTALE)
		return report_fail(err, ret,
				   "the maps of instance %s are of another version of sameway: use "
				   "that one, or run `sameway -i %s detach`",
				   instance, instance);
	return ret ? report_fail(err, ret, "can't read the maps in %s (%s): run it as root",
				 maps->dir, strerror(-ret))
		   : 0;
}

int maps_open(struct maps **out, const char *instance, char err[DATAPATH_ERR])
{
	struct maps *maps = calloc(1, sizeof(*maps));
	int ret;

	if (!maps)
		return report_fail(err, -ENOMEM, "out of memory: free some");
	report_start();
	for (int i = 0; i < MAP_COUNT; i++)
		maps->fd[i] = -1;
	maps->cpus = libbpf_num_possible_cpus();
	ret = pins_dir(maps->dir, instance, err);
	if (!ret && maps->cpus < 1)
		ret = report_fail(err, -EIO, "can't count the CPUs: see whether /sys is mounted");
	if (!ret)
		ret = open_check(maps, instance, err);
	if (ret) {
		maps_close(maps);
		return ret;
	}
	*out = maps;
	return 0;
}

void maps_close(struct maps *maps)
{
	if (!maps)
		return;
	for (int i = 0; i < MAP_COUNT; i++)
		if (maps->fd[i] >= 0)
			close(maps->fd[i]);
	flow_tables_unmap(&maps->flows);
	free(maps);
}

int maps_ctl(struct maps *maps, struct sw_ctl *out)
{
	return row_read(maps, MAP_CTL, 0, out, sizeof(*out));
}

int maps_ctl_each(int (*cb)(void *arg, const char *instance, const struct sw_ctl *ctl), void *arg)
{
	DIR *dir = opendir(PINS_BASE);
	const struct dirent *entry;
	int ret = 0;

	while (dir && !ret && (entry = readdir(dir))) {
		char err[DATAPATH_ERR];
		struct maps *maps = NULL;
		struct sw_ctl ctl;

		if (entry->d_name[0] != '.')
			maps_open(&maps, entry->d_name, err);
		if (!maps)
			continue;
		if (!maps_ctl(maps, &ctl))
			ret = cb(arg, entry->d_name, &ctl);
		maps_close(maps);
	}
	if (dir)
		closedir(dir);
	return ret;
}

int maps_usable(struct maps *maps, struct sw_usable *out)
{
	return row_read(maps, MAP_USABLE, 0, out, sizeof(*out));
}

int maps_path(struct maps *maps, unsigned int id, struct sw_path *out)
{
	return row_read(maps, MAP_PATHS, id, out, sizeof(*out));
}

int maps_bfd(struct maps *maps, unsigned int id, struct sw_bfd *out)
{
	return row_read(maps, MAP_BFD, id, out, sizeof(*out));
}

int maps_carrier(struct maps *maps, unsigned int id, struct sw_carrier *out)
{
	return row_read(maps, MAP_CARRIER, id, out, sizeof(*out));
}

int maps_probe(struct maps *maps, unsigned int id, struct sw_probe *out)
{
	return row_read(maps, MAP_PROBES, id, out, sizeof(*out));
}

int maps_path_stats(struct maps *maps, unsigned int id, struct sw_path_stats *out)
{
	return row_sum(maps, MAP_PATH_STATS, id, out, sizeof(*out));
}

int maps_nexthop(struct maps *maps, unsigned int slot, uint8_t family, struct sw_nexthop *out)
{
	return row_read(maps, MAP_NEXTHOPS, slot * 2 + (family == 6), out, sizeof(*out));
}

int maps_reasons(struct maps *maps, unsigned int slot, struct sw_reasons *out)
{
	return row_sum(maps, MAP_REASONS, slot, out, sizeof(*out));
}

int maps_redirect_errors(struct maps *maps, unsigned int slot, struct sw_redirect_errors *out)
{
	return row_sum(maps, MAP_REDIRECT_ERRORS, slot, out, sizeof(*out));
}

bool maps_redirects_counted(const struct maps *maps)
{
	return trace_attached(maps->dir);
}

int maps_health(struct maps *maps, struct sw_health *out)
{
	return row_sum(maps, MAP_HEALTH, 0, out, sizeof(*out));
}

int maps_interface_each(struct maps *maps,
			int (*cb)(void *arg, uint32_t ifindex, const struct sw_interface *row),
			void *arg)
{
	int fd = map_fd(maps, MAP_INTERFACES), ret = 0;
	struct sw_interface row;
	uint32_t key, *last = NULL;

	if (fd < 0)
		return fd;
	while (!ret && !bpf_map_get_next_key(fd, last, &key)) {
		last = &key;
		if (!row_read(maps, MAP_INTERFACES, key, &row, sizeof(row)))
			ret = cb(arg, key, &row);
	}
	return ret;
}

/* The flow tables, mapped at the first call. */
static int flows_open(struct maps *maps)
{
	int fd[FLOW_MAPS], ret = 0, n;

	if (maps->flows_mapped)
		return 0;
	for (n = 0; n < FLOW_MAPS && !ret; n++) {
		fd[n] = pins_open(maps->dir, flow_map_names[n]);
		if (fd[n] < 0)
			ret = fd[n];
	}
	if (!ret)
		ret = flow_tables_map(&maps->flows, fd, false);
	if (ret)
		flow_tables_unmap(&maps->flows);
	while (n--)
		if (fd[n] >= 0)
			close(fd[n]);
	maps->flows_mapped = !ret;
	return ret;
}

int maps_flow_part(struct maps *maps, struct flow_place *place, flow_row_cb cb, void *arg)
{
	int ret = flows_open(maps);

	while (!ret && place->table < 2) {
		ret = flow_table_rows_from(&maps->flows.t[place->table],
					   flow_tables_now(&maps->flows), &place->record, cb, arg);
		if (!ret)
			*place = (struct flow_place){.table = place->table + 1};
	}
	return ret;
}

int maps_flow_rows(struct maps *maps, flow_row_cb cb, void *arg)
{
	struct flow_place place = {0};

	return maps_flow_part(maps, &place, cb, arg);
}

int maps_flow_each(struct maps *maps, flow_cb cb, void *arg)
{
	int ret = flows_open(maps);

	for (int i = 0; i < 2 && !ret; i++)
		ret = flow_table_each(&maps->flows.t[i], flow_tables_now(&maps->flows), cb, arg);
	return ret;
}

int maps_flows_max(struct maps *maps, struct datapath_sizes *out)
{
	int ret = flows_open(maps);

	if (!ret)
		*out = (struct datapath_sizes){.flows4 = maps->flows.t[0].max,
					       .flows6 = maps->flows.t[1].max};
	return ret;
}

int maps_flows_now(struct maps *maps, uint64_t *out)
{
	int ret = flows_open(maps);

	if (!ret)
		*out = flow_tables_now(&maps->flows);
	return ret;
}

int maps_clock(struct maps *maps, struct sw_clock *out)
{
	return row_read(maps, MAP_CLOCK, 0, out, sizeof(*out));
}

static int map_entries(struct maps *maps, enum map_id id, uint32_t *out)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	int fd = map_fd(maps, id), err;

	if (fd < 0)
		return fd;
	err = bpf_obj_get_info_by_fd(fd, &info, &len);
	if (!err)
		*out = info.max_entries;
	return err;
}

int maps_nodes(struct maps *maps, uint32_t *nodes4, uint32_t *nodes6)
{
	int err = map_entries(maps, MAP_FIB4_NODES, nodes4);

	if (!err)
		err = map_entries(maps, MAP_FIB6_NODES, nodes6);
	if (err)
		return err;
	*nodes4 /= SW_FIB4_NODE_ROWS;
	return 0;
}

/* A row that is written meanwhile has a generation of 0 by then, or another. */
static int rule_names_row(struct maps *maps, uint32_t row, struct sw_rule_names *out)
{
	struct sw_rule_names again;
	int err = row_read(maps, MAP_RULE_NAMES, row, out, sizeof(*out));

	if (!err)
		err = row_read(maps, MAP_RULE_NAMES, row, &again, sizeof(again));
	if (!err && again.gen != out->gen)
		out->gen = 0;
	return err;
}

int maps_rule_names(struct maps *maps, struct sw_rule_names out[2])
{
	struct sw_ctl ctl;
	int err = maps_ctl(maps, &ctl);

	for (uint32_t row = 0; !err && row < 2; row++) {
		out[row].gen = 0;
		if (ctl.rules)
			err = rule_names_row(maps, row, &out[row]);
	}
	return err;
}

int maps_rule_denied(struct maps *maps, uint32_t row, uint32_t n, struct sw_rule_denied *out)
{
	return row_sum(maps, MAP_RULE_DENIED, row * SW_MAX_RULES + n, out, sizeof(*out));
}

struct hook_each {
	int (*cb)(void *arg, const char *ifname, enum hook hook, bool attached);
	void *arg;
};

static int hook_one(void *arg, const char *dir, const char *ifname, enum hook hook)
{
	const struct hook_each *e = arg;

	return e->cb(e->arg, ifname, hook, hooks_attached(dir, ifname, hook));
}

int maps_hook_each(const char *instance,
		   int (*cb)(void *arg, const char *ifname, enum hook hook, bool attached),
		   void *arg)
{
	struct hook_each e = {cb, arg};
	char dir[PINS_DIR], err[DATAPATH_ERR];
	int ret = pins_dir(dir, instance, err);

	return ret ? ret : hooks_each(dir, hook_one, &e);
}
