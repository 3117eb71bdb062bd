/* SPDX-License-Identifier: GPL-2.0-only */
/* `audit`: the pairs of both views judged, part by part. */
#include "daemon/answer_audit.h"

#include <stdlib.h>
#include <string.h>

#define PART_NS	   2000000ULL /* of a turn of the loop */
#define PART_BYTES (256U << 10)

void audit_begin(struct daemon *d, struct incident_context *ctx, struct audit *out)
{
	const struct sw_ctl *c = datapath_ctl(d->dp);
	const struct sw_usable *u = datapath_usable(d->dp);
	uint64_t both = u->link & u->bfd & u->probe & u->admin & u->failback & u->neighbor;
	uint64_t last = u->link & u->admin;

	alerts_context(d, ctx);
	*out = (struct audit){
		.ctx = ctx,
		.watch = d->network_watch,
		.usable = {both & u->peers4 & c->can4, both & u->peers6 & c->can6},
		.last = {last & c->can4, last & c->can6},
		.down = -1,
	};
}

int audit_path(const struct daemon *d, const char *name)
{
	for (int id = 0; id < SW_MAX_PATHS; id++)
		if (d->path[id].cfg && !strcmp(d->path[id].cfg->name, name))
			return id;
	return -1;
}

static bool enough(void *arg, const struct rows_text *out)
{
	return out->len >= PART_BYTES || clock_now() >= *(const uint64_t *)arg;
}

int answer_audit_part(struct daemon *d, struct audit_place *place, const char *down,
		      struct rows_text *out, size_t *asymmetric)
{
	uint64_t until = clock_now() + PART_NS;
	struct incident_context ctx;
	struct audit audit;

	audit_begin(d, &ctx, &audit);
	if (down[0])
		audit.down = audit_path(d, down);
	return rows_audit_part(&audit, place, out, asymmetric, enough, &until);
}
