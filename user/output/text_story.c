/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Answers that are read, not scanned: routes with their tiers and candidates, alerts as blocks of
 * lines that say what to do, and what a command did. (explain: text_explain.c.)
 */
#include "output/render.h"
#include "output/table.h"

#include <string.h>

/* " shared 1:3" where a tier's weights differ, else nothing. */
static void shares_format(const json_t *weights, char *buf, size_t size)
{
	json_int_t first = json_integer_value(json_array_get(weights, 0));
	const json_t *weight;
	bool differ = false;
	size_t used, i;

	buf[0] = 0;
	json_array_foreach (weights, i, weight)
		differ |= json_integer_value(weight) != first;
	if (!differ)
		return;
	used = (size_t)snprintf(buf, size, " shared");
	json_array_foreach (weights, i, weight) {
		if (used + 4 < size)
			used += (size_t)snprintf(buf + used, size - used, "%c%d", i ? ':' : ' ',
						 (int)json_integer_value(weight));
	}
}

int text_tiers(FILE *out, const json_t *row, unsigned int indent)
{
	const json_t *tiers = json_object_get(row, "tiers");
	struct table *table;
	const json_t *tier;
	char paths[400], shares[240];
	size_t i;

	table = table_new("llll", indent);
	json_array_foreach (tiers, i, tier) {
		table_cell(table, "tier %zu", i + 1);
		table_cell(table, "%s", field_text(tier, "class"));
		shares_format(json_object_get(tier, "weights"), shares, sizeof(shares));
		table_cell(table, "%s%s", field_list(tier, "paths", paths, sizeof(paths)), shares);
		if (field_known(tier, "via_prefix"))
			table_cell(table, "by %s", field_text(tier, "via_prefix"));
		else
			table_cell(table, "by the prefix itself");
	}
	return table_print(table, out);
}

void render_as_path(const json_t *list, char *buf, size_t size)
{
	const json_t *as;
	size_t used = 0, i;

	if (!json_is_array(list)) {
		snprintf(buf, size, "no AS path");
		return;
	}
	if (!json_array_size(list))
		snprintf(buf, size, "AS path empty");
	json_array_foreach (list, i, as) {
		if (used + 16 > size) {
			snprintf(buf + used, size - used, " ...");
			return;
		}
		used += (size_t)snprintf(buf + used, size - used, "%s %llu", i ? "" : "AS path",
					 (unsigned long long)json_integer_value(as));
	}
}

static int route_candidates(FILE *out, const json_t *candidates)
{
	struct table *table = table_new("llllll", 2);
	const json_t *row;
	char as_path[120];
	size_t i;

	json_array_foreach (candidates, i, row) {
		table_cell(table, "candidate");
		table_cell(table, "%s", field_known(row, "path") ? field_text(row, "path") : "own");
		if (field_known(row, "nexthop"))
			table_cell(table, "next hop %s", field_text(row, "nexthop"));
		else
			table_cell(table, "no next hop");
		render_as_path(json_object_get(row, "as_path"), as_path, sizeof(as_path));
		table_cell(table, "%s", as_path);
		if (field_known(row, "local_pref"))
			table_cell(table, "local pref %llu",
				   (unsigned long long)field_number(row, "local_pref"));
		else
			table_cell(table, "no local pref");
		table_cell(table, "%s%s", field_text(row, "feed"),
			   json_is_true(json_object_get(row, "stale")) ? ", stale" : "");
	}
	return table_print(table, out);
}

int text_routes(FILE *out, const json_t *rows)
{
	char selected[400];
	const json_t *row;
	size_t i;
	int err = 0;

	json_array_foreach (rows, i, row) {
		const json_t *now = json_object_get(row, "selected");

		fprintf(out, "%s  %s%s\n", field_text(row, "prefix"),
			json_array_size(now)				 ? "now by "
			: json_array_size(json_object_get(row, "tiers")) ? "no usable path"
									 : "not sent on any path",
			json_array_size(now)
				? field_list(row, "selected", selected, sizeof(selected))
				: "");
		err = text_tiers(out, row, 2);
		if (!err)
			err = route_candidates(out, json_object_get(row, "candidates"));
		if (err)
			return err;
	}
	return 0;
}

static void alert_prefixes(FILE *out, const json_t *row)
{
	bool src = field_known(row, "src_prefix"), dst = field_known(row, "dst_prefix");

	if (src && dst)
		fprintf(out, "   between  %s and %s\n", field_text(row, "src_prefix"),
			field_text(row, "dst_prefix"));
	else if (src || dst)
		fprintf(out, "   prefix   %s\n",
			field_text(row, src ? "src_prefix" : "dst_prefix"));
}

/* Of flows, both ways; what is of the network has one path, or none. */
static void alert_paths(FILE *out, const json_t *row)
{
	bool forward = field_known(row, "forward_path"), reverse = field_known(row, "reverse_path");
	unsigned long long flows = field_number(row, "flows");

	if (!forward && !reverse)
		return;
	if (!field_known(row, "src_prefix") && !reverse) {
		fprintf(out, "   path     %s\n", field_text(row, "forward_path"));
		return;
	}
	fprintf(out, "   paths    out %s, back %s",
		forward ? field_text(row, "forward_path") : "not seen",
		reverse ? field_text(row, "reverse_path") : "not seen");
	if (flows)
		fprintf(out, "; %llu flow%s", flows, flows == 1 ? "" : "s");
	fputc('\n', out);
}

