/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's timer: keeps the clock (clock.h), decides by BFD (liveness.h) and carrier
 * (carrier.h) which paths are down, and each second sums the per-CPU counters of the paths into
 * path_counters, so that plain bpftool shows them, with or without a daemon, notes when either
 * direction last had a packet, and ends the drains that the daemon should have. It lives while map
 * `timers` is pinned.
 */
#ifndef SAMEWAY_BPF_TIMER_H
#define SAMEWAY_BPF_TIMER_H

#define CLOCK_MONOTONIC_ 1

static int liveness_stamp(__u32 n __attribute__((unused)), struct liveness *l)
{
	struct sw_path *path = path_row(lowest_bit(l->paths));

	if (!l->paths || !path)
		return 1;
	l->paths &= l->paths - 1;
	*(volatile __u64 *)&path->changed_ns = l->now;
	return 0;
}

/* The generation moves on; 0 in a record says that it was never judged. */
static __always_inline void judge_anew(struct sw_ctl *c)
{
	__sync_fetch_and_add(&c->generation, (c->generation + 1) & SW_JUDGED_MASK ? 1 : 2);
}

/*
 * In the order that the daemon has, too: when it changed, the bit, the generation. A path that is
 * out for another reason has not changed.
 */
static __always_inline void liveness_tell(struct sw_ctl *c, struct sw_usable *u, struct liveness *l)
{
	__u64 others = ((u->peers4 & c->can4) | (u->peers6 & c->can6)) & u->probe & u->admin &
		       u->failback & u->neighbor;
	__u64 heard = u->bfd ^ ~l->down, link = l->cut | l->back;

	if (!heard && !link)
		return;
	l->paths = ((heard & u->link) | (link & u->bfd)) & others;
	bpf_loop(SW_MAX_PATHS, liveness_stamp, l, 0);
	__sync_lock_test_and_set(&u->bfd, ~l->down);
	__sync_fetch_and_and(&u->link, ~l->cut);
	__sync_fetch_and_or(&u->link, l->back);
	judge_anew(c);
}

/* Each SW_CLOCK_PERIOD_NS; see SW_STALL_NS. */
static __always_inline void liveness_look(__u64 now, bool stalled)
{
	__u32 zero = 0;
	struct sw_usable *u = bpf_map_lookup_elem(&usable, &zero);
	struct sw_ctl *c = bpf_map_lookup_elem(&ctl, &zero);
	struct liveness l = {.now = now, .stalled = stalled};

	if (!u || !c)
		return;
	if (carrier_readable) {
		l.link = *(volatile __u64 *)&u->link;
		l.paths = c->carrier;
		bpf_loop(SW_MAX_PATHS, carrier_path, &l, 0);
		if (c->held != l.held)
			c->held = l.held;
	}
	l.paths = c->bfd;
	bpf_loop(SW_MAX_PATHS, liveness_path, &l, 0);
	liveness_tell(c, u, &l);
}

/* all: packets of the paths before this one. */
static int sum_path(__u32 id, struct sw_path_stats *all)
{
	struct sw_path_counters *row = bpf_map_lookup_elem(&path_counters, &id);
	struct path_sum sum = {.path = id};

	if (!row || !row->name[0])
		return 0;
	path_sum(&sum);
	row->rx_packets = sum.total.rx_packets;
	row->rx_bytes = sum.total.rx_bytes;
	row->tx_packets = sum.total.tx_packets;
	row->tx_bytes = sum.total.tx_bytes;
	all->rx_packets += sum.total.rx_packets;
	all->tx_packets += sum.total.tx_packets;
	return 0;
}

/*
 * A drain whose end the daemon has let pass: it is dead, or stalled. In the daemon's order: what
 * explains the change, the bit, the generation.
 */
static int drain_end(__u32 id, __u64 *now)
{
	struct sw_path *row = bpf_map_lookup_elem(&paths, &id);
	__u32 zero = 0;
	struct sw_usable *u = bpf_map_lookup_elem(&usable, &zero);
	struct sw_ctl *c = bpf_map_lookup_elem(&ctl, &zero);
	__u64 until = row ? *(volatile __u64 *)&row->drained_until_ns : 0;

	if (!until || *now < until + SW_DRAIN_LATE_NS || !u || !c)
		return 0;
	*(volatile __u64 *)&row->changed_ns = *now;
	if (__sync_val_compare_and_swap(&row->drained_until_ns, until, 0) != until)
		return 0; /* the daemon has something else in mind */
	__sync_fetch_and_or(&u->admin, 1ULL << (id & 63));
	judge_anew(c);
	return 0;
}

static int timer_tick(void *map __attribute__((unused)), int *key __attribute__((unused)),
		      struct sw_timer *timer)
{
	struct sw_path_stats all = {};
	__u64 now = bpf_ktime_get_ns();
	__u32 zero = 0;
	struct sw_clock *c = bpf_map_lookup_elem(&clock, &zero);

	if (c) {
		if (now - c->now_ns >= SW_STALL_NS)
			timer->beat.stalled_ns = now;
		*(volatile __u64 *)&c->now_ns = now;
	}
	bpf_timer_start(&timer->timer, SW_CLOCK_PERIOD_NS, 0);
	liveness_look(now, now - timer->beat.stalled_ns < SW_STALL_NS);
	if (now - timer->beat.beat_ns < SW_TIMER_PERIOD_NS)
		return 0;
	bpf_loop(SW_MAX_PATHS, sum_path, &all, 0);
	bpf_loop(SW_MAX_PATHS, drain_end, &now, 0);
	if (all.rx_packets != timer->beat.rx_packets)
		timer->beat.rx_ns = now;
	if (all.tx_packets != timer->beat.tx_packets)
		timer->beat.tx_ns = now;
	timer->beat.rx_packets = all.rx_packets;
	timer->beat.tx_packets = all.tx_packets;
	timer->beat.beat_ns = now;
	return 0;
}

/* Arms it; again after an adoption, so that it runs this program's callback. */
static __always_inline int timer_start(void)
{
	__u32 zero = 0;
	struct sw_timer *timer = bpf_map_lookup_elem(&timers, &zero);

	if (!timer)
		return -1;
	bpf_timer_init(&timer->timer, &timers, CLOCK_MONOTONIC_); /* -EBUSY: it is */
	if (bpf_timer_set_callback(&timer->timer, timer_tick))
		return -2;
	return bpf_timer_start(&timer->timer, SW_CLOCK_PERIOD_NS, 0) ? -3 : 0;
}

#endif
