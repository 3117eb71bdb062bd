/* SPDX-License-Identifier: GPL-2.0-only */
/* The programs on the kernel's tracepoints: redirect errors. They need no interface. */
#ifndef SAMEWAY_KERNEL_TRACE_H
#define SAMEWAY_KERNEL_TRACE_H

#include "kernel/datapath_impl.h"

/* Before the load: leaves the programs out where this kernel does not take them. */
void trace_prepare(struct sameway *skel);
/*
 * Attaches and pins them, in place of an earlier daemon's. 0, or -errno: none is attached;
 * -EOPNOTSUPP: this kernel does not take them.
 */
int trace_attach(const char *dir, struct sameway *skel);
/* True: they are pinned, so they count. */
bool trace_attached(const char *dir);

#endif
