/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who sends: sameway by redirects (fast), or the kernel by marks (kernel), so that what stands in
 * its forwarding path is obeyed. `auto` is kernel from the moment that something is found there,
 * until the next enforce, reload or start: the rules of a firewall that loads anew are gone and
 * back within a moment. The rules and tables of kernel forwarding are there whenever it enforces,
 * also by redirects: what the kernel answers or sends for us goes by them, and the change from fast
 * to kernel is one store.
 */
#include "daemon/daemon_impl.h"
#include "kernel/instance.h"
#include "kernel/steer.h"
#include "kernel/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_PERIOD 5	/* seconds between looks for what the kernel sends no news of */
#define PUT_MS	    100 /* rules are put back at most so often: two who remove each other's */

/* What is found on this box decides. 0 or -errno with err: such a config is refused here. */
static int judge(const struct config *cfg, enum sw_forward *out, char found[300],
		 char err[DATAPATH_ERR])
{
	int ret;

	found[0] = '\0';
	*out = cfg->forward == FORWARD_KERNEL ? SW_FORWARD_KERNEL : SW_FORWARD_FAST;
	if (cfg->forward == FORWARD_KERNEL)
		return 0;
	ret = links_netfilter_found(found);
	if (!ret)
		return 0;
	if (ret < 0)
		snprintf(found, 300,
			 "nftables, iptables and IPsec policies can't be asked for (%s)",
			 strerror(-ret));
	if (cfg->forward == FORWARD_AUTO)
		*out = SW_FORWARD_KERNEL;
	if (cfg->forward == FORWARD_AUTO || cfg->bypass_netfilter || cfg->mode != SW_MODE_ENFORCE)
		return 0;
	snprintf(err, DATAPATH_ERR,
		 "forward: fast would pass by rules on this box: %.200s: say `forward: auto`, "
		 "remove them, or allow it by `bypass-netfilter: true`",
		 found);
	return ret < 0 ? ret : -EBUSY;
}

/* Another instance of this network namespace with these tables, or these bits. */
struct claim {
	const struct daemon *d;
	char *err;
};

static int claim_check(void *arg, const char *instance, const struct sw_ctl *c)
{
	struct claim *claim = arg;
	const struct config *cfg = claim->d->cfg;

	if (!strcmp(instance, claim->d->instance) || c->netns != instance_netns() || !c->tables)
		return 0;
	if (c->tables < cfg->tables + SW_MAX_PATHS && cfg->tables < c->tables + SW_MAX_PATHS) {
		snprintf(claim->err, DATAPATH_ERR,
			 "tables: %u: instance %s has %u to %u: give others, or `sameway -i %s "
			 "detach`",
			 cfg->tables, instance, c->tables, c->tables + SW_MAX_PATHS - 1, instance);
		return -EBUSY;
	}
	if (!(c->fwmark & cfg->fwmark))
		return 0;
	snprintf(claim->err, DATAPATH_ERR,
		 "fwmark: %#x: instance %s has bits of it (%#x): give others, or `sameway -i %s "
		 "detach`",
		 cfg->fwmark, instance, c->fwmark, instance);
	return -EBUSY;
}

static int tables_check(const struct daemon *d, char err[DATAPATH_ERR])
{
	struct claim claim = {.d = d, .err = err};
	char text[STEER_TEXT];
	int ret = maps_ctl_each(claim_check, &claim);

	if (ret)
		return ret;
	ret = steer_taken(d->cfg->tables, text);
	if (ret > 0)
		snprintf(err, DATAPATH_ERR,
			 "tables: %u: %s: remove it, or give another first of %d numbers that "
			 "nobody has",
			 d->cfg->tables, text, SW_MAX_PATHS);
	if (ret < 0)
		snprintf(err, DATAPATH_ERR, "rules and route tables can't be read: %s",
			 strerror(-ret));
	return ret > 0 ? -EBUSY : ret;
}

int forward_check(struct daemon *d, char err[DATAPATH_ERR])
{
	char found[300];
	int ret = judge(d->cfg, &d->forward, found, err);

	return ret || d->cfg->mode != SW_MODE_ENFORCE ? ret : tables_check(d, err);
}

