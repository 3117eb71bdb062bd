/* SPDX-License-Identifier: GPL-2.0-only */
#include "feed/child.h"

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
#define STOP_WAIT_MS 1000

extern char **environ;

struct child {
	struct event_base *base;
	struct child_ops ops;
	struct event *ev_out, *ev_err, *ev_exit, *ev_timeout;
	int out, err, pidfd; /* -1: not open */
	pid_t pid;	     /* 0: none runs */
	bool timed_out;
	char tail[CHILD_TAIL];
	bool line_over; /* the next byte begins a new line */
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

static void tail_add(struct child *c, const char *p, size_t n)
{
	size_t len = strlen(c->tail);

	for (; n; n--, p++) {
		if (*p == '\n' || *p == '\r') {
			c->line_over = true;
			continue;
		}
		if (c->line_over)
			len = 0;
		c->line_over = false;
		if (len + 1 < sizeof(c->tail)) /* what comes may end up on a terminal, or in JSON */
			c->tail[len++] = isascii(*p) && isprint(*p) ? *p : '?';
		c->tail[len] = '\0';
	}
}

/* At most a few reads a turn: a command that never stops talking must not hold the loop. */
static void err_drain(struct child *c)
{
	char chunk[4096];

	for (int i = 0; i < 16; i++) {
		ssize_t n = read(c->err, chunk, sizeof(chunk));

		if (n <= 0)
			return;
		tail_add(c, chunk, (size_t)n);
	}
}

/* The whole group; its leader is not reaped yet, so the number is still its own. */
void child_kill(struct child *c)
{
	if (!c->pid)
		return;
	kill(-c->pid, SIGKILL);
	kill(c->pid, SIGKILL);
}

static void on_out(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;

	(void)fd;
	(void)what;
	if (!c->ops.out(c->ops.arg, c->out))
		event_end(&c->ev_out);
}

static void on_err(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;
	struct pollfd pfd = {.fd = c->err, .events = POLLIN};

	(void)fd;
	(void)what;
	err_drain(c);
	if (poll(&pfd, 1, 0) > 0 && !(pfd.revents & POLLIN)) /* closed, and all was read */
		event_end(&c->ev_err);
}

/* The process is gone, with its group; pipes and events are closed. Returns wait(2)'s status. */
static int child_reap(struct child *c)
{
	int status = 0;

	event_end(&c->ev_out);
	event_end(&c->ev_err);
	event_end(&c->ev_exit);
	kill(-c->pid, SIGKILL);
	if (waitpid(c->pid, &status, WNOHANG) <= 0)
		status = -1;
	fd_close(&c->out);
	fd_close(&c->err);
	fd_close(&c->pidfd);
	c->pid = 0;
	return status;
}

static void on_exit_of(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;
	struct child_end end = {.timed_out = c->timed_out, .tail = c->tail};

	(void)fd;
	(void)what;
	evtimer_del(c->ev_timeout);
	if (c->ev_out)
		c->ops.out(c->ops.arg, c->out);
	err_drain(c);
	end.status = child_reap(c);
	c->ops.done(c->ops.arg, &end);
}

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;

	(void)fd;
	(void)what;
	c->timed_out = true;
	child_kill(c); /* its end is told by its pidfd */
}

/* With the signals as they are by default and no descriptor of ours. */
static int attr_fill(posix_spawnattr_t *attr)
{
	sigset_t none, all;

	if (posix_spawnattr_init(attr))
		return -ENOMEM;
	sigemptyset(&none);
	sigfillset(&all);
	sigdelset(&all, SIGKILL);
	sigdelset(&all, SIGSTOP);
	posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
					       POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(attr, 0);
	posix_spawnattr_setsigmask(attr, &none);
	posix_spawnattr_setsigdefault(attr, &all);
	return 0;
}

static int open_or_dup(posix_spawn_file_actions_t *files, int fd, int to, int flags)
{
	return fd < 0 ? posix_spawn_file_actions_addopen(files, to, "/dev/null", flags, 0)
		      : posix_spawn_file_actions_adddup2(files, fd, to);
}

