/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TC egress of a path as a mover: what the kernel sent out by a path that select would not give it
 * (local traffic, what the kernel forwards itself) goes to the path that select gives. At most
 * once, only where it fits, and never what is bound to the path that it leaves by.
 */
#ifndef SAMEWAY_BPF_EGRESS_H
#define SAMEWAY_BPF_EGRESS_H

#define PORT_IKE     500
#define PORT_IKE_NAT 4500

/*
 * Whether the kernel's choice may be changed at all. Where the kernel forwards it has a firewall or
 * NAT, done for the device that it chose; output rules are likewise. No magic: who comes back can't
 * be told.
 */
static __always_inline bool moves(const struct sw_ctl *c)
{
	return c->magic && c->forward == SW_FORWARD_FAST && !c->no_egress_moves && enforcing(c);
}

/*
 * skb->cb of what we redirect to a path: the instance's magic, and the interface that it is on its
 * way to, 0 once it has arrived. Redirects of others keep it, the IP stack does not: who has it and
 * is not expected was sent here by another mover on this box.
 */
enum mark { MARK_NONE, MARK_EXPECTED, MARK_RETURNED };

static __always_inline void mark_set(struct __sk_buff *ctx, const struct sw_ctl *c, __u32 ifindex)
{
	ctx->cb[0] = (__u32)c->magic;
	ctx->cb[1] = (__u32)(c->magic >> 32);
	ctx->cb[2] = ifindex;
}

static __always_inline enum mark mark_read(const struct __sk_buff *ctx, const struct sw_ctl *c)
{
	if (ctx->cb[0] != (__u32)c->magic || ctx->cb[1] != (__u32)(c->magic >> 32))
		return MARK_NONE;
	return ctx->cb[2] == ctx->ifindex ? MARK_EXPECTED : MARK_RETURNED;
}

/* The outside of a tunnel, when this box is its sender: in the tunnel it would go round. */
static __always_inline bool is_tunnel(const struct packet *pkt)
{
	switch (pkt->proto) {
	case IPPROTO_IPIP:
	case IPPROTO_IPV6:
	case IPPROTO_GRE:
	case IPPROTO_ESP:
	case IPPROTO_AH:
		return true;
	case IPPROTO_UDP:
		return pkt->sport == bpf_htons(PORT_IKE) || pkt->dport == bpf_htons(PORT_IKE) ||
		       pkt->sport == bpf_htons(PORT_IKE_NAT) ||
		       pkt->dport == bpf_htons(PORT_IKE_NAT);
	}
	return false;
}

/* Whether it is one that may be moved, by its two ends. */
static __always_inline bool egress_movable(const struct packet *pkt, const struct sw_group *dst,
					   const struct sw_group *src)
{
	if (!dst || dst->kind != SW_GROUP_ROUTE)
		return false;
	if (src && src->kind == SW_GROUP_EXEMPT)
		return false;
	return !(src && src->kind == SW_GROUP_LOCAL &&
		 (src->slot == SW_LOCAL_ON_PATH || is_tunnel(pkt)));
}

/* What came by a path is transit: not ours to choose for. */
static __always_inline bool came_by_path(__u32 from)
{
	struct sw_interface *in;

	if (!from)
		return false;
	in = bpf_map_lookup_elem(&interfaces, &from);
	return in && in->role == SW_ROLE_PATH;
}

/*
 * The path that select gives, SW_NO_PATH: it stays on `slot`, which is one of its equals, or there
 * is none. (Not inline: a choice is much of the stack.)
 */
static __noinline __u32 egress_choose(const struct packet *pkt, __u32 group,
				      const struct sw_flow_record *flow, __u32 slot)
{
	__u32 zero = 0;
	struct sw_ctl *c = bpf_map_lookup_elem(&ctl, &zero);
	struct choice choice = {.family = pkt->family, .rule = pkt->rule};

	if (!c)
		return SW_NO_PATH;
	reflect_ask(&choice, flow, c);
	choice.hash = pkt->hash;
	if (!choose(group, &choice) || choice.members >> (slot & 63) & 1)
		return SW_NO_PATH;
	return choice.path;
}

static __always_inline int egress_macs(struct __sk_buff *ctx, const struct nexthop *nh)
{
	__u8 macs[2 * ETH_ALEN];

	__builtin_memcpy(macs, nh->dmac, ETH_ALEN);
	__builtin_memcpy(macs + ETH_ALEN, nh->smac, ETH_ALEN);
	return bpf_skb_store_bytes(ctx, 0, macs, sizeof(macs), 0) ? -1 : 0;
}

/*
 * Finds who is next and gives it the header that the device wants. Without writing to the packet
 * directly: the kernel would unshare every packet of the box for that, moved or not. (Not inline:
 * it has no share in the deepest stack.) -1: nobody knows the MAC, it is as it was. -2: it may be
 * half rewritten.
 */
static __noinline int egress_prepare(struct __sk_buff *ctx, struct decision *d)
{
	__u32 tags = tc_tags(&d->at);

	if (nexthop_find(ctx, d->to, &d->pkt, clock_now(), &d->nh))
		return -1;
	if (tags && tc_untag(ctx, tags))
		return -2;
	if (d->nh.l3)
		return 0; /* the kernel takes an Ethernet header off for a device without */
	if (d->at.l3 ? ethernet_push(ctx, d->pkt.family, &d->nh) : egress_macs(ctx, &d->nh))
		return -2;
	return d->nh.tags.all && tc_tag(ctx, d->nh.tags) ? -2 : 0;
}

