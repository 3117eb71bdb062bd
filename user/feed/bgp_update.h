/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the two halves of the UPDATE parser: bgp_update.c and bgp_attributes.c. */
#ifndef SAMEWAY_FEED_BGP_UPDATE_H
#define SAMEWAY_FEED_BGP_UPDATE_H

#include "feed/bgp_message.h"

#define BGP_ERR_UPDATE 3

/* Subcodes of an UPDATE error (RFC 4271, 4.5). */
enum bgp_update_error {
	UPDATE_MALFORMED_LIST = 1,
	UPDATE_UNKNOWN_WELL_KNOWN = 2,
	UPDATE_MISSING_WELL_KNOWN = 3,
	UPDATE_FLAGS = 4,
	UPDATE_LENGTH = 5,
	UPDATE_ORIGIN = 6,
	UPDATE_NEXT_HOP = 8,
	UPDATE_OPTIONAL = 9,
	UPDATE_NETWORK = 10,
	UPDATE_AS_PATH = 11,
};

enum bgp_attr_type {
	ATTR_ORIGIN = 1,
	ATTR_AS_PATH = 2,
	ATTR_NEXT_HOP = 3,
	ATTR_MED = 4,
	ATTR_LOCAL_PREF = 5,
	ATTR_ATOMIC_AGGREGATE = 6,
	ATTR_AGGREGATOR = 7,
	ATTR_COMMUNITIES = 8,
	ATTR_ORIGINATOR_ID = 9,
	ATTR_CLUSTER_LIST = 10,
	ATTR_MP_REACH = 14,
	ATTR_MP_UNREACH = 15,
	ATTR_EXT_COMMUNITIES = 16,
	ATTR_AS4_PATH = 17,
	ATTR_AS4_AGGREGATOR = 18,
	ATTR_EXT6_COMMUNITIES = 25,
	ATTR_LARGE_COMMUNITIES = 32,
	ATTR_ONLY_TO_CUSTOMER = 35,
	ATTR_KNOWN = 64, /* those above are below it: a bit each */
};

struct bgp_span {
	const uint8_t *p;
	size_t len;
};

/* An MP_REACH or MP_UNREACH. family 0: one that is not ours. */
struct bgp_mp {
	bool present;
	uint16_t afi;
	uint8_t safi;
	uint8_t family;
	struct ip_addr nexthop, nexthop_ll;
	struct bgp_span nlri;
};

#define BGP_PATH_MAX 256
struct bgp_path {
	size_t total; /* may exceed BGP_PATH_MAX: the rest is not kept */
	uint32_t as[BGP_PATH_MAX];
};

/* An UPDATE taken apart; spans point into the message. */
struct bgp_update {
	const struct bgp_session *session;
	struct bgp_span withdrawn, attributes, nlri;
	struct bgp_mp reach, unreach;
	struct ip_addr nexthop; /* NEXT_HOP */
	uint32_t local_pref;
	uint64_t seen; /* attributes that were there, a bit a type */
	uint64_t good; /* and could be used */
	bool aggregator_is_trans;
	bool other; /* an attribute that is not MP_UNREACH was there */
	bool treat_as_withdraw;
	/* A route in a table of MRT: MP_REACH_NLRI is the next hop only (RFC 6396, 4.3.4) or whole.
	 */
	bool table;
	struct bgp_error *err; /* the first error; a session reset's replaces it */
	/* 2 KiB that are not cleared for each message: valid where `good` says so. */
	struct bgp_path path, path4; /* AS_PATH, AS4_PATH */
};

static inline bool bgp_has(uint64_t types, uint8_t type)
{
	return types >> type & 1;
}

/*
 * Parses the path attributes. 0, also with treat_as_withdraw set, or -EBADMSG where the session
 * must be reset.
 */
int bgp_attributes_parse(struct bgp_update *u);
/*
 * AS_PATH and AS4_PATH together (RFC 6793, 4.2.3), and the rest, to what a route carries. The path
 * stays in *u.
 */
void bgp_attributes_collect(struct bgp_update *u, struct bgp_attributes *out);
/* Whether a field of prefixes (RFC 4271, 4.3; RFC 7911, 3) is well-formed, to its last byte. */
bool bgp_nlri_good(struct bgp_span s, uint8_t family, bool addpath);

#endif
