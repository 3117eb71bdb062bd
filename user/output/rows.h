/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the program's structs to rows of contract.md's "JSON answers". Each returns a new reference,
 * NULL: no memory.
 */
#ifndef SAMEWAY_OUTPUT_ROWS_H
#define SAMEWAY_OUTPUT_ROWS_H

#include "core/fib.h"
#include "core/incident.h"
#include "kernel/maps.h"
#include <jansson.h>

/* Text of enum sw_verdict, "unknown" beyond its end. */
const char *verdict_text(unsigned int verdict);
json_t *rows_paths(struct maps *maps);
/* Milliseconds of the last answer to the path's probe, null: none, or it has no probe. */
json_t *rows_rtt(struct maps *maps, unsigned int id);
json_t *rows_counters(struct maps *maps);
/* verdict: enum sw_verdict or -1; path: name or NULL. */
json_t *rows_flows(struct maps *maps, int verdict, const char *path);
json_t *rows_incident(const struct incident *inc, const struct config *cfg,
		      const uint8_t *path_ids);
/* A line of `alerts -f`: the same with `event`. */
json_t *rows_incident_event(enum incident_change change, const struct incident *inc,
			    const struct config *cfg, const uint8_t *path_ids);
/* One prefix of the RIB; usable: paths usable now; feed_name(id) by cfg. */
json_t *rows_route(const struct config *cfg, const uint8_t *path_ids, const struct rib_node *node,
		   uint64_t usable);
/*
 * All candidates that may answer for the prefix, its own and those of what covers it, best first:
 * rows of `routes` with `prefix`, `usable` and `step`, the step of the ladder that put it behind
 * the best one of path `taken` (-1: none is), or `not-usable` or `not-in-prefer`; null for that
 * one. rule: that decided before the ladder, by whose order they are then; NULL: none.
 */
json_t *rows_ladder(const struct config *cfg, const uint8_t *path_ids, const struct rib_node *node,
		    uint64_t usable, int taken, const struct config_rule *rule);
/*
 * What the flow table has seen between two hosts, and between two prefixes: {hosts: rows of
 * `flows`, prefixes: [{forward_path, reverse_path, verdict, flows, packets}]}, src inside.
 */
json_t *rows_seen(struct maps *maps, const struct ip_addr *src, const struct ip_addr *dst,
		  const struct prefix *src_prefix, const struct prefix *dst_prefix);
/* [names of the paths in mask], in the order of the config; only ids that the config has. */
json_t *rows_path_names(const struct config *cfg, const uint8_t *path_ids, uint64_t mask);
/* Wall-clock ns to RFC 3339 UTC with milliseconds. */
json_t *rows_time(uint64_t wall_ns);
json_t *rows_ip(const struct ip_addr *ip); /* null for family 0 */
json_t *rows_prefix(const struct prefix *prefix);
/* Hooks pinned now: [{interface, hook, attached}]. */
json_t *rows_hooks(const char *instance);
/* The part of `status` that the maps alone know (daemon false); maps NULL: nothing is pinned. */
json_t *rows_status_maps(const char *instance, struct maps *maps);
/* All errors of an interface. */
uint64_t rows_redirect_lost(const struct sw_redirect_errors *counts);

#endif
