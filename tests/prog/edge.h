/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The edge that the tests of the programs run on.
 *
 *   path  class         circuit  device        inside  device  networks
 *   er0   expressroute  1        Ethernet      lan0    64      10.2.30.0/25, on the link
 *   er1   expressroute  1        Ethernet      lan1    65      10.3.0.0/16, by a gateway
 *   er2   expressroute  2        Ethernet
 *   tun0  vpn           3        no Ethernet header, MTU 1400
 *   vpn1  vpn           3        Ethernet, MTU 1400
 *
 * Groups and their prefixes are below; fd00:NN::/64 goes like 10.NN.30.0.
 */
#ifndef TESTS_PROG_EDGE_H
#define TESTS_PROG_EDGE_H

#include "edge_fib.h"

#define BIT(n) (1ULL << (n))

enum group {
	G_NONE,
	G_LAN0,
	G_LAN1,
	G_LOCAL,
	G_EXEMPT,
	G_HUB = 10, /* 10.10.30.0/24: er0 and er1, then tun0 */
	G_SPOKE,    /* 10.11.30.0/26: er0, then vpn1 */
	G_BRANCH,   /* 10.12.30.0/24: tun0 */
	G_REMOTE,   /* 10.17.30.0/26: er0 */
	G_TWO,	    /* 10.18.30.0/24: er0, then er2 */
	G_VPN,	    /* 10.19.30.0/24: vpn1 */
	G_ALL,	    /* 10.20.30.0/24: er0, er1; er2; tun0, vpn1 */
	G_DEFAULT,  /* no prefix: for sw_ctl.default4 */
	G_NEW,	    /* for tests */
};

#define LAN_HOST  "10.2.30.10"
#define LAN_HOST6 "fd02:30::10"
#define FAR_HOST  "10.3.7.7"
#define FAR_HOST6 "fd03::7"
#define HUB	  "10.10.30.4"
#define HUB6	  "fd00:10::4"
#define SPOKE	  "10.11.30.4"
#define SPOKE6	  "fd00:11::4"
#define BRANCH	  "10.12.30.4"
#define BRANCH6	  "fd00:12::4"
#define REMOTE	  "10.17.30.4"
#define REMOTE6	  "fd00:17::4"
#define TWO	  "10.18.30.4"
#define VPN_HOST  "10.19.30.4"
#define VPN_HOST6 "fd00:19::4"
#define ALL	  "10.20.30.4"
#define OWN	  "10.2.30.1"
#define OWN6	  "fd02:30::1"
#define EXEMPT	  "10.10.30.254"
#define EXEMPT6	  "fd00:10::fe"

/* A group of up to three tiers, ranked by the class of their paths; 0 ends them. */
static inline void group_route(enum group id, uint64_t t0, uint64_t t1, uint64_t t2)
{
	const uint64_t tier[] = {t0, t1, t2};
	struct sw_group g = {.kind = SW_GROUP_ROUTE, .degraded = SW_NO_RANK};

	for (int i = 0; i < 3 && tier[i]; i++) {
		g.tier[i] = tier[i];
		g.members |= tier[i];
		g.rank[i] = edge.paths[__builtin_ctzll(tier[i])].rank;
		g.tiers++;
	}
	edge.groups[id] = g;
}

static inline void edge_groups(void)
{
	memset(edge.groups, 0, (G_NEW + 200) * sizeof(*edge.groups));
	edge.groups[G_LAN0] = (struct sw_group){.kind = SW_GROUP_INSIDE, .slot = SW_INSIDE_SLOT};
	edge.groups[G_LAN1] =
		(struct sw_group){.kind = SW_GROUP_INSIDE, .slot = SW_INSIDE_SLOT + 1};
	edge.groups[G_LOCAL].kind = SW_GROUP_LOCAL;
	edge.groups[G_EXEMPT].kind = SW_GROUP_EXEMPT;
	group_route(G_HUB, BIT(ER0) | BIT(ER1), BIT(TUN), 0);
	group_route(G_SPOKE, BIT(ER0), BIT(VPN1), 0);
	group_route(G_BRANCH, BIT(TUN), 0, 0);
	group_route(G_REMOTE, BIT(ER0), 0, 0);
	group_route(G_TWO, BIT(ER0), BIT(ER2), 0);
	group_route(G_VPN, BIT(VPN1), 0, 0);
	group_route(G_ALL, BIT(ER0) | BIT(ER1), BIT(ER2), BIT(TUN) | BIT(VPN1));
	group_route(G_DEFAULT, BIT(ER2), 0, 0);
}

