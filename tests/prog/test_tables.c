/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is in the maps: written as the daemon does, read back as commands do.
 */
#include "datapath_fixture.h"

#include "../unit/prefix_oracle.h"

/* One change of a table, of few values, so that prefixes nest and come again. */
static void random_change(struct datapath *dp, struct prefix_oracle *o, uint8_t family)
{
	struct prefix p = {.family = family};
	struct oracle_row *cover;

	p.len = (uint8_t)oracle_below(prefix_max_len(family) + 1);
	for (unsigned int b = 0; b < prefix_max_len(family) / 8; b++)
		p.bytes[b] = oracle_below(8) ? 10 : 0;
	prefix_mask(&p);
	if (oracle_get(o, &p) && oracle_below(2)) {
		oracle_clear(o, &p);
		cover = p.len ? oracle_match(o, p, p.len - 1u) : NULL;
		if (cover && !cover->prefix.len)
			cover = NULL;
		assert_true(datapath_prefix_remove(dp, &p, cover ? cover->prefix.len : 0,
						   cover ? cover->group : 0) >= 0);
	} else {
		uint32_t group = 1 + oracle_below(SW_MAX_GROUPS - 1);

		assert_true(datapath_prefix_write(dp, &p, group, !oracle_get(o, &p)) >= 0);
		oracle_set(o, &p, group);
	}
}

static int read_row(void *arg, const struct prefix *prefix, uint32_t group)
{
	struct prefix_oracle *o = arg;

	assert_true(oracle_set(&o[prefix->family == 6], prefix, group));
	return 0;
}

static int stop_at_once(void *arg, const struct prefix *prefix, uint32_t group)
{
	(void)prefix;
	(void)group;
	++*(int *)arg;
	return 77;
}

static int remove_it(void *arg, const struct prefix *prefix, uint32_t group)
{
	(void)group;
	return datapath_prefix_remove(arg, prefix, 0, 0) < 0;
}

/* What the programs answer for the address. */
static uint32_t ask(struct datapath *dp, const struct ip_addr *ip)
{
	struct sw_explain io = {.family = ip->family, .proto = 6};

	memcpy(io.dst, ip->bytes, 16);
	assert_int_equal(datapath_explain(dp, &io), 0);
	return io.group;
}

/* By one daemon, read by the programs, read back by the next one. */
static void test_prefixes(void **state)
{
	struct prefix_oracle o[2], back[2];
	struct datapath *dp = open_dp();
	struct prefix p = {.family = 4, .len = 33};
	int calls = 0;

	(void)state;
	oracle_state = seed * 2 + 1;
	for (int i = 0; i < 2; i++) {
		oracle_init(&o[i], 2000);
		oracle_init(&back[i], 100000);
		for (int step = 0; step < 2000; step++)
			random_change(dp, &o[i], i ? 6 : 4);
		assert_true(o[i].n > 50);
	}
	while (datapath_prefix_slice(dp))
		;
	assert_int_equal(datapath_prefix_write(dp, &p, 1, true), -EINVAL);
	assert_true(datapath_nodes(dp).used4 > 0 && datapath_nodes(dp).used6 > 0);
	assert_int_equal(datapath_quiesce(dp), 0);
	datapath_close(dp);
	dp = open_dp();
	assert_true(datapath_adopted(dp));
	assert_int_equal(datapath_prefix_each(dp, read_row, back), 0);
	for (int i = 0; i < 20000; i++) {
		bool six = oracle_below(2);
		struct ip_addr ip = oracle_address(&o[six], six ? 6 : 4);
		uint32_t want = oracle_find(&o[six], &ip);

		assert_int_equal(oracle_find(&back[six], &ip), want);
		assert_int_equal(ask(dp, &ip), want);
	}
	assert_int_equal(datapath_prefix_each(dp, stop_at_once, &calls), 77);
	assert_int_equal(calls, 1);
	/* a callback may remove what it is shown */
	assert_int_equal(datapath_prefix_each(dp, remove_it, dp), 0);
	assert_int_equal(datapath_prefix_each(dp, stop_at_once, &calls), 0);
	assert_int_equal(datapath_nodes(dp).used4, 0);
	datapath_close(dp);
	for (int i = 0; i < 2; i++) {
		oracle_free(&o[i]);
		oracle_free(&back[i]);
	}
}

static int interface_seen(void *arg, uint32_t ifindex, const struct sw_interface *row)
{
	assert_int_equal(ifindex, 7);
	assert_string_equal(row->name, "er0");
	++*(int *)arg;
	return 0;
}

