/* SPDX-License-Identifier: GPL-2.0-only */
/* Feeds that are gone, and ExpressRoute's limits on prefixes (network.h). */
#include "core/network.h"

#include <stdio.h>
#include <string.h>

#include "core/cause_text.h"
#include "core/rib.h"

#define FEED_WAIT_NS 30000000000ULL /* at most; half of stale-time where that is shorter */
#define NS_PER_S     1000000000ULL
#define MICROSOFT_AS 12076

static const char *feed_fix(enum config_feed_type type)
{
	switch (type) {
	case FEED_BGP:
		return "see whether the routing daemon runs and its session to sameway is up: "
		       "`birdc show protocols`, `vtysh -c 'show bgp summary'`";
	case FEED_BMP:
		return "see whether the router still sends BMP to sameway";
	case FEED_JSONL:
	case FEED_MRT:
		return "see whether the file is there, and what writes it";
	case FEED_FRR:
	case FEED_AZURE:
		return "run the feed's command by hand, or see whether its files are still written";
	case FEED_RTNETLINK:
		return "see sameway's log for why the kernel's table can't be read";
	}
	return "see `last_error` of `sameway -j status`";
}

bool network_feed_stale(const struct incident_context *ctx, const struct network_feed *feed,
			struct network_state *out)
{
	uint64_t wait =
		ctx->cfg->stale_ns / 2 < FEED_WAIT_NS ? ctx->cfg->stale_ns / 2 : FEED_WAIT_NS;
	unsigned long long kept = ctx->cfg->stale_ns / NS_PER_S;
	struct text msg = {out->message, 0}, fix = {out->fix, 0};
	char routes[40];

	if (ctx->now < feed->since_ns + wait)
		return false;
	if (feed->routes == 1)
		snprintf(routes, sizeof(routes), "its route is");
	else
		snprintf(routes, sizeof(routes), "its %zu routes are", feed->routes);
	*out = (struct network_state){
		.kind = NETWORK_FEED_STALE,
		.side = feed->cfg->type == FEED_AZURE ? SIDE_UNKNOWN : SIDE_ONPREM,
		.severity = SEVERITY_WARNING,
		.path = -1,
	};
	memcpy(out->subject, feed->cfg->name, sizeof(out->subject));
	text_add(&msg, "feed %s (%s) ", feed->cfg->name, feed->type);
	if (!feed->was_up)
		text_add(&msg, "has not been up since the start: no route of it is known");
	else if (feed->routes)
		text_add(&msg,
			 "is gone: %s used as it last told %s, until stale-time (%llu s) is over",
			 routes, feed->routes == 1 ? "it" : "them", kept);
	else
		text_add(&msg,
			 "is gone: its routes were removed, after stale-time (%llu s) or a reload",
			 kept);
	if (feed->error[0])
		text_add(&msg, "; its last error: %s", feed->error);
	text_add(&fix, "%s", feed_fix(feed->cfg->type));
	return true;
}

static bool is_er(const struct config_path *path)
{
	return path->class == SW_CLASS_EXPRESSROUTE;
}

/* The circuit that a remote candidate names; without a name the only one that there is. -1: none.
 */
static int circuit_of(const struct config *cfg, const struct candidate *c)
{
	int only = -1;

	for (size_t i = 0; i < cfg->n_paths; i++) {
		const struct config_path *path = &cfg->paths[i];
		const char *name = config_circuit_name(path);

		if (!is_er(path))
			continue;
		if (c->attr->circuit[0] ? !strcmp(c->attr->circuit, name) : only < 0)
			only = (int)path->circuit_id;
		else if (!c->attr->circuit[0] && only != (int)path->circuit_id)
			return -1;
	}
	return only;
}

/* Learned from on-premises; VNets that share the circuit are learned by 12076 alone. */
static bool is_ours(const struct candidate *c)
{
	if (!c->attr->has_class || c->attr->class != SW_CLASS_EXPRESSROUTE)
		return false;
	for (size_t i = 0; i < c->attr->n_as; i++)
		if (c->attr->as_path[i] != MICROSOFT_AS)
			return true;
	return !c->attr->has_as_path;
}

void network_limits_count(const struct incident_context *ctx, struct network_limits *limits)
{
	struct rib_node *node = NULL;

	memset(limits, 0, sizeof(*limits));
	while ((node = rib_next(ctx->rib, VIEW_REMOTE, node))) {
		uint64_t circuits = 0;

		for (const struct candidate *c = rib_node_candidates(node); c; c = c->next) {
			int id = is_ours(c) ? circuit_of(ctx->cfg, c) : -1;

			if (id >= 0)
				circuits |= 1ULL << id;
		}
		for (; circuits; circuits &= circuits - 1)
			limits->out[__builtin_ctzll(circuits)]++;
	}
}

