/* SPDX-License-Identifier: GPL-2.0-only */
#include "core/gso.h"

double gso_mean(const struct gso_seen *seen)
{
	/* counted by several CPUs, read one after another: may be a packet out */
	uint64_t single = seen->packets > seen->gso_packets ? seen->packets - seen->gso_packets : 0;
	uint64_t frames = single + seen->gso_frames;

	return frames ? (double)(single + seen->gso_packets) / (double)frames : 0;
}

bool gso_worth_tc(const struct gso_seen *seen)
{
	return seen->gso_frames >= GSO_FRAMES_LEAST && gso_mean(seen) >= GSO_MEAN_LEAST;
}
