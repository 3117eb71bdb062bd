/* SPDX-License-Identifier: GPL-2.0-only */
/* The client's end of daemon/control.h's protocol. */
#ifndef SAMEWAY_CMD_CLIENT_H
#define SAMEWAY_CMD_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

#define CLIENT_TIMEOUT_MS 30000 /* for an answer of the daemon */

/* Why it failed: the exit status for the command, and "what is wrong: what to do". */
struct client_error {
	int exit;
	char text[400];
};

struct client;

/*
 * Connects to the control socket at `path`. 0; -ENOENT: no daemon listens (none was, or its socket
 * is left over); else another -errno. `instance` is for the message.
 */
int client_open(struct client **out, const char *path, const char *instance,
		struct client_error *err);
void client_close(struct client *client);
/* Sends the request, which it takes, and waits for the answer. 0 with *rows owned by the caller. */
int client_ask(struct client *client, json_t *request, json_t **rows, struct client_error *err);
/*
 * Sends the request, which it takes, and hands over the rows of each part of the answer as text,
 * without the brackets around them, and the rest of the part. 0; what cb returned, if that is not
 * 0; else as client_next().
 */
typedef int (*client_text_cb)(void *arg, const char *rows, size_t len, const json_t *head);
int client_text(struct client *client, json_t *request, client_text_cb cb, void *arg,
		struct client_error *err);
/* Whether the last answer was a part: client_next() has the next one. */
bool client_more(const struct client *client);
/*
 * The next line of a followed answer, at most timeout_ms later (-1: for ever). 0 with *rows;
 * -ENODATA: the daemon closed; -ETIMEDOUT; -EPIPE: nobody reads our stdout any more; -EREMOTEIO:
 * the daemon answered with an error.
 */
int client_next(struct client *client, int timeout_ms, json_t **rows, struct client_error *err);
/* Waits until the daemon closes the connection. 0, or -ETIMEDOUT after timeout_ms. */
int client_wait_closed(struct client *client, int timeout_ms);

#endif
