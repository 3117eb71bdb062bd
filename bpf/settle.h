/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Settling, of stage 6: how long a change explains what a flow does. Less than `grace` after the
 * last change that concerns it, three graces in a row at most.
 */
#ifndef SAMEWAY_BPF_SETTLE_H
#define SAMEWAY_BPF_SETTLE_H

/* A row of changes: its last in ticks, 0: none, and how long it has gone on (union sw_flow_word).
 */
struct settling {
	__u32 last;
	__u32 row;
};

static __always_inline bool settles(const struct settling *s, __u64 grace_ns, __u64 now)
{
	__u32 grace = tick_of(grace_ns), age = tick_age(s->last, now);

	return s->last && age < grace && age + (s->row * grace >> 4) < 3 * grace;
}

/* A change at `t` that explains what follows: it counts while it is younger than grace. */
static __always_inline void settle_start(struct settling *s, __u64 grace_ns, __u64 t, __u64 now)
{
	__u32 grace = tick_of(grace_ns) + 1, at = tick_of(t), more;

	if (!t || now >= t + grace_ns)
		return;
	if (!at)
		at = 1;
	if (!s->last || tick_age(s->last, now) >= grace) {
		s->row = 0;
	} else {
		if ((__s32)(at - s->last) <= 0) /* an older one, noticed late */
			return;
		more = s->row + ((__u64)(at - s->last) * 16 + grace - 1) / grace;
		s->row = more < 63 ? more : 63;
	}
	s->last = at;
}

struct change {
	__u64 paths, t;
};

/* A path of them a call. */
static int change_latest(__u32 n __attribute__((unused)), struct change *c)
{
	__u32 i = lowest_bit(c->paths);
	struct sw_path *path = bpf_map_lookup_elem(&paths, &i);

	if (path && c->paths && path->changed_ns > c->t)
		c->t = path->changed_ns;
	c->paths &= c->paths - 1;
	return !c->paths;
}

/*
 * When the answer of this group last changed: by a feed, or by a path of the tiers down to the one
 * chosen from that became usable or ceased to be, or at `also`. A backup that flaps explains
 * nothing.
 */
__noinline __u64 answer_changed(__u32 id, __u32 path, __u32 tier, __u64 also)
{
	struct sw_group *group = fib_group(id);
	struct change change = {};
	__u32 i;

	if (!group)
		return 0;
	change.t = group->since_ns > also ? group->since_ns : also;
	for (i = 0; i < SW_MAX_TIERS; i++) {
		if (i >= group->tiers)
			break;
		change.paths |= group->tier[i];
		if (path != SW_NO_PATH && i >= tier)
			break;
	}
	bpf_loop(SW_MAX_PATHS, change_latest, &change, 0);
	return change.t;
}

#endif
