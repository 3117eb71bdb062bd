/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The paths' probes. Each has a timer: at its tick, what has arrived is read, the interval that is
 * over is judged (core/probe.h), and the next probe leaves by the path's own device to the path's
 * own gateway, whatever the kernel's routes or select say. It comes from an address of that device,
 * which TC egress never moves, and what answers is addressed to this box, which admit passes: no
 * program knows of probes (docs/decisions/047).
 */
#include "core/probe.h"
#include "core/probe_packet.h"
#include "daemon/daemon_impl.h"
#include "kernel/probe_socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define RING	   32	 /* probes that may still be answered: more than SW_PROBE_MISSES */
#define PORT_FIRST 61056 /* above the ports that the kernel gives out (ip_local_port_range) */
#define PORT_ROWS  ((65536 - PORT_FIRST) / PROBE_IDENTS)
#define READ_MAX   1024 /* packets at once, should somebody flood us */
#define TELL_NS	   600000000000ULL

struct probe_out {
	struct probe_packet packet;
	uint64_t now_ns, wall_ns;
	bool open; /* not answered yet */
};

struct probe {
	struct daemon *d;
	unsigned int id; /* of the path */
	uint16_t seq;
	struct event *ev_tick;
	struct probe_interval in;
	struct probe_out out[RING];
	uint64_t elsewhere_told_ns;
};

struct probes {
	struct probe *of[SW_MAX_PATHS]; /* NULL: the path has none */
	uint16_t icmp, tcp;		/* the first identifier, and port, of ours */
	struct {
		int fd; /* -1: none */
		struct event *ev;
		bool told; /* that it can't be had */
	} socket[2];	   /* IPv4, IPv6 */
};

static const struct config_probe *config_of(const struct probe *p)
{
	return &p->d->path[p->id].cfg->probe;
}

static struct sw_probe *row_of(const struct probe *p)
{
	return &datapath_probes(p->d->dp)[p->id];
}

static const char *target_of(const struct probe *p, char buf[PROBE_TARGET_LEN])
{
	return probe_target_format(&config_of(p)->target, config_of(p)->port, buf);
}

bool probes_adopt(struct daemon *d, unsigned int id)
{
	static const struct config_probe none;
	const struct path_state *p = &d->path[id];
	struct sw_probe *row = &datapath_probes(d->dp)[id];
	bool same = p->cfg && !strcmp(datapath_paths(d->dp)[id].name, p->cfg->name);

	if (!same || !datapath_adopted(d->dp))
		memset(row, 0, sizeof(*row));
	probe_adopt(row, p->cfg ? &p->cfg->probe : &none);
	return row->state == SW_PROBE_DOWN;
}

/* Another path on the device: the gateway's MAC tells whose an answer is. */
static bool is_shared(const struct daemon *d, const struct edge_port *port)
{
	for (size_t i = 0; i < d->n_ports; i++) {
		const struct edge_port *other = &d->port[i];

		if (other != port && other->role == SW_ROLE_PATH && other->present &&
		    other->owner.ifindex == port->owner.ifindex)
			return true;
	}
	return false;
}

static bool came_by_path(const struct probe *p, const struct probe_from *from)
{
	const struct path_state *path = &p->d->path[p->id];
	const struct edge_port *port = edge_port_of(p->d, (uint8_t)p->id);

	if (!port || !port->present || port->owner.ifindex != from->ifindex)
		return false;
	if (port->owner.l3 || !is_shared(p->d, port))
		return true;
	return from->has_mac &&
	       !memcmp(from->mac, path->mac[config_of(p)->target.family == 6], sizeof(from->mac));
}

/* Answered, and by another way: that is no proof for this one. */
static void elsewhere(struct probe *p, const struct probe_from *from, uint64_t now)
{
	struct sw_probe *row = row_of(p);
	char target[PROBE_TARGET_LEN], name[IF_NAMESIZE] = "?";

	row->elsewhere = from->ifindex;
	row->elsewhere_ns = now;
	if (p->elsewhere_told_ns && now < p->elsewhere_told_ns + TELL_NS)
		return;
	p->elsewhere_told_ns = now;
	if_indextoname(from->ifindex, name);
	daemon_log("probe of %s by %s: its answers come by %s, and do not count: have the far side "
		   "send them back by %s, or give another target",
		   target_of(p, target), p->d->path[p->id].cfg->name, name,
		   p->d->path[p->id].cfg->name);
}

static int packet_send(const struct probe *p, const struct probe_packet *packet,
		       size_t (*make)(const struct probe_packet *, uint8_t *))
{
	const struct edge_port *port = edge_port_of(p->d, (uint8_t)p->id);
	bool six = packet->dst.family == 6;
	uint8_t buf[PROBE_PACKET_LEN];
	size_t len = make(packet, buf);

	return probe_socket_send(p->d->probes->socket[six].fd, packet->dst.family,
				 port->owner.ifindex,
				 port->owner.l3 ? NULL : p->d->path[p->id].mac[six], buf, len);
}

