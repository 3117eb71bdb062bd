/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Carrier: tells the kernel's timer which devices are a path's (map `carrier`, bpf/carrier.h),
 * takes over what it has taken away, and follows what it says. Where the kernel lets no program
 * read its devices, this daemon asks for their carrier itself, and nobody does with it dead.
 */
#include "daemon/daemon_impl.h"

#include <errno.h>
#include <string.h>

void carrier_start(struct daemon *d)
{
	struct sw_ctl *c = datapath_ctl(d->dp);

	for (unsigned int id = 0; id < SW_MAX_PATHS; id++) {
		const struct config_path *cfg = d->path[id].cfg;
		struct sw_carrier *row = &datapath_carrier(d->dp)[id];

		if (!cfg || strcmp(datapath_paths(d->dp)[id].name, cfg->name)) {
			word_set(&c->carrier, id, false);
			memset(row, 0, sizeof(*row));
		}
		row->hold.delay_ns = d->cfg->failback_delay_ns;
	}
}

/* By the kernel's timer; where that can't be, `up` stays NULL. */
static void path_find(struct daemon *d, const struct edge_port *port, const uint32_t *up[2])
{
	struct sw_carrier *row = &datapath_carrier(d->dp)[port->slot];
	int ret = datapath_carrier_find(d->dp, port->slot, port->link.ifindex, port->owner.ifindex);

	up[0] = up[1] = NULL;
	if (!ret) {
		up[0] = &row->device[0].up;
		up[1] = &row->device[1].up;
		return;
	}
	if (ret != -ENODEV && !d->carrier_told) /* else it is gone by now: netlink will say so */
		daemon_log("the kernel's timer can't read carrier (%s): this daemon does, and with "
			   "it stopped or dead a lost link is seen by BFD alone",
			   strerror(-ret));
	d->carrier_told |= ret != -ENODEV;
}

int carrier_watch(struct daemon *d)
{
	struct links_carrier watched[SW_CARRIER_DEVICES * SW_MAX_PATHS];
	size_t n = 0;

	for (size_t i = 0; i < d->n_ports; i++) {
		const struct edge_port *port = &d->port[i];
		const uint32_t *up[SW_CARRIER_DEVICES];

		if (port->role != SW_ROLE_PATH || !port->present)
			continue;
		path_find(d, port, up);
		watched[n++] = (struct links_carrier){port->link.ifindex, up[0]};
		if (port->owner.ifindex != port->link.ifindex)
			watched[n++] = (struct links_carrier){port->owner.ifindex, up[1]};
	}
	return links_watch_carrier(d->links, watched, n, CARRIER_PERIOD_MS);
}

bool carrier_cut(struct daemon *d, unsigned int id)
{
	return __atomic_load_n(&datapath_carrier(d->dp)[id].hold.down, __ATOMIC_ACQUIRE);
}

void carrier_take(struct daemon *d, unsigned int id)
{
	__atomic_store_n(&datapath_carrier(d->dp)[id].hold.down, 0, __ATOMIC_RELEASE);
}
