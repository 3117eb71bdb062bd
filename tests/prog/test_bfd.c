/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * BFD as the kernel watches it: which control packets are heard and why others are not, what is
 * learned of ours as it leaves, detection times, and what the kernel's timer makes of it, against
 * an oracle that says it again in its own words.
 */
#include "clock.h"

#define GATEWAY	   "192.168.1.2" /* of er0 */
#define GATEWAY6   "fd99:1::2"
#define PEER	   "10.10.30.254" /* behind tun0 */
#define FAR_PEER   "10.99.0.1"	  /* a peer behind er0, over several hops */
#define LINK_LOCAL "fe80::2"
#define OWN_LL	   "fe80::1"

static struct sw_bfd *bfd;

/* A control packet, RFC 5880, 4.1; what is left 0 gets a usual value. */
struct control {
	int version;	 /* 0: 1; -1: 0 */
	uint8_t state;	 /* enum sw_bfd_state */
	uint8_t flags;	 /* the lower six bits */
	int mult, len;	 /* -1: 0 */
	int mine, yours; /* -1: 0 */
	uint32_t tx, rx; /* ms */
	uint8_t more;	 /* bytes behind it */
};

static int or_usual(int given, int usual)
{
	return given < 0 ? 0 : given ? given : usual;
}

static void put_word(uint8_t *at, uint32_t value)
{
	value = htonl(value);
	memcpy(at, &value, 4);
}

/* The packet as it is received by, or leaves by, the device. */
static struct frame control_frame(enum device dev, const struct packet *p, const struct control *c)
{
	bool six = packet_family(p) == 6;
	struct packet sized = *p;
	struct frame f;
	uint8_t *at;

	if (!sized.size)
		sized.size = (uint16_t)((six ? 40 : 20) + p->options + 8 + 24 + c->more);
	f = frame_at(dev, &sized);
	at = f.data + f.l3 + (six ? 40 : 20) + p->options + 8;
	at[0] = (uint8_t)(or_usual(c->version, 1) << 5);
	at[1] = (uint8_t)(c->state << 6 | c->flags);
	at[2] = (uint8_t)or_usual(c->mult, 3);
	at[3] = (uint8_t)or_usual(c->len, 24);
	put_word(at + 4, (uint32_t)or_usual(c->mine, 7));
	put_word(at + 8, (uint32_t)or_usual(c->yours, 9));
	put_word(at + 12, (c->tx ? c->tx : 300) * 1000);
	put_word(at + 16, (c->rx ? c->rx : 300) * 1000);
	put_word(at + 20, 0);
	return f;
}

static void session_set(enum device path, size_t i, const char *address)
{
	struct sw_bfd_session *s = &bfd[path].session[i];

	*s = (struct sw_bfd_session){.family = strchr(address, ':') ? 6 : 4};
	address_bytes(address, s->addr);
	edge.ctl->bfd |= BIT(path);
}

static int bfd_setup(void **state)
{
	int ret = edge_setup(state);

	bfd = map_mmap("bfd", SW_MAX_PATHS * sizeof(*bfd));
	return ret;
}

static int bfd_start(void **state)
{
	edge_start(state);
	map_clear("ports");
	memset(bfd, 0, SW_MAX_PATHS * sizeof(*bfd));
	session_set(ER0, 0, GATEWAY);
	session_set(ER0, 1, GATEWAY6);
	session_set(ER0, 2, FAR_PEER);
	session_set(ER0, 7, LINK_LOCAL);
	session_set(TUN, 0, PEER);
	bfd[ER0].session[0].gateway = bfd[ER0].session[1].gateway = 1;
	return 0;
}

enum heard { HEARD, MALFORMED, TTL, SOURCE, SESSION, UNASKED };

struct row {
	const char *what;
	enum heard heard;
	struct control c;
	const char *src, *dst;
	enum device dev; /* er0 */
	uint16_t port;
	int ttl;
	enum frag frag;
	size_t session;
	uint16_t size;
	uint16_t total; /* IPv4's total length, where it is not the true one */
	bool foreign;	/* for another's MAC */
};

