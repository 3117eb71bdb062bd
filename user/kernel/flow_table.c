/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/flow_table.h"

#include "kernel/flow_table_impl.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

const char *const flow_map_names[FLOW_MAPS] = {
	[FLOW_ROWS4] = "flows",	       [FLOW_ROWS6] = "flows6",
	[FLOW_INDEX4] = "flows_index", [FLOW_INDEX6] = "flows6_index",
	[FLOW_TABLES] = "flow_tables", [FLOW_CLOCK] = "clock",
	[FLOW_RULES] = "flow_rules",
};
static const size_t value_size[FLOW_MAPS] = {
	[FLOW_ROWS4] = sizeof(struct sw_flow4),	      [FLOW_ROWS6] = sizeof(struct sw_flow6),
	[FLOW_INDEX4] = sizeof(struct sw_flow_line),  [FLOW_INDEX6] = sizeof(struct sw_flow_line),
	[FLOW_TABLES] = sizeof(struct sw_flow_table), [FLOW_CLOCK] = sizeof(struct sw_clock),
	[FLOW_RULES] = 2 * sizeof(uint32_t),
};

uint32_t flow_table_lines(uint32_t records)
{
	uint32_t lines = 1;

	while (lines < (records + 3) / 4)
		lines *= 2;
	return lines;
}

uint64_t flow_table_bytes(uint8_t family, uint32_t records)
{
	uint64_t row = family == 6 ? sizeof(struct sw_flow6) : sizeof(struct sw_flow4);

	return row * records + sizeof(struct sw_flow_line) * flow_table_lines(records);
}

static int map_one(struct flow_tables *tables, enum flow_map id, int fd, bool write,
		   uint32_t *entries)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), len;
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	void *mem;

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	if (info.value_size != value_size[id] || !(info.map_flags & BPF_F_MMAPABLE))
		return -ESTALE;
	len = (value_size[id] * info.max_entries + page - 1) / page * page;
	mem = mmap(NULL, len, write ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		return -errno;
	tables->mem[id] = mem;
	tables->mem_len[id] = len;
	*entries = info.max_entries;
	return 0;
}

int flow_tables_map(struct flow_tables *tables, const int fd[FLOW_MAPS], bool write)
{
	uint32_t entries[FLOW_MAPS];

	memset(tables, 0, sizeof(*tables));
	for (enum flow_map id = 0; id < FLOW_MAPS; id++) {
		int ret = map_one(tables, id, fd[id], write, &entries[id]);

		if (ret)
			return ret;
	}
	for (int i = 0; i < 2; i++) {
		struct flow_table *t = &tables->t[i];

		t->family = i ? 6 : 4;
		t->max = entries[FLOW_ROWS4 + i];
		t->lines = entries[FLOW_INDEX4 + i];
		t->rows = tables->mem[FLOW_ROWS4 + i];
		t->index = tables->mem[FLOW_INDEX4 + i];
		t->state = (struct sw_flow_table *)tables->mem[FLOW_TABLES] + i;
		t->rules = (const uint32_t *)tables->mem[FLOW_RULES] + (i ? tables->t[0].max : 0);
		if (t->lines != flow_table_lines(t->max))
			return -ESTALE;
	}
	tables->clock = tables->mem[FLOW_CLOCK];
	return entries[FLOW_RULES] < (tables->t[0].max + tables->t[1].max + 1) / 2 ? -ESTALE : 0;
}

void flow_tables_unmap(struct flow_tables *tables)
{
	for (int i = 0; i < FLOW_MAPS; i++)
		if (tables->mem[i])
			munmap(tables->mem[i], tables->mem_len[i]);
	memset(tables, 0, sizeof(*tables));
}