/*
 * Whether a rule keeps it off this path, and it could not be moved to another: what the kernel
 * sends of its own accord (what it has the last word on: exempt, oversize, with options, of this
 * box). Not meant is what is bound to the path, and what came by one. (A function of its own, so
 * that the verifier sees it once.)
 */
__noinline int egress_denied(struct __sk_buff *ctx, const struct packet *pkt, __u32 slot)
{
	__u32 from = ctx->ingress_ifindex;
	struct sw_group *dst, *src;
	struct sw_interface *in;

	if (!pkt || !rule_forbids(rule_row(pkt->rule), slot))
		return 0;
	in = from ? bpf_map_lookup_elem(&interfaces, &from) : NULL;
	if (in && in->role == SW_ROLE_INSIDE)
		return 1;
	dst = fib_group(fib_find(pkt->family, &pkt->dst));
	src = fib_group(fib_find(pkt->family, &pkt->src));
	if (in) /* an inside host's packet never came by a path: act_mirred sent it */
		return src && src->kind == SW_GROUP_INSIDE;
	return egress_movable(pkt, dst, src);
}

/* Counts what is dropped, in enforce, because a rule keeps it off the path that it leaves by. */
static __always_inline bool egress_drops(struct __sk_buff *ctx, const struct packet *pkt,
					 const struct sw_ctl *c, __u32 slot, __u32 segments)
{
	struct sw_path_stats *stats;

	if (!pkt->rules || !enforcing(c) || !egress_denied(ctx, pkt, slot))
		return false;
	stats = bpf_map_lookup_elem(&path_stats, &slot);
	if (stats)
		stats->egress_denied += segments;
	count_denied(pkt->rule, true, segments);
	return true;
}

enum egress { EGRESS_STAYS, EGRESS_MOVED, EGRESS_RETURNED, EGRESS_LOST };

/*
 * Moves it where select would have it elsewhere than on `slot`: it is made ready for d->nh. flow:
 * its record, NULL: none. RETURNED: another mover brought it back, it is left alone; where cb[2] is
 * not 0, it had not come to the target's program, and nobody has counted it. LOST: to be dropped.
 */
static __always_inline enum egress egress_move(struct __sk_buff *ctx, struct decision *d,
					       const struct frame *frame, const struct sw_ctl *c,
					       __u32 slot, const struct sw_flow_record *flow)
{
	struct sw_path_stats *stats = bpf_map_lookup_elem(&path_stats, &slot);
	enum mark mark = mark_read(ctx, c);
	struct sw_path *path;
	int ret;

	if (!stats)
		return EGRESS_STAYS;
	if (mark == MARK_EXPECTED) {
		ctx->cb[2] = 0;
		return EGRESS_STAYS;
	}
	/* act_mirred of a path makes it look so: hence only what has no mark */
	if (mark == MARK_NONE && came_by_path(ctx->ingress_ifindex))
		return EGRESS_STAYS;
	d->to = egress_choose(&d->pkt, d->outside_id, flow, slot);
	path = path_row(d->to);
	if (!path)
		return EGRESS_STAYS;
	if (mark == MARK_RETURNED) {
		stats->egress_returned += frame->segments;
		return EGRESS_RETURNED;
	}
	if (path->mtu && wire_size(frame, &d->pkt) > path->mtu) {
		stats->egress_too_big += frame->segments;
		return EGRESS_STAYS;
	}
	ret = egress_prepare(ctx, d);
	if (ret == -1) {
		stats->egress_no_neighbor += frame->segments;
		return EGRESS_STAYS;
	}
	if (ret) {
		stats->egress_lost += frame->segments;
		return EGRESS_LOST;
	}
	mark_set(ctx, c, d->nh.ifindex);
	stats->egress_moved += frame->segments;
	return EGRESS_MOVED;
}

/* Whether what came by the interface and leaves by the path goes back where it came from. */
static __always_inline bool goes_back(const struct sw_interface *in, __u32 slot)
{
	return in->slot == slot && !in->ports;
}

/*
 * Counts what is left as it is, and should not be: of this box (or of an interface that is not
 * ours), where nothing is moved, by another path than select's; and what came by a path and leaves
 * by one, by a rule of all, say, unless transit is allowed. (A function of its own, so that the
 * verifier sees it once.)
 */
__noinline int egress_tell(struct __sk_buff *ctx, const struct packet *pkt, __u32 slot,
			   __u32 segments)
{
	struct sw_path_stats *stats = bpf_map_lookup_elem(&path_stats, &slot);
	__u32 from = ctx->ingress_ifindex, zero = 0, group;
	struct sw_ctl *c = bpf_map_lookup_elem(&ctl, &zero);
	struct sw_group *dst, *src;
	struct sw_interface *in;

	if (!pkt || !stats || !c || !c->magic || mark_read(ctx, c) != MARK_NONE)
		return 0;
	in = from ? bpf_map_lookup_elem(&interfaces, &from) : NULL;
	if (in ? in->role != SW_ROLE_PATH : moves(c) || !enforcing(c))
		return 0;
	group = fib_find(pkt->family, &pkt->dst);
	dst = fib_group(group);
	src = fib_group(fib_find(pkt->family, &pkt->src));
	if ((dst && dst->kind == SW_GROUP_EXEMPT) || (src && src->kind == SW_GROUP_EXEMPT))
		return 0;
	if (in)
		stats->egress_back += c->transit && !goes_back(in, slot) ? 0 : segments;
	else if (egress_movable(pkt, dst, src) &&
		 egress_choose(pkt, group, NULL, slot) != SW_NO_PATH)
		stats->egress_stayed += segments;
	return 0;
}

#endif
