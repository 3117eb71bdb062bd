/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one UPDATE parser (RFC 4271, 4.3 and 6.3; 4760; 7606; 7911). A message is taken apart and
 * checked as a whole first; only then are its routes told, withdrawals before announcements, so
 * that a prefix in both is announced (RFC 4271, 4.3).
 */
#include "feed/bgp_update.h"
#include "core/rib.h"
#include "feed/bgp_wire.h"

#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

bool bgp_nlri_good(struct bgp_span s, uint8_t family, bool addpath)
{
	size_t id = addpath ? 4 : 0;
	unsigned int max = prefix_max_len(family);

	while (s.len) {
		size_t n;

		if (s.len <= id || s.p[id] > max)
			return false;
		n = id + 1 + (s.p[id] + 7U) / 8;
		if (s.len < n)
			return false;
		s.p += n;
		s.len -= n;
	}
	return true;
}

/* The first `bits` of a number, most significant first. */
static uint64_t leading(unsigned int bits)
{
	return bits >= 64 ? ~0ULL : ~(~0ULL >> bits);
}

/* Eight bytes from p, of which `have` are in the message. */
static uint64_t load(const uint8_t *p, size_t have)
{
	uint64_t v = 0;

	if (have >= 8)
		memcpy(&v, p, 8);
	else
		memcpy(&v, p, have);
	return be64toh(v);
}

static void store(uint8_t *p, uint64_t v)
{
	v = htobe64(v);
	memcpy(p, &v, 8);
}

/*
 * Takes the next prefix of a good field off it, without host bits. True where it had some. A table
 * of a million is read here, hence eight bytes at a time.
 */
static bool nlri_next(struct bgp_span *s, uint8_t family, bool addpath, struct prefix *p,
		      uint32_t *path_id)
{
	const uint8_t *at = s->p, *end = s->p + s->len;
	unsigned int len, bytes;
	uint64_t high, low = 0;
	bool masked;

	*path_id = addpath ? bgp_get32(at) : 0;
	at += addpath ? 4 : 0;
	len = *at++;
	bytes = (len + 7) / 8;
	high = load(at, (size_t)(end - at)) & leading(bytes * 8);
	masked = high & ~leading(len);
	if (bytes > 8) {
		low = load(at + 8, (size_t)(end - at) - 8) & leading(bytes * 8 - 64);
		masked = low & ~leading(len - 64);
		low &= leading(len - 64);
	}
	p->family = family;
	p->len = (uint8_t)len;
	store(p->bytes, high & leading(len));
	store(p->bytes + 8, low);
	s->p = at + bytes;
	s->len = (size_t)(end - s->p);
	return masked;
}

/* The three fields of the body; their lengths must fill it. */
static int split(struct bgp_update *u, const uint8_t *body, size_t len)
{
	size_t withdrawn, attributes;

	if (len < 4)
		goto malformed;
	withdrawn = bgp_get16(body);
	if (withdrawn > len - 4)
		goto malformed;
	attributes = bgp_get16(body + 2 + withdrawn);
	if (attributes > len - 4 - withdrawn)
		goto malformed;
	u->withdrawn = (struct bgp_span){body + 2, withdrawn};
	u->attributes = (struct bgp_span){body + 4 + withdrawn, attributes};
	u->nlri = (struct bgp_span){body + 4 + withdrawn + attributes,
				    len - 4 - withdrawn - attributes};
	return 0;
malformed:
	return bgp_error_set(u->err, BGP_ERR_UPDATE, UPDATE_MALFORMED_LIST, NULL, 0,
			     "lengths in the UPDATE exceed it: it is malformed");
}

static int check_field(const struct bgp_update *u, struct bgp_span s, const char *name)
{
	if (bgp_nlri_good(s, 4, u->session->addpath4))
		return 0;
	return bgp_error_set(u->err, BGP_ERR_UPDATE, UPDATE_NETWORK, NULL, 0,
			     "prefix among the %s is malformed (ADD-PATH is %s)", name,
			     u->session->addpath4 ? "on" : "off");
}

static bool reaches(const struct bgp_update *u)
{
	return u->nlri.len || u->reach.nlri.len;
}

