/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rows of a burst are kept in an array, found by a hash of the prefix: a row holds what the
 * prefix was before the burst and what it is. What is told, or is as it was, leaves; what a failed
 * path explains stays until that path is well.
 */
#include "core/route_change.h"

#include <stdlib.h>
#include <string.h>

#include "core/cause_text.h"
#include "core/path_failures.h"

#define SLOTS	 (2 * ROUTE_CHANGE_KEPT)
#define NO_CLASS SW_CLASS_COUNT /* the prefix is not there */
#define EXAMPLES 3

/* What a prefix's packets are offered first. */
struct answer {
	uint8_t class; /* of its first tier; NO_CLASS: it is not there */
	uint64_t paths;
};

struct row {
	struct prefix prefix;
	struct answer before, after;
	bool back; /* when it came: it was not there, or had lost this class */
};

struct route_changes {
	const struct config *cfg;
	struct row row[ROUTE_CHANGE_KEPT];
	uint16_t slot[SLOTS]; /* row + 1, 0: free */
	size_t n;
	/* changes of prefixes that found no row, from class to class, and their paths */
	size_t more[NO_CLASS + 1][NO_CLASS + 1], n_more;
	uint64_t more_paths[NO_CLASS + 1][NO_CLASS + 1];
	uint64_t first_ns, last_ns; /* of the burst's changes, 0: none since the last was told */
	uint64_t told_ns, gap_ns;   /* 0: never */
	struct path_failures failures;
};

struct route_changes *route_changes_new(const struct config *cfg)
{
	struct route_changes *rc = calloc(1, sizeof(*rc));

	if (rc)
		rc->cfg = cfg;
	return rc;
}

void route_changes_free(struct route_changes *rc)
{
	free(rc);
}

static uint16_t *slot_of(struct route_changes *rc, const struct prefix *prefix)
{
	uint64_t hash = 0xcbf29ce484222325ULL ^ prefix->len;
	size_t at;

	for (size_t i = 0; i < sizeof(prefix->bytes); i++)
		hash = (hash ^ prefix->bytes[i]) * 0x100000001b3ULL;
	at = (hash ^ hash >> 32) % SLOTS;
	while (rc->slot[at] && !prefix_equal(&rc->row[rc->slot[at] - 1].prefix, prefix))
		at = (at + 1) % SLOTS;
	return &rc->slot[at];
}

static struct answer answer_of(const struct route_changes *rc, const struct sw_group *group)
{
	struct answer a = {.class = NO_CLASS};

	if (!group || group->kind != SW_GROUP_ROUTE || !group->tiers ||
	    group->rank[0] >= rc->cfg->n_prefer)
		return a;
	a.class = (uint8_t)rc->cfg->prefer[group->rank[0]];
	a.paths = group->tier[0];
	return a;
}

void route_changes_add(struct route_changes *rc, const struct prefix *prefix,
		       const struct sw_group *old, const struct sw_group *new, uint64_t now)
{
	struct answer before = answer_of(rc, old), after = answer_of(rc, new);
	uint16_t *slot = slot_of(rc, prefix);

	if (!*slot && before.class == after.class)
		return;
	if (!rc->first_ns)
		rc->first_ns = now;
	rc->last_ns = now;
	if (*slot) {
		rc->row[*slot - 1].after = after;
	} else if (rc->n == ROUTE_CHANGE_KEPT) {
		rc->more[before.class][after.class]++;
		rc->more_paths[before.class][after.class] |= before.paths | after.paths;
		rc->n_more++;
	} else {
		rc->row[rc->n] = (struct row){
			.prefix = *prefix,
			.before = before,
			.after = after,
			.back = before.class == NO_CLASS || (new && old->degraded == new->rank[0]),
		};
		*slot = (uint16_t)++rc->n;
	}
}

void route_changes_paths(struct route_changes *rc, uint64_t well, uint64_t now)
{
	path_failures_note(&rc->failures, well, now);
}

/* Any of the paths is not well, or has not been for long. */
static bool failed(const struct route_changes *rc, uint64_t paths, uint64_t now)
{
	return path_failures_lately(&rc->failures, paths, ROUTE_CHANGE_WELL_NS, now);
}

enum fate { FATE_DROP, FATE_KEEP, FATE_TELL };

static enum fate row_fate(const struct route_changes *rc, const struct row *row, uint64_t now)
{
	if (row->before.class == row->after.class)
		return FATE_DROP;
	if (failed(rc, row->before.paths, now))
		return FATE_KEEP;
	if (row->back && failed(rc, row->after.paths, now))
		return FATE_DROP;
	return FATE_TELL;
}

struct telling {
	size_t n[NO_CLASS + 1][NO_CLASS + 1];
	const struct row *example[NO_CLASS + 1][NO_CLASS + 1][EXAMPLES];
	size_t total, gone;
};

static void tell_add(struct telling *t, const struct row *row)
{
	size_t *n = &t->n[row->before.class][row->after.class];

	if (*n < EXAMPLES)
		t->example[row->before.class][row->after.class][*n] = row;
	++*n;
	t->total++;
	t->gone += row->after.class == NO_CLASS;
}

static void path_names(const struct incident_context *ctx, struct text *msg, uint64_t paths)
{
	const char *between = " by ";

	for (size_t i = 0; i < ctx->cfg->n_paths; i++) {
		if (!(paths >> incident_path_id(ctx, i) & 1))
			continue;
		text_add(msg, "%s%s", between, ctx->cfg->paths[i].name);
		between = ", ";
	}
}

