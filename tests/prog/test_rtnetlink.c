/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The feed `rtnetlink` in a network namespace of its own, its table changed by ip(8). What the feed
 * has told so far must come to be what `ip -j route` says: after each kind of change, and after
 * random ones of all kinds at once. SEED=n: the run to repeat.
 */
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
#include <jansson.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define MAX_LINES   4096
#define DEADLINE_MS 10000

struct lines {
	char line[MAX_LINES][160];
	size_t n;
};

static struct event_base *base;
static struct event *heartbeat;
static struct feed *feed;
static struct config_feed cfg;
static struct lines told; /* "PREFIX#SUB CANDIDATE", one a candidate */
static struct lines have, want;
static unsigned int begins, ends, losses;
static char refuse[16];		/* the interface whose routes belong to no path */
static char gap[PREFIX_STRLEN]; /* a prefix that must never be without a candidate */
static bool had_gap;
static char log_text[1024];

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void __attribute__((format(printf, 2, 3))) lines_add(struct lines *l, const char *fmt, ...)
{
	va_list ap;

	assert_true(l->n < MAX_LINES);
	va_start(ap, fmt);
	vsnprintf(l->line[l->n++], sizeof(l->line[0]), fmt, ap);
	va_end(ap);
}

static bool lines_remove(struct lines *l, const char *start)
{
	for (size_t i = 0; i < l->n; i++) {
		if (strncmp(l->line[i], start, strlen(start)))
			continue;
		l->n--;
		if (i != l->n)
			memcpy(l->line[i], l->line[l->n], sizeof(l->line[0]));
		return true;
	}
	return false;
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static enum rib_result on_announce(void *arg, feed_id id, const struct route *r)
{
	char start[80], prefix[PREFIX_STRLEN], ip[IP_STRLEN];

	(void)arg;
	(void)id;
	assert_true(r->sub > 0);
	if (refuse[0] && !strcmp(r->interface, refuse))
		return RIB_UNKNOWN_PATH;
	snprintf(start, sizeof(start), "%s#%u ", prefix_format(&r->prefix, prefix), r->sub);
	lines_remove(&told, start);
	lines_add(&told, "%s%s via %s dev %s place %u", start, prefix,
		  r->nexthop.family ? ip_format(&r->nexthop, ip) : "-", r->interface,
		  r->has_local_pref ? 100 - r->local_pref : 0);
	return RIB_OK;
}

static size_t on_withdraw(void *arg, feed_id id, const struct route *r, bool by_sub)
{
	char start[80], prefix[PREFIX_STRLEN];

	(void)arg;
	(void)id;
	assert_true(by_sub);
	snprintf(start, sizeof(start), "%s#%u ", prefix_format(&r->prefix, prefix), r->sub);
	assert_true(lines_remove(&told, start)); /* it was told */
	snprintf(start, sizeof(start), "%s#", prefix);
	if (gap[0] && !strcmp(prefix, gap)) {
		had_gap = true;
		for (size_t i = 0; i < told.n; i++)
			had_gap &= strncmp(told.line[i], start, strlen(start)) != 0;
	}
	return 1;
}

static void on_begin(void *arg, feed_id id, uint16_t source)
{
	(void)arg;
	(void)id;
	assert_int_equal(source, 0);
	begins++;
}

static void on_end(void *arg, feed_id id, uint16_t source)
{
	(void)arg;
	(void)id;
	assert_int_equal(source, 0);
	ends++;
}

static void on_lost(void *arg, feed_id id, uint16_t source)
{
	(void)arg;
	(void)id;
	assert_int_equal(source, 0);
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
	snprintf(log_text, sizeof(log_text), "%s", text);
}

static void beat(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

__attribute__((format(printf, 1, 2))) static void sh(const char *format, ...)
{
	char command[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command))
		fail_msg("failed: %s", command);
}

/* The oracle: candidates of what ip(8) says. */

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static bool has_flag(const json_t *o, const char *flag)
{
	const json_t *flags = json_object_get(o, "flags"), *v;
	size_t i;

	json_array_foreach (flags, i, v)
		if (!strcmp(json_string_value(v), flag))
			return true;
	return false;
}

/*
 * Of IPv6 the kernel may keep a route without gateway between the legs of another of its metric:
 * neither its dump nor its flush sees it there. So it may come to light long after its interface
 * went down, and is no way.
 */
static bool is_up(const char *dev)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = {0};
	bool up;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", dev);
	up = !ioctl(fd, SIOCGIFFLAGS, &ifr) && ifr.ifr_flags & IFF_UP;
	close(fd);
	return up;
}

