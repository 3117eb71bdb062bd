/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Policy rules into their map: the row that is not in force is written, then put in force by one
 * store. Twice at a start or reload: before the interfaces' rows change, only with paths that are
 * there already, so that an id that becomes another's leads nobody astray; and with all, after.
 *
 * And what they do now: which of them has no path, and whether packets are dropped for it.
 */
#include "core/rules.h"
#include "daemon/daemon_impl.h"
#include "output/rows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TELL_NS 600000000000ULL

/* Ids that stand for the same path of the same class in what packets go by now. */
static uint64_t paths_known(struct daemon *d)
{
	const struct sw_path *rows = datapath_paths(d->dp);
	uint64_t known = 0;

	for (size_t i = 0; i < d->cfg->n_paths; i++) {
		const struct config_path *path = &d->cfg->paths[i];
		unsigned int id = d->path_ids[i];

		if (!strcmp(rows[id].name, path->name) && rows[id].class == path->class)
			known |= 1ULL << id;
	}
	return known;
}

/* The word of the next rules: the other row, the next generation, never 0. */
static uint32_t next_word(const struct sw_ctl *c, bool dscp)
{
	uint32_t gen = (SW_RULES_GEN(c->rules_last) + 1) & SW_RULES_GEN_MASK;

	if (!gen)
		gen = 1;
	return gen << SW_RULES_GEN_SHIFT | (dscp ? SW_RULES_DSCP : 0) |
	       ((c->rules_last & SW_RULES_ROW) ^ SW_RULES_ROW);
}

static void put_in_force(struct daemon *d, uint32_t word)
{
	struct sw_ctl *c = datapath_ctl(d->dp);

	if (datapath_adopted(d->dp)) /* how it was at the start is no change */
		c->rules_ns = clock_now();
	if (word)
		c->rules_last = word;
	__atomic_store_n(&c->rules, word, __ATOMIC_RELEASE);
	daemon_changed(d);
}

static bool names_are(const struct config *cfg, const struct sw_rule_names *row)
{
	for (size_t i = 0; i < SW_MAX_RULES; i++)
		if (strncmp(row->name[i], i < cfg->n_rules ? cfg->rules[i].name : "", SW_NAME_LEN))
			return false;
	return true;
}

static void names_write(const struct config *cfg, uint32_t gen, struct sw_rule_names *row)
{
	__atomic_store_n(&row->gen, 0, __ATOMIC_SEQ_CST);
	memset(row->name, 0, sizeof(row->name));
	for (size_t i = 0; i < cfg->n_rules; i++)
		memcpy(row->name[i], cfg->rules[i].name, strlen(cfg->rules[i].name));
	__atomic_store_n(&row->gen, gen, __ATOMIC_RELEASE);
}

/* What rule n of the row has denied by its counters; nothing where they can't be read. */
static struct sw_rule_denied denied_of(struct daemon *d, uint32_t row, size_t n)
{
	struct sw_rule_denied sum;

	return maps_rule_denied(d->maps, row, (uint32_t)n, &sum) ? (struct sw_rule_denied){0} : sum;
}

/*
 * The rules of row `to` go on with what those of the same name in the other row have denied. began:
 * what their own counters had before the row came in force. from: the other row is, or was.
 */
static void denied_carry(struct daemon *d, bool from, uint32_t to,
			 const struct sw_rule_denied *began)
{
	struct sw_rule_names *names = datapath_rule_names(d->dp), *row = &names[to];
	const struct sw_rule_names *old = &names[!to];

	for (size_t i = 0; i < d->cfg->n_rules; i++) {
		struct sw_rule_denied sum = {0};
		size_t k = 0;

		while (k < SW_MAX_RULES && strncmp(old->name[k], row->name[i], SW_NAME_LEN))
			k++;
		if (from && k < SW_MAX_RULES) {
			sum = denied_of(d, !to, k);
			sum.dropped += old->before[k].dropped;
			sum.passed += old->before[k].passed;
		}
		row->before[i].dropped = sum.dropped - began[i].dropped;
		row->before[i].passed = sum.passed - began[i].passed;
	}
}

/* Into the row that is not in force, where nobody is any more, and that in force. */
static void rules_switch(struct daemon *d, const struct sw_rules *wanted)
{
	struct sw_ctl *c = datapath_ctl(d->dp);
	struct sw_rule_denied began[SW_MAX_RULES];
	uint32_t word = next_word(c, rules_ask_dscp(d->cfg)), row = word & SW_RULES_ROW;
	bool from = c->rules;

	memcpy(&datapath_rules(d->dp)[row], wanted, sizeof(*wanted));
	names_write(d->cfg, SW_RULES_GEN(word), &datapath_rule_names(d->dp)[row]);
	for (size_t i = 0; i < d->cfg->n_rules; i++)
		began[i] = denied_of(d, row, i);
	denied_carry(d, from, row, began);
	put_in_force(d, word);
	if (from && !datapath_quiesce(d->dp)) /* and what came to its end meanwhile */
		denied_carry(d, from, row, began);
}

