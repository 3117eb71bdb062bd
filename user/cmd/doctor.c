/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `doctor`: gathers (kernel/inspect.h, the maps, the daemon's status), has core/doctor.h judge,
 * shows what it found. With no config or a wrong one, what needs none is still looked at.
 */
#include "cmd/cmd.h"
#include "cmd/client.h"
#include "cmd/file.h"
#include "core/doctor.h"
#include "core/doctor_status.h"
#include "kernel/inspect.h"
#include "kernel/maps.h"
#include "output/rows.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_CONFIG "/etc/sameway/sameway.yaml"
#define ASK_ROUNDS     20 /* for gateways' neighbours, */
#define ASK_ROUND_MS   50 /* a second in all */

/* What the config names and is not there, or most likely does not mean. */
static void config_warn(struct doctor_report *report, const char *file, const struct config *cfg)
{
	struct config_errors warnings = {0};
	char *copy = strdup(file);

	if (!copy || inspect_config(cfg, strcmp(file, "-") ? dirname(copy) : NULL, &warnings))
		report->no_memory = true;
	for (size_t i = 0; i < warnings.n; i++) {
		const char *text = warnings.v[i].text, *fix = NULL;

		for (const char *at = text; (at = strstr(at, ": ")); at += 2)
			fix = at;
		doctor_add(report, "config", file, false, fix ? fix + 2 : "", "line %d: %.*s",
			   warnings.v[i].line, fix ? (int)(fix - text) : -1, text);
	}
	config_errors_free(&warnings);
	free(copy);
}

/* The config, or NULL with what is wrong in the report. */
static struct config *config_look(struct doctor_report *report, const char *file)
{
	struct config_errors errors = {0};
	struct config *cfg = NULL;
	char *text;
	size_t len;
	int err = file_read(file, &text, &len);

	if (err) {
		doctor_add(report, "config", file, false,
			   "name another by `-c FILE`, or begin one: `sameway init > FILE`", "%s",
			   strerror(-err));
		return NULL;
	}
	err = config_parse(text, len, &cfg, &errors);
	free(text);
	for (size_t i = 0; i < errors.n; i++)
		doctor_add(report, "config", file, false, "mend that line, see sameway.yaml(5)",
			   "line %d: %s", errors.v[i].line, errors.v[i].text);
	config_errors_free(&errors);
	if (err == -ENOMEM)
		report->no_memory = true;
	if (err)
		return NULL;
	doctor_add(report, "config", file, true, "", "has no mistake");
	config_warn(report, file, cfg);
	return cfg;
}

/* Asks for the gateway unless it is known. True: the answer is to be waited for. */
static bool gateway_ask(const struct host *host, const char *interface, const struct ip_addr *addr)
{
	const struct host_link *link = host_link(host, interface);

	if (!link || link->l3 || !link->carrier || !addr->family ||
	    host_neighbor_valid(host, link->ifindex, addr))
		return false;
	return !inspect_ask_neighbor(link->ifindex, addr);
}

static bool gateways_ask(const struct host *host, const struct config *cfg)
{
	bool wait = false;

	for (size_t i = 0; i < cfg->n_paths; i++) {
		wait |= gateway_ask(host, config_l3(&cfg->paths[i]), &cfg->paths[i].gateway);
		wait |= gateway_ask(host, config_l3(&cfg->paths[i]), &cfg->paths[i].gateway6);
	}
	for (size_t i = 0; i < cfg->n_inside; i++) {
		wait |= gateway_ask(host, cfg->inside[i].interface, &cfg->inside[i].gateway);
		wait |= gateway_ask(host, cfg->inside[i].interface, &cfg->inside[i].gateway6);
	}
	return wait;
}

static bool gateway_missing(const struct host *host, const char *interface,
			    const struct ip_addr *addr)
{
	const struct host_link *link = host_link(host, interface);

	return link && !link->l3 && link->carrier && addr->family &&
	       !host_neighbor_valid(host, link->ifindex, addr);
}

static bool gateways_missing(const struct host *host, const struct config *cfg)
{
	for (size_t i = 0; i < cfg->n_paths; i++)
		if (gateway_missing(host, config_l3(&cfg->paths[i]), &cfg->paths[i].gateway) ||
		    gateway_missing(host, config_l3(&cfg->paths[i]), &cfg->paths[i].gateway6))
			return true;
	for (size_t i = 0; i < cfg->n_inside; i++)
		if (gateway_missing(host, cfg->inside[i].interface, &cfg->inside[i].gateway) ||
		    gateway_missing(host, cfg->inside[i].interface, &cfg->inside[i].gateway6))
			return true;
	return false;
}

static void gateways_resolve(struct host *host, const struct config *cfg)
{
	const struct timespec round = {.tv_nsec = ASK_ROUND_MS * 1000000L};

	if (!gateways_ask(host, cfg))
		return;
	for (int i = 0; i < ASK_ROUNDS && gateways_missing(host, cfg); i++) {
		nanosleep(&round, NULL);
		inspect_neighbors(host);
	}
}

/* Who sends: as the daemon says, else as the config would have it here. */
static bool kernel_sends(const json_t *status, const struct config *cfg,
			 const struct doctor_kernel *kernel)
{
	const char *forward = json_string_value(json_object_get(status, "forward"));
	bool found = false;

	if (forward)
		return !strcmp(forward, "kernel");
	for (int i = 0; i < 3; i++)
		found |= kernel->filters[i][0] || kernel->filters_err[i];
	return cfg && (cfg->forward == FORWARD_KERNEL || (cfg->forward == FORWARD_AUTO && found));
}

static void look_at_box(struct doctor_report *report, const char *instance,
			const struct config *cfg, const json_t *status)
{
	struct doctor_kernel kernel;
	bool kernel_forwards;
	struct host host;
	int err;

	inspect_kernel(&kernel, cfg ? cfg->fwmark : 0);
	kernel_forwards = kernel_sends(status, cfg, &kernel);
	doctor_kernel(report, &kernel, kernel_forwards, cfg);
	err = inspect_host(&host, instance);
	if (err) {
		doctor_add(report, "interface", "netlink", false, "run it as root, try again",
			   "the interfaces can't be asked for: %s", strerror(-err));
		return;
	}
	doctor_rules(report, &host, cfg, kernel_forwards);
	if (cfg) {
		doctor_marks(report, &kernel, &host, cfg);
		gateways_resolve(&host, cfg);
		doctor_links(report, cfg, &host);
		doctor_vlans(report, cfg, &host);
	}
	host_free(&host);
}

/* The daemon's status; NULL: none answers. An error beyond that is a finding. */
static json_t *daemon_look(struct doctor_report *report, const char *instance, const char *path)
{
	struct client_error err;
	struct client *client;
	json_t *rows = NULL;
	int code = client_open(&client, path, instance, &err);

	if (!code) {
		code = client_ask(client, json_pack("{s:s}", "cmd", "status"), &rows, &err);
		client_close(client);
	}
	if (code && code != -ENOENT)
		doctor_add(report, "daemon", instance, false,
			   "run as root; if it stays so, stop the daemon and start it again",
			   "%.280s", err.text);
	return code ? NULL : rows;
}

static void look_at_paths(struct doctor_report *report, const char *instance)
{
	char err[DATAPATH_ERR];
	struct maps *maps;
	json_t *rows;

	if (maps_open(&maps, instance, err))
		return;
	rows = rows_paths(maps);
	doctor_paths(report, rows);
	json_decref(rows);
	maps_close(maps);
}

/* [{check, subject, ok, message, fix}]; *fine: all ok. NULL: no memory. */
static json_t *report_rows(const struct doctor_report *report, bool *fine)
{
	json_t *rows = json_array();

	*fine = true;
	for (size_t i = 0; i < report->n; i++) {
		const struct doctor_finding *f = &report->v[i];
		json_t *row = json_pack("{s:s, s:s, s:b, s:s, s:s?}", "check", f->check, "subject",
					f->subject, "ok", f->ok, "message", f->message, "fix",
					f->ok ? NULL : f->fix);

		*fine &= f->ok;
		if (!row || json_array_append_new(rows, row)) {
			json_decref(rows);
			return NULL;
		}
	}
	return rows;
}

int cmd_doctor(const struct cmd_call *call)
{
	const char *file = call->value[0] ? call->value[0] : DEFAULT_CONFIG;
	struct doctor_report report = {0};
	struct doctor_pins pins;
	struct config *cfg = config_look(&report, file);
	json_t *status, *rows;
	char path[108];
	bool fine = false;
	int code;

	cmd_run_path(call->instance, ".sock", path, sizeof(path));
	inspect_pins(&pins, call->instance);
	status = daemon_look(&report, call->instance, path);
	look_at_box(&report, call->instance, cfg, status);
	if (status)
		doctor_status(&report, call->instance, status);
	else
		doctor_no_daemon(&report, call->instance, pins.there, !access(path, F_OK));
	doctor_pins(&report, call->instance, &pins);
	if (pins.readable)
		look_at_paths(&report, call->instance);
	json_decref(status);
	config_free(cfg);
	rows = report.no_memory ? NULL : report_rows(&report, &fine);
	doctor_free(&report);
	code = cmd_show(call, SHOW_DOCTOR, rows);
	return code ? code : fine ? CMD_DONE : CMD_FAILED;
}
