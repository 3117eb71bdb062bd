/* SPDX-License-Identifier: GPL-2.0-only */
/* `routes` and `alerts`: from the daemon's RIB and incidents to rows. */
#include "output/rows_internal.h"

/* In the order of the paths' names. */
static json_t *route_weights(const struct config *cfg, const uint8_t *path_ids, uint64_t paths)
{
	json_t *weights = json_array();
	bool ok = weights;

	for (size_t i = 0; ok && i < cfg->n_paths; i++) {
		unsigned int id = path_ids ? path_ids[i] : (unsigned int)i;

		if (id < SW_MAX_PATHS && paths >> id & 1)
			ok = rows_append(weights, json_integer(cfg->paths[i].weight));
	}
	if (ok)
		return weights;
	json_decref(weights);
	return NULL;
}

static json_t *route_tier(const struct config *cfg, const uint8_t *path_ids,
			  const struct policy_tier *tier)
{
	json_t *row = json_object();

	if (row && rows_set(row, "class", json_string(class_text(tier->class))) &&
	    rows_set(row, "paths", rows_path_names(cfg, path_ids, tier->paths)) &&
	    rows_set(row, "weights", route_weights(cfg, path_ids, tier->paths)) &&
	    rows_set(row, "via_prefix", tier->own ? json_null() : rows_prefix(&tier->via)))
		return row;
	json_decref(row);
	return NULL;
}

static json_t *route_tiers(const struct config *cfg, const uint8_t *path_ids,
			   const struct policy_answer *answer)
{
	json_t *rows = json_array();
	bool ok = rows;

	for (size_t i = 0; ok && i < answer->n_tiers; i++)
		ok = rows_append(rows, route_tier(cfg, path_ids, &answer->tier[i]));
	if (ok)
		return rows;
	json_decref(rows);
	return NULL;
}

static json_t *route_as_path(const struct candidate *c)
{
	json_t *rows;
	bool ok;

	if (!c->attr->has_as_path)
		return json_null();
	rows = json_array();
	ok = rows;
	for (size_t i = 0; ok && i < c->attr->n_as; i++)
		ok = rows_append(rows, json_integer(c->attr->as_path[i]));
	if (ok)
		return rows;
	json_decref(rows);
	return NULL;
}

/* Whether the routing daemon itself chose it; null: no feed says what it chose for the prefix. */
static json_t *route_chosen(const struct candidate *all, const struct candidate *c)
{
	bool known = false;

	for (; all; all = all->next) {
		if (!all->chosen)
			continue;
		known = true;
		if (all->attr->path == c->attr->path &&
		    ip_equal(&all->attr->nexthop, &c->attr->nexthop))
			return json_true();
	}
	return known ? json_false() : json_null();
}

json_t *rows_candidate(const struct config *cfg, const uint8_t *path_ids,
		       const struct candidate *all, const struct candidate *c)
{
	uint16_t from = c->attr->feed;
	const char *feed = from < cfg->n_feeds ? cfg->feeds[from].name : NULL;
	int path = c->attr->own ? -1 : c->attr->path;
	json_t *row = json_object();

	if (row && rows_set(row, "path", rows_path_name(cfg, path_ids, path)) &&
	    rows_set(row, "nexthop", rows_ip(&c->attr->nexthop)) &&
	    rows_set(row, "as_path", route_as_path(c)) &&
	    rows_set(row, "local_pref",
		     c->attr->has_local_pref ? json_integer(c->attr->local_pref) : json_null()) &&
	    rows_set(row, "feed", feed ? json_string(feed) : json_null()) &&
	    rows_set(row, "stale", json_boolean(c->stale)) &&
	    rows_set(row, "chosen", route_chosen(all, c)))
		return row;
	json_decref(row);
	return NULL;
}

