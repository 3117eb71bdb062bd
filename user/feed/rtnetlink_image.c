/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel said: a dump, and the news since. The kernel's news tell what was asked of it,
 * not what its table is then; most can be followed, and those that can't (a route among several of
 * one metric, a deleted nexthop object, a link that changed: the kernel flushes routes without a
 * word) are RTNL_UNCLEAR. What is unclear is followed as well as it can be meanwhile.
 */
#include "feed/rtnetlink_image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void entries_free(struct rtnl_node *node)
{
	while (node->entries) {
		struct rtnl_entry *e = node->entries;

		node->entries = e->next;
		free(e);
	}
}

void rtnl_state_free(struct rtnl_state *state)
{
	for (struct rtnl_node *n = rtnl_node_next(state, NULL); n; n = rtnl_node_next(state, n)) {
		entries_free(n);
		free(n->told);
	}
	trie_clear(&state->routes);
	for (size_t i = 0; i < state->n_groups; i++)
		free(state->groups[i].members);
	free(state->groups);
	free(state->links);
	*state = (struct rtnl_state){.routes.node_size = sizeof(struct rtnl_node)};
}

struct rtnl_image *rtnl_image_new(const struct config_feed *cfg, const struct rtnl_ops *ops)
{
	struct rtnl_image *image = calloc(1, sizeof(*image));

	if (!image)
		return NULL;
	image->cfg = cfg;
	image->ops = *ops;
	image->now.routes.node_size = sizeof(struct rtnl_node);
	image->next.routes.node_size = sizeof(struct rtnl_node);
	return image;
}

void rtnl_image_free(struct rtnl_image *image)
{
	rtnl_state_free(&image->now);
	rtnl_state_free(&image->next);
	free(image);
}

void rtnl_image_load(struct rtnl_image *image)
{
	rtnl_state_free(&image->next);
	image->loading = true;
}

void rtnl_image_abort(struct rtnl_image *image)
{
	rtnl_state_free(&image->next);
	image->loading = false;
}

void rtnl_dirty(struct rtnl_image *image, struct rtnl_node *node)
{
	if (node->dirty)
		return;
	node->dirty = true;
	node->next_dirty = image->dirty;
	image->dirty = node;
}

/* Routes. */

static bool leg_same(const struct rtnl_leg *a, const struct rtnl_leg *b)
{
	return a->oif == b->oif && a->via.family == b->via.family &&
	       !memcmp(a->via.bytes, b->via.bytes, sizeof(a->via.bytes));
}

static bool has_leg(const struct rtnl_leg *legs, size_t n, const struct rtnl_leg *leg)
{
	for (size_t i = 0; i < n; i++)
		if (leg_same(&legs[i], leg))
			return true;
	return false;
}

/* Whether every leg of `a` is one of `b`. */
static bool legs_within(const struct rtnl_leg *a, size_t n_a, const struct rtnl_leg *b, size_t n_b)
{
	for (size_t i = 0; i < n_a; i++)
		if (!has_leg(b, n_b, &a[i]))
			return false;
	return true;
}

static bool same_slot(const struct rtnl_entry *e, const struct rtnl_route *r)
{
	return e->metric == r->metric && e->tos == r->tos;
}

static bool same_entry(const struct rtnl_entry *e, const struct rtnl_route *r)
{
	return same_slot(e, r) && e->type == r->type && e->protocol == r->protocol &&
	       e->nexthop == r->nexthop && e->n_legs == r->n_legs &&
	       legs_within(r->legs, r->n_legs, e->legs, e->n_legs);
}

static struct rtnl_entry *entry_new(const struct rtnl_route *r)
{
	struct rtnl_entry *e = malloc(sizeof(*e) + r->n_legs * sizeof(e->legs[0]));

	if (!e)
		return NULL;
	*e = (struct rtnl_entry){.metric = r->metric,
				 .nexthop = r->nexthop,
				 .tos = r->tos,
				 .type = r->type,
				 .protocol = r->protocol,
				 .n_legs = r->n_legs};
	if (r->n_legs)
		memcpy(e->legs, r->legs, r->n_legs * sizeof(e->legs[0]));
	return e;
}

/* Where a new entry goes: by metric; among its equals first, or last. */
static struct rtnl_entry **entry_place(struct rtnl_node *node, uint32_t metric, bool last)
{
	struct rtnl_entry **link = &node->entries;

	while (*link && ((*link)->metric < metric || (last && (*link)->metric == metric)))
		link = &(*link)->next;
	return link;
}

