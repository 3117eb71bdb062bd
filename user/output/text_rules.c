/* SPDX-License-Identifier: GPL-2.0-only */
/* Of `status`: policy rules, and those that have no path. */
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
