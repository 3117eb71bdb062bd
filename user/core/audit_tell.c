/* SPDX-License-Identifier: GPL-2.0-only */
/* Why an audit's pair is judged so, in the words of an incident (audit.h). */
#include <string.h>

#include "core/audit_internal.h"
#include "core/cause_gather.h"
#include "core/cause_text.h"

/* Id of one of our paths that it may come back by; SW_NO_PATH: no path of that class and circuit.
 */
static uint8_t return_path(const struct audit *a, const struct audit_return *r)
{
	const struct config *cfg = a->ctx->cfg;

	for (size_t i = 0; r->known && i < cfg->n_paths; i++)
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
			  .answer = dst->forward.rule && dst->forward.wanted
					    ? (uint8_t)__builtin_ctzll(dst->forward.wanted)
					    : SW_NO_PATH},
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
	if (f->reverse.path >= 0 || !back->known)
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

/* Where a path is taken out: all that follows is of then. */
static void tell_if(const struct audit *a, struct text *msg)
{
	if (a->down >= 0)
		text_add(msg, "if %s fails: ", first_name(a, 1ULL << a->down));
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
	tell_if(a, &msg);
	told->cause = CAUSE_BACKUP_BLACKHOLE;
	told->side = SIDE_ONPREM;
	told->severity = SEVERITY_CRITICAL;
	text_add(&msg, "%s leaves by %s then, and Azure has %s by nothing but what is gone", prefix,
		 name, learned);
	text_add(&fix, "advertise %s on %s, too: without it the answers find no way back", learned,
		 name);
}

/* Why none of these is well: a person's drain, else what is true of the first that has more than a
 * link that is down to tell. The one that is taken out is as if its link were. */
static enum cause cause_of_all(const struct audit *a, uint64_t paths, uint8_t family)
{
	enum cause cause = CAUSE_LINK_DOWN;

	for (uint64_t left = paths; left; left &= left - 1) {
		int id = __builtin_ctzll(left);
		enum cause of = id == a->down ? CAUSE_LINK_DOWN : cause_of_path(a->ctx, id, family);

		if (a->ctx->path[id].objections[WORD_admin] && id != a->down)
			return CAUSE_DRAINED;
		if (cause == CAUSE_LINK_DOWN)
			cause = of;
	}
	return cause;
}

/* Nothing is left of what a rule lists. */
static void tell_no_listed(const struct audit *a, const struct audit_destination *dst,
			   uint64_t members, struct cause_told *told)
{
	const struct audit_forward *f = &dst->forward;
	struct text msg = {told->message, 0}, fix = {told->fix, 0};
	char text[PREFIX_STRLEN];

	prefix_format(&dst->prefix, text);
	tell_if(a, &msg);
	text_add(&msg, "rule %s sends %s by ", f->rule->name, text);
	text_path_names(&msg, a->ctx, f->allowed);
	if (members & f->allowed) {
		told->cause = cause_of_all(a, members & f->allowed, dst->prefix.family);
		text_add(&msg, "%s, and none of that is usable",
			 f->dropped ? " or not at all" : "");
	} else {
		told->cause = CAUSE_BGP_DOWN;
		text_add(&msg, "%s, and none of that has a route to it",
			 f->dropped ? " or not at all" : "");
	}
	text_add(&msg, "%s",
		 !f->dropped				? ": left to the kernel's routes (no-path)"
		 : a->ctx->cfg->mode == SW_MODE_MONITOR ? ": enforce would drop it (rule-denied)"
							: ": it is dropped (rule-denied)");
	text_add(&fix,
		 "announce %s on one more path that rule %s lists, or list one more, if it needs a "
		 "backup; `sameway paths` says why those it has are not usable",
		 text, f->rule->name);
}

/* Nothing is left to send it by. */
static void tell_no_path(const struct audit *a, const struct audit_destination *dst,
			 struct cause_told *told)
{
	struct text msg = {told->message, 0}, fix = {told->fix, 0};
	struct policy_answer answer;
	char text[PREFIX_STRLEN];

