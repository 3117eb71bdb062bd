/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The compiler (fib.h). One function says what a prefix should be (prefix_want), one makes it so
 * (prefix_apply); jobs (fib_job.c) say which prefixes are to be looked at.
 *
 * Make before break: a group is written before a prefix points to it, the prefix points to the new
 * group before the old one is let go, and that one's id rests until no packet can have it. What an
 * earlier daemon left answers for its packets until all that is wanted is installed, and goes then.
 */
#include "core/fib_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SINCE_STEP_NS 100000000ULL /* one batch of changes, one group */

struct fib *fib_new(const struct config *cfg, struct rib *rib, const struct fib_ops *ops)
{
	struct fib *fib = calloc(1, sizeof(*fib));

	if (!fib)
		return NULL;
	if (fib_groups_init(&fib->groups)) {
		free(fib);
		return NULL;
	}
	fib->cfg = cfg;
	fib->rib = rib;
	fib->ops = *ops;
	TAILQ_INIT(&fib->dirty);
	TAILQ_INIT(&fib->lost);
	TAILQ_INIT(&fib->failed);
	TAILQ_INIT(&fib->reserved);
	TAILQ_INIT(&fib->unwanted);
	return fib;
}

void fib_free(struct fib *fib)
{
	if (!fib)
		return;
	fib_rare_free(&fib->rare);
	fib_groups_free(&fib->groups);
	free(fib);
}

void fib_touch(struct fib *fib, struct fib_rare *rare, bool range)
{
	rare->range |= range;
	if (rare->dirty)
		return;
	rare->dirty = true;
	TAILQ_INSERT_TAIL(&fib->dirty, rare, dirty_link);
	fib->n_dirty++;
}

/* The last write for the node failed, or all is well. One that fails again goes last. */
static int node_failed(struct fib *fib, struct rib_node *node, bool failed)
{
	struct fib_rare *rare = failed ? fib_rare_get(fib, node) : fib_rare(fib, node);

	if (!rare)
		return failed ? -ENOMEM : 0;
	if (rare->failed) {
		TAILQ_REMOVE(&fib->failed, rare, failed_link);
		fib->refused--;
	}
	rare->failed = failed;
	if (failed) {
		TAILQ_INSERT_TAIL(&fib->failed, rare, failed_link);
		fib->refused++;
	}
	return 0;
}

static void node_unlink(struct fib *fib, struct rib_node *node)
{
	struct fib_group *group = &fib->groups.v[node->group];

	group->refs--;
	fib->groups.used -= !group->refs;
	if (group->content.kind == SW_GROUP_ROUTE)
		fib->installed[node->trie.prefix.family == 6]--;
	fib_groups_drop(&fib->groups, node->group);
	node->group = 0;
}

void fib_node_point(struct fib *fib, struct rib_node *node, uint32_t id)
{
	const struct prefix *prefix = &node->trie.prefix;
	struct fib_group *group = &fib->groups.v[id];
	bool route = id && group->content.kind == SW_GROUP_ROUTE;

	if (fib->ops.changed)
		fib->ops.changed(fib->ops.arg, prefix,
				 node->group ? &fib->groups.v[node->group].content : NULL,
				 id ? &group->content : NULL);
	if (!prefix->len && fib->cfg->default_route == DEFAULT_ROUTE_LAST)
		fib->ops.default_write(fib->ops.arg, prefix->family, route ? id : 0);
	if (node->group)
		node_unlink(fib, node);
	if (!id)
		return;
	node->group = (uint16_t)id;
	fib->groups.used += !group->refs;
	group->refs++;
	fib->installed[prefix->family == 6] += route;
}

static uint8_t node_reserved(const struct fib *fib, const struct rib_node *node)
{
	const struct fib_rare *rare = fib_rare(fib, node);

	return rare ? rare->reserved : 0;
}

static bool node_is_exempt(const struct fib *fib, const struct rib_node *node)
{
	const struct trie_node *at = fib->n_exempt ? &node->trie : NULL;

	while (at && !(node_reserved(fib, (const struct rib_node *)at) & 1 << SW_GROUP_EXEMPT))
		at = trie_parent(at);
	return at;
}

