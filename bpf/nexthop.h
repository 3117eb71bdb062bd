/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The MAC of what comes next: a gateway by the kernel's own neighbour table (managed entries stay
 * fresh with the daemon dead), looked up at most each SW_NEXTHOP_CHECK_NS and kept in between;
 * a host of an inside network on the link by the map that the daemon fills from neighbour news,
 * looked up again likewise.
 */
#ifndef SAMEWAY_BPF_NEXTHOP_H
#define SAMEWAY_BPF_NEXTHOP_H

#define NEXTHOP_RETRY_NS 10000000ULL /* between look-ups while there is no answer */
#define AF_INET_	 2
#define AF_INET6_	 10

struct nexthop {
	__u32 ifindex;
	union sw_tags tags; /* to be put on */
	__u8 l3;	    /* no MACs */
	__u8 dmac[6], smac[6];
};

/* Solicitation and advertisement, with the one option that is looked at. */
struct nd_message {
	__u8 type, code;
	__u16 check;
	__u32 flags;
	__u8 target[16];
	__u8 option, length;
	__u8 mac[6];
};

struct macs {
	__u8 dmac[6], smac[6];
};

/* Asks the kernel's neighbour table. 0: *out is filled; else what bpf_fib_lookup said. */
static __noinline long neighbor_ask(void *ctx, __u32 ifindex, __u8 family, const void *addr,
				    struct macs *out)
{
	struct bpf_fib_lookup fib = {.ifindex = ifindex};
	struct sw_health *h = health_row();
	long ret;

	if (h)
		h->neighbor_asked++;
	if (family == 4) {
		fib.family = AF_INET_;
		__builtin_memcpy(&fib.ipv4_dst, addr, 4);
	} else {
		fib.family = AF_INET6_;
		__builtin_memcpy(fib.ipv6_dst, addr, 16);
	}
	ret = bpf_fib_lookup(ctx, &fib, sizeof(fib), BPF_FIB_LOOKUP_OUTPUT);
	if (!ret && fib.ifindex != ifindex)
		ret = BPF_FIB_LKUP_RET_NOT_FWDED;
	__builtin_memcpy(out->dmac, fib.dmac, 6);
	__builtin_memcpy(out->smac, fib.smac, 6);
	return ret;
}

static __always_inline bool nexthop_is_link_local(const struct sw_nexthop *nh)
{
	return nh->family == 6 && nh->addr[0] == 0xfe && (nh->addr[1] & 0xc0) == 0x80;
}

static __always_inline void nexthop_ask(void *ctx, struct sw_nexthop *nh, __u64 now)
{
	struct macs macs;

	nh->checked_ns = now;
	if (nexthop_is_link_local(nh))
		return;
	if (neighbor_ask(ctx, nh->l3_ifindex, nh->family, nh->addr, &macs)) {
		nh->valid = 0;
		return;
	}
	__builtin_memcpy(nh->dmac, macs.dmac, 6);
	__builtin_memcpy(nh->smac, macs.smac, 6);
	nh->valid = 1;
}

/* Asks when the answer is old, or while there is none. */
static __always_inline void nexthop_refresh(void *ctx, struct sw_nexthop *nh, __u64 now)
{
	__u64 age = now - nh->checked_ns;

	if (age >= SW_NEXTHOP_CHECK_NS || (!nh->valid && age >= NEXTHOP_RETRY_NS))
		nexthop_ask(ctx, nh, now);
}

/*
 * Neighbour discovery that a path's interface received, RFC 4861 sections 4.3, 4.4 and 4.6.1.
 * A link-local gateway's MAC comes from here, and from the daemon:
 * bpf_fib_lookup refuses such an address. The kernel, whose managed neighbour it is, does the
 * asking, with the daemon dead too.
 */
#define ND_SOLICITATION	 135
#define ND_ADVERTISEMENT 136
#define ND_OPTION_SOURCE 1
#define ND_OPTION_TARGET 2
#define ND_HOP_LIMIT	 255

struct discovery {
	__u64 said[2]; /* the address whose MAC nd->mac is */
	__u64 paths;   /* of its segment */
	struct nd_message nd;
};

