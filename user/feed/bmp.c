/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The feed `bmp`: routers connect and tell what each of their BGP peers has sent them (RFC 7854).
 * It listens, takes connections of the listed addresses only, one a router, and sends nothing. What
 * the messages say is in bmp_router.c; here are the connections.
 *
 * A turn of the loop takes so many messages of a connection, and none after one for which the RIB
 * was walked: what a router sends, however fast, leaves the others their turns. An unfinished
 * message is held up to BMP_MAX_LEN.
 */
#include "feed/bmp_router.h"
#include "feed/listen.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TURN_MESSAGES 64
#define TICK_US	      250000
#define STARTS_MAX    10 /* Initiations of a router in STARTS_NS */
#define STARTS_NS     10000000000ULL

extern const struct feed_type feed_type_bmp;

struct bmp_conn {
	struct feed *feed;
	struct bmp_router *router;
	struct bmp_conn **slot; /* its place below, `conn` or `pending` */
	struct bufferevent *bev;
	struct event *more; /* pending: messages wait for their turn */
	bool ended;	    /* by the router: nothing will come after what is there */
	int error;	    /* errno of that, 0: closed */
};

/* Of a router: the connection that counts, and one that has sent no Initiation yet. */
struct bmp_place {
	struct bmp_conn *conn, *pending;
	uint64_t window_ns;
	unsigned int starts; /* since then */
};

struct feed {
	struct bmp_feed bmp; /* first: feed_listen() wants the report there */
	const struct config_feed *cfg;
	struct event_base *base;
	struct evconnlistener *listener;
	struct event *tick;
	struct bmp_place *places; /* by router */
};

static void tick_arm(struct feed *feed, bool soon)
{
	const struct timeval tv = {.tv_usec = soon ? 0 : TICK_US};

	if (soon || !evtimer_pending(feed->tick, NULL))
		evtimer_add(feed->tick, &tv);
}

/* Synced: of those that are connected each has sent what it has, and there is one. */
static void check_synced(struct feed *feed)
{
	struct feed_report *rep = &feed->bmp.report;
	size_t connected = 0;

	for (size_t i = 0; i < feed->bmp.n_routers; i++) {
		const struct bmp_router *r = &feed->bmp.routers[i];

		if (r->connected && !r->synced)
			return;
		connected += r->connected;
	}
	if (connected)
		rep->sink.synced(rep->sink.arg, rep->id);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct feed *feed = arg;
	bool soon = false, later = false;
	uint64_t now = feed_now_ns();

	(void)fd;
	(void)what;
	for (size_t i = 0; i < feed->bmp.n_routers; i++) {
		struct bmp_router *r = &feed->bmp.routers[i];

		soon |= bmp_router_tick(r, now);
		later |= r->connected && !r->settled;
	}
	if (soon || later)
		tick_arm(feed, soon);
	check_synced(feed);
}

static void conn_free(struct bmp_conn *c)
{
	*c->slot = NULL;
	if (c->more)
		event_free(c->more);
	if (c->bev)
		bufferevent_free(c->bev);
	free(c);
}

static struct bmp_place *place_of(const struct bmp_conn *c)
{
	return &c->feed->places[c->router - c->feed->bmp.routers];
}

static bool is_pending(const struct bmp_conn *c)
{
	return c->slot == &place_of(c)->pending;
}

/* The connection is over; who calls has said why. */
static void conn_end(struct bmp_conn *c)
{
	struct feed *feed = c->feed;
	struct bmp_router *r = c->router;
	bool pending = is_pending(c);

	conn_free(c);
	if (pending)
		return;
	bmp_router_end(r);
	feed->bmp.report.status.state = FEED_STALE;
	for (size_t i = 0; i < feed->bmp.n_routers; i++)
		if (feed->bmp.routers[i].connected)
			feed->bmp.report.status.state = FEED_UP;
	check_synced(feed);
}

