/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who sends and who is sent to: the rows and columns of an audit. Sources are split where the way
 * back may differ: by what Azure has learned inside our networks, and by our own routes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/audit_internal.h"
#include "core/remote.h"

struct list {
	struct audit_source *v;
	size_t n, room;
};

static int list_add(struct list *list, const struct prefix *prefix)
{
	if (list->n == list->room) {
		size_t room = list->room ? list->room * 2 : 64;
		struct audit_source *v = realloc(list->v, room * sizeof(*v));

		if (!v)
			return -ENOMEM;
		list->v = v;
		list->room = room;
	}
	list->v[list->n++] = (struct audit_source){.prefix = *prefix};
	return 0;
}

bool audit_address_after(const struct prefix *p, struct ip_addr *out)
{
	unsigned int at = p->len;

	*out = prefix_address(p);
	while (at--) {
		uint8_t bit = (uint8_t)(0x80 >> at % 8);

		out->bytes[at / 8] ^= bit;
		if (out->bytes[at / 8] & bit)
			return true;
	}
	return false;
}

/* Whether this box, or what is never steered, has all of it. */
bool audit_is_exempt(const struct audit *a, const struct prefix *prefix)
{
	struct sw_group group;
	struct prefix match;

	return fib_cover(a->ctx->fib, prefix, &match, &group) &&
	       (group.kind == SW_GROUP_LOCAL || group.kind == SW_GROUP_EXEMPT);
}

static bool is_source(const struct rib_node *node, enum rib_view view)
{
	for (const struct candidate *c = rib_node_candidates(node); c; c = c->next)
		if (view == VIEW_REMOTE ? !c->peer_down : c->attr->own)
			return true;
	return false;
}

static bool has_vpn(const struct rib_node *node)
{
	for (const struct candidate *c = rib_node_candidates(node); c; c = c->next)
		if (!c->peer_down && c->attr->class == SW_CLASS_VPN)
			return true;
	return false;
}

static int add_inside(const struct audit *a, struct list *list, enum rib_view view,
		      const struct prefix *network)
{
	const struct rib_node *node = rib_after(a->ctx->rib, view, network);

	for (; node && prefix_contains(network, rib_node_prefix(node));
	     node = rib_next(a->ctx->rib, view, node))
		if (is_source(node, view) && !audit_is_exempt(a, rib_node_prefix(node)) &&
		    list_add(list, rib_node_prefix(node)))
			return -ENOMEM;
	return 0;
}

/* What a rule is from, where it asks for no more of a packet than its addresses. */
static int add_rules(const struct audit *a, struct list *list, const struct prefix *network)
{
	const struct config *cfg = a->ctx->cfg;

	for (size_t i = 0; i < cfg->n_rules; i++) {
		const struct prefix *from = &cfg->rules[i].from;

		if (audit_rule_splits(&cfg->rules[i], from, network) && !audit_is_exempt(a, from) &&
		    list_add(list, from))
			return -ENOMEM;
	}
	return 0;
}

static int order(const void *a, const void *b)
{
	return prefix_cmp(&((const struct audit_source *)a)->prefix,
			  &((const struct audit_source *)b)->prefix);
}

/* The first address of v[i] that none of the following has; false: they have all of it. */
static bool free_host(struct audit_source *v, size_t n, size_t i)
{
	struct ip_addr at = prefix_address(&v[i].prefix);

	v[i].rest = i + 1 < n && prefix_contains(&v[i].prefix, &v[i + 1].prefix);
	for (size_t k = i + 1; k < n && prefix_contains(&v[i].prefix, &v[k].prefix); k++)
		if (prefix_has(&v[k].prefix, &at) &&
		    (!audit_address_after(&v[k].prefix, &at) || !prefix_has(&v[i].prefix, &at)))
			return false;
	v[i].host = at;
	return true;
}

/* The path of that class and circuit that is out was the last one: Azure loses what came by it. */
static bool takes_along(const struct audit *a, uint8_t family, struct remote_limits *out)
{
	const struct config *cfg = a->ctx->cfg;
	const struct config_path *down = rib_path(a->ctx->rib, (unsigned int)a->down);
	uint64_t left = a->usable[family == 6] & ~(1ULL << a->down);

	if (!down)
		return false;
	*out = (struct remote_limits){
		.gone = true,
		.class = down->class,
		.circuit = config_circuit_name(down),
		.unnamed = true,
	};
	for (size_t i = 0; i < cfg->n_paths; i++) {
		const struct config_path *p = &cfg->paths[i];
		int id = incident_path_id(a->ctx, i);

		if (!(left >> id & 1) || p->class != down->class)
			continue;
		if (!strcmp(config_circuit_name(p), out->circuit))
			return false;
		out->unnamed = false;
	}
	return true;
}

