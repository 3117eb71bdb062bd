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

/* Candidates that are not to count. */
struct remote_limits {
	int only; /* all but of this class; -1: any counts */
	/* What Azure would lose with a path of ours: those of this class and circuit. */
	bool gone;
	enum sw_class class;
	const char *circuit;
	bool unnamed; /* those of no told circuit, too */
};

/*
 * By which class and circuit Azure returns to `src`, an address inside: the longest match of the
 * remote view, the best of its candidates. False: it says nothing of it.
 */
bool remote_return(const struct rib *rib, const struct ip_addr *src, uint64_t now,
		   struct remote_return *out);
/* The same of what counts: the longest match that has any such. */
bool remote_return_limited(const struct rib *rib, const struct ip_addr *src, uint64_t now,
			   const struct remote_limits *limits, struct remote_return *out);
/* The same for a prefix that was found: the best candidate of the node. False: none counts. */
bool remote_best(const struct rib_node *node, uint64_t now, struct remote_return *out);

#endif
