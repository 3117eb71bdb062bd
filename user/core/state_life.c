/* SPDX-License-Identifier: GPL-2.0-only */
/* The state file: acks, silences, what the hook was told, and the paths that have failed. */
#include "core/network_watch.h"
#include "core/state_internal.h"

#include <errno.h>
#include <string.h>

static const char *told_text(unsigned int told)
{
	static const char *const names[] = {"nothing", "open", "all"};

	return names[told];
}

static const char *severity_text(unsigned int severity)
{
	return severity_name((enum severity)severity);
}

static const char *cause_text(unsigned int cause)
{
	return cause_name((enum cause)cause);
}

json_t *state_life_json(const struct state_context *ctx, const struct incident_life *life)
{
	return json_pack("{s:s?, s:b, s:s, s:s, s:s, s:o}", "acked",
			 life->acked ? severity_name(life->acked_severity) : NULL, "silenced",
			 (int)life->silenced, "told", told_text(life->told), "told_severity",
			 severity_name(life->told_severity), "told_cause",
			 cause_name(life->told_cause), "told_at",
			 life->told_ns ? state_time_json(state_wall(ctx, life->told_ns))
				       : json_null());
}

bool state_life_parse(const struct state_context *ctx, const json_t *obj, struct incident *inc)
{
	const json_t *silenced = json_object_get(obj, "silenced");
	unsigned int told, severity, cause, acked = 0;
	struct incident_life *life = &inc->life;
	uint64_t at = 0;
	bool was_told;

	*life = (struct incident_life){.told = inc->open ? TOLD_NOTHING : TOLD_ALL};
	if (!obj)
		return true;
	life->acked = !json_is_null(json_object_get(obj, "acked"));
	was_told = !json_is_null(json_object_get(obj, "told_at"));
	if ((life->acked &&
	     !state_name(obj, "acked", severity_text, SEVERITY_CRITICAL + 1, &acked)) ||
	    !json_is_boolean(silenced) ||
	    !state_name(obj, "told", told_text, TOLD_ALL + 1, &told) ||
	    !state_name(obj, "told_severity", severity_text, SEVERITY_CRITICAL + 1, &severity) ||
	    !state_name(obj, "told_cause", cause_text, CAUSE_COUNT, &cause) ||
	    (was_told && !state_time(obj, "told_at", &at)))
		return false;
	life->acked_severity = acked;
	life->silenced = json_is_true(silenced);
	life->told = told;
	life->told_severity = severity;
	life->told_cause = cause;
	life->told_ns = was_told ? state_monotonic(ctx, at) : 0;
	return true;
}

json_t *state_silences_json(const struct state_context *ctx, const struct incidents *set)
{
	json_t *list = json_array();
	const struct silence *silence;

	for (size_t i = 0; list && (silence = incidents_silence_get(set, i)); i++) {
		uint64_t left = silence->until_ns > ctx->now ? silence->until_ns - ctx->now : 0;
		json_t *row = json_pack("{s:o, s:o}", "prefix", state_prefix_json(&silence->prefix),
					"until", state_time_json(ctx->wall + left));

		if (json_array_append_new(list, row)) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

int state_silences_parse(const struct state_context *ctx, const json_t *list, struct silence *out,
			 size_t *n_out)
{
	size_t n = json_array_size(list);

	if ((list && !json_is_array(list)) || n > SILENCES_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < n; i++) {
		struct silence *s = &out[*n_out];
		const json_t *obj = json_array_get(list, i);
		uint64_t until;

		if (!state_prefix(obj, "prefix", &s->prefix) || !state_time(obj, "until", &until))
			return -EBADMSG;
		s->until_ns = until > ctx->wall ? ctx->now + (until - ctx->wall) : 0;
		*n_out += until > ctx->wall;
	}
	return 0;
}

static int path_id(const struct state_context *ctx, size_t i)
{
	return ctx->path_ids ? ctx->path_ids[i] : (int)i;
}

json_t *state_failed_json(const struct state_context *ctx)
{
	json_t *list = json_array();

	for (size_t i = 0; list && ctx->failed && i < ctx->cfg->n_paths; i++) {
		const struct network_failed *f = &ctx->failed[path_id(ctx, i)];
		json_t *row;

		if (!f->failed)
			continue;
		row = json_pack("{s:s, s:s, s:o}", "path", ctx->cfg->paths[i].name, "cause",
				cause_name(f->cause), "at",
				state_time_json(state_wall(ctx, f->at_ns)));
		if (json_array_append_new(list, row)) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

int state_failed_parse(const struct state_context *ctx, const json_t *list,
		       struct network_failed out[SW_MAX_PATHS])
{
	const json_t *obj;
	size_t i;

	if (list && !json_is_array(list))
		return -EBADMSG;
	json_array_foreach (list, i, obj) {
		const char *name = json_string_value(json_object_get(obj, "path"));
		unsigned int cause;
		uint64_t at;

		if (!name || !state_name(obj, "cause", cause_text, CAUSE_COUNT, &cause) ||
		    !state_time(obj, "at", &at))
			return -EBADMSG;
		for (size_t k = 0; k < ctx->cfg->n_paths; k++)
			if (!strcmp(ctx->cfg->paths[k].name, name))
				out[path_id(ctx, k)] = (struct network_failed){
					true, cause, state_monotonic(ctx, at)};
	}
	return 0;
}
