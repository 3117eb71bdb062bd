/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the feed `bmp` makes of its routers' messages: which tables there are, which of before and
 * after the policy counts, when a table is whole, what a peer's end takes along, what is left out.
 * No sockets and no clock: time is what the test says.
 */
#include "bmp_build.h"
#include "feed/bmp_router.h"
#include "feed_recorder.h"

#include <errno.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define ER	((struct of_peer){.address = "192.168.30.18"})
#define ER_POST ((struct of_peer){.flags = POST, .address = "192.168.30.18"})
#define LOC	((struct of_peer){.type = BMP_PEER_LOC_RIB})
#define OWN	((struct of_peer){.flags = POST})
#define S	1000000000ULL

struct world {
	struct recorder r;
	struct bmp_feed feed;
	struct ip_addr address[2];
	struct config_feed cfg;
	uint64_t now;
	struct bytes m;
	char error[BMP_ERROR_LEN]; /* of the last message */
};

static struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	recorder_init(&w->r);
	ip_parse("127.0.0.1", &w->address[0]);
	ip_parse("127.0.0.3", &w->address[1]);
	w->cfg = (struct config_feed){.type = FEED_BMP, .peers = w->address, .n_peers = 2};
	feed_report_init(&w->feed.report, 3, &w->r.sink);
	assert_int_equal(bmp_feed_init(&w->feed, &w->cfg), 0);
	w->now = 1000 * S;
	return w;
}

static void world_free(struct world *w)
{
	bmp_feed_free(&w->feed);
	event_base_free(w->r.base);
	free(w);
}

/* The messages in w->m from the router; each in memory of its own. What the last one returned. */
static int say(struct world *w, size_t router)
{
	int ret = 0;
	size_t at = 0;

	while (at < w->m.n) {
		uint8_t type, *p;
		size_t len;

		assert_int_equal(bmp_header_parse(w->m.b + at, &len, &type, w->error), 0);
		p = malloc(len);
		memcpy(p, w->m.b + at, len);
		ret = bmp_router_message(&w->feed.routers[router], type, p + BMP_HEADER_LEN,
					 len - BMP_HEADER_LEN, w->now, w->error);
		free(p);
		at += len;
	}
	w->m.n = 0;
	return ret;
}

static void route(struct world *w, struct of_peer peer, const char *update)
{
	put_route(&w->m, peer, update);
	assert_int_equal(say(w, 0), 0);
}

/* What the sink was told since the last time. */
static void told(struct world *w, const char *expected)
{
	assert_string_equal(w->r.told, expected);
	w->r.told[0] = '\0';
}

static void logged(struct world *w, const char *expected)
{
	if (!strstr(w->r.log, expected))
		fail_msg("no \"%s\" in:\n%s", expected, w->r.log);
}

/* Time passes, in steps of a quarter of a second, as the feed's timer has it. */
static void pass(struct world *w, uint64_t ns)
{
	uint64_t end = w->now + ns;

	while (w->now < end) {
		w->now += S / 4;
		for (size_t i = 0; i < w->feed.n_routers; i++)
			while (bmp_router_tick(&w->feed.routers[i], w->now))
				;
	}
}

static struct world *up(void)
{
	struct world *w = world_new();

	put_initiation(&w->m, "FRRouting 8.4.4", "ce");
	put_peer_up(&w->m, ER, 12076, 0, 0);
	assert_int_equal(say(w, 0), 0);
	told(w, "peer-up 192.168.30.18\n");
	logged(w, "router 127.0.0.1 (ce) is connected: FRRouting 8.4.4\n");
	return w;
}

static uint64_t errors(const struct world *w)
{
	return w->feed.report.status.errors;
}

#define ANNOUNCED "announce 10.10.30.0/24 peer 192.168.30.18 via 192.168.30.18 as 12076 65515\n"
#define ANNOUNCED6                                                                                 \
	"announce fd00:10:10:30::/64@1 peer 192.168.30.18 via fd00:192:168:30::2 as 12076\n"

