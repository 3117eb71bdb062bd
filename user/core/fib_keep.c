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
#define RECALL_PARTS  64   /* of an adopted prefix, looked at */

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

void fib_degraded_set(struct fib *fib, struct fib_entry *entry, uint8_t rank, uint64_t since_ns)
{
	if (entry->lost == SW_NO_RANK && rank != SW_NO_RANK)
		TAILQ_INSERT_TAIL(&fib->lost, entry, lost_link);
	else if (entry->lost != SW_NO_RANK && rank == SW_NO_RANK)
		TAILQ_REMOVE(&fib->lost, entry, lost_link);
	entry->lost = rank;
	entry->lost_ns = since_ns;
}

void fib_degraded_update(struct fib *fib, struct fib_entry *entry, uint8_t rank)
{
	if (entry->lost != SW_NO_RANK && !entry->lost_ns)
		entry->lost_ns = fib->now;
	if (rank <= entry->lost)
		fib_degraded_set(fib, entry, SW_NO_RANK, 0);
	if (fib->synced && entry->had < rank && entry->had < entry->lost)
		fib_degraded_set(fib, entry, entry->had, fib->now);
	entry->had = rank;
}

int fib_degraded_each(const struct fib *fib, fib_degraded_cb cb, void *arg)
{
	struct fib_entry *entry;

	TAILQ_FOREACH (entry, &fib->lost, lost_link) {
		int err = cb(arg, &entry->trie.prefix, entry->lost, entry->lost_ns);

		if (err)
			return err;
	}
	return 0;
}

int fib_degraded_restore(struct fib *fib, const struct prefix *prefix, uint8_t rank,
			 uint64_t since_ns)
{
	struct fib_entry *entry;

	if (rank == SW_NO_RANK)
		return -EINVAL;
	entry = fib_entry_get(fib, prefix);
	if (!entry)
		return -ENOMEM;
	fib_degraded_set(fib, entry, rank, since_ns);
	fib_entry_touch(fib, entry, false);
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
	struct fib_entry *entry;

	if (!id || id >= SW_MAX_GROUPS || fib->groups.v[id].state != GROUP_USED)
		return -ENOENT;
	entry = fib_entry_get(fib, prefix);
	if (!entry)
		return -ENOMEM;
	if (entry->group)
		return -EEXIST;
	fib_entry_point(fib, entry, id);
	fib_adopted_recall(fib, entry, &fib->groups.v[id].content);
	entry->adopted = true;
	fib->n_adopted++;
	fib->adopted = true;
	return 0;
}

void fib_adopted_recall(struct fib *fib, struct fib_entry *entry, const struct sw_group *group)
{
	if (group->kind != SW_GROUP_ROUTE)
		return;
	entry->had = fib_best_rank(fib, group->members);
	if (group->degraded != SW_NO_RANK && entry->lost == SW_NO_RANK)
		fib_degraded_set(fib, entry, group->degraded, 0);
}

void fib_adopted_done(struct fib *fib, struct fib_entry *entry)
{
	if (!entry->adopted)
		return;
	entry->adopted = false;
	fib->n_adopted--;
	if (!entry->unwanted)
		return;
	entry->unwanted = false;
	TAILQ_REMOVE(&fib->unwanted, entry, failed_link);
	fib->n_unwanted--;
}

/*
 * Tables are read back as what answers alike, not as the prefixes that were written: a prefix with
 * a longer one in it comes back in parts, two that answer alike as one.
 */
