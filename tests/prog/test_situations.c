/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Thousands of random situations against the reading key of scenarios.md, told naively: candidates
 * (tiers, classes, what they had before), link states, the default route, flows of each protocol,
 * their packets by any path in either direction, spoofers, sides that are idle, and times between.
 * The truth keeps each flow's whole history of changes; the programs have a word for it.
 * SEED=n; SAMEWAY_LONG=1: a hundred times as many.
 */
#include "choice.h"
#include "flows.h"

#define FLOWS 12
#define UP    0 /* of idle[] */

struct truth {
	struct packet p;
	bool known;  /* it has a record */
	int out, in; /* path last seen, -1 */
	bool out_fresh, in_fresh;
	int answer; /* select's, -1: none */
	uint64_t created, first_change, last_change;
	unsigned int changes; /* of the row */
	int evidence;
	uint32_t note;
	bool no_syn, one_way;
	uint64_t spoofed; /* when, 0: never */
};

static struct truth flows[FLOWS];
static uint64_t now, group_changed, other_changed;
static struct sw_group *group, *other; /* the prefix's, the default route's (NULL: none) */
static bool idle[2];
static unsigned int compared, unsure, seen[SW_VERDICT_COUNT];

static unsigned int upto(unsigned int n)
{
	return (unsigned int)rand() % n;
}

/* Tiers as the compiler would give them: of one class each, the ranks not falling. */
static void group_make(struct sw_group *g)
{
	uint64_t left = BIT(LAN0) - 1;

	memset(g, 0, sizeof(*g));
	g->kind = SW_GROUP_ROUTE;
	g->degraded = upto(4) ? SW_NO_RANK : (uint8_t)upto(2);
	g->since_ns = now;
	for (uint8_t rank = 0; rank < 2; rank++)
		for (unsigned int n = upto(3); n; n--) {
			uint64_t tier = 0;

			for (int path = ER0; path < LAN0; path++)
				if (left >> path & 1 && edge.paths[path].rank == rank && upto(2))
					tier |= BIT(path);
			if (!tier)
				continue;
			left &= ~tier;
			g->rank[g->tiers] = rank;
			g->tier[g->tiers++] = tier;
			g->members |= tier;
		}
}

static void group_change(void)
{
	static int turn;
	enum group id = G_NEW + (turn = (turn + 1) % 100);

	group = &edge.groups[id];
	group_make(group);
	group_changed = now;
	fib_write("10.40.0.0", 16, id);
	edge.ctl->generation++;
}

static void default_change(void)
{
	static int turn;
	enum group id = G_NEW + 100 + (turn = (turn + 1) % 50);

	other = upto(2) ? &edge.groups[id] : NULL;
	edge.ctl->default4 = other ? id : 0;
	if (other) {
		group_make(other);
		other_changed = now;
	}
	edge.ctl->generation++;
}

static void path_toggle(void)
{
	unsigned int path = upto(LAN0);

	edge.usable->link ^= BIT(path);
	edge.paths[path].changed_ns = now;
	edge.ctl->generation++;
}

/* select, and since when it has that answer: the last change of what it looked at. */
struct now_given {
	struct answer a;
	uint64_t since;
	uint64_t since_other;
	bool by_other, degraded;
	uint8_t rank;
};

static uint64_t looked_at(const struct sw_group *g, int tier, uint64_t since)
{
	for (int t = 0; t < g->tiers && (tier < 0 || t <= tier); t++)
		for (int path = ER0; path < LAN0; path++)
			if (g->tier[t] >> path & 1 && edge.paths[path].changed_ns > since)
				since = edge.paths[path].changed_ns;
	return since;
}

static struct now_given given(void)
{
	struct now_given g = {.a = oracle(group, other, 4, 0)};
	const struct sw_group *from = group;
	struct answer own = oracle(group, NULL, 4, 0);

