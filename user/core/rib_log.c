/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The log of a table that comes in: candidates in no order, kept until they are put into the RIB in
 * order of prefix. Each step down the trie is then near the one before, and what is made lies in
 * memory as it will be walked: a table that is put as it comes is a cache miss a step.
 *
 * What routes that are told in a row have in common is a run, numbered as they come. A route is a
 * key, its prefix and the number of its run, 8 bytes of IPv4 and 24 of IPv6, in a bucket by the
 * first bits of the prefix. Buckets are put in order, the keys of each sorted: by prefix and, of
 * one prefix, as they came. Only that order counts: what changes one prefix puts its bucket before,
 * what changes a whole feed all of them.
 */
#include "core/rib_internal.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOG_BITS    16u
#define LOG_BUCKETS (1u << LOG_BITS) /* of a family */
#define LOG_MAX	    (1u << 22)	     /* routes, and runs; beyond they are put as they come */
#define LOG_FEW	    48u		     /* keys that are sorted by insertion */

struct log_run {
	struct attributes *attr; /* with a reference of each of its routes */
	uint64_t heard_ns : HEARD_BITS;
	uint64_t chosen : 1;
	uint64_t view : 1;
	uint64_t mark : 4;
	uint32_t sub;
	uint16_t source;
};

/* Keys of a bucket, as many whole ones as fit. */
#define BLOCK_WORDS 7u
struct log_block {
	struct log_block *next; /* full, and of before */
	uint64_t word[BLOCK_WORDS];
};

struct log_bucket {
	struct log_block *last;
	size_t n;
};

/*
 * A key is compared as one number, its first word the highest: the address (IPv6: two words), then
 * length and run.
 */
#define RUN_BITS 26u
#define RUN_MASK ((1u << RUN_BITS) - 1)
_Static_assert(LOG_MAX <= RUN_MASK, "a number each");

static unsigned int key_words(bool six)
{
	return six ? 3 : 1;
}

static void key_make(uint64_t *key, const struct prefix *prefix, size_t run)
{
	uint64_t high = be64toh(prefix_half(prefix->bytes));
	uint64_t rest = (uint64_t)prefix->len << RUN_BITS | run;

	if (prefix->family == 4) {
		key[0] = high | rest;
		return;
	}
	key[0] = high;
	key[1] = be64toh(prefix_half(prefix->bytes + 8));
	key[2] = rest;
}

static void half_store(uint8_t *bytes, uint64_t half)
{
	half = htobe64(half);
	memcpy(bytes, &half, sizeof(half));
}

static struct prefix key_prefix(const uint64_t *key, bool six)
{
	uint32_t rest = (uint32_t)(key[key_words(six) - 1] >> RUN_BITS);
	struct prefix prefix = {.family = six ? 6 : 4, .len = (uint8_t)rest};

	if (six) {
		half_store(prefix.bytes, key[0]);
		half_store(prefix.bytes + 8, key[1]);
	} else {
		prefix.len &= 63;
		half_store(prefix.bytes, key[0] >> 32 << 32);
	}
	return prefix;
}

/* In order of prefix. Of IPv6 the first three bits tell little: all that is routed has the same. */
static uint32_t bucket_of(const struct prefix *prefix)
{
	uint64_t high = be64toh(prefix_half(prefix->bytes));

	if (prefix->family == 4)
		return (uint32_t)(high >> (64 - LOG_BITS));
	if (high >> 61 != 1)
		return LOG_BUCKETS + (high >> 61 ? LOG_BUCKETS - 1 : 0);
	return LOG_BUCKETS + (uint32_t)(high << 3 >> (64 - LOG_BITS));
}

void log_free(struct rib_log *log)
{
	slab_clear(&log->blocks);
	free(log->bucket);
	free(log->run);
	free(log->key);
	*log = (struct rib_log){.lost = log->lost};
}

bool log_full(const struct rib_log *log)
{
	return log->n >= LOG_MAX || log->n_runs >= LOG_MAX;
}

/* Whether key a is before b. */
static inline bool key_less(const uint64_t *a, const uint64_t *b, unsigned int words)
{
	unsigned int i = 0;

	while (i + 1 < words && a[i] == b[i])
		i++;
	return a[i] < b[i];
}

