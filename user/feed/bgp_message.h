/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * BGP messages (RFC 2918, 4271, 4724, 4760, 5492, 6793, 7606, 7911, 8654, 8950): pure parsing and
 * building, no sockets. The one UPDATE parser: BMP and MRT call it too.
 */
#ifndef SAMEWAY_FEED_BGP_MESSAGE_H
#define SAMEWAY_FEED_BGP_MESSAGE_H

#include "core/prefix.h"
#include <stdint.h>

#define BGP_HEADER_LEN 19
#define BGP_MAX_LEN    4096
#define BGP_EXT_LEN    65535 /* RFC 8654: any but OPEN and KEEPALIVE */

enum bgp_type { BGP_OPEN = 1, BGP_UPDATE, BGP_NOTIFICATION, BGP_KEEPALIVE, BGP_ROUTE_REFRESH };

/* Why a message was refused: what goes into the NOTIFICATION (RFC 4271, 4.5 and 6). */
struct bgp_error {
	uint8_t code, subcode; /* 0: no error */
	uint8_t data[64];
	size_t data_len;
	char text[160]; /* for the log */
};

struct bgp_open {
	uint32_t as; /* 4-byte AS where the capability is there */
	uint16_t hold_s;
	uint32_t router_id; /* host order */
	bool as4;
	bool mp4, mp6; /* multiprotocol unicast; IPv4 also where no MP capability is sent */
	bool addpath4, addpath6;       /* the peer may send several paths */
	bool addpath4_rx, addpath6_rx; /* it may be sent several */
	bool refresh;		       /* it answers a ROUTE-REFRESH */
	bool graceful_restart;	       /* it sends End-of-RIB */
	uint16_t restart_s;	       /* how long its restart takes at most */
	bool gr4, gr6; /* families whose routes are to be kept meanwhile; `forwards`: its F bits */
	bool forwards4, forwards6;
};

/* What of the session the UPDATE parser has to know. */
struct bgp_session {
	bool as4, addpath4, addpath6;
	bool ibgp;
	/* A router's own table (BMP): a route may have no next hop (0.0.0.0, ::) and no AS path. */
	bool own;
};

struct bgp_attributes {
	struct ip_addr nexthop;	   /* of the NLRI it is given with */
	struct ip_addr nexthop_ll; /* second, link-local next hop of MP_REACH */
	const uint32_t *as_path;   /* AS_SETs and confederations flattened: see .c; the call's */
	size_t n_as;		   /* 256 at most */
	bool again;	  /* they are those of the route told before, of this UPDATE, too */
	bool as_path_cut; /* longer than 256 */
	bool has_as_path, has_local_pref;
	uint32_t local_pref;
};

struct route;
/*
 * What an UPDATE says of a route, for all feeds that have them; the rest of *route is the caller's.
 * The AS path is not copied.
 */
void bgp_route_fill(struct route *route, const struct prefix *p, uint32_t path_id,
		    const struct bgp_attributes *attr);

struct bgp_update_ops {
	void *arg;
	void (*announce)(void *arg, const struct prefix *p, uint32_t path_id,
			 const struct bgp_attributes *attr);
	void (*withdraw)(void *arg, const struct prefix *p, uint32_t path_id);
	void (*end_of_rib)(void *arg, uint8_t family);
	void (*masked)(void *arg, const struct prefix *p); /* had host bits */
	/* An MP attribute of a family that is not IPv4 or IPv6 unicast: left out. */
	void (*ignored)(void *arg, uint16_t afi, uint8_t safi);
};

/*
 * Checks marker, length and type of the header at buf (>= 19 bytes). *len: of the whole message, up
 * to BGP_EXT_LEN.
 */
int bgp_header_parse(const uint8_t *buf, size_t *len, enum bgp_type *type, struct bgp_error *err);
/* Bodies: without the header. 0 or -EBADMSG with *err filled. */
int bgp_open_parse(const uint8_t *body, size_t len, struct bgp_open *out, struct bgp_error *err);
/*
 * Calls the ops only when the whole message is good (checked before the first call). Attribute
 * errors of RFC 7606 that allow it are handled as treat-as-withdraw: withdraw is called for the
 * NLRI, *treated is set with a text in err, and 0 returned.
 */
int bgp_update_parse(const struct bgp_session *s, const uint8_t *body, size_t len,
		     const struct bgp_update_ops *ops, bool *treated, struct bgp_error *err);

/* Builders; return the length, buf at least BGP_MAX_LEN. */
size_t bgp_open_build(uint8_t *buf, uint32_t as, uint16_t hold_s, uint32_t router_id);
size_t bgp_keepalive_build(uint8_t *buf);
size_t bgp_end_of_rib_build(uint8_t *buf, uint8_t family);
size_t bgp_refresh_build(uint8_t *buf, uint8_t family);
size_t bgp_notification_build(uint8_t *buf, const struct bgp_error *err);

/* Name of a NOTIFICATION's code and subcode (RFC 4271, 4486, 6608), never NULL. */
const char *bgp_error_name(uint8_t code, uint8_t subcode);

#endif
