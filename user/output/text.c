/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rows as text for people: status, and the tables of paths, counters and flows, to be read in 100
 * columns. Longer answers (routes, explain, alerts) are in text_story.c. Null shows as "-".
 */
#include "output/render.h"
#include "output/table.h"

#include <string.h>

typedef int (*text_view)(FILE *out, const json_t *rows);

int text_render(FILE *out, enum view_name view, const json_t *rows)
{
	static const text_view views[SHOW_COUNT] = {
		[SHOW_STATUS] = text_status,	 [SHOW_PATHS] = text_paths,
		[SHOW_COUNTERS] = text_counters, [SHOW_FLOWS] = text_flows,
		[SHOW_ROUTES] = text_routes,	 [SHOW_EXPLAIN] = text_explain,
		[SHOW_ALERTS] = text_alerts,	 [SHOW_PATH] = text_path,
		[SHOW_DETACH] = text_detach,	 [SHOW_DOCTOR] = text_doctor,
		[SHOW_MODE] = text_mode,	 [SHOW_RELOAD] = text_reload,
		[SHOW_ACK] = text_ack,		 [SHOW_SILENCE] = text_silence,
		[SHOW_AUDIT] = text_audit,	 [SHOW_DRAIN] = text_drain,
	};

	return views[view](out, rows);
}

const char *field_text(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text ? text : "";
}

bool field_known(const json_t *row, const char *key)
{
	const json_t *value = json_object_get(row, key);

	return value && !json_is_null(value);
}

uint64_t field_number(const json_t *row, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(row, key));

	return n > 0 ? (uint64_t)n : 0;
}

const char *field_count(const json_t *row, const char *key, char buf[])
{
	return field_known(row, key) ? number_format(field_number(row, key), buf)
				     : strcpy(buf, "-");
}

const char *field_list(const json_t *row, const char *key, char *buf, size_t size)
{
	const json_t *list = json_object_get(row, key);
	const json_t *item;
	size_t used = 0, i;

	snprintf(buf, size, "-");
	json_array_foreach (list, i, item) {
		const char *text = json_string_value(item);
		const char *comma = i ? ", " : "";

		if (!text)
			continue;
		if (used + strlen(comma) + strlen(text) + sizeof(", ...") > size) {
			snprintf(buf + used, size - used, ", ...");
			break;
		}
		used += (size_t)snprintf(buf + used, size - used, "%s%s", comma, text);
	}
	return buf;
}

static void status_daemon(struct table *table, const json_t *rows)
{
	char up[NUMBER_STRLEN], waiting[60], left[40] = "";
	bool waits = json_array_size(json_object_get(rows, "waiting")) > 0;

	table_cell(table, "daemon");
	if (!json_is_true(json_object_get(rows, "daemon")))
		table_cell(table, "not running: what follows is what the maps know");
	else if (field_known(rows, "uptime_s"))
		table_cell(table, "running for %s",
			   seconds_format(field_number(rows, "uptime_s"), up));
	else
		table_cell(table, "running");
	table_cell(table, "mode");
	if (field_known(rows, "mode_left_s"))
		snprintf(left, sizeof(left), ", monitor again in %.0f s",
			 json_number_value(json_object_get(rows, "mode_left_s")));
	table_cell(table, "%s%s%s%s", field_text(rows, "mode"), left,
		   waits ? ", still waiting for " : "",
		   waits ? field_list(rows, "waiting", waiting, sizeof(waiting)) : "");
}

static void status_forward(struct table *table, const json_t *rows)
{
	const json_t *tables = json_object_get(rows, "tables");
	size_t foreign = json_array_size(json_object_get(tables, "foreign"));
	char count[NUMBER_STRLEN], put_back[80] = "", way[80] = "";

	if (json_integer_value(json_object_get(tables, "put_back")))
		snprintf(put_back, sizeof(put_back),
			 ", %s rules or routes of it were gone and put back",
			 field_count(tables, "put_back", count));
	if (foreign)
		snprintf(way, sizeof(way), ", %zu of others in its way: see `doctor`", foreign);
	table_cell(table, "forward");
	table_cell(table, "%s%s%s", field_text(rows, "forward"), put_back, way);
}