	g.by_other = g.a.tier >= 0 && other && (own.tier < 0 || own.last_resort);
	if (g.by_other)
		from = other;
	g.since = looked_at(group, g.by_other ? -1 : g.a.tier, group_changed);
	if (g.by_other)
		g.since_other = looked_at(other, g.a.tier, other_changed);
	if (g.a.tier >= 0) {
		g.rank = from->rank[g.a.tier];
		g.degraded = from->degraded < g.rank;
		for (int t = 0; t < g.a.tier; t++)
			g.degraded |= from->rank[t] < g.rank;
	}
	return g;
}

static void settle_from(struct truth *f, uint64_t t)
{
	if (!t || now - t >= GRACE_NS || t <= f->last_change)
		return;
	if (!f->last_change || now - f->last_change >= GRACE_NS) {
		f->first_change = t;
		f->changes = 0;
	}
	f->last_change = t;
	f->changes++;
}

static bool near(uint64_t a, uint64_t b, uint64_t within)
{
	return a > b ? a - b <= within : b - a <= within;
}

/* *sure: it is far enough from the edge of grace, and of three (in sixteenths, a change). */
static bool settling(const struct truth *f, bool *sure)
{
	uint64_t age = now - f->last_change, row = now - f->first_change;

	if (!f->last_change)
		return false;
	if (near(age, GRACE_NS, 5000000) ||
	    near(row, 3 * GRACE_NS, f->changes * (GRACE_NS / 16) + 5000000))
		*sure = false;
	return age < GRACE_NS && row < 3 * GRACE_NS;
}

static bool spoofed_lately(const struct truth *f, bool *sure)
{
	if (!f->spoofed)
		return false;
	if (near(now - f->spoofed, SW_SPOOF_HOLD_NS, 140000000))
		*sure = false;
	return now - f->spoofed < SW_SPOOF_HOLD_NS;
}

static void evidence(struct truth *f, const struct packet *p, int others, bool *sure)
{
	uint64_t age = now - f->created;

	if (f->last_change && now - f->last_change < age)
		age = now - f->last_change;
	if (near(age, SW_EVIDENCE_AGE_NS, 5000000))
		*sure = false;
	if (p->proto != IPPROTO_TCP || !(p->flags & TCP_ACK) || p->flags & TCP_RST ||
	    (f->out_fresh && f->in_fresh) || f->evidence == 3 || age <= SW_EVIDENCE_AGE_NS ||
	    spoofed_lately(f, sure))
		return;
	if (others < 0 && f->no_syn) {
		f->evidence = 3;
	} else if (!f->evidence || (int32_t)(p->ack - f->note) > 0) {
		f->note = p->ack;
		f->evidence++;
	}
}

/* Rows 6 to 9. */
static uint8_t both_ways(const struct truth *f, const struct now_given *g, bool settles)
{
	const struct sw_path *out = &edge.paths[f->out], *in = &edge.paths[f->in], *w = NULL;
	uint8_t worse = settles ? SW_VERDICT_TRANSITION : SW_VERDICT_ASYMMETRIC;

	if (g->a.tier >= 0)
		w = &edge.paths[__builtin_ctzll(g->a.members)];
	if (out->class == in->class && w && w->class == out->class && g->degraded)
		return SW_VERDICT_FAILOVER;
	if (out->class != in->class)
		return worse;
	if (w && w->rank < out->rank)
		return settles ? SW_VERDICT_TRANSITION : SW_VERDICT_POLICY_VIOLATION;
	if (f->out == f->in)
		return SW_VERDICT_OK;
	if (out->circuit == in->circuit)
		return edge.ctl->scope == SW_SCOPE_PATH ? worse : SW_VERDICT_BENIGN_ECMP;
	return edge.ctl->scope == SW_SCOPE_CLASS ? SW_VERDICT_INTER_CIRCUIT : worse;
}

