/* SPDX-License-Identifier: GPL-2.0-only */
/* How kernel/ words its errors, and what libbpf said last, which else would go to stderr. */
#ifndef SAMEWAY_KERNEL_REPORT_H
#define SAMEWAY_KERNEL_REPORT_H

#include "kernel/datapath.h"

/* Takes libbpf's messages from here on (for the process) and forgets those kept before. */
void report_start(void);
/* The verifier's last word or libbpf's first warning since report_start(); "" when none. */
const char *report_said(void);
/* Writes the message and returns code, for `return report_fail(err, -EBUSY, ...)`. */
int report_fail(char err[DATAPATH_ERR], int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
