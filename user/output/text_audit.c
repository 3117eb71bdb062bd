/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `audit` for people, part by part: what is asymmetric at once, with why and what to do; then, kept
 * as text until all is there, the rest; then a summary. Columns are of fixed width, since nobody
 * knows the rows that are still to come.
 */
#include "output/render.h"
#include "output/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TOLD_FIXES 16 /* that are remembered, to be said once */
#define VERDICTS   16

struct audit_text {
	FILE *out, *rest, *moves;
	char *rest_text, *moves_text;
	size_t rest_size, moves_size;
	bool begun, partial;
	char *told[TOLD_FIXES];
	size_t n_told;
	struct {
		char name[24];
		size_t n;
	} verdict[VERDICTS];
	size_t n_verdicts, pairs, moved, lost;
	char last[64], down[64]; /* last: destination looked at */
	bool last_moved, last_lost;
	char changes[1200]; /* lines of it */
};

struct audit_text *audit_text_new(FILE *out, const char *down)
{
	struct audit_text *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->out = out;
	snprintf(a->down, sizeof(a->down), "%s", down ? down : "");
	a->rest = open_memstream(&a->rest_text, &a->rest_size);
	a->moves = open_memstream(&a->moves_text, &a->moves_size);
	if (a->rest && a->moves)
		return a;
	audit_text_free(a);
	return NULL;
}

void audit_text_free(struct audit_text *a)
{
	if (!a)
		return;
	if (a->rest)
		fclose(a->rest);
	if (a->moves)
		fclose(a->moves);
	free(a->rest_text);
	free(a->moves_text);
	for (size_t i = 0; i < a->n_told; i++)
		free(a->told[i]);
	free(a);
}

static const char *verdict_of(const json_t *row)
{
	if (field_known(row, "verdict"))
		return field_text(row, "verdict");
	return json_is_true(json_object_get(row, "dropped")) ? "denied" : "unknown";
}

static void count(struct audit_text *a, const char *verdict)
{
	size_t i = 0;

	a->pairs++;
	while (i < a->n_verdicts && strcmp(a->verdict[i].name, verdict))
		i++;
	if (i == VERDICTS)
		return;
	if (i == a->n_verdicts)
		snprintf(a->verdict[a->n_verdicts++].name, sizeof(a->verdict[i].name), "%s",
			 verdict);
	a->verdict[i].n++;
}

/* Whether it is there already; else it is from now on, as long as there is room. */
static bool told_before(struct audit_text *a, const char *fix)
{
	for (size_t i = 0; i < a->n_told; i++)
		if (!strcmp(a->told[i], fix))
			return true;
	if (a->n_told < TOLD_FIXES) {
		a->told[a->n_told] = strdup(fix);
		a->n_told += a->told[a->n_told] != NULL;
	}
	return false;
}

static void put_back(FILE *out, const json_t *back)
{
	char text[80];

	if (!field_known(back, "class"))
		snprintf(text, sizeof(text), "?");
	else
		snprintf(text, sizeof(text), "%s%s%s", field_text(back, "class"),
			 field_known(back, "circuit") ? " " : "", field_text(back, "circuit"));
	fprintf(out, " %-18s", text);
}

static void put_why(struct audit_text *a, FILE *out, const json_t *row)
{
	if (!field_known(row, "message"))
		return;
	if (!field_known(row, "cause")) {
		text_wrap(out, "    what  ", field_text(row, "message"));
		return;
	}
	fprintf(out, "    cause %s, side %s\n", field_text(row, "cause"), field_text(row, "side"));
	text_wrap(out, "    what  ", field_text(row, "message"));
	if (told_before(a, field_text(row, "fix")))
		fputs("    fix   as above\n", out);
	else
		text_wrap(out, "    fix   ", field_text(row, "fix"));
}

static void put_row(struct audit_text *a, FILE *out, const json_t *row)
{
	const char *verdict = verdict_of(row);
	const json_t *was = json_object_get(row, "was");
	bool rest = json_is_true(json_object_get(row, "src_rest"));
	char paths[120], src[64];

	a->partial |= rest;
	snprintf(src, sizeof(src), "%s%s", field_text(row, "src_prefix"), rest ? "*" : "");
	field_list(json_object_get(row, "forward"), "paths", paths, sizeof(paths));
	fprintf(out, "%-18s %-18s %-20s", src, field_text(row, "dst_prefix"), paths);
	put_back(out, json_object_get(row, "reverse"));
	fprintf(out, " %s\n", verdict);
	if (json_is_true(json_object_get(row, "last_resort")))
		fputs("    nothing is usable: by that as a last resort\n", out);
	if (field_known(row, "rule"))
		fprintf(out, "    rule  %s\n", field_text(row, "rule"));
	if (json_array_size(json_object_get(row, "part_rules")))
		fprintf(out, "    a part of it may go otherwise, by rule %s\n",
			field_list(row, "part_rules", paths, sizeof(paths)));
	if (was && strcmp(verdict_of(was), verdict))
		fprintf(out, "    was   %s\n", verdict_of(was));
	if (json_is_true(json_object_get(row, "view_stale")))
		fputs("    by a stale table of the far side\n", out);
	put_why(a, out, row);
}

