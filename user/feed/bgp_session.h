/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the parts of the feed `bgp`: bgp.c (peers, status), bgp_socket.c (the listener), bgp_io.c
 * (bytes of a connection), bgp_session.c (what they mean), bgp_timers.c (what comes by time) and
 * bgp_sink.c (routes).
 */
#ifndef SAMEWAY_FEED_BGP_SESSION_H
#define SAMEWAY_FEED_BGP_SESSION_H

#include "feed/bgp_message.h"
#include "feed/report.h"

#include <sys/queue.h>

struct event;
struct event_base;
struct evconnlistener;
struct sockaddr;

#define BGP_QUIET_S 5	 /* of a peer without End-of-RIB: silence that ends its table */
#define BGP_OUT_LEN 1024 /* OPEN, two End-of-RIB, a few KEEPALIVEs, one NOTIFICATION */

/* Idle, Connect and Active do not occur: we are passive. CLOSING waits for the peer to read. */
enum bgp_conn_state { BGP_OPEN_SENT, BGP_OPEN_CONFIRM, BGP_ESTABLISHED, BGP_CLOSING };

/* One of the feed's `peers`; its place there is its source. */
struct bgp_peer {
	struct feed *feed;
	struct event *restart; /* pending: gone gracefully, its routes wait for it (RFC 4724) */
	uint64_t next_ns;      /* when its connections would be in step with their rate */
};

struct bgp_conn {
	TAILQ_ENTRY(bgp_conn) link;
	struct feed *feed;
	struct ip_addr peer;
	uint16_t source;      /* its place in cfg->peers */
	char name[IP_STRLEN]; /* of the peer, for messages */
	enum bgp_conn_state state;
	int fd;
	struct event *readable, *writable;
	struct event *hold, *keepalive;
	struct event *quiet;	/* of a peer without End-of-RIB: looks whether its table is over */
	struct event *refresh;	/* when its table is to be asked for again */
	unsigned int hold_s;	/* negotiated, 0: none */
	unsigned int refresh_s; /* the wait before the next such request */
	struct bgp_open open;
	struct bgp_session session;
	struct bgp_update_ops ops;
	struct route route; /* that was told last; its AS path is the UPDATE's */
	bool eor4, eor6, eor_told;
	bool failed;	   /* inside an UPDATE: to be closed with out-of-resources */
	bool notified;	   /* ended by a NOTIFICATION, theirs or ours: no graceful restart */
	uint64_t updates;  /* messages */
	uint64_t quiet_at; /* `updates` when `quiet` last looked */
	size_t unknown;	   /* routes of no path since the table was last sent */
	uint8_t *in;	   /* what was read and is not taken yet */
	size_t n_in;
	uint8_t out[BGP_OUT_LEN]; /* what the peer has not taken */
	size_t n_out;
};

struct feed {
	struct feed_report report; /* first: feed_listen() */
	const struct config_feed *cfg;
	struct event_base *base;
	struct evconnlistener *listener;
	struct bgp_peer *peers; /* one each of cfg->peers */
	TAILQ_HEAD(, bgp_conn) conns;
	size_t n_conns;
	unsigned int established;
};

/*
 * `password` and `ttl-security` on the listening socket; connections inherit them. 0, or -errno
 * with a message.
 */
int bgp_protect(int fd, const struct config_feed *cfg, char error[200]);

/* Takes over fd. Sends OPEN unless `reject`: then Cease, connection collision. 0 or -ENOMEM. */
int bgp_conn_start(struct feed *feed, int fd, const struct ip_addr *peer, uint16_t source,
		   bool reject);
/* Ends a session: NOTIFICATION, logged and counted; the connection closes when the peer has it. */
void bgp_conn_error(struct bgp_conn *c, const struct bgp_error *err);
/* At the feed's end: a NOTIFICATION if it can be sent at once; the sink is not told. */
void bgp_conn_stop(struct bgp_conn *c);
/* The session is over, whatever ended it; the connection may live on to carry a NOTIFICATION. */
void bgp_conn_down(struct bgp_conn *c);

/* bgp_io.c. A connection with its memory and events, listed with the feed; NULL: out of memory. */
struct bgp_conn *bgp_conn_new(struct feed *feed, int fd);
void bgp_conn_free(struct bgp_conn *c);
/* Queues a message; one for which there is no room is left out: a peer that reads nothing. */
void bgp_conn_send(struct bgp_conn *c, const uint8_t *buf, size_t len);
/* Sends at once what can be sent. */
void bgp_conn_flush(struct bgp_conn *c);
/* One whole message (bgp_session.c). */
void bgp_conn_message(struct bgp_conn *c, enum bgp_type type, const uint8_t *body, size_t len);

/* bgp_timers.c. 0: no more. */
void bgp_timer_set(struct event *ev, unsigned int seconds);
bool bgp_timers_new(struct bgp_conn *c);
void bgp_timers_free(struct bgp_conn *c);
/* Asks for the whole table once more, at once, later the more often it was asked (RFC 2918). */
void bgp_conn_refresh(struct bgp_conn *c);
void bgp_conn_keepalive(struct bgp_conn *c);
/* 0, or -ENOMEM. */
int bgp_peers_new(struct feed *feed);
void bgp_peers_free(struct feed *feed);
/* Whether the peer may connect now: not if it does so all the time. */
bool bgp_peer_admit(struct bgp_peer *p);

/* Where the session's UPDATEs go (bgp_sink.c). */
struct bgp_update_ops bgp_conn_ops(struct bgp_conn *c);
/* Tells the sink of each session that has sent its End-of-RIB for all families, and when all have.
 */
void bgp_feed_check_eor(struct feed *feed);

#endif
