/* SPDX-License-Identifier: GPL-2.0-only */
/* What people do about incidents: ack, silence; and what the hook is due to be told. */
#include <errno.h>
#include <stdlib.h>

#include "fixture_incident.h"
#include "core/incident_life.h"

#define HELD(w, i) (incidents_get((w)->set, i)->life)

static int silence(struct world *w, const char *prefix, uint64_t ns)
{
	const struct prefix p = prefix_of(prefix);
	uint64_t now = w->e->ctx.now;

	return incidents_silence(w->set, &p, ns ? now + ns : 0, now);
}

/* An incident of the network, without prefixes where dst is NULL; n: its feed's number. */
static void network(struct world *w, int n, const char *dst, enum severity severity)
{
	struct network_state s = {.kind = NETWORK_FEED_STALE, .severity = severity, .path = -1};

	snprintf(s.subject, sizeof(s.subject), "feed%d", n);
	if (dst)
		s.dst = prefix_of(dst);
	incidents_network_state(w->set, &w->e->ctx, &s);
}

/* The hook is told what is due: "open 1", "update 1", "close 1", with " +2" of those along, or "".
 */
static const char *tell(struct world *w)
{
	static const char *const names[] = {"open", "update", "close"};
	static char text[60];
	struct incident_news news;

	text[0] = '\0';
	if (incidents_hook_next(w->set, w->e->ctx.now, &news))
		return text;
	assert_int_equal(news.inc.open, news.change != INCIDENT_CLOSE);
	snprintf(text, sizeof(text), "%s %llu", names[news.change],
		 (unsigned long long)news.inc.id);
	for (size_t i = 0; i < news.n_also; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " +%llu",
			 (unsigned long long)news.also[i]);
	incidents_hook_told(w->set, &news, w->e->ctx.now);
	free(news.also);
	return text;
}

static void test_ack(void **state)
{
	struct world *w = *state;

	event(w, SW_VERDICT_ASYMMETRIC, 1, ER1, VPN);
	assert_int_equal(incidents_ack(w->set, 7, w->e->ctx.now), -ENOENT);
	assert_int_equal(incidents_ack(w->set, 0, w->e->ctx.now), -ENOENT);
	assert_int_equal(incidents_ack(w->set, 1, w->e->ctx.now), 0);
	assert_heard(w, 1, 1, 0);
	assert_true(w->heard.last.life.acked);
	assert_int_equal(incidents_ack(w->set, 1, w->e->ctx.now), 0);
	edge_wait(w->e, 1 * S);
	scan(w, 1, SW_VERDICT_ASYMMETRIC, ER1, VPN);
	assert_true(HELD(w, 0).acked);
	/* confirmed: a warning, which nobody has seen */
	edge_wait(w->e, 15 * S);
	scan(w, 1, SW_VERDICT_ASYMMETRIC, ER1, VPN);
	assert_int_equal(w->heard.last.severity, SEVERITY_WARNING);
	assert_false(w->heard.last.life.acked);
	assert_int_equal(incidents_ack(w->set, 1, w->e->ctx.now), 0);
	edge_wait(w->e, 100 * S);
	scan(w, 0, SW_VERDICT_OK, ER1, ER1);
	assert_false(incidents_get(w->set, 0)->open);
	assert_int_equal(incidents_ack(w->set, 1, w->e->ctx.now), -ESTALE);
}

