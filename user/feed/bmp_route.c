/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Route monitoring to routes. A candidate is what a router has from a peer: before its import
 * policy where that is monitored, else after it. Both are one source, told apart by what comes:
 * with the first route from before the policy the table begins anew, so that a route of both stays,
 * and one that came after the policy only goes at the end of the new table.
 */
#include "feed/bmp_router.h"
#include "feed/bgp_wire.h"

#include <errno.h>

/* A route monitoring that is taken apart. */
struct monitoring {
	struct bmp_router *r;
	struct bmp_peer *peer;
	bool loc_rib, post;
	uint64_t now;
	bool beside;   /* post-policy where pre-policy counts */
	bool path_ids; /* there were routes with path identifiers */
};

static const char *peer_text(const struct monitoring *m)
{
	return m->loc_rib ? "its loc-rib" : m->peer->name;
}

/* Whether routes of this kind count for the table now; makes a table of pre-policy where they
 * begin. */
static bool counts(struct monitoring *m, struct bmp_table *t, bool announced)
{
	if (m->loc_rib || (!m->post && t->pre))
		return true;
	if (m->post) {
		m->beside |= t->pre;
		return !t->pre;
	}
	/*
	 * FRR without `soft-reconfiguration inbound` has no routes from before the policy, and
	 * sends withdrawals and End-of-RIB of them: not a word on those from after it.
	 */
	if (!announced)
		return t->state == TABLE_NONE || t->state == TABLE_LEFT;
	t->pre = true;
	bmp_table_again(m->r, t, m->now);
	return true;
}

static bool has_path_ids(const struct monitoring *m, const struct prefix *p)
{
	return p->family == 4 ? m->peer->addpath4 : m->peer->addpath6;
}

/*
 * FRR sends what it has from an eBGP peer as if it went on to another: with its own AS before the
 * rest. No path that it may take begins so.
 */
static size_t own_as(const struct monitoring *m, const struct bgp_attributes *attr)
{
	return !m->loc_rib && !m->peer->ibgp && m->peer->local_as && attr->n_as > 1 &&
	       attr->as_path[0] == m->peer->local_as;
}

static void told(struct monitoring *m, const struct route *route, enum rib_result result)
{
	struct feed_report *rep = &m->r->feed->report;
	char prefix[PREFIX_STRLEN], nexthop[IP_STRLEN] = "none";

	if (result == RIB_NO_MEMORY)
		m->r->failed = true;
	if (result != RIB_UNKNOWN_PATH)
		return;
	prefix_format(&route->prefix, prefix);
	if (!route->peer.family) { /* of no peer: it has no place among the candidates */
		bmp_ignore(m->r, IGNORED_OWN, prefix);
		return;
	}
	if (route->nexthop.family)
		ip_format(&route->nexthop, nexthop);
	feed_refuse(rep, FEED_UNKNOWN_PATH,
		    "router %s: unknown-path: %s of peer %s by next hop %s belongs to no path: add "
		    "one of them to a path's `peers`",
		    m->r->name, prefix, m->peer->name, nexthop);
}

static void on_announce(void *arg, const struct prefix *p, uint32_t path_id,
			const struct bgp_attributes *attr)
{
	struct monitoring *m = arg;
	struct feed_report *rep = &m->r->feed->report;
	struct bmp_table *t = bmp_table(m->peer, p->family);
	size_t skip = own_as(m, attr);
	struct route route = {.view = VIEW_LOCAL, .chosen = m->loc_rib};

	m->path_ids |= has_path_ids(m, p);
	if (!counts(m, t, true) || !bmp_table_open(m->r, m->peer, p->family, m->now))
		return;
	bgp_route_fill(&route, p, path_id, attr);
	route.as_path += skip;
	route.n_as -= skip;
	route.source = t->source;
	if (!bmp_peer_is_router(&m->peer->id))
		route.peer = m->peer->id.address;
	told(m, &route, rep->sink.announce(rep->sink.arg, rep->id, &route));
}

static void on_withdraw(void *arg, const struct prefix *p, uint32_t path_id)
{
	struct monitoring *m = arg;
	struct bmp_table *t = bmp_table(m->peer, p->family);
	struct route route = {
		.view = VIEW_LOCAL, .prefix = *p, .sub = path_id, .chosen = m->loc_rib};

	m->path_ids |= has_path_ids(m, p);
	if (t->state == TABLE_NONE || !counts(m, t, false) ||
	    !bmp_table_open(m->r, m->peer, p->family, m->now))
		return;
	route.source = t->source;
	feed_withdraw(&m->r->feed->report, &route, true);
}

