/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a BGP session does over time: End-of-RIB both ways and without, a peer that restarts with
 * and without grace, a table asked for again, and messages of 64 KiB.
 */
#include "bgp_peer.h"

#define HEAD 19

/* Reads until a message of this type, past KEEPALIVEs and our End-of-RIB. */
static void peer_expect(struct recorder *r, int fd, int type, const char *body, size_t len)
{
	uint8_t buf[BGP_MAX_LEN];
	size_t got = 0;
	int t;

	do {
		t = peer_read(r, fd, buf, &got);
		assert_true(t >= 0);
	} while (t != type);
	assert_int_equal(got, HEAD + len);
	assert_memory_equal(buf + HEAD, body, len);
}

static void test_end_of_rib_sent(void **state)
{
	struct recorder *r = feed_up(1);
	int fd;

	(void)state;
	fd = peer_establish(r, "127.0.0.1", true, true);
	peer_expect(r, fd, BGP_UPDATE, "\0\0\0\0", 4);
	peer_expect(r, fd, BGP_UPDATE, "\0\0\0\6\x80\x0f\3\0\2\1", 10);
	close(fd);
	feed_down(r);
}

static void test_return_in_time(void **state)
{
	struct recorder *r = feed_up(1);
	int fd;

	(void)state;
	peer_caps(caps_graceful, sizeof(caps_graceful));
	fd = peer_establish(r, "127.0.0.1", true, false);
	peer_update(fd, er_route, sizeof(er_route));
	peer_update(fd, end4, sizeof(end4));
	assert_true(recorder_until(r, r->told, "end-of-rib"));
	close(fd); /* as by kill -9 */
	assert_true(recorder_until(r, r->told, "lost"));
	assert_int_equal(status(r).state, FEED_STALE);
	r->told[0] = '\0';
	fd = peer_establish(r, "127.0.0.1", true, false);
	peer_update(fd, er_route, sizeof(er_route));
	peer_update(fd, end4, sizeof(end4));
	assert_true(recorder_until(r, r->told, "end-of-rib"));
	assert_string_equal(r->told, "begin\n"
				     "announce 10.10.30.0/24#10 via 192.168.30.18 as 12076 lp 200\n"
				     "end-of-rib\n");
	assert_non_null(strstr(r->log, "back within its restart time"));
	assert_null(strstr(r->log, "forwarding state was lost"));
	close(fd);
	feed_down(r);
	peer_caps(NULL, 0);
}

/* Two that named a second: one is killed, the other says goodbye, which is no graceful restart. */
static void test_too_late(void **state)
{
	struct recorder *r = feed_up(2);
	struct bgp_error cease = {.code = 6, .subcode = 2};
	uint8_t buf[BGP_MAX_LEN];
	int a, b;

	(void)state;
	peer_caps(caps_one_second, sizeof(caps_one_second));
	a = peer_establish(r, "127.0.0.1", true, false);
	b = peer_establish(r, "127.0.0.3", true, false);
	peer_send(a, buf, bgp_notification_build(buf, &cease));
	assert_true(recorder_until(r, r->told, "lost\n"));
	close(b);
	assert_true(recorder_until(r, r->told, "lost @1\n"));
	assert_null(strstr(r->told, "dropped"));
	assert_true(recorder_until(r, r->told, "dropped @1\n"));
	assert_null(strstr(r->told, "dropped\n"));
	assert_non_null(strstr(r->log, "127.0.0.3 did not return within the restart time"));
	/* It is back: forwarding lost, no restart pending any more, so nothing said of it. */
	b = peer_establish(r, "127.0.0.3", true, false);
	assert_null(strstr(r->log, "back within"));
	/* Once more, in time, with its F bit clear. */
	close(b);
	r->told[0] = '\0';
	assert_true(recorder_until(r, r->told, "lost @1\n"));
	b = peer_establish(r, "127.0.0.3", true, false);
	assert_non_null(strstr(r->log, "its own forwarding state was lost"));
	close(a);
	close(b);
	feed_down(r);
	peer_caps(NULL, 0);
}

