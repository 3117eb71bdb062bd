/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where flows are kept: records in an array, found by an index of cache lines of eight entries
 * (abi.h). No lock: an entry and a record's state word change by compare-and-exchange only.
 *
 * Making a flow:
 *   1 its line is read whole; where an entry has the flow's tag it is the flow's, or, while BUSY,
 *     somebody is about to make or unmake it: nothing is made then
 *   2 a record is had: a free one, else that of the least worthy flow of the line, or of a line
 *     nearby: its entry goes BUSY (CAS), its state is marked unused with another `reuse`, its entry
 *     is freed
 *   3 a free entry is claimed (CAS 0 to tag|BUSY), and the line read again: of two that claim for
 *     one flow in two entries both see the other's claim, or one does; who sees one lets go
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

#define POOL_TRIES 8 /* free records are had and given back by CPUs that race */
#define LINES_NEAR 4 /* looked at for a record to take */
#define NO_RECORD  (~0U)

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
	return flow_row(pkt->key.family, said);
}

static __always_inline struct sw_flow_record *flow_find(struct packet *pkt, __u64 now,
							enum look look)
{
	return flow_taken(pkt, flow_look(&pkt->key, pkt->hash, now, look));
}

/* A record that nobody has, or NO_RECORD. */
__noinline __u32 pool_take(__u32 family)
{
	struct sw_flow_table *table = flow_table(family);
	struct sw_flow_record *rec;
	__u64 head, next;
	__u32 i;

	if (!table)
		return NO_RECORD;

	for (i = 0; i < POOL_TRIES; i++) {
		head = *(volatile __u64 *)&table->free;
		if (!(__u32)head)
			break;
		rec = flow_row(family, (__u32)head - 1);
		if (!rec)
			break;
		next = ((head >> 32) + 1) << 32 | *(volatile __u32 *)&rec->created;
		if (__sync_val_compare_and_swap(&table->free, head, next) == head)
			return (__u32)head - 1;
	}
	if (*(volatile __u64 *)&table->unused >= table->max)
		return NO_RECORD;
	next = __sync_fetch_and_add(&table->unused, 1);
	return next < table->max ? next : NO_RECORD;
}

/* Back to the free ones. One that finds no place (CPUs that race) is found by the next daemon. */
__noinline int pool_give(__u32 family, __u32 record)
{
	struct sw_flow_record *rec = flow_row(family, record);
	struct sw_flow_table *table = flow_table(family);
	__u64 head, next;
	__u32 i;

	if (!rec || !table)
		return -1;
	for (i = 0; i < POOL_TRIES; i++) {
		head = *(volatile __u64 *)&table->free;
		*(volatile __u32 *)&rec->created = (__u32)head;
		next = ((head >> 32) + 1) << 32 | (record + 1);
		if (__sync_val_compare_and_swap(&table->free, head, next) == head)
			return 0;
	}
	return -1;
}

/*
 * How little it is a pity for, in a number: dead, idle, unanswered, answered; then by age; the
 * entry's place below. ~0: not to be taken.
 */
__noinline __u64 entry_worth(__u64 e, __u32 units, __u32 place)
{
	__u32 age = entry_age(e, units), class = SW_ENTRY_CLASS(e);
	__u64 worth = class == SW_ENTRY_DEAD  ? 0
		      : age > SW_IDLE_UNITS   ? 1
		      : class == SW_ENTRY_NEW ? 2
					      : 3;

	if (!e || e & SW_ENTRY_BUSY || age < SW_LEASE_UNITS)
		return ~0ULL;
	return worth << 32 | (SW_ENTRY_TIME - age) << 3 | (place & 7);
}

/*
 * Takes the record of the least worthy flow of a line whose lease is over, and frees its entry: the
 * record, and above 32 bits the entry; NO_RECORD: there is none.
 */
