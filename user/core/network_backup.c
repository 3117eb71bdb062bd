/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The backup that nobody uses, so that no packet tells of it: it is down while ExpressRoute carries
 * all (S30), or its tunnel itself rides ExpressRoute (S31).
 */
#include <string.h>

#include "core/cause_text.h"
#include "core/network_watch.h"
#include "core/rules.h"

#define DOWN_NS	  3000000000ULL /* a session that comes back at once is no news */
#define DOWN_OVER 10000000000ULL
#define ENDS_NS	  10000000000ULL
#define ENDS_OVER 10000000000ULL

static void down_fix(struct text *fix, const struct config_path *cfg, enum cause cause)
{
	switch (cause) {
	case CAUSE_DRAINED:
		text_add(fix, "`sameway path %s undrain` when the work is done", cfg->name);
		return;
	case CAUSE_LINK_DOWN:
		text_add(fix,
			 "bring %s up: the tunnel's daemon (`swanctl --list-sas`, `show crypto "
			 "ikev2 sa`), its cable or port",
			 cfg->interface);
		return;
	case CAUSE_BACKUP_BLACKHOLE:
		text_add(fix, "look for a user-defined route on the GatewaySubnet, a network "
			      "security group, a dead SA: packets go in and nothing returns");
		return;
	default:
		text_add(fix,
			 "see the tunnel (`swanctl --list-sas`), the session on %s (`show bgp "
			 "summary`, `birdc show protocols`), and in Azure `az network "
			 "vpn-connection "
			 "show` (Connected?) with `az network vnet-gateway list-bgp-peer-status` "
			 "(routesReceived 0: the local network gateway's BGP address or AS)",
			 cfg->name);
	}
}

/*
 * Rules that bind traffic to paths of which this one was the last: nothing takes over. Returns how
 * many, the names of the first few in name[].
 */
static size_t bound_rules(const struct incident_context *ctx, const struct network_facts *facts,
			  int id, const char *name[NETWORK_NAMES])
{
	const struct config *cfg = ctx->cfg;
	size_t n = 0;

	for (size_t i = 0; i < cfg->n_rules; i++) {
		struct sw_rule row;

		rule_compile(cfg, ctx->path_ids, UINT64_MAX, &cfg->rules[i], &row);
		if (!(row.flags & SW_RULE_BINDS) || !(row.paths >> id & 1) ||
		    network_well(ctx, facts, row.paths))
			continue;
		if (n < NETWORK_NAMES)
			name[n] = cfg->rules[i].name;
		n++;
	}
	return n;
}

static void bound_words(const struct config *cfg, const char *const name[], size_t n,
			struct text *msg)
{
	for (size_t i = 0; i < n && i < NETWORK_NAMES; i++)
		text_add(msg, "%s%s", i ? ", " : "; what is bound by rule ", name[i]);
	text_add(msg, "%s has no path: %s", n > NETWORK_NAMES ? ", ..." : "",
		 cfg->mode == SW_MODE_MONITOR
			 ? "it goes by the kernel's routes, enforce would drop it"
			 : "it is dropped (rule-denied)");
}

static void down_words(const struct network_watch *watch, const struct incident_context *ctx,
		       const struct network_facts *facts, const struct config_path *cfg, int id,
		       struct network_state *s)
{
	uint8_t rank = config_rank(ctx->cfg, cfg->class);
	uint64_t better = network_well(ctx, facts, network_better(ctx, rank));
	uint64_t others = network_well(ctx, facts, network_same(ctx, rank)) & ~(1ULL << id);
	struct text msg = {s->message, 0}, fix = {s->fix, 0};
	struct prefix lost[NETWORK_NAMES];
	const char *rule[NETWORK_NAMES];
	uint64_t paths;
	size_t n = network_prefixes_lost(watch, ctx, facts->usable, rank, lost, &paths), n_paths;
	size_t bound = bound_rules(ctx, facts, id, rule);

