/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fast path (bpf/fast.h) is no second opinion: a story of random packets and changes is told
 * twice, with it and without (map `interfaces_fast` empty, so that all take the long way), and all
 * that can be seen is the same: what becomes of each frame, its bytes, the counters, the records.
 * And that it is taken at all, and only while it may be.
 */
#include "edge.h"
#include "flow_oracle.h"

#define STEPS	   4000
#define STEPS_LONG 200000
#define SUM_SEED   0xcbf29ce484222325ULL
#define MAGIC	   0x5eedf00dU
#define FLOW_PORTS 3

/* What one telling of the story came to. */
struct told {
	uint64_t *step; /* a sum each: what the frame became */
	struct sw_path_stats paths[LAN0];
	uint64_t reasons[DEVICES][REASON_WORDS];
	uint64_t records; /* sum over all flows */
	size_t redirected;
};

static uint64_t sum_add(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++)
		sum = (sum ^ p[i]) * 0x100000001b3ULL;
	return sum;
}

static void fast_off(void)
{
	struct sw_interface_fast none = {0};

	for (uint32_t row = 0; row < SW_FAST_INTERFACES; row++)
		map_write("interfaces_fast", &row, &none);
}

static const char *const outside4[] = {HUB,	 SPOKE, BRANCH, REMOTE, TWO,
				       VPN_HOST, ALL,	EXEMPT, OWN,	"10.99.0.1"};
static const char *const outside6[] = {HUB6, SPOKE6, BRANCH6, REMOTE6, VPN_HOST6, EXEMPT6};
static const char *const inside4[] = {LAN_HOST, FAR_HOST};
static const char *const inside6[] = {LAN_HOST6, FAR_HOST6};

#define PICK(list) list[(unsigned int)rand() % (sizeof(list) / sizeof(list[0]))]

/* One of not many flows, mostly as it should be. */
static struct packet random_packet(void)
{
	static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_TCP,  IPPROTO_UDP, IPPROTO_UDP,
					 PROTO_SCTP,  IPPROTO_ICMP, 47};
	static const uint8_t flags[] = {TCP_ACK, TCP_ACK,	    TCP_ACK,	       TCP_ACK,
					TCP_SYN, TCP_SYN | TCP_ACK, TCP_FIN | TCP_ACK, TCP_RST};
	bool v6 = rand() % 3 == 0;
	struct packet p = {.src = v6 ? PICK(inside6) : PICK(inside4),
			   .dst = v6 ? PICK(outside6) : PICK(outside4),
			   .proto = PICK(protos),
			   .sport = 1000 + rand() % FLOW_PORTS,
			   .dport = 443,
			   .flags = PICK(flags),
			   .ack = (uint32_t)rand()};

	if (p.proto == IPPROTO_ICMP && v6)
		p.proto = PROTO_ICMP6;
	switch (rand() % 24) {
	case 0:
		p.ttl = rand() % 2 ? 1 : TTL_ZERO;
		break;
	case 1:
		p.size = 1300 + rand() % 300;
		break;
	case 2:
		p.frag = rand() % 2 ? FRAG_FIRST : FRAG_LATER;
		break;
	case 3:
		p.options = v6 ? 0 : 8;
		p.ext = v6 ? "d" : NULL;
		break;
	case 4:
		p.ttl = 2;
		break;
	}
	return p;
}

static enum device random_ingress(const struct packet *p, bool inward)
{
	static const enum device paths[] = {ER0, ER0, ER1, ER2, TUN, VPN1};

	if (inward)
		return PICK(paths);
	if (rand() % 16 == 0)
		return LAN1;
	return !strcmp(p->src, FAR_HOST) || !strcmp(p->src, FAR_HOST6) ? LAN1 : LAN0;
}

/* Who sent what leaves: a host, this box, TC ingress by its mark, another mover. */
static void frame_sent(struct frame *f, enum device dev, bool leaves)
{
	if (!leaves)
		return;
	f->ingress = rand() % 3 ? edge.ifindex[rand() % 2 ? LAN0 : ER2] : 0;
	if (rand() % 2)
		return;
	f->cb[0] = MAGIC;
	f->cb[2] = edge.ifindex[rand() % 3 ? dev : VPN1];
}

