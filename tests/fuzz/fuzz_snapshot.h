/* SPDX-License-Identifier: GPL-2.0-only */
/* What must hold of any text, taken or refused. */
#ifndef SAMEWAY_TESTS_FUZZ_SNAPSHOT_H
#define SAMEWAY_TESTS_FUZZ_SNAPSHOT_H

#include "feed/snapshot.h"

#include <stdlib.h>
#include <string.h>

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void check_text(const char *text)
{
	require(strlen(text) < SNAPSHOT_ERROR);
	for (; *text; text++)
		require((unsigned char)*text >= 0x20 && *text != 0x7f);
}

static void check_route(const struct route *r, enum rib_view view)
{
	struct prefix copy = r->prefix;

	require(r->view == view && (copy.family == 4 || copy.family == 6));
	require(copy.len <= prefix_max_len(copy.family) && !prefix_mask(&copy));
	require(r->n_as <= SNAPSHOT_AS_MAX && (!r->n_as || r->has_as_path));
	for (size_t i = 0; i < r->n_as; i++)
		require(r->as_path[i] != 0);
	require(memchr(r->interface, '\0', sizeof(r->interface)) != NULL);
	require(memchr(r->circuit, '\0', sizeof(r->circuit)) != NULL);
	require(view == VIEW_LOCAL || (r->has_class && r->class < SW_CLASS_COUNT));
}

static int fuzz_snapshot(const struct snapshot_type *type, const struct config_feed *cfg,
			 const uint8_t *data, size_t size)
{
	char error[SNAPSHOT_ERROR] = "", *text = malloc(size ? size : 1);
	struct snapshot s = {0};

	require(text != NULL);
	memcpy(text, data, size);
	if (snapshot_parse(type, cfg, text, size, &s, error)) {
		check_text(error);
		require(strstr(error, ": ") && !s.n);
	} else {
		check_text(s.refusal);
		check_text(s.hint);
		require(!s.refused == !s.refusal[0]);
		for (size_t i = 0; i < s.n; i++)
			check_route(&s.routes[i], type->view);
		for (size_t i = 0; i < s.n_peers; i++)
			require(s.peers[i].peer.family &&
				memchr(s.peers[i].state, '\0', sizeof(s.peers[i].state)));
	}
	snapshot_free(&s);
	free(text);
	return 0;
}

#endif
