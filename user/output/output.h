/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Output: one model of rows (jansson values, the fields of contract.md's JSON answers), renderers
 * for text and JSON. The only code that writes to stdout.
 */
#ifndef SAMEWAY_OUTPUT_OUTPUT_H
#define SAMEWAY_OUTPUT_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>

enum view_name { /* which table of columns text uses */
		 SHOW_STATUS,
		 SHOW_PATHS,
		 SHOW_MODE,   /* what `enforce`, `monitor` did: {mode, for_s} */
		 SHOW_RELOAD, /* {config, reloaded, exit, error, mistakes, warnings} */
		 SHOW_COUNTERS,
		 SHOW_FLOWS,
		 SHOW_ROUTES,
		 SHOW_EXPLAIN,
		 SHOW_ALERTS,
		 SHOW_AUDIT,
		 SHOW_ACK,     /* an incident */
		 SHOW_SILENCE, /* {prefix, until, left_s, incidents: [ids]} */
		 SHOW_PATH,    /* what `path NAME drain|undrain` did: {path, usable, ...} */
		 SHOW_DRAIN,   /* that, and what came of it (rows_drain.h) */
		 SHOW_DETACH,  /* what `detach` removed: {instance, daemon_stopped, pins, files} */
		 SHOW_DOCTOR,  /* [{check, subject, ok, message, fix}] */
		 SHOW_COUNT
};

/* Prints rows (array or object) as JSON, or as the view's text. 0, or -EIO when stdout fails. */
int output_show(enum view_name view, const json_t *rows, bool json);
/*
 * An array in parts, printed as output_show() would print all of it. Zeroed but for view and json
 * at first; end: no more parts follow. 0, or -EIO likewise.
 */
struct output_parts {
	enum view_name view;
	bool json, begun;
};
int output_part(struct output_parts *parts, const json_t *rows);
/* The same of a part that is JSON text already, the rows with commas between. */
int output_part_text(struct output_parts *parts, const char *rows, size_t len);
int output_parts_end(const struct output_parts *parts);
/*
 * `audit` in parts, as text: rows to be begun with NULL in *audit, and ended. down: the path that
 * is taken out, NULL: none. 0, or -EIO likewise.
 */
struct audit_text;
int output_audit(struct audit_text **audit, const char *down, const json_t *rows);
int output_audit_end(struct audit_text *audit);
/* One line of `alerts -f`: an incident with its `event`. Flushed at once. */
int output_alert_line(const json_t *incident, bool json);
/* Plain text to stdout (help, version, check-config's config). */
int output_text(const char *text);
/* "sameway: TEXT" to stderr. */
void output_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
