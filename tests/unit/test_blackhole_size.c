/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * S37: large packets get no answer and small ones do, told as a hint of the path; and what looks
 * like it and is not. No such flow is a black hole.
 */
#include "fixture_silence.h"
#include "core/network_watch.h"

/* Small ones to three hosts of the hub, answered; flows 3, 4 and 5 to the same hosts. */
static void flows_mixed(struct sim *s)
{
	static const char *const dst[] = {"10.10.30.4", "10.10.30.5", "10.10.30.6"};

	for (size_t i = 0; i < 6; i++)
		flow_add(s, TCP, "10.2.30.10", dst[i % 3]);
	run(s, 20, 5);
}

/* So many of the latter three now send packets of this size, in vain. */
static void fall_large(struct sim *s, size_t n, uint32_t size)
{
	for (size_t i = 3; i < 3 + n; i++)
		s->flow[i].size = size;
	fall_silent(s, 3, n);
}

static const struct blackhole_size *vpn_size(const struct sim *s)
{
	return &blackholes_sizes(s->b)[VPN];
}

static void assert_no_hint(const struct sim *s)
{
	for (size_t id = 0; id < SW_MAX_PATHS; id++)
		assert_int_equal(blackholes_sizes(s->b)[id].flows, 0);
	assert_int_equal(s->w->heard.n[INCIDENT_OPEN], 0);
}

static void found_each(void **state, unsigned int step)
{
	const struct prefix dst = prefix_of("10.10.30.0/24"), src = prefix_of("10.2.30.0/25");
	struct sim *s = *state;

	flows_mixed(s);
	fall_large(s, 2, 1452);
	s->flow[4].size = 1400;
	run(s, 10, step);
	assert_no_hint(s);
	run(s, 15, step);
	assert_int_equal(vpn_size(s)->flows, 2);
	assert_int_equal(vpn_size(s)->lost, 1400);
	assert_int_equal(vpn_size(s)->answered, 90);
	assert_true(prefix_equal(&vpn_size(s)->dst, &dst));
	assert_true(prefix_equal(&vpn_size(s)->src, &src));
	assert_int_equal(s->w->heard.n[INCIDENT_OPEN], 0);
	/* they send on, and are answered */
	fall_silent(s, 3, 2);
	for (size_t i = 3; i < 5; i++) {
		s->flow[i].in_s = 2;
		s->flow[i].back_off = false;
	}
	run(s, step, step);
	assert_no_hint(s);
}

static void test_found_by_seconds(void **state)
{
	found_each(state, 1);
}

static void test_found_by_five(void **state)
{
	found_each(state, 5);
}

/* Large pings, after small ones were answered. */
static void test_pings(void **state)
{
	struct sim *s = *state;

	for (int i = 0; i < 4; i++) {
		struct sim_flow *f = flow_add(s, PING, "10.2.30.10", "10.10.30.4");

		if (i >= 2)
			f->out_s = f->in_s = 0;
	}
	run(s, 20, 5);
	for (size_t i = 2; i < 4; i++) {
		s->flow[i].out_s = 2;
		s->flow[i].size = 1328;
	}
	run(s, 25, 5);
	assert_int_equal(vpn_size(s)->flows, 2);
	assert_int_equal(vpn_size(s)->lost, 1328);
}

static void test_not_one_flow(void **state)
{
	struct sim *s = *state;

	flows_mixed(s);
	fall_large(s, 1, 1452);
	run(s, 60, 5);
	assert_no_hint(s);
}

static void test_not_small(void **state)
{
	struct sim *s = *state;

	flows_mixed(s);
	fall_large(s, 3, 1100);
	run(s, 60, 5);
	assert_no_hint(s);
}

/* The way carries what is as large: to another host of the prefix. */
static void test_not_where_large_are_answered(void **state)
{
	struct sim *s = *state;

	flows_mixed(s);
	s->flow[2].size = 1452;
	fall_large(s, 2, 1452);
	run(s, 60, 5);
	assert_no_hint(s);
	s->flow[2].size = 1390; /* as large as the way allows */
	run(s, 10, 5);
	assert_int_equal(vpn_size(s)->flows, 2);
	assert_int_equal(vpn_size(s)->answered, 1390);
}

/* A firewall has lost them: of one host, small ones vanish as well. */
static void test_not_where_small_vanish(void **state)
{
	struct sim *s = *state;

	flows_mixed(s);
	fall_large(s, 3, 1452);
	s->flow[5].size = 90;
	run(s, 60, 5);
	assert_no_hint(s);
}

