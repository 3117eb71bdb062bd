/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The checks of the config that need more than one value: names and interfaces used twice,
 * networks that overlap, an address that would tell two paths, IPv6 on a small MTU, a VPN that
 * would leave in clear. Each complains at the later of the two lines.
 */
#include "core/config_yaml.h"

#include <string.h>

/* The gateway whose MAC tells the path's packets. */
static const struct ip_addr *told_by(const struct config_path *path)
{
	return path->gateway.family ? &path->gateway : &path->gateway6;
}

/* Two paths on one interface: told apart by their tags, else by their gateways' MACs. */
static void check_shared(struct config_reader *r, const struct config_path *a,
			 const struct config_path *b)
{
	int line = config_line_of(r, b->interface, b->line);

	if (a->hook != b->hook)
		config_complain(r, config_line_of(r, &b->hook, line),
				"hook: %s: path %s on the same interface %s has %s: one program "
				"is on an interface, give both the same",
				config_hooks[b->hook], a->name, b->interface,
				config_hooks[a->hook]);
	if (a->vlan.all != b->vlan.all)
		return;
	if (!told_by(a)->family || !told_by(b)->family || ip_equal(told_by(a), told_by(b)) ||
	    (a->gateway6.family && ip_equal(&a->gateway6, &b->gateway6)))
		config_complain(r, line,
				"interface: %s: paths %s and %s have it with the same tags: give "
				"each a `vlan:` or a `gateway:` of its own, whose MAC tells them "
				"apart",
				b->interface, a->name, b->name);
	else if (strcmp(a->l3, b->l3))
		config_complain(r, config_line_of(r, b->l3, line),
				"l3: %s: path %s has the same interface and tags, and %s: one "
				"device has the addresses of a segment",
				b->l3, a->name, a->l3);
}

/* A device that has the addresses of a path is not an interface of another's. */
static void check_l3(struct config_reader *r, const struct config_path *path, const char *interface,
		     const char *whose)
{
	if (!path->l3[0] || !strcmp(path->l3, path->interface) || strcmp(path->l3, interface))
		return;
	config_complain(r, config_line_of(r, path->l3, path->line),
			"l3: %s: %s has it as its interface: its packets are taken on %s before",
			path->l3, whose, path->interface);
}

static void check_paths_pair(struct config_reader *r, const struct config_path *a,
			     const struct config_path *b)
{
	if (b->name[0] && !strcmp(a->name, b->name))
		config_complain(r, config_line_of(r, b->name, b->line),
				"name: %s: two paths have it: give each a name of its own",
				b->name);
	if (b->interface[0] && !strcmp(a->interface, b->interface))
		check_shared(r, a, b);
	check_l3(r, a, b->interface, b->name);
	check_l3(r, b, a->interface, a->name);
}

static void check_inside_pair(struct config_reader *r, const struct config_inside *a,
			      const struct config_inside *b)
{
	if (b->interface[0] && !strcmp(a->interface, b->interface))
		config_complain(
			r, config_line_of(r, b->interface, b->line),
			"interface: %s: two inside entries have it: put all networks in one",
			b->interface);
	for (size_t i = 0; i < a->n_networks; i++) {
		for (size_t k = 0; k < b->n_networks; k++) {
			const struct prefix *x = &a->networks[i], *y = &b->networks[k];
			char one[PREFIX_STRLEN], two[PREFIX_STRLEN];

			if (!prefix_contains(x, y) && !prefix_contains(y, x))
				continue;
			config_complain(
				r, config_line_of(r, y, b->line),
				"networks: %s: overlaps %s of %s: a network is on one interface",
				prefix_format(y, two), prefix_format(x, one), a->interface);
			return;
		}
	}
}

static void check_roles(struct config_reader *r, const struct config_path *path,
			const struct config_inside *inside)
{
	check_l3(r, path, inside->interface, "inside");
	if (!path->interface[0] || strcmp(path->interface, inside->interface))
		return;
	config_complain(
		r, config_line_of(r, inside->interface, inside->line),
		"interface: %s: path %s has it too: an interface is path or inside, not both",
		inside->interface, path->name);
}

