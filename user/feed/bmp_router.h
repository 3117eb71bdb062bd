/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of the feed `bmp`: what its routers have said (bmp_router.c: sessions and ends;
 * bmp_table.c: the tables of their peers; bmp_route.c: routes to the sink). No sockets, no clock:
 * bmp.c brings the messages, and `now` (CLOCK_MONOTONIC, ns).
 *
 * A table is one of the feed's sources: the routes of one family that a router has from a peer
 * (adj-rib-in; either before or after the import policy), or what it has chosen (loc-rib).
 */
#ifndef SAMEWAY_FEED_BMP_ROUTER_H
#define SAMEWAY_FEED_BMP_ROUTER_H

#include "feed/bmp_message.h"
#include "feed/report.h"

#include <string.h>
#include <sys/queue.h>

#define BMP_TABLES_MAX 1024	      /* of a feed */
#define BMP_PEERS_MAX  512	      /* of a router */
#define BMP_QUIET_NS   5000000000ULL  /* without news: its tables count as whole */
#define BMP_PAUSE_NS   1000000000ULL  /* the same, after End-of-RIB for all that has begun */
#define BMP_LOAD_NS    60000000000ULL /* a table counts as whole at the latest */

enum bmp_table_state {
	TABLE_NONE,    /* no source */
	TABLE_LEFT,    /* what is there is from before: a new one begins with its next news */
	TABLE_LOADING, /* until its End-of-RIB */
	TABLE_WHOLE,
};

struct bmp_table {
	enum bmp_table_state state;
	uint16_t source;
	bool pre; /* routes from before the import policy came on this connection: only they count
		   */
	uint64_t begun_ns;
};

struct bmp_peer {
	TAILQ_ENTRY(bmp_peer) link;
	struct bmp_peer_header id; /* type, distinguisher, address */
	char name[IP_STRLEN];
	bool up;   /* on this connection */
	bool down; /* so it was told, and the sink was */
	bool addpath4, addpath6;
	bool addpath_seen; /* a message with path identifiers was right */
	bool ibgp;
	uint32_t local_as;	   /* 0: not known */
	struct bmp_table table[2]; /* IPv4, IPv6 */
};

/* What is left out, each told once a connection, and counted. */
enum bmp_ignored {
	IGNORED_OUT,  /* adj-rib-out */
	IGNORED_POST, /* post-policy, beside pre-policy */
	IGNORED_PEER, /* of a peer that is not up */
	IGNORED_TYPE, /* message of a type not known */
	IGNORED_KIND, /* peer of a type not known */
	IGNORED_MIRROR,
	IGNORED_STATISTICS,
	IGNORED_OWN, /* the router's own, of no path */
};

struct bmp_feed;
struct bmp_router {
	struct bmp_feed *feed;
	char name[IP_STRLEN + BMP_TEXT_LEN + 4]; /* "192.0.2.1 (ce1)" */
	char address[IP_STRLEN];
	bool connected;	   /* an Initiation was heard, and no end since */
	bool synced;	   /* it has sent what it had when it connected, see BMP_QUIET_NS */
	bool settled;	   /* no table is waited for */
	bool eor;	   /* an End-of-RIB was heard on this connection */
	bool frr;	   /* by its own description */
	bool failed;	   /* no memory for its routes: close the connection */
	bool walked;	   /* the RIB was walked: let others have their turn */
	uint64_t heard_ns; /* last news of peers or routes */
	unsigned int told; /* by bmp_ignored */
	TAILQ_HEAD(, bmp_peer) peers;
	size_t n_peers;
};

struct bmp_feed {
	struct feed_report report;
	struct bmp_router *routers; /* one for each of the config's `peers`, in that order */
	size_t n_routers;
	uint64_t sources[BMP_TABLES_MAX / 64]; /* in use */
};

/* 0 or -ENOMEM. report is set by the caller. */
int bmp_feed_init(struct bmp_feed *feed, const struct config_feed *cfg);
/* The sink is not told. */
void bmp_feed_free(struct bmp_feed *feed);
/* Whether candidates come (adj-rib-in), or only what routers have chosen. */
bool bmp_feed_sees_all(const struct bmp_feed *feed);

/*
 * One message (of bmp_header_parse), without the common header; the first of a connection is an
 * Initiation. 0; -EBADMSG: the connection is of no use, with "what is wrong" in `error`;
 * -ENOMEM: likewise; -ECONNRESET: the router ends it, `error` says why. A message that is refused
 * is reported, and no reason to close.
 */
int bmp_router_message(struct bmp_router *r, uint8_t type, const uint8_t *body, size_t len,
		       uint64_t now, char error[BMP_ERROR_LEN]);
/* The connection ended: all its tables are stale. */
void bmp_router_end(struct bmp_router *r);
/*
 * What time brings: tables without End-of-RIB count as whole. At most one of them is told a call.
 * True: call again soon, all is not settled.
 */
bool bmp_router_tick(struct bmp_router *r, uint64_t now);

/* --- Between bmp_router.c, bmp_table.c and bmp_route.c. --- */

static inline bool bmp_peer_is_router(const struct bmp_peer_header *h)
{
	static const uint8_t none[16];

	return memcmp(h->address.bytes, none, sizeof(none)) == 0;
}
struct bmp_peer *bmp_peer_find(struct bmp_router *r, const struct bmp_peer_header *h);
/* As found, else a new one; NULL: no room for it, reported. */
struct bmp_peer *bmp_peer_get(struct bmp_router *r, const struct bmp_peer_header *h);
/* Counted; the first of its kind on a connection is told of, unless that is usual. */
void bmp_ignore(struct bmp_router *r, enum bmp_ignored what, const char *detail);

/* A route monitoring, after its per-peer header. */
void bmp_route(struct bmp_router *r, const struct bmp_peer_header *h, const uint8_t *p, size_t len,
	       uint64_t now);

/* Has its source and has begun, if it was not yet. False: no source left, reported. */
bool bmp_table_open(struct bmp_router *r, struct bmp_peer *peer, uint8_t family, uint64_t now);
/* What is there is no more to be trusted: it begins anew. */
void bmp_table_again(struct bmp_router *r, struct bmp_table *t, uint64_t now);
void bmp_table_whole(struct bmp_router *r, struct bmp_table *t);
/* Gone with its routes. */
void bmp_table_drop(struct bmp_router *r, struct bmp_table *t);
/* Kept, stale. */
void bmp_table_lost(struct bmp_router *r, struct bmp_table *t);

static inline struct bmp_table *bmp_table(struct bmp_peer *peer, uint8_t family)
{
	return &peer->table[family == 6];
}

#endif
