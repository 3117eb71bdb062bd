/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stages in order, for a packet that one of our interfaces received:
 * parse -> admit -> fib -> rule -> select -> (the hook: flow, count, act). Nothing here knows the
 * hook.
 */
#ifndef SAMEWAY_BPF_PIPELINE_H
#define SAMEWAY_BPF_PIPELINE_H

struct decision {
	struct packet pkt;
	struct place at; /* where it came by, or leaves */
	struct nexthop nh;
	struct choice choice; /* of flow_judge */
	struct discovery heard;
	__u32 outside_id; /* group of the destination; beyond the paths when it goes out */
	__u32 reason, action;
	__u32 to;     /* slot it goes to, when action is FORWARD */
	__u8 path;    /* the path it is a packet of, SW_NO_PATH: none */
	__u8 dir;     /* enum direction */
	__u8 record;  /* the flow table is to see it */
	__u8 counted; /* as a packet of `path` */
	__u8 fast;    /* TC: it is redirected, not marked */
};

/*
 * The programs' work space, a row a hook and CPU: with callees, the stack is too small for it. A
 * program is never interrupted by itself on its CPU.
 */
enum scratch_row { SCRATCH_XDP, SCRATCH_TC_INGRESS, SCRATCH_TC_EGRESS, SCRATCH_ROWS };
MAP_PERCPU(scratch, struct decision, SCRATCH_ROWS);

static __always_inline struct decision *decision_new(__u32 row)
{
	struct decision *d = bpf_map_lookup_elem(&scratch, &row);

	if (d)
		__builtin_memset(d, 0, sizeof(*d));
	return d;
}

/* The mode in effect: an `enforce --for` that nobody confirmed ends here, whoever is alive. */
static __always_inline bool enforcing(const struct sw_ctl *c)
{
	return c->mode == SW_MODE_ENFORCE &&
	       (!c->enforce_until_ns || bpf_ktime_get_coarse_ns() < c->enforce_until_ns);
}

static __always_inline void pass(struct decision *d, __u32 reason)
{
	d->reason = reason;
	d->action = SW_ACTION_PASS;
}

/* By an interface with several ports, and of none of their paths. */
static __always_inline __u32 stranger(const struct place *at)
{
	return at->paths ? SW_REASON_source : SW_REASON_unknown_vlan;
}

/*
 * The source of what has no record yet: a reason, or ADMITTED. It must belong where it came from,
 * as rp_filter would have it.
 */
static __always_inline __u32 admit_source(const struct packet *pkt, const struct place *at)
{
	struct sw_group *group = fib_group(fib_find(pkt->family, &pkt->src));

	if (group && group->kind == SW_GROUP_EXEMPT)
		return SW_REASON_exempt;
	if (at->role == SW_ROLE_INSIDE)
		return group && group->kind == SW_GROUP_INSIDE && group->slot == at->slot
			       ? ADMITTED
			       : SW_REASON_source;
	if (at->role != SW_ROLE_PATH)
		return stranger(at);
	if (group && group->kind == SW_GROUP_INSIDE)
		return SW_REASON_spoof;
	return group && group->kind == SW_GROUP_ROUTE && group->members >> (at->slot & 63) & 1
		       ? ADMITTED
		       : SW_REASON_source;
}

/* The kernel's business, by its destination: a reason, or ADMITTED. */
static __always_inline __u32 admit_destination(const struct sw_group *group)
{
	if (!group)
		return SW_REASON_no_route;
	if (group->kind == SW_GROUP_LOCAL)
		return SW_REASON_local;
	if (group->kind == SW_GROUP_EXEMPT)
		return SW_REASON_exempt;
	return ADMITTED;
}

/* Bytes of the largest IP packet that goes on the wire. */
static __always_inline __u32 wire_size(const struct frame *frame, const struct packet *pkt)
{
	return frame->gso_size ? pkt->headers + frame->gso_size : pkt->len;
}

static __always_inline __u32 slot_mtu(__u32 slot, __u32 ifindex)
{
	if (slot < SW_MAX_PATHS) {
		struct sw_path *path = path_row(slot);

		return path ? path->mtu : 0;
	} else {
		struct sw_interface *dev = bpf_map_lookup_elem(&interfaces, &ifindex);

		return dev ? dev->mtu : 0;
	}
}

static __always_inline __u32 slot_ifindex(__u32 slot, __u8 family)
{
	__u32 index = slot * 2 + (family == 6);
	struct sw_nexthop *nh = bpf_map_lookup_elem(&nexthops, &index);

	return nh ? nh->ifindex : 0;
}

/* From inside to a path. */
static __always_inline void decide_out(struct decision *d, struct sw_group *group,
				       const struct sw_flow_record *flow, const struct sw_ctl *c)
{
	struct choice *choice = &d->choice; /* zero, as all of *d */

	choice->family = d->pkt.family;
	choice->hash = d->pkt.hash;
	choice->rule = d->pkt.rule;
	reflect_ask(choice, flow, c);
	d->dir = DIR_OUT;
	if (group->kind == SW_GROUP_INSIDE) {
		pass(d, group->slot == d->at.slot ? SW_REASON_hairpin : SW_REASON_local);
		return;
	}
	if (!choose(d->outside_id, choice)) {
		pass(d, SW_REASON_no_path);
		return;
	}
	d->path = choice->path;
	d->to = choice->path;
	d->reason =
		choice->step == SW_STEP_LAST_RESORT ? SW_REASON_last_resort : SW_REASON_forwarded;
	d->action = SW_ACTION_FORWARD;
}

