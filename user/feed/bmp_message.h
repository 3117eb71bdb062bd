/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * BMP messages (RFC 7854, 8671, 9069): pure parsing, no sockets. Lengths and numbers on the wire
 * are big-endian; what is given back is in host order. Parsers return 0, or -EBADMSG with "what is
 * wrong" in `error`; *out is then undefined.
 */
#ifndef SAMEWAY_FEED_BMP_MESSAGE_H
#define SAMEWAY_FEED_BMP_MESSAGE_H

#include "feed/bgp_message.h"

#define BMP_HEADER_LEN 6  /* version, length, type */
#define BMP_PEER_LEN   42 /* the per-peer header */
/*
 * The longest message taken, with its header. The longest that counts, an UPDATE, has 64 KiB; an
 * Initiation or a mirror may carry several such.
 */
#define BMP_MAX_LEN   (256 * 1024)
#define BMP_ERROR_LEN 160
#define BMP_TEXT_LEN  64

enum bmp_type {
	BMP_ROUTE_MONITORING,
	BMP_STATISTICS,
	BMP_PEER_DOWN,
	BMP_PEER_UP,
	BMP_INITIATION,
	BMP_TERMINATION,
	BMP_MIRRORING,
	BMP_TYPES
};

enum bmp_peer_type { BMP_PEER_GLOBAL, BMP_PEER_RD, BMP_PEER_LOCAL, BMP_PEER_LOC_RIB };

/* The per-peer header (RFC 7854, 4.2). What identifies a peer is key, address and type. */
struct bmp_peer_header {
	uint8_t type;		/* of bmp_peer_type, or one that is not known */
	uint8_t rd[8];		/* distinguisher */
	struct ip_addr address; /* 0.0.0.0 or ::: the router itself */
	bool post_policy;	/* adj-rib-in after the import policy */
	bool as2;		/* AS paths have 2-byte numbers */
	bool adj_rib_out;	/* RFC 8671 */
};

struct bmp_peer_up {
	struct bgp_open sent, received;
	bool addpath4, addpath6; /* what comes from the peer has path identifiers */
};

enum bmp_down_reason {
	BMP_DOWN_LOCAL = 1,	 /* a NOTIFICATION was sent */
	BMP_DOWN_LOCAL_FSM,	 /* none was, an event of the state machine */
	BMP_DOWN_REMOTE,	 /* a NOTIFICATION was received */
	BMP_DOWN_REMOTE_SILENT,	 /* none was */
	BMP_DOWN_DECONFIGURED,	 /* not told of any more; the session may be up */
	BMP_DOWN_LOCAL_INFORMED, /* of a loc-rib (RFC 9069, 5.3) */
};

struct bmp_peer_down {
	uint8_t reason;	       /* of bmp_down_reason, or one that is not known */
	uint8_t code, subcode; /* of the NOTIFICATION */
	uint16_t event;	       /* of RFC 4271, 8.1; 0: none */
};

/* Initiation and Termination: printable ASCII, cut to what fits; empty: not told. */
struct bmp_info {
	char name[BMP_TEXT_LEN], description[BMP_TEXT_LEN], text[BMP_TEXT_LEN];
	bool has_reason;
	uint16_t reason; /* of a Termination */
};

/* The common header at p (>= BMP_HEADER_LEN bytes). *len: of the whole message. Any type. */
int bmp_header_parse(const uint8_t *p, size_t *len, uint8_t *type, char error[BMP_ERROR_LEN]);
/* Bodies follow the common header; peer down and up, and the BGP message: the per-peer header. */
int bmp_peer_parse(const uint8_t *p, size_t len, struct bmp_peer_header *out,
		   char error[BMP_ERROR_LEN]);
int bmp_peer_up_parse(const uint8_t *p, size_t len, bool loc_rib, struct bmp_peer_up *out,
		      char error[BMP_ERROR_LEN]);
int bmp_peer_down_parse(const uint8_t *p, size_t len, struct bmp_peer_down *out,
			char error[BMP_ERROR_LEN]);
int bmp_info_parse(const uint8_t *p, size_t len, bool termination, struct bmp_info *out,
		   char error[BMP_ERROR_LEN]);
/* Whether the counters of a statistics report fill it. */
int bmp_statistics_parse(const uint8_t *p, size_t len, char error[BMP_ERROR_LEN]);
/* The one UPDATE of a route monitoring: *body, *body_len without BGP's header. */
int bmp_update_parse(const uint8_t *p, size_t len, const uint8_t **body, size_t *body_len,
		     char error[BMP_ERROR_LEN]);

/* "closed by the peer, 6/2 administrative shutdown"; the text is in buf. */
const char *bmp_down_text(const struct bmp_peer_down *down, char buf[BMP_ERROR_LEN]);
/* Of a Termination, never NULL. */
const char *bmp_termination_text(const struct bmp_info *info);

#endif
