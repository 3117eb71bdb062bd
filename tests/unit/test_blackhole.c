/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Black holes: found where all that was answered falls silent, as incidents; and the many ways in
 * which flows are silent without one, which must not be told as any.
 */
#include "fixture_silence.h"

static void assert_none(const struct sim *s)
{
	if (s->w->heard.n[INCIDENT_OPEN])
		fail_msg("an incident: %s", s->w->heard.last.message);
}

static void assert_one(const struct sim *s, enum cause cause)
{
	const struct incident *inc = &s->w->heard.last;

	assert_int_equal(s->w->heard.n[INCIDENT_OPEN], 1);
	assert_int_equal(s->w->heard.n[INCIDENT_CLOSE], 0);
	assert_int_equal(inc->verdict, SW_VERDICT_ONE_WAY);
	assert_string_equal(cause_name(inc->cause), cause_name(cause));
}

/* S29, a second or five between scans. */
static void found_each(void **state, unsigned int step)
{
	struct sim *s = *state;
	const struct incident *inc = &s->w->heard.last;

	flows_usual(s);
	run(s, 20, step);
	assert_none(s);
	fall_silent(s, 0, 6);
	run(s, 10, step);
	assert_none(s);
	run(s, 20, step);
	assert_one(s, CAUSE_BACKUP_BLACKHOLE);
	assert_int_equal(inc->severity, SEVERITY_CRITICAL);
	assert_int_equal(inc->forward_path, VPN);
	assert_int_equal(inc->reverse_path, -1);
	assert_true(inc->flows >= BLACKHOLE_FLOWS);
	assert_true(blackholes_dead(s->b, VPN));
	/* one host is answered again: it is over, and closed at once */
	s->flow[4].in_s = 2;
	run(s, step, step);
	assert_int_equal(s->w->heard.n[INCIDENT_CLOSE], 1);
	assert_false(blackholes_dead(s->b, VPN));
	run(s, 60, step);
	assert_int_equal(s->w->heard.n[INCIDENT_OPEN], 1);
}

static void test_s29_found_by_seconds(void **state)
{
	found_each(state, 1);
}

static void test_s29_found_by_five(void **state)
{
	found_each(state, 5);
}

static void test_s19_expressroute(void **state)
{
	struct sim *s = *state;

	flows_usual(s);
	for (size_t i = 0; i < s->n; i++)
		s->flow[i].path = ER1;
	run(s, 20, 5);
	fall_silent(s, 0, 6);
	run(s, 30, 5);
	assert_one(s, CAUSE_ER_DATAPLANE);
	assert_int_equal(s->w->heard.last.side, SIDE_AZURE);
}

/* S41: the half that another site has announced; the other half of the network is answered. */
static void test_s41_overlap(void **state)
{
	const uint32_t as_path[] = {65077};
	struct route r = {.view = VIEW_REMOTE,
			  .prefix = prefix_of("10.2.30.64/26"),
			  .as_path = as_path,
			  .n_as = 1,
			  .has_as_path = true,
			  .has_class = true,
			  .class = SW_CLASS_VPN};
	struct config_feed feed = {.as = 65021};
	struct sim *s = *state;

	s->w->e->cfg.feeds = &feed;
	s->w->e->cfg.n_feeds = 1;
	flows_usual(s);
	flow_add(s, TCP, "10.2.30.70", "10.10.30.4");
	flow_add(s, TCP, "10.2.30.71", "10.11.30.4");
	flow_add(s, TCP, "10.2.30.72", "10.11.30.4");
	for (size_t i = 0; i < s->n; i++)
		s->flow[i].path = ER1;
	run(s, 20, 5);
	assert_int_equal(rib_announce(s->w->e->rib, 1, &r, s->w->e->ctx.now), RIB_OK);
	fall_silent(s, 6, 3);
	snprintf(s->flow[5].src, sizeof(s->flow[5].src), "10.2.30.20");
	run(s, 30, 5);
	assert_one(s, CAUSE_OVERLAP);
	assert_int_equal(s->w->heard.last.src.len, 26);
	assert_false(blackholes_dead(s->b, ER1) && s->w->heard.last.src.len == 25);
}

/* One prefix of many by the path: more of it is asked for. */
static void test_one_prefix(void **state)
{
	struct sim *s = *state;

	flow_add(s, TCP, "10.2.30.10", "10.11.30.4");
	for (char i = 0; i < 6; i++)
		snprintf(flow_add(s, TCP, "10.2.30.10", "10.10.30.4")->dst, 24, "10.10.30.%d",
			 4 + i / 2);
	run(s, 20, 5);
	fall_silent(s, 1, 6);
	run(s, 30, 5);
	assert_one(s, CAUSE_BACKUP_BLACKHOLE);
	assert_int_equal(s->w->heard.last.dst.bytes[1], 10);
	assert_false(blackholes_dead(s->b, VPN));
}