/*
 * From a path to a path, with `transit: allow`: select chooses, and never among equals of the path
 * that it came by. Each packet by itself: it has no inside end, so no record, and is judged by
 * nobody. (A function of its own, so that the verifier sees it once.)
 */
__noinline int decide_transit(struct decision *d)
{
	__u32 zero = 0;
	struct sw_ctl *c = bpf_map_lookup_elem(&ctl, &zero);
	struct choice *choice;

	if (!c || !d)
		return 0;
	choice = &d->choice; /* zero, as all of *d */
	choice->family = d->pkt.family;
	choice->hash = d->pkt.hash;
	choice->rule = d->pkt.rule;
	choice->hint = SW_NO_PATH;
	d->to = SW_MAX_SLOTS; /* nowhere */
	d->action = enforcing(c) ? SW_ACTION_DROP : SW_ACTION_PASS;
	if (!choose(d->outside_id, choice)) {
		d->reason = SW_REASON_no_path;
		if (rule_restricts(rule_row(choice->rule)))
			d->reason = SW_REASON_rule_denied;
		else
			d->action = SW_ACTION_PASS;
	} else if (choice->members >> (d->at.slot & 63) & 1) {
		d->reason = SW_REASON_hairpin;
	} else {
		d->to = choice->path;
		d->reason = choice->step == SW_STEP_LAST_RESORT ? SW_REASON_last_resort
								: SW_REASON_forwarded;
		d->action = SW_ACTION_FORWARD;
	}
	d->counted = d->action != SW_ACTION_DROP;
	return 0;
}

/* From a path: to inside, to another path where that is allowed, or refused. */
static __always_inline void decide_in(struct decision *d, struct sw_group *group,
				      const struct sw_ctl *c)
{
	if (d->at.role != SW_ROLE_PATH) {
		pass(d, stranger(&d->at));
		return;
	}
	d->dir = DIR_IN;
	d->path = d->at.slot;
	d->counted = 1;
	if (group->kind != SW_GROUP_INSIDE && c->transit) {
		decide_transit(d);
		return;
	}
	if (group->kind != SW_GROUP_INSIDE) {
		d->reason = SW_REASON_transit_denied;
		d->action = enforcing(c) ? SW_ACTION_DROP : SW_ACTION_PASS;
		d->counted = d->action == SW_ACTION_PASS;
		return;
	}
	d->record = !d->pkt.fragment && !d->pkt.icmp_error;
	if (rule_denies(d->pkt.rule)) {
		d->reason = SW_REASON_rule_denied;
		d->action = enforcing(c) ? SW_ACTION_DROP : SW_ACTION_PASS;
		d->counted = d->record = d->action == SW_ACTION_PASS;
		return;
	}
	d->to = group->slot;
	d->reason = SW_REASON_forwarded;
	d->action = SW_ACTION_FORWARD;
}

/* From a path, sent by an inside host: a loop would go on, a spoofer too. */
static __always_inline void decide_spoof(struct decision *d, const struct sw_ctl *c)
{
	d->dir = DIR_IN;
	d->path = d->at.slot;
	d->reason = SW_REASON_spoof;
	d->action = enforcing(c) ? SW_ACTION_DROP : SW_ACTION_PASS;
	d->counted = d->action == SW_ACTION_PASS;
}

/* What only keeps a packet from being moved by us: the kernel answers or sends it. */
static __always_inline void decide_limits(struct decision *d, const struct frame *frame,
					  const struct sw_ctl *c)
{
	__u32 mtu;

	if (d->action != SW_ACTION_FORWARD)
		return;
	if (d->pkt.ttl <= 1) {
		pass(d, SW_REASON_ttl);
		d->counted = d->record = 0;
		return;
	}
	if (d->pkt.options) {
		pass(d, SW_REASON_ip_options);
		return;
	}
	mtu = slot_mtu(d->to, slot_ifindex(d->to, d->pkt.family));
	if (mtu && wire_size(frame, &d->pkt) > mtu) {
		pass(d, SW_REASON_too_big);
		return;
	}
	if (!enforcing(c))
		pass(d, SW_REASON_observed);
}

/*
 * What came from inside (or in transit) and is left to the kernel would go where the kernel's
 * routes lead: what a rule denies, or binds to paths of which none was chosen, must not; nor what
 * has a path, where no mark would tell the kernel. Not meant is what the kernel keeps, answers or
 * sends inside, and what is exempt, on which TC egress has an eye (egress.h). (A function of its
 * own, so that the verifier sees it once.)
 */
