/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Readers of single values: each checks type and range, complains with the value it saw and says
 * what would do, and writes its field only when all is well.
 */
#include "core/config_yaml.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *field(const struct config_key *key, void *into)
{
	return (char *)into + key->offset;
}

#define CHOICES_LEN 120

/* "one of A, B, C": those that this version has. */
static void choices_list(const struct config_key *key, char list[CHOICES_LEN])
{
	size_t len = 0;

	for (unsigned int i = 0; i < key->n_now && len < CHOICES_LEN; i++)
		len += (size_t)snprintf(list + len, CHOICES_LEN - len, "%s%s",
					i		 ? ", "
					: key->n_now > 1 ? "one of "
							 : "",
					key->choices[i]);
}

void config_read_choice(struct config_reader *r, const struct config_key *key,
			const yaml_node_t *node, void *into)
{
	char list[CHOICES_LEN];
	const char *text;
	unsigned int i = 0;

	choices_list(key, list);
	text = config_text(r, key, node, list);
	if (!text)
		return;
	while (key->choices[i] && strcmp(text, key->choices[i]))
		i++;
	if (!key->choices[i])
		config_bad(r, key, node, "not known: give %s", list);
	else if (i >= key->n_now)
		config_bad(r, key, node, "not yet: %s", key->instead);
	else
		memcpy(field(key, into), &i, sizeof(i));
}

int config_number(const char *text, uint64_t *out)
{
	bool hex = text[0] == '0' && text[1] == 'x';
	const char *digits = hex ? text + 2 : text;
	size_t n = strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");

	if (!n || digits[n] || n > 16 || (!hex && n > 1 && digits[0] == '0'))
		return -EINVAL;
	*out = strtoull(digits, NULL, hex ? 16 : 10);
	return 0;
}

/* Text of a scalar that stands without quotes: numbers and true, false. */
static const char *plain_text(struct config_reader *r, const struct config_key *key,
			      const yaml_node_t *node, const char *want)
{
	const char *text = config_text(r, key, node, want);

	if (text && node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) {
		config_bad(r, key, node, "wrong type: give %s, without quotes", want);
		return NULL;
	}
	return text;
}

void config_read_u32(struct config_reader *r, const struct config_key *key, const yaml_node_t *node,
		     void *into)
{
	const char *text = plain_text(r, key, node, "a number");
	uint64_t value;

	if (!text)
		return;
	if (config_number(text, &value)) {
		config_bad(r, key, node, "not a number: give %llu to %llu",
			   (unsigned long long)key->min, (unsigned long long)key->max);
	} else if (value < key->min || value > key->max) {
		config_bad(r, key, node, "out of range: give %llu to %llu",
			   (unsigned long long)key->min, (unsigned long long)key->max);
	} else {
		uint32_t small = (uint32_t)value;

		memcpy(field(key, into), &small, sizeof(small));
		config_mark(r, field(key, into), node);
	}
}

void config_read_bool(struct config_reader *r, const struct config_key *key,
		      const yaml_node_t *node, void *into)
{
	const char *text = plain_text(r, key, node, "true or false");

	if (!text)
		return;
	if (strcmp(text, "true") && strcmp(text, "false"))
		config_bad(r, key, node, "wrong type: give true or false");
	else
		*(bool *)field(key, into) = text[0] == 't';
}

int duration_parse(const char *text, uint64_t *ns)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = {
		{"ms", 1000000}, {"s", 1000000000}, {"m", 60000000000ULL}, {"h", 3600000000000ULL}};
	size_t digits = strspn(text, "0123456789"), i = 0;
	uint64_t n;

	if (digits && !text[digits])
		return -EDOM;
	while (i < 4 && strcmp(text + digits, units[i].unit))
		i++;
	if (!digits || i == 4)
		return -EINVAL;
	n = digits < 10 ? strtoull(text, NULL, 10) : UINT64_MAX;
	if (n > CONFIG_MAX_NS / units[i].ns)
		return -ERANGE;
	*ns = n * units[i].ns;
	return 0;
}

