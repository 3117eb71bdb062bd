/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One connection to the daemon: a line of JSON out, lines of JSON in. Nothing waits without a
 * deadline, but a followed answer, which also ends when the reader of our stdout goes away.
 */
#include "cmd/client.h"
#include "daemon/control.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct client {
	int fd;
	char *buf;
	size_t used, room;
	size_t seen; /* bytes of buf known to hold no newline */
	bool more;   /* the last answer was a part */
};

__attribute__((format(printf, 4, 5))) static int fail(struct client_error *err, int code, int exit,
						      const char *fmt, ...)
{
	va_list args;

	err->exit = exit;
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	return code;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int connect_fail(const char *path, const char *instance, int code, struct client_error *err)
{
	if (code == ENOENT || code == ECONNREFUSED)
		return fail(err, -ENOENT, 1,
			    "no daemon runs for instance %s: start it with `sameway -i %s run`",
			    instance, instance);
	if (code == EACCES || code == EPERM)
		return fail(err, -code, 1, "%s: permission denied: run as root", path);
	return fail(err, -code, 1, "%s: %s: is the daemon of instance %s well?", path,
		    strerror(code), instance);
}

int client_open(struct client **out, const char *path, const char *instance,
		struct client_error *err)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct timeval timeout = {.tv_sec = CLIENT_TIMEOUT_MS / 1000};
	struct client *client;

	if (strlen(path) >= sizeof(addr.sun_path))
		return fail(err, -ENAMETOOLONG, 2, "%s: too long for a socket", path);
	memcpy(addr.sun_path, path, strlen(path) + 1);
	client = calloc(1, sizeof(*client));
	if (!client)
		return fail(err, -ENOMEM, 1, "out of memory: free some and try again");
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0 || connect(client->fd, (struct sockaddr *)&addr, sizeof(addr))) {
		int code = errno;

		client_close(client);
		return connect_fail(path, instance, code, err);
	}
	setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	*out = client;
	return 0;
}

void client_close(struct client *client)
{
	if (!client)
		return;
	if (client->fd >= 0)
		close(client->fd);
	free(client->buf);
	free(client);
}

/* Waits for bytes. watch: also for stdout's reader to go away. */
static int client_poll(struct client *client, int64_t deadline, bool watch)
{
	struct pollfd fds[] = {{.fd = client->fd, .events = POLLIN},
			       {.fd = watch ? STDOUT_FILENO : -1}};

	for (;;) {
		int64_t left = deadline < 0 ? -1 : deadline - now_ms();
		int n = poll(fds, 2, left < 0 && deadline >= 0 ? 0 : (int)left);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0 && fds[0].revents)
			return 0;
		if (n > 0 && fds[1].revents & (POLLERR | POLLNVAL))
			return -EPIPE;
		if (n > 0) /* a terminal that hung up and the like: no news of it are needed */
			fds[1].fd = -1;
		if (!n && deadline >= 0)
			return -ETIMEDOUT;
	}
}

/* One read into buf. Bytes read, 0 at the end, or -errno; -EMSGSIZE: the line is too long. */
static ssize_t client_read(struct client *client)
{
	ssize_t n;

	if (client->used == client->room) {
		size_t room = client->room ? client->room * 2 : 65536;
		char *buf;

		if (room > CONTROL_MAX_LINE + 1UL)
			room = CONTROL_MAX_LINE + 1UL;
		if (client->used >= room)
			return -EMSGSIZE;
		buf = realloc(client->buf, room);
		if (!buf)
			return -ENOMEM;
		client->buf = buf;
		client->room = room;
	}
	do
		n = read(client->fd, client->buf + client->used, client->room - client->used);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	client->used += (size_t)n;
	return n;
}

/* Reads until buf holds a line; *len without its newline. */
static int client_line(struct client *client, int timeout_ms, bool watch, size_t *len)
{
	int64_t deadline = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;

	for (;;) {
		char *end = client->used == client->seen ? NULL
							 : memchr(client->buf + client->seen, '\n',
								  client->used - client->seen);
		ssize_t n;
		int code;

		if (end) {
			*len = (size_t)(end - client->buf);
			return 0;
		}
		client->seen = client->used;
		code = client_poll(client, deadline, watch);
		if (code)
			return code;
		n = client_read(client);
		if (n <= 0)
			return n ? (int)n : -ENODATA;
	}
}

