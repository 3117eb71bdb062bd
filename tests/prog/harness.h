/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An edge for tests of the programs, with no daemon and no pin: the skeleton loaded in a network
 * namespace of its own, with real devices (XDP and TC want them by number), neighbours, and the
 * maps written by hand. Programs run by BPF_PROG_TEST_RUN. edge_reset() gives every test the same
 * edge: see edge.h for its paths and prefixes.
 */
#ifndef TESTS_PROG_HARNESS_H
#define TESTS_PROG_HARNESS_H

#include "packet.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "kernel/flow_table.h"
#include "sameway.skel.h"

#define SECOND_NS 1000000000ULL
#define GRACE_NS  (60 * SECOND_NS)
#define MAX_CPUS  1024
/* Counters of a row of map `reasons`; those of GSO frames come last. */
#define REASON_WORDS (sizeof(struct sw_reasons) / sizeof(uint64_t))

enum hook { XDP, TC_IN, TC_OUT };
static const char *const hook_text[] = {"xdp", "tc ingress", "tc egress"};

/* What the programs answer. */
#define TC_UNSPEC   (-1)
#define TC_SHOT	    2
#define TC_REDIRECT 7

/* The devices: the paths first, by id, then the inside. */
enum device { ER0, ER1, ER2, TUN, VPN1, LAN0, LAN1, DEVICES, NO_DEVICE };
static const char *const device_name[] = {"er0", "er1", "er2", "tun0", "vpn1", "lan0", "lan1"};

static struct {
	struct sameway *skel;
	struct sw_ctl *ctl;
	struct sw_usable *usable;
	struct sw_path *paths;
	struct sw_group *groups;
	struct sw_path_counters *path_counters;
	struct sw_verdict_row *verdicts;
	struct sw_clock *clock;
	struct flow_tables tables;
	uint64_t clock_at; /* what the programs take for now; 0: what it is */
	uint32_t ifindex[DEVICES];
	int cpus;
	unsigned int failures; /* of CHECK, told with their case's name */
	const char *what;      /* the case that is running */
} edge;

/* Says what is not as expected and goes on, so that a table shows all its bad rows. */
#define CHECK(condition, ...)                                                                      \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			edge.failures++;                                                           \
			print_error("%s: ", edge.what ? edge.what : __func__);                     \
			print_error(__VA_ARGS__);                                                  \
			print_error(" (%s:%d)\n", __FILE__, __LINE__);                             \
		}                                                                                  \
	} while (0)

static inline uint8_t device_slot(enum device dev)
{
	return dev >= LAN0 ? (uint8_t)(SW_INSIDE_SLOT + dev - LAN0) : (uint8_t)dev;
}

/* Of the device itself. */
static inline const uint8_t *device_mac(enum device dev)
{
	static uint8_t mac[DEVICES][6];

	memcpy(mac[dev], (uint8_t[]){2, 0, 0, 0, 0, (uint8_t)(dev + 1)}, 6);
	return mac[dev];
}

/* Of who is behind it: the gateway; on lan0 the host. */
static inline const uint8_t *device_next_mac(enum device dev)
{
	static uint8_t mac[DEVICES][6];

	memcpy(mac[dev], (uint8_t[]){2, 0xaa, 0, 0, 0, (uint8_t)(dev + 1)}, 6);
	return mac[dev];
}

/* The clock that the programs read. */
static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static inline int map_fd(const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(edge.skel->obj, name);

	if (fd < 0)
		fail_msg("no map %s", name);
	return fd;
}

static inline void map_write(const char *name, const void *key, const void *value)
{
	if (bpf_map_update_elem(map_fd(name), key, value, BPF_ANY))
		fail_msg("cannot write map %s: %s", name, strerror(errno));
}

static inline void *map_mmap(const char *name, size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd(name), 0);

	if (at == MAP_FAILED)
		fail_msg("cannot map %s: %s", name, strerror(errno));
	return at;
}

static inline void flow_tables_open(void)
{
	int fd[FLOW_MAPS], ret;

	for (int i = 0; i < FLOW_MAPS; i++)
		fd[i] = map_fd(flow_map_names[i]);
	ret = flow_tables_map(&edge.tables, fd, true);
	if (ret)
		fail_msg("cannot map the flow tables: %s", strerror(-ret));
	edge.clock = edge.tables.mem[FLOW_CLOCK];
}

/* As at a start: no flow, every record unused. */
static inline void flows_clear(void)
{
	for (int i = 0; i < 2; i++) {
		struct flow_table *t = &edge.tables.t[i];

		memset(t->index, 0, t->lines * sizeof(*t->index));
		memset(t->rows, 0,
		       t->max * (i ? sizeof(struct sw_flow6) : sizeof(struct sw_flow4)));
		*t->state = (struct sw_flow_table){.lines = t->lines - 1, .max = t->max};
	}
}

