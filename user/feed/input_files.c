/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file, or the *.json of a directory. The directory is watched by inotify(7): a file is read when
 * who wrote it has closed it, or when it was renamed into its place. inotify knows nothing of what
 * other machines do on a shared file system, of a directory that is not there yet, of links, of
 * what is overrun: so all is looked at each `interval` too. A look reads a file that differs from
 * what was read only when the look before has seen it the same: it may be half written.
 */
#include "feed/input_internal.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000ULL
#define EVENTS                                                                                     \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF |               \
	 IN_MOVE_SELF | IN_ONLYDIR)

struct stamp { /* all zero: of no file */
	struct timespec mtime;
	off_t size;
	ino_t ino;
};

struct file {
	char name[NAME_MAX + 1];
	struct stamp read, looked; /* as it was when read; as the last look saw it */
	bool there, due;	   /* due: news of it */
	bool known;		   /* else the place is free for another name */
};

struct input_files {
	const struct config_feed *cfg;
	struct input_ops ops;
	char *dir;	  /* the one that is watched */
	const char *only; /* its one file that counts; NULL: all *.json */
	int inotify, wd;  /* -1: none */
	struct event *timer, *news;
	struct file *v;
	size_t n;
	bool looked;	 /* once at least */
	bool complained; /* of the directory */
	bool full;	 /* told that there are too many, and no place was found since */
};

static void say(struct input_files *in, const struct file *file, const char *what, const char *fix)
{
	char why[200];

	snprintf(why, sizeof(why), "%s: %s", what, fix);
	in->ops.failed(in->ops.arg, in->only ? 0 : (uint16_t)(file - in->v + 1), file->name, why);
}

static bool counts(const struct input_files *in, const char *name)
{
	size_t len = strlen(name);

	if (in->only)
		return !strcmp(name, in->only);
	return name[0] != '.' && len > 5 && !strcmp(name + len - 5, ".json");
}

/* A place that nobody has, or whose file is gone: its table is replaced by the new file's. */
static struct file *file_free(struct input_files *in)
{
	for (size_t i = 0; i < in->n; i++)
		if (!in->v[i].known)
			return &in->v[i];
	return in->n < INPUT_FILES_MAX ? &in->v[in->n++] : NULL;
}

/* The file of the name, a new one if there is room. */
static struct file *file_of(struct input_files *in, const char *name)
{
	struct file *file = NULL;
	char text[100];

	for (size_t i = 0; i < in->n && !file; i++)
		if (!strcmp(in->v[i].name, name))
			file = &in->v[i];
	if (!file) {
		file = file_free(in);
		if (file) {
			in->full = false;
			memset(file, 0, sizeof(*file));
			snprintf(file->name, sizeof(file->name), "%s", name);
		}
	}
	if (file) {
		file->known = true;
		return file;
	}
	if (!in->full) {
		snprintf(text, sizeof(text), "more than %d files: remove some of %.40s",
			 INPUT_FILES_MAX, in->dir);
		in->ops.failed(in->ops.arg, 0, name, text);
	}
	in->full = true;
	return NULL;
}

static struct stamp stamp_of(const struct stat *st)
{
	struct stamp stamp;

	memset(&stamp, 0, sizeof(stamp));
	stamp.mtime = st->st_mtim;
	stamp.size = st->st_size;
	stamp.ino = st->st_ino;
	return stamp;
}

static bool stamp_equal(const struct stamp *a, const struct stamp *b)
{
	return a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec &&
	       a->size == b->size && a->ino == b->ino;
}

/* By the wall clock, as the modification time is; one in the future has no age. */
static uint64_t age_of(const struct timespec *mtime)
{
	struct timespec now;
	int64_t ns;

	clock_gettime(CLOCK_REALTIME, &now);
	ns = (int64_t)(now.tv_sec - mtime->tv_sec) * (int64_t)SECOND + now.tv_nsec - mtime->tv_nsec;
	return ns > 0 ? (uint64_t)ns : 0;
}

