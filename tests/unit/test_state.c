/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state file's text: what is printed comes back the same, over a reboot too, and a damaged
 * text restores nothing.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fixture_edge.h"
#include "core/incident_life.h"
#include "core/network_watch.h"
#include "core/state.h"

struct world {
	struct edge *e;
	struct incidents *set;
};

static int world_new(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->e = edge_new();
	edge_hub(w->e);
	w->set = incidents_new(NULL, NULL);
	assert_non_null(w->set);
	*state = w;
	return 0;
}

static int world_free(void **state)
{
	struct world *w = *state;

	incidents_free(w->set);
	edge_free(w->e);
	free(w);
	return 0;
}

static struct state_context context_of(const struct edge *e)
{
	return (struct state_context){
		.cfg = &e->cfg, .path_ids = e->ids, .now = e->ctx.now, .wall = e->ctx.wall};
}

/* One closed, one open asymmetry, one failover, two degraded prefixes. */
static void fill(struct world *w)
{
	const struct prefix hub = prefix_of("10.10.30.0/24"), six = prefix_of("fd10::/32");
	struct incident_news news;
	struct sw_event ev;

	ev = edge_hub_event(w->e, SW_VERDICT_ASYMMETRIC, 1, ER1, VPN);
	incidents_event(w->set, &w->e->ctx, &ev);
	ev.state.verdict = SW_VERDICT_TRANSITION;
	incidents_event(w->set, &w->e->ctx, &ev);
	edge_wait(w->e, 1500 * MS + 7);
	ev = edge_hub_event(w->e, SW_VERDICT_ASYMMETRIC, 1, ER1, VPN);
	incidents_event(w->set, &w->e->ctx, &ev);
	edge_wait(w->e, 3 * S);
	edge_object(w->e, ER1, WORD_LINK, true);
	w->e->ctx.prefixes_moved = 3;
	edge_wait(w->e, 8 * MS);
	ev = edge_hub_event(w->e, SW_VERDICT_FAILOVER, 2, VPN, VPN);
	incidents_event(w->set, &w->e->ctx, &ev);
	assert_int_equal(incidents_open(w->set), 2);
	assert_int_equal(fib_degraded_restore(w->e->fib, &hub, 0, w->e->ctx.now - 5 * S), 0);
	assert_int_equal(fib_degraded_restore(w->e->fib, &six, 0, w->e->ctx.now - 9 * S), 0);
	edge_wait(w->e, 2 * S);
	assert_int_equal(incidents_silence(w->set, &hub, w->e->ctx.now + 300 * S, w->e->ctx.now),
			 0);
	assert_int_equal(incidents_ack(w->set, 2, w->e->ctx.now), 0);
	incidents_hook(w->set, true);
	assert_int_equal(incidents_silence(w->set, &hub, 0, w->e->ctx.now), 0);
	assert_int_equal(incidents_hook_next(w->set, w->e->ctx.now, &news), 0);
	assert_int_equal(news.inc.id, 3);
	incidents_hook_told(w->set, &news, w->e->ctx.now);
	free(news.also);
	assert_int_equal(incidents_silence(w->set, &hub, w->e->ctx.now + 300 * S, w->e->ctx.now),
			 0);
}

static char *print(const struct world *w)
{
	struct network_failed failed[SW_MAX_PATHS] = {[ER1] = {true, CAUSE_BGP_DOWN, NOW_BASE}};
	struct state_context ctx = context_of(w->e);
	char *text;

	ctx.failed = failed;
	text = state_print(&ctx, w->set, w->e->fib);

	assert_non_null(text);
	return text;
}

static int parse(struct world *w, const char *text, size_t len)
{
	struct state_context ctx = context_of(w->e);

	return state_parse(&ctx, text, len, w->set, w->e->fib);
}

static int count(void *arg, const struct prefix *prefix, uint8_t rank, uint64_t since_ns)
{
	size_t *n = arg;

	(void)prefix, (void)rank, (void)since_ns;
	++*n;
	return 0;
}

static size_t degraded(const struct world *w)
{
	size_t n = 0;

	assert_int_equal(fib_degraded_each(w->e->fib, count, &n), 0);
	return n;
}

/* All that a user sees of an incident, but flows: they are found again by the scan. */
static void assert_same(const struct incident *a, const struct incident *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->open, b->open);
	assert_int_equal(a->verdict, b->verdict);
	assert_int_equal(a->cause, b->cause);
	assert_int_equal(a->side, b->side);
	assert_int_equal(a->severity, b->severity);
	assert_int_equal(a->confirmed, b->confirmed);
	assert_true(prefix_equal(&a->src, &b->src) && prefix_equal(&a->dst, &b->dst));
	assert_int_equal(a->forward_path, b->forward_path);
	assert_int_equal(a->reverse_path, b->reverse_path);
	assert_int_equal(a->has_moved, b->has_moved);
	assert_int_equal(a->prefixes_moved, b->prefixes_moved);
	assert_int_equal(a->prefixes_lost, b->prefixes_lost);
	assert_int_equal(a->duration_ms, b->duration_ms);
	assert_true(a->first_wall == b->first_wall && a->last_wall == b->last_wall);
	assert_string_equal(a->message, b->message);
	assert_string_equal(a->fix, b->fix);
	assert_int_equal(a->life.acked, b->life.acked);
	if (a->life.acked)
		assert_int_equal(a->life.acked_severity, b->life.acked_severity);
	assert_int_equal(a->life.told, b->life.told);
	assert_int_equal(a->life.told_severity, b->life.told_severity);
	assert_int_equal(a->life.told_cause, b->life.told_cause);
}

