/* SPDX-License-Identifier: GPL-2.0-only */
/* From a text to a snapshot: its JSON documents, one after the other; what the parsers share. */
#include "feed/snapshot.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIES_MAX 8 /* places where the first document may begin */

void snapshot_free(struct snapshot *s)
{
	free(s->routes);
	free(s->as);
	free(s->peers);
	memset(s, 0, sizeof(*s));
}

/* Room for `more` of them behind the first n. */
static bool grow(void **v, size_t n, size_t *size, size_t more, size_t each)
{
	size_t want = *size ? *size : 64;
	void *p;

	while (want < n + more)
		want *= 2;
	if (*v && want <= *size)
		return true;
	p = realloc(*v, want * each);
	if (!p)
		return false;
	*v = p;
	*size = want;
	return true;
}

void snapshot_add(struct snapshot *s, const struct route *route, const uint32_t *as_path,
		  size_t n_as, bool masked)
{
	struct route *r;

	if (s->n >= SNAPSHOT_ROUTES_MAX ||
	    !grow((void **)&s->routes, s->n, &s->size, 1, sizeof(*s->routes)) ||
	    !grow((void **)&s->as, s->n_as, &s->as_size, n_as + 1, sizeof(*s->as))) {
		s->failed = true;
		return;
	}
	r = &s->routes[s->n++];
	*r = *route;
	r->n_as = n_as;
	if (n_as)
		memcpy(s->as + s->n_as, as_path, n_as * sizeof(*s->as));
	s->n_as += n_as;
	s->masked += masked;
}

void snapshot_peer(struct snapshot *s, const struct feed_peer *peer)
{
	if (s->n_peers >= SNAPSHOT_ROUTES_MAX ||
	    !grow((void **)&s->peers, s->n_peers, &s->peers_size, 1, sizeof(*s->peers)))
		s->failed = true;
	else
		s->peers[s->n_peers++] = *peer;
}

/* What a text contains may end up on a terminal. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			*text = '?';
}

void snapshot_refuse(struct snapshot *s, const char *what, const char *fmt, ...)
{
	size_t len;
	va_list ap;

	if (s->refused++)
		return;
	len = (size_t)snprintf(s->refusal, sizeof(s->refusal), "%.60s: ", what);
	va_start(ap, fmt);
	vsnprintf(s->refusal + len, sizeof(s->refusal) - len, fmt, ap);
	va_end(ap);
	make_printable(s->refusal);
}

/* AS paths */

/* A number of at least one digit; one of more than 32 bits is none. */
static const char *as_number(const char *p, uint32_t *out)
{
	uint64_t n = 0;

	for (; isdigit((unsigned char)*p); p++)
		n = n > UINT32_MAX ? n : n * 10 + (uint64_t)(*p - '0');
	*out = n && n <= UINT32_MAX ? (uint32_t)n : AS_TRANS;
	return p;
}

/* "{1,2}", "(1 2)", "[1,2]", all between. NULL: it has no end or other things in it. */
static const char *as_segment(const char *p, uint32_t *first)
{
	char end = *p == '{' ? '}' : *p == '(' ? ')' : ']';

	p++;
	*first = AS_TRANS;
	if (isdigit((unsigned char)*p))
		p = as_number(p, first);
	p += strspn(p, "0123456789, ");
	return *p == end ? p + 1 : NULL;
}

int as_path_parse(const char *text, uint32_t out[SNAPSHOT_AS_MAX], size_t *n)
{
	const char *p = text + strspn(text, " ");
	bool owed = false; /* a '-' wants a number behind it */

	*n = 0;
	while (*p || owed) {
		uint32_t as = AS_TRANS;
		bool counts = true;

		if (isdigit((unsigned char)*p)) {
			p = as_number(p, &as);
		} else if (*p && strchr("{([", *p)) {
			counts = *p == '{';
			p = as_segment(p, &as);
		} else if (*p && strchr("ie?", *p) && !owed && !p[1 + strspn(p + 1, " ")]) {
			return 0;
		} else if (*p != '-' && !(owed && !*p)) {
			return -EINVAL;
		}
		if (!p || (*p && !strchr(" -", *p)) || *n == SNAPSHOT_AS_MAX)
			return -EINVAL;
		if (counts)
			out[(*n)++] = as;
		p += strspn(p, " ");
		owed = *p == '-';
		p += owed;
		p += strspn(p, " ");
	}
	return 0;
}

