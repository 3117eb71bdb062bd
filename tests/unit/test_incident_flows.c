/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An incident's count of flows is right whatever events and scans come, lost ones among them:
 * random ones against a naive oracle, and more flows than are tracked.
 */
#include "fixture_incident.h"

/* More flows than are tracked: counted all the same, and right after each scan. */
static void test_more_flows_than_tracked(void **state)
{
	const uint32_t many = 65536 + 3000;
	struct world *w = *state;

	for (int round = 0; round < 3; round++) {
		uint32_t n = round == 2 ? 100 : many;

		incidents_scan_begin(w->set);
		for (uint32_t i = 0; i < n; i++) {
			struct sw_event ev =
				edge_hub_event(w->e, SW_VERDICT_INTER_CIRCUIT, 1, ER1, ER2);

			memcpy(ev.key.lo + 4, &i, sizeof(i));
			scan_flow(w, &ev);
		}
		incidents_scan_end(w->set, &w->e->ctx);
		assert_int_equal(incidents_get(w->set, 0)->flows, n);
	}
}

/* Random events and scans over 200 flows and three prefixes, counted naively beside it. */
enum { FLOWS = 200, PAIRS = 3 };

struct oracle {
	uint8_t verdict[FLOWS];
	int pair[FLOWS];
	bool there[FLOWS];
};

static struct sw_event oracle_event(const struct world *w, const struct oracle *o, int i)
{
	static const char *const dst[PAIRS] = {"10.10.30.4", "10.11.30.4", "10.17.30.4"};
	int in = o->verdict[i] == SW_VERDICT_INTER_CIRCUIT ? ER2 : VPN;

	return edge_event(w->e, o->verdict[i], "10.2.30.10", dst[o->pair[i]], (uint16_t)i, ER1, in);
}

static void oracle_check(const struct world *w, const struct oracle *o)
{
	const struct incident *inc;
	size_t in_flows = 0, all = 0;

	for (size_t k = 0; (inc = incidents_get(w->set, k)); k++) {
		size_t n = 0;

		for (int i = 0; inc->open && i < FLOWS; i++) {
			struct sw_event ev = oracle_event(w, o, i);
			struct ip_addr dst = {.family = 4};

			memcpy(dst.bytes, ev.about ? ev.key.lo : ev.key.hi, 4);
			n += o->there[i] && o->verdict[i] == inc->verdict &&
			     prefix_has(&inc->dst, &dst);
		}
		assert_int_equal(inc->flows, n);
		in_flows += n;
	}
	for (int i = 0; i < FLOWS; i++)
		all += o->there[i] && cause_opens(o->verdict[i]);
	assert_int_equal(in_flows, all);
}

static void oracle_scan(struct world *w, struct oracle *o)
{
	incidents_scan_begin(w->set);
	for (int i = 0; i < FLOWS; i++) {
		struct sw_event ev;

		if (!o->there[i])
			continue;
		ev = oracle_event(w, o, i);
		scan_flow(w, &ev);
	}
	incidents_scan_end(w->set, &w->e->ctx);
}

static void test_random_against_oracle(void **state)
{
	static const uint8_t verdicts[] = {SW_VERDICT_OK, SW_VERDICT_ASYMMETRIC,
					   SW_VERDICT_INTER_CIRCUIT, SW_VERDICT_TRANSITION,
					   SW_VERDICT_POLICY_VIOLATION};
	const char *env = getenv("SEED");
	unsigned int seed = env ? (unsigned int)strtoul(env, NULL, 0) : 20261123;
	struct world *w = *state;
	struct oracle o = {0};

	print_message("SEED=%u\n", seed);
	edge_route(w->e, "10.11.30.0/26", "er1-primary", 12076, 100);
	edge_route(w->e, "10.17.30.0/26", "er1-primary", 12076, 100);
	for (int i = 0; i < FLOWS; i++)
		o.pair[i] = i % PAIRS;
	for (int step = 0; step < 5000; step++) {
		int i = rand_r(&seed) % FLOWS, dice = rand_r(&seed) % 100;
		struct sw_event ev;

		edge_wait(w->e, (uint64_t)(rand_r(&seed) % 1000) * MS);
		o.verdict[i] = verdicts[(size_t)rand_r(&seed) % sizeof(verdicts)];
		o.there[i] = dice >= 10;
		ev = oracle_event(w, &o, i);
		if (dice >= 20) { /* else the event is lost, or the record gone */
			incidents_event(w->set, &w->e->ctx, &ev);
			if (dice % 5)
				continue;
		}
		oracle_scan(w, &o);
		oracle_check(w, &o);
	}
	assert_true(w->heard.n[INCIDENT_OPEN] - w->heard.n[INCIDENT_CLOSE] ==
		    incidents_open(w->set));
}