__noinline int rule_guard(struct decision *d)
{
	__u32 zero = 0;
	struct sw_ctl *c = bpf_map_lookup_elem(&ctl, &zero);
	const struct sw_rule *rule;
	struct sw_group *group;

	if (!c || !d || !c->rules ||
	    (d->at.role != SW_ROLE_INSIDE && !(d->at.role == SW_ROLE_PATH && c->transit)))
		return 0;
	switch (d->reason) {
	case SW_REASON_arp_nd:
	case SW_REASON_multicast:
	case SW_REASON_other_host:
	case SW_REASON_ttl:
	case SW_REASON_exempt:
		return 0;
	case SW_REASON_linklocal: /* of a path's own link: its BGP */
		if (d->at.role == SW_ROLE_PATH)
			return 0;
	}
	group = fib_group(fib_find(d->pkt.family, &d->pkt.dst));
	if (group && group->kind != SW_GROUP_ROUTE)
		return 0;
	if (!d->pkt.rules && !rule_unread(&d->pkt, d->reason, c)) /* it did not come so far */
		return 0;
	rule = rule_row(d->pkt.rule);
	if (!rule_restricts(rule))
		return 0;
	if (d->path != SW_NO_PATH && (!enforcing(c) || c->fwmark))
		return 0;
	d->reason = SW_REASON_rule_denied;
	d->action = enforcing(c) ? SW_ACTION_DROP : SW_ACTION_PASS;
	return 0;
}

/* Its reason and action, and all that goes with them; see decide(). */
static __always_inline struct sw_flow_record *
decide_all(struct decision *d, const struct frame *frame, const struct sw_ctl *c)
{
	struct sw_flow_record *flow = NULL;
	struct sw_group *group;
	__u32 id, reason;

	d->path = SW_NO_PATH;
	reason = admit(parse(frame, &d->at, &d->pkt), &d->pkt);
	if (reason != ADMITTED) {
		pass(d, reason);
		return NULL;
	}
	d->pkt.hash = flow_hash(&d->pkt.key, c->seed);
	id = fib_find(d->pkt.family, &d->pkt.dst);
	group = fib_group(id);
	reason = admit_destination(group);
	if (reason != ADMITTED || !group) {
		pass(d, reason);
		return NULL;
	}
	/* an ICMP error follows the flow it quotes; a fragment has none */
	if (!d->pkt.fragment)
		flow = flow_find(&d->pkt, clock_now(), LOOK_USE);
	if (!flow || flow_unseen(flow)) {
		reason = admit_source(&d->pkt, &d->at);
	} else if (d->at.role == SW_ROLE_PATH && !d->pkt.icmp_error && sent_inside(flow, &d->pkt)) {
		reason = SW_REASON_spoof;
	}
	if (reason == SW_REASON_spoof) {
		decide_spoof(d, c);
		return flow;
	}
	if (reason != ADMITTED) {
		pass(d, reason);
		d->counted = 0;
		return NULL;
	}
	d->outside_id = id;
	rule_decide(&d->pkt, flow, c,
		    d->at.role == SW_ROLE_INSIDE || (c->transit && group->kind == SW_GROUP_ROUTE));
	if (d->at.role == SW_ROLE_INSIDE)
		decide_out(d, group, flow, c);
	else
		decide_in(d, group, c);
	if (flow && !d->pkt.icmp_error && d->dir == DIR_IN && drop_asymmetric(flow, c, d->path) &&
	    enforcing(c)) {
		d->reason = SW_REASON_asymmetric_denied;
		d->action = SW_ACTION_DROP;
		d->counted = d->record = 0;
	}
	decide_limits(d, frame, c);
	return d->pkt.icmp_error ? NULL : flow;
}

/* Fills *d but for d->at, which is there; returns the packet's flow record, NULL: none (yet). */
static __always_inline struct sw_flow_record *decide(struct decision *d, const struct frame *frame,
						     const struct sw_ctl *c)
{
	struct sw_flow_record *flow = decide_all(d, frame, c);

	if (c->rules && d->action == SW_ACTION_PASS)
		rule_guard(d);
	return flow;
}

/* After the last word on it: its reason, the path's packets, the flow. */
static __always_inline void account_in(struct decision *d, const struct frame *frame,
				       struct sw_flow_record *flow, __u64 now)
{
	struct amount n = amount_of(frame, &d->pkt);

	count_reason(d->at.slot, d->reason, d->action, frame->segments);
	if (d->reason == SW_REASON_rule_denied)
		count_denied(d->pkt.rule, d->action == SW_ACTION_DROP, frame->segments);
	if (d->reason == SW_REASON_no_route)
		count_verdict(SW_VERDICT_NO_ROUTE);
	if (d->dir != DIR_IN || d->path == SW_NO_PATH)
		return;
	if (d->counted)
		count_rx(d->path, n);
	if (d->record)
		flow_record(&d->pkt, &d->choice, flow, DIR_IN, d->path, 0, n, now);
	else if (d->reason == SW_REASON_spoof && !d->pkt.fragment && !d->pkt.icmp_error)
		flow_spoof(&d->pkt, flow, d->path, now);
}

#endif
