/* SPDX-License-Identifier: GPL-2.0-only */
/* MRT records, written byte by byte from RFC 6396 and RFC 8050, apart from the parser. */
#ifndef SAMEWAY_TESTS_MRT_BUILD_H
#define SAMEWAY_TESTS_MRT_BUILD_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mrt_out {
	uint8_t *v;
	size_t len, max;
	size_t record; /* where the last record begins */
};

static inline void put(struct mrt_out *o, const void *p, size_t n)
{
	if (o->len + n > o->max) {
		o->max = (o->len + n) * 2;
		o->v = realloc(o->v, o->max);
		if (!o->v)
			abort();
	}
	memcpy(o->v + o->len, p, n);
	o->len += n;
}

/* The n low bytes of v, the high one first. */
static inline void put_be(struct mrt_out *o, uint64_t v, int n)
{
	while (n--) {
		uint8_t byte = (uint8_t)(v >> 8 * n);

		put(o, &byte, 1);
	}
}

/* Hexadecimal digits, blanks between as you like. */
static inline void put_hex(struct mrt_out *o, const char *text)
{
	unsigned int byte;
	int used;

	while (sscanf(text, " %2x%n", &byte, &used) == 1) {
		put_be(o, byte, 1);
		text += used;
	}
}

static inline void record_begin(struct mrt_out *o, uint32_t seconds, uint16_t type,
				uint16_t subtype)
{
	o->record = o->len;
	put_be(o, seconds, 4);
	put_be(o, type, 2);
	put_be(o, subtype, 2);
	put_be(o, 0, 4);
}

/* Writes the length that is true. */
static inline void record_end(struct mrt_out *o)
{
	size_t len = o->len - o->record - 12;

	for (int i = 0; i < 4; i++)
		o->v[o->record + 8 + (size_t)i] = (uint8_t)(len >> 8 * (3 - i));
}

/* A whole record by its body's digits. */
static inline void put_record(struct mrt_out *o, uint32_t seconds, uint16_t type, uint16_t subtype,
			      const char *body)
{
	record_begin(o, seconds, type, subtype);
	put_hex(o, body);
	record_end(o);
}

/* A route of a RIB record: with a path identifier where path_id is not negative. */
static inline void put_entry(struct mrt_out *o, uint16_t peer, int64_t path_id, const char *attrs)
{
	size_t at;

	put_be(o, peer, 2);
	put_be(o, 0x60000000, 4);
	if (path_id >= 0)
		put_be(o, (uint64_t)path_id, 4);
	at = o->len;
	put_be(o, 0, 2);
	put_hex(o, attrs);
	o->v[at] = (uint8_t)((o->len - at - 2) >> 8);
	o->v[at + 1] = (uint8_t)(o->len - at - 2);
}

/* A BGP4MP message: what is before BGP's marker, then an UPDATE of three fields. */
static inline void put_update(struct mrt_out *o, uint16_t type, uint16_t subtype, const char *head,
			      const char *withdrawn, const char *attrs, const char *nlri)
{
	size_t marker, at;

	record_begin(o, 1000, type, subtype);
	put_hex(o, head);
	marker = o->len;
	put_hex(o, "ffffffffffffffffffffffffffffffff 0000 02 0000");
	at = o->len;
	put_hex(o, withdrawn);
	o->v[at - 1] = (uint8_t)(o->len - at);
	put_be(o, 0, 2);
	at = o->len;
	put_hex(o, attrs);
	o->v[at - 1] = (uint8_t)(o->len - at);
	put_hex(o, nlri);
	o->v[marker + 16] = (uint8_t)((o->len - marker) >> 8);
	o->v[marker + 17] = (uint8_t)(o->len - marker);
	record_end(o);
}

#endif
