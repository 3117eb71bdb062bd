/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rtnetlink messages to news. Nothing is trusted to be there or to have the right length. What
 * shares our multicast groups but is not ours is refused here: bridge ports (whose RTM_DELLINK says
 * that a port left its bridge, not that the interface is gone), forwarding databases, proxies.
 */
#include "kernel/links_internal.h"

#include <errno.h>
#include <string.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#ifndef IFF_LOWER_UP
#define IFF_LOWER_UP (1 << 16)
#endif

static uint8_t family_of(uint8_t af)
{
	return af == AF_INET ? 4 : af == AF_INET6 ? 6 : 0;
}

/* The attribute as an address of the family; false: of another length. */
static bool attr_address(const struct nlattr *attr, uint8_t family, struct ip_addr *out)
{
	size_t len = family == 4 ? 4 : 16;

	if (mnl_attr_get_payload_len(attr) != len)
		return false;
	memset(out, 0, sizeof(*out));
	out->family = family;
	memcpy(out->bytes, mnl_attr_get_payload(attr), len);
	return true;
}

int links_parse_link(const struct nlmsghdr *nlh, struct link_info *out)
{
	const unsigned int running = IFF_UP | IFF_RUNNING | IFF_LOWER_UP;
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct link_info info = {0};
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifi) || ifi->ifi_family != AF_UNSPEC ||
	    ifi->ifi_index <= 0)
		return -EINVAL;
	info.ifindex = (uint32_t)ifi->ifi_index;
	info.up = (ifi->ifi_flags & running) == running;
	info.l3 = ifi->ifi_type != ARPHRD_ETHER;
	mnl_attr_for_each(attr, nlh, sizeof(*ifi))
	{
		size_t len = mnl_attr_get_payload_len(attr);
		const void *data = mnl_attr_get_payload(attr);

		switch (mnl_attr_get_type(attr)) {
		case IFLA_IFNAME:
			if (len > sizeof(info.name))
				return -EINVAL;
			memcpy(info.name, data, len);
			info.name[sizeof(info.name) - 1] = '\0';
			break;
		case IFLA_ADDRESS:
			if (len == sizeof(info.mac))
				memcpy(info.mac, data, len);
			break;
		case IFLA_MTU:
			if (len == sizeof(info.mtu))
				memcpy(&info.mtu, data, len);
			break;
		}
	}
	if (!info.name[0])
		return -EINVAL;
	*out = info;
	return 0;
}

/*
 * Of a point-to-point address the length belongs to the peer. The own address has it too where
 * both are in one network; else it is alone.
 */
static uint8_t own_len(const struct ip_addr *local, const struct ip_addr *peer, uint8_t len)
{
	struct prefix net = {.family = local->family, .len = len};

	memcpy(net.bytes, local->bytes, sizeof(net.bytes));
	prefix_mask(&net);
	return prefix_has(&net, peer) ? len : (uint8_t)prefix_max_len(local->family);
}

int links_parse_address(const struct nlmsghdr *nlh, struct address_news *out)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct ip_addr local = {0}, peer = {0};
	struct address_news news = {0};
	const struct nlattr *attr;
	uint8_t family;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifa))
		return -EINVAL;
	family = family_of(ifa->ifa_family);
	if (!family || !ifa->ifa_index || ifa->ifa_prefixlen > prefix_max_len(family))
		return -EINVAL;
	news.ifindex = ifa->ifa_index;
	news.refused = ifa->ifa_flags & IFA_F_DADFAILED;
	mnl_attr_for_each(attr, nlh, sizeof(*ifa))
	{
		struct ip_addr *to = NULL;

		switch (mnl_attr_get_type(attr)) {
		case IFA_LOCAL:
			to = &local;
			break;
		case IFA_ADDRESS:
			to = &peer;
			break;
		case IFA_BROADCAST:
			to = &news.broadcast;
			break;
		}
		if (to && !attr_address(attr, family, to))
			return -EINVAL;
	}
	if (!local.family)
		local = peer;
	if (!peer.family)
		peer = local;
	if (!local.family)
		return -EINVAL;
	news.addr = local;
	news.len = own_len(&local, &peer, ifa->ifa_prefixlen);
	*out = news;
	return 0;
}

/* A MAC that no host was asked for: of a group, or none. */
static bool is_derived(const uint8_t mac[6])
{
	static const uint8_t none[6];

	return (mac[0] & 1) || !memcmp(mac, none, sizeof(none));
}

int links_parse_neighbor(const struct nlmsghdr *nlh, struct neighbor_news *out)
{
	const unsigned int usable =
		NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP;
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	struct neighbor_news news = {0};
	const struct nlattr *attr;
	bool has_mac = false;
	uint8_t family;
	uint32_t ext;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*ndm))
		return -EINVAL;
	family = family_of(ndm->ndm_family);
	if (!family || ndm->ndm_ifindex <= 0 || (ndm->ndm_flags & NTF_PROXY))
		return -EINVAL;
	news.ifindex = (uint32_t)ndm->ndm_ifindex;
	mnl_attr_for_each(attr, nlh, sizeof(*ndm))
	{
		switch (mnl_attr_get_type(attr)) {
		case NDA_DST:
			if (!attr_address(attr, family, &news.addr))
				return -EINVAL;
			break;
		case NDA_LLADDR:
			has_mac = mnl_attr_get_payload_len(attr) == sizeof(news.mac);
			if (has_mac)
				memcpy(news.mac, mnl_attr_get_payload(attr), sizeof(news.mac));
			break;
		case NDA_FLAGS_EXT:
			if (mnl_attr_get_payload_len(attr) != sizeof(ext))
				return -EINVAL;
			memcpy(&ext, mnl_attr_get_payload(attr), sizeof(ext));
			news.managed = ext & NTF_EXT_MANAGED;
			break;
		}
	}
	if (!news.addr.family)
		return -EINVAL;
	news.valid = has_mac && (ndm->ndm_state & usable);
	if (!news.valid)
		memset(news.mac, 0, sizeof(news.mac));
	/* What the kernel derives for itself (groups, broadcast, loopback) and tells in dumps only.
	 */
	if ((ndm->ndm_state & NUD_NOARP) && is_derived(news.mac))
		return -EINVAL;
	news.failed = ndm->ndm_state & NUD_FAILED;
	news.fixed = ndm->ndm_state & (NUD_PERMANENT | NUD_NOARP);
	*out = news;
	return 0;
}
