#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# ExpressRoute first, against BIRD's own choice; every kind of traffic through the edge, by both paths, both families. What
# moved is counted by the devices, not by sameway.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# BIRD not only prefers the VPN by AS path length: it has the better local preference, too.
export EDGE_VPN_PREF=300
lab_start enforce
check_equal "BIRD's best for the hub is the VPN" \
	"$(ip -n "$LAB-edge" -j route get $CLOUD4 | jq -r '.[0].dev')" tun30
check "status: enforcing on all hooks, nothing waited for" true_json '.daemon and .mode == "enforce" and .forward == "fast" and
	.waiting == [] and ([.hooks[] | select(.attached | not)] == []) and .routes.prefixes4 >= 4 and .routes.prefixes6 >= 1' status
check "status: the feed is up and sees all" true_json '.feeds[0].state == "up" and .feeds[0].sees == "all" and .feeds[0].errors == 0' status
check "both paths are usable" true_json '[.[] | select(.usable) | .name] == ["er1-primary", "vpn30"]' paths

# by_path DESTINATION DEVICE OTHER: pings go out and come back by the device, not by the other, which carries BGP alone:
# hence 100 pings.
by_path() {
	local out in other since=$SECONDS
	out=$(packets edge "$2" tx) in=$(packets edge "$2" rx) other=$(packets edge "$3" tx)
	check_equal "$1: no ping lost" "$(ping_lost 100 0.005 "$1")" 0
	check_at_least "$1 goes by $2" $(($(packets edge "$2" tx) - out)) 100
	check_at_least "$1 comes back by $2" $(($(packets edge "$2" rx) - in)) 100
	check_at_most "$1 does not go by $3" $(($(packets edge "$3" tx) - other)) "$(bgp_since "$since")"
}
by_path "$CLOUD4" er0 tun30
by_path "$SPOKE4" er0 tun30
by_path "$CLOUD6" er0 tun30
by_path "$REMOTE4" er0 tun30
by_path "$BRANCH4" tun30 er0
by_path "$VPNPEER4" tun30 er0

for d in "$CLOUD4" "$CLOUD6" "$BRANCH4"; do
	check_at_least "$d: the programs move it, not the kernel" "$(moved_by_us lan0 ping_lost 20 0.01 "$d")" 20
done
check_at_least "answers from ExpressRoute likewise" "$(moved_by_us er0 ping_lost 20 0.01 "$CLOUD4")" 20
check_at_least "IPv6" "$(moved_by_us er0 ping_lost 20 0.01 "$CLOUD6")" 20
check_at_least "answers from the VPN likewise" "$(moved_by_us tun30 ping_lost 20 0.01 "$BRANCH4")" 20

check "explain: ExpressRoute" true_json '.path == "er1-primary" and .class == "expressroute" and .prefix == "10.10.30.0/24" and
	([.if_down[] | select(.path == "er1-primary")][0].then == "vpn30")' explain $CLOUD4 from $LAN4
check "explain: IPv6" true_json '.path == "er1-primary" and .prefix == "fd00:10:10:30::/64"' explain $CLOUD6 from $LAN6
check "explain: the branch by VPN" true_json '.path == "vpn30" and .class == "vpn"' explain $BRANCH4 from $LAN4
check "explain: the VPN's BGP peer is exempt" true_json '.path == null and (.why | test("exempt"))' explain $VPNPEER4
check "routes: all candidates, ExpressRoute's tier first" true_json '.[0].prefix == "10.10.30.0/24" and
	.[0].tiers[0].class == "expressroute" and .[0].tiers[1].class == "vpn" and .[0].selected == ["er1-primary"] and
	([.[0].candidates[] | {path, local_pref}] | sort) ==
	([{path: "er1-primary", local_pref: 100}, {path: "vpn30", local_pref: 300}] | sort)' routes $CLOUD4
check_at_least "BGP with the VPN's peer goes by the tunnel" \
	"$(wire 2.5 tun30 tcp port 179 and host "$VPNPEER4")" 2
check_equal "and not by ExpressRoute" "$(wire 2.5 er0 host "$VPNPEER4")" 0

# Both directions of a flow in one record, by whichever side it was opened.
in_ns lan ping -q -c 3 -i 0.05 $CLOUD4 >/dev/null
check "a ping is one record with both directions" true_json "[.[] | select(.src == \"$LAN4\" and .dst == \"$CLOUD4\" and
	.proto == \"icmp\" and .forward.path == \"er1-primary\" and .reverse.path == \"er1-primary\" and
	.forward.packets == 3 and .reverse.packets == 3 and .sport == .dport)] | length >= 1" flows
in_ns cloud ping -q -c 3 -i 0.05 $LAN4 >/dev/null
check "opened by the far side: src is who opened it" true_json "[.[] | select(.src == \"$CLOUD4\" and .dst == \"$LAN4\" and
	.verdict == \"ok\" and .forward.packets == 3 and .reverse.packets == 3)] | length == 1" flows
check "no flow but ok ones" true_json '[.[] | select(.verdict != "ok" and .verdict != "pending")] == []' flows
check "-j flows --path vpn30: only the VPN's" true_json '[.[] | select(.forward.path != "vpn30" and .reverse.path != "vpn30")] == []' flows --path vpn30

hops() { in_ns lan traceroute -n -q 1 -w 1 -m 6 "$@" 2>/dev/null | awk 'NR > 1 { printf "%s%s", sep, $2; sep = " " }'; }
check_equal "traceroute shows the edge and ExpressRoute's hops" "$(hops $CLOUD4)" "10.2.30.3 192.168.30.18 172.16.3.1 $CLOUD4"
check_equal "traceroute by ICMP" "$(hops -I $CLOUD4)" "10.2.30.3 192.168.30.18 172.16.3.1 $CLOUD4"
check_equal "traceroute by VPN" "$(hops $BRANCH4)" "10.2.30.3 $BRANCH4"
check_equal "traceroute6" "$(hops $CLOUD6)" "fd00:2:30::3 fd00:192:168:30::2 fd00:172:16:3::1 $CLOUD6"
done_testing
