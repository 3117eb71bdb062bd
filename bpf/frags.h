/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Multi-buffer frames at XDP (jumbo MTUs): the rest of the frame lies behind `data_end`, in
 * fragments. The headers are in the linear part, or the frame is left to TC, which makes them so.
 */
#ifndef SAMEWAY_BPF_FRAGS_H
#define SAMEWAY_BPF_FRAGS_H

#define IPV6_HLEN_ 40

/* Bytes of the IP packet behind the tags, as its header says; 0: it says nothing. */
static __always_inline __u32 frags_ip_bytes(const struct frame *frame, const struct place *at)
{
	void *net = frame->data + (at->tag_bytes & TAG_BYTES_MAX);
	__u16 *ip = net + ETH_HLEN_, proto;

	if ((void *)(ip + 3) > frame->end)
		return 0;
	proto = ip[-1];
	if (proto == bpf_htons(ETH_P_IP))
		return bpf_ntohs(ip[1]);
	return proto == bpf_htons(ETH_P_IPV6) ? bpf_ntohs(ip[2]) + IPV6_HLEN_ : 0;
}

/*
 * Bytes of the whole frame. The kernel is asked only where the linear part ends before the IP
 * packet does: all others cost no call.
 */
static __always_inline __u32 frags_length(struct xdp_md *ctx, const struct frame *frame,
					  const struct place *at)
{
	__u32 head = ETH_HLEN_ + (at->tag_bytes & TAG_BYTES_MAX);

	if (frags_ip_bytes(frame, at) + head <= frame->len)
		return frame->len;
	return bpf_xdp_get_buff_len(ctx);
}

/*
 * Whether the slot's device can be sent the frame: one of several buffers it may not take, and it
 * would be lost after the redirect.
 */
static __always_inline bool frags_may_go(struct xdp_md *ctx, const struct frame *frame,
					 const struct sw_ctl *c, __u32 slot)
{
	__u32 linear = ctx->data_end - ctx->data;

	return frame->len <= linear || c->takes_frags[slot >> 6 & 1] >> (slot & 63) & 1;
}

_Static_assert(SW_MAX_SLOTS == 128, "two words of bits by slot");

#endif
