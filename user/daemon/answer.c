/* SPDX-License-Identifier: GPL-2.0-only */
/* What the control socket's commands answer. */
#include "core/remote.h"
#include "daemon/daemon_impl.h"
#include "output/rows.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const step_names[] = {
#define STEP_TEXT(id, text) text,
	SW_STEPS(STEP_TEXT)};

__attribute__((format(printf, 3, 4))) static json_t *refuse(struct answer_error *err, int exit,
							    const char *fmt, ...)
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
			return refuse(err, 2, "%.60s: not a prefix", prefix);
		return routes_one(d, rib_find(d->rib, VIEW_LOCAL, &p));
	}
	if (!address || ip_parse(address, &ip))
		return refuse(err, 2, "%.60s: not an address", address ? address : "");
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
	return refuse(err, 2, "%.40s: no such path: `sameway paths` lists them", name ? name : "");
}

/* explain */

struct explain {
	struct ip_addr dst, src;
	struct sw_explain io;
	const struct rib_node *node; /* of dst, NULL: none */
	struct policy_answer tiers;
	const struct config_path *path;
};

static const struct config_path *path_by_id(struct daemon *d, unsigned int id)
{
	return id < SW_MAX_PATHS ? d->path[id].cfg : NULL;
}

/* Without `from`: the first host of the first inside network of the family. */
static bool default_source(const struct daemon *d, uint8_t family, struct ip_addr *out)
{
	for (size_t i = 0; i < d->cfg->n_inside; i++) {
		const struct config_inside *in = &d->cfg->inside[i];

		for (size_t j = 0; j < in->n_networks; j++) {
			if (in->networks[j].family != family)
				continue;
			*out = prefix_address(&in->networks[j]);
			out->bytes[family == 4 ? 3 : 15] |= 1;
			return true;
		}
	}
	return false;
}

static bool explain_run(struct daemon *d, struct explain *e, uint64_t down)
{
	e->io.down = down;
	return !datapath_explain(d->dp, &e->io);
}

/* The step of the ladder that put the chosen tier before the next one. */
static const char *explain_step(const struct explain *e)
{
	size_t next = (size_t)e->io.tier + 1;

	if (e->io.step == SW_STEP_LAST_RESORT)
		return step_names[SW_STEP_LAST_RESORT];
	return next < e->tiers.n_tiers ? policy_step_name(e->tiers.tier[next].step)
				       : "only-candidate";
}

/* ", by weight 3 of 4" where the members it was chosen from do not all weigh the same. */
static void why_weight(struct daemon *d, const struct explain *e, char *buf, size_t size)
{
	size_t used = strlen(buf);
	unsigned int sum = 0;
	bool differ = false;

	if (e->io.step != SW_STEP_HASH)
		return;
	for (unsigned int id = 0; id < SW_MAX_PATHS; id++) {
		if (d->path[id].cfg && e->io.tier_usable >> id & 1) {
			sum += d->path[id].cfg->weight;
			differ |= d->path[id].cfg->weight != e->path->weight;
		}
	}
	if (differ)
		snprintf(buf + used, size - used, ", by weight %u of %u", e->path->weight, sum);
}

static void why_routed(const struct explain *e, char *buf, size_t size)
{
	const struct policy_tier *t = &e->tiers.tier[e->io.tier];

	if (e->io.step == SW_STEP_LAST_RESORT)
		snprintf(buf, size,
			 "nothing is usable: last resort, a path whose link is up and that is not "
			 "drained");
	else if (e->io.tier >= e->tiers.n_tiers || !(t->paths >> e->io.path & 1))
		snprintf(buf, size, "none of its own paths is usable: by the default route");
	else
		snprintf(buf, size, "tier %d of %zu%s: %s%s%s, %s", e->io.tier + 1,
			 e->tiers.n_tiers,
			 e->io.tier ? " (those before it have no usable path)" : "",
			 (size_t)e->io.tier + 1 < e->tiers.n_tiers ? "before the next by " : "",
			 explain_step(e), t->maintenance ? " (in maintenance)" : "",
			 step_names[e->io.step]);
}

/* In monitor mode nothing is moved: the answer is what enforce would give. */
static void why_monitor(const struct daemon *d, char *buf, size_t size)
{
	size_t used = strlen(buf);

	if (datapath_ctl(d->dp)->mode == SW_MODE_MONITOR)
		snprintf(buf + used, size - used,
			 "; in monitor mode, as now, the kernel's routes decide");
}

static void explain_why(const struct explain *e, char *buf, size_t size)
{
	switch (e->io.kind) {
	case SW_GROUP_LOCAL:
		snprintf(buf, size, "an address of this box: the kernel's");
		break;
	case SW_GROUP_EXEMPT:
		snprintf(buf, size,
			 "exempt by its address: goes by the kernel's routes, is not "
			 "judged");
		break;
	case SW_GROUP_INSIDE:
		snprintf(buf, size, "inside: on this side of the edge");
		break;
	case SW_GROUP_ROUTE:
		if (e->path)
			why_routed(e, buf, size);
		else
			snprintf(buf, size,
				 "no path of its tiers is usable: no-path, left to the "
				 "kernel");
		break;
	default:
		snprintf(buf, size, "no route: no feed has announced a prefix that holds it");
	}
}

