/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records of MRT: a cursor over the body that no read passes, and a parser a record type. A length
 * that does not fill its record makes the record malformed, wherever in it that is seen.
 */
#include "feed/mrt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Subtypes of TABLE_DUMP_V2 (RFC 6396, 4.3; RFC 8050, 4). */
enum {
	RIB_IPV4_UNICAST = 2,
	RIB_IPV4_MULTICAST,
	RIB_IPV6_UNICAST,
	RIB_IPV6_MULTICAST,
	RIB_GENERIC,
	GEO_PEER_TABLE, /* RFC 6397 */
	RIB_IPV4_UNICAST_ADDPATH,
	RIB_IPV4_MULTICAST_ADDPATH,
	RIB_IPV6_UNICAST_ADDPATH,
	RIB_IPV6_MULTICAST_ADDPATH,
	RIB_GENERIC_ADDPATH,
};

/* Bits of a peer's type in a PEER_INDEX_TABLE. */
#define PEER_IPV6 1
#define PEER_AS4  2

/* What of a subtype of BGP4MP is to be known (RFC 6396, 4.4; RFC 8050, 3). */
static const struct {
	bool known, state, as4, sent, addpath;
} bgp_subtypes[] = {
	[0] = {.known = true, .state = true},
	[1] = {.known = true},
	[4] = {.known = true, .as4 = true},
	[5] = {.known = true, .state = true, .as4 = true},
	[6] = {.known = true, .sent = true},
	[7] = {.known = true, .as4 = true, .sent = true},
	[8] = {.known = true, .addpath = true},
	[9] = {.known = true, .as4 = true, .addpath = true},
	[10] = {.known = true, .sent = true, .addpath = true},
	[11] = {.known = true, .as4 = true, .sent = true, .addpath = true},
};

#define refuse(ret, error, ...) (snprintf(error, MRT_ERROR_LEN, __VA_ARGS__), (ret))

/* The next n bytes, NULL: there are fewer. */
static const uint8_t *take(struct bgp_span *s, size_t n)
{
	const uint8_t *p = s->p;

	if (s->len < n)
		return NULL;
	s->p += n;
	s->len -= n;
	return p;
}

static bool take_address(struct bgp_span *s, uint8_t family, struct ip_addr *out)
{
	size_t len = family == 4 ? 4 : 16;
	const uint8_t *p = take(s, len);

	if (!p)
		return false;
	*out = (struct ip_addr){.family = family};
	memcpy(out->bytes, p, len);
	return true;
}

/* The bytes that `len` bits fill, and no more. */
static bool take_prefix(struct bgp_span *s, uint8_t len, struct prefix *out)
{
	size_t n = (len + 7U) / 8;
	const uint8_t *p = take(s, n);

	out->len = len;
	if (p)
		memcpy(out->bytes, p, n);
	return p != NULL;
}

static bool take_as(struct bgp_span *s, bool as4, uint32_t *out)
{
	const uint8_t *p = take(s, as4 ? 4 : 2);

	if (p)
		*out = as4 ? bgp_get32(p) : bgp_get16(p);
	return p != NULL;
}

uint32_t mrt_time_et(const struct mrt_header *h, struct bgp_span body)
{
	return h->type == MRT_BGP4MP_ET && body.len >= 4 ? bgp_get32(body.p) : 0;
}

bool mrt_index_next(struct mrt_index *index, struct mrt_peer *peer)
{
	const uint8_t *p;

	if (!index->left)
		return false;
	p = take(&index->rest, 5); /* its type and BGP identifier */
	if (!p || !take_address(&index->rest, p[0] & PEER_IPV6 ? 6 : 4, &peer->address) ||
	    !take_as(&index->rest, p[0] & PEER_AS4, &peer->as))
		return false;
	index->left--;
	return true;
}

int mrt_index_parse(struct bgp_span body, struct mrt_index *out, char error[MRT_ERROR_LEN])
{
	const uint8_t *p =
		take(&body, 6); /* the collector's identifier, length of the view's name */
	struct mrt_index walk;
	struct mrt_peer peer;

	if (!p || !take(&body, bgp_get16(p + 4)) || !(p = take(&body, 2)))
		return refuse(-EBADMSG, error, "PEER_INDEX_TABLE is cut short");
	out->left = bgp_get16(p);
	out->rest = body;
	walk = *out;
	while (mrt_index_next(&walk, &peer))
		;
	if (walk.left)
		return refuse(-EBADMSG, error, "PEER_INDEX_TABLE says %u peers and has %u",
			      out->left, out->left - walk.left);
	if (walk.rest.len)
		return refuse(-EBADMSG, error, "PEER_INDEX_TABLE has %zu bytes behind its %u peers",
			      walk.rest.len, out->left);
	return 0;
}

