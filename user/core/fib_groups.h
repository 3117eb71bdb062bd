/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The group table: contents interned by hash, so that prefixes with one answer share one group.
 *
 * A group in use never changes (but for since_ns set back to 0), and the id of one that is no
 * longer used rests: a packet that read it from the FIB just before its prefix was re-pointed still
 * finds the old content under it. When no other id is left those that rest are used again, after
 * quiesce() has waited for such packets, once for all of them. Ids: FIB_GROUP_LOCAL,
 * FIB_GROUP_EXEMPT, FIB_GROUP_LOCAL_ON_PATH, the slot number for INSIDE, all of fixed content and
 * never freed; routes from FIB_GROUP_ROUTES on.
 */
#ifndef SAMEWAY_CORE_FIB_GROUPS_H
#define SAMEWAY_CORE_FIB_GROUPS_H

#include "core/fib.h"

#define FIB_GROUP_LOCAL		1u
#define FIB_GROUP_EXEMPT	2u
#define FIB_GROUP_LOCAL_ON_PATH 3u
#define FIB_GROUP_ROUTES	128u

/*
 * Prefixes that were pointed to a group; some may have another by now, or be there twice. All of
 * them where since_ns is not 0: it may be merged. Else FIB_RECENT, to name some.
 */
#define FIB_RECENT 8u
struct fib_recent {
	size_t n, room;
	struct prefix v[];
};

enum fib_group_state { GROUP_NEVER, GROUP_USED, GROUP_RESTING, GROUP_CLEAN };

struct fib_group {
	struct sw_group content;
	enum fib_group_state state;
	uint32_t next; /* of the hash chain (USED), of those that rest or are clean; 0: last */
	size_t refs;   /* prefixes that point to it */
	struct fib_recent *recent; /* NULL: none */
};

struct fib_groups {
	struct fib_group *v; /* SW_MAX_GROUPS */
	uint32_t *bucket;
	uint32_t fresh; /* no id from here on was ever taken, adopted ones aside */
	uint32_t end;	/* no id from here on was ever used */
	uint32_t rest, clean;
	uint32_t last; /* found last, 0: none */
	size_t used;   /* groups that a prefix points to */
};

int fib_groups_init(struct fib_groups *groups);
void fib_groups_free(struct fib_groups *groups);

/* The content of a reserved answer, and its id; kind other than ROUTE. */
struct sw_group fib_group_reserved(uint8_t kind, uint8_t slot);
uint32_t fib_group_reserved_id(const struct sw_group *content);

/* The id of a used group of this content, 0: none. */
uint32_t fib_groups_find(const struct fib_groups *groups, const struct sw_group *content);
/* As find; where there is none, one is taken and written. 0 or -errno, -ENOSPC: no id is free. */
int fib_groups_get(struct fib_groups *groups, const struct fib_ops *ops,
		   const struct sw_group *content, uint32_t *id);
/* Takes over a group that is written already. 0, -EINVAL or -EEXIST. */
int fib_groups_adopt(struct fib_groups *groups, uint32_t id, const struct sw_group *content);
/* Puts a group of routes that nothing points to to rest. */
void fib_groups_drop(struct fib_groups *groups, uint32_t id);
/* A prefix is to be pointed to the group. 0, -ENOMEM. */
int fib_groups_note(struct fib_groups *groups, uint32_t id, const struct prefix *prefix);
/* since_ns of a used group is 0 now (written by the caller). */
void fib_groups_settled(struct fib_groups *groups, uint32_t id);

#endif
