/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The feed `rtnetlink` with a full table, 100,000 routes (SAMEWAY_LONG=1: a million), in a network
 * namespace of its own, and a RIB behind it: what the RIB holds must come to be what `ip route`
 * says, after the load, random changes, a storm that overflows the news, and a link's fall that the
 * kernel is silent about. SEED=n: the run to repeat.
 */
#include "core/rib.h"
#include "feed/feed.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <event2/event.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#define TABLE 100

static const char config_text[] =
	"paths:\n"
	"- { name: er, class: expressroute, interface: d0, gateway: 10.9.0.9 }\n"
	"- { name: gw, class: vpn, interface: d1, encrypted: true, gateway: 10.9.1.9 }\n"
	"inside: [{ interface: lan, networks: [192.168.0.0/24] }]\n"
	"feeds: [{ name: k, type: rtnetlink, table: 100 }]\n";

/* A candidate: of the kernel's table, or the RIB's. */
struct leg {
	struct prefix prefix;
	struct ip_addr via;
	int path;
};

static struct event_base *base;
static struct event *heartbeat;
static struct feed *feed;
static struct config *cfg;
static struct rib *rib;
static unsigned int losses, news_lost;
static size_t n_routes;
static struct leg *want;
static size_t n_want, room;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

static enum rib_result on_announce(void *arg, feed_id id, const struct route *r)
{
	(void)arg;
	return rib_announce(rib, id, r, now_ns());
}

static size_t on_withdraw(void *arg, feed_id id, const struct route *r, bool by_sub)
{
	size_t n = rib_withdraw(rib, id, r, by_sub, now_ns());

	(void)arg;
	assert_int_equal(n, 1); /* it was told, and taken */
	return n;
}

static void on_begin(void *arg, feed_id id, uint16_t source)
{
	(void)arg;
	rib_source_mark(rib, id, source);
}

static void on_end(void *arg, feed_id id, uint16_t source)
{
	(void)arg;
	rib_source_sweep(rib, id, source, now_ns());
}

static void on_lost(void *arg, feed_id id, uint16_t source)
{
	(void)arg;
	(void)id;
	(void)source;
	losses++;
}

static void on_synced(void *arg, feed_id id)
{
	(void)arg;
	(void)id;
}

static void on_log(void *arg, feed_id id, const char *text)
{
	(void)arg;
	(void)id;
	news_lost += strstr(text, "news of the kernel are lost") != NULL;
}

static void beat(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static void sh(const char *command)
{
	if (system(command))
		fail_msg("failed: %s", command);
}

/* The oracle: what ip(8) says, a line a route, or a line a leg after it. */

static void want_leg(const struct prefix *prefix, const char *line)
{
	const char *via = strstr(line, " via "), *dev = strstr(line, " dev d");
	char text[IP_STRLEN] = "";
	struct leg leg = {.prefix = *prefix};

	if (!dev || strstr(line, " dead"))
		return;
	leg.path = dev[6] - '0';
	if (via)
		sscanf(via, " via %45s", text);
	assert_int_equal(ip_parse(text, &leg.via), 0);
	if (n_want == room) {
		room = room ? room * 2 : 1 << 16;
		want = realloc(want, room * sizeof(*want));
		assert_non_null(want);
	}
	want[n_want++] = leg;
}

static int leg_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct leg));
}

static void want_from_ip(void)
{
	FILE *f = popen("ip -4 route show table 100 2>&-; ip -6 route show table 100 2>&-", "r");
	struct prefix prefix = {0};
	size_t unique = 0;
	char line[512];

	assert_non_null(f);
	n_want = 0;
	while (fgets(line, sizeof(line), f)) {
		char dst[PREFIX_STRLEN];

		if (line[0] != '\t') {
			sscanf(line, "%49s", dst);
			if (prefix_parse(dst, &prefix, NULL)) /* blackhole ... */
				continue;
		}
		want_leg(&prefix, line);
	}
	pclose(f);
	qsort(want, n_want, sizeof(*want), leg_compare);
	for (size_t i = 0; i < n_want; i++)
		if (!i || leg_compare(&want[i], &want[unique - 1]))
			want[unique++] = want[i];
	n_want = unique;
}