static struct sw_group answer_group(const struct policy_answer *answer)
{
	struct sw_group group = {
		.kind = SW_GROUP_ROUTE,
		.tiers = (uint8_t)answer->n_tiers,
		.degraded = SW_NO_RANK,
		.members = answer->members,
	};

	for (size_t i = 0; i < answer->n_tiers; i++) {
		group.tier[i] = answer->tier[i].paths;
		group.rank[i] = answer->tier[i].rank;
	}
	return group;
}

/* What the prefix should be, but for since_ns; kind FREE: not installed. live: it has candidates.
 */
static struct sw_group prefix_want(const struct fib *fib, const struct rib_node *node,
				   const struct policy_answer *answer, bool live)
{
	uint8_t reserved = node_reserved(fib, node), lost = fib_lost_rank(fib, node);
	struct sw_group want = {.kind = SW_GROUP_FREE};

	if (reserved & 1 << SW_GROUP_LOCAL)
		return fib_group_reserved(SW_GROUP_LOCAL,
					  reserved & FIB_ON_PATH ? SW_LOCAL_ON_PATH : 0);
	if ((live || reserved) && node_is_exempt(fib, node))
		return fib_group_reserved(SW_GROUP_EXEMPT, 0);
	if (reserved & 1 << SW_GROUP_INSIDE)
		return fib_group_reserved(SW_GROUP_INSIDE, fib_rare(fib, node)->slot);
	if (!live)
		return want;
	want = answer_group(answer);
	if (lost < fib_had(node) && fib_had(node) != SW_NO_RANK)
		want.degraded = lost;
	return want;
}

/* The nearest installed node, itself or one that covers it. */
static const struct rib_node *node_installed(const struct rib_node *at)
{
	while (at && !at->group)
		at = (const struct rib_node *)trie_parent(&at->trie);
	return at;
}

/* The group that the prefix's packets get now: its own, else of the nearest installed prefix. */
static const struct sw_group *group_now(const struct fib *fib, const struct rib_node *node)
{
	const struct rib_node *at = fib->was ? NULL : node_installed(node);
	uint32_t id = at ? at->group : fib->was;

	return id ? &fib->groups.v[id].content : NULL;
}

/* When a feed last changed the answer, were the prefix to become `want` now. */
static uint64_t since_of(const struct fib *fib, const struct rib_node *node,
			 const struct sw_group *want)
{
	const struct sw_group *old = group_now(fib, node);
	uint64_t before;

	if (want->kind != SW_GROUP_ROUTE || !old || old->kind != SW_GROUP_ROUTE)
		return 0;
	before = fib_answer(old, fib->usable);
	if (!fib->synced || !before || before == fib_answer(want, fib->usable))
		return old->since_ns;
	return fib->now < SINCE_STEP_NS ? 1 : fib->now - fib->now % SINCE_STEP_NS;
}

static bool same_but_since(const struct sw_group *a, struct sw_group b)
{
	b.since_ns = a->since_ns;
	return !memcmp(a, &b, sizeof(b));
}

static int prefix_remove(struct fib *fib, struct rib_node *node)
{
	const struct rib_node *cover;
	int ret;

	if (!node->group)
		return 0;
	cover = node_installed((const struct rib_node *)trie_parent(&node->trie));
	if (cover && !cover->trie.prefix.len)
		cover = NULL;
	ret = fib->ops.prefix_remove(fib->ops.arg, &node->trie.prefix,
				     cover ? cover->trie.prefix.len : 0, cover ? cover->group : 0);
	if (ret < 0 && ret != -ENOENT)
		return ret;
	fib->unfinished |= ret > 0;
	fib_node_point(fib, node, 0);
	return 0;
}

/* Makes the prefix be `want`. 0, or the error of the write that was refused. */
static int prefix_apply(struct fib *fib, struct rib_node *node, struct sw_group *want)
{
	uint32_t id;
	int err;

	if (want->kind == SW_GROUP_FREE)
		return prefix_remove(fib, node);
	fib_adopted_done(fib, node);
	if (node->group && same_but_since(&fib->groups.v[node->group].content, *want))
		return 0;
	want->since_ns = since_of(fib, node, want);
	err = fib_groups_get(&fib->groups, &fib->ops, want, &id);
	if (err)
		return err;
	err = fib_groups_note(&fib->groups, id, &node->trie.prefix);
	if (!err)
		err = fib->ops.prefix_write(fib->ops.arg, &node->trie.prefix, id, !node->group);
	if (err < 0) {
		fib_groups_drop(&fib->groups, id);
		return err;
	}
	fib->unfinished |= err > 0;
	fib_node_point(fib, node, id);
	return 0;
}

