/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The edge as the kernel has it: which of our interfaces are there, their rows in the maps, their
 * hooks, the gateways' neighbours.
 */
#include "daemon/daemon_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct edge_port *edge_port_of(struct daemon *d, uint8_t slot)
{
	for (size_t i = 0; i < d->n_ports; i++) {
		if (d->port[i].slot == slot)
			return &d->port[i];
	}
	return NULL;
}

static const struct config_inside *inside_of(const struct daemon *d, const struct edge_port *port)
{
	return &d->cfg->inside[port->slot - SW_INSIDE_SLOT];
}

static void gateways_of(const struct daemon *d, const struct edge_port *port,
			const struct ip_addr **v4, const struct ip_addr **v6)
{
	if (port->role == SW_ROLE_PATH) {
		*v4 = &d->path[port->slot].cfg->gateway;
		*v6 = &d->path[port->slot].cfg->gateway6;
	} else {
		*v4 = &inside_of(d, port)->gateway;
		*v6 = &inside_of(d, port)->gateway6;
	}
}

static struct datapath_way way_of(const struct edge_port *port)
{
	struct datapath_way way = {.ifindex = port->link.ifindex,
				   .l3_ifindex = port->owner.ifindex,
				   .tags = port->tags};

	memcpy(way.mac, port->owner.mac, sizeof(way.mac));
	return way;
}

/* What the maps say of an interface that is there. 0 or -errno. */
static int port_write(struct daemon *d, const struct edge_port *port)
{
	const struct ip_addr *gateway, *gateway6, none = {0};
	const struct datapath_way way = way_of(port);
	int ret;

	if (port->role == SW_ROLE_PATH)
		edge_path_write(d, port);
	gateways_of(d, port, &gateway, &gateway6);
	ret = datapath_nexthop_write(d->dp, port->slot, 4, &way, port->link.l3 ? &none : gateway);
	if (!ret)
		ret = datapath_nexthop_write(d->dp, port->slot, 6, &way,
					     port->link.l3 ? &none : gateway6);
	if (!ret)
		ret = edge_interface_write(d, port->link.ifindex);
	if (!ret && port->owner.ifindex != port->link.ifindex)
		ret = edge_interface_write(d, port->owner.ifindex);
	daemon_changed(d);
	return ret;
}

/*
 * What XDP may send to it: what it can't transmit is lost without a trace, and left to TC. Before
 * Linux 6.3 the kernel can't say, and redirects no frame of several buffers; then a device with
 * native XDP is taken for one that can.
 */
static int port_transmits(const struct daemon *d, const struct edge_port *port)
{
	int ret = port->link.l3 ? 0 : links_xdp_transmits(port->link.ifindex);

	if (ret >= 0)
		return ret;
	return datapath_attached(d->dp, port->name, HOOK_XDP) ? LINKS_XDP_FRAMES : 0;
}

static void port_device_update(struct daemon *d, struct edge_port *port)
{
	int takes = port_transmits(d, port);
	uint32_t ifindex = takes ? port->link.ifindex : 0;
	bool frags = takes & LINKS_XDP_FRAGS;

	if (port->device_known && ifindex == port->device && frags == port->device_frags)
		return;
	if (port->device_known && ifindex != port->device && !port->link.l3 &&
	    edge_port_leads(d, port))
		daemon_log("%s %s", port->name,
			   ifindex ? "takes what XDP redirects now"
				   : "takes nothing from XDP any more: tc moves its packets");
	if (!datapath_device_write(d->dp, port->slot, ifindex, frags)) {
		port->device = ifindex;
		port->device_frags = frags;
		port->device_known = true;
	}
}

void edge_tick(struct daemon *d)
{
	for (size_t i = 0; i < d->n_ports; i++) {
		if (d->port[i].present)
			port_device_update(d, &d->port[i]);
	}
}

