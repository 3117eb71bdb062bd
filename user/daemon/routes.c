/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way of a route: feeds -> RIB -> compiler -> maps, in slices on the loop, so that a large
 * change never holds up the news of a link. Also the cold start: what was adopted stays until each
 * feed has sent its table.
 */
#include "daemon/chunks.h"
#include "daemon/daemon_impl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int group_write(void *arg, uint32_t id, const struct sw_group *group)
{
	struct daemon *d = arg;

	d->writes++;
	datapath_groups(d->dp)[id] = *group;
	/* whole before a prefix points to it: its entries are stored with release */
	return 0;
}

static int prefix_write(void *arg, const struct prefix *prefix, uint32_t group, bool fresh)
{
	struct daemon *d = arg;

	d->writes++;
	return datapath_prefix_write(d->dp, prefix, group, fresh);
}

static int prefix_remove(void *arg, const struct prefix *prefix, uint8_t cover_len,
			 uint32_t cover_group)
{
	struct daemon *d = arg;

	d->writes++;
	return datapath_prefix_remove(d->dp, prefix, cover_len, cover_group);
}

static bool slice(void *arg)
{
	return datapath_prefix_slice(((struct daemon *)arg)->dp);
}

static int quiesce(void *arg)
{
	return datapath_quiesce(((struct daemon *)arg)->dp);
}

static void default_write(void *arg, uint8_t family, uint32_t group)
{
	struct daemon *d = arg;
	struct sw_ctl *c = datapath_ctl(d->dp);

	__atomic_store_n(family == 4 ? &c->default4 : &c->default6, group, __ATOMIC_RELEASE);
}

static void changed(void *arg, const struct prefix *prefix, const struct sw_group *old,
		    const struct sw_group *new)
{
	network_changed(arg, prefix, old, new);
}

/* What `paths` shows of a path's routes, with no daemon too. */
static void path_routes_write(struct daemon *d)
{
	struct sw_path *rows = datapath_paths(d->dp);

	for (unsigned int id = 0; id < SW_MAX_PATHS; id++) {
		if (!d->path[id].cfg)
			continue;
		rows[id].maintenance = rib_path_maintenance(d->rib, id);
		rows[id].routes4 = (uint32_t)rib_path_routes(d->rib, (int)id, 4);
		rows[id].routes6 = (uint32_t)rib_path_routes(d->rib, (int)id, 6);
	}
}

/* What `status` shows of the tables, with no daemon too. */
static void sizes_write(struct daemon *d)
{
	struct fib_counts counts = fib_counts(d->fib);
	struct datapath_nodes nodes = datapath_nodes(d->dp);
	struct sw_ctl *c = datapath_ctl(d->dp);

	c->prefixes4 = (uint32_t)counts.installed4;
	c->prefixes6 = (uint32_t)counts.installed6;
	c->nodes4 = nodes.used4;
	c->nodes6 = nodes.used6;
}

/* Prefixes that a feed moved: one change, as long as the compiler is at it. */
static void moved_add(struct daemon *d, const struct fib_counts *before)
{
	struct fib_counts after = fib_counts(d->fib);
	uint64_t now = clock_now();

	if (after.moved == before->moved && after.lost == before->lost)
		return;
	if (now - d->moved_ns > CHANGE_NS)
		d->moved = d->lost = 0;
	d->moved += after.moved - before->moved;
	d->lost += after.lost - before->lost;
	d->moved_ns = now;
}

static bool cold_go_on(struct daemon *d);

/*
 * While the tables of a cold start come in, routes wait: nothing goes by them yet, and all of them
 * in order of prefix are much less work than each as it comes.
 */
static bool table_comes_in(const struct daemon *d, uint64_t now)
{
	return d->cold && !d->cold_ending && now - d->announced_ns < LOAD_QUIET_NS;
}

