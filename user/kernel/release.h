/* SPDX-License-Identifier: GPL-2.0-only */
/* XDP taken off an instance's interfaces where no daemon does it. */
#ifndef SAMEWAY_KERNEL_RELEASE_H
#define SAMEWAY_KERNEL_RELEASE_H

#include <stddef.h>

/*
 * One at a time, backups first, each when the last one's link is back (10 s at most): a real NIC
 * drops its carrier for it. Returns how many were taken off; what could not be stays pinned.
 */
size_t release_xdp(const char *dir, const char *instance);

#endif
