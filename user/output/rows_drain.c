/* SPDX-License-Identifier: GPL-2.0-only */
/* The report of `path NAME drain --for`. */
#include "output/rows_drain.h"
#include "output/rows_internal.h"

#include <errno.h>
#include <string.h>

int rows_drain_losses(struct maps *maps, struct drain_losses *out)
{
	*out = (struct drain_losses){0};
	for (unsigned int slot = 0; slot < SW_MAX_SLOTS; slot++) {
		struct sw_redirect_errors errors;
		struct sw_reasons reasons;
		int err = maps_reasons(maps, slot, &reasons);

		if (!err)
			err = maps_redirect_errors(maps, slot, &errors);
		if (err)
			return err;
		out->no_path += reasons.pass.no_path + reasons.drop.no_path;
		out->rule_denied += reasons.drop.rule_denied;
		out->redirect_failed += reasons.drop.redirect_failed;
		out->after_redirect += rows_redirect_lost(&errors);
	}
	for (unsigned int id = 0; id < SW_MAX_PATHS; id++) {
		struct sw_path_stats stats;
		int err = maps_path_stats(maps, id, &stats);

		if (err)
			return err;
		out->rule_denied += stats.egress_denied;
		out->egress_lost += stats.egress_lost;
	}
	return 0;
}

static bool losses_add(json_t *answer, const struct drain_losses *before,
		       const struct drain_losses *after)
{
#define DRAIN_LOSS_ROW(field, text) {text, after->field - before->field},
	const struct {
		const char *reason;
		uint64_t packets;
	} rows[] = {DRAIN_LOSSES(DRAIN_LOSS_ROW)};
	json_t *list = json_array();
	uint64_t lost = 0;
	bool ok = list;

	for (size_t i = 0; ok && i < sizeof(rows) / sizeof(rows[0]); i++) {
		lost += rows[i].packets;
		if (rows[i].packets)
			ok = rows_append(list, json_pack("{s:s, s:I}", "reason", rows[i].reason,
							 "packets", (json_int_t)rows[i].packets));
	}
	return rows_set(answer, "packets_lost", json_integer((json_int_t)lost)) &&
	       rows_set(answer, "losses", list) && ok;
}

static bool flows_add(json_t *answer, struct maps *maps, const struct drain *drain)
{
	size_t by[SW_MAX_PATHS];
	struct drain_flows sum = drain_flows(drain, by);
	json_t *list = json_array();
	bool ok = list;

	for (unsigned int id = 0; ok && id < SW_MAX_PATHS; id++) {
		const struct drain_backup *b = &drain->backup[id];
		struct sw_path path;

		if ((!b->packets && !by[id]) || maps_path(maps, id, &path))
			continue;
		ok = rows_append(list,
				 json_pack("{s:o, s:s, s:I, s:I, s:I, s:o}", "path",
					   rows_name(path.name, SW_NAME_LEN), "class",
					   class_text(path.class), "flows", (json_int_t)by[id],
					   "packets", (json_int_t)b->packets, "bytes",
					   (json_int_t)b->bytes, "rtt_ms", rows_rtt(maps, id)));
	}
	return rows_set(answer, "flows",
			json_pack("{s:I, s:I, s:I, s:I}", "alive", (json_int_t)sum.alive, "moved",
				  (json_int_t)sum.moved, "unanswered", (json_int_t)sum.unanswered,
				  "answered_by_it", (json_int_t)sum.by_path)) &&
	       rows_set(answer, "backups", list) && ok;
}

int rows_drain_report(json_t *answer, struct maps *maps, const struct drain *drain,
		      const struct drain_losses *before, const struct drain_losses *after,
		      enum drain_end end, double took_s)
{
	static const char *const ends[] = {"by-itself", "by-hand"};
	struct sw_usable usable;
	struct sw_ctl ctl;
	bool can = false;
	json_t *reasons;
	int err = maps_usable(maps, &usable);

	if (!err)
		err = maps_ctl(maps, &ctl);
	if (err)
		return err;
	reasons = rows_objections(&usable, &ctl, drain->path, &can);
	if (rows_set(answer, "usable", json_boolean(can)) && rows_set(answer, "reasons", reasons) &&
	    rows_set(answer, "ended",
		     end == DRAIN_NOT_ENDED ? json_null() : json_string(ends[end])) &&
	    rows_set(answer, "took_s", json_real(took_s)) && flows_add(answer, maps, drain) &&
	    losses_add(answer, before, after))
		return 0;
	return -ENOMEM;
}
