/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's timer: keeps the clock (clock.h), decides by BFD which paths are down (liveness.h),
 * and each second sums the per-CPU counters of the paths into path_counters, so that plain bpftool
 * shows them, with or without a daemon, notes when either direction last had a packet, and ends the
 * drains that the daemon should have. It lives while map `timers` is pinned.
 */
#ifndef SAMEWAY_BPF_TIMER_H
#define SAMEWAY_BPF_TIMER_H

#define CLOCK_MONOTONIC_ 1

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
