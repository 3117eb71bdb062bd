/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory for very many objects of one size, cut from chunks that double as they are needed, up to
 * 2 MiB; from there on each is a huge page where the kernel has one (a million routes in small
 * pages are 100,000 page faults, and a TLB miss at each step through a trie). What is given back is
 * used again by the same slab; chunks are kept until slab_clear().
 */
#ifndef SAMEWAY_CORE_SLAB_H
#define SAMEWAY_CORE_SLAB_H

#include <stddef.h>

struct slab_chunk;

struct slab {
	size_t size; /* of an object: a multiple of 8 */
	struct slab_chunk *chunks;
	void *spare;
};

/* An object of zeroes, NULL: out of memory. */
void *slab_take(struct slab *slab);
void slab_give(struct slab *slab, void *object);
void slab_clear(struct slab *slab);

/*
 * A chunk of the largest size, zeroed, that the kernel has been asked for and has given no memory
 * yet; NULL: out of memory. For who makes some ready (daemon/chunks.c).
 */
#define SLAB_CHUNK ((size_t)2 << 20)
void *slab_chunk_map(void);
void slab_chunk_unmap(void *chunk);
/* Asked before one is mapped: returns a chunk that is ready, else NULL. NULL: nobody is asked. */
void slab_chunks_from(void *(*take)(void));

#endif