static const struct row rows[] = {
	{.what = "up", HEARD, {.state = SW_BFD_UP}},
	{.what = "down, who does not know us", HEARD, {.state = SW_BFD_DOWN, .yours = -1}},
	{.what = "admin-down", HEARD, {.state = SW_BFD_ADMIN_DOWN, .yours = -1}},
	{.what = "init", HEARD, {.state = SW_BFD_INIT}},
	{.what = "IPv6", HEARD, {.state = SW_BFD_UP}, GATEWAY6, OWN6, .session = 1},
	{.what = "link-local", HEARD, {.state = SW_BFD_UP}, LINK_LOCAL, OWN_LL, .session = 7},
	{.what = "multihop",
	 HEARD,
	 {.state = SW_BFD_UP},
	 FAR_PEER,
	 OWN,
	 .port = 4784,
	 .ttl = 61,
	 .session = 2},
	{.what = "by a tunnel", HEARD, {.state = SW_BFD_UP}, PEER, OWN, TUN, 4784, 64},
	{.what = "authenticated", HEARD, {.state = SW_BFD_UP, .flags = 4, .len = 28, .more = 4}},
	{.what = "poll and final", HEARD, {.state = SW_BFD_UP, .flags = 0x30}},
	{.what = "Ethernet's padding behind it", HEARD, {.state = SW_BFD_UP, .more = 8}},
	{.what = "version 0", MALFORMED, {.version = -1, .state = SW_BFD_UP}},
	{.what = "version 2", MALFORMED, {.version = 2, .state = SW_BFD_UP}},
	{.what = "short", MALFORMED, {.state = SW_BFD_UP, .len = 23}},
	{.what = "longer than it is", MALFORMED, {.state = SW_BFD_UP, .len = 25}},
	{.what = "cut off", MALFORMED, {.state = SW_BFD_UP}, .size = 20 + 8 + 23},
	{.what = "no room for authentication", MALFORMED, {.state = SW_BFD_UP, .flags = 4}},
	{.what = "multiplier 0", MALFORMED, {.state = SW_BFD_UP, .mult = -1}},
	{.what = "multipoint", MALFORMED, {.state = SW_BFD_UP, .flags = 1}},
	{.what = "my discriminator 0", MALFORMED, {.state = SW_BFD_UP, .mine = -1}},
	{.what = "up, and does not know us", MALFORMED, {.state = SW_BFD_UP, .yours = -1}},
	{.what = "init, and does not know us", MALFORMED, {.state = SW_BFD_INIT, .yours = -1}},
	{.what = "forwarded once", TTL, {.state = SW_BFD_DOWN}, .ttl = 254},
	{.what = "IPv6, forwarded once", TTL, {.state = SW_BFD_DOWN}, GATEWAY6, OWN6, .ttl = 254},
	{.what = "a gateway by multihop", SESSION, {.state = SW_BFD_DOWN}, .port = 4784, .ttl = 61},
	{.what = "IPv6, a gateway by multihop",
	 SESSION,
	 {.state = SW_BFD_DOWN},
	 GATEWAY6,
	 OWN6,
	 .port = 4784},
	{.what = "a stranger", SOURCE, {.state = SW_BFD_DOWN}, "192.168.1.3", OWN},
	{.what = "another path's peer", SOURCE, {.state = SW_BFD_DOWN}, PEER, OWN, .port = 4784},
	{.what = "a stranger, IPv6", SOURCE, {.state = SW_BFD_DOWN}, "fd99:1::3", OWN6},
	{.what = "echo", UNASKED, {.state = SW_BFD_DOWN}, .port = 3785},
	{.what = "for a host inside", UNASKED, {.state = SW_BFD_DOWN}, GATEWAY, LAN_HOST},
	{.what = "for beyond a path", UNASKED, {.state = SW_BFD_DOWN}, GATEWAY, REMOTE},
	{.what = "by a path without bfd", UNASKED, {.state = SW_BFD_DOWN}, GATEWAY, OWN, ER1},
	{.what = "from inside", UNASKED, {.state = SW_BFD_DOWN}, GATEWAY, OWN, LAN0},
	{.what = "a fragment", UNASKED, {.state = SW_BFD_DOWN}, .frag = FRAG_FIRST},
	/* ports and BFD are Ethernet's padding: the kernel drops it */
	{.what = "all of it padding", UNASKED, {.state = SW_BFD_DOWN}, .total = 20},
	{.what = "UDP half in the padding", UNASKED, {.state = SW_BFD_DOWN}, .total = 27},
	{.what = "BFD in the padding", MALFORMED, {.state = SW_BFD_DOWN}, .total = 28},
	{.what = "BFD half in the padding", MALFORMED, {.state = SW_BFD_DOWN}, .total = 51},
	{.what = "longer than the frame", UNASKED, {.state = SW_BFD_DOWN}, .total = 53},
	{.what = "another's MAC", UNASKED, {.state = SW_BFD_DOWN}, .foreign = true},
	{.what = "another's MAC, IPv6",
	 UNASKED,
	 {.state = SW_BFD_DOWN},
	 GATEWAY6,
	 OWN6,
	 .foreign = true},
	{.what = "another's MAC, link-local",
	 UNASKED,
	 {.state = SW_BFD_DOWN},
	 LINK_LOCAL,
	 OWN_LL,
	 .foreign = true},
};

