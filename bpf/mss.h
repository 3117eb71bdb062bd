/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Of stage 8: the MSS that a TCP's SYN or SYN-ACK offers, lowered to what `mss:` of paths says, so
 * that the other end's segments fit all paths that the flow may come to, not only the one it is on
 * (docs/decisions/048-mss-and-transit.md). It is never raised; without the option it stays so (RFC
 * 9293, 3.7.1: 536, or 1220 of IPv6). Only SYNs come here, and only where a path has an `mss:`. TC
 * alone does it: XDP leaves such packets to it, since only TC can tell whether the checksum is
 * whole or left to a device.
 */
#ifndef SAMEWAY_BPF_MSS_H
#define SAMEWAY_BPF_MSS_H

#define TCP_OPTIONS_MAX	 40
#define TCP_OPTION_END	 0
#define TCP_OPTION_NOP	 1
#define TCP_OPTION_MSS	 2
#define TCP_MSS_BYTES	 4  /* of the option */
#define TCP_CHECK_OFFSET 16 /* of the checksum in the header */

/* Whether it is one that may have to be lowered. */
static __always_inline bool mss_asked(const struct packet *pkt, const struct sw_ctl *c)
{
	return c->clamped && pkt->tcp_flags & TCP_FLAG_SYN;
}

/* The paths of a group that a flow may use or be answered by, and that have an `mss:`. */
static __always_inline __u64 mss_paths(const struct sw_group *group, const struct sw_ctl *c)
{
	return group && group->kind == SW_GROUP_ROUTE ? group->members & c->clamped : 0;
}

struct mss_search {
	__u64 left; /* paths to be asked */
	__u32 family, least;
};

/* A path of them a call: `mss:`, and never more than fits its MTU. */
static int mss_of_path(__u32 n __attribute__((unused)), struct mss_search *s)
{
	__u32 i = lowest_bit(s->left), mss;
	struct sw_path *path = bpf_map_lookup_elem(&paths, &i);

	mss = path && s->left ? sw_path_mss(path, s->family) : 0;
	if (mss && (!s->least || mss < s->least))
		s->least = mss;
	s->left &= s->left - 1;
	return !s->left;
}

/*
 * The greatest MSS that a packet of the flow may offer, 0: none is set, or it is exempt. (A
 * function of its own, so that the verifier sees it once; so is tc_mss().)
 */
__noinline int mss_limit(const struct packet *pkt)
{
	struct mss_search search = {};
	struct sw_group *dst, *src;
	__u32 zero = 0;
	struct sw_ctl *c = bpf_map_lookup_elem(&ctl, &zero);

	if (!c || !pkt)
		return 0;
	dst = fib_group(fib_find(pkt->family, &pkt->dst));
	src = fib_group(fib_find(pkt->family, &pkt->src));
	if ((dst && dst->kind == SW_GROUP_EXEMPT) || (src && src->kind == SW_GROUP_EXEMPT))
		return 0;
	search.family = pkt->family;
	search.left = mss_paths(dst, c) | mss_paths(src, c) |
		      mss_paths(fib_group(pkt->family == 4 ? c->default4 : c->default6), c);
	bpf_loop(SW_MAX_PATHS, mss_of_path, &search, 0);
	return search.least;
}

/*
 * Lowers the option whose value is `at` bytes into the TCP header that begins at `tcp`, checksum
 * along. 1: done. (Bytes of one 16-bit number may lie in two of the sum's.)
 */
static __always_inline int mss_lower(struct __sk_buff *ctx, __u32 tcp, __u32 at, __u16 was,
				     __u16 mss)
{
	if (bpf_skb_store_bytes(ctx, tcp + at, &mss, sizeof(mss), 0))
		return 0;
	if (at & 1) {
		was = __builtin_bswap16(was);
		mss = __builtin_bswap16(mss);
	}
	return !bpf_l4_csum_replace(ctx, tcp + TCP_CHECK_OFFSET, was, mss, sizeof(mss));
}

/* The options of one header; `opt` is longer, so that what follows the last can be looked at. */
struct mss_walk {
	struct __sk_buff *ctx;
	__u32 tcp;	/* where the header begins */
	__u32 at, size; /* in `opt`: the next one; all of them, bytes */
	__u32 limit, lowered;
	__u8 opt[64];
};
#define MSS_OPT(w, i) ((w)->opt[(i) & (sizeof((w)->opt) - 1)])
/* 1 to 64, as the verifier of Linux 6.1 can see it whatever the compiler knows. */
#define MSS_SIZE(n) ((NUMBER((n)-1) & 63) + 1)

/* An option a call; 1: it was the last, or whoever reads them stops here, too. */
static int mss_option(__u32 n __attribute__((unused)), struct mss_walk *w)
{
	__u32 at = w->at, kind = MSS_OPT(w, at), len = MSS_OPT(w, at + 1);
	__u16 mss = MSS_OPT(w, at + 2) << 8 | MSS_OPT(w, at + 3);

	if (at >= w->size || kind == TCP_OPTION_END)
		return 1;
	if (kind == TCP_OPTION_NOP)
		len = 1;
	else if (len < 2 || at + len > w->size)
		return 1;
	if (kind == TCP_OPTION_MSS && len == TCP_MSS_BYTES && mss > w->limit)
		w->lowered |= mss_lower(w->ctx, w->tcp, sizeof(struct tcphdr) + at + 2,
					bpf_htons(mss), bpf_htons(w->limit));
	w->at = at + len;
	return 0;
}

/* All of it, of a SYN whose IP header begins `l3` bytes into the frame. */
__noinline int tc_mss(struct __sk_buff *ctx, const struct packet *pkt, __u32 l3)
{
	struct mss_walk w = {.ctx = ctx};
	struct sw_health *h;

	w.limit = mss_limit(pkt);
	if (!pkt || !w.limit)
		return 0;
	w.tcp = l3 + pkt->l4;
	w.size = pkt->headers - pkt->l4 - sizeof(struct tcphdr);
	if (!w.size || w.size > TCP_OPTIONS_MAX ||
	    bpf_skb_load_bytes(ctx, w.tcp + sizeof(struct tcphdr), w.opt, MSS_SIZE(w.size)))
		return 0;
	bpf_loop(TCP_OPTIONS_MAX, mss_option, &w, 0);
	h = health_row();
	if (h)
		h->mss_clamped += w.lowered;
	return 0;
}

#endif