static void test_routes(void **state)
{
	struct world *w = up();

	(void)state;
	route(w, ER, ER_ROUTE);
	told(w, "begin\n" ANNOUNCED);
	route(w, ER, FRR_ROUTE); /* FRR's own AS before */
	told(w, ANNOUNCED);
	route(w, ER, ER6_ROUTE); /* a table of its own */
	told(w, "begin @1\n" ANNOUNCED6);
	route(w, ER, END4);
	told(w, "end-of-rib\n");
	route(w, ER, END4);
	told(w, "");
	route(w, ER, END6);
	told(w, "end-of-rib @1\n");
	route(w, ER, ER_GONE);
	told(w, "withdraw 10.10.30.0/24 by sub\n");
	assert_int_equal(errors(w), 0);
	assert_int_equal(w->feed.report.status.updates, 7);
	assert_true(bmp_feed_sees_all(&w->feed));
	world_free(w);
}

/* Paths as they come: 2-byte numbers, sets, confederations, an own AS that is no addition. */
static void test_paths(void **state)
{
	static const struct {
		uint8_t flags;
		uint32_t as; /* of the peer */
		const char *path, *expected;
	} cases[] = {
		{AS2, 12076, "40 02 06 02 02 2f 2c ff eb", "12076 65515"},
		{0, 12076, "40 02 0c 02 01 00 00 2f 2c 01 01 00 00 ff eb", "12076 65515"},
		{0, 12076, "40 02 0c 03 01 00 00 fc 00 02 01 00 00 2f 2c", "12076"},
		{0, 12076, "40 02 06 02 01 00 00 fd fd", "65021"}, /* nothing behind it */
		{0, 65021, "40 02 0a 02 02 00 00 fd fd 00 00 ff eb", "65021 65515"}, /* iBGP */
		{0, 12076,
		 "40 02 26 02 09 0000fdfd 00002f2c 00002f2c 00002f2c 00002f2c 00002f2c 00002f2c "
		 "00002f2c 00002f2c",
		 "12076 12076 12076 12076 12076 12076 12076 12076"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world *w = world_new();
		struct bytes attrs = {.n = 0};
		char update[512], expected[256];

		put_hex(put_hex(put_hex(&attrs, ORIGIN), cases[i].path), ER_NH);
		snprintf(update, sizeof(update), "0000 %04zx %s %s %s 18 0a 0a 1e", attrs.n, ORIGIN,
			 cases[i].path, ER_NH);
		put_initiation(&w->m, "", "");
		put_peer_up(&w->m, ER, cases[i].as, 0, 0);
		put_route(&w->m,
			  (struct of_peer){.flags = cases[i].flags, .address = "192.168.30.18"},
			  update);
		assert_int_equal(say(w, 0), 0);
		snprintf(expected, sizeof(expected),
			 "peer-up 192.168.30.18\nbegin\nannounce 10.10.30.0/24 peer 192.168.30.18 "
			 "via 192.168.30.18 as %s\n",
			 cases[i].expected);
		told(w, expected);
		assert_int_equal(errors(w), 0);
		world_free(w);
	}
}

/* Before the policy wins over after it, whichever comes first; a route of both stays. */
static void test_post_policy(void **state)
{
	struct world *w = up();

	(void)state;
	route(w, ER_POST, ER_ROUTE);
	told(w, "begin\n" ANNOUNCED);
	route(w, ER,
	      ER_GONE); /* FRR without soft-reconfiguration: nothing there before the policy */
	route(w, ER, END4);
	told(w, "");
	route(w, ER_POST, END4);
	told(w, "end-of-rib\n");
	route(w, ER, ER_ROUTE);
	told(w, "begin\n" ANNOUNCED);
	route(w, ER_POST, ER_GONE);
	route(w, ER_POST, END4);
	route(w, ER_POST, ER_2);
	told(w, "");
	assert_int_equal(w->feed.report.status.ignored, 3);
	route(w, ER, END4);
	told(w, "end-of-rib\n");
	route(w, ER, ER_GONE);
	told(w, "withdraw 10.10.30.0/24 by sub\n");
	/* each family by itself */
	route(w, ER_POST, ER6_ROUTE);
	told(w, "begin @1\n" ANNOUNCED6);
	/* another connection may have only the one after the policy */
	bmp_router_end(&w->feed.routers[0]);
	told(w, "lost\nlost @1\n");
	put_initiation(&w->m, "FRRouting", "ce");
	put_peer_up(&w->m, ER, 12076, 0, 0);
	say(w, 0);
	told(w, "peer-up 192.168.30.18\n");
	route(w, ER_POST, ER_ROUTE);
	told(w, "begin\n" ANNOUNCED);
	route(w, ER_POST, END4);
	told(w, "end-of-rib\n");
	assert_int_equal(errors(w), 0);
	pass(w, 6 * S);
	logged(w, "router 127.0.0.1 (ce): 2 tables are of routes after FRR's import policy only");
	world_free(w);
}

/* Families that are not taken are refused, by their name. */
static void test_family(void **state)
{
	struct world *w = up();

	(void)state;
	route(w, ER, "0000 000f" ORIGIN "80 0f 08 00 19 46 0102030405");
	assert_int_equal(w->feed.report.status.refused[FEED_FAMILY], 1);
	logged(w, "routes of AFI 25, SAFI 70 of 192.168.30.18 left out");
	told(w, "");
	world_free(w);
}

/* A local preference from an eBGP peer means nothing before the policy, and something after. */
static void test_local_pref(void **state)
{
	static const char with[] = "0000 001f" ORIGIN ER_PATH ER_NH "40 05 04 000000c8 18 0a 0a 1e";
	struct world *w = up();

	(void)state;
	route(w, ER_POST, with);
	assert_non_null(strstr(w->r.told, "65515 lp 200\n"));
	w->r.told[0] = '\0';
	route(w, ER, with);
	assert_null(strstr(w->r.told, "lp"));
	world_free(w);
}

static void test_loc_rib(void **state)
{
	struct world *w = world_new();

	(void)state;
	put_initiation(&w->m, "3.10.0", "GoBGP");
	put_route(&w->m, LOC, ER_ROUTE); /* gobgpd: no peer up before it */
	say(w, 0);
	told(w, "begin\nannounce 10.10.30.0/24 chosen via 192.168.30.18 as 12076 65515\n");
	assert_false(bmp_feed_sees_all(&w->feed));
	/* and its own route without AS path and next hop */
	w->r.answer = RIB_UNKNOWN_PATH;
	route(w, LOC, "0000 000b" ORIGIN "40 03 04 00 00 00 00 19 0a 02 1e 00");
	told(w, "announce 10.2.30.0/25 chosen\n");
	assert_int_equal(errors(w), 0);
	assert_int_equal(w->feed.report.status.ignored, 1);
	w->r.answer = RIB_OK;
	route(w, LOC, ER_GONE);
	told(w, "withdraw 10.10.30.0/24 chosen by sub\n");
	bmp_router_end(&w->feed.routers[0]);
	told(w, "lost\n");
	put_initiation(&w->m, "3.10.0", "GoBGP");
	put_route(&w->m, LOC, ER_ROUTE);
	say(w, 0);
	told(w, "begin\nannounce 10.10.30.0/24 chosen via 192.168.30.18 as 12076 65515\n");
	pass(w, 6 * S);
	told(w, "end-of-rib\n");
	logged(w, "sends only what it has chosen (loc-rib), no candidates");
	put_peer_down(&w->m, LOC, "06 00 03 00 01 61");
	say(w, 0);
	told(w, "dropped\n");
	logged(w, "its loc-rib is down, closed by the router");
	/* one that is announced as it should be */
	put_peer_up(&w->m, LOC, 65021, 2, 2);
	say(w, 0);
	told(w, "");
	route(w, LOC, "0000 0018" ORIGIN ER_PATH ER_NH "00000007 18 0a 0a 1e");
	told(w, "begin\nannounce 10.10.30.0/24#7 chosen via 192.168.30.18 as 12076 65515\n");
	world_free(w);
}

/* What a router originates is from no peer: its own, or a static route by a path's next hop. */
static void test_own(void **state)
{
	struct world *w = up();

	(void)state;
	w->r.answer = RIB_OWN;
	route(w, OWN, "0000 000e" ORIGIN "40 02 00 40 03 04 00 00 00 00 19 0a 02 1e 00");
	told(w, "begin\nannounce 10.2.30.0/25 as\n");
	route(w, OWN,
	      "0000 002b" ORIGIN "40 02 00"
	      "80 0e 21 00 02 01 10 0000000000000000 0000000000000000"
	      "00 58 fd 00 00 02 00 30 00 00 00 00 00");
	told(w, "begin @1\nannounce fd00:2:30::/88@1 as\n");
	w->r.answer = RIB_UNKNOWN_PATH;
	route(w, OWN, "0000 000e" ORIGIN "40 02 00 40 03 04 c6 33 64 01 18 cb 00 71");
	assert_int_equal(errors(w), 0);
	/* one from a peer with no next hop is wrong, as ever */
	w->r.told[0] = '\0';
	route(w, ER, "0000 0018" ORIGIN ER_PATH "40 03 04 00 00 00 00 18 0a 0a 1e");
	assert_int_equal(errors(w), 1);
	logged(w, "NEXT_HOP is no host's address (3/8 invalid NEXT_HOP): its routes count as "
		  "withdrawn");
	world_free(w);
}

static void test_unknown_path(void **state)
{
	struct world *w = up();

	(void)state;
	w->r.answer = RIB_UNKNOWN_PATH;
	route(w, ER, ER_ROUTE);
	assert_int_equal(errors(w), 1);
	assert_int_equal(w->feed.report.status.refused[FEED_UNKNOWN_PATH], 1);
	logged(w, "unknown-path: 10.10.30.0/24 of peer 192.168.30.18 by next hop 192.168.30.18");
	w->r.answer = RIB_NO_MEMORY;
	put_route(&w->m, ER, ER_ROUTE);
	assert_int_equal(say(w, 0), -ENOMEM);
	assert_non_null(strstr(w->error, "no memory"));
	world_free(w);
}

/* A session's end takes its routes along, and is told once, however often FRR says it. */
static void test_peer_down(void **state)
{
	struct world *w = up();

	(void)state;
	put_peer_down(&w->m, (struct of_peer){.address = "10.10.30.254"}, "02 00 00");
	say(w, 0);
	told(w, "peer-down 10.10.30.254\n"); /* never was up: so it says */
	route(w, ER, ER_ROUTE);
	route(w, ER, ER6_ROUTE);
	w->r.told[0] = '\0';
	for (int i = 0; i < 5; i++)
		put_peer_down(&w->m, ER, "02 00 00");
	say(w, 0);
	told(w, "peer-down 192.168.30.18\ndropped\ndropped @1\n");
	logged(w, "peer 192.168.30.18 is down, closed by the router without a notification");
	assert_null(strstr(w->r.log, "10.10.30.254 is down"));
	route(w, ER, ER_ROUTE); /* not up */
	told(w, "");
	assert_int_equal(w->feed.report.status.ignored, 1);
	logged(w, "sends routes of a peer that is not up (192.168.30.18)");
	put_peer_up(&w->m, ER, 12076, 0, 0);
	put_route(&w->m, ER, ER_ROUTE);
	say(w, 0);
	told(w, "peer-up 192.168.30.18\nbegin\n" ANNOUNCED); /* the number is free again */
	put_peer_down(&w->m, ER, "03 ffffffffffffffffffffffffffffffff 0015 03 06 02");
	say(w, 0);
	logged(w, "closed by the peer, 6/2 administrative shutdown");
	assert_int_equal(errors(w), 0);
	world_free(w);
}

/* Not told of any more: whether it is up is not known. */
static void test_deconfigured(void **state)
{
	struct world *w = up();

	(void)state;
	route(w, ER, ER_ROUTE);
	w->r.told[0] = '\0';
	put_peer_down(&w->m, ER, "05");
	say(w, 0);
	told(w, "lost\n");
	logged(w, "is down, not monitored any more");
	world_free(w);
}

/* One address may be the peer of two routers, or in two VRFs: it is down when all say so. */
static void test_peer_of_two(void **state)
{
	struct of_peer vrf = {.type = BMP_PEER_RD, .address = "192.168.30.18", .rd = 7};
	struct world *w = up();

	(void)state;
	put_peer_up(&w->m, vrf, 12076, 0, 0);
	put_route(&w->m, vrf, ER_ROUTE);
	put_route(&w->m, ER, ER_ROUTE);
	say(w, 0);
	put_initiation(&w->m, "", "other");
	put_peer_up(&w->m, ER, 12076, 0, 0);
	put_route(&w->m, ER, ER_2);
	say(w, 1);
	w->r.told[0] = '\0';
	put_peer_down(&w->m, vrf, "04");
	say(w, 0);
	told(w, "dropped\n");
	put_peer_down(&w->m, ER, "04");
	say(w, 1);
	told(w, "dropped @2\n");
	put_peer_down(&w->m, ER, "04");
	say(w, 0);
	told(w, "peer-down 192.168.30.18\ndropped @1\n");
	world_free(w);
}

/* A peer up where one is up: the session was another. Nothing is lost meanwhile. */
static void test_up_again(void **state)
{
	struct world *w = up();

	(void)state;
	route(w, ER, ER_ROUTE);
	route(w, ER, END4);
	w->r.told[0] = '\0';
	put_peer_up(&w->m, ER, 12076, 0, 0);
	put_route(&w->m, ER, ER_2);
	put_route(&w->m, ER, END4);
	say(w, 0);
	told(w, "begin\npeer-up 192.168.30.18\nannounce 10.11.30.0/26 peer 192.168.30.18 via "
		"192.168.30.18 as 12076 65515\nend-of-rib\n");
	world_free(w);
}

/* A connection that ends leaves stale routes; the next one replaces them, source by source. */
static void test_reconnect(void **state)
{
	struct world *w = up();

	(void)state;
	route(w, ER, ER_ROUTE);
	route(w, ER, ER6_ROUTE);
	route(w, ER, END4);
	w->r.told[0] = '\0';
	bmp_router_end(&w->feed.routers[0]);
	told(w, "lost\nlost @1\n");
	pass(w, 100 * S);
	told(w, "");
	put_initiation(&w->m, "FRRouting 8.4.4", "ce");
	say(w, 0);
	/* FRR says so of what is not up yet: the stale routes of it go */
	put_peer_up(&w->m, ER, 12076, 0, 0);
	say(w, 0);
	told(w, "peer-up 192.168.30.18\n");
	route(w, ER, ER_ROUTE);
	told(w, "begin\n" ANNOUNCED);
	/* no End-of-RIB, and of IPv6 nothing at all */
	pass(w, 4 * S);
	told(w, "");
	pass(w, 2 * S);
	told(w, "end-of-rib\nbegin @1\nend-of-rib @1\n");
	logged(w, "all is there (nothing came for 5 s): 1 peers up, 2 tables");
	world_free(w);
}

/* When the cold start may end: by End-of-RIB and a pause, or by silence. */
static void test_synced(void **state)
{
	struct world *w = up();
	struct bmp_router *r = &w->feed.routers[0];

	(void)state;
	assert_false(r->synced);
	route(w, ER, ER_ROUTE);
	route(w, ER, END4);
	pass(w, S / 2);
	assert_false(r->synced);
	route(w, ER, ER6_ROUTE); /* a family after the other */
	pass(w, 2 * S);
	assert_false(r->synced);
	route(w, ER, END6);
	pass(w, S + S / 4);
	assert_true(r->synced);
	logged(w, "all is there (by End-of-RIB): 1 peers up, 2 tables");
	/* a table that begins later has to be waited for again */
	put_peer_up(&w->m, (struct of_peer){.address = "10.10.30.254"}, 65515, 0, 0);
	put_route(&w->m, (struct of_peer){.address = "10.10.30.254"}, ER_2);
	say(w, 0);
	w->r.told[0] = '\0';
	assert_true(r->synced);
	assert_false(r->settled);
	logged(w, "peer 10.10.30.254 (AS 65515) is up");
	/* one that never is silent is waited for a minute */
	for (int i = 0; i < 58; i++) {
		pass(w, S);
		route(w, ER, ER_ROUTE);
	}
	assert_null(strstr(w->r.told, "end-of-rib"));
	for (int i = 0; i < 3; i++) {
		pass(w, S);
		route(w, ER, ER_ROUTE);
	}
	assert_non_null(strstr(w->r.told, "end-of-rib @2"));
	world_free(w);
}

/* A router without a peer is synced, too. */
static void test_nothing_there(void **state)
{
	struct world *w = world_new();

	(void)state;
	put_initiation(&w->m, "", "");
	put_peer_down(&w->m, ER, "02 00 00");
	say(w, 0);
	pass(w, 4 * S);
	assert_false(w->feed.routers[0].synced);
	pass(w, 2 * S);
	assert_true(w->feed.routers[0].synced);
	assert_int_equal(errors(w), 0);
	world_free(w);
}

/* ADD-PATH as the OPENs say, unless what comes is right only without. */
static void test_addpath(void **state)
{
	static const char with[] = "0000 0018" ORIGIN ER_PATH ER_NH "00000007 18 0a 0a 1e";
	static const char broken[] = "0000 0018" ORIGIN ER_PATH ER_NH "21 0a 0a 1e";
	struct world *w = world_new();

	(void)state;
	put_initiation(&w->m, "", "");
	put_peer_up(&w->m, ER, 12076, 1, 2);
	put_route(&w->m, ER, with);
	say(w, 0);
	told(w, "peer-up 192.168.30.18\nbegin\nannounce 10.10.30.0/24#7 peer 192.168.30.18 via "
		"192.168.30.18 as 12076 65515\n");
	route(w, ER, ER_ROUTE); /* it had them: this one is malformed */
	told(w, "");
	assert_int_equal(errors(w), 1);
	put_peer_up(&w->m, ER, 12076, 1, 2);
	put_route(&w->m, ER, broken);
	say(w, 0);
	assert_int_equal(errors(w), 2);
	w->r.told[0] = '\0';
	route(w, ER, ER_ROUTE);
	told(w, ANNOUNCED);
	logged(w, "peer 192.168.30.18 has ADD-PATH, but its routes come without path identifiers");
	route(w, ER, ER_GONE);
	told(w, "withdraw 10.10.30.0/24 by sub\n");
	assert_int_equal(errors(w), 2);
	world_free(w);
}

/* What is right but of no use is counted, and told once a connection. */
static void test_ignored(void **state)
{
	static const struct {
		uint8_t type;
		struct of_peer peer;
		const char *rest, *log; /* NULL: usual */
	} cases[] = {
		{BMP_ROUTE_MONITORING,
		 {.flags = OUT, .address = "192.168.30.18"},
		 "",
		 "adj-rib-out"},
		{BMP_ROUTE_MONITORING,
		 {.type = 4, .address = "192.168.30.18"},
		 "",
		 "peers of a type not known here (4)"},
		{BMP_MIRRORING, {.address = "192.168.30.18"}, "0001 0002 0001", "mirrors"},
		{BMP_STATISTICS, {.address = "192.168.30.18"}, "00000000", NULL},
		{7, {.address = "192.168.30.18"}, "0102", "type not known here (7)"},
		{255, {.address = "192.168.30.18"}, "0102", NULL /* told before */},
		{BMP_ROUTE_MONITORING, {.address = "10.10.30.254"}, "", "not up (10.10.30.254)"},
	};
	struct world *w = up();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int k = 0; k < 2; k++) {
			size_t at = bmp_begin(&w->m, cases[i].type);

			put_peer(&w->m, cases[i].peer);
			put_hex(&w->m, cases[i].rest);
			bmp_end(&w->m, at);
			w->r.log[0] = '\0';
			assert_int_equal(say(w, 0), 0);
			assert_int_equal(w->feed.report.status.ignored, 2 * i + (size_t)k + 1);
			if (k || !cases[i].log)
				assert_string_equal(w->r.log, "");
			else
				logged(w, cases[i].log);
		}
	}
	assert_int_equal(errors(w), 0);
	route(w, ER, ER_ROUTE);
	told(w, "begin\n" ANNOUNCED);
	world_free(w);
}