/*
 * Whether it is to be told: from four fifths of the limit on, and then until it is down at three
 * quarters; critical from the limit itself on, until it is down at nineteen twentieths. Prefixes
 * come and go; one of them must not open, raise or close an incident each time.
 */
static bool limit_near(const struct incidents *set, size_t count, uint32_t limit,
		       struct network_state *out)
{
	int told = incidents_network_severity(set, out);

	out->severity =
		count >= limit || (told == SEVERITY_CRITICAL && count * 20 > (size_t)limit * 19)
			? SEVERITY_CRITICAL
			: SEVERITY_WARNING;
	return count * 5 >= (size_t)limit * 4 || (told >= 0 && count * 4 > (size_t)limit * 3);
}

static void limit_begin(struct network_state *out, const char *subject, int path)
{
	*out = (struct network_state){
		.kind = NETWORK_PREFIX_LIMIT, .cause = CAUSE_PREFIX_LIMIT, .path = path};
	memcpy(out->subject, subject, sizeof(out->subject));
}

static size_t path_count(const struct incident_context *ctx, int id, uint8_t family)
{
	size_t most = 0;

	for (feed_id feed = 0; feed < ctx->cfg->n_feeds; feed++) {
		size_t n = rib_feed_path_routes(ctx->rib, feed, id, family);

		most = n > most ? n : most;
	}
	return most;
}

/* The family that is nearer to its limit. */
static bool limit_in(const struct incident_context *ctx, const struct incidents *set,
		     const struct config_path *path, int id, struct network_state *out)
{
	size_t n4 = path_count(ctx, id, 4), n6 = path_count(ctx, id, 6);
	bool six = n6 * path->limit.in > n4 * path->limit.in6;
	uint32_t limit = six ? path->limit.in6 : path->limit.in;
	struct text msg = {out->message, 0}, fix = {out->fix, 0};
	size_t n = six ? n6 : n4;

	limit_begin(out, path->name, id);
	out->side = SIDE_AZURE;
	if (!limit_near(set, n, limit, out))
		return false;
	text_add(&msg,
		 "%zu IPv%d prefixes come from Azure by %s, %zu %% of the %u that one connection "
		 "of a "
		 "circuit carries: beyond that Azure drops the connection between gateway and "
		 "circuit, "
		 "while the session with the Microsoft edge stays up",
		 n, six ? 6 : 4, path->name, n * 100 / limit, limit);
	text_add(&fix,
		 "summarise what the VNets and their gateways announce, or spread them over "
		 "circuits; "
		 "where the path carries several connections: its `prefix-limit: { %s: N }`",
		 six ? "in6" : "in");
	return true;
}

static bool limit_out(const struct incidents *set, const struct config_path *path, int id, size_t n,
		      struct network_state *out)
{
	const char *name = config_circuit_name(path);
	struct text msg = {out->message, 0}, fix = {out->fix, 0};

	limit_begin(out, name, id);
	out->side = SIDE_ONPREM;
	if (!limit_near(set, n, path->limit.out, out))
		return false;
	text_add(&msg,
		 "Azure has learned %zu prefixes of ours by circuit %s, %zu %% of the %u that its "
		 "private peering accepts: beyond that the BGP session with the Microsoft edge "
		 "drops",
		 n, name, n * 100 / path->limit.out, path->limit.out);
	text_add(&fix, "summarise what is announced on ExpressRoute; a circuit with the premium "
		       "add-on takes 10000: its paths' `prefix-limit: { out: 10000 }`");
	return true;
}

/* The bits of all paths of the circuit. */
static uint64_t circuit_paths(const struct incident_context *ctx, unsigned int circuit)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < ctx->cfg->n_paths; i++)
		if (ctx->cfg->paths[i].circuit_id == circuit)
			bits |= 1ULL << incident_path_id(ctx, i);
	return bits;
}

uint64_t network_limits_tell(const struct incident_context *ctx,
			     const struct network_limits *limits, struct incidents *set)
{
	uint64_t near = 0, circuits = 0;
	struct network_state state;

	for (size_t i = 0; i < ctx->cfg->n_paths; i++) {
		const struct config_path *path = &ctx->cfg->paths[i];
		int id = incident_path_id(ctx, i);
		bool first = !(circuits >> path->circuit_id & 1);

		circuits |= 1ULL << path->circuit_id;
		if (!is_er(path))
			continue;
		if (limit_in(ctx, set, path, id, &state)) {
			incidents_network_state(set, ctx, &state);
			near |= 1ULL << id;
		}
		if (first && limit_out(set, path, id, limits->out[path->circuit_id], &state)) {
			incidents_network_state(set, ctx, &state);
			near |= circuit_paths(ctx, path->circuit_id);
		}
	}
	return near;
}