static void on_end_of_rib(void *arg, uint8_t family)
{
	struct monitoring *m = arg;
	struct bmp_table *t = bmp_table(m->peer, family);

	m->r->eor = true;
	if (t->state == TABLE_NONE || !counts(m, t, false))
		return;
	if (bmp_table_open(m->r, m->peer, family, m->now))
		bmp_table_whole(m->r, t);
}

static void on_masked(void *arg, const struct prefix *p)
{
	struct monitoring *m = arg;

	(void)p;
	m->r->feed->report.status.masked++;
}

static void on_ignored(void *arg, uint16_t afi, uint8_t safi)
{
	struct monitoring *m = arg;

	feed_refuse(&m->r->feed->report, FEED_FAMILY,
		    "router %s: routes of AFI %u, SAFI %u of %s left out: only IPv4 and IPv6 "
		    "unicast are taken",
		    m->r->name, afi, safi, peer_text(m));
}

/*
 * Whether path identifiers come along is told by the OPENs of the session; FRR 8 leaves them out
 * all the same. A message that is right only without them settles it for the peer, unless one with
 * them was right before.
 */
static int parse(struct monitoring *m, struct bgp_session *s, const uint8_t *body, size_t len,
		 bool *treated, struct bgp_error *err)
{
	const struct bgp_update_ops ops = {
		.arg = m,
		.announce = on_announce,
		.withdraw = on_withdraw,
		.end_of_rib = on_end_of_rib,
		.masked = on_masked,
		.ignored = on_ignored,
	};

	s->addpath4 = m->peer->addpath4;
	s->addpath6 = m->peer->addpath6;
	if (!bgp_update_parse(s, body, len, &ops, treated, err)) {
		m->peer->addpath_seen |= m->path_ids;
		return 0;
	}
	if ((!s->addpath4 && !s->addpath6) || m->peer->addpath_seen)
		return -EBADMSG;
	s->addpath4 = s->addpath6 = false;
	if (bgp_update_parse(s, body, len, &ops, treated, &(struct bgp_error){0}))
		return -EBADMSG;
	m->peer->addpath4 = m->peer->addpath6 = false;
	feed_note(&m->r->feed->report,
		  "router %s: peer %s has ADD-PATH, but its routes come without path identifiers",
		  m->r->name, peer_text(m));
	return 0;
}

static void monitoring(struct monitoring *m, const struct bmp_peer_header *h, const uint8_t *p,
		       size_t len)
{
	/* A policy may set a local preference; from an eBGP peer itself it means nothing. */
	struct bgp_session s = {
		.as4 = !h->as2,
		.ibgp = m->loc_rib || m->post || m->peer->ibgp,
		.own = m->loc_rib || bmp_peer_is_router(h),
	};
	struct feed_report *rep = &m->r->feed->report;
	struct bgp_error err = {0};
	char error[BMP_ERROR_LEN];
	const uint8_t *body;
	bool treated = false;
	size_t body_len;

	if (bmp_update_parse(p, len, &body, &body_len, error))
		feed_error(rep, "router %s: route of %s refused: %s", m->r->name, peer_text(m),
			   error);
	else if (parse(m, &s, body, body_len, &treated, &err))
		feed_error(rep, "router %s: UPDATE of %s refused: %s (%u/%u %s)", m->r->name,
			   peer_text(m), err.text, err.code, err.subcode,
			   bgp_error_name(err.code, err.subcode));
	else if (treated)
		feed_error(rep,
			   "router %s: UPDATE of %s: %s (%u/%u %s): its routes count as withdrawn",
			   m->r->name, peer_text(m), err.text, err.code, err.subcode,
			   bgp_error_name(err.code, err.subcode));
	else if (m->beside)
		bmp_ignore(m->r, IGNORED_POST, NULL);
	else
		rep->status.updates++;
}

void bmp_route(struct bmp_router *r, const struct bmp_peer_header *h, const uint8_t *p, size_t len,
	       uint64_t now)
{
	struct monitoring m = {
		.r = r,
		.peer = bmp_peer_find(r, h),
		.loc_rib = h->type == BMP_PEER_LOC_RIB,
		.post = h->post_policy,
		.now = now,
	};

	if (h->adj_rib_out) {
		bmp_ignore(r, IGNORED_OUT, NULL);
		return;
	}
	/* Neither FRR's own routes nor gobgpd's loc-rib are preceded by a peer up. */
	if (bmp_peer_is_router(h) && !(m.peer && m.peer->down)) {
		m.peer = bmp_peer_get(r, h);
		if (!m.peer)
			return;
		m.peer->up = true;
	}
	if (!m.peer || !m.peer->up) {
		char name[IP_STRLEN];

		bmp_ignore(r, IGNORED_PEER, ip_format(&h->address, name));
		return;
	}
	r->heard_ns = now;
	monitoring(&m, h, p, len);
}
