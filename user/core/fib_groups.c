/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The group table (fib_groups.h): a hash by content, chained through the groups themselves, and
 * lists of the ids that rest and of those that are clean.
 */
#include "core/fib_groups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS SW_MAX_GROUPS

int fib_groups_init(struct fib_groups *groups)
{
	memset(groups, 0, sizeof(*groups));
	groups->v = calloc(SW_MAX_GROUPS, sizeof(*groups->v));
	groups->bucket = calloc(BUCKETS, sizeof(*groups->bucket));
	groups->fresh = FIB_GROUP_ROUTES;
	if (groups->v && groups->bucket)
		return 0;
	fib_groups_free(groups);
	return -ENOMEM;
}

static void recent_forget(struct fib_group *group)
{
	free(group->recent);
	group->recent = NULL;
}

void fib_groups_free(struct fib_groups *groups)
{
	for (uint32_t id = 0; groups->v && id < groups->end; id++)
		recent_forget(&groups->v[id]);
	free(groups->v);
	free(groups->bucket);
	groups->v = NULL;
	groups->bucket = NULL;
}

struct sw_group fib_group_reserved(uint8_t kind, uint8_t slot)
{
	return (struct sw_group){
		.kind = kind,
		.slot = kind == SW_GROUP_EXEMPT ? 0 : slot,
		.degraded = SW_NO_RANK,
	};
}

uint32_t fib_group_reserved_id(const struct sw_group *content)
{
	if (content->kind == SW_GROUP_INSIDE)
		return content->slot;
	if (content->kind == SW_GROUP_EXEMPT)
		return FIB_GROUP_EXEMPT;
	return content->slot == SW_LOCAL_ON_PATH ? FIB_GROUP_LOCAL_ON_PATH : FIB_GROUP_LOCAL;
}