uint32_t fib_adopted_answer(const struct fib *fib, const struct prefix *prefix)
{
	const struct fib_entry *best = NULL;
	const struct trie_node *at = trie_match(&fib->entries, prefix);

	for (; at; at = trie_parent(at))
		if (((const struct fib_entry *)at)->adopted)
			return ((const struct fib_entry *)at)->group;
	at = trie_after(&fib->entries, prefix, prefix);
	for (int i = 0; at && i < RECALL_PARTS; i++) {
		const struct fib_entry *part = (const struct fib_entry *)at;
		const struct trie_node *route =
			trie_match(&fib->rib->view[VIEW_LOCAL], &at->prefix);

		if (part->adopted && fib->groups.v[part->group].content.kind == SW_GROUP_ROUTE &&
		    route && prefix_equal(&route->prefix, prefix) &&
		    (!best || at->prefix.len < best->trie.prefix.len))
			best = part;
		at = trie_after(&fib->entries, prefix, &at->prefix);
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

static void reserved_list(struct fib *fib, struct fib_entry *entry, bool listed)
{
	if (listed && !entry->listed)
		TAILQ_INSERT_TAIL(&fib->reserved, entry, reserved_link);
	else if (!listed && entry->listed)
		TAILQ_REMOVE(&fib->reserved, entry, reserved_link);
	entry->listed = listed;
}

static void reserved_add(struct fib *fib, const struct fib_reserved *r)
{
	struct fib_entry *entry = fib_entry_get(fib, &r->prefix);

	reserved_list(fib, entry, true);
	entry->reserved |= (uint8_t)(1 << r->kind);
	if (r->kind == SW_GROUP_INSIDE)
		entry->slot = r->slot;
	if (r->kind == SW_GROUP_LOCAL && r->slot == SW_LOCAL_ON_PATH)
		entry->reserved |= FIB_ON_PATH;
	fib->n_exempt += r->kind == SW_GROUP_EXEMPT;
}

/* Entries that the new list changes, or no longer has, are compiled again. */
static void reserved_compare(struct fib *fib)
{
	struct fib_entry *entry = TAILQ_FIRST(&fib->reserved);

	while (entry) {
		struct fib_entry *next = TAILQ_NEXT(entry, reserved_link);
		uint8_t changed = entry->reserved ^ entry->was_reserved;

		if (changed || entry->slot != entry->was_slot)
			fib_entry_touch(fib, entry, changed & 1 << SW_GROUP_EXEMPT);
		entry->was_reserved = entry->reserved;
		entry->was_slot = entry->slot;
		if (!entry->reserved)
			reserved_list(fib, entry, false);
		entry = next;
	}
}

int fib_set_reserved(struct fib *fib, const struct fib_reserved *v, size_t n)
{
	struct fib_entry *entry;

	for (size_t i = 0; i < n; i++) {
		if (fib_entry_get(fib, &v[i].prefix))
			continue;
		while (i--) {
			entry = (struct fib_entry *)trie_find(&fib->entries, &v[i].prefix);
			if (entry)
				fib_entry_prune(fib, entry);
		}
		return -ENOMEM;
	}
	TAILQ_FOREACH (entry, &fib->reserved, reserved_link) {
		entry->reserved = 0;
		entry->slot = 0;
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
	struct fib_entry *entry;

	while (*most && !fib->unfinished && (entry = LIST_FIRST(&fib->groups.v[id].entries))) {
		int ret = fib->ops.prefix_write(fib->ops.arg, &entry->trie.prefix, twin, false);

		if (ret < 0)
			return;
		fib->unfinished |= ret > 0;
		fib_entry_point(fib, entry, twin);
		--*most;
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
	struct fib_entry *entry = TAILQ_FIRST(&fib->lost);

	while (entry) {
		struct fib_entry *next = TAILQ_NEXT(entry, lost_link);
		struct prefix prefix = entry->trie.prefix;

		if (entry->lost_ns && fib->now > entry->lost_ns &&
		    fib->now - entry->lost_ns >= FIB_DEGRADED_NS) {
			fib_degraded_set(fib, entry, SW_NO_RANK, 0);
			fib_compile_prefix(fib, &prefix);
		}
		entry = next;
	}
}

static void refused_retry(struct fib *fib)
{
	size_t tries = fib->refused;

	for (size_t in_vain = 0; tries && in_vain < SETTLE_REFUSED; tries--) {
		size_t before = fib->refused;
		struct prefix prefix = TAILQ_FIRST(&fib->failed)->trie.prefix;

		if (fib_compile_prefix(fib, &prefix))
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

struct fib_counts fib_counts(const struct fib *fib)
{
	return (struct fib_counts){
		.installed4 = fib->installed[0],
		.installed6 = fib->installed[1],
		.groups = fib->groups.used,
		.refused = fib->refused,
		.tiers_cut = fib->cut,
		.pending = fib->rib->n_dirty + fib->n_dirty + fib->job.active + fib->full[0] +
			   fib->full[1] + fib->sweep[0] + fib->sweep[1] + fib->n_unwanted +
			   fib->unfinished,
		.moved = fib->moved,
		.lost = fib->lost_answers,
	};
}

bool fib_lookup(const struct fib *fib, const struct ip_addr *ip, struct prefix *prefix,
		struct sw_group *group)
{
	struct prefix host = prefix_host(ip);
	const struct trie_node *at = trie_match(&fib->entries, &host);

	while (at && !((const struct fib_entry *)at)->group)
		at = trie_parent(at);
	if (!at)
		return false;
	*prefix = at->prefix;
	*group = fib->groups.v[((const struct fib_entry *)at)->group].content;
	return true;
}
