/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a daemon killed in the middle of a removal leaves: an entry BUSY, which nobody else touches,
 * or a record that is in no entry and not among the free ones. Programs have both for as long as
 * they run. So: what was so, and still is when all programs that ran then have ended, is freed.
 *
 * "Still is" must not mean "again": a record can come back to where it was only by way of the free
 * ones. These are taken out of the programs' reach for the time; where one is given back all the
 * same, by CPUs that race, the look is taken again.
 */
#include "kernel/flow_table_impl.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define TRIES 5

/* Returns when every program that runs now has ended. */
static void grace_period(void)
{
	static const struct timespec long_enough = {.tv_nsec = 200000000};

	if (syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		nanosleep(&long_enough, NULL); /* a kernel with nohz_full has no such call */
}

/* What may have to be freed: a word, an entry's or a record's state, and the record. */
struct suspect {
	__u64 *at;
	uint64_t word;
	uint32_t record;
	bool busy; /* an entry */
};

struct census {
	struct flow_table *t;
	uint64_t *ours; /* a bit a record: of the free ones, taken out of reach */
	uint64_t *held; /* in an entry, or free */
	uint64_t head;	/* of the free ones, when that was looked at */
	struct suspect *v;
	size_t n, room;
};

static bool bit(const uint64_t *set, uint32_t i)
{
	return set[i / 64] >> i % 64 & 1;
}

static void bit_set(uint64_t *set, uint32_t i)
{
	set[i / 64] |= 1ULL << i % 64;
}

static size_t set_bytes(const struct flow_table *t)
{
	return (t->max / 64 + 1) * sizeof(uint64_t);
}

static int suspect_add(struct census *c, __u64 *at, uint32_t record, bool busy)
{
	if (c->n == c->room) {
		size_t room = c->room ? c->room * 2 : 256;
		void *more = realloc(c->v, room * sizeof(*c->v));

		if (!more)
			return -ENOMEM;
		c->v = more;
		c->room = room;
	}
	c->v[c->n++] = (struct suspect){.at = at,
					.word = __atomic_load_n(at, __ATOMIC_ACQUIRE),
					.record = record,
					.busy = busy};
	return 0;
}

/* The records of the chain go into the set; returns the last, and one. */
static uint32_t chain_walk(const struct flow_table *t, uint32_t first, uint64_t *set)
{
	uint32_t last = 0;

	for (uint32_t next = first; next && next <= t->max && !bit(set, next - 1);) {
		last = next;
		bit_set(set, next - 1);
		next = __atomic_load_n(&table_record(t, next - 1)->created, __ATOMIC_ACQUIRE);
	}
	return last;
}

/* Who has which record. suspects: those that nobody seems to have, and busy entries, are listed. */
static int census_take(struct census *c, uint32_t touched, bool suspects)
{
	struct flow_table *t = c->t;
	int ret = 0;

	memcpy(c->held, c->ours, set_bytes(t));
	c->head = __atomic_load_n(&t->state->free, __ATOMIC_ACQUIRE);
	if (suspects)
		c->n = 0;
	for (uint32_t line = 0; line < t->lines && !ret; line++) {
		for (int i = 0; i < SW_LINE_ENTRIES && !ret; i++) {
			__u64 *at = &t->index[line].e[i];
			uint64_t e = __atomic_load_n(at, __ATOMIC_ACQUIRE);

			if (e && SW_ENTRY_REC(e) < t->max)
				bit_set(c->held, SW_ENTRY_REC(e));
			if (suspects && e & SW_ENTRY_BUSY)
				ret = suspect_add(c, at, SW_ENTRY_REC(e), true);
		}
	}
	chain_walk(t, (uint32_t)c->head, c->held);
	for (uint32_t i = 0; suspects && i < touched && !ret; i++)
		if (!bit(c->held, i))
			ret = suspect_add(c, &table_record(t, i)->state.word, i, false);
	return ret;
}

/* The free ones did not change since the look at them. */
static bool census_stands(const struct census *c)
{
	return __atomic_load_n(&c->t->state->free, __ATOMIC_ACQUIRE) == c->head;
}

/* Adds the suspect's record to the chain that will be given back. */
static void suspect_free(struct census *c, const struct suspect *s, uint32_t *first,
			 struct flow_repair *out)
{
	if (s->record < c->t->max && !bit(c->ours, s->record)) {
		table_disown(c->t, s->record);
		table_record(c->t, s->record)->created = *first;
		*first = s->record + 1;
		bit_set(c->ours, s->record);
	}
	if (s->busy) {
		__atomic_store_n(s->at, 0, __ATOMIC_RELEASE);
		out->busy++;
	} else {
		out->lost++;
	}
}

/* Those that are no more as they were are none. */
static void suspects_clear(struct census *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		if (__atomic_load_n(c->v[i].at, __ATOMIC_ACQUIRE) == c->v[i].word)
			c->v[n++] = c->v[i];
	c->n = n;
}

/*
 * One try, the free ones out of reach. 0; -EAGAIN: some came back meanwhile. (Twice a grace period:
 * an entry being made, made, and then being taken looks the same at both ends of one.)
 */
static int repair_try(struct census *c, uint32_t *first, struct flow_repair *out)
{
	uint64_t head;
	int ret;

	ret = census_take(c, table_touched(c->t), true);
	head = c->head;
	if (ret)
		return ret;
	grace_period();
	suspects_clear(c);
	grace_period();
	suspects_clear(c);
	ret = census_take(c, 0, false);
	if (ret)
		return ret;
	suspects_clear(c); /* a record taken for another flow in each of both walks is in neither's
			      sight */
	if (c->head != head || !census_stands(c))
		return -EAGAIN;
	for (size_t i = 0; i < c->n; i++) {
		const struct suspect *s = &c->v[i];

		if (s->busy || !bit(c->held, s->record))
			suspect_free(c, s, first, out);
	}
	return 0;
}

static int repair(struct census *c, struct flow_repair *out)
{
	struct flow_table *t = c->t;
	uint64_t head = __atomic_load_n(&t->state->free, __ATOMIC_ACQUIRE);
	uint32_t first, last;
	int ret = -EAGAIN;

	while (!__sync_bool_compare_and_swap(&t->state->free, head, ((head >> 32) + 1) << 32))
		head = __atomic_load_n(&t->state->free, __ATOMIC_ACQUIRE);
	first = (uint32_t)head;
	last = chain_walk(t, first, c->ours);
	if (!last)
		first = 0;
	grace_period(); /* who had taken one before has ended */
	for (int i = 0; i < TRIES && ret == -EAGAIN; i++)
		ret = repair_try(c, &first, out);
	if (first && !last) { /* the first that was added is the last of the chain */
		for (last = first; table_record(t, last - 1)->created;)
			last = table_record(t, last - 1)->created;
	}
	if (first)
		table_give(t, first - 1, last - 1);
	return ret;
}

static int table_repair(struct flow_table *t, struct flow_repair *out)
{
	struct census c = {.t = t, .ours = calloc(1, set_bytes(t)), .held = malloc(set_bytes(t))};
	int ret = -ENOMEM;

	if (c.ours && c.held) {
		/* mostly all is well, and a look is enough, in a moment when nobody changes the
		 * free ones */
		for (int i = 0; i < TRIES; i++) {
			ret = census_take(&c, table_touched(t), true);
			if (ret || (!c.n && census_stands(&c)))
				break;
		}
		if (!ret && (c.n || !census_stands(&c)))
			ret = repair(&c, out);
	}
	free(c.ours);
	free(c.held);
	free(c.v);
	if (ret != -EAGAIN)
		return ret;
	out->given_up = true;
	return 0;
}

int flow_tables_repair(struct flow_tables *tables, struct flow_repair *out)
{
	int ret;

	*out = (struct flow_repair){0};
	ret = table_repair(&tables->t[0], out);
	return ret ? ret : table_repair(&tables->t[1], out);
}
