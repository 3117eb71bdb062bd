/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parsers of BGP messages share: big-endian numbers, capabilities' codes, errors. */
#ifndef SAMEWAY_FEED_BGP_WIRE_H
#define SAMEWAY_FEED_BGP_WIRE_H

#include "feed/bgp_message.h"

#define BGP_AS_TRANS	 23456
#define BGP_AFI_IPV4	 1
#define BGP_AFI_IPV6	 2
#define BGP_SAFI_UNICAST 1

static inline uint16_t bgp_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t bgp_get32(const uint8_t *p)
{
	return (uint32_t)bgp_get16(p) << 16 | bgp_get16(p + 2);
}

static inline uint8_t *bgp_put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

static inline uint8_t *bgp_put32(uint8_t *p, uint32_t v)
{
	return bgp_put16(bgp_put16(p, (uint16_t)(v >> 16)), (uint16_t)v);
}

/* Fills *err; data (may be NULL) is cut to what fits. Returns -EBADMSG. */
int bgp_error_set(struct bgp_error *err, uint8_t code, uint8_t subcode, const uint8_t *data,
		  size_t data_len, const char *fmt, ...) __attribute__((format(printf, 6, 7)));

#endif
