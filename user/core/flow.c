/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Times of a record are short and come round. What seems to be of the last minute before they do
 * so is of now: the record was written after the caller's `now` was taken.
 */
#include "core/flow.h"

#include <string.h>

#define AHEAD_NS (60 * 1000000000ULL)

/* The time of a count of 2^shift ns that has so many bits. */
static inline uint64_t time_unwrap(uint32_t count, unsigned int bits, unsigned int shift,
				   uint64_t now)
{
	uint64_t units = now >> shift, round = 1ULL << bits, age = (units - count) & (round - 1);

	if (age >= round - (AHEAD_NS >> shift))
		return (units + (round - age)) << shift;
	return age < units ? (units - age) << shift : 1;
}

struct ip_addr flow_address(const struct sw_flow_key *key, bool hi)
{
	struct ip_addr ip = {.family = key->family};

	memcpy(ip.bytes, hi ? key->hi : key->lo, key->family == 4 ? 4 : 16);
	return ip;
}

uint64_t flow_seen_ns(const struct sw_flow_record *r, uint64_t now)
{
	return time_unwrap(r->seen, 16, SW_SEEN_SHIFT, now);
}

static uint8_t path_unpack(unsigned int path)
{
	return path < SW_MAX_PATHS ? (uint8_t)path : SW_NO_PATH;
}

static uint64_t packets_unpack(uint64_t bytes, uint32_t packets)
{
	return bytes >> SW_FLOW_BYTES_BITS << 32 | packets;
}

static bool record_decode(const struct sw_flow_record *r, uint64_t now, struct flow *flow)
{
	const uint64_t bytes = (1ULL << SW_FLOW_BYTES_BITS) - 1;
	union sw_flow_word w = {.word = *(const volatile __u64 *)&r->state.word}; /* once */

	if (!w.s.used)
		return false;
	/* field by field: a copy of the whole would wait for its bytes, a million times a scan */
	flow->state.out = path_unpack(w.s.out);
	flow->state.in = path_unpack(w.s.in);
	flow->state.verdict = w.s.verdict;
	flow->state.answer = path_unpack(w.s.answer);
	flow->state.flags = (uint8_t)(w.s.out_fresh * SW_FLOW_OUT_FRESH |
				      w.s.in_fresh * SW_FLOW_IN_FRESH | w.s.event * SW_FLOW_EVENT);
	memset(flow->state.pad, 0, sizeof(flow->state.pad));
	flow->reuse = w.s.reuse;
	flow->told = w.s.told;
	flow->about = r->about & SW_FLOW_ABOUT;
	flow->evidence = (r->about & SW_FLOW_EVIDENCE) >> SW_FLOW_EVIDENCE_SHIFT;
	flow->judged = r->judged & SW_JUDGED_MASK;
	flow->closing = r->judged & ~SW_JUDGED_MASK;
	flow->created_ns = time_unwrap(r->created, 32, SW_TICK_SHIFT, now);
	flow->seen_ns = flow_seen_ns(r, now);
	flow->settle_ns = r->settle ? time_unwrap(r->settle, 32, SW_TICK_SHIFT, now) : 0;
	flow->moved_ns = r->settle && w.s.moved
				 ? flow->settle_ns + (uint64_t)((int64_t)sw_flow_moved(w.s.moved) *
								(1LL << SW_TICK_SHIFT))
				 : 0;
	flow->spoof_path = SW_NO_PATH;
	flow->spoof_ns = 0;
	if (r->about & SW_FLOW_SPOOFED) {
		flow->spoof_path = r->note & ((1U << SW_SPOOF_PATH_BITS) - 1);
		flow->spoof_ns = time_unwrap(r->note >> SW_SPOOF_PATH_BITS, 32 - SW_SPOOF_PATH_BITS,
					     SW_SPOOF_SHIFT, now);
	}
	flow->out_packets = packets_unpack(r->out_bytes, r->out_packets);
	flow->in_packets = packets_unpack(r->in_bytes, r->in_packets);
	flow->out_bytes = r->out_bytes & bytes;
	flow->in_bytes = r->in_bytes & bytes;
	return true;
}

void flow_rule_decode(struct flow *flow, uint32_t kept)
{
	if (SW_FLOW_RULE_REUSE(kept) != flow->reuse)
		kept = 0;
	flow->rule = kept & SW_FLOW_RULE_MASK;
	flow->rules_gen = SW_FLOW_RULE_GEN(kept);
}

const char *flow_rule_name(const struct flow *flow, const struct sw_rule_names names[2])
{
	for (int row = 0; flow->rule && flow->rule <= SW_MAX_RULES && row < 2; row++)
		if (names[row].gen && names[row].gen == flow->rules_gen)
			return names[row].name[flow->rule - 1];
	return NULL;
}

static void key_begin(const struct sw_flow_record *r, uint8_t family, struct sw_flow_key *key)
{
	memset(key, 0, sizeof(*key));
	key->lo_port = r->lo_port;
	key->hi_port = r->hi_port;
	key->proto = r->proto;
	key->family = family;
}

bool flow_decode4(const struct sw_flow4 *row, uint64_t now, struct sw_flow_key *key,
		  struct flow *flow)
{
	if (!record_decode(&row->r, now, flow))
		return false;
	key_begin(&row->r, 4, key);
	memcpy(key->lo, &row->lo, sizeof(row->lo));
	memcpy(key->hi, &row->hi, sizeof(row->hi));
	return true;
}

bool flow_decode6(const struct sw_flow6 *row, uint64_t now, struct sw_flow_key *key,
		  struct flow *flow)
{
	if (!record_decode(&row->r, now, flow))
		return false;
	key_begin(&row->r, 6, key);
	memcpy(key->lo, row->lo, sizeof(row->lo));
	memcpy(key->hi, row->hi, sizeof(row->hi));
	return true;
}
