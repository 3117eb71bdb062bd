/* SPDX-License-Identifier: GPL-2.0-only */
/* A pair's ways compared (audit.h). */
#include <string.h>

#include "core/audit.h"
#include "core/cause_text.h"

/* The first tier with one of these paths; its number, -1: none. */
static int first_tier(const struct policy_answer *answer, uint64_t paths, struct audit_forward *out)
{
	for (size_t t = 0; t < answer->n_tiers; t++) {
		if (!(answer->tier[t].paths & paths))
			continue;
		out->paths = answer->tier[t].paths & paths;
		out->class = answer->tier[t].class;
		return (int)t;
	}
	return -1;
}

/* A better class has candidates, or had them when the compiler last looked. */
static bool is_degraded(const struct audit *a, const struct rib_node *node,
			const struct policy_answer *answer, int tier)
{
	const struct prefix *prefix = rib_node_prefix(node);
	uint8_t rank = answer->tier[tier].rank;
	struct sw_group group;
	struct prefix match;

	for (int t = 0; t < tier; t++)
		if (answer->tier[t].rank < rank)
			return true;
	return fib_cover(a->ctx->fib, prefix, &match, &group) && prefix_equal(&match, prefix) &&
	       group.kind == SW_GROUP_ROUTE && group.degraded < rank;
}

/* 0/0 or ::/0, where what no path of its own is left for goes by it. */
static const struct rib_node *default_node(const struct audit *a, uint8_t family)
{
	const struct prefix all = {.family = family};

	if (a->ctx->cfg->default_route != DEFAULT_ROUTE_LAST)
		return NULL;
	return rib_find(a->ctx->rib, VIEW_LOCAL, &all);
}

/* As choose() of bpf/select.h. */
static void choose(const struct audit *a, const struct rib_node *node, uint64_t down,
		   struct audit_forward *out)
{
	uint8_t family = rib_node_prefix(node)->family;
	uint64_t usable = a->usable[family == 6] & ~down, last = a->last[family == 6] & ~down;
	const struct rib_node *from = node;
	struct policy_answer own, other;
	int tier;

	policy_tiers(a->ctx->cfg, node, &own);
	tier = first_tier(&own, usable, out);
	if (tier >= 0) {
		out->degraded = is_degraded(a, node, &own, tier);
		return;
	}
	from = default_node(a, family);
	if (from) {
		policy_tiers(a->ctx->cfg, from, &other);
		tier = first_tier(&other, usable, out);
	}
	if (tier >= 0) {
		out->degraded = is_degraded(a, from, &other, tier);
		return;
	}
	tier = first_tier(&own, last, out);
	if (tier < 0)
		return;
	out->last_resort = true;
	out->degraded = is_degraded(a, node, &own, tier);
}

/*
 * Nothing is moved: it goes where the routing daemon has chosen, where a feed tells that. Of
 * several of its choices those of the first one's class.
 */
static void as_chosen(const struct audit *a, const struct rib_node *node, uint64_t down,
		      struct audit_forward *out)
{
	uint64_t usable = a->usable[rib_node_prefix(node)->family == 6] & ~down, paths = 0;
	enum sw_class class = SW_CLASS_VPN;

	for (const struct candidate *c = rib_node_candidates(node); c; c = c->next) {
		if (!c->chosen || c->attr->own || c->peer_down || c->attr->path < 0 ||
		    !(usable >> c->attr->path & 1) || (paths && c->attr->class != class))
			continue;
		class = c->attr->class;
		paths |= 1ULL << c->attr->path;
	}
	if (!paths)
		return;
	out->paths = paths;
	out->class = class;
}

static void circuit_name(const struct audit *a, struct audit_forward *out)
{
	const char *name = NULL;

	for (size_t i = 0; i < a->ctx->cfg->n_paths; i++) {
		const char *circuit = config_circuit_name(&a->ctx->cfg->paths[i]);

		if (!(out->paths >> incident_path_id(a->ctx, i) & 1))
			continue;
		if (name && strcmp(name, circuit))
			return;
		name = circuit;
	}
	if (name)
		memcpy(out->circuit, name, strnlen(name, SW_NAME_LEN - 1));
}

struct audit_forward audit_choose(const struct audit *a, const struct rib_node *node, uint64_t down)
{
	struct audit_forward out = {0};

	choose(a, node, down, &out);
	out.has_expected = out.paths;
	out.expected = out.class;
	if (a->ctx->cfg->mode == SW_MODE_MONITOR)
		as_chosen(a, node, down, &out);
	circuit_name(a, &out);
	return out;
}

/* Whether some of its packets leave by another circuit than they return by. */
static bool circuits_differ(const struct audit *a, const struct audit_forward *f,
			    const struct audit_return *r)
{
	for (size_t i = 0; r->circuit[0] && i < a->ctx->cfg->n_paths; i++)
		if (f->paths >> incident_path_id(a->ctx, i) & 1 &&
		    strcmp(config_circuit_name(&a->ctx->cfg->paths[i]), r->circuit))
			return true;
	return false;
}

