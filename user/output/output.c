/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The door to stdout. Commands hand over rows; which renderer takes them is decided here and
 * nowhere else. Every answer ends with a flush, whose failure (a closed pipe, a full disk) is the
 * command's failure.
 */
#include "output/output.h"
#include "output/render.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A reader that went away knows that it did; anything else is said. */
static int output_done(int err)
{
	if (err)
		output_error("out of memory: the answer is not complete");
	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return err ? -EIO : 0;
	if (errno != EPIPE)
		output_error("standard output can't be written: %s",
			     errno ? strerror(errno) : "an earlier write failed");
	return -EIO;
}

int output_show(enum view_name view, const json_t *rows, bool json)
{
	return output_done(json ? json_render(stdout, rows) : text_render(stdout, view, rows));
}

int output_part(struct output_parts *parts, const json_t *rows)
{
	int err = 0;

	if (!parts->json)
		err = text_render(stdout, parts->view, rows);
	else if (json_array_size(rows))
		err = json_render_part(stdout, rows, !parts->begun);
	parts->begun |= json_array_size(rows) > 0;
	return output_done(err);
}

int output_part_text(struct output_parts *parts, const char *rows, size_t len)
{
	if (len) {
		fputs(parts->begun ? ",\n" : "[\n", stdout);
		fwrite(rows, 1, len, stdout);
	}
	parts->begun |= len > 0;
	return output_done(0);
}

int output_parts_end(const struct output_parts *parts)
{
	if (parts->json)
		fputs(parts->begun ? "\n]\n" : "[]\n", stdout);
	else if (!parts->begun && parts->view == SHOW_ROUTES)
		fputs("no routes\n", stdout);
	return output_done(0);
}

int output_audit(struct audit_text **audit, const char *down, const json_t *rows)
{
	if (!*audit)
		*audit = audit_text_new(stdout, down);
	if (!*audit)
		return output_done(-ENOMEM);
	audit_text_rows(*audit, rows);
	return output_done(0);
}

int output_audit_end(struct audit_text *audit)
{
	return output_done(audit_text_end(audit));
}

int output_alert_line(const json_t *incident, bool json)
{
	return output_done(json ? json_render_line(stdout, incident)
				: text_render_alert(stdout, incident));
}

int output_text(const char *text)
{
	fputs(text, stdout);
	return output_done(0);
}

void output_error(const char *fmt, ...)
{
	va_list args;

	flockfile(stderr);
	fputs("sameway: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	funlockfile(stderr);
}
