/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/rows_audit.h"
#include "output/rows_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_LEAST 256
#define LOOK_ROWS  32 /* between two questions whether it is enough */

/* Where `len` bytes more have room; NULL: nowhere. */
static char *put_room(struct rows_text *out, size_t len)
{
	if (out->len + len > out->room) {
		size_t room = (out->len + len) * 2 + ROOM_LEAST;
		char *buf = realloc(out->buf, room);

		if (!buf) {
			out->failed = true;
			return NULL;
		}
		out->buf = buf;
		out->room = room;
	}
	return out->buf + out->len;
}

static void put(struct rows_text *out, const char *text, size_t len)
{
	char *to = put_room(out, len);

	if (!to)
		return;
	memcpy(to, text, len);
	out->len += len;
}

static void put_text(struct rows_text *out, const char *text)
{
	put(out, text, strlen(text));
}

/* A string of printable ASCII, or null. What is told of a pair is most of its row, so: in one go.
 */
static void put_string(struct rows_text *out, const char *text)
{
	char *to;

	if (!text) {
		put_text(out, "null");
		return;
	}
	to = put_room(out, 2 * strlen(text) + 2);
	if (!to)
		return;
	*to++ = '"';
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			*to++ = '\\';
		*to++ = c >= ' ' && c < 127 ? (char)c : '?';
	}
	*to++ = '"';
	out->len = (size_t)(to - out->buf);
}

static void put_prefix(struct rows_text *out, const char *key, const struct prefix *prefix)
{
	char text[PREFIX_STRLEN];

	put_text(out, key);
	put_string(out, prefix_format(prefix, text));
}

static void put_bool(struct rows_text *out, const char *key, bool value)
{
	put_text(out, key);
	put_text(out, value ? "true" : "false");
}

static void put_forward(struct rows_text *out, const struct audit *a, const struct audit_forward *f)
{
	const struct config *cfg = a->ctx->cfg;
	const char *comma = "";

	put_text(out, "{\"class\":");
	put_string(out, f->paths ? class_text(f->class) : NULL);
	put_text(out, ",\"circuit\":");
	put_string(out, f->paths && f->circuit[0] ? f->circuit : NULL);
	put_text(out, ",\"paths\":[");
	for (size_t i = 0; i < cfg->n_paths; i++) {
		int id = incident_path_id(a->ctx, i);

		if (!(f->paths >> id & 1))
			continue;
		put_text(out, comma);
		put_string(out, cfg->paths[i].name);
		comma = ",";
	}
	put_text(out, "]}");
}

static void put_return(struct rows_text *out, const struct audit_return *r)
{
	put_text(out, "{\"class\":");
	put_string(out, r->known ? class_text(r->class) : NULL);
	put_text(out, ",\"circuit\":");
	put_string(out, r->known && r->circuit[0] ? r->circuit : NULL);
	put_text(out, "}");
}

/* What all rows of a source (by one class), or of a destination, have in common. */
struct common {
	size_t end[4]; /* of its parts in `text` */
	struct rows_text text;
	struct rows_text lost; /* a destination's: why nothing leads there, empty: not told yet */
};

enum { SRC_PREFIX, SRC_BACK, SRC_AGE, SRC_WAS }; /* of a source */
enum { DST_FORWARD, DST_WAS };			 /* of a destination */

static void part_end(struct common *c, int part)
{
	c->end[part] = c->text.len;
}

static void put_common(struct rows_text *out, const struct common *c, int part)
{
	size_t from = part ? c->end[part - 1] : 0;

	put(out, c->text.buf + from, c->end[part] - from);
}

static void source_common(struct common *c, const struct audit_source *s, int by)
{
	char age[80] = ",\"view_age_s\":null,\"view_stale\":null";
	const struct audit_return *back = &s->back[by];
	struct rows_text *t = &c->text;

	put_prefix(t, "{\"src_prefix\":", &s->prefix);
	part_end(c, SRC_PREFIX);
	put_text(t, ",\"reverse\":");
	put_return(t, back);
	part_end(c, SRC_BACK);
	if (back->known)
		snprintf(age, sizeof(age), ",\"view_age_s\":%llu,\"view_stale\":%s",
			 (unsigned long long)(back->age_ns / 1000000000ULL),
			 back->stale ? "true" : "false");
	put_text(t, age);
	put_bool(t, ",\"src_rest\":", s->rest);
	part_end(c, SRC_AGE);
	put_text(t, ",\"reverse\":");
	put_return(t, &s->was[by]);
	part_end(c, SRC_WAS);
}

/* A last resort is no backup: link and drain are all that was asked of it. */
static bool is_usable(const struct audit_forward *f)
{
	return f->paths && !f->last_resort;
}

