/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where flows are kept: records in an array, found by an index of cache lines of eight entries
 * (abi.h). No lock: an entry and a record's state word change by compare-and-exchange only.
 *
 * Making a flow (flow_put.h):
 *   1 its line is read whole; where an entry has the flow's tag it is the flow's, or, while BUSY,
 *     somebody is about to make or unmake it: nothing is made then
 *   2 a record is had, and an entry of the line claimed:
 *     - a free record, and a free entry (CAS 0 to tag|BUSY)
 *     - else those of the least worthy flow of the line, in one (CAS to the new flow's tag|BUSY);
 *       the record's state is marked unused with another `reuse`
 *     - else the record of a line nearby: its entry goes BUSY (CAS), the state is marked likewise,
 *       the entry is freed; and a free entry as above
 *   3 the line is read again: of two that claim for one flow in two entries both see the other's
 *     claim, or one does; who sees one lets go
 *   4 the record is written, then the entry published
 *
 * A record is taken away only SW_LEASE_UNITS after its flow's last packet; who finds a flow renews
 * that first (by CAS, so that it is still its own). A program does not run for so long: it has its
 * record to itself for as long as it needs it. One that the machine stopped in the middle, for
 * longer, sees that `reuse`, read before the key, is another, and leaves the record alone; stopped
 * between that and a plain store, it may write a field of another's. Counters of packets and bytes
 * are plain adds: where one direction comes by two CPUs, or after such a stop, a packet may be
 * counted wrongly, and 2^32 of them where both CPUs are at the carry.
 */
#ifndef SAMEWAY_BPF_FLOW_TABLE_H
#define SAMEWAY_BPF_FLOW_TABLE_H

#define NO_RECORD (~0U)

static __always_inline __u64 flow_packets(__u64 bytes, __u32 packets)
{
	return bytes >> SW_FLOW_BYTES_BITS << 32 | packets;
}

static __always_inline __u32 lease_units(__u64 now)
{
	return now >> SW_LEASE_SHIFT & SW_ENTRY_TIME;
}

static __always_inline __u64 flow_tag(__u64 hash)
{
	return hash >> 48 | 1;
}

static __always_inline __u64 entry_make(__u64 tag, __u32 record, __u32 class, __u32 units)
{
	return tag << 48 | (__u64)record << 24 | (__u64) class << 20 | units;
}

static __always_inline struct sw_flow_table *flow_table(__u8 family)
{
	__u32 row = family == 6;

	return bpf_map_lookup_elem(&flow_tables, &row);
}

static __always_inline struct sw_flow_line *flow_line(__u8 family, __u32 i)
{
	return family == 4 ? bpf_map_lookup_elem(&flows_index, &i)
			   : bpf_map_lookup_elem(&flows6_index, &i);
}

/* The line that a hash names; NULL: there is no table. */
static __always_inline struct sw_flow_line *hash_line(__u8 family, __u32 hash)
{
	struct sw_flow_table *table = flow_table(family);

	return table ? flow_line(family, hash & table->lines) : NULL;
}

static __always_inline struct sw_flow_record *flow_row(__u8 family, __u32 i)
{
	if (family == 4) {
		struct sw_flow4 *row = bpf_map_lookup_elem(&flows, &i);

		return row ? &row->r : NULL;
	} else {
		struct sw_flow6 *row = bpf_map_lookup_elem(&flows6, &i);

		return row ? &row->r : NULL;
	}
}

/*
 * Whether record i is the key's. (Functions like this one are global, so that the verifier sees
 * them once.)
 */
__noinline int flow_is(const struct sw_flow_key *key, __u32 i)
{
	__u32 both; /* ports */

	if (!key)
		return 0;
	both = *(const __u32 *)&key->lo_port;
	if (key->family == 4) {
		struct sw_flow4 *row = bpf_map_lookup_elem(&flows, &i);

		return row && row->lo == *(const __u32 *)key->lo &&
		       row->hi == *(const __u32 *)key->hi && *(__u32 *)&row->r.lo_port == both &&
		       row->r.proto == key->proto;
	} else {
		struct sw_flow6 *row = bpf_map_lookup_elem(&flows6, &i);
		const __u64 *lo = (const __u64 *)key->lo, *hi = (const __u64 *)key->hi;

		return row && row->lo[0] == lo[0] && row->lo[1] == lo[1] && row->hi[0] == hi[0] &&
		       row->hi[1] == hi[1] && *(__u32 *)&row->r.lo_port == both &&
		       row->r.proto == key->proto;
	}
}

static __always_inline __u32 entry_class(const struct sw_flow_record *rec)
{
	__u32 closing = rec->judged & ~SW_JUDGED_MASK;
	union sw_flow_word w = {.word = *(volatile const __u64 *)&rec->state.word};

	if (closing & (SW_TCP_RST_OUT | SW_TCP_RST_IN) ||
	    (closing & SW_TCP_FIN_OUT && closing & SW_TCP_FIN_IN))
		return SW_ENTRY_DEAD;
	return w.s.out != SW_FLOW_NO_PATH && w.s.in != SW_FLOW_NO_PATH ? SW_ENTRY_ANSWERED
								       : SW_ENTRY_NEW;
}

/*
 * Renews the lease and what is said of the flow; at most once a unit. False: the record is not
 * this flow's any more.
 */
static __always_inline bool entry_renew(__u64 *entry, __u64 seen, struct sw_flow_record *rec,
					__u64 now)
{
	__u32 age = tick_age(rec->settle, now);
	__u64 new = entry_make(SW_ENTRY_TAG(seen), SW_ENTRY_REC(seen), entry_class(rec),
			       lease_units(now));

	if (new != seen && __sync_val_compare_and_swap(entry, seen, new) != seen)
		return false;
	rec->seen = now >> SW_SEEN_SHIFT;
	if (rec->settle && age > 1U << 30) /* before its ticks come round */
		rec->settle = 0;
	return true;
}

/* 0 also where another CPU, whose look at the clock was later than that for `units`, renewed it. */
static __always_inline __u32 entry_age(__u64 e, __u32 units)
{
	__u32 age = (units - (__u32)(e & SW_ENTRY_TIME)) & SW_ENTRY_TIME;

	return age > SW_ENTRY_TIME - SW_AHEAD_UNITS ? 0 : age;
}

/* PEEK: changes nothing. USE: renews its lease. RENEW: also where what the index says is wrong. */
enum look { LOOK_PEEK, LOOK_USE, LOOK_RENEW };

/*
 * The flow's record: its number and, above 32 bits, its `reuse`; NO_RECORD: it has none, or it is
 * being made or unmade.
 */
__noinline __u64 flow_look(const struct sw_flow_key *key, __u64 hash, __u64 now, __u32 look)
{
	struct sw_flow_record *rec;
	union sw_flow_word w;
	struct sw_flow_line *line;
	__u64 tag = flow_tag(hash), e;
	__u32 i;

	if (!key)
		return NO_RECORD;
	line = hash_line(key->family, hash);
	if (!line)
		return NO_RECORD;
	for (i = 0; i < SW_LINE_ENTRIES; i++) {
		e = *(volatile __u64 *)&line->e[i];
		if (SW_ENTRY_TAG(e) != tag || e & SW_ENTRY_BUSY)
			continue;
		rec = flow_row(key->family, SW_ENTRY_REC(e));
		if (!rec)
			return NO_RECORD;
		w.word = *(volatile __u64 *)&rec->state.word; /* before the key */
		if (!w.s.used || !flow_is(key, SW_ENTRY_REC(e)))
			continue;
		if (look != LOOK_PEEK &&
		    (look == LOOK_RENEW || (e & SW_ENTRY_TIME) != lease_units(now)) &&
		    !entry_renew(&line->e[i], e, rec, now))
			return NO_RECORD;
		return (__u64)w.s.reuse << 32 | SW_ENTRY_REC(e);
	}
	return NO_RECORD;
}

/* The record that flow_look() or flow_put() said, for the packet; NULL: none. */
static __always_inline struct sw_flow_record *flow_taken(struct packet *pkt, __u64 said)
{
	pkt->reuse = said >> 32;
	pkt->record = said;
	return flow_row(pkt->key.family, said);
}

static __always_inline struct sw_flow_record *flow_find(struct packet *pkt, __u64 now,
							enum look look)
{
	return flow_taken(pkt, flow_look(&pkt->key, pkt->hash, now, look));
}

#endif
