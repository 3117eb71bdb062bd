/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What peers reach, kept for this machine and kernel: as ratios to the bare redirect of their own
 * run, since those move less than the figures. `make bench-peers` measures them again.
 */
#include "bench.h"

#include <jansson.h>
#include <string.h>

static json_t *kept, *renewed;

static json_t *file_read(void)
{
	json_t *file = json_load_file(options.peers, 0, NULL);
	const char *machine = json_string_value(json_object_get(file, "machine"));

	if (!machine || strcmp(machine, machine_id()))
		fail("%s has no figures of this machine and kernel: run `make bench-peers`",
		     options.peers);
	return file;
}

/* By number of CPUs and flows. */
static const char *place(uint32_t flows)
{
	static char text[64];

	snprintf(text, sizeof(text), "%d CPU, %s", options.cpus, si(flows));
	return text;
}

double peers_get(uint32_t flows, const char *key)
{
	if (!kept)
		kept = file_read();
	return json_number_value(json_object_get(json_object_get(kept, place(flows)), key));
}

void peers_put(uint32_t flows, const char *key, double ratio)
{
	json_t *at;

	if (!renewed) {
		renewed = json_object();
		json_object_set_new(renewed, "machine", json_string(machine_id()));
	}
	at = json_object_get(renewed, place(flows));
	if (!at) {
		json_object_set_new(renewed, place(flows), json_object());
		at = json_object_get(renewed, place(flows));
	}
	json_object_set_new(at, key, json_real(ratio));
}

void peers_save(void)
{
	if (renewed &&
	    json_dump_file(renewed, options.peers, JSON_INDENT(1) | JSON_REAL_PRECISION(4)))
		fail("%s can't be written", options.peers);
}
