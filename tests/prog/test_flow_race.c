/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The flow table under fire: two CPUs send the same flows, both directions, in a table that is too
 * small, while user space removes flows. What a flow does is told by its inside port, so that any
 * record, and any event, can be held against it: outward all leave by er0; even ones come back by
 * er0 (ok), odd ones by vpn1 (asymmetric). SAMEWAY_LONG=1 for a minute.
 */
#include "flow_oracle.h"
#include "edge.h"
#include "race.skel.h"

#include <pthread.h>

#define BATCH	   8192	 /* packets of a system call */
#define FEW	   2048	 /* flows: room for all */
#define MANY	   65536 /* and there is room for a fourth of them */
#define PACKET_LEN 100
#define MISMATCHES 10
#define SLICE_NS   100000000ULL

/* What a thread does in turn. */
struct job {
	enum hook hook;
	enum device dev;
	bool inward;
	uint32_t parity; /* 2: all */
};

struct runner {
	pthread_t thread;
	int cpu, family;
	const struct job *jobs;
	size_t n_jobs;
	uint32_t span;		   /* flows */
	uint64_t until, window_ns; /* so long the same flows are sent */
	struct race *skel;
	uint64_t sent;
	uint64_t failed;
};

static struct race *race[2];
static unsigned int wrong; /* of events and records */
static uint64_t events_seen;
static volatile bool removing;
static uint64_t removed;
static size_t stuck, mended; /* what daemons left, and what was found of it */

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND_NS + (uint64_t)ts.tv_nsec;
}

static void job_set(struct race *skel, const struct job *job)
{
	bool xdp = job->hook == XDP;
	int fd = program_fd(job->hook);
	uint32_t zero = 0;

	if (bpf_map_update_elem(bpf_map__fd(xdp ? skel->maps.next_xdp : skel->maps.next_tc), &zero,
				&fd, BPF_ANY))
		abort();
	skel->bss->inward = job->inward;
	skel->bss->parity = job->parity;
}

static struct frame job_frame(const struct job *job, int family)
{
	struct packet p = {.src = family == 6 ? LAN_HOST6 : LAN_HOST,
			   .dst = family == 6 ? SPOKE6 : SPOKE,
			   .sport = 1,
			   .dport = 443,
			   .size = PACKET_LEN};

	return frame_at(job->dev,
			&(struct packet){job->inward ? p.dst : p.src, job->inward ? p.src : p.dst,
					 .sport = job->inward ? 443 : 1,
					 .dport = job->inward ? 1 : 443, .size = PACKET_LEN});
}

static void batch_run(struct runner *r, const struct job *job, struct frame *f, uint32_t window,
		      uint32_t batch)
{
	struct xdp_md xdp = {.data_end = (uint32_t)f->len,
			     .ingress_ifindex = edge.ifindex[job->dev]};
	struct __sk_buff skb = {.ifindex = edge.ifindex[job->dev]};
	bool is_xdp = job->hook == XDP;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->data, .data_size_in = (uint32_t)f->len,
		    .repeat = BATCH);

	opts.ctx_in = is_xdp ? (void *)&xdp : (void *)&skb;
	opts.ctx_size_in = is_xdp ? sizeof(xdp) : sizeof(skb);
	memcpy(r->skel->bss->macs, f->data, sizeof(r->skel->bss->macs));
	memcpy(&r->skel->bss->check, f->data + ETH_HLEN + CHECK_OFFSET, 2);
	r->skel->bss->base = window * r->span & 0xffff;
	r->skel->bss->mask = r->span - 1;
	/* the same flows in the same order on both CPUs */
	r->skel->bss->state = window * 2654435761U + batch * 40503U;
	r->skel->bss->step = (uint64_t)window << 32 | (uint64_t)batch * BATCH;
	job_set(r->skel, job);
	if (bpf_prog_test_run_opts(
		    bpf_program__fd(is_xdp ? r->skel->progs.race_xdp : r->skel->progs.race_tc),
		    &opts))
		r->failed++;
	else
		r->sent += BATCH;
}