static size_t compile_turn(struct daemon *d)
{
	uint64_t now = clock_now(), end = now + COMPILE_NS;
	bool hold = table_comes_in(d, now);
	size_t left, lost = rib_counts(d->rib).lost;

	fib_hold(d->fib, hold);
	do {
		left = fib_compile(d->fib, now, d->usable, COMPILE_SLICE);
		now = clock_now();
	} while (left && !hold && now < end);
	lost = rib_counts(d->rib).lost - lost;
	if (lost)
		daemon_log("out of memory: %zu routes are lost", lost);
	return left;
}

static void compile_run(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval quiet = {.tv_usec = LOAD_QUIET_NS / 1000};
	struct daemon *d = arg;
	struct fib_counts before = fib_counts(d->fib), counts;
	size_t left;

	(void)fd;
	(void)what;
	edge_reserve(d);
	left = compile_turn(d);
	daemon_changed(d);
	if (!d->cold)
		path_routes_write(d);
	moved_add(d, &before);
	sizes_write(d);
	counts = fib_counts(d->fib);
	if (counts.refused > before.refused)
		daemon_log(
			"%zu prefixes do not fit into the maps: they go by the kernel; summarise "
			"or filter what is announced",
			counts.refused);
	d->state_dirty = true;
	if (!left && d->cold_ending)
		left = cold_go_on(d);
	d->rib_dirty = left > 0;
	network_compiled(d);
	if (left && table_comes_in(d, clock_now()))
		event_add(d->ev_compile, &quiet);
	else if (left)
		routes_dirty(d);
}

void routes_dirty(struct daemon *d)
{
	static const struct timeval now = {0};

	d->rib_dirty = true;
	if (!event_pending(d->ev_compile, EV_TIMEOUT, NULL))
		event_add(d->ev_compile, &now);
}

/* All feeds have their table, or the time is up: it is compiled, in turns of the loop. */
static void cold_end(struct daemon *d, bool late)
{
	static const struct timeval now = {0};

	if (!d->cold || d->cold_ending)
		return;
	for (size_t i = 0; late && i < d->cfg->n_feeds; i++) {
		if (!d->feeds[i].synced)
			daemon_log("feed %s has not sent its whole table within 30 s: going on "
				   "without",
				   d->feeds[i].cfg->name);
	}
	d->cold_ending = true;
	event_add(d->ev_compile, &now);
}

bool routes_awaited(const struct daemon *d)
{
	return d->cold && datapath_adopted(d->dp);
}

/*
 * Nothing is left to compile. The first time old entries go, which may be more work (true); then
 * enforce begins: the table first, whole, then the mode.
 */
static bool cold_go_on(struct daemon *d)
{
	bool watched;

	fib_sync_done(d->fib);
	if (fib_counts(d->fib).pending)
		return true;
	d->cold = d->cold_ending = false;
	chunks_end();
	d->warm_ns = clock_now();
	usable_peers_forget(d, PEER_EARLIER);
	path_routes_write(d);
	sizes_write(d);
	daemon_changed(d);
	edge_apply_mode(d);
	/* what the kernel did while we watched is no news once we enforce */
	watched = d->cfg->mode == SW_MODE_ENFORCE && !datapath_adopted(d->dp);
	if (watched)
		d->heard_ns = clock_now() + IN_FLIGHT_NS;
	if (d->started)
		attach_begin(d);
	daemon_log("%s: %zu IPv4 and %zu IPv6 prefixes",
		   d->cfg->mode == SW_MODE_ENFORCE ? "enforcing" : "monitoring",
		   fib_counts(d->fib).installed4, fib_counts(d->fib).installed6);
	if (!watched) /* else each flow's next packet judges it first */
		alerts_scan(d);
	control_go_on(d);
	return false;
}

static void cold_check(struct daemon *d)
{
	for (size_t i = 0; i < d->cfg->n_feeds; i++) {
		if (!d->feeds[i].synced)
			return;
	}
	cold_end(d, false);
}

static enum rib_result sink_announce(void *arg, feed_id feed, const struct route *route)
{
	struct daemon *d = arg;
	enum rib_result ret;

