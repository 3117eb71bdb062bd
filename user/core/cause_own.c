/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Our side is wrong: it goes by another class than our routes say. Who is to blame tell the
 * kernel's own route (somebody's static route or ip rule), what the routing daemon says it chose,
 * and both candidates: whether it was ever told to prefer the better class. Where the kernel sends
 * by sameway's marks, the daemon's choice is none of it: then somebody's route, rule or mark is in
 * the way.
 */
#include <stdio.h>
#include <string.h>

#include "core/cause_text.h"

#define LOCAL_PREF_USUAL 200 /* what Azure's articles set on ExpressRoute */

/* "10.10.30.0/24 dev tun30 proto static table main", as `ip route` writes it. */
static void route_format(const struct kernel_route *r, char *buf, size_t size)
{
	char prefix[PREFIX_STRLEN], table[16] = "main";

	if (r->table)
		snprintf(table, sizeof(table), "%u", r->table);
	snprintf(buf, size, "%s dev %s proto %s table %s", prefix_format(&r->prefix, prefix),
		 r->interface, r->protocol, table);
}

/* The RIB's candidate by the path of this name, where it is of the prefix itself. */
static const struct candidate *candidate_of(const struct cause_facts *f, const char *path,
					    struct prefix *prefix)
{
	for (size_t i = 0; i < f->n_routes; i++)
		if (!strcmp(f->route[i].path, path)) {
			*prefix = f->route[i].prefix;
			return f->route[i].candidate;
		}
	return NULL;
}

static void tell_override(const struct cause_facts *f, struct cause_told *told, struct text *msg,
			  struct text *fix)
{
	const struct kernel_route *r = &f->kernel.route;
	char text[160], prefix[PREFIX_STRLEN];

	route_format(r, text, sizeof(text));
	told->cause = CAUSE_FIB_OVERRIDE;
	text_add(msg, "; the kernel sends it by %s, over what BGP says", text);
	if (r->table)
		text_add(fix,
			 "see with `ip rule` what leads to table %u, and take that rule away, or "
			 "its route %s (`ip route show table %u`)",
			 r->table, prefix_format(&r->prefix, prefix), r->table);
	else
		text_add(fix, "take that route away (`ip route del %s dev %s`) where it is set",
			 prefix_format(&r->prefix, prefix), r->interface);
}

/* The fix of a route that the kernel took for what sameway had marked for another path. */
static void tell_in_way(const struct kernel_route *r, struct text *fix)
{
	char prefix[PREFIX_STRLEN], table[16] = "main";
	uint8_t family = r->prefix.family;

	prefix_format(&r->prefix, prefix);
	if (r->table)
		snprintf(table, sizeof(table), "%u", r->table);
	if (r->in_tables)
		text_add(fix,
			 "table %u is sameway's own (`tables:`): take that route away: `ip -%u "
			 "route del %s dev %s table %u`",
			 r->table, family, prefix, r->interface, r->table);
	else if (r->rule)
		text_add(fix,
			 "`ip rule` %u leads to table %s before sameway's own rules: `ip -%u rule "
			 "del priority %u`, or give it a priority behind theirs, or write another "
			 "`fwmark:` if it asks for bits of %#x",
			 r->rule, table, family, r->rule, r->mask);
	else
		text_add(fix,
			 "see with `ip -%u rule` which rule leads to table %s before sameway's "
			 "own, and take it away",
			 family, table);
}

/*
 * Sent by the kernel, by sameway's mark. Its route for the mark is somebody else's: it is in the
 * way. It is ours, and the packet left elsewhere: the mark was another when the kernel routed.
 */
static bool tell_marked(const struct cause_facts *f, struct cause_told *told, struct text *msg,
			struct text *fix)
{
	const struct kernel_route *r = &f->kernel.route;
	char text[160];

