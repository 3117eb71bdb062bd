// SPDX-License-Identifier: GPL-2.0-only
/* For load: what it sends by (BPF_F_TEST_XDP_LIVE_FRAMES), and what takes it at the far end. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#define HEADERS (sizeof(struct ethhdr) + sizeof(struct iphdr) + sizeof(struct udphdr))

/* Set before a run. flow_mask: flows less one. */
__u32 out_ifindex, flow_mask, flow_next;
__u8 headers[HEADERS];

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} taken SEC(".maps");

/* A frame is used again as its taker left it: with other MACs and a lower TTL. */
SEC("xdp")
int send(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct udphdr *udp = data + sizeof(struct ethhdr) + sizeof(struct iphdr);

	if ((void *)(udp + 1) > end)
		return XDP_DROP;
	__builtin_memcpy(data, headers, HEADERS);
	udp->source = bpf_htons(flow_next++ & flow_mask);
	return bpf_redirect(out_ifindex, 0);
}

SEC("xdp")
int take(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + sizeof(struct ethhdr);
	__u32 zero = 0;
	__u64 *count = bpf_map_lookup_elem(&taken, &zero);

	if (!count || (void *)(ip + 1) > end || ip->protocol != 17)
		return XDP_PASS; /* neighbour discovery goes on */
	++*count;
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
