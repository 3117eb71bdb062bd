/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The common case, in a few cache lines: TCP, UDP or SCTP of a flow that has a record, whose
 * verdict stands and whose path is usable, between plain Ethernet devices. All else, and whatever
 * has to be found out, asked, made or told, takes the long way (pipeline.h), which does the same:
 * tests/prog/test_fast.c runs both on the same packets.
 *
 * The FIB and select are asked for every packet, so that a path is lost, and comes back, by one
 * store, and a prefix by its own. The record says which of equals the flow is on: where select
 * would have to choose, the long way does.
 */
#ifndef SAMEWAY_BPF_FAST_H
#define SAMEWAY_BPF_FAST_H

#define SLOW (-2) /* the long way; no action of either hook */

/* What both families have in common, once parsed. */
struct quick {
	struct sw_flow_key key;
	__u64 hash;
	__u64 now;
	__u64 where; /* struct sw_interface_fast */
	union address dst;
	__u32 len;     /* of the IP packet (GSO: of the whole), bytes */
	__u32 headers; /* of IP and transport, bytes */
	struct amount n;
	__u32 record;			 /* of the flow */
	__u32 rule;			 /* as pkt->rule, of rule_kept() */
	struct sw_neighbor_key neighbor; /* of quick_host() */
	__u8 host[12];			 /* MACs, likewise */
	struct choice choice;		 /* of quick_select() */
	bool src_is_lo;
	bool tcp;
};

/*
 * Room for it, a row a hook and CPU: with callees, Linux 6.1 has no stack for it. What the last
 * packet left there is all written anew.
 */
MAP_PERCPU(quick_rows, struct quick, SCRATCH_ROWS);

static __always_inline struct quick *quick_new(__u32 row)
{
	return bpf_map_lookup_elem(&quick_rows, &row);
}

/* A plain Ethernet interface of ours, 0: another. eth: of a frame that it received, or NULL. */
static __always_inline __u64 quick_interface(__u32 ifindex, const struct ethhdr *eth)
{
	__u32 row = ifindex & (SW_FAST_INTERFACES - 1);
	struct sw_interface_fast *fast = bpf_map_lookup_elem(&interfaces_fast, &row);
	__u64 where;

	if (!fast)
		return 0;
	where = *(volatile __u64 *)&fast->where;
	if ((__u32)where != ifindex ||
	    (eth && (*(volatile __u64 *)&fast->mac & SW_FAST_MAC) != mac_number(eth->h_dest)))
		return 0;
	return where;
}

/* Ports and what TCP says; false: not for here. */
static __always_inline bool quick_l4(struct quick *q, void *l4, void *end, __u8 proto)
{
	struct tcphdr *tcp = l4;
	__u16 *port = l4;
	bool swap;

	q->tcp = proto == IPPROTO_TCP;
	if (q->tcp) {
		if ((void *)(tcp + 1) > end || tcp->doff < 5 ||
		    ((__u8 *)l4)[13] & (TCP_FLAG_FIN | TCP_FLAG_SYN | TCP_FLAG_RST))
			return false;
		q->headers += tcp->doff * 4;
	} else if (proto == IPPROTO_UDP || proto == IPPROTO_SCTP) {
		if (l4 + sizeof(struct udphdr) > end)
			return false;
		q->headers += sizeof(struct udphdr);
	} else {
		return false;
	}
	if (q->len < q->headers)
		return false;
	swap = !q->src_is_lo;
	q->key.lo_port = port[swap];
	q->key.hi_port = port[!swap];
	q->key.proto = proto;
	return true;
}