static void test_round_trip(void **state)
{
	struct world *w = *state, *again;
	struct edge *old = w->e;
	char *text, *text2;

	fill(w);
	text = print(w);
	world_new((void **)&again);
	again->e->ctx.now = old->ctx.now;
	again->e->ctx.wall = old->ctx.wall;
	assert_int_equal(parse(again, text, strlen(text)), 0);
	assert_int_equal(incidents_open(again->set), 2);
	for (size_t i = 0; i < 3; i++) {
		const struct incident *a = incidents_get(w->set, i);
		const struct incident *b = incidents_get(again->set, i);

		assert_same(a, b);
		assert_true(a->opened_ns == b->opened_ns && a->had_flow_ns == b->had_flow_ns);
		assert_true(a->life.told_ns == b->life.told_ns);
		assert_int_equal(a->life.silenced, b->life.silenced);
	}
	assert_null(incidents_get(again->set, 3));
	assert_int_equal(degraded(again), 2);
	/* Times are walls: a moment later the file says the same, but for the flows. */
	edge_wait(again->e, 100 * S);
	text2 = print(again);
	assert_non_null(strstr(text2, "\"forward_path\": \"er1-primary\""));
	assert_non_null(strstr(text2, "\"first_seen\": \"2026-"));
	assert_string_equal(strstr(text, "\"degraded\""), strstr(text2, "\"degraded\""));
	assert_true(incidents_get(again->set, 1)->life.acked);
	assert_int_equal(incidents_get(again->set, 2)->life.told, TOLD_OPEN);
	assert_int_equal(incidents_silence_get(again->set, 0)->until_ns,
			 incidents_silence_get(w->set, 0)->until_ns);
	assert_null(incidents_silence_get(again->set, 1));
	free(text);
	free(text2);
	world_free((void **)&again);
}

/* A reboot: the clock starts anew, and an open incident without flows closes soon. */
static void test_over_a_reboot(void **state)
{
	struct world *w = *state, *again;
	char *text;

	fill(w);
	text = print(w);
	world_new((void **)&again);
	again->e->ctx.now = 31 * S;
	again->e->ctx.wall = w->e->ctx.wall + 300 * S;
	again->e->cfg.grace_ns = 30 * S;
	assert_int_equal(parse(again, text, strlen(text)), 0);
	assert_int_equal(incidents_open(again->set), 2);
	assert_same(incidents_get(w->set, 1), incidents_get(again->set, 1));
	incidents_scan_begin(again->set);
	incidents_scan_end(again->set, &again->e->ctx);
	assert_int_equal(incidents_open(again->set), 0);
	assert_int_equal(degraded(again), 2);
	free(text);
	world_free((void **)&again);
}

static void assert_refused(struct world *w, const char *text, size_t len)
{
	assert_int_equal(parse(w, text, len), -EBADMSG);
	assert_null(incidents_get(w->set, 0));
	assert_int_equal(degraded(w), 0);
}

/* Cut anywhere, it restores nothing. */
static void test_truncated(void **state)
{
	struct world *w = *state, *again;
	char *text;
	size_t len;

	fill(w);
	text = print(w);
	len = strlen(text);
	world_new((void **)&again);
	for (size_t cut = 0; cut < len; cut++)
		assert_refused(again, text, cut);
	free(text);
	world_free((void **)&again);
}

