/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Feeds of whole tables, read from texts in JSON (`frr`, `azure`): a text is parsed to its end into
 * a snapshot before any of it is announced, and replaces the last one of its source.
 */
#ifndef SAMEWAY_FEED_SNAPSHOT_H
#define SAMEWAY_FEED_SNAPSHOT_H

#include "feed/feed.h"

#include <jansson.h>

#define SNAPSHOT_AS_MAX	    256 /* of a path */
#define SNAPSHOT_ERROR	    200
#define SNAPSHOT_ROUTES_MAX 1000000
/* RFC 6793: stands for an AS number that can't be told */
#define AS_TRANS 23456

struct snapshot {
	struct route *routes; /* as_path: into `as`, once snapshot_parse() is done */
	size_t n, size;
	uint32_t *as; /* the AS paths, one after the other */
	size_t n_as, as_size;
	struct feed_peer *peers; /* BGP sessions of the far side */
	size_t n_peers, peers_size;
	size_t rows;		      /* seen, but for those that are no candidates */
	size_t peer_rows;	      /* of these: of no route */
	size_t empty;		      /* documents that hold no route: unknown */
	size_t refused;		      /* rows */
	size_t peer_refused;	      /* of these: of no route */
	size_t masked;		      /* rows with host bits */
	bool failed;		      /* no memory, or too many */
	char refusal[SNAPSHOT_ERROR]; /* of the first one refused */
	char hint[SNAPSHOT_ERROR];    /* empty: nothing to say; a note for the log */
};

struct snapshot_type {
	enum rib_view view;
	bool progress;	 /* text before the JSON is let pass */
	uint64_t max_ns; /* least age at which a table is stale; 0: of a command's only */
	/*
	 * Takes one document of the text. 0, or -EINVAL with why the whole text is refused, "what
	 * is wrong: what to do".
	 */
	int (*document)(const struct config_feed *cfg, json_t *doc, struct snapshot *out,
			char error[SNAPSHOT_ERROR]);
	/* After the last one. NULL: nothing to do. */
	void (*finish)(struct snapshot *out);
};

/* Parses a text. 0, -EINVAL or -ENOMEM with `error`, without control characters. Pure. */
int snapshot_parse(const struct snapshot_type *type, const struct config_feed *cfg,
		   const char *text, size_t len, struct snapshot *out, char error[SNAPSHOT_ERROR]);
/* What is zero is free. */
void snapshot_free(struct snapshot *s);

/* For the parsers. `route` without AS path; the path is copied. */
void snapshot_add(struct snapshot *s, const struct route *route, const uint32_t *as_path,
		  size_t n_as, bool masked);
void snapshot_peer(struct snapshot *s, const struct feed_peer *peer);
/* A row is refused: counted, the first one's reason is kept. `what` names it. */
void snapshot_refuse(struct snapshot *s, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * An AS path as text, numbers between blanks or '-', an origin (i, e, ?) behind them. A set counts
 * as one, its first (RFC 4271, 9.1.2.2); confederations for nothing (RFC 5065, 5.3). What is left
 * out or larger than 32 bits is AS_TRANS. 0, or -EINVAL: none of this, or too long.
 */
int as_path_parse(const char *text, uint32_t out[SNAPSHOT_AS_MAX], size_t *n);

/* For feed types: start, status, stop of feed_type. */
int snapshot_start(struct feed **out, const struct snapshot_type *type, feed_id id,
		   const struct config_feed *cfg, const char *config_dir, struct event_base *base,
		   const struct feed_sink *sink, char error[200]);
void snapshot_status(const struct feed *f, struct feed_status *out);
bool snapshot_table(const struct feed *f, size_t i, struct feed_table *out);
bool snapshot_session(const struct feed *f, size_t i, struct feed_peer *out);
void snapshot_stop(struct feed *f);

extern const struct snapshot_type frr_snapshot, azure_snapshot;

#endif