bool mrt_rib_next(struct mrt_rib *rib, struct mrt_entry *entry)
{
	size_t head = rib->addpath ? 12 : 8; /* peer, time, path identifier, length */
	const uint8_t *p;

	if (!rib->left || !(p = take(&rib->rest, head)))
		return false;
	entry->peer = bgp_get16(p);
	entry->path_id = rib->addpath ? bgp_get32(p + 6) : 0;
	entry->attributes.len = bgp_get16(p + head - 2);
	entry->attributes.p = take(&rib->rest, entry->attributes.len);
	if (!entry->attributes.p)
		return false;
	rib->left--;
	return true;
}

static int rib_family(uint16_t subtype, struct mrt_rib *out, char error[MRT_ERROR_LEN])
{
	static const char only[] = "only IPv4 and IPv6 unicast are taken";

	switch (subtype) {
	case RIB_IPV4_UNICAST:
	case RIB_IPV4_UNICAST_ADDPATH:
		out->prefix.family = 4;
		break;
	case RIB_IPV6_UNICAST:
	case RIB_IPV6_UNICAST_ADDPATH:
		out->prefix.family = 6;
		break;
	case RIB_IPV4_MULTICAST:
	case RIB_IPV6_MULTICAST:
	case RIB_IPV4_MULTICAST_ADDPATH:
	case RIB_IPV6_MULTICAST_ADDPATH:
		return refuse(-EAFNOSUPPORT, error, "multicast routes left out: %s", only);
	case RIB_GENERIC:
	case RIB_GENERIC_ADDPATH:
		return refuse(-EAFNOSUPPORT, error, "RIB_GENERIC left out: %s", only);
	case GEO_PEER_TABLE:
		return refuse(-EOPNOTSUPP, error,
			      "GEO_PEER_TABLE left out: where peers are is not "
			      "used");
	default:
		return refuse(-EOPNOTSUPP, error,
			      "TABLE_DUMP_V2 of subtype %u left out: RFC 6396 and 8050 are known "
			      "here",
			      subtype);
	}
	out->addpath = subtype >= RIB_IPV4_UNICAST_ADDPATH;
	return 0;
}

int mrt_rib_parse(uint16_t subtype, struct bgp_span body, struct mrt_rib *out,
		  char error[MRT_ERROR_LEN])
{
	struct mrt_entry entry;
	struct mrt_rib walk;
	const uint8_t *p;
	int ret;

	*out = (struct mrt_rib){0};
	ret = rib_family(subtype, out, error);
	if (ret)
		return ret;
	if (!take(&body, 4)) /* sequence number */
		return refuse(-EBADMSG, error, "RIB record of %zu bytes is cut short", body.len);
	p = take(&body, 1);
	if (p && p[0] > prefix_max_len(out->prefix.family))
		return refuse(-EBADMSG, error, "prefix of %u bits in an IPv%u table", p[0],
			      out->prefix.family);
	if (!p || !take_prefix(&body, p[0], &out->prefix) || !(p = take(&body, 2)))
		return refuse(-EBADMSG, error, "RIB record ends inside its prefix");
	out->masked = prefix_mask(&out->prefix);
	out->left = bgp_get16(p);
	out->rest = body;
	walk = *out;
	while (mrt_rib_next(&walk, &entry))
		;
	if (walk.left)
		return refuse(-EBADMSG, error,
			      "RIB record says %u routes, and ends inside the %uth", out->left,
			      out->left - walk.left + 1);
	if (walk.rest.len)
		return refuse(-EBADMSG, error, "RIB record has %zu bytes behind its %u routes",
			      walk.rest.len, out->left);
	return 0;
}

int mrt_table_dump_parse(uint16_t subtype, struct bgp_span body, struct mrt_rib *out,
			 struct mrt_entry *entry, struct mrt_peer *peer, char error[MRT_ERROR_LEN])
{
	uint8_t family = subtype == BGP_AFI_IPV4 ? 4 : 6;
	struct ip_addr address;
	const uint8_t *p;

	if (subtype != BGP_AFI_IPV4 && subtype != BGP_AFI_IPV6)
		return refuse(-EAFNOSUPPORT, error,
			      "TABLE_DUMP of AFI %u left out: only IPv4 and IPv6 are taken",
			      subtype);
	*entry = (struct mrt_entry){0};
	/* view, sequence number; prefix, its length, status, time; peer and its AS; attributes */
	if (!take(&body, 4) || !take_address(&body, family, &address) || !(p = take(&body, 6)) ||
	    !take_address(&body, family, &peer->address) || !take_as(&body, false, &peer->as))
		return refuse(-EBADMSG, error, "TABLE_DUMP is cut short");
	if (p[0] > prefix_max_len(family))
		return refuse(-EBADMSG, error, "prefix of %u bits in an IPv%u table", p[0], family);
	*out = (struct mrt_rib){.prefix = {.family = family, .len = p[0]}};
	memcpy(out->prefix.bytes, address.bytes, sizeof(address.bytes));
	out->masked = prefix_mask(&out->prefix);
	p = take(&body, 2);
	if (!p || bgp_get16(p) != body.len)
		return refuse(-EBADMSG, error, "attributes do not fill the TABLE_DUMP");
	entry->attributes = body;
	return 0;
}

