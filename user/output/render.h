/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What output.c chooses from: a renderer writes rows to a stream. Each returns 0 or -ENOMEM; a
 * failed stream is for output.c to see. Used by nothing but output/ and its tests.
 */
#ifndef SAMEWAY_OUTPUT_RENDER_H
#define SAMEWAY_OUTPUT_RENDER_H

#include "output/output.h"
#include <stdint.h>
#include <stdio.h>

int json_render(FILE *out, const json_t *rows);
/* The elements of an array that is not empty, without its end. */
int json_render_part(FILE *out, const json_t *rows, bool first);
int json_render_line(FILE *out, const json_t *row);
int text_render(FILE *out, enum view_name view, const json_t *rows);
int text_render_alert(FILE *out, const json_t *incident);

/*
 * `audit` as text in parts, to `out`; down: the path that is taken out, NULL: none. NULL when out
 * of memory. end: frees, as free does.
 */
struct audit_text;
struct audit_text *audit_text_new(FILE *out, const char *down);
void audit_text_rows(struct audit_text *audit, const json_t *rows);
int audit_text_end(struct audit_text *audit);
void audit_text_free(struct audit_text *audit);

/* The views of text_render, by file. */
int text_status(FILE *out, const json_t *rows);
int text_paths(FILE *out, const json_t *rows);
/* Of `paths`: a row a BFD session; nothing where there is none. */
int text_bfd(FILE *out, const json_t *paths);
int text_counters(FILE *out, const json_t *rows);
int text_flows(FILE *out, const json_t *rows);
int text_routes(FILE *out, const json_t *rows);
int text_explain(FILE *out, const json_t *rows);
int text_alerts(FILE *out, const json_t *rows);
int text_ack(FILE *out, const json_t *rows);
int text_silence(FILE *out, const json_t *rows);
int text_audit(FILE *out, const json_t *rows);
int text_path(FILE *out, const json_t *rows);
int text_drain(FILE *out, const json_t *rows);
int text_detach(FILE *out, const json_t *rows);
int text_doctor(FILE *out, const json_t *rows);
int text_mode(FILE *out, const json_t *rows);
int text_reload(FILE *out, const json_t *rows);

/* Reading rows: a missing or null field is "" / the number 0. */
const char *field_text(const json_t *row, const char *key);
uint64_t field_number(const json_t *row, const char *key);
/* Readable number; "-" when null. */
const char *field_count(const json_t *row, const char *key, char buf[]);
bool field_known(const json_t *row, const char *key);
/* Strings of an array, separated by ", ", cut with "..." where they don't fit; "-": none. */
const char *field_list(const json_t *row, const char *key, char *buf, size_t size);
/* Name, class, via_prefix of each of row.tiers, in lines after `indent` spaces. */
int text_tiers(FILE *out, const json_t *row, unsigned int indent);
/* "AS path 12076 65515", cut with "..." where it does not fit; "no AS path" for null. */
void render_as_path(const json_t *list, char *buf, size_t size);
/* Of `feeds` of status: a row a table, a row a peer of the far side. */
int text_feed_tables(FILE *out, const json_t *feeds);

struct table;
/* Of status: policy rules; nothing where there is none. */
void text_status_rules(struct table *table, const json_t *rules);
/* Below a row of `paths`: its probe, if any. Of status: a row a probe; nothing where there is none.
 */
void text_paths_probe(struct table *table, const json_t *probe);
int text_status_probes(FILE *out, const json_t *probes);
/* Of status: what is silenced, and the hook; nothing where there is none. */
int text_status_life(FILE *out, const json_t *rows);

#endif
