/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who else has a say in what TC egress moves. Output rules of this box: they saw a packet with the
 * device that the kernel chose, so nothing is moved while there are any. And another program that
 * moves packets at TC egress, too: the programs see what it does.
 */
#include "daemon/daemon_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TELL_NS 600000000000ULL

static void output_tell(struct daemon *d, bool obeyed, const char *found)
{
	if (obeyed == d->output_told || d->cfg->mode != SW_MODE_ENFORCE)
		return;
	d->output_told = obeyed;
	if (d->cfg->bypass_netfilter)
		return;
	if (obeyed)
		daemon_log("output rules are obeyed: %.200s: what this box sends stays on the "
			   "kernel's path, whatever the policy says; `bypass-netfilter: true` has "
			   "it moved all the same",
			   found);
	else
		daemon_log("no output rules any more: what this box sends goes by the policy's "
			   "path");
}

void egress_look(struct daemon *d)
{
	char found[300] = "";
	int ret;

	if (d->forward != SW_FORWARD_FAST) /* nothing is moved anyhow */
		return;
	ret = d->cfg->bypass_netfilter ? 0 : links_netfilter_output(found);
	if (ret == -EINTR) /* being changed: the next news, or the next look */
		return;
	if (ret < 0)
		snprintf(found, sizeof(found), "they can't be asked for (%s)", strerror(-ret));
	__atomic_store_n(&datapath_ctl(d->dp)->no_egress_moves, ret != 0, __ATOMIC_RELEASE);
	output_tell(d, ret != 0, found);
}

/* Left by the kernel's routes, against policy; said again after TELL_NS. */
static void stayed_tell(struct daemon *d, const struct edge_port *port, uint64_t packets)
{
	if (d->egress_now.stayed_told_ns && clock_now() - d->egress_now.stayed_told_ns < TELL_NS)
		return;
	d->egress_now.stayed_told_ns = clock_now();
	daemon_log("%llu packets of this box itself (or of interfaces that are not sameway's) left "
		   "by %s, where policy has another path: %s, so they go by the kernel's routes: "
		   "have those follow the policy (local preference in the routing daemon), or give "
		   "the sender an address of the path that it is to use",
		   (unsigned long long)packets, port->name,
		   d->forward == SW_FORWARD_KERNEL ? "the kernel forwards"
						   : "output rules are obeyed");
}

static void back_tell(struct daemon *d, const struct edge_port *port, uint64_t packets)
{
	if (d->egress_now.back_told_ns && clock_now() - d->egress_now.back_told_ns < TELL_NS)
		return;
	d->egress_now.back_told_ns = clock_now();
	daemon_log("%llu packets that came by a path left by %s: the kernel sends what comes from "
		   "outside there again, a loop until the TTL ends: look for a rule of all before "
		   "%u in `ip rule`, and for a route of inside by %s",
		   (unsigned long long)packets, port->name, d->cfg->tables, port->name);
}

static void denied_tell(struct daemon *d, const struct edge_port *port, uint64_t packets)
{
	if (d->egress_now.denied_told_ns && clock_now() - d->egress_now.denied_told_ns < TELL_NS)
		return;
	d->egress_now.denied_told_ns = clock_now();
	daemon_log("%llu packets that a rule keeps off %s were about to leave by it, sent by the "
		   "kernel's routes, and were dropped: exempt, local or marked by others: see "
		   "`ip route get`, and what writes marks",
		   (unsigned long long)packets, port->name);
}

static void kept_watch(struct daemon *d, const struct edge_port *port,
		       const struct sw_path_stats *stats)
{
	const struct egress_seen *seen = &d->egress_seen[port->slot];
	uint64_t stayed = stats->egress_stayed - seen->stayed;
	uint64_t back = stats->egress_back - seen->back;
	uint64_t denied = stats->egress_denied - seen->denied;

	d->egress_now.stayed += stats->egress_stayed;
	d->egress_now.back += stats->egress_back;
	if (seen->known && stayed) {
		d->egress_now.stayed_ns = clock_now();
		stayed_tell(d, port, stayed);
	}
	if (seen->known && back) {
		d->egress_now.back_ns = clock_now();
		back_tell(d, port, back);
	}
	if (seen->known && denied)
		denied_tell(d, port, denied);
}

static void path_watch(struct daemon *d, const struct edge_port *port)
{
	struct egress_seen *seen = &d->egress_seen[port->slot];
	struct sw_path_stats stats;

	if (maps_path_stats(d->maps, port->slot, &stats))
		return;
	kept_watch(d, port, &stats);
	if (seen->known && !seen->told && stats.egress_returned > seen->packets) {
		daemon_log("another program on this box moves packets: %llu that sameway had moved "
			   "away from %s came back to it and leave by it: look for a redirect in "
			   "`tc filter show dev X egress` and `bpftool link` of each path's "
			   "interface, and take it off",
			   (unsigned long long)(stats.egress_returned - seen->packets), port->name);
		seen->told = true;
	}
	seen->packets = stats.egress_returned;
	seen->stayed = stats.egress_stayed;
	seen->back = stats.egress_back;
	seen->denied = stats.egress_denied;
	seen->known = true;
}

void egress_watch(struct daemon *d)
{
	d->egress_now.stayed = d->egress_now.back = 0;
	for (size_t i = 0; i < d->n_ports; i++) {
		if (d->port[i].role == SW_ROLE_PATH)
			path_watch(d, &d->port[i]);
	}
}

static json_t *age(uint64_t when)
{
	return when ? json_real((double)(clock_now() - when) / 1e9) : json_null();
}

json_t *egress_row(const struct daemon *d)
{
	const struct egress_now *now = &d->egress_now;

	return json_pack("{s:I, s:o, s:I, s:o}", "stayed", (json_int_t)now->stayed, "stayed_s",
			 age(now->stayed_ns), "back", (json_int_t)now->back, "back_s",
			 age(now->back_ns));
}
