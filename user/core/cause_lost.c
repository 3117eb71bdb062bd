/* SPDX-License-Identifier: GPL-2.0-only */
/* A failover: which better path was lost, why, and the words. */
#include <string.h>

#include "core/cause_gather.h"
#include "core/policy.h"
#include "core/cause_text.h"

enum cause cause_of_path(const struct incident_context *ctx, int id, uint8_t family)
{
	const struct config_path *path = rib_path(ctx->rib, (unsigned int)id);
	const uint64_t *objections = ctx->path[id].objections;
	bool peers4 = objections[WORD_peers4] && family != 6;
	bool peers6 = objections[WORD_peers6] && family != 4;

	if (objections[WORD_link])
		return CAUSE_LINK_DOWN;
	if (objections[WORD_admin])
		return CAUSE_DRAINED;
	if (objections[WORD_bfd])
		return CAUSE_BFD_DOWN;
	if (objections[WORD_probe])
		return path && path->class == SW_CLASS_VPN ? CAUSE_BACKUP_BLACKHOLE
							   : CAUSE_ER_DATAPLANE;
	if (ctx->path[id].limit_near)
		return CAUSE_PREFIX_LIMIT;
	if ((family ? peers4 || peers6 : peers4 && peers6) ||
	    !rib_path_routes(ctx->rib, id, family))
		return ctx->path[id].fell == CAUSE_BFD_DOWN && !ctx->path[id].bfd_up
			       ? CAUSE_BFD_DOWN
			       : CAUSE_BGP_DOWN;
	return CAUSE_UNKNOWN;
}

bool cause_tells_more(enum cause news, enum cause old)
{
	switch (news) {
	case CAUSE_LINK_DOWN:
		return old != CAUSE_LINK_DOWN;
	case CAUSE_BFD_DOWN:
		return old == CAUSE_BGP_DOWN || old == CAUSE_UNKNOWN;
	case CAUSE_BGP_DOWN:
		return old == CAUSE_UNKNOWN;
	default:
		return false;
	}
}

/*
 * How well the loss of a path explains a failover. A path that objects comes first, or that was
 * near a limit on its prefixes, then one whose routes are all gone, then one that objected long
 * before the change that this flow felt.
 */
static int path_blame(const struct incident_context *ctx, const struct sw_event *ev, int id)
{
	const struct incident_path_state *state = &ctx->path[id];

	if (cause_path_objects(state, ev->key.family))
		return state->changed_ns + ctx->cfg->grace_ns < ev->settle_ns ? 1 : 3;
	/* Azure may have dropped the connection of one VNet, while the session stays up */
	if (state->limit_near)
		return 3;
	if (rib_path_routes(ctx->rib, id, ev->key.family))
		return 0;
	/* a circuit that is not in use: what had none since we look was not lost since */
	if (!rib_path_had_routes(ctx->rib, id, ev->key.family) && ev->settle_ns > ctx->started_ns)
		return 0;
	return 2;
}

/* Where a rule's list has the path; its length: nowhere. */
static size_t pick_of(const struct config_rule *rule, const struct config_path *path)
{
	size_t i = 0;

	while (i < rule->n_picks && !config_pick_has(&rule->pick[i], path))
		i++;
	return i;
}

/* Whether the path is of a better class than the flow's, by the order that the flow goes by. */
static bool comes_before(const struct incident_context *ctx, const struct config_path *path,
			 const struct cause_facts *f)
{
	const struct config_rule *rule = f->flow_rule;
	const struct config_path *used = rib_path(ctx->rib, (unsigned int)f->forward.path);
	bool better = config_rank(ctx->cfg, path->class) < config_rank(ctx->cfg, f->forward.class);

	if (!rule || !used || (rule->action != RULE_PREFER && rule->action != RULE_ONLY))
		return better;
	if (pick_of(rule, path) == rule->n_picks)
		return false;
	if (rule->action == RULE_ONLY || pick_of(rule, path) == pick_of(rule, used))
		return better;
	return pick_of(rule, path) < pick_of(rule, used) && path->class != used->class;
}

#define ONE_MOMENT_NS 1000000000ULL

/*
 * Of two that explain it as well: the one that fell last; of those that fell in one moment, as of
 * one trunk, the one whose fall has moved more.
 */
static bool fell_for(const struct incident_path_state *a, const struct incident_path_state *b)
{
	uint64_t apart = a->changed_ns > b->changed_ns ? a->changed_ns - b->changed_ns
						       : b->changed_ns - a->changed_ns;

	if (apart < ONE_MOMENT_NS && a->moved != b->moved)
		return a->moved > b->moved;
	return a->changed_ns > b->changed_ns;
}

void cause_gather_lost(const struct incident_context *ctx, const struct sw_event *ev,
		       struct cause_facts *f)
{
	uint64_t changed = 0, silent = 0, from, to;
	int best = 0;

	for (size_t i = 0; i < ctx->cfg->n_paths; i++) {
		const struct config_path *path = &ctx->cfg->paths[i];
		int id = incident_path_id(ctx, i);
		int blame;

		if (!ctx->path[id].configured || !comes_before(ctx, path, f))
			continue;
		blame = path_blame(ctx, ev, id);
		if (blame < best || !blame ||
		    (blame == best && !fell_for(&ctx->path[id], &ctx->path[f->lost.path])))
			continue;
		best = blame;
		changed = ctx->path[id].changed_ns;
		silent = ctx->path[id].silent_ns;
		f->lost = cause_way_of(path, id, ev->key.family);
		f->lost_objects = cause_path_objects(&ctx->path[id], ev->key.family);
		f->lost_cause = cause_of_path(ctx, id, ev->key.family);
	}
	from = f->lost_objects ? changed : ev->settle_ns;
	to = ev->moved_ns >= from ? ev->moved_ns : ev->ts_ns;
	if (from && ev->created_ns < from && to >= from) {
		if (f->lost_objects && silent) /* nothing has come by it since */
			from = silent > ev->created_ns ? silent : ev->created_ns;
		f->duration_ms = (int64_t)((to - from) / 1000000);
	}
	f->has_moved = f->lost_objects || ctx->prefixes_moved || ctx->prefixes_lost;
	if (f->lost.path >= 0 && f->has_moved) {
		f->prefixes_moved = ctx->prefixes_moved;
		f->prefixes_lost = ctx->prefixes_lost;
		f->lost_names = &ctx->lost;
	}
}

