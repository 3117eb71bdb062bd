/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is wrong with the network though no packet says so: backups that are gone or ride what they
 * are to replace, prefixes without one, paths that flap or that traffic does not come back to,
 * routes that leak, Microsoft's maintenance, tables that are full, large packets that vanish. Pure:
 * the daemon brings facts each second (network_facts), and what changes between
 * (network_paths_look, network_watch_prefix); what lasts is told in rounds of incidents
 * (incident.h).
 *
 *   network_hold.c      when a state opens, and how long it must be over
 *   network_backup.c    backup-down, backup-not-independent
 *   network_prefixes.c  no-backup
 *   network_rules.c     no-backup, of what a rule binds
 *   network_paths.c     how each path failed and returned; flapping, failback
 *   network_stuck.c     failback-stuck
 *   network_circuit.c   maintenance
 *   network_leak.c      route-leak
 *   network_full.c      limit: tables
 *   network_size.c      limit: a path's MTU
 */
#ifndef SAMEWAY_CORE_NETWORK_WATCH_H
#define SAMEWAY_CORE_NETWORK_WATCH_H

#include "core/cause.h"

#define NETWORK_FLAPS	3		/* failures in ... */
#define NETWORK_FLAP_NS 300000000000ULL /* as failback-delay's doubling looks back */
#define NETWORK_FAILS	32		/* of a path, remembered */
#define NETWORK_WELL_NS 60000000000ULL	/* a path that returned has brought all its routes */
#define NETWORK_NAMES	3		/* prefixes named in a message */
#define NETWORK_ENDS	16
#define NETWORK_KEPT	4096 /* prefixes without backup that are known one by one */

struct blackhole_size;

/* An end point of the VPN's tunnels, and where the kernel would send what goes there. */
struct network_end {
	struct ip_addr addr;
	bool told;	    /* by the tunnel's device; else it is an exempt host */
	char device[16];    /* told: the tunnel's */
	char interface[16]; /* the kernel's way to it, empty: none */
};

/* What only grows, or is now, of what the maps have room for. */
struct network_counts {
	uint64_t flows_full, flows_forgotten, events_lost; /* since the maps were made */
	size_t refused, tiers_cut;			   /* prefixes, tiers now */
	uint32_t flows, flows6;				   /* as configured */
};

struct network_facts {
	uint64_t usable;   /* path ids, of any family */
	uint64_t objected; /* something else than failback-delay objects to them */
	uint64_t reset;	   /* they are down since sameway attached something there */
	uint64_t held;	   /* they were well once, and down by their probe when the daemon began */
	/* Each feed of this edge's own routes is up, and one has all candidates: absent is absent.
	 */
	bool routes_told;
	uint64_t hold_ns[SW_MAX_PATHS]; /* failback-delay as it is doubled now */
	uint64_t transit[SW_MAX_PATHS]; /* packets that came by the path and were for another */
	struct network_counts counts;
	struct network_end end[NETWORK_ENDS];
	size_t n_ends;
	const struct blackhole_size *sizes; /* by path id, NULL: not known */
};

/* A state that opens when it has lasted a while, and is over when it has not for a while. */
struct network_hold {
	bool known, on, open;
	enum side side;	   /* as last told */
	uint64_t since_ns; /* of `on` */
};

enum { STUCK_ONPREM, STUCK_AZURE, STUCK_SIDES };
/* Of one side: the flows that are still on another class, as the last scan saw them. */
struct network_stuck {
	bool watched; /* it has not been seen to come back yet */
	struct network_hold hold;
	/* the scan under way: flows on a worse class, and not; the kernel's route is on one */
	size_t flows, well;
	bool kernel;
	struct sw_event example; /* one of the flows, or as it would be */
	struct prefix dst;
	/* as of the last scan */
	bool on;
	size_t told_flows;
	struct cause_told told;
};

