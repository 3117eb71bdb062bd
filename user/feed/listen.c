/* SPDX-License-Identifier: GPL-2.0-only */
#include "feed/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/listener.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 16

socklen_t feed_sockaddr(const struct ip_addr *ip, uint16_t port, struct sockaddr_storage *ss)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *in = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	if (ip->family == 4) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, ip->bytes, 4);
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, ip->bytes, 16);
	return sizeof(*in6);
}

struct ip_addr feed_address(const struct sockaddr *sa)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;
	const struct sockaddr_in *in = (const struct sockaddr_in *)sa;
	struct ip_addr ip = {0};

	if (sa->sa_family == AF_INET) {
		ip.family = 4;
		memcpy(ip.bytes, &in->sin_addr, 4);
	} else if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		ip.family = 4;
		memcpy(ip.bytes, in6->sin6_addr.s6_addr + 12, 4);
	} else {
		ip.family = 6;
		memcpy(ip.bytes, &in6->sin6_addr, 16);
	}
	return ip;
}

int feed_peer_find(const struct config_feed *cfg, const struct ip_addr *ip)
{
	for (size_t i = 0; i < cfg->n_peers; i++)
		if (ip_equal(&cfg->peers[i], ip))
			return (int)i;
	return -1;
}

static const char *bind_hint(int error)
{
	switch (error) {
	case EADDRINUSE:
		return "stop what listens there (ss -ltnp), or change the feed's `listen`";
	case EADDRNOTAVAIL:
		return "add the address to an interface, or change the feed's `listen`";
	case EACCES:
		return "run as root, or take a port above 1023";
	default:
		return "check the feed's `listen`";
	}
}

/* A listening socket, or -errno with a message. */
static int listen_open(const struct config_feed *cfg, char error[200])
{
	struct sockaddr_storage ss;
	socklen_t len = feed_sockaddr(&cfg->listen, cfg->port, &ss);
	char ip[IP_STRLEN];
	int fd, one = 1, err;

	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) &&
	    !bind(fd, (struct sockaddr *)&ss, len) && !listen(fd, BACKLOG))
		return fd;
	err = errno;
	snprintf(error, 200, cfg->listen.family == 6 ? "[%s]:%u: %s: %s" : "%s:%u: %s: %s",
		 ip_format(&cfg->listen, ip), cfg->port, strerror(err), bind_hint(err));
	if (fd >= 0)
		close(fd);
	return -err;
}

static void on_error(struct evconnlistener *listener, void *arg)
{
	(void)listener;
	feed_refuse(arg, FEED_LIMIT, "cannot take a connection: %s: raise the limit of open files",
		    strerror(errno));
}

int feed_listen(struct evconnlistener **out, struct event_base *base, const struct config_feed *cfg,
		void (*on_accept)(struct evconnlistener *listener, int fd, struct sockaddr *sa,
				  int len, void *arg),
		struct feed *feed, char error[200])
{
	int fd = listen_open(cfg, error);

	if (fd < 0)
		return fd;
	*out = evconnlistener_new(base, on_accept, feed,
				  LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!*out) {
		snprintf(error, 200, "out of memory: give this machine more");
		close(fd);
		return -ENOMEM;
	}
	evconnlistener_set_error_cb(*out, on_error);
	return 0;
}
