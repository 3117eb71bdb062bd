/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tables of the config's keys, section by section: contract.md's Config in code. A key is here
 * with its reader and range, or with the default that alone is taken until a later build does
 * more.
 */
#include "core/config_yaml.h"

#include <string.h>

#define COUNT(v)	     (sizeof(v) / sizeof((v)[0]))

#define CLASS_TEXT(id, text) text,
const char *const config_modes[] = {"monitor", "enforce", NULL};
const char *const config_matches[] = {"longest-prefix", "class-first", NULL};
const char *const config_forwards[] = {"auto", "fast", "kernel", NULL};
const char *const config_default_routes[] = {"never", "last", NULL};
const char *const config_multipaths[] = {"circuit", "circuits", NULL};
const char *const config_scopes[] = {"class", "circuit", "path", NULL};
const char *const config_classes[] = {SW_CLASSES(CLASS_TEXT) NULL};
const char *const config_hooks[] = {"auto", "xdp", "xdp-generic", "tc", NULL};
const char *const config_actions[] = {"alert", "reflect", "drop", NULL};
const char *const config_transits[] = {"deny", "allow", NULL};

static void read_prefer(struct config_reader *r, const struct config_key *key,
			const yaml_node_t *node, void *into)
{
	struct config *cfg = into;
	unsigned int seen = 0;
	size_t n;

	if (!config_items(r, key, node, "classes", &n))
		return;
	if (!n)
		config_bad(r, key, node,
			   "empty: give at least one class, as in [expressroute, vpn]");
	cfg->n_prefer = 0;
	for (size_t i = 0; i < n; i++) {
		const yaml_node_t *item = config_item(r, node, i);
		const char *text = config_text(r, key, item, "a class");
		enum sw_class class;

		if (!text)
			continue;
		if (class_parse(text, &class)) {
			config_bad(r, key, item,
				   "no class: give expressroute, vpn, peering or other");
		} else if (seen & 1U << class) {
			config_bad(r, key, item, "listed twice: remove one");
		} else {
			seen |= 1U << class;
			cfg->prefer[cfg->n_prefer++] = class;
		}
	}
}

static const struct config_key fib_keys[] = {
	KEY(config, "nodes4", nodes4, u32, .min = 64, .max = 32768),
	KEY(config, "nodes6", nodes6, u32, .min = 64, .max = 1048576),
};

static void read_fib(struct config_reader *r, const struct config_key *key, const yaml_node_t *node,
		     void *into)
{
	config_mapping(r, node, key->name, fib_keys, COUNT(fib_keys), into);
}

static const struct config_key asymmetry_keys[] = {
	KEY_CHOICE(config, "scope", scope, config_scopes, 3),
	KEY(config, "grace", grace_ns, duration),
	KEY(config, "confirm", confirm_ns, duration),
	KEY_CHOICE(config, "action", asymmetry, config_actions, 3),
};

static void read_asymmetry(struct config_reader *r, const struct config_key *key,
			   const yaml_node_t *node, void *into)
{
	config_mapping(r, node, key->name, asymmetry_keys, COUNT(asymmetry_keys), into);
}

static void read_path_peers(struct config_reader *r, const struct config_key *key,
			    const yaml_node_t *node, void *into)
{
	struct config_path *path = into;

	config_addresses(r, key, node, &path->peers, &path->n_peers);
}

/* One tag or two, the outer one first. */
static void read_path_vlan(struct config_reader *r, const struct config_key *key,
			   const yaml_node_t *node, void *into)
{
	struct config_path *path = into;
	size_t n;

	if (!config_items(r, key, node, "VLAN ids", &n))
		return;
	if (n > SW_MAX_TAGS) {
		config_bad(r, key, node, "%zu tags: give two at most, the outer one first", n);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const yaml_node_t *item = config_item(r, node, i);
		const char *text = config_text(r, key, item, "a VLAN id");
		uint64_t vid;

		if (!text)
			continue;
		if (config_number(text, &vid) || vid < 1 || vid > 4094)
			config_bad(r, key, item, "no VLAN id: give a number from 1 to 4094");
		else
			path->vlan.vid[i] = (uint16_t)vid;
	}
	config_mark(r, &path->vlan, node);
}