	if (f->kernel.known && !r->own) {
		route_format(r, text, sizeof(text));
		told->cause = CAUSE_FIB_OVERRIDE;
		text_add(msg, "; sameway marks it for %s (%#x), and the kernel sends it by %s",
			 f->available[0], r->mark, text);
		tell_in_way(r, fix);
	} else if (f->kernel.known && r->writer[0]) {
		told->cause = CAUSE_FIB_OVERRIDE;
		text_add(msg, "; sameway marks it for %s (%#x), and something changes that: %s",
			 f->available[0], r->mark, r->writer);
		text_add(fix,
			 "have that rule leave the bits %#x as they are (`meta mark set meta mark "
			 "& %#x | ...`), or write another `fwmark:`",
			 r->mask, ~r->mask);
	} else {
		text_add(msg, "; sameway marks it for %s (%#x)", f->available[0], r->mark);
		text_add(fix,
			 "find what takes it elsewhere: who writes bits of %#x before the kernel "
			 "routes (`nft list ruleset`, `iptables-save -t mangle`, `tc filter`), "
			 "then `ip rule` and `ip route get ... mark %#x`",
			 r->mask, r->mark);
	}
	return true;
}

/* How the routing daemon chooses between two of one local preference. */
static void add_tie(struct text *msg, const struct cause_facts *f, const struct attributes *used,
		    const struct attributes *better)
{
	if (!used->has_as_path || !better->has_as_path)
		text_add(msg, "so the routing daemon decides by AS path and age");
	else if (used->n_as < better->n_as)
		text_add(msg,
			 "so the routing daemon decides by AS path and age, and that of %s is "
			 "shorter (%u against %u)",
			 f->forward.name, used->n_as, better->n_as);
	else
		text_add(msg,
			 "so the routing daemon decides by AS path and age: the older path stays, "
			 "also when %s has come back",
			 f->better.name);
}

static void add_local_prefs(struct text *msg, const struct cause_facts *f,
			    const struct attributes *used, const struct attributes *better)
{
	if (better->local_pref == used->local_pref) {
		text_add(msg, "; both have local preference %u, ", used->local_pref);
		add_tie(msg, f, used, better);
	} else {
		text_add(msg, "; its local preference is %u, that of %s only %u", used->local_pref,
			 f->better.name, better->local_pref);
	}
}

static void tell_local_pref(const struct cause_facts *f, struct cause_told *told, struct text *msg,
			    struct text *fix, const struct attributes *used,
			    const struct attributes *better)
{
	uint32_t most = used->local_pref;

	if (better->maintenance) {
		told->cause = CAUSE_MAINTENANCE_NO_LOCAL_PREF;
		text_add(msg,
			 "; %s is under maintenance (Microsoft prepends 12076), Azure stays on it, "
			 "and here the longer AS path loses",
			 f->better.name);
	} else {
		told->cause = CAUSE_LOCAL_PREF_MISSING;
	}
	add_local_prefs(msg, f, used, better);
	fix_local_pref(fix, f, &f->better, most < LOCAL_PREF_USUAL ? LOCAL_PREF_USUAL : most + 100);
	if (better->maintenance) {
		text_add(fix, "; else it lasts as long as the maintenance, first of the primary, "
			      "then of the secondary connection");
	} else if (better->local_pref == most) {
		text_add(fix, "; a short cure: ");
		fix_clear(fix, f, &f->forward);
	}
}

static void tell_daemon(const struct cause_facts *f, struct cause_told *told, struct text *msg,
			struct text *fix, const struct attributes *used,
			const struct attributes *better)
{
	char text[160];

	told->cause = CAUSE_BGP_DAEMON;
	text_add(msg,
		 "; local preference is right (%u of %s against %u), and yet the routing "
		 "daemon ",
		 better->local_pref, f->better.name, used->local_pref);
	if (f->kernel.known) {
		route_format(&f->kernel.route, text, sizeof(text));
		text_add(msg, "wrote %s", text);
	} else {
		text_add(msg, "chose %s", f->forward.name);
	}
	text_add(fix, "look for a static route in the routing daemon itself; else have it choose "
		      "again: ");
	fix_clear(fix, f, &f->better);
	text_add(fix, ", and upgrade it (FRR 20447: after a flap the better path is not chosen)");
}

