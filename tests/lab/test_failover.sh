#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Link loss of ExpressRoute: at most 3 of 150 pings lost, with BIRD and with BIRD stopped; the incident; the way back; drain.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# BIRD's best is ExpressRoute here: a packet left to the kernel would follow it, and with BIRD stopped be lost on the dead link.
export EDGE_VPN_PREF=50
lab_start enforce

# lost_over COMMAND...: pings lost of 150, one each 20 ms, with the command after $first (default 50) of them
lost_over() {
	background lan ping ping -i 0.02 -c 150 -W 1 "${dest:-$CLOUD4}"
	wait_for 5 lines_reach ping 'bytes from' "${first:-50}"
	"$@" >/dev/null
	wait_for 15 finished ping
	awk '/packets transmitted/ { print $1 - $4 }' "$RUN/ping.log"
}
healthy() { true_json 'all(.[]; .usable) and .[0].name == "er1-primary"' paths; }
by_er() { [ "$(moved edge er0 tx ping_lost 40 0.005 "$CLOUD4")" -ge 40 ]; }

check_at_most "cut: pings lost of 150" "$(lost_over er_cut)" 3
check "the path says interface-down" true_json '.[0].usable == false and (.[0].reasons | index("interface-down"))' paths
check_at_least "traffic goes by VPN" "$(moved edge tun30 tx ping_lost 40 0.005 $CLOUD4)" 40
check_at_least "moved by the programs" "$(moved_by_us lan0 ping_lost 20 0.01 "$CLOUD4")" 20
check_within 5 "an incident: failover, critical as a prefix has no backup" true_json 'any(.[]; .verdict == "failover" and .state == "open" and .prefixes_lost == 1 and
	.severity == "critical")' alerts
check "its cause, its paths, its time" true_json '[.[] | select(.verdict == "failover")][0] | .cause == "link-down" and
	.forward_path == "vpn30" and .duration_ms != null and .duration_ms < 1000 and .message != null and .fix != null' alerts
check_within 5 "the ER-only prefix has no path" true_json '.path == null or .path == "er1-primary"' explain $REMOTE4
check_equal "and is not sent to the VPN" "$(wire 2 tun30 host "$REMOTE4" &
	ping_lost 5 0.1 $REMOTE4 >/dev/null
	wait)" 0
check "flows moved are failover, not asymmetric" true_json '[.[] | select(.verdict == "asymmetric")] == []' flows

er_restore
check "ExpressRoute's BGP is back" edge_wait_converged 20
check_within 20 "the path is usable again" healthy
check_within 10 "traffic goes by ExpressRoute again" by_er
check_within 10 "new flows are ok" eval 'ping_lost 3 0.02 $CLOUD4 && true_json "any(.[]; .verdict == \"ok\" and .dst == \"$CLOUD4\" and .idle_s < 3)" flows'

er_cut
wait_for 5 eval '! healthy'
back() {
	er_restore
	wait_for 15 healthy
}
dest=$CLOUD4
background lan ping ping -i 0.02 -c 500 -W 1 $CLOUD4
wait_for 5 lines_reach ping 'bytes from' 20
check "and back under a ping" back
wait_for 20 finished ping
check_at_most "failback: pings lost" "$(awk '/packets transmitted/ { print $1 - $4 }' "$RUN/ping.log")" 3
edge_wait_converged 20

# One TCP connection, both ways, over a cut and the way back; the VPN's MTU is the smaller one.
start_iperf cloud
background lan session iperf3 -c $CLOUD4 -b 10M -t 15 --bidir -J
wait_for 5 eval '[ "$(moved edge er0 tx ping_lost 1 0.2 $CLOUD4)" -ge 50 ]'
er_cut
check_at_least "a TCP session goes on by the VPN" "$(moved edge tun30 tx ping_lost 10 0.2 $CLOUD4)" 500
check "and back" back
check_at_least "by ExpressRoute" "$(moved edge er0 tx ping_lost 10 0.2 $CLOUD4)" 500
wait_for 30 finished session
check "to its end, of all that was sent nothing lost" eval \
	'jq -e "(.error == null) and .end.sum_received.bytes > 15e6 and .end.sum_received_bidir_reverse.bytes > 15e6" "$RUN/session.log"'
edge_wait_converged 20

# A stopped BIRD says nothing, so no withdrawal reaches sameway: the store of the link's word is all there is. Its far ends
# notice after the hold time of 3 s: the ping must be over by then.
frozen_cut() {
	kill -STOP "$(cat "$RUN/bird-edge.pid")"
	er_cut
}
first=100
updates=$(j '.feeds[0].updates' status)
check_at_most "cut with the feed frozen: pings lost of 150" "$(lost_over frozen_cut)" 3
check_equal "no feed message had a part in it" "$(j '.feeds[0].updates' status)" "$updates"
first=50
kill -CONT "$(cat "$RUN/bird-edge.pid")"
er_restore
edge_wait_converged 30
wait_for 30 healthy

dest=$CLOUD6
check_at_most "IPv6, cut: pings lost of 150" "$(lost_over er_cut)" 3
er_restore
edge_wait_converged 20
wait_for 30 healthy
dest=$CLOUD4

check_at_most "drain: pings lost of 150" "$(lost_over s path er1-primary drain)" 3
check "paths says drained" true_json '.[0].usable == false and .[0].reasons == ["drained"]' paths
check_at_least "out by VPN" "$(moved edge tun30 tx ping_lost 40 0.005 $CLOUD4)" 40
check_at_most "undrain: pings lost of 150" "$(lost_over s path er1-primary undrain)" 3
check_within 20 "usable again" healthy
check_within 10 "by ExpressRoute again" by_er
check "an unknown path is refused" eval '! s path nosuch drain'

# The VPN's loss under ExpressRoute: its underlay goes, the device stays up; nothing changes for the traffic.
check_at_most "VPN cut: pings lost" "$(lost_over vpn_cut)" 0
check_within 10 "its candidates are gone" true_json '[.[0].candidates[].path] == ["er1-primary"]' routes 10.10.30.0/24
vpn_restore
check "VPN back" edge_wait_converged 20
check_within 10 "its candidates are back" true_json '[.[0].candidates[].path] | sort == ["er1-primary", "vpn30"]' routes 10.10.30.0/24
done_testing