static bool want_leg(const json_t *leg, const char *prefix, unsigned int place)
{
	const char *gateway = text_of(leg, "gateway");
	char line[160], start[120];

	if (!gateway[0])
		gateway = text_of(json_object_get(leg, "via"), "host");
	if (!text_of(leg, "dev")[0] || has_flag(leg, "dead") || !is_up(text_of(leg, "dev")))
		return false;
	snprintf(start, sizeof(start), "%s via %s dev %s ", prefix, gateway[0] ? gateway : "-",
		 text_of(leg, "dev"));
	for (size_t i = 0; i < want.n; i++)
		if (!strncmp(want.line[i], start, strlen(start)))
			return false;
	snprintf(line, sizeof(line), "%splace %u", start, place);
	lines_add(&want, "%s", line);
	return true;
}

static void want_prefix(const char *dst, int family, char prefix[PREFIX_STRLEN])
{
	struct prefix p;

	if (!strcmp(dst, "default"))
		dst = family == 4 ? "0.0.0.0/0" : "::/0";
	assert_int_equal(prefix_parse(dst, &p, NULL), 0);
	prefix_format(&p, prefix);
}

static long metric_of(const json_t *route)
{
	return (long)json_integer_value(json_object_get(route, "metric"));
}

/* By the feed's `protocol`, of the three that the story writes. */
static bool is_taken(const json_t *route)
{
	const char *protocol = text_of(route, "protocol");

	return config_takes_protocol(&cfg, !strcmp(protocol, "bird")  ? RTPROT_BIRD
					   : !strcmp(protocol, "bgp") ? RTPROT_BGP
								      : RTPROT_BOOT);
}

/* Routes of the prefix of routes[at] in order: the metric, then as listed. */
static void want_routes(const json_t *routes, size_t at, int family)
{
	const char *dst = text_of(json_array_get(routes, at), "dst");
	char prefix[PREFIX_STRLEN];
	unsigned int place = 0;
	long metric = -1;

	for (size_t i = 0; i < at; i++)
		if (!strcmp(text_of(json_array_get(routes, i), "dst"), dst))
			return;
	want_prefix(dst, family, prefix);
	if (!strncmp(prefix, "fe80:", 5) || !strncmp(prefix, "ff00:", 5))
		return;
	for (;;) {
		long next = -1;

		for (size_t i = at; i < json_array_size(routes); i++) {
			const json_t *r = json_array_get(routes, i), *legs, *leg;
			bool any = false;
			size_t k;

			if (strcmp(text_of(r, "dst"), dst))
				continue;
			if (metric_of(r) > metric && (next < 0 || metric_of(r) < next))
				next = metric_of(r);
			if (metric_of(r) != metric || text_of(r, "tos")[0] || !is_taken(r))
				continue;
			if (text_of(r, "type")[0] && strcmp(text_of(r, "type"), "unicast"))
				continue;
			legs = json_object_get(r, "nexthops");
			if (!legs)
				any = want_leg(r, prefix, place);
			json_array_foreach (legs, k, leg)
				any |= want_leg(leg, prefix, place);
			place += any;
		}
		if (next < 0)
			return;
		metric = next;
	}
}

static void want_from_ip(int family)
{
	char command[96], text[1 << 18];
	json_error_t error;
	json_t *routes;
	size_t n;
	FILE *f;

	snprintf(command, sizeof(command), "ip -j -%d route show table %u 2>&-", family, cfg.table);
	f = popen(command, "r");
	assert_non_null(f);
	n = fread(text, 1, sizeof(text), f);
	assert_true(n < sizeof(text));
	pclose(f);
	if (!n || !memchr(text, ']', n)) /* no such table */
		return;
	routes = json_loadb(text, n, 0, &error);
	assert_non_null(routes);
	for (size_t i = 0; i < json_array_size(routes); i++)
		want_routes(routes, i, family);
	json_decref(routes);
}

