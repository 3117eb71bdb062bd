/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `explain`: one pair, asked of the data plane's own select, and of the audit for the way back.
 */
#include "core/rules.h"
#include "daemon/answer_audit.h"
#include "output/rows.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const char *const step_names[] = {
#define STEP_TEXT(id, text) text,
	SW_STEPS(STEP_TEXT)};

struct explain {
	struct ip_addr dst, src;
	struct sw_explain io;
	const struct rib_node *node; /* of dst, NULL: none */
	struct policy_answer tiers;
	const struct config_path *path;
	struct incident_context ctx;
	struct audit audit;
	struct audit_source source;
	struct audit_destination destination; /* node NULL: it is not judged */
	bool stray;			      /* its source is neither inside nor this box's */
	uint64_t by; /* `transit: allow`: the paths that it may come by, 0: no transit */
};

static const struct config_path *path_by_id(struct daemon *d, unsigned int id)
{
	return id < SW_MAX_PATHS ? d->path[id].cfg : NULL;
}

/* Without `from`: the first host of the first inside network of the family. */
static bool default_source(const struct daemon *d, uint8_t family, struct ip_addr *out)
{
	for (size_t i = 0; i < d->cfg->n_inside; i++) {
		const struct config_inside *in = &d->cfg->inside[i];

		for (size_t j = 0; j < in->n_networks; j++) {
			if (in->networks[j].family != family)
				continue;
			*out = prefix_address(&in->networks[j]);
			out->bytes[family == 4 ? 3 : 15] |= 1;
			return true;
		}
	}
	return false;
}

static bool explain_run(struct daemon *d, struct explain *e, uint64_t down)
{
	e->io.down = down;
	return !datapath_explain(d->dp, &e->io);
}

/* Not of an inside network, nor of this box. */
static bool is_stray(const struct daemon *d, const struct ip_addr *src)
{
	struct sw_group group;
	struct prefix match;

	return !fib_lookup(d->fib, src, &match, &group) ||
	       (group.kind != SW_GROUP_INSIDE && group.kind != SW_GROUP_LOCAL);
}

/* Whether select is asked for what its source sends. */
static bool is_sent(const struct explain *e)
{
	return !e->stray || e->by;
}

static bool is_hairpin(const struct explain *e)
{
	return e->by && e->by == (e->by & e->io.tier_usable);
}

/* The paths that packets of a stray source come by, where they are sent on to another. */
static uint64_t transit_by(const struct daemon *d, const struct explain *e)
{
	struct sw_group group;
	struct prefix match;

	if (d->cfg->transit != TRANSIT_ALLOW || !e->stray || e->io.kind != SW_GROUP_ROUTE ||
	    !fib_lookup(d->fib, &e->src, &match, &group) || group.kind != SW_GROUP_ROUTE)
		return 0;
	return group.members;
}

/* The rule that decides, NULL: none, or it leaves the choice to the ladder. */
static const struct config_rule *explain_rule(const struct daemon *d, const struct explain *e)
{
	const struct config_rule *rule = is_sent(e) && e->io.rule && e->io.rule <= d->cfg->n_rules
						 ? &d->cfg->rules[e->io.rule - 1]
						 : NULL;

	return rule && rule->action != RULE_NOTHING ? rule : NULL;
}

/* The step of the ladder that put the chosen tier before the next one. */
static const char *explain_step(const struct daemon *d, const struct explain *e)
{
	size_t next = (size_t)e->io.tier + 1;

	if (explain_rule(d, e))
		return policy_step_name(POLICY_RULE);
	if (e->io.step == SW_STEP_LAST_RESORT)
		return step_names[SW_STEP_LAST_RESORT];
	return next < e->tiers.n_tiers ? policy_step_name(e->tiers.tier[next].step)
				       : "only-candidate";
}

/* ", by weight 3 of 4" where the members it was chosen from do not all weigh the same. */
static void why_weight(struct daemon *d, const struct explain *e, char *buf, size_t size)
{
	size_t used = strlen(buf);
	unsigned int sum = 0;
	bool differ = false;

	if (e->io.step != SW_STEP_HASH)
		return;
	for (unsigned int id = 0; id < SW_MAX_PATHS; id++) {
		if (d->path[id].cfg && e->io.tier_usable >> id & 1) {
			sum += d->path[id].cfg->weight;
			differ |= d->path[id].cfg->weight != e->path->weight;
		}
	}
	if (differ)
		snprintf(buf + used, size - used, ", by weight %u of %u", e->path->weight, sum);
}

