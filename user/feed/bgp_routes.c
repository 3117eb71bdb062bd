/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A balanced tree of the C library (tsearch(3)). It is used only by feeds with several peers, where
 * the RIB cannot tell whose routes go away with a session.
 */
#include "feed/bgp_routes.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>

struct known_route {
	struct prefix prefix;
	uint32_t sub;
};

static int known_route_cmp(const void *a, const void *b)
{
	const struct known_route *x = a, *y = b;
	int d = prefix_cmp(&x->prefix, &y->prefix);

	if (d)
		return d;
	return x->sub < y->sub ? -1 : x->sub > y->sub;
}

int bgp_routes_add(void **set, const struct prefix *p, uint32_t sub)
{
	struct known_route *r = malloc(sizeof(*r)), **slot;

	if (!r)
		return -ENOMEM;
	*r = (struct known_route){*p, sub};
	slot = tsearch(r, set, known_route_cmp);
	if (!slot || *slot != r)
		free(r);
	return slot ? 0 : -ENOMEM;
}

static void drop(void **set, struct known_route *r)
{
	tdelete(r, set, known_route_cmp);
	free(r);
}

void bgp_routes_remove(void **set, const struct prefix *p, uint32_t sub)
{
	const struct known_route key = {*p, sub};
	struct known_route **slot = tfind(&key, set, known_route_cmp);

	if (slot)
		drop(set, *slot);
}

bool bgp_routes_pop(void **set, struct prefix *p, uint32_t *sub)
{
	struct known_route *r;

	if (!*set)
		return false;
	r = *(struct known_route **)*set;
	*p = r->prefix;
	*sub = r->sub;
	drop(set, r);
	return true;
}

void bgp_routes_free(void **set)
{
	while (*set)
		drop(set, *(struct known_route **)*set);
}