static void file_hand_over(struct input_files *in, struct file *file, int fd, const struct stat *st)
{
	struct input_buffer buf = {0};
	struct input_text text = {.source = in->only ? 0 : (uint16_t)(file - in->v + 1),
				  .name = file->name};

	switch (input_read(fd, &buf)) {
	case INPUT_END:
		text.text = buf.text;
		text.len = buf.len;
		text.age_ns = age_of(&st->st_mtim);
		in->ops.text(in->ops.arg, &text);
		break;
	case INPUT_TOO_LONG:
		say(in, file, "more than 8 MiB", "take a feed of another type for such a table");
		break;
	case INPUT_NO_MEMORY:
		say(in, file, "out of memory", "give this machine more");
		break;
	case INPUT_LATER:
	case INPUT_FAILED:
		say(in, file, strerror(errno), "look at the file system");
		break;
	}
	free(buf.text);
}

static void file_gone(struct input_files *in, struct file *file)
{
	bool was = file->there;

	file->there = file->due = file->known = false;
	memset(&file->read, 0, sizeof(file->read));
	memset(&file->looked, 0, sizeof(file->looked));
	if (was)
		in->ops.gone(in->ops.arg, in->only ? 0 : (uint16_t)(file - in->v + 1), file->name);
}

static void file_read(struct input_files *in, struct file *file)
{
	char path[PATH_MAX];
	struct stat st;
	int fd;

	file->due = false;
	if (snprintf(path, sizeof(path), "%s/%s", in->dir, file->name) >= (int)sizeof(path))
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		file_gone(in, file);
		return;
	}
	if (fd < 0 || fstat(fd, &st)) {
		say(in, file, strerror(errno), "make it readable for root");
	} else if (!S_ISREG(st.st_mode)) {
		say(in, file, "no regular file", "put one in its place");
	} else {
		file->there = true;
		file->read = file->looked = stamp_of(&st);
		file_hand_over(in, file, fd, &st);
	}
	if (fd >= 0)
		close(fd);
}

static void files_read_due(struct input_files *in)
{
	for (size_t i = 0; i < in->n; i++)
		if (in->v[i].due)
			file_read(in, &in->v[i]);
}

/* What is there, and differs from what was read. */
static void file_look(struct input_files *in, int dirfd, struct file *file)
{
	struct stamp now;
	struct stat st;

	if (fstatat(dirfd, file->name, &st, 0)) {
		file_gone(in, file);
		return;
	}
	now = stamp_of(&st);
	file->due = !stamp_equal(&now, &file->read) &&
		    (!in->looked || stamp_equal(&now, &file->looked));
	file->looked = now;
}

/* Once, at the beginning: what was put here and is no table. */
static void tell_ignored(struct input_files *in, DIR *dir)
{
	char names[160] = "", text[300];
	struct dirent *entry;
	size_t n = 0, len = 0;

	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || counts(in, entry->d_name))
			continue;
		n++;
		if (len < sizeof(names) - 1)
			len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%.60s",
						len ? ", " : "", entry->d_name);
	}
	rewinddir(dir);
	if (!n)
		return;
	snprintf(text, sizeof(text), "%.40s: %zu names that do not end in .json are ignored: %s",
		 in->cfg->dir, n, names);
	in->ops.note(in->ops.arg, text);
}

static void files_find(struct input_files *in, DIR *dir)
{
	struct dirent *entry;

	if (!in->only && !in->looked)
		tell_ignored(in, dir);
	while ((entry = readdir(dir)))
		if (counts(in, entry->d_name))
			file_of(in, entry->d_name);
}

/* The directory can't be read: none of its files is there. */
static void dir_gone(struct input_files *in, int error)
{
	char why[200];

	if (!in->complained && !in->only) {
		snprintf(why, sizeof(why), "%s: make the directory, it is looked for again",
			 strerror(error));
		in->ops.failed(in->ops.arg, 0, in->cfg->dir, why);
	}
	in->complained = true;
	for (size_t i = 0; i < in->n; i++)
		file_gone(in, &in->v[i]);
}

/* What has the directory's name now; the number of one that is watched already is the same. */
static void watch(struct input_files *in)
{
	int wd = inotify_add_watch(in->inotify, in->dir, EVENTS);

	if (in->wd >= 0 && wd != in->wd)
		inotify_rm_watch(in->inotify, in->wd);
	in->wd = wd;
}

