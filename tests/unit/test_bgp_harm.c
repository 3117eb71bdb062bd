/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How far a wrong message reaches: one route, the routes of that message, or its session; never
 * what came before it, never another session. One row a message, on a live session beside another.
 */
#include "bgp_peer.h"
#include "bgp_text.h"

#ifndef TEST_DATA
#define TEST_DATA "tests/unit/data"
#endif

enum reach { ROUTE, MESSAGE, SESSION };

#define ORIGIN	"40010100 "
#define PATH4	"40020602010000ffeb "
#define NEXTHOP "400304c0a81e12 "
#define GOOD	ORIGIN PATH4 NEXTHOP
#define NET	"180a0a1e" /* 10.10.30.0/24 */
#define GONE	"withdraw 10.10.30.0/24 by sub\n"
#define NEXT6	"20010db8000000000000000000000001"

static const struct harm {
	const char *what;
	enum reach reach;
	const char *withdrawn, *attrs, *nlri;
	const char *told;      /* of its routes */
	uint8_t code, subcode; /* of the NOTIFICATION, or named in the log */
} harms[] = {
	{"a multicast prefix among others", ROUTE, "", GOOD, NET "04e0 08ef",
	 "announce 10.10.30.0/24 via 192.168.30.18 as 65515\n", 0, 0},
	{"a multicast prefix of IPv6", ROUTE, "",
	 ORIGIN PATH4 "800e1d 000201 10" NEXT6 "00 10ff02 2020010db8", "",
	 "announce 2001:db8::/32 via 2001:db8::1 as 65515\n", 0, 0},
	{"invalid ORIGIN", MESSAGE, "", "40010103" PATH4 NEXTHOP, NET, GONE, 3, 6},
	{"AS_PATH cut short", MESSAGE, "", ORIGIN "40020602020000ffeb" NEXTHOP, NET, GONE, 3, 11},
	{"AS 0", MESSAGE, "", ORIGIN "400206020100000000" NEXTHOP, NET, GONE, 3, 11},
	{"NEXT_HOP of 3 bytes", MESSAGE, "", ORIGIN PATH4 "400303c0a81e", NET, GONE, 3, 5},
	{"NEXT_HOP 0.0.0.0", MESSAGE, "", ORIGIN PATH4 "40030400000000", NET, GONE, 3, 8},
	{"no AS_PATH", MESSAGE, "", ORIGIN NEXTHOP, NET, GONE, 3, 3},
	{"flags of AS_PATH", MESSAGE, "", ORIGIN "c0020602010000ffeb" NEXTHOP, NET, GONE, 3, 4},
	{"MED of 2 bytes", MESSAGE, "", GOOD "8004020001", NET, GONE, 3, 5},
	{"an attribute past the list's end", MESSAGE, "", GOOD "c008ff00000001", NET, GONE, 3, 1},
	{"a list that ends in a header", MESSAGE, "", GOOD "c0", NET, GONE, 3, 1},
	{"IPv6 next hop ::", MESSAGE, "",
	 ORIGIN PATH4 "800e1a 000201 10 00000000000000000000000000000000 00 2020010db8", "",
	 "withdraw 2001:db8::/32 by sub\n", 3, 9},
	{"a prefix of 33 bits", SESSION, "", GOOD, "210a0a1e0000", "", 3, 10},
	{"a prefix of 255 bits", SESSION, "", GOOD, "ff0a0a1e", "", 3, 10},
	{"a prefix past the message's end", SESSION, "", GOOD, NET "180a", "", 3, 10},
	{"a withdrawn one of 40 bits", SESSION, "280a0a1e0000", "", "", "", 3, 10},
	{"an IPv6 prefix of 129 bits", SESSION, "",
	 ORIGIN PATH4 "800e27 000201 10" NEXT6 "00 8120010db8000000000000000000000001 00", "", "",
	 3, 9},
	{"a next hop past its attribute", SESSION, "", ORIGIN PATH4 "800e05 000201 ff 00", "", "",
	 3, 9},
	{"two MP_UNREACH", SESSION, "", "800f03000201 800f03000201", "", "", 3, 1},
	{"an unknown well-known attribute", SESSION, "", GOOD "401e0100", NET, "", 3, 2},
	{"a malformed attribute of no route", SESSION, "", "40010103", "", "", 3, 6},
};

/* 10.1.0.0/16 of the one peer, with the other's route after it, both there. */
static void both_up(struct recorder *r, int fd[2])
{
	uint8_t body[64];

	fd[0] = peer_establish(r, "127.0.0.1", false, true);
	fd[1] = peer_establish(r, "127.0.0.3", true, false);
	peer_update(fd[0], body, body_build(body, "", GOOD, "100a01"));
	assert_true(recorder_until(r, r->told, "announce 10.1.0.0/16"));
	peer_update(fd[1], er_route, sizeof(er_route));
	assert_true(recorder_until(r, r->told, "announce 10.10.30.0/24@1#10"));
	r->told[0] = '\0';
}

/* The other session goes on as if nothing had been. */
static void other_intact(struct recorder *r, int fd)
{
	r->told[0] = '\0';
	peer_update(fd, er_gone, sizeof(er_gone));
	assert_true(recorder_until(r, r->told, "withdraw 10.10.30.0/24@1#10"));
	assert_null(strstr(r->told, "lost @1"));
	assert_int_equal(status(r).state, FEED_UP);
}

