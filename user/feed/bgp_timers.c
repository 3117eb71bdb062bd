/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What comes to a BGP session by time, not by a message: the hold timer and our KEEPALIVEs (RFC
 * 4271, 8.2); the end of a table whose sender marks none; a table asked for again (RFC 2918); a
 * graceful restart that took too long (RFC 4724, 4.2); and how often a peer may connect.
 */
#include "feed/bgp_session.h"
#include "feed/bgp_wire.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define REFRESH_FIRST_S 1
#define REFRESH_MOST_S	300
#define REFRESH_GROWS	4
/* A peer's connections: so many at once, then one each so often. */
#define ADMIT_BURST 8
#define ADMIT_NS    (4 * 1000000000ULL)

void bgp_timer_set(struct event *ev, unsigned int seconds)
{
	struct timeval tv = {.tv_sec = seconds};

	if (seconds)
		evtimer_add(ev, &tv);
	else
		evtimer_del(ev);
}

void bgp_conn_keepalive(struct bgp_conn *c)
{
	uint8_t buf[BGP_HEADER_LEN];

	/* A peer that does not read gets no more of them; its own hold timer speaks then. */
	if (c->n_out < BGP_OUT_LEN / 2)
		bgp_conn_send(c, buf, bgp_keepalive_build(buf));
	bgp_timer_set(c->keepalive, c->hold_s / 3);
}

static void on_keepalive(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	bgp_conn_keepalive(arg);
}

static void on_hold(evutil_socket_t fd, short what, void *arg)
{
	struct bgp_conn *c = arg;
	struct bgp_error err;

	(void)fd;
	(void)what;
	if (c->state == BGP_CLOSING) {
		bgp_conn_free(c);
		return;
	}
	if (c->state == BGP_OPEN_SENT)
		bgp_error_set(&err, 4, 0, NULL, 0,
			      "it sent no OPEN: see whether it is a BGP daemon");
	else
		bgp_error_set(&err, 4, 0, NULL, 0,
			      "nothing heard for %u s: see whether the daemon hangs", c->hold_s);
	bgp_conn_error(c, &err);
}

/* A peer without graceful restart need not send End-of-RIB: silence stands for it. */
static void on_quiet(evutil_socket_t fd, short what, void *arg)
{
	struct bgp_conn *c = arg;

	(void)fd;
	(void)what;
	if (c->state != BGP_ESTABLISHED || c->eor_told)
		return;
	if (c->updates != c->quiet_at) {
		c->quiet_at = c->updates;
		bgp_timer_set(c->quiet, BGP_QUIET_S);
		return;
	}
	feed_note(&c->feed->report,
		  "BGP peer %s sends no End-of-RIB: its table is taken for whole after %u s of "
		  "silence; switch graceful restart on there to be sure",
		  c->name, BGP_QUIET_S);
	c->eor4 = c->eor6 = true;
	bgp_feed_check_eor(c->feed);
}

static void on_refresh(evutil_socket_t fd, short what, void *arg)
{
	struct bgp_conn *c = arg;
	uint8_t buf[BGP_MAX_LEN];

	(void)fd;
	(void)what;
	if (c->state != BGP_ESTABLISHED)
		return;
	c->unknown = 0;
	if (c->open.mp4)
		bgp_conn_send(c, buf, bgp_refresh_build(buf, 4));
	if (c->open.mp6)
		bgp_conn_send(c, buf, bgp_refresh_build(buf, 6));
	feed_note(&c->feed->report, "BGP peer %s: asked for its table again", c->name);
}

void bgp_conn_refresh(struct bgp_conn *c)
{
	if (c->state != BGP_ESTABLISHED || !c->open.refresh || evtimer_pending(c->refresh, NULL))
		return;
	bgp_timer_set(c->refresh, c->refresh_s);
	c->refresh_s *= REFRESH_GROWS;
	if (c->refresh_s > REFRESH_MOST_S)
		c->refresh_s = REFRESH_MOST_S;
}

bool bgp_timers_new(struct bgp_conn *c)
{
	struct event_base *base = c->feed->base;

	c->refresh_s = REFRESH_FIRST_S;
	c->hold = evtimer_new(base, on_hold, c);
	c->keepalive = evtimer_new(base, on_keepalive, c);
	c->quiet = evtimer_new(base, on_quiet, c);
	c->refresh = evtimer_new(base, on_refresh, c);
	return c->hold && c->keepalive && c->quiet && c->refresh;
}

void bgp_timers_free(struct bgp_conn *c)
{
	struct event *const timers[] = {c->hold, c->keepalive, c->quiet, c->refresh};

	for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++)
		if (timers[i])
			event_free(timers[i]);
}

static void on_restart(evutil_socket_t fd, short what, void *arg)
{
	const struct bgp_peer *p = arg;
	struct feed_report *rep = &p->feed->report;
	uint16_t source = (uint16_t)(p - p->feed->peers);
	char name[IP_STRLEN];

	(void)fd;
	(void)what;
	feed_warn(
		rep,
		"BGP peer %s did not return within the restart time that it named: its routes are "
		"gone; start the routing daemon, or give it more there",
		ip_format(&p->feed->cfg->peers[source], name));
	rep->sink.dropped(rep->sink.arg, rep->id, source);
}

int bgp_peers_new(struct feed *feed)
{
	feed->peers = calloc(feed->cfg->n_peers, sizeof(*feed->peers));
	for (size_t i = 0; feed->peers && i < feed->cfg->n_peers; i++) {
		feed->peers[i].feed = feed;
		feed->peers[i].restart = evtimer_new(feed->base, on_restart, &feed->peers[i]);
		if (!feed->peers[i].restart)
			return -ENOMEM;
	}
	return feed->peers ? 0 : -ENOMEM;
}

void bgp_peers_free(struct feed *feed)
{
	for (size_t i = 0; feed->peers && i < feed->cfg->n_peers; i++)
		if (feed->peers[i].restart)
			event_free(feed->peers[i].restart);
	free(feed->peers);
}

bool bgp_peer_admit(struct bgp_peer *p)
{
	uint64_t now = feed_now_ns();

	if (p->next_ns > now + ADMIT_BURST * ADMIT_NS)
		return false;
	p->next_ns = (p->next_ns > now ? p->next_ns : now) + ADMIT_NS;
	return true;
}
