/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Header, OPEN, KEEPALIVE and NOTIFICATION of BGP (RFC 4271), with the capabilities of RFC 5492
 * that this project uses: multiprotocol (4760), route refresh (2918), IPv4 by IPv6 next hops
 * (8950), messages above 4096 bytes (8654), graceful restart (4724), 4-byte AS (6793), ADD-PATH
 * (7911). UPDATE is in bgp_update.c. Every length is checked before it is used; a message that
 * breaks the protocol leaves code, subcode and data of the NOTIFICATION in struct bgp_error.
 */
#include "feed/bgp_message.h"
#include "feed/bgp_wire.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BGP_VERSION	  4
#define BGP_PARAM_CAPS	  2
#define CAP_MULTIPROTOCOL 1
#define CAP_REFRESH	  2
#define CAP_NEXT_HOP	  5
#define CAP_EXTENDED	  6
#define CAP_GRACEFUL	  64
#define CAP_AS4		  65
#define CAP_ADDPATH	  69
#define GRACEFUL_TIME	  0x0fff /* of the first two bytes: seconds */
#define GRACEFUL_FORWARDS 0x80
#define ADDPATH_RECEIVE	  1
#define ADDPATH_SEND	  2 /* a bit: 3 is both */
#define OPEN_FIXED_LEN	  10
#define ERR_HEADER	  1
#define ERR_OPEN	  2

int bgp_error_set(struct bgp_error *err, uint8_t code, uint8_t subcode, const uint8_t *data,
		  size_t data_len, const char *fmt, ...)
{
	va_list ap;

	memset(err, 0, sizeof(*err));
	err->code = code;
	err->subcode = subcode;
	if (data) {
		err->data_len = data_len < sizeof(err->data) ? data_len : sizeof(err->data);
		memcpy(err->data, data, err->data_len);
	}
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return -EBADMSG;
}

static bool length_fits(enum bgp_type type, size_t len)
{
	switch (type) {
	case BGP_OPEN:
		return len >= BGP_HEADER_LEN + OPEN_FIXED_LEN && len <= BGP_MAX_LEN;
	case BGP_UPDATE:
		return len >= BGP_HEADER_LEN + 4;
	case BGP_NOTIFICATION:
		return len >= BGP_HEADER_LEN + 2;
	case BGP_KEEPALIVE:
		return len == BGP_HEADER_LEN;
	case BGP_ROUTE_REFRESH:
		return len >= BGP_HEADER_LEN + 4;
	}
	return false;
}

int bgp_header_parse(const uint8_t *buf, size_t *len, enum bgp_type *type, struct bgp_error *err)
{
	static const uint8_t marker[16] = {255, 255, 255, 255, 255, 255, 255, 255,
					   255, 255, 255, 255, 255, 255, 255, 255};
	size_t n = bgp_get16(buf + 16);
	uint8_t t = buf[18];

	if (memcmp(buf, marker, sizeof(marker)))
		return bgp_error_set(err, ERR_HEADER, 1, NULL, 0,
				     "marker is not all ones: the peer is not in step, "
				     "or does not speak BGP");
	if (t < BGP_OPEN || t > BGP_ROUTE_REFRESH)
		return bgp_error_set(err, ERR_HEADER, 3, buf + 18, 1,
				     "message of unknown type %u: 1 to 5 are known", t);
	if (!length_fits((enum bgp_type)t, n))
		return bgp_error_set(err, ERR_HEADER, 2, buf + 16, 2,
				     "message of type %u with %zu bytes: not a length of that type",
				     t, n);
	*len = n;
	*type = (enum bgp_type)t;
	return 0;
}

static int cap_malformed(struct bgp_error *err, uint8_t code, size_t len)
{
	return bgp_error_set(err, ERR_OPEN, 0, NULL, 0,
			     "capability %u with %zu bytes: not a length of that capability", code,
			     len);
}