/* Most are in order already: neighbours are announced together. */
static inline void keys_insert(uint64_t *key, size_t n, unsigned int words)
{
	for (size_t i = 1; i < n; i++) {
		uint64_t one[3];
		size_t at = i;

		memcpy(one, key + i * words, words * sizeof(*key));
		for (; at && key_less(one, key + (at - 1) * words, words); at--)
			memcpy(key + at * words, key + (at - 1) * words, words * sizeof(*key));
		memcpy(key + at * words, one, words * sizeof(*key));
	}
}

static inline uint8_t key_byte(const uint64_t *key, unsigned int byte)
{
	return (uint8_t)(key[byte / 8] >> (56 - byte % 8 * 8));
}

static inline void key_swap(uint64_t *a, uint64_t *b, unsigned int words)
{
	for (unsigned int i = 0; i < words; i++) {
		uint64_t one = a[i];

		a[i] = b[i];
		b[i] = one;
	}
}

/* In place, by one byte after the other (American flag sort): `byte` is the first that differs. */
static inline __attribute__((always_inline)) void
keys_share(uint64_t *key, size_t n, unsigned int words, unsigned int byte, size_t end[256])
{
	size_t next[256], at = 0;

	memset(end, 0, 256 * sizeof(*end));
	for (size_t i = 0; i < n; i++)
		end[key_byte(key + i * words, byte)]++;
	for (unsigned int b = 0; b < 256; b++) {
		next[b] = at;
		end[b] = at += end[b];
	}
	for (unsigned int b = 0; b < 256; b++) {
		while (next[b] < end[b]) {
			uint64_t *one = key + next[b] * words;
			uint8_t of = key_byte(one, byte);

			if (of != b)
				key_swap(one, key + next[of] * words, words);
			next[of]++;
		}
	}
}

static void keys_sort1(uint64_t *key, size_t n, unsigned int byte)
{
	size_t end[256], from = 0;

	if (n <= LOG_FEW || byte == 8) {
		keys_insert(key, n, 1);
		return;
	}
	keys_share(key, n, 1, byte, end);
	for (unsigned int b = 0; b < 256; from = end[b++])
		if (end[b] - from > 1)
			keys_sort1(key + from, end[b] - from, byte + 1);
}

static void keys_sort3(uint64_t *key, size_t n, unsigned int byte)
{
	size_t end[256], from = 0;

	if (n <= LOG_FEW || byte == 24) {
		keys_insert(key, n, 3);
		return;
	}
	keys_share(key, n, 3, byte, end);
	for (unsigned int b = 0; b < 256; from = end[b++])
		if (end[b] - from > 1)
			keys_sort3(key + 3 * from, end[b] - from, byte + 1);
}

/* Fetches one block's runs, and the block before it. */
static const struct log_block *ahead(const struct rib_log *log, const struct log_block *block,
				     bool six)
{
	unsigned int words = key_words(six);

	if (!block)
		return NULL;
	for (unsigned int i = words - 1; i < BLOCK_WORDS; i += words)
		__builtin_prefetch(&log->run[block->word[i] & RUN_MASK]);
	if (block->next)
		__builtin_prefetch(block->next);
	return block->next;
}

/* The bucket's keys, into log->key, in no order; its blocks are given back. */
static void keys_take(struct rib_log *log, struct log_bucket *bucket, bool six)
{
	unsigned int words = key_words(six), per = BLOCK_WORDS / words;
	size_t left = bucket->n, n = (left - 1) % per + 1;
	struct log_block *block = bucket->last;
	uint64_t *key = log->key;

	while (left) {
		struct log_block *next = block->next;

		memcpy(key, block->word, n * words * sizeof(*key));
		for (size_t i = 0; i < n; i++, key += words)
			__builtin_prefetch(log->run[key[words - 1] & RUN_MASK].attr);
		slab_give(&log->blocks, block);
		block = next;
		left -= n;
		n = per;
	}
	*bucket = (struct log_bucket){0};
}

static void key_put(struct rib *rib, const uint64_t *key, bool six)
{
	const struct log_run *run = &rib->log.run[key[key_words(six) - 1] & RUN_MASK];
	struct prefix prefix = key_prefix(key, six);
	struct candidate new = {
		.attr = run->attr,
		.heard_ns = run->heard_ns,
		.chosen = run->chosen,
		.mark = run->mark,
		.sub = run->sub,
		.source = run->source,
	};

	rib->feed[run->attr->feed].logged -= !run->chosen;
	if (rib_put(rib, (enum rib_view)run->view, &prefix, &new) == RIB_NO_MEMORY)
		rib->log.lost++;
}