static void port_manage_gateways(struct daemon *d, const struct edge_port *port)
{
	const struct ip_addr *gateway[2];
	char text[IP_STRLEN];

	gateways_of(d, port, &gateway[0], &gateway[1]);
	for (int i = 0; i < 2; i++) {
		int ret;

		if (!gateway[i]->family || port->link.l3)
			continue;
		ret = links_manage_neighbor(d->links, port->owner.ifindex, gateway[i]);
		if (ret)
			daemon_log("gateway %s on %s can't be kept resolved (%s): its packets go "
				   "by the kernel until it is",
				   ip_format(gateway[i], text), port->owner_name, strerror(-ret));
	}
}

/* TC: resets nothing, so there is no order to keep. */
static int port_attach(struct daemon *d, const struct edge_port *port, char err[DATAPATH_ERR])
{
	uint32_t ifindex = port->link.ifindex;
	int ret;

	ret = datapath_attach(d->dp, ifindex, port->name, HOOK_TC_INGRESS, err);
	if (!ret && port->role == SW_ROLE_PATH)
		ret = datapath_attach(d->dp, ifindex, port->name, HOOK_TC_EGRESS, err);
	return ret;
}

/* An interface that came (back), or changed, after the start. */
static void port_appeared(struct daemon *d, struct edge_port *port)
{
	char err[DATAPATH_ERR];
	int ret = port_write(d, port);

	if (ret)
		daemon_log("%s: its rows can't be written (%s): start again", port->name,
			   strerror(-ret));
	if (port_attach(d, port, err))
		daemon_log("%s", err);
	attach_one(d, port);
	port->device_known = false;
	port_device_update(d, port);
	port_manage_gateways(d, port);
	if (carrier_watch(d))
		daemon_log("%s: its carrier is told by netlink alone: out of memory", port->name);
	d->reserved_dirty = true; /* whose addresses are on a path's interface */
	routes_dirty(d);
}

static bool link_differs(const struct link_info *a, const struct link_info *b)
{
	return a->mtu != b->mtu || memcmp(a->mac, b->mac, sizeof(a->mac)) != 0;
}

static void port_link(struct daemon *d, struct edge_port *port, const struct link_info *link)
{
	const struct edge_port old = *port;
	bool up, fresh, differs;

	if (!edge_port_look(port, link))
		return;
	/* the one store that moves its traffic comes before anything else */
	up = port->present && port->link.up && port->owner.up;
	if (port->role == SW_ROLE_PATH && d->started) {
		d->path[port->slot].link_up = up;
		if (!up)
			usable_update(d, port->slot);
	}
	fresh = !old.present || port->link.ifindex != old.link.ifindex ||
		port->owner.ifindex != old.owner.ifindex;
	if (port->role == SW_ROLE_PATH && (fresh || !up))
		d->steered &= ~(1ULL << port->slot);
	if (!d->started || !port->present)
		return;
	differs = fresh || link_differs(&old.link, &port->link) ||
		  link_differs(&old.owner, &port->owner);
	if (fresh)
		port_appeared(d, port);
	else if (differs)
		port_write(d, port);
	if (port->role != SW_ROLE_PATH)
		return;
	if (differs || !(old.link.up && old.owner.up)) /* its routes went with it, without a word */
		forward_sync(d);
	usable_update(d, port->slot);
}

static void on_link(void *arg, const struct link_info *link)
{
	struct daemon *d = arg;

	for (size_t i = 0; i < d->n_ports; i++)
		port_link(d, &d->port[i], link);
}

static void on_link_gone(void *arg, uint32_t ifindex, const char *name)
{
	struct daemon *d = arg;
	bool ours = false;

	for (size_t i = 0; i < d->n_ports; i++) {
		struct edge_port *port = &d->port[i];

		if (!edge_port_lose(port, ifindex))
			continue;
		ours = true;
		if (port->role == SW_ROLE_PATH) {
			d->path[port->slot].link_up = false;
			usable_update(d, port->slot);
		}
		edge_interface_write(d, port->link.ifindex);
		edge_interface_write(d, port->owner.ifindex);
	}
	if (!ours)
		return;
	edge_interface_write(d, ifindex);
	datapath_neighbor_flush(d->dp, ifindex);
	daemon_log("interface %s is gone: it is taken up again when it is back", name);
}

