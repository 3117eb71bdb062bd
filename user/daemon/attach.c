/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * XDP put on the interfaces and taken off them, one at a time. A real NIC resets its rings and
 * drops its carrier for that: so backups come first (by `prefer`, then from the config's end),
 * inside interfaces last, and the next only when the last one's link is back, its paths are as
 * usable as before and have routes again, where they had: a router's sessions may fall with a link.
 * While the feeds' tables are not there, so that nobody knows, nothing is begun that resets.
 * Packets are moved by TC meanwhile, which resets nothing and goes on at once.
 *
 * An interface that does not come back gets its XDP taken off again, and nothing further is tried
 * until `enforce` or `reload`: whatever its driver did to it, the next may do, too. Taking off goes
 * on in any case, only slower: it is what was asked for.
 */
#include "daemon/daemon_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POLL_MS	       20
#define SETTLE_NS      200000000ULL    /* a driver may reset a little after it said yes */
#define ROUTES_WAIT_NS 180000000000ULL /* for sessions to come back on a link that did */
#define SHAKEN_NS      3000000000ULL   /* BFD falls silent so much later, 1 s x 3 */

static bool wanted(const struct daemon *d, const struct edge_port *port)
{
	return hook_wanted(d, port) != HOOK_COUNT;
}

/* Whether it runs our XDP of the mode that is wanted. */
static bool runs_wanted(const struct daemon *d, const struct edge_port *port)
{
	return wanted(d, port) &&
	       datapath_runs(d->dp, port->link.ifindex, port->name, hook_wanted(d, port));
}

static bool runs_any(const struct daemon *d, const struct edge_port *port)
{
	return datapath_runs(d->dp, port->link.ifindex, port->name, HOOK_XDP) ||
	       datapath_runs(d->dp, port->link.ifindex, port->name, HOOK_XDP_GENERIC);
}

static void unattach(struct daemon *d, const struct edge_port *port)
{
	datapath_unattach(d->dp, port->name, HOOK_XDP);
	datapath_unattach(d->dp, port->name, HOOK_XDP_GENERIC);
}

static bool waits_for(const struct daemon *d, const struct edge_port *port)
{
	return d->attach.name[0] && !strcmp(d->attach.name, port->name);
}

int attach_check(struct daemon *d, char err[DATAPATH_ERR])
{
	int ret = 0;

	for (size_t i = 0; i < d->n_ports && !ret; i++) {
		if (d->port[i].present && wanted(d, &d->port[i]))
			ret = datapath_xdp_check(d->dp, d->port[i].link.ifindex, d->port[i].name,
						 err);
	}
	return ret;
}

bool attach_lacks(const struct daemon *d, const struct edge_port *port)
{
	return port->present && wanted(d, port) &&
	       !(port->no_native && port->hook == CONFIG_HOOK_AUTO) &&
	       !datapath_attached(d->dp, port->name, hook_wanted(d, port));
}

bool attach_pending(const struct daemon *d, const struct edge_port *port)
{
	return wanted(d, port) && (waits_for(d, port) || attach_lacks(d, port));
}

bool attach_resets(const struct daemon *d, unsigned int id)
{
	return d->attach.name[0] && d->attach.paths >> id & 1;
}

static struct sw_hold *hold_of(struct daemon *d, unsigned int id, int which)
{
	return which ? &datapath_carrier(d->dp)[id].hold : &datapath_bfd(d->dp)[id].hold;
}

/* The interface of these paths is about to be shaken. */
static void shake(struct daemon *d, uint64_t paths)
{
	for (; paths; paths &= paths - 1) {
		unsigned int id = (unsigned int)__builtin_ctzll(paths);

		for (int i = 0; i < 2; i++)
			d->path[id].unshaken[i] = *hold_of(d, id, i);
	}
}

/* The timer writes both at a path's fall alone, which is over. */
void attach_excuse(struct daemon *d, unsigned int id)
{
	uint64_t now = clock_now();

	for (int i = 0; i < 2; i++) {
		const struct sw_hold *before = &d->path[id].unshaken[i];
		struct sw_hold *hold = hold_of(d, id, i);
		bool lately = before->failed_ns && now - before->failed_ns < SW_FAILBACK_MAX_NS;

		if (hold->failed_ns == before->failed_ns ||
		    !(attach_resets(d, id) || now < d->path[id].shaken_until_ns))
			continue;
		__atomic_store_n(&hold->hold_ns, lately ? before->hold_ns : hold->delay_ns,
				 __ATOMIC_RELAXED);
		__atomic_store_n(&hold->failed_ns, before->failed_ns, __ATOMIC_RELAXED);
	}
}

static uint64_t paths_of(const struct daemon *d, const char *name)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < d->n_ports; i++) {
		if (d->port[i].role == SW_ROLE_PATH && !strcmp(d->port[i].name, name))
			mask |= 1ULL << d->port[i].slot;
	}
	return mask;
}