static bool is_same(const struct probe_packet *a, const struct probe_packet *b)
{
	return ip_equal(&a->src, &b->src) && ip_equal(&a->dst, &b->dst) && a->port == b->port &&
	       a->ident == b->ident && a->seq == b->seq && a->cookie == b->cookie;
}

/* By the time at which the kernel had the answer, where that makes sense: we may be late. */
static uint64_t round_trip(const struct probe_out *out, const struct probe_from *from, uint64_t now)
{
	uint64_t most = now - out->now_ns;

	if (from->wall_ns < out->wall_ns || from->wall_ns - out->wall_ns > most)
		return most;
	return from->wall_ns - out->wall_ns;
}

/* False: it is none of this path's. */
static bool answer(struct probe *p, const struct probe_packet *packet, bool half_open,
		   const struct probe_from *from)
{
	uint64_t now = clock_now();

	for (int i = 0; i < RING; i++) {
		struct probe_out *out = &p->out[i];

		if (!out->open || !is_same(&out->packet, packet))
			continue;
		out->open = false;
		if (half_open)
			packet_send(p, &out->packet, probe_packet_reset);
		if (came_by_path(p, from))
			probe_heard(row_of(p), &p->in, round_trip(out, from, now), now);
		else
			elsewhere(p, from, now);
		return true;
	}
	return false;
}

static void answer_any(struct daemon *d, const struct probe_packet *packet, bool half_open,
		       const struct probe_from *from)
{
	for (unsigned int id = 0; id < SW_MAX_PATHS; id++) {
		struct probe *p = d->probes->of[id];

		if (p && answer(p, packet, half_open, from))
			return;
	}
}

static void socket_read(struct daemon *d, int fd)
{
	struct probe_packet packet;
	struct probe_from from;
	uint8_t buf[256];
	bool half_open;
	ssize_t n = 0;

	/* other errors are those of a device that went down, say */
	for (int i = 0; i < READ_MAX && fd >= 0 && n != -EAGAIN; i++) {
		n = probe_socket_read(fd, buf, sizeof(buf), &from);
		if (n > 0 && probe_packet_read(buf, (size_t)n, &packet, &half_open))
			answer_any(d, &packet, half_open, &from);
	}
}

static void on_read(evutil_socket_t fd, short what, void *arg)
{
	(void)what;
	socket_read(arg, fd);
}

/* The first address of the path's own device in the gateway's network, else its first. False: none.
 */
static bool source_find(const struct probe *p, const struct edge_port *port, struct ip_addr *src)
{
	const struct path_state *path = &p->d->path[p->id];
	const struct ip_addr *target = &config_of(p)->target;
	const struct ip_addr *gateway =
		target->family == 6 ? &path->cfg->gateway6 : &path->cfg->gateway;
	bool near = false;

	src->family = 0;
	for (size_t i = 0; i < p->d->n_own && !near; i++) {
		const struct own_address *own = &p->d->own[i];
		struct prefix net = prefix_host(&own->addr);

		if (own->ifindex != port->owner.ifindex || own->addr.family != target->family ||
		    (target->family == 6 &&
		     ip_is_link_local(&own->addr) != ip_is_link_local(target)))
			continue;
		net.len = own->len;
		prefix_mask(&net);
		near = prefix_has(&net, gateway);
		if (!src->family || near)
			*src = own->addr;
	}
	return src->family;
}

static enum sw_probe_block block_of(struct probe *p, struct ip_addr *src)
{
	const struct path_state *path = &p->d->path[p->id];
	const struct edge_port *port = edge_port_of(p->d, (uint8_t)p->id);
	bool six = config_of(p)->target.family == 6;

	if (!p->d->started || !port || !port->present || !path->link_up ||
	    attach_resets(p->d, p->id))
		return SW_PROBE_BLOCK_LINK;
	if (!source_find(p, port, src))
		return SW_PROBE_BLOCK_ADDRESS;
	if (!port->owner.l3 && !(six ? path->gateway6_ok : path->gateway_ok))
		return SW_PROBE_BLOCK_NEIGHBOR;
	return SW_PROBE_BLOCK_NONE;
}

static bool socket_ready(struct daemon *d, uint8_t family)
{
	bool six = family == 6, told = d->probes->socket[six].told;
	int fd;

	if (d->probes->socket[six].fd >= 0)
		return true;
	fd = probe_socket_open(family, d->probes->icmp, d->probes->tcp);
	d->probes->socket[six].told = fd < 0;
	if (fd < 0 && !told)
		daemon_log("probes of IPv%u: no packet socket (%s): run as root, or with "
			   "CAP_NET_RAW",
			   family, strerror(-fd));
	if (fd < 0)
		return false;
	d->probes->socket[six].fd = fd;
	d->probes->socket[six].ev = event_new(d->base, fd, EV_READ | EV_PERSIST, on_read, d);
	/* without memory for it each tick reads all the same */
	if (d->probes->socket[six].ev)
		event_add(d->probes->socket[six].ev, NULL);
	return true;
}

