/* SPDX-License-Identifier: GPL-2.0-only */
/* The paths' probes: a note below a row of `paths`, a table of `status`. */
#include "output/render.h"
#include "output/table.h"

/* What is odd of it now, empty: nothing. */
static const char *probe_odd(const json_t *probe, char *buf, size_t size)
{
	buf[0] = '\0';
	if (field_known(probe, "elsewhere"))
		snprintf(buf, size, "answers come by %s", field_text(probe, "elsewhere"));
	else if (field_known(probe, "blocked"))
		snprintf(buf, size, "not sent now: %s", field_text(probe, "blocked"));
	return buf;
}

void text_paths_probe(struct table *table, const json_t *probe)
{
	unsigned int last = (unsigned int)field_number(probe, "last");
	unsigned int lost = (unsigned int)field_number(probe, "lost");
	char rtt[40] = "", odd[80];

	if (!json_is_object(probe))
		return;
	if (field_known(probe, "rtt_ms"))
		snprintf(rtt, sizeof(rtt), ", %.1f ms",
			 json_number_value(json_object_get(probe, "rtt_ms")));
	probe_odd(probe, odd, sizeof(odd));
	table_note(table, "probe %s: %s%s, %u of the last %u lost%s%s", field_text(probe, "target"),
		   field_text(probe, "state"), rtt, lost, last, odd[0] ? ", " : "", odd);
}

int text_status_probes(FILE *out, const json_t *probes)
{
	static const char *const heads[] = {"PROBE", "TARGET",	 "STATE", "RTT",
					    "SENT",  "ANSWERED", "LOST"};
	struct table *table;
	const json_t *row;
	size_t i;

	if (!json_array_size(probes))
		return 0;
	fputc('\n', out);
	table = table_new("lllrrrr", 0);
	for (i = 0; i < 7; i++)
		table_cell(table, "%s", heads[i]);
	json_array_foreach (probes, i, row) {
		char n[NUMBER_STRLEN], odd[80];

		table_cell(table, "%s", field_text(row, "path"));
		table_cell(table, "%s", field_text(row, "target"));
		table_cell(table, "%s", field_text(row, "state"));
		if (field_known(row, "rtt_ms"))
			table_cell(table, "%.1f ms",
				   json_number_value(json_object_get(row, "rtt_ms")));
		else
			table_cell(table, "-");
		table_cell(table, "%s", field_count(row, "sent", n));
		table_cell(table, "%s", field_count(row, "answered", n));
		if (field_number(row, "last"))
			table_cell(table, "%llu/%llu",
				   (unsigned long long)field_number(row, "lost"),
				   (unsigned long long)field_number(row, "last"));
		else
			table_cell(table, "-");
		if (probe_odd(row, odd, sizeof(odd))[0])
			table_note(table, "%s", odd);
	}
	return table_print(table, out);
}
