/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What was told, so that a callback means a change. The kernel repeats itself (a link message a
 * change of any attribute, a neighbour message a change of its timer state), and a dump repeats
 * everything; here each message is held against what was told before.
 *
 * A dump marks what it sees; the sweep after it takes the rest for gone. Addresses and neighbours
 * of an interface that has not been told are dropped: its own link message is still in the queue,
 * and theirs are behind it, since the groups are joined before the dump.
 */
#include "kernel/links_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t no_mac[6];

static bool link_same(const struct link_info *a, const struct link_info *b)
{
	return a->ifindex == b->ifindex && !strcmp(a->name, b->name) && a->up == b->up &&
	       a->l3 == b->l3 && !memcmp(a->mac, b->mac, sizeof(a->mac)) && a->mtu == b->mtu;
}

static struct known_neighbor **bucket_of(struct links *links, uint32_t ifindex,
					 const struct ip_addr *addr)
{
	uint32_t hash = 2166136261u ^ ifindex;

	for (size_t i = 0; i < sizeof(addr->bytes); i++)
		hash = (hash ^ addr->bytes[i]) * 16777619u;
	return &links->neighbors[(hash ^ hash >> 16) % LINKS_NEIGHBOR_BUCKETS];
}

static void tell_address(struct links *links, const struct known_address *a, bool added)
{
	links->ops.address(links->ops.arg, a->ifindex, &a->addr, a->len, &a->broadcast, added);
}

static void tell_neighbor(struct links *links, const struct known_neighbor *n, bool valid)
{
	links->ops.neighbor(links->ops.arg, n->ifindex, &n->addr, valid, valid ? n->mac : no_mac);
}

struct known_link *links_state_find(const struct links *links, uint32_t ifindex)
{
	struct known_link *k = links->links;

	while (k && k->heard.ifindex != ifindex)
		k = k->next;
	return k;
}

const struct known_neighbor *links_state_find_neighbor(const struct links *links, uint32_t ifindex,
						       const struct ip_addr *addr)
{
	const struct known_neighbor *n = *bucket_of((struct links *)links, ifindex, addr);

	while (n && (n->ifindex != ifindex || !ip_equal(&n->addr, addr)))
		n = n->next;
	return n;
}

/* Tells all that hangs on the interface as gone, or, after a rename, as there again. */
static void tell_belongings(struct links *links, uint32_t ifindex, bool there)
{
	for (struct known_address *a = links->addresses; a; a = a->next)
		if (a->ifindex == ifindex)
			tell_address(links, a, there);
	for (size_t i = 0; i < LINKS_NEIGHBOR_BUCKETS; i++)
		for (struct known_neighbor *n = links->neighbors[i]; n; n = n->next)
			if (n->ifindex == ifindex && n->valid)
				tell_neighbor(links, n, there);
}

void links_state_settle(struct links *links, struct known_link *link)
{
	struct link_info old = link->told, now = link->heard;
	bool renamed = old.name[0] && strcmp(old.name, now.name);

	now.up = link->heard.up && link->carrier;
	if (link_same(&old, &now))
		return;
	if (renamed) {
		tell_belongings(links, old.ifindex, false);
		links->ops.link_gone(links->ops.arg, old.ifindex, old.name);
	}
	link->told = now;
	if (now.up && !old.up)
		neighbor_link_up(links, now.ifindex);
	links->ops.link(links->ops.arg, &now);
	if (renamed)
		tell_belongings(links, now.ifindex, true);
}

int links_state_link(struct links *links, const struct link_info *news)
{
	struct known_link *k = links_state_find(links, news->ifindex);

	if (!k) {
		k = calloc(1, sizeof(*k));
		if (!k)
			return -ENOMEM;
		k->next = links->links;
		links->links = k;
	}
	k->heard = *news;
	carrier_list(links, k);
	k->mark = links->mark;
	carrier_refresh(links, k);
	links_state_settle(links, k);
	return 0;
}

/* Forgets and tells as gone: everything of the interface, or (0) everything without the mark. */
static void drop_addresses(struct links *links, uint32_t ifindex)
{
	struct known_address **at = &links->addresses, *a;

	while ((a = *at)) {
		if (ifindex ? a->ifindex != ifindex : a->mark == links->mark) {
			at = &a->next;
			continue;
		}
		*at = a->next;
		tell_address(links, a, false);
		free(a);
	}
}

static void drop_neighbor(struct links *links, struct known_neighbor **at)
{
	struct known_neighbor *n = *at;
	struct neighbor_news news = {.ifindex = n->ifindex, .addr = n->addr};

	*at = n->next;
	if (n->valid)
		tell_neighbor(links, n, false);
	free(n);
	neighbor_heard(links, &news, true);
}

