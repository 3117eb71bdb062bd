/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A record for a new flow: the steps of flow_table.h. With the table full that is one line of the
 * index and the record of the flow that is pushed out, both in no cache: what else there is to do
 * is done without a call or a guessed branch an entry (number.h).
 */
#ifndef SAMEWAY_BPF_FLOW_PUT_H
#define SAMEWAY_BPF_FLOW_PUT_H

#define POOL_TRIES 8 /* free records are had and given back by CPUs that race */
#define LINES_NEAR 4 /* looked at for a record to take */

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
 * How far it is one to be taken: answered, unanswered, idle, dead, by four bits each; then by age;
 * the first of equals. 0: it is not.
 */
#define RANKS_LIVE 0x013ULL /* by class: SW_ENTRY_DEAD below */
#define RANKS_IDLE 0x223ULL

static __always_inline __u64 entry_spare(__u64 e, __u32 units, __u32 place)
{
	__u64 age = (units - e) & SW_ENTRY_TIME;
	__u64 idle = is_negative(SW_IDLE_UNITS - age);
	__u64 rank = (RANKS_IDLE << 32 | RANKS_LIVE) >> (idle << 5 | SW_ENTRY_CLASS(e) << 2) & 15;
	/* older than its lease, and not of a CPU whose clock is ahead; there, and not BUSY */
	__u64 may = ~((age - SW_LEASE_UNITS) | (SW_ENTRY_TIME - SW_AHEAD_UNITS - age)) &
		    -SW_ENTRY_TAG(e) & ~(e << 40);

	return (rank << 24 | age << 3 | (7 - place)) & -is_negative(may);
}

/*
 * Takes the record of the least worthy flow of a line whose lease is over, and its entry: for a
 * flow of the line, by its tag (it is BUSY then), or 0: it is free. Returns the record, and above
 * 32 bits the entry's place; NO_RECORD: there is none.
 */
__noinline __u64 line_evict(__u32 family, __u32 hash, __u32 units, __u64 tag)
{
	struct sw_flow_line *line = hash_line(family, hash);
	__u64 most = 0, spare, victim, mine;
	struct sw_health *h = health_row();
	struct sw_flow_record *rec;
	union sw_flow_word w;
	__u32 at;

	if (!line)
		return NO_RECORD;
	for (at = 0; at < SW_LINE_ENTRIES; at++) {
		spare = entry_spare(*(volatile __u64 *)&line->e[at], units, at);
		most = number_if(is_negative(most - spare), spare, most);
	}
	at = 7 - (most & 7);
	victim = *(volatile __u64 *)&line->e[at];
	mine = tag ? entry_make(tag, SW_ENTRY_REC(victim), SW_ENTRY_NEW, units) : victim;
	if (!entry_spare(victim, units, at) ||
	    __sync_val_compare_and_swap(&line->e[at], victim, mine | SW_ENTRY_BUSY) != victim)
		return NO_RECORD;
	rec = flow_row(family, SW_ENTRY_REC(victim));
	if (rec) {
		w.word = *(volatile __u64 *)&rec->state.word;
		w.s.used = 0;
		w.s.reuse++;
		__sync_lock_test_and_set(&rec->state.word, w.word);
	}
	if (!tag)
		__sync_lock_test_and_set(&line->e[at], 0);
	if (h) {
		h->flows_evicted++;
		h->flows_forgotten += !(most >> 24);
	}
	return (__u64)at << 32 | SW_ENTRY_REC(victim);
}

/* What a line says of a flow that is to be made: nothing, somebody is at it, or it is there. */
enum view { VIEW_NONE, VIEW_BUSY, VIEW_FOUND };

/* Of the entries but `mine`, SW_LINE_ENTRIES: of all. */
__noinline int line_view(const struct sw_flow_key *key, const struct sw_flow_line *line, __u64 tag,
			 __u32 mine)
{
	int view = VIEW_NONE;
	__u64 e;
	__u32 i;

	if (!key || !line)
		return VIEW_BUSY;
	for (i = 0; i < SW_LINE_ENTRIES; i++) {
		e = *(const volatile __u64 *)&line->e[i];
		if (i == mine || SW_ENTRY_TAG(e) != tag)
			continue;
		if (e & SW_ENTRY_BUSY)
			view = VIEW_BUSY;
		else if (flow_is(key, SW_ENTRY_REC(e)))
			return VIEW_FOUND;
	}
	return view;
}

