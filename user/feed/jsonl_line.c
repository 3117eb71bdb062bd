/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A line of the feed `jsonl`: an object with `op` and the keys of that op. Keys are a table: name,
 * the ops that take it, its parser; what is not in the table is refused by name. A key with a
 * wrong type is never taken for absent.
 */
#include "feed/jsonl.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define BIT(op) (1U << (op))
#define ROUTES	(BIT(JSONL_ANNOUNCE) | BIT(JSONL_WITHDRAW))
#define PEERS	(BIT(JSONL_PEER_DOWN) | BIT(JSONL_PEER_UP))
#define ALL_OPS (ROUTES | PEERS | BIT(JSONL_END_OF_RIB))

static const char *const op_names[] = {
	[JSONL_ANNOUNCE] = "announce",	   [JSONL_WITHDRAW] = "withdraw",
	[JSONL_PEER_DOWN] = "peer-down",   [JSONL_PEER_UP] = "peer-up",
	[JSONL_END_OF_RIB] = "end-of-rib",
};

/* Each parses its value; -EINVAL: it is not what `wants` says. */
struct key {
	const char *name;
	unsigned int ops;
	int (*parse)(const json_t *v, struct jsonl_line *line);
	const char *wants;
};

static int parse_op(const json_t *v, struct jsonl_line *line)
{
	const char *text = json_string_value(v);

	for (size_t i = 0; text && i < sizeof(op_names) / sizeof(op_names[0]); i++) {
		if (strcmp(text, op_names[i]) == 0) {
			line->op = (enum jsonl_op)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_prefix(const json_t *v, struct jsonl_line *line)
{
	const char *text = json_string_value(v);

	return text ? prefix_parse(text, &line->route.prefix, &line->masked) : -EINVAL;
}

static int parse_name(const json_t *v, char out[SW_NAME_LEN])
{
	const char *text = json_string_value(v);
	size_t len = text ? strlen(text) : 0;

	if (!len || len >= SW_NAME_LEN)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("._-", text[i]))
			return -EINVAL;
	memcpy(out, text, len + 1);
	return 0;
}

static int parse_path(const json_t *v, struct jsonl_line *line)
{
	return parse_name(v, line->route.path);
}

static int parse_circuit(const json_t *v, struct jsonl_line *line)
{
	return parse_name(v, line->route.circuit);
}

static int parse_peer(const json_t *v, struct jsonl_line *line)
{
	const char *text = json_string_value(v);

	return text ? ip_parse(text, &line->route.peer) : -EINVAL;
}

static int parse_nexthop(const json_t *v, struct jsonl_line *line)
{
	const char *text = json_string_value(v);

	return text ? ip_parse(text, &line->route.nexthop) : -EINVAL;
}

static int parse_uint32(const json_t *v, uint32_t *out)
{
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < 0 || n > UINT32_MAX)
		return -EINVAL;
	*out = (uint32_t)n;
	return 0;
}

static int parse_as_path(const json_t *v, struct jsonl_line *line)
{
	size_t n = json_array_size(v);

	if (!json_is_array(v) || n > JSONL_AS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		if (parse_uint32(json_array_get(v, i), &line->as_path[i]) || !line->as_path[i])
			return -EINVAL;
	line->route.n_as = n;
	line->route.has_as_path = true;
	return 0;
}

static int parse_local_pref(const json_t *v, struct jsonl_line *line)
{
	line->route.has_local_pref = true;
	return parse_uint32(v, &line->route.local_pref);
}

static int parse_view(const json_t *v, struct jsonl_line *line)
{
	const char *text = json_string_value(v);

	if (text && strcmp(text, "remote") == 0)
		line->route.view = VIEW_REMOTE;
	else if (!text || strcmp(text, "local") != 0)
		return -EINVAL;
	return 0;
}

static int parse_class(const json_t *v, struct jsonl_line *line)
{
	const char *text = json_string_value(v);

	line->route.has_class = true;
	return text ? class_parse(text, &line->route.class) : -EINVAL;
}

#define TEXT_ADDRESS "an IPv4 or IPv6 address"
#define TEXT_NAME    "a name of 1 to 31 letters, digits, '.', '_' or '-'"
static const struct key keys[] = {
	{"op", ALL_OPS, parse_op, "announce, withdraw, peer-down, peer-up or end-of-rib"},
	{"prefix", ROUTES, parse_prefix, "a prefix as \"10.1.0.0/16\" or \"2001:db8::/32\""},
	{"path", ROUTES, parse_path, TEXT_NAME},
	{"peer", ROUTES | PEERS, parse_peer, TEXT_ADDRESS},
	{"nexthop", ROUTES, parse_nexthop, TEXT_ADDRESS},
	{"view", ROUTES, parse_view, "local or remote"},
	{"as_path", BIT(JSONL_ANNOUNCE), parse_as_path,
	 "an array of at most 256 AS numbers, 1 to 4294967295"},
	{"local_pref", BIT(JSONL_ANNOUNCE), parse_local_pref, "a number from 0 to 4294967295"},
	{"class", ROUTES, parse_class, "expressroute, vpn, peering or other"},
	{"circuit", ROUTES, parse_circuit, TEXT_NAME},
};

static int key_apply(const struct key *key, const json_t *v, struct jsonl_line *line,
		     char error[160])
{
	if (!key->parse(v, line))
		return 0;
	snprintf(error, 160, "key \"%s\" has a wrong value: give %s", key->name, key->wants);
	return -EINVAL;
}

static const struct key *key_find(const char *name)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(name, keys[i].name) == 0)
			return &keys[i];
	return NULL;
}