__noinline __u64 line_evict(__u32 family, __u32 hash, __u32 units)
{
	struct sw_flow_line *line = hash_line(family, hash);
	__u64 least = ~0ULL, worth, victim;
	struct sw_health *h = health_row();
	struct sw_flow_record *rec;
	union sw_flow_word w;
	__u32 at;

	if (!line)
		return NO_RECORD;
	for (at = 0; at < SW_LINE_ENTRIES; at++) {
		worth = entry_worth(*(volatile __u64 *)&line->e[at], units, at);
		if (worth < least)
			least = worth;
	}
	at = least & (SW_LINE_ENTRIES - 1);
	victim = *(volatile __u64 *)&line->e[at];
	if (entry_worth(victim, units, at) == ~0ULL ||
	    __sync_val_compare_and_swap(&line->e[at], victim, victim | SW_ENTRY_BUSY) != victim)
		return NO_RECORD;
	rec = flow_row(family, SW_ENTRY_REC(victim));
	if (rec) {
		w.word = *(volatile __u64 *)&rec->state.word;
		w.s.used = 0;
		w.s.reuse++;
		__sync_lock_test_and_set(&rec->state.word, w.word);
	}
	__sync_lock_test_and_set(&line->e[at], 0);
	if (h)
		h->flows_forgotten += least >> 32 == 3;
	return (__u64)at << 32 | SW_ENTRY_REC(victim);
}

/* What a line says of a flow that is to be made: its first free entry, SW_LINE_ENTRIES: none; */
#define VIEW_FREE(view)	  ((__u32)(view)&15)
#define VIEW_BUSY	  16 /* somebody is at the flow; */
#define VIEW_FOUND	  32 /* or it is there, and this is its record */
#define VIEW_RECORD(view) ((__u32)((view) >> 8))

/* What one entry says, in the form of a view; `place` is its own. */
__noinline __u64 entry_view(const struct sw_flow_key *key, __u64 e, __u64 tag, __u32 place)
{
	if (!e)
		return place;
	if (SW_ENTRY_TAG(e) != tag)
		return SW_LINE_ENTRIES;
	if (e & SW_ENTRY_BUSY)
		return SW_LINE_ENTRIES | VIEW_BUSY;
	return flow_is(key, SW_ENTRY_REC(e)) ? (__u64)SW_ENTRY_REC(e) << 8 | VIEW_FOUND
					     : SW_LINE_ENTRIES;
}

/* Of the entries but `mine`, SW_LINE_ENTRIES: of all. */
__noinline __u64 line_view(const struct sw_flow_key *key, const struct sw_flow_line *line,
			   __u64 tag, __u32 mine)
{
	__u64 busy = 0, view;
	__u32 i, free = SW_LINE_ENTRIES;

	if (!key || !line)
		return VIEW_BUSY;
	for (i = 0; i < SW_LINE_ENTRIES; i++) {
		if (i == mine)
			continue;
		view = entry_view(key, *(const volatile __u64 *)&line->e[i], tag, i);
		if (view & VIEW_FOUND)
			return view;
		busy |= view & VIEW_BUSY;
		if (VIEW_FREE(view) < free)
			free = VIEW_FREE(view);
	}
	return busy | free;
}

/* A record for a flow of the hash's line: free, or taken; where from its own line, *entry is free
 * now. */
static __always_inline __u32 record_take(__u8 family, __u32 hash, __u32 units, __u32 *entry)
{
	struct sw_health *h = health_row();
	__u32 record = NO_RECORD, near;
	__u64 had;

	if (*entry < SW_LINE_ENTRIES)
		record = pool_take(family);
	if (record != NO_RECORD)
		return record;
	for (near = 0; near < LINES_NEAR; near++) {
		if (near && *entry == SW_LINE_ENTRIES)
			break; /* no room in its own line */
		had = line_evict(family, hash ^ near, units);
		if ((__u32)had == NO_RECORD)
			continue;
		if (!near && *entry == SW_LINE_ENTRIES)
			*entry = had >> 32;
		if (h)
			h->flows_evicted++;
		return had;
	}
	if (h)
		h->flows_full++;
	return NO_RECORD;
}

