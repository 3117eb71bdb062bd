/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of the config share: the least good config, and one mistake with its line. */
#ifndef SAMEWAY_TESTS_CONFIG_ASSERT_H
#define SAMEWAY_TESTS_CONFIG_ASSERT_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/config.h"

#define PATH	 "paths: [{name: a, class: vpn, interface: t0}]\n"
#define INSIDE	 "inside: [{interface: l0, networks: [10.0.0.0/24]}]\n"
#define BASE	 PATH INSIDE
#define COUNT(v) (sizeof(v) / sizeof((v)[0]))

static inline struct config *parse_good(const char *text)
{
	struct config_errors errors;
	struct config *cfg = NULL;
	int rc = config_parse(text, strlen(text), &cfg, &errors);

	for (size_t i = 0; i < errors.n; i++)
		print_message("%d: %s\n", errors.v[i].line, errors.v[i].text);
	assert_int_equal(rc, 0);
	assert_int_equal(errors.n, 0);
	config_errors_free(&errors);
	return cfg;
}

static inline void parse_bad_len(const char *text, size_t len, struct config_errors *errors)
{
	struct config *untouched = (struct config *)text, *cfg = untouched;

	assert_int_equal(config_parse(text, len, &cfg, errors), -EINVAL);
	assert_ptr_equal(cfg, untouched);
	assert_true(errors->n > 0);
	for (size_t i = 1; i < errors->n; i++)
		assert_true(errors->v[i - 1].line <= errors->v[i].line);
}

/* Exactly one mistake, on `line`, that says all of `words` (separated by |). */
static inline void assert_mistake(const char *text, int line, const char *words)
{
	struct config_errors errors;
	char list[200], *save, *word;

	parse_bad_len(text, strlen(text), &errors);
	snprintf(list, sizeof(list), "%s", words);
	for (word = strtok_r(list, "|", &save); word; word = strtok_r(NULL, "|", &save)) {
		if (!strstr(errors.v[0].text, word))
			fail_msg("\"%s\" does not say \"%s\", for:\n%s", errors.v[0].text, word,
				 text);
	}
	if (errors.n != 1)
		fail_msg("%zu mistakes, second: %s, for:\n%s", errors.n, errors.v[1].text, text);
	if (errors.v[0].line != line)
		fail_msg("line %d: %s, for:\n%s", errors.v[0].line, errors.v[0].text, text);
	config_errors_free(&errors);
}

#endif
