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
	fib->entries.node_size = sizeof(struct fib_entry);
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
	trie_clear(&fib->entries);
	fib_groups_free(&fib->groups);
	free(fib);
}

/* There is none yet. near: an entry near by, or NULL. */
static struct fib_entry *entry_make(struct fib *fib, const struct prefix *prefix,
				    struct fib_entry *near)
{
	struct trie_node *node = trie_insert_near(&fib->entries, near ? &near->trie : NULL, prefix);
	struct fib_entry *entry = (struct fib_entry *)node;

	if (entry) {
		entry->had = SW_NO_RANK;
		entry->lost = SW_NO_RANK;
	}
	return entry;
}

struct fib_entry *fib_entry_get(struct fib *fib, const struct prefix *prefix)
{
	struct fib_entry *entry = (struct fib_entry *)trie_find(&fib->entries, prefix);

	return entry ? entry : entry_make(fib, prefix, NULL);
}

bool fib_entry_prune(struct fib *fib, struct fib_entry *entry)
{
	if (entry->group || entry->reserved || entry->dirty || entry->failed ||
	    entry->had != SW_NO_RANK || entry->lost != SW_NO_RANK)
		return false;
	trie_remove(&fib->entries, &entry->trie);
	return true;
}

void fib_entry_touch(struct fib *fib, struct fib_entry *entry, bool range)
{
	entry->range |= range;
	if (entry->dirty)
		return;
	entry->dirty = true;
	TAILQ_INSERT_TAIL(&fib->dirty, entry, dirty_link);
	fib->n_dirty++;
}

/* The last write for the entry failed, or all is well. One that fails again goes last. */
static void entry_failed(struct fib *fib, struct fib_entry *entry, bool failed)
{
	if (entry->failed) {
		TAILQ_REMOVE(&fib->failed, entry, failed_link);
		fib->refused--;
	}
	entry->failed = failed;
	if (failed) {
		TAILQ_INSERT_TAIL(&fib->failed, entry, failed_link);
		fib->refused++;
	}
}

static void entry_unlink(struct fib *fib, struct fib_entry *entry)
{
	struct fib_group *group = &fib->groups.v[entry->group];

	LIST_REMOVE(entry, group_link);
	group->refs--;
	fib->groups.used -= !group->refs;
	if (group->content.kind == SW_GROUP_ROUTE)
		fib->installed[entry->trie.prefix.family == 6]--;
	fib_groups_drop(&fib->groups, entry->group);
	entry->group = 0;
}

void fib_entry_point(struct fib *fib, struct fib_entry *entry, uint32_t id)
{
	const struct prefix *prefix = &entry->trie.prefix;
	struct fib_group *group = &fib->groups.v[id];
	bool route = id && group->content.kind == SW_GROUP_ROUTE;

	if (fib->ops.changed)
		fib->ops.changed(fib->ops.arg, prefix,
				 entry->group ? &fib->groups.v[entry->group].content : NULL,
				 id ? &group->content : NULL);
	if (!prefix->len && fib->cfg->default_route == DEFAULT_ROUTE_LAST)
		fib->ops.default_write(fib->ops.arg, prefix->family, route ? id : 0);
	if (entry->group)
		entry_unlink(fib, entry);
	if (!id)
		return;
	entry->group = id;
	LIST_INSERT_HEAD(&group->entries, entry, group_link);
	fib->groups.used += !group->refs;
	group->refs++;
	fib->installed[prefix->family == 6] += route;
}

