// SPDX-License-Identifier: GPL-2.0-only
/*
 * sameway's flow table alone, as record_lru (traffic.bpf.c) is LRU_HASH's: a flow's record found or
 * made, and counted. Nothing else of a packet. For IPv4 from inside to a path.
 */
#include "../../bpf/sameway.bpf.c"

SEC("xdp.frags")
int variant(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct sw_ctl *c = settings();
	struct ethhdr *eth = data;
	struct sw_flow_record *flow;
	struct quick q = {};
	__u64 said;

	if (!c || (void *)(eth + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP) ||
	    !quick_ip4(&q, (void *)(eth + 1), end, end - data - ETH_HLEN_, c->seed))
		return XDP_PASS;
	q.now = clock_now();
	said = flow_look(&q.key, q.hash, q.now, LOOK_USE);
	if ((__u32)said == NO_RECORD)
		said = flow_put(&q.key, q.hash, q.now, 0);
	flow = (__u32)said == NO_RECORD ? NULL : flow_row(4, said);
	if (flow)
		flow_count(flow, DIR_OUT, (struct amount){.packets = 1, .bytes = q.len});
	return XDP_DROP;
}
