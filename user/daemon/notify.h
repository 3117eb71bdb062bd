/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hook (config `notify`): a command run with an incident as JSON on its standard input, one at
 * a time, bounded in time. What is due is asked for when there is room for a run, so nothing
 * queues here. A run that fails is tried again, later, with what is due then.
 */
#ifndef SAMEWAY_DAEMON_NOTIFY_H
#define SAMEWAY_DAEMON_NOTIFY_H

#include "core/incident_life.h"
#include "feed/child.h"

struct notify_ops {
	void *arg;
	/* 0 with the news and its text, both to be freed by the caller; -errno: none is due. */
	int (*next)(void *arg, struct incident_news *news, char **text);
	/* It was told, or given up. */
	void (*told)(void *arg, const struct incident_news *news);
	void (*log)(void *arg, const char *text);
};
struct notify_limits {
	uint64_t timeout_ns; /* of a run */
	uint64_t gap_ns;     /* from a run's end to the next */
	uint64_t retry_ns;   /* likewise, when it failed */
	unsigned int tries;  /* of one news */
};
struct notify_counts {
	uint64_t sent, failed; /* runs that ended well; that did not */
	uint64_t dropped;      /* incidents' news given up */
	bool failing;	       /* the last run did */
	char last_error[CHILD_WHY];
};

struct notify;
/* `base` must outlive it; *ops and *limits are copied. NULL: no memory. */
struct notify *notify_new(struct event_base *base, const struct notify_ops *ops,
			  const struct notify_limits *limits);
/* A run under way is killed, and its news not told. */
void notify_free(struct notify *n);
/* Copied; NULL: none, and what runs is killed. 0 or -ENOMEM: as before. */
int notify_command(struct notify *n, const char *command);
/* Something may be due. */
void notify_kick(struct notify *n);
const struct notify_counts *notify_counts(const struct notify *n);

#endif