static json_t *explain_if_down(struct daemon *d, const struct explain *e)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < d->cfg->n_paths; i++) {
		unsigned int id = d->path_ids[i];
		struct explain what_if = *e;
		const struct config_path *then;

		if (e->io.kind != SW_GROUP_ROUTE || !(e->tiers.members >> id & 1) ||
		    !explain_run(d, &what_if, 1ULL << id))
			continue;
		then = path_by_id(d, what_if.io.path);
		json_array_append_new(rows, json_pack("{s:s, s:s?}", "path", d->cfg->paths[i].name,
						      "then", then ? then->name : NULL));
	}
	return rows;
}

static json_t *explain_return(struct daemon *d, const struct explain *e, const char **verdict)
{
	struct remote_return back;
	char text[PREFIX_STRLEN];

	*verdict = NULL;
	if (!remote_return(d->rib, &e->src, clock_now(), &back))
		return json_pack("{s:n, s:n, s:n, s:n}", "prefix", "class", "circuit",
				 "view_age_s");
	if (e->path)
		*verdict = back.class == e->path->class ? "ok" : "asymmetric";
	return json_pack("{s:s, s:s, s:s?, s:I}", "prefix", prefix_format(&back.prefix, text),
			 "class", class_name(back.class), "circuit",
			 back.circuit[0] ? back.circuit : NULL, "view_age_s",
			 (json_int_t)(back.age_ns / 1000000000ULL));
}

static json_t *explain_fill(struct daemon *d, const json_t *request, struct explain *e,
			    struct answer_error *err)
{
	const char *dst = json_string_value(json_object_get(request, "dst"));
	const char *src = json_string_value(json_object_get(request, "src"));

	if (!dst || ip_parse(dst, &e->dst))
		return refuse(err, 2, "%.60s: not an address", dst ? dst : "");
	if (src ? ip_parse(src, &e->src) : !default_source(d, e->dst.family, &e->src))
		return refuse(err, 2, "no inside network of this family: say `from SRC`");
	if (e->src.family != e->dst.family)
		return refuse(err, 2, "the two addresses are not of one family");
	e->io.family = e->dst.family;
	e->io.proto = json_integer_value(json_object_get(request, "proto"));
	e->io.dport = htons(json_integer_value(json_object_get(request, "port")));
	memcpy(e->io.src, e->src.bytes, 16);
	memcpy(e->io.dst, e->dst.bytes, 16);
	if (!explain_run(d, e, 0))
		return refuse(err, 1, "the explain program could not be run: see `sameway status`");
	return json_object();
}

json_t *answer_explain(struct daemon *d, const json_t *request, struct answer_error *err)
{
	struct explain e = {0};
	json_t *row = explain_fill(d, request, &e, err), *ret;
	char why[300], prefix[PREFIX_STRLEN] = "";
	struct sw_group group;
	struct prefix match;
	const char *verdict;

	if (!row)
		return NULL;
	if (e.io.kind == SW_GROUP_ROUTE) {
		e.node = rib_match(d->rib, VIEW_LOCAL, &e.dst);
		e.path = path_by_id(d, e.io.path);
	}
	if (e.node)
		policy_tiers(d->cfg, e.node, &e.tiers);
	if (fib_lookup(d->fib, &e.dst, &match, &group))
		prefix_format(&match, prefix);
	explain_why(&e, why, sizeof(why));
	if (e.path)
		why_weight(d, &e, why, sizeof(why));
	if (e.io.kind == SW_GROUP_ROUTE)
		why_monitor(d, why, sizeof(why));
	ret = e.node ? rows_route(d->cfg, d->path_ids, e.node, d->usable) : NULL;
	json_object_set_new(row, "dst", rows_ip(&e.dst));
	json_object_set_new(row, "src", rows_ip(&e.src));
	json_object_set_new(row, "prefix", prefix[0] ? json_string(prefix) : json_null());
	json_object_set_new(row, "path", e.path ? json_string(e.path->name) : json_null());
	json_object_set_new(row, "class",
			    e.path ? json_string(class_name(e.path->class)) : json_null());
	json_object_set_new(row, "why", json_string(why));
	json_object_set_new(row, "step", e.path ? json_string(explain_step(&e)) : json_null());
	json_object_set_new(row, "tiers",
			    ret ? json_incref(json_object_get(ret, "tiers")) : json_array());
	json_decref(ret);
	json_object_set_new(row, "if_down", explain_if_down(d, &e));
	json_object_set_new(row, "return", explain_return(d, &e, &verdict));
	json_object_set_new(row, "verdict", verdict ? json_string(verdict) : json_null());
	return row;
}