static void test_interfaces_and_nexthops(void **state)
{
	struct sw_interface row = {.name = "er0", .role = SW_ROLE_PATH, .mtu = 1500};
	struct datapath *dp = open_dp();
	struct sw_nexthop hop;
	struct ip_addr gw, none = {0};
	struct maps *maps;
	const struct datapath_way nine = {.ifindex = 9, .l3_ifindex = 11, .tags.vid = {30, 300}};
	const struct datapath_way ten = {.ifindex = 10, .l3_ifindex = 10};
	uint32_t key = 3 * 2 + 1;
	int seen = 0, fd = pins_open(dir(), "nexthops");

	(void)state;
	assert_int_equal(maps_open(&maps, INSTANCE, err), 0);
	assert_int_equal(datapath_interface_write(dp, 7, &row), 0);
	assert_int_equal(maps_interface_each(maps, interface_seen, &seen), 0);
	assert_int_equal(seen, 1);
	for (uint32_t i = 100; i < 100 + SW_MAX_SLOTS + SW_MAX_PATHS - 1; i++)
		assert_int_equal(datapath_interface_write(dp, i, &row), 0);
	assert_int_equal(datapath_interface_write(dp, 99, &row), -ENOSPC);
	assert_int_equal(datapath_interface_remove(dp, 7), 0);

	assert_int_equal(ip_parse("fe80::1", &gw), 0);
	assert_int_equal(datapath_nexthop_write(dp, 3, 6, &nine, &gw), 0);
	assert_int_equal(maps_nexthop(maps, 3, 6, &hop), 0);
	assert_true(hop.family == 6 && hop.ifindex == 9 && !hop.valid && !hop.checked_ns);
	assert_true(hop.l3_ifindex == 11 && hop.tags.vid[0] == 30 && hop.tags.vid[1] == 300);
	assert_memory_equal(hop.addr, gw.bytes, 16);
	/* the programs found its MAC: the same gateway again keeps it, and is asked for again */
	hop.valid = 1;
	hop.dmac[0] = 0x42;
	hop.checked_ns = 1234;
	assert_int_equal(bpf_map_update_elem(fd, &key, &hop, BPF_ANY), 0);
	assert_int_equal(datapath_nexthop_write(dp, 3, 6, &nine, &gw), 0);
	assert_int_equal(maps_nexthop(maps, 3, 6, &hop), 0);
	assert_true(hop.valid && hop.dmac[0] == 0x42 && !hop.checked_ns);
	/* on another interface it is another one */
	assert_int_equal(datapath_nexthop_write(dp, 3, 6, &ten, &gw), 0);
	assert_int_equal(maps_nexthop(maps, 3, 6, &hop), 0);
	assert_true(!hop.valid && hop.ifindex == 10);
	assert_int_equal(datapath_nexthop_write(dp, 3, 6, &ten, &none), 0);
	assert_int_equal(maps_nexthop(maps, 3, 6, &hop), 0);
	assert_int_equal(hop.family, 0);
	assert_int_equal(hop.ifindex, 10); /* a TUN, or hosts on the link: where to all the same */
	assert_int_equal(datapath_nexthop_write(dp, 3, 4, &ten, &gw), -EINVAL);
	close(fd);
	maps_close(maps);
	datapath_close(dp);
}

static size_t rows_of(const char *map)
{
	uint8_t key[64], next[64];
	size_t n = 0;
	int fd = pins_open(dir(), map);
	void *last = NULL;

	while (!bpf_map_get_next_key(fd, last, next)) {
		memcpy(key, next, sizeof(key));
		last = key;
		n++;
	}
	close(fd);
	return n;
}

