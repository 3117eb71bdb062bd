/* SPDX-License-Identifier: GPL-2.0-only */
/* What incident.c remembers. Nothing else includes this. */
#ifndef SAMEWAY_CORE_INCIDENT_INTERNAL_H
#define SAMEWAY_CORE_INCIDENT_INTERNAL_H

#include "core/cause.h"

#define FLOW_BUCKETS   16384
#define FLOWS_TRACKED  65536
#define RECORD_BUCKETS 1024
#define CLOSED_KEPT    1000
#define CLOSE_MIN_NS   30000000000ULL
#define UPDATE_NS      10000000000ULL

struct record {
	struct incident inc;
	struct record *next;   /* in its bucket, while open */
	size_t untracked;      /* of inc.flows, those beyond FLOWS_TRACKED ... */
	size_t untracked_scan; /* ... and as the present scan finds them */
	struct incident told;  /* as the last callback saw it */
	uint64_t told_ns;
	struct cause_kernel kernel; /* the answer for its first flow */
};

struct tracked {
	struct tracked *next;
	struct record *rec;
	struct sw_flow_key key;
	uint64_t scan; /* the last that saw it */
};

struct incidents {
	incident_cb cb;
	void *arg;
	struct record **v; /* by id */
	size_t n, room, n_open, n_tracked;
	uint64_t last_id, scan;
	struct record *bucket[RECORD_BUCKETS];
	struct tracked *flows[FLOW_BUCKETS];
};

#endif