void config_read_duration(struct config_reader *r, const struct config_key *key,
			  const yaml_node_t *node, void *into)
{
	const char *text = config_text(r, key, node, "a duration such as 60s");

	if (!text)
		return;
	switch (duration_parse(text, field(key, into))) {
	case -EDOM:
		config_bad(r, key, node, "a number without unit: give ms, s, m or h, as in %ss",
			   strlen(text) < 9 ? text : "60");
		break;
	case -EINVAL:
		config_bad(r, key, node, "not a duration: give one such as 500ms, 60s, 5m or 2h");
		break;
	case -ERANGE:
		config_bad(r, key, node, "too long: give 24h at most");
		break;
	}
}

void config_read_name(struct config_reader *r, const struct config_key *key,
		      const yaml_node_t *node, void *into)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._-";
	const char *text = config_text(r, key, node, "a name");

	if (!text)
		return;
	if (!text[0] || strlen(text) >= SW_NAME_LEN || text[strspn(text, allowed)]) {
		config_bad(r, key, node, "not a name: give 1 to 31 letters, digits, '.', '_', '-'");
		return;
	}
	strcpy(field(key, into), text);
	config_mark(r, field(key, into), node);
}

/* What the kernel takes as a device's name (dev_valid_name), of printable ASCII. */
void config_read_interface(struct config_reader *r, const struct config_key *key,
			   const yaml_node_t *node, void *into)
{
	const char *text = config_text(r, key, node, "an interface's name");
	bool good;

	if (!text)
		return;
	good = text[0] && strlen(text) <= 15 && strcmp(text, ".") && strcmp(text, "..");
	for (const char *c = text; *c; c++)
		good &= *c > ' ' && *c < 0x7f && *c != '/' && *c != ':';
	if (!good) {
		config_bad(r, key, node,
			   "no interface's name: give 1 to 15 characters, as `ip link` shows");
		return;
	}
	strcpy(field(key, into), text);
	config_mark(r, field(key, into), node);
}

/* Unspecified, loopback, multicast or broadcast: nothing that a neighbour has. */
static bool never_neighbor(const struct ip_addr *ip)
{
	static const uint8_t zero[16], loop6[16] = {[15] = 1};

	if (ip->family == 4)
		return ip->bytes[0] == 0 || ip->bytes[0] == 127 || ip->bytes[0] >= 224;
	return ip->bytes[0] == 0xff || !memcmp(ip->bytes, zero, 16) ||
	       !memcmp(ip->bytes, loop6, 16);
}

void config_read_gateway(struct config_reader *r, const struct config_key *key,
			 const yaml_node_t *node, void *into)
{
	const char *want = key->min == 4   ? "an IPv4 address"
			   : key->min == 6 ? "an IPv6 address"
					   : "an address";
	const char *text = config_text(r, key, node, want);
	struct ip_addr ip;

	if (!text)
		return;
	if (ip_parse(text, &ip))
		config_bad(r, key, node, "no address: give %s", want);
	else if (key->min && ip.family != key->min)
		config_bad(r, key, node, "wrong family: give %s, or write it as %s", want,
			   key->min == 4 ? "gateway6" : "gateway");
	else if (never_neighbor(&ip))
		config_bad(r, key, node, "no neighbour has it: give the gateway's own address");
	else {
		*(struct ip_addr *)field(key, into) = ip;
		config_mark(r, field(key, into), node);
	}
}

void config_read_router_id(struct config_reader *r, const struct config_key *key,
			   const yaml_node_t *node, void *into)
{
	const char *text = config_text(r, key, node, "an IPv4 address");
	struct ip_addr ip;
	uint32_t id;

	if (!text)
		return;
	if (ip_parse(text, &ip) || ip.family != 4) {
		config_bad(r, key, node, "no router id: give an IPv4 address");
		return;
	}
	memcpy(&id, ip.bytes, 4);
	if (!id)
		config_bad(r, key, node, "no router id: give one other than 0.0.0.0 (RFC 6286)");
	else
		*(uint32_t *)field(key, into) = ntohl(id);
}

