/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages of BMP, built piece by piece: what a router would send, and what it should not. */
#ifndef SAMEWAY_TESTS_BMP_BUILD_H
#define SAMEWAY_TESTS_BMP_BUILD_H

#include "feed/bgp_wire.h"
#include "feed/bmp_message.h"

#include <stdio.h>
#include <string.h>

struct bytes {
	uint8_t b[1 << 17];
	size_t n;
};

static inline struct bytes *put(struct bytes *m, const void *p, size_t len)
{
	memcpy(m->b + m->n, p, len);
	m->n += len;
	return m;
}

static inline struct bytes *put8(struct bytes *m, unsigned int v)
{
	m->b[m->n++] = (uint8_t)v;
	return m;
}

static inline struct bytes *put16(struct bytes *m, unsigned int v)
{
	return put8(put8(m, v >> 8), v & 0xff);
}

static inline struct bytes *put32(struct bytes *m, uint32_t v)
{
	return put16(put16(m, v >> 16), v & 0xffff);
}

/* Of hexadecimal digits, spaces between them or not. */
static inline struct bytes *put_hex(struct bytes *m, const char *text)
{
	unsigned int byte;

	for (; *text; text += 2) {
		while (*text == ' ')
			text++;
		if (!*text || sscanf(text, "%2x", &byte) != 1)
			break;
		put8(m, byte);
	}
	return m;
}

/* The common header; bmp_end() writes the length. Other messages before it stay. */
static inline size_t bmp_begin(struct bytes *m, uint8_t type)
{
	size_t at = m->n;

	put8(put32(put8(m, 3), 0), type);
	return at;
}

static inline void bmp_end(struct bytes *m, size_t at)
{
	bgp_put32(m->b + at + 1, (uint32_t)(m->n - at));
}

#define V6   0x80
#define POST 0x40
#define AS2  0x20
#define OUT  0x10

struct of_peer {
	uint8_t type, flags;
	const char *address;
	uint8_t rd; /* last byte of the distinguisher */
};

static inline void put_peer(struct bytes *m, struct of_peer peer)
{
	struct ip_addr ip = {0};

	ip_parse(peer.address ? peer.address : "0.0.0.0", &ip);
	put8(put8(m, peer.type), peer.flags | (ip.family == 6 ? V6 : 0));
	put_hex(m, "00 00 00 00 00 00 00");
	put8(m, peer.rd);
	if (ip.family == 6)
		put(m, ip.bytes, 16);
	else
		put(put_hex(m, "00 00 00 00 00 00 00 00 00 00 00 00"), ip.bytes, 4);
	put32(put32(m, 65515), 0x0a0a1efe); /* AS, BGP identifier */
	put32(put32(m, 0), 0);		    /* time: bogus with FRR */
}

/* A BGP message around the body in hexadecimal digits. */
static inline void put_bgp(struct bytes *m, uint8_t type, const char *body)
{
	size_t at = m->n;

	put_hex(m, "ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff");
	put8(put16(m, 0), type);
	put_hex(m, body);
	bgp_put16(m->b + at + 16, (uint16_t)(m->n - at));
}

/* An OPEN of both families; addpath: 0 no, 1 receive, 2 send, 3 both. */
static inline void put_open(struct bytes *m, uint32_t as, unsigned int addpath)
{
	size_t at = m->n, caps;

	put_bgp(m, BGP_OPEN, "04");
	put32(put16(put16(m, as > 0xffff ? 23456 : as), 90), 0x0a021e7d);
	caps = m->n;
	put_hex(m, "00 02 00 01 04 00 01 00 01 01 04 00 02 00 01 41 04");
	put32(m, as);
	if (addpath) {
		put8(put_hex(m, "45 08 00 01 01"), addpath);
		put8(put_hex(m, "00 02 01"), addpath);
	}
	m->b[caps] = (uint8_t)(m->n - caps - 1);
	m->b[caps + 2] = (uint8_t)(m->n - caps - 3);
	bgp_put16(m->b + at + 16, (uint16_t)(m->n - at));
}

static inline void put_initiation(struct bytes *m, const char *description, const char *name)
{
	size_t at = bmp_begin(m, BMP_INITIATION);

	put(put16(put16(m, 1), (unsigned int)strlen(description)), description,
	    strlen(description));
	put(put16(put16(m, 2), (unsigned int)strlen(name)), name, strlen(name));
	bmp_end(m, at);
}

/* Our AS is 65021. */
static inline void put_peer_up(struct bytes *m, struct of_peer peer, uint32_t as, unsigned int sent,
			       unsigned int received)
{
	size_t at = bmp_begin(m, BMP_PEER_UP);

	put_peer(m, peer);
	put_hex(m, "00 00 00 00 00 00 00 00 00 00 00 00 0a 02 1e 7d 00 b3 9a 23");
	put_open(m, 65021, sent);
	put_open(m, as, received);
	bmp_end(m, at);
}

/* The rest of it: the reason and what follows, in hexadecimal digits. */
static inline void put_peer_down(struct bytes *m, struct of_peer peer, const char *reason)
{
	size_t at = bmp_begin(m, BMP_PEER_DOWN);

	put_peer(m, peer);
	put_hex(m, reason);
	bmp_end(m, at);
}

/* The UPDATE's body in hexadecimal digits. */
static inline void put_route(struct bytes *m, struct of_peer peer, const char *update)
{
	size_t at = bmp_begin(m, BMP_ROUTE_MONITORING);

	put_peer(m, peer);
	put_bgp(m, BGP_UPDATE, update);
	bmp_end(m, at);
}

/* Bodies of UPDATEs. */
#define ORIGIN "40 01 01 00"
/* 10.10.30.0/24 by 192.168.30.18, path 12076 65515 */
#define ER_PATH	 "40 02 0a 02 02 00 00 2f 2c 00 00 ff eb"
#define ER_NH	 "40 03 04 c0 a8 1e 12"
#define ER_ROUTE "0000 0018" ORIGIN ER_PATH ER_NH "18 0a 0a 1e"
#define ER_GONE	 "0004 18 0a 0a 1e 0000"
#define ER_2	 "0000 0018" ORIGIN ER_PATH ER_NH "1a 0a 0b 1e 00" /* 10.11.30.0/26 */
/* the same as FRR sends it: its own AS before */
#define FRR_ROUTE                                                                                  \
	"0000 001c" ORIGIN "40 02 0e 02 03 00 00 fd fd 00 00 2f 2c 00 00 ff eb" ER_NH "18 0a 0a "  \
	"1e"
#define END4 "0000 0000"
#define END6 "0000 0006 80 0f 03 00 02 01"
/* fd00:10:10:30::/64 by fd00:192:168:30::2, path 12076 */
#define ER6_ROUTE                                                                                  \
	"0000 002e" ORIGIN "40 02 06 02 01 00 00 2f 2c"                                            \
	"80 0e 1e 00 02 01 10 fd 00 01 92 01 68 00 30 00 00 00 00 00 00 00 02 00"                  \
	"40 fd 00 00 10 00 10 00 30"

#endif
