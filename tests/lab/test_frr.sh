#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# FRR as the edge's router, on the same box, feeds sameway every candidate by ADD-PATH, as docs/operations.md says. FRR's best
# for the hub is the VPN; sameway's is ExpressRoute; failover by link loss, a withdrawal, FRR's end.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

FRR=/usr/lib/frr
[ -x $FRR/bgpd ] || {
	skip "FRR feeds sameway" "$FRR/bgpd: install frr (./scripts/deps)"
	done_testing
}
MON=169.254.77.2

frr_zebra() { echo 'no zebra nexthop kernel enable'; }
frr_staticd() {
	cat <<-X
		ip route $MON/32 lo
		ip route $VPNPEER4/32 tun30
		ipv6 route $VPNPEER6/128 tun30
	X
}
# frr_neighbor ADDRESS AS [MORE...]
frr_neighbor() {
	echo " neighbor $1 remote-as $2"
	echo " neighbor $1 timers connect 1"
	echo " neighbor $1 advertisement-interval 0"
	shift
	[ $# -lt 2 ] || printf ' neighbor %s\n' "${@:2}"
}
frr_bgpd() {
	cat <<-X
		ip prefix-list own permit 10.2.30.0/25
		ipv6 prefix-list own permit fd00:2:30::/64
		router bgp 65021
		 bgp router-id 10.2.30.3
		 no bgp default ipv4-unicast
		 no bgp ebgp-requires-policy
		 no bgp network import-check
		 timers bgp 1 3
	X
	frr_neighbor 192.168.30.18 12076
	frr_neighbor fd00:192:168:30::2 12076
	frr_neighbor $VPNPEER4 65515 "$VPNPEER4 ebgp-multihop 5" "$VPNPEER4 update-source 10.2.30.125"
	frr_neighbor $VPNPEER6 65515 "$VPNPEER6 ebgp-multihop 5" "$VPNPEER6 update-source fd00:2:30::7d"
	frr_neighbor $MON 65021 "$MON port 1790" "$MON update-source 10.2.30.3"
	cat <<-X
		 address-family ipv4 unicast
		  network 10.2.30.0/25
		  neighbor 192.168.30.18 activate
		  neighbor 192.168.30.18 prefix-list own out
		  neighbor $VPNPEER4 activate
		  neighbor $VPNPEER4 prefix-list own out
		  neighbor $MON activate
		  neighbor $MON addpath-tx-all-paths
		  neighbor $MON route-reflector-client
		 exit-address-family
		 address-family ipv6 unicast
		  network fd00:2:30::/64
		  neighbor fd00:192:168:30::2 activate
		  neighbor fd00:192:168:30::2 prefix-list own out
		  neighbor $VPNPEER6 activate
		  neighbor $VPNPEER6 prefix-list own out
		  neighbor $MON activate
		  neighbor $MON addpath-tx-all-paths
		  neighbor $MON route-reflector-client
		 exit-address-family
	X
}

# In place of edge.sh's: BIRD on the far sites, FRR at the edge.
# shellcheck disable=SC2317 # edge_up and edge_wait_converged call them
start_birds() {
	local site d=$RUN/frr
	for site in msee vpngw hub; do
		"bird_$site" >"$RUN/$site.conf" && bird -p -c "$RUN/$site.conf" || return 1
		background "$site" "bird-$site" bird -f -c "$RUN/$site.conf" -s "$RUN/$site.ctl" || return 1
	done
	mkdir "$d" && frr_zebra >"$d/zebra.conf" && frr_staticd >"$d/staticd.conf" && frr_bgpd >"$d/bgpd.conf" &&
		chown -R frr:frr "$d" || return 1
	ip -n "$LAB-edge" route add local $MON/32 dev lo || return 1
	background edge frr-zebra $FRR/zebra -f "$d/zebra.conf" -i "$d/zebra.pid" -z "$d/zserv.api" --vty_socket "$d" -A 127.0.0.1 -P 0
	wait_for 5 test -S "$d/zserv.api" || return 1
	background edge frr-staticd $FRR/staticd -f "$d/staticd.conf" -i "$d/staticd.pid" -z "$d/zserv.api" --vty_socket "$d" -A 127.0.0.1 -P 0
	background edge frr-bgpd $FRR/bgpd -f "$d/bgpd.conf" -i "$d/bgpd.pid" -z "$d/zserv.api" --vty_socket "$d" -A 127.0.0.1 -P 0
}
vty() { in_ns edge vtysh --vty_socket "$RUN/frr" -c "$1"; }
# shellcheck disable=SC2317
sessions_up() {
	local site n
	for site in msee vpngw hub; do
		n=$(birdc_at "$site" show protocols | awk '$2 == "BGP" && /Established/ { n++ } END { print n + 0 }')
		[ "$n" = 4 ] || return 1
	done
}
paths_of() { vty "show bgp ipv4 unicast $1 json" | jq '.paths | length'; }
# shellcheck disable=SC2317
routes_there() {
	local r4 r6
	r4=$(ip -n "$LAB-hub" route get "$LAN4") && [[ $r4 == *172.16.3.2* ]] || return 1
	r6=$(ip -n "$LAB-hub" -6 route get "$LAN6") && [[ $r6 == *fd00:172:16:3::2* ]] || return 1
	[ "$(paths_of 10.10.30.0/24)" = 2 ] && ip -n "$LAB-edge" route get "$BRANCH4" | grep -q tun30 &&
		ip -n "$LAB-edge" route get "$REMOTE4" | grep -q er0
}

if ! { edge_up >&2 && edge_wait_converged 40 && warm_up; }; then
	vty 'show bgp summary' >&2
	fail "the lab comes up with FRR" "see above"
	done_testing
fi
export EDGE_FEED="{ name: router, type: bgp, listen: \"$MON:1790\", as: 65021, router-id: 10.2.30.250, peers: [10.2.30.3] }"
edge_config enforce
begin=$(now_ms)
check "sameway runs, with FRR's whole table" sameway_start || done_testing
check_at_most "its end of RIB came: no wait of 30 s (ms)" $(($(now_ms) - begin)) 20000
check "the feed sees all candidates" true_json '.feeds[0] | .state == "up" and .sees == "all" and .errors == 0' status
candidates() { true_json "[.[0].candidates[].path] | sort == $2" routes "$1"; }
selected() { true_json ".[0].selected == [\"$2\"]" routes "$1"; }
both='["er1-primary","vpn30"]'
check "FRR's best for the hub is the VPN" eval "vty 'show bgp ipv4 unicast 10.10.30.0/24 json' | jq -e '.paths[] | select(.bestpath.overall).nexthops[0].ip == \"$VPNPEER4\"'"
check "both candidates" candidates 10.10.30.0/24 "$both"
check "with their AS paths" true_json '[.[0].candidates[].as_path] | sort == [[12076, 65515], [65515]]' routes 10.10.30.0/24
check "ExpressRoute is chosen" selected 10.10.30.0/24 er1-primary
check "IPv6: both" candidates fd00:10:10:30::/64 "$both"
check "IPv6: ExpressRoute" selected fd00:10:10:30::/64 er1-primary
check_at_least "traffic goes by ExpressRoute" "$(moved edge er0 tx ping_lost 40 0.005 $CLOUD4)" 40

background lan ping ping -i 0.02 -c 150 -W 1 $CLOUD4
wait_for 5 lines_reach ping 'bytes from' 50
er_cut
wait_for 15 finished ping
check_at_most "cut: pings lost of 150" "$(awk '/packets transmitted/ { print $1 - $4 }' "$RUN/ping.log")" 3
check_within 10 "FRR withdraws what came by ExpressRoute" candidates 10.10.30.0/24 '["vpn30"]'
er_restore
check "BGP is back" edge_wait_converged 40
check_within 20 "both again" candidates 10.10.30.0/24 "$both"
check_within 20 "ExpressRoute again" selected 10.10.30.0/24 er1-primary

# FRR's end: its kernel routes go, the feed's are stale and used.
end_background frr-bgpd KILL
check_within 10 "bgpd killed: the feed is stale" true_json '.feeds[0].state == "stale"' status
check "its routes are kept" candidates 10.10.30.0/24 "$both"
done_testing
