/* SPDX-License-Identifier: GPL-2.0-only */
/* Redirect errors (map `redirect_errors`): followed, and told in the log when they grow. */
#include "daemon/daemon_impl.h"
#include "output/rows.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TELL_NS 10000000000ULL /* at most so often */

void redirects_start(struct daemon *d)
{
	int err = datapath_trace(d->dp);

	if (err)
		daemon_log("redirect errors are not counted on this kernel (%s): what a device "
			   "loses after a redirect shows in `ip -s link` at most",
			   err == -EOPNOTSUPP ? "it takes no program on those tracepoints"
					      : strerror(-err));
	d->redirects.begun = false;
}

/* "device-down 12, queue-full 3" of what is more than before. */
static void errors_text(char *buf, size_t size, const struct sw_redirect_errors *now,
			const struct sw_redirect_errors *before)
{
	size_t used = 0;

	buf[0] = '\0';
#define MORE_TEXT(field, text)                                                                     \
	if (now->field > before->field && used < size)                                             \
		used += (size_t)snprintf(buf + used, size - used, "%s" text " %llu",               \
					 used ? ", " : "",                                         \
					 (unsigned long long)(now->field - before->field));
	SW_REDIRECT_ERRORS(MORE_TEXT)
}

static void tell(struct daemon *d, const struct edge_port *port,
		 const struct sw_redirect_errors *now, uint64_t more)
{
	char text[200];

	errors_text(text, sizeof(text), now, &d->redirects.told[port->slot]);
	daemon_log("%s lost %llu packets that were redirected to it (%s): see `ip -s link show dev "
		   "%s`",
		   port->name, (unsigned long long)more, text, port->name);
}

void redirects_tick(struct daemon *d)
{
	struct redirects *r = &d->redirects;
	struct sw_redirect_errors now[SW_MAX_SLOTS];
	uint64_t clock = clock_now(), sum = 0;
	bool due = r->begun && clock - r->told_ns >= TELL_NS;
	struct sw_health health = {0};

	memset(now, 0, sizeof(now));
	for (size_t i = 0; i < d->n_ports; i++) {
		uint8_t slot = d->port[i].slot;

		if (maps_redirect_errors(d->maps, slot, &now[slot]))
			return;
		sum += rows_redirect_lost(&now[slot]);
	}
	if (!maps_health(d->maps, &health))
		sum += health.redirect_no_dev;
	if (r->begun && sum > r->sum)
		r->last_ns = clock;
	r->sum = sum;
	for (size_t i = 0; due && i < d->n_ports; i++) {
		uint8_t slot = d->port[i].slot;
		uint64_t lost = rows_redirect_lost(&now[slot]);
		uint64_t told = rows_redirect_lost(&r->told[slot]);

		if (lost <= told)
			continue;
		tell(d, &d->port[i], &now[slot], lost - told);
		r->told[slot] = now[slot];
		r->told_ns = clock;
	}
	if (!r->begun)
		memcpy(r->told, now, sizeof(now));
	r->begun = true;
}