static void status_flows(struct table *table, const json_t *flows)
{
	const json_t *ipv4 = json_object_get(flows, "ipv4"), *ipv6 = json_object_get(flows, "ipv6");
	char a[NUMBER_STRLEN], b[NUMBER_STRLEN], c[NUMBER_STRLEN], d[NUMBER_STRLEN];

	table_cell(table, "flows");
	if (!ipv4 || !ipv6) { /* not known, or of an older daemon */
		table_cell(table, "%s of at most %s", field_count(flows, "active", a),
			   field_count(flows, "max", b));
		return;
	}
	table_cell(table, "%s IPv4 of at most %s, %s IPv6 of at most %s, in %.1f MiB",
		   field_count(ipv4, "active", a), field_count(ipv4, "max", b),
		   field_count(ipv6, "active", c), field_count(ipv6, "max", d),
		   (double)field_number(flows, "bytes") / (1 << 20));
	if (!field_number(flows, "full") && !field_number(flows, "evicted") &&
	    !field_number(flows, "busy"))
		return;
	table_cell(table, "flow room");
	table_cell(table,
		   "%s pushed out (%s in use), %s packets without room, %s while a CPU was at it",
		   field_count(flows, "evicted", a), field_count(flows, "forgotten", b),
		   field_count(flows, "full", c), field_count(flows, "busy", d));
}

static void status_sizes(struct table *table, const json_t *rows)
{
	const json_t *routes = json_object_get(rows, "routes");
	const json_t *alerts = json_object_get(rows, "alerts");
	const json_t *redirects = json_object_get(rows, "redirects");
	const json_t *nodes4 = json_object_get(routes, "nodes4");
	const json_t *nodes6 = json_object_get(routes, "nodes6");
	char a[NUMBER_STRLEN], b[NUMBER_STRLEN], c[NUMBER_STRLEN], d[NUMBER_STRLEN];

	table_cell(table, "routes");
	table_cell(table, "%s IPv4 and %s IPv6 prefixes, %s candidates, %s groups",
		   field_count(routes, "prefixes4", a), field_count(routes, "prefixes6", b),
		   field_count(routes, "candidates", c), field_count(routes, "groups", d));
	if (nodes4 && !json_is_null(nodes4)) {
		table_cell(table, "fib");
		table_cell(table, "%s of %s IPv4 and %s of %s IPv6 nodes",
			   field_count(nodes4, "used", a), field_count(nodes4, "total", b),
			   field_count(nodes6, "used", c), field_count(nodes6, "total", d));
	}
	status_flows(table, json_object_get(rows, "flows"));
	table_cell(table, "alerts");
	table_cell(table, "%s open, %s events lost", field_count(alerts, "open", a),
		   field_count(alerts, "lost", b));
	if (field_number(rows, "mss_clamped")) {
		table_cell(table, "mss");
		table_cell(table, "lowered in %s SYNs", field_count(rows, "mss_clamped", a));
	}
	if (!field_known(redirects, "counted"))
		return;
	table_cell(table, "redirect");
	if (json_is_true(json_object_get(redirects, "counted")))
		table_cell(table, "%s packets lost", field_count(redirects, "lost", a));
	else
		table_cell(table, "what is lost is not counted on this kernel");
}

/* Where `auto` has left an interface without XDP. */
static void status_auto_hooks(struct table *table, const json_t *rows)
{
	const json_t *row;
	char count[NUMBER_STRLEN];
	size_t i;

	json_array_foreach (json_object_get(rows, "auto_hooks"), i, row) {
		if (strcmp(field_text(row, "hook"), "tc"))
			continue;
		table_cell(table, "hook");
		table_cell(table, "%s stays at tc for its %s GSO frames: see `sameway doctor`",
			   field_text(row, "interface"), field_count(row, "gso_frames", count));
	}
}

