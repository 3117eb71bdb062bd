/* SPDX-License-Identifier: GPL-2.0-only */
/* What the feeds that are connected to share (bgp, bmp): the listening socket, who connects. */
#ifndef SAMEWAY_FEED_LISTEN_H
#define SAMEWAY_FEED_LISTEN_H

#include "feed/report.h"

#include <sys/socket.h>

struct evconnlistener;
struct event_base;

/*
 * Listens on the feed's `listen`; on_accept is an evconnlistener_cb, and gets `feed`, which begins
 * with its report. 0, or -errno with "what is wrong: what to do" in `error`.
 */
int feed_listen(struct evconnlistener **out, struct event_base *base, const struct config_feed *cfg,
		void (*on_accept)(struct evconnlistener *listener, int fd, struct sockaddr *sa,
				  int len, void *arg),
		struct feed *feed, char error[200]);

/* Fills *ss; returns how long it is. */
socklen_t feed_sockaddr(const struct ip_addr *ip, uint16_t port, struct sockaddr_storage *ss);
/* An IPv4 address on an IPv6 socket is one of IPv4. */
struct ip_addr feed_address(const struct sockaddr *sa);
/* The address' place in the feed's `peers`, -1: not among them. */
int feed_peer_find(const struct config_feed *cfg, const struct ip_addr *ip);

#endif
