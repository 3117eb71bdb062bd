/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which path a route belongs to (contract.md). The session comes first: a feed's own word, then who
 * sent it and where it points to, then the link its next hop is on, and the AS path last, because
 * a first AS is no proof (`65515 12076 ...` and `64512 12076` occur).
 */
#include "core/rib_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int rib_path_by_name(const struct rib *rib, const char *name)
{
	for (int id = 0; id < SW_MAX_PATHS; id++)
		if (rib->path[id] && !strcmp(rib->path[id]->name, name))
			return id;
	return -1;
}

const struct config_path *rib_path(const struct rib *rib, unsigned int path)
{
	return path < SW_MAX_PATHS ? rib->path[path] : NULL;
}

static bool path_has_address(const struct config_path *path, const struct ip_addr *ip)
{
	if (ip_equal(&path->gateway, ip) || ip_equal(&path->gateway6, ip))
		return true;
	for (size_t i = 0; i < path->n_peers; i++)
		if (ip_equal(&path->peers[i], ip))
			return true;
	return false;
}

/* An address that several paths have (a link-local gateway6 may) names none of them. */
int rib_path_of_address(const struct rib *rib, const struct ip_addr *ip)
{
	int found = -1;

	if (!ip->family)
		return -1;
	for (int id = 0; id < SW_MAX_PATHS; id++) {
		if (!rib->path[id] || !path_has_address(rib->path[id], ip))
			continue;
		if (found >= 0)
			return -1;
		found = id;
	}
	return found;
}

/* By the longest network that the address is on; two paths on one network tell nothing. */
static int path_of_link(const struct rib *rib, const struct ip_addr *ip)
{
	int found = -1, len = -1;

	if (!ip->family)
		return -1;
	for (size_t i = 0; i < rib->n_nets; i++) {
		const struct rib_link_net *net = &rib->nets[i];

		if (net->prefix.len < len || !prefix_has(&net->prefix, ip))
			continue;
		if (net->prefix.len > len)
			found = net->path;
		else if (found != net->path)
			found = -1;
		len = net->prefix.len;
	}
	return found;
}

static int path_of_as(const struct rib *rib, const struct route *route)
{
	int found = -1;

	if (!route->has_as_path || !route->n_as || !route->as_path[0])
		return -1;
	for (int id = 0; id < SW_MAX_PATHS; id++) {
		if (!rib->path[id] || rib->path[id]->as != route->as_path[0])
			continue;
		if (found >= 0)
			return -1;
		found = id;
	}
	return found;
}

/*
 * By the interface that the kernel sends it out of: for a route with a next hop, any path's; for
 * one without, a path's that needs none. Two paths on one interface are told apart by next hops
 * only.
 */
static int path_of_interface(const struct rib *rib, const struct route *route)
{
	int found = -1;

	for (int id = 0; route->interface[0] && id < SW_MAX_PATHS; id++) {
		const struct config_path *path = rib->path[id];

		if (!path || (strcmp(config_l3(path), route->interface) &&
			      strcmp(path->interface, route->interface)))
			continue;
		if (!route->nexthop.family && (path->gateway.family || path->gateway6.family))
			continue;
		if (found >= 0)
			return -1;
		found = id;
	}
	return found;
}

/* A link-local next hop means something on its interface only. */
static int path_of_nexthop(const struct rib *rib, const struct route *route)
{
	int found = -1;

	if (route->nexthop.family && ip_is_link_local(&route->nexthop))
		found = path_of_interface(rib, route);
	if (found < 0)
		found = rib_path_of_address(rib, &route->nexthop);
	if (found < 0)
		found = rib_path_of_address(rib, &route->nexthop_ll);
	if (found < 0)
		found = path_of_link(rib, &route->nexthop);
	return found < 0 ? path_of_interface(rib, route) : found;
}

bool rib_prefix_inside(const struct rib *rib, const struct prefix *prefix)
{
	for (size_t i = 0; i < rib->cfg->n_inside; i++) {
		const struct config_inside *inside = &rib->cfg->inside[i];

		for (size_t k = 0; k < inside->n_networks; k++)
			if (prefix_contains(&inside->networks[k], prefix))
				return true;
	}
	return false;
}

static bool route_is_own(const struct rib *rib, const struct route *route)
{
	if (route->own || rib_prefix_inside(rib, &route->prefix))
		return true;
	for (size_t i = 0; route->nexthop.family && i < rib->n_own; i++)
		if (ip_equal(&rib->own[i], &route->nexthop))
			return true;
	return false;
}

enum rib_result rib_resolve(const struct rib *rib, const struct route *route, int *path)
{
	int found;
	bool own;

	if (route->view == VIEW_REMOTE) {
		*path = -1;
		return route->path[0] && rib_path_by_name(rib, route->path) < 0 ? RIB_UNKNOWN_PATH
										: RIB_OK;
	}
	own = route_is_own(rib, route);
	if (route->path[0]) {
		found = rib_path_by_name(rib, route->path);
		if (found < 0)
			return RIB_UNKNOWN_PATH;
	} else {
		found = rib_path_of_address(rib, &route->peer);
		if (found < 0)
			found = path_of_nexthop(rib, route);
		if (found < 0)
			found = path_of_as(rib, route);
		if (found < 0 && !own)
			return RIB_UNKNOWN_PATH;
	}
	*path = found;
	return own ? RIB_OWN : RIB_OK;
}

/*
 * Azure's VPN gateway has the networks of a site without BGP as it has those of its own VNet: what
 * is inside here is such a site's.
 */
static enum sw_class remote_class(const struct rib *rib, feed_id feed, const struct route *route)
{
	if (rib_feed_is(rib, feed, FEED_AZURE) && route->class == SW_CLASS_PEERING &&
	    rib_prefix_inside(rib, &route->prefix))
		return SW_CLASS_VPN;
	if (route->has_class)
		return route->class;
	return route->has_as_path && route->n_as && route->as_path[0] == 12076
		       ? SW_CLASS_EXPRESSROUTE
		       : SW_CLASS_VPN;
}

const struct config_path *rib_remote_path(const struct rib *rib, const struct route *route)
{
	int id = route->path[0] ? rib_path_by_name(rib, route->path) : -1;

	return id >= 0 ? rib->path[id] : NULL;
}

void rib_remote_attributes(const struct rib *rib, feed_id feed, const struct route *route,
			   struct attributes *a)
{
	const struct config_path *named = rib_remote_path(rib, route);

	a->has_class = true;
	a->class = (uint8_t)(named && !route->has_class ? named->class
							: remote_class(rib, feed, route));
	a->circuit = named && !route->circuit[0] ? config_circuit_name(named) : route->circuit;
	a->second_hand = route->second_hand;
}

static int array_copy(void **out, const void *from, size_t n, size_t size)
{
	*out = NULL;
	if (!n)
		return 0;
	*out = malloc(n * size);
	if (!*out)
		return -ENOMEM;
	memcpy(*out, from, n * size);
	return 0;
}

int rib_set_links(struct rib *rib, const struct rib_link_net *nets, size_t n_nets,
		  const struct ip_addr *own, size_t n_own)
{
	void *new_nets, *new_own;

	if (array_copy(&new_nets, nets, n_nets, sizeof(*nets)))
		return -ENOMEM;
	if (array_copy(&new_own, own, n_own, sizeof(*own))) {
		free(new_nets);
		return -ENOMEM;
	}
	free(rib->nets);
	free(rib->own);
	rib->nets = new_nets;
	rib->n_nets = n_nets;
	rib->own = new_own;
	rib->n_own = n_own;
	rib_memo_forget(rib);
	return 0;
}