#define NAMES_LOOKED 2000 /* prefixes */

void cause_lost_names(const struct config *cfg, const struct rib *rib, uint64_t before,
		      uint64_t after, struct incident_lost *out)
{
	const struct rib_node *node = rib_next(rib, VIEW_LOCAL, NULL);

	for (size_t i = 0; node && i < NAMES_LOOKED && out->n < INCIDENT_LOST;
	     i++, node = rib_next(rib, VIEW_LOCAL, node)) {
		struct policy_answer answer;
		uint64_t paths = 0;

		policy_tiers(cfg, node, &answer);
		for (size_t t = 0; t < answer.n_tiers; t++)
			paths |= answer.tier[t].paths;
		if (paths & before && !(paths & after))
			out->v[out->n++] = *rib_node_prefix(node);
	}
}

static void tell_lost(const struct cause_facts *f, struct text *msg, struct text *fix)
{
	const char *name = f->lost.name;

	switch (f->lost_cause) {
	case CAUSE_LINK_DOWN:
		text_add(msg, ": the link of %s (%s, %s) is down", name, class_name(f->lost.class),
			 f->lost.interface);
		text_add(fix, "check cable, port and provider of %s; traffic returns by itself",
			 f->lost.interface);
		break;
	case CAUSE_DRAINED:
		text_add(msg, ": %s (%s) is drained", name, class_name(f->lost.class));
		text_add(fix, "`sameway path %s undrain` when the work is done", name);
		break;
	case CAUSE_BFD_DOWN:
		text_add(msg, ": BFD says that %s (%s) is down, its link is up", name,
			 class_name(f->lost.class));
		text_add(fix,
			 "check the far router of %s and what is between (`show bfd peers`); "
			 "traffic returns by itself",
			 name);
		break;
	case CAUSE_ER_DATAPLANE:
	case CAUSE_BACKUP_BLACKHOLE:
		text_add(msg, ": the probe by %s (%s) gets no answer, its link is up", name,
			 class_name(f->lost.class));
		text_add(fix,
			 "the session may be up all the same: check what is behind the far router "
			 "of %s; traffic returns by itself",
			 name);
		break;
	case CAUSE_PREFIX_LIMIT:
		text_add(msg, ": routes of %s (%s) are gone, and it was near a limit on prefixes",
			 name, class_name(f->lost.class));
		text_add(fix, "see incident prefix-limit, and summarise what it names");
		break;
	case CAUSE_BGP_DOWN:
		text_add(msg, ": BGP on %s (%s) is down, its link is up", name,
			 class_name(f->lost.class));
		text_add(fix,
			 "check the BGP session of %s in the routing daemon; traffic returns by "
			 "itself",
			 name);
		break;
	default:
		text_add(msg, ": %s (%s) is not usable", name, class_name(f->lost.class));
		text_add(fix, "see why with `sameway paths`, column reasons of %s", name);
		break;
	}
}

/* " for A, B, ..." */
static void add_lost_names(struct text *msg, const struct cause_facts *f)
{
	const struct incident_lost *lost = f->lost_names;
	char buf[PREFIX_STRLEN];

	for (size_t i = 0; lost && i < lost->n; i++)
		text_add(msg, "%s%s", i ? ", " : " for ", prefix_format(&lost->v[i], buf));
	if (lost && lost->n && lost->n < f->prefixes_lost)
		text_add(msg, " and others");
}

void cause_failover_tell(const struct cause_facts *f, struct cause_told *told, struct text *msg,
			 struct text *fix)
{
	if (f->lost.path < 0) {
		text_add(msg, ": its better routes are gone");
		text_add(fix, "see which routes the feeds still give with `sameway routes`");
	} else if (f->if_down && !strcmp(f->if_down, f->lost.name)) {
		told->cause = f->lost_cause;
		text_add(msg, ": the backup of %s (%s) carries it then", f->lost.name,
			 class_name(f->lost.class));
		text_add(fix,
			 "nothing: that is what the backup is for; to try it, `sameway path "
			 "%s drain --for 5m`",
			 f->lost.name);
	} else {
		told->cause = f->lost_cause;
		if (told->cause == CAUSE_DRAINED)
			told->side = SIDE_ONPREM;
		tell_lost(f, msg, fix);
	}
	if (f->told_by) {
		text_add(msg, "; incident %llu tells of all that moved with it, and was lost",
			 (unsigned long long)f->told_by);
		return;
	}
	if (f->prefixes_moved)
		text_add(msg, "; %zu prefix%s moved", f->prefixes_moved,
			 f->prefixes_moved == 1 ? "" : "es");
	if (f->prefixes_lost) {
		text_add(msg, "; %zu prefix%s lost the only path: no backup exists",
			 f->prefixes_lost, f->prefixes_lost == 1 ? "" : "es");
		add_lost_names(msg, f);
		text_add(fix, "; announce the lost prefixes on the VPN too if they need a backup");
	}
}
