/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an interface brought to TC, and whether it is better left there. A virtual link brings whole
 * GSO frames, many packets at once: TC moves each in one go, while native XDP has them cut before
 * and takes the packets one by one, which it does faster than TC.
 */
#ifndef SAMEWAY_CORE_GSO_H
#define SAMEWAY_CORE_GSO_H

#include <stdbool.h>
#include <stdint.h>

struct gso_seen {
	uint64_t frames;      /* all that TC ingress saw */
	uint64_t gso_frames;  /* of several packets */
	uint64_t gso_packets; /* in those */
};

/* Fewer say nothing of what the link carries: a few sessions, a download. */
#define GSO_FRAMES_LEAST 1000
/*
 * Packets a frame, all frames counted, from where on TC costs less: XDP moves two to three packets
 * in the time that TC takes for a frame (docs/performance.md, "XDP or TC on a veth").
 */
#define GSO_MEAN_LEAST 3

uint64_t gso_seen_packets(const struct gso_seen *seen);
/* Packets a frame, on average; 0: there were none. */
double gso_mean(const struct gso_seen *seen);
/* Whether TC is the cheaper for such traffic. */
bool gso_worth_tc(const struct gso_seen *seen);

#endif