static bool is_true(void)
{
	want.n = 0;
	want_from_ip(4);
	want_from_ip(6);
	have.n = 0;
	for (size_t i = 0; i < told.n; i++)
		lines_add(&have, "%s", strchr(told.line[i], ' ') + 1);
	qsort(have.line, have.n, sizeof(have.line[0]), compare);
	qsort(want.line, want.n, sizeof(want.line[0]), compare);
	if (have.n != want.n)
		return false;
	for (size_t i = 0; i < have.n; i++)
		if (strcmp(have.line[i], want.line[i]))
			return false;
	return true;
}

static void turns(uint64_t ms)
{
	uint64_t end = now_ms() + ms;

	do
		event_base_loop(base, EVLOOP_ONCE);
	while (now_ms() < end);
}

static void must_be_true(const char *what)
{
	uint64_t end = now_ms() + DEADLINE_MS;

	turns(5);
	while (!is_true() && now_ms() < end)
		turns(20);
	if (is_true())
		return;
	for (size_t i = 0; i < want.n; i++)
		if (!bsearch(want.line[i], have.line, have.n, sizeof(have.line[0]), compare))
			print_error("missing: %s\n", want.line[i]);
	for (size_t i = 0; i < have.n; i++)
		if (!bsearch(have.line[i], want.line, want.n, sizeof(want.line[0]), compare))
			print_error("too much: %s\n", have.line[i]);
	fail_msg("not what ip route says after %s", what);
}

static void then_true(const char *commands)
{
	sh("%s", commands);
	must_be_true(commands);
}

static bool has(const char *candidate)
{
	for (size_t i = 0; i < told.n; i++)
		if (!strcmp(strchr(told.line[i], ' ') + 1, candidate))
			return true;
	return false;
}

static void must_have(const char *candidate, bool there)
{
	uint64_t end = now_ms() + DEADLINE_MS;

	while (has(candidate) != there && now_ms() < end)
		turns(5);
	assert_int_equal(has(candidate), there);
}

static void start_feed_of(const struct config_feed *wanted)
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

	cfg = *wanted;
	if (feed_type(FEED_RTNETLINK)->start(&feed, 0, &cfg, "/", base, &sink, error))
		fail_msg("%s", error);
	must_be_true("the start");
	assert_int_equal(begins, 1);
	assert_int_equal(ends, 1);
}

static void start_feed(uint32_t table)
{
	start_feed_of(&(struct config_feed){.name = "k", .type = FEED_RTNETLINK, .table = table});
}

static int set_up(void **state)
{
	struct timeval period = {.tv_usec = 1000};

	(void)state;
	if (unshare(CLONE_NEWNET) < 0) {
		print_error("unshare: %s: run as root\n", strerror(errno));
		return -1;
	}
	told.n = begins = ends = losses = 0;
	refuse[0] = gap[0] = log_text[0] = '\0';
	had_gap = false;
	base = event_base_new();
	heartbeat = event_new(base, -1, EV_PERSIST, beat, NULL);
	event_add(heartbeat, &period);
	sh("ip link set lo up; sysctl -qw net.ipv6.conf.all.keep_addr_on_down=1 "
	   "net.ipv6.conf.default.keep_addr_on_down=1 net.ipv6.conf.default.accept_dad=0 "
	   "net.ipv6.conf.all.accept_dad=0");
	for (int i = 0; i < 3; i++)
		sh("ip link add d%d type veth peer name p%d; ip addr add 10.9.%d.1/24 dev d%d;"
		   "ip addr add 10.9.%d.2/32 dev d%d;"
		   "ip -6 addr add fd00:%d::1/64 dev d%d nodad;"
		   "ip link set d%d up; ip link set p%d up",
		   i, i, i, i, i, i, i, i, i, i);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (feed)
		feed_type(FEED_RTNETLINK)->stop(feed);
	feed = NULL;
	event_free(heartbeat);
	event_base_free(base);
	return 0;
}

/* Tests. */

