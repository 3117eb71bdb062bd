/* SPDX-License-Identifier: GPL-2.0-only */
/* The BFD sessions of paths that have `bfd: true`, as a table below `paths`. */
#include "output/render.h"
#include "output/table.h"

static void milliseconds(struct table *table, const json_t *row, const char *key)
{
	const json_t *value = json_object_get(row, key);

	if (!json_is_number(value))
		table_cell(table, "-");
	else if (json_number_value(value) < 10000)
		table_cell(table, "%.4g ms", json_number_value(value));
	else
		table_cell(table, "%.0f s", json_number_value(value) / 1000);
}

static void session(struct table *table, const char *path, const json_t *row)
{
	char n[NUMBER_STRLEN];

	table_cell(table, "%s", path);
	table_cell(table, "%s", field_text(row, "peer"));
	table_cell(table, "%s%s", field_text(row, "state"),
		   json_is_true(json_object_get(row, "armed")) ? "" : ", not armed");
	milliseconds(table, row, "interval_ms");
	milliseconds(table, row, "detect_ms");
	milliseconds(table, row, "heard_ms");
	table_cell(table, "%s", field_count(row, "misses", n));
	table_cell(table, "%s", field_count(row, "downs", n));
}

static uint64_t refused(const json_t *bfd)
{
	const json_t *count;
	const char *why;
	uint64_t n = 0;

	json_object_foreach ((json_t *)json_object_get(bfd, "refused"), why, count) {
		n += (uint64_t)json_integer_value(count);
	}
	return n;
}

int text_bfd(FILE *out, const json_t *paths)
{
	static const char *const heads[] = {"PATH",    "BFD-PEER", "STATE",  "INTERVAL",
					    "DETECTS", "HEARD",	   "MISSES", "DOWNS"};
	struct table *table = table_new("lllrrrrr", 0);
	const json_t *row, *s;
	bool any = false;
	size_t i, k;

	for (i = 0; i < 8; i++)
		table_cell(table, "%s", heads[i]);
	json_array_foreach (paths, i, row) {
		const json_t *bfd = json_object_get(row, "bfd");

		json_array_foreach (json_object_get(bfd, "sessions"), k, s) {
			session(table, k ? "" : field_text(row, "name"), s);
			any = true;
		}
		if (refused(bfd))
			table_note(table, "refused: %llu packets, see `paths -j`",
				   (unsigned long long)refused(bfd));
	}
	if (!any) {
		table_free(table);
		return 0;
	}
	fputc('\n', out);
	return table_print(table, out);
}
