/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sameway-bench: what each file of it offers the others. Everything it makes (namespaces, bpffs,
 * programs) belongs to the process alone, has no name outside it, and is gone when it ends, however
 * that is.
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include "core/prefix.h"
#include "kernel/datapath.h"
#include "traffic.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_ROUNDS 128

struct bpf_object;

struct options {
	int rounds;
	int cpus;	/* that generate and forward */
	double seconds; /* of a forwarding measurement */
	uint32_t routes;
	uint32_t flows[8]; /* powers of two */
	int n_flows;
	const char *only;   /* substring of a row's name, NULL: all */
	bool cached, renew; /* peers from the file `peers`, or into it */
	const char *peers;
	bool json;
	const char *gate; /* ratios to compare stages with */
	const char *data; /* file for the plot, NULL: none */
};
extern struct options options;

_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* measure.c: times and their medians. */
struct series {
	double v[MAX_ROUNDS];
	int n;
};
void series_add(struct series *s, double v);
double series_median(const struct series *s);
double series_min(const struct series *s);
double series_max(const struct series *s);
double now_s(void);    /* CLOCK_MONOTONIC */
uint64_t now_ns(void); /* likewise */
double thread_s(void); /* CPU time of this thread */
double cpu_s(int cpu); /* spent by this thread and the CPU's ksoftirqd */
void pin(int cpu);
void pin_none(void);	  /* any CPU again */
void machine_print(void); /* a line: processor, kernel, load */
const char *machine_id(void);
const char *machine_model(void);		   /* processor and kernel */
bool list_has(const char *list, const char *word); /* commas between its words */
const char *si(double n);			   /* 8192: "8k"; kept for the next few calls */

/* world.c: generator, router and two sinks in namespaces of their own. */
enum ns { NS_GENERATOR, NS_ROUTER, NS_SINK, NS_COUNT };
enum device { DEV_LAN, DEV_ER, DEV_VPN, DEV_COUNT }; /* of the router: r0, r1, r2 */
struct world {
	uint32_t ifindex[DEV_COUNT];
	uint32_t generator; /* peer of r0 */
	uint32_t sink[2];   /* of r1, r2 */
};
extern struct world world;
extern const char *const device_name[DEV_COUNT];
extern const uint8_t device_mac[DEV_COUNT][6], device_peer_mac[DEV_COUNT][6];
void world_open(void);
void world_enter(enum ns ns);
void world_leave(void);
/* Runs a shell command there; it must succeed. */
void world_run(enum ns ns, const char *format, ...) __attribute__((format(printf, 2, 3)));
uint64_t world_forwarded(void);			     /* by the router's kernel */
void world_routes(const struct prefix *p, size_t n); /* into the kernel of the router */

/* routes.c: prefixes as the global table has them, and hosts in them. */
struct prefix *routes_make(uint8_t family, size_t n);
void routes_host(const struct prefix *p, uint8_t out[16]); /* a random one */
uint64_t random_next(void);

/* edge.c: sameway itself, by the code that its daemon uses. All that is written to its FIB and
 * that says how large its tables are is here. */
#define EDGE_INSTANCE "bench"
#define EDGE_GROUPS   64 /* that prefixes are spread over: er, then vpn */
#define EDGE_GROUP    16 /* the first of them */
#define EDGE_TURNED   8	 /* vpn alone */
enum edge_program { EDGE_XDP, EDGE_TC_INGRESS, EDGE_TC_EGRESS };
uint32_t table_for(uint32_t flows); /* room for twice as many, and the default at least */
void edge_open(uint32_t flows);
void edge_close(void);
void edge_prefixes(const struct prefix *p, size_t n); /* each to one of the groups */
void edge_prefix(const struct prefix *p, uint32_t group, bool fresh); /* fresh: not there yet */
struct edge_flows {
	uint64_t records, packets;
	uint64_t whole; /* records that have seen both directions */
	double seconds; /* that reading them took */
};
struct edge_flows edge_flows(bool unpacked); /* else only these are read of a record */
void edge_usable(uint64_t paths);	     /* these alone */
void edge_mode(enum sw_mode mode, enum sw_forward forward);
void edge_changed(void); /* what the daemon does after any change */
/* n rules in force, the last of them, which all packets are of, chooses as none would. */
void edge_rules(size_t n);
int edge_program(enum edge_program program);
const struct bpf_object *edge_object(void);
void edge_attach(enum device dev, enum hook hook, bool on);

