/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TC hooks the way of kernels before 6.6, which have no tcx: a filter in the clsact qdisc. All
 * take names and numbers of the caller's network namespace.
 */
#ifndef SAMEWAY_KERNEL_CLSACT_H
#define SAMEWAY_KERNEL_CLSACT_H

#include "kernel/datapath.h"

/*
 * Our filters' place, so that they are found again and replaced: no link does it for us. The first,
 * as with tcx: a user's filter that ends the look-up (`action ok`) would hide packets from us, ours
 * hides none but those it moves. Filters without a priority of their own come later.
 */
#define CLSACT_HANDLE	0x5a3e
#define CLSACT_PRIORITY 1

/*
 * Attaches the program as a filter, or replaces our filter's program in one step; makes the
 * qdisc where there is none, and records that. -EBUSY: another's filter has our priority.
 */
int clsact_attach(const char *dir, int prog_fd, uint32_t ifindex, const char *ifname,
		  enum hook hook, char err[DATAPATH_ERR]);
/* Removes the filter and its pin, and with the last one the qdisc if it is ours and empty. */
int clsact_remove(const char *dir, const char *ifname, enum hook hook);
/* True: the interface is there and has our filter. */
bool clsact_attached(const char *ifname, enum hook hook);

#endif
