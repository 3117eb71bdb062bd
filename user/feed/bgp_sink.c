/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a session's UPDATEs to the feed's sink: the parser's calls become routes of the local view.
 * The path id identifies a route in its session (0 without ADD-PATH). A route has no peer: the
 * session is with the local daemon, its next hop tells where it came from.
 */
#include "feed/bgp_session.h"

/* RFC 4271, 6.3: such a prefix is left out, the rest of the message is taken. */
static bool is_unicast(const struct prefix *p)
{
	return p->family == 4 ? p->bytes[0] < 224 : p->bytes[0] != 0xff;
}

static void on_announce(void *arg, const struct prefix *p, uint32_t path_id,
			const struct bgp_attributes *attr)
{
	struct bgp_conn *c = arg;
	struct feed_report *rep = &c->feed->report;
	struct route *route = &c->route;
	char prefix[PREFIX_STRLEN], nexthop[IP_STRLEN];
	enum rib_result result;

	if (attr->again) {
		route->prefix = *p;
		route->sub = path_id;
	} else {
		*route = (struct route){.view = VIEW_LOCAL, .source = c->source};
		bgp_route_fill(route, p, path_id, attr);
	}
	if (!is_unicast(p)) {
		feed_error(rep, "BGP peer %s: %s is no unicast prefix: do not announce it here",
			   c->name, prefix_format(p, prefix));
		return;
	}
	result = rep->sink.announce(rep->sink.arg, rep->id, route);
	route->again = true;
	if (result == RIB_NO_MEMORY)
		c->failed = true;
	if (result == RIB_UNKNOWN_PATH) {
		c->unknown++;
		feed_refuse(
			rep, FEED_UNKNOWN_PATH,
			"BGP peer %s: unknown-path: %s by next hop %s belongs to no path: add the "
			"next hop to "
			"a path's `peers`",
			c->name, prefix_format(p, prefix), ip_format(&attr->nexthop, nexthop));
	}
}

static void on_withdraw(void *arg, const struct prefix *p, uint32_t path_id)
{
	struct bgp_conn *c = arg;
	struct feed_report *rep = &c->feed->report;
	const struct route route = {
		.view = VIEW_LOCAL, .prefix = *p, .source = c->source, .sub = path_id};

	feed_withdraw(rep, &route, true);
}

static void on_end_of_rib(void *arg, uint8_t family)
{
	struct bgp_conn *c = arg;

	if (family == 4)
		c->eor4 = true;
	else
		c->eor6 = true;
	bgp_feed_check_eor(c->feed);
}

static void on_masked(void *arg, const struct prefix *p)
{
	struct bgp_conn *c = arg;

	(void)p;
	c->feed->report.status.masked++;
}

static void on_ignored(void *arg, uint16_t afi, uint8_t safi)
{
	struct bgp_conn *c = arg;

	feed_refuse(
		&c->feed->report, FEED_FAMILY,
		"BGP peer %s: routes of AFI %u, SAFI %u ignored: only IPv4 and IPv6 unicast are "
		"taken",
		c->name, afi, safi);
}

struct bgp_update_ops bgp_conn_ops(struct bgp_conn *c)
{
	return (struct bgp_update_ops){
		.arg = c,
		.announce = on_announce,
		.withdraw = on_withdraw,
		.end_of_rib = on_end_of_rib,
		.masked = on_masked,
		.ignored = on_ignored,
	};
}
