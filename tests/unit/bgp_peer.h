/* SPDX-License-Identifier: GPL-2.0-only */
/* A feed `bgp` on 127.0.0.2 and its peer on another loopback address, in one event loop. */
#ifndef SAMEWAY_TESTS_BGP_PEER_H
#define SAMEWAY_TESTS_BGP_PEER_H

#include "feed/bgp_message.h"
#include "feed_recorder.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#define OUR_AS 65021

static struct ip_addr peers[2];
static struct config_feed cfg;

static inline struct sockaddr_in inet(const char *ip, uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

	inet_pton(AF_INET, ip, &in.sin_addr);
	return in;
}

static inline uint16_t free_port(void)
{
	struct sockaddr_in in = inet("127.0.0.2", 0);
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
	getsockname(fd, (struct sockaddr *)&in, &len);
	close(fd);
	return ntohs(in.sin_port);
}

static inline void feed_config(size_t n_peers)
{
	ip_parse("127.0.0.1", &peers[0]);
	ip_parse("127.0.0.3", &peers[1]);
	cfg = (struct config_feed){.name = "router",
				   .type = FEED_BGP,
				   .as = OUR_AS,
				   .router_id = 0x0a021efa,
				   .peers = peers,
				   .n_peers = n_peers};
	ip_parse("127.0.0.2", &cfg.listen);
	cfg.port = free_port();
}

static inline struct recorder *feed_begin(void)
{
	struct recorder *r = malloc(sizeof(*r));
	char error[200] = "";

	recorder_init(r);
	assert_int_equal(
		feed_type(FEED_BGP)->start(&r->feed, 3, &cfg, "/", r->base, &r->sink, error), 0);
	return r;
}

static inline struct recorder *feed_up(size_t n_peers)
{
	feed_config(n_peers);
	return feed_begin();
}

static inline void feed_down(struct recorder *r)
{
	feed_type(FEED_BGP)->stop(r->feed);
	event_base_free(r->base);
	free(r);
}

static inline struct feed_status status(const struct recorder *r)
{
	struct feed_status st;

	feed_type(FEED_BGP)->status(r->feed, &st);
	return st;
}

/* --- The peer. --- */

