/* SPDX-License-Identifier: GPL-2.0-only */
/* What feeds that read tables have of them, in `status`. */
#include "output/render.h"
#include "output/table.h"

/* Of feeds that have several tables. */
static int status_tables(FILE *out, const json_t *feeds)
{
	struct table *table = NULL;
	const json_t *feed, *row;
	char n[NUMBER_STRLEN];
	size_t i, k;

	json_array_foreach (feeds, i, feed) {
		json_array_foreach (json_object_get(feed, "tables"), k, row) {
			if (!table) {
				fputc('\n', out);
				table = table_new("llrrl", 0);
				table_cell(table, "TABLE");
				table_cell(table, "FEED");
				table_cell(table, "ROUTES");
				table_cell(table, "AGE");
				table_cell(table, "STALE");
			}
			table_cell(table, "%s", field_text(row, "name"));
			table_cell(table, "%s", field_text(feed, "name"));
			table_cell(table, "%s", field_count(row, "routes", n));
			table_cell(table, "%s", seconds_format(field_number(row, "age_s"), n));
			table_cell(table,
				   json_is_true(json_object_get(row, "stale")) ? "yes" : "no");
		}
	}
	return table ? table_print(table, out) : 0;
}

/* BGP sessions of the far side. */
static int status_peers(FILE *out, const json_t *feeds)
{
	static const char *const heads[] = {"GATEWAY", "PEER", "AS", "STATE", "ROUTES"};
	struct table *table = NULL;
	const json_t *feed, *row;
	char n[NUMBER_STRLEN];
	size_t i, k;

	json_array_foreach (feeds, i, feed) {
		json_array_foreach (json_object_get(feed, "peers"), k, row) {
			if (!table) {
				fputc('\n', out);
				table = table_new("llrlr", 0);
				for (size_t h = 0; h < 5; h++)
					table_cell(table, "%s", heads[h]);
			}
			table_cell(table, "%s", field_text(row, "gateway"));
			table_cell(table, "%s", field_text(row, "peer"));
			table_cell(table, "%llu", (unsigned long long)field_number(row, "as"));
			table_cell(table, "%s", field_text(row, "state"));
			table_cell(table, "%s", field_count(row, "routes", n));
		}
	}
	return table ? table_print(table, out) : 0;
}

int text_feed_tables(FILE *out, const json_t *feeds)
{
	int err = status_tables(out, feeds);

	return err ? err : status_peers(out, feeds);
}