/* What the packet makes of the flow, and its verdict. */
static uint8_t judge(struct truth *f, const struct packet *p, bool out, int path, bool *sure)
{
	struct now_given g = given();
	int *mine = out ? &f->out : &f->in, others = out ? f->in : f->out;
	bool first = !f->known, epoch = false, settles;

	if (first) {
		*f = (struct truth){.p = f->p, .known = true, .out = -1, .in = -1, .answer = -1};
		f->created = now;
		f->no_syn = p->proto == IPPROTO_TCP && p->flags == (TCP_SYN | TCP_ACK);
		mine = out ? &f->out : &f->in;
		others = -1;
	}
	evidence(f, p, others, sure);
	if (first ||
	    (g.a.tier < 0 ? f->answer >= 0 : f->answer < 0 || !(g.a.members >> f->answer & 1))) {
		settle_from(f, g.since);
		settle_from(f, g.since_other);
		epoch = !first;
	}
	if (*mine >= 0 && others >= 0 && edge.paths[*mine].class != edge.paths[path].class) {
		settle_from(f, now);
		epoch = true;
	}
	if (epoch) {
		f->out_fresh = f->in_fresh = false;
		f->evidence = 0;
		f->one_way = false;
	}
	*mine = path;
	*(out ? &f->out_fresh : &f->in_fresh) = true;
	if (g.a.tier < 0)
		f->answer = -1;
	else if (f->out >= 0 && g.a.members >> f->out & 1)
		f->answer = f->out;
	else
		f->answer = (int)oracle_member(g.a.members, choice_hash(p));
	settles = settling(f, sure);
	if (spoofed_lately(f, sure))
		return SW_VERDICT_LOOP_OR_SPOOF;
	if (f->out_fresh && f->in_fresh)
		return both_ways(f, &g, settles);
	if (f->out >= 0 && f->in >= 0 && settles)
		return SW_VERDICT_TRANSITION;
	if (f->evidence < 3)
		return SW_VERDICT_PENDING;
	if (!idle[f->out_fresh])
		f->one_way = true;
	return f->one_way ? SW_VERDICT_ONE_WAY : SW_VERDICT_BLIND;
}

/* The kernel's timer found packets of both directions just now, or long ago. */
static void sides_write(void)
{
	struct {
		uint64_t timer[2];
		struct sw_beat beat;
	} row = {.beat = {.tx_ns = now, .rx_ns = now}};
	uint32_t zero = 0;

	if (idle[0])
		row.beat.tx_ns = now > 10 * SW_SIDE_IDLE_NS ? now - 2 * SW_SIDE_IDLE_NS : 1;
	if (idle[1])
		row.beat.rx_ns = now > 10 * SW_SIDE_IDLE_NS ? now - 2 * SW_SIDE_IDLE_NS : 1;
	map_write("timers", &zero, &row);
}

static void random_flow(struct truth *f, unsigned int i)
{
	static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, PROTO_SCTP,
					 IPPROTO_ICMP};
	static char dst[FLOWS][20];
	static uint16_t port;

	snprintf(dst[i], sizeof(dst[i]), "10.40.1.%u", 1 + upto(250));
	*f = (struct truth){.p = {.src = LAN_HOST,
				  .dst = dst[i],
				  .proto = protos[upto(5)],
				  .sport = ++port,
				  .dport = 443}};
}

static void packet_of(struct truth *f)
{
	static const uint8_t flags[] = {TCP_ACK, TCP_ACK,	    TCP_ACK,
					TCP_SYN, TCP_SYN | TCP_ACK, TCP_RST | TCP_ACK};
	struct now_given g = given();
	bool out = upto(2), sure = true;
	int path = (int)upto(LAN0), old = out ? f->out : f->in;
	uint8_t want;

	if (g.a.tier >= 0 && upto(4) > 1)
		path = __builtin_ctzll(g.a.members);
	else if (f->known && old >= 0 && upto(3))
		path = old;
	f->p.flags = f->p.proto == IPPROTO_TCP ? flags[upto(6)] : 0;
	f->p.ack += upto(3) ? 0 : 100;
	if (!f->known && !out && !(group->members >> path & 1))
		return; /* not admitted: it has no route by that path */
	sides_write();
	(out ? send_out : send_in)(&f->p, (enum device)path);
	want = judge(f, &f->p, out, path, &sure);
	if (!sure) {
		unsure++;
		random_flow(f, (unsigned int)(f - flows)); /* the two may disagree from here on */
		return;
	}
	compared++;
	seen[want]++;
	if (getenv("DBG")) {
		struct flow fl;
		struct now_given h = given();
		flow_get(&f->p, &fl);
		fprintf(stderr,
			"%d: %s by %s now %.3f k: out %d in %d ans %d fresh %d v %s settle %.3f | "
			"o: out %d in %d ans %d fresh %d%d v %s chg %.3f first %.3f n %u tier %d "
			"mem %llx other %d since %.3f\n",
			(int)(f - flows), out ? "out" : "in", device_name[path], now / 1e9,
			fl.state.out, fl.state.in, fl.state.answer, fl.state.flags,
			verdict_text(fl.state.verdict), fl.settle_ns / 1e9, f->out, f->in,
			f->answer, f->out_fresh, f->in_fresh, verdict_text(want),
			f->last_change / 1e9, f->first_change / 1e9, f->changes, h.a.tier,
			(unsigned long long)h.a.members, h.by_other, h.since / 1e9);
	}
	CHECK(flow_state(&f->p).verdict == want, "%s %s by %s: %s, not %s", out ? "out" : "in",
	      f->p.dst, device_name[path], verdict_text(flow_state(&f->p).verdict),
	      verdict_text(want));
}

