/* SPDX-License-Identifier: GPL-2.0-only */
/* What came of a drain with an end (rows_drain.h). */
#include "output/render.h"
#include "output/table.h"

#include <string.h>

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void drain_head(FILE *out, const json_t *rows)
{
	const char *ended = field_text(rows, "ended");
	double took = json_number_value(json_object_get(rows, "took_s"));
	char why[120];

	fprintf(out, "%s ", field_text(rows, "path"));
	if (!*ended)
		fprintf(out, "is still drained after %.0f s", took);
	else
		fprintf(out, "is back after %.0f s, %s", took,
			strcmp(ended, "by-hand") ? "by itself" : "undrained by hand");
	if (*ended && !json_is_true(json_object_get(rows, "usable")))
		fprintf(out, ", but not usable: %s", field_list(rows, "reasons", why, sizeof(why)));
	fputc('\n', out);
}

static void drain_lost(struct table *table, const json_t *rows)
{
	char names[200], a[NUMBER_STRLEN], b[NUMBER_STRLEN];
	const json_t *row;
	size_t i;

	table_cell(table, "prefixes");
	table_cell(table, "%s moved, %s without a path%s%s", field_count(rows, "prefixes_moved", a),
		   field_count(rows, "prefixes_lost", b),
		   field_number(rows, "prefixes_lost") ? ": " : "",
		   field_number(rows, "prefixes_lost")
			   ? field_list(rows, "lost_prefixes", names, sizeof(names))
			   : "");
	json_array_foreach (json_object_get(rows, "lost_rules"), i, row) {
		uint64_t n = field_number(row, "prefixes");

		table_cell(table, "rule");
		table_cell(table, "%s allows no other path for %s prefix%s",
			   field_text(row, "name"), field_count(row, "prefixes", a),
			   n == 1 ? "" : "es");
	}
}

static void drain_flow_rows(struct table *table, const json_t *rows)
{
	const json_t *flows = json_object_get(rows, "flows"), *row;
	uint64_t alive = field_number(flows, "alive"), moved = field_number(flows, "moved");
	uint64_t silent = field_number(flows, "unanswered");
	char a[NUMBER_STRLEN], b[NUMBER_STRLEN], c[NUMBER_STRLEN];
	size_t i;

	table_cell(table, "flows");
	if (!alive) {
		table_cell(table, "none went by %s before: of its backup nothing is proven",
			   field_text(rows, "path"));
		return;
	}
	table_cell(table, "%s of %s moved%s", field_count(flows, "moved", a),
		   field_count(flows, "alive", b),
		   moved < alive ? "; the others sent nothing since, or have no path" : "");
	json_array_foreach (json_object_get(rows, "backups"), i, row) {
		table_cell(table, "by %s", field_text(row, "path"));
		table_cell(table, "%s flow%s, %s packet%s, %s bytes", field_count(row, "flows", a),
			   plural(field_number(row, "flows")), field_count(row, "packets", b),
			   plural(field_number(row, "packets")), field_count(row, "bytes", c));
	}
	if (!moved)
		return;
	table_cell(table, "answers");
	if (silent)
		table_cell(table, "ended for %s flow%s that had them: the backup loses them",
			   field_count(flows, "unanswered", a), plural(silent));
	else
		table_cell(table, "still come, of each flow that had them");
	if (field_number(flows, "answered_by_it")) {
		table_note(table,
			   "of %s still come by %s: the far side has not moved, so its direction "
			   "of the backup is not proven",
			   field_count(flows, "answered_by_it", a), field_text(rows, "path"));
	}
}

/* By the paths' probes, where they have any. */
static void drain_rtt(struct table *table, const json_t *rows)
{
	bool known = field_known(rows, "rtt_before_ms");
	const json_t *row;
	size_t i;

	if (known) {
		table_cell(table, "round trip");
		table_cell(table, "%.1f ms by %s before",
			   json_number_value(json_object_get(rows, "rtt_before_ms")),
			   field_text(rows, "path"));
	}
	json_array_foreach (json_object_get(rows, "backups"), i, row) {
		if (!field_known(row, "rtt_ms"))
			continue;
		known = true;
		table_cell(table, "round trip");
		table_cell(table, "%.1f ms by %s",
			   json_number_value(json_object_get(row, "rtt_ms")),
			   field_text(row, "path"));
	}
	if (!known) {
		table_cell(table, "round trip");
		table_cell(table, "not known: these paths have no `probe:` that is answered");
	}
}

static void drain_packets(struct table *table, const json_t *rows)
{
	const json_t *row;
	char a[NUMBER_STRLEN];
	size_t i;

	table_cell(table, "lost");
	table_cell(table, "%s packet%s, by the counters of this edge",
		   field_count(rows, "packets_lost", a),
		   plural(field_number(rows, "packets_lost")));
	json_array_foreach (json_object_get(rows, "losses"), i, row) {
		table_note(table, "%s %s", field_text(row, "reason"),
			   field_count(row, "packets", a));
	}
}

int text_drain(FILE *out, const json_t *rows)
{
	struct table *table = table_new("ll", 2);

	drain_head(out, rows);
	drain_lost(table, rows);
	drain_flow_rows(table, rows);
	drain_rtt(table, rows);
	drain_packets(table, rows);
	return table_print(table, out);
}