static void read_path_mss(struct config_reader *r, const struct config_key *key,
			  const yaml_node_t *node, void *into)
{
	struct config_path *path = into;
	const char *text = config_text(r, key, node, "a number or auto");
	uint64_t mss;

	if (!text)
		return;
	path->mss_line = config_line(node);
	if (!strcmp(text, "auto"))
		path->mss = CONFIG_MSS_AUTO;
	else if (config_number(text, &mss))
		config_bad(r, key, node, "no MSS: give a number from %d to %d, or auto",
			   CONFIG_MSS_MIN, CONFIG_MSS_MAX);
	else if (mss < CONFIG_MSS_MIN || mss > CONFIG_MSS_MAX)
		config_bad(r, key, node, "out of range: give %d to %d, or auto", CONFIG_MSS_MIN,
			   CONFIG_MSS_MAX);
	else
		path->mss = (uint32_t)mss;
}

static const struct config_key limit_keys[] = {
	KEY(config_limit, "in", in, u32, .min = 1, .max = 1000000),
	KEY(config_limit, "in6", in6, u32, .min = 1, .max = 1000000),
	KEY(config_limit, "out", out, u32, .min = 1, .max = 1000000),
};

static void read_limit(struct config_reader *r, const struct config_key *key,
		       const yaml_node_t *node, void *into)
{
	struct config_path *path = into;

	config_mapping(r, node, key->name, limit_keys, COUNT(limit_keys), &path->limit);
	config_mark(r, &path->limit, node);
}

/* fd00::4:443: an address, and so is what is left without a last part that may be a port. */
static bool may_have_port(const char *text)
{
	const char *colon = strrchr(text, ':');
	char host[IP_STRLEN];
	struct ip_addr ip;
	uint64_t port;

	if (!colon || strlen(text) >= sizeof(host) || colon[1] == '0' ||
	    config_number(colon + 1, &port))
		return false;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	return !ip_parse(host, &ip);
}

/* [IPV6] */
static bool in_brackets(const char *text, struct ip_addr *ip)
{
	size_t len = strlen(text);
	char host[IP_STRLEN];

	if (len < 3 || len - 2 >= sizeof(host) || text[0] != '[' || text[len - 1] != ']')
		return false;
	memcpy(host, text + 1, len - 2);
	host[len - 2] = '\0';
	return !ip_parse(host, ip) && ip->family == 6;
}

static void read_probe_target(struct config_reader *r, const struct config_key *key,
			      const yaml_node_t *node, void *into)
{
	struct config_probe *probe = into;
	const char *text = config_text(r, key, node, "an address");
	struct ip_addr ip;

	if (!text)
		return;
	probe->line = config_line(node);
	if (in_brackets(text, &ip) || !ip_parse(text, &ip)) {
		probe->target = ip;
		probe->bare = ip.family == 6 && may_have_port(text);
		config_mark(r, &probe->target, node);
	} else if (strchr(text, ':')) {
		config_listen(r, key, node, &probe->target, &probe->port);
	} else {
		config_bad(r, key, node,
			   "no address: give one, with a port for TCP: ADDRESS, ADDRESS:PORT or "
			   "\"[IPV6]:PORT\"");
	}
}

static const struct config_key probe_keys[] = {
	KEY_OWN("target", read_probe_target, .required = true),
	KEY(config_probe, "interval", interval_ns, duration),
	KEY(config_probe, "misses", misses, u32, .min = 1, .max = SW_PROBE_MISSES),
};

static void read_probe(struct config_reader *r, const struct config_key *key,
		       const yaml_node_t *node, void *into)
{
	struct config_path *path = into;

	if (!config_is_null(node))
		config_mapping(r, node, key->name, probe_keys, COUNT(probe_keys), &path->probe);
}

