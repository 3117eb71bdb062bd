#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What each hook costs on virtual links: one TCP stream of iperf3 (whole GSO frames, where the hook keeps them) from a veth to a
# veth through one edge: by the kernel alone, with `hook: tc`, `xdp-generic` and `xdp`. Twice: with the senders' offloads as a
# veth has them (XDP would send wrong checksums on: left out), and with `tx off`, where frames arrive as packets and GRO of the
# edge's veth joins them for TC. The rows take turns, a round each. Small packets: sameway-bench forward.
set -u
cd "$(dirname "$0")/../.." || exit 1
SAMEWAY=${SAMEWAY:-build/sameway} ROUNDS=${ROUNDS:-5} SECONDS_TCP=${SECONDS_TCP:-2}
LAB=swh$(printf '%04x' $RANDOM) RUN=$(mktemp -d /tmp/swh.XXXXXX) pid='' server=''
at() { nsenter --net="/run/netns/$LAB-$1" "${@:2}"; }
cleanup() {
	trap '' INT TERM
	stop_edge
	[ -z "$server" ] || kill "$server" 2>/dev/null
	for ns in lan edge far; do ip netns del "$LAB-$ns" 2>/dev/null; done
	rm -rf "$RUN" "/run/sameway/$LAB.state"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

stop_edge() {
	[ -n "$pid" ] || return 0
	at edge "$SAMEWAY" -i "$LAB" detach >/dev/null
	wait "$pid" 2>/dev/null
	pid=''
}

# start_edge HOOK
start_edge() {
	local end=$((SECONDS + 15))
	cat >"$RUN/c.yaml" <<-X
		mode: enforce
		forward: fast
		paths: [{ name: er, class: expressroute, interface: er0, gateway: 192.168.30.18, hook: $1 }]
		inside: [{ interface: lan0, networks: [10.2.30.0/25], hook: $1 }]
		feeds: [{ name: f, type: jsonl, file: $RUN/f }]
	X
	at edge "$SAMEWAY" -i "$LAB" run -c "$RUN/c.yaml" 2>"$RUN/log" &
	pid=$!
	until at edge "$SAMEWAY" -i "$LAB" -j status 2>/dev/null | jq -e '.daemon and .waiting == []' >/dev/null; do
		[ $SECONDS -lt $end ] || {
			cat "$RUN/log" >&2
			exit 1
		}
		sleep 0.05
	done
}

# tcp ROW: Mbit/s that arrived, onto the row's file
tcp() {
	at lan timeout 60 iperf3 -c 10.10.30.4 -t "$SECONDS_TCP" -J | jq '(.end.sum_received.bits_per_second // 0) / 1000000 | floor' >>"$RUN/$1"
}
# offloads on|off: of both senders
offloads() { at lan ethtool -K eth0 tx "$1" >/dev/null 2>&1 && at far ethtool -K ce0 tx "$1" >/dev/null 2>&1; }

for ns in lan edge far; do ip netns add "$LAB-$ns" && ip -n "$LAB-$ns" link set lo up; done
at edge sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
# link NS DEVICE NS DEVICE
link() {
	ip -n "$LAB-$1" link add "$2" type veth peer name p && ip -n "$LAB-$1" link set p netns "$LAB-$3" name "$4" &&
		at "$1" ethtool -K "$2" gro on >/dev/null && at "$3" ethtool -K "$4" gro on >/dev/null &&
		ip -n "$LAB-$1" link set "$2" up && ip -n "$LAB-$3" link set "$4" up
}
link lan eth0 edge lan0 && link edge er0 far ce0 || exit 1
ip -n "$LAB-lan" addr add 10.2.30.10/25 dev eth0 && ip -n "$LAB-lan" route add default via 10.2.30.3
ip -n "$LAB-edge" addr add 10.2.30.3/25 dev lan0 && ip -n "$LAB-edge" addr add 192.168.30.17/30 dev er0
ip -n "$LAB-far" addr add 192.168.30.18/30 dev ce0 && ip -n "$LAB-far" addr add 10.10.30.4/32 dev lo
ip -n "$LAB-far" route add default via 192.168.30.17
ip -n "$LAB-edge" route add 10.10.30.0/24 via 192.168.30.18
at lan ping -qc1 -w2 10.10.30.4 >/dev/null || exit 1
printf '%s\n' '{"op":"announce","prefix":"10.10.30.0/24","path":"er"}' '{"op":"end-of-rib"}' >"$RUN/f"
nsenter --net="/run/netns/$LAB-far" iperf3 -s >/dev/null 2>&1 &
server=$!

rows=(plain tc xdp-generic xdp)
for ((round = 0; round < ROUNDS; round++)); do
	for row in "${rows[@]}"; do
		[ "$row" = plain ] || start_edge "$row"
		at lan ping -qc3 -i0.01 -w2 10.10.30.4 >/dev/null
		offloads on
		case $row in xdp*) echo 0 >>"$RUN/$row.whole" ;; *) tcp "$row.whole" ;; esac
		offloads off
		tcp "$row.cut"
		stop_edge
	done
done
# spread FILE: median (least-greatest)
spread() { sort -n "$RUN/$1" | awk '{ v[NR] = $1 } END { if (v[NR]) printf "%d (%d-%d)", v[int((NR + 1) / 2)], v[1], v[NR]; else printf "-" }'; }
echo "median (least-greatest) of $ROUNDS rounds; one TCP stream of $SECONDS_TCP s"
printf '| hook | TCP Mbit/s, offloads as they are | TCP Mbit/s, senders `tx off` |\n| --- | ---: | ---: |\n'
for row in "${rows[@]}"; do printf '| %s | %s | %s |\n' "$row" "$(spread "$row.whole")" "$(spread "$row.cut")"; done
