/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Read-only access to an instance's pinned maps, for commands: works with no daemon running.
 */
#ifndef SAMEWAY_KERNEL_MAPS_H
#define SAMEWAY_KERNEL_MAPS_H

#include "kernel/datapath.h"

struct maps;
/* -ENOENT: the instance has no pins. */
int maps_open(struct maps **out, const char *instance, char err[DATAPATH_ERR]);
void maps_close(struct maps *maps);

int maps_ctl(struct maps *maps, struct sw_ctl *out);
/* The settings of each instance of this version that is pinned; stops as maps_interface_each. */
int maps_ctl_each(int (*cb)(void *arg, const char *instance, const struct sw_ctl *ctl), void *arg);
int maps_usable(struct maps *maps, struct sw_usable *out);
int maps_path(struct maps *maps, unsigned int id, struct sw_path *out);
int maps_bfd(struct maps *maps, unsigned int id, struct sw_bfd *out);
int maps_carrier(struct maps *maps, unsigned int id, struct sw_carrier *out);
int maps_probe(struct maps *maps, unsigned int id, struct sw_probe *out);
int maps_path_stats(struct maps *maps, unsigned int id,
		    struct sw_path_stats *out); /* CPUs summed */
int maps_nexthop(struct maps *maps, unsigned int slot, uint8_t family, struct sw_nexthop *out);
int maps_reasons(struct maps *maps, unsigned int slot, struct sw_reasons *out); /* CPUs summed */
int maps_redirect_errors(struct maps *maps, unsigned int slot,
			 struct sw_redirect_errors *out); /* CPUs summed */
/* False: this kernel does not tell of redirect errors, and the counts stay 0. */
bool maps_redirects_counted(const struct maps *maps);
int maps_health(struct maps *maps, struct sw_health *out); /* CPUs summed */
/* The interfaces map: calls cb for each; stops at the first non-zero, which it returns. */
int maps_interface_each(struct maps *maps,
			int (*cb)(void *arg, uint32_t ifindex, const struct sw_interface *row),
			void *arg);
/* All flow records, as flow_table_rows() and flow_table_each(); IPv4 first. */
int maps_flow_rows(struct maps *maps, flow_row_cb cb, void *arg);
/* The same in parts: zeroed at first, it goes on where cb stopped it. */
struct flow_place {
	uint32_t table, record;
};
int maps_flow_part(struct maps *maps, struct flow_place *place, flow_row_cb cb, void *arg);
int maps_flow_each(struct maps *maps, flow_cb cb, void *arg);
/* Room of each family. */
int maps_flows_max(struct maps *maps, struct datapath_sizes *out);
/* The programs' clock, as flow_tables_now(). */
int maps_flows_now(struct maps *maps, uint64_t *out);
/* The row of map `clock`; now_ns 0: it has not begun. */
int maps_clock(struct maps *maps, struct sw_clock *out);
/* How many nodes the FIB's tables have. */
int maps_nodes(struct maps *maps, uint32_t *nodes4, uint32_t *nodes6);
/*
 * Names of the policy rules, for flow_rule_name(): of those in force and of those before. Where no
 * rules are in force none has any.
 */
int maps_rule_names(struct maps *maps, struct sw_rule_names out[2]);
/* What rule n of the row (SW_RULES_ROW) has denied since its counter began; CPUs summed. */
int maps_rule_denied(struct maps *maps, uint32_t row, uint32_t n, struct sw_rule_denied *out);
/* The hooks that are pinned: interface name and hook, and whether the link still has its device. */
int maps_hook_each(const char *instance,
		   int (*cb)(void *arg, const char *ifname, enum hook hook, bool attached),
		   void *arg);

#endif
