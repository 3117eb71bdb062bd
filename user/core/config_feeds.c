/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The config's section `feeds`: one table of all the keys that a feed may have, each with the types
 * that take it.
 */
#include "core/config_yaml.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define COUNT(v)   (sizeof(v) / sizeof((v)[0]))
#define MAIN_TABLE 254 /* the kernel's, `ip route show` */

const char *const config_feed_types[] = {"bgp", "jsonl", "rtnetlink", "bmp",
					 "frr", "azure", "mrt",	      NULL};
const char *const config_speeds[] = {"full", "real", NULL};
static const char *const views[] = {"local", "remote", NULL};

static void read_listen(struct config_reader *r, const struct config_key *key,
			const yaml_node_t *node, void *into)
{
	struct config_feed *feed = into;

	config_listen(r, key, node, &feed->listen, &feed->port);
}

static void read_peers(struct config_reader *r, const struct config_key *key,
		       const yaml_node_t *node, void *into)
{
	struct config_feed *feed = into;
	size_t n;

	config_addresses(r, key, node, &feed->peers, &feed->n_peers);
	if (node->type == YAML_SEQUENCE_NODE && config_items(r, key, node, "addresses", &n) && !n)
		config_bad(r, key, node, "empty: give the routing daemon's address");
}

/* As long as the kernel takes one (TCP_MD5SIG_MAXKEYLEN). */
static void read_password(struct config_reader *r, const struct config_key *key,
			  const yaml_node_t *node, void *into)
{
	const char *text = config_text(r, key, node, "a password");
	struct config_feed *feed = into;
	size_t len = text ? strlen(text) : 0;

	if (!text)
		return;
	if (!len || len > CONFIG_PASSWORD_MAX) {
		config_complain(r, config_line(node),
				"password: %zu bytes: give 1 to %d, the same as the routing daemon",
				len, CONFIG_PASSWORD_MAX);
		return;
	}
	feed->password = strdup(text);
	if (!feed->password)
		r->rc = -ENOMEM;
}

/* The tables of Azure are the other side's view, always; it is said so that a reader sees it. */
static void read_view(struct config_reader *r, const struct config_key *key,
		      const yaml_node_t *node, void *into)
{
	const char *text = config_text(r, key, node, "remote");

	(void)into;
	if (text && strcmp(text, views[1]))
		config_bad(r, key, node, "Azure's tables are its own view: give remote");
}

/* { ADDRESS: CIRCUIT, ... } */
static void read_circuits(struct config_reader *r, const struct config_key *key,
			  const yaml_node_t *node, void *into)
{
	struct config_feed *feed = into;
	const yaml_node_pair_t *pair;

	if (node->type != YAML_MAPPING_NODE) {
		config_complain(r, config_line(node),
				"circuits: no mapping: give as in { 10.10.30.132: er1 }");
		return;
	}
	pair = node->data.mapping.pairs.start;
	feed->circuits = config_array(r, (size_t)(node->data.mapping.pairs.top - pair),
				      sizeof(*feed->circuits));
	for (; feed->circuits && pair < node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *name = yaml_document_get_node(&r->doc, pair->value);
		struct config_circuit *c = &feed->circuits[feed->n_circuits];
		struct config_key of = *key;

		of.min = 0;
		of.offset = offsetof(struct config_circuit, peer);
		config_read_gateway(r, &of, yaml_document_get_node(&r->doc, pair->key), c);
		of.offset = offsetof(struct config_circuit, name);
		config_read_name(r, &of, name, c);
		c->line = config_line(name);
		feed->n_circuits++;
	}
}

/* As in rt_protos of iproute2. */
static const struct {
	const char *name;
	uint8_t number;
} protocols[] = {
	{"kernel", 2}, {"boot", 3},   {"static", 4}, {"ra", 9},	     {"zebra", 11},
	{"bird", 12},  {"dhcp", 16},  {"babel", 42}, {"openr", 99},  {"bgp", 186},
	{"isis", 187}, {"ospf", 188}, {"rip", 189},  {"eigrp", 192},
};

const char *config_protocol_name(uint8_t number)
{
	for (size_t i = 0; i < COUNT(protocols); i++)
		if (protocols[i].number == number)
			return protocols[i].name;
	return NULL;
}

/* The number of a name, or the number itself; -EINVAL. */
static int protocol_parse(const char *text)
{
	uint64_t number;

	for (size_t i = 0; i < COUNT(protocols); i++)
		if (!strcmp(protocols[i].name, text))
			return protocols[i].number;
	return config_number(text, &number) || number < 1 || number > 255 ? -EINVAL : (int)number;
}

static void read_protocols(struct config_reader *r, const struct config_key *key,
			   const yaml_node_t *node, void *into)
{
	struct config_feed *feed = into;
	size_t n;

	if (!config_items(r, key, node, "protocols", &n))
		return;
	if (!n)
		config_bad(r, key, node, "empty: give names as in [bird, static], or leave it out");
	for (size_t i = 0; i < n; i++) {
		const yaml_node_t *item = config_item(r, node, i);
		const char *text = config_text(r, key, item, "a protocol");
		int number = text ? protocol_parse(text) : 0;

		if (number == SW_RTPROT)
			config_bad(r, key, item, "sameway's own: its routes are never taken");
		else if (number < 0)
			config_bad(r, key, item,
				   "no protocol: give a name of /etc/iproute2/rt_protos, as bgp, "
				   "bird, "
				   "zebra or static, or a number from 1 to 255");
		else
			feed->protocols[number / 64] |= 1ULL << number % 64;
	}
}

