/* SPDX-License-Identifier: GPL-2.0-only */
/* Policy rules on the edge of fixture_edge.h, for tests. */
#ifndef TESTS_FIXTURE_RULES_H
#define TESTS_FIXTURE_RULES_H

#include "fixture_edge.h"

static struct config_rule rules[SW_MAX_RULES];

/* One more rule; from, to and list may be NULL. */
static inline struct config_rule *rule_add(struct edge *e, const char *name, const char *from,
					   const char *to, enum config_rule_action action,
					   const char *list)
{
	struct config_rule *rule = &rules[e->cfg.n_rules++];
	char copy[100] = "", *save = NULL;

	*rule = (struct config_rule){.proto = -1, .dscp = -1, .action = action};
	snprintf(rule->name, sizeof(rule->name), "%s", name);
	if (from)
		rule->from = prefix_of(from);
	if (to)
		rule->to = prefix_of(to);
	snprintf(copy, sizeof(copy), "%s", list ? list : "");
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		struct config_pick *pick = &rule->pick[rule->n_picks++];

		if (class_parse(word, &pick->class))
			snprintf(pick->path, sizeof(pick->path), "%s", word);
	}
	e->cfg.rules = rules;
	return rule;
}

#endif