static void single_routes(void **state)
{
	struct feed_status st;

	(void)state;
	sh("ip route add 10.1.0.0/16 via 10.9.0.9");
	start_feed(254);
	assert_true(has("10.1.0.0/16 via 10.9.0.9 dev d0 place 0"));
	assert_true(has("10.9.0.0/24 via - dev d0 place 0"));
	snprintf(gap, sizeof(gap), "10.1.0.0/16");
	then_true("ip route replace 10.1.0.0/16 via 10.9.1.9");
	assert_true(has("10.1.0.0/16 via 10.9.1.9 dev d1 place 0"));
	assert_false(had_gap);
	then_true("ip route add 10.1.0.0/16 via 10.9.2.9 metric 20");
	assert_true(has("10.1.0.0/16 via 10.9.2.9 dev d2 place 1"));
	then_true("ip route add 10.1.0.0/16 via 10.9.0.9 metric 10");
	assert_true(has("10.1.0.0/16 via 10.9.2.9 dev d2 place 2"));
	then_true("ip route append 10.1.0.0/16 via 10.9.0.8 metric 10");
	then_true("ip route prepend 10.1.0.0/16 via 10.9.0.7 metric 10");
	assert_false(had_gap);
	gap[0] = '\0';
	then_true("ip route del 10.1.0.0/16 via 10.9.1.9");
	then_true("ip route flush 10.1.0.0/16");
	then_true("ip route add default via 10.9.0.9; ip -6 route add default via fd00:1::9");
	then_true("ip -6 route add fd00:a::/48 via fd00:0::9");
	then_true("ip -6 route replace fd00:a::/48 via fe80::9 dev d1");
	assert_true(has("fd00:a::/48 via fe80::9 dev d1 place 0"));
	then_true("ip -6 route del fd00:a::/48");
	then_true("ip route add 10.2.0.0/16 via inet6 fe80::9 dev d2");
	assert_true(has("10.2.0.0/16 via fe80::9 dev d2 place 0"));
	then_true("ip route add 10.3.0.0/16 via 10.9.0.9 tos 0x10");
	feed_type(FEED_RTNETLINK)->status(feed, &st);
	assert_int_equal(st.state, FEED_UP);
	assert_false(st.sees_all);
	assert_true(st.updates > 10);
	assert_int_equal(st.errors, 0);
	assert_int_equal(begins, 1);
}

static void no_candidates(void **state)
{
	(void)state;
	start_feed(254);
	then_true("ip route add blackhole 10.1.0.0/16; ip route add unreachable 10.2.0.0/16;"
		  "ip route add prohibit 10.3.0.0/16; ip -6 route add blackhole fd00:a::/48");
	assert_false(has("10.1.0.0/16 via - dev lo place 0"));
	then_true("ip route add 10.4.0.0/16 via 10.9.0.9");
	assert_true(has("10.4.0.0/16 via 10.9.0.9 dev d0 place 0"));
	then_true("ip route replace blackhole 10.4.0.0/16");
	assert_false(has("10.4.0.0/16 via 10.9.0.9 dev d0 place 0"));
	then_true("ip route replace 10.4.0.0/16 via 10.9.1.9");
	assert_true(has("10.4.0.0/16 via 10.9.1.9 dev d1 place 0"));
	then_true("ip route add 10.5.0.0/16 via 10.9.0.9 table 100");
	assert_false(has("10.5.0.0/16 via 10.9.0.9 dev d0 place 0"));
}

static void other_tables(void **state)
{
	(void)state;
	start_feed(1000); /* more than a byte, and not there yet */
	then_true("ip route add 10.5.0.0/16 via 10.9.0.9 table 1000;"
		  "ip -6 route add fd00:a::/48 via fd00:0::9 table 1000;"
		  "ip route add 10.6.0.0/16 via 10.9.0.9");
	assert_int_equal(told.n, 2);
	then_true("ip route flush table 1000; ip -6 route flush table 1000");
	assert_int_equal(told.n, 0);
}

static void multipath(void **state)
{
	(void)state;
	start_feed(254);
	then_true("ip route add 10.1.0.0/16 nexthop via 10.9.0.9 nexthop via 10.9.1.9");
	assert_true(has("10.1.0.0/16 via 10.9.0.9 dev d0 place 0"));
	assert_true(has("10.1.0.0/16 via 10.9.1.9 dev d1 place 0"));
	then_true("ip route replace 10.1.0.0/16 nexthop via 10.9.0.9 weight 3 nexthop dev d2");
	then_true("ip route replace 10.1.0.0/16 via 10.9.2.9");
	then_true("ip -6 route add fd00:a::/48 nexthop via fd00:0::9 nexthop via fd00:1::9");
	then_true("ip -6 route append fd00:a::/48 via fd00:2::9");
	assert_true(has("fd00:a::/48 via fd00:2::9 dev d2 place 0"));
	then_true("ip -6 route del fd00:a::/48 via fd00:1::9");
	assert_false(has("fd00:a::/48 via fd00:1::9 dev d1 place 0"));
	then_true("ip -6 route replace fd00:a::/48 via fd00:1::9");
	then_true("ip -6 route add fd00:a::/48 via fd00:2::9 metric 2048");
	then_true("ip -6 route del fd00:a::/48 metric 1024");
	then_true("ip -6 route add fd00:b::/48 dev d0; ip -6 route append fd00:b::/48 dev d1");
	then_true("ip -6 route del fd00:b::/48 dev d0");
}

