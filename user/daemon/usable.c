/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which paths can carry traffic: each source of objections has its word in map `usable`, and this
 * file is the writer of all but bfd, which is the kernel's timer's; link is the timer's, too (see
 * struct sw_carrier). Down at once; up after failback-delay, which doubles with each failure within
 * five minutes, and ends at once when the far side's packets come on the path.
 */
#include "core/cause.h"
#include "daemon/daemon_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/*
 * Whether all of the path's listed peers of the family are down (none listed at all: no). Where
 * only the other family has peers, their sessions carry both.
 */
static bool peers_down(const struct path_state *p, uint8_t family)
{
	bool of_family = false;

	for (size_t i = 0; i < p->cfg->n_peers; i++)
		of_family |= p->cfg->peers[i].family == family;
	for (size_t i = 0; i < p->cfg->n_peers; i++) {
		if ((!of_family || p->cfg->peers[i].family == family) && !p->peer_down[i])
			return false;
	}
	return p->cfg->n_peers > 0;
}

/* No family that the path can carry has a peer. */
static bool all_peers_down(struct daemon *d, const struct path_state *p, unsigned int id)
{
	const struct sw_ctl *c = datapath_ctl(d->dp);

	return (peers_down(p, 4) || !(c->can4 >> id & 1)) &&
	       (peers_down(p, 6) || !(c->can6 >> id & 1));
}

/* A gateway of some family is resolved, or none is needed. */
static bool neighbor_ok(struct daemon *d, const struct path_state *p, unsigned int id)
{
	const struct edge_port *port = edge_port_of(d, id);

	if (!port || !port->present || port->link.l3)
		return true;
	return (p->cfg->gateway.family && p->gateway_ok) ||
	       (p->cfg->gateway6.family && p->gateway6_ok);
}

/*
 * Families that the path can carry now: IPv6 is not sent to an Ethernet path without gateway6, nor
 * IPv4 without gateway, nor either while that gateway's MAC is not known and the other's is. (With
 * neither it is word `neighbor` that objects.)
 */
static bool family_ok(const struct path_state *p, const struct edge_port *port, uint8_t family)
{
	const struct ip_addr *gateway = family == 4 ? &p->cfg->gateway : &p->cfg->gateway6;
	bool ok = family == 4 ? p->gateway_ok : p->gateway6_ok;

	if (port->link.l3)
		return true;
	return gateway->family && (ok || (!p->gateway_ok && !p->gateway6_ok));
}

void usable_families(struct daemon *d, unsigned int id)
{
	struct sw_ctl *c = datapath_ctl(d->dp);
	const struct edge_port *port = edge_port_of(d, id);
	struct path_state *p = &d->path[id];
	bool can4, can6;

	if (!port || !port->present)
		return;
	can4 = family_ok(p, port, 4);
	can6 = family_ok(p, port, 6);
	if (can4 == (c->can4 >> id & 1) && can6 == (c->can6 >> id & 1))
		return;
	if (p->was_up)
		__atomic_store_n(&datapath_paths(d->dp)[id].changed_ns, clock_now(),
				 __ATOMIC_RELEASE);
	word_set(&c->can4, id, can4);
	word_set(&c->can6, id, can6);
	daemon_changed(d);
}

static uint64_t rx_packets(struct daemon *d, unsigned int id)
{
	struct sw_path_stats stats;

	return maps_path_stats(d->maps, id, &stats) ? 0 : stats.rx_packets;
}

/* Paths usable by all words, of any family: as the programs' select has it (the timer's: had it).
 */
static uint64_t usable_now(struct daemon *d)
{
	const struct sw_usable *u = datapath_usable(d->dp);
	const struct sw_ctl *c = datapath_ctl(d->dp);

	return d->link & ((u->peers4 & c->can4) | (u->peers6 & c->can6)) & d->bfd & u->probe &
	       u->admin & u->failback & u->neighbor;
}

/* Arms the timer that looks at the holds, while there are any. */
static void holds_arm(struct daemon *d)
{
	static const struct timeval soon = {.tv_usec = 10000};

	if (!event_pending(d->ev_hold, EV_TIMEOUT, NULL))
		event_add(d->ev_hold, &soon);
}

/*
 * The failback word. A path that comes back is held for failback-delay, longer if it failed not
 * long ago; its first time up, and the end of a drain, wait for nothing.
 */
