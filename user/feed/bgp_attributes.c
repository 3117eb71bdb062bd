/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Path attributes of an UPDATE: a table with a row a type, its flags and its parser. What an error
 * leads to is RFC 7606's choice: leave the attribute out, take the routes as withdrawn, or reset
 * the session; the last only where the routes of the message cannot be told.
 *
 * An AS path is flattened: AS_SEQUENCE in order, an AS_SET as one AS (its first member, so that
 * it counts one as in RFC 4271, 9.1.2.2), confederation segments skipped (RFC 5065: not counted).
 */
#include "feed/bgp_update.h"
#include "feed/bgp_wire.h"

#include <errno.h>
#include <string.h>

#define FLAG_OPTIONAL	0x80
#define FLAG_TRANSITIVE 0x40
#define FLAG_EXTENDED	0x10
#define FLAG_KIND	(FLAG_OPTIONAL | FLAG_TRANSITIVE)

enum segment { SEGMENT_SET = 1, SEGMENT_SEQUENCE, SEGMENT_CONFED_SEQUENCE, SEGMENT_CONFED_SET };

/* What becomes of a message with this attribute. */
enum outcome { TAKE, DISCARD, WITHDRAW, RESET };

struct attr {
	uint8_t flags, type;
	struct bgp_span whole; /* with its header: the data of a NOTIFICATION */
	struct bgp_span value;
};

struct attr_rule {
	uint8_t flags; /* of FLAG_KIND */
	enum outcome (*parse)(struct bgp_update *u, const struct attr *a);
};

static enum outcome refuse(struct bgp_update *u, const struct attr *a, enum outcome outcome,
			   uint8_t subcode, const char *what)
{
	if (outcome == RESET || !u->err->code)
		bgp_error_set(u->err, BGP_ERR_UPDATE, subcode, a->whole.p, a->whole.len,
			      "attribute %u (%zu bytes): %s", a->type, a->value.len, what);
	return outcome;
}

static enum outcome bad_length(struct bgp_update *u, const struct attr *a)
{
	return refuse(u, a, WITHDRAW, UPDATE_LENGTH, "not a length of that attribute");
}

static enum outcome parse_origin(struct bgp_update *u, const struct attr *a)
{
	if (a->value.len != 1)
		return bad_length(u, a);
	if (a->value.p[0] > 2)
		return refuse(u, a, WITHDRAW, UPDATE_ORIGIN, "ORIGIN is none of 0, 1, 2");
	return TAKE;
}

static uint32_t path_as(const uint8_t *p, size_t size)
{
	return size == 4 ? bgp_get32(p) : bgp_get16(p);
}

/* Adds `n` ASes, of which `keep` go into the path. False: one is 0 (RFC 7607). */
static bool path_add(struct bgp_path *path, const uint8_t *p, size_t size, size_t n, size_t keep)
{
	size_t room = path->total < BGP_PATH_MAX ? BGP_PATH_MAX - path->total : 0;
	uint32_t *out = path->as + path->total;
	bool zero = false;

	path->total += keep;
	if (keep > room)
		keep = room;
	for (size_t i = 0; i < n; i++, p += size) {
		uint32_t as = path_as(p, size);

		zero |= as == 0;
		if (i < keep)
			out[i] = as;
	}
	return !zero;
}

/* False: malformed (RFC 7606, 7.2). `size` is the length of an AS number. */
static bool path_parse(struct bgp_span s, size_t size, struct bgp_path *path)
{
	path->total = 0;
	while (s.len) {
		size_t n, keep;
		uint8_t type;

		if (s.len < 2)
			return false;
		type = s.p[0];
		n = s.p[1];
		s.p += 2;
		s.len -= 2;
		if (type < SEGMENT_SET || type > SEGMENT_CONFED_SET || !n || s.len < n * size)
			return false;
		keep = type == SEGMENT_SEQUENCE ? n : type == SEGMENT_SET ? 1 : 0;
		if (!path_add(path, s.p, size, n, keep))
			return false;
		s.p += n * size;
		s.len -= n * size;
	}
	return true;
}

static enum outcome parse_as_path(struct bgp_update *u, const struct attr *a)
{
	if (!path_parse(a->value, u->session->as4 ? 4 : 2, &u->path))
		return refuse(u, a, WITHDRAW, UPDATE_AS_PATH, "AS_PATH is malformed");
	return TAKE;
}

/* From a 4-byte speaker it must not come, and is left out as when malformed (RFC 6793, 6). */
static enum outcome parse_as4_path(struct bgp_update *u, const struct attr *a)
{
	if (u->session->as4 || !path_parse(a->value, 4, &u->path4))
		return DISCARD;
	return TAKE;
}