/* room: bytes of the frame from the IP header on. */
static __always_inline bool quick_ip4(struct quick *q, struct iphdr *ip, void *end, __u32 room,
				      __u32 seed)
{
	__u16 *port = (void *)(ip + 1);

	if ((void *)(ip + 1) + sizeof(struct udphdr) > end || *(__u8 *)ip != 0x45 ||
	    ip->frag_off & bpf_htons(IP_FRAG_BITS) || ip->ttl <= 1)
		return false;
	q->len = bpf_ntohs(ip->tot_len);
	if (q->len > room)
		return false;
	q->headers = sizeof(*ip);
	q->key.family = 4;
	q->src_is_lo = ip->saddr != ip->daddr ? ip->saddr < ip->daddr : port[0] <= port[1];
	*(__u32 *)q->key.lo = q->src_is_lo ? ip->saddr : ip->daddr;
	*(__u32 *)q->key.hi = q->src_is_lo ? ip->daddr : ip->saddr;
	q->dst.quad[0] = ip->daddr; /* in the first word */
	q->dst.quad[1] = 0;
	if (!quick_l4(q, ip + 1, end, ip->protocol))
		return false;
	q->hash = flow_hash4(*(__u32 *)q->key.lo, *(__u32 *)q->key.hi, *(__u32 *)&q->key.lo_port,
			     ip->protocol, seed);
	return true;
}

static __always_inline bool quick_ip6(struct quick *q, struct ipv6hdr *ip6, void *end, __u32 room,
				      __u32 seed)
{
	__u64 *src = (__u64 *)&ip6->saddr, *dst = (__u64 *)&ip6->daddr;
	__u16 *port = (void *)(ip6 + 1);

	if ((void *)(ip6 + 1) + sizeof(struct udphdr) > end || ip6->version != 6 ||
	    ip6->hop_limit <= 1)
		return false;
	q->len = bpf_ntohs(ip6->payload_len) + sizeof(*ip6);
	if (q->len > room)
		return false;
	q->headers = sizeof(*ip6);
	q->key.family = 6;
	q->src_is_lo = src[0] != dst[0]	  ? src[0] < dst[0]
		       : src[1] != dst[1] ? src[1] < dst[1]
					  : port[0] <= port[1];
	__builtin_memcpy(q->key.lo, q->src_is_lo ? src : dst, 16);
	__builtin_memcpy(q->key.hi, q->src_is_lo ? dst : src, 16);
	__builtin_memcpy(&q->dst, dst, 16);
	if (!quick_l4(q, ip6 + 1, end, ip6->nexthdr))
		return false;
	q->hash = flow_hash(&q->key, seed);
	return true;
}

static __always_inline bool quick_is4(const struct quick *q, const struct sw_flow4 *row)
{
	return row->lo == *(__u32 *)q->key.lo && row->hi == *(__u32 *)q->key.hi &&
	       *(__u32 *)&row->r.lo_port == *(__u32 *)&q->key.lo_port &&
	       row->r.proto == q->key.proto;
}

/* The flow's record, its lease renewed; as flow_look(), of IPv4 in line. */
static __always_inline struct sw_flow_record *quick_flow4(struct quick *q)
{
	struct sw_flow_line *line = hash_line(4, q->hash);
	struct sw_flow4 *row;
	__u32 i, record;
	__u64 e;

	if (!line)
		return NULL;
	for (i = 0; i < SW_LINE_ENTRIES; i++) {
		e = *(volatile __u64 *)&line->e[i];
		if (SW_ENTRY_TAG(e) == flow_tag(q->hash))
			break;
	}
	/* two flows of one tag in a line: the second goes the long way */
	if (i >= SW_LINE_ENTRIES || e & SW_ENTRY_BUSY)
		return NULL;
	record = q->record = SW_ENTRY_REC(e);
	row = bpf_map_lookup_elem(&flows, &record);
	if (!row || !quick_is4(q, row))
		return NULL;
	if ((e & SW_ENTRY_TIME) != lease_units(q->now) &&
	    !entry_renew(&line->e[i & (SW_LINE_ENTRIES - 1)], e, &row->r, q->now))
		return NULL;
	return &row->r;
}

/* Whether the verdict of a packet of this direction stands, and nothing is to be learned of it. */
static __always_inline bool quick_stands(const struct quick *q, const struct sw_flow_record *flow,
					 union sw_flow_word w, const struct sw_ctl *c)
{
	return !((flow->judged ^ *(volatile const __u32 *)&c->generation) & SW_JUDGED_MASK) &&
	       !w.s.event && w.s.verdict < SW_VERDICT_TRANSITION &&
	       !(w.s.verdict == SW_VERDICT_ASYMMETRIC && c->asymmetry) &&
	       ((w.s.out_fresh && w.s.in_fresh) || !q->tcp);
}