/* A key that only feeds of another type have. */
static void read_foreign(struct config_reader *r, const struct config_key *key,
			 const yaml_node_t *node, void *into)
{
	const struct config_feed *feed = into;

	config_complain(r, config_line(node), "%s: no key of %s %s feed: remove it", key->name,
			strchr("aeiou", config_feed_types[feed->type][0]) ? "an" : "a",
			config_feed_types[feed->type]);
}

/* Of a feed whose type is missing or unknown: its other keys can't be judged. */
static void read_nothing(struct config_reader *r, const struct config_key *key,
			 const yaml_node_t *node, void *into)
{
	(void)r;
	(void)key;
	(void)node;
	(void)into;
}

#define IN(type) (1U << FEED_##type)
static const struct feed_key {
	unsigned int types, required; /* IN() of each */
	struct config_key key;
} feed_keys[] = {
	{IN(BGP) | IN(BMP), IN(BGP) | IN(BMP), KEY_OWN("listen", read_listen)},
	{IN(BGP) | IN(BMP), IN(BGP) | IN(BMP), KEY_OWN("peers", read_peers)},
	{IN(BGP), IN(BGP), KEY(config_feed, "as", as, u32, .min = 1, .max = UINT32_MAX)},
	{IN(BGP), IN(BGP), KEY(config_feed, "router-id", router_id, router_id)},
	{IN(BGP), 0, KEY_OWN("password", read_password)},
	{IN(BGP), 0, KEY(config_feed, "ttl-security", ttl_security, bool)},
	{IN(JSONL) | IN(FRR) | IN(AZURE) | IN(MRT), IN(JSONL) | IN(MRT),
	 KEY(config_feed, "file", file, string)},
	{IN(JSONL), 0, KEY(config_feed, "follow", follow, bool)},
	{IN(RTNETLINK), 0, KEY(config_feed, "table", table, u32, .min = 1, .max = UINT32_MAX)},
	{IN(RTNETLINK), 0, KEY_OWN("protocol", read_protocols)},
	{IN(FRR) | IN(AZURE), 0, KEY(config_feed, "dir", dir, string)},
	{IN(FRR) | IN(AZURE), 0, KEY(config_feed, "command", command, string)},
	{IN(FRR) | IN(AZURE), 0, KEY(config_feed, "interval", interval_ns, duration)},
	{IN(AZURE), 0, KEY_OWN("view", read_view)},
	{IN(AZURE), 0, KEY_OWN("circuits", read_circuits)},
	{IN(MRT), 0, KEY_CHOICE(config_feed, "speed", speed, config_speeds, 2)},
};

#define FIRST_KEYS 2 /* of every feed */

static void feed_defaults(struct config_feed *feed)
{
	switch (feed->type) {
	case FEED_RTNETLINK:
		feed->table = MAIN_TABLE;
		break;
	case FEED_FRR:
	case FEED_AZURE:
		feed->interval_ns = CONFIG_INTERVAL_NS;
		break;
	default:
		break;
	}
}

static void read_feed(struct config_reader *r, const yaml_node_t *node, struct config_feed *feed)
{
	const yaml_node_t *type = config_find(r, node, "type");
	const char *text =
		type && type->type == YAML_SCALAR_NODE ? (const char *)type->data.scalar.value : "";
	struct config_key keys[FIRST_KEYS + COUNT(feed_keys)] = {
		KEY(config_feed, "name", name, name, .required = true),
		KEY_CHOICE(config_feed, "type", type, config_feed_types,
			   COUNT(config_feed_types) - 1, .required = true),
	};
	char what[32];
	size_t t = 0;

	while (config_feed_types[t] && strcmp(text, config_feed_types[t]))
		t++;
	for (size_t i = 0; i < COUNT(feed_keys); i++) {
		struct config_key *key = &keys[FIRST_KEYS + i];

		*key = feed_keys[i].key;
		key->required = feed_keys[i].required >> t & 1;
		if (!config_feed_types[t])
			key->read = read_nothing;
		else if (!(feed_keys[i].types >> t & 1))
			key->read = read_foreign;
	}
	feed->line = config_line(node);
	snprintf(what, sizeof(what), "a feed");
	if (config_feed_types[t]) {
		feed->type = (enum config_feed_type)t;
		snprintf(what, sizeof(what), "%s %s feed", strchr("aeiou", text[0]) ? "an" : "a",
			 text);
		feed_defaults(feed);
	}
	config_mapping(r, node, what, keys, COUNT(keys), feed);
}

void config_read_feeds(struct config_reader *r, const struct config_key *key,
		       const yaml_node_t *node, void *into)
{
	struct config *cfg = into;
	size_t n;

	if (!config_items(r, key, node, "feeds", &n))
		return;
	cfg->feeds = config_array(r, n, sizeof(*cfg->feeds));
	while (cfg->feeds && cfg->n_feeds < n) {
		read_feed(r, config_item(r, node, cfg->n_feeds), &cfg->feeds[cfg->n_feeds]);
		cfg->n_feeds++;
	}
}
