/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames for the tests of the programs: a description (struct packet) is turned into bytes with
 * right lengths and checksums. What a test wants wrong it spoils afterwards in the bytes.
 * Everything in a description is in host order; what is left 0 gets a usual value.
 */
#ifndef TESTS_PROG_PACKET_H
#define TESTS_PROG_PACKET_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#define FRAME_MAX    9100
#define TTL_ZERO     -1
#define PROTO_SCTP   132
#define PROTO_ICMP6  58
#define TCP_FIN	     1
#define TCP_SYN	     2
#define TCP_RST	     4
#define TCP_ACK	     16
#define CHECK_OFFSET 10 /* of the checksum in an IPv4 header */

enum frag { FRAG_NONE, FRAG_FIRST, FRAG_LATER };

struct packet {
	const char *src, *dst; /* of one family, which is the packet's */
	uint8_t proto;	       /* 0: UDP */
	uint16_t sport, dport; /* of an echo both the identifier */
	uint8_t flags;	       /* TCP */
	uint32_t ack;	       /* TCP */
	int ttl;	       /* 0: 64 */
	uint16_t size;	       /* of the IP packet; 0: headers and eight bytes */
	enum frag frag;
	uint8_t options;   /* bytes of IPv4 options, a multiple of 4 */
	const char *ext;   /* IPv6 extension headers, a letter each: h r d f */
	uint8_t icmp_type; /* of ICMP; 0: an echo request, an error where `quote` is set */
	uint8_t icmp_code;
	const struct packet *quote; /* what an ICMP error quotes */
	bool reply;		    /* an echo reply */
};

struct frame {
	uint8_t data[FRAME_MAX];
	size_t len;
	uint32_t gso_size, gso_segs; /* TC only, and these: */
	uint32_t ingress, cb[5];
	size_t l3; /* where the IP header starts */
};

static inline uint16_t checksum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	if (len & 1)
		sum += (uint32_t)p[len - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static inline int packet_family(const struct packet *p)
{
	return strchr(p->dst, ':') ? 6 : 4;
}

/* An address's bytes, IPv4 in the first four, the rest 0. */
static inline void address_bytes(const char *text, uint8_t out[16])
{
	memset(out, 0, 16);
	if (inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, out) != 1)
		abort();
}

static inline size_t put_ip(uint8_t *at, const struct packet *p);

static inline size_t put_icmp(uint8_t *at, const struct packet *p)
{
	bool v6 = packet_family(p) == 6;
	uint16_t id = htons(p->sport);
	size_t len = 8;

	memset(at, 0, 8);
	if (p->quote) {
		at[0] = p->icmp_type ? p->icmp_type : v6 ? 1 : 3;
		len += put_ip(at + 8, p->quote);
	} else {
		at[0] = p->icmp_type ? p->icmp_type : v6 ? 128 + p->reply : p->reply ? 0 : 8;
		memcpy(at + 4, &id, 2);
	}
	at[1] = p->icmp_code;
	return len;
}

/* The transport header; returns its length. */
static inline size_t put_l4(uint8_t *at, const struct packet *p)
{
	uint16_t sport = htons(p->sport), dport = htons(p->dport);
	uint32_t ack = htonl(p->ack);

	if (p->proto == IPPROTO_ICMP || p->proto == PROTO_ICMP6)
		return put_icmp(at, p);
	memset(at, 0, 20);
	memcpy(at, &sport, 2);
	memcpy(at + 2, &dport, 2);
	if (p->proto == IPPROTO_TCP) {
		at[12] = 5 << 4;
		at[13] = p->flags ? p->flags : TCP_ACK;
		memcpy(at + 8, &ack, 4);
		return 20;
	}
	return p->proto == PROTO_SCTP ? 12 : 8;
}

static inline uint8_t ext_number(char letter)
{
	switch (letter) {
	case 'h':
		return IPPROTO_HOPOPTS;
	case 'r':
		return IPPROTO_ROUTING;
	case 'd':
		return IPPROTO_DSTOPTS;
	case 'f':
		return IPPROTO_FRAGMENT;
	}
	abort();
}

