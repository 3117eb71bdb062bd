/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The feed `bmp` over real TCP connections on loopback addresses: who may connect, which of two
 * connections of a router counts, what ends one, and that one that floods leaves the other its
 * turn.
 */
#include "bmp_build.h"
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

#define ER ((struct of_peer){.address = "192.168.30.18"})

static struct ip_addr routers[2];
static struct config_feed cfg;
static struct bytes m;

static struct sockaddr_in inet(const char *ip, uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

	inet_pton(AF_INET, ip, &in.sin_addr);
	return in;
}

static struct recorder *feed_up(void)
{
	struct recorder *r = malloc(sizeof(*r));
	struct sockaddr_in in = inet("127.0.0.2", 0);
	socklen_t len = sizeof(in);
	char error[200] = "";
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
	getsockname(fd, (struct sockaddr *)&in, &len);
	close(fd);
	recorder_init(r);
	ip_parse("127.0.0.1", &routers[0]);
	ip_parse("127.0.0.3", &routers[1]);
	cfg = (struct config_feed){
		.name = "monitor", .type = FEED_BMP, .peers = routers, .n_peers = 2};
	ip_parse("127.0.0.2", &cfg.listen);
	cfg.port = ntohs(in.sin_port);
	assert_int_equal(
		feed_type(FEED_BMP)->start(&r->feed, 3, &cfg, "/", r->base, &r->sink, error), 0);
	return r;
}

static void feed_down(struct recorder *r)
{
	feed_type(FEED_BMP)->stop(r->feed);
	event_base_free(r->base);
	free(r);
}

static struct feed_status status(const struct recorder *r)
{
	struct feed_status st;

	feed_type(FEED_BMP)->status(r->feed, &st);
	return st;
}

