/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of test_packets.c. A row: what it shows, the device a packet comes by, the packet, what
 * differs from the edge of edge.h or in the bytes, and what must become of it when enforcing.
 * XDP passes up, uncounted, what goes to tun0 (it cannot send there) and what is not moved.
 */
#ifndef TESTS_PROG_CASES_H
#define TESTS_PROG_CASES_H

#include "edge.h"

struct one {
	const char *what;
	enum device in;
	struct packet packet;
	void (*vary)(void);	       /* the edge, after its reset */
	void (*spoil)(struct frame *); /* the bytes */
	const struct packet *primed;   /* a packet of before, that left by primed_by */
	enum device primed_by;
	bool primed_in; /* it came by primed_by instead */
	enum sw_reason reason;
	enum sw_action action;
	enum device to; /* where to, NO_DEVICE: nowhere */
	bool record;
	bool in_counted; /* passed, and yet a packet of the path it came by */
	bool transit;	 /* counted so when only monitoring */
};

/* Changes of the edge. */
static void vary_er0_down(void)
{
	paths_down(BIT(ER0));
}
static void vary_er1_only(void)
{
	paths_down(BIT(ER0));
}
static void vary_er0_only(void)
{
	paths_down(BIT(ER1));
}
static void vary_peers_down(void)
{
	edge.usable->peers4 = edge.usable->peers6 = 0;
}
static void vary_no_ipv6(void)
{
	edge.ctl->can6 &= ~BIT(ER0);
}
static void vary_default(void)
{
	paths_down(BIT(ER0));
	edge.ctl->default4 = edge.ctl->default6 = G_DEFAULT;
}
static void vary_no_hosts(void)
{
	map_clear("neighbors");
}
static void vary_no_gateway(void)
{
	struct sw_nexthop nh = {.family = 4,
				.ifindex = edge.ifindex[ER0],
				.l3_ifindex = edge.ifindex[ER0],
				.addr = {192, 168, 1, 77}};
	uint32_t index = ER0 * 2;

	map_write("nexthops", &index, &nh);
}
static void vary_no_nexthop(void)
{
	struct sw_nexthop nh = {0};
	uint32_t index = ER0 * 2;

	map_write("nexthops", &index, &nh);
}
static void vary_bad_group(void)
{
	fib_write("10.17.30.0", 26, SW_MAX_GROUPS - 5);
}

/* Changes of the bytes. */
static void spoil_mac(struct frame *f)
{
	f->data[5] ^= 0x40;
}
static void spoil_to_broadcast(struct frame *f)
{
	memset(f->data, 0xff, 6);
}
static void spoil_vlan(struct frame *f)
{
	memmove(f->data + 16, f->data + 12, f->len - 12);
	memcpy(f->data + 12, (uint8_t[]){0x81, 0, 0x01, 0x2c}, 4);
	f->len += 4;
}
static void spoil_qinq(struct frame *f)
{
	spoil_vlan(f);
	f->data[12] = 0x88;
	f->data[13] = 0xa8;
}
static void spoil_arp(struct frame *f)
{
	f->data[12] = 8;
	f->data[13] = 6;
}
static void spoil_ethertype(struct frame *f)
{
	f->data[12] = 0x88;
	f->data[13] = 0xcc; /* LLDP */
}
static void spoil_ihl(struct frame *f)
{
	f->data[f->l3] = 0x44;
}
static void spoil_version(struct frame *f)
{
	f->data[f->l3] = (uint8_t)(f->data[f->l3] ^ 0x10);
}
static void spoil_tot_len_more(struct frame *f)
{
	f->data[f->l3 + (f->data[f->l3] >> 4 == 4 ? 3 : 5)] += 1;
}
static void spoil_tot_len_less(struct frame *f)
{
	f->data[f->l3 + 3] = 19;
}
static void spoil_doff(struct frame *f)
{
	f->data[f->l3 + 20 + 12] = 4 << 4;
}
static void spoil_padding(struct frame *f)
{
	f->len = 64; /* of Ethernet, beyond the IP packet */
}
static void spoil_l3_noise(struct frame *f)
{
	f->data[0] = 0x15;
}

static const struct packet flow_out = {
	.src = LAN_HOST, .dst = HUB, .proto = IPPROTO_TCP, .sport = 4000, .dport = 443};
