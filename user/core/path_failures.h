/* SPDX-License-Identifier: GPL-2.0-only */
/* When each path was last not well: what it took away is told otherwise than what was withdrawn. */
#ifndef SAMEWAY_CORE_PATH_FAILURES_H
#define SAMEWAY_CORE_PATH_FAILURES_H

#include <stdbool.h>
#include <stdint.h>

#include "sameway/abi.h"

struct path_failures {
	uint64_t known;		      /* path ids that were well once */
	uint64_t at_ns[SW_MAX_PATHS]; /* when one of these was last seen not to be, 0: never */
};
/* `well`: path ids that are, at `now` (CLOCK_MONOTONIC). */
void path_failures_note(struct path_failures *f, uint64_t well, uint64_t now);
/* Whether any of the paths is not well, or has not been for `within_ns`. */
bool path_failures_lately(const struct path_failures *f, uint64_t paths, uint64_t within_ns,
			  uint64_t now);

#endif