/* Each field, made wrong in a text that is good JSON. */
static void test_wrong_fields(void **state)
{
	static const struct {
		const char *from, *to;
	} cases[] = {
		{"\"version\": 1", "\"version\": 2"},
		{"\"id\": 2", "\"id\": 1"},
		{"\"id\": 2", "\"id\":-2"},
		{"\"state\": \"open\"", "\"state\": \"ajar\""},
		{"\"verdict\": \"failover\"", "\"verdict\": \"xailover\""},
		{"\"verdict\": \"failover\"", "\"verdict\": \"ok\""},
		{"\"cause\": \"link-down\"", "\"cause\": \"link-dawn\""},
		{"\"side\": \"azure\"", "\"side\": \"azul\""},
		{"\"severity\": \"notice\"", "\"severity\": 4"},
		{"10.10.30.0/24", "10.10.30.1/24"},
		{"10.10.30.0/24", "10.10.30.0/99"},
		{"\"prefixes_moved\": 3", "\"prefixes_moved\": null"},
		{"\"duration_ms\": 8", "\"duration_ms\": \"8\""},
		{"\"first_seen\": \"2026-", "\"first_seen\": \"2026 "},
		{"\"last_seen\": \"2026-1", "\"last_seen\": \"2026-7"},
		{"\"since\": \"2026-", "\"since\": \"1026-"},
		{"\"class\": \"expressroute\"", "\"class\": \"expresso\""},
		{"\"confirmed\": false", "\"confirmed\": 0"},
		{"\"message\"", "\"massage\""},
		{"\"degraded\"", "\"upgraded\""},
		{"\"acked\": \"notice\"", "\"acked\": \"never\""},
		{"\"cause\": \"bgp-down\"", "\"cause\": \"bgp-dawn\""},
		{"\"at\": \"2026-", "\"at\": \"1026-"},
		{"\"failed\": [", "\"failed\": {}, \"x\": ["},
		{"\"silenced\": true", "\"silenced\": 1"},
		{"\"told\": \"open\"", "\"told\": \"ajar\""},
		{"\"told_at\": \"2026-", "\"told_at\": \"1026-"},
		{"\"told_cause\": \"unknown\"", "\"told_cause\": \"x\""},
		{"\"until\": \"2026-", "\"until\": \"1026-"},
	};
	struct world *w = *state, *again;
	char *text;

	fill(w);
	text = print(w);
	world_new((void **)&again);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *at = strstr(text, cases[i].from), *bad;
		size_t size = strlen(text) + 32;

		if (!at)
			fail_msg("the text has no %s", cases[i].from);
		bad = malloc(size);
		assert_non_null(bad);
		snprintf(bad, size, "%.*s%s%s", (int)(at - text), text, cases[i].to,
			 at + strlen(cases[i].from));
		assert_refused(again, bad, strlen(bad));
		free(bad);
	}
	assert_int_equal(parse(again, text, strlen(text)), 0);
	free(text);
	world_free((void **)&again);
}

/* One byte changed anywhere: restored whole or not at all, and never a crash. */
static void test_flipped_bytes(void **state)
{
	const char *env = getenv("SEED");
	unsigned int seed = env ? (unsigned int)strtoul(env, NULL, 0) : 20261123;
	struct world *w = *state;
	char *text;
	size_t len;

	print_message("SEED=%u\n", seed);
	fill(w);
	text = print(w);
	len = strlen(text);
	for (int i = 0; i < 500; i++) {
		size_t at = (size_t)rand_r(&seed) % len;
		char was = text[at];
		struct world *again;
		int err;

		world_new((void **)&again);
		text[at] = (char)rand_r(&seed);
		err = parse(again, text, len);
		text[at] = was;
		if (err)
			assert_int_equal(err, -EBADMSG);
		assert_int_equal(!!incidents_get(again->set, 2), !err);
		if (err)
			assert_null(incidents_get(again->set, 0));
		world_free((void **)&again);
	}
	free(text);
}

/* A file of an earlier version knows nothing of the hook: of closed ones nothing is owed. */
static void test_without_life(void **state)
{
	struct world *w = *state, *again;
	char *text, *at;

	fill(w);
	text = print(w);
	while ((at = strstr(text, "\"life\"")) || (at = strstr(text, "\"silences\"")) ||
	       (at = strstr(text, "\"failed\"")))
		at[2] = '-';
	world_new((void **)&again);
	again->e->ctx.now = w->e->ctx.now;
	again->e->ctx.wall = w->e->ctx.wall;
	assert_int_equal(parse(again, text, strlen(text)), 0);
	assert_int_equal(incidents_get(again->set, 0)->life.told, TOLD_ALL);
	assert_int_equal(incidents_get(again->set, 1)->life.told, TOLD_NOTHING);
	assert_false(incidents_get(again->set, 1)->life.silenced);
	assert_null(incidents_silence_get(again->set, 0));
	free(text);
	world_free((void **)&again);
}

/* The config changed meanwhile: a path that is gone is not known, its class's prefixes are left. */
static void test_config_changed(void **state)
{
	struct world *w = *state, *again;
	char *text;

	fill(w);
	text = print(w);
	world_new((void **)&again);
	snprintf(again->e->paths[1].name, SW_NAME_LEN, "vpn31");
	again->e->cfg.prefer[0] = SW_CLASS_VPN;
	again->e->cfg.n_prefer = 1;
	assert_int_equal(parse(again, text, strlen(text)), 0);
	assert_int_equal(incidents_get(again->set, 1)->forward_path, ER1);
	assert_int_equal(incidents_get(again->set, 1)->reverse_path, -1);
	assert_int_equal(degraded(again), 0);
	free(text);
	world_free((void **)&again);
}

static void test_empty(void **state)
{
	struct world *w = *state, *again;
	char *text = print(w);

	world_new((void **)&again);
	assert_int_equal(parse(again, text, strlen(text)), 0);
	assert_refused(again, "", 0);
	assert_refused(again, "[]", 2);
	assert_refused(again, "{}", 2);
	free(text);
	world_free((void **)&again);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_new, world_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_round_trip),	 TEST(test_over_a_reboot), TEST(test_truncated),
		TEST(test_wrong_fields), TEST(test_flipped_bytes), TEST(test_config_changed),
		TEST(test_without_life), TEST(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
