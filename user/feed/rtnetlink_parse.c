/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages of rtnetlink to structs. Nothing is trusted to be there or to have the right length.
 */
#include "feed/rtnetlink.h"
#include "sameway/abi.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#ifndef IFF_UP
#define IFF_UP 1
#endif
#ifndef IFF_RUNNING
#define IFF_RUNNING (1 << 6)
#endif
#ifndef IFF_LOWER_UP
#define IFF_LOWER_UP (1 << 16)
#endif

static uint8_t family_of(unsigned int af)
{
	return af == AF_INET ? 4 : af == AF_INET6 ? 6 : 0;
}

static int address_from(const void *data, size_t len, uint8_t family, struct ip_addr *out)
{
	if (!family || len != (family == 4 ? 4U : 16U))
		return -EINVAL;
	memset(out, 0, sizeof(*out));
	out->family = family;
	memcpy(out->bytes, data, len);
	return 0;
}

static int attr_address(const struct nlattr *attr, uint8_t family, struct ip_addr *out)
{
	return address_from(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr), family,
			    out);
}

static int attr_u32(const struct nlattr *attr, uint32_t *out)
{
	if (mnl_attr_get_payload_len(attr) != sizeof(*out))
		return -EINVAL;
	memcpy(out, mnl_attr_get_payload(attr), sizeof(*out));
	return 0;
}

/* RTA_VIA: a next hop of a family of its own (RFC 8950). One of neither family is no next hop. */
static int attr_via(const struct nlattr *attr, struct ip_addr *out)
{
	const uint8_t *data = mnl_attr_get_payload(attr);
	size_t len = mnl_attr_get_payload_len(attr);
	uint16_t af;

	if (len < sizeof(af))
		return -EINVAL;
	memcpy(&af, data, sizeof(af));
	if (!family_of(af))
		return -ENOENT;
	return address_from(data + sizeof(af), len - sizeof(af), family_of(af), out);
}

/* What a leg has, as an attribute of the route, or within its part of RTA_MULTIPATH. */
static int leg_attr(const struct nlattr *attr, uint8_t family, struct rtnl_leg *leg)
{
	switch (mnl_attr_get_type(attr)) {
	case RTA_GATEWAY:
		return attr_address(attr, family, &leg->via);
	case RTA_VIA:
		return attr_via(attr, &leg->via);
	case RTA_OIF:
		return attr_u32(attr, &leg->oif);
	}
	return 0;
}

/* One struct rtnexthop with its attributes, at `p`; `left` bytes are there. */
static int leg_parse(const char *p, size_t left, uint8_t family, struct rtnl_leg *leg, size_t *len)
{
	const struct nlattr *attr;
	const void *attrs = p + sizeof(struct rtnexthop);
	struct rtnexthop nh;
	int err;

	memcpy(&nh, p, sizeof(nh));
	if (nh.rtnh_len < sizeof(nh) || nh.rtnh_len > left)
		return -EINVAL;
	*len = nh.rtnh_len;
	*leg = (struct rtnl_leg){.oif = (uint32_t)nh.rtnh_ifindex,
				 .dead = nh.rtnh_flags & RTNH_F_DEAD};
	left = nh.rtnh_len - sizeof(nh);
	mnl_attr_for_each_payload(attrs, left)
	{
		err = leg_attr(attr, family, leg);
		if (err)
			return err;
	}
	return 0;
}

static int legs_parse(const struct nlattr *multipath, uint8_t family, struct rtnl_route *route)
{
	const char *p = mnl_attr_get_payload(multipath);
	size_t left = mnl_attr_get_payload_len(multipath), len, step;
	int err;

	while (left >= sizeof(struct rtnexthop)) {
		if (route->n_legs == RTNL_LEGS_MAX)
			return -EINVAL;
		err = leg_parse(p, left, family, &route->legs[route->n_legs], &len);
		if (err)
			return err;
		route->n_legs++;
		step = RTNH_ALIGN(len);
		if (step > left)
			step = left;
		p += step;
		left -= step;
	}
	return left ? -EINVAL : 0;
}

static int route_attr(const struct nlattr *attr, uint8_t family, struct rtnl_route *route,
		      struct rtnl_leg *leg)
{
	struct ip_addr dst;

	switch (mnl_attr_get_type(attr)) {
	case RTA_DST:
		if (attr_address(attr, family, &dst))
			return -EINVAL;
		memcpy(route->prefix.bytes, dst.bytes, sizeof(dst.bytes));
		return 0;
	case RTA_TABLE:
		return attr_u32(attr, &route->table);
	case RTA_PRIORITY:
		return attr_u32(attr, &route->metric);
	case RTA_NH_ID:
		return attr_u32(attr, &route->nexthop);
	case RTA_MULTIPATH:
		return legs_parse(attr, family, route);
	}
	return leg_attr(attr, family, leg);
}

