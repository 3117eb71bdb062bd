/* SPDX-License-Identifier: GPL-2.0-only */
/* Rows of `audit` on the edge of fixture_edge.h, for tests. */
#ifndef TESTS_FIXTURE_AUDIT_H
#define TESTS_FIXTURE_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fixture_edge.h"
#include "core/audit.h"
#include "output/rows_audit.h"

#include <jansson.h>

/* Azure has learned it: by class, and circuit where it is told. */
static inline void learned(struct edge *e, const char *prefix, enum sw_class class,
			   const char *circuit)
{
	struct route r = {.view = VIEW_REMOTE,
			  .prefix = prefix_of(prefix),
			  .has_class = true,
			  .class = class};

	snprintf(r.circuit, sizeof(r.circuit), "%s", circuit);
	assert_int_equal(rib_announce(e->rib, 1, &r, e->ctx.now), RIB_OK);
}

/* The routing daemon has chosen this path for it. */
static inline void chosen(struct edge *e, const char *prefix, const char *path)
{
	struct route r = {.view = VIEW_LOCAL, .prefix = prefix_of(prefix), .chosen = true};

	snprintf(r.path, sizeof(r.path), "%s", path);
	assert_int_equal(rib_announce(e->rib, 2, &r, e->ctx.now), RIB_OK);
}

static inline struct audit audit_of(const struct edge *e, int down)
{
	return (struct audit){
		.ctx = &e->ctx, .usable = {~0ULL, ~0ULL}, .last = {~0ULL, ~0ULL}, .down = down};
}

static inline bool by_length(void *arg, const struct rows_text *out)
{
	return out->len >= *(size_t *)arg;
}

static inline void part_add(json_t *all, struct rows_text *text, size_t asymmetric)
{
	size_t room = text->len + 3, i;
	char *array = malloc(room);
	json_t *rows, *row;

	assert_non_null(array);
	snprintf(array, room, "[%.*s]", (int)text->len, text->buf ? text->buf : "");
	rows = json_loads(array, 0, NULL);
	if (!rows)
		fail_msg("no JSON: %s", array);
	json_array_foreach (rows, i, row) {
		const char *verdict = json_string_value(json_object_get(row, "verdict"));

		asymmetric -= verdict && !strcmp(verdict, "asymmetric");
		json_array_append(all, row);
	}
	assert_int_equal(asymmetric, 0);
	json_decref(rows);
	free(array);
	free(text->buf);
}

/* All rows, in parts of about `len` bytes; between(arg) is called between two. */
static inline json_t *rows_of(const struct audit *a, size_t len, void (*between)(void *), void *arg)
{
	struct audit_place place = {0};
	json_t *all = json_array();

	do {
		struct rows_text text = {0};
		size_t asymmetric;

		assert_int_equal(rows_audit_part(a, &place, &text, &asymmetric, by_length, &len),
				 0);
		part_add(all, &text, asymmetric);
		if (between)
			between(arg);
	} while (place.more);
	return all;
}

static inline json_t *row_of(json_t *rows, const char *src, const char *dst)
{
	json_t *row;
	size_t i;

	json_array_foreach (rows, i, row)
		if (!strcmp(json_string_value(json_object_get(row, "src_prefix")), src) &&
		    !strcmp(json_string_value(json_object_get(row, "dst_prefix")), dst))
			return row;
	return NULL;
}

static inline const char *text_of(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text ? text : "null";
}

/* Every field of contract.md is there, and the pair is judged so. */
static inline void assert_pair(json_t *rows, const char *src, const char *dst, const char *verdict,
			       const char *cause)
{
	static const char *const fields[] = {"src_prefix", "dst_prefix", "forward", "reverse",
					     "verdict",	   "cause",	 "fix",	    "view_age_s"};
	json_t *row = row_of(rows, src, dst);

	if (!row)
		fail_msg("no row %s -> %s", src, dst);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		assert_non_null(json_object_get(row, fields[i]));
	if (strcmp(text_of(row, "verdict"), verdict) || strcmp(text_of(row, "cause"), cause))
		fail_msg("%s -> %s is %s, cause %s; expected %s, %s", src, dst,
			 text_of(row, "verdict"), text_of(row, "cause"), verdict, cause);
	assert_int_equal(json_is_null(json_object_get(row, "fix")), !strcmp(cause, "null"));
}

static inline json_t *audit_all(const struct edge *e, int down)
{
	struct audit a = audit_of(e, down);

	return rows_of(&a, SIZE_MAX, NULL, NULL);
}

/* The seed's edge in steady state, one inside network. */
static inline struct edge *seed_edge(void)
{
	struct edge *e = edge_new();

	e->inside.networks = &e->networks[1];
	e->inside.n_networks = 1;
	edge_hub(e);
	learned(e, "10.2.30.0/25", SW_CLASS_EXPRESSROUTE, "er1");
	learned(e, "10.2.30.0/25", SW_CLASS_VPN, "");
	return e;
}

/* The row that an address pair is of: the most specific of each side. */
static inline json_t *row_for(json_t *rows, const struct ip_addr *src, const struct ip_addr *dst)
{
	int src_len = -1, dst_len = -1;
	json_t *row, *found = NULL;
	size_t i;

	json_array_foreach (rows, i, row) {
		struct prefix s = prefix_of(text_of(row, "src_prefix"));
		struct prefix d = prefix_of(text_of(row, "dst_prefix"));

		if (!prefix_has(&s, src) || !prefix_has(&d, dst) || s.len < src_len ||
		    (s.len == src_len && d.len < dst_len))
			continue;
		src_len = s.len;
		dst_len = d.len;
		found = row;
	}
	return found;
}

#endif
