/* SPDX-License-Identifier: GPL-2.0-only */
/* Incidents of the network: rounds of states, feeds that are gone, ExpressRoute's limits. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fixture_incident.h"
#include "core/network.h"
#include "core/rib.h"
#include "core/state.h"

static struct network_state state_of(const char *subject, enum severity severity,
				     const char *message)
{
	struct network_state s = {.kind = NETWORK_FEED_STALE, .severity = severity, .path = -1};

	snprintf(s.subject, sizeof(s.subject), "%s", subject);
	snprintf(s.message, sizeof(s.message), "%s", message);
	return s;
}

static void round_of(struct world *w, const struct network_state *v, size_t n)
{
	incidents_network_begin(w->set);
	for (size_t i = 0; i < n; i++)
		incidents_network_state(w->set, &w->e->ctx, &v[i]);
	incidents_network_end(w->set, &w->e->ctx);
}

/* Opened once, updated by severity at once and by words calmly, closed when it is told no more. */
static void test_rounds(void **state)
{
	struct world *w = *state;
	struct network_state two[] = {state_of("a", SEVERITY_WARNING, "one"),
				      state_of("b", SEVERITY_WARNING, "two")};

	round_of(w, two, 2);
	assert_heard(w, 2, 0, 0);
	assert_string_equal(w->heard.last.subject, "b");
	assert_string_equal(incident_verdict_name(w->heard.last.verdict), "feed-stale");
	edge_wait(w->e, S);
	round_of(w, two, 2);
	snprintf(two[0].message, sizeof(two[0].message), "three");
	round_of(w, two, 2);
	assert_heard(w, 2, 0, 0); /* other words wait */
	edge_wait(w->e, 10 * S);
	round_of(w, two, 2);
	assert_heard(w, 2, 1, 0);
	assert_string_equal(w->heard.last.message, "three");
	two[1].severity = SEVERITY_CRITICAL;
	round_of(w, two, 2);
	assert_heard(w, 2, 2, 0);
	assert_int_equal(incidents_open(w->set), 2);
	assert_int_equal(incidents_open_flows(w->set), 0);
	/* scans of flows leave them alone, and they leave flows alone */
	event(w, SW_VERDICT_ASYMMETRIC, 1, ER1, VPN);
	edge_wait(w->e, 3600 * S);
	scan(w, 1, SW_VERDICT_ASYMMETRIC, ER1, VPN);
	round_of(w, two, 1);
	assert_int_equal(w->heard.n[INCIDENT_CLOSE], 1);
	assert_string_equal(w->heard.last.subject, "b");
	assert_int_equal(incidents_open(w->set), 2);
	assert_int_equal(incidents_open_flows(w->set), 1);
	round_of(w, NULL, 0);
	assert_int_equal(incidents_open(w->set), 1);
	/* it comes again: another incident */
	round_of(w, two, 1);
	assert_int_equal(w->heard.last.id, 4);
}

/* Over a restart: an open one is the same one as long as its state lasts. */
static void test_restart(void **state)
{
	struct world *w = *state;
	struct network_state s = state_of("router", SEVERITY_WARNING, "gone");
	struct state_context sc = {.cfg = &w->e->cfg,
				   .path_ids = w->e->ids,
				   .now = w->e->ctx.now,
				   .wall = w->e->ctx.wall};
	struct incidents *again;
	char *text;

	round_of(w, &s, 1);
	incidents_network_once(w->set, &w->e->ctx,
			       &(struct network_state){.kind = NETWORK_ROUTE_CHANGE, .path = -1});
	assert_heard(w, 2, 0, 1);
	text = state_print(&sc, w->set, w->e->fib);
	assert_non_null(text);
	again = incidents_new(hear, &w->heard);
	assert_int_equal(state_parse(&sc, text, strlen(text), again, w->e->fib), 0);
	free(text);
	incidents_free(w->set);
	w->set = again;
	assert_int_equal(incidents_open(w->set), 1);
	assert_string_equal(incidents_get(w->set, 0)->subject, "router");
	assert_string_equal(incident_verdict_name(incidents_get(w->set, 1)->verdict),
			    "route-change");
	round_of(w, &s, 1);
	assert_heard(w, 2, 0, 1);
	round_of(w, NULL, 0);
	assert_heard(w, 2, 0, 2);
}