static int addpath_parse(const uint8_t *p, size_t len, struct bgp_open *out, struct bgp_error *err)
{
	if (!len || len % 4)
		return cap_malformed(err, CAP_ADDPATH, len);
	for (; len; p += 4, len -= 4) {
		uint8_t mode = p[3] <= (ADDPATH_RECEIVE | ADDPATH_SEND) ? p[3] : 0;

		if (p[2] != BGP_SAFI_UNICAST)
			continue;
		if (bgp_get16(p) == BGP_AFI_IPV4) {
			out->addpath4 = mode & ADDPATH_SEND;
			out->addpath4_rx = mode & ADDPATH_RECEIVE;
		} else if (bgp_get16(p) == BGP_AFI_IPV6) {
			out->addpath6 = mode & ADDPATH_SEND;
			out->addpath6_rx = mode & ADDPATH_RECEIVE;
		}
	}
	return 0;
}

static int graceful_parse(const uint8_t *p, size_t len, struct bgp_open *out, struct bgp_error *err)
{
	if (len % 4 != 2)
		return cap_malformed(err, CAP_GRACEFUL, len);
	out->graceful_restart = true;
	out->restart_s = bgp_get16(p) & GRACEFUL_TIME;
	out->gr4 = out->gr6 = false; /* the last of several stands (RFC 4724, 3) */
	for (p += 2, len -= 2; len; p += 4, len -= 4) {
		bool forwards = p[3] & GRACEFUL_FORWARDS;

		if (p[2] != BGP_SAFI_UNICAST)
			continue;
		if (bgp_get16(p) == BGP_AFI_IPV4) {
			out->gr4 = true;
			out->forwards4 = forwards;
		} else if (bgp_get16(p) == BGP_AFI_IPV6) {
			out->gr6 = true;
			out->forwards6 = forwards;
		}
	}
	return 0;
}

/* Unknown capabilities are no error (RFC 5492, 3). */
static int capability_parse(uint8_t code, const uint8_t *p, size_t len, struct bgp_open *out,
			    bool *mp, struct bgp_error *err)
{
	switch (code) {
	case CAP_MULTIPROTOCOL:
		if (len != 4)
			return cap_malformed(err, code, len);
		*mp = true;
		if (p[3] == BGP_SAFI_UNICAST && bgp_get16(p) == BGP_AFI_IPV4)
			out->mp4 = true;
		else if (p[3] == BGP_SAFI_UNICAST && bgp_get16(p) == BGP_AFI_IPV6)
			out->mp6 = true;
		return 0;
	case CAP_AS4:
		if (len != 4)
			return cap_malformed(err, code, len);
		out->as4 = true;
		out->as = bgp_get32(p);
		return 0;
	case CAP_ADDPATH:
		return addpath_parse(p, len, out, err);
	case CAP_REFRESH:
		out->refresh = true;
		return 0;
	case CAP_GRACEFUL:
		return graceful_parse(p, len, out, err);
	default:
		return 0;
	}
}

static int capabilities_parse(const uint8_t *p, size_t len, struct bgp_open *out, bool *mp,
			      struct bgp_error *err)
{
	while (len) {
		if (len < 2 || len - 2 < p[1])
			return bgp_error_set(err, ERR_OPEN, 0, NULL, 0,
					     "capabilities are cut short: the OPEN is malformed");
		if (capability_parse(p[0], p + 2, p[1], out, mp, err))
			return -EBADMSG;
		len -= 2U + p[1];
		p += 2 + p[1];
	}
	return 0;
}

static int params_parse(const uint8_t *p, size_t len, struct bgp_open *out, bool *mp,
			struct bgp_error *err)
{
	while (len) {
		if (len < 2 || len - 2 < p[1])
			return bgp_error_set(err, ERR_OPEN, 0, NULL, 0,
					     "optional parameters are cut short: the OPEN is "
					     "malformed");
		if (p[0] != BGP_PARAM_CAPS)
			return bgp_error_set(err, ERR_OPEN, 4, NULL, 0,
					     "optional parameter %u is not supported: switch it "
					     "off for this neighbor",
					     p[0]);
		if (capabilities_parse(p + 2, p[1], out, mp, err))
			return -EBADMSG;
		len -= 2U + p[1];
		p += 2 + p[1];
	}
	return 0;
}

static int open_check(const struct bgp_open *o, struct bgp_error *err)
{
	if (!o->as)
		return bgp_error_set(err, ERR_OPEN, 2, NULL, 0,
				     "the peer's AS is 0: RFC 7607 forbids it");
	if (!o->router_id)
		return bgp_error_set(err, ERR_OPEN, 3, NULL, 0,
				     "the peer's BGP identifier is 0: set its router id");
	if (o->hold_s == 1 || o->hold_s == 2)
		return bgp_error_set(err, ERR_OPEN, 6, NULL, 0,
				     "hold time of %u s: give the peer 0, or 3 s and more",
				     o->hold_s);
	return 0;
}

