/* SPDX-License-Identifier: GPL-2.0-only */
/* What the commands share: ask the daemon, open the maps, show rows; each failure is said once. */
#include "cmd/cmd.h"
#include "cmd/client.h"
#include "kernel/maps.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void cmd_run_path(const char *instance, const char *suffix, char *buf, size_t size)
{
	snprintf(buf, size, "%s/%s%s", CMD_RUN_DIR, instance, suffix);
}

int cmd_show(const struct cmd_call *call, enum view_name view, json_t *rows)
{
	int err;

	if (!rows) {
		output_error("%s: no memory, or the maps can't be read: run as root, try again",
			     call->cmd->name);
		return CMD_FAILED;
	}
	err = output_show(view, rows, call->json);
	json_decref(rows);
	return err ? CMD_FAILED : CMD_DONE;
}

int cmd_connect(const struct cmd_call *call, struct client **client, struct client_error *err)
{
	char path[108];

	cmd_run_path(call->instance, ".sock", path, sizeof(path));
	if (!client_open(client, path, call->instance, err))
		return CMD_DONE;
	output_error("%s: %s", call->cmd->name, err->text);
	return err->exit;
}

int cmd_ask(const struct cmd_call *call, json_t *request, json_t **rows)
{
	struct client_error err;
	struct client *client;
	int code = cmd_connect(call, &client, &err);

	if (code) {
		json_decref(request);
		return code;
	}
	code = client_ask(client, request, rows, &err);
	client_close(client);
	if (!code)
		return CMD_DONE;
	output_error("%s: %s", call->cmd->name, err.text);
	return err.exit;
}

int cmd_maps(const struct cmd_call *call, struct maps **out)
{
	char err[DATAPATH_ERR] = "";
	int code = maps_open(out, call->instance, err);

	if (!code)
		return CMD_DONE;
	if (code == -ENOENT)
		output_error(
			"%s: nothing is attached for instance %s: start it with `sameway -i %s "
			"run`",
			call->cmd->name, call->instance, call->instance);
	else
		output_error("%s: %s", call->cmd->name, err);
	return CMD_FAILED;
}

int cmd_path_id(struct maps *maps, const char *name)
{
	for (unsigned int id = 0; id < SW_MAX_PATHS; id++) {
		struct sw_path path;

		if (!maps_path(maps, id, &path) && path.name[0] &&
		    !strncmp(path.name, name, SW_NAME_LEN))
			return (int)id;
	}
	return -1;
}

uint64_t cmd_clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}
