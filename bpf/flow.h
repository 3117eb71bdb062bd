/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stage 6, flow and verdict. Both directions of a 5-tuple share one record: `out` is inside to
 * path, `in` is path to inside. The state word changes by compare-and-exchange only; packet and
 * byte counters are plain adds (each direction has fields of its own, and a direction comes by one
 * queue: where it does not, a packet may go uncounted).
 *
 * A verdict is taken when a direction is first seen, when its path changes, when what select gives
 * this flow may have changed (sw_ctl.generation), when settling ends, and when there is evidence of
 * an answer that went elsewhere. The numbers here are the rows of the reading key in scenarios.md.
 */
#ifndef SAMEWAY_BPF_FLOW_H
#define SAMEWAY_BPF_FLOW_H

union flow_word {
	__u64 word;
	struct sw_flow_state s;
};

static __always_inline struct sw_flow *flow_find(const struct packet *pkt)
{
	return bpf_map_lookup_elem(&flows, &pkt->key);
}

/* The path of the outward direction, SW_NO_PATH: none yet. */
static __always_inline __u8 flow_hint(const struct sw_flow *flow)
{
	union flow_word w;

	if (!flow)
		return SW_NO_PATH;
	w.word = *(volatile const __u64 *)&flow->state;
	return w.s.out;
}

static __always_inline __u8 flow_settling(const struct sw_flow *flow, __u64 grace, __u64 now)
{
	return flow->settle_ns && now < flow->settle_ns + grace &&
	       now < flow->settle_from_ns + 3 * grace;
}

/* A change at `t` that explains what follows: it counts while it is younger than grace. */
static __always_inline void settle_start(struct sw_flow *flow, __u64 grace, __u64 t, __u64 now)
{
	if (!t || now >= t + grace || t == flow->settle_ns)
		return;
	if (!flow->settle_ns || now >= flow->settle_ns + grace)
		flow->settle_from_ns = t;
	flow->settle_ns = t;
}

struct change {
	__u64 paths, t;
};

static int change_latest(__u32 i, struct change *c)
{
	struct sw_path *path;

	if (i >= SW_MAX_PATHS || !(c->paths >> i))
		return 1;
	if (!(c->paths >> i & 1))
		return 0;
	path = bpf_map_lookup_elem(&paths, &i);
	if (path && path->changed_ns > c->t)
		c->t = path->changed_ns;
	return 0;
}

/*
 * When the answer of this group last changed: by a feed, or by a path of the tiers down to the one
 * chosen from that became usable or ceased to be. A backup that flaps explains nothing.
 */
static __always_inline __u64 answer_changed(const struct sw_group *group, const struct choice *c)
{
	struct change change = {.t = group->since_ns};
	__u32 i;

	for (i = 0; i < SW_MAX_TIERS; i++) {
		if (i >= group->tiers)
			break;
		change.paths |= group->tier[i];
		if (c->path != SW_NO_PATH && i >= c->tier)
			break;
	}
	bpf_loop(SW_MAX_PATHS, change_latest, &change, 0);
	return change.t;
}

/* Rows 6 to 9, both directions seen since the epoch began. w: what select gives now, may be none.
 */