/* Over the whole content, by words, which has no hidden padding. */
static uint32_t *content_bucket(const struct fib_groups *groups, const struct sw_group *content)
{
	uint64_t words[sizeof(*content) / sizeof(uint64_t)], hash = 0;

	memcpy(words, content, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		hash = ((hash << 5 | hash >> 59) ^ words[i]) * 0x9e3779b97f4a7c15ULL;
	return &groups->bucket[hash >> 32 & (BUCKETS - 1)];
}

static void group_hash(struct fib_groups *groups, uint32_t id)
{
	uint32_t *bucket = content_bucket(groups, &groups->v[id].content);

	groups->v[id].next = *bucket;
	*bucket = id;
}

static void group_unhash(struct fib_groups *groups, uint32_t id)
{
	uint32_t *link = content_bucket(groups, &groups->v[id].content);

	groups->last = 0;
	while (*link != id)
		link = &groups->v[*link].next;
	*link = groups->v[id].next;
}

static void group_use(struct fib_groups *groups, uint32_t id, const struct sw_group *content)
{
	groups->v[id].content = *content;
	groups->v[id].state = GROUP_USED;
	group_hash(groups, id);
	if (id >= groups->end)
		groups->end = id + 1;
}

uint32_t fib_groups_find(const struct fib_groups *groups, const struct sw_group *content)
{
	uint32_t id = *content_bucket(groups, content);

	while (id && memcmp(&groups->v[id].content, content, sizeof(*content)))
		id = groups->v[id].next;
	return id;
}

static void group_rest(struct fib_groups *groups, uint32_t id)
{
	groups->v[id].state = GROUP_RESTING;
	groups->v[id].next = groups->rest;
	groups->rest = id;
}

void fib_groups_drop(struct fib_groups *groups, uint32_t id)
{
	if (id < FIB_GROUP_ROUTES || groups->v[id].state != GROUP_USED || groups->v[id].refs)
		return;
	recent_forget(&groups->v[id]);
	group_unhash(groups, id);
	group_rest(groups, id);
}

/* All that rest may be written again. 0 or -errno. */
static int rest_end(struct fib_groups *groups, const struct fib_ops *ops)
{
	int err = ops->quiesce(ops->arg);

	for (uint32_t id = err ? 0 : groups->rest; id; id = groups->v[id].next)
		groups->v[id].state = GROUP_CLEAN;
	if (err)
		return err;
	groups->clean = groups->rest;
	groups->rest = 0;
	return 0;
}

/* A clean id, else one that was never used, else of those that rest. 0 or -errno. */
static int id_take(struct fib_groups *groups, const struct fib_ops *ops, uint32_t *id)
{
	int err;

	while (groups->fresh < SW_MAX_GROUPS && groups->v[groups->fresh].state != GROUP_NEVER)
		groups->fresh++;
	if (!groups->clean && groups->fresh < SW_MAX_GROUPS) {
		*id = groups->fresh++;
		return 0;
	}
	if (!groups->clean && !groups->rest)
		return -ENOSPC;
	err = groups->clean ? 0 : rest_end(groups, ops);
	if (err)
		return err;
	*id = groups->clean;
	groups->clean = groups->v[*id].next;
	return 0;
}

int fib_groups_get(struct fib_groups *groups, const struct fib_ops *ops,
		   const struct sw_group *content, uint32_t *id)
{
	uint32_t found = groups->last;
	int err = 0;

	/* neighbours often have the same */
	if (!found || memcmp(&groups->v[found].content, content, sizeof(*content)))
		found = fib_groups_find(groups, content);
	if (found) {
		groups->last = *id = found;
		return 0;
	}
	if (content->kind == SW_GROUP_ROUTE)
		err = id_take(groups, ops, &found);
	else
		found = fib_group_reserved_id(content);
	if (err)
		return err;
	err = ops->group_write(ops->arg, found, content);
	if (err) {
		if (content->kind == SW_GROUP_ROUTE)
			group_rest(groups, found);
		return err;
	}
	group_use(groups, found, content);
	*id = found;
	return 0;
}

int fib_groups_adopt(struct fib_groups *groups, uint32_t id, const struct sw_group *content)
{
	if (!id || id >= SW_MAX_GROUPS || content->kind == SW_GROUP_FREE)
		return -EINVAL;
	if ((id >= FIB_GROUP_ROUTES) != (content->kind == SW_GROUP_ROUTE))
		return -EINVAL;
	if (id < FIB_GROUP_ROUTES) {
		struct sw_group wanted = fib_group_reserved(content->kind, content->slot);

		if (fib_group_reserved_id(content) != id ||
		    memcmp(&wanted, content, sizeof(wanted)))
			return -EINVAL;
	}
	if (groups->v[id].state != GROUP_NEVER)
		return -EEXIST;
	group_use(groups, id, content);
	return 0;
}

int fib_groups_note(struct fib_groups *groups, uint32_t id, const struct prefix *prefix)
{
	struct fib_group *group = &groups->v[id];
	struct fib_recent *recent = group->recent;
	size_t room = recent ? recent->room * 2 : FIB_RECENT;

	if (recent && recent->n >= FIB_RECENT && !group->content.since_ns) {
		recent->v[group->refs % FIB_RECENT] = *prefix;
		return 0;
	}
	if (!recent || recent->n == recent->room) {
		recent = realloc(recent, sizeof(*recent) + room * sizeof(recent->v[0]));
		if (!recent)
			return -ENOMEM;
		if (!group->recent)
			recent->n = 0;
		recent->room = room;
		group->recent = recent;
	}
	recent->v[recent->n++] = *prefix;
	return 0;
}

/* Of many prefixes that settled some are kept. */
static void recent_shrink(struct fib_group *group)
{
	struct fib_recent *recent = group->recent, *less;

	if (!recent || recent->n <= FIB_RECENT)
		return;
	recent->n = recent->room = FIB_RECENT;
	less = realloc(recent, sizeof(*recent) + FIB_RECENT * sizeof(recent->v[0]));
	group->recent = less ? less : recent;
}

void fib_groups_settled(struct fib_groups *groups, uint32_t id)
{
	recent_shrink(&groups->v[id]);
	group_unhash(groups, id);
	groups->v[id].content.since_ns = 0;
	group_hash(groups, id);
}
