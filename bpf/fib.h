/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stage 4, fib: longest prefix match of an address to a group. Reserved groups say that it is an
 * address of this box, exempt, or of an inside network.
 *
 * IPv4: 2^24 entries and nodes for what is longer (DIR-24-8), two loads at most; IPv6: 2^16 entries
 * and a node for each further 8 bits. Only this file and user/core/stride.c know. The daemon edits
 * the tables while we read: each entry is loaded once and whole (volatile), and each load's address
 * is made of the entry before, so that we never see a node or a group before what is in it. Why no
 * half of a change is seen, and no node of another time, stride.h says.
 */
#ifndef SAMEWAY_BPF_FIB_H
#define SAMEWAY_BPF_FIB_H

#define FIB4_LINK 0x8000u
#define FIB6_LINK 0x80000000u

/* Entry `at` of a table of 4 entries a row; 0 beyond its end. */
#define FIB_ENTRY4(map, at)                                                                        \
	({                                                                                         \
		__u32 row_ = (at) >> 2;                                                            \
		volatile __u16 *entry_ = bpf_map_lookup_elem(&map, &row_);                         \
		entry_ ? entry_[(at)&3] : 0;                                                       \
	})
/* Of 2 entries a row. */
#define FIB_ENTRY6(map, at)                                                                        \
	({                                                                                         \
		__u32 row_ = (at) >> 1;                                                            \
		volatile __u32 *entry_ = bpf_map_lookup_elem(&map, &row_);                         \
		entry_ ? entry_[(at)&1] : 0;                                                       \
	})

/* Of an address in host order. */
static __always_inline __u32 fib_find4(__u32 a)
{
	__u32 entry = FIB_ENTRY4(fib4, a >> 8);

	if (entry & FIB4_LINK)
		entry = FIB_ENTRY4(fib4_nodes, (entry & ~FIB4_LINK) << 8 | (a & 0xff));
	return entry;
}

/* Beyond the first 64 bits: for the few that have such prefixes near, and once for the verifier. */
__noinline __u32 fib_find6_low(__u32 entry, __u64 low)
{
	for (int i = 0; i < 8 && entry & FIB6_LINK; i++) {
		entry = FIB_ENTRY6(fib6_nodes, entry << 8 | (__u32)(low >> 56));
		low <<= 8;
	}
	return entry;
}

/* Of an address in host order, its upper and its lower half. */
static __always_inline __u32 fib_find6(__u64 high, __u64 low)
{
	__u32 entry = FIB_ENTRY6(fib6, (__u32)(high >> 48));

#pragma unroll
	for (int shift = 40; shift >= 0; shift -= 8) {
		if (!(entry & FIB6_LINK))
			return entry;
		entry = FIB_ENTRY6(fib6_nodes, entry << 8 | ((__u32)(high >> shift) & 0xff));
	}
	return entry & FIB6_LINK ? fib_find6_low(entry, low) : entry;
}

/* The group's number, 0: none. */
static __always_inline __u32 fib_find(__u8 family, const union address *a)
{
	__u32 group, zero = 0;
	struct sw_ctl *c;

	if (family == 4)
		group = fib_find4(bpf_ntohl(a->word[0]));
	else
		group = fib_find6(bpf_be64_to_cpu(a->quad[0]), bpf_be64_to_cpu(a->quad[1]));
	if (group)
		return group;
	c = bpf_map_lookup_elem(&ctl, &zero);
	if (!c)
		return 0;
	return family == 4 ? *(volatile __u32 *)&c->root4 : *(volatile __u32 *)&c->root6;
}

/* The group, or NULL where there is none. */
static __always_inline struct sw_group *fib_group(__u32 id)
{
	struct sw_group *group;

	if (!id)
		return NULL;
	group = bpf_map_lookup_elem(&groups, &id);
	return group && group->kind != SW_GROUP_FREE ? group : NULL;
}

#endif