static void entry_remove(struct rtnl_entry **link)
{
	struct rtnl_entry *e = *link;

	*link = e->next;
	free(e);
}

static struct rtnl_entry **find_same(struct rtnl_node *node, const struct rtnl_route *r)
{
	struct rtnl_entry **link = &node->entries;

	while (*link && !same_entry(*link, r))
		link = &(*link)->next;
	return link;
}

/* What the route takes the place of: the first of its slot; *n counts all of the slot. */
static struct rtnl_entry **find_slot(struct rtnl_node *node, const struct rtnl_route *r, size_t *n)
{
	struct rtnl_entry **found = NULL;

	*n = 0;
	for (struct rtnl_entry **link = &node->entries; *link; link = &(*link)->next) {
		if (!same_slot(*link, r))
			continue;
		if (!found)
			found = link;
		++*n;
	}
	return found;
}

/* Of IPv6 the news of a leg more is the whole set: it takes the place of the smaller one. */
static struct rtnl_entry **find_grown(struct rtnl_node *node, const struct rtnl_route *r)
{
	for (struct rtnl_entry **link = &node->entries; *link; link = &(*link)->next) {
		const struct rtnl_entry *e = *link;

		if (same_slot(e, r) && e->type == r->type && e->n_legs && e->n_legs < r->n_legs &&
		    legs_within(e->legs, e->n_legs, r->legs, r->n_legs))
			return link;
	}
	return NULL;
}

/*
 * Of IPv6 what may share with others (it has a gateway) takes the place of such a route first, and
 * all legs of it; what may not, of one that may not.
 */
static bool one_gateway(size_t n_legs, const struct rtnl_leg *legs)
{
	return n_legs == 1 && legs[0].via.family;
}

static int news_add(struct rtnl_node *node, const struct rtnl_route *r)
{
	struct rtnl_entry **same = find_same(node, r), **link = NULL, *e;
	size_t n_slot;
	struct rtnl_entry **slot = find_slot(node, r, &n_slot);
	bool is6 = r->prefix.family == 6, simple = true;

	if (*same) {
		if (r->n_legs)
			memcpy((*same)->legs, r->legs, r->n_legs * sizeof(r->legs[0]));
		return r->replace && n_slot > 1 ? RTNL_UNCLEAR : 0;
	}
	e = entry_new(r);
	if (!e)
		return -ENOMEM;
	if (r->replace)
		link = slot;
	else if (is6)
		link = find_grown(node, r);
	if (link)
		simple = one_gateway((*link)->n_legs, (*link)->legs) &&
			 one_gateway(r->n_legs, r->legs);
	if (link)
		entry_remove(link);
	else
		link = entry_place(node, r->metric, r->append || is6);
	e->next = *link;
	*link = e;
	return (r->replace ? n_slot > 1 || (is6 && !simple) : is6 && n_slot) ? RTNL_UNCLEAR : 0;
}

/*
 * Of IPv6 a leg may go alone. RTNL_UNCLEAR where it was the first: the protocol told of them all
 * was its own, the next one's is not known. -ENOENT: not of this entry.
 */
static int legs_take(struct rtnl_entry *e, const struct rtnl_route *r)
{
	bool first;
	size_t n = 0;

	if (!same_slot(e, r) || e->type != r->type || e->nexthop || r->nexthop || !r->n_legs ||
	    r->n_legs >= e->n_legs || !legs_within(r->legs, r->n_legs, e->legs, e->n_legs))
		return -ENOENT;
	first = has_leg(r->legs, r->n_legs, &e->legs[0]);
	for (size_t i = 0; i < e->n_legs; i++)
		if (!has_leg(r->legs, r->n_legs, &e->legs[i]))
			e->legs[n++] = e->legs[i];
	e->n_legs = n;
	return first ? RTNL_UNCLEAR : 0;
}

static int news_remove(struct rtnl_node *node, const struct rtnl_route *r)
{
	struct rtnl_entry **link = find_same(node, r);

	if (*link) {
		entry_remove(link);
		return 0;
	}
	for (struct rtnl_entry *e = node->entries; e; e = e->next) {
		int ret = legs_take(e, r);

		if (ret != -ENOENT)
			return ret;
	}
	return node->entries ? RTNL_UNCLEAR : 0;
}

static int dump_add(struct rtnl_node *node, const struct rtnl_route *r)
{
	struct rtnl_entry *e = entry_new(r), **link = entry_place(node, r->metric, true);

	if (!e)
		return -ENOMEM;
	e->next = *link;
	*link = e;
	return 0;
}