/* The paths that the prefix's packets are sent to now; 0: none, or the prefix is no route. */
static uint64_t answer_now(const struct fib *fib, const struct rib_node *node)
{
	const struct sw_group *group = group_now(fib, node);

	return group && group->kind == SW_GROUP_ROUTE ? fib_answer(group, fib->usable) : 0;
}

/* An installed prefix was compiled: what became of its packets. */
static void count_moved(struct fib *fib, const struct rib_node *node, uint64_t before)
{
	uint64_t after;

	if (!fib->synced || !before)
		return;
	after = answer_now(fib, node);
	if (before == after)
		return;
	if (after && fib->job.adopted) /* a part of what was counted when it was compiled */
		return;
	if (after)
		fib->moved++;
	else
		fib->lost_answers++;
}

/* An adopted prefix that nothing asks for stays while anything else is to be compiled. */
static int adopted_keep(struct fib *fib, struct rib_node *node)
{
	struct fib_rare *rare = fib_rare_get(fib, node);

	if (!rare)
		return -ENOMEM;
	if (!rare->unwanted) {
		rare->unwanted = true;
		TAILQ_INSERT_TAIL(&fib->unwanted, rare, failed_link);
		fib->n_unwanted++;
	}
	return 0;
}

/* A prefix that an earlier daemon had, whole or in parts: what it knew of it. */
static int adopted_recall(struct fib *fib, struct rib_node *node)
{
	if (node->group || !fib->n_adopted || fib_had(node) != SW_NO_RANK)
		return 0;
	fib->was = fib_adopted_answer(fib, node);
	if (!fib->was)
		return 0;
	return fib_adopted_recall(fib, node, &fib->groups.v[fib->was].content);
}

/* Tiers that were left out of the installed group. */
static int node_cut(struct fib *fib, struct rib_node *node, size_t cut)
{
	struct fib_rare *rare = cut ? fib_rare_get(fib, node) : fib_rare(fib, node);

	if (!rare)
		return cut ? -ENOMEM : 0;
	fib->cut -= rare->cut;
	rare->cut = (uint8_t)cut;
	fib->cut += cut;
	return 0;
}

/* Makes the prefix be what its candidates and its reservation say. 0, -ENOMEM: try again. */
static int node_apply(struct fib *fib, struct rib_node *node, const struct policy_answer *answer,
		      bool live)
{
	bool hold = fib->adopted && !fib->synced;
	struct sw_group want = prefix_want(fib, node, answer, live);
	uint64_t before = node->group || fib->was ? answer_now(fib, node) : 0;
	int err = 0;

	if (node->adopted && want.kind == SW_GROUP_FREE) {
		err = adopted_keep(fib, node);
	} else if (!hold || (want.kind != SW_GROUP_ROUTE && want.kind != SW_GROUP_FREE)) {
		err = node_failed(fib, node, prefix_apply(fib, node, &want) != 0);
		if (!err)
			err = node_cut(fib, node, want.kind == SW_GROUP_ROUTE ? answer->cut : 0);
	}
	fib->was = 0;
	count_moved(fib, node, before);
	return err;
}

int fib_compile_node(struct fib *fib, struct rib_node *node)
{
	struct policy_answer answer;
	bool live = node->trie.count;
	bool hold = fib->adopted && !fib->synced;
	int err = 0;

	answer.members = answer.n_tiers = answer.cut = 0;
	if (live && !hold) {
		policy_tiers(fib->cfg, node, &answer);
		err = adopted_recall(fib, node);
	}
	if (!err && !hold)
		err = fib_degraded_update(fib, node, fib_best_rank(fib, answer.members));
	if (!err)
		err = node_apply(fib, node, &answer, live);
	fib->was = 0;
	fib_prune(fib, node);
	return err;
}

int fib_compile_prefix(struct fib *fib, const struct prefix *prefix)
{
	struct trie_node *node = trie_find(&fib->rib->view[VIEW_LOCAL], prefix);

	return node ? fib_compile_node(fib, (struct rib_node *)node) : 0;
}
