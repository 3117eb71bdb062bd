/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stage 5, select: from a group to one path. Pure: maps in, one choice out, with the step that
 * decided. Losing a path is one store into `usable`: nothing here or in the FIB has to change.
 */
#ifndef SAMEWAY_BPF_SELECT_H
#define SAMEWAY_BPF_SELECT_H

/*
 * asked: hint is the path this flow has in this direction: taken among equals while it is one of
 * them, and for nothing else; denied are paths it must not take.
 */
struct choice {
	__u64 denied;
	__u32 hash;
	__u8 family;
	__u8 hint; /* SW_NO_PATH: none */
	/* answered */
	__u8 path; /* SW_NO_PATH: none */
	__u8 tier;
	__u64 usable;  /* what could carry a packet of this family */
	__u64 members; /* usable paths of the tier chosen from */
	__u8 step;     /* enum sw_step */
	__u8 degraded; /* a better class has candidates, or had them, and none is usable */
	__u8 verdict;  /* of flow_judge(): see next_state() */
	__u8 pad;
	__u32 group; /* it was chosen from: the prefix's, or the default route's */
};

static __always_inline __u64 hash_mix(__u64 h, __u64 word)
{
	h = (h ^ word) * 0xff51afd7ed558ccdULL;
	return h ^ h >> 32;
}

static __always_inline __u64 hash_seed(__u32 seed)
{
	return (seed + 1ULL) * 0x9e3779b97f4a7c15ULL;
}

/* both: ports as they are in the key, in one number. */
static __always_inline __u64 flow_hash4(__u32 lo, __u32 hi, __u32 both, __u8 proto, __u32 seed)
{
	__u64 h = hash_mix(hash_seed(seed), (__u64)lo << 32 | hi);

	return hash_mix(hash_mix(h, (__u64)both << 8 | proto), 0);
}

/*
 * Same for both directions; seeded, so that nobody outside can aim flows at one member, or at one
 * line of the flow table: all of its bits are mixed.
 */
static __always_inline __u64 flow_hash(const struct sw_flow_key *key, __u32 seed)
{
	const __u64 *lo = (const __u64 *)key->lo, *hi = (const __u64 *)key->hi;
	__u32 both = *(const __u32 *)&key->lo_port;
	__u64 h = hash_seed(seed);

	if (key->family == 4)
		return flow_hash4(lo[0], hi[0], both, key->proto, seed);
	h = hash_mix(hash_mix(h, lo[0]), lo[1]);
	h = hash_mix(hash_mix(h, hi[0]), hi[1]);
	return hash_mix(hash_mix(h, (__u64)both << 8 | key->proto), 0);
}

struct member_search {
	__u64 members;
	__u64 best; /* weight << 8 | path; no two weights are equal */
	__u32 hash;
};

/*
 * Linux 6.1 verifies a loop's callback for the first call only, and takes out what that never
 * reaches: here and in the others, nothing may be decided by what is constant at first.
 */
static int member_weigh(__u32 i, struct member_search *s)
{
	__u32 weight;
	__u64 score;

	if (i >= SW_MAX_PATHS || !(s->members >> i))
		return 1;
	if (!(s->members >> i & 1))
		return 0;
	weight = (s->hash ^ (i + 1) * 0x9e3779b1U) * 0x85ebca6bU;
	weight ^= weight >> 15;
	weight *= 0xc2b2ae35U;
	score = (__u64)weight << 8 | i;
	if (score > s->best)
		s->best = score;
	return 0;
}

/* Number of the lowest bit set in m, not 0. (clang 14 has no ctz for this target.) */
static __always_inline __u8 lowest_bit(__u64 m)
{
	__u8 n = 0, step;

#pragma unroll
	for (step = 32; step; step /= 2) {
		if (!(m & ((1ULL << step) - 1))) {
			n += step;
			m >>= step;
		}
	}
	return n;
}

/*
 * Of the paths in `members` (not 0) the one with the highest weight for this hash: losing one moves
 * only its own flows. Asked at a flow's start only; from then on its path is the hint.
 */
static __always_inline __u8 member_of(__u64 members, __u32 hash)
{
	struct member_search s = {.members = members, .hash = hash};

	if (!(members & (members - 1)))
		return lowest_bit(members);
	bpf_loop(SW_MAX_PATHS, member_weigh, &s, 0);
	return s.best & (SW_MAX_PATHS - 1);
}

/* Paths nobody objects to, for the family. */
static __always_inline __u64 paths_usable(const struct sw_ctl *c, const struct sw_usable *u,
					  __u8 family)
{
	__u64 peers = family == 4 ? u->peers4 & c->can4 : u->peers6 & c->can6;

	return u->link & peers & u->bfd & u->probe & u->admin & u->failback & u->neighbor;
}

/* The first tier with a path in `mask`; false: none. */
static __always_inline int first_tier(const struct sw_group *group, __u64 mask, struct choice *out)
{
	int i;

	for (i = 0; i < SW_MAX_TIERS; i++) {
		if (i >= group->tiers)
			break;
		if (group->tier[i] & mask) {
			out->members = group->tier[i] & mask;
			out->tier = i;
			return 1;
		}
	}
	return 0;
}

static __always_inline __u8 tier_degraded(const struct sw_group *group, __u8 tier)
{
	__u8 rank, i;

	if (tier >= SW_MAX_TIERS)
		return 0;
	rank = group->rank[tier];
	for (i = 0; i < SW_MAX_TIERS; i++) {
		if (i >= tier)
			break;
		if (group->rank[i] < rank)
			return 1;
	}
	return group->degraded < rank;
}

/* From one group by one mask of paths. 1: found. */
static __always_inline int select_path(const struct sw_group *group, __u64 mask, struct choice *io)
{
	if (!first_tier(group, mask, io))
		return 0;
	io->degraded = tier_degraded(group, io->tier);
	if (io->hint < SW_MAX_PATHS && io->members >> io->hint & 1) {
		io->path = io->hint;
		io->step = io->members & (io->members - 1) ? SW_STEP_STICKY : SW_STEP_ONLY;
	} else {
		io->path = member_of(io->members, io->hash);
		io->step = io->members & (io->members - 1) ? SW_STEP_HASH : SW_STEP_ONLY;
	}
	return 1;
}

/*
 * The whole of select: the group; then the default route's, by `default-route:`; then the group
 * once more without asking peers and probes. 1: found. (A function of its own, so that the verifier
 * sees it once.)
 */
__noinline int choose(__u32 group_id, struct choice *io)
{
	__u32 zero = 0, other;
	struct sw_usable *u = bpf_map_lookup_elem(&usable, &zero);
	struct sw_ctl *c = bpf_map_lookup_elem(&ctl, &zero);
	struct sw_group *group = fib_group(group_id), *last;
	__u64 can;

	if (!io)
		return 0;
	io->path = SW_NO_PATH;
	io->step = SW_STEP_NONE;
	io->degraded = 0;
	io->group = group_id;
	if (!u || !c || !group)
		return 0;
	io->usable = paths_usable(c, u, io->family) & ~io->denied;
	if (select_path(group, io->usable, io))
		return 1;
	other = io->family == 4 ? c->default4 : c->default6;
	last = fib_group(other);
	if (last && select_path(last, io->usable, io)) {
		io->group = other;
		return 1;
	}
	can = io->family == 4 ? c->can4 : c->can6;
	if (!select_path(group, u->link & u->admin & can & ~io->denied, io))
		return 0;
	io->step = SW_STEP_LAST_RESORT;
	return 1;
}

#endif
