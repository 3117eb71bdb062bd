/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The feed `jsonl`: a file of JSON lines, read to its end and, with `follow`, watched for more each
 * POLL_MS. A timer and read(2) serve files, pipes and terminals alike (epoll takes no files).
 *
 * A watched file is opened anew, from its start, when its name leads to another file, when it is
 * shorter than what was read of it, or when what was read was overwritten: its modification time
 * moved and it did not grow, or the last bytes read are no longer there. Each opening begins a new
 * table. A name that leads nowhere leaves the routes stale, and is tried again.
 */
#include "feed/jsonl.h"
#include "feed/report.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define POLL_MS	   100
#define CHUNK	   (16 * 1024)
#define READS_ONCE 64 /* reads of CHUNK before the loop gets its turn */
#define TAIL_LEN   4096
#define QUIET_NS   3000000000ULL /* a file read anew, and no end-of-rib for so long: told */

extern const struct feed_type feed_type_jsonl;

struct feed {
	struct feed_report report;
	const struct config_feed *cfg;
	char *path; /* NULL: standard input */
	struct event *timer;
	int fd;		 /* -1: not open */
	bool is_file;	 /* regular */
	bool complained; /* that it cannot be opened */
	bool eor;	 /* end-of-rib was told since it was opened */
	bool had;	 /* it was open before */
	bool unsure;	 /* read anew, and no end-of-rib yet: what it had before is kept */
	uint64_t opened_ns;
	bool quiet; /* mtime is valid: nothing was read since */
	struct timespec mtime;
	off_t offset;
	unsigned long line_no;
	bool skip; /* inside a line that is too long */
	size_t len, tail_len;
	char line[JSONL_LINE_MAX];
	char tail[TAIL_LEN]; /* the last bytes read */
	struct jsonl_line parsed;
};

enum read_result { READ_MORE, READ_IDLE, READ_END, READ_FAILED };

static const char *feed_name(const struct feed *f)
{
	return f->path ? f->cfg->file : "<stdin>";
}

static void line_error(struct feed *f, enum feed_refusal why, const char *text)
{
	feed_refuse(&f->report, why, "%s:%lu: %s", feed_name(f), f->line_no, text);
}

static void line_announce(struct feed *f)
{
	const struct feed_sink *sink = &f->report.sink;

	switch (sink->announce(sink->arg, f->report.id, &f->parsed.route)) {
	case RIB_UNKNOWN_PATH:
		line_error(f, FEED_UNKNOWN_PATH,
			   "unknown-path: no path owns its path, peer, next hop or AS: name one of "
			   "`paths`, or add the peer there");
		break;
	case RIB_NO_MEMORY:
		line_error(f, FEED_MEMORY, "out of memory: give this machine more");
		break;
	case RIB_OK:
	case RIB_UNCHANGED:
	case RIB_OWN:
		f->report.status.updates++;
		break;
	}
}

static void line_apply(struct feed *f)
{
	const struct feed_sink *sink = &f->report.sink;
	const struct route *route = &f->parsed.route;

	if (f->parsed.masked)
		f->report.status.masked++;
	if (f->parsed.op == JSONL_ANNOUNCE) {
		line_announce(f);
		return;
	}
	f->report.status.updates++;
	switch (f->parsed.op) {
	case JSONL_ANNOUNCE:
		break;
	case JSONL_WITHDRAW:
		feed_withdraw(&f->report, route, false);
		break;
	case JSONL_PEER_DOWN:
		sink->peer_down(sink->arg, f->report.id, &route->peer);
		break;
	case JSONL_PEER_UP:
		sink->peer_up(sink->arg, f->report.id, &route->peer);
		break;
	case JSONL_END_OF_RIB:
		f->eor = true;
		f->unsure = false;
		sink->end_of_rib(sink->arg, f->report.id, 0);
		sink->synced(sink->arg, f->report.id);
		break;
	}
}

static bool is_blank(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr(" \t\r", text[i]) || !text[i])
			return false;
	return true;
}

/* The line gathered in f->line is whole. */
static void line_end(struct feed *f)
{
	char error[160];

	f->line_no++;
	feed_heard(&f->report);
	if (f->skip)
		line_error(f, FEED_LIMIT, "line of more than 65536 bytes: split it");
	else if (!is_blank(f->line, f->len)) {
		if (jsonl_line_parse(f->line, f->len, &f->parsed, error))
			line_error(f, FEED_MALFORMED, error);
		else
			line_apply(f);
	}
	f->len = 0;
	f->skip = false;
}