static void nexthop_objects(void **state)
{
	(void)state;
	sh("ip nexthop add id 1 via 10.9.0.9 dev d0; ip nexthop add id 2 via 10.9.1.9 dev d1;"
	   "ip nexthop add id 10 group 1/2; ip route add 10.1.0.0/16 nhid 10");
	start_feed(254);
	assert_true(has("10.1.0.0/16 via 10.9.1.9 dev d1 place 0"));
	then_true("ip route add 10.2.0.0/16 nhid 1");
	then_true("ip nexthop replace id 1 via 10.9.2.9 dev d2");
	assert_true(has("10.1.0.0/16 via 10.9.2.9 dev d2 place 0"));
	assert_true(has("10.2.0.0/16 via 10.9.2.9 dev d2 place 0"));
	then_true("ip nexthop replace id 10 group 2");
	assert_false(has("10.1.0.0/16 via 10.9.2.9 dev d2 place 0"));
	then_true("ip nexthop add id 20 via fd00:0::9 dev d0; ip nexthop add id 21 via fd00:1::9 "
		  "dev d1; ip nexthop add id 30 group 20/21; ip -6 route add fd00:a::/48 nhid 30");
	then_true("ip nexthop del id 20");
	assert_true(has("fd00:a::/48 via fd00:1::9 dev d1 place 0"));
	then_true("ip nexthop add id 3 blackhole; ip route add 10.3.0.0/16 nhid 3");
	then_true("ip nexthop del id 1"); /* takes 10.2/16 along */
	assert_false(has("10.2.0.0/16 via 10.9.2.9 dev d2 place 0"));
	then_true("ip nexthop add id 1 via 10.9.0.9 dev d0");
	assert_false(has("10.2.0.0/16 via 10.9.0.9 dev d0 place 0"));
	/* the objects alone, as the kernel then tells routes */
	sh("sysctl -qw net.ipv4.nexthop_compat_mode=0");
	sh("ip route add 10.4.0.0/16 nhid 1");
	must_have("10.4.0.0/16 via 10.9.0.9 dev d0 place 0", true);
	sh("ip nexthop replace id 1 via 10.9.1.8 dev d1");
	must_have("10.4.0.0/16 via 10.9.1.8 dev d1 place 0", true);
}

/* The kernel's silent flushes. */
static void links_that_fall(void **state)
{
	(void)state;
	sh("ip route add 10.1.0.0/16 via 10.9.0.9; ip route add 10.2.0.0/16 nexthop via 10.9.0.9 "
	   "nexthop via 10.9.1.9; ip -6 route add fd00:a::/48 via fd00:0::9;"
	   "ip route add 10.3.0.0/16 via 10.9.1.9 src 10.9.1.2;"
	   "ip nexthop add id 1 via 10.9.0.9 dev d0; ip route add 10.4.0.0/16 nhid 1");
	start_feed(254);
	then_true("ip link set d0 down");
	assert_false(has("10.1.0.0/16 via 10.9.0.9 dev d0 place 0"));
	assert_false(has("10.2.0.0/16 via 10.9.0.9 dev d0 place 0"));
	assert_true(has("10.2.0.0/16 via 10.9.1.9 dev d1 place 0"));
	assert_false(has("10.4.0.0/16 via 10.9.0.9 dev d0 place 0"));
	then_true("ip link set d0 up; ip route add 10.1.0.0/16 via 10.9.0.9");
	assert_true(has("10.1.0.0/16 via 10.9.0.9 dev d0 place 0"));
	then_true("ip link set p0 down"); /* carrier: the route stays */
	assert_true(has("10.1.0.0/16 via 10.9.0.9 dev d0 place 0"));
	then_true("ip link set p0 up");
	then_true("ip addr del 10.9.1.2/32 dev d1"); /* a route's source */
	assert_false(has("10.3.0.0/16 via 10.9.1.9 dev d1 place 0"));
	then_true("ip link set d0 down; ip link set d0 name e0; ip link set e0 up;"
		  "ip route add 10.1.0.0/16 via 10.9.0.9");
	assert_true(has("10.1.0.0/16 via 10.9.0.9 dev e0 place 0"));
	then_true("ip link del e0");
	assert_false(has("10.1.0.0/16 via 10.9.0.9 dev e0 place 0"));
	assert_int_equal(begins, 1);
	assert_int_equal(losses, 0);
}