	edge_reserve(d); /* next hops are told by the links' networks */
	if (!route->again)
		d->announced_ns = clock_coarse();
	if (d->cold && !d->cold_ending)
		ret = rib_announce_later(d->rib, feed, route, d->announced_ns);
	else
		ret = rib_announce(d->rib, feed, route, d->announced_ns);
	if (ret == RIB_NO_MEMORY)
		daemon_log("feed %s: out of memory: a route is lost", d->feeds[feed].cfg->name);
	if (ret == RIB_OK && !d->rib_dirty)
		routes_dirty(d);
	return ret;
}

static size_t sink_withdraw(void *arg, feed_id feed, const struct route *route, bool by_sub)
{
	struct daemon *d = arg;
	size_t n = rib_withdraw(d->rib, feed, route, by_sub, clock_now());

	if (n)
		routes_dirty(d);
	return n;
}

static void sink_peer_down(void *arg, feed_id feed, const struct ip_addr *peer)
{
	struct daemon *d = arg;

	usable_peer(d, feed, peer, true);
	if (rib_peer_down(d->rib, feed, peer, clock_now()))
		routes_dirty(d);
}

static void sink_peer_up(void *arg, feed_id feed, const struct ip_addr *peer)
{
	usable_peer(arg, feed, peer, false);
}

/* A feed of many tables tells of them itself, by name, and limits that. */
static void __attribute__((format(printf, 3, 4)))
log_table(struct daemon *d, feed_id feed, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	if (d->feeds[feed].type->table || d->cfg->feeds[feed].type == FEED_BMP)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	daemon_log("feed %s%s", d->feeds[feed].cfg->name, text);
}

static void sink_begin(void *arg, feed_id feed, uint16_t source)
{
	struct daemon *d = arg;

	if (!d->feeds[feed].synced)
		d->first_table = true;
	if (!d->feeds[feed].begun_ns)
		d->feeds[feed].begun_ns = clock_now();
	if (rib_source_mark(d->rib, feed, source))
		routes_dirty(d);
	log_table(d, feed, ": a table begins");
}

static void sink_end_of_rib(void *arg, feed_id feed, uint16_t source)
{
	struct daemon *d = arg;
	size_t swept = rib_source_sweep(d->rib, feed, source, clock_now());

	log_table(d, feed, ": its table is complete: %zu routes", rib_feed_routes(d->rib, feed));
	if (swept)
		routes_dirty(d);
}

static void sink_synced(void *arg, feed_id feed)
{
	struct daemon *d = arg;

	d->feeds[feed].synced = true;
	cold_check(d);
}

static void sink_lost(void *arg, feed_id feed, uint16_t source)
{
	struct daemon *d = arg;

	rib_source_stale(d->rib, feed, source, clock_now());
	log_table(d, feed,
		  ": a table is gone: %zu of its %zu routes are stale, and kept for %llu s",
		  rib_feed_stale(d->rib, feed), rib_feed_routes(d->rib, feed),
		  (unsigned long long)(d->cfg->stale_ns / 1000000000ULL));
	routes_dirty(d);
}

static void sink_dropped(void *arg, feed_id feed, uint16_t source)
{
	struct daemon *d = arg;

	if (rib_source_drop(d->rib, feed, source, clock_now()))
		routes_dirty(d);
}

static void sink_log(void *arg, feed_id feed, const char *text)
{
	struct daemon *d = arg;

	daemon_log("feed %s: %s", d->feeds[feed].cfg->name, text);
}

static int adopt_prefix(void *arg, const struct prefix *prefix, uint32_t group)
{
	struct daemon *d = arg;
	int ret = fib_adopt_prefix(d->fib, prefix, group);

	if (ret == -ENOMEM)
		return ret;
	if (ret) /* of no group that is there: of no use to packets either */
		datapath_prefix_remove(d->dp, prefix, 0, 0);
	return 0;
}

/* What an earlier daemon left in the maps. */
static int routes_adopt(struct daemon *d)
{
	const struct sw_group *groups = datapath_groups(d->dp);

	for (uint32_t id = 1; id < SW_MAX_GROUPS; id++) {
		if (groups[id].kind != SW_GROUP_FREE &&
		    fib_adopt_group(d->fib, id, &groups[id]) == -ENOMEM)
			return -ENOMEM;
	}
	return datapath_prefix_each(d->dp, adopt_prefix, d);
}