/* What is wrong with a message is its own loss: the next one is taken. */
static void test_refused(void **state)
{
	static const struct {
		uint8_t type;
		int cut; /* bytes of the per-peer header, -1: all */
		const char *rest, *error;
	} cases[] = {
		{BMP_ROUTE_MONITORING, 0, "", "message refused: per-peer header of 0 bytes"},
		{BMP_ROUTE_MONITORING, 41, "", "per-peer header of 41 bytes"},
		{BMP_PEER_UP, 3, "", "per-peer header"},
		{BMP_PEER_DOWN, 3, "", "per-peer header"},
		{BMP_STATISTICS, 3, "", "per-peer header"},
		{BMP_MIRRORING, 3, "", "per-peer header"},
		{BMP_ROUTE_MONITORING, -1, "", "route of 192.168.30.18 refused: BGP message cut"},
		{BMP_ROUTE_MONITORING, -1, "ffffffffffffffffffffffffffffffff 0017 02 0000",
		 "23 bytes in a place of 21"},
		{BMP_ROUTE_MONITORING, -1, "ffffffffffffffffffffffffffffffff 0017 02 0000 ffff",
		 "UPDATE of 192.168.30.18 refused: lengths in the UPDATE exceed it"},
		{BMP_ROUTE_MONITORING, -1, "ffffffffffffffffffffffffffffffff 0018 02 0001 21 0000",
		 "prefix among the withdrawn routes is malformed"},
		{BMP_ROUTE_MONITORING, -1, "ffffffffffffffffffffffffffffffff 0013 04",
		 "type 4 where 2"},
		{BMP_ROUTE_MONITORING, -1,
		 "ffffffffffffffffffffffffffffffff 001e 02 0000 0003 40 01 00 18 0a 0a 1e",
		 "its routes count as withdrawn"},
		{BMP_PEER_UP, -1, "00", "peer up of 192.168.30.18 refused: peer up of 1 bytes"},
		{BMP_PEER_DOWN, -1, "", "peer down of 192.168.30.18 refused: peer down without"},
		{BMP_STATISTICS, -1, "00000001", "statistics refused: 1 counters"},
		{BMP_INITIATION, 0, "0002 00ff", "Initiation: information of 255 bytes"},
	};
	struct world *w = up();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t at = bmp_begin(&w->m, cases[i].type), from = w->m.n;

		w->feed.report.logged = 0;
		w->r.log[0] = '\0';
		put_peer(&w->m, ER);
		if (cases[i].cut >= 0)
			w->m.n = from + (size_t)cases[i].cut;
		put_hex(&w->m, cases[i].rest);
		bmp_end(&w->m, at);
		assert_int_equal(say(w, 0), 0);
		assert_int_equal(errors(w), i + 1);
		logged(w, cases[i].error);
		w->r.told[0] = '\0';
		route(w, ER, ER_ROUTE);
		assert_non_null(strstr(w->r.told, ANNOUNCED));
	}
	world_free(w);
}