/* Some are of several segments. */
static void frame_gso(struct frame *f, const struct packet *p)
{
	if (p->proto != IPPROTO_TCP || p->frag || rand() % 4)
		return;
	f->gso_segs = 1 + (uint32_t)rand() % 3;
	f->gso_size = rand() % 2 ? 4 : 1400;
}

/*
 * The frame as the kernel would show it: to XDP, where there is some, and what that passes to TC;
 * or to TC where it leaves.
 */
static uint64_t step_packet(struct told *told)
{
	struct packet p = random_packet();
	bool inward = rand() % 2, leaves = !inward && rand() % 3 == 0, xdp = rand() % 2;
	enum device dev = random_ingress(&p, inward || leaves);
	struct packet seen = inward ? packet_back(&p) : p;
	struct frame f = frame_at(dev, &seen);
	int spoil = rand() % 64, ret = XDP_PASS;
	uint64_t sum;

	if (spoil == 0 && dev != TUN)
		f.data[5] ^= 0x40;			  /* another host's MAC */
	else if (spoil == 1 && f.len > 2 * ETH_HLEN + 40) /* what TC's test run takes */
		f.len -= (size_t)rand() % ETH_HLEN;
	frame_sent(&f, dev, leaves);
	if (!xdp || leaves)
		frame_gso(&f, &p);
	if (dev != TUN && xdp && !leaves)
		ret = edge_run(XDP, dev, &f);
	told->redirected += ret == XDP_REDIRECT;
	sum = sum_add(SUM_SEED, &ret, sizeof(ret));
	if (ret == XDP_PASS) {
		ret = edge_run(leaves ? TC_OUT : TC_IN, dev, &f);
		told->redirected += ret == TC_REDIRECT;
		sum = sum_add(sum, &ret, sizeof(ret));
	}
	return sum_add(sum, f.data, f.len);
}

static void step_change(void)
{
	uint64_t all = BIT(DEVICES) - 1;
	enum device dev = (enum device)(rand() % LAN0);

	switch (rand() % 8) {
	case 0: /* the store alone: the generation has not followed yet */
		edge.usable->link ^= BIT(dev);
		return;
	case 1:
		edge.usable->peers4 = all & ~(uint64_t)(rand() % (int)BIT(LAN0));
		break;
	case 2:
		edge.usable->link = all;
		break;
	case 3:
		edge.paths[dev].mtu = rand() % 2 ? 1400 : 1500;
		return;
	case 4:
		edge.ctl->mode = rand() % 4 ? SW_MODE_ENFORCE : SW_MODE_MONITOR;
		break;
	case 5:
		fib_write("10.10.30.0", 24, rand() % 2 ? G_HUB : G_BRANCH);
		break;
	case 6:
		neighbor_write(LAN0, LAN_HOST, device_next_mac(rand() % 2 ? LAN0 : ER0));
		return;
	case 7:
		edge.ctl->forward = rand() % 8 ? SW_FORWARD_FAST : SW_FORWARD_KERNEL;
		break;
	}
	edge.ctl->generation++;
}

/* Sums do not depend on the order in which records lie. */
static uint64_t table_sum(const struct flow_table *t)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < t->max; i++) {
		struct sw_flow_key key;
		struct flow flow;
		uint64_t v[7];

		if (!row_decode(t, i, &key, &flow))
			continue;
		v[0] = flow.out_packets;
		v[1] = flow.out_bytes;
		v[2] = flow.in_packets;
		v[3] = flow.in_bytes;
		v[4] = (uint64_t)flow.state.verdict << 16 | flow.state.out << 8 | flow.state.in;
		v[5] = (uint64_t)flow.closing << 8 | flow.evidence;
		v[6] = flow.about;
		sum += sum_add(sum_add(SUM_SEED, v, sizeof(v)), &key, sizeof(key));
	}
	return sum;
}

static void tell(struct told *told, unsigned int seed, size_t steps, bool fast, bool magic)
{
	edge_reset();
	edge.ctl->event_rate = 0; /* they go to nobody here */
	edge.ctl->magic = magic ? MAGIC : 0;
	if (!fast)
		fast_off();
	srand(seed);
	for (size_t i = 0; i < steps; i++) {
		if (rand() % 16 == 0)
			step_change();
		told->step[i] = step_packet(told);
	}
	for (enum device dev = 0; dev < DEVICES; dev++) {
		if (dev < LAN0)
			told->paths[dev] = path_stats(device_slot(dev));
		percpu_sum("reasons", device_slot(dev), told->reasons[dev], REASON_WORDS);
	}
	told->records = table_sum(&edge.tables.t[0]) + table_sum(&edge.tables.t[1]);
}

