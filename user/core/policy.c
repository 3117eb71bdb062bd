/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ladder (policy.h). Each step compares two candidates by one number, the better one the lower,
 * and the first step that tells them apart decides. Their order is the contract's, but for
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

/*
 * All steps as one number, the lower the better: of `first`, from the top, 12 bits that are 0 (no
 * rules yet), whether class-first leaves it out, prefix length and class (8 bits each; class-first:
 * the other way round), maintenance, stale, local preference (32); of `second` AS path and circuit
 * (16).
 */
struct policy_rank {
	struct policy_candidate of;
	uint64_t first, second;
	bool by_class; /* class is asked before prefix length */
};

static struct policy_rank rank_of(const struct config *cfg, struct policy_candidate of,
				  uint8_t rank)
{
	const struct candidate *c = of.c;
	uint8_t len = rib_node_prefix(of.node)->len;
	uint64_t length = 128u - len, order = length << 8 | rank;
	uint64_t circuit = cfg->multipath == MULTIPATH_CIRCUITS ? 0 : c->attr->circuit_id;
	bool by_class = cfg->match == MATCH_CLASS_FIRST && len >= cfg->class_first_min;

	if (by_class)
		order = (uint64_t)rank << 8 | length;
	else if (cfg->match == MATCH_CLASS_FIRST)
		order |= 1 << 16;
	order = order << 2 | (uint64_t)c->attr->maintenance << 1 | c->stale;
	return (struct policy_rank){
		.of = of,
		.first = order << 32 | (UINT32_MAX - c->attr->local_pref),
		.second = (uint64_t)c->attr->as_length << 16 | circuit,
		.by_class = by_class,
	};
}

static int rank_cmp(const struct policy_rank *a, const struct policy_rank *b)
{
	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return (a->second > b->second) - (a->second < b->second);
}

/* The first step that tells them apart. */
static enum policy_step rank_step(const struct policy_rank *a, const struct policy_rank *b)
{
	uint64_t first = (a->first ^ b->first) >> 32, second = a->second ^ b->second;

	if (first >> 18)
		return POLICY_PREFIX_LENGTH;
	if (first >> 10)
		return a->by_class ? POLICY_CLASS : POLICY_PREFIX_LENGTH;
	if (first >> 2)
		return a->by_class ? POLICY_PREFIX_LENGTH : POLICY_CLASS;
	if (first)
		return first >> 1 ? POLICY_MAINTENANCE : POLICY_STALE;
	if (a->first != b->first)
		return POLICY_LOCAL_PREF;
	if (second)
		return second >> 16 ? POLICY_AS_PATH : POLICY_CIRCUIT;
	return POLICY_EQUAL;
}

int policy_compare(const struct config *cfg, struct policy_candidate a, struct policy_candidate b,
		   enum policy_step *step)
{
	struct policy_rank x = rank_of(cfg, a, config_rank(cfg, a.c->attr->class));
	struct policy_rank y = rank_of(cfg, b, config_rank(cfg, b.c->attr->class));

	*step = rank_step(&x, &y);
	return rank_cmp(&x, &y);
}

/* The best candidate of each path, of usable classes, of the prefix and what covers it; *of: whose
 * there are. */
static void best_collect(const struct config *cfg, const struct rib_node *node,
			 struct policy_rank best[SW_MAX_PATHS], uint64_t *of, uint64_t *members)
{
	const struct rib_node *at = node;

	for (; at; at = rib_parent(at)) {
		if (at != node && !rib_node_prefix(at)->len)
			break;
		for (const struct candidate *c = rib_node_candidates(at); c; c = c->next) {
			int path = c->attr->path;
			struct policy_rank one;
			uint8_t rank;

			if (!candidate_live(c) || path < 0)
				continue;
			*members |= 1ULL << path;
			rank = config_rank(cfg, c->attr->class);
			if (rank == SW_NO_RANK)
				continue;
			one = rank_of(cfg, (struct policy_candidate){c, at}, rank);
			if (!(*of >> path & 1) || rank_cmp(&one, &best[path]) < 0)
				best[path] = one;
			*of |= 1ULL << path;
		}
	}
}

static size_t best_sort(const struct policy_rank best[SW_MAX_PATHS], uint64_t of,
			const struct policy_rank *sorted[SW_MAX_PATHS])
{
	size_t n = 0;

	for (; of; of &= of - 1) {
		const struct policy_rank *one = &best[__builtin_ctzll(of)];
		size_t at = n++;

		for (; at && rank_cmp(one, sorted[at - 1]) < 0; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = one;
	}
	return n;
}

void policy_tiers(const struct config *cfg, const struct rib_node *node, struct policy_answer *out)
{
	struct policy_rank best[SW_MAX_PATHS];
	const struct policy_rank *sorted[SW_MAX_PATHS];
	uint64_t of = 0;
	size_t n;

	out->n_tiers = out->cut = 0;
	out->members = 0;
	best_collect(cfg, node, best, &of, &out->members);
	n = best_sort(best, of, sorted);
	for (size_t i = 0; i < n; i++) {
		const struct policy_candidate *one = &sorted[i]->of;
		const struct candidate *c = one->c;
		struct policy_tier *tier;

		if (i && !rank_cmp(sorted[i - 1], sorted[i])) {
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
		tier->via = *rib_node_prefix(one->node);
		tier->own = one->node == node;
		tier->maintenance = policy_maintenance(c);
		tier->step = i ? rank_step(sorted[i - 1], sorted[i]) : POLICY_RULE;
	}
}