static void *runner_main(void *arg)
{
	struct runner *r = arg;
	uint32_t window = UINT32_MAX, batch = 0;
	struct frame frames[4];
	uint64_t now;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(r->cpu, &cpus);
	pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	for (size_t i = 0; i < r->n_jobs; i++)
		frames[i] = job_frame(&r->jobs[i], r->family);
	while ((now = clock_ns()) < r->until) {
		uint32_t is = (uint32_t)(now / r->window_ns);

		batch = is == window ? batch + 1 : 0;
		window = is;
		batch_run(r, &r->jobs[batch % r->n_jobs], &frames[batch % r->n_jobs], window,
			  batch);
	}
	return NULL;
}

struct chosen {
	struct flow_ref *refs;
	size_t n, room;
};

static int flow_choose(void *arg, const struct sw_flow_key *key, const struct flow *flow)
{
	struct chosen *c = arg;

	if (c->n < c->room && random() % 2)
		c->refs[c->n++] = flow_ref(key, flow);
	return 0;
}

/* A daemon dies in the middle of removals: an entry stays BUSY, or a record is left nowhere. */
static size_t daemon_dies(struct flow_table *t)
{
	uint32_t units = (uint32_t)(flow_tables_now(&edge.tables) >> SW_LEASE_SHIFT);
	size_t left = 0;

	for (int i = 0; i < 200 && left < 20; i++) {
		__u64 *at = &t->index[(uint32_t)random() % t->lines].e[random() % SW_LINE_ENTRIES];
		uint64_t e = __atomic_load_n(at, __ATOMIC_ACQUIRE);
		uint32_t age = (units - (uint32_t)(e & SW_ENTRY_TIME)) & SW_ENTRY_TIME;

		if (!e || e & SW_ENTRY_BUSY || age < SW_LEASE_UNITS || age > 1000 ||
		    !__sync_bool_compare_and_swap(at, e, e | SW_ENTRY_BUSY))
			continue;
		left++;
		if (random() % 2)
			continue;
		row_of(t, SW_ENTRY_REC(e))->state.s.used = 0;
		__atomic_store_n(at, 0, __ATOMIC_RELEASE);
	}
	return left;
}

/* The next one mends it while packets flow; where it gives up, the one after it. */
static void daemon_adopts(struct flow_table *t)
{
	struct flow_repair repair;
	size_t left = daemon_dies(t);

	stuck += left;
	if (flow_tables_repair(&edge.tables, &repair))
		abort();
	mended += repair.busy + repair.lost;
}

/* A daemon that finds every flow idle whose lease is over. */
static void *remover_main(void *arg)
{
	struct flow_table *t = arg;
	struct chosen c = {.refs = calloc(t->max, sizeof(*c.refs)), .room = t->max};

	while (removing) {
		long n;

		c.n = 0;
		flow_table_each(t, flow_tables_now(&edge.tables), flow_choose, &c);
		n = flow_tables_remove(&edge.tables, c.refs, c.n);
		if (n > 0)
			removed += (uint64_t)n;
		usleep(2000);
		if (random() % 16 == 0)
			daemon_adopts(t);
	}
	free(c.refs);
	return NULL;
}

/* The port of the inside host; the other's is 443. */
static uint16_t inside_port(const struct sw_flow_key *key)
{
	return ntohs(ntohs(key->lo_port) == 443 ? key->hi_port : key->lo_port);
}

/* Whether such a flow can be so. */
static bool truth(const struct sw_flow_key *key, const struct sw_flow_state *s)
{
	bool odd = inside_port(key) & 1, both;

	if ((s->out != ER0 && s->out != SW_NO_PATH) ||
	    (s->in != (odd ? VPN1 : ER0) && s->in != SW_NO_PATH))
		return false;
	both = s->out != SW_NO_PATH && s->in != SW_NO_PATH;
	return s->verdict == (!both ? SW_VERDICT_PENDING
			      : odd ? SW_VERDICT_ASYMMETRIC
				    : SW_VERDICT_OK);
}

static void wrong_say(const char *what, const struct sw_flow_key *key,
		      const struct sw_flow_state *s)
{
	if (wrong++ < MISMATCHES)
		print_error("%s of port %u: out %u, in %u, %s\n", what, inside_port(key), s->out,
			    s->in, verdict_text(s->verdict));
}