static bool rib_has(const struct leg *leg)
{
	const struct rib_node *node = rib_find(rib, VIEW_LOCAL, &leg->prefix);
	const struct candidate *c = node ? rib_node_candidates(node) : NULL;

	while (c && !(c->attr->path == leg->path && ip_equal(&c->attr->nexthop, &leg->via)))
		c = c->next;
	return c;
}

static bool is_true(void)
{
	want_from_ip();
	if (rib_counts(rib).candidates != n_want)
		return false;
	for (size_t i = 0; i < n_want; i++)
		if (!rib_has(&want[i]))
			return false;
	return true;
}

/* The loop runs until the RIB is the kernel's table. */
static void must_be_true(const char *what)
{
	uint64_t start = now_ns(), end = start + 300000000000ULL;
	bool equal = false;

	while (!equal && now_ns() < end) {
		for (int i = 0; i < 100; i++)
			event_base_loop(base, EVLOOP_ONCE);
		equal = is_true();
	}
	if (!equal)
		fail_msg("%s: the RIB has %zu candidates, the kernel %zu, or others", what,
			 rib_counts(rib).candidates, n_want);
	print_message("%s: %zu candidates, equal after %.1f s\n", what, n_want,
		      (double)(now_ns() - start) / 1e9);
}

static void prefix_print(FILE *f, unsigned int i)
{
	if (i % 10)
		fprintf(f, "1%u.%u.%u.0/24", i >> 16, i >> 8 & 0xff, i & 0xff);
	else
		fprintf(f, "fd00:1:%x:%x::/64", i >> 16, i & 0xffff);
}

static void legs_print(FILE *f, unsigned int i, unsigned int *seed)
{
	unsigned int n = (unsigned int)rand_r(seed) % 3, host = 7 + (unsigned int)rand_r(seed) % 3;

	for (unsigned int d = 0; d < 2; d++) {
		if (n < 2 && d != n)
			continue;
		fprintf(f, n < 2 ? " via " : " nexthop via ");
		fprintf(f, i % 10 ? "10.9.%u.%u" : "fd00:%u::%u", d, host);
		fprintf(f, " dev d%u", d);
	}
}

static FILE *batch_open(void)
{
	FILE *f = popen("ip -force -batch - 2>/dev/null", "w");

	assert_non_null(f);
	return f;
}

/* It went through all, whatever was refused. */
static void batch_close(FILE *f)
{
	assert_in_range(WEXITSTATUS(pclose(f)), 0, 1);
}

static void table_load(unsigned int *seed)
{
	FILE *f = batch_open();

	for (unsigned int i = 0; i < n_routes; i++) {
		fprintf(f, "route add ");
		prefix_print(f, i);
		fprintf(f, " table %u", TABLE);
		legs_print(f, i, seed);
		fputc('\n', f);
	}
	batch_close(f);
}

static void table_change(unsigned int *seed, unsigned int changes)
{
	static const char *const verbs[] = {"add", "replace", "append", "del"};
	FILE *f = batch_open();

	while (changes--) {
		unsigned int i = (unsigned int)rand_r(seed) % (unsigned int)n_routes, kind;

		kind = (unsigned int)rand_r(seed) % 12;
		fprintf(f, "route %s ", verbs[(unsigned int)rand_r(seed) % 4]);
		if (kind == 0)
			fprintf(f, "blackhole ");
		prefix_print(f, i);
		fprintf(f, " table %u metric %u", TABLE, kind % 2 * 20);
		if (kind > 3)
			legs_print(f, i, seed);
		else if (kind == 1)
			fprintf(f, " nhid %u", i % 10 ? 3U : 6U);
		fputc('\n', f);
	}
	batch_close(f);
}