int bgp_open_parse(const uint8_t *body, size_t len, struct bgp_open *out, struct bgp_error *err)
{
	static const uint8_t version[2] = {0, BGP_VERSION};
	struct bgp_open o = {0};
	bool mp = false;

	if (len < OPEN_FIXED_LEN || len - OPEN_FIXED_LEN != body[9])
		return bgp_error_set(err, ERR_OPEN, 0, NULL, 0,
				     "optional parameters do not fill the OPEN: it is malformed");
	if (body[0] != BGP_VERSION)
		return bgp_error_set(err, ERR_OPEN, 1, version, sizeof(version),
				     "BGP version %u: only 4 is spoken here", body[0]);
	o.as = bgp_get16(body + 1);
	o.hold_s = bgp_get16(body + 3);
	o.router_id = bgp_get32(body + 5);
	if (params_parse(body + OPEN_FIXED_LEN, body[9], &o, &mp, err))
		return -EBADMSG;
	if (!mp)
		o.mp4 = true; /* RFC 4271 alone: IPv4 unicast */
	o.addpath4 = o.addpath4 && o.mp4;
	o.addpath6 = o.addpath6 && o.mp6;
	o.gr4 = o.gr4 && o.mp4;
	o.gr6 = o.gr6 && o.mp6;
	o.addpath4_rx = o.addpath4_rx && o.mp4;
	o.addpath6_rx = o.addpath6_rx && o.mp6;
	if (open_check(&o, err))
		return -EBADMSG;
	*out = o;
	return 0;
}

static size_t message_finish(uint8_t *buf, const uint8_t *end, enum bgp_type type)
{
	size_t len = (size_t)(end - buf);

	memset(buf, 0xff, 16);
	bgp_put16(buf + 16, (uint16_t)len);
	buf[18] = type;
	return len;
}

static uint8_t *put_capability(uint8_t *p, uint8_t code, const uint8_t *value, uint8_t len)
{
	*p++ = code;
	*p++ = len;
	if (len)
		memcpy(p, value, len);
	return p + len;
}

size_t bgp_open_build(uint8_t *buf, uint32_t as, uint16_t hold_s, uint32_t router_id)
{
	static const uint8_t mp4[] = {0, BGP_AFI_IPV4, 0, BGP_SAFI_UNICAST};
	static const uint8_t mp6[] = {0, BGP_AFI_IPV6, 0, BGP_SAFI_UNICAST};
	static const uint8_t addpath[] = {0, BGP_AFI_IPV4, BGP_SAFI_UNICAST, ADDPATH_RECEIVE,
					  0, BGP_AFI_IPV6, BGP_SAFI_UNICAST, ADDPATH_RECEIVE};
	static const uint8_t next_hop[] = {0, BGP_AFI_IPV4, 0, BGP_SAFI_UNICAST, 0, BGP_AFI_IPV6};
	/* No family is preserved here: it only asks for End-of-RIB (RFC 4724, 3). */
	static const uint8_t graceful[] = {0, 0};
	uint8_t *p = buf + BGP_HEADER_LEN, *caps, as4[4];

	*p++ = BGP_VERSION;
	p = bgp_put16(p, as > UINT16_MAX ? BGP_AS_TRANS : (uint16_t)as);
	p = bgp_put16(p, hold_s);
	p = bgp_put32(p, router_id);
	caps = p + 3;
	bgp_put32(as4, as);
	p = put_capability(caps, CAP_MULTIPROTOCOL, mp4, sizeof(mp4));
	p = put_capability(p, CAP_MULTIPROTOCOL, mp6, sizeof(mp6));
	p = put_capability(p, CAP_REFRESH, NULL, 0);
	p = put_capability(p, CAP_NEXT_HOP, next_hop, sizeof(next_hop));
	p = put_capability(p, CAP_EXTENDED, NULL, 0);
	p = put_capability(p, CAP_AS4, as4, sizeof(as4));
	p = put_capability(p, CAP_ADDPATH, addpath, sizeof(addpath));
	p = put_capability(p, CAP_GRACEFUL, graceful, sizeof(graceful));
	caps[-3] = (uint8_t)(p - caps + 2);
	caps[-2] = BGP_PARAM_CAPS;
	caps[-1] = (uint8_t)(p - caps);
	return message_finish(buf, p, BGP_OPEN);
}

