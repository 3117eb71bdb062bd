/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The feed `rtnetlink`: one route table of the kernel, followed by netlink. Sockets, dumps, and
 * when to dump again; what the messages mean is in rtnetlink_image.c.
 *
 * The kernel tells of most changes, not of all: a link's fall, a deleted address or nexthop object
 * take routes along without a word. So all of these begin a new dump; it makes a new image beside
 * the one that stands, and only what differs is told: no gap. A dump that was interrupted, or
 * failed, changes nothing. What waits in the queue before a dump is older than it and thrown away.
 *
 * Links are dumped first: that takes the kernel's big lock, which some route dumps no longer do. So
 * whatever made us ask (a link is told down before its routes are flushed) is over by then.
 *
 * Routes of sameway's own (kernel forwarding) are left out, by their protocol.
 */
#include "feed/report.h"
#include "feed/rtnetlink.h"

#include <errno.h>
#include <event2/event.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define NEWS_BUFFER_BYTES (8 << 20)
#define READS_A_WAKEUP	  64 /* then the loop's other events have their turn */
#define DUMP_TRIES	  10 /* a dump that changes interrupt is begun again */
#define PAUSE_MS	  50 /* at least, between two dumps; and as long as the last one took */
#define RETRY_MS	  200

extern const struct feed_type feed_type_rtnetlink;

struct feed {
	struct feed_report report;
	const struct config_feed *cfg;
	struct rtnl_image *image;
	struct mnl_socket *news;
	struct event *readable, *dump;
	uint64_t not_before_ms; /* the next dump */
	uint32_t seq;
	bool lost;	 /* the dumps fail: what the RIB has is stale */
	bool incomplete; /* the RIB could not take a route */
	struct rtnl_route route;
	struct rtnl_nexthop nexthop;
	char buf[32 * 1024];
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void dump_in(struct feed *f, uint64_t ms)
{
	struct timeval tv = {.tv_sec = (time_t)(ms / 1000),
			     .tv_usec = (suseconds_t)(ms % 1000 * 1000)};

	if (!event_pending(f->dump, EV_TIMEOUT, NULL))
		evtimer_add(f->dump, &tv);
}

static void dump_soon(struct feed *f)
{
	uint64_t now = now_ms();

	dump_in(f, f->not_before_ms > now ? f->not_before_ms - now : 0);
}

/* To the RIB. */

static const char *leg_text(const struct rtnl_candidate *c, char *buf, size_t size)
{
	char ip[IP_STRLEN];

	if (c->via.family)
		snprintf(buf, size, "via %s dev %s", ip_format(&c->via, ip), c->interface);
	else
		snprintf(buf, size, "dev %s", c->interface);
	return buf;
}

/*
 * The ladder knows no metric: the route that the kernel uses has no local preference (100), the
 * next by metric 99, and so on. A connected network on a link of no path is no mistake, a next hop
 * that belongs to no path is told once.
 */
static enum rib_result on_announce(void *arg, const struct prefix *prefix,
				   const struct rtnl_candidate *c, bool again)
{
	struct feed *f = arg;
	struct route route = {
		.view = VIEW_LOCAL,
		.prefix = *prefix,
		.nexthop = c->via,
		.sub = c->sub,
		.has_local_pref = c->place > 0,
		.local_pref = c->place < 100 ? 100 - c->place : 0,
	};
	char text[PREFIX_STRLEN], leg[IP_STRLEN + 32];
	enum rib_result result;

	memcpy(route.interface, c->interface, sizeof(route.interface));
	result = f->report.sink.announce(f->report.sink.arg, f->report.id, &route);
	if (result == RIB_NO_MEMORY)
		f->incomplete = true;
	if (result == RIB_UNKNOWN_PATH && c->via.family && !again)
		feed_refuse(&f->report, FEED_UNKNOWN_PATH,
			    "unknown-path: %s %s belongs to no path: add the next hop to a path's "
			    "`peers` if it is one",
			    prefix_format(prefix, text), leg_text(c, leg, sizeof(leg)));
	return result;
}

static void on_withdraw(void *arg, const struct prefix *prefix, uint32_t sub)
{
	struct route route = {.view = VIEW_LOCAL, .prefix = *prefix, .sub = sub};
	struct feed *f = arg;

	feed_withdraw(&f->report, &route, true);
}

/* Messages, of a dump and of the news alike. */

static int take_route(struct feed *f, const struct nlmsghdr *nlh)
{
	int err = rtnl_parse_route(nlh, &f->route);

	if (err || f->route.table != f->cfg->table)
		return err;
	f->report.status.updates++;
	return rtnl_image_route(f->image, &f->route);
}

static int take_nexthop(struct feed *f, const struct nlmsghdr *nlh)
{
	int err = rtnl_parse_nexthop(nlh, &f->nexthop);

	return err ? err : rtnl_image_nexthop(f->image, &f->nexthop);
}

static int take_link(struct feed *f, const struct nlmsghdr *nlh)
{
	struct rtnl_link link;
	int err = rtnl_parse_link(nlh, &link);

	return err ? err : rtnl_image_link(f->image, &link);
}

static int take(struct feed *f, const struct nlmsghdr *nlh)
{
	switch (nlh->nlmsg_type) {
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return take_route(f, nlh);
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
		return take_nexthop(f, nlh);
	case RTM_NEWLINK:
		return take_link(f, nlh);
	case RTM_DELLINK:
	case RTM_DELADDR:
		return RTNL_UNCLEAR;
	}
	return 0;
}

/* 0, RTNL_UNCLEAR, or -ENOMEM; what is malformed is counted and left out. */
static int message(struct feed *f, const struct nlmsghdr *nlh)
{
	int err = take(f, nlh);

	if (err == -EINVAL)
		feed_error(&f->report,
			   "netlink message of type %u is malformed: report the kernel's version",
			   nlh->nlmsg_type);
	return err == -EINVAL || err == -ENOENT ? 0 : err;
}

/* Dumps. */

static struct mnl_socket *socket_open(void)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (socket && mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		int err = errno;

		mnl_socket_close(socket);
		errno = err;
		return NULL;
	}
	return socket;
}