/* Paths with routes by some feed. */
static uint64_t routed(const struct daemon *d)
{
	uint64_t mask = 0;

	for (unsigned int id = 0; id < SW_MAX_PATHS; id++)
		mask |= (uint64_t) !!rib_path_routes(d->rib, (int)id, 0) << id;
	return mask;
}

/* Remembers how it was before its link is shaken; wait_begin() after that. */
static bool wait_prepare(struct daemon *d, const struct edge_port *port)
{
	uint64_t paths = paths_of(d, port->name);

	shake(d, paths);
	d->attach.paths = paths & d->usable;
	d->attach.routed = paths & routed(d);
	return links_carrier(port->name) == 1;
}

static void wait_begin(struct daemon *d, const struct edge_port *port, bool attached)
{
	snprintf(d->attach.name, sizeof(d->attach.name), "%s", port->name);
	d->attach.attached = attached;
	d->attach.dipped = false;
	d->attach.since_ns = d->attach.up_ns = clock_now();
}

static void give_up(struct daemon *d, struct edge_port *port, const char *why)
{
	daemon_log("%s: %s: its packets are moved by tc, and no further interface gets XDP: see "
		   "`dmesg` and the driver's limits for XDP (MTU, queues), then `sameway -i %s "
		   "enforce`",
		   port->name, why, d->instance);
	d->attach.n = d->attach.at;
	d->attach.given_up = true;
}

/* Its link is not back in time. */
static void wait_failed(struct daemon *d, struct edge_port *port)
{
	bool attached = d->attach.attached;
	char why[100];

	d->attach.name[0] = '\0';
	if (!attached || !wanted(d, port)) { /* all the others go on being taken off */
		daemon_log("%s: its link is not back %llu s after XDP was %s: see `ip link show "
			   "dev %s` and `dmesg`",
			   port->name, ATTACH_WAIT_NS / 1000000000,
			   attached ? "attached, which nobody wants any more" : "taken off it",
			   port->name);
		return;
	}
	snprintf(why, sizeof(why),
		 "its link is not back %llu s after XDP was attached, which is taken off again",
		 ATTACH_WAIT_NS / 1000000000);
	give_up(d, port, why);
	unattach(d, port);
	wait_begin(d, port, false);
}

static struct edge_port *port_waited_for(struct daemon *d)
{
	for (size_t i = 0; i < d->n_ports; i++) {
		if (d->port[i].present && waits_for(d, &d->port[i]))
			return &d->port[i];
	}
	return NULL;
}

/* Without paths that somebody drained meanwhile, or took out of the config: they need not be. */
static uint64_t expected(const struct daemon *d, uint64_t mask)
{
	for (unsigned int id = 0; id < SW_MAX_PATHS; id++) {
		if (!d->path[id].cfg || d->path[id].drained)
			mask &= ~(1ULL << id);
	}
	return mask;
}

