/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether the programs can see all that passes, by direction: what is not seen must not be told as
 * having gone elsewhere. Paths' hooks are what counts: TC egress sees each packet that leaves (but
 * what XDP sends, which records it itself), TC ingress each that comes.
 */
#include "daemon/daemon_impl.h"

static uint32_t unwatched_now(struct daemon *d)
{
	uint32_t unwatched = 0;

	for (size_t i = 0; i < d->n_ports; i++) {
		const struct edge_port *port = &d->port[i];

		if (port->role != SW_ROLE_PATH || !port->present)
			continue;
		if (!datapath_attached(d->dp, port->name, HOOK_TC_INGRESS))
			unwatched |= SW_UNWATCHED_IN;
		if (!datapath_attached(d->dp, port->name, HOOK_TC_EGRESS))
			unwatched |= SW_UNWATCHED_OUT;
	}
	return unwatched;
}

void watch_update(struct daemon *d)
{
	uint32_t unwatched = unwatched_now(d);
	struct sw_ctl *c = datapath_ctl(d->dp);

	/* the time first: who sees nothing unwatched finds since when */
	if (!unwatched && (c->unwatched || !c->watched_ns))
		__atomic_store_n(&c->watched_ns, clock_now(), __ATOMIC_RELEASE);
	if (unwatched == c->unwatched)
		return;
	__atomic_store_n(&c->unwatched, unwatched, __ATOMIC_RELEASE);
	if (d->ticks) /* at the start it is no news */
		daemon_log("%s", unwatched ? "a path lacks a hook (`sameway status`): flows of one "
					     "direction are blind, not one-way, until it is back"
					   : "every path has its hooks: one-way flows are told");
}
