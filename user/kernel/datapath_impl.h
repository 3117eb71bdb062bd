/* SPDX-License-Identifier: GPL-2.0-only */
/* struct datapath, for datapath.c (life cycle) and tables.c (contents) alone. */
#ifndef SAMEWAY_KERNEL_DATAPATH_IMPL_H
#define SAMEWAY_KERNEL_DATAPATH_IMPL_H

#include "kernel/datapath.h"
#include "kernel/flow_table.h"
#include "kernel/pins.h"

#include "sameway.skel.h"

/* The mmapped maps; the order is that of datapath_map_memory()'s table. */
enum memory { MEM_CTL, MEM_USABLE, MEM_PATHS, MEM_GROUPS, MEM_COUNTERS, MEM_VERDICTS, MEM_COUNT };

struct datapath {
	struct sameway *skel;
	char instance[64];
	char dir[PINS_DIR];
	bool adopted;
	void *mem[MEM_COUNT];
	size_t mem_len[MEM_COUNT]; /* bytes, whole pages */
	struct flow_tables tables;
	struct flow_repair repaired;
	struct ring_buffer *events;
	datapath_event_cb event_cb;
	void *event_arg;
};

/* Maps the flow tables (tables.c). 0 or -errno. */
int datapath_flows_map(struct datapath *dp);

#endif
