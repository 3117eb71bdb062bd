/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Longest prefix match the naive way, a hash table of prefixes asked length by length, and random
 * prefixes and addresses that hit its boundaries. For tests and benches of the FIB's tables.
 */
#ifndef SAMEWAY_TESTS_PREFIX_ORACLE_H
#define SAMEWAY_TESTS_PREFIX_ORACLE_H

#include "core/prefix.h"

#include <stdlib.h>
#include <string.h>

struct oracle_row {
	struct prefix prefix;
	uint32_t group;
};

struct prefix_oracle {
	struct oracle_row *row; /* in no order */
	size_t n, max;
	uint32_t *slot; /* row + 1, 0: free */
	size_t mask;
	size_t of_len[129];
};

static uint64_t oracle_state = 88172645463325252ULL;

static inline uint64_t oracle_random(void)
{
	oracle_state ^= oracle_state << 13;
	oracle_state ^= oracle_state >> 7;
	oracle_state ^= oracle_state << 17;
	return oracle_state * 2685821657736338717ULL >> 16;
}

static inline uint32_t oracle_below(uint64_t n)
{
	return (uint32_t)(oracle_random() % n);
}

static inline void oracle_init(struct prefix_oracle *o, size_t max)
{
	memset(o, 0, sizeof(*o));
	o->max = max;
	for (o->mask = 1024; o->mask < max * 2;)
		o->mask *= 2;
	o->row = calloc(max, sizeof(*o->row));
	o->slot = calloc(o->mask, sizeof(*o->slot));
	o->mask--;
}

static inline void oracle_free(struct prefix_oracle *o)
{
	free(o->row);
	free(o->slot);
}

static inline size_t oracle_hash(const struct prefix_oracle *o, const struct prefix *p)
{
	uint64_t a, b;

	memcpy(&a, p->bytes, 8);
	memcpy(&b, p->bytes + 8, 8);
	a = (a ^ p->len) * 0x9e3779b97f4a7c15ULL ^ (b + 1) * 0xc2b2ae3d27d4eb4fULL;
	return (size_t)((a ^ a >> 31) * 0xbf58476d1ce4e5b9ULL >> 20) & o->mask;
}

/* Where the prefix is, or the free slot that it would have. */
static inline size_t oracle_slot(const struct prefix_oracle *o, const struct prefix *p)
{
	size_t at = oracle_hash(o, p);

	while (o->slot[at] && !prefix_equal(&o->row[o->slot[at] - 1].prefix, p))
		at = (at + 1) & o->mask;
	return at;
}

static inline struct oracle_row *oracle_get(const struct prefix_oracle *o, const struct prefix *p)
{
	size_t at = oracle_slot(o, p);

	return o->slot[at] ? &o->row[o->slot[at] - 1] : NULL;
}

/* True: it is new. */
static inline bool oracle_set(struct prefix_oracle *o, const struct prefix *p, uint32_t group)
{
	size_t at = oracle_slot(o, p);
	bool fresh = !o->slot[at];

	if (fresh) {
		if (o->n == o->max)
			abort();
		o->row[o->n].prefix = *p;
		o->slot[at] = (uint32_t)++o->n;
		o->of_len[p->len]++;
	}
	o->row[o->slot[at] - 1].group = group;
	return fresh;
}

static inline void oracle_clear(struct prefix_oracle *o, const struct prefix *p)
{
	size_t at = oracle_slot(o, p), hole = at, row = o->slot[at] - 1;

	o->of_len[p->len]--;
	/* what was pushed past the hole moves into it */
	for (at = (at + 1) & o->mask; o->slot[at]; at = (at + 1) & o->mask) {
		size_t home = oracle_hash(o, &o->row[o->slot[at] - 1].prefix);

		if (((at - home) & o->mask) >= ((at - hole) & o->mask)) {
			o->slot[hole] = o->slot[at];
			hole = at;
		}
	}
	o->slot[hole] = 0;
	if (row != --o->n) {
		o->slot[oracle_slot(o, &o->row[o->n].prefix)] = (uint32_t)row + 1;
		o->row[row] = o->row[o->n];
	}
}

/* The longest row of at most `len` bits that covers the prefix. */
static inline struct oracle_row *oracle_match(const struct prefix_oracle *o, struct prefix p,
					      unsigned int len)
{
	struct prefix at = p;

	for (unsigned int l = len + 1; l-- > 0;) {
		struct oracle_row *row;

		if (!o->of_len[l])
			continue;
		at = p;
		at.len = (uint8_t)l;
		prefix_mask(&at);
		row = oracle_get(o, &at);
		if (row)
			return row;
	}
	return NULL;
}