static void test_what_a_silence_covers(void **state)
{
	static const struct {
		const char *silence, *src, *dst;
		bool covers;
	} cases[] = {
		{"10.10.30.0/24", "10.2.30.0/25", "10.10.30.0/24", true},
		{"10.10.0.0/16", "10.2.30.0/25", "10.10.30.0/24", true},
		{"10.2.30.0/24", "10.2.30.0/25", "10.10.30.0/24", true},
		{"10.10.30.4/32", "10.2.30.0/25", "10.10.30.0/24", false},
		{"10.11.0.0/16", "10.2.30.0/25", "10.10.30.0/24", false},
		{"0.0.0.0/0", "10.2.30.0/25", "10.10.30.0/24", true},
		{"::/0", "10.2.30.0/25", "10.10.30.0/24", false},
		{"fd00::/16", "fd00:2::/64", "fd00:3::/64", true},
		{"10.10.30.0/24", NULL, "10.10.30.0/24", true},
		{"10.10.30.0/24", NULL, NULL, false},
		{"10.0.0.0/8", NULL, NULL, false},
		{"0.0.0.0/0", NULL, NULL, true},
		{"::/0", NULL, NULL, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct silence s = {prefix_of(cases[i].silence), 1};
		struct incident inc = {0};

		if (cases[i].src)
			inc.src = prefix_of(cases[i].src);
		if (cases[i].dst)
			inc.dst = prefix_of(cases[i].dst);
		if (silence_covers(&s, &inc) != cases[i].covers)
			fail_msg("%s, case %zu", cases[i].silence, i);
	}
}

static void test_silence_holds_and_ends(void **state)
{
	struct world *w = *state;

	incidents_hook(w->set, true);
	assert_int_equal(silence(w, "10.10.30.0/24", 60 * S), 0);
	event(w, SW_VERDICT_ASYMMETRIC, 1, ER1, VPN);
	assert_heard(w, 1, 0, 0);
	assert_true(w->heard.last.life.silenced);
	assert_string_equal(tell(w), "");
	edge_wait(w->e, 59 * S);
	assert_false(incidents_silences_expire(w->set, w->e->ctx.now));
	assert_string_equal(tell(w), "");
	edge_wait(w->e, 1 * S);
	assert_true(incidents_silences_expire(w->set, w->e->ctx.now));
	assert_heard(w, 1, 1, 0); /* it still lasts: told now */
	assert_false(w->heard.last.life.silenced);
	assert_string_equal(tell(w), "open 1");
	assert_string_equal(tell(w), "");
	/* again, by hand: what was told as open is told as closed, in silence too */
	assert_int_equal(silence(w, "10.10.0.0/16", 60 * S), 0);
	assert_true(HELD(w, 0).silenced);
	assert_int_equal(silence(w, "10.10.0.0/24", 0), -ENOENT);
	assert_int_equal(silence(w, "10.10.0.0/16", 0), 0);
	assert_false(HELD(w, 0).silenced);
	assert_int_equal(silence(w, "10.10.0.0/16", 900 * S), 0);
	edge_wait(w->e, 100 * S);
	scan(w, 0, SW_VERDICT_OK, ER1, ER1);
	assert_string_equal(tell(w), "close 1");
	/* silenced all its life: nothing is owed */
	event(w, SW_VERDICT_ASYMMETRIC, 1, ER1, VPN);
	edge_wait(w->e, 100 * S);
	scan(w, 0, SW_VERDICT_OK, ER1, ER1);
	assert_true(HELD(w, 1).silenced);
	assert_int_equal(silence(w, "10.10.0.0/16", 0), 0);
	assert_string_equal(tell(w), "");
}

static void test_silences_are_bounded(void **state)
{
	struct world *w = *state;
	char text[40];

	for (int i = 0; i < SILENCES_MAX; i++) {
		snprintf(text, sizeof(text), "10.3.%d.0/24", i);
		assert_int_equal(silence(w, text, 10 * S), 0);
	}
	assert_int_equal(silence(w, "10.4.0.0/24", 10 * S), -ENOSPC);
	assert_int_equal(silence(w, "10.3.5.0/24", 20 * S), 0); /* another end, no other place */
	assert_int_equal(silence(w, "10.3.4.0/24", 0), 0);
	assert_int_equal(silence(w, "10.4.0.0/24", 10 * S), 0);
	edge_wait(w->e, 10 * S);
	assert_true(incidents_silences_expire(w->set, w->e->ctx.now));
	assert_non_null(incidents_silence_get(w->set, 0));
	assert_null(incidents_silence_get(w->set, 1));
}

static void test_hook_life(void **state)
{
	struct world *w = *state;

	incidents_hook(w->set, true);
	event(w, SW_VERDICT_ASYMMETRIC, 1, ER1, VPN);
	assert_int_equal(incidents_hook_waiting(w->set, w->e->ctx.now), 1);
	assert_string_equal(tell(w), "open 1");
	assert_int_equal(incidents_hook_waiting(w->set, w->e->ctx.now), 0);
	/* more flows are no news to it */
	edge_wait(w->e, 11 * S);
	scan(w, 5, SW_VERDICT_ASYMMETRIC, ER1, VPN);
	assert_int_equal(w->heard.n[INCIDENT_UPDATE], 1);
	assert_string_equal(tell(w), "");
	/* a severity that rises is, at once */
	edge_wait(w->e, 4 * S);
	scan(w, 5, SW_VERDICT_ASYMMETRIC, ER1, VPN);
	assert_string_equal(tell(w), "update 1");
	assert_string_equal(tell(w), "");
	edge_wait(w->e, 100 * S);
	scan(w, 0, SW_VERDICT_OK, ER1, ER1);
	assert_string_equal(tell(w), "close 1");
	assert_string_equal(tell(w), "");
}

/* A cause or a severity that falls waits; what has changed back meanwhile is no news. */
static void test_hook_is_calm(void **state)
{
	struct world *w = *state;

	incidents_hook(w->set, true);
	network(w, 1, NULL, SEVERITY_WARNING);
	assert_string_equal(tell(w), "open 1");
	network(w, 1, NULL, SEVERITY_NOTICE);
	assert_string_equal(tell(w), "");
	edge_wait(w->e, HOOK_CALM_NS - 1);
	assert_string_equal(tell(w), "");
	edge_wait(w->e, 1);
	assert_string_equal(tell(w), "update 1");
	edge_wait(w->e, 1 * S);
	network(w, 1, NULL, SEVERITY_INFO);
	network(w, 1, NULL, SEVERITY_NOTICE);
	edge_wait(w->e, HOOK_CALM_NS);
	assert_string_equal(tell(w), "");
}

/* A slow hook: the worst first, what is over is told as open and as closed, nothing is lost. */
static void test_hook_late(void **state)
{
	struct world *w = *state;

	incidents_hook(w->set, true);
	incidents_network_begin(w->set);
	network(w, 1, NULL, SEVERITY_INFO);
	network(w, 2, NULL, SEVERITY_CRITICAL);
	network(w, 3, NULL, SEVERITY_INFO);
	incidents_network_end(w->set, &w->e->ctx);
	incidents_network_begin(w->set);
	network(w, 2, NULL, SEVERITY_CRITICAL);
	incidents_network_end(w->set, &w->e->ctx); /* 1 and 3 are over */
	assert_string_equal(tell(w), "open 2");
	assert_string_equal(tell(w), "open 1");
	assert_string_equal(tell(w), "close 1");
	assert_string_equal(tell(w), "open 3");
	assert_string_equal(tell(w), "close 3");
	assert_string_equal(tell(w), "");
}

/* One cause, many prefixes: told together, opening and close alike. */
static void test_hook_together(void **state)
{
	struct world *w = *state;
	static const char *const dst[] = {"10.10.30.4", "10.11.30.4", "10.17.30.4"};

	incidents_hook(w->set, true);
	for (int i = 0; i < 3; i++) {
		struct sw_event ev = edge_event(w->e, SW_VERDICT_INTER_CIRCUIT, "10.2.30.10",
						dst[i], (uint16_t)i, ER1, ER2);

		incidents_event(w->set, &w->e->ctx, &ev);
	}
	event(w, SW_VERDICT_POLICY_VIOLATION, 9, VPN, VPN);
	assert_string_equal(tell(w), "open 1 +2 +3");
	assert_string_equal(tell(w), "open 4"); /* of another verdict */
	assert_string_equal(tell(w), "");
	assert_int_equal(incidents_ack(w->set, 2, w->e->ctx.now), 0);
	edge_wait(w->e, 100 * S);
	scan(w, 0, SW_VERDICT_OK, ER1, ER1);
	assert_string_equal(tell(w), "close 1 +2 +3");
	assert_string_equal(tell(w), "close 4");
}

static void test_hook_acked(void **state)
{
	struct world *w = *state;

	incidents_hook(w->set, true);
	event(w, SW_VERDICT_ASYMMETRIC, 1, ER1, VPN);
	assert_string_equal(tell(w), "open 1");
	assert_int_equal(incidents_ack(w->set, 1, w->e->ctx.now), 0);
	edge_wait(w->e, 16 * S);
	scan(w, 1, SW_VERDICT_ASYMMETRIC, ER1, VPN);
	assert_string_equal(tell(w), "update 1"); /* it has got worse */
	assert_int_equal(incidents_ack(w->set, 1, w->e->ctx.now), 0);
	edge_wait(w->e, 100 * S);
	scan(w, 0, SW_VERDICT_OK, ER1, ER1);
	assert_string_equal(tell(w), "close 1");
}

/* Nothing is owed of what closed while there was no hook; what lasts is told to a new one. */
static void test_hook_comes_and_goes(void **state)
{
	struct world *w = *state;

	event(w, SW_VERDICT_ASYMMETRIC, 1, ER1, VPN);
	event(w, SW_VERDICT_TRANSITION, 1, ER1, VPN); /* closes 1 */
	event(w, SW_VERDICT_ASYMMETRIC, 1, ER1, VPN);
	assert_string_equal(tell(w), "");
	incidents_hook(w->set, true);
	assert_string_equal(tell(w), "open 2");
	edge_wait(w->e, 100 * S);
	scan(w, 0, SW_VERDICT_OK, ER1, ER1);
	incidents_hook(w->set, false);
	incidents_hook(w->set, true);
	assert_string_equal(tell(w), "");
}

/* More closed ones than are kept: those that the hook has not heard of are counted. */
static void test_hook_forgotten(void **state)
{
	struct world *w = *state;

	incidents_hook(w->set, true);
	for (int i = 0; i < 1002; i++) {
		event(w, SW_VERDICT_ASYMMETRIC, 1, ER1, VPN);
		event(w, SW_VERDICT_TRANSITION, 1, ER1, VPN);
		if (i == 0) {
			assert_string_equal(tell(w), "open 1");
			assert_string_equal(tell(w), "close 1");
		}
	}
	assert_int_equal(incidents_hook_forgotten(w->set), 1);
	assert_int_equal(incidents_hook_waiting(w->set, w->e->ctx.now), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ack),
		TEST(test_what_a_silence_covers),
		TEST(test_silence_holds_and_ends),
		TEST(test_silences_are_bounded),
		TEST(test_hook_life),
		TEST(test_hook_is_calm),
		TEST(test_hook_late),
		TEST(test_hook_together),
		TEST(test_hook_acked),
		TEST(test_hook_comes_and_goes),
		TEST(test_hook_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
