/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mode while the daemon runs: `monitor`, `enforce`, `enforce --for`; and drains with an end.
 *
 * A deadline is in the maps (sw_ctl.enforce_until_ns), where the programs hold their clock against
 * it: packets are left to the kernel from then on whether a daemon lives or not. The timer here
 * only follows: it takes the XDP hooks off and says so. A drain's end is in its path's row: this
 * daemon's, or the next one's, and the kernel's timer's when no daemon has ended it a second later.
 */
#include "daemon/daemon_impl.h"

#include <errno.h>
#include <stdio.h>

#define NS_A_US 1000ULL
#define US_A_S	1000000ULL

/* The tightest order: what says "until" is there before, and gone after, what says "enforce". */
static void mode_store(struct daemon *d, enum sw_mode mode, uint64_t until_ns)
{
	struct sw_ctl *c = datapath_ctl(d->dp);

	d->cfg->mode = mode;
	if (mode == SW_MODE_ENFORCE)
		__atomic_store_n(&c->enforce_until_ns, until_ns, __ATOMIC_RELEASE);
	edge_apply_mode(d);
	if (mode != SW_MODE_ENFORCE)
		__atomic_store_n(&c->enforce_until_ns, 0, __ATOMIC_RELEASE);
	daemon_changed(d);
}

static int enforce_begin(struct daemon *d, uint64_t until_ns, char err[DATAPATH_ERR])
{
	enum sw_mode before = d->cfg->mode;
	enum sw_forward forward = d->forward;
	bool bypassed = d->bypassed;
	int ret;

	d->config_wrong = false;
	d->cfg->mode = SW_MODE_ENFORCE; /* what is asked below goes by it; packets do not yet */
	ret = edge_check(d, err);
	if (!ret)
		ret = forward_begin(d, err);
	if (!ret)
		ret = attach_check(d, err);
	if (ret) {
		d->cfg->mode = before;
		d->forward = forward;
		d->bypassed = bypassed;
		if (before != SW_MODE_ENFORCE)
			forward_release(d);
		return ret;
	}
	forward_apply(d);
	mode_store(d, SW_MODE_ENFORCE, until_ns);
	attach_begin(d); /* tc moves packets from now on, XDP as it comes on */
	return 0;
}

int mode_set(struct daemon *d, enum sw_mode mode, uint64_t until_ns, char err[DATAPATH_ERR])
{
	int ret = 0;

	if (mode == SW_MODE_ENFORCE) {
		ret = enforce_begin(d, until_ns, err);
	} else {
		mode_store(d, SW_MODE_MONITOR, 0); /* packets first, then the hooks */
		attach_begin(d);
		forward_release(d);
	}
	mode_arm(d);
	return ret;
}

static void drains_end(struct daemon *d, uint64_t now)
{
	for (unsigned int id = 0; id < SW_MAX_PATHS; id++) {
		struct path_state *p = &d->path[id];

		if (!p->cfg || !p->drained_until_ns || now < p->drained_until_ns)
			continue;
		daemon_log("path %s: its drain is over", p->cfg->name);
		usable_drain(d, id, false, 0);
	}
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	uint64_t now = clock_now(), until = datapath_ctl(d->dp)->enforce_until_ns;
	char err[DATAPATH_ERR];

	(void)fd;
	(void)what;
	if (until && now >= until) {
		mode_set(d, SW_MODE_MONITOR, 0, err);
		daemon_log("enforce was not confirmed: monitor again; `sameway -i %s enforce` "
			   "confirms it",
			   d->instance);
	}
	drains_end(d, now);
	mode_arm(d);
}

void mode_arm(struct daemon *d)
{
	uint64_t now = clock_now(), next = datapath_ctl(d->dp)->enforce_until_ns, us;
	struct timeval wait;

	for (unsigned int id = 0; id < SW_MAX_PATHS; id++) {
		uint64_t until = d->path[id].cfg ? d->path[id].drained_until_ns : 0;

		if (until && (!next || until < next))
			next = until;
	}
	if (!next) {
		event_del(d->ev_mode);
		return;
	}
	us = next > now ? (next - now) / NS_A_US + 1 : 0;
	wait = (struct timeval){.tv_sec = (time_t)(us / US_A_S),
				.tv_usec = (suseconds_t)(us % US_A_S)};
	event_add(d->ev_mode, &wait);
}

/*
 * What an earlier daemon was told lasts as long as it: now the config's mode counts. But a deadline
 * that is still to come stays, and is enforced until then.
 */
int mode_start(struct daemon *d, char err[DATAPATH_ERR])
{
	struct sw_ctl *c = datapath_ctl(d->dp);
	uint64_t until = c->enforce_until_ns;

	if (!d->ev_mode)
		d->ev_mode = evtimer_new(d->base, on_deadline, d);
	if (!d->ev_mode) {
		snprintf(err, DATAPATH_ERR, "out of memory: give the daemon more");
		return -ENOMEM;
	}
	if (until && c->mode == SW_MODE_ENFORCE && until > clock_now()) {
		d->cfg->mode = SW_MODE_ENFORCE;
		return 0;
	}
	if (until) { /* over: it is monitor, and must not become enforce by the next store */
		__atomic_store_n(&c->mode, SW_MODE_MONITOR, __ATOMIC_RELEASE);
		__atomic_store_n(&c->enforce_until_ns, 0, __ATOMIC_RELEASE);
	}
	return 0;
}

void mode_stop(struct daemon *d)
{
	if (d->ev_mode)
		event_free(d->ev_mode);
	d->ev_mode = NULL;
}

/* answers */

static json_t *mode_answer(struct daemon *d, enum sw_mode mode, uint64_t for_ns,
			   struct answer_error *err)
{
	char text[DATAPATH_ERR] = "";
	int ret = mode_set(d, mode, for_ns ? clock_now() + for_ns : 0, text);

	if (ret) {
		err->exit = d->config_wrong ? 2 : 1;
		snprintf(err->text, sizeof(err->text), "%.299s", text);
		return NULL;
	}
	daemon_log("asked to %s", mode != SW_MODE_ENFORCE ? "monitor"
				  : for_ns		  ? "enforce for a time"
							  : "enforce");
	return json_pack("{s:s, s:o}", "mode", mode == SW_MODE_ENFORCE ? "enforce" : "monitor",
			 "for_s", for_ns ? json_real(for_ns / 1e9) : json_null());
}

json_t *answer_enforce(struct daemon *d, const json_t *request, struct answer_error *err)
{
	return mode_answer(d, SW_MODE_ENFORCE,
			   (uint64_t)json_integer_value(json_object_get(request, "for_ns")), err);
}

json_t *answer_monitor(struct daemon *d, const json_t *request, struct answer_error *err)
{
	(void)request;
	return mode_answer(d, SW_MODE_MONITOR, 0, err);
}
