#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The mrt feed on what daemons write: BIRD's and then FRR's tables and messages of the edge's sessions, over a link's loss, its
# return and a withdrawal. A replay of each, and by gzip, ends with the candidates that the daemon itself printed.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

FRR=/usr/lib/frr

# BIRD at the edge writes down its messages from its first on.
eval "$(declare -f bird_edge | sed '1s/bird_edge/plain_bird_edge/')"
# shellcheck disable=SC2317 # edge_up calls it
bird_edge() {
	echo "mrtdump \"$RUN/messages\"; mrtdump protocols { states, messages };"
	plain_bird_edge
}

# bird_table FILE: its tables, an index before each
bird_table() {
	birdc_at edge mrt dump table '"master*"' to "\"$1\"" >/dev/null
	wait_for 5 eval "birdc_at edge show route count | grep -q . && [ -s '$1' ]"
}

# A line a candidate: prefix, path, next hop, local preference, AS path. BIRD's and FRR's words for them, and sameway's.
bird_candidates() {
	birdc_at edge show route all | awk '
		$1 ~ /^[0-9a-f:.]+\/[0-9]+$/ { prefix = $1 }
		match($0, /unicast \[[A-Za-z0-9]+/) { proto = substr($0, RSTART + 9, RLENGTH - 9); next_hop = lp = "" }
		/BGP.as_path:/ { sub(/.*: */, ""); as = $0 }
		/BGP.next_hop:/ { next_hop = $2 }
		/BGP.local_pref:/ { if (proto ~ /^(ER1|VPN)/)
			print prefix, proto ~ /^ER1/ ? "er1-primary" : "vpn30", next_hop, $2, as }' | sort
}
frr_candidates() {
	local family
	for family in ipv4 ipv6; do
		vty "show bgp $family unicast json" | jq -r '.routes | to_entries[] | .key as $p | .value[] | select(.peerId != "(unspec)") |
			"\($p) \(if .peerId | IN("192.168.30.18", "fd00:192:168:30::2") then "er1-primary" else "vpn30" end) \(
			[.nexthops[] | select(.scope != "link-local")][0].ip) \(.locPrf // 100) \(.path)"'
	done | sort
}
candidates() { # FEED
	s -j routes | jq -r --arg feed "$1" '.[] | .prefix as $p | .candidates[] | select(.feed == $feed) |
		"\($p) \(.path) \(.nexthop) \(.local_pref // 100) \(.as_path | map(tostring) | join(" "))"' | sort
}

edge_sees() { # PREFIX CANDIDATES
	[ "$(birdc_at edge show route "$1" | grep -c unicast)" = "$2" ]
}

lab_edge
bird_table "$RUN/early.mrt"
early=$(stat -c %s "$RUN/messages")
er_cut
check_within 10 "BIRD loses ExpressRoute" edge_sees 10.10.30.0/24 1
er_restore
check_within 30 "and has it again" edge_converged
birdc_at msee disable region >/dev/null
check_within 10 "a prefix is withdrawn" edge_sees 10.17.30.0/26 0
bird_table "$RUN/bird.mrt"
cp "$RUN/messages" "$RUN/bird.updates" # at its end BIRD writes that all peers are down
bird_candidates >"$RUN/bird.want"
cp "$RUN/bird.want" "$RUN/both.want"
check_at_least "BIRD has candidates" "$(wc -l <"$RUN/bird.want")" 7
end_background bird-edge
tail -c +$((early + 1)) "$RUN/bird.updates" >"$RUN/late.updates"
cat "$RUN/early.mrt" "$RUN/late.updates" >"$RUN/both.mrt"
gzip -k "$RUN/bird.mrt" "$RUN/bird.updates"
{
	gzip -c "$RUN/early.mrt"
	gzip -c "$RUN/late.updates"
} >"$RUN/both.mrt.gz"
feeds='bird.mrt bird.mrt.gz bird.updates bird.updates.gz both.mrt both.mrt.gz'

if [ -x $FRR/bgpd ]; then
	# FRR takes BIRD's place, in the same namespace.
	d=$RUN/frr
	vty() { in_ns edge vtysh --vty_socket "$RUN/frr" -c "$1"; }
	frr_neighbors() { # AS DEVICE-OR-EMPTY ADDRESS...
		printf ' neighbor %s remote-as %s\n neighbor %s timers connect 1\n neighbor %s advertisement-interval 0\n' "$2" "$1" "$2" "$2"
		[ -z "${3:-}" ] || printf ' neighbor %s ebgp-multihop 5\n neighbor %s update-source %s\n' "$2" "$2" "$3"
	}
	mkdir "$d"
	echo 'no zebra nexthop kernel enable' >"$d/zebra.conf"
	printf 'ip route %s/32 tun30\nipv6 route %s/128 tun30\n' $VPNPEER4 $VPNPEER6 >"$d/staticd.conf"
	{
		cat <<-X
			dump bgp updates $d/updates
			router bgp 65021
			 bgp router-id 10.2.30.3
			 no bgp default ipv4-unicast
			 no bgp ebgp-requires-policy
			 no bgp network import-check
			 timers bgp 1 3
		X
		frr_neighbors 12076 192.168.30.18
		frr_neighbors 12076 fd00:192:168:30::2
		frr_neighbors 65515 $VPNPEER4 10.2.30.125
		frr_neighbors 65515 $VPNPEER6 fd00:2:30::7d
		printf ' address-family ipv4 unicast\n  neighbor 192.168.30.18 activate\n  neighbor %s activate\n exit-address-family\n' $VPNPEER4
		printf ' address-family ipv6 unicast\n  neighbor fd00:192:168:30::2 activate\n  neighbor %s activate\n exit-address-family\n' $VPNPEER6
	} >"$d/bgpd.conf"
	chown -R frr:frr "$d"
	background edge frr-zebra $FRR/zebra -f "$d/zebra.conf" -i "$d/zebra.pid" -z "$d/zserv.api" --vty_socket "$d" -A 127.0.0.1 -P 0
	wait_for 5 test -S "$d/zserv.api"
	background edge frr-staticd $FRR/staticd -f "$d/staticd.conf" -i "$d/staticd.pid" -z "$d/zserv.api" --vty_socket "$d" -A 127.0.0.1 -P 0
	background edge frr-bgpd $FRR/bgpd -f "$d/bgpd.conf" -i "$d/bgpd.pid" -z "$d/zserv.api" --vty_socket "$d" -A 127.0.0.1 -P 0
	frr_sees() { [ "$(vty "show bgp $1 unicast $2 json" | jq '.paths // [] | length')" = "$3" ]; }
	check_within 30 "FRR has both for the hub" eval "frr_sees ipv4 10.10.30.0/24 2 && frr_sees ipv6 fd00:10:10:30::/64 2"
	birdc_at msee enable region >/dev/null
	check_within 10 "a prefix comes" frr_sees ipv4 10.17.30.0/26 1
	birdc_at msee disable region >/dev/null
	check_within 10 "and goes" frr_sees ipv4 10.17.30.0/26 0
	in_ns edge vtysh --vty_socket "$d" -c 'configure terminal' -c "dump bgp routes-mrt $d/table"
	check_within 10 "FRR writes its table" test -s "$d/table"
	cp "$d/table" "$RUN/frr.mrt"
	cp "$d/updates" "$RUN/frr.updates"
	frr_candidates >"$RUN/frr.want"
	check_at_least "FRR has candidates" "$(wc -l <"$RUN/frr.want")" 7
	for p in bgpd staticd zebra; do end_background frr-$p; done
	gzip -k "$RUN/frr.mrt"
	feeds+=' frr.mrt frr.mrt.gz frr.updates'
else
	skip "FRR's files" "$FRR/bgpd: install frr (./scripts/deps)"
fi

# One daemon, a feed a file; and one at its own pace.
edge_config monitor
sed -i '/^feeds:/,$d' "$RUN/sameway.yaml"
{
	echo feeds:
	for f in $feeds; do echo "  - { name: $f, type: mrt, file: $f }"; done
	echo '  - { name: pace, type: mrt, file: early.mrt, speed: real }'
} >>"$RUN/sameway.yaml"
check "sameway replays all of them" sameway_start || done_testing
replayed() { true_json 'all(.feeds[]; .state == "up" and (.note | test("^replay over")))' status; }
check_within 20 "to their end" replayed
for f in $feeds; do
	check_equal "$f: what ${f%%.*} printed" "$(candidates "$f" | md5sum; candidates "$f" | diff - "$RUN/${f%%.*}.want" 2>&1 | head -4)" \
		"$(md5sum <"$RUN/${f%%.*}.want")"
done
check "no record was refused" true_json '[.feeds[] | select(.errors > 0)] == []' status
check_at_least "the table at its own pace" "$(candidates pace | wc -l)" 8
check "and said how long it takes" grep -q 'early.mrt: .* records, replayed at their own pace: takes' "$RUN/sameway.log"
check "status says that it is over" eval 's status | grep -q "replay over after .*; its routes stay"'

# A file that can't be read is refused before anything changes.
printf 'BZh91AY&SY' >"$RUN/packed.bz2"
sed -i 's/file: early.mrt/file: packed.bz2/' "$RUN/sameway.yaml"
check "bzip2: refused, with what to do" eval 's reload 2>&1 | grep -q "feed pace: packed.bz2: packed by bzip2, .*: unpack it with bunzip2"'
check "and nothing changed" replayed
head -c 1000 "$RUN/bird.mrt.gz" | head -c -9 >"$RUN/cut.gz"
sed -i 's/file: packed.bz2, speed: real/file: cut.gz/' "$RUN/sameway.yaml"
s reload >/dev/null
check_within 10 "a file that is cut: told with its place, the rest is taken" true_json '.feeds[-1] | .errors == 1 and .routes > 0 and
	(.last_error | test("^cut.gz: record [0-9]+ .*: gzip member 1: the file ends inside it"))' status
done_testing