int routes_init(struct daemon *d, char err[DATAPATH_ERR])
{
	const struct fib_ops ops = {
		.arg = d,
		.group_write = group_write,
		.prefix_write = prefix_write,
		.prefix_remove = prefix_remove,
		.slice = slice,
		.quiesce = quiesce,
		.default_write = default_write,
		.changed = changed,
	};

	d->cold = true; /* what is adopted is no news */
	chunks_begin();
	d->rib = rib_new(d->cfg, d->path_ids);
	d->fib = d->rib ? fib_new(d->cfg, d->rib, &ops) : NULL;
	d->feeds = calloc(d->cfg->n_feeds + 1, sizeof(*d->feeds));
	d->ev_compile = evtimer_new(d->base, compile_run, d);
	if (!d->fib || !d->feeds || !d->ev_compile || network_init(d) ||
	    (datapath_adopted(d->dp) && routes_adopt(d))) {
		snprintf(err, DATAPATH_ERR, "out of memory: give the daemon more");
		return -ENOMEM;
	}
	d->cold_ending = false;
	d->rib_dirty = d->first_table = false; /* of a RIB before a reload */
	d->cold_ns = clock_now();
	return 0;
}

int routes_start_feeds(struct daemon *d, char err[DATAPATH_ERR])
{
	const struct feed_sink sink = {
		.arg = d,
		.announce = sink_announce,
		.withdraw = sink_withdraw,
		.peer_down = sink_peer_down,
		.peer_up = sink_peer_up,
		.begin = sink_begin,
		.end_of_rib = sink_end_of_rib,
		.lost = sink_lost,
		.dropped = sink_dropped,
		.synced = sink_synced,
		.log = sink_log,
	};
	char text[200];

	for (size_t i = 0; i < d->cfg->n_feeds; i++)
		d->feeds[i].cfg = &d->cfg->feeds[i];
	for (size_t i = 0; i < d->cfg->n_feeds; i++) {
		struct feed_slot *slot = &d->feeds[i];
		int ret;

		slot->type = feed_type(slot->cfg->type);
		ret = slot->type->start(&slot->feed, i, slot->cfg, d->config_dir, d->base, &sink,
					text);
		if (ret) {
			snprintf(err, DATAPATH_ERR, "feed %s: %s", slot->cfg->name, text);
			return ret;
		}
	}
	return 0;
}

void routes_resend(struct daemon *d)
{
	for (size_t i = 0; d->feeds && i < d->cfg->n_feeds; i++) {
		const struct feed_slot *slot = &d->feeds[i];

		if (slot->feed && slot->type->resend)
			slot->type->resend(slot->feed);
	}
}

/* Each second. */
void routes_tick(struct daemon *d)
{
	uint64_t now = clock_now();

	if (d->cold) {
		cold_check(d);
		if (now - d->cold_ns > COLD_START_NS)
			cold_end(d, true);
	}
	if (rib_expire_stale(d->rib, now, d->cfg->stale_ns))
		routes_dirty(d);
	for (size_t i = 0; i < d->cfg->n_feeds; i++)
		if (d->feeds[i].up_ns && now > d->feeds[i].up_ns + d->cfg->stale_ns)
			usable_peers_forget(d, (uint16_t)(i + 1));
	fib_settle(d->fib, now, d->cfg->grace_ns);
	sizes_write(d);
	if (d->reserved_dirty || fib_counts(d->fib).pending)
		routes_dirty(d);
}

void routes_stop(struct daemon *d)
{
	for (size_t i = 0; d->feeds && i < d->cfg->n_feeds; i++) {
		if (d->feeds[i].feed)
			d->feeds[i].type->stop(d->feeds[i].feed);
	}
	free(d->feeds);
	d->feeds = NULL;
	chunks_end();
	network_stop(d);
	if (d->fib)
		fib_free(d->fib);
	if (d->rib)
		rib_free(d->rib);
	if (d->ev_compile)
		event_free(d->ev_compile);
	d->fib = NULL;
	d->rib = NULL;
	d->ev_compile = NULL;
}
