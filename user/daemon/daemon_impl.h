/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The daemon's insides: the one place that knows all parts. One thread, one libevent loop.
 *
 *   daemon.c      start and stop order, the ticks
 *   ports.c       the interfaces of the config, whether they fit
 *   attach.c      XDP on the interfaces, one at a time
 *   hook.c        which hook an interface's packets are moved at; what `auto` chooses
 *   redirects.c   what was lost after it was redirected
 *   edge.c        links, addresses, neighbours -> interfaces, hooks
 *   egress.c      output rules, and whether somebody else moves packets back
 *   watch.c       whether the programs see all that passes
 *   reserve.c     own, exempt and inside addresses -> reserved prefixes
 *   usable.c      who objects to which path -> the words of map `usable`
 *   bfd.c         which BFD sessions the kernel is to watch; what it made of them
 *   carrier.c     which devices the kernel's timer is to read; what it made of them
 *   probe.c       hosts beyond the paths that are to answer by them (probe.h)
 *   routes.c      feeds -> RIB -> compiler -> maps; cold start
 *   forward.c     who sends: redirects, or the kernel by marks; its rules and tables
 *   foreign.c     who else has a say in where the kernel sends what is marked
 *   mode.c        monitor, enforce, drains with an end
 *   reload.c      the config read again
 *   alerts.c      events -> incidents, log lines, state file
 *   scan.c        the flow records -> incidents, counts of verdicts
 *   alerts_notify.c  acks, silences; incidents -> the hook
 *   notify.c      the hook: a command run with each
 *   network_facts.c  what the states of the network are told from
 *   network.c     feeds that are gone, limits on prefixes, routes that change -> incidents
 *   control.c     the control socket
 *   answer.c      what its commands answer; answer_status.c: `status`, answer_explain.c: `explain`,
 *                 answer_audit.c: `audit`, answer_drain.c: `path`
 */
#ifndef SAMEWAY_DAEMON_IMPL_H
#define SAMEWAY_DAEMON_IMPL_H

#include "core/blackhole.h"
#include "core/config.h"
#include "core/fib.h"
#include "core/incident.h"
#include "core/network.h"
#include "core/network_watch.h"
#include "core/rib.h"
#include "core/route_change.h"
#include "feed/feed.h"
#include "kernel/datapath.h"
#include "kernel/links.h"
#include "kernel/maps.h"
#include "kernel/steer.h"
#include <event2/event.h>
#include <jansson.h>
#include <sys/queue.h>

#define COLD_START_NS	  30000000000ULL
#define IN_FLIGHT_NS	  50000000ULL	/* at most, a packet from one hook to the next */
#define CHANGE_NS	  1000000000ULL /* what feeds say within is one change */
#define COMPILE_SLICE	  500		/* prefixes in a row, without a look at the clock */
#define COMPILE_NS	  2000000ULL	/* of a turn of the loop */
#define LOAD_QUIET_NS	  50000000ULL	/* without a route: no table is coming in */
#define CARRIER_PERIOD_MS 5
#define ATTACH_WAIT_NS	  10000000000ULL /* for a link to come back */

/* An interface of the config: a path's or an inside one's. */
struct edge_port {
	uint8_t slot;
	enum sw_role role;
	const char *name;	/* of the interface */
	const char *owner_name; /* of the device with its addresses; mostly the same */
	union sw_tags tags;
	bool present;		      /* both are there */
	struct link_info link, owner; /* ifindex 0: is not there */
	uint8_t gateway_mac[6];	      /* where its segment has several paths */
	uint32_t device;	      /* in map `devices`, 0: none */
	bool device_known;
	bool device_frags;     /* takes multi-buffer frames */
	enum config_hook hook; /* as configured */
	bool no_native;	       /* its driver has no native XDP */
	bool stays_tc;	       /* `auto` has chosen TC for it, by what it brought */
	bool judged;	       /* that was looked at */
};