int audit_verdict(const struct audit *a, const struct audit_forward *f,
		  const struct audit_return *r)
{
	const struct config *cfg = a->ctx->cfg;

	if (!f->paths)
		return SW_VERDICT_NO_ROUTE;
	if (r->lost)
		return SW_VERDICT_ONE_WAY;
	if (!r->known)
		return AUDIT_UNKNOWN;
	if (f->class != r->class)
		return SW_VERDICT_ASYMMETRIC;
	if (f->has_expected && config_rank(cfg, f->expected) < config_rank(cfg, f->class))
		return SW_VERDICT_POLICY_VIOLATION;
	if (f->degraded)
		return SW_VERDICT_FAILOVER;
	if (!circuits_differ(a, f, r))
		return SW_VERDICT_OK;
	return cfg->scope == SW_SCOPE_CLASS ? SW_VERDICT_INTER_CIRCUIT : SW_VERDICT_ASYMMETRIC;
}

const char *audit_verdict_name(int verdict)
{
	return verdict < 0 ? NULL : incident_verdict_name((unsigned int)verdict);
}

bool audit_has_cause(int verdict)
{
	return verdict != SW_VERDICT_OK;
}

/* Id of one of our paths that it may come back by; SW_NO_PATH: no path of that class and circuit.
 */
static uint8_t return_path(const struct audit *a, const struct audit_return *r)
{
	const struct config *cfg = a->ctx->cfg;

	for (size_t i = 0; i < cfg->n_paths; i++)
		if (cfg->paths[i].class == r->class && incident_path_id(a->ctx, i) != a->down &&
		    (!r->circuit[0] || !strcmp(config_circuit_name(&cfg->paths[i]), r->circuit)))
			return (uint8_t)incident_path_id(a->ctx, i);
	return SW_NO_PATH;
}

/* A flow of the pair, as if it had been seen. */
static struct sw_event event_of(const struct audit *a, const struct audit_source *src,
				const struct audit_destination *dst, int verdict)
{
	const struct audit_return *back = &src->back[audit_by(src, dst)];
	uint8_t family = src->prefix.family;
	size_t size = family == 4 ? 4 : 16;
	bool hi = memcmp(src->host.bytes, dst->host.bytes, size) > 0;
	struct sw_event ev = {
		.ts_ns = a->ctx->now,
		.settle_ns = a->ctx->now,
		.created_ns = a->ctx->now,
		.state = {.verdict = (uint8_t)verdict,
			  .out = (uint8_t)__builtin_ctzll(dst->forward.paths),
			  .in = return_path(a, back),
			  .answer = SW_NO_PATH},
		.spoof_path = SW_NO_PATH,
		.about = hi ? SW_FLOW_INSIDE_IS_HI : 0,
	};

	ev.key.family = family;
	memcpy(ev.key.lo, hi ? dst->host.bytes : src->host.bytes, size);
	memcpy(ev.key.hi, hi ? src->host.bytes : dst->host.bytes, size);
	return ev;
}

/*
 * Who wrote the kernel's route. What the routing daemon chose by a feed's word, and the kernel's
 * own route does not contradict, is the daemon's.
 */
static void ask_kernel(const struct audit *a, struct cause_facts *f)
{
	struct kernel_route *r = &f->kernel.route;

	if (!cause_asks_kernel(f))
		return;
	f->kernel.asked = true;
	if (a->ctx->kernel_route)
		f->kernel.known =
			!a->ctx->kernel_route(a->ctx->kernel_arg, &f->src_host, &f->dst_host,
					      f->inside_interface, f->answer, r);
	if (f->kernel.known && !strcmp(r->interface, f->forward.l3))
		return;
	f->kernel.known = true;
	*r = (struct kernel_route){.prefix = f->dst, .protocol = "bgp", .learned = true};
	memcpy(r->interface, f->forward.l3, strnlen(f->forward.l3, sizeof(r->interface) - 1));
}

/* The way back has no path of ours: told by what the view names. */
static void name_return(const struct audit_return *back, struct cause_facts *f)
{
	if (f->reverse.path >= 0)
		return;
	f->reverse = (struct cause_way){
		.path = SW_MAX_PATHS,
		.name = back->circuit[0] ? back->circuit : "another edge",
		.interface = "not here",
		.l3 = "",
		.circuit = back->circuit[0] ? back->circuit : "another edge's",
		.class = back->class,
	};
}

static const char *first_name(const struct audit *a, uint64_t paths)
{
	for (size_t i = 0; i < a->ctx->cfg->n_paths; i++)
		if (paths >> incident_path_id(a->ctx, i) & 1)
			return a->ctx->cfg->paths[i].name;
	return "-";
}

