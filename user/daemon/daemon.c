/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `sameway run`: everything is made before anything is attached, and attached last; a failure on
 * the way leaves the box as it was; over an adopted data plane it leaves that forwarding, with what
 * of the new config was written by then. A stop leaves the data plane as it is (fail-static); the
 * next daemon adopts it.
 */
#include "daemon/daemon.h"
#include "daemon/daemon_impl.h"
#include "kernel/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define EVENT_RATE     1000 /* verdict events a second and CPU */
#define SCAN_QUIET     5    /* seconds between scans while no incident is open */
#define CLOCK_STALE_NS 1000000000ULL
#define WATCH_CHECK    5 /* seconds between looks at the paths' hooks */

void daemon_log(const char *fmt, ...)
{
	char line[2 * INCIDENT_TEXT_LEN + 512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	fprintf(stderr, "sameway: %s\n", line);
}

void daemon_changed(struct daemon *d)
{
	struct sw_ctl *c = datapath_ctl(d->dp);

	/* the kernel's timer moves it on, too; all zero, in a record, is: never judged */
	while (!(__atomic_add_fetch(&c->generation, 1, __ATOMIC_RELEASE) & SW_JUDGED_MASK))
		;
}

/* Over a reload: what feeds have said of its peers, till they have spoken; how often it failed. */
static void path_keep(struct daemon *d, unsigned int id)
{
	struct path_state *p = &d->path[id];

	for (unsigned int i = 0; d->earlier && i < SW_MAX_PATHS; i++) {
		const struct path_state *old = &d->earlier[i];

		if (!old->cfg || strcmp(old->cfg->name, p->cfg->name))
			continue;
		p->failed_ns = old->failed_ns;
		p->hold_ns = old->hold_ns;
		p->limit_ns = old->limit_ns;
		for (size_t k = 0; k < p->cfg->n_peers; k++) {
			for (size_t o = 0; o < old->cfg->n_peers; o++)
				if (old->peer_down[o] &&
				    ip_equal(&p->cfg->peers[k], &old->cfg->peers[o]))
					p->peer_down[k] = PEER_EARLIER;
		}
	}
}

/* As in the pinned maps where the name is known there (flows and groups hold ids), else free. */
static int path_ids_choose(struct daemon *d)
{
	const struct sw_path *rows = datapath_paths(d->dp);
	uint64_t used = 0;

	d->path_ids = calloc(d->cfg->n_paths, 1);
	if (!d->path_ids)
		return -ENOMEM;
	memset(d->path_ids, SW_NO_PATH, d->cfg->n_paths);
	for (unsigned int id = 0; id < SW_MAX_PATHS; id++) {
		for (size_t i = 0; datapath_adopted(d->dp) && i < d->cfg->n_paths; i++) {
			if (rows[id].name[0] && !strcmp(rows[id].name, d->cfg->paths[i].name)) {
				d->path_ids[i] = id;
				used |= 1ULL << id;
			}
		}
	}
	for (size_t i = 0; i < d->cfg->n_paths; i++) {
		unsigned int id = 0;

		if (d->path_ids[i] == SW_NO_PATH) {
			while (used >> id & 1)
				id++;
			d->path_ids[i] = id;
			used |= 1ULL << id;
		}
		d->path[d->path_ids[i]].cfg = &d->cfg->paths[i];
		d->path[d->path_ids[i]].peer_down =
			calloc(d->cfg->paths[i].n_peers + 1, sizeof(uint16_t));
		if (!d->path[d->path_ids[i]].peer_down)
			return -ENOMEM;
		path_keep(d, d->path_ids[i]);
	}
	return 0;
}

static void settings_write(struct daemon *d)
{
	struct sw_ctl *c = datapath_ctl(d->dp);

	c->scope = d->cfg->scope;
	c->asymmetry = d->cfg->asymmetry;
	c->transit = d->cfg->transit == TRANSIT_ALLOW;
	c->grace_ns = d->cfg->grace_ns;
	c->event_rate = EVENT_RATE;
	if (d->cfg->default_route != DEFAULT_ROUTE_LAST) /* an earlier config may have said so */
		c->default4 = c->default6 = 0;
	if (!datapath_adopted(d->dp) || !c->seed)
		if (getrandom(&c->seed, sizeof(c->seed), 0) != sizeof(c->seed))
			c->seed = clock_now();
	while (!c->magic) {
		if (getrandom(&c->magic, sizeof(c->magic), 0) != sizeof(c->magic))
			c->magic = clock_wall();
	}
	if (!datapath_adopted(d->dp)) /* no hook is there yet */
		c->unwatched = SW_UNWATCHED_OUT | SW_UNWATCHED_IN;
	if (!(c->generation & SW_JUDGED_MASK)) /* in a record: never judged */
		c->generation++;
	for (unsigned int v = 0; v < SW_VERDICT_COUNT; v++) {
		static const char *const names[] = {
#define VERDICT_TEXT(id, text) text,
			SW_VERDICTS(VERDICT_TEXT)};

		snprintf(datapath_verdicts(d->dp)[v].name, sizeof(datapath_verdicts(d->dp)[v].name),
			 "%s", names[v]);
	}
}

/* In a mount namespace of its own the pins are there for nobody else, and end with it. */
static void mounts_check(void)
{
	struct stat ours, init;

	if (stat("/proc/self/ns/mnt", &ours) || stat("/proc/1/ns/mnt", &init) ||
	    ours.st_ino == init.st_ino)
		return;
	daemon_log("this is not the mount namespace of the system: the pins in /sys/fs/bpf may be "
		   "seen only from here, and go with it; in place of `ip netns exec` use "
		   "`nsenter --net=/run/netns/NAME`");
}

/* events */

/* The programs' clock is kept by the kernel's timer: where it stands still, it is armed anew. */
static void clock_check(struct daemon *d)
{
	uint64_t now = clock_now();
	struct sw_clock clock;
	int err;

	if (maps_clock(d->maps, &clock) || !clock.now_ns || now < clock.now_ns + CLOCK_STALE_NS)
		return;
	err = datapath_start_timer(d->dp);
	daemon_log("the packets' clock stood still for %llu s: its timer is armed anew%s%s",
		   (unsigned long long)((now - clock.now_ns) / 1000000000ULL),
		   err ? ", in vain: " : "", err ? strerror(-err) : "");
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd;
	(void)what;
	clock_check(d);
	routes_tick(d);
	edge_tick(d);
	redirects_tick(d);
	if (d->ticks % WATCH_CHECK == 0)
		watch_update(d);
	forward_tick(d);
	egress_watch(d);
	rules_watch(d);
	network_tick(d);
	alerts_tick(d);
	if (!d->cold && (incidents_open_flows(d->incidents) || d->ticks % SCAN_QUIET == 0))
		alerts_scan(d);
	d->ticks++;
	alerts_save(d);
	control_go_on(d);
}

static void on_hold(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	usable_holds(arg);
}

static void on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;

	(void)what;
	if (sig == SIGHUP) {
		daemon_log("SIGHUP: reading %s again", d->config_file);
		json_decref(reload_run(d));
		return;
	}
	daemon_log("stopping; the data plane stays: `sameway -i %s detach` removes it",
		   d->instance);
	event_base_loopbreak(d->base);
}