static void random_fill(void *out, size_t len)
{
	if (getrandom(out, len, GRND_NONBLOCK) != (ssize_t)len)
		memset(out, (int)clock_now(), len);
}

static void probe_send(struct probe *p)
{
	const struct config_probe *cfg = config_of(p);
	struct probe_out *out = &p->out[p->seq % RING];
	struct ip_addr src;
	enum sw_probe_block block = block_of(p, &src);
	uint32_t cookie;

	if (!block && !socket_ready(p->d, cfg->target.family))
		block = SW_PROBE_BLOCK_SEND;
	if (block) {
		probe_blocked(row_of(p), block);
		return;
	}
	random_fill(&cookie, sizeof(cookie));
	*out = (struct probe_out){
		.packet = {.src = src, .dst = cfg->target, .port = cfg->port, .cookie = cookie},
		.now_ns = clock_now(),
		.wall_ns = clock_wall(),
		.open = true,
	};
	if (cfg->port) {
		out->packet.ident = p->d->probes->tcp + p->seq % PROBE_IDENTS;
	} else {
		out->packet.ident = (uint16_t)(p->d->probes->icmp + p->id);
		out->packet.seq = p->seq;
	}
	p->seq++;
	if (packet_send(p, &out->packet, probe_packet_make)) {
		out->open = false;
		probe_blocked(row_of(p), SW_PROBE_BLOCK_SEND);
		return;
	}
	probe_sent(row_of(p), &p->in, out->now_ns);
}

/*
 * While the tables of an adopted data plane are awaited a path stays down that was: its return is
 * to be seen, and told.
 */
static void word_update(struct probe *p)
{
	struct path_state *path = &p->d->path[p->id];
	bool down = row_of(p)->state == SW_PROBE_DOWN;

	if (down == path->probe_down || !p->d->started || (!down && p->d->cold))
		return;
	network_paths_changed(p->d);
	path->probe_down = down;
	usable_update(p->d, p->id);
}

static void changed_tell(const struct probe *p)
{
	const char *path = p->d->path[p->id].cfg->name;
	const struct sw_probe *row = row_of(p);
	char target[PROBE_TARGET_LEN];

	if (row->state == SW_PROBE_DOWN)
		daemon_log("probe of %s by %s: no answer in %u intervals of %u ms: the path is not "
			   "used until it answers again",
			   target_of(p, target), path, row->misses, row->interval_ms);
	else
		daemon_log("probe of %s by %s: answered", target_of(p, target), path);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct probe *p = arg;

	(void)fd;
	(void)what;
	socket_read(p->d, p->d->probes->socket[0].fd);
	socket_read(p->d, p->d->probes->socket[1].fd); /* before it is judged that there was none */
	if (probe_judge(row_of(p), &p->in, clock_now()))
		changed_tell(p);
	word_update(p);
	probe_send(p);
}

static void probe_free(struct probe *p)
{
	if (!p)
		return;
	if (p->ev_tick)
		event_free(p->ev_tick);
	free(p);
}

static struct probe *probe_new(struct daemon *d, unsigned int id)
{
	uint64_t interval_us = d->path[id].cfg->probe.interval_ns / 1000;
	const struct timeval interval = {.tv_sec = (time_t)(interval_us / 1000000),
					 .tv_usec = (suseconds_t)(interval_us % 1000000)};
	struct probe *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->d = d;
	p->id = id;
	p->ev_tick = event_new(d->base, -1, EV_PERSIST, on_tick, p);
	if (p->ev_tick && !event_add(p->ev_tick, &interval))
		return p;
	probe_free(p);
	return NULL;
}

int probes_start(struct daemon *d, char err[DATAPATH_ERR])
{
	d->probes = calloc(1, sizeof(*d->probes));
	if (d->probes) {
		d->probes->socket[0].fd = d->probes->socket[1].fd = -1;
		random_fill(&d->probes->icmp, sizeof(d->probes->icmp));
		d->probes->tcp = PORT_FIRST + d->probes->icmp % PORT_ROWS * PROBE_IDENTS;
		d->probes->icmp &= ~(PROBE_IDENTS - 1);
	}
	for (unsigned int id = 0; d->probes && id < SW_MAX_PATHS; id++) {
		if (!d->path[id].cfg || !d->path[id].cfg->probe.target.family)
			continue;
		d->probes->of[id] = probe_new(d, id);
		if (!d->probes->of[id])
			probes_stop(d);
	}
	if (d->probes)
		return 0;
	snprintf(err, DATAPATH_ERR, "out of memory: give the daemon more");
	return -ENOMEM;
}

void probes_stop(struct daemon *d)
{
	for (unsigned int id = 0; d->probes && id < SW_MAX_PATHS; id++)
		probe_free(d->probes->of[id]);
	for (int i = 0; d->probes && i < 2; i++) {
		if (d->probes->socket[i].ev)
			event_free(d->probes->socket[i].ev);
		if (d->probes->socket[i].fd >= 0)
			close(d->probes->socket[i].fd);
	}
	free(d->probes);
	d->probes = NULL;
}
