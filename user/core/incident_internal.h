/* SPDX-License-Identifier: GPL-2.0-only */
/* What incident*.c remember. Nothing else includes this. */
#ifndef SAMEWAY_CORE_INCIDENT_INTERNAL_H
#define SAMEWAY_CORE_INCIDENT_INTERNAL_H

#include "core/cause.h"
#include "core/incident_life.h"

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
	enum severity severity;	    /* once confirmed, as last judged */
	uint64_t round;		    /* network: the last that told it */
	bool hole;		    /* of a black hole (blackhole.h): its flows come by scans */
	bool whole;		    /* ... of a whole path, and told so */
};

struct tracked {
	struct tracked *next;
	struct record *rec;
	struct sw_flow_key key;
	uint64_t scan; /* the last that saw it */
};

/* Which record the flows of a key are on. */
#define MEMOS 64
struct memo {
	struct cause_key key;
	struct record *rec;
	uint64_t epoch; /* holds while it is the set's */
};

/* The last failover from a path: who tells what was lost, and the flow by which it does. */
struct incident_loss {
	uint64_t id;	  /* 0: nobody */
	uint64_t fell_ns; /* the path's changed_ns then */
	struct sw_event example;
};

struct incidents {
	incident_cb cb;
	void *arg;
	struct record **v;			      /* by id */
	size_t n, room, n_open, n_network, n_tracked; /* n_network: of n_open */
	uint64_t last_id, scan, round;
	struct record *bucket[RECORD_BUCKETS];
	struct tracked *flows[FLOW_BUCKETS];
	struct memo memo[MEMOS];
	uint64_t memo_epoch, memo_now; /* memo_now: of the context that it is of */
	struct incident_loss loss[SW_MAX_PATHS];
	struct silence silences[SILENCES_MAX]; /* in order of their beginning */
	size_t n_silences;
	bool hook;	    /* there is one to be told */
	uint64_t forgotten; /* incidents, before it was told all of them */
};

static inline bool incident_is_network(const struct incident *inc)
{
	return inc->verdict > NETWORK_FIRST;
}

/* Goes on from `hash` with the bytes; for the buckets. */
uint64_t incident_hash(uint64_t hash, const void *data, size_t len);
/* Where the open ones of these are. */
struct record **incident_bucket(struct incidents *set, uint8_t verdict, const struct prefix *src,
				const struct prefix *dst);
/* A new one, open, with the next id; told to nobody yet. NULL when out of memory. */
struct record *incident_add(struct incidents *set, const struct incident_context *ctx,
			    const struct incident *inc);
void incident_tell(struct incidents *set, struct record *rec, enum incident_change change,
		   uint64_t now);
/* incident_life.c: before a change of it is told. */
void incident_live(const struct incidents *set, struct record *rec, enum incident_change change);
/* After its silences are known. */
void incident_live_restored(const struct incidents *set, struct record *rec);
/* An open one of flows, told to nobody yet; NULL when out of memory. What is told of it is this. */
struct record *incident_open(struct incidents *set, const struct incident_context *ctx,
			     const struct cause_facts *f, const struct cause_told *told);
void incident_set(struct record *rec, const struct cause_facts *f, const struct cause_told *told);
/* Tells an update: at once for what a person acts on, else calmly. */
void incident_update(struct incidents *set, struct record *rec, uint64_t now);
/* incident_life.c. NULL: there is none. */
struct record *incident_by_id(const struct incidents *set, uint64_t id);
/*
 * incident_lost.c. True: this incident (`rec`, NULL: the one to be opened) is to tell the whole of
 * a failover, and to be registered as who does. Else another does, which the facts then say, or
 * this one does already.
 */
bool incident_lost_share(struct incidents *set, const struct incident_context *ctx,
			 const struct record *rec, struct cause_facts *f);
void incident_lost_told(struct incidents *set, const struct incident_context *ctx,
			const struct record *rec, const struct cause_facts *f,
			const struct sw_event *ev);
/* No flow is tracked on it any more. The record lives on, closed; the caller prunes. */
void incident_close(struct incidents *set, struct record *rec, uint64_t now);
/* Forgets the oldest closed ones. */
void incidents_prune(struct incidents *set);

#endif
