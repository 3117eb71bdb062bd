/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What concerns all candidates of a feed, or of a peer: marking and sweeping around a new table,
 * staleness, a peer's fall. Each walks both views once; these are rare events.
 */
#include "core/rib_internal.h"

#include <string.h>

/* Marks of a source in turn; MARK_OLD is none of them. */
#define MARK_OLD   15
#define MARK_FIRST 0
#define MARK_LAST  14

/* What to do with a candidate that a walk has come to. */
enum walk_do { WALK_KEEP, WALK_CHANGED, WALK_REMOVE };

struct walk {
	feed_id feed;
	uint16_t source;
	const struct ip_addr *peer;
	uint64_t now, stale_ns;
	uint8_t stale_at;
	struct rib_node *node; /* where it is */
	size_t n;	       /* changed or removed */
};

typedef enum walk_do (*walk_fn)(struct walk *walk, struct rib *rib, struct candidate *c,
				enum rib_view view);

static void walk_node(struct rib *rib, enum rib_view view, struct rib_node *node, walk_fn fn,
		      struct walk *walk)
{
	struct candidate **link = &node->candidates;
	size_t before = walk->n;

	walk->node = node;
	while (*link) {
		enum walk_do what = fn(walk, rib, *link, view);

		walk->n += what != WALK_KEEP;
		if (what == WALK_REMOVE)
			candidate_remove(rib, node, link, view);
		else
			link = &(*link)->next;
	}
	if (walk->n != before)
		rib_touch(rib, node, view);
}

static size_t walk_all(struct rib *rib, walk_fn fn, struct walk *walk)
{
	for (int view = 0; view < VIEW_COUNT; view++) {
		struct rib_node *node = rib_next(rib, view, NULL);

		while (node) {
			struct rib_node *next = rib_next(rib, view, node);

			walk_node(rib, view, node, fn, walk);
			node = next;
		}
	}
	return walk->n;
}

static enum walk_do peer_down(struct walk *walk, struct rib *rib, struct candidate *c,
			      enum rib_view view)
{
	if (c->attr->feed != walk->feed || c->peer_down)
		return WALK_KEEP;
	if (!ip_equal(&c->attr->peer, walk->peer) && !ip_equal(&c->attr->nexthop, walk->peer))
		return WALK_KEEP;
	candidate_count(rib, walk->node, c, view, -1);
	c->peer_down = true;
	candidate_count(rib, walk->node, c, view, 1);
	return WALK_CHANGED;
}

size_t rib_peer_down(struct rib *rib, feed_id feed, const struct ip_addr *peer, uint64_t now)
{
	struct walk walk = {.feed = feed, .peer = peer, .now = now};

	log_put_all(rib);
	return peer->family ? walk_all(rib, peer_down, &walk) : 0;
}

static bool of_source(const struct walk *walk, const struct candidate *c)
{
	return c->attr->feed == walk->feed && c->source == walk->source;
}

/* Marks are used again: what has been marked for long has the one that the source never has. */
static enum walk_do mark_renew(struct walk *walk, struct rib *rib, struct candidate *c,
			       enum rib_view view)
{
	(void)view;
	if (of_source(walk, c))
		c->mark = rib_swept(rib, c) ? MARK_OLD : MARK_FIRST;
	return WALK_KEEP;
}

/* Stale no more, and yet to be confirmed. */
static enum walk_do fresh(struct walk *walk, struct rib *rib, struct candidate *c,
			  enum rib_view view)
{
	if (!of_source(walk, c) || !c->stale)
		return WALK_KEEP;
	candidate_count(rib, walk->node, c, view, -1);
	c->stale = false;
	candidate_count(rib, walk->node, c, view, 1);
	return WALK_CHANGED;
}

static bool source_heard(const struct rib *rib, feed_id feed, uint16_t source)
{
	return feed < rib->n_feeds && source < rib->feed[feed].n_marks &&
	       rib->feed[feed].mark[source] & SOURCE_HEARD;
}

