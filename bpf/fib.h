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

#define FIB4_LINK   0x8000u
#define FIB6_ANSWER 0x80000000u /* else it is a node */
#define FIB6_GROUP  0xffffu	/* of an answer */

/* Entry `at` of a table of 4 entries a row; 0 beyond its end. */
#define FIB_ENTRY4(map, at)                                                                        \
	({                                                                                         \
		__u32 row_ = (at) >> 2;                                                            \
		volatile __u16 *entry_ = bpf_map_lookup_elem(&map, &row_);                         \
		entry_ ? entry_[(at)&3] : 0;                                                       \
	})

/* Of an address in host order. */
static __always_inline __u32 fib_find4(__u32 a)
{
	__u32 entry = FIB_ENTRY4(fib4, a >> 8);

	if (entry & FIB4_LINK)
		entry = FIB_ENTRY4(fib4_nodes, (entry & ~FIB4_LINK) << 8 | (a & 0xff));
	return entry;
}

/*
 * From an entry on, `bit` bits into the address: beyond the first 64, for the few that have such
 * prefixes near, and where the daemon has just put a node in place of an answer.
 */
__noinline __u32 fib_find6_rest(__u32 entry, __u32 bit, __u64 high, __u64 low)
{
	if (bit < 64) {
		high = high << bit | low >> 1 >> (63 - bit);
		low <<= bit;
	} else {
		high = low;
	}
	for (int i = 0; i < 14 && !(entry & FIB6_ANSWER); i++) {
		struct sw_fib6_node *node = bpf_map_lookup_elem(&fib6_nodes, &entry);

		if (!node)
			return 0;
		entry = *(volatile __u32 *)&node->entry[high >> 56];
		high = high << 8 | low >> 56;
		low <<= 8;
	}
	return entry & FIB6_ANSWER ? entry & FIB6_GROUP : 0;
}

/*
 * Of an address in host order, its upper and its lower half. The entry itself, in its map, is the
 * key of the node's row, and an answer is the key of none: half the time of a look-up by a copy,
 * which would go by the stack. So it is loaded once more when it is an answer.
 */
static __always_inline __u32 fib_find6(__u64 high, __u64 low)
{
	__u32 row = (__u32)(high >> 49), bit = 16, last;
	__u32 *entry = bpf_map_lookup_elem(&fib6, &row);

	if (!entry)
		return 0;
	entry += high >> 48 & 1;
#pragma unroll
	for (; bit < 64; bit += 8) {
		struct sw_fib6_node *node = bpf_map_lookup_elem(&fib6_nodes, entry);

		if (!node)
			break;
		entry = &node->entry[high >> (56 - bit) & 0xff];
	}
	last = *(volatile __u32 *)entry;
	return last & FIB6_ANSWER ? last & FIB6_GROUP : fib_find6_rest(last, bit, high, low);
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
