/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `alerts`: from the daemon, or from its state file where none runs. Following (-f) prints the
 * open ones, then a line a change, until the daemon or the reader goes.
 */
#include "cmd/cmd.h"
#include "cmd/client.h"
#include "cmd/file.h"
#include "core/state.h"
#include "kernel/maps.h"
#include "output/rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ALERTS_FOLLOW, ALERTS_ALL }; /* places in the table's options */

/* The incidents of a set; open ones only unless `all`. */
static json_t *incident_rows(const struct incidents *set, const struct state_context *ctx, bool all)
{
	json_t *rows = json_array();
	const struct incident *inc;

	for (size_t i = 0; rows && (inc = incidents_get(set, i)); i++) {
		if (!inc->open && !all)
			continue;
		if (json_array_append_new(rows, rows_incident(inc, ctx->cfg, ctx->path_ids))) {
			json_decref(rows);
			return NULL;
		}
	}
	return rows;
}

/*
 * The names of the paths stand in for a config, which a command does not read: all that the state
 * file needs of it. Without classes in `prefer` no degraded prefix is restored, so no fib either.
 */
struct known_paths {
	struct config cfg;
	struct config_path paths[SW_MAX_PATHS];
	uint8_t ids[SW_MAX_PATHS];
};

static struct known_paths *known_paths_new(const char *instance)
{
	struct known_paths *known = calloc(1, sizeof(*known));
	char err[DATAPATH_ERR];
	struct maps *maps;

	if (!known)
		return NULL;
	known->cfg.paths = known->paths;
	if (maps_open(&maps, instance, err))
		return known;
	for (unsigned int id = 0; id < SW_MAX_PATHS; id++) {
		struct sw_path path;

		if (maps_path(maps, id, &path) || !path.name[0])
			continue;
		memcpy(known->paths[known->cfg.n_paths].name, path.name, SW_NAME_LEN);
		known->ids[known->cfg.n_paths++] = (uint8_t)id;
	}
	maps_close(maps);
	return known;
}

int alerts_state_rows(const struct config *cfg, const uint8_t *path_ids, const char *text,
		      size_t len, bool all, json_t **rows)
{
	struct state_context ctx = {.cfg = cfg,
				    .path_ids = path_ids,
				    .now = cmd_clock_ns(CLOCK_MONOTONIC),
				    .wall = cmd_clock_ns(CLOCK_REALTIME)};
	struct incidents *set = incidents_new(NULL, NULL);
	int err;

	if (!set)
		return -ENOMEM;
	err = text ? state_parse(&ctx, text, len, set, NULL) : 0;
	if (!err)
		*rows = incident_rows(set, &ctx, all);
	incidents_free(set);
	if (!err && !*rows)
		err = -ENOMEM;
	return err;
}

static bool instance_there(const char *instance)
{
	char err[DATAPATH_ERR];
	struct maps *maps;

	if (maps_open(&maps, instance, err))
		return false;
	maps_close(maps);
	return true;
}

static int alerts_state(const struct cmd_call *call, bool all)
{
	struct known_paths *known;
	json_t *rows = NULL;
	char *text = NULL;
	char path[108];
	size_t len = 0;
	int err;

	cmd_run_path(call->instance, ".state", path, sizeof(path));
	err = file_read(path, &text, &len);
	if (err && err != -ENOENT) {
		output_error("alerts: %s: %s: run as root", path, strerror(-err));
		return CMD_FAILED;
	}
	if (err == -ENOENT && !instance_there(call->instance)) {
		output_error(
			"alerts: no instance %s: neither a daemon nor maps nor %s: is -i right?",
			call->instance, path);
		return CMD_FAILED;
	}
	known = known_paths_new(call->instance);
	err = known ? alerts_state_rows(&known->cfg, known->ids, text, len, all, &rows) : -ENOMEM;
	free(known);
	free(text);
	if (err == -EBADMSG)
		output_error("alerts: %s is damaged or of another version: start `sameway run`, "
			     "which writes it anew",
			     path);
	else if (err)
		output_error("alerts: %s", strerror(-err));
	return err ? CMD_FAILED : cmd_show(call, SHOW_ALERTS, rows);
}

static int alerts_line(const struct cmd_call *call, json_t *incident)
{
	return output_alert_line(incident, call->json) ? -EIO : 0;
}

/* The open ones, as if they opened now. Takes rows. */
static int alerts_first(const struct cmd_call *call, json_t *rows)
{
	json_t *row;
	size_t i;
	int err = 0;

	json_array_foreach (rows, i, row) {
		if (!json_object_get(row, "event") &&
		    json_object_set_new(row, "event", json_string("open")))
			err = -ENOMEM;
		if (!err)
			err = alerts_line(call, row);
		if (err)
			break;
	}
	json_decref(rows);
	return err;
}

static int alerts_follow(const struct cmd_call *call, struct client *client, json_t *rows)
{
	struct client_error err;
	int code = alerts_first(call, rows);

	while (!code) {
		code = client_next(client, -1, &rows, &err);
		if (code == -EPIPE) /* nobody reads any more */
			return CMD_FAILED;
		if (code) {
			output_error("alerts: %s", err.text);
			return err.exit;
		}
		code = alerts_line(call, rows);
		json_decref(rows);
	}
	return CMD_FAILED;
}

int cmd_alerts(const struct cmd_call *call)
{
	bool follow = call->value[ALERTS_FOLLOW], all = call->value[ALERTS_ALL];
	struct client_error err;
	struct client *client;
	json_t *rows;
	char path[108];
	int status, code;

	cmd_run_path(call->instance, ".sock", path, sizeof(path));
	code = client_open(&client, path, call->instance, &err);
	if (code == -ENOENT && !follow)
		return alerts_state(call, all);
	if (code) {
		output_error("alerts: %s", err.text);
		return err.exit;
	}
	code = client_ask(
		client, json_pack("{s:s, s:b, s:b}", "cmd", "alerts", "all", all, "follow", follow),
		&rows, &err);
	if (code) {
		output_error("alerts: %s", err.text);
		status = err.exit;
	} else if (follow) {
		status = alerts_follow(call, client, rows);
	} else {
		status = cmd_show(call, SHOW_ALERTS, rows);
	}
	client_close(client);
	return status;
}
