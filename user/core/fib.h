/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The compiler: RIB and reserved prefixes to groups and FIB entries, incrementally. It knows what
 * is installed (its own writes, or what an adopting daemon read back from the maps) and emits the
 * difference through fib_ops. Pure: the ops are the caller's.
 */
#ifndef SAMEWAY_CORE_FIB_H
#define SAMEWAY_CORE_FIB_H

#include "core/policy.h"
#include "core/rib.h"

struct fib_ops {
	void *arg;
	/*
	 * Writes a group that no prefix points to yet, or sets since_ns of one in use back to 0.
	 * 0 or -errno.
	 */
	int (*group_write)(void *arg, uint32_t id, const struct sw_group *group);
	/*
	 * Points the prefix to a group (fresh: it was not installed), or removes it: its packets go
	 * to the longest installed one that covers it, but for the default route (0, 0: none). 0;
	 * 1: accepted, and unfinished: slice() goes on with it; -errno (-ENOSPC: tables full).
	 */
	int (*prefix_write)(void *arg, const struct prefix *prefix, uint32_t group, bool fresh);
	int (*prefix_remove)(void *arg, const struct prefix *prefix, uint8_t cover_len,
			     uint32_t cover_group);
	/* A slice begins, with what the last one left; true: that is still unfinished. */
	bool (*slice)(void *arg);
	/* Returns when no program has a group's number from before. 0 or -errno: it may have. */
	int (*quiesce)(void *arg);
	/*
	 * The group of 0/0 (0: none), also kept as an ordinary prefix. Only with
	 * `default-route: last`: with `never` nothing falls through to it.
	 */
	void (*default_write)(void *arg, uint8_t family, uint32_t group);
	/* The prefix's group is another now; NULL: none. Optional. */
	void (*changed)(void *arg, const struct prefix *prefix, const struct sw_group *old,
			const struct sw_group *new);
};

struct fib;
struct fib_counts {
	size_t installed4, installed6; /* prefixes of candidates that packets see */
	size_t groups;
	size_t refused;	  /* prefixes whose last write failed (map full, no group left) */
	size_t tiers_cut; /* of all installed prefixes */
	size_t pending;	  /* dirty prefixes still to compile, adopted ones to go */
	size_t moved,
		lost; /* answers that feeds changed: to other paths, to none; since the start */
};

struct fib *fib_new(const struct config *cfg, struct rib *rib, const struct fib_ops *ops);
void fib_free(struct fib *fib);

/*
 * Adoption, before the first compile: what the maps hold, groups first, prefixes that answer as
 * those did which were installed. The adopted tables stay as they are (but for the reserved
 * prefixes) until fib_sync_done: half a table is worse than an old one. 0; -EINVAL: an id out of
 * range, or a reserved one with another content; -EEXIST: twice; -ENOENT: the prefix's group is
 * unknown; -ENOMEM.
 */
int fib_adopt_group(struct fib *fib, uint32_t id, const struct sw_group *group);
int fib_adopt_prefix(struct fib *fib, const struct prefix *prefix, uint32_t group);
/*
 * All feeds have sent their tables: from here on what was adopted and is not wanted is removed, by
 * the next fib_compile, after all that is wanted is there, and what changes an answer is a change
 * (since_ns, degraded).
 */
void fib_sync_done(struct fib *fib);

/*
 * The reserved prefixes: inside networks (kind INSIDE, slot), own addresses (LOCAL), exempt ones.
 * Replaced as a whole. A prefix inside an EXEMPT one is exempt, whatever its candidates; own
 * addresses are LOCAL before everything.
 */
struct fib_reserved {
	struct prefix prefix;
	uint8_t kind; /* enum sw_group_kind: INSIDE, LOCAL, EXEMPT */
	uint8_t slot; /* INSIDE; LOCAL: 0 or SW_LOCAL_ON_PATH, which is before 0 */
};
int fib_set_reserved(struct fib *fib, const struct fib_reserved *v, size_t n);

/*
 * Compiles what is dirty, at most `budget` prefixes (0: all). `usable`: paths usable now, to see
 * whether a prefix's answer changed (group.since_ns) and whether it lost its better class
 * (degraded). Returns how many are left.
 */
size_t fib_compile(struct fib *fib, uint64_t now, uint64_t usable, size_t budget);
/* While a table comes in: candidates that changed wait, what is reserved does not. */
void fib_hold(struct fib *fib, bool hold);
/*
 * Groups whose since_ns is older than 3 x grace: set back to 0, or merged with their equals. Also
 * forgets what has been degraded for 24 h, and tries again what was refused.
 */
void fib_settle(struct fib *fib, uint64_t now, uint64_t grace_ns);
struct fib_counts fib_counts(const struct fib *fib);

/* Degraded prefixes: kept in the state file. rank: the better class that it lost. */
typedef int (*fib_degraded_cb)(void *arg, const struct prefix *prefix, uint8_t rank,
			       uint64_t since_ns);
int fib_degraded_each(const struct fib *fib, fib_degraded_cb cb, void *arg);
int fib_degraded_restore(struct fib *fib, const struct prefix *prefix, uint8_t rank,
			 uint64_t since_ns);

/* The longest installed prefix that holds all of `of`, itself at best, and its group. False: none.
 */
bool fib_cover(const struct fib *fib, const struct prefix *of, struct prefix *prefix,
	       struct sw_group *group);
/* What an address gets: the installed prefix and group. False: none. */
bool fib_lookup(const struct fib *fib, const struct ip_addr *ip, struct prefix *prefix,
		struct sw_group *group);
/*
 * How many installed prefixes answer by other paths (moved), or by none any more (lost), when the
 * usable paths `before` become `after`. Those that had no answer before are neither.
 */
void fib_moved(const struct fib *fib, uint64_t before, uint64_t after, size_t *moved, size_t *lost);
/* How many answer by a better class. */
size_t fib_improved(const struct fib *fib, uint64_t before, uint64_t after);
/*
 * How many installed prefixes whose best class has this rank have no usable path, with the first
 * `room` of them in no order, and the paths that they all have.
 */
size_t fib_lost(const struct fib *fib, uint64_t usable, uint8_t rank, struct prefix *first,
		size_t room, uint64_t *paths);
/* Some installed prefixes that are answered by path `id` now, `room` at most. Returns how many. */
size_t fib_answered(const struct fib *fib, uint64_t usable, unsigned int id, struct prefix *first,
		    size_t room);
/* The rank of the class that answers, SW_NO_RANK: nothing does. NULL group: the same. */
uint8_t fib_answer_rank(const struct sw_group *group, uint64_t usable);

#endif
