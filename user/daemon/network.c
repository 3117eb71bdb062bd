/* SPDX-License-Identifier: GPL-2.0-only */
/* States of the network to incidents: feeds that are gone, limits on prefixes, routes that change.
 */
#include "core/network.h"
#include "daemon/daemon_impl.h"

#include <errno.h>

#define LIMITS_PERIOD 5 /* ticks */
#define WARM_NS	      10000000000ULL
#define LIMIT_NEAR_NS                                                                              \
	60000000000ULL /* after a session has dropped, its counts say nothing more                 \
			*/

int network_init(struct daemon *d)
{
	d->route_changes = route_changes_new(d->cfg);
	d->network_watch = network_watch_new();
	d->facts = (struct network_facts){0};
	d->facts_asked = false;
	return d->route_changes && d->network_watch ? 0 : -ENOMEM;
}

void network_stop(struct daemon *d)
{
	if (d->route_changes)
		route_changes_free(d->route_changes);
	d->route_changes = NULL;
	network_watch_free(d->network_watch);
	d->network_watch = NULL;
}

/* A feed is at its first table: all that it says is new, and no news. */
static bool first_table(const struct daemon *d, uint64_t now)
{
	for (size_t i = 0; i < d->cfg->n_feeds; i++) {
		const struct feed_slot *slot = &d->feeds[i];

		if (slot->begun_ns && !slot->synced && now < slot->begun_ns + COLD_START_NS)
			return true;
	}
	return false;
}

/* A prefix that a feed left without a usable path, to name where a failover is told. */
static void lost_note(struct daemon *d, const struct prefix *prefix, const struct sw_group *old,
		      const struct sw_group *new, uint64_t now)
{
	if (!old || !(old->members & d->usable) || (new &&new->members & d->usable))
		return;
	if (now - d->lost_names_ns > CHANGE_NS)
		d->lost_names.n = 0;
	if (!d->lost_names.n)
		d->lost_names_ns = now;
	if (d->lost_names.n < INCIDENT_LOST)
		d->lost_names.v[d->lost_names.n++] = *prefix;
}

void network_changed(struct daemon *d, const struct prefix *prefix, const struct sw_group *old,
		     const struct sw_group *new)
{
	uint64_t now = clock_now();

	if (d->cold || d->first_table)
		return;
	lost_note(d, prefix, old, new, now);
	/* what an earlier daemon's tables had is taken away in the first seconds: no news either */
	if (datapath_adopted(d->dp) && now <= d->warm_ns + WARM_NS) {
		network_watch_gain(d->network_watch, old, new, d->usable, now);
		return;
	}
	route_changes_add(d->route_changes, prefix, old, new, now);
	network_watch_prefix(d->network_watch, prefix, old, new, d->usable, now);
}

void network_compiled(struct daemon *d)
{
	uint64_t well = d->usable, now = clock_now();

	for (unsigned int id = 0; id < SW_MAX_PATHS; id++)
		if (!rib_path_routes(d->rib, (int)id, 0))
			well &= ~(1ULL << id);
	if (!d->cold)
		route_changes_paths(d->route_changes, well, now);
	network_paths_changed(d);
	if (d->first_table && !d->rib_dirty)
		d->first_table = first_table(d, now);
}

static void feeds_tell(struct daemon *d, const struct incident_context *ctx)
{
	for (size_t i = 0; i < d->cfg->n_feeds; i++) {
		struct feed_slot *slot = &d->feeds[i];
		struct network_state state;
		struct feed_status st = {0};
		struct network_feed feed;

		slot->type->status(slot->feed, &st);
		if (st.state == FEED_UP) {
			slot->up_ns = ctx->now;
			continue;
		}
		feed = (struct network_feed){
			.cfg = slot->cfg,
			.type = slot->type->name,
			.was_up = feed_slot_state(slot, &st) == FEED_STALE,
			.since_ns = slot->up_ns ? slot->up_ns : d->cold_ns,
			.routes = rib_feed_routes(d->rib, i),
			.error = st.last_error,
		};
		if (network_feed_stale(ctx, &feed, &state))
			incidents_network_state(d->incidents, ctx, &state);
	}
}

static void limits_tell(struct daemon *d, const struct incident_context *ctx)
{
	uint64_t near;

	if (d->ticks % LIMITS_PERIOD == 0)
		network_limits_count(ctx, &d->limits);
	near = network_limits_tell(ctx, &d->limits, d->incidents);
	for (; near; near &= near - 1)
		d->path[__builtin_ctzll(near)].limit_ns = ctx->now;
}

bool network_limit_near(const struct daemon *d, unsigned int id)
{
	uint64_t at = d->path[id].limit_ns;

	return at && clock_now() < at + LIMIT_NEAR_NS;
}

void network_failed_note(struct daemon *d)
{
	struct network_failed failed[SW_MAX_PATHS];
	uint64_t number = network_failed(d->network_watch, failed);

	if (number != d->failed_number)
		alerts_save_soon(d);
	d->failed_number = number;
}

void network_tick(struct daemon *d)
{
	struct incident_context ctx;
	struct network_state change;

	if (d->cold)
		return;
	network_compiled(d);
	alerts_context(d, &ctx);
	incidents_network_begin(d->incidents);
	feeds_tell(d, &ctx);
	limits_tell(d, &ctx);
	if (d->first_table) /* half of it has come */
		incidents_network_keep_all(d->incidents, &ctx, NETWORK_FAILBACK);
	else
		network_watch_tell(d->network_watch, &ctx, network_facts(d), d->incidents);
	incidents_network_end(d->incidents, &ctx);
	network_failed_note(d);
	if (route_changes_due(d->route_changes, &ctx, d->rib_dirty || d->first_table, &change))
		incidents_network_once(d->incidents, &ctx, &change);
}