/* How a dump ended: nothing to dump is no error. */
static int dump_end(int err, bool interrupted)
{
	if (err == -ENOENT || err == -EAFNOSUPPORT || err == -EOPNOTSUPP)
		err = 0;
	return !err && interrupted ? -EINTR : err;
}

/* The messages of one read. 1: more will come, 0: that was all, or -errno. */
static int dump_part(struct feed *f, size_t n, bool *interrupted)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)f->buf;
	int left = (int)n, err = 0;

	feed_heard(&f->report);
	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_seq != f->seq)
			continue;
		*interrupted |= nlh->nlmsg_flags & NLM_F_DUMP_INTR;
		if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE) {
			if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(err))
				memcpy(&err, mnl_nlmsg_get_payload(nlh), sizeof(err));
			return dump_end(err, *interrupted);
		}
		err = message(f, nlh);
		if (err < 0)
			return err;
	}
	return 1;
}

static int dump_read(struct feed *f, struct mnl_socket *socket)
{
	bool interrupted = false;
	int more = 1;

	while (more > 0) {
		ssize_t n = mnl_socket_recvfrom(socket, f->buf, sizeof(f->buf));

		if (n < 0)
			return -errno;
		more = dump_part(f, (size_t)n, &interrupted);
	}
	return more;
}

/* Netlink works a request off in the sender's context: no read of its answer ever waits. */
static int dump_one(struct feed *f, struct mnl_socket *socket, uint16_t type, uint8_t family)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(f->buf);
	struct rtmsg *rtm;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = ++f->seq;
	if (type == RTM_GETLINK) {
		mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	} else if (type == RTM_GETNEXTHOP) {
		mnl_nlmsg_put_extra_header(nlh, sizeof(struct nhmsg));
	} else {
		rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
		rtm->rtm_family = family;
		mnl_attr_put_u32(nlh, RTA_TABLE, f->cfg->table);
	}
	if (mnl_socket_sendto(socket, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	return dump_read(f, socket);
}

/* 0, -EINTR: changes interrupted it, or -errno. A socket of its own: no answer of an earlier try.
 */
static int dump_all(struct feed *f)
{
	static const struct {
		uint16_t type;
		uint8_t family;
	} dumps[] = {{RTM_GETLINK, AF_UNSPEC},
		     {RTM_GETNEXTHOP, AF_UNSPEC},
		     {RTM_GETROUTE, AF_INET},
		     {RTM_GETROUTE, AF_INET6}};
	struct mnl_socket *socket = socket_open();
	int one = 1, err = 0;

	if (!socket)
		return -errno;
	/* the kernel then dumps the one table only */
	if (mnl_socket_setsockopt(socket, NETLINK_GET_STRICT_CHK, &one, sizeof(one)) < 0)
		err = -errno;
	rtnl_image_load(f->image);
	for (size_t i = 0; i < sizeof(dumps) / sizeof(dumps[0]) && !err; i++)
		err = dump_one(f, socket, dumps[i].type, dumps[i].family);
	mnl_socket_close(socket);
	if (err)
		rtnl_image_abort(f->image);
	return err;
}

static void drain(struct feed *f)
{
	while (mnl_socket_recvfrom(f->news, f->buf, sizeof(f->buf)) >= 0 || errno == ENOBUFS ||
	       errno == ENOSPC || errno == EINTR)
		;
}

static void dump_failed(struct feed *f, int err)
{
	feed_warn(&f->report, "route table %u can't be read: %s: %s", f->cfg->table, strerror(-err),
		  "what was read last is kept, it is tried again");
	if (err != -EINTR && f->report.status.state == FEED_UP) {
		f->report.status.state = FEED_STALE;
		f->lost = true;
		f->report.sink.lost(f->report.sink.arg, f->report.id, 0);
	}
	dump_in(f, RETRY_MS);
}

/* The new image is whole: the first, and the first after a loss, are a new table to the RIB. */
static void dump_done(struct feed *f)
{
	bool whole = f->report.status.state != FEED_UP || f->lost || f->incomplete;
	int err;

	f->incomplete = false;
	if (whole)
		f->report.sink.begin(f->report.sink.arg, f->report.id, 0);
	err = rtnl_image_commit(f->image, whole);
	if (err || f->incomplete) {
		f->incomplete = true;
		feed_refuse(&f->report, FEED_MEMORY, "out of memory: give this machine more");
		dump_in(f, RETRY_MS);
	}
	if (err)
		return;
	f->report.status.state = FEED_UP;
	f->lost = false;
	if (whole) {
		f->report.sink.end_of_rib(f->report.sink.arg, f->report.id, 0);
		f->report.sink.synced(f->report.sink.arg, f->report.id);
	}
}

static void on_dump(evutil_socket_t fd, short what, void *arg)
{
	struct feed *f = arg;
	uint64_t start = now_ms(), took;
	int err = -EINTR;

	(void)fd;
	(void)what;
	for (int try = 0; try < DUMP_TRIES && err == -EINTR; try++) {
		drain(f);
		err = dump_all(f);
	}
	took = now_ms() - start;
	if (err)
		dump_failed(f, err);
	else
		dump_done(f);
	f->not_before_ms = now_ms() + (took > PAUSE_MS ? took : PAUSE_MS);
}

/* News. */

static void news_part(struct feed *f, size_t n)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)f->buf;
	int left = (int)n;

	feed_heard(&f->report);
	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
		if (message(f, nlh))
			dump_soon(f);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct feed *f = arg;

	(void)fd;
	(void)what;
	for (int i = 0; i < READS_A_WAKEUP; i++) {
		ssize_t n = mnl_socket_recvfrom(f->news, f->buf, sizeof(f->buf));

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n < 0) {
			feed_warn(&f->report, "news of the kernel are lost (%s): %s",
				  strerror(errno), "no action needed, the table is read again");
			dump_soon(f);
			break;
		}
		news_part(f, (size_t)n);
	}
	if (f->report.status.state != FEED_DOWN && rtnl_image_publish(f->image))
		dump_soon(f);
}

