/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The feed `frr`: what FRR's vtysh prints of its BGP table, as JSON (seen of 8.4.4).
 *
 *   show bgp ipv4|ipv6 unicast json          {"routes": {PREFIX: [PATH, ...]}}
 *   show bgp ... neighbors N routes json     the same
 *   show bgp ... PREFIX json                 {"prefix": PREFIX, "paths": [PATH, ...]}
 *   show bgp ... neighbors N received-routes json  {"receivedRoutes": {PREFIX: PATH}}: as it was
 *       received, before any policy; what FRR then refuses as a loop is left out
 *
 * What is refused, with the reason: advertised routes are our own announcements, a summary has no
 * route, `show ip route` is the kernel's choice. FRR says things that are wrong as JSON too:
 * {"warning": ...}; and unknown commands as text, on standard output.
 */
#include "feed/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PEER_NONE "(unspec)" /* of what this box itself announces */

extern const struct feed_type feed_type_frr;

/* Of the document that a path is in. */
struct frr_table {
	struct snapshot *out;
	struct prefix prefix;
	bool masked;
	bool has_local_pref; /* FRR says its default */
	uint32_t local_pref;
	uint32_t local_as;
	bool received; /* as received: before any policy */
};

static bool is_true(const json_t *path, const char *key)
{
	return json_is_true(json_object_get(path, key));
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static int number_of(const json_t *v, uint32_t *out)
{
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < 0 || n > UINT32_MAX)
		return -EINVAL;
	*out = (uint32_t)n;
	return 0;
}

static bool is_any(const struct ip_addr *ip)
{
	for (size_t i = 0; i < sizeof(ip->bytes); i++)
		if (ip->bytes[i])
			return false;
	return true;
}

/* The session: an address, or the interface of one without (unnumbered), or nobody. */
static void read_peer(const json_t *path, struct route *route)
{
	const json_t *peer = json_object_get(path, "peer");
	const char *id = text_of(peer ? peer : path, "peerId");

	if (!id)
		return;
	if (!ip_parse(id, &route->peer)) {
		if (!is_any(&route->peer))
			return;
		route->peer = (struct ip_addr){0};
		route->own = true;
	} else if (!strcmp(id, PEER_NONE)) {
		route->own = true;
	} else if (strlen(id) < sizeof(route->interface)) {
		memcpy(route->interface, id, strlen(id) + 1);
	}
}

/* 0.0.0.0 and :: are this box. An IPv6 path may have a global and a link-local one. */
static int read_nexthop(const char *text, struct route *route)
{
	struct ip_addr ip;

	if (!text || ip_parse(text, &ip))
		return -EINVAL;
	if (is_any(&ip))
		route->own = true;
	else if (ip_is_link_local(&ip) && ip.family == 6 && route->nexthop.family)
		route->nexthop_ll = ip;
	else if (route->nexthop.family && ip_is_link_local(&route->nexthop)) {
		route->nexthop_ll = route->nexthop;
		route->nexthop = ip;
	} else if (!route->nexthop.family) {
		route->nexthop = ip;
	}
	return 0;
}

static int read_nexthops(const json_t *path, struct route *route)
{
	const json_t *hops = json_object_get(path, "nexthops"), *hop;
	const char *alone = text_of(path, "nextHop");
	size_t i;

	if (!hops && !alone)
		alone = text_of(path, "nextHopGlobal"); /* received, IPv6 */
	if (alone)
		return read_nexthop(alone, route);
	if (!json_array_size(hops))
		return -EINVAL;
	json_array_foreach ((json_t *)hops, i, hop)
		if (read_nexthop(text_of(hop, "ip"), route))
			return -EINVAL;
	return 0;
}

static int read_local_pref(const struct frr_table *t, const json_t *path, struct route *route)
{
	const json_t *v = json_object_get(path, "locPrf");

	if (!v)
		v = json_object_get(path, "localPref");
	route->has_local_pref = v || t->has_local_pref;
	route->local_pref = t->local_pref;
	return v ? number_of(v, &route->local_pref) : 0;
}

static bool has_as(const uint32_t *as, size_t n, uint32_t which)
{
	for (size_t i = 0; i < n; i++)
		if (as[i] == which)
			return true;
	return false;
}

/* Of two that nothing tells apart (ADD-PATH from one peer) the first is it. */
static bool is_known(const struct frr_table *t, size_t from, const struct route *route)
{
	for (size_t i = from; i < t->out->n; i++) {
		const struct route *other = &t->out->routes[i];

		if (!other->chosen && ip_equal(&other->peer, &route->peer) &&
		    ip_equal(&other->nexthop, &route->nexthop))
			return true;
	}
	return false;
}

static bool is_candidate(const struct frr_table *t, const json_t *path)
{
	return (t->received || is_true(path, "valid")) && !is_true(path, "removed") &&
	       !is_true(path, "history") && !is_true(path, "damped");
}

