/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/notify.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SECOND 1000000000ULL

struct notify {
	struct notify_ops ops;
	struct notify_limits limits;
	struct notify_counts counts;
	struct event *timer; /* the next run */
	struct child *child;
	char *command; /* NULL: none */
	bool runs;
	struct incident_news news; /* that runs */
	unsigned int tries;	   /* of the news with ... */
	uint64_t tried_id;
	enum incident_change tried;
};

static const char *const change_names[] = {"open", "update", "close"};

static void timer_set(struct notify *n, uint64_t ns)
{
	struct timeval tv = {.tv_sec = (time_t)(ns / SECOND),
			     .tv_usec = (suseconds_t)(ns % SECOND / 1000)};

	evtimer_add(n->timer, &tv);
}

static void news_end(struct notify *n)
{
	free(n->news.also);
	n->news.also = NULL;
	n->runs = false;
}

/* Takes what ran off, or leaves it to another try. */
static void run_failed(struct notify *n, const char *why)
{
	bool give_up = ++n->tries >= n->limits.tries;
	char text[CHILD_WHY + 300];

	n->counts.failed++;
	n->counts.failing = true;
	snprintf(n->counts.last_error, sizeof(n->counts.last_error), "%s", why);
	snprintf(text, sizeof(text),
		 "notify: %s of incident %llu: %s: run the command by hand, with a line of "
		 "`sameway -j alerts -f` on its standard input; %s: %.100s",
		 change_names[n->news.change], (unsigned long long)n->news.inc.id, why,
		 give_up ? "given up" : "it is tried again", n->command);
	n->ops.log(n->ops.arg, text);
	if (give_up) {
		n->counts.dropped += 1 + n->news.n_also;
		n->tries = 0;
		n->ops.told(n->ops.arg, &n->news);
	}
	news_end(n);
	timer_set(n, n->limits.retry_ns);
}

static void on_done(void *arg, const struct child_end *end)
{
	struct notify *n = arg;
	char why[CHILD_WHY];

	if (!end->status && !end->timed_out) {
		n->counts.sent++;
		n->counts.failing = false;
		n->tries = 0;
		n->ops.told(n->ops.arg, &n->news);
		news_end(n);
		timer_set(n, n->limits.gap_ns);
		return;
	}
	if (end->timed_out)
		snprintf(why, sizeof(why), "still running after %g s, ended",
			 (double)n->limits.timeout_ns / SECOND);
	else
		child_why(end, why);
	run_failed(n, why);
}

/*
 * The text as a file that is in memory only: the command reads it when it likes or not at all,
 * which a pipe would make our business. A descriptor, or -errno.
 */
static int text_file(const char *text)
{
	int fd = memfd_create("sameway-notify", MFD_CLOEXEC), err;
	size_t len = strlen(text);

	if (fd < 0)
		return -errno;
	if (write(fd, text, len) == (ssize_t)len && !lseek(fd, 0, SEEK_SET))
		return fd;
	err = errno ? -errno : -ENOSPC;
	close(fd);
	return err;
}

static int run_start(struct notify *n, const char *text)
{
	int fd = text_file(text), err;

	if (fd < 0)
		return fd;
	err = child_start(n->child, n->command, fd, n->limits.timeout_ns);
	close(fd);
	return err;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct notify *n = arg;
	char *text = NULL, why[CHILD_WHY];
	int err;

	(void)fd;
	(void)what;
	if (!n->command || n->runs || n->ops.next(n->ops.arg, &n->news, &text))
		return;
	n->runs = true;
	if (n->tried_id != n->news.inc.id || n->tried != n->news.change)
		n->tries = 0;
	n->tried_id = n->news.inc.id;
	n->tried = n->news.change;
	err = run_start(n, text);
	free(text);
	if (!err)
		return;
	snprintf(why, sizeof(why), "it can't be started: %s", strerror(-err));
	run_failed(n, why);
}

void notify_kick(struct notify *n)
{
	if (n->command && !n->runs && !evtimer_pending(n->timer, NULL))
		timer_set(n, 0);
}

int notify_command(struct notify *n, const char *command)
{
	char *copy = NULL;

	if (command && n->command && !strcmp(command, n->command))
		return 0;
	if (command) {
		copy = strdup(command);
		if (!copy)
			return -ENOMEM;
	}
	/* by the old one no more is told, nor waited for */
	child_stop(n->child);
	news_end(n);
	n->tries = 0;
	evtimer_del(n->timer);
	free(n->command);
	n->command = copy;
	n->counts.failing = false;
	notify_kick(n);
	return 0;
}

const struct notify_counts *notify_counts(const struct notify *n)
{
	return &n->counts;
}

struct notify *notify_new(struct event_base *base, const struct notify_ops *ops,
			  const struct notify_limits *limits)
{
	struct notify *n = calloc(1, sizeof(*n));
	const struct child_ops child_ops = {.arg = n, .done = on_done};

	if (!n)
		return NULL;
	n->ops = *ops;
	n->limits = *limits;
	n->timer = evtimer_new(base, on_timer, n);
	n->child = child_new(base, &child_ops);
	if (n->timer && n->child)
		return n;
	notify_free(n);
	return NULL;
}

void notify_free(struct notify *n)
{
	if (!n)
		return;
	child_free(n->child);
	if (n->timer)
		event_free(n->timer);
	free(n->news.also);
	free(n->command);
	free(n);
}
