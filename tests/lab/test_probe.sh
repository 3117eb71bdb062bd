#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Probes: a grey failure (data cut beyond the first hop, BGP up) moves the path; return, daemon dead and stopped, TCP, IPv6, the
# backup's; a target that never answers, and one that answers by another way.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# probes ER VPN: the config with these targets, each 200 ms, 3 misses
probes() {
	local every='interval: 200ms, misses: 3'
	edge_config enforce
	sed -i "s|as: 12076 }|as: 12076, probe: { target: '$1', $every } }|
		s|\(name: vpn30.*\) }\$|\1, probe: { target: '$2', $every } }|" "$RUN/sameway.yaml"
}
# probe PATH FILTER: whether it is true of the path's row
probe() { true_json ".[] | select(.name == \"$1\") | $2" paths; }
both_up() { probe er1-primary '.usable and .probe.state == "up"' && probe vpn30 '.usable and .probe.state == "up"'; }
er_failed() { probe er1-primary '.usable == false and .reasons == ["probe-failed"]'; }
er_usable() { probe er1-primary .usable; }
er_bgp() { birdc_at edge show protocols ER1 | grep -q Established; }

# Beyond the first hop all is dropped, and Azure goes by VPN. BGP, between neighbours, lives on.
grey() {
	in_ns msee nft 'add table inet grey; add chain inet grey f { type filter hook forward priority 0; policy drop; }' &&
		far_side_via_vpn
}
grey_end() { in_ns msee nft delete table inet grey && far_side_via_er; }
vpn_dead() {
	in_ns vpngw nft "add table inet dead; add chain inet dead i { type filter hook input priority 0; }
		add rule inet dead i ip daddr $BRANCH4 icmp type echo-request drop"
}
vpn_lives() { in_ns vpngw nft delete table inet dead; }
failbacks() { s -j alerts --all | jq '[.[] | select(.verdict == "failback" and .cause == "er-dataplane")] | length'; }
failbacks_are() { [ "$(failbacks)" = "$1" ]; }

lab_edge
# the way back to what the probe comes from, the edge's address on the link
ip -n "$LAB-hub" route add 192.168.30.16/30 via 172.16.3.2
ip -n "$LAB-hub" -6 route add fd00:192:168:30::/64 via fd00:172:16:3::2
probes "$CLOUD4" "$BRANCH4"
sameway_start || fail "sameway runs" "see above"

check_within 5 "both probes are answered" both_up
check "with a round trip, and none lost" probe er1-primary '.probe | .rtt_ms > 0 and .rtt_ms < 200 and .lost == 0 and .sent > 0 and .elsewhere == null'
check "though the kernel's route is the VPN" eval "ip -n $LAB-edge route get $CLOUD4 | grep -q tun30"
check_at_least "it leaves by ExpressRoute" "$(wire 2 er0 "icmp[icmptype] == icmp-echo and src 192.168.30.17 and dst $CLOUD4")" 3
check_equal "and never by the VPN" "$(wire 1 tun30 host 192.168.30.17)" 0
check "it is no flow" true_json 'all(.[]; .src != "192.168.30.17" and .src != "10.2.30.125")' flows
check "and no packet of the path" eval '[ "$(j ".[1].tx_packets + .[1].rx_packets" paths)" = 0 ]'
check "paths shows it to people" eval 's paths | grep -q "probe $CLOUD4: up, [0-9.]* ms, 0 of the last"'
check "status has a row a probe" true_json '[.probes[] | .path + " " + .target + " " + .state] == ["er1-primary '"$CLOUD4"' up", "vpn30 '"$BRANCH4"' up"] and
	all(.probes[]; .rtt_ms > 0 and .sent >= .answered and .answered > 0)' status
check "and shows it to people" eval 's status | grep -qE "^vpn30 +$BRANCH4 +up +[0-9.]+ ms "'
check "doctor is content" eval 's -j doctor | jq -e "[.[] | select(.check == \"probe\")] | length == 2 and all(.[]; .ok)"'

background lan ping ping -i 0.02 -c 6000 -W 1 "$CLOUD4"
wait_for 5 lines_reach ping 'bytes from' 20
check "a drain: the round trip before, and by the backup" eval 's -j path er1-primary drain --for 2s 2>/dev/null |
	jq -e ".rtt_before_ms > 0 and (.backups[0] | .path == \"vpn30\" and .rtt_ms > 0)"'
check_within 5 "and back" both_up
grey
check_within 5 "grey failure: the path says probe-failed" er_failed
wait_for 5 lines_reach ping 'bytes from' $(($(lines ping 'bytes from') + 10))
# by the pings, each 20 ms: what a busy machine takes to answer us is not the path's
check_at_most "ms from the cut to the path's end" "$(sed -n 's/.*icmp_seq=\([0-9]*\).*/\1/p' "$RUN/ping.log" |
	awk 'NR > 1 && ($1 - p - 1) * 20 > ms { ms = ($1 - p - 1) * 20 } { p = $1 } END { print ms + 0 }')" $((1500 * ${LAB_SLOW:-1}))
