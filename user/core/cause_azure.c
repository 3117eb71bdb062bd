/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Our side follows its routes, and they return by another class: what Azure's own tables (the
 * remote view), our latest changes and black holes say of why. Without a remote view it is a hint,
 * and which feed would say more.
 */
#include <string.h>

#include "core/cause_text.h"

static unsigned int seconds(uint64_t ns)
{
	return (unsigned int)(ns / 1000000000);
}

void cause_remote_add(const struct cause_facts *f, struct text *msg)
{
	const struct cause_remote *r = &f->remote;
	const struct cause_route *route[] = {&r->er, &r->vpn};
	char buf[PREFIX_STRLEN];
	bool any = false;

	if (!r->known)
		return;
	text_add(msg, ". Azure's tables (%u s old):", seconds(r->age_ns));
	for (size_t i = 0; i < 2; i++) {
		const struct candidate *c = route[i]->candidate;

		if (!c)
			continue;
		text_add(msg, "%s %s %s", any ? ";" : "", prefix_format(&route[i]->prefix, buf),
			 class_name((enum sw_class)c->attr->class));
		if (c->attr->circuit[0])
			text_add(msg, " %s", c->attr->circuit);
		text_as_path(msg, c->attr);
		any = true;
	}
	if (!any)
		text_add(msg, " %s %s", prefix_format(&r->prefix, buf), class_name(r->class));
}

void cause_feed_hint(const struct cause_facts *f, struct text *fix)
{
	if (f->remote.fed)
		text_add(fix, " The remote view has no route to it: feed the table of the gateway "
			      "that answers");
	else
		text_add(fix, " To know, feed what Azure has learned: `feeds: - { name: azure, "
			      "type: azure, view: remote, interval: 60s, command: \"az network "
			      "vnet-gateway list-learned-routes -g GROUP -n GATEWAY\" }`");
}

static void tell_blind(const struct cause_facts *f, struct cause_told *told, struct text *msg,
		       struct text *fix)
{
	told->cause = CAUSE_AZURE_PREFERENCE;
	text_add(msg, ": we send by ExpressRoute, they return by VPN");
	text_add(fix, "compare the prefixes that we advertise on both on-prem sessions (same "
		      "lengths? a more specific one on the VPN?): ");
	fix_compare_advertised(fix, f, &f->forward, &f->reverse);
	text_add(fix, "; then Azure's hubRoutingPreference (Route Server, vWAN) and the connection "
		      "weights; without a remote view sameway can't tell which of them it is.");
	cause_feed_hint(f, fix);
}

/* Azure may be slower than we are: back to ExpressRoute, or away from what we have lost. */
static void tell_convergence(const struct cause_facts *f, struct cause_told *told, struct text *msg,
			     struct text *fix)
{
	unsigned int ago = seconds((uint64_t)f->changed_ago_ns);

	told->cause = CAUSE_CONVERGENCE;
	if (f->forward.class == SW_CLASS_EXPRESSROUTE) {
		text_add(msg, ": %s came back %u s ago, and Azure still returns by %s",
			 f->forward.name, ago, f->reverse.name);
		text_add(fix, "wait: Azure's gateways take up to a minute, without BFD up to 180 s "
			      "of BGP's hold time; if it stays, see incident failback-stuck");
	} else {
		text_add(msg, ": our routes left %s %u s ago, and Azure still returns by it",
			 f->reverse.name, ago);
		text_add(fix, "have both sides notice at the same time, by BFD with Microsoft's "
			      "edge (else up to 180 s of BGP's hold time): ");
		fix_bfd(fix, f, &f->reverse);
	}
}

static void tell_longer(const struct cause_facts *f, struct cause_told *told, struct text *msg,
			struct text *fix)
{
	const struct cause_remote *r = &f->remote;
	char vpn[PREFIX_STRLEN], er[PREFIX_STRLEN];

	told->cause = CAUSE_ONPREM_MORE_SPECIFIC;
	prefix_format(&r->vpn.prefix, vpn);
	prefix_format(&r->er.prefix, er);
	text_add(msg,
		 ": on-prem advertises %s on the VPN and %s on ExpressRoute, and Azure "
		 "returns by the longer one",
		 vpn, er);
	text_add(fix, "advertise the same prefixes on both sessions: stop %s on the VPN", vpn);
	fix_deny(fix, f, &f->reverse, &r->vpn.prefix, "out");
	text_add(fix, "; or advertise %s on ExpressRoute too", vpn);
}

static void tell_not_advertised(const struct cause_facts *f, struct cause_told *told,
				struct text *msg, struct text *fix)
{
	const struct cause_remote *r = &f->remote;
	char buf[PREFIX_STRLEN], vpn[PREFIX_STRLEN];