/*
 * The rows of a destination follow each other; by rules some of its sources may move and others be
 * lost. Each change is told once, and counted once.
 */
static void put_move(struct audit_text *a, const json_t *row)
{
	const char *dst = field_text(row, "dst_prefix");
	bool moves = json_is_true(json_object_get(row, "moves"));
	bool lost = json_is_true(json_object_get(row, "lost"));
	bool dropped = json_is_true(json_object_get(row, "dropped"));
	bool resort = json_is_true(json_object_get(row, "last_resort"));
	char before[120], after[120], line[400];

	if (strcmp(a->last, dst) != 0) {
		snprintf(a->last, sizeof(a->last), "%s", dst);
		a->changes[0] = '\0';
		a->last_moved = a->last_lost = false;
	}
	if (!moves && !lost)
		return;
	a->moved += moves && !a->last_moved;
	a->lost += lost && !a->last_lost;
	a->last_moved |= moves;
	a->last_lost |= lost;
	field_list(json_object_get(json_object_get(row, "was"), "forward"), "paths", before,
		   sizeof(before));
	field_list(json_object_get(row, "forward"), "paths", after, sizeof(after));
	snprintf(line, sizeof(line), "%-6s %-18s  %s -> %s%s\n", moves ? "moves" : "lost", dst,
		 before,
		 moves	   ? after
		 : dropped ? "nothing: dropped by rule "
		 : resort  ? "nothing usable: a last resort"
			   : "nothing: no backup exists",
		 !moves && dropped ? field_text(row, "rule") : "");
	if (strstr(a->changes, line))
		return;
	snprintf(a->changes + strlen(a->changes), sizeof(a->changes) - strlen(a->changes), "%s",
		 line);
	fputs(line, a->moves);
}

static void head(struct audit_text *a)
{
	if (!a->begun)
		fprintf(a->out, "%-18s %-18s %-20s %-18s %s\n", "SRC", "DST", "OUT", "BACK",
			"VERDICT");
	a->begun = true;
}

void audit_text_rows(struct audit_text *a, const json_t *rows)
{
	const json_t *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		const char *verdict = verdict_of(row);
		bool asymmetric = !strcmp(verdict, "asymmetric");

		head(a);
		count(a, verdict);
		put_row(a, asymmetric ? a->out : a->rest, row);
		put_move(a, row);
	}
}

static void put_summary(struct audit_text *a)
{
	if (a->partial)
		fputs("* less what has a row of its own\n", a->out);
	fputc('\n', a->out);
	if (a->down[0])
		fprintf(a->out, "if %s is down: %zu prefix%s move%s, %zu lost\n", a->down, a->moved,
			a->moved == 1 ? "" : "es", a->moved == 1 ? "s" : "", a->lost);
	if (a->moves_size)
		fwrite(a->moves_text, 1, a->moves_size, a->out);
	fprintf(a->out, "%zu pair%s:", a->pairs, a->pairs == 1 ? "" : "s");
	for (size_t i = 0; i < a->n_verdicts; i++)
		fprintf(a->out, "%s %zu %s", i ? "," : "", a->verdict[i].n, a->verdict[i].name);
	fputc('\n', a->out);
}

int audit_text_end(struct audit_text *a)
{
	bool failed = ferror(a->rest) || ferror(a->moves);

	failed |= fflush(a->rest) || fflush(a->moves);
	if (a->rest_size)
		fwrite(a->rest_text, 1, a->rest_size, a->out);
	if (a->pairs)
		put_summary(a);
	else
		fputs("no pairs: nothing is learned, or nothing is inside: see `sameway routes`\n",
		      a->out);
	audit_text_free(a);
	return failed ? -ENOMEM : 0;
}

int text_audit(FILE *out, const json_t *rows)
{
	struct audit_text *a = audit_text_new(out, NULL);

	if (!a)
		return -ENOMEM;
	audit_text_rows(a, rows);
	return audit_text_end(a);
}