/* A long UPDATE (RFC 8654): 60 KiB of prefixes. */
static void test_long_update(void **state)
{
	struct world *w = up();
	size_t at = bmp_begin(&w->m, BMP_ROUTE_MONITORING), bgp, n = 16000;

	(void)state;
	put_peer(&w->m, ER);
	bgp = w->m.n;
	put_bgp(&w->m, BGP_UPDATE, "0000 0018" ORIGIN ER_PATH ER_NH);
	for (size_t i = 0; i < n; i++)
		put8(put16(put8(&w->m, 24), 0x1400 + (unsigned int)(i >> 8)), i & 0xff);
	bgp_put16(w->m.b + bgp + 16, (uint16_t)(w->m.n - bgp));
	bmp_end(&w->m, at);
	assert_int_equal(say(w, 0), 0);
	assert_int_equal(w->r.announced, n);
	assert_int_equal(errors(w), 0);
	world_free(w);
}

static void test_termination(void **state)
{
	struct world *w = up();
	size_t at = bmp_begin(&w->m, BMP_TERMINATION);

	(void)state;
	put_hex(&w->m, "0001 0002 0002");
	bmp_end(&w->m, at);
	assert_int_equal(say(w, 0), -ECONNRESET);
	assert_string_equal(w->error, "ended by the router, out of resources");
	at = bmp_begin(&w->m, BMP_TERMINATION);
	put_hex(&w->m, "0001 0200 0002");
	bmp_end(&w->m, at);
	assert_int_equal(say(w, 0), -EBADMSG);
	world_free(w);
}

