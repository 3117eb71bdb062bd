/* SPDX-License-Identifier: GPL-2.0-only */
/* What `status` answers: the rows that the maps know, and what only the daemon knows. */
#include "daemon/daemon_impl.h"
#include "output/rows.h"

#include <string.h>

static const char *const feed_state_names[] = {"down", "up", "stale"};
#define REFUSAL_TEXT(id, text) text,
static const char *const refusal_names[] = {FEED_REFUSALS(REFUSAL_TEXT)};

/* Every reason, those that never occurred too. */
static json_t *feed_refused(const struct feed_status *st)
{
	json_t *row = json_object();

	for (size_t i = 0; i < FEED_REFUSAL_COUNT; i++)
		json_object_set_new(row, refusal_names[i],
				    json_integer((json_int_t)st->refused[i]));
	return row;
}

static json_t *status_tables(const struct feed_slot *slot)
{
	json_t *rows = json_array();
	struct feed_table t;

	for (size_t i = 0; slot->type->table && slot->type->table(slot->feed, i, &t); i++)
		json_array_append_new(rows, json_pack("{s:s, s:b, s:I, s:I}", "name", t.name,
						      "stale", t.stale, "age_s",
						      (json_int_t)(t.age_ns / 1000000000ULL),
						      "routes", (json_int_t)t.routes));
	return rows;
}

/* The far side's BGP sessions, as its tables tell of them. */
static json_t *status_peers(const struct feed_slot *slot)
{
	json_t *rows = json_array();
	struct feed_peer p;

	for (size_t i = 0; slot->type->peer && slot->type->peer(slot->feed, i, &p); i++)
		json_array_append_new(rows, json_pack("{s:o, s:o, s:I, s:s, s:I}", "gateway",
						      rows_ip(&p.gateway), "peer", rows_ip(&p.peer),
						      "as", (json_int_t)p.as, "state", p.state,
						      "routes", (json_int_t)p.routes));
	return rows;
}

/*
 * Of a feed that is gone nothing is stale any more when its last route is gone: it is down. Not one
 * that is back to come after a reload: its routes are in the tables yet.
 */
static const char *status_state(const struct daemon *d, feed_id id, const struct feed_status *st)
{
	enum feed_state state = feed_slot_state(&d->feeds[id], st);

	if (st->state == FEED_STALE && !rib_feed_routes(d->rib, id))
		state = FEED_DOWN;
	return feed_state_names[state];
}

static json_t *status_feed(struct daemon *d, feed_id id)
{
	struct feed_slot *slot = &d->feeds[id];
	struct feed_status st = {0};
	uint64_t last;

	slot->type->status(slot->feed, &st);
	last = st.last_message_ns;
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:o, s:s?, "
		"s:s?, s:o, s:o}",
		"name", slot->cfg->name, "type", slot->type->name, "state",
		status_state(d, id, &st), "sees", st.sees_all ? "all" : "best", "routes",
		(json_int_t)rib_feed_routes(d->rib, id), "stale",
		(json_int_t)rib_feed_stale(d->rib, id), "updates", (json_int_t)st.updates,
		"withdraws", (json_int_t)st.withdraws, "errors", (json_int_t)st.errors, "refused",
		feed_refused(&st), "unknown_path", (json_int_t)st.refused[FEED_UNKNOWN_PATH],
		"masked", (json_int_t)st.masked, "ignored", (json_int_t)st.ignored, "no_way",
		(json_int_t)st.no_way, "last_message_s",
		last ? json_real((double)(clock_now() - last) / 1e9) : json_null(), "last_error",
		st.last_error[0] ? st.last_error : NULL, "note", st.note[0] ? st.note : NULL,
		"tables", status_tables(slot), "peers", status_peers(slot));
}

static json_t *status_feeds(struct daemon *d)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < d->cfg->n_feeds; i++)
		json_array_append_new(rows, status_feed(d, i));
	return rows;
}

static void waiting_add(json_t *rows, const char *name)
{
	size_t i;
	json_t *row;

	json_array_foreach (rows, i, row) {
		if (!strcmp(json_string_value(row), name))
			return;
	}
	json_array_append_new(rows, json_string(name));
}

