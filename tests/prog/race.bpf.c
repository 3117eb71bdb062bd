// SPDX-License-Identifier: GPL-2.0-only
/*
 * For test_flow_race: each run of one BPF_PROG_TEST_RUN makes the packet of another flow, and goes
 * on by tail call to a program of sameway. What a forwarded packet was changed in is put back. Two
 * that run at once go step by step: each waits a little for the other's packet of the same number.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#define PACKET_TTL 64
#define PATIENCE   2000

/* Set before a run. The inside host's port is of [base, base + mask], at random from `state`. */
__u8 macs[2 * ETH_ALEN];
__u16 check; /* of the IPv4 header, network order */
__u32 base, mask, state;
__u32 inward;
__u32 parity; /* 0, 1: ports of this alone; 2: all */
__u32 who;    /* 0 or 1 */
__u64 step;   /* number of the last packet made */

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} next_xdp SEC(".maps"), next_tc SEC(".maps");

/* How far each is; shared by both. */
struct place {
	__u64 step;
	__u64 pad[15];
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct place);
} places SEC(".maps");

static __always_inline void meet(void)
{
	__u32 me = who & 1, other = !me;
	struct place *mine = bpf_map_lookup_elem(&places, &me);
	struct place *its = bpf_map_lookup_elem(&places, &other);

	step++;
	if (!mine || !its)
		return;
	*(volatile __u64 *)&mine->step = step;
	for (int i = 0; i < PATIENCE; i++)
		if (*(volatile __u64 *)&its->step >= step)
			break;
}

static __always_inline void packet_make(void *data, void *end)
{
	struct ethhdr *eth = data;
	struct udphdr *udp;
	__u32 port;

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
	state = state * 1664525 + 1013904223;
	port = base + (state >> 16 & mask);
	if (parity < 2)
		port = (port & ~1U) | parity;
	if (inward)
		udp->dest = bpf_htons(port);
	else
		udp->source = bpf_htons(port);
}

SEC("xdp.frags")
int race_xdp(struct xdp_md *ctx)
{
	packet_make((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	meet();
	bpf_tail_call(ctx, &next_xdp, 0);
	return XDP_ABORTED;
}

SEC("tc")
int race_tc(struct __sk_buff *ctx)
{
	packet_make((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	meet();
	bpf_tail_call(ctx, &next_tc, 0);
	return TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "GPL";
