/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where feeds of whole tables have their texts from (`file`, `dir` or `command` of the config): a
 * file or the *.json of a directory, watched, or what a command writes, run at an interval.
 */
#ifndef SAMEWAY_FEED_INPUT_H
#define SAMEWAY_FEED_INPUT_H

#include "core/config.h"

struct event_base;
struct input;

#define INPUT_MAX	(8u << 20) /* bytes of a text */
#define INPUT_FILES_MAX 256	   /* files of a directory */

struct input_text {
	uint16_t source;  /* which text it is: 0, or of a directory the file's number, from 1 */
	const char *name; /* for messages: the file's, or "command" */
	const char *text; /* not terminated; the input's, valid during the call */
	size_t len;
	uint64_t age_ns; /* since the file was written; since the command was started */
};

/* All are called on the loop's thread. None may free the input. */
struct input_ops {
	void *arg;
	void (*text)(void *arg, const struct input_text *text);
	/* There is a text and it can't be had; `why`: "what is wrong: what to do". */
	void (*failed)(void *arg, uint16_t source, const char *name, const char *why);
	/* The file was there and is no more. */
	void (*gone)(void *arg, uint16_t source, const char *name);
	/* All that is there now has been handed over. Called after each look, each run. */
	void (*looked)(void *arg);
	void (*note)(void *arg, const char *text); /* for the log, no error */
};

/*
 * Begins at the loop's next turn. `cfg` and `base` must outlive it, *ops is copied. NULL: no
 * memory. input_free(): at once; a command that runs is killed with its process group.
 */
struct input *input_new(const struct config_feed *cfg, const char *config_dir,
			struct event_base *base, const struct input_ops *ops);
void input_free(struct input *in);
/* How long the command may run. */
uint64_t input_timeout_ns(const struct config_feed *cfg);

#endif
