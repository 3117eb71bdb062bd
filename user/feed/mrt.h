/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records of MRT files (RFC 6396; ADD-PATH: RFC 8050): pure parsing, no files. Spans point into the
 * record's body and live as long as it. Text in `error` is "what is wrong: what to do" without the
 * record's number, which the caller knows.
 */
#ifndef SAMEWAY_FEED_MRT_H
#define SAMEWAY_FEED_MRT_H

#include "feed/bgp_update.h"
#include "feed/bgp_wire.h"

#define MRT_HEADER_LEN 12
#define MRT_ERROR_LEN  160

enum mrt_type {
	MRT_TABLE_DUMP = 12,
	MRT_TABLE_DUMP_V2 = 13,
	MRT_BGP4MP = 16,
	MRT_BGP4MP_ET = 17,
};

#define MRT_PEER_INDEX_TABLE 1 /* subtype of TABLE_DUMP_V2 */

struct mrt_header {
	uint64_t time_us; /* since 1970; the whole second but for types _ET, see mrt_time_et() */
	uint16_t type, subtype;
	uint32_t len; /* of the body */
};

struct mrt_peer {
	struct ip_addr address;
	uint32_t as;
};

/* A PEER_INDEX_TABLE. */
struct mrt_index {
	uint16_t left; /* peers that mrt_index_next() has not given yet */
	struct bgp_span rest;
};

/* A prefix of a table and its routes: RIB_IPV4_UNICAST and the like, or a TABLE_DUMP (one route).
 */
struct mrt_rib {
	struct prefix prefix;
	bool masked;  /* it had host bits */
	bool addpath; /* entries have a path identifier */
	uint16_t left;
	struct bgp_span rest;
};

struct mrt_entry {
	uint16_t peer;	  /* place in the index table */
	uint32_t path_id; /* 0 without ADD-PATH */
	struct bgp_span attributes;
};

enum mrt_bgp_kind {
	MRT_STATE_CHANGE,
	MRT_UPDATE,
	MRT_SENT, /* a message that the router itself sent (..._LOCAL) */
	MRT_OTHER /* OPEN, NOTIFICATION, KEEPALIVE, ROUTE-REFRESH */
};

#define MRT_ESTABLISHED 6 /* a state of BGP (RFC 6396, 4.4.1) */

/* A BGP4MP or, from its microseconds on, BGP4MP_ET. */
struct mrt_bgp {
	enum mrt_bgp_kind kind;
	struct mrt_peer peer;
	uint16_t before, after;	    /* MRT_STATE_CHANGE */
	struct bgp_session session; /* MRT_UPDATE: how to read it */
	struct bgp_span update;	    /* its body, without BGP's header */
};

/* p: MRT_HEADER_LEN bytes. Anything is a header: the caller judges type and length. */
static inline struct mrt_header mrt_header_parse(const uint8_t *p)
{
	return (struct mrt_header){
		.time_us = bgp_get32(p) * 1000000ULL,
		.type = bgp_get16(p + 4),
		.subtype = bgp_get16(p + 6),
		.len = bgp_get32(p + 8),
	};
}
/* Microseconds of a record of type MRT_BGP4MP_ET, whose body begins with them; 0: none there. */
uint32_t mrt_time_et(const struct mrt_header *h, struct bgp_span body);

/*
 * All of them return 0, -EBADMSG (malformed: the record is to be refused as a whole), -EAFNOSUPPORT
 * or -EOPNOTSUPP (of a family or a subtype that is not taken), with *out unusable and the text in
 * `error`.
 * Lengths are checked for the whole record before the first entry is given.
 */
int mrt_index_parse(struct bgp_span body, struct mrt_index *out, char error[MRT_ERROR_LEN]);
/* False: there is no more. */
bool mrt_index_next(struct mrt_index *index, struct mrt_peer *peer);

/* TABLE_DUMP_V2 but for PEER_INDEX_TABLE. */
int mrt_rib_parse(uint16_t subtype, struct bgp_span body, struct mrt_rib *out,
		  char error[MRT_ERROR_LEN]);
bool mrt_rib_next(struct mrt_rib *rib, struct mrt_entry *entry);

/* TABLE_DUMP; `*entry` is its only one (entry->peer means nothing), `*peer` who it is from. */
int mrt_table_dump_parse(uint16_t subtype, struct bgp_span body, struct mrt_rib *out,
			 struct mrt_entry *entry, struct mrt_peer *peer, char error[MRT_ERROR_LEN]);

int mrt_bgp_parse(const struct mrt_header *h, struct bgp_span body, struct mrt_bgp *out,
		  char error[MRT_ERROR_LEN]);

/*
 * The attributes of a table's route, by the UPDATE parser. scratch: the caller's, need not be
 * cleared. 0, or -EBADMSG with *err: the route is to be refused; what RFC 7606 would take as
 * withdrawn is refused, too.
 */
int mrt_attributes_parse(struct bgp_update *scratch, const struct bgp_session *session,
			 struct bgp_span attributes, struct bgp_attributes *out,
			 struct bgp_error *err);

#endif