/* A candidate whose peer is down is withdrawn until the peer is up again. */
static json_t *route_candidates(const struct config *cfg, const uint8_t *path_ids,
				const struct candidate *all)
{
	json_t *rows = json_array();
	bool ok = rows;

	for (const struct candidate *c = all; ok && c; c = c->next) {
		if (!c->peer_down && !c->chosen)
			ok = rows_append(rows, rows_candidate(cfg, path_ids, all, c));
	}
	if (ok)
		return rows;
	json_decref(rows);
	return NULL;
}

json_t *rows_route(const struct config *cfg, const uint8_t *path_ids, const struct rib_node *node,
		   uint64_t usable)
{
	struct policy_answer answer;
	json_t *row = json_object();
	uint64_t selected = 0;

	policy_tiers(cfg, node, &answer);
	for (size_t i = 0; i < answer.n_tiers && !selected; i++)
		selected = answer.tier[i].paths & usable;
	if (row && rows_set(row, "prefix", rows_prefix(rib_node_prefix(node))) &&
	    rows_set(row, "tiers", route_tiers(cfg, path_ids, &answer)) &&
	    rows_set(row, "selected", rows_path_names(cfg, path_ids, selected)) &&
	    rows_set(row, "candidates", route_candidates(cfg, path_ids, rib_node_candidates(node))))
		return row;
	json_decref(row);
	return NULL;
}

/* The numbers of a failover: null where they don't apply. */
static bool incident_numbers(json_t *row, const struct incident *inc)
{
	bool moved = inc->has_moved;

	return rows_set(row, "flows", json_integer((json_int_t)inc->flows)) &&
	       rows_set(row, "prefixes_moved",
			moved ? json_integer((json_int_t)inc->prefixes_moved) : json_null()) &&
	       rows_set(row, "prefixes_lost",
			moved ? json_integer((json_int_t)inc->prefixes_lost) : json_null()) &&
	       rows_set(row, "duration_ms",
			inc->duration_ms >= 0 ? json_integer(inc->duration_ms) : json_null());
}

json_t *rows_incident(const struct incident *inc, const struct config *cfg, const uint8_t *path_ids)
{
	json_t *row = json_object();

	if (row && rows_set(row, "id", json_integer((json_int_t)inc->id)) &&
	    rows_set(row, "state", json_string(inc->open ? "open" : "closed")) &&
	    rows_set(row, "verdict", json_string(incident_verdict_name(inc->verdict))) &&
	    rows_set(row, "subject", inc->subject[0] ? json_string(inc->subject) : json_null()) &&
	    rows_set(row, "cause", json_string(cause_name(inc->cause))) &&
	    rows_set(row, "side", json_string(side_name(inc->side))) &&
	    rows_set(row, "severity", json_string(severity_name(inc->severity))) &&
	    rows_set(row, "src_prefix", rows_prefix(&inc->src)) &&
	    rows_set(row, "dst_prefix", rows_prefix(&inc->dst)) &&
	    rows_set(row, "forward_path", rows_path_name(cfg, path_ids, inc->forward_path)) &&
	    rows_set(row, "reverse_path", rows_path_name(cfg, path_ids, inc->reverse_path)) &&
	    incident_numbers(row, inc) && rows_set(row, "first_seen", rows_time(inc->first_wall)) &&
	    rows_set(row, "last_seen", rows_time(inc->last_wall)) &&
	    rows_set(row, "message", json_string(inc->message)) &&
	    rows_set(row, "fix", json_string(inc->fix)) &&
	    rows_set(row, "acked", json_boolean(inc->life.acked)) &&
	    rows_set(row, "silenced", json_boolean(inc->life.silenced)))
		return row;
	json_decref(row);
	return NULL;
}

json_t *rows_incident_event(enum incident_change change, const struct incident *inc,
			    const struct config *cfg, const uint8_t *path_ids)
{
	static const char *const names[] = {"open", "update", "close"};
	json_t *row = rows_incident(inc, cfg, path_ids);

	if (row && rows_set(row, "event", json_string(names[change])))
		return row;
	json_decref(row);
	return NULL;
}
