/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The FIB's tables in the mmapped maps: their writers, and how to wait until no program is left
 * that read them before.
 *
 * The wait: an update of a map of maps returns after an RCU grace period, as the kernel promises
 * for just this purpose (bpf(2) users swap inner maps by it): every program that ran has ended.
 * membarrier(MEMBARRIER_CMD_GLOBAL) would do as well, but is refused where a CPU is nohz_full. It
 * takes some 10 ms, in which the loop stands still; stride.c and fib_groups.c ask for it only when
 * nothing clean is left.
 */
#include "kernel/datapath_impl.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <unistd.h>

enum { INNER, OUTER };

static int quiesce_open(struct datapath *dp)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	int inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "sw_inner", 4, 8, 1, NULL), outer;

	if (inner < 0)
		return inner;
	opts.inner_map_fd = (uint32_t)inner;
	outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "sw_quiesce", 4, 4, 1, &opts);
	if (outer < 0) {
		close(inner);
		return outer;
	}
	dp->quiesce[INNER] = inner;
	dp->quiesce[OUTER] = outer;
	return 0;
}

static int quiesce(void *arg)
{
	struct datapath *dp = arg;
	uint32_t zero = 0;
	int err = dp->quiesce[OUTER] < 0 ? quiesce_open(dp) : 0;

	return err ? err
		   : bpf_map_update_elem(dp->quiesce[OUTER], &zero, &dp->quiesce[INNER], BPF_ANY);
}

int datapath_quiesce(struct datapath *dp)
{
	/* an unfinished prefix may still have the number in its old entries */
	for (int i = 0; i < 2; i++)
		stride_finish(dp->fib[i]);
	return quiesce(dp);
}

int prefixes_open(struct datapath *dp)
{
	struct sw_ctl *ctl = dp->mem[MEM_CTL];
	const struct stride_memory memory[2] = {
		{
			.family = 4,
			.root = dp->mem[MEM_FIB4],
			.nodes = dp->mem[MEM_FIB4_NODES],
			.n_nodes =
				bpf_map__max_entries(dp->skel->maps.fib4_nodes) / SW_FIB4_NODE_ROWS,
			.fallback = &ctl->root4,
			.quiesce = quiesce,
			.arg = dp,
		},
		{
			.family = 6,
			.root = dp->mem[MEM_FIB6],
			.nodes = dp->mem[MEM_FIB6_NODES],
			.n_nodes = bpf_map__max_entries(dp->skel->maps.fib6_nodes),
			.fallback = &ctl->root6,
			.quiesce = quiesce,
			.arg = dp,
		},
	};

	for (int i = 0; i < 2; i++) {
		dp->quiesce[i] = -1;
		dp->fib[i] = stride_new(&memory[i]);
	}
	return dp->fib[0] && dp->fib[1] ? 0 : -ENOMEM;
}

void prefixes_close(struct datapath *dp)
{
	for (int i = 0; i < 2; i++) {
		if (!dp->fib[i])
			continue;
		stride_finish(dp->fib[i]);
		stride_free(dp->fib[i]);
		if (dp->quiesce[i] >= 0)
			close(dp->quiesce[i]);
	}
}

int datapath_prefix_write(struct datapath *dp, const struct prefix *prefix, uint32_t group,
			  bool fresh)
{
	return stride_set(dp->fib[prefix->family == 6], prefix, group, fresh);
}

int datapath_prefix_remove(struct datapath *dp, const struct prefix *prefix, uint8_t cover_len,
			   uint32_t cover_group)
{
	return stride_clear(dp->fib[prefix->family == 6], prefix, cover_len, cover_group);
}

bool datapath_prefix_slice(struct datapath *dp)
{
	bool unfinished4 = stride_slice(dp->fib[0]);

	return stride_slice(dp->fib[1]) || unfinished4;
}

int datapath_prefix_each(struct datapath *dp, datapath_prefix_cb cb, void *arg)
{
	int ret = stride_read(dp->fib[0], cb, arg);

	return ret ? ret : stride_read(dp->fib[1], cb, arg);
}

struct datapath_nodes datapath_nodes(const struct datapath *dp)
{
	return (struct datapath_nodes){
		.used4 = stride_nodes_used(dp->fib[0]),
		.used6 = stride_nodes_used(dp->fib[1]),
	};
}
