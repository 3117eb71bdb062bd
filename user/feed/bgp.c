/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The feed `bgp`: a passive iBGP speaker for the edge's own routing daemon (BIRD, FRR), which
 * sends every candidate by ADD-PATH (RFC 7911). It listens, takes connections of the listed peers
 * only, one session a peer, and announces nothing. bgp_session.h says what the other files are.
 */
#include "feed/bgp_session.h"
#include "feed/bgp_wire.h"
#include "feed/listen.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPARE_CONNS 32 /* beyond one a peer: those that still carry a NOTIFICATION */

extern const struct feed_type feed_type_bgp;

static struct bgp_conn *conn_find(struct feed *feed, const struct ip_addr *peer)
{
	struct bgp_conn *c;

	TAILQ_FOREACH (c, &feed->conns, link)
		if (c->state != BGP_CLOSING && ip_equal(&c->peer, peer))
			return c;
	return NULL;
}

/* RFC 4271, 6.8: a session that is up stays, one that is not gives way to the newer connection. */
static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *sa,
		      int len, void *arg)
{
	struct ip_addr ip = feed_address(sa);
	struct feed *feed = arg;
	int peer = feed_peer_find(feed->cfg, &ip);
	struct bgp_conn *old;
	struct bgp_error err;
	char name[IP_STRLEN];

	(void)listener;
	(void)len;
	if (peer < 0 || feed->n_conns >= feed->cfg->n_peers + SPARE_CONNS ||
	    !bgp_peer_admit(&feed->peers[peer])) {
		feed_refuse(&feed->report, peer < 0 ? FEED_SESSION : FEED_LIMIT,
			    "connection from %s refused: %s", ip_format(&ip, name),
			    peer < 0 ? "add it to the feed's `peers` if it is yours"
				     : "too many of them, see why its sessions fail");
		evutil_closesocket(fd);
		return;
	}
	old = conn_find(feed, &ip);
	if (old && old->state != BGP_ESTABLISHED) {
		bgp_error_set(&err, 6, 7, NULL, 0,
			      "a newer connection takes its place: no action needed, unless often");
		bgp_conn_error(old, &err);
		old = NULL;
	}
	if (bgp_conn_start(feed, fd, &ip, (uint16_t)peer, old != NULL))
		feed_refuse(&feed->report, FEED_MEMORY, "connection from %s refused: out of memory",
			    ip_format(&ip, name));
}

static void feed_free(struct feed *feed)
{
	if (feed->listener)
		evconnlistener_free(feed->listener);
	bgp_peers_free(feed);
	free(feed);
}

static int bgp_start(struct feed **out, feed_id id, const struct config_feed *cfg,
		     const char *config_dir, struct event_base *base, const struct feed_sink *sink,
		     char error[200])
{
	struct feed *feed = calloc(1, sizeof(*feed));
	int ret = -ENOMEM;

	(void)config_dir;
	snprintf(error, 200, "out of memory: give this machine more");
	if (!feed)
		return ret;
	feed->cfg = cfg;
	feed->base = base;
	TAILQ_INIT(&feed->conns);
	feed_report_init(&feed->report, id, sink);
	if (!bgp_peers_new(feed))
		ret = feed_listen(&feed->listener, base, cfg, on_accept, feed, error);
	if (!ret)
		ret = bgp_protect(evconnlistener_get_fd(feed->listener), cfg, error);
	if (ret) {
		feed_free(feed);
		return ret;
	}
	*out = feed;
	return 0;
}

static void bgp_status(const struct feed *feed, struct feed_status *out)
{
	*out = feed->report.status;
}

static void bgp_stop(struct feed *feed)
{
	while (!TAILQ_EMPTY(&feed->conns))
		bgp_conn_stop(TAILQ_FIRST(&feed->conns));
	feed_free(feed);
}

/* Of those whose routes were refused for want of a path. */
static void bgp_resend(struct feed *feed)
{
	struct bgp_conn *c;

	TAILQ_FOREACH (c, &feed->conns, link)
		if (c->unknown)
			bgp_conn_refresh(c);
}

const struct feed_type feed_type_bgp = {
	.name = "bgp",
	.start = bgp_start,
	.status = bgp_status,
	.resend = bgp_resend,
	.stop = bgp_stop,
};
