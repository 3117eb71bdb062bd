/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The time, as a word that the kernel's timer writes (timer.h): asking the kernel costs as much as
 * all the rest of a small packet. It is late by SW_CLOCK_PERIOD_NS and what the timer is. Where the
 * timer has stopped it stands still: nothing ages, nothing is taken for idle, and `doctor` says so.
 * What must end by itself (`enforce --for`) asks the kernel.
 */
#ifndef SAMEWAY_BPF_CLOCK_H
#define SAMEWAY_BPF_CLOCK_H

static __always_inline __u64 clock_now(void)
{
	__u32 zero = 0;
	struct sw_clock *c = bpf_map_lookup_elem(&clock, &zero);
	__u64 now = c ? *(volatile __u64 *)&c->now_ns : 0;

	return now ? now : bpf_ktime_get_coarse_ns();
}

static __always_inline __u32 tick_of(__u64 ns)
{
	return ns >> SW_TICK_SHIFT;
}

/* The time of a tick that is no more than 52 days ago; always the same. */
static __always_inline __u64 tick_ns(__u32 tick, __u64 now)
{
	return ((now >> SW_TICK_SHIFT) - (__u32)(tick_of(now) - tick)) << SW_TICK_SHIFT;
}

#endif
