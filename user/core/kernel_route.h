/* SPDX-License-Identifier: GPL-2.0-only */
/* The route that the kernel itself would take, by its rules and tables: what a cause is told of. */
#ifndef SAMEWAY_CORE_KERNEL_ROUTE_H
#define SAMEWAY_CORE_KERNEL_ROUTE_H

#include "core/prefix.h"

struct kernel_route {
	char interface[16];
	struct prefix prefix;
	uint8_t protocol; /* RTPROT_*: who wrote it */
	uint32_t table;
};

#endif
