/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The framing of BMP (RFC 7854, 4; bits of RFC 8671, 4 and RFC 9069, 4). Every length is checked
 * before it is used; texts of the router are made fit for a log.
 */
#include "feed/bmp_message.h"
#include "feed/bgp_wire.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BMP_VERSION	3
#define FLAG_IPV6	0x80 /* of a loc-rib: F, filtered */
#define FLAG_POST	0x40
#define FLAG_AS2	0x20
#define FLAG_OUT	0x10
#define PEER_UP_FIXED	20 /* local address and both ports */
#define TLV_HEADER	4
#define TLV_TEXT	0
#define TLV_DESCRIPTION 1 /* of a Termination: the reason */
#define TLV_NAME	2

static int __attribute__((format(printf, 2, 3)))
bad(char error[BMP_ERROR_LEN], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error, BMP_ERROR_LEN, fmt, ap);
	va_end(ap);
	return -EBADMSG;
}

int bmp_header_parse(const uint8_t *p, size_t *len, uint8_t *type, char error[BMP_ERROR_LEN])
{
	if (p[0] != BMP_VERSION)
		return bad(error,
			   "version %u where 3 should be: the sender is out of step, or "
			   "does not speak BMP",
			   p[0]);
	*len = bgp_get32(p + 1);
	*type = p[5];
	if (*len < BMP_HEADER_LEN || *len > BMP_MAX_LEN)
		return bad(error, "message of %zu bytes: %d to %d are taken", *len, BMP_HEADER_LEN,
			   BMP_MAX_LEN);
	return 0;
}

int bmp_peer_parse(const uint8_t *p, size_t len, struct bmp_peer_header *out,
		   char error[BMP_ERROR_LEN])
{
	uint8_t flags;

	if (len < BMP_PEER_LEN)
		return bad(error, "per-peer header of %zu bytes: it has %d", len, BMP_PEER_LEN);
	*out = (struct bmp_peer_header){.type = p[0]};
	flags = p[1];
	memcpy(out->rd, p + 2, sizeof(out->rd));
	out->address.family = 4;
	if (out->type == BMP_PEER_LOC_RIB) /* has no address, and no flags of ours */
		return 0;
	if (flags & FLAG_IPV6) {
		out->address.family = 6;
		memcpy(out->address.bytes, p + 10, 16);
	} else {
		memcpy(out->address.bytes, p + 22, 4);
	}
	out->post_policy = flags & FLAG_POST;
	out->as2 = flags & FLAG_AS2;
	out->adj_rib_out = flags & FLAG_OUT;
	return 0;
}

