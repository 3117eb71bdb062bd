/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state file's text, both ways. Parsing is strict and in two steps: the whole text becomes
 * incidents and degraded prefixes in memory first, and only a text without a flaw is restored. The
 * file is ours alone; one that is not as we write it is damaged.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/cause.h"
#include "core/network_watch.h"
#include "core/state_internal.h"

#define STATE_VERSION 1
#define NS_PER_S      1000000000ULL
#define TIME_STRLEN   40

struct degraded {
	struct prefix prefix;
	uint8_t rank;
	uint64_t since_ns;
};

/* What was parsed, before it is restored. */
struct parsed {
	struct incident *incidents;
	size_t n_incidents;
	struct degraded *degraded;
	size_t n_degraded;
	struct silence silences[SILENCES_MAX];
	size_t n_silences;
	struct network_failed failed[SW_MAX_PATHS];
};

/* Printing */

static void time_format(uint64_t wall, char buf[TIME_STRLEN])
{
	time_t sec = (time_t)(wall / NS_PER_S);
	struct tm tm;
	size_t n;

	gmtime_r(&sec, &tm);
	n = strftime(buf, TIME_STRLEN, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + n, TIME_STRLEN - n, ".%09uZ", (unsigned int)(wall % NS_PER_S));
}

json_t *state_time_json(uint64_t wall)
{
	char buf[TIME_STRLEN];

	time_format(wall, buf);
	return json_string(buf);
}

uint64_t state_wall(const struct state_context *ctx, uint64_t ns)
{
	uint64_t ago = ctx->now > ns ? ctx->now - ns : 0;

	return ctx->wall > ago ? ctx->wall - ago : 0;
}

static int path_id(const struct state_context *ctx, size_t i)
{
	return ctx->path_ids ? ctx->path_ids[i] : (int)i;
}

static json_t *path_json(const struct state_context *ctx, int path)
{
	for (size_t i = 0; i < ctx->cfg->n_paths; i++)
		if (path_id(ctx, i) == path)
			return json_string(ctx->cfg->paths[i].name);
	return json_null();
}

json_t *state_prefix_json(const struct prefix *prefix)
{
	char buf[PREFIX_STRLEN];

	if (!prefix->family)
		return json_null();
	return json_string(prefix_format(prefix, buf));
}

/* NULL when out of memory. Fields of `alerts`, then what restoring needs besides. */
static json_t *incident_json(const struct state_context *ctx, const struct incident *inc)
{
	json_t *moved =
		inc->has_moved ? json_integer((json_int_t)inc->prefixes_moved) : json_null();
	json_t *lost = inc->has_moved ? json_integer((json_int_t)inc->prefixes_lost) : json_null();
	json_t *duration = inc->duration_ms >= 0 ? json_integer(inc->duration_ms) : json_null();
	const char *subject = inc->subject[0] ? inc->subject : NULL;

	return json_pack(
		"{s:I, s:s, s:s, s:s?, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o, "
		"s:o, "
		"s:s, s:s, s:b, s:o, s:o}",
		"id", (json_int_t)inc->id, "state", inc->open ? "open" : "closed", "verdict",
		incident_verdict_name(inc->verdict), "subject", subject, "cause",
		cause_name(inc->cause), "side", side_name(inc->side), "severity",
		severity_name(inc->severity), "src_prefix", state_prefix_json(&inc->src),
		"dst_prefix", state_prefix_json(&inc->dst), "forward_path",
		path_json(ctx, inc->forward_path), "reverse_path",
		path_json(ctx, inc->reverse_path), "flows", (json_int_t)inc->flows,
		"prefixes_moved", moved, "prefixes_lost", lost, "duration_ms", duration,
		"first_seen", state_time_json(inc->first_wall), "last_seen",
		state_time_json(inc->last_wall), "message", inc->message, "fix", inc->fix,
		"confirmed", inc->confirmed, "had_flow",
		state_time_json(state_wall(ctx, inc->had_flow_ns)), "life",
		state_life_json(ctx, &inc->life));
}

