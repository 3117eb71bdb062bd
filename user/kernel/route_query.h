/* SPDX-License-Identifier: GPL-2.0-only */
/* Asks the kernel which route it would take: as `ip route get DST from SRC iif IN fibmatch`. */
#ifndef SAMEWAY_KERNEL_ROUTE_QUERY_H
#define SAMEWAY_KERNEL_ROUTE_QUERY_H

#include "core/kernel_route.h"

/*
 * For a packet from src to dst that came by interface `in`, in the caller's network namespace.
 * 0 or -errno: no route, or none that the kernel would forward by.
 */
int route_query(const struct ip_addr *dst, const struct ip_addr *src, uint32_t in,
		struct kernel_route *out);

#endif