/* Whether the address tells a packet or route of this path. */
static bool path_has(const struct config_path *path, const struct ip_addr *ip)
{
	for (size_t i = 0; i < path->n_peers; i++) {
		if (ip_equal(&path->peers[i], ip))
			return true;
	}
	return ip_equal(&path->gateway, ip) || ip_equal(&path->gateway6, ip);
}

/* Link-local addresses may be the same on two links; any other says which path a route is of. */
static void check_owner(struct config_reader *r, const char *key, const struct ip_addr *ip,
			const struct config_path *path)
{
	char buf[IP_STRLEN];

	if (!ip->family || ip_is_link_local(ip))
		return;
	for (const struct config_path *other = r->cfg->paths; other < path; other++) {
		if (!path_has(other, ip))
			continue;
		config_complain(r, config_line_of(r, ip, path->line),
				"%s: %s: path %s has it too: it must tell one path", key,
				ip_format(ip, buf), other->name);
		return;
	}
}

static void check_twice(struct config_reader *r, const struct ip_addr *v, size_t n, int entry)
{
	char buf[IP_STRLEN];

	for (size_t i = 1; i < n; i++) {
		size_t k = 0;

		while (k < i && !ip_equal(&v[k], &v[i]))
			k++;
		if (k < i)
			config_complain(r, config_line_of(r, &v[i], entry),
					"peers: %s: listed twice: remove one",
					ip_format(&v[i], buf));
	}
}

/* RFC 8200, 5: a link below 1280 bytes can't carry IPv6. */
static void check_mtu(struct config_reader *r, const struct config_path *path)
{
	bool inside6 = false;

	if (!path->mtu || path->mtu >= 1280)
		return;
	for (size_t i = 0; i < r->cfg->n_inside; i++) {
		for (size_t k = 0; k < r->cfg->inside[i].n_networks; k++)
			inside6 |= r->cfg->inside[i].networks[k].family == 6;
	}
	/* Without a gateway it has no Ethernet header, and takes both families. */
	if (path->gateway6.family || (inside6 && !path->gateway.family))
		config_complain(r, config_line_of(r, &path->mtu, path->line),
				"mtu: %u: too small for IPv6: give 1280 or more", path->mtu);
}

static void check_bfd(struct config_reader *r, const struct config_path *path)
{
	struct ip_addr ends[SW_BFD_SESSIONS];
	size_t n = path->bfd ? config_far_ends(path, ends, SW_BFD_SESSIONS) : 1;

	if (!n)
		config_complain(r, config_line_of(r, &path->bfd, path->line),
				"bfd: true: path %s has no gateway and no peers: list in `peers` "
				"whom its BFD sessions are with",
				path->name);
	else if (n > SW_BFD_SESSIONS)
		config_complain(r, config_line_of(r, &path->bfd, path->line),
				"bfd: true: path %s has %zu gateways and peers: %d at most are "
				"watched, split it or leave this out",
				path->name, n, SW_BFD_SESSIONS);
}

/* What no host beyond a path has: 0.0.0.0/8, 127.0.0.0/8, 224.0.0.0/3, ::, ::1, ff00::/8. */
static bool is_no_host(const struct ip_addr *ip)
{
	static const uint8_t zeros[15];
	const uint8_t *b = ip->bytes;

	if (ip->family == 4)
		return !b[0] || b[0] == 127 || b[0] >= 224;
	return b[0] == 0xff || (!memcmp(b, zeros, sizeof(zeros)) && b[15] <= 1);
}