static void drop_neighbors(struct links *links, uint32_t ifindex)
{
	for (size_t i = 0; i < LINKS_NEIGHBOR_BUCKETS; i++) {
		struct known_neighbor **at = &links->neighbors[i], *n;

		while ((n = *at)) {
			if (ifindex ? n->ifindex != ifindex : n->mark == links->mark)
				at = &n->next;
			else
				drop_neighbor(links, at);
		}
	}
}

void links_state_link_gone(struct links *links, uint32_t ifindex)
{
	struct known_link **at = &links->links, *k;

	while (*at && (*at)->heard.ifindex != ifindex)
		at = &(*at)->next;
	k = *at;
	if (!k)
		return;
	neighbor_link_gone(links, ifindex);
	drop_addresses(links, ifindex);
	drop_neighbors(links, ifindex);
	*at = k->next;
	links->ops.link_gone(links->ops.arg, ifindex, k->told.name);
	free(k);
}

static struct known_address **find_address(struct links *links, const struct address_news *news)
{
	struct known_address **at = &links->addresses;

	while (*at && ((*at)->ifindex != news->ifindex || (*at)->len != news->len ||
		       !ip_equal(&(*at)->addr, &news->addr)))
		at = &(*at)->next;
	return at;
}

int links_state_address(struct links *links, const struct address_news *news)
{
	struct known_address *a = *find_address(links, news);

	if (news->refused) {
		links_state_address_gone(links, news);
		return 0;
	}
	if (!links_state_find(links, news->ifindex))
		return 0;
	if (a) {
		a->mark = links->mark;
		if (ip_equal(&a->broadcast, &news->broadcast))
			return 0;
		tell_address(links, a, false);
	} else {
		a = calloc(1, sizeof(*a));
		if (!a)
			return -ENOMEM;
		a->next = links->addresses;
		links->addresses = a;
	}
	a->ifindex = news->ifindex;
	a->addr = news->addr;
	a->broadcast = news->broadcast;
	a->len = news->len;
	a->mark = links->mark;
	tell_address(links, a, true);
	return 0;
}

void links_state_address_gone(struct links *links, const struct address_news *news)
{
	struct known_address **at = find_address(links, news), *a = *at;

	if (!a)
		return;
	*at = a->next;
	tell_address(links, a, false);
	free(a);
}

int links_state_neighbor(struct links *links, const struct neighbor_news *news)
{
	struct known_neighbor **bucket = bucket_of(links, news->ifindex, &news->addr), *n = *bucket;
	bool first = false, change;

	if (!links_state_find(links, news->ifindex))
		return 0;
	while (n && (n->ifindex != news->ifindex || !ip_equal(&n->addr, &news->addr)))
		n = n->next;
	if (!n) {
		n = calloc(1, sizeof(*n));
		if (!n)
			return -ENOMEM;
		n->ifindex = news->ifindex;
		n->addr = news->addr;
		n->next = *bucket;
		*bucket = n;
		first = true;
	}
	change = first || n->valid != news->valid || memcmp(n->mac, news->mac, sizeof(n->mac));
	n->valid = news->valid;
	n->fixed = news->fixed;
	memcpy(n->mac, news->mac, sizeof(n->mac));
	n->mark = links->mark;
	neighbor_heard(links, news, false);
	if (change)
		tell_neighbor(links, n, n->valid);
	return 0;
}

void links_state_neighbor_gone(struct links *links, const struct neighbor_news *news)
{
	struct known_neighbor **at = bucket_of(links, news->ifindex, &news->addr);

	while (*at && ((*at)->ifindex != news->ifindex || !ip_equal(&(*at)->addr, &news->addr)))
		at = &(*at)->next;
	if (*at)
		drop_neighbor(links, at);
}

void links_state_sweep(struct links *links)
{
	struct known_link *k = links->links;

	drop_neighbors(links, 0);
	drop_addresses(links, 0);
	while (k) {
		uint32_t ifindex = k->heard.ifindex;
		bool gone = k->mark != links->mark;

		k = k->next;
		if (gone)
			links_state_link_gone(links, ifindex);
	}
}

void links_state_free(struct links *links)
{
	for (struct known_link *k = links->links, *next; k; k = next) {
		next = k->next;
		free(k);
	}
	for (struct known_address *a = links->addresses, *next; a; a = next) {
		next = a->next;
		free(a);
	}
	for (size_t i = 0; i < LINKS_NEIGHBOR_BUCKETS; i++)
		for (struct known_neighbor *n = links->neighbors[i], *next; n; n = next) {
			next = n->next;
			free(n);
		}
}