/* The BGP message behind the peers' addresses (RFC 4271, 4.1; up to 64 KiB by RFC 8654). */
static int message_parse(struct bgp_span s, struct mrt_bgp *out, char error[MRT_ERROR_LEN])
{
	const uint8_t *p = take(&s, BGP_HEADER_LEN);

	for (int i = 0; p && i < 16; i++)
		if (p[i] != 0xff)
			return refuse(-EBADMSG, error, "BGP message without its marker");
	if (!p || bgp_get16(p + 16) != s.len + BGP_HEADER_LEN)
		return refuse(-EBADMSG, error, "BGP message does not fill its record");
	out->kind = p[18] == BGP_UPDATE ? MRT_UPDATE : MRT_OTHER;
	out->update = s;
	return 0;
}

static int states_parse(struct bgp_span s, struct mrt_bgp *out, char error[MRT_ERROR_LEN])
{
	if (s.len != 4)
		return refuse(-EBADMSG, error, "STATE_CHANGE with %zu bytes of states, not 4",
			      s.len);
	out->kind = MRT_STATE_CHANGE;
	out->before = bgp_get16(s.p);
	out->after = bgp_get16(s.p + 2);
	return 0;
}

int mrt_bgp_parse(const struct mrt_header *h, struct bgp_span body, struct mrt_bgp *out,
		  char error[MRT_ERROR_LEN])
{
	bool known = h->subtype < sizeof(bgp_subtypes) / sizeof(bgp_subtypes[0]) &&
		     bgp_subtypes[h->subtype].known;
	struct ip_addr local;
	const uint8_t *p;
	uint32_t local_as;
	uint16_t afi;
	bool as4, cut;

	if (!known)
		return refuse(-EOPNOTSUPP, error,
			      "BGP4MP of subtype %u left out: messages and state changes are taken",
			      h->subtype);
	memset(out, 0, sizeof(*out));
	as4 = bgp_subtypes[h->subtype].as4;
	cut = (h->type == MRT_BGP4MP_ET && !take(&body, 4)) ||
	      !take_as(&body, as4, &out->peer.as) || !take_as(&body, as4, &local_as) ||
	      !(p = take(&body, 4)); /* interface, AFI */
	if (cut)
		return refuse(-EBADMSG, error, "BGP4MP is cut short");
	afi = bgp_get16(p + 2);
	if (afi != BGP_AFI_IPV4 && afi != BGP_AFI_IPV6)
		return refuse(-EBADMSG, error, "peer's address of AFI %u: 1 and 2 are known", afi);
	if (!take_address(&body, afi == BGP_AFI_IPV4 ? 4 : 6, &out->peer.address) ||
	    !take_address(&body, afi == BGP_AFI_IPV4 ? 4 : 6, &local))
		return refuse(-EBADMSG, error, "BGP4MP ends inside the peers' addresses");
	if (bgp_subtypes[h->subtype].state)
		return states_parse(body, out, error);
	out->session = (struct bgp_session){
		.as4 = as4,
		.addpath4 = bgp_subtypes[h->subtype].addpath,
		.addpath6 = bgp_subtypes[h->subtype].addpath,
		.ibgp = out->peer.as == local_as,
	};
	if (message_parse(body, out, error))
		return -EBADMSG;
	if (bgp_subtypes[h->subtype].sent)
		out->kind = MRT_SENT;
	return 0;
}

static int missing(struct bgp_error *err, uint8_t type)
{
	return bgp_error_set(err, BGP_ERR_UPDATE, UPDATE_MISSING_WELL_KNOWN, &type, 1,
			     "well-known attribute %u is missing", type);
}

int mrt_attributes_parse(struct bgp_update *scratch, const struct bgp_session *session,
			 struct bgp_span attributes, struct bgp_attributes *out,
			 struct bgp_error *err)
{
	struct bgp_update *u = scratch;

	/* what the parser reads and does not always write; one memset takes three times as long */
	u->reach = u->unreach = (struct bgp_mp){0};
	u->nexthop = (struct ip_addr){0};
	memset(&u->seen, 0, sizeof(u->seen));
	memset(&u->good, 0, sizeof(u->good));
	u->aggregator_is_trans = u->other = u->treat_as_withdraw = false;
	u->path.total = u->path4.total = 0;
	u->table = true;
	u->session = session;
	u->attributes = attributes;
	u->err = err;
	err->code = 0;
	if (bgp_attributes_parse(u) || u->treat_as_withdraw)
		return -EBADMSG;
	bgp_attributes_collect(u, out);
	if (u->reach.present) {
		out->nexthop = u->reach.nexthop;
		out->nexthop_ll = u->reach.nexthop_ll;
	} else {
		out->nexthop = u->nexthop;
	}
	if (!out->has_as_path)
		return missing(err, ATTR_AS_PATH);
	return out->nexthop.family ? 0 : missing(err, ATTR_NEXT_HOP);
}