/* XDP that is wanted and not pinned is no row of the pins'. */
static void status_hooks_lacking(struct daemon *d, json_t *hooks)
{
	size_t at;
	json_t *hook;

	for (size_t i = 0; i < d->n_ports; i++) {
		enum hook lacks = hook_wanted(d, &d->port[i]);
		bool told = !attach_lacks(d, &d->port[i]);

		json_array_foreach (hooks, at, hook) {
			told |= !strcmp(json_string_value(json_object_get(hook, "interface")),
					d->port[i].name) &&
				!strcmp(json_string_value(json_object_get(hook, "hook")),
					hook_name(lacks));
		}
		if (!told)
			json_array_append_new(hooks, json_pack("{s:s, s:s, s:b}", "interface",
							       d->port[i].name, "hook",
							       hook_name(lacks), "attached", 0));
	}
}

static void status_redirects(struct daemon *d, json_t *redirects)
{
	uint64_t last = d->redirects.last_ns;

	if (last)
		json_object_set_new(redirects, "last_s", json_real((clock_now() - last) / 1e9));
}

/*
 * Feeds that the cold start waits for; then interfaces that are gone, lack a hook or reset, whose
 * hooks come once the feeds are there.
 */
static json_t *status_waiting(struct daemon *d, const json_t *hooks)
{
	json_t *rows = json_array(), *hook;
	size_t at;

	for (size_t i = 0; d->cold && i < d->cfg->n_feeds; i++) {
		if (!d->feeds[i].synced)
			waiting_add(rows, d->feeds[i].cfg->name);
	}
	if (json_array_size(rows))
		return rows;
	for (size_t i = 0; i < d->n_ports; i++) {
		if (!d->port[i].present || attach_pending(d, &d->port[i]))
			waiting_add(rows, d->port[i].name);
	}
	json_array_foreach ((json_t *)hooks, at, hook) {
		if (!json_is_true(json_object_get(hook, "attached")))
			waiting_add(rows, json_string_value(json_object_get(hook, "interface")));
	}
	return rows;
}

json_t *answer_status(struct daemon *d, struct answer_error *err)
{
	struct fib_counts fib = fib_counts(d->fib);
	struct rib_counts rib = rib_counts(d->rib);
	json_t *row = rows_status_maps(d->instance, d->maps);

	(void)err;
	if (!row)
		return NULL;
	json_object_set_new(row, "daemon", json_true());
	json_object_set_new(row, "mode",
			    json_string(d->cfg->mode == SW_MODE_ENFORCE ? "enforce" : "monitor"));
	json_object_set_new(row, "forward",
			    json_string(d->forward == SW_FORWARD_KERNEL ? "kernel" : "fast"));
	json_object_set_new(json_object_get(row, "tables"), "put_back",
			    json_integer((json_int_t)d->steered_again));
	json_object_set_new(json_object_get(row, "tables"), "foreign", foreign_rows(d));
	status_hooks_lacking(d, json_object_get(row, "hooks"));
	json_object_set_new(row, "auto_hooks", hook_rows(d));
	json_object_set_new(row, "egress", egress_row(d));
	json_object_set_new(row, "rules", rules_row(d));
	status_redirects(d, json_object_get(row, "redirects"));
	json_object_set_new(row, "waiting", status_waiting(d, json_object_get(row, "hooks")));
	json_object_set_new(row, "uptime_s",
			    json_integer((clock_now() - d->start_ns) / 1000000000ULL));
	json_object_set_new(row, "feeds", status_feeds(d));
	json_object_update_new(
		json_object_get(row, "routes"),
		json_pack("{s:I, s:I, s:I, s:I, s:I}", "candidates", (json_int_t)rib.candidates,
			  "groups", (json_int_t)fib.groups, "refused", (json_int_t)fib.refused,
			  "tiers_cut", (json_int_t)fib.tiers_cut, "writes", (json_int_t)d->writes));
	json_object_set_new(json_object_get(row, "alerts"), "open",
			    json_integer(incidents_open(d->incidents)));
	json_object_set_new(row, "silences", alerts_silence_rows(d));
	json_object_set_new(row, "notify", alerts_notify_row(d));
	return row;
}
