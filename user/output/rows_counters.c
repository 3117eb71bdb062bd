/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `counters` from the pinned maps: per path, per interface and reason, per path what TC egress did
 * of what the kernel sent by it, per policy rule, per verdict. The rows of an interface add up to
 * what it received; those of 0 packets are left out.
 */
#include "output/rows_internal.h"

#include <stdlib.h>
#include <string.h>

struct interface_row {
	char name[sizeof(((struct sw_interface *)0)->name) + 1];
	uint32_t ifindex;
	uint8_t slot;
};

struct interface_list {
	struct interface_row row[SW_MAX_SLOTS];
	size_t n;
};

static int interface_add(void *arg, uint32_t ifindex, const struct sw_interface *row)
{
	struct interface_list *list = arg;
	struct interface_row *new = &list->row[list->n];

	if (row->owner)
		return 0;
	if (list->n == SW_MAX_SLOTS)
		return 1;
	memcpy(new->name, row->name, sizeof(row->name));
	new->ifindex = ifindex;
	new->slot = row->slot;
	list->n++;
	return 0;
}

static int by_slot(const void *a, const void *b)
{
	const struct interface_row *x = a, *y = b;

	return (x->slot > y->slot) - (x->slot < y->slot);
}

bool rows_reasons(json_t *array, const char *interface, const struct sw_reasons *counts)
{
	static const char *const reasons[] = {
#define REASON_TEXT(field, text) text,
		SW_REASONS(REASON_TEXT)};
	static const char *const actions[] = {
#define ACTION_TEXT(id, text) text,
		SW_ACTIONS(ACTION_TEXT)};
	/* struct sw_reasons: a row of counters an action, in the orders of the two lists. */
	uint64_t count[SW_ACTION_COUNT][SW_REASON_COUNT];

	_Static_assert(sizeof(count) == offsetof(struct sw_reasons, tc_frames),
		       "a counter a reason and action");
	memcpy(count, counts, sizeof(count));
	for (size_t r = 0; r < SW_REASON_COUNT; r++) {
		for (size_t a = 0; a < SW_ACTION_COUNT; a++) {
			json_t *row;

			if (!count[a][r])
				continue;
			row = json_pack("{s:s, s:s, s:s, s:I}", "interface", interface, "reason",
					reasons[r], "action", actions[a], "packets",
					(json_int_t)count[a][r]);
			if (!rows_append(array, row))
				return false;
		}
	}
	return true;
}

/* Whether path `id`, another than the interface's first, is on it too. */
static bool interface_has(struct maps *maps, const struct interface_row *interface, unsigned int id)
{
	struct sw_path path;

	return id != interface->slot && !maps_path(maps, id, &path) && path.name[0] &&
	       path.ifindex == interface->ifindex;
}

/* What the interface received: the counters of all the paths that are on it. */
static int interface_sum(struct maps *maps, const struct interface_row *interface,
			 struct sw_reasons *sum)
{
	uint64_t *words = (uint64_t *)sum;
	int err = maps_reasons(maps, interface->slot, sum);

	for (unsigned int id = 0; !err && id < SW_MAX_PATHS; id++) {
		uint64_t more[sizeof(*sum) / sizeof(uint64_t)];

		if (!interface_has(maps, interface, id))
			continue;
		err = maps_reasons(maps, id, (struct sw_reasons *)more);
		for (size_t i = 0; !err && i < sizeof(more) / sizeof(more[0]); i++)
			words[i] += more[i];
	}
	return err;
}

static void interfaces_read(struct maps *maps, struct interface_list *list)
{
	list->n = 0;
	maps_interface_each(maps, interface_add, list);
	qsort(list->row, list->n, sizeof(list->row[0]), by_slot);
}

/* What TC egress did there, of all the paths that are on it. */
static int egress_sum(struct maps *maps, const struct interface_row *interface,
		      struct sw_path_stats *sum)
{
	int err = maps_path_stats(maps, interface->slot, sum);

	for (unsigned int id = 0; !err && id < SW_MAX_PATHS; id++) {
		struct sw_path_stats more;

		if (!interface_has(maps, interface, id))
			continue;
		err = maps_path_stats(maps, id, &more);
		if (err)
			break;
		sum->egress_moved += more.egress_moved;
		sum->egress_too_big += more.egress_too_big;
		sum->egress_no_neighbor += more.egress_no_neighbor;
		sum->egress_returned += more.egress_returned;
		sum->egress_lost += more.egress_lost;
		sum->egress_stayed += more.egress_stayed;
		sum->egress_back += more.egress_back;
		sum->egress_denied += more.egress_denied;
	}
	return err;
}