	told->side = SIDE_ONPREM;
	told->severity = SEVERITY_CRITICAL;
	if (!dst->node) {
		told->side = SIDE_UNKNOWN;
		audit_tell_lost(a, dst, told);
		return;
	}
	policy_tiers(a->ctx->cfg, dst->node, &answer);
	if (dst->forward.rule) {
		tell_no_listed(a, dst, answer.members, told);
		return;
	}
	prefix_format(&dst->prefix, text);
	if (!answer.n_tiers) {
		told->cause = CAUSE_UNKNOWN;
		text_add(&msg, "%s has candidates of classes only that `prefer` does not list",
			 text);
		text_add(&fix, "list the class in `prefer`, if it is to be sent there");
		return;
	}
	told->cause = cause_of_all(a, answer.members, dst->prefix.family);
	tell_if(a, &msg);
	text_add(&msg, "%s has no path left: no backup exists", text);
	text_add(&fix, "announce %s on another path, too, if it needs a backup", text);
	if (a->down < 0)
		text_add(&fix, "; `sameway paths` says why those it has are not usable");
}

static void tell_denied(const struct audit *a, const struct audit_destination *dst,
			struct cause_told *told)
{
	struct text msg = {told->message, 0};

	text_add(&msg, "rule %s denies it: dropped both ways (rule-denied)",
		 dst->forward.rule->name);
	if (a->ctx->cfg->mode == SW_MODE_MONITOR)
		text_add(&msg, " in enforce mode");
}

/* Nobody offers it but by VPN, and Azure has other parts of ours by VPN. */
static void tell_half(const char *from, const char *to, struct text *msg, struct text *fix)
{
	text_add(msg,
		 "nobody offers %s but by VPN, so it is behind the VPN gateway, which has other "
		 "prefixes of ours and not %s: nothing says how it returns",
		 to, from);
	text_add(fix, "advertise %s on the VPN session, too: the same prefixes on both sessions",
		 from);
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
	prefix_format(&dst->prefix, to);
	if (src->was[AUDIT_BY_ANY].known && dst->vpn_only && src->vpn_seen) {
		tell_half(prefix, to, &msg, &fix);
		return;
	}
	if (src->was[AUDIT_BY_ANY].known) {
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

/* The facts of an event made up from the pair, of what is and what would be. */
static void tell_flow(const struct audit *a, const struct audit_source *src,
		      const struct audit_destination *dst, int verdict, struct cause_told *told)
{
	struct incident_context ctx = *a->ctx;
	struct cause_facts facts;
	struct sw_event ev;

	if (a->down >= 0) {
		ctx.path[a->down].objections[WORD_link] = 1;
		ctx.path[a->down].changed_ns = ctx.now;
		ctx.prefixes_moved = ctx.prefixes_lost = 0; /* by what did happen */
	}
	ev = event_of(a, src, dst, verdict);
	cause_gather_ruled(&ctx, &ev, dst->rule, &facts);
	name_return(&src->back[audit_by(src, dst)], &facts);
	facts.src = src->prefix;
	facts.dst = dst->prefix;
	if (a->down >= 0) {
		facts.if_down = first_name(a, 1ULL << a->down);
		facts.changed_ago_ns = -1; /* as it will be, not while it changes */
	}
	ask_kernel(a, &facts);
	cause_tell(&facts, told);
}

void audit_tell(const struct audit *a, const struct audit_source *src,
		const struct audit_destination *dst, int verdict, struct cause_told *told)
{
	*told = (struct cause_told){.cause = CAUSE_UNKNOWN};
	switch (verdict) {
	case SW_VERDICT_NO_ROUTE:
		tell_no_path(a, dst, told);
		break;
	case SW_VERDICT_ONE_WAY:
		tell_no_return(a, src, dst, told);
		break;
	case AUDIT_UNKNOWN:
		tell_unknown(src, dst, told);
		break;
	case AUDIT_DENIED:
		tell_denied(a, dst, told);
		break;
	default:
		tell_flow(a, src, dst, verdict, told);
	}
}