static int on_event(void *arg, void *data, size_t len)
{
	const struct sw_event *ev = data;
	(void)arg;
	(void)len;

	events_seen++;
	if (!truth(&ev->key, &ev->state))
		wrong_say("event", &ev->key, &ev->state);
	return 0;
}

struct sums {
	uint64_t packets[2]; /* out, in */
	bool exact;	     /* each direction came by one CPU */
	uint32_t len;
};

static int record_check(void *arg, const struct sw_flow_key *key, const struct flow *flow)
{
	struct sums *sums = arg;

	sums->packets[0] += flow->out_packets;
	sums->packets[1] += flow->in_packets;
	if (!truth(key, &flow->state) || (flow->state.out == SW_NO_PATH) != !flow->out_packets ||
	    (flow->state.in == SW_NO_PATH) != !flow->in_packets)
		wrong_say("record", key, &flow->state);
	if (sums->exact && (flow->out_bytes != flow->out_packets * sums->len ||
			    flow->in_bytes != flow->in_packets * sums->len))
		wrong_say("record with wrong bytes", key, &flow->state);
	return 0;
}

struct round {
	const char *what;
	int family;
	const struct job *jobs[2];
	size_t n_jobs[2];
	bool small; /* a table that is too small, and a remover; else nothing is pushed out */
	bool exact;
	bool crowded;
};

static const struct job outward[] = {{XDP, LAN0, false, 2}, {TC_OUT, ER0, false, 2}};
static const struct job inward[] = {{TC_IN, ER0, true, 0}, {TC_IN, VPN1, true, 1}};
static const struct job inward_xdp[] = {{XDP, ER0, true, 0}, {XDP, VPN1, true, 1}};
static const struct job mixed[] = {{XDP, LAN0, false, 2},
				   {XDP, ER0, true, 0},
				   {TC_OUT, ER0, false, 2},
				   {TC_IN, VPN1, true, 1}};
static const struct job mixed_too[] = {
	{TC_IN, VPN1, true, 1}, {XDP, LAN0, false, 2}, {XDP, ER0, true, 0}};

static const struct round rounds[] = {
	{"IPv4, room for all", 4, {outward, inward}, {2, 2}, false, true, false},
	{"IPv6, room for all", 6, {outward, inward_xdp}, {2, 2}, false, true, false},
	{"IPv4, too small", 4, {outward, inward}, {2, 2}, true, true, false},
	{"IPv6, too small", 6, {outward, inward_xdp}, {2, 2}, true, true, false},
	{"IPv4, each direction by both CPUs", 4, {mixed, mixed_too}, {4, 3}, true, false, true},
	{"IPv4, the same by both CPUs", 4, {mixed, mixed}, {4, 4}, true, false, true},
};

/*
 * The map is as big as it is; its table may be taken for a smaller one, and an index, too. crowded:
 * with half as many entries as usual, so that lines are full before the table is.
 */
static void table_size(struct flow_table *t, uint32_t max, bool crowded)
{
	flows_clear();
	t->state->max = t->max = max;
	t->lines = flow_table_lines(crowded ? max / 2 : max);
	t->state->lines = t->lines - 1;
}