/* Takes an answer apart. */
static int answer_rows(json_t *answer, json_t **rows, struct client_error *err)
{
	const char *text = json_string_value(json_object_get(answer, "error"));
	json_int_t exit = json_integer_value(json_object_get(answer, "exit"));
	json_t *found = json_object_get(answer, "rows");

	if (json_is_true(json_object_get(answer, "ok")) && found) {
		*rows = json_incref(found);
		return 0;
	}
	return fail(err, -EREMOTEIO, exit == 2 ? 2 : 1, "%s",
		    text ? text
			 : "the daemon's answer is not understood: are both of one version?");
}

/* A whole answer in buf, *len bytes of it. */
static int client_answer(struct client *client, int timeout_ms, bool watch, size_t *len,
			 struct client_error *err)
{
	int code = client_line(client, timeout_ms, watch, len);

	if (code == -ENODATA)
		return fail(err, code, 1,
			    "the daemon ended: see its log, start it with `sameway run`");
	if (code == -ETIMEDOUT)
		return fail(err, code, 1, "no answer from the daemon for %d s: see its log",
			    timeout_ms / 1000);
	if (code)
		return fail(err, code, 1, "the daemon's answer can't be read: %s", strerror(-code));
	return 0;
}

static void client_taken(struct client *client, size_t len)
{
	client->used -= len + 1;
	memmove(client->buf, client->buf + len + 1, client->used);
	client->seen = 0;
}

static int client_rows(struct client *client, int timeout_ms, bool watch, json_t **rows,
		       struct client_error *err)
{
	json_t *answer;
	size_t len = 0;
	int code = client_answer(client, timeout_ms, watch, &len, err);

	if (code)
		return code;
	answer = json_loadb(client->buf, len, 0, NULL);
	client_taken(client, len);
	client->more = json_is_true(json_object_get(answer, "more"));
	code = answer_rows(answer, rows, err);
	json_decref(answer);
	return code;
}

static int client_send(struct client *client, const char *text, size_t len)
{
	while (len) {
		ssize_t n = send(client->fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Sends the request, which it takes. */
static int client_request(struct client *client, json_t *request, struct client_error *err)
{
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	int code;

	json_decref(request);
	if (!text)
		return fail(err, -ENOMEM, 1, "out of memory: free some and try again");
	code = client_send(client, text, strlen(text));
	if (!code)
		code = client_send(client, "\n", 1);
	free(text);
	/* A daemon that refuses may close before it has read all; its answer says why. */
	if (code && code != -EPIPE)
		return fail(err, code, 1, "the daemon can't be asked: %s", strerror(-code));
	return 0;
}

int client_ask(struct client *client, json_t *request, json_t **rows, struct client_error *err)
{
	int code = client_request(client, request, err);

	return code ? code : client_rows(client, CLIENT_TIMEOUT_MS, false, rows, err);
}

/*
 * The rows of an answer that begins with them stay text: only what follows them is parsed. Any
 * other answer is an error's.
 */
int client_text(struct client *client, json_t *request, client_text_cb cb, void *arg,
		struct client_error *err)
{
	static const char begin[] = "{\"rows\":[";
	int code = client_request(client, request, err);
	bool more = !code;

	while (more) {
		const char *rows, *end;
		size_t len = 0;
		json_t *head;

		code = client_answer(client, CLIENT_TIMEOUT_MS, true, &len, err);
		if (code)
			return code;
		end = memrchr(client->buf, ']', len);
		if (!end || strncmp(client->buf, begin, strlen(begin)) ||
		    end + 2 > client->buf + len) {
			code = client_rows(client, 0, false, &head, err);
			if (!code)
				json_decref(head);
			return code ? code
				    : fail(err, -EREMOTEIO, 1,
					   "the daemon's answer is not understood: are both of one "
					   "version?");
		}
		rows = client->buf + strlen(begin);
		client->buf[end + 1 - client->buf] = '{'; /* was the comma */
		head = json_loadb(end + 1, len - (size_t)(end + 1 - client->buf), 0, NULL);
		more = json_is_true(json_object_get(head, "more"));
		code = cb(arg, rows, (size_t)(end - rows), head);
		json_decref(head);
		client_taken(client, len);
		if (code)
			return code;
	}
	return code;
}

int client_next(struct client *client, int timeout_ms, json_t **rows, struct client_error *err)
{
	return client_rows(client, timeout_ms, true, rows, err);
}

bool client_more(const struct client *client)
{
	return client->more;
}

int client_wait_closed(struct client *client, int timeout_ms)
{
	int64_t deadline = now_ms() + timeout_ms;

	for (;;) {
		int code = client_poll(client, deadline, false);
		ssize_t n;

		if (code)
			return code;
		client->used = 0;
		client->seen = 0;
		n = client_read(client);
		if (n <= 0)
			return 0;
	}
}
