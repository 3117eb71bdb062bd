/* SPDX-License-Identifier: GPL-2.0-only */
/* What the rows_*.c files share. */
#ifndef SAMEWAY_OUTPUT_ROWS_INTERNAL_H
#define SAMEWAY_OUTPUT_ROWS_INTERNAL_H

#include "output/rows.h"

/* Text of the enums of abi.h; "unknown" beyond their ends (a map of a damaged instance). */
const char *class_text(unsigned int class);
/* A name from a map, which may lack its end; null when empty. */
json_t *rows_name(const char *name, size_t size);
/* Sets key and takes value, which may be NULL (no memory). False: no memory. */
bool rows_set(json_t *row, const char *key, json_t *value);
/* Appends value to array, and takes it, likewise. */
bool rows_append(json_t *array, json_t *value);
/* A candidate, as in `routes`; all: of its prefix. */
json_t *rows_candidate(const struct config *cfg, const uint8_t *path_ids,
		       const struct candidate *all, const struct candidate *c);
/* Name of the path with this id, null: none. */
json_t *rows_path_name(const struct config *cfg, const uint8_t *path_ids, int id);
/* `rules` of `counters`. */
json_t *rows_rules(struct maps *maps);
/* Counts the flow records by verdict, and by family. 0 or -errno. */
struct flow_counts {
	uint64_t verdict[SW_VERDICT_COUNT];
	uint64_t ipv4, ipv6;
};
int rows_count_flows(struct maps *maps, struct flow_counts *count);
/* CLOCK_MONOTONIC, ns: the clock of the flow records. */
uint64_t rows_now(void);
/* Name of the interface, null: none. */
json_t *rows_interface(struct maps *maps, uint32_t ifindex);
/* `probe` of a row of `paths`, null: it has none; and those that there are, with `path`. */
json_t *rows_probe(struct maps *maps, unsigned int id);
json_t *rows_probes(struct maps *maps);
/* `bfd` of a row of `paths`. */
json_t *rows_bfd(const struct sw_bfd *bfd);
/* One row of `paths`; the reasons of it from `usable`. */
json_t *rows_path(struct maps *maps, unsigned int id, const struct sw_path *path,
		  const struct sw_usable *usable, const struct sw_ctl *ctl);
/* [reasons] by which the words object to the path; *can: in some family it can carry traffic. */
json_t *rows_objections(const struct sw_usable *usable, const struct sw_ctl *ctl, unsigned int id,
			bool *can);
/* What ids and numbers in flow records mean now. */
struct flow_words {
	struct sw_path paths[SW_MAX_PATHS];
	struct sw_rule_names rules[2];
	uint64_t now; /* CLOCK_MONOTONIC, ns */
};
/* 0 or -errno. */
int rows_flow_words(struct maps *maps, struct flow_words *out);
/* One row of `flows`. */
json_t *rows_flow(const struct sw_flow_key *key, const struct flow *flow,
		  const struct flow_words *words);
/* Appends the rows of one interface's counts that are not 0. False: no memory. */
bool rows_reasons(json_t *array, const char *interface, const struct sw_reasons *counts);
/* The same of what was lost after XDP redirected it to the interface. */
bool rows_redirect_errors(json_t *array, const char *interface,
			  const struct sw_redirect_errors *counts);

#endif
