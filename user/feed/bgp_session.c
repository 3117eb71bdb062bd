/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One BGP session, passive (RFC 4271, 8). We send OPEN at once and then only KEEPALIVEs; the peer
 * sends its table. What goes wrong ends this session alone, with a NOTIFICATION; the connection is
 * then half-closed and read empty until the peer closes, or a reset would overtake the message.
 *
 * A session is a table of its own in the RIB, known by its peer's number: it begins when the
 * session comes up, is whole at its End-of-RIB, and is stale when the session ends.
 */
#include "feed/bgp_session.h"
#include "feed/bgp_wire.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define HOLD_S	    90	/* proposed */
#define HOLD_OPEN_S 240 /* until the peer's OPEN (RFC 4271, 8.2.2) */
#define LINGER_S    2
#define READ_HIGH   (64 * 1024)

static void conn_free(struct bgp_conn *c)
{
	TAILQ_REMOVE(&c->feed->conns, c, link);
	c->feed->n_conns--;
	if (c->hold)
		event_free(c->hold);
	if (c->keepalive)
		event_free(c->keepalive);
	if (c->bev)
		bufferevent_free(c->bev);
	free(c);
}

static void timer_set(struct event *ev, unsigned int seconds)
{
	struct timeval tv = {.tv_sec = seconds};

	if (seconds)
		evtimer_add(ev, &tv);
	else
		evtimer_del(ev);
}

static bool eor_complete(const struct bgp_conn *c)
{
	return (c->eor4 || !c->open.mp4) && (c->eor6 || !c->open.mp6);
}

void bgp_feed_check_eor(struct feed *feed)
{
	struct bgp_conn *c;

	bool all = feed->established > 0;

	TAILQ_FOREACH (c, &feed->conns, link) {
		if (c->state != BGP_ESTABLISHED)
			continue;
		if (eor_complete(c) && !c->eor_told) {
			c->eor_told = true;
			feed->report.sink.end_of_rib(feed->report.sink.arg, feed->report.id,
						     c->source);
		}
		all = all && c->eor_told;
	}
	if (all)
		feed->report.sink.synced(feed->report.sink.arg, feed->report.id);
}

static void feed_check_sees_all(struct feed *feed)
{
	struct bgp_conn *c;
	bool all = true;

	TAILQ_FOREACH (c, &feed->conns, link)
		if (c->state == BGP_ESTABLISHED &&
		    ((c->open.mp4 && !c->open.addpath4) || (c->open.mp6 && !c->open.addpath6)))
			all = false;
	feed->report.status.sees_all = all;
}

/* The session is over, whatever ended it; the connection may live on to carry a NOTIFICATION. */
static void conn_down(struct bgp_conn *c)
{
	bool was_up = c->state == BGP_ESTABLISHED;
	struct feed_report *rep = &c->feed->report;

	c->state = BGP_CLOSING;
	evtimer_del(c->keepalive);
	timer_set(c->hold, LINGER_S);
	if (!was_up)
		return;
	c->feed->established--;
	rep->sink.lost(rep->sink.arg, rep->id, c->source);
	if (!c->feed->established) {
		rep->status.state = FEED_STALE;
		return;
	}
	feed_check_sees_all(c->feed);
	bgp_feed_check_eor(c->feed);
}

/* RFC 4271, 6: messages are wrong by 1 and 3, out of step by 5; 6/8 is out of resources. */
static enum feed_refusal error_refusal(const struct bgp_error *err)
{
	switch (err->code) {
	case 1:
	case 3:
	case 5:
		return FEED_MALFORMED;
	case 6:
		return err->subcode == 8 ? FEED_MEMORY : FEED_SESSION;
	default:
		return FEED_SESSION;
	}
}

void bgp_conn_error(struct bgp_conn *c, const struct bgp_error *err)
{
	uint8_t buf[BGP_MAX_LEN];
	size_t len = bgp_notification_build(buf, err);

	feed_refuse(&c->feed->report, error_refusal(err),
		    "BGP peer %s: %s (session closed, %u/%u %s)", c->name, err->text, err->code,
		    err->subcode, bgp_error_name(err->code, err->subcode));
	conn_down(c);
	bufferevent_write(c->bev, buf, len);
}

