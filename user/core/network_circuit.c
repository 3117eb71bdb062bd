/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What routes themselves tell: Microsoft's maintenance of a connection (S12, S35), and
 * ExpressRoute's routes that go round by the VPN (S32), with the packets that come by them.
 */
#include <string.h>

#include "core/cause_text.h"
#include "core/network_watch.h"

#define MAINTENANCE_NS	 2000000000ULL
#define MAINTENANCE_OVER 30000000000ULL
#define LEAK_NS		 3000000000ULL
#define LEAK_OVER	 10000000000ULL
#define TRANSIT_NS	 60000000000ULL /* packets this long ago still count */
#define TRANSIT_LEAST	 5		/* of them, where no route says that there is a leak */
#define MICROSOFT_AS	 12076

/* The other paths of its circuit that are well and not in maintenance. */
static uint64_t redundant(const struct incident_context *ctx, const struct network_facts *facts,
			  const struct config_path *cfg, int id)
{
	uint64_t others = 0;

	for (size_t i = 0; i < ctx->cfg->n_paths; i++) {
		int other = incident_path_id(ctx, i);

		if (other != id && ctx->cfg->paths[i].circuit_id == cfg->circuit_id &&
		    !rib_path_maintenance(ctx->rib, other))
			others |= 1ULL << other;
	}
	return network_well(ctx, facts, others);
}

static void maintenance_words(const struct incident_context *ctx, const struct network_facts *facts,
			      const struct config_path *cfg, int id, struct network_state *s)
{
	const char *circuit = config_circuit_name(cfg);
	struct text msg = {s->message, 0}, fix = {s->fix, 0};
	uint64_t others = redundant(ctx, facts, cfg, id);

	text_add(&msg,
		 "Microsoft maintains %s: its routes repeat AS %d eight times or more, so that "
		 "traffic leaves it",
		 cfg->name, MICROSOFT_AS);
	if (others) {
		text_add(&msg, "; ");
		network_paths_text(&msg, ctx, others);
		text_add(&msg, " carries it");
	} else {
		text_add(&msg, "; NO-REDUNDANCY: circuit %s has no other usable path", circuit);
	}
	text_add(&fix, "nothing to do: it ends by itself, and is two windows, the primary's and "
		       "then the secondary's; local preference 200 on ExpressRoute keeps both "
		       "directions on it meanwhile");
	if (!others)
		text_add(&fix,
			 "; set up the circuit's second connection, else this window has only "
			 "the VPN behind it");
}

void network_maintenance_tell(struct network_watch *watch, const struct incident_context *ctx,
			      const struct network_facts *facts, struct incidents *set)
{
	for (size_t i = 0; i < ctx->cfg->n_paths; i++) {
		const struct config_path *cfg = &ctx->cfg->paths[i];
		int id = incident_path_id(ctx, i);
		bool on = rib_path_maintenance(ctx->rib, id);
		struct network_state s = network_state_of(NETWORK_MAINTENANCE, cfg->name, id);

		if (cfg->class != SW_CLASS_EXPRESSROUTE)
			continue;
		s.side = SIDE_AZURE;
		s.severity = SEVERITY_NOTICE;
		if (on)
			maintenance_words(ctx, facts, cfg, id, &s);
		network_held(set, ctx, &watch->path[id].maintenance, &s, on, MAINTENANCE_NS,
			     MAINTENANCE_OVER);
	}
}

struct leaks {
	struct prefix first[NETWORK_NAMES];
	size_t n;
	const struct attributes *attr; /* of the first */
};

/* Walks only where there are some, and not further than it must. */
static void leaks_find(const struct rib *rib, enum rib_view view, int path, size_t total,
		       struct leaks *out)
{
	struct rib_node *node = NULL;
	size_t found = 0;

	*out = (struct leaks){.n = total};
	while (found < total && found < NETWORK_NAMES && (node = rib_next(rib, view, node)))
		for (const struct candidate *c = rib_node_candidates(node); c; c = c->next) {
			if (!c->attr->leak || !candidate_live(c) ||
			    (path >= 0 && c->attr->path != path))
				continue;
			if (!found)
				out->attr = c->attr;
			out->first[found++] = *rib_node_prefix(node);
			break;
		}
	if (out->n > found && found < NETWORK_NAMES)
		out->n = found; /* several candidates of a prefix */
}

static void as_path_text(struct text *t, const struct attributes *attr)
{
	for (size_t i = 0; i < attr->n_as && i < 6; i++)
		text_add(t, "%s%u", i ? " " : "", attr->as_path[i]);
	if (attr->n_as > 6)
		text_add(t, " ...");
}

