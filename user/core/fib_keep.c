/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the compiler keeps beyond one compile: what it adopted, the reserved prefixes, which
 * prefixes are degraded, and groups that settle. And the questions others ask of what is installed.
 *
 * Degraded (scenarios.md, reading key): a prefix remembers the best class rank that had candidates
 * when it was last compiled. When all candidates of that rank are gone, the rank is `lost` until
 * one of it or of a better one is back, or for 24 h; whatever happens to the rest of its candidates
 * meanwhile. After BGP has withdrawn a route only this memory tells a failover from a prefix that
 * always was on the VPN.
 */
#include "core/fib_internal.h"

#include <errno.h>

#define SETTLE_GRACES 3 /* as long as settling may go on in a row */
#define SETTLE_REFUSED                                                                             \
	64 /* refused prefixes tried in vain before the rest waits for the next time */
#define SETTLE_MERGED 4096 /* prefixes re-pointed a time, so that news of a link don't wait */
#define RECALL_PARTS  64   /* of an adopted prefix, looked at, */
#define RECALL_NODES  1024 /* among others */

uint8_t fib_best_rank(const struct fib *fib, uint64_t paths)
{
	uint8_t best = SW_NO_RANK;

	for (; paths; paths &= paths - 1) {
		const struct config_path *path;
		uint8_t rank;

		path = rib_path(fib->rib, (unsigned int)__builtin_ctzll(paths));
		rank = path ? config_rank(fib->cfg, path->class) : SW_NO_RANK;
		if (rank < best)
			best = rank;
	}
	return best;
}

int fib_degraded_set(struct fib *fib, struct rib_node *node, uint8_t rank, uint64_t since_ns)
{
	struct fib_rare *rare = rank == SW_NO_RANK ? fib_rare(fib, node) : fib_rare_get(fib, node);

	if (!rare)
		return rank == SW_NO_RANK ? 0 : -ENOMEM;
	if (rare->lost == SW_NO_RANK && rank != SW_NO_RANK)
		TAILQ_INSERT_TAIL(&fib->lost, rare, lost_link);
	else if (rare->lost != SW_NO_RANK && rank == SW_NO_RANK)
		TAILQ_REMOVE(&fib->lost, rare, lost_link);
	rare->lost = rank;
	rare->lost_ns = since_ns;
	return 0;
}

int fib_degraded_update(struct fib *fib, struct rib_node *node, uint8_t rank)
{
	struct fib_rare *rare = fib_rare(fib, node);
	uint8_t had = fib_had(node);
	int err = 0;

	if (rare && rare->lost != SW_NO_RANK && !rare->lost_ns)
		rare->lost_ns = fib->now;
	if (rank <= fib_lost_rank(fib, node))
		fib_degraded_set(fib, node, SW_NO_RANK, 0);
	if (fib->synced && had < rank && had < fib_lost_rank(fib, node))
		err = fib_degraded_set(fib, node, had, fib->now);
	if (!err)
		fib_had_set(node, rank);
	return err;
}

int fib_degraded_each(const struct fib *fib, fib_degraded_cb cb, void *arg)
{
	const struct fib_rare *rare;

	TAILQ_FOREACH (rare, &fib->lost, lost_link) {
		int err = cb(arg, &rare->node->trie.prefix, rare->lost, rare->lost_ns);

		if (err)
			return err;
	}
	return 0;
}

int fib_degraded_restore(struct fib *fib, const struct prefix *prefix, uint8_t rank,
			 uint64_t since_ns)
{
	struct rib_node *node;

	if (rank == SW_NO_RANK)
		return -EINVAL;
	node = fib_node_get(fib, prefix);
	if (!node)
		return -ENOMEM;
	if (fib_degraded_set(fib, node, rank, since_ns)) {
		fib_prune(fib, node);
		return -ENOMEM;
	}
	fib_touch(fib, fib_rare(fib, node), false);
	return 0;
}

int fib_adopt_group(struct fib *fib, uint32_t id, const struct sw_group *group)
{
	int err = fib_groups_adopt(&fib->groups, id, group);

	if (!err)
		fib->adopted = true;
	return err;
}

int fib_adopt_prefix(struct fib *fib, const struct prefix *prefix, uint32_t id)
{
	struct rib_node *node;

	if (!id || id >= SW_MAX_GROUPS || fib->groups.v[id].state != GROUP_USED)
		return -ENOENT;
	node = fib_node_get(fib, prefix);
	if (!node)
		return -ENOMEM;
	if (node->group)
		return -EEXIST;
	if (fib_groups_note(&fib->groups, id, prefix) ||
	    fib_adopted_recall(fib, node, &fib->groups.v[id].content)) {
		fib_prune(fib, node);
		return -ENOMEM;
	}
	fib_node_point(fib, node, id);
	node->adopted = true;
	fib->n_adopted++;
	fib->adopted = true;
	return 0;
}

int fib_adopted_recall(struct fib *fib, struct rib_node *node, const struct sw_group *group)
{
	int err = 0;

	if (group->kind != SW_GROUP_ROUTE)
		return 0;
	if (group->degraded != SW_NO_RANK && fib_lost_rank(fib, node) == SW_NO_RANK)
		err = fib_degraded_set(fib, node, group->degraded, 0);
	if (!err)
		fib_had_set(node, fib_best_rank(fib, group->members));
	return err;
}