/* The plan of the config, as the interfaces are now. */
static void plan_make(const struct daemon *d, struct steer_plan *plan)
{
	memset(plan, 0, sizeof(*plan));
	plan->tables = d->cfg->tables;
	plan->mask = d->cfg->fwmark;
	for (size_t i = 0; i < d->n_ports; i++) {
		const struct edge_port *port = &d->port[i];
		uint32_t fit = edge_port_mtu(port);
		const struct config_path *cfg;

		if (port->role != SW_ROLE_PATH)
			continue;
		cfg = d->path[port->slot].cfg;
		if (cfg->mtu && cfg->mtu < fit)
			fit = cfg->mtu;
		plan->path[plan->n++] = (struct steer_path){
			.id = port->slot,
			.ifindex = port->present ? port->owner.ifindex : 0,
			.l3 = port->link.l3,
			.vpn = cfg->class == SW_CLASS_VPN,
			.via = {cfg->gateway, cfg->gateway6},
			.mtu = port->present && fit < port->owner.mtu ? fit : 0,
		};
	}
}

/* Paths whose link is up: their routes are there, and do not go by themselves. */
static uint64_t paths_up(const struct daemon *d)
{
	uint64_t up = 0;

	for (size_t i = 0; i < d->n_ports; i++) {
		const struct edge_port *port = &d->port[i];

		if (port->role == SW_ROLE_PATH && port->present && port->link.up)
			up |= 1ULL << port->slot;
	}
	return up;
}

/*
 * first: they are to be put now; else one that is missing has been lost, unless its link was
 * away meanwhile. What the kernel refuses
 * (IPv6 on a device without) is said once, and does not keep the rest from working.
 */
static int tables_sync(struct daemon *d, bool first, char err[DATAPATH_ERR])
{
	struct steer_report report;
	struct steer_plan plan;
	int ret;

	plan_make(d, &plan);
	ret = steer_sync(&plan, false, &report);
	if (ret) {
		snprintf(err, DATAPATH_ERR, "rules and route tables can't be read: %s",
			 strerror(-ret));
		return ret;
	}
	if (report.err && !d->steer_failed)
		daemon_log("%s can't be put (%s): packets marked for it go by the kernel's other "
			   "routes",
			   report.failed, strerror(-report.err));
	d->steer_failed = report.err;
	if (!first && report.paths & d->steered) {
		d->steered_again += report.put;
		daemon_log("%s was gone, %zu in all: put back", report.what, report.put);
	}
	d->steered = paths_up(d);
	foreign_update(d, &report);
	return 0;
}

static void tables_clear(uint32_t tables)
{
	int ret = tables ? steer_clear(tables) : 0;

	if (ret)
		daemon_log("rules and routes of kernel forwarding can't be removed (%s): `ip rule` "
			   "and tables %u to %u have them, proto %d",
			   strerror(-ret), tables, tables + SW_MAX_PATHS - 1, SW_RTPROT);
}

/*
 * New before old: what is marked by the old bits finds the old rules until all packets have the new
 * ones. What is there is in ctl before it is there, so that whoever comes next can remove it.
 */
static int tables_install(struct daemon *d, char err[DATAPATH_ERR])
{
	struct sw_ctl *c = datapath_ctl(d->dp);
	struct steer_report report;
	struct steer_plan plan;
	int ret;

	if (c->tables_before && c->tables_before != d->cfg->tables)
		tables_clear(c->tables_before);
	c->tables_before = c->tables == d->cfg->tables ? 0 : c->tables;
	__atomic_store_n(&c->tables, d->cfg->tables, __ATOMIC_RELEASE);
	foreign_forget(d);
	foreign_marks_look(d);
	ret = tables_sync(d, true, err);
	if (ret)
		return ret;
	__atomic_store_n(&c->fwmark, d->cfg->fwmark, __ATOMIC_RELEASE);
	tables_clear(c->tables_before);
	c->tables_before = 0;
	plan_make(d, &plan);
	if (steer_sync(&plan, true, &report))
		daemon_log("rules of an earlier config may be left in `ip rule`: reload again");
	return 0;
}

void forward_release(struct daemon *d)
{
	struct sw_ctl *c = datapath_ctl(d->dp);

	__atomic_store_n(&c->fwmark, 0, __ATOMIC_RELEASE);
	tables_clear(c->tables);
	tables_clear(c->tables_before);
	c->tables = c->tables_before = 0;
	foreign_forget(d);
}

/* `enforce` once more, of what the kernel forwards already in spite of `forward: fast`. */
static bool is_confirmed(const struct daemon *d)
{
	return d->forward == SW_FORWARD_KERNEL && datapath_ctl(d->dp)->mode == SW_MODE_ENFORCE;
}