/* The sequence of XDP being attached or taken off (attach.c). */
struct attach {
	struct event *ev;
	uint8_t slot[SW_MAX_SLOTS]; /* in this order; done before `at` */
	size_t n, at;
	char name[IFNAMSIZ];	  /* the interface that is waited for, empty: none */
	bool attached;		  /* by what it was shaken: XDP put on, else taken off */
	bool dipped;		  /* its link, or a path of its, was seen down since */
	uint64_t paths;		  /* of its paths, those that were usable before */
	uint64_t routed;	  /* and those that had routes */
	uint64_t since_ns, up_ns; /* up_ns: when its link was last seen up */
	bool leaving;		  /* all off, then the daemon ends */
	bool given_up;		  /* no further interface gets XDP */
};

/* What XDP redirected and the kernel lost (redirects.c). */
struct redirects {
	bool begun;
	uint64_t sum, last_ns; /* last_ns: when it last grew, 0: not since the start */
	uint64_t told_ns;
	struct sw_redirect_errors told[SW_MAX_SLOTS];
};

/* A path, by id. */
#define PEER_EARLIER UINT16_MAX /* a feed said so before a reload, and has not spoken since */

struct path_state {
	const struct config_path *cfg; /* NULL: no such path */
	bool link_up, drained;
	bool gateway_ok, gateway6_ok; /* the neighbour is resolved */
	uint8_t mac[2][6];	      /* theirs, as last told: IPv4, IPv6 */
	bool probe_down;	      /* the probe objects */
	bool held; /* it did before the start, and the path has not been up since */
	/* of cfg->peers[i]: 0: not down, 1 + the feed that said it is, PEER_EARLIER */
	uint16_t *peer_down;
	bool was_up;		/* some time since the start */
	bool first_up;		/* it was not, before the last look */
	bool objected;		/* by something else than failback, when last looked */
	uint64_t hold_until_ns; /* failback-delay, 0: none */
	uint64_t failed_ns;	/* last time it failed, 0: never */
	uint64_t hold_ns;	/* length of the last hold */
	uint64_t hold_rx;	/* rx_packets when the hold began */
	uint64_t changed_ns;
	size_t moved;		   /* prefixes that its last change moved, or left without a path */
	uint64_t drained_until_ns; /* the drain ends by itself, 0: by hand only */
	struct sw_hold unshaken[2]; /* of BFD and carrier, before XDP was last put on or off */
	uint64_t shaken_until_ns;   /* what falls by then is of that */
	uint64_t limit_ns;	    /* when a limit on its prefixes was last near, 0: never */
};

struct feed_slot {
	const struct config_feed *cfg;
	const struct feed_type *type;
	struct feed *feed;
	bool synced;	   /* what it has at the start was heard */
	uint64_t begun_ns; /* its first table; 0: not yet */
	uint64_t up_ns;	   /* when it was last seen up; 0: never */
	bool was_up;	   /* before a reload */
};
/* `st` as the feed says it: down is who never was up, with the config before either. */
static inline enum feed_state feed_slot_state(const struct feed_slot *slot,
					      const struct feed_status *st)
{
	return st->state == FEED_DOWN && slot->was_up ? FEED_STALE : st->state;
}

struct own_address {
	uint32_t ifindex;
	struct ip_addr addr, broadcast;
	uint8_t len;
};

/* What was seen of one path's egress_returned, _stayed, _back. */
struct egress_seen {
	bool known, told;
	uint64_t packets, stayed, back, denied;
};

/* Packets that policy rules dropped, as counted; when that last grew and was told, 0: never. */
struct denied_now {
	bool known;
	uint64_t packets, last_ns, told_ns;
};

/* The sums of the last two, when they last grew, and when that was told; 0: never. */
struct egress_now {
	uint64_t stayed, stayed_ns, stayed_told_ns;
	uint64_t back, back_ns, back_told_ns;
	uint64_t denied_told_ns;
};

/* Rules, routes and marks of others in the way of ours, as they were last seen (foreign.c). */
struct foreign {
	char line[STEER_FOREIGN][STEER_LINE];
	size_t n;
	char writer[STEER_LINE]; /* empty: nobody writes our bits */
	bool marks_due;		 /* nftables has news */
};

