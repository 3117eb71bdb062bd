/* SPDX-License-Identifier: GPL-2.0-only */
#include "feed/input_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define SECOND	    1000000000ULL
#define TIMEOUT_MIN (5 * SECOND)
#define TIMEOUT_MAX (120 * SECOND)
#define CHUNK	    (64u << 10)

struct input {
	struct input_command *command;
	struct input_files *files;
};

uint64_t input_timeout_ns(const struct config_feed *cfg)
{
	uint64_t ns = 3 * cfg->interval_ns;

	if (ns < TIMEOUT_MIN)
		return TIMEOUT_MIN;
	return ns > TIMEOUT_MAX ? TIMEOUT_MAX : ns;
}

static int buffer_room(struct input_buffer *buf)
{
	size_t size = buf->size ? buf->size * 2 : CHUNK;
	char *text;

	if (buf->len < buf->size)
		return 0;
	text = realloc(buf->text, size);
	if (!text)
		return -ENOMEM;
	buf->text = text;
	buf->size = size;
	return 0;
}

enum input_read input_read(int fd, struct input_buffer *buf)
{
	for (;;) {
		ssize_t n;

		if (buffer_room(buf))
			return INPUT_NO_MEMORY;
		n = read(fd, buf->text + buf->len, buf->size - buf->len);
		if (n == 0)
			return INPUT_END;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? INPUT_LATER : INPUT_FAILED;
		buf->len += (size_t)n;
		if (buf->len > INPUT_MAX)
			return INPUT_TOO_LONG;
	}
}

struct input *input_new(const struct config_feed *cfg, const char *config_dir,
			struct event_base *base, const struct input_ops *ops)
{
	struct input *in = calloc(1, sizeof(*in));

	if (!in)
		return NULL;
	if (cfg->command)
		in->command = input_command_new(cfg, base, ops);
	else
		in->files = input_files_new(cfg, config_dir, base, ops);
	if (in->command || in->files)
		return in;
	free(in);
	return NULL;
}

void input_free(struct input *in)
{
	if (!in)
		return;
	if (in->command)
		input_command_free(in->command);
	if (in->files)
		input_files_free(in->files);
	free(in);
}
