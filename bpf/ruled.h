/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Of stage 6: what the two paths of a flow come to, by themselves and by its policy rule.
 */
#ifndef SAMEWAY_BPF_RULED_H
#define SAMEWAY_BPF_RULED_H

/* What rule_judge() says of a flow that has a rule; RULED: it has one. */
#define RULED	     0x1
#define RULED_BETTER 0x2 /* select's answer is of a better class than the flow's path */
#define RULED_CLEAR  0x4 /* it must be encrypted, and was seen where it is not */

/* Rows 6 to 9, both directions seen since the epoch began. w: what select gives now, may be none.
 */
static __always_inline __u8 judge(const struct sw_path *f, const struct sw_path *r,
				  const struct sw_path *w, __u32 ruled, __u8 degraded,
				  __u8 same_path, __u8 settling, __u32 scope)
{
	__u8 worse = settling ? SW_VERDICT_TRANSITION : SW_VERDICT_ASYMMETRIC;

	if (f->class != r->class) /* 9 */
		return worse;
	if (ruled ? ruled & RULED_BETTER : w && w->class != f->class && w->rank < f->rank) /* 8 */
		return settling ? SW_VERDICT_TRANSITION : SW_VERDICT_POLICY_VIOLATION;
	if (w && w->class == f->class && degraded) /* 6 */
		return SW_VERDICT_FAILOVER;
	if (same_path) /* 7 */
		return SW_VERDICT_OK;
	if (f->circuit == r->circuit)
		return scope == SW_SCOPE_PATH ? worse : SW_VERDICT_BENIGN_ECMP;
	return scope == SW_SCOPE_CLASS ? SW_VERDICT_INTER_CIRCUIT : worse;
}

static __always_inline struct sw_path *path_row(__u8 id)
{
	__u32 key = id;

	return id < SW_MAX_PATHS ? bpf_map_lookup_elem(&paths, &key) : NULL;
}

/* How far down a rule's order the path is: by step, then by class. */
static __always_inline __u32 rule_place(const struct sw_rule *rule, __u32 id, __u8 rank)
{
	__u32 i;

	for (i = 0; i < SW_RULE_STEPS; i++) {
		if (!rule->step[i] || rule->step[i] >> (id & 63) & 1)
			break;
	}
	return i << 8 | rank;
}

/* Whether path w, which select gives, is of a better class than f, by a rule's order. */
static __always_inline bool rule_better(const struct sw_rule *rule, __u32 w, __u32 f)
{
	struct sw_path *w_row = path_row(w), *f_row = path_row(f);

	if (rule_forbids(rule, f))
		return true;
	return w_row && f_row && w_row->class != f_row->class &&
	       rule_place(rule, w, w_row->rank) < rule_place(rule, f, f_row->rank);
}

/*
 * Row 8 of a flow with a rule: RULED_*, 0: it has none that chooses. word: its state; answer: the
 * path that select gives. (A function of its own, so that the verifier sees it once.)
 */
__noinline __u32 rule_judge(__u32 id, __u64 word, __u32 answer)
{
	union sw_flow_word w = {.word = word};
	struct sw_rule *rule = rule_row(id);
	__u32 said = RULED;

	if (!rule || rule->flags & SW_RULE_DENY) /* what passes all the same is only counted */
		return 0;
	if (rule_better(rule, answer, w.s.out))
		said |= RULED_BETTER;
	if (rule->flags & SW_RULE_ENCRYPT && ((w.s.out_fresh && rule_forbids(rule, w.s.out)) ||
					      (w.s.in_fresh && rule_forbids(rule, w.s.in))))
		said |= RULED_CLEAR;
	return said;
}

#endif
