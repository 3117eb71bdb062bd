/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `path NAME drain|undrain`. A drain with an end is an exercise of the backup: the command looks at
 * the flow records each second until the path is back, and says what came of it. The drain needs
 * neither the command, which may be interrupted, nor the daemon: its end is in the maps.
 */
#include "cmd/cmd.h"
#include "kernel/maps.h"
#include "output/rows_drain.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NS_A_S	1000000000ULL
#define LOOK_NS NS_A_S
/* Past its end: the kernel's timer ends it when the daemon has not, and a path may be busy. */
#define LATE_NS (SW_DRAIN_LATE_NS + 4 * NS_A_S)

struct exercise {
	const struct cmd_call *call;
	const char *name;
	struct maps *maps;
	struct drain drain;
	struct drain_losses before;
	json_t *rtt;		     /* by the path, before */
	uint64_t begun_ns, until_ns; /* CLOCK_MONOTONIC */
	uint64_t now;		     /* of the flow records, at a look */
	enum drain_end end;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

static uint64_t now_ns(void)
{
	return cmd_clock_ns(CLOCK_MONOTONIC);
}

static void sleep_until(uint64_t ns)
{
	struct timespec ts = {.tv_sec = (time_t)(ns / NS_A_S), .tv_nsec = (long)(ns % NS_A_S)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static int ask(const struct cmd_call *call, bool undrain, bool plan, uint64_t for_ns, json_t **rows)
{
	return cmd_ask(call,
		       json_pack("{s:s, s:s, s:b, s:b, s:I}", "cmd", "drain", "path", call->argv[0],
				 "undrain", undrain, "plan", plan, "for_ns", (json_int_t)for_ns),
		       rows);
}

/* What it will take away is said before it does. */
static void warn(const char *name, const json_t *plan)
{
	json_int_t lost = json_integer_value(json_object_get(plan, "prefixes_lost"));
	const json_t *names = json_object_get(plan, "lost_prefixes"), *row;
	char list[200] = "";
	size_t i, used = 0;

	json_array_foreach (names, i, row)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
					 json_string_value(row));
	if (lost)
		output_error("path: %s is the only usable path of %lld prefix%s, without a path "
			     "until it is back: %s%s",
			     name, (long long)lost, lost == 1 ? "" : "es", list,
			     (size_t)lost > json_array_size(names) ? ", ..." : "");
	json_array_foreach (json_object_get(plan, "lost_rules"), i, row)
		output_error("path: %s is the only usable path that rule %s allows for %lld "
			     "prefixes: its packets are dropped until it is back",
			     name, json_string_value(json_object_get(row, "name")),
			     (long long)json_integer_value(json_object_get(row, "prefixes")));
}

static int flow_before(void *arg, const struct sw_flow_key *key, const struct flow *flow)
{
	struct exercise *e = arg;

	return drain_before(&e->drain, key->family, flow, e->now);
}

static int flow_look(void *arg, const struct sw_flow_key *key, const struct flow *flow)
{
	struct exercise *e = arg;

	drain_look(&e->drain, key->family, flow);
	return 0;
}

static int exercise_begin(struct exercise *e)
{
	int id = cmd_path_id(e->maps, e->name), err = id < 0 ? -ENOENT : 0;
	struct sw_ctl ctl;

	drain_begin(&e->drain, (unsigned int)id);
	if (!err)
		err = maps_ctl(e->maps, &ctl);
	if (!err)
		err = rows_drain_losses(e->maps, &e->before);
	if (!err)
		e->rtt = rows_rtt(e->maps, e->drain.path);
	if (!err)
		err = maps_flows_now(e->maps, &e->now);
	if (!err)
		err = maps_flow_each(e->maps, flow_before, e);
	if (err) {
		output_error("path: the maps can't be read: %s", strerror(-err));
		return CMD_FAILED;
	}
	if (ctl.mode != SW_MODE_ENFORCE)
		output_error("path: in monitor mode nothing is moved: packets go on by the "
			     "kernel's routes; `sameway enforce` first proves the backup");
	return CMD_DONE;
}

static void progress(const struct exercise *e, bool last)
{
	uint64_t now = now_ns(), left = e->until_ns > now ? e->until_ns - now : 0;
	size_t by[SW_MAX_PATHS];

	if (!isatty(STDERR_FILENO))
		return;
	if (last)
		fprintf(stderr, "\r\033[K");
	else
		fprintf(stderr, "\r%s is out for %llu s more, %zu flows have moved \033[K", e->name,
			(unsigned long long)((left + NS_A_S - 1) / NS_A_S),
			drain_flows(&e->drain, by).moved);
	fflush(stderr);
}

/* Whether it is back; its end, which another command may have changed, is read again. */
static bool is_back(struct exercise *e)
{
	struct sw_usable usable;
	struct sw_path path;

	if (maps_usable(e->maps, &usable) || maps_path(e->maps, e->drain.path, &path))
		return false;
	if (usable.admin >> e->drain.path & 1)
		return true;
	if (path.drained_until_ns)
		e->until_ns = path.drained_until_ns;
	return false;
}

static void look(struct exercise *e)
{
	drain_look_begin(&e->drain);
	maps_flow_each(e->maps, flow_look, e);
}

/* Each second, and as late as can be: what is sent after its end goes by the path again. */
static void exercise_wait(struct exercise *e)
{
	e->end = DRAIN_NOT_ENDED;
	while (!interrupted) {
		uint64_t now = now_ns(), next = now + LOOK_NS;

		if (is_back(e)) {
			e->end = now + LOOK_NS / 10 < e->until_ns ? DRAIN_ENDED_BY_HAND
								  : DRAIN_ENDED_ITSELF;
			return;
		}
		if (now > e->until_ns + LATE_NS)
			return;
		look(e);
		progress(e, false);
		if (next > e->until_ns && now < e->until_ns)
			next = e->until_ns - LOOK_NS / 50 > now ? e->until_ns - LOOK_NS / 50
								: e->until_ns;
		else if (now >= e->until_ns)
			next = now + LOOK_NS / 50;
		sleep_until(next);
	}
}

static int exercise_report(struct exercise *e, json_t *rows)
{
	double took = (double)(now_ns() - e->begun_ns) / 1e9;
	struct drain_losses after;
	int err = rows_drain_losses(e->maps, &after), status;

	if (!err)
		err = rows_drain_report(rows, e->maps, &e->drain, &e->before, &after, e->end, took);
	if (err) {
		output_error("path: what came of it can't be told: %s", strerror(-err));
		return CMD_FAILED;
	}
	json_object_set(rows, "rtt_before_ms", e->rtt);
	status = cmd_show(e->call, SHOW_DRAIN, json_incref(rows));
	if (e->end != DRAIN_NOT_ENDED)
		return status;
	output_error("path: %s is still drained: `sameway -i %s path %s undrain` ends it", e->name,
		     e->call->instance, e->name);
	return CMD_FAILED;
}

static int exercise_run(struct exercise *e, json_t *rows)
{
	struct sigaction act = {.sa_handler = on_signal};
	uint64_t now;

	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGHUP, &act, NULL);
	if (!e->call->json && cmd_show(e->call, SHOW_PATH, json_incref(rows)))
		return CMD_FAILED;
	exercise_wait(e);
	progress(e, true);
	if (!interrupted)
		return exercise_report(e, rows);
	now = now_ns();
	output_error("path: interrupted: %s stays drained for %llu s more and then comes back by "
		     "itself; `sameway -i %s path %s undrain` ends it now",
		     e->name,
		     (unsigned long long)(e->until_ns > now ? (e->until_ns - now) / NS_A_S : 0),
		     e->call->instance, e->name);
	return CMD_FAILED;
}

static int path_exercise(const struct cmd_call *call, uint64_t for_ns)
{
	struct exercise e = {.call = call, .name = call->argv[0]};
	json_t *rows = NULL;
	int status = cmd_maps(call, &e.maps);

	if (status)
		return status;
	status = exercise_begin(&e);
	if (!status) {
		e.begun_ns = now_ns();
		e.until_ns = e.begun_ns + for_ns;
		status = ask(call, false, false, for_ns, &rows);
	}
	if (!status)
		status = exercise_run(&e, rows);
	json_decref(rows);
	json_decref(e.rtt);
	drain_free(&e.drain);
	maps_close(e.maps);
	return status;
}

int cmd_path(const struct cmd_call *call)
{
	bool undrain = !strcmp(call->argv[1], "undrain");
	json_t *rows;
	uint64_t ns;
	int status = cmd_for(call, &ns);

	if (status)
		return status;
	if (!undrain && strcmp(call->argv[1], "drain")) {
		output_error("path: %s does not belong here: say drain or undrain", call->argv[1]);
		return CMD_WRONG;
	}
	if (undrain && ns) {
		output_error("path: undrain has no --for: drain has");
		return CMD_WRONG;
	}
	if (!undrain) {
		status = ask(call, false, true, ns, &rows);
		if (status)
			return status;
		warn(call->argv[0], rows);
		json_decref(rows);
	}
	if (ns)
		return path_exercise(call, ns);
	status = ask(call, undrain, false, 0, &rows);
	return status ? status : cmd_show(call, SHOW_PATH, rows);
}