static enum outcome parse_next_hop(struct bgp_update *u, const struct attr *a)
{
	const uint8_t *ip = a->value.p;

	if (a->value.len != 4)
		return bad_length(u, a);
	if (u->session->own && !bgp_get32(ip))
		return TAKE;
	if (ip[0] == 0 || ip[0] >= 224)
		return refuse(u, a, WITHDRAW, UPDATE_NEXT_HOP, "NEXT_HOP is no host's address");
	u->nexthop = (struct ip_addr){.family = 4};
	memcpy(u->nexthop.bytes, ip, 4);
	return TAKE;
}

static enum outcome parse_four_bytes(struct bgp_update *u, const struct attr *a)
{
	return a->value.len == 4 ? TAKE : bad_length(u, a);
}

static enum outcome parse_originator(struct bgp_update *u, const struct attr *a)
{
	return u->session->ibgp ? parse_four_bytes(u, a) : DISCARD;
}

static enum outcome parse_local_pref(struct bgp_update *u, const struct attr *a)
{
	if (!u->session->ibgp)
		return DISCARD;
	if (a->value.len != 4)
		return bad_length(u, a);
	u->local_pref = bgp_get32(a->value.p);
	return TAKE;
}

static enum outcome parse_atomic_aggregate(struct bgp_update *u, const struct attr *a)
{
	(void)u;
	return a->value.len ? DISCARD : TAKE;
}

static enum outcome parse_aggregator(struct bgp_update *u, const struct attr *a)
{
	size_t size = u->session->as4 ? 4 : 2;

	if (a->value.len != size + 4 || !path_as(a->value.p, size))
		return DISCARD;
	u->aggregator_is_trans = !u->session->as4 && bgp_get16(a->value.p) == BGP_AS_TRANS;
	return TAKE;
}

static enum outcome parse_as4_aggregator(struct bgp_update *u, const struct attr *a)
{
	return u->session->as4 || a->value.len != 8 || !bgp_get32(a->value.p) ? DISCARD : TAKE;
}

/* Of communities and lists; they are not used, but a wrong length says the rest is not to be
 * trusted. */
static enum outcome parse_units(struct bgp_update *u, const struct attr *a)
{
	size_t unit = a->type == ATTR_EXT_COMMUNITIES	  ? 8
		      : a->type == ATTR_LARGE_COMMUNITIES ? 12
		      : a->type == ATTR_EXT6_COMMUNITIES  ? 20
							  : 4;

	if (a->type == ATTR_CLUSTER_LIST && !u->session->ibgp)
		return DISCARD;
	if (a->value.len && a->value.len % unit == 0)
		return TAKE;
	return refuse(u, a, WITHDRAW,
		      a->type == ATTR_CLUSTER_LIST ? UPDATE_LENGTH : UPDATE_OPTIONAL,
		      "not a length of that attribute");
}

static bool mp_nlri_good(const struct bgp_update *u, const struct bgp_mp *mp)
{
	return !mp->family ||
	       bgp_nlri_good(mp->nlri, mp->family,
			     mp->family == 4 ? u->session->addpath4 : u->session->addpath6);
}

static void mp_family(struct bgp_mp *mp, const uint8_t *p)
{
	mp->present = true;
	mp->afi = bgp_get16(p);
	mp->safi = p[2];
	if (mp->safi == BGP_SAFI_UNICAST && mp->afi == BGP_AFI_IPV4)
		mp->family = 4;
	else if (mp->safi == BGP_SAFI_UNICAST && mp->afi == BGP_AFI_IPV6)
		mp->family = 6;
}

static bool host_address(const struct ip_addr *ip)
{
	static const uint8_t none[16];

	if (ip->family == 4)
		return ip->bytes[0] != 0 && ip->bytes[0] < 224;
	return memcmp(ip->bytes, none, 16) != 0 && ip->bytes[0] != 0xff;
}

/*
 * Next hops of the lengths 4 (IPv4), 16 and 32 (IPv6; RFC 2545, 3; of IPv4 prefixes RFC 8950). BIRD
 * sends `::` and a link-local one where it has only that: it is the next hop then.
 */
static bool mp_nexthops(struct bgp_mp *mp, const uint8_t *p, size_t len)
{
	mp->nexthop.family = len == 4 ? 4 : 6;
	memcpy(mp->nexthop.bytes, p, len == 4 ? 4 : 16);
	if (len == 32) {
		struct ip_addr second = {.family = 6};

		memcpy(second.bytes, p + 16, 16);
		if (!host_address(&mp->nexthop))
			mp->nexthop = second;
		else if (ip_is_link_local(&second))
			mp->nexthop_ll = second;
	}
	return host_address(&mp->nexthop);
}