/* MACs of slot's next hop, NULL: to be found out. */
static __always_inline const __u8 *quick_macs(const struct quick *q, __u32 slot, __u32 *ifindex)
{
	__u32 index = slot * 2 + (q->key.family == 6);
	struct sw_nexthop *nh = bpf_map_lookup_elem(&nexthops, &index);

	if (!nh || nh->tags.all || !nh->family || !nh->valid ||
	    q->now - nh->checked_ns >= SW_NEXTHOP_CHECK_NS)
		return NULL;
	*ifindex = nh->ifindex;
	return nh->dmac;
}

/* Likewise of a host of an inside network on the link. */
static __always_inline const __u8 *quick_host(struct quick *q, __u32 slot, __u32 *ifindex)
{
	__u32 index = slot * 2 + (q->key.family == 6);
	struct sw_nexthop *nh = bpf_map_lookup_elem(&nexthops, &index);
	struct sw_neighbor *host;

	if (!nh || nh->tags.all || nh->family || !nh->ifindex)
		return NULL;
	*ifindex = q->neighbor.ifindex = nh->ifindex;
	q->neighbor.family = q->key.family;
	__builtin_memcpy(q->neighbor.addr, &q->dst, 16);
	host = bpf_map_lookup_elem(&neighbors, &q->neighbor);
	if (!host || q->now - host->checked_ns >= SW_NEXTHOP_CHECK_NS)
		return NULL;
	__builtin_memcpy(q->host, host->mac, 6);
	__builtin_memcpy(q->host + 6, nh->smac, 6);
	return q->host;
}

/* The largest IP packet of an interface, 0: not known here. */
static __always_inline __u32 quick_mtu(__u32 ifindex)
{
	__u32 row = ifindex & (SW_FAST_INTERFACES - 1);
	struct sw_interface_fast *fast = bpf_map_lookup_elem(&interfaces_fast, &row);
	__u64 where = fast ? *(volatile __u64 *)&fast->where : 0;

	return (__u32)where == ifindex ? SW_FAST_MTU(where) : 0;
}

/* After this the packet is on its way: MACs and TTL, as rewrite.h. */
static __always_inline void quick_rewrite(struct ethhdr *eth, const __u8 *macs, __u8 family)
{
	__builtin_memcpy(eth, macs, 12);
	if (family == 4) {
		struct iphdr *ip = (void *)(eth + 1);
		__u32 check = ip->check + bpf_htons(0x0100);

		ip->check = check + (check >= 0xffff);
		ip->ttl--;
	} else {
		((struct ipv6hdr *)(eth + 1))->hop_limit--;
	}
}

static __always_inline void quick_count(const struct quick *q, struct sw_flow_record *flow,
					__u32 dir, __u32 path)
{
	count_reason(SW_FAST_SLOT(q->where), SW_REASON_forwarded, SW_ACTION_FORWARD, q->n.packets);
	if (dir == DIR_IN) {
		flow_count(flow, dir, q->n);
		count_rx(path, q->n);
	}
}

/* What an outward packet counts on its path's side. */
static __always_inline void quick_sent(const struct quick *q, struct sw_flow_record *flow,
				       __u32 path)
{
	flow_count(flow, DIR_OUT, q->n);
	count_tx(path, q->n);
}

/* Whether select stays with `path`, the flow's own: it is one of the first tier with a usable one.
 */
static __always_inline bool quick_select(struct quick *q, __u32 path, const struct sw_ctl *c)
{
	__u32 zero = 0, id = fib_find(q->key.family, &q->dst);
	struct sw_usable *u = bpf_map_lookup_elem(&usable, &zero);
	struct sw_group *group = fib_group(id);
	__u64 mask;

	if (!u || !group || group->kind != SW_GROUP_ROUTE)
		return false;
	mask = paths_usable(c, u, q->key.family);
	if (q->rule && rule_row(q->rule)) {
		if (!rule_tier(id, q->rule, mask, &q->choice))
			return false;
	} else if (!first_tier(group, mask, &q->choice)) {
		return false;
	}
	return q->choice.members >> (path & 63) & 1;
}