/* The BGP message at p and its length, which must be within len. */
static int bgp_part(const uint8_t *p, size_t len, uint8_t type, size_t *part,
		    char error[BMP_ERROR_LEN])
{
	static const uint8_t marker[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					   0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	*part = 0;
	if (len < BGP_HEADER_LEN)
		return bad(error, "BGP message cut short: %zu bytes of its header", len);
	if (memcmp(p, marker, sizeof(marker)) != 0)
		return bad(error, "marker of the BGP message is not all ones");
	*part = bgp_get16(p + 16);
	if (*part < BGP_HEADER_LEN || *part > len)
		return bad(error, "BGP message of %zu bytes in a place of %zu", *part, len);
	if (p[18] != type)
		return bad(error, "BGP message of type %u where %u should be", p[18], type);
	return 0;
}

static int open_part(const uint8_t **p, size_t *len, struct bgp_open *out, const char *which,
		     char error[BMP_ERROR_LEN])
{
	struct bgp_error err;
	size_t n;

	if (bgp_part(*p, *len, BGP_OPEN, &n, error))
		return -EBADMSG;
	if (bgp_open_parse(*p + BGP_HEADER_LEN, n - BGP_HEADER_LEN, out, &err))
		return bad(error, "OPEN that was %s: %s", which, err.text);
	*p += n;
	*len -= n;
	return 0;
}

int bmp_peer_up_parse(const uint8_t *p, size_t len, bool loc_rib, struct bmp_peer_up *out,
		      char error[BMP_ERROR_LEN])
{
	struct bgp_open *sent = &out->sent, *received = &out->received;

	memset(out, 0, sizeof(*out));
	if (len < PEER_UP_FIXED)
		return bad(error, "peer up of %zu bytes: its addresses and ports take %d", len,
			   PEER_UP_FIXED);
	p += PEER_UP_FIXED;
	len -= PEER_UP_FIXED;
	if (open_part(&p, &len, sent, "sent", error) ||
	    open_part(&p, &len, received, "received", error))
		return -EBADMSG;
	/* A loc-rib's OPENs are made up, one as the other (RFC 9069, 5.1). */
	out->addpath4 = received->addpath4 && (sent->addpath4_rx || loc_rib);
	out->addpath6 = received->addpath6 && (sent->addpath6_rx || loc_rib);
	return 0;
}

int bmp_peer_down_parse(const uint8_t *p, size_t len, struct bmp_peer_down *out,
			char error[BMP_ERROR_LEN])
{
	size_t n;

	memset(out, 0, sizeof(*out));
	if (!len)
		return bad(error, "peer down without a reason");
	out->reason = p[0];
	switch (out->reason) {
	case BMP_DOWN_LOCAL:
	case BMP_DOWN_REMOTE:
		if (bgp_part(p + 1, len - 1, BGP_NOTIFICATION, &n, error))
			return -EBADMSG;
		if (n < BGP_HEADER_LEN + 2)
			return bad(error, "NOTIFICATION of %zu bytes: it has 21 at least", n);
		out->code = p[1 + BGP_HEADER_LEN];
		out->subcode = p[2 + BGP_HEADER_LEN];
		return 0;
	case BMP_DOWN_LOCAL_FSM:
		if (len < 3)
			return bad(error, "peer down without its event");
		out->event = bgp_get16(p + 1);
		return 0;
	default:
		return 0;
	}
}

static void text_copy(char out[BMP_TEXT_LEN], const uint8_t *p, size_t len)
{
	size_t n = len < BMP_TEXT_LEN - 1 ? len : BMP_TEXT_LEN - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = (char)(p[i] >= 0x20 && p[i] < 0x7f ? p[i] : '?');
	out[n] = '\0';
}

static void info_put(struct bmp_info *out, uint16_t type, const uint8_t *p, size_t len,
		     bool termination)
{
	if (type == TLV_TEXT) {
		text_copy(out->text, p, len);
	} else if (termination) {
		if (type == TLV_DESCRIPTION && len == 2) {
			out->has_reason = true;
			out->reason = bgp_get16(p);
		}
	} else if (type == TLV_DESCRIPTION) {
		text_copy(out->description, p, len);
	} else if (type == TLV_NAME) {
		text_copy(out->name, p, len);
	}
}

int bmp_info_parse(const uint8_t *p, size_t len, bool termination, struct bmp_info *out,
		   char error[BMP_ERROR_LEN])
{
	memset(out, 0, sizeof(*out));
	while (len) {
		size_t n = len < TLV_HEADER ? 0 : bgp_get16(p + 2);

		if (len < TLV_HEADER || len - TLV_HEADER < n)
			return bad(error, "information of %zu bytes in a place of %zu", n, len);
		info_put(out, bgp_get16(p), p + TLV_HEADER, n, termination);
		p += TLV_HEADER + n;
		len -= TLV_HEADER + n;
	}
	return 0;
}

int bmp_statistics_parse(const uint8_t *p, size_t len, char error[BMP_ERROR_LEN])
{
	uint32_t count = len < 4 ? 0 : bgp_get32(p), i = 0;
	size_t at = 4;

	while (at < len && i < count && len - at >= TLV_HEADER &&
	       len - at - TLV_HEADER >= bgp_get16(p + at + 2)) {
		at += TLV_HEADER + (size_t)bgp_get16(p + at + 2);
		i++;
	}
	if (len < 4 || i != count || at != len)
		return bad(error, "%u counters do not fill %zu bytes", count, len);
	return 0;
}

int bmp_update_parse(const uint8_t *p, size_t len, const uint8_t **body, size_t *body_len,
		     char error[BMP_ERROR_LEN])
{
	size_t n;

	if (bgp_part(p, len, BGP_UPDATE, &n, error))
		return -EBADMSG;
	if (n != len)
		return bad(error, "UPDATE of %zu bytes in a place of %zu", n, len);
	*body = p + BGP_HEADER_LEN;
	*body_len = n - BGP_HEADER_LEN;
	return 0;
}

const char *bmp_down_text(const struct bmp_peer_down *down, char buf[BMP_ERROR_LEN])
{
	switch (down->reason) {
	case BMP_DOWN_LOCAL:
	case BMP_DOWN_REMOTE:
		snprintf(buf, BMP_ERROR_LEN, "closed by the %s, %u/%u %s",
			 down->reason == BMP_DOWN_LOCAL ? "router" : "peer", down->code,
			 down->subcode, bgp_error_name(down->code, down->subcode));
		break;
	case BMP_DOWN_LOCAL_FSM:
		if (down->event)
			snprintf(buf, BMP_ERROR_LEN, "closed by the router, event %u of RFC 4271",
				 down->event);
		else
			snprintf(buf, BMP_ERROR_LEN, "closed by the router without a notification");
		break;
	case BMP_DOWN_REMOTE_SILENT:
		snprintf(buf, BMP_ERROR_LEN, "closed by the peer without a notification");
		break;
	case BMP_DOWN_DECONFIGURED:
		snprintf(buf, BMP_ERROR_LEN, "not monitored any more");
		break;
	case BMP_DOWN_LOCAL_INFORMED:
		snprintf(buf, BMP_ERROR_LEN, "closed by the router");
		break;
	default:
		snprintf(buf, BMP_ERROR_LEN, "reason %u, not known here", down->reason);
	}
	return buf;
}

const char *bmp_termination_text(const struct bmp_info *info)
{
	static const char *const reasons[] = {
		"closed by its administrator",
		"no reason given",
		"out of resources",
		"a redundant connection",
		"closed for good by its administrator",
	};

	if (info->has_reason && info->reason < sizeof(reasons) / sizeof(reasons[0]))
		return reasons[info->reason];
	return info->text[0] ? info->text : "no reason given";
}