static const struct config_key path_keys[] = {
	KEY(config_path, "name", name, name, .required = true),
	KEY_CHOICE(config_path, "class", class, config_classes, SW_CLASS_COUNT, .required = true),
	KEY(config_path, "circuit", circuit, name),
	KEY(config_path, "interface", interface, interface, .required = true),
	KEY(config_path, "gateway", gateway, gateway, .min = 4),
	KEY(config_path, "gateway6", gateway6, gateway, .min = 6),
	KEY_OWN("peers", read_path_peers),
	KEY(config_path, "as", as, u32, .min = 1, .max = UINT32_MAX),
	KEY(config_path, "mtu", mtu, u32, .min = 576, .max = 65535),
	KEY(config_path, "weight", weight, u32, .min = 1, .max = SW_MAX_WEIGHT),
	KEY(config_path, "encrypted", encrypted, bool),
	KEY_OWN("prefix-limit", read_limit),
	KEY_OWN("vlan", read_path_vlan),
	KEY(config_path, "l3", l3, interface),
	KEY_OWN("mss", read_path_mss),
	KEY(config_path, "bfd", bfd, bool),
	KEY_OWN("probe", read_probe),
	KEY_CHOICE(config_path, "hook", hook, config_hooks, 4),
};

static void read_path(struct config_reader *r, const yaml_node_t *node, struct config_path *path)
{
	path->line = config_line(node);
	path->weight = 1;
	path->limit = (struct config_limit){CONFIG_LIMIT_IN, CONFIG_LIMIT_IN6, CONFIG_LIMIT_OUT};
	path->probe = (struct config_probe){.interval_ns = CONFIG_PROBE_NS,
					    .misses = CONFIG_PROBE_MISSES};
	config_mapping(r, node, "a path", path_keys, COUNT(path_keys), path);
	if (!path->l3[0])
		strcpy(path->l3, path->interface);
}

static void read_paths(struct config_reader *r, const struct config_key *key,
		       const yaml_node_t *node, void *into)
{
	struct config *cfg = into;
	size_t n;

	if (!config_items(r, key, node, "paths", &n))
		return;
	if (!n)
		config_bad(r, key, node, "empty: give at least one path");
	if (n > SW_MAX_PATHS) {
		config_complain(r, config_line(config_item(r, node, SW_MAX_PATHS)),
				"paths: %zu of them: give %d at most", n, SW_MAX_PATHS);
		n = SW_MAX_PATHS;
	}
	cfg->paths = config_array(r, n, sizeof(*cfg->paths));
	while (cfg->paths && cfg->n_paths < n) {
		read_path(r, config_item(r, node, cfg->n_paths), &cfg->paths[cfg->n_paths]);
		cfg->n_paths++;
	}
}

static void read_inside_networks(struct config_reader *r, const struct config_key *key,
				 const yaml_node_t *node, void *into)
{
	struct config_inside *inside = into;

	config_networks(r, key, node, &inside->networks, &inside->n_networks);
}

static const struct config_key inside_keys[] = {
	KEY(config_inside, "interface", interface, interface, .required = true),
	KEY_OWN("networks", read_inside_networks, .required = true),
	KEY(config_inside, "gateway", gateway, gateway, .min = 4),
	KEY(config_inside, "gateway6", gateway6, gateway, .min = 6),
	KEY(config_inside, "stateful", stateful, bool),
	KEY_CHOICE(config_inside, "hook", hook, config_hooks, 4),
};

static void read_insides(struct config_reader *r, const struct config_key *key,
			 const yaml_node_t *node, void *into)
{
	struct config *cfg = into;
	size_t n;

	if (!config_items(r, key, node, "inside interfaces", &n))
		return;
	if (!n)
		config_bad(r, key, node, "empty: give at least one interface with its networks");
	if (n > SW_MAX_INSIDE) {
		config_complain(r, config_line(config_item(r, node, SW_MAX_INSIDE)),
				"inside: %zu of them: give %d at most", n, SW_MAX_INSIDE);
		n = SW_MAX_INSIDE;
	}
	cfg->inside = config_array(r, n, sizeof(*cfg->inside));
	while (cfg->inside && cfg->n_inside < n) {
		struct config_inside *inside = &cfg->inside[cfg->n_inside];
		const yaml_node_t *item = config_item(r, node, cfg->n_inside);

		cfg->n_inside++;
		inside->line = config_line(item);
		config_mapping(r, item, "an inside entry", inside_keys, COUNT(inside_keys), inside);
	}
}

