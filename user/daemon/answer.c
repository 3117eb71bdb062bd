/* SPDX-License-Identifier: GPL-2.0-only */
/* What the control socket's commands answer. */
#include "daemon/daemon_impl.h"
#include "output/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *answer_refuse(struct answer_error *err, int exit, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	err->exit = exit;
	return NULL;
}

static json_t *routes_one(struct daemon *d, const struct rib_node *node)
{
	json_t *rows = json_array();

	if (node)
		json_array_append_new(rows, rows_route(d->cfg, d->path_ids, node, d->usable));
	return rows;
}

json_t *answer_routes_part(struct daemon *d, struct routes_place *place)
{
	const struct rib_node *node = place->begun ? rib_after(d->rib, VIEW_LOCAL, &place->after)
						   : rib_next(d->rib, VIEW_LOCAL, NULL);
	json_t *rows = json_array();

	for (size_t n = 0; rows && node && n < ROUTES_PART; n++) {
		if (json_array_append_new(rows, rows_route(d->cfg, d->path_ids, node, d->usable))) {
			json_decref(rows);
			return NULL;
		}
		place->after = *rib_node_prefix(node);
		node = rib_next(d->rib, VIEW_LOCAL, node);
	}
	place->begun = true;
	place->more = node;
	return rows;
}

json_t *answer_routes(struct daemon *d, const json_t *request, struct answer_error *err)
{
	const char *prefix = json_string_value(json_object_get(request, "prefix"));
	const char *address = json_string_value(json_object_get(request, "address"));
	struct ip_addr ip;
	struct prefix p;

	if (prefix) {
		if (prefix_parse(prefix, &p, NULL))
			return answer_refuse(err, 2, "%.60s: not a prefix", prefix);
		return routes_one(d, rib_find(d->rib, VIEW_LOCAL, &p));
	}
	if (!address || ip_parse(address, &ip))
		return answer_refuse(err, 2, "%.60s: not an address", address ? address : "");
	return routes_one(d, rib_match(d->rib, VIEW_LOCAL, &ip));
}

json_t *answer_alerts(struct daemon *d, const json_t *request, struct answer_error *err)
{
	bool all = json_is_true(json_object_get(request, "all"));
	const struct incident *inc;
	json_t *rows = json_array();

	(void)err;
	for (size_t i = 0; (inc = incidents_get(d->incidents, i)); i++) {
		if (all || inc->open)
			json_array_append_new(rows, rows_incident(inc, d->cfg, d->path_ids));
	}
	return rows;
}
