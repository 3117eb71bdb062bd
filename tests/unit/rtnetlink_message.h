/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages of rtnetlink as the kernel makes them, for tests of the feed `rtnetlink`. */
#ifndef SAMEWAY_TESTS_RTNETLINK_MESSAGE_H
#define SAMEWAY_TESTS_RTNETLINK_MESSAGE_H

#include "core/prefix.h"

#include <libmnl/libmnl.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#define MESSAGE_MAX 4096

static _Alignas(16) char message_buf[MESSAGE_MAX];

static inline struct nlmsghdr *message_new(uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh;

	memset(message_buf, 0, sizeof(message_buf));
	nlh = mnl_nlmsg_put_header(message_buf);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	return nlh;
}

static inline void put_address(struct nlmsghdr *nlh, uint16_t type, const char *text)
{
	struct ip_addr ip;

	if (ip_parse(text, &ip))
		return;
	mnl_attr_put(nlh, type, ip.family == 4 ? 4 : 16, ip.bytes);
}

/* A route of table 254; attributes follow. */
static inline struct nlmsghdr *route_new(uint16_t type, uint16_t flags, const char *prefix)
{
	struct nlmsghdr *nlh = message_new(type, flags);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	struct prefix p = {0};

	prefix_parse(prefix, &p, NULL);
	rtm->rtm_family = p.family == 4 ? AF_INET : AF_INET6;
	rtm->rtm_dst_len = p.len;
	rtm->rtm_table = 254;
	rtm->rtm_type = RTN_UNICAST;
	if (p.len)
		mnl_attr_put(nlh, RTA_DST, p.family == 4 ? 4 : 16, p.bytes);
	return nlh;
}

static inline struct nlmsghdr *route_via(uint16_t type, uint16_t flags, const char *prefix,
					 const char *via, uint32_t oif, uint32_t metric)
{
	struct nlmsghdr *nlh = route_new(type, flags, prefix);

	if (metric)
		mnl_attr_put_u32(nlh, RTA_PRIORITY, metric);
	if (via)
		put_address(nlh, RTA_GATEWAY, via);
	mnl_attr_put_u32(nlh, RTA_OIF, oif);
	return nlh;
}

/* One leg more of the RTA_MULTIPATH that mnl_attr_nest_start has begun. */
static inline void put_leg(struct nlmsghdr *nlh, const char *via, int oif, uint8_t flags)
{
	struct rtnexthop *nh = mnl_nlmsg_get_payload_tail(nlh);
	uint32_t before = nlh->nlmsg_len;

	memset(nh, 0, sizeof(*nh));
	nh->rtnh_ifindex = oif;
	nh->rtnh_flags = flags;
	nlh->nlmsg_len += sizeof(*nh);
	if (via)
		put_address(nlh, RTA_GATEWAY, via);
	nh->rtnh_len = (unsigned short)(nlh->nlmsg_len - before);
}

static inline struct nlmsghdr *link_new(uint32_t ifindex, const char *name, unsigned int flags)
{
	struct nlmsghdr *nlh = message_new(RTM_NEWLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));

	ifi->ifi_index = (int)ifindex;
	ifi->ifi_flags = flags;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	return nlh;
}

static inline struct nlmsghdr *nexthop_new(uint16_t type, uint32_t id, const char *via,
					   uint32_t oif)
{
	struct nlmsghdr *nlh = message_new(type, 0);
	struct nhmsg *nhm = mnl_nlmsg_put_extra_header(nlh, sizeof(*nhm));

	nhm->nh_family = via && strchr(via, ':') ? AF_INET6 : AF_INET;
	mnl_attr_put_u32(nlh, NHA_ID, id);
	if (via)
		put_address(nlh, NHA_GATEWAY, via);
	if (oif)
		mnl_attr_put_u32(nlh, NHA_OIF, oif);
	return nlh;
}

#endif