struct degraded_print {
	const struct state_context *ctx;
	json_t *list;
};

static int degraded_add(void *arg, const struct prefix *prefix, uint8_t rank, uint64_t since_ns)
{
	struct degraded_print *p = arg;
	json_t *row;

	if (rank >= p->ctx->cfg->n_prefer)
		return 0;
	row = json_pack("{s:o, s:s, s:o}", "prefix", state_prefix_json(prefix), "class",
			class_name(p->ctx->cfg->prefer[rank]), "since",
			state_time_json(state_wall(p->ctx, since_ns)));
	return json_array_append_new(p->list, row) ? -ENOMEM : 0;
}

char *state_print(const struct state_context *ctx, const struct incidents *set,
		  const struct fib *fib)
{
	json_t *incidents = json_array(), *degraded = json_array(), *root;
	struct degraded_print print = {ctx, degraded};
	const struct incident *inc;
	char *text = NULL;
	bool failed = false;

	for (size_t i = 0; !failed && (inc = incidents_get(set, i)); i++)
		failed = json_array_append_new(incidents, incident_json(ctx, inc));
	failed = failed || fib_degraded_each(fib, degraded_add, &print);
	root = json_pack("{s:i, s:o, s:o, s:o, s:o}", "version", STATE_VERSION, "incidents",
			 incidents, "degraded", degraded, "silences", state_silences_json(ctx, set),
			 "failed", state_failed_json(ctx));
	if (root && !failed)
		text = json_dumps(root, JSON_INDENT(1));
	json_decref(root);
	return text;
}

/* Parsing: each reads a member of `obj` and returns false where it is not what we write. */

static bool get_text(const json_t *obj, const char *key, const char **out)
{
	*out = json_string_value(json_object_get(obj, key));
	return *out;
}

static bool get_copy(const json_t *obj, const char *key, char *out, size_t size)
{
	const char *text;

	if (!get_text(obj, key, &text) || strlen(text) >= size)
		return false;
	memcpy(out, text, strlen(text) + 1);
	return true;
}

static const char *state_text(unsigned int open)
{
	return open ? "open" : "closed";
}

static const char *cause_text(unsigned int cause)
{
	return cause_name((enum cause)cause);
}

static const char *side_text(unsigned int side)
{
	return side_name((enum side)side);
}

static const char *severity_text(unsigned int severity)
{
	return severity_name((enum severity)severity);
}

bool state_name(const json_t *obj, const char *key, const char *(*name)(unsigned int),
		unsigned int n, unsigned int *out)
{
	const char *text;

	if (!get_text(obj, key, &text))
		return false;
	for (unsigned int i = 0; i < n; i++)
		if (!strcmp(text, name(i))) {
			*out = i;
			return true;
		}
	return false;
}

static bool get_number(const json_t *obj, const char *key, int64_t *out)
{
	const json_t *v = json_object_get(obj, key);

	*out = json_integer_value(v);
	return json_is_integer(v) && *out >= 0;
}

static bool get_number_or_null(const json_t *obj, const char *key, int64_t *out)
{
	*out = -1;
	return json_is_null(json_object_get(obj, key)) || get_number(obj, key, out);
}

bool state_prefix(const json_t *obj, const char *key, struct prefix *out)
{
	const char *text;
	bool masked;

	return get_text(obj, key, &text) && !prefix_parse(text, out, &masked) && !masked;
}

/* Incidents of the network may have none. */
static bool get_prefix_of(const json_t *obj, const char *key, unsigned int verdict,
			  struct prefix *out)
{
	*out = (struct prefix){0};
	if (verdict > NETWORK_FIRST && json_is_null(json_object_get(obj, key)))
		return true;
	return state_prefix(obj, key, out);
}

