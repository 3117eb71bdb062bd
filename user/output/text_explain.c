/* SPDX-License-Identifier: GPL-2.0-only */
/* `explain` for people: the choice, the ladder that led to it, and what if. */
#include "output/render.h"
#include "output/table.h"

#include <string.h>

static void explain_return(FILE *out, const json_t *back)
{
	char age[NUMBER_STRLEN];

	fputs("return   ", out);
	if (!field_known(back, "class")) {
		fputs("unknown: no feed with `view: remote` says how it comes back\n", out);
		return;
	}
	fprintf(out, "to %s by %s", field_text(back, "prefix"), field_text(back, "class"));
	if (field_known(back, "circuit"))
		fprintf(out, ", circuit %s", field_text(back, "circuit"));
	if (field_known(back, "view_age_s"))
		fprintf(out, ", as known %s ago%s",
			seconds_format(field_number(back, "view_age_s"), age),
			json_is_true(json_object_get(back, "view_stale")) ? ", stale" : "");
	fputc('\n', out);
}

static void explain_choice(FILE *out, const json_t *rows)
{
	fprintf(out, "%s", field_text(rows, "dst"));
	if (field_known(rows, "src"))
		fprintf(out, " from %s", field_text(rows, "src"));
	fputc('\n', out);
	fprintf(out, "prefix   %s\n",
		field_known(rows, "prefix") ? field_text(rows, "prefix") : "none");
	if (field_known(rows, "path"))
		fprintf(out, "path     %s, %s\n", field_text(rows, "path"),
			field_text(rows, "class"));
	else
		fputs("path     none\n", out);
	if (field_known(rows, "why"))
		text_wrap(out, "why      ", field_text(rows, "why"));
	if (field_known(rows, "step"))
		fprintf(out, "step     %s\n", field_text(rows, "step"));
}

/* Each candidate, and what put it behind the one that was taken. */
static int explain_candidates(FILE *out, const json_t *rows, bool taken)
{
	struct table *table = table_new("lllll", 9);
	const json_t *row;
	char as_path[44];
	size_t i;

	if (json_array_size(rows))
		fputs("candidates, and the step that put them behind\n", out);
	json_array_foreach (rows, i, row) {
		bool stale = json_is_true(json_object_get(row, "stale"));

		table_cell(table, "%s", field_text(row, "path"));
		table_cell(table, "%s",
			   field_known(row, "step") ? field_text(row, "step")
			   : taken		    ? "taken"
						    : "-");
		table_cell(table, "%s", field_text(row, "prefix"));
		if (field_known(row, "local_pref"))
			table_cell(table, "pref %llu",
				   (unsigned long long)field_number(row, "local_pref"));
		else
			table_cell(table, "no pref");
		render_as_path(json_object_get(row, "as_path"), as_path, sizeof(as_path));
		table_cell(table, "%s%s", as_path, stale ? ", stale" : "");
	}
	return table_print(table, out);
}

/* What is left when the path fails. */
static const char *explain_then(const json_t *row)
{
	if (field_known(row, "then"))
		return field_text(row, "then");
	return json_is_true(json_object_get(row, "dropped")) ? "dropped, by the rule"
							     : "no path is left";
}

static void explain_if_down(FILE *out, const json_t *rows)
{
	const json_t *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		const json_t *back = json_object_get(row, "return");
		bool last = !strcmp(field_text(row, "step"), "last-resort");

		fprintf(out, "%s %s: %s%s", i ? "        " : "if down ", field_text(row, "path"),
			explain_then(row), last ? ", as last resort" : "");
		if (field_known(row, "then") && field_known(back, "class"))
			fprintf(out, ", back by %s%s%s", field_text(back, "class"),
				field_known(back, "circuit") ? " " : "",
				field_text(back, "circuit"));
		if (field_known(row, "verdict"))
			fprintf(out, ": %s", field_text(row, "verdict"));
		fputc('\n', out);
	}
}

static void explain_seen(FILE *out, const json_t *seen)
{
	size_t hosts = json_array_size(json_object_get(seen, "hosts")), i;
	const json_t *row;

	if (!json_is_object(seen))
		return;
	fprintf(out, "seen     %zu%s flow%s of these two hosts\n", hosts, hosts == 20 ? "+" : "",
		hosts == 1 ? "" : "s");
	json_array_foreach (json_object_get(seen, "prefixes"), i, row)
		fprintf(out,
			"         between the prefixes: %llu flow%s out by %s, back by %s, %s, "
			"%llu "
			"packets\n",
			(unsigned long long)field_number(row, "flows"),
			field_number(row, "flows") == 1 ? "" : "s",
			field_known(row, "forward_path") ? field_text(row, "forward_path") : "-",
			field_known(row, "reverse_path") ? field_text(row, "reverse_path") : "-",
			field_text(row, "verdict"),
			(unsigned long long)field_number(row, "packets"));
}

int text_explain(FILE *out, const json_t *rows)
{
	int err;

	explain_choice(out, rows);
	if (json_array_size(json_object_get(rows, "tiers")) && field_known(rows, "rule"))
		fprintf(out, "ladder, rule %s comes before it\n", field_text(rows, "rule"));
	else if (json_array_size(json_object_get(rows, "tiers")))
		fputs("ladder\n", out);
	err = text_tiers(out, rows, 9);
	if (!err)
		err = explain_candidates(out, json_object_get(rows, "candidates"),
					 field_known(rows, "path"));
	if (err)
		return err;
	explain_if_down(out, json_object_get(rows, "if_down"));
	if (field_known(rows, "path"))
		explain_return(out, json_object_get(rows, "return"));
	explain_seen(out, json_object_get(rows, "seen"));
	fprintf(out, "verdict  %s\n",
		field_known(rows, "verdict") ? field_text(rows, "verdict") : "-");
	if (field_known(rows, "cause"))
		fprintf(out, "cause    %s, side %s\n", field_text(rows, "cause"),
			field_text(rows, "side"));
	if (field_known(rows, "message"))
		text_wrap(out, "what     ", field_text(rows, "message"));
	if (field_known(rows, "fix"))
		text_wrap(out, "fix      ", field_text(rows, "fix"));
	return 0;
}