static bool prefix_is_exempt(const struct fib *fib, const struct prefix *prefix)
{
	struct trie_node *at = fib->n_exempt ? trie_match(&fib->entries, prefix) : NULL;

	while (at && !(((struct fib_entry *)at)->reserved & 1 << SW_GROUP_EXEMPT))
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
static struct sw_group prefix_want(const struct fib *fib, const struct prefix *prefix,
				   const struct fib_entry *entry,
				   const struct policy_answer *answer, bool live)
{
	uint8_t reserved = entry ? entry->reserved : 0;
	struct sw_group want = {.kind = SW_GROUP_FREE};

	if (reserved & 1 << SW_GROUP_LOCAL)
		return fib_group_reserved(SW_GROUP_LOCAL,
					  reserved & FIB_ON_PATH ? SW_LOCAL_ON_PATH : 0);
	if ((live || reserved) && prefix_is_exempt(fib, prefix))
		return fib_group_reserved(SW_GROUP_EXEMPT, 0);
	if (reserved & 1 << SW_GROUP_INSIDE)
		return fib_group_reserved(SW_GROUP_INSIDE, entry->slot);
	if (!live)
		return want;
	want = answer_group(answer);
	if (entry->lost < entry->had && entry->had != SW_NO_RANK)
		want.degraded = entry->lost;
	return want;
}

/* The nearest installed entry, itself or one that covers it. */
static const struct fib_entry *entry_installed(const struct fib_entry *at)
{
	while (at && !at->group)
		at = (const struct fib_entry *)trie_parent(&at->trie);
	return at;
}

/* The group that the prefix's packets get now: its own, else of the nearest installed prefix. */
static const struct sw_group *group_now(const struct fib *fib, const struct fib_entry *entry)
{
	const struct fib_entry *at = fib->was ? NULL : entry_installed(entry);
	uint32_t id = at ? at->group : fib->was;

	return id ? &fib->groups.v[id].content : NULL;
}

/* When a feed last changed the answer, were the prefix to become `want` now. */
static uint64_t since_of(const struct fib *fib, const struct fib_entry *entry,
			 const struct sw_group *want)
{
	const struct sw_group *old = group_now(fib, entry);
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

static int prefix_remove(struct fib *fib, struct fib_entry *entry)
{
	const struct fib_entry *cover;
	int ret;

	if (!entry->group)
		return 0;
	cover = entry_installed((const struct fib_entry *)trie_parent(&entry->trie));
	if (cover && !cover->trie.prefix.len)
		cover = NULL;
	ret = fib->ops.prefix_remove(fib->ops.arg, &entry->trie.prefix,
				     cover ? cover->trie.prefix.len : 0, cover ? cover->group : 0);
	if (ret < 0 && ret != -ENOENT)
		return ret;
	fib->unfinished |= ret > 0;
	fib_entry_point(fib, entry, 0);
	return 0;
}

/* Makes the prefix be `want`. 0, or the error of the write that was refused. */
static int prefix_apply(struct fib *fib, struct fib_entry *entry, struct sw_group *want)
{
	uint32_t id;
	int err;

	if (want->kind == SW_GROUP_FREE)
		return prefix_remove(fib, entry);
	fib_adopted_done(fib, entry);
	if (entry->group && same_but_since(&fib->groups.v[entry->group].content, *want))
		return 0;
	want->since_ns = since_of(fib, entry, want);
	err = fib_groups_get(&fib->groups, &fib->ops, want, &id);
	if (err)
		return err;
	err = fib->ops.prefix_write(fib->ops.arg, &entry->trie.prefix, id, !entry->group);
	if (err < 0) {
		fib_groups_drop(&fib->groups, id);
		return err;
	}
	fib->unfinished |= err > 0;
	fib_entry_point(fib, entry, id);
	return 0;
}

/* The paths that the prefix's packets are sent to now; 0: none, or the prefix is no route. */
static uint64_t answer_now(const struct fib *fib, const struct fib_entry *entry)
{
	const struct sw_group *group = group_now(fib, entry);

	return group && group->kind == SW_GROUP_ROUTE ? fib_answer(group, fib->usable) : 0;
}

/* An installed prefix was compiled: what became of its packets. */
static void count_moved(struct fib *fib, const struct fib_entry *entry, uint64_t before)
{
	uint64_t after = answer_now(fib, entry);

	if (!fib->synced || !before || before == after)
		return;
	if (after && fib->job.adopted) /* a part of what was counted when it was compiled */
		return;
	if (after)
		fib->moved++;
	else
		fib->lost_answers++;
}

/* An adopted prefix that nothing asks for stays while anything else is to be compiled. */
static bool adopted_keep(struct fib *fib, struct fib_entry *entry, const struct sw_group *want)
{
	if (!entry->adopted || want->kind != SW_GROUP_FREE)
		return false;
	if (!entry->unwanted) {
		entry->unwanted = true;
		TAILQ_INSERT_TAIL(&fib->unwanted, entry, failed_link);
		fib->n_unwanted++;
	}
	return true;
}

/* A prefix that an earlier daemon had, whole or in parts: what it knew of it. */
static void adopted_recall(struct fib *fib, struct fib_entry *entry)
{
	if (entry->group || !fib->n_adopted || entry->had != SW_NO_RANK)
		return;
	fib->was = fib_adopted_answer(fib, &entry->trie.prefix);
	if (fib->was)
		fib_adopted_recall(fib, entry, &fib->groups.v[fib->was].content);
}

int fib_compile_node(struct fib *fib, const struct prefix *prefix, const struct rib_node *node,
		     struct fib_entry **at, struct fib_entry *near)
{
	struct policy_answer answer;
	bool live = node && node->trie.count;
	bool hold = fib->adopted && !fib->synced;
	struct fib_entry *entry = *at;
	struct sw_group want;
	uint64_t before;

	if (!entry && !live)
		return 0;
	if (!entry)
		entry = *at = entry_make(fib, prefix, near);
	if (!entry)
		return -ENOMEM;
	answer.members = answer.n_tiers = answer.cut = 0;
	if (live && !hold) {
		policy_tiers(fib->cfg, node, &answer);
		adopted_recall(fib, entry);
	}
	if (!hold)
		fib_degraded_update(fib, entry, fib_best_rank(fib, answer.members));
	want = prefix_want(fib, prefix, entry, &answer, live);
	before = entry->group || fib->was ? answer_now(fib, entry) : 0;
	if (!adopted_keep(fib, entry, &want) &&
	    (!hold || (want.kind != SW_GROUP_ROUTE && want.kind != SW_GROUP_FREE))) {
		entry_failed(fib, entry, prefix_apply(fib, entry, &want) != 0);
		fib->cut -= entry->cut;
		entry->cut = want.kind == SW_GROUP_ROUTE ? (uint8_t)answer.cut : 0;
		fib->cut += entry->cut;
	}
	fib->was = 0;
	count_moved(fib, entry, before);
	if (fib_entry_prune(fib, entry))
		*at = NULL;
	return 0;
}

int fib_compile_prefix(struct fib *fib, const struct prefix *prefix)
{
	struct trie_node *node = trie_find(&fib->rib->view[VIEW_LOCAL], prefix);
	struct fib_entry *entry = (struct fib_entry *)trie_find(&fib->entries, prefix);

	return fib_compile_node(fib, prefix, (struct rib_node *)node, &entry, NULL);
}