/*
 * Of a table of MRT: the next hop alone, its length first, or the whole attribute, which begins
 * with an AFI below 256. It may be of the other family than the route (RFC 8950).
 */
static enum outcome parse_table_nexthop(struct bgp_update *u, const struct attr *a)
{
	const uint8_t *p = a->value.p;
	size_t len = a->value.len;

	if (len > 3 && !p[0]) {
		p += 3;
		len -= 3;
	}
	if (!len || p[0] > len - 1 || (p[0] != 4 && p[0] != 16 && p[0] != 32))
		return refuse(u, a, RESET, UPDATE_OPTIONAL,
			      "next hop in MP_REACH_NLRI has no length of an address");
	u->reach.present = true;
	u->reach.family = p[0] == 4 ? 4 : 6;
	if (!mp_nexthops(&u->reach, p + 1, p[0]))
		return refuse(u, a, WITHDRAW, UPDATE_OPTIONAL,
			      "next hop in MP_REACH_NLRI is no host's address");
	return TAKE;
}

static bool ip_is_none(const uint8_t *p, size_t len)
{
	static const uint8_t none[32];

	return memcmp(p, none, len) == 0;
}

static enum outcome parse_mp_reach(struct bgp_update *u, const struct attr *a)
{
	const uint8_t *p = a->value.p;
	struct bgp_mp *mp = &u->reach;
	size_t len = a->value.len, nh;

	if (u->table)
		return parse_table_nexthop(u, a);
	if (len < 5 || len - 5 < p[3])
		return refuse(u, a, RESET, UPDATE_OPTIONAL, "MP_REACH_NLRI is cut short");
	mp_family(mp, p);
	nh = p[3];
	mp->nlri = (struct bgp_span){p + 5 + nh, len - 5 - nh};
	if (!mp->family)
		return TAKE;
	if (nh != 16 && nh != 32 && !(nh == 4 && mp->family == 4))
		return refuse(u, a, RESET, UPDATE_OPTIONAL,
			      "next hop in MP_REACH_NLRI has not its family's length");
	if (!mp_nlri_good(u, mp))
		return refuse(u, a, RESET, UPDATE_OPTIONAL, "prefix in MP_REACH_NLRI is malformed");
	if (u->session->own && ip_is_none(p + 4, nh))
		mp->nexthop = (struct ip_addr){0};
	else if (!mp_nexthops(mp, p + 4, nh))
		return refuse(u, a, WITHDRAW, UPDATE_OPTIONAL,
			      "next hop in MP_REACH_NLRI is no host's address");
	return TAKE;
}

static enum outcome parse_mp_unreach(struct bgp_update *u, const struct attr *a)
{
	if (a->value.len < 3)
		return refuse(u, a, RESET, UPDATE_OPTIONAL, "MP_UNREACH_NLRI is cut short");
	mp_family(&u->unreach, a->value.p);
	u->unreach.nlri = (struct bgp_span){a->value.p + 3, a->value.len - 3};
	if (!mp_nlri_good(u, &u->unreach))
		return refuse(u, a, RESET, UPDATE_OPTIONAL,
			      "prefix in MP_UNREACH_NLRI is malformed");
	return TAKE;
}

static const struct attr_rule rules[] = {
	[ATTR_ORIGIN] = {FLAG_TRANSITIVE, parse_origin},
	[ATTR_AS_PATH] = {FLAG_TRANSITIVE, parse_as_path},
	[ATTR_NEXT_HOP] = {FLAG_TRANSITIVE, parse_next_hop},
	[ATTR_MED] = {FLAG_OPTIONAL, parse_four_bytes},
	[ATTR_LOCAL_PREF] = {FLAG_TRANSITIVE, parse_local_pref},
	[ATTR_ATOMIC_AGGREGATE] = {FLAG_TRANSITIVE, parse_atomic_aggregate},
	[ATTR_AGGREGATOR] = {FLAG_KIND, parse_aggregator},
	[ATTR_COMMUNITIES] = {FLAG_KIND, parse_units},
	[ATTR_ORIGINATOR_ID] = {FLAG_OPTIONAL, parse_originator},
	[ATTR_CLUSTER_LIST] = {FLAG_OPTIONAL, parse_units},
	[ATTR_MP_REACH] = {FLAG_OPTIONAL, parse_mp_reach},
	[ATTR_MP_UNREACH] = {FLAG_OPTIONAL, parse_mp_unreach},
	[ATTR_EXT_COMMUNITIES] = {FLAG_KIND, parse_units},
	[ATTR_AS4_PATH] = {FLAG_KIND, parse_as4_path},
	[ATTR_AS4_AGGREGATOR] = {FLAG_KIND, parse_as4_aggregator},
	[ATTR_EXT6_COMMUNITIES] = {FLAG_KIND, parse_units},
	[ATTR_LARGE_COMMUNITIES] = {FLAG_KIND, parse_units},
	[ATTR_ONLY_TO_CUSTOMER] = {FLAG_KIND, parse_four_bytes},
};
_Static_assert(sizeof(rules) / sizeof(rules[0]) <= ATTR_KNOWN, "a bit each");

