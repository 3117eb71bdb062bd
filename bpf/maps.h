/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every map: what it holds, who writes, who reads, what happens when it is full. Values are in
 * include/sameway/abi.h. All are pinned under /sys/fs/bpf/sameway/INSTANCE by their names here.
 */
#ifndef SAMEWAY_BPF_MAPS_H
#define SAMEWAY_BPF_MAPS_H

#define MAP_ARRAY(name, val, entries)                                                              \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                  \
		__uint(map_flags, BPF_F_MMAPABLE);                                                 \
		__uint(max_entries, entries);                                                      \
		__type(key, __u32);                                                                \
		__type(value, val);                                                                \
	} name SEC(".maps")

#define MAP_PERCPU(name, val, entries)                                                             \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);                                           \
		__uint(max_entries, entries);                                                      \
		__type(key, __u32);                                                                \
		__type(value, val);                                                                \
	} name SEC(".maps")

/* Settings and the generation. Written by the daemon, read by every program; the generation is
 * moved on by the kernel's timer, too. */
MAP_ARRAY(ctl, struct sw_ctl, 1);
/* Who objects to which path. One writer a word; read by select. */
MAP_ARRAY(usable, struct sw_usable, 1);
/*
 * BFD by path. Who is to be heard is written by the daemon, what they say by the programs of TC,
 * what is made of it by the kernel's timer (liveness.h).
 */
MAP_ARRAY(bfd, struct sw_bfd, SW_MAX_PATHS);
/* Carrier by path: which devices, by sw_carrier_find; what they have, by the kernel's timer. */
MAP_ARRAY(carrier, struct sw_carrier, SW_MAX_PATHS);
/* The paths, by id. Written by the daemon (changed_ns: by the kernel's timer, too). */
MAP_ARRAY(paths, struct sw_path, SW_MAX_PATHS);
/* Probes of the paths, see abi_probe.h. Written and read by user space alone. */
MAP_ARRAY(probes, struct sw_probe, SW_MAX_PATHS);
/* Policy rules, see abi_rule.h. Written by the daemon: the row that is not in force. */
MAP_ARRAY(rules, struct sw_rules, 2);
/* Their names, for who reads of flows. Written by the daemon before the row is put in force. */
MAP_ARRAY(rule_names, struct sw_rule_names, 2);
/* Groups of tiers. Written by the daemon, a new group before a prefix points to it. */
MAP_ARRAY(groups, struct sw_group, SW_MAX_GROUPS);
/* Sums of path_stats with names, for bpftool; written by the kernel's timer (names: the daemon). */
MAP_ARRAY(path_counters, struct sw_path_counters, SW_MAX_PATHS);
/* Verdicts given. Written by the programs; `flows` by the daemon's scan. */
MAP_ARRAY(verdicts, struct sw_verdict_row, SW_VERDICT_COUNT);

/* Counters by path and by interface slot. Written by the programs, each CPU its own row. */
MAP_PERCPU(path_stats, struct sw_path_stats, SW_MAX_PATHS);
MAP_PERCPU(reasons, struct sw_reasons, SW_MAX_SLOTS);
MAP_PERCPU(health, struct sw_health, 1);
/* Packets denied, by rule. Written by the programs, each CPU its own row. */
MAP_PERCPU(rule_denied, struct sw_rule_denied, 2 * SW_MAX_RULES);
/* Packets that were redirected and the kernel lost, by slot of the device they were for. */
MAP_PERCPU(redirect_errors, struct sw_redirect_errors, SW_MAX_SLOTS);

/*
 * Our interfaces by ifindex, and the devices that have paths' addresses (`l3:`). Written by the
 * daemon; there is room for all, full: the interface is refused at start.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SW_MAX_SLOTS + SW_MAX_PATHS);
	__type(key, __u32);
	__type(value, struct sw_interface);
} interfaces SEC(".maps");

/* Those of them that are plain, in an array. Written by the daemon (kernel/tables.c) with them. */
MAP_ARRAY(interfaces_fast, struct sw_interface_fast, SW_FAST_INTERFACES);

/*
 * Whose a packet is on an interface with VLAN tags or several paths. Written by the daemon; there
 * is room for every path twice: what is new is written before what is old goes.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * SW_MAX_PATHS);
	__type(key, struct sw_port_key);
	__type(value, struct sw_port);
} ports SEC(".maps");

/* Gateways, by slot * 2 + family. Address by the daemon, MACs by the programs (nexthop.h). */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SW_MAX_SLOTS * 2);
	__type(key, __u32);
	__type(value, struct sw_nexthop);
} nexthops SEC(".maps");

/*
 * MACs of inside hosts on the link. Written by the daemon from neighbour news. Full: the oldest
 * goes, and its packets go by the kernel, which knows the host.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct sw_neighbor_key);
	__type(value, struct sw_neighbor);
} neighbors SEC(".maps");

/*
 * Longest prefix to group: tables of entries of 2 bytes (IPv4) and 4 bytes (IPv6), packed, since an
 * array's value has 8 at least. Written by the daemon in place (user/core/stride.c), read by fib.h.
 * A node is 256 entries; how many there are is set at load (`fib:`). All in use: the prefix is
 * refused, counted, said.
 */
MAP_ARRAY(fib4, __u64, SW_FIB4_ROWS);
MAP_ARRAY(fib4_nodes, __u64, 8192 * SW_FIB4_NODE_ROWS);
MAP_ARRAY(fib6, __u64, SW_FIB6_ROWS);
MAP_ARRAY(fib6_nodes, struct sw_fib6_node, 16384);

/*
 * Both directions of a 5-tuple, a record each, found by an index of cache lines (flow_table.h).
 * Made and changed by the programs, idle ones removed by the daemon's scan; full: dead and idle
 * ones go first, and what gets no record is counted (`flows_full` of health). max_entries are set
 * at load (`flows:`, `flows6:`).
 */
MAP_ARRAY(flows, struct sw_flow4, 65536);
MAP_ARRAY(flows6, struct sw_flow6, 16384);
MAP_ARRAY(flows_index, struct sw_flow_line, 16384);
MAP_ARRAY(flows6_index, struct sw_flow_line, 4096);
/* Their sizes, and which records are free. */
MAP_ARRAY(flow_tables, struct sw_flow_table, 2);
/* The rule of each flow. Written by the programs; there is room for all records. */
MAP_ARRAY(flow_rules, __u64, (65536 + 16384) / 2);

/* The time. Written by the kernel's timer, read by the programs. */
MAP_ARRAY(clock, struct sw_clock, 1);

/* Verdict changes. Full: the flow keeps the event and sends it with its next packet. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

/* Where XDP redirects to, by slot. Written by the daemon in the instance's namespace. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, SW_MAX_SLOTS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} devices SEC(".maps");

/* The kernel's timer that sums path_stats, and what it finds. */
struct sw_timer {
	struct bpf_timer timer;
	struct sw_beat beat;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sw_timer);
} timers SEC(".maps");

#endif