static void refused_are_told_once(void **state)
{
	struct feed_status st;

	(void)state;
	start_feed(254);
	sh("ip route add 10.8.0.0/16 via 10.9.0.9");
	must_be_true("a route");
	snprintf(refuse, sizeof(refuse), "d2");
	sh("ip route add 10.1.0.0/16 via 10.9.2.9; ip route add 10.2.0.0/16 dev d2;"
	   "ip link set d1 down");
	must_have("10.9.1.0/24 via - dev d1 place 0", false);
	sh("ip link set d1 up; ip route del 10.8.0.0/16");
	must_have("10.8.0.0/16 via 10.9.0.9 dev d0 place 0", false);
	assert_false(has("10.1.0.0/16 via 10.9.2.9 dev d2 place 0"));
	feed_type(FEED_RTNETLINK)->status(feed, &st);
	assert_int_equal(st.errors, 1); /* the one with a next hop, once for all dumps */
	assert_string_equal(st.last_error,
			    "unknown-path: 10.1.0.0/16 via 10.9.2.9 dev d2 belongs to no path: add "
			    "the next hop to a path's `peers` if it is one");
	refuse[0] = '\0'; /* it belongs to one now: the next dump tells it */
	sh("ip link set p0 down");
	must_be_true("refused no more");
}

static unsigned int seed_of_run(void)
{
	const char *text = getenv("SEED");

	return text ? (unsigned int)strtoul(text, NULL, 10) : (unsigned int)now_ms();
}

static void random_legs(FILE *f, unsigned int *seed, bool is6)
{
	int n = rand_r(seed) % 4, host = rand_r(seed) % 3 + 7;

	for (int i = 0; i < 3; i++) {
		if (n < 3 && i != n)
			continue;
		fprintf(f, n < 3 ? " via " : " nexthop via ");
		fprintf(f, is6 ? "fd00:%d::%d" : "10.9.%d.%d", i, host);
	}
}

static void random_route(FILE *f, unsigned int *seed)
{
	static const char *const verbs[] = {"add",     "replace", "replace", "append",
					    "prepend", "del",	  "del",     "change"};
	const char *verb = verbs[(unsigned int)rand_r(seed) % 8];
	bool is6 = rand_r(seed) % 2;
	int prefix = rand_r(seed) % 6, metric = rand_r(seed) % 3, kind = rand_r(seed) % 12;

	fprintf(f, "route %s ", verb); /* a batch has no -6: the family is the prefix's */
	if (kind == 0)
		fprintf(f, "blackhole ");
	fprintf(f, is6 ? "fd00:a%d::/48" : "10.%d.0.0/16", prefix);
	/* ip(8) ends the batch at anything behind the legs */
	if (metric)
		fprintf(f, " metric %d", metric * 10);
	if (kind == 3 && !is6)
		fprintf(f, " tos 0x10");
	if (rand_r(seed) % 3)
		fprintf(f, " proto %s", rand_r(seed) % 2 ? "bird" : "bgp");
	if (kind == 1)
		fprintf(f, " nhid %d", (is6 ? 20 : 1) + rand_r(seed) % 4);
	else if (kind == 2)
		fprintf(f, " dev d%d", rand_r(seed) % 3);
	else if (kind > 2)
		random_legs(f, seed, is6);
	fprintf(f, "\n");
}

static void random_other(FILE *f, unsigned int *seed)
{
	int i = rand_r(seed) % 3;

	switch (rand_r(seed) % 10) {
	case 0:
		fprintf(f, "link set d%d down\n", i);
		break;
	case 1:
	case 2:
		fprintf(f, "link set d%d up\n", i);
		break;
	case 3:
		fprintf(f, "link set p%d %s\n", i, rand_r(seed) % 2 ? "down" : "up");
		break;
	case 4:
		fprintf(f, "nexthop del id %d\n", i + 1);
		break;
	case 5:
	case 6:
		fprintf(f, "nexthop replace id %d via 10.9.%d.%d dev d%d\n", i + 1, i,
			rand_r(seed) % 3 + 7, i);
		fprintf(f, "nexthop replace id 4 group 1/%d\n", i % 2 + 2);
		break;
	case 7:
	case 8:
		fprintf(f, "nexthop replace id %d via fd00:%d::%d dev d%d\n", i + 20, i,
			rand_r(seed) % 3 + 7, i);
		fprintf(f, "nexthop replace id 23 group 20/%d\n", i % 2 + 21);
		break;
	case 9:
		fprintf(f, "addr %s 10.9.%d.2/32 dev d%d\n", rand_r(seed) % 2 ? "add" : "del", i,
			i);
		break;
	}
}

