/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two requests: the one says which device (of several next hops the one that this pair gets), the
 * other which entry of which table. The first alone has no protocol, the second no choice.
 */
#include "kernel/route_query.h"
#include "kernel/inspect_internal.h"
#include "sameway/abi.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#ifndef RTPROT_OPENR
#define RTPROT_OPENR 99
#endif
#define RTPROT_ZSTATIC_ 196 /* FRR's staticd */

struct protocol {
	const char *name;
	uint8_t number;
	bool learned;
};

static const struct protocol protocols[] = {
	{"kernel", RTPROT_KERNEL, false},   {"boot", RTPROT_BOOT, false},
	{"static", RTPROT_STATIC, false},   {"ra", RTPROT_RA, false},
	{"dhcp", RTPROT_DHCP, false},	    {"keepalived", RTPROT_KEEPALIVED, false},
	{"static", RTPROT_ZSTATIC_, false}, {"gated", RTPROT_GATED, true},
	{"zebra", RTPROT_ZEBRA, true},	    {"bird", RTPROT_BIRD, true},
	{"xorp", RTPROT_XORP, true},	    {"babel", RTPROT_BABEL, true},
	{"openr", RTPROT_OPENR, true},	    {"bgp", RTPROT_BGP, true},
	{"isis", RTPROT_ISIS, true},	    {"ospf", RTPROT_OSPF, true},
	{"rip", RTPROT_RIP, true},	    {"eigrp", RTPROT_EIGRP, true},
};

struct answer {
	bool seen;
	uint32_t ifindex, table;
	uint8_t protocol, type;
	struct prefix prefix;
};

static void attr_take(struct answer *a, const struct nlattr *attr)
{
	size_t size = a->prefix.family == 4 ? 4 : 16;

	switch (mnl_attr_get_type(attr)) {
	case RTA_OIF:
		if (mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
			a->ifindex = mnl_attr_get_u32(attr);
		break;
	case RTA_TABLE:
		if (mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
			a->table = mnl_attr_get_u32(attr);
		break;
	case RTA_DST:
		if (mnl_attr_get_payload_len(attr) == size)
			memcpy(a->prefix.bytes, mnl_attr_get_payload(attr), size);
		break;
	}
}

static int answer_message(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct answer *a = arg;
	const struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(nlh) < sizeof(*rtm))
		return MNL_CB_OK;
	a->seen = true;
	a->table = rtm->rtm_table;
	a->protocol = rtm->rtm_protocol;
	a->type = rtm->rtm_type;
	a->prefix.family = rtm->rtm_family == AF_INET ? 4 : 6;
	a->prefix.len = rtm->rtm_dst_len;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm)) attr_take(a, attr);
	return MNL_CB_OK;
}

/* src NULL: for what this box itself sends. */
static int ask(const struct ip_addr *dst, const struct ip_addr *src, uint32_t in, uint32_t mark,
	       uint32_t flags, struct answer *out)
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	size_t size = dst->family == 4 ? 4 : 16;
	struct rtmsg *rtm;
	int err;

	nlh->nlmsg_type = RTM_GETROUTE;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = dst->family == 4 ? AF_INET : AF_INET6;
	rtm->rtm_dst_len = (unsigned char)(size * 8);
	rtm->rtm_flags = RTM_F_LOOKUP_TABLE | flags;
	mnl_attr_put(nlh, RTA_DST, size, dst->bytes);
	if (src) {
		rtm->rtm_src_len = rtm->rtm_dst_len;
		mnl_attr_put(nlh, RTA_SRC, size, src->bytes);
		mnl_attr_put_u32(nlh, RTA_IIF, in);
	}
	mnl_attr_put_u32(nlh, RTA_MARK, mark);
	memset(out, 0, sizeof(*out));
	err = inspect_request(nlh, 0, answer_message, out);
	if (err)
		return err;
	return out->seen && out->type == RTN_UNICAST ? 0 : -ENETUNREACH;
}

int route_query_own(const struct ip_addr *dst, char interface[16])
{
	struct answer device;
	char name[IF_NAMESIZE];
	int err = ask(dst, NULL, 0, 0, 0, &device);

	if (err)
		return err;
	if (!if_indextoname(device.ifindex, name))
		return -ENODEV;
	snprintf(interface, 16, "%s", name);
	return 0;
}

static void protocol_tell(struct kernel_route *out, uint8_t number)
{
	snprintf(out->protocol, sizeof(out->protocol), "%u", number);
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (protocols[i].number == number) {
			snprintf(out->protocol, sizeof(out->protocol), "%s", protocols[i].name);
			out->learned = protocols[i].learned;
		}
}

int route_query(const struct ip_addr *dst, const struct ip_addr *src, uint32_t in, uint32_t mark,
		struct kernel_route *out)
{
	struct answer device, entry;
	char name[IF_NAMESIZE];
	int err = ask(dst, src, in, mark, 0, &device);

	if (!err)
		err = ask(dst, src, in, mark, RTM_F_FIB_MATCH, &entry);
	if (err)
		return err;
	if (!if_indextoname(device.ifindex, name))
		return -ENODEV;
	out->prefix = entry.prefix;
	out->table = entry.table == RT_TABLE_MAIN ? 0 : entry.table;
	out->own = entry.protocol == SW_RTPROT;
	protocol_tell(out, entry.protocol);
	memcpy(out->interface, name, sizeof(out->interface));
	return 0;
}