/* NULL, or what is wrong with it. *chosen: FRR's best path. */
static const char *read_path(const struct frr_table *t, const json_t *path, struct route *route,
			     uint32_t as[SNAPSHOT_AS_MAX], size_t *n_as)
{
	const json_t *best = json_object_get(path, "bestpath");
	const char *text = text_of(path, "path");

	if (!text)
		text = text_of(json_object_get(path, "aspath"), "string");
	if (text && !strcmp(text, "Local")) /* of an own route in the detailed form */
		text = "";
	route->view = VIEW_LOCAL;
	route->prefix = t->prefix;
	route->has_as_path = true;
	route->chosen = json_is_true(best) || is_true(best, "overall");
	read_peer(path, route);
	if (!text || as_path_parse(text, as, n_as))
		return "its AS path (`path`) is none: see that FRR prints plain numbers";
	if (read_nexthops(path, route))
		return "it has no next hop: see that the output is FRR's own";
	if (read_local_pref(t, path, route))
		return "its `locPrf` is no number";
	return NULL;
}

static void path_take(const struct frr_table *t, const json_t *path, size_t from)
{
	struct route route = {0};
	uint32_t as[SNAPSHOT_AS_MAX];
	char name[PREFIX_STRLEN];
	const char *wrong;
	size_t n_as;
	bool chosen;

	if (!json_is_object(path)) {
		t->out->rows++;
		snapshot_refuse(t->out, prefix_format(&t->prefix, name), "a path is no object");
		return;
	}
	if (!is_candidate(t, path))
		return;
	t->out->rows++;
	wrong = read_path(t, path, &route, as, &n_as);
	if (wrong) {
		snapshot_refuse(t->out, prefix_format(&t->prefix, name), "%s", wrong);
		return;
	}
	if (t->received && t->local_as && has_as(as, n_as, t->local_as))
		return; /* a loop, FRR has not taken it */
	chosen = route.chosen;
	route.chosen = false;
	if (!is_known(t, from, &route))
		snapshot_add(t->out, &route, as, n_as, t->masked);
	route.chosen = chosen;
	if (chosen)
		snapshot_add(t->out, &route, as, n_as, false);
}

/* An array of paths, or one. */
static void prefix_take(struct frr_table *t, const char *prefix, const json_t *paths)
{
	size_t i, from = t->out->n;
	json_t *path;

	if (prefix_parse(prefix, &t->prefix, &t->masked)) {
		t->out->rows++;
		snapshot_refuse(t->out, prefix, "not a prefix");
	} else if (json_is_array(paths)) {
		json_array_foreach ((json_t *)paths, i, path)
			path_take(t, path, from);
	} else {
		path_take(t, paths, from);
	}
}

/* FRR prints a path's local preference only where it is another than its default. */
static void read_header(struct frr_table *t, const json_t *doc)
{
	const json_t *pref = json_object_get(doc, "defaultLocPrf");

	t->has_local_pref = pref && !number_of(pref, &t->local_pref);
	if (number_of(json_object_get(doc, "localAS"), &t->local_as))
		t->local_as = 0;
}

static int refuse(char error[SNAPSHOT_ERROR], const char *what)
{
	snprintf(error, SNAPSHOT_ERROR, "%s", what);
	return -EINVAL;
}

static int no_table(const json_t *doc, char error[SNAPSHOT_ERROR])
{
	const char *warning = text_of(doc, "warning");

	if (warning) {
		snprintf(error, SNAPSHOT_ERROR,
			 "FRR says: %.100s: see `vtysh -c 'show bgp "
			 "summary'`",
			 warning);
		return -EINVAL;
	}
	if (json_object_get(doc, "advertisedRoutes"))
		return refuse(error, "advertised routes are what this box announces, no "
				     "candidates: give `show bgp ipv4 unicast json`");
	if (json_object_get(doc, "peers") || json_object_get(doc, "ipv4Unicast"))
		return refuse(error,
			      "a summary holds no routes: give `show bgp ipv4 unicast json`");
	return refuse(error, "no BGP table of FRR: give `show bgp ipv4 unicast json` (of `show ip "
			     "route` a feed rtnetlink knows more)");
}

static int frr_document(const struct config_feed *cfg, json_t *doc, struct snapshot *out,
			char error[SNAPSHOT_ERROR])
{
	const json_t *routes = json_object_get(doc, "routes"),
		     *paths = json_object_get(doc, "paths");
	const char *prefix = text_of(doc, "prefix"), *key;
	struct frr_table t = {.out = out};
	json_t *v;

	(void)cfg;
	read_header(&t, doc);
	if (json_object_get(doc, "receivedRoutes")) {
		routes = json_object_get(doc, "receivedRoutes");
		t.received = true;
	}
	if (json_is_object(doc) && !json_object_size(doc)) {
		out->empty++; /* of a prefix that is not there; of what else nobody knows */
		return 0;
	}
	if (prefix && json_is_array(paths)) {
		prefix_take(&t, prefix, paths);
		return 0;
	}
	if (!json_is_object(routes))
		return no_table(doc, error);
	json_object_foreach ((json_t *)routes, key, v)
		prefix_take(&t, key, v);
	return 0;
}

const struct snapshot_type frr_snapshot = {
	.view = VIEW_LOCAL,
	.document = frr_document,
};

static int frr_start(struct feed **out, feed_id id, const struct config_feed *cfg,
		     const char *config_dir, struct event_base *base, const struct feed_sink *sink,
		     char error[200])
{
	return snapshot_start(out, &frr_snapshot, id, cfg, config_dir, base, sink, error);
}

const struct feed_type feed_type_frr = {
	.name = "frr",
	.start = frr_start,
	.status = snapshot_status,
	.stop = snapshot_stop,
	.table = snapshot_table,
};
