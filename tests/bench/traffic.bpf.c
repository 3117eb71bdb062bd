// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bench's own programs: who writes the packets, who takes them at the far end, and what to
 * compare with. A packet is written whole each time: what was there before (a frame used again, or
 * the one that BPF_PROG_TEST_RUN does not reset) is as the program before left it.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "traffic.h"

#define AF_INET_ 2
#define TTL	 64
#define LENGTH4	 (FRAME4 - sizeof(struct ethhdr))
#define LENGTH6	 (FRAME6 - sizeof(struct ethhdr))

struct writing writing;
struct arrival arrival;
__u32 out_ifindex;
__u32 lines_mask, rows_mask; /* of two_lines */

#define MAP(name, kind, k, v, entries)                                                             \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_##kind);                                                 \
		__uint(max_entries, entries);                                                      \
		__type(key, k);                                                                    \
		__type(value, v);                                                                  \
	} name SEC(".maps")

MAP(next_xdp, PROG_ARRAY, __u32, __u32, 1);
MAP(next_tc, PROG_ARRAY, __u32, __u32, 1);
MAP(numbers, PERCPU_ARRAY, __u32, __u32, 1);
MAP(taken, PERCPU_ARRAY, __u32, __u64, 1);
MAP(hops, ARRAY, __u32, struct lpm_hop, 64);
MAP(hop_packets, PERCPU_ARRAY, __u32, __u64, 64);
MAP(lru, LRU_HASH, struct lru_key, struct lru_record, 1);
MAP(hash, HASH, struct lru_key, struct lru_record, 1);
MAP(lines, ARRAY, __u32, struct line, 1);
MAP(line_rows, ARRAY, __u32, struct line, 1);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, DESTINATIONS + 1);
	__type(key, __u32);
	__type(value, __u64);
} destinations4 SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, DESTINATIONS + 1);
	__type(key, __u32);
	__type(value, struct in6_addr);
} destinations6 SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 20);
	__type(key, struct lpm_key);
	__type(value, __u32);
} lpm SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} to_router SEC(".maps"), to_sink SEC(".maps");

/* Number of the next packet's flow. */
static __always_inline __u32 flow_next(void)
{
	__u32 zero = 0, n, flow;
	__u32 *number = bpf_map_lookup_elem(&numbers, &zero);

	if (!number)
		return 0;
	n = (*number)++;
	if (writing.cpus > 1)
		n = n * writing.cpus + bpf_get_smp_processor_id();
	flow = n * 2654435761U & writing.flow_mask;
	return flow + writing.flow_base;
}

