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
		text_add(t, "%s by no path seen", verb);
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
	if (f->has_expected)
		text_add(t, ", expected %s by our routes", class_name(f->expected));
}

/* "12076x9 65021": repeats as one, as maintenance writes them. At most six. */
static void add_as_path(struct text *t, const struct attributes *a)
{
	size_t shown = 0;

	text_add(t, " as_path");
	if (!a->has_as_path) {
		text_add(t, " not known");
		return;
	}
	if (!a->n_as)
		text_add(t, " empty");
	for (size_t i = 0; i < a->n_as; shown++) {
		size_t run = 1;

		if (shown == 6) {
			text_add(t, " ...");
			return;
		}
		while (i + run < a->n_as && a->as_path[i + run] == a->as_path[i])
			run++;
		text_add(t, " %u", a->as_path[i]);
		if (run > 1)
			text_add(t, "x%zu", run);
		i += run;
	}
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
		add_as_path(t, r->candidate->attr);
		text_add(t, " local_pref %u", r->candidate->attr->local_pref);
	}
}

static void add_available(struct text *t, const struct cause_facts *f)
{
	for (size_t i = 0; i < f->n_available; i++)
		text_add(t, "%s%s", i ? ", " : "", f->available[i]);
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

static void tell_more_specific(const struct cause_facts *f, struct text *msg, struct text *fix)
{
	char vpn[PREFIX_STRLEN], er[PREFIX_STRLEN];

	prefix_format(&f->vpn_prefix, vpn);
	prefix_format(&f->er_prefix, er);
	text_add(msg, ": %s from the VPN is more specific than %s from ExpressRoute and wins", vpn,
		 er);
	text_add(fix, "filter %s inbound on the VPN neighbor of %s, or set `match: class-first`",
		 vpn, f->forward.name);
	if (f->er_prefix.len < f->class_first_min)
		text_add(fix, " with `class-first-min: %u`", f->er_prefix.len);
	text_add(fix, " so that %s by ExpressRoute wins", er);
}

static void tell_azure_preference(struct text *msg, struct text *fix)
{
	text_add(msg, ": we send by ExpressRoute, they return by VPN");
	text_add(fix,
		 "compare the prefixes that we advertise on both on-prem sessions (same lengths? "
		 "a more specific one on the VPN?), then Azure's hubRoutingPreference (Route "
		 "Server, vWAN) and the connection weights; without a remote view sameway can't "
		 "tell which of them it is");
}

/* F is not W: we, or the kernel in our place, did not follow our own routes. */
static void tell_not_expected(const struct cause_facts *f, struct cause_told *told,
			      struct text *msg, struct text *fix)
{
	text_add(msg, ": sent by %s though %s is available by ", f->forward.name,
		 class_name(f->expected));
	add_available(msg, f);
	if (!cause_kernel_tell(f, told, msg, fix))
		text_add(fix,
			 "find what sends it by %s: compare local preference on both neighbors "
			 "(higher on %s), and look for a static or policy route (`ip route get`, "
			 "`ip rule`)",
			 f->forward.name, class_name(f->expected));
	if (f->monitor)
		text_add(fix, "; in `mode: monitor` the kernel chooses, `mode: enforce` mends it");
}

static void tell_asymmetric(const struct cause_facts *f, struct cause_told *told, struct text *msg,
			    struct text *fix)
{
	if (f->forward.path < 0 || f->reverse.path < 0 || f->forward.class == f->reverse.class) {
		tell_circuits(f, msg, fix);
	} else if (!f->has_expected) {
		text_add(msg, ": no route for it is usable here");
		text_add(fix, "see what the feeds say with `sameway routes`, and why no path is "
			      "usable with `sameway paths`");
	} else if (f->more_specific) {
		told->cause = CAUSE_VPN_MORE_SPECIFIC;
		told->side = SIDE_ONPREM;
		tell_more_specific(f, msg, fix);
	} else if (f->forward.class != f->expected) {
		told->side = SIDE_ONPREM;
		tell_not_expected(f, told, msg, fix);
	} else if (f->reverse_drained) {
		told->cause = CAUSE_DRAINED;
		told->side = SIDE_ONPREM;
		text_add(msg,
			 ": %s is drained here, which moves our direction only: they return by "
			 "it still",
			 f->reverse.name);
		text_add(
			fix,
			"`sameway path %s undrain` when the work is done; to move their direction "
			"too, let the routing daemon withdraw what it advertises on %s, or prepend",
			f->reverse.name, f->reverse.name);
	} else if (f->expected == SW_CLASS_EXPRESSROUTE && f->reverse.class == SW_CLASS_VPN) {
		told->cause = CAUSE_AZURE_PREFERENCE;
		told->side = SIDE_AZURE;
		tell_azure_preference(msg, fix);
	} else {
		told->side = SIDE_AZURE;
		text_add(msg, ": we follow our routes, they return by %s",
			 class_name(f->reverse.class));
		text_add(fix,
			 "compare what we advertise on %s and %s, and which of them Azure prefers",
			 f->forward.name, f->reverse.name);
	}
}

static void tell_policy(const struct cause_facts *f, struct cause_told *told, struct text *msg,
			struct text *fix)
{
	text_add(msg, ": the better class is not used in either direction");
	if (f->n_available) {
		text_add(msg, ", available: ");
		add_available(msg, f);
	}
	if (!cause_kernel_tell(f, told, msg, fix))
		text_add(fix, "look for a static or policy route here (`ip route get`, `ip rule`) "
			      "and compare local preference");
	text_add(fix, "; Azure prefers the same path: check the prefixes advertised on both "
		      "sessions and its routing preference; mind the VPN's bandwidth and cost");
	if (f->monitor)
		text_add(fix, "; in `mode: monitor` the kernel chooses, `mode: enforce` moves our "
			      "direction");
}

void cause_tell(const struct cause_facts *f, struct cause_told *told)
{
	struct text msg = {told->message, 0}, fix = {told->fix, 0};

	told->cause = CAUSE_UNKNOWN;
	told->side = SIDE_UNKNOWN;
	told->message[0] = told->fix[0] = 0;
	if (f->verdict != SW_VERDICT_LOOP_OR_SPOOF)
		add_ways(&msg, f);
	switch (f->verdict) {
	case SW_VERDICT_ASYMMETRIC:
		tell_asymmetric(f, told, &msg, &fix);
		break;
	case SW_VERDICT_POLICY_VIOLATION:
		told->side = SIDE_ONPREM;
		tell_policy(f, told, &msg, &fix);
		break;
	case SW_VERDICT_FAILOVER:
		cause_failover_tell(f, told, &msg, &fix);
		break;
	case SW_VERDICT_ONE_WAY:
		cause_one_way_tell(f, &msg, &fix);
		break;
	case SW_VERDICT_LOOP_OR_SPOOF:
		cause_spoof_tell(f, &msg, &fix);
		break;
	default:
		tell_circuits(f, &msg, &fix);
		break;
	}
	add_routes(&msg, f);
	told->severity = cause_severity(f->verdict, told->cause, f->stateful, f->prefixes_lost);
}