static struct audit_return to_return(const struct remote_return *from)
{
	struct audit_return back = {
		.known = true,
		.class = from->class,
		.stale = from->candidate->stale,
		.second_hand = from->candidate->attr->second_hand,
		.age_ns = from->age_ns,
		.prefix = from->prefix,
	};
	size_t len = strnlen(from->circuit, SW_NAME_LEN - 1);

	memcpy(back.circuit, from->circuit, len);
	return back;
}

/* Azure has learned something of ours, of the family, by VPN. */
static bool vpn_seen(const struct audit *a, uint8_t family)
{
	const struct config *cfg = a->ctx->cfg;

	for (size_t i = 0; i < cfg->n_inside; i++)
		for (size_t k = 0; k < cfg->inside[i].n_networks; k++) {
			const struct prefix *network = &cfg->inside[i].networks[k];
			const struct rib_node *node = rib_find(a->ctx->rib, VIEW_REMOTE, network);

			if (network->family != family)
				continue;
			if (!node)
				node = rib_after(a->ctx->rib, VIEW_REMOTE, network);
			for (; node && prefix_contains(network, rib_node_prefix(node));
			     node = rib_next(a->ctx->rib, VIEW_REMOTE, node))
				if (has_vpn(node))
					return true;
		}
	return false;
}

/* The ways back to an address of it, of which *out has the prefix. */
static void find_ways(const struct audit *a, const struct ip_addr *src, struct audit_source *out)
{
	static const int only[AUDIT_BY_COUNT] = {-1, SW_CLASS_EXPRESSROUTE, SW_CLASS_VPN};
	struct remote_limits limits = {0};
	bool gone = a->down >= 0 && takes_along(a, src->family, &limits);

	for (int by = 0; by < AUDIT_BY_COUNT; by++) {
		struct remote_return found;

		limits.only = only[by];
		limits.gone = false;
		out->was[by] = (struct audit_return){0};
		if (remote_return_limited(a->ctx->rib, src, a->ctx->now, &limits, &found))
			out->was[by] = to_return(&found);
		out->back[by] = out->was[by];
		if (!gone || !out->was[by].known)
			continue;
		limits.gone = true;
		if (remote_return_limited(a->ctx->rib, src, a->ctx->now, &limits, &found))
			out->back[by] = to_return(&found);
		else
			out->back[by] = (struct audit_return){.lost = true};
	}
	audit_rules_meet(a->ctx->cfg, true, &out->prefix, src, &out->rules);
}

void audit_source_of(const struct audit *a, const struct ip_addr *src, struct audit_source *out)
{
	out->prefix = prefix_host(src);
	out->vpn_seen = vpn_seen(a, src->family);
	find_ways(a, src, out);
}

int audit_sources(const struct audit *a, struct audit_source **out, size_t *n)
{
	const struct config *cfg = a->ctx->cfg;
	bool seen[2] = {vpn_seen(a, 4), vpn_seen(a, 6)};
	struct list list = {0};
	size_t kept = 0;
	int err = 0;

	for (size_t i = 0; !err && i < cfg->n_inside; i++)
		for (size_t k = 0; !err && k < cfg->inside[i].n_networks; k++) {
			const struct prefix *network = &cfg->inside[i].networks[k];

			err = list_add(&list, network);
			err = err ? err : add_inside(a, &list, VIEW_REMOTE, network);
			err = err ? err : add_inside(a, &list, VIEW_LOCAL, network);
			err = err ? err : add_rules(a, &list, network);
		}
	if (err) {
		free(list.v);
		return err;
	}
	if (list.n)
		qsort(list.v, list.n, sizeof(*list.v), order);
	for (size_t i = 0; i < list.n; i++)
		if (!kept || !prefix_equal(&list.v[kept - 1].prefix, &list.v[i].prefix))
			list.v[kept++] = list.v[i];
	list.n = kept;
	kept = 0;
	for (size_t i = 0; i < list.n; i++) {
		if (!free_host(list.v, list.n, i))
			continue;
		list.v[i].vpn_seen = seen[list.v[i].prefix.family == 6];
		find_ways(a, &list.v[i].host, &list.v[i]);
		list.v[kept++] = list.v[i];
	}
	*out = list.v;
	*n = kept;
	return 0;
}
