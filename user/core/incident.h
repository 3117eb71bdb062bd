/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Incidents: flow events of one verdict and cause between two prefixes, and states of the network,
 * opened, updated and closed. Pure: `now` is CLOCK_MONOTONIC, `wall` CLOCK_REALTIME (ns).
 */
#ifndef SAMEWAY_CORE_INCIDENT_H
#define SAMEWAY_CORE_INCIDENT_H

#include "core/fib.h"
#include "core/flow.h"
#include "core/kernel_route.h"

#define CAUSES(X)                                                                                  \
	X(UNKNOWN, "unknown")                                                                      \
	X(LINK_DOWN, "link-down")                                                                  \
	X(BGP_DOWN, "bgp-down")                                                                    \
	X(DRAINED, "drained")                                                                      \
	X(VPN_MORE_SPECIFIC, "vpn-more-specific")                                                  \
	X(AZURE_PREFERENCE, "azure-preference")                                                    \
	X(LOCAL_PREF_MISSING, "local-pref-missing")                                                \
	X(FIB_OVERRIDE, "fib-override")                                                            \
	X(BGP_DAEMON, "bgp-daemon")                                                                \
	X(PREFIX_LIMIT, "prefix-limit")                                                            \
	X(MAINTENANCE_NO_LOCAL_PREF, "maintenance-no-local-pref")                                  \
	X(ONPREM_MORE_SPECIFIC, "onprem-more-specific")                                            \
	X(NOT_ADVERTISED_ON_ER, "not-advertised-on-er")                                            \
	X(CONVERGENCE, "convergence")                                                              \
	X(ER_DATAPLANE, "er-dataplane")                                                            \
	X(BACKUP_BLACKHOLE, "backup-blackhole")                                                    \
	X(UNENCRYPTED, "unencrypted")                                                              \
	X(OVERLAP, "overlap")                                                                      \
	X(OTHER_EDGE, "other-edge")                                                                \
	X(BFD_DOWN, "bfd-down")
#define CAUSE_ENUM(id, text) CAUSE_##id,
enum cause { CAUSES(CAUSE_ENUM) CAUSE_COUNT };
/* Incidents of the network, in incident.verdict beside the verdicts of flows. */
#define NETWORK_KINDS(X)                                                                           \
	X(FEED_STALE, "feed-stale")                                                                \
	X(PREFIX_LIMIT, "prefix-limit")                                                            \
	X(ROUTE_CHANGE, "route-change")                                                            \
	X(FAILBACK, "failback")                                                                    \
	X(FAILBACK_STUCK, "failback-stuck")                                                        \
	X(BACKUP_DOWN, "backup-down")                                                              \
	X(BACKUP_NOT_INDEPENDENT, "backup-not-independent")                                        \
	X(NO_BACKUP, "no-backup")                                                                  \
	X(ROUTE_LEAK, "route-leak")                                                                \
	X(MAINTENANCE, "maintenance")                                                              \
	X(FLAPPING, "flapping")                                                                    \
	X(LIMIT, "limit")
#define NETWORK_ENUM(id, text) NETWORK_##id,
enum network_kind { NETWORK_FIRST = SW_VERDICT_COUNT - 1, NETWORK_KINDS(NETWORK_ENUM) NETWORK_END };
enum side { SIDE_UNKNOWN, SIDE_ONPREM, SIDE_AZURE };
enum severity { SEVERITY_INFO, SEVERITY_NOTICE, SEVERITY_WARNING, SEVERITY_CRITICAL };
/* Of enum sw_verdict or enum network_kind. */
const char *incident_verdict_name(unsigned int verdict);
const char *cause_name(enum cause cause);
const char *side_name(enum side side);
const char *severity_name(enum severity severity);

