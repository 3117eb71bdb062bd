/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A router by BMP (RFC 7854, 3.3): Initiation, a peer up for each session that is up, their routes,
 * an End-of-RIB for each family; then news. Half of that is custom: FRR tells of peers that never
 * were up that they are down, again and again, and sends End-of-RIB of those only that were up when
 * it connected; gobgpd passes on what its peers send, and sends none of its loc-rib. So tables are
 * whole, too, when nothing came for a while.
 */
#include "feed/bmp_router.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int bmp_feed_init(struct bmp_feed *feed, const struct config_feed *cfg)
{
	feed->routers = calloc(cfg->n_peers, sizeof(*feed->routers));
	if (!feed->routers)
		return -ENOMEM;
	feed->n_routers = cfg->n_peers;
	for (size_t i = 0; i < cfg->n_peers; i++) {
		struct bmp_router *r = &feed->routers[i];

		r->feed = feed;
		TAILQ_INIT(&r->peers);
		ip_format(&cfg->peers[i], r->address);
		snprintf(r->name, sizeof(r->name), "%s", r->address);
	}
	return 0;
}

void bmp_feed_free(struct bmp_feed *feed)
{
	for (size_t i = 0; i < feed->n_routers; i++) {
		struct bmp_peer *peer = TAILQ_FIRST(&feed->routers[i].peers), *next;

		for (; peer; peer = next) {
			next = TAILQ_NEXT(peer, link);
			free(peer);
		}
	}
	free(feed->routers);
}

/* --- What is left out. --- */

static const struct {
	const char *what; /* with the detail, if there is one; NULL: usual, not told */
} ignored[] = {
	[IGNORED_OUT] = {"sends adj-rib-out: left out, monitor adj-rib-in there"},
	[IGNORED_PEER] = {"sends routes of a peer that is not up"},
	[IGNORED_TYPE] = {"sends messages of a type not known here"},
	[IGNORED_KIND] = {"has peers of a type not known here"},
	[IGNORED_MIRROR] = {"mirrors messages: left out, monitor routes there"},
	[IGNORED_OWN] = {NULL},
};

void bmp_ignore(struct bmp_router *r, enum bmp_ignored what, const char *detail)
{
	r->feed->report.status.ignored++;
	if (!ignored[what].what || r->told >> what & 1)
		return;
	r->told |= 1U << what;
	feed_news(&r->feed->report, "router %s %s%s%s%s: left out, and counted as ignored", r->name,
		  ignored[what].what, detail ? " (" : "", detail ? detail : "", detail ? ")" : "");
}

/* --- Peers. --- */

static bool peer_is(const struct bmp_peer *peer, const struct bmp_peer_header *h)
{
	return peer->id.type == h->type && ip_equal(&peer->id.address, &h->address) &&
	       !memcmp(peer->id.rd, h->rd, sizeof(h->rd));
}

struct bmp_peer *bmp_peer_find(struct bmp_router *r, const struct bmp_peer_header *h)
{
	struct bmp_peer *peer;

	TAILQ_FOREACH (peer, &r->peers, link)
		if (peer_is(peer, h))
			return peer;
	return NULL;
}

static void peer_free(struct bmp_router *r, struct bmp_peer *peer)
{
	TAILQ_REMOVE(&r->peers, peer, link);
	r->n_peers--;
	free(peer);
}

/* Peers come and go while a connection lasts: of one that is down and has no route nothing is lost
 * but that its fall was told. */
static void peer_reclaim(struct bmp_router *r)
{
	struct bmp_peer *peer;

	TAILQ_FOREACH (peer, &r->peers, link) {
		if (peer->up || peer->table[0].state != TABLE_NONE ||
		    peer->table[1].state != TABLE_NONE)
			continue;
		peer_free(r, peer);
		return;
	}
}

struct bmp_peer *bmp_peer_get(struct bmp_router *r, const struct bmp_peer_header *h)
{
	struct bmp_peer *peer = bmp_peer_find(r, h);