struct daemon {
	const char *instance;
	const char *config_file;
	char *config_dir;
	struct config *cfg;	  /* its mode: as a command last said */
	enum sw_mode config_mode; /* as the file says */
	uint8_t *path_ids;	  /* of cfg->paths[i] */
	struct event_base *base;
	struct datapath *dp;
	struct maps *maps;
	struct links *links;
	struct rib *rib;
	struct fib *fib;
	struct incidents *incidents;
	struct blackholes *blackholes;
	struct feed_slot *feeds; /* cfg->n_feeds */
	struct path_state path[SW_MAX_PATHS];
	const struct path_state *earlier; /* during a reload: as they were, else NULL */
	struct edge_port *port;		  /* n_paths + n_inside */
	size_t n_ports;
	struct own_address *own;
	size_t n_own;
	bool reserved_dirty, rib_dirty, state_dirty;
	bool cold;			 /* waiting for the feeds */
	bool cold_ending;		 /* no more: what they sent is being compiled */
	bool started;			 /* hooks may be attached */
	bool failed;			 /* it can't go on: exit status 1 */
	bool config_wrong;		 /* the start failed by what the config says */
	enum sw_forward forward;	 /* in effect */
	bool bypassed;			 /* and passes by rules that are there, as it may */
	bool output_told;		 /* nothing is moved at TC egress, for output rules: said */
	uint64_t steered;		 /* paths whose rules and routes were all there */
	size_t steered_again;		 /* rules and routes of ours that were gone, and put back */
	int steer_failed;		 /* one that the kernel refused, -errno */
	uint64_t start_ns, cold_ns;	 /* of the daemon; of the cold start */
	uint64_t announced_ns;		 /* the last route */
	uint64_t warm_ns;		 /* when the cold start was over */
	uint64_t heard_ns;		 /* verdicts of packets before it open nothing */
	uint64_t usable;		 /* paths usable now, of any family */
	uint64_t bfd, link;		 /* words of map `usable`, as they were last looked at */
	bool carrier_told;		 /* that the kernel's timer can't read it */
	size_t moved, lost;		 /* prefixes, by the last change */
	uint64_t moved_ns;		 /* when that was */
	uint64_t fell_from, fell_ns;	 /* usable before the paths that fell then; 0: none did */
	struct incident_lost lost_names; /* of those lost, the first few */
	uint64_t lost_names_ns;		 /* when the first of them was lost */
	uint64_t writes; /* of the compiler to the maps: groups, prefixes, removals */
	struct event *ev_compile, *ev_tick, *ev_hold, *ev_ring, *ev_save, *ev_int, *ev_term,
		*ev_hup, *ev_mode, *ev_put, *ev_look;
	uint64_t put_ns; /* when rules were last looked at for news of them */
	struct watch *watch;
	struct probes *probes;
	struct control *control;
	struct scan *scan;
	struct notify *notify;	   /* over reloads, too */
	uint64_t notify_forgotten; /* before the last reload */
	int lock_fd;
	unsigned int ticks;
	struct attach attach;
	struct redirects redirects;
	struct egress_seen egress_seen[SW_MAX_PATHS];
	struct egress_now egress_now;
	struct denied_now denied_now;
	struct foreign foreign;
	struct network_limits limits;
	struct route_changes *route_changes;
	struct network_watch *network_watch;
	uint64_t failed_number; /* of network_failed(), as last saved */
	struct network_facts facts;
	bool facts_asked; /* what costs system calls is in them */
	bool first_table; /* a feed sends its first, or it is not compiled yet */
};

/* clock.c. CLOCK_MONOTONIC and CLOCK_REALTIME, ns. */
uint64_t clock_now(void);
uint64_t clock_coarse(void); /* the same, up to some ms late, and much cheaper */
uint64_t clock_wall(void);
/* "sameway: TEXT" on stderr, one line. */
void daemon_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Tells the programs that something they judge by has changed. */
void daemon_changed(struct daemon *d);

