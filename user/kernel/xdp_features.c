/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a device can do for XDP, by the generic netlink family `netdev` (Linux 6.3). Its numbers are
 * the kernel's (linux/netdev.h), which Debian 12's headers do not have.
 */
#include "kernel/links.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <string.h>

#define NETDEV_DEV_GET		1
#define NETDEV_DEV_IFINDEX	1
#define NETDEV_DEV_XDP_FEATURES 3
#define NETDEV_XDP_ACT_NDO_XMIT 4
#define NETDEV_XDP_ACT_XMIT_SG	64
#define NETDEV_FAMILY_VERSION	1

struct found {
	uint16_t type; /* attribute looked for */
	uint64_t value;
	bool there;
};

static int attr_read(const struct nlmsghdr *nlh, void *arg)
{
	struct found *found = arg;
	struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
	{
		size_t len = mnl_attr_get_payload_len(attr);

		if (mnl_attr_get_type(attr) != found->type)
			continue;
		found->value = len == 2	  ? mnl_attr_get_u16(attr)
			       : len == 8 ? mnl_attr_get_u64(attr)
					  : 0;
		found->there = true;
	}
	return MNL_CB_OK;
}

/* Sends the request and reads one attribute of the answer. 0 or -errno. */
static int ask(struct mnl_socket *nl, struct nlmsghdr *nlh, struct found *found)
{
	char buf[8192];
	ssize_t n;
	int ret;

	nlh->nlmsg_seq = 1;
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (n < 0)
			return -errno;
		ret = mnl_cb_run(buf, (size_t)n, 1, mnl_socket_get_portid(nl), attr_read, found);
	} while (ret > MNL_CB_STOP);
	if (ret < 0)
		return -errno;
	return found->there ? 0 : -ENOENT;
}

static struct nlmsghdr *request(char *buf, uint16_t type, uint8_t cmd, uint8_t version)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	genl->cmd = cmd;
	genl->version = version;
	return nlh;
}

static int transmits(struct mnl_socket *nl, uint32_t ifindex)
{
	struct found family = {.type = CTRL_ATTR_FAMILY_ID};
	struct found features = {.type = NETDEV_DEV_XDP_FEATURES};
	char buf[1024];
	struct nlmsghdr *nlh = request(buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1);
	int ret;

	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, "netdev");
	ret = ask(nl, nlh, &family);
	if (ret)
		return ret == -ENOENT ? -EOPNOTSUPP : ret;
	nlh = request(buf, (uint16_t)family.value, NETDEV_DEV_GET, NETDEV_FAMILY_VERSION);
	mnl_attr_put_u32(nlh, NETDEV_DEV_IFINDEX, ifindex);
	ret = ask(nl, nlh, &features);
	if (ret || !(features.value & NETDEV_XDP_ACT_NDO_XMIT))
		return ret;
	return features.value & NETDEV_XDP_ACT_XMIT_SG ? LINKS_XDP_FRAMES | LINKS_XDP_FRAGS
						       : LINKS_XDP_FRAMES;
}

int links_xdp_transmits(uint32_t ifindex)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	int ret;

	if (!nl)
		return -errno;
	ret = mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) ? -errno : transmits(nl, ifindex);
	mnl_socket_close(nl);
	return ret;
}
