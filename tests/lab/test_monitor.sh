#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Monitor mode forwards nothing: the kernel does, by BIRD's routes, with the user's own TC filters still counting. sameway
# counts and judges. Then enforce, whose XDP takes over, and detach, after which the interfaces are as before.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

lab_edge
# A filter of the user's own behind ours: it mirrors, and counts, what it sees.
in_ns edge tc qdisc add dev er0 clsact
in_ns edge ip link add tap0 type veth peer name tap1
in_ns edge ip link set tap0 up
in_ns edge tc filter add dev er0 ingress prio 100 protocol ip u32 match u32 0 0 action mirred egress mirror dev tap0
links() { in_ns edge ip -d link show; }
clean() { sed -E 's/ (prog\/xdp|xdp[a-z]*).*//' <<<"$1"; }
before=$(links)
before_tc=$(in_ns edge tc filter show dev er0 ingress | grep -c 'u32')
edge_config monitor 2s
sameway_start || {
	fail "sameway starts in monitor mode" "see above"
	done_testing
}
check "status: monitor, TC hooks only" true_json '.mode == "monitor" and ([.hooks[] | select(.hook | startswith("xdp")) | select(.attached)] == []) and
	any(.hooks[]; .hook == "tc-ingress" and .attached)' status
check "no XDP program on any interface" eval '! in_ns edge ip link show | grep -q xdp'
u32_hits() { in_ns edge tc -s filter show dev er0 ingress | awk '/Sent/ { n += $4 } END { print n + 0 }'; }
hits=$(u32_hits)
out=$(packets edge tun30 tx) in=$(packets edge er0 rx)
check_equal "pings pass" "$(ping_lost 40 0.005 $CLOUD4)" 0
check_at_least "the kernel sends them by BIRD's best, the VPN" $(($(packets edge tun30 tx) - out)) 40
check_at_least "they come back by ExpressRoute" $(($(packets edge er0 rx) - in)) 40
check_at_least "the user's own filter saw the answers" $(($(u32_hits) - hits)) 40
check "the paths counted them: out by VPN, in by ExpressRoute" true_json '([.[] | select(.name == "vpn30")][0].tx_packets >= 40) and
	([.[] | select(.name == "er1-primary")][0].rx_packets >= 40)' paths
check "nothing was forwarded" true_json '[.reasons[] | select(.action == "forward" and .packets > 0)] == []' counters
check "observed" true_json '[.reasons[] | select(.reason == "observed" and .interface == "er0")][0].packets >= 40' counters
wait_for 10 true_json '.uptime_s >= 4' status
ping_lost 3 0.02 $CLOUD4 >/dev/null
check_within 3 "and judged: out by VPN is on-prem's mistake" true_json 'any(.[]; .verdict == "asymmetric" and .side == "onprem" and .forward_path == "vpn30")' alerts
# what ping counted is what bpftool shows a second later
total=$(j '[.[] | select(.name == "vpn30")][0].tx_packets' paths)
check_within 3 "bpftool's sums agree" eval "bpftool -j map dump pinned /sys/fs/bpf/sameway/$LAB/path_counters | jq -e '[.. | objects | select(.name? == \"vpn30\")][0].tx_packets >= $total'"
check "every pinned map but devmap, ring buffer has BTF" eval '! for m in /sys/fs/bpf/sameway/$LAB/*; do
	bpftool -j map show pinned "$m" 2>/dev/null; done | jq -r "select(.type != null and .type != \"devmap\" and .type != \"ringbuf\" and (.btf_id // 0) == 0) | .name" | grep .'
s detach >/dev/null
check_within 5 "detach: the daemon is gone" finished sameway
check_equal "interfaces as before" "$(clean "$(links)")" "$(clean "$before")"
check_equal "the user's filter is still there" "$(in_ns edge tc filter show dev er0 ingress | grep -c u32)" "$before_tc"
check "none of ours is" eval '! in_ns edge tc filter show dev er0 ingress | grep -qi "sw_\|sameway\|bpf"'
check "no pin left" test ! -e "/sys/fs/bpf/sameway/$LAB"
check_equal "traffic goes on" "$(ping_lost 10 0.01 $CLOUD4)" 0

edge_config enforce
sameway_start
check "enforce: XDP on the Ethernet interfaces" eval 'in_ns edge ip link show er0 | grep -q xdp && in_ns edge ip link show lan0 | grep -q xdp'
check_at_least "by ExpressRoute now" "$(moved edge er0 tx ping_lost 40 0.005 $CLOUD4)" 40
check "forwarded, counted" true_json '[.reasons[] | select(.reason == "forwarded" and .interface == "lan0")][0].packets >= 40' counters
s detach >/dev/null
check_within 5 "detach from enforce: gone" finished sameway
check "no XDP left" eval '! in_ns edge ip link show | grep -q xdp'
check_equal "interfaces as before, again" "$(clean "$(links)")" "$(clean "$before")"
check "no program of ours left" eval '! bpftool -j net show dev er0 2>/dev/null | grep -q sw_'
done_testing