/* One that is silent for long, so that all flows of its path are looked at. */
static void suspect(struct sim *s, uint8_t path)
{
	flow_add(s, PING, "10.2.30.10", "10.11.30.4")->path = path;
	run(s, 5, 5);
	s->flow[s->n - 1].in_s = 0;
	run(s, 25, 5);
}

/* The hosts are down, and another answers. */
static void test_not_of_dead_hosts(void **state)
{
	struct sim *s = *state;

	flows_mixed(s);
	suspect(s, VPN);
	fall_large(s, 2, 1452);
	for (size_t i = 0; i < 2; i++)
		s->flow[i].in_s = s->flow[i].out_s = 0;
	for (int t = 0; t < 60; t++) {
		run(s, 1, 1);
		assert_no_hint(s);
	}
}

/* They were alive for a while. */
static void test_hosts_die(void **state)
{
	struct sim *s = *state;

	flows_mixed(s);
	fall_large(s, 2, 1452);
	run(s, 30, 5);
	assert_int_equal(vpn_size(s)->flows, 2);
	for (size_t i = 0; i < 2; i++)
		s->flow[i].in_s = s->flow[i].out_s = 0;
	run(s, 20, 5);
	assert_no_hint(s);
}

/* By another path the hosts do answer, which says nothing of this one. */
static void test_not_by_another_path(void **state)
{
	struct sim *s = *state;

	flows_mixed(s);
	suspect(s, ER1);
	fall_large(s, 2, 1452);
	for (size_t i = 0; i < 2; i++)
		s->flow[i].path = ER1;
	run(s, 60, 5);
	assert_no_hint(s);
}

/* Kernel evidence of answers by another way. */
static void test_not_answered_elsewhere(void **state)
{
	struct sim *s = *state;

	flows_mixed(s);
	fall_large(s, 2, 1452);
	s->flow[3].verdict = SW_VERDICT_ONE_WAY;
	run(s, 60, 5);
	assert_no_hint(s);
}

static void test_not_within_grace(void **state)
{
	struct sim *s = *state;

	flows_mixed(s);
	fall_large(s, 2, 1452);
	s->w->e->ctx.path[VPN].changed_ns = s->w->e->ctx.now;
	run(s, 55, 5);
	assert_no_hint(s);
	run(s, 10, 5);
	assert_int_equal(vpn_size(s)->flows, 2);
	blackholes_forget(s->b);
	assert_no_hint(s);
}

/* The hint as it is told, with its end. */
static void test_told(void **state)
{
	struct sim *s = *state;
	struct network_watch *watch = network_watch_new();
	struct network_facts facts = {.sizes = blackholes_sizes(s->b)};
	const struct incident *inc = &s->w->heard.last;
	struct incident_context *ctx = &s->w->e->ctx;

	assert_non_null(watch);
	flows_mixed(s);
	fall_large(s, 2, 1452);
	ctx->cfg = &s->w->e->cfg;
	for (unsigned int t = 0; t < 120; t++) {
		if (t == 30)
			s->flow[3].in_s = s->flow[4].in_s = 1;
		run(s, 1, 1);
		incidents_network_begin(s->w->set);
		network_size_tell(watch, ctx, &facts, s->w->set);
		incidents_network_end(s->w->set, ctx);
		if (t == 25)
			assert_heard(s->w, 1, 0, 0);
	}
	assert_heard(s->w, 1, 0, 1);
	assert_string_equal(incident_verdict_name(inc->verdict), "limit");
	assert_string_equal(inc->subject, "vpn30");
	assert_int_equal(inc->forward_path, VPN);
	assert_int_equal(inc->severity, SEVERITY_INFO);
	assert_int_equal(inc->side, SIDE_UNKNOWN);
	assert_non_null(strstr(inc->message,
			       "2 flows from 10.2.30.0/25 to 10.10.30.0/24 send packets of 1452 "
			       "bytes and more in vain, while packets of 90 bytes are answered"));
	assert_non_null(strstr(inc->fix, "MSS to 1350"));
	assert_non_null(strstr(inc->fix, "`mtu: 1400` of the path"));
	network_watch_free(watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM(test_found_by_seconds),
		SIM(test_found_by_five),
		SIM(test_pings),
		SIM(test_not_one_flow),
		SIM(test_not_small),
		SIM(test_not_where_large_are_answered),
		SIM(test_not_where_small_vanish),
		SIM(test_not_of_dead_hosts),
		SIM(test_hosts_die),
		SIM(test_not_by_another_path),
		SIM(test_not_answered_elsewhere),
		SIM(test_not_within_grace),
		SIM(test_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
