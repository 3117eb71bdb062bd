/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps of the flow tables as a set: of one size, by `flows:` and `flows6:`. Another size makes
 * all of them anew, empty, while all else that is pinned is taken over. `flow_tables` has the sizes
 * that the programs go by and is pinned last, so that of a set that was left half replaced it tells
 * another size than the maps have: that is made anew, too.
 */
#include "kernel/datapath_impl.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#define SIZED 5 /* maps whose size is asked for */

/* In order of their pinning, but for `flow_tables`. */
static void sized_maps(const struct datapath *dp, struct bpf_map *map[SIZED])
{
	map[0] = dp->skel->maps.flows;
	map[1] = dp->skel->maps.flows_index;
	map[2] = dp->skel->maps.flows6;
	map[3] = dp->skel->maps.flows6_index;
	map[4] = dp->skel->maps.flow_rules;
}

/* Its room as it is pinned; where that can't be said, as it is asked for: adopting it says why. */
static uint32_t room_pinned(const struct datapath *dp, const struct bpf_map *map)
{
	int fd = pins_open(dp->dir, bpf_map__name(map));
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	int err = fd < 0 ? fd : bpf_obj_get_info_by_fd(fd, &info, &len);

	if (fd >= 0)
		close(fd);
	return err ? bpf_map__max_entries(map) : info.max_entries;
}

/* Whether the programs there go by these sizes. */
static bool tables_fit(const struct datapath *dp)
{
	const struct bpf_map *rows[] = {dp->skel->maps.flows, dp->skel->maps.flows6};
	int fd = pins_open(dp->dir, bpf_map__name(dp->skel->maps.flow_tables));
	bool fit = true;

	for (uint32_t i = 0; fd >= 0 && i < 2; i++) {
		struct sw_flow_table table = {0};

		if (!bpf_map_lookup_elem(fd, &i, &table))
			fit &= table.max == bpf_map__max_entries(rows[i]);
	}
	if (fd >= 0)
		close(fd);
	return fit;
}

bool datapath_flows_fit(const struct datapath *dp)
{
	struct bpf_map *map[SIZED];

	sized_maps(dp, map);
	for (int i = 0; i < SIZED; i++)
		if (room_pinned(dp, map[i]) != bpf_map__max_entries(map[i]))
			return false;
	return tables_fit(dp);
}

bool datapath_flows_has(const struct datapath *dp, const struct bpf_map *map)
{
	struct bpf_map *sized[SIZED];

	sized_maps(dp, sized);
	for (int i = 0; i < SIZED; i++)
		if (map == sized[i])
			return true;
	return map == dp->skel->maps.flow_tables;
}

void datapath_flows_begin(struct datapath *dp)
{
	for (int i = 0; i < 2; i++) {
		dp->tables.t[i].state->lines = dp->tables.t[i].lines - 1;
		dp->tables.t[i].state->max = dp->tables.t[i].max;
	}
}

int datapath_flows_pin(struct datapath *dp)
{
	const struct bpf_map *last = dp->skel->maps.flow_tables;
	struct bpf_map *map[SIZED];
	int err = 0;

	sized_maps(dp, map);
	for (int i = 0; !err && i < SIZED; i++)
		err = pins_put(dp->dir, bpf_map__name(map[i]), bpf_map__fd(map[i]));
	return err ? err : pins_put(dp->dir, bpf_map__name(last), bpf_map__fd(last));
}

bool datapath_flows_anew(const struct datapath *dp)
{
	return dp->flows_anew;
}

bool datapath_flows_are(const struct datapath *dp, uint32_t flows4, uint32_t flows6)
{
	return dp->tables.t[0].max == flows4 && dp->tables.t[1].max == flows6;
}