static int status_hooks(FILE *out, const json_t *hooks)
{
	struct table *table;
	const json_t *row;
	size_t i;

	if (!json_array_size(hooks))
		return 0;
	fputc('\n', out);
	table = table_new("lll", 0);
	table_cell(table, "INTERFACE");
	table_cell(table, "HOOK");
	table_cell(table, "ATTACHED");
	json_array_foreach (hooks, i, row) {
		table_cell(table, "%s", field_text(row, "interface"));
		table_cell(table, "%s", field_text(row, "hook"));
		table_cell(table, json_is_true(json_object_get(row, "attached")) ? "yes" : "no");
	}
	return table_print(table, out);
}

/* The reasons that occurred, under the feed's row. */
static void feed_refused(struct table *table, const json_t *refused)
{
	char text[160] = "";
	size_t len = 0;
	const char *reason;
	json_t *count;

	json_object_foreach ((json_t *)refused, reason, count) {
		if (!json_integer_value(count) || len >= sizeof(text))
			continue;
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s %llu",
					len ? ", " : "", reason,
					(unsigned long long)json_integer_value(count));
	}
	if (len)
		table_note(table, "refused: %s", text);
}

static int status_feeds(FILE *out, const json_t *feeds)
{
	static const char *const heads[] = {"FEED",  "TYPE",	"STATE",     "SEES", "ROUTES",
					    "STALE", "UPDATES", "WITHDRAWS", "LAST", "ERRORS"};
	static const char *const texts[] = {"name", "type", "state", "sees"};
	static const char *const counts[] = {"routes", "stale", "updates", "withdraws"};
	struct table *table;
	const json_t *row;
	char n[NUMBER_STRLEN];
	size_t i;
	int err;

	if (!json_array_size(feeds))
		return 0;
	fputc('\n', out);
	table = table_new("llllrrrrrr", 0);
	for (i = 0; i < 10; i++)
		table_cell(table, "%s", heads[i]);
	json_array_foreach (feeds, i, row) {
		const json_t *last = json_object_get(row, "last_message_s");

		for (size_t c = 0; c < 4; c++)
			table_cell(table, "%s", field_text(row, texts[c]));
		for (size_t c = 0; c < 4; c++)
			table_cell(table, "%s", field_count(row, counts[c], n));
		table_cell(table, "%s",
			   json_is_number(last)
				   ? seconds_format((uint64_t)json_number_value(last), n)
				   : "");
		table_cell(table, "%s", field_count(row, "errors", n));
		feed_refused(table, json_object_get(row, "refused"));
		if (field_known(row, "note"))
			table_note(table, "%s", field_text(row, "note"));
	}
	err = table_print(table, out);
	return err ? err : text_feed_tables(out, feeds);
}

int text_status(FILE *out, const json_t *rows)
{
	struct table *table = table_new("ll", 0);
	int err;

	table_cell(table, "instance");
	table_cell(table, "%s", field_text(rows, "instance"));
	table_cell(table, "version");
	table_cell(table, "%s", field_text(rows, "version"));
	status_daemon(table, rows);
	status_forward(table, rows);
	status_sizes(table, rows);
	status_auto_hooks(table, rows);
	text_status_rules(table, json_object_get(rows, "rules"));
	err = table_print(table, out);
	if (!err)
		err = status_hooks(out, json_object_get(rows, "hooks"));
	if (!err)
		err = status_feeds(out, json_object_get(rows, "feeds"));
	if (!err)
		err = text_status_probes(out, json_object_get(rows, "probes"));
	return err ? err : text_status_life(out, rows);
}

