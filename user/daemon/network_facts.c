/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What core/network_watch.h judges by: paths, feeds, counters, and where the kernel would send the
 * VPN's own packets. What costs a system call is asked each few seconds.
 */
#include "core/blackhole.h"
#include "daemon/daemon_impl.h"
#include "kernel/route_query.h"
#include "kernel/tunnel_end.h"

#include <string.h>

#define ASK_PERIOD 5 /* ticks */

/* Each feed of this edge's routes is up, and one of them has all candidates. */
static bool routes_told(const struct daemon *d)
{
	bool all = false;

	for (size_t i = 0; i < d->cfg->n_feeds; i++) {
		const struct feed_slot *slot = &d->feeds[i];
		struct feed_status st = {0};

		if (slot->cfg->type == FEED_AZURE || !slot->feed)
			continue;
		slot->type->status(slot->feed, &st);
		if (st.state != FEED_UP)
			return false;
		all |= st.sees_all;
	}
	return all;
}

static uint64_t hold_longer(const struct sw_hold *timer, uint64_t hold, uint64_t now)
{
	bool counts = timer->down || now - timer->failed_ns < SW_FAILBACK_MAX_NS;

	return counts && timer->hold_ns > hold ? timer->hold_ns : hold;
}

/*
 * How long it is held back now, by us or by the kernel's timer: what doubled it long ago counts no
 * more.
 */
static uint64_t hold_now(const struct daemon *d, unsigned int id, uint64_t now)
{
	const struct path_state *p = &d->path[id];
	const struct sw_hold *carrier = &datapath_carrier(d->dp)[id].hold;
	uint64_t hold = d->cfg->failback_delay_ns;

	if (p->hold_ns && (p->hold_until_ns || now - p->failed_ns < SW_FAILBACK_MAX_NS))
		hold = p->hold_ns;
	if (carrier->down)
		hold = hold_longer(carrier, hold, now);
	return hold_longer(&datapath_bfd(d->dp)[id].hold, hold, now);
}

static void facts_paths(struct daemon *d)
{
	struct network_facts *f = &d->facts;
	uint64_t now = clock_now();

	f->usable = d->usable;
	f->objected = f->reset = f->held = 0;
	for (unsigned int id = 0; id < SW_MAX_PATHS; id++) {
		const struct path_state *p = &d->path[id];

		if (!p->cfg)
			continue;
		f->objected |= (uint64_t)(p->objected || !((d->bfd & d->link) >> id & 1)) << id;
		f->held |= (uint64_t)p->held << id;
		f->reset |= (uint64_t)attach_resets(d, id) << id;
		f->hold_ns[id] = hold_now(d, id, now);
	}
}

static void facts_counts(struct daemon *d)
{
	struct network_facts *f = &d->facts;
	struct fib_counts fib = fib_counts(d->fib);
	struct sw_reasons reasons;
	struct sw_health health;

	f->counts.refused = fib.refused;
	f->counts.tiers_cut = fib.tiers_cut;
	f->counts.flows = d->cfg->flows;
	f->counts.flows6 = d->cfg->flows6;
	if (!maps_health(d->maps, &health)) {
		f->counts.flows_full = health.flows_full;
		f->counts.flows_forgotten = health.flows_forgotten;
		f->counts.events_lost = health.events_lost;
	}
	for (unsigned int id = 0; id < SW_MAX_PATHS; id++)
		if (d->path[id].cfg && d->path[id].cfg->class == SW_CLASS_VPN &&
		    !maps_reasons(d->maps, id, &reasons))
			f->transit[id] = reasons.pass.transit_denied + reasons.drop.transit_denied;
}

static void end_add(struct network_facts *f, const struct ip_addr *addr, const char *device)
{
	struct network_end *end;

	if (f->n_ends == NETWORK_ENDS)
		return;
	end = &f->end[f->n_ends++];
	*end = (struct network_end){.addr = *addr, .told = device[0]};
	strncpy(end->device, device, sizeof(end->device) - 1);
	if (route_query_own(addr, end->interface))
		end->interface[0] = 0;
}

/* A BGP peer or a gateway is exempt for what it is. */
static bool is_of_path(const struct config *cfg, const struct ip_addr *addr)
{
	for (size_t i = 0; i < cfg->n_paths; i++) {
		const struct config_path *p = &cfg->paths[i];

		if (ip_equal(&p->gateway, addr) || ip_equal(&p->gateway6, addr))
			return true;
		for (size_t k = 0; k < p->n_peers; k++)
			if (ip_equal(&p->peers[k], addr))
				return true;
	}
	return false;
}

/*
 * The ends of the VPN's tunnels: as their devices know them; where one does not (TUN, xfrm,
 * WireGuard), the hosts that the config has exempted, among which it has to be.
 */
static void facts_ends(struct daemon *d)
{
	struct network_facts *f = &d->facts;
	bool unknown = false;
	struct ip_addr addr;

	f->n_ends = 0;
	for (size_t i = 0; i < d->cfg->n_paths; i++) {
		const struct config_path *p = &d->cfg->paths[i];

		if (p->class != SW_CLASS_VPN)
			continue;
		if (!tunnel_end(p->interface, &addr))
			end_add(f, &addr, p->interface);
		else
			unknown = true;
	}
	for (size_t i = 0; unknown && i < d->cfg->n_exempt; i++) {
		const struct config_exempt *e = &d->cfg->exempt[i];

		addr = prefix_address(&e->prefix);
		if (!e->from && e->prefix.len == prefix_max_len(addr.family) &&
		    !is_of_path(d->cfg, &addr))
			end_add(f, &addr, "");
	}
}

const struct network_facts *network_facts(struct daemon *d)
{
	facts_paths(d);
	d->facts.routes_told = routes_told(d);
	d->facts.sizes = blackholes_sizes(d->blackholes);
	if (d->ticks % ASK_PERIOD == 0 || !d->facts_asked) {
		facts_counts(d);
		facts_ends(d);
		d->facts_asked = true;
	}
	return &d->facts;
}

void network_paths_changed(struct daemon *d)
{
	struct incident_context ctx;

	if (!d->network_watch || d->cold || d->first_table)
		return;
	facts_paths(d);
	alerts_context(d, &ctx);
	network_paths_look(d->network_watch, &ctx, &d->facts);
	network_failed_note(d);
}
