/* SPDX-License-Identifier: GPL-2.0-only */
/* struct datapath, for datapath.c (life cycle) and tables.c (contents) alone. */
#ifndef SAMEWAY_KERNEL_DATAPATH_IMPL_H
#define SAMEWAY_KERNEL_DATAPATH_IMPL_H

#include "core/stride.h"
#include "kernel/datapath.h"
#include "kernel/flow_table.h"
#include "kernel/pins.h"

#include "sameway.skel.h"

/* The mmapped maps; the order is that of map_memory()'s table. */
enum memory {
	MEM_CTL,
	MEM_USABLE,
	MEM_PATHS,
	MEM_GROUPS,
	MEM_COUNTERS,
	MEM_VERDICTS,
	MEM_FAST,
	MEM_RULES,
	MEM_RULE_NAMES,
	MEM_BFD,
	MEM_CARRIER,
	MEM_PROBES,
	MEM_FIB4,
	MEM_FIB4_NODES,
	MEM_FIB6,
	MEM_FIB6_NODES,
	MEM_COUNT
};

struct datapath {
	struct sameway *skel;
	char instance[64];
	char dir[PINS_DIR];
	bool adopted;
	void *mem[MEM_COUNT];
	size_t mem_len[MEM_COUNT]; /* bytes, whole pages */
	struct stride *fib[2];	   /* IPv4, IPv6 */
	int quiesce[2];		   /* maps of prefixes.c, -1: not made yet */
	struct flow_tables tables;
	struct flow_repair repaired;
	bool flows_anew; /* adopted, but for the flow tables: they have another size now */
	struct ring_buffer *events;
	datapath_event_cb event_cb;
	void *event_arg;
};

/* prefixes.c: the tables' writers, when their memory is there; and their end. */
int prefixes_open(struct datapath *dp);
void prefixes_close(struct datapath *dp);
/* Maps the flow tables (tables.c). 0 or -errno. */
int datapath_flows_map(struct datapath *dp);
/*
 * The flow tables are several maps, which are kept or made anew together (flow_maps.c). Whether the
 * pinned ones have the sizes that are asked for; whether the map is one of them; what is in new
 * ones before a program runs; their pins, in the place of others: 0 or -errno.
 */
bool datapath_flows_fit(const struct datapath *dp);
bool datapath_flows_has(const struct datapath *dp, const struct bpf_map *map);
void datapath_flows_begin(struct datapath *dp);
int datapath_flows_pin(struct datapath *dp);

#endif
