/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SAMEWAY_FEED_INPUT_INTERNAL_H
#define SAMEWAY_FEED_INPUT_INTERNAL_H

#include "feed/input.h"

struct input_command;
struct input_files;

struct input_command *input_command_new(const struct config_feed *cfg, struct event_base *base,
					const struct input_ops *ops);
void input_command_free(struct input_command *cmd);

struct input_files *input_files_new(const struct config_feed *cfg, const char *config_dir,
				    struct event_base *base, const struct input_ops *ops);
void input_files_free(struct input_files *files);

/* Bytes as they come, INPUT_MAX at most. */
struct input_buffer {
	char *text;
	size_t len, size;
};
enum input_read { INPUT_END, INPUT_LATER, INPUT_FAILED, INPUT_TOO_LONG, INPUT_NO_MEMORY };
/* Reads what there is. INPUT_LATER: no more for now (EAGAIN); INPUT_FAILED: errno says why. */
enum input_read input_read(int fd, struct input_buffer *buf);

#endif
