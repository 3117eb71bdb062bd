/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A command run at an interval, by the shell, one at a time, in a process group of its own. A run
 * ends when the shell does: what it left in the pipes is read, and what it left running is killed.
 * Its standard output is the text if it ended well within its time; standard error is for messages.
 */
#include "feed/input_internal.h"
#include "feed/report.h"

#include <ctype.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECOND	     1000000000ULL
#define ERR_LEN	     120
#define STOP_WAIT_MS 1000
#define NAME	     "command"

extern char **environ;

enum run_state { RUN_NONE, RUN_ON, RUN_TIMED_OUT, RUN_TOO_LONG, RUN_NO_MEMORY };

struct input_command {
	const struct config_feed *cfg;
	struct event_base *base;
	struct input_ops ops;
	struct event *timer; /* the next run; while one is on: its time-out */
	struct event *ev_out, *ev_err, *ev_exit;
	int out, err, pidfd; /* -1: not open */
	pid_t pid;
	enum run_state state;
	uint64_t started_ns;
	struct input_buffer text;
	char tail[ERR_LEN]; /* the last line of standard error, as far as it fits */
	bool line_over;	    /* the next byte begins a new one */
};

static void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void event_end(struct event **ev)
{
	if (*ev)
		event_free(*ev);
	*ev = NULL;
}

static void timer_set(struct input_command *cmd, uint64_t ns)
{
	struct timeval tv = {.tv_sec = (time_t)(ns / SECOND),
			     .tv_usec = (suseconds_t)(ns % SECOND / 1000)};

	evtimer_add(cmd->timer, &tv);
}

static void tail_add(struct input_command *cmd, const char *p, size_t n)
{
	size_t len = strlen(cmd->tail);

	for (; n; n--, p++) {
		if (*p == '\n' || *p == '\r') {
			cmd->line_over = true;
			continue;
		}
		if (cmd->line_over)
			len = 0;
		cmd->line_over = false;
		if (len + 1 < sizeof(cmd->tail)) /* what comes may end up on a terminal */
			cmd->tail[len++] = iscntrl((unsigned char)*p) ? '?' : *p;
		cmd->tail[len] = '\0';
	}
}

/* At most a few reads a turn: a command that never stops talking must not hold the loop. */
static void err_drain(struct input_command *cmd)
{
	char chunk[4096];

	for (int i = 0; i < 16; i++) {
		ssize_t n = read(cmd->err, chunk, sizeof(chunk));

		if (n <= 0)
			return;
		tail_add(cmd, chunk, (size_t)n);
	}
}

/* The whole group; its leader is not reaped yet, so the number is still its own. */
static void run_kill(struct input_command *cmd, enum run_state why)
{
	cmd->state = why;
	kill(-cmd->pid, SIGKILL);
	kill(cmd->pid, SIGKILL);
}