/* Then all of the path falls silent: the incident of the prefix, which it names, says that. */
static void test_one_prefix_then_all(void **state)
{
	struct sim *s = *state;
	uint64_t id;

	test_one_prefix(state);
	id = s->w->heard.last.id;
	assert_null(strstr(s->w->heard.last.message, "from anywhere"));
	flow_add(s, PING, "10.2.30.10", "10.11.30.5");
	run(s, 20, 5);
	fall_silent(s, 0, 1);
	fall_silent(s, 7, 1);
	run(s, 30, 5);
	assert_true(blackholes_dead(s->b, VPN));
	assert_int_equal(s->w->heard.n[INCIDENT_OPEN], 1);
	assert_int_equal(s->w->heard.last.id, id);
	assert_non_null(strstr(s->w->heard.last.message, "from anywhere"));
}

static void test_not_two_of_a_prefix(void **state)
{
	struct sim *s = *state;

	flow_add(s, TCP, "10.2.30.10", "10.11.30.4");
	for (int i = 0; i < 9; i++)
		flow_add(s, TCP, "10.2.30.10", i % 2 ? "10.10.30.4" : "10.10.30.5");
	run(s, 20, 5);
	fall_silent(s, 1, 9);
	run(s, 120, 5);
	assert_none(s);
}

/* New connections to what was answered before. */
static void test_new_flows(void **state)
{
	struct sim *s = *state;

	flows_usual(s);
	run(s, 20, 5);
	for (size_t i = 0; i < s->n; i++) {
		s->flow[i].reuse++;
		s->flow[i].in = s->flow[i].out = 0;
	}
	fall_silent(s, 0, 6);
	run(s, 30, 5);
	assert_one(s, CAUSE_BACKUP_BLACKHOLE);
}

/* Settling: the far side may need its time after a failover. */
static void test_within_grace(void **state)
{
	struct sim *s = *state;

	usual_fall_silent(s);
	s->w->e->ctx.path[VPN].changed_ns = s->w->e->ctx.now;
	run(s, 55, 5);
	assert_none(s);
	run(s, 15, 5);
	assert_one(s, CAUSE_BACKUP_BLACKHOLE);
}

/* The routes of the flows changed, not the path. */
static void test_flows_settle(void **state)
{
	struct sim *s = *state;

	usual_fall_silent(s);
	for (size_t i = 0; i < s->n; i++)
		s->flow[i].settle_ns = s->w->e->ctx.now;
	run(s, 55, 5);
	assert_none(s);
	run(s, 15, 5);
	assert_one(s, CAUSE_BACKUP_BLACKHOLE);
}

static void test_not_idle(void **state)
{
	struct sim *s = *state;

	flows_usual(s);
	run(s, 20, 5);
	for (size_t i = 0; i < s->n; i++)
		s->flow[i].in_s = s->flow[i].out_s = 0;
	run(s, 120, 5);
	assert_none(s);
}

static void test_not_few(void **state)
{
	struct sim *s = *state;

	flow_add(s, TCP, "10.2.30.10", "10.10.30.4");
	flow_add(s, TCP, "10.2.30.10", "10.10.30.5");
	run(s, 20, 5);
	fall_silent(s, 0, 2);
	run(s, 120, 5);
	assert_none(s);
}

static void test_not_one_server(void **state)
{
	struct sim *s = *state;

	for (int i = 0; i < 20; i++)
		flow_add(s, i % 3 ? TCP : PING, "10.2.30.10", "10.10.30.4");
	run(s, 20, 5);
	fall_silent(s, 0, 20);
	run(s, 120, 5);
	assert_none(s);
}

/* Two servers of many are down. */
static void test_not_where_others_answer(void **state)
{
	struct sim *s = *state;

	flows_usual(s);
	run(s, 20, 5);
	fall_silent(s, 0, 4);
	run(s, 120, 5);
	assert_none(s);
}

/* A scan: SYNs to nowhere, and to ports that nobody has; of hosts that were answered, too. */
static void test_not_a_scan(void **state)
{
	struct sim *s = *state;

	flows_usual(s);
	run(s, 20, 5);
	for (size_t i = 0; i < s->n; i++)
		s->flow[i].in_s = s->flow[i].out_s = 0;
	for (int i = 0; i < 40; i++) {
		struct sim_flow *f = flow_add(s, TCP, "10.2.30.10", "10.10.30.4");

		if (i % 2)
			snprintf(f->dst, sizeof(f->dst), "10.10.30.%d", 40 + i);
		f->port = (uint16_t)(1000 + i);
		f->in_s = 0;
	}
	run(s, 120, 5);
	assert_none(s);
}

