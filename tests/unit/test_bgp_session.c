/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The feed `bgp` over real TCP connections on loopback addresses: a peer that is right, peers that
 * are wrong in every state, two at once, slow ones, and what the sink is told of each.
 */
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

#ifndef TEST_DATA
#define TEST_DATA "tests/unit/data"
#endif

#define OUR_AS 65021

static struct ip_addr peers[2];
static struct config_feed cfg;

static struct sockaddr_in inet(const char *ip, uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

	inet_pton(AF_INET, ip, &in.sin_addr);
	return in;
}

static uint16_t free_port(void)
{
	struct sockaddr_in in = inet("127.0.0.2", 0);
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
	getsockname(fd, (struct sockaddr *)&in, &len);
	close(fd);
	return ntohs(in.sin_port);
}

static struct recorder *feed_up(size_t n_peers)
{
	struct recorder *r = malloc(sizeof(*r));
	char error[200] = "";

	recorder_init(r);
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
	assert_int_equal(
		feed_type(FEED_BGP)->start(&r->feed, 3, &cfg, "/", r->base, &r->sink, error), 0);
	return r;
}

static void feed_down(struct recorder *r)
{
	feed_type(FEED_BGP)->stop(r->feed);
	event_base_free(r->base);
	free(r);
}

static struct feed_status status(const struct recorder *r)
{
	struct feed_status st;

	feed_type(FEED_BGP)->status(r->feed, &st);
	return st;
}

/* --- The peer. --- */