#define NETWORK_LEAK_STEP 16384 /* prefixes of a table that are looked at in a second */
/* The first few routes of a table that leak. */
struct network_leaks {
	struct prefix first[NETWORK_NAMES]; /* the rest: family 0 */
	size_t n_first;
	size_t total;	  /* by the RIB's count, as last looked */
	bool done;	  /* the walk is over */
	bool again;	  /* the count has changed while it goes on */
	struct prefix at; /* where it goes on, family 0: from the beginning */
};

/* A path that has failed, or that is back and whose return is not told yet. */
struct network_failed {
	bool failed;
	enum cause cause;
	uint64_t at_ns; /* CLOCK_MONOTONIC */
};

struct network_path {
	bool known;	/* it has been well */
	bool bad, well; /* objected to, or known to have no routes; usable with routes */
	bool failed;	/* since it was well */
	enum cause cause;
	uint64_t fail_ns[NETWORK_FAILS];
	size_t n_fails;
	uint64_t failed_ns, well_ns; /* of the last change; 0: never */
	/* Its return: prefixes that came back to it; back_ns 0: told, or there is none. */
	uint64_t back_ns,
		moved_ns; /* moved_ns: the last of them, first_ns: the first, 0: none yet */
	uint64_t first_ns;
	size_t moved, moved_seen;
	int64_t duration_ms; /* -1: no packet yet */
	struct network_stuck stuck[STUCK_SIDES];
	bool scanned;				      /* the scan under way is for these */
	uint64_t transit, transit_ns, transit_recent; /* packets; when they last grew; lately */
	bool transit_known;
	struct network_hold down, flapping, maintenance, accepted, sent, size;
	struct network_leaks leaks;
};

struct network_rows; /* prefixes without path or backup */

struct network_watch {
	struct network_path path[SW_MAX_PATHS];
	struct network_rows *rows;
	struct network_hold lost[SW_CLASS_COUNT], bare[SW_CLASS_COUNT], ridden, full[4];
	struct prefix lost_dst[SW_CLASS_COUNT];
	uint64_t lost_paths[SW_CLASS_COUNT]; /* by an earlier daemon: that had failed */
	struct network_hold rule[SW_MAX_RULES];
	struct network_leaks remote_leaks;
	uint64_t usable; /* as last looked */
	bool looked;
	struct network_counts counts;
	bool counts_known;
	uint64_t grew_ns[3]; /* of the growing counts, 0: never */
};

struct network_watch *network_watch_new(void);
void network_watch_free(struct network_watch *watch);

/*
 * For the state file, by path id; and from it, before the first look. Returned: a number that is
 * another when one has failed, or its return was told.
 */
uint64_t network_failed(const struct network_watch *watch, struct network_failed out[SW_MAX_PATHS]);
void network_failed_restore(struct network_watch *watch,
			    const struct network_failed in[SW_MAX_PATHS]);

/* A path, or what its routes are, may have changed. */
void network_paths_look(struct network_watch *watch, const struct incident_context *ctx,
			const struct network_facts *facts);
/* A prefix's answer was `old` and is `new`, NULL: none; by the paths usable now. */
void network_watch_prefix(struct network_watch *watch, const struct prefix *prefix,
			  const struct sw_group *old, const struct sw_group *new, uint64_t usable,
			  uint64_t now);
/*
 * Prefixes that had a path and have none since one failed: the first behind `after` (NULL: of all)
 * in order; and all the paths that one had, 0: it is none of them.
 */
bool network_gone_after(const struct network_watch *watch, const struct prefix *after,
			struct prefix *out);
uint64_t network_gone_paths(const struct network_watch *watch, const struct prefix *prefix);
/* The same where what is lost is no news: only what comes back to a path. */
void network_watch_gain(struct network_watch *watch, const struct sw_group *old,
			const struct sw_group *new, uint64_t usable, uint64_t now);

/*
 * Whether flow records are to be handed over in the next scan, all of them; each; and the scan's
 * end.
 */
