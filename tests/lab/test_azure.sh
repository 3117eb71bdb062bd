#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Feeds of whole tables on a live edge. azure: a directory whose files change under it, half written, empty, errors, removed, old; a
# command that hangs. frr: real FRR, asked by vtysh each second; sameway's candidates are vtysh's own after each change.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/small.sh
. "$(dirname "$0")/small.sh"

FRR=/usr/lib/frr
DATA=$ROOT/tests/unit/data/azure/vnet-gateway-list-learned-routes
VPNPEER=10.10.30.254

frr_bgpd() {
	local n
	cat <<-X
		route-map er permit 10
		 set local-preference 200
		router bgp 65021
		 bgp router-id 10.2.30.253
		 no bgp default ipv4-unicast
		 no bgp ebgp-requires-policy
		 no bgp network import-check
		 timers bgp 1 3
	X
	for n in '192.168.30.18 12076' 'fd00:192:168:30::2 12076' "$VPNPEER 65515"; do
		echo " neighbor ${n% *} remote-as ${n#* }"
		echo " neighbor ${n% *} timers connect 1"
		echo " neighbor ${n% *} advertisement-interval 0"
	done
	cat <<-X
		 neighbor $VPNPEER ebgp-multihop 5
		 address-family ipv4 unicast
		  network 10.2.30.0/25
		  neighbor 192.168.30.18 activate
		  neighbor 192.168.30.18 route-map er in
		  neighbor $VPNPEER activate
		 exit-address-family
		 address-family ipv6 unicast
		  neighbor fd00:192:168:30::2 activate
		 exit-address-family
	X
}

# far_bird NAME ROUTER-ID AS 'LOCAL NEIGHBOUR ...' 'PREFIX ...': BIRD on the far side, a session a pair
far_bird() {
	local pair prefix n=0
	{
		echo "log stderr all; router id $2; protocol device { scan time 1; }"
		for prefix in $5; do
			case $prefix in *:*) echo "protocol static s$((n += 1)) { ipv6; route $prefix blackhole; }" ;;
			*) echo "protocol static s$((n += 1)) { ipv4; route $prefix blackhole; }" ;; esac
		done
		for pair in $4; do
			case $pair in *::*) prefix=ipv6 ;; *) prefix=ipv4 ;; esac
			echo "protocol bgp b$((n += 1)) { local ${pair%,*} as $3; neighbor ${pair#*,} as 65021; multihop; strict bind yes; $BGP_TIMERS
				$prefix { import all; export where source = RTS_STATIC; next hop self; }; }"
		done
	} >"$RUN/$1.conf"
	bird -p -c "$RUN/$1.conf" && background far "$1" bird -f -c "$RUN/$1.conf" -s "$RUN/$1.ctl"
}

frr_up() {
	local d=$RUN/frr
	mkdir "$d" && frr_bgpd >"$d/bgpd.conf" && echo 'no zebra nexthop kernel enable' >"$d/zebra.conf" && chown -R frr:frr "$d" || return 1
	ip -n "$LAB-far" addr add $VPNPEER/32 dev lo && ip -n "$LAB-edge" route add $VPNPEER/32 via 192.168.40.2 || return 1
	background edge frr-zebra $FRR/zebra -f "$d/zebra.conf" -i "$d/zebra.pid" -z "$d/zserv.api" --vty_socket "$d" -A 127.0.0.1 -P 0
	wait_for 5 test -S "$d/zserv.api" || return 1
	background edge frr-bgpd $FRR/bgpd -f "$d/bgpd.conf" -i "$d/bgpd.pid" -z "$d/zserv.api" --vty_socket "$d" -A 127.0.0.1 -P 0
	far_bird bird-er 192.168.30.18 12076 '192.168.30.18,192.168.30.17 fd00:192:168:30::2,fd00:192:168:30::1' \
		'10.10.30.0/24 10.11.30.0/26 10.17.30.0/26 fd00:10:10:30::/64' &&
		far_bird bird-vpn $VPNPEER 65515 "$VPNPEER,192.168.40.1" '10.10.30.0/24 10.11.30.0/26 10.11.30.64/26'
}
vty() { in_ns edge vtysh --vty_socket "$RUN/frr" "$@"; }

config() {
	local frr=''
	[ ! -x $FRR/bgpd ] || frr="- { name: frr, type: frr, interval: 1s, command: \"vtysh --vty_socket $RUN/frr -c 'show bgp ipv4 unicast json' -c 'show bgp ipv6 unicast json'\" }"
	cat >"$RUN/sameway.yaml" <<-X
		mode: monitor
		forward: fast
		stale-time: 2s
		paths:
		  - { name: er, class: expressroute, circuit: er1, interface: er0, gateway: 192.168.30.18, gateway6: "fd00:192:168:30::2" }
		  - { name: vpn30, class: vpn, interface: vpn0, gateway: 192.168.40.2, encrypted: true, peers: [$VPNPEER] }
		inside: [{ interface: lan0, networks: [10.2.30.0/25, "fd00:2:30::/64"] }]
		feeds:
		  - { name: azure, type: azure, dir: azure/, view: remote, interval: 1s, circuits: { 10.10.30.132: er1, 10.10.30.133: er1 } }
		  - { name: az, type: azure, command: ". $RUN/az.sh", interval: 1s, view: remote, circuits: { 10.10.30.132: er1 } }
		  $frr
	X
	[ -n "$frr" ] || printf '  - { name: file, type: jsonl, file: routes }\n' >>"$RUN/sameway.yaml"
}

