/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is full, so that something is lost: prefixes that the FIB's tables or groups don't take,
 * flows without a record, events that were not sent. Each lasts as long as it grows, and a minute.
 */
#include <string.h>

#include "core/cause_text.h"
#include "core/network_watch.h"

#define GREW_NS 60000000000ULL

enum { FULL_PREFIXES, FULL_FLOWS, FULL_EVENTS, FULL_TIERS };

static struct network_state full_of(const char *what)
{
	struct network_state s = network_state_of(NETWORK_LIMIT, what, -1);

	s.side = SIDE_ONPREM;
	return s;
}

static void prefixes_tell(struct network_watch *watch, const struct incident_context *ctx,
			  const struct network_counts *now, struct incidents *set)
{
	struct network_state prefixes = full_of("prefixes"), tiers = full_of("tiers");
	struct text msg = {prefixes.message, 0}, fix = {prefixes.fix, 0};
	struct text tiers_msg = {tiers.message, 0}, tiers_fix = {tiers.fix, 0};

	text_add(&msg,
		 "%zu %s not fit into the maps: their packets go by the kernel's routes, or by a "
		 "shorter prefix",
		 now->refused, now->refused == 1 ? "prefix does" : "prefixes do");
	text_add(&fix, "summarise or filter what is announced, or give `fib:` more nodes (`sameway "
		       "detach` before)");
	network_held(set, ctx, &watch->full[FULL_PREFIXES], &prefixes, now->refused, 0, 0);
	tiers.severity = SEVERITY_NOTICE;
	text_add(&tiers_msg,
		 "%zu %s left out: a prefix has %d at most, so that some paths would not take over",
		 now->tiers_cut,
		 now->tiers_cut == 1 ? "tier of a prefix is" : "tiers of prefixes are",
		 SW_MAX_TIERS);
	text_add(&tiers_fix, "let candidates be equal (same local preference), or fewer");
	network_held(set, ctx, &watch->full[FULL_TIERS], &tiers, now->tiers_cut, 0, 0);
}

/* Whether it has grown, not long ago. */
static bool grew(struct network_watch *watch, size_t at, uint64_t before, uint64_t now_count,
		 uint64_t now)
{
	if (watch->counts_known && now_count > before)
		watch->grew_ns[at] = now;
	return watch->grew_ns[at] && now < watch->grew_ns[at] + GREW_NS;
}

static void flows_tell(struct network_watch *watch, const struct incident_context *ctx,
		       const struct network_counts *now, struct incidents *set)
{
	const struct network_counts *before = &watch->counts;
	struct network_state s = full_of("flows");
	struct text msg = {s.message, 0}, fix = {s.fix, 0};
	bool full = grew(watch, 0, before->flows_full, now->flows_full, ctx->now);
	bool forgotten = grew(watch, 1, before->flows_forgotten, now->flows_forgotten, ctx->now);

	if (full)
		text_add(&msg,
			 "the flow table is full: packets found no room for a record, %llu since "
			 "the start",
			 (unsigned long long)now->flows_full);
	else
		text_add(&msg,
			 "the flow table is full: records of flows in use are taken for new "
			 "ones, %llu since the start",
			 (unsigned long long)now->flows_forgotten);
	text_add(&msg, "; packets are sent on as ever, flows may have no verdict");
	text_add(&fix,
		 "more than `flows: %u`, `flows6: %u` (`sameway doctor` says which; `sameway "
		 "detach` before)",
		 now->flows, now->flows6);
	network_held(set, ctx, &watch->full[FULL_FLOWS], &s, full || forgotten, 0, 0);
}

void network_full_tell(struct network_watch *watch, const struct incident_context *ctx,
		       const struct network_facts *facts, struct incidents *set)
{
	const struct network_counts *now = &facts->counts;
	struct network_state s = full_of("events");
	struct text msg = {s.message, 0}, fix = {s.fix, 0};
	bool lost = grew(watch, 2, watch->counts.events_lost, now->events_lost, ctx->now);

	prefixes_tell(watch, ctx, now, set);
	flows_tell(watch, ctx, now, set);
	text_add(&msg,
		 "events of flows were replaced before they could be sent, %llu since the start: "
		 "verdicts changed faster than they were read; scans find what lasts",
		 (unsigned long long)now->events_lost);
	text_add(&fix, "see what makes so many flows change (`sameway counters`), and whether this "
		       "box has CPU left");
	s.severity = SEVERITY_NOTICE;
	network_held(set, ctx, &watch->full[FULL_EVENTS], &s, lost, 0, 0);
	watch->counts = *now;
	watch->counts_known = true;
}
