/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From what a box has to a first config. A path is an interface over which an external BGP
 * neighbour is reached, its class told by the neighbour's AS: 12076 is Microsoft's edge, 65515 the
 * VPN gateway's default. Inside is an Ethernet interface with private addresses that is neither a
 * path nor the way to the Internet.
 */
#include "core/first_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AS_MICROSOFT 12076
#define AS_AZURE     65515
#define PATHS_MAX    16
#define PEERS_MAX    8
#define FEED_LISTEN  "127.0.0.2"
#define FEED_PORT    1790
#define FRR_LISTEN   "169.254.77.2" /* FRR connects to no 127.0.0.2 */

struct found_path {
	const struct host_link *link;
	uint32_t as;
	struct ip_addr peers[PEERS_MAX];
	size_t n_peers;
	struct ip_addr gateway[2]; /* IPv4, IPv6 */
};

struct draft {
	FILE *out;
	const struct host *host;
	const struct sessions *sessions;
	struct found_path paths[PATHS_MAX];
	size_t n_paths;
	uint32_t local_as;
	const struct session *feed; /* a session to us that is set up already, or NULL */
};

static bool is_loopback(const struct ip_addr *addr)
{
	return addr->family == 4
		       ? addr->bytes[0] == 127
		       : addr->bytes[15] == 1 && !memcmp(addr->bytes, (uint8_t[15]){0}, 15);
}

/* 10/8, 172.16/12, 192.168/16, 100.64/10, fc00::/7. */
static bool is_private(const struct ip_addr *addr)
{
	const uint8_t *b = addr->bytes;

	if (addr->family == 6)
		return (b[0] & 0xfe) == 0xfc;
	return b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) ||
	       (b[0] == 100 && (b[1] & 0xc0) == 64);
}

static struct prefix link_prefix(const struct host_address *address)
{
	struct prefix p = {.family = address->addr.family, .len = address->len};

	memcpy(p.bytes, address->addr.bytes, sizeof(p.bytes));
	prefix_mask(&p);
	return p;
}

/* The interface that the neighbour is reached by, and its gateway where it is not on the link. */
static const struct host_link *way_to(const struct host *host, const struct ip_addr *to,
				      struct ip_addr *via)
{
	const struct host_route *best = NULL;

	for (size_t i = 0; i < host->n_routes; i++) {
		const struct host_route *route = &host->routes[i];

		if (prefix_has(&route->dst, to) && (!best || route->dst.len > best->dst.len))
			best = route;
	}
	if (!best)
		return NULL;
	*via = best->via;
	return host_link_by_index(host, best->ifindex);
}

static struct found_path *path_on(struct draft *d, const struct host_link *link)
{
	for (size_t i = 0; i < d->n_paths; i++)
		if (d->paths[i].link == link)
			return &d->paths[i];
	if (d->n_paths == PATHS_MAX)
		return NULL;
	d->paths[d->n_paths].link = link;
	return &d->paths[d->n_paths++];
}

static void take_session(struct draft *d, const struct session *s)
{
	struct ip_addr via = {0}, *gateway;
	const struct host_link *link;
	struct found_path *path;

	if (s->local_as)
		d->local_as = s->local_as;
	if (!s->neighbor.family || s->as == s->local_as) {
		bool here = is_loopback(&s->neighbor) || host_is_own(d->host, &s->neighbor);

		if (here && (!d->feed || s->neighbor.family == 4))
			d->feed = s;
		return;
	}
	if (is_loopback(&s->neighbor) || host_is_own(d->host, &s->neighbor))
		return;
	link = way_to(d->host, &s->neighbor, &via);
	path = link && !link->loopback ? path_on(d, link) : NULL;
	if (!path || path->n_peers == PEERS_MAX)
		return;
	if (!path->as)
		path->as = s->as;
	path->peers[path->n_peers++] = s->neighbor;
	gateway = &path->gateway[s->neighbor.family == 6];
	if (!link->l3 && !gateway->family)
		*gateway = via.family ? via : s->neighbor;
}

static const char *class_of(const struct found_path *path)
{
	if (path->as == AS_MICROSOFT)
		return "expressroute";
	return path->as == AS_AZURE || path->link->l3 ? "vpn" : "other";
}

