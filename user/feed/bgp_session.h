/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the feed `bgp` (bgp.c: listener, peers, status) and its sessions (bgp_session.c). */
#ifndef SAMEWAY_FEED_BGP_SESSION_H
#define SAMEWAY_FEED_BGP_SESSION_H

#include "feed/bgp_message.h"
#include "feed/report.h"

#include <sys/queue.h>

struct bufferevent;
struct event;
struct event_base;
struct evconnlistener;

/* Idle, Connect and Active do not occur: we are passive. CLOSING waits for the peer to read. */
enum bgp_conn_state { BGP_OPEN_SENT, BGP_OPEN_CONFIRM, BGP_ESTABLISHED, BGP_CLOSING };

struct bgp_conn {
	TAILQ_ENTRY(bgp_conn) link;
	struct feed *feed;
	struct ip_addr peer;
	uint16_t source;      /* its place in cfg->peers */
	char name[IP_STRLEN]; /* of the peer, for messages */
	enum bgp_conn_state state;
	struct bufferevent *bev;
	struct event *hold, *keepalive;
	unsigned int hold_s; /* negotiated, 0: none */
	struct bgp_open open;
	struct bgp_session session;
	bool eor4, eor6, eor_told;
	bool failed; /* inside an UPDATE: to be closed with out-of-resources */
};

struct feed {
	struct feed_report report;
	const struct config_feed *cfg;
	struct event_base *base;
	struct evconnlistener *listener;
	TAILQ_HEAD(, bgp_conn) conns;
	size_t n_conns;
	unsigned int established;
};

/* Takes over fd. Sends OPEN unless `reject`: then Cease, connection collision. 0 or -ENOMEM. */
int bgp_conn_start(struct feed *feed, int fd, const struct ip_addr *peer, uint16_t source,
		   bool reject);
/* Ends a session: NOTIFICATION, logged and counted; the connection closes when the peer has it. */
void bgp_conn_error(struct bgp_conn *c, const struct bgp_error *err);
/* At the feed's end: a NOTIFICATION if it can be sent at once; the sink is not told. */
void bgp_conn_stop(struct bgp_conn *c);

/* Where the session's UPDATEs go (bgp_sink.c). */
struct bgp_update_ops bgp_conn_ops(struct bgp_conn *c);
/* Tells the sink of each session that has sent its End-of-RIB for all families, and when all have.
 */
void bgp_feed_check_eor(struct feed *feed);

#endif
