/* SPDX-License-Identifier: GPL-2.0-only */
/* What the states of the network share: hysteresis, and the words for paths and prefixes. */
#include <stdlib.h>
#include <string.h>

#include "core/cause_text.h"
#include "core/network_watch.h"

void network_held(struct incidents *set, const struct incident_context *ctx,
		  struct network_hold *hold, const struct network_state *state, bool on,
		  uint64_t open_ns, uint64_t over_ns)
{
	uint64_t wait = on ? open_ns : over_ns;
	struct network_state last;

	if (!hold->known) { /* an earlier daemon may have told it */
		hold->known = true;
		hold->open = incidents_network_severity(set, state) >= 0;
		hold->side = state->side;
	}
	if (hold->on != on || !hold->since_ns) {
		hold->on = on;
		hold->since_ns = ctx->now;
	}
	if (hold->open != on && ctx->now >= hold->since_ns + wait)
		hold->open = on;
	if (!hold->open)
		return;
	if (on) {
		hold->side = state->side;
		incidents_network_state(set, ctx, state);
	} else { /* its side may have been another than it is by now */
		last = *state;
		last.side = hold->side;
		incidents_network_keep(set, ctx, &last);
	}
}

struct network_state network_state_of(enum network_kind kind, const char *subject, int path)
{
	struct network_state s = {.kind = kind, .severity = SEVERITY_WARNING, .path = path};

	if (subject)
		strncpy(s.subject, subject, sizeof(s.subject) - 1);
	return s;
}

const char *network_cause_words(enum cause cause)
{
	switch (cause) {
	case CAUSE_LINK_DOWN:
		return "its link is down";
	case CAUSE_DRAINED:
		return "it is drained";
	case CAUSE_BFD_DOWN:
		return "BFD is down";
	case CAUSE_ER_DATAPLANE:
	case CAUSE_BACKUP_BLACKHOLE:
		return "its probe is not answered";
	case CAUSE_PREFIX_LIMIT:
		return "its routes are gone, near a limit on prefixes";
	case CAUSE_BGP_DOWN:
		return "no route comes by it: its BGP session is down, or up and empty";
	default:
		return "it is not usable (`sameway paths` says why)";
	}
}

enum cause network_path_cause(const struct network_watch *watch, const struct incident_context *ctx,
			      int id)
{
	return watch->path[id].failed ? watch->path[id].cause : cause_of_path(ctx, id, 0);
}

static uint64_t of_rank(const struct incident_context *ctx, uint8_t least, uint8_t most)
{
	uint64_t paths = 0;

	for (size_t i = 0; i < ctx->cfg->n_paths; i++) {
		uint8_t rank = config_rank(ctx->cfg, ctx->cfg->paths[i].class);

		if (rank != SW_NO_RANK && rank >= least && rank <= most)
			paths |= 1ULL << incident_path_id(ctx, i);
	}
	return paths;
}

uint64_t network_better(const struct incident_context *ctx, uint8_t rank)
{
	return rank ? of_rank(ctx, 0, rank - 1) : 0;
}

uint64_t network_same(const struct incident_context *ctx, uint8_t rank)
{
	return of_rank(ctx, rank, rank);
}

uint64_t network_well(const struct incident_context *ctx, const struct network_facts *facts,
		      uint64_t paths)
{
	return rib_paths_with_routes(ctx->rib, paths & facts->usable);
}

uint8_t network_first_rank(const struct incident_context *ctx)
{
	for (uint8_t rank = 0; rank < ctx->cfg->n_prefer; rank++)
		if (network_same(ctx, rank))
			return rank;
	return SW_NO_RANK;
}

void network_prefixes_text(struct text *t, const struct prefix *v, size_t n)
{
	char buf[PREFIX_STRLEN];

	size_t i;

	for (i = 0; i < n && i < NETWORK_NAMES && v[i].family; i++)
		text_add(t, "%s%s", i ? ", " : "", prefix_format(&v[i], buf));
	if (i < n)
		text_add(t, "%s...", i ? ", " : "");
}

void network_watch_tell(struct network_watch *watch, const struct incident_context *ctx,
			const struct network_facts *facts, struct incidents *set)
{
	network_paths_look(watch, ctx, facts);
	network_prefixes_look(watch, ctx->now);
	network_flapping_tell(watch, ctx, facts, set);
	network_backup_tell(watch, ctx, facts, set);
	network_prefixes_tell(watch, ctx, facts, set);
	network_rules_tell(watch, ctx, facts, set);
	network_ends_tell(watch, ctx, facts, set);
	network_failback_tell(watch, ctx, set);
	network_stuck_tell(watch, ctx, facts, set);
	network_maintenance_tell(watch, ctx, facts, set);
	network_leak_tell(watch, ctx, facts, set);
	network_full_tell(watch, ctx, facts, set);
	network_size_tell(watch, ctx, facts, set);
}