static int route_head(const struct nlmsghdr *nlh, struct rtnl_route *out, struct rtnl_leg *leg)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*rtm))
		return -EINVAL;
	if (!family_of(rtm->rtm_family) || rtm->rtm_src_len || (rtm->rtm_flags & RTM_F_CLONED) ||
	    rtm->rtm_protocol == SW_RTPROT)
		return -ENOENT;
	memset(out, 0, offsetof(struct rtnl_route, legs));
	memset(leg, 0, sizeof(*leg));
	leg->dead = rtm->rtm_flags & RTNH_F_DEAD;
	out->prefix.family = family_of(rtm->rtm_family);
	out->prefix.len = rtm->rtm_dst_len;
	out->table = rtm->rtm_table;
	out->tos = rtm->rtm_tos;
	out->type = rtm->rtm_type;
	out->protocol = rtm->rtm_protocol;
	out->gone = nlh->nlmsg_type == RTM_DELROUTE;
	out->replace = nlh->nlmsg_flags & NLM_F_REPLACE;
	out->append = nlh->nlmsg_flags & NLM_F_APPEND;
	return out->prefix.len > prefix_max_len(out->prefix.family) ? -EINVAL : 0;
}

int rtnl_parse_route(const struct nlmsghdr *nlh, struct rtnl_route *out)
{
	const struct nlattr *attr;
	struct rtnl_leg leg;
	int err = route_head(nlh, out, &leg);

	if (err)
		return err;
	mnl_attr_for_each(attr, nlh, sizeof(struct rtmsg))
	{
		err = route_attr(attr, out->prefix.family, out, &leg);
		if (err)
			return err;
	}
	if (out->nexthop)
		out->n_legs = 0; /* also told in full, as it was when the message was made */
	else if (!out->n_legs && leg.oif)
		out->legs[out->n_legs++] = leg;
	prefix_mask(&out->prefix);
	return 0;
}

static int members_parse(const struct nlattr *attr, struct rtnl_nexthop *out)
{
	const char *p = mnl_attr_get_payload(attr);
	size_t len = mnl_attr_get_payload_len(attr);
	struct nexthop_grp member;

	if (len % sizeof(member) || len / sizeof(member) > RTNL_LEGS_MAX)
		return -EINVAL;
	out->n_members = len / sizeof(member);
	for (size_t i = 0; i < out->n_members; i++) {
		memcpy(&member, p + i * sizeof(member), sizeof(member));
		out->members[i] = member.id;
	}
	return 0;
}

static int nexthop_attr(const struct nlattr *attr, uint8_t family, struct rtnl_nexthop *out)
{
	switch (mnl_attr_get_type(attr)) {
	case NHA_ID:
		return attr_u32(attr, &out->id);
	case NHA_OIF:
		return attr_u32(attr, &out->leg.oif);
	case NHA_GATEWAY:
		return attr_address(attr, family, &out->leg.via);
	case NHA_GROUP:
		return members_parse(attr, out);
	}
	return 0;
}

int rtnl_parse_nexthop(const struct nlmsghdr *nlh, struct rtnl_nexthop *out)
{
	const struct nhmsg *nhm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*nhm))
		return -EINVAL;
	memset(out, 0, sizeof(*out));
	out->gone = nlh->nlmsg_type == RTM_DELNEXTHOP;
	out->leg.dead = nhm->nh_flags & RTNH_F_DEAD;
	mnl_attr_for_each(attr, nlh, sizeof(*nhm))
	{
		int err = nexthop_attr(attr, family_of(nhm->nh_family), out);

		if (err)
			return err;
	}
	return out->id ? 0 : -EINVAL;
}

int rtnl_parse_link(const struct nlmsghdr *nlh, struct rtnl_link *out)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifi))
		return -EINVAL;
	if (ifi->ifi_family != AF_UNSPEC) /* a bridge's word about its port */
		return -ENOENT;
	memset(out, 0, sizeof(*out));
	out->ifindex = (uint32_t)ifi->ifi_index;
	out->up = ifi->ifi_flags & IFF_UP;
	out->carrier = ifi->ifi_flags & IFF_LOWER_UP;
	out->running = ifi->ifi_flags & IFF_RUNNING;
	mnl_attr_for_each(attr, nlh, sizeof(*ifi))
	{
		size_t len = mnl_attr_get_payload_len(attr);

		if (mnl_attr_get_type(attr) != IFLA_IFNAME)
			continue;
		if (len > sizeof(out->name))
			return -EINVAL;
		memcpy(out->name, mnl_attr_get_payload(attr), len);
		out->name[sizeof(out->name) - 1] = '\0';
	}
	return out->name[0] && ifi->ifi_index > 0 ? 0 : -EINVAL;
}
