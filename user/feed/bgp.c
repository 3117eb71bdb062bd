/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The feed `bgp`: a passive iBGP speaker for the edge's own routing daemon (BIRD, FRR), which
 * sends every candidate by ADD-PATH (RFC 7911). It listens, takes connections of the listed peers
 * only, one session a peer, and announces nothing. The sessions are in bgp_session.c.
 */
#include "feed/bgp_session.h"
#include "feed/bgp_wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG	    16
#define SPARE_CONNS 32 /* beyond one a peer: those that still carry a NOTIFICATION */

extern const struct feed_type feed_type_bgp;

static socklen_t sockaddr_from(const struct ip_addr *ip, uint16_t port, struct sockaddr_storage *ss)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *in = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	if (ip->family == 4) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, ip->bytes, 4);
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, ip->bytes, 16);
	return sizeof(*in6);
}

static struct ip_addr sockaddr_address(const struct sockaddr *sa)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;
	const struct sockaddr_in *in = (const struct sockaddr_in *)sa;
	struct ip_addr ip = {0};

	if (sa->sa_family == AF_INET) {
		ip.family = 4;
		memcpy(ip.bytes, &in->sin_addr, 4);
	} else if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		ip.family = 4;
		memcpy(ip.bytes, in6->sin6_addr.s6_addr + 12, 4);
	} else {
		ip.family = 6;
		memcpy(ip.bytes, &in6->sin6_addr, 16);
	}
	return ip;
}

static int peer_find(const struct config_feed *cfg, const struct ip_addr *ip)
{
	for (size_t i = 0; i < cfg->n_peers; i++)
		if (ip_equal(&cfg->peers[i], ip))
			return (int)i;
	return -1;
}

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
	struct ip_addr ip = sockaddr_address(sa);
	struct feed *feed = arg;
	int peer = peer_find(feed->cfg, &ip);
	struct bgp_conn *old;
	struct bgp_error err;
	char name[IP_STRLEN];

	(void)listener;
	(void)len;
	if (peer < 0 || feed->n_conns >= feed->cfg->n_peers + SPARE_CONNS) {
		feed_refuse(&feed->report, peer < 0 ? FEED_SESSION : FEED_LIMIT,
			    "connection from %s refused: %s", ip_format(&ip, name),
			    peer < 0 ? "add it to the feed's `peers` if it is yours"
				     : "too many at once, see why its sessions fail");
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

static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	struct feed *feed = arg;

	(void)listener;
	feed_refuse(&feed->report, FEED_LIMIT,
		    "cannot take a connection: %s: raise the limit of open files", strerror(errno));
}

static const char *bind_hint(int error)
{
	switch (error) {
	case EADDRINUSE:
		return "stop what listens there (ss -ltnp), or change the feed's `listen`";
	case EADDRNOTAVAIL:
		return "add the address to an interface, or change the feed's `listen`";
	case EACCES:
		return "run as root, or take a port above 1023";
	default:
		return "check the feed's `listen`";
	}
}

/* A listening socket, or -errno with a message. */
static int listen_open(const struct config_feed *cfg, char error[200])
{
	struct sockaddr_storage ss;
	socklen_t len = sockaddr_from(&cfg->listen, cfg->port, &ss);
	char ip[IP_STRLEN];
	int fd, one = 1, err;

	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) &&
	    !bind(fd, (struct sockaddr *)&ss, len) && !listen(fd, BACKLOG))
		return fd;
	err = errno;
	snprintf(error, 200, cfg->listen.family == 6 ? "[%s]:%u: %s: %s" : "%s:%u: %s: %s",
		 ip_format(&cfg->listen, ip), cfg->port, strerror(err), bind_hint(err));
	if (fd >= 0)
		close(fd);
	return -err;
}

static int bgp_start(struct feed **out, feed_id id, const struct config_feed *cfg,
		     const char *config_dir, struct event_base *base, const struct feed_sink *sink,
		     char error[200])
{
	struct feed *feed;
	int fd;

	(void)config_dir;
	fd = listen_open(cfg, error);
	if (fd < 0)
		return fd;
	feed = calloc(1, sizeof(*feed));
	if (feed)
		feed->listener =
			evconnlistener_new(base, on_accept, feed,
					   LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!feed || !feed->listener) {
		snprintf(error, 200, "out of memory: give this machine more");
		close(fd);
		free(feed);
		return -ENOMEM;
	}
	evconnlistener_set_error_cb(feed->listener, on_accept_error);
	feed_report_init(&feed->report, id, sink);
	feed->cfg = cfg;
	feed->base = base;
	TAILQ_INIT(&feed->conns);
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
	evconnlistener_free(feed->listener);
	free(feed);
}

const struct feed_type feed_type_bgp = {
	.name = "bgp",
	.start = bgp_start,
	.status = bgp_status,
	.stop = bgp_stop,
};