/* Some time of it; then, at rest, all must be right. */
static void slice_run(struct runner r[2], struct flow_table *t, struct ring_buffer *ring,
		      bool small, struct sums *sums)
{
	uint64_t until = clock_ns() + SLICE_NS;
	pthread_t remover;

	removing = small;
	if (small)
		assert_int_equal(pthread_create(&remover, NULL, remover_main, t), 0);
	for (int i = 0; i < 2; i++) {
		r[i].until = until;
		assert_int_equal(pthread_create(&r[i].thread, NULL, runner_main, &r[i]), 0);
	}
	while (clock_ns() < until) {
		ring_buffer__consume(ring);
		usleep(1000);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(r[i].thread, NULL);
	removing = false;
	if (small) {
		struct flow_repair repair;

		pthread_join(remover, NULL);
		assert_int_equal(flow_tables_repair(&edge.tables, &repair), 0);
		mended += repair.busy + repair.lost;
		CHECK(!repair.given_up, "given up with nothing running");
	}
	ring_buffer__consume(ring);
	sums->packets[0] = sums->packets[1] = 0;
	flow_table_each(t, clock_ns(), record_check, sums);
	CHECK(!table_check(t), "the table is not whole");
}

static void round_check(const struct round *round, const struct runner r[2],
			const struct sums *sums)
{
	uint64_t sent = r[0].sent + r[1].sent, recorded = sums->packets[0] + sums->packets[1];
	struct sw_health h = health();

	print_message("%s: %" PRIu64 " packets, evicted %llu, removed %" PRIu64
		      " (%zu left, %zu mended), no room %llu, busy %llu, events %" PRIu64 "\n",
		      round->what, sent, h.flows_evicted, removed, stuck, mended, h.flows_full,
		      h.flows_busy, events_seen);
	CHECK(stuck == mended, "%zu left by daemons, %zu mended", stuck, mended);
	CHECK(!r[0].failed && !r[1].failed, "test runs failed");
	/* with a small table the remover may be quicker than a flow's other direction */
	CHECK(sent && (events_seen || round->small), "nothing was sent, or nothing told");
	CHECK(!wrong, "%u records and events are not what their flows did", wrong);
	if (round->small) {
		CHECK(h.flows_evicted && removed, "nothing was pushed out, or removed");
		CHECK(recorded <= sent, "more than was sent");
	} else {
		CHECK(!h.flows_evicted && !h.flows_full, "there was room for all");
		CHECK(recorded + h.flows_busy == sent, "%" PRIu64 " packets recorded, %llu not",
		      recorded, h.flows_busy);
	}
}

static void round_run(const struct round *round, uint64_t ns)
{
	struct flow_table *t = &edge.tables.t[round->family == 6];
	struct ring_buffer *ring = ring_buffer__new(map_fd("events"), on_event, NULL, NULL);
	struct sums sums = {.exact = round->exact, .len = PACKET_LEN};
	uint32_t max = t->max;
	struct runner r[2];

	edge.what = round->what;
	edge_reset();
	table_size(t, round->small ? MANY / 4 : max, round->crowded);
	wrong = 0;
	removed = events_seen = stuck = mended = 0;
	for (int i = 0; i < 2; i++)
		r[i] = (struct runner){.cpu = i % edge.cpus,
				       .family = round->family,
				       .jobs = round->jobs[i],
				       .n_jobs = round->n_jobs[i],
				       .span = round->small ? MANY : FEW,
				       .window_ns = ns / 4,
				       .skel = race[i]};
	/* longer where a busy machine let the two CPUs not meet */
	for (uint64_t done = 0; done < ns || (!round->small && !events_seen && done < 20 * ns);
	     done += SLICE_NS)
		slice_run(r, t, ring, round->small, &sums);
	round_check(round, r, &sums);
	ring_buffer__free(ring);
	table_size(t, max, false);
}

static void test_race(void **state)
{
	uint64_t ns = test_long() ? 12 * SECOND_NS : SECOND_NS;
	unsigned int failures = 0;
	(void)state;

	for (size_t i = 0; i < sizeof(rounds) / sizeof(rounds[0]); i++) {
		round_run(&rounds[i], ns);
		failures += edge.failures;
	}
	assert_int_equal(failures, 0);
}

static int race_setup(void **state)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	(void)state;

	srandom(test_seed());
	edge_open(65536);
	for (int i = 0; i < 2; i++) {
		race[i] = race__open();
		if (!race[i] ||
		    (i &&
		     bpf_map__reuse_fd(race[1]->maps.places, bpf_map__fd(race[0]->maps.places))) ||
		    race__load(race[i]))
			fail_msg("the programs that make the packets do not load");
		race[i]->bss->who = (uint32_t)i;
	}
	/* the clock is the kernel's timer's */
	return bpf_prog_test_run_opts(bpf_program__fd(edge.skel->progs.sw_start), &opts) ||
	       opts.retval;
}

static int race_teardown(void **state)
{
	for (int i = 0; i < 2; i++)
		race__destroy(race[i]);
	return edge_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_race),
	};

	return cmocka_run_group_tests(tests, race_setup, race_teardown);
}
