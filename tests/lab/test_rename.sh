#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Interfaces that are renamed and named back, replaced by another of the name, or get a smaller MTU, under traffic in enforce.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/churn.sh
. "$(dirname "$0")/churn.sh"

EDGE_VPN_PREF=50 lab_start enforce
background lan traffic ping -q -i 0.01 -c 100000 -W 1 $CLOUD4
check_within 10 "before: hooks whole, by policy" settled
churn_begin

# Renamed: the interface of the config is gone, whatever the device runs; named back it is taken up.
edge_link set er0 name was0
check_within 5 "er0 renamed: gone, the VPN takes over" true_json '.[0].usable == false and .[1].usable' paths
check_equal "by VPN: no ping lost" "$(ping_lost 20 0.01 $CLOUD4)" 0
edge_link set was0 name er0
check_within 20 "named back: hooks whole, by policy" settled
# Another device takes the name, while the first one lives on.
edge_link set er0 name was0
ip -n "$LAB-edge" addr flush dev was0
ip -n "$LAB-msee" link set ce0 name old0
ip -n "$LAB-msee" addr flush dev old0
check "another er0" make_er0
check_within 20 "another er0: hooks whole, by policy" settled
check "the one that had the name carries no XDP of ours" eval '! edge_link show was0 | grep -q xdp'
edge_link del was0

# A smaller MTU under traffic: what does not fit is told so by the kernel, what fits goes on.
edge_link set er0 mtu 1300
fits() { in_ns lan ping -q -c 3 -i 0.05 -W 1 -M "do" -s "$1" "$CLOUD4"; }
check_within 5 "MTU 1300: 1400 bytes are refused" eval '! fits 1400'
check "and the size is told" eval 'in_ns lan ping -c 1 -W 1 -M do -s 1400 $CLOUD4 2>&1 | grep -q "mtu=1300"'
check_within 5 "what fits goes on, by ExpressRoute" by_er
check "counted" true_json 'any(.reasons[]; .interface == "lan0" and .reason == "too-big" and .packets > 0)' counters
edge_link set er0 mtu 1500
ip -n "$LAB-lan" route flush cache
check_within 5 "MTU 1500 again" fits 1400

check_within 20 "in the end: hooks whole, by policy" settled
churn_end
done_testing
