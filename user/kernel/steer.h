/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules and routes by which the kernel sends a marked packet by its path: for each path and family
 * a rule `fwmark VALUE/MASK lookup TABLE` and in that table one default route. Priority and table
 * are `tables` plus the path's id; all of them carry the protocol SW_RTPROT. Behind a VPN's route
 * there is an unreachable one, which stays when the device goes: nothing leaves in clear.
 */
#ifndef SAMEWAY_KERNEL_STEER_H
#define SAMEWAY_KERNEL_STEER_H

#include "core/prefix.h"
#include "sameway/abi.h"

#define STEER_TEXT    200
#define STEER_FOREIGN 8	  /* of others that are told of, at most */
#define STEER_LINE    320 /* "what: what to do" */

struct steer_path {
	uint8_t id;
	uint32_t ifindex; /* 0: not there, or down: the rule alone */
	bool l3;
	bool vpn;
	struct ip_addr via[2]; /* IPv4, IPv6; family 0: none */
	uint32_t mtu;	       /* less than the device's, 0: as the device */
};

struct steer_plan {
	uint32_t tables, mask;
	struct steer_path path[SW_MAX_PATHS];
	size_t n;
};

struct steer_report {
	size_t put;	       /* rules and routes that were missing or wrong, and are right now */
	char what[STEER_TEXT]; /* the first of them */
	uint64_t paths;	       /* whose they are, a bit an id */
	int err;	       /* of the first that could not be put, -errno */
	char failed[STEER_TEXT]; /* which that is */
	/* somebody's rules and routes that take what is marked for a path, or ask for the bits */
	char foreign[STEER_FOREIGN][STEER_LINE];
	size_t n_foreign;
};

/*
 * Puts what the plan wants and is not there. prune: removes what else of ours is in the plan's
 * range. 0, or -errno: the kernel could not be asked; what it refused is in the report.
 */
int steer_sync(const struct steer_plan *plan, bool prune, struct steer_report *report);
/* Whether somebody else has a priority or a table of the range: 1 with its name, 0, -errno. */
int steer_taken(uint32_t tables, char text[STEER_TEXT]);
/* Removes all of ours in the range. 0 or -errno. */
int steer_clear(uint32_t tables);

/*
 * steer_foreign.c. The priority of somebody's rule ahead of `before` that sends a packet from src
 * to dst, that came by `iif` and has this mark, to `table` (0: main); 0: none was found.
 */
uint32_t steer_rule_ahead(const struct ip_addr *dst, const struct ip_addr *src, const char *iif,
			  uint32_t mark, uint32_t table, uint32_t before);

#endif
