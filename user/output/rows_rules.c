/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `rules` of `counters`: of each policy rule in force the flows that it decided, as their records
 * are now, and the packets that it denied, since it came under its name.
 */
#include "output/rows_internal.h"

#include <string.h>

struct rule_row {
	uint64_t flows, packets, bytes;
};

struct rule_rows {
	struct sw_rule_names names[2];
	const struct sw_rule_names *in_force;
	struct rule_row row[SW_MAX_RULES];
};

/* Of rules of before too, by name: they may be in force by another number. */
static int rule_flow(void *arg, const struct sw_flow_key *key, const struct flow *flow)
{
	struct rule_rows *rules = arg;
	const char *name = flow_rule_name(flow, rules->names);
	struct rule_row *row;
	size_t i = flow->rule - 1;

	(void)key;
	if (!name)
		return 0;
	if (rules->in_force->gen != flow->rules_gen)
		for (i = 0; i < SW_MAX_RULES; i++)
			if (!strncmp(rules->in_force->name[i], name, SW_NAME_LEN))
				break;
	if (i >= SW_MAX_RULES)
		return 0;
	row = &rules->row[i];
	row->flows++;
	row->packets += flow->out_packets + flow->in_packets;
	row->bytes += flow->out_bytes + flow->in_bytes;
	return 0;
}

static json_t *rule_one(struct maps *maps, uint32_t force, const struct rule_rows *rules, size_t i)
{
	const struct sw_rule_denied *before = &rules->in_force->before[i];
	const struct rule_row *row = &rules->row[i];
	struct sw_rule_denied now;

	if (maps_rule_denied(maps, force & SW_RULES_ROW, (uint32_t)i, &now))
		return NULL;
	return json_pack("{s:o, s:I, s:I, s:I, s:I, s:I}", "name",
			 rows_name(rules->in_force->name[i], SW_NAME_LEN), "flows",
			 (json_int_t)row->flows, "packets", (json_int_t)row->packets, "bytes",
			 (json_int_t)row->bytes, "denied",
			 (json_int_t)(before->dropped + now.dropped), "would_deny",
			 (json_int_t)(before->passed + now.passed));
}

json_t *rows_rules(struct maps *maps)
{
	struct rule_rows rules = {0};
	json_t *array = json_array();
	struct sw_ctl ctl;
	bool ok = array && !maps_ctl(maps, &ctl) && !maps_rule_names(maps, rules.names);

	if (ok && ctl.rules) {
		rules.in_force = &rules.names[ctl.rules & SW_RULES_ROW];
		ok = !maps_flow_each(maps, rule_flow, &rules);
		for (size_t i = 0; ok && i < SW_MAX_RULES && rules.in_force->name[i][0]; i++)
			ok = rows_append(array, rule_one(maps, ctl.rules, &rules, i));
	}
	if (ok)
		return array;
	json_decref(array);
	return NULL;
}
