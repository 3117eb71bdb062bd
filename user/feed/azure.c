/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The feed `azure`: what the far side has learned of this one's networks, from the tables that the
 * az commands print. A document is an array of rows, {"value": [...]}, or an array each of
 * RouteServiceRole_IN_n; the keys of its rows say what it is (azure_rows.c).
 *
 * Nothing here is "no route": {"value": []} comes while routes exist. Progress text may be before
 * the JSON, an error may be in its place.
 */
#include "feed/azure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_AGE_NS (15 * 60 * 1000000000ULL)
#define ROLE	   "RouteServiceRole_IN_"

extern const struct feed_type feed_type_azure;

const json_t *azure_field(const json_t *row, const char *key)
{
	const json_t *v = json_object_get(row, key);
	const char *name;
	json_t *other;

	if (v)
		return v;
	json_object_foreach ((json_t *)row, name, other)
		if (!strcasecmp(name, key))
			return other;
	return NULL;
}

const char *azure_text(const json_t *row, const char *key)
{
	return json_string_value(azure_field(row, key));
}

static int refuse_error(const json_t *what, char error[SNAPSHOT_ERROR])
{
	const char *code = azure_text(what, "code"), *message = azure_text(what, "message");

	snprintf(error, SNAPSHOT_ERROR, "Azure says: %.60s: %.100s: run the command by hand",
		 code ? code : "error", message ? message : "no message");
	return -EINVAL;
}

static int table_take(const struct config_feed *cfg, const json_t *rows, struct snapshot *out,
		      char error[SNAPSHOT_ERROR])
{
	const struct azure_kind *kind;

	if (!json_array_size(rows)) {
		out->empty++;
		return 0;
	}
	kind = azure_kind_of(rows);
	if (!kind) {
		snprintf(error, SNAPSHOT_ERROR,
			 "its rows are of no table that is known: give those of `az network "
			 "vnet-gateway list-learned-routes` and the like");
		return -EINVAL;
	}
	azure_rows(kind, cfg, rows, out);
	return 0;
}

/* An instance of a Route Server each; the one may be empty where the other is not. */
static int roles_take(const struct config_feed *cfg, json_t *doc, struct snapshot *out,
		      char error[SNAPSHOT_ERROR], bool *any)
{
	size_t empty = out->empty, full = 0;
	const char *key;
	json_t *v;

	json_object_foreach (doc, key, v) {
		if (strncasecmp(key, ROLE, strlen(ROLE)) || !json_is_array(v))
			continue;
		*any = true;
		full += json_array_size(v) > 0;
		if (table_take(cfg, v, out, error))
			return -EINVAL;
	}
	if (*any)
		out->empty = empty + !full;
	return 0;
}

static int object_take(const struct config_feed *cfg, json_t *doc, struct snapshot *out,
		       char error[SNAPSHOT_ERROR])
{
	const json_t *value = azure_field(doc, "value");
	bool roles = false;
	json_t *rows;
	int ret;

	if (json_is_object(azure_field(doc, "error")))
		return refuse_error(azure_field(doc, "error"), error);
	if (azure_text(doc, "nextLink")) {
		out->empty++; /* the rest of it */
		snprintf(out->hint, sizeof(out->hint), "it has more pages (nextLink): give all");
	}
	if (json_is_array(value))
		return table_take(cfg, value, out, error);
	ret = roles_take(cfg, doc, out, error, &roles);
	if (ret || roles)
		return ret;
	rows = json_pack("[O]", doc); /* one row, as PowerShell writes an array of one */
	if (rows && azure_kind_of(rows)) {
		ret = table_take(cfg, rows, out, error);
	} else {
		snprintf(error, SNAPSHOT_ERROR,
			 "no table of Azure's: give what `az network vnet-gateway "
			 "list-learned-routes` and the like print");
		ret = -EINVAL;
	}
	json_decref(rows);
	return ret;
}

static int azure_document(const struct config_feed *cfg, json_t *doc, struct snapshot *out,
			  char error[SNAPSHOT_ERROR])
{
	return json_is_array(doc) ? table_take(cfg, doc, out, error)
				  : object_take(cfg, doc, out, error);
}

/* By who it is in the RIB (rib_announce); a gateway's, then the shortest AS path first. */
static int route_cmp(const void *a, const void *b)
{
	const struct route *x = a, *y = b;
	int cmp = prefix_cmp(&x->prefix, &y->prefix);

	if (!cmp)
		cmp = (x->class > y->class) - (x->class < y->class);
	if (!cmp)
		cmp = strcmp(x->circuit, y->circuit);
	if (!cmp)
		cmp = x->second_hand - y->second_hand;
	if (!cmp)
		cmp = (x->n_as > y->n_as) - (x->n_as < y->n_as);
	if (!cmp) /* of one array, in the order of the rows */
		cmp = (x->as_path > y->as_path) - (x->as_path < y->as_path);
	if (!cmp)
		cmp = memcmp(&x->nexthop, &y->nexthop, sizeof(x->nexthop));
	return cmp ? cmp : memcmp(&x->peer, &y->peer, sizeof(x->peer));
}

static bool route_same(const struct route *a, const struct route *b)
{
	return prefix_equal(&a->prefix, &b->prefix) && a->class == b->class &&
	       !strcmp(a->circuit, b->circuit);
}

/*
 * Each instance of a gateway lists what all have, and equal ways are rows of their own: one of
 * each is announced, always the same.
 */
static void azure_finish(struct snapshot *out)
{
	size_t n = 0;

	if (!out->n)
		return;
	qsort(out->routes, out->n, sizeof(*out->routes), route_cmp);
	for (size_t i = 0; i < out->n; i++)
		if (!n || !route_same(&out->routes[n - 1], &out->routes[i]))
			out->routes[n++] = out->routes[i];
	out->n = n;
}

const struct snapshot_type azure_snapshot = {
	.view = VIEW_REMOTE,
	.progress = true,
	.max_ns = MAX_AGE_NS,
	.document = azure_document,
	.finish = azure_finish,
};

static int azure_start(struct feed **out, feed_id id, const struct config_feed *cfg,
		       const char *config_dir, struct event_base *base,
		       const struct feed_sink *sink, char error[200])
{
	return snapshot_start(out, &azure_snapshot, id, cfg, config_dir, base, sink, error);
}

const struct feed_type feed_type_azure = {
	.name = "azure",
	.start = azure_start,
	.status = snapshot_status,
	.stop = snapshot_stop,
	.table = snapshot_table,
	.peer = snapshot_session,
};
