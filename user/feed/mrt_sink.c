/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From MRT records to the feed's sink. Routes are of the local view, each with its peer.
 *
 * Each peer is a source. A table begins for all peers of its index with its first route, and ends
 * with the file, with the first record that is no table's, or where a new dump begins: an index was
 * read since, and a family comes again (BIRD writes an index for each of its tables, so that an
 * index alone begins nothing). Of the messages behind it nothing begins a table: a peer that comes
 * up has lost what it had.
 */
#include "feed/mrt_feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROUTES_ONCE 16

/* The record is refused, or something in it. */
#define record_refuse(f, why, fmt, ...)                                                            \
	feed_refuse(&(f)->report, why, "%s: record %llu (byte %llu): " fmt, (f)->cfg->file,        \
		    (unsigned long long)(f)->file.record, (unsigned long long)(f)->file.offset,    \
		    ##__VA_ARGS__)

/* What a record's parser says of it. */
static void record_unparsed(struct feed *f, int ret, const char *error)
{
	enum feed_refusal why = FEED_MALFORMED;

	if (ret == -EAFNOSUPPORT)
		why = FEED_FAMILY;
	else if (ret == -EOPNOTSUPP)
		why = FEED_TYPE;
	record_refuse(f, why, "%s", error);
}

/* The session of a table's routes. What the router has is what it took, with its own preference. */
static const struct bgp_session table_v2 = {.as4 = true, .ibgp = true};
static const struct bgp_session table_v1 = {.ibgp = true};

void mrt_sink_init(struct feed *f)
{
	f->route = (struct route){.view = VIEW_LOCAL};
}

static void announce(struct feed *f, const struct prefix *prefix, uint32_t path_id,
		     const struct bgp_attributes *attr)
{
	const struct feed_sink *sink = &f->report.sink;
	char text[PREFIX_STRLEN], peer[IP_STRLEN], nexthop[IP_STRLEN];
	struct route *route = &f->route;

	bgp_route_fill(route, prefix, path_id, attr);
	switch (sink->announce(sink->arg, f->report.id, route)) {
	case RIB_UNKNOWN_PATH:
		record_refuse(f, FEED_UNKNOWN_PATH,
			      "unknown-path: %s of peer %s by next hop %s belongs to no path: add "
			      "the peer or the next hop to a path's `peers`",
			      prefix_format(prefix, text), ip_format(&route->peer, peer),
			      ip_format(&attr->nexthop, nexthop));
		break;
	case RIB_NO_MEMORY:
		record_refuse(f, FEED_MEMORY, "out of memory: give this machine more");
		break;
	case RIB_OK:
	case RIB_UNCHANGED:
	case RIB_OWN:
		f->routes++;
		break;
	}
}

/* Who the next routes are of. */
static void set_source(struct feed *f, uint16_t source)
{
	f->route.source = source;
	f->route.peer = f->peers.v[source].peer.address;
}

/* The peer's number; -1: none is left, the record is refused. */
static int peer_number(struct feed *f, const struct mrt_peer *peer)
{
	int n = mrt_peer_number(&f->peers, peer);

	if (n >= 0)
		return n;
	if (n == -ENOMEM)
		record_refuse(f, FEED_MEMORY, "out of memory: give this machine more");
	else
		record_refuse(f, FEED_LIMIT, "more than %d peers: split the file", MRT_PEERS_MAX);
	return -1;
}

/* --- Begin and end of a table. --- */

static void chore_begin(struct feed *f, enum mrt_chore chore)
{
	f->chore = chore;
	f->chore_at = 0;
}

void mrt_chore_step(struct feed *f)
{
	const struct feed_sink *sink = &f->report.sink;

	while (f->chore_at < f->peers.n) {
		uint16_t number = (uint16_t)f->chore_at++;
		struct mrt_source *source = &f->peers.v[number];

		if (source->self || source->begun == (f->chore == MRT_BEGIN))
			continue;
		source->begun = f->chore == MRT_BEGIN;
		f->work += MRT_TURN_WORK;
		if (source->begun)
			sink->begin(sink->arg, f->report.id, number);
		else
			sink->end_of_rib(sink->arg, f->report.id, number);
		return;
	}
	f->chore = MRT_NO_CHORE;
}

void mrt_table_end(struct feed *f)
{
	if (!f->table)
		return;
	f->table = false;
	f->families = 0;
	chore_begin(f, MRT_END_OF_RIB);
}

/* A route of the family comes. False: its table has to begin first, or one before it to end. */
static bool table_ready(struct feed *f, uint8_t family)
{
	uint8_t bit = family == 4 ? 1 : 2;

	if (f->table && f->index_new && (f->families & bit)) {
		mrt_table_end(f);
		return false;
	}
	f->families |= bit;
	if (f->table && !f->index_new)
		return true;
	f->table = true;
	f->index_new = false;
	chore_begin(f, MRT_BEGIN);
	return false;
}

static void take_index(struct feed *f)
{
	char error[MRT_ERROR_LEN];
	struct mrt_index index;
	struct mrt_peer peer;
	uint16_t *numbers;
	size_t n = 0;

	free(f->index); /* where the new one is refused the old one must not tell whose routes come
			 */
	f->index = NULL;
	f->n_index = 0;
	if (mrt_index_parse(f->body, &index, error)) {
		record_refuse(f, FEED_MALFORMED, "%s", error);
		return;
	}
	numbers = malloc((index.left + 1U) * sizeof(*numbers));
	if (!numbers) {
		record_refuse(f, FEED_MEMORY, "out of memory: give this machine more");
		return;
	}
	while (mrt_index_next(&index, &peer)) {
		int number = peer_number(f, &peer);

		if (number < 0) {
			free(numbers);
			return;
		}
		numbers[n++] = (uint16_t)number;
	}
	f->index = numbers;
	f->n_index = n;
	f->index_new = true;
	f->report.status.updates++;
}

/* --- Routes of a table. --- */

static void take_route(struct feed *f, const struct bgp_session *session,
		       const struct mrt_entry *entry)
{
	char text[PREFIX_STRLEN], peer[IP_STRLEN];
	struct bgp_error err;

	if (!mrt_attributes_parse(&f->scratch, session, entry->attributes, &f->attributes, &err)) {
		announce(f, &f->rib.prefix, entry->path_id, &f->attributes);
		return;
	}
	record_refuse(f, FEED_MALFORMED, "route of %s by peer %s left out: %s",
		      prefix_format(&f->rib.prefix, text), ip_format(&f->route.peer, peer),
		      err.text);
}

void mrt_routes_take(struct feed *f)
{
	struct mrt_entry entry;

	for (int i = 0; i < ROUTES_ONCE && mrt_rib_next(&f->rib, &entry); i++) {
		f->work++;
		if (entry.peer >= f->n_index) {
			record_refuse(f, FEED_MALFORMED,
				      "peer %u, and the index of peers has %zu: left out",
				      entry.peer, f->n_index);
			continue;
		}
		if (f->peers.v[f->index[entry.peer]].self) {
			f->self++;
			continue;
		}
		set_source(f, f->index[entry.peer]);
		take_route(f, &table_v2, &entry);
	}
}

static bool take_rib(struct feed *f)
{
	char error[MRT_ERROR_LEN];
	int ret = mrt_rib_parse(f->header.subtype, f->body, &f->rib, error);

	if (ret) {
		f->rib.left = 0;
		record_unparsed(f, ret, error);
		return true;
	}
	if (!f->index) {
		f->rib.left = 0;
		record_refuse(
			f, FEED_MALFORMED,
			"routes without an index of peers before them: take the file from its "
			"beginning");
		return true;
	}
	if (!table_ready(f, f->rib.prefix.family)) {
		f->rib.left = 0;
		return false;
	}
	f->report.status.masked += f->rib.masked;
	f->report.status.updates++;
	return true;
}

/* There is no index: a peer's table begins with its first route. */
static bool take_table_dump(struct feed *f)
{
	const struct feed_sink *sink = &f->report.sink;
	char error[MRT_ERROR_LEN];
	struct mrt_entry entry;
	struct mrt_source *source;
	struct mrt_peer peer;
	int number, ret;

	ret = mrt_table_dump_parse(f->header.subtype, f->body, &f->rib, &entry, &peer, error);
	if (ret) {
		record_unparsed(f, ret, error);
		return true;
	}
	number = peer_number(f, &peer);
	if (number < 0)
		return true;
	source = &f->peers.v[number];
	f->table = true;
	f->report.status.updates++;
	if (source->self) {
		f->self++;
		return true;
	}
	if (!source->begun)
		sink->begin(sink->arg, f->report.id, (uint16_t)number);
	source->begun = true;
	f->report.status.masked += f->rib.masked;
	set_source(f, (uint16_t)number);
	take_route(f, &table_v1, &entry);
	return true;
}

/* --- Messages and states. --- */

static void on_announce(void *arg, const struct prefix *p, uint32_t path_id,
			const struct bgp_attributes *attr)
{
	struct feed *f = arg;

	f->work++;
	announce(f, p, path_id, attr);
}

static void on_withdraw(void *arg, const struct prefix *p, uint32_t path_id)
{
	struct feed *f = arg;
	const struct route route = {
		.view = VIEW_LOCAL, .prefix = *p, .source = f->route.source, .sub = path_id};

	f->work++;
	feed_withdraw(&f->report, &route, true);
}

static void on_end_of_rib(void *arg, uint8_t family)
{
	(void)arg;
	(void)family;
}

static void on_masked(void *arg, const struct prefix *p)
{
	struct feed *f = arg;

	(void)p;
	f->report.status.masked++;
}

static void on_ignored(void *arg, uint16_t afi, uint8_t safi)
{
	record_refuse((struct feed *)arg, FEED_FAMILY,
		      "routes of AFI %u, SAFI %u left out: only IPv4 and IPv6 unicast are taken",
		      afi, safi);
}

static void take_update(struct feed *f, const struct mrt_bgp *bgp)
{
	const struct bgp_update_ops ops = {
		.arg = f,
		.announce = on_announce,
		.withdraw = on_withdraw,
		.end_of_rib = on_end_of_rib,
		.masked = on_masked,
		.ignored = on_ignored,
	};
	char peer[IP_STRLEN];
	struct bgp_error err;
	bool treated = false;
	int ret;

	ret = bgp_update_parse(&bgp->session, bgp->update.p, bgp->update.len, &ops, &treated, &err);
	if (ret || treated)
		record_refuse(f, FEED_MALFORMED, "UPDATE of peer %s: %s (%s)",
			      ip_format(&f->route.peer, peer), err.text,
			      ret ? "left out" : "its routes count as withdrawn");
	else
		f->report.status.updates++;
}

static void take_states(struct feed *f, const struct mrt_bgp *bgp)
{
	const struct feed_sink *sink = &f->report.sink;
	bool was_up = bgp->before == MRT_ESTABLISHED, up = bgp->after == MRT_ESTABLISHED;
	feed_id id = f->report.id;

	f->report.status.updates++;
	if (was_up == up)
		return;
	f->work += MRT_TURN_WORK;
	if (up)
		sink->peer_up(sink->arg, id, &f->route.peer);
	else
		sink->peer_down(sink->arg, id, &f->route.peer);
	sink->dropped(sink->arg, id, f->route.source);
}

static void take_bgp(struct feed *f)
{
	char error[MRT_ERROR_LEN];
	struct mrt_bgp bgp;
	int number, ret;

	ret = mrt_bgp_parse(&f->header, f->body, &bgp, error);
	if (ret) {
		record_unparsed(f, ret, error);
		return;
	}
	if (bgp.kind == MRT_OTHER)
		return;
	if (bgp.kind == MRT_SENT) {
		f->sent++;
		return;
	}
	number = peer_number(f, &bgp.peer);
	if (number < 0)
		return;
	set_source(f, (uint16_t)number);
	if (bgp.kind == MRT_UPDATE)
		take_update(f, &bgp);
	else
		take_states(f, &bgp);
}

bool mrt_table_over(struct feed *f)
{
	if (f->header.type != MRT_BGP4MP && f->header.type != MRT_BGP4MP_ET)
		return false;
	if (f->table) {
		mrt_table_end(f);
		return true;
	}
	if (f->cfg->speed == SPEED_REAL && !f->synced) {
		f->synced = true;
		f->report.sink.synced(f->report.sink.arg, f->report.id);
	}
	return false;
}

bool mrt_record_take(struct feed *f)
{
	f->work++;
	switch (f->header.type) {
	case MRT_TABLE_DUMP:
		return take_table_dump(f);
	case MRT_TABLE_DUMP_V2:
		if (f->header.subtype != MRT_PEER_INDEX_TABLE)
			return take_rib(f);
		take_index(f);
		return true;
	case MRT_BGP4MP:
	case MRT_BGP4MP_ET:
		take_bgp(f);
		return true;
	default:
		record_refuse(f, FEED_TYPE,
			      "of type %u left out: TABLE_DUMP, TABLE_DUMP_V2 and BGP4MP are taken",
			      f->header.type);
		return true;
	}
}
