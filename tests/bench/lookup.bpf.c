// SPDX-License-Identifier: GPL-2.0-only
/*
 * Look-ups by the million, for bench_fib and for the test that edits the tables meanwhile: the
 * data path's own bpf/fib.h and the kernel's LPM trie over the same addresses, and nothing, which
 * is what the loop costs. Bulk: look-ups that don't wait for each other; chain: each address is
 * made of the answer before.
 */
#include <linux/bpf.h>
#include <linux/errno.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "sameway/abi.h"
#include "../../bpf/maps.h"
#include "../../bpf/parse.h"
#include "../../bpf/fib.h"

#define ADDRESSES (1u << 20)

/* In host order; IPv4 in the lowest 32 bits of `high`. */
struct question {
	__u64 high, low;
	__u64 allowed; /* groups that may be the answer now, as bits */
};
MAP_ARRAY(questions, struct question, ADDRESSES);

struct key4 {
	__u32 prefixlen;
	__u32 address;
};
struct key6 {
	__u32 prefixlen;
	__u64 address[2];
} __attribute__((packed, aligned(4)));
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 2000000);
	__type(key, struct key4);
	__type(value, __u32);
} lpm4 SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 2000000);
	__type(key, struct key6);
	__type(value, __u32);
} lpm6 SEC(".maps");

struct result {
	__u64 sum;
	__u64 wrong, wrong_at; /* of check: not allowed; the last one and its answer */
	__u64 wrong_answer;
};
MAP_ARRAY(results, struct result, 1);

/* How many questions check asks a run. */
const volatile __u32 check_count = 1024;

static __always_inline __u32 none4(__u64 high, __u64 low)
{
	return (high ^ low) & 0xff;
}

static __always_inline __u32 none6(__u64 high, __u64 low)
{
	return (high ^ low) & 0xff;
}

static __always_inline __u32 ours4(__u64 high, __u64 low)
{
	union address a = {.word[0] = bpf_htonl((__u32)high)};

	(void)low;
	return fib_find(4, &a);
}

static __always_inline __u32 ours6(__u64 high, __u64 low)
{
	union address a = {.quad = {bpf_cpu_to_be64(high), bpf_cpu_to_be64(low)}};

	return fib_find(6, &a);
}

static __always_inline __u32 trie4(__u64 high, __u64 low)
{
	struct key4 key = {32, bpf_htonl((__u32)high)};
	__u32 *group = bpf_map_lookup_elem(&lpm4, &key);

	(void)low;
	return group ? *group : 0;
}

static __always_inline __u32 trie6(__u64 high, __u64 low)
{
	struct key6 key = {128, {bpf_cpu_to_be64(high), bpf_cpu_to_be64(low)}};
	__u32 *group = bpf_map_lookup_elem(&lpm6, &key);

	return group ? *group : 0;
}

static __always_inline struct question *question_at(__u32 at)
{
	at &= ADDRESSES - 1;
	return bpf_map_lookup_elem(&questions, &at);
}

static __always_inline int result_put(__u64 sum)
{
	__u32 zero = 0;
	struct result *r = bpf_map_lookup_elem(&results, &zero);

	if (r)
		r->sum = sum;
	return 0;
}

/* `n` look-ups a call of bpf_loop(), whose cost is theirs to share. */
#define PROGRAMS(find, n)                                                                          \
	static int bulk_part_##find(__u32 part, __u64 *sum)                                        \
	{                                                                                          \
		for (__u32 i = 0; i < (n); i++) {                                                  \
			struct question *q = question_at(part * (n) + i);                          \
                                                                                                   \
			if (q)                                                                     \
				*sum += find(q->high, q->low);                                     \
		}                                                                                  \
		return 0;                                                                          \
	}                                                                                          \
	static int chain_part_##find(__u32 part, __u64 *sum)                                       \
	{                                                                                          \
		__u32 last = 0;                                                                    \
                                                                                                   \
		for (__u32 i = 0; i < (n); i++) {                                                  \
			struct question *q = question_at(part * (n) + i);                          \
                                                                                                   \
			if (!q)                                                                    \
				break;                                                             \
			asm volatile("" : "+r"(last)); /* a group is less than 2^20 */             \
			last = find(q->high ^ (last >> 20), q->low);                               \
			*sum += last;                                                              \
		}                                                                                  \
		return 0;                                                                          \
	}                                                                                          \
	SEC("xdp") int bulk_##find(struct xdp_md *ctx)                                             \
	{                                                                                          \
		__u64 sum = 0;                                                                     \
                                                                                                   \
		(void)ctx;                                                                         \
		bpf_loop(ADDRESSES / (n), bulk_part_##find, &sum, 0);                              \
		return result_put(sum);                                                            \
	}                                                                                          \
	SEC("xdp") int chain_##find(struct xdp_md *ctx)                                            \
	{                                                                                          \
		__u64 sum = 0;                                                                     \
                                                                                                   \
		(void)ctx;                                                                         \
		bpf_loop(ADDRESSES / (n), chain_part_##find, &sum, 0);                             \
		return result_put(sum);                                                            \
	}

PROGRAMS(none4, 16)
PROGRAMS(ours4, 16)
PROGRAMS(trie4, 16)
PROGRAMS(none6, 4)
PROGRAMS(ours6, 4)
PROGRAMS(trie6, 4)

/* Counted in the map, not in a part of the stack, which the verifier would count along. */
static __always_inline int check(__u32 at, __u32 (*find)(__u64, __u64))
{
	struct question *q = question_at(at);
	__u32 group, zero = 0;
	struct result *r = bpf_map_lookup_elem(&results, &zero);

	if (!q || !r)
		return 1;
	group = find(q->high, q->low);
	r->sum++;
	if (group < 64 && q->allowed >> group & 1)
		return 0;
	r->wrong++;
	r->wrong_at = at;
	r->wrong_answer = group;
	return 0;
}

static int check_part4(__u32 at, void *none)
{
	(void)none;
	return check(at, ours4);
}

static int check_part6(__u32 at, void *none)
{
	(void)none;
	return check(at, ours6);
}

SEC("xdp") int check4(struct xdp_md *ctx)
{
	(void)ctx;
	bpf_loop(check_count, check_part4, NULL, 0);
	return 0;
}

SEC("xdp") int check6(struct xdp_md *ctx)
{
	(void)ctx;
	bpf_loop(check_count, check_part6, NULL, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
