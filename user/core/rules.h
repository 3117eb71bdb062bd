/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Policy rules: what they mean, and their form for the data plane (sameway/abi_rule.h). The first
 * rule that matches a flow, read from inside to outside, decides:
 *
 *   prefer  the flow's tiers in the order of the list; what is not listed is never chosen for it
 *   only    its tiers by the ladder, but only of what is listed; nothing is left to the kernel
 *   deny    no path at all
 *
 * A rule of either kind that lists VPNs alone says that its traffic must be encrypted: it binds as
 * `only` does, and a packet of it seen by another path is in clear.
 */
#ifndef SAMEWAY_CORE_RULES_H
#define SAMEWAY_CORE_RULES_H

#include "core/config.h"

/* Nothing that it matches is left to the kernel's choice. */
bool rule_restricts(const struct config *cfg, const struct config_rule *rule);
/* It must be encrypted. */
bool rule_encrypts(const struct config *cfg, const struct config_rule *rule);
/* It asks for more of a packet than its two addresses: protocol, port or DSCP. */
bool rule_asks_packet(const struct config_rule *rule);
/* The only family that it matches, 0: both. */
uint8_t rule_family(const struct config_rule *rule);

/* A flow as read from inside to outside; ports in host order. */
struct rule_flow {
	struct ip_addr from, to;
	uint8_t proto;
	uint16_t port; /* of the outside end */
	int dscp;      /* -1: not known */
};
/* Its rule, NULL: none. */
const struct config_rule *rules_match(const struct config *cfg, const struct rule_flow *flow);

/*
 * All of the config's rules for the data plane. path_ids: of cfg->paths[i]; NULL: i. known: ids of
 * paths that a rule may restrict to now.
 */
void rules_compile(const struct config *cfg, const uint8_t *path_ids, uint64_t known,
		   struct sw_rules *out);
/* One of them: what it does, not what it matches. */
void rule_compile(const struct config *cfg, const uint8_t *path_ids, uint64_t known,
		  const struct config_rule *rule, struct sw_rule *out);
/*
 * What of the rules no flow will have: behind another that takes all of it, or of addresses that
 * are never sent by a path. A warning each, with its line. 0 or -ENOMEM.
 */
int rules_warn(const struct config *cfg, struct config_errors *out);
/* Whether a rule asks for DSCP. */
bool rules_ask_dscp(const struct config *cfg);

#endif
