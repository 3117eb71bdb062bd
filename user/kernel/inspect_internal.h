/* SPDX-License-Identifier: GPL-2.0-only */
/* What the inspect_*.c files share. */
#ifndef SAMEWAY_KERNEL_INSPECT_INTERNAL_H
#define SAMEWAY_KERNEL_INSPECT_INTERNAL_H

#include "core/host.h"
#include "kernel/inspect.h"

#include <libmnl/libmnl.h>

/* Sends the request on a socket of its own and hands each answer to cb. 0 or -errno. */
int inspect_request(struct nlmsghdr *nlh, uint16_t flags, mnl_cb_t cb, void *arg);
/* Driver, XDP, sysctls and veth peer of a link that the dump has filled. */
void inspect_link_details(struct host_link *link, const char *instance);

#endif
