/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The writer of the FIB's tables: prefixes to a root table and 256-way nodes (IPv4: 24 bits and
 * one node, 2 bytes an entry; IPv6: 16 bits and up to 14 nodes, 4 bytes), in memory that somebody
 * else reads without a lock at the same time, here the BPF programs.
 *
 * An entry is an answer (a group; 0: none) or, with the top bit set, the number of a node; of IPv6
 * that bit is stored the other way round, so that the entry of a node is the node's number. Each
 * entry has the length of the prefix that it is of: of IPv4 beside it, in memory of our own, of
 * IPv6 in 8 of its bits, which an answer does not use. So a prefix paints what is of shorter ones
 * or its own, a removed prefix hands what is its own to the one that covers it, and nothing else is
 * looked at. The zero-length prefix is a word of its own (`fallback`), the
 * answer where the tables say 0: a default route changed is one store.
 *
 * What a reader sees. It loads the root's entry, then the node's entry at an address made of the
 * first, then the group's row at an address made of that: each load depends on the one before, and
 * no machine that Linux runs on orders a dependent load before what it depends on. Each entry is
 * one aligned word, loaded and stored whole. We store in the other order and with release: a group
 * is written before set() is called; a node is filled whole, with what answered before and the new
 * prefix in it, before the one store that makes it reachable; a node is made unreachable by one
 * store of an entry that answers the same. So at any time a reader gets the old or the new answer
 * of its address, and what it reached is whole. What was made unreachable may still be read by who
 * reached it before: a retired node is written again only after quiesce(), which returns when every
 * reader of before has left. It is called when no clean node is left, once for all retired.
 *
 * A prefix that covers much is painted in slices: what is unfinished is gone on with by
 * stride_slice(), or before the next change. In between each address has its old or its new answer.
 */
#ifndef SAMEWAY_CORE_STRIDE_H
#define SAMEWAY_CORE_STRIDE_H

#include "core/prefix.h"

#define STRIDE_NODE_ENTRIES 256u
#define STRIDE_SLICE	    (1u << 20) /* entries looked at in a slice: 2 ms at most */

struct stride_memory {
	uint8_t family;	    /* 4: 2^24 entries of 2 bytes; 6: 2^16 of 4 bytes */
	void *root, *nodes; /* aligned to 8; zeroed, or what an earlier writer left */
	uint32_t n_nodes;   /* of 256 entries each; IPv4: at most 2^15 */
	uint32_t *fallback;
	int (*quiesce)(void *arg); /* returns when no reader has what was unreachable before */
	void *arg;
};

struct stride;
/* NULL: out of memory. */
struct stride *stride_new(const struct stride_memory *memory);
void stride_free(struct stride *s);

/*
 * Points the prefix to a group; fresh: it was not set before. 0; 1: done as far as this slice goes;
 * -EINVAL: no prefix or group of this table; -ENOSPC: no node is left, nothing has changed; or what
 * quiesce() returned, likewise.
 */
int stride_set(struct stride *s, const struct prefix *prefix, uint32_t group, bool fresh);
/*
 * Removes a prefix that is set; cover_len, cover_group: the longest one set that covers it, but for
 * the zero-length one (0, 0: none). Returns as set, or -ENOENT.
 */
int stride_clear(struct stride *s, const struct prefix *prefix, uint8_t cover_len,
		 uint32_t cover_group);
/* Begins a slice and goes on with what is unfinished; true: it still is. */
bool stride_slice(struct stride *s);
/* All that is unfinished, now. */
void stride_finish(struct stride *s);

/*
 * Reads what is in the tables, an earlier writer's or our own, as disjoint prefixes: the largest
 * that answer alike, in order, the zero-length one first. From here on these are what is set.
 * Stops at the first non-zero that cb returns. cb may clear the prefix it is shown (cover 0, 0).
 */
typedef int (*stride_cb)(void *arg, const struct prefix *prefix, uint32_t group);
int stride_read(struct stride *s, stride_cb cb, void *arg);

/* Nodes that answers go by. */
uint32_t stride_nodes_used(const struct stride *s);

#endif
