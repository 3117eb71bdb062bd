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
	rib->candidates.size = sizeof(struct candidate);
	return rib;
}

void rib_free(struct rib *rib)
{
	if (!rib)
		return;
	for (int view = 0; view < VIEW_COUNT; view++)
		trie_clear(&rib->view[view]);
	log_free(&rib->log);
	slab_clear(&rib->candidates);
	attributes_free(&rib->attributes);
	for (size_t i = 0; i < rib->n_feeds; i++)
		free(rib->feed[i].mark);
	free(rib->feed);
	free(rib->dirty.v);
	free(rib->nets);
	free(rib->own);
	free(rib);
}

void rib_memo_forget(struct rib *rib)
{
	if (rib->memo.attr)
		attributes_put(&rib->attributes, rib->memo.attr);
	rib->memo.attr = NULL;
	rib->memo.last = false;
}

static void count_live(struct rib *rib, struct rib_node *node, const struct candidate *c,
		       enum rib_view view, int by)
{
	bool is6 = node->trie.prefix.family == 6;
	bool before = node->trie.count > 0;

	node->trie.count += (uint32_t)by;
	if (c->attr->leak)
		*(view == VIEW_LOCAL ? &rib->path_leaks[c->attr->path] : &rib->remote_leaks) +=
			(size_t)by;
	if (view != VIEW_LOCAL)
		return;
	rib->path_routes[c->attr->path][is6] += (size_t)by;
	rib->path_had[c->attr->path][is6] = true;
	rib->feed[c->attr->feed].path[c->attr->path][is6] += (size_t)by;
	if (policy_maintenance(c))
		rib->path_maintenance[c->attr->path] += (size_t)by;
	if (before != (node->trie.count > 0))
		*(is6 ? &rib->counts.prefixes6 : &rib->counts.prefixes4) += (size_t)by;
}

void candidate_count(struct rib *rib, struct rib_node *node, const struct candidate *c,
		     enum rib_view view, int by)
{
	struct rib_feed *feed = &rib->feed[c->attr->feed];

	if (c->stale_at) {
		rib->n_stale += (size_t)by;
		rib->stale_time[c->stale_at].refs += (size_t)by;
	}
	if (c->chosen)
		return;
	rib->counts.candidates += (size_t)by;
	if (c->attr->own)
		rib->counts.own += (size_t)by;
	if (!c->peer_down) {
		feed->routes += (size_t)by;
		if (c->stale)
			feed->stale += (size_t)by;
	}
	if (candidate_live(c))
		count_live(rib, node, c, view, by);
}

void candidate_remove(struct rib *rib, struct rib_node *node, struct candidate **link,
		      enum rib_view view)
{
	struct candidate *c = *link;

	candidate_count(rib, node, c, view, -1);
	*link = c->next;
	attributes_put(&rib->attributes, c->attr);
	slab_give(&rib->candidates, c);
}

/* Room for the feed's counts and its source's mark. */
static int feed_reserve(struct rib *rib, feed_id id, uint16_t source)
{
	size_t n = (size_t)id + 1;
	struct rib_feed *feed;
	uint8_t *mark;

	if (id > UINT16_MAX)
		return -EINVAL;
	if (n > rib->n_feeds) {
		feed = realloc(rib->feed, n * sizeof(*feed));
		if (!feed)
			return -ENOMEM;
		memset(feed + rib->n_feeds, 0, (n - rib->n_feeds) * sizeof(*feed));
		rib->feed = feed;
		rib->n_feeds = n;
	}
	feed = &rib->feed[id];
	n = (size_t)source + 1;
	if (n > feed->n_marks) {
		mark = realloc(feed->mark, n);
		if (!mark)
			return -ENOMEM;
		memset(mark + feed->n_marks, 0, n - feed->n_marks);
		feed->mark = mark;
		feed->n_marks = n;
	}
	feed->mark[source] |= SOURCE_HEARD;
	return 0;
}