static int loop_init(struct daemon *d)
{
	static const struct timeval second = {.tv_sec = 1};

	signal(SIGPIPE, SIG_IGN);
	d->base = event_base_new();
	if (!d->base)
		return -ENOMEM;
	d->ev_tick = event_new(d->base, -1, EV_PERSIST, on_tick, d);
	d->ev_hold = evtimer_new(d->base, on_hold, d);
	d->ev_int = evsignal_new(d->base, SIGINT, on_signal, d);
	d->ev_term = evsignal_new(d->base, SIGTERM, on_signal, d);
	d->ev_hup = evsignal_new(d->base, SIGHUP, on_signal, d);
	if (!d->ev_tick || !d->ev_hold || !d->ev_int || !d->ev_term || !d->ev_hup)
		return -ENOMEM;
	event_add(d->ev_int, NULL);
	event_add(d->ev_term, NULL);
	event_add(d->ev_hup, NULL);
	return event_add(d->ev_tick, &second);
}

/* start and stop */

/* Interface numbers in the maps are of one network namespace. */
static int netns_check(struct daemon *d, char err[DATAPATH_ERR])
{
	struct sw_ctl *c = datapath_ctl(d->dp);
	uint64_t ours = instance_netns();

	if (datapath_adopted(d->dp) && c->netns && c->netns != ours) {
		snprintf(err, DATAPATH_ERR,
			 "what is pinned for instance %s is attached in another network namespace: "
			 "run it there, or `sameway -i %s detach` first",
			 d->instance, d->instance);
		return -EXDEV;
	}
	c->netns = ours;
	return 0;
}

