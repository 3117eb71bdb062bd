/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Words for what this edge sees one direction of: by evidence of a flow, or a black hole; and for
 * its own packets coming back.
 */
#include "core/cause_text.h"

/* Azure's own tables say where the answers go. */
static void tell_return(const struct cause_facts *f, struct cause_told *told, struct text *msg,
			struct text *fix)
{
	const struct cause_remote *r = &f->remote;
	char prefix[PREFIX_STRLEN];

	if (!r->known) {
		text_add(fix, " Which edge do Azure's effective routes of that host name as next "
			      "hop for our prefix (`az network nic show-effective-route-table`)?");
		cause_feed_hint(f, fix);
		return;
	}
	prefix_format(&r->prefix, prefix);
	if (!r->here) {
		told->cause = CAUSE_OTHER_EDGE;
		text_add(msg, "; Azure returns %s by %s%s%s, which is not at this edge", prefix,
			 class_name(r->class), r->circuit[0] ? ", circuit " : "", r->circuit);
		text_add(fix,
			 " To have the answers here, advertise %s on this edge's sessions alone, "
			 "or prefer this circuit by connection weight",
			 prefix);
	} else {
		text_add(msg,
			 "; Azure returns %s by %s%s%s, which this edge has, too: the "
			 "answers may come by another router of it",
			 prefix, class_name(r->class), r->circuit[0] ? ", circuit " : "",
			 r->circuit);
	}
}

/* The longer prefix of another site, by Azure's VPN, is what Azure answers to. */
static bool overlaps(const struct cause_facts *f)
{
	const struct cause_remote *r = &f->remote;

	return r->known && r->class == SW_CLASS_VPN && r->vpn_foreign && r->vpn.candidate &&
	       (!r->er.candidate || r->er.prefix.len < r->vpn.prefix.len);
}

static void tell_overlap(const struct cause_facts *f, struct cause_told *told, struct text *msg,
			 struct text *fix)
{
	const struct attributes *a = f->remote.vpn.candidate->attr;
	char prefix[PREFIX_STRLEN];

	told->cause = CAUSE_OVERLAP;
	told->side = SIDE_AZURE;
	prefix_format(&f->remote.vpn.prefix, prefix);
	text_add(msg, "; another site announces %s, a part of ours, to Azure's VPN", prefix);
	if (a->n_as)
		text_add(msg, " (AS %u)", a->as_path[a->n_as - 1]);
	text_add(msg, ", and gets the answers");
	text_add(fix,
		 "renumber that site, or have it filter %s; until then our hosts in %s are not "
		 "reached from Azure: use those outside of it",
		 prefix, prefix);
}

static void tell_dead(const struct cause_facts *f, struct cause_told *told, struct text *msg,
		      struct text *fix)
{
	const char *name = f->forward.name;

	if (f->forward.class == SW_CLASS_VPN) {
		told->cause = CAUSE_BACKUP_BLACKHOLE;
		text_add(msg, "; its BGP may be up all the same");
		text_add(fix,
			 "look at the tunnel's SA (`swanctl --list-sas`, `show crypto ipsec sa`), "
			 "in Azure at a user-defined route on GatewaySubnet, network security "
			 "groups, `az network vpn-connection show` and `az network vnet-gateway "
			 "list-bgp-peer-status`; test the backup each quarter with `sameway path "
			 "... drain --for 5m`");
	} else if (f->forward.class == SW_CLASS_EXPRESSROUTE) {
		told->cause = CAUSE_ER_DATAPLANE;
		told->side = SIDE_AZURE;
		text_add(msg, "; that its BGP is up proves nothing");
		text_add(fix,
			 "`sameway path %s drain` moves it to the backup at once; then look for "
			 "planned maintenance of circuit %s (Service Health), %s and ask Microsoft "
			 "with the time",
			 name, f->forward.circuit,
			 f->silent.whole ? "at the circuit's connections to the gateways,"
					 : "at the connection of that VNet's gateway to the "
					   "circuit,");
	} else {
		text_add(fix, "trace from an inside host, and see who is the last to answer");
	}
	if (!f->forward.probed)
		text_add(fix,
			 "; `probe: { target: ... }` of path %s, a host beyond it, moves it by "
			 "itself the next time",
			 name);
}

static void tell_silent(const struct cause_facts *f, struct cause_told *told, struct text *msg,
			struct text *fix)
{
	const struct cause_silent *s = &f->silent;

	text_add(msg,
		 ": %zu flows to at least %zu hosts, answered before, send by %s, and for %u s no "
		 "packet "
		 "has come back from %s",
		 s->flows, s->hosts, f->forward.name, (unsigned int)(s->for_ns / 1000000000),
		 s->whole ? "anywhere" : "there, while others are answered");
	if (s->moves) {
		text_add(msg, "; they go on all the same: the answers come home by another way");
		text_add(fix, "run sameway on the other edge too, or tap both: one side can't call "
			      "it asymmetric.");
		tell_return(f, told, msg, fix);
	} else if (overlaps(f)) {
		tell_overlap(f, told, msg, fix);
	} else {
		tell_dead(f, told, msg, fix);
	}
}

void cause_one_way_tell(const struct cause_facts *f, struct cause_told *told, struct text *msg,
			struct text *fix)
{
	if (f->silent.flows && f->forward.path >= 0) {
		tell_silent(f, told, msg, fix);
		return;
	}
	if (f->no_syn)
		text_add(msg, ": a SYN-ACK passes here whose SYN did not");
	else
		text_add(msg, ": its ACK numbers grow over data that never passed here");
	if (f->forward.path < 0)
		text_add(msg, ", so the inside host sends by another way");
	else
		text_add(msg, ", so the answers come home by another way");
	text_add(fix, "run sameway on the other edge too, or tap both: one side can't call it "
		      "asymmetric.");
	if (f->forward.path < 0)
		text_add(fix, " Where does the inside host's gateway send it (`ip route get`, "
			      "traceroute from there)?");
	else
		tell_return(f, told, msg, fix);
}

void cause_spoof_tell(const struct cause_facts *f, struct text *msg, struct text *fix)
{
	char src[PREFIX_STRLEN], dst[PREFIX_STRLEN];

	prefix_format(&f->src, src);
	prefix_format(&f->dst, dst);
	text_add(msg, "%s -> %s: packets with a source of ours come in", src, dst);
	if (f->reverse.path >= 0)
		text_add(msg, " by %s (%s, %s)", f->reverse.name, class_name(f->reverse.class),
			 f->reverse.interface);
	if (f->loops) {
		text_add(msg, ": a routing loop, they have left here before");
		if (f->forward.path >= 0)
			text_add(msg, " by %s", f->forward.name);
		text_add(fix,
			 "behind %s somebody's route for %s points back here: traceroute to it "
			 "shows the same hops again and again, with a TTL that falls",
			 f->reverse.path >= 0 ? f->reverse.name : "the path", dst);
	} else {
		text_add(msg, ": a spoofed source, none of that flow has left here");
		text_add(fix,
			 "find who sends them behind %s, and filter source %s there; or a part of "
			 "that network is on the far side: renumber it, or correct `networks:`",
			 f->reverse.path >= 0 ? f->reverse.name : "the path", src);
	}
	text_add(fix, f->monitor ? "; `mode: monitor` lets them pass, `mode: enforce` drops them"
				 : "; they are dropped here");
}
