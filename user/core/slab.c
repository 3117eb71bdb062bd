/* SPDX-License-Identifier: GPL-2.0-only */
/* Slabs (slab.h). The first word of an object that was given back leads to the next of them. */
#include "core/slab.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CHUNK_MIN 1024u
#define CHUNK_MAX SLAB_CHUNK

static void *(*chunk_ready)(void);

struct slab_chunk {
	struct slab_chunk *next;
	size_t used, size; /* bytes */
	size_t pad[5];	   /* objects of a cache line's size do not straddle two */
};

/* Aligned to its size, so that it can be one huge page. */
void *slab_chunk_map(void)
{
	char *at = mmap(NULL, 2 * CHUNK_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
	size_t before;

	if (at == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)at & (CHUNK_MAX - 1);
	if (before)
		munmap(at, before);
	munmap(at + before + CHUNK_MAX, CHUNK_MAX - before);
	madvise(at + before, CHUNK_MAX, MADV_HUGEPAGE); /* small pages do as well */
	return at + before;
}

void slab_chunk_unmap(void *chunk)
{
	munmap(chunk, CHUNK_MAX);
}

void slab_chunks_from(void *(*take)(void))
{
	chunk_ready = take;
}

static struct slab_chunk *chunk_large(void)
{
	void *chunk = chunk_ready ? chunk_ready() : NULL;

	return chunk ? chunk : slab_chunk_map();
}

static struct slab_chunk *chunk_small(size_t size)
{
	void *chunk = aligned_alloc(sizeof(struct slab_chunk), size);

	return chunk ? memset(chunk, 0, size) : NULL;
}

static void chunk_free(struct slab_chunk *chunk)
{
	if (chunk->size == CHUNK_MAX)
		slab_chunk_unmap(chunk);
	else
		free(chunk);
}

static struct slab_chunk *chunk_new(const struct slab *slab)
{
	size_t size = slab->chunks ? slab->chunks->size * 2 : CHUNK_MIN;
	struct slab_chunk *chunk;

	if (size > CHUNK_MAX)
		size = CHUNK_MAX;
	chunk = size == CHUNK_MAX ? chunk_large() : chunk_small(size);
	if (!chunk)
		return NULL;
	chunk->size = size;
	chunk->used = sizeof(*chunk);
	return chunk;
}

void *slab_take(struct slab *slab)
{
	struct slab_chunk *chunk = slab->chunks;
	void *object = slab->spare;

	if (object) {
		memcpy(&slab->spare, object, sizeof(slab->spare));
		return memset(object, 0, slab->size);
	}
	if (!chunk || chunk->size - chunk->used < slab->size) {
		chunk = chunk_new(slab);
		if (!chunk)
			return NULL;
		chunk->next = slab->chunks;
		slab->chunks = chunk;
	}
	object = (char *)chunk + chunk->used;
	chunk->used += slab->size;
	return object;
}

void slab_give(struct slab *slab, void *object)
{
	memcpy(object, &slab->spare, sizeof(slab->spare));
	slab->spare = object;
}

void slab_clear(struct slab *slab)
{
	while (slab->chunks) {
		struct slab_chunk *chunk = slab->chunks;

		slab->chunks = chunk->next;
		chunk_free(chunk);
	}
	slab->spare = NULL;
}