/* ": NAME REASON, ..." of the paths in the first `tiers` tiers; "" where nobody objects to them. */
static const char *why_out(struct daemon *d, const struct explain *e, size_t tiers, char *buf,
			   size_t size)
{
#define WORD_TEXT(word, text) text,
	static const char *const texts[] = {SW_LIVENESS(WORD_TEXT)};
	const uint64_t *words = (const uint64_t *)datapath_usable(d->dp);
	uint64_t paths = 0;
	size_t used = 0;

	buf[0] = '\0';
	for (size_t t = 0; t < tiers && t < e->tiers.n_tiers; t++)
		paths |= e->tiers.tier[t].paths;
	for (; paths; paths &= paths - 1) {
		unsigned int id = (unsigned int)__builtin_ctzll(paths);
		size_t w = 0;

		while (w < sizeof(texts) / sizeof(texts[0]) && words[w] >> id & 1)
			w++;
		if (w == sizeof(texts) / sizeof(texts[0]) || !d->path[id].cfg || used + 70 > size)
			continue;
		used += (size_t)snprintf(buf + used, size - used, "%s%s %s", used ? ", " : ": ",
					 d->path[id].cfg->name, texts[w]);
	}
	return buf;
}

static void why_routed(struct daemon *d, const struct explain *e, char *buf, size_t size)
{
	const struct policy_tier *t = &e->tiers.tier[e->io.tier];
	char out[160], before[240] = "";

	if (e->io.tier)
		snprintf(before, sizeof(before), " (those before it have no usable path%s)",
			 why_out(d, e, e->io.tier, out, sizeof(out)));
	if (e->io.step == SW_STEP_LAST_RESORT)
		snprintf(buf, size,
			 "nothing is usable: last resort, a path whose link is up and that is not "
			 "drained");
	else if (e->io.tier >= e->tiers.n_tiers || !(t->paths >> e->io.path & 1))
		snprintf(buf, size, "none of its own paths is usable: by the default route");
	else
		snprintf(buf, size, "tier %d of %zu%s: %s%s%s, %s", e->io.tier + 1,
			 e->tiers.n_tiers, before,
			 (size_t)e->io.tier + 1 < e->tiers.n_tiers ? "before the next by " : "",
			 explain_step(d, e), t->maintenance ? " (in maintenance)" : "",
			 step_names[e->io.step]);
}

/* What becomes of packets from an address that is no inside host's and not this box's. */
static void why_stray(const struct daemon *d, const struct explain *e, char *buf, size_t size)
{
	char src[IP_STRLEN], text[PREFIX_STRLEN];
	struct sw_group group = {0};
	struct prefix match;

	ip_format(&e->src, src);
	if (!fib_lookup(d->fib, &e->src, &match, &group))
		snprintf(buf, size,
			 "%s is not inside: no network of `inside` has it, so its packets are "
			 "left to the kernel's routes (reason source): add it to `networks:`, or "
			 "ask from an inside address",
			 src);
	else if (group.kind == SW_GROUP_EXEMPT)
		snprintf(buf, size,
			 "%s is exempt by its address: goes by the kernel's routes, is not judged",
			 src);
	else
		snprintf(buf, size,
			 "%s is not inside but behind a path (%s): path to path is transit-denied, "
			 "dropped in enforce mode; ask from an inside address",
			 src, prefix_format(&match, text));
}

/* Puts in front where a packet in transit comes from, or says that it goes nowhere. */
static void why_transit(const struct daemon *d, const struct explain *e, char *buf, size_t size)
{
	char src[IP_STRLEN], prefix[PREFIX_STRLEN] = "", rest[300];
	struct sw_group group;
	struct prefix match;

	if (fib_lookup(d->fib, &e->src, &match, &group))
		prefix_format(&match, prefix);
	snprintf(rest, sizeof(rest), "%.*s", (int)sizeof(rest) - 1, buf);
	snprintf(buf, size, "transit: %s is behind a path (%s), no flow is kept of it; %s",
		 ip_format(&e->src, src), prefix,
		 is_hairpin(e)
			 ? "it would go back by the path that it came by: hairpin, dropped in "
			   "enforce mode"
			 : rest);
}

