/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is in the maps: interfaces, next hops, neighbours by system calls, the rest by
 * pointers into mmapped rows; flow events out of the ring; one tuple through `explain`. Written
 * for the daemon, the only writer. The kernel has several words for a full map; here it is -ENOSPC.
 */
#include "kernel/datapath_impl.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

struct sw_ctl *datapath_ctl(struct datapath *dp)
{
	return dp->mem[MEM_CTL];
}

struct sw_usable *datapath_usable(struct datapath *dp)
{
	return dp->mem[MEM_USABLE];
}

struct sw_path *datapath_paths(struct datapath *dp)
{
	return dp->mem[MEM_PATHS];
}

struct sw_group *datapath_groups(struct datapath *dp)
{
	return dp->mem[MEM_GROUPS];
}

struct sw_path_counters *datapath_path_counters(struct datapath *dp)
{
	return dp->mem[MEM_COUNTERS];
}

struct sw_verdict_row *datapath_verdicts(struct datapath *dp)
{
	return dp->mem[MEM_VERDICTS];
}

struct sw_rules *datapath_rules(struct datapath *dp)
{
	return dp->mem[MEM_RULES];
}

struct sw_rule_names *datapath_rule_names(struct datapath *dp)
{
	return dp->mem[MEM_RULE_NAMES];
}

struct sw_bfd *datapath_bfd(struct datapath *dp)
{
	return dp->mem[MEM_BFD];
}

struct sw_carrier *datapath_carrier(struct datapath *dp)
{
	return dp->mem[MEM_CARRIER];
}

struct sw_probe *datapath_probes(struct datapath *dp)
{
	return dp->mem[MEM_PROBES];
}

static int row_write(const struct bpf_map *map, const void *key, const void *value)
{
	int err = bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY);

	return err == -E2BIG ? -ENOSPC : err;
}

static int row_remove(const struct bpf_map *map, const void *key)
{
	return bpf_map_delete_elem(bpf_map__fd(map), key);
}

/* A word at a time: a program may read the row meanwhile. It is another's, or this one's. */
static void fast_write(struct datapath *dp, uint32_t ifindex, const struct sw_interface *row)
{
	struct sw_interface_fast *at = dp->mem[MEM_FAST];
	struct sw_interface_fast new = {0};

	at += ifindex % SW_FAST_INTERFACES;
	if (row)
		new = sw_interface_fast(ifindex, row);
	if (at->where && (uint32_t)at->where != ifindex)
		return;
	__atomic_store_n(&at->mac, new.mac, __ATOMIC_RELEASE);
	__atomic_store_n(&at->where, new.where, __ATOMIC_RELEASE);
}

int datapath_interface_write(struct datapath *dp, uint32_t ifindex, const struct sw_interface *row)
{
	int err = row_write(dp->skel->maps.interfaces, &ifindex, row);

	fast_write(dp, ifindex, err ? NULL : row);
	return err;
}

int datapath_interface_remove(struct datapath *dp, uint32_t ifindex)
{
	fast_write(dp, ifindex, NULL);
	return row_remove(dp->skel->maps.interfaces, &ifindex);
}

int datapath_device_write(struct datapath *dp, uint8_t slot, uint32_t ifindex, bool frags)
{
	__u64 *word = &datapath_ctl(dp)->takes_frags[slot / 64], bit = 1ULL << slot % 64;
	uint32_t key = slot;
	int err;

	if (!ifindex || !frags)
		__atomic_and_fetch(word, ~bit, __ATOMIC_RELEASE);
	if (ifindex) {
		err = row_write(dp->skel->maps.devices, &key, &ifindex);
		if (!err && frags)
			__atomic_or_fetch(word, bit, __ATOMIC_RELEASE);
		return err;
	}
	err = row_remove(dp->skel->maps.devices, &key);
	return err == -ENOENT ? 0 : err;
}

int datapath_port_write(struct datapath *dp, const struct sw_port_key *key,
			const struct sw_port *row)
{
	return row_write(dp->skel->maps.ports, key, row);
}

int datapath_ports_keep(struct datapath *dp, const struct sw_port_key *keys, size_t n)
{
	const struct bpf_map *map = dp->skel->maps.ports;
	struct sw_port_key key, next;
	bool more = !bpf_map_get_next_key(bpf_map__fd(map), NULL, &next);
	int err = 0;

	while (more && (!err || err == -ENOENT)) {
		size_t i = 0;

		key = next;
		more = !bpf_map_get_next_key(bpf_map__fd(map), &key, &next);
		while (i < n && memcmp(&keys[i], &key, sizeof(key)))
			i++;
		err = i == n ? row_remove(map, &key) : 0;
	}
	return err == -ENOENT ? 0 : err;
}

int datapath_nexthop_write(struct datapath *dp, uint8_t slot, uint8_t family,
			   const struct datapath_way *way, const struct ip_addr *addr)
{
	struct sw_nexthop row = {
		.ifindex = way->ifindex, .l3_ifindex = way->l3_ifindex, .tags = way->tags};
	struct sw_nexthop old;
	uint32_t key = slot * 2U + (family == 6);

	if ((family != 4 && family != 6) || (addr->family && addr->family != family))
		return -EINVAL;
	if (addr->family) {
		row.family = family;
		memcpy(row.addr, addr->bytes, sizeof(row.addr));
	}
	memcpy(row.smac, way->mac, sizeof(row.smac));
	/* The same gateway again, as after an adoption: its MACs serve until the answer is there.
	 */
	if (!bpf_map_lookup_elem(bpf_map__fd(dp->skel->maps.nexthops), &key, &old) &&
	    old.family == row.family && old.ifindex == row.ifindex &&
	    old.l3_ifindex == row.l3_ifindex && old.tags.all == row.tags.all &&
	    !memcmp(old.addr, row.addr, sizeof(row.addr))) {
		row = old;
		row.checked_ns = 0;
		memcpy(row.smac, way->mac, sizeof(row.smac));
	}
	return row_write(dp->skel->maps.nexthops, &key, &row);
}