static void look(struct input_files *in)
{
	DIR *dir;

	watch(in); /* before the look: what comes after it is news */
	dir = opendir(in->dir);
	if (!dir) {
		dir_gone(in, errno);
	} else {
		in->complained = false;
		files_find(in, dir);
		for (size_t i = 0; i < in->n; i++)
			file_look(in, dirfd(dir), &in->v[i]);
		closedir(dir);
		files_read_due(in);
	}
	if (in->only && in->n && !in->v[0].there && !in->looked)
		say(in, &in->v[0], "no such file", "put it there, it is looked for again");
	in->looked = true;
	in->ops.looked(in->ops.arg);
}

static void timer_set(struct input_files *in, uint64_t ns)
{
	struct timeval tv = {.tv_sec = (time_t)(ns / SECOND),
			     .tv_usec = (suseconds_t)(ns % SECOND / 1000)};

	evtimer_add(in->timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct input_files *in = arg;

	(void)fd;
	(void)what;
	look(in);
	timer_set(in, in->cfg->interval_ns);
}

/* True: a look at everything is due. */
static bool event_take(struct input_files *in, const struct inotify_event *ev)
{
	struct file *file;

	if (ev->mask & (IN_Q_OVERFLOW | IN_DELETE_SELF | IN_MOVE_SELF))
		return true;
	if (!ev->len || ev->wd != in->wd || !counts(in, ev->name))
		return false;
	file = file_of(in, ev->name);
	if (file)
		file->due = true;
	return false;
}

static void on_news(evutil_socket_t fd, short what, void *arg)
{
	_Alignas(struct inotify_event) char buf[16 * 1024];
	struct input_files *in = arg;
	bool all = false;
	ssize_t n;

	(void)what;
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		const char *p = buf;

		while (p < buf + n) {
			const struct inotify_event *ev = (const struct inotify_event *)p;

			all |= event_take(in, ev);
			p += sizeof(*ev) + ev->len;
		}
	}
	files_read_due(in);
	if (all)
		timer_set(in, 0);
	else
		in->ops.looked(in->ops.arg);
}

/* in->dir, and in->only of a `file`. -ENOMEM. */
static int paths_set(struct input_files *in, const char *config_dir)
{
	const char *given = in->cfg->dir ? in->cfg->dir : in->cfg->file;
	char *slash;

	if (given[0] == '/' || !config_dir)
		in->dir = strdup(given);
	else if (asprintf(&in->dir, "%s/%s", config_dir, given) < 0)
		in->dir = NULL;
	if (!in->dir)
		return -ENOMEM;
	if (in->cfg->dir)
		return 0;
	slash = strrchr(in->dir, '/');
	in->only = strdup(slash ? slash + 1 : in->dir);
	if (slash)
		slash[slash == in->dir] = '\0'; /* a file of / leaves its slash */
	else
		snprintf(in->dir, strlen(in->dir) + 1, ".");
	return in->only && file_of(in, in->only) ? 0 : -ENOMEM;
}

struct input_files *input_files_new(const struct config_feed *cfg, const char *config_dir,
				    struct event_base *base, const struct input_ops *ops)
{
	struct input_files *in = calloc(1, sizeof(*in));

	if (!in)
		return NULL;
	in->cfg = cfg;
	in->ops = *ops;
	in->wd = -1;
	in->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	in->v = calloc(INPUT_FILES_MAX, sizeof(*in->v));
	in->timer = evtimer_new(base, on_timer, in);
	/* without inotify (its limits) the looks remain */
	in->news = in->inotify < 0
			   ? NULL
			   : event_new(base, in->inotify, EV_READ | EV_PERSIST, on_news, in);
	if (!in->v || !in->timer || paths_set(in, config_dir) ||
	    (in->news && event_add(in->news, NULL))) {
		input_files_free(in);
		return NULL;
	}
	timer_set(in, 0);
	return in;
}

void input_files_free(struct input_files *in)
{
	if (in->timer)
		event_free(in->timer);
	if (in->news)
		event_free(in->news);
	if (in->inotify >= 0)
		close(in->inotify);
	free(in->dir);
	free((char *)in->only);
	free(in->v);
	free(in);
}