static struct of_peer nth(unsigned int i, char text[IP_STRLEN])
{
	snprintf(text, IP_STRLEN, "10.9.%u.%u", i / 250, i % 250 + 1);
	return (struct of_peer){.address = text};
}

/* Peers and tables are bounded; what a router left behind goes first. */
static void test_limits(void **state)
{
	struct world *w = up();
	char text[IP_STRLEN];

	(void)state;
	for (unsigned int i = 1; i < BMP_PEERS_MAX; i++) {
		put_peer_up(&w->m, nth(i, text), 12076, 0, 0);
		put_route(&w->m, nth(i, text), ER_ROUTE);
		put_route(&w->m, nth(i, text), ER6_ROUTE);
		say(w, 0);
	}
	assert_int_equal(errors(w), 0);
	w->feed.report.logged = 0;
	put_peer_up(&w->m, nth(BMP_PEERS_MAX, text), 12076, 0, 0);
	put_peer_down(&w->m, nth(BMP_PEERS_MAX, text), "04");
	say(w, 0);
	assert_int_equal(errors(w), 2);
	logged(w, "a peer refused: 512 are the most");
	/* one that is down makes room, and takes its own up again later */
	put_peer_down(&w->m, nth(BMP_PEERS_MAX - 1, text), "04");
	put_peer_up(&w->m, nth(BMP_PEERS_MAX, text), 12076, 0, 0);
	put_peer_down(&w->m, nth(BMP_PEERS_MAX, text), "04");
	put_peer_up(&w->m, nth(BMP_PEERS_MAX - 1, text), 12076, 0, 0);
	put_route(&w->m, nth(BMP_PEERS_MAX - 1, text), ER_ROUTE);
	put_route(&w->m, nth(BMP_PEERS_MAX - 1, text), ER6_ROUTE);
	say(w, 0);
	assert_int_equal(errors(w), 2);
	/* 1022 tables are there, and two of the other router's */
	put_initiation(&w->m, "", "");
	for (unsigned int i = 0; i < 2; i++) {
		put_peer_up(&w->m, nth(i, text), 12076, 0, 0);
		put_route(&w->m, nth(i, text), ER_ROUTE);
	}
	say(w, 1);
	assert_int_equal(errors(w), 2);
	w->r.told[0] = '\0';
	w->feed.report.logged = 0;
	put_route(&w->m, nth(1, text), ER6_ROUTE);
	say(w, 1);
	assert_int_equal(errors(w), 3);
	told(w, "");
	logged(w, "no room for IPv6 of peer 10.9.0.2: 1024 tables are the most");
	bmp_router_end(&w->feed.routers[0]);
	w->r.told[0] = '\0';
	put_route(&w->m, nth(1, text), ER6_ROUTE);
	say(w, 1);
	assert_int_equal(strncmp(w->r.told, "dropped\nbegin\nannounce fd00", 26), 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routes),	      cmocka_unit_test(test_family),
		cmocka_unit_test(test_paths),	      cmocka_unit_test(test_post_policy),
		cmocka_unit_test(test_local_pref),    cmocka_unit_test(test_loc_rib),
		cmocka_unit_test(test_own),	      cmocka_unit_test(test_unknown_path),
		cmocka_unit_test(test_peer_down),     cmocka_unit_test(test_deconfigured),
		cmocka_unit_test(test_peer_of_two),   cmocka_unit_test(test_up_again),
		cmocka_unit_test(test_reconnect),     cmocka_unit_test(test_synced),
		cmocka_unit_test(test_nothing_there), cmocka_unit_test(test_addpath),
		cmocka_unit_test(test_ignored),	      cmocka_unit_test(test_refused),
		cmocka_unit_test(test_long_update),   cmocka_unit_test(test_termination),
		cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