	s->cause = cause_of_path(ctx, id, 0);
	if (s->cause == CAUSE_ER_DATAPLANE)
		s->cause = CAUSE_BACKUP_BLACKHOLE;
	if (s->cause == CAUSE_DRAINED)
		s->side = SIDE_ONPREM;
	text_add(&msg, "%s (%s, %s) is no backup now: %s", cfg->name, class_name(cfg->class),
		 cfg->interface, network_cause_words(s->cause));
	if (others) {
		s->severity = SEVERITY_NOTICE;
		text_add(&msg, "; ");
		n_paths = text_path_names(&msg, ctx, others);
		text_add(&msg, n_paths == 1 ? " still is" : " still are");
	} else if (better) {
		s->severity = s->cause == CAUSE_DRAINED ? SEVERITY_NOTICE : SEVERITY_WARNING;
		text_add(&msg, "; ");
		n_paths = text_path_names(&msg, ctx, better);
		text_add(&msg, " %s %s, and nothing would take over",
			 n_paths == 1 ? "carries" : "carry", n || bound ? "the rest" : "all");
	} else {
		s->severity = SEVERITY_CRITICAL;
		text_add(&msg, "; no better path is usable either");
	}
	if (bound)
		bound_words(ctx->cfg, rule, bound, &msg);
	if (bound && ctx->cfg->mode == SW_MODE_ENFORCE)
		s->severity = SEVERITY_CRITICAL;
	s->has_moved = n;
	s->prefixes_lost = n;
	if (n) {
		text_add(&msg, "; %zu prefix%s of it alone %s without a path: ", n,
			 n == 1 ? "" : "es", n == 1 ? "is" : "are");
		network_prefixes_text(&msg, lost, n);
	}
	down_fix(&fix, cfg, s->cause);
}

void network_backup_tell(struct network_watch *watch, const struct incident_context *ctx,
			 const struct network_facts *facts, struct incidents *set)
{
	uint8_t first = network_first_rank(ctx);

	for (size_t i = 0; i < ctx->cfg->n_paths; i++) {
		const struct config_path *cfg = &ctx->cfg->paths[i];
		int id = incident_path_id(ctx, i);
		uint8_t rank = config_rank(ctx->cfg, cfg->class);
		struct network_path *p = &watch->path[id];
		struct network_state s;
		bool on = !(facts->usable >> id & 1) ||
			  (facts->routes_told && !rib_path_routes(ctx->rib, id, 0));

		if (rank == SW_NO_RANK || rank == first)
			continue;
		s = network_state_of(NETWORK_BACKUP_DOWN, cfg->name, id);
		if (on)
			down_words(watch, ctx, facts, cfg, id, &s);
		if (facts->reset >> id & 1 || (p->flapping.open && !p->down.open))
			incidents_network_keep(set, ctx, &s); /* that is told, or our own doing */
		else
			network_held(set, ctx, &p->down, &s, on, DOWN_NS, DOWN_OVER);
	}
}

/* The ExpressRoute path whose device it is, NULL: none. */
static const struct config_path *er_by_device(const struct config *cfg, const char *device)
{
	for (size_t i = 0; i < cfg->n_paths; i++) {
		const struct config_path *p = &cfg->paths[i];

		if (p->class == SW_CLASS_EXPRESSROUTE &&
		    (!strcmp(p->interface, device) || !strcmp(config_l3(p), device)))
			return p;
	}
	return NULL;
}

static uint64_t vpn_paths(const struct incident_context *ctx, const char *device)
{
	uint64_t paths = 0;

	for (size_t i = 0; i < ctx->cfg->n_paths; i++) {
		const struct config_path *p = &ctx->cfg->paths[i];

		if (p->class == SW_CLASS_VPN && (!device[0] || !strcmp(p->interface, device)))
			paths |= 1ULL << incident_path_id(ctx, i);
	}
	return paths;
}

/* The first end that is reached over ExpressRoute; the rest is the same mistake. */
void network_ends_tell(struct network_watch *watch, const struct incident_context *ctx,
		       const struct network_facts *facts, struct incidents *set)
{
	struct network_state s =
		network_state_of(NETWORK_BACKUP_NOT_INDEPENDENT, class_name(SW_CLASS_VPN), -1);
	struct text msg = {s.message, 0}, fix = {s.fix, 0};
	bool on = false;

	s.side = SIDE_ONPREM;
	for (size_t i = 0; i < facts->n_ends && !on; i++) {
		const struct network_end *end = &facts->end[i];
		const struct config_path *er = er_by_device(ctx->cfg, end->interface);
		char addr[IP_STRLEN];
		uint64_t paths = vpn_paths(ctx, end->device);

		if (!end->interface[0] || !er || !paths)
			continue;
		on = true;
		s.path = __builtin_ctzll(paths);
		text_add(&msg, "the kernel sends what goes to %s, ", ip_format(&end->addr, addr));
		text_add(&msg, end->told ? "the far end of the tunnel of "
					 : "an exempt host and so taken for the far end of ");
		text_path_names(&msg, ctx, paths);
		text_add(&msg,
			 ", out of %s, which is %s: the backup rides on what it is to replace, and "
			 "falls with it",
			 end->interface, er->name);
		text_add(
			&fix,
			"route it by the Internet uplink, `ip route add %s via GATEWAY` (IOS: `ip "
			"route %s 255.255.255.255 GATEWAY`), and filter it where Microsoft peering "
			"announces it",
			addr, addr);
	}
	network_held(set, ctx, &watch->ridden, &s, on, ENDS_NS, ENDS_OVER);
}