/*
 * A scan tells the cause once a key (cause_key()), events once a flow: random flows of many keys
 * give the same incidents by either.
 */
static struct sw_event random_event(const struct world *w, unsigned int *seed, uint16_t port)
{
	static const uint8_t verdicts[] = {SW_VERDICT_ASYMMETRIC,	SW_VERDICT_INTER_CIRCUIT,
					   SW_VERDICT_POLICY_VIOLATION, SW_VERDICT_ONE_WAY,
					   SW_VERDICT_LOOP_OR_SPOOF,	SW_VERDICT_OK};
	static const int paths[] = {ER1, ER2, VPN};
	static const char *const dst[] = {"10.10.30.4", "10.10.30.5", "10.11.30.4", "10.17.30.4"};
	static const char *const src[] = {"10.2.30.10", "10.2.30.11", "10.9.9.9"};
	struct sw_event ev = edge_event(w->e, verdicts[rand_r(seed) % 6], src[rand_r(seed) % 3],
					dst[rand_r(seed) % 4], port, paths[rand_r(seed) % 3],
					paths[rand_r(seed) % 3]);

	ev.state.answer = (uint8_t)paths[rand_r(seed) % 3];
	ev.state.flags = (uint8_t)(rand_r(seed) % 8);
	ev.ts_ns = 0; /* which scans do not know */
	return ev;
}

static void assert_same_incidents(const struct incidents *a, const struct incidents *b)
{
	size_t i = 0;

	for (; incidents_get(a, i) && incidents_get(b, i); i++) {
		const struct incident *x = incidents_get(a, i), *y = incidents_get(b, i);

		assert_int_equal(x->open, y->open);
		assert_int_equal(x->verdict, y->verdict);
		assert_int_equal(x->cause, y->cause);
		assert_int_equal(x->side, y->side);
		assert_int_equal(x->flows, y->flows);
		assert_true(prefix_equal(&x->src, &y->src) && prefix_equal(&x->dst, &y->dst));
	}
	assert_ptr_equal(incidents_get(a, i), incidents_get(b, i)); /* both at their end */
	assert_true(i > 5);
}

static void test_by_key_as_by_flow(void **state)
{
	const char *env = getenv("SEED");
	unsigned int seed = env ? (unsigned int)strtoul(env, NULL, 0) : 20261127;
	struct world *w = *state;
	struct incidents *by_event = incidents_new(NULL, NULL);

	print_message("SEED=%u\n", seed);
	for (int round = 0; round < 20; round++) {
		incidents_scan_begin(w->set);
		for (int i = 0; i < 500; i++) { /* each flow once: a scan skips those it knows */
			struct sw_event ev =
				random_event(w, &seed, (uint16_t)(round * 500 + i + 1));

			scan_flow(w, &ev);
			incidents_event(by_event, &w->e->ctx, &ev);
		}
		assert_same_incidents(w->set, by_event);
		edge_wait(w->e, 1 * S);
		edge_object(w->e, ER1, WORD_LINK, round % 2);
	}
	incidents_free(by_event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_more_flows_than_tracked),
		TEST(test_random_against_oracle),
		TEST(test_by_key_as_by_flow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
