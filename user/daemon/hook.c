/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which hook an interface's packets are moved at. `hook: auto` is XDP in enforce, but on a veth
 * that has brought whole GSO frames to TC: there XDP would cost more than it saves. Judged when XDP
 * is about to be put on (enforce, reload, start) and not again: a hook must not change by itself.
 * What is moved by XDP does not come to TC, and so says nothing.
 */
#include "daemon/daemon_impl.h"

#include "core/gso.h"

#include <string.h>

/* What all the ports that are on the interface brought to TC, since the start of the maps. */
static struct gso_seen evidence(struct daemon *d, const char *name)
{
	struct gso_seen seen = {0};
	struct sw_reasons row;

	for (size_t i = 0; i < d->n_ports; i++) {
		if (strcmp(d->port[i].name, name) || maps_reasons(d->maps, d->port[i].slot, &row))
			continue;
		seen.frames += row.tc_frames;
		seen.gso_frames += row.gso_frames;
		seen.gso_packets += row.gso_packets;
	}
	return seen;
}

enum hook hook_wanted(const struct daemon *d, const struct edge_port *port)
{
	if (d->attach.leaving || d->cfg->mode != SW_MODE_ENFORCE || d->forward != SW_FORWARD_FAST ||
	    port->link.l3 || port->hook == CONFIG_HOOK_TC || port->stays_tc)
		return HOOK_COUNT;
	return port->hook == CONFIG_HOOK_XDP_GENERIC ? HOOK_XDP_GENERIC : HOOK_XDP;
}

static bool may_choose(const struct daemon *d, const struct edge_port *port)
{
	return port->hook == CONFIG_HOOK_AUTO && d->cfg->mode == SW_MODE_ENFORCE &&
	       d->forward == SW_FORWARD_FAST && !port->link.l3;
}

void hook_judge(struct daemon *d, struct edge_port *port)
{
	bool stayed = port->stays_tc;
	struct gso_seen seen;

	port->stays_tc = false;
	if (!may_choose(d, port))
		return;
	port->judged = true;
	if (!links_is_veth(port->name) ||
	    datapath_runs(d->dp, port->link.ifindex, port->name, HOOK_XDP))
		return;
	seen = evidence(d, port->name);
	port->stays_tc = gso_worth_tc(&seen);
	if (port->stays_tc && !stayed && edge_port_leads(d, port))
		daemon_log("%s stays at tc: it is a veth and brought %llu packets in %llu frames, "
			   "%llu of them whole GSO frames: XDP would take them one by one; `hook: "
			   "xdp` has it so",
			   port->name, (unsigned long long)gso_seen_packets(&seen),
			   (unsigned long long)seen.frames, (unsigned long long)seen.gso_frames);
}

json_t *hook_rows(struct daemon *d)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < d->n_ports; i++) {
		const struct edge_port *port = &d->port[i];
		struct gso_seen seen;

		if (!port->present || !may_choose(d, port) || !edge_port_leads(d, port) ||
		    !links_is_veth(port->name))
			continue;
		seen = evidence(d, port->name);
		json_array_append_new(rows,
				      json_pack("{s:s, s:s, s:I, s:I, s:I}", "interface",
						port->name, "hook", port->stays_tc ? "tc" : "xdp",
						"tc_frames", (json_int_t)seen.frames, "gso_frames",
						(json_int_t)seen.gso_frames, "gso_packets",
						(json_int_t)seen.gso_packets));
	}
	return rows;
}
