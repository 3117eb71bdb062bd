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

static void path_watch(struct daemon *d, const struct edge_port *port)
{
	struct egress_seen *seen = &d->egress_seen[port->slot];
	struct sw_path_stats stats;

	if (seen->told || maps_path_stats(d->maps, port->slot, &stats))
		return;
	if (seen->known && stats.egress_returned > seen->packets) {
		daemon_log("another program on this box moves packets: %llu that sameway had moved "
			   "away from %s came back to it and leave by it: look for a redirect in "
			   "`tc filter show dev X egress` and `bpftool link` of each path's "
			   "interface, and take it off",
			   (unsigned long long)(stats.egress_returned - seen->packets), port->name);
		seen->told = true;
	}
	seen->packets = stats.egress_returned;
	seen->known = true;
}

void egress_watch(struct daemon *d)
{
	for (size_t i = 0; i < d->n_ports; i++) {
		if (d->port[i].role == SW_ROLE_PATH)
			path_watch(d, &d->port[i]);
	}
}