static void check_probe(struct config_reader *r, const struct config_path *path)
{
	const struct config_probe *probe = &path->probe;
	int line = config_line_of(r, &probe->target, path->line);
	bool six = probe->target.family == 6;
	const struct config_inside *in;
	struct prefix host, net;
	char buf[IP_STRLEN], text[PREFIX_STRLEN];

	if (!probe->target.family)
		return;
	ip_format(&probe->target, buf);
	host = prefix_host(&probe->target);
	in = config_inside_of(r->cfg, &host, &net);
	if (in)
		config_complain(r, line,
				"target: %s: is inside (%s of %s): give a host beyond the path",
				buf, prefix_format(&net, text), in->interface);
	if (is_no_host(&probe->target))
		config_complain(r, line, "target: %s: is no host's: give one beyond the path", buf);
	if (told_by(path)->family && !(six ? &path->gateway6 : &path->gateway)->family)
		config_complain(r, line,
				"target: %s: path %s has no `%s:` to send it to: give it one, or "
				"an IPv%d target",
				buf, path->name, six ? "gateway6" : "gateway", six ? 4 : 6);
	if (path->vlan.all && !strcmp(path->l3, path->interface))
		config_complain(r, line,
				"probe: path %s has VLAN tags and no `l3:`: give the device that "
				"has its addresses, the probe leaves by it",
				path->name);
	if (probe->interval_ns < CONFIG_PROBE_MIN_NS || probe->interval_ns > CONFIG_PROBE_MAX_NS)
		config_complain(r, config_line_of(r, &probe->interval_ns, line),
				"interval: out of range: give 100ms to 60s");
}

static void check_path(struct config_reader *r, const struct config_path *path)
{
	check_owner(r, "gateway", &path->gateway, path);
	check_owner(r, "gateway6", &path->gateway6, path);
	for (size_t i = 0; i < path->n_peers; i++)
		check_owner(r, "peers", &path->peers[i], path);
	check_twice(r, path->peers, path->n_peers, path->line);
	check_mtu(r, path);
	check_bfd(r, path);
	check_probe(r, path);
	if (path->class != SW_CLASS_EXPRESSROUTE &&
	    config_line_of(r, &path->limit, 0)) /* it was given */
		config_complain(r, config_line_of(r, &path->limit, path->line),
				"prefix-limit: path %s is no expressroute path: remove it",
				path->name);
	if (path->vlan.all && !told_by(path)->family)
		config_complain(r, config_line_of(r, &path->vlan, path->line),
				"vlan: path %s has no gateway: tags are of Ethernet, give it a "
				"`gateway:` or `gateway6:`",
				path->name);
	if (r->cfg->mode == SW_MODE_ENFORCE && path->class == SW_CLASS_VPN && !path->encrypted &&
	    (path->gateway.family || path->gateway6.family))
		config_complain(r, path->line,
				"encrypted: missing in vpn path %s with a gateway: say `encrypted: "
				"true` if ESP is made elsewhere, else its packets leave in clear",
				path->name);
}

static void check_feeds_pair(struct config_reader *r, const struct config_feed *a,
			     const struct config_feed *b)
{
	char buf[IP_STRLEN];

	if (b->name[0] && !strcmp(a->name, b->name))
		config_complain(r, config_line_of(r, b->name, b->line),
				"name: %s: two feeds have it: give each a name of its own",
				b->name);
	if (b->listen.family && ip_equal(&a->listen, &b->listen) && a->port == b->port)
		config_complain(r, config_line_of(r, &b->listen, b->line),
				"listen: %s port %u: feed %s has it too: give another port",
				ip_format(&b->listen, buf), b->port, a->name);
	if (a->file && b->file && !strcmp(a->file, "-") && !strcmp(b->file, "-"))
		config_complain(r, b->line,
				"file: -: feed %s reads it too: one feed reads standard input",
				a->name);
	if (b->table && a->table == b->table)
		config_complain(r, config_line_of(r, &b->table, b->line),
				"table: %u: feed %s has it too: one feed reads a table", b->table,
				a->name);
}

/* What reads tables as text has them from one place. */
static void check_feed_input(struct config_reader *r, const struct config_feed *feed)
{
	int n = !!feed->file + !!feed->dir + !!feed->command;

	if (feed->type != FEED_FRR && feed->type != FEED_AZURE)
		return;
	if (n != 1)
		config_complain(r, feed->line, "feed %s: %s: give one of file, dir and command",
				feed->name, n ? "more than one input" : "no input");
	if (feed->file && !strcmp(feed->file, "-"))
		config_complain(r, config_line_of(r, &feed->file, feed->line),
				"file: -: standard input is for a jsonl feed: give a file's name");
	if (feed->interval_ns < CONFIG_INTERVAL_MIN_NS)
		config_complain(r, config_line_of(r, &feed->interval_ns, feed->line),
				"interval: too short: give 1s or more");
}