static int news_open(struct feed *f)
{
	static const int groups[] = {RTNLGRP_LINK,	 RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
				     RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,  RTNLGRP_NEXTHOP};
	int bytes = NEWS_BUFFER_BYTES, fd;

	f->news = socket_open();
	if (!f->news)
		return -errno;
	fd = mnl_socket_get_fd(f->news);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)) < 0)
		return -errno;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		int group = groups[i];

		if (mnl_socket_setsockopt(f->news, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) <
		    0)
			return -errno;
	}
	return 0;
}

static void rtnetlink_stop(struct feed *f)
{
	if (f->readable)
		event_free(f->readable);
	if (f->dump)
		event_free(f->dump);
	if (f->news)
		mnl_socket_close(f->news);
	if (f->image)
		rtnl_image_free(f->image);
	free(f);
}

static int setup(struct feed *f, struct event_base *base)
{
	const struct rtnl_ops ops = {f, on_announce, on_withdraw};
	int err = news_open(f);

	if (err)
		return err;
	f->image = rtnl_image_new(f->cfg, &ops);
	f->dump = evtimer_new(base, on_dump, f);
	f->readable =
		event_new(base, mnl_socket_get_fd(f->news), EV_READ | EV_PERSIST, on_readable, f);
	if (!f->image || !f->dump || !f->readable || event_add(f->readable, NULL))
		return -ENOMEM;
	dump_in(f, 0);
	return 0;
}

static int rtnetlink_start(struct feed **out, feed_id id, const struct config_feed *cfg,
			   const char *config_dir, struct event_base *base,
			   const struct feed_sink *sink, char error[200])
{
	struct feed *f = calloc(1, sizeof(*f));
	int err = -ENOMEM;

	(void)config_dir;
	if (f) {
		feed_report_init(&f->report, id, sink);
		f->cfg = cfg;
		err = setup(f, base);
	}
	if (err) {
		snprintf(error, 200, "route table %u can't be followed: %s: %s", cfg->table,
			 strerror(-err),
			 err == -ENOMEM ? "give this machine more memory" : "run as root");
		if (f)
			rtnetlink_stop(f);
		return err;
	}
	*out = f;
	return 0;
}

static void rtnetlink_status(const struct feed *f, struct feed_status *out)
{
	*out = f->report.status;
	out->no_way = rtnl_image_no_way(f->image);
}

const struct feed_type feed_type_rtnetlink = {
	.name = "rtnetlink",
	.start = rtnetlink_start,
	.status = rtnetlink_status,
	.stop = rtnetlink_stop,
};