/* A peer without the capability: five seconds of silence are its End-of-RIB. */
static void test_quiet(void **state)
{
	struct recorder *r = feed_up(1);
	int fd = peer_establish(r, "127.0.0.1", true, true);

	(void)state;
	peer_update(fd, er_route, sizeof(er_route));
	peer_update(fd, end4, sizeof(end4)); /* of IPv4 alone */
	assert_true(recorder_until(r, r->told, "announce"));
	assert_int_equal(r->synced, 0);
	assert_true(recorder_until(r, r->told, "end-of-rib"));
	assert_int_equal(r->synced, 1);
	assert_non_null(
		strstr(r->log, "sends no End-of-RIB: its table is taken for whole after 5 s"));
	close(fd);
	feed_down(r);
}

static void test_refresh(void **state)
{
	struct recorder *r = feed_up(1);
	uint8_t bad[sizeof(er_route)], buf[BGP_MAX_LEN];
	int fd;

	(void)state;
	peer_caps(caps_refresh, sizeof(caps_refresh));
	fd = peer_establish(r, "127.0.0.1", true, true);
	memcpy(bad, er_route, sizeof(bad));
	bad[7] = 9; /* ORIGIN */
	peer_update(fd, bad, sizeof(bad));
	peer_expect(r, fd, BGP_ROUTE_REFRESH, "\0\1\0\1", 4);
	peer_expect(r, fd, BGP_ROUTE_REFRESH, "\0\2\0\1", 4);
	assert_non_null(strstr(r->log, "asked for its table again"));
	/* Of no path: only when the links changed, and not twice. */
	r->answer = RIB_UNKNOWN_PATH;
	peer_update(fd, er_route, sizeof(er_route));
	assert_true(recorder_until(r, r->log, "unknown-path"));
	feed_type(FEED_BGP)->resend(r->feed);
	feed_type(FEED_BGP)->resend(r->feed);
	peer_expect(r, fd, BGP_ROUTE_REFRESH, "\0\1\0\1", 4);
	peer_expect(r, fd, BGP_ROUTE_REFRESH, "\0\2\0\1", 4);
	/* One received asks for what we do not have. */
	r->answer = RIB_OK;
	peer_send(fd, buf, bgp_refresh_build(buf, 4));
	r->told[0] = '\0';
	peer_update(fd, er_route, sizeof(er_route));
	assert_true(recorder_until(r, r->told, "announce"));
	assert_int_equal(status(r).state, FEED_UP);
	close(fd);
	feed_down(r);
	peer_caps(NULL, 0);
}

/* 16000 routes in one message, in pieces as TCP brings them; another peer's come meanwhile. */
static void test_extended(void **state)
{
	static uint8_t buf[BGP_EXT_LEN];
	struct recorder *r = feed_up(2);
	int fd = peer_establish(r, "127.0.0.1", false, false);
	int other = peer_establish(r, "127.0.0.3", true, false);
	size_t n = HEAD + 31, routes = 0, at = 0;
	uint64_t end;

	(void)state;
	memset(buf, 0xff, 16);
	buf[18] = BGP_UPDATE;
	memcpy(buf + HEAD, er_route, 31);
	for (; n + 4 <= sizeof(buf); n += 4, routes++)
		memcpy(buf + n, (uint8_t[]){24, 10, (uint8_t)(routes >> 8), (uint8_t)routes}, 4);
	buf[16] = (uint8_t)(n >> 8);
	buf[17] = (uint8_t)n;
	end = recorder_now_ms() + 30000;
	while (at < n) {
		ssize_t sent = send(fd, buf + at, n - at < 1000 ? n - at : 1000, MSG_NOSIGNAL);

		at += sent > 0 ? (size_t)sent : 0;
		if (at > n / 2 && !r->announced) {
			peer_update(other, er_route, sizeof(er_route));
			assert_true(recorder_until(r, r->told, "announce 10.10.30.0/24@1"));
		}
		event_base_loop(r->base, EVLOOP_NONBLOCK);
		assert_true(recorder_now_ms() < end);
	}
	while (r->announced < 1 + routes && recorder_now_ms() < end)
		recorder_turn(r);
	assert_int_equal(r->announced, 1 + routes);
	assert_int_equal(status(r).errors, 0);
	close(fd);
	close(other);
	feed_down(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_end_of_rib_sent), cmocka_unit_test(test_return_in_time),
		cmocka_unit_test(test_too_late),	cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_refresh),		cmocka_unit_test(test_extended),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
