/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is reserved in the FIB: this box's addresses, what is exempt by address, the inside
 * networks; and, for the RIB, the networks on the paths' links.
 */
#include "daemon/daemon_impl.h"

#include <errno.h>
#include <stdlib.h>

/* One entry of the reserved list; an address that is in it already keeps its first meaning. */
static void reserve(struct fib_reserved *v, size_t *n, struct prefix prefix, uint8_t kind,
		    uint8_t slot)
{
	for (size_t i = 0; i < *n; i++) {
		if (prefix_equal(&v[i].prefix, &prefix))
			return;
	}
	v[(*n)++] = (struct fib_reserved){prefix, kind, slot};
}

static void reserve_addr(struct fib_reserved *v, size_t *n, const struct ip_addr *ip, uint8_t kind)
{
	if (ip->family && !ip_is_link_local(ip))
		reserve(v, n, prefix_host(ip), kind, 0);
}

/* Whether it is an address of a path's own interface. */
static bool on_path(const struct daemon *d, const struct own_address *own)
{
	for (size_t i = 0; i < d->n_ports; i++) {
		const struct edge_port *port = &d->port[i];

		if (port->role == SW_ROLE_PATH && port->present &&
		    port->owner.ifindex == own->ifindex)
			return true;
	}
	return false;
}

/* This box's addresses: those on paths first, since what is sent from one of them stays there. */
static void reserve_own(const struct daemon *d, struct fib_reserved *v, size_t *n)
{
	for (size_t i = 0; i < d->n_own; i++) {
		const struct own_address *own = &d->own[i];

		if (!ip_is_link_local(&own->addr) && on_path(d, own))
			reserve(v, n, prefix_host(&own->addr), SW_GROUP_LOCAL, SW_LOCAL_ON_PATH);
	}
	for (size_t i = 0; i < d->n_own; i++) {
		reserve_addr(v, n, &d->own[i].addr, SW_GROUP_LOCAL);
		reserve_addr(v, n, &d->own[i].broadcast, SW_GROUP_LOCAL);
	}
}

/* Own addresses first, then exempt ones, then the inside networks. */
static size_t reserved_list(struct daemon *d, struct fib_reserved *v)
{
	size_t n = 0;

	reserve_own(d, v, &n);
	for (size_t i = 0; i < d->cfg->n_exempt; i++)
		reserve(v, &n, d->cfg->exempt[i].prefix, SW_GROUP_EXEMPT, 0);
	for (size_t i = 0; i < d->cfg->n_paths; i++) {
		const struct config_path *p = &d->cfg->paths[i];

		reserve_addr(v, &n, &p->gateway, SW_GROUP_EXEMPT);
		reserve_addr(v, &n, &p->gateway6, SW_GROUP_EXEMPT);
		for (size_t j = 0; j < p->n_peers; j++)
			reserve_addr(v, &n, &p->peers[j], SW_GROUP_EXEMPT);
	}
	for (size_t i = 0; i < d->cfg->n_inside; i++) {
		const struct config_inside *in = &d->cfg->inside[i];

		reserve_addr(v, &n, &in->gateway, SW_GROUP_EXEMPT);
		reserve_addr(v, &n, &in->gateway6, SW_GROUP_EXEMPT);
		for (size_t j = 0; j < in->n_networks; j++)
			reserve(v, &n, in->networks[j], SW_GROUP_INSIDE, SW_INSIDE_SLOT + i);
	}
	return n;
}

static size_t reserved_max(const struct daemon *d)
{
	size_t n = d->n_own * 2 + d->cfg->n_exempt + d->cfg->n_paths * 2 + d->cfg->n_inside * 2;

	for (size_t i = 0; i < d->cfg->n_paths; i++)
		n += d->cfg->paths[i].n_peers;
	for (size_t i = 0; i < d->cfg->n_inside; i++)
		n += d->cfg->inside[i].n_networks;
	return n;
}

/* The networks on the paths' links, by which next hops are told. */
static int link_nets_set(struct daemon *d)
{
	struct rib_link_net *nets = calloc(d->n_own + 1, sizeof(*nets));
	struct ip_addr *own = calloc(d->n_own + 1, sizeof(*own));
	size_t n = 0;
	int ret = -ENOMEM;

	for (size_t i = 0; nets && own && i < d->n_own; i++) {
		own[i] = d->own[i].addr;
		for (size_t j = 0; j < d->n_ports; j++) {
			const struct edge_port *port = &d->port[j];

			if (port->role != SW_ROLE_PATH || !port->present ||
			    port->owner.ifindex != d->own[i].ifindex ||
			    d->own[i].len == prefix_max_len(d->own[i].addr.family))
				continue;
			nets[n].prefix = prefix_host(&d->own[i].addr);
			nets[n].prefix.len = d->own[i].len;
			prefix_mask(&nets[n].prefix);
			nets[n++].path = port->slot;
		}
	}
	if (nets && own)
		ret = rib_set_links(d->rib, nets, n, own, d->n_own);
	free(nets);
	free(own);
	return ret;
}

void edge_reserve(struct daemon *d)
{
	struct fib_reserved *v;

	if (!d->reserved_dirty)
		return;
	v = calloc(reserved_max(d) + 1, sizeof(*v));
	if (!v || fib_set_reserved(d->fib, v, reserved_list(d, v)) || link_nets_set(d)) {
		free(v);
		daemon_log("out of memory: this box's addresses are not all known; tried again");
		return;
	}
	free(v);
	d->reserved_dirty = false;
	routes_resend(d);
}