static void print_addresses(FILE *out, const struct ip_addr *v, size_t n)
{
	char text[IP_STRLEN];

	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s\"%s\"", i ? ", " : "", ip_format(&v[i], text));
}

/* Circuits come as pairs: the first two connections are taken for one, and so on. */
static void print_name(const struct draft *d, size_t at)
{
	const char *class = class_of(&d->paths[at]);
	size_t nth = 0;

	for (size_t i = 0; i < at; i++)
		nth += !strcmp(class_of(&d->paths[i]), class);
	fprintf(d->out, "  - name: ");
	if (!strcmp(class, "expressroute"))
		fprintf(d->out, "er%zu-%s\n    class: %s\n    circuit: er%zu", nth / 2 + 1,
			nth % 2 ? "secondary" : "primary", class, nth / 2 + 1);
	else
		fprintf(d->out, "%s%zu\n    class: %s\n    circuit: %s", class, nth + 1, class,
			!strcmp(class, "vpn") ? "s2s" : "other");
	if (!strcmp(class, "expressroute"))
		fprintf(d->out,
			"    # DECIDE: primary and secondary of one circuit have one name\n");
	else
		fprintf(d->out, "\n");
}

static void print_path(const struct draft *d, size_t at)
{
	const struct found_path *path = &d->paths[at];
	const char *class = class_of(path);
	char text[IP_STRLEN];

	fprintf(d->out, "  # the BGP neighbour is AS %u%s\n", path->as,
		path->as == AS_MICROSOFT ? ", Microsoft's edge"
		: path->as == AS_AZURE	 ? ", Azure's VPN gateway as a rule"
					 : "");
	if (!strcmp(class, "other"))
		fprintf(d->out, "  # DECIDE: not known to be ExpressRoute or VPN: it is observed "
				"only, until the class is right\n");
	else if (path->as != AS_MICROSOFT && path->as != AS_AZURE)
		fprintf(d->out, "  # DECIDE: taken for a VPN since it has no Ethernet header\n");
	print_name(d, at);
	fprintf(d->out, "    interface: \"%s\"\n", path->link->name);
	for (size_t i = 0; i < 2; i++)
		if (path->gateway[i].family)
			fprintf(d->out, "    gateway%s: \"%s\"\n", i ? "6" : "",
				ip_format(&path->gateway[i], text));
	fprintf(d->out, "    peers: [");
	print_addresses(d->out, path->peers, path->n_peers);
	fprintf(d->out, "]\n");
	if (!strcmp(class, "vpn") && !path->link->l3)
		fprintf(d->out, "    encrypted: false    # DECIDE: true where ESP is made beyond "
				"this device; enforce wants it\n");
}

static bool is_path(const struct draft *d, const struct host_link *link)
{
	for (size_t i = 0; i < d->n_paths; i++)
		if (d->paths[i].link == link)
			return true;
	return false;
}

static bool is_default_way(const struct host *host, const struct host_link *link)
{
	for (size_t i = 0; i < host->n_routes; i++)
		if (!host->routes[i].dst.len && host->routes[i].ifindex == link->ifindex)
			return true;
	return false;
}

/* Why the interface is not inside, NULL: it is. */
static const char *not_inside(const struct draft *d, const struct host_link *link)
{
	const struct host_address *a4 = host_address(d->host, link->ifindex, 4);
	const struct host_address *a6 = host_address(d->host, link->ifindex, 6);

	if (link->l3)
		return "has no Ethernet header";
	if (link->master)
		return "is a port of another";
	if (!a4 && !a6)
		return "has no address";
	if (is_default_way(d->host, link))
		return "has the default route";
	if (!is_private(a4 ? &a4->addr : &a6->addr))
		return "has a public address";
	return link->up ? NULL : "is down";
}

/* Networks behind a router of this interface; gateway: the first one's, for its family. */
static size_t behind(const struct draft *d, const struct host_link *link, struct ip_addr *gateway,
		     FILE *out)
{
	char text[PREFIX_STRLEN];
	size_t n = 0;

	for (size_t i = 0; i < d->host->n_routes; i++) {
		const struct host_route *route = &d->host->routes[i];

		if (route->ifindex != link->ifindex || !route->via.family || !route->dst.len)
			continue;
		if (!gateway->family)
			*gateway = route->via;
		if (!ip_equal(gateway, &route->via))
			continue;
		if (out)
			fprintf(out, "%s\"%s\"", n ? ", " : "", prefix_format(&route->dst, text));
		n++;
	}
	return n;
}

