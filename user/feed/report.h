/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every feed has: its id, its sink, its status, and a log that a broken peer or file cannot
 * flood.
 */
#ifndef SAMEWAY_FEED_REPORT_H
#define SAMEWAY_FEED_REPORT_H

#include "feed/feed.h"

struct feed_report {
	feed_id id;
	struct feed_sink sink; /* a copy */
	struct feed_status status;
	uint64_t window_ns; /* CLOCK_MONOTONIC, when the current window of limited lines began */
	unsigned int logged;
	uint64_t suppressed; /* lines not logged since the last that was */
};

/* CLOCK_MONOTONIC. */
uint64_t feed_now_ns(void);

void feed_report_init(struct feed_report *r, feed_id id, const struct feed_sink *sink);

/* A message or line came, of whatever kind (a keepalive, too), good or bad. */
void feed_heard(struct feed_report *r);
/* A route is told to be gone. Returns how many the RIB had. */
size_t feed_withdraw(struct feed_report *r, const struct route *route, bool by_sub);
/* Something was refused: counted by its reason, kept as last error, logged within the limit. */
void feed_refuse(struct feed_report *r, enum feed_refusal why, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same of a message or line that is malformed. */
void feed_error(struct feed_report *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same without the count: something is wrong, but no message or line was refused. */
void feed_warn(struct feed_report *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* News that is no error, but may come as often as somebody likes: limited with the errors. */
void feed_news(struct feed_report *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* News that is no error; never limited. */
void feed_note(struct feed_report *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * What is no printable ASCII becomes '?': JSON takes nothing but UTF-8, whole, and a text that
 * somebody else wrote may be neither. Done to all that is reported.
 */
void feed_printable(char *text);

/* A file of the config, relative to its directory (NULL: to ours). malloc'ed; NULL: no memory. */
char *feed_path(const char *file, const char *config_dir);

#endif
