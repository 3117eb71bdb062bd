/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who reaches the feed `bgp`: peers that sign with its password (TCP MD5), from no further than the
 * next hop (GTSM), and not all the time. A SYN that the kernel drops is seen at once on loopback:
 * the connection is still on its way when one made later is up.
 */
#include "bgp_peer.h"

#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>

/* A connection begun from 127.0.0.1: signed with `password`, its packets with `ttl`, if given. */
static int begin(const char *to, const char *password, int ttl)
{
	struct sockaddr_in me = inet("127.0.0.1", 0), feed = inet(to, cfg.port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&me, sizeof(me)), 0);
	if (password) {
		struct tcp_md5sig md5 = {.tcpm_keylen = (uint16_t)strlen(password)};

		memcpy(&md5.tcpm_addr, &feed, sizeof(feed));
		memcpy(md5.tcpm_key, password, md5.tcpm_keylen);
		assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &md5, sizeof(md5)), 0);
	}
	if (ttl) {
		assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl)), 0);
		assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_MINTTL, &ttl, sizeof(ttl)), 0);
	}
	if (connect(fd, (struct sockaddr *)&feed, sizeof(feed)))
		assert_int_equal(errno, EINPROGRESS);
	return fd;
}

static bool connected(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	return poll(&p, 1, 0) == 1 && !(p.revents & (POLLERR | POLLHUP));
}

static void establish(struct recorder *r, int fd)
{
	r->log[0] = '\0';
	peer_open(fd, OUR_AS, 90, true, false);
	peer_keepalive(fd);
	assert_true(recorder_until(r, r->log, "session with 127.0.0.1 is up"));
	peer_update(fd, er_route, sizeof(er_route));
	assert_true(recorder_until(r, r->told, "announce 10.10.30.0/24"));
}

static void test_password(void **state)
{
	(void)state;
	/* The second time on a socket of IPv6, which knows its IPv4 peer by another name. */
	for (int mapped = 0; mapped < 2; mapped++) {
		struct recorder *r;
		int none, wrong, good;

		feed_config(1);
		cfg.password = "Kq7 #secret";
		if (mapped)
			ip_parse("::", &cfg.listen);
		r = feed_begin();
		none = begin("127.0.0.2", NULL, 0);
		wrong = begin("127.0.0.2", "Kq7 #Secret", 0);
		good = begin("127.0.0.2", "Kq7 #secret", 0);
		assert_true(connected(good));
		establish(r, good);
		assert_false(connected(none));
		assert_false(connected(wrong));
		close(none);
		close(wrong);
		close(good);
		feed_down(r);
	}
}

static void test_ttl_security(void **state)
{
	(void)state;
	for (int mapped = 0; mapped < 2; mapped++) {
		struct recorder *r;
		int far, near;

		feed_config(1);
		cfg.ttl_security = true;
		if (mapped)
			ip_parse("::", &cfg.listen);
		r = feed_begin();
		far = begin("127.0.0.2", NULL, 254);
		near = begin("127.0.0.2", NULL, 255); /* wants the same of us */
		assert_true(connected(near));
		establish(r, near);
		assert_false(connected(far));
		close(far);
		close(near);
		feed_down(r);
	}
}

/* A key that the kernel refuses is told, and nothing listens. */
static void test_no_listener(void **state)
{
	const struct feed_type *type = feed_type(FEED_BGP);
	char error[200] = "";
	struct recorder r;
	int fd;

	(void)state;
	recorder_init(&r);
	feed_config(1);
	cfg.password = ""; /* the config takes none */
	assert_true(type->start(&r.feed, 3, &cfg, "/", r.base, &r.sink, error) < 0);
	assert_non_null(strstr(error, "password: "));
	fd = begin("127.0.0.2", NULL, 0);
	assert_false(connected(fd));
	close(fd);
	event_base_free(r.base);
}

/* Who connects in a loop is put off; the other peer is not. */
static void test_loop(void **state)
{
	struct recorder *r = feed_up(2);
	int fd, refused = 0;

	(void)state;
	for (int i = 0; i < 40; i++) {
		uint8_t buf[BGP_MAX_LEN];
		size_t len;

		fd = peer_connect("127.0.0.1");
		refused += peer_read(r, fd, buf, &len) != BGP_OPEN;
		close(fd);
	}
	assert_in_range(refused, 29, 31);
	assert_non_null(strstr(r->log, "127.0.0.1 refused: too many of them"));
	fd = peer_establish(r, "127.0.0.3", true, false);
	peer_update(fd, er_route, sizeof(er_route));
	assert_true(recorder_until(r, r->told, "announce 10.10.30.0/24@1"));
	close(fd);
	feed_down(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_password),
		cmocka_unit_test(test_ttl_security),
		cmocka_unit_test(test_no_listener),
		cmocka_unit_test(test_loop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