static void test_feed(void **state)
{
	struct world *w = *state;
	const struct config_feed cfg = {.name = "router", .type = FEED_BGP};
	struct network_feed feed = {.cfg = &cfg,
				    .type = "bgp",
				    .since_ns = w->e->ctx.now,
				    .was_up = true,
				    .routes = 12,
				    .error = ""};
	struct network_state s;

	w->e->cfg.stale_ns = 120 * S;
	edge_wait(w->e, 30 * S - 1);
	assert_false(network_feed_stale(&w->e->ctx, &feed, &s));
	edge_wait(w->e, 1);
	assert_true(network_feed_stale(&w->e->ctx, &feed, &s));
	assert_int_equal(s.severity, SEVERITY_WARNING);
	assert_int_equal(s.side, SIDE_ONPREM);
	assert_string_equal(s.subject, "router");
	assert_string_equal(s.message,
			    "feed router (bgp) is gone: its 12 routes are used as it last told "
			    "them, until stale-time (120 s) is over");
	feed.routes = 0;
	feed.error = "closed";
	assert_true(network_feed_stale(&w->e->ctx, &feed, &s));
	assert_string_equal(s.message, "feed router (bgp) is gone: its routes were removed, after "
				       "stale-time (120 s) or a reload; its last error: closed");
	feed.was_up = false;
	assert_true(network_feed_stale(&w->e->ctx, &feed, &s));
	assert_non_null(strstr(s.message, "has not been up since the start"));
	/* a short stale-time: told before it is over */
	w->e->cfg.stale_ns = 4 * S;
	feed.since_ns = w->e->ctx.now - 2 * S;
	assert_true(network_feed_stale(&w->e->ctx, &feed, &s));
	feed.since_ns++;
	assert_false(network_feed_stale(&w->e->ctx, &feed, &s));
}

struct limits_world {
	struct world *w;
	struct config_feed feeds[2];
	struct network_limits limits;
	uint64_t near;
};

static void limits_setup(struct limits_world *l, struct world *w)
{
	*l = (struct limits_world){.w = w};
	l->feeds[0].type = l->feeds[1].type = FEED_JSONL;
	w->e->cfg.feeds = l->feeds;
	w->e->cfg.n_feeds = 2;
	for (unsigned int i = 0; i < 3; i++) {
		w->e->paths[i].circuit_id = i;
		w->e->paths[i].limit = (struct config_limit){100, 10, 200};
	}
}

static void limits_round(struct limits_world *l)
{
	struct world *w = l->w;

	incidents_network_begin(w->set);
	network_limits_count(&w->e->ctx, &l->limits);
	l->near = network_limits_tell(&w->e->ctx, &l->limits, w->set);
	incidents_network_end(w->set, &w->e->ctx);
}

static void local(struct world *w, feed_id feed, const char *path, uint8_t family, unsigned int i,
		  bool announce)
{
	struct route r = {.view = VIEW_LOCAL};
	char text[64];

	snprintf(text, sizeof(text), family == 4 ? "10.%u.0.0/16" : "2001:db8:%x::/48", 100 + i);
	r.prefix = prefix_of(text);
	snprintf(r.path, sizeof(r.path), "%s", path);
	if (announce)
		rib_announce(w->e->rib, feed, &r, w->e->ctx.now);
	else
		rib_withdraw(w->e->rib, feed, &r, false, w->e->ctx.now);
}

/* What comes from Azure by a path: of the feed that tells most, not the sum of all. */
static void test_limit_in(void **state)
{
	struct world *w = *state;
	struct limits_world l;

	limits_setup(&l, w);
	for (unsigned int i = 0; i < 79; i++)
		for (feed_id feed = 0; feed < 2; feed++)
			local(w, feed, "er2-primary", 4, i, true);
	for (unsigned int i = 0; i < 120; i++)
		local(w, 0, "vpn30", 4, i, true); /* no limit that we know */
	limits_round(&l);
	assert_heard(w, 0, 0, 0);
	assert_true(l.near == 0);
	local(w, 1, "er2-primary", 4, 79, true);
	limits_round(&l);
	assert_heard(w, 1, 0, 0);
	assert_true(l.near == 1ULL << ER2);
	assert_string_equal(w->heard.last.subject, "er2-primary");
	assert_int_equal(w->heard.last.severity, SEVERITY_WARNING);
	assert_int_equal(w->heard.last.cause, CAUSE_PREFIX_LIMIT);
	assert_int_equal(w->heard.last.side, SIDE_AZURE);
	assert_int_equal(w->heard.last.forward_path, ER2);
	assert_ptr_equal(strstr(w->heard.last.message,
				"80 IPv4 prefixes come from Azure by er2-primary, 80 % of the 100"),
			 w->heard.last.message);
	assert_non_null(strstr(w->heard.last.fix, "summarise"));
	/* IPv6 has a limit of its own; the one that is nearer is told */
	for (unsigned int i = 0; i < 10; i++)
		local(w, 0, "er2-primary", 6, i, true);
	limits_round(&l);
	assert_heard(w, 1, 1, 0);
	assert_int_equal(w->heard.last.severity, SEVERITY_CRITICAL);
	assert_non_null(strstr(w->heard.last.message, "10 IPv6 prefixes"));
	for (unsigned int i = 0; i < 10; i++)
		local(w, 0, "er2-primary", 6, i, false);
	/* one that comes and goes opens and closes nothing; below three quarters it is over */
	for (unsigned int i = 0; i < 4; i++) {
		local(w, 1, "er2-primary", 4, 79, i % 2);
		limits_round(&l);
		assert_true(l.near == 1ULL << ER2);
	}
	assert_int_equal(w->heard.n[INCIDENT_CLOSE], 0);
	for (unsigned int i = 74; i < 80; i++)
		for (feed_id feed = 0; feed < 2; feed++)
			local(w, feed, "er2-primary", 4, i, false);
	limits_round(&l);
	assert_int_equal(w->heard.n[INCIDENT_CLOSE], 1);
	for (unsigned int i = 74; i < 79; i++)
		local(w, 1, "er2-primary", 4, i, true);
	limits_round(&l);
	assert_int_equal(w->heard.n[INCIDENT_OPEN], 1);
}