check "BGP is up all the while" er_bgp
check_at_least "traffic goes by VPN" "$(moved edge tun30 tx ping_lost 20 0.005 "$SPOKE4")" 20
check_within 10 "a failover incident names the cause" true_json 'any(.[]; .verdict == "failover" and .cause == "er-dataplane" and
	(.message | test("probe")))' alerts
check "doctor names the probe" eval 's -j doctor | jq -e "any(.[]; .check == \"probe\" and .subject == \"er1-primary\" and (.ok | not))"'
lost=$(lines ping 'bytes from')
grey_end
check_within 10 "answered again: the path is back" er_usable
check_within 20 "failback is told" failbacks_are 1
kill -INT "$(cat "$RUN/ping.pid")"
wait_for 5 finished ping
echo "# $(tail -n 2 "$RUN/ping.log" | head -n 1), $lost answered before the return"
# the sequence numbers after the first answer by VPN have no gap: the way back lost nothing
check_at_most "the return loses no ping" "$(sed -n 's/.*icmp_seq=\([0-9]*\).*/\1/p' "$RUN/ping.log" |
	awk 'NR > 1 && $1 > p + 1 { n++; if (n > 1) lost += $1 - p - 1 } { p = $1 } END { print lost + 0 }')" 0

# Stopped for five times what makes a path fail: its own sleep is no miss.
kill -STOP "$(cat "$RUN/sameway.pid")"
ping_lost 30 0.1 "$CLOUD4" >/dev/null
kill -CONT "$(cat "$RUN/sameway.pid")"
sent=$(j '.[0].probe.sent' paths)
check_within 5 "stopped for 3 s and woken, it goes on" eval "[ \"\$(j '.[0].probe.sent' paths)\" -ge $((sent + 6)) ]"
check_equal "and took no path away, but for the drain and the failure" "$(lines sameway 'path er1-primary is not usable')" 2

grey
wait_for 5 er_failed
sameway_kill
check "daemon dead: the path stays failed" er_failed
check "and status has what the maps know" eval 's -j status 2>/dev/null | jq -e ".daemon == false and ([.probes[] | select(.path == \"er1-primary\")][0].state == \"down\")"'
mv "$RUN/sameway.log" "$RUN/sameway.log1"
sameway_start
check "a new daemon leaves it so" er_failed
check_equal "and had not taken it up meanwhile" "$(lines sameway 'path er1-primary is usable')" 0
grey_end
check_within 10 "answered again: the path is back" er_usable
check_within 20 "its failback is told, too" failbacks_are 2

vpn_dead
check_within 5 "the backup's probe is not answered" probe vpn30 '.reasons == ["probe-failed"]'
check_within 10 "an incident: backup-down" true_json 'any(.[]; .verdict == "backup-down" and .cause == "backup-blackhole")' alerts
vpn_lives
check_within 10 "and it is back" probe vpn30 .usable

probes "$CLOUD4:7" "$VPNPEER6"
check "reload: TCP to a closed port, IPv6 by the VPN" s reload
check_within 5 "RST and echo reply prove both paths" both_up
start_iperf cloud
probes "[$CLOUD6]:5201" "$VPNPEER4:179"
s reload >/dev/null
check_within 5 "so do SYN-ACKs, IPv6 and IPv4" both_up
check_within 5 "which leave nothing half open" eval "[ -z \"\$(nsenter --net=/run/netns/$LAB-cloud ss -Htn state syn-recv)\" ]"

EDGE_FORWARD=kernel probes "$SPOKE4" "$BRANCH4:9"
s reload >/dev/null
check_within 5 "as well where the kernel forwards" eval 'both_up && true_json ".forward == \"kernel\"" status'
s monitor >/dev/null
before=$(j '.[0].probe.answered' paths)
check_within 5 "and in monitor mode" probe er1-primary ".probe.answered >= $((before + 5)) and .probe.missed == 0"
s enforce >/dev/null

grey
wait_for 5 er_failed
probes 10.10.30.99 "$VPNPEER4"
s reload >/dev/null
check_within 10 "another target, that never answers, objects to nothing" probe er1-primary '.usable and .probe.state == "never-answered" and .probe.sent > 6'
check_within 5 "and doctor says so" eval 's -j doctor | jq -e "any(.[]; .check == \"probe\" and (.ok | not) and (.message | test(\"never\")))"'
grey_end

ip -n "$LAB-hub" route replace 192.168.30.16/30 via 172.16.2.2
ip -n "$LAB-vpngw" route add 192.168.30.16/30 dev tun30
probes "$SPOKE4" "$VPNPEER4"
s reload >/dev/null
check_within 5 "answers by the VPN are none of ExpressRoute" probe er1-primary '.usable and .probe.state == "never-answered" and .probe.elsewhere == "tun30"'
check_within 5 "doctor names the way they come" eval 's -j doctor | jq -e "any(.[]; .check == \"probe\" and (.message | test(\"tun30\")))"'
done_testing
