/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Of abi.h: policy rules, compiled by user/core/rules.c, asked by bpf/rule.h. A rule is a bit, its
 * number in the config's order: each dimension of a packet says which rules match it there, all of
 * them are and'ed, and the lowest bit that is left is the rule. So 256 rules cost what one does.
 */
#ifndef SAMEWAY_ABI_RULE_H
#define SAMEWAY_ABI_RULE_H

#include <linux/types.h>

#define SW_MAX_RULES	256
#define SW_RULE_WORDS	(SW_MAX_RULES / 64)
#define SW_RULE_STEPS	8   /* classes and paths that one lists, at most */
#define SW_RULE_ENDS	512 /* a prefix or a port ends at two values at most */

#define SW_RULE_DENY	0x01
#define SW_RULE_BINDS	0x02 /* by its paths or not at all: nothing is left to the kernel */
#define SW_RULE_ENCRYPT 0x04 /* and these are VPNs: by another it would be in clear */

struct sw_rule {
	__u64 paths;		    /* all that it lists, 0: a rule that chooses nothing */
	__u64 step[SW_RULE_STEPS];  /* in its order of preference, disjoint; 0 ends them */
	__u64 other[SW_RULE_STEPS]; /* of the steps before, paths of other classes than this one's
				     */
	__u8 flags;		    /* SW_RULE_* */
	__u8 pad[7];
};

struct sw_rule_bits {
	__u64 w[SW_RULE_WORDS];
};

/* Values from low[i - 1] on match rules[i]; the first of rules[] is of those below low[0]. */
struct sw_rule_values {
	__u32 low[SW_RULE_ENDS]; /* host order; beyond the last: its rules again */
	struct sw_rule_bits rules[SW_RULE_ENDS + 1];
};
struct sw_rule_values6 {
	__u64 high[SW_RULE_ENDS], low[SW_RULE_ENDS]; /* the two halves of an address, host order */
	struct sw_rule_bits rules[SW_RULE_ENDS + 1];
};

/* Map `rules`, two rows, mmapped: one in use, the other to be written. Rules of the other family
 * than the packet's are not in from*, to*. */
struct sw_rules {
	struct sw_rule rule[SW_MAX_RULES];
	struct sw_rule_values from4, to4;
	struct sw_rule_values6 from6, to6;
	struct sw_rule_values port;	 /* of the outside end */
	struct sw_rule_bits port_hidden; /* of a fragment, or where no port could be read */
	struct sw_rule_bits proto[256];
	struct sw_rule_bits proto_hidden; /* behind IPv6 extension headers */
	struct sw_rule_bits dscp[64];
	struct sw_rule_bits
		dscp_unknown; /* of a packet to inside: the flow's is not there to see */
};

/*
 * sw_ctl.rules, 0: no rules. A reload writes the other row, then this word, with another
 * generation: flows are decided anew.
 */
#define SW_RULES_ROW	    0x1U
#define SW_RULES_DSCP	    0x2U /* some ask for DSCP: packets to inside decide nothing */
#define SW_RULES_GEN_SHIFT  2
#define SW_RULES_GEN(rules) ((rules) >> SW_RULES_GEN_SHIFT & SW_RULES_GEN_MASK)
#define SW_RULES_GEN_MASK   0x1fffU

/*
 * Map `flow_rules`, two words a row, by number of the flow's record, IPv6 behind IPv4: what was
 * decided for the flow. Reuse of the record:10, generation of the rules:13, rule and one:9, 0:
 * none.
 */
#define SW_FLOW_RULE_BITS	 9
#define SW_FLOW_RULE_MASK	 ((1U << SW_FLOW_RULE_BITS) - 1)
#define SW_FLOW_RULE_GEN(kept)	 ((kept) >> SW_FLOW_RULE_BITS & SW_RULES_GEN_MASK)
#define SW_FLOW_RULE_REUSE(kept) ((kept) >> SW_FLOW_RULE_BITS >> 13)
static inline __u32 sw_flow_rule(__u32 rules, __u32 reuse, __u32 rule)
{
	return (reuse << 13 | SW_RULES_GEN(rules)) << SW_FLOW_RULE_BITS | rule;
}

/*
 * Map `rule_denied`, per CPU, SW_MAX_RULES rows for each of `rules`: packets that met reason
 * rule-denied by the rule, or were kept off a path at TC egress by it.
 */
struct sw_rule_denied {
	__u64 dropped;
	__u64 passed; /* in monitor mode */
};

/*
 * Map `rule_names`, two rows as `rules`: of that row's rules their names, of which a generation.
 * gen 0: none, or they are being written. A rule has `rule_denied` plus `before` (modulo 2^64):
 * what it had in the row of before, less what the counters of this one had when it was made.
 */
struct sw_rule_names {
	__u32 gen, pad;
	char name[SW_MAX_RULES][SW_NAME_LEN]; /* those beyond the last: empty */
	struct sw_rule_denied before[SW_MAX_RULES];
};

_Static_assert(sizeof(struct sw_rule) % 8 == 0, "rule has no hidden padding");

#endif
