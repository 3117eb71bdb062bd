/* SPDX-License-Identifier: GPL-2.0-only */
/* For tests of the feeds of whole tables: files, snapshots and a RIB as text. */
#ifndef SAMEWAY_TESTS_SNAPSHOT_TEXT_H
#define SAMEWAY_TESTS_SNAPSHOT_TEXT_H

#include "core/config.h"
#include "feed/snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_LEN (1 << 16)

/* A file of tests/unit/data; to be freed. */
static inline char *data_read(const char *name, size_t *len)
{
	char path[256];
	FILE *f;
	char *text = malloc(TEXT_LEN);

	snprintf(path, sizeof(path), "tests/unit/data/%s", name);
	f = fopen(path, "r");
	if (!f)
		fail_msg("%s: not there", path);
	*len = fread(text, 1, TEXT_LEN - 1, f);
	text[*len] = '\0';
	fclose(f);
	return text;
}

static inline void __attribute__((format(printf, 2, 3))) put(char *to, const char *fmt, ...)
{
	size_t n = strlen(to);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(to + n, TEXT_LEN - n, fmt, ap);
	va_end(ap);
}

static inline void snapshot_put(char *to, const struct snapshot *s)
{
	char text[PREFIX_STRLEN];

	for (size_t i = 0; i < s->n; i++) {
		const struct route *r = &s->routes[i];

		put(to, "%s", prefix_format(&r->prefix, text));
		if (r->own)
			put(to, " own");
		if (r->has_class)
			put(to, " %s", class_name(r->class));
		if (r->circuit[0])
			put(to, " %s", r->circuit);
		if (r->peer.family)
			put(to, " peer %s", ip_format(&r->peer, text));
		if (r->nexthop.family)
			put(to, " via %s", ip_format(&r->nexthop, text));
		if (r->nexthop_ll.family)
			put(to, " or %s", ip_format(&r->nexthop_ll, text));
		if (r->interface[0])
			put(to, " dev %s", r->interface);
		if (r->has_as_path)
			put(to, " as");
		for (size_t k = 0; k < r->n_as; k++)
			put(to, " %u", r->as_path[k]);
		if (r->has_local_pref)
			put(to, " lp %u", r->local_pref);
		put(to, r->chosen ? " chosen\n" : "\n");
	}
	for (size_t i = 0; i < s->n_peers; i++) {
		put(to, "peer %s", ip_format(&s->peers[i].peer, text));
		put(to, " of %s as %u %s %u%s\n", ip_format(&s->peers[i].gateway, text),
		    s->peers[i].as, s->peers[i].state, (unsigned int)s->peers[i].routes,
		    s->peers[i].up ? "" : " wrong");
	}
}

/* What the text holds; or "error: ...". */
static inline const char *parsed_text(const struct snapshot_type *type,
				      const struct config_feed *cfg, const char *text, size_t len)
{
	static char out[TEXT_LEN];
	char error[SNAPSHOT_ERROR];
	struct snapshot s = {0};

	out[0] = '\0';
	if (snapshot_parse(type, cfg, text, len, &s, error)) {
		put(out, "error: %s\n", error);
		return out;
	}
	snapshot_put(out, &s);
	if (s.refused)
		put(out, "refused %zu: %s\n", s.refused, s.refusal);
	if (s.empty)
		put(out, "empty %zu\n", s.empty);
	if (s.hint[0])
		put(out, "hint: %.20s\n", s.hint);
	snapshot_free(&s);
	return out;
}

static inline struct config *config_of(const char *text)
{
	struct config_errors errors = {0};
	struct config *cfg = NULL;

	if (config_parse(text, strlen(text), &cfg, &errors))
		fail_msg("line %d: %s", errors.v[0].line, errors.v[0].text);
	config_errors_free(&errors);
	return cfg;
}

/* The file's table, as a source of feed 0. */
static inline void rib_take(struct rib *rib, const struct config *cfg,
			    const struct snapshot_type *type, uint16_t source, const char *file)
{
	struct snapshot s = {0};
	char error[SNAPSHOT_ERROR], *text;
	size_t len;

	text = data_read(file, &len);
	if (snapshot_parse(type, &cfg->feeds[0], text, len, &s, error))
		fail_msg("%s: %s", file, error);
	rib_source_mark(rib, 0, source);
	for (size_t i = 0; i < s.n; i++) {
		s.routes[i].source = source;
		assert_int_not_equal(rib_announce(rib, 0, &s.routes[i], 1), RIB_UNKNOWN_PATH);
	}
	rib_source_sweep(rib, 0, source, 1);
	snapshot_free(&s);
	free(text);
}

/* A line a candidate; those of several sources that are alike are one. */
static inline const char *rib_text(const struct rib *rib, enum rib_view view)
{
	static char out[TEXT_LEN];
	const struct rib_node *node = NULL;

	out[0] = '\0';
	while ((node = rib_next(rib, view, node))) {
		char prefix[PREFIX_STRLEN], line[300];

		prefix_format(rib_node_prefix(node), prefix);
		for (const struct candidate *c = rib_node_candidates(node); c; c = c->next) {
			size_t n = (size_t)snprintf(line, sizeof(line), "%s %s", prefix,
						    c->chosen ? "chosen " : "");

			if (view == VIEW_REMOTE)
				n += (size_t)snprintf(line + n, sizeof(line) - n, "%s %s",
						      class_name((enum sw_class)c->attr->class),
						      c->attr->circuit);
			else if (c->attr->path < 0)
				n += (size_t)snprintf(line + n, sizeof(line) - n, "own");
			else
				n += (size_t)snprintf(
					line + n, sizeof(line) - n, "%s %u as",
					rib_path(rib, (unsigned int)c->attr->path)->name,
					c->attr->local_pref);
			for (size_t i = 0; view == VIEW_LOCAL && i < c->attr->n_as; i++)
				n += (size_t)snprintf(line + n, sizeof(line) - n, " %u",
						      c->attr->as_path[i]);
			snprintf(line + n, sizeof(line) - n, "\n");
			if (!strstr(out, line))
				put(out, "%s", line);
		}
	}
	return out;
}

#endif
