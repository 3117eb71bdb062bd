/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the programs' events, and scans of the flow records (scan.c), to incidents: lines on stderr,
 * news for those who follow, and the state file.
 */
#include "core/blackhole.h"
#include "core/state.h"
#include "daemon/daemon_impl.h"
#include "kernel/route_query.h"
#include "kernel/steer.h"
#include "output/rows.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECOND	  1000000000ULL
#define STATE_MAX (256UL << 20)

static void state_path(const struct daemon *d, const char *suffix, char *buf, size_t size)
{
	snprintf(buf, size, "/run/sameway/%s.state%s", d->instance, suffix);
}

void alerts_save_soon(struct daemon *d)
{
	static const struct timeval soon = {.tv_usec = 20000};

	d->state_dirty = true;
	if (!event_pending(d->ev_save, EV_TIMEOUT, NULL))
		event_add(d->ev_save, &soon);
}

static void on_incident(void *arg, enum incident_change change, const struct incident *inc)
{
	struct daemon *d = arg;

	d->state_dirty = true;
	control_tell(d, change, inc);
	alerts_notify_kick(d);
	if (change == INCIDENT_UPDATE)
		return;
	alerts_save_soon(d);
	daemon_log("incident %llu %s%s: %s %s, cause %s, side %s: %s%s%s",
		   (unsigned long long)inc->id, change == INCIDENT_OPEN ? "open" : "closed",
		   inc->life.silenced ? ", silenced" : "", severity_name(inc->severity),
		   incident_verdict_name(inc->verdict), cause_name(inc->cause),
		   side_name(inc->side), inc->message, inc->fix[0] ? "; fix: " : "", inc->fix);
}

/*
 * Where packets are marked, the kernel's route is the one for the mark: what is in its way, or, if
 * it is ours, who writes the mark.
 */
static void kernel_route_marked(const struct daemon *d, uint8_t answer, struct kernel_route *out)
{
	const struct sw_ctl *c = datapath_ctl(d->dp);

	if (answer >= SW_MAX_PATHS || c->mode != SW_MODE_ENFORCE ||
	    c->forward != SW_FORWARD_KERNEL || !c->fwmark || !c->tables)
		return;
	out->marked = true;
	out->mask = c->fwmark;
	out->mark = sw_mark(c->fwmark, answer);
}

static void kernel_route_blame(const struct daemon *d, const struct ip_addr *src,
			       const struct ip_addr *dst, const char *inside, uint8_t answer,
			       struct kernel_route *out)
{
	uint32_t tables = datapath_ctl(d->dp)->tables;
	char text[300];

	out->in_tables = out->table >= tables && out->table < tables + SW_MAX_PATHS;
	if (!out->own && !out->in_tables)
		out->rule =
			steer_rule_ahead(dst, src, inside, out->mark, out->table, tables + answer);
	if (out->own && links_netfilter_marks(out->mask, text) > 0)
		snprintf(out->writer, sizeof(out->writer), "%.199s", text);
}

static int kernel_route(void *arg, const struct ip_addr *src, const struct ip_addr *dst,
			const char *inside, uint8_t answer, struct kernel_route *out)
{
	const struct daemon *d = arg;
	int err;

	kernel_route_marked(d, answer, out);
	for (size_t i = 0; i < d->n_ports; i++) {
		const struct edge_port *port = &d->port[i];

		if (!port->present || strcmp(port->name, inside))
			continue;
		err = route_query(dst, src, port->owner.ifindex, out->mark, out);
		if (!err && out->marked)
			kernel_route_blame(d, src, dst, inside, answer, out);
		return err;
	}
	return -ENODEV;
}

void alerts_context(struct daemon *d, struct incident_context *ctx)
{
	const uint64_t *words = (const uint64_t *)datapath_usable(d->dp);
	const struct sw_bfd *bfd = datapath_bfd(d->dp);

	*ctx = (struct incident_context){
		.cfg = d->cfg,
		.rib = d->rib,
		.fib = d->fib,
		.path_ids = d->path_ids,
		.prefixes_moved = d->moved,
		.prefixes_lost = d->lost,
		.lost = d->lost_names,
		.now = clock_now(),
		.wall = clock_wall(),
		.started_ns = d->start_ns,
		.kernel_route = kernel_route,
		.kernel_arg = d,
	};
	for (unsigned int id = 0; id < SW_MAX_PATHS; id++) {
		struct incident_path_state *state = &ctx->path[id];

		state->configured = d->path[id].cfg;
		state->changed_ns = d->path[id].changed_ns;
		state->moved = d->path[id].moved;
		state->silent_ns = bfd[id].hold.down ? bfd[id].silent_ns : 0;
		state->limit_near = network_limit_near(d, id);
		state->flapping = d->network_watch && d->network_watch->path[id].flapping.open;
		state->received_ns = blackholes_received(d->blackholes, id);
		state->dead = blackholes_dead(d->blackholes, id);
		state->bfd_up = bfd_is_up(d, id);
		if (d->network_watch && d->network_watch->path[id].failed)
			state->fell = (uint8_t)d->network_watch->path[id].cause;
		for (size_t w = 0; w < 8; w++)
			state->objections[w] = !(words[w] >> id & 1);
	}
}