static struct packet packet_of(const struct row *r)
{
	return (struct packet){.src = r->src ? r->src : GATEWAY,
			       .dst = r->dst ? r->dst : OWN,
			       .sport = 50000,
			       .dport = r->port ? r->port : 3784,
			       .ttl = r->ttl ? r->ttl : 255,
			       .size = r->size,
			       .frag = r->frag};
}

/* IPv4's total length becomes another. */
static void total_set(struct frame *f, uint16_t total)
{
	f->data[f->l3 + 2] = (uint8_t)(total >> 8);
	f->data[f->l3 + 3] = (uint8_t)total;
}

static struct frame frame_of(const struct row *r)
{
	struct packet p = packet_of(r);
	struct frame f = control_frame(r->dev, &p, &r->c);

	if (r->total)
		total_set(&f, r->total);
	if (r->foreign)
		f.data[5] ^= 1;
	return f;
}

static void row_check(const struct row *r)
{
	const struct sw_bfd *b = &bfd[r->dev];
	const struct sw_bfd_session *s = &b->session[r->session];
	uint32_t mult = (uint32_t)or_usual(r->c.mult, 3);

	CHECK(s->heard == (r->heard == HEARD), "heard %" PRIu64, (uint64_t)s->heard);
	CHECK(b->refused.malformed == (r->heard == MALFORMED), "malformed");
	CHECK(b->refused.ttl == (r->heard == TTL), "ttl");
	CHECK(b->refused.source == (r->heard == SOURCE), "source");
	CHECK(b->refused.session == (r->heard == SESSION), "session");
	if (r->heard == HEARD)
		CHECK(s->said.s.state == r->c.state && s->said.s.mult == mult &&
			      s->said.s.tx_us == 300000,
		      "said state %u, %u x %u us", s->said.s.state, s->said.s.mult,
		      s->said.s.tx_us);
	for (size_t i = 0; i < SW_BFD_SESSIONS; i++)
		CHECK(i == r->session || !b->session[i].heard, "session %zu has heard it", i);
}

/* Which packets are heard, at TC alone; they go on to the kernel as they are. */
static void test_heard(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct frame f, was;
		int action;

		bfd_start(state);
		edge.what = rows[i].what;
		f = was = frame_of(&rows[i]);
		if (rows[i].dev != TUN) {
			edge_run(XDP, rows[i].dev, &f);
			CHECK(!bfd[rows[i].dev].session[rows[i].session].heard, "XDP heard it");
			f = was;
		}
		action = edge_run(TC_IN, rows[i].dev, &f);
		row_check(&rows[i]);
		if (rows[i].heard != UNASKED)
			CHECK(action == TC_UNSPEC && f.len == was.len &&
				      !memcmp(f.data, was.data, f.len),
			      "it did not go on as it was: action %d", action);
		assert_int_equal(edge.failures, 0);
	}
}

/* By the tags: er1 is VLAN 300 on er0's device. */
static void test_vlan(void **state)
{
	struct sw_port_key key = {.ifindex = edge.ifindex[ER0], .tags.vid = {300}};
	struct sw_port port = {.paths = BIT(ER1), .slot = ER1};
	struct sw_interface trunk = {
		.name = "er0", .role = SW_ROLE_PATH, .ports = 1, .tags = 1, .mtu = 1600};
	struct packet p = {
		.src = "192.168.2.2", .dst = OWN, .sport = 50000, .dport = 3784, .ttl = 255};
	struct control c = {.state = SW_BFD_UP};
	struct packet own = {
		.src = OWN, .dst = "192.168.2.2", .sport = 50000, .dport = 3784, .ttl = 255};
	struct frame f;

	(void)state;
	memcpy(port.mac, device_mac(ER0), 6);
	memcpy(trunk.mac, device_mac(ER0), 6);
	map_write("ports", &key, &port);
	map_write("interfaces", &edge.ifindex[ER0], &trunk);
	session_set(ER1, 2, "192.168.2.2");
	for (int i = 0; i < 2; i++) {
		f = control_frame(ER0, i ? &own : &p, &c);
		memmove(f.data + 16, f.data + 12, f.len - 12);
		memcpy(f.data + 12, (uint8_t[]){0x81, 0, 300 >> 8, 300 & 0xff}, 4);
		f.len += 4;
		assert_int_equal(edge_run(i ? TC_OUT : TC_IN, ER0, &f), TC_UNSPEC);
	}
	assert_int_equal(bfd[ER1].session[2].heard, 1);
	assert_int_equal(bfd[ER1].session[2].own.s.rx_us, 300000);
	assert_int_equal(bfd[ER0].session[0].heard, 0);
	assert_int_equal(bfd[ER0].refused.source, 0);
}

