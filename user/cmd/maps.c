/* SPDX-License-Identifier: GPL-2.0-only */
/* `status`, `paths`, `counters`: the maps are enough; status asks the daemon first. */
#include "cmd/cmd.h"
#include "cmd/client.h"
#include "kernel/maps.h"
#include "output/rows.h"

#include <errno.h>

static int maps_show(const struct cmd_call *call, enum view_name view,
		     json_t *(*rows)(struct maps *))
{
	struct maps *maps;
	int status = cmd_maps(call, &maps);

	if (status)
		return status;
	status = cmd_show(call, view, rows(maps));
	maps_close(maps);
	return status;
}

int cmd_paths(const struct cmd_call *call)
{
	return maps_show(call, SHOW_PATHS, rows_paths);
}

int cmd_counters(const struct cmd_call *call)
{
	return maps_show(call, SHOW_COUNTERS, rows_counters);
}

/* What the maps know, with or without maps; the exit status says that no daemon runs. */
static int status_without(const struct cmd_call *call)
{
	char err[DATAPATH_ERR] = "";
	struct maps *maps = NULL;
	int code = maps_open(&maps, call->instance, err);

	if (code && code != -ENOENT)
		output_error("status: %s", err);
	cmd_show(call, SHOW_STATUS, rows_status_maps(call->instance, code ? NULL : maps));
	if (!code)
		maps_close(maps);
	return CMD_FAILED;
}

int cmd_status(const struct cmd_call *call)
{
	struct client_error err;
	struct client *client;
	json_t *rows;
	char path[108];
	int code;

	cmd_run_path(call->instance, ".sock", path, sizeof(path));
	code = client_open(&client, path, call->instance, &err);
	if (!code) {
		code = client_ask(client, json_pack("{s:s}", "cmd", "status"), &rows, &err);
		client_close(client);
	}
	if (!code)
		return cmd_show(call, SHOW_STATUS, rows);
	output_error("status: %s", err.text);
	return code == -ENOENT ? status_without(call) : err.exit;
}
