/* SPDX-License-Identifier: GPL-2.0-only */
/* One RTM_GETLINK; the far end is an attribute of its own in each kind of tunnel. */
#include "kernel/tunnel_end.h"
#include "kernel/inspect_internal.h"

#include <errno.h>
#include <net/if.h> /* before the kernel's own */

#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

struct kind {
	const char *name;
	uint16_t remote, remote6; /* attribute of IFLA_INFO_DATA; remote6 0: the same */
};

static const struct kind kinds[] = {
	{"gre", IFLA_GRE_REMOTE, 0},
	{"gretap", IFLA_GRE_REMOTE, 0},
	{"ip6gre", IFLA_GRE_REMOTE, 0},
	{"ip6gretap", IFLA_GRE_REMOTE, 0},
	{"ipip", IFLA_IPTUN_REMOTE, 0},
	{"sit", IFLA_IPTUN_REMOTE, 0},
	{"ip6tnl", IFLA_IPTUN_REMOTE, 0},
	{"vti", IFLA_VTI_REMOTE, 0},
	{"vti6", IFLA_VTI_REMOTE, 0},
	{"vxlan", IFLA_VXLAN_GROUP, IFLA_VXLAN_GROUP6},
	{"geneve", IFLA_GENEVE_REMOTE, IFLA_GENEVE_REMOTE6},
};

static const struct kind *kind_of(const struct nlattr *attr)
{
	if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) < 0)
		return NULL;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].name, mnl_attr_get_str(attr)))
			return &kinds[i];
	return NULL;
}

static void end_take(const struct kind *kind, const struct nlattr *data, struct ip_addr *out)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, data)
	{
		uint16_t type = mnl_attr_get_type(attr), len = mnl_attr_get_payload_len(attr);
		static const uint8_t none[16];

		if ((type != kind->remote && (!kind->remote6 || type != kind->remote6)) ||
		    (len != 4 && len != 16) || !memcmp(mnl_attr_get_payload(attr), none, len))
			continue;
		*out = (struct ip_addr){.family = len == 4 ? 4 : 6};
		memcpy(out->bytes, mnl_attr_get_payload(attr), len);
	}
}

static int link_message(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attr, *in, *data = NULL;
	const struct kind *kind = NULL;

	if (nlh->nlmsg_type != RTM_NEWLINK ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(struct ifinfomsg))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(struct ifinfomsg))
	{
		if (mnl_attr_get_type(attr) != IFLA_LINKINFO)
			continue;
		mnl_attr_for_each_nested(in, attr)
		{
			if (mnl_attr_get_type(in) == IFLA_INFO_KIND)
				kind = kind_of(in);
			else if (mnl_attr_get_type(in) == IFLA_INFO_DATA)
				data = in;
		}
	}
	if (kind && data)
		end_take(kind, data, arg);
	return MNL_CB_OK;
}

int tunnel_end(const char *interface, struct ip_addr *out)
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ip_addr end = {0};
	struct ifinfomsg *ifi;
	int err;

	nlh->nlmsg_type = RTM_GETLINK;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = (int)if_nametoindex(interface);
	if (!ifi->ifi_index)
		return -ENODEV;
	err = inspect_request(nlh, 0, link_message, &end);
	if (!err && !end.family)
		err = -ENOENT;
	if (!err)
		*out = end;
	return err;
}