/* Streams that are never answered: some were, once. */
static void test_not_one_way_udp(void **state)
{
	struct sim *s = *state;

	for (int i = 0; i < 12; i++) {
		struct sim_flow *f = flow_add(s, UDP, "10.2.30.10", "10.10.30.4");

		snprintf(f->dst, sizeof(f->dst), "10.10.30.%d", 4 + i);
		f->out_s = 50;
		f->in_s = i % 2;
	}
	run(s, 10, 5);
	fall_silent(s, 0, 12);
	run(s, 120, 5);
	assert_none(s);
}

/* The inside host is down, or its network: it does not send, they do. */
static void test_not_inside_down(void **state)
{
	struct sim *s = *state;

	flows_usual(s);
	run(s, 20, 5);
	for (size_t i = 0; i < s->n; i++)
		s->flow[i].out_s = 0;
	run(s, 120, 5);
	assert_none(s);
}

static void test_not_closed(void **state)
{
	struct sim *s = *state;

	flows_usual(s);
	s->flow[3].proto = TCP;
	run(s, 20, 5);
	fall_silent(s, 0, 6);
	for (size_t i = 0; i < s->n; i++)
		s->flow[i].closing = 1;
	run(s, 120, 5);
	assert_none(s);
}

/* Kernel evidence of answers by another way: it is told as that. */
static void test_not_answered_elsewhere(void **state)
{
	struct sim *s = *state;

	usual_fall_silent(s);
	s->flow[2].verdict = SW_VERDICT_ONE_WAY;
	run(s, 120, 5);
	assert_none(s);
}

/* No evidence was taken, as nothing changed here; but a transfer goes on. */
static void test_goes_on(void **state)
{
	struct sim *s = *state;

	usual_fall_silent(s);
	s->flow[0].back_off = false;
	s->flow[0].out_s = 100;
	run(s, 30, 5);
	assert_one(s, CAUSE_UNKNOWN);
	assert_int_equal(s->w->heard.last.severity, SEVERITY_WARNING);
	assert_non_null(strstr(s->w->heard.last.message, "the answers come home by another way"));
	assert_false(blackholes_dead(s->b, VPN));
}

/* A path that objects is lost, not a black hole. */
static void test_not_of_a_lost_path(void **state)
{
	struct sim *s = *state;

	usual_fall_silent(s);
	edge_object(s->w->e, VPN, WORD_LINK, true);
	run(s, 120, 5);
	assert_none(s);
}

/* What the far side opened: its SYNs come again and again, and prove nothing; nor disprove. */
static void test_far_syns(void **state)
{
	struct sim *s = *state;

	usual_fall_silent(s);
	for (int i = 0; i < 4; i++) {
		struct sim_flow *f = flow_add(s, TCP, "10.2.30.10", "10.10.30.4");

		f->about = 0;
		f->in_s = f->out_s = 0;
	}
	for (int t = 0; t < 10; t++) {
		for (size_t i = 6; i < 10; i++)
			s->flow[i].in++, s->flow[i].out++;
		run(s, 5, 5);
	}
	assert_one(s, CAUSE_BACKUP_BLACKHOLE);
}

/*
 * Only what we send is lost: the far side's TCP repeats what we have acknowledged, after 1, 2, 4...
 * times what its first wait was, and gets our ACK no more than the first.
 */
static void test_far_repeats(void **state)
{
	struct sim *s = *state;

	usual_fall_silent(s);
	for (unsigned int t = 1; t <= 30; t++) {
		for (size_t i = 0; i < 6; i++) {
			unsigned int waits = t / (1 + (unsigned int)i % 3) + 1;

			if (t % (1 + i % 3) == 0 && !(waits & (waits - 1)) && i != 3)
				s->flow[i].in++, s->flow[i].out++;
		}
		run(s, 1, 1);
	}
	assert_one(s, CAUSE_BACKUP_BLACKHOLE);
	run(s, 60, 1);
	assert_one(s, CAUSE_BACKUP_BLACKHOLE);
}

/* One flow is asked something each eight seconds, and answers: the way is there. */
static void test_not_where_one_answers_seldom(void **state)
{
	struct sim *s = *state;
	struct sim_flow *f = flow_add(s, TCP, "10.2.30.10", "10.10.30.9");

	f->in_s = f->out_s = 0;
	flows_usual(s);
	for (int t = 1; t < 120; t++) {
		if (t == 30)
			fall_silent(s, 1, 6);
		if (t % 8 == 0)
			f->in++, f->out++;
		run(s, 1, 1);
	}
	assert_none(s);
}

