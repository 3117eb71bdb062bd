/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rows as JSON: one document and a newline, keys in the order of contract.md, which is the order
 * in which rows_*.c and the daemon set them.
 */
#include "output/render.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int dump(FILE *out, const json_t *rows, size_t flags)
{
	if (json_dumpf(rows, out, flags | JSON_ENCODE_ANY) && !ferror(out))
		return -ENOMEM;
	fputc('\n', out);
	return 0;
}

int json_render(FILE *out, const json_t *rows)
{
	return dump(out, rows, JSON_INDENT(2));
}

int json_render_part(FILE *out, const json_t *rows, bool first)
{
	char *text = json_dumps(rows, JSON_INDENT(2));

	if (!text)
		return -ENOMEM;
	text[strlen(text) - strlen("\n]")] = 0;
	fputs(first ? "[" : ",", out);
	fputs(text + strlen("["), out);
	free(text);
	return 0;
}

int json_render_line(FILE *out, const json_t *row)
{
	return dump(out, row, JSON_COMPACT);
}
