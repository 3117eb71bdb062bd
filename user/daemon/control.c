/* SPDX-License-Identifier: GPL-2.0-only */
/* The control socket (control.h): a line of JSON in, a line of JSON out, on a Unix stream socket.
 */
#include "daemon/answer_audit.h"
#include "daemon/control.h"
#include "output/rows.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define REQUEST_MAX  65536
#define CLIENTS_MAX  64
#define FOLLOWER_MAX (4 << 20)	   /* bytes a follower may leave unread */
#define HELD_NS	     2000000000ULL /* at most, for the feeds' tables */

struct client {
	TAILQ_ENTRY(client) entry;
	struct daemon *d;
	struct bufferevent *bev;
	bool follows;
	/* The stream it is sent, a part whenever it has read the one before. */
	enum stream { STREAM_NONE, STREAM_ROUTES, STREAM_AUDIT } streams;
	json_t *held;	  /* what it asked of tables that are awaited, NULL: nothing */
	uint64_t held_ns; /* since when */
	bool ended;	  /* it asks no more: freed when it has got what it asked for */
	struct routes_place place;
	struct audit_place pair;
	char down[SW_NAME_LEN]; /* audit: the path that is taken out, empty: none */
};

struct control {
	struct evconnlistener *listener;
	TAILQ_HEAD(, client) clients;
	size_t n;
	char path[108];
};

static void client_free(struct client *c)
{
	struct control *control = c->d->control;

	TAILQ_REMOVE(&control->clients, c, entry);
	control->n--;
	json_decref(c->held);
	bufferevent_free(c->bev);
	free(c);
}

/* Takes the object. */
static void client_send(struct client *c, json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	if (!text)
		text = strdup("{\"ok\":false,\"exit\":1,\"error\":\"out of memory\"}");
	if (text) {
		bufferevent_write(c->bev, text, strlen(text));
		bufferevent_write(c->bev, "\n", 1);
	}
	free(text);
}

static json_t *answer_stop(struct daemon *d, const json_t *request, struct answer_error *err)
{
	(void)err;
	if (json_is_true(json_object_get(request, "detach"))) {
		daemon_log("asked to detach");
		return json_pack("{s:I}", "wait_ms", (json_int_t)(attach_leave(d) / 1000000));
	}
	daemon_log("asked to stop");
	event_base_loopexit(d->base, &(struct timeval){.tv_usec = 50000});
	return json_pack("{s:I}", "wait_ms", (json_int_t)0);
}

static json_t *answer_status_any(struct daemon *d, const json_t *request, struct answer_error *err)
{
	(void)request;
	return answer_status(d, err);
}

static const struct {
	const char *cmd;
	json_t *(*answer)(struct daemon *d, const json_t *request, struct answer_error *err);
} answers[] = {
	{"status", answer_status_any}, {"routes", answer_routes},   {"explain", answer_explain},
	{"ack", answer_ack},	       {"silence", answer_silence}, {"alerts", answer_alerts},
	{"drain", answer_drain},       {"stop", answer_stop},	    {"enforce", answer_enforce},
	{"monitor", answer_monitor},   {"reload", answer_reload},
};

static void rows_written(const void *rows, size_t len, void *arg)
{
	(void)len;
	(void)arg;
	free((void *)rows);
}

/* Rows are text already, and are not copied. */
static bool client_send_audit(struct client *c)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);
	struct rows_text rows = {0};
	size_t asymmetric;

	if (answer_audit_part(c->d, &c->pair, c->down, &rows, &asymmetric)) {
		free(rows.buf);
		client_send(c, NULL);
		return false;
	}
	evbuffer_add(out, "{\"rows\":[", strlen("{\"rows\":["));
	if (!rows.len || evbuffer_add_reference(out, rows.buf, rows.len, rows_written, NULL))
		free(rows.buf);
	evbuffer_add_printf(out, "],\"ok\":true,\"more\":%s,\"asymmetric\":%zu}\n",
			    c->pair.more ? "true" : "false", asymmetric);
	return c->pair.more;
}

static bool client_send_routes(struct client *c)
{
	json_t *rows = answer_routes_part(c->d, &c->place);
	bool more = rows && c->place.more;

	client_send(c, rows ? json_pack("{s:b, s:b, s:o}", "ok", 1, "more", (int)more, "rows", rows)
			    : NULL);
	return more;
}