/* An Initiation has come: the connection takes its router's place. -EAGAIN: not so often. */
static int conn_begin(struct bmp_conn *c, uint64_t now, char error[BMP_ERROR_LEN])
{
	struct feed *feed = c->feed;
	struct bmp_place *place = place_of(c);

	if (!place->window_ns || now - place->window_ns >= STARTS_NS) {
		place->window_ns = now;
		place->starts = 0;
	}
	if (++place->starts > STARTS_MAX) {
		snprintf(error, BMP_ERROR_LEN,
			 "more than %d in %d s: give each of several routers an address of its "
			 "own, or see why it comes back",
			 STARTS_MAX, (int)(STARTS_NS / 1000000000ULL));
		return -EAGAIN;
	}
	if (place->conn) {
		feed_warn(&feed->bmp.report,
			  "router %s: a newer connection takes the place of the one before: if "
			  "these are two routers, give each an address of its own",
			  c->router->name);
		conn_end(place->conn);
	}
	place->pending = NULL;
	place->conn = c;
	c->slot = &place->conn;
	feed->bmp.report.status.state = FEED_UP;
	return 0;
}

static int conn_message(struct bmp_conn *c, uint8_t type, const uint8_t *body, size_t len,
			char error[BMP_ERROR_LEN])
{
	uint64_t now = feed_now_ns();
	int ret;

	if (is_pending(c)) {
		if (type != BMP_INITIATION) {
			snprintf(error, BMP_ERROR_LEN,
				 "message of type %u before an Initiation: does it speak BMP?",
				 type);
			return -EBADMSG;
		}
		ret = conn_begin(c, now, error);
		if (ret)
			return ret;
	}
	return bmp_router_message(c->router, type, body, len, now, error);
}

static int no_memory(char error[BMP_ERROR_LEN])
{
	snprintf(error, BMP_ERROR_LEN, "out of memory: give this machine more");
	return -ENOMEM;
}

enum next { NEXT_TAKEN, NEXT_NONE, NEXT_OVER /* the connection is gone */ };

/* Takes the next message, if it is whole. */
static enum next conn_next(struct bmp_conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	struct feed_report *rep = &c->feed->bmp.report;
	char error[BMP_ERROR_LEN];
	size_t len, there = evbuffer_get_length(in);
	uint8_t header[BMP_HEADER_LEN], *p, type;
	int ret;

	if (there < BMP_HEADER_LEN)
		return NEXT_NONE;
	evbuffer_copyout(in, header, sizeof(header));
	ret = bmp_header_parse(header, &len, &type, error);
	if (!ret && there < len)
		return NEXT_NONE;
	if (!ret) {
		p = evbuffer_pullup(in, (ev_ssize_t)len);
		if (p)
			ret = conn_message(c, type, p + BMP_HEADER_LEN, len - BMP_HEADER_LEN,
					   error);
		else
			ret = no_memory(error);
	}
	feed_heard(rep);
	if (!ret) {
		evbuffer_drain(in, len);
		return NEXT_TAKEN;
	}
	if (ret == -ECONNRESET)
		feed_warn(rep, "router %s: connection %s", c->router->name, error);
	else
		feed_refuse(rep,
			    ret == -EAGAIN   ? FEED_LIMIT
			    : ret == -ENOMEM ? FEED_MEMORY
					     : FEED_MALFORMED,
			    "router %s: connection closed: %s", c->router->name, error);
	conn_end(c);
	return NEXT_OVER;
}

/* The router has ended it, and all that came before is taken. */
static void conn_ended(struct bmp_conn *c)
{
	size_t rest = evbuffer_get_length(bufferevent_get_input(c->bev));
	const char *why = c->error ? strerror(c->error) : "closed by the router";
	struct feed_report *rep = &c->feed->bmp.report;

	if (rest)
		feed_error(rep,
			   "router %s: connection ended inside a message (%s): see the routing "
			   "daemon's log",
			   c->router->name, why);
	else if (!is_pending(c))
		feed_warn(rep,
			  "router %s: connection lost (%s): see whether the routing daemon runs",
			  c->router->name, why);
	conn_end(c);
}

static void conn_turn(struct bmp_conn *c)
{
	static const struct timeval next = {0};
	struct feed *feed = c->feed;
	struct bmp_router *r = c->router;
	enum next got = NEXT_TAKEN;

	r->walked = false;
	for (int i = 0; i < TURN_MESSAGES && got == NEXT_TAKEN && !r->walked; i++)
		got = conn_next(c);
	if (got == NEXT_TAKEN)
		evtimer_add(c->more, &next);
	if (got == NEXT_NONE && c->ended)
		conn_ended(c);
	if (r->connected && !r->settled)
		tick_arm(feed, false);
}

