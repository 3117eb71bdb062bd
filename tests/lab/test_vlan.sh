#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Paths that share a device: ExpressRoute by QinQ (802.1ad 30, 802.1Q 300) on a trunk, and two paths on one segment whose gateways'
# MACs tell them apart. Real packets and daemon; the VLAN interfaces are stood in for by tests/lab/vlan.bpf.c.
#
#   lan -- lan0 edge er0 (trunk, er0.300) == ce0 msee 10.10.30.4
#               edge er1 ---- bridge in seg ---- gwa, gwb: both 10.20.30.4
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/vlan.sh
. "$(dirname "$0")/vlan.sh"
SITES='lan edge msee seg gwa gwb'
SEG4=10.20.30.4 SEG6=fd00:20::4

# make_gateway SITE ADDRESS LINK-LOCAL: on the segment, with the same host behind each
make_gateway() {
	make_link "$1" eth0 "$2/29 $3/64" seg "$1" '' && ip -n "$LAB-seg" link set "$1" master br0 &&
		ip -n "$LAB-$1" addr add $SEG4/32 dev lo && ip -n "$LAB-$1" addr add $SEG6/128 dev lo &&
		ip -n "$LAB-$1" route add 10.2.30.0/25 via 192.168.40.1 &&
		ip -n "$LAB-$1" -6 route add fd00:2:30::/64 via fe80::e dev eth0
}

vlan_lab_up() {
	local site
	LAB=sw$(printf '%04x%04x' $RANDOM $RANDOM)
	RUN=$(mktemp -d "/tmp/$LAB.XXXXXX") && chmod 755 "$RUN" || return 1
	: >"$RUN/pids"
	for site in $SITES; do make_site "$site" || return 1; done
	make_link lan eth0 "$LAN4/25 $LAN6/64" edge lan0 "10.2.30.3/25 fd00:2:30::3/64" &&
		make_link edge er0 '' msee ce0 '' && make_subinterface edge er0 && make_subinterface msee ce0 &&
		ip -n "$LAB-edge" addr add 192.168.30.17/30 dev er0.300 &&
		ip -n "$LAB-edge" addr add fd00:192:168:30::1/64 dev er0.300 &&
		ip -n "$LAB-msee" addr add 192.168.30.18/30 dev ce0.300 &&
		ip -n "$LAB-msee" addr add fd00:192:168:30::2/64 dev ce0.300 &&
		ip -n "$LAB-msee" addr add $CLOUD4/32 dev lo && ip -n "$LAB-msee" addr add $CLOUD6/128 dev lo &&
		ip -n "$LAB-msee" route add 10.2.30.0/25 via 192.168.30.17 &&
		ip -n "$LAB-msee" -6 route add fd00:2:30::/64 via fd00:192:168:30::1 &&
		ip -n "$LAB-seg" link add br0 type bridge && ip -n "$LAB-seg" link set br0 up &&
		make_link edge er1 "192.168.40.1/29 fe80::e/64" seg er1 '' && ip -n "$LAB-seg" link set er1 master br0 &&
		make_gateway gwa 192.168.40.2 fe80::a && make_gateway gwb 192.168.40.3 fe80::b &&
		ip -n "$LAB-lan" route add default via 10.2.30.3 && ip -n "$LAB-lan" -6 route add default via fd00:2:30::3
}

vlan_config() {
	cat >"$RUN/sameway.yaml" <<-X
		mode: enforce
		failback-delay: 0ms
		paths:
		  - { name: er1, class: expressroute, interface: er0, vlan: [30, 300], l3: er0.300, gateway: 192.168.30.18, gateway6: "fd00:192:168:30::2" }
		  - { name: seg-a, class: expressroute, interface: er1, gateway: 192.168.40.2, gateway6: "fe80::a" }
		  - { name: seg-b, class: vpn, encrypted: true, interface: er1, gateway: 192.168.40.3, gateway6: "fe80::b" }
		inside:
		  - { interface: lan0, networks: [10.2.30.0/25, "fd00:2:30::/64"] }
		feeds:
		  - { name: file, type: jsonl, file: routes.jsonl, follow: true }
	X
	{
		for p in 10.10.30.0/24 fd00:10:10:30::/64; do echo "{\"op\":\"announce\",\"prefix\":\"$p\",\"path\":\"er1\"}"; done
		for p in 10.20.30.0/24 fd00:20::/64; do
			for n in seg-a seg-b; do echo "{\"op\":\"announce\",\"prefix\":\"$p\",\"path\":\"$n\"}"; done
		done
		echo '{"op":"end-of-rib"}'
	} >"$RUN/routes.jsonl"
}

