/* SPDX-License-Identifier: GPL-2.0-only */
#include "core/gso.h"

uint64_t gso_seen_packets(const struct gso_seen *seen)
{
	/* read while they grow: never below what is sure */
	uint64_t single = seen->frames > seen->gso_frames ? seen->frames - seen->gso_frames : 0;

	return single + seen->gso_packets;
}

double gso_mean(const struct gso_seen *seen)
{
	return seen->frames ? (double)gso_seen_packets(seen) / (double)seen->frames : 0;
}

bool gso_worth_tc(const struct gso_seen *seen)
{
	return seen->gso_frames >= GSO_FRAMES_LEAST && gso_mean(seen) >= GSO_MEAN_LEAST;
}
