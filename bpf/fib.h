/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stage 4, fib: longest prefix match of an address to a group. Reserved groups say that it is an
 * address of this box, exempt, or of an inside network. Today the kernel's LPM trie; only this
 * file and the daemon's writer know.
 */
#ifndef SAMEWAY_BPF_FIB_H
#define SAMEWAY_BPF_FIB_H

/* The group's number, 0: none. */
static __always_inline __u32 fib_find(__u8 family, const union address *a)
{
	__u32 *group;

	if (family == 4) {
		struct sw_fib4_key key = {.prefixlen = 32};

		__builtin_memcpy(key.addr, a, 4);
		group = bpf_map_lookup_elem(&fib4, &key);
	} else {
		struct sw_fib6_key key = {.prefixlen = 128};

		__builtin_memcpy(key.addr, a, 16);
		group = bpf_map_lookup_elem(&fib6, &key);
	}
	return group ? *group : 0;
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