/* Missing well-known attributes: the routes are taken as withdrawn (RFC 7606, 3 d). */
static void check_mandatory(struct bgp_update *u)
{
	static const uint8_t mandatory[] = {ATTR_ORIGIN, ATTR_AS_PATH, ATTR_NEXT_HOP};

	if (!u->nlri.len && !(u->reach.nlri.len && u->reach.family))
		return;
	for (size_t i = 0; i < sizeof(mandatory); i++) {
		uint8_t type = mandatory[i];

		if (bgp_has(u->seen, type) || (type == ATTR_NEXT_HOP && !u->nlri.len) ||
		    (type == ATTR_AS_PATH && u->session->own))
			continue;
		u->treat_as_withdraw = true;
		if (!u->err->code)
			bgp_error_set(u->err, BGP_ERR_UPDATE, UPDATE_MISSING_WELL_KNOWN, &type, 1,
				      "well-known attribute %u is missing", type);
	}
}

/*
 * All that can be wrong. Where an error asks for withdrawal but no route is there to withdraw,
 * the session is reset (RFC 7606, 5.2): what the message was about is not known.
 */
static int check(struct bgp_update *u)
{
	if (bgp_attributes_parse(u) || check_field(u, u->withdrawn, "withdrawn routes") ||
	    check_field(u, u->nlri, "routes"))
		return -EBADMSG;
	check_mandatory(u);
	return u->treat_as_withdraw && u->other && !reaches(u) ? -EBADMSG : 0;
}

static void tell(const struct bgp_update *u, struct bgp_span s, uint8_t family,
		 struct bgp_attributes *attr, const struct bgp_update_ops *ops)
{
	bool addpath = family == 4 ? u->session->addpath4 : u->session->addpath6;
	struct prefix p;
	uint32_t id;

	while (s.len) {
		if (nlri_next(&s, family, addpath, &p, &id))
			ops->masked(ops->arg, &p);
		if (!attr) {
			ops->withdraw(ops->arg, &p, id);
			continue;
		}
		ops->announce(ops->arg, &p, id, attr);
		attr->again = true;
	}
}

static void tell_mp(const struct bgp_update *u, const struct bgp_mp *mp,
		    struct bgp_attributes *attr, const struct bgp_update_ops *ops)
{
	if (mp->family)
		tell(u, mp->nlri, mp->family, attr, ops);
	else if (mp->present)
		ops->ignored(ops->arg, mp->afi, mp->safi);
}

/* The family whose End-of-RIB this is (RFC 4724, 2), 0: none. */
static uint8_t end_of_rib(const struct bgp_update *u)
{
	if (u->withdrawn.len || u->nlri.len || u->other)
		return 0;
	if (!u->attributes.len)
		return 4;
	return u->unreach.nlri.len ? 0 : u->unreach.family;
}

int bgp_update_parse(const struct bgp_session *s, const uint8_t *body, size_t len,
		     const struct bgp_update_ops *ops, bool *treated, struct bgp_error *err)
{
	struct bgp_attributes attr;
	struct bgp_attributes *routes;
	struct bgp_error first;
	struct bgp_update u;
	uint8_t family;

	memset(&u, 0, offsetof(struct bgp_update, path));
	u.session = s;
	u.err = &first;
	first.code = 0;
	if (split(&u, body, len) || check(&u)) {
		*err = first;
		return -EBADMSG;
	}
	*treated = u.treat_as_withdraw;
	if (u.treat_as_withdraw)
		*err = first;
	bgp_attributes_collect(&u, &attr);
	routes = u.treat_as_withdraw ? NULL : &attr;
	tell(&u, u.withdrawn, 4, NULL, ops);
	tell_mp(&u, &u.unreach, NULL, ops);
	attr.nexthop = u.nexthop;
	tell(&u, u.nlri, 4, routes, ops);
	attr.again = false;
	attr.nexthop = u.reach.nexthop;
	attr.nexthop_ll = u.reach.nexthop_ll;
	tell_mp(&u, &u.reach, routes, ops);
	family = end_of_rib(&u);
	if (family && !u.treat_as_withdraw)
		ops->end_of_rib(ops->arg, family);
	return 0;
}

void bgp_route_fill(struct route *route, const struct prefix *p, uint32_t path_id,
		    const struct bgp_attributes *attr)
{
	route->prefix = *p;
	route->nexthop = attr->nexthop;
	route->nexthop_ll = attr->nexthop_ll;
	route->as_path = attr->as_path;
	route->n_as = attr->n_as;
	route->has_as_path = attr->has_as_path;
	route->has_local_pref = attr->has_local_pref;
	route->local_pref = attr->local_pref;
	route->sub = path_id;
}
