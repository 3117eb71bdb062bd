/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The life of a table (snapshot.h): source by source, from the texts of the input.
 *
 *   a whole text       its routes replace the source's (begin .. end of RIB)
 *   the same again     its routes are said again: they are as old as this text, nothing else
 *   some of it empty   what is there is said; what is not stays, and the table goes on ageing
 *   empty, an error    the last table stays and ages: unknown is not "no route"
 *   older than max     the routes are stale, as those of a session that ended
 *   file removed       likewise
 */
#include "feed/snapshot.h"
#include "feed/input.h"
#include "feed/report.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SECOND	     1000000000ULL
#define COMMAND_MIN  (30 * SECOND) /* least age at which a command's table is stale */
#define MISSED	     3		   /* intervals without a table, likewise */
#define FNV64_OFFSET 0xcbf29ce484222325ULL
#define FNV64_PRIME  0x100000001b3ULL

/* NONE: no table yet. OLD: stale by its age. GONE: its file was removed. */
enum source_state { SOURCE_NONE, SOURCE_UP, SOURCE_OLD, SOURCE_GONE };

struct source {
	char name[sizeof(((struct feed_table *)0)->name)];
	enum source_state state;
	uint64_t heard_ns; /* when the table was true; before the clock began it wraps */
	uint64_t hash;	   /* of the text, with its length */
	size_t len;
	bool partial;	 /* it was said only in part */
	bool told_table; /* of routes, since the file is there */
	struct snapshot table;
	char told[SNAPSHOT_ERROR]; /* what is wrong with it now, empty: nothing */
};

struct feed {
	struct feed_report report;
	const struct snapshot_type *type;
	const struct config_feed *cfg;
	struct input *input;
	struct event *timer;
	uint64_t max_ns; /* age at which a table is stale, 0: never */
	struct source *v;
	size_t n;
	bool synced;
};

/* FNV-1a: two texts that differ are told apart, nobody has a reason to forge one. */
static uint64_t text_hash(const char *text, size_t len)
{
	uint64_t h = FNV64_OFFSET;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)text[i]) * FNV64_PRIME;
	return h;
}

static struct source *source_of(struct feed *f, uint16_t source, const char *name)
{
	struct source *v;

	if (source >= f->n) {
		v = realloc(f->v, (source + 1u) * sizeof(*v));
		if (!v)
			return NULL;
		memset(v + f->n, 0, (source + 1u - f->n) * sizeof(*v));
		f->v = v;
		f->n = source + 1u;
	}
	snprintf(f->v[source].name, sizeof(f->v[source].name), "%s", name);
	feed_printable(f->v[source].name);
	return &f->v[source];
}

/* The feed is as its tables are: stale where one is too old, or none is left of some. */
static void state_set(struct feed *f)
{
	bool up = false, old = false, gone = false;

	for (size_t i = 0; i < f->n; i++) {
		up |= f->v[i].state == SOURCE_UP;
		old |= f->v[i].state == SOURCE_OLD;
		gone |= f->v[i].state == SOURCE_GONE;
	}
	f->report.status.state = old || (gone && !up) ? FEED_STALE : up ? FEED_UP : FEED_DOWN;
}

/* Errors are counted each time, and told when they are other ones than before. */
static void complain(struct feed *f, enum feed_refusal reason, size_t n, struct source *src,
		     const char *name, const char *why)
{
	struct feed_status *st = &f->report.status;

	if (!src || strcmp(src->told, why)) {
		feed_refuse(&f->report, reason, "%s: %s", name, why);
		n--;
	} else {
		snprintf(st->last_error, sizeof(st->last_error), "%s: %s", name, why);
		feed_printable(st->last_error);
	}
	if (src && why != src->told)
		snprintf(src->told, sizeof(src->told), "%s", why);
	st->errors += n;
	st->refused[reason] += n;
}