/* What the route says, interned, with a reference for the caller; NULL: out of memory. */
static struct attributes *route_attributes(struct rib *rib, feed_id feed, const struct route *route,
					   int path, bool own)
{
	struct attributes a = {
		.path = (int16_t)path,
		.feed = (uint16_t)feed,
		.own = own,
		.peer = route->peer,
		.nexthop = route->nexthop,
		.has_as_path = route->has_as_path,
		.as_path = route->as_path,
		.n_as = route->has_as_path ? (uint32_t)route->n_as : 0,
		.has_local_pref = route->has_local_pref,
		.local_pref = route->has_local_pref ? route->local_pref : 100,
		.circuit = "",
	};

	if (path >= 0) {
		a.has_class = true;
		a.class = (uint8_t)rib->path[path]->class;
		a.circuit_id = (uint16_t)rib->path[path]->circuit_id;
	} else if (route->view == VIEW_REMOTE) {
		rib_remote_attributes(rib, feed, route, &a);
	}
	return attributes_get(&rib->attributes, &a);
}

/* Of names that mostly are empty. */
static bool same_name(const char *a, const char *b)
{
	return *a == *b && (!*a || !strcmp(a, b));
}

/* Whether the memo answers for the route, in all that resolving and interning look at. */
static bool memo_fits(const struct rib *rib, feed_id feed, const struct route *route)
{
	const struct rib_memo *memo = &rib->memo;
	const struct attributes *a = memo->attr;

	if (route->again)
		return memo->last && !rib_prefix_inside(rib, &route->prefix);
	if (!a || a->feed != feed || route->view != VIEW_LOCAL ||
	    a->has_as_path != route->has_as_path || a->has_local_pref != route->has_local_pref ||
	    (a->has_local_pref && a->local_pref != route->local_pref))
		return false;
	if (a->has_as_path &&
	    (a->n_as != route->n_as ||
	     (a->n_as && memcmp(a->as_path, route->as_path, a->n_as * sizeof(*a->as_path)))))
		return false;
	return ip_equal(&a->nexthop, &route->nexthop) && ip_equal(&a->peer, &route->peer) &&
	       ip_equal(&memo->nexthop_ll, &route->nexthop_ll) && !route->own &&
	       same_name(memo->path, route->path) && same_name(memo->interface, route->interface) &&
	       !rib_prefix_inside(rib, &route->prefix);
}

static void memo_set(struct rib *rib, const struct route *route, struct attributes *attr)
{
	struct rib_memo *memo = &rib->memo;

	rib_memo_forget(rib);
	attr->refs++;
	memo->attr = attr;
	memo->last = true;
	memcpy(memo->path, route->path, sizeof(memo->path));
	memcpy(memo->interface, route->interface, sizeof(memo->interface));
	memo->nexthop_ll = route->nexthop_ll;
}

/* The path that the route belongs to, and what it says: *attr has a reference for the caller. */
static enum rib_result route_resolve(struct rib *rib, feed_id feed, const struct route *route,
				     struct attributes **attr)
{
	enum rib_result result;
	int path;

	rib->memo.last = memo_fits(rib, feed, route);
	if (rib->memo.last) {
		*attr = rib->memo.attr;
		(*attr)->refs++;
		return RIB_OK;
	}
	result = rib_resolve(rib, route, &path);
	if (result == RIB_UNKNOWN_PATH)
		return result;
	*attr = route_attributes(rib, feed, route, path, result == RIB_OWN);
	if (!*attr)
		return RIB_NO_MEMORY;
	if (result == RIB_OK && route->view == VIEW_LOCAL)
		memo_set(rib, route, *attr);
	return result;
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
	const struct attributes *a = old->attr, *b = new->attr;