int forward_begin(struct daemon *d, char err[DATAPATH_ERR])
{
	enum sw_forward forward, was;
	char found[300];
	int ret = judge(d->cfg, &forward, found, err);

	if (ret == -EBUSY && is_confirmed(d)) {
		forward = SW_FORWARD_KERNEL;
		ret = 0;
	}
	if (!ret && d->cfg->mode == SW_MODE_ENFORCE)
		ret = tables_check(d, err);
	if (!ret && d->cfg->mode == SW_MODE_ENFORCE)
		ret = tables_install(d, err);
	if (ret)
		return ret;
	was = datapath_ctl(d->dp)->forward;
	d->forward = forward;
	d->bypassed = found[0] && forward == SW_FORWARD_FAST;
	if (d->cfg->mode != SW_MODE_ENFORCE) {
		forward_release(d);
		return 0;
	}
	if (was == SW_FORWARD_KERNEL && forward == SW_FORWARD_FAST && datapath_ctl(d->dp)->tables)
		daemon_log("nothing to obey is left on this box: redirects again (fast)");
	if (d->bypassed)
		daemon_log("bypass-netfilter: packets pass by rules on this box: %.200s", found);
	else if (found[0])
		daemon_log("the kernel forwards, by marks, so that this is obeyed: %.200s", found);
	return 0;
}

void forward_apply(struct daemon *d)
{
	egress_look(d);
	__atomic_store_n(&datapath_ctl(d->dp)->forward, d->forward, __ATOMIC_RELEASE);
}

/* Rules that are new: from here on the kernel forwards. */
static void forward_look(struct daemon *d)
{
	char found[300];
	int ret;

	if (d->forward == SW_FORWARD_KERNEL || d->bypassed)
		return;
	ret = links_netfilter_found(found);
	if (!ret || ret == -EINTR) /* being changed: the next news, or the next look */
		return;
	if (ret < 0)
		snprintf(found, sizeof(found), "they can't be asked for (%s)", strerror(-ret));
	if (d->cfg->forward == FORWARD_FAST && d->cfg->bypass_netfilter) {
		d->bypassed = true;
		daemon_log("bypass-netfilter: packets pass by rules that are new: %.200s", found);
		return;
	}
	d->forward = SW_FORWARD_KERNEL;
	forward_apply(d);
	if (d->cfg->mode != SW_MODE_ENFORCE)
		return;
	attach_begin(d); /* takes it off */
	daemon_log(
		"rules are new on this box: %.200s: %sthe kernel forwards from now on, by marks, "
		"so that they are obeyed; `sameway -i %s reload` looks again",
		found, d->cfg->forward == FORWARD_FAST ? "in spite of `forward: fast` " : "",
		d->instance);
}

void forward_sync(struct daemon *d)
{
	char err[DATAPATH_ERR];

	if (d->started && d->cfg->mode == SW_MODE_ENFORCE && tables_sync(d, false, err))
		daemon_log("%s", err);
}

void forward_tick(struct daemon *d)
{
	forward_sync(d);
	if (d->foreign.marks_due && datapath_ctl(d->dp)->tables)
		foreign_marks_look(d);
	if (d->ticks % LOOK_PERIOD)
		return;
	d->foreign.marks_due = d->foreign.writer[0]; /* of what goes there are no news */
	forward_look(d);
	egress_look(d);
}

static void on_put(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd;
	(void)what;
	d->put_ns = clock_now();
	forward_sync(d);
}

/* At once, unless it has just been done. */
static void put_soon(struct daemon *d)
{
	uint64_t since = (clock_now() - d->put_ns) / 1000000;
	struct timeval wait = {.tv_usec = since < PUT_MS ? (long)(PUT_MS - since) * 1000 : 0};

	if (!event_pending(d->ev_put, EV_TIMEOUT, NULL))
		event_add(d->ev_put, &wait);
}

static void on_news(void *arg, enum watch_news news)
{
	if (news == WATCH_RULES) {
		put_soon(arg);
		return;
	}
	((struct daemon *)arg)->foreign.marks_due = true;
	forward_look(arg);
	egress_look(arg);
}

int forward_watch(struct daemon *d, char err[DATAPATH_ERR])
{
	int ret = 0;

	if (!d->ev_put)
		d->ev_put = evtimer_new(d->base, on_put, d);
	if (!d->ev_put)
		ret = -ENOMEM;
	else if (!d->watch)
		ret = watch_start(&d->watch, d->base, on_news, d);
	if (ret)
		snprintf(err, DATAPATH_ERR, "the kernel's news of rules can't be had: %s",
			 strerror(-ret));
	return ret;
}

void forward_stop(struct daemon *d)
{
	watch_stop(d->watch);
	d->watch = NULL;
	if (d->ev_put)
		event_free(d->ev_put);
	d->ev_put = NULL;
}
