/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Peers of the feed `bgp` that are wrong, in every state: the NOTIFICATION they get, what is
 * counted and logged, and that nobody else suffers.
 */
#include "bgp_peer.h"

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

	memset(buf, 0xff, 16);
	memcpy(buf + 16, "\x10\x01\x01", 3);
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
	assert_int_equal(status(r).refused[FEED_UNKNOWN_PATH], 25);
	assert_int_equal(status(r).withdraws, 1);
	assert_in_range(recorder_now_ms() - status(r).last_message_ns / 1000000, 0, 60000);
	assert_int_equal(status(r).state, FEED_UP);
	assert_string_equal(
		status(r).last_error,
		"BGP peer 127.0.0.1: unknown-path: 10.10.30.0/24 by next hop 192.168.30.18 belongs "
		"to no path: add the next hop to a path's `peers`");
	/* Ten lines in ten seconds, not 25. */
	size_t lines = 0;
	for (const char *p = r->log; (p = strstr(p, "belongs to no path")); p++)
		lines++;
	assert_int_equal(lines, 10);
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
	assert_int_equal(status(r).refused[FEED_MALFORMED], 1);
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
	assert_int_equal(status(r).refused[FEED_SESSION], 1);
	assert_int_equal(status(r).last_message_ns, 0);
	close(fd);
	good = peer_establish(r, "127.0.0.1", true, true);
	close(good);
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
	assert_int_equal(status(r).refused[FEED_FAMILY], 1);
	assert_int_equal(status(r).errors, 1);
	assert_int_equal(status(r).state, FEED_UP);
	close(fd);
	feed_down(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_our_router_id),
		cmocka_unit_test(test_treated_as_withdraw),
		cmocka_unit_test(test_unknown_path),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_stranger),
		cmocka_unit_test(test_masked_and_ignored),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