# count PATH FIELD; reason INTERFACE REASON
count() { j ".[] | select(.name == \"$1\") | .$2" paths; }
reason() { j "[.reasons[] | select(.interface == \"$1\" and .reason == \"$2\") | .packets] | add // 0" counters; }
# by PATH rx|tx DESTINATION: 20 pings are counted there
by() {
	local before
	before=$(count "$1" "$2_packets")
	ping_lost 20 0.01 "$3" >/dev/null
	[ $(($(count "$1" "$2_packets") - before)) -ge 20 ]
}
# from SITE PATH SOURCE DESTINATION: what that gateway sends is the path's, all of it moved by the programs
from() {
	local before moved
	before=$(count "$2" rx_packets) moved=$(reason er1 forwarded)
	in_ns "$1" ping -q -c 20 -i 0.01 -W 0.1 -I "$3" "$4" >/dev/null # answered by way of seg-a, also gwb's
	[ $(($(count "$2" rx_packets) - before)) -ge 20 ] && [ $(($(reason er1 forwarded) - moved)) -ge 20 ]
}
# moves COUNT DESTINATION DEVICE: pings there are moved by the programs both ways, none lost
moves() {
	local out in
	out=$(reason lan0 forwarded) in=$(reason "$3" forwarded)
	[ "$(ping_lost "$1" 0.01 "$2")" = 0 ] && [ $(($(reason lan0 forwarded) - out)) -ge "$1" ] &&
		[ $(($(reason "$3" forwarded) - in)) -ge "$1" ]
}
tagged_at_peer() {
	in_ns msee timeout 5 tcpdump -nne -i ce0 -c 40 >"$RUN/dump" 2>/dev/null &
	wait_for 2 true
	ping_lost 60 0.02 "$CLOUD4" >/dev/null
	wait $!
	grep -q '802.1Q-QinQ (0x88a8), length [0-9]*: vlan 30, p 0, ethertype 802.1Q (0x8100), vlan 300, p 0, ethertype IPv4 (0x0800), .*echo request' "$RUN/dump"
}

if ! vlan_lab_up || ! vlan_config; then
	fail "the lab comes up" "see above"
	done_testing
fi
# as an impatient owner would: the kernel's own probing takes about 20 s until it gives a neighbour up
for f in ipv4 ipv6; do
	in_ns edge sysctl -qw net.$f.neigh.er1.interval_probe_time_ms=500 net.$f.neigh.er1.delay_first_probe_time=1 \
		net.$f.neigh.er1.retrans_time_ms=200 net.$f.neigh.er1.base_reachable_time_ms=1000
done
check "it runs" sameway_start || done_testing
check "one row a hook of each interface" true_json '[.hooks[] | select(.interface == "er1")] | length == 3' status
check_within 10 "all paths are usable" true_json 'all(.[]; .usable)' paths

# What er0.300 received came by a path, for TC egress; counters and status have the trunk alone
owner_rows() {
	bpftool -j map dump pinned "/sys/fs/bpf/sameway/$LAB/interfaces" |
		jq '[.[].formatted.value | select(.owner == 1 and .role == 1)] | length'
}
check_equal "er0.300 is known as er1's" "$(owner_rows)" 1
check_equal "its rows are the trunk's" "$(j '[.reasons[], .egress[] | select(.interface == "er0.300")] | length' counters)" 0

# QinQ, by XDP
check_within 5 "gateway is managed on er0.300" eval 'in_ns edge ip neigh show dev er0.300 | grep -q "192.168.30.18 .*managed"'
check_within 10 "IPv4 by QinQ, both ways" moves 20 $CLOUD4 er0
check_within 10 "IPv6" moves 20 $CLOUD6 er0
check "the peer sees 802.1ad 30, 802.1Q 300" tagged_at_peer
check_at_most "XDP moves them: er0.300 sees none" "$(moved edge er0.300 rx ping_lost 20 0.01 $CLOUD4)" 5
start_iperf msee
check "TCP through it" in_ns lan timeout 15 iperf3 -c $CLOUD4 -t 1
check "TCP back" in_ns lan timeout 15 iperf3 -c $CLOUD4 -t 1 -R
check "1500 bytes fit" in_ns lan ping -c 1 -W 1 -M 'do' -s 1472 $CLOUD4

# A tag that is nobody's
before=$(reason er0 unknown-vlan)
classify msee subp push_other ce0
in_ns msee ping -q -c 10 -i 0.02 -W 0.1 -I $CLOUD4 $LAN4 >/dev/null
classify msee subp push ce0
check_at_least "another outer tag: unknown-vlan" $(($(reason er0 unknown-vlan) - before)) 10
check_within 5 "and the right one goes on" moves 20 $CLOUD4 er0

