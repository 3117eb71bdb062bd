/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The feed `mrt`: each kind of record, tables that begin and end, what follows a table, files by
 * gzip, the pace of a replay, and that the loop gets its turn.
 */
#include "fixture_mrt.h"

#include "feed/mrt_peers.h"

#include <zlib.h>

#define NET6  "fd00:10:10:30::/64"
#define VIA6  "fd000010001000300000000000000" /* ...0fe */
#define TOLD6 "announce " NET6 "@2 peer 10.10.30.254 via fd00:10:10:30::fe"

/* A table, IPv4 and IPv6; the router's own route is left out, and said. */
static void test_table(void **state)
{
	struct mrt_fixture *x = fixture_new();

	(void)state;
	put_table(&x->o);
	record_begin(&x->o, 1000, 13, 2);
	put_hex(&x->o, "00000001 19 0a021e00 0001");
	put_entry(&x->o, 0, -1, ORIGIN "400200 400304 00000000");
	record_end(&x->o);
	/* MP_REACH cut to its next hop; to two; whole; an IPv4 route by an IPv6 next hop */
	record_begin(&x->o, 1000, 13, 4);
	put_hex(&x->o, "00000002 40 fd00001000100030 0003");
	put_entry(&x->o, 1, -1, ORIGIN AS_ER "800e11 10 fd000192016800300000000000000002");
	put_entry(&x->o, 2, -1,
		  ORIGIN AS_VPN "900e0021 20 " VIA6 "0fe fe8000000000000000000000000000fe");
	put_entry(&x->o, 2, -1,
		  ORIGIN AS_VPN "800e1e 0002 01 10 " VIA6 "0fe 00 40fd00001000100030");
	record_end(&x->o);
	record_begin(&x->o, 1000, 13, 2);
	put_hex(&x->o, "00000003 08 0a 0001");
	/* with flags that are wrong, and an attribute that nobody knows */
	put_entry(&x->o, 2, -1, "000101 00 006300 " AS_VPN "800e11 10 " VIA6 "0fe");
	record_end(&x->o);
	replay(x);
	assert_string_equal(
		x->r.told,
		BEGIN ER("10.10.30.0/24")
			VPN("10.10.30.0/24") "announce " NET6
					     "@1 peer 192.168.30.18 via fd00:192:168:30::2 as "
					     "12076 65515\n" TOLD6 " or fe80::fe as 65515\n" TOLD6
					     " as 65515\n"
					     "announce 10.0.0.0/8@2 peer 10.10.30.254 via "
					     "fd00:10:10:30::fe as "
					     "65515\n" END);
	assert_int_equal(status(x).updates, 5);
	assert_int_equal(status(x).errors, 0);
	assert_true(status(x).sees_all);
	assert_non_null(strstr(x->r.log, "5 records, 6 routes of 3 peers, 1 of the router's own "
					 "left out\n"));
	fixture_free(x);
}

/* Peers by IPv6 and with 2-byte AS numbers, path identifiers, host bits. */
static void test_table_addpath(void **state)
{
	struct mrt_fixture *x = fixture_new();

	(void)state;
	put_record(&x->o, 1000, 13, 1,
		   "0a021e03 0003 6d7674 0002 01 01020304 fd000192016800300000000000000002 2f2c "
		   "00 01020305 0a0a1efe ffeb");
	record_begin(&x->o, 1000, 13, 8);
	put_hex(&x->o, "00000000 10 0a0a 0002");
	put_entry(&x->o, 0, 0x01000002, ORIGIN AS_ER VIA_ER);
	put_entry(&x->o, 0, 0, ORIGIN AS_VPN VIA_VPN);
	record_end(&x->o);
	record_begin(&x->o, 1000, 13, 10);
	put_hex(&x->o, "00000000 3c fd0000100010003f 0001");
	put_entry(&x->o, 1, 9, ORIGIN AS_VPN "800e11 10 " VIA6 "0fe");
	record_end(&x->o);
	replay(x);
	assert_string_equal(
		x->r.told,
		"begin\nbegin @1\n"
		"announce 10.10.0.0/16#16777218 peer fd00:192:168:30::2 via 192.168.30.18 as 12076 "
		"65515\n"
		"announce 10.10.0.0/16 peer fd00:192:168:30::2 via 10.10.30.254 as 65515\n"
		"announce fd00:10:10:30::/60@1#9 peer 10.10.30.254 via fd00:10:10:30::fe as 65515\n"
		"end-of-rib\nend-of-rib @1\n");
	assert_int_equal(status(x).masked, 1);
	assert_int_equal(status(x).errors, 0);
	fixture_free(x);
}