/* Null, or absent (a file of an earlier version), where there is none. */
static bool get_subject(const json_t *obj, bool network, char out[SW_NAME_LEN])
{
	const json_t *v = json_object_get(obj, "subject");

	out[0] = '\0';
	return !v || json_is_null(v) || (network && get_copy(obj, "subject", out, SW_NAME_LEN));
}

static bool get_path(const struct state_context *ctx, const json_t *obj, const char *key, int *out)
{
	const char *text;

	*out = -1;
	if (json_is_null(json_object_get(obj, key)))
		return true;
	if (!get_text(obj, key, &text))
		return false;
	for (size_t i = 0; i < ctx->cfg->n_paths; i++)
		if (!strcmp(ctx->cfg->paths[i].name, text))
			*out = path_id(ctx, i);
	return true;
}

/* Exactly what time_format() writes, so that printing it again gives the same text. */
bool state_time(const json_t *obj, const char *key, uint64_t *out)
{
	char again[TIME_STRLEN];
	struct tm tm = {0};
	unsigned int ns;
	const char *text;
	uint64_t wall;
	time_t sec;

	if (!get_text(obj, key, &text) ||
	    sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%9uZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &ns) != 7 ||
	    tm.tm_year < 1970 || tm.tm_year > 2500)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	sec = timegm(&tm);
	if (sec < 0)
		return false;
	wall = (uint64_t)sec * NS_PER_S + ns;
	time_format(wall, again);
	if (strcmp(again, text))
		return false;
	*out = wall;
	return true;
}

uint64_t state_monotonic(const struct state_context *ctx, uint64_t wall)
{
	uint64_t ago = ctx->wall > wall ? ctx->wall - wall : 0;

	return ctx->now > ago ? ctx->now - ago : 1;
}

static bool incident_parse(const struct state_context *ctx, const json_t *obj, struct incident *inc)
{
	const json_t *confirmed = json_object_get(obj, "confirmed");
	unsigned int state, verdict, cause, side, severity;
	int64_t id, flows, moved, lost;
	uint64_t had_flow;

	if (!get_number(obj, "id", &id) || !id ||
	    !state_name(obj, "state", state_text, 2, &state) ||
	    !state_name(obj, "verdict", incident_verdict_name, NETWORK_END, &verdict) ||
	    !get_subject(obj, verdict > NETWORK_FIRST, inc->subject) ||
	    (verdict < SW_VERDICT_COUNT && !cause_opens((uint8_t)verdict)) ||
	    !state_name(obj, "cause", cause_text, CAUSE_COUNT, &cause) ||
	    !state_name(obj, "side", side_text, SIDE_AZURE + 1, &side) ||
	    !state_name(obj, "severity", severity_text, SEVERITY_CRITICAL + 1, &severity) ||
	    !get_prefix_of(obj, "src_prefix", verdict, &inc->src) ||
	    !get_prefix_of(obj, "dst_prefix", verdict, &inc->dst) ||
	    !get_path(ctx, obj, "forward_path", &inc->forward_path) ||
	    !get_path(ctx, obj, "reverse_path", &inc->reverse_path) ||
	    !get_number(obj, "flows", &flows) ||
	    !get_number_or_null(obj, "prefixes_moved", &moved) ||
	    !get_number_or_null(obj, "prefixes_lost", &lost) || (moved < 0) != (lost < 0) ||
	    !get_number_or_null(obj, "duration_ms", &inc->duration_ms) ||
	    !state_time(obj, "first_seen", &inc->first_wall) ||
	    !state_time(obj, "last_seen", &inc->last_wall) ||
	    !state_time(obj, "had_flow", &had_flow) ||
	    !get_copy(obj, "message", inc->message, sizeof(inc->message)) ||
	    !get_copy(obj, "fix", inc->fix, sizeof(inc->fix)) || !json_is_boolean(confirmed))
		return false;
	inc->id = (uint64_t)id;
	inc->open = state;
	inc->verdict = (uint8_t)verdict;
	inc->cause = cause;
	inc->side = side;
	inc->severity = severity;
	inc->confirmed = json_is_true(confirmed);
	inc->flows = (size_t)flows;
	inc->has_moved = moved >= 0;
	inc->prefixes_moved = inc->has_moved ? (size_t)moved : 0;
	inc->prefixes_lost = inc->has_moved ? (size_t)lost : 0;
	inc->opened_ns = state_monotonic(ctx, inc->first_wall);
	inc->last_ns = state_monotonic(ctx, inc->last_wall);
	inc->had_flow_ns = state_monotonic(ctx, had_flow);
	return state_life_parse(ctx, json_object_get(obj, "life"), inc);
}

