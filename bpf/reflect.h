/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What enforce does with a flow whose verdict is asymmetric, where `asymmetry: action:` says more
 * than alert: it goes out by the path that it is answered by (reflect), or its answers go
 * no further (drop).
 *
 * To reflect is to believe the far side. So it takes both directions, several answers, and a while
 * in which neither direction changed its class: one packet that somebody made up moves nothing, as
 * it is followed by one of the real path's. And once only (reflect_note() in flow.h).
 */
#ifndef SAMEWAY_BPF_REFLECT_H
#define SAMEWAY_BPF_REFLECT_H

static __always_inline bool reflect_due(const struct sw_flow_record *flow, const struct sw_ctl *c,
					__u64 now)
{
	__u32 wait = tick_of(flow->about & SW_FLOW_INSIDE_IS_HI ? SW_REFLECT_WAIT_NS
								: SW_REFLECT_AGE_NS);
	__u32 changed = tick_age(flow->settle, now), grace = tick_of(c->grace_ns);

	return flow_packets(flow->in_bytes, flow->in_packets) >= SW_REFLECT_PACKETS &&
	       tick_age(flow->created, now) >= wait &&
	       (!flow->settle || changed >= (grace > wait ? grace : wait));
}

/*
 * The path that an outward packet of the flow is to take whatever select would give, SW_NO_PATH:
 * none. Select gives it only where it is one of the group's tiers, and usable. (A function of its
 * own, so that the verifier sees it once.)
 */
__noinline int reflect_path(const struct sw_flow_record *flow)
{
	__u32 zero = 0;
	struct sw_ctl *c = bpf_map_lookup_elem(&ctl, &zero);
	union sw_flow_word w;

	if (!c || !flow)
		return SW_NO_PATH;
	w = flow_state(flow);
	if (flow->about & SW_FLOW_REFLECTED)
		return w.s.in == w.s.out ? path_told(w.s.in) : SW_NO_PATH;
	if (w.s.verdict != SW_VERDICT_ASYMMETRIC || !w.s.out_fresh || !w.s.in_fresh ||
	    !reflect_due(flow, c, clock_now()))
		return SW_NO_PATH;
	return path_told(w.s.in);
}

/* What select is asked for an outward packet of the flow, NULL: of none. */
static __always_inline void reflect_ask(struct choice *choice, const struct sw_flow_record *flow,
					const struct sw_ctl *c)
{
	int follow = SW_NO_PATH;

	if (flow && c->asymmetry == SW_ASYMMETRY_REFLECT)
		follow = reflect_path(flow);
	choice->follow = follow != SW_NO_PATH;
	choice->hint = choice->follow ? follow : flow_hint(flow);
}

/*
 * Whether a packet that came by the path goes no further. Only while the verdict stands: where
 * another could be due, it passes, and is judged. What goes out is not dropped: without it no
 * answer could come by the right path, and nothing would end the verdict.
 */
static __always_inline bool drop_asymmetric(const struct sw_flow_record *flow,
					    const struct sw_ctl *c, __u32 path)
{
	union sw_flow_word w;

	if (c->asymmetry != SW_ASYMMETRY_DROP)
		return false;
	w = flow_state(flow);
	return w.s.verdict == SW_VERDICT_ASYMMETRIC && flow_stands(flow, w, c, DIR_IN, path, 0);
}

#endif
