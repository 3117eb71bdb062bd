/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the rows of Azure's tables say of the way to a prefix.
 *
 *   learned     of a gateway or Route Server: the class by the first AS, 12076 = ExpressRoute. Not
 *               by the weight, not by 12076 anywhere (65021-12076 came back through on-prem). An
 *               empty AS path is a VPN site without BGP, but where the origin is Network: the
 *               VNet's own and its peers', or a /32, the BGP address behind a VPN connection
 *   advertised  what a gateway tells a peer: no way of its own
 *   circuit     of a Microsoft edge router: what does not come from a VNet's gateway leads to
 *               on-prem by this circuit. Second-hand: whether a VNet goes by it says its gateway
 *   effective   of a NIC. Its next hops are the provider's, and may look like anybody's: nothing
 *               of a gateway is told by them but where `circuits` has the address. Second-hand
 *   peers       the BGP sessions of a gateway
 */
#include "feed/azure.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define AS_MICROSOFT 12076
#define AS_GATEWAY   65515 /* each ExpressRoute gateway's; reserved, no customer has it */

/* What is wrong with the row, or NULL. */
typedef const char *(*row_fn)(const struct config_feed *cfg, const json_t *row,
			      struct snapshot *out);

struct azure_kind {
	const char *keys[2]; /* texts or arrays that a row of it has */
	bool peers;	     /* its rows are no routes */
	row_fn take;
};

struct row {
	struct route route;
	uint32_t as[SNAPSHOT_AS_MAX];
	size_t n_as;
	bool masked;
};

static bool is_text(const char *text, const char *what)
{
	return text && !strcasecmp(text, what);
}

/* An address, perhaps with '*' behind it (best). What is none is left out. */
static void read_address(const char *text, struct ip_addr *out)
{
	char word[IP_STRLEN + 1];
	size_t len = text ? strlen(text) : 0;

	while (len && strchr("* ", text[len - 1]))
		len--;
	if (!len || len >= sizeof(word))
		return;
	memcpy(word, text, len);
	word[len] = '\0';
	ip_parse(word, out);
}

static bool circuit_of(const struct config_feed *cfg, const struct ip_addr *ip, struct route *route)
{
	for (size_t i = 0; ip->family && i < cfg->n_circuits; i++) {
		if (!ip_equal(&cfg->circuits[i].peer, ip))
			continue;
		memcpy(route->circuit, cfg->circuits[i].name, sizeof(route->circuit));
		return true;
	}
	return false;
}

static void row_add(struct snapshot *out, struct row *row, enum sw_class class)
{
	row->route.view = VIEW_REMOTE;
	row->route.has_class = true;
	row->route.class = class;
	snapshot_add(out, &row->route, row->as, row->n_as, row->masked);
}

/*
 * The prefix; without a mask it has that of its class (RFC 791, 2.3), as routers print it. -EINVAL:
 * it has none, or more bits than its class.
 */
static int read_network(const char *text, bool classful, struct row *row)
{
	unsigned int len, first;
	char with_mask[PREFIX_STRLEN + 4];

	if (!text)
		return -EINVAL;
	if (!classful || strchr(text, '/') || strchr(text, ':'))
		return prefix_parse(text, &row->route.prefix, &row->masked);
	first = isdigit((unsigned char)text[0]) ? (unsigned int)atoi(text) : 255;
	len = !strcmp(text, "0.0.0.0") ? 0 : first < 128 ? 8 : first < 192 ? 16 : 24;
	if (first >= 224 || strlen(text) >= PREFIX_STRLEN)
		return -EINVAL;
	snprintf(with_mask, sizeof(with_mask), "%s/%u", text, len);
	return prefix_parse(with_mask, &row->route.prefix, &row->masked) || row->masked ? -EINVAL
											: 0;
}