static void print_on_link(const struct draft *d, const struct host_link *link)
{
	bool first = true;
	char text[PREFIX_STRLEN];

	for (size_t i = 0; i < d->host->n_addresses; i++) {
		const struct host_address *a = &d->host->addresses[i];
		struct prefix p = link_prefix(a);

		if (a->ifindex != link->ifindex || ip_is_link_local(&a->addr))
			continue;
		fprintf(d->out, "%s\"%s\"", first ? "" : ", ", prefix_format(&p, text));
		first = false;
	}
}

/* A link of two or six hosts leads to a router: then the networks behind it are meant. */
static void print_inside(const struct draft *d, const struct host_link *link)
{
	const struct host_address *a4 = host_address(d->host, link->ifindex, 4);
	struct ip_addr gateway = {0};
	size_t routed = behind(d, link, &gateway, NULL);
	bool by_router = routed && a4 && a4->len >= 29;
	char text[IP_STRLEN];

	fprintf(d->out, "  - interface: \"%s\"\n    networks: [", link->name);
	if (by_router)
		behind(d, link, &gateway, d->out);
	else
		print_on_link(d, link);
	fprintf(d->out, "]\n");
	if (by_router)
		fprintf(d->out, "    gateway%s: \"%s\"\n", gateway.family == 6 ? "6" : "",
			ip_format(&gateway, text));
	else if (routed) {
		fprintf(d->out,
			"    # DECIDE: behind router %s are also: ", ip_format(&gateway, text));
		behind(d, link, &gateway, d->out);
		fprintf(d->out, "\n");
	}
	fprintf(d->out,
		"    # stateful: true    # DECIDE: where a firewall drops what comes back by "
		"another way\n");
}

static size_t print_insides(const struct draft *d)
{
	size_t n = 0;

	fprintf(d->out, "\n# The protected side.\ninside:\n");
	for (size_t i = 0; i < d->host->n_links; i++) {
		const struct host_link *link = &d->host->links[i];
		const char *why;

		if (link->loopback || is_path(d, link))
			continue;
		why = not_inside(d, link);
		if (why)
			fprintf(d->out, "  # not %s: it %s\n", link->name, why);
		else
			print_inside(d, link);
		n += !why;
	}
	if (!n)
		fprintf(d->out, "  # DECIDE: no private network was found here\n"
				"  # - { interface: lan0, networks: [10.0.0.0/24] }\n");
	return n;
}

static void print_bird(const struct draft *d)
{
	static const char *const families[] = {"ipv4", "ipv6"};

	fprintf(d->out,
		"\n# BIRD: a passive session with all its routes. %s\n"
		"#   protocol bgp sameway {\n"
		"#       local 127.0.0.1 as %u;\n"
		"#       neighbor %s port %u as %u;\n"
		"#       multihop;\n"
		"#       rr client;\n",
		d->feed ? "It has one already:" : "Add to its config, then `birdc configure`:",
		d->local_as, FEED_LISTEN, FEED_PORT, d->local_as);
	for (size_t i = 0; i < 2; i++)
		fprintf(d->out,
			"#       %s { import none; add paths tx; export where source = RTS_BGP; "
			"next "
			"hop keep; };\n",
			families[i]);
	fprintf(d->out, "#   }\n");
}

static void print_frr(const struct draft *d)
{
	fprintf(d->out,
		"\n# FRR: a session with all its routes. It connects to no 127.0.0.2, so first\n"
		"#   ip route add local %s/32 dev lo\n"
		"# then add in `vtysh`, `configure` (OWN: an address of this box):\n"
		"#   ip route %s/32 lo\n"
		"#   router bgp %u\n"
		"#    neighbor %s remote-as %u\n"
		"#    neighbor %s port %u\n"
		"#    neighbor %s update-source OWN\n",
		FRR_LISTEN, FRR_LISTEN, d->local_as, FRR_LISTEN, d->local_as, FRR_LISTEN, FEED_PORT,
		FRR_LISTEN);
	for (size_t i = 4; i <= 6; i += 2)
		fprintf(d->out,
			"#    address-family ipv%zu unicast\n"
			"#     neighbor %s activate\n"
			"#     neighbor %s route-reflector-client\n"
			"#     neighbor %s addpath-tx-all-paths\n",
			i, FRR_LISTEN, FRR_LISTEN, FRR_LISTEN);
	fprintf(d->out, "# DECIDE: `peers` below: that OWN\n");
}

