/* SPDX-License-Identifier: GPL-2.0-only */
/* The configuration (contract.md, Config): from YAML text to a struct, with every mistake's line.
 */
#ifndef SAMEWAY_CORE_CONFIG_H
#define SAMEWAY_CORE_CONFIG_H

#include "core/prefix.h"
#include "sameway/abi.h"

enum config_match { MATCH_LONGEST_PREFIX, MATCH_CLASS_FIRST };
enum config_forward { FORWARD_AUTO, FORWARD_FAST, FORWARD_KERNEL };
enum config_transit { TRANSIT_DENY, TRANSIT_ALLOW };
enum config_multipath { MULTIPATH_CIRCUIT, MULTIPATH_CIRCUITS };
enum config_default_route { DEFAULT_ROUTE_NEVER, DEFAULT_ROUTE_LAST };
/* Where packets of an interface are moved: contract.md's names. AUTO: daemon/hook.c chooses. */
enum config_hook { CONFIG_HOOK_AUTO, CONFIG_HOOK_XDP, CONFIG_HOOK_XDP_GENERIC, CONFIG_HOOK_TC };
enum config_feed_type {
	FEED_BGP,
	FEED_JSONL,
	FEED_RTNETLINK,
	FEED_BMP,
	FEED_FRR,
	FEED_AZURE,
	FEED_MRT,
};
enum config_speed { SPEED_FULL, SPEED_REAL };

/*
 * `tables`: above those that the kernel keeps for itself, and so that all the rules come before the
 * one of the main table (priority 32766).
 */
#define CONFIG_FLOWS_MIN  64
#define CONFIG_FLOWS_MAX  SW_MAX_FLOWS
#define CONFIG_TABLES_MIN 256
#define CONFIG_TABLES_MAX (32766 - SW_MAX_PATHS)
/* A value a path and none, of `fwmark`. */
#define CONFIG_MARK_BITS 7

/*
 * What ExpressRoute takes (its FAQ): prefixes from Azure by one connection of the circuit, and
 * those that its peering accepts from us.
 */
struct config_limit {
	uint32_t in, in6, out;
};
#define CONFIG_LIMIT_IN	 1000
#define CONFIG_LIMIT_IN6 100
#define CONFIG_LIMIT_OUT 4000

/* `mss`: from what each host takes (RFC 9293) to what IPv4 can carry. */
#define CONFIG_MSS_MIN	536
#define CONFIG_MSS_MAX	65495
#define CONFIG_MSS_AUTO 65535
/*
 * A host beyond the path that is to answer by it: echo requests, or with a port TCP's SYN.
 * Unanswered for `misses` intervals in a row: the path is not used.
 */
struct config_probe {
	struct ip_addr target; /* family 0: no probe */
	uint16_t port;	       /* 0: ICMP echo */
	bool bare;	       /* IPv6, without brackets, and its end may be meant as a port */
	uint64_t interval_ns;
	uint32_t misses;
	int line; /* of the target */
};
#define CONFIG_PROBE_NS	    1000000000ULL
#define CONFIG_PROBE_MIN_NS 100000000ULL
#define CONFIG_PROBE_MAX_NS (60ULL * 1000000000)
#define CONFIG_PROBE_MISSES 3

struct config_path {
	char name[SW_NAME_LEN];
	enum sw_class class;
	char circuit[SW_NAME_LEN]; /* empty: a circuit of its own */
	unsigned int circuit_id;   /* numbered in config order, same circuit same number */
	char interface[16];
	char l3[16];	    /* the device of its addresses and neighbours; see config_l3() */
	union sw_tags vlan; /* the tags of its frames */
	struct ip_addr gateway, gateway6; /* family 0: none */
	struct ip_addr *peers;
	size_t n_peers;
	uint32_t as;  /* 0: not given */
	uint32_t mtu; /* bytes, 0: the device's */
	uint32_t mss; /* greatest that TCP by it may offer, CONFIG_MSS_AUTO: by its MTU, 0: any */
	int mss_line;
	uint32_t weight; /* its share among equals, 1..SW_MAX_WEIGHT */
	bool encrypted;
	bool bfd; /* its far ends' sessions object to it; see config_far_ends() */
	struct config_limit limit;
	struct config_probe probe;
	enum config_hook hook; /* the same of all paths on the interface */
	int line;
};

struct config_inside {
	char interface[16];
	struct prefix *networks;
	size_t n_networks;
	struct ip_addr gateway, gateway6;
	bool stateful;
	enum config_hook hook;
	int line;
};

struct config_exempt {
	struct prefix prefix;
	bool from; /* given as `from:`, else `to:`; both directions are exempt either way */
};

enum config_rule_action { RULE_NOTHING, RULE_PREFER, RULE_ONLY, RULE_DENY };

/* What `prefer` or `only` of a rule lists: a path by its name, or all of a class. */
struct config_pick {
	char path[SW_NAME_LEN]; /* empty: the class */
	enum sw_class class;
};

/* Read from inside (from) to outside (to). */
struct config_rule {
	char name[SW_NAME_LEN];
	struct prefix from, to; /* family 0: any */
	int proto, dscp;	/* -1: any */
	uint32_t port;		/* of the outside end, 0: any */
	bool stateful;
	enum config_rule_action action;
	struct config_pick pick[SW_RULE_STEPS];
	size_t n_picks;
	int line;
};

