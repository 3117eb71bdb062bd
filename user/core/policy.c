/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ladder (policy.h). Each step below compares two candidates by one number, the better one the
 * lower, and the first step that tells them apart decides. Their order is the contract's, but for
 * class-first, where class comes before prefix length as long as both prefixes are at least
 * class-first-min long: shorter ones follow all of these, by length first, so that the order stays
 * total.
 */
#include "core/policy.h"
#include "core/rib_internal.h"

#include <string.h>

#define MAINTENANCE_AS	    12076
#define MAINTENANCE_REPEATS 8

const char *policy_step_name(enum policy_step step)
{
#define POLICY_TEXT(id, text) [POLICY_##id] = text,
	static const char *const name[] = {POLICY_STEPS(POLICY_TEXT)};

	return step < POLICY_STEP_COUNT ? name[step] : "?";
}

/* How often the first AS stands at the start of the AS path. */
static size_t as_path_run(const struct candidate *c)
{
	size_t n = 0;

	while (n < c->n_as && c->as_path[n] == c->as_path[0])
		n++;
	return n;
}

bool policy_maintenance(const struct candidate *c)
{
	return c->has_class && c->class == SW_CLASS_EXPRESSROUTE && c->n_as &&
	       c->as_path[0] == MAINTENANCE_AS && as_path_run(c) > MAINTENANCE_REPEATS;
}

static uint64_t step_key(const struct config *cfg, const struct candidate *c, enum policy_step step)
{
	switch (step) {
	case POLICY_PREFIX_LENGTH:
		return 128u - rib_node_prefix(c->node)->len;
	case POLICY_CLASS:
		return config_rank(cfg, c->class);
	case POLICY_MAINTENANCE:
		return policy_maintenance(c);
	case POLICY_STALE:
		return c->stale;
	case POLICY_LOCAL_PREF:
		return UINT32_MAX - (c->has_local_pref ? c->local_pref : 100u);
	case POLICY_AS_PATH:
		return c->n_as ? c->n_as - as_path_run(c) + 1 : 0;
	case POLICY_CIRCUIT:
		return cfg->multipath == MULTIPATH_CIRCUITS ? 0 : c->circuit_id;
	default: /* no rules yet: nobody is before another by RULE; EQUAL ends the ladder */
		return 0;
	}
}

static bool long_enough(const struct config *cfg, const struct candidate *c)
{
	return rib_node_prefix(c->node)->len >= cfg->class_first_min;
}

/* Whether class is asked before prefix length. */
static bool class_first(const struct config *cfg, const struct candidate *a,
			const struct candidate *b)
{
	return cfg->match == MATCH_CLASS_FIRST && long_enough(cfg, a) && long_enough(cfg, b);
}

int policy_compare(const struct config *cfg, const struct candidate *a, const struct candidate *b,
		   enum policy_step *step)
{
	bool swap = class_first(cfg, a, b);

	for (int i = POLICY_RULE; i < POLICY_EQUAL; i++) {
		enum policy_step at = (enum policy_step)i;
		uint64_t ka, kb;

		if (swap && at == POLICY_PREFIX_LENGTH)
			at = POLICY_CLASS;
		else if (swap && at == POLICY_CLASS)
			at = POLICY_PREFIX_LENGTH;
		ka = step_key(cfg, a, at);
		kb = step_key(cfg, b, at);
		if (ka != kb) {
			*step = at;
			return ka < kb ? -1 : 1;
		}
	}
	*step = POLICY_EQUAL;
	return 0;
}

/* The best candidate of each path, of usable classes, of the prefix and what covers it. */
static void best_collect(const struct config *cfg, const struct rib_node *node,
			 const struct candidate *best[SW_MAX_PATHS], uint64_t *members)
{
	const struct rib_node *at = node;
	enum policy_step step;

	for (; at; at = rib_parent(at)) {
		if (at != node && !rib_node_prefix(at)->len)
			break;
		for (const struct candidate *c = rib_node_candidates(at); c; c = c->next) {
			if (!candidate_live(c) || c->path < 0)
				continue;
			*members |= 1ULL << c->path;
			if (config_rank(cfg, c->class) == SW_NO_RANK)
				continue;
			if (!best[c->path] || policy_compare(cfg, c, best[c->path], &step) < 0)
				best[c->path] = c;
		}
	}
}

static size_t best_sort(const struct config *cfg, const struct candidate *best[SW_MAX_PATHS],
			const struct candidate *sorted[SW_MAX_PATHS])
{
	enum policy_step step;
	size_t n = 0;

	for (size_t path = 0; path < SW_MAX_PATHS; path++) {
		size_t at = n;

		if (!best[path])
			continue;
		for (; at && policy_compare(cfg, best[path], sorted[at - 1], &step) < 0; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = best[path];
		n++;
	}
	return n;
}

void policy_tiers(const struct config *cfg, const struct rib_node *node, struct policy_answer *out)
{
	const struct candidate *best[SW_MAX_PATHS] = {0}, *sorted[SW_MAX_PATHS];
	size_t n;

	memset(out, 0, sizeof(*out));
	best_collect(cfg, node, best, &out->members);
	n = best_sort(cfg, best, sorted);
	for (size_t i = 0; i < n; i++) {
		const struct candidate *c = sorted[i];
		enum policy_step step = POLICY_RULE;
		struct policy_tier *tier;

		if (i && !policy_compare(cfg, sorted[i - 1], c, &step)) {
			if (!out->cut)
				out->tier[out->n_tiers - 1].paths |= 1ULL << c->path;
			continue;
		}
		if (out->n_tiers == SW_MAX_TIERS) {
			out->cut++;
			continue;
		}
		tier = &out->tier[out->n_tiers++];
		tier->paths = 1ULL << c->path;
		tier->class = c->class;
		tier->rank = config_rank(cfg, c->class);
		tier->via = *rib_node_prefix(c->node);
		tier->own = c->node == node;
		tier->maintenance = policy_maintenance(c);
		tier->step = step;
	}
}