/* traffic.c: the bench's programs, live packets and test runs. */
struct traffic;
extern struct traffic *traffic;	     /* the skeleton */
void traffic_open(uint32_t records); /* of the hash maps to compare with */
void traffic_close(void);
void traffic_routes(const struct prefix *p, size_t n); /* into the LPM trie to compare with */
void traffic_destinations(uint8_t family, const struct prefix *p, size_t n);
void traffic_flows(uint32_t n, uint32_t base);
void traffic_one_destination(const uint8_t host[4]); /* for all flows; NULL: no longer */
void traffic_direction(uint8_t family, bool inward);
int hash_map(void);
/* When the first packet came to a sink since the arming, 0: none yet. */
void arrival_arm(void);
uint64_t arrival_first(int sink);
int program_of(const char *name); /* of traffic.bpf.c */
/* On the edge's maps, to be loaded again after each edge_open. */
int flowput_program(void);
int nofib_program(void);
int nojudge_program(void);
int noflow_program(void);
void xdp_attach(enum ns ns, uint32_t ifindex, int fd); /* -1: off */
struct rate {
	double wall, cpu; /* Mpps that were taken: by the clock, by CPU time */
	uint64_t sent, taken;
};
struct rate traffic_live(double seconds);
void traffic_send(uint32_t packets, uint32_t batch); /* live, from this thread, not counted */
uint64_t traffic_taken(void);
/* ns a packet of the program behind write_xdp or write_tc; fd -1: that alone. */
enum stage_hook { STAGE_XDP, STAGE_TC };
double traffic_stage(enum stage_hook hook, enum device dev, int fd, uint32_t packets, int *answer);
double traffic_run(int fd, uint32_t packets); /* ns a run, of the program alone */
/* Both directions of every flow once, through the edge: their records are there, and judged. */
void traffic_prime(uint32_t flows);

/* peers.c: ratios of peers to the bare redirect, of this machine. */
double peers_get(uint32_t flows, const char *key); /* 0: none */
void peers_put(uint32_t flows, const char *key, double ratio);
void peers_save(void);

/* speaker.c: BGP sessions that send a table to 127.0.0.1, from 127.0.0.2 on, AS 65000. */
struct speaker;
/* p: sorted; the table of peer 0, 1 .. */
struct speaker *speaker_new(const struct prefix *p, size_t n, unsigned int peer);
void speaker_free(struct speaker *s);
void speaker_connect(struct speaker *s, uint16_t port);
void speaker_close(struct speaker *s);
/* Announces few prefixes of a family again, by other attributes, or withdraws them. */
void speaker_change(struct speaker *s, const struct prefix *p, size_t n, bool withdraw);
bool speakers_send(struct speaker *const *v, int n, int wait_ms);

/* receivers.c: routing daemons that take such a table. */
struct receiver {
	const char *key, *name;
	const char *program;		   /* that has to be there */
	void (*files)(const char *dir);	   /* what it reads */
	const char *start, *count, *clean; /* shell commands; clean: after it ended, NULL: none */
};
extern const struct receiver receivers[]; /* the first is ours; the last has no key */
pid_t receiver_start(const struct receiver *r, const char *dir);
size_t receiver_count(const struct receiver *r, const char *dir); /* routes that it has */
void receiver_use(pid_t pid, double *cpu, double *bytes);
void receiver_stop(const struct receiver *r, pid_t pid);

/* The subcommands, in a world that is open. */
int bench_forward(void);
int bench_stages(void);
int bench_flows(void);
int bench_failover(void);
int bench_routes(void);

#endif
