/* SPDX-License-Identifier: GPL-2.0-only */
/* `enforce`, `monitor`, `reload`: what is changed while the daemon runs. */
#include "cmd/cmd.h"
#include "core/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int cmd_for(const struct cmd_call *call, uint64_t *ns)
{
	const char *text = call->value[0];

	*ns = 0;
	if (!text || (!duration_parse(text, ns) && *ns))
		return CMD_DONE;
	output_error("%s: --for %.40s: not a duration up to 24h: give one such as 30s, 10m or 2h",
		     call->cmd->name, text);
	return CMD_WRONG;
}

static int mode_ask(const struct cmd_call *call)
{
	json_t *rows;
	uint64_t ns;
	int status = cmd_for(call, &ns);

	if (!status)
		status = cmd_ask(
			call,
			json_pack("{s:s, s:I}", "cmd", call->cmd->name, "for_ns", (json_int_t)ns),
			&rows);
	return status ? status : cmd_show(call, SHOW_MODE, rows);
}

int cmd_enforce(const struct cmd_call *call)
{
	return mode_ask(call);
}

int cmd_monitor(const struct cmd_call *call)
{
	return mode_ask(call);
}

/* As check-config says them. */
static void lines_said(const json_t *rows, const char *key, const char *kind)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(rows, key), i, row)
		fprintf(stderr, "%s:%d: %s%s\n", json_string_value(json_object_get(rows, "config")),
			(int)json_integer_value(json_object_get(row, "line")), kind,
			json_string_value(json_object_get(row, "text")));
}

static void reload_said(const json_t *rows)
{
	const char *error = json_string_value(json_object_get(rows, "error"));

	lines_said(rows, "mistakes", "");
	output_error("reload: nothing has changed: %s",
		     error ? error : "correct the config and reload again");
}

int cmd_reload(const struct cmd_call *call)
{
	json_t *rows;
	int status = cmd_ask(call, json_pack("{s:s}", "cmd", "reload"), &rows), shown;

	if (status)
		return status;
	status = (int)json_integer_value(json_object_get(rows, "exit"));
	if (status)
		reload_said(rows);
	lines_said(rows, "warnings", "warning: ");
	if (status && !call->json) {
		json_decref(rows);
		return status;
	}
	shown = cmd_show(call, SHOW_RELOAD, rows);
	return status ? status : shown;
}