static void line_add(struct feed *f, const char *p, size_t n)
{
	if (n > sizeof(f->line) - f->len)
		f->skip = true;
	if (f->skip)
		return;
	memcpy(f->line + f->len, p, n);
	f->len += n;
}

static void tail_keep(struct feed *f, const char *p, size_t n)
{
	size_t keep;

	if (n > TAIL_LEN) {
		p += n - TAIL_LEN;
		n = TAIL_LEN;
	}
	keep = f->tail_len < TAIL_LEN - n ? f->tail_len : TAIL_LEN - n;
	memmove(f->tail, f->tail + f->tail_len - keep, keep);
	memcpy(f->tail + keep, p, n);
	f->tail_len = keep + n;
}

static void take(struct feed *f, const char *p, size_t n)
{
	const char *end;

	f->offset += (off_t)n;
	f->quiet = false;
	tail_keep(f, p, n);
	while ((end = memchr(p, '\n', n))) {
		size_t len = (size_t)(end - p);

		line_add(f, p, len);
		line_end(f);
		p += len + 1;
		n -= len + 1;
	}
	line_add(f, p, n);
}

static enum read_result read_some(struct feed *f)
{
	struct pollfd pfd = {.fd = f->fd, .events = POLLIN};
	char chunk[CHUNK];

	for (int i = 0; i < READS_ONCE; i++) {
		ssize_t n;

		/* Standard input is shared with others and stays blocking. */
		if (!f->is_file && poll(&pfd, 1, 0) <= 0)
			return READ_IDLE;
		n = read(f->fd, chunk, sizeof(chunk));
		if (n == 0)
			return READ_END;
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? READ_IDLE : READ_FAILED;
		take(f, chunk, (size_t)n);
	}
	return READ_MORE;
}

