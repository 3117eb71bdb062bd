/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tables of a router's peers, and what the sink is told of each. A table holds its source's
 * number until its peer is down. One that is left by a connection that ended holds it too, since
 * its routes live on as stale; when all numbers are taken, such go first.
 */
#include "feed/bmp_router.h"

static bool source_take(struct bmp_feed *feed, uint16_t *source)
{
	for (unsigned int i = 0; i < BMP_TABLES_MAX; i++) {
		if (feed->sources[i / 64] >> i % 64 & 1)
			continue;
		feed->sources[i / 64] |= 1ULL << i % 64;
		*source = (uint16_t)i;
		return true;
	}
	return false;
}

void bmp_table_drop(struct bmp_router *r, struct bmp_table *t)
{
	struct feed_report *rep = &r->feed->report;

	if (t->state == TABLE_NONE)
		return;
	rep->sink.dropped(rep->sink.arg, rep->id, t->source);
	r->walked = true;
	r->feed->sources[t->source / 64] &= ~(1ULL << t->source % 64);
	*t = (struct bmp_table){0};
}

/* Of a router that is not connected, or a peer that is not up: its routes are stale. */
static bool reclaim(struct bmp_feed *feed)
{
	struct bmp_peer *peer;

	for (size_t i = 0; i < feed->n_routers; i++) {
		TAILQ_FOREACH (peer, &feed->routers[i].peers, link) {
			for (int k = 0; k < 2; k++) {
				if (peer->up || peer->table[k].state != TABLE_LEFT)
					continue;
				bmp_table_drop(&feed->routers[i], &peer->table[k]);
				return true;
			}
		}
	}
	return false;
}

static void table_begin(struct bmp_router *r, struct bmp_table *t, uint64_t now)
{
	struct feed_report *rep = &r->feed->report;

	rep->sink.begin(rep->sink.arg, rep->id, t->source);
	r->walked = true;
	r->settled = false;
	t->state = TABLE_LOADING;
	t->begun_ns = now;
}

bool bmp_table_open(struct bmp_router *r, struct bmp_peer *peer, uint8_t family, uint64_t now)
{
	struct bmp_table *t = bmp_table(peer, family);

	if (t->state == TABLE_LOADING || t->state == TABLE_WHOLE)
		return true;
	if (t->state == TABLE_NONE && !source_take(r->feed, &t->source) &&
	    !(reclaim(r->feed) && source_take(r->feed, &t->source))) {
		feed_refuse(&r->feed->report, FEED_LIMIT,
			    "router %s: no room for IPv%u of peer %s: %d tables are the most, "
			    "monitor fewer peers or families",
			    r->name, family, peer->name, BMP_TABLES_MAX);
		return false;
	}
	table_begin(r, t, now);
	return true;
}

void bmp_table_again(struct bmp_router *r, struct bmp_table *t, uint64_t now)
{
	if (t->state == TABLE_LOADING || t->state == TABLE_WHOLE)
		table_begin(r, t, now);
}

void bmp_table_whole(struct bmp_router *r, struct bmp_table *t)
{
	struct feed_report *rep = &r->feed->report;

	if (t->state != TABLE_LOADING)
		return;
	rep->sink.end_of_rib(rep->sink.arg, rep->id, t->source);
	r->walked = true;
	t->state = TABLE_WHOLE;
}

void bmp_table_lost(struct bmp_router *r, struct bmp_table *t)
{
	struct feed_report *rep = &r->feed->report;

	t->pre = false;
	if (t->state == TABLE_NONE || t->state == TABLE_LEFT)
		return;
	rep->sink.lost(rep->sink.arg, rep->id, t->source);
	r->walked = true;
	t->state = TABLE_LEFT;
}

bool bmp_feed_sees_all(const struct bmp_feed *feed)
{
	const struct bmp_peer *peer;
	bool chosen = false;

	for (size_t i = 0; i < feed->n_routers; i++) {
		TAILQ_FOREACH (peer, &feed->routers[i].peers, link) {
			for (int k = 0; k < 2; k++) {
				if (peer->table[k].state == TABLE_NONE)
					continue;
				if (peer->id.type != BMP_PEER_LOC_RIB)
					return true;
				chosen = true;
			}
		}
	}
	return !chosen;
}