int datapath_nexthop_mac(struct datapath *dp, uint8_t slot, const struct ip_addr *addr,
			 const uint8_t mac[6])
{
	uint32_t key = slot * 2U + (addr->family == 6);
	struct sw_nexthop row;

	if (bpf_map_lookup_elem(bpf_map__fd(dp->skel->maps.nexthops), &key, &row) ||
	    memcmp(row.addr, addr->bytes, sizeof(row.addr)))
		return -ENOENT;
	row.valid = mac != NULL;
	if (mac)
		memcpy(row.dmac, mac, sizeof(row.dmac));
	return row_write(dp->skel->maps.nexthops, &key, &row);
}

static struct sw_neighbor_key neighbor_key(uint32_t ifindex, const struct ip_addr *addr)
{
	struct sw_neighbor_key key = {.ifindex = ifindex, .family = addr->family};

	memcpy(key.addr, addr->bytes, addr->family == 4 ? 4 : 16);
	return key;
}

int datapath_neighbor_write(struct datapath *dp, uint32_t ifindex, const struct ip_addr *addr,
			    const uint8_t mac[6])
{
	struct sw_neighbor_key key = neighbor_key(ifindex, addr);
	struct sw_neighbor row = {0};

	memcpy(row.mac, mac, sizeof(row.mac));
	return row_write(dp->skel->maps.neighbors, &key, &row);
}

int datapath_neighbor_remove(struct datapath *dp, uint32_t ifindex, const struct ip_addr *addr)
{
	struct sw_neighbor_key key = neighbor_key(ifindex, addr);

	return row_remove(dp->skel->maps.neighbors, &key);
}

int datapath_neighbor_flush(struct datapath *dp, uint32_t ifindex)
{
	const struct bpf_map *map = dp->skel->maps.neighbors;
	struct sw_neighbor_key key, next;
	bool more = !bpf_map_get_next_key(bpf_map__fd(map), NULL, &next);
	int err;

	while (more) {
		key = next;
		more = !bpf_map_get_next_key(bpf_map__fd(map), &key, &next);
		if (ifindex && key.ifindex != ifindex)
			continue;
		err = row_remove(map, &key);
		if (err && err != -ENOENT)
			return err;
	}
	return 0;
}

static int event_one(void *arg, void *data, size_t len)
{
	const struct datapath *dp = arg;

	if (len >= sizeof(struct sw_event))
		dp->event_cb(dp->event_arg, data);
	return 0;
}

int datapath_events_open(struct datapath *dp, datapath_event_cb cb, void *arg)
{
	struct ring_buffer *ring;

	if (dp->events)
		return -EALREADY;
	ring = ring_buffer__new(bpf_map__fd(dp->skel->maps.events), event_one, dp, NULL);
	if (!ring)
		return -errno;
	dp->event_cb = cb;
	dp->event_arg = arg;
	dp->events = ring;
	return 0;
}

int datapath_events_fd(const struct datapath *dp)
{
	return dp->events ? ring_buffer__epoll_fd(dp->events) : -EBADF;
}

int datapath_events_consume(struct datapath *dp)
{
	int n = dp->events ? ring_buffer__consume(dp->events) : -EBADF;

	return n < 0 ? n : 0;
}

int datapath_flows_map(struct datapath *dp)
{
	const int fd[FLOW_MAPS] = {
		[FLOW_ROWS4] = bpf_map__fd(dp->skel->maps.flows),
		[FLOW_ROWS6] = bpf_map__fd(dp->skel->maps.flows6),
		[FLOW_INDEX4] = bpf_map__fd(dp->skel->maps.flows_index),
		[FLOW_INDEX6] = bpf_map__fd(dp->skel->maps.flows6_index),
		[FLOW_TABLES] = bpf_map__fd(dp->skel->maps.flow_tables),
		[FLOW_CLOCK] = bpf_map__fd(dp->skel->maps.clock),
		[FLOW_RULES] = bpf_map__fd(dp->skel->maps.flow_rules),
	};

	return flow_tables_map(&dp->tables, fd, true);
}

long datapath_flows_remove(struct datapath *dp, const struct flow_ref *refs, size_t n)
{
	return flow_tables_remove(&dp->tables, refs, n);
}

int datapath_explain(struct datapath *dp, struct sw_explain *io)
{
	struct sw_explain answer;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = io, .data_size_in = sizeof(*io),
		    .data_out = &answer, .data_size_out = sizeof(answer), .repeat = 1);
	int err = bpf_prog_test_run_opts(bpf_program__fd(dp->skel->progs.sw_explain), &opts);

	if (err)
		return err;
	if (opts.retval == XDP_ABORTED || opts.data_size_out != sizeof(answer))
		return -EIO;
	*io = answer;
	return 0;
}

int datapath_carrier_find(struct datapath *dp, unsigned int path, uint32_t ifindex,
			  uint32_t l3_ifindex)
{
	struct sw_carrier_ask ask = {.path = path, .ifindex = {ifindex}};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &ask, .ctx_size_in = sizeof(ask));
	int err;

	if (l3_ifindex != ifindex)
		ask.ifindex[1] = l3_ifindex;
	err = bpf_prog_test_run_opts(bpf_program__fd(dp->skel->progs.sw_carrier_find), &opts);
	return err ? err : -(int)opts.retval;
}
