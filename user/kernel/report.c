/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libbpf writes its warnings to stderr, several lines for one mistake and a whole verifier log for
 * another. Here they are kept instead: the first warning, which is nearest to the cause, and of a
 * verifier log the line before its statistics, which is what the verifier objects to. Both are
 * process-wide, as libbpf's own callback is.
 */
#include "kernel/report.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char first_warning[200];
static char verifier_line[200];

/* Copies one line, without libbpf's own name in front. */
static void line_copy(char out[200], const char *line)
{
	static const char own[] = "libbpf: ";

	if (!strncmp(line, own, sizeof(own) - 1))
		line += sizeof(own) - 1;
	snprintf(out, 200, "%.*s", (int)strcspn(line, "\n"), line);
}

/* The log's last line before "processed N insns". */
static void verifier_keep(char *log)
{
	char *save = NULL, *before = NULL;

	for (char *line = strtok_r(log, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, "processed ", 10))
			break;
		before = line;
	}
	if (before)
		line_copy(verifier_line, before);
}

static int report_keep(enum libbpf_print_level level, const char *fmt, va_list args)
{
	char *text;

	if (level != LIBBPF_WARN || vasprintf(&text, fmt, args) < 0)
		return 0;
	/* libbpf's second try says more than the notice that there is one */
	if (!first_warning[0] && !strstr(text, "Retrying without BTF"))
		line_copy(first_warning, text);
	if (strstr(text, "BEGIN PROG LOAD LOG"))
		verifier_keep(text);
	free(text);
	return 0;
}

void report_start(void)
{
	first_warning[0] = '\0';
	verifier_line[0] = '\0';
	libbpf_set_print(report_keep);
}

const char *report_said(void)
{
	static char said[sizeof(first_warning) + sizeof(verifier_line) + 2];

	snprintf(said, sizeof(said), "%s%s%s", first_warning, verifier_line[0] ? ": " : "",
		 verifier_line);
	return said;
}

int report_fail(char err[DATAPATH_ERR], int code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(err, DATAPATH_ERR, fmt, args);
	va_end(args);
	return code;
}