static __always_inline __u8 judge(const struct sw_path *f, const struct sw_path *r,
				  const struct sw_path *w, __u8 degraded, __u8 same_path,
				  __u8 settling, __u32 scope)
{
	__u8 worse = settling ? SW_VERDICT_TRANSITION : SW_VERDICT_ASYMMETRIC;

	if (f->class != r->class) /* 9 */
		return worse;
	if (w && w->class != f->class && w->rank < f->rank) /* 8 */
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

/*
 * Whether select's last answer to this flow still holds: among equals the flow's own path decides,
 * and where the kernel forwards, that may be another than the hash's.
 */
static __always_inline __u8 answer_holds(__u8 answer, const struct choice *choice)
{
	if (choice->path == SW_NO_PATH || answer >= SW_MAX_PATHS)
		return choice->path == answer;
	return choice->members >> answer & 1;
}

/* Whether what select gives this flow changed, or its own direction's class: a new epoch. */
static __always_inline __u8 epoch_ends(const struct seen *a, struct sw_flow *flow,
				       const struct sw_ctl *c, union flow_word old,
				       const struct choice *choice)
{
	__u8 before = a->dir == DIR_OUT ? old.s.out : old.s.in;
	__u8 other = a->dir == DIR_OUT ? old.s.in : old.s.out;
	__u8 first = !flow->generation, ends = 0;
	struct sw_group *group = fib_group(a->group), *last;

	if (group && (first || !answer_holds(old.s.answer, choice))) {
		settle_start(flow, c->grace_ns, answer_changed(group, choice), a->now);
		last = fib_group(choice->group);
		if (last && choice->group != a->group)
			settle_start(flow, c->grace_ns, answer_changed(last, choice), a->now);
		ends = !first;
	}
	if (before != a->path && before != SW_NO_PATH && other != SW_NO_PATH) {
		struct sw_path *was = path_row(before), *is = path_row(a->path);

		if (was && is && was->class != is->class) {
			settle_start(flow, c->grace_ns, a->now, a->now);
			ends = 1;
		}
	}
	return ends;
}

#define BOTH_FRESH (SW_FLOW_OUT_FRESH | SW_FLOW_IN_FRESH)

/* Row 5: of one direction nothing was seen since the epoch began. */
static __always_inline __u8 judge_one(const struct sw_flow *flow, const struct sw_ctl *c,
				      __u8 flags, __u64 now)
{
	__u8 missing = flags & SW_FLOW_OUT_FRESH ? DIR_IN : DIR_OUT;

	if (flow->evidence < SW_EVIDENCE_WHOLE || (flags & BOTH_FRESH) == BOTH_FRESH)
		return SW_VERDICT_PENDING;
	return side_blind(c, missing, now) ? SW_VERDICT_BLIND : SW_VERDICT_ONE_WAY;
}

/* An event is owed for the verdict, or none is any more. */
static __always_inline void state_owe(union flow_word *w, const struct sw_flow *flow)
{
	w->s.flags &= ~SW_FLOW_EVENT;
	if (w->s.verdict != flow->told &&
	    (verdict_is_incident(w->s.verdict) || verdict_is_incident(flow->told)))
		w->s.flags |= SW_FLOW_EVENT;
}

/* The state after this packet. */
static __always_inline union flow_word next_state(const struct seen *a, struct sw_flow *flow,
						  const struct sw_ctl *c, union flow_word old,
						  const struct choice *choice)
{
	union flow_word new = old;
	struct sw_path *out, *in;
	__u8 settling;

	if (epoch_ends(a, flow, c, old, choice)) {
		new.s.epoch++;
		new.s.flags &= ~BOTH_FRESH;
		flow->evidence = SW_EVIDENCE_NONE;
	}
	if (a->dir == DIR_OUT) {
		new.s.out = a->path;
		new.s.flags |= SW_FLOW_OUT_FRESH;
	} else {
		new.s.in = a->path;
		new.s.flags |= SW_FLOW_IN_FRESH;
	}
	new.s.answer = choice->path;
	new.s.group = a->group;

	out = path_row(new.s.out);
	in = path_row(new.s.in);
	settling = flow_settling(flow, c->grace_ns, a->now);
	if (spoofed_lately(flow, a->now)) /* 4 */
		new.s.verdict = SW_VERDICT_LOOP_OR_SPOOF;
	else if ((BOTH_FRESH & new.s.flags) == BOTH_FRESH && out && in)
		new.s.verdict = judge(out, in, path_row(choice->path), choice->degraded,
				      new.s.out == new.s.in, settling, c->scope);
	else if (out && in && settling)
		new.s.verdict = SW_VERDICT_TRANSITION; /* seen both ways before the change */
	else
		new.s.verdict = judge_one(flow, c, new.s.flags, a->now);
	state_owe(&new, flow);
	return new;
}

/* Sends what is owed; the flag goes only when it was sent. */
static __always_inline void flow_tell(const struct sw_flow_key *key, struct sw_flow *flow,
				      const struct sw_ctl *c, union flow_word w, __u64 now)
{
	union flow_word sent = w;

	if (!event_send(key, flow, w.s, c->event_rate, now))
		return;
	flow->told = w.s.verdict;
	sent.s.flags &= ~SW_FLOW_EVENT;
	__sync_val_compare_and_swap(&flow->state, w.word, sent.word);
}

/* Counts and tells what a change of state is, once it has been stored. */
static __always_inline void state_changed(const struct packet *pkt, struct sw_flow *flow,
					  const struct sw_ctl *c, union flow_word old,
					  union flow_word new)
{
	if (new.s.verdict != old.s.verdict) {
		count_verdict(new.s.verdict);
		if (old.s.flags & SW_FLOW_EVENT && verdict_is_incident(old.s.verdict)) {
			struct sw_health *h = health_row();

			if (h)
				h->events_lost++;
		}
	}
	if (new.s.flags & SW_FLOW_EVENT)
		flow_tell(&pkt->key, flow, c, new, pkt->seen.now);
}

/*
 * Takes the verdict after a packet. A function of its own, so that the verifier sees it once; it is
 * given the record, since before Linux 6.2 no function's argument can be the key of a look-up. Its
 * stack and those it is called with must fit in 512 bytes, where Linux 6.1 rounds each up to 32.
 * choice: room off that stack. 1: another CPU changed the state meanwhile, to be called again.
 */
__noinline int flow_judge(const struct packet *pkt, struct sw_flow *flow, struct choice *choice)
{
	union flow_word old, new;
	__u32 zero = 0, generation;
	struct sw_ctl *c = bpf_map_lookup_elem(&ctl, &zero);

	if (!c || !pkt || !flow || !choice)
		return 0;
	/* read before what it guards: a change meanwhile is judged again by the next packet */
	generation = *(volatile __u32 *)&c->generation;
	old.word = *(volatile __u64 *)&flow->state;
	choice->denied = 0;
	choice->family = pkt->key.family;
	choice->hash = flow_hash(&pkt->key, c->seed);
	choice->hint = old.s.out;
	choose(pkt->seen.group, choice);
	new = next_state(&pkt->seen, flow, c, old, choice);
	if (new.word != old.word &&
	    __sync_val_compare_and_swap(&flow->state, old.word, new.word) != old.word)
		return 1;
	flow->generation = generation;
	if (new.s.out != old.s.out)
		flow->moved_ns = pkt->seen.now;
	state_changed(pkt, flow, c, old, new);
	return 0;
}

/*
 * Row 4: a packet of the record's inside host came by path pkt->seen.path. Of the record nothing
 * else changes: no direction was seen. 1: as flow_judge().
 */
__noinline int flow_spoofed(const struct packet *pkt, struct sw_flow *flow)
{
	union flow_word old, new;
	__u32 zero = 0;
	struct sw_ctl *c = bpf_map_lookup_elem(&ctl, &zero);

	if (!c || !pkt || !flow)
		return 0;
	if (!spoofed_lately(flow, pkt->seen.now)) {
		flow->about &= ~SW_FLOW_LOOPS;
		if (flow->out_packets)
			flow->about |= SW_FLOW_LOOPS;
	}
	flow->spoof_path = pkt->seen.path;
	flow->spoof_ns = pkt->seen.now;
	old.word = *(volatile __u64 *)&flow->state;
	new = old;
	new.s.verdict = SW_VERDICT_LOOP_OR_SPOOF;
	state_owe(&new, flow);
	if (new.word == old.word && !(new.s.flags &SW_FLOW_EVENT))
		return 0;
	if (new.word != old.word &&
	    __sync_val_compare_and_swap(&flow->state, old.word, new.word) != old.word)
		return 1;
	state_changed(pkt, flow, c, old, new);
	return 0;
}

/* Not inline: a record is much of the stack, and is made once a flow. */
static __noinline struct sw_flow *flow_make(const struct packet *pkt, __u32 dir, __u64 now,
					    bool no_syn)
{
	union flow_word w = {.s = {.out = SW_NO_PATH,
				   .in = SW_NO_PATH,
				   .answer = SW_NO_PATH,
				   .verdict = SW_VERDICT_PENDING}};
	struct sw_flow new = {.state = w.word, .created_ns = now};
	__u8 inside_is_lo = dir == DIR_OUT ? pkt->src_is_lo : !pkt->src_is_lo;
	__u8 answer = pkt->proto == IPPROTO_TCP && (pkt->tcp_flags & TCP_FLAG_SYN) &&
		      (pkt->tcp_flags & TCP_FLAG_ACK);
	__u8 from_inside = dir == DIR_OUT ? !answer : answer;
	struct sw_flow *flow;

	new.about = (inside_is_lo ? 0 : SW_FLOW_INSIDE_IS_HI) |
		    (from_inside ? SW_FLOW_OPENED_INSIDE : 0) |
		    (answer && no_syn ? SW_FLOW_NO_SYN : 0);
	bpf_map_update_elem(&flows, &pkt->key, &new, BPF_NOEXIST);
	flow = flow_find(pkt); /* ours, or that of who was faster */
	if (!flow) {
		struct sw_health *h = health_row();

		if (h)
			h->flows_full++;
	}
	return flow;
}

/* Verdicts that time or others' packets end: whether this one's is over. */
static __always_inline bool verdict_over(const struct sw_flow *flow, const struct sw_ctl *c,
					 struct sw_flow_state s, __u64 now)
{
	if (s.verdict == SW_VERDICT_TRANSITION)
		return !flow_settling(flow, c->grace_ns, now);
	if (s.verdict == SW_VERDICT_BLIND)
		return !side_blind(c, s.flags & SW_FLOW_OUT_FRESH ? DIR_IN : DIR_OUT, now);
	return s.verdict == SW_VERDICT_LOOP_OR_SPOOF && !spoofed_lately(flow, now);
}

/*
 * Records a packet of the direction on `path`. flow: what the look-up said, NULL: make one. group:
 * of the outside address, 0: to be looked up, when a verdict is taken. choice: room for that.
 */
static __always_inline void flow_record(struct packet *pkt, struct choice *choice,
					struct sw_flow *flow, __u32 dir, __u32 path, __u32 group,
					struct amount n, __u64 now)
{
	union flow_word w;
	__u32 zero = 0;
	struct sw_ctl *c = bpf_map_lookup_elem(&ctl, &zero);
	__u8 flags = pkt->proto == IPPROTO_TCP ? pkt->tcp_flags : 0, seen, fresh;
	int whole = 0;

	if (!c)
		return;
	if (!flow)
		flow = flow_make(pkt, dir, now, syn_missed(c, now));
	if (!flow)
		return;
	w.word = *(volatile __u64 *)&flow->state;
	if (dir == DIR_OUT) {
		flow->out_packets += n.packets;
		flow->out_bytes += n.bytes;
		flow->out_ns = now;
		flow->tcp_out |= flags;
		seen = w.s.out;
		fresh = w.s.flags & SW_FLOW_OUT_FRESH;
	} else {
		flow->in_packets += n.packets;
		flow->in_bytes += n.bytes;
		flow->in_ns = now;
		flow->tcp_in |= flags;
		seen = w.s.in;
		fresh = w.s.flags & SW_FLOW_IN_FRESH;
	}
	if ((w.s.flags & BOTH_FRESH) != BOTH_FRESH && flags & TCP_FLAG_ACK)
		whole = evidence_see(flow, pkt, (dir == DIR_OUT ? w.s.in : w.s.out) == SW_NO_PATH,
				     now);
	if (seen == path && fresh && !whole && flow->generation == c->generation &&
	    !(w.s.flags & SW_FLOW_EVENT) &&
	    !(w.s.verdict >= SW_VERDICT_TRANSITION && verdict_over(flow, c, w.s, now)))
		return;
	if (!group)
		group = fib_find(pkt->family, dir == DIR_OUT ? &pkt->dst : &pkt->src);
	pkt->seen = (struct seen){.now = now, .group = group, .dir = dir, .path = path};
	if (flow_judge(pkt, flow, choice))
		flow_judge(pkt, flow, choice);
}

/* A packet of an inside host that came by a path; flow as for flow_record(). */
static __always_inline void flow_spoof(struct packet *pkt, struct sw_flow *flow, __u32 path,
				       __u64 now)
{
	if (!flow)
		flow = flow_make(pkt, DIR_OUT, now, false);
	if (!flow)
		return;
	pkt->seen = (struct seen){.now = now, .path = path};
	if (flow_spoofed(pkt, flow))
		flow_spoofed(pkt, flow);
}

#endif
