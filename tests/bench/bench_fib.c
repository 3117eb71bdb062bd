/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The FIB's tables beside the kernel's LPM trie and, where libdpdk is installed, DPDK's rte_fib:
 * nanoseconds a look-up, random and local addresses, in bulk and each made of the answer before;
 * what loading, a change and memory cost; and a whole RIB through the compiler. Rows of a round are
 * interleaved; the loop's own cost is measured beside them and taken off. Time is this thread's, so
 * that others on the CPU are not counted as ours. BENCH_FIB="4:10000 6:1000" asks for less.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "core/fib.h"
#include "core/stride_internal.h"
#include "lookup.skel.h"
#include "prefix_mix.h"
#include "sameway/abi.h"

#define ROUNDS	  9
#define ADDRESSES (1u << 20)
#define HOT	  4096 /* destinations of "local" */
#define CHANGES	  20000
#define NODES4	  32768
#define NODES6	  262144

struct question {
	uint64_t high, low, allowed;
};

enum what { NONE, OURS, TRIE, WHATS };
enum how { BULK, CHAIN, HOWS };

struct bench {
	struct lookup *skel;
	struct prefix_oracle o;
	struct stride *table;
	struct stride_memory memory;
	struct question *questions;
	uint64_t *sum;
	FILE *to_peer, *from_peer;
	uint8_t family;
	double ns[2][HOWS][WHATS][ROUNDS], peer[2][HOWS][ROUNDS]; /* [0] random, [1] local */
};

static double clock_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec * 1e-3;
}

static double cpu_us(void)
{
	return clock_us(CLOCK_THREAD_CPUTIME_ID);
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void *map_mem(const struct bpf_map *map, size_t row)
{
	void *mem = mmap(NULL, row * bpf_map__max_entries(map), PROT_READ | PROT_WRITE, MAP_SHARED,
			 bpf_map__fd(map), 0);

	if (mem == MAP_FAILED)
		die("mmap");
	return mem;
}

static int no_wait(void *arg)
{
	(void)arg;
	return 0;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_size);
	return v[n / 2];
}

/* The kernel's trie */

struct trie_key {
	uint32_t len;
	uint8_t bytes[16];
};

static int trie_fd(const struct bench *b)
{
	return bpf_map__fd(b->family == 4 ? b->skel->maps.lpm4 : b->skel->maps.lpm6);
}

static void trie_set(const struct bench *b, const struct prefix *p, uint32_t group)
{
	struct trie_key key = {.len = p->len};

	memcpy(key.bytes, p->bytes, 16);
	if (bpf_map_update_elem(trie_fd(b), &key, &group, BPF_ANY))
		die("LPM trie");
}

static void trie_clear(const struct bench *b, const struct prefix *p)
{
	struct trie_key key = {.len = p->len};

	memcpy(key.bytes, p->bytes, 16);
	if (bpf_map_delete_elem(trie_fd(b), &key))
		die("LPM trie");
}

/* Bytes that the kernel says the map has. */
static double map_mib(int fd)
{
	char path[64], line[128];
	double bytes = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "memlock: %lf", &bytes);
	if (f)
		fclose(f);
	return bytes / (1 << 20);
}

static double tables_mib(const struct bench *b)
{
	double entries = b->family == 4 ? 32 : 0.25, node = b->family == 4 ? 512 : 1024;

	return entries + stride_nodes_used(b->table) * node / (1 << 20);
}

static int by_prefix(const void *a, const void *b)
{
	return prefix_cmp(&((const struct oracle_row *)a)->prefix,
			  &((const struct oracle_row *)b)->prefix);
}

/* Empty tables of the same memory. */
static void table_empty(struct bench *b)
{
	bool six = b->family == 6;

	stride_free(b->table);
	memset(b->memory.root, 0, (six ? SW_FIB6_ROWS : SW_FIB4_ROWS) * 8UL);
	memset(b->memory.nodes, 0, (size_t)b->memory.n_nodes * (six ? 1024 : 512));
	b->table = stride_new(&b->memory);
}

static double list_load(struct bench *b, const struct oracle_row *row)
{
	double start = cpu_us();

	for (size_t i = 0; i < b->o.n; i++)
		if (stride_set(b->table, &row[i].prefix, row[i].group, true) < 0)
			die("stride_set");
	stride_finish(b->table);
	return (cpu_us() - start) / 1e3;
}

/*
 * The list as a compiler gives it: what covers before what is covered. Twice, since on some
 * machines the first touch of fresh memory costs more than all the rest.
 */