/*
 * A part of all routes, or of an audit. A client that does not read them holds no more than one
 * part; what else it asks meanwhile is not read.
 */
static void client_stream(struct client *c, enum stream stream)
{
	bool more = stream == STREAM_ROUTES ? client_send_routes(c) : client_send_audit(c);

	c->streams = more ? stream : STREAM_NONE;
	if (more)
		bufferevent_disable(c->bev, EV_READ);
	else
		bufferevent_enable(c->bev, EV_READ);
}

static bool asks_all_routes(const json_t *request)
{
	const char *cmd = json_string_value(json_object_get(request, "cmd"));

	return cmd && !strcmp(cmd, "routes") && !json_object_get(request, "prefix") &&
	       !json_object_get(request, "address");
}

static bool asks_audit(const json_t *request)
{
	const char *cmd = json_string_value(json_object_get(request, "cmd"));

	return cmd && !strcmp(cmd, "audit");
}

static void serve_audit(struct client *c, const json_t *request)
{
	const char *down = json_string_value(json_object_get(request, "if_down"));

	if (down && audit_path(c->d, down) < 0) {
		char text[300];

		snprintf(text, sizeof(text), "%.40s: no such path: `sameway paths` lists them",
			 down);
		client_send(c, json_pack("{s:b, s:i, s:s}", "ok", 0, "exit", 2, "error", text));
		return;
	}
	c->pair = (struct audit_place){0};
	snprintf(c->down, sizeof(c->down), "%s", down ? down : "");
	client_stream(c, STREAM_AUDIT);
}

/* What is answered from the routes: not while those of before are in force and ours are awaited. */
static bool asks_tables(const json_t *request)
{
	const char *cmd = json_string_value(json_object_get(request, "cmd"));

	return cmd && (!strcmp(cmd, "routes") || !strcmp(cmd, "explain") || !strcmp(cmd, "audit"));
}

/* The answer of all commands but those that answer in parts. */
static void serve_one(struct client *c, const json_t *request)
{
	const char *cmd = json_string_value(json_object_get(request, "cmd"));
	struct answer_error err = {.exit = 2};
	json_t *rows = NULL;
	size_t i = 0;

	snprintf(err.text, sizeof(err.text), "%.60s: not a command of this version",
		 cmd ? cmd : "this");
	for (; cmd && i < sizeof(answers) / sizeof(answers[0]); i++) {
		if (strcmp(answers[i].cmd, cmd))
			continue;
		err.exit = 1;
		snprintf(err.text, sizeof(err.text), "out of memory: free some and try again");
		rows = answers[i].answer(c->d, request, &err);
		break;
	}
	if (rows && !strcmp(cmd, "alerts"))
		c->follows = json_is_true(json_object_get(request, "follow"));
	client_send(c, rows ? json_pack("{s:b, s:o}", "ok", 1, "rows", rows)
			    : json_pack("{s:b, s:i, s:s}", "ok", 0, "exit", err.exit, "error",
					err.text));
}

static void client_serve(struct client *c, const json_t *request)
{
	if (asks_all_routes(request)) {
		c->place = (struct routes_place){0};
		client_stream(c, STREAM_ROUTES);
	} else if (asks_audit(request)) {
		serve_audit(c, request);
	} else {
		serve_one(c, request);
	}
}

static void client_take(struct client *c, const char *line, size_t len)
{
	json_t *request = json_loadb(line, len, 0, NULL);

	if (routes_awaited(c->d) && asks_tables(request)) {
		c->held = request;
		c->held_ns = clock_now();
		bufferevent_disable(c->bev, EV_READ);
		return;
	}
	client_serve(c, request);
	json_decref(request);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	struct client *c = arg;
	size_t len;
	char *line;

	/* a daemon that failed is half taken apart */
	while (!c->streams && !c->held && !c->d->failed &&
	       (line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF))) {
		client_take(c, line, len);
		free(line);
		if (evbuffer_get_length(bufferevent_get_output(bev)) > CONTROL_MAX_LINE) {
			client_free(c); /* asks and does not read */
			return;
		}
	}
	if (evbuffer_get_length(in) > REQUEST_MAX)
		client_free(c);
}