uint64_t flow_tables_now(const struct flow_tables *tables)
{
	uint64_t now = __atomic_load_n(&tables->clock->now_ns, __ATOMIC_ACQUIRE);
	struct timespec ts;

	if (now)
		return now;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

#define AHEAD 1024 /* bytes: the CPU does not fetch ahead past a page by itself */

int flow_table_rows_from(const struct flow_table *t, uint64_t now, uint32_t *from, flow_row_cb cb,
			 void *arg)
{
	size_t size = t->family == 4 ? sizeof(struct sw_flow4) : sizeof(struct sw_flow6);
	struct flow_row row = {.now = now, .family = t->family, .record = *from};
	uint32_t n = table_touched(t);
	const char *at = (const char *)t->rows + *from * size;
	int ret = 0;

	for (; row.record < n && !ret; row.record++, at += size) {
		row.r = (const struct sw_flow_record *)at;
		row.rule = t->rules + row.record;
		__builtin_prefetch(at + AHEAD);
		row.state.word = __atomic_load_n(&row.r->state.word, __ATOMIC_ACQUIRE);
		if (row.state.s.used)
			ret = cb(arg, &row);
	}
	*from = row.record;
	return ret;
}

int flow_table_rows(const struct flow_table *t, uint64_t now, flow_row_cb cb, void *arg)
{
	uint32_t at = 0;

	return flow_table_rows_from(t, now, &at, cb, arg);
}

bool flow_row_read(const struct flow_row *row, struct sw_flow_key *key, struct flow *flow)
{
	bool used = row->family == 4
			    ? flow_decode4((const struct sw_flow4 *)row->r, row->now, key, flow)
			    : flow_decode6((const struct sw_flow6 *)row->r, row->now, key, flow);

	flow->record = row->record;
	flow_rule_decode(flow, __atomic_load_n(row->rule, __ATOMIC_RELAXED));
	return used && flow_row_same(row);
}

struct each {
	flow_cb cb;
	void *arg;
};

static int row_each(void *arg, const struct flow_row *row)
{
	const struct each *each = arg;
	struct sw_flow_key key;
	struct flow flow;

	return flow_row_read(row, &key, &flow) ? each->cb(each->arg, &key, &flow) : 0;
}

int flow_table_each(const struct flow_table *t, uint64_t now, flow_cb cb, void *arg)
{
	return flow_table_rows(t, now, row_each, &(struct each){cb, arg});
}

struct flow_ref flow_ref(const struct sw_flow_key *key, const struct flow *flow)
{
	return (struct flow_ref){.record = flow->record,
				 .reuse = flow->reuse,
				 .seen = (uint16_t)(flow->seen_ns >> SW_SEEN_SHIFT),
				 .family = key->family};
}

/* An entry's time may be later than a `units` that was taken before: that is no age. */
static uint32_t entry_age(uint64_t e, uint32_t units)
{
	uint32_t age = (units - (uint32_t)(e & SW_ENTRY_TIME)) & SW_ENTRY_TIME;

	return age > SW_ENTRY_TIME - SW_AHEAD_UNITS ? 0 : age;
}

static bool entry_remove(struct flow_table *t, uint64_t *at, const struct flow_ref *ref,
			 uint32_t units)
{
	uint64_t e = __atomic_load_n(at, __ATOMIC_ACQUIRE);
	struct sw_flow_record *r = table_record(t, ref->record);
	union sw_flow_word w;

	if (!e || e & SW_ENTRY_BUSY || SW_ENTRY_REC(e) != ref->record)
		return false;
	w.word = __atomic_load_n(&r->state.word, __ATOMIC_ACQUIRE);
	if (!w.s.used || w.s.reuse != ref->reuse ||
	    __atomic_load_n(&r->seen, __ATOMIC_RELAXED) != ref->seen ||
	    entry_age(e, units) < SW_LEASE_UNITS)
		return false;
	/* a packet that came meanwhile has renewed it: then it is another */
	if (!__sync_bool_compare_and_swap(at, e, e | SW_ENTRY_BUSY))
		return false;
	table_disown(t, ref->record);
	__atomic_store_n(at, 0, __ATOMIC_RELEASE);
	table_give(t, ref->record, ref->record);
	return true;
}

static int ref_order(const void *a, const void *b)
{
	uint32_t x = ((const struct flow_ref *)a)->record, y = ((const struct flow_ref *)b)->record;

	return x < y ? -1 : x > y;
}

/* Which entry a record has is not told by the record: one way through the index finds them all. */
static long table_remove(struct flow_table *t, const struct flow_ref *refs, size_t n,
			 uint32_t units)
{
	uint64_t *wanted = calloc(t->max / 64 + 1, sizeof(*wanted));
	size_t removed = 0;

	if (!wanted)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (refs[i].record < t->max)
			wanted[refs[i].record / 64] |= 1ULL << refs[i].record % 64;
	for (uint32_t line = 0; line < t->lines && removed < n; line++) {
		for (int i = 0; i < SW_LINE_ENTRIES; i++) {
			uint64_t *at = (uint64_t *)&t->index[line].e[i];
			struct flow_ref like = {.record = SW_ENTRY_REC(*at)};
			const struct flow_ref *ref;

			if (like.record >= t->max ||
			    !(wanted[like.record / 64] >> like.record % 64 & 1))
				continue;
			ref = bsearch(&like, refs, n, sizeof(*refs), ref_order);
			if (ref && entry_remove(t, at, ref, units))
				removed++;
		}
	}
	free(wanted);
	return (long)removed;
}

long flow_tables_remove(struct flow_tables *tables, const struct flow_ref *refs, size_t n)
{
	uint32_t units = (uint32_t)(flow_tables_now(tables) >> SW_LEASE_SHIFT & SW_ENTRY_TIME);
	long removed = 0, more;
	size_t n4 = 0;

	while (n4 < n && refs[n4].family == 4)
		n4++;
	if (n4)
		removed = table_remove(&tables->t[0], refs, n4, units);
	if (removed < 0 || n4 == n)
		return removed;
	more = table_remove(&tables->t[1], refs + n4, n - n4, units);
	return more < 0 ? more : removed + more;
}
