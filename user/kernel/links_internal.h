/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of links share. links.c owns the sockets and the loop, links_parse.c turns
 * messages into news, links_state.c remembers what was told and tells what differs, carrier.c and
 * neighbor.c are the two things that are asked for actively. Nothing else includes this.
 *
 * One rule holds for whoever listens: all that is told of an interface (addresses, neighbours) lies
 * between its `link` and its `link_gone`. A rename is the end of one and the start of another.
 */
#ifndef SAMEWAY_KERNEL_LINKS_INTERNAL_H
#define SAMEWAY_KERNEL_LINKS_INTERNAL_H

#include "kernel/links.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <event2/event.h>
#include <libmnl/libmnl.h>

#define LINKS_NEIGHBOR_BUCKETS 4096
#define LINKS_BUFFER	       65536
#define LINKS_TEXT	       300

struct known_link {
	struct known_link *next;
	struct link_info heard; /* by the last message; its `up` is netlink's alone */
	struct link_info told;
	bool watched;
	const uint32_t *up; /* where its carrier is said, NULL: the kernel is asked */
	bool carrier;	    /* by the last reading; true where it is not watched */
	uint32_t mark;
};

struct known_address {
	struct known_address *next;
	uint32_t ifindex;
	struct ip_addr addr, broadcast;
	uint8_t len;
	uint32_t mark;
};

struct known_neighbor {
	struct known_neighbor *next;
	uint32_t ifindex;
	struct ip_addr addr;
	bool valid, fixed;
	uint8_t mac[6];
	uint32_t mark;
};

struct managed;

struct links {
	struct links_ops ops;
	struct event_base *base;
	struct mnl_socket *news;     /* multicast groups */
	struct mnl_socket *requests; /* neighbour requests and their acknowledgements */
	struct event *readable, *resync, *carrier_tick;
	int ioctl_fd;
	uint32_t seq;
	uint32_t mark; /* of the running or last dump: what does not carry it is gone */
	struct known_link *links;
	struct known_address *addresses;
	struct known_neighbor *neighbors[LINKS_NEIGHBOR_BUCKETS];
	struct managed *managed;
	struct links_carrier *watch;
	size_t n_watch;
	char buf[LINKS_BUFFER];
};

struct address_news {
	uint32_t ifindex;
	struct ip_addr addr, broadcast;
	uint8_t len;
	bool refused; /* duplicate address detection said that it is somebody else's */
};

struct neighbor_news {
	uint32_t ifindex;
	struct ip_addr addr;
	bool valid;   /* usable, mac is set */
	bool failed;  /* asked for and not answered */
	bool fixed;   /* set by hand (PERMANENT) or needs no asking (NOARP) */
	bool managed; /* the kernel says that it keeps it fresh */
	uint8_t mac[6];
};

/* Messages to news. 0, or -EINVAL where the message is malformed or not of our kind. */
int links_parse_link(const struct nlmsghdr *nlh, struct link_info *out);
int links_parse_address(const struct nlmsghdr *nlh, struct address_news *out);
int links_parse_neighbor(const struct nlmsghdr *nlh, struct neighbor_news *out);

/* News to callbacks. 0, or -ENOMEM: not remembered and not told, dump again later. */
int links_state_link(struct links *links, const struct link_info *news);
void links_state_link_gone(struct links *links, uint32_t ifindex);
int links_state_address(struct links *links, const struct address_news *news);
void links_state_address_gone(struct links *links, const struct address_news *news);
int links_state_neighbor(struct links *links, const struct neighbor_news *news);
void links_state_neighbor_gone(struct links *links, const struct neighbor_news *news);
/* Tells that everything is gone which the dump that just ended has not seen. */
void links_state_sweep(struct links *links);
void links_state_free(struct links *links);
/* Tells the link where it differs from what was told; after a change of carrier. */
void links_state_settle(struct links *links, struct known_link *link);
struct known_link *links_state_find(const struct links *links, uint32_t ifindex);
const struct known_neighbor *links_state_find_neighbor(const struct links *links, uint32_t ifindex,
						       const struct ip_addr *addr);

/* Whether, and how, the link's carrier is read, by the list of links_watch_carrier(). */
void carrier_list(const struct links *links, struct known_link *link);
/* Reads the carrier of a watched link into link->carrier; of one that is not: true. */
void carrier_refresh(struct links *links, struct known_link *link);
void carrier_free(struct links *links);

/* A managed neighbour's news; gone: the kernel has deleted the entry. */
void neighbor_heard(struct links *links, const struct neighbor_news *news, bool gone);
void neighbor_link_up(struct links *links, uint32_t ifindex);
void neighbor_link_gone(struct links *links, uint32_t ifindex);
void neighbor_free(struct links *links);

#define NETFILTER_TRIES 10 /* a dump that changes interrupt is begun again */
/* One dump on a socket of its own. -EINTR: interrupted by changes. */
int netfilter_dump(int bus, struct nlmsghdr *nlh, mnl_cb_t cb, void *arg);
/* A request of nftables in buf; family NFPROTO_*. */
struct nlmsghdr *netfilter_request(char *buf, uint16_t type, uint8_t family);
/* Its name where packets of ours could be concerned, else NULL. */
const char *netfilter_family(uint8_t family);

/* iptables of the old kind; as links_netfilter_found, output: as links_netfilter_output. */
int xtables_found(bool output, char text[LINKS_TEXT]);

#endif
