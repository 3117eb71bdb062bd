/* SPDX-License-Identifier: GPL-2.0-only */
/* What others ask the RIB (rib.h): counts, walks, matches. */
#include "core/rib_internal.h"

struct rib_counts rib_counts(const struct rib *rib)
{
	struct rib_counts counts = rib->counts;

	counts.lost = rib->log.lost;
	return counts;
}

size_t rib_feed_routes(const struct rib *rib, feed_id feed)
{
	return feed < rib->n_feeds ? rib->feed[feed].routes + rib->feed[feed].logged : 0;
}

size_t rib_feed_stale(const struct rib *rib, feed_id feed)
{
	return feed < rib->n_feeds ? rib->feed[feed].stale : 0;
}

size_t rib_feed_path_routes(const struct rib *rib, feed_id feed, int path, uint8_t family)
{
	if (feed >= rib->n_feeds || path < 0 || path >= SW_MAX_PATHS)
		return 0;
	return rib->feed[feed].path[path][family == 6];
}

size_t rib_path_routes(const struct rib *rib, int path, uint8_t family)
{
	size_t n = 0;

	if (path < 0 || path >= SW_MAX_PATHS)
		return 0;
	if (family != 6)
		n += rib->path_routes[path][0];
	if (family != 4)
		n += rib->path_routes[path][1];
	return n;
}

uint64_t rib_paths_with_routes(const struct rib *rib, uint64_t paths)
{
	uint64_t with = 0;

	for (; paths; paths &= paths - 1)
		if (rib_path_routes(rib, __builtin_ctzll(paths), 0))
			with |= paths & -paths;
	return with;
}

bool rib_path_had_routes(const struct rib *rib, int path, uint8_t family)
{
	return path >= 0 && path < SW_MAX_PATHS && rib->path_had[path][family == 6];
}

bool rib_path_maintenance(const struct rib *rib, int path)
{
	return path >= 0 && path < SW_MAX_PATHS && rib->path_maintenance[path];
}

size_t rib_path_leaks(const struct rib *rib, int path)
{
	return path >= 0 && path < SW_MAX_PATHS ? rib->path_leaks[path] : 0;
}

size_t rib_remote_leaks(const struct rib *rib)
{
	return rib->remote_leaks;
}

struct rib_node *rib_next(const struct rib *rib, enum rib_view view, const struct rib_node *after)
{
	struct trie_node *at = trie_next(&rib->view[view], after ? &after->trie : NULL);

	while (at && !((struct rib_node *)at)->candidates)
		at = trie_next(&rib->view[view], at);
	return (struct rib_node *)at;
}

struct rib_node *rib_after(const struct rib *rib, enum rib_view view, const struct prefix *after)
{
	const struct prefix all4 = {.family = 4}, all6 = {.family = 6};
	const struct trie *trie = &rib->view[view];
	struct trie_node *at;

	at = trie_after(trie, after->family == 4 ? &all4 : &all6, after);
	if (!at && after->family == 4) {
		at = trie_find(trie, &all6);
		at = at ? at : trie_after(trie, &all6, &all6);
	}
	while (at && !((struct rib_node *)at)->candidates)
		at = trie_next(trie, at);
	return (struct rib_node *)at;
}

struct rib_node *rib_find(const struct rib *rib, enum rib_view view, const struct prefix *prefix)
{
	struct rib_node *node = (struct rib_node *)trie_find(&rib->view[view], prefix);

	return node && node->candidates ? node : NULL;
}

struct rib_node *rib_match(const struct rib *rib, enum rib_view view, const struct ip_addr *ip)
{
	struct prefix host = prefix_host(ip);
	struct trie_node *at = trie_match(&rib->view[view], &host);

	while (at && !((struct rib_node *)at)->trie.count)
		at = trie_parent(at);
	return (struct rib_node *)at;
}

struct rib_node *rib_parent(const struct rib_node *node)
{
	struct trie_node *at = trie_parent(&node->trie);

	while (at && !((struct rib_node *)at)->candidates)
		at = trie_parent(at);
	return (struct rib_node *)at;
}

const struct prefix *rib_node_prefix(const struct rib_node *node)
{
	return &node->trie.prefix;
}

const struct candidate *rib_node_candidates(const struct rib_node *node)
{
	return node->candidates;
}