static void tables_load(struct bench *b)
{
	struct oracle_row *sorted = malloc(b->o.n * sizeof(*sorted));
	double fresh, again, start, trie;

	if (!sorted)
		die("malloc");
	memcpy(sorted, b->o.row, b->o.n * sizeof(*sorted));
	qsort(sorted, b->o.n, sizeof(*sorted), by_prefix);
	b->table = stride_new(&b->memory);
	fresh = list_load(b, sorted);
	table_empty(b);
	memset(b->table->root_depth, 0, (size_t)1 << b->table->first);
	memset(b->table->node_depth, 0, (size_t)b->memory.n_nodes * STRIDE_NODE_ENTRIES);
	again = list_load(b, sorted);
	start = cpu_us();
	for (size_t i = 0; i < b->o.n; i++)
		trie_set(b, &sorted[i].prefix, sorted[i].group);
	trie = (cpu_us() - start) / 1e3;
	free(sorted);
	printf("load       tables %.1f ms (%.1f ms in memory never touched), LPM trie %.1f ms: "
	       "%.1f "
	       "times (%.1f)\n",
	       again, fresh, trie, trie / again, trie / fresh);
	printf("memory     tables %.1f MiB (%u nodes used), LPM trie %.1f MiB\n", tables_mib(b),
	       stride_nodes_used(b->table), map_mib(trie_fd(b)));
}

static double one_change(struct bench *b, const struct prefix *p, bool trie, int step)
{
	struct oracle_row *row = oracle_get(&b->o, p), *cover;
	double start;

	if (!p->len)
		return 0;
	cover = oracle_match(&b->o, *p, p->len - 1u);
	start = clock_us(CLOCK_MONOTONIC);
	if (trie && step == 1)
		trie_clear(b, p);
	else if (trie)
		trie_set(b, p, step ? row->group : 1 + row->group % 60);
	else if (step == 1)
		stride_clear(b->table, p, cover ? cover->prefix.len : 0, cover ? cover->group : 0);
	else
		stride_set(b->table, p, step ? row->group : 1 + row->group % 60, step == 2);
	return clock_us(CLOCK_MONOTONIC) - start;
}

/* Another group, removed, back again: all as before after it. */
static void changes(struct bench *b)
{
	static double us[2][CHANGES * 3];

	for (size_t i = 0; i < CHANGES; i++) {
		struct prefix p = b->o.row[oracle_below(b->o.n)].prefix;

		for (int trie = 0; trie < 2; trie++)
			for (int step = 0; step < 3; step++)
				us[trie][i * 3 + (size_t)step] = one_change(b, &p, trie, step);
	}
	for (int trie = 0; trie < 2; trie++) {
		double middle = median(us[trie], CHANGES * 3);

		printf("%s %.2f us median, %.2f 99th of 100%s",
		       trie ? ", LPM trie" : "change     tables", middle,
		       us[trie][CHANGES * 3 / 100 * 99], trie ? "\n" : "");
	}
	stride_finish(b->table);
}

static void questions_make(struct bench *b, bool local)
{
	static struct ip_addr hot[HOT];

	for (size_t i = 0; i < HOT; i++)
		hot[i] = oracle_address(&b->o, b->family);
	for (size_t i = 0; i < ADDRESSES; i++) {
		struct question *q = &b->questions[i];
		struct prefix inside = b->o.row[oracle_below(b->o.n)].prefix;
		struct ip_addr ip;

		oracle_bits(&inside, inside.len);
		ip = local ? hot[oracle_below(HOT)] : prefix_address(&inside);
		q->high = q->low = 0;
		for (int k = 0; k < 8; k++) {
			q->high = q->high << 8 | ip.bytes[k];
			q->low = q->low << 8 | ip.bytes[8 + k];
		}
		if (b->family == 4)
			q->high >>= 32;
	}
}

static double look_up(const struct bench *b, const struct bpf_program *prog)
{
	char frame[64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = 1);
	double start = cpu_us();

	(void)b;
	if (bpf_prog_test_run_opts(bpf_program__fd(prog), &opts))
		die("test run");
	return (cpu_us() - start) * 1e3 / ADDRESSES;
}

static const struct bpf_program *program(const struct bench *b, enum how how, enum what what)
{
	char name[32];
	static const char *const whats[] = {"none", "ours", "trie"};

	snprintf(name, sizeof(name), "%s_%s%d", how == BULK ? "bulk" : "chain", whats[what],
		 b->family);
	return bpf_object__find_program_by_name(b->skel->obj, name);
}

