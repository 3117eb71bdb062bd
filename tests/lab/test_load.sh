#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A healthy edge stays silent under mixed traffic (40 s; ten with --long), and its counts hold; then a flow table that is
# too small: counted, never silent, and the traffic goes on.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

lab_start enforce
seconds=40
[ "${SAMEWAY_LONG:-0}" = 0 ] || seconds=600
start_iperf cloud
start_iperf vpngw
background edge follow "$SAMEWAY" -i "$LAB" -j alerts -f
background lan udp iperf3 -c $CLOUD4 -u -b 5M -l 1000 -t $((seconds - 2))
background lan branch iperf3 -c $BRANCH4 -b 20M -t $((seconds - 2))
background lan ping ping -q -i 0.05 -w $((seconds - 2)) $CLOUD4
background lan ping6 ping -q -i 0.05 -w $((seconds - 2)) $CLOUD6
background cloud back ping -q -i 0.05 -w $((seconds - 2)) $LAN4
background cloud echo /usr/bin/python3 "$ROOT/tests/lab/transfer.py" serve $SPOKE4 7000
end=$(($(now_ms) + (seconds - 3) * 1000)) short=0
while [ "$(now_ms)" -lt $end ]; do
	in_ns lan timeout 20 /usr/bin/python3 "$ROOT/tests/lab/transfer.py" send $SPOKE4 7000 1 >/dev/null 2>&1 && short=$((short + 1))
	in_ns lan traceroute -n -q 1 -w 1 -m 5 $CLOUD4 >/dev/null 2>&1
done
for job in udp branch ping ping6 back; do wait_for 30 finished "$job"; done
check_at_least "short TCP connections all the while" $short 10
check_equal "$seconds s of mixed healthy traffic: no alert" "$(lines follow verdict)" 0
check "none in the list, closed ones too" true_json '. == []' alerts --all
check "no verdict but ok and pending" true_json '[.verdicts[] | select(.flows > 0 and .verdict != "ok" and .verdict != "pending")] == []' counters
check "no error was counted, no packet was malformed" true_json '[.reasons[] | select(.packets > 0) |
	select(.reason == "error" or .reason == "malformed" or .reason == "redirect-failed" or .reason == "source" or .reason == "spoof")] == []' counters
check "no ping was lost" eval 'grep -q " 0% packet loss" "$RUN/ping.log" && grep -q " 0% packet loss" "$RUN/ping6.log" && grep -q " 0% packet loss" "$RUN/back.log"'
check "no alert was lost" true_json '.alerts.lost == 0 and .alerts.open == 0' status
# Every packet that an interface received has one reason: the rows add up. In this order: device, sameway, device.
first=$(packets edge er0 rx)
sum=$(j '[.reasons[] | select(.interface == "er0") | .packets] | add' counters)
base=$((first - sum))
ping_lost 200 0.005 $CLOUD4 >/dev/null
rows() { j '[.reasons[] | select(.interface == "er0") | .packets] | add' counters; }
adds_up() {
	local low got
	low=$(packets edge er0 rx) got=$(rows)
	[ $((got + base - low)) -ge -3 ] && [ $((got + base - low)) -le 10 ]
}
check_within 5 "an interface's rows grow as its packets do" adds_up
s detach >/dev/null
wait_for 5 finished sameway

export EDGE_EXTRA='flows: 1024'
edge_config enforce
check "a flow table of 1024" sameway_start
# 5000 flows by UDP to one port, each answered with an ICMP error or nothing: only their number matters. Not more than the table holds
# within the lease of a record (50 ms, and what a busy machine is late): those would find no room.
in_ns lan /usr/bin/python3 - $CLOUD4 <<-'P'
	import socket, sys, time
	for port in range(20000, 25000):
	    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
	        s.bind(("", port))
	        s.sendto(b"x", (sys.argv[1], 9))
	    if port % 50 == 0:
	        time.sleep(0.01)
P
check "not more records than the table holds" true_json '.flows.ipv4.max == 1024 and .flows.ipv4.active <= 1024 and .flows.ipv4.active > 500' status
check_equal "traffic goes on" "$(ping_lost 40 0.01 $CLOUD4)" 0
check_at_least "by ExpressRoute" "$(moved edge er0 tx ping_lost 40 0.005 $CLOUD4)" 40
# Two CPUs may look for room in the same places at once: the one that finds none is told, and nothing else is.
check "and opens no alert but of a full table" true_json 'all(.[]; .verdict == "limit" and .subject == "flows")' alerts
check "a new flow has its record" true_json "any(.[]; .dst == \"$CLOUD4\" and .proto == \"icmp\" and .verdict == \"ok\")" flows
done_testing
