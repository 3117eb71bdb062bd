/* SPDX-License-Identifier: GPL-2.0-only */
/* The inside of the compiler, shared by fib.c (compiling) and fib_keep.c (what outlives it). */
#ifndef SAMEWAY_CORE_FIB_INTERNAL_H
#define SAMEWAY_CORE_FIB_INTERNAL_H

#include "core/fib_groups.h"
#include "core/rib_internal.h"

#include <sys/queue.h>

#define FIB_DEGRADED_NS (24ULL * 3600 * 1000000000)

/* In fib_rare.reserved, with the bit of LOCAL: on a path's own interface. */
#define FIB_ON_PATH 0x80

/*
 * What the compiler knows of few prefixes; of all of them it is in the RIB's node. Freed when it
 * says nothing any more.
 */
struct fib_rare {
	struct rib_node *node; /* NULL: free, `next` is the next of these */
	uint32_t next;
	uint8_t reserved;		/* bits 1 << enum sw_group_kind, FIB_ON_PATH */
	uint8_t slot;			/* INSIDE */
	uint8_t was_reserved, was_slot; /* before fib_set_reserved() */
	uint8_t cut;			/* tiers left out of the installed group */
	uint8_t lost; /* degraded: the better rank that lost all its candidates, SW_NO_RANK: none */
	bool dirty, range; /* to be compiled, with all that it covers */
	bool failed;	   /* its last write was refused */
	bool listed;	   /* on fib->reserved */
	bool unwanted;	   /* adopted, and to go */
	uint64_t lost_ns;  /* when; 0: adopted, not known */
	TAILQ_ENTRY(fib_rare) dirty_link, lost_link, reserved_link;
	TAILQ_ENTRY(fib_rare) failed_link; /* of `unwanted`, too: nothing is written for those */
};
TAILQ_HEAD(fib_rares, fib_rare);

#define RARE_CHUNK 64u
struct fib_rare_table {
	struct fib_rare **chunk; /* number n is in chunk[n / RARE_CHUNK]; 0 is none */
	uint32_t n_chunks, free;
};

/* What is being compiled: a prefix, or it and what it covers, in order, `cursor` the last done. */
struct fib_job {
	bool active, started, range;
	bool adopted; /* an adopted prefix that goes */
	bool sweep;   /* only what changed, and what that covers: `changed` was the last */
	struct prefix prefix, cursor, changed;
};

/* Where a job is, for as long as nobody else can change the trie: one call of fib_compile(). */
#define FIB_AHEAD 8u
struct fib_walk {
	bool ready;
	struct trie_node *ahead[FIB_AHEAD]; /* the next, from `first` on */
	unsigned int first, n_ahead;
	struct trie_node *last; /* of these, NULL: no more follow */
};

struct fib {
	const struct config *cfg;
	struct rib *rib;
	struct fib_ops ops;
	struct fib_rare_table rare;
	struct fib_groups groups;
	struct fib_rares dirty, lost, failed, reserved, unwanted;
	struct fib_job job;
	bool full[2];  /* everything of the family is to be compiled: IPv4, IPv6 */
	bool sweep[2]; /* everything that changed is, in order of prefix */
	struct prefix
		loaded; /* where the log was put last, yet to be compiled; family 0: nowhere */
	bool synced, adopted, hold;
	bool unfinished; /* a prefix that covers much is not all written yet */
	size_t n_dirty, n_exempt, n_unwanted;
	size_t n_adopted; /* nodes that still are */
	uint32_t was;	  /* adopted group that answered for what is being compiled; 0: none */
	size_t installed[2];
	size_t refused, cut;
	size_t moved, lost_answers;
	uint64_t now, usable; /* of the last call */
};

/* Of the node; NULL: none. */
static inline struct fib_rare *fib_rare(const struct fib *fib, const struct rib_node *node)
{
	return node->rare ? &fib->rare.chunk[node->rare / RARE_CHUNK][node->rare % RARE_CHUNK]
			  : NULL;
}

static inline uint8_t fib_lost_rank(const struct fib *fib, const struct rib_node *node)
{
	const struct fib_rare *rare = fib_rare(fib, node);

	return rare ? rare->lost : SW_NO_RANK;
}

/* The best class rank that had a candidate when it was last compiled, SW_NO_RANK: none. */
static inline uint8_t fib_had(const struct rib_node *node)
{
	return (uint8_t)~node->had;
}

static inline void fib_had_set(struct rib_node *node, uint8_t rank)
{
	node->had = (uint8_t)~rank;
}

/* fib_rare.c. Made where there is none; NULL: out of memory. */
struct fib_rare *fib_rare_get(struct fib *fib, struct rib_node *node);
void fib_rare_free(struct fib_rare_table *table);
/* The node of the prefix, made where there is none; NULL: out of memory. */
struct rib_node *fib_node_get(struct fib *fib, const struct prefix *prefix);
/* Frees what the compiler has of a node and says nothing any more, and the node likewise. */
void fib_prune(struct fib *fib, struct rib_node *node);

/* To be compiled again; range: with all that it covers. */
void fib_touch(struct fib *fib, struct fib_rare *rare, bool range);
/* The node's prefix points to this group now (0: removed); the old one's reference is dropped. */
void fib_node_point(struct fib *fib, struct rib_node *node, uint32_t group);
/* A slice of the writer's begins; finish: slices until nothing is unfinished. */
void fib_slice(struct fib *fib, bool finish);
/*
 * Compiles a prefix, which may be the end of its node. 0 (also where a write was refused:
 * rare->failed), -ENOMEM: try again.
 */
int fib_compile_node(struct fib *fib, struct rib_node *node);
/* As fib_compile_node, where there is one. */
int fib_compile_prefix(struct fib *fib, const struct prefix *prefix);

/* fib_keep.c: the candidates' best rank is `rank` now: what it lost, and what it has back. 0,
 * -ENOMEM.
 */
int fib_degraded_update(struct fib *fib, struct rib_node *node, uint8_t rank);
int fib_degraded_set(struct fib *fib, struct rib_node *node, uint8_t rank, uint64_t since_ns);
/* The group that an adopted part of the prefix has, of which nothing longer is the cause; 0: none.
 */
uint32_t fib_adopted_answer(const struct fib *fib, const struct rib_node *node);
/* What the group that it had tells of a node. 0, -ENOMEM. */
int fib_adopted_recall(struct fib *fib, struct rib_node *node, const struct sw_group *group);
/* Something asks for the prefix, or it goes: it is adopted no more. */
void fib_adopted_done(struct fib *fib, struct rib_node *node);
/* The best rank among these paths' classes, SW_NO_RANK: none. */
uint8_t fib_best_rank(const struct fib *fib, uint64_t paths);
/* The paths that packets are sent to: the first tier with a usable one; 0: none. */
uint64_t fib_answer(const struct sw_group *group, uint64_t usable);

#endif