/* Azure's only way back went with the path. */
static void tell_no_return(const struct audit *a, const struct audit_source *src,
			   const struct audit_destination *dst, struct cause_told *told)
{
	struct text msg = {told->message, 0}, fix = {told->fix, 0};
	const char *name = first_name(a, dst->forward.paths);
	char prefix[PREFIX_STRLEN], learned[PREFIX_STRLEN];

	prefix_format(&src->prefix, prefix);
	prefix_format(&src->was[audit_by(src, dst)].prefix, learned);
	told->cause = CAUSE_BACKUP_BLACKHOLE;
	told->side = SIDE_ONPREM;
	told->severity = SEVERITY_CRITICAL;
	text_add(&msg, "%s leaves by %s then, and Azure has %s by nothing but what is gone", prefix,
		 name, learned);
	text_add(&fix, "advertise %s on %s, too: without it the answers find no way back", learned,
		 name);
}

/* Nothing is left to send it by. */
static void tell_no_path(const struct audit *a, const struct audit_destination *dst,
			 struct cause_told *told)
{
	const struct prefix *prefix = rib_node_prefix(dst->node);
	struct text msg = {told->message, 0}, fix = {told->fix, 0};
	struct policy_answer answer;
	char text[PREFIX_STRLEN];
	bool link = true, admin = false;

	policy_tiers(a->ctx->cfg, dst->node, &answer);
	for (uint64_t left = answer.members; left; left &= left - 1) {
		const uint64_t *words = a->ctx->path[__builtin_ctzll(left)].objections;

		if (__builtin_ctzll(left) == a->down)
			continue;
		link &= words[WORD_link] != 0;
		admin |= words[WORD_admin] != 0;
	}
	prefix_format(prefix, text);
	told->cause = admin ? CAUSE_DRAINED : link ? CAUSE_LINK_DOWN : CAUSE_UNKNOWN;
	told->side = SIDE_ONPREM;
	told->severity = SEVERITY_CRITICAL;
	if (!answer.n_tiers) {
		told->cause = CAUSE_UNKNOWN;
		text_add(&msg, "%s has candidates of classes only that `prefer` does not list",
			 text);
		text_add(&fix, "list the class in `prefer`, if it is to be sent there");
		return;
	}
	text_add(&msg, "%s has no path left: no backup exists", text);
	text_add(&fix,
		 "announce %s on another path, too, if it needs a backup; `sameway paths` "
		 "says why those it has are not usable",
		 text);
}

static void tell_unknown(const struct audit_source *src, const struct audit_destination *dst,
			 struct cause_told *told)
{
	struct text msg = {told->message, 0}, fix = {told->fix, 0};
	char prefix[PREFIX_STRLEN], to[PREFIX_STRLEN];

	prefix_format(&src->prefix, prefix);
	told->cause = CAUSE_UNKNOWN;
	told->side = SIDE_UNKNOWN;
	told->severity = SEVERITY_INFO;
	if (src->was[AUDIT_BY_ANY].known) {
		prefix_format(rib_node_prefix(dst->node), to);
		text_add(
			&msg,
			"how %s returns to %s is not known: it is behind another gateway than the "
			"one whose table is fed, and that has %s not by the class that leads there",
			to, prefix, prefix);
		text_add(&fix,
			 "feed what the gateway of %s has learned, too (`type: azure, view: "
			 "remote`)",
			 to);
		return;
	}
	text_add(&msg, "how Azure returns to %s is not known: no feed of the remote view has it",
		 prefix);
	text_add(&fix,
		 "feed what Azure's gateway has learned of %s: a feed of `type: azure, view: "
		 "remote` with `az network vnet-gateway list-learned-routes`",
		 prefix);
}

void audit_tell(const struct audit *a, const struct audit_source *src,
		const struct audit_destination *dst, int verdict, struct cause_told *told)
{
	struct incident_context ctx;
	struct cause_facts facts;
	struct sw_event ev;

	*told = (struct cause_told){.cause = CAUSE_UNKNOWN};
	if (verdict == SW_VERDICT_NO_ROUTE) {
		tell_no_path(a, dst, told);
	} else if (verdict == SW_VERDICT_ONE_WAY) {
		tell_no_return(a, src, dst, told);
	} else if (verdict == AUDIT_UNKNOWN) {
		tell_unknown(src, dst, told);
	} else {
		ctx = *a->ctx;
		if (a->down >= 0) {
			ctx.path[a->down].objections[WORD_link] = 1;
			ctx.path[a->down].changed_ns = ctx.now;
		}
		ev = event_of(a, src, dst, verdict);
		cause_gather(&ctx, &ev, &facts);
		name_return(&src->back[audit_by(src, dst)], &facts);
		facts.src = src->prefix;
		ask_kernel(a, &facts);
		cause_tell(&facts, told);
	}
}
