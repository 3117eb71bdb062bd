/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files that tell causes share. */
#ifndef SAMEWAY_CORE_CAUSE_TEXT_H
#define SAMEWAY_CORE_CAUSE_TEXT_H

#include "core/cause.h"

/* A buffer of CAUSE_TEXT_LEN; what does not fit ends in "...". */
struct text {
	char *buf;
	size_t len;
};

void text_add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Why the kernel sends it by the forward path though a better class is there: adds to both texts
 * and sets the cause; false: that can't be told, and nothing was added.
 */
bool cause_kernel_tell(const struct cause_facts *f, struct cause_told *told, struct text *msg,
		       struct text *fix);
/* Both by a class that is not the best it had. */
void cause_failover_tell(const struct cause_facts *f, struct cause_told *told, struct text *msg,
			 struct text *fix);
/* One direction only, with evidence; and an inside host's packets that come by a path. */
void cause_one_way_tell(const struct cause_facts *f, struct text *msg, struct text *fix);
void cause_spoof_tell(const struct cause_facts *f, struct text *msg, struct text *fix);

#endif
