// SPDX-License-Identifier: GPL-2.0-only
/*
 * `mss:` of paths: the MSS that a SYN offers is lowered to the least of its group's paths, at TC
 * ingress and TC egress; XDP leaves such SYNs to TC. A table of headers, a table of ways, then
 * random SYNs with random options against an oracle that knows no incremental checksum.
 */
#include "edge.h"

#define OPTIONS_MAX 40
#define DATA_BYTES  7 /* behind the header: an odd number, for the checksum */

struct syn {
	enum device by;
	struct packet packet;
	uint8_t options[OPTIONS_MAX];
	size_t n; /* bytes of them, a multiple of 4 */
};

/* The frame, with its TCP header at *tcp. */
static struct frame syn_frame(const struct syn *s, size_t *tcp)
{
	struct packet p = s->packet;
	size_t ip = packet_family(&p) == 6 ? 40 + 8 * (p.ext ? strlen(p.ext) : 0) : 20u + p.options;
	struct frame f;

	p.proto = IPPROTO_TCP;
	p.size = (uint16_t)(ip + 20 + s->n + DATA_BYTES);
	f = frame_at(s->by, &p);
	*tcp = f.l3 + ip;
	f.data[*tcp + 12] = (uint8_t)((5 + s->n / 4) << 4);
	memcpy(f.data + *tcp + 20, s->options, s->n);
	for (size_t i = 0; i < DATA_BYTES; i++)
		f.data[*tcp + 20 + s->n + i] = (uint8_t)(17 * i + 1);
	return f;
}