static inline uint32_t oracle_find(const struct prefix_oracle *o, const struct ip_addr *ip)
{
	const struct oracle_row *row = oracle_match(o, prefix_host(ip), prefix_max_len(ip->family));

	return row ? row->group : 0;
}

/* Lengths as in the public tables, roughly, and some longer than a /24; weights. */
static inline uint8_t oracle_length(uint8_t family)
{
	static const uint32_t w4[33] = {
		[8] = 16,     [9] = 13,	     [10] = 38,	   [11] = 100,	 [12] = 298,
		[13] = 580,   [14] = 1190,   [15] = 2050,  [16] = 13500, [17] = 8300,
		[18] = 14000, [19] = 25500,  [20] = 44500, [21] = 51500, [22] = 107000,
		[23] = 97500, [24] = 590000, [25] = 2000,  [26] = 2500,	 [27] = 2000,
		[28] = 2000,  [29] = 2500,   [30] = 1500,  [32] = 2500};
	static const uint32_t w6[129] = {
		[20] = 15,    [24] = 40,   [28] = 150,	 [29] = 4800, [30] = 600,   [31] = 300,
		[32] = 25000, [33] = 3500, [34] = 3000,	 [35] = 1500, [36] = 10000, [38] = 2000,
		[40] = 18000, [42] = 2500, [44] = 18000, [46] = 5500, [47] = 5500,  [48] = 98000,
		[52] = 100,   [56] = 800,  [60] = 100,	 [64] = 1500, [112] = 20,   [126] = 100,
		[127] = 100,  [128] = 500};
	const uint32_t *w = family == 4 ? w4 : w6;
	uint32_t sum = 0, at;

	for (unsigned int i = 0; i <= prefix_max_len(family); i++)
		sum += w[i];
	at = oracle_below(sum);
	for (unsigned int i = 0;; i++) {
		if (at < w[i])
			return (uint8_t)i;
		at -= w[i];
	}
}

static inline void oracle_bits(struct prefix *p, unsigned int from)
{
	for (unsigned int i = from; i < prefix_max_len(p->family); i++)
		if (oracle_random() & 1)
			p->bytes[i / 8] ^= (uint8_t)(0x80 >> i % 8);
}

/* A new place, or inside of or beside what is there already. */
static inline struct prefix oracle_prefix(const struct prefix_oracle *o, uint8_t family,
					  uint8_t len)
{
	static const uint16_t blocks[] = {0x2001, 0x2400, 0x2404, 0x240e, 0x2600, 0x2604, 0x2607,
					  0x2620, 0x2800, 0x2804, 0x2a00, 0x2a02, 0x2a0a, 0x2c0f};
	struct prefix p = {.family = family};
	uint32_t how = oracle_below(10);

	if (o->n && how < 5) {
		p = o->row[oracle_below(o->n)].prefix;
		if (p.len < len)
			oracle_bits(&p, p.len);
		else if (how < 2)
			p.bytes[(len ? len - 1 : 0) / 8] ^=
				(uint8_t)(0x80 >> (len ? len - 1 : 0) % 8);
	} else if (family == 4) {
		p.bytes[0] = (uint8_t)(1 + oracle_below(223));
		oracle_bits(&p, 8);
	} else {
		uint16_t block = blocks[oracle_below(sizeof(blocks) / sizeof(blocks[0]))];

		p.bytes[0] = (uint8_t)(block >> 8);
		p.bytes[1] = (uint8_t)block;
		oracle_bits(&p, 16);
	}
	p.len = len;
	prefix_mask(&p);
	return p;
}

/* Within a prefix, its first or last address, or the one before or after it; or anywhere. */
static inline struct ip_addr oracle_address(const struct prefix_oracle *o, uint8_t family)
{
	struct prefix p = {.family = family};
	uint32_t how = oracle_below(10);
	int step;

	if (!o->n || how == 9) {
		oracle_bits(&p, 0);
		return prefix_address(&p);
	}
	p = o->row[oracle_below(o->n)].prefix;
	if (how < 5) {
		oracle_bits(&p, p.len);
		return prefix_address(&p);
	}
	if (how & 1) /* last */
		for (unsigned int i = p.len; i < prefix_max_len(family); i++)
			p.bytes[i / 8] |= (uint8_t)(0x80 >> i % 8);
	step = how < 7 ? 0 : how & 1 ? 1 : 255;
	for (unsigned int i = prefix_max_len(family) / 8; step && i-- > 0;) {
		unsigned int sum = p.bytes[i] + (unsigned int)step;

		p.bytes[i] = (uint8_t)sum;
		if (step == 255 ? sum > 255 : sum < 256)
			break;
	}
	return prefix_address(&p);
}

#endif