/* Its paths that were usable and are not. */
static uint64_t missing(const struct daemon *d)
{
	return expected(d, d->attach.paths & ~d->usable);
}

/* Only a failback-delay keeps it from being usable: the daemon's, or the kernel's timer's. */
static bool is_held(const struct daemon *d, unsigned int id)
{
	const struct path_state *p = &d->path[id];
	const struct sw_hold *bfd = &datapath_bfd(d->dp)[id].hold;
	const struct sw_hold *carrier = &datapath_carrier(d->dp)[id].hold;

	if (p->objected || (bfd->down && !bfd->up_ns) || (carrier->down && !carrier->up_ns))
		return false;
	return p->hold_until_ns || bfd->down || carrier->down;
}

/* That goes for all of its paths that are missing: it ends by itself. */
static bool only_held(const struct daemon *d)
{
	for (unsigned int id = 0; id < SW_MAX_PATHS; id++) {
		if (missing(d) >> id & 1 && !is_held(d, id))
			return false;
	}
	return true;
}

/* With its link up: whether it is as before. Who leaves waits for no delay and for no session. */
static bool is_back(const struct daemon *d)
{
	if (d->attach.leaving)
		return only_held(d);
	return !missing(d) && !expected(d, d->attach.routed & ~routed(d));
}

/* Whether its time to come back is over; said, and more is done where it did not. */
static bool timed_out(struct daemon *d, struct edge_port *port, bool up)
{
	uint64_t now = clock_now(), age = now - d->attach.since_ns;

	if (!up && now - d->attach.up_ns >= ATTACH_WAIT_NS) {
		wait_failed(d, port);
		return true;
	}
	if (!up || age < (d->attach.leaving ? ATTACH_WAIT_NS : ROUTES_WAIT_NS) ||
	    (missing(d) && only_held(d)))
		return false;
	daemon_log("%s: its link is back, but %.0f s after XDP was %s not all of its paths are "
		   "usable and have routes as before: going on, see `sameway -i %s paths`",
		   port->name, age / 1e9, d->attach.attached ? "attached" : "taken off",
		   d->instance);
	d->attach.name[0] = '\0';
	return true;
}

/* Whether the one that was last touched is as it was before, or is given up. */
static bool wait_over(struct daemon *d)
{
	struct edge_port *port = port_waited_for(d);
	uint64_t age = clock_now() - d->attach.since_ns;
	bool up;

	if (!port) { /* deleted or renamed meanwhile: nothing to come back */
		d->attach.name[0] = '\0';
		return true;
	}
	up = links_carrier(port->name) == 1;
	if (up)
		d->attach.up_ns = clock_now();
	if (!up || !is_back(d)) {
		d->attach.dipped = true;
		return timed_out(d, port, up);
	}
	if (age < SETTLE_NS)
		return false;
	if (d->attach.dipped)
		daemon_log("%s: back %.1f s after XDP was %s", port->name, age / 1e9,
			   d->attach.attached ? "attached" : "taken off");
	for (uint64_t paths = paths_of(d, port->name); paths; paths &= paths - 1)
		d->path[__builtin_ctzll(paths)].shaken_until_ns = clock_now() + SHAKEN_NS;
	d->attach.name[0] = '\0';
	return true;
}

/* Attaches what is wanted; a driver that has no native XDP is told of, and no failure. */
static int attach_wanted(struct daemon *d, struct edge_port *port, char err[DATAPATH_ERR])
{
	int ret = datapath_attach(d->dp, port->link.ifindex, port->name, hook_wanted(d, port), err);

	port->no_native = ret == -EOPNOTSUPP;
	if (!port->no_native)
		return ret;
	if (port->hook == CONFIG_HOOK_AUTO)
		daemon_log("%s has no native XDP: its packets are moved by tc, more slowly",
			   port->name);
	else
		daemon_log("%s has no native XDP, which `hook: xdp` asks for: its packets are "
			   "moved by tc: give `hook: auto`, tc or xdp-generic",
			   port->name);
	return 0;
}