static json_t *counters_egress(struct maps *maps)
{
	struct interface_list list;
	json_t *rows = json_array();
	bool ok = rows;

	interfaces_read(maps, &list);
	for (size_t i = 0; ok && i < list.n && list.row[i].slot < SW_MAX_PATHS; i++) {
		struct sw_path_stats s;

		if (egress_sum(maps, &list.row[i], &s) ||
		    !(s.egress_moved | s.egress_too_big | s.egress_no_neighbor | s.egress_returned |
		      s.egress_lost | s.egress_stayed | s.egress_back | s.egress_denied))
			continue;
		ok = rows_append(rows, json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
						 "interface", list.row[i].name, "moved",
						 (json_int_t)s.egress_moved, "too_big",
						 (json_int_t)s.egress_too_big, "no_neighbor",
						 (json_int_t)s.egress_no_neighbor, "returned",
						 (json_int_t)s.egress_returned, "lost",
						 (json_int_t)s.egress_lost, "stayed",
						 (json_int_t)s.egress_stayed, "back",
						 (json_int_t)s.egress_back, "denied",
						 (json_int_t)s.egress_denied));
	}
	if (ok)
		return rows;
	json_decref(rows);
	return NULL;
}

static json_t *counters_reasons(struct maps *maps)
{
	struct interface_list list;
	json_t *rows = json_array();
	bool ok = rows;

	interfaces_read(maps, &list);
	for (size_t i = 0; ok && i < list.n; i++) {
		struct sw_reasons counts;

		if (!interface_sum(maps, &list.row[i], &counts))
			ok = rows_reasons(rows, list.row[i].name, &counts);
	}
	if (ok)
		return rows;
	json_decref(rows);
	return NULL;
}

bool rows_redirect_errors(json_t *array, const char *interface,
			  const struct sw_redirect_errors *counts)
{
	static const char *const errors[] = {
#define ERROR_TEXT(field, text) text,
		SW_REDIRECT_ERRORS(ERROR_TEXT)};
	uint64_t count[sizeof(errors) / sizeof(errors[0])];

	_Static_assert(sizeof(count) == sizeof(*counts), "a counter an error");
	memcpy(count, counts, sizeof(count));
	for (size_t e = 0; e < sizeof(errors) / sizeof(errors[0]); e++) {
		if (count[e] &&
		    !rows_append(array,
				 json_pack("{s:s, s:I, s:s}", "interface", interface, "packets",
					   (json_int_t)count[e], "error", errors[e])))
			return false;
	}
	return true;
}

/* What XDP redirected and the kernel lost, by the device it was for; null: nobody tells. */
static json_t *counters_redirect_errors(struct maps *maps)
{
	struct interface_list list = {.n = 0};
	json_t *rows = maps_redirects_counted(maps) ? json_array() : json_null();
	bool ok = rows;

	if (json_is_null(rows))
		return rows;
	maps_interface_each(maps, interface_add, &list);
	qsort(list.row, list.n, sizeof(list.row[0]), by_slot);
	for (size_t i = 0; ok && i < list.n; i++) {
		struct sw_redirect_errors counts;

		if (!maps_redirect_errors(maps, list.row[i].slot, &counts))
			ok = rows_redirect_errors(rows, list.row[i].name, &counts);
	}
	if (ok)
		return rows;
	json_decref(rows);
	return NULL;
}

static int flow_count(void *arg, const struct flow_row *row)
{
	struct flow_counts *count = arg;

	if (row->state.s.verdict < SW_VERDICT_COUNT)
		count->verdict[row->state.s.verdict]++;
	if (row->family == 6)
		count->ipv6++;
	else
		count->ipv4++;
	return 0;
}

int rows_count_flows(struct maps *maps, struct flow_counts *count)
{
	memset(count, 0, sizeof(*count));
	return maps_flow_rows(maps, flow_count, count);
}

static json_t *counters_verdicts(struct maps *maps)
{
	struct flow_counts count;
	json_t *rows;

	if (rows_count_flows(maps, &count))
		return NULL;
	rows = json_array();
	for (unsigned int v = 0; rows && v < SW_VERDICT_COUNT; v++) {
		json_t *row;

		if (v == SW_VERDICT_NO_ROUTE) /* has no records */
			continue;
		row = json_pack("{s:s, s:I}", "verdict", verdict_text(v), "flows",
				(json_int_t)count.verdict[v]);
		if (!rows_append(rows, row)) {
			json_decref(rows);
			return NULL;
		}
	}
	return rows;
}

json_t *rows_counters(struct maps *maps)
{
	json_t *row = json_object();

	if (row && rows_set(row, "paths", rows_paths(maps)) &&
	    rows_set(row, "reasons", counters_reasons(maps)) &&
	    rows_set(row, "redirect_errors", counters_redirect_errors(maps)) &&
	    rows_set(row, "egress", counters_egress(maps)) &&
	    rows_set(row, "rules", rows_rules(maps)) &&
	    rows_set(row, "verdicts", counters_verdicts(maps)))
		return row;
	json_decref(row);
	return NULL;
}