	if (a->feed != b->feed || old->source != new->source || old->sub != new->sub ||
	    old->chosen != new->chosen)
		return false;
	if (feed_by_sub(rib, b->feed) || new->sub)
		return a->path == b->path || !rib_swept(rib, old);
	if (a->path != b->path)
		return false;
	if (b->path >= 0 && !rib_feed_is(rib, b->feed, FEED_FRR))
		return true;
	if (b->path >= 0 || a->own || b->own)
		return ip_equal(&a->peer, &b->peer) && ip_equal(&a->nexthop, &b->nexthop);
	return a->class == b->class && !strcmp(a->circuit, b->circuit);
}

/* An equal candidate came again: it counts again. */
static enum rib_result candidate_refresh(struct rib *rib, struct rib_node *node,
					 struct candidate *c, enum rib_view view)
{
	bool changed = c->stale || c->peer_down;

	c->mark = rib->feed[c->attr->feed].mark[c->source] & SOURCE_MARK;
	if (!changed && !c->stale_at)
		return RIB_UNCHANGED;
	candidate_count(rib, node, c, view, -1);
	c->stale = false;
	c->stale_at = 0;
	c->peer_down = false;
	candidate_count(rib, node, c, view, 1);
	if (!changed)
		return RIB_UNCHANGED;
	rib_touch(rib, node, view);
	return c->attr->own ? RIB_OWN : RIB_OK;
}

/* Where what `new` replaces is linked, else where the list ends; what is marked only at need. */
static struct candidate **node_place(const struct rib *rib, struct rib_node *node,
				     const struct candidate *new)
{
	struct candidate **link = &node->candidates, **marked = NULL;

	for (; *link; link = &(*link)->next) {
		if (!candidate_same(rib, *link, new))
			continue;
		if (!rib_swept(rib, *link))
			return link;
		if (!marked)
			marked = link;
	}
	return marked ? marked : link;
}

/*
 * Puts `new` in the place of what it replaces, else last, and takes over its reference to the
 * attributes.
 */
static enum rib_result node_put(struct rib *rib, struct rib_node *node, enum rib_view view,
				struct candidate *new)
{
	struct candidate **link = node_place(rib, node, new), *c = *link;

	if (c && c->attr == new->attr) {
		c->heard_ns = new->heard_ns;
		attributes_put(&rib->attributes, new->attr);
		return candidate_refresh(rib, node, c, view);
	}
	if (c) {
		candidate_count(rib, node, c, view, -1);
		attributes_put(&rib->attributes, c->attr);
		new->next = c->next;
	} else {
		c = slab_take(&rib->candidates);
		if (!c) {
			attributes_put(&rib->attributes, new->attr);
			if (view == VIEW_LOCAL)
				rib_prune(rib, node);
			else
				rib_touch(rib, node, view);
			return RIB_NO_MEMORY;
		}
		*link = c;
	}
	*c = *new;
	candidate_count(rib, node, c, view, 1);
	rib_touch(rib, node, view);
	return c->attr->own ? RIB_OWN : RIB_OK;
}

enum rib_result rib_put(struct rib *rib, enum rib_view view, const struct prefix *prefix,
			struct candidate *new)
{
	struct trie_node *node = trie_insert_near(&rib->view[view], rib->near[view], prefix);

	if (!node) {
		attributes_put(&rib->attributes, new->attr);
		return RIB_NO_MEMORY;
	}
	rib->near[view] = node;
	return node_put(rib, (struct rib_node *)node, view, new);
}

/* What the route says, with a reference to its attributes. Not kept: RIB_UNKNOWN_PATH, NO_MEMORY.
 */
