/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The log of a table that comes in: candidates in no order, kept until they are put into the RIB in
 * order of prefix. Each step down the trie is then near the one before, and what is made lies in
 * memory as it will be walked: a table that is put as it comes is a cache miss a step.
 *
 * An entry is in a bucket by the first bits of its prefix; buckets are put in order, each sorted by
 * prefix and, of one prefix, as they came. Only that order counts: what changes one prefix puts its
 * bucket before, what changes a whole feed all of them.
 */
#include "core/rib_internal.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOG_BITS    16u
#define LOG_BUCKETS (1u << LOG_BITS) /* of a family */
#define LOG_MAX	    (1u << 21)	     /* entries; beyond, each puts some */
#define LOG_FEW	    64u		     /* of a bucket, sorted in place */

struct log_entry {
	struct log_entry *next; /* of the bucket: announced before */
	struct attributes *attr;
	uint64_t heard_ns : HEARD_BITS;
	uint64_t chosen : 1;
	uint64_t view : 1;
	uint64_t mark : 4;
	uint32_t sub;
	uint16_t source;
	struct prefix prefix;
};

/* Of one bucket: in order of high, low, `order`. */
struct log_key {
	uint64_t high, low; /* the address */
	uint64_t order;	    /* length of the prefix, then when it was announced */
	const struct log_entry *entry;
};

/* Of IPv4 all of that is one number: 32, 8 and these bits. */
#define ORDER4_BITS 24u
struct log_key4 {
	uint64_t *order;
	const struct log_entry **entry; /* in the order they were announced */
};
_Static_assert(LOG_MAX < 1u << ORDER4_BITS, "a number each");

/* In order of prefix. Of IPv6 the first three bits tell little: all that is routed has the same. */
static uint32_t bucket_of(const struct prefix *prefix)
{
	uint64_t high;

	memcpy(&high, prefix->bytes, sizeof(high));
	high = be64toh(high);
	if (prefix->family == 4)
		return (uint32_t)(high >> (64 - LOG_BITS));
	if (high >> 61 != 1)
		return LOG_BUCKETS + (high >> 61 ? LOG_BUCKETS - 1 : 0);
	return LOG_BUCKETS + (uint32_t)(high << 3 >> (64 - LOG_BITS));
}

void log_free(struct rib_log *log)
{
	slab_clear(&log->entries);
	free(log->bucket);
	*log = (struct rib_log){.lost = log->lost};
}

static void entry_put(struct rib *rib, const struct log_entry *e)
{
	struct candidate new = {
		.attr = e->attr,
		.heard_ns = e->heard_ns,
		.chosen = e->chosen,
		.mark = e->mark,
		.sub = e->sub,
		.source = e->source,
	};

	rib->feed[e->attr->feed].logged -= !e->chosen;
	if (rib_put(rib, (enum rib_view)e->view, &e->prefix, &new) == RIB_NO_MEMORY)
		rib->log.lost++;
}