/*
 * With half a table nothing can be said of a cause: the scan at the cold start's end makes up. So
 * does the next scan for what was seen before heard_ns, of the flows that go on.
 */
static void on_event(void *arg, const struct sw_event *ev)
{
	struct incident_context ctx;
	struct daemon *d = arg;

	if (d->cold || ev->ts_ns < d->heard_ns)
		return;
	alerts_context(d, &ctx);
	incidents_event(d->incidents, &ctx, ev);
}

static void ring_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	datapath_events_consume(((struct daemon *)arg)->dp);
}

static void save_now(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	alerts_save(arg);
}

static void state_context_fill(const struct daemon *d, struct network_failed *failed,
			       struct state_context *ctx)
{
	*ctx = (struct state_context){.cfg = d->cfg,
				      .path_ids = d->path_ids,
				      .now = clock_now(),
				      .wall = clock_wall(),
				      .failed = failed};
}

static int file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t len = strlen(text), done = 0;

	if (fd < 0)
		return -errno;
	while (done < len) {
		ssize_t n = write(fd, text + done, len - done);

		if (n < 0) {
			int ret = -errno;

			close(fd);
			return ret;
		}
		done += n;
	}
	return close(fd) ? -errno : 0;
}

/* Writes the state file, whole or not at all. */
void alerts_save(struct daemon *d)
{
	struct network_failed failed[SW_MAX_PATHS];
	struct state_context ctx;
	char path[128], new[128], *text;
	int ret = -ENOMEM;

	if (!d->state_dirty)
		return;
	network_failed(d->network_watch, failed);
	state_context_fill(d, failed, &ctx);
	state_path(d, "", path, sizeof(path));
	state_path(d, ".new", new, sizeof(new));
	text = state_print(&ctx, d->incidents, d->fib);
	if (text) {
		ret = file_write(new, text);
		if (!ret && rename(new, path))
			ret = -errno;
	}
	free(text);
	if (ret)
		daemon_log("%s can't be written: %s: incidents are forgotten at a restart", path,
			   strerror(-ret));
	d->state_dirty = false;
}

static char *file_read(const char *path, size_t *len)
{
	FILE *f = fopen(path, "re");
	struct stat st;
	char *text = NULL;

	if (!f)
		return NULL;
	if (!fstat(fileno(f), &st) && st.st_size < (off_t)STATE_MAX) {
		text = malloc(st.st_size + 1);
		if (text)
			*len = fread(text, 1, st.st_size, f);
	}
	fclose(f);
	return text;
}

int alerts_init(struct daemon *d, char err[DATAPATH_ERR])
{
	struct network_failed failed[SW_MAX_PATHS] = {0};
	struct state_context ctx;
	char path[128], *text;
	size_t len = 0;
	int ret;

	d->incidents = incidents_new(on_incident, d);
	d->blackholes = blackholes_new();
	d->ev_save = evtimer_new(d->base, save_now, d);
	if (!d->incidents || !d->blackholes || !d->ev_save || scan_start(d)) {
		snprintf(err, DATAPATH_ERR, "out of memory: give the daemon more");
		return -ENOMEM;
	}
	state_path(d, "", path, sizeof(path));
	text = file_read(path, &len);
	if (text) {
		state_context_fill(d, failed, &ctx);
		ret = state_parse(&ctx, text, len, d->incidents, d->fib);
		free(text);
		if (ret)
			daemon_log("%s is damaged: earlier incidents are not known; it is written "
				   "anew",
				   path);
		network_failed_restore(d->network_watch, failed);
	}
	if (alerts_notify_start(d)) {
		snprintf(err, DATAPATH_ERR, "out of memory: give the daemon more");
		return -ENOMEM;
	}
	ret = datapath_events_open(d->dp, on_event, d);
	if (!ret) {
		d->ev_ring = event_new(d->base, datapath_events_fd(d->dp), EV_READ | EV_PERSIST,
				       ring_readable, d);
		ret = d->ev_ring ? event_add(d->ev_ring, NULL) : -ENOMEM;
	}
	if (ret)
		snprintf(err, DATAPATH_ERR, "the programs' events can't be read: %s",
			 strerror(-ret));
	return ret;
}

void alerts_stop(struct daemon *d)
{
	if (d->incidents) {
		scan_stop(d);
		alerts_notify_pause(d);
		alerts_save(d);
		incidents_free(d->incidents);
	}
	blackholes_free(d->blackholes);
	if (d->ev_ring)
		event_free(d->ev_ring);
	if (d->ev_save)
		event_free(d->ev_save);
	d->incidents = NULL;
	d->blackholes = NULL;
	d->ev_ring = d->ev_save = NULL;
}
