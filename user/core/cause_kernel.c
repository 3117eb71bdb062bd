/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Our side is wrong: the kernel sends it by another class than our routes say. Its own route tells
 * who is to blame: somebody's static route or ip rule, or the routing daemon, and then whether that
 * was ever told to prefer the better class.
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

static void tell_local_pref(const struct cause_facts *f, struct cause_told *told, struct text *msg,
			    struct text *fix, const struct candidate *used,
			    const struct candidate *better)
{
	uint32_t most = used->local_pref;

	told->cause = CAUSE_LOCAL_PREF_MISSING;
	if (better->local_pref == most)
		text_add(msg,
			 "; both have local preference %u, so the routing daemon decides by AS "
			 "path and age",
			 most);
	else
		text_add(msg, "; its local preference is %u, that of %s only %u", most,
			 f->available[0], better->local_pref);
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
		 better->local_pref, f->available[0], used->local_pref, text);
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
	if (better->local_pref <= used->local_pref)
		tell_local_pref(f, told, msg, fix, used, better);
	else if (f->kernel.known)
		tell_daemon(f, told, msg, fix, used, better);
	else
		return false;
	return true;
}
