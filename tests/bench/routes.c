/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Prefixes with the lengths of the global table, most inside a shorter one, none of them in 10/8,
 * which is the bench's own. The same every time.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

uint64_t random_next(void)
{
	static uint64_t x = 88172645463325252ULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x * 2685821657736338717ULL;
}

struct share {
	uint8_t len;
	int per_mille;
};
static const struct share lengths4[] = {
	{24, 604}, {22, 110}, {23, 100}, {21, 53}, {20, 46}, {19, 26}, {18, 14}, {16, 14}, {17, 8},
	{26, 5},   {29, 5},   {32, 5},	 {28, 5},  {25, 2},  {15, 2},  {14, 1},	 {0, 0}};
static const struct share lengths6[] = {{48, 500}, {32, 130}, {40, 95}, {44, 95},
					{36, 55},  {47, 30},  {46, 30}, {29, 25},
					{64, 20},  {128, 10}, {56, 10}, {0, 0}};

static uint8_t length_next(const struct share *s)
{
	int left = (int)(random_next() % 1000);

	for (; s[1].len; s++) {
		left -= s->per_mille;
		if (left < 0)
			break;
	}
	return s->len;
}

void routes_host(const struct prefix *p, uint8_t out[16])
{
	uint64_t noise[2] = {random_next(), random_next()};
	struct prefix host = {.family = p->family, .len = (uint8_t)prefix_max_len(p->family)};
	struct prefix net;

	memcpy(host.bytes, noise, prefix_max_len(p->family) / 8);
	net = host;
	net.len = p->len;
	prefix_mask(&net);
	for (int i = 0; i < 16; i++)
		out[i] = (uint8_t)(p->bytes[i] | (host.bytes[i] ^ net.bytes[i]));
}

/* Not ours, no multicast, not link-local, not loopback. */
static bool usable(const struct prefix *p)
{
	if (p->family == 6)
		return true;
	return p->bytes[0] > 0 && p->bytes[0] < 224 && p->bytes[0] != 10 && p->bytes[0] != 127 &&
	       p->bytes[0] != 169;
}

static struct prefix prefix_next(uint8_t family, const struct prefix *known, size_t n)
{
	struct prefix p = {.family = family, .len = length_next(family == 4 ? lengths4 : lengths6)};
	struct prefix any = {.family = family, .len = (uint8_t)(family == 4 ? 0 : 12)};
	const struct prefix *in = &any;

	if (family == 6) {
		any.bytes[0] = 0x2a;
	}
	if (n && random_next() % 100 < 60) {
		const struct prefix *of = &known[random_next() % n];

		if (of->len < p.len)
			in = of;
	}
	routes_host(in, p.bytes);
	prefix_mask(&p);
	return p;
}

/* Whether it is new; a table of numbers, less one, of the prefixes. */
static bool remember(uint32_t *table, size_t mask, const struct prefix *all, size_t n)
{
	const struct prefix *p = &all[n];
	uint64_t h = p->len, word[2];

	memcpy(word, p->bytes, sizeof(word));
	h = (h ^ word[0]) * 0x9e3779b97f4a7c15ULL;
	h = (h ^ h >> 32 ^ word[1]) * 0xbf58476d1ce4e5b9ULL;
	h ^= h >> 29;
	for (;; h++) {
		uint32_t at = table[h & mask];

		if (!at)
			break;
		if (prefix_equal(&all[at - 1], p))
			return false;
	}
	table[h & mask] = (uint32_t)n + 1;
	return true;
}

struct prefix *routes_make(uint8_t family, size_t n)
{
	size_t mask = 1, made = 0;
	struct prefix *all = calloc(n, sizeof(*all));
	uint32_t *table;

	while (mask < 2 * n)
		mask *= 2;
	table = calloc(mask, sizeof(*table));
	if (!all || !table)
		fail("out of memory for %zu prefixes", n);
	while (made < n) {
		all[made] = prefix_next(family, all, made);
		made += usable(&all[made]) && remember(table, mask - 1, all, made);
	}
	free(table);
	return all;
}