static void read_exempt_prefix(struct config_reader *r, const struct config_key *key,
			       const yaml_node_t *node, void *into)
{
	struct config_exempt *exempt = into;

	if (exempt->prefix.family)
		config_bad(r, key, node, "not yet: give `to` or `from`, not both");
	else if (config_prefix(r, key, node, &exempt->prefix))
		exempt->from = !strcmp(key->name, "from");
}

static const struct config_key exempt_keys[] = {
	KEY_OWN("to", read_exempt_prefix),
	KEY_OWN("from", read_exempt_prefix),
	KEY_LATER("proto", NULL, "exempt the whole address, leave this out"),
	KEY_LATER("port", NULL, "exempt the whole address, leave this out"),
};

static void read_exempts(struct config_reader *r, const struct config_key *key,
			 const yaml_node_t *node, void *into)
{
	struct config *cfg = into;
	size_t n;

	if (!config_items(r, key, node, "mappings", &n))
		return;
	cfg->exempt = config_array(r, n, sizeof(*cfg->exempt));
	while (cfg->exempt && cfg->n_exempt < n) {
		const yaml_node_t *item = config_item(r, node, cfg->n_exempt);

		config_mapping(r, item, "an exempt entry", exempt_keys, COUNT(exempt_keys),
			       &cfg->exempt[cfg->n_exempt++]);
		if (item->type == YAML_MAPPING_NODE && !config_find(r, item, "to") &&
		    !config_find(r, item, "from"))
			config_complain(r, config_line(item),
					"exempt: an entry without address: give `to` or `from`");
	}
}

static const struct config_key notify_keys[] = {
	KEY(config, "command", notify, string, .required = true),
};

/* null: none, as if it were left out */
static void read_notify(struct config_reader *r, const struct config_key *key,
			const yaml_node_t *node, void *into)
{
	struct config *cfg = into;

	cfg->notify_line = config_line(node);
	if (!config_is_null(node))
		config_mapping(r, node, key->name, notify_keys, COUNT(notify_keys), cfg);
}

static const struct config_key top_keys[] = {
	KEY_CHOICE(config, "mode", mode, config_modes, 2),
	KEY_OWN("prefer", read_prefer),
	KEY_CHOICE(config, "match", match, config_matches, 2),
	KEY_OWN("asymmetry", read_asymmetry),
	KEY(config, "failback-delay", failback_delay_ns, duration),
	KEY(config, "stale-time", stale_ns, duration),
	KEY_CHOICE(config, "transit", transit, config_transits, 2),
	KEY_CHOICE(config, "forward", forward, config_forwards, 3),
	KEY(config, "fwmark", fwmark, u32, .min = 1, .max = UINT32_MAX),
	KEY(config, "tables", tables, u32, .min = CONFIG_TABLES_MIN, .max = CONFIG_TABLES_MAX),
	KEY(config, "bypass-netfilter", bypass_netfilter, bool),
	KEY_CHOICE(config, "default-route", default_route, config_default_routes, 2),
	KEY(config, "class-first-min", class_first_min, u32, .max = 128),
	KEY_CHOICE(config, "multipath", multipath, config_multipaths, 2),
	KEY(config, "flows", flows, u32, .min = CONFIG_FLOWS_MIN, .max = CONFIG_FLOWS_MAX),
	KEY(config, "flows6", flows6, u32, .min = CONFIG_FLOWS_MIN, .max = CONFIG_FLOWS_MAX),
	KEY_OWN("fib", read_fib),
	KEY_OWN("paths", read_paths, .required = true),
	KEY_OWN("inside", read_insides, .required = true),
	KEY_OWN("exempt", read_exempts),
	KEY_OWN("rules", config_read_rules),
	KEY_OWN("feeds", config_read_feeds),
	KEY_OWN("notify", read_notify),
	KEY_LATER("export", NULL, "leave it out and read `sameway -j counters`"),
	KEY_LATER("fleet", NULL, "leave it out and ask each edge"),
};

void config_read(struct config_reader *r, const yaml_node_t *root)
{
	config_mapping(r, root, "the config", top_keys, COUNT(top_keys), r->cfg);
}