/* Written before it is published: no other program sees it. Returns its `reuse`. */
static __always_inline __u16 record_write(const struct sw_flow_key *key, __u32 i, __u64 now,
					  __u32 about)
{
	struct sw_flow_record *rec = flow_row(key->family, i);
	union sw_flow_word w = {};

	if (!rec)
		return 0;
	w.word = *(volatile __u64 *)&rec->state.word;
	w.word = (union sw_flow_word){.s = {.out = SW_FLOW_NO_PATH,
					    .in = SW_FLOW_NO_PATH,
					    .answer = SW_FLOW_NO_PATH,
					    .verdict = SW_VERDICT_PENDING,
					    .told = SW_VERDICT_PENDING,
					    .reuse = w.s.reuse}}
			 .word;
	rec->out_bytes = rec->in_bytes = 0;
	rec->out_packets = rec->in_packets = 0;
	rec->created = tick_of(now);
	rec->settle = rec->note = rec->judged = 0;
	rec->lo_port = key->lo_port;
	rec->hi_port = key->hi_port;
	rec->proto = key->proto;
	rec->about = about;
	rec->seen = now >> SW_SEEN_SHIFT;
	if (key->family == 4) {
		struct sw_flow4 *row = bpf_map_lookup_elem(&flows, &i);

		if (!row)
			return 0;
		row->lo = *(const __u32 *)key->lo;
		row->hi = *(const __u32 *)key->hi;
	} else {
		struct sw_flow6 *row = bpf_map_lookup_elem(&flows6, &i);

		if (!row)
			return 0;
		__builtin_memcpy(row->lo, key->lo, 16);
		__builtin_memcpy(row->hi, key->hi, 16);
	}
	w.s.used = 1;
	__sync_lock_test_and_set(&rec->state.word, w.word);
	return w.s.reuse;
}

/*
 * A record for a flow that flow_look() did not find; it may be there by now. NO_RECORD, which is
 * counted: none can be had. about: SW_FLOW_*, of a new one. Else as flow_look().
 */
__noinline __u64 flow_put(const struct sw_flow_key *key, __u64 hash, __u64 now, __u32 about)
{
	struct sw_health *h = health_row();
	__u32 units = lease_units(now), record, entry;
	__u64 tag = flow_tag(hash);
	struct sw_flow_line *line;
	__u64 view, reuse;

	if (!key || !h)
		return NO_RECORD;
	line = hash_line(key->family, hash);
	if (!line)
		return NO_RECORD;
	view = line_view(key, line, tag, SW_LINE_ENTRIES);
	if (view & VIEW_FOUND)
		return flow_look(key, hash, now, LOOK_USE);
	if (view & VIEW_BUSY)
		goto busy;
	entry = VIEW_FREE(view);
	record = record_take(key->family, hash, units, &entry);
	if (record == NO_RECORD)
		return NO_RECORD;
	if (entry >= SW_LINE_ENTRIES ||
	    __sync_val_compare_and_swap(&line->e[entry & (SW_LINE_ENTRIES - 1)], 0,
					entry_make(tag, record, SW_ENTRY_NEW, units) |
						SW_ENTRY_BUSY)) {
		h->flows_leaked += pool_give(key->family, record) != 0;
		goto busy;
	}
	view = line_view(key, line, tag, entry);
	if (view & (VIEW_BUSY | VIEW_FOUND)) {
		__sync_lock_test_and_set(&line->e[entry & (SW_LINE_ENTRIES - 1)], 0);
		h->flows_leaked += pool_give(key->family, record) != 0;
		if (view & VIEW_BUSY)
			goto busy;
		return flow_look(key, hash, now, LOOK_USE);
	}
	reuse = record_write(key, record, now, about);
	__sync_lock_test_and_set(&line->e[entry & (SW_LINE_ENTRIES - 1)],
				 entry_make(tag, record, SW_ENTRY_NEW, units));
	return reuse << 32 | record;
busy:
	h->flows_busy++;
	return NO_RECORD;
}

#endif