static int peer_connect(const char *from)
{
	struct sockaddr_in me = inet(from, 0), feed = inet("127.0.0.2", cfg.port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&me, sizeof(me)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&feed, sizeof(feed)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void peer_send(int fd, const void *buf, size_t len)
{
	assert_int_equal(send(fd, buf, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* An OPEN of IPv4, with four-byte AS and, if asked for, ADD-PATH and IPv6. */
static void peer_open(int fd, uint32_t as, uint16_t hold_s, bool addpath, bool ipv6)
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

static void peer_keepalive(int fd)
{
	uint8_t buf[BGP_HEADER_LEN];

	peer_send(fd, buf, bgp_keepalive_build(buf));
}

static void peer_update(int fd, const void *body, size_t len)
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
static bool peer_recv(struct recorder *r, int fd, uint8_t *buf, size_t n)
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
static int peer_read(struct recorder *r, int fd, uint8_t buf[BGP_MAX_LEN], size_t *len)
{
	if (!peer_recv(r, fd, buf, 19))
		return -1;
	*len = (size_t)(buf[16] << 8 | buf[17]);
	assert_true(peer_recv(r, fd, buf + 19, *len - 19));
	return buf[18];
}

/* The connection ends with this NOTIFICATION as its last message. */
static void peer_refused(struct recorder *r, int fd, uint8_t code, uint8_t subcode,
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

static int peer_establish(struct recorder *r, const char *from, bool addpath, bool ipv6)
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

/* --- Tests. --- */

static void test_session(void **state)
{
	struct recorder *r = feed_up(1);
	uint8_t buf[BGP_MAX_LEN];
	struct bgp_error err;
	struct bgp_open o;
	size_t len;
	int fd;

	(void)state;
	assert_int_equal(status(r).state, FEED_DOWN);
	fd = peer_connect("127.0.0.1");
	assert_int_equal(peer_read(r, fd, buf, &len), BGP_OPEN);
	assert_int_equal(bgp_open_parse(buf + 19, len - 19, &o, &err), 0);
	assert_int_equal(o.as, OUR_AS);
	assert_int_equal(o.hold_s, 90);
	assert_true(o.as4 && o.mp4 && o.mp6 && o.graceful_restart);
	peer_open(fd, OUR_AS, 90, true, true);
	assert_int_equal(peer_read(r, fd, buf, &len), BGP_KEEPALIVE);
	assert_int_equal(status(r).state, FEED_DOWN);
	peer_keepalive(fd);
	peer_update(fd, er_route, sizeof(er_route));
	peer_update(fd, end4, sizeof(end4));
	peer_update(fd, er_gone, sizeof(er_gone));
	peer_update(fd, end6, sizeof(end6));
	assert_true(recorder_until(r, r->told, "end-of-rib"));
	assert_string_equal(r->told, "begin\n"
				     "announce 10.10.30.0/24#10 via 192.168.30.18 as 12076 lp 200\n"
				     "withdraw 10.10.30.0/24#10 by sub\n"
				     "end-of-rib\n");
	assert_int_equal(status(r).state, FEED_UP);
	assert_true(status(r).sees_all);
	assert_int_equal(status(r).updates, 4);
	assert_int_equal(status(r).errors, 0);
	close(fd);
	assert_true(recorder_until(r, r->told, "lost"));
	assert_int_equal(status(r).state, FEED_STALE);
	/* And again: a new table. */
	r->told[0] = '\0';
	fd = peer_establish(r, "127.0.0.1", false, false);
	peer_update(fd, end4, sizeof(end4)); /* IPv4 alone was agreed on */
	assert_true(recorder_until(r, r->told, "end-of-rib"));
	assert_string_equal(r->told, "begin\nend-of-rib\n");
	assert_false(status(r).sees_all);
	assert_non_null(strstr(r->log, "add paths tx"));
	close(fd);
	feed_down(r);
}

static size_t bird_stream(uint8_t *buf, size_t size)
{
	FILE *f = fopen(TEST_DATA "/bird_addpath.bgp", "rb");
	size_t n;

	assert_non_null(f);
	n = fread(buf, 1, size, f);
	fclose(f);
	return n;
}

/* What BIRD sent, at once and byte by byte. */
static void test_bird_stream(void **state)
{
	(void)state;
	for (int bytewise = 0; bytewise < 2; bytewise++) {
		struct recorder *r = feed_up(1);
		uint8_t buf[1024];
		size_t n = bird_stream(buf, sizeof(buf));
		int fd = peer_connect("127.0.0.1");

		for (size_t i = 0; bytewise && i < n; i++) {
			peer_send(fd, buf + i, 1);
			event_base_loop(r->base, EVLOOP_NONBLOCK);
		}
		if (!bytewise)
			peer_send(fd, buf, n);
		assert_true(
			recorder_until(r, r->told, "announce 10.10.30.0/24#12 via 10.10.30.254"));
		assert_int_equal(strncmp(r->told,
					 "begin\nend-of-rib\n"
					 "announce 10.17.30.0/26#10 via 192.168.30.18 as 12076 "
					 "65515 lp 200\n",
					 50),
				 0);
		assert_int_equal(r->announced, 6);
		close(fd);
		feed_down(r);
	}
}

static void refused(void (*act)(int fd), uint8_t code, uint8_t subcode, const char *data,
		    size_t data_len)
{
	struct recorder *r = feed_up(1);
	int fd = peer_connect("127.0.0.1"), again;

	act(fd);
	peer_refused(r, fd, code, subcode, data, data_len);
	assert_int_equal(status(r).errors, 1);
	assert_non_null(strstr(status(r).last_error, "BGP peer 127.0.0.1: "));
	/* The session alone suffered. */
	again = peer_establish(r, "127.0.0.1", true, true);
	assert_int_equal(status(r).state, FEED_UP);
	close(again);
	feed_down(r);
}

static void up(int fd)
{
	peer_open(fd, OUR_AS, 90, true, true);
	peer_keepalive(fd);
}

static void act_marker(int fd)
{
	peer_send(fd, "GET / HTTP/1.1\r\n\r\n\r\n", 20);
}

static void act_oversize(int fd)
{
	uint8_t buf[19];

	up(fd);
	memset(buf, 0xff, 16);
	memcpy(buf + 16, "\x10\x01\x02", 3);
	peer_send(fd, buf, 19);
}

static void act_type(int fd)
{
	uint8_t buf[19];

	memset(buf, 0xff, 16);
	memcpy(buf + 16, "\x00\x13\x09", 3);
	peer_send(fd, buf, 19);
}

static void act_other_as(int fd)
{
	peer_open(fd, 65022, 90, true, true);
}

static void act_hold_two(int fd)
{
	peer_open(fd, OUR_AS, 2, true, true);
}

static void act_keepalive_first(int fd)
{
	peer_keepalive(fd);
}

static void act_update_first(int fd)
{
	peer_update(fd, end4, sizeof(end4));
}

static void act_update_in_openconfirm(int fd)
{
	peer_open(fd, OUR_AS, 90, true, true);
	peer_update(fd, end4, sizeof(end4));
}

static void act_open_twice(int fd)
{
	up(fd);
	peer_open(fd, OUR_AS, 90, true, true);
}

static void act_bad_update(int fd)
{
	up(fd);
	peer_update(fd, "\0\0\0\x04\x40\x1e\x01\0", 8); /* unknown well-known attribute */
}

static void test_refused(void **state)
{
	(void)state;
	refused(act_marker, 1, 1, "", 0);
	refused(act_oversize, 1, 2, "\x10\x01", 2);
	refused(act_type, 1, 3, "\x09", 1);
	refused(act_other_as, 2, 2, "", 0);
	refused(act_hold_two, 2, 6, "", 0);
	refused(act_keepalive_first, 5, 1, "", 0);
	refused(act_update_first, 5, 1, "", 0);
	refused(act_update_in_openconfirm, 5, 2, "", 0);
	refused(act_open_twice, 5, 3, "", 0);
	refused(act_bad_update, 3, 2, "\x40\x1e\x01\0", 4);
}

static void test_our_router_id(void **state)
{
	struct recorder *r = feed_up(1);
	int fd = peer_connect("127.0.0.1");

	(void)state;
	cfg.router_id = 0x0a021e7d;
	peer_open(fd, OUR_AS, 90, true, true);
	peer_refused(r, fd, 2, 3, "", 0);
	assert_non_null(strstr(r->log, "router-id"));
	feed_down(r);
}

/* An error that RFC 7606 forgives: the routes go, the session stays, it is counted and logged. */
static void test_treated_as_withdraw(void **state)
{
	struct recorder *r = feed_up(1);
	int fd = peer_establish(r, "127.0.0.1", true, false);
	uint8_t bad[sizeof(er_route)];

	(void)state;
	memcpy(bad, er_route, sizeof(bad));
	bad[7] = 9; /* ORIGIN */
	peer_update(fd, bad, sizeof(bad));
	peer_update(fd, er_route, sizeof(er_route));
	assert_true(recorder_until(r, r->told, "announce"));
	assert_string_equal(r->told,
			    "begin\nwithdraw 10.10.30.0/24#10 by sub\n"
			    "announce 10.10.30.0/24#10 via 192.168.30.18 as 12076 lp 200\n");
	assert_int_equal(status(r).errors, 1);
	assert_non_null(strstr(r->log, "3/6 invalid ORIGIN"));
	assert_int_equal(status(r).state, FEED_UP);
	close(fd);
	feed_down(r);
}

static void test_unknown_path(void **state)
{
	struct recorder *r = feed_up(1);
	int fd = peer_establish(r, "127.0.0.1", true, false);

	(void)state;
	r->answer = RIB_UNKNOWN_PATH;
	for (int i = 0; i < 25; i++)
		peer_update(fd, er_route, sizeof(er_route));
	peer_update(fd, er_gone, sizeof(er_gone));
	assert_true(recorder_until(r, r->told, "withdraw"));
	assert_int_equal(status(r).errors, 25);
	assert_int_equal(status(r).state, FEED_UP);
	assert_string_equal(status(r).last_error,
			    "BGP peer 127.0.0.1: 10.10.30.0/24 by next hop 192.168.30.18 belongs "
			    "to no path: add the next hop to a path's `peers`");
	/* Ten lines in ten seconds, not 25. */
	size_t lines = 0;
	for (const char *p = r->log; (p = strstr(p, "belongs to no path")); p++)
		lines++;
	assert_int_equal(lines, 10);
	close(fd);
	feed_down(r);
}

static void test_hold_timer(void **state)
{
	struct recorder *r = feed_up(1);
	int fd = peer_connect("127.0.0.1"), keepalives = 0;
	uint8_t buf[BGP_MAX_LEN];
	uint64_t began = recorder_now_ms();
	size_t len;

	(void)state;
	peer_open(fd, OUR_AS, 3, true, true);
	peer_keepalive(fd);
	assert_int_equal(peer_read(r, fd, buf, &len), BGP_OPEN);
	for (;;) {
		int type = peer_read(r, fd, buf, &len);

		if (type != BGP_KEEPALIVE) {
			assert_int_equal(type, BGP_NOTIFICATION);
			break;
		}
		keepalives++;
	}
	assert_memory_equal(buf + 19, "\4\0", 2);
	assert_in_range(recorder_now_ms() - began, 2900, 6000);
	assert_in_range(keepalives, 3, 4); /* for the OPEN, then each second */
	assert_non_null(strstr(r->told, "lost"));
	close(fd);
	feed_down(r);
}

static void test_notification_received(void **state)
{
	struct recorder *r = feed_up(1);
	int fd = peer_establish(r, "127.0.0.1", true, true);
	struct bgp_error cease = {.code = 6, .subcode = 2};
	uint8_t buf[BGP_MAX_LEN];

	(void)state;
	peer_send(fd, buf, bgp_notification_build(buf, &cease));
	assert_true(recorder_until(r, r->told, "lost"));
	assert_non_null(strstr(r->log, "6/2 administrative shutdown"));
	assert_int_equal(status(r).errors, 0);
	close(fd);
	feed_down(r);
}

static void test_truncated(void **state)
{
	struct recorder *r = feed_up(1);
	int fd = peer_establish(r, "127.0.0.1", true, true);

	(void)state;
	peer_send(fd, "\xff\xff\xff\xff", 4);
	shutdown(fd, SHUT_WR);
	assert_true(recorder_until(r, r->told, "lost"));
	close(fd);
	assert_non_null(strstr(r->log, "inside a message"));
	assert_int_equal(status(r).errors, 1);
	feed_down(r);
}

static void test_stranger(void **state)
{
	struct recorder *r = feed_up(1);
	int fd = peer_connect("127.0.0.9"), good;
	uint8_t buf[BGP_MAX_LEN];
	size_t len;

	(void)state;
	assert_int_equal(peer_read(r, fd, buf, &len), -1);
	assert_non_null(strstr(r->log, "connection from 127.0.0.9 refused"));
	assert_int_equal(status(r).errors, 1);
	close(fd);
	good = peer_establish(r, "127.0.0.1", true, true);
	close(good);
	feed_down(r);
}

/* RFC 4271, 6.8. */
static void test_collision(void **state)
{
	struct recorder *r = feed_up(1);
	int half = peer_connect("127.0.0.1"), fd, late;
	uint8_t buf[BGP_MAX_LEN];
	size_t len;

	(void)state;
	assert_int_equal(peer_read(r, half, buf, &len), BGP_OPEN);
	fd = peer_establish(r, "127.0.0.1", true, true);
	peer_refused(r, half, 6, 7, "", 0);
	late = peer_connect("127.0.0.1");
	peer_refused(r, late, 6, 7, "", 0);
	peer_update(fd, er_route, sizeof(er_route));
	assert_true(recorder_until(r, r->told, "announce"));
	assert_null(strstr(r->told, "lost"));
	assert_int_equal(status(r).state, FEED_UP);
	close(fd);
	feed_down(r);
}

/* Two peers of one feed: path ids kept apart, one's end takes its routes alone. */
static void test_two_peers(void **state)
{
	struct recorder *r = feed_up(2);
	int a = peer_establish(r, "127.0.0.1", true, false);
	int b = peer_establish(r, "127.0.0.3", true, false);

	(void)state;
	peer_update(a, er_route, sizeof(er_route));
	assert_true(recorder_until(r, r->told, "announce 10.10.30.0/24#10 "));
	peer_update(b, er_route, sizeof(er_route));
	assert_true(recorder_until(r, r->told, "announce 10.10.30.0/24#16777226 "));
	peer_update(a, end4, sizeof(end4));
	peer_update(a, er_route, sizeof(er_route));
	assert_true(recorder_until(r, strstr(r->told, "#16777226"), "announce 10.10.30.0/24#10 "));
	assert_null(strstr(r->told, "end-of-rib"));
	peer_update(b, end4, sizeof(end4));
	assert_true(recorder_until(r, r->told, "end-of-rib"));
	r->told[0] = '\0';
	close(b);
	assert_true(recorder_until(r, r->told, "withdraw"));
	assert_string_equal(r->told, "withdraw 10.10.30.0/24#16777226 by sub\n");
	assert_int_equal(status(r).state, FEED_UP);
	close(a);
	assert_true(recorder_until(r, r->told, "lost"));
	feed_down(r);
}

static void test_masked_and_ignored(void **state)
{
	struct recorder *r = feed_up(1);
	int fd = peer_establish(r, "127.0.0.1", true, false);
	uint8_t host_bits[sizeof(er_route)];

	(void)state;
	memcpy(host_bits, er_route, sizeof(host_bits));
	host_bits[35] = 23;
	host_bits[38] = 31;
	peer_update(fd, host_bits, sizeof(host_bits));
	peer_update(fd, "\0\0\0\x07\x80\x0f\x04\x40\x04\x47\0", 11); /* BGP-LS */
	assert_true(recorder_until(r, r->log, "AFI 16388, SAFI 71 ignored"));
	assert_non_null(strstr(r->told, "announce 10.10.30.0/23#10 "));
	assert_int_equal(status(r).masked, 1);
	assert_int_equal(status(r).state, FEED_UP);
	close(fd);
	feed_down(r);
}

static void test_address_taken(void **state)
{
	struct recorder *r = feed_up(1);
	struct feed *second = (struct feed *)r;
	char error[200] = "";

	(void)state;
	assert_int_equal(
		feed_type(FEED_BGP)->start(&second, 4, &cfg, "/", r->base, &r->sink, error),
		-EADDRINUSE);
	assert_ptr_equal(second, r);
	assert_non_null(strstr(error, "127.0.0.2:"));
	assert_non_null(strstr(error, "ss -ltnp"));
	ip_parse("192.0.2.77", &cfg.listen);
	assert_int_equal(
		feed_type(FEED_BGP)->start(&second, 4, &cfg, "/", r->base, &r->sink, error),
		-EADDRNOTAVAIL);
	assert_non_null(strstr(error, "add the address"));
	feed_down(r);
}

/* The feed's end is told to the peer. */
static void test_stop(void **state)
{
	struct recorder *r = feed_up(1);
	int fd = peer_establish(r, "127.0.0.1", true, true);
	uint8_t buf[1024];
	ssize_t n;

	(void)state;
	feed_down(r);
	fcntl(fd, F_SETFL, 0);
	n = recv(fd, buf, sizeof(buf), MSG_WAITALL);
	assert_true(n > 21);
	assert_memory_equal(buf + n - 5, "\x00\x15\x03\x06\x02", 5);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_session),
		cmocka_unit_test(test_bird_stream),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_our_router_id),
		cmocka_unit_test(test_treated_as_withdraw),
		cmocka_unit_test(test_unknown_path),
		cmocka_unit_test(test_hold_timer),
		cmocka_unit_test(test_notification_received),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_stranger),
		cmocka_unit_test(test_collision),
		cmocka_unit_test(test_two_peers),
		cmocka_unit_test(test_masked_and_ignored),
		cmocka_unit_test(test_address_taken),
		cmocka_unit_test(test_stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
