# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sub-interfaces with two VLAN tags where the kernel has no 8021q, by tests/lab/vlan.bpf.c. Sourced after edge.sh.

VLAN=${VLAN:-$(dirname "$TUNNEL")/vlan.bpf.o}

# classify SITE DEVICE SECTION TO [PRIORITY]: what the program matches goes out of TO
classify() { in_ns "$1" tc filter replace dev "$2" ingress prio "${5:-10}" handle 1 bpf obj "$VLAN" sec "tc/$3" action mirred egress redirect dev "$4"; }

# make_subinterface SITE TRUNK [OTHER-END]: TRUNK.300, of a pair whose other end is subp
make_subinterface() {
	local ns=$LAB-$1 subp=${3:-subp}
	ip -n "$ns" link add "$2.300" type veth peer name "$subp" &&
		ip -n "$ns" link set "$2" mtu 1600 promisc on && ip -n "$ns" link set "$subp" up promisc on &&
		ip -n "$ns" link set "$2.300" up || return 1
	in_ns "$1" ethtool -K "$2.300" tx off >/dev/null 2>&1
	in_ns "$1" ethtool -K "$2" txvlan off tx-vlan-stag-hw-insert off >/dev/null 2>&1
	in_ns "$1" tc qdisc add dev "$subp" clsact && in_ns "$1" tc qdisc add dev "$2" clsact &&
		classify "$1" "$subp" push "$2" && classify "$1" "$2" pop "$subp"
}

# make_second SITE TRUNK OTHER-END: TRUNK.310 on a trunk that has TRUNK.300
make_second() {
	local ns=$LAB-$1
	ip -n "$ns" link add "$2.310" type veth peer name "$3" && ip -n "$ns" link set "$3" up promisc on &&
		ip -n "$ns" link set "$2.310" up && in_ns "$1" tc qdisc add dev "$3" clsact || return 1
	in_ns "$1" ethtool -K "$2.310" tx off >/dev/null 2>&1
	classify "$1" "$3" push_microsoft "$2" && classify "$1" "$2" pop_microsoft "$3" 11
}
