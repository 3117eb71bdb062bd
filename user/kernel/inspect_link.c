/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What rtnetlink does not tell of a link: driver and offloads by ethtool's ioctls, its XDP program,
 * its sysctls, and the other end of a veth pair. That may be in another network namespace; it is
 * entered for the look where a file names it (/run/netns, /run/docker/netns, that of process 1).
 */
#include "kernel/inspect_internal.h"

#include "kernel/links.h"
#include "kernel/maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <linux/ethtool.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* An ethtool command; 0 or -errno. */
static int ethtool(int fd, const char *name, void *command)
{
	struct ifreq req = {.ifr_data = command};

	memcpy(req.ifr_name, name, strnlen(name, sizeof(req.ifr_name) - 1));
	return ioctl(fd, SIOCETHTOOL, &req) < 0 ? -errno : 0;
}

static uint32_t ethtool_value(int fd, const char *name, uint32_t command)
{
	struct ethtool_value value = {.cmd = command};

	return ethtool(fd, name, &value) ? 0 : value.data;
}

static uint32_t xdp_program(uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, opts);

	if (bpf_xdp_query((int)ifindex, 0, &opts))
		return 0;
	if (opts.drv_prog_id)
		return opts.drv_prog_id;
	if (opts.skb_prog_id)
		return opts.skb_prog_id;
	return opts.hw_prog_id ? opts.hw_prog_id : opts.prog_id;
}

static void program_name(uint32_t id, char name[HOST_NAME])
{
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &info, &len))
		memcpy(name, info.name, HOST_NAME - 1);
	close(fd);
}

/* Looks at the peer; the namespace that we are in is the peer's. */
static void peer_look(struct host_link *link)
{
	struct host_peer *peer = &link->peer;
	struct ifreq req = {.ifr_ifindex = (int)link->lower};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	if (!ioctl(fd, SIOCGIFNAME, &req)) {
		memcpy(peer->name, req.ifr_name, sizeof(peer->name) - 1);
		peer->gro = ethtool_value(fd, peer->name, ETHTOOL_GGRO);
		peer->tx_checksum = ethtool_value(fd, peer->name, ETHTOOL_GTXCSUM);
		peer->tx_vlan = ethtool_value(fd, peer->name, ETHTOOL_GFLAGS) & ETH_FLAG_TXVLAN;
		peer->xdp = xdp_program(link->lower);
		peer->seen = true;
	}
	close(fd);
}

static int nsid_message(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWNSID)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(struct rtgenmsg))
	{
		if (mnl_attr_get_type(attr) == NETNSA_NSID &&
		    mnl_attr_get_payload_len(attr) == sizeof(int32_t))
			memcpy(arg, mnl_attr_get_payload(attr), sizeof(int32_t));
	}
	return MNL_CB_OK;
}

/* The number that our namespace has for the one behind fd, -1: none. */
static int32_t nsid_of(int ns)
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	int32_t id = -1;

	nlh->nlmsg_type = RTM_GETNSID;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct rtgenmsg));
	mnl_attr_put_u32(nlh, NETNSA_FD, (uint32_t)ns);
	return inspect_request(nlh, 0, nsid_message, &id) ? -1 : id;
}

/* True: this file is the peer's namespace, and was looked into. */
static bool peer_try(struct host_link *link, int home, const char *path)
{
	int ns = open(path, O_RDONLY | O_CLOEXEC);
	bool found = false;

	if (ns < 0)
		return false;
	found = nsid_of(ns) == link->nsid;
	if (found && !setns(ns, CLONE_NEWNET)) {
		peer_look(link);
		if (setns(home, CLONE_NEWNET)) /* all that follows would be of another box */
			link->peer.seen = false;
	}
	close(ns);
	return found;
}

static bool peer_try_directory(struct host_link *link, int home, const char *directory)
{
	DIR *dir = opendir(directory);
	const struct dirent *entry;
	bool found = false;
	char path[512];

	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		found = peer_try(link, home, path);
	}
	closedir(dir);
	return found;
}

static void peer_find(struct host_link *link)
{
	int home;

	if (!link->lower_elsewhere) {
		peer_look(link);
		return;
	}
	if (link->nsid < 0)
		return;
	home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home < 0)
		return;
	if (!peer_try_directory(link, home, "/run/netns") &&
	    !peer_try_directory(link, home, "/run/docker/netns"))
		peer_try(link, home, "/proc/1/ns/net");
	close(home);
}

static int sysctl_number(const char *family, const char *name, const char *key)
{
	char path[128];
	int value = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family, name, key);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%d", &value) != 1)
		value = 0;
	fclose(file);
	return value;
}

struct ours {
	const char *name;
	bool found;
};

static int hook_seen(void *arg, const char *ifname, enum hook hook, bool attached)
{
	struct ours *ours = arg;

	if ((hook == HOOK_XDP || hook == HOOK_XDP_GENERIC) && attached &&
	    !strcmp(ifname, ours->name))
		ours->found = true;
	return 0;
}

static void xdp_look(struct host_link *link, const char *instance)
{
	struct ours ours = {.name = link->name};

	link->xdp_id = xdp_program(link->ifindex);
	if (!link->xdp_id)
		return;
	program_name(link->xdp_id, link->xdp_name);
	maps_hook_each(instance, hook_seen, &ours);
	link->xdp_ours = ours.found && !strncmp(link->xdp_name, "sw_", 3);
}

void inspect_link_details(struct host_link *link, const char *instance)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int all = sysctl_number("ipv4", "all", "rp_filter");

	if (fd >= 0) {
		if (!ethtool(fd, link->name, &info))
			memcpy(link->driver, info.driver, sizeof(link->driver) - 1);
		link->rx_vlan = ethtool_value(fd, link->name, ETHTOOL_GFLAGS) & ETH_FLAG_RXVLAN;
		close(fd);
	}
	link->rp_filter = sysctl_number("ipv4", link->name, "rp_filter");
	if (all > link->rp_filter)
		link->rp_filter = all;
	link->forwarding4 = sysctl_number("ipv4", link->name, "forwarding");
	link->forwarding6 = sysctl_number("ipv6", link->name, "forwarding");
	xdp_look(link, instance);
	link->xdp_transmits = links_xdp_transmits(link->ifindex);
	if (!strcmp(link->kind, "veth"))
		peer_find(link);
}