/* So that news are lost for sure. */
static void shrink_news_socket(int bytes)
{
	for (int fd = 3; fd < 256; fd++) {
		uint32_t groups[32] = {0};
		socklen_t len = sizeof(groups);

		if (!getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, groups, &len) &&
		    groups[0])
			assert_int_equal(
				setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)),
				0);
	}
}

static void feed_start(void)
{
	static const struct feed_sink sink = {
		.announce = on_announce,
		.withdraw = on_withdraw,
		.begin = on_begin,
		.end_of_rib = on_end,
		.lost = on_lost,
		.synced = on_synced,
		.log = on_log,
	};
	char error[200] = "";

	if (feed_type(FEED_RTNETLINK)->start(&feed, 0, &cfg->feeds[0], "/", base, &sink, error))
		fail_msg("%s", error);
}

static void test_full_table(void **state)
{
	const char *text = getenv("SEED"), *more = getenv("SAMEWAY_LONG");
	unsigned int seed = text ? (unsigned int)strtoul(text, NULL, 10) : (unsigned int)now_ns();
	unsigned int rounds = more && !strcmp(more, "1") ? 20 : 3;

	(void)state;
	n_routes = more && !strcmp(more, "1") ? 1000000 : 100000;
	print_message("SEED=%u\n", seed);
	table_load(&seed);
	feed_start();
	must_be_true("the table at the start");
	for (unsigned int i = 0; i < rounds; i++) {
		table_change(&seed, 3000);
		must_be_true("random changes");
	}
	shrink_news_socket(4096);
	table_change(&seed, 3000);
	must_be_true("a storm, news lost");
	assert_true(news_lost > 0);
	shrink_news_socket(8 << 20);
	sh("ip link set d1 down");
	must_be_true("a link's fall");
	sh("ip link set d1 up");
	table_change(&seed, 3000);
	must_be_true("and its return");
	sh("ip link del d0; ip link del d1");
	must_be_true("no link left");
	assert_int_equal(n_want, 0);
	assert_int_equal(losses, 0);
}

static int set_up(void **state)
{
	struct config_errors errors = {0};
	struct timeval period = {.tv_usec = 1000};

	(void)state;
	if (unshare(CLONE_NEWNET) < 0) {
		print_error("unshare: %s: run as root\n", strerror(errno));
		return -1;
	}
	assert_int_equal(config_parse(config_text, strlen(config_text), &cfg, &errors), 0);
	rib = rib_new(cfg, NULL);
	base = event_base_new();
	heartbeat = event_new(base, -1, EV_PERSIST, beat, NULL);
	event_add(heartbeat, &period);
	sh("ip link set lo up; sysctl -qw net.ipv6.conf.all.keep_addr_on_down=1 "
	   "net.ipv6.conf.default.keep_addr_on_down=1 net.ipv6.conf.default.accept_dad=0;"
	   "sysctl -qw net.ipv6.route.max_size=8000000 2>/dev/null;"
	   "for i in 0 1; do ip link add d$i type veth peer name p$i; ip addr add 10.9.$i.1/24 dev "
	   "d$i;"
	   "ip -6 addr add fd00:$i::1/64 dev d$i nodad; ip link set d$i up; ip link set p$i up; "
	   "done;"
	   "ip nexthop add id 1 via 10.9.0.7 dev d0; ip nexthop add id 2 via 10.9.1.7 dev d1;"
	   "ip nexthop add id 3 group 1/2; ip nexthop add id 4 via fd00:0::7 dev d0;"
	   "ip nexthop add id 5 via fd00:1::7 dev d1; ip nexthop add id 6 group 4/5");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (feed)
		feed_type(FEED_RTNETLINK)->stop(feed);
	event_free(heartbeat);
	event_base_free(base);
	rib_free(rib);
	config_free(cfg);
	free(want);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_full_table, set_up, tear_down)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
