/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The document behind the config: complaints with their lines, and the walk over a mapping by a
 * table of keys. Anchors and aliases make the document a graph, even a cyclic one; the walk goes
 * only as deep as the tables do. What an alias repeats is one mistake, told once.
 */
#include "core/config_yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ERRORS 1000 /* then one line says that there are more */
#define SHOWN_LEN  48
#define KEY_LEN	   40 /* of a key, for the comparison of spellings */

int config_line(const yaml_node_t *node)
{
	return (int)node->start_mark.line + 1;
}

/* Text for a message: ASCII that a terminal survives, cut where too long. */
static void show_text(const yaml_node_t *node, char out[SHOWN_LEN])
{
	size_t len = node->data.scalar.length, n = len < SHOWN_LEN - 4 ? len : SHOWN_LEN - 4;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = node->data.scalar.value[i];

		out[i] = c >= 0x20 && c < 0x7f ? (char)c : '?';
	}
	strcpy(out + n, n < len ? "..." : "");
}

static const char *show(const yaml_node_t *node, char out[SHOWN_LEN])
{
	if (node->type == YAML_SEQUENCE_NODE)
		return "a list";
	if (node->type == YAML_MAPPING_NODE)
		return "a mapping";
	if (config_is_null(node))
		return "no value";
	show_text(node, out);
	return out[0] ? out : "an empty text";
}

/* Where a mistake of `line` goes: behind those of its line and before; false: told already. */
static bool error_place(const struct config_errors *errors, const struct config_error *e,
			size_t *at)
{
	size_t i = errors->n;

	while (i > 0 && errors->v[i - 1].line > e->line)
		i--;
	*at = i;
	for (; i > 0 && errors->v[i - 1].line == e->line; i--) {
		if (!strcmp(errors->v[i - 1].text, e->text))
			return false;
	}
	return true;
}

int config_errors_add(struct config_errors *errors, const struct config_error *e)
{
	struct config_error *grown;
	size_t at;

	if (!error_place(errors, e, &at))
		return 0;
	grown = realloc(errors->v, (errors->n + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	errors->v = grown;
	memmove(grown + at + 1, grown + at, (errors->n - at) * sizeof(*grown));
	grown[at] = *e;
	errors->n++;
	return 0;
}

int config_errors_say(struct config_errors *errors, int line, const char *fmt, ...)
{
	struct config_error e = {.line = line};
	va_list args;

	va_start(args, fmt);
	vsnprintf(e.text, sizeof(e.text), fmt, args);
	va_end(args);
	return config_errors_add(errors, &e);
}

void config_complain(struct config_reader *r, int line, const char *fmt, ...)
{
	struct config_error e = {.line = line};
	va_list args;

	if (r->errors->n > MAX_ERRORS)
		return;
	if (r->errors->n == MAX_ERRORS) {
		strcpy(e.text, "more mistakes than are told: mend these first");
	} else {
		va_start(args, fmt);
		vsnprintf(e.text, sizeof(e.text), fmt, args);
		va_end(args);
	}
	if (config_errors_add(r->errors, &e))
		r->rc = -ENOMEM;
}

void config_bad(struct config_reader *r, const struct config_key *key, const yaml_node_t *node,
		const char *fmt, ...)
{
	char text[sizeof(((struct config_error *)0)->text)], value[SHOWN_LEN];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	config_complain(r, config_line(node), "%s: %s: %s", key->name, show(node, value), text);
}

void config_mark(struct config_reader *r, const void *field, const yaml_node_t *node)
{
	size_t n = r->n_marks;

	if (!(n & (n - 1))) { /* full at each power of two */
		struct config_mark *grown = realloc(r->marks, (n ? 2 * n : 1) * sizeof(*grown));

		if (!grown) {
			r->rc = -ENOMEM;
			return;
		}
		r->marks = grown;
	}
	r->marks[r->n_marks++] = (struct config_mark){field, config_line(node)};
}

int config_line_of(const struct config_reader *r, const void *field, int otherwise)
{
	for (size_t i = 0; i < r->n_marks; i++) {
		if (r->marks[i].field == field)
			return r->marks[i].line;
	}
	return otherwise;
}

bool config_is_null(const yaml_node_t *node)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};

	if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++) {
		if (!strcmp((const char *)node->data.scalar.value, nulls[i]))
			return true;
	}
	return false;
}

