/* SPDX-License-Identifier: GPL-2.0-only */
/* The inside of the compiler, shared by fib.c (compiling) and fib_keep.c (what outlives it). */
#ifndef SAMEWAY_CORE_FIB_INTERNAL_H
#define SAMEWAY_CORE_FIB_INTERNAL_H

#include "core/fib_groups.h"
#include "core/rib_internal.h"

#define FIB_DEGRADED_NS (24ULL * 3600 * 1000000000)

/* In fib_entry.reserved, with the bit of LOCAL: on a path's own interface. */
#define FIB_ON_PATH 0x80

/* What the compiler knows of a prefix: what is installed, reserved, and remembered. */
struct fib_entry {
	struct trie_node trie; /* first */
	uint32_t group;	       /* installed, 0: not */
	LIST_ENTRY(fib_entry) group_link;
	uint8_t reserved;		/* bits 1 << enum sw_group_kind, FIB_ON_PATH */
	uint8_t slot;			/* INSIDE */
	uint8_t was_reserved, was_slot; /* before fib_set_reserved() */
	uint8_t cut;			/* tiers left out of the installed group */
	uint8_t had;  /* best class rank with a candidate when last compiled, SW_NO_RANK: none */
	uint8_t lost; /* degraded: the better rank that lost all its candidates, SW_NO_RANK: none */
	uint64_t lost_ns;  /* when; 0: adopted, not known */
	bool dirty, range; /* to be compiled, with all that it covers */
	bool failed;	   /* its last write was refused */
	bool listed;	   /* on fib->reserved */
	bool adopted;	   /* an earlier daemon's, nothing has asked for it yet */
	bool unwanted;	   /* adopted, and to go */
	TAILQ_ENTRY(fib_entry) dirty_link, lost_link, reserved_link;
	TAILQ_ENTRY(fib_entry) failed_link; /* of `unwanted`, too: nothing is written for those */
};
TAILQ_HEAD(fib_entries, fib_entry);

/* What is being compiled: a prefix, or it and what it covers, in order, `cursor` the last done. */
struct fib_job {
	bool active, started, range;
	bool adopted; /* an adopted prefix that goes */
	bool sweep;   /* only what changed, and what that covers: `changed` was the last */
	struct prefix prefix, cursor, changed;
};

/* Where a job is, for as long as nobody else can change the tries: one call of fib_compile(). */
#define FIB_AHEAD 8u
struct fib_walk {
	bool ready;
	struct trie_node *ahead[FIB_AHEAD]; /* the next of the RIB's, from `first` on */
	unsigned int first, n_ahead;
	struct trie_node *last;	 /* of these, NULL: no more follow */
	struct trie_node *entry; /* the next of the entries */
	struct fib_entry *near;	 /* the last one made or met */
};

struct fib {
	const struct config *cfg;
	struct rib *rib;
	struct fib_ops ops;
	struct trie entries;
	struct fib_groups groups;
	struct fib_entries dirty, lost, failed, reserved, unwanted;
	struct fib_job job;
	bool full[2];  /* everything of the family is to be compiled: IPv4, IPv6 */
	bool sweep[2]; /* everything that changed is, in order of prefix */
	bool synced, adopted, hold;
	bool unfinished; /* a prefix that covers much is not all written yet */
	size_t n_dirty, n_exempt, n_unwanted;
	size_t n_adopted; /* entries that still are */
	uint32_t was;	  /* adopted group that answered for what is being compiled; 0: none */
	size_t installed[2];
	size_t refused, cut;
	size_t moved, lost_answers;
	uint64_t now, usable; /* of the last call */
};

/* The entry of the prefix, made where there is none; NULL when out of memory. */
struct fib_entry *fib_entry_get(struct fib *fib, const struct prefix *prefix);
/* Frees an entry that says nothing any more; true: it did. */
bool fib_entry_prune(struct fib *fib, struct fib_entry *entry);
/* To be compiled again; range: with all that it covers. */
void fib_entry_touch(struct fib *fib, struct fib_entry *entry, bool range);
/* The entry's prefix points to this group now (0: removed); the old one's reference is dropped. */
void fib_entry_point(struct fib *fib, struct fib_entry *entry, uint32_t group);
/* A slice of the writer's begins; finish: slices until nothing is unfinished. */
void fib_slice(struct fib *fib, bool finish);
/*
 * Compiles a prefix; node, *at: what there is of it, NULL: nothing. *at is what there is then.
 * near: an entry near by, or NULL. 0 (also where a write was refused: entry->failed), -ENOMEM.
 */
int fib_compile_node(struct fib *fib, const struct prefix *prefix, const struct rib_node *node,
		     struct fib_entry **at, struct fib_entry *near);
/* Compiles one prefix. 0 (also where a write was refused: entry->failed), -ENOMEM: try again. */
int fib_compile_prefix(struct fib *fib, const struct prefix *prefix);

/* fib_keep.c: the candidates' best rank is `rank` now: what it lost, and what it has back. */
void fib_degraded_update(struct fib *fib, struct fib_entry *entry, uint8_t rank);
void fib_degraded_set(struct fib *fib, struct fib_entry *entry, uint8_t rank, uint64_t since_ns);
/* The group that an adopted part of the prefix has, of which nothing longer is the cause; 0: none.
 */
uint32_t fib_adopted_answer(const struct fib *fib, const struct prefix *prefix);
/* What the group that it had tells of an entry. */
void fib_adopted_recall(struct fib *fib, struct fib_entry *entry, const struct sw_group *group);
/* Something asks for the entry, or it goes: it is adopted no more. */
void fib_adopted_done(struct fib *fib, struct fib_entry *entry);
/* The best rank among these paths' classes, SW_NO_RANK: none. */
uint8_t fib_best_rank(const struct fib *fib, uint64_t paths);
/* The paths that packets are sent to: the first tier with a usable one; 0: none. */
uint64_t fib_answer(const struct sw_group *group, uint64_t usable);

#endif
