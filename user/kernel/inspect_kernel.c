/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel can do here, what stands in packets' way, and how the instance's maps are. */
#include "kernel/hooks.h"
#include "kernel/inspect_internal.h"
#include "kernel/links.h"
#include "kernel/maps.h"
#include "kernel/pins.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BEAT_ROUNDS   31
#define BEAT_ROUND_MS 50

/* Whether two /proc links name the same namespace; where one can't be read: they do. */
static bool same_namespace(const char *a, const char *b)
{
	char one[64] = "", two[64] = "";

	if (readlink(a, one, sizeof(one) - 1) < 0 || readlink(b, two, sizeof(two) - 1) < 0)
		return true;
	return !strcmp(one, two);
}

/* `ip netns exec NAME` mounts a /sys of its own, which it calls NAME. */
static bool sys_of_netns_exec(void)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[1024], where[256], type[32], source[256];
	bool found = false;

	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		const char *rest = strstr(line, " - ");

		if (rest && sscanf(line, "%*s %*s %*s %*s %255s", where) == 1 &&
		    sscanf(rest, " - %31s %255s", type, source) == 2 && !strcmp(where, "/sys"))
			found = !strcmp(type, "sysfs") && strcmp(source, "sysfs") &&
				strcmp(source, "none") && strcmp(source, "sys");
	}
	fclose(file);
	return found;
}

void inspect_kernel(struct doctor_kernel *out, uint32_t mask)
{
	memset(out, 0, sizeof(*out));
	out->root = !geteuid();
	out->btf = !access("/sys/kernel/btf/vmlinux", R_OK);
	out->tcx = hooks_tc_way() == HOOKS_TCX;
	out->bpffs = pins_mounted();
	out->mounts_apart =
		!same_namespace("/proc/self/ns/mnt", "/proc/1/ns/mnt") || sys_of_netns_exec();
	for (int i = 0; i < 3; i++) {
		int found = links_netfilter_look(i, out->filters[i]);

		if (found < 0)
			out->filters_err[i] = found;
	}
	links_netfilter_output(out->output);
	if (mask)
		links_netfilter_marks(mask, out->marks);
}

/* The beat is behind the kernel's own struct bpf_timer, which reads as zeros. */
struct timer_row {
	uint64_t timer[2];
	struct sw_beat beat;
};

static uint64_t timer_beat(const char *dir)
{
	struct bpf_map_info info = {0};
	struct timer_row row = {0};
	uint32_t len = sizeof(info), key = 0;
	int fd = pins_open(dir, "timers");

	if (fd < 0)
		return 0;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) || info.value_size != sizeof(row) ||
	    bpf_map_lookup_elem(fd, &key, &row))
		row.beat.beat_ns = 0;
	close(fd);
	return row.beat.beat_ns;
}

static int flow_count(void *arg, const struct flow_row *row)
{
	struct doctor_pins *pins = arg;

	pins->flows[row->family == 6]++;
	return 0;
}

static void inspect_egress(struct doctor_pins *out, struct maps *maps)
{
	struct sw_path_stats stats;
	struct sw_path path;

	for (unsigned int id = 0; id < SW_MAX_PATHS; id++) {
		if (maps_path(maps, id, &path) || !path.name[0] ||
		    maps_path_stats(maps, id, &stats))
			continue;
		if (stats.egress_returned && !out->egress_returned)
			snprintf(out->egress_path, sizeof(out->egress_path), "%.31s", path.name);
		out->egress_returned += stats.egress_returned;
		out->egress_left += stats.egress_too_big + stats.egress_no_neighbor;
	}
}

void inspect_pins(struct doctor_pins *out, const char *instance)
{
	char dir[PINS_DIR], err[DATAPATH_ERR] = "";
	struct sw_health health;
	struct timespec now;
	struct maps *maps;
	struct datapath_sizes max;
	struct sw_clock clock;
	int code;

	memset(out, 0, sizeof(*out));
	code = maps_open(&maps, instance, out->why);
	out->there = code != -ENOENT;
	out->readable = !code;
	if (code)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!maps_clock(maps, &clock))
		out->clock_ns = clock.now_ns;
	out->now_ns = (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
	/* An instance that has just begun has its first beat within a second. */
	for (int i = 0; i < BEAT_ROUNDS && !out->beat_ns && !pins_dir(dir, instance, err); i++) {
		if (i)
			nanosleep(&(struct timespec){.tv_nsec = BEAT_ROUND_MS * 1000000L}, NULL);
		out->beat_ns = timer_beat(dir);
	}
	if (!maps_health(maps, &health)) {
		out->health_known = true;
		out->events_lost = health.events_lost;
		out->flows_full = health.flows_full;
		out->flows_evicted = health.flows_evicted;
		out->flows_forgotten = health.flows_forgotten;
	}
	inspect_egress(out, maps);
	if (!maps_flows_max(maps, &max) && !maps_flow_rows(maps, flow_count, out)) {
		out->flows_max[0] = max.flows4;
		out->flows_max[1] = max.flows6;
	}
	maps_close(maps);
}