/* In order of prefix, while what comes then is fetched. */
static size_t bucket_put(struct rib *rib, uint32_t at)
{
	struct rib_log *log = &rib->log;
	uint32_t after = (at + 1) % (2 * LOG_BUCKETS);
	bool six = at >= LOG_BUCKETS, next_six = after >= LOG_BUCKETS;
	const struct log_block *next = log->bucket[after].last;
	size_t n = log->bucket[at].n;

	if (next)
		__builtin_prefetch(next);
	keys_take(log, &log->bucket[at], six);
	if (six)
		keys_sort3(log->key, n, 2);
	else
		keys_sort1(log->key, n, 2);
	for (size_t i = 0; i < n; i++) {
		next = ahead(log, next, next_six);
		key_put(rib, log->key + i * key_words(six), six);
	}
	log->n -= n;
	if (!log->n)
		log_free(log);
	return n;
}

/* Twice as much of an array that has `*room`; NULL: no memory, it is as it was. */
static void *array_grow(void *array, size_t *room, size_t size)
{
	size_t more = *room ? *room * 2 : 64;
	void *grown = realloc(array, more * size);

	if (grown)
		*room = more;
	return grown;
}

/* The run that the candidate goes on with, or a new one. 0, -ENOMEM. */
static int run_of(struct rib_log *log, enum rib_view view, const struct candidate *new)
{
	struct log_run *run = log->run, *last = log->n_runs ? &run[log->n_runs - 1] : NULL;

	if (last && last->attr == new->attr && last->heard_ns == new->heard_ns &&
	    last->sub == new->sub && last->source == new->source && last->mark == new->mark &&
	    last->view == view && last->chosen == new->chosen)
		return 0;
	if (!run || log->n_runs == log->runs_room) {
		run = array_grow(run, &log->runs_room, sizeof(*run));
		if (!run)
			return -ENOMEM;
		log->run = run;
	}
	run[log->n_runs++] = (struct log_run){
		.attr = new->attr,
		.heard_ns = new->heard_ns,
		.chosen = new->chosen,
		.view = view,
		.mark = new->mark,
		.sub = new->sub,
		.source = new->source,
	};
	return 0;
}

/* Where the bucket's next key goes, with room to sort them all; NULL: no memory. */
static uint64_t *key_place(struct rib_log *log, struct log_bucket *bucket, bool six)
{
	unsigned int words = key_words(six), per = BLOCK_WORDS / words;
	struct log_block *block = bucket->last;

	if ((bucket->n + 1) * words > log->room) {
		uint64_t *grown = array_grow(log->key, &log->room, sizeof(*log->key));

		if (!grown)
			return NULL;
		log->key = grown;
	}
	if (bucket->n % per == 0) {
		log->blocks.size = sizeof(*block);
		block = slab_take(&log->blocks);
		if (!block)
			return NULL;
		block->next = bucket->last;
		bucket->last = block;
	}
	return &block->word[bucket->n++ % per * words];
}

int log_add(struct rib *rib, enum rib_view view, const struct prefix *prefix,
	    const struct candidate *new)
{
	struct rib_log *log = &rib->log;
	uint64_t *key = NULL;

	if (!log->bucket)
		log->bucket = calloc(2 * (size_t)LOG_BUCKETS, sizeof(*log->bucket));
	if (log->bucket && !run_of(log, view, new))
		key = key_place(log, &log->bucket[bucket_of(prefix)], prefix->family == 6);
	if (!key) {
		attributes_put(&rib->attributes, new->attr);
		return -ENOMEM;
	}
	key_make(key, prefix, log->n_runs - 1);
	log->n++;
	rib->feed[new->attr->feed].logged += !new->chosen;
	return 0;
}

void log_put_prefix(struct rib *rib, const struct prefix *prefix)
{
	uint32_t at = bucket_of(prefix);

	if (rib->log.n && rib->log.bucket[at].n)
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
	while (!log->bucket[at].n)
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