void bgp_conn_stop(struct bgp_conn *c)
{
	struct bgp_error cease = {.code = 6, .subcode = 2};
	struct evbuffer *out = bufferevent_get_output(c->bev);
	struct evbuffer_iovec iov[8];
	struct msghdr msg = {.msg_iov = iov};
	uint8_t buf[BGP_MAX_LEN];
	int n;

	if (c->state != BGP_CLOSING) {
		evbuffer_add(out, buf, bgp_notification_build(buf, &cease));
		n = evbuffer_peek(out, -1, NULL, iov, 8);
		msg.msg_iovlen = n < 8 ? (size_t)n : 8;
		sendmsg(bufferevent_getfd(c->bev), &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	conn_free(c);
}

static void send_keepalive(struct bgp_conn *c)
{
	uint8_t buf[BGP_HEADER_LEN];

	/* A peer that does not read gets no more of them; its own hold timer speaks then. */
	if (evbuffer_get_length(bufferevent_get_output(c->bev)) < BGP_MAX_LEN)
		bufferevent_write(c->bev, buf, bgp_keepalive_build(buf));
}

static void on_keepalive(evutil_socket_t fd, short what, void *arg)
{
	struct bgp_conn *c = arg;

	(void)fd;
	(void)what;
	send_keepalive(c);
	timer_set(c->keepalive, c->hold_s / 3);
}

static void on_hold(evutil_socket_t fd, short what, void *arg)
{
	struct bgp_conn *c = arg;
	struct bgp_error err;

	(void)fd;
	(void)what;
	if (c->state == BGP_CLOSING) {
		conn_free(c);
		return;
	}
	bgp_error_set(&err, 4, 0, NULL, 0, "nothing heard for %u s: see whether the daemon hangs",
		      c->state == BGP_OPEN_SENT ? HOLD_OPEN_S : c->hold_s);
	bgp_conn_error(c, &err);
}

/* What of the peer's OPEN depends on our side. 0, or -EBADMSG. */
static int open_check(const struct bgp_conn *c, const struct bgp_open *o, struct bgp_error *err)
{
	static const uint8_t mp4[] = {1, 4, 0, BGP_AFI_IPV4, 0, BGP_SAFI_UNICAST};

	if (o->as != c->feed->cfg->as)
		return bgp_error_set(err, 2, 2, NULL, 0,
				     "its AS is %u, ours %u: iBGP wants one AS, change `as` here "
				     "or there",
				     o->as, c->feed->cfg->as);
	if (o->router_id == c->feed->cfg->router_id)
		return bgp_error_set(err, 2, 3, NULL, 0,
				     "it has our router-id: change `router-id` here");
	if (!o->mp4 && !o->mp6)
		return bgp_error_set(err, 2, 7, mp4, sizeof(mp4),
				     "neither IPv4 nor IPv6 unicast offered: add one there");
	return 0;
}

/* A message that has no place in this state; the subcode is the state (RFC 6608). */
static int out_of_step(const struct bgp_conn *c, const char *what, struct bgp_error *err)
{
	return bgp_error_set(err, 5, (uint8_t)(c->state + 1), NULL, 0,
			     "%s: the peer is out of step", what);
}

static int handle_open(struct bgp_conn *c, const uint8_t *body, size_t len, struct bgp_error *err)
{
	struct bgp_open o;

	if (c->state != BGP_OPEN_SENT)
		return out_of_step(c, "a second OPEN", err);
	if (bgp_open_parse(body, len, &o, err) || open_check(c, &o, err))
		return -EBADMSG;
	c->open = o;
	c->session = (struct bgp_session){
		.as4 = o.as4, .addpath4 = o.addpath4, .addpath6 = o.addpath6, .ibgp = true};
	c->hold_s = o.hold_s < HOLD_S ? o.hold_s : HOLD_S;
	c->state = BGP_OPEN_CONFIRM;
	send_keepalive(c);
	timer_set(c->keepalive, c->hold_s / 3);
	return 0;
}

static const char *family_text(bool mp, bool addpath)
{
	return !mp ? "no" : addpath ? "with ADD-PATH" : "best paths";
}

static void handle_established(struct bgp_conn *c)
{
	struct feed_report *rep = &c->feed->report;

	c->state = BGP_ESTABLISHED;
	rep->status.state = FEED_UP;
	c->feed->established++;
	rep->sink.begin(rep->sink.arg, rep->id, c->source);
	feed_check_sees_all(c->feed);
	feed_note(rep, "BGP session with %s is up (IPv4: %s, IPv6: %s)", c->name,
		  family_text(c->open.mp4, c->open.addpath4),
		  family_text(c->open.mp6, c->open.addpath6));
	if (!rep->status.sees_all)
		feed_warn(
			rep,
			"BGP peer %s sends its best paths only in some family: set `add paths tx` "
			"there, or lost backups are not seen",
			c->name);
}

static int handle_keepalive(struct bgp_conn *c, struct bgp_error *err)
{
	if (c->state == BGP_OPEN_SENT)
		return out_of_step(c, "a KEEPALIVE before OPEN", err);
	if (c->state == BGP_OPEN_CONFIRM)
		handle_established(c);
	return 0;
}

static int handle_update(struct bgp_conn *c, const uint8_t *body, size_t len, struct bgp_error *err)
{
	const struct bgp_update_ops ops = bgp_conn_ops(c);
	bool treated = false;

	if (c->state != BGP_ESTABLISHED)
		return out_of_step(c, "an UPDATE before the session is up", err);
	if (bgp_update_parse(&c->session, body, len, &ops, &treated, err))
		return -EBADMSG;
	if (c->failed)
		return bgp_error_set(err, 6, 8, NULL, 0,
				     "no memory for its routes: give this machine more");
	if (treated)
		feed_error(&c->feed->report,
			   "BGP peer %s: %s (%u/%u %s): the message's routes count as withdrawn",
			   c->name, err->text, err->code, err->subcode,
			   bgp_error_name(err->code, err->subcode));
	else
		c->feed->report.status.updates++;
	return 0;
}

static void handle_notification(struct bgp_conn *c, const uint8_t *body)
{
	feed_warn(&c->feed->report,
		  "BGP peer %s closed the session, %u/%u %s: see the routing daemon's log", c->name,
		  body[0], body[1], bgp_error_name(body[0], body[1]));
	conn_down(c);
	shutdown(bufferevent_getfd(c->bev), SHUT_WR);
}

/* One whole message. A peer that sends anything valid is alive. */
static void handle_message(struct bgp_conn *c, enum bgp_type type, const uint8_t *body, size_t len)
{
	struct bgp_error err;
	int ret = 0;

	feed_heard(&c->feed->report);
	switch (type) {
	case BGP_OPEN:
		ret = handle_open(c, body, len, &err);
		break;
	case BGP_UPDATE:
		ret = handle_update(c, body, len, &err);
		break;
	case BGP_NOTIFICATION:
		handle_notification(c, body);
		return;
	case BGP_KEEPALIVE:
		ret = handle_keepalive(c, &err);
		break;
	case BGP_ROUTE_REFRESH: /* not advertised, and nothing to send again (RFC 2918, 4) */
		if (c->state != BGP_ESTABLISHED)
			ret = out_of_step(c, "a ROUTE-REFRESH before the session is up", &err);
		break;
	}
	if (ret)
		bgp_conn_error(c, &err);
	else
		timer_set(c->hold, c->hold_s);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	struct bgp_conn *c = arg;

	while (c->state != BGP_CLOSING && evbuffer_get_length(in) >= BGP_HEADER_LEN) {
		uint8_t *buf = evbuffer_pullup(in, BGP_HEADER_LEN);
		struct bgp_error err;
		enum bgp_type type;
		size_t len;

		if (bgp_header_parse(buf, &len, &type, &err)) {
			bgp_conn_error(c, &err);
			break;
		}
		if (evbuffer_get_length(in) < len)
			return;
		buf = evbuffer_pullup(in, (ev_ssize_t)len);
		handle_message(c, type, buf + BGP_HEADER_LEN, len - BGP_HEADER_LEN);
		evbuffer_drain(in, len);
	}
	if (c->state == BGP_CLOSING)
		evbuffer_drain(in, evbuffer_get_length(in));
}

/* All is written. */
static void on_write(struct bufferevent *bev, void *arg)
{
	struct bgp_conn *c = arg;

	if (c->state == BGP_CLOSING)
		shutdown(bufferevent_getfd(bev), SHUT_WR);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct bgp_conn *c = arg;
	size_t rest = evbuffer_get_length(bufferevent_get_input(bev));
	const char *why = what & BEV_EVENT_ERROR ? strerror(errno) : "closed by the peer";

	if (c->state != BGP_CLOSING) {
		if (rest)
			feed_error(&c->feed->report,
				   "BGP peer %s: connection ended inside a message (%s): see the "
				   "routing daemon's log",
				   c->name, why);
		else
			feed_warn(&c->feed->report,
				  "BGP peer %s: connection lost (%s): see whether the routing "
				  "daemon runs",
				  c->name, why);
		conn_down(c);
	}
	conn_free(c);
}

static void conn_reject(struct bgp_conn *c)
{
	struct bgp_error err;

	bgp_error_set(&err, 6, 7, NULL, 0,
		      "a second connection while the first one is up: give "
		      "the routing daemon one session to this feed");
	bgp_conn_error(c, &err);
}

int bgp_conn_start(struct feed *feed, int fd, const struct ip_addr *peer, uint16_t source,
		   bool reject)
{
	struct bgp_conn *c = calloc(1, sizeof(*c));
	uint8_t buf[BGP_MAX_LEN];

	if (!c) {
		evutil_closesocket(fd);
		return -ENOMEM;
	}
	c->feed = feed;
	c->peer = *peer;
	c->source = source;
	ip_format(peer, c->name);
	TAILQ_INSERT_TAIL(&feed->conns, c, link);
	feed->n_conns++;
	c->hold = evtimer_new(feed->base, on_hold, c);
	c->keepalive = evtimer_new(feed->base, on_keepalive, c);
	c->bev = bufferevent_socket_new(feed->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!c->bev)
		evutil_closesocket(fd);
	if (!c->hold || !c->keepalive || !c->bev) {
		conn_free(c);
		return -ENOMEM;
	}
	bufferevent_setcb(c->bev, on_read, on_write, on_event, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, READ_HIGH);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	if (reject) {
		conn_reject(c);
		return 0;
	}
	timer_set(c->hold, HOLD_OPEN_S);
	bufferevent_write(c->bev, buf,
			  bgp_open_build(buf, feed->cfg->as, HOLD_S, feed->cfg->router_id));
	return 0;
}