/* In monitor mode nothing is moved: the answer is what enforce would give. */
static void why_monitor(const struct daemon *d, char *buf, size_t size)
{
	size_t used = strlen(buf);

	if (datapath_ctl(d->dp)->mode == SW_MODE_MONITOR)
		snprintf(buf + used, size - used,
			 "; in monitor mode, as now, the kernel's routes decide");
}

/* The data plane goes by tables of before, and what is told of routes is not of these. */
static void why_awaited(const struct daemon *d, char *buf, size_t size)
{
	size_t used = strlen(buf);

	if (routes_awaited(d))
		snprintf(buf + used, size - used,
			 "; by the tables of before: those of the feeds are awaited (`waiting` of "
			 "`status`), what is told of candidates and returns is not whole");
}

/* What a rule does with it. */
static void why_ruled(const struct config *cfg, const struct config_rule *rule,
		      const struct explain *e, char *buf, size_t size)
{
	static const char *const says[] = {"", "prefer", "only", "deny"};
	size_t used = (size_t)snprintf(buf, size, "rule %s, %s", rule->name, says[rule->action]);

	for (size_t i = 0; i < rule->n_picks && used < size; i++) {
		const struct config_pick *pick = &rule->pick[i];

		used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? ", " : " ",
					 pick->path[0] ? pick->path : class_name(pick->class));
	}
	if (used < size)
		snprintf(buf + used, size - used, "%s: %s%s",
			 rule_encrypts(cfg, rule) ? " (to be encrypted)" : "",
			 e->path ? step_names[e->io.step]
			 : rule_restricts(cfg, rule)
				 ? "it has no path: rule-denied, dropped in enforce mode"
				 : "none of these is usable: no-path, left to the kernel",
			 e->path && e->io.step == SW_STEP_LAST_RESORT ? " (nothing is usable)"
								      : "");
}

static void explain_why(struct daemon *d, const struct explain *e, char *buf, size_t size)
{
	const struct config_rule *rule = explain_rule(d, e);
	char out[160];

	switch (e->io.kind) {
	case SW_GROUP_LOCAL:
		snprintf(buf, size, "an address of this box: the kernel's");
		break;
	case SW_GROUP_EXEMPT:
		snprintf(buf, size,
			 "exempt by its address: goes by the kernel's routes, is not "
			 "judged");
		break;
	case SW_GROUP_INSIDE:
		snprintf(buf, size, "inside: on this side of the edge%s",
			 e->stray ? "; a pair is asked for from inside to outside: turn the two "
				    "round"
				  : "");
		break;
	case SW_GROUP_ROUTE:
		if (!is_sent(e))
			why_stray(d, e, buf, size);
		else if (rule)
			why_ruled(d->cfg, rule, e, buf, size);
		else if (e->path)
			why_routed(d, e, buf, size);
		else
			snprintf(buf, size,
				 "no path of its tiers is usable%s: no-path, left to the "
				 "kernel",
				 why_out(d, e, e->tiers.n_tiers, out, sizeof(out)));
		break;
	default:
		if (e->stray)
			why_stray(d, e, buf, size);
		else if (rule && rule_restricts(d->cfg, rule))
			why_ruled(d->cfg, rule, e, buf, size);
		else
			snprintf(buf, size, "no route: no feed has a prefix that holds it now");
	}
}

/* The inside network that the source is of, else itself. */
static struct prefix source_prefix(const struct daemon *d, const struct ip_addr *src)
{
	const struct prefix host = prefix_host(src);
	struct prefix found = host;

	config_inside_of(d->cfg, &host, &found);
	return found;
}

