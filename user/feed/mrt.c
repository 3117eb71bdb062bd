/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The feed `mrt`: what a routing daemon wrote down (RFC 6396), replayed once, from the file's
 * beginning to its end, as fast as it goes or at the pace of its time stamps. Then the routes stay:
 * the file's last word is the state to be studied.
 *
 * A timer gives the loop back after TURN_NS. Nothing else is done in a turn than steps, each a
 * record, some routes of one, or a piece of the file.
 */
#include "feed/mrt_feed.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TURN_NS (3 * 1000000ULL)

extern const struct feed_type feed_type_mrt;

enum step { STEP_MORE, STEP_WAIT, STEP_OVER };

/* 12.3 s below two minutes, else hours:minutes:seconds. */
static const char *duration_format(uint64_t ns, char buf[32])
{
	unsigned long long s = ns / 1000000000ULL;

	if (s < 120)
		snprintf(buf, 32, "%.1f s", (double)ns / 1e9);
	else
		snprintf(buf, 32, "%llu:%02llu:%02llu", s / 3600, s / 60 % 60, s % 60);
	return buf;
}

/* How long the replay's records are apart, from the first to the latest. */
static uint64_t span_ns(const struct feed *f)
{
	return (f->last_us - f->first_us) * 1000;
}

static void finish(struct feed *f)
{
	const struct feed_sink *sink = &f->report.sink;
	char took[32], self[64] = "", sent[64] = "";

	f->phase = MRT_DONE;
	f->took_ns = feed_now_ns() - f->begin_ns;
	if (f->self)
		snprintf(self, sizeof(self), ", %llu of the router's own left out",
			 (unsigned long long)f->self);
	if (f->sent)
		snprintf(sent, sizeof(sent), ", %llu messages that it sent left out",
			 (unsigned long long)f->sent);
	feed_note(&f->report, "%s: replayed in %s: %llu records, %llu routes of %zu peers%s%s",
		  f->cfg->file, duration_format(f->took_ns, took),
		  (unsigned long long)f->file.record, (unsigned long long)f->routes, f->peers.n,
		  self, sent);
	mrt_file_close(&f->file);
	if (!f->synced)
		sink->synced(sink->arg, f->report.id);
	f->synced = true;
}

static void file_broken(struct feed *f)
{
	feed_error(&f->report, "%s: record %llu (byte %llu): %s; what came before it stays",
		   f->cfg->file, (unsigned long long)f->file.record,
		   (unsigned long long)f->file.offset, f->file.why);
}

static void replay_begin(struct feed *f)
{
	char error[MRT_ERROR_LEN], text[32];
	uint64_t records = f->file.record;

	f->phase = MRT_REPLAY;
	if (mrt_file_rewind(&f->file, error)) {
		feed_error(&f->report, "%s: %s", f->cfg->file, error);
		finish(f);
		return;
	}
	f->begin_ns = feed_now_ns();
	feed_note(&f->report, "%s: %llu records, replayed at their own pace: takes %s",
		  f->cfg->file, (unsigned long long)records, duration_format(span_ns(f), text));
}

/* The next record's time for speed `real`. */
static void scan_record(struct feed *f)
{
	uint64_t us = f->header.time_us + mrt_time_et(&f->header, f->body);

	f->work++;
	if (f->file.record == 1)
		f->first_us = f->last_us = us;
	else if (us > f->last_us)
		f->last_us = us;
}

/* How long until the record at hand is due; one that is older than the first is at once. */
static uint64_t due_in_ns(const struct feed *f)
{
	uint64_t us = f->header.time_us + mrt_time_et(&f->header, f->body);
	uint64_t at = us > f->first_us ? (us - f->first_us) * 1000 : 0, now;

	if (f->cfg->speed != SPEED_REAL || !at)
		return 0;
	now = feed_now_ns() - f->begin_ns;
	return at > now ? at - now : 0;
}

/* The file has no more, and what it said was told. */
static enum step file_end(struct feed *f)
{
	if (f->phase == MRT_SCAN) {
		f->at_end = false;
		replay_begin(f);
		return STEP_MORE;
	}
	if (f->table) {
		mrt_table_end(f);
		return STEP_MORE;
	}
	finish(f);
	return STEP_OVER;
}

static enum step next_record(struct feed *f)
{
	switch (mrt_file_next(&f->file, &f->header, &f->body)) {
	case MRT_RECORD:
		if (f->phase == MRT_SCAN)
			scan_record(f);
		else
			f->held = true;
		return STEP_MORE;
	case MRT_AGAIN:
		f->work += MRT_TURN_WORK;
		return STEP_MORE;
	case MRT_BROKEN:
		/* told once, in the replay, when all before it has been */
		if (f->phase == MRT_REPLAY)
			file_broken(f);
		break;
	case MRT_END:
		break;
	}
	f->at_end = true;
	return STEP_MORE;
}

