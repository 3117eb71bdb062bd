/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a tunnel's device sends what it has wrapped. */
#ifndef SAMEWAY_KERNEL_TUNNEL_END_H
#define SAMEWAY_KERNEL_TUNNEL_END_H

#include "core/prefix.h"

/*
 * The far end of the tunnel of this device (gre, ipip, sit, ip6tnl, vti, vxlan, geneve), in the
 * caller's network namespace. 0; -ENOENT: it has none that the kernel knows (TUN, xfrm, WireGuard;
 * no tunnel at all); else -errno.
 */
int tunnel_end(const char *interface, struct ip_addr *out);

#endif