static void test_neighbors_and_devices(void **state)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};
	struct datapath *dp = open_dp();
	struct ip_addr addr = {.family = 4, .bytes = {10, 0, 0, 0}};
	uint32_t device = 0, slot = 5;
	int fd = pins_open(dir(), "devices");

	(void)state;
	for (int i = 0; i < 200; i++) {
		addr.bytes[3] = (uint8_t)i;
		assert_int_equal(datapath_neighbor_write(dp, 1 + i % 2, &addr, mac), 0);
	}
	assert_int_equal(rows_of("neighbors"), 200);
	assert_int_equal(datapath_neighbor_remove(dp, 2, &addr), 0);
	assert_int_equal(datapath_neighbor_remove(dp, 2, &addr), -ENOENT);
	assert_int_equal(datapath_neighbor_flush(dp, 1), 0);
	assert_int_equal(rows_of("neighbors"), 99);
	assert_int_equal(datapath_neighbor_flush(dp, 0), 0);
	assert_int_equal(rows_of("neighbors"), 0);

	assert_int_equal(datapath_device_write(dp, 5, if_nametoindex("er0"), false), 0);
	assert_int_equal(datapath_ctl(dp)->takes_frags[0], 0);
	assert_int_equal(datapath_device_write(dp, 5, if_nametoindex("er0"), true), 0);
	assert_int_equal(datapath_device_write(dp, 64, if_nametoindex("er0"), true), 0);
	assert_int_equal(datapath_ctl(dp)->takes_frags[0], 1 << 5);
	assert_int_equal(datapath_ctl(dp)->takes_frags[1], 1);
	assert_int_equal(datapath_device_write(dp, 64, if_nametoindex("er0"), false), 0);
	assert_int_equal(datapath_ctl(dp)->takes_frags[1], 0);
	assert_int_equal(bpf_map_lookup_elem(fd, &slot, &device), 0);
	assert_int_equal(device, if_nametoindex("er0"));
	assert_int_equal(datapath_device_write(dp, 5, 0, true), 0);
	assert_int_equal(datapath_device_write(dp, 5, 0, true), 0);
	assert_int_equal(bpf_map_lookup_elem(fd, &slot, &device), -ENOENT);
	assert_int_not_equal(datapath_device_write(dp, 5, 0x7ffffff0, true), 0);
	close(fd);
	datapath_close(dp);
}

/* a third of them of IPv6 */
#define FLOWS_WRITTEN 2400

struct flows_seen {
	uint8_t *seen; /* by the number that a flow has as its lower address */
	size_t n;
	struct flow_ref *refs;
};

static int flow_seen(void *arg, const struct sw_flow_key *key, const struct flow *flow)
{
	struct flows_seen *f = arg;
	uint32_t id;

	memcpy(&id, key->lo, 4);
	assert_int_equal(key->family, id % 3 ? 4 : 6);
	assert_int_equal(flow->out_packets, id * 3ULL);
	assert_false(f->seen[id]);
	f->seen[id] = 1;
	f->refs[f->n++] = flow_ref(key, flow);
	return 0;
}

/* A record and its entry, as the programs leave them; every third is of IPv6. */
static void flow_write(struct flow_tables *tables, uint32_t id, uint64_t now)
{
	struct flow_table *t = &tables->t[id % 3 ? 0 : 1];
	uint32_t i = (uint32_t)t->state->unused++;
	struct sw_flow_record *r;

	if (id % 3) {
		struct sw_flow4 *row = (struct sw_flow4 *)t->rows + i;

		row->lo = id;
		r = &row->r;
	} else {
		struct sw_flow6 *row = (struct sw_flow6 *)t->rows + i;

		row->lo[0] = id;
		r = &row->r;
	}
	r->out_packets = id * 3;
	r->seen = (uint16_t)(now >> SW_SEEN_SHIFT);
	r->state.word = (union sw_flow_word){.s = {.used = 1, .reuse = id & 1023}}.word;
	t->index[i / SW_LINE_ENTRIES].e[i % SW_LINE_ENTRIES] =
		1ULL << 48 | (uint64_t)i << 24 | (now >> SW_LEASE_SHIFT & SW_ENTRY_TIME);
}

static int tables_of(struct flow_tables *tables)
{
	int fd[FLOW_MAPS], ret;

	for (int i = 0; i < FLOW_MAPS; i++)
		fd[i] = pins_open(dir(), flow_map_names[i]);
	ret = flow_tables_map(tables, fd, true);
	for (int i = 0; i < FLOW_MAPS; i++)
		close(fd[i]);
	return ret;
}

static void seen_again(struct maps *maps, struct flows_seen *f)
{
	memset(f->seen, 0, FLOWS_WRITTEN);
	f->n = 0;
	assert_int_equal(maps_flow_each(maps, flow_seen, f), 0);
}