int rtnl_image_route(struct rtnl_image *image, const struct rtnl_route *r)
{
	struct rtnl_state *state = image->loading ? &image->next : &image->now;
	struct rtnl_node *node;

	if (r->table != image->cfg->table)
		return 0;
	if (r->gone) {
		node = (struct rtnl_node *)trie_find(&state->routes, &r->prefix);
		if (!node || image->loading)
			return 0;
		rtnl_dirty(image, node);
		return news_remove(node, r);
	}
	node = (struct rtnl_node *)trie_insert(&state->routes, &r->prefix);
	if (!node)
		return -ENOMEM;
	if (image->loading)
		return dump_add(node, r);
	rtnl_dirty(image, node);
	return news_add(node, r);
}

/* Nexthop objects and links. */

size_t rtnl_group_place(const struct rtnl_state *state, uint32_t id, bool *found)
{
	size_t low = 0, high = state->n_groups;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (state->groups[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	*found = low < state->n_groups && state->groups[low].id == id;
	return low;
}

size_t rtnl_link_place(const struct rtnl_state *state, uint32_t ifindex, bool *found)
{
	size_t low = 0, high = state->n_links;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (state->links[mid].ifindex < ifindex)
			low = mid + 1;
		else
			high = mid;
	}
	*found = low < state->n_links && state->links[low].ifindex == ifindex;
	return low;
}

/* Room for one more at place `at` of an array that is in order. */
static void *array_open(void *v, size_t n, size_t at, size_t size)
{
	char *grown = reallocarray(v, n + 1, size);

	if (grown)
		memmove(grown + (at + 1) * size, grown + at * size, (n - at) * size);
	return grown;
}

static int group_put(struct rtnl_state *state, const struct rtnl_nexthop *nh)
{
	uint32_t *members = NULL;
	struct rtnl_group *groups;
	bool found;
	size_t at = rtnl_group_place(state, nh->id, &found);

	if (nh->n_members) {
		members = reallocarray(NULL, nh->n_members, sizeof(*members));
		if (!members)
			return -ENOMEM;
		memcpy(members, nh->members, nh->n_members * sizeof(*members));
	}
	if (found) {
		free(state->groups[at].members);
	} else {
		groups = array_open(state->groups, state->n_groups, at, sizeof(*groups));
		if (!groups) {
			free(members);
			return -ENOMEM;
		}
		state->groups = groups;
		state->n_groups++;
	}
	state->groups[at] = (struct rtnl_group){nh->id, nh->leg, nh->n_members, members};
	return 0;
}

static void group_remove(struct rtnl_state *state, uint32_t id)
{
	bool found;
	size_t at = rtnl_group_place(state, id, &found);

	if (!found)
		return;
	free(state->groups[at].members);
	state->n_groups--;
	memmove(&state->groups[at], &state->groups[at + 1],
		(state->n_groups - at) * sizeof(state->groups[0]));
}

static void dirty_by_nexthops(struct rtnl_image *image)
{
	struct rtnl_node *node = rtnl_node_next(&image->now, NULL);

	for (; node; node = rtnl_node_next(&image->now, node)) {
		const struct rtnl_entry *e = node->entries;

		while (e && !e->nexthop)
			e = e->next;
		if (e)
			rtnl_dirty(image, node);
	}
}

int rtnl_image_nexthop(struct rtnl_image *image, const struct rtnl_nexthop *nh)
{
	if (image->loading)
		return nh->gone ? 0 : group_put(&image->next, nh);
	dirty_by_nexthops(image);
	if (!nh->gone)
		return group_put(&image->now, nh);
	group_remove(&image->now, nh->id);
	return RTNL_UNCLEAR;
}

static bool link_same(const struct rtnl_link *a, const struct rtnl_link *b)
{
	return a->up == b->up && a->carrier == b->carrier && a->running == b->running &&
	       !strcmp(a->name, b->name);
}

int rtnl_image_link(struct rtnl_image *image, const struct rtnl_link *link)
{
	struct rtnl_state *state = image->loading ? &image->next : &image->now;
	struct rtnl_link *links;
	bool found;
	size_t at = rtnl_link_place(state, link->ifindex, &found);

	if (!image->loading)
		return found && link_same(&state->links[at], link) ? 0 : RTNL_UNCLEAR;
	if (!found) {
		links = array_open(state->links, state->n_links, at, sizeof(*links));
		if (!links)
			return -ENOMEM;
		state->links = links;
		state->n_links++;
	}
	state->links[at] = *link;
	return 0;
}