/* Where it goes, and what it is written with. */
struct quick_way {
	__u32 slot, ifindex;
	__u32 dir, path; /* whose packet it is */
	const __u8 *macs;
};

/* From inside to a path. size: of the largest packet on the wire. */
static __always_inline bool quick_out(struct quick *q, union sw_flow_word w, const struct sw_ctl *c,
				      __u32 size, struct quick_way *way)
{
	__u32 path = w.s.out;
	struct sw_path *row = path_row(path);

	if (!row || !w.s.out_fresh || (row->mtu && size > row->mtu) || !quick_select(q, path, c))
		return false;
	way->dir = DIR_OUT;
	way->slot = way->path = path;
	way->macs = quick_macs(q, path, &way->ifindex);
	return way->macs;
}

/* From a path to inside. */
static __always_inline bool quick_in(struct quick *q, union sw_flow_word w, __u32 size,
				     struct quick_way *way)
{
	__u32 path = SW_FAST_SLOT(q->where), mtu;
	struct sw_group *group;

	if (!w.s.in_fresh || w.s.in != path)
		return false;
	if (q->rule && rule_denies(q->rule))
		return false;
	group = fib_group(fib_find(q->key.family, &q->dst));
	if (!group || group->kind != SW_GROUP_INSIDE)
		return false;
	way->dir = DIR_IN;
	way->path = path;
	way->slot = group->slot;
	way->macs = quick_macs(q, way->slot, &way->ifindex);
	if (!way->macs)
		way->macs = quick_host(q, way->slot, &way->ifindex);
	if (!way->macs)
		return false;
	mtu = quick_mtu(way->ifindex);
	return mtu && size <= mtu;
}

/* Parses it, q->where and q->now are there; its flow, NULL: not for here. room: as quick_ip4(). */
static __always_inline struct sw_flow_record *quick_flow(struct quick *q, struct ethhdr *eth,
							 void *end, __u32 room, __u32 seed)
{
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		if (!quick_ip4(q, (void *)(eth + 1), end, room, seed))
			return NULL;
		return quick_flow4(q);
	}
	if (eth->h_proto != bpf_htons(ETH_P_IPV6) ||
	    !quick_ip6(q, (void *)(eth + 1), end, room, seed))
		return NULL;
	q->record = flow_look(&q->key, q->hash, q->now, LOOK_USE);
	return flow_row(6, q->record);
}

static __always_inline bool quick_from_inside(const struct quick *q,
					      const struct sw_flow_record *flow)
{
	return q->src_is_lo == !(flow->about & SW_FLOW_INSIDE_IS_HI);
}

/* Where a packet that was received goes; q->n is there. */
static __always_inline bool quick_way(struct quick *q, const struct sw_flow_record *flow,
				      const struct sw_ctl *c, __u32 size, struct quick_way *way)
{
	union sw_flow_word w = flow_state(flow);
	bool inside = SW_FAST_SLOT(q->where) >= SW_INSIDE_SLOT;

	if (quick_from_inside(q, flow) != inside || !quick_stands(q, flow, w, c) ||
	    !rule_kept(q->key.family, q->record, w.s.reuse, c, &q->rule))
		return false;
	return inside ? quick_out(q, w, c, size, way) : quick_in(q, w, size, way);
}

/* The settings are those of the fast paths that forward. */
static __always_inline bool quick_forwards(const struct sw_ctl *c)
{
	return c->forward == SW_FORWARD_FAST && c->mode == SW_MODE_ENFORCE && !c->enforce_until_ns;
}

/* What becomes of the frame, or SLOW: nothing was done, counted or changed. */
static __noinline int fast_xdp(struct xdp_md *ctx, const struct sw_ctl *c)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct sw_flow_record *flow;
	struct quick_way way;
	struct quick *q;

	if ((void *)(eth + 1) > end || !quick_forwards(c))
		return SLOW;
	q = quick_new(SCRATCH_XDP);
	if (!q)
		return SLOW;
	q->where = quick_interface(ctx->ingress_ifindex, eth);
	if (!q->where)
		return SLOW;
	q->now = clock_now();
	flow = quick_flow(q, eth, end, end - data - ETH_HLEN_, c->seed);
	if (!flow)
		return SLOW;
	q->n = (struct amount){.packets = 1, .bytes = q->len};
	if (!quick_way(q, flow, c, q->len, &way) ||
	    bpf_redirect_map(&devices, way.slot, XDP_PASS) != XDP_REDIRECT)
		return SLOW;
	quick_rewrite(eth, way.macs, q->key.family);
	quick_count(q, flow, way.dir, way.path);
	if (way.dir == DIR_OUT)
		quick_sent(q, flow, way.path);
	return XDP_REDIRECT;
}