static void test_flows(void **state)
{
	struct flows_seen f = {.seen = calloc(FLOWS_WRITTEN, 1),
			       .refs = calloc(FLOWS_WRITTEN, sizeof(*f.refs))};
	struct datapath *dp = open_flows(65536);
	struct datapath_sizes max;
	struct flow_tables tables;
	uint64_t now, before;
	struct sw_flow4 *row;
	struct maps *maps;

	(void)state;
	assert_int_equal(maps_open(&maps, INSTANCE, err), 0);
	assert_int_equal(maps_flows_max(maps, &max), 0);
	assert_int_equal(max.flows4, 65536);
	assert_int_equal(max.flows6, FLOWS6);
	assert_int_equal(maps_flow_each(maps, flow_seen, &f), 0);
	assert_int_equal(f.n, 0);
	assert_int_equal(tables_of(&tables), 0);
	assert_int_equal(tables.t[0].state->lines, 16383);
	assert_int_equal(tables.t[0].state->max, 65536);
	assert_int_equal(tables.t[1].state->lines, 255);
	assert_int_equal(tables.t[1].state->max, FLOWS6);
	assert_int_equal(maps_flows_now(maps, &now), 0);
	before = now - 40000000; /* two units of a lease, and more */
	for (uint32_t id = 0; id < FLOWS_WRITTEN; id++)
		flow_write(&tables, id, id % 2 ? before : now);
	seen_again(maps, &f);
	assert_int_equal(f.n, FLOWS_WRITTEN);

	/* those that have just been seen stay; nor are others removed twice */
	assert_int_equal(datapath_flows_remove(dp, f.refs, f.n), FLOWS_WRITTEN / 2);
	assert_int_equal(datapath_flows_remove(dp, f.refs, f.n), 0);
	seen_again(maps, &f);
	assert_int_equal(f.n, FLOWS_WRITTEN / 2);
	for (uint32_t id = 0; id < FLOWS_WRITTEN; id++)
		assert_int_equal(f.seen[id], id % 2 == 0);

	/* a packet came after it was seen, or another flow has its record: it stays */
	flow_write(&tables, 1, before);
	flow_write(&tables, 5, before);
	flow_write(&tables, 7, before);
	seen_again(maps, &f);
	row = (struct sw_flow4 *)tables.t[0].rows + tables.t[0].state->unused - 3;
	row[0].r.seen++;
	row[1].r.state.s.reuse++;
	assert_int_equal(datapath_flows_remove(dp, f.refs, f.n), 1);
	assert_int_equal(row[2].r.state.s.used, 0);
	assert_int_equal(row[2].r.state.s.reuse, 8);
	assert_int_equal(tables.t[0].state->free >> 32, FLOWS_WRITTEN / 3 + 1);
	flow_tables_unmap(&tables);
	maps_close(maps);
	datapath_close(dp);
	free(f.refs);
	free(f.seen);
}

/* A daemon killed in the middle of its removals: the next one frees what nobody could use. */
static void test_adoption_mends(void **state)
{
	struct datapath *dp = open_flows(65536);
	struct flow_tables tables;
	struct flow_table *t = &tables.t[0];
	struct sw_flow4 *rows;
	struct maps *maps;
	struct flows_seen f = {.seen = calloc(FLOWS_WRITTEN, 1),
			       .refs = calloc(FLOWS_WRITTEN, sizeof(*f.refs))};
	size_t free_ones = 0;

	(void)state;
	assert_int_equal(datapath_repaired(dp)->busy + datapath_repaired(dp)->lost, 0);
	assert_int_equal(tables_of(&tables), 0);
	for (uint32_t id = 0; id < 30; id++)
		flow_write(&tables, id, 0);
	rows = t->rows;
	t->index[0].e[3] |= SW_ENTRY_BUSY; /* killed at once */
	t->index[0].e[4] |= SW_ENTRY_BUSY; /* before it freed the entry */
	rows[4].r.state.s.used = 0;
	t->index[0].e[5] = 0; /* before the record was given back */
	rows[5].r.state.s.used = 0;
	((struct sw_flow6 *)tables.t[1].rows)[2].r.state.s.used = 0;
	tables.t[1].index[0].e[2] = 0;
	t->index[0].e[6] = t->index[0].e[7] = 0; /* rightly removed: 7, then 6 */
	rows[6].r.state.s.used = rows[7].r.state.s.used = 0;
	rows[6].r.created = 7 + 1;
	t->state->free = 2ULL << 32 | (6 + 1);
	datapath_close(dp);

	dp = open_flows(65536);
	assert_true(datapath_adopted(dp));
	assert_int_equal(datapath_repaired(dp)->busy, 2);
	assert_int_equal(datapath_repaired(dp)->lost, 2);
	assert_false(datapath_repaired(dp)->given_up);
	assert_int_equal(t->index[0].e[3] | t->index[0].e[4], 0);
	assert_int_equal(rows[3].r.state.s.used, 0);
	for (uint32_t next = (uint32_t)t->state->free; next; next = rows[next - 1].r.created) {
		assert_in_range(next - 1, 3, 7);
		free_ones++;
	}
	assert_int_equal(free_ones, 5);
	assert_int_equal((uint32_t)tables.t[1].state->free, 2 + 1);
	assert_int_equal(maps_open(&maps, INSTANCE, err), 0);
	assert_int_equal(maps_flow_each(maps, flow_seen, &f), 0);
	assert_int_equal(f.n, 30 - 5 - 1);
	maps_close(maps);
	datapath_close(dp);
	dp = open_flows(65536); /* once */
	assert_int_equal(datapath_repaired(dp)->busy + datapath_repaired(dp)->lost, 0);
	datapath_close(dp);
	flow_tables_unmap(&tables);
	free(f.refs);
	free(f.seen);
}

