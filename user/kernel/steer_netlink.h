/* SPDX-License-Identifier: GPL-2.0-only */
/* The messages of steer.c: rules and routes of the kernel, asked for, added, deleted. */
#ifndef SAMEWAY_KERNEL_STEER_NETLINK_H
#define SAMEWAY_KERNEL_STEER_NETLINK_H

#include "core/host.h"

#include <libmnl/libmnl.h>

#define STEER_RULES 256 /* of ours that are looked at in one range */

/* A default route of ours, or what is to be one; parsed: any. */
struct steer_route {
	uint8_t family, protocol;
	uint32_t table, ifindex;
	struct prefix dst;  /* parsed */
	struct ip_addr via; /* family 0: none */
	uint32_t mtu;	    /* locked, 0: none */
	bool plain;	    /* parsed: a unicast default route with one next hop */
	bool unreachable;   /* a default route to nowhere, behind all others; no more than that */
};

typedef int (*steer_rule_cb)(void *arg, const struct host_rule *rule);
typedef int (*steer_route_cb)(void *arg, const struct steer_route *route);

/* A message of RTM_NEWRULE. False: it is none. */
bool steer_rule_parse(const struct nlmsghdr *nlh, struct host_rule *out);
/* NULL: errno. */
struct mnl_socket *steer_open(void);
/* The callbacks end a dump by a value below 0. 0 or -errno; a family without support has none. */
int steer_rules(struct mnl_socket *nl, uint8_t family, steer_rule_cb cb, void *arg);
int steer_routes(struct mnl_socket *nl, uint8_t family, uint32_t table, steer_route_cb cb,
		 void *arg);
/* 0 or -errno; -EEXIST: was there. */
int steer_rule_put(struct mnl_socket *nl, const struct host_rule *rule);
int steer_rule_drop(struct mnl_socket *nl, const struct host_rule *rule);
/* Replaces the table's default route, of the two kinds. */
int steer_route_put(struct mnl_socket *nl, const struct steer_route *route);
/* A route of the table with the protocol; unreachable: of that kind. */
int steer_route_drop(struct mnl_socket *nl, const struct steer_route *route);

#endif
