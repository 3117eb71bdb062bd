/* SPDX-License-Identifier: GPL-2.0-only */
/* `check-config`: all mistakes, a line of stderr each, or the normalised config. */
#include "cmd/cmd.h"
#include "cmd/file.h"
#include "core/config.h"

#include <errno.h>
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
	for (size_t i = 0; i < errors.n; i++)
		fprintf(stderr, "%s:%d: %s\n", strcmp(file, "-") ? file : "stdin", errors.v[i].line,
			errors.v[i].text);
	config_errors_free(&errors);
	if (err == -EINVAL)
		return CMD_WRONG;
	if (err) {
		output_error("check-config: %s", strerror(-err));
		return CMD_FAILED;
	}
	status = config_show(cfg);
	config_free(cfg);
	return status;
}
