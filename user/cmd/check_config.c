/* SPDX-License-Identifier: GPL-2.0-only */
/* `check-config`: all mistakes, a line of stderr each, or the normalised config. */
#include "cmd/cmd.h"
#include "cmd/file.h"
#include "core/config.h"
#include "kernel/inspect.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int config_show(const struct config *cfg)
{
	char *text = config_print(cfg);
	int err;

	if (!text) {
		output_error("check-config: out of memory: free some and try again");
		return CMD_FAILED;
	}
	err = output_text(text);
	free(text);
	return err ? CMD_FAILED : CMD_DONE;
}

static void errors_say(const char *file, const char *kind, const struct config_errors *errors)
{
	for (size_t i = 0; i < errors->n; i++)
		fprintf(stderr, "%s:%d: %s%s\n", strcmp(file, "-") ? file : "stdin",
			errors->v[i].line, kind, errors->v[i].text);
}

/* What may be meant so, and is no mistake: the exit status is as without. */
static void warnings_say(const char *file, const struct config *cfg)
{
	struct config_errors warnings = {0};
	char *copy = strcmp(file, "-") ? strdup(file) : NULL;

	inspect_config(cfg, copy ? dirname(copy) : NULL, &warnings);
	errors_say(file, "warning: ", &warnings);
	config_errors_free(&warnings);
	free(copy);
}

int cmd_check_config(const struct cmd_call *call)
{
	const char *file = call->argv[0];
	struct config_errors errors = {0};
	struct config *cfg;
	char *text;
	size_t len;
	int status, err = file_read(file, &text, &len);

	if (err) {
		output_error("check-config: %s: %s: name a file that can be read", file,
			     strerror(-err));
		return CMD_WRONG;
	}
	err = config_parse(text, len, &cfg, &errors);
	free(text);
	errors_say(file, "", &errors);
	config_errors_free(&errors);
	if (err == -EINVAL)
		return CMD_WRONG;
	if (err) {
		output_error("check-config: %s", strerror(-err));
		return CMD_FAILED;
	}
	warnings_say(file, cfg);
	status = config_show(cfg);
	config_free(cfg);
	return status;
}