void config_read_string(struct config_reader *r, const struct config_key *key,
			const yaml_node_t *node, void *into)
{
	bool command = !strcmp(key->name, "command");
	const char *text = config_text(r, key, node, command ? "a command" : "a file's name");
	char *copy;

	if (!text)
		return;
	if (!text[0]) {
		config_bad(r, key, node, "%s",
			   command ? "no command: give one for /bin/sh"
				   : "no file's name: give one, or - for standard input");
		return;
	}
	copy = strdup(text);
	if (!copy)
		r->rc = -ENOMEM;
	*(char **)field(key, into) = copy;
}

bool config_listen(struct config_reader *r, const struct config_key *key, const yaml_node_t *node,
		   struct ip_addr *ip, uint16_t *port)
{
	const char *text = config_text(r, key, node, "an address and a port");
	const char *colon = text ? strrchr(text, ':') : NULL;
	char host[IP_STRLEN + 2];
	struct ip_addr addr;
	uint64_t number;
	size_t len;
	bool v6;

	if (!text)
		return false;
	len = colon ? (size_t)(colon - text) : sizeof(host);
	if (len < 2 || len >= sizeof(host))
		goto bad;
	v6 = text[0] == '[' && text[len - 1] == ']';
	memcpy(host, text + v6, len - 2 * v6);
	host[len - 2 * v6] = '\0';
	if (ip_parse(host, &addr) || (addr.family == 6) != v6)
		goto bad;
	if (config_number(colon + 1, &number) || colon[2] == 'x' || number < 1 || number > 65535)
		goto bad;
	*ip = addr;
	*port = (uint16_t)number;
	config_mark(r, ip, node);
	return true;
bad:
	config_bad(r, key, node, "no address and port: give ADDRESS:PORT or \"[IPV6]:PORT\"");
	return false;
}

void config_addresses(struct config_reader *r, const struct config_key *key,
		      const yaml_node_t *node, struct ip_addr **v, size_t *n)
{
	size_t count;

	if (!config_items(r, key, node, "addresses", &count))
		return;
	*v = config_array(r, count, sizeof(**v));
	for (size_t i = 0; *v && i < count; i++) {
		const yaml_node_t *item = config_item(r, node, i);
		const char *text = config_text(r, key, item, "an address");

		if (!text)
			continue;
		if (ip_parse(text, *v + *n)) {
			config_bad(r, key, item, "no address: give an IPv4 or IPv6 address%s",
				   strchr(text, '/') ? ", without /length" : "");
			continue;
		}
		config_mark(r, *v + *n, item);
		++*n;
	}
}

bool config_prefix(struct config_reader *r, const struct config_key *key, const yaml_node_t *node,
		   struct prefix *out)
{
	const char *text = config_text(r, key, node, "a prefix");
	char buf[PREFIX_STRLEN];
	struct prefix p;
	bool masked;

	if (!text)
		return false;
	if (prefix_parse(text, &p, &masked)) {
		config_bad(r, key, node, "no prefix: give one such as 10.2.30.0/25");
		return false;
	}
	if (masked) {
		config_bad(r, key, node, "has host bits: give %s", prefix_format(&p, buf));
		return false;
	}
	*out = p;
	return true;
}

void config_networks(struct config_reader *r, const struct config_key *key, const yaml_node_t *node,
		     struct prefix **v, size_t *n)
{
	size_t count;

	if (!config_items(r, key, node, "prefixes", &count))
		return;
	if (!count)
		config_bad(r, key, node, "empty: give at least one prefix");
	*v = config_array(r, count, sizeof(**v));
	for (size_t i = 0; *v && i < count; i++) {
		const yaml_node_t *item = config_item(r, node, i);

		if (config_prefix(r, key, item, *v + *n)) {
			config_mark(r, *v + *n, item);
			++*n;
		}
	}
}