static const struct packet flow_in = {
	.src = HUB, .dst = LAN_HOST, .proto = IPPROTO_TCP, .sport = 443, .dport = 4000};
static const struct packet flow_out6 = {
	.src = LAN_HOST6, .dst = HUB6, .proto = IPPROTO_TCP, .sport = 4000, .dport = 443};
static const struct packet spoof_inside = {.src = LAN_HOST, .dst = FAR_HOST};
static const struct packet spoof_out = {.src = LAN_HOST, .dst = BRANCH};
static const struct packet flow_echo = {
	.src = LAN_HOST, .dst = HUB, .proto = IPPROTO_ICMP, .sport = 77};

#define OUT4(to) .src = LAN_HOST, .dst = to
#define OUT6(to) .src = LAN_HOST6, .dst = to
#define FORWARDED(dev)                                                                             \
	.reason = SW_REASON_forwarded, .action = SW_ACTION_FORWARD, .to = dev, .record = true
#define UNRECORDED(dev) .reason = SW_REASON_forwarded, .action = SW_ACTION_FORWARD, .to = dev
#define PASSED(why)	.reason = SW_REASON_##why, .action = SW_ACTION_PASS, .to = NO_DEVICE
#define DENIED                                                                                     \
	.reason = SW_REASON_transit_denied, .action = SW_ACTION_DROP, .to = NO_DEVICE,             \
	.transit = true

#define SPOOF .reason = SW_REASON_spoof, .action = SW_ACTION_DROP, .to = NO_DEVICE, .transit = true

