/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses and prefixes of both families. Pure. */
#ifndef SAMEWAY_CORE_PREFIX_H
#define SAMEWAY_CORE_PREFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
bool ip_equal(const struct ip_addr *a, const struct ip_addr *b);
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
bool prefix_equal(const struct prefix *a, const struct prefix *b);
/* Order by family, then address, then length: covering before covered. */
int prefix_cmp(const struct prefix *a, const struct prefix *b);
bool prefix_contains(const struct prefix *outer, const struct prefix *inner);
bool prefix_has(const struct prefix *p, const struct ip_addr *ip);
unsigned int prefix_max_len(uint8_t family);

#endif