	if (peer)
		return peer;
	if (r->n_peers == BMP_PEERS_MAX)
		peer_reclaim(r);
	if (r->n_peers < BMP_PEERS_MAX)
		peer = calloc(1, sizeof(*peer));
	if (!peer) {
		feed_refuse(&r->feed->report, FEED_LIMIT,
			    "router %s: a peer refused: %d are the most, monitor fewer", r->name,
			    BMP_PEERS_MAX);
		return NULL;
	}
	peer->id = *h;
	ip_format(&h->address, peer->name);
	TAILQ_INSERT_TAIL(&r->peers, peer, link);
	r->n_peers++;
	return peer;
}

/* Its session with another router, or in another VRF, is up. */
static bool up_elsewhere(const struct bmp_feed *feed, const struct bmp_peer *but)
{
	const struct bmp_peer *peer;

	for (size_t i = 0; i < feed->n_routers; i++)
		TAILQ_FOREACH (peer, &feed->routers[i].peers, link)
			if (peer != but && peer->up &&
			    ip_equal(&peer->id.address, &but->id.address))
				return true;
	return false;
}

/* A session of the router with somebody: not a loc-rib, not what is its own. */
static bool is_session(const struct bmp_peer *peer)
{
	return peer->id.type != BMP_PEER_LOC_RIB && !bmp_peer_is_router(&peer->id);
}

static void peer_up(struct bmp_router *r, const struct bmp_peer_header *h, const uint8_t *p,
		    size_t len, uint64_t now)
{
	struct feed_report *rep = &r->feed->report;
	bool loc_rib = h->type == BMP_PEER_LOC_RIB;
	char error[BMP_ERROR_LEN];
	struct bmp_peer *peer;
	struct bmp_peer_up up;
	bool again;

	if (bmp_peer_up_parse(p, len, loc_rib, &up, error)) {
		char name[IP_STRLEN];

		feed_error(rep,
			   "router %s: peer up of %s refused: %s: its routes are left out until "
			   "a good one",
			   r->name, ip_format(&h->address, name), error);
		return;
	}
	peer = bmp_peer_get(r, h);
	if (!peer)
		return;
	again = peer->up;
	peer->up = true;
	peer->down = false;
	peer->addpath4 = up.addpath4;
	peer->addpath6 = up.addpath6;
	peer->addpath_seen = false;
	peer->local_as = up.sent.as;
	peer->ibgp = up.sent.as == up.received.as;
	r->heard_ns = now;
	r->settled = false;
	/* Another session than before: what is left of that one goes. */
	for (int k = 0; again && k < 2; k++)
		bmp_table_again(r, &peer->table[k], now);
	if (!is_session(peer))
		return;
	rep->sink.peer_up(rep->sink.arg, rep->id, &peer->id.address);
	if (r->synced) /* else they are told by their number */
		feed_news(rep, "router %s: peer %s (AS %u) is up", r->name, peer->name,
			  up.received.as);
}

/*
 * Sessions that are lost send no withdrawals. Of one that is only not told of any more the state is
 * not known: its routes are stale.
 */
