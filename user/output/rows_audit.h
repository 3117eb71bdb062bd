/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rows of `audit` as JSON text: there may be hundreds of thousands of them, so they are put
 * together from what a source and a destination have in common, and never are jansson values.
 */
#ifndef SAMEWAY_OUTPUT_ROWS_AUDIT_H
#define SAMEWAY_OUTPUT_ROWS_AUDIT_H

#include "core/audit.h"

/* Text that grows; zeroed at first, freed by its owner. `failed`: memory ran out, it is not whole.
 */
struct rows_text {
	char *buf;
	size_t len, room;
	bool failed;
};

/* Where an audit stands: by value, since the tables change between two parts. Zeroed at first. */
struct audit_place {
	bool lost;	    /* learned prefixes are told: those that are lost follow */
	bool begun, in_row; /* in_row: `part` is not finished, its sources up to `src` are */
	struct prefix dst;  /* the last ones told: learned prefix, */
	struct prefix part; /* itself or the part of it that has a row, */
	struct prefix src;
	bool more;
};

/*
 * The next rows, with commas between, until enough() says so (asked now and then) or all are told.
 * *asymmetric: how many of them are. 0 or -ENOMEM.
 */
int rows_audit_part(const struct audit *audit, struct audit_place *place, struct rows_text *out,
		    size_t *asymmetric, bool (*enough)(void *arg, const struct rows_text *out),
		    void *arg);

#endif
