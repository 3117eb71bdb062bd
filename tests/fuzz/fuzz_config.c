/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any bytes as a config: either mistakes with lines that rise, or a config whose normalised text
 * is taken again and prints the same.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_errors(const struct config_errors *errors)
{
	if (!errors->n)
		abort();
	for (size_t i = 0; i < errors->n; i++) {
		if (errors->v[i].line < 1 || !errors->v[i].text[0])
			abort();
		if (i && errors->v[i].line < errors->v[i - 1].line)
			abort();
	}
}

static void check_print(const struct config *cfg)
{
	struct config_errors errors;
	struct config *again = NULL;
	char *one = config_print(cfg), *two;

	if (!one || config_parse(one, strlen(one), &again, &errors))
		abort();
	two = config_print(again);
	if (!two || strcmp(one, two))
		abort();
	free(one);
	free(two);
	config_free(again);
	config_errors_free(&errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_errors errors;
	struct config *cfg = NULL;
	int rc = config_parse((const char *)data, size, &cfg, &errors);

	if (rc == 0)
		check_print(cfg);
	else if (rc == -EINVAL && !cfg)
		check_errors(&errors);
	else
		abort();
	config_free(cfg);
	config_errors_free(&errors);
	return 0;
}