static int key_cmp(const void *a, const void *b)
{
	const struct log_key *x = a, *y = b;

	if (x->high != y->high)
		return x->high < y->high ? -1 : 1;
	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

static int order4_cmp(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void keys4_sort(const struct log_key4 *key, size_t n)
{
	if (n > LOG_FEW) {
		qsort(key->order, n, sizeof(*key->order), order4_cmp);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		uint64_t one = key->order[i];
		size_t at = i;

		for (; at && key->order[at - 1] > one; at--)
			key->order[at] = key->order[at - 1];
		key->order[at] = one;
	}
}

static void keys4_make(const struct log_key4 *key, size_t n, const struct log_entry *last)
{
	for (size_t i = n; i-- > 0; last = last->next) {
		uint64_t address = be64toh(prefix_half(last->prefix.bytes)) >> 32;

		key->order[i] = address << 32 | (uint64_t)last->prefix.len << ORDER4_BITS | i;
		key->entry[i] = last;
	}
}

/* Few, and most of them in order already: neighbours are announced together. */
static void keys_sort(struct log_key *key, size_t n)
{
	if (n > LOG_FEW) {
		qsort(key, n, sizeof(*key), key_cmp);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		struct log_key one = key[i];
		size_t at = i;

		for (; at && key_cmp(&key[at - 1], &one) > 0; at--)
			key[at] = key[at - 1];
		key[at] = one;
	}
}

/* A bucket's entries, the first announced first. */
static void keys_make(struct log_key *key, size_t n, const struct log_entry *last)
{
	for (size_t i = n; i-- > 0; last = last->next) {
		key[i].high = be64toh(prefix_half(last->prefix.bytes));
		key[i].low = be64toh(prefix_half(last->prefix.bytes + 8));
		key[i].order = (uint64_t)last->prefix.len << 32 | i;
		key[i].entry = last;
	}
}

/* The first announced first. */
static struct log_entry *entries_reverse(struct log_entry *last)
{
	struct log_entry *first = NULL;

	while (last) {
		struct log_entry *before = last->next;

		last->next = first;
		first = last;
		last = before;
	}
	return first;
}

static void entries_give(struct rib *rib, struct log_entry *e)
{
	while (e) {
		struct log_entry *next = e->next;

		slab_give(&rib->log.entries, e);
		rib->log.n--;
		e = next;
	}
	if (!rib->log.n)
		log_free(&rib->log);
}

/* One step through the entries that come next, so that they are in the cache when their turn comes.
 */
static const struct log_entry *ahead(const struct log_entry *e)
{
	if (!e)
		return NULL;
	__builtin_prefetch(e->attr);
	if (e->next)
		__builtin_prefetch(e->next);
	return e->next;
}

/* Of `few` room each, or as many as there are; `order` NULL: no memory for them. */
static struct log_key4 keys4_open(uint64_t *order, const struct log_entry **entry, size_t n)
{
	struct log_key4 key = {order, entry};

	if (n <= LOG_FEW)
		return key;
	key.order = malloc(n * (sizeof(*key.order) + sizeof(void *)));
	key.entry = (const struct log_entry **)(void *)(key.order + n);
	return key;
}

/* In order of prefix. `next`: of the bucket that comes then. False: no memory to sort them. */
static bool bucket_put4(struct rib *rib, const struct log_entry *last, size_t n,
			const struct log_entry *next)
{
	uint64_t few[LOG_FEW];
	const struct log_entry *entry[LOG_FEW];
	struct log_key4 key = keys4_open(few, entry, n);

	if (!key.order)
		return false;
	keys4_make(&key, n, last);
	keys4_sort(&key, n);
	for (size_t i = 0; i < n; i++) {
		next = ahead(next);
		entry_put(rib, key.entry[key.order[i] & ((1u << ORDER4_BITS) - 1)]);
	}
	if (key.order != few)
		free(key.order);
	return true;
}

static bool bucket_put6(struct rib *rib, const struct log_entry *last, size_t n,
			const struct log_entry *next)
{
	struct log_key few[LOG_FEW], *key = n > LOG_FEW ? malloc(n * sizeof(*key)) : few;

	if (!key)
		return false;
	keys_make(key, n, last);
	keys_sort(key, n);
	for (size_t i = 0; i < n; i++) {
		next = ahead(next);
		entry_put(rib, key[i].entry);
	}
	if (key != few)
		free(key);
	return true;
}

/* Without memory to sort them they are put as they came. */
static size_t bucket_put(struct rib *rib, uint32_t at)
{
	const struct log_entry *next = rib->log.bucket[(at + 1) % (2 * LOG_BUCKETS)];
	struct log_entry *last = rib->log.bucket[at];
	bool sorted;
	size_t n = 0;

	rib->log.bucket[at] = NULL;
	for (struct log_entry *e = last; e; e = e->next)
		n++;
	sorted = at < LOG_BUCKETS ? bucket_put4(rib, last, n, next)
				  : bucket_put6(rib, last, n, next);
	if (!sorted) {
		last = entries_reverse(last);
		for (struct log_entry *e = last; e; e = e->next)
			entry_put(rib, e);
	}
	entries_give(rib, last);
	return n;
}

int log_add(struct rib *rib, enum rib_view view, const struct prefix *prefix,
	    const struct candidate *new)
{
	struct rib_log *log = &rib->log;
	struct log_entry **bucket, *e;

	if (log->n >= LOG_MAX)
		log_put(rib, NULL);
	if (!log->bucket)
		log->bucket = calloc(2 * (size_t)LOG_BUCKETS, sizeof(struct log_entry *));
	log->entries.size = sizeof(*e);
	e = log->bucket ? slab_take(&log->entries) : NULL;
	if (!e) {
		attributes_put(&rib->attributes, new->attr);
		return -ENOMEM;
	}
	bucket = &log->bucket[bucket_of(prefix)];
	*e = (struct log_entry){
		.next = *bucket,
		.attr = new->attr,
		.heard_ns = new->heard_ns,
		.chosen = new->chosen,
		.view = view,
		.sub = new->sub,
		.source = new->source,
		.mark = new->mark,
		.prefix = *prefix,
	};
	*bucket = e;
	log->n++;
	rib->feed[e->attr->feed].logged += !e->chosen;
	return 0;
}

void log_put_prefix(struct rib *rib, const struct prefix *prefix)
{
	uint32_t at = bucket_of(prefix);

	if (rib->log.n && rib->log.bucket[at])
		bucket_put(rib, at);
}

/* All of the prefix's length or longer that the bucket has is inside; the rest is few. */
static struct prefix bucket_range(uint32_t at)
{
	bool six = at >= LOG_BUCKETS;
	struct prefix range = {.family = six ? 6 : 4, .len = six ? LOG_BITS + 3 : LOG_BITS};
	uint64_t high = (uint64_t)(at % LOG_BUCKETS) << (64 - LOG_BITS);

	high = htobe64(six ? high >> 3 | 1ULL << 61 : high);
	memcpy(range.bytes, &high, sizeof(high));
	return range;
}

size_t log_put(struct rib *rib, struct prefix *range)
{
	struct rib_log *log = &rib->log;
	uint32_t at = log->at;
	size_t n;

	if (!log->n)
		return 0;
	while (!log->bucket[at])
		at = (at + 1) % (2 * LOG_BUCKETS);
	log->at = (at + 1) % (2 * LOG_BUCKETS);
	if (range)
		*range = bucket_range(at);
	rib->sweep = range;
	n = bucket_put(rib, at);
	rib->sweep = NULL;
	return n;
}

void log_put_all(struct rib *rib)
{
	while (log_put(rib, NULL))
		;
}