static void answer_text(const struct incident_context *ctx, struct text *msg,
			const struct answer *a)
{
	if (a->class == NO_CLASS) {
		text_add(msg, "nothing");
		return;
	}
	text_add(msg, "%s", class_name((enum sw_class)a->class));
	path_names(ctx, msg, a->paths);
}

static void tell_one(const struct incident_context *ctx, struct text *msg, const struct row *row)
{
	char prefix[PREFIX_STRLEN];

	text_add(msg, "%s %s: before ", prefix_format(&row->prefix, prefix),
		 row->before.class == NO_CLASS	? "appeared"
		 : row->after.class == NO_CLASS ? "disappeared"
						: "changed class");
	answer_text(ctx, msg, &row->before);
	text_add(msg, ", now ");
	answer_text(ctx, msg, &row->after);
}

/* "; 7 from expressroute to vpn (A, B, C, ...)" */
static void tell_kind(struct text *msg, const struct telling *t, size_t before, size_t after)
{
	size_t n = t->n[before][after];
	char prefix[PREFIX_STRLEN];

	if (before == NO_CLASS)
		text_add(msg, "; %zu appeared, %s (", n, class_name((enum sw_class)after));
	else if (after == NO_CLASS)
		text_add(msg, "; %zu disappeared, %s (", n, class_name((enum sw_class)before));
	else
		text_add(msg, "; %zu from %s to %s (", n, class_name((enum sw_class)before),
			 class_name((enum sw_class)after));
	for (size_t i = 0; i < EXAMPLES && t->example[before][after][i]; i++)
		text_add(msg, "%s%s", i ? ", " : "",
			 prefix_format(&t->example[before][after][i]->prefix, prefix));
	text_add(msg, n > EXAMPLES ? ", ...)" : ")");
}

static void tell(const struct incident_context *ctx, const struct telling *t,
		 const struct row *single, struct network_state *out)
{
	struct text msg = {out->message, 0}, fix = {out->fix, 0};

	*out = (struct network_state){
		.kind = NETWORK_ROUTE_CHANGE, .severity = SEVERITY_INFO, .path = -1};
	out->has_moved = true;
	out->prefixes_lost = t->gone;
	out->prefixes_moved = t->total - t->gone;
	if (single) {
		out->dst = single->prefix;
		tell_one(ctx, &msg, single);
	} else {
		text_add(&msg, "%zu prefixes changed", t->total);
	}
	for (size_t before = 0; !single && before <= NO_CLASS; before++)
		for (size_t after = 0; after <= NO_CLASS; after++)
			if (t->n[before][after])
				tell_kind(&msg, t, before, after);
	text_add(&fix, "nothing, if it was meant; else see what the far side announces, and "
		       "`sameway routes` for what the feeds say now");
}

/* Takes those that are told or over off the rows, and finds the rest its slots anew. */
static void rows_leave(struct route_changes *rc, uint64_t now)
{
	size_t kept = 0;

	memset(rc->slot, 0, sizeof(rc->slot));
	for (size_t i = 0; i < rc->n; i++) {
		if (row_fate(rc, &rc->row[i], now) != FATE_KEEP)
			continue;
		rc->row[kept] = rc->row[i];
		*slot_of(rc, &rc->row[kept].prefix) = (uint16_t)(kept + 1);
		kept++;
	}
	rc->n = kept;
	memset(rc->more, 0, sizeof(rc->more));
	memset(rc->more_paths, 0, sizeof(rc->more_paths));
	rc->n_more = 0;
	rc->first_ns = rc->last_ns = 0;
}

/* The longer it goes on, the calmer. */
static void gap_set(struct route_changes *rc, uint64_t now)
{
	bool again = rc->told_ns && now < rc->told_ns + 2 * rc->gap_ns;

	rc->gap_ns = again ? rc->gap_ns * 2 : ROUTE_CHANGE_GAP_NS;
	if (rc->gap_ns > ROUTE_CHANGE_GAP_MAX_NS)
		rc->gap_ns = ROUTE_CHANGE_GAP_MAX_NS;
	rc->told_ns = now;
}

static void rows_tell(const struct route_changes *rc, uint64_t now, struct telling *t)
{
	for (size_t i = 0; i < rc->n; i++)
		if (row_fate(rc, &rc->row[i], now) == FATE_TELL)
			tell_add(t, &rc->row[i]);
	for (size_t before = 0; rc->n_more && before <= NO_CLASS; before++)
		for (size_t after = 0; after <= NO_CLASS; after++) {
			size_t n = rc->more[before][after];

			if (failed(rc, rc->more_paths[before][after], now))
				continue;
			t->n[before][after] += n;
			t->total += n;
			t->gone += after == NO_CLASS ? n : 0;
		}
}

bool route_changes_due(struct route_changes *rc, const struct incident_context *ctx, bool busy,
		       struct network_state *out)
{
	bool over = ctx->now >= rc->last_ns + ROUTE_CHANGE_CALM_NS ||
		    ctx->now >= rc->first_ns + ROUTE_CHANGE_MAX_NS;
	const struct row *single = NULL;
	struct telling t = {0};

	if ((!rc->n && !rc->n_more) || busy || !over ||
	    (rc->told_ns && ctx->now < rc->told_ns + rc->gap_ns))
		return false;
	rows_tell(rc, ctx->now, &t);
	if (t.total == 1 && !rc->n_more)
		for (size_t i = 0; i < rc->n && !single; i++)
			if (row_fate(rc, &rc->row[i], ctx->now) == FATE_TELL)
				single = &rc->row[i];
	if (t.total) {
		tell(ctx, &t, single, out);
		gap_set(rc, ctx->now);
	}
	rows_leave(rc, ctx->now);
	return t.total;
}
