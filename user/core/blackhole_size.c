/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Black holes of large packets (a path's MTU is smaller than what is sent, and nobody says so): a
 * flow sends large packets and is silent, while its host answers smaller ones by the same path.
 * All that a record tells of sizes is their mean, since its last answer: of a TCP that repeats a
 * full segment it is that segment's.
 */
#include <string.h>

#include "core/blackhole_internal.h"

/* No way loses the ones by their size; the others are what a tunnel may be too small for. */
#define SMALL_MOST  576
#define LARGE_LEAST 1200

static uint16_t mean(const struct seen *s, uint32_t out, uint64_t bytes)
{
	uint64_t sent = bytes - s->bytes_then;
	uint32_t packets = out - s->out_then, size;

	if (!packets)
		return 0;
	/* of 32 bits where it can be, which is faster: each healthy flow has a division a scan */
	size = sent <= UINT32_MAX ? (uint32_t)sent / packets : (uint32_t)(sent / packets);
	return size < UINT16_MAX ? (uint16_t)size : UINT16_MAX;
}

void blackhole_size_answered(struct seen *s, uint32_t out, uint64_t bytes)
{
	if (out != s->out_then)
		s->size = mean(s, out, bytes);
	s->out_then = out;
	s->bytes_then = bytes;
}

void blackhole_size_find(struct blackholes *b, const struct seen *s, uint8_t path,
			 struct finding *f)
{
	uint32_t host = f->host ^ (path + 1U) * 0x9e3779b1U;
	struct answering *a = &b->answering[host % ANSWERING];

	if (f->answered) {
		if (a->host != host || a->at < s->answered)
			*a = (struct answering){host, s->answered};
		f->size = s->size;
	} else if (f->silent && a->host == host && ms_since(b, a->at) < BLACKHOLE_NS / MS) {
		/* it has answered others while this one was silent, which is for longer */
		f->size = mean(s, s->out, s->bytes);
		f->large = f->size >= LARGE_LEAST;
		f->small = f->size <= SMALL_MOST;
	}
}

void blackhole_size_add(struct cell *c, const struct finding *f)
{
	c->large += f->large;
	c->small += f->small;
	if (f->large && (!c->large_size || f->size < c->large_size))
		c->large_size = f->size;
	if (f->answered && f->size > c->answered_size)
		c->answered_size = f->size;
}

/* Silent small ones, large ones that are answered, or none that are: it is not by their size. */
static bool by_size(const struct incident_context *ctx, const struct cell *c)
{
	return c->used && !c->whole && c->large >= BLACKHOLE_LARGE_FLOWS && !c->small &&
	       !c->elsewhere && c->answered_size && c->answered_size < c->large_size &&
	       blackhole_path_settled(ctx, c->path, c->src.family);
}

void blackhole_sizes_end(struct blackholes *b, const struct incident_context *ctx)
{
	memset(b->sizes, 0, sizeof(b->sizes));
	for (size_t i = 0; b->cells && i < CELLS; i++) {
		const struct cell *c = &b->cell[i];
		struct blackhole_size *s = &b->sizes[c->path];

		if (by_size(ctx, c) && c->large > s->flows)
			*s = (struct blackhole_size){.flows = c->large,
						     .src = c->src,
						     .dst = c->dst,
						     .lost = c->large_size,
						     .answered = c->answered_size};
	}
}

const struct blackhole_size *blackholes_sizes(const struct blackholes *b)
{
	return b->sizes;
}
