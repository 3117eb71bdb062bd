/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stage 5, select: from a group to one path. Pure: maps in, one choice out, with the step that
 * decided. Losing a path is one store into `usable`: nothing here or in the FIB has to change.
 */
#ifndef SAMEWAY_BPF_SELECT_H
#define SAMEWAY_BPF_SELECT_H

#define ALL_PATHS (~0ULL)

/*
 * asked: hint is the path this flow has in this direction: taken among equals while it is one of
 * them, and for nothing else; or, with `follow`, the path that it is answered by: taken from any
 * tier. denied are paths it must not take.
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
	__u8 follow;
	__u16 group; /* it was chosen from: the prefix's, or the default route's */
	__u16 rule;  /* asked: the flow's, as pkt->rule */
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
		return flow_hash4(*(const __u32 *)key->lo, *(const __u32 *)key->hi, both,
				  key->proto, seed);
	h = hash_mix(hash_mix(h, lo[0]), lo[1]);
	h = hash_mix(hash_mix(h, hi[0]), hi[1]);
	return hash_mix(hash_mix(h, (__u64)both << 8 | key->proto), 0);
}

/*
 * The n-th number that a path draws for a flow, with whose it is in its lowest bits: no two are
 * equal.
 */
static __always_inline __u64 draw(__u64 seed, __u32 path, __u32 n)
{
	__u64 score = (path * SW_MAX_WEIGHT + n) * 0x9e3779b97f4a7c15ULL ^ seed;

	score = (score ^ score >> 32) * 0xff51afd7ed558ccdULL;
	return (score & ~(SW_MAX_PATHS - 1ULL)) | path;
}

/* What a path of more weight than 1 draws behind its first: the highest of that and `best`. */
__noinline __u64 draw_more(__u64 seed, __u32 path, __u64 best)
{
	struct sw_path *row = bpf_map_lookup_elem(&paths, &path);
	__u64 score;
	__u32 n;

	for (n = 1; row && n < SW_MAX_WEIGHT && n < row->weight; n++) {
		score = draw(seed, path, n);
		if (score > best)
			best = score;
	}
	return best;
}

/*
 * Of several paths the flow's own: one of weight w draws w numbers, and the highest of all wins. So
 * each has the share of its weight; losing one moves only its flows, and a new one, or more weight,
 * takes no more than its share. Asked at a flow's start only; from then on its path is the hint.
 * (It and what it calls are functions of their own for the verifier, as choose() is.)
 */
__noinline __u32 member_of(__u64 members, __u32 hash, __u64 weighted)
{
	__u64 seed = hash * 0xd6e8feb86659fd93ULL, best = 0, left, score;
	int n;

	for (n = 0, left = members; n < SW_MAX_PATHS && left; n++, left &= left - 1) {
		score = draw(seed, lowest_bit(left), 0);
		if (score > best)
			best = score;
	}
	for (n = 0, left = members & weighted; n < SW_MAX_PATHS && left; n++, left &= left - 1)
		best = draw_more(seed, lowest_bit(left), best);
	return best & (SW_MAX_PATHS - 1);
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

/* Whether a better class has paths among these, or, of all, had them. */
static __always_inline __u8 tier_degraded(const struct sw_group *group, __u8 tier, __u64 among)
{
	__u8 rank, i;

	if (tier >= SW_MAX_TIERS)
		return 0;
	rank = group->rank[tier];
	for (i = 0; i < SW_MAX_TIERS; i++) {
		if (i >= tier)
			break;
		if (group->rank[i] < rank && group->tier[i] & among)
			return 1;
	}
	return among == ALL_PATHS && group->degraded < rank;
}

/*
 * The same by the order of a rule: the first of its steps with a path in `mask`. Paths of classes
 * that are in no tier (`prefer` does not list them) come after those that are, as one. (A function
 * of its own, so that the verifier sees it once.)
 */
__noinline int rule_tier(__u32 group_id, __u32 rule_id, __u64 mask, struct choice *out)
{
	struct sw_group *group = fib_group(group_id);
	struct sw_rule *rule = rule_row(rule_id);
	__u64 step;
	int i;

	if (!group || !rule || !out)
		return 0;
	mask &= group->members;
	for (i = 0; i < SW_RULE_STEPS && !(rule->step[i] & mask); i++)
		;
	if (i >= SW_RULE_STEPS)
		return 0;
	step = rule->step[i];
	if (!first_tier(group, step & mask, out)) {
		out->tier = SW_MAX_TIERS;
		out->members = step & mask;
	}
	out->degraded = rule->other[i] & group->members || tier_degraded(group, out->tier, step);
	return 1;
}

/* The member: the flow's own path while it is one of them. */
static __always_inline void take_member(struct choice *io, __u64 weighted)
{
	if (!(io->members & (io->members - 1))) {
		io->path = lowest_bit(io->members);
		io->step = SW_STEP_ONLY;
	} else if (io->hint < SW_MAX_PATHS && io->members >> io->hint & 1) {
		io->path = io->hint;
		io->step = SW_STEP_STICKY;
	} else {
		io->path = member_of(io->members, io->hash, weighted);
		io->step = SW_STEP_HASH;
	}
}

/* The first tier, of the rule's where there is one. */
static __always_inline int any_tier(__u32 group_id, const struct sw_rule *rule, __u64 mask,
				    struct choice *out)
{
	struct sw_group *group;

	if (rule)
		return rule_tier(group_id, out->rule, mask, out);
	group = fib_group(group_id);
	if (!group || !first_tier(group, mask, out))
		return 0;
	out->degraded = tier_degraded(group, out->tier, ALL_PATHS);
	return 1;
}

/*
 * The whole of select: the group; then the default route's, by `default-route:`; then the group
 * once more without asking peers and probes, unless a rule binds the flow to its paths. 1: found.
 * (A function of its own, so that the verifier sees it once.)
 */
__noinline int choose(__u32 group_id, struct choice *io)
{
	__u32 zero = 0, other;
	struct sw_usable *u = bpf_map_lookup_elem(&usable, &zero);
	struct sw_ctl *c = bpf_map_lookup_elem(&ctl, &zero);
	const struct sw_rule *rule;
	bool last_resort = false;
	__u64 can;

	if (!io)
		return 0;
	io->path = SW_NO_PATH;
	io->step = SW_STEP_NONE;
	io->degraded = 0;
	io->group = group_id;
	if (!u || !c)
		return 0;
	rule = rule_row(io->rule);
	io->usable = paths_usable(c, u, io->family) & ~io->denied;
	if (io->follow && any_tier(group_id, rule, io->usable & 1ULL << (io->hint & 63), io)) {
		io->path = io->hint & 63;
		io->step = SW_STEP_REFLECTED;
		return 1;
	}
	if (!any_tier(group_id, rule, io->usable, io)) {
		other = io->family == 4 ? c->default4 : c->default6;
		if (any_tier(other, rule, io->usable, io)) {
			io->group = other;
		} else {
			can = io->family == 4 ? c->can4 : c->can6;
			last_resort = true;
			if ((rule && rule->flags) ||
			    !any_tier(group_id, rule, u->link & u->admin & can & ~io->denied, io))
				return 0;
		}
	}
	take_member(io, c->weighted);
	if (last_resort)
		io->step = SW_STEP_LAST_RESORT;
	return 1;
}

#endif