static void source_lost(struct feed *f, struct source *src, enum source_state state)
{
	bool was_up = src->state == SOURCE_UP;

	src->state = state;
	if (was_up)
		f->report.sink.lost(f->report.sink.arg, f->report.id, (uint16_t)(src - f->v));
	state_set(f);
}

/* Says all routes of the table. `count`: what is refused is news. */
static void table_say(struct feed *f, struct source *src, uint64_t age_ns, bool count)
{
	const struct feed_sink *sink = &f->report.sink;
	const char *first = NULL;
	char text[PREFIX_STRLEN], via[IP_STRLEN], why[160];
	size_t unowned = 0;

	for (size_t i = 0; i < src->table.n; i++) {
		struct route *route = &src->table.routes[i];

		route->source = (uint16_t)(src - f->v);
		route->age_ns = age_ns;
		if (sink->announce(sink->arg, f->report.id, route) != RIB_UNKNOWN_PATH ||
		    route->chosen) /* its candidate was refused, and counted */
			continue;
		if (!unowned++) {
			const struct ip_addr *ip =
				route->peer.family ? &route->peer : &route->nexthop;

			first = prefix_format(&route->prefix, text);
			if (ip->family)
				ip_format(ip, via);
			else
				snprintf(via, sizeof(via), "nobody");
		}
	}
	if (!count || !unowned)
		return;
	snprintf(why, sizeof(why),
		 "unknown-path: %zu routes, the first %s from %s: add the peer to one of `paths`",
		 unowned, first, via);
	complain(f, FEED_UNKNOWN_PATH, unowned, src, src->name, why);
}

/* Candidates of the table: what the daemon chose is one of them, said twice. */
static size_t table_routes(const struct snapshot *table)
{
	size_t n = 0;

	for (size_t i = 0; i < table->n; i++)
		n += !table->routes[i].chosen;
	return n;
}

static void synced(struct feed *f)
{
	bool any = f->type->view == VIEW_REMOTE; /* nothing of the local side waits for it */

	for (size_t i = 0; i < f->n; i++)
		any |= f->v[i].state == SOURCE_UP;
	if (!any || f->synced)
		return;
	f->synced = true;
	f->report.sink.synced(f->report.sink.arg, f->report.id);
}

/* A session of the far side is news when it is not as it was last. */
static void peers_tell(struct feed *f, const struct source *src, const struct snapshot *now)
{
	for (size_t i = 0; i < now->n_peers; i++) {
		const struct feed_peer *p = &now->peers[i], *was = NULL;
		char gateway[IP_STRLEN], peer[IP_STRLEN];

		for (size_t k = 0; k < src->table.n_peers && !was; k++)
			if (ip_equal(&src->table.peers[k].peer, &p->peer) &&
			    ip_equal(&src->table.peers[k].gateway, &p->gateway))
				was = &src->table.peers[k];
		if (was ? was->up == p->up && !strcmp(was->state, p->state) : p->up)
			continue;
		if (p->gateway.family)
			ip_format(&p->gateway, gateway);
		else
			snprintf(gateway, sizeof(gateway), "of unknown address");
		ip_format(&p->peer, peer);
		if (p->up)
			feed_note(&f->report, "gateway %s: BGP peer %s (AS %u) is %s, %llu routes",
				  gateway, peer, p->as, p->state, (unsigned long long)p->routes);
		else if (p->routes || !strcasecmp(p->state, "connected"))
			feed_warn(&f->report,
				  "gateway %s: BGP peer %s (AS %u) is %s and sends no route: look "
				  "at what that side announces, no way leads by it",
				  gateway, peer, p->as, p->state);
		else
			feed_warn(&f->report,
				  "gateway %s: BGP peer %s (AS %u) is %s: look at that session, no "
				  "way leads by it",
				  gateway, peer, p->as, p->state);
	}
}

/* Else there is nothing in it but peers. */
static bool is_table(const struct snapshot *s)
{
	return s->n || s->rows > s->peer_rows;
}