/* DPDK's, in a process of its own, over the same prefixes and addresses. */
static void peer_start(struct bench *b)
{
	int to[2], from[2];
	const char *peer = getenv("PEER_DPDK");

	if (!peer || access(peer, X_OK) || pipe(to) || pipe(from))
		return;
	fflush(NULL);
	if (!fork()) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		close(to[1]);
		close(from[0]);
		execl(peer, peer, b->family == 4 ? "4" : "6", NULL);
		_exit(1);
	}
	close(to[0]);
	close(from[1]);
	b->to_peer = fdopen(to[1], "w");
	b->from_peer = fdopen(from[0], "r");
	fprintf(b->to_peer, "%zu\n", b->o.n);
	for (size_t i = 0; i < b->o.n; i++) {
		fwrite(&b->o.row[i].prefix.len, 1, 1, b->to_peer);
		fwrite(b->o.row[i].prefix.bytes, 16, 1, b->to_peer);
		fwrite(&b->o.row[i].group, 4, 1, b->to_peer);
	}
}

static void peer_questions(struct bench *b)
{
	if (!b->to_peer)
		return;
	fputc('q', b->to_peer);
	fwrite(b->questions, sizeof(*b->questions), ADDRESSES, b->to_peer);
	fflush(b->to_peer);
}

static void peer_round(struct bench *b, int local, int round)
{
	double bulk, chain;
	unsigned long long sum;

	if (!b->to_peer)
		return;
	fputc('r', b->to_peer);
	fflush(b->to_peer);
	if (fscanf(b->from_peer, "%lf %lf %llu", &bulk, &chain, &sum) != 3)
		die("peer");
	if (sum != *b->sum)
		printf("DPDK answers differ: %llu, ours %llu\n", sum, (unsigned long long)*b->sum);
	b->peer[local][BULK][round] = bulk;
	b->peer[local][CHAIN][round] = chain;
}

static void rounds(struct bench *b, int local)
{
	questions_make(b, local);
	peer_questions(b);
	for (int round = 0; round < ROUNDS; round++) {
		for (int how = 0; how < HOWS; how++) {
			uint64_t sums[WHATS];

			for (int what = 0; what < WHATS; what++) {
				b->ns[local][how][what][round] =
					look_up(b, program(b, (enum how)how, (enum what)what));
				sums[what] = *b->sum;
			}
			if (sums[OURS] != sums[TRIE])
				printf("the answers differ\n");
			*b->sum = sums[OURS];
		}
		peer_round(b, local, round);
	}
}

static void row_print(const char *what, double *v, double loop, double ours)
{
	double middle = median(v, ROUNDS) - loop;

	printf(" | %s %6.1f (%.1f..%.1f)", what, middle, v[0] - loop, v[ROUNDS - 1] - loop);
	if (ours > 0)
		printf(" %.2fx", middle / ours);
}

static void rounds_print(struct bench *b)
{
	for (int local = 0; local < 2; local++)
		for (int how = 0; how < HOWS; how++) {
			double(*ns)[ROUNDS] = b->ns[local][how];
			double loop = median(ns[NONE], ROUNDS);
			double ours = median(ns[OURS], ROUNDS) - loop;

			printf("%-6s %-5s loop %4.1f", local ? "local" : "random",
			       how == BULK ? "bulk" : "chain", loop);
			row_print("tables", ns[OURS], loop, 0);
			row_print("LPM trie", ns[TRIE], loop, ours);
			if (b->to_peer)
				row_print(how == BULK ? "DPDK, 32 at once" : "DPDK, one by one",
					  b->peer[local][how], 0, ours);
			printf("\n");
		}
}

/* The whole way: candidates of one path and of two, in the order they came, to the tables. */

static struct sw_group *groups;

static int group_write(void *arg, uint32_t id, const struct sw_group *group)
{
	(void)arg;
	groups[id] = *group;
	return 0;
}

static int prefix_write(void *arg, const struct prefix *prefix, uint32_t group, bool fresh)
{
	return stride_set(arg, prefix, group, fresh);
}

static int prefix_remove(void *arg, const struct prefix *prefix, uint8_t len, uint32_t group)
{
	return stride_clear(arg, prefix, len, group);
}

static bool slice(void *arg)
{
	return stride_slice(arg);
}

static void default_write(void *arg, uint8_t family, uint32_t group)
{
	(void)arg;
	(void)family;
	(void)group;
}