/* Both ways of the pair with path `down` out; the verdict. Of several paths it has its own. */
static int explain_judge(struct explain *e, int down, uint8_t path)
{
	struct audit_destination *dst = &e->destination;
	const struct config *cfg = e->audit.ctx->cfg;
	bool nowhere = !e->stray && e->io.kind == SW_GROUP_FREE && !e->io.rule_flags;

	e->audit.down = down;
	audit_source_of(&e->audit, &e->src, &e->source);
	if (e->stray || !e->node || e->io.kind != SW_GROUP_ROUTE ||
	    !audit_destination(&e->audit, e->node, dst)) {
		dst->node = NULL;
		return nowhere ? SW_VERDICT_NO_ROUTE : AUDIT_UNKNOWN;
	}
	dst->host = e->dst;
	if (e->io.rule && e->io.rule <= cfg->n_rules)
		audit_destination_by(&e->audit, dst, &cfg->rules[e->io.rule - 1]);
	if (path < SW_MAX_PATHS && dst->forward.paths >> path & 1)
		dst->forward.paths = 1ULL << path;
	return audit_verdict(&e->audit, &dst->forward, &e->source.back[audit_by(&e->source, dst)]);
}

static const struct audit_return *explain_back(const struct explain *e)
{
	return &e->source.back[e->destination.node ? audit_by(&e->source, &e->destination)
						   : AUDIT_BY_ANY];
}

static json_t *explain_return(const struct explain *e)
{
	const struct audit_return *back = explain_back(e);
	char text[PREFIX_STRLEN];

	if (!back->known)
		return json_pack("{s:n, s:n, s:n, s:n, s:n}", "prefix", "class", "circuit",
				 "view_age_s", "view_stale");
	return json_pack("{s:s, s:s, s:s?, s:I, s:b}", "prefix", prefix_format(&back->prefix, text),
			 "class", class_name(back->class), "circuit",
			 back->circuit[0] ? back->circuit : NULL, "view_age_s",
			 (json_int_t)(back->age_ns / 1000000000ULL), "view_stale",
			 (int)back->stale);
}

/* What takes over where a path of it fails, in both directions: Azure loses what came by it, too.
 */
static json_t *explain_if_down(struct daemon *d, const struct explain *e)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < d->cfg->n_paths; i++) {
		unsigned int id = d->path_ids[i];
		struct explain what_if = *e;
		const struct config_path *then;
		json_t *row;
		int verdict;

		if (!is_sent(e) || e->io.kind != SW_GROUP_ROUTE || !(e->tiers.members >> id & 1) ||
		    !explain_run(d, &what_if, 1ULL << id))
			continue;
		then = is_hairpin(&what_if) ? NULL : path_by_id(d, what_if.io.path);
		verdict = explain_judge(&what_if, (int)id, what_if.io.path);
		row = json_pack("{s:s, s:b, s:s?, s:s?, s:s?, s:o, s:s?}", "path",
				d->cfg->paths[i].name, "dropped",
				!then && what_if.io.rule_flags & (SW_RULE_DENY | SW_RULE_BINDS),
				"then", then ? then->name : NULL, "class",
				then ? class_name(then->class) : NULL, "step",
				then ? step_names[what_if.io.step] : NULL, "return",
				explain_return(&what_if), "verdict", audit_verdict_name(verdict));
		json_array_append_new(rows, row);
	}
	return rows;
}

static json_t *explain_fill(struct daemon *d, const json_t *request, struct explain *e,
			    struct answer_error *err)
{
	const char *dst = json_string_value(json_object_get(request, "dst"));
	const char *src = json_string_value(json_object_get(request, "src"));

	if (!dst || ip_parse(dst, &e->dst))
		return answer_refuse(err, 2, "%.60s: not an address", dst ? dst : "");
	if (src ? ip_parse(src, &e->src) : !default_source(d, e->dst.family, &e->src))
		return answer_refuse(err, 2, "no inside network of this family: say `from SRC`");
	if (e->src.family != e->dst.family)
		return answer_refuse(err, 2, "the two addresses are not of one family");
	e->io.family = e->dst.family;
	e->io.proto = json_integer_value(json_object_get(request, "proto"));
	e->io.dscp = json_integer_value(json_object_get(request, "dscp"));
	e->io.dport = htons(json_integer_value(json_object_get(request, "port")));
	memcpy(e->io.src, e->src.bytes, 16);
	memcpy(e->io.dst, e->dst.bytes, 16);
	if (!explain_run(d, e, 0))
		return answer_refuse(err, 1,
				     "the explain program could not be run: see `sameway status`");
	return json_object();
}