/* The first format: a record a route, 2-byte AS numbers, AS4_PATH. */
static void test_table_dump(void **state)
{
	struct mrt_fixture *x = fixture_new();

	(void)state;
	put_record(&x->o, 1000, 12, 1,
		   "0000 0000 0a0a1e00 18 01 60000000 c0a81e12 2f2c 0021 " ORIGIN
		   "400206 0202 2f2c 5ba0 " VIA_ER "c0110a 0202 00002f2c 00030d40");
	put_record(&x->o, 1000, 12, 1,
		   "0000 0001 0a021e00 19 01 60000000 00000000 0000 0007 " ORIGIN "400200");
	put_record(&x->o, 1000, 12, 2,
		   "0000 0002 fd000010001000300000000000000000 40 01 60000000 "
		   "fd000010001000300000000000 0000fe ffeb 001f " ORIGIN
		   "400204 0201 ffeb 800e11 10 " VIA6 "0fe");
	replay(x);
	assert_string_equal(x->r.told,
			    "begin\n"
			    "announce 10.10.30.0/24 peer 192.168.30.18 via 192.168.30.18 as 12076 "
			    "200000\n"
			    "begin @2\n"
			    "announce " NET6 "@2 peer fd00:10:10:30::fe via fd00:10:10:30::fe as "
			    "65515\n"
			    "end-of-rib\nend-of-rib @2\n");
	assert_int_equal(status(x).errors, 0);
	fixture_free(x);
}

/* Messages go on where the table ended: of the same peers, by the same numbers. */
static void test_messages(void **state)
{
	struct mrt_fixture *x = fixture_new();

	(void)state;
	put_table(&x->o);
	put_update(&x->o, 16, 4, HEAD_VPN, "180a0a1e", "", "");
	/* 2-byte AS numbers; local preference of eBGP is not to be heard */
	put_update(&x->o, 16, 1, "2f2c fdfd 0001 0001 c0a81e12 c0a81e11 ", "",
		   ORIGIN "400206 0202 2f2c ffeb " VIA_ER LP200, "180a0a1f");
	/* by iBGP it is */
	put_update(&x->o, 17, 4, "0000abcd 0000fdfd 0000fdfd 0000 0001 0a021e04 0a021e03 ", "",
		   ORIGIN AS_ER VIA_ER LP200, "180a0a20");
	put_update(&x->o, 16, 9, HEAD_VPN, "00000007 180a0a21", ORIGIN AS_VPN VIA_VPN,
		   "00000008 180a0a21");
	put_update(&x->o, 16, 8, "ffeb fdfd 0001 0001 0a0a1efe 0a021e7d ", "",
		   ORIGIN "400204 0201 ffeb " VIA_VPN, "00000009 180a0a21");
	/* sent by the router; a KEEPALIVE; states that tell nothing, and those that do */
	put_update(&x->o, 16, 7, HEAD_VPN, "", ORIGIN AS_VPN VIA_VPN, "180a0a22");
	put_record(&x->o, 1001, 16, 4, HEAD_VPN "ffffffffffffffffffffffffffffffff 0013 04");
	put_record(&x->o, 1001, 16, 5, HEAD_VPN "0001 0002");
	put_record(&x->o, 1001, 16, 5, HEAD_VPN "0006 0001");
	put_record(&x->o, 1001, 17, 0, "0000abcd ffeb fdfd 0001 0001 0a0a1efe 0a021e7d 0005 0006");
	replay(x);
	assert_string_equal(
		x->r.told, BEGIN ER("10.10.30.0/24") VPN("10.10.30.0/24") END
		"withdraw 10.10.30.0/24@2 by sub\n"
		"announce 10.10.31.0/24@1 peer 192.168.30.18 via 192.168.30.18 as 12076 65515\n"
		"announce 10.10.32.0/24@3 peer 10.2.30.4 via 192.168.30.18 as 12076 65515 lp 200\n"
		"withdraw 10.10.33.0/24@2#7 by sub\n"
		"announce 10.10.33.0/24@2#8 peer 10.10.30.254 via 10.10.30.254 as 65515\n"
		"announce 10.10.33.0/24@2#9 peer 10.10.30.254 via 10.10.30.254 as 65515\n"
		"peer-down 10.10.30.254\ndropped @2\npeer-up 10.10.30.254\ndropped @2\n");
	assert_int_equal(status(x).errors, 0);
	assert_non_null(strstr(x->r.log, "1 messages that it sent left out"));
	fixture_free(x);
}