/* Keepalives, asked each minute or two and answered: a steady pace is no repetition. */
static void test_not_keepalives(void **state)
{
	struct sim *s = *state;

	for (unsigned int beat = 60; beat <= 240; beat *= 2) {
		s->n = 0;
		flows_usual(s);
		run(s, 20, 5);
		for (size_t i = 0; i < s->n; i++)
			s->flow[i].in_s = s->flow[i].out_s = 0;
		for (unsigned int t = 1; t < 10 * beat; t++) {
			for (size_t i = 0; t % beat == 0 && i < s->n; i++)
				if (s->flow[i].proto == TCP)
					s->flow[i].in++, s->flow[i].out += 2;
			run(s, 1, 1);
			assert_none(s);
		}
	}
}

/* What it asks of us is no answer, though its record is new: the hole stays. */
static void test_far_requests(void **state)
{
	struct sim *s = *state;

	usual_fall_silent(s);
	run(s, 30, 5);
	assert_one(s, CAUSE_BACKUP_BLACKHOLE);
	for (int i = 0; i < 4; i++) {
		struct sim_flow *f = flow_add(s, PING, "10.2.30.10", "10.10.30.4");

		f->about = 0;
		f->in_s = f->out_s = 1;
	}
	for (int t = 0; t < 3; t++) {
		run(s, 1, 1);
		assert_one(s, CAUSE_BACKUP_BLACKHOLE);
	}
}

/* Nobody sends any more: it closes after max(grace, 30 s). Forgotten: silence begins anew. */
static void test_ends(void **state)
{
	struct sim *s = *state;

	usual_fall_silent(s);
	run(s, 30, 5);
	assert_one(s, CAUSE_BACKUP_BLACKHOLE);
	for (size_t i = 0; i < s->n; i++)
		s->flow[i].out_s = s->flow[i].back_off = 0;
	run(s, 60, 5);
	assert_int_equal(s->w->heard.n[INCIDENT_CLOSE], 0);
	run(s, 60, 5);
	assert_int_equal(s->w->heard.n[INCIDENT_CLOSE], 1);
	for (size_t i = 0; i < s->n; i++) /* what was silent long ago begins anew */
		s->flow[i].out_s = 2;
	run(s, 10, 5);
	assert_int_equal(s->w->heard.n[INCIDENT_OPEN], 1);
	blackholes_forget(s->b);
	run(s, 5, 5);
	assert_int_equal(s->w->heard.n[INCIDENT_OPEN], 1);
}

/* It is mended: what was answered moves back to its path, what gave up in the meantime stays where
 * it was. */
static void test_given_up(void **state)
{
	struct sim *s = *state;

	usual_fall_silent(s);
	run(s, 20, 5);
	assert_one(s, CAUSE_BACKUP_BLACKHOLE);
	flow_add(s, PING, "10.2.30.10", "10.10.30.4")->back_off = false;
	for (size_t i = 0; i < 6; i++)
		s->flow[i].out_s = s->flow[i].back_off = 0;
	run(s, 5, 5);
	s->flow[6].path = ER1;
	run(s, 40, 5);
	assert_int_equal(s->w->heard.n[INCIDENT_OPEN], 1);
	assert_int_equal(s->w->heard.n[INCIDENT_CLOSE], 1);
}

/* The time that a packet came by the path, not before the scan that found it before. */
static void test_received(void **state)
{
	struct sim *s = *state;
	uint64_t now;

	flows_usual(s);
	assert_int_equal(blackholes_received(s->b, VPN), 0);
	run(s, 20, 5);
	now = s->w->e->ctx.now;
	assert_true(blackholes_received(s->b, VPN) <= now - 5 * S + MS);
	assert_true(blackholes_received(s->b, VPN) >= now - 5 * S - MS);
	assert_int_equal(blackholes_received(s->b, ER1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM(test_s29_found_by_seconds),
		SIM(test_s29_found_by_five),
		SIM(test_s19_expressroute),
		SIM(test_s41_overlap),
		SIM(test_one_prefix),
		SIM(test_one_prefix_then_all),
		SIM(test_not_two_of_a_prefix),
		SIM(test_new_flows),
		SIM(test_within_grace),
		SIM(test_flows_settle),
		SIM(test_not_idle),
		SIM(test_not_few),
		SIM(test_not_one_server),
		SIM(test_not_where_others_answer),
		SIM(test_not_a_scan),
		SIM(test_not_one_way_udp),
		SIM(test_not_inside_down),
		SIM(test_not_closed),
		SIM(test_not_answered_elsewhere),
		SIM(test_goes_on),
		SIM(test_not_of_a_lost_path),
		SIM(test_far_syns),
		SIM(test_far_repeats),
		SIM(test_not_where_one_answers_seldom),
		SIM(test_not_keepalives),
		SIM(test_far_requests),
		SIM(test_ends),
		SIM(test_given_up),
		SIM(test_received),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