/*
 * daemon.c. All mistakes into *errors, which the caller frees. 0; -EINVAL: mistakes; else -errno,
 * already said.
 */
int daemon_config_read(const char *file, struct config **out, struct config_errors *errors);
/* Logs what the config names and is not there, into *warnings, too, which the caller frees. */
void daemon_config_warn(const struct daemon *d, struct config_errors *warnings);
/* All between the config and the attached hooks; -errno with err. And all of it undone. */
int daemon_plane_start(struct daemon *d, char err[DATAPATH_ERR]);
void daemon_plane_stop(struct daemon *d);

/* forward.c. Whether this config's mode can be in effect on this box, and who would send; changes
 * nothing but d->forward. */
int forward_check(struct daemon *d, char err[DATAPATH_ERR]);
/*
 * Decides who sends, and puts the rules and tables as the mode wants them; the ports are known.
 * -errno with err: it is as before.
 */
int forward_begin(struct daemon *d, char err[DATAPATH_ERR]);
/* Tells the programs what was decided. */
void forward_apply(struct daemon *d);
/* Puts back what is missing of rules and tables. */
void forward_sync(struct daemon *d);
void forward_tick(struct daemon *d);
/* Follows the kernel's news of rules; and no more. */
int forward_watch(struct daemon *d, char err[DATAPATH_ERR]);
void forward_stop(struct daemon *d);
/* Removes the rules and tables. */
void forward_release(struct daemon *d);

/* foreign.c. What a look at rules and tables found; what is new is told. */
void foreign_update(struct daemon *d, const struct steer_report *report);
/* Looks who writes our bits of the mark. */
void foreign_marks_look(struct daemon *d);
/* All of it is to be told again. */
void foreign_forget(struct daemon *d);
json_t *foreign_rows(const struct daemon *d);

/* mode.c. mode_start: after the data plane is open; takes over an unexpired deadline. */
int mode_start(struct daemon *d, char err[DATAPATH_ERR]);
void mode_stop(struct daemon *d);
/* Enforce until then (0: for good) or monitor. -errno with err: as before. */
int mode_set(struct daemon *d, enum sw_mode mode, uint64_t until_ns, char err[DATAPATH_ERR]);
/* Arms the timer of the next deadline: of the mode, of a drain. */
void mode_arm(struct daemon *d);

/*
 * rules.c. The policy rules in force: before edge_start, with the paths that packets know already;
 * after it, with all. 0 or -errno with err: as before.
 */
int rules_begin(struct daemon *d, char err[DATAPATH_ERR]);
int rules_start(struct daemon *d, char err[DATAPATH_ERR]);
/* Each second: what rules drop is said, with the rules that have no path. */
void rules_watch(struct daemon *d);
/* Of `status`: {denied, denied_s, list: [{name, action, usable, dropping}]}. */
json_t *rules_row(struct daemon *d);

/* reload.c: rows of `reload`; also for SIGHUP. */
json_t *reload_run(struct daemon *d);

/* edge.c. edge_start: -errno with err when an interface is missing or not fit. */
int edge_start(struct daemon *d, char err[DATAPATH_ERR]);
int edge_attach(struct daemon *d, char err[DATAPATH_ERR]);
void edge_stop(struct daemon *d);
/* ports.c. Whether the ports' interfaces are there and fit what the config says. 0 or -errno with
 * err. */
