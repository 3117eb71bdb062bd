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

#endif