static int incidents_parse(const struct state_context *ctx, const json_t *list, struct parsed *p)
{
	size_t n = json_array_size(list);
	uint64_t last_id = 0;

	if (!json_is_array(list))
		return -EBADMSG;
	p->incidents = calloc(n ? n : 1, sizeof(*p->incidents));
	if (!p->incidents)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (!incident_parse(ctx, json_array_get(list, i), &p->incidents[i]) ||
		    p->incidents[i].id <= last_id)
			return -EBADMSG;
		last_id = p->incidents[i].id;
	}
	p->n_incidents = n;
	return 0;
}

static int degraded_parse(const struct state_context *ctx, const json_t *list, struct parsed *p)
{
	size_t n = json_array_size(list);

	if (!json_is_array(list))
		return -EBADMSG;
	p->degraded = calloc(n ? n : 1, sizeof(*p->degraded));
	if (!p->degraded)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct degraded *d = &p->degraded[p->n_degraded];
		const json_t *obj = json_array_get(list, i);
		enum sw_class class;
		const char *text;
		uint64_t since;

		if (!state_prefix(obj, "prefix", &d->prefix) || !get_text(obj, "class", &text) ||
		    class_parse(text, &class) || !state_time(obj, "since", &since))
			return -EBADMSG;
		d->since_ns = state_monotonic(ctx, since);
		d->rank = config_rank(ctx->cfg, class);
		if (d->rank != SW_NO_RANK)
			p->n_degraded++;
	}
	return 0;
}

static int parsed_restore(const struct parsed *p, struct incidents *set, struct fib *fib)
{
	int err = 0;

	for (size_t i = 0; !err && i < p->n_silences; i++)
		err = incidents_silence_restore(set, &p->silences[i]);
	for (size_t i = 0; !err && i < p->n_incidents; i++)
		err = incidents_restore(set, &p->incidents[i]);
	for (size_t i = 0; !err && i < p->n_degraded; i++)
		err = fib_degraded_restore(fib, &p->degraded[i].prefix, p->degraded[i].rank,
					   p->degraded[i].since_ns);
	return err;
}

int state_parse(const struct state_context *ctx, const char *text, size_t len,
		struct incidents *set, struct fib *fib)
{
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	struct parsed parsed = {0};
	int64_t version;
	int err = 0;

	if (!get_number(root, "version", &version) || version != STATE_VERSION)
		err = -EBADMSG;
	if (!err)
		err = incidents_parse(ctx, json_object_get(root, "incidents"), &parsed);
	if (!err)
		err = degraded_parse(ctx, json_object_get(root, "degraded"), &parsed);
	if (!err)
		err = state_silences_parse(ctx, json_object_get(root, "silences"), parsed.silences,
					   &parsed.n_silences);
	if (!err)
		err = state_failed_parse(ctx, json_object_get(root, "failed"), parsed.failed);
	if (!err)
		err = parsed_restore(&parsed, set, fib);
	if (!err && ctx->failed)
		memcpy(ctx->failed, parsed.failed, sizeof(parsed.failed));
	free(parsed.incidents);
	free(parsed.degraded);
	json_decref(root);
	return err;
}
