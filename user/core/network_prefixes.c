/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Prefixes without a backup, folded into one incident a class: what was lost in a failure since
 * only the failed class had it (S25), and what had a backup that is gone while the backup's path is
 * well. A prefix that never had one is taken as meant, and opens nothing (decision 041).
 *
 * Told from changes of answers, so that a table of any size costs nothing while it stands still.
 * A row is kept for a prefix that has no path any more, or none of a worse class, with the paths
 * that it had.
 */
#include <stdlib.h>
#include <string.h>

#include "core/cause_text.h"
#include "core/network_watch.h"
#include "core/path_failures.h"

#define SLOTS	  (2 * NETWORK_KEPT)
#define GONE_NS	  10000000000ULL
#define LOST_NS	  1000000000ULL
#define LOST_OVER 3000000000ULL
#define BARE_NS	  5000000000ULL
#define BARE_OVER 5000000000ULL

enum kind { ROW_FREE, ROW_GONE, ROW_BARE };

struct row {
	struct prefix prefix;
	enum kind kind;
	uint8_t rank;	   /* of its best class, as it last had one */
	uint64_t paths;	   /* GONE: all that it had */
	uint64_t backup;   /* of them, those of worse classes, as it last had any */
	uint64_t since_ns; /* kind GONE, BARE: when it became so */
};

struct found {
	size_t n;
	struct prefix first[NETWORK_NAMES];
	uint64_t paths;
};

struct network_rows {
	struct row row[NETWORK_KEPT];
	uint16_t slot[SLOTS]; /* row + 1, 0: free */
	size_t n;
	bool freed; /* some are ROW_FREE */
	struct path_failures failures;
	struct found gone[SW_CLASS_COUNT], bare[SW_CLASS_COUNT]; /* by rank, as last looked */
};

struct network_watch *network_watch_new(void)
{
	struct network_watch *watch = calloc(1, sizeof(*watch));

	if (watch)
		watch->rows = calloc(1, sizeof(*watch->rows));
	if (watch && !watch->rows) {
		free(watch);
		return NULL;
	}
	return watch;
}

void network_watch_free(struct network_watch *watch)
{
	if (watch)
		free(watch->rows);
	free(watch);
}

static uint16_t *slot_of(struct network_rows *rows, const struct prefix *prefix)
{
	uint64_t hash = 0xcbf29ce484222325ULL ^ prefix->len;
	size_t at;

	for (size_t i = 0; i < sizeof(prefix->bytes); i++)
		hash = (hash ^ prefix->bytes[i]) * 0x100000001b3ULL;
	at = (hash ^ hash >> 32) % SLOTS;
	while (rows->slot[at] && !prefix_equal(&rows->row[rows->slot[at] - 1].prefix, prefix))
		at = (at + 1) % SLOTS;
	return &rows->slot[at];
}

/* NULL: there is none, or no room for one. */
static struct row *row_of(struct network_rows *rows, const struct prefix *prefix, bool make)
{
	uint16_t *slot = slot_of(rows, prefix);

	if (*slot)
		return &rows->row[*slot - 1];
	if (!make || rows->n == NETWORK_KEPT)
		return NULL;
	rows->row[rows->n] = (struct row){.prefix = *prefix};
	*slot = (uint16_t)++rows->n;
	return &rows->row[rows->n - 1];
}

static void rows_pack(struct network_rows *rows)
{
	size_t kept = 0;

	if (!rows->freed)
		return;
	memset(rows->slot, 0, sizeof(rows->slot));
	for (size_t i = 0; i < rows->n; i++) {
		if (rows->row[i].kind == ROW_FREE)
			continue;
		rows->row[kept] = rows->row[i];
		*slot_of(rows, &rows->row[kept].prefix) = (uint16_t)(kept + 1);
		kept++;
	}
	rows->n = kept;
	rows->freed = false;
}

static bool has_tiers(const struct sw_group *group)
{
	return group && group->kind == SW_GROUP_ROUTE && group->tiers;
}

/* The paths of its tiers from this rank on. */
static uint64_t tier_paths(const struct sw_group *group, uint8_t above)
{
	uint64_t paths = 0;

	for (unsigned int i = 0; i < group->tiers && i < SW_MAX_TIERS; i++)
		if (group->rank[i] >= above)
			paths |= group->tier[i];
	return paths;
}

static uint64_t backups(const struct sw_group *group, uint8_t rank)
{
	return has_tiers(group) ? tier_paths(group, (uint8_t)(rank + 1)) : 0;
}

static void row_set(struct network_rows *rows, const struct prefix *prefix, enum kind kind,
		    const struct sw_group *from, uint64_t backup, uint64_t now)
{
	struct row *row = row_of(rows, prefix, true);

	if (!row)
		return;
	row->kind = kind;
	row->since_ns = now;
	row->rank = from->rank[0];
	row->paths = tier_paths(from, 0);
	row->backup = backup ? backup : row->backup;
}

