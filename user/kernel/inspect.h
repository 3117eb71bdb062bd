/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Looks at the box once, in the network namespace of the caller, for `doctor` and `init`: rtnetlink
 * dumps, ethtool's ioctls, sysctls. Nothing is read from /sys/class/net, which under nsenter is
 * another namespace's.
 */
#ifndef SAMEWAY_KERNEL_INSPECT_H
#define SAMEWAY_KERNEL_INSPECT_H

#include "core/doctor.h"
#include "core/host.h"

/* 0 with *out to be freed by host_free(), or -errno with it empty. instance: whose XDP is ours. */
int inspect_host(struct host *out, const char *instance);
/* Kernel features, what redirected packets would pass by, who writes bits of `mask` (0: not asked).
 */
void inspect_kernel(struct doctor_kernel *out, uint32_t mask);
/* The pinned maps' state of health. */
void inspect_pins(struct doctor_pins *out, const char *instance);

/*
 * What the config names and is not there, which may be meant so: files, directories and commands of
 * feeds (files and directories relative to config_dir, NULL: to ours), the command of `notify`,
 * circuits that no path has; and what is most likely not meant: rules that nothing will match,
 * config_paths_warn(). 0 or -ENOMEM.
 */
int inspect_config(const struct config *cfg, const char *config_dir, struct config_errors *out);

/*
 * Asks for the neighbour, as the kernel would before sending to it. The answer is news a moment
 * later. 0 or -errno.
 */
int inspect_ask_neighbor(uint32_t ifindex, const struct ip_addr *addr);
/* Reads the neighbours again. 0 or -errno with the old ones kept. */
int inspect_neighbors(struct host *host);

#endif