static bool out_drain(struct input_command *cmd)
{
	switch (input_read(cmd->out, &cmd->text)) {
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

static void on_out(evutil_socket_t fd, short what, void *arg)
{
	struct input_command *cmd = arg;

	(void)fd;
	(void)what;
	if (!out_drain(cmd))
		event_end(&cmd->ev_out);
}

static void on_err(evutil_socket_t fd, short what, void *arg)
{
	struct input_command *cmd = arg;
	struct pollfd pfd = {.fd = cmd->err, .events = POLLIN};

	(void)fd;
	(void)what;
	err_drain(cmd);
	if (poll(&pfd, 1, 0) > 0 && !(pfd.revents & POLLIN)) /* closed, and all was read */
		event_end(&cmd->ev_err);
}

/* The process is gone, with its group; pipes and events are closed. Returns wait(2)'s status. */
static int run_reap(struct input_command *cmd)
{
	int status = 0;

	event_end(&cmd->ev_out);
	event_end(&cmd->ev_err);
	event_end(&cmd->ev_exit);
	kill(-cmd->pid, SIGKILL);
	if (waitpid(cmd->pid, &status, WNOHANG) <= 0)
		status = -1;
	fd_close(&cmd->out);
	fd_close(&cmd->err);
	fd_close(&cmd->pidfd);
	cmd->pid = 0;
	return status;
}

static void say(struct input_command *cmd, const char *why)
{
	cmd->ops.failed(cmd->ops.arg, 0, NAME, why);
}

static void run_failed(struct input_command *cmd, int status)
{
	char how[40], why[300];

	if (status != -1 && WIFSIGNALED(status))
		snprintf(how, sizeof(how), "ended by signal %d", WTERMSIG(status));
	else
		snprintf(how, sizeof(how), "exit status %d",
			 status == -1 ? -1 : WEXITSTATUS(status));
	snprintf(why, sizeof(why), "%s (%s): run it by hand: %.100s", how,
		 cmd->tail[0] ? cmd->tail : "no message", cmd->cfg->command);
	say(cmd, why);
}

static void run_judge(struct input_command *cmd, int status)
{
	struct input_text text = {.name = NAME, .text = cmd->text.text, .len = cmd->text.len};
	char why[160];

	switch (cmd->state) {
	case RUN_TIMED_OUT:
		snprintf(why, sizeof(why),
			 "still running after %llu s, ended: make it quicker, or give a longer "
			 "`interval`",
			 (unsigned long long)(input_timeout_ns(cmd->cfg) / SECOND));
		say(cmd, why);
		break;
	case RUN_TOO_LONG:
		say(cmd, "writes more than 8 MiB, ended: take a feed of another type for a table "
			 "of that size");
		break;
	case RUN_NO_MEMORY:
		say(cmd, "out of memory: give this machine more");
		break;
	default:
		if (status) {
			run_failed(cmd, status);
			break;
		}
		text.age_ns = feed_now_ns() - cmd->started_ns;
		cmd->ops.text(cmd->ops.arg, &text);
	}
}

/* When it took longer than the interval, its next multiple. */
static void run_next(struct input_command *cmd)
{
	uint64_t interval = cmd->cfg->interval_ns, took = feed_now_ns() - cmd->started_ns;

	cmd->state = RUN_NONE;
	cmd->text.len = 0;
	timer_set(cmd, interval - took % interval);
}

static void on_exit_of(evutil_socket_t fd, short what, void *arg)
{
	struct input_command *cmd = arg;
	int status;

	(void)fd;
	(void)what;
	evtimer_del(cmd->timer);
	if (cmd->state == RUN_ON)
		out_drain(cmd);
	err_drain(cmd);
	status = run_reap(cmd);
	run_judge(cmd, status);
	run_next(cmd);
	cmd->ops.looked(cmd->ops.arg);
}

/* In a group of its own, with the signals as they are by default and no descriptor of ours. */
static int run_spawn(struct input_command *cmd, int out, int err)
{
	char *const argv[] = {(char *)"sh", (char *)"-c", cmd->cfg->command, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int ret;

	sigemptyset(&none);
	sigfillset(&all);
	sigdelset(&all, SIGKILL);
	sigdelset(&all, SIGSTOP);
	if (posix_spawn_file_actions_init(&files))
		return -ENOMEM;
	if (posix_spawnattr_init(&attr)) {
		posix_spawn_file_actions_destroy(&files);
		return -ENOMEM;
	}
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	ret = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(&files, err, STDERR_FILENO);
	if (!ret)
		ret = posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
	if (!ret)
		ret = posix_spawn(&cmd->pid, "/bin/sh", &files, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return -ret;
}

static struct event *watch(struct input_command *cmd, int fd, event_callback_fn fn)
{
	struct event *ev;

	if (fd < 0)
		return NULL;
	ev = event_new(cmd->base, fd, EV_READ | EV_PERSIST, fn, cmd);
	if (ev && event_add(ev, NULL))
		event_end(&ev);
	return ev;
}

/* 0 or -errno; what was opened on the way is closed by the caller. */
static int run_begin(struct input_command *cmd)
{
	int out[2], err[2], ret;

	if (pipe2(out, O_CLOEXEC))
		return -errno;
	cmd->out = out[0];
	if (pipe2(err, O_CLOEXEC)) {
		ret = -errno;
		close(out[1]);
		return ret;
	}
	cmd->err = err[0];
	/* ours only: the command's ends block, as it expects */
	fcntl(cmd->out, F_SETFL, O_NONBLOCK);
	fcntl(cmd->err, F_SETFL, O_NONBLOCK);
	ret = run_spawn(cmd, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	if (ret) {
		cmd->pid = 0;
		return ret;
	}
	cmd->pidfd = pidfd_open(cmd->pid, 0);
	cmd->ev_out = watch(cmd, cmd->out, on_out);
	cmd->ev_err = watch(cmd, cmd->err, on_err);
	cmd->ev_exit = watch(cmd, cmd->pidfd, on_exit_of);
	return cmd->ev_out && cmd->ev_err && cmd->ev_exit ? 0 : -ENOMEM;
}

/* Kills what runs, without a word of it. */
static void run_stop(struct input_command *cmd)
{
	struct pollfd pfd = {.fd = cmd->pidfd, .events = POLLIN};

	if (cmd->pid) {
		run_kill(cmd, RUN_NONE);
		poll(&pfd, 1, STOP_WAIT_MS);
		run_reap(cmd);
	}
	fd_close(&cmd->out);
	fd_close(&cmd->err);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct input_command *cmd = arg;
	char why[160];
	int ret;

	(void)fd;
	(void)what;
	if (cmd->pid) {
		run_kill(cmd, RUN_TIMED_OUT); /* its end is told by its pidfd */
		return;
	}
	cmd->started_ns = feed_now_ns();
	cmd->tail[0] = '\0';
	cmd->line_over = false;
	ret = run_begin(cmd);
	if (!ret) {
		cmd->state = RUN_ON;
		timer_set(cmd, input_timeout_ns(cmd->cfg));
		return;
	}
	run_stop(cmd);
	snprintf(why, sizeof(why), "it can't be started: %s: look at this machine's limits",
		 strerror(-ret));
	say(cmd, why);
	run_next(cmd);
}

struct input_command *input_command_new(const struct config_feed *cfg, struct event_base *base,
					const struct input_ops *ops)
{
	struct input_command *cmd = calloc(1, sizeof(*cmd));

	if (!cmd)
		return NULL;
	cmd->cfg = cfg;
	cmd->base = base;
	cmd->ops = *ops;
	cmd->out = cmd->err = cmd->pidfd = -1;
	cmd->timer = evtimer_new(base, on_timer, cmd);
	if (!cmd->timer) {
		free(cmd);
		return NULL;
	}
	timer_set(cmd, 0);
	return cmd;
}

void input_command_free(struct input_command *cmd)
{
	run_stop(cmd);
	event_end(&cmd->timer);
	free(cmd->text.text);
	free(cmd);
}
