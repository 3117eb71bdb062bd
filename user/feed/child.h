/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A command of the config, run by the shell as a child in a process group of its own, bounded in
 * time. A run ends when the shell does; what it left running is killed.
 */
#ifndef SAMEWAY_FEED_CHILD_H
#define SAMEWAY_FEED_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#define CHILD_TAIL 120 /* bytes kept of standard error */
#define CHILD_WHY  300

struct event_base;
struct child;

struct child_end {
	int status; /* wait(2)'s, -1: not known */
	bool timed_out;
	const char *tail; /* standard error's last line, printable, cut; empty: none */
};

/* Called on the loop's thread. Neither may free the child. */
struct child_ops {
	void *arg;
	/*
	 * Standard output (`fd`, not blocking) has something, or has ended: false when no more is
	 * wanted. NULL: it goes to /dev/null.
	 */
	bool (*out)(void *arg, int fd);
	/* It has ended, however; all of its standard output was offered. A new run may be started.
	 */
	void (*done)(void *arg, const struct child_end *end);
};

/* `base` must outlive it, *ops is copied. NULL: no memory. */
struct child *child_new(struct event_base *base, const struct child_ops *ops);
/* At once; what runs is killed with its group, and not told. */
void child_free(struct child *child);
/*
 * Runs `command`, which may be freed afterwards; `in`: its standard input, the caller's to close,
 * -1: /dev/null. None may be running. 0; -errno: it could not be started, done is not called.
 */
int child_start(struct child *child, const char *command, int in, uint64_t timeout_ns);
/* Ends what runs; done tells. */
void child_kill(struct child *child);
/* Ends what runs, untold. */
void child_stop(struct child *child);
/* "exit status 3 (LAST LINE)" or "ended by signal 9 (no message)". */
void child_why(const struct child_end *end, char why[CHILD_WHY]);

#endif