static void peer_down(struct bmp_router *r, const struct bmp_peer_header *h, const uint8_t *p,
		      size_t len, uint64_t now)
{
	struct feed_report *rep = &r->feed->report;
	char error[BMP_ERROR_LEN], name[IP_STRLEN];
	struct bmp_peer_down down;
	struct bmp_peer *peer;
	bool was_up;

	if (bmp_peer_down_parse(p, len, &down, error)) {
		feed_error(rep, "router %s: peer down of %s refused: %s", r->name,
			   ip_format(&h->address, name), error);
		return;
	}
	peer = bmp_peer_get(r, h);
	if (!peer)
		return;
	r->heard_ns = now;
	was_up = peer->up;
	peer->up = false;
	if (down.reason == BMP_DOWN_DECONFIGURED) {
		for (int k = 0; k < 2; k++)
			bmp_table_lost(r, &peer->table[k]);
	} else {
		if (is_session(peer) && !peer->down && !up_elsewhere(r->feed, peer)) {
			rep->sink.peer_down(rep->sink.arg, rep->id, &peer->id.address);
			r->walked = true;
		}
		peer->down = true;
		for (int k = 0; k < 2; k++)
			bmp_table_drop(r, &peer->table[k]);
	}
	if (was_up)
		feed_warn(rep, "router %s: %s%s is down, %s: see the routing daemon's log", r->name,
			  h->type == BMP_PEER_LOC_RIB ? "its loc-rib" : "peer ",
			  h->type == BMP_PEER_LOC_RIB ? "" : peer->name,
			  bmp_down_text(&down, error));
}

/* --- Messages. --- */

static void initiation(struct bmp_router *r, const uint8_t *p, size_t len, uint64_t now)
{
	struct feed_report *rep = &r->feed->report;
	char error[BMP_ERROR_LEN];
	struct bmp_info info;

	if (bmp_info_parse(p, len, false, &info, error))
		feed_error(rep, "router %s: Initiation: %s: its name is not known", r->name, error);
	if (info.name[0])
		snprintf(r->name, sizeof(r->name), "%s (%s)", r->address, info.name);
	else
		snprintf(r->name, sizeof(r->name), "%s", r->address);
	if (r->connected)
		return;
	r->connected = true;
	r->frr = !strncmp(info.description, "FRR", 3);
	r->synced = r->settled = r->eor = r->failed = false;
	r->told = 0;
	r->heard_ns = now;
	feed_news(rep, "router %s is connected%s%s", r->name, info.description[0] ? ": " : "",
		  info.description);
}

static void of_peer(struct bmp_router *r, uint8_t type, const uint8_t *p, size_t len, uint64_t now)
{
	struct feed_report *rep = &r->feed->report;
	struct bmp_peer_header h;
	char error[BMP_ERROR_LEN];

	if (bmp_peer_parse(p, len, &h, error)) {
		feed_error(rep, "router %s: message refused: %s", r->name, error);
		return;
	}
	p += BMP_PEER_LEN;
	len -= BMP_PEER_LEN;
	if (h.type > BMP_PEER_LOC_RIB) {
		snprintf(error, sizeof(error), "%u", h.type);
		bmp_ignore(r, IGNORED_KIND, error);
		return;
	}
	switch (type) {
	case BMP_ROUTE_MONITORING:
		bmp_route(r, &h, p, len, now);
		return;
	case BMP_PEER_UP:
		peer_up(r, &h, p, len, now);
		return;
	case BMP_PEER_DOWN:
		peer_down(r, &h, p, len, now);
		return;
	case BMP_MIRRORING:
		bmp_ignore(r, IGNORED_MIRROR, NULL);
		return;
	default: /* statistics */
		if (bmp_statistics_parse(p, len, error))
			feed_error(rep, "router %s: statistics refused: %s", r->name, error);
		else
			bmp_ignore(r, IGNORED_STATISTICS, NULL);
	}
}

int bmp_router_message(struct bmp_router *r, uint8_t type, const uint8_t *body, size_t len,
		       uint64_t now, char error[BMP_ERROR_LEN])
{
	struct bmp_info info;
	char detail[8];

	if (type == BMP_INITIATION) {
		initiation(r, body, len, now);
		return 0;
	}
	if (type == BMP_TERMINATION) {
		if (bmp_info_parse(body, len, true, &info, error))
			return -EBADMSG;
		snprintf(error, BMP_ERROR_LEN, "ended by the router, %s",
			 bmp_termination_text(&info));
		return -ECONNRESET;
	}
	if (type >= BMP_TYPES) { /* RFC 7854, 4.1 */
		snprintf(detail, sizeof(detail), "%u", type);
		bmp_ignore(r, IGNORED_TYPE, detail);
		return 0;
	}
	of_peer(r, type, body, len, now);
	if (!r->failed)
		return 0;
	snprintf(error, BMP_ERROR_LEN, "no memory for its routes: give this machine more");
	return -ENOMEM;
}