int edge_ports_make(struct daemon *d);
int edge_check(struct daemon *d, char err[DATAPATH_ERR]);
/* News of a link into a port; false: not its own. Whether an end of it went. */
bool edge_port_look(struct edge_port *port, const struct link_info *link);
bool edge_port_lose(struct edge_port *port, uint32_t ifindex);
/* Whether it speaks for its interface, of the several ports that may be on it. */
bool edge_port_leads(const struct daemon *d, const struct edge_port *port);
/* MTU for the path's IP packets, by its devices. */
uint32_t edge_port_mtu(const struct edge_port *port);
/* The rows of the interface that the port is on, in maps `interfaces` and `ports`. 0 or -errno. */
int edge_interface_write(struct daemon *d, uint32_t ifindex);
/* edge_path.c. Its row in map `paths`, and which families it can carry. */
void edge_path_write(struct daemon *d, const struct edge_port *port);
/* Says it when two paths of a segment have gateways of one MAC: they can't be told apart. */
void edge_gateway_mac(struct daemon *d, struct edge_port *port, const uint8_t mac[6]);
/* Before edge_stop, where nothing is to stay: gateways are ordinary neighbours again. */
void edge_release(struct daemon *d);
/* reserve.c: hands the reserved prefixes and links' networks to RIB and compiler, if changed. */
void edge_reserve(struct daemon *d);
/* Each second: which devices XDP may send to. */
void edge_tick(struct daemon *d);
/* egress.c. Whether output rules keep TC egress from moving packets: tells the programs. */
void egress_look(struct daemon *d);
/* Each second: says once of each path that another mover brings its packets back, and from time to
 * time what leaves by another path than policy's, or by a path again. */
void egress_watch(struct daemon *d);
json_t *egress_row(const struct daemon *d);
struct edge_port *edge_port_of(struct daemon *d, uint8_t slot);
/* Sets sw_ctl.mode to what the config and the cold start say, and the XDP hooks along. */
void edge_apply_mode(struct daemon *d);

/* attach.c. attach_start: 0 or -ENOMEM. */
int attach_start(struct daemon *d);
void attach_stop(struct daemon *d);
/* Whether XDP could go on where the mode wants it: -EBUSY with err where another's is. */
int attach_check(struct daemon *d, char err[DATAPATH_ERR]);
/*
 * XDP as the mode says, on all, one at a time; goes on by itself, and begins anew when called.
 * While cold only programs that run are replaced: the rest is cold_end's to begin.
 */
void attach_begin(struct daemon *d);
/* The same on an interface that has just come: at once. */
void attach_one(struct daemon *d, struct edge_port *port);
/* XDP off all, then the daemon ends: within so many ns. */
uint64_t attach_leave(struct daemon *d);
/* It is wanted there and is not. And: or its link is still waited for. */
bool attach_lacks(const struct daemon *d, const struct edge_port *port);
bool attach_pending(const struct daemon *d, const struct edge_port *port);
/* Path `id` is down since we shake its interface: no failure of its own. */
bool attach_resets(const struct daemon *d, unsigned int id);
/*
 * The kernel's timer has taken path `id` away: if that is since we shook its interface, a while
 * later too, it is no failure, and the one that the timer counted is taken back.
 */
void attach_excuse(struct daemon *d, unsigned int id);

/*
 * hook.c. The XDP hook that the interface is to have now, HOOK_COUNT: none, tc alone. As decided:
 * hook_judge decides for `auto`, when XDP is about to be put on, from what the interface brought to
 * TC.
 */
enum hook hook_wanted(const struct daemon *d, const struct edge_port *port);
void hook_judge(struct daemon *d, struct edge_port *port);
/* What `auto` chose for each veth, and by what: for `status`. */
json_t *hook_rows(struct daemon *d);

/* redirects.c. Each second; and after the data plane is open, before the first packet. */
void redirects_start(struct daemon *d);
void redirects_tick(struct daemon *d);

/* watch.c. After the hooks were attached, and each few seconds: tells the programs. */
void watch_update(struct daemon *d);

/* routes.c */
bool routes_awaited(const struct daemon *d); /* packets go by tables of before: ours are to come */
int routes_init(struct daemon *d, char err[DATAPATH_ERR]);
int routes_start_feeds(struct daemon *d, char err[DATAPATH_ERR]);
/* The links' networks changed: routes that had no path may have one. */
void routes_resend(struct daemon *d);
void routes_stop(struct daemon *d);
void routes_dirty(struct daemon *d);
void routes_tick(struct daemon *d);

