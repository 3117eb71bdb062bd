/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the image to candidates: for each prefix that changed, one for every leg of its routes that
 * can carry packets. What is new is told before what is no more, so that the RIB has no gap.
 *
 * A leg can't, when the kernel calls it dead or its interface is not up. One whose interface has
 * lost its carrier only is still a candidate: the path's link says that it is not usable, and all
 * is as before when the carrier is back. The kernel itself keeps such routes.
 */
#include "feed/rtnetlink_image.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#define CANDIDATES_MAX RTNL_LEGS_MAX /* a prefix */

struct wanted {
	struct rtnl_candidate v[CANDIDATES_MAX];
	size_t n;
	unsigned int place;
};

static struct rtnl_candidate *candidate_find(struct rtnl_candidate *v, size_t n,
					     const struct rtnl_candidate *c)
{
	for (size_t i = 0; i < n; i++)
		if (ip_equal(&v[i].via, &c->via) && v[i].via.family == c->via.family &&
		    !strcmp(v[i].interface, c->interface))
			return &v[i];
	return NULL;
}

static void want_leg(const struct rtnl_state *state, const struct rtnl_leg *leg, struct wanted *w)
{
	struct rtnl_candidate c = {.via = leg->via, .place = w->place};
	bool found;
	size_t at = rtnl_link_place(state, leg->oif, &found);

	if (leg->dead || !found || !state->links[at].up || w->n == CANDIDATES_MAX)
		return;
	memcpy(c.interface, state->links[at].name, sizeof(c.interface));
	if (!candidate_find(w->v, w->n, &c))
		w->v[w->n++] = c;
}

static void want_nexthop(const struct rtnl_state *state, uint32_t id, struct wanted *w)
{
	const struct rtnl_group *group;
	bool found;
	size_t at = rtnl_group_place(state, id, &found);

	if (!found)
		return;
	group = &state->groups[at];
	if (!group->n_members)
		want_leg(state, &group->leg, w);
	for (size_t i = 0; i < group->n_members; i++) {
		at = rtnl_group_place(state, group->members[i], &found);
		if (found && !state->groups[at].n_members) /* groups hold no groups */
			want_leg(state, &state->groups[at].leg, w);
	}
}

/* Routes of a TOS are for some packets only, those of the link's own scope for no way at all. */
static bool prefix_is_ours(const struct prefix *p)
{
	struct ip_addr ip = prefix_address(p);

	if (ip_is_link_local(&ip) && p->len)
		return false;
	return p->family == 4 ? !p->len || (p->bytes[0] & 0xf0) != 0xe0
			      : !p->len || p->bytes[0] != 0xff;
}

static void want_all(const struct rtnl_image *image, const struct rtnl_node *node, struct wanted *w)
{
	const struct rtnl_state *state = &image->now;

	w->n = 0;
	w->place = 0;
	if (!prefix_is_ours(&node->trie.prefix))
		return;
	for (const struct rtnl_entry *e = node->entries; e; e = e->next) {
		size_t before = w->n;

		if (e->tos || e->type != RTN_UNICAST ||
		    !config_takes_protocol(image->cfg, e->protocol))
			continue;
		if (e->nexthop)
			want_nexthop(state, e->nexthop, w);
		for (size_t i = 0; i < e->n_legs; i++)
			want_leg(state, &e->legs[i], w);
		w->place += w->n > before;
	}
}

/* The smallest number that no candidate of either list has. */
static uint32_t sub_free(const struct rtnl_node *node, const struct wanted *w)
{
	uint32_t sub = 1;
	bool taken = true;

	for (; taken; sub += taken) {
		taken = false;
		for (size_t i = 0; i < node->n_told && !taken; i++)
			taken = node->told[i].sub == sub;
		for (size_t i = 0; i < w->n && !taken; i++)
			taken = w->v[i].sub == sub;
	}
	return sub;
}

static void tell_one(struct rtnl_image *image, struct rtnl_node *node, struct rtnl_candidate *c)
{
	const struct rtnl_candidate *old = candidate_find(node->told, node->n_told, c);
	enum rib_result result;

	if (old && old->place == c->place && !old->refused && !image->all)
		return;
	result = image->ops.announce(image->ops.arg, &node->trie.prefix, c, old && old->refused);
	c->refused = result == RIB_UNKNOWN_PATH || result == RIB_NO_MEMORY;
	if (old && !old->refused && c->refused)
		image->ops.withdraw(image->ops.arg, &node->trie.prefix, c->sub);
}

