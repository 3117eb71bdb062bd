#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# ExpressRoute by QinQ with the kernel's own VLAN devices: er0.30 (802.1ad) and on it er0.300 (802.1Q), as an edge on a Microsoft
# port has them, sameway on the trunk er0. By XDP, by TC where the outer tag comes beside the frame, by the kernel with marks.
# Devices of that type: tests/vm/vm61 runs it where the kernel has none.
#
#   lan -- lan0 edge er0, er0.30, er0.300 == ce0, ce0.30, ce0.300 msee 10.10.30.4
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/../lab/lib.sh"
SITES='lan edge msee'

# make_qinq SITE TRUNK ADDRESSES: TRUNK.30 and TRUNK.300, and the trunk's tags inside the frame, as no wire has them beside
make_qinq() {
	local ns=$LAB-$1 a
	ip -n "$ns" link set "$2" mtu 1508 &&
		ip -n "$ns" link add link "$2" name "$2.30" mtu 1504 type vlan proto 802.1ad id 30 &&
		ip -n "$ns" link add link "$2.30" name "$2.300" mtu 1500 type vlan proto 802.1Q id 300 &&
		ip -n "$ns" link set "$2.30" up && ip -n "$ns" link set "$2.300" up || return 1
	in_ns "$1" ethtool -K "$2.300" tx off >/dev/null 2>&1
	in_ns "$1" ethtool -K "$2" txvlan off tx-vlan-stag-hw-insert off >/dev/null 2>&1
	for a in $3; do ip -n "$ns" addr add "$a" dev "$2.300" || return 1; done
}

qinq_lab_up() {
	local site
	LAB=sw$(printf '%04x%04x' $RANDOM $RANDOM)
	RUN=$(mktemp -d "/tmp/$LAB.XXXXXX") && chmod 755 "$RUN" || return 1
	: >"$RUN/pids"
	for site in $SITES; do make_site "$site" || return 1; done
	make_link lan eth0 "$LAN4/25 $LAN6/64" edge lan0 "10.2.30.3/25 fd00:2:30::3/64" && make_link edge er0 '' msee ce0 '' &&
		make_qinq edge er0 '192.168.30.17/30 fd00:192:168:30::1/64' &&
		make_qinq msee ce0 '192.168.30.18/30 fd00:192:168:30::2/64' &&
		ip -n "$LAB-msee" addr add "$CLOUD4/32" dev lo && ip -n "$LAB-msee" addr add "$CLOUD6/128" dev lo &&
		ip -n "$LAB-msee" route add 10.2.30.0/25 via 192.168.30.17 &&
		ip -n "$LAB-msee" -6 route add fd00:2:30::/64 via fd00:192:168:30::1 &&
		ip -n "$LAB-lan" route add default via 10.2.30.3 && ip -n "$LAB-lan" -6 route add default via fd00:2:30::3
}

qinq_config() {
	cat >"$RUN/sameway.yaml" <<-X
		mode: enforce
		failback-delay: 0ms
		forward: $1
		paths:
		  - { name: er1, class: expressroute, interface: er0, vlan: [30, 300], l3: er0.300, gateway: 192.168.30.18, gateway6: "fd00:192:168:30::2" }
		inside:
		  - { interface: lan0, networks: [10.2.30.0/25, "fd00:2:30::/64"] }
		feeds:
		  - { name: file, type: jsonl, file: routes.jsonl, follow: true }
	X
	cat >"$RUN/routes.jsonl" <<-X
		{"op":"announce","prefix":"10.10.30.0/24","path":"er1"}
		{"op":"announce","prefix":"fd00:10:10:30::/64","path":"er1"}
		{"op":"end-of-rib"}
	X
}

