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

#define MICROSOFT_AS	    12076
#define MAINTENANCE_REPEATS 8

const char *policy_step_name(enum policy_step step)
{
#define POLICY_TEXT(id, text) [POLICY_##id] = text,
	static const char *const name[] = {POLICY_STEPS(POLICY_TEXT)};

	return step < POLICY_STEP_COUNT ? name[step] : "?";
}

bool policy_is_maintenance(const struct attributes *attr, size_t run)
{
	return attr->has_class && attr->class == SW_CLASS_EXPRESSROUTE && attr->n_as &&
	       attr->as_path[0] == MICROSOFT_AS && run > MAINTENANCE_REPEATS;
}

bool policy_maintenance(const struct candidate *c)
{
	return c->attr->maintenance;
}

bool policy_is_leak(const struct attributes *attr)
{
	if (!attr->has_class || attr->class != SW_CLASS_VPN)
		return false;
	for (size_t i = 0; i < attr->n_as; i++)
		if (attr->as_path[i] == MICROSOFT_AS)
			return true;
	return false;
}

static uint64_t step_key(const struct config *cfg, const struct candidate *c, enum policy_step step)
{
	switch (step) {
	case POLICY_PREFIX_LENGTH:
		return 128u - rib_node_prefix(c->node)->len;
	case POLICY_CLASS:
		return config_rank(cfg, c->attr->class);
	case POLICY_MAINTENANCE:
		return c->attr->maintenance;
	case POLICY_STALE:
		return c->stale;
	case POLICY_LOCAL_PREF:
		return UINT32_MAX - c->attr->local_pref;
	case POLICY_AS_PATH:
		return c->attr->as_length;
	case POLICY_CIRCUIT:
		return cfg->multipath == MULTIPATH_CIRCUITS ? 0 : c->attr->circuit_id;
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

/* The best candidate of each path, of usable classes, of the prefix and what covers it; *of: whose
 * there are. */
static void best_collect(const struct config *cfg, const struct rib_node *node,
			 const struct candidate *best[SW_MAX_PATHS], uint64_t *of,
			 uint64_t *members)
{
	const struct rib_node *at = node;
	enum policy_step step;

	for (; at; at = rib_parent(at)) {
		if (at != node && !rib_node_prefix(at)->len)
			break;
		for (const struct candidate *c = rib_node_candidates(at); c; c = c->next) {
			int path = c->attr->path;

			if (!candidate_live(c) || path < 0)
				continue;
			*members |= 1ULL << path;
			if (config_rank(cfg, c->attr->class) == SW_NO_RANK)
				continue;
			if (!(*of >> path & 1) || policy_compare(cfg, c, best[path], &step) < 0)
				best[path] = c;
			*of |= 1ULL << path;
		}
	}
}

static size_t best_sort(const struct config *cfg, const struct candidate *best[SW_MAX_PATHS],
			uint64_t of, const struct candidate *sorted[SW_MAX_PATHS])
{
	enum policy_step step;
	size_t n = 0;

	for (; of; of &= of - 1) {
		const struct candidate *c = best[__builtin_ctzll(of)];
		size_t at = n++;

		for (; at && policy_compare(cfg, c, sorted[at - 1], &step) < 0; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = c;
	}
	return n;
}

void policy_tiers(const struct config *cfg, const struct rib_node *node, struct policy_answer *out)
{
	const struct candidate *best[SW_MAX_PATHS], *sorted[SW_MAX_PATHS];
	uint64_t of = 0;
	size_t n;

	out->n_tiers = out->cut = 0;
	out->members = 0;
	best_collect(cfg, node, best, &of, &out->members);
	n = best_sort(cfg, best, of, sorted);
	for (size_t i = 0; i < n; i++) {
		const struct candidate *c = sorted[i];
		enum policy_step step = POLICY_RULE;
		struct policy_tier *tier;

		if (i && !policy_compare(cfg, sorted[i - 1], c, &step)) {
			if (!out->cut)
				out->tier[out->n_tiers - 1].paths |= 1ULL << c->attr->path;
			continue;
		}
		if (out->n_tiers == SW_MAX_TIERS) {
			out->cut++;
			continue;
		}
		tier = &out->tier[out->n_tiers++];
		tier->paths = 1ULL << c->attr->path;
		tier->class = c->attr->class;
		tier->rank = config_rank(cfg, c->attr->class);
		tier->via = *rib_node_prefix(c->node);
		tier->own = c->node == node;
		tier->maintenance = policy_maintenance(c);
		tier->step = step;
	}
}