static inline void edge_prefixes(void)
{
	fib_clear();
	fib_write("10.2.30.0", 25, G_LAN0);
	fib_write("10.3.0.0", 16, G_LAN1);
	fib_write(OWN, 32, G_LOCAL);
	fib_write("10.2.30.127", 32, G_LOCAL); /* broadcast */
	fib_write(EXEMPT, 32, G_EXEMPT);
	fib_write("10.10.30.0", 24, G_HUB);
	fib_write("10.11.30.0", 26, G_SPOKE);
	fib_write("10.12.30.0", 24, G_BRANCH);
	fib_write("10.17.30.0", 26, G_REMOTE);
	fib_write("10.18.30.0", 24, G_TWO);
	fib_write("10.19.30.0", 24, G_VPN);
	fib_write("10.20.30.0", 24, G_ALL);
	fib_write("fd02:30::", 64, G_LAN0);
	fib_write("fd03::", 64, G_LAN1);
	fib_write(OWN6, 128, G_LOCAL);
	fib_write(EXEMPT6, 128, G_EXEMPT);
	fib_write("fd00:10::", 64, G_HUB);
	fib_write("fd00:11::", 64, G_SPOKE);
	fib_write("fd00:12::", 64, G_BRANCH);
	fib_write("fd00:17::", 64, G_REMOTE);
	fib_write("fd00:19::", 64, G_VPN);
}

/* The gateway of a slot, by the numbers that edge_devices() gives. */
static inline void nexthop_write(enum device dev, int family, bool gateway)
{
	char text[32];
	struct sw_nexthop nh = {.ifindex = edge.ifindex[dev], .l3_ifindex = edge.ifindex[dev]};
	uint32_t index = device_slot(dev) * 2u + (family == 6);

	if (gateway) {
		snprintf(text, sizeof(text), family == 6 ? "fd99:%d::2" : "192.168.%d.2", dev + 1);
		address_bytes(text, nh.addr);
		nh.family = (uint8_t)family;
	}
	memcpy(nh.smac, device_mac(dev), 6);
	map_write("nexthops", &index, &nh);
}

static inline void neighbor_write(enum device dev, const char *address, const uint8_t mac[6])
{
	struct sw_neighbor_key key = {.ifindex = edge.ifindex[dev],
				      .family = strchr(address, ':') ? 6 : 4};
	struct sw_neighbor value = {0};

	address_bytes(address, key.addr);
	memcpy(value.mac, mac, 6);
	map_write("neighbors", &key, &value);
}

static inline void interface_write(enum device dev)
{
	struct sw_interface row = {.role = dev >= LAN0 ? SW_ROLE_INSIDE : SW_ROLE_PATH,
				   .slot = device_slot(dev),
				   .l3 = dev == TUN,
				   .mtu = 1500};
	struct sw_interface_fast fast;
	uint32_t at = edge.ifindex[dev] % SW_FAST_INTERFACES;

	memcpy(row.name, device_name[dev], strlen(device_name[dev]) + 1);
	if (dev != TUN)
		memcpy(row.mac, device_mac(dev), 6);
	map_write("interfaces", &edge.ifindex[dev], &row);
	fast = sw_interface_fast(edge.ifindex[dev], &row);
	map_write("interfaces_fast", &at, &fast);
}

static inline void edge_slots(void)
{
	static const uint8_t circuit[] = {1, 1, 2, 3, 3};

	memset(edge.paths, 0, SW_MAX_PATHS * sizeof(*edge.paths));
	map_clear("neighbors");
	for (enum device dev = 0; dev < DEVICES; dev++) {
		uint32_t slot = device_slot(dev);

		interface_write(dev);
		if (dev != TUN)
			map_write("devices", &slot, &edge.ifindex[dev]);
		nexthop_write(dev, 4, dev != TUN && dev != LAN0);
		nexthop_write(dev, 6, dev != TUN && dev != LAN0);
		if (dev >= LAN0)
			continue;
		edge.paths[dev] = (struct sw_path){
			.ifindex = edge.ifindex[dev],
			.mtu = dev >= TUN ? 1400 : 1500,
			.class = dev >= TUN ? SW_CLASS_VPN : SW_CLASS_EXPRESSROUTE,
			.rank = dev >= TUN,
			.circuit = circuit[dev],
			.l3 = dev == TUN,
		};
		memcpy(edge.paths[dev].name, device_name[dev], strlen(device_name[dev]));
	}
	neighbor_write(LAN0, LAN_HOST, device_next_mac(LAN0));
	neighbor_write(LAN0, LAN_HOST6, device_next_mac(LAN0));
}