/* A better class answers: by a path that has returned, or is about to. */
void network_watch_gain(struct network_watch *watch, const struct sw_group *old,
			const struct sw_group *new, uint64_t usable, uint64_t now)
{
	uint8_t was = fib_answer_rank(old, usable), is = fib_answer_rank(new, usable);
	uint64_t best;

	if (was == SW_NO_RANK || is >= was)
		return;
	best = tier_paths(new, 0) & ~tier_paths(new, (uint8_t)(is + 1)) & usable;
	for (; best; best &= best - 1)
		network_moved(&watch->path[__builtin_ctzll(best)], 1, now);
}

void network_watch_prefix(struct network_watch *watch, const struct prefix *prefix,
			  const struct sw_group *old, const struct sw_group *new, uint64_t usable,
			  uint64_t now)
{
	struct network_rows *rows = watch->rows;
	struct row *row;
	uint64_t had;

	network_watch_gain(watch, old, new, usable, now);
	rows_pack(rows);
	if (!has_tiers(new)) {
		if (has_tiers(old))
			row_set(rows, prefix, ROW_GONE, old, backups(old, old->rank[0]), now);
		return;
	}
	row = row_of(rows, prefix, false);
	had = backups(old, new->rank[0]);
	if (!had && row)
		had = row->backup;
	if (had && !backups(new, new->rank[0])) {
		row_set(rows, prefix, ROW_BARE, new, had, now);
	} else if (row) {
		row->kind = ROW_FREE;
		rows->freed = true;
	}
}

void network_prefixes_note(struct network_watch *watch, uint64_t well, uint64_t now)
{
	path_failures_note(&watch->rows->failures, well, now);
}

/* Any of the paths is not well, or has not been for long. */
static bool failed(const struct network_rows *rows, uint64_t paths, uint64_t now)
{
	return path_failures_lately(&rows->failures, paths, NETWORK_WELL_NS, now);
}

static void found_add(struct found *f, const struct prefix *prefix, uint64_t paths)
{
	if (f->n < NETWORK_NAMES)
		f->first[f->n] = *prefix;
	f->n++;
	f->paths |= paths;
}

/*
 * A prefix that went while its paths were well was withdrawn: route-change tells it. A path's last
 * session may end some seconds after the one that the prefix was of.
 */
static void row_find(struct network_rows *rows, struct row *row, uint64_t now)
{
	bool away = failed(rows, row->kind == ROW_GONE ? row->paths : row->backup, now);

	if (row->kind == ROW_GONE && away) {
		found_add(&rows->gone[row->rank], &row->prefix, row->paths);
	} else if (row->kind == ROW_GONE) {
		if (now < row->since_ns + GONE_NS)
			return;
		row->kind = ROW_FREE;
		rows->freed = true;
	} else if (!away) {
		found_add(&rows->bare[row->rank], &row->prefix, row->backup);
	}
}

bool network_gone_after(const struct network_watch *watch, const struct prefix *after,
			struct prefix *out)
{
	bool found = false;

	for (size_t i = 0; i < watch->rows->n; i++) {
		const struct row *row = &watch->rows->row[i];

		if (row->kind != ROW_GONE || (after && prefix_cmp(&row->prefix, after) <= 0) ||
		    (found && prefix_cmp(&row->prefix, out) >= 0))
			continue;
		*out = row->prefix;
		found = true;
	}
	return found;
}

uint64_t network_gone_paths(const struct network_watch *watch, const struct prefix *prefix)
{
	const struct row *row = row_of(watch->rows, prefix, false);

	return row && row->kind == ROW_GONE ? row->paths : 0;
}

void network_prefixes_look(struct network_watch *watch, uint64_t now)
{
	struct network_rows *rows = watch->rows;

	rows_pack(rows);
	memset(rows->gone, 0, sizeof(rows->gone));
	memset(rows->bare, 0, sizeof(rows->bare));
	for (size_t i = 0; i < rows->n; i++)
		if (rows->row[i].rank < SW_CLASS_COUNT)
			row_find(rows, &rows->row[i], now);
}

size_t network_prefixes_lost(const struct network_watch *watch, const struct incident_context *ctx,
			     uint64_t usable, uint8_t rank, struct prefix first[NETWORK_NAMES],
			     uint64_t *paths)
{
	const struct found *gone = &watch->rows->gone[rank];
	size_t n, names = 0;

	/* of a settled group the compiler knows some names only */
	memset(first, 0, NETWORK_NAMES * sizeof(*first));
	n = fib_lost(ctx->fib, usable, rank, first, NETWORK_NAMES, paths);
	while (names < NETWORK_NAMES && first[names].family)
		names++;
	for (size_t i = 0; i < gone->n && names < NETWORK_NAMES; i++)
		first[names++] = gone->first[i];
	*paths |= gone->paths;
	return n + gone->n;
}

/*
 * The prefix in the incident's name, none where there are several. One alone is named as it opens;
 * then it is this incident, as it is where an earlier daemon opened it.
 */
