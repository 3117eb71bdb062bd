/* SPDX-License-Identifier: GPL-2.0-only */
/* Acks, silences, and what the hook is told: the daemon's part of core/incident_life.h. */
#include "core/incident_life.h"
#include "daemon/daemon_impl.h"
#include "daemon/notify.h"
#include "output/rows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000000ULL
static const struct notify_limits limits = {
	.timeout_ns = 30 * SECOND,
	.gap_ns = SECOND / 10,
	.retry_ns = 10 * SECOND,
	.tries = 3,
};

/* The line of `alerts -f`, and who else is told by it. */
static char *news_text(const struct daemon *d, const struct incident_news *news)
{
	json_t *row = rows_incident_event(news->change, &news->inc, d->cfg, d->path_ids), *also;
	char *text = NULL, *line = NULL;

	also = row ? json_array() : NULL;
	for (size_t i = 0; also && i < news->n_also; i++)
		json_array_append_new(also, json_integer((json_int_t)news->also[i]));
	if (also && !json_object_set_new(row, "also", also))
		text = json_dumps(row, JSON_COMPACT);
	json_decref(row);
	if (text && asprintf(&line, "%s\n", text) < 0)
		line = NULL;
	free(text);
	return line;
}

static int notify_next(void *arg, struct incident_news *news, char **text)
{
	const struct daemon *d = arg;
	int err = d->incidents ? incidents_hook_next(d->incidents, clock_now(), news) : -ENOENT;

	if (err)
		return err;
	*text = news_text(d, news);
	if (*text)
		return 0;
	free(news->also);
	news->also = NULL;
	return -ENOMEM; /* the next tick asks again */
}

static void notify_told(void *arg, const struct incident_news *news)
{
	struct daemon *d = arg;

	incidents_hook_told(d->incidents, news, clock_now());
	alerts_save_soon(d);
}

static void notify_log(void *arg, const char *text)
{
	(void)arg;
	daemon_log("%s", text);
}

int alerts_notify_start(struct daemon *d)
{
	const struct notify_ops ops = {
		.arg = d, .next = notify_next, .told = notify_told, .log = notify_log};

	if (!d->notify)
		d->notify = notify_new(d->base, &ops, &limits);
	if (!d->notify)
		return -ENOMEM;
	incidents_hook(d->incidents, d->cfg->notify);
	return notify_command(d->notify, d->cfg->notify);
}

void alerts_notify_pause(struct daemon *d)
{
	d->notify_forgotten += incidents_hook_forgotten(d->incidents);
}

void alerts_notify_stop(struct daemon *d)
{
	notify_free(d->notify);
	d->notify = NULL;
}

void alerts_notify_kick(struct daemon *d)
{
	if (d->notify)
		notify_kick(d->notify);
}

void alerts_tick(struct daemon *d)
{
	if (incidents_silences_expire(d->incidents, clock_now()))
		alerts_save_soon(d);
	alerts_notify_kick(d);
}

json_t *alerts_notify_row(const struct daemon *d)
{
	const struct notify_counts *c = notify_counts(d->notify);
	uint64_t dropped =
		c->dropped + d->notify_forgotten + incidents_hook_forgotten(d->incidents);

	if (!d->cfg->notify)
		return json_null();
	return json_pack("{s:s, s:I, s:I, s:b, s:I, s:I, s:s?}", "command", d->cfg->notify, "sent",
			 (json_int_t)c->sent, "failed", (json_int_t)c->failed, "failing",
			 (int)c->failing, "dropped", (json_int_t)dropped, "waiting",
			 (json_int_t)incidents_hook_waiting(d->incidents, clock_now()),
			 "last_error", c->last_error[0] ? c->last_error : NULL);
}

/* The open incidents that it holds back. */
static json_t *silence_incidents(const struct daemon *d, const struct silence *silence)
{
	const struct incident *inc;
	json_t *ids = json_array();

	for (size_t i = 0; (inc = incidents_get(d->incidents, i)); i++)
		if (inc->open && silence_covers(silence, inc))
			json_array_append_new(ids, json_integer((json_int_t)inc->id));
	return ids;
}

static json_t *silence_row(const struct daemon *d, const struct silence *silence)
{
	uint64_t now = clock_now();
	uint64_t left = silence->until_ns > now ? silence->until_ns - now : 0;

	return json_pack("{s:o, s:o, s:f, s:o}", "prefix", rows_prefix(&silence->prefix), "until",
			 left ? rows_time(clock_wall() + left) : json_null(), "left_s",
			 (double)left / SECOND, "incidents", silence_incidents(d, silence));
}

json_t *alerts_silence_rows(const struct daemon *d)
{
	const struct silence *silence;
	json_t *rows = json_array();

	for (size_t i = 0; (silence = incidents_silence_get(d->incidents, i)); i++)
		json_array_append_new(rows, silence_row(d, silence));
	return rows;
}

static json_t *refuse(struct answer_error *err, const char *text)
{
	err->exit = 2;
	snprintf(err->text, sizeof(err->text), "%s", text);
	return NULL;
}

json_t *answer_ack(struct daemon *d, const json_t *request, struct answer_error *err)
{
	json_int_t id = json_integer_value(json_object_get(request, "id"));
	const struct incident *inc;
	char text[200];
	int ret = id > 0 ? incidents_ack(d->incidents, (uint64_t)id, clock_now()) : -ENOENT;

	if (ret) {
		snprintf(text, sizeof(text), "%lld: %s", (long long)id,
			 ret == -ESTALE ? "is closed already: `sameway alerts` lists what is open"
					: "no such incident: `sameway alerts` lists what is open");
		return refuse(err, text);
	}
	daemon_log("incident %lld: acked by hand", (long long)id);
	for (size_t i = 0; (inc = incidents_get(d->incidents, i)); i++)
		if (inc->id == (uint64_t)id)
			return rows_incident(inc, d->cfg, d->path_ids);
	return NULL;
}

json_t *answer_silence(struct daemon *d, const json_t *request, struct answer_error *err)
{
	const char *text = json_string_value(json_object_get(request, "prefix"));
	json_int_t for_ns = json_integer_value(json_object_get(request, "for_ns"));
	struct silence silence = {0};
	char said[200];
	int ret;

	if (!text || prefix_parse(text, &silence.prefix, NULL) || for_ns < 0)
		return refuse(err, "no prefix: give one such as 10.10.30.0/24");
	if (for_ns)
		silence.until_ns = clock_now() + (uint64_t)for_ns;
	ret = incidents_silence(d->incidents, &silence.prefix, silence.until_ns, clock_now());
	if (ret) {
		snprintf(said, sizeof(said),
			 ret == -ENOSPC ? "%.60s: %d prefixes are silenced already: end one with "
					  "`sameway silence PREFIX 0`, `sameway status` lists them"
					: "%.60s: is not silenced: `sameway status` lists what is",
			 text, SILENCES_MAX);
		return refuse(err, said);
	}
	if (for_ns)
		daemon_log("%s: silenced by hand for %g s", text, (double)for_ns / SECOND);
	else
		daemon_log("%s: no longer silenced, by hand", text);
	alerts_save_soon(d);
	return silence_row(d, &silence);
}
