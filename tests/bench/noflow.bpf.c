// SPDX-License-Identifier: GPL-2.0-only
/*
 * sameway's XDP program without the flow record: parse, look-up, select among the paths that are
 * usable, rewriting, counters and redirect, of the project's own stages and on its maps. The
 * difference to the real one is the record and its verdict. For packets from inside to a path.
 */
#include "../../bpf/sameway.bpf.c"

#ifdef NO_FIB /* and without the look-up: all are of one group (EDGE_GROUP) */
#define GROUP_OF(q) 16
#else
#define GROUP_OF(q) fib_find((q)->key.family, &(q)->dst)
#endif

SEC("xdp.frags")
int variant(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 zero = 0, ifindex, path;
	struct sw_usable *u = bpf_map_lookup_elem(&usable, &zero);
	struct choice choice = {.family = 4, .hint = SW_NO_PATH};
	struct sw_ctl *c = settings();
	struct ethhdr *eth = data;
	struct quick q = {};
	struct sw_group *group;
	const __u8 *macs;

	if (!c || !u || (void *)(eth + 1) > end || c->mode != SW_MODE_ENFORCE)
		return XDP_PASS;
	q.where = quick_interface(ctx->ingress_ifindex, eth);
	q.now = clock_now();
	if (!q.where || eth->h_proto != bpf_htons(ETH_P_IP) ||
	    !quick_ip4(&q, (void *)(eth + 1), end, end - data - ETH_HLEN_, c->seed))
		return XDP_PASS;
	group = fib_group(GROUP_OF(&q));
	choice.hash = q.hash;
	if (!group || group->kind != SW_GROUP_ROUTE ||
	    !first_tier(group, paths_usable(c, u, 4), &choice))
		return XDP_PASS;
	take_member(&choice, c->weighted);
	path = choice.path;
	macs = quick_macs(&q, path, &ifindex);
	if (!macs) { /* each quarter of a second */
		struct nexthop nh;
		struct packet pkt = {.family = 4};

		nexthop_find(ctx, path, &pkt, q.now, &nh);
		macs = quick_macs(&q, path, &ifindex);
	}
	if (!macs || bpf_redirect_map(&devices, path, XDP_PASS) != XDP_REDIRECT)
		return XDP_PASS;
	quick_rewrite(eth, macs, 4);
	count_reason(SW_FAST_SLOT(q.where), SW_REASON_forwarded, SW_ACTION_FORWARD, 1);
	count_tx(path, (struct amount){.packets = 1, .bytes = q.len});
	return XDP_REDIRECT;
}