/* Documents */

/* Where the JSON can begin: a '{' or '[' before the first '"', which no progress text has. */
static json_t *first_document(const char *text, size_t len, size_t *at, bool progress,
			      json_error_t *why)
{
	const char *quote = memchr(text, '"', len);
	size_t end = quote ? (size_t)(quote - text) : len, tries = 0;
	json_error_t first = {0};

	for (size_t i = 0; i < end && tries < TRIES_MAX; i++) {
		json_t *doc;

		if (text[i] != '{' && text[i] != '[')
			continue;
		doc = json_loadb(text + i, len - i, JSON_DISABLE_EOF_CHECK, why);
		if (doc) {
			*at = i + (size_t)why->position;
			return doc;
		}
		if (!tries++)
			first = *why;
		if (!progress)
			break;
	}
	if (tries)
		*why = first;
	return NULL;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_space(const char *text, size_t len, size_t at)
{
	while (at < len && is_space(text[at]))
		at++;
	return at;
}

/* What is there in place of JSON, its first line. */
static int not_json(const char *text, size_t len, size_t at, char error[SNAPSHOT_ERROR])
{
	size_t n = 0;

	while (at + n < len && n < 100 && text[at + n] != '\n' && text[at + n] != '\r')
		n++;
	snprintf(error, SNAPSHOT_ERROR, "not JSON, but \"%.*s\": run the command by hand", (int)n,
		 text + at);
	make_printable(error);
	return -EINVAL;
}

static int bad_json(const char *text, size_t len, const json_error_t *why,
		    char error[SNAPSHOT_ERROR])
{
	bool ended = json_error_code(why) == json_error_premature_end_of_input;

	(void)text;
	(void)len;
	snprintf(error, SNAPSHOT_ERROR, "%s (%.80s, line %d): write the whole output, as JSON",
		 ended ? "ends too early" : "not JSON", why->text, why->line);
	make_printable(error);
	return -EINVAL;
}

static int documents(const struct snapshot_type *type, const struct config_feed *cfg,
		     const char *text, size_t len, struct snapshot *out, char error[SNAPSHOT_ERROR])
{
	size_t at = skip_space(text, len, 0), first = at;

	if (at == len) {
		out->empty = 1;
		return 0;
	}
	while (at < len) {
		bool progress = type->progress && at == first;
		json_error_t why;
		json_t *doc;
		size_t used = 0;
		int ret;

		if (!progress && text[at] != '{' && text[at] != '[')
			return not_json(text, len, at, error);
		why.line = -1;
		doc = first_document(text + at, len - at, &used, progress, &why);
		if (!doc && why.line < 0)
			return not_json(text, len, at, error);
		if (!doc)
			return bad_json(text, len, &why, error);
		ret = type->document(cfg, doc, out, error);
		json_decref(doc);
		make_printable(error);
		if (ret)
			return ret;
		at = skip_space(text, len, at + used);
	}
	return 0;
}

/* Nothing of it, or no row of its routes: sessions that are right do not make up for these. */
static bool none_read(const struct snapshot *s)
{
	size_t rows = s->rows - s->peer_rows, refused = s->refused - s->peer_refused;

	return s->refused && (s->refused >= s->rows || (rows && refused >= rows));
}

int snapshot_parse(const struct snapshot_type *type, const struct config_feed *cfg,
		   const char *text, size_t len, struct snapshot *out, char error[SNAPSHOT_ERROR])
{
	struct snapshot s = {0};
	size_t at = 0;
	int ret;

	error[0] = '\0';
	ret = documents(type, cfg, text, len, &s, error);
	if (!ret && s.failed) {
		snprintf(error, SNAPSHOT_ERROR,
			 "too large, or out of memory: take a feed of "
			 "another type for a table of that size");
		ret = -ENOMEM;
	}
	if (!ret && none_read(&s)) {
		snprintf(error, SNAPSHOT_ERROR, "none of its %zu rows can be read: %.140s",
			 s.refused, s.refusal);
		ret = -EINVAL;
	}
	if (ret) {
		snapshot_free(&s);
		return ret;
	}
	for (size_t i = 0; i < s.n; i++) {
		s.routes[i].as_path = s.as + at;
		at += s.routes[i].n_as;
	}
	if (type->finish)
		type->finish(&s);
	*out = s;
	return 0;
}