static int child_spawn(struct child *c, const char *command, int in, int out, int err)
{
	char *const argv[] = {(char *)"sh", (char *)"-c", (char *)command, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int ret;

	if (posix_spawn_file_actions_init(&files))
		return -ENOMEM;
	if (attr_fill(&attr)) {
		posix_spawn_file_actions_destroy(&files);
		return -ENOMEM;
	}
	ret = open_or_dup(&files, in, STDIN_FILENO, O_RDONLY);
	if (!ret)
		ret = open_or_dup(&files, out, STDOUT_FILENO, O_WRONLY);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(&files, err, STDERR_FILENO);
	if (!ret)
		ret = posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
	if (!ret)
		ret = posix_spawn(&c->pid, "/bin/sh", &files, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	if (ret)
		c->pid = 0;
	return -ret;
}

static struct event *watch(struct child *c, int fd, event_callback_fn fn)
{
	struct event *ev;

	if (fd < 0)
		return NULL;
	ev = event_new(c->base, fd, EV_READ | EV_PERSIST, fn, c);
	if (ev && event_add(ev, NULL))
		event_end(&ev);
	return ev;
}

/* Our end does not block; the command's does, as it expects. Returns the command's, or -errno. */
static int pipe_open(int *ours)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	*ours = ends[0];
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	return ends[1];
}

/* 0 or -errno; what was opened on the way is closed by the caller. */
static int child_begin(struct child *c, const char *command, int in)
{
	int out = c->ops.out ? pipe_open(&c->out) : -1, err, ret;

	if (c->ops.out && out < 0)
		return out;
	err = pipe_open(&c->err);
	ret = err < 0 ? err : child_spawn(c, command, in, out, err);
	if (out >= 0)
		close(out);
	if (err >= 0)
		close(err);
	if (ret)
		return ret;
	c->pidfd = pidfd_open(c->pid, 0);
	if (c->ops.out)
		c->ev_out = watch(c, c->out, on_out);
	c->ev_err = watch(c, c->err, on_err);
	c->ev_exit = watch(c, c->pidfd, on_exit_of);
	return (c->ev_out || !c->ops.out) && c->ev_err && c->ev_exit ? 0 : -ENOMEM;
}

int child_start(struct child *c, const char *command, int in, uint64_t timeout_ns)
{
	struct timeval tv = {.tv_sec = (time_t)(timeout_ns / SECOND),
			     .tv_usec = (suseconds_t)(timeout_ns % SECOND / 1000)};
	int ret;

	c->tail[0] = '\0';
	c->line_over = c->timed_out = false;
	ret = child_begin(c, command, in);
	if (ret)
		child_stop(c);
	else
		evtimer_add(c->ev_timeout, &tv);
	return ret;
}

void child_stop(struct child *c)
{
	struct pollfd pfd = {.fd = c->pidfd, .events = POLLIN};

	evtimer_del(c->ev_timeout);
	if (c->pid) {
		child_kill(c);
		poll(&pfd, 1, STOP_WAIT_MS);
		child_reap(c);
	}
	fd_close(&c->out);
	fd_close(&c->err);
}

struct child *child_new(struct event_base *base, const struct child_ops *ops)
{
	struct child *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->base = base;
	c->ops = *ops;
	c->out = c->err = c->pidfd = -1;
	c->ev_timeout = evtimer_new(base, on_timeout, c);
	if (c->ev_timeout)
		return c;
	free(c);
	return NULL;
}

void child_free(struct child *c)
{
	if (!c)
		return;
	child_stop(c);
	event_end(&c->ev_timeout);
	free(c);
}

void child_why(const struct child_end *end, char why[CHILD_WHY])
{
	char how[40];

	if (end->status != -1 && WIFSIGNALED(end->status))
		snprintf(how, sizeof(how), "ended by signal %d", WTERMSIG(end->status));
	else
		snprintf(how, sizeof(how), "exit status %d",
			 end->status == -1 ? -1 : WEXITSTATUS(end->status));
	snprintf(why, CHILD_WHY, "%s (%s)", how, end->tail[0] ? end->tail : "no message");
}
