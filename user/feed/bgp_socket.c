/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The feed's listening socket and who may reach it: TCP MD5 signatures (RFC 2385), a key a peer,
 * and GTSM (RFC 5082), by which packets from more than a hop away are dropped before TCP sees them.
 * The kernel does both; connections inherit them.
 */
#include "feed/bgp_session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG	  16
#define TTL_MAX	  255
#define ERROR_LEN 200

_Static_assert(CONFIG_PASSWORD_MAX == TCP_MD5SIG_MAXKEYLEN, "what the config takes is what fits");

static socklen_t sockaddr_from(const struct ip_addr *ip, uint16_t port, struct sockaddr_storage *ss)
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

struct ip_addr bgp_sockaddr_address(const struct sockaddr *sa)
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

/* An IPv4 peer of a socket of IPv6 is known to it by its mapped address. */
static struct ip_addr as_seen(const struct config_feed *cfg, const struct ip_addr *peer)
{
	struct ip_addr mapped = {.family = 6, .bytes = {[10] = 0xff, [11] = 0xff}};

	if (cfg->listen.family == 4 || peer->family == 6)
		return *peer;
	memcpy(mapped.bytes + 12, peer->bytes, 4);
	return mapped;
}

static int sign(int fd, const struct config_feed *cfg, char error[ERROR_LEN])
{
	for (size_t i = 0; cfg->password && i < cfg->n_peers; i++) {
		struct ip_addr peer = as_seen(cfg, &cfg->peers[i]);
		struct tcp_md5sig md5 = {.tcpm_keylen = (uint16_t)strlen(cfg->password)};
		int err;

		memcpy(md5.tcpm_key, cfg->password, md5.tcpm_keylen);
		sockaddr_from(&peer, 0, (struct sockaddr_storage *)&md5.tcpm_addr);
		if (!setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &md5, sizeof(md5)))
			continue;
		err = errno;
		snprintf(error, ERROR_LEN,
			 err == ENOPROTOOPT
				 ? "password: %s: this kernel has no TCP MD5 signatures "
				   "(CONFIG_TCP_MD5SIG): run one that has, or remove `password`"
				 : "password: %s: the kernel does not take it: change it, or "
				   "remove `password`",
			 strerror(err));
		return -err;
	}
	return 0;
}

static int near_only(int fd, const struct config_feed *cfg, char error[ERROR_LEN])
{
	static const int ttl = TTL_MAX;
	bool v4 = cfg->listen.family == 4;
	int err = 0;

	for (size_t i = 0; i < cfg->n_peers; i++)
		v4 = v4 || cfg->peers[i].family == 4;
	if (!cfg->ttl_security)
		return 0;
	if (cfg->listen.family == 6 &&
	    (setsockopt(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, &ttl, sizeof(ttl)) ||
	     setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &ttl, sizeof(ttl))))
		err = errno;
	if (v4 && (setsockopt(fd, IPPROTO_IP, IP_MINTTL, &ttl, sizeof(ttl)) ||
		   setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl))))
		err = errno;
	if (err)
		snprintf(error, ERROR_LEN, "ttl-security: %s: remove it", strerror(err));
	return -err;
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

static int listen_on(int fd, const struct config_feed *cfg, char error[ERROR_LEN])
{
	struct sockaddr_storage ss;
	socklen_t len = sockaddr_from(&cfg->listen, cfg->port, &ss);
	char ip[IP_STRLEN];
	int one = 1, err;

	if (fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) &&
	    !bind(fd, (struct sockaddr *)&ss, len) && !listen(fd, BACKLOG))
		return 0;
	err = errno;
	snprintf(error, ERROR_LEN, cfg->listen.family == 6 ? "[%s]:%u: %s: %s" : "%s:%u: %s: %s",
		 ip_format(&cfg->listen, ip), cfg->port, strerror(err), bind_hint(err));
	return -err;
}

int bgp_listen(const struct config_feed *cfg, char error[200])
{
	int fd = socket(cfg->listen.family == 4 ? AF_INET : AF_INET6,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int ret = listen_on(fd, cfg, error);

	if (!ret)
		ret = sign(fd, cfg, error);
	if (!ret)
		ret = near_only(fd, cfg, error);
	if (!ret)
		return fd;
	if (fd >= 0)
		close(fd);
	return ret;
}
