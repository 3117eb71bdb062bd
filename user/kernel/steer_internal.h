/* SPDX-License-Identifier: GPL-2.0-only */
/* What the steer*.c files share. */
#ifndef SAMEWAY_KERNEL_STEER_INTERNAL_H
#define SAMEWAY_KERNEL_STEER_INTERNAL_H

#include "kernel/steer.h"
#include "kernel/steer_netlink.h"

/* Somebody's rule, or route in a table of the plan's: noted in the report if it is in the way. */
void steer_foreign_rule(const struct steer_plan *plan, const struct host_rule *rule,
			struct steer_report *report);
void steer_foreign_route(const struct steer_route *route, struct steer_report *report);

#endif
