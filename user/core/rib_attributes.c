/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interned attributes: what a feed says of very many prefixes in the same words is kept once, found
 * by a hash of its content, and counted by the candidates that refer to it. Two of the same content
 * are the same pointer. The AS path and the circuit's name are behind the struct.
 */
#include "core/policy.h"
#include "core/rib_internal.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS_MIN 64u

static size_t tail_size(const struct attributes *a)
{
	return a->n_as * sizeof(*a->as_path) + strlen(a->circuit) + 1;
}

/* The slab for a tail of this size, NULL: it is too long for one. */
static struct slab *tail_slab(struct attribute_table *t, size_t tail)
{
	size_t at = (tail + ATTRIBUTES_STEP - 1) / ATTRIBUTES_STEP;

	if (at >= ATTRIBUTES_SLABS)
		return NULL;
	t->slab[at].size = sizeof(struct attributes) + at * ATTRIBUTES_STEP;
	return &t->slab[at];
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 29;
}

static uint64_t mix_address(uint64_t hash, const struct ip_addr *ip)
{
	uint64_t word[2];

	memcpy(word, ip->bytes, sizeof(word));
	return mix(mix(hash, word[0] ^ ip->family), word[1]);
}

static uint32_t content_hash(const struct attributes *a)
{
	uint64_t who = (uint64_t)a->feed << 24 | (uint64_t)(uint16_t)a->path << 8 | a->class;
	uint64_t hash = mix(who, a->local_pref);

	hash = mix(hash, (uint64_t)a->second_hand << 3 | (uint64_t)a->own << 2 |
				 a->has_local_pref << 1 | a->has_as_path);
	hash = mix_address(mix_address(hash, &a->peer), &a->nexthop);
	for (size_t i = 0; i < a->n_as; i++)
		hash = mix(hash, a->as_path[i]);
	for (const char *c = a->circuit; *c; c++)
		hash = mix(hash, (uint8_t)*c);
	return (uint32_t)(hash >> 32);
}

static bool content_equal(const struct attributes *a, const struct attributes *b)
{
	return a->hash == b->hash && a->feed == b->feed && a->path == b->path && a->own == b->own &&
	       a->second_hand == b->second_hand && a->has_class == b->has_class &&
	       a->class == b->class && a->has_as_path == b->has_as_path && a->n_as == b->n_as &&
	       a->has_local_pref == b->has_local_pref && a->local_pref == b->local_pref &&
	       ip_equal(&a->peer, &b->peer) && ip_equal(&a->nexthop, &b->nexthop) &&
	       !strcmp(a->circuit, b->circuit) &&
	       (!a->n_as || !memcmp(a->as_path, b->as_path, a->n_as * sizeof(*a->as_path)));
}

/* Four times as many buckets: each is a miss a set. Without memory the chains get longer. */
static void table_grow(struct attribute_table *t)
{
	size_t n = t->n_buckets ? t->n_buckets * 4 : BUCKETS_MIN;
	struct attributes **bucket = calloc(n, sizeof(void *));

	if (!bucket)
		return;
	for (size_t i = 0; i < t->n_buckets; i++) {
		struct attributes *a = t->bucket[i];

		while (a) {
			struct attributes *next = a->next;

			a->next = bucket[a->hash & (n - 1)];
			bucket[a->hash & (n - 1)] = a;
			a = next;
		}
	}
	free(t->bucket);
	t->bucket = bucket;
	t->n_buckets = n;
}

static struct attributes *attributes_copy(struct attribute_table *t, const struct attributes *from)
{
	size_t tail = tail_size(from), as_size = from->n_as * sizeof(*from->as_path);
	struct slab *slab = tail_slab(t, tail);
	struct attributes *a = slab ? slab_take(slab) : malloc(sizeof(*a) + tail);
	char *behind;

	if (!a)
		return NULL;
	*a = *from;
	behind = (char *)(a + 1);
	if (as_size)
		memcpy(behind, from->as_path, as_size);
	a->as_path = (const uint32_t *)behind;
	a->circuit = strcpy(behind + as_size, from->circuit);
	return a;
}

/* How often the first AS stands at the start of the AS path. */
static size_t as_path_run(const struct attributes *a)
{
	size_t n = 0;

	while (n < a->n_as && a->as_path[n] == a->as_path[0])
		n++;
	return n;
}

struct attributes *attributes_get(struct attribute_table *t, struct attributes *content)
{
	size_t run = as_path_run(content);
	struct attributes *a;

	content->as_length = (uint32_t)(content->n_as ? content->n_as - run + 1 : 0);
	content->maintenance = policy_is_maintenance(content, run);
	content->leak = policy_is_leak(content);
	content->hash = content_hash(content);
	if (t->n >= t->n_buckets * 2)
		table_grow(t);
	if (!t->n_buckets)
		return NULL;
	a = t->bucket[content->hash & (t->n_buckets - 1)];
	while (a && !content_equal(a, content))
		a = a->next;
	if (!a) {
		struct attributes **bucket = &t->bucket[content->hash & (t->n_buckets - 1)];

		a = attributes_copy(t, content);
		if (!a)
			return NULL;
		a->refs = 0;
		a->next = *bucket;
		*bucket = a;
		t->n++;
	}
	a->refs++;
	return a;
}

void attributes_put(struct attribute_table *t, struct attributes *a)
{
	struct attributes **link = &t->bucket[a->hash & (t->n_buckets - 1)];
	struct slab *slab;

	if (--a->refs)
		return;
	while (*link != a)
		link = &(*link)->next;
	*link = a->next;
	t->n--;
	slab = tail_slab(t, tail_size(a));
	if (slab)
		slab_give(slab, a);
	else
		free(a);
}

void attributes_free(struct attribute_table *t)
{
	for (size_t i = 0; i < t->n_buckets; i++) {
		struct attributes *a = t->bucket[i];

		while (a) {
			struct attributes *next = a->next;

			if (!tail_slab(t, tail_size(a)))
				free(a);
			a = next;
		}
	}
	for (size_t i = 0; i < ATTRIBUTES_SLABS; i++)
		slab_clear(&t->slab[i]);
	free(t->bucket);
	*t = (struct attribute_table){0};
}