static void lost_name(struct network_watch *watch, const struct incidents *set, uint8_t rank,
		      struct network_state *s, const struct prefix *first, size_t n)
{
	const struct network_hold *hold = &watch->lost[rank];
	const struct incident *earlier = hold->known ? NULL : incidents_network_open(set, s);
	struct prefix *name = &watch->lost_dst[rank];

	if (earlier) {
		*name = earlier->dst;
		watch->lost_paths[rank] =
			earlier->forward_path < 0 ? 0 : 1ULL << earlier->forward_path;
	} else if (!hold->open) {
		*name = n == 1 ? *first : (struct prefix){0};
		watch->lost_paths[rank] = 0;
	}
	s->dst = *name;
}

static void lost_tell(struct network_watch *watch, const struct incident_context *ctx,
		      const struct network_facts *facts, uint8_t rank, struct incidents *set)
{
	const char *class = class_name(ctx->cfg->prefer[rank]);
	struct network_state s = network_state_of(NETWORK_NO_BACKUP, class, -1);
	struct text msg = {s.message, 0}, fix = {s.fix, 0};
	struct prefix first[NETWORK_NAMES];
	uint64_t paths, bad;
	size_t n = network_prefixes_lost(watch, ctx, facts->usable, rank, first, &paths), names;

	bad = paths & ~network_well(ctx, facts, paths);
	s.severity = SEVERITY_CRITICAL;
	s.has_moved = true;
	s.prefixes_lost = n;
	if (bad) {
		s.path = __builtin_ctzll(bad);
		s.cause = network_path_cause(watch, ctx, s.path);
	}
	lost_name(watch, set, rank, &s, first, n);
	text_add(&msg, "%zu prefix%s no path: only %s had %s, and ", n, n == 1 ? " has" : "es have",
		 class, n == 1 ? "it" : "them");
	names = text_path_names(&msg, ctx, bad ? bad : paths);
	if (bad && s.cause == CAUSE_DRAINED) {
		text_add(&msg, " %s drained", names == 1 ? "is" : "are");
		text_add(&fix, "`sameway path %s undrain` when the work is done; ",
			 rib_path(ctx->rib, (unsigned int)s.path)->name);
	} else {
		text_add(&msg, "%s%s", bad ? " failed: " : " lost them",
			 bad ? network_cause_words(s.cause) : "");
	}
	text_add(&msg, "; no backup exists: ");
	network_prefixes_text(&msg, first, n);
	text_add(&fix, "nothing sends them to a path that has no route for them; announce them on "
		       "the VPN too (in Azure: where the VPN gateway learns them) if they need a "
		       "backup");
	/* what went before this daemon came is not known, and not over while that path is away */
	if (!n && watch->lost[rank].open &&
	    watch->lost_paths[rank] & ~network_well(ctx, facts, watch->lost_paths[rank])) {
		watch->lost[rank].since_ns = ctx->now;
		incidents_network_keep(set, ctx, &s);
	} else {
		network_held(set, ctx, &watch->lost[rank], &s, n, LOST_NS, LOST_OVER);
	}
}

static void bare_tell(struct network_watch *watch, const struct incident_context *ctx, uint8_t rank,
		      const struct found *bare, struct incidents *set)
{
	struct network_state s = network_state_of(NETWORK_NO_BACKUP, "", -1);
	struct text msg = {s.message, 0}, fix = {s.fix, 0};
	size_t n;

	strncpy(s.subject, class_name(ctx->cfg->prefer[rank]), sizeof(s.subject) - 1);
	s.side = SIDE_AZURE;
	if (bare->n)
		s.path = __builtin_ctzll(bare->paths);
	text_add(&msg, "%zu prefix%s had a backup that is gone: ", bare->n,
		 bare->n == 1 ? "" : "es");
	n = text_path_names(&msg, ctx, bare->paths);
	text_add(&msg, " %s well and %s no route for %s any more: ", n == 1 ? "is" : "are",
		 n == 1 ? "has" : "have", bare->n == 1 ? "it" : "them");
	network_prefixes_text(&msg, bare->first, bare->n);
	text_add(&fix, "see what the VPN's neighbor announces and what our import filter leaves "
		       "(`show bgp ipv4 unicast neighbors N received-routes`, `birdc show route "
		       "filtered`)");
	network_held(set, ctx, &watch->bare[rank], &s, bare->n, BARE_NS, BARE_OVER);
}

void network_prefixes_tell(struct network_watch *watch, const struct incident_context *ctx,
			   const struct network_facts *facts, struct incidents *set)
{
	uint8_t first = network_first_rank(ctx);

	for (uint8_t rank = first; rank < ctx->cfg->n_prefer; rank++) {
		if (rank == first) /* of a backup's own prefixes its incident tells */
			lost_tell(watch, ctx, facts, rank, set);
		bare_tell(watch, ctx, rank, &watch->rows->bare[rank], set);
	}
}
