/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ladder (contract.md, "The ladder"): from a prefix's candidates, its own and those of the
 * prefixes that cover it, to tiers of paths. Numbered steps, in the order of the contract.
 */
#ifndef SAMEWAY_CORE_POLICY_H
#define SAMEWAY_CORE_POLICY_H

#include "core/rib.h"

/* The step of the ladder that ranks one candidate before another. */
#define POLICY_STEPS(X)                                                                            \
	X(RULE, "rule")                                                                            \
	X(PREFIX_LENGTH, "prefix-length")                                                          \
	X(CLASS, "class")                                                                          \
	X(MAINTENANCE, "maintenance")                                                              \
	X(STALE, "stale")                                                                          \
	X(LOCAL_PREF, "local-pref")                                                                \
	X(AS_PATH, "as-path")                                                                      \
	X(CIRCUIT, "circuit")                                                                      \
	X(EQUAL, "equal")
#define POLICY_ENUM(id, text) POLICY_##id,
enum policy_step { POLICY_STEPS(POLICY_ENUM) POLICY_STEP_COUNT };
const char *policy_step_name(enum policy_step step);

struct policy_tier {
	uint64_t paths;
	enum sw_class class; /* of all its paths */
	uint8_t rank;
	struct prefix via; /* the prefix whose candidates these are */
	bool own;	   /* via is the prefix itself: via_prefix null */
	bool maintenance;
	enum policy_step step; /* why the tier before it comes first; RULE for the first tier */
};

struct policy_answer {
	struct policy_tier tier[SW_MAX_TIERS];
	size_t n_tiers;
	size_t cut;	  /* tiers beyond SW_MAX_TIERS that were left out */
	uint64_t members; /* all candidate paths, also of classes not in prefer */
};

/* A candidate, and whose it is. */
struct policy_candidate {
	const struct candidate *c;
	const struct rib_node *node;
};
/* Compares two candidates of prefixes covering one address; <0: a first. *step: what decided. */
int policy_compare(const struct config *cfg, struct policy_candidate a, struct policy_candidate b,
		   enum policy_step *step);
/* Whether its AS path says maintenance: 12076 first and repeated >= 8 times beyond the first. */
bool policy_maintenance(const struct candidate *c);
/* The same of attributes being made, whose first AS is there `run` times. */
bool policy_is_maintenance(const struct attributes *attr, size_t run);
/* Attributes of a VPN route whose AS path has Microsoft's edge: somebody sends it on. */
bool policy_is_leak(const struct attributes *attr);
/* The tiers of a local prefix. 0/0 and ::/0 lend nothing to the prefixes they cover. */
void policy_tiers(const struct config *cfg, const struct rib_node *node, struct policy_answer *out);

#endif
