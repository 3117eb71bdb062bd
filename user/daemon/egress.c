/* SPDX-License-Identifier: GPL-2.0-only */
/* Another program on this box that moves packets at TC egress, too: the programs see what it does.
 */
#include "daemon/daemon_impl.h"

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
