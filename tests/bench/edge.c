/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sameway in the router: its programs and maps, by the code that its daemon uses, with r0 inside
 * (10.1.0.0/16 and fd01::/32 behind a gateway), r1 an ExpressRoute, r2 a VPN.
 */
#include "bench.h"
#include "core/rules.h"
#include "kernel/datapath_impl.h"
#include "kernel/maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>

#define GROUP_INSIDE 1
#define GROUP_LOCAL  2
/* of the FIB: for the 1 M prefixes of routes.c */
#define EDGE_NODES4 32768
#define EDGE_NODES6 262144
#define PATHS	    3ULL /* r1 is path 0, r2 path 1 */

static struct datapath *dp;

static uint8_t slot_of(enum device dev)
{
	return dev == DEV_LAN ? SW_INSIDE_SLOT : (uint8_t)(dev - DEV_ER);
}

static void check(int err, const char *what)
{
	if (err)
		fail("sameway's %s can't be written: %s", what, strerror(-err));
}

static void interface_write(enum device dev)
{
	struct sw_interface row = {.role = dev == DEV_LAN ? SW_ROLE_INSIDE : SW_ROLE_PATH,
				   .slot = slot_of(dev),
				   .mtu = 1500};
	struct datapath_way way = {.ifindex = world.ifindex[dev], .l3_ifindex = world.ifindex[dev]};
	struct ip_addr gateway;
	char text[IP_STRLEN];

	memcpy(row.name, device_name[dev], strlen(device_name[dev]));
	memcpy(row.mac, device_mac[dev], 6);
	memcpy(way.mac, device_mac[dev], 6);
	check(datapath_interface_write(dp, world.ifindex[dev], &row), "interface");
	check(datapath_device_write(dp, row.slot, world.ifindex[dev], true), "device");
	snprintf(text, sizeof(text), "10.254.%d.2", dev);
	ip_parse(text, &gateway);
	check(datapath_nexthop_write(dp, row.slot, 4, &way, &gateway), "next hop");
	snprintf(text, sizeof(text), "fd99:%d::2", dev);
	ip_parse(text, &gateway);
	check(datapath_nexthop_write(dp, row.slot, 6, &way, &gateway), "next hop");
}

static void path_write(enum device dev, uint8_t class, uint8_t rank)
{
	struct sw_path *path = &datapath_paths(dp)[slot_of(dev)];

	*path = (struct sw_path){.ifindex = world.ifindex[dev],
				 .mtu = 1500,
				 .class = class,
				 .rank = rank,
				 .circuit = (uint8_t)(rank + 1)};
	memcpy(path->name, device_name[dev], strlen(device_name[dev]));
}

static void groups_write(void)
{
	struct sw_group *groups = datapath_groups(dp);
	struct sw_group route = {.kind = SW_GROUP_ROUTE,
				 .tiers = 2,
				 .degraded = SW_NO_RANK,
				 .members = PATHS,
				 .tier = {1, 2},
				 .rank = {0, 1}};

	groups[GROUP_INSIDE] = (struct sw_group){.kind = SW_GROUP_INSIDE, .slot = slot_of(DEV_LAN)};
	groups[GROUP_LOCAL] = (struct sw_group){.kind = SW_GROUP_LOCAL};
	for (int i = 0; i < EDGE_GROUPS; i++)
		groups[EDGE_GROUP + i] = route;
	route.tiers = 1;
	route.tier[0] = 2;
	route.rank[0] = 1;
	groups[EDGE_TURNED] = route;
}

static void own_prefix(const char *text, uint32_t group)
{
	struct prefix p;

	prefix_parse(text, &p, NULL);
	edge_prefix(&p, group, true);
}

static void ctl_write(void)
{
	struct sw_ctl *ctl = datapath_ctl(dp);

	*ctl = (struct sw_ctl){.abi = SW_ABI_VERSION,
			       .mode = SW_MODE_ENFORCE,
			       .forward = SW_FORWARD_FAST,
			       .generation = 1,
			       .scope = SW_SCOPE_CLASS,
			       .grace_ns = 60000000000ULL,
			       .can4 = PATHS,
			       .can6 = PATHS,
			       .seed = 7,
			       .magic = 0x5eed,
			       .event_rate = 1000};
	*datapath_usable(dp) =
		(struct sw_usable){PATHS, PATHS, PATHS, PATHS, PATHS, PATHS, PATHS, PATHS};
}

uint32_t table_for(uint32_t flows)
{
	return flows > 32768 ? 2 * flows : 65536;
}

void edge_open(uint32_t flows)
{
	char err[DATAPATH_ERR];
	const struct datapath_sizes sizes = {flows, flows, EDGE_NODES4, EDGE_NODES6};

	world_enter(NS_ROUTER);
	if (datapath_open(&dp, EDGE_INSTANCE, &sizes, err))
		fail("%s", err);
	ctl_write();
	path_write(DEV_ER, SW_CLASS_EXPRESSROUTE, 0);
	path_write(DEV_VPN, SW_CLASS_VPN, 1);
	for (enum device dev = 0; dev < DEV_COUNT; dev++)
		interface_write(dev);
	groups_write();
	own_prefix("10.1.0.0/16", GROUP_INSIDE);
	own_prefix("fd01::/32", GROUP_INSIDE);
	own_prefix("10.254.0.0/16", GROUP_LOCAL);
	check(datapath_start_timer(dp), "timer");
	world_leave();
}

