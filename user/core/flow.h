/* SPDX-License-Identifier: GPL-2.0-only */
/* A flow as user space sees it: a packed record of the flow tables (abi.h), unpacked. Pure. */
#ifndef SAMEWAY_CORE_FLOW_H
#define SAMEWAY_CORE_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "core/prefix.h"
#include "sameway/abi.h"

struct flow {
	struct sw_flow_state state;
	uint32_t record; /* its number in the table of its family */
	uint16_t reuse;	 /* which of the flows that had the record it is */
	uint8_t told;	 /* verdict of the last event sent */
	uint8_t about;	 /* SW_FLOW_INSIDE_IS_HI ... SW_FLOW_LOOPS */
	uint8_t evidence;
	uint8_t spoof_path; /* where its inside host's packet came by, SW_NO_PATH: none did */
	/* the policy rule that decided it, number and one, and of which generation of the rules; 0:
	 * none, or none was asked for yet */
	uint16_t rule, rules_gen;
	uint32_t judged;  /* generation when last judged, 0: never */
	uint32_t closing; /* SW_TCP_* */
	/* CLOCK_MONOTONIC, to 1 ms, seen_ns and spoof_ns to 268 and 67 ms; 0: never */
	uint64_t created_ns;
	uint64_t seen_ns; /* last packet of either direction */
	uint64_t settle_ns, moved_ns;
	uint64_t spoof_ns;
	uint64_t out_packets, out_bytes, in_packets, in_bytes;
};

/* The address of one end: of key->hi, else of key->lo. */
struct ip_addr flow_address(const struct sw_flow_key *key, bool hi);
/* Last packet of a record in use, whichever flow's it is; now: as below. */
uint64_t flow_seen_ns(const struct sw_flow_record *r, uint64_t now);
/*
 * now: CLOCK_MONOTONIC, not more than a minute before the record was last written. Of `flow` all
 * but `record`, `rule` and `rules_gen` is set. False: the record is nobody's.
 */
bool flow_decode4(const struct sw_flow4 *row, uint64_t now, struct sw_flow_key *key,
		  struct flow *flow);
bool flow_decode6(const struct sw_flow6 *row, uint64_t now, struct sw_flow_key *key,
		  struct flow *flow);

/* The same of what is kept of its rule (map `flow_rules`), once the rest of `flow` is there. */
void flow_rule_decode(struct flow *flow, uint32_t kept);
/* Name of the flow's rule, of map `rule_names`; NULL: none, or of rules that are not there any
 * more.
 */
const char *flow_rule_name(const struct flow *flow, const struct sw_rule_names names[2]);

#endif