static void on_address(void *arg, uint32_t ifindex, const struct ip_addr *addr, uint8_t len,
		       const struct ip_addr *broadcast, bool added)
{
	struct daemon *d = arg;
	struct own_address *own;

	d->reserved_dirty = true;
	for (size_t i = 0; i < d->n_own; i++) {
		own = &d->own[i];
		if (own->ifindex != ifindex || own->len != len || !ip_equal(&own->addr, addr))
			continue;
		if (!added) {
			*own = d->own[--d->n_own];
			if (d->started)
				routes_dirty(d);
		}
		return;
	}
	if (!added)
		return;
	own = realloc(d->own, (d->n_own + 1) * sizeof(*own));
	if (!own) {
		daemon_log("out of memory: an address of this box is not known");
		return;
	}
	d->own = own;
	own[d->n_own++] = (struct own_address){ifindex, *addr, *broadcast, len};
	if (d->started)
		routes_dirty(d);
}

static void on_neighbor(void *arg, uint32_t ifindex, const struct ip_addr *addr, bool valid,
			const uint8_t mac[6])
{
	struct daemon *d = arg;

	for (size_t i = 0; i < d->n_ports; i++) {
		struct edge_port *port = &d->port[i];
		const struct ip_addr *gateway, *gateway6;

		if (!port->present || port->owner.ifindex != ifindex)
			continue;
		gateways_of(d, port, &gateway, &gateway6);
		if (ip_equal(gateway, addr) || ip_equal(gateway6, addr)) {
			const struct datapath_way way = way_of(port);

			datapath_nexthop_write(d->dp, port->slot, addr->family, &way, addr);
			if (ip_is_link_local(addr))
				datapath_nexthop_mac(d->dp, port->slot, addr, valid ? mac : NULL);
			usable_neighbor(d, ifindex, addr, valid ? mac : NULL);
			if (valid)
				edge_gateway_mac(d, port, mac);
		} else if (port->role == SW_ROLE_INSIDE) {
			if (valid)
				datapath_neighbor_write(d->dp, ifindex, addr, mac);
			else
				datapath_neighbor_remove(d->dp, ifindex, addr);
		}
	}
}

static void on_resynced(void *arg)
{
	(void)arg;
	daemon_log("news of links were lost by the kernel: all was read again");
}

int edge_start(struct daemon *d, char err[DATAPATH_ERR])
{
	const struct links_ops ops = {
		.arg = d,
		.link = on_link,
		.link_gone = on_link_gone,
		.address = on_address,
		.neighbor = on_neighbor,
		.resynced = on_resynced,
	};
	int ret = edge_ports_make(d);

	if (!ret)
		ret = links_start(&d->links, d->base, &ops);
	if (ret) {
		snprintf(err, DATAPATH_ERR, "rtnetlink can't be read: %s", strerror(-ret));
		return ret;
	}
	d->reserved_dirty = true;
	ret = edge_check(d, err);
	if (ret)
		return ret;
	if (!links_forwarding(4))
		daemon_log("net.ipv4.ip_forward is 0: gateways can't be looked up and what goes up "
			   "to the kernel is dropped: sysctl -w net.ipv4.ip_forward=1");
	return 0;
}

static int stale_interface(void *arg, uint32_t ifindex, const struct sw_interface *row)
{
	struct daemon *d = arg;
	const struct edge_port *port = edge_port_of(d, row->slot);

	if (!port || port->role != row->role ||
	    (row->owner ? port->owner.ifindex : port->link.ifindex) != ifindex)
		datapath_interface_remove(d->dp, ifindex);
	return 0;
}

