/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The FIB's tables while they change: the programs' own look-up (bpf/fib.h) runs on one thread as
 * fast as it can, another edits. A prefix has two groups of its own that it changes between; some
 * stay for ever, others come and go and take nodes with them. An address may be answered by the
 * longest that stays, or a longer one that comes and goes: nothing else, and never by nothing.
 * Nodes are few, so that they are given up and used again all the time, after the real wait.
 * SEED=n repeats a run; SAMEWAY_LONG=1: a million edits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../unit/prefix_oracle.h"
#include "core/stride.h"
#include "lookup.skel.h"
#include "sameway/abi.h"

#define POOL	  400
#define QUESTIONS 1024

struct question {
	uint64_t high, low, allowed;
};
struct result {
	uint64_t sum, wrong, wrong_at, wrong_answer;
};

struct pooled {
	struct prefix prefix;
	uint32_t group[2];
	int at; /* which of them, -1: not set */
	bool stays;
};

struct world {
	struct lookup *skel;
	struct stride *table;
	struct pooled pool[POOL];
	struct prefix_oracle now; /* what is set */
	struct question *questions;
	struct ip_addr ip[QUESTIONS];
	struct result *result;
	int outer, inner;
	size_t waits;
	uint8_t family;
	volatile bool stop;
};

static void *map_mem(const struct bpf_map *map, size_t row)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t len = (row * bpf_map__max_entries(map) + page - 1) / page * page;
	void *mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	if (mem == MAP_FAILED)
		fail_msg("map %s can't be mapped", bpf_map__name(map));
	return mem;
}

static int quiesce(void *arg)
{
	struct world *w = arg;
	uint32_t zero = 0;

	w->waits++;
	return bpf_map_update_elem(w->outer, &zero, &w->inner, BPF_ANY);
}

static void world_open(struct world *w, uint8_t family, uint32_t nodes)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	struct stride_memory memory = {.family = family, .n_nodes = nodes, .quiesce = quiesce};
	struct sw_ctl *ctl;

	memset(w, 0, sizeof(*w));
	w->family = family;
	w->inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "inner", 4, 8, 1, NULL);
	opts.inner_map_fd = (uint32_t)w->inner;
	w->outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "outer", 4, 4, 1, &opts);
	assert_true(w->inner >= 0 && w->outer >= 0);
	w->skel = lookup__open();
	assert_non_null(w->skel);
	w->skel->rodata->check_count = QUESTIONS;
	bpf_map__set_max_entries(w->skel->maps.fib4_nodes, nodes * SW_FIB4_NODE_ROWS);
	bpf_map__set_max_entries(w->skel->maps.fib6_nodes, nodes);
	assert_int_equal(lookup__load(w->skel), 0);
	ctl = map_mem(w->skel->maps.ctl, sizeof(*ctl));
	memory.arg = w;
	memory.root = map_mem(family == 4 ? w->skel->maps.fib4 : w->skel->maps.fib6, 8);
	memory.nodes = family == 4 ? map_mem(w->skel->maps.fib4_nodes, 8)
				   : map_mem(w->skel->maps.fib6_nodes, sizeof(struct sw_fib6_node));
	memory.fallback = family == 4 ? &ctl->root4 : &ctl->root6;
	w->table = stride_new(&memory);
	w->questions = map_mem(w->skel->maps.questions, sizeof(*w->questions));
	w->result = map_mem(w->skel->maps.results, sizeof(*w->result));
	oracle_init(&w->now, POOL + 1);
}

static void world_close(struct world *w)
{
	stride_free(w->table);
	oracle_free(&w->now);
	lookup__destroy(w->skel);
	close(w->outer);
	close(w->inner);
}

static void set(struct world *w, struct pooled *p, int at)
{
	assert_true(stride_set(w->table, &p->prefix, p->group[at], p->at < 0) >= 0);
	oracle_set(&w->now, &p->prefix, p->group[at]);
	p->at = at;
}

static void clear(struct world *w, struct pooled *p)
{
	struct oracle_row *cover;

	oracle_clear(&w->now, &p->prefix);
	cover = oracle_match(&w->now, p->prefix, p->prefix.len - 1u);
	if (cover && !cover->prefix.len)
		cover = NULL;
	assert_true(stride_clear(w->table, &p->prefix, cover ? cover->prefix.len : 0,
				 cover ? cover->group : 0) >= 0);
	p->at = -1;
}

