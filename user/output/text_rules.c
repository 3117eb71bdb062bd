/* SPDX-License-Identifier: GPL-2.0-only */
/* Policy rules: of `status` those that have no path, of `counters` what each does. */
#include "output/render.h"
#include "output/table.h"

void text_status_rules(struct table *table, const json_t *rules)
{
	const json_t *list = json_object_get(rules, "list"), *row;
	char names[160] = "", n[NUMBER_STRLEN];
	size_t used = 0, i;

	if (!json_array_size(list))
		return;
	json_array_foreach (list, i, row)
		if (json_is_true(json_object_get(row, "dropping")) && used < sizeof(names))
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
						 used ? ", " : "", field_text(row, "name"));
	table_cell(table, "rules");
	table_cell(table, "%zu, %s packets denied%s%s", json_array_size(list),
		   number_format(field_number(rules, "denied"), n),
		   used ? "; dropped, as no path of it is usable: " : "", names);
}

int text_counters_rules(FILE *out, const json_t *rules)
{
	static const char *const counts[] = {"flows", "packets", "bytes", "denied", "would_deny"};
	static const char *const heads[] = {"RULE",  "FLOWS",  "PACKETS",
					    "BYTES", "DENIED", "WOULD-DENY"};
	struct table *table;
	const json_t *row;
	size_t i;

	if (!json_array_size(rules))
		return 0;
	fputc('\n', out);
	table = table_new("lrrrrr", 0);
	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		table_cell(table, "%s", heads[i]);
	json_array_foreach (rules, i, row) {
		table_cell(table, "%s", field_text(row, "name"));
		for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++)
			table_cell(table, "%llu", (unsigned long long)field_number(row, counts[c]));
	}
	return table_print(table, out);
}