static void random_rounds(unsigned int rounds, int changes)
{
	unsigned int seed = seed_of_run();

	print_message("SEED=%u\n", seed);
	for (unsigned int round = 0; round < rounds; round++) {
		FILE *f = popen("ip -force -batch - 2>/dev/null", "w");
		char what[64];

		assert_non_null(f);
		for (int i = rand_r(&seed) % changes; i >= 0; i--) {
			if (rand_r(&seed) % 5)
				random_route(f, &seed);
			else
				random_other(f, &seed);
		}
		/* 1: it went through all, and something was refused; else a line ended it */
		assert_in_range(WEXITSTATUS(pclose(f)), 0, 1);
		snprintf(what, sizeof(what), "random round %u", round);
		must_be_true(what);
	}
}

static void random_changes(void **state)
{
	const char *more = getenv("SAMEWAY_LONG");

	(void)state;
	start_feed(254);
	random_rounds(more && !strcmp(more, "1") ? 2000 : 100, 40);
	assert_int_equal(begins, 1);
}

/* A filter by protocol, in the same story: what others write beside and in place of ours. */
static void by_protocol(void **state)
{
	struct config_feed bird = {
		.name = "k", .type = FEED_RTNETLINK, .table = 254, .protocols = {1 << RTPROT_BIRD}};
	struct feed_status st;

	(void)state;
	start_feed_of(&bird);
	then_true("ip route add 10.1.0.0/16 via 10.9.0.9 proto bird;"
		  "ip route add 10.2.0.0/16 via 10.9.0.9 proto bgp;"
		  "ip route add blackhole 10.3.0.0/16 proto bird;"
		  "ip route add blackhole 10.4.0.0/16 proto bgp");
	assert_true(has("10.1.0.0/16 via 10.9.0.9 dev d0 place 0"));
	assert_int_equal(told.n, 1);
	feed_type(FEED_RTNETLINK)->status(feed, &st);
	assert_int_equal(st.no_way, 1);
	then_true("ip route replace 10.1.0.0/16 via 10.9.0.9 proto bgp; ip route del 10.3.0.0/16");
	assert_int_equal(told.n, 0);
	then_true("ip route replace 10.1.0.0/16 via 10.9.0.9 proto bird");
	assert_int_equal(told.n, 1);
	feed_type(FEED_RTNETLINK)->status(feed, &st);
	assert_int_equal(st.no_way, 0);
	random_rounds(40, 40);
	assert_int_equal(begins, 1);
}

/* Makes the receive buffers of our group sockets tiny. */
static void shrink_news_socket(void)
{
	int found = 0;

	for (int fd = 3; fd < 256; fd++) {
		uint32_t groups[32] = {0};
		int domain = 0, bytes = 1;
		socklen_t len = sizeof(domain);

		if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 ||
		    domain != AF_NETLINK)
			continue;
		len = sizeof(groups);
		if (getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, groups, &len) < 0 ||
		    !groups[0])
			continue;
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)), 0);
		found++;
	}
	assert_int_equal(found, 1);
}

static void lost_news(void **state)
{
	(void)state;
	start_feed(254);
	shrink_news_socket();
	then_true("ip route add 10.77.0.0/16 dev lo");
	snprintf(gap, sizeof(gap), "10.77.0.0/16");
	random_rounds(5, 400);
	assert_false(had_gap);
	assert_true(has("10.77.0.0/16 via - dev lo place 0"));
	assert_non_null(strstr(log_text, "news of the kernel are lost"));
	assert_int_equal(begins, 1);
	assert_int_equal(losses, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(single_routes),   T(no_candidates),	T(other_tables),	  T(multipath),
		T(nexthop_objects), T(links_that_fall), T(refused_are_told_once), T(random_changes),
		T(by_protocol),	    T(lost_news),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
