// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stands in for a VLAN interface X.300 on X.30 (802.1ad) where the kernel has no 8021q: as tc
 * classifiers with mirred, `push` on the ingress of the other end of a veth pair that plays X.300,
 * and `pop` on the ingress of the trunk. `push_other` makes frames of an outer tag nobody
 * configured.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define OUTER	  30
#define INNER	  300
#define MICROSOFT 310 /* the inner tag of another peering on the same trunk */
#define NO_MATCH  0
#define MATCH	  (-1)

static __always_inline int tag(struct __sk_buff *ctx, __u16 outer, __u16 inner)
{
	if (bpf_skb_vlan_push(ctx, bpf_htons(ETH_P_8021Q), inner) ||
	    bpf_skb_vlan_push(ctx, bpf_htons(ETH_P_8021AD), outer))
		return NO_MATCH;
	return MATCH;
}

/* The outer tag is in the skb, the inner in the frame: looked at before anything is taken off. */
static __always_inline int untag(struct __sk_buff *ctx, __u16 inner)
{
	__be16 tci;

	if (!ctx->vlan_present || (ctx->vlan_tci & 0xfff) != OUTER ||
	    ctx->protocol != bpf_htons(ETH_P_8021Q) ||
	    bpf_skb_load_bytes(ctx, ETH_HLEN, &tci, sizeof(tci)) ||
	    (bpf_ntohs(tci) & 0xfff) != inner || bpf_skb_vlan_pop(ctx) || bpf_skb_vlan_pop(ctx))
		return NO_MATCH;
	return MATCH;
}

SEC("tc/push")
int push(struct __sk_buff *ctx)
{
	return tag(ctx, OUTER, INNER);
}

SEC("tc/push_microsoft")
int push_microsoft(struct __sk_buff *ctx)
{
	return tag(ctx, OUTER, MICROSOFT);
}

SEC("tc/push_other")
int push_other(struct __sk_buff *ctx)
{
	return tag(ctx, OUTER + 1, INNER);
}

SEC("tc/pop")
int pop(struct __sk_buff *ctx)
{
	return untag(ctx, INNER);
}

SEC("tc/pop_microsoft")
int pop_microsoft(struct __sk_buff *ctx)
{
	return untag(ctx, MICROSOFT);
}

char LICENSE[] SEC("license") = "GPL";
