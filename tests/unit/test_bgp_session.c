/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The feed `bgp` over real TCP connections on loopback addresses: a peer that is right, two at
 * once, one that falls silent, ends or collides, and what the sink is told of each.
 */
#include "bgp_peer.h"

#ifndef TEST_DATA
#define TEST_DATA "tests/unit/data"
#endif

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

/* What BIRD sent, at once, byte by byte, and in pieces that part anywhere. */
static void test_bird_stream(void **state)
{
	(void)state;
	for (int how = 0; how < 3; how++) {
		struct recorder *r = feed_up(1);
		uint8_t buf[1024];
		size_t n = bird_stream(buf, sizeof(buf));
		int fd = peer_connect("127.0.0.1");

		size_t piece = how == 0 ? n : how == 1 ? 1 : 100;

		for (size_t i = 0; i < n; i += piece) {
			peer_send(fd, buf + i, piece < n - i ? piece : n - i);
			for (int turn = 0; turn < 3; turn++) /* accepted, then read */
				event_base_loop(r->base, EVLOOP_NONBLOCK);
		}
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

/* An error that RFC 7606 forgives: the routes go, the session stays, it is counted and logged. */
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

		if (type == BGP_UPDATE)
			continue; /* our End-of-RIB */
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

/* Two peers of one feed: each session is a table of its own. */
static void test_two_peers(void **state)
{
	struct recorder *r = feed_up(2);
	int a = peer_establish(r, "127.0.0.1", true, false);
	int b = peer_establish(r, "127.0.0.3", true, false);

	(void)state;
	assert_string_equal(r->told, "begin\nbegin @1\n");
	peer_update(a, er_route, sizeof(er_route));
	assert_true(recorder_until(r, r->told, "announce 10.10.30.0/24#10 "));
	peer_update(b, er_route, sizeof(er_route));
	assert_true(recorder_until(r, r->told, "announce 10.10.30.0/24@1#10 "));
	peer_update(a, end4, sizeof(end4));
	peer_update(a, er_route, sizeof(er_route));
	assert_true(recorder_until(r, strstr(r->told, "@1#10"), "announce 10.10.30.0/24#10 "));
	assert_non_null(strstr(r->told, "end-of-rib\n"));
	assert_int_equal(r->synced, 0); /* the second has not sent all */
	peer_update(b, end4, sizeof(end4));
	assert_true(recorder_until(r, r->told, "end-of-rib @1\n"));
	assert_int_equal(r->synced, 1);
	r->told[0] = '\0';
	close(b);
	assert_true(recorder_until(r, r->told, "lost @1\n"));
	assert_int_equal(status(r).state, FEED_UP);
	close(a);
	assert_true(recorder_until(r, r->told, "lost\n"));
	assert_int_equal(status(r).state, FEED_STALE);
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
		cmocka_unit_test(test_session),	      cmocka_unit_test(test_bird_stream),
		cmocka_unit_test(test_hold_timer),    cmocka_unit_test(test_notification_received),
		cmocka_unit_test(test_collision),     cmocka_unit_test(test_two_peers),
		cmocka_unit_test(test_address_taken), cmocka_unit_test(test_stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