/* The whole sum of RFC 9293, 3.1, over pseudo header and segment: 0xffff where it is right. */
static uint16_t tcp_sum(const struct frame *f, size_t l3, size_t tcp)
{
	bool v6 = f->data[l3] >> 4 == 6;
	const uint8_t *address = f->data + l3 + (v6 ? 8 : 12);
	uint32_t sum = IPPROTO_TCP + (uint32_t)(f->len - tcp);

	for (size_t i = 0; i < (v6 ? 32 : 8); i += 2)
		sum += (uint32_t)(address[i] << 8 | address[i + 1]);
	for (size_t i = tcp; i < f->len; i++)
		sum += (uint32_t)f->data[i] << ((i - tcp) & 1 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void tcp_check(struct frame *f, size_t tcp)
{
	uint16_t sum;

	f->data[tcp + 16] = f->data[tcp + 17] = 0;
	sum = (uint16_t)~tcp_sum(f, f->l3, tcp);
	f->data[tcp + 16] = (uint8_t)(sum >> 8);
	f->data[tcp + 17] = (uint8_t)sum;
}

/* As a host reads the options: each MSS that is more than `limit` becomes it. Whether any did. */
static bool options_lower(uint8_t *opt, size_t n, uint32_t limit)
{
	bool lowered = false;

	for (size_t i = 0; limit && i < n && opt[i] != 0;) {
		size_t len = opt[i] == 1 ? 1 : i + 1 < n ? opt[i + 1] : 0;

		if (!len || (opt[i] != 1 && len < 2) || i + len > n)
			break;
		if (opt[i] == 2 && len == 4 && (opt[i + 2] << 8 | opt[i + 3]) > (int)limit) {
			opt[i + 2] = (uint8_t)(limit >> 8);
			opt[i + 3] = (uint8_t)limit;
			lowered = true;
		}
		i += len;
	}
	return lowered;
}

/* The segment as it was, but for the options, and the checksum right again. */
static void expect_segment(const struct frame *was, size_t tcp, const struct frame *is,
			   uint32_t limit, bool lowered)
{
	struct frame want = *was;
	size_t grown = is->len - was->len, at = tcp + grown;
	uint64_t counted = health().mss_clamped;

	CHECK(options_lower(want.data + tcp + 20, (want.data[tcp + 12] >> 4) * 4u - 20, limit) ==
		      lowered,
	      "the test's own count");
	CHECK(!memcmp(want.data + tcp, is->data + at, 16) &&
		      !memcmp(want.data + tcp + 18, is->data + at + 18, was->len - tcp - 18),
	      "the segment is not as it should be, limit %u", limit);
	CHECK(tcp_sum(is, was->l3 + grown, at) == 0xffff, "checksum %04x",
	      tcp_sum(is, was->l3 + grown, at));
	CHECK(counted == lowered, "counted %" PRIu64, counted);
}

/* At TC, or at XDP and, where that leaves it, at TC: as on a real interface. */
static int syn_run(enum hook hook, const struct syn *s, struct frame *f, uint32_t limit)
{
	struct frame was = *f;
	int ret = edge_run(hook, s->by, f);

	if (hook != XDP)
		return ret;
	if (limit)
		CHECK(ret == XDP_PASS && !memcmp(was.data, f->data, was.len) && !reasons_total(),
		      "XDP did not leave it to TC: %d", ret);
	return ret == XDP_PASS ? edge_run(TC_IN, s->by, f) : TC_REDIRECT;
}

static bool run_one(enum hook hook, const struct syn *s, uint32_t limit)
{
	size_t tcp;
	struct frame f = syn_frame(s, &tcp), was;
	bool lowered;

	tcp_check(&f, tcp);
	was = f;
	lowered = options_lower(f.data + tcp + 20, s->n, limit);
	f = was;
	syn_run(hook, s, &f, limit);
	expect_segment(&was, tcp, &f, limit, lowered);
	return lowered;
}

#define MSS(v) 2, 4, (v) >> 8, (v)&0xff
#define NOP    1
#define END    0
#define WSCALE 3, 3, 7
#define SACK   4, 2
#define STAMP  8, 10, 1, 2, 3, 4, 5, 6, 7, 8

static const struct {
	const char *what;
	size_t n;
	uint8_t options[OPTIONS_MAX];
	bool lowered; /* where the limit is 1300 */
} headers[] = {
	{"no option", 0, {0}, false},
	{"MSS alone", 4, {MSS(1460)}, true},
	{"one less than the limit", 4, {MSS(1299)}, false},
	{"the limit", 4, {MSS(1300)}, false},
	{"one more", 4, {MSS(1301)}, true},
	{"as Linux sends it", 20, {MSS(1460), SACK, STAMP, NOP, WSCALE}, true},
	{"at an odd place", 8, {NOP, MSS(1460), WSCALE}, true},
	{"the last", 16, {STAMP, NOP, NOP, MSS(9000)}, true},
	{"behind 36 others", 40, {[0 ... 35] = NOP, MSS(65535)}, true},
	{"nothing but filling", 40, {[0 ... 39] = NOP}, false},
	{"behind the end", 8, {END, 0, 0, 0, MSS(1460)}, false},
	{"behind one of length 0", 8, {5, 0, NOP, NOP, MSS(1460)}, false},
	{"behind one of length 1", 8, {5, 1, NOP, NOP, MSS(1460)}, false},
	{"behind one that is too long", 8, {5, 9, NOP, NOP, MSS(1460)}, false},
	{"behind an unknown one", 12, {254, 6, 2, 4, 5, 5, NOP, NOP, MSS(1460)}, true},
	{"a number in another option", 8, {254, 8, MSS(1460), NOP, NOP}, false},
	{"of a wrong length", 8, {2, 3, 5, NOP, 2, 4, 5}, false},
	{"cut off", 4, {NOP, NOP, NOP, 2}, false},
	{"its number cut off", 4, {NOP, 2, 4, 5}, false},
	{"twice", 8, {MSS(1460), MSS(1400)}, true},
	{"twice, one is small", 8, {MSS(500), MSS(1400)}, true},
};

static void test_headers(void **state)
{
	unsigned int failures = 0;

	(void)state;
	for (size_t i = 0; i < 3 * sizeof(headers) / sizeof(headers[0]); i++) {
		size_t row = i / 3;
		struct syn s = {.by = i % 3 == TC_OUT ? ER0 : LAN0,
				.packet = {.src = LAN_HOST, .dst = HUB, .flags = TCP_SYN},
				.n = headers[row].n};

		edge_reset();
		edge.what = headers[row].what;
		edge.ctl->clamped = BIT(TUN);
		edge.paths[TUN].mss = 1300;
		memcpy(s.options, headers[row].options, s.n);
		CHECK(run_one((enum hook)(i % 3), &s, 1300) == headers[row].lowered, "at %s",
		      hook_text[i % 3]);
		failures += edge.failures;
	}
	assert_int_equal(failures, 0);
}

static void vary_no_gateway(void)
{
	nexthop_write(ER0, 4, false);
	nexthop_write(ER1, 4, false);
}
static void vary_default(void)
{
	edge.ctl->default4 = G_TWO;
	edge.paths[ER2].mss = 1100;
	edge.ctl->clamped |= BIT(ER2);
}
static void vary_auto(void)
{
	edge.paths[TUN].mss = 65535;
}
static void vary_too_much(void)
{
	edge.paths[TUN].mss = 1390;
}
static void vary_moves(void)
{
	edge.ctl->magic = 5;
}

#define OUT4(d) .src = LAN_HOST, .dst = d, .flags = TCP_SYN
#define OUT6(d) .src = LAN_HOST6, .dst = d, .flags = TCP_SYN
#define IN4(s)	.src = s, .dst = LAN_HOST, .flags = TCP_SYN | TCP_ACK
#define IN6(s)	.src = s, .dst = LAN_HOST6, .flags = TCP_SYN | TCP_ACK

/* Only the tunnel (MTU 1400) has an `mss:`, of 1300, and a SYN offers 1460. */
static const struct {
	const char *what;
	enum device by;
	struct packet packet;
	uint32_t limit; /* 0: it stays */
	void (*vary)(void);
	bool egress; /* the packet leaves by `by` */
} ways[] = {
	{"out by another path of its group", LAN0, {OUT4(HUB)}, 1300, NULL, false},
	{"out by it", LAN0, {OUT4(BRANCH)}, 1300, NULL, false},
	{"failed over to it", LAN0, {OUT4(HUB)}, 1300, vary_er_down, false},
	{"a group without it", LAN0, {OUT4(REMOTE)}, 0, NULL, false},
	{"not a SYN", LAN0, {.src = LAN_HOST, .dst = HUB, .flags = TCP_ACK}, 0, NULL, false},
	{"the answer in, by another path", ER0, {IN4(HUB)}, 1300, NULL, false},
	{"the answer in, by it", TUN, {IN4(HUB)}, 1300, NULL, false},
	{"a SYN in", ER1, {.src = HUB, .dst = LAN_HOST, .flags = TCP_SYN}, 1300, NULL, false},
	{"in to the inside behind a gateway",
	 TUN,
	 {.src = BRANCH, .dst = FAR_HOST, .flags = TCP_SYN},
	 1300,
	 NULL,
	 false},
	{"IPv6 out", LAN0, {OUT6(HUB6)}, 1300, NULL, false},
	{"IPv6 in", ER0, {IN6(HUB6)}, 1300, NULL, false},
	{"IPv6 with other headers before", LAN0, {OUT6(HUB6), .ext = "rd"}, 1300, NULL, false},
	{"hop by hop: by the kernel", LAN0, {OUT6(HUB6), .ext = "h"}, 1300, NULL, false},
	{"IPv4 options: by the kernel", LAN0, {OUT4(HUB), .options = 8}, 1300, NULL, false},
	{"no neighbour: by the kernel", LAN0, {OUT4(HUB)}, 1300, vary_no_gateway, false},
	{"TTL 1: nobody's", LAN0, {OUT4(HUB), .ttl = 1}, 0, NULL, false},
	{"monitor", LAN0, {OUT4(HUB)}, 0, vary_monitor, false},
	{"past the deadline", LAN0, {OUT4(HUB)}, 0, vary_over, false},
	{"monitor, in", ER0, {IN4(HUB)}, 0, vary_monitor, false},
	{"the kernel forwards", LAN0, {OUT4(HUB)}, 1300, vary_kernel, false},
	{"the kernel forwards in", TUN, {IN4(HUB)}, 1300, vary_kernel, false},
	{"the default route's paths", LAN0, {OUT4(HUB)}, 1100, vary_default, false},
	{"auto", LAN0, {OUT4(HUB)}, 1360, vary_auto, false},
	{"auto, IPv6", LAN0, {OUT6(HUB6)}, 1340, vary_auto, false},
	{"more than fits the MTU", LAN0, {OUT4(HUB)}, 1360, vary_too_much, false},
	{"to an exempt address", LAN0, {OUT4(EXEMPT)}, 0, NULL, false},
	{"from an exempt address", TUN, {IN4(EXEMPT)}, 0, NULL, false},
	{"to this box", TUN, {.src = HUB, .dst = OWN, .flags = TCP_SYN}, 0, NULL, false},
	{"inside to inside", LAN0, {OUT4(FAR_HOST)}, 0, NULL, false},
	{"path to path: dropped",
	 ER0,
	 {.src = HUB, .dst = BRANCH, .flags = TCP_SYN},
	 0,
	 NULL,
	 false},
	/* what the kernel sends */
	{"of this box", ER0, {.src = OWN, .dst = HUB, .flags = TCP_SYN}, 1300, NULL, true},
	{"of this box, IPv6",
	 TUN,
	 {.src = OWN6, .dst = BRANCH6, .flags = TCP_SYN},
	 1300,
	 NULL,
	 true},
	{"forwarded by the kernel", TUN, {OUT4(HUB)}, 1300, NULL, true},
	{"moved to where it should be",
	 TUN,
	 {.src = OWN, .dst = HUB, .flags = TCP_SYN},
	 1300,
	 vary_moves,
	 true},
	{"in monitor mode", ER0, {.src = OWN, .dst = HUB, .flags = TCP_SYN}, 0, vary_monitor, true},
	{"of an exempt address", TUN, {.src = EXEMPT, .dst = HUB, .flags = TCP_SYN}, 0, NULL, true},
	{"of a group without it",
	 ER0,
	 {.src = OWN, .dst = REMOTE, .flags = TCP_SYN},
	 0,
	 NULL,
	 true},
};

static void test_ways(void **state)
{
	unsigned int failures = 0;

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(ways) / sizeof(ways[0]); i++) {
		size_t row = i / 2;
		enum hook hook = ways[row].egress ? TC_OUT : i % 2 ? XDP : TC_IN;
		struct syn s = {ways[row].by, ways[row].packet, {MSS(1460)}, 4};

		if (hook == XDP && (s.by == TUN || ways[row].vary == vary_kernel))
			hook = TC_IN;
		edge_reset();
		edge.what = ways[row].what;
		edge.ctl->clamped = BIT(TUN);
		edge.paths[TUN].mss = 1300;
		if (ways[row].vary)
			ways[row].vary();
		CHECK(run_one(hook, &s, ways[row].limit) == !!ways[row].limit, "at %s",
		      hook_text[hook]);
		failures += edge.failures;
	}
	assert_int_equal(failures, 0);
}

static const struct {
	const char *far, *far6;
	enum group group;
} places[] = {{HUB, HUB6, G_HUB},	    {SPOKE, SPOKE6, G_SPOKE},
	      {BRANCH, BRANCH6, G_BRANCH},  {REMOTE, REMOTE6, G_REMOTE},
	      {VPN_HOST, VPN_HOST6, G_VPN}, {ALL, NULL, G_ALL}};

static unsigned int below(unsigned int n)
{
	return (unsigned int)rand() % n;
}

static uint32_t limit_of(enum group group, bool v6)
{
	uint32_t least = 0;

	for (int id = 0; id < LAN0; id++) {
		uint32_t mss = edge.paths[id].mss;

		if (!mss || !(edge.groups[group].members >> id & 1))
			continue;
		if (mss > edge.paths[id].mtu - (v6 ? 60 : 40))
			mss = edge.paths[id].mtu - (v6 ? 60 : 40);
		if (!least || mss < least)
			least = mss;
	}
	return least;
}

static void random_options(struct syn *s)
{
	s->n = 4 * below(11);
	for (size_t i = 0; i < s->n; i++)
		s->options[i] = (uint8_t)(below(3) ? below(5) : below(256));
	/* most of the time there is a whole one, somewhere */
	for (unsigned int n = below(3); n && s->n; n--) {
		size_t at = below((unsigned int)s->n - 3);

		if (below(4))
			memset(s->options, 1, at);
		memcpy(s->options + at, (uint8_t[]){2, 4, (uint8_t)below(8), (uint8_t)below(256)},
		       4);
	}
}

static void random_edge(void)
{
	edge_reset();
	for (int id = 0; id < LAN0; id++) {
		edge.paths[id].mtu = 1280 + below(300);
		edge.paths[id].mss = (uint16_t)(below(2)   ? 0
						: below(4) ? 536 + below(1000)
							   : 65535);
		if (edge.paths[id].mss)
			edge.ctl->clamped |= BIT(id);
	}
	edge.ctl->mode = below(8) ? SW_MODE_ENFORCE : SW_MODE_MONITOR;
	edge.ctl->magic = below(2);
}

static void test_random(void **state)
{
	unsigned int seed = test_seed(), rounds = test_long() ? 200000 : 8000, lowered = 0;
	unsigned int failures = 0;

	(void)state;
	srand(seed);
	for (unsigned int n = 0; n < rounds && failures < 5; n++) {
		size_t at = below(sizeof(places) / sizeof(places[0]));
		bool v6 = places[at].far6 && below(2), out = below(2);
		const char *far = v6 ? places[at].far6 : places[at].far;
		const char *host = v6 ? LAN_HOST6 : LAN_HOST;
		enum hook hook = (enum hook)below(3);
		struct syn s = {.by = LAN0};
		uint32_t limit;
		bool syn = below(4);
		char what[40];

		random_edge();
		snprintf(what, sizeof(what), "round %u", n);
		edge.what = what;
		do
			s.by = (enum device)below(LAN0);
		while (!(edge.groups[places[at].group].members >> s.by & 1));
		if (hook == TC_OUT)
			out = true;
		else if (out)
			s.by = LAN0;
		if (hook == XDP && s.by == TUN)
			hook = TC_IN;
		s.packet = (struct packet){
			.src = out ? host : far,
			.dst = out ? far : host,
			.sport = (uint16_t)below(65536),
			.dport = (uint16_t)below(65536),
			.flags = (uint8_t)((syn ? TCP_SYN : 0) | (below(2) ? TCP_ACK : 0x40)),
			.ack = (uint32_t)rand()};
		if (v6 && !below(4))
			s.packet.ext = "d";
		random_options(&s);
		limit = syn && edge.ctl->mode == SW_MODE_ENFORCE ? limit_of(places[at].group, v6)
								 : 0;
		lowered += run_one(hook, &s, limit);
		failures += edge.failures;
	}
	print_message("%u of %u lowered\n", lowered, rounds);
	assert_int_equal(failures, 0);
	assert_true(lowered > rounds / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_headers, edge_start),
		cmocka_unit_test_setup(test_ways, edge_start),
		cmocka_unit_test_setup(test_random, edge_start),
	};

	return cmocka_run_group_tests(tests, edge_setup, edge_teardown);
}
