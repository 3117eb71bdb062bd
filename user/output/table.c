/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A table is collected cell by cell and printed once all widths are known. Failures of memory are
 * kept in the table, so that the views above need no check a cell. Nothing read from a feed or the
 * daemon reaches the terminal with control characters in it.
 */
#include "output/table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct row {
	char *cell[TABLE_COLUMNS];
	char *note;
};

struct table {
	char spec[TABLE_COLUMNS + 1];
	size_t columns;
	unsigned int indent;
	struct row *rows;
	size_t n_rows, room;
	size_t column; /* of the next cell */
	bool failed;
};

struct table *table_new(const char *spec, unsigned int indent)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->columns = strlen(spec);
	if (table->columns > TABLE_COLUMNS)
		table->columns = TABLE_COLUMNS;
	memcpy(table->spec, spec, table->columns);
	table->column = table->columns;
	table->indent = indent;
	return table;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->n_rows; i++) {
		for (size_t c = 0; c < table->columns; c++)
			free(table->rows[i].cell[c]);
		free(table->rows[i].note);
	}
	free(table->rows);
	free(table);
}

char text_printable(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f ? '?' : c;
}

static char *text_make(const char *fmt, va_list args)
{
	char *text = NULL;

	if (vasprintf(&text, fmt, args) < 0)
		return NULL;
	for (char *p = text; *p; p++)
		*p = text_printable(*p);
	return text;
}

static bool table_row(struct table *table)
{
	if (table->n_rows == table->room) {
		size_t room = table->room ? table->room * 2 : 16;
		struct row *rows = reallocarray(table->rows, room, sizeof(*rows));

		if (!rows) {
			table->failed = true;
			return false;
		}
		table->rows = rows;
		table->room = room;
	}
	memset(&table->rows[table->n_rows++], 0, sizeof(struct row));
	table->column = 0;
	return true;
}

void table_cell(struct table *table, const char *fmt, ...)
{
	va_list args;
	char *text;

	if (!table || table->failed)
		return;
	if (table->column == table->columns && !table_row(table))
		return;
	va_start(args, fmt);
	text = text_make(fmt, args);
	va_end(args);
	if (text && !*text) {
		free(text);
		text = strdup("-");
	}
	table->failed = !text;
	table->rows[table->n_rows - 1].cell[table->column++] = text;
}

void table_note(struct table *table, const char *fmt, ...)
{
	char *text, *before;
	va_list args;
	struct row *row;

	if (!table || table->failed || !table->n_rows)
		return;
	row = &table->rows[table->n_rows - 1];
	before = row->note;
	va_start(args, fmt);
	text = text_make(fmt, args);
	va_end(args);
	row->note = text;
	if (text && before) {
		if (asprintf(&row->note, "%s\n%*s  %s", before, (int)table->indent, "", text) < 0)
			row->note = NULL;
		free(text);
	}
	free(before);
	table->failed = !row->note;
}

static void row_print(const struct table *table, const struct row *row, const size_t *width,
		      FILE *out)
{
	size_t last = 0;

	for (size_t c = 0; c < table->columns; c++) {
		if (row->cell[c])
			last = c;
	}
	fprintf(out, "%*s", (int)table->indent, "");
	for (size_t c = 0; c <= last; c++) {
		const char *text = row->cell[c] ? row->cell[c] : "";
		int w = (int)width[c];

		if (table->spec[c] == 'r')
			fprintf(out, "%*s", w, text);
		else
			fprintf(out, "%-*s", c == last ? 0 : w, text);
		fputs(c == last ? "\n" : "  ", out);
	}
	if (row->note)
		fprintf(out, "%*s  %s\n", (int)table->indent, "", row->note);
}

int table_print(struct table *table, FILE *out)
{
	size_t width[TABLE_COLUMNS] = {0};

	if (!table || table->failed) {
		table_free(table);
		return -ENOMEM;
	}
	for (size_t i = 0; i < table->n_rows; i++) {
		for (size_t c = 0; c < table->columns; c++) {
			const char *text = table->rows[i].cell[c];

			if (text && strlen(text) > width[c])
				width[c] = strlen(text);
		}
	}
	for (size_t i = 0; i < table->n_rows; i++)
		row_print(table, &table->rows[i], width, out);
	table_free(table);
	return 0;
}

const char *number_format(uint64_t n, char buf[NUMBER_STRLEN])
{
	static const char units[] = "kMGTPE";
	double value = (double)n;
	size_t u = 0;

	if (n < 10000) {
		snprintf(buf, NUMBER_STRLEN, "%llu", (unsigned long long)n);
		return buf;
	}
	for (value /= 1000; value >= 999.5 && units[u + 1]; u++)
		value /= 1000;
	snprintf(buf, NUMBER_STRLEN, "%.*f%c",
		 value < 9.995	 ? 2
		 : value < 99.95 ? 1
				 : 0,
		 value, units[u]);
	return buf;
}

const char *seconds_format(uint64_t seconds, char buf[NUMBER_STRLEN])
{
	unsigned long long s = seconds;

	if (s < 60)
		snprintf(buf, NUMBER_STRLEN, "%llus", s);
	else if (s < 3600)
		snprintf(buf, NUMBER_STRLEN, "%llum%02llus", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, NUMBER_STRLEN, "%lluh%02llum", s / 3600, s / 60 % 60);
	else
		snprintf(buf, NUMBER_STRLEN, "%llud%02lluh", s / 86400, s / 3600 % 24);
	return buf;
}

void text_wrap(FILE *out, const char *label, const char *text)
{
	size_t indent = strlen(label), column = indent;
	bool first = true;

	fputs(label, out);
	while (*text) {
		size_t word = strcspn(text, " ");

		if (!word) {
			text++;
			continue;
		}
		if (!first && column + 1 + word > TABLE_WIDTH) {
			fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (!first) {
			fputc(' ', out);
			column++;
		}
		first = false;
		column += word;
		while (word--)
			fputc(text_printable(*text++), out);
	}
	fputc('\n', out);
}
