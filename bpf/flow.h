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

/* A record that only a spoofer made: nothing that was admitted has been seen of the flow. */
static __always_inline bool flow_unseen(const struct sw_flow_record *flow)
{
	return !(flow->out_packets | flow->in_packets);
}

static __always_inline union sw_flow_word flow_state(const struct sw_flow_record *flow)
{
	return (union sw_flow_word){.word = *(volatile const __u64 *)&flow->state.word};
}

/*
 * Whether the record is the packet's flow's, as when it was found: a program that was stopped for
 * longer than a lease may find another's in its place.
 */
static __always_inline bool still_its(const struct packet *pkt, union sw_flow_word w)
{
	return w.s.used && w.s.reuse == pkt->reuse;
}

/* The path of the outward direction, SW_NO_PATH: none yet. */
static __always_inline __u8 flow_hint(const struct sw_flow_record *flow)
{
	return flow ? path_told(flow_state(flow).s.out) : SW_NO_PATH;
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

/*
 * Whether what select gives this flow changed (then *answered), or its own direction's class: a new
 * epoch.
 */
static __always_inline bool epoch_ends(const struct seen *a, const struct sw_flow_record *flow,
				       const struct sw_ctl *c, union sw_flow_word old,
				       const struct choice *choice, struct settling *settling,
				       bool *answered)
{
	__u8 before = a->dir == DIR_OUT ? old.s.out : old.s.in;
	__u8 other = a->dir == DIR_OUT ? old.s.in : old.s.out;
	bool first = !(flow->judged & SW_JUDGED_MASK), ends = false;
	/* what has no rule, and is new, has nothing to do with the rules' change */
	__u64 rules_ns = number_if(first & !choice->rule, 0, c->rules_ns);

	if (fib_group(a->group) && (first || !answer_holds(path_told(old.s.answer), choice))) {
		bool own = choice->group == a->group;

		/* where the default route answers, all of its own tiers were looked at */
		settle_start(settling, c->grace_ns,
			     answer_changed(a->group, own ? choice->path : SW_NO_PATH, choice->tier,
					    rules_ns),
			     a->now);
		if (!own)
			settle_start(settling, c->grace_ns,
				     answer_changed(choice->group, choice->path, choice->tier, 0),
				     a->now);
		ends = *answered = !first;
	}
	if (before != a->path && before < SW_MAX_PATHS && other < SW_MAX_PATHS) {
		struct sw_path *was = path_row(before), *is = path_row(a->path);

		if (was && is && was->class != is->class) {
			settle_start(settling, c->grace_ns, a->now, a->now);
			ends = true;
		}
	}
	return ends;
}

/*
 * Row 5: of one direction nothing was seen since the epoch began. What was one-way while somebody
 * looked is so on when nothing comes any more.
 */
static __always_inline __u8 judge_one(__u8 evidence, const struct sw_ctl *c, union sw_flow_word w,
				      __u64 now)
{
	__u8 missing = w.s.out_fresh ? DIR_IN : DIR_OUT;

	if (evidence < SW_EVIDENCE_WHOLE || (w.s.out_fresh && w.s.in_fresh))
		return SW_VERDICT_PENDING;
	return w.s.verdict != SW_VERDICT_ONE_WAY && side_blind(c, missing, now)
		       ? SW_VERDICT_BLIND
		       : SW_VERDICT_ONE_WAY;
}

/* An event is owed for the verdict, or none is any more. */
static __always_inline void state_owe(union sw_flow_word *w)
{
	w->s.event = w->s.verdict != w->s.told &&
		     (verdict_is_incident(w->s.verdict) || verdict_is_incident(w->s.told));
}

/* What a packet makes of a record: the state, and what is stored once the state could be. */
struct judgement {
	union sw_flow_word w;
	struct settling settling;
	bool epoch;    /* a new one: evidence begins anew */
	bool answered; /* select gives it another answer than when it was last judged */
};

/*
 * When its first outward packet took the path: told from the change that it settles from. Where its
 * answers have changed their way since, that is the time of this, later.
 */
static __always_inline void state_moved(struct judgement *j, union sw_flow_word old, __u32 last,
					__u64 now)
{
	__u32 ticks = tick_age(j->settling.last, now) + 1;
	__s32 moved = sw_flow_moved(old.s.moved);

	if (j->settling.last != last) {
		if (!j->answered && last && moved)
			moved -= (__s32)(j->settling.last - last);
		else
			moved = 0;
	}
	if (j->settling.last && j->w.s.out != old.s.out && old.s.out < SW_MAX_PATHS)
		moved = ticks <= SW_FLOW_MOVED_MAX ? ticks : 0;
	j->w.s.moved = moved >= -SW_FLOW_MOVED_MAX ? moved & 0x7fff : 0;
}

/*
 * The state after this packet. (Its verdict goes through memory, where the verifier forgets it: one
 * way on from here for it, not one a verdict.)
 */
static __always_inline void next_state(const struct seen *a, const struct sw_flow_record *flow,
				       const struct sw_ctl *c, union sw_flow_word old,
				       struct choice *choice, struct judgement *j)
{
	__u32 last = *(volatile const __u32 *)&flow->settle;
	struct sw_path *out, *in;
	__u32 ruled = 0;
	bool settling;

	j->w = old;
	j->settling = (struct settling){.last = last, .row = old.s.settled};
	j->answered = false;
	j->epoch = epoch_ends(a, flow, c, old, choice, &j->settling, &j->answered);
	if (j->epoch)
		j->w.s.out_fresh = j->w.s.in_fresh = 0;
	if (a->dir == DIR_OUT) {
		j->w.s.out = a->path;
		j->w.s.out_fresh = 1;
	} else {
		j->w.s.in = a->path;
		j->w.s.in_fresh = 1;
	}
	j->w.s.answer = choice->path < SW_MAX_PATHS ? choice->path : SW_FLOW_NO_PATH;
	j->w.s.settled = j->settling.row;
	state_moved(j, old, last, a->now);

	out = path_row(j->w.s.out);
	in = path_row(j->w.s.in);
	settling = settles(&j->settling, c->grace_ns, a->now);
	if (choice->rule)
		ruled = rule_judge(choice->rule, j->w.word, choice->path);
	if (spoofed_lately(flow, a->now)) /* 4 */
		choice->verdict = SW_VERDICT_LOOP_OR_SPOOF;
	else if (ruled & RULED_CLEAR) /* 8, and no grace makes it better */
		choice->verdict = SW_VERDICT_POLICY_VIOLATION;
	else if (j->w.s.out_fresh && j->w.s.in_fresh && out && in)
		choice->verdict = judge(out, in, path_row(choice->path), ruled, choice->degraded,
					j->w.s.out == j->w.s.in, settling, c->scope);
	else if (out && in && settling)
		choice->verdict = SW_VERDICT_TRANSITION; /* seen both ways before the change */
	else
		choice->verdict =
			judge_one(j->epoch ? SW_EVIDENCE_NONE : evidence_of(flow), c, j->w, a->now);
	j->w.s.verdict = *(volatile __u8 *)&choice->verdict;
	state_owe(&j->w);
}

/* Sends what is owed; it is owed on where it could not be sent. */
static __always_inline void flow_tell(const struct sw_flow_key *key, struct sw_flow_record *flow,
				      const struct sw_ctl *c, union sw_flow_word w, __u64 now)
{
	union sw_flow_word sent = w;

	if (!event_send(key, flow, w, c->event_rate, now))
		return;
	sent.s.told = w.s.verdict;
	sent.s.event = 0;
	__sync_val_compare_and_swap(&flow->state.word, w.word, sent.word);
}

/* Counts and tells what a change of state is, once it has been stored. */
static __always_inline void state_changed(const struct packet *pkt, struct sw_flow_record *flow,
					  const struct sw_ctl *c, union sw_flow_word old,
					  union sw_flow_word new)
{
	if (new.s.verdict != old.s.verdict) {
		count_verdict(new.s.verdict);
		if (old.s.event && verdict_is_incident(old.s.verdict)) {
			struct sw_health *h = health_row();

			if (h)
				h->events_lost++;
		}
	}
	if (new.s.event)
		flow_tell(&pkt->key, flow, c, new, pkt->seen.now);
}

/*
 * Once it has gone to the path that it is answered by it does so no more, until select gives it
 * another answer: a far side that moves each time that we do is not followed for ever.
 */
static __always_inline void reflect_note(const struct seen *a, struct sw_flow_record *flow,
					 const struct sw_ctl *c, union sw_flow_word old,
					 const struct judgement *j)
{
	if (j->answered)
		flow->about &= ~SW_FLOW_REFLECTED;
	else if (c->asymmetry == SW_ASYMMETRY_REFLECT && a->dir == DIR_OUT &&
		 old.s.verdict == SW_VERDICT_ASYMMETRIC && old.s.out != old.s.in &&
		 j->w.s.out == old.s.in)
		flow->about |= SW_FLOW_REFLECTED;
}

/*
 * Takes the verdict after a packet. A function of its own, so that the verifier sees it once; it is
 * given the record, since before Linux 6.2 no function's argument can be the key of a look-up. Its
 * stack and those it is called with must fit in 512 bytes, where Linux 6.1 rounds each up to 32.
 * choice: room off that stack. 1: another CPU changed the state meanwhile, to be called again.
 */
__noinline int flow_judge(const struct packet *pkt, struct sw_flow_record *flow,
			  struct choice *choice)
{
	union sw_flow_word old;
	struct judgement next;
	__u32 zero = 0, generation;
	struct sw_ctl *c = bpf_map_lookup_elem(&ctl, &zero);

	if (!c || !pkt || !flow || !choice)
		return 0;
	/* read before what it guards: a change meanwhile is judged again by the next packet */
	generation = *(volatile __u32 *)&c->generation;
	old = flow_state(flow);
	if (!still_its(pkt, old) || pkt->rules != *(volatile __u32 *)&c->rules)
		return 0;
	choice->denied = 0;
	choice->follow = 0;
	choice->family = pkt->key.family;
	choice->hash = pkt->hash;
	/* among equals it is the path that the flow takes, also where the kernel chose it */
	choice->hint = pkt->seen.dir == DIR_OUT ? pkt->seen.path : path_told(old.s.out);
	choice->rule = pkt->rule;
	choose(pkt->seen.group, choice);
	next_state(&pkt->seen, flow, c, old, choice, &next);
	if (next.w.word != old.word &&
	    __sync_val_compare_and_swap(&flow->state.word, old.word, next.w.word) != old.word)
		return 1;
	flow->settle = next.settling.last;
	reflect_note(&pkt->seen, flow, c, old, &next);
	if (next.epoch && evidence_of(flow) != SW_EVIDENCE_NONE)
		evidence_set(flow, SW_EVIDENCE_NONE);
	flow->judged = (flow->judged & ~SW_JUDGED_MASK) | (generation & SW_JUDGED_MASK);
	state_changed(pkt, flow, c, old, next.w);
	return 0;
}

/*
 * Row 4: a packet of the record's inside host came by path pkt->seen.path. Of the record nothing
 * else changes: no direction was seen. 1: as flow_judge().
 */
__noinline int flow_spoofed(const struct packet *pkt, struct sw_flow_record *flow)
{
	union sw_flow_word old, new;
	__u32 zero = 0;
	struct sw_ctl *c = bpf_map_lookup_elem(&ctl, &zero);

	if (!c || !pkt || !flow || !still_its(pkt, flow_state(flow)))
		return 0;
	if (!spoofed_lately(flow, pkt->seen.now)) {
		flow->about &= ~SW_FLOW_LOOPS;
		if (flow->out_packets)
			flow->about |= SW_FLOW_LOOPS;
	}
	evidence_set(flow, SW_EVIDENCE_NONE);
	flow->note = (__u32)(pkt->seen.now >> SW_SPOOF_SHIFT) << SW_SPOOF_PATH_BITS |
		     (pkt->seen.path & ((1U << SW_SPOOF_PATH_BITS) - 1));
	flow->about |= SW_FLOW_SPOOFED;
	old = new = flow_state(flow);
	if (!still_its(pkt, old))
		return 0;
	new.s.verdict = SW_VERDICT_LOOP_OR_SPOOF;
	state_owe(&new);
	if (new.word == old.word && !new.s.event)
		return 0;
	if (new.word != old.word &&
	    __sync_val_compare_and_swap(&flow->state.word, old.word, new.word) != old.word)
		return 1;
	state_changed(pkt, flow, c, old, new);
	return 0;
}

/* A record for the packet's flow. no_syn: a SYN-ACK says that its SYN went elsewhere. */
static __always_inline struct sw_flow_record *flow_make(struct packet *pkt, __u32 dir, __u64 now,
							bool no_syn)
{
	__u8 inside_is_lo = dir == DIR_OUT ? pkt->src_is_lo : !pkt->src_is_lo;
	__u8 answer = pkt->proto == IPPROTO_TCP && (pkt->tcp_flags & TCP_FLAG_SYN) &&
		      (pkt->tcp_flags & TCP_FLAG_ACK);
	__u8 from_inside = dir == DIR_OUT ? !answer : answer;

	return flow_taken(pkt, flow_put(&pkt->key, pkt->hash, now,
					(inside_is_lo ? 0 : SW_FLOW_INSIDE_IS_HI) |
						(from_inside ? SW_FLOW_OPENED_INSIDE : 0) |
						(answer && no_syn ? SW_FLOW_NO_SYN : 0)));
}

/* Verdicts that time or others' packets end: whether this one's is over. */
static __always_inline bool verdict_over(const struct sw_flow_record *flow, const struct sw_ctl *c,
					 union sw_flow_word w, __u64 now)
{
	struct settling settling = {.last = flow->settle, .row = w.s.settled};

	if (w.s.verdict == SW_VERDICT_TRANSITION)
		return !settles(&settling, c->grace_ns, now);
	if (w.s.verdict == SW_VERDICT_BLIND)
		return !side_blind(c, w.s.out_fresh ? DIR_IN : DIR_OUT, now);
	return w.s.verdict == SW_VERDICT_LOOP_OR_SPOOF && !spoofed_lately(flow, now);
}

/* Plain adds; see flow_table.h. */
static __always_inline void flow_count(struct sw_flow_record *flow, __u32 dir, struct amount n)
{
	__u64 *bytes = dir == DIR_OUT ? &flow->out_bytes : &flow->in_bytes;
	__u32 *packets = dir == DIR_OUT ? &flow->out_packets : &flow->in_packets;
	__u32 sum = *packets + (__u32)n.packets;

	*bytes += n.bytes + ((__u64)(sum < (__u32)n.packets) << SW_FLOW_BYTES_BITS);
	*packets = sum;
}

/* The closing flags of a TCP packet as bits of `judged`. */
static __always_inline __u32 flow_closing(__u8 tcp_flags, __u32 dir)
{
	__u32 bits = 0;

	if (tcp_flags & TCP_FLAG_FIN)
		bits |= SW_TCP_FIN_OUT;
	if (tcp_flags & TCP_FLAG_RST)
		bits |= SW_TCP_RST_OUT;
	return dir == DIR_OUT ? bits : bits << 1;
}

/*
 * Whether the verdict of this packet's flow stands as it is: nothing that it is taken of has
 * changed since.
 */
static __always_inline bool flow_stands(const struct sw_flow_record *flow, union sw_flow_word w,
					const struct sw_ctl *c, __u32 dir, __u32 path, __u64 now)
{
	return (dir == DIR_OUT ? w.s.out == path && w.s.out_fresh
			       : w.s.in == path && w.s.in_fresh) &&
	       !((flow->judged ^ c->generation) & SW_JUDGED_MASK) && !w.s.event &&
	       !(w.s.verdict >= SW_VERDICT_TRANSITION && verdict_over(flow, c, w, now));
}

/*
 * Records a packet of the direction on `path`. flow: what the look-up said, NULL: make one. group:
 * of the outside address, 0: to be looked up, when a verdict is taken. choice: room for that.
 */
static __always_inline void flow_record(struct packet *pkt, struct choice *choice,
					struct sw_flow_record *flow, __u32 dir, __u32 path,
					__u32 group, struct amount n, __u64 now)
{
	union sw_flow_word w;
	__u32 zero = 0, closing;
	struct sw_ctl *c = bpf_map_lookup_elem(&ctl, &zero);
	__u8 flags = pkt->proto == IPPROTO_TCP ? pkt->tcp_flags : 0;
	int whole = 0;

	if (!c)
		return;
	if (!flow) {
		flow = flow_make(pkt, dir, now, syn_missed(c, now));
		if (flow && pkt->rules)
			rule_keep(pkt, dir == DIR_OUT);
	}
	if (!flow)
		return;
	w = flow_state(flow);
	if (!still_its(pkt, w))
		return;
	flow_count(flow, dir, n);
	closing = flow_closing(flags, dir);
	if (closing & ~flow->judged) {
		flow->judged |= closing;
		flow_look(&pkt->key, pkt->hash, now, LOOK_RENEW); /* the index is to know */
	}
	if (!(w.s.out_fresh && w.s.in_fresh) && flags & TCP_FLAG_ACK)
		whole = evidence_see(flow, pkt,
				     (dir == DIR_OUT ? w.s.in : w.s.out) == SW_FLOW_NO_PATH, now);
	if (!whole && flow_stands(flow, w, c, dir, path, now))
		return;
	if (!group)
		group = fib_find(pkt->family, dir == DIR_OUT ? &pkt->dst : &pkt->src);
	pkt->seen = (struct seen){.now = now, .group = group, .dir = dir, .path = path};
	if (flow_judge(pkt, flow, choice))
		flow_judge(pkt, flow, choice);
}

/* Whether this CPU may make another record for a spoofer. */
static __always_inline bool spoof_makes(__u64 now)
{
	struct sw_health *h = health_row();

	if (!h)
		return false;
	if (now < h->spoof_made_ns + SW_SPOOF_MAKE_NS) {
		h->spoofs_skipped++;
		return false;
	}
	h->spoof_made_ns = now;
	return true;
}

/* A packet of an inside host that came by a path; flow as for flow_record(). */
static __always_inline void flow_spoof(struct packet *pkt, struct sw_flow_record *flow, __u32 path,
				       __u64 now)
{
	if (!flow && spoof_makes(now))
		flow = flow_make(pkt, DIR_OUT, now, false);
	if (!flow)
		return;
	pkt->seen = (struct seen){.now = now, .path = path};
	if (flow_spoofed(pkt, flow))
		flow_spoofed(pkt, flow);
}

#endif
