/* SPDX-License-Identifier: GPL-2.0-only */
/* What routes themselves tell of a connection: Microsoft's maintenance (S12, S35). */
#include <string.h>

#include "core/cause_text.h"
#include "core/network_watch.h"

#define MAINTENANCE_NS	 2000000000ULL
#define MAINTENANCE_OVER 30000000000ULL
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
		text_add(&msg,
			 text_path_names(&msg, ctx, others) == 1 ? " carries it" : " carry it");
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
