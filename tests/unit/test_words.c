/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The words that users read in the pages of docs/ are those of the program: each name of the
 * X-macros and each call of the command line is there, and the tables of names have no other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/cmd.h"
#include "core/incident.h"
#include "core/policy.h"
#include "feed/feed.h"
#include "sameway/abi.h"

#define TEXT(id, text) text,
#define END	       NULL

static const char *const reasons[] = {SW_REASONS(TEXT) END};
static const char *const verdicts[] = {SW_VERDICTS(TEXT) END};
static const char *const liveness[] = {SW_LIVENESS(TEXT) END};
static const char *const probes[] = {SW_PROBE_STATES(TEXT) END};
static const char *const probe_blocks[] = {SW_PROBE_BLOCKS(TEXT) END};
static const char *const redirect_errors[] = {SW_REDIRECT_ERRORS(TEXT) END};
static const char *const classes[] = {SW_CLASSES(TEXT) END};
static const char *const picks[] = {SW_STEPS(TEXT) END};
static const char *const steps[] = {POLICY_STEPS(TEXT) END};
static const char *const causes[] = {CAUSES(TEXT) END};
static const char *const networks[] = {NETWORK_KINDS(TEXT) END};
static const char *const refusals[] = {FEED_REFUSALS(TEXT) END};

static char *operations, *man, *man_config;

static char *page(const char *name)
{
	FILE *f = fopen(name, "r");
	char *text;
	size_t n;

	if (!f)
		fail_msg("%s can't be read: run the tests from the top of the tree", name);
	text = malloc(1 << 20);
	n = fread(text, 1, (1 << 20) - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

/* What roff reads as text: without its escapes, quotes and spaces. */
static void roff_squeeze(char *text)
{
	char *out = text;

	for (const char *p = text; *p; p++) {
		if (*p == '\\' && p[1] == 'f' && p[2])
			p += 2;
		else if (*p != '\\' && *p != '"' && *p != ' ')
			*out++ = *p;
	}
	*out = '\0';
}

static int setup(void **state)
{
	(void)state;
	operations = page("docs/operations.md");
	man = page("docs/man/sameway.8");
	man_config = page("docs/man/sameway.yaml.5");
	roff_squeeze(man);
	roff_squeeze(man_config);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(operations);
	free(man);
	free(man_config);
	return 0;
}

/* From a line of operations.md that begins so to one that begins with `end`. */
static char *part(const char *begin, const char *end)
{
	char from[100], to[100], *at, *over, *copy;

	snprintf(from, sizeof(from), "\n%s", begin);
	snprintf(to, sizeof(to), "\n%s", end);
	at = strstr(operations, from);
	if (!at)
		fail_msg("docs/operations.md has no line that begins with: %s", begin);
	over = strstr(at + strlen(from), to);
	copy = strdup(at);
	if (over)
		copy[over - at] = '\0';
	return copy;
}

static bool in_word(char c)
{
	return strchr("abcdefghijklmnopqrstuvwxyz0123456789-_", c) && c;
}

static bool has_word(const char *text, const char *word)
{
	for (const char *p = strstr(text, word); p; p = strstr(p + 1, word))
		if ((p == text || !in_word(p[-1])) && !in_word(p[strlen(word)]))
			return true;
	return false;
}

static void assert_told(const char *begin, const char *end, const char *const *words)
{
	char *text = part(begin, end);

	for (; *words; words++)
		if (!has_word(text, *words))
			fail_msg("docs/operations.md, from \"%s\" on, does not tell of %s", begin,
				 *words);
	free(text);
}

/* The first column of the tables there: each word is one of these. */
static void assert_known(const char *begin, const char *end, const char *const *words)
{
	char *text = part(begin, end);

	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		char *cell = line, *bar;

		if (strncmp(line, "| ", 2) != 0 || line[2] == '|' || line[2] == '-')
			continue;
		bar = strstr(line + 2, " |");
		if (bar)
			*bar = '\0';
		for (cell += 2; *cell; cell += strcspn(cell, ", "), cell += strspn(cell, ", ")) {
			size_t len = strcspn(cell, ", ");
			const char *const *known = words;

			while (*known && (strlen(*known) != len || strncmp(*known, cell, len) != 0))
				known++;
			if (!*known)
				fail_msg("docs/operations.md, from \"%s\" on, has a row %s, which "
					 "the program does not know",
					 begin, cell);
		}
	}
	free(text);
}

static void test_tables(void **state)
{
	(void)state;
	assert_told("## Reasons", "Much `no-neighbor`", reasons);
	assert_known("| forwarded |", "Much `no-neighbor`", reasons);
	assert_told("| verdict | meaning | incident |", "`stateful: true` of", verdicts);
	assert_known("| pending |", "`stateful: true` of", verdicts);
	assert_told("| reason | meaning | to do |", "**routes**", liveness);
	assert_told("**A probe**", "**routes**", probes);
	assert_told("**A probe**", "**routes**", probe_blocks + 1); /* NONE is empty */
	assert_told("| error | meaning | look at |", "## What others see", redirect_errors);
	assert_known("| device-down |", "## What others see", redirect_errors);
	assert_told("| refused | what it was | to do |", "**paths**", refusals);
	assert_known("| unknown-path |", "**paths**", refusals);
	assert_told("| cause | side | meaning |", "A failover opens", causes);
	assert_known("| local-pref-missing |", "A failover opens", causes);
	assert_told("| verdict | severity | opens |", "### Being told", networks);
	assert_known("| feed-stale | warning |", "### Being told", networks);
}

static void test_ladder(void **state)
{
	(void)state;
	assert_told("match. A prefix that nobody", "**audit**", steps);
	/* NONE is of an answer that has no path */
	assert_told("match. A prefix that nobody", "**audit**", picks + 1);
}

/* Each command as `--help` shows it, each incident of the network, each class. */
static void test_man(void **state)
{
	(void)state;
	for (const struct cmd *cmd = cmd_table; cmd->name; cmd++) {
		char *help = cmd_help(cmd), *usage, *end;

		if (!cmd->later) {
			usage = strstr(help, "INSTANCE] ");
			assert_non_null(usage);
			usage += strlen("INSTANCE] ");
			end = strchr(usage, '\n');
			assert_non_null(end);
			*end = '\0';
			roff_squeeze(usage);
			if (!strstr(man, usage))
				fail_msg("docs/man/sameway.8 has no: %s", usage);
		}
		free(help);
	}
	for (const char *const *word = networks; *word; word++)
		if (!strstr(man, *word))
			fail_msg("docs/man/sameway.8, alerts, does not tell of %s", *word);
	for (const char *const *word = classes; *word; word++)
		if (!strstr(man_config, *word))
			fail_msg("docs/man/sameway.yaml.5 does not tell of class %s", *word);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_ladder),
		cmocka_unit_test(test_man),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
