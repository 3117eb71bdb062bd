/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The flow tables, mapped into memory: read, and taken from, while the programs write. The protocol
 * is that of bpf/flow_table.h. No system call a record.
 */
#ifndef SAMEWAY_KERNEL_FLOW_TABLE_H
#define SAMEWAY_KERNEL_FLOW_TABLE_H

#include <stddef.h>

#include "core/flow.h"

enum flow_map {
	FLOW_ROWS4,
	FLOW_ROWS6,
	FLOW_INDEX4,
	FLOW_INDEX6,
	FLOW_TABLES,
	FLOW_CLOCK,
	FLOW_RULES
};
#define FLOW_MAPS 7
extern const char *const flow_map_names[FLOW_MAPS];

/* Of one family. */
struct flow_table {
	uint8_t family;
	uint32_t max;	/* records */
	uint32_t lines; /* of the index, a power of two */
	void *rows;	/* struct sw_flow4 or sw_flow6 */
	struct sw_flow_line *index;
	const uint32_t *rules; /* a word a record, see sw_flow_rule() */
	struct sw_flow_table *state;
};
struct flow_tables {
	struct flow_table t[2]; /* IPv4, IPv6 */
	const struct sw_clock *clock;
	void *mem[FLOW_MAPS];
	size_t mem_len[FLOW_MAPS]; /* bytes, whole pages */
};

/* Lines of the index for so many records: room for twice as many entries. */
uint32_t flow_table_lines(uint32_t records);
/* Memory of a family's table, bytes. */
uint64_t flow_table_bytes(uint8_t family, uint32_t records);

/*
 * fd: of each map, by enum flow_map. write: else it is only read. 0 or -errno, -ESTALE: they are of
 * another version; close what there is in any case.
 */
int flow_tables_map(struct flow_tables *tables, const int fd[FLOW_MAPS], bool write);
void flow_tables_unmap(struct flow_tables *tables);
/* The clock of the programs: what is of now by it has just been seen. CLOCK_MONOTONIC, ns. */
uint64_t flow_tables_now(const struct flow_tables *tables);

/*
 * A record in use, where it is. Its state was loaded once; whatever else is read of `r` is of the
 * same flow only where flow_row_same() says so afterwards.
 */
struct flow_row {
	const struct sw_flow_record *r;
	const uint32_t *rule;
	union sw_flow_word state;
	uint64_t now; /* as given */
	uint32_t record;
	uint8_t family;
};
typedef int (*flow_row_cb)(void *arg, const struct flow_row *row);
/* All records in use, in order; one made or taken meanwhile may be seen or not. Stops at non-0. */
int flow_table_rows(const struct flow_table *t, uint64_t now, flow_row_cb cb, void *arg);
/* The same from record *from on; where cb stopped it, *from is the next one. */
int flow_table_rows_from(const struct flow_table *t, uint64_t now, uint32_t *from, flow_row_cb cb,
			 void *arg);
static inline bool flow_row_same(const struct flow_row *row)
{
	union sw_flow_word now;

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	now.word = __atomic_load_n(&row->r->state.word, __ATOMIC_RELAXED);
	return now.s.used && now.s.reuse == row->state.s.reuse;
}
/* Unpacks it, which costs more than finding it does. False: it is another flow's by now. */
bool flow_row_read(const struct flow_row *row, struct sw_flow_key *key, struct flow *flow);

typedef int (*flow_cb)(void *arg, const struct sw_flow_key *key, const struct flow *flow);
/* As flow_table_rows(), each unpacked. */
int flow_table_each(const struct flow_table *t, uint64_t now, flow_cb cb, void *arg);

/* A flow that was seen in a table, when no packet had come since `seen` (of its record). */
struct flow_ref {
	uint32_t record;
	uint16_t reuse, seen;
	uint8_t family;
};
struct flow_ref flow_ref(const struct sw_flow_key *key, const struct flow *flow);
/*
 * Removes those that are still as they were; of both families, each in order of record. now: of
 * flow_tables_now(). Returns how many were, or -ENOMEM.
 */
long flow_tables_remove(struct flow_tables *tables, const struct flow_ref *refs, size_t n);

/*
 * Of a daemon that was killed in the middle of a removal, or of CPUs that gave records back and
 * found no place: entries left BUSY, records that are nowhere. Freed while the programs go on.
 */
struct flow_repair {
	size_t busy, lost;
	bool given_up; /* records came and went too fast to be sure: the next daemon tries again */
};
int flow_tables_repair(struct flow_tables *tables, struct flow_repair *out);

#endif
