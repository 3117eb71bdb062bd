/* SPDX-License-Identifier: GPL-2.0-only */
/* Asks the kernel which route it would take: as `ip route get DST from SRC iif IN mark MARK
 * fibmatch`. */
#ifndef SAMEWAY_KERNEL_ROUTE_QUERY_H
#define SAMEWAY_KERNEL_ROUTE_QUERY_H

#include "core/kernel_route.h"

/*
 * For a packet from src to dst that came by interface `in` and has this mark, in the caller's
 * network namespace. 0 or -errno: no route, or none that the kernel would forward by. What of
 * *out says what was asked for (marked, ...) is the caller's.
 */
int route_query(const struct ip_addr *dst, const struct ip_addr *src, uint32_t in, uint32_t mark,
		struct kernel_route *out);
/* The interface that it would send by what this box itself sends to dst, by no mark. */
int route_query_own(const struct ip_addr *dst, char interface[16]);

#endif
