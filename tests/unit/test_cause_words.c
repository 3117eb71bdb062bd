/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whatever the facts: a flow's message names both prefixes and each path that was seen, a fix is
 * there, nothing is cut; and each cause that a flow's verdict can have comes about.
 */
#include "fixture_scene.h"

static unsigned int seed;

static unsigned int below(unsigned int n)
{
	return (unsigned int)rand_r(&seed) % n;
}

static void random_routes(struct scene *s)
{
	static const char *const prefix[] = {"10.10.30.0/24", "10.10.30.0/27", "10.0.0.0/8",
					     "0.0.0.0/0"};
	static const char *const home[] = {"10.2.30.0/25", "10.2.30.0/26", "10.2.0.0/16",
					   "10.2.30.10/32"};
	static const char *const path[] = {"er1-primary", "vpn30", "er2-primary"};
	const uint32_t *as[] = {AS(12076),
				AS(65515),
				AS(12076, 65021),
				AS(65021),
				AS(0),
				AS(12076, 12076, 12076, 12076, 12076, 12076, 12076, 12076, 12076)};

	if (below(2)) { /* both, and a daemon that says what it chose */
		local(s, prefix[0], path[0], 100 * below(3), as[below(6)]);
		local(s, prefix[0], path[1], 100, as[below(6)]);
		chosen(s, prefix[0], path[below(2)]);
		if (!below(3))
			local(s, prefix[1], path[1], 100, as[below(6)]);
	}
	if (below(2)) {
		remote_steady(s);
		remote(s, home[1 + below(3)], SW_CLASS_VPN, "", AS(65021));
	}
	for (unsigned int i = below(4); i; i--) {
		struct route r = route_of(VIEW_LOCAL, prefix[below(2) * below(4)], as[below(6)]);

		r.has_local_pref = below(2);
		r.local_pref = 100 * below(3);
		r.chosen = !below(4);
		r.source = (uint16_t)r.chosen;
		snprintf(r.path, sizeof(r.path), "%s", path[below(3)]);
		rib_announce(s->e->rib, 0, &r, s->e->ctx.now);
	}
	for (unsigned int i = below(4); i; i--) {
		struct route r = route_of(VIEW_REMOTE, home[below(4)], as[below(6)]);

		r.has_class = true;
		r.class = below(2) ? ER : SW_CLASS_VPN;
		r.second_hand = !below(3);
		snprintf(r.circuit, sizeof(r.circuit), "%s", below(2) ? "er1" : "er9");
		rib_announce(s->e->rib, 1, &r, s->e->ctx.now);
	}
}

static void random_state(struct scene *s)
{
	struct incident_context *ctx = &s->e->ctx;

	for (unsigned int i = 0; i < 3; i++) {
		struct incident_path_state *p = &ctx->path[s->e->ids[i]];

		if (!below(3))
			p->objections[below(WORD_FAILBACK + 1)] = 1;
		p->changed_ns = below(2) ? ctx->now - below(400) * S : 0;
		p->received_ns = below(2) ? ctx->now - below(400) * S : 0;
		p->limit_near = !below(6);
		p->dead = !below(6);
	}
	ctx->prefixes_moved = below(3);
	ctx->prefixes_lost = below(3);
	for (; ctx->lost.n < ctx->prefixes_lost && below(2); ctx->lost.n++)
		ctx->lost.v[ctx->lost.n] = prefix_of("2001:db8:1111:2222:3333:4444:5555:0/112");
	s->e->cfg.mode = below(2) ? SW_MODE_MONITOR : SW_MODE_ENFORCE;
	s->e->cfg.match = below(2) ? MATCH_CLASS_FIRST : MATCH_LONGEST_PREFIX;
	s->e->inside.stateful = below(2);
}

static uint8_t random_path(void)
{
	static const uint8_t path[] = {ER1, ER2, VPN, SW_NO_PATH};

	return path[below(4)];
}

