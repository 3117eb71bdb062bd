/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Feeds: bytes to RIB changes. A feed is made from its config entry, lives on the daemon's libevent
 * loop, and reports through feed_sink. It knows nothing of maps, groups or the RIB's inside.
 */
#ifndef SAMEWAY_FEED_FEED_H
#define SAMEWAY_FEED_FEED_H

#include "core/config.h"
#include "core/rib.h"

struct event_base;

enum feed_state { FEED_DOWN, FEED_UP, FEED_STALE };

/* Why something of a feed was refused: id, and its name in `refused` of `status`. */
#define FEED_REFUSALS(X)                                                                           \
	X(UNKNOWN_PATH, "unknown-path") /* a route that no path owns */                            \
	X(MALFORMED, "malformed")	/* not what its protocol or format says */                 \
	X(FAMILY, "family")		/* routes of an address family that is not taken */        \
	X(TYPE, "type")			/* of a kind of message or record that is not taken */     \
	X(LIMIT, "limit")		/* too long, or too many */                                \
	X(SESSION, "session")		/* a connection not wanted, a session that we ended */     \
	X(MEMORY, "memory")
#define FEED_REFUSAL_ENUM(id, text) FEED_##id,
enum feed_refusal { FEED_REFUSALS(FEED_REFUSAL_ENUM) FEED_REFUSAL_COUNT };

struct feed_status {
	enum feed_state state;
	bool sees_all;	    /* every candidate (ADD-PATH, jsonl); false: best only */
	uint64_t updates;   /* messages or lines taken */
	uint64_t withdraws; /* routes that they told to be gone */
	uint64_t errors;    /* messages, lines or routes refused: the sum of `refused` */
	uint64_t refused[FEED_REFUSAL_COUNT];
	uint64_t
		no_way; /* routes of the source now that lead nowhere: blackhole, unreachable ... */
	uint64_t masked;	  /* prefixes with host bits, masked */
	uint64_t ignored;	  /* messages that are right, but of no use here (BMP) */
	uint64_t last_message_ns; /* CLOCK_MONOTONIC, when something came last; 0: never */
	char last_error[200];
	char note[120]; /* of a feed that comes to an end: how far it is; empty: nothing to say */
};

/* Where a feed's news go. All are called on the loop's thread; `feed` is the id of feed_new. */
struct feed_sink {
	void *arg;
	enum rib_result (*announce)(void *arg, feed_id feed, const struct route *route);
	/* by_sub: route->sub identifies it (BGP); else path, peer or nothing (jsonl) */
	size_t (*withdraw)(void *arg, feed_id feed, const struct route *route, bool by_sub);
	void (*peer_down)(void *arg, feed_id feed, const struct ip_addr *peer);
	void (*peer_up)(void *arg, feed_id feed, const struct ip_addr *peer);
	/*
	 * Of one of the feed's tables (route->source): a session, a router's peer, a file; 0 where
	 * it has one. A new one begins: what is not announced until `end_of_rib` is gone.
	 */
	void (*begin)(void *arg, feed_id feed, uint16_t source);
	void (*end_of_rib)(void *arg, feed_id feed, uint16_t source);
	/* Session or file gone: its routes become stale. */
	void (*lost)(void *arg, feed_id feed, uint16_t source);
	/* Told to be over (BMP's peer down): its routes are gone. */
	void (*dropped)(void *arg, feed_id feed, uint16_t source);
	/* All that is to be heard at the start was: the cold start need not wait for this feed. */
	void (*synced)(void *arg, feed_id feed);
	/* One line for the log, without newline: "what is wrong: what to do". */
	void (*log)(void *arg, feed_id feed, const char *text);
};

/* A table of a feed that has several, each from a text of its own. */
struct feed_table {
	char name[256]; /* the file's, or "command" */
	bool stale;
	uint64_t age_ns; /* since it was true */
	size_t routes;
};

/* A BGP session of the far side, as its own tables tell of it. */
struct feed_peer {
	struct ip_addr gateway, peer;
	uint32_t as;
	char state[16];	 /* as told */
	bool up;	 /* and with routes, where it is to have some */
	uint64_t routes; /* received */
};

struct feed;
/* One row per type (user/feed/table.c). start: 0, or -errno with a message in `error`. */
struct feed_type {
	const char *name;
	int (*start)(struct feed **out, feed_id id, const struct config_feed *cfg,
		     const char *config_dir, struct event_base *base, const struct feed_sink *sink,
		     char error[200]);
	void (*status)(const struct feed *feed, struct feed_status *out);
	/*
	 * Routes that no path owned may have one now: has them sent again, soon, if it can. NULL
	 * where the type can't.
	 */
	void (*resend)(struct feed *feed);
	void (*stop)(struct feed *feed);
	/* Its i-th table, the i-th peer told of; false: there is none. NULL: it has none. */
	bool (*table)(const struct feed *feed, size_t i, struct feed_table *out);
	bool (*peer)(const struct feed *feed, size_t i, struct feed_peer *out);
};
const struct feed_type *feed_type(enum config_feed_type type);

#endif