size_t bgp_keepalive_build(uint8_t *buf)
{
	return message_finish(buf, buf + BGP_HEADER_LEN, BGP_KEEPALIVE);
}

/* RFC 4724, 2: an empty UPDATE, of IPv6 one with an empty MP_UNREACH_NLRI. */
size_t bgp_end_of_rib_build(uint8_t *buf, uint8_t family)
{
	static const uint8_t unreach6[] = {0x80, 15, 3, 0, BGP_AFI_IPV6, BGP_SAFI_UNICAST};
	size_t attributes = family == 6 ? sizeof(unreach6) : 0;
	uint8_t *p = bgp_put16(buf + BGP_HEADER_LEN, 0);

	p = bgp_put16(p, (uint16_t)attributes);
	memcpy(p, unreach6, attributes);
	return message_finish(buf, p + attributes, BGP_UPDATE);
}

size_t bgp_refresh_build(uint8_t *buf, uint8_t family)
{
	uint8_t *p = bgp_put16(buf + BGP_HEADER_LEN, family == 4 ? BGP_AFI_IPV4 : BGP_AFI_IPV6);

	return message_finish(buf, bgp_put16(p, BGP_SAFI_UNICAST), BGP_ROUTE_REFRESH);
}

size_t bgp_notification_build(uint8_t *buf, const struct bgp_error *err)
{
	uint8_t *p = buf + BGP_HEADER_LEN;

	*p++ = err->code;
	*p++ = err->subcode;
	memcpy(p, err->data, err->data_len);
	return message_finish(buf, p + err->data_len, BGP_NOTIFICATION);
}

static const struct {
	uint8_t code, subcode; /* subcode 0: the code alone */
	const char *name;
} error_names[] = {
	{1, 0, "message header error"},
	{1, 1, "connection not synchronized"},
	{1, 2, "bad message length"},
	{1, 3, "bad message type"},
	{2, 0, "OPEN message error"},
	{2, 1, "unsupported version number"},
	{2, 2, "bad peer AS"},
	{2, 3, "bad BGP identifier"},
	{2, 4, "unsupported optional parameter"},
	{2, 6, "unacceptable hold time"},
	{2, 7, "unsupported capability"},
	{3, 0, "UPDATE message error"},
	{3, 1, "malformed attribute list"},
	{3, 2, "unrecognized well-known attribute"},
	{3, 3, "missing well-known attribute"},
	{3, 4, "attribute flags error"},
	{3, 5, "attribute length error"},
	{3, 6, "invalid ORIGIN"},
	{3, 8, "invalid NEXT_HOP"},
	{3, 9, "optional attribute error"},
	{3, 10, "invalid network field"},
	{3, 11, "malformed AS_PATH"},
	{4, 0, "hold timer expired"},
	{5, 0, "finite state machine error"},
	{5, 1, "unexpected message in OpenSent"},
	{5, 2, "unexpected message in OpenConfirm"},
	{5, 3, "unexpected message in Established"},
	{6, 0, "cease"},
	{6, 1, "maximum number of prefixes reached"},
	{6, 2, "administrative shutdown"},
	{6, 3, "peer de-configured"},
	{6, 4, "administrative reset"},
	{6, 5, "connection rejected"},
	{6, 6, "other configuration change"},
	{6, 7, "connection collision resolution"},
	{6, 8, "out of resources"},
	{6, 9, "hard reset"},
	{6, 10, "BFD down"},
	{7, 0, "ROUTE-REFRESH message error"},
	{8, 0, "send hold timer expired"},
};

const char *bgp_error_name(uint8_t code, uint8_t subcode)
{
	const char *name = "unknown error";

	for (size_t i = 0; i < sizeof(error_names) / sizeof(error_names[0]); i++) {
		if (error_names[i].code != code)
			continue;
		if (error_names[i].subcode == subcode)
			return error_names[i].name;
		if (!error_names[i].subcode)
			name = error_names[i].name;
	}
	return name;
}
