/* SPDX-License-Identifier: GPL-2.0-only */
/* How the kernel's timer holds a path back that it had taken away: as the daemon does, in usable.c.
 */
#ifndef SAMEWAY_BPF_HOLD_H
#define SAMEWAY_BPF_HOLD_H

/* The path is taken away; it will be held back longer the sooner it failed again. */
static __always_inline void hold_begin(struct sw_hold *hold, __u64 now)
{
	if (hold->failed_ns && now - hold->failed_ns < SW_FAILBACK_MAX_NS)
		hold->hold_ns = hold->hold_ns < SW_FAILBACK_MAX_NS / 2 ? hold->hold_ns * 2
								       : SW_FAILBACK_MAX_NS;
	else
		hold->hold_ns = hold->delay_ns;
	hold->failed_ns = hold->down_ns = now;
	hold->up_ns = 0;
	*(volatile __u64 *)&hold->down = 1;
}

/* All is well again with it: whether that is long enough, or the far side's packets say so. */
static __always_inline bool hold_over(struct sw_hold *hold, __u32 path, __u64 now)
{
	struct path_sum sum = {.path = path};

	path_sum(&sum);
	if (!hold->up_ns) {
		hold->up_rx = sum.total.rx_packets;
		hold->up_ns = now;
	}
	return now - hold->up_ns >= hold->hold_ns || sum.total.rx_packets > hold->up_rx;
}

#endif