/* At TC: packets and bytes, and the size of the largest on the wire. */
static __always_inline __u32 quick_segments(struct quick *q, const struct __sk_buff *ctx)
{
	__u32 segments = ctx->gso_segs;

	q->n = (struct amount){.packets = 1, .bytes = q->len};
	if (segments > 1) {
		q->n.packets = segments;
		q->n.bytes += (segments - 1) * q->headers;
	}
	return ctx->gso_size ? q->headers + ctx->gso_size : q->len;
}

static __noinline int fast_tc_ingress(struct __sk_buff *ctx, const struct sw_ctl *c)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct sw_flow_record *flow;
	struct quick_way way;
	struct quick *q;

	if ((void *)(eth + 1) > end || !quick_forwards(c) || ctx->vlan_present)
		return SLOW;
	q = quick_new(SCRATCH_TC_INGRESS);
	if (!q)
		return SLOW;
	q->where = quick_interface(ctx->ifindex, eth);
	if (!q->where)
		return SLOW;
	q->now = clock_now();
	flow = quick_flow(q, eth, end, ctx->len - ETH_HLEN_, c->seed);
	if (!flow || !quick_way(q, flow, c, quick_segments(q, ctx), &way))
		return SLOW;
	quick_rewrite(eth, way.macs, q->key.family);
	quick_count(q, flow, way.dir, way.path);
	count_frame(SW_FAST_SLOT(q->where), q->n.packets);
	if (way.dir == DIR_OUT) /* counted as sent where it leaves */
		mark_set(ctx, c, way.ifindex);
	return bpf_redirect(way.ifindex, 0);
}

/* Whether it came by one of the plain inside interfaces. */
static __always_inline bool quick_came_inside(const struct __sk_buff *ctx)
{
	__u64 where = quick_interface(ctx->ingress_ifindex, NULL);

	return where && SW_FAST_SLOT(where) >= SW_INSIDE_SLOT;
}

/*
 * What leaves by its path, where nobody is to move it or to tell of it: TC ingress has sent it
 * there, or nothing is moved and it came from inside.
 */
static __noinline int fast_tc_egress(struct __sk_buff *ctx, const struct sw_ctl *c)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	bool expected = c->magic && mark_read(ctx, c) == MARK_EXPECTED;
	struct ethhdr *eth = data;
	struct sw_flow_record *flow;
	struct quick *q;
	union sw_flow_word w;
	__u32 path;

	if ((void *)(eth + 1) > end || ctx->vlan_present ||
	    !(expected || (!moves(c) && quick_came_inside(ctx))))
		return SLOW;
	q = quick_new(SCRATCH_TC_EGRESS);
	if (!q)
		return SLOW;
	q->where = quick_interface(ctx->ifindex, NULL);
	path = SW_FAST_SLOT(q->where);
	if (!q->where || path >= SW_MAX_PATHS)
		return SLOW;
	q->now = clock_now();
	flow = quick_flow(q, eth, end, ctx->len - ETH_HLEN_, c->seed);
	if (!flow)
		return SLOW;
	w = flow_state(flow);
	if (!quick_from_inside(q, flow) || w.s.out != path || !w.s.out_fresh ||
	    !quick_stands(q, flow, w, c) ||
	    !rule_kept(q->key.family, q->record, w.s.reuse, c, &q->rule) ||
	    (q->rule && rule_forbids(rule_row(q->rule), path)))
		return SLOW;
	quick_segments(q, ctx);
	quick_sent(q, flow, path);
	if (moves(c))
		ctx->cb[2] = 0; /* it has arrived */
	return TC_ACT_UNSPEC;
}

#endif
