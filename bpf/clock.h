/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The time, as a word that the kernel's timer writes (timer.h): asking the kernel costs as much as
 * all the rest of a small packet. It is late by SW_CLOCK_PERIOD_NS and what the timer is. Where the
 * timer has stopped it stands still: nothing ages, settles or is taken for idle, gateways are not
 * asked for again, and after a second's worth of events the rest stay owed. The daemon arms the
 * timer anew and says so; with the daemon dead, too, `doctor` does. What must end by itself
 * (`enforce --for`) asks the kernel.
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

/*
 * Ticks since `tick`, which is no more than 52 days ago. What the daemon stamps with its own clock
 * may be a little ahead of ours: that is now.
 */
#define TICKS_AHEAD 0x10000 /* 68 s */

static __always_inline __u32 tick_age(__u32 tick, __u64 now)
{
	__u32 age = tick_of(now) - tick;

	return age > ~0U - TICKS_AHEAD ? 0 : age;
}

/* The time of a tick that is no more than 52 days ago; always the same. */
static __always_inline __u64 tick_ns(__u32 tick, __u64 now)
{
	__u32 age = tick_of(now) - tick;
	__s64 back = age > ~0U - TICKS_AHEAD ? (__s64)(__s32)age : age;

	return ((now >> SW_TICK_SHIFT) - back) << SW_TICK_SHIFT;
}

#endif
