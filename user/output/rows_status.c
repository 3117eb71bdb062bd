/* SPDX-License-Identifier: GPL-2.0-only */
/* The hooks that are pinned, and `status` as the maps alone know it. */
#include "output/rows_internal.h"

#include <errno.h>

static int hook_add(void *arg, const char *ifname, enum hook hook, bool attached)
{
	json_t *row = json_pack("{s:s, s:s, s:b}", "interface", ifname, "hook", hook_name(hook),
				"attached", attached);

	return rows_append(arg, row) ? 0 : -ENOMEM;
}

json_t *rows_hooks(const char *instance)
{
	json_t *rows = json_array();

	if (rows && maps_hook_each(instance, hook_add, rows) != -ENOMEM)
		return rows;
	json_decref(rows);
	return NULL;
}

/* The mode in effect, how long until it ends by itself, and who sends. False: no memory. */
static bool status_mode(json_t *row, struct maps *maps)
{
	uint64_t now = rows_now(), until;
	struct sw_ctl ctl;
	bool enforce;

	if (!maps || maps_ctl(maps, &ctl))
		return rows_set(row, "mode", json_null()) &&
		       rows_set(row, "mode_left_s", json_null()) &&
		       rows_set(row, "forward", json_null()) &&
		       rows_set(row, "tables", json_null());
	until = ctl.enforce_until_ns;
	enforce = ctl.mode == SW_MODE_ENFORCE && (!until || now < until);
	return rows_set(row, "mode", json_string(enforce ? "enforce" : "monitor")) &&
	       rows_set(row, "mode_left_s",
			until > now ? json_real((double)(until - now) / 1e9) : json_null()) &&
	       rows_set(row, "forward",
			json_string(ctl.forward == SW_FORWARD_KERNEL ? "kernel" : "fast")) &&
	       rows_set(row, "tables",
			json_pack("{s:o, s:n, s:n}", "first",
				  ctl.tables ? json_integer(ctl.tables) : json_null(), "put_back",
				  "foreign"));
}

struct redirect_sum {
	struct maps *maps;
	uint64_t lost;
};

static json_t *status_flows(struct maps *maps)
{
	struct datapath_sizes max;
	struct flow_counts count;
	struct sw_health h;

	if (!maps || rows_count_flows(maps, &count) || maps_flows_max(maps, &max) ||
	    maps_health(maps, &h))
		return json_pack("{s:n, s:n}", "active", "max");
	return json_pack("{s:I, s:I, s:{s:I, s:I}, s:{s:I, s:I}, s:I, s:I, s:I, s:I, s:I, s:I}",
			 "active", (json_int_t)count.ipv4 + (json_int_t)count.ipv6, "max",
			 (json_int_t)max.flows4, "ipv4", "active", (json_int_t)count.ipv4, "max",
			 (json_int_t)max.flows4, "ipv6", "active", (json_int_t)count.ipv6, "max",
			 (json_int_t)max.flows6, "full", (json_int_t)h.flows_full, "evicted",
			 (json_int_t)h.flows_evicted, "forgotten", (json_int_t)h.flows_forgotten,
			 "busy", (json_int_t)h.flows_busy, "leaked", (json_int_t)h.flows_leaked,
			 "bytes",
			 (json_int_t)flow_table_bytes(4, max.flows4) +
				 (json_int_t)flow_table_bytes(6, max.flows6));
}

static json_t *status_alerts(struct maps *maps)
{
	struct sw_health health;

	if (!maps || maps_health(maps, &health))
		return json_pack("{s:n, s:n}", "open", "lost");
	return json_pack("{s:n, s:I}", "open", "lost", (json_int_t)health.events_lost);
}

static json_t *status_mss(struct maps *maps)
{
	struct sw_health health;

	if (!maps || maps_health(maps, &health))
		return json_null();
	return json_integer((json_int_t)health.mss_clamped);
}

uint64_t rows_redirect_lost(const struct sw_redirect_errors *counts)
{
	uint64_t lost = 0;

#define ADD_ERROR(field, text) lost += counts->field;
	SW_REDIRECT_ERRORS(ADD_ERROR)
	return lost;
}

static int redirect_add(void *arg, uint32_t ifindex, const struct sw_interface *row)
{
	struct redirect_sum *sum = arg;
	struct sw_redirect_errors counts;

	(void)ifindex;
	if (!row->owner && !maps_redirect_errors(sum->maps, row->slot, &counts))
		sum->lost += rows_redirect_lost(&counts);
	return 0;
}

static json_t *status_nodes(uint32_t used, uint32_t total)
{
	return json_pack("{s:I, s:I}", "used", (json_int_t)used, "total", (json_int_t)total);
}

/* What is installed, and how full its tables are. */
static json_t *status_routes(struct maps *maps)
{
	uint32_t total4, total6;
	struct sw_ctl ctl;

	if (!maps || maps_ctl(maps, &ctl) || maps_nodes(maps, &total4, &total6))
		return json_pack("{s:n, s:n, s:n, s:n, s:n, s:n}", "prefixes4", "prefixes6",
				 "candidates", "groups", "nodes4", "nodes6");
	return json_pack("{s:I, s:I, s:n, s:n, s:o, s:o}", "prefixes4", (json_int_t)ctl.prefixes4,
			 "prefixes6", (json_int_t)ctl.prefixes6, "candidates", "groups", "nodes4",
			 status_nodes(ctl.nodes4, total4), "nodes6",
			 status_nodes(ctl.nodes6, total6));
}

/* Packets that XDP redirected and the kernel lost. */
static json_t *status_redirects(struct maps *maps)
{
	struct redirect_sum sum = {.maps = maps};

	if (!maps)
		return json_pack("{s:n, s:n, s:n}", "counted", "lost", "last_s");
	maps_interface_each(maps, redirect_add, &sum);
	return json_pack("{s:b, s:I, s:n}", "counted", maps_redirects_counted(maps), "lost",
			 (json_int_t)sum.lost, "last_s");
}

json_t *rows_status_maps(const char *instance, struct maps *maps)
{
	json_t *row = json_object();

	if (row && rows_set(row, "instance", json_string(instance)) &&
	    rows_set(row, "version", json_string(SAMEWAY_VERSION)) &&
	    rows_set(row, "daemon", json_false()) && status_mode(row, maps) &&
	    rows_set(row, "waiting", json_null()) && rows_set(row, "uptime_s", json_null()) &&
	    rows_set(row, "hooks", rows_hooks(instance)) &&
	    rows_set(row, "auto_hooks", json_null()) && rows_set(row, "feeds", json_null()) &&
	    rows_set(row, "routes", status_routes(maps)) &&
	    rows_set(row, "flows", status_flows(maps)) &&
	    rows_set(row, "alerts", status_alerts(maps)) &&
	    rows_set(row, "silences", json_null()) && rows_set(row, "notify", json_null()) &&
	    rows_set(row, "redirects", status_redirects(maps)) &&
	    rows_set(row, "mss_clamped", status_mss(maps)) &&
	    rows_set(row, "probes", maps ? rows_probes(maps) : json_null()) &&
	    rows_set(row, "egress", json_null()) && rows_set(row, "rules", json_null()))
		return row;
	json_decref(row);
	return NULL;
}
