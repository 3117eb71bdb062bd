/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which hook an interface's packets are moved at. `hook: auto` is XDP in enforce, but on a veth
 * that has brought whole GSO frames while TC had its packets: there XDP would cost more than it
 * saves. Judged when XDP is about to be put on (enforce, reload, start) and not again: what is
 * received under XDP tells nothing of it, and a hook must not change by itself.
 */
#include "daemon/daemon_impl.h"

#include <stdio.h>
#include <string.h>

/* Of all the ports that are on the interface, since the start of the maps. */
static struct gso_seen received(struct daemon *d, const char *name)
{
	struct gso_seen seen = {0};
	struct sw_reasons row;

	for (size_t i = 0; i < d->n_ports; i++) {
		const uint64_t *count = (const uint64_t *)&row;

		if (strcmp(d->port[i].name, name) || maps_reasons(d->maps, d->port[i].slot, &row))
			continue;
		for (size_t k = 0; k < SW_ACTION_COUNT * SW_REASON_COUNT; k++)
			seen.packets += count[k];
		seen.gso_frames += row.gso_frames;
		seen.gso_packets += row.gso_packets;
	}
	return seen;
}

/* The past is kept with one of the interface's ports: the first. */
static struct hook_past *past_of(struct daemon *d, const char *name)
{
	for (size_t i = 0; i < d->n_ports; i++) {
		if (!strcmp(d->port[i].name, name))
			return &d->past[d->port[i].slot];
	}
	return NULL;
}

/* What it received while TC had its packets. */
static struct gso_seen evidence(struct daemon *d, const char *name)
{
	struct gso_seen seen = received(d, name);
	struct hook_past *past = past_of(d, name);

	if (past && past->name[0] && strcmp(past->name, name)) { /* the slot was another's */
		snprintf(past->name, sizeof(past->name), "%s", name);
		past->seen = seen;
	}
	if (past && past->name[0]) {
		seen.packets -= past->seen.packets;
		seen.gso_frames -= past->seen.gso_frames;
		seen.gso_packets -= past->seen.gso_packets;
	}
	return seen;
}

void hook_left(struct daemon *d, const struct edge_port *port)
{
	struct hook_past *past = past_of(d, port->name);

	if (!past)
		return;
	snprintf(past->name, sizeof(past->name), "%s", port->name);
	past->seen = received(d, port->name);
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
		daemon_log("%s stays at tc: it is a veth and brought %llu whole GSO frames, %.1f "
			   "packets a frame of all: XDP would take them one by one; `hook: xdp` "
			   "does so even then",
			   port->name, (unsigned long long)seen.gso_frames, gso_mean(&seen));
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
		json_array_append_new(
			rows, json_pack("{s:s, s:s, s:I, s:I, s:I}", "interface", port->name,
					"hook", port->stays_tc ? "tc" : "xdp", "packets",
					(json_int_t)seen.packets, "gso_frames",
					(json_int_t)seen.gso_frames, "gso_packets",
					(json_int_t)seen.gso_packets));
	}
	return rows;
}
