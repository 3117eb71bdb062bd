/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The RIB (rib.h): what feeds say, kept whole. A change costs the walk down one branch of the trie
 * and the few candidates of its prefix; only what concerns a whole feed (rib_feed.c) walks more.
 *
 * Every count is kept by candidate_count(), which is called with -1 before a candidate changes and
 * with +1 after, so that the counts can't drift from the candidates.
 */
#include "core/policy.h"
#include "core/rib_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct rib *rib_new(const struct config *cfg, const uint8_t *path_ids)
{
	struct rib *rib = calloc(1, sizeof(*rib));

	if (!rib)
		return NULL;
	rib->cfg = cfg;
	for (size_t i = 0; i < cfg->n_paths; i++) {
		size_t id = path_ids ? path_ids[i] : i;

		if (id < SW_MAX_PATHS)
			rib->path[id] = &cfg->paths[i];
	}
	for (int view = 0; view < VIEW_COUNT; view++)
		rib->view[view].node_size = sizeof(struct rib_node);
	TAILQ_INIT(&rib->dirty);
	return rib;
}

static void candidate_free(struct candidate *c)
{
	free(c->as_path);
	free(c);
}

void rib_free(struct rib *rib)
{
	if (!rib)
		return;
	for (int view = 0; view < VIEW_COUNT; view++) {
		struct trie_node *at = NULL;

		while ((at = trie_next(&rib->view[view], at))) {
			struct rib_node *node = (struct rib_node *)at;

			while (node->candidates) {
				struct candidate *c = node->candidates;

				node->candidates = c->next;
				candidate_free(c);
			}
		}
		trie_clear(&rib->view[view]);
	}
	free(rib->feeds);
	free(rib->nets);
	free(rib->own);
	free(rib);
}

static void count_live(struct rib *rib, struct rib_node *node, const struct candidate *c,
		       enum rib_view view, int by)
{
	bool is6 = node->trie.prefix.family == 6;
	bool before = node->n_live > 0;

	node->n_live += (size_t)by;
	if (view != VIEW_LOCAL)
		return;
	rib->path_routes[c->path][is6] += (size_t)by;
	rib->feeds[c->feed].path[c->path][is6] += (size_t)by;
	if (policy_maintenance(c))
		rib->path_maintenance[c->path] += (size_t)by;
	if (before != (node->n_live > 0))
		*(is6 ? &rib->counts.prefixes6 : &rib->counts.prefixes4) += (size_t)by;
}

/* Adds (by 1) or takes away (by -1) what the candidate counts for, as it is now. */
void candidate_count(struct rib *rib, const struct candidate *c, enum rib_view view, int by)
{
	if (c->stale_ns)
		rib->n_stale += (size_t)by;
	if (c->chosen)
		return;
	rib->counts.candidates += (size_t)by;
	if (c->own)
		rib->counts.own += (size_t)by;
	if (!c->peer_down) {
		rib->feeds[c->feed].routes += (size_t)by;
		if (c->stale)
			rib->feeds[c->feed].stale += (size_t)by;
	}
	if (candidate_live(c))
		count_live(rib, c->node, c, view, by);
}

void rib_touch(struct rib *rib, struct rib_node *node, enum rib_view view)
{
	if (view == VIEW_REMOTE) {
		if (!node->candidates)
			trie_remove(&rib->view[view], &node->trie);
		return;
	}
	if (node->dirty)
		return;
	node->dirty = true;
	TAILQ_INSERT_TAIL(&rib->dirty, node, dirty_link);
	rib->n_dirty++;
}

struct rib_node *rib_dirty_first(struct rib *rib)
{
	return TAILQ_FIRST(&rib->dirty);
}

void rib_clean(struct rib *rib, struct rib_node *node)
{
	if (!node->dirty)
		return;
	TAILQ_REMOVE(&rib->dirty, node, dirty_link);
	node->dirty = false;
	rib->n_dirty--;
}

void rib_prune(struct rib *rib, struct rib_node *node)
{
	if (!node->candidates && !node->dirty)
		trie_remove(&rib->view[VIEW_LOCAL], &node->trie);
}

void candidate_remove(struct rib *rib, struct candidate **link, enum rib_view view)
{
	struct candidate *c = *link;

	candidate_count(rib, c, view, -1);
	*link = c->next;
	candidate_free(c);
}

static int feed_reserve(struct rib *rib, feed_id feed)
{
	size_t n = (size_t)feed + 1;
	struct rib_feed_counts *v;

	if (n <= rib->n_feeds)
		return 0;
	v = realloc(rib->feeds, n * sizeof(*v));
	if (!v)
		return -ENOMEM;
	memset(v + rib->n_feeds, 0, (n - rib->n_feeds) * sizeof(*v));
	rib->feeds = v;
	rib->n_feeds = n;
	return 0;
}