const char *config_text(struct config_reader *r, const struct config_key *key,
			const yaml_node_t *node, const char *want)
{
	const char *text = (const char *)node->data.scalar.value;

	if (node->type != YAML_SCALAR_NODE || config_is_null(node)) {
		config_bad(r, key, node, "wrong type: give %s", want);
		return NULL;
	}
	if (strlen(text) != node->data.scalar.length) {
		config_bad(r, key, node, "holds a zero byte: give %s", want);
		return NULL;
	}
	return text;
}

bool config_items(struct config_reader *r, const struct config_key *key, const yaml_node_t *node,
		  const char *want, size_t *n)
{
	if (node->type != YAML_SEQUENCE_NODE) {
		config_bad(r, key, node, "wrong type: give a list of %s", want);
		return false;
	}
	*n = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	return true;
}

const yaml_node_t *config_item(struct config_reader *r, const yaml_node_t *node, size_t i)
{
	return yaml_document_get_node(&r->doc, node->data.sequence.items.start[i]);
}

/* Whether a node is this text, whatever its length. */
static bool is_text(const yaml_node_t *node, const char *text)
{
	return node->type == YAML_SCALAR_NODE && node->data.scalar.length == strlen(text) &&
	       !memcmp(node->data.scalar.value, text, strlen(text));
}

const yaml_node_t *config_find(struct config_reader *r, const yaml_node_t *node, const char *name)
{
	if (node->type != YAML_MAPPING_NODE)
		return NULL;
	for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top;
	     p++) {
		if (is_text(yaml_document_get_node(&r->doc, p->key), name))
			return yaml_document_get_node(&r->doc, p->value);
	}
	return NULL;
}

/* Levenshtein: letters to add, drop or change; texts are cut at KEY_LEN. */
static size_t spelling_distance(const char *a, const char *b)
{
	size_t la = strnlen(a, KEY_LEN), lb = strnlen(b, KEY_LEN);
	size_t row[KEY_LEN + 1];

	for (size_t k = 0; k <= lb; k++)
		row[k] = k;
	for (size_t i = 1; i <= la; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t k = 1; k <= lb; k++) {
			size_t best = diagonal + (a[i - 1] != b[k - 1]);

			diagonal = row[k];
			if (row[k] + 1 < best)
				best = row[k] + 1;
			if (row[k - 1] + 1 < best)
				best = row[k - 1] + 1;
			row[k] = best;
		}
	}
	return row[lb];
}

static void unknown_key(struct config_reader *r, const yaml_node_t *node, const char *what,
			const struct config_key *keys, size_t n_keys)
{
	size_t best = 0, distance = KEY_LEN;
	char text[SHOWN_LEN];

	show_text(node, text);
	for (size_t i = 0; i < n_keys; i++) {
		size_t d = spelling_distance(text, keys[i].name);

		if (d < distance) {
			distance = d;
			best = i;
		}
	}
	if (distance <= strlen(text) / 2 + 1)
		config_complain(r, config_line(node), "%s: unknown key of %s: did you mean %s?",
				text, what, keys[best].name);
	else
		config_complain(r, config_line(node), "%s: unknown key of %s: remove it", text,
				what);
}

/* The default of a key, as written, or the same number written otherwise. */
static bool is_fallback(const yaml_node_t *node, const char *fallback)
{
	uint64_t a, b;

	if (is_text(node, fallback))
		return true;
	return node->type == YAML_SCALAR_NODE &&
	       strlen((const char *)node->data.scalar.value) == node->data.scalar.length &&
	       !config_number(fallback, &a) &&
	       !config_number((const char *)node->data.scalar.value, &b) && a == b;
}

/* A key that later builds do: only what it does without being there is taken. */
static void read_not_yet(struct config_reader *r, const struct config_key *key,
			 const yaml_node_t *node)
{
	const yaml_node_item_t *items;

	if (config_is_null(node))
		return;
	if (key->fallback && is_fallback(node, key->fallback))
		return;
	if (node->type == YAML_SEQUENCE_NODE && key->fallback && !strcmp(key->fallback, "[]")) {
		items = node->data.sequence.items.start;
		if (items == node->data.sequence.items.top)
			return;
	}
	config_bad(r, key, node, "not yet: %s", key->instead);
}

