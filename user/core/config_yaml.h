/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside of the config's reader, for config*.c only: a YAML document walked by tables of keys.
 * A table says for each key who reads its value and where to; the walk tells unknown, double and
 * missing keys. Every complaint takes the line of the node it is about, and reading goes on after
 * it, so that one run tells all mistakes.
 */
#ifndef SAMEWAY_CORE_CONFIG_YAML_H
#define SAMEWAY_CORE_CONFIG_YAML_H

#include <yaml.h>

#include "core/config.h"

#define CONFIG_MAX_NS (24ULL * 3600 * 1000000000)

/* Which line a value of the config came from, for the checks that compare two values. */
struct config_mark {
	const void *field;
	int line;
};

struct config_reader {
	yaml_document_t doc;
	struct config *cfg; /* being filled; its arrays don't move once read */
	struct config_errors *errors;
	struct config_mark *marks;
	size_t n_marks;
	int rc; /* -ENOMEM once memory ran out, else 0 */
};

struct config_key;
typedef void config_read_fn(struct config_reader *r, const struct config_key *key,
			    const yaml_node_t *node, void *into);

struct config_key {
	const char *name;
	config_read_fn *read; /* NULL: not yet, only `fallback` or null is taken */
	size_t offset;	      /* of the field in `into` */
	bool required;
	uint64_t min, max;	    /* of a number; of an address min is the family, 0: both */
	const char *const *choices; /* NULL-terminated, in order of the enum */
	size_t n_now;		    /* how many of the choices are there now, the rest: not yet */
	const char *fallback;	    /* not yet: its default, NULL: none */
	const char *instead;	    /* not yet: what to do */
};

/* Adds a mistake, once; in order of line. `line` is 1-based. */
__attribute__((format(printf, 3, 4))) void config_complain(struct config_reader *r, int line,
							   const char *fmt, ...);
/* "KEY: VALUE: " and the text, at the node's line. */
__attribute__((format(printf, 4, 5))) void config_bad(struct config_reader *r,
						      const struct config_key *key,
						      const yaml_node_t *node, const char *fmt,
						      ...);
/*
 * Loads the only document of the text into r->doc and returns its root, to be freed by
 * yaml_document_delete(&r->doc); NULL: no document, complained or r->rc set.
 */
const yaml_node_t *config_load(struct config_reader *r, const char *text, size_t len);
int config_line(const yaml_node_t *node);
/* Remembers the line of a field, and gives it back (`otherwise` if it was never read). */
void config_mark(struct config_reader *r, const void *field, const yaml_node_t *node);
int config_line_of(const struct config_reader *r, const void *field, int otherwise);

bool config_is_null(const yaml_node_t *node);
/* The scalar's text, owned by the document; else complains that `want` is wanted, and NULL. */
const char *config_text(struct config_reader *r, const struct config_key *key,
			const yaml_node_t *node, const char *want);
/* Whether it is a list, with its length; else complains. */
bool config_items(struct config_reader *r, const struct config_key *key, const yaml_node_t *node,
		  const char *want, size_t *n);
const yaml_node_t *config_item(struct config_reader *r, const yaml_node_t *node, size_t i);
/* The value of a key, NULL: not there, or no mapping. */
const yaml_node_t *config_find(struct config_reader *r, const yaml_node_t *node, const char *name);
/* Reads a mapping (`what` names it in messages) by its table of keys into `into`. */
void config_mapping(struct config_reader *r, const yaml_node_t *node, const char *what,
		    const struct config_key *keys, size_t n_keys, void *into);

/* Decimal without leading zeros, or 0x and hex digits. 0 or -EINVAL. */
int config_number(const char *text, uint64_t *out);
/* Zeroed memory for an array; NULL, and r->rc set, when there is none. */
void *config_array(struct config_reader *r, size_t n, size_t size);

/* Readers of values (config_value.c): into + key->offset, of the type named. */
config_read_fn config_read_choice;    /* an enum, by key->choices */
config_read_fn config_read_u32;	      /* uint32_t, key->min..max */
config_read_fn config_read_bool;      /* bool */
config_read_fn config_read_duration;  /* uint64_t, ns */
config_read_fn config_read_name;      /* char[SW_NAME_LEN] */
config_read_fn config_read_interface; /* char[16] */
config_read_fn config_read_gateway;   /* struct ip_addr, of family key->min, 0: any */
config_read_fn config_read_router_id; /* uint32_t, host order */
config_read_fn config_read_string;    /* char *, allocated */
/* struct ip_addr followed by port: two fields, so its own. */
bool config_listen(struct config_reader *r, const struct config_key *key, const yaml_node_t *node,
		   struct ip_addr *ip, uint16_t *port);
/* Allocated lists; a bad item is told and left out. */
void config_addresses(struct config_reader *r, const struct config_key *key,
		      const yaml_node_t *node, struct ip_addr **v, size_t *n);
void config_networks(struct config_reader *r, const struct config_key *key, const yaml_node_t *node,
		     struct prefix **v, size_t *n);
/* A prefix without host bits. */
bool config_prefix(struct config_reader *r, const struct config_key *key, const yaml_node_t *node,
		   struct prefix *out);

/* Rows of a table of keys; config_keys.c and config_feeds.c have them. */
#define KEY(struct_, key, field, reader, ...)                                                      \
	{                                                                                          \
		.name = key, .offset = offsetof(struct struct_, field),                            \
		.read = config_read_##reader, __VA_ARGS__                                          \
	}
#define KEY_CHOICE(struct_, key, field, list, now, ...)                                            \
	KEY(struct_, key, field, choice, .choices = list, .n_now = now, __VA_ARGS__)
#define KEY_OWN(key, reader, ...)                                                                  \
	{                                                                                          \
		.name = key, .read = reader, __VA_ARGS__                                           \
	}
#define KEY_LATER(key, only, what)                                                                 \
	{                                                                                          \
		.name = key, .fallback = only, .instead = what                                     \
	}

/* Of rtm_protocol; NULL: it has none here. */
const char *config_protocol_name(uint8_t number);
/* The section `feeds` (config_feeds.c). */
config_read_fn config_read_feeds;
/* The section `rules`, and what can be wrong with it once the paths are there (config_rules.c). */
config_read_fn config_read_rules;
void config_check_rules(struct config_reader *r);
/* NULL: it has none here. */
const char *config_proto_name(int number);
/* The whole config by its tables of keys (config_keys.c). */
void config_read(struct config_reader *r, const yaml_node_t *root);
/* The checks that need more than one value (config_check.c); complains. */
void config_check(struct config_reader *r);

/* Texts of the enums, in their order, NULL-terminated. */
extern const char *const config_modes[], *const config_matches[], *const config_forwards[];
extern const char *const config_default_routes[], *const config_scopes[], *const config_classes[];
extern const char *const config_transits[];
extern const char *const config_multipaths[], *const config_actions[];
extern const char *const config_feed_types[], *const config_hooks[], *const config_speeds[];

#endif
