// SPDX-License-Identifier: GPL-2.0-only
/*
 * sameway's programs: thin entry points over one pipeline (pipeline.h).
 *
 *   sw_xdp          Ethernet interfaces in enforce mode: moves what it can transmit; all else goes
 *                   up uncounted to sw_tc_ingress of the same interface, which has the last word
 *   sw_tc_ingress   every interface of ours; with kernel forwarding it marks instead of moving
 *   sw_tc_egress    path interfaces: what leaves by a path, whoever sent it; moves what the kernel
 *                   sent by another path than select's
 *   sw_explain      never attached: the same stages on a tuple, by BPF_PROG_TEST_RUN
 *   sw_start        arms the kernel's timer
 *   sw_carrier_find finds the devices of a path whose carrier the timer reads
 *   sw_redirect_err, sw_devmap_xmit, sw_kfree_skb
 *                   the kernel's tracepoints: what was redirected and the kernel then lost
 */
#include <linux/bpf.h>
#include <linux/errno.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include "sameway/abi.h"
#include "number.h"
#include "maps.h"
#include "parse.h"
#include "admit.h"
#include "fib.h"
#include "clock.h"
#include "flow_table.h"
#include "rule.h"
#include "select.h"
#include "count.h"
#include "flow_put.h"
#include "event.h"
#include "evidence.h"
#include "settle.h"
#include "ruled.h"
#include "flow.h"
#include "reflect.h"
#include "nexthop.h"
#include "port.h"
#include "rewrite.h"
#include "mss.h"
#include "pipeline.h"
#include "frags.h"
#include "egress.h"
#include "fast.h"
#include "hold.h"
#include "liveness.h"
#include "device.h"
#include "carrier.h"
#include "timer.h"
#include "tracepoint.h"

#define TC_PULL_BYTES 160 /* headers that parse may want in the linear part */

static __always_inline struct sw_ctl *settings(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&ctl, &zero);
}

SEC("xdp.frags")
int sw_xdp(struct xdp_md *ctx)
{
	struct frame frame = {
		.data = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
		.ifindex = ctx->ingress_ifindex,
		.len = ctx->data_end - ctx->data,
		.segments = 1,
	};
	struct sw_ctl *c = settings();
	struct sw_interface *from;
	struct decision *d;
	struct sw_flow_record *flow;
	__u64 now;
	int ret = c ? fast_xdp(ctx, c) : SLOW;

	if (ret != SLOW)
		return ret;
	from = bpf_map_lookup_elem(&interfaces, &frame.ifindex);
	d = decision_new(SCRATCH_XDP);
	if (!from || !c || !d || c->forward != SW_FORWARD_FAST || !enforcing(c))
		return XDP_PASS;
	port_place(ctx, &d->at, &frame, from);
	/* a NIC that takes a tag off would make it look like another port's: TC sees all tags */
	if (from->ports && d->at.count < from->tags)
		return XDP_PASS;
	frame.len = frags_length(ctx, &frame, &d->at);
	flow = decide(d, &frame, c);
	now = clock_now();
	if (d->action == SW_ACTION_DROP) {
		account_in(d, &frame, flow, now);
		return XDP_DROP;
	}
	if (d->action != SW_ACTION_FORWARD || nexthop_find(ctx, d->to, &d->pkt, now, &d->nh) ||
	    d->nh.l3 || !frags_may_go(ctx, &frame, c, d->to) ||
	    (mss_asked(&d->pkt, c) && mss_limit(&d->pkt)))
		return XDP_PASS;
	if (bpf_redirect_map(&devices, d->to, XDP_PASS) != XDP_REDIRECT) {
		struct sw_health *h = health_row();

		if (h)
			h->redirect_no_dev++;
		return XDP_PASS;
	}
	if (d->nh.tags.all || d->at.tag_bytes) {
		if (xdp_retag(ctx, d->at.tag_bytes, &d->nh, d->pkt.family))
			return XDP_PASS;
	} else if (xdp_rewrite(ctx, &d->nh, d->pkt.family)) {
		return XDP_PASS; /* cannot be: parse saw these bytes */
	}
	account_in(d, &frame, flow, now);
	if (d->to < SW_MAX_PATHS) {
		struct amount n = amount_of(&frame, &d->pkt);

		count_tx(d->to, n);
		if (d->dir == DIR_OUT && !d->pkt.fragment && !d->pkt.icmp_error)
			flow_record(&d->pkt, &d->choice, flow, DIR_OUT, d->path, d->outside_id, n,
				    now);
	}
	return XDP_REDIRECT;
}