static bool feed_is(const struct rib *rib, feed_id feed, enum config_feed_type type)
{
	return feed < rib->cfg->n_feeds && rib->cfg->feeds[feed].type == type;
}

/*
 * Azure's VPN gateway has the networks of a site without BGP as it has those of its own VNet: what
 * is inside here is such a site's.
 */
static enum sw_class remote_class(const struct rib *rib, feed_id feed, const struct route *route)
{
	if (feed_is(rib, feed, FEED_AZURE) && route->class == SW_CLASS_PEERING &&
	    rib_is_inside(rib, route))
		return SW_CLASS_VPN;
	if (route->has_class)
		return route->class;
	return route->has_as_path && route->n_as && route->as_path[0] == 12076
		       ? SW_CLASS_EXPRESSROUTE
		       : SW_CLASS_VPN;
}

/* A candidate with a copy of all that the route says; NULL when out of memory. */
static struct candidate *candidate_new(const struct rib *rib, feed_id feed,
				       const struct route *route, int path, bool own, uint64_t now)
{
	struct candidate *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->feed = feed;
	c->source = route->source;
	c->sub = route->sub;
	c->chosen = route->chosen;
	c->path = path;
	c->own = own;
	c->peer = route->peer;
	c->nexthop = route->nexthop;
	c->has_as_path = route->has_as_path;
	c->has_local_pref = route->has_local_pref;
	c->local_pref = route->has_local_pref ? route->local_pref : 100;
	c->updated_ns = now;
	c->heard_ns = now - route->age_ns;
	if (path >= 0) {
		c->has_class = true;
		c->class = rib->path[path]->class;
		c->circuit_id = rib->path[path]->circuit_id;
	} else if (route->view == VIEW_REMOTE) {
		c->has_class = true;
		c->class = remote_class(rib, feed, route);
		memcpy(c->circuit, route->circuit, sizeof(c->circuit));
		c->second_hand = route->second_hand;
	}
	if (!route->has_as_path || !route->n_as)
		return c;
	c->n_as = route->n_as;
	c->as_path = malloc(c->n_as * sizeof(*c->as_path));
	if (!c->as_path) {
		free(c);
		return NULL;
	}
	memcpy(c->as_path, route->as_path, c->n_as * sizeof(*c->as_path));
	return c;
}

/* A feed of BGP sessions: a route is known by its session and path id. */
static bool feed_by_sub(const struct rib *rib, feed_id feed)
{
	if (feed >= rib->cfg->n_feeds)
		return false;
	switch (rib->cfg->feeds[feed].type) {
	case FEED_BGP:
	case FEED_BMP:
	case FEED_MRT:
		return true;
	default:
		return false;
	}
}

/* Whether `new` replaces `old` of the same prefix: see rib_announce() for who is who. */
static bool candidate_same(const struct rib *rib, const struct candidate *old,
			   const struct candidate *new)
{
	if (old->feed != new->feed || old->source != new->source || old->sub != new->sub ||
	    old->chosen != new->chosen)
		return false;
	if (feed_by_sub(rib, new->feed) || new->sub)
		return !old->swept || old->path == new->path;
	if (old->path != new->path)
		return false;
	if (new->path >= 0 && !feed_is(rib, new->feed, FEED_FRR))
		return true;
	if (new->path >= 0 || old->own || new->own)
		return ip_equal(&old->peer, &new->peer) && ip_equal(&old->nexthop, &new->nexthop);
	return old->class == new->class && !strcmp(old->circuit, new->circuit);
}

static bool candidate_equal(const struct candidate *a, const struct candidate *b)
{
	return a->path == b->path && a->own == b->own && a->class == b->class &&
	       !strcmp(a->circuit, b->circuit) && a->second_hand == b->second_hand &&
	       ip_equal(&a->peer, &b->peer) && ip_equal(&a->nexthop, &b->nexthop) &&
	       a->has_as_path == b->has_as_path && a->n_as == b->n_as &&
	       (!a->n_as || !memcmp(a->as_path, b->as_path, a->n_as * sizeof(*a->as_path))) &&
	       a->has_local_pref == b->has_local_pref && a->local_pref == b->local_pref;
}

/* An equal candidate came again: it counts again. */
static enum rib_result candidate_refresh(struct rib *rib, struct candidate *c, enum rib_view view)
{
	bool changed = c->stale || c->peer_down;

	c->swept = false;
	if (!changed && !c->stale_ns)
		return RIB_UNCHANGED;
	candidate_count(rib, c, view, -1);
	c->stale = false;
	c->stale_ns = 0;
	c->peer_down = false;
	candidate_count(rib, c, view, 1);
	if (!changed)
		return RIB_UNCHANGED;
	rib_touch(rib, c->node, view);
	return c->own ? RIB_OWN : RIB_OK;
}