/* What the VPN gives us that is ExpressRoute's. */
static void accepted_tell(struct network_watch *watch, const struct incident_context *ctx,
			  const struct config_path *cfg, int id, struct incidents *set)
{
	struct network_state s = network_state_of(NETWORK_ROUTE_LEAK, cfg->name, id);
	size_t n = rib_path_leaks(ctx->rib, id);
	struct text msg = {s.message, 0}, fix = {s.fix, 0};
	struct leaks leaks;

	s.side = SIDE_AZURE;
	leaks_find(ctx->rib, VIEW_LOCAL, id, n, &leaks);
	if (leaks.attr) {
		text_add(&msg,
			 "%s gives us %zu prefix%s that came through ExpressRoute: ", cfg->name,
			 leaks.n, leaks.n == 1 ? "" : "es");
		network_prefixes_text(&msg, leaks.first, leaks.n);
		text_add(&msg, ", as_path ");
		as_path_text(&msg, leaks.attr);
		text_add(&msg, ": somebody sends ExpressRoute's routes on by the VPN");
		text_add(&fix,
			 "refuse AS %d inbound on the VPN neighbor (`ip as-path access-list MSEE "
			 "deny "
			 "_%d_`, `neighbor N filter-list MSEE in`; BIRD: `if bgp_path ~ [= * %d * "
			 "=] "
			 "then reject`), unless branch-to-branch of a Route Server is meant",
			 MICROSOFT_AS, MICROSOFT_AS, MICROSOFT_AS);
	}
	network_held(set, ctx, &watch->path[id].accepted, &s, leaks.attr, LEAK_NS, LEAK_OVER);
}

/* Packets that came by a VPN for another path: somebody follows a leak, or looks for one. */
static uint64_t transit_look(struct network_path *p, uint64_t packets, uint64_t now)
{
	if (!p->transit_known || packets < p->transit)
		p->transit = packets;
	p->transit_known = true;
	if (packets > p->transit) {
		p->transit_recent += packets - p->transit;
		p->transit = packets;
		p->transit_ns = now;
	}
	if (now >= p->transit_ns + TRANSIT_NS)
		p->transit_recent = 0;
	return p->transit_recent;
}

static void sent_words(const struct config_path *cfg, const struct leaks *leaks, uint64_t packets,
		       struct network_state *s)
{
	struct text msg = {s->message, 0}, fix = {s->fix, 0};

	s->side = SIDE_ONPREM;
	s->severity = packets ? SEVERITY_CRITICAL : SEVERITY_WARNING;
	if (leaks->attr) {
		text_add(&msg,
			 "Azure's VPN gateway has %zu prefix%s of ExpressRoute from on-premises: ",
			 leaks->n, leaks->n == 1 ? "" : "es");
		network_prefixes_text(&msg, leaks->first, leaks->n);
		text_add(&msg, ", as_path ");
		as_path_text(&msg, leaks->attr);
		text_add(&msg, ": AS %u announces on the VPN what it learns by ExpressRoute",
			 leaks->attr->n_as ? leaks->attr->as_path[0] : 0);
	} else {
		text_add(&msg,
			 "what comes by %s is for prefixes of another path: the far side has "
			 "learned them from us",
			 cfg->name);
	}
	if (packets)
		text_add(&msg, "; packets came by %s for another path (transit-denied)", cfg->name);
	text_add(&fix,
		 "announce only your own prefixes on the VPN neighbor: `ip prefix-list OWN permit "
		 "PREFIX`, `neighbor N prefix-list OWN out` (BIRD: `export where source = "
		 "RTS_STATIC`)");
}

static void sent_tell(struct network_watch *watch, const struct incident_context *ctx,
		      const struct config_path *cfg, int id, const struct leaks *leaks,
		      uint64_t transit, struct incidents *set)
{
	struct network_path *p = &watch->path[id];
	struct network_state s = network_state_of(NETWORK_ROUTE_LEAK, cfg->name, id);
	uint64_t packets = transit_look(p, transit, ctx->now);
	bool on = leaks->attr || packets >= TRANSIT_LEAST || (packets && p->sent.open);

	s.side = SIDE_ONPREM;
	if (on)
		sent_words(cfg, leaks, packets, &s);
	network_held(set, ctx, &p->sent, &s, on, LEAK_NS, LEAK_OVER);
}

/* Azure does not say by which of our VPN paths it has learned a route: the first is told. */
void network_leak_tell(struct network_watch *watch, const struct incident_context *ctx,
		       const struct network_facts *facts, struct incidents *set)
{
	struct leaks sent, none = {0};
	bool first = true;

	leaks_find(ctx->rib, VIEW_REMOTE, -1, rib_remote_leaks(ctx->rib), &sent);
	for (size_t i = 0; i < ctx->cfg->n_paths; i++) {
		const struct config_path *cfg = &ctx->cfg->paths[i];
		int id = incident_path_id(ctx, i);

		if (cfg->class != SW_CLASS_VPN)
			continue;
		accepted_tell(watch, ctx, cfg, id, set);
		sent_tell(watch, ctx, cfg, id, first ? &sent : &none, facts->transit[id], set);
		first = false;
	}
}