static void destination_common(struct common *c, const struct audit *a,
			       const struct audit_destination *d)
{
	struct rows_text *t = &c->text;

	t->len = c->lost.len = 0;
	put_prefix(t, ",\"dst_prefix\":", &d->prefix);
	put_text(t, ",\"forward\":");
	put_forward(t, a, &d->forward);
	put_text(t, ",\"rule\":");
	put_string(t, d->forward.rule ? d->forward.rule->name : NULL);
	put_bool(t, ",\"dropped\":", d->forward.dropped);
	put_bool(t, ",\"last_resort\":", d->forward.last_resort);
	part_end(c, DST_FORWARD);
	if (a->down < 0)
		return;
	put_bool(t, ",\"moves\":", is_usable(&d->forward) && d->forward.paths != d->was.paths);
	put_bool(t, ",\"lost\":", !is_usable(&d->forward) && is_usable(&d->was));
	put_text(t, ",\"was\":{\"forward\":");
	put_forward(t, a, &d->was);
	put_bool(t, ",\"dropped\":", d->was.dropped);
	part_end(c, DST_WAS);
}

static void put_told(struct rows_text *out, const struct cause_told *told)
{
	put_text(out, ",\"cause\":");
	put_string(out, cause_name(told->cause));
	put_text(out, ",\"fix\":");
	put_string(out, told->fix);
	put_text(out, ",\"side\":");
	put_string(out, side_name(told->side));
	put_text(out, ",\"severity\":");
	put_string(out, severity_name(told->severity));
	put_text(out, ",\"message\":");
	put_string(out, told->message);
}

/* lost: what was told of the destination alone, once it was. */
static void put_cause(struct rows_text *out, const struct audit *a, const struct audit_source *s,
		      const struct audit_destination *d, int verdict, struct rows_text *lost)
{
	struct cause_told told;

	if (!audit_has_cause(verdict) || verdict == AUDIT_DENIED) {
		put_text(out, ",\"cause\":null,\"fix\":null,\"side\":null,\"severity\":null,"
			      "\"message\":");
		if (verdict == AUDIT_DENIED)
			audit_tell(a, s, d, verdict, &told);
		put_string(out, verdict == AUDIT_DENIED ? told.message : NULL);
		return;
	}
	if (verdict != SW_VERDICT_NO_ROUTE) {
		audit_tell(a, s, d, verdict, &told);
		put_told(out, &told);
		return;
	}
	if (!lost->len) {
		audit_tell(a, s, d, verdict, &told);
		put_told(lost, &told);
	}
	put(out, lost->buf, lost->len);
	out->failed |= lost->failed;
}

/* Names of the rules that may have a part of the pair. */
static void put_part(struct rows_text *out, const struct config *cfg,
		     const uint64_t part[SW_RULE_WORDS])
{
	const char *comma = "";

	put_text(out, ",\"part_rules\":[");
	for (size_t i = 0; i < cfg->n_rules; i++) {
		if (!(part[i / 64] >> i % 64 & 1))
			continue;
		put_text(out, comma);
		put_string(out, cfg->rules[i].name);
		comma = ",";
	}
	put_text(out, "]");
}

/* A row, from what its source and its destination have in common. */
static void put_row(struct rows_text *out, const struct audit *a, const struct audit_source *s,
		    const struct common *sc, const struct audit_destination *d, struct common *dc,
		    int verdict, const uint64_t part[SW_RULE_WORDS])
{
	if (out->len)
		put(out, ",", 1);
	put_common(out, sc, SRC_PREFIX);
	put_common(out, dc, DST_FORWARD);
	put_common(out, sc, SRC_BACK);
	put_text(out, ",\"verdict\":");
	put_string(out, audit_verdict_name(verdict));
	put_cause(out, a, s, d, verdict, &dc->lost);
	put_common(out, sc, SRC_AGE);
	put_part(out, a->ctx->cfg, part);
	if (a->down >= 0) {
		int was = audit_verdict(a, &d->was, &s->was[audit_by(s, d)]);

		put_common(out, dc, DST_WAS);
		put_common(out, sc, SRC_WAS);
		put_text(out, ",\"verdict\":");
		put_string(out, audit_verdict_name(was));
		put(out, "}", 1);
	}
	put(out, "}", 1);
}

struct part {
	const struct audit *audit;
	struct audit_place *place;
	struct rows_text *out;
	struct audit_source *src;
	struct common (*common)[AUDIT_BY_COUNT]; /* of src */
	struct common dc;			 /* of the destination, by the rule that it has */
	size_t n, asymmetric, rows;
	bool (*enough)(void *arg, const struct rows_text *out);
	void *arg;
};

static bool part_full(struct part *p)
{
	return ++p->rows % LOOK_ROWS == 0 && p->enough(p->arg, p->out);
}

/* One pair; its destination is asked anew where another rule has it than the one before. */
static void part_pair(struct part *p, size_t i, struct audit_destination *d)
{
	const struct audit *a = p->audit;
	const struct audit_source *src = &p->src[i];
	enum audit_by by = audit_by(src, d);
	uint64_t part[SW_RULE_WORDS];
	const struct config_rule *rule = audit_rule(a, src, d, part);
	int verdict;

	if (rule != d->rule) {
		audit_destination_by(a, d, rule);
		destination_common(&p->dc, a, d);
	}
	verdict = audit_verdict(a, &d->forward, &src->back[by]);
	put_row(p->out, a, src, &p->common[i][by], d, &p->dc, verdict, part);
	p->asymmetric += verdict == SW_VERDICT_ASYMMETRIC;
}

