/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `path NAME drain|undrain`: what it would move and take away (`plan`), and the doing of it. What
 * comes of it meanwhile the command reads from the maps.
 */
#include "core/drain.h"
#include "daemon/answer_audit.h"
#include "output/rows.h"

#include <string.h>

#define RULES_ROOM 16 /* named; the rest is counted */

/* The first few prefixes that are left without a path. */
static json_t *lost_names(struct daemon *d, uint64_t before, uint64_t after, size_t lost)
{
	struct incident_lost names = {0};
	json_t *list = json_array();

	if (lost)
		cause_lost_names(d->cfg, d->rib, before, after, &names);
	for (size_t i = 0; i < names.n; i++)
		json_array_append_new(list, rows_prefix(&names.v[i]));
	return list;
}

static json_t *lost_rules(struct daemon *d, uint64_t out)
{
	struct drain_rule rules[RULES_ROOM];
	struct incident_context ctx;
	json_t *list = json_array();
	struct audit audit;
	size_t n = 0;

	if (out && d->cfg->n_rules && d->cfg->mode == SW_MODE_ENFORCE) {
		audit_begin(d, &ctx, &audit);
		n = drain_rules(&audit, out, rules, RULES_ROOM);
	}
	for (size_t i = 0; i < n && i < RULES_ROOM; i++)
		json_array_append_new(list, json_pack("{s:s, s:I}", "name", rules[i].rule->name,
						      "prefixes", (json_int_t)rules[i].prefixes));
	return list;
}

json_t *answer_drain(struct daemon *d, const json_t *request, struct answer_error *err)
{
	const char *name = json_string_value(json_object_get(request, "path"));
	bool undrain = json_is_true(json_object_get(request, "undrain"));
	bool plan = json_is_true(json_object_get(request, "plan"));
	uint64_t for_ns = (uint64_t)json_integer_value(json_object_get(request, "for_ns"));
	uint64_t before = d->usable, after, out;
	int id = name ? audit_path(d, name) : -1;
	size_t moved, lost;
	json_t *rules;

	if (id < 0)
		return answer_refuse(err, 2, "%.40s: no such path: `sameway paths` lists them",
				     name ? name : "");
	out = undrain ? 0 : before & 1ULL << id;
	rules = lost_rules(d, out); /* before it is out: they are told by what that changes */
	for_ns = undrain ? 0 : for_ns;
	if (!plan) {
		daemon_log("path %s: %s by hand", name, undrain ? "undrained" : "drained");
		usable_drain(d, (unsigned int)id, !undrain, for_ns ? clock_now() + for_ns : 0);
		mode_arm(d);
	}
	after = plan ? before & ~out : d->usable;
	fib_moved(d->fib, before, after, &moved, &lost);
	return json_pack("{s:s, s:b, s:I, s:I, s:o, s:o, s:o}", "path", d->path[id].cfg->name,
			 "usable", (int)(after >> id & 1), "prefixes_moved", (json_int_t)moved,
			 "prefixes_lost", (json_int_t)lost, "for_s",
			 for_ns ? json_real(for_ns / 1e9) : json_null(), "lost_prefixes",
			 lost_names(d, before, after, lost), "lost_rules", rules);
}