static void same_story(bool magic)
{
	size_t steps = test_long() ? STEPS_LONG : STEPS;
	unsigned int seed = test_seed();
	struct told with = {.step = calloc(steps, 8)}, without = {.step = calloc(steps, 8)};

	assert_true(with.step && without.step);
	tell(&with, seed, steps, true, magic);
	tell(&without, seed, steps, false, magic);
	for (size_t i = 0; i < steps; i++) {
		if (with.step[i] != without.step[i])
			fail_msg("SEED=%u: step %zu differs", seed, i);
	}
	assert_memory_equal(with.paths, without.paths, sizeof(with.paths));
	assert_memory_equal(with.reasons, without.reasons, sizeof(with.reasons));
	assert_int_equal(with.records, without.records);
	assert_int_equal(with.redirected, without.redirected);
	assert_true(with.redirected > steps / 10);
	free(with.step);
	free(without.step);
}

/* Nothing is moved at TC egress. */
static void test_same_story(void **state)
{
	(void)state;
	same_story(false);
}

/* What leaves against select is moved there. */
static void test_same_story_moved(void **state)
{
	(void)state;
	same_story(true);
}

static void sent(const struct packet *p, enum device from, int want)
{
	CHECK(packet_run(XDP, from, p) == want, "%s to %s, not %d", p->src, p->dst, want);
}

/* Leaves by ER0, and came by `lan`. */
static void leave(enum device lan, const struct packet *p)
{
	struct frame f = frame_at(ER0, p);

	f.ingress = edge.ifindex[lan];
	edge_run(TC_OUT, ER0, &f);
}

/* The long way needs the hash of interfaces: what goes on without it has taken the fast path. */
static void test_taken(void **state)
{
	static const struct {
		const char *in, *out;
	} pairs[] = {{LAN_HOST, REMOTE}, {LAN_HOST6, REMOTE6}, {FAR_HOST, REMOTE}};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct packet out = {.src = pairs[i].in, .dst = pairs[i].out, .dport = 53};
		struct packet in = packet_back(&out);
		enum device lan = i == 2 ? LAN1 : LAN0;
		uint32_t ifindex[] = {edge.ifindex[lan], edge.ifindex[ER0]};

		edge_reset();
		edge.what = pairs[i].out;
		sent(&out, lan, XDP_REDIRECT);
		sent(&in, ER0, XDP_REDIRECT);
		for (int n = 0; n < 2; n++)
			bpf_map_delete_elem(map_fd("interfaces"), &ifindex[n]);
		sent(&out, lan, XDP_REDIRECT);
		sent(&in, ER0, XDP_REDIRECT);
		CHECK(packet_run(TC_IN, lan, &out) == TC_REDIRECT, "out by TC");
		CHECK(packet_run(TC_IN, ER0, &in) == TC_REDIRECT, "in by TC");
		leave(lan, &out);
		CHECK(path_stats(ER0).tx_packets == 3, "%llu left",
		      (unsigned long long)path_stats(ER0).tx_packets);
		/* one store, and it is not sent there any more */
		edge.usable->link &= ~BIT(ER0);
		sent(&out, lan, XDP_PASS);
		edge.usable->link |= BIT(ER0);
		sent(&out, lan, XDP_REDIRECT);
		edge.ctl->generation++; /* somebody has to look again */
		sent(&out, lan, XDP_PASS);
		edge.ctl->generation--;
		edge.ctl->mode = SW_MODE_MONITOR;
		sent(&out, lan, XDP_PASS);
		edge.ctl->mode = SW_MODE_ENFORCE;
		edge.paths[ER0].mtu = 30;
		sent(&out, lan, XDP_PASS);
	}
	assert_int_equal(edge.failures, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_same_story, edge_start),
		cmocka_unit_test_setup(test_same_story_moved, edge_start),
		cmocka_unit_test_setup(test_taken, edge_start),
	};

	return cmocka_run_group_tests(tests, edge_setup, edge_teardown);
}