/* What an earlier config had and this one has not: rows, and bits of paths. */
static void stale_rows_clear(struct daemon *d)
{
	struct sw_path *paths = datapath_paths(d->dp);
	__u64 *words = (__u64 *)datapath_usable(d->dp);
	struct sw_ctl *c = datapath_ctl(d->dp);
	uint64_t configured = 0;

	for (size_t i = 0; i < d->cfg->n_paths; i++)
		configured |= 1ULL << d->path_ids[i];
	c->can4 &= configured;
	c->can6 &= configured;
	c->weighted &= configured;
	c->clamped &= configured;
	for (size_t w = 0; w < sizeof(struct sw_usable) / sizeof(*words); w++) {
		if (w != offsetof(struct sw_usable, bfd) / sizeof(*words)) /* the timer's */
			__atomic_and_fetch(&words[w], configured, __ATOMIC_RELEASE);
	}
	d->link &= configured;
	maps_interface_each(d->maps, stale_interface, d);
	for (unsigned int id = 0; id < SW_MAX_PATHS; id++) {
		if (d->path[id].cfg)
			continue;
		memset(&paths[id], 0, sizeof(paths[id]));
		memset(&datapath_path_counters(d->dp)[id], 0, sizeof(struct sw_path_counters));
	}
}

int edge_attach(struct daemon *d, char err[DATAPATH_ERR])
{
	const char *names[SW_MAX_SLOTS];
	int ret;

	stale_rows_clear(d);
	for (size_t i = 0; i < d->n_ports; i++) {
		names[i] = d->port[i].name;
		ret = port_write(d, &d->port[i]);
		if (ret) {
			snprintf(err, DATAPATH_ERR, "%s: its rows can't be written: %s",
				 d->port[i].name, strerror(-ret));
			return ret;
		}
		if (d->port[i].role == SW_ROLE_PATH)
			d->path[d->port[i].slot].link_up =
				d->port[i].link.up && d->port[i].owner.up;
	}
	datapath_prune(d->dp, names, d->n_ports);
	d->started = true;
	for (size_t i = 0; i < d->n_ports; i++)
		port_manage_gateways(d, &d->port[i]);
	for (unsigned int id = 0; id < SW_MAX_PATHS; id++)
		usable_update(d, id);
	for (size_t i = 0; i < d->n_ports; i++) {
		if (!edge_port_leads(d, &d->port[i]))
			continue;
		ret = port_attach(d, &d->port[i], err);
		if (ret)
			return ret;
	}
	edge_tick(d);
	ret = carrier_watch(d);
	if (!ret)
		ret = attach_start(d);
	if (ret)
		snprintf(err, DATAPATH_ERR, "out of memory: give the daemon more");
	else
		attach_begin(d);
	return ret;
}

void edge_apply_mode(struct daemon *d)
{
	struct sw_ctl *c = datapath_ctl(d->dp);
	uint32_t mode = d->cfg->mode;

	/* a cold start watches; an adopted data plane goes on as it was until its feeds are back */
	if (mode == SW_MODE_ENFORCE && d->cold && !datapath_adopted(d->dp))
		mode = SW_MODE_MONITOR;
	if (c->mode != mode) {
		__atomic_store_n(&c->mode, mode, __ATOMIC_RELEASE);
		daemon_changed(d);
	}
}

void edge_release(struct daemon *d)
{
	const struct ip_addr *gateway[2];

	for (size_t i = 0; d->links && i < d->n_ports; i++) {
		gateways_of(d, &d->port[i], &gateway[0], &gateway[1]);
		for (int g = 0; g < 2; g++) {
			if (gateway[g]->family)
				links_unmanage_neighbor(d->links, d->port[i].owner.ifindex,
							gateway[g]);
		}
	}
}

void edge_stop(struct daemon *d)
{
	attach_stop(d);
	if (d->links)
		links_stop(d->links);
	free(d->port);
	free(d->own);
	d->links = NULL;
	d->port = NULL;
	d->own = NULL;
	d->n_ports = d->n_own = 0;
	d->started = false;
}