int text_paths(FILE *out, const json_t *rows)
{
	static const char *const heads[] = {"NAME",   "CLASS",	"CIRCUIT", "DEV",    "GATEWAY",
					    "USABLE", "RX-PKT", "RX-BYTE", "TX-PKT", "TX-BYTE"};
	static const char *const texts[] = {"name", "class", "circuit", "interface", "gateway"};
	static const char *const counts[] = {"rx_packets", "rx_bytes", "tx_packets", "tx_bytes"};
	struct table *table = table_new("llllllrrrr", 0);
	char n[NUMBER_STRLEN], why[120];
	const json_t *row;
	size_t i;
	int err;

	for (i = 0; i < 10; i++)
		table_cell(table, "%s", heads[i]);
	json_array_foreach (rows, i, row) {
		bool usable = json_is_true(json_object_get(row, "usable"));

		for (size_t c = 0; c < 5; c++)
			table_cell(table, "%s", field_text(row, texts[c]));
		table_cell(table, usable ? "yes" : "no");
		for (size_t c = 0; c < 4; c++)
			table_cell(table, "%s", field_count(row, counts[c], n));
		if (json_array_size(json_object_get(row, "reasons")))
			table_note(table, "%s: %s", usable ? "usable, but" : "not usable",
				   field_list(row, "reasons", why, sizeof(why)));
		else if (!field_number(row, "routes4") && !field_number(row, "routes6"))
			table_note(table, "no routes: nothing is sent by it, see `doctor`");
		if (field_known(row, "mss"))
			table_note(table, "TCP's MSS is lowered to %s", field_count(row, "mss", n));
		text_paths_probe(table, json_object_get(row, "probe"));
	}
	err = table_print(table, out);
	return err ? err : text_bfd(out, rows);
}

static int counters_reasons(FILE *out, const json_t *rows)
{
	struct table *table = table_new("lllr", 0);
	const json_t *row;
	size_t i;

	fputc('\n', out);
	table_cell(table, "INTERFACE");
	table_cell(table, "REASON");
	table_cell(table, "ACTION");
	table_cell(table, "PACKETS");
	json_array_foreach (rows, i, row) {
		if (!field_number(row, "packets"))
			continue;
		table_cell(table, "%s", field_text(row, "interface"));
		table_cell(table, "%s", field_text(row, "reason"));
		table_cell(table, "%s", field_text(row, "action"));
		table_cell(table, "%llu", (unsigned long long)field_number(row, "packets"));
	}
	return table_print(table, out);
}

/* Told only where there are any. */
static int counters_redirect_errors(FILE *out, const json_t *rows)
{
	struct table *table;
	const json_t *row;
	size_t i;

	if (!json_array_size(rows))
		return 0;
	fputc('\n', out);
	table = table_new("llr", 0);
	table_cell(table, "INTERFACE");
	table_cell(table, "LOST AFTER REDIRECT");
	table_cell(table, "PACKETS");
	json_array_foreach (rows, i, row) {
		table_cell(table, "%s", field_text(row, "interface"));
		table_cell(table, "%s", field_text(row, "error"));
		table_cell(table, "%llu", (unsigned long long)field_number(row, "packets"));
	}
	return table_print(table, out);
}

/* A table of n counts by name (`key`), at most 8; nothing at all where there is no row. */
static int counters_by(FILE *out, const json_t *rows, const char *key, size_t n,
		       const char *const heads[], const char *const counts[])
{
	char spec[] = "lrrrrrrrr";
	struct table *table;
	const json_t *row;
	size_t i;

	if (!json_array_size(rows))
		return 0;
	fputc('\n', out);
	spec[n + 1] = '\0';
	table = table_new(spec, 0);
	for (i = 0; i < n + 1; i++)
		table_cell(table, "%s", heads[i]);
	json_array_foreach (rows, i, row) {
		table_cell(table, "%s", field_text(row, key));
		for (size_t c = 0; c < n; c++)
			table_cell(table, "%llu", (unsigned long long)field_number(row, counts[c]));
	}
	return table_print(table, out);
}