/* Removes all entries of a hash. */
static inline void map_clear(const char *name)
{
	uint8_t key[64];
	int fd = map_fd(name);

	while (!bpf_map_get_next_key(fd, NULL, key))
		bpf_map_delete_elem(fd, key);
}

static inline int flow_counted(void *arg, const struct sw_flow_key *key, const struct flow *flow)
{
	(void)key;
	(void)flow;
	++*(size_t *)arg;
	return 0;
}

/* Flows that have a record. */
static inline size_t flow_count(void)
{
	size_t n = 0;

	for (int i = 0; i < 2; i++)
		flow_table_each(&edge.tables.t[i], now_ns(), flow_counted, &n);
	return n;
}

/* Adds up the 64-bit words of a row of a per-CPU map. */
static inline void percpu_sum(const char *name, uint32_t row, uint64_t *sum, size_t words)
{
	uint64_t *all = calloc((size_t)edge.cpus * words, sizeof(*all));

	memset(sum, 0, words * sizeof(*sum));
	if (!all || bpf_map_lookup_elem(map_fd(name), &row, all))
		fail_msg("cannot read map %s", name);
	for (size_t i = 0; i < (size_t)edge.cpus * words; i++)
		sum[i % words] += all[i];
	free(all);
}

static inline void percpu_zero(const char *name, uint32_t row, size_t size)
{
	void *all = calloc((size_t)edge.cpus, size);

	if (!all || bpf_map_update_elem(map_fd(name), &row, all, BPF_ANY))
		fail_msg("cannot clear map %s", name);
	free(all);
}

static inline struct sw_path_stats path_stats(uint32_t path)
{
	struct sw_path_stats s;

	percpu_sum("path_stats", path, (uint64_t *)&s, sizeof(s) / 8);
	return s;
}

static inline struct sw_health health(void)
{
	struct sw_health h;

	percpu_sum("health", 0, (uint64_t *)&h, sizeof(h) / 8);
	return h;
}

/* Packets that the device received, with this action and reason. */
static inline uint64_t reason_count(enum device dev, uint32_t action, uint32_t reason)
{
	uint64_t row[REASON_WORDS];

	percpu_sum("reasons", device_slot(dev), row, REASON_WORDS);
	return row[action * SW_REASON_COUNT + reason];
}

/* All packets that any device is said to have received. */
static inline uint64_t reasons_total(void)
{
	uint64_t row[REASON_WORDS], total = 0;

	for (int dev = 0; dev < DEVICES; dev++) {
		percpu_sum("reasons", device_slot(dev), row, REASON_WORDS);
		for (size_t i = 0; i < SW_ACTION_COUNT * SW_REASON_COUNT; i++)
			total += row[i];
	}
	return total;
}

static inline void counters_clear(void)
{
	for (int dev = 0; dev < DEVICES; dev++) {
		percpu_zero("reasons", device_slot(dev), sizeof(struct sw_reasons));
		if (dev < LAN0)
			percpu_zero("path_stats", device_slot(dev), sizeof(struct sw_path_stats));
	}
	percpu_zero("health", 0, sizeof(struct sw_health));
	for (int i = 0; i < SW_VERDICT_COUNT; i++)
		edge.verdicts[i].given = 0;
}

/* The key with a as lo: a record has the one or the other. */
static inline struct sw_flow_key key_of(const struct packet *p, bool src_is_lo)
{
	struct sw_flow_key key = {.proto = packet_proto(p), .family = packet_family(p)};

	address_bytes(p->src, src_is_lo ? key.lo : key.hi);
	address_bytes(p->dst, src_is_lo ? key.hi : key.lo);
	key.lo_port = htons(src_is_lo ? p->sport : p->dport);
	key.hi_port = htons(src_is_lo ? p->dport : p->sport);
	if (p->proto == IPPROTO_ICMP || p->proto == PROTO_ICMP6)
		key.hi_port = key.lo_port = htons(p->sport);
	return key;
}

struct flow_wanted {
	struct sw_flow_key key[2]; /* either */
	struct flow *out;
};

static inline int flow_compared(void *arg, const struct sw_flow_key *key, const struct flow *flow)
{
	const struct flow_wanted *want = arg;

	if (memcmp(key, &want->key[0], sizeof(*key)) && memcmp(key, &want->key[1], sizeof(*key)))
		return 0;
	*want->out = *flow;
	return 1;
}