# The same by TC: the peer keeps its outer tag beside the frame, where XDP can't see it, and takes nothing from XDP
in_ns msee ethtool -K ce0 txvlan on tx-vlan-stag-hw-insert on gro off >/dev/null
in_ns lan ethtool -K eth0 gro off >/dev/null
check_within 10 "XDP can't send there now" grep -q "er0 takes nothing from XDP" "$RUN/sameway.log"
check_within 10 "by TC: IPv4" moves 20 $CLOUD4 er0
check "by TC: IPv6" moves 20 $CLOUD6 er0
check "by TC: tags at the peer" tagged_at_peer
check "by TC: TCP through it" in_ns lan timeout 15 iperf3 -c $CLOUD4 -t 1
in_ns lan ethtool -K eth0 gro on >/dev/null

# Two gateways on one segment
check_within 10 "to the segment: seg-a, IPv4" by seg-a tx $SEG4
check_within 10 "and IPv6, link-local" by seg-a tx $SEG6
check "what gwa sends is seg-a's" from gwa seg-a $SEG4 $LAN4
check "what gwb sends is seg-b's" from gwb seg-b $SEG4 $LAN4
check "IPv6 from gwb too" from gwb seg-b $SEG6 $LAN6
s path seg-a drain >/dev/null
check_within 5 "seg-a drained: seg-b carries it" by seg-b tx $SEG4
check_at_most "by gwb" "$(moved gwa eth0 rx ping_lost 20 0.01 $SEG4)" 5
s path seg-a undrain >/dev/null
ip -n "$LAB-gwa" link set eth0 address 02:00:00:00:77:0c
check_within 10 "gwa has another MAC" from gwa seg-a $SEG4 $LAN4
before=$(reason er1 source)
ip -n "$LAB-seg" addr add 192.168.40.6/29 dev br0
ip -n "$LAB-seg" addr add $SEG4/32 dev lo
ip -n "$LAB-seg" route add 10.2.30.0/25 via 192.168.40.1
in_ns seg ping -q -c 10 -i 0.02 -W 0.1 -I $SEG4 $LAN4 >/dev/null
check_at_least "a third on the segment is no path: source" $(($(reason er1 source) - before)) 10

sameway_kill
ip -n "$LAB-gwb" link set eth0 address 02:00:00:00:77:0b
check_within 10 "daemon dead, gwb has another MAC: still seg-b's" from gwb seg-b $SEG4 $LAN4
check_within 10 "IPv6 too" from gwb seg-b $SEG6 $LAN6
check_equal "rows of an interface are one a reason" "$(j '[.reasons[] | select(.interface == "er1") | .reason + .action] | (length - (unique | length))' counters)" 0
check "it runs again" sameway_start

# Probes: by the device with the addresses, through its tags; two of one target, told apart by their gateways' MACs
sed -i "s|l3: er0.300,|& probe: { target: $CLOUD4, interval: 200ms },|; s|192.168.40.2,|& probe: { target: $SEG4, interval: 200ms },|
	s|192.168.40.3,|& probe: { target: '$SEG4:7', interval: 200ms },|" "$RUN/sameway.yaml"
check "reload, with probes" s reload
probe_is() { true_json ".[] | select(.name == \"$1\") | $2" paths; }
for p in er1 seg-a seg-b; do check_within 10 "$p's is answered" probe_is $p '.usable and .probe.state == "up"'; done
ip -n "$LAB-gwb" addr del $SEG4/32 dev lo
ip -n "$LAB-gwb" route add blackhole $SEG4
check_within 10 "gwb's host is gone: seg-b is not usable" probe_is seg-b '.reasons == ["probe-failed"]'
check "but seg-a is" probe_is seg-a '.usable and .probe.state == "up" and .probe.missed == 0'
ip -n "$LAB-gwb" route del blackhole $SEG4
ip -n "$LAB-gwb" addr add $SEG4/32 dev lo
check_within 10 "it is back" probe_is seg-b .usable
ip -n "$LAB-seg" addr del $SEG4/32 dev lo
ip -n "$LAB-gwb" route add 192.168.40.1/32 via 192.168.40.6
check_within 10 "its answers by another MAC are none of seg-b" probe_is seg-b '.reasons == ["probe-failed"] and .probe.elsewhere == "er1"'
ip -n "$LAB-gwb" route del 192.168.40.1/32 via 192.168.40.6
check_within 10 "and it is back once more" probe_is seg-b .usable

# The VLAN interface goes and comes
ip -n "$LAB-edge" link del er0.300
check_within 5 "er0.300 deleted: er1 is not usable" true_json '.[0].usable == false and .[0].reasons[0] == "interface-down"' paths
check_within 5 "and by it nothing comes" eval '[ "$(owner_rows)" = 0 ]'
check "detach" s detach
done_testing