static void hold_begin(struct daemon *d, struct path_state *p, unsigned int id, uint64_t now)
{
	uint64_t delay = d->cfg->failback_delay_ns;

	if (!p->was_up || !delay) {
		p->hold_until_ns = 0;
		return;
	}
	p->hold_ns = p->hold_ns ? p->hold_ns : delay;
	p->hold_until_ns = now + p->hold_ns;
	p->hold_rx = rx_packets(d, id);
	holds_arm(d);
}

static void note_failure(struct daemon *d, struct path_state *p, uint64_t now)
{
	uint64_t delay = d->cfg->failback_delay_ns;

	if (p->failed_ns && now - p->failed_ns < SW_FAILBACK_MAX_NS) {
		p->hold_ns = p->hold_ns ? p->hold_ns * 2 : delay;
		if (p->hold_ns > SW_FAILBACK_MAX_NS)
			p->hold_ns = SW_FAILBACK_MAX_NS;
	} else {
		p->hold_ns = delay;
	}
	p->failed_ns = now;
}

static size_t most(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* What this change has moved; several paths that fall in one moment, of one trunk, are one. */
static void moved_count(struct daemon *d, uint64_t before, uint64_t after, uint64_t now)
{
	bool down = before & ~after, more = down && now - d->fell_ns < CHANGE_NS;
	size_t moved, lost;

	if (!more) {
		d->fell_from = before;
		d->moved = d->lost = d->lost_names.n = 0;
	}
	d->fell_ns = down ? now : 0;
	fib_moved(d->fib, d->fell_from, after, &moved, &lost);
	/* of the first their routes may be gone by now: then it is more than this */
	d->moved = most(d->moved, moved);
	d->lost = most(d->lost, lost);
	if (lost && !d->lost_names.n)
		cause_lost_names(d->cfg, d->rib, d->fell_from, after, &d->lost_names);
	d->moved_ns = d->lost_names_ns = now;
}

/* The paths that are usable have become others, by what was stored for this one; `why` or "". */
static void usable_moved(struct daemon *d, unsigned int id, uint64_t before, uint64_t after,
			 uint64_t now, const char *why)
{
	struct path_state *p = &d->path[id];
	size_t moved, lost;

	p->changed_ns = datapath_paths(d->dp)[id].changed_ns;
	daemon_changed(d);
	d->usable = after;
	fib_moved(d->fib, before, after, &moved, &lost);
	p->moved = moved + lost;
	moved_count(d, before, after, now);
	daemon_log("path %s is %s%s (%zu prefixes moved, %zu without a path)", p->cfg->name,
		   after >> id & 1 ? "usable" : "not usable", why, moved, lost);
}

/* What the kernel's timer says of the path has changed; `word`: what we knew of it. */
static void look_path(struct daemon *d, unsigned int id, uint64_t *word)
{
	uint64_t before = usable_now(d);
	char why[120] = ": its carrier was lost";

	*word ^= 1ULL << id;
	if (!d->path[id].cfg || !d->started)
		return;
	if (word == &d->link && *word >> id & 1 && !d->path[id].link_up) {
		/* given back in the moment in which we took it */
		*word ^= 1ULL << id;
		word_set(&datapath_usable(d->dp)->link, id, false);
		return;
	}
	if (!(*word >> id & 1))
		attach_excuse(d, id);
	if (word == &d->bfd)
		bfd_why(d, id, why, sizeof(why));
	else if (*word >> id & 1)
		snprintf(why, sizeof(why), ": its carrier is back");
	if (usable_now(d) != before)
		usable_moved(d, id, before, usable_now(d), clock_now(), why);
}

/* The kernel's timer may have changed words bfd and link. */
static void usable_look(struct daemon *d)
{
	const struct sw_usable *u = datapath_usable(d->dp);
	uint64_t bfd = __atomic_load_n(&u->bfd, __ATOMIC_ACQUIRE) ^ d->bfd;
	uint64_t link = __atomic_load_n(&u->link, __ATOMIC_ACQUIRE) ^ d->link;

	for (unsigned int id = 0; id < SW_MAX_PATHS && (bfd | link); id++) {
		if (bfd >> id & 1)
			look_path(d, id, &d->bfd);
		if (link >> id & 1)
			look_path(d, id, &d->link);
	}
	if ((bfd | link) && d->started)
		network_paths_changed(d);
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	usable_look(arg);
}

int usable_start(struct daemon *d)
{
	static const struct timeval period = {.tv_usec = CARRIER_PERIOD_MS * 1000};

	d->ev_look = event_new(d->base, -1, EV_PERSIST, on_look, d);
	return d->ev_look && !event_add(d->ev_look, &period) ? 0 : -ENOMEM;
}

void usable_stop(struct daemon *d)
{
	if (d->ev_look)
		event_free(d->ev_look);
	d->ev_look = NULL;
}

/*
 * Publishes what changed. changed_ns goes first: a program that sees the new usable must find when
 * it changed; the generation goes last, so that flows are judged by the new state.
 */
static void publish(struct daemon *d, unsigned int id, __u64 *word, bool set, uint64_t now)
{
	struct sw_path *row = &datapath_paths(d->dp)[id];
	struct path_state *p = &d->path[id];
	uint64_t before, after;

	if (!!(*word >> id & 1) == set)
		return;
	usable_look(d); /* changes of their own */
	before = usable_now(d);
	after = set ? before : before & ~(1ULL << id);
	if (!p->first_up && (set || after != before))
		__atomic_store_n(&row->changed_ns, now, __ATOMIC_RELEASE);
	word_set(word, id, set);
	if (word == &datapath_usable(d->dp)->link)
		d->link = (d->link & ~(1ULL << id)) | (uint64_t)set << id;
	after = usable_now(d);
	if (after == before)
		daemon_changed(d);
	else
		usable_moved(d, id, before, after, now, "");
}

static bool objects(struct daemon *d, const struct path_state *p, unsigned int id)
{
	return !p->link_up || p->drained || p->probe_down || !neighbor_ok(d, p, id) ||
	       all_peers_down(d, p, id);
}

/* A drain whose end we let pass: the kernel's timer has ended it, the path is in use since. */
static void drain_ended(struct daemon *d, unsigned int id)
{
	struct path_state *p = &d->path[id];

	/* the timer takes the row's end away, then it sets the bit */
	if (!p->drained_until_ns || datapath_paths(d->dp)[id].drained_until_ns ||
	    !(datapath_usable(d->dp)->admin >> id & 1))
		return;
	daemon_log("path %s: the kernel has ended its drain, this daemon being late", p->cfg->name);
	p->drained = false;
	p->drained_until_ns = 0;
	p->objected = objects(d, p, id);
	if ((usable_now(d) & ~d->usable) >> id & 1)
		usable_moved(d, id, d->usable, d->usable | 1ULL << id, clock_now(), "");
}

void usable_update(struct daemon *d, unsigned int id)
{
	struct sw_usable *u = datapath_usable(d->dp);
	struct path_state *p = &d->path[id];
	uint64_t now = clock_now();
	bool objected;

	if (!p->cfg || !d->started) /* before the start: only looked at, told all at once */
		return;
	drain_ended(d, id);
	usable_look(d); /* what the timer took away is told as its doing */
	objected = objects(d, p, id);
	if (!objected && p->objected)
		hold_begin(d, p, id, now);
	if (objected && !p->objected && p->was_up && !attach_resets(d, id))
		note_failure(d, p, now);
	p->objected = objected;
	p->first_up = !p->was_up; /* how it was at the start is no change */
	if (!objected) {
		p->was_up = true;
		p->held = false;
	}
	/* the failback word first: the path must not be usable between two stores */
	if (!objected && p->hold_until_ns)
		publish(d, id, &u->failback, false, now);
	if (!p->link_up)
		carrier_take(d, id);
	if (!p->link_up || !carrier_cut(d, id)) /* else the timer knows better than we do yet */
		publish(d, id, &u->link, p->link_up, now);
	publish(d, id, &u->peers4, !peers_down(p, 4), now);
	publish(d, id, &u->peers6, !peers_down(p, 6), now);
	publish(d, id, &u->probe, !p->probe_down, now);
	publish(d, id, &u->admin, !p->drained, now);
	publish(d, id, &u->neighbor, neighbor_ok(d, p, id), now);
	if (objected) /* down for a better reason than a delay */
		p->hold_until_ns = 0;
	if (!p->hold_until_ns)
		publish(d, id, &u->failback, true, now);
	network_paths_changed(d);
}

void usable_holds(struct daemon *d)
{
	struct sw_usable *u = datapath_usable(d->dp);
	uint64_t now = clock_now();
	bool more = false;

	for (unsigned int id = 0; id < SW_MAX_PATHS; id++) {
		struct path_state *p = &d->path[id];

		if (!p->cfg || !p->hold_until_ns)
			continue;
		if (now >= p->hold_until_ns || rx_packets(d, id) > p->hold_rx) {
			p->hold_until_ns = 0;
			publish(d, id, &u->failback, true, now);
			network_paths_changed(d);
			continue;
		}
		more = true;
	}
	if (more)
		holds_arm(d);
}

void usable_drain(struct daemon *d, unsigned int id, bool drained, uint64_t until_ns)
{
	struct path_state *p = &d->path[id];

	drain_ended(d, id);
	p->drained = drained;
	p->drained_until_ns = until_ns;
	datapath_paths(d->dp)[id].drained_until_ns = until_ns;
	usable_update(d, id);
	if (!drained && p->hold_until_ns) { /* a person said so: no delay */
		p->hold_until_ns = 0;
		usable_update(d, id);
	}
}

void usable_peer(struct daemon *d, feed_id feed, const struct ip_addr *peer, bool down)
{
	uint16_t said = down ? (uint16_t)(feed + 1) : 0;

	for (unsigned int id = 0; id < SW_MAX_PATHS; id++) {
		struct path_state *p = &d->path[id];

		for (size_t i = 0; p->cfg && i < p->cfg->n_peers; i++) {
			if (!ip_equal(&p->cfg->peers[i], peer) || p->peer_down[i] == said)
				continue;
			p->peer_down[i] = said;
			usable_update(d, id);
		}
	}
}

void usable_peers_forget(struct daemon *d, uint16_t said)
{
	for (unsigned int id = 0; id < SW_MAX_PATHS; id++) {
		struct path_state *p = &d->path[id];

		for (size_t i = 0; p->cfg && i < p->cfg->n_peers; i++) {
			if (p->peer_down[i] != said)
				continue;
			p->peer_down[i] = 0;
			usable_update(d, id);
		}
	}
}

void usable_neighbor(struct daemon *d, uint32_t ifindex, const struct ip_addr *addr,
		     const uint8_t mac[6])
{
	for (unsigned int id = 0; id < SW_MAX_PATHS; id++) {
		struct path_state *p = &d->path[id];
		const struct edge_port *port = edge_port_of(d, id);

		if (!p->cfg || !port || !port->present || port->owner.ifindex != ifindex)
			continue;
		if (ip_equal(&p->cfg->gateway, addr))
			p->gateway_ok = mac;
		else if (ip_equal(&p->cfg->gateway6, addr))
			p->gateway6_ok = mac;
		else
			continue;
		if (mac)
			memcpy(p->mac[addr->family == 6], mac, sizeof(p->mac[0]));
		if (d->started) /* before, not all gateways have been told */
			usable_families(d, id);
		usable_update(d, id);
	}
}

/*
 * Adopted, and held down by its probe: its return is one like any other, also where it has no such
 * probe any more.
 */
static bool held_by_probe(struct daemon *d, unsigned int id)
{
	struct path_state *p = &d->path[id];
	bool same = p->cfg && datapath_adopted(d->dp) &&
		    !strcmp(datapath_paths(d->dp)[id].name, p->cfg->name);

	p->probe_down = probes_adopt(d, id);
	p->held = p->was_up = same && !(datapath_usable(d->dp)->probe >> id & 1);
	return p->held;
}

void usable_init(struct daemon *d)
{
	struct sw_usable *u = datapath_usable(d->dp);
	uint64_t configured = 0, held = 0;
	uint64_t objected =
		~(u->link & u->probe & u->admin & u->neighbor & (u->peers4 | u->peers6));

	if (!datapath_adopted(d->dp)) /* as the timer's first look has it */
		u->bfd = ~0ULL;
	d->bfd = u->bfd;
	d->link = u->link;
	for (unsigned int id = 0; id < SW_MAX_PATHS; id++) {
		const struct sw_path *row = &datapath_paths(d->dp)[id];
		struct path_state *p = &d->path[id];

		held |= (uint64_t)held_by_probe(d, id) << id;
		if (!p->cfg)
			continue;
		configured |= 1ULL << id;
		p->objected = true;
		/* adopted: what was drained stays so, what was usable, or ever has been, was up */
		if (datapath_adopted(d->dp)) {
			if (strcmp(row->name, p->cfg->name)) /* another's number, now free */
				continue;
			p->drained = !(u->admin >> id & 1);
			p->objected = objected >> id & 1;
			p->was_up |= row->changed_ns || usable_now(d) >> id & 1;
			p->changed_ns = row->changed_ns;
			p->drained_until_ns = p->drained ? row->drained_until_ns : 0;
		}
	}
	u->probe = configured & ~held;
	if (datapath_adopted(d->dp)) {
		/* nothing is torn down before the links are known again */
		d->usable = usable_now(d);
		return;
	}
	u->link = u->neighbor = u->failback = d->link = 0;
	u->peers4 = u->peers6 = u->admin = configured;
	d->usable = 0;
}