static enum rib_result candidate_make(struct rib *rib, feed_id feed, const struct route *route,
				      uint64_t now, struct candidate *new)
{
	enum rib_result result;

	*new = (struct candidate){
		.heard_ns = now - route->age_ns,
		.chosen = route->chosen,
		.sub = route->sub,
		.source = route->source,
	};
	result = route_resolve(rib, feed, route, &new->attr);
	if (result == RIB_UNKNOWN_PATH && feed_by_sub(rib, feed))
		rib_withdraw(rib, feed, route, true, now);
	if (result == RIB_UNKNOWN_PATH || result == RIB_NO_MEMORY)
		return result;
	if (feed_reserve(rib, feed, route->source)) {
		attributes_put(&rib->attributes, new->attr);
		return RIB_NO_MEMORY;
	}
	new->mark = rib->feed[feed].mark[route->source] & SOURCE_MARK;
	return result;
}

enum rib_result rib_announce(struct rib *rib, feed_id feed, const struct route *route, uint64_t now)
{
	struct candidate new;
	enum rib_result result = candidate_make(rib, feed, route, now, &new);

	if (result == RIB_UNKNOWN_PATH || result == RIB_NO_MEMORY)
		return result;
	log_put_prefix(rib, &route->prefix);
	return rib_put(rib, route->view, &route->prefix, &new);
}

enum rib_result rib_announce_later(struct rib *rib, feed_id feed, const struct route *route,
				   uint64_t now)
{
	struct candidate new;
	enum rib_result result = candidate_make(rib, feed, route, now, &new);

	if (result == RIB_UNKNOWN_PATH || result == RIB_NO_MEMORY)
		return result;
	if (!log_full(&rib->log))
		return log_add(rib, route->view, &route->prefix, &new) ? RIB_NO_MEMORY : result;
	log_put_prefix(rib, &route->prefix);
	return rib_put(rib, route->view, &route->prefix, &new);
}

/* The address is the candidate's own, or tells the path of one that was announced without. */
static bool withdraw_address(const struct rib *rib, const struct candidate *c,
			     const struct ip_addr *given, const struct ip_addr *has)
{
	if (!given->family || ip_equal(given, has))
		return true;
	return !has->family && c->attr->path >= 0 &&
	       rib_path_of_address(rib, given) == c->attr->path;
}

static bool withdraw_path(const struct rib *rib, const struct attributes *a,
			  const struct route *route)
{
	const struct config_path *named;

	if (route->view == VIEW_LOCAL)
		return a->path >= 0 && a->path == rib_path_by_name(rib, route->path);
	named = rib_remote_path(rib, route);
	return named && (route->has_class || a->class == named->class) &&
	       (route->circuit[0] || !strcmp(a->circuit, config_circuit_name(named)));
}

static bool withdraw_matches(const struct rib *rib, const struct candidate *c, feed_id feed,
			     const struct route *route, bool by_sub)
{
	const struct attributes *a = c->attr;

	if (a->feed != feed || c->source != route->source || c->chosen != route->chosen)
		return false;
	if (by_sub)
		return c->sub == route->sub && !rib_swept(rib, c);
	if (route->path[0] && !withdraw_path(rib, a, route))
		return false;
	if (route->has_class && (!a->has_class || a->class != route->class))
		return false;
	if (route->circuit[0] && strcmp(a->circuit, route->circuit))
		return false;
	return withdraw_address(rib, c, &route->peer, &a->peer) &&
	       withdraw_address(rib, c, &route->nexthop, &a->nexthop);
}

size_t rib_withdraw(struct rib *rib, feed_id feed, const struct route *route, bool by_sub,
		    uint64_t now)
{
	struct candidate **link;
	struct rib_node *node;
	size_t n = 0;

	(void)now;
	log_put_prefix(rib, &route->prefix);
	node = (struct rib_node *)trie_find(&rib->view[route->view], &route->prefix);
	if (!node)
		return 0;
	link = &node->candidates;
	while (*link) {
		if (!withdraw_matches(rib, *link, feed, route, by_sub)) {
			link = &(*link)->next;
			continue;
		}
		candidate_remove(rib, node, link, route->view);
		n++;
	}
	if (n)
		rib_touch(rib, node, route->view);
	return n;
}
