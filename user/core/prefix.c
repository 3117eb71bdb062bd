/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Addresses and prefixes of both families, as bytes in network order, so that one loop serves
 * both. Text is what inet_pton() takes: no leading zeros, no scope, no shortened IPv4. A prefix
 * is always masked: two that cover the same addresses are equal byte by byte.
 */
#include "core/prefix.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

unsigned int prefix_max_len(uint8_t family)
{
	return family == 4 ? 32 : 128;
}

int ip_parse(const char *text, struct ip_addr *out)
{
	struct ip_addr ip = {0};

	if (inet_pton(AF_INET, text, ip.bytes) == 1)
		ip.family = 4;
	else if (inet_pton(AF_INET6, text, ip.bytes) == 1)
		ip.family = 6;
	else
		return -EINVAL;
	*out = ip;
	return 0;
}

const char *ip_format(const struct ip_addr *ip, char buf[IP_STRLEN])
{
	buf[0] = '\0';
	if (ip->family)
		inet_ntop(ip->family == 4 ? AF_INET : AF_INET6, ip->bytes, buf, IP_STRLEN);
	return buf;
}

/* How many of the 16 bytes belong to an address of the family. */
static size_t family_bytes(uint8_t family)
{
	return family == 4 ? 4 : family == 6 ? 16 : 0;
}

/* 169.254.0.0/16 (RFC 3927) or fe80::/10 (RFC 4291, 2.5.6). */
bool ip_is_link_local(const struct ip_addr *ip)
{
	if (ip->family == 4)
		return ip->bytes[0] == 169 && ip->bytes[1] == 254;
	return ip->family == 6 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

/* The decimal length after the slash: digits only, no leading zero, at most `max`. */
static int length_parse(const char *text, unsigned int max, uint8_t *out)
{
	unsigned int len = 0;
	size_t digits = strspn(text, "0123456789");

	if (digits < 1 || digits > 3 || text[digits] || (text[0] == '0' && digits > 1))
		return -EINVAL;
	for (size_t i = 0; i < digits; i++)
		len = len * 10 + (unsigned int)(text[i] - '0');
	if (len > max)
		return -EINVAL;
	*out = (uint8_t)len;
	return 0;
}

int prefix_parse(const char *text, struct prefix *out, bool *masked)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	char host[IP_STRLEN];
	struct ip_addr ip;
	struct prefix p;
	bool bits;

	if (len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	if (ip_parse(host, &ip))
		return -EINVAL;
	p = prefix_host(&ip);
	if (slash && length_parse(slash + 1, prefix_max_len(p.family), &p.len))
		return -EINVAL;
	bits = prefix_mask(&p);
	if (masked)
		*masked = bits;
	*out = p;
	return 0;
}

const char *prefix_format(const struct prefix *p, char buf[PREFIX_STRLEN])
{
	struct ip_addr ip = prefix_address(p);
	char host[IP_STRLEN];

	snprintf(buf, PREFIX_STRLEN, "%s/%u", ip_format(&ip, host), p->len);
	return buf;
}

struct prefix prefix_host(const struct ip_addr *ip)
{
	struct prefix p = {.family = ip->family, .len = (uint8_t)prefix_max_len(ip->family)};

	memcpy(p.bytes, ip->bytes, family_bytes(ip->family));
	return p;
}

struct ip_addr prefix_address(const struct prefix *p)
{
	struct ip_addr ip = {.family = p->family};

	memcpy(ip.bytes, p->bytes, family_bytes(p->family));
	return ip;
}

bool prefix_mask(struct prefix *p)
{
	uint64_t keep[2] = {prefix_first_bits(p->len),
			    p->len > 64 ? prefix_first_bits(p->len - 64U) : 0};
	uint64_t v[2];
	bool bits;

	memcpy(v, p->bytes, sizeof(v));
	bits = (v[0] & ~keep[0]) | (v[1] & ~keep[1]);
	v[0] &= keep[0];
	v[1] &= keep[1];
	memcpy(p->bytes, v, sizeof(v));
	return bits;
}

int prefix_cmp(const struct prefix *a, const struct prefix *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	for (unsigned int i = 0; i < sizeof(a->bytes); i += 8) {
		uint64_t x = be64toh(prefix_half(a->bytes + i)),
			 y = be64toh(prefix_half(b->bytes + i));

		if (x != y)
			return x < y ? -1 : 1;
	}
	return (a->len > b->len) - (a->len < b->len);
}
