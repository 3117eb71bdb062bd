/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The order of daemon/attach.c, from the pinned maps alone. Where they can't be read (of another
 * version) the order is that of the names; the waits are the same.
 */
#include "kernel/release.h"

#include "kernel/hooks.h"
#include "kernel/links.h"
#include "kernel/maps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POLL_NS	     20000000L
#define SETTLE_POLLS 10	 /* a driver may reset a little after it said yes */
#define WAIT_POLLS   500 /* 10 s */

struct attached {
	char name[IFNAMSIZ];
	enum hook hook;
	unsigned int place; /* the lower, the earlier */
};

struct release {
	struct attached v[SW_MAX_SLOTS];
	size_t n;
	struct maps *maps;
};

static int add_hook(void *arg, const char *dir, const char *ifname, enum hook hook)
{
	struct release *r = arg;

	(void)dir;
	if ((hook != HOOK_XDP && hook != HOOK_XDP_GENERIC) || r->n == SW_MAX_SLOTS)
		return 0;
	snprintf(r->v[r->n].name, IFNAMSIZ, "%s", ifname);
	r->v[r->n++].hook = hook;
	return 0;
}

static int add_place(void *arg, uint32_t ifindex, const struct sw_interface *row)
{
	struct release *r = arg;
	struct sw_path path;

	(void)ifindex;
	for (size_t i = 0; i < r->n; i++) {
		unsigned int *place = &r->v[i].place;

		if (strncmp(r->v[i].name, row->name, sizeof(row->name)))
			continue;
		if (row->role == SW_ROLE_PATH && !maps_path(r->maps, row->slot, &path))
			*place = (unsigned int)(SW_NO_RANK - path.rank) * SW_MAX_SLOTS +
				 SW_MAX_SLOTS - row->slot;
		else
			*place = (SW_NO_RANK + 1) * SW_MAX_SLOTS + SW_MAX_SLOTS - row->slot;
	}
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct attached *x = a, *y = b;

	return (x->place > y->place) - (x->place < y->place);
}

static void link_wait(const char *ifname)
{
	for (int i = 0; i < WAIT_POLLS; i++) {
		if (i >= SETTLE_POLLS && links_carrier(ifname) != 0)
			return;
		nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
	}
}

size_t release_xdp(const char *dir, const char *instance)
{
	struct release r = {.n = 0};
	char err[DATAPATH_ERR];
	size_t removed = 0;

	hooks_each(dir, add_hook, &r);
	if (r.n && !maps_open(&r.maps, instance, err)) {
		maps_interface_each(r.maps, add_place, &r);
		maps_close(r.maps);
		qsort(r.v, r.n, sizeof(r.v[0]), by_place);
	}
	for (size_t i = 0; i < r.n; i++) {
		bool up = links_carrier(r.v[i].name) == 1;

		if (hooks_remove(dir, r.v[i].name, r.v[i].hook))
			continue;
		removed++;
		if (up)
			link_wait(r.v[i].name);
	}
	return removed;
}