static void on_more(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	conn_turn(arg);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct bmp_conn *c = arg;

	(void)bev;
	if (!evtimer_pending(c->more, NULL))
		conn_turn(c);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct bmp_conn *c = arg;

	c->error = what & BEV_EVENT_ERROR ? errno : 0;
	c->ended = true;
	bufferevent_disable(bev, EV_READ);
	on_read(bev, c);
}

/* BMP has no sign of life of its own, and a router that lost its power says nothing. */
static void keepalive_set(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{SOL_SOCKET, SO_KEEPALIVE, 1},
		{IPPROTO_TCP, TCP_KEEPIDLE, 30},
		{IPPROTO_TCP, TCP_KEEPINTVL, 10},
		{IPPROTO_TCP, TCP_KEEPCNT, 3},
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
}

static struct bmp_conn *conn_new(struct feed *feed, int fd, size_t router)
{
	struct bmp_conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->feed = feed;
	c->router = &feed->bmp.routers[router];
	c->slot = &feed->places[router].pending;
	c->more = evtimer_new(feed->base, on_more, c);
	c->bev = c->more ? bufferevent_socket_new(feed->base, fd, BEV_OPT_CLOSE_ON_FREE) : NULL;
	if (!c->bev) {
		conn_free(c);
		return NULL;
	}
	bufferevent_setcb(c->bev, on_read, NULL, on_event, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, BMP_MAX_LEN);
	bufferevent_enable(c->bev, EV_READ);
	return c;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *sa,
		      int len, void *arg)
{
	struct ip_addr ip = feed_address(sa);
	struct feed *feed = arg;
	int router = feed_peer_find(feed->cfg, &ip);
	struct bmp_place *place;
	struct bmp_conn *c;
	char name[IP_STRLEN];

	(void)listener;
	(void)len;
	if (router < 0) {
		feed_refuse(&feed->bmp.report, FEED_SESSION,
			    "connection from %s refused: add it to the feed's `peers` if it is "
			    "yours",
			    ip_format(&ip, name));
		evutil_closesocket(fd);
		return;
	}
	place = &feed->places[router];
	if (place->pending) /* it has said nothing, and has come again */
		conn_end(place->pending);
	keepalive_set(fd);
	c = conn_new(feed, fd, (size_t)router);
	if (!c) {
		feed_refuse(&feed->bmp.report, FEED_MEMORY,
			    "connection from %s refused: out of memory", ip_format(&ip, name));
		evutil_closesocket(fd);
		return;
	}
	place->pending = c;
}

static void bmp_stop(struct feed *feed)
{
	for (size_t i = 0; feed->places && i < feed->bmp.n_routers; i++) {
		if (feed->places[i].pending)
			conn_free(feed->places[i].pending);
		if (feed->places[i].conn)
			conn_free(feed->places[i].conn);
	}
	if (feed->listener)
		evconnlistener_free(feed->listener);
	if (feed->tick)
		event_free(feed->tick);
	bmp_feed_free(&feed->bmp);
	free(feed->places);
	free(feed);
}

static int bmp_start(struct feed **out, feed_id id, const struct config_feed *cfg,
		     const char *config_dir, struct event_base *base, const struct feed_sink *sink,
		     char error[200])
{
	struct feed *feed = calloc(1, sizeof(*feed));
	int ret = -ENOMEM;

	(void)config_dir;
	snprintf(error, 200, "out of memory: give this machine more");
	if (!feed)
		return ret;
	feed_report_init(&feed->bmp.report, id, sink);
	feed->cfg = cfg;
	feed->base = base;
	feed->tick = evtimer_new(base, on_tick, feed);
	feed->places = calloc(cfg->n_peers, sizeof(*feed->places));
	if (feed->tick && feed->places && !bmp_feed_init(&feed->bmp, cfg))
		ret = feed_listen(&feed->listener, base, cfg, on_accept, feed, error);
	if (ret) {
		bmp_stop(feed);
		return ret;
	}
	*out = feed;
	return 0;
}

static void bmp_status(const struct feed *feed, struct feed_status *out)
{
	*out = feed->bmp.report.status;
	out->sees_all = bmp_feed_sees_all(&feed->bmp);
}

const struct feed_type feed_type_bmp = {
	.name = "bmp",
	.start = bmp_start,
	.status = bmp_status,
	.stop = bmp_stop,
};
