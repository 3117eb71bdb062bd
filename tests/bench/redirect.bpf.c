// SPDX-License-Identifier: GPL-2.0-only
/*
 * For bench_path: the programs to compare with, and the stage before both. BPF_PROG_TEST_RUN does
 * not reset the packet between runs, and a forwarded one has other MACs and a lower TTL: `prepare`
 * puts back what was changed, gives the next flow's source port, and goes on by tail call to what
 * is measured. With nothing there, it is itself what is measured.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#define PACKET_TTL 64

/* Set before a run. check: of the IPv4 header, network order. flow_mask: flows less one. */
__u8 macs[2 * ETH_ALEN];
__u16 check;
__u32 flow_mask, flow_next;
__u32 out_ifindex;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} next_xdp SEC(".maps"), next_tc SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} out_device SEC(".maps");

static __always_inline void prepare(void *data, void *end)
{
	struct ethhdr *eth = data;
	struct udphdr *udp;

	if (data + sizeof(*eth) + sizeof(struct ipv6hdr) + sizeof(*udp) > end)
		return;
	__builtin_memcpy(eth, macs, sizeof(macs));
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(eth + 1);

		ip->ttl = PACKET_TTL;
		ip->check = check;
		udp = (void *)(ip + 1);
	} else {
		struct ipv6hdr *ip6 = (void *)(eth + 1);

		ip6->hop_limit = PACKET_TTL;
		udp = (void *)(ip6 + 1);
	}
	udp->source = bpf_htons(flow_next++ & flow_mask);
}

SEC("xdp")
int prepare_xdp(struct xdp_md *ctx)
{
	prepare((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	bpf_tail_call(ctx, &next_xdp, 0);
	return XDP_PASS;
}

SEC("tc")
int prepare_tc(struct __sk_buff *ctx)
{
	prepare((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	bpf_tail_call(ctx, &next_tc, 0);
	return TC_ACT_UNSPEC;
}

SEC("xdp")
int redirect_xdp(struct xdp_md *ctx __attribute__((unused)))
{
	return bpf_redirect_map(&out_device, 0, XDP_PASS);
}

SEC("tc")
int redirect_tc(struct __sk_buff *ctx __attribute__((unused)))
{
	return bpf_redirect(out_ifindex, 0);
}

char LICENSE[] SEC("license") = "GPL";