/* What people have done about it, and what the hook (config `notify`) knows of it. */
enum incident_told { TOLD_NOTHING, TOLD_OPEN, TOLD_ALL };
struct incident_life {
	bool acked, silenced;
	enum severity acked_severity; /* what it was then; one that rises ends the ack */
	enum incident_told told;      /* TOLD_ALL: nothing is owed any more */
	/* as it was last told; told_ns: CLOCK_MONOTONIC */
	enum severity told_severity;
	enum cause told_cause;
	uint64_t told_ns;
};

#define INCIDENT_TEXT_LEN 1024 /* of a message or a fix, the final 0 included */

struct incident {
	uint64_t id; /* 1, 2, ...; kept over restarts */
	bool open;
	uint8_t verdict;	   /* enum sw_verdict, or enum network_kind */
	char subject[SW_NAME_LEN]; /* network: the feed or path it is about, empty: none */
	enum cause cause;
	enum side side;
	enum severity severity;
	bool confirmed;			/* asymmetric: a notice until it lasted `confirm` */
	struct prefix src, dst;		/* src: the inside prefix; family 0: none (network) */
	int forward_path, reverse_path; /* path ids, -1: none; inside to outside */
	size_t flows;			/* that have the verdict now */
	size_t prefixes_moved, prefixes_lost;
	bool has_moved;				  /* the two above are known (failover) */
	int64_t duration_ms;			  /* of a failover, -1: none */
	uint64_t first_wall, last_wall;		  /* CLOCK_REALTIME ns */
	uint64_t opened_ns, last_ns, had_flow_ns; /* CLOCK_MONOTONIC */
	char message[INCIDENT_TEXT_LEN], fix[INCIDENT_TEXT_LEN];
	struct incident_life life;
};

enum incident_change { INCIDENT_OPEN, INCIDENT_UPDATE, INCIDENT_CLOSE };
typedef void (*incident_cb)(void *arg, enum incident_change change, const struct incident *inc);

/* Prefixes that a change left without a path, the first few. */
#define INCIDENT_LOST 4
struct incident_lost {
	struct prefix v[INCIDENT_LOST];
	size_t n;
};

/* What the causes are told from, besides RIB and FIB. */
struct incident_path_state {
	bool configured;
	uint64_t objections[8]; /* not used as bits: [word] != 0 where that word objects to the
				   path; order of SW_LIVENESS */
	uint64_t changed_ns;	/* when its usable bit last changed */
	size_t moved;		/* prefixes that this has moved, or left without a path */
	uint64_t silent_ns;	/* it is down by silence: its last sign of life; 0: it is not */
	uint64_t received_ns;	/* when a packet was last seen to come by it, 0: never */
	bool limit_near;	/* a limit on its prefixes is, or was lately, near */
	bool flapping;		/* an incident of that kind tells of it */
	bool bfd_up;		/* a BFD session of it is up: what it said before is over */
	uint8_t fell;		/* enum cause: why it failed, while it has not been well since */
	bool dead;		/* a black hole: nothing comes back of what leaves by it */
};
struct incident_context {
	const struct config *cfg;
	const struct rib *rib;
	const struct fib *fib;
	const uint8_t *path_ids;		       /* of cfg->paths[i] */
	struct incident_path_state path[SW_MAX_PATHS]; /* by path id */
	size_t prefixes_moved, prefixes_lost; /* by the last change of usable or of a feed */
	struct incident_lost lost;	      /* of those, names */
	uint64_t now, wall;
	uint64_t started_ns; /* since when there is a RIB */
	/*
	 * The kernel's route for a packet from src, by inside interface `inside`, to dst, for which
	 * select gave path `answer` (SW_NO_PATH: none): asked once an incident. 0 or -errno. NULL:
	 * nobody to ask.
	 */
	int (*kernel_route)(void *arg, const struct ip_addr *src, const struct ip_addr *dst,
			    const char *inside, uint8_t answer, struct kernel_route *out);
	void *kernel_arg;
};