static void own_sends_to(uint16_t port, enum device dev, const char *src, const char *dst,
			 uint32_t ingress, const struct control *c)
{
	struct packet p = {.src = src, .dst = dst, .sport = 50000, .dport = port, .ttl = 255};
	struct control own = *c;
	struct frame f;

	own.mine = c->mine ? c->mine : 9; /* what the far side says is yours */
	own.yours = c->yours ? c->yours : 7;
	f = control_frame(dev, &p, &own);
	f.ingress = ingress;
	edge_run(TC_OUT, dev, &f);
}

static void own_sends(enum device dev, const char *src, const char *dst, uint32_t ingress,
		      const struct control *c)
{
	own_sends_to(3784, dev, src, dst, ingress, c);
}

/* What is learned of ours: of what this box sends, whatever interface it seems to have come by. */
static void test_own(void **state)
{
	const struct control c = {.state = SW_BFD_UP, .rx = 250};
	const struct sw_bfd_session *s = bfd[ER0].session;
	struct packet p = {.src = OWN, .dst = GATEWAY, .sport = 50000, .dport = 3784, .ttl = 255};
	struct frame f = control_frame(ER0, &p, &c);

	(void)state;
	total_set(&f, 20); /* what is behind it is padding */
	edge_run(TC_OUT, ER0, &f);
	own_sends(ER0, LAN_HOST, GATEWAY, edge.ifindex[LAN0], &c); /* forwarded */
	own_sends(ER0, HUB, GATEWAY, 0, &c);
	own_sends(ER0, OWN, "192.168.1.3", 0, &c);
	own_sends(ER1, OWN, GATEWAY, 0, &c);
	own_sends(ER0, OWN, GATEWAY, 0, &(struct control){.state = SW_BFD_UP, .mult = -1});
	assert_int_equal(s[0].own_state, 0);
	own_sends(ER0, OWN, GATEWAY, edge.ifindex[ER2], &c);
	assert_int_equal(s[0].own_state, SW_BFD_UP + 1);
	assert_int_equal(s[0].own.s.rx_us, 250000);
	own_sends(ER0, OWN6, GATEWAY6, 0, &c);
	assert_int_equal(s[1].own.s.rx_us, 250000);
	own_sends(ER0, OWN_LL, LINK_LOCAL, 0, &c);
	assert_int_equal(s[7].own.s.rx_us, 250000);
	own_sends(TUN, OWN, PEER, 0, &c);
	assert_int_equal(bfd[TUN].session[0].own.s.rx_us, 250000);
	assert_int_equal(s[0].heard, 0);
}

static void far_says_to(uint16_t port, enum device dev, const char *src, const char *dst,
			const struct control *c)
{
	struct packet p = {.src = src, .dst = dst, .sport = 50000, .dport = port, .ttl = 255};
	struct frame f = control_frame(dev, &p, c);

	edge_run(TC_IN, dev, &f);
}

static void far_says(enum device dev, const char *src, const char *dst, const struct control *c)
{
	far_says_to(3784, dev, src, dst, c);
}

/* Whether the far end `src` of er0 is heard by that port, with that as your discriminator. */
static bool hears(const char *src, size_t session, uint16_t port, int yours)
{
	const struct sw_bfd *b = &bfd[ER0];
	uint64_t heard = b->session[session].heard, refused = b->refused.session;

	far_says_to(port, ER0, src, OWN, &(struct control){.state = SW_BFD_DOWN, .yours = yours});
	heard = b->session[session].heard - heard;
	assert_int_equal(heard + b->refused.session - refused, 1);
	return heard;
}

