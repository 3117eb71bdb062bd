/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bytes of one BGP connection: read as many as there are into one buffer, taken off it message
 * by message, whatever pieces they came in; and written, or kept until the peer takes them. A
 * closed session's connection is half-closed and read empty until the peer closes, or a reset would
 * overtake its NOTIFICATION.
 */
#include "feed/bgp_session.h"
#include "feed/bgp_wire.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_MAX (64 * 1024) /* a turn of the loop: a flood must not hold up the others */
#define IN_LEN	 (READ_MAX + BGP_EXT_LEN)

void bgp_conn_free(struct bgp_conn *c)
{
	TAILQ_REMOVE(&c->feed->conns, c, link);
	c->feed->n_conns--;
	bgp_timers_free(c);
	if (c->readable)
		event_free(c->readable);
	if (c->writable)
		event_free(c->writable);
	close(c->fd);
	free(c->in);
	free(c);
}

static void lost(struct bgp_conn *c, const char *why)
{
	if (c->state != BGP_CLOSING) {
		if (c->n_in)
			feed_error(&c->feed->report,
				   "BGP peer %s: connection ended inside a message (%s): see the "
				   "routing daemon's log",
				   c->name, why);
		else
			feed_warn(&c->feed->report,
				  "BGP peer %s: connection lost (%s): see whether the routing "
				  "daemon runs",
				  c->name, why);
		bgp_conn_down(c);
	}
	bgp_conn_free(c);
}

void bgp_conn_flush(struct bgp_conn *c)
{
	ssize_t n = c->n_out ? send(c->fd, c->out, c->n_out, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;

	/* An error of the connection is told by reading. */
	if (n > 0) {
		c->n_out -= (size_t)n;
		memmove(c->out, c->out + n, c->n_out);
	}
	if (c->n_out)
		event_add(c->writable, NULL);
	else if (c->state == BGP_CLOSING)
		shutdown(c->fd, SHUT_WR);
}

void bgp_conn_send(struct bgp_conn *c, const uint8_t *buf, size_t len)
{
	if (len > sizeof(c->out) - c->n_out)
		return;
	memcpy(c->out + c->n_out, buf, len);
	c->n_out += len;
	bgp_conn_flush(c);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	bgp_conn_flush(arg);
}

/* Takes all whole messages. */
static void consume(struct bgp_conn *c)
{
	size_t at = 0, len;

	while (c->state != BGP_CLOSING && c->n_in - at >= BGP_HEADER_LEN) {
		const uint8_t *p = c->in + at;
		struct bgp_error err;
		enum bgp_type type;

		if (bgp_header_parse(p, &len, &type, &err)) {
			bgp_conn_error(c, &err);
			break;
		}
		if (c->n_in - at < len)
			break;
		bgp_conn_message(c, type, p + BGP_HEADER_LEN, len - BGP_HEADER_LEN);
		at += len;
	}
	if (c->state == BGP_CLOSING)
		at = c->n_in;
	c->n_in -= at;
	memmove(c->in, c->in + at, c->n_in);
	if (at && c->state != BGP_CLOSING) /* who sends anything valid is alive */
		bgp_timer_set(c->hold, c->hold_s);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct bgp_conn *c = arg;
	ssize_t n = recv(fd, c->in + c->n_in, READ_MAX, MSG_DONTWAIT);

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		lost(c, n ? strerror(errno) : "closed by the peer");
		return;
	}
	if (c->state == BGP_CLOSING)
		return;
	feed_heard(&c->feed->report);
	c->n_in += (size_t)n;
	consume(c);
}

struct bgp_conn *bgp_conn_new(struct feed *feed, int fd)
{
	struct bgp_conn *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return NULL;
	}
	c->feed = feed;
	c->fd = fd;
	TAILQ_INSERT_TAIL(&feed->conns, c, link);
	feed->n_conns++;
	c->in = malloc(IN_LEN);
	c->readable = event_new(feed->base, fd, EV_READ | EV_PERSIST, on_readable, c);
	c->writable = event_new(feed->base, fd, EV_WRITE, on_writable, c);
	if (c->in && c->readable && c->writable && bgp_timers_new(c) &&
	    !event_add(c->readable, NULL))
		return c;
	bgp_conn_free(c);
	return NULL;
}