/* What the kernel sent by another path than select's. */
static int counters_egress(FILE *out, const json_t *rows)
{
	static const char *const counts[] = {"moved", "too_big", "no_neighbor", "returned",
					     "lost",  "stayed",	 "back",	"denied"};
	static const char *const heads[] = {"EGRESS",	   "MOVED",    "TOO-BIG",
					    "NO-NEIGHBOR", "RETURNED", "LOST",
					    "STAYED",	   "BACK",     "DENIED"};

	return counters_by(out, rows, "interface", 8, heads, counts);
}

/* What each policy rule does. */
static int counters_rules(FILE *out, const json_t *rows)
{
	static const char *const counts[] = {"flows", "packets", "bytes", "denied", "would_deny"};
	static const char *const heads[] = {"RULE",  "FLOWS",  "PACKETS",
					    "BYTES", "DENIED", "WOULD-DENY"};

	return counters_by(out, rows, "name", 5, heads, counts);
}

int text_counters(FILE *out, const json_t *rows)
{
	struct table *table;
	const json_t *row;
	size_t i;
	int err = text_paths(out, json_object_get(rows, "paths"));

	if (!err)
		err = counters_reasons(out, json_object_get(rows, "reasons"));
	if (!err)
		err = counters_redirect_errors(out, json_object_get(rows, "redirect_errors"));
	if (!err)
		err = counters_egress(out, json_object_get(rows, "egress"));
	if (!err)
		err = counters_rules(out, json_object_get(rows, "rules"));
	if (err)
		return err;
	fputc('\n', out);
	table = table_new("lr", 0);
	table_cell(table, "VERDICT");
	table_cell(table, "FLOWS");
	json_array_foreach (json_object_get(rows, "verdicts"), i, row) {
		table_cell(table, "%s", field_text(row, "verdict"));
		table_cell(table, "%llu", (unsigned long long)field_number(row, "flows"));
	}
	return table_print(table, out);
}

static void flow_end(struct table *table, const json_t *row, const char *host, const char *port)
{
	const char *text = field_text(row, host);

	if (!field_known(row, port))
		table_cell(table, "%s", text);
	else
		table_cell(table, strchr(text, ':') ? "[%s]:%u" : "%s:%u", text,
			   (unsigned int)field_number(row, port));
}

int text_flows(FILE *out, const json_t *rows)
{
	static const char *const heads[] = {"PROTO",   "SRC",	  "DST",     "FORWARD",
					    "REVERSE", "VERDICT", "PACKETS", "IDLE"};
	struct table *table = table_new("lllllllr", 0);
	char a[NUMBER_STRLEN], b[NUMBER_STRLEN];
	const json_t *row;
	size_t i;

	for (i = 0; i < 8; i++)
		table_cell(table, "%s", heads[i]);
	json_array_foreach (rows, i, row) {
		const json_t *forward = json_object_get(row, "forward");
		const json_t *reverse = json_object_get(row, "reverse");
		const json_t *proto = json_object_get(row, "proto");

		if (json_is_integer(proto))
			table_cell(table, "%u", (unsigned int)json_integer_value(proto));
		else
			table_cell(table, "%s", field_text(row, "proto"));
		flow_end(table, row, "src", "sport");
		flow_end(table, row, "dst", "dport");
		table_cell(table, "%s", field_text(forward, "path"));
		table_cell(table, "%s", field_text(reverse, "path"));
		table_cell(table, "%s", field_text(row, "verdict"));
		table_cell(table, "%s/%s", field_count(forward, "packets", a),
			   field_count(reverse, "packets", b));
		table_cell(table, "%s", seconds_format(field_number(row, "idle_s"), b));
		if (field_known(row, "rule"))
			table_note(table, "by rule %s", field_text(row, "rule"));
	}
	return table_print(table, out);
}
