/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lock of an instance, /run/sameway/INSTANCE.lock: who holds it may load, attach and detach.
 * The daemon holds it as long as it lives, `detach` while it works.
 */
#ifndef SAMEWAY_KERNEL_INSTANCE_H
#define SAMEWAY_KERNEL_INSTANCE_H

#include "kernel/datapath.h"

/*
 * Takes the lock, waiting up to timeout_ms for its holder. 0 and *fd; -EBUSY: held; -EPERM: the
 * file can't be made (both with err).
 */
int instance_lock(const char *instance, int timeout_ms, int *fd, char err[DATAPATH_ERR]);
/* Lets it go; remove: the file, too. fd -1: nothing. */
void instance_unlock(const char *instance, int fd, bool remove);

/* Inode of the caller's network namespace: whose interfaces an instance has, in sw_ctl.netns. */
uint64_t instance_netns(void);
/* How to enter that one: "nsenter --net=..."; false: nobody is in it any more, it is gone. */
bool instance_netns_enter(uint64_t netns, char *call, size_t size);

#endif