/* Network, next hop, AS path. NULL, or what is wrong. */
static const char *read_route(const struct config_feed *cfg, const json_t *v, const char *path_key,
			      bool classful, struct row *row)
{
	const char *path = azure_text(v, path_key);

	if (read_network(azure_text(v, "network"), classful, row))
		return "`network` is no prefix: see that the table is whole";
	if (path && as_path_parse(path, row->as, &row->n_as))
		return "the AS path is none: see that the table is as Azure wrote it";
	row->route.has_as_path = path;
	read_address(azure_text(v, "nextHop"), &row->route.nexthop);
	read_address(azure_text(v, "sourcePeer"), &row->route.peer);
	if (!circuit_of(cfg, &row->route.nexthop, &row->route))
		circuit_of(cfg, &row->route.peer, &row->route);
	return NULL;
}

static const char *take_learned(const struct config_feed *cfg, const json_t *v,
				struct snapshot *out)
{
	struct row row = {0};
	const char *wrong = read_route(cfg, v, "asPath", false, &row);
	bool host = row.route.prefix.len == prefix_max_len(row.route.prefix.family);
	enum sw_class class = SW_CLASS_VPN;

	if (wrong)
		return wrong;
	if (row.n_as && row.as[0] == AS_MICROSOFT)
		class = SW_CLASS_EXPRESSROUTE;
	else if (!row.n_as && is_text(azure_text(v, "origin"), "Network") && !host)
		class = SW_CLASS_PEERING;
	row_add(out, &row, class);
	return NULL;
}

static const char *take_advertised(const struct config_feed *cfg, const json_t *v,
				   struct snapshot *out)
{
	(void)cfg;
	(void)v;
	snprintf(out->hint, sizeof(out->hint),
		 "what a gateway advertises is no way of its own: left out; give "
		 "list-learned-routes");
	return NULL;
}

static const char *take_circuit(const struct config_feed *cfg, const json_t *v,
				struct snapshot *out)
{
	struct row row = {0};
	const char *wrong = read_route(cfg, v, "path", true, &row);
	const char *pref = azure_text(v, "locPrf");
	int used = 0;

	if (wrong)
		return wrong;
	row.route.second_hand = true;
	if (pref && sscanf(pref, "%9u%n", &row.route.local_pref, &used) == 1 && !pref[used])
		row.route.has_local_pref = true;
	row_add(out, &row,
		!row.n_as		  ? SW_CLASS_OTHER
		: row.as[0] == AS_GATEWAY ? SW_CLASS_PEERING
					  : SW_CLASS_EXPRESSROUTE);
	return NULL;
}

/* A text, or an array of them: the i-th; NULL: there is none. */
static const char *text_at(const json_t *v, size_t i)
{
	if (json_is_array(v))
		return json_string_value(json_array_get(v, i));
	return i ? NULL : json_string_value(v);
}

/* 0: nothing can be told of the way. */
static bool effective_class(const struct config_feed *cfg, const json_t *v, struct route *route,
			    enum sw_class *class, bool *unproven)
{
	const char *type = azure_text(v, "nextHopType"), *hop;
	const json_t *hops = azure_field(v, "nextHopIpAddress");

	*class = SW_CLASS_PEERING;
	if (is_text(type, "VnetLocal") || is_text(type, "VNetPeering") ||
	    is_text(type, "ConnectedGroup"))
		return true;
	if (!is_text(type, "VirtualNetworkGateway"))
		return false;
	*class = SW_CLASS_EXPRESSROUTE;
	for (size_t i = 0; (hop = text_at(hops, i)); i++) {
		read_address(hop, &route->nexthop);
		if (circuit_of(cfg, &route->nexthop, route))
			return true;
	}
	*unproven = true;
	return false;
}

static const char *take_effective(const struct config_feed *cfg, const json_t *v,
				  struct snapshot *out)
{
	const json_t *prefixes = azure_field(v, "addressPrefix");
	const char *state = azure_text(v, "state"), *text;
	struct row row = {0};
	enum sw_class class;
	bool unproven = false;