static void explain_both(struct daemon *d, struct explain *e, json_t *row)
{
	int verdict = explain_judge(e, -1, e->io.path);
	struct cause_told told = {0};
	bool has = e->destination.node && audit_has_cause(verdict);

	e->source.prefix = source_prefix(d, &e->src);
	e->source.host = e->src;
	if (has)
		audit_tell(&e->audit, &e->source, &e->destination, verdict, &told);
	json_object_set_new(row, "if_down", explain_if_down(d, e));
	json_object_set_new(row, "return", explain_return(e));
	json_object_set_new(row, "verdict",
			    verdict < 0 ? json_null() : json_string(audit_verdict_name(verdict)));
	json_object_set_new(row, "message", has ? json_string(told.message) : json_null());
	has &= verdict != AUDIT_DENIED;
	json_object_set_new(row, "cause", has ? json_string(cause_name(told.cause)) : json_null());
	json_object_set_new(row, "side", has ? json_string(side_name(told.side)) : json_null());
	json_object_set_new(row, "fix", has ? json_string(told.fix) : json_null());
	json_object_set_new(row, "src_prefix", rows_prefix(&e->source.prefix));
}

json_t *answer_explain(struct daemon *d, const json_t *request, struct answer_error *err)
{
	struct explain e = {0};
	json_t *row = explain_fill(d, request, &e, err), *ret;
	char why[500], prefix[PREFIX_STRLEN] = "";
	const struct config_rule *rule;
	struct sw_group group;
	struct prefix match;

	if (!row)
		return NULL;
	audit_begin(d, &e.ctx, &e.audit);
	e.stray = json_object_get(request, "src") && is_stray(d, &e.src);
	if (e.io.kind == SW_GROUP_ROUTE) {
		e.node = rib_match(d->rib, VIEW_LOCAL, &e.dst);
		e.by = transit_by(d, &e);
		if (is_sent(&e) && !is_hairpin(&e))
			e.path = path_by_id(d, e.io.path);
	}
	if (e.node)
		policy_tiers(d->cfg, e.node, &e.tiers);
	if (fib_lookup(d->fib, &e.dst, &match, &group)) {
		/* of what an earlier daemon left there are parts, until the feeds are in */
		if (e.node && prefix_contains(rib_node_prefix(e.node), &match))
			match = *rib_node_prefix(e.node);
		prefix_format(&match, prefix);
	}
	explain_why(d, &e, why, sizeof(why));
	if (e.path)
		why_weight(d, &e, why, sizeof(why));
	if (e.by)
		why_transit(d, &e, why, sizeof(why));
	if (e.io.kind == SW_GROUP_ROUTE && is_sent(&e))
		why_monitor(d, why, sizeof(why));
	why_awaited(d, why, sizeof(why));
	ret = e.node ? rows_route(d->cfg, d->path_ids, e.node, d->usable) : NULL;
	json_object_set_new(row, "dst", rows_ip(&e.dst));
	json_object_set_new(row, "src", rows_ip(&e.src));
	json_object_set_new(row, "prefix", prefix[0] ? json_string(prefix) : json_null());
	json_object_set_new(row, "path", e.path ? json_string(e.path->name) : json_null());
	json_object_set_new(row, "class",
			    e.path ? json_string(class_name(e.path->class)) : json_null());
	json_object_set_new(row, "why", json_string(why));
	rule = explain_rule(d, &e);
	json_object_set_new(row, "rule", rule ? json_string(rule->name) : json_null());
	json_object_set_new(row, "step",
			    e.path || rule ? json_string(explain_step(d, &e)) : json_null());
	json_object_set_new(row, "tiers",
			    ret ? json_incref(json_object_get(ret, "tiers")) : json_array());
	json_decref(ret);
	json_object_set_new(row, "candidates",
			    e.io.kind == SW_GROUP_ROUTE && e.node
				    ? rows_ladder(d->cfg, d->path_ids, e.node, e.io.usable,
						  e.path ? (int)e.io.path : -1, rule)
				    : json_array());
	explain_both(d, &e, row);
	return row;
}
