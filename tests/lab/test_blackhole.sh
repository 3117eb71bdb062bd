#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What Azure's own tables say of a way back that packets take; and a backup that nothing comes back by, found from packets alone,
# when nothing else is wrong to see: link, BGP and routes are there.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# azure ROWS...: the gateway's learned routes, each PREFIX:AS-PATH:NEXT-HOP, put in place whole
azure() {
	local row
	mkdir -p "$RUN/azure"
	for row; do
		IFS=: read -r network as hop <<<"$row"
		jq -n --arg n "$network" --arg a "$as" --arg h "$hop" \
			'{asPath: $a, localAddress: "10.10.30.140", network: $n, nextHop: $h, origin: "EBgp", sourcePeer: $h, weight: 32768}'
	done | jq -s '{value: .}' >"$RUN/azure/new" && mv "$RUN/azure/new" "$RUN/azure/ergw.json"
}
azure_has() { # PREFIX CLASS
	s -j explain "$CLOUD4" from "$LAN4" | jq -e ".return | .prefix == \"$1\" and .class == \"$2\""
}
incident() { true_json "any(.[]; .state == \"open\" and $1)" alerts; }
ping_new() { in_ns lan ping -q -c 2 -i 0.05 -W 1 "$1" >/dev/null; }
ER='10.2.30.0/25:12076-65021:10.10.30.132' VPN='10.2.30.0/25:65021:10.2.30.125'

lab_edge
azure "$ER" "$VPN"
EDGE_FEED="{ name: router, type: bgp, listen: 127.0.0.2:1790, as: 65021, router-id: 10.2.30.250, peers: [127.0.0.1] }
  - { name: azure, type: azure, dir: azure/, view: remote, interval: 1s, circuits: { 10.10.30.132: er1 } }"
edge_config enforce 1s
sameway_start || done_testing
check_within 10 "Azure's table is in" azure_has 10.2.30.0/25 expressroute
wait_for 10 true_json '.uptime_s >= 4' status
background lan alive ping -q -i 0.2 $REMOTE4

# S17, S18, S20: what is in Azure's tables tells three causes of one sight.
far_side_via_vpn
ping_new $CLOUD4
check_within 5 "both in Azure's table, and back by VPN: azure-preference" incident '.cause == "azure-preference" and .side == "azure" and
	.dst_prefix == "10.10.30.0/24" and (.message | test("Azure has 10.2.30.0/25 by both"))'
azure "$ER" "$VPN" 10.2.30.0/26:65021:10.2.30.125
check_within 10 "the longer one is known" azure_has 10.2.30.0/26 vpn
ping_new $SPOKE4
check_within 5 "a longer one by the VPN: onprem-more-specific, both named, and what to type" incident '.cause == "onprem-more-specific" and
	.side == "azure" and (.message | test("10.2.30.0/26 on the VPN and 10.2.30.0/25 on ExpressRoute")) and
	(.fix | test("neighbor 10.10.30.254 prefix-list VPN-OUT out"))'
azure "$VPN"
check_within 10 "and by the VPN alone" azure_has 10.2.30.0/25 vpn
ip -n "$LAB-cloud" addr add 10.10.30.9/32 dev lo
ping_new 10.10.30.9
check_within 5 "advertised on the VPN alone: not-advertised-on-er" incident '.cause == "not-advertised-on-er" and
	.side == "azure" and (.fix | test("clear bgp ipv4 unicast 192.168.30.18 soft out"))'
far_side_via_er
azure "$ER" "$VPN"

# S29: ExpressRoute is lost, the VPN's BGP is up, and the hub has no way back (a user-defined route, as it were).
er_cut
check_within 10 "ExpressRoute is lost" true_json '.[0].usable == false' paths
background lan one ping -i 0.3 $CLOUD4
background lan two ping -i 0.3 $SPOKE4
background lan three ping -i 0.3 10.10.30.9
check_within 20 "answered by the VPN" true_json "[.[] | select(.reverse.path == \"vpn30\" and .reverse.packets > 9) | .dst] | unique == [\"10.10.30.4\", \"10.10.30.9\", \"$SPOKE4\"]" flows
check "nothing is told while they are answered" eval '! incident ".verdict == \"one-way\""'
ip -n "$LAB-hub" route add blackhole 10.2.30.0/25 metric 1
start=$(now_ms)
check_within 40 "nothing comes back: backup-blackhole, critical" incident '.verdict == "one-way" and .cause == "backup-blackhole" and
	.severity == "critical" and .src_prefix == "10.2.30.0/25" and .forward_path == "vpn30" and .reverse_path == null and .flows >= 3'
took=$(($(now_ms) - start))
check "BGP by the VPN is up all the while (told after $took ms)" true_json '[.[0].candidates[].path] | index("vpn30") != null' routes $CLOUD4
check "one incident" true_json '[.[] | select(.verdict == "one-way")] | length == 1' alerts --all
ip -n "$LAB-hub" route del blackhole 10.2.30.0/25 metric 1
check_within 15 "answers are back: it closes" true_json '[.[] | select(.verdict == "one-way")] == []' alerts

# One server of them is down: that is no black hole.
ip -n "$LAB-cloud" addr del 10.10.30.9/32 dev lo
sleep_until=$(($(now_ms) + 20000))
silent() { [ "$(now_ms)" -ge "$sleep_until" ] || incident '.verdict == "one-way"'; }
wait_for 25 silent
check "a host that is down is none" true_json '[.[] | select(.verdict == "one-way")] == []' alerts
done_testing
