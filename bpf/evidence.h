/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a flow of one direction tells: whether an answer went elsewhere (row 5 of the reading key),
 * and whether its inside host's packets come in by a path (row 4).
 *
 * Evidence is TCP's: an ACK number that grows twice over data which never passed here, a SYN-ACK
 * without its SYN. SYN and RST are none, nor what repeats an ACK number (keepalives, retransmits).
 */
#ifndef SAMEWAY_BPF_EVIDENCE_H
#define SAMEWAY_BPF_EVIDENCE_H

enum direction { DIR_OUT, DIR_IN };

static __always_inline __u8 evidence_of(const struct sw_flow_record *flow)
{
	return (flow->about & SW_FLOW_EVIDENCE) >> SW_FLOW_EVIDENCE_SHIFT;
}

static __always_inline void evidence_set(struct sw_flow_record *flow, __u8 evidence)
{
	flow->about = (flow->about & ~(SW_FLOW_EVIDENCE | SW_FLOW_SPOOFED)) |
		      evidence << SW_FLOW_EVIDENCE_SHIFT;
}

/* One packet of a loop or of a spoofer among others: the verdict is not to change with each. */
static __always_inline bool spoofed_lately(const struct sw_flow_record *flow, __u64 now)
{
	__u32 units = (now >> SW_SPOOF_SHIFT) - (flow->note >> SW_SPOOF_PATH_BITS);

	return flow->about & SW_FLOW_SPOOFED &&
	       (units & (~0U >> SW_SPOOF_PATH_BITS)) < SW_SPOOF_HOLD_NS >> SW_SPOOF_SHIFT;
}

/*
 * A packet with the ACK flag, of the only direction seen since the epoch began. never: the other
 * was not seen before it either. 1: with it the evidence is whole.
 */
static __always_inline int evidence_see(struct sw_flow_record *flow, const struct packet *pkt,
					bool never, __u64 now)
{
	__u32 age = tick_age(flow->created, now);
	__u8 evidence = evidence_of(flow);

	if (flow->settle && tick_age(flow->settle, now) < age)
		age = tick_age(flow->settle, now);
	if (evidence >= SW_EVIDENCE_WHOLE || pkt->tcp_flags & TCP_FLAG_RST ||
	    age <= tick_of(SW_EVIDENCE_AGE_NS) || spoofed_lately(flow, now))
		return 0;
	if (never && flow->about & SW_FLOW_NO_SYN) {
		evidence_set(flow, SW_EVIDENCE_WHOLE);
		return 1;
	}
	if (evidence != SW_EVIDENCE_NONE && (__s32)(pkt->ack - flow->note) <= 0)
		return 0;
	flow->note = pkt->ack;
	evidence_set(flow, evidence + 1);
	return evidence + 1 == SW_EVIDENCE_WHOLE;
}

/* Nothing can be said of what does not come by this direction: nobody looks, or nothing comes. */
static __always_inline bool side_blind(const struct sw_ctl *c, __u8 dir, __u64 now)
{
	__u32 zero = 0;
	struct sw_timer *timer = bpf_map_lookup_elem(&timers, &zero);
	__u64 last;

	if (!timer || c->unwatched >> dir & 1)
		return true;
	last = dir == DIR_OUT ? timer->beat.tx_ns : timer->beat.rx_ns;
	return now > last && now - last >= SW_SIDE_IDLE_NS;
}

/* Whether a SYN-ACK that begins a record says that its SYN went elsewhere: we were there for it. */
static __always_inline bool syn_missed(const struct sw_ctl *c, __u64 now)
{
	return !c->unwatched && now >= c->watched_ns + SW_EVIDENCE_AGE_NS;
}

/* By a path came what the record's inside host has sent. */
static __always_inline bool sent_inside(const struct sw_flow_record *flow, const struct packet *pkt)
{
	return !pkt->src_is_lo == !!(flow->about & SW_FLOW_INSIDE_IS_HI);
}

#endif
