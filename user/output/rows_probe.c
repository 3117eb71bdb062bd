/* SPDX-License-Identifier: GPL-2.0-only */
/* What `paths` and `status` say of the paths' probes, from map `probes` alone. */
#include "core/probe.h"
#include "output/rows_internal.h"

#include <string.h>

static json_t *time_ms(uint64_t ns, bool known)
{
	return known ? json_real((double)ns / 1e6) : json_null();
}

static json_t *probe_target(const struct sw_probe *probe)
{
	struct ip_addr ip = {.family = probe->family};
	char text[PROBE_TARGET_LEN];

	memcpy(ip.bytes, probe->target, sizeof(ip.bytes));
	return json_string(probe_target_format(&ip, probe->port, text));
}

/* Answers by another device than the path's; only while they are news. */
static json_t *probe_elsewhere(struct maps *maps, const struct sw_probe *probe)
{
	uint64_t lately = 2ULL * SW_PROBE_MISSES * probe->interval_ms * 1000000;

	return probe->elsewhere && rows_now() < probe->elsewhere_ns + lately
		       ? rows_interface(maps, probe->elsewhere)
		       : json_null();
}

json_t *rows_probe(struct maps *maps, unsigned int id)
{
	static const char *const states[] = {
#define STATE_TEXT(state, text) text,
		SW_PROBE_STATES(STATE_TEXT)};
	static const char *const blocks[] = {
#define BLOCK_TEXT(block, text) text,
		SW_PROBE_BLOCKS(BLOCK_TEXT)};
	struct sw_probe probe;
	json_t *row;

	if (maps_probe(maps, id, &probe) || !probe.family)
		return json_null();
	row = json_object();
	if (row && rows_set(row, "target", probe_target(&probe)) &&
	    rows_set(row, "state",
		     json_string(states[probe.state < SW_PROBE_STATE_COUNT ? probe.state : 0])) &&
	    rows_set(row, "blocked",
		     probe.block && probe.block < SW_PROBE_BLOCK_COUNT
			     ? json_string(blocks[probe.block])
			     : json_null()) &&
	    rows_set(row, "interval_ms", json_integer(probe.interval_ms)) &&
	    rows_set(row, "misses", json_integer(probe.misses)) &&
	    rows_set(row, "missed", json_integer(probe_missed(&probe))) &&
	    rows_set(row, "rtt_ms", time_ms(probe.rtt_ns, probe.answered_ns)) &&
	    rows_set(row, "lost", json_integer(probe_lost(&probe))) &&
	    rows_set(row, "last", json_integer(probe.known)) &&
	    rows_set(row, "sent", json_integer((json_int_t)probe.sent)) &&
	    rows_set(row, "answered", json_integer((json_int_t)probe.answered)) &&
	    rows_set(row, "elsewhere", probe_elsewhere(maps, &probe)))
		return row;
	json_decref(row);
	return NULL;
}

json_t *rows_rtt(struct maps *maps, unsigned int id)
{
	struct sw_probe probe;

	/* of now: a last answer of who does not answer any more says nothing */
	if (maps_probe(maps, id, &probe) || !probe.family || probe.state != SW_PROBE_UP ||
	    probe.run || probe.block)
		return json_null();
	return time_ms(probe.rtt_ns, probe.answered_ns);
}

json_t *rows_probes(struct maps *maps)
{
	json_t *rows = json_array();
	bool ok = rows;

	for (unsigned int id = 0; ok && id < SW_MAX_PATHS; id++) {
		struct sw_path path;
		json_t *probe, *row;

		if (maps_path(maps, id, &path) || !path.name[0])
			continue;
		probe = rows_probe(maps, id);
		if (json_is_null(probe)) {
			json_decref(probe);
			continue;
		}
		row = json_object();
		ok = row && rows_set(row, "path", rows_name(path.name, SW_NAME_LEN)) && probe &&
		     !json_object_update(row, probe) && rows_append(rows, json_incref(row));
		json_decref(row);
		json_decref(probe);
	}
	if (ok)
		return rows;
	json_decref(rows);
	return NULL;
}