/* Once ours is known: by its port and discriminator alone. */
static void test_session(void **state)
{
	struct sw_bfd_session *s = bfd[ER0].session;
	const struct control up = {.state = SW_BFD_UP}, anew = {.state = SW_BFD_DOWN, .mine = 10};

	(void)state;
	own_sends(ER0, OWN, GATEWAY, 0, &up);
	assert_true(hears(GATEWAY, 0, 3784, 9));
	assert_true(hears(GATEWAY, 0, 3784, -1)); /* who has just begun */
	assert_false(hears(GATEWAY, 0, 3784, 8));
	assert_false(hears(GATEWAY, 0, 4784, 9));
	assert_false(hears(GATEWAY, 0, 4784, -1));
	/* the routing daemon is started again: what is under way names the one before */
	own_sends(ER0, OWN, GATEWAY, 0, &anew);
	assert_true(hears(GATEWAY, 0, 3784, 10));
	assert_true(hears(GATEWAY, 0, 3784, 9));
	own_sends(ER0, OWN, GATEWAY, 0, &(struct control){.state = SW_BFD_DOWN, .mine = 11});
	assert_true(hears(GATEWAY, 0, 3784, 11));
	assert_false(hears(GATEWAY, 0, 3784, 9));
	/* ... and leaves elsewhere since then: not deaf for ever, nor to be had by multihop */
	assert_false(hears(GATEWAY, 0, 3784, 12));
	s[0].own_heard_ns -= 11 * SECOND_NS;
	assert_true(hears(GATEWAY, 0, 3784, 12));
	assert_false(hears(GATEWAY, 0, 4784, 12));
	own_sends(ER0, OWN, GATEWAY, 0, &anew);
	assert_false(hears(GATEWAY, 0, 3784, 12));
	/* multihop from now on, of a gateway, too: who has just begun is to use it as well */
	own_sends_to(4784, ER0, OWN, GATEWAY, 0, &up);
	assert_true(hears(GATEWAY, 0, 4784, 9));
	assert_true(hears(GATEWAY, 0, 4784, -1));
	assert_false(hears(GATEWAY, 0, 3784, -1));
	assert_true(hears(GATEWAY, 0, 3784, 10)); /* under way */
	assert_false(hears(GATEWAY, 0, 4784, 8));
	s[0].own_heard_ns -= 11 * SECOND_NS;
	assert_true(hears(GATEWAY, 0, 4784, 8));
	/* a peer, till ours is known, by either; then by ours */
	assert_true(hears(FAR_PEER, 2, 4784, 8));
	assert_true(hears(FAR_PEER, 2, 3784, 8));
	own_sends_to(4784, ER0, OWN, FAR_PEER, 0, &up);
	assert_true(hears(FAR_PEER, 2, 4784, 9));
	assert_false(hears(FAR_PEER, 2, 4784, 8));
	assert_false(hears(FAR_PEER, 2, 3784, 8));
}

/* The timer */

static bool bit(enum device path)
{
	return *(volatile uint64_t *)&edge.usable->bfd >> path & 1;
}

static int timer_start(void **state)
{
	bfd_start(state);
	edge.usable->bfd = ~0ULL;
	timer_arm();
	timer_looks();
	return 0;
}

/* RFC 5880, 6.8.4: its multiplier, times the longer of its interval and of ours. */
static void test_detection_time(void **state)
{
	static const struct {
		uint32_t tx, rx;
		int mult;
		uint64_t ms;
	} cases[] = {{300, 300, 3, 900}, {1000, 300, 3, 3000},	 {300, 1000, 3, 3000},
		     {50, 60, 5, 300},	 {10000, 1, 50, 500000}, {1, 60000, 255, 15300000}};
	struct sw_bfd_session *s = &bfd[ER0].session[0];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		timer_start(state);
		own_sends(ER0, OWN, GATEWAY, 0,
			  &(struct control){.state = SW_BFD_UP, .rx = cases[i].rx});
		far_says(ER0, GATEWAY, OWN,
			 &(struct control){
				 .state = SW_BFD_UP, .tx = cases[i].tx, .mult = cases[i].mult});
		timer_looks();
		assert_int_equal(s->detect_ns, cases[i].ms * MS);
		assert_int_equal(s->armed, 1);
	}
	/* ours grows: at once. It shrinks: when the far side must have heard of it */
	timer_start(state);
	far_says(ER0, GATEWAY, OWN, &(struct control){.state = SW_BFD_UP, .tx = 100});
	own_sends(ER0, OWN, GATEWAY, 0, &(struct control){.state = SW_BFD_UP, .rx = 100});
	own_sends(ER0, OWN, GATEWAY, 0, &(struct control){.state = SW_BFD_UP, .rx = 200000});
	timer_looks();
	assert_int_equal(s->detect_ns, 600 * SECOND_NS);
	own_sends(ER0, OWN, GATEWAY, 0, &(struct control){.state = SW_BFD_UP, .rx = 100000});
	own_sends(ER0, OWN, GATEWAY, 0, &(struct control){.state = SW_BFD_UP, .rx = 50000});
	timer_looks();
	assert_int_equal(s->detect_ns, 600 * SECOND_NS);
	s->own_ns -= 601 * SECOND_NS;
	timer_looks();
	assert_int_equal(s->detect_ns, 150 * SECOND_NS);
	assert_true(bit(ER0));
	/* Demand mode: nothing is asked for, so silence says nothing */
	timer_start(state);
	far_says(ER0, GATEWAY, OWN, &(struct control){.state = SW_BFD_UP});
	own_sends(ER0, OWN, GATEWAY, 0, &(struct control){.state = SW_BFD_UP, .flags = 2});
	s->heard_ns = 1;
	timer_looks();
	assert_int_equal(s->armed, 1);
	assert_int_equal(s->down, 0);
}