static bool is_mp(const struct attr *a)
{
	return a->type == ATTR_MP_REACH || a->type == ATTR_MP_UNREACH;
}

static enum outcome attr_judge(struct bgp_update *u, const struct attr *a)
{
	const struct attr_rule *rule = NULL;
	enum outcome outcome, flags = TAKE;

	if (a->type < sizeof(rules) / sizeof(rules[0]) && rules[a->type].parse)
		rule = &rules[a->type];
	if (!rule && !(a->flags & FLAG_OPTIONAL) && !u->table)
		return refuse(u, a, RESET, UPDATE_UNKNOWN_WELL_KNOWN,
			      "well-known, but not known here");
	if (!rule)
		return DISCARD;
	if (bgp_has(u->seen, a->type))
		return is_mp(a) ? refuse(u, a, RESET, UPDATE_MALFORMED_LIST, "it is there twice")
				: DISCARD;
	u->seen |= 1ULL << a->type;
	if ((a->flags & FLAG_KIND) != rule->flags && !u->table)
		flags = refuse(u, a, WITHDRAW, UPDATE_FLAGS, "its flags are wrong");
	if (flags != TAKE && !is_mp(a))
		return flags;
	outcome = rule->parse(u, a);
	return outcome > flags ? outcome : flags;
}

/* The next attribute off the list. False: it is cut short (RFC 7606, 4). */
static bool attr_next(struct bgp_span *s, struct attr *a)
{
	size_t header = 3, len;

	if (s->len < 3)
		return false;
	a->flags = s->p[0];
	a->type = s->p[1];
	len = s->p[2];
	if (a->flags & FLAG_EXTENDED) {
		if (s->len < 4)
			return false;
		len = bgp_get16(s->p + 2);
		header = 4;
	}
	if (s->len - header < len)
		return false;
	a->whole = (struct bgp_span){s->p, header + len};
	a->value = (struct bgp_span){s->p + header, len};
	s->p += header + len;
	s->len -= header + len;
	return true;
}

int bgp_attributes_parse(struct bgp_update *u)
{
	struct bgp_span rest = u->attributes;
	struct attr a;

	while (rest.len) {
		enum outcome outcome;

		if (!attr_next(&rest, &a)) {
			if (!u->err->code)
				bgp_error_set(u->err, BGP_ERR_UPDATE, UPDATE_MALFORMED_LIST, NULL,
					      0, "the list of attributes is cut short");
			u->treat_as_withdraw = u->other = true;
			break;
		}
		if (a.type != ATTR_MP_UNREACH)
			u->other = true;
		outcome = attr_judge(u, &a);
		if (outcome == RESET)
			return -EBADMSG;
		if (outcome == WITHDRAW)
			u->treat_as_withdraw = true;
		if (outcome == TAKE)
			u->good |= 1ULL << a.type;
	}
	return 0;
}

/* AS4_PATH replaces the tail of AS_PATH, unless an old speaker changed the path since. */
static void path_merge(struct bgp_update *u)
{
	size_t lead = u->path.total - u->path4.total;

	if (u->path4.total > u->path.total)
		return;
	if (bgp_has(u->good, ATTR_AGGREGATOR) && bgp_has(u->good, ATTR_AS4_AGGREGATOR) &&
	    !u->aggregator_is_trans)
		return;
	for (size_t i = 0; i < u->path4.total && lead + i < BGP_PATH_MAX; i++)
		u->path.as[lead + i] = u->path4.as[i];
}

void bgp_attributes_collect(struct bgp_update *u, struct bgp_attributes *out)
{
	memset(out, 0, sizeof(*out));
	out->has_local_pref = bgp_has(u->good, ATTR_LOCAL_PREF);
	out->local_pref = u->local_pref;
	out->as_path = u->path.as; /* also of none: no caller adds to a null pointer */
	out->has_as_path = bgp_has(u->good, ATTR_AS_PATH);
	if (!out->has_as_path)
		return;
	if (bgp_has(u->good, ATTR_AS4_PATH))
		path_merge(u);
	out->as_path_cut = u->path.total > BGP_PATH_MAX;
	out->n_as = out->as_path_cut ? BGP_PATH_MAX : u->path.total;
}