bool network_watch_wants(struct network_watch *watch, const struct incident_context *ctx);
void network_watch_flow(struct network_watch *watch, const struct incident_context *ctx,
			const struct sw_flow_key *key, const struct flow *flow);
void network_watch_scanned(struct network_watch *watch, const struct incident_context *ctx);

/* Each second, within a round. */
void network_watch_tell(struct network_watch *watch, const struct incident_context *ctx,
			const struct network_facts *facts, struct incidents *set);

/* The parts of the above. */
/* So many prefixes answer by it that a worse class had. */
void network_moved(struct network_path *p, size_t n, uint64_t now);
/* The first packet by a path that is back. */
void network_failback_flow(struct network_path *p, int id, const struct flow *flow);
void network_prefixes_note(struct network_watch *watch, uint64_t well, uint64_t now);
void network_prefixes_look(struct network_watch *watch, uint64_t now);
/* Prefixes without a usable path whose best class has, or had, this rank; with all their paths. */
size_t network_prefixes_lost(const struct network_watch *watch, const struct incident_context *ctx,
			     uint64_t usable, uint8_t rank, struct prefix first[NETWORK_NAMES],
			     uint64_t *paths);
void network_backup_tell(struct network_watch *watch, const struct incident_context *ctx,
			 const struct network_facts *facts, struct incidents *set);
void network_ends_tell(struct network_watch *watch, const struct incident_context *ctx,
		       const struct network_facts *facts, struct incidents *set);
void network_prefixes_tell(struct network_watch *watch, const struct incident_context *ctx,
			   const struct network_facts *facts, struct incidents *set);
void network_rules_tell(struct network_watch *watch, const struct incident_context *ctx,
			const struct network_facts *facts, struct incidents *set);
void network_flapping_tell(struct network_watch *watch, const struct incident_context *ctx,
			   const struct network_facts *facts, struct incidents *set);
void network_failback_tell(struct network_watch *watch, const struct incident_context *ctx,
			   struct incidents *set);
void network_stuck_tell(struct network_watch *watch, const struct incident_context *ctx,
			const struct network_facts *facts, struct incidents *set);
void network_maintenance_tell(struct network_watch *watch, const struct incident_context *ctx,
			      const struct network_facts *facts, struct incidents *set);
void network_leak_tell(struct network_watch *watch, const struct incident_context *ctx,
		       const struct network_facts *facts, struct incidents *set);
void network_full_tell(struct network_watch *watch, const struct incident_context *ctx,
		       const struct network_facts *facts, struct incidents *set);
void network_size_tell(struct network_watch *watch, const struct incident_context *ctx,
		       const struct network_facts *facts, struct incidents *set);

/* network_hold.c. `state` as it is now; its words are of no use while `on` is false. */
void network_held(struct incidents *set, const struct incident_context *ctx,
		  struct network_hold *hold, const struct network_state *state, bool on,
		  uint64_t open_ns, uint64_t over_ns);
/* A state with no words yet; subject: copied, NULL: none. path: its id, -1: none. */
struct network_state network_state_of(enum network_kind kind, const char *subject, int path);
const char *network_cause_words(enum cause cause);
/* Why the path (its id) is not well; of one that failed while we looked it is known better. */
enum cause network_path_cause(const struct network_watch *watch, const struct incident_context *ctx,
			      int id);
/* Paths whose class has a better, or the same, rank; of those in `prefer`. */
uint64_t network_better(const struct incident_context *ctx, uint8_t rank);
uint64_t network_same(const struct incident_context *ctx, uint8_t rank);
/* Of these, the ones that are usable and have routes. */
uint64_t network_well(const struct incident_context *ctx, const struct network_facts *facts,
		      uint64_t paths);
/* The first that is not best of `prefer` and has a path, SW_NO_RANK: none. */
uint8_t network_first_rank(const struct incident_context *ctx);

struct text;
/* "A, B, C, ...": of n, the first NETWORK_NAMES are in v. */
void network_prefixes_text(struct text *t, const struct prefix *v, size_t n);

#endif
