/* SPDX-License-Identifier: GPL-2.0-only */
/* The set of routes that one BGP session announced, each a prefix and what identifies it. */
#ifndef SAMEWAY_FEED_BGP_ROUTES_H
#define SAMEWAY_FEED_BGP_ROUTES_H

#include "core/prefix.h"

/* A set is a void *, NULL when empty. 0 or -ENOMEM. */
int bgp_routes_add(void **set, const struct prefix *p, uint32_t sub);
void bgp_routes_remove(void **set, const struct prefix *p, uint32_t sub);
/* Takes one out; false: none is left. */
bool bgp_routes_pop(void **set, struct prefix *p, uint32_t *sub);
void bgp_routes_free(void **set);

#endif