/* The daemon says that it chose the better one, and the packets go by the other. */
static void tell_not_followed(const struct cause_facts *f, struct cause_told *told,
			      struct text *msg, struct text *fix)
{
	char text[160];

	text_add(msg, "; the routing daemon itself chose %s", f->chosen.path);
	if (f->kernel.known) {
		route_format(&f->kernel.route, text, sizeof(text));
		told->cause = CAUSE_BGP_DAEMON;
		text_add(msg, ", and has not written it: the kernel has %s", text);
		text_add(fix, "have the routing daemon write its routes again: ");
		fix_clear(fix, f, &f->better);
	} else {
		told->cause = CAUSE_FIB_OVERRIDE;
		text_add(msg, ", so a static or policy route overrides it");
		text_add(fix,
			 "compare `ip route get` for the destination with what the routing daemon "
			 "has, then look in `ip rule` and for static routes by %s",
			 f->forward.interface);
	}
}

void cause_more_specific_tell(const struct cause_facts *f, const struct prefix *vpn,
			      const struct prefix *er, struct text *msg, struct text *fix)
{
	char longer[PREFIX_STRLEN], covering[PREFIX_STRLEN];

	prefix_format(vpn, longer);
	prefix_format(er, covering);
	text_add(msg, ": %s from the VPN is more specific than %s from ExpressRoute and wins",
		 longer, covering);
	text_add(fix, "filter %s inbound on the VPN neighbor of %s, or set `match: class-first`",
		 longer, f->forward.name);
	if (er->len < f->class_first_min)
		text_add(fix, " with `class-first-min: %u`", er->len);
	text_add(fix, " so that %s by ExpressRoute wins", covering);
	fix_deny(fix, f, &f->forward, vpn, "in");
}

/* Both candidates are there, and local preference of which says what. */
static bool tell_candidates(const struct cause_facts *f, struct cause_told *told, struct text *msg,
			    struct text *fix, const struct prefix *prefix,
			    const struct attributes *used, const struct attributes *better)
{
	const struct cause_route *chosen = &f->chosen;
	bool says = chosen->candidate && prefix_equal(&chosen->prefix, prefix);

	if (says && chosen->candidate->attr->class == f->expected)
		tell_not_followed(f, told, msg, fix);
	else if (better->local_pref <= used->local_pref)
		tell_local_pref(f, told, msg, fix, used, better);
	else if (f->kernel.known || (says && !strcmp(chosen->path, f->forward.name)))
		tell_daemon(f, told, msg, fix, used, better);
	else
		return false;
	return true;
}

bool cause_own_tell(const struct cause_facts *f, struct cause_told *told, struct text *msg,
		    struct text *fix)
{
	struct prefix used_prefix = {0}, better_prefix = {0};
	const struct candidate *used, *better;

	if (!f->n_available || f->forward.path < 0)
		return false;
	if (f->kernel.asked && f->kernel.route.marked)
		return tell_marked(f, told, msg, fix);
	used = candidate_of(f, f->forward.name, &used_prefix);
	better = candidate_of(f, f->better.name, &better_prefix);
	if (f->kernel.known) {
		if (strcmp(f->kernel.route.interface, f->forward.l3))
			return false; /* it was not the kernel's route that sent it there */
		if (!f->kernel.route.learned || f->kernel.route.table) {
			tell_override(f, told, msg, fix);
			return true;
		}
	}
	if (!used || !better || used == better || f->rule)
		return false;
	/* with class-first here, and the longest prefix in the routing daemon */
	if (used_prefix.len > better_prefix.len && used->attr->class == SW_CLASS_VPN) {
		told->cause = CAUSE_VPN_MORE_SPECIFIC;
		cause_more_specific_tell(f, &used_prefix, &better_prefix, msg, fix);
		return true;
	}
	return prefix_equal(&used_prefix, &better_prefix) &&
	       tell_candidates(f, told, msg, fix, &used_prefix, used->attr, better->attr);
}
