/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the feed `mrt`'s timer (mrt.c) and what its records say (mrt_sink.c). */
#ifndef SAMEWAY_FEED_MRT_FEED_H
#define SAMEWAY_FEED_MRT_FEED_H

#include "feed/mrt_file.h"
#include "feed/mrt_peers.h"
#include "feed/report.h"

struct event;

/* SCAN: only with speed `real`, to tell how long it takes. */
enum mrt_phase { MRT_SCAN, MRT_REPLAY, MRT_DONE };

#define MRT_TURN_WORK 64 /* see struct feed.work */

/* What all sources are told, one a step: each makes the RIB look at all of its routes. */
enum mrt_chore { MRT_NO_CHORE, MRT_BEGIN, MRT_END_OF_RIB };

struct feed {
	struct feed_report report;
	const struct config_feed *cfg;
	struct event *timer;
	struct mrt_file file;
	enum mrt_phase phase;

	/* the record at hand */
	bool held;   /* not taken yet */
	bool at_end; /* there is no more */
	struct mrt_header header;
	struct bgp_span body;
	struct mrt_rib rib; /* what is left of a table's record */
	/* Routes and records since the timer looked at the clock; it does after MRT_TURN_WORK. */
	unsigned int work;

	/* time; us: of the records, ns: CLOCK_MONOTONIC */
	uint64_t first_us, last_us, begin_ns, took_ns;

	/* the table */
	struct mrt_peers peers;
	uint16_t *index; /* of the last PEER_INDEX_TABLE: the number of each peer */
	size_t n_index;
	bool index_new;	  /* none of its routes was seen yet */
	uint8_t families; /* that the table has had: 1 IPv4, 2 IPv6 */
	bool table;	  /* one has begun and not ended */
	bool synced;
	enum mrt_chore chore;
	size_t chore_at;

	uint64_t routes, self, sent; /* announced; left out: the router's own, sent by it */

	/* room for one at a time */
	struct route route;
	struct bgp_attributes attributes;
	struct bgp_update scratch;
};

/* Makes what an announcement needs besides what changes. */
void mrt_sink_init(struct feed *f);
/* Takes f->header, f->body. False: a chore was begun that comes first. */
bool mrt_record_take(struct feed *f);
/* Some of the routes of f->rib, while f->rib.left. */
void mrt_routes_take(struct feed *f);
/* Ends the table, if there is one: f->chore says whether. */
void mrt_table_end(struct feed *f);
/*
 * True, and the table is ended, when the record at hand is no table's; also before it is due: with
 * speed `real` nobody waits for what follows the table.
 */
bool mrt_table_over(struct feed *f);
/* A step of f->chore. */
void mrt_chore_step(struct feed *f);

#endif