/* The client has read all that there was. */
static void on_written(struct bufferevent *bev, void *arg)
{
	struct client *c = arg;

	if (c->streams) {
		client_stream(c, c->streams);
		if (!c->streams)
			on_read(bev, c); /* what it asked meanwhile */
	} else if (c->ended) {
		client_free(c);
	}
}

/* One that only has no more to ask may still read what it has asked for. */
static void on_gone(struct bufferevent *bev, short what, void *arg)
{
	struct client *c = arg;

	if (!(what & BEV_EVENT_EOF) ||
	    (!c->held && !evbuffer_get_length(bufferevent_get_output(bev)))) {
		client_free(c);
		return;
	}
	c->ended = true;
	bufferevent_disable(bev, EV_READ);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr,
		      int len, void *arg)
{
	struct daemon *d = arg;
	struct client *c = d->control->n < CLIENTS_MAX ? calloc(1, sizeof(*c)) : NULL;

	(void)listener;
	(void)addr;
	(void)len;
	if (c)
		c->bev = bufferevent_socket_new(d->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!c || !c->bev) {
		free(c);
		evutil_closesocket(fd);
		return;
	}
	c->d = d;
	TAILQ_INSERT_TAIL(&d->control->clients, c, entry);
	d->control->n++;
	bufferevent_setcb(c->bev, on_read, on_written, on_gone, c);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

void control_go_on(struct daemon *d)
{
	struct client *c, *next;

	/* (a daemon that failed is half taken apart) */
	for (c = d->control ? TAILQ_FIRST(&d->control->clients) : NULL; c && !d->failed; c = next) {
		json_t *request = c->held;

		next = TAILQ_NEXT(c, entry);
		if (!request || (routes_awaited(d) && clock_now() < c->held_ns + HELD_NS))
			continue;
		c->held = NULL;
		if (!c->ended)
			bufferevent_enable(c->bev, EV_READ);
		client_serve(c, request);
		json_decref(request);
		/* what it asked meanwhile, a reload maybe: not from in here */
		bufferevent_trigger(c->bev, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
	}
}

void control_tell(struct daemon *d, enum incident_change change, const struct incident *inc)
{
	struct client *c, *next;

	if (!d->control)
		return;
	for (c = TAILQ_FIRST(&d->control->clients); c; c = next) {
		json_t *row;

		next = TAILQ_NEXT(c, entry);
		if (!c->follows)
			continue;
		if (evbuffer_get_length(bufferevent_get_output(c->bev)) > FOLLOWER_MAX) {
			daemon_log("a follower of alerts does not read: it is cut off");
			/* it may be its own command that we are in: it is freed after that */
			c->follows = false;
			bufferevent_trigger_event(c->bev, BEV_EVENT_ERROR,
						  BEV_TRIG_DEFER_CALLBACKS);
			continue;
		}
		row = rows_incident_event(change, inc, d->cfg, d->path_ids);
		client_send(c, row ? json_pack("{s:b, s:o}", "ok", 1, "rows", row) : NULL);
	}
}

int control_start(struct daemon *d, char err[DATAPATH_ERR])
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct control *control = calloc(1, sizeof(*control));
	mode_t mask;

	if (!control)
		return -ENOMEM;
	TAILQ_INIT(&control->clients);
	d->control = control;
	snprintf(control->path, sizeof(control->path), "/run/sameway/%s.sock", d->instance);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", control->path);
	unlink(control->path); /* we hold the lock: a socket that is there is stale */
	mask = umask(0177);
	control->listener = evconnlistener_new_bind(d->base, on_accept, d,
						    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
						    -1, (struct sockaddr *)&addr, sizeof(addr));
	umask(mask);
	if (control->listener)
		return 0;
	snprintf(err, DATAPATH_ERR, "%s can't be made: %s: is /run writable?", control->path,
		 strerror(errno));
	return -EIO;
}

void control_stop(struct daemon *d)
{
	struct control *control = d->control;

	if (!control)
		return;
	for (struct client *c = TAILQ_FIRST(&control->clients), *next; c; c = next) {
		next = TAILQ_NEXT(c, entry);
		client_free(c);
	}
	if (control->listener) {
		unlink(control->path);
		evconnlistener_free(control->listener);
	}
	free(control);
	d->control = NULL;
}