/* The frame as TC sees it, its headers in the linear part; a tag beside the data into *at. */
static __always_inline void tc_frame(struct __sk_buff *ctx, struct frame *frame, struct place *at)
{
	__u32 want = ctx->len < TC_PULL_BYTES ? ctx->len : TC_PULL_BYTES;

	if ((void *)(long)ctx->data + want > (void *)(long)ctx->data_end)
		bpf_skb_pull_data(ctx, want);
	frame->data = (void *)(long)ctx->data;
	frame->end = (void *)(long)ctx->data_end;
	frame->len = ctx->len;
	frame->gso_size = ctx->gso_size;
	frame->segments = ctx->gso_segs ? ctx->gso_segs : 1;
	at->tagged = ctx->vlan_present;
	if (ctx->vlan_present)
		at->beside = TAG_BESIDE | (ctx->vlan_tci & VLAN_ID_BITS);
}

/* Of the IP header in the frame. */
static __always_inline __u32 ip_offset(const struct place *at)
{
	return (at->l3 ? 0 : ETH_HLEN_) + at->tag_bytes;
}

/* MACs and TTL; the header rules between Ethernet and L3 devices are here. */
static __always_inline int tc_rewrite(struct __sk_buff *ctx, const struct place *at,
				      const struct packet *pkt, const struct nexthop *nh)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 off = at->l3 ? 0 : ETH_HLEN_;

	if (rewrite_ttl(data + off, end, pkt->family))
		return -1;
	if (nh->l3)
		return 0; /* the kernel takes an Ethernet header off for a device without */
	if (at->l3)
		return ethernet_push(ctx, pkt->family, nh);
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	return rewrite_macs(data, end, nh);
}

/* Makes it what leaves by nh: the tags it came with off, those of nh on. */
static __noinline int tc_move(struct __sk_buff *ctx, const struct place *at,
			      const struct packet *pkt, const struct nexthop *nh)
{
	__u32 tags = tc_tags(at);

	if (tags && tc_untag(ctx, tags))
		return -1;
	if (tc_rewrite(ctx, at, pkt, nh))
		return -1;
	return nh->tags.all ? tc_tag(ctx, nh->tags) : 0;
}

/* Whether it goes on, by us or by the kernel, on a path or to inside. */
static __always_inline bool sends(const struct decision *d, const struct sw_ctl *c)
{
	return d->path != SW_NO_PATH && d->action != SW_ACTION_DROP && d->reason != SW_REASON_ttl &&
	       enforcing(c);
}

/*
 * What the kernel is to send, or to answer: by the mark it takes the path that was decided. A
 * packet to inside goes by the kernel's own routes.
 */
static __always_inline void tc_mark(struct __sk_buff *ctx, const struct decision *d,
				    const struct sw_ctl *c)
{
	__u32 mask = c->fwmark, mark = ctx->mark & ~mask;

	if (d->path == SW_NO_PATH || !enforcing(c))
		return;
	if (d->to < SW_MAX_PATHS)
		mark |= sw_mark(mask, d->to);
	if (mark != ctx->mark)
		ctx->mark = mark;
}

SEC("tc")
int sw_tc_ingress(struct __sk_buff *ctx)
{
	struct frame frame = {.ifindex = ctx->ifindex};
	struct sw_ctl *c = settings();
	struct sw_flow_record *flow;
	struct sw_interface *from;
	struct decision *d;
	__u64 now;
	int ret = c ? fast_tc_ingress(ctx, c) : SLOW;

	if (ret != SLOW)
		return ret;
	from = bpf_map_lookup_elem(&interfaces, &frame.ifindex);
	d = decision_new(SCRATCH_TC_INGRESS);
	if (!from || !c || !d)
		return TC_ACT_UNSPEC;
	/* read once: what is made ready goes */
	d->fast = *(volatile __u32 *)&c->forward == SW_FORWARD_FAST;
	tc_frame(ctx, &frame, &d->at);
	port_place(ctx, &d->at, &frame, from);
	flow = decide(d, &frame, c);
	now = clock_now();
	if (liveness_is(&d->pkt) && c->bfd >> (d->at.slot & 63) & 1)
		liveness_heard(ctx, d);
	if (c->held >> (d->at.slot & 63) & 1 && d->at.role == SW_ROLE_PATH)
		gateway_hear(ctx, d->at.slot);
	if (d->pkt.nd && d->at.role != SW_ROLE_INSIDE)
		nexthop_learn(ctx, &d->at, &d->pkt, &d->heard);
	if (mss_asked(&d->pkt, c) && sends(d, c))
		tc_mss(ctx, &d->pkt, ip_offset(&d->at));
	if (d->action == SW_ACTION_FORWARD && d->fast) {
		if (nexthop_find(ctx, d->to, &d->pkt, now, &d->nh)) {
			pass(d, SW_REASON_no_neighbor);
			rule_guard(d);
		} else if (tc_move(ctx, &d->at, &d->pkt, &d->nh)) {
			/* half rewritten: not to be shown to the kernel */
			d->reason = SW_REASON_redirect_failed;
			d->action = SW_ACTION_DROP;
			d->counted = d->record = 0;
		}
	}
	account_in(d, &frame, flow, now);
	count_frame(d->at.slot, frame.segments);
	if (d->action == SW_ACTION_DROP)
		return TC_ACT_SHOT;
	if (d->action != SW_ACTION_FORWARD || !d->fast) {
		tc_mark(ctx, d, c);
		return TC_ACT_UNSPEC;
	}
	if (d->to < SW_MAX_PATHS) /* chosen already: not to be moved again */
		mark_set(ctx, c, d->nh.ifindex);
	return bpf_redirect(d->nh.ifindex, 0);
}