static void missing_keys(struct config_reader *r, const yaml_node_t *node, const char *what,
			 const struct config_key *keys, size_t n_keys, uint64_t seen)
{
	for (size_t i = 0; i < n_keys; i++) {
		if (keys[i].required && !(seen & 1ULL << i))
			config_complain(r, config_line(node), "%s: missing in %s: add it",
					keys[i].name, what);
	}
}

void config_mapping(struct config_reader *r, const yaml_node_t *node, const char *what,
		    const struct config_key *keys, size_t n_keys, void *into)
{
	uint64_t seen = 0;

	if (node->type != YAML_MAPPING_NODE) {
		config_complain(r, config_line(node), "%s: not a mapping: write `key: value` pairs",
				what);
		return;
	}
	for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top;
	     p++) {
		const yaml_node_t *name = yaml_document_get_node(&r->doc, p->key);
		const yaml_node_t *value = yaml_document_get_node(&r->doc, p->value);
		size_t i = 0;

		while (i < n_keys && !is_text(name, keys[i].name))
			i++;
		if (name->type != YAML_SCALAR_NODE)
			config_complain(r, config_line(name),
					"%s: a key that is no text: remove it", what);
		else if (i == n_keys)
			unknown_key(r, name, what, keys, n_keys);
		else if (seen & 1ULL << i)
			config_complain(r, config_line(name), "%s: twice in %s: remove one",
					keys[i].name, what);
		else if (keys[i].read)
			keys[i].read(r, &keys[i], value, into);
		else
			read_not_yet(r, &keys[i], value);
		seen |= i < n_keys ? 1ULL << i : 0;
	}
	missing_keys(r, node, what, keys, n_keys, seen);
}

void *config_array(struct config_reader *r, size_t n, size_t size)
{
	void *v = calloc(n ? n : 1, size);

	if (!v)
		r->rc = -ENOMEM;
	return v;
}

/* Line of a byte of the text: of a mistake of the encoding, which has no mark. */
static int line_at(const char *text, size_t offset)
{
	int line = 1;

	for (size_t i = 0; i < offset; i++)
		line += text[i] == '\n';
	return line;
}

static void complain_syntax(struct config_reader *r, const yaml_parser_t *parser, const char *text,
			    size_t len)
{
	const char *problem = parser->problem ? parser->problem : "unreadable";
	size_t offset = parser->problem_offset < len ? parser->problem_offset : len;

	if (parser->error == YAML_MEMORY_ERROR)
		r->rc = -ENOMEM;
	else if (parser->error == YAML_READER_ERROR)
		config_complain(r, line_at(text, offset), "YAML: %s: save the file as UTF-8 text",
				problem);
	else
		config_complain(r, (int)parser->problem_mark.line + 1,
				"YAML: %s: mend the syntax (indent with blanks, quote odd texts)",
				problem);
}

/* Looks behind the first document: whatever stands there is a mistake. */
static void check_end(struct config_reader *r, yaml_parser_t *parser, const char *text, size_t len)
{
	yaml_document_t more;
	const yaml_node_t *root;

	if (!yaml_parser_load(parser, &more)) {
		complain_syntax(r, parser, text, len);
		return;
	}
	root = yaml_document_get_root_node(&more);
	if (root)
		config_complain(r, (int)more.start_mark.line + 1,
				"a second document: keep all in the first, without `---`");
	yaml_document_delete(&more);
}

const yaml_node_t *config_load(struct config_reader *r, const char *text, size_t len)
{
	const yaml_node_t *root = NULL;
	yaml_parser_t parser;

	if (!yaml_parser_initialize(&parser)) {
		r->rc = -ENOMEM;
		return NULL;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (!yaml_parser_load(&parser, &r->doc)) {
		complain_syntax(r, &parser, text, len);
	} else {
		root = yaml_document_get_root_node(&r->doc);
		if (!root) {
			config_complain(r, 1, "an empty config: give at least paths and inside");
			yaml_document_delete(&r->doc);
		} else {
			check_end(r, &parser, text, len);
		}
	}
	yaml_parser_delete(&parser);
	return root;
}
