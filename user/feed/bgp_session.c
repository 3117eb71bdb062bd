/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One BGP session, passive (RFC 4271, 8): what each message does. We send OPEN at once, both
 * End-of-RIB, as we announce nothing, and then only KEEPALIVEs; the peer sends its table. What goes
 * wrong ends this session alone, with a NOTIFICATION.
 *
 * A session is a table of its own in the RIB, known by its peer's number: it begins when the
 * session comes up, is whole at its End-of-RIB, and is stale when the session ends. A peer that
 * said how long its restart takes (RFC 4724) and lost the connection without a NOTIFICATION has
 * that long to return, within the daemon's `stale-time`.
 */
#include "feed/bgp_session.h"
#include "feed/bgp_wire.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define HOLD_S	    90	/* proposed */
#define HOLD_OPEN_S 240 /* until the peer's OPEN (RFC 4271, 8.2.2) */
#define LINGER_S    2

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

static bool sees_all(const struct bgp_conn *c)
{
	return (!c->open.mp4 || c->open.addpath4) && (!c->open.mp6 || c->open.addpath6);
}

static void feed_check_sees_all(struct feed *feed)
{
	struct bgp_conn *c;
	bool all = true;

	TAILQ_FOREACH (c, &feed->conns, link)
		if (c->state == BGP_ESTABLISHED && !sees_all(c))
			all = false;
	feed->report.status.sees_all = all;
}

void bgp_conn_down(struct bgp_conn *c)
{
	bool was_up = c->state == BGP_ESTABLISHED;
	struct feed_report *rep = &c->feed->report;

	c->state = BGP_CLOSING;
	bgp_timer_set(c->keepalive, 0);
	bgp_timer_set(c->hold, LINGER_S);
	if (!was_up)
		return;
	c->feed->established--;
	rep->sink.lost(rep->sink.arg, rep->id, c->source);
	if (!c->notified && (c->open.gr4 || c->open.gr6))
		bgp_timer_set(c->feed->peers[c->source].restart, c->open.restart_s);
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
	c->notified = true;
	bgp_conn_down(c);
	bgp_conn_send(c, buf, len);
}

void bgp_conn_stop(struct bgp_conn *c)
{
	struct bgp_error cease = {.code = 6, .subcode = 2};
	uint8_t buf[BGP_MAX_LEN];

	if (c->state != BGP_CLOSING)
		bgp_conn_send(c, buf, bgp_notification_build(buf, &cease));
	bgp_conn_free(c);
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
	bgp_conn_keepalive(c);
	return 0;
}

static const char *family_text(bool mp, bool addpath)
{
	return !mp ? "no" : addpath ? "with ADD-PATH" : "best paths";
}

/* A graceful restart's end, in time (RFC 4724, 4.2). */
static void told_return(struct bgp_conn *c)
{
	struct event *restart = c->feed->peers[c->source].restart;
	bool kept = (!c->open.gr4 || c->open.forwards4) && (!c->open.gr6 || c->open.forwards6);

	if (!evtimer_pending(restart, NULL))
		return;
	bgp_timer_set(restart, 0);
	feed_note(&c->feed->report,
		  "BGP peer %s is back within its restart time: its routes stay until its "
		  "End-of-RIB%s",
		  c->name, kept ? "" : "; its own forwarding state was lost");
}

/* We have no routes: what we send is complete at once, and a restarting peer waits for it. */
static void send_end_of_rib(struct bgp_conn *c)
{
	uint8_t buf[BGP_MAX_LEN];

	if (c->open.mp4)
		bgp_conn_send(c, buf, bgp_end_of_rib_build(buf, 4));
	if (c->open.mp6)
		bgp_conn_send(c, buf, bgp_end_of_rib_build(buf, 6));
}

static void handle_established(struct bgp_conn *c)
{
	struct feed_report *rep = &c->feed->report;

	c->state = BGP_ESTABLISHED;
	rep->status.state = FEED_UP;
	c->feed->established++;
	told_return(c);
	rep->sink.begin(rep->sink.arg, rep->id, c->source);
	feed_check_sees_all(c->feed);
	feed_note(rep, "BGP session with %s is up (IPv4: %s, IPv6: %s)", c->name,
		  family_text(c->open.mp4, c->open.addpath4),
		  family_text(c->open.mp6, c->open.addpath6));
	if (!sees_all(c))
		feed_warn(
			rep,
			"BGP peer %s sends its best paths only in some family: set `add paths tx` "
			"there, or lost backups are not seen",
			c->name);
	send_end_of_rib(c);
	if (!c->open.graceful_restart)
		bgp_timer_set(c->quiet, BGP_QUIET_S);
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
	bool treated = false;

	if (c->state != BGP_ESTABLISHED)
		return out_of_step(c, "an UPDATE before the session is up", err);
	c->updates++;
	if (bgp_update_parse(&c->session, body, len, &c->ops, &treated, err))
		return -EBADMSG;
	if (c->failed)
		return bgp_error_set(err, 6, 8, NULL, 0,
				     "no memory for its routes: give this machine more");
	if (!treated) {
		c->feed->report.status.updates++;
		return 0;
	}
	feed_error(&c->feed->report,
		   "BGP peer %s: %s (%u/%u %s): the message's routes count as withdrawn", c->name,
		   err->text, err->code, err->subcode, bgp_error_name(err->code, err->subcode));
	bgp_conn_refresh(c);
	return 0;
}

static void handle_notification(struct bgp_conn *c, const uint8_t *body)
{
	feed_warn(&c->feed->report,
		  "BGP peer %s closed the session, %u/%u %s: see the routing daemon's log", c->name,
		  body[0], body[1], bgp_error_name(body[0], body[1]));
	c->notified = true;
	bgp_conn_down(c);
	bgp_conn_flush(c);
}

void bgp_conn_message(struct bgp_conn *c, enum bgp_type type, const uint8_t *body, size_t len)
{
	struct bgp_error err;
	int ret = 0;

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
	case BGP_ROUTE_REFRESH: /* of nothing, nothing is to be sent again (RFC 2918, 4) */
		if (c->state != BGP_ESTABLISHED)
			ret = out_of_step(c, "a ROUTE-REFRESH before the session is up", &err);
		break;
	}
	if (ret)
		bgp_conn_error(c, &err);
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
	struct bgp_conn *c = bgp_conn_new(feed, fd);
	uint8_t buf[BGP_MAX_LEN];

	if (!c)
		return -ENOMEM;
	c->peer = *peer;
	c->source = source;
	c->ops = bgp_conn_ops(c);
	ip_format(peer, c->name);
	if (reject) {
		conn_reject(c);
		return 0;
	}
	bgp_timer_set(c->hold, HOLD_OPEN_S);
	bgp_conn_send(c, buf, bgp_open_build(buf, feed->cfg->as, HOLD_S, feed->cfg->router_id));
	return 0;
}