static void remote(struct world *w, unsigned int i, enum sw_class class, const char *circuit,
		   const uint32_t *as, size_t n_as)
{
	struct route r = {.view = VIEW_REMOTE, .has_class = true, .class = class};
	char text[32];

	snprintf(text, sizeof(text), "10.2.%u.0/24", i);
	r.prefix = prefix_of(text);
	snprintf(r.circuit, sizeof(r.circuit), "%s", circuit);
	r.has_as_path = as;
	r.as_path = as;
	r.n_as = n_as;
	rib_announce(w->e->rib, 0, &r, w->e->ctx.now);
}

/* At the limit: critical, and so until nineteen twentieths; then a warning until it is at it again.
 */
static void test_limit_critical(void **state)
{
	struct world *w = *state;
	struct limits_world l;

	limits_setup(&l, w);
	for (unsigned int i = 0; i < 99; i++)
		local(w, 0, "er2-primary", 4, i, true);
	limits_round(&l);
	assert_int_equal(w->heard.last.severity, SEVERITY_WARNING);
	local(w, 0, "er2-primary", 4, 99, true);
	limits_round(&l);
	assert_heard(w, 1, 1, 0);
	assert_int_equal(w->heard.last.severity, SEVERITY_CRITICAL);
	/* one that comes and goes changes nothing */
	for (unsigned int i = 0; i < 4; i++) {
		local(w, 0, "er2-primary", 4, 99, i % 2);
		limits_round(&l);
	}
	assert_heard(w, 1, 1, 0);
	for (unsigned int i = 95; i < 100; i++)
		local(w, 0, "er2-primary", 4, i, false);
	limits_round(&l);
	assert_heard(w, 1, 2, 0);
	assert_int_equal(w->heard.last.severity, SEVERITY_WARNING);
	local(w, 0, "er2-primary", 4, 95, true);
	limits_round(&l);
	assert_heard(w, 1, 2, 0);
}

/* What Azure has learned of us by a circuit: neither the VPN's, nor of VNets that share it. */
static void test_limit_out(void **state)
{
	static const uint32_t ours[] = {12076, 65021}, vnet[] = {12076, 12076};
	struct world *w = *state;
	struct limits_world l;

	limits_setup(&l, w);
	for (unsigned int i = 0; i < 159; i++) {
		remote(w, i, SW_CLASS_EXPRESSROUTE, "er1", ours, 2);
		remote(w, i, SW_CLASS_VPN, "s2s", ours + 1, 1);
	}
	for (unsigned int i = 159; i < 200; i++)
		remote(w, i, SW_CLASS_EXPRESSROUTE, "er1", vnet, 2);
	limits_round(&l);
	assert_heard(w, 0, 0, 0);
	/* an unnamed circuit is any of the two */
	remote(w, 200, SW_CLASS_EXPRESSROUTE, "", ours, 2);
	limits_round(&l);
	assert_heard(w, 0, 0, 0);
	remote(w, 201, SW_CLASS_EXPRESSROUTE, "er1", NULL, 0);
	limits_round(&l);
	assert_heard(w, 1, 0, 0);
	assert_string_equal(w->heard.last.subject, "er1");
	assert_int_equal(w->heard.last.side, SIDE_ONPREM);
	assert_true(l.near == 1ULL << ER1);
	assert_non_null(strstr(w->heard.last.message,
			       "Azure has learned 160 prefixes of ours by circuit er1, 80 % of the "
			       "200"));
	assert_non_null(strstr(w->heard.last.fix, "premium"));
	for (unsigned int i = 202; i < 250; i++)
		remote(w, i, SW_CLASS_EXPRESSROUTE, "er1", ours, 2);
	limits_round(&l);
	assert_heard(w, 1, 1, 0);
	assert_int_equal(w->heard.last.severity, SEVERITY_CRITICAL);
	/* the session has dropped: near no more, and a failover then says what it was */
	rib_source_drop(w->e->rib, 0, 0, w->e->ctx.now);
	limits_round(&l);
	assert_heard(w, 1, 1, 1);
}

/* A failover after the limit was near: the cause is told, also where the session stays up. */
static void test_cause(void **state)
{
	struct world *w = *state;

	w->e->ctx.path[ER1].limit_near = true;
	event(w, SW_VERDICT_FAILOVER, 1, VPN, VPN);
	assert_heard(w, 1, 0, 0);
	assert_int_equal(w->heard.last.cause, CAUSE_PREFIX_LIMIT);
	assert_non_null(strstr(w->heard.last.message, "near a limit on prefixes"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_rounds),	 TEST(test_restart),
					   TEST(test_feed),	 TEST(test_limit_in),
					   TEST(test_limit_out), TEST(test_limit_critical),
					   TEST(test_cause)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
