/* SPDX-License-Identifier: GPL-2.0-only */
/* A link-local gateway's MAC, which bpf_fib_lookup won't say: learned from neighbour discovery. */
#include "edge.h"

#define GATEWAY "fe80::2"
#define OTHER	"fe80::3"
#define NEW_MAC                                                                                    \
	(const uint8_t[6])                                                                         \
	{                                                                                          \
		2, 0xbb, 0, 0, 0, 7                                                                \
	}

enum { SOLICITATION = 135, ADVERTISEMENT = 136, OPTION_SOURCE = 1, OPTION_TARGET = 2 };

struct discovery {
	const char *what, *src, *target;
	uint8_t type, option, hop_limit;
	bool learned;
};

static void gateway_write(enum device dev)
{
	struct sw_nexthop nh = {.family = 6, .ifindex = edge.ifindex[dev]};
	uint32_t index = device_slot(dev) * 2u + 1;

	address_bytes(GATEWAY, nh.addr);
	memcpy(nh.smac, device_mac(dev), 6);
	map_write("nexthops", &index, &nh);
}

static struct sw_nexthop gateway_read(enum device dev)
{
	uint32_t index = device_slot(dev) * 2u + 1;
	struct sw_nexthop nh;

	assert_int_equal(bpf_map_lookup_elem(map_fd("nexthops"), &index, &nh), 0);
	return nh;
}

/* Received by the device, to the all-nodes address. */
static void discovery_receive(enum device dev, const struct discovery *d)
{
	struct frame f = {.len = 14 + 40 + 32};
	uint8_t *ip = f.data + 14, *nd = ip + 40;

	memcpy(f.data, (uint8_t[]){0x33, 0x33, 0, 0, 0, 1}, 6);
	memcpy(f.data + 6, (uint8_t[]){2, 9, 9, 9, 9, 9}, 6);
	memcpy(f.data + 12, (uint8_t[]){0x86, 0xdd}, 2);
	ip[0] = 0x60;
	ip[5] = 32;
	ip[6] = PROTO_ICMP6;
	ip[7] = d->hop_limit;
	address_bytes(d->src, ip + 8);
	address_bytes("ff02::1", ip + 24);
	nd[0] = d->type;
	address_bytes(d->target, nd + 8);
	nd[24] = d->option;
	nd[25] = 1;
	memcpy(nd + 26, NEW_MAC, 6);
	CHECK(edge_run(TC_IN, dev, &f) == TC_UNSPEC, "discovery is the kernel's, too");
}

static void learned_and_not(void **state)
{
	static const struct discovery rows[] = {
		{"its advertisement", GATEWAY, GATEWAY, ADVERTISEMENT, OPTION_TARGET, 255, true},
		{"advertised by another", OTHER, GATEWAY, ADVERTISEMENT, OPTION_TARGET, 255, true},
		{"its solicitation", GATEWAY, OTHER, SOLICITATION, OPTION_SOURCE, 255, true},
		{"another's", OTHER, OTHER, ADVERTISEMENT, OPTION_TARGET, 255, false},
		{"solicited by another", OTHER, GATEWAY, SOLICITATION, OPTION_SOURCE, 255, false},
		{"routed here", GATEWAY, GATEWAY, ADVERTISEMENT, OPTION_TARGET, 254, false},
		{"without the MAC", GATEWAY, GATEWAY, ADVERTISEMENT, 5, 255, false},
		{"a redirect", GATEWAY, GATEWAY, 137, OPTION_TARGET, 255, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sw_nexthop nh;

		edge.what = rows[i].what;
		gateway_write(ER0);
		discovery_receive(ER0, &rows[i]);
		nh = gateway_read(ER0);
		CHECK(nh.valid == rows[i].learned, "valid is %u", nh.valid);
		CHECK(!rows[i].learned || !memcmp(nh.dmac, NEW_MAC, 6), "another MAC");
	}
	assert_int_equal(edge.failures, 0);
}

static void used(void **state)
{
	const struct packet p = {.src = LAN_HOST6, .dst = REMOTE6};
	const struct discovery d = {"", GATEWAY, GATEWAY, ADVERTISEMENT, OPTION_TARGET, 255, true};
	struct frame f = frame_at(LAN0, &p);

	(void)state;
	gateway_write(ER0);
	assert_int_equal(edge_run(TC_IN, LAN0, &f), TC_UNSPEC);
	discovery_receive(ER0, &d);
	f = frame_at(LAN0, &p);
	assert_int_equal(edge_run(TC_IN, LAN0, &f), TC_REDIRECT);
	assert_memory_equal(f.data, NEW_MAC, 6);
	assert_memory_equal(f.data + 6, device_mac(ER0), 6);
}

static void on_the_inside_nothing(void **state)
{
	const struct discovery d = {"inside",	   GATEWAY, GATEWAY, ADVERTISEMENT,
				    OPTION_TARGET, 255,	    false};

	(void)state;
	gateway_write(LAN1);
	gateway_write(ER0);
	discovery_receive(LAN1, &d);
	assert_false(gateway_read(ER0).valid);
	assert_false(gateway_read(LAN1).valid);
}

/* Without a tag, on an interface whose paths all have some: it is of none of their segments. */
static void untagged_on_a_trunk_nothing(void **state)
{
	const struct discovery d = {"untagged",	   GATEWAY, GATEWAY, ADVERTISEMENT,
				    OPTION_TARGET, 255,	    false};
	const struct sw_interface row = {
		.name = "er0", .role = SW_ROLE_PATH, .slot = ER0, .ports = 1, .tags = 1};

	(void)state;
	map_write("interfaces", &edge.ifindex[ER0], &row);
	gateway_write(ER0);
	discovery_receive(ER0, &d);
	assert_false(gateway_read(ER0).valid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(learned_and_not, edge_start),
		cmocka_unit_test_setup(used, edge_start),
		cmocka_unit_test_setup(on_the_inside_nothing, edge_start),
		cmocka_unit_test_setup(untagged_on_a_trunk_nothing, edge_start),
	};

	return cmocka_run_group_tests_name("discovery", tests, edge_setup, edge_teardown);
}
