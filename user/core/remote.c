/* SPDX-License-Identifier: GPL-2.0-only */
#include "core/remote.h"

#include <string.h>

/*
 * Fresh before stale, a gateway's word before others'; by class, ExpressRoute first, as Azure does;
 * of a circuit that is known; what was true last.
 */
static bool before(const struct candidate *a, const struct candidate *b, uint64_t now)
{
	if (a->stale != b->stale)
		return !a->stale;
	if (a->attr->second_hand != b->attr->second_hand)
		return !a->attr->second_hand;
	if (a->attr->class != b->attr->class)
		return a->attr->class < b->attr->class;
	if (!a->attr->circuit[0] != !b->attr->circuit[0])
		return a->attr->circuit[0];
	return candidate_age(a, now) < candidate_age(b, now);
}

static bool counts(const struct candidate *c, const struct remote_limits *limits)
{
	const struct attributes *attr = c->attr;

	if (c->peer_down)
		return false;
	if (limits->only >= 0 && attr->class != limits->only)
		return false;
	if (!limits->gone || attr->class != limits->class)
		return true;
	return attr->circuit[0] ? strcmp(attr->circuit, limits->circuit) : !limits->unnamed;
}

static bool best_limited(const struct rib_node *node, uint64_t now,
			 const struct remote_limits *limits, struct remote_return *out)
{
	const struct candidate *best = NULL;

	for (const struct candidate *c = rib_node_candidates(node); c; c = c->next)
		if (counts(c, limits) && (!best || before(c, best, now)))
			best = c;
	if (!best)
		return false;
	*out = (struct remote_return){
		.prefix = *rib_node_prefix(node),
		.candidate = best,
		.class = (enum sw_class)best->attr->class,
		.circuit = best->attr->circuit,
		.age_ns = candidate_age(best, now),
	};
	return true;
}

bool remote_best(const struct rib_node *node, uint64_t now, struct remote_return *out)
{
	const struct remote_limits none = {.only = -1};

	return best_limited(node, now, &none, out);
}

bool remote_return_limited(const struct rib *rib, const struct ip_addr *src, uint64_t now,
			   const struct remote_limits *limits, struct remote_return *out)
{
	const struct rib_node *node = rib_match(rib, VIEW_REMOTE, src);

	for (; node; node = rib_parent(node))
		if (best_limited(node, now, limits, out))
			return true;
	return false;
}

bool remote_return(const struct rib *rib, const struct ip_addr *src, uint64_t now,
		   struct remote_return *out)
{
	const struct remote_limits none = {.only = -1};

	return remote_return_limited(rib, src, now, &none, out);
}