/* A route of these says that there is no way; it hides nothing that covers it. */
static bool is_no_way(uint8_t type)
{
	return type == RTN_BLACKHOLE || type == RTN_UNREACHABLE || type == RTN_PROHIBIT ||
	       type == RTN_THROW;
}

static void no_way_count(struct rtnl_image *image, struct rtnl_node *node)
{
	image->no_way -= node->no_way;
	node->no_way = 0;
	for (const struct rtnl_entry *e = node->entries; e; e = e->next)
		node->no_way +=
			is_no_way(e->type) && config_takes_protocol(image->cfg, e->protocol);
	image->no_way += node->no_way;
}

size_t rtnl_image_no_way(const struct rtnl_image *image)
{
	return image->no_way;
}

/* Tells the prefix's differences. */
static int node_publish(struct rtnl_image *image, struct rtnl_node *node)
{
	struct rtnl_candidate *told = NULL;
	static struct wanted w; /* large, and used by this thread only */

	no_way_count(image, node);
	want_all(image, node, &w);
	if (w.n) {
		told = reallocarray(NULL, w.n, sizeof(*told));
		if (!told)
			return -ENOMEM;
	}
	for (size_t i = 0; i < w.n; i++) {
		const struct rtnl_candidate *old =
			candidate_find(node->told, node->n_told, &w.v[i]);

		w.v[i].sub = old ? old->sub : sub_free(node, &w);
		w.v[i].refused = old && old->refused;
	}
	for (size_t i = 0; i < w.n; i++)
		tell_one(image, node, &w.v[i]);
	for (size_t i = 0; i < node->n_told; i++)
		if (!node->told[i].refused && !candidate_find(w.v, w.n, &node->told[i]))
			image->ops.withdraw(image->ops.arg, &node->trie.prefix, node->told[i].sub);
	if (told)
		memcpy(told, w.v, w.n * sizeof(*told));
	free(node->told);
	node->told = told;
	node->n_told = w.n;
	return 0;
}

int rtnl_image_publish(struct rtnl_image *image)
{
	while (image->dirty) {
		struct rtnl_node *node = image->dirty;

		if (node_publish(image, node))
			return -ENOMEM;
		image->dirty = node->next_dirty;
		node->next_dirty = NULL;
		node->dirty = false;
		if (!node->entries && !node->n_told)
			trie_remove(&image->now.routes, &node->trie);
	}
	return 0;
}

/* A node of the new state for each prefix that was told; what was told goes along. */
static int told_move(struct rtnl_image *image)
{
	struct rtnl_node *old, *new;

	for (old = rtnl_node_next(&image->now, NULL); old; old = rtnl_node_next(&image->now, old))
		if (old->n_told && !trie_insert(&image->next.routes, &old->trie.prefix))
			return -ENOMEM;
	for (old = rtnl_node_next(&image->now, NULL); old; old = rtnl_node_next(&image->now, old)) {
		if (!old->n_told)
			continue;
		new = (struct rtnl_node *)trie_find(&image->next.routes, &old->trie.prefix);
		new->told = old->told;
		new->n_told = old->n_told;
		old->told = NULL;
		old->n_told = 0;
	}
	return 0;
}

int rtnl_image_commit(struct rtnl_image *image, bool all)
{
	struct rtnl_node *node;
	int err = told_move(image);

	if (err) {
		rtnl_image_abort(image);
		return err;
	}
	rtnl_state_free(&image->now);
	image->now = image->next;
	image->next = (struct rtnl_state){.routes.node_size = sizeof(struct rtnl_node)};
	image->loading = false;
	image->dirty = NULL;
	image->no_way = 0; /* the new nodes count anew */
	for (node = rtnl_node_next(&image->now, NULL); node;
	     node = rtnl_node_next(&image->now, node))
		rtnl_dirty(image, node);
	image->all = all;
	err = rtnl_image_publish(image);
	image->all = false;
	return err;
}