static void print_feed(const struct draft *d)
{
	const char *listen = d->sessions->frr && !d->sessions->bird ? FRR_LISTEN : FEED_LISTEN;
	struct ip_addr peer = {.family = 4, .bytes = {127, 0, 0, 1}};
	char text[IP_STRLEN], from[IP_STRLEN];
	uint16_t port = FEED_PORT;

	if (d->sessions->frr)
		print_frr(d);
	if (d->sessions->bird || !d->sessions->frr)
		print_bird(d);
	if (d->feed) {
		listen = ip_format(&d->feed->neighbor, text);
		/* BIRD 2.0 does not say the port of a session that is not up. */
		port = d->feed->port ? d->feed->port : FEED_PORT;
		if (d->feed->source.family)
			peer = d->feed->source;
	} else if (d->sessions->frr && !d->sessions->bird && d->n_paths) {
		const struct host_address *own =
			host_address(d->host, d->paths[0].link->ifindex, 4);

		if (own)
			peer = own->addr;
	}
	fprintf(d->out,
		"feeds:\n  - name: router\n    type: bgp\n    listen: \"%s:%u\"\n    as: %u%s\n"
		"    router-id: 127.0.0.2    # another than the routing daemon's\n"
		"    peers: [\"%s\"]\n",
		listen, port, d->local_as ? d->local_as : 65000,
		d->local_as ? "" : "    # DECIDE: your own", ip_format(&peer, from));
}

static void print_head(const struct draft *d, const char *in_the_way)
{
	bool enforce = d->feed && !in_the_way && d->n_paths > 1;

	fprintf(d->out,
		"# Written by `sameway init`. Lines with DECIDE are guesses: look at them.\n"
		"# `sameway check-config FILE` and `sameway doctor -c FILE` say what is "
		"wrong.\n\n");
	if (in_the_way)
		fprintf(d->out,
			"# %s:\n# so the kernel sends the packets, by marks, and that is "
			"obeyed.\nforward: auto\n",
			in_the_way);
	if (enforce)
		fprintf(d->out,
			"# The routing daemon sends its routes and nothing is in the way. To look "
			"first: monitor.\nmode: enforce\n");
	else
		fprintf(d->out,
			"# It observes. `enforce` steers packets, when what it says is what you "
			"know.\nmode: monitor\n");
	fprintf(d->out, "prefer: [expressroute, vpn]\n");
}

static void draft_write(struct draft *d, const char *in_the_way, bool *complete)
{
	size_t insides;

	print_head(d, in_the_way);
	fprintf(d->out,
		"\n# The ways out. peers: the BGP neighbours, never steered themselves.\npaths:\n");
	for (size_t i = 0; i < d->n_paths; i++)
		print_path(d, i);
	if (!d->n_paths)
		fprintf(d->out,
			"  # DECIDE: no external BGP session was found\n"
			"  # - { name: er1-primary, class: expressroute, circuit: er1, interface: "
			"er0, gateway: ADDRESS, peers: [ADDRESS] }\n");
	insides = print_insides(d);
	fprintf(d->out,
		"\n# DECIDE: the outside address of a tunnel's far end, where it is reached by "
		"a path\n# exempt:\n#   - { to: ADDRESS/32 }\n");
	print_feed(d);
	*complete = d->n_paths && insides;
}

char *first_config(const struct host *host, const struct sessions *sessions, const char *in_the_way,
		   bool *complete)
{
	struct draft d = {.host = host, .sessions = sessions};
	char *text = NULL;
	size_t len;

	d.out = open_memstream(&text, &len);
	if (!d.out)
		return NULL;
	for (size_t i = 0; i < sessions->n; i++)
		take_session(&d, &sessions->v[i]);
	draft_write(&d, in_the_way, complete);
	if (fclose(d.out)) {
		free(text);
		return NULL;
	}
	return text;
}
