/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The prefixes that the bars of the FIB (docs/performance.md) are judged by: so many of each length
 * as the public tables have, roughly; the shortest first, and most of them inside a shorter one, or
 * beside the one before. The same every time.
 */
#ifndef SAMEWAY_TESTS_PREFIX_MIX_H
#define SAMEWAY_TESTS_PREFIX_MIX_H

#include "../unit/prefix_oracle.h"

typedef unsigned __int128 mix_addr; /* the first bit is the top one */

static uint64_t mix_state;

static inline uint64_t mix_random(void)
{
	mix_state ^= mix_state << 13;
	mix_state ^= mix_state >> 7;
	mix_state ^= mix_state << 17;
	return mix_state * 2685821657736338717ULL;
}

static inline mix_addr mix_start(const struct prefix *p)
{
	mix_addr a = 0;

	for (int i = 0; i < 16; i++)
		a = a << 8 | p->bytes[i];
	return a;
}

static inline struct prefix mix_prefix(uint8_t family, mix_addr a, uint8_t len)
{
	struct prefix p = {.family = family, .len = len};

	for (unsigned int i = 0; i < prefix_max_len(family) / 8; i++)
		p.bytes[i] = (uint8_t)(a >> (120 - 8 * i));
	prefix_mask(&p);
	return p;
}

/* Anywhere: of the blocks that are in use (IPv6), or of what is no multicast. */
static inline mix_addr mix_anywhere(uint8_t family)
{
	static const uint16_t blocks[] = {
		0x2001, 0x2400, 0x2401, 0x2402, 0x2404, 0x2405, 0x2406, 0x2408, 0x240e,
		0x2600, 0x2602, 0x2603, 0x2604, 0x2605, 0x2606, 0x2607, 0x2620, 0x2800,
		0x2801, 0x2803, 0x2804, 0x2806, 0x2a00, 0x2a01, 0x2a02, 0x2a03, 0x2a04,
		0x2a05, 0x2a06, 0x2a07, 0x2a09, 0x2a0a, 0x2a0b, 0x2a0c, 0x2a0d, 0x2a0e,
		0x2a0f, 0x2a10, 0x2a11, 0x2a12, 0x2a13, 0x2a14, 0x2c0e, 0x2c0f};
	uint64_t high, low;

	if (family == 6) {
		high = (uint64_t)blocks[mix_random() % (sizeof(blocks) / sizeof(*blocks))] << 48;
		high |= mix_random() >> 16;
		low = mix_random();
		return (mix_addr)high << 64 | low;
	}
	high = 1 + mix_random() % 223;
	return (mix_addr)(high << 24 | (mix_random() & 0xffffff)) << 96;
}

/* Of `len` bits, when all the shorter ones, the first `shorter` rows, and `of_len` of it are there.
 */
static inline void mix_add(struct prefix_oracle *o, uint8_t family, uint8_t len, size_t shorter,
			   size_t of_len)
{
	uint32_t group = 1 + (uint32_t)(mix_random() % 64);
	mix_addr a;
	struct prefix p;

	if (shorter && mix_random() % 100 < (family == 6 ? 85 : 60)) {
		const struct oracle_row *in = &o->row[mix_random() % shorter];
		uint64_t high = mix_random(), low = mix_random();

		a = mix_start(&in->prefix);
		a |= ((mix_addr)high << 64 | low) & ~(mix_addr)0 >> in->prefix.len;
		if (mix_random() % 2)
			group = in->group;
		if (of_len && mix_random() % 100 < 30) {
			a = mix_start(&o->row[o->n - 1].prefix) + ((mix_addr)1 << (128 - len));
			group = o->row[o->n - 1].group;
		}
	} else {
		a = mix_anywhere(family);
	}
	p = mix_prefix(family, a, len);
	if (family == 4 && (!p.bytes[0] || p.bytes[0] == 127 || p.bytes[0] > 223))
		return;
	if (!oracle_get(o, &p))
		oracle_set(o, &p, group);
}

static inline void mix_make(struct prefix_oracle *o, uint8_t family, size_t n)
{
	static const uint32_t w4[129] = {
		[8] = 16,     [9] = 13,	     [10] = 38,	   [11] = 100,	 [12] = 298,
		[13] = 580,   [14] = 1190,   [15] = 2050,  [16] = 13500, [17] = 8300,
		[18] = 14000, [19] = 25500,  [20] = 44500, [21] = 51500, [22] = 107000,
		[23] = 97500, [24] = 590000, [25] = 2000,  [26] = 2500,	 [27] = 2000,
		[28] = 2000,  [29] = 2500,   [30] = 1500,  [32] = 2500};
	static const uint32_t w6[129] = {
		[20] = 15,    [24] = 40,   [28] = 150,	 [29] = 4800, [30] = 600,   [31] = 300,
		[32] = 25000, [33] = 3500, [34] = 3000,	 [35] = 1500, [36] = 10000, [37] = 1000,
		[38] = 2000,  [39] = 1200, [40] = 18000, [41] = 800,  [42] = 2500,  [43] = 900,
		[44] = 18000, [45] = 2500, [46] = 5500,	 [47] = 5500, [48] = 98000, [52] = 100,
		[56] = 800,   [60] = 100,  [64] = 1500,	 [112] = 20,  [126] = 100,  [127] = 100,
		[128] = 500};
	const uint32_t *w = family == 6 ? w6 : w4;
	size_t count[129], sum = 0, weights = 0, most = 0;

	mix_state = 88172645463325252ULL ^ n * 7919;
	for (int i = 0; i < 10; i++)
		mix_random();
	for (size_t len = 0; len <= 128; len++)
		weights += w[len];
	for (size_t len = 0; len <= 128; len++) {
		count[len] = w[len] * n / weights;
		if (family == 4 && len > 8 && len <= 16 && count[len] > 1UL << (len - 3))
			count[len] = 1UL << (len - 3);
		sum += count[len];
		most = w[len] > w[most] ? len : most;
	}
	count[most] += n - sum;
	for (size_t len = 0; len <= 128; len++) {
		size_t shorter = o->n;

		while (o->n < shorter + count[len])
			mix_add(o, family, (uint8_t)len, shorter, o->n - shorter);
	}
}

#endif