static int rules_put(struct daemon *d, uint64_t known, char err[DATAPATH_ERR])
{
	uint32_t force = datapath_ctl(d->dp)->rules, row = force & SW_RULES_ROW;
	struct sw_rules *wanted;
	int ret = 0;

	if (!d->cfg->n_rules) {
		if (force)
			put_in_force(d, 0);
		return 0;
	}
	wanted = malloc(sizeof(*wanted));
	if (!wanted) {
		snprintf(err, DATAPATH_ERR, "out of memory: give the daemon more");
		return -ENOMEM;
	}
	rules_compile(d->cfg, d->path_ids, known, wanted);
	if (!force || memcmp(wanted, &datapath_rules(d->dp)[row], sizeof(*wanted)) ||
	    !names_are(d->cfg, &datapath_rule_names(d->dp)[row])) {
		ret = datapath_quiesce(d->dp); /* nobody is in the other row any more */
		if (ret)
			snprintf(err, DATAPATH_ERR, "rules: the programs can't be waited for: %s",
				 strerror(-ret));
		else
			rules_switch(d, wanted);
	}
	free(wanted);
	return ret;
}

int rules_begin(struct daemon *d, char err[DATAPATH_ERR])
{
	return rules_put(d, paths_known(d), err);
}

int rules_start(struct daemon *d, char err[DATAPATH_ERR])
{
	d->denied_now = (struct denied_now){0}; /* the ports may be others */
	return rules_put(d, UINT64_MAX, err);
}

/* Of the paths that a rule lists: ids of those that are usable and have routes. */
static uint64_t rule_usable(const struct daemon *d, const struct config_rule *rule,
			    struct sw_rule *row)
{
	rule_compile(d->cfg, d->path_ids, UINT64_MAX, rule, row);
	return rib_paths_with_routes(d->rib, row->paths & d->usable);
}

/* It binds its traffic to paths of which none is left: all of that is dropped. */
static bool rule_drops(const struct daemon *d, const struct config_rule *rule)
{
	struct sw_rule row;

	/* in a cold start the tables have routes that the RIB lacks yet */
	return d->cfg->mode == SW_MODE_ENFORCE && !d->cold && !rule_usable(d, rule, &row) &&
	       row.flags & SW_RULE_BINDS;
}

static uint64_t denied_packets(struct daemon *d)
{
	struct sw_reasons reasons;
	uint64_t packets = 0;

	for (size_t i = 0; i < d->n_ports; i++)
		if (!maps_reasons(d->maps, d->port[i].slot, &reasons))
			packets += reasons.drop.rule_denied;
	return packets;
}

static void denied_tell(struct daemon *d, uint64_t packets)
{
	char names[200] = "";
	bool denies = false;
	size_t used = 0;

	for (size_t i = 0; i < d->cfg->n_rules; i++) {
		const struct config_rule *rule = &d->cfg->rules[i];

		denies |= rule->action == RULE_DENY;
		if (rule_drops(d, rule) && used < sizeof(names))
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
						 used ? ", " : "", rule->name);
	}
	if (denies && !used) /* as it was asked for */
		return;
	d->denied_now.told_ns = clock_now();
	daemon_log("%llu packets dropped by policy rules (rule-denied): %s%s: `sameway explain DST "
		   "from SRC proto P port N` names the rule of each; see why its paths are not "
		   "usable with `sameway paths`",
		   (unsigned long long)packets,
		   used ? "no path is usable of what is listed by "
			: "no path that their rule "
			  "lists has a route to where "
			  "they go",
		   names);
}

void rules_watch(struct daemon *d)
{
	struct denied_now *now = &d->denied_now;
	uint64_t packets;

	if (!d->cfg->n_rules)
		return;
	packets = denied_packets(d);
	if (now->known && packets > now->packets) {
		now->last_ns = clock_now();
		if (!d->cold && (!now->told_ns || now->last_ns - now->told_ns > TELL_NS))
			denied_tell(d, packets - now->packets);
	}
	now->packets = packets;
	now->known = true;
}

json_t *rules_row(struct daemon *d)
{
	static const char *const actions[] = {"none", "prefer", "only", "deny"};
	json_t *list = json_array();
	struct sw_rule row;

	for (size_t i = 0; i < d->cfg->n_rules; i++) {
		const struct config_rule *rule = &d->cfg->rules[i];
		uint64_t usable = rule_usable(d, rule, &row);

		json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:b}", "name", rule->name,
						      "action", actions[rule->action], "usable",
						      rows_path_names(d->cfg, d->path_ids, usable),
						      "dropping", (int)rule_drops(d, rule)));
	}
	return json_pack("{s:I, s:o, s:o}", "denied", (json_int_t)d->denied_now.packets, "denied_s",
			 d->denied_now.last_ns
				 ? json_real((double)(clock_now() - d->denied_now.last_ns) / 1e9)
				 : json_null(),
			 "list", list);
}
