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

static json_t *drain_row(struct daemon *d, unsigned int id, bool drain, const json_t *request)
{
	uint64_t for_ns = (uint64_t)json_integer_value(json_object_get(request, "for_ns"));
	uint64_t before = d->usable;
	size_t moved, lost;

	for_ns = drain ? for_ns : 0;
	usable_drain(d, id, drain, for_ns ? clock_now() + for_ns : 0);
	mode_arm(d);
	fib_moved(d->fib, before, d->usable, &moved, &lost);
	return json_pack("{s:s, s:b, s:I, s:I, s:o}", "path", d->path[id].cfg->name, "usable",
			 (int)(d->usable >> id & 1), "prefixes_moved", (json_int_t)moved,
			 "prefixes_lost", (json_int_t)lost, "for_s",
			 for_ns ? json_real(for_ns / 1e9) : json_null());
}

json_t *answer_drain(struct daemon *d, const json_t *request, struct answer_error *err)
{
	const char *name = json_string_value(json_object_get(request, "path"));
	bool undrain = json_is_true(json_object_get(request, "undrain"));

	for (unsigned int id = 0; name && id < SW_MAX_PATHS; id++) {
		if (!d->path[id].cfg || strcmp(d->path[id].cfg->name, name))
			continue;
		daemon_log("path %s: %s by hand", name, undrain ? "undrained" : "drained");
		return drain_row(d, id, !undrain, request);
	}
	return answer_refuse(err, 2, "%.40s: no such path: `sameway paths` lists them",
			     name ? name : "");
}
