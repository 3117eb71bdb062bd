/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A policy rule that binds its traffic to paths of which none is left: nothing takes over, and all
 * of it is dropped. Where one of these paths is of a backup's class, backup-down names the rule
 * (network_backup.c).
 */
#include "core/cause_text.h"
#include "core/network_watch.h"
#include "core/rules.h"

#define LOST_NS	  1000000000ULL
#define LOST_OVER 10000000000ULL

/* The paths that backup-down tells of. */
static uint64_t backups(const struct incident_context *ctx)
{
	return network_better(ctx, SW_NO_RANK) & ~network_same(ctx, network_first_rank(ctx));
}

static void rule_fix(const struct config_path *path, enum cause cause,
		     const struct config_rule *rule, struct text *fix)
{
	if (cause == CAUSE_LINK_DOWN)
		text_add(fix, "check cable, port and provider of %s", path->interface);
	else if (cause == CAUSE_DRAINED)
		text_add(fix, "`sameway path %s undrain` when the work is done", path->name);
	else
		text_add(fix,
			 "see why with `sameway paths`, and the session of %s in the routing "
			 "daemon",
			 path->name);
	text_add(fix,
		 "; or let rule %s list what may take over: `only: [%s, ...]`, or `prefer:` "
		 "with what comes after",
		 rule->name, path->name);
}

static void rule_words(const struct network_watch *watch, const struct incident_context *ctx,
		       const struct config_rule *rule, uint64_t paths, struct network_state *s)
{
	const struct config_path *path = rib_path(ctx->rib, (unsigned int)s->path);
	bool enforce = ctx->cfg->mode == SW_MODE_ENFORCE;
	struct text msg = {s->message, 0}, fix = {s->fix, 0};
	char buf[PREFIX_STRLEN];

	s->severity = enforce ? SEVERITY_CRITICAL : SEVERITY_WARNING;
	s->cause = network_path_cause(watch, ctx, s->path);
	text_add(&msg, "rule %s binds its traffic", rule->name);
	if (rule->to.family)
		text_add(&msg, " to %s", prefix_format(&rule->to, buf));
	text_add(&msg, " to ");
	text_path_names(&msg, ctx, paths);
	if (paths & (paths - 1))
		text_add(&msg, ", of which none is left; %s", path ? path->name : "the first");
	text_add(&msg, ": %s; nothing takes over: %s", network_cause_words(s->cause),
		 enforce ? "it is dropped (rule-denied)"
			 : "it goes by the kernel's routes, enforce would drop it");
	if (path)
		rule_fix(path, s->cause, rule, &fix);
}

void network_rules_tell(struct network_watch *watch, const struct incident_context *ctx,
			const struct network_facts *facts, struct incidents *set)
{
	for (size_t i = 0; i < ctx->cfg->n_rules; i++) {
		const struct config_rule *rule = &ctx->cfg->rules[i];
		struct network_state s = network_state_of(NETWORK_NO_BACKUP, rule->name, -1);
		uint64_t well =
			facts->routes_told ? network_well(ctx, facts, ~0ULL) : facts->usable;
		struct sw_rule row;
		bool on;

		rule_compile(ctx->cfg, ctx->path_ids, UINT64_MAX, rule, &row);
		if (!(row.flags & SW_RULE_BINDS) || !row.paths || row.paths & backups(ctx))
			continue;
		on = !(row.paths & well);
		s.side = SIDE_ONPREM; /* so it is another than a class's, whatever the names */
		s.dst = rule->to;
		s.path = __builtin_ctzll(row.paths);
		if (on)
			rule_words(watch, ctx, rule, row.paths, &s);
		if (facts->reset & row.paths)
			incidents_network_keep(set, ctx, &s); /* our own doing */
		else
			network_held(set, ctx, &watch->rule[i], &s, on, LOST_NS, LOST_OVER);
	}
}
