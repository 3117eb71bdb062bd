/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the audit share. */
#ifndef SAMEWAY_CORE_AUDIT_INTERNAL_H
#define SAMEWAY_CORE_AUDIT_INTERNAL_H

#include "core/audit.h"

/* The first tier with one of these paths into paths and class; its number, -1: none. */
int audit_tier(const struct policy_answer *answer, uint64_t paths, struct audit_forward *out);
/* 0/0 or ::/0, where what no path of its own is left for goes by it; else NULL. */
const struct rib_node *audit_default(const struct audit *a, uint8_t family);
/* Select's answer by a rule that chooses. */
void audit_choose_ruled(const struct audit *a, const struct rib_node *node, uint64_t down,
			const struct config_rule *rule, struct audit_forward *out);
/* Has forward and was chosen by the rule, NULL: by the ladder. */
void audit_ways_out(const struct audit *a, struct audit_destination *dst,
		    const struct config_rule *rule);
/* Whether its W comes before what is used of it, in the order of its rule. */
bool audit_rule_better(const struct audit *a, const struct audit_forward *f);
/* Whether Azure's answers may come by one of the paths that a rule of the way out allows. */
bool audit_returns_allowed(const struct audit *a, const struct audit_forward *f,
			   const struct audit_return *r);
/* Cause and words of a destination without a candidate. */
void audit_tell_lost(const struct audit *a, const struct audit_destination *dst,
		     struct cause_told *told);
/* `from`: the rules' from prefixes, else `to`. */
void audit_rules_meet(const struct config *cfg, bool from, const struct prefix *prefix,
		      const struct ip_addr *host, struct audit_rules *out);
/* Whether the rule is for a part of the prefix, and that is to be a row of its own. */
bool audit_rule_splits(const struct config_rule *rule, const struct prefix *part,
		       const struct prefix *of);
/* The first address behind the prefix. False: there is none. */
bool audit_address_after(const struct prefix *p, struct ip_addr *out);
/* An address of the prefix that no more specific row has, else its first. */
struct ip_addr audit_free_address(const struct audit *a, const struct prefix *prefix);
bool audit_is_exempt(const struct audit *a, const struct prefix *prefix);

#endif