/* While ours is not seen: armed by the third packet, as far apart as they came and a third more. */
static void test_unlearned(void **state)
{
	struct sw_bfd_session *s = &bfd[ER0].session[0];
	const struct control up = {.state = SW_BFD_UP, .tx = 1};

	timer_start(state);
	far_says(ER0, GATEWAY, OWN, &up);
	s->heard_ns -= 30 * SECOND_NS;
	far_says(ER0, GATEWAY, OWN, &up);
	timer_looks();
	assert_int_equal(s->armed, 0);
	far_says(ER0, GATEWAY, OWN, &up);
	timer_looks();
	assert_int_equal(s->armed, 1);
	assert_in_range(s->detect_ns, 120 * SECOND_NS, 125 * SECOND_NS);
	assert_true(bit(ER0));
	s->heard_ns -= 126 * SECOND_NS;
	timer_looks();
	assert_false(bit(ER0));
}

/* Not before the detection time, and soon after: in real time. */
static void test_silence(void **state)
{
	struct sw_bfd_session *s = &bfd[ER0].session[0];
	uint64_t end, last;

	timer_start(state);
	own_sends(ER0, OWN, GATEWAY, 0, &(struct control){.state = SW_BFD_UP, .rx = 100});
	for (int i = 0; i < 5; i++) {
		far_says(ER0, GATEWAY, OWN, &(struct control){.state = SW_BFD_UP, .tx = 100});
		usleep(20000);
	}
	assert_true(bit(ER0));
	last = s->heard_ns;
	end = last + DEADLINE;
	while (bit(ER0) && precise_ns() < end)
		usleep(500);
	assert_false(bit(ER0));
	assert_in_range(edge.paths[ER0].changed_ns, last + 300 * MS, end);
	print_message("silent for %" PRIu64 " us of 300000\n",
		      (uint64_t)(edge.paths[ER0].changed_ns - last) / 1000);
	assert_int_equal(s->misses, 1);
	assert_int_equal(bfd[ER0].silent_ns, last);
	assert_true(bit(ER1));
	/* who takes the key out of the config clears its bit in `ctl`, and nothing else */
	edge.ctl->bfd = 0;
	timer_looks();
	assert_true(bit(ER0));
}

/* The oracle: each session's story, each path's. */
#define FAR_ENDS  4 /* of a path: two of each family */
#define LONG_HOLD (100 * SECOND_NS)

static const char *const far[2][FAR_ENDS] = {
	{GATEWAY, "192.168.1.7", GATEWAY6, "fd99:1::7"},
	{"192.168.3.2", "192.168.3.7", "fd99:3::2", "fd99:3::7"},
};
static const enum device far_path[] = {ER0, ER2};

struct told {
	uint8_t state;
	bool heard, silent, own, own_admin, armed, down;
	unsigned int packets;
	uint64_t misses, downs;
};
struct story {
	struct told end[FAR_ENDS];
	bool down, held;
	unsigned int failures;
};

static void told_settle(struct told *t)
{
	bool was = t->down;

	if (!t->heard)
		return;
	if (t->state == SW_BFD_ADMIN_DOWN || t->own_admin)
		t->armed = false;
	else if (t->state == SW_BFD_UP && (t->own || t->packets >= 3))
		t->armed = true;
	t->down = t->armed && (t->state != SW_BFD_UP || t->silent);
	if (t->down && !was) {
		if (t->state == SW_BFD_UP)
			t->misses++;
		else
			t->downs++;
	}
}

static bool family_lost(const struct told *a, const struct told *b)
{
	return (a->armed || b->armed) && (!a->armed || a->down) && (!b->armed || b->down);
}

static void story_settle(struct story *p, uint64_t delay)
{
	bool bad;

	for (int i = 0; i < FAR_ENDS; i++)
		told_settle(&p->end[i]);
	bad = family_lost(&p->end[0], &p->end[1]) || family_lost(&p->end[2], &p->end[3]);
	if (bad && !p->down)
		p->failures++;
	if (bad) {
		p->down = true;
		p->held = false;
	} else if (p->down) {
		p->held = delay > 0;
		p->down = p->held;
	}
}

