/* SPDX-License-Identifier: GPL-2.0-only */
/* `doctor` as text: a line a finding that is not ok, with its fix; the others are summed up. */
#include "output/render.h"
#include "output/table.h"

/* Names of chains and programs are anybody's: nothing of them reaches the terminal raw. */
static void print_field(FILE *out, const json_t *row, const char *key, const char *after)
{
	for (const char *c = field_text(row, key); *c; c++)
		fputc(text_printable(*c), out);
	fputs(after, out);
}

int text_doctor(FILE *out, const json_t *rows)
{
	size_t i, fine = 0, all = json_array_size(rows);
	const json_t *row;

	json_array_foreach (rows, i, row) {
		if (json_is_true(json_object_get(row, "ok"))) {
			fine++;
			continue;
		}
		print_field(out, row, "check", " ");
		print_field(out, row, "subject", ": ");
		print_field(out, row, "message", ": ");
		print_field(out, row, "fix", "\n");
	}
	fprintf(out, "%zu of %zu checks ok%s\n", fine, all,
		fine == all ? "" : "; each line above says what is wrong and how to mend it");
	return 0;
}
