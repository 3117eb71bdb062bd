/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Others who have a say in where the kernel sends what sameway marks: rules and routes in the way
 * of its own, nftables rules that write its bits. Each is told once while it is there.
 */
#include "daemon/daemon_impl.h"

#include <stdio.h>
#include <string.h>

static bool has(const struct foreign *f, const char *line)
{
	for (size_t i = 0; i < f->n; i++) {
		if (!strcmp(f->line[i], line))
			return true;
	}
	return false;
}

void foreign_update(struct daemon *d, const struct steer_report *report)
{
	for (size_t i = 0; i < report->n_foreign; i++) {
		if (!has(&d->foreign, report->foreign[i]))
			daemon_log("%s", report->foreign[i]);
	}
	memcpy(d->foreign.line, report->foreign, sizeof(report->foreign));
	d->foreign.n = report->n_foreign;
}

void foreign_marks_look(struct daemon *d)
{
	struct foreign *f = &d->foreign;
	char found[300] = "", line[STEER_LINE] = "";

	f->marks_due = false;
	if (links_netfilter_marks(d->cfg->fwmark, found) > 0)
		snprintf(line, sizeof(line),
			 "%.180s, bits that are sameway's (%#x) among it: have it leave those as "
			 "they are, or write another `fwmark:`",
			 found, d->cfg->fwmark);
	if (line[0] && strcmp(line, f->writer))
		daemon_log("%s", line);
	memcpy(f->writer, line, sizeof(f->writer));
}

void foreign_forget(struct daemon *d)
{
	memset(&d->foreign, 0, sizeof(d->foreign));
}

json_t *foreign_rows(const struct daemon *d)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < d->foreign.n; i++)
		json_array_append_new(rows, json_string(d->foreign.line[i]));
	if (d->foreign.writer[0])
		json_array_append_new(rows, json_string(d->foreign.writer));
	return rows;
}
