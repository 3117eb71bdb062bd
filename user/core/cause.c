/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From facts to words. The decision follows the reading key of scenarios.md, row by row: F is the
 * forward class, R the reverse class, W the class of the first usable tier. What this edge can't
 * know (Azure's own tables) is said so, never guessed.
 */
#include <string.h>

#include "core/cause_text.h"

#define NAME_TEXT(id, text) text,
static const char *const cause_names[] = {CAUSES(NAME_TEXT)};
static const char *const verdict_names[] = {SW_VERDICTS(NAME_TEXT) NETWORK_KINDS(NAME_TEXT)};

const char *incident_verdict_name(unsigned int verdict)
{
	return verdict < NETWORK_END ? verdict_names[verdict] : "unknown";
}

const char *cause_name(enum cause cause)
{
	return cause < CAUSE_COUNT ? cause_names[cause] : "unknown";
}

const char *side_name(enum side side)
{
	static const char *const names[] = {"unknown", "onprem", "azure"};

	return names[side];
}

const char *severity_name(enum severity severity)
{
	static const char *const names[] = {"info", "notice", "warning", "critical"};

	return names[severity];
}

bool cause_opens(uint8_t verdict)
{
	return verdict == SW_VERDICT_ASYMMETRIC || verdict == SW_VERDICT_INTER_CIRCUIT ||
	       verdict == SW_VERDICT_POLICY_VIOLATION || verdict == SW_VERDICT_FAILOVER ||
	       verdict == SW_VERDICT_ONE_WAY || verdict == SW_VERDICT_LOOP_OR_SPOOF;
}

enum severity cause_severity(uint8_t verdict, enum cause cause, bool stateful, size_t prefixes_lost)
{
	/* nothing arrives, or in clear what a rule wants encrypted */
	if (cause == CAUSE_UNENCRYPTED || cause == CAUSE_OVERLAP || cause == CAUSE_PREFIX_LIMIT)
		return SEVERITY_CRITICAL;
	if (verdict == SW_VERDICT_FAILOVER)
		return prefixes_lost ? SEVERITY_CRITICAL : SEVERITY_NOTICE;
	if (cause == CAUSE_ER_DATAPLANE || cause == CAUSE_BACKUP_BLACKHOLE)
		return SEVERITY_CRITICAL;
	if (verdict == SW_VERDICT_ONE_WAY && cause == CAUSE_OTHER_EDGE)
		return stateful ? SEVERITY_WARNING : SEVERITY_INFO;
	if (verdict == SW_VERDICT_ONE_WAY || verdict == SW_VERDICT_LOOP_OR_SPOOF)
		return SEVERITY_WARNING;
	return stateful ? SEVERITY_CRITICAL : SEVERITY_WARNING;
}

static void add_way(struct text *t, const char *verb, const struct cause_way *way)
{
	if (way->path < 0)
		text_add(t, "%s by no path that was seen here", verb);
	else
		text_add(t, "%s by %s (%s, %s)", verb, way->name, class_name(way->class),
			 way->interface);
}

/* "SRC -> DST leaves by A and returns by B", how every message begins. */
static void add_ways(struct text *t, const struct cause_facts *f)
{
	char src[PREFIX_STRLEN], dst[PREFIX_STRLEN];

	text_add(t, "%s -> %s ", prefix_format(&f->src, src), prefix_format(&f->dst, dst));
	add_way(t, "leaves", &f->forward);
	text_add(t, " and ");
	add_way(t, "returns", &f->reverse);
	if (f->must_encrypt)
		text_add(t, ", expected vpn by a rule");
	else if (f->has_expected)
		text_add(t, ", expected %s by %s%s", class_name(f->expected),
			 f->rule ? "rule " : "our routes", f->rule ? f->rule : "");
}

static void add_routes(struct text *t, const struct cause_facts *f)
{
	char buf[PREFIX_STRLEN];

	for (size_t i = 0; i < f->n_routes; i++) {
		const struct cause_route *r = &f->route[i];

		text_add(t, "%s", i ? "; " : ". Routes: ");
		if (!r->candidate) {
			text_add(t, "%s none", r->path);
			continue;
		}
		text_add(t, "%s %s", r->path, prefix_format(&r->prefix, buf));
		text_as_path(t, r->candidate->attr);
		text_add(t, " local_pref %u", r->candidate->attr->local_pref);
	}
}

/* Same class, other circuit or path: INTER-CIRCUIT, or what a narrower `scope` makes of it. */
static void tell_circuits(const struct cause_facts *f, struct text *msg, struct text *fix)
{
	if (f->forward.path < 0 || f->reverse.path < 0) {
		text_add(msg, ": one direction was not seen");
		text_add(fix, "see both directions with `sameway flows`");
		return;
	}
	if (strcmp(f->forward.circuit, f->reverse.circuit)) {
		text_add(msg, ": it leaves by circuit %s and returns by circuit %s",
			 f->forward.circuit, f->reverse.circuit);
		text_add(fix,
			 "make both sides prefer the same circuit: align the connection weight in "
			 "Azure and the AS-path prepend we announce on %s and %s with our local "
			 "preference",
			 f->forward.circuit, f->reverse.circuit);
		return;
	}
	text_add(msg, ": two paths of circuit %s", f->forward.circuit);
	text_add(fix,
		 "align AS-path prepend and local preference of %s and %s, or set `scope: class`, "
		 "if a circuit's paths may share",
		 f->forward.name, f->reverse.name);
}

/* F is not W: we, or the kernel in our place, did not follow our own routes. */
static void tell_not_expected(const struct cause_facts *f, struct cause_told *told,
			      struct text *msg, struct text *fix)
{
	text_add(msg, ": sent by %s though %s is available by ", f->forward.name,
		 class_name(f->expected));
	text_available(msg, f);
	if (!cause_own_tell(f, told, msg, fix))
		text_add(fix,
			 "find what sends it by %s: compare local preference on both neighbors "
			 "(higher on %s), and look for a static or policy route (`ip route get`, "
			 "`ip rule`)",
			 f->forward.name, class_name(f->expected));
	if (f->monitor)
		text_add(fix, "; in `mode: monitor` the kernel chooses, `mode: enforce` mends it");
}

static void tell_drained(const struct cause_facts *f, struct text *msg, struct text *fix)
{
	text_add(msg,
		 ": %s is drained here, which moves our direction only: they return by it "
		 "still",
		 f->reverse.name);
	text_add(fix,
		 "`sameway path %s undrain` when the work is done; to move their direction too, "
		 "let the routing daemon withdraw what it advertises on %s, or prepend",
		 f->reverse.name, f->reverse.name);
}

/* Azure returns by a class that no path here is of. */
static void tell_elsewhere(const struct cause_facts *f, struct cause_told *told, struct text *msg,
			   struct text *fix)
{
	told->cause = CAUSE_OTHER_EDGE;
	text_add(msg, ": Azure returns by %s%s%s, and no path of this edge is of that",
		 class_name(f->remote.class), f->remote.circuit[0] ? ", circuit " : "",
		 f->remote.circuit);
	text_add(fix, "the answers come home by another edge: run sameway there too, or advertise "
		      "the prefix on this edge's sessions alone");
}

static void tell_asymmetric(const struct cause_facts *f, struct cause_told *told, struct text *msg,
			    struct text *fix)
{
	if (f->forward.path >= 0 && f->reverse.path < 0 && f->remote.known && !f->remote.here) {
		tell_elsewhere(f, told, msg, fix);
	} else if (f->forward.path < 0 || f->reverse.path < 0 ||
		   f->forward.class == f->reverse.class) {
		tell_circuits(f, msg, fix);
	} else if (!f->has_expected) {
		text_add(msg, ": no route for it is usable here");
		text_add(fix, "see what the feeds say with `sameway routes`, and why no path is "
			      "usable with `sameway paths`");
	} else if (f->more_specific) {
		told->cause = CAUSE_VPN_MORE_SPECIFIC;
		told->side = SIDE_ONPREM;
		cause_more_specific_tell(f, &f->vpn_prefix, &f->er_prefix, msg, fix);
	} else if (f->forward.class != f->expected) {
		told->side = SIDE_ONPREM;
		tell_not_expected(f, told, msg, fix);
	} else if (f->reverse_drained) {
		told->cause = CAUSE_DRAINED;
		told->side = SIDE_ONPREM;
		tell_drained(f, msg, fix);
	} else {
		told->side = SIDE_AZURE;
		cause_azure_tell(f, told, msg, fix);
	}
}

/* What a rule wants encrypted, seen on a path that does not encrypt. */
static bool in_clear(const struct cause_facts *f)
{
	const struct cause_way *out = &f->forward, *in = &f->reverse;

	if (f->verdict != SW_VERDICT_ASYMMETRIC && f->verdict != SW_VERDICT_POLICY_VIOLATION)
		return false;
	return f->must_encrypt && ((out->path >= 0 && out->class != SW_CLASS_VPN) ||
				   (in->path >= 0 && in->class != SW_CLASS_VPN));
}

static void tell_unencrypted(const struct cause_facts *f, struct cause_told *told, struct text *msg,
			     struct text *fix)
{
	bool ours = f->forward.path >= 0 && f->forward.class != SW_CLASS_VPN;
	const struct cause_way *way = ours ? &f->forward : &f->reverse;
	char src[PREFIX_STRLEN];

	told->cause = CAUSE_UNENCRYPTED;
	told->side = ours ? SIDE_ONPREM : SIDE_AZURE;
	text_add(msg,
		 ": a rule wants it on the VPN, and it was seen in clear on %s, which does "
		 "not encrypt",
		 way->name);
	if (ours)
		text_add(fix,
			 "%s; let the routing daemon prefer the VPN for it too: a higher local "
			 "preference for that prefix on the VPN's neighbor",
			 f->monitor ? "`mode: enforce` keeps it on the VPN (monitor moves nothing)"
				    : "see with `sameway explain` which rule and path it gets");
	else
		text_add(fix,
			 "Azure answers by %s: advertise more specific prefixes of %s on the VPN "
			 "session than on ExpressRoute's (same prefixes on both go unencrypted "
			 "over ExpressRoute)",
			 way->name, prefix_format(&f->src, src));
}

/* Symmetric since we made it so: what is to be mended is theirs. */
static void tell_reflected(const struct cause_facts *f, struct cause_told *told, struct text *msg,
			   struct text *fix)
{
	told->cause = CAUSE_AZURE_PREFERENCE;
	told->side = SIDE_AZURE;
	text_add(msg, ": they return by %s, and we follow (`asymmetry: action: reflect`)",
		 f->reverse.name);
	if (f->n_available) {
		text_add(msg, ", available: ");
		text_available(msg, f);
	}
	text_add(fix, "have Azure return by the better class: compare the prefixes advertised on "
		      "both sessions and Azure's routing preference; we go back by ourselves when "
		      "it does");
}

static void tell_policy(const struct cause_facts *f, struct cause_told *told, struct text *msg,
			struct text *fix)
{
	if (f->reflected) {
		tell_reflected(f, told, msg, fix);
		return;
	}
	told->side = SIDE_ONPREM;
	if (f->must_encrypt && f->rule) { /* by another VPN, else it is in clear */
		told->side = SIDE_UNKNOWN;
		text_add(msg, ": rule %s has it on ", f->rule);
		text_available(msg, f);
		text_add(msg, " in both directions");
		text_add(fix,
			 "list that other VPN in rule %s, if it will do; else have Azure answer by "
			 "the one that it lists",
			 f->rule);
		return;
	}
	text_add(msg, ": the better class is not used in either direction");
	if (f->n_available) {
		text_add(msg, ", available: ");
		text_available(msg, f);
	}
	if (!cause_own_tell(f, told, msg, fix))
		text_add(fix, "look for a static or policy route here (`ip route get`, `ip rule`) "
			      "and compare local preference");
	text_add(fix, "; Azure prefers the same path: check the prefixes advertised on both "
		      "sessions and its routing preference; mind the VPN's bandwidth and cost");
	if (f->monitor)
		text_add(fix, "; in `mode: monitor` the kernel chooses, `mode: enforce` moves our "
			      "direction");
}

static void tell_verdict(const struct cause_facts *f, struct cause_told *told, struct text *msg,
			 struct text *fix)
{
	switch (f->verdict) {
	case SW_VERDICT_ASYMMETRIC:
		tell_asymmetric(f, told, msg, fix);
		break;
	case SW_VERDICT_POLICY_VIOLATION:
		tell_policy(f, told, msg, fix);
		break;
	case SW_VERDICT_FAILOVER:
		cause_failover_tell(f, told, msg, fix);
		break;
	case SW_VERDICT_ONE_WAY:
		cause_one_way_tell(f, told, msg, fix);
		break;
	case SW_VERDICT_LOOP_OR_SPOOF:
		cause_spoof_tell(f, msg, fix);
		break;
	default:
		tell_circuits(f, msg, fix);
		break;
	}
}

void cause_tell(const struct cause_facts *f, struct cause_told *told)
{
	struct text msg = {told->message, 0}, fix = {told->fix, 0};

	told->cause = CAUSE_UNKNOWN;
	told->side = SIDE_UNKNOWN;
	told->message[0] = told->fix[0] = 0;
	if (f->if_down)
		text_add(&msg, "if %s fails: ", f->if_down);
	if (f->verdict != SW_VERDICT_LOOP_OR_SPOOF)
		add_ways(&msg, f);
	if (in_clear(f))
		tell_unencrypted(f, told, &msg, &fix);
	else
		tell_verdict(f, told, &msg, &fix);
	if (f->dropped)
		text_add(&msg, "; its answers are dropped here (`asymmetry: action: drop`)");
	add_routes(&msg, f);
	if (f->verdict != SW_VERDICT_LOOP_OR_SPOOF && f->verdict != SW_VERDICT_FAILOVER)
		cause_remote_add(f, &msg);
	told->severity = cause_severity(f->verdict, told->cause, f->stateful, f->prefixes_lost);
}