static void repair_tell(const struct flow_repair *repair)
{
	if (repair->busy || repair->lost)
		daemon_log("flow tables: the daemon before was killed in the middle of its work: "
			   "%zu entries and %zu records that nobody could use are free again",
			   repair->busy, repair->lost);
	if (repair->given_up)
		daemon_log("flow tables: some records may be of use to nobody, and flows come and "
			   "go too fast now to be sure: the next start looks again");
}

/* In the place of one that is open with flow tables of another size; that stays if it fails. */
static int data_plane_take(struct daemon *d, char err[DATAPATH_ERR])
{
	struct datapath *dp = NULL;
	struct maps *maps = NULL;
	struct datapath_sizes sizes = {d->cfg->flows, d->cfg->flows6, d->cfg->nodes4,
				       d->cfg->nodes6};
	int ret = datapath_open(&dp, d->instance, &sizes, err);

	if (!ret)
		ret = maps_open(&maps, d->instance, err);
	if (ret) {
		datapath_close(dp);
		return ret;
	}
	maps_close(d->maps);
	datapath_close(d->dp);
	d->dp = dp;
	d->maps = maps;
	repair_tell(datapath_repaired(dp));
	if (datapath_flows_anew(dp))
		daemon_log("flow tables: made anew for %u IPv4 and %u IPv6 records: the flows "
			   "before are forgotten",
			   d->cfg->flows, d->cfg->flows6);
	mounts_check();
	return 0;
}

static int data_plane_open(struct daemon *d, char err[DATAPATH_ERR])
{
	int ret = 0;

	if (d->dp && datapath_flows_are(d->dp, d->cfg->flows, d->cfg->flows6))
		datapath_readopt(d->dp);
	else
		ret = data_plane_take(d, err);
	if (!ret)
		ret = netns_check(d, err);
	if (ret)
		return ret;
	ret = path_ids_choose(d);
	if (ret) {
		snprintf(err, DATAPATH_ERR, "out of memory: give the daemon more");
		return ret;
	}
	settings_write(d);
	redirects_start(d);
	ret = datapath_start_timer(d->dp);
	if (ret)
		snprintf(err, DATAPATH_ERR, "the kernel's timer does not start: %s",
			 strerror(-ret));
	return ret;
}

/* The hooks, and who sends. Where that fails, who sent before does: rules may have to be obeyed. */
static int hooks_start(struct daemon *d, char err[DATAPATH_ERR])
{
	enum sw_forward before = datapath_ctl(d->dp)->forward;
	int ret = attach_check(d, err);

	if (ret)
		return ret;
	forward_apply(d);
	edge_apply_mode(d);
	ret = edge_attach(d, err);
	if (ret && before == SW_FORWARD_KERNEL) {
		d->forward = before;
		forward_apply(d);
	}
	return ret;
}

int daemon_plane_start(struct daemon *d, char err[DATAPATH_ERR])
{
	int ret = data_plane_open(d, err);

	if (!ret)
		ret = mode_start(d, err);
	if (!ret)
		ret = routes_init(d, err);
	if (!ret)
		ret = alerts_init(d, err);
	if (!ret)
		ret = probes_start(d, err);
	if (ret)
		return ret;
	usable_init(d);
	bfd_start(d);
	carrier_start(d);
	ret = usable_start(d);
	if (ret) {
		snprintf(err, DATAPATH_ERR, "out of memory: give the daemon more");
		return ret;
	}
	if (!d->control) /* early: who wants to stop us finds us */
		ret = control_start(d, err);
	if (!ret)
		ret = rules_begin(d, err);
	if (!ret)
		ret = edge_start(d, err);
	if (!ret)
		ret = rules_start(d, err);
	if (!ret)
		ret = routes_start_feeds(d, err);
	if (!ret) { /* what is local or exempt is known before the first packet */
		edge_reserve(d);
		fib_compile(d->fib, clock_now(), d->usable, 0);
	}
	if (!ret)
		ret = forward_watch(d, err); /* what comes later is news */
	if (!ret)
		ret = forward_begin(d, err);
	if (!ret)
		ret = hooks_start(d, err);
	if (!ret) {
		watch_update(d);
		mode_arm(d);
	}
	return ret;
}