static int keys_parse(json_t *object, struct jsonl_line *line, char error[160])
{
	const char *name;
	json_t *v;

	json_object_foreach (object, name, v) {
		const struct key *key = key_find(name);

		if (!key || !(key->ops & BIT(line->op))) {
			snprintf(error, 160, "key \"%.40s\" is not known to op \"%s\": remove it",
				 name, op_names[line->op]);
			return -EINVAL;
		}
		if (key_apply(key, v, line, error))
			return -EINVAL;
	}
	return 0;
}

/* What an op needs besides right keys. NULL: nothing is missing. */
static const char *missing(const json_t *object, const struct jsonl_line *line)
{
	const struct route *r = &line->route;

	if ((BIT(line->op) & ROUTES) && !r->prefix.family)
		return "key \"prefix\" is missing: add it";
	if ((BIT(line->op) & PEERS) && !r->peer.family)
		return "key \"peer\" is missing: add it";
	if (r->view == VIEW_LOCAL && json_object_get(object, "class"))
		return "key \"class\" is of the remote view: remove it, or add \"view\":\"remote\"";
	if (r->view == VIEW_LOCAL && json_object_get(object, "circuit"))
		return "key \"circuit\" is of the remote view: remove it, or add "
		       "\"view\":\"remote\"";
	if (line->op == JSONL_ANNOUNCE && r->view == VIEW_LOCAL && !r->path[0] && !r->peer.family &&
	    !r->nexthop.family && !r->n_as)
		return "nothing says which path it belongs to: add \"path\", \"peer\" or "
		       "\"nexthop\"";
	return NULL;
}

static int object_parse(json_t *object, struct jsonl_line *line, char error[160])
{
	const json_t *op = json_object_get(object, "op");
	const char *lacks;

	if (!op) {
		snprintf(error, 160, "%s",
			 json_is_object(object) ? "key \"op\" is missing: add it"
						: "not an object: write {\"op\":...} on each line");
		return -EINVAL;
	}
	if (key_apply(&keys[0], op, line, error) || keys_parse(object, line, error))
		return -EINVAL;
	lacks = missing(object, line);
	if (lacks) {
		snprintf(error, 160, "%s", lacks);
		return -EINVAL;
	}
	return 0;
}

/* What a line contains may end up on a terminal. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			*text = '?';
}

int jsonl_line_parse(const char *text, size_t len, struct jsonl_line *out, char error[160])
{
	struct jsonl_line line;
	json_error_t why;
	json_t *object;
	int ret;

	memset(&line, 0, sizeof(line));
	object = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	if (!object) {
		snprintf(error, 160, "not JSON (%.100s): write one object on each line", why.text);
		make_printable(error);
		return -EINVAL;
	}
	ret = object_parse(object, &line, error);
	json_decref(object);
	if (ret) {
		make_printable(error);
		return ret;
	}
	*out = line;
	out->route.as_path = out->as_path;
	return 0;
}