/* The rows of a destination that were not told. True: it is enough for this part. */
static bool part_destination(struct part *p, struct audit_destination *d)
{
	struct audit_place *place = p->place;

	place->part = d->prefix;
	destination_common(&p->dc, p->audit, d);
	for (size_t i = 0; i < p->n && !p->dc.text.failed; i++) {
		if (p->src[i].prefix.family != d->prefix.family ||
		    (place->in_row && prefix_cmp(&p->src[i].prefix, &place->src) <= 0))
			continue;
		part_pair(p, i, d);
		if (!part_full(p))
			continue;
		place->in_row = true;
		place->src = p->src[i].prefix;
		return true;
	}
	place->in_row = false;
	return false;
}

/* The part that was begun, else the one behind it. False: there is none. */
static bool part_again(struct part *p, const struct audit_destination *whole,
		       struct audit_destination *d)
{
	struct prefix told = p->place->part, before = whole->prefix;

	while (audit_part(p->audit, whole, &before, d) && prefix_cmp(&d->prefix, &told) < 0)
		before = d->prefix;
	p->place->in_row = prefix_equal(&d->prefix, &told);
	return prefix_cmp(&d->prefix, &told) >= 0;
}

/* The rows of a learned prefix: its own, then those of its parts, from the one that was not told.
 */
static bool part_learned(struct part *p, const struct audit_destination *whole)
{
	struct audit_place *place = p->place;
	struct audit_destination d = *whole;

	if (place->in_row && prefix_cmp(&place->part, &whole->prefix) > 0 &&
	    !part_again(p, whole, &d))
		return false;
	do {
		if (part_destination(p, &d))
			return true;
	} while (audit_part(p->audit, whole, &place->part, &d));
	return false;
}

static const struct rib_node *place_node(const struct rib *rib, struct audit_place *place)
{
	const struct rib_node *node = NULL;

	if (!place->begun)
		return rib_next(rib, VIEW_LOCAL, NULL);
	if (place->in_row)
		node = rib_find(rib, VIEW_LOCAL, &place->dst);
	if (node)
		return node;
	place->in_row = false;
	return rib_after(rib, VIEW_LOCAL, &place->dst);
}

/* Those that are learned. True: it is enough for this part. */
static bool part_routes(struct part *p)
{
	const struct rib *rib = p->audit->ctx->rib;
	const struct rib_node *node = place_node(rib, p->place);

	p->place->begun = true;
	for (; node; node = rib_next(rib, VIEW_LOCAL, node)) {
		struct audit_destination d;

		p->place->dst = *rib_node_prefix(node);
		if (!audit_destination(p->audit, node, &d)) {
			p->place->in_row = false;
			if (part_full(p))
				return true;
			continue;
		}
		if (part_learned(p, &d))
			return true;
		p->place->in_row = false;
	}
	return false;
}

/* Those that have no candidate any more, likewise. */
static bool part_lost(struct part *p)
{
	struct audit_place *place = p->place;
	struct audit_destination d;

	if (!place->lost)
		*place = (struct audit_place){.lost = true};
	while (place->in_row || audit_lost_after(p->audit, place->begun, &place->dst)) {
		place->begun = true;
		if (audit_lost(p->audit, &place->dst, &d) ? part_destination(p, &d) : part_full(p))
			return true;
		place->in_row = false;
	}
	return false;
}

static void part_fill(struct part *p)
{
	p->place->more = (!p->place->lost && part_routes(p)) || part_lost(p);
	p->out->failed |= p->dc.text.failed;
	free(p->dc.text.buf);
	free(p->dc.lost.buf);
}

int rows_audit_part(const struct audit *audit, struct audit_place *place, struct rows_text *out,
		    size_t *asymmetric, bool (*enough)(void *arg, const struct rows_text *out),
		    void *arg)
{
	struct part p = {.audit = audit, .place = place, .out = out, .enough = enough, .arg = arg};
	int err = audit_sources(audit, &p.src, &p.n);

	p.common = err ? NULL : calloc(p.n + 1, sizeof(*p.common));
	for (size_t i = 0; p.common && i < p.n * AUDIT_BY_COUNT; i++) {
		struct common *c = &p.common[i / AUDIT_BY_COUNT][i % AUDIT_BY_COUNT];

		source_common(c, &p.src[i / AUDIT_BY_COUNT], (int)(i % AUDIT_BY_COUNT));
		out->failed |= c->text.failed;
	}
	if (p.common && !out->failed)
		part_fill(&p);
	for (size_t i = 0; p.common && i < p.n * AUDIT_BY_COUNT; i++)
		free(p.common[i / AUDIT_BY_COUNT][i % AUDIT_BY_COUNT].text.buf);
	*asymmetric = p.asymmetric;
	err = !p.common || out->failed ? -ENOMEM : 0;
	free(p.common);
	free(p.src);
	return err;
}