static __always_inline bool is_inside(__u32 ifindex)
{
	struct sw_interface *dev = bpf_map_lookup_elem(&interfaces, &ifindex);

	return dev && dev->role == SW_ROLE_INSIDE;
}

/*
 * What leaves by a path and has no record (yet): whether it is a packet of the path's at all.
 * Behind the box's own masquerade a packet from inside has an address of the box: counted, never
 * judged.
 */
static __always_inline bool egress_counts(const struct decision *d, const struct sw_group *dst,
					  const struct sw_group *src, __u32 came_by, bool *record)
{
	if (dst && dst->kind != SW_GROUP_ROUTE)
		return false;
	if (src && (src->kind == SW_GROUP_EXEMPT ||
		    (src->kind == SW_GROUP_LOCAL && !(came_by && is_inside(came_by)))))
		return false;
	*record = dst && src && src->kind == SW_GROUP_INSIDE && !d->pkt.fragment &&
		  !d->pkt.icmp_error;
	return true;
}

SEC("tc")
int sw_tc_egress(struct __sk_buff *ctx)
{
	struct frame frame = {.ifindex = ctx->ifindex};
	struct sw_ctl *c = settings();
	struct sw_group *dst = NULL, *src = NULL;
	struct sw_interface *to;
	struct decision *d;
	struct sw_flow_record *flow = NULL;
	struct amount n;
	bool record = true, may_move, moved = false, again = false;
	__u32 reason;
	int ret = c ? fast_tc_egress(ctx, c) : SLOW;

	if (ret != SLOW)
		return ret;
	to = bpf_map_lookup_elem(&interfaces, &frame.ifindex);
	d = decision_new(SCRATCH_TC_EGRESS);
	if (!to || !c || !d || to->role != SW_ROLE_PATH)
		return TC_ACT_UNSPEC;
	tc_frame(ctx, &frame, &d->at);
	d->at.leaves = 1;
	port_place(ctx, &d->at, &frame, to);
	d->at.own = 0;
	if (d->at.role != SW_ROLE_PATH)
		return TC_ACT_UNSPEC;
	d->reason = reason = admit(parse(&frame, &d->at, &d->pkt), &d->pkt);
	if (liveness_is(&d->pkt) && c->bfd >> (d->at.slot & 63) & 1)
		liveness_own(ctx, d);
	if (reason != ADMITTED)
		return c->rules && rule_unread(&d->pkt, reason, c) &&
				       egress_drops(ctx, &d->pkt, c, d->at.slot, frame.segments)
			       ? TC_ACT_SHOT
			       : TC_ACT_UNSPEC;
	d->pkt.hash = flow_hash(&d->pkt.key, c->seed);
	if (!d->pkt.fragment)
		flow = flow_find(&d->pkt, clock_now(), LOOK_USE);
	rule_decide(&d->pkt, flow, c, 1);
	if (mss_asked(&d->pkt, c) && enforcing(c))
		tc_mss(ctx, &d->pkt, ip_offset(&d->at));
	may_move = moves(c);
	if (!flow || may_move || d->pkt.icmp_error) {
		d->outside_id = fib_find(d->pkt.family, &d->pkt.dst);
		dst = fib_group(d->outside_id);
		src = fib_group(fib_find(d->pkt.family, &d->pkt.src));
	}
	if (may_move && egress_movable(&d->pkt, dst, src)) {
		enum egress done = egress_move(ctx, d, &frame, c, d->at.slot, flow);

		if (done == EGRESS_MOVED) /* counted where it goes to */
			return bpf_redirect(d->nh.ifindex, 0);
		if (done == EGRESS_LOST)
			return TC_ACT_SHOT;
		if (done == EGRESS_RETURNED) {
			again = !ctx->cb[2];
			ctx->cb[2] = 0;
			moved = true;
		}
	}
	if (d->pkt.rule && egress_drops(ctx, &d->pkt, c, d->at.slot, frame.segments))
		return TC_ACT_SHOT;
	if (again) /* counted there already */
		return TC_ACT_UNSPEC;
	egress_tell(ctx, &d->pkt, d->at.slot, frame.segments);
	if (d->pkt.icmp_error)
		flow = NULL;
	if (!flow && !egress_counts(d, dst, src, ctx->ingress_ifindex, &record))
		return TC_ACT_UNSPEC;
	n = amount_of(&frame, &d->pkt);
	count_tx(d->at.slot, n);
	if (record && !moved)
		flow_record(&d->pkt, &d->choice, flow, DIR_OUT, d->at.slot, d->outside_id, n,
			    clock_now());
	return TC_ACT_UNSPEC;
}