static enum step step(struct feed *f, uint64_t *wait_ns)
{
	if (f->phase == MRT_DONE)
		return STEP_OVER;
	if (f->chore != MRT_NO_CHORE) {
		mrt_chore_step(f);
		return STEP_MORE;
	}
	if (f->rib.left) {
		mrt_routes_take(f);
		return STEP_MORE;
	}
	if (f->at_end)
		return file_end(f);
	if (!f->held)
		return next_record(f);
	if (mrt_table_over(f))
		return STEP_MORE;
	*wait_ns = due_in_ns(f);
	if (*wait_ns)
		return STEP_WAIT;
	f->held = !mrt_record_take(f);
	return STEP_MORE;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct feed *f = arg;
	uint64_t end = feed_now_ns() + TURN_NS, wait_ns = 0, record = f->file.record;
	struct timeval tv;
	enum step s;

	(void)fd;
	(void)what;
	f->report.status.state = FEED_UP;
	do {
		for (f->work = 0; f->work < MRT_TURN_WORK;) {
			s = step(f, &wait_ns);
			if (s != STEP_MORE)
				break;
		}
	} while (s == STEP_MORE && feed_now_ns() < end);
	if (f->phase != MRT_SCAN && f->file.record != record)
		feed_heard(&f->report);
	if (s == STEP_OVER)
		return;
	tv.tv_sec = (time_t)(wait_ns / 1000000000ULL);
	tv.tv_usec = (suseconds_t)((wait_ns + 999) / 1000 % 1000000);
	evtimer_add(f->timer, &tv);
}

static void mrt_stop(struct feed *f)
{
	if (f->timer)
		event_free(f->timer);
	mrt_file_close(&f->file);
	mrt_peers_free(&f->peers);
	free(f->index);
	free(f);
}

static int no_memory(struct feed *f, char error[200])
{
	if (f)
		mrt_stop(f);
	snprintf(error, 200, "out of memory: give this machine more");
	return -ENOMEM;
}

static int mrt_start(struct feed **out, feed_id id, const struct config_feed *cfg,
		     const char *config_dir, struct event_base *base, const struct feed_sink *sink,
		     char error[200])
{
	struct feed *f = calloc(1, sizeof(*f));
	struct timeval now = {0};
	char why[MRT_ERROR_LEN];
	char *path;
	int ret;

	if (!f)
		return no_memory(f, error);
	f->file.fd = -1;
	f->cfg = cfg;
	feed_report_init(&f->report, id, sink);
	f->report.status.sees_all = true;
	f->phase = cfg->speed == SPEED_REAL ? MRT_SCAN : MRT_REPLAY;
	f->begin_ns = feed_now_ns();
	mrt_sink_init(f);
	f->timer = evtimer_new(base, on_timer, f);
	path = feed_path(cfg->file, config_dir);
	if (!f->timer || !path) {
		free(path);
		return no_memory(f, error);
	}
	ret = mrt_file_open(&f->file, path, why);
	free(path);
	if (ret) {
		snprintf(error, 200, "%s: %s", cfg->file, why);
		mrt_stop(f);
		return ret;
	}
	if (evtimer_add(f->timer, &now))
		return no_memory(f, error);
	*out = f;
	return 0;
}

static void mrt_status(const struct feed *f, struct feed_status *out)
{
	unsigned long long records = f->file.record;
	char a[32], b[32];
	uint64_t now = feed_now_ns();

	*out = f->report.status;
	if (f->phase == MRT_DONE)
		snprintf(out->note, sizeof(out->note),
			 "replay over after %s, %llu records; its routes stay",
			 duration_format(f->took_ns, a), records);
	else if (f->phase == MRT_SCAN)
		snprintf(out->note, sizeof(out->note), "looking how long it takes, record %llu",
			 records);
	else if (f->cfg->speed == SPEED_REAL)
		snprintf(out->note, sizeof(out->note), "replay, record %llu, %s of %s", records,
			 duration_format(now - f->begin_ns, a), duration_format(span_ns(f), b));
	else
		snprintf(out->note, sizeof(out->note), "replay, record %llu", records);
}

const struct feed_type feed_type_mrt = {
	.name = "mrt",
	.start = mrt_start,
	.status = mrt_status,
	.stop = mrt_stop,
};
