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
 * Both, of an XDP frame without tags. Where the frame is, is read anew: what parse has learned of
 * it would keep the verifier from seeing that all ways to here are one.
 */
static __always_inline int xdp_rewrite(struct xdp_md *ctx, const struct nexthop *nh, __u8 family)
{
	void *data = (void *)(long)*(volatile __u32 *)&ctx->data;
	void *end = (void *)(long)*(volatile __u32 *)&ctx->data_end;

	return rewrite_ttl(data + ETH_HLEN_, end, family) || rewrite_macs(data, end, nh);
}

/*
 * VLAN tags of XDP frames: takes off `off` bytes of tags, puts nh's on, MACs and TTL along. -1: the
 * frame is as it was. (There is room for the tags in front of any frame that a driver gives to
 * XDP.)
 */
static __noinline int xdp_retag(struct xdp_md *ctx, __u32 off, const struct nexthop *nh,
				__u8 family)
{
	__u32 outer = nh->tags.vid[0], inner = nh->tags.vid[1];
	__u32 on = inner ? 2 * VLAN_HLEN_ : outer ? VLAN_HLEN_ : 0;
	__u16 *tag;
	void *data, *end;

	if (bpf_xdp_adjust_head(ctx, (int)off - (int)on))
		return -1;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	if (rewrite_macs(data, end, nh))
		return -1;
	tag = data + ETH_HLEN_ - 2;
	if ((void *)(tag + 5) > end)
		return -1;
	if (inner) {
		*tag++ = bpf_htons(ETH_P_8021AD);
		*tag++ = bpf_htons(outer);
		outer = inner;
	}
	if (outer) {
		*tag++ = bpf_htons(ETH_P_8021Q);
		*tag++ = bpf_htons(outer);
	}
	*tag++ = family == 4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	return rewrite_ttl(tag, end, family);
}

/* Tags that it came with, at TC. */
static __always_inline __u32 tc_tags(const struct place *at)
{
	return at->tag_bytes / VLAN_HLEN_ + (at->beside != 0);
}

/* The same for TC: all tags off, `n` of them; and on. -1: it may be half done. */
static __noinline int tc_untag(struct __sk_buff *ctx, __u32 n)
{
	__u32 i;

	for (i = 0; i < TAG_BYTES_MAX / VLAN_HLEN_ + 1; i++) {
		if (i >= n)
			break;
		if (bpf_skb_vlan_pop(ctx))
			return -1;
	}
	return 0;
}

static __always_inline int tc_tag(struct __sk_buff *ctx, union sw_tags tags)
{
	__u16 last = tags.vid[0];

	if (tags.vid[1]) {
		last = tags.vid[1];
		if (bpf_skb_vlan_push(ctx, bpf_htons(ETH_P_8021Q), last))
			return -1;
		return bpf_skb_vlan_push(ctx, bpf_htons(ETH_P_8021AD), tags.vid[0]) ? -1 : 0;
	}
	return last && bpf_skb_vlan_push(ctx, bpf_htons(ETH_P_8021Q), last) ? -1 : 0;
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