void bmp_router_end(struct bmp_router *r)
{
	struct bmp_peer *peer, *next;

	r->connected = false;
	for (peer = TAILQ_FIRST(&r->peers); peer; peer = next) {
		next = TAILQ_NEXT(peer, link);
		peer->up = peer->down = false;
		for (int k = 0; k < 2; k++)
			bmp_table_lost(r, &peer->table[k]);
		if (peer->table[0].state == TABLE_NONE && peer->table[1].state == TABLE_NONE)
			peer_free(r, peer);
	}
}

/* --- Time. --- */

/* All is there. At first that is told, with what is amiss. */
static void settled(struct bmp_router *r, const char *by)
{
	struct feed_report *rep = &r->feed->report;
	size_t candidates = 0, post = 0, loc_rib = 0, up = 0;
	struct bmp_peer *peer;

	r->settled = true;
	if (r->synced)
		return;
	r->synced = true;
	TAILQ_FOREACH (peer, &r->peers, link) {
		up += peer->up && is_session(peer);
		for (int k = 0; k < 2; k++) {
			if (peer->table[k].state != TABLE_WHOLE)
				continue;
			if (peer->id.type == BMP_PEER_LOC_RIB)
				loc_rib++;
			else if (is_session(peer))
				candidates++;
			post += is_session(peer) && !peer->table[k].pre;
		}
	}
	feed_news(rep, "router %s: all is there (%s): %zu peers up, %zu tables", r->name, by, up,
		  candidates + loc_rib);
	if (!candidates && loc_rib)
		feed_warn(rep,
			  "router %s sends only what it has chosen (loc-rib), no candidates: "
			  "monitor adj-rib-in, pre-policy, there",
			  r->name);
	if (r->frr && post)
		feed_warn(rep,
			  "router %s: %zu tables are of routes after FRR's import policy only, "
			  "which can be wrong there: monitor pre-policy, with "
			  "`soft-reconfiguration inbound`",
			  r->name, post);
}

/* One that need not be waited for any longer; NULL: none. */
static struct bmp_table *table_due(struct bmp_router *r, bool quiet, uint64_t now, bool *loading,
				   struct bmp_peer **of)
{
	struct bmp_peer *peer;

	TAILQ_FOREACH (peer, &r->peers, link) {
		for (int k = 0; peer->up && k < 2; k++) {
			struct bmp_table *t = &peer->table[k];
			bool late = t->state == TABLE_LOADING && now - t->begun_ns >= BMP_LOAD_NS;

			*of = peer;
			*loading |= t->state == TABLE_LOADING || t->state == TABLE_LEFT;
			if (late ||
			    (quiet && (t->state == TABLE_LOADING || t->state == TABLE_LEFT)))
				return t;
		}
	}
	return NULL;
}

bool bmp_router_tick(struct bmp_router *r, uint64_t now)
{
	uint64_t silent = now - r->heard_ns;
	struct bmp_table *t;
	struct bmp_peer *of;
	bool loading = false;

	if (!r->connected || r->settled)
		return false;
	t = table_due(r, silent >= BMP_QUIET_NS, now, &loading, &of);
	if (t) {
		/* One of before that nothing came of any more is begun here, and is empty. */
		if (bmp_table_open(r, of, t == &of->table[0] ? 4 : 6, now))
			bmp_table_whole(r, t);
		return true;
	}
	if (silent >= BMP_QUIET_NS)
		settled(r, "nothing came for 5 s");
	else if (r->eor && !loading && silent >= BMP_PAUSE_NS)
		settled(r, "by End-of-RIB");
	return false;
}
