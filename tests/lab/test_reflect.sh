#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What enforce does with asymmetric flows. Two edges that face each other and disagree, the one ExpressRoute first, the other VPN
# first: with `action: reflect` on both a flow ends on one path, and stays; with it on one, that one follows; `action: drop`.
#
#   lan 10.2.30.10 -- lan0 edge er0 ====== er0 far lan0 -- cloud 10.10.30.4
#                          edge vpn0 ===== vpn0 far
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
SITES='lan edge far cloud'

# far COMMAND...: sameway at the other edge
far() { in_ns far "$SAMEWAY" -i "${LAB}f" "$@"; }
far_json() { far -j "${@:2}" | jq -e "$1"; }

down() {
	[ -n "$LAB" ] && {
		far detach >/dev/null 2>&1
		rm -rf "/sys/fs/bpf/sameway/${LAB}f" "/run/sameway/${LAB}f.sock" "/run/sameway/${LAB}f.state"
	}
	edge_down
}
trap down EXIT

up() {
	local site
	LAB=sw$(printf '%04x%04x' $RANDOM $RANDOM)
	RUN=$(mktemp -d "/tmp/$LAB.XXXXXX") && chmod 755 "$RUN" || return 1
	: >"$RUN/pids"
	for site in $SITES; do make_site "$site" || return 1; done
	make_link lan eth0 "$LAN4/25" edge lan0 10.2.30.3/25 &&
		make_link edge er0 192.168.30.17/30 far er0 192.168.30.18/30 &&
		make_link edge vpn0 192.168.40.17/30 far vpn0 192.168.40.18/30 &&
		make_link cloud eth0 $CLOUD4/24 far lan0 10.10.30.3/24 &&
		ip -n "$LAB-lan" route add default via 10.2.30.3 && ip -n "$LAB-cloud" route add default via 10.10.30.3 || return 1
	# what the kernels would do, before and beside us: the same as each prefers
	ip -n "$LAB-edge" route add 10.10.30.0/24 via 192.168.30.18 && ip -n "$LAB-far" route add 10.2.30.0/25 via 192.168.40.17 || return 1
	printf '%s\n' '{"op":"announce","prefix":"10.10.30.0/24","path":"er"}' '{"op":"announce","prefix":"10.10.30.0/24","path":"vpn"}' \
		'{"op":"end-of-rib"}' >"$RUN/edge.routes"
	sed 's,10.10.30.0/24,10.2.30.0/25,' "$RUN/edge.routes" >"$RUN/far.routes"
	wait_for 5 in_ns lan ping -c 1 -W 1 $CLOUD4
}

# config FILE ACTION PREFER LAST-OF-GATEWAYS NETWORK
config() {
	cat >"$RUN/$1.yaml" <<-X
		mode: enforce
		forward: fast
		prefer: [$3]
		failback-delay: 0s
		asymmetry: { grace: 1s, confirm: 1s, action: $2 }
		paths:
		  - { name: er, class: expressroute, interface: er0, gateway: 192.168.30.$4 }
		  - { name: vpn, class: vpn, interface: vpn0, gateway: 192.168.40.$4, encrypted: true }
		inside: [{ interface: lan0, networks: [$5] }]
		feeds: [{ name: file, type: jsonl, file: $RUN/$1.routes }]
	X
}
configs() { # ACTION-OF-EDGE ACTION-OF-FAR
	config edge "$1" "expressroute, vpn" 18 10.2.30.0/25
	config far "$2" "vpn, expressroute" 17 10.10.30.0/24
}
reload() { s reload && far reload; }
ready() { s -j status | jq -e '.daemon and .waiting == []' && far_json '.daemon and .waiting == []' status; }

# a flow of its own, of the id, ten packets a second for so long; the path of each direction as the edge sees it
flow() { background lan "flow$1" ping -e "$1" -i 0.1 -w "$2" $CLOUD4; }
ways() { j ".[] | select(.sport == $1) | \"\(.forward.path) \(.reverse.path)\"" flows; }
ways_are() { [ "$(ways "$1")" = "$2" ]; }
symmetric() { [[ $(ways "$1") =~ ^(er|vpn)\ (er|vpn)$ ]] && [ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ]; }
verdict_is() { true_json "any(.[]; .sport == $1 and .verdict == \"$2\")" flows; }

if ! up >&2; then
	fail "two edges come up" "see above"
	done_testing
fi
configs alert alert
background edge sameway "$SAMEWAY" -i "$LAB" run -c "$RUN/edge.yaml"
background far far "$SAMEWAY" -i "${LAB}f" run -c "$RUN/far.yaml"
check_within 20 "sameway runs on both edges" ready || done_testing

flow 100 60
check_within 10 "action alert: it leaves by ExpressRoute and returns by VPN" ways_are 100 "er vpn"
check_within 5 "... which is asymmetric" verdict_is 100 asymmetric

configs reflect reflect
check "both are told to reflect" reload
check_within 10 "two that reflect: the flow comes to one path" symmetric 100
path=$(ways 100)
# neither swaps again, in ten times the time that it took to decide
changes=0
for _ in {1..50}; do
	[ "$(ways 100)" = "$path" ] || changes=$((changes + 1))
	in_ns lan ping -q -c 1 -W 1 -i 0.1 $CLOUD4 >/dev/null
done
check_equal "... and stays there" "$changes" 0
check_equal "... on both edges" "$(far -j flows | jq -r '.[] | select(.sport == 100) | "\(.reverse.path) \(.forward.path)"')" "$path"
for id in 201 202 203 204; do flow $id 20; done
for id in 201 202 203 204; do check_within 15 "a new flow likewise, $id" symmetric $id; done

configs reflect alert
check "the far one only alerts" reload
flow 300 30
check_within 10 "one that reflects follows: ExpressRoute first here, by VPN" ways_are 300 "vpn vpn"
check_within 5 "... and says that the better path is not used" verdict_is 300 policy-violation
check_within 5 "... as an incident on the side that is to be mended" true_json 'any(.[]; .verdict == "policy-violation" and .side == "azure" and (.message | contains("reflect")))' alerts

configs drop alert
check "this one drops" reload
flow 400 30
denied() { true_json '[.reasons[] | select(.reason == "asymmetric-denied" and .action == "drop") | .packets] | add > 10' counters; }
check_within 10 "action drop: counted as asymmetric-denied" denied
check "... and no answer comes" eval "! in_ns lan ping -q -e 401 -c 5 -i 0.1 -W 1 $CLOUD4 | grep -q ' 5 received'"

configs alert alert
check "and back to alert" reload
check_within 5 "packets pass again" in_ns lan ping -q -c 3 -i 0.1 -W 1 $CLOUD4
done_testing
