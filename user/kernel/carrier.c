/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Carrier, read and not waited for. The kernel tells of a lost carrier at most once a second where
 * the device is not stacked on another (all real NICs, TAP: measured), so a path's cut can
 * be news that come 0.9 s late. The ioctls tell at once: ETHTOOL_GLINK asks the driver, the flags
 * say what the kernel has made of it. Down where either says so. Never sysfs: under nsenter it
 * shows another namespace's devices. Paths' interfaces are read by the kernel's timer already,
 * where the kernel lets it (bpf/carrier.h); then what it says is all that is read here.
 */
#include "kernel/links_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* 1 or 0, or -errno: it is gone or renamed. */
static int carrier_read(int fd, const char *ifname)
{
	struct ethtool_value glink = {.cmd = ETHTOOL_GLINK};
	struct ifreq req = {0};
	bool flags_up;

	memcpy(req.ifr_name, ifname, strnlen(ifname, sizeof(req.ifr_name) - 1));
	if (ioctl(fd, SIOCGIFFLAGS, &req) < 0)
		return -errno;
	flags_up = (req.ifr_flags & IFF_UP) && (req.ifr_flags & IFF_RUNNING);
	req.ifr_data = (void *)&glink;
	/* A driver that can't say (-EOPNOTSUPP) leaves it to the flags. */
	if (ioctl(fd, SIOCETHTOOL, &req) < 0)
		glink.data = 1;
	return flags_up && glink.data;
}

int links_carrier(const char *ifname)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret;

	if (fd < 0)
		return -errno;
	ret = carrier_read(fd, ifname);
	close(fd);
	return ret;
}

bool links_is_veth(const char *ifname)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq req = {.ifr_data = (void *)&info};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is;

	if (fd < 0)
		return false;
	memcpy(req.ifr_name, ifname, strnlen(ifname, sizeof(req.ifr_name) - 1));
	is = !ioctl(fd, SIOCETHTOOL, &req) && !strcmp(info.driver, "veth");
	close(fd);
	return is;
}

void carrier_list(const struct links *links, struct known_link *link)
{
	link->watched = false;
	link->up = NULL;
	for (size_t i = 0; i < links->n_watch && !link->watched; i++) {
		if (links->watch[i].ifindex != link->heard.ifindex)
			continue;
		link->watched = true;
		link->up = links->watch[i].up;
	}
}

void carrier_refresh(struct links *links, struct known_link *link)
{
	int carrier = 1;

	if (link->up)
		carrier = !!__atomic_load_n(link->up, __ATOMIC_ACQUIRE);
	else if (link->watched)
		carrier = carrier_read(links->ioctl_fd, link->heard.name);
	if (carrier >= 0) /* else netlink is about to say so, and knows better */
		link->carrier = carrier;
}

static void tick(evutil_socket_t fd, short what, void *arg)
{
	struct links *links = arg;

	(void)fd;
	(void)what;
	for (struct known_link *k = links->links; k; k = k->next) {
		if (!k->watched)
			continue;
		carrier_refresh(links, k);
		links_state_settle(links, k);
	}
}

int links_watch_carrier(struct links *links, const struct links_carrier *list, size_t n,
			unsigned int period_ms)
{
	struct timeval period = {.tv_sec = period_ms / 1000,
				 .tv_usec = (suseconds_t)(period_ms % 1000) * 1000};
	struct event *timer = NULL;
	struct links_carrier *watch = NULL;

	if (n) {
		if (!period_ms)
			return -EINVAL;
		watch = calloc(n, sizeof(*watch));
		timer = event_new(links->base, -1, EV_PERSIST, tick, links);
		if (!watch || !timer || event_add(timer, &period) < 0) {
			free(watch);
			if (timer)
				event_free(timer);
			return -ENOMEM;
		}
		memcpy(watch, list, n * sizeof(*watch));
	}
	carrier_free(links);
	links->watch = watch;
	links->n_watch = n;
	links->carrier_tick = timer;
	for (struct known_link *k = links->links; k; k = k->next) {
		carrier_list(links, k); /* as it is now: a callback may have replaced it */
		carrier_refresh(links, k);
		links_state_settle(links, k);
	}
	return 0;
}

void carrier_free(struct links *links)
{
	if (links->carrier_tick)
		event_free(links->carrier_tick);
	links->carrier_tick = NULL;
	free(links->watch);
	links->watch = NULL;
	links->n_watch = 0;
}