static void whole(struct bench *b)
{
	static const char text[] =
		"paths:\n"
		"  - { name: er, class: expressroute, interface: e0, gateway: 192.168.30.18 }\n"
		"  - { name: vpn, class: vpn, interface: t0, peers: [10.1.1.1] }\n"
		"inside:\n  - { interface: lan0, networks: [10.2.30.0/25] }\n";
	const struct fib_ops ops = {
		.arg = b->table,
		.group_write = group_write,
		.prefix_write = prefix_write,
		.prefix_remove = prefix_remove,
		.slice = slice,
		.quiesce = no_wait,
		.default_write = default_write,
	};
	static const uint32_t as[] = {12076, 65010, 65020};
	struct config_errors errors;
	struct config *cfg;
	struct rib *rib;
	struct fib *fib;
	double start;

	if (config_parse(text, strlen(text), &cfg, &errors))
		die("config");
	rib = rib_new(cfg, NULL);
	for (size_t i = 0; i < b->o.n; i++) {
		struct route r = {.prefix = b->o.row[i].prefix, .as_path = as, .n_as = 3};

		r.has_as_path = true;
		strcpy(r.path, "er");
		rib_announce(rib, 0, &r, 1);
		strcpy(r.path, "vpn");
		if (i % 2)
			rib_announce(rib, 0, &r, 1);
	}
	groups = calloc(SW_MAX_GROUPS, sizeof(*groups));
	fib = fib_new(cfg, rib, &ops);
	start = cpu_us();
	fib_compile(fib, 1, ~0ULL, 0);
	printf("compile    RIB to tables %.1f ms, %zu prefixes, %zu groups\n",
	       (cpu_us() - start) / 1e3, fib_counts(fib).installed4 + fib_counts(fib).installed6,
	       fib_counts(fib).groups);
	fib_free(fib);
	rib_free(rib);
	free(groups);
	config_free(cfg);
	config_errors_free(&errors);
}

static void bench_open(struct bench *b, uint8_t family)
{
	struct sw_ctl *ctl;

	memset(b, 0, sizeof(*b));
	b->family = family;
	b->skel = lookup__open();
	if (!b->skel)
		die("skeleton");
	bpf_map__set_max_entries(b->skel->maps.fib4_nodes,
				 (family == 4 ? NODES4 : 64) * SW_FIB4_NODE_ROWS);
	bpf_map__set_max_entries(b->skel->maps.fib6_nodes, family == 6 ? NODES6 : 64);
	if (lookup__load(b->skel))
		die("load");
	ctl = map_mem(b->skel->maps.ctl, 4096);
	b->questions = map_mem(b->skel->maps.questions, sizeof(*b->questions));
	b->sum = map_mem(b->skel->maps.results, 4096);
	b->memory = (struct stride_memory){
		.family = family,
		.root = map_mem(family == 4 ? b->skel->maps.fib4 : b->skel->maps.fib6, 8),
		.nodes = family == 4
				 ? map_mem(b->skel->maps.fib4_nodes, 8)
				 : map_mem(b->skel->maps.fib6_nodes, sizeof(struct sw_fib6_node)),
		.n_nodes = family == 4 ? NODES4 : NODES6,
		.fallback = family == 4 ? &ctl->root4 : &ctl->root6,
		.quiesce = no_wait,
	};
}

static void run(uint8_t family, size_t n)
{
	static struct bench b;

	bench_open(&b, family);
	oracle_init(&b.o, n);
	mix_make(&b.o, family, n);
	printf("\nIPv%u, %zu prefixes\n", family, n);
	tables_load(&b);
	changes(&b);
	peer_start(&b);
	rounds(&b, 0);
	rounds(&b, 1);
	rounds_print(&b);
	if (b.to_peer) {
		fclose(b.to_peer);
		fclose(b.from_peer);
	}
	table_empty(&b);
	whole(&b);
	stride_free(b.table);
	oracle_free(&b.o);
	munmap(b.memory.root, (family == 6 ? SW_FIB6_ROWS : SW_FIB4_ROWS) * 8UL);
	munmap(b.memory.nodes, (size_t)b.memory.n_nodes * (family == 6 ? 1024 : 512));
	munmap(b.questions, ADDRESSES * sizeof(*b.questions));
	lookup__destroy(b.skel);
	fflush(stdout);
}

int main(void)
{
	const char *what = getenv("BENCH_FIB");
	char *list = strdup(what ? what : "4:1000 4:10000 4:100000 4:1000000 6:1000 6:200000");
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(1, &one);
	sched_setaffinity(0, sizeof(one), &one); /* where there is no second CPU: anywhere */
	printf("FIB: ns a look-up net of the loop, median of %d rounds (least..most); the factor "
	       "is "
	       "the time against the tables'\n",
	       ROUNDS);
	for (char *word = strtok(list, " "); word; word = strtok(NULL, " ")) {
		unsigned int family;
		size_t n;

		if (sscanf(word, "%u:%zu", &family, &n) == 2 && (family == 4 || family == 6))
			run((uint8_t)family, n);
	}
	free(list);
	return 0;
}
