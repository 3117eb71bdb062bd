/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `detach`: stops the daemon first, so that nothing attaches again behind our back, then removes
 * what is pinned and what is in /run. Fine on half an instance and on none.
 */
#include "cmd/cmd.h"
#include "cmd/client.h"
#include "kernel/datapath.h"
#include "kernel/instance.h"
#include "kernel/links.h"
#include "kernel/maps.h"
#include "kernel/steer.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define STOP_TIMEOUT_MS 10000
#define LOCK_WAIT_MS	200

/* 1: a daemon was stopped, 0: none runs, -1: it could not be (said). */
static int daemon_stop(const struct cmd_call *call)
{
	struct client_error err;
	struct client *client;
	json_t *rows;
	char path[108];
	int code, wait_ms;

	cmd_run_path(call->instance, ".sock", path, sizeof(path));
	code = client_open(&client, path, call->instance, &err);
	if (code == -ENOENT)
		return 0;
	if (!code) {
		code = client_ask(client, json_pack("{s:s, s:b}", "cmd", "stop", "detach", 1),
				  &rows, &err);
		if (!code) {
			wait_ms = (int)json_integer_value(json_object_get(rows, "wait_ms"));
			json_decref(rows);
			if (!client_wait_closed(client, STOP_TIMEOUT_MS + wait_ms)) {
				client_close(client);
				return 1;
			}
			strcpy(err.text,
			       "the daemon does not end in time: kill it, then detach again");
		}
		client_close(client);
		if (code == -ENODATA) /* it was ending: its lock says when it has */
			return 1;
	}
	output_error("detach: %s", err.text);
	return -1;
}

/* Removes the file, if it is there, and says so in `files`. 0 or -errno. */
static int run_file_remove(const char *instance, const char *suffix, json_t *files)
{
	char path[108];

	cmd_run_path(instance, suffix, path, sizeof(path));
	if (unlink(path))
		return errno == ENOENT ? 0 : -errno;
	return json_array_append_new(files, json_string(path)) ? -ENOMEM : 0;
}

/* Rules and tables of kernel forwarding, as the maps remember them. 0 or -errno, said. */
static int tables_remove(const struct sw_ctl *ctl)
{
	const uint32_t first[] = {ctl->tables, ctl->tables_before};
	int code = 0;

	for (int i = 0; i < 2 && !code; i++)
		code = first[i] ? steer_clear(first[i]) : 0;
	if (code)
		output_error("detach: rules and routes of kernel forwarding can't be removed: %s: "
			     "`ip rule` and tables from %u on have them, proto %d; nothing else "
			     "was removed: run detach again",
			     strerror(-code), ctl->tables, SW_RTPROT);
	return code;
}

/* The gateways' neighbour entries are ordinary ones again. */
static void neighbors_release(struct maps *maps)
{
	for (unsigned int slot = 0; slot < SW_MAX_SLOTS; slot++) {
		for (uint8_t family = 4; family <= 6; family += 2) {
			struct ip_addr addr = {.family = family};
			struct sw_nexthop row;

			if (maps_nexthop(maps, slot, family, &row) || row.family != family)
				continue;
			memcpy(addr.bytes, row.addr, sizeof(row.addr));
			links_release_neighbor(row.l3_ifindex, &addr);
		}
	}
}

/* What is neither pinned nor a file: neighbour entries, rules and tables. 0 or -errno, said. */
static int box_release(const char *instance)
{
	char err[DATAPATH_ERR];
	struct maps *maps;
	struct sw_ctl ctl;
	int code = maps_open(&maps, instance, err);

	if (code == -ENOENT)
		return 0;
	if (code) {
		output_error("detach: the maps of instance %s are %s, and only they tell what "
			     "rules, routes and neighbours are its: see `ip -d rule` and `ip route "
			     "show table all` (proto %d), `ip neigh` (managed), and all with -6",
			     instance, code == -ESTALE ? "of another version" : "not to be read",
			     SW_RTPROT);
		return 0;
	}
	if (maps_ctl(maps, &ctl))
		memset(&ctl, 0, sizeof(ctl));
	if (ctl.netns == instance_netns()) { /* else it is gone, with all that was in it */
		code = tables_remove(&ctl);
		neighbors_release(maps);
	}
	maps_close(maps);
	return code;
}

/* Stops the daemon, also one that is only starting, and takes the instance's lock. 0 or -errno. */
static int instance_take(const struct cmd_call *call, int *lock, bool *stopped)
{
	char err[DATAPATH_ERR] = "";
	int code = -EBUSY;

	for (int i = 0; i < STOP_TIMEOUT_MS / LOCK_WAIT_MS && code == -EBUSY; i++) {
		int ended = daemon_stop(call);

		if (ended < 0)
			return -ESRCH; /* said */
		*stopped |= ended;
		code = instance_lock(call->instance, LOCK_WAIT_MS, lock, err);
	}
	if (code)
		output_error("detach: %s", err);
	return code;
}

/*
 * Rules, tables and neighbours are the network namespace's: from another one they would stay
 * behind for good, since what is pinned alone remembers them. 0 or -EXDEV, said.
 */
static int place_check(const char *instance)
{
	char err[DATAPATH_ERR], enter[300];
	struct maps *maps;
	struct sw_ctl ctl;
	int code = 0;

	if (maps_open(&maps, instance, err))
		return 0;
	if (!maps_ctl(maps, &ctl) && ctl.netns && ctl.netns != instance_netns() &&
	    instance_netns_enter(ctl.netns, enter, sizeof(enter))) {
		output_error(
			"detach: instance %s is of another network namespace, where its "
			"rules, tables and neighbours are; nothing was removed: `%s sameway -i "
			"%s detach`",
			instance, enter, instance);
		code = -EXDEV;
	}
	maps_close(maps);
	return code;
}

int cmd_detach(const struct cmd_call *call)
{
	char err[DATAPATH_ERR] = "";
	json_t *files = json_array();
	size_t removed = 0;
	bool stopped = false;
	int lock = -1, code = place_check(call->instance);

	if (!code)
		code = instance_take(call, &lock, &stopped);
	if (code) {
		json_decref(files);
		return CMD_FAILED;
	}
	code = box_release(call->instance) ? CMD_FAILED : 0;
	if (code) {
		instance_unlock(call->instance, lock, false);
		json_decref(files);
		return code;
	}
	code = datapath_detach(call->instance, &removed, err);
	if (code)
		output_error("detach: %s", *err ? err : strerror(-code));
	if (!code) {
		code = run_file_remove(call->instance, ".sock", files);
		if (!code)
			code = run_file_remove(call->instance, ".state", files);
		if (!code)
			code = run_file_remove(call->instance, ".state.new", files);
		if (code)
			output_error("detach: files of %s can't be removed: %s", CMD_RUN_DIR,
				     strerror(-code));
	}
	instance_unlock(call->instance, lock, true);
	if (code) {
		json_decref(files);
		return CMD_FAILED;
	}
	return cmd_show(call, SHOW_DETACH,
			json_pack("{s:s, s:b, s:I, s:o}", "instance", call->instance,
				  "daemon_stopped", stopped, "pins", (json_int_t)removed, "files",
				  files));
}
