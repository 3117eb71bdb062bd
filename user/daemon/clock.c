/* SPDX-License-Identifier: GPL-2.0-only */
/* The clocks of the daemon, ns. */
#include "daemon/daemon_impl.h"

#include <time.h>

static uint64_t clock_read(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

uint64_t clock_now(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

uint64_t clock_coarse(void)
{
	return clock_read(CLOCK_MONOTONIC_COARSE);
}

uint64_t clock_wall(void)
{
	return clock_read(CLOCK_REALTIME);
}
