/* SPDX-License-Identifier: GPL-2.0-only */
/* What `ack` and `silence` did, and what `status` says of silences and the hook. */
#include "output/render.h"
#include "output/table.h"

int text_ack(FILE *out, const json_t *rows)
{
	fprintf(out, "%llu is acked: no more of it is told but its end, unless it gets worse\n",
		(unsigned long long)field_number(rows, "id"));
	return 0;
}

static void incidents_print(FILE *out, const json_t *ids)
{
	const json_t *id;
	size_t i;

	json_array_foreach (ids, i, id) {
		if (i == 10) {
			fputs(", ...", out);
			return;
		}
		fprintf(out, "%s%lld", i ? ", " : "", (long long)json_integer_value(id));
	}
	if (!i)
		fputs("none of those open now", out);
}

int text_silence(FILE *out, const json_t *rows)
{
	const char *prefix = field_text(rows, "prefix");

	if (field_known(rows, "until"))
		fprintf(out, "%s is silenced until %s; end it by: sameway silence %s 0\n", prefix,
			field_text(rows, "until"), prefix);
	else
		fprintf(out, "%s is no longer silenced\n", prefix);
	fputs("  incidents: ", out);
	incidents_print(out, json_object_get(rows, "incidents"));
	fputc('\n', out);
	return 0;
}

static int status_silences(FILE *out, const json_t *silences)
{
	struct table *table;
	const json_t *row;
	size_t i;

	if (!json_array_size(silences))
		return 0;
	fputc('\n', out);
	table = table_new("llr", 0);
	table_cell(table, "SILENCED");
	table_cell(table, "UNTIL");
	table_cell(table, "INCIDENTS");
	json_array_foreach (silences, i, row) {
		table_cell(table, "%s", field_text(row, "prefix"));
		table_cell(table, "%s", field_text(row, "until"));
		table_cell(table, "%zu", json_array_size(json_object_get(row, "incidents")));
	}
	return table_print(table, out);
}

static int status_notify(FILE *out, const json_t *notify)
{
	static const char *const heads[] = {"NOTIFY", "SENT", "FAILED", "DROPPED", "WAITING"};
	static const char *const keys[] = {"sent", "failed", "dropped", "waiting"};
	struct table *table;
	int err;

	if (!json_is_object(notify))
		return 0;
	fputc('\n', out);
	table = table_new("lrrrr", 0);
	for (size_t i = 0; i < 5; i++)
		table_cell(table, "%s", heads[i]);
	table_cell(table, "%.60s", field_text(notify, "command"));
	for (size_t i = 0; i < 4; i++)
		table_cell(table, "%llu", (unsigned long long)field_number(notify, keys[i]));
	err = table_print(table, out);
	if (!err && field_known(notify, "last_error"))
		fprintf(out, "  last error: %s\n", field_text(notify, "last_error"));
	return err;
}

int text_status_life(FILE *out, const json_t *rows)
{
	int err = status_silences(out, json_object_get(rows, "silences"));

	return err ? err : status_notify(out, json_object_get(rows, "notify"));
}