static void story_compare(const struct story *p, int at, unsigned int step)
{
	const struct sw_bfd *b = &bfd[far_path[at]];
	uint64_t hold = b->hold.delay_ns;

	for (unsigned int n = 1; n < p->failures && hold < SW_FAILBACK_MAX_NS; n++)
		hold *= 2;
	if (hold > SW_FAILBACK_MAX_NS)
		hold = SW_FAILBACK_MAX_NS;
	for (int i = 0; i < FAR_ENDS; i++) {
		const struct sw_bfd_session *s = &b->session[i];
		const struct told *t = &p->end[i];

		CHECK(s->armed == t->armed && s->down == t->down && s->misses == t->misses &&
			      s->downs == t->downs,
		      "step %u, path %d, session %d: armed %d down %d misses %" PRIu64
		      " downs %" PRIu64 ", not %d %d %" PRIu64 " %" PRIu64,
		      step, at, i, (int)s->armed, (int)s->down, (uint64_t)s->misses,
		      (uint64_t)s->downs, t->armed, t->down, t->misses, t->downs);
	}
	CHECK(bit(far_path[at]) == !p->down, "step %u: path %d is %s", step, at,
	      p->down ? "usable" : "down");
	CHECK(!!b->hold.up_ns == p->held, "step %u: path %d, held %d", step, at, (int)p->held);
	CHECK(!p->failures || b->hold.hold_ns == hold,
	      "step %u: held for %" PRIu64 ", not %" PRIu64, step, (uint64_t)b->hold.hold_ns, hold);
}

/* Who speaks goes on speaking: a step may take long. */
static void story_goes_on(const struct story *p, int at)
{
	for (int i = 0; i < FAR_ENDS; i++) {
		struct sw_bfd_session *s = &bfd[far_path[at]].session[i];

		if (p->end[i].heard && !p->end[i].silent)
			s->heard_ns = precise_ns();
		if (p->end[i].own)
			s->own_heard_ns = precise_ns();
	}
}

/* One thing happens to one session. */
static void story_turn(struct story *p, int at)
{
	int i = (int)(random() % FAR_ENDS);
	struct sw_bfd_session *s = &bfd[far_path[at]].session[i];
	const char *own = i < 2 ? OWN : OWN6;
	struct told *t = &p->end[i];
	struct control c = {.tx = 5000, .rx = 5000};

	switch (random() % 7) {
	case 6: /* somebody else in its name: nothing happens */
		c.state = (uint8_t)(random() % SW_BFD_STATE_COUNT);
		if (random() % 2)
			far_says_to(4784, far_path[at], far[at][i], own, &c);
		else if (t->own)
			far_says(far_path[at], far[at][i], own,
				 &(struct control){.state = c.state, .yours = 8});
		break;
	case 0:
		c.state = (uint8_t)(random() % SW_BFD_STATE_COUNT);
		own_sends(far_path[at], own, far[at][i], 0, &c);
		t->own = true;
		t->own_admin = c.state == SW_BFD_ADMIN_DOWN;
		break;
	case 1:
		if (!t->heard)
			break;
		s->heard_ns = 1; /* the machine had just started */
		t->silent = true;
		break;
	default:
		c.state = random() % 2 ? SW_BFD_UP : (uint8_t)(random() % SW_BFD_STATE_COUNT);
		far_says(far_path[at], far[at][i], own, &c);
		s->gap_ns = SECOND_NS; /* after what it takes for silence here */
		t->state = c.state;
		t->heard = true;
		t->silent = false;
		t->packets++;
	}
}

/* Packets that come by the path end what holds it back. */
static void path_receives(enum device path)
{
	uint32_t key = path;
	struct sw_path_stats *all = calloc((size_t)edge.cpus, sizeof(*all));

	assert_non_null(all);
	assert_int_equal(bpf_map_lookup_elem(map_fd("path_stats"), &key, all), 0);
	all[0].rx_packets++;
	assert_int_equal(bpf_map_update_elem(map_fd("path_stats"), &key, all, BPF_ANY), 0);
	free(all);
}

