/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A command run at an interval, one at a time (child.h). Its standard output is the text if it
 * ended well within its time; standard error is for messages.
 */
#include "feed/child.h"
#include "feed/input_internal.h"
#include "feed/report.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000000ULL
#define NAME   "command"

enum run_state { RUN_ON, RUN_TOO_LONG, RUN_NO_MEMORY };

struct input_command {
	const struct config_feed *cfg;
	struct input_ops ops;
	struct event *timer; /* the next run */
	struct child *child;
	enum run_state state;
	uint64_t started_ns;
	struct input_buffer text;
};

static void timer_set(struct input_command *cmd, uint64_t ns)
{
	struct timeval tv = {.tv_sec = (time_t)(ns / SECOND),
			     .tv_usec = (suseconds_t)(ns % SECOND / 1000)};

	evtimer_add(cmd->timer, &tv);
}

static void run_kill(struct input_command *cmd, enum run_state why)
{
	cmd->state = why;
	child_kill(cmd->child);
}

static bool on_out(void *arg, int fd)
{
	struct input_command *cmd = arg;

	if (cmd->state != RUN_ON)
		return false;
	switch (input_read(fd, &cmd->text)) {
	case INPUT_TOO_LONG:
		run_kill(cmd, RUN_TOO_LONG);
		return false;
	case INPUT_NO_MEMORY:
		run_kill(cmd, RUN_NO_MEMORY);
		return false;
	case INPUT_LATER:
		return true;
	default:
		return false;
	}
}

static void say(struct input_command *cmd, const char *why)
{
	cmd->ops.failed(cmd->ops.arg, 0, NAME, why);
}

static void run_failed(struct input_command *cmd, const struct child_end *end)
{
	char how[CHILD_WHY], why[CHILD_WHY + 130];

	child_why(end, how);
	snprintf(why, sizeof(why), "%s: run it by hand: %.100s", how, cmd->cfg->command);
	say(cmd, why);
}

static void run_judge(struct input_command *cmd, const struct child_end *end)
{
	struct input_text text = {.name = NAME, .text = cmd->text.text, .len = cmd->text.len};
	char why[160];

	if (cmd->state == RUN_TOO_LONG) {
		say(cmd, "writes more than 8 MiB, ended: take a feed of another type for a table "
			 "of that size");
	} else if (cmd->state == RUN_NO_MEMORY) {
		say(cmd, "out of memory: give this machine more");
	} else if (end->timed_out) {
		snprintf(why, sizeof(why),
			 "still running after %llu s, ended: make it quicker, or give a longer "
			 "`interval`",
			 (unsigned long long)(input_timeout_ns(cmd->cfg) / SECOND));
		say(cmd, why);
	} else if (end->status) {
		run_failed(cmd, end);
	} else {
		text.age_ns = feed_now_ns() - cmd->started_ns;
		cmd->ops.text(cmd->ops.arg, &text);
	}
}

/* When it took longer than the interval, its next multiple. */
static void run_next(struct input_command *cmd)
{
	uint64_t interval = cmd->cfg->interval_ns, took = feed_now_ns() - cmd->started_ns;

	cmd->text.len = 0;
	timer_set(cmd, interval - took % interval);
}

static void on_done(void *arg, const struct child_end *end)
{
	struct input_command *cmd = arg;

	run_judge(cmd, end);
	run_next(cmd);
	cmd->ops.looked(cmd->ops.arg);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct input_command *cmd = arg;
	char why[160];
	int ret;

	(void)fd;
	(void)what;
	cmd->started_ns = feed_now_ns();
	cmd->state = RUN_ON;
	ret = child_start(cmd->child, cmd->cfg->command, -1, input_timeout_ns(cmd->cfg));
	if (!ret)
		return;
	snprintf(why, sizeof(why), "it can't be started: %s: look at this machine's limits",
		 strerror(-ret));
	say(cmd, why);
	run_next(cmd);
}

struct input_command *input_command_new(const struct config_feed *cfg, struct event_base *base,
					const struct input_ops *ops)
{
	struct input_command *cmd = calloc(1, sizeof(*cmd));
	const struct child_ops child_ops = {.arg = cmd, .out = on_out, .done = on_done};

	if (!cmd)
		return NULL;
	cmd->cfg = cfg;
	cmd->ops = *ops;
	cmd->timer = evtimer_new(base, on_timer, cmd);
	cmd->child = child_new(base, &child_ops);
	if (!cmd->timer || !cmd->child) {
		input_command_free(cmd);
		return NULL;
	}
	timer_set(cmd, 0);
	return cmd;
}

void input_command_free(struct input_command *cmd)
{
	child_free(cmd->child);
	if (cmd->timer)
		event_free(cmd->timer);
	free(cmd->text.text);
	free(cmd);
}