static void table_put(struct feed *f, struct source *src, struct snapshot *now, uint64_t age_ns)
{
	const struct feed_sink *sink = &f->report.sink;
	uint16_t id = (uint16_t)(src - f->v);
	bool whole = !src->partial && (is_table(now) || is_table(&src->table));

	peers_tell(f, src, now);
	src->told_table |= is_table(now);
	if (now->hint[0] && strcmp(now->hint, src->table.hint))
		feed_note(&f->report, "%s: %s", src->name, now->hint);
	snapshot_free(&src->table);
	src->table = *now;
	memset(now, 0, sizeof(*now));
	f->report.status.updates += src->table.rows - src->table.refused;
	f->report.status.masked += src->table.masked;
	if (whole)
		sink->begin(sink->arg, f->report.id, id);
	src->told[0] = '\0';
	table_say(f, src, age_ns, true);
	if (whole)
		sink->end_of_rib(sink->arg, f->report.id, id);
	if (whole)
		feed_news(&f->report, "%s: a table of %zu routes", src->name,
			  table_routes(&src->table));
	if (src->table.refused)
		complain(f, FEED_MALFORMED, src->table.refused, src, src->name, src->table.refusal);
	if (src->partial)
		complain(f, FEED_MALFORMED, 1, src, src->name,
			 "one of its tables is empty or missing: that is unknown, not \"no "
			 "route\": what it had is kept; ask for it again");
}

static bool too_old(const struct feed *f, uint64_t age_ns)
{
	return f->max_ns && age_ns >= f->max_ns;
}

static void source_up(struct feed *f, struct source *src, uint64_t age_ns)
{
	uint64_t now = feed_now_ns();

	if (!src->partial)
		src->heard_ns = now - age_ns;
	else if (!src->heard_ns)
		src->heard_ns = now;
	if (src->state != SOURCE_OLD || !src->partial)
		src->state = SOURCE_UP;
	state_set(f);
}

static void on_text(void *arg, const struct input_text *text)
{
	struct feed *f = arg;
	struct source *src = source_of(f, text->source, text->name);
	uint64_t hash = text_hash(text->text, text->len);
	struct snapshot now = {0};
	char error[SNAPSHOT_ERROR];

	feed_heard(&f->report);
	if (!src) {
		feed_refuse(&f->report, FEED_MEMORY, "%s: out of memory: give this machine more",
			    text->name);
		return;
	}
	if (src->state != SOURCE_NONE && src->len == text->len && src->hash == hash) {
		src->told[0] = '\0';
		table_say(f, src, text->age_ns, false);
		source_up(f, src, text->age_ns);
		return;
	}
	if (snapshot_parse(f->type, f->cfg, text->text, text->len, &now, error)) {
		complain(f, FEED_MALFORMED, 1, src, text->name, error);
		return;
	}
	if (now.empty && !now.n && !now.n_peers) {
		complain(
			f, FEED_MALFORMED, 1, src, text->name,
			"empty: that is unknown, not \"no route\": the last table is kept; ask for "
			"it again");
		snapshot_free(&now);
		return;
	}
	/* sessions alone, where routes were: their command failed */
	src->partial = now.empty || (src->told_table && now.peer_rows && !is_table(&now));
	src->hash = hash;
	src->len = text->len;
	table_put(f, src, &now, text->age_ns);
	source_up(f, src, text->age_ns);
}

static void on_failed(void *arg, uint16_t source, const char *name, const char *why)
{
	struct feed *f = arg;

	complain(f, FEED_MALFORMED, 1, source_of(f, source, name), name, why);
}

static void on_gone(void *arg, uint16_t source, const char *name)
{
	struct feed *f = arg;
	struct source *src = source_of(f, source, name);

	if (!src || src->state == SOURCE_NONE)
		return;
	feed_warn(&f->report,
		  "%s: it was removed: its %zu routes are stale until it is there again", name,
		  table_routes(&src->table));
	src->told[0] = '\0';
	src->told_table = false; /* what comes next may be another file's */
	source_lost(f, src, SOURCE_GONE);
}

