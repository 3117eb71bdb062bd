/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pinned maps of an instance as a table: stands in for kernel/maps.c, every function of which
 * is defined here, so that rows of paths, counters and flows are tested without a kernel. For one
 * test program only, after cmocka.h.
 */
#ifndef SAMEWAY_TESTS_FIXTURE_MAPS_H
#define SAMEWAY_TESTS_FIXTURE_MAPS_H

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "kernel/maps.h"

#define SECOND 1000000000ULL

/* The maps: two paths, three interfaces, three flows. */
static struct sw_usable fake_usable;
static struct sw_path fake_paths[SW_MAX_PATHS];
static struct sw_bfd fake_bfd[SW_MAX_PATHS];
static struct sw_carrier fake_carrier[SW_MAX_PATHS];
static uint64_t fake_watched; /* sw_ctl.bfd */
static struct sw_probe fake_probes[SW_MAX_PATHS];
static struct sw_flow_key fake_keys[3];
static struct flow fake_flows[3];
static struct sw_rule_names fake_rules[2];
static uint32_t fake_rules_word; /* sw_ctl.rules */

int maps_open(struct maps **out, const char *instance, char err[DATAPATH_ERR])
{
	(void)out;
	(void)instance;
	(void)err;
	return -ENOENT;
}

void maps_close(struct maps *maps)
{
	(void)maps;
}

int maps_ctl(struct maps *maps, struct sw_ctl *out)
{
	(void)maps;
	*out = (struct sw_ctl){.mode = SW_MODE_ENFORCE,
			       .can4 = ~0ULL,
			       .can6 = ~0ULL,
			       .prefixes4 = 12,
			       .prefixes6 = 3,
			       .nodes4 = 2,
			       .nodes6 = 17,
			       .rules = fake_rules_word,
			       .bfd = fake_watched};
	return 0;
}

int maps_usable(struct maps *maps, struct sw_usable *out)
{
	(void)maps;
	*out = fake_usable;
	return 0;
}

int maps_path(struct maps *maps, unsigned int id, struct sw_path *out)
{
	(void)maps;
	*out = fake_paths[id];
	return 0;
}

int maps_bfd(struct maps *maps, unsigned int id, struct sw_bfd *out)
{
	(void)maps;
	*out = fake_bfd[id];
	return 0;
}

int maps_carrier(struct maps *maps, unsigned int id, struct sw_carrier *out)
{
	(void)maps;
	*out = fake_carrier[id];
	return 0;
}

int maps_probe(struct maps *maps, unsigned int id, struct sw_probe *out)
{
	(void)maps;
	*out = fake_probes[id];
	return 0;
}

int maps_path_stats(struct maps *maps, unsigned int id, struct sw_path_stats *out)
{
	(void)maps;
	*out = (struct sw_path_stats){.rx_packets = 1234567 + id,
				      .rx_bytes = 987654321,
				      .tx_packets = 42,
				      .tx_bytes = 4200};
	if (id == 5) {
		out->egress_moved = 1700;
		out->egress_stayed = 12;
		out->egress_too_big = 3;
		out->egress_no_neighbor = 2;
		out->egress_returned = 1;
	}
	return 0;
}

int maps_nexthop(struct maps *maps, unsigned int slot, uint8_t family, struct sw_nexthop *out)
{
	(void)maps;
	*out = (struct sw_nexthop){0};
	if (slot == 0 && family == 4)
		*out = (struct sw_nexthop){.family = 4, .addr = {192, 168, 30, 18}};
	return 0;
}

int maps_reasons(struct maps *maps, unsigned int slot, struct sw_reasons *out)
{
	(void)maps;
	*out = (struct sw_reasons){0};
	if (slot == 0) {
		out->forward.forwarded = 1234567;
		out->pass.local = 17;
		out->drop.transit_denied = 3;
	}
	if (slot == SW_INSIDE_SLOT)
		out->pass.ttl = 2;
	return 0;
}

int maps_health(struct maps *maps, struct sw_health *out)
{
	(void)maps;
	*out = (struct sw_health){
		.events_lost = 5, .flows_full = 2, .flows_evicted = 70, .flows_forgotten = 3};
	return 0;
}

int maps_redirect_errors(struct maps *maps, unsigned int slot, struct sw_redirect_errors *out)
{
	(void)maps;
	*out = (struct sw_redirect_errors){0};
	if (slot == 0)
		*out = (struct sw_redirect_errors){.device_down = 12, .queue_full = 3};
	return 0;
}

bool maps_redirects_counted(const struct maps *maps)
{
	return maps;
}

