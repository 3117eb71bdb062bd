/* SPDX-License-Identifier: GPL-2.0-only */
/* A path's row in map `paths`, and the bits of `ctl` that say which rows have more to read. */
#include "daemon/daemon_impl.h"

#include <stdio.h>
#include <string.h>

void edge_path_write(struct daemon *d, const struct edge_port *port)
{
	const struct config_path *cfg = d->path[port->slot].cfg;
	struct sw_path *row = &datapath_paths(d->dp)[port->slot];
	struct sw_ctl *c = datapath_ctl(d->dp);
	uint32_t mtu = edge_port_mtu(port);

	if (cfg->mtu && cfg->mtu < mtu)
		mtu = cfg->mtu;
	if (strcmp(row->name, cfg->name)) { /* another had the number */
		__atomic_store_n(&row->drained_until_ns, 0, __ATOMIC_RELEASE);
		row->changed_ns = 0;
		row->routes4 = row->routes6 = 0;
	}
	snprintf(row->name, sizeof(row->name), "%s", cfg->name);
	snprintf(row->circuit_name, sizeof(row->circuit_name), "%s", cfg->circuit);
	row->ifindex = port->link.ifindex;
	row->mtu = mtu;
	row->class = cfg->class;
	row->rank = config_rank(d->cfg, cfg->class);
	row->circuit = cfg->circuit_id;
	row->l3 = port->link.l3;
	__atomic_store_n(&row->weight, (uint8_t)cfg->weight, __ATOMIC_RELEASE);
	word_set(&c->weighted, port->slot, cfg->weight > 1);
	__atomic_store_n(&row->mss, (uint16_t)cfg->mss, __ATOMIC_RELEASE);
	word_set(&c->clamped, port->slot, cfg->mss);
	snprintf(datapath_path_counters(d->dp)[port->slot].name, SW_NAME_LEN, "%s", cfg->name);
	usable_families(d, port->slot);
}