static inline uint8_t packet_proto(const struct packet *p)
{
	return p->proto ? p->proto : IPPROTO_UDP;
}

static inline size_t put_ip6(uint8_t *at, const struct packet *p)
{
	const char *ext = p->ext ? p->ext : p->frag ? "f" : "";
	struct ipv6hdr ip = {.version = 6, .hop_limit = p->ttl ? p->ttl : 64};
	size_t off = sizeof(ip), n = strlen(ext);

	if (p->ttl == TTL_ZERO)
		ip.hop_limit = 0;
	ip.nexthdr = n ? ext_number(ext[0]) : packet_proto(p);
	address_bytes(p->src, (uint8_t *)&ip.saddr);
	address_bytes(p->dst, (uint8_t *)&ip.daddr);
	for (size_t i = 0; i < n; i++) {
		memset(at + off, 0, 8);
		at[off] = i + 1 < n ? ext_number(ext[i + 1]) : packet_proto(p);
		if (ext[i] == 'f') /* offset 185 * 8, or more fragments */
			at[off + 2] = p->frag == FRAG_LATER ? 5 : 0,
				 at[off + 3] = p->frag == FRAG_LATER ? 0xc8 : 1;
		off += 8;
	}
	off += p->frag == FRAG_LATER ? 0 : put_l4(at + off, p);
	off = p->size ? p->size : off + 8;
	ip.payload_len = htons((uint16_t)(off - sizeof(ip)));
	memcpy(at, &ip, sizeof(ip));
	return off;
}

static inline size_t put_ip4(uint8_t *at, const struct packet *p)
{
	struct iphdr ip = {.version = 4, .ihl = 5 + p->options / 4, .ttl = p->ttl ? p->ttl : 64};
	size_t off = sizeof(ip) + p->options;
	uint8_t address[16];

	if (p->ttl == TTL_ZERO)
		ip.ttl = 0;
	memset(at + sizeof(ip), 1, p->options); /* no-operation */
	ip.protocol = packet_proto(p);
	address_bytes(p->src, address);
	memcpy(&ip.saddr, address, 4);
	address_bytes(p->dst, address);
	memcpy(&ip.daddr, address, 4);
	if (p->frag)
		ip.frag_off = htons(p->frag == FRAG_FIRST ? 0x2000 : 185);
	off += p->frag == FRAG_LATER ? 0 : put_l4(at + off, p);
	off = p->size ? p->size : off + 8;
	ip.tot_len = htons((uint16_t)off);
	memcpy(at, &ip, sizeof(ip));
	ip.check = checksum(at, sizeof(ip) + p->options);
	memcpy(at + CHECK_OFFSET, &ip.check, 2);
	return off;
}

static inline size_t put_ip(uint8_t *at, const struct packet *p)
{
	return packet_family(p) == 6 ? put_ip6(at, p) : put_ip4(at, p);
}

/* dmac NULL: a device without Ethernet header. */
static inline void frame_build(struct frame *f, const struct packet *p, const uint8_t *dmac,
			       const uint8_t *smac)
{
	memset(f, 0, sizeof(*f));
	if (dmac) {
		memcpy(f->data, dmac, ETH_ALEN);
		memcpy(f->data + ETH_ALEN, smac, ETH_ALEN);
		f->data[12] = packet_family(p) == 6 ? 0x86 : 0x08;
		f->data[13] = packet_family(p) == 6 ? 0xdd : 0x00;
		f->l3 = ETH_HLEN;
	}
	f->len = f->l3 + put_ip(f->data + f->l3, p);
}

/* The packet of the other direction. */
static inline struct packet packet_back(const struct packet *p)
{
	struct packet back = *p;

	back.src = p->dst;
	back.dst = p->src;
	back.sport = p->dport;
	back.dport = p->sport;
	if (p->proto == IPPROTO_ICMP || p->proto == PROTO_ICMP6) {
		back.sport = back.dport = p->sport;
		back.reply = !p->reply;
	}
	return back;
}

#endif
