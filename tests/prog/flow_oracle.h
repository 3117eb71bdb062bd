/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a flow belongs in the flow table, and whether a table at rest is whole: told naively. */
#ifndef TESTS_PROG_FLOW_ORACLE_H
#define TESTS_PROG_FLOW_ORACLE_H

#include "harness.h"

static inline uint64_t oracle_mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 0xff51afd7ed558ccdULL;
	return h ^ h >> 32;
}

/* The programs' hash of a flow (bpf/select.h): the lower address first, then ports and protocol. */
static inline uint64_t oracle_hash(const struct sw_flow_key *key, uint32_t seed)
{
	uint64_t h = (seed + 1ULL) * 0x9e3779b97f4a7c15ULL, lo[2], hi[2];
	uint32_t ports;

	memcpy(lo, key->lo, 16);
	memcpy(hi, key->hi, 16);
	memcpy(&ports, &key->lo_port, 4);
	if (key->family == 4) {
		h = oracle_mix(h, lo[0] << 32 | hi[0]);
	} else {
		h = oracle_mix(oracle_mix(h, lo[0]), lo[1]);
		h = oracle_mix(oracle_mix(h, hi[0]), hi[1]);
	}
	return oracle_mix(oracle_mix(h, (uint64_t)ports << 8 | key->proto), 0);
}

/* The packet's key as the programs have it. */
static inline struct sw_flow_key oracle_key(const struct packet *p)
{
	struct sw_flow_key key = key_of(p, true);
	uint64_t lo[2], hi[2];

	memcpy(lo, key.lo, 16);
	memcpy(hi, key.hi, 16);
	if (lo[0] != hi[0]   ? lo[0] > hi[0]
	    : lo[1] != hi[1] ? lo[1] > hi[1]
			     : key.lo_port > key.hi_port)
		key = key_of(p, false);
	return key;
}

static inline uint32_t oracle_line(const struct packet *p)
{
	struct sw_flow_key key = oracle_key(p);

	return (uint32_t)oracle_hash(&key, edge.ctl->seed) &
	       (edge.tables.t[key.family == 6].lines - 1);
}

struct table_seen {
	struct flow_table *t;
	uint8_t *where; /* of each record: in an entry, 1; free, 2 */
	size_t used, entries, free;
	unsigned int bad;
};

#define TABLE_CHECK(condition, ...)                                                                \
	do {                                                                                       \
		if (!(condition) && ++seen->bad <= 5) {                                            \
			print_error("flow table: ");                                               \
			print_error(__VA_ARGS__);                                                  \
			print_error("\n");                                                         \
		}                                                                                  \
	} while (0)

static inline struct sw_flow_record *row_of(const struct flow_table *t, uint32_t i)
{
	return t->family == 6 ? &((struct sw_flow6 *)t->rows)[i].r
			      : &((struct sw_flow4 *)t->rows)[i].r;
}

static inline bool row_decode(const struct flow_table *t, uint32_t i, struct sw_flow_key *key,
			      struct flow *flow)
{
	return t->family == 6
		       ? flow_decode6((const struct sw_flow6 *)t->rows + i, now_ns(), key, flow)
		       : flow_decode4((const struct sw_flow4 *)t->rows + i, now_ns(), key, flow);
}

static inline void entry_check(struct table_seen *seen, uint32_t line, uint64_t e)
{
	uint32_t record = SW_ENTRY_REC(e);
	struct sw_flow_key key;
	struct flow flow;
	uint64_t hash;

	TABLE_CHECK(!(e & SW_ENTRY_BUSY), "busy entry %#" PRIx64, e);
	TABLE_CHECK(record < seen->t->max, "entry of record %u", record);
	if (e & SW_ENTRY_BUSY || record >= seen->t->max)
		return;
	seen->entries++;
	TABLE_CHECK(!seen->where[record], "record %u is in two entries", record);
	seen->where[record] = 1;
	if (!row_decode(seen->t, record, &key, &flow)) {
		TABLE_CHECK(false, "entry of record %u, which is nobody's", record);
		return;
	}
	hash = oracle_hash(&key, edge.ctl->seed);
	TABLE_CHECK((hash & (seen->t->lines - 1)) == line && (hash >> 48 | 1) == SW_ENTRY_TAG(e),
		    "record %u is in line %u with tag %#" PRIx64 ", its flow's hash is %#" PRIx64,
		    record, line, SW_ENTRY_TAG(e), hash);
}

static inline int key_order(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct sw_flow_key));
}

/* No flow twice; each record in one place. While nothing runs. Returns how much is wrong. */
static inline unsigned int table_check(struct flow_table *t)
{
	struct table_seen all = {.t = t, .where = calloc(t->max, 1)}, *seen = &all;
	struct sw_flow_key *keys = calloc(t->max, sizeof(*keys));
	uint32_t touched = t->state->unused < t->max ? (uint32_t)t->state->unused : t->max;
	struct flow flow;

	assert_true(seen->where && keys);
	for (uint32_t line = 0; line < t->lines; line++)
		for (int i = 0; i < SW_LINE_ENTRIES; i++)
			if (t->index[line].e[i])
				entry_check(seen, line, t->index[line].e[i]);
	for (uint32_t next = (uint32_t)t->state->free; next && seen->free <= t->max;) {
		TABLE_CHECK(!seen->where[next - 1], "record %u is free and %s", next - 1,
			    seen->where[next - 1] == 1 ? "in an entry" : "free again");
		seen->where[next - 1] = 2;
		seen->free++;
		next = row_of(t, next - 1)->created;
	}
	for (uint32_t i = 0; i < t->max; i++)
		if (row_decode(t, i, &keys[seen->used], &flow)) {
			TABLE_CHECK(seen->where[i] == 1, "record %u is used and in no entry", i);
			seen->used++;
		} else {
			TABLE_CHECK(i >= touched || seen->where[i] == 2, "record %u is nowhere", i);
		}
	qsort(keys, seen->used, sizeof(*keys), key_order);
	for (size_t i = 1; i < seen->used; i++)
		TABLE_CHECK(key_order(&keys[i - 1], &keys[i]), "a flow has two records");
	TABLE_CHECK(seen->used == seen->entries, "%zu used, %zu entries", seen->used,
		    seen->entries);
	TABLE_CHECK(seen->used + seen->free + (t->max - touched) == t->max,
		    "%zu used, %zu free, %u unused of %u", seen->used, seen->free, t->max - touched,
		    t->max);
	free(seen->where);
	free(keys);
	return seen->bad;
}

#endif
