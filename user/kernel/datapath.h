/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The data plane as the daemon holds it: loaded or adopted, its maps, its hooks, its events.
 * Everything is pinned under /sys/fs/bpf/sameway/INSTANCE and lives on when the daemon ends.
 */
#ifndef SAMEWAY_KERNEL_DATAPATH_H
#define SAMEWAY_KERNEL_DATAPATH_H

#include "core/prefix.h"
#include "kernel/flow_table.h"

#define DATAPATH_ERR 400 /* size of the `err` buffers: "what is wrong: what to do" */

enum hook { HOOK_XDP, HOOK_XDP_GENERIC, HOOK_TC_INGRESS, HOOK_TC_EGRESS, HOOK_COUNT };
const char *hook_name(enum hook hook); /* xdp, xdp-generic, tc-ingress, tc-egress */

struct datapath;

/* Room of each family: records of flows, nodes of the FIB's tables. */
struct datapath_sizes {
	uint32_t flows4, flows6;
	uint32_t nodes4, nodes6;
};

/*
 * Loads the programs, making or adopting the pinned maps of the instance; attaches nothing. Mounts
 * bpffs where it is not (as bpftool does). On failure nothing is left that was not there before.
 * Errors with a message: -EPERM (not root), -ENOENT (no BTF), -ENODEV (bpffs can't be mounted),
 * -ESTALE (pinned maps of another version or size: detach first), and the verifier's.
 */
int datapath_open(struct datapath **out, const char *instance, const struct datapath_sizes *sizes,
		  char err[DATAPATH_ERR]);
/* Closes the daemon's handles; what is pinned stays. */
void datapath_close(struct datapath *dp);
/* True: maps (and maybe links) of an earlier daemon were found and taken over. */
bool datapath_adopted(const struct datapath *dp);
/* What the adoption found broken in the flow tables, and mended. */
const struct flow_repair *datapath_repaired(const struct datapath *dp);
/* Whether what it adopted had flow tables of another size: their flows are forgotten. */
bool datapath_flows_anew(const struct datapath *dp);
/* Whether the flow tables are of so many records. */
bool datapath_flows_are(const struct datapath *dp, uint32_t flows4, uint32_t flows6);
/* For a reload: what the maps hold counts as an earlier daemon's; events are opened anew. */
void datapath_readopt(struct datapath *dp);
/* Arms the kernel's timer (again, so that it runs this program's callback). */
int datapath_start_timer(struct datapath *dp);
/*
 * Has the kernel's redirect errors counted, until detach. -EOPNOTSUPP: this kernel does not take
 * the programs; else -errno.
 */
int datapath_trace(struct datapath *dp);

/* Mmapped maps. */
struct sw_ctl *datapath_ctl(struct datapath *dp);
struct sw_usable *datapath_usable(struct datapath *dp);
struct sw_path *datapath_paths(struct datapath *dp);		      /* SW_MAX_PATHS rows */
struct sw_group *datapath_groups(struct datapath *dp);		      /* SW_MAX_GROUPS rows */
struct sw_path_counters *datapath_path_counters(struct datapath *dp); /* for the names */
struct sw_verdict_row *datapath_verdicts(struct datapath *dp);	      /* SW_VERDICT_COUNT rows */
struct sw_rules *datapath_rules(struct datapath *dp);		      /* two rows */
struct sw_rule_names *datapath_rule_names(struct datapath *dp);	      /* two rows */
struct sw_bfd *datapath_bfd(struct datapath *dp);		      /* SW_MAX_PATHS rows */
struct sw_carrier *datapath_carrier(struct datapath *dp);	      /* SW_MAX_PATHS rows */
struct sw_probe *datapath_probes(struct datapath *dp);		      /* SW_MAX_PATHS rows */

/*
 * Has the kernel's timer read the carrier of a path's devices, which are in the caller's network
 * namespace: map `carrier`. 0; -ENODEV: one is not there (any more); -EOPNOTSUPP: this kernel
 * doesn't let it; or another -errno.
 */
int datapath_carrier_find(struct datapath *dp, unsigned int path, uint32_t ifindex,
			  uint32_t l3_ifindex);

/* The FIB's tables, as core/stride.h's set, clear and slice. */
int datapath_prefix_write(struct datapath *dp, const struct prefix *prefix, uint32_t group,
			  bool fresh);
int datapath_prefix_remove(struct datapath *dp, const struct prefix *prefix, uint8_t cover_len,
			   uint32_t cover_group);
bool datapath_prefix_slice(struct datapath *dp);
/*
 * What an earlier daemon left there: disjoint prefixes that answer as its own did, 0/0 aside. cb
 * may remove what it is shown, with no cover.
 */