static void random_kernel(struct cause_facts *f)
{
	struct cause_kernel *k = &f->kernel;

	if (!cause_asks_kernel(f) || below(2))
		return;
	k->asked = true;
	k->known = below(2);
	k->route = (struct kernel_route){.prefix = prefix_of("10.10.30.0/24"),
					 .learned = below(2),
					 .table = below(2) ? 77 : 0,
					 .marked = !below(4),
					 .own = below(2)};
	snprintf(k->route.interface, 16, "%s", below(2) ? "tun30" : "er0");
	snprintf(k->route.protocol, 16, "%s", below(2) ? "bird" : "zebra");
}

static void random_tell(struct scene *s)
{
	static const uint8_t verdict[] = {SW_VERDICT_ASYMMETRIC,   SW_VERDICT_POLICY_VIOLATION,
					  SW_VERDICT_FAILOVER,	   SW_VERDICT_ONE_WAY,
					  SW_VERDICT_ASYMMETRIC,   SW_VERDICT_INTER_CIRCUIT,
					  SW_VERDICT_LOOP_OR_SPOOF};
	struct sw_event ev =
		edge_hub_event(s->e, verdict[below(7)], 1, random_path(), random_path());
	struct cause_facts *f = &s->f;

	ev.state.flags = SW_FLOW_OUT_FRESH | SW_FLOW_IN_FRESH;
	ev.spoof_path = random_path();
	ev.about |= below(2) ? SW_FLOW_NO_SYN : SW_FLOW_LOOPS;
	cause_gather(&s->e->ctx, &ev, f);
	random_kernel(f);
	f->must_encrypt = !below(8);
	if (!below(3))
		f->silent = (struct cause_silent){1 + below(9), 1 + below(4), below(99) * S,
						  below(2), below(2)};
	cause_tell(f, &s->t);
}

/* Both prefixes, and each path that was seen, are named; the fix says something. */
static void assert_complete(const struct scene *s)
{
	const struct cause_facts *f = &s->f;
	char buf[PREFIX_STRLEN];

	message(s, prefix_format(&f->src, buf));
	message(s, prefix_format(&f->dst, buf));
	if (f->reverse.path >= 0)
		message(s, f->reverse.name);
	if (f->forward.path >= 0 && f->verdict != SW_VERDICT_LOOP_OR_SPOOF)
		message(s, f->forward.name);
	assert_true(strlen(s->t.fix) > 10);
	for (const char *text = s->t.message; text; text = text == s->t.message ? s->t.fix : NULL) {
		assert_true(strlen(text) < CAUSE_TEXT_LEN - 1); /* nothing is cut */
		assert_null(strchr(text, '\n'));
		assert_null(strstr(text, "(null)"));
		assert_null(strstr(text, ".;"));
		assert_null(strstr(text, "  "));
	}
	/* a cause of Azure's is never told of our side, nor the reverse */
	if (s->t.cause == CAUSE_LOCAL_PREF_MISSING || s->t.cause == CAUSE_VPN_MORE_SPECIFIC)
		assert_int_equal(s->t.side, SIDE_ONPREM);
	if (s->t.cause == CAUSE_AZURE_PREFERENCE || s->t.cause == CAUSE_NOT_ADVERTISED_ON_ER ||
	    s->t.cause == CAUSE_ONPREM_MORE_SPECIFIC)
		assert_int_equal(s->t.side, SIDE_AZURE);
}

static void test_always_words(void **state)
{
	const char *text = getenv("SEED");
	size_t causes[CAUSE_COUNT] = {0};

	(void)state;
	seed = text ? (unsigned int)strtoul(text, NULL, 0) : 20261127;
	print_message("SEED=%u\n", seed);
	for (int i = 0; i < 10000; i++) {
		struct scene *s;

		scene_new((void **)&s);
		random_routes(s);
		random_state(s);
		random_tell(s);
		assert_complete(s);
		causes[s->t.cause]++;
		scene_free((void **)&s);
	}
	/* the usual story is wide enough: each cause that a flow's verdict can have came */
	for (int c = 0; !text && c < CAUSE_COUNT; c++)
		if (!causes[c])
			fail_msg("no random situation had cause %s", cause_name((enum cause)c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_always_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
