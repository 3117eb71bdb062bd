/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ports: the interfaces that the config names, whether the kernel's are fit for it, and their
 * rows in the maps. Several paths may be on one interface, told apart by VLAN tags, or by the MACs
 * of their gateways.
 */
#include "daemon/daemon_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool same_segment(const struct edge_port *a, const struct edge_port *b)
{
	return a->role == SW_ROLE_PATH && b->role == SW_ROLE_PATH && !strcmp(a->name, b->name) &&
	       a->tags.all == b->tags.all;
}

/* Whether another path has the same interface and tags. */
static bool segment_shared(const struct daemon *d, const struct edge_port *port)
{
	for (size_t i = 0; i < d->n_ports; i++) {
		if (&d->port[i] != port && same_segment(&d->port[i], port))
			return true;
	}
	return false;
}

/* Whether the interfaces are as the config says. */
static int port_check(struct daemon *d, const struct edge_port *port, char err[DATAPATH_ERR])
{
	const char *what = port->role == SW_ROLE_PATH ? d->path[port->slot].cfg->name : "inside";
	const struct config_path *p;

	if (!port->present) {
		bool interface = !port->link.ifindex;

		snprintf(err, DATAPATH_ERR,
			 "%s: interface %s does not exist: make it, or correct `%s:`", what,
			 interface ? port->name : port->owner_name, interface ? "interface" : "l3");
		return -ENODEV;
	}
	if (port->link.l3 &&
	    (port->hook == CONFIG_HOOK_XDP || port->hook == CONFIG_HOOK_XDP_GENERIC)) {
		snprintf(
			err, DATAPATH_ERR,
			"%s: %s has no Ethernet header, its packets are moved by tc: leave `hook:` "
			"out, or give tc",
			what, port->name);
		d->config_wrong = true;
		return -EINVAL;
	}
	if (port->role != SW_ROLE_PATH)
		return 0;
	p = d->path[port->slot].cfg;
	if (port->link.l3 && (port->tags.all || segment_shared(d, port))) {
		snprintf(err, DATAPATH_ERR, "%s: %s has no Ethernet header: it can't have %s",
			 p->name, port->name,
			 port->tags.all ? "VLAN tags, leave `vlan:` out"
					: "two paths, give each an interface of its own");
		d->config_wrong = true;
		return -EINVAL;
	}
	if (port->link.l3)
		return 0;
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
		d->port[d->n_ports++] =
			(struct edge_port){.slot = d->path_ids[i],
					   .role = SW_ROLE_PATH,
					   .name = d->cfg->paths[i].interface,
					   .owner_name = config_l3(&d->cfg->paths[i]),
					   .hook = d->cfg->paths[i].hook,
					   .tags = d->cfg->paths[i].vlan};
	for (size_t i = 0; i < d->cfg->n_inside; i++)
		d->port[d->n_ports++] =
			(struct edge_port){.slot = SW_INSIDE_SLOT + i,
					   .role = SW_ROLE_INSIDE,
					   .name = d->cfg->inside[i].interface,
					   .owner_name = d->cfg->inside[i].interface,
					   .hook = d->cfg->inside[i].hook};
	return 0;
}

int edge_check(struct daemon *d, char err[DATAPATH_ERR])
{
	int ret = 0;

	for (size_t i = 0; i < d->n_ports && !ret; i++)
		ret = port_check(d, &d->port[i], err);
	return ret;
}

bool edge_port_look(struct edge_port *port, const struct link_info *link)
{
	bool interface = !strcmp(port->name, link->name);
	bool owner = !strcmp(port->owner_name, link->name);

	if (interface)
		port->link = *link;
	if (owner)
		port->owner = *link;
	port->present = port->link.ifindex && port->owner.ifindex;
	return interface || owner;
}

bool edge_port_lose(struct edge_port *port, uint32_t ifindex)
{
	bool interface = port->link.ifindex == ifindex, owner = port->owner.ifindex == ifindex;

	if (interface)
		port->link = (struct link_info){0};
	if (owner)
		port->owner = (struct link_info){0};
	port->present &= !interface && !owner;
	return interface || owner;
}

bool edge_port_leads(const struct daemon *d, const struct edge_port *port)
{
	for (const struct edge_port *p = port + 1; p < d->port + d->n_ports; p++) {
		if (p->present && !strcmp(p->name, port->name))
			return false;
	}
	return true;
}

static unsigned int tag_count(const struct edge_port *port)
{
	return (port->tags.vid[0] != 0) + (port->tags.vid[1] != 0);
}

/* A device takes one tag beyond its MTU; what the second takes goes from the packet. */
uint32_t edge_port_mtu(const struct edge_port *port)
{
	unsigned int tags = tag_count(port);
	uint32_t mtu = port->link.mtu - (tags ? (tags - 1) * 4 : 0);

	return port->owner.mtu < mtu ? port->owner.mtu : mtu;
}