typedef int (*datapath_prefix_cb)(void *arg, const struct prefix *prefix, uint32_t group);
int datapath_prefix_each(struct datapath *dp, datapath_prefix_cb cb, void *arg);
/* Returns when no program has a group's number that the tables no longer hold. 0 or -errno. */
int datapath_quiesce(struct datapath *dp);
struct datapath_nodes {
	uint32_t used4, used6;
};
struct datapath_nodes datapath_nodes(const struct datapath *dp);

int datapath_interface_write(struct datapath *dp, uint32_t ifindex, const struct sw_interface *row);
int datapath_interface_remove(struct datapath *dp, uint32_t ifindex);
/*
 * The device XDP redirects to for a slot; ifindex 0 removes. L3 devices never go in here. frags: it
 * takes multi-buffer frames.
 */
int datapath_device_write(struct datapath *dp, uint8_t slot, uint32_t ifindex, bool frags);
/* Rows of map `ports`; -ENOSPC: full. And all of its rows but these removed. */
int datapath_port_write(struct datapath *dp, const struct sw_port_key *key,
			const struct sw_port *row);
int datapath_ports_keep(struct datapath *dp, const struct sw_port_key *keys, size_t n);
/* How a slot's packets leave: the device; the one whose neighbours are asked, its MAC; VLAN tags.
 */
struct datapath_way {
	uint32_t ifindex, l3_ifindex;
	uint8_t mac[6];
	union sw_tags tags;
};
/*
 * family 4 or 6; addr family 0: no gateway, the way alone says where to (a host on the link, or a
 * device without MACs). Makes the programs ask again at once.
 */
int datapath_nexthop_write(struct datapath *dp, uint8_t slot, uint8_t family,
			   const struct datapath_way *way, const struct ip_addr *addr);
/*
 * The MAC of a link-local IPv6 gateway, which the programs can't ask the kernel for; NULL: it is
 * not known any more. -ENOENT: it is not the slot's gateway.
 */
int datapath_nexthop_mac(struct datapath *dp, uint8_t slot, const struct ip_addr *addr,
			 const uint8_t mac[6]);
int datapath_neighbor_write(struct datapath *dp, uint32_t ifindex, const struct ip_addr *addr,
			    const uint8_t mac[6]);
int datapath_neighbor_remove(struct datapath *dp, uint32_t ifindex, const struct ip_addr *addr);
/* Removes all neighbours of the interface (ifindex 0: of all). */
int datapath_neighbor_flush(struct datapath *dp, uint32_t ifindex);

/*
 * Attaches the hook's program to the interface and pins the link, or updates the program of the
 * link that is pinned (adoption). TC by tcx, by clsact before 6.6. A foreign XDP program:
 * -EBUSY, with its name and id in err. Native XDP not supported: -EOPNOTSUPP.
 */
int datapath_attach(struct datapath *dp, uint32_t ifindex, const char *ifname, enum hook hook,
		    char err[DATAPATH_ERR]);
/* Whether our XDP could go on: 0, or -EBUSY with the name of the foreign program in err. */
int datapath_xdp_check(struct datapath *dp, uint32_t ifindex, const char *ifname,
		       char err[DATAPATH_ERR]);
/* True: the interface runs what our pinned link attached (datapath_attached: some of the name). */
bool datapath_runs(const struct datapath *dp, uint32_t ifindex, const char *ifname, enum hook hook);
int datapath_unattach(struct datapath *dp, const char *ifname, enum hook hook);
bool datapath_attached(const struct datapath *dp, const char *ifname, enum hook hook);
/* Removes pinned hooks of interfaces that are not in the list (adoption under a new config). */
int datapath_prune(struct datapath *dp, const char *const *ifnames, size_t n);

/* Flow events: call datapath_events_consume when the fd is readable. */
typedef void (*datapath_event_cb)(void *arg, const struct sw_event *ev);
int datapath_events_open(struct datapath *dp, datapath_event_cb cb, void *arg);
int datapath_events_fd(const struct datapath *dp);
int datapath_events_consume(struct datapath *dp);

/* As flow_tables_remove(). */
long datapath_flows_remove(struct datapath *dp, const struct flow_ref *refs, size_t n);
/* Runs the `explain` program on the tuple; answers in place. 0 or -errno. */
int datapath_explain(struct datapath *dp, struct sw_explain *io);

/*
 * Removes everything of the instance: programs, links, filters, pins, its directory. Works without
 * a daemon and on half a set of pins. *removed: how many pins there were. 0 or -errno with err.
 */
int datapath_detach(const char *instance, size_t *removed, char err[DATAPATH_ERR]);

#endif
