/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Links, addresses and neighbours by rtnetlink (libmnl), in the network namespace of the daemon:
 * a dump at start, then news, all handed to one set of callbacks. Carrier of path interfaces is
 * also read every few milliseconds, since netlink may be a second late.
 */
#ifndef SAMEWAY_KERNEL_LINKS_H
#define SAMEWAY_KERNEL_LINKS_H

#include "core/prefix.h"
#include <net/if.h>

struct event_base;

struct link_info {
	uint32_t ifindex;
	char name[IFNAMSIZ];
	bool up; /* admin up and carrier */
	bool l3; /* no Ethernet header (ARPHRD other than Ether) */
	uint8_t mac[6];
	uint32_t mtu;
};

/*
 * All must be set; none may call links_stop. Each call is a change. What is told of an interface
 * lies between its `link` and its `link_gone`: addresses and neighbours are told gone before it,
 * and again after a rename (link_gone by the old name, link by the new).
 */
struct links_ops {
	void *arg;
	void (*link)(void *arg, const struct link_info *link); /* new or changed */
	void (*link_gone)(void *arg, uint32_t ifindex, const char *name);
	/*
	 * An address of this box; with its on-link prefix length and, IPv4, its broadcast (family
	 * 0: none).
	 */
	void (*address)(void *arg, uint32_t ifindex, const struct ip_addr *addr, uint8_t len,
			const struct ip_addr *broadcast, bool added);
	/* valid: has a MAC and is usable (REACHABLE, STALE, DELAY, PROBE, PERMANENT, NOARP) */
	void (*neighbor)(void *arg, uint32_t ifindex, const struct ip_addr *addr, bool valid,
			 const uint8_t mac[6]);
	/* News were lost (ENOBUFS) and everything was dumped again. */
	void (*resynced)(void *arg);
};

struct links;
/* Dumps (callbacks run before it returns), then follows on the loop. 0 or -errno. */
int links_start(struct links **out, struct event_base *base, const struct links_ops *ops);
void links_stop(struct links *links);

/*
 * Reads these interfaces' carrier every `period_ms` (replaces the list; n 0: none); a change is a
 * `link` call. up: where something else reads it and says it, e.g. the kernel's timer; stays the
 * caller's; NULL: the kernel is asked. -EINVAL: n without a period.
 */
struct links_carrier {
	uint32_t ifindex;
	const uint32_t *up;
};
int links_watch_carrier(struct links *links, const struct links_carrier *list, size_t n,
			unsigned int period_ms);
/*
 * Has the kernel resolve and keep fresh the neighbour (NTF_EXT_MANAGED, 5.16; NTF_USE before).
 * Kept until the interface is gone: asked for again by itself after a loss of carrier (which
 * deletes the entry), a flush, a failure; calling it again does no harm. An entry set by hand is
 * left alone.
 * 0 also where the link is down now; -ENODEV: no such interface; else what the kernel said, and it
 * is not kept.
 */
int links_manage_neighbor(struct links *links, uint32_t ifindex, const struct ip_addr *addr);
/* Undoes it: the entry becomes an ordinary one. -ENOENT: was not managed. */
int links_unmanage_neighbor(struct links *links, uint32_t ifindex, const struct ip_addr *addr);
/* The same for what an earlier daemon has left. -ENOENT: no such entry, or not managed. */
int links_release_neighbor(uint32_t ifindex, const struct ip_addr *addr);

/*
 * What redirected packets would pass by on this box: nftables or iptables chains with rules on the
 * forward, postrouting, prerouting, ingress or egress (netdev) hooks, xfrm policies (forward, out)
 * without an interface. `text` names the first found, and is untouched else. 1: found, 0: none,
 * -errno: could not be asked.
 */
int links_netfilter_found(char text[300]);
/*
 * The same for what TC egress moves: chains on the output hook. They were obeyed, with the device
 * that the kernel chose.
 */
int links_netfilter_output(char text[300]);
#define LINKS_XDP_FRAMES 1
#define LINKS_XDP_FRAGS	 2 /* multi-buffer ones, too */
/*
 * What XDP can redirect to the device (it has ndo_xdp_xmit, and its other end takes them): bits of
 * the above; 0: nothing, it would be lost without a trace. -EOPNOTSUPP: the kernel can't say
 * (before 6.3). Changes while a device lives (a veth's peer turns GRO on).
 */
int links_xdp_transmits(uint32_t ifindex);
/* The same for one of them: 0 nftables, 1 iptables of the old kind, 2 xfrm. */
int links_netfilter_look(int what, char text[300]);
/* Whether its driver is `veth`: frames between namespaces, whole ones of many packets. */
bool links_is_veth(const char *ifname);
/* The interface's carrier, read now: 1 or 0 (down, too), or -errno; -ENODEV: there is none. */
int links_carrier(const char *ifname);
/* The first nftables rule that writes bits of `mask` before the kernel routes; as netfilter_found.
 */
int links_netfilter_marks(uint32_t mask, char text[300]);
/* 1 where the kernel forwards packets of the family (sysctl), else 0. */
int links_forwarding(uint8_t family);
/* 1 where its answers carry the mark of what they answer (fwmark_reflect), of any family. */
int links_mark_reflect(void);

#endif
