/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Our side is wrong: the kernel sends it by another class than our routes say. Its own route tells
 * who is to blame: somebody's static route or ip rule, or the routing daemon, and then whether that
 * was ever told to prefer the better class. Where the kernel sends by sameway's marks, the daemon's
 * choice is none of it: then somebody's route, rule or mark is in the way.
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

static void tell_local_pref(const struct cause_facts *f, struct cause_told *told, struct text *msg,
			    struct text *fix, const struct candidate *used,
			    const struct candidate *better)
{
	uint32_t most = used->attr->local_pref;

	told->cause = CAUSE_LOCAL_PREF_MISSING;
	if (better->attr->local_pref == most)
		text_add(msg,
			 "; both have local preference %u, so the routing daemon decides by AS "
			 "path and age",
			 most);
	else
		text_add(msg, "; its local preference is %u, that of %s only %u", most,
			 f->available[0], better->attr->local_pref);
	text_add(fix, "set local preference %u inbound on the neighbor of %s%s",
		 most < LOCAL_PREF_USUAL ? LOCAL_PREF_USUAL : most + 100, f->available[0],
		 f->expected == SW_CLASS_EXPRESSROUTE ? " (the Microsoft peer)" : "");
}

static void tell_daemon(const struct cause_facts *f, struct cause_told *told, struct text *msg,
			struct text *fix, const struct candidate *used,
			const struct candidate *better)
{
	char text[160];

	route_format(&f->kernel.route, text, sizeof(text));
	told->cause = CAUSE_BGP_DAEMON;
	text_add(msg,
		 "; local preference is right (%u of %s against %u), and yet the routing daemon "
		 "wrote %s",
		 better->attr->local_pref, f->available[0], used->attr->local_pref, text);
	text_add(fix,
		 "look for a static route in the routing daemon itself; else have it choose again "
		 "(FRR: `clear bgp * soft in`, BIRD: `reload in all`) and upgrade it");
}

bool cause_kernel_tell(const struct cause_facts *f, struct cause_told *told, struct text *msg,
		       struct text *fix)
{
	struct prefix used_prefix = {0}, better_prefix = {0};
	const struct candidate *used, *better;

	if (!f->n_available)
		return false;
	if (f->kernel.asked && f->kernel.route.marked)
		return tell_marked(f, told, msg, fix);
	used = candidate_of(f, f->forward.name, &used_prefix);
	better = candidate_of(f, f->available[0], &better_prefix);
	if (f->kernel.known) {
		if (strcmp(f->kernel.route.interface, f->forward.l3))
			return false; /* it was not the kernel's route that sent it there */
		if (!f->kernel.route.learned || f->kernel.route.table) {
			tell_override(f, told, msg, fix);
			return true;
		}
	}
	if (!used || !better || !prefix_equal(&used_prefix, &better_prefix))
		return false;
	if (better->attr->local_pref <= used->attr->local_pref)
		tell_local_pref(f, told, msg, fix, used, better);
	else if (f->kernel.known)
		tell_daemon(f, told, msg, fix, used, better);
	else
		return false;
	return true;
}