/* Where what `new` replaces is linked, else where the list ends; what is marked only at need. */
static struct candidate **node_place(const struct rib *rib, struct rib_node *node,
				     const struct candidate *new)
{
	struct candidate **link = &node->candidates, **marked = NULL;

	for (; *link; link = &(*link)->next) {
		if (!candidate_same(rib, *link, new))
			continue;
		if (!(*link)->swept)
			return link;
		if (!marked)
			marked = link;
	}
	return marked ? marked : link;
}

/* Puts `new` in the place of what it replaces, else last. */
static enum rib_result node_put(struct rib *rib, struct rib_node *node, enum rib_view view,
				struct candidate *new)
{
	struct candidate **link = node_place(rib, node, new);

	if (*link && candidate_equal(*link, new)) {
		(*link)->heard_ns = new->heard_ns;
		candidate_free(new);
		return candidate_refresh(rib, *link, view);
	}
	new->node = node;
	candidate_count(rib, new, view, 1);
	if (*link) {
		new->next = (*link)->next;
		candidate_count(rib, *link, view, -1);
		candidate_free(*link);
	}
	*link = new;
	rib_touch(rib, node, view);
	return new->own ? RIB_OWN : RIB_OK;
}

enum rib_result rib_announce(struct rib *rib, feed_id feed, const struct route *route, uint64_t now)
{
	struct candidate *new;
	struct trie_node *node;
	enum rib_result result;
	int path;

	result = rib_resolve(rib, route, &path);
	if (result == RIB_UNKNOWN_PATH) {
		if (feed_by_sub(rib, feed))
			rib_withdraw(rib, feed, route, true, now);
		return result;
	}
	if (feed_reserve(rib, feed))
		return RIB_NO_MEMORY;
	new = candidate_new(rib, feed, route, path, result == RIB_OWN, now);
	if (!new)
		return RIB_NO_MEMORY;
	node = trie_insert(&rib->view[route->view], &route->prefix);
	if (!node) {
		candidate_free(new);
		return RIB_NO_MEMORY;
	}
	return node_put(rib, (struct rib_node *)node, route->view, new);
}

/* The address is the candidate's own, or tells the path of one that was announced without. */
static bool withdraw_address(const struct rib *rib, const struct candidate *c,
			     const struct ip_addr *given, const struct ip_addr *has)
{
	if (!given->family || ip_equal(given, has))
		return true;
	return !has->family && c->path >= 0 && rib_path_of_address(rib, given) == c->path;
}

static bool withdraw_matches(const struct rib *rib, const struct candidate *c, feed_id feed,
			     const struct route *route, bool by_sub)
{
	if (c->feed != feed || c->source != route->source || c->chosen != route->chosen)
		return false;
	if (by_sub)
		return c->sub == route->sub && !c->swept;
	if (route->path[0] && (c->path < 0 || c->path != rib_path_by_name(rib, route->path)))
		return false;
	if (route->has_class && (!c->has_class || c->class != route->class))
		return false;
	if (route->circuit[0] && strcmp(c->circuit, route->circuit))
		return false;
	return withdraw_address(rib, c, &route->peer, &c->peer) &&
	       withdraw_address(rib, c, &route->nexthop, &c->nexthop);
}

size_t rib_withdraw(struct rib *rib, feed_id feed, const struct route *route, bool by_sub,
		    uint64_t now)
{
	struct rib_node *node =
		(struct rib_node *)trie_find(&rib->view[route->view], &route->prefix);
	struct candidate **link;
	size_t n = 0;

	(void)now;
	if (!node)
		return 0;
	link = &node->candidates;
	while (*link) {
		if (!withdraw_matches(rib, *link, feed, route, by_sub)) {
			link = &(*link)->next;
			continue;
		}
		candidate_remove(rib, link, route->view);
		n++;
	}
	if (n)
		rib_touch(rib, node, route->view);
	return n;
}

struct rib_counts rib_counts(const struct rib *rib)
{
	return rib->counts;
}

size_t rib_feed_routes(const struct rib *rib, feed_id feed)
{
	return feed < rib->n_feeds ? rib->feeds[feed].routes : 0;
}

size_t rib_feed_stale(const struct rib *rib, feed_id feed)
{
	return feed < rib->n_feeds ? rib->feeds[feed].stale : 0;
}

size_t rib_feed_path_routes(const struct rib *rib, feed_id feed, int path, uint8_t family)
{
	if (feed >= rib->n_feeds || path < 0 || path >= SW_MAX_PATHS)
		return 0;
	return rib->feeds[feed].path[path][family == 6];
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

bool rib_path_maintenance(const struct rib *rib, int path)
{
	return path >= 0 && path < SW_MAX_PATHS && rib->path_maintenance[path];
}

struct rib_node *rib_next(const struct rib *rib, enum rib_view view, const struct rib_node *after)
{
	struct trie_node *at = trie_next(&rib->view[view], after ? &after->trie : NULL);

	while (at && !((struct rib_node *)at)->candidates)
		at = trie_next(&rib->view[view], at);
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

	while (at && !((struct rib_node *)at)->n_live)
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
