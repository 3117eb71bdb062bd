# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the lab tests share, sourced by each after `set -u`: reporting (`ok NAME`, `not ok NAME: why`, `skip NAME: missing what`,
# at the end the plan `1..N`, by which scripts/test tells a script that ended early), clean-up, measuring.

# shellcheck source=tests/lab/edge.sh
. "$(dirname "${BASH_SOURCE[0]}")/edge.sh"

REPORTED=0 FAILED=0
trap 'edge_down' EXIT
trap 'exit 130' INT TERM

pass() {
	REPORTED=$((REPORTED + 1))
	echo "ok $1"
}

fail() {
	REPORTED=$((REPORTED + 1)) FAILED=$((FAILED + 1))
	echo "not ok $1: $2"
}

skip() {
	REPORTED=$((REPORTED + 1))
	echo "skip $1: $2"
}

# check NAME COMMAND...: ok when the command succeeds, else not ok with the last line it wrote.
check() {
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then
		pass "$name"
	else
		fail "$name" "$* said: $(tail -n 1 <<<"$out")"
		return 1
	fi
}

# check_within SECONDS NAME COMMAND...: ok when the command comes to succeed in time.
check_within() {
	local limit=$1 name=$2
	shift 2
	if wait_for "$limit" "$@"; then
		pass "$name"
	else
		fail "$name" "not within $limit s: $*; now $("$@" 2>&1 | tail -n 1)"
		return 1
	fi
}

# check_equal NAME GOT WANT
check_equal() {
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1" "got '$2', want '$3'"
		return 1
	fi
}

# check_at_least NAME GOT LEAST; check_at_most NAME GOT MOST
check_at_least() { if [ "${2:-0}" -ge "$3" ]; then pass "$1"; else fail "$1" "got '$2', want at least $3"; fi; }
check_at_most() { if [ -n "$2" ] && [ "$2" -le "$3" ]; then pass "$1"; else fail "$1" "got '$2', want at most $3"; fi; }

done_testing() {
	echo "1..$REPORTED"
	[ $FAILED = 0 ]
	exit
}

# lab_start [MODE [GRACE]]: an edge with sameway on it; ends the script when that can't be had.
lab_start() {
	lab_edge && edge_config "${1:-enforce}" "${2:-60s}" && sameway_start && return
	fail "$(basename "$0" .sh): sameway runs on the edge" "see above"
	done_testing
}

# lab_edge: the edge alone, converged.
lab_edge() {
	edge_up >&2 && edge_wait_converged 20 && warm_up && return
	fail "$(basename "$0" .sh): the lab comes up" "BIRD at the edge: $(birdc_at edge show protocols 2>&1 | grep BGP | tr '\n' ' ')"
	done_testing
}

# Neighbours are known before anything is measured.
warm_up() {
	local d
	for d in $CLOUD4 $SPOKE4 $REMOTE4 $BRANCH4 $CLOUD6; do
		wait_for 5 in_ns lan ping -c 1 -W 1 "$d" || return 1
	done
}

# j FILTER COMMAND...: sameway's JSON answer through jq -r
j() {
	local filter=$1
	shift
	s -j "$@" | jq -r "$filter"
}

# true_json FILTER COMMAND...: whether the filter is true of the JSON answer; says the answer when it is not.
true_json() {
	local filter=$1 out
	shift
	out=$(s -j "$@") || return 1
	jq -e "$filter" <<<"$out" >/dev/null && return
	jq -c . <<<"$out"
	return 1
}

# ping_lost COUNT INTERVAL DESTINATION: packets lost
ping_lost() {
	in_ns lan ping -q -c "$1" -i "$2" -W 1 "$3" | awk '/packets transmitted/ { print $1 - $4 }'
}

# moved SITE DEVICE rx|tx COMMAND...: packets that the device counted while the command ran
moved() {
	local before
	before=$(packets "$1" "$2" "$3")
	"${@:4}" >/dev/null 2>&1
	echo $(($(packets "$1" "$2" "$3") - before))
}

# moved_by_us DEVICE COMMAND...: packets received by the device that the programs forwarded while the command ran. The kernel
# would bring many of them there, too: only this tells that it did not have to.
moved_by_us() {
	local device=$1 before filter
	shift
	filter="[.reasons[] | select(.interface == \"$device\" and .action == \"forward\") | .packets] | add // 0"
	before=$(j "$filter" counters)
	"$@" >/dev/null 2>&1
	echo $(($(j "$filter" counters) - before))
}

# bgp_since SECONDS: at most what the two BGP sessions of a path have sent since then ($SECONDS), a keepalive and an ACK a second
bgp_since() { echo $((20 + 6 * (SECONDS - $1 + 1))); }

# wire SECONDS DEVICE FILTER...: packets of the filter that tcpdump saw on the edge's device in that time. (It ends with an
# empty line when it is told to stop: hence no wc.)
wire() { in_ns edge timeout "$1" tcpdump -nn -i "$2" "${@:3}" 2>/dev/null | grep -c ' IP'; }

# start_iperf SITE [PORT]: a server there, ready
start_iperf() {
	background "$1" "iperf-$1" iperf3 -s -p "${2:-5201}"
	wait_for 5 eval "nsenter --net=/run/netns/$LAB-$1 ss -Htln 'sport = :${2:-5201}' | grep -q ."
}

# stream_start: a packet a millisecond from the LAN to the cloud, seen where it passes: by ExpressRoute, the VPN, at its end
steady=$ROOT/tests/lab/steady.py
stream_start() {
	local place
	background msee at-er "$steady" tap ce0 9000
	background edge at-vpn "$steady" tap tun30 9000
	background cloud at-cloud "$steady" tap eth0 9000
	background cloud sink "$steady" sink $CLOUD4 9000
	for place in at-er at-vpn at-cloud sink; do wait_for 10 lines_reach $place listening 1; done
	background lan stream "$steady" send $CLOUD4 9000 1000
}