static void random_story(void **state, uint64_t delay, unsigned int steps)
{
	struct story path[2] = {0};

	timer_start(state);
	edge.what = delay ? "held back" : "no delay";
	for (int at = 0; at < 2; at++) {
		memset(&bfd[far_path[at]], 0, sizeof(*bfd));
		bfd[far_path[at]].hold.delay_ns = delay;
		for (size_t i = 0; i < FAR_ENDS; i++) {
			session_set(far_path[at], i, far[at][i]);
			bfd[far_path[at]].session[i].gateway = 1;
		}
	}
	timer_looks();
	for (unsigned int step = 0; step < steps && !edge.failures; step++) {
		int at = (int)(random() % 2);
		struct story *p = &path[at];
		bool was = p->down;
		uint64_t before = precise_ns(), changed = edge.paths[far_path[at]].changed_ns;
		uint32_t generation = edge.ctl->generation;

		for (int k = 0; k < 2; k++)
			story_goes_on(&path[k], k);
		if (p->held && random() % 3 == 0) {
			path_receives(far_path[at]);
			p->held = p->down = false;
		} else {
			story_turn(p, at);
			story_settle(p, delay);
		}
		timer_looks();
		for (int k = 0; k < 2; k++)
			story_compare(&path[k], k, step);
		if (p->down != was) {
			CHECK(edge.paths[far_path[at]].changed_ns >= before, "step %u: no time",
			      step);
			CHECK(edge.ctl->generation != generation, "step %u: nobody judges anew",
			      step);
		} else {
			CHECK(edge.paths[far_path[at]].changed_ns == changed,
			      "step %u: nothing changed, and has a time", step);
		}
	}
	assert_int_equal(edge.failures, 0);
}

static void test_random(void **state)
{
	srandom(test_seed());
	random_story(state, 0, test_long() ? 3000 : 150);
	random_story(state, LONG_HOLD, test_long() ? 3000 : 150);
}

/* Held back for its delay, twice as long after a failure within five minutes, in real time. */
static void test_held_back(void **state)
{
	struct sw_bfd_session *s = &bfd[ER0].session[0];
	const struct control up = {.state = SW_BFD_UP, .tx = 60000};
	const struct control down = {.state = SW_BFD_DOWN};
	uint64_t from, end;

	timer_start(state);
	bfd[ER0].hold.delay_ns = 200 * MS;
	own_sends(ER0, OWN, GATEWAY, 0, &up);
	for (int i = 0; i < 3; i++) {
		far_says(ER0, GATEWAY, OWN, &up);
		timer_looks();
		assert_true(bit(ER0));
		if (i == 2) /* long ago */
			bfd[ER0].hold.failed_ns -= SW_FAILBACK_MAX_NS;
		far_says(ER0, GATEWAY, OWN, &down);
		timer_looks();
		assert_false(bit(ER0));
		from = precise_ns();
		end = from + DEADLINE;
		far_says(ER0, GATEWAY, OWN, &up);
		while (!bit(ER0) && precise_ns() < end)
			usleep(500);
		assert_true(bit(ER0));
		assert_in_range(edge.paths[ER0].changed_ns, from + (i == 1 ? 400 : 200) * MS, end);
	}
	assert_int_equal(s->downs, 3);
	assert_int_equal(s->misses, 0);
	/* held back, and worse again: no new failure, and the delay begins anew */
	far_says(ER0, GATEWAY, OWN, &down);
	timer_looks();
	bfd[ER0].hold.hold_ns = LONG_HOLD;
	far_says(ER0, GATEWAY, OWN, &up);
	timer_looks();
	assert_int_not_equal(bfd[ER0].hold.up_ns, 0);
	far_says(ER0, GATEWAY, OWN, &down);
	timer_looks();
	assert_int_equal(bfd[ER0].hold.up_ns, 0);
	assert_int_equal(bfd[ER0].hold.hold_ns, LONG_HOLD);
}

/* A path that is out for another reason has not changed by BFD: no flow settles for it. */
static void test_out_already(void **state)
{
	timer_start(state);
	own_sends(ER0, OWN, GATEWAY, 0, &(struct control){.state = SW_BFD_UP});
	far_says(ER0, GATEWAY, OWN, &(struct control){.state = SW_BFD_UP, .tx = 60000});
	timer_looks();
	paths_down(BIT(ER0));
	far_says(ER0, GATEWAY, OWN, &(struct control){.state = SW_BFD_DOWN});
	timer_looks();
	assert_false(bit(ER0));
	assert_int_equal(edge.paths[ER0].changed_ns, 0);
	assert_int_equal(bfd[ER0].session[0].downs, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_heard, bfd_start),
		cmocka_unit_test_setup(test_vlan, bfd_start),
		cmocka_unit_test_setup(test_own, bfd_start),
		cmocka_unit_test_setup(test_session, bfd_start),
		/* from here on the timer runs */
		cmocka_unit_test(test_detection_time),
		cmocka_unit_test(test_unlearned),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_out_already),
		cmocka_unit_test(test_held_back),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, bfd_setup, edge_teardown);
}
