/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SAMEWAY_DAEMON_ANSWER_AUDIT_H
#define SAMEWAY_DAEMON_ANSWER_AUDIT_H

#include "daemon/daemon_impl.h"
#include "output/rows_audit.h"

/* What audits go by, now; `ctx` is filled, and has to live as long. */
void audit_begin(struct daemon *d, struct incident_context *ctx, struct audit *out);
/* Id of the path of this name, -1: none. */
int audit_path(const struct daemon *d, const char *name);
/*
 * The next rows, as rows_audit_part(): 2 ms of them, or 256 KiB. down: name of a path that is taken
 * out, empty: none. 0 or -ENOMEM.
 */
int answer_audit_part(struct daemon *d, struct audit_place *place, const char *down,
		      struct rows_text *out, size_t *asymmetric);

#endif