void fib_adopted_done(struct fib *fib, struct rib_node *node)
{
	struct fib_rare *rare = fib_rare(fib, node);

	if (!node->adopted)
		return;
	node->adopted = false;
	fib->n_adopted--;
	if (!rare || !rare->unwanted)
		return;
	rare->unwanted = false;
	TAILQ_REMOVE(&fib->unwanted, rare, failed_link);
	fib->n_unwanted--;
}

/* The node after this one in the trie, if the prefix covers it. */
static const struct rib_node *part_after(const struct fib *fib, const struct rib_node *at,
					 const struct prefix *prefix)
{
	const struct trie_node *next = trie_next(&fib->rib->view[VIEW_LOCAL], &at->trie);

	return next && prefix_contains(prefix, &next->prefix) ? (const struct rib_node *)next
							      : NULL;
}

/* Whether nothing longer than `node` that has candidates covers it. */
static bool part_of(const struct rib_node *part, const struct rib_node *node)
{
	const struct rib_node *at = part;

	while (at != node && !at->candidates)
		at = (const struct rib_node *)trie_parent(&at->trie);
	return at == node;
}

/*
 * Tables are read back as what answers alike, not as the prefixes that were written: a prefix with
 * a longer one in it comes back in parts, two that answer alike as one.
 */
uint32_t fib_adopted_answer(const struct fib *fib, const struct rib_node *node)
{
	const struct rib_node *best = NULL, *at = node;
	int parts = 0;

	do {
		if (at->adopted)
			return at->group;
		at = (const struct rib_node *)trie_parent(&at->trie);
	} while (at);
	at = part_after(fib, node, &node->trie.prefix);
	for (int i = 0; at && parts < RECALL_PARTS && i < RECALL_NODES; i++) {
		parts += at->group != 0;
		if (at->adopted && fib->groups.v[at->group].content.kind == SW_GROUP_ROUTE &&
		    part_of(at, node) && (!best || at->trie.prefix.len < best->trie.prefix.len))
			best = at;
		at = part_after(fib, at, &node->trie.prefix);
	}
	return best ? best->group : 0;
}

void fib_sync_done(struct fib *fib)
{
	if (fib->synced)
		return;
	fib->synced = true;
	if (!fib->adopted)
		return;
	fib->full[0] = fib->full[1] = true;
	for (uint32_t id = FIB_GROUP_ROUTES; id < fib->groups.end; id++)
		fib_groups_drop(&fib->groups, id);
}

static void reserved_list(struct fib *fib, struct fib_rare *rare, bool listed)
{
	if (listed && !rare->listed)
		TAILQ_INSERT_TAIL(&fib->reserved, rare, reserved_link);
	else if (!listed && rare->listed)
		TAILQ_REMOVE(&fib->reserved, rare, reserved_link);
	rare->listed = listed;
}

static struct fib_rare *reserved_find(const struct fib *fib, const struct prefix *prefix)
{
	struct trie_node *node = trie_find(&fib->rib->view[VIEW_LOCAL], prefix);

	return node ? fib_rare(fib, (struct rib_node *)node) : NULL;
}

static void reserved_add(struct fib *fib, const struct fib_reserved *r)
{
	struct fib_rare *rare = reserved_find(fib, &r->prefix);

	reserved_list(fib, rare, true);
	rare->reserved |= (uint8_t)(1 << r->kind);
	if (r->kind == SW_GROUP_INSIDE)
		rare->slot = r->slot;
	if (r->kind == SW_GROUP_LOCAL && r->slot == SW_LOCAL_ON_PATH)
		rare->reserved |= FIB_ON_PATH;
	fib->n_exempt += r->kind == SW_GROUP_EXEMPT;
}

/* Nodes that the new list changes, or no longer has, are compiled again. */
static void reserved_compare(struct fib *fib)
{
	struct fib_rare *rare = TAILQ_FIRST(&fib->reserved);

	while (rare) {
		struct fib_rare *next = TAILQ_NEXT(rare, reserved_link);
		uint8_t changed = rare->reserved ^ rare->was_reserved;

		if (changed || rare->slot != rare->was_slot)
			fib_touch(fib, rare, changed & 1 << SW_GROUP_EXEMPT);
		rare->was_reserved = rare->reserved;
		rare->was_slot = rare->slot;
		if (!rare->reserved)
			reserved_list(fib, rare, false);
		rare = next;
	}
}

/* Room for all of them. 0, -ENOMEM with nothing changed. */
static int reserved_make(struct fib *fib, const struct fib_reserved *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct rib_node *node = fib_node_get(fib, &v[i].prefix);

		if (node && fib_rare_get(fib, node))
			continue;
		for (size_t k = 0; k <= i; k++) {
			struct trie_node *at = trie_find(&fib->rib->view[VIEW_LOCAL], &v[k].prefix);

			if (at)
				fib_prune(fib, (struct rib_node *)at);
		}
		return -ENOMEM;
	}
	return 0;
}

