/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the installed prefixes answer by these paths or those: counted by group, so that the cost is
 * by the number of different answers.
 */
#include "core/fib_internal.h"

#define SOME_TRIES 1024 /* prefixes of a group that may be gone from it, looked at to name some */

uint64_t fib_answer(const struct sw_group *group, uint64_t usable)
{
	if (group->kind != SW_GROUP_ROUTE)
		return 0;
	for (unsigned int i = 0; i < group->tiers && i < SW_MAX_TIERS; i++)
		if (group->tier[i] & usable)
			return group->tier[i] & usable;
	return 0;
}

uint8_t fib_answer_rank(const struct sw_group *group, uint64_t usable)
{
	if (!group || group->kind != SW_GROUP_ROUTE)
		return SW_NO_RANK;
	for (unsigned int i = 0; i < group->tiers && i < SW_MAX_TIERS; i++)
		if (group->tier[i] & usable)
			return group->rank[i];
	return SW_NO_RANK;
}

static const struct fib_group *group_next(const struct fib *fib, uint32_t *id)
{
	while (*id < fib->groups.end) {
		const struct fib_group *group = &fib->groups.v[(*id)++];

		if (group->state == GROUP_USED && group->refs)
			return group;
	}
	return NULL;
}

void fib_moved(const struct fib *fib, uint64_t before, uint64_t after, size_t *moved, size_t *lost)
{
	uint32_t id = FIB_GROUP_ROUTES;
	const struct fib_group *group;

	*moved = 0;
	*lost = 0;
	while ((group = group_next(fib, &id))) {
		uint64_t old = fib_answer(&group->content, before);
		uint64_t new = fib_answer(&group->content, after);

		if (old && !new)
			*lost += group->refs;
		else if (old && old != new)
			*moved += group->refs;
	}
}

size_t fib_improved(const struct fib *fib, uint64_t before, uint64_t after)
{
	uint32_t id = FIB_GROUP_ROUTES;
	const struct fib_group *group;
	size_t n = 0;

	while ((group = group_next(fib, &id))) {
		uint8_t old = fib_answer_rank(&group->content, before);

		if (old != SW_NO_RANK && fib_answer_rank(&group->content, after) < old)
			n += group->refs;
	}
	return n;
}

/* Some prefixes that are pointed to the group, `room` at most, the latest first. */
static size_t group_some(const struct fib *fib, const struct fib_group *group, struct prefix *out,
			 size_t room)
{
	const struct fib_recent *recent = group->recent;
	size_t left = recent ? recent->n : 0, tries = left < SOME_TRIES ? left : SOME_TRIES, n = 0;

	for (; tries && n < room; tries--) {
		const struct prefix *prefix = &recent->v[--left];
		const struct rib_node *node =
			(const struct rib_node *)trie_find(&fib->rib->view[VIEW_LOCAL], prefix);
		size_t k = 0;

		while (k < n && !prefix_equal(&out[k], prefix))
			k++;
		if (k == n && node && &fib->groups.v[node->group] == group)
			out[n++] = *prefix;
	}
	return n;
}

size_t fib_lost(const struct fib *fib, uint64_t usable, uint8_t rank, struct prefix *first,
		size_t room, uint64_t *paths)
{
	uint32_t id = FIB_GROUP_ROUTES;
	const struct fib_group *group;
	size_t lost = 0, n = 0;

	*paths = 0;
	while ((group = group_next(fib, &id))) {
		const struct sw_group *g = &group->content;

		if (g->kind != SW_GROUP_ROUTE || !g->tiers || g->rank[0] != rank ||
		    fib_answer(g, usable))
			continue;
		lost += group->refs;
		for (unsigned int i = 0; i < g->tiers && i < SW_MAX_TIERS; i++)
			*paths |= g->tier[i];
		n += group_some(fib, group, first + n, room - n);
	}
	return lost;
}

size_t fib_answered(const struct fib *fib, uint64_t usable, unsigned int path, struct prefix *first,
		    size_t room)
{
	uint32_t id = FIB_GROUP_ROUTES;
	const struct fib_group *group;
	size_t n = 0;

	while (n < room && (group = group_next(fib, &id)))
		if (fib_answer(&group->content, usable) >> path & 1)
			n += group_some(fib, group, first + n, room - n);
	return n;
}
