/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events: a flow's verdict changed into or out of one that an incident is made of. Once a change;
 * what the ring or the rate had no room for stays owed (SW_FLOW_EVENT) and goes with the flow's
 * next packet.
 */
#ifndef SAMEWAY_BPF_EVENT_H
#define SAMEWAY_BPF_EVENT_H

static __always_inline __u8 verdict_is_incident(__u8 verdict)
{
	switch (verdict) {
	case SW_VERDICT_ASYMMETRIC:
	case SW_VERDICT_INTER_CIRCUIT:
	case SW_VERDICT_POLICY_VIOLATION:
	case SW_VERDICT_FAILOVER:
	case SW_VERDICT_ONE_WAY:
	case SW_VERDICT_LOOP_OR_SPOOF:
		return 1;
	}
	return 0;
}

static __always_inline int event_allowed(struct sw_health *h, __u32 rate, __u64 now)
{
	if (now >= h->rate_window_ns + 1000000000ULL) {
		h->rate_window_ns = now;
		h->rate_count = 0;
	}
	return h->rate_count++ < rate;
}

static __always_inline __u8 path_told(__u8 path)
{
	return path < SW_MAX_PATHS ? path : SW_NO_PATH;
}

/* 1: sent, 0: still owed. */
static __always_inline int event_send(const struct sw_flow_key *key,
				      const struct sw_flow_record *flow, union sw_flow_word w,
				      __u32 rate, __u64 now)
{
	struct sw_health *h = health_row();
	struct sw_event *ev;

	if (!h)
		return 0;
	if (!event_allowed(h, rate, now)) {
		h->events_limited++;
		return 0;
	}
	ev = bpf_ringbuf_reserve(&events, sizeof(*ev), 0);
	if (!ev) {
		h->events_full++;
		return 0;
	}
	__builtin_memset(ev, 0, sizeof(*ev));
	ev->ts_ns = now;
	if (flow->settle) {
		ev->settle_ns = tick_ns(flow->settle, now);
		if (w.s.moved)
			ev->moved_ns =
				ev->settle_ns + ((__s64)sw_flow_moved(w.s.moved) << SW_TICK_SHIFT);
	}
	ev->out_packets = flow_packets(flow->out_bytes, flow->out_packets);
	ev->in_packets = flow_packets(flow->in_bytes, flow->in_packets);
	ev->created_ns = tick_ns(flow->created, now);
	ev->key = *key;
	ev->state = (struct sw_flow_state){.out = path_told(w.s.out),
					   .in = path_told(w.s.in),
					   .answer = path_told(w.s.answer),
					   .verdict = w.s.verdict,
					   .flags = (w.s.out_fresh ? SW_FLOW_OUT_FRESH : 0) |
						    (w.s.in_fresh ? SW_FLOW_IN_FRESH : 0) |
						    (w.s.event ? SW_FLOW_EVENT : 0)};
	ev->previous = w.s.told;
	ev->about = flow->about & SW_FLOW_ABOUT;
	ev->spoof_path = flow->about & SW_FLOW_SPOOFED
				 ? flow->note & ((1U << SW_SPOOF_PATH_BITS) - 1)
				 : SW_NO_PATH;
	bpf_ringbuf_submit(ev, 0);
	h->events_sent++;
	return 1;
}

#endif
