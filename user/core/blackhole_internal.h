/* SPDX-License-Identifier: GPL-2.0-only */
/* What blackhole*.c remember. Nothing else includes this. */
#ifndef SAMEWAY_CORE_BLACKHOLE_INTERNAL_H
#define SAMEWAY_CORE_BLACKHOLE_INTERNAL_H

#include "core/blackhole.h"

#define CELLS	   1024 /* a power of 2 */
#define CELL_HOSTS 8
#define HOLES	   64
#define SERVICES   4096
#define ANSWERING  1024
#define MS	   1000000ULL

/* A record as the last scan saw it. Times in ms since bh.start, and one; 0: never. */
struct seen {
	uint64_t bytes, bytes_then; /* of what it sent */
	uint32_t in, out;	    /* packets */
	uint32_t out_then; /* `out`, as `bytes_then`, at its last answer or when silence began */
	uint32_t grown;	   /* of `out`, since the scan before */
	uint32_t silent, answered, sent;
	uint32_t came, gap; /* `in` last grew, and how long after the time before */
	uint16_t reuse;
	uint16_t size;	   /* mean of what it sent when it was last answered, 0: not known */
	uint8_t repeats;   /* of `in` in a row that were the far side's TCP's, REPEATS at most */
	bool known, noted; /* noted: what it asks is a known service */
};

/* What one flow tells. */
struct finding {
	bool silent, answered, elsewhere, moves;
	bool large, small; /* silent, by packets of that size, while its host answers others */
	uint16_t size;
	uint32_t host, last_answer, since;
};

struct cell {
	bool used, whole;
	uint8_t path;
	struct prefix src, dst;
	size_t silent, answered, elsewhere, moves;
	size_t large, small;
	uint16_t large_size, answered_size; /* the least, the most */
	uint32_t last_answer;		    /* of its silent flows */
	uint32_t since; /* the first silence of those that never were answered */
	uint32_t host[CELL_HOSTS];
	size_t hosts;
};

struct hole {
	struct blackhole told;
	uint32_t last; /* when a flow last sent into it */
};

/* One that an answer has ended. What has not sent since then tells nothing. */
struct ended {
	uint8_t path;
	bool whole;
	struct prefix src, dst;
	uint32_t at;
};

/* A host, with the path, and when it last answered what was sent by that. */
struct answering {
	uint32_t host, at;
};

struct blackholes {
	struct seen *seen[2]; /* of each family */
	uint64_t start_ns;
	uint32_t now, before; /* this scan and the last */
	uint64_t suspects, suspects_next, dead;
	uint64_t received_ns[SW_MAX_PATHS];
	uint32_t service[SERVICES];
	struct answering answering[ANSWERING];
	struct cell cell[CELLS];
	size_t cells;
	struct hole hole[HOLES];
	size_t holes;
	struct ended ended[HOLES]; /* the last ones */
	size_t n_ended;
	struct blackhole_size sizes[SW_MAX_PATHS];
};

static inline uint32_t ms_since(const struct blackholes *b, uint32_t then)
{
	return b->now - then;
}

/* Nothing objects to the path, and did not within grace. */
bool blackhole_path_settled(const struct incident_context *ctx, unsigned int path, uint8_t family);

/* blackhole_size.c: it was answered, having sent so much in all; what a flow tells, put into its
 * cell; a scan's end. */
void blackhole_size_answered(struct seen *s, uint32_t out, uint64_t bytes);
void blackhole_size_find(struct blackholes *b, const struct seen *s, uint8_t path,
			 struct finding *f);
void blackhole_size_add(struct cell *c, const struct finding *f);
void blackhole_sizes_end(struct blackholes *b, const struct incident_context *ctx);

#endif