/* BIRD writes an index before each of its tables; a family that comes again is a new dump. */
static void test_dumps(void **state)
{
	struct mrt_fixture *x = fixture_new();

	(void)state;
	put_table(&x->o);
	put_record(&x->o, 1000, 13, 1, "0a021e03 0000 0002 " PEER_VPN PEER_ER);
	record_begin(&x->o, 1000, 13, 4);
	put_hex(&x->o, "00000000 40 fd00001000100030 0001");
	put_entry(&x->o, 0, -1, ORIGIN AS_VPN "800e11 10 " VIA6 "0fe");
	record_end(&x->o);
	/* an hour later, with a peer more and one less */
	put_record(&x->o, 4600, 13, 1,
		   "0a021e03 0000 0002 " PEER_VPN "02 00000007 0a000007 "
		   "00000007");
	record_begin(&x->o, 4600, 13, 2);
	put_hex(&x->o, "00000000 18 0a0a1e 0001");
	put_entry(&x->o, 0, -1, ORIGIN AS_VPN VIA_VPN);
	record_end(&x->o);
	replay(x);
	assert_string_equal(x->r.told, BEGIN ER("10.10.30.0/24") VPN("10.10.30.0/24") TOLD6
			    " as 65515\n" END BEGIN "begin @3\n" VPN("10.10.30.0/24") END
			    "end-of-rib @3\n");
	fixture_free(x);
}

/* A route of no path is an error that says what to do, and nothing more. */
static void test_unknown_path(void **state)
{
	struct mrt_fixture *x = fixture_new();

	(void)state;
	put_table(&x->o);
	x->r.answer = RIB_UNKNOWN_PATH;
	replay(x);
	assert_int_equal(status(x).errors, 2);
	assert_int_equal(status(x).refused[FEED_UNKNOWN_PATH], 2);
	assert_string_equal(status(x).last_error,
			    MRT_FILE ": record 2 (byte 59): unknown-path: 10.10.30.0/24 of peer "
				     "10.10.30.254 by next hop 10.10.30.254 belongs to no path: "
				     "add the peer or the next hop to a path's `peers`");
	fixture_free(x);
}

/* Appends a gzip member of these bytes. */
static void put_gzip(struct mrt_out *o, const void *p, size_t n)
{
	uint8_t *out = malloc(n + 4096);
	z_stream z = {.next_in = (uint8_t *)p, .avail_in = (uInt)n};

	assert_non_null(out);
	z.next_out = out;
	z.avail_out = (uInt)n + 4096;
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	put(o, out, z.total_out);
	deflateEnd(&z);
	free(out);
}

/* A table of n prefixes, unlike one another, with a route each. */
static void put_many(struct mrt_out *o, unsigned int n)
{
	put_record(o, 1000, 13, 1, INDEX);
	for (unsigned int i = 0; i < n; i++) {
		record_begin(o, 1000, 13, 2);
		put_be(o, i, 4);
		put_be(o, 24, 1);
		put_be(o, 0x010000 + i, 3);
		put_be(o, 1, 2);
		put_entry(o, 1 + i % 2, -1, ORIGIN AS_ER VIA_ER);
		record_end(o);
	}
}

/* Plain, as one member, as three that cut records apart: the same is told, across buffers. */
static void test_gzip(void **state)
{
	enum { N = 20000 };
	struct mrt_fixture *plain = fixture_new(), *one = fixture_new(), *three = fixture_new();
	struct mrt_out gz = {0};
	size_t third;

	(void)state;
	put_many(&plain->o, N);
	third = plain->o.len / 3 + 5;
	replay(plain);
	put_gzip(&gz, plain->o.v, plain->o.len);
	replay_bytes(one, gz.v, gz.len);
	gz.len = 0;
	put_gzip(&gz, plain->o.v, third);
	put_gzip(&gz, plain->o.v + third, third);
	put_gzip(&gz, plain->o.v + 2 * third, plain->o.len - 2 * third);
	replay_bytes(three, gz.v, gz.len);
	assert_int_equal(plain->r.announced, N);
	assert_int_equal(one->r.announced, N);
	assert_int_equal(three->r.announced, N);
	assert_int_equal(status(one).errors + status(three).errors, 0);
	assert_string_equal(one->r.told, plain->r.told); /* as much of it as was written down */
	assert_string_equal(three->r.told, plain->r.told);
	free(gz.v);
	fixture_free(plain);
	fixture_free(one);
	fixture_free(three);
}

/* A sink that takes 20 us a route must not hold the loop: a turn ends after some of them. */
static enum rib_result announce_slowly(void *arg, feed_id feed, const struct route *route)
{
	struct timespec begin, now;
	struct recorder *r = arg;

	(void)feed;
	(void)route;
	r->announced++;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - begin.tv_sec) * 1000000000L + now.tv_nsec - begin.tv_nsec < 20000);
	return RIB_OK;
}

