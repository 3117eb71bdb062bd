/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who may reach the feed's listening socket: TCP MD5 signatures (RFC 2385), a key a peer,
 * and GTSM (RFC 5082), by which packets from more than a hop away are dropped before TCP sees them.
 * The kernel does both; connections inherit them.
 */
#include "feed/bgp_session.h"
#include "feed/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define TTL_MAX	  255
#define ERROR_LEN 200

_Static_assert(CONFIG_PASSWORD_MAX == TCP_MD5SIG_MAXKEYLEN, "what the config takes is what fits");

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
		feed_sockaddr(&peer, 0, &md5.tcpm_addr);
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

int bgp_protect(int fd, const struct config_feed *cfg, char error[200])
{
	int ret = sign(fd, cfg, error);

	return ret ? ret : near_only(fd, cfg, error);
}