static void alert_facts(FILE *out, const json_t *row)
{
	if (field_known(row, "subject"))
		fprintf(out, "   about    %s\n", field_text(row, "subject"));
	alert_prefixes(out, row);
	alert_paths(out, row);
	if (field_known(row, "prefixes_moved"))
		fprintf(out, "   prefixes %llu moved, %llu lost\n",
			(unsigned long long)field_number(row, "prefixes_moved"),
			(unsigned long long)field_number(row, "prefixes_lost"));
	if (field_known(row, "duration_ms"))
		fprintf(out, "   took     %llu ms\n",
			(unsigned long long)field_number(row, "duration_ms"));
	fprintf(out, "   seen     %s to %s\n", field_text(row, "first_seen"),
		field_text(row, "last_seen"));
}

/* What keeps an incident from being told. */
static const char *alert_held(const json_t *row)
{
	bool acked = json_is_true(json_object_get(row, "acked"));
	bool silenced = json_is_true(json_object_get(row, "silenced"));

	return acked ? silenced ? ", acked, silenced" : ", acked" : silenced ? ", silenced" : "";
}

int text_alerts(FILE *out, const json_t *rows)
{
	const json_t *row;
	size_t i;

	if (!json_array_size(rows))
		fputs("no alerts\n", out);
	json_array_foreach (rows, i, row) {
		if (i)
			fputc('\n', out);
		fprintf(out, "%llu  %s%s  %s  %s, cause %s, side %s\n",
			(unsigned long long)field_number(row, "id"), field_text(row, "state"),
			alert_held(row), field_text(row, "severity"), field_text(row, "verdict"),
			field_text(row, "cause"), field_text(row, "side"));
		alert_facts(out, row);
		text_wrap(out, "   what     ", field_text(row, "message"));
		if (*field_text(row, "fix"))
			text_wrap(out, "   fix      ", field_text(row, "fix"));
	}
	return 0;
}

static void put_plain(FILE *out, const char *text)
{
	while (*text)
		fputc(text_printable(*text++), out);
}

int text_render_alert(FILE *out, const json_t *incident)
{
	const char *event = field_text(incident, "event");
	const char *when = strcmp(event, "open") ? "last_seen" : "first_seen";

	fprintf(out, "%s %s %llu%s %s %s, cause %s, side %s: ", field_text(incident, when), event,
		(unsigned long long)field_number(incident, "id"), alert_held(incident),
		field_text(incident, "severity"), field_text(incident, "verdict"),
		field_text(incident, "cause"), field_text(incident, "side"));
	put_plain(out, field_text(incident, "message"));
	if (*field_text(incident, "fix")) {
		fputs("; fix: ", out);
		put_plain(out, field_text(incident, "fix"));
	}
	fputc('\n', out);
	return 0;
}

/* Ends the line, with how long it lasts and what comes then. */
static void for_print(FILE *out, const json_t *rows, const char *then)
{
	if (field_known(rows, "for_s"))
		fprintf(out, "; for %g s, %s", json_number_value(json_object_get(rows, "for_s")),
			then);
	fputc('\n', out);
}

int text_path(FILE *out, const json_t *rows)
{
	unsigned long long moved = field_number(rows, "prefixes_moved");

	fprintf(out, "%s is %s now", field_text(rows, "path"),
		json_is_true(json_object_get(rows, "usable")) ? "usable" : "not usable");
	if (field_known(rows, "prefixes_moved"))
		fprintf(out, ": %llu prefix%s moved, %llu without a path", moved,
			moved == 1 ? "" : "es",
			(unsigned long long)field_number(rows, "prefixes_lost"));
	for_print(out, rows, "comes back by itself");
	return 0;
}

int text_mode(FILE *out, const json_t *rows)
{
	fprintf(out, "%s", field_text(rows, "mode"));
	for_print(out, rows, "then monitor, unless `sameway enforce` confirms it");
	return 0;
}

int text_reload(FILE *out, const json_t *rows)
{
	fprintf(out, "%s is in effect\n", field_text(rows, "config"));
	return 0;
}

int text_detach(FILE *out, const json_t *rows)
{
	bool stopped = json_is_true(json_object_get(rows, "daemon_stopped"));
	const json_t *files = json_object_get(rows, "files");
	unsigned long long pins = field_number(rows, "pins");
	const json_t *file;
	size_t i;

	if (!stopped && !pins && !json_array_size(files)) {
		fprintf(out, "%s: nothing to detach\n", field_text(rows, "instance"));
		return 0;
	}
	if (stopped)
		fprintf(out, "%s: daemon stopped\n", field_text(rows, "instance"));
	if (pins)
		fprintf(out, "%s: %llu pins removed, programs off the interfaces\n",
			field_text(rows, "instance"), pins);
	json_array_foreach (files, i, file)
		fprintf(out, "%s: %s removed\n", field_text(rows, "instance"),
			json_string_value(file));
	return 0;
}
