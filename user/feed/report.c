/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Errors of a feed go to three places: a counter, the status' last error, and the log. The log
 * takes LOG_BURST lines in LOG_WINDOW_NS; the first line after that says how many were left out.
 */
#include "feed/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LOG_BURST     10
#define LOG_WINDOW_NS 10000000000ULL

uint64_t feed_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

void feed_report_init(struct feed_report *r, feed_id id, const struct feed_sink *sink)
{
	memset(r, 0, sizeof(*r));
	r->id = id;
	r->sink = *sink;
}

void feed_printable(char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			*text = '?';
}

static void log_limited(struct feed_report *r, const char *text)
{
	uint64_t now = feed_now_ns();
	char line[320];

	if (!r->window_ns || now - r->window_ns >= LOG_WINDOW_NS) {
		r->window_ns = now;
		r->logged = 0;
	}
	if (r->logged >= LOG_BURST) {
		r->suppressed++;
		return;
	}
	r->logged++;
	if (r->suppressed) {
		snprintf(line, sizeof(line), "%s (%llu lines like it were left out)", text,
			 (unsigned long long)r->suppressed);
		r->suppressed = 0;
		text = line;
	}
	r->sink.log(r->sink.arg, r->id, text);
}

static void warn_va(struct feed_report *r, const char *fmt, va_list ap)
{
	vsnprintf(r->status.last_error, sizeof(r->status.last_error), fmt, ap);
	feed_printable(r->status.last_error);
	log_limited(r, r->status.last_error);
}

void feed_heard(struct feed_report *r)
{
	r->status.last_message_ns = feed_now_ns();
}

size_t feed_withdraw(struct feed_report *r, const struct route *route, bool by_sub)
{
	r->status.withdraws++;
	return r->sink.withdraw(r->sink.arg, r->id, route, by_sub);
}

static void refuse_va(struct feed_report *r, enum feed_refusal why, const char *fmt, va_list ap)
{
	r->status.errors++;
	r->status.refused[why]++;
	warn_va(r, fmt, ap);
}

void feed_refuse(struct feed_report *r, enum feed_refusal why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	refuse_va(r, why, fmt, ap);
	va_end(ap);
}

void feed_error(struct feed_report *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	refuse_va(r, FEED_MALFORMED, fmt, ap);
	va_end(ap);
}

void feed_warn(struct feed_report *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	warn_va(r, fmt, ap);
	va_end(ap);
}

void feed_news(struct feed_report *r, const char *fmt, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	feed_printable(line);
	log_limited(r, line);
}

void feed_note(struct feed_report *r, const char *fmt, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	feed_printable(line);
	r->sink.log(r->sink.arg, r->id, line);
}

char *feed_path(const char *file, const char *config_dir)
{
	char *path = NULL;

	if (file[0] == '/' || !config_dir)
		return strdup(file);
	return asprintf(&path, "%s/%s", config_dir, file) < 0 ? NULL : path;
}
