/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stage 8, act: what changes in a packet that moves on. At XDP only after the redirect was
 * accepted: a frame rewritten before a redirect that fails goes up unrecognisable. At TC a redirect
 * is not refused: a device that is gone by then drops the packet.
 */
#ifndef SAMEWAY_BPF_REWRITE_H
#define SAMEWAY_BPF_REWRITE_H

/* TTL or hop limit less one, IPv4 checksum along (RFC 1624). l3: start of the IP header. */
static __always_inline int rewrite_ttl(void *l3, void *end, __u8 family)
{
	if (family == 4) {
		struct iphdr *ip = l3;
		__u32 check;

		if ((void *)(ip + 1) > end)
			return -1;
		check = ip->check + bpf_htons(0x0100);
		ip->check = check + (check >= 0xffff);
		ip->ttl--;
	} else {
		struct ipv6hdr *ip6 = l3;

		if ((void *)(ip6 + 1) > end)
			return -1;
		ip6->hop_limit--;
	}
	return 0;
}

static __always_inline int rewrite_macs(void *data, void *end, const struct nexthop *nh)
{
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > end)
		return -1;
	__builtin_memcpy(eth->h_dest, nh->dmac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, nh->smac, ETH_ALEN);
	return 0;
}

/*
 * An Ethernet header for what has none, at TC. (bpf_redirect_neigh and a bare bpf_redirect lose
 * everything from an L3 device.) -1: as it was.
 */
static __always_inline int ethernet_push(struct __sk_buff *ctx, __u8 family,
					 const struct nexthop *nh)
{
	struct ethhdr eth;

	if (bpf_skb_change_head(ctx, ETH_HLEN_, 0))
		return -1;
	__builtin_memcpy(eth.h_dest, nh->dmac, ETH_ALEN);
	__builtin_memcpy(eth.h_source, nh->smac, ETH_ALEN);
	eth.h_proto = family == 4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	bpf_skb_store_bytes(ctx, 0, &eth, ETH_HLEN_, 0); /* in the room just made: can't fail */
	return 0;
}

#endif
