/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The verdict that a pair of prefixes would get, from the two views: the way out by this edge's
 * routes, the way back by what Azure has learned. A destination's way out is chosen once, a
 * source's way back found once, and a pair is no more than the two compared, by the order of
 * scenarios.md's reading key. Policy rules are asked of a pair by its two prefixes: one that asks
 * for more of a packet may have a part of its traffic, which is named. Cause and words are
 * cause.h's, as for a flow that was seen. Pure.
 */
#ifndef SAMEWAY_CORE_AUDIT_H
#define SAMEWAY_CORE_AUDIT_H

#include "core/cause.h"

struct network_watch;

struct audit {
	const struct incident_context *ctx;
	const struct network_watch *watch; /* knows what was lost in failures; NULL: nothing is */
	/* IPv4, IPv6: paths that select may take, and those that it may take as last resort */
	uint64_t usable[2], last[2];
	int down; /* id of a path that is taken out; -1: none */
};

/* A way out. */
struct audit_forward {
	uint64_t paths; /* 0: none; the rest is unset but for `expected` */
	enum sw_class class;
	char circuit[SW_NAME_LEN]; /* of all of them; empty: of several */
	bool degraded;		   /* a better class has candidates, or had them */
	bool last_resort;
	bool has_expected; /* W of the reading key */
	enum sw_class expected;
	/* That it is by, NULL: the ladder; the rest is of it */
	const struct config_rule *rule;
	bool dropped; /* it denies all, or allows nothing that is usable; and nothing is sent */
	bool must_encrypt; /* and so by `allowed` alone, in both directions */
	bool better;	   /* W comes before what is used, in its order */
	uint64_t allowed;  /* the paths that it lists */
	uint64_t wanted;   /* W's paths */
};

/* A way back. */
struct audit_return {
	bool known; /* else the rest is unset but for `lost` */
	bool lost;  /* Azure had a way back, before the path was taken out */
	enum sw_class class;
	char circuit[SW_NAME_LEN]; /* as the feed names it, empty: not told */
	bool stale;
	bool second_hand; /* as route.second_hand: of ExpressRoute's edge, which sees no VPN */
	uint64_t age_ns;
	struct prefix prefix; /* what matched */
};

/*
 * Whose answers come how. The remote view is what a gateway of Azure has learned; what is behind it
 * goes by all of it. What this gateway itself reaches by ExpressRoute or by VPN is behind another
 * one, and answers by that class: between the two there is no transit (facts of Azure; without
 * Route Server).
 */
enum audit_by { AUDIT_BY_ANY, AUDIT_BY_EXPRESSROUTE, AUDIT_BY_VPN, AUDIT_BY_COUNT };

/* By number, the rules whose `from` (`to`) has a row's host; or some of its prefix. */
struct audit_rules {
	uint64_t has[SW_RULE_WORDS], meets[SW_RULE_WORDS];
};

/*
 * An inside network, or a more specific one in it that Azure has learned, that this box has as own
 * route, or that a rule is from. As in a route table, what has a row of its own is not meant by the
 * row that covers it.
 */
struct audit_source {
	struct prefix prefix;
	struct ip_addr host; /* one of it that no other row has */
	bool rest;	     /* others have a part of it */
	bool vpn_seen; /* Azure has something of ours by VPN: its VPN's table is in the view */
	struct audit_rules rules;
	/* was: before the path was taken out */
	struct audit_return back[AUDIT_BY_COUNT], was[AUDIT_BY_COUNT];
};

/* A learned prefix, or a part of it that a rule is for. */
struct audit_destination {
	const struct rib_node *node; /* NULL: it has no candidate any more (audit_lost()) */
	struct prefix prefix;
	struct ip_addr host; /* one of it that no more specific row has, if there is any */
	struct audit_rules rules;
	const struct config_rule *rule; /* that `forward` and `was` are asked by, NULL: none */
	struct audit_forward forward, was;
	enum audit_by by;
	bool vpn_only; /* that is a guess: nobody offers it by anything else */
};

/* Verdicts are enum sw_verdict, or these: the way back is not known; a rule denies it. */
#define AUDIT_UNKNOWN -1
#define AUDIT_DENIED  -2

/* All sources, in order of prefix; the caller frees them. 0 or -ENOMEM. */
int audit_sources(const struct audit *audit, struct audit_source **out, size_t *n);
/*
 * Whether it is judged: a learned prefix, not one that is exempt or on this side of the edge; by
 * the ladder, as yet.
 */
bool audit_destination(const struct audit *audit, const struct rib_node *node,
		       struct audit_destination *out);
/*
 * Prefixes that may be lost: the next behind *at into it (the first, where it has not begun).
 * False: there is none. And whether that one is: nothing leads to it, and something did, or should.
 */
bool audit_lost_after(const struct audit *audit, bool begun, struct prefix *at);
bool audit_lost(const struct audit *audit, const struct prefix *prefix,
		struct audit_destination *out);
/*
 * The first part of the destination behind `after` (its own prefix, or a part's) that a rule asks
 * for by its addresses alone: a row of its own, as in a route table. False: there is none.
 */
bool audit_part(const struct audit *audit, const struct audit_destination *whole,
		const struct prefix *after, struct audit_destination *out);
/* Narrows it to one address: as a row for it alone. */
void audit_destination_of(const struct audit *audit, const struct ip_addr *dst,
			  struct audit_destination *out);
/*
 * The rule that the pair's packets go by, NULL: none. part[]: those before it that may have some of
 * them, by what a pair does not tell of a packet.
 */
const struct config_rule *audit_rule(const struct audit *audit, const struct audit_source *src,
				     const struct audit_destination *dst,
				     uint64_t part[SW_RULE_WORDS]);
/* Has the destination's ways out chosen by the rule, NULL: by the ladder. */
void audit_destination_by(const struct audit *audit, struct audit_destination *dst,
			  const struct config_rule *rule);
/* The source of an address: as a row for it alone. */
void audit_source_of(const struct audit *audit, const struct ip_addr *src,
		     struct audit_source *out);
/* Which of the source's ways back the destination's answers take. */
enum audit_by audit_by(const struct audit_source *src, const struct audit_destination *dst);
/*
 * What select (bpf/select.h) would choose for packets to the prefix (NULL: of no candidate) by a
 * rule (NULL: none), or, in monitor mode, what the routing daemon has chosen, where a feed tells;
 * `down`: paths that are out.
 */
struct audit_forward audit_choose(const struct audit *audit, const struct rib_node *node,
				  uint64_t down, const struct config_rule *rule);
int audit_verdict(const struct audit *audit, const struct audit_forward *forward,
		  const struct audit_return *back);
/* NULL: AUDIT_UNKNOWN, AUDIT_DENIED. */
const char *audit_verdict_name(int verdict);
/* Whether there is something to tell of the verdict; of AUDIT_DENIED a message alone. */
bool audit_has_cause(int verdict);
/* Cause and words. Asks ctx->kernel_route where the cause depends on it. */
void audit_tell(const struct audit *audit, const struct audit_source *src,
		const struct audit_destination *dst, int verdict, struct cause_told *told);

#endif
