/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/watch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <event2/event.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <sys/socket.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Groups of the kernel, and which of their messages say something new. */
static const struct source {
	int bus, group;
	enum watch_news news;
	uint16_t types[2];
} sources[] = {
	{NETLINK_NETFILTER,
	 NFNLGRP_NFTABLES,
	 WATCH_FILTERS,
	 {NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN,
	  NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE}},
	{NETLINK_XFRM, XFRMNLGRP_POLICY, WATCH_FILTERS, {XFRM_MSG_NEWPOLICY, XFRM_MSG_UPDPOLICY}},
	{NETLINK_ROUTE, RTNLGRP_IPV4_RULE, WATCH_RULES, {RTM_NEWRULE, RTM_DELRULE}},
	{NETLINK_ROUTE, RTNLGRP_IPV6_RULE, WATCH_RULES, {RTM_NEWRULE, RTM_DELRULE}},
};

struct watched {
	struct watch *watch;
	const struct source *source;
	struct mnl_socket *nl;
	struct event *readable;
	bool fresh;
};

struct watch {
	watch_cb cb;
	void *arg;
	struct watched on[COUNT(sources)];
	char buf[65536];
};

static int message(const struct nlmsghdr *nlh, void *arg)
{
	struct watched *on = arg;

	for (size_t i = 0; i < COUNT(on->source->types); i++)
		on->fresh |= nlh->nlmsg_type == on->source->types[i];
	return MNL_CB_OK;
}

/* All that is there is one piece of news; so is its loss. */
static void readable(evutil_socket_t fd, short what, void *arg)
{
	struct watched *on = arg;
	struct watch *watch = on->watch;
	ssize_t n;

	(void)fd;
	(void)what;
	on->fresh = false;
	while ((n = mnl_socket_recvfrom(on->nl, watch->buf, sizeof(watch->buf))) >= 0 ||
	       errno == ENOBUFS || errno == ENOSPC || errno == EINTR) {
		if (n < 0)
			on->fresh |= errno != EINTR;
		else
			mnl_cb_run(watch->buf, (size_t)n, 0, 0, message, on);
	}
	if (on->fresh)
		watch->cb(watch->arg, on->source->news);
}

/* 0 also where the kernel has none of it. */
static int source_open(struct watched *on, struct event_base *base)
{
	int group = on->source->group;

	on->nl = mnl_socket_open2(on->source->bus, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (!on->nl)
		return errno == ENOMEM || errno == EMFILE ? -errno : 0;
	if (mnl_socket_bind(on->nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_setsockopt(on->nl, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		return 0;
	on->readable =
		event_new(base, mnl_socket_get_fd(on->nl), EV_READ | EV_PERSIST, readable, on);
	return on->readable && !event_add(on->readable, NULL) ? 0 : -ENOMEM;
}

int watch_start(struct watch **out, struct event_base *base, watch_cb cb, void *arg)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	int err = watch ? 0 : -ENOMEM;

	for (size_t i = 0; i < COUNT(sources) && !err; i++) {
		watch->on[i].watch = watch;
		watch->on[i].source = &sources[i];
		err = source_open(&watch->on[i], base);
	}
	if (err) {
		watch_stop(watch);
		return err;
	}
	watch->cb = cb;
	watch->arg = arg;
	*out = watch;
	return 0;
}

void watch_stop(struct watch *watch)
{
	if (!watch)
		return;
	for (size_t i = 0; i < COUNT(sources); i++) {
		if (watch->on[i].readable)
			event_free(watch->on[i].readable);
		if (watch->on[i].nl)
			mnl_socket_close(watch->on[i].nl);
	}
	free(watch);
}