static inline int peer_connect(const char *from)
{
	struct sockaddr_in me = inet(from, 0), feed = inet("127.0.0.2", cfg.port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&me, sizeof(me)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&feed, sizeof(feed)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static inline void peer_send(int fd, const void *buf, size_t len)
{
	assert_int_equal(send(fd, buf, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* What an OPEN has besides: an optional parameter with capabilities. */
static const uint8_t *more_caps;
static size_t n_more_caps;
static const uint8_t caps_graceful[] = {2, 8, 64, 6, 0, 120, 0, 1, 1, 128};
static const uint8_t caps_one_second[] = {2, 8, 64, 6, 0, 1, 0, 1, 1, 0};
static const uint8_t caps_refresh[] = {2, 2, 2, 0};

static inline void peer_caps(const uint8_t *caps, size_t n)
{
	more_caps = caps;
	n_more_caps = n;
}

/* An OPEN of IPv4, with four-byte AS and, if asked for, ADD-PATH and IPv6. */
static inline void peer_open(int fd, uint32_t as, uint16_t hold_s, bool addpath, bool ipv6)
{
	uint8_t buf[BGP_MAX_LEN] = {0}, *p = buf + 29;
	static const uint8_t mp4[] = {2, 6, 1, 4, 0, 1, 0, 1}, mp6[] = {2, 6, 1, 4, 0, 2, 0, 1};
	uint8_t as4[] = {
		2,	    6, 65, 4, (uint8_t)(as >> 24), (uint8_t)(as >> 16), (uint8_t)(as >> 8),
		(uint8_t)as};
	static const uint8_t add[] = {2, 10, 69, 8, 0, 1, 1, 2, 0, 2, 1, 2};
	size_t len;

	memcpy(p, mp4, sizeof(mp4));
	p += sizeof(mp4);
	memcpy(p, as4, sizeof(as4));
	p += sizeof(as4);
	if (ipv6) {
		memcpy(p, mp6, sizeof(mp6));
		p += sizeof(mp6);
	}
	if (addpath) {
		memcpy(p, add, sizeof(add));
		p += sizeof(add);
	}
	if (n_more_caps)
		memcpy(p, more_caps, n_more_caps);
	p += n_more_caps;
	len = (size_t)(p - buf);
	memset(buf, 0xff, 16);
	buf[17] = (uint8_t)len;
	buf[18] = BGP_OPEN;
	buf[19] = 4;
	buf[20] = (uint8_t)(as >> 8);
	buf[21] = (uint8_t)as;
	buf[22] = (uint8_t)(hold_s >> 8);
	buf[23] = (uint8_t)hold_s;
	memcpy(buf + 24, "\x0a\x02\x1e\x7d", 4);
	buf[28] = (uint8_t)(len - 29);
	peer_send(fd, buf, len);
}

static inline void peer_keepalive(int fd)
{
	uint8_t buf[BGP_HEADER_LEN];

	peer_send(fd, buf, bgp_keepalive_build(buf));
}

static inline void peer_update(int fd, const void *body, size_t len)
{
	uint8_t buf[BGP_MAX_LEN];

	memset(buf, 0xff, 16);
	buf[16] = (uint8_t)((len + 19) >> 8);
	buf[17] = (uint8_t)(len + 19);
	buf[18] = BGP_UPDATE;
	memcpy(buf + 19, body, len);
	peer_send(fd, buf, len + 19);
}

/* 10.10.30.0/24 with path id 10 by 192.168.30.18, AS 12076, LOCAL_PREF 200. */
static const uint8_t er_route[] = {0, 0, 0,    27,   0x40, 1, 1, 0,   0x40, 2,	6,  2,	  1,
				   0, 0, 0x2f, 0x2c, 0x40, 3, 4, 192, 168,  30, 18, 0x40, 5,
				   4, 0, 0,    0,    200,  0, 0, 0,   10,   24, 10, 10,	  30};
static const uint8_t er_gone[] = {0, 8, 0, 0, 0, 10, 24, 10, 10, 30, 0, 0};
static const uint8_t end4[] = {0, 0, 0, 0};
static const uint8_t end6[] = {0, 0, 0, 6, 0x80, 15, 3, 0, 2, 1};

/* `n` bytes; false: the connection ended before. */
static inline bool peer_recv(struct recorder *r, int fd, uint8_t *buf, size_t n)
{
	uint64_t end = recorder_now_ms() + 10000;

	while (n) {
		ssize_t got = recv(fd, buf, n, 0);

		if (got == 0)
			return false;
		if (got > 0) {
			buf += got;
			n -= (size_t)got;
			continue;
		}
		assert_int_equal(errno, EAGAIN);
		assert_true(recorder_now_ms() < end);
		recorder_turn(r);
	}
	return true;
}

/* The next message's type, -1 at the connection's end. */
static inline int peer_read(struct recorder *r, int fd, uint8_t buf[BGP_MAX_LEN], size_t *len)
{
	if (!peer_recv(r, fd, buf, 19))
		return -1;
	*len = (size_t)(buf[16] << 8 | buf[17]);
	assert_true(peer_recv(r, fd, buf + 19, *len - 19));
	return buf[18];
}

/* The connection ends with this NOTIFICATION as its last message. */
static inline void peer_refused(struct recorder *r, int fd, uint8_t code, uint8_t subcode,
				const char *data, size_t data_len)
{
	uint8_t buf[BGP_MAX_LEN];
	int type = 0, last = 0;
	size_t len = 0;

	while ((type = peer_read(r, fd, buf, &len)) >= 0)
		last = type;
	assert_int_equal(last, BGP_NOTIFICATION);
	assert_int_equal(buf[19], code);
	assert_int_equal(buf[20], subcode);
	assert_int_equal(len, 21 + data_len);
	assert_memory_equal(buf + 21, data, data_len);
	close(fd);
}

static inline int peer_establish(struct recorder *r, const char *from, bool addpath, bool ipv6)
{
	int fd = peer_connect(from);
	char news[64];

	snprintf(news, sizeof(news), "session with %s is up", from);
	r->log[0] = '\0';
	peer_open(fd, OUR_AS, 90, addpath, ipv6);
	peer_keepalive(fd);
	assert_true(recorder_until(r, r->log, news));
	return fd;
}

#endif
