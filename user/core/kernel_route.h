/* SPDX-License-Identifier: GPL-2.0-only */
/* The route that the kernel itself would take, by its rules and tables: what a cause is told of. */
#ifndef SAMEWAY_CORE_KERNEL_ROUTE_H
#define SAMEWAY_CORE_KERNEL_ROUTE_H

#include "core/prefix.h"

struct kernel_route {
	char interface[16];
	struct prefix prefix;
	char protocol[16]; /* who wrote it, as ip(8) names it */
	bool learned;	   /* that is a routing daemon, of what it has learned */
	uint32_t table;	   /* 0: main */

	/* Asked for what sameway marks, in kernel forwarding; the mark, and the bits that are its
	 */
	bool marked;
	uint32_t mark, mask;
	bool own;	  /* the route that sameway has for the mark */
	bool in_tables;	  /* the table is one of sameway's */
	uint32_t rule;	  /* priority of somebody's rule that leads there first, 0: not known */
	char writer[200]; /* own: who else writes the mark before the kernel routes; empty: unknown
			   */
};

#endif