void daemon_plane_stop(struct daemon *d)
{
	mode_stop(d);
	forward_stop(d);
	probes_stop(d);
	alerts_stop(d);
	usable_stop(d);
	edge_stop(d);
	routes_stop(d);
	for (unsigned int id = 0; id < SW_MAX_PATHS; id++)
		free(d->path[id].peer_down);
	memset(d->path, 0, sizeof(d->path));
	free(d->path_ids);
	d->path_ids = NULL;
}

static int daemon_start(struct daemon *d, char err[DATAPATH_ERR])
{
	int ret = instance_lock(d->instance, 0, &d->lock_fd, err);

	if (!ret)
		ret = forward_check(d, err);
	if (!ret && loop_init(d)) {
		snprintf(err, DATAPATH_ERR, "the event loop can't be made: out of memory?");
		ret = -ENOMEM;
	}
	if (!ret)
		ret = daemon_plane_start(d, err);
	return ret;
}

static void daemon_free(struct daemon *d)
{
	struct event *events[] = {d->ev_tick, d->ev_hold, d->ev_int, d->ev_term, d->ev_hup};

	daemon_plane_stop(d);
	alerts_notify_stop(d);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (events[i])
			event_free(events[i]);
	}
	if (d->maps)
		maps_close(d->maps);
	if (d->dp)
		datapath_close(d->dp);
	control_stop(d); /* last: who waits for the end sees the socket close */
	if (d->base)
		event_base_free(d->base);
	free(d->config_dir);
	config_free(d->cfg);
}

/* 0, or the exit status. */
static int config_first(struct daemon *d)
{
	struct config_errors errors;
	char *copy = strdup(d->config_file);
	int ret = daemon_config_read(d->config_file, &d->cfg, &errors);

	config_errors_free(&errors);
	if (!ret)
		d->config_mode = d->cfg->mode;
	d->config_dir = copy ? strdup(dirname(copy)) : NULL;
	free(copy);
	if (!ret) {
		daemon_config_warn(d, &errors);
		config_errors_free(&errors);
	}
	return ret ? 2 : d->config_dir ? 0 : 1;
}

int daemon_run(const char *instance, const char *config_file)
{
	struct daemon d = {.instance = instance,
			   .config_file = config_file,
			   .lock_fd = -1,
			   .start_ns = clock_now()};
	char err[DATAPATH_ERR] = "";
	int ret = config_first(&d);
	bool opened, adopted;
	size_t removed;

	if (ret) {
		daemon_free(&d);
		return ret;
	}
	ret = daemon_start(&d, err);
	opened = d.dp;
	adopted = d.dp && datapath_adopted(d.dp);
	if (ret) {
		daemon_log("%s", err);
		if (!adopted)
			edge_release(&d);
		if (opened && !adopted)
			forward_release(&d);
		daemon_free(&d);
		/* what this start made goes; what an earlier daemon left forwards on */
		if (opened && !adopted)
			datapath_detach(instance, &removed, err);
		instance_unlock(instance, d.lock_fd, !adopted);
		return d.config_wrong ? 2 : 1;
	}
	daemon_log("instance %s: %s, %zu paths, %zu feeds%s", instance,
		   d.cfg->mode == SW_MODE_ENFORCE ? "enforce" : "monitor", d.cfg->n_paths,
		   d.cfg->n_feeds, adopted ? "; adopted what an earlier daemon left" : "");
	sd_notify(0, "READY=1");
	event_base_dispatch(d.base);
	sd_notify(0, "STOPPING=1");
	daemon_free(&d);
	instance_unlock(instance, d.lock_fd, false);
	return d.failed ? 1 : 0;
}
