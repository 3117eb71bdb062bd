#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The lab by itself, no sameway: what the other tests take for granted.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

lab_edge
pass "edge converges"
for d in $CLOUD4 $SPOKE4 $BRANCH4 $REMOTE4 $CLOUD6; do
	check_equal "$d answers" "$(ping_lost 3 0.02 "$d")" 0
done
check_at_least "BIRD sends to the hub by the VPN" "$(moved edge tun30 tx ping_lost 20 0.01 "$CLOUD4")" 20
check_at_least "the far side answers by ExpressRoute" "$(moved edge er0 rx ping_lost 20 0.01 "$CLOUD4")" 20
check "far side told to answer by VPN" far_side_via_vpn
check_at_least "the far side answers by VPN" "$(moved edge tun30 rx ping_lost 20 0.01 "$CLOUD4")" 20
check_at_least "the far side answers by VPN (IPv6)" "$(moved edge tun30 rx ping_lost 20 0.01 "$CLOUD6")" 20
far_side_via_er
er_cut
check_within 3 "ExpressRoute cut: routes by VPN" eval "ip -n $LAB-hub route get $LAN4 | grep -q 172.16.2.2"
check_equal "hub answers by VPN" "$(ping_lost 5 0.02 "$CLOUD4")" 0
er_restore
check "ExpressRoute back: converges" edge_wait_converged 20
vpn_cut
check_within 6 "VPN cut: BIRD uses ExpressRoute" eval "ip -n $LAB-edge route get $CLOUD4 | grep -q er0"
vpn_restore
check "VPN back: converges" edge_wait_converged 20
name=$LAB run=$RUN
edge_down
check_equal "no namespace left" "$(ip netns list | grep -c "$name")" 0
check "no file left" test ! -e "$run"
done_testing