/* Its row in map `ports`, which those have in common that are on one segment. */
static void segment_add(const struct edge_port *port, struct sw_port_key *keys,
			struct sw_port *rows, size_t *n)
{
	const struct sw_port_key key = {.ifindex = port->link.ifindex, .tags = port->tags};
	size_t i = 0;

	while (i < *n && memcmp(&keys[i], &key, sizeof(key)))
		i++;
	if (i == *n) {
		keys[i] = key;
		rows[i] = (struct sw_port){.slot = port->slot};
		memcpy(rows[i].mac, port->owner.mac, sizeof(rows[i].mac));
		++*n;
	}
	rows[i].paths |= 1ULL << port->slot;
	if (port->slot < rows[i].slot)
		rows[i].slot = port->slot;
}

/* The interface's own row, of all the ports that are on it. False: none is. */
static bool interface_row(const struct daemon *d, uint32_t ifindex, struct sw_interface *row)
{
	size_t n = 0;

	*row = (struct sw_interface){0};
	for (size_t i = 0; i < d->n_ports; i++) {
		const struct edge_port *port = &d->port[i];

		if (!port->present || port->link.ifindex != ifindex)
			continue;
		if (!n || port->slot < row->slot) {
			row->role = port->role;
			row->slot = port->slot;
		}
		row->l3 = port->link.l3;
		row->mtu = port->link.mtu;
		row->ports |= n > 0 || port->tags.all;
		if (tag_count(port) > row->tags)
			row->tags = tag_count(port);
		snprintf(row->name, sizeof(row->name), "%.15s", port->link.name);
		memcpy(row->mac, port->owner.mac, sizeof(row->mac));
		n++;
	}
	return n;
}

/*
 * The row of a device that has a path's addresses (`l3:`) and is not its interface: by this one
 * came, for TC egress, what came by the path. False: it is none.
 */
static bool owner_row(const struct daemon *d, uint32_t ifindex, struct sw_interface *row)
{
	*row = (struct sw_interface){.owner = 1};
	for (size_t i = 0; i < d->n_ports; i++) {
		const struct edge_port *port = &d->port[i];

		if (port->role != SW_ROLE_PATH || !port->present ||
		    port->owner.ifindex != ifindex || port->link.ifindex == ifindex ||
		    (row->role && port->slot > row->slot))
			continue;
		row->role = port->role;
		row->slot = port->slot;
		row->l3 = port->owner.l3;
		row->mtu = port->owner.mtu;
		snprintf(row->name, sizeof(row->name), "%.15s", port->owner.name);
		memcpy(row->mac, port->owner.mac, sizeof(row->mac));
	}
	return row->role;
}

/* All rows of map `ports`, and which of them are of interfaces that ask for it. */
int edge_interface_write(struct daemon *d, uint32_t ifindex)
{
	struct sw_port_key keys[SW_MAX_PATHS];
	struct sw_port rows[SW_MAX_PATHS];
	struct sw_interface row;
	size_t n = 0;
	int ret = 0;

	for (size_t i = 0; i < d->n_ports; i++) {
		const struct edge_port *port = &d->port[i];

		if (port->role == SW_ROLE_PATH && port->present &&
		    interface_row(d, port->link.ifindex, &row) && row.ports)
			segment_add(port, keys, rows, &n);
	}
	for (size_t i = 0; i < n && !ret; i++)
		ret = datapath_port_write(d->dp, &keys[i], &rows[i]);
	if (!ret && (interface_row(d, ifindex, &row) || owner_row(d, ifindex, &row)))
		ret = datapath_interface_write(d->dp, ifindex, &row);
	else if (!ret && ifindex)
		datapath_interface_remove(d->dp, ifindex);
	if (!ret)
		ret = datapath_ports_keep(d->dp, keys, n);
	return ret;
}

void edge_gateway_mac(struct daemon *d, struct edge_port *port, const uint8_t mac[6])
{
	if (port->role != SW_ROLE_PATH || !memcmp(port->gateway_mac, mac, 6))
		return;
	memcpy(port->gateway_mac, mac, 6);
	for (size_t i = 0; i < d->n_ports; i++) {
		const struct edge_port *other = &d->port[i];

		if (other != port && same_segment(other, port) &&
		    !memcmp(other->gateway_mac, mac, 6))
			daemon_log("paths %s and %s: their gateways on %s have one MAC: what comes "
				   "from it is taken for the first one's: give them VLANs or "
				   "interfaces of their own, or make them one path",
				   d->path[other->slot].cfg->name, d->path[port->slot].cfg->name,
				   port->owner_name);
	}
}
