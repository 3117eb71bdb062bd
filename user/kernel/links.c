/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Links, addresses and neighbours: sockets, loop, dumps.
 *
 * The multicast groups are joined before the first dump, so nothing falls between the two; news
 * that the dump has shown already are no change (links_state.c). When the kernel says ENOBUFS it
 * has dropped news and goes on dropping, without a further word, until the queue has been read
 * empty: so the queue is emptied first (what it holds is older than the dump) and then all is
 * dumped.
 *
 * A dump runs on a socket of its own: a callback may ask for a neighbour meanwhile, and that
 * answer must not come between the dump's parts. Netlink requests are worked off in the sender's
 * context, so no read here ever waits; all sockets are non-blocking to make sure.
 */
#include "kernel/links_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#define NEWS_BUFFER_BYTES (8 << 20)
#define READS_A_WAKEUP	  64 /* then the loop's other events have their turn */
#define DUMP_TRIES	  10 /* a dump that changes interrupt is begun again */
#define RESYNC_RETRY_MS	  200

static void resync_later(struct links *links)
{
	struct timeval wait = {.tv_usec = RESYNC_RETRY_MS * 1000};

	evtimer_add(links->resync, &wait);
}

static int message(const struct nlmsghdr *nlh, void *arg)
{
	struct links *links = arg;
	struct neighbor_news neighbor;
	struct address_news address;
	struct link_info link;
	int err = 0;

	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
		if (!links_parse_link(nlh, &link))
			err = links_state_link(links, &link);
		break;
	case RTM_DELLINK:
		if (!links_parse_link(nlh, &link))
			links_state_link_gone(links, link.ifindex);
		break;
	case RTM_NEWADDR:
		if (!links_parse_address(nlh, &address))
			err = links_state_address(links, &address);
		break;
	case RTM_DELADDR:
		if (!links_parse_address(nlh, &address))
			links_state_address_gone(links, &address);
		break;
	case RTM_NEWNEIGH:
		if (!links_parse_neighbor(nlh, &neighbor))
			err = links_state_neighbor(links, &neighbor);
		break;
	case RTM_DELNEIGH:
		if (!links_parse_neighbor(nlh, &neighbor))
			links_state_neighbor_gone(links, &neighbor);
		break;
	}
	if (err)
		resync_later(links);
	return MNL_CB_OK;
}

static int dump(struct links *links, struct mnl_socket *socket, uint16_t type)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(links->buf);
	struct rtgenmsg *gen;
	uint32_t seq = ++links->seq;
	ssize_t n;
	int more = 1;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = seq;
	gen = mnl_nlmsg_put_extra_header(nlh, sizeof(*gen));
	gen->rtgen_family = AF_UNSPEC;
	if (mnl_socket_sendto(socket, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (more > 0) {
		n = mnl_socket_recvfrom(socket, links->buf, sizeof(links->buf));
		if (n < 0)
			return -errno;
		more = mnl_cb_run(links->buf, (size_t)n, seq, mnl_socket_get_portid(socket),
				  message, links);
	}
	return more < 0 ? -errno : 0;
}

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

/* -EINTR: changes interrupted each try. */
static int dump_all(struct links *links)
{
	static const uint16_t types[] = {RTM_GETLINK, RTM_GETADDR, RTM_GETNEIGH};
	struct mnl_socket *socket;
	int err = -EINTR;

	for (int try = 0; try < DUMP_TRIES && err == -EINTR; try++) {
		socket = socket_open();
		if (!socket)
			return -errno;
		links->mark++;
		err = 0;
		for (size_t i = 0; i < sizeof(types) / sizeof(types[0]) && !err; i++)
			err = dump(links, socket, types[i]);
		mnl_socket_close(socket);
	}
	if (!err)
		links_state_sweep(links);
	return err;
}

static void resync(evutil_socket_t fd, short what, void *arg)
{
	struct links *links = arg;

	(void)fd;
	(void)what;
	while (mnl_socket_recvfrom(links->news, links->buf, sizeof(links->buf)) >= 0 ||
	       errno == ENOBUFS || errno == ENOSPC || errno == EINTR)
		;
	evtimer_del(links->resync);
	if (dump_all(links))
		resync_later(links);
	else
		links->ops.resynced(links->ops.arg);
}

static void readable(evutil_socket_t fd, short what, void *arg)
{
	struct links *links = arg;
	ssize_t n;

	for (int i = 0; i < READS_A_WAKEUP; i++) {
		n = mnl_socket_recvfrom(links->news, links->buf, sizeof(links->buf));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			resync(fd, what, links);
			return;
		}
		mnl_cb_run(links->buf, (size_t)n, 0, 0, message, links);
	}
}

static int news_open(struct links *links)
{
	static const int groups[] = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
				     RTNLGRP_NEIGH};
	int bytes = NEWS_BUFFER_BYTES, fd;

	links->news = socket_open();
	if (!links->news)
		return -errno;
	fd = mnl_socket_get_fd(links->news);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)) < 0)
		return -errno;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		int group = groups[i];

		if (mnl_socket_setsockopt(links->news, NETLINK_ADD_MEMBERSHIP, &group,
					  sizeof(group)) < 0)
			return -errno;
	}
	links->readable = event_new(links->base, fd, EV_READ | EV_PERSIST, readable, links);
	if (!links->readable || event_add(links->readable, NULL) < 0)
		return -ENOMEM;
	return 0;
}

int links_start(struct links **out, struct event_base *base, const struct links_ops *ops)
{
	struct links *links = calloc(1, sizeof(*links));
	int err;

	if (!links)
		return -ENOMEM;
	links->ops = *ops;
	links->base = base;
	links->ioctl_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (links->ioctl_fd < 0)
		goto fail;
	links->requests = socket_open();
	if (!links->requests)
		goto fail;
	links->resync = evtimer_new(base, resync, links);
	err = links->resync ? news_open(links) : -ENOMEM;
	if (!err)
		err = dump_all(links);
	if (err == -EINTR) {
		resync_later(links);
		err = 0;
	}
	if (err) {
		links_stop(links);
		return err;
	}
	*out = links;
	return 0;
fail:
	err = -errno;
	links_stop(links);
	return err;
}

void links_stop(struct links *links)
{
	if (!links)
		return;
	carrier_free(links);
	neighbor_free(links);
	links_state_free(links);
	if (links->readable)
		event_free(links->readable);
	if (links->resync)
		event_free(links->resync);
	if (links->news)
		mnl_socket_close(links->news);
	if (links->requests)
		mnl_socket_close(links->requests);
	if (links->ioctl_fd >= 0)
		close(links->ioctl_fd);
	free(links);
}