static int router_connect(const char *from)
{
	struct sockaddr_in me = inet(from, 0), feed = inet("127.0.0.2", cfg.port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&me, sizeof(me)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&feed, sizeof(feed)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* What is in `m`, whole. */
static void router_send(int fd)
{
	assert_int_equal(send(fd, m.b, m.n, MSG_NOSIGNAL), (ssize_t)m.n);
	m.n = 0;
}

/* One that is up, with a route. */
static int router_up(struct recorder *r, const char *from, const char *name)
{
	int fd = router_connect(from);

	put_initiation(&m, "a router", name);
	put_peer_up(&m, ER, 12076, 0, 0);
	put_route(&m, ER, ER_ROUTE);
	r->told[0] = '\0';
	router_send(fd);
	assert_true(recorder_until(r, r->told, "announce 10.10.30.0/24"));
	return fd;
}

/* The other router, whose table has this number, goes on as if nothing had been. */
static void other_intact(struct recorder *r, int fd, unsigned int source)
{
	char want[64];

	snprintf(want, sizeof(want),
		 source ? "withdraw 10.10.30.0/24@%u by sub\n" : "withdraw 10.10.30.0/24 by sub\n",
		 source);
	r->told[0] = '\0';
	put_route(&m, ER, ER_GONE);
	router_send(fd);
	assert_true(recorder_until(r, r->told, want));
	assert_int_equal(status(r).state, FEED_UP);
}

/* The feed has closed it. */
static void closed(struct recorder *r, int fd)
{
	uint64_t end = recorder_now_ms() + 10000;
	char c;
	ssize_t n;

	while ((n = recv(fd, &c, 1, 0)) < 0 && errno == EAGAIN) {
		assert_true(recorder_now_ms() < end);
		recorder_turn(r);
	}
	assert_true(n <= 0);
	close(fd);
}

static void test_router(void **state)
{
	struct recorder *r = feed_up();
	int fd;

	(void)state;
	assert_int_equal(status(r).state, FEED_DOWN);
	fd = router_up(r, "127.0.0.1", "ce");
	assert_int_equal(status(r).state, FEED_UP);
	assert_true(status(r).sees_all);
	assert_int_equal(r->synced, 0);
	put_route(&m, ER, END4);
	router_send(fd);
	assert_true(recorder_until(r, r->told, "end-of-rib"));
	assert_true(recorder_until(r, r->log, "all is there (by End-of-RIB)"));
	assert_true(r->synced > 0);
	close(fd);
	assert_true(recorder_until(r, r->told, "lost"));
	assert_true(recorder_until(r, r->log, "connection lost (closed by the router)"));
	assert_int_equal(status(r).state, FEED_STALE);
	assert_int_equal(status(r).errors, 0);
	feed_down(r);
}

/* A byte at a time, and its last words before its end. */
static void test_pieces(void **state)
{
	struct recorder *r = feed_up();
	int fd = router_connect("127.0.0.1");

	(void)state;
	put_initiation(&m, "a router", "ce");
	put_peer_up(&m, ER, 12076, 0, 0);
	put_route(&m, ER, ER_ROUTE);
	put_peer_down(&m, ER, "04");
	for (size_t i = 0; i < m.n; i++) {
		assert_int_equal(send(fd, m.b + i, 1, MSG_NOSIGNAL), 1);
		if (i % 16 == 0)
			recorder_turn(r);
	}
	m.n = 0;
	close(fd);
	assert_true(recorder_until(r, r->log, "connection lost"));
	assert_non_null(strstr(r->told, "announce 10.10.30.0/24"));
	assert_non_null(strstr(r->told, "peer-down 192.168.30.18\ndropped\n"));
	assert_null(strstr(r->told, "lost"));
	feed_down(r);
}

static void test_stranger(void **state)
{
	struct recorder *r = feed_up();
	int fd = router_connect("127.0.0.9");

	(void)state;
	closed(r, fd);
	assert_non_null(strstr(r->log, "connection from 127.0.0.9 refused: add it to the feed's "
				       "`peers`"));
	assert_int_equal(status(r).errors, 1);
	feed_down(r);
}

/* What ends a connection; the router's first one, which is good, and the other router stay. */
static void test_wrong_streams(void **state)
{
	static const struct {
		const char *bytes, *error;
	} cases[] = {
		{"47 45 54 20 2f 20 48 54 54 50", "version 71 where 3 should be"},
		{"02 00 00 00 06 04", "version 2"},
		{"03 00 00 00 05 04", "message of 5 bytes"},
		{"03 ff ff ff ff 04", "message of 4294967295 bytes"},
		{"03 00 00 00 06 00", "message of type 0 before an Initiation"},
		{"03 00 00 00 06 ff", "message of type 255 before an Initiation"},
	};
	struct recorder *r = feed_up();
	int first = router_up(r, "127.0.0.1", "ce"), other = router_up(r, "127.0.0.3", "other");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = router_connect("127.0.0.1");

		r->told[0] = '\0';
		put_hex(&m, cases[i].bytes);
		router_send(fd);
		closed(r, fd);
		assert_non_null(strstr(r->log, cases[i].error));
		assert_int_equal(status(r).errors, i + 1);
		assert_string_equal(r->told, "");
	}
	/* the same on one that counts: it ends, and is stale; the other's routes are not */
	put_hex(&m, "04");
	put_route(&m, ER, ER_ROUTE);
	router_send(first);
	closed(r, first);
	assert_string_equal(r->told, "lost\n");
	assert_int_equal(status(r).state, FEED_UP);
	put_route(&m, ER, ER_GONE);
	router_send(other);
	assert_true(recorder_until(r, r->told, "withdraw 10.10.30.0/24@1 by sub"));
	/* an end inside a message is told as such */
	put_hex(&m, "03 00 00 00 40 00 00");
	router_send(other);
	close(other);
	assert_true(recorder_until(r, r->log, "connection ended inside a message"));
	feed_down(r);
}

/* A router that comes anew takes its own place; one that says nothing takes none. */
static void test_newer(void **state)
{
	struct recorder *r = feed_up();
	int first = router_up(r, "127.0.0.1", "ce"), silent = router_connect("127.0.0.1"), second;

	(void)state;
	for (int i = 0; i < 5; i++)
		recorder_turn(r);
	assert_null(strstr(r->told, "lost"));
	second = router_up(r, "127.0.0.1", "ce");
	assert_string_equal(r->told,
			    "lost\npeer-up 192.168.30.18\nbegin\nannounce 10.10.30.0/24 peer "
			    "192.168.30.18 via 192.168.30.18 as 12076 65515\n");
	assert_non_null(strstr(r->log, "a newer connection takes the place"));
	closed(r, first);
	closed(r, silent);
	close(second);
	feed_down(r);
}

/* Again and again: not more than ten times in ten seconds. */
static void test_loop(void **state)
{
	struct recorder *r = feed_up();
	int fd = -1, late, other = router_up(r, "127.0.0.3", "other");

	(void)state;
	for (int i = 0; i < 10; i++) {
		if (fd >= 0)
			close(fd);
		fd = router_up(r, "127.0.0.1", "ce");
	}
	put_initiation(&m, "a router", "ce");
	late = router_connect("127.0.0.1");
	router_send(late);
	closed(r, late);
	assert_non_null(strstr(status(r).last_error, "more than 10 in 10 s"));
	/* the one before is not disturbed */
	r->told[0] = '\0';
	put_route(&m, ER, ER_2);
	router_send(fd);
	assert_true(recorder_until(r, r->told, "announce 10.11.30.0/26"));
	close(fd);
	other_intact(r, other, 0);
	close(other);
	feed_down(r);
}

/* Streams with some of their bytes wrong, whole or cut, on eight connections of a feed each. */
static void test_garbage(void **state)
{
	unsigned int seed = getenv("SEED") ? (unsigned int)strtoul(getenv("SEED"), NULL, 0) : 1;
	static uint8_t stream[8192], copy[sizeof(stream)];
	size_t n;

	(void)state;
	print_message("SEED=%u\n", seed);
	srand(seed);
	put_initiation(&m, "a router", "ce");
	put_peer_up(&m, ER, 12076, 0, 0);
	for (int i = 0; i < 4; i++) {
		put_route(&m, ER, ER_ROUTE);
		put_route(&m, ER, ER_2);
		put_route(&m, ER, i % 2 ? END4 : ER_GONE);
	}
	put_peer_down(&m, ER, "04");
	n = m.n;
	assert_true(n < sizeof(stream));
	memcpy(stream, m.b, n);
	m.n = 0;
	for (int round = 0; round < 40; round++) {
		struct recorder *r = feed_up();
		int other = router_up(r, "127.0.0.3", "other");

		for (int i = 0; i < 8; i++) {
			size_t cut = rand() % 2 ? n : (size_t)rand() % n + 1;
			int fd = router_connect("127.0.0.1"), wrong = rand() % 4 + 1;

			memcpy(copy, stream, n);
			while (wrong--)
				copy[(size_t)rand() % n] = (uint8_t)rand();
			assert_int_equal(send(fd, copy, cut, MSG_NOSIGNAL), (ssize_t)cut);
			for (int turn = 0; turn < 3; turn++)
				event_base_loop(r->base, EVLOOP_NONBLOCK);
			close(fd);
		}
		other_intact(r, other, 0);
		close(other);
		feed_down(r);
	}
}

/* Half a message and then nothing: it stays, holds nobody up, and goes on when the rest comes. */
static void test_stall(void **state)
{
	struct recorder *r = feed_up();
	int stall = router_up(r, "127.0.0.1", "ce"), other = router_up(r, "127.0.0.3", "other");
	static struct bytes rest;
	size_t half;

	(void)state;
	put_route(&m, ER, ER_2);
	half = m.n / 2;
	rest = m;
	assert_int_equal(send(stall, m.b, half, MSG_NOSIGNAL), (ssize_t)half);
	m.n = 0;
	recorder_turn(r);
	other_intact(r, other, 1);
	r->told[0] = '\0';
	assert_int_equal(send(stall, rest.b + half, rest.n - half, MSG_NOSIGNAL),
			 (ssize_t)(rest.n - half));
	assert_true(recorder_until(r, r->told, "announce 10.11.30.0/26 "));
	close(stall);
	close(other);
	feed_down(r);
}

/* A router that sends as fast as it can: the other one has its turns in between. */
static void test_flood(void **state)
{
	struct recorder *r = feed_up();
	int flood = router_up(r, "127.0.0.1", "ce"), other = router_up(r, "127.0.0.3", "other");
	size_t sent = 0, before = r->announced, n;

	(void)state;
	while (m.n < sizeof(m.b) - 512)
		put_route(&m, ER, ER_ROUTE);
	/* all that the kernel takes */
	while (sent < m.n) {
		ssize_t got = send(flood, m.b + sent, m.n - sent, MSG_NOSIGNAL);

		if (got < 0)
			break;
		sent += (size_t)got;
	}
	assert_true(sent > 64 * 1024);
	n = sent / 100;
	m.n = 0;
	put_route(&m, ER, ER_2);
	router_send(other);
	r->told[0] = '\0';
	while (!strstr(r->told, "10.11.30.0/26")) {
		if (strlen(r->told) > sizeof(r->told) / 2)
			r->told[0] = '\0';
		event_base_loop(r->base, EVLOOP_ONCE);
	}
	assert_true(r->announced - before < n / 2);
	close(flood);
	close(other);
	feed_down(r);
}

/* Each message makes the RIB be walked: one a turn. */
static void test_flood_of_sessions(void **state)
{
	struct recorder *r = feed_up();
	int flood = router_up(r, "127.0.0.1", "ce"), other = router_up(r, "127.0.0.3", "other");
	unsigned int begun = 0;

	(void)state;
	for (int i = 0; i < 40; i++)
		put_peer_up(&m, ER, 12076, 0, 0);
	router_send(flood);
	put_route(&m, ER, ER_2);
	router_send(other);
	r->told[0] = '\0';
	while (!strstr(r->told, "10.11.30.0/26"))
		event_base_loop(r->base, EVLOOP_ONCE);
	for (const char *at = r->told; (at = strstr(at, "begin\n")); at++)
		begun++;
	assert_true(begun >= 1 && begun <= 4);
	close(flood);
	close(other);
	feed_down(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_router),	 cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_stranger), cmocka_unit_test(test_wrong_streams),
		cmocka_unit_test(test_newer),	 cmocka_unit_test(test_loop),
		cmocka_unit_test(test_garbage),	 cmocka_unit_test(test_stall),
		cmocka_unit_test(test_flood),	 cmocka_unit_test(test_flood_of_sessions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