static void put_on(struct daemon *d, struct edge_port *port)
{
	bool ran = runs_wanted(d, port);
	bool up = wait_prepare(d, port);
	char err[DATAPATH_ERR];
	int ret = attach_wanted(d, port, err);

	if (ret)
		give_up(d, port, err);
	else if (!ran && !port->no_native && up)
		wait_begin(d, port, true);
}

static void take_off(struct daemon *d, struct edge_port *port)
{
	bool up = runs_any(d, port) && wait_prepare(d, port);

	unattach(d, port);
	if (up)
		wait_begin(d, port, false);
}

static void step(struct daemon *d)
{
	const struct timeval soon = {.tv_usec = POLL_MS * 1000};
	struct attach *a = &d->attach;

	while (!a->name[0] || wait_over(d)) {
		struct edge_port *port;

		if (a->name[0]) /* given up: taken off again, and waited for once more */
			continue;
		if (a->at >= a->n) {
			if (a->leaving)
				event_base_loopexit(d->base, &(struct timeval){.tv_usec = 50000});
			return;
		}
		port = edge_port_of(d, a->slot[a->at++]);
		if (!port || !port->present)
			continue;
		if (wanted(d, port))
			put_on(d, port);
		else
			take_off(d, port);
		edge_tick(d);
	}
	event_add(a->ev, &soon);
}

static void on_poll(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	step(arg);
}

/* Where a port comes in the order: the lower, the earlier. */
static unsigned int place(const struct daemon *d, size_t port)
{
	unsigned int late = port < d->cfg->n_paths
				    ? SW_NO_RANK - config_rank(d->cfg, d->cfg->paths[port].class)
				    : SW_NO_RANK + 1;

	return late * SW_MAX_SLOTS + (SW_MAX_SLOTS - (unsigned int)port);
}

/* What another daemon's programs run on goes on by ours: that resets nothing. */
static void programs_replace(struct daemon *d)
{
	for (size_t i = 0; i < d->n_ports; i++) {
		struct edge_port *port = &d->port[i];

		if (port->present && runs_wanted(d, port))
			attach_one(d, port);
	}
}

void attach_begin(struct daemon *d)
{
	struct attach *a = &d->attach;
	unsigned int at[SW_MAX_SLOTS];

	a->n = a->at = 0;
	a->given_up = false;
	a->up_ns = clock_now();
	for (size_t i = 0; i < d->n_ports && a->n < SW_MAX_SLOTS; i++) {
		size_t k = a->n++;

		for (; k && at[k - 1] > place(d, i); k--) {
			at[k] = at[k - 1];
			a->slot[k] = a->slot[k - 1];
		}
		at[k] = place(d, i);
		a->slot[k] = d->port[i].slot;
		d->port[i].no_native = false;
		if (d->port[i].present)
			hook_judge(d, &d->port[i]);
	}
	if (!d->cold || a->leaving)
		step(d);
	else
		programs_replace(d);
}

void attach_one(struct daemon *d, struct edge_port *port)
{
	char err[DATAPATH_ERR];

	if (!port->judged)
		hook_judge(d, port);
	if (!wanted(d, port) || (d->attach.given_up && !runs_wanted(d, port)))
		unattach(d, port);
	else if (attach_wanted(d, port, err))
		daemon_log("%s", err);
}

uint64_t attach_leave(struct daemon *d)
{
	d->attach.leaving = true;
	attach_begin(d);
	return (d->n_ports + 1) * (ATTACH_WAIT_NS + SETTLE_NS);
}

int attach_start(struct daemon *d)
{
	if (!d->attach.ev)
		d->attach.ev = evtimer_new(d->base, on_poll, d);
	return d->attach.ev ? 0 : -ENOMEM;
}

void attach_stop(struct daemon *d)
{
	if (d->attach.ev)
		event_free(d->attach.ev);
	d->attach.ev = NULL;
	d->attach.n = d->attach.at = 0;
}
