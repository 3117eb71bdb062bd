#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What a real box does to an edge: a path on a device that XDP can't transmit to, a host that changes its MAC while no daemon
# runs, a detach in the middle of a start, an interface made anew.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# ExpressRoute on a bridge: it has no ndo_xdp_xmit, and what XDP redirects there is lost without a trace.
lab_edge
ip -n "$LAB-edge" link add br0 type bridge
ip -n "$LAB-edge" link set er0 master br0
for a in 192.168.30.17/30 fd00:192:168:30::1/64; do
	ip -n "$LAB-edge" addr del $a dev er0
	ip -n "$LAB-edge" addr add $a dev br0
done
ip -n "$LAB-edge" link set br0 up
check_within 20 "BGP over the bridge" sessions_up
edge_config enforce
sed -i 's/interface: er0/interface: br0/' "$RUN/sameway.yaml"
check "a path on a bridge: it runs" sameway_start
wait_for 5 in_ns lan ping -c 1 -W 1 $CLOUD4
out=$(packets edge br0 tx)
check_equal "no ping lost by the bridge" "$(ping_lost 40 0.02 $CLOUD4)" 0
check_equal "nor of IPv6" "$(ping_lost 40 0.02 $CLOUD6)" 0
check_at_least "they went out by it" $(($(packets edge br0 tx) - out)) 80
check "moved by the programs" true_json '[.reasons[] | select(.interface == "lan0" and .reason == "forwarded")][0].packets >= 70' counters
sameway_stop
s detach >/dev/null
edge_down

# An inside host changes its MAC while the daemon is dead.
lab_start enforce
check_equal "before: no ping lost" "$(ping_lost 20 0.02 $CLOUD4)" 0
sameway_kill
ip -n "$LAB-lan" link set eth0 address 02:00:5e:00:53:01
check_within 3 "daemon dead, the host has another MAC: it is found" in_ns lan ping -c 1 -W 1 $CLOUD4
check_equal "and nothing is lost from then on" "$(ping_lost 40 0.02 $CLOUD4)" 0
check "the programs deliver, not the kernel" eval '
	before=$(j "[.reasons[] | select(.interface == \"er0\" and .reason == \"forwarded\")][0].packets" counters)
	in_ns lan ping -q -c 20 -i 0.02 $CLOUD4 >/dev/null
	[ $(($(j "[.reasons[] | select(.interface == \"er0\" and .reason == \"forwarded\")][0].packets" counters) - before)) -ge 18 ]'

# detach while a daemon is only starting: it ends that one, and nothing is left.
s detach >/dev/null
background edge sameway "$SAMEWAY" -i "$LAB" run -c "$RUN/sameway.yaml"
wait_for 5 test -e "/run/sameway/$LAB.lock"
check "detach in the middle of a start" s detach
check_within 10 "the daemon has ended" finished sameway
check "no pin, no lock, no socket" eval '[ ! -e /sys/fs/bpf/sameway/$LAB ] && [ ! -e /run/sameway/$LAB.lock ] && [ ! -e /run/sameway/$LAB.sock ]'
check "no XDP left" eval '! in_ns edge ip link show | grep -q xdp'

# Who has no instance is told so.
check "alerts of no instance: exit 1" eval 's alerts >/dev/null 2>"$RUN/err"; [ $? = 1 ] && grep -q "no instance" "$RUN/err"'

# ExpressRoute's device is deleted and made anew: taken up again, its carrier read as before.
check "it runs again" sameway_start
ip -n "$LAB-edge" link del er0
check_within 5 "a deleted device: not usable" true_json '.[0].usable == false' paths
make_link edge er0 "192.168.30.17/30 fd00:192:168:30::1/64" msee ce0 "192.168.30.18/30 fd00:192:168:30::2/64"
check_within 10 "made anew: usable" true_json '.[0].usable' paths
check_within 20 "BGP is back" edge_converged
check_within 5 "by ExpressRoute again" eval '[ "$(moved edge er0 tx in_ns lan ping -q -c 20 -i 0.01 $CLOUD4)" -ge 20 ]'
in_ns lan ping -q -c 100 -i 0.02 -W 1 $CLOUD4 >"$RUN/ping" &
wait_for 1 true
er_cut
wait $!
check_at_most "cut on the new device: pings lost" "$(awk '/packets transmitted/ { print $1 - $4 }' "$RUN/ping")" 3
done_testing