# returns PREFIX CLASS CIRCUIT: what explain says of the way back, and that it is young. Its exit status is 3 where that is not ours.
returns() {
	s -j explain 10.10.30.4 from 10.2.30.10 | jq -e ".return | .prefix == \"$1\" and .class == \"$2\" and .circuit == $3 and .view_age_s < 60"
}
feed() { true_json ".feeds[] | select(.name == \"$1\") | $2" status; }
table() { cp "$DATA.$1.json" "$RUN/azure/$2.json.new" && mv "$RUN/azure/$2.json.new" "$RUN/azure/$2.json"; }

if ! { small_up >&2 && small_link edge vpn0 192.168.40.1/30 far vp0 192.168.40.2/30 && mkdir "$RUN/azure"; }; then
	fail "test_azure: the lab comes up" "see above"
	done_testing
fi
echo ':' >"$RUN/az.sh"
table hub-ergw.steady ergw
[ ! -x $FRR/bgpd ] || frr_up || {
	fail "test_azure: FRR comes up" "see $FRR"
	done_testing
}
config
background edge sameway "$SAMEWAY" -i "$LAB" run -c "$RUN/sameway.yaml"
check_within 20 "azure: what the gateway has learned, before FRR says anything" feed azure '.state == "up" and .routes == 7' || done_testing
check_within 10 "the hub is known by a local feed" true_json '.path == "er"' explain 10.10.30.4 from 10.2.30.10
check_within 10 "the way back: prefix, class, circuit, age" returns 10.2.30.0/25 expressroute '"er1"'
check "the same way" true_json '.verdict == "ok"' explain 10.10.30.4 from 10.2.30.10
table hub-ergw.er1-ce-link-down ergw
check_within 5 "renamed into its place: by VPN" returns 10.2.30.0/25 vpn null
s explain 10.10.30.4 from 10.2.30.10 >/dev/null
check_equal "asymmetric is exit status 3" $? 3

cp "$ROOT/tests/unit/data/azure/express-route-list-route-tables.er1.primary.steady.json" "$RUN/azure/msee.json"
check_within 5 "a circuit's table has our network by ExpressRoute" feed azure '[.tables[] | select(.name == "msee.json") | .routes] == [4]'
check "but how a VNet answers says its gateway" returns 10.2.30.0/25 vpn null
rm "$RUN/azure/ergw.json"
check_within 6 "with no gateway's word, the circuit's counts" returns 10.2.30.0/25 expressroute null
rm "$RUN/azure/msee.json"
table hub-ergw.er1-ce-link-down ergw
check_within 5 "the gateway's again" returns 10.2.30.0/25 vpn null

# A slow writer, in the file itself: half of a table is no table.
{
	head -c 700 "$DATA.hub-ergw.steady.json"
	wait_for 20 test -e "$RUN/go"
	tail -c +701 "$DATA.hub-ergw.steady.json"
} >"$RUN/azure/ergw.json" &
writer=$!
check_within 3 "half is written" test -s "$RUN/azure/ergw.json"
check "half written: as before" returns 10.2.30.0/25 vpn null
touch "$RUN/go"
wait $writer
check_within 5 "closed: ExpressRoute" returns 10.2.30.0/25 expressroute '"er1"'

errors() { j '.feeds[] | select(.name == "azure") | .errors' status; }
n=$(errors)
echo '{"value": []}' >"$RUN/azure/ergw.json"
check_within 5 "empty is told" feed azure ".errors == $((n + 1)) and (.last_error | test(\"ergw.json: empty: that is unknown\"))"
echo '(InternalServerError) An error occurred.' >"$RUN/azure/ergw.json"
check_within 5 "an error of Azure is told" feed azure ".errors == $((n + 2)) and (.last_error | test(\"InternalServerError\"))"
check "and the last table stays" returns 10.2.30.0/25 expressroute '"er1"'