static void check_circuits(struct config_reader *r, const struct config_feed *feed)
{
	char buf[IP_STRLEN];

	for (size_t i = 1; i < feed->n_circuits; i++) {
		const struct config_circuit *c = &feed->circuits[i];
		size_t k = 0;

		while (k < i && !ip_equal(&feed->circuits[k].peer, &c->peer))
			k++;
		if (k < i && c->peer.family)
			config_complain(r, c->line,
					"circuits: %s: listed twice, as %s and %s: remove one",
					ip_format(&c->peer, buf), feed->circuits[k].name, c->name);
	}
}

static void check_network_twice(struct config_reader *r, const struct config_inside *inside)
{
	char buf[PREFIX_STRLEN];

	for (size_t i = 1; i < inside->n_networks; i++) {
		const struct prefix *p = &inside->networks[i];
		size_t k = 0;

		while (k < i && !prefix_equal(&inside->networks[k], p))
			k++;
		if (k < i)
			config_complain(r, config_line_of(r, p, inside->line),
					"networks: %s: listed twice: remove one",
					prefix_format(p, buf));
	}
}

static void check_marks(struct config_reader *r)
{
	const struct config *cfg = r->cfg;
	uint32_t row = cfg->fwmark / (cfg->fwmark & -cfg->fwmark);
	int bits = __builtin_popcount(cfg->fwmark);

	if (row & (row + 1))
		config_complain(r, config_line_of(r, &cfg->fwmark, 1),
				"fwmark: %#x: has a gap: give %d bits or more in a row, 0xff0000",
				cfg->fwmark, CONFIG_MARK_BITS);
	else if (bits < CONFIG_MARK_BITS)
		config_complain(r, config_line_of(r, &cfg->fwmark, 1),
				"fwmark: %#x: %d bit%s: %d paths need %d in a row", cfg->fwmark,
				bits, bits == 1 ? "" : "s", SW_MAX_PATHS, CONFIG_MARK_BITS);
	for (size_t i = 0; i < cfg->n_feeds; i++) {
		const struct config_feed *feed = &cfg->feeds[i];

		if (feed->table >= cfg->tables && feed->table < cfg->tables + SW_MAX_PATHS)
			config_complain(r, config_line_of(r, &feed->table, feed->line),
					"table: %u: is one of sameway's own (`tables: %u` and %d "
					"more): give another",
					feed->table, cfg->tables, SW_MAX_PATHS - 1);
	}
}

void config_check(struct config_reader *r)
{
	const struct config *cfg = r->cfg;

	check_marks(r);
	for (size_t i = 0; i < cfg->n_paths; i++) {
		for (size_t k = 0; k < i; k++)
			check_paths_pair(r, &cfg->paths[k], &cfg->paths[i]);
		for (size_t k = 0; k < cfg->n_inside; k++)
			check_roles(r, &cfg->paths[i], &cfg->inside[k]);
		check_path(r, &cfg->paths[i]);
	}
	for (size_t i = 0; i < cfg->n_inside; i++) {
		for (size_t k = 0; k < i; k++)
			check_inside_pair(r, &cfg->inside[k], &cfg->inside[i]);
		check_network_twice(r, &cfg->inside[i]);
	}
	for (size_t i = 0; i < cfg->n_feeds; i++) {
		for (size_t k = 0; k < i; k++)
			check_feeds_pair(r, &cfg->feeds[k], &cfg->feeds[i]);
		check_twice(r, cfg->feeds[i].peers, cfg->feeds[i].n_peers, cfg->feeds[i].line);
		check_feed_input(r, &cfg->feeds[i]);
		check_circuits(r, &cfg->feeds[i]);
	}
	config_check_rules(r);
}