int fib_set_reserved(struct fib *fib, const struct fib_reserved *v, size_t n)
{
	struct fib_rare *rare;

	if (reserved_make(fib, v, n))
		return -ENOMEM;
	TAILQ_FOREACH (rare, &fib->reserved, reserved_link) {
		rare->reserved = 0;
		rare->slot = 0;
	}
	fib->n_exempt = 0;
	for (size_t i = 0; i < n; i++)
		reserved_add(fib, &v[i]);
	reserved_compare(fib);
	return 0;
}

/*
 * Re-points the prefixes of a group to its settled twin, so many at most; the rest, and what a
 * refused write leaves, the next time.
 */
static void group_merge(struct fib *fib, uint32_t id, uint32_t twin, size_t *most)
{
	struct fib_recent *recent;

	while (*most && !fib->unfinished && (recent = fib->groups.v[id].recent) && recent->n) {
		const struct prefix *prefix = &recent->v[--recent->n];
		struct rib_node *node =
			(struct rib_node *)trie_find(&fib->rib->view[VIEW_LOCAL], prefix);
		int ret;

		--*most;
		if (!node || node->group != id)
			continue;
		ret = fib->ops.prefix_write(fib->ops.arg, prefix, twin, false);
		if (ret < 0) {
			recent->n++;
			return;
		}
		fib->unfinished |= ret > 0;
		fib_groups_note(&fib->groups, twin, prefix); /* without memory it is not named */
		fib_node_point(fib, node, twin);
	}
}

static void group_settle(struct fib *fib, uint32_t id, size_t *most)
{
	struct sw_group settled = fib->groups.v[id].content;
	uint32_t twin;

	settled.since_ns = 0;
	twin = fib_groups_find(&fib->groups, &settled);
	if (twin)
		group_merge(fib, id, twin, most);
	else if (!fib->ops.group_write(fib->ops.arg, id, &settled))
		fib_groups_settled(&fib->groups, id);
}

static void degraded_expire(struct fib *fib)
{
	struct fib_rare *rare = TAILQ_FIRST(&fib->lost);

	while (rare) {
		struct fib_rare *next = TAILQ_NEXT(rare, lost_link);

		if (rare->lost_ns && fib->now > rare->lost_ns &&
		    fib->now - rare->lost_ns >= FIB_DEGRADED_NS) {
			fib_degraded_set(fib, rare->node, SW_NO_RANK, 0);
			fib_compile_node(fib, rare->node);
		}
		rare = next;
	}
}

static void refused_retry(struct fib *fib)
{
	size_t tries = fib->refused;

	for (size_t in_vain = 0; tries && in_vain < SETTLE_REFUSED; tries--) {
		size_t before = fib->refused;

		if (fib_compile_node(fib, TAILQ_FIRST(&fib->failed)->node))
			return;
		in_vain += fib->refused == before;
	}
}

void fib_settle(struct fib *fib, uint64_t now, uint64_t grace_ns)
{
	size_t most = SETTLE_MERGED;

	fib->now = now;
	fib_slice(fib, false);
	for (uint32_t id = FIB_GROUP_ROUTES; id < fib->groups.end; id++) {
		const struct fib_group *group = &fib->groups.v[id];
		uint64_t since = group->content.since_ns;

		if (group->state == GROUP_USED && since && now > since &&
		    now - since > SETTLE_GRACES * grace_ns)
			group_settle(fib, id, &most);
	}
	degraded_expire(fib);
	refused_retry(fib);
}

/* What is adopted comes back in parts: there may be more of them than prefixes. */
static size_t at_most(size_t installed, size_t prefixes)
{
	return installed < prefixes ? installed : prefixes;
}

struct fib_counts fib_counts(const struct fib *fib)
{
	struct rib_counts rib = rib_counts(fib->rib);

	return (struct fib_counts){
		.installed4 = at_most(fib->installed[0], rib.prefixes4),
		.installed6 = at_most(fib->installed[1], rib.prefixes6),
		.groups = fib->groups.used,
		.refused = fib->refused,
		.tiers_cut = fib->cut,
		.pending = fib->rib->log.n + fib->rib->n_dirty + fib->n_dirty + fib->job.active +
			   fib->full[0] + fib->full[1] + fib->sweep[0] + fib->sweep[1] +
			   fib->n_unwanted + fib->unfinished,
		.moved = fib->moved,
		.lost = fib->lost_answers,
	};
}

bool fib_cover(const struct fib *fib, const struct prefix *of, struct prefix *prefix,
	       struct sw_group *group)
{
	const struct rib_node *at =
		(const struct rib_node *)trie_match(&fib->rib->view[VIEW_LOCAL], of);

	while (at && !at->group)
		at = (const struct rib_node *)trie_parent(&at->trie);
	if (!at)
		return false;
	*prefix = at->trie.prefix;
	*group = fib->groups.v[at->group].content;
	return true;
}

bool fib_lookup(const struct fib *fib, const struct ip_addr *ip, struct prefix *prefix,
		struct sw_group *group)
{
	struct prefix host = prefix_host(ip);

	return fib_cover(fib, &host, prefix, group);
}
