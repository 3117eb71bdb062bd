/* SPDX-License-Identifier: GPL-2.0-only */
/* The way back, as Azure's own tables (the remote view) tell it. Pure. */
#ifndef SAMEWAY_CORE_REMOTE_H
#define SAMEWAY_CORE_REMOTE_H

#include "core/rib.h"

struct remote_return {
	struct prefix prefix;		   /* what matched */
	const struct candidate *candidate; /* the RIB's */
	enum sw_class class;
	const char *circuit; /* as the feed names it, "": not told */
	uint64_t age_ns;     /* since it was true */
};

/*
 * By which class and circuit Azure returns to `src`, an address inside: the longest match of the
 * remote view, the best of its candidates. False: it says nothing of it.
 */
bool remote_return(const struct rib *rib, const struct ip_addr *src, uint64_t now,
		   struct remote_return *out);
/* The same for a prefix that was found: the best candidate of the node. False: none counts. */
bool remote_best(const struct rib_node *node, uint64_t now, struct remote_return *out);

#endif