void edge_close(void)
{
	char err[DATAPATH_ERR];
	size_t removed;

	if (!dp)
		return;
	datapath_close(dp);
	dp = NULL;
	world_enter(NS_ROUTER);
	if (datapath_detach(EDGE_INSTANCE, &removed, err))
		fail("%s", err);
	world_leave();
}

void edge_prefix(const struct prefix *p, uint32_t group, bool fresh)
{
	int ret = datapath_prefix_write(dp, p, group, fresh);

	check(ret < 0 ? ret : 0, "prefix");
	while (ret && datapath_prefix_slice(dp))
		;
}

void edge_prefixes(const struct prefix *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		edge_prefix(&p[i], EDGE_GROUP + (uint32_t)i % EDGE_GROUPS, true);
}

void edge_usable(uint64_t paths)
{
	__atomic_store_n(&datapath_usable(dp)->link, paths, __ATOMIC_RELEASE);
}

void edge_changed(void)
{
	__atomic_fetch_add(&datapath_ctl(dp)->generation, 1, __ATOMIC_RELEASE);
}

void edge_rules(size_t n)
{
	struct config_path paths[] = {{.name = "er", .class = SW_CLASS_EXPRESSROUTE},
				      {.name = "vpn", .class = SW_CLASS_VPN}};
	static struct config_rule rules[SW_MAX_RULES];
	const struct config cfg = {.paths = paths, .n_paths = 2, .rules = rules, .n_rules = n};
	struct sw_ctl *ctl = datapath_ctl(dp);
	static uint32_t generation;

	for (size_t i = 0; i < n; i++) {
		char text[PREFIX_STRLEN];

		rules[i] = (struct config_rule){.proto = -1, .dscp = -1, .action = RULE_DENY};
		snprintf(text, sizeof(text), "192.0.2.%zu/32", i);
		prefix_parse(text, &rules[i].to, NULL);
	}
	if (n)
		rules[n - 1] = (struct config_rule){
			.proto = -1,
			.dscp = -1,
			.action = RULE_PREFER,
			.pick = {{.class = SW_CLASS_EXPRESSROUTE}, {.class = SW_CLASS_VPN}},
			.n_picks = 2};
	rules_compile(&cfg, NULL, UINT64_MAX, &datapath_rules(dp)[0]);
	__atomic_store_n(&ctl->rules, n ? ++generation << SW_RULES_GEN_SHIFT : 0, __ATOMIC_RELEASE);
}

int edge_program(enum edge_program program)
{
	const struct bpf_program *const all[] = {[EDGE_XDP] = dp->skel->progs.sw_xdp,
						 [EDGE_TC_INGRESS] = dp->skel->progs.sw_tc_ingress,
						 [EDGE_TC_EGRESS] = dp->skel->progs.sw_tc_egress};

	return bpf_program__fd(all[program]);
}

const struct bpf_object *edge_object(void)
{
	return dp->skel->obj;
}

void edge_attach(enum device dev, enum hook hook, bool on)
{
	char err[DATAPATH_ERR];
	int ret;

	world_enter(NS_ROUTER);
	if (on) {
		ret = datapath_attach(dp, world.ifindex[dev], device_name[dev], hook, err);
		if (ret)
			fail("%s", err);
	} else {
		datapath_unattach(dp, device_name[dev], hook);
	}
	world_leave();
}

static int row_add(void *arg, const struct flow_row *row)
{
	uint64_t out = row->r->out_packets, in = row->r->in_packets;
	struct edge_flows *sum = arg;

	if (!flow_row_same(row))
		return 0;
	sum->records++;
	sum->whole += out && in;
	sum->packets += out + in;
	return 0;
}

static int flow_add(void *arg, const struct sw_flow_key *key, const struct flow *flow)
{
	struct edge_flows *sum = arg;

	(void)key;
	sum->records++;
	sum->whole += flow->out_packets && flow->in_packets;
	sum->packets += flow->out_packets + flow->in_packets;
	return 0;
}

struct edge_flows edge_flows(bool unpacked)
{
	struct edge_flows sum = {0};
	char err[DATAPATH_ERR];
	struct maps *maps;
	double from;

	if (maps_open(&maps, EDGE_INSTANCE, err))
		fail("%s", err);
	/* twice, as the daemon reads them again and again: the first time the memory is new to us
	 */
	for (int i = 0; i < 2; i++) {
		sum = (struct edge_flows){0};
		from = thread_s();
		if (unpacked ? maps_flow_each(maps, flow_add, &sum)
			     : maps_flow_rows(maps, row_add, &sum))
			fail("the flow records can't be read");
	}
	sum.seconds = thread_s() - from;
	maps_close(maps);
	return sum;
}

void edge_mode(enum sw_mode mode, enum sw_forward forward)
{
	struct sw_ctl *ctl = datapath_ctl(dp);

	ctl->mode = mode;
	ctl->forward = forward;
	ctl->fwmark = forward == SW_FORWARD_KERNEL ? 0xff0000 : 0;
	edge_changed();
}