/* Places in incident_path_state.objections. */
#define INCIDENT_WORD(field, text) WORD_##field,
enum { SW_LIVENESS(INCIDENT_WORD) WORD_COUNT };
/* Id of cfg->paths[i]. */
static inline int incident_path_id(const struct incident_context *ctx, size_t i)
{
	return ctx->path_ids ? ctx->path_ids[i] : (int)i;
}

struct incidents;
struct incidents *incidents_new(incident_cb cb, void *arg);
void incidents_free(struct incidents *set);

/* A flow's verdict changed. Opens, updates; a flow that left its incident is taken off it. */
void incidents_event(struct incidents *set, const struct incident_context *ctx,
		     const struct sw_event *ev);
/*
 * The scan's truth: begin, each flow record, end. A flow that is gone or has another verdict
 * leaves its incident. End closes those without a flow for max(grace, 30 s), raises `notice` to
 * its final severity after `confirm`, and sends one update per changed incident at most each 10 s.
 */
void incidents_scan_begin(struct incidents *set);
void incidents_scan_flow(struct incidents *set, const struct incident_context *ctx,
			 const struct sw_flow_key *key, const struct flow *flow);
void incidents_scan_end(struct incidents *set, const struct incident_context *ctx);
/*
 * A black hole that this scan has found (silent.flows, which are no flows of this verdict), one
 * that lasts, or, with `answered`, one that is over: its incident is one-way. Between begin and
 * end.
 */
struct blackhole;
void incidents_hole(struct incidents *set, const struct incident_context *ctx,
		    const struct blackhole *hole, bool answered);
/* False: no flow is on an incident, and one whose verdict opens none (cause.h) is of no interest.
 */
bool incidents_tracking(const struct incidents *set);

/*
 * States of the network, in rounds: begin, each state that lasts, end. One that was not there
 * before (by kind, subject, side and dst) opens an incident, one that is not told any more closes
 * its own. What is told of one is updated at once where cause or severity change, else each 10 s at
 * most.
 */
struct network_state {
	enum network_kind kind;
	char subject[SW_NAME_LEN];
	enum cause cause;
	enum side side;
	enum severity severity;
	int path; /* id, -1: none */
	struct prefix dst;
	bool has_moved; /* the two below are known */
	size_t prefixes_moved, prefixes_lost;
	bool has_duration;
	int64_t duration_ms;
	char message[INCIDENT_TEXT_LEN], fix[INCIDENT_TEXT_LEN];
};
void incidents_network_begin(struct incidents *set);
void incidents_network_state(struct incidents *set, const struct incident_context *ctx,
			     const struct network_state *state);
/* The one that is open lasts, in the words it was last told by. */
void incidents_network_keep(struct incidents *set, const struct incident_context *ctx,
			    const struct network_state *state);
/* So do all from this kind on: nothing can be told of them now. */
void incidents_network_keep_all(struct incidents *set, const struct incident_context *ctx,
				enum network_kind first);
void incidents_network_end(struct incidents *set, const struct incident_context *ctx);
/* Of the open one of this kind, side, subject and prefix; -1: there is none. */
int incidents_network_severity(const struct incidents *set, const struct network_state *state);
/* An open one of this kind, side and subject, whatever prefix it has; NULL: there is none. */
const struct incident *incidents_network_open(const struct incidents *set,
					      const struct network_state *state);
/* What has happened and is over: opened and closed at once. */
void incidents_network_once(struct incidents *set, const struct incident_context *ctx,
			    const struct network_state *state);

/* All, and those of flows alone, which scans keep true. */
size_t incidents_open_flows(const struct incidents *set);
size_t incidents_open(const struct incidents *set);
/* In order of id; the i-th, NULL past the end. Closed ones are kept, the last 1,000. */
const struct incident *incidents_get(const struct incidents *set, size_t i);
/*
 * From the state file; keeps ids rising. Its flows come back with the next scan. 0; -EINVAL: no id;
 * -EEXIST: the id is taken; -ENOMEM.
 */
int incidents_restore(struct incidents *set, const struct incident *inc);

#endif
