/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scan of the flow records, for incidents and the counts of verdicts. It also ends what no
 * packet ends: idle flows. In turns of the loop, so that a million records keep nobody waiting.
 */
#include "core/blackhole.h"
#include "core/cause.h"
#include "daemon/daemon_impl.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define SECOND	1000000000ULL
#define TURN_NS 5000000ULL /* of the loop, for it */
#define LOOK	64	   /* records from one look at the clock to the next */
/*
 * A record without packets is removed after: a closed TCP, an open one, a ping, UDP and others. TCP
 * of which one direction is all that was seen is among those: nobody knows whether it is open.
 */
#define IDLE_CLOSED_NS (10 * SECOND)
#define IDLE_TCP_NS    (7200 * SECOND)
#define IDLE_PING_NS   (30 * SECOND)
#define IDLE_OTHER_NS  (180 * SECOND)

struct scan {
	struct daemon *d;
	struct event *ev; /* the next turn */
	bool on;
	struct flow_place place;
	struct incident_context ctx;
	uint64_t now;	    /* by the programs' clock */
	uint64_t turn_ends; /* CLOCK_MONOTONIC */
	unsigned int seen;
	uint64_t flows[SW_VERDICT_COUNT];
	struct flow_ref *idle; /* of this turn */
	size_t n_idle, room;
	bool all;		  /* states of the network are told by all flows */
	struct blackholes *holes; /* NULL: nobody watches what comes in */
};

static bool flow_idle(const struct sw_flow_key *key, const struct flow *flow, uint64_t now)
{
	uint64_t age = now > flow->seen_ns ? now - flow->seen_ns : 0;
	uint32_t closing = flow->closing;

	if (key->proto == IPPROTO_ICMP || key->proto == IPPROTO_ICMPV6)
		return age > IDLE_PING_NS;
	if (key->proto != IPPROTO_TCP)
		return age > IDLE_OTHER_NS;
	if (closing & (SW_TCP_RST_OUT | SW_TCP_RST_IN) ||
	    (closing & SW_TCP_FIN_OUT && closing & SW_TCP_FIN_IN))
		return age > IDLE_CLOSED_NS;
	if (flow->state.out == SW_NO_PATH || flow->state.in == SW_NO_PATH)
		return age > (closing ? IDLE_CLOSED_NS : IDLE_OTHER_NS);
	return age > IDLE_TCP_NS;
}

static void scan_idle(struct scan *scan, const struct flow_ref *ref)
{
	if (scan->n_idle == scan->room) {
		size_t room = scan->room ? scan->room * 2 : 256;
		void *more = realloc(scan->idle, room * sizeof(*scan->idle));

		if (!more)
			return; /* the next scan finds it again */
		scan->idle = more;
		scan->room = room;
	}
	scan->idle[scan->n_idle++] = *ref;
}

/* Most flows are well and had a packet a moment ago: they are counted, and not unpacked. */
static void scan_flow(struct scan *scan, const struct flow_row *row)
{
	struct sw_flow_key key;
	struct flow flow;
	bool hole = scan->holes &&
		    blackholes_look(scan->holes, row->family, row->record, row->r, row->state);

	if (row->state.s.verdict < SW_VERDICT_COUNT)
		scan->flows[row->state.s.verdict]++;
	if (!hole && !scan->all && !incidents_tracking(scan->d->incidents) &&
	    !cause_opens(row->state.s.verdict) &&
	    flow_seen_ns(row->r, scan->now) + IDLE_CLOSED_NS > scan->now)
		return;
	if (!flow_row_read(row, &key, &flow))
		return;
	if (scan->all)
		network_watch_flow(scan->d->network_watch, &scan->ctx, &key, &flow);
	if (hole)
		blackholes_flow(scan->holes, &scan->ctx, &key, &flow);
	if (flow_idle(&key, &flow, scan->now)) {
		struct flow_ref ref = flow_ref(&key, &flow);

		scan_idle(scan, &ref);
		return;
	}
	/* the loop or the spoofer has ended, and no packet came since to say so */
	if (flow.state.verdict == SW_VERDICT_LOOP_OR_SPOOF &&
	    scan->ctx.now > flow.spoof_ns + SW_SPOOF_HOLD_NS)
		return;
	if (flow.seen_ns < scan->d->heard_ns)
		return;
	incidents_scan_flow(scan->d->incidents, &scan->ctx, &key, &flow);
}

