/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a box looks like, as kernel/inspect.h gathers it: links with what hangs on them, addresses,
 * neighbours, routes, rules. `doctor` and `init` judge it; both are pure.
 */
#ifndef SAMEWAY_CORE_HOST_H
#define SAMEWAY_CORE_HOST_H

#include "core/prefix.h"

#define HOST_NAME 16 /* of an interface, with its end */
#define HOST_TEXT 300

/* The other end of a veth pair, where its namespace can be entered. */
struct host_peer {
	bool seen;
	char name[HOST_NAME];
	bool gro, tx_checksum, tx_vlan, xdp;
};

struct host_link {
	uint32_t ifindex;
	char name[HOST_NAME];
	char kind[HOST_NAME];  /* of rtnetlink: veth, bond, bridge, tun; empty: hardware */
	char driver[32];       /* empty: it has none, or does not say */
	char qdisc[HOST_NAME]; /* one that shapes, empty: none */
	char xdp_name[HOST_NAME];
	uint32_t xdp_id; /* program on it, 0: none */
	bool xdp_ours;	 /* of this instance */
	bool up, carrier, l3, loopback;
	bool rx_vlan;	   /* takes VLAN tags out of what it receives */
	int xdp_transmits; /* above 0: XDP can redirect to it, 0: not, negative: the kernel can't
			      say */
	uint32_t mtu;
	uint32_t master;      /* ifindex, 0: none */
	uint32_t lower;	      /* ifindex of what it is on, of a veth its peer; 0: none */
	bool lower_elsewhere; /* in another namespace */
	int32_t nsid;	      /* whose number here is this, -1: it has none */
	int rp_filter;	      /* in effect, 0..2 */
	bool forwarding4, forwarding6;
	struct host_peer peer;
};

struct host_address {
	uint32_t ifindex;
	struct ip_addr addr;
	uint8_t len;
};

struct host_neighbor {
	uint32_t ifindex;
	struct ip_addr addr;
	bool valid;
};

struct host_route {
	struct prefix dst;
	struct ip_addr via; /* family 0: on the link */
	uint32_t ifindex;
	uint8_t protocol; /* RTPROT_* */
};

/* A row of `ip rule`. */
struct host_rule {
	uint8_t family, protocol;
	uint32_t priority, table, mark, mask;
	struct prefix from, to; /* family 0: of any */
	char iif[HOST_NAME];	/* it came by, empty: by any */
	bool inverted;		/* `not` */
	bool more;		/* it asks for something else, too */
	bool harmless;		/* leads nowhere, or to what is local, or to a VRF's own table */
};

/* A route table, not main nor local, that somebody else than sameway has routes in. */
struct host_table {
	uint8_t family;
	uint32_t table;
};

struct host {
	struct host_link *links;
	size_t n_links;
	struct host_address *addresses;
	size_t n_addresses;
	struct host_neighbor *neighbors;
	size_t n_neighbors;
	struct host_route *routes; /* of the main table, unicast */
	size_t n_routes;
	struct host_rule *rules; /* but for the kernel's three */
	size_t n_rules;
	struct host_table *tables;
	size_t n_tables;
	bool mark_reflect;	       /* the kernel's answers carry the mark of what they answer */
	bool forwarding4, forwarding6; /* of all interfaces */
};

/* Whether the rule asks for nothing but a mark, or for nothing at all. */
bool host_rule_broad(const struct host_rule *rule);
/* Whether it lets a packet of this mark pass, as far as the mark goes. */
bool host_rule_takes(const struct host_rule *rule, uint32_t mark);
/* NULL: there is none. */
const struct host_link *host_link(const struct host *host, const char *name);
const struct host_link *host_link_by_index(const struct host *host, uint32_t ifindex);
/* The first address of the family on the interface; link-local ones do not count. */
const struct host_address *host_address(const struct host *host, uint32_t ifindex, uint8_t family);
bool host_is_own(const struct host *host, const struct ip_addr *addr);
/* True: the neighbour has a MAC. */
bool host_neighbor_valid(const struct host *host, uint32_t ifindex, const struct ip_addr *addr);
void host_free(struct host *host);

#endif
