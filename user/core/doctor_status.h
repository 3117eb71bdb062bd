/* SPDX-License-Identifier: GPL-2.0-only */
/* The part of the preflight that reads the rows of other commands. Pure. */
#ifndef SAMEWAY_CORE_DOCTOR_STATUS_H
#define SAMEWAY_CORE_DOCTOR_STATUS_H

#include "core/doctor.h"

#include <jansson.h>

/* Text of the field, "" where it is none. */
const char *doctor_text(const json_t *row, const char *key);
/* The daemon's `status`. */
void doctor_status(struct doctor_report *report, const char *instance, const json_t *status);
/* No daemon answers. pinned: its maps are there; socket: so is its control socket. */
void doctor_no_daemon(struct doctor_report *report, const char *instance, bool pinned, bool socket);
/* The rows of `paths`. */
void doctor_paths(struct doctor_report *report, const json_t *paths);

#endif
