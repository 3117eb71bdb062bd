/* SPDX-License-Identifier: GPL-2.0-only */
/* The flows of a drain: those that it moves are known by number and reuse of their record. */
#include "core/drain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void drain_begin(struct drain *d, unsigned int path)
{
	*d = (struct drain){.path = path};
}

void drain_free(struct drain *d)
{
	free(d->v);
	d->v = NULL;
	d->n = d->room = 0;
}

int drain_before(struct drain *d, uint8_t family, const struct flow *flow, uint64_t now)
{
	if (flow->state.out != d->path || flow->seen_ns + DRAIN_ALIVE_NS < now)
		return 0;
	if (d->n == d->room) {
		size_t room = d->room ? d->room * 2 : 256;
		struct drain_flow *v = realloc(d->v, room * sizeof(*v));

		if (!v)
			return -ENOMEM;
		d->v = v;
		d->room = room;
	}
	d->v[d->n++] = (struct drain_flow){
		.record = flow->record,
		.reuse = flow->reuse,
		.family = family,
		.by = SW_NO_PATH,
		.answers = flow->in_packets,
		.out_packets = flow->out_packets,
		.out_bytes = flow->out_bytes,
		.in_packets = flow->in_packets,
	};
	return 0;
}

void drain_look_begin(struct drain *d)
{
	d->at = 0;
}

/* The flow that the record was, NULL: none that is counted, or it has become another's. */
static struct drain_flow *flow_find(struct drain *d, uint8_t family, const struct flow *flow)
{
	struct drain_flow *f;

	for (; d->at < d->n; d->at++) {
		f = &d->v[d->at];
		if (f->family > family || (f->family == family && f->record > flow->record))
			return NULL;
		if (f->family == family && f->record == flow->record)
			return f->reuse == flow->reuse ? f : NULL;
	}
	return NULL;
}

void drain_look(struct drain *d, uint8_t family, const struct flow *flow)
{
	struct drain_flow *f = flow_find(d, family, flow);
	bool sent, came;

	if (!f)
		return;
	sent = flow->out_packets > f->out_packets;
	came = flow->in_packets > f->in_packets;
	if (sent && flow->state.out != d->path && flow->state.out < SW_MAX_PATHS) {
		struct drain_backup *b = &d->backup[flow->state.out];

		b->packets += flow->out_packets - f->out_packets;
		b->bytes += flow->out_bytes - f->out_bytes;
		if (f->by == SW_NO_PATH)
			came = false; /* what this look finds may have come before it moved */
		else if (f->sent < DRAIN_SENT)
			f->sent++;
		f->by = flow->state.out;
	}
	if (came && f->by != SW_NO_PATH) {
		f->answered = true;
		f->by_path = flow->state.in == d->path;
	}
	f->out_packets = flow->out_packets;
	f->out_bytes = flow->out_bytes;
	f->in_packets = flow->in_packets;
}

struct drain_flows drain_flows(const struct drain *d, size_t by[SW_MAX_PATHS])
{
	struct drain_flows sum = {.alive = d->n};

	memset(by, 0, SW_MAX_PATHS * sizeof(*by));
	for (size_t i = 0; i < d->n; i++) {
		const struct drain_flow *f = &d->v[i];

		if (f->by == SW_NO_PATH)
			continue;
		by[f->by]++;
		sum.moved++;
		sum.unanswered += f->answers && !f->answered && f->sent >= DRAIN_SENT;
		sum.by_path += f->answered && f->by_path;
	}
	return sum;
}
