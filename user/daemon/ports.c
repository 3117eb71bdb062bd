/* SPDX-License-Identifier: GPL-2.0-only */
/* The ports: the interfaces that the config names, and whether the kernel's are fit for it. */
#include "daemon/daemon_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Whether the interfaces are as the config says. */
static int port_check(struct daemon *d, const struct edge_port *port, char err[DATAPATH_ERR])
{
	const char *what = port->role == SW_ROLE_PATH ? d->path[port->slot].cfg->name : "inside";
	const struct config_path *p;

	if (!port->present) {
		snprintf(err, DATAPATH_ERR,
			 "%s: interface %s does not exist: make it, or correct `interface:`", what,
			 port->name);
		return -ENODEV;
	}
	if (port->role != SW_ROLE_PATH || port->link.l3)
		return 0;
	p = d->path[port->slot].cfg;
	if (!p->gateway.family && !p->gateway6.family) {
		snprintf(err, DATAPATH_ERR,
			 "%s: %s is an Ethernet device: give the path a `gateway:` or `gateway6:`",
			 p->name, port->name);
		d->config_wrong = true;
		return -EINVAL;
	}
	if (p->class == SW_CLASS_VPN && !p->encrypted && d->cfg->mode == SW_MODE_ENFORCE) {
		snprintf(err, DATAPATH_ERR,
			 "%s: a VPN on the Ethernet device %s would leave in clear: say "
			 "`encrypted: true` if ESP is made elsewhere, or name the tunnel's device",
			 p->name, port->name);
		d->config_wrong = true;
		return -EINVAL;
	}
	return 0;
}

int edge_ports_make(struct daemon *d)
{
	d->port = calloc(d->cfg->n_paths + d->cfg->n_inside, sizeof(*d->port));
	if (!d->port)
		return -ENOMEM;
	for (size_t i = 0; i < d->cfg->n_paths; i++)
		d->port[d->n_ports++] = (struct edge_port){.slot = d->path_ids[i],
							   .role = SW_ROLE_PATH,
							   .name = d->cfg->paths[i].interface};
	for (size_t i = 0; i < d->cfg->n_inside; i++)
		d->port[d->n_ports++] = (struct edge_port){.slot = SW_INSIDE_SLOT + i,
							   .role = SW_ROLE_INSIDE,
							   .name = d->cfg->inside[i].interface};
	return 0;
}

int edge_check(struct daemon *d, char err[DATAPATH_ERR])
{
	int ret = 0;

	for (size_t i = 0; i < d->n_ports && !ret; i++)
		ret = port_check(d, &d->port[i], err);
	return ret;
}