	row.route.second_hand = true;
	if (!text_at(prefixes, 0))
		return "`addressPrefix` is empty: see that the table is whole";
	if (state && !is_text(state, "Active"))
		return NULL;
	if (!effective_class(cfg, v, &row.route, &class, &unproven)) {
		if (unproven)
			snprintf(out->hint, sizeof(out->hint),
				 "next hops of a NIC's table prove no class: its routes by a "
				 "gateway are left out but for those that `circuits` names; give "
				 "list-learned-routes");
		return NULL;
	}
	for (size_t i = 0; (text = text_at(prefixes, i)); i++) {
		if (prefix_parse(text, &row.route.prefix, &row.masked))
			return "`addressPrefix` is no prefix: see that the table is whole";
		row_add(out, &row, class);
	}
	return NULL;
}

static json_int_t number_of(const json_t *row, const char *key)
{
	return json_integer_value(azure_field(row, key));
}

static const char *take_peer(const struct config_feed *cfg, const json_t *v, struct snapshot *out)
{
	const json_t *routes = azure_field(v, "routesReceived");
	const char *state = azure_text(v, "state");
	struct feed_peer peer = {0};

	(void)cfg;
	read_address(azure_text(v, "neighbor"), &peer.peer);
	read_address(azure_text(v, "localAddress"), &peer.gateway);
	if (!peer.peer.family || !state)
		return "`neighbor` is no address, or it has no `state`: see that the table is "
		       "whole";
	snprintf(peer.state, sizeof(peer.state), "%s", state);
	for (char *c = peer.state; *c; c++)
		if (!isalnum((unsigned char)*c))
			*c = '?';
	peer.as = (uint32_t)number_of(v, "asn");
	peer.routes = number_of(v, "routesReceived") > 0 ? (uint64_t)json_integer_value(routes) : 0;
	peer.up = is_text(state, "Connected") && (peer.routes || !json_is_integer(routes));
	snapshot_peer(out, &peer);
	return NULL;
}

enum { LEARNED, ADVERTISED, CIRCUIT, EFFECTIVE, PEERS, KINDS };
static const struct azure_kind kinds[KINDS] = {
	[LEARNED] = {{"network", "asPath"}, .take = take_learned},
	[ADVERTISED] = {{"network", "asPath"}, .take = take_advertised},
	[CIRCUIT] = {{"network", "path"}, .take = take_circuit},
	[EFFECTIVE] = {{"addressPrefix", "nextHopType"}, .take = take_effective},
	[PEERS] = {{"neighbor", "state"}, .peers = true, .take = take_peer},
};

static bool row_is(const struct azure_kind *kind, const json_t *row)
{
	return json_is_object(row) && azure_field(row, kind->keys[0]) &&
	       azure_field(row, kind->keys[1]);
}

/* Only what was learned has a peer that it is from; that of what is advertised is null or absent.
 */
static bool is_learned(const json_t *rows)
{
	size_t i;
	json_t *row;

	json_array_foreach ((json_t *)rows, i, row)
		if (azure_text(row, "sourcePeer"))
			return true;
	return false;
}

const struct azure_kind *azure_kind_of(const json_t *rows)
{
	const json_t *first = json_array_get(rows, 0);

	for (size_t i = 0; i < KINDS; i++) {
		if (i == ADVERTISED || !row_is(&kinds[i], first))
			continue;
		return i == LEARNED && !is_learned(rows) ? &kinds[ADVERTISED] : &kinds[i];
	}
	return NULL;
}

void azure_rows(const struct azure_kind *kind, const struct config_feed *cfg, const json_t *rows,
		struct snapshot *out)
{
	char place[32];
	size_t i;
	json_t *row;

	json_array_foreach ((json_t *)rows, i, row) {
		const char *wrong = "it is not as the first row: see that the table is whole";

		out->rows++;
		out->peer_rows += kind->peers;
		if (row_is(kind, row))
			wrong = kind->take(cfg, row, out);
		if (!wrong)
			continue;
		snprintf(place, sizeof(place), "row %zu", i + 1);
		snapshot_refuse(out, place, "%s", wrong);
		out->peer_refused += kind->peers;
	}
}