static void one_turn(struct mrt_fixture *x, size_t total)
{
	char error[200];

	x->r.sink.announce = announce_slowly;
	file_write(x, x->o.v, x->o.len);
	assert_int_equal(feed_start(x, error), 0);
	for (size_t before = 0, turns = 0; x->r.announced < total; turns++) {
		assert_true(turns < 1000000);
		event_base_loop(x->r.base, EVLOOP_ONCE);
		/* 3 ms are 150 of them; what is begun by then is at most as much again */
		assert_true(x->r.announced - before <= 150 + 2 * 64);
		before = x->r.announced;
	}
	replay_over(x);
	fixture_free(x);
}

static void test_turns(void **state)
{
	struct mrt_fixture *x = fixture_new();

	(void)state;
	put_many(&x->o, 2000);
	one_turn(x, 2000);
	/* one record of many routes */
	x = fixture_new();
	put_record(&x->o, 1000, 13, 1, INDEX);
	record_begin(&x->o, 1000, 13, 8);
	put_hex(&x->o, "00000000 18 0a0a1e 07d0");
	for (int i = 0; i < 2000; i++)
		put_entry(&x->o, 1, i, ORIGIN AS_ER VIA_ER);
	record_end(&x->o);
	one_turn(x, 2000);
}

/* Their own pace: a table at once, then what came 90 and 150.5 ms later not before that. */
static void test_real(void **state)
{
	struct mrt_fixture *x = fixture_new();
	uint64_t begin = recorder_now_ms();
	char error[200];

	(void)state;
	x->cfg.speed = SPEED_REAL;
	put_table(&x->o);
	put_record(&x->o, 1000, 17, 5, "00015f90 " HEAD_VPN "0006 0001");
	put_record(&x->o, 999, 17, 5, "00000000 " HEAD_VPN "0001 0006"); /* the clock was set */
	put_record(&x->o, 1000, 17, 5, "00024be4 " HEAD_ER "0006 0001");
	file_write(x, x->o.v, x->o.len);
	assert_int_equal(feed_start(x, error), 0);
	assert_true(recorder_until(&x->r, x->r.told, END));
	assert_int_equal(x->r.synced, 1); /* the table is all that is to be waited for */
	assert_non_null(strstr(x->r.log, MRT_FILE ": 5 records, replayed at their own pace: takes "
						  "0.2 s\n"));
	assert_true(recorder_until(&x->r, x->r.told, "peer-down 10.10.30.254\n"));
	assert_true(recorder_now_ms() - begin >= 90);
	assert_true(recorder_until(&x->r, x->r.told, "peer-up 10.10.30.254\n"));
	assert_true(recorder_until(&x->r, x->r.told, "peer-down 192.168.30.18\n"));
	assert_true(recorder_now_ms() - begin >= 150);
	replay_over(x);
	fixture_free(x);
}

/* Numbers of peers against a list that is searched, and the last that there is room for. */
static void test_peers(void **state)
{
	unsigned int seed = (unsigned int)recorder_now_ms();
	static struct mrt_peer known[4000];
	struct mrt_peers peers = {0};
	struct mrt_peer peer;
	size_t n = 0;

	(void)state;
	print_message("seed %u\n", seed);
	srandom(seed);
	for (int i = 0; i < 8000; i++) {
		size_t at = 0;

		peer = (struct mrt_peer){.as = (uint32_t)random() % 40};
		peer.address.family = random() % 2 ? 4 : 6;
		peer.address.bytes[3] = (uint8_t)(random() % 50);
		while (at < n &&
		       (known[at].as != peer.as || !ip_equal(&known[at].address, &peer.address)))
			at++;
		if (at == n)
			known[n++] = peer;
		assert_int_equal(mrt_peer_number(&peers, &peer), at);
	}
	for (uint32_t as = 100; peers.n < MRT_PEERS_MAX; as++) {
		size_t next = peers.n;

		peer.as = as;
		assert_int_equal(mrt_peer_number(&peers, &peer), next);
	}
	peer.as = 50;
	assert_int_equal(mrt_peer_number(&peers, &peer), -ENOSPC);
	assert_int_equal(mrt_peer_number(&peers, &known[7]), 7);
	mrt_peers_free(&peers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),	   cmocka_unit_test(test_table_addpath),
		cmocka_unit_test(test_table_dump), cmocka_unit_test(test_messages),
		cmocka_unit_test(test_dumps),	   cmocka_unit_test(test_unknown_path),
		cmocka_unit_test(test_gzip),	   cmocka_unit_test(test_turns),
		cmocka_unit_test(test_real),	   cmocka_unit_test(test_peers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
