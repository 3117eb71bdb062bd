/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ExpressRoute's routes that go round by the VPN (S32), with the packets that come by them.
 *
 * The RIB counts such routes, which are is looked for, in slices: they may be anywhere in a full
 * table. What was found is looked at each time, so that it is true whatever has changed since.
 */
#include <string.h>

#include "core/cause_text.h"
#include "core/network_watch.h"

#define LEAK_NS	      3000000000ULL
#define LEAK_OVER     10000000000ULL
#define TRANSIT_NS    60000000000ULL /* packets this long ago still count */
#define TRANSIT_LEAST 5		     /* of them, where no route says that there is a leak */
#define MICROSOFT_AS  12076

/* What is told of them. attr is the first one's; NULL: none is known. */
struct leaks {
	const struct prefix *first;
	size_t n;
	const struct attributes *attr;
};

static const struct attributes *leak_at(const struct rib_node *node, int path)
{
	const struct candidate *c = node ? rib_node_candidates(node) : NULL;

	while (c && (!c->attr->leak || !candidate_live(c) || (path >= 0 && c->attr->path != path)))
		c = c->next;
	return c ? c->attr : NULL;
}

/* Takes off those that are no leaks any more. */
static void finder_check(struct network_leaks *l, const struct rib *rib, enum rib_view view,
			 int path)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n_first; i++)
		if (leak_at(rib_find(rib, view, &l->first[i]), path))
			l->first[kept++] = l->first[i];
	if (kept < l->n_first)
		l->done = false;
	for (size_t i = kept; i < l->n_first; i++)
		l->first[i] = (struct prefix){0};
	l->n_first = kept;
}

static void finder_add(struct network_leaks *l, const struct prefix *prefix)
{
	for (size_t i = 0; i < l->n_first; i++)
		if (prefix_equal(&l->first[i], prefix))
			return;
	l->first[l->n_first++] = *prefix;
}

static void finder_walk(struct network_leaks *l, const struct rib *rib, enum rib_view view,
			int path, size_t wanted)
{
	const struct rib_node *node =
		l->at.family ? rib_after(rib, view, &l->at) : rib_next(rib, view, NULL);

	for (size_t i = 0; node && i < NETWORK_LEAK_STEP && l->n_first < wanted; i++) {
		if (leak_at(node, path))
			finder_add(l, rib_node_prefix(node));
		l->at = *rib_node_prefix(node);
		node = rib_next(rib, view, node);
	}
	if (node && l->n_first < wanted)
		return;
	l->done = !l->again || l->n_first >= wanted;
	l->again = false;
	l->at = (struct prefix){0};
}

/* total: candidates of this kind, by the RIB's count. */
static struct leaks leaks_find(struct network_leaks *l, const struct rib *rib, enum rib_view view,
			       int path, size_t total)
{
	size_t wanted = total < NETWORK_NAMES ? total : NETWORK_NAMES;
	struct leaks out = {.first = l->first};

	finder_check(l, rib, view, path);
	if (l->total != total) {
		l->again = !l->done && l->at.family;
		l->done = false;
		l->total = total;
	}
	if (!l->done)
		finder_walk(l, rib, view, path, wanted);
	/* after a whole walk: several candidates of a prefix */
	out.n = l->done && l->n_first < wanted ? l->n_first : total;
	if (l->n_first)
		out.attr = leak_at(rib_find(rib, view, &l->first[0]), path);
	return out;
}

/* While the walk has found none of those that the RIB counts, what was told before still is so. */
static void leaks_held(struct incidents *set, const struct incident_context *ctx,
		       struct network_hold *hold, const struct network_state *s,
		       const struct leaks *leaks, bool on)
{
	if (!on && leaks->n)
		incidents_network_keep(set, ctx, s);
	else
		network_held(set, ctx, hold, s, on, LEAK_NS, LEAK_OVER);
}

/* What the VPN gives us that is ExpressRoute's. */
static void accepted_tell(struct network_watch *watch, const struct incident_context *ctx,
			  const struct config_path *cfg, int id, struct incidents *set)
{
	struct network_state s = network_state_of(NETWORK_ROUTE_LEAK, cfg->name, id);
	size_t n = rib_path_leaks(ctx->rib, id);
	struct text msg = {s.message, 0}, fix = {s.fix, 0};
	struct leaks leaks = leaks_find(&watch->path[id].leaks, ctx->rib, VIEW_LOCAL, id, n);

	s.side = SIDE_AZURE;
	if (leaks.attr) {
		text_add(&msg,
			 "%s gives us %zu prefix%s that came through ExpressRoute: ", cfg->name,
			 leaks.n, leaks.n == 1 ? "" : "es");
		network_prefixes_text(&msg, leaks.first, leaks.n);
		text_add(&msg, ",");
		text_as_path(&msg, leaks.attr);
		text_add(&msg, ": somebody sends ExpressRoute's routes on by the VPN");
		text_add(&fix,
			 "refuse AS %d inbound on the VPN neighbor (`ip as-path access-list MSEE "
			 "deny "
			 "_%d_`, `neighbor N filter-list MSEE in`; BIRD: `if bgp_path ~ [= * %d * "
			 "=] "
			 "then reject`), unless branch-to-branch of a Route Server is meant",
			 MICROSOFT_AS, MICROSOFT_AS, MICROSOFT_AS);
	}
	leaks_held(set, ctx, &watch->path[id].accepted, &s, &leaks, leaks.attr);
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
		text_add(&msg, ",");
		text_as_path(&msg, leaks->attr);
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
	bool on = ctx->cfg->transit == TRANSIT_DENY &&
		  (leaks->attr || packets >= TRANSIT_LEAST || (packets && p->sent.open));

	s.side = SIDE_ONPREM;
	if (on)
		sent_words(cfg, leaks, packets, &s);
	leaks_held(set, ctx, &p->sent, &s, leaks, on);
}

/*
 * Azure does not say by which of our VPN paths it has learned a route: the first is told. With
 * `transit: allow` what goes on by us is meant to.
 */
void network_leak_tell(struct network_watch *watch, const struct incident_context *ctx,
		       const struct network_facts *facts, struct incidents *set)
{
	const struct leaks none = {0};
	struct leaks sent = leaks_find(&watch->remote_leaks, ctx->rib, VIEW_REMOTE, -1,
				       rib_remote_leaks(ctx->rib));
	bool first = ctx->cfg->transit == TRANSIT_DENY;

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