/* The record of the packet's flow; false: none. */
static inline bool flow_get(const struct packet *p, struct flow *out)
{
	struct flow_wanted want = {{key_of(p, true), key_of(p, false)}, out};

	return flow_table_each(&edge.tables.t[want.key[0].family == 6], now_ns(), flow_compared,
			       &want);
}

/* The record itself, of a flow that must have one. */
static inline struct sw_flow_record *flow_record(const struct packet *p)
{
	struct flow flow = {0};

	if (!flow_get(p, &flow))
		fail_msg("%s: no record", edge.what);
	return packet_family(p) == 6 ? &((struct sw_flow6 *)edge.tables.t[1].rows)[flow.record].r
				     : &((struct sw_flow4 *)edge.tables.t[0].rows)[flow.record].r;
}

/* The state of a flow that must have a record. */
static inline struct sw_flow_state flow_state(const struct packet *p)
{
	struct flow flow = {0};

	if (!flow_get(p, &flow))
		fail_msg("%s: no record", edge.what);
	return flow.state;
}

static inline const char *verdict_text(uint8_t verdict)
{
	static const char *const text[] = {
#define VERDICT_TEXT(id, t) t,
		SW_VERDICTS(VERDICT_TEXT)};

	return verdict < SW_VERDICT_COUNT ? text[verdict] : "?";
}

static inline const char *reason_text(uint32_t reason)
{
	static const char *const text[] = {
#define REASON_TEXT(id, t) t,
		SW_REASONS(REASON_TEXT)};

	return reason < SW_REASON_COUNT ? text[reason] : "?";
}

static inline int program_fd(enum hook hook)
{
	struct bpf_program *const prog[] = {edge.skel->progs.sw_xdp, edge.skel->progs.sw_tc_ingress,
					    edge.skel->progs.sw_tc_egress};

	return bpf_program__fd(prog[hook]);
}

/* Runs the hook's program on the frame as if it came by (TC_OUT: left by) the device. */
static inline int edge_run(enum hook hook, enum device dev, struct frame *f)
{
	static uint8_t out[FRAME_MAX + 64];
	struct xdp_md xdp = {.data_end = (uint32_t)f->len, .ingress_ifindex = edge.ifindex[dev]};
	struct __sk_buff skb = {.ifindex = edge.ifindex[dev],
				.gso_size = f->gso_size,
				.gso_segs = f->gso_segs,
				.ingress_ifindex = f->ingress};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->data, .data_size_in = (uint32_t)f->len,
		    .data_out = out, .data_size_out = sizeof(out), .repeat = 1);

	edge.clock->now_ns = edge.clock_at ? edge.clock_at : now_ns();
	memcpy(skb.cb, f->cb, sizeof(f->cb));
	opts.ctx_in = hook == XDP ? (void *)&xdp : (void *)&skb;
	opts.ctx_size_in = hook == XDP ? sizeof(xdp) : sizeof(skb);
	if (bpf_prog_test_run_opts(program_fd(hook), &opts))
		fail_msg("%s: test run of %s failed: %s", edge.what, hook_text[hook],
			 strerror(errno));
	memcpy(f->data, out, opts.data_size_out);
	f->len = opts.data_size_out;
	return (int)opts.retval;
}

/* The packet as it is received by (TC_OUT: leaves by) the device. */
static inline struct frame frame_at(enum device dev, const struct packet *p)
{
	struct frame f;

	frame_build(&f, p, dev == TUN ? NULL : device_mac(dev), device_next_mac(dev));
	return f;
}

static inline int packet_run(enum hook hook, enum device dev, const struct packet *p)
{
	struct frame f = frame_at(dev, p);

	return edge_run(hook, dev, &f);
}

/* Runs ip(8) on a batch of commands, then frees nothing: it is a test. */
static inline void ip_batch(const char *commands)
{
	FILE *ip = popen("ip -batch -", "w");

	if (!ip || fputs(commands, ip) == EOF || pclose(ip))
		fail_msg("ip -batch failed on:\n%s", commands);
}

static inline void sysctl_write(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		fail_msg("cannot write %s: %s", path, strerror(errno));
	close(fd);
}

/* SAMEWAY_LONG=1: more of everything. */
static inline bool test_long(void)
{
	const char *text = getenv("SAMEWAY_LONG");

	return text && atoi(text);
}

/* The random seed of this run, printed so that it can be given again: SEED=n. */
static inline unsigned int test_seed(void)
{
	const char *text = getenv("SEED");
	unsigned int seed = text ? (unsigned int)strtoul(text, NULL, 0) : 20260923;

	print_message("SEED=%u\n", seed);
	return seed;
}

#endif
