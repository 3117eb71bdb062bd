/* SPDX-License-Identifier: GPL-2.0-only */
#include "core/path_failures.h"

void path_failures_note(struct path_failures *f, uint64_t well, uint64_t now)
{
	f->known |= well;
	for (unsigned int id = 0; id < SW_MAX_PATHS; id++)
		if (f->known >> id & 1 && !(well >> id & 1))
			f->at_ns[id] = now;
}

bool path_failures_lately(const struct path_failures *f, uint64_t paths, uint64_t within_ns,
			  uint64_t now)
{
	for (; paths; paths &= paths - 1) {
		uint64_t at = f->at_ns[__builtin_ctzll(paths)];

		if (at && now < at + within_ns)
			return true;
	}
	return false;
}
