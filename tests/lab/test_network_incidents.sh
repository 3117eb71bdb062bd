#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Incidents of the network on a real BIRD, a real tunnel and real packets: nothing in the steady state; then the backup gone, the
# circuit in maintenance, a failure and its return, Azure that does not follow, a leak, a backup that rides on what it is to
# replace, and a path that flaps. What closes with time does so while the next ones are done.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# bird_edit SITE EXPRESSION: its BIRD with the config changed so; '' puts it back
bird_edit() {
	local conf=$RUN/$1.conf
	[ -f "$conf.first" ] || cp "$conf" "$conf.first"
	sed "$2" "$conf.first" >"$conf"
	birdc_at "$1" configure >/dev/null
}
# incident KIND SUBJECT FILTER: of the last incident of this kind about this, also closed ones
incident() { true_json "[.[] | select(.verdict == \"$1\" and .subject == \"$2\")] | last | . != null and ($3)" alerts --all; }
count() { j "[.[] | select(.verdict == \"$1\")] | length" alerts --all; }
opened() { incident "$1" "$2" ".state == \"open\" and ($3)"; }
closed() { incident "$1" "$2" '.state == "closed"'; }
usable() { true_json ".[] | select(.name == \"$1\") | .usable" paths; }
held() { true_json '.[0].reasons | index("failback-delay") != null' paths; }

lab_edge
export EDGE_EXTRA='exempt: [{ to: 52.168.162.84/32 }]'
export EDGE_FEED="{ name: router, type: bgp, listen: 127.0.0.2:1790, as: 65021, router-id: 10.2.30.250, peers: [127.0.0.1] }
  - { name: azure, type: jsonl, file: azure.jsonl, follow: true }"
echo '{"op":"end-of-rib"}' >"$RUN/azure.jsonl"
edge_config enforce 5s
check "sameway runs" sameway_start || done_testing

background lan remote ping -q -c 80 -i 0.1 "$REMOTE4"
background lan branch ping -q -c 80 -i 0.1 "$BRANCH4"
in_ns lan ping -q -c 80 -i 0.1 "$CLOUD4" >/dev/null
check "steady, with prefixes of one class only: nothing, not even closed" true_json '. == []' alerts --all

# S30
vpn_cut
check_within 20 "S30: the VPN is gone while ExpressRoute carries all" opened backup-down vpn30 \
	'.severity == "warning" and .cause == "bgp-down" and .forward_path == "vpn30" and (.message | test("10.11.30.64/26")) and .fix != ""'
check "its own prefix is lost with it, and told there alone" true_json 'map(.verdict) == ["backup-down"]' alerts
vpn_restore
check "the VPN is back" edge_wait_converged 30

# S35: what the Microsoft edge announces to us, prepended eight times
prepend=$(printf 'bgp_path.prepend(12076);%.0s' 1 2 3 4 5 6 7 8)
bird_edit msee "s/ipv4 { import all; export where net !~ 10.2.30.0\/25; /ipv4 { import all; export filter { if net ~ 10.2.30.0\/25 then reject; $prepend accept; }; /"
check_within 15 "S35: maintenance, a notice, and no redundancy" opened maintenance er1-primary \
	'.severity == "notice" and .side == "azure" and (.message | test("NO-REDUNDANCY: circuit er1"))'
check "traffic stays on ExpressRoute" true_json '.[0].selected == ["er1-primary"]' routes 10.10.30.0/24
bird_edit msee ''
check_within 30 "S30: backup-down closes" closed backup-down vpn30

# S32: the CE's own config without a prefix-list towards the VPN
bird_edit edge 's/\(protocol bgp VPN .*\)/\1/; /protocol bgp VPN /{n; s/export where proto = "own4"/export where proto = "own4" || proto = "ER1"/}'
check_within 20 "S32: the VPN gateway learns it from us" eval "birdc_at vpngw show route all 10.17.30.0/26 | grep -q 'as_path: 65021 12076'"
echo '{"op":"announce","view":"remote","prefix":"10.17.30.0/26","class":"vpn","as_path":[65021,12076]}' >>"$RUN/azure.jsonl"
check_within 15 "S32: route-leak, a warning" opened route-leak vpn30 \
	'.severity == "warning" and .side == "onprem" and (.message | test("10.17.30.0/26, as_path 65021 12076")) and (.fix | test("prefix-list"))'