static __always_inline void nexthop_hear(__u32 index, const struct discovery *heard)
{
	struct sw_nexthop *nh = bpf_map_lookup_elem(&nexthops, &index);
	const __u64 *want;

	if (!nh || !nexthop_is_link_local(nh))
		return;
	want = (const __u64 *)nh->addr;
	if (heard->said[0] != want[0] || heard->said[1] != want[1])
		return;
	__builtin_memcpy(nh->dmac, heard->nd.mac, 6);
	nh->valid = 1;
}

static int path_hear(__u32 i, struct discovery **heard)
{
	if (i >= SW_MAX_PATHS || !((*heard)->paths >> i))
		return 1;
	if ((*heard)->paths >> i & 1)
		nexthop_hear(i * 2 + 1, *heard);
	return 0;
}

static __noinline int nexthop_learn(struct __sk_buff *ctx, const struct place *at,
				    const struct packet *pkt, struct discovery *heard)
{
	__u32 l3 = (at->l3 ? 0 : ETH_HLEN_) + at->tag_bytes;
	struct nd_message *nd = &heard->nd;
	const __u64 *said;

	if (pkt->ttl != ND_HOP_LIMIT ||
	    bpf_skb_load_bytes(ctx, l3 + sizeof(struct ipv6hdr), nd, sizeof(*nd)))
		return 0;
	if (nd->type == ND_ADVERTISEMENT && nd->option == ND_OPTION_TARGET)
		said = (const __u64 *)nd->target;
	else if (nd->type == ND_SOLICITATION && nd->option == ND_OPTION_SOURCE)
		said = pkt->src.quad;
	else
		return 0;
	heard->said[0] = said[0];
	heard->said[1] = said[1];
	heard->paths = at->paths;
	if (at->paths)
		bpf_loop(SW_MAX_PATHS, path_hear, &heard, 0);
	else if (at->role == SW_ROLE_PATH) /* not: untagged, where all paths have tags */
		nexthop_hear(at->slot * 2 + 1, heard);
	return 0;
}

/*
 * The MAC of an inside host on the link. The daemon's row is looked up in the kernel again from
 * time to time, so that a host that moved is found with the daemon dead; one that the kernel has no
 * more is forgotten, and the kernel asks.
 */
static __always_inline int host_find(void *ctx, struct sw_neighbor_key *key, __u64 now,
				     __u8 dmac[6])
{
	struct sw_neighbor *host = bpf_map_lookup_elem(&neighbors, key);
	struct macs macs;
	long ret;

	if (!host)
		return -1;
	if (now - host->checked_ns >= SW_NEXTHOP_CHECK_NS) {
		host->checked_ns = now;
		ret = neighbor_ask(ctx, key->ifindex, key->family, key->addr, &macs);
		if (!ret) {
			__builtin_memcpy(host->mac, macs.dmac, 6);
		} else if (ret == BPF_FIB_LKUP_RET_NO_NEIGH) {
			bpf_map_delete_elem(&neighbors, key);
			return -1;
		}
	}
	__builtin_memcpy(dmac, host->mac, 6);
	return 0;
}

/* Where a packet to slot `slot` goes. 0, or -1: nobody knows the MAC (the kernel will ask). */
static __always_inline int nexthop_find(void *ctx, __u32 slot, const struct packet *pkt, __u64 now,
					struct nexthop *out)
{
	__u32 index = slot * 2 + (pkt->family == 6), ifindex;
	struct sw_nexthop *nh = bpf_map_lookup_elem(&nexthops, &index);
	struct sw_interface *dev;
	struct sw_neighbor_key key = {};

	if (!nh || !nh->ifindex)
		return -1;
	ifindex = nh->ifindex;
	dev = bpf_map_lookup_elem(&interfaces, &ifindex);
	if (!dev)
		return -1;
	out->ifindex = ifindex;
	out->l3 = dev->l3;
	if (dev->l3)
		return 0;
	if (nh->family) {
		nexthop_refresh(ctx, nh, now);
		if (!nh->valid)
			return -1;
		out->tags = nh->tags;
		__builtin_memcpy(out->dmac, nh->dmac, 6);
		__builtin_memcpy(out->smac, nh->smac, 6);
		return 0;
	}
	key.ifindex = ifindex;
	key.family = pkt->family;
	__builtin_memcpy(key.addr, &pkt->dst, 16);
	__builtin_memcpy(out->smac, dev->mac, 6);
	return host_find(ctx, &key, now, out->dmac);
}

#endif