/* Azure's name for a session: the peer's address, and the circuit behind it. */
struct config_circuit {
	struct ip_addr peer;
	char name[SW_NAME_LEN];
	int line;
};

/* Default of `interval`; the least that is taken. */
#define CONFIG_INTERVAL_NS     (10ULL * 1000000000)
#define CONFIG_INTERVAL_MIN_NS 1000000000ULL
#define CONFIG_PASSWORD_MAX    80

struct config_feed {
	char name[SW_NAME_LEN];
	enum config_feed_type type;
	/* bgp, bmp */
	struct ip_addr listen;
	uint16_t port;
	struct ip_addr *peers; /* who may connect; at least one */
	size_t n_peers;
	/* bgp */
	uint32_t as;
	uint32_t router_id; /* host order */
	char *password;	    /* TCP MD5 (RFC 2385), NULL: none */
	bool ttl_security;  /* GTSM (RFC 5082): directly connected, or on this box */
	/* jsonl, mrt; frr and azure: one of file, dir and command, the others NULL */
	char *file; /* as written; jsonl: "-" is standard input */
	char *dir, *command;
	uint64_t interval_ns;	 /* how often the command is run */
	bool follow;		 /* jsonl */
	enum config_speed speed; /* mrt */
	/* azure */
	struct config_circuit *circuits;
	size_t n_circuits;
	/* rtnetlink */
	uint32_t table;
	uint64_t protocols[4]; /* a bit a number of rtm_protocol that is taken; none: all */
	int line;
};

struct config {
	enum sw_mode mode;
	enum sw_class prefer[SW_CLASS_COUNT];
	size_t n_prefer;
	enum config_match match;
	enum sw_scope scope;
	enum sw_asymmetry asymmetry; /* `action` */
	uint64_t grace_ns, confirm_ns, failback_delay_ns, stale_ns;
	enum config_transit transit;
	enum config_forward forward;
	uint32_t fwmark, tables;
	bool bypass_netfilter;
	enum config_default_route default_route;
	unsigned int class_first_min;
	enum config_multipath multipath;
	uint32_t flows, flows6;	 /* records for IPv4, IPv6 */
	uint32_t nodes4, nodes6; /* of the FIB's tables */
	struct config_path *paths;
	size_t n_paths;
	struct config_inside *inside;
	size_t n_inside;
	struct config_exempt *exempt;
	size_t n_exempt;
	struct config_rule *rules;
	size_t n_rules;
	struct config_feed *feeds;
	size_t n_feeds;
	char *notify; /* the command that is told of incidents, NULL: none */
	int notify_line;
};

struct config_error {
	int line;	/* 1-based */
	char text[200]; /* "what is wrong: what to do", no newline */
};
struct config_errors {
	struct config_error *v;
	size_t n;
};

/*
 * Parses and checks `text`. All mistakes are collected, in order of line. Returns 0 with *out to
 * be freed by config_free(), or -EINVAL (mistakes in *errors, *out untouched) or -ENOMEM.
 * config_errors_free() always.
 */
int config_parse(const char *text, size_t len, struct config **out, struct config_errors *errors);
void config_free(struct config *cfg);
void config_errors_free(struct config_errors *errors);
/* In order of line, once. 0 or -ENOMEM. */
int config_errors_add(struct config_errors *errors, const struct config_error *e);
int config_errors_say(struct config_errors *errors, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* What of the paths is no mistake and most likely not meant, each with its line, to `out`. 0 or
 * -ENOMEM. */
int config_paths_warn(const struct config *cfg, struct config_errors *out);

/*
 * The normalised config: all supported keys, defaults filled in; parses back to the same.
 * Allocated; NULL when out of memory.
 */
char *config_print(const struct config *cfg);

/*
 * Digits and ms, s, m or h, 24h at most. 0; -EDOM: no unit; -EINVAL: none of this; -ERANGE: longer.
 */
int duration_parse(const char *text, uint64_t *ns);

/* Place of the class in prefer, SW_NO_RANK if it is not listed (observed, never chosen). */
uint8_t config_rank(const struct config *cfg, enum sw_class class);
const struct config_path *config_path_by_name(const struct config *cfg, const char *name);
/* The device that has the path's addresses, neighbours and routes. */
const char *config_l3(const struct config_path *path);
/* Its gateways and peers, each once. How many there are; the first `max` of them in v. */
size_t config_far_ends(const struct config_path *path, struct ip_addr *v, size_t max);
/* The name of the path's circuit; without one it is a circuit of its own, by its own name. */
const char *config_circuit_name(const struct config_path *path);
/* The entry with the longest network that holds the prefix, and that network; NULL: none. */
const struct config_inside *config_inside_of(const struct config *cfg, const struct prefix *prefix,
					     struct prefix *network);
const char *class_name(enum sw_class class);
/* Whether what a rule lists is, or has, this path. */
bool config_pick_has(const struct config_pick *pick, const struct config_path *path);
/* Whether an rtnetlink feed takes routes of this protocol. */
bool config_takes_protocol(const struct config_feed *feed, uint8_t protocol);
/* 0 or -EINVAL. */
int class_parse(const char *text, enum sw_class *out);

#endif
