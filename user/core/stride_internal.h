/* SPDX-License-Identifier: GPL-2.0-only */
/* The inside of the tables' writer, shared by stride.c (changes) and stride_read.c (adoption). */
#ifndef SAMEWAY_CORE_STRIDE_INTERNAL_H
#define SAMEWAY_CORE_STRIDE_INTERNAL_H

#include "core/stride.h"

#define STRIDE_LEVELS  14   /* of nodes, at most */
#define STRIDE_LINK    0xff /* in place of a length: the entry is a node */
#define STRIDE_NO_NODE UINT32_MAX

/* An address, its first bit the top one; IPv4 has the top 32. */
typedef unsigned __int128 stride_addr;

struct stride_node {
	uint32_t count; /* prefixes in it and below that are longer than what leads to it */
	uint32_t next;	/* of the clean or the retired ones */
};

/* What is being painted: entries of [at, last] whose prefix is `from` to `to` bits long. */
struct stride_sweep {
	bool active;
	stride_addr at, last;
	uint8_t from, to;
	uint8_t depth; /* and they become this long */
	uint32_t value;
};

struct stride {
	struct stride_memory mem;
	unsigned int first, bits;	  /* of the address: the root's, all */
	unsigned int width;		  /* bytes of an entry */
	uint32_t link;			  /* the entry's top bit: it is a node */
	uint32_t most;			  /* the largest group */
	uint8_t *root_depth, *node_depth; /* of IPv4; IPv6 has the lengths in its entries */
	struct stride_node *node;
	uint32_t unused; /* no node from here on was ever used */
	uint32_t clean, retired, used;
	struct stride_sweep sweep;
	size_t left; /* of this slice */
};

/* An entry: its table, where in it, and how many bits of the address it leaves open. */
struct stride_place {
	char *entries;
	uint8_t *depth; /* IPv4 */
	size_t at, size;
	unsigned int shift;
};

/* In memory an entry of IPv6 is a node's number, or this with a length and a group. */
#define STRIDE6_ANSWER	     0x80000000u
#define STRIDE6_DEPTH_SHIFT  16
#define STRIDE6_GROUP	     0xffffu
#define STRIDE6_DEPTH(entry) ((uint8_t)((entry) >> STRIDE6_DEPTH_SHIFT))

static inline uint32_t stride6_word(uint32_t value, uint8_t depth)
{
	if (value & STRIDE6_ANSWER)
		return value & ~STRIDE6_ANSWER;
	return STRIDE6_ANSWER | (uint32_t)depth << STRIDE6_DEPTH_SHIFT | value;
}

/* A group, or `link` and a node. */
static inline uint32_t stride_load(const struct stride *s, const struct stride_place *p, size_t at)
{
	uint32_t word;

	if (s->width == 2)
		return ((const uint16_t *)p->entries)[at];
	word = ((const uint32_t *)p->entries)[at];
	return word & STRIDE6_ANSWER ? word & STRIDE6_GROUP : word | s->link;
}

/* The length of the entry's prefix, or STRIDE_LINK. */
static inline uint8_t stride_depth(const struct stride_place *p, size_t at)
{
	uint32_t word;

	if (p->depth)
		return p->depth[at];
	word = ((const uint32_t *)p->entries)[at];
	return word & STRIDE6_ANSWER ? STRIDE6_DEPTH(word) : STRIDE_LINK;
}

static inline void stride_store(const struct stride_place *p, size_t at, uint32_t value,
				uint8_t depth)
{
	if (p->depth) {
		__atomic_store_n((uint16_t *)p->entries + at, (uint16_t)value, __ATOMIC_RELEASE);
		p->depth[at] = depth;
	} else {
		__atomic_store_n((uint32_t *)p->entries + at, stride6_word(value, depth),
				 __ATOMIC_RELEASE);
	}
}

static inline struct stride_place stride_root(const struct stride *s, stride_addr a)
{
	return (struct stride_place){
		.entries = s->mem.root,
		.depth = s->root_depth,
		.at = (size_t)(a >> (128 - s->first)),
		.size = (size_t)1 << s->first,
		.shift = 128 - s->first,
	};
}

/* In a node, which an entry of `shift` open bits leads to. */
static inline struct stride_place stride_in_node(const struct stride *s, uint32_t node,
						 unsigned int shift, stride_addr a)
{
	size_t offset = (size_t)node * STRIDE_NODE_ENTRIES;

	shift -= 8;
	return (struct stride_place){
		.entries = (char *)s->mem.nodes + offset * s->width,
		.depth = s->node_depth ? s->node_depth + offset : NULL,
		.at = (size_t)(a >> shift) & (STRIDE_NODE_ENTRIES - 1),
		.size = STRIDE_NODE_ENTRIES,
		.shift = shift,
	};
}

/* The node that the entry is. */
static inline uint32_t stride_link_of(const struct stride *s, const struct stride_place *p)
{
	return stride_load(s, p, p->at) & ~s->link;
}

/* The entry that answers for the address. */
static inline struct stride_place stride_place_of(const struct stride *s, stride_addr a)
{
	struct stride_place p = stride_root(s, a);

	while (stride_depth(&p, p.at) == STRIDE_LINK)
		p = stride_in_node(s, stride_link_of(s, &p), p.shift, a);
	return p;
}

/* Makes a node that no entry leads to any more one of the retired. */
void stride_retire(struct stride *s, uint32_t node);

#endif