static void session_ended(struct recorder *r, int fd, const struct harm *h)
{
	uint8_t buf[BGP_MAX_LEN];
	int type, last = 0;
	size_t len;

	while ((type = peer_read(r, fd, buf, &len)) >= 0)
		last = type;
	assert_int_equal(last, BGP_NOTIFICATION);
	assert_int_equal(buf[19], h->code);
	assert_int_equal(buf[20], h->subcode);
	assert_string_equal(r->told, "lost\n"); /* stale, none of it withdrawn */
	close(peer_establish(r, "127.0.0.1", false, true));
}

static void session_goes_on(struct recorder *r, int fd, const struct harm *h)
{
	uint8_t body[64];
	char want[256], name[64];

	peer_update(fd, body, body_build(body, "", GOOD, "100a02"));
	assert_true(recorder_until(r, r->told, "announce 10.2.0.0/16"));
	snprintf(want, sizeof(want), "%sannounce 10.2.0.0/16 via 192.168.30.18 as 65515\n",
		 h->told);
	assert_string_equal(r->told, want);
	snprintf(name, sizeof(name), "(%u/%u %s)", h->code, h->subcode,
		 bgp_error_name(h->code, h->subcode));
	assert_non_null(strstr(r->log, h->reach == MESSAGE ? name : "is no unicast prefix"));
}

static void test_reach(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(harms) / sizeof(harms[0]); i++) {
		const struct harm *h = &harms[i];
		struct recorder *r = feed_up(2);
		uint8_t body[BGP_MAX_LEN];
		uint64_t errors = h->reach == ROUTE ? strlen(h->nlri) > 8 ? 2 : 1 : 1;
		int fd[2];

		print_message("  %s\n", h->what);
		both_up(r, fd);
		peer_update(fd[0], body, body_build(body, h->withdrawn, h->attrs, h->nlri));
		if (h->reach == SESSION)
			session_ended(r, fd[0], h);
		else
			session_goes_on(r, fd[0], h);
		assert_int_equal(status(r).errors, errors);
		other_intact(r, fd[1]);
		close(fd[0]);
		close(fd[1]);
		feed_down(r);
	}
}

/* Streams with some of their bytes wrong, whole or cut, on eight connections of a feed each. */
static void test_garbage(void **state)
{
	unsigned int seed = getenv("SEED") ? (unsigned int)strtoul(getenv("SEED"), NULL, 0) : 1;
	static uint8_t stream[4096];
	FILE *f = fopen(TEST_DATA "/bird_addpath.bgp", "rb");
	size_t n;

	(void)state;
	assert_non_null(f);
	n = fread(stream, 1, sizeof(stream), f);
	fclose(f);
	print_message("SEED=%u\n", seed);
	srand(seed);
	for (int round = 0; round < 40; round++) {
		struct recorder *r = feed_up(2);
		int other = peer_establish(r, "127.0.0.3", true, false);

		for (int i = 0; i < 8; i++) {
			size_t cut = rand() % 2 ? n : (size_t)rand() % n + 1;
			int fd = peer_connect("127.0.0.1"), wrong = rand() % 4 + 1;
			uint8_t copy[sizeof(stream)];

			memcpy(copy, stream, n);
			while (wrong--)
				copy[(size_t)rand() % n] = (uint8_t)rand();
			peer_send(fd, copy, cut);
			for (int turn = 0; turn < 3; turn++)
				event_base_loop(r->base, EVLOOP_NONBLOCK);
			close(fd);
		}
		peer_update(other, er_route, sizeof(er_route));
		assert_true(recorder_until(r, r->told, "announce 10.10.30.0/24@1#10"));
		other_intact(r, other);
		close(other);
		feed_down(r);
	}
}

/* Half a message and then nothing; messages without end: the other's routes come meanwhile. */
static void test_stall_and_flood(void **state)
{
	struct recorder *r = feed_up(2);
	uint8_t keepalives[BGP_HEADER_LEN * 1000];
	int fd[2];

	(void)state;
	both_up(r, fd);
	peer_send(fd[0], "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10);
	recorder_turn(r);
	other_intact(r, fd[1]);
	close(fd[0]);
	fd[0] = peer_establish(r, "127.0.0.1", false, true);
	for (int i = 0; i < 1000; i++)
		bgp_keepalive_build(keepalives + (size_t)i * BGP_HEADER_LEN);
	r->told[0] = '\0';
	peer_update(fd[1], er_route, sizeof(er_route));
	for (uint64_t end = recorder_now_ms() + 10000; !strstr(r->told, "@1#10");) {
		/* as fast as it is read; whole messages only, as a part may be taken */
		ssize_t sent = send(fd[0], keepalives, sizeof(keepalives), MSG_NOSIGNAL);

		if (sent > 0 && sent % BGP_HEADER_LEN)
			peer_send(fd[0], keepalives + sent % BGP_HEADER_LEN,
				  (size_t)(BGP_HEADER_LEN - sent % BGP_HEADER_LEN));
		event_base_loop(r->base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
		assert_true(recorder_now_ms() < end);
	}
	assert_int_equal(status(r).state, FEED_UP);
	close(fd[0]);
	close(fd[1]);
	feed_down(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reach),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_stall_and_flood),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
