/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stage 3, rule: the policy rule of a packet's flow, the first that matches, as read from inside to
 * outside. Asked once a flow and kept in `flow_rules`; of what has no record, each packet. All is
 * in abi_rule.h, and user/core/rules.c makes it.
 *
 * What can't be seen of a packet is answered by bits of its own: they have the rules that restrict
 * (deny, or bound to their paths), whatever port or protocol these ask for, and not those that only
 * prefer. So a fragment never leaves by a way that its flow must not take.
 *
 * A rule's number here carries the row of `rules` that it is of: a packet under way while another
 * row comes in force ends by the one it began with.
 */
#ifndef SAMEWAY_BPF_RULE_H
#define SAMEWAY_BPF_RULE_H

#define RULE_ROW_SHIFT SW_FLOW_RULE_BITS

/* Of pkt->rule, NULL: none, or it is one that chooses nothing. */
static __always_inline struct sw_rule *rule_row(__u32 id)
{
	__u32 row = id >> RULE_ROW_SHIFT & 1;
	struct sw_rules *all;
	struct sw_rule *rule;

	if (!id)
		return NULL;
	all = bpf_map_lookup_elem(&rules, &row);
	if (!all)
		return NULL;
	rule = &all->rule[(id - 1) & (SW_MAX_RULES - 1)];
	return rule->paths | rule->flags ? rule : NULL;
}

static __always_inline bool rule_denies(__u32 id)
{
	struct sw_rule *rule = rule_row(id);

	return rule && rule->flags & SW_RULE_DENY;
}

/* Whether it forbids any way at all. */
static __always_inline bool rule_restricts(const struct sw_rule *rule)
{
	return rule && rule->flags & (SW_RULE_DENY | SW_RULE_BINDS);
}

/* Whether a packet of the rule's flow must not leave by the path, come what may. */
static __always_inline bool rule_forbids(const struct sw_rule *rule, __u32 path)
{
	return rule_restricts(rule) && !(rule->paths >> (path & 63) & 1);
}

/* An index that the verifier sees to be one, whatever the compiler knows of it. */
#define RULE_AT(i) (NUMBER(i) & (SW_RULE_ENDS - 1))

static __always_inline struct sw_rule_bits *rules_at(struct sw_rule_bits *bits, __u64 at)
{
	at = NUMBER(at);
	return at <= SW_RULE_ENDS ? &bits[at] : bits;
}

static __always_inline struct sw_rule_bits *values_find(struct sw_rule_values *v, __u32 x)
{
	__u64 at = 0, half;

#pragma unroll
	for (half = SW_RULE_ENDS / 2; half; half /= 2)
		at += half & -is_negative(v->low[RULE_AT(at + half - 1)] - (x + 1ULL));
	at += is_negative(v->low[RULE_AT(at)] - (x + 1ULL));
	return rules_at(v->rules, at);
}

/* 1 where the i-th begins at or below the address. */
static __always_inline __u64 begins6(const struct sw_rule_values6 *v, __u64 i, __u64 high,
				     __u64 low)
{
	__u64 at = v->high[RULE_AT(i)], rest = v->low[RULE_AT(i)];
	__u64 same = 1 ^ is_negative((at ^ high) | -(at ^ high));

	return is_less(at, high) | (same & (1 ^ is_less(low, rest)));
}

static __always_inline struct sw_rule_bits *values_find6(struct sw_rule_values6 *v,
							 const __u8 *address)
{
	__u64 high = __builtin_bswap64(*(const __u64 *)address);
	__u64 low = __builtin_bswap64(*(const __u64 *)(address + 8));
	__u64 at = 0, half;

#pragma unroll
	for (half = SW_RULE_ENDS / 2; half; half /= 2)
		at += half & -begins6(v, at + half - 1, high, low);
	at += begins6(v, at, high, low);
	return rules_at(v->rules, at);
}

/*
 * Number and one of the first rule of row `row` that matches, 0: none. out: it is on its way to a
 * path. (A function of its own, so that the verifier sees it once.)
 */
__noinline __u32 rule_find(const struct packet *pkt, __u32 row, __u32 out)
{
	struct sw_rules *all = bpf_map_lookup_elem(&rules, &row);
	struct sw_rule_bits *from, *to, *port, *proto, *dscp;
	const __u8 *inside, *outside;
	__u16 outside_port;
	bool inside_lo;
	__u64 bits;
	__u32 i;

	if (!pkt || !all)
		return 0;
	inside_lo = pkt->src_is_lo == (!pkt->icmp_error == !!out);
	inside = inside_lo ? pkt->key.lo : pkt->key.hi;
	outside = inside_lo ? pkt->key.hi : pkt->key.lo;
	outside_port = inside_lo ? pkt->key.hi_port : pkt->key.lo_port;
	if (pkt->family == 4) {
		from = values_find(&all->from4, bpf_ntohl(*(const __u32 *)inside));
		to = values_find(&all->to4, bpf_ntohl(*(const __u32 *)outside));
	} else {
		from = values_find6(&all->from6, inside);
		to = values_find6(&all->to6, outside);
	}
	port = pkt->fragment | pkt->hidden ? &all->port_hidden
					   : values_find(&all->port, bpf_ntohs(outside_port));
	proto = pkt->hidden && pkt->family == 6 ? &all->proto_hidden : &all->proto[pkt->key.proto];
	dscp = out ? &all->dscp[pkt->dscp & 63] : &all->dscp_unknown;
	for (i = 0; i < SW_RULE_WORDS; i++) {
		bits = from->w[i] & to->w[i] & port->w[i] & proto->w[i] & dscp->w[i];
		if (bits)
			return i * 64 + lowest_bit(bits) + 1;
	}
	return 0;
}

