#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# `transit: allow`: the edge joins the branch behind its VPN and the region behind its ExpressRoute, as a network virtual appliance
# in a hub does: it announces to each what the other has, and sends both ways what comes. Never back by where it came; no flow is
# judged; no route-leak. With `deny` all that is dropped, and told.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

export EDGE_VPN_PREF=50
tool=$ROOT/tests/lab/transfer.py

config() { # deny|allow [MODE]: Azure's VPN gateway has the region's prefix from us, says a file
	EDGE_EXTRA="transit: $1" edge_config "${2:-enforce}" 60s &&
		echo "  - { name: azure, type: jsonl, file: $RUN/azure }" >>"$RUN/sameway.yaml"
}
reload() { config "$@" && s reload; }
# pinged SITE FROM TO: replies of 20
pinged() { in_ns "$1" ping -q -c 20 -i 0.02 -W 1 -I "$2" "$3" | awk '/packets transmitted/ { print $4 }'; }
branch_out() { pinged vpngw $BRANCH4 $REMOTE4; }
region_out() { pinged msee $REMOTE4 $BRANCH4; }
reason() { j "[.reasons[] | select(.interface == \"$1\" and .reason == \"$2\") | .packets] | add // 0" counters; }
# more INTERFACE REASON COMMAND...: packets of the reason while it ran
more() {
	local before
	before=$(reason "$1" "$2")
	"${@:3}" >/dev/null
	echo $(($(reason "$1" "$2") - before))
}
# counted COMMAND...: whether 20 packets each way are packets of both paths while it ran
counted() {
	local a b filter='[.[] | .rx_packets, .tx_packets] | join(" ")' i
	read -r -a a < <(j "$filter" paths)
	"$@" >/dev/null
	read -r -a b < <(j "$filter" paths)
	for i in 0 1 2 3; do
		echo "$i: $((b[i] - a[i]))"
		[ $((b[i] - a[i])) -ge 20 ] || return 1
	done
}
no_leak() { true_json 'all(.[]; .verdict != "route-leak")' alerts; }
announced() { ip -n "$LAB-vpngw" route show 10.17.30.0/26 | grep -q tun30 && ip -n "$LAB-msee" route show 10.11.30.64/26 | grep -q 192.168.30.17; }
healthy() { true_json '.[0].usable and .[0].name == "er1-primary"' paths; }

lab_edge
printf '%s\n' '{"op":"announce","view":"remote","prefix":"10.2.30.0/25","class":"vpn","as_path":[65021]}' \
	'{"op":"announce","view":"remote","prefix":"10.17.30.0/26","class":"vpn","as_path":[65021,12076]}' '{"op":"end-of-rib"}' >"$RUN/azure"
sed -i 's/export where proto = "own4"/export all/' "$RUN/edge.conf" && birdc_at edge configure >/dev/null
check_within 15 "the edge announces to each side what the other has" announced
config deny && sameway_start || exit 1

check_equal "denied: nothing comes through" "$(branch_out)" 0
check_equal "and is counted" "$(more tun30 transit-denied branch_out)" 20
check_equal "nor the other way" "$(more er0 transit-denied region_out)" 20
check_within 15 "a route leak" true_json 'any(.[]; .verdict == "route-leak" and .side == "onprem")' alerts
check "explain says denied" true_json '.path == null and (.why | test("transit-denied"))' explain $REMOTE4 from $BRANCH4

check "allow, by reload" reload allow
check_equal "branch to region" "$(branch_out)" 20
check_equal "region to branch" "$(region_out)" 20
check_at_least "moved by the programs" "$(moved_by_us tun30 branch_out)" 20
check_at_least "both ways" "$(moved_by_us er0 branch_out)" 20
check "a packet of both paths each" counted branch_out
check_equal "one hop" "$(in_ns vpngw ping -c 1 -W 1 -I $BRANCH4 $REMOTE4 | grep -o 'ttl=[0-9]*')" ttl=63
background msee serve /usr/bin/python3 "$tool" serve $REMOTE4 7000
wait_for 5 lines_reach serve listening 1
check "TCP there and back, as sent" in_ns vpngw timeout 30 /usr/bin/python3 "$tool" send $REMOTE4 7000 20 $BRANCH4
check "no flow is kept" true_json "all(.[]; .src != \"$BRANCH4\" and .dst != \"$BRANCH4\")" flows
check "explain says transit, by ExpressRoute" true_json '.path == "er1-primary" and (.why | test("^transit: .*10.11.30.64/26")) and .verdict == null' \
	explain $REMOTE4 from $BRANCH4
check_within 20 "no route leak any more" no_leak
check "inside is what it was" eval '[ "$(ping_lost 10 0.02 $BRANCH4)" = 0 ] && [ "$(ping_lost 10 0.02 $REMOTE4)" = 0 ]'

# the hub's spoke has both: by ExpressRoute it is transit, by the VPN it would go back
ip -n "$LAB-vpngw" route add $SPOKE4/32 dev tun30 src $BRANCH4
spoke_out() { pinged vpngw $BRANCH4 $SPOKE4; }
check_equal "branch to spoke by ExpressRoute" "$(spoke_out)" 20
er_cut
check_within 10 "ExpressRoute is lost" eval '! healthy'
check_equal "never back by the VPN: hairpin" "$(more tun30 hairpin spoke_out)" 20
check "none came back" eval '[ "$(wire 3 tun30 "host $SPOKE4 and src 10.11.30.68 and ip[8] < 64" & spoke_out >/dev/null; wait)" = 0 ]'
check "explain says so" true_json '.path == null and (.why | test("hairpin"))' explain $SPOKE4 from $BRANCH4
er_restore
edge_wait_converged 30
check_within 20 "ExpressRoute is back" healthy
wait_for 15 announced

check "the kernel forwards" eval 'EDGE_FORWARD=kernel reload allow && wait_for 10 true_json ".forward == \"kernel\"" status'
check_equal "by mark: branch to region" "$(branch_out)" 20
check_at_least "chosen by us" "$(more tun30 forwarded region_out)" 20
check "monitor mode" reload allow monitor
check_equal "the kernel's own routes" "$(branch_out)" 20
check_at_least "observed" "$(more tun30 observed branch_out)" 20
check "counted as ever" counted branch_out
check "not told as a loop" true_json '.egress.back == 0' status
check "and nothing was told of all that" no_leak
done_testing