/* Of the header with these addresses, network order throughout. */
static __always_inline __u16 checksum4(__u32 saddr, __u32 daddr)
{
	__u64 sum = bpf_htons(0x4500) + bpf_htons(LENGTH4) + bpf_htons(TTL << 8 | IPPROTO_UDP);

	sum += (__u64)saddr + daddr;
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline __u32 destination(__u32 flow)
{
	return writing.one_destination ? DESTINATIONS : flow % DESTINATIONS;
}

static __always_inline void udp_write(struct udphdr *udp, __u32 flow, __u16 len)
{
	__u16 inside = bpf_htons(FIRST_PORT + (flow >> 16)), outside = bpf_htons(443);

	udp->source = writing.inward ? outside : inside;
	udp->dest = writing.inward ? inside : outside;
	udp->len = bpf_htons(len);
	udp->check = 0;
}

static __always_inline void write4(struct ethhdr *eth, void *end, __u32 flow)
{
	struct iphdr *ip = (void *)(eth + 1);
	__u32 at = destination(flow), inside = bpf_htonl(0x0a010000 | (flow & 0xffff));
	__u64 *row = bpf_map_lookup_elem(&destinations4, &at);
	__u32 outside;

	if (!row || (void *)(ip + 1) + sizeof(struct udphdr) > end)
		return;
	outside = *row;
	eth->h_proto = bpf_htons(ETH_P_IP);
	*(__u32 *)ip = bpf_htonl(0x45000000 | LENGTH4);
	*((__u32 *)ip + 1) = 0;
	ip->ttl = TTL;
	ip->protocol = IPPROTO_UDP;
	ip->check = checksum4(inside, outside);
	ip->saddr = writing.inward ? outside : inside;
	ip->daddr = writing.inward ? inside : outside;
	udp_write((void *)(ip + 1), flow, LENGTH4 - sizeof(*ip));
}

static __always_inline void write6(struct ethhdr *eth, void *end, __u32 flow)
{
	struct ipv6hdr *ip6 = (void *)(eth + 1);
	struct in6_addr inside = {}, *row;
	__u32 at = destination(flow);

	row = bpf_map_lookup_elem(&destinations6, &at);
	if (!row || (void *)(ip6 + 1) + sizeof(struct udphdr) > end)
		return;
	inside.in6_u.u6_addr32[0] = bpf_htonl(0xfd010000);
	inside.in6_u.u6_addr32[3] = bpf_htonl(flow & 0xffff);
	eth->h_proto = bpf_htons(ETH_P_IPV6);
	*(__u32 *)ip6 = bpf_htonl(0x60000000);
	ip6->payload_len = bpf_htons(LENGTH6 - sizeof(*ip6));
	ip6->nexthdr = IPPROTO_UDP;
	ip6->hop_limit = TTL;
	ip6->saddr = writing.inward ? *row : inside;
	ip6->daddr = writing.inward ? inside : *row;
	udp_write((void *)(ip6 + 1), flow, LENGTH6 - sizeof(*ip6));
}

static __always_inline void packet_write(void *data, void *end)
{
	struct ethhdr *eth = data;
	__u32 flow = flow_next();

	if ((void *)(eth + 1) > end)
		return;
	__builtin_memcpy(eth, writing.dmac, 2 * ETH_ALEN);
	if (writing.family == 4)
		write4(eth, end, flow);
	else
		write6(eth, end, flow);
}

/* Sends: run by BPF_F_TEST_XDP_LIVE_FRAMES. */
SEC("xdp")
int generate(struct xdp_md *ctx)
{
	packet_write((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	return bpf_redirect_map(&to_router, 0, XDP_DROP);
}

static __always_inline int count_taken(void)
{
	__u32 zero = 0;
	__u64 *count = bpf_map_lookup_elem(&taken, &zero);

	if (count)
		++*count;
	return XDP_DROP;
}

SEC("xdp")
int take(struct xdp_md *ctx __attribute__((unused)))
{
	return count_taken();
}

SEC("tc")
int take_tc(struct __sk_buff *ctx __attribute__((unused)))
{
	count_taken();
	return TC_ACT_SHOT;
}

static __always_inline int arrive(__u32 sink)
{
	if (arrival.armed && !arrival.first_ns[sink])
		arrival.first_ns[sink] = bpf_ktime_get_ns();
	return count_taken();
}

SEC("xdp")
int arrive_first(struct xdp_md *ctx __attribute__((unused)))
{
	return arrive(0);
}

SEC("xdp")
int arrive_second(struct xdp_md *ctx __attribute__((unused)))
{
	return arrive(1);
}

/* First stage of a test run: writes the packet and goes on to what is measured, if anything. */
SEC("xdp")
int write_xdp(struct xdp_md *ctx)
{
	packet_write((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	bpf_tail_call(ctx, &next_xdp, 0);
	return XDP_ABORTED;
}

SEC("tc")
int write_tc(struct __sk_buff *ctx)
{
	packet_write((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	bpf_tail_call(ctx, &next_tc, 0);
	return TC_ACT_UNSPEC;
}

/* What the kernel's loop around a program costs. */
SEC("xdp")
int nothing(struct xdp_md *ctx __attribute__((unused)))
{
	return XDP_DROP;
}

/* A chain of multiplications, without memory: the pace of the CPU at that moment. */
SEC("xdp")
int constant_work(struct xdp_md *ctx)
{
	__u64 x = ctx->data_end - ctx->data;
	int i;

#pragma unroll
	for (i = 0; i < 128; i++) {
		x *= 0xff51afd7ed558ccdULL;
		x ^= x >> 32;
	}
	return x ? XDP_DROP : XDP_ABORTED;
}

/* The ceiling: one constant, the packet not even looked at. */
SEC("xdp")
int bare(struct xdp_md *ctx __attribute__((unused)))
{
	return bpf_redirect_map(&to_sink, 0, XDP_DROP);
}

SEC("tc")
int bare_tc(struct __sk_buff *ctx __attribute__((unused)))
{
	return bpf_redirect(out_ifindex, 0);
}

static __always_inline struct iphdr *header4(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);

	if ((void *)(ip + 1) + sizeof(struct udphdr) > (void *)(long)ctx->data_end ||
	    eth->h_proto != bpf_htons(ETH_P_IP) || ip->version != 4 || ip->ihl != 5 || ip->ttl <= 1)
		return NULL;
	return ip;
}

static __always_inline void ttl_less(struct iphdr *ip)
{
	__u32 check = ip->check + bpf_htons(0x0100);

	ip->check = check + (check >= 0xffff);
	ip->ttl--;
}

/* What xdp-forward does: the kernel's route table and neighbours; no counter, no flow. */
SEC("xdp")
int fib_forward(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = header4(ctx);
	struct bpf_fib_lookup fib = {.family = AF_INET_, .ifindex = ctx->ingress_ifindex};

	if (!ip)
		return XDP_PASS;
	fib.tos = ip->tos;
	fib.l4_protocol = ip->protocol;
	fib.tot_len = bpf_ntohs(ip->tot_len);
	fib.ipv4_src = ip->saddr;
	fib.ipv4_dst = ip->daddr;
	if (bpf_fib_lookup(ctx, &fib, sizeof(fib), 0))
		return XDP_PASS;
	ttl_less(ip);
	__builtin_memcpy(eth->h_dest, fib.dmac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, fib.smac, ETH_ALEN);
	return bpf_redirect_map(&to_sink, 0, XDP_DROP);
}

/* The plainest forwarder on an LPM trie: look-up, MACs, TTL, a counter; no flow. */
SEC("xdp")
int lpm_forward(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = header4(ctx);
	struct lpm_key key = {.len = 32};
	struct lpm_hop *hop;
	__u32 *index;
	__u64 *count;

	if (!ip)
		return XDP_PASS;
	key.addr = ip->daddr;
	index = bpf_map_lookup_elem(&lpm, &key);
	hop = index ? bpf_map_lookup_elem(&hops, index) : NULL;
	count = index ? bpf_map_lookup_elem(&hop_packets, index) : NULL;
	if (!hop || !count)
		return XDP_PASS;
	ttl_less(ip);
	__builtin_memcpy(eth, hop->macs, sizeof(hop->macs));
	++*count;
	return bpf_redirect_map(&to_sink, hop->port, XDP_DROP);
}

static __always_inline void record(struct iphdr *ip, struct lru_key *key, __u32 *dir)
{
	struct udphdr *udp = (void *)(ip + 1);
	__u32 src = bpf_ntohl(ip->saddr), dst = bpf_ntohl(ip->daddr);

	*dir = src > dst;
	key->proto = ip->protocol;
	key->lo = *dir ? dst : src;
	key->hi = *dir ? src : dst;
	key->lo_port = *dir ? udp->dest : udp->source;
	key->hi_port = *dir ? udp->source : udp->dest;
}

/* The kernel's own table of flows: found or made, counted. Nothing else. */
#define RECORD(name, map)                                                                          \
	SEC("xdp") int name(struct xdp_md *ctx)                                                    \
	{                                                                                          \
		struct iphdr *ip = header4(ctx);                                                   \
		struct lru_record new = {}, *old;                                                  \
		struct lru_key key = {};                                                           \
		__u32 dir;                                                                         \
                                                                                                   \
		if (!ip)                                                                           \
			return XDP_PASS;                                                           \
		record(ip, &key, &dir);                                                            \
		old = bpf_map_lookup_elem(&map, &key);                                             \
		if (old) {                                                                         \
			old->packets[dir & 1]++;                                                   \
			old->bytes[dir & 1] += bpf_ntohs(ip->tot_len);                             \
			return XDP_DROP;                                                           \
		}                                                                                  \
		new.packets[dir & 1] = 1;                                                          \
		bpf_map_update_elem(&map, &key, &new, BPF_NOEXIST);                                \
		return XDP_DROP;                                                                   \
	}

RECORD(record_lru, lru)
RECORD(record_hash, hash)

/*
 * The floor of any table that finds a record by an index, of as many rows: a line read, the row it
 * names read, both written.
 */
SEC("xdp")
int two_lines(struct xdp_md *ctx)
{
	struct iphdr *ip = header4(ctx);
	struct lru_key key = {};
	struct line *line, *row;
	__u32 dir, at;
	__u64 h;

	if (!ip)
		return XDP_PASS;
	record(ip, &key, &dir);
	h = ((__u64)key.lo << 32 | key.hi) * 0xff51afd7ed558ccdULL;
	h = ((h ^ h >> 32) + key.lo_port + key.hi_port) * 0x9e3779b97f4a7c15ULL;
	at = (__u32)h & lines_mask;
	line = bpf_map_lookup_elem(&lines, &at);
	if (!line)
		return XDP_PASS;
	at = (h >> 32 ^ line->word[0] >> 63) & rows_mask;
	row = bpf_map_lookup_elem(&line_rows, &at);
	if (!row)
		return XDP_PASS;
	line->word[1] = h;
	row->word[1] += h;
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
