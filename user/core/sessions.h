/* SPDX-License-Identifier: GPL-2.0-only */
/* The BGP sessions that a routing daemon says it has, from its own words. Pure. */
#ifndef SAMEWAY_CORE_SESSIONS_H
#define SAMEWAY_CORE_SESSIONS_H

#include "core/prefix.h"

#define SESSION_NAME 48

struct session {
	char name[SESSION_NAME];	 /* BIRD's protocol; empty: FRR */
	struct ip_addr neighbor, source; /* source: family 0 where it is not known */
	uint32_t as, local_as;
	uint16_t port; /* of the neighbour, 0: the usual */
	bool up;
};

struct sessions {
	struct session *v;
	size_t n;
	bool bird, frr; /* who was asked */
};

/* BIRD's answer to `show protocols all`. 0 or -ENOMEM. */
int sessions_parse_bird(struct sessions *out, const char *text);
/* FRR's answer to `show bgp neighbors json`. 0, -EINVAL: not that, or -ENOMEM. */
int sessions_parse_frr(struct sessions *out, const char *text);
void sessions_free(struct sessions *sessions);

#endif
