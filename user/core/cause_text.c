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