/* How many entries have the tag. */
static __always_inline __u32 line_tags(const struct sw_flow_line *line, __u64 tag)
{
	__u32 i, n = 0;

	for (i = 0; i < SW_LINE_ENTRIES; i++)
		n += is_negative((SW_ENTRY_TAG(*(const volatile __u64 *)&line->e[i]) ^ tag) - 1);
	return n;
}

/* The first that is free; none: SW_LINE_ENTRIES. */
static __always_inline __u32 line_free(const struct sw_flow_line *line)
{
	__u64 free, at = SW_LINE_ENTRIES;
	__u32 i;

	for (i = SW_LINE_ENTRIES; i--;) {
		free = is_negative(SW_ENTRY_TAG(*(const volatile __u64 *)&line->e[i]) - 1);
		at = number_if(free, i, at);
	}
	return at;
}

/* A record that is in no entry: free, or taken from a line nearby. */
static __always_inline __u32 record_near(__u8 family, __u32 hash, __u32 units)
{
	__u32 record = NO_RECORD, near;

	for (near = 1; near < LINES_NEAR && record == NO_RECORD; near++)
		record = line_evict(family, hash ^ near, units, 0);
	return record;
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

/* What to make a flow has come to: the entry's place above the record, or one of these. */
#define CLAIM_FULL NO_RECORD
#define CLAIM_BUSY (NO_RECORD - 1)

/* A record for a flow, and an entry of its line, BUSY with its tag. */
static __always_inline __u64 flow_claim(struct sw_flow_line *line, __u8 family, __u64 hash,
					__u32 units)
{
	__u32 entry = line_free(line), record = NO_RECORD;
	struct sw_health *h = health_row();
	__u64 taken, tag = flow_tag(hash);

	if (entry < SW_LINE_ENTRIES)
		record = pool_take(family);
	if (record == NO_RECORD) {
		taken = line_evict(family, hash, units, tag);
		if ((__u32)taken != NO_RECORD)
			return taken;
		if (entry < SW_LINE_ENTRIES)
			record = record_near(family, hash, units);
	}
	if (record == NO_RECORD)
		return CLAIM_FULL;
	if (__sync_val_compare_and_swap(&line->e[entry & (SW_LINE_ENTRIES - 1)], 0,
					entry_make(tag, record, SW_ENTRY_NEW, units) |
						SW_ENTRY_BUSY)) {
		if (h)
			h->flows_leaked += pool_give(family, record) != 0;
		return CLAIM_BUSY;
	}
	return (__u64)entry << 32 | record;
}

/*
 * A record for a flow that flow_look() did not find; it may be there by now. NO_RECORD, which is
 * counted: none can be had. about: SW_FLOW_*, of a new one. Else as flow_look().
 */
__noinline __u64 flow_put(const struct sw_flow_key *key, __u64 hash, __u64 now, __u32 about)
{
	struct sw_health *h = health_row();
	__u32 units = lease_units(now), entry;
	__u64 tag = flow_tag(hash), taken, reuse;
	struct sw_flow_line *line;
	int view;

	if (!key || !h)
		return NO_RECORD;
	line = hash_line(key->family, hash);
	if (!line)
		return NO_RECORD;
	if (line_tags(line, tag)) {
		view = line_view(key, line, tag, SW_LINE_ENTRIES);
		if (view == VIEW_FOUND)
			return flow_look(key, hash, now, LOOK_USE);
		if (view == VIEW_BUSY)
			goto busy;
	}
	taken = flow_claim(line, key->family, hash, units);
	if ((__u32)taken == CLAIM_FULL) {
		h->flows_full++;
		return NO_RECORD;
	}
	if ((__u32)taken == CLAIM_BUSY)
		goto busy;
	entry = taken >> 32 & (SW_LINE_ENTRIES - 1);
	if (line_tags(line, tag) > 1) {
		view = line_view(key, line, tag, entry);
		if (view != VIEW_NONE) {
			__sync_lock_test_and_set(&line->e[entry], 0);
			h->flows_leaked += pool_give(key->family, taken) != 0;
			if (view == VIEW_BUSY)
				goto busy;
			return flow_look(key, hash, now, LOOK_USE);
		}
	}
	reuse = record_write(key, taken, now, about);
	/* behind the exchange of the state, and nobody else writes it while it is BUSY */
	*(volatile __u64 *)&line->e[entry] = entry_make(tag, (__u32)taken, SW_ENTRY_NEW, units);
	return reuse << 32 | (__u32)taken;
busy:
	h->flows_busy++;
	return NO_RECORD;
}

#endif