/* A packet of its inside host comes by a path. */
static void spoof(struct truth *f)
{
	if (!f->known)
		return;
	packet_run(TC_IN, ER0, &f->p);
	f->spoofed = now;
	f->evidence = 0;
	f->one_way = false;
	CHECK(flow_state(&f->p).verdict == SW_VERDICT_LOOP_OR_SPOOF, "spoofed: %s",
	      verdict_text(flow_state(&f->p).verdict));
}

static void time_passes(void)
{
	static const uint64_t steps[] = {SECOND_NS / 10, SECOND_NS / 4,	 2 * SECOND_NS,
					 9 * SECOND_NS,	 21 * SECOND_NS, 47 * SECOND_NS,
					 70 * SECOND_NS};

	now += steps[upto(7)] + upto(1000) * 1000;
	edge.clock_at = now;
}

static void step(void)
{
	unsigned int i = upto(FLOWS);

	switch (upto(48)) {
	case 0:
		group_change();
		break;
	case 1:
		default_change();
		break;
	case 2:
		path_toggle();
		break;
	case 3:
		edge.ctl->scope = upto(3) ? SW_SCOPE_CLASS : upto(3);
		edge.ctl->generation++;
		break;
	case 4:
		idle[upto(2)] ^= true;
		break;
	case 5:
		spoof(&flows[i]);
		break;
	case 6:
		random_flow(&flows[i], i);
		break;
	case 7:
	case 8:
	case 9:
		time_passes();
		break;
	default:
		packet_of(&flows[i]);
	}
}

/* One world after another: which class is preferred, a table of flows; then many steps in it. */
static void test_situations(void **state)
{
	unsigned int worlds = test_long() ? 2000 : 40;

	srand(test_seed());
	while (worlds-- && !edge.failures) {
		flows_start(state);
		now = now_ns();
		edge.clock_at = now;
		group_changed = other_changed = 0;
		idle[0] = idle[1] = false;
		other = NULL;
		if (upto(2))
			for (int path = ER0; path < LAN0; path++)
				edge.paths[path].rank = path < TUN;
		group_change();
		for (unsigned int i = 0; i < FLOWS; i++)
			random_flow(&flows[i], i);
		for (int i = 0; i < 1500 && !edge.failures; i++)
			step();
	}
	print_message("%u verdicts compared, %u at an edge of time; ", compared, unsure);
	for (unsigned int v = 0; v < SW_VERDICT_COUNT; v++) {
		print_message("%s %u%s", verdict_text((uint8_t)v), seen[v],
			      v + 1 < SW_VERDICT_COUNT ? ", " : "\n");
		if (v != SW_VERDICT_NO_ROUTE)
			assert_true(seen[v]); /* else it has shown nothing of that verdict */
	}
	assert_int_equal(edge.failures, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_situations)};

	return cmocka_run_group_tests(tests, edge_setup, edge_teardown);
}
