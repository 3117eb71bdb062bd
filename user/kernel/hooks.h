/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs on interfaces: XDP and tcx by pinned links, TC by clsact filters where the kernel has
 * no tcx. Everything is read from the pins and the kernel each time; nothing is remembered here.
 */
#ifndef SAMEWAY_KERNEL_HOOKS_H
#define SAMEWAY_KERNEL_HOOKS_H

#include "kernel/datapath.h"

enum hooks_tc { HOOKS_TCX, HOOKS_CLSACT };
/* How this kernel does TC hooks; asked once. */
enum hooks_tc hooks_tc_way(void);

/*
 * Attaches the program, or replaces the one that our pinned link or filter runs. The interface is
 * of the caller's network namespace. A link whose interface is gone, or is now another, is made
 * anew. `tc` is of no meaning to XDP. On failure nothing is attached that was not. -EBUSY: the
 * interface has a foreign XDP program; -EOPNOTSUPP: its driver has no native XDP; -ENODEV: no such
 * interface.
 */
int hooks_attach(const char *dir, int prog_fd, uint32_t ifindex, const char *ifname, enum hook hook,
		 enum hooks_tc tc, char err[DATAPATH_ERR]);
/* 0 where our XDP could go on, -EBUSY with err: a foreign program is there; else -errno. */
int hooks_xdp_check(const char *dir, uint32_t ifindex, const char *ifname, char err[DATAPATH_ERR]);
/* True: the interface runs what the link pinned by this name attached. */
bool hooks_runs(const char *dir, uint32_t ifindex, const char *ifname, enum hook hook);
/* Detaches and unpins. 0 also where nothing was, or -errno. */
int hooks_remove(const char *dir, const char *ifname, enum hook hook);
/* True: it is pinned and still has its interface. */
bool hooks_attached(const char *dir, const char *ifname, enum hook hook);

typedef int (*hooks_cb)(void *arg, const char *dir, const char *ifname, enum hook hook);
/* Each pinned hook; cb may remove it. Stops at the first non-zero, which it returns. */
int hooks_each(const char *dir, hooks_cb cb, void *arg);

#endif
