#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What forwarding a packet costs, all in: UDP packets of 64 bytes from a veth to a veth through one edge, on one CPU, with
# nothing of sameway (plain), in monitor mode, with forward: kernel and with forward: fast. The four take turns, a round each;
# a row is the median of the rounds. The sender's and the taker's own cost is in all of them.
set -u
cd "$(dirname "$0")/../.." || exit 1
SAMEWAY=${SAMEWAY:-build/sameway} LOAD=${LOAD:-build/bench/load} ROUNDS=${ROUNDS:-7} COUNT=${COUNT:-300000} FLOWS=${FLOWS:-1024}
LAB=swb$(printf '%04x' $RANDOM) RUN=$(mktemp -d /tmp/swb.XXXXXX) pid=''
in_edge() { nsenter --net="/run/netns/$LAB-edge" "$@"; }
cleanup() {
	trap '' INT TERM
	stop_edge
	for ns in gen edge sink; do ip netns del "$LAB-$ns" 2>/dev/null; done
	rm -rf "$RUN" "/run/sameway/$LAB.state"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

stop_edge() {
	[ -n "$pid" ] || return 0
	in_edge "$SAMEWAY" -i "$LAB" detach >/dev/null
	wait "$pid" 2>/dev/null
	pid=''
}

# start_edge MODE FORWARD
start_edge() {
	local end=$((SECONDS + 15))
	cat >"$RUN/c.yaml" <<-X
		mode: $1
		forward: $2
		paths: [{ name: er, class: expressroute, interface: er0, gateway: 192.168.30.18 }]
		inside: [{ interface: lan0, networks: [10.2.30.0/25] }]
		feeds: [{ name: f, type: jsonl, file: $RUN/f }]
	X
	in_edge "$SAMEWAY" -i "$LAB" run -c "$RUN/c.yaml" 2>"$RUN/log" &
	pid=$!
	until in_edge "$SAMEWAY" -i "$LAB" -j status 2>/dev/null | jq -e '.daemon and .waiting == []' >/dev/null; do
		[ $SECONDS -lt $end ] || {
			cat "$RUN/log" >&2
			exit 1
		}
		sleep 0.05
	done
}

# measure ROW: its ns a packet onto the row's file
measure() {
	local sent got ns
	read -r sent got ns < <("$LOAD" "$LAB-gen" g0 "$LAB-sink" s0 10.2.30.10 10.10.30.4 "$mac" "$COUNT" "$FLOWS") || exit 1
	[ "$got" -ge $((sent * 9 / 10)) ] || echo "bench_forward: $1: $got of $sent arrived" >&2
	[ "$got" -gt 0 ] && echo $((ns / got)) >>"$RUN/$1"
}

for ns in gen edge sink; do ip netns add "$LAB-$ns" && ip -n "$LAB-$ns" link set lo up; done
in_edge sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
# link NS DEVICE NS DEVICE
link() {
	ip -n "$LAB-$1" link add "$2" type veth peer name p && ip -n "$LAB-$1" link set p netns "$LAB-$3" name "$4" &&
		nsenter --net="/run/netns/$LAB-$1" ethtool -K "$2" gro on >/dev/null && nsenter --net="/run/netns/$LAB-$3" ethtool -K "$4" gro on >/dev/null &&
		ip -n "$LAB-$1" link set "$2" up && ip -n "$LAB-$3" link set "$4" up
}
link gen g0 edge lan0 && link edge er0 sink s0 || exit 1
ip -n "$LAB-edge" addr add 10.2.30.3/25 dev lan0 && ip -n "$LAB-edge" addr add 192.168.30.17/30 dev er0
ip -n "$LAB-sink" addr add 192.168.30.18/30 dev s0
ip -n "$LAB-edge" route add 10.10.30.0/24 via 192.168.30.18
in_edge ping -qc1 -w2 192.168.30.18 >/dev/null || exit 1
printf '%s\n' '{"op":"announce","prefix":"10.10.30.0/24","path":"er"}' '{"op":"end-of-rib"}' >"$RUN/f"
mac=$(ip -n "$LAB-edge" -j link show lan0 | jq -r '.[0].address')

rows=(plain monitor kernel fast)
for ((round = 0; round < ROUNDS; round++)); do
	for row in "${rows[@]}"; do
		case $row in
		plain) ;;
		monitor) start_edge monitor auto ;;
		*) start_edge enforce "$row" ;;
		esac
		measure "$row"
		stop_edge
	done
done
echo "ns a packet, all in: $COUNT packets of $FLOWS flows a round, $ROUNDS rounds"
printf '| forwarding | median ns | min-max | against plain |\n| --- | ---: | ---: | ---: |\n'
median() { sort -n "$RUN/$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
plain=$(median plain)
for row in "${rows[@]}"; do
	awk -v r="$row" -v m="$(median "$row")" -v p="$plain" 'NR == 1 { a = $1 } { b = $1 } END { printf "| %s | %d | %d-%d | %.2f |\n", r, m, a, b, m / p }' <(sort -n "$RUN/$row")
done