/* Everything as at a start, enforcing, nothing ever changed, grace a minute. */
static inline void edge_reset(void)
{
	uint64_t all = BIT(DEVICES) - 1;

	*edge.ctl = (struct sw_ctl){.abi = SW_ABI_VERSION,
				    .mode = SW_MODE_ENFORCE,
				    .generation = 1,
				    .scope = SW_SCOPE_CLASS,
				    .grace_ns = GRACE_NS,
				    .can4 = all,
				    .can6 = all,
				    .seed = 7,
				    .event_rate = 1000000};
	*edge.usable = (struct sw_usable){all, all, all, all, all, all, all, all};
	edge_slots();
	edge_groups();
	edge_prefixes();
	flows_clear();
	counters_clear();
	edge.clock_at = 0;
	edge.what = NULL;
	edge.failures = 0;
}

/* Paths of the mask cannot carry traffic; the others can. As the daemon does it: one store. */
static inline void paths_down(uint64_t mask)
{
	edge.usable->link = (BIT(DEVICES) - 1) & ~mask;
}

static inline void edge_devices(void)
{
	char commands[8192] = "tuntap add mode tun name tun0\nlink set tun0 up\n";
	size_t n = strlen(commands);

	for (enum device dev = 0; dev < DEVICES; dev++) {
		const uint8_t *far = device_next_mac(dev);
		const char *name = device_name[dev];
		int id = dev + 1;

		if (dev == TUN)
			continue;
		n += (size_t)snprintf(
			commands + n, sizeof(commands) - n,
			"link add %s address 02:00:00:00:00:%02x type veth peer name p%s\n"
			"link set p%s up\nlink set %s up\n"
			"addr add 192.168.%d.1/24 dev %s\n"
			"addr add fd99:%d::1/64 dev %s nodad\n"
			"neigh replace 192.168.%d.2 lladdr 02:aa:00:00:00:%02x dev %s\n"
			"neigh replace fd99:%d::2 lladdr 02:aa:00:00:00:%02x dev %s\n",
			name, id, name, name, name, id, name, id, name, id, far[5], name, id,
			far[5], name);
	}
	ip_batch(commands);
	for (enum device dev = 0; dev < DEVICES; dev++)
		edge.ifindex[dev] = if_nametoindex(device_name[dev]);
}

/* Quietly: what is said of a load that worked is no news. */
static inline int libbpf_print(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

static inline void edge_maps(void)
{
	edge.ctl = map_mmap("ctl", sizeof(*edge.ctl));
	edge.usable = map_mmap("usable", sizeof(*edge.usable));
	edge.paths = map_mmap("paths", SW_MAX_PATHS * sizeof(*edge.paths));
	edge.groups = map_mmap("groups", SW_MAX_GROUPS * sizeof(*edge.groups));
	edge.path_counters = map_mmap("path_counters", SW_MAX_PATHS * sizeof(*edge.path_counters));
	edge.verdicts = map_mmap("verdicts", SW_VERDICT_COUNT * sizeof(*edge.verdicts));
	fib_open();
	flow_tables_open();
}

/* A namespace, its devices, the programs with room for so many flows of either family. */
static inline int edge_open(uint32_t flows)
{
	if (unshare(CLONE_NEWNET))
		fail_msg("no network namespace (%s): run as root", strerror(errno));
	sysctl_write("/proc/sys/net/ipv4/conf/all/forwarding", "1");
	sysctl_write("/proc/sys/net/ipv6/conf/all/forwarding", "1");
	edge_devices();
	libbpf_set_print(libbpf_print);
	edge.cpus = libbpf_num_possible_cpus();
	edge.skel = sameway__open();
	if (!edge.skel)
		fail_msg("the skeleton does not open: %s", strerror(errno));
	bpf_map__set_max_entries(edge.skel->maps.flows, flows);
	bpf_map__set_max_entries(edge.skel->maps.flows6, flows);
	bpf_map__set_max_entries(edge.skel->maps.flows_index, flow_table_lines(flows));
	bpf_map__set_max_entries(edge.skel->maps.flows6_index, flow_table_lines(flows));
	bpf_map__set_max_entries(edge.skel->maps.flow_rules, flows); /* two rules a row */
	if (sameway__load(edge.skel))
		fail_msg("the programs do not load");
	edge_maps();
	return 0;
}

static inline int edge_setup(void **state)
{
	(void)state;
	return edge_open(4096);
}

static inline int edge_teardown(void **state)
{
	(void)state;
	fib_close();
	sameway__destroy(edge.skel);
	return 0;
}

static inline int edge_start(void **state)
{
	(void)state;
	edge_reset();
	return 0;
}

/* What cases vary. */
static inline void vary_monitor(void)
{
	edge.ctl->mode = SW_MODE_MONITOR;
}
static inline void vary_over(void)
{
	edge.ctl->enforce_until_ns = 1;
}
static inline void vary_kernel(void)
{
	edge.ctl->forward = SW_FORWARD_KERNEL;
	edge.ctl->fwmark = 0xff0000;
}
static inline void vary_er_down(void)
{
	paths_down(BIT(ER0) | BIT(ER1));
}

#endif