reason() { j "[.reasons[] | select(.interface == \"$1\" and .reason == \"$2\") | .packets] | add // 0" counters; }
# moves DESTINATION: 20 pings there are forwarded both ways, as the path's, and none is lost
moves() {
	local out back tx
	out=$(reason lan0 forwarded) back=$(reason er0 forwarded) tx=$(j '.[0].tx_packets' paths)
	[ "$(ping_lost 20 0.02 "$1")" = 0 ] && [ $(($(reason lan0 forwarded) - out)) -ge 20 ] &&
		[ $(($(reason er0 forwarded) - back)) -ge 20 ] && [ $(($(j '.[0].tx_packets' paths) - tx)) -ge 20 ]
}
# tagged: pings are seen with both tags at the peer's trunk
tagged() {
	local rc
	background msee dump tcpdump -l -nne -i ce0
	wait_for 5 grep -q listening "$RUN/dump.log"
	ping_lost 20 0.02 "$CLOUD4" >/dev/null
	wait_for 3 lines_reach dump '802.1Q-QinQ (0x88a8), length [0-9]*: vlan 30, p 0, ethertype 802.1Q (0x8100), vlan 300, p 0, ethertype IPv4 (0x0800), .*echo request' 20
	rc=$?
	end_background dump
	return "$rc"
}

if ! modprobe -q 8021q; then
	skip "QinQ by VLAN devices" "this kernel has none: tests/vm/vm61 $0"
	done_testing
fi
if ! qinq_lab_up || ! qinq_config fast; then
	fail "the lab comes up" "see above"
	done_testing
fi
before=$(in_ns edge ip -d link show | grep -c vlan)
check "it runs" sameway_start || done_testing
check_within 10 "the path is usable" true_json 'all(.[]; .usable)' paths
check "XDP is on the trunk" eval 'in_ns edge ip link show er0 | grep -q xdp'
check_within 10 "IPv4 by QinQ, both ways" moves "$CLOUD4"
check_within 10 "IPv6" moves "$CLOUD6"
check "the peer sees 802.1ad 30, 802.1Q 300" tagged
check_at_most "XDP moves them: er0.300 sees none" "$(moved edge er0.300 rx ping_lost 20 0.02 "$CLOUD4")" 5
start_iperf msee
check "TCP through it" in_ns lan timeout 60 iperf3 -c "$CLOUD4" -n 300K
check "TCP back" in_ns lan timeout 60 iperf3 -c "$CLOUD4" -n 300K -R
check "1500 bytes fit" in_ns lan ping -c 1 -W 5 -M "do" -s 1472 "$CLOUD4"

# The outer tag beside the frame: XDP must not take [30, 300] for [300]
in_ns msee ethtool -K ce0 txvlan on tx-vlan-stag-hw-insert on >/dev/null
check_within 10 "the peer's offload on: IPv4" moves "$CLOUD4"
check "tagged as before" tagged
in_ns msee ethtool -K ce0 txvlan off tx-vlan-stag-hw-insert off >/dev/null

ip -n "$LAB-edge" link set er0.30 down
check_within 5 "er0.30 down: the path is not usable" true_json '.[0].usable == false and .[0].reasons[0] == "interface-down"' paths
ip -n "$LAB-edge" link set er0.30 up
ip -n "$LAB-edge" link set er0.300 up
ip -n "$LAB-edge" addr replace fd00:192:168:30::1/64 dev er0.300
check_within 15 "up again: usable" true_json '.[0].usable' paths
check_within 10 "IPv4" moves "$CLOUD4"

# The kernel sends: by the mark to er0.300, which has the tags
qinq_config kernel
check "forward: kernel, by reload" s reload
check_within 10 "it is in effect" true_json '.forward == "kernel" and .waiting == []' status
check "no XDP" eval '! in_ns edge ip link show er0 | grep -q xdp'
check_within 10 "IPv4" moves "$CLOUD4"
check_within 10 "IPv6" moves "$CLOUD6"
check "the peer sees the same tags" tagged
check_at_least "by way of er0.300" "$(moved edge er0.300 tx ping_lost 20 0.02 "$CLOUD4")" 20
check "TCP through it" in_ns lan timeout 60 iperf3 -c "$CLOUD4" -n 300K
check "detach" s detach
check_equal "the VLAN devices are as before" "$(in_ns edge ip -d link show | grep -c vlan)" "$before"
done_testing
