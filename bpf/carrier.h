/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Carrier, read by the kernel's timer where the driver writes it: no process has to be scheduled,
 * or alive, for a lost link's traffic to move. sw_carrier_find, run by the daemon when a path's
 * device appears, finds the kernel's struct of it and notes its address; the timer reads through
 * that, and asks each time whose it is, so that what was freed, and is another's by now, does not
 * speak: the device is gone, then. (There is no kfunc for it, and 6.1 has no kprobe that every
 * build allows.)
 */
#ifndef SAMEWAY_BPF_CARRIER_H
#define SAMEWAY_BPF_CARRIER_H

/* Cleared by the loader where the kernel lets nobody read its memory (lockdown). */
const volatile __u32 carrier_readable = 1;

#define CARRIER_CHAIN 4096 /* devices of one list, at most */

/* That which was there once and is another's by now: for good, whoever comes to be there. */
static __always_inline __u32 carrier_up(struct sw_carrier_device *of)
{
	__u64 at = of->dev;
	const struct net_device *dev = (const void *)at;

	if ((__u32)BPF_CORE_READ(dev, ifindex) != of->ifindex ||
	    (__u64)BPF_CORE_READ(dev, nd_net.net) != of->net || !device_registered(dev)) {
		__sync_val_compare_and_swap(&of->dev, at, SW_CARRIER_GONE);
		return 0;
	}
	return !device_silent(dev);
}

/* The kernel's neighbour table has a gateway's MAC since then, or none is needed. */
static __always_inline bool gateway_known(__u32 path, __u64 since)
{
	struct sw_path *row = path_row(path);
	struct sw_nexthop *nh;
	__u32 i, index;

	if (!row || row->l3)
		return row;
	for (i = 0; i < 2; i++) {
		index = path * 2 + i;
		nh = bpf_map_lookup_elem(&nexthops, &index);
		if (nh && nh->family && nh->valid && nh->checked_ns >= since)
			return true;
	}
	return false;
}

/*
 * A path that is held back has received something: its gateway may be known again. Nobody sends by
 * the path, which is when else the programs ask. (A function of its own, so that the verifier sees
 * it once.)
 */
__noinline int gateway_hear(struct __sk_buff *ctx, __u32 path)
{
	__u64 now = clock_now();
	struct sw_nexthop *nh;
	__u32 i, index;

	for (i = 0; i < 2; i++) {
		index = path * 2 + i;
		nh = bpf_map_lookup_elem(&nexthops, &index);
		if (nh && nh->family)
			nexthop_refresh(ctx, nh, now);
	}
	return 0;
}

static int carrier_path(__u32 n __attribute__((unused)), struct liveness *l)
{
	__u32 path = lowest_bit(l->paths), up = 1, i;
	struct sw_carrier *row = bpf_map_lookup_elem(&carrier, &path);
	__u64 bit = 1ULL << (path & 63);

	if (!l->paths || !row)
		return 1;
	l->paths &= l->paths - 1;
	for (i = 0; i < SW_CARRIER_DEVICES; i++) {
		if (!row->device[i].dev)
			continue;
		*(volatile __u32 *)&row->device[i].up = carrier_up(&row->device[i]);
		up &= row->device[i].up;
	}
	if (!up && !row->hold.down && l->link & bit) {
		hold_begin(&row->hold, l->now);
		l->cut |= bit;
	} else if (!up) {
		row->hold.up_ns = 0;
	} else if (row->hold.down) {
		l->held |= bit;
		if (hold_over(&row->hold, path, l->now) && gateway_known(path, row->hold.up_ns) &&
		    __sync_val_compare_and_swap(&row->hold.down, 1, 0))
			l->back |= bit;
	}
	return 0;
}

/* Along one list of devices for that with the number. */
struct carrier_search {
	const struct hlist_node *node;
	const struct net_device *dev;
	__u32 ifindex;
};

static int carrier_is(__u32 n __attribute__((unused)), struct carrier_search *s)
{
	const struct hlist_node *node = s->node;
	const void *dev = (const char *)node -
			  __builtin_preserve_field_info(((struct net_device *)0)->index_hlist,
							BPF_FIELD_BYTE_OFFSET);

	if (!node)
		return 1;
	if ((__u32)BPF_CORE_READ((const struct net_device *)dev, ifindex) == s->ifindex) {
		s->dev = dev;
		return 1;
	}
	s->node = BPF_CORE_READ(node, next);
	return 0;
}

static __always_inline int carrier_find(const struct net *net, __u32 ifindex,
					struct sw_carrier_device *found)
{
	const struct hlist_head *head = BPF_CORE_READ(net, dev_index_head);
	struct carrier_search s = {.ifindex = ifindex};

	head += ifindex % DEVICE_HEADS;
	s.node = BPF_CORE_READ(head, first);
	bpf_loop(CARRIER_CHAIN, carrier_is, &s, 0);
	*found = (struct sw_carrier_device){
		.dev = (__u64)s.dev, .net = (__u64)net, .ifindex = ifindex};
	if (!s.dev)
		return -ENODEV;
	found->up = carrier_up(found);
	return 0;
}

/* The timer leaves the row alone while it is written. */
static __always_inline void carrier_write(struct sw_ctl *c, struct sw_carrier *row, __u64 bit,
					  const struct sw_carrier_device *found)
{
	__u32 i;

	for (i = 0; i < SW_CARRIER_DEVICES; i++) {
		if (row->device[i].dev == found[i].dev && row->device[i].net == found[i].net &&
		    row->device[i].ifindex == found[i].ifindex)
			continue;
		__sync_fetch_and_and(&c->carrier, ~bit);
		row->device[i] = found[i];
	}
	__sync_fetch_and_or(&c->carrier, bit);
}

/* 0, or an error's number, above 0. */
static __always_inline int carrier_ask(const struct sw_carrier_ask *ask, struct sw_ctl *c)
{
	const struct task_struct *task = (const void *)bpf_get_current_task();
	struct sw_carrier_device found[SW_CARRIER_DEVICES] = {};
	__u32 path = ask->path;
	struct sw_carrier *row = bpf_map_lookup_elem(&carrier, &path);
	const struct net *net;
	__u64 bit = 1ULL << (path & 63);

	if (!row || !c)
		return EINVAL;
	if (!carrier_readable || !bpf_core_field_exists(struct net, dev_index_head) ||
	    !bpf_core_field_exists(struct net_device, index_hlist))
		return EOPNOTSUPP;
	net = BPF_CORE_READ(task, nsproxy, net_ns);
	if (BPF_CORE_READ(net, ns.inum) != c->netns)
		return EXDEV;
	if (carrier_find(net, ask->ifindex[0], &found[0]) ||
	    (ask->ifindex[1] && carrier_find(net, ask->ifindex[1], &found[1]))) {
		__sync_fetch_and_and(&c->carrier, ~bit);
		return ENODEV;
	}
	carrier_write(c, row, bit, found);
	return 0;
}

#endif