size_t rib_source_mark(struct rib *rib, feed_id feed, uint16_t source)
{
	struct walk walk = {.feed = feed, .source = source};
	uint8_t *mark;

	if (!source_heard(rib, feed, source))
		return 0; /* it has announced nothing yet */
	log_put_all(rib);
	mark = &rib->feed[feed].mark[source];
	if ((*mark & SOURCE_MARK) == MARK_LAST) {
		walk_all(rib, mark_renew, &walk);
		*mark = SOURCE_HEARD | MARK_FIRST;
	}
	++*mark;
	return rib->n_stale ? walk_all(rib, fresh, &walk) : 0;
}

static enum walk_do sweep(struct walk *walk, struct rib *rib, struct candidate *c,
			  enum rib_view view)
{
	(void)view;
	return of_source(walk, c) && rib_swept(rib, c) ? WALK_REMOVE : WALK_KEEP;
}

size_t rib_source_sweep(struct rib *rib, feed_id feed, uint16_t source, uint64_t now)
{
	struct walk walk = {.feed = feed, .source = source, .now = now};

	if (!source_heard(rib, feed, source) || !(rib->feed[feed].mark[source] & SOURCE_MARK))
		return 0; /* it was never marked */
	log_put_all(rib);
	return walk_all(rib, sweep, &walk);
}

static enum walk_do drop(struct walk *walk, struct rib *rib, struct candidate *c,
			 enum rib_view view)
{
	(void)rib;
	(void)view;
	return of_source(walk, c) ? WALK_REMOVE : WALK_KEEP;
}

size_t rib_source_drop(struct rib *rib, feed_id feed, uint16_t source, uint64_t now)
{
	struct walk walk = {.feed = feed, .source = source, .now = now};

	log_put_all(rib);
	return walk_all(rib, drop, &walk);
}

/*
 * The number of a time. With each number in use, the latest time is put off: what has that one is
 * kept for longer than it had to be, never for less.
 */
static uint8_t stale_time_take(struct rib *rib, uint64_t now)
{
	uint8_t at = 1;

	for (unsigned int i = 1; i <= STALE_TIMES; i++) {
		const struct stale_time *t = &rib->stale_time[i];

		if (!t->refs || t->ns == now) {
			at = (uint8_t)i;
			break;
		}
		if (t->ns > rib->stale_time[at].ns)
			at = (uint8_t)i;
	}
	rib->stale_time[at].ns = now;
	return at;
}

static enum walk_do stale(struct walk *walk, struct rib *rib, struct candidate *c,
			  enum rib_view view)
{
	if (!of_source(walk, c) || c->stale)
		return WALK_KEEP;
	candidate_count(rib, walk->node, c, view, -1);
	c->stale = true;
	if (!c->stale_at) /* else it has not been confirmed since */
		c->stale_at = walk->stale_at;
	candidate_count(rib, walk->node, c, view, 1);
	return WALK_CHANGED;
}

void rib_source_stale(struct rib *rib, feed_id feed, uint16_t source, uint64_t now)
{
	struct walk walk = {.feed = feed, .source = source, .now = now};

	log_put_all(rib);
	walk.stale_at = stale_time_take(rib, now);
	walk_all(rib, stale, &walk);
}

static enum walk_do expire(struct walk *walk, struct rib *rib, struct candidate *c,
			   enum rib_view view)
{
	(void)view;
	if (!c->stale_at)
		return WALK_KEEP;
	return walk->now - rib_stale_ns(rib, c) >= walk->stale_ns * (c->stale ? 1 : 2) ? WALK_REMOVE
										       : WALK_KEEP;
}

size_t rib_expire_stale(struct rib *rib, uint64_t now, uint64_t stale_ns)
{
	struct walk walk = {.now = now, .stale_ns = stale_ns};

	if (!rib->n_stale)
		return 0;
	log_put_all(rib);
	return walk_all(rib, expire, &walk);
}