static void test_sums(void **state)
{
	struct datapath *dp = open_dp();
	int fd, cpus = libbpf_num_possible_cpus();
	struct sw_path_stats *rows = calloc((size_t)cpus, sizeof(*rows)), sum;
	struct maps *maps;
	uint32_t path = 5;

	(void)state;
	assert_int_equal(maps_open(&maps, INSTANCE, err), 0);
	for (int i = 0; i < cpus; i++)
		rows[i] = (struct sw_path_stats){1, 20, 300, 4000 + (uint64_t)i, 1, 2, 3, 4, 5,
						 6, 7,	8};
	fd = pins_open(dir(), "path_stats");
	assert_int_equal(bpf_map_update_elem(fd, &path, rows, BPF_ANY), 0);
	assert_int_equal(maps_path_stats(maps, 5, &sum), 0);
	assert_int_equal(sum.rx_packets, cpus);
	assert_int_equal(sum.rx_bytes, 20 * cpus);
	assert_int_equal(sum.tx_packets, 300 * cpus);
	assert_int_equal(sum.tx_bytes, 4000 * cpus + cpus * (cpus - 1) / 2);
	assert_int_equal(sum.egress_moved, cpus);
	assert_int_equal(sum.egress_returned, 4 * cpus);
	assert_int_equal(sum.egress_lost, 5 * cpus);
	assert_int_equal(sum.egress_denied, 8 * cpus);
	assert_int_equal(maps_path_stats(maps, SW_MAX_PATHS, &sum), -ENOENT);
	close(fd);
	maps_close(maps);
	datapath_close(dp);
	free(rows);
}

/* A program of the test's own that puts one event into the ring. */
static void event_send(void)
{
	int ring = pins_open(dir(), "events"), fd, words = sizeof(struct sw_event) / 8;
	struct bpf_insn insns[64];
	uint8_t packet[64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet));
	const struct bpf_insn tail[] = {
		LOAD_MAP(1, BPF_PSEUDO_MAP_FD, ring),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -words * 8),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, words * 8),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 4, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_ringbuf_output),
		RETURN(2),
	};

	assert_true((size_t)words + COUNT(tail) <= COUNT(insns));
	for (int i = 0; i < words; i++) /* ts_ns is the first word */
		insns[i] = INSN(BPF_ST | BPF_DW | BPF_MEM, 10, 0, (short)(-8 * (words - i)),
				i ? 0 : 4711);
	memcpy(insns + words, tail, sizeof(tail));
	fd = prog_load(BPF_PROG_TYPE_XDP, "ring_writer", insns, (size_t)words + COUNT(tail));
	assert_int_equal(bpf_prog_test_run_opts(fd, &opts), 0);
	close(fd);
	close(ring);
}

static void event_seen(void *arg, const struct sw_event *ev)
{
	assert_int_equal(ev->ts_ns, 4711);
	++*(int *)arg;
}

static void test_events_and_explain(void **state)
{
	struct datapath *dp = open_dp();
	struct sw_explain ask = {.family = 4, .proto = 6, .src = {10, 2, 30, 4}};
	struct pollfd ready;
	int seen = 0;

	(void)state;
	assert_int_equal(datapath_events_fd(dp), -EBADF);
	assert_int_equal(datapath_events_open(dp, event_seen, &seen), 0);
	assert_int_equal(datapath_events_open(dp, event_seen, &seen), -EALREADY);
	event_send();
	event_send();
	ready = (struct pollfd){.fd = datapath_events_fd(dp), .events = POLLIN};
	assert_int_equal(poll(&ready, 1, DEADLINE_S * 1000), 1);
	assert_int_equal(datapath_events_consume(dp), 0);
	assert_int_equal(seen, 2);
	assert_int_equal(datapath_explain(dp, &ask), 0);
	assert_int_equal(ask.family, 4);
	assert_int_equal(ask.src[3], 4);
	datapath_close(dp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(prefixes),
		TEST(interfaces_and_nexthops),
		TEST(neighbors_and_devices),
		TEST(flows),
		TEST(adoption_mends),
		TEST(sums),
		TEST(events_and_explain),
	};

	return cmocka_run_group_tests_name("tables", tests, group_setup, NULL);
}