SEC("xdp")
int sw_explain(struct xdp_md *ctx)
{
	struct sw_explain *io = (void *)(long)ctx->data;
	struct sw_ctl *c = settings();
	struct choice choice = {};
	const struct sw_rule *rule;
	struct sw_group *group;
	struct packet pkt = {};

	if ((void *)(io + 1) > (void *)(long)ctx->data_end || !c)
		return XDP_ABORTED;
	pkt.family = pkt.key.family = io->family;
	pkt.proto = pkt.key.proto = io->proto;
	pkt.dscp = io->dscp;
	__builtin_memcpy(&pkt.src, io->src, 16);
	__builtin_memcpy(&pkt.dst, io->dst, 16);
	pkt.src_is_lo = flow_key(&pkt.key, &pkt.src, &pkt.dst, io->sport, io->dport);
	io->group = fib_find(pkt.family, &pkt.dst);
	group = fib_group(io->group);
	io->kind = group ? group->kind : SW_GROUP_FREE;
	choice.path = choice.hint = SW_NO_PATH;
	rule_decide(&pkt, false, c, 1);
	choice.rule = pkt.rule;
	if (group && group->kind == SW_GROUP_ROUTE) {
		choice.denied = io->down;
		choice.family = io->family;
		pkt.hash = flow_hash(&pkt.key, c->seed);
		choice.hash = pkt.hash;
		reflect_ask(&choice, flow_find(&pkt, clock_now(), LOOK_PEEK), c);
		choose(io->group, &choice);
	}
	rule = rule_row(choice.rule);
	io->rule = choice.rule & SW_FLOW_RULE_MASK;
	io->rule_flags = rule ? rule->flags : 0;
	io->path = choice.path;
	io->tier = choice.tier;
	io->step = choice.step;
	io->usable = choice.usable;
	io->tier_usable = choice.members;
	return XDP_PASS;
}

SEC("syscall")
int sw_start(void *ctx __attribute__((unused)))
{
	return timer_start();
}

SEC("syscall")
int sw_carrier_find(struct sw_carrier_ask *ask)
{
	return carrier_ask(ask, settings());
}

SEC("raw_tp/xdp_redirect_err")
int sw_redirect_err(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 map = (__u32)ctx->args[5], slot = (__u32)ctx->args[6];
	int err = (int)ctx->args[3];
	struct sw_ctl *c = settings();

	if (c && map == c->devices_map)
		redirect_lost(slot, err, 1);
	return 0;
}

SEC("raw_tp/xdp_devmap_xmit")
int sw_devmap_xmit(struct bpf_raw_tracepoint_args *ctx)
{
	const struct net_device *from = (void *)ctx->args[0], *to = (void *)ctx->args[1];
	int lost = (int)ctx->args[3], err = (int)ctx->args[4];
	struct sw_interface *ours;
	struct sw_ctl *c;

	if (lost <= 0)
		return 0;
	c = settings();
	if (!c || !traced_interface(from, c))
		return 0;
	ours = traced_interface(to, c);
	if (ours)
		redirect_lost(ours->slot, err, (__u32)lost);
	return 0;
}

SEC("raw_tp/kfree_skb")
int sw_kfree_skb(struct bpf_raw_tracepoint_args *ctx)
{
	const struct sk_buff *skb = (void *)ctx->args[0];
	const struct net_device *dev = BPF_CORE_READ(skb, dev);
	int err = dev ? device_silent(dev) : 0;
	struct sw_interface *ours;
	struct sw_ctl *c;

	if (!err || !BPF_CORE_READ(skb, skb_iif))
		return 0;
	c = settings();
	if (!c || c->forward != SW_FORWARD_FAST || c->mode != SW_MODE_ENFORCE)
		return 0; /* what is lost was the kernel's own to send */
	ours = traced_interface(dev, c);
	if (ours)
		redirect_lost(ours->slot, err, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
