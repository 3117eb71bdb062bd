/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses and prefixes of both families. Pure. */
#ifndef SAMEWAY_CORE_PREFIX_H
#define SAMEWAY_CORE_PREFIX_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define IP_STRLEN     46
#define PREFIX_STRLEN 50

/* An address: bytes in network order, IPv4 in the first four (rest 0). family 0: none. */
struct ip_addr {
	uint8_t family; /* 0, 4 or 6 */
	uint8_t bytes[16];
};

/* A prefix: bits beyond len are 0. */
struct prefix {
	uint8_t family; /* 4 or 6 */
	uint8_t len;
	uint8_t bytes[16];
};

/* Text to address. 0, or -EINVAL with *out untouched. */
int ip_parse(const char *text, struct ip_addr *out);
const char *ip_format(const struct ip_addr *ip, char buf[IP_STRLEN]);
bool ip_is_link_local(const struct ip_addr *ip);

/*
 * Text to prefix; without "/len" it is a host. Host bits are masked away, and *masked (may be
 * NULL) says so. 0, or -EINVAL with *out untouched.
 */
int prefix_parse(const char *text, struct prefix *out, bool *masked);
const char *prefix_format(const struct prefix *p, char buf[PREFIX_STRLEN]);
struct prefix prefix_host(const struct ip_addr *ip);
struct ip_addr prefix_address(const struct prefix *p);
/* Clears bits beyond len; true where there were any. */
bool prefix_mask(struct prefix *p);
/* Order by family, then address, then length: covering before covered. */
int prefix_cmp(const struct prefix *a, const struct prefix *b);
unsigned int prefix_max_len(uint8_t family);

/* What follows is asked several times a route. */

static inline bool ip_equal(const struct ip_addr *a, const struct ip_addr *b)
{
	if (a->family != b->family)
		return false;
	if (a->family == 4)
		return !memcmp(a->bytes, b->bytes, 4);
	return !a->family || !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static inline bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* Eight bytes as they are: in network order. */
static inline uint64_t prefix_half(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

/* The first n of 64 bits, in network order; all of them where n is more. */
static inline uint64_t prefix_first_bits(unsigned int n)
{
	return n >= 64 ? ~0ULL : htobe64(~(~0ULL >> n));
}

/* Whether the first `len` bits of both are the same. */
static inline bool prefix_bits_equal(const uint8_t *a, const uint8_t *b, unsigned int len)
{
	uint64_t differ = (prefix_half(a) ^ prefix_half(b)) & prefix_first_bits(len);

	if (len <= 64)
		return !differ;
	return !differ &&
	       !((prefix_half(a + 8) ^ prefix_half(b + 8)) & prefix_first_bits(len - 64));
}

static inline bool prefix_contains(const struct prefix *outer, const struct prefix *inner)
{
	return outer->family == inner->family && outer->len <= inner->len &&
	       prefix_bits_equal(outer->bytes, inner->bytes, outer->len);
}

static inline bool prefix_has(const struct prefix *p, const struct ip_addr *ip)
{
	return p->family == ip->family && prefix_bits_equal(p->bytes, ip->bytes, p->len);
}

#endif