static void file_close(struct feed *f)
{
	if (f->path && f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

/* The file is not there (any more): its routes, if any, are stale. */
static void file_gone(struct feed *f, int error)
{
	bool was_up = f->report.status.state == FEED_UP;

	file_close(f);
	if (!f->complained)
		feed_warn(&f->report, "%s: %s: %s", feed_name(f), strerror(error),
			  f->path ? "put the file there, it is tried again"
				  : "restart with an input that stays open");
	f->complained = true;
	if (!was_up)
		return;
	f->report.status.state = FEED_STALE;
	f->report.sink.lost(f->report.sink.arg, f->report.id, 0);
}

/* 0 with a new table begun, or -errno. */
static int file_open(struct feed *f)
{
	struct stat st;
	int fd = STDIN_FILENO, err = 0;

	if (f->path)
		fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		err = errno;
	else if (S_ISDIR(st.st_mode))
		err = EISDIR;
	if (err) {
		if (f->path)
			close(fd);
		return -err;
	}
	f->fd = fd;
	f->unsure = f->had;
	f->had = true;
	f->opened_ns = feed_now_ns();
	f->is_file = S_ISREG(st.st_mode);
	f->complained = f->eor = f->quiet = f->skip = false;
	f->offset = 0;
	f->line_no = 0;
	f->len = f->tail_len = 0;
	f->report.status.state = FEED_UP;
	f->report.sink.begin(f->report.sink.arg, f->report.id, 0);
	return 0;
}

static void file_reopen(struct feed *f, const char *what)
{
	int err;

	feed_note(&f->report, "%s: %s: read again from its start", feed_name(f), what);
	if (f->len || f->skip) {
		f->line_no++;
		line_error(f, FEED_MALFORMED,
			   "line without its end when the file changed: write whole lines");
	}
	file_close(f);
	err = -file_open(f);
	if (err)
		file_gone(f, err);
}

static bool tail_matches(const struct feed *f)
{
	char now[TAIL_LEN];
	ssize_t n = pread(f->fd, now, f->tail_len, f->offset - (off_t)f->tail_len);

	return n == (ssize_t)f->tail_len && memcmp(now, f->tail, f->tail_len) == 0;
}

/* What was read of a watched file is still what it holds. False: it was opened anew, or is gone. */
static bool file_unchanged(struct feed *f)
{
	struct stat now, named;
	const char *what = NULL;

	if (fstat(f->fd, &now)) {
		file_gone(f, errno);
		return false;
	}
	if (now.st_size < f->offset)
		what = "it was truncated";
	else if (f->quiet && memcmp(&now.st_mtim, &f->mtime, sizeof(f->mtime)) != 0 &&
		 (now.st_size == f->offset || !tail_matches(f)))
		what = "it was written anew";
	else if (now.st_size > f->offset)
		return true; /* its rest comes first, also where its name leads elsewhere now */
	else if (stat(f->path, &named)) {
		file_gone(f, errno);
		return false;
	} else if (named.st_dev != now.st_dev || named.st_ino != now.st_ino)
		what = "it was replaced";
	if (what) {
		file_reopen(f, what);
		return false;
	}
	f->mtime = now.st_mtim;
	f->quiet = true;
	return true;
}

/*
 * Without end-of-rib nobody can tell a file that is whole from one that is still being written:
 * what it no longer names is kept. Who edits files by hand may not expect that.
 */
static void unsure_tell(struct feed *f)
{
	uint64_t last = f->report.status.last_message_ns, now = feed_now_ns();

	if (!f->unsure || now - (last > f->opened_ns ? last : f->opened_ns) < QUIET_NS)
		return;
	f->unsure = false;
	feed_warn(&f->report,
		  "%s: read anew, and no end-of-rib came: routes that it no longer names are kept: "
		  "end it with the line {\"op\":\"end-of-rib\"}",
		  feed_name(f));
}

/* The input has ended, and nothing more is expected of it. */
static void input_finish(struct feed *f)
{
	if (f->len || f->skip)
		line_end(f);
	if (f->cfg->follow) {
		file_gone(f, EPIPE);
		return;
	}
	if (!f->eor) {
		f->report.sink.end_of_rib(f->report.sink.arg, f->report.id, 0);
		f->report.sink.synced(f->report.sink.arg, f->report.id);
	}
	file_close(f);
}

/* One turn. Milliseconds until the next, -1: there is none. */
static int turn(struct feed *f)
{
	int err;

	if (f->fd < 0) {
		err = -file_open(f);
		if (err) {
			file_gone(f, err);
			return POLL_MS;
		}
	}
	if (f->path && f->is_file && f->quiet && !file_unchanged(f))
		return f->fd >= 0 ? 0 : POLL_MS;
	switch (read_some(f)) {
	case READ_MORE:
		return 0;
	case READ_IDLE:
		return POLL_MS;
	case READ_FAILED:
		file_gone(f, errno);
		return POLL_MS;
	case READ_END:
		break;
	}
	if (!f->cfg->follow || (!f->path && !f->is_file)) {
		input_finish(f);
		return -1;
	}
	unsure_tell(f);
	if (f->path && f->is_file && !file_unchanged(f))
		return f->fd >= 0 ? 0 : POLL_MS;
	return POLL_MS;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct feed *f = arg;
	int ms = turn(f);
	struct timeval tv = {.tv_usec = ms * 1000};

	(void)fd;
	(void)what;
	if (ms >= 0)
		evtimer_add(f->timer, &tv);
}

static void jsonl_stop(struct feed *f)
{
	if (f->timer)
		event_free(f->timer);
	file_close(f);
	free(f->path);
	free(f);
}

static int jsonl_start(struct feed **out, feed_id id, const struct config_feed *cfg,
		       const char *config_dir, struct event_base *base,
		       const struct feed_sink *sink, char error[200])
{
	bool is_stdin = strcmp(cfg->file, "-") == 0;
	struct timeval now = {0};
	struct feed *f = calloc(1, sizeof(*f));

	if (f) {
		f->fd = -1;
		f->cfg = cfg;
		feed_report_init(&f->report, id, sink);
		f->report.status.sees_all = true;
		f->path = is_stdin ? NULL : feed_path(cfg->file, config_dir);
		f->timer = evtimer_new(base, on_timer, f);
	}
	if (!f || !f->timer || (!f->path && !is_stdin) || evtimer_add(f->timer, &now)) {
		if (f)
			jsonl_stop(f);
		snprintf(error, 200, "out of memory: give this machine more");
		return -ENOMEM;
	}
	*out = f;
	return 0;
}

static void jsonl_status(const struct feed *f, struct feed_status *out)
{
	*out = f->report.status;
}

const struct feed_type feed_type_jsonl = {
	.name = "jsonl",
	.start = jsonl_start,
	.status = jsonl_status,
	.stop = jsonl_stop,
};