/* Where a flow's rule is kept; NULL: nowhere. */
static __always_inline __u32 *flow_rule_kept(__u8 family, __u32 record)
{
	struct sw_flow_table *four = flow_table(4);
	__u32 row, *pair;

	if (record == NO_RECORD || !four)
		return NULL;
	if (family == 6)
		record += four->max;
	row = record / 2;
	pair = bpf_map_lookup_elem(&flow_rules, &row);
	return pair ? pair + (record & 1) : NULL;
}

static __always_inline __u32 rules_row(__u32 in_force)
{
	return (in_force & SW_RULES_ROW) << RULE_ROW_SHIFT;
}

/* What was decided for the flow of a record into *rule; false: it is to be decided (anew). */
static __always_inline bool rule_kept(__u8 family, __u32 record, __u32 reuse,
				      const struct sw_ctl *c, __u32 *rule)
{
	__u32 force = *(volatile const __u32 *)&c->rules, *kept, word;

	*rule = 0;
	if (!force)
		return true;
	kept = flow_rule_kept(family, record);
	word = kept ? *(volatile __u32 *)kept : 0;
	if ((word ^ sw_flow_rule(force, reuse, 0)) & ~SW_FLOW_RULE_MASK)
		return false;
	if (word & SW_FLOW_RULE_MASK)
		*rule = (word & SW_FLOW_RULE_MASK) | rules_row(force);
	return true;
}

/*
 * Keeps it for the flow, which has a record (now). out: as for rule_find(). (It and what follows
 * are functions of their own, so that the verifier sees them once.)
 */
__noinline int rule_keep(const struct packet *pkt, __u32 out)
{
	__u32 *kept = pkt ? flow_rule_kept(pkt->key.family, pkt->record) : NULL;

	if (kept && (out || !(pkt->rules & SW_RULES_DSCP)) && !pkt->icmp_error)
		*(volatile __u32 *)kept =
			sw_flow_rule(pkt->rules, pkt->reuse, pkt->rule & SW_FLOW_RULE_MASK);
	return 0;
}

/*
 * An ICMP error follows the flow that it quotes. But who sends it to whom may have a rule, too, and
 * what it quotes is the sender's to say: so that one counts where only it restricts.
 */
__noinline int rule_of_error(struct packet *pkt)
{
	__u32 rule;

	if (!pkt || rule_restricts(rule_row(pkt->rule)))
		return 0;
	pkt->icmp_error = 0;
	pkt->key.proto = pkt->proto;
	pkt->src_is_lo = flow_key(&pkt->key, &pkt->src, &pkt->dst, 0, 0);
	rule = rule_find(pkt, pkt->rules & SW_RULES_ROW, 1);
	pkt->icmp_error = 1;
	if (rule)
		rule |= rules_row(pkt->rules);
	if (rule_restricts(rule_row(rule)))
		pkt->rule = rule;
	return 0;
}

/* pkt->rule: what was decided for its flow, else what is now. flow: it has a record. */
__noinline int rule_ask(struct packet *pkt, __u32 flow, __u32 out)
{
	__u32 *kept, force, rule;

	if (!pkt)
		return 0;
	force = pkt->rules;
	kept = flow ? flow_rule_kept(pkt->key.family, pkt->record) : NULL;
	rule = kept ? *(volatile __u32 *)kept : 0;
	if (kept && !((rule ^ sw_flow_rule(force, pkt->reuse, 0)) & ~SW_FLOW_RULE_MASK)) {
		rule &= SW_FLOW_RULE_MASK;
		kept = NULL;
	} else {
		rule = rule_find(pkt, force & SW_RULES_ROW, out);
	}
	pkt->rule = rule ? rule | rules_row(force) : 0;
	if (kept)
		rule_keep(pkt, out);
	if (pkt->icmp_error && out)
		rule_of_error(pkt);
	return 0;
}

static __always_inline void rule_decide(struct packet *pkt, bool flow, const struct sw_ctl *c,
					__u32 out)
{
	pkt->rules = *(volatile const __u32 *)&c->rules;
	if (pkt->rules)
		rule_ask(pkt, flow, out);
}

/*
 * The same of what was not admitted (for `reason`), as far as it could be read, to a path. False:
 * it is no IP packet.
 */
static __always_inline bool rule_unread(struct packet *pkt, __u32 reason, const struct sw_ctl *c)
{
	if (!pkt->family)
		return false;
	if (reason == SW_REASON_malformed) {
		pkt->hidden = 1;
		pkt->icmp_error = 0;
		pkt->key.proto = pkt->proto;
		pkt->src_is_lo = flow_key(&pkt->key, &pkt->src, &pkt->dst, 0, 0);
	}
	rule_decide(pkt, false, c, 1);
	return true;
}

#endif