static int scan_row(void *arg, const struct flow_row *row)
{
	struct scan *scan = arg;

	scan_flow(scan, row);
	return ++scan->seen % LOOK == 0 && clock_now() >= scan->turn_ends ? -EAGAIN : 0;
}

static void on_hole(void *arg, const struct blackhole *hole, bool answered)
{
	struct scan *scan = arg;

	incidents_hole(scan->d->incidents, &scan->ctx, hole, answered);
}

/* Where what comes in is not watched, silence says nothing. */
static void holes_begin(struct scan *scan)
{
	scan->holes = NULL;
	if (datapath_ctl(scan->d->dp)->unwatched & SW_UNWATCHED_IN) {
		blackholes_forget(scan->d->blackholes);
		return;
	}
	scan->holes = scan->d->blackholes;
	alerts_context(scan->d, &scan->ctx);
	blackholes_begin(scan->holes, &scan->ctx);
}

static void scan_end(struct scan *scan, int ret)
{
	struct sw_verdict_row *rows = datapath_verdicts(scan->d->dp);

	scan->on = false;
	if (ret) { /* flows not seen are not gone */
		daemon_log("flow records can't be read (%s): incidents stay as they are",
			   strerror(-ret));
		return;
	}
	for (size_t v = 0; v < SW_VERDICT_COUNT; v++)
		rows[v].flows = scan->flows[v];
	if (scan->all)
		network_watch_scanned(scan->d->network_watch, &scan->ctx);
	if (scan->holes)
		blackholes_end(scan->holes, &scan->ctx, on_hole, scan);
	incidents_scan_end(scan->d->incidents, &scan->ctx);
}

static void scan_turn(struct scan *scan)
{
	static const struct timeval next = {0};
	int ret;

	alerts_context(scan->d, &scan->ctx);
	scan->turn_ends = clock_now() + TURN_NS;
	ret = maps_flows_now(scan->d->maps, &scan->now);
	if (!ret)
		ret = maps_flow_part(scan->d->maps, &scan->place, scan_row, scan);
	if (scan->n_idle) /* those that can't be removed now are found again */
		datapath_flows_remove(scan->d->dp, scan->idle, scan->n_idle);
	scan->n_idle = 0;
	if (ret == -EAGAIN)
		evtimer_add(scan->ev, &next);
	else
		scan_end(scan, ret);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	scan_turn(arg);
}

int scan_start(struct daemon *d)
{
	d->scan = calloc(1, sizeof(*d->scan));
	if (!d->scan)
		return -ENOMEM;
	d->scan->d = d;
	d->scan->ev = evtimer_new(d->base, on_turn, d->scan);
	return d->scan->ev ? 0 : -ENOMEM;
}

void scan_stop(struct daemon *d)
{
	if (!d->scan)
		return;
	if (d->scan->ev)
		event_free(d->scan->ev);
	free(d->scan->idle);
	free(d->scan);
	d->scan = NULL;
}

void alerts_scan(struct daemon *d)
{
	struct scan *scan = d->scan;

	if (scan->on) /* more records than fit between two ticks */
		return;
	scan->on = true;
	scan->place = (struct flow_place){0};
	memset(scan->flows, 0, sizeof(scan->flows));
	alerts_context(d, &scan->ctx);
	scan->all = network_watch_wants(d->network_watch, &scan->ctx);
	incidents_scan_begin(d->incidents);
	holes_begin(scan);
	scan_turn(scan);
}