static void ages_check(struct feed *f)
{
	uint64_t now = feed_now_ns();

	for (size_t i = 0; i < f->n; i++) {
		struct source *src = &f->v[i];

		if (src->state != SOURCE_UP || !too_old(f, now - src->heard_ns))
			continue;
		feed_warn(
			&f->report,
			"%s: its table is %llu s old, more than %llu s: its %zu routes are stale; "
			"see that it is collected",
			src->name, (unsigned long long)((now - src->heard_ns) / SECOND),
			(unsigned long long)(f->max_ns / SECOND), table_routes(&src->table));
		source_lost(f, src, SOURCE_OLD);
	}
}

static void on_looked(void *arg)
{
	struct feed *f = arg;

	if (f->cfg->dir && !f->n && !f->report.status.last_error[0])
		feed_warn(
			&f->report,
			"%s: no file in it ends in .json: put tables there, it is looked at again",
			f->cfg->dir);
	ages_check(f);
	synced(f);
}

static void on_note(void *arg, const char *text)
{
	struct feed *f = arg;

	feed_note(&f->report, "%s", text);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	ages_check(arg);
	if (((struct feed *)arg)->type->view == VIEW_REMOTE)
		synced(arg);
}

static uint64_t max_age(const struct snapshot_type *type, const struct config_feed *cfg)
{
	uint64_t least = type->max_ns ? type->max_ns : COMMAND_MIN;

	if (!type->max_ns && !cfg->command)
		return 0;
	return MISSED * cfg->interval_ns > least ? MISSED * cfg->interval_ns : least;
}

int snapshot_start(struct feed **out, const struct snapshot_type *type, feed_id id,
		   const struct config_feed *cfg, const char *config_dir, struct event_base *base,
		   const struct feed_sink *sink, char error[200])
{
	struct feed *f = calloc(1, sizeof(*f));
	struct timeval second = {.tv_sec = 1};

	if (f) {
		const struct input_ops ops = {.arg = f,
					      .text = on_text,
					      .failed = on_failed,
					      .gone = on_gone,
					      .looked = on_looked,
					      .note = on_note};

		feed_report_init(&f->report, id, sink);
		f->report.status.sees_all = true;
		f->type = type;
		f->cfg = cfg;
		f->max_ns = max_age(type, cfg);
		f->input = input_new(cfg, config_dir, base, &ops);
		f->timer = event_new(base, -1, EV_PERSIST, on_timer, f);
	}
	if (!f || !f->input || !f->timer || event_add(f->timer, &second)) {
		if (f)
			snapshot_stop(f);
		snprintf(error, 200, "out of memory: give this machine more");
		return -ENOMEM;
	}
	*out = f;
	return 0;
}

void snapshot_status(const struct feed *f, struct feed_status *out)
{
	*out = f->report.status;
}

bool snapshot_table(const struct feed *f, size_t i, struct feed_table *out)
{
	uint64_t now = feed_now_ns();

	for (size_t at = 0; at < f->n; at++) {
		const struct source *src = &f->v[at];

		if (src->state == SOURCE_NONE || !(src->told_table || is_table(&src->table)) || i--)
			continue;
		memcpy(out->name, src->name, sizeof(out->name));
		out->stale = src->state != SOURCE_UP;
		out->age_ns = now - src->heard_ns;
		out->routes = table_routes(&src->table);
		return true;
	}
	return false;
}

bool snapshot_session(const struct feed *f, size_t i, struct feed_peer *out)
{
	for (size_t at = 0; at < f->n; at++) {
		const struct source *src = &f->v[at];

		if (src->state == SOURCE_GONE)
			continue;
		if (i < src->table.n_peers) {
			*out = src->table.peers[i];
			return true;
		}
		i -= src->table.n_peers;
	}
	return false;
}

void snapshot_stop(struct feed *f)
{
	input_free(f->input);
	if (f->timer)
		event_free(f->timer);
	for (size_t i = 0; i < f->n; i++)
		snapshot_free(&f->v[i].table);
	free(f->v);
	free(f);
}
