/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/cause_text.h"

void text_add(struct text *t, const char *fmt, ...)
{
	size_t room = CAUSE_TEXT_LEN - t->len;
	va_list ap;
	int n;

	if (room <= 1)
		return;
	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->len, room, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n >= room) {
		memcpy(t->buf + CAUSE_TEXT_LEN - 4, "...", 4);
		t->len = CAUSE_TEXT_LEN - 1;
	} else {
		t->len += (size_t)n;
	}
}

void text_as_path(struct text *t, const struct attributes *a)
{
	size_t shown = 0;

	text_add(t, " as_path");
	if (!a->has_as_path) {
		text_add(t, " not known");
		return;
	}
	if (!a->n_as)
		text_add(t, " empty");
	for (size_t i = 0; i < a->n_as; shown++) {
		size_t run = 1;

		if (shown == 6) {
			text_add(t, " ...");
			return;
		}
		while (i + run < a->n_as && a->as_path[i + run] == a->as_path[i])
			run++;
		text_add(t, " %u", a->as_path[i]);
		if (run > 1)
			text_add(t, "x%zu", run);
		i += run;
	}
}

void text_available(struct text *t, const struct cause_facts *f)
{
	for (size_t i = 0; i < f->n_available; i++)
		text_add(t, "%s%s", i ? ", " : "", f->available[i]);
}

size_t text_path_names(struct text *t, const struct incident_context *ctx, uint64_t paths)
{
	size_t n = 0;

	for (size_t i = 0; i < ctx->cfg->n_paths; i++)
		if (paths >> incident_path_id(ctx, i) & 1)
			text_add(t, "%s%s", n++ ? ", " : "", ctx->cfg->paths[i].name);
	return n;
}
