/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Policy rules into their map: the row that is not in force is written, then put in force by one
 * store. Twice at a start or reload: before the interfaces' rows change, only with paths that are
 * there already, so that an id that becomes another's leads nobody astray; and with all, after.
 */
#include "core/rules.h"
#include "daemon/daemon_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static int rules_put(struct daemon *d, uint64_t known, char err[DATAPATH_ERR])
{
	struct sw_rules *rows = datapath_rules(d->dp), *wanted;
	struct sw_ctl *c = datapath_ctl(d->dp);
	uint32_t word;
	int ret = 0;

	if (!d->cfg->n_rules) {
		if (c->rules)
			put_in_force(d, 0);
		return 0;
	}
	wanted = malloc(sizeof(*wanted));
	if (!wanted) {
		snprintf(err, DATAPATH_ERR, "out of memory: give the daemon more");
		return -ENOMEM;
	}
	rules_compile(d->cfg, d->path_ids, known, wanted);
	if (!c->rules || memcmp(wanted, &rows[c->rules & SW_RULES_ROW], sizeof(*wanted))) {
		ret = datapath_quiesce(d->dp); /* nobody is in the other row any more */
		if (ret) {
			snprintf(err, DATAPATH_ERR, "rules: the programs can't be waited for: %s",
				 strerror(-ret));
		} else {
			word = next_word(c, rules_ask_dscp(d->cfg));
			memcpy(&rows[word & SW_RULES_ROW], wanted, sizeof(*wanted));
			put_in_force(d, word);
		}
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
	return rules_put(d, UINT64_MAX, err);
}