/* Crowded in a few blocks; the shortest covers them all and stays. */
static void pool_make(struct world *w)
{
	unsigned int max = prefix_max_len(w->family);

	for (size_t i = 0; i < POOL; i++) {
		struct pooled *p = &w->pool[i];
		bool again = true;

		while (again) {
			p->prefix = (struct prefix){.family = w->family, .bytes = {10}};
			p->prefix.bytes[1] = (uint8_t)oracle_below(2);
			p->prefix.bytes[2] = (uint8_t)oracle_below(w->family == 4 ? 100 : 6);
			for (unsigned int k = 3; k < max / 8; k++)
				p->prefix.bytes[k] = (uint8_t)(oracle_below(4) * 0x50);
			p->prefix.len = (uint8_t)(i ? 9 + oracle_below(max - 8) : 8);
			if (i && i < 4)
				p->prefix.len = (uint8_t)(8 + i);
			prefix_mask(&p->prefix);
			again = false;
			for (size_t k = 0; k < i; k++)
				again |= prefix_equal(&w->pool[k].prefix, &p->prefix);
		}
		p->group[0] = 1 + oracle_below(60);
		p->group[1] = 1 + oracle_below(60);
		p->at = -1;
		p->stays = !i || !oracle_below(20);
		if (p->stays || oracle_below(2))
			set(w, p, 0);
	}
}

static void questions_make(struct world *w)
{
	for (size_t i = 0; i < QUESTIONS; i++) {
		struct question *q = &w->questions[i];
		const struct prefix *p = &w->pool[oracle_below(POOL)].prefix;
		struct prefix inside = *p;
		unsigned int longest = 0;

		if (oracle_below(2))
			oracle_bits(&inside, inside.len);
		w->ip[i] = prefix_address(&inside);
		q->high = q->low = q->allowed = 0;
		for (int k = 0; k < 8; k++) {
			q->high = q->high << 8 | w->ip[i].bytes[k];
			q->low = q->low << 8 | w->ip[i].bytes[8 + k];
		}
		if (w->family == 4)
			q->high >>= 32;
		for (size_t k = 0; k < POOL; k++)
			if (w->pool[k].stays && w->pool[k].prefix.len > longest &&
			    prefix_has(&w->pool[k].prefix, &w->ip[i]))
				longest = w->pool[k].prefix.len;
		for (size_t k = 0; k < POOL; k++)
			if (w->pool[k].prefix.len >= longest &&
			    prefix_has(&w->pool[k].prefix, &w->ip[i]))
				q->allowed |=
					1ULL << w->pool[k].group[0] | 1ULL << w->pool[k].group[1];
	}
}

static int check_run(const struct world *w)
{
	char frame[64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = 1);
	const struct bpf_program *prog =
		w->family == 4 ? w->skel->progs.check4 : w->skel->progs.check6;

	return bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
}

static void *reader(void *arg)
{
	struct world *w = arg;

	while (!w->stop)
		if (check_run(w))
			return "the program does not run";
	return NULL;
}

static void no_wrong(const struct world *w)
{
	char text[IP_STRLEN];

	if (w->result->wrong)
		fail_msg("%llu of %llu answers are neither old nor new: %s was answered %llu",
			 (unsigned long long)w->result->wrong, (unsigned long long)w->result->sum,
			 ip_format(&w->ip[w->result->wrong_at % QUESTIONS], text),
			 (unsigned long long)w->result->wrong_answer);
}

/* Now nobody edits: exactly one answer is right. */
static void quiet(struct world *w)
{
	stride_finish(w->table);
	for (size_t i = 0; i < QUESTIONS; i++)
		w->questions[i].allowed = 1ULL << oracle_find(&w->now, &w->ip[i]);
	assert_int_equal(check_run(w), 0);
	no_wrong(w);
}

static void edits(struct world *w, size_t n)
{
	while (n--) {
		struct pooled *p = &w->pool[oracle_below(POOL)];

		if (p->at < 0 || p->stays)
			set(w, p, oracle_below(2) != 0);
		else
			clear(w, p);
		if (w->result->wrong)
			break;
	}
}

static void live(uint8_t family, uint32_t nodes)
{
	const char *more = getenv("SAMEWAY_LONG");
	size_t n = more && atoi(more) ? 1000000 : 100000;
	pthread_t thread;
	struct world *w = malloc(sizeof(*w));
	void *said;

	world_open(w, family, nodes);
	pool_make(w);
	questions_make(w);
	assert_int_equal(check_run(w), 0);
	no_wrong(w);
	assert_int_equal(pthread_create(&thread, NULL, reader, w), 0);
	edits(w, n);
	w->stop = true;
	pthread_join(thread, &said);
	if (said)
		fail_msg("%s", (const char *)said);
	print_message("IPv%u: %zu edits, %zu waits, %llu look-ups meanwhile\n", family, n, w->waits,
		      (unsigned long long)w->result->sum);
	no_wrong(w);
	assert_true(w->result->sum > QUESTIONS);
	assert_true(w->waits > 2);
	quiet(w);
	world_close(w);
	free(w);
}

static void test_live4(void **state)
{
	(void)state;
	live(4, 400);
}

static void test_live6(void **state)
{
	(void)state;
	live(6, 20000);
}

static int quiet_print(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_live4),
		cmocka_unit_test(test_live6),
	};
	const char *seed = getenv("SEED");

	oracle_state = seed ? strtoull(seed, NULL, 10) : 20261127;
	printf("SEED=%llu\n", (unsigned long long)oracle_state);
	oracle_state = oracle_state * 2 + 1;
	libbpf_set_print(quiet_print);
	return cmocka_run_group_tests_name("fib, live", tests, NULL, NULL);
}