/* clang-format off */
static const struct one cases[] = {
	/* out, each protocol */
	{"TCP", LAN0, {OUT4(REMOTE), .proto = IPPROTO_TCP, .sport = 1, .dport = 2}, FORWARDED(ER0)},
	{"UDP", LAN0, {OUT4(REMOTE), .sport = 1, .dport = 2}, FORWARDED(ER0)},
	{"SCTP", LAN0, {OUT4(REMOTE), .proto = PROTO_SCTP, .sport = 1, .dport = 2}, FORWARDED(ER0)},
	{"echo request", LAN0, {OUT4(REMOTE), .proto = IPPROTO_ICMP, .sport = 9}, FORWARDED(ER0)},
	{"a protocol without ports", LAN0, {OUT4(REMOTE), .proto = 47}, FORWARDED(ER0)},
	{"TCP over IPv6", LAN0, {OUT6(REMOTE6), .proto = IPPROTO_TCP, .sport = 1}, FORWARDED(ER0)},
	{"UDP over IPv6", LAN0, {OUT6(REMOTE6), .sport = 1, .dport = 2}, FORWARDED(ER0)},
	{"SCTP over IPv6", LAN0, {OUT6(REMOTE6), .proto = PROTO_SCTP, .sport = 1}, FORWARDED(ER0)},
	{"echo request of IPv6", LAN0, {OUT6(REMOTE6), .proto = PROTO_ICMP6, .sport = 9}, FORWARDED(ER0)},
	{"from the inside behind a gateway", LAN1, {.src = FAR_HOST, .dst = REMOTE}, FORWARDED(ER0)},
	{"the same of IPv6", LAN1, {.src = FAR_HOST6, .dst = REMOTE6}, FORWARDED(ER0)},
	{"to an Ethernet VPN", LAN0, {OUT4(VPN_HOST)}, FORWARDED(VPN1)},
	{"Ethernet to a device without", LAN0, {OUT4(BRANCH)}, FORWARDED(TUN)},
	{"the same of IPv6", LAN0, {OUT6(BRANCH6)}, FORWARDED(TUN)},
	{"Ethernet's padding", LAN0, {OUT4(REMOTE), .sport = 1}, .spoil = spoil_padding, FORWARDED(ER0)},
	/* in */
	{"TCP in", ER0, {.src = REMOTE, .dst = LAN_HOST, .proto = IPPROTO_TCP}, FORWARDED(LAN0)},
	{"UDP of IPv6 in", ER0, {.src = REMOTE6, .dst = LAN_HOST6}, FORWARDED(LAN0)},
	{"in, to the inside behind a gateway", ER0, {.src = REMOTE, .dst = FAR_HOST}, FORWARDED(LAN1)},
	{"the same of IPv6", ER0, {.src = REMOTE6, .dst = FAR_HOST6}, FORWARDED(LAN1)},
	{"in by a path that is no first choice", TUN, {.src = HUB, .dst = LAN_HOST}, FORWARDED(LAN0)},
	{"a device without Ethernet to one with", TUN, {.src = BRANCH, .dst = LAN_HOST}, FORWARDED(LAN0)},
	{"the same of IPv6", TUN, {.src = BRANCH6, .dst = LAN_HOST6}, FORWARDED(LAN0)},
	{"the same to a gateway", TUN, {.src = BRANCH, .dst = FAR_HOST}, FORWARDED(LAN1)},
	/* fragments */
	{"first fragment", LAN0, {OUT4(REMOTE), .frag = FRAG_FIRST, .sport = 1}, UNRECORDED(ER0)},
	{"later fragment", LAN0, {OUT4(REMOTE), .frag = FRAG_LATER}, UNRECORDED(ER0)},
	{"first fragment of IPv6", LAN0, {OUT6(REMOTE6), .frag = FRAG_FIRST}, UNRECORDED(ER0)},
	{"later fragment of IPv6", LAN0, {OUT6(REMOTE6), .frag = FRAG_LATER}, UNRECORDED(ER0)},
	{"later fragment in", ER0, {.src = REMOTE, .dst = LAN_HOST, .frag = FRAG_LATER}, UNRECORDED(LAN0)},
	{"fragment of a flow that is there", LAN0, {OUT4(REMOTE), .frag = FRAG_FIRST, .sport = 1},
	 .primed = &flow_out, .primed_by = ER1, UNRECORDED(ER0)},
	/* ICMP errors */
	{"unreachable, quoting a flow, from who knows where", ER0,
	 {.src = "192.0.2.1", .dst = LAN_HOST, .proto = IPPROTO_ICMP, .quote = &flow_out},
	 .primed = &flow_out, .primed_by = ER0, UNRECORDED(LAN0)},
	{"TTL exceeded, quoting a flow", ER1,
	 {.src = BRANCH, .dst = LAN_HOST, .proto = IPPROTO_ICMP, .icmp_type = 11, .quote = &flow_out},
	 .primed = &flow_out, .primed_by = ER0, UNRECORDED(LAN0)},
	{"unreachable, quoting an echo", ER1,
	 {.src = BRANCH, .dst = LAN_HOST, .proto = IPPROTO_ICMP, .quote = &flow_echo},
	 .primed = &flow_echo, .primed_by = ER0, UNRECORDED(LAN0)},
	{"packet too big of IPv6, quoting a flow", ER1,
	 {.src = BRANCH6, .dst = LAN_HOST6, .proto = PROTO_ICMP6, .icmp_type = 2, .quote = &flow_out6},
	 .primed = &flow_out6, .primed_by = ER0, UNRECORDED(LAN0)},
	{"an error out follows its flow, not its own hash", LAN0,
	 {OUT4(HUB), .proto = IPPROTO_ICMP, .quote = &flow_in}, .vary = vary_er0_only,
	 .primed = &flow_out, .primed_by = ER0, UNRECORDED(ER0)},
	{"the same by the circuit's other path", LAN0,
	 {OUT4(HUB), .proto = IPPROTO_ICMP, .quote = &flow_in}, .vary = vary_er1_only,
	 .primed = &flow_out, .primed_by = ER1, UNRECORDED(ER1)},
	{"an error that quotes no flow of ours, from a right source", ER0,
	 {.src = REMOTE, .dst = LAN_HOST, .proto = IPPROTO_ICMP, .quote = &flow_out}, UNRECORDED(LAN0)},
	{"the same from a wrong one", ER2,
	 {.src = REMOTE, .dst = LAN_HOST, .proto = IPPROTO_ICMP, .quote = &flow_out}, PASSED(source)},
	/* what the kernel must do */
	{"IPv4 options", LAN0, {OUT4(REMOTE), .options = 8}, PASSED(ip_options)},
	{"IPv4 options in", ER0, {.src = REMOTE, .dst = LAN_HOST, .options = 40}, PASSED(ip_options),
	 .record = true, .in_counted = true},
	{"hop-by-hop header", LAN0, {OUT6(REMOTE6), .ext = "h"}, PASSED(ip_options)},
	{"routing and destination headers", LAN0, {OUT6(REMOTE6), .ext = "rd", .sport = 3}, FORWARDED(ER0)},
	{"six extension headers", LAN0, {OUT6(REMOTE6), .ext = "dddddd", .sport = 3}, FORWARDED(ER0)},
	{"seven extension headers", LAN0, {OUT6(REMOTE6), .ext = "ddddddd"}, PASSED(ip_options)},
	{"a fragment header behind another", LAN0,
	 {OUT6(REMOTE6), .ext = "df", .frag = FRAG_FIRST}, UNRECORDED(ER0)},
	{"TTL 1", LAN0, {OUT4(REMOTE), .ttl = 1}, PASSED(ttl)},
	{"TTL 0", LAN0, {OUT4(REMOTE), .ttl = TTL_ZERO}, PASSED(ttl)},
	{"TTL 2", LAN0, {OUT4(REMOTE), .ttl = 2}, FORWARDED(ER0)},
	{"TTL 1 in", ER0, {.src = REMOTE, .dst = LAN_HOST, .ttl = 1}, PASSED(ttl)},
	{"hop limit 1", LAN0, {OUT6(REMOTE6), .ttl = 1}, PASSED(ttl)},
	{"hop limit 0", LAN0, {OUT6(REMOTE6), .ttl = TTL_ZERO}, PASSED(ttl)},
	{"as big as the path", LAN0, {OUT4(VPN_HOST), .size = 1400}, FORWARDED(VPN1)},
	{"too big for the path", LAN0, {OUT4(VPN_HOST), .size = 1401}, PASSED(too_big)},
	{"as big as the path without Ethernet", LAN0, {OUT4(BRANCH), .size = 1400}, FORWARDED(TUN)},
	{"too big for it", LAN0, {OUT4(BRANCH), .size = 1401}, PASSED(too_big)},
	{"as big as the path, IPv6", LAN0, {OUT6(VPN_HOST6), .size = 1400}, FORWARDED(VPN1)},
	{"too big for the path, IPv6", LAN0, {OUT6(VPN_HOST6), .size = 1401}, PASSED(too_big)},
	{"as big as the inside", ER0, {.src = REMOTE, .dst = LAN_HOST, .size = 1500}, FORWARDED(LAN0)},
	{"too big for the inside", ER0, {.src = REMOTE, .dst = LAN_HOST, .size = 1501},
	 PASSED(too_big), .record = true, .in_counted = true},
	/* malformed */
	{"IPv4 header length 4", LAN0, {OUT4(REMOTE)}, .spoil = spoil_ihl, PASSED(malformed)},
	{"IPv4 with another version", LAN0, {OUT4(REMOTE)}, .spoil = spoil_version, PASSED(malformed)},
	{"IPv6 with another version", LAN0, {OUT6(REMOTE6)}, .spoil = spoil_version, PASSED(malformed)},
	{"IPv4 length beyond the frame", LAN0, {OUT4(REMOTE)}, .spoil = spoil_tot_len_more, PASSED(malformed)},
	{"IPv6 length beyond the frame", LAN0, {OUT6(REMOTE6)}, .spoil = spoil_tot_len_more, PASSED(malformed)},
	{"IPv4 length below its header's", LAN0, {OUT4(REMOTE)}, .spoil = spoil_tot_len_less, PASSED(malformed)},
	{"TCP header length 4", LAN0, {OUT4(REMOTE), .proto = IPPROTO_TCP}, .spoil = spoil_doff, PASSED(malformed)},
	/* not ours */
	{"VLAN tag", LAN0, {OUT4(REMOTE)}, .spoil = spoil_vlan, PASSED(unknown_vlan)},
	{"802.1ad tag", ER0, {.src = REMOTE, .dst = LAN_HOST}, .spoil = spoil_qinq, PASSED(unknown_vlan)},
	{"ARP", LAN0, {OUT4(REMOTE)}, .spoil = spoil_arp, PASSED(arp_nd)},
	{"neighbour solicitation", LAN0, {OUT6("fd02:30::99"), .proto = PROTO_ICMP6, .icmp_type = 135}, PASSED(arp_nd)},
	{"router advertisement", ER0, {.src = "fe80::1", .dst = "ff02::1", .proto = PROTO_ICMP6, .icmp_type = 134},
	 PASSED(arp_nd)},
	{"another ethertype", LAN0, {OUT4(REMOTE)}, .spoil = spoil_ethertype, PASSED(unknown_ethertype)},
	{"not IP on a device without Ethernet", TUN, {.src = BRANCH, .dst = LAN_HOST}, .spoil = spoil_l3_noise,
	 PASSED(unknown_ethertype)},
	{"another host's MAC", LAN0, {OUT4(REMOTE)}, .spoil = spoil_mac, PASSED(other_host)},
	{"another host's MAC, IPv6", LAN0, {OUT6(REMOTE6)}, .spoil = spoil_mac, PASSED(other_host)},
	{"multicast", LAN0, {OUT4("224.0.0.5")}, PASSED(multicast)},
	{"multicast of IPv6", LAN0, {OUT6("ff05::2")}, PASSED(multicast)},
	{"broadcast", LAN0, {OUT4("255.255.255.255")}, PASSED(multicast)},
	{"a broadcast MAC", LAN0, {OUT4(REMOTE)}, .spoil = spoil_to_broadcast, PASSED(multicast)},
	{"a broadcast MAC, IPv6", LAN0, {OUT6(REMOTE6)}, .spoil = spoil_to_broadcast, PASSED(multicast)},
	{"the subnet's broadcast address", LAN0, {OUT4("10.2.30.127")}, PASSED(local)},
	{"to link-local", LAN0, {OUT4("169.254.1.1")}, PASSED(linklocal)},
	{"from link-local", LAN0, {.src = "fe80::5", .dst = REMOTE6}, PASSED(linklocal)},
	{"to this box", LAN0, {OUT4(OWN)}, PASSED(local)},
	{"to this box, IPv6", ER0, {.src = REMOTE6, .dst = OWN6}, PASSED(local)},
	{"to an exempt address, TTL 1 or not", LAN0, {OUT4(EXEMPT), .ttl = 1}, PASSED(exempt)},
	{"to an exempt address of IPv6", LAN0, {OUT6(EXEMPT6)}, PASSED(exempt)},
	{"from an exempt address", TUN, {.src = EXEMPT, .dst = LAN_HOST}, PASSED(exempt)},
	{"from an exempt address of IPv6", ER0, {.src = EXEMPT6, .dst = LAN_HOST6}, PASSED(exempt)},
	{"a LAN host's own IKE", LAN0, {OUT4(REMOTE), .sport = 500, .dport = 500}, FORWARDED(ER0)},
	/* no way */
	{"no route", LAN0, {OUT4("10.1.31.10")}, PASSED(no_route)},
	{"no route, IPv6", LAN0, {OUT6("fd77::1")}, PASSED(no_route)},
	{"no route to what came by a path", ER0, {.src = REMOTE, .dst = "10.1.31.10"}, PASSED(no_route)},
	{"a group that is none", LAN0, {OUT4(REMOTE)}, .vary = vary_bad_group, PASSED(no_route)},
	{"hairpin", LAN0, {OUT4("10.2.30.11")}, PASSED(hairpin)},
	{"inside to another inside", LAN0, {OUT4(FAR_HOST)}, PASSED(local)},
	{"no path", LAN0, {OUT4(REMOTE)}, .vary = vary_er0_down, PASSED(no_path)},
	{"a path that may not carry IPv6", LAN0, {OUT6(REMOTE6)}, .vary = vary_no_ipv6, PASSED(no_path)},
	{"last resort", LAN0, {OUT4(REMOTE)}, .vary = vary_peers_down,
	 .reason = SW_REASON_last_resort, .action = SW_ACTION_FORWARD, .to = ER0, .record = true},
	{"last resort, IPv6", LAN0, {OUT6(REMOTE6)}, .vary = vary_peers_down,
	 .reason = SW_REASON_last_resort, .action = SW_ACTION_FORWARD, .to = ER0, .record = true},
	{"the next tier", LAN0, {OUT4(SPOKE)}, .vary = vary_er_down, FORWARDED(VPN1)},
	{"the next tier, without Ethernet", LAN0, {OUT4(HUB)}, .vary = vary_er_down, FORWARDED(TUN)},
	{"the default route, last", LAN0, {OUT4(REMOTE)}, .vary = vary_default, FORWARDED(ER2)},
	{"no neighbour", ER0, {.src = REMOTE, .dst = "10.2.30.11"}, PASSED(no_neighbor),
	 .record = true, .in_counted = true},
	{"no neighbour any more", ER0, {.src = REMOTE6, .dst = LAN_HOST6}, .vary = vary_no_hosts,
	 PASSED(no_neighbor), .record = true, .in_counted = true},
	{"no neighbour of the gateway", LAN0, {OUT4(REMOTE)}, .vary = vary_no_gateway, PASSED(no_neighbor)},
	{"no gateway", LAN0, {OUT4(REMOTE)}, .vary = vary_no_nexthop, PASSED(no_neighbor)},
	/* sources */
	{"an inside source of another interface", LAN0, {.src = FAR_HOST, .dst = REMOTE}, PASSED(source)},
	{"a source of nowhere", LAN0, {.src = "192.0.2.9", .dst = REMOTE}, PASSED(source)},
	{"a source that a path's prefix has", LAN0, {.src = HUB, .dst = REMOTE}, PASSED(source)},
	{"in by a path that has no candidate", ER2, {.src = REMOTE, .dst = LAN_HOST}, PASSED(source)},
	{"in with an inside source", ER0, {.src = "10.2.30.44", .dst = LAN_HOST}, SPOOF, .record = true},
	{"in with an inside source, IPv6", ER0, {.src = "fd02:30::44", .dst = LAN_HOST6}, SPOOF, .record = true},
	{"in with an inside source, without Ethernet", TUN, {.src = FAR_HOST, .dst = HUB}, SPOOF, .record = true},
	{"in with an inside source, a fragment", ER0, {.src = "10.2.30.44", .dst = HUB, .frag = FRAG_FIRST}, SPOOF},
	{"an ICMP error with an inside source", ER0,
	 {.src = "10.2.30.44", .dst = HUB, .proto = IPPROTO_ICMP, .quote = &flow_in}, SPOOF},
	{"in with an inside source, to nowhere", ER0, {.src = "10.2.30.44", .dst = "10.1.31.10"}, PASSED(no_route)},
	{"in with a source of this box", ER0, {.src = OWN, .dst = LAN_HOST}, PASSED(source)},
	{"the answer to what a spoofer sent, from inside too", ER0, {.src = FAR_HOST, .dst = LAN_HOST},
	 .primed = &spoof_inside, .primed_in = true, SPOOF, .record = true},
	{"the answer to what a spoofer sent, from where it does not belong", ER0, {.src = BRANCH, .dst = LAN_HOST},
	 .primed = &spoof_out, .primed_in = true, PASSED(source), .record = true},
	{"from another inside, after a spoofer", LAN1, {.src = LAN_HOST, .dst = BRANCH},
	 .primed = &spoof_out, .primed_in = true, PASSED(source), .record = true},
	{"an ICMP error of what a spoofer sent", ER0,
	 {.src = BRANCH, .dst = LAN_HOST, .proto = IPPROTO_ICMP, .quote = &spoof_out},
	 .primed = &spoof_out, .primed_in = true, PASSED(source), .record = true},
	{"in by a path without candidate, a flow that is there", VPN1,
	 {.src = HUB, .dst = LAN_HOST, .proto = IPPROTO_TCP, .sport = 443, .dport = 4000},
	 .primed = &flow_out, .primed_by = ER0, FORWARDED(LAN0)},
	/* path to path */
	{"transit", ER0, {.src = REMOTE, .dst = BRANCH}, DENIED},
	{"transit back by the path it came by", ER0, {.src = HUB, .dst = REMOTE}, DENIED},
	{"transit, IPv6", ER0, {.src = REMOTE6, .dst = VPN_HOST6}, DENIED},
	{"own packet back on a path", ER0,
	 {.src = LAN_HOST, .dst = HUB, .proto = IPPROTO_TCP, .sport = 4000, .dport = 443},
	 .primed = &flow_out, .primed_by = ER0, SPOOF},
	{"own packet back on another path", TUN,
	 {.src = LAN_HOST, .dst = HUB, .proto = IPPROTO_TCP, .sport = 4000, .dport = 443},
	 .primed = &flow_out, .primed_by = ER0, SPOOF},
	{"own echo request back, with a TTL of 1", ER0,
	 {.src = LAN_HOST, .dst = HUB, .proto = IPPROTO_ICMP, .sport = 77, .ttl = 1},
	 .primed = &flow_echo, .primed_by = ER0, SPOOF},
};
/* clang-format on */

#endif