table hub-ergw.onprem-more-specific-on-vpn more
check_within 5 "a more specific network by VPN" returns 10.2.30.0/26 vpn null
rm "$RUN/azure/more.json"
check_within 5 "its file removed: stale, then gone" returns 10.2.30.0/25 expressroute '"er1"'
table hub-ergw.steady ergw
touch -d '20 minutes ago' "$RUN/azure/ergw.json"
check_within 6 "an old table is stale" feed azure '.state == "stale" and (.last_error | test("ergw.json: its table is 1[0-9]+ s old, more than 900 s")) and (.tables[0] | .stale and .age_s >= 1200)'
check_within 6 "and not believed for long" true_json '.return.class == null' explain 10.10.30.4 from 10.2.30.10
table hub-ergw.steady ergw
check_within 6 "collected again" feed azure '.state == "up"'
check "the way back is known again" returns 10.2.30.0/25 expressroute '"er1"'
cp "$ROOT/tests/unit/data/azure/vnet-gateway-list-bgp-peer-status.hub-vpngw.vpn-peer-connecting.json" "$RUN/azure/peers.json"
check_within 5 "a session that is not up is told" feed azure '(.last_error | test("10.2.30.125 .* is Connecting")) and ([.peers[] | select(.state == "Connecting") | .peer] == ["10.2.30.125"])'
rm "$RUN/azure/ergw.json" "$RUN/azure/peers.json"

# By a command: progress text, then a hang, then an error.
echo "echo '{- Finished ..'; cat $DATA.hub-ergw.er1-ce-link-down.json" >"$RUN/az.sh"
check_within 8 "by command: by VPN" returns 10.2.30.0/25 vpn null
check "its table is young" feed az '.state == "up" and .tables[0].name == "command" and .tables[0].age_s <= 5'
echo "echo \$\$ >>$RUN/hung; sleep 100" >"$RUN/az.sh"
check_within 12 "one that hangs is ended" feed az '.last_error | test("command: still running after 5 s, ended")'
check "one at a time, and none is left of the first" eval "! kill -0 \$(head -n 1 $RUN/hung) 2>/dev/null"
check "its last table stays" returns 10.2.30.0/25 vpn null

if [ ! -x $FRR/bgpd ]; then
	skip "FRR by command" "$FRR/bgpd: install frr (./scripts/deps)"
	s detach >/dev/null
	done_testing
fi

# As vtysh has it: each valid path of each prefix, by its session.
vtysh_has() {
	vty -c 'show bgp ipv4 unicast json' -c 'show bgp ipv6 unicast json' | jq -sSc '[.[].routes | to_entries[] | .key as $p | .value[] | select(.valid) |
		{prefix: $p, path: {"192.168.30.18": "er", "fd00:192:168:30::2": "er", "'"$VPNPEER"'": "vpn30"}[.peerId],
		 as_path: ((.path // "") | split(" ") | map(tonumber)), local_pref: (.locPrf // 100), chosen: (.bestpath // false)}] | sort'
}
sameway_has() {
	s -j routes | jq -Sc '[.[] | .prefix as $p | .candidates[] | select(.feed == "frr") | {prefix: $p, path, as_path, local_pref, chosen}] | sort'
}
as_vtysh() {
	local want
	want=$(vtysh_has) && [ "$want" = "$(sameway_has)" ] && [ "$(jq "$1" <<<"$want")" = true ]
}
vpn='map(select(.path == "vpn30")) | length'
er='map(select(.path == "er")) | length'
check_within 15 "FRR: all candidates of all sessions, IPv6 too, as vtysh has them" as_vtysh "($vpn) == 3 and ($er) == 4"
check "its own network is own" true_json '[.[] | select(.prefix == "10.2.30.0/25")][0] | .tiers == [] and .candidates[0].path == null' routes
check "local preference 200 by its policy, FRR's default by VPN" true_json '.[0].candidates | map([.path, .local_pref]) | sort == [["er", 200], ["vpn30", 100]]' routes 10.10.30.0/24
check "FRR's own choice is told" true_json '.[0].candidates | map(select(.chosen) | .path) == ["er"]' routes 10.10.30.0/24
vty -c 'conf t' -c 'router bgp 65021' -c "neighbor $VPNPEER shutdown" >/dev/null
check_within 10 "a session shut down" as_vtysh "($vpn) == 0 and ($er) == 4"
vty -c 'conf t' -c 'router bgp 65021' -c "no neighbor $VPNPEER shutdown" -c 'address-family ipv4 unicast' -c 'no neighbor 192.168.30.18 route-map er in' \
	-c 'network 10.99.0.0/16' >/dev/null
vty -c 'clear bgp ipv4 unicast 192.168.30.18 soft in' >/dev/null
check_within 15 "up again, another policy, a network more" as_vtysh "($vpn) == 3 and ([.[] | select(.local_pref == 200)] == []) and any(.[]; .prefix == \"10.99.0.0/16\")"
check "an own network that is not inside: no error" feed frr '.errors == 0 and .state == "up"'
before=$(sameway_has)
end_background frr-bgpd KILL
check_within 8 "bgpd killed: vtysh's error is told" feed frr '.errors >= 1 and (.last_error | test("command: exit status 1 "))'
check_equal "and its last table stays" "$(sameway_has)" "$before"
s detach >/dev/null
check "detach ends the command that runs" eval "! kill -0 \$(tail -n 1 $RUN/hung) 2>/dev/null"
done_testing
