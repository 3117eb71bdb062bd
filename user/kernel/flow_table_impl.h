/* SPDX-License-Identifier: GPL-2.0-only */
/* What flow_table.c and flow_repair.c share. */
#ifndef SAMEWAY_KERNEL_FLOW_TABLE_IMPL_H
#define SAMEWAY_KERNEL_FLOW_TABLE_IMPL_H

#include "kernel/flow_table.h"

static inline struct sw_flow_record *table_record(const struct flow_table *t, uint32_t i)
{
	return t->family == 4 ? &((struct sw_flow4 *)t->rows)[i].r
			      : &((struct sw_flow6 *)t->rows)[i].r;
}

/* Records from here on were never used. */
static inline uint32_t table_touched(const struct flow_table *t)
{
	uint64_t n = __atomic_load_n(&t->state->unused, __ATOMIC_ACQUIRE);

	return n < t->max ? (uint32_t)n : t->max;
}

/* The record is nobody's: who comes late, with a packet of its flow, changes nothing of it. */
static inline void table_disown(struct flow_table *t, uint32_t record)
{
	struct sw_flow_record *r = table_record(t, record);
	union sw_flow_word w = {.word = __atomic_load_n(&r->state.word, __ATOMIC_ACQUIRE)};

	w.s.used = 0;
	w.s.reuse++;
	__atomic_store_n(&r->state.word, w.word, __ATOMIC_SEQ_CST);
}

/* To the free ones: a chain of records by `created`, from the first to the last. */
static inline void table_give(struct flow_table *t, uint32_t first, uint32_t last)
{
	__u64 head = __atomic_load_n(&t->state->free, __ATOMIC_ACQUIRE), next;

	do {
		__atomic_store_n(&table_record(t, last)->created, (uint32_t)head, __ATOMIC_RELEASE);
		next = ((head >> 32) + 1) << 32 | (first + 1);
	} while (!__atomic_compare_exchange_n(&t->state->free, &head, next, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_ACQUIRE));
}

#endif