/* alerts.c */
int alerts_init(struct daemon *d, char err[DATAPATH_ERR]);
void alerts_context(struct daemon *d, struct incident_context *ctx);
void alerts_save(struct daemon *d);
void alerts_save_soon(struct daemon *d);
void alerts_stop(struct daemon *d);

/*
 * scan.c. start: 0 or -ENOMEM. alerts_scan begins one, unless one is under way; what fits into a
 * turn of the loop is done when it returns.
 */
int scan_start(struct daemon *d);
void scan_stop(struct daemon *d);
void alerts_scan(struct daemon *d);

/*
 * alerts_notify.c. start: after the state file, 0 or -ENOMEM; pause: before the incidents are
 * freed; stop: the daemon ends, and so does a command that runs.
 */
int alerts_notify_start(struct daemon *d);
void alerts_notify_pause(struct daemon *d);
void alerts_notify_stop(struct daemon *d);
/* There may be something to tell. */
void alerts_notify_kick(struct daemon *d);
/* Each second: silences that are over. */
void alerts_tick(struct daemon *d);
/* For `status`. */
json_t *alerts_notify_row(const struct daemon *d);
json_t *alerts_silence_rows(const struct daemon *d);

/* network.c. 0 or -ENOMEM. */
int network_init(struct daemon *d);
void network_stop(struct daemon *d);
/* A prefix's answer has changed, NULL: none; and after the compiler's turn. */
void network_changed(struct daemon *d, const struct prefix *prefix, const struct sw_group *old,
		     const struct sw_group *new);
void network_compiled(struct daemon *d);
/* A limit on the path's prefixes is near, or was lately. */
bool network_limit_near(const struct daemon *d, unsigned int id);
/* Paths may have failed, or their return been told: the state file is to know. */
void network_failed_note(struct daemon *d);
/* Each second. */
void network_tick(struct daemon *d);
/* network_facts.c. As of now; and what may have changed with a path, between. */
const struct network_facts *network_facts(struct daemon *d);
void network_paths_changed(struct daemon *d);

/* control.c */
int control_start(struct daemon *d, char err[DATAPATH_ERR]);
void control_stop(struct daemon *d);
/* Answers what waits for routes_awaited(), or has waited long enough. */
void control_go_on(struct daemon *d);
/* To every follower of alerts. */
void control_tell(struct daemon *d, enum incident_change change, const struct incident *inc);

/* answer.c: rows, or NULL with err and exit status filled. */
struct answer_error {
	int exit;
	char text[300];
};
/* Fills err; NULL. */
json_t *answer_refuse(struct answer_error *err, int exit, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
json_t *answer_status(struct daemon *d, struct answer_error *err);
/* Of a prefix or an address. */
json_t *answer_routes(struct daemon *d, const json_t *request, struct answer_error *err);
/*
 * The next rows of all routes, from `place` on, which is zeroed at first: by value, since the table
 * changes between two parts. NULL: out of memory.
 */
#define ROUTES_PART 100 /* rows: 2 ms */
struct routes_place {
	struct prefix after; /* the last one told */
	bool begun, more;
};
json_t *answer_routes_part(struct daemon *d, struct routes_place *place);
json_t *answer_explain(struct daemon *d, const json_t *request, struct answer_error *err);
json_t *answer_alerts(struct daemon *d, const json_t *request, struct answer_error *err);
json_t *answer_ack(struct daemon *d, const json_t *request, struct answer_error *err);
json_t *answer_silence(struct daemon *d, const json_t *request, struct answer_error *err);
json_t *answer_drain(struct daemon *d, const json_t *request, struct answer_error *err);
json_t *answer_enforce(struct daemon *d, const json_t *request, struct answer_error *err);
json_t *answer_monitor(struct daemon *d, const json_t *request, struct answer_error *err);
json_t *answer_reload(struct daemon *d, const json_t *request, struct answer_error *err);

#include "daemon/probe.h"
#include "daemon/usable.h"

#endif