	told->cause = CAUSE_NOT_ADVERTISED_ON_ER;
	prefix_format(&r->vpn.prefix, vpn);
	text_add(msg,
		 ": Azure has %s by the VPN alone, it is not advertised on ExpressRoute (and "
		 "has no redundancy)",
		 vpn);
	for (size_t i = 0, n = 0; i < r->n_missing; i++)
		if (!prefix_equal(&r->missing[i], &r->vpn.prefix))
			text_add(msg, "%s%s", n++ ? ", " : "; so are ",
				 prefix_format(&r->missing[i], buf));
	text_add(fix, "add %s to what is advertised to %s (the Microsoft peer)", vpn,
		 f->forward.name);
	fix_permit_out(fix, f, &f->forward, &r->vpn.prefix);
	text_add(fix, "; compare ");
	fix_compare_advertised(fix, f, &f->forward, &f->reverse);
}

/* Both are there, of one length, or the VPN's is the shorter: Azure was told to prefer it. */
static void tell_preference(const struct cause_facts *f, struct cause_told *told, struct text *msg,
			    struct text *fix)
{
	const struct cause_remote *r = &f->remote;
	const struct attributes *er = r->er.candidate ? r->er.candidate->attr : NULL;
	const struct attributes *vpn = r->vpn.candidate ? r->vpn.candidate->attr : NULL;
	char prefix[PREFIX_STRLEN];

	told->cause = CAUSE_AZURE_PREFERENCE;
	prefix_format(&r->prefix, prefix);
	if (vpn) {
		text_add(msg, ": Azure has %s by both, and returns by VPN", prefix);
		if (er && vpn->n_as < er->n_as)
			text_add(msg, ", whose AS path is shorter (%u against %u)", vpn->n_as,
				 er->n_as);
		text_add(fix,
			 "set hubRoutingPreference (Route Server, vWAN) to ExpressRoute: now it is "
			 "VpnGateway, or ASPath and the VPN's is shorter (then prepend on %s); or "
			 "mirror it here with `prefer:`",
			 f->reverse.name);
	} else {
		text_add(msg,
			 ": Azure's tables have %s by ExpressRoute alone, and yet they "
			 "return by VPN",
			 prefix);
		text_add(fix, "look for a user-defined route in the VNet (`az network nic "
			      "show-effective-route-table`), an appliance, or a table of another "
			      "gateway");
	}
	text_add(fix,
		 "; where that is not it, ExpressRoute's data path behind Microsoft's edge "
		 "may be cut, whatever BGP says: `sameway path %s drain` moves us to the VPN",
		 f->forward.name);
}

static void tell_dataplane(const struct cause_facts *f, struct cause_told *told, struct text *msg,
			   struct text *fix)
{
	char prefix[PREFIX_STRLEN];

	told->cause = CAUSE_ER_DATAPLANE;
	if (f->forward_dead)
		text_add(msg, ": nothing comes back of what leaves by %s, though its BGP is up",
			 f->forward.name);
	else
		text_add(msg,
			 ": circuit %s has %s, and the VNet's gateway has it by VPN alone: "
			 "their connection is down",
			 f->forward.circuit, prefix_format(&f->remote.er.prefix, prefix));
	text_add(fix,
		 "`sameway path %s drain` moves our direction to %s at once; don't trust that BGP "
		 "is up: look at the circuit's connection to the gateway (`az network vnet-gateway "
		 "list-bgp-peer-status`) and for planned maintenance (Service Health)",
		 f->forward.name, f->reverse.name);
}

/* Out by ExpressRoute as it should be, back by the VPN. */
static void tell_by_vpn(const struct cause_facts *f, struct cause_told *told, struct text *msg,
			struct text *fix)
{
	const struct cause_remote *r = &f->remote;
	bool near = f->changed_ago_ns >= 0;
	/* a table from before the change says nothing of after it */
	bool old = near && r->age_ns > (uint64_t)f->changed_ago_ns;

	if (f->forward_dead)
		tell_dataplane(f, told, msg, fix);
	else if (r->known && !old && r->class == SW_CLASS_VPN && r->er.candidate && !r->far)
		tell_longer(f, told, msg, fix);
	else if (near)
		tell_convergence(f, told, msg, fix);
	else if (!r->known)
		tell_blind(f, told, msg, fix);
	else if (r->far)
		tell_dataplane(f, told, msg, fix);
	else if (r->class == SW_CLASS_VPN && r->vpn.candidate && !r->er.candidate)
		tell_not_advertised(f, told, msg, fix);
	else
		tell_preference(f, told, msg, fix);
}

void cause_azure_tell(const struct cause_facts *f, struct cause_told *told, struct text *msg,
		      struct text *fix)
{
	if (f->forward.class == SW_CLASS_EXPRESSROUTE && f->reverse.class == SW_CLASS_VPN) {
		tell_by_vpn(f, told, msg, fix);
	} else if (f->changed_ago_ns >= 0) {
		tell_convergence(f, told, msg, fix);
	} else {
		text_add(msg, ": we follow our routes, they return by %s",
			 class_name(f->reverse.class));
		text_add(fix,
			 "compare what we advertise on %s and %s, and which of them Azure "
			 "prefers: ",
			 f->forward.name, f->reverse.name);
		fix_compare_advertised(fix, f, &f->forward, &f->reverse);
		if (!f->remote.known) {
			text_add(fix, ".");
			cause_feed_hint(f, fix);
		}
	}
}
