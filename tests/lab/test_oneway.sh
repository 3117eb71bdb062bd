#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What this edge sees one direction of, and its own packets coming back: one-way only with evidence, never by a start in the
# middle of traffic; loops and spoofers; and whose mistake it is that the kernel does not go by ExpressRoute.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# iperf SITE NAME PORT TARGET MORE...: a slow stream in the background
iperf() { background "$1" "$2" iperf3 -c "$4" -p "$3" -b 3M -l 1000 -t 300 "${@:5}"; }
of() { echo "any(.[]; .verdict == \"$1\" and $2)"; }

lab_edge
# Another way from the cloud to the LAN host, past this edge, which is taken while the cloud has a route for it.
make_link lan by0 10.77.0.1/30 cloud by0 10.77.0.2/30
around() { ip -n "$LAB-cloud" route "$1" $LAN4/32 via 10.77.0.1; }
start_iperf cloud
start_iperf cloud 5202
start_iperf lan 5203
# What is healthy goes on all the while: neither direction is idle.
background lan alive ping -q -i 0.2 $REMOTE4
iperf lan there 5201 $CLOUD4
iperf lan back 5202 $SPOKE4 -R

# Started in the middle of it, over and over.
for _ in $(seq "${STARTS:-2}"); do
	edge_config enforce 2s
	sameway_start || done_testing
	wait_for 5 true_json '[.[] | select(.proto == "tcp" and .verdict == "ok" and .age_s >= 2)] | length >= 2' flows
	check "started in the middle of streams both ways: no incident" true_json '. == []' alerts --all
	check "and both are ok" true_json '[.[] | select(.proto == "tcp" and .verdict == "ok")] | length >= 2' flows
	s detach >/dev/null
	wait_for 5 finished sameway
done
end_background there
end_background back
sameway_start || done_testing

# Answers past this edge: what is no evidence first.
around add
in_ns lan /usr/bin/python3 - $CLOUD4 <<-'P'
	import socket, sys, time
	udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	for i in range(60):
	    udp.sendto(b"x", (sys.argv[1], 9))
	    s = socket.socket()
	    s.setblocking(False)
	    s.connect_ex(("10.10.30.99", 3000 + i))
	    time.sleep(0.025)
P
in_ns lan ping -q -c 8 -i 0.2 $CLOUD4 >/dev/null
check "UDP, pings, SYNs without an answer: pending" true_json '[.[] | select(.verdict == "pending") | .proto] | unique == ["icmp", "tcp", "udp"]' flows
check "and no incident" true_json '. == []' alerts --all
start=$(now_ms)
iperf lan oneway 5202 $CLOUD4 -R
check_within 10 "TCP whose answers come past this edge: one-way" true_json "$(of one-way '.forward.path == "er1-primary" and .reverse.path == null')" flows
check_within 5 "an incident with the evidence" true_json "$(of one-way '.dst_prefix == "10.10.30.0/24" and .severity == "warning" and
	.cause == "unknown" and .forward_path == "er1-primary" and .reverse_path == null and (.message | test("ACK numbers grow"))')" alerts
echo "# told $(($(now_ms) - start)) ms after its start"
# The other direction is seen only: opened by the cloud, its SYN past this edge, the answers by it.
iperf cloud answers 5203 $LAN4 -R -B $CLOUD4
check_within 5 "a SYN-ACK without its SYN" true_json "$(of one-way '.dport == 5203')" flows
check "counters count it" true_json '[.verdicts[] | select(.verdict == "one-way")][0].flows >= 2' counters
around del
check_within 5 "mended: all are ok again" true_json '[.[] | select(.verdict == "one-way")] == []' flows
check_within 5 "and the incident has no flow" true_json '[.[] | select(.verdict == "one-way" and .flows > 0)] == []' alerts

# The same evidence, and nothing comes in at all: nothing can be told. Whoever answers does so past this edge.
end_background alive
end_background oneway
end_background answers
around add
wait_for 10 true_json "all(.[]; .proto != \"icmp\" or .idle_s > 5)" flows
n=$(j 'length' alerts --all)
iperf lan blind 5202 $CLOUD4 -R
check_within 8 "TCP whose answers are not seen, and the side is idle: blind" true_json "$(of blind '.forward.path == "er1-primary" and .reverse.path == null')" flows
check "counters count it" true_json '[.verdicts[] | select(.verdict == "blind")][0].flows >= 1' counters
check "no incident for it" true_json "length == $n" alerts --all
background lan alive ping -q -i 0.2 $REMOTE4
check_within 8 "the side is seen again: one-way" true_json "$(of one-way '.reverse.path == null')" flows
end_background blind
around del

# An inside host's packets from ExpressRoute: somebody else has its address there; then a loop.
ip -n "$LAB-msee" addr add 10.2.30.77/32 dev lo
in_ns msee ping -q -c 3 -i 0.05 -W 0.2 -I 10.2.30.77 $LAN4 >/dev/null
check_within 3 "an inside source from ExpressRoute: spoofed" true_json "$(of loop-or-spoof '.src_prefix == "10.2.30.0/25" and
	.dst_prefix == "10.2.30.0/25" and .severity == "warning" and .reverse_path == "er1-primary" and (.message | test("spoofed"))')" alerts
check "dropped, with its reason" true_json '[.reasons[] | select(.reason == "spoof" and .interface == "er0" and .action == "drop")][0].packets == 3' counters
ip -n "$LAB-msee" addr del 10.2.30.77/32 dev lo
ip -n "$LAB-msee" route add 10.17.30.9/32 via 192.168.30.17
in_ns lan ping -q -c 3 -i 0.05 -W 0.2 10.17.30.9 >/dev/null
check_within 3 "a route behind ExpressRoute that points back: a loop" true_json "$(of loop-or-spoof '.dst_prefix == "10.17.30.0/26" and
	(.message | test("routing loop"))')" alerts
check "which ends here" true_json '[.reasons[] | select(.reason == "spoof" and .action == "drop")][0].packets == 6' counters
check "its neighbours are ok" true_json "any(.[]; .dst == \"$REMOTE4\" and .verdict == \"ok\")" flows
[ "${SAMEWAY_LONG:-0}" = 0 ] ||
	check_within 40 "the one-way incident closes" true_json "$(of one-way '.state == "closed"')" alerts --all

# Monitor: the kernel goes by BIRD's best, the VPN, and by a static route; the far side answers by ExpressRoute.
s detach >/dev/null
wait_for 5 finished sameway
ip -n "$LAB-edge" route add 10.11.30.0/26 dev tun30 proto static
edge_config monitor 1s
sameway_start || done_testing
wait_for 8 true_json '.uptime_s >= 3' status
in_ns lan ping -q -c 3 -i 0.05 $CLOUD4 >/dev/null
in_ns lan ping -q -c 3 -i 0.05 $SPOKE4 >/dev/null
in_ns lan ping -q -c 3 -i 0.05 $CLOUD6 >/dev/null
check_within 3 "equal local preferences: local-pref-missing" true_json "$(of asymmetric '.dst_prefix == "10.10.30.0/24" and .cause == "local-pref-missing" and
	.side == "onprem" and (.fix | test("er1-primary")) and (.message | test("local preference 100"))')" alerts
check_within 3 "IPv6 too" true_json "$(of asymmetric '.dst_prefix == "fd00:10:10:30::/64" and .cause == "local-pref-missing"')" alerts
check_within 3 "a static route: fib-override, with the device" true_json "$(of asymmetric '.dst_prefix == "10.11.30.0/26" and .cause == "fib-override" and
	(.message | test("10.11.30.0/26 dev tun30 proto static"))')" alerts
done_testing