in_ns vpngw timeout 20 ping -q -c 8 -i 0.1 -W 1 -I "$BRANCH4" "$REMOTE4" >/dev/null
check_within 15 "S32: critical when packets follow it" opened route-leak vpn30 '.severity == "critical"'
bird_edit edge ''
echo '{"op":"withdraw","view":"remote","prefix":"10.17.30.0/26"}' >>"$RUN/azure.jsonl"
check "BIRD as before" edge_wait_converged 30

check_within 50 "S35: it closes when it is over" closed maintenance er1-primary

# S24, S25, S21: a failure, and a far side that does not come back
background lan ping ping -i 0.05 -W 1 "$CLOUD4"
wait_for 5 lines_reach ping 'bytes from' 10
er_cut
check_within 10 "S25: the prefix that only ExpressRoute had" opened no-backup expressroute \
	'.severity == "critical" and .dst_prefix == "10.17.30.0/26" and .prefixes_lost == 1 and (.cause == "link-down" or .cause == "bgp-down")'
check_within 10 "S24: failover" true_json 'any(.[]; .verdict == "failover" and .prefixes_lost == 1)' alerts
far_side_via_vpn
er_restore
check "it returns" wait_for 30 usable er1-primary
check_within 30 "failback, closed at once: what moved, and how long it took" incident failback er1-primary \
	'.state == "closed" and .severity == "info" and .prefixes_moved >= 2 and .duration_ms != null and .cause == "link-down"'
check_within 10 "no-backup closes" closed no-backup expressroute
check_within 40 "S21: Azure still answers by the VPN: failback-stuck" opened failback-stuck er1-primary \
	'.severity == "warning" and .side == "azure" and (.message | test("Azure still answers by vpn30")) and (.fix | test("hubRoutingPreference"))'
check_equal "on our side nothing is stuck" "$(count failback-stuck)" 1
far_side_via_er
end_background ping
edge_wait_converged 30

# S31
ip -n "$LAB-edge" route replace 52.168.162.84/32 via 192.168.30.18
check_within 30 "S31: the tunnel's outer address by ExpressRoute" opened backup-not-independent vpn \
	'.severity == "warning" and .side == "onprem" and (.message | test("52.168.162.84.*er0, which is er1-primary"))'
ip -n "$LAB-edge" route replace 52.168.162.84/32 via 66.198.12.105
check_within 30 "it closes by the uplink" closed backup-not-independent vpn
check "the VPN is back" edge_wait_converged 30

check_within 60 "S21: it closes when Azure has followed" closed failback-stuck er1-primary
check_within 90 "all of it is over" true_json '. == []' alerts

# S27: with the failure above three within five minutes, and more
failbacks=$(count failback)
for i in 1 2 3; do
	er_cut
	wait_for 10 eval '! usable er1-primary'
	er_restore
	[ $i = 3 ] && check_within 20 "it is held down, longer each time" held
	edge_wait_converged 30
	wait_for 60 usable er1-primary
done
check_within 15 "S27: one incident flapping, with the count and the hold-down" opened flapping er1-primary \
	'.severity == "warning" and (.message | test("failed [4-9] times")) and (.message | capture("now (?<s>[0-9]+) s").s | tonumber >= 4)'
check_equal "one" "$(count flapping)" 1
check_at_most "and no failback each" "$(($(count failback) - failbacks))" 1
check_at_most "nor a failover each" "$(j '[.[] | select(.verdict == "failover" and .dst_prefix == "10.10.30.0/24")] | length' alerts --all)" 1
done_testing