int maps_interface_each(struct maps *maps,
			int (*cb)(void *arg, uint32_t ifindex, const struct sw_interface *row),
			void *arg)
{
	static const struct sw_interface rows[] = {
		{.name = "lan0", .role = SW_ROLE_INSIDE, .slot = SW_INSIDE_SLOT},
		{.name = "tun30", .role = SW_ROLE_PATH, .slot = 5},
		{.name = "er0", .role = SW_ROLE_PATH, .slot = 0},
	};
	int code = 0;

	(void)maps;
	for (uint32_t i = 0; !code && i < 3; i++)
		code = cb(arg, 1000000 + i, &rows[i]);
	return code;
}

/* Of a record its state alone. */
int maps_flow_rows(struct maps *maps, flow_row_cb cb, void *arg)
{
	int code = 0;

	(void)maps;
	for (size_t i = 0; !code && i < 3; i++) {
		struct flow_row row = {.family = fake_keys[i].family};

		row.state.s.verdict = fake_flows[i].state.verdict;
		code = cb(arg, &row);
	}
	return code;
}

int maps_flow_each(struct maps *maps, flow_cb cb, void *arg)
{
	int code = 0;

	(void)maps;
	for (size_t i = 0; !code && i < 3; i++)
		code = cb(arg, &fake_keys[i], &fake_flows[i]);
	return code;
}

int maps_flows_max(struct maps *maps, struct datapath_sizes *out)
{
	(void)maps;
	*out = (struct datapath_sizes){.flows4 = 65536, .flows6 = 16384};
	return 0;
}

int maps_nodes(struct maps *maps, uint32_t *nodes4, uint32_t *nodes6)
{
	(void)maps;
	*nodes4 = 8192;
	*nodes6 = 16384;
	return 0;
}

int maps_rule_names(struct maps *maps, struct sw_rule_names out[2])
{
	(void)maps;
	memcpy(out, fake_rules, sizeof(fake_rules));
	return 0;
}

int maps_rule_denied(struct maps *maps, uint32_t row, uint32_t n, struct sw_rule_denied *out)
{
	(void)maps;
	*out = (struct sw_rule_denied){.dropped = 100 * row + n, .passed = 3};
	return 0;
}

int maps_hook_each(const char *instance,
		   int (*cb)(void *arg, const char *ifname, enum hook hook, bool attached),
		   void *arg)
{
	(void)instance;
	return cb(arg, "er0", HOOK_XDP, true) || cb(arg, "tun30", HOOK_TC_INGRESS, false);
}

static struct maps *fake_maps(void)
{
	return (struct maps *)&fake_usable;
}

static struct sw_flow_state state_of(uint8_t out, uint8_t in, enum sw_verdict verdict)
{
	return (struct sw_flow_state){.out = out, .in = in, .verdict = (uint8_t)verdict};
}

/* A flow of 10.2.30.10, which is inside, with 10.10.30.4. */
static void fake_flow(size_t i, uint8_t proto, bool inside_hi, bool opened_inside,
		      struct sw_flow_state state)
{
	static const uint8_t inside[4] = {10, 2, 30, 10}, outside[4] = {10, 10, 30, 4};

	fake_keys[i] = (struct sw_flow_key){.family = 4, .proto = proto};
	memcpy(fake_keys[i].lo, inside_hi ? outside : inside, 4);
	memcpy(fake_keys[i].hi, inside_hi ? inside : outside, 4);
	fake_keys[i].lo_port = htons(inside_hi ? 443 : 40000);
	fake_keys[i].hi_port = htons(inside_hi ? 40000 : 443);
	fake_flows[i] = (struct flow){
		.state = state,
		.about = (inside_hi ? SW_FLOW_INSIDE_IS_HI : 0) |
			 (opened_inside ? SW_FLOW_OPENED_INSIDE : 0),
		.created_ns = 1000 * SECOND,
		.seen_ns = 1060 * SECOND,
		.out_packets = 10,
		.out_bytes = 1000,
		.in_packets = 20,
		.in_bytes = 2000,
	};
}

static void fake_path(unsigned int id, const char *name, const char *circuit, enum sw_class class,
		      uint32_t ifindex)
{
	struct sw_path *path = &fake_paths[id];

	memset(path, 0, sizeof(*path));
	strcpy(path->name, name);
	strcpy(path->circuit_name, circuit);
	path->class = (uint8_t) class;
	path->ifindex = ifindex;
	path->routes4 = id ? 0 : 12;
}

static int setup(void **state)
{
	(void)state;
	memset(&fake_usable, 0xff, sizeof(fake_usable));
	fake_path(0, "er1-primary", "er1", SW_CLASS_EXPRESSROUTE, 1000002);
	fake_path(5, "vpn30", "", SW_CLASS_VPN, 1000001);
	fake_flow(0, 6, false, true, state_of(0, 0, SW_VERDICT_OK));
	fake_flow(1, 17, true, false, state_of(0, 5, SW_VERDICT_ASYMMETRIC));
	fake_flow(2, 47, false, true, state_of(0, SW_NO_PATH, SW_VERDICT_PENDING));
	fake_flows[2].in_packets = fake_flows[2].in_bytes = 0;
	return 0;
}

#endif
