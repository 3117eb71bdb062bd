/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SAMEWAY_OUTPUT_ROWS_DRAIN_H
#define SAMEWAY_OUTPUT_ROWS_DRAIN_H

#include "core/drain.h"
#include "output/rows.h"

/* What this edge has lost by its own counters since they began: whatever packets, of any path. */
#define DRAIN_LOSSES(X)                                                                            \
	X(no_path, "no-path")			 /* left to the kernel: nothing usable */          \
	X(rule_denied, "rule-denied")		 /* a policy rule allows no path that is left */   \
	X(redirect_failed, "redirect-failed")	 /* no room for the header, no device */           \
	X(after_redirect, "lost-after-redirect") /* the device did not take it */                  \
	X(egress_lost, "egress-lost")		 /* half rewritten when it could not be moved */
struct drain_losses {
#define DRAIN_LOSS_FIELD(field, text) uint64_t field;
	DRAIN_LOSSES(DRAIN_LOSS_FIELD)
};
/* 0 or -errno. */
int rows_drain_losses(struct maps *maps, struct drain_losses *out);

enum drain_end { DRAIN_ENDED_ITSELF, DRAIN_ENDED_BY_HAND, DRAIN_NOT_ENDED };
/*
 * Adds to the daemon's answer (control.h) what came of the drain: usable, as it is now; ended,
 * took_s, flows, backups, packets_lost, losses. before, after: the losses at both ends. 0 or
 * -errno.
 */
int rows_drain_report(json_t *answer, struct maps *maps, const struct drain *drain,
		      const struct drain_losses *before, const struct drain_losses *after,
		      enum drain_end end, double took_s);

#endif
