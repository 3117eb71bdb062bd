# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# A small edge for what is about the interfaces themselves, sourced after lib.sh: no tunnel, no routing daemon, routes by a file.
#
#   lan eth0 10.2.30.10 -- lan0 edge er0 -- ce0 far 10.10.30.4
#
# Links have the offloads of a veth as it is made; what a test wants otherwise it says. SMALL_QUEUES: queues of each veth;
# SMALL_MTU: of all links.

SITES='lan edge far'
DST=10.10.30.4 DST6=fd00:10:10:30::4

small_link() { # SITE DEVICE 'ADDRESSES' SITE DEVICE 'ADDRESSES'
	local a=$LAB-$1 b=$LAB-$4 addr queues=${SMALL_QUEUES:-1}
	ip -n "$a" link add "$2" numrxqueues "$queues" numtxqueues "$queues" type veth \
		peer name sw-peer numrxqueues "$queues" numtxqueues "$queues" &&
		ip -n "$a" link set sw-peer netns "$b" name "$5" || return 1
	in_ns "$1" ethtool -K "$2" gro on >/dev/null && in_ns "$4" ethtool -K "$5" gro on >/dev/null || return 1
	for addr in $3; do ip -n "$a" addr add "$addr" dev "$2" || return 1; done
	for addr in $6; do ip -n "$b" addr add "$addr" dev "$5" || return 1; done
	ip -n "$a" link set "$2" mtu "${SMALL_MTU:-1500}" up && ip -n "$b" link set "$5" mtu "${SMALL_MTU:-1500}" up
}

# checksums on|off: whether both senders leave checksums to the device; with native XDP they must not
checksums() { in_ns lan ethtool -K eth0 tx "$1" >/dev/null 2>&1 && in_ns far ethtool -K ce0 tx "$1" >/dev/null 2>&1; }

small_up() {
	local site
	LAB=sw$(printf '%04x%04x' $RANDOM $RANDOM)
	RUN=$(mktemp -d "/tmp/$LAB.XXXXXX") && chmod 755 "$RUN" || return 1
	: >"$RUN/pids"
	for site in $SITES; do make_site "$site" || return 1; done
	small_link lan eth0 "$LAN4/25 $LAN6/64" edge lan0 "10.2.30.3/25 fd00:2:30::3/64" &&
		small_link edge er0 "192.168.30.17/30 fd00:192:168:30::1/64" far ce0 "192.168.30.18/30 fd00:192:168:30::2/64" &&
		ip -n "$LAB-lan" route add default via 10.2.30.3 && ip -n "$LAB-lan" -6 route add default via fd00:2:30::3 &&
		ip -n "$LAB-far" addr add $DST/32 dev lo && ip -n "$LAB-far" -6 addr add $DST6/128 dev lo &&
		ip -n "$LAB-far" route add default via 192.168.30.17 && ip -n "$LAB-far" -6 route add default via fd00:192:168:30::1 &&
		ip -n "$LAB-edge" route add 10.10.30.0/24 via 192.168.30.18 &&
		ip -n "$LAB-edge" -6 route add fd00:10:10:30::/64 via fd00:192:168:30::2 || return 1
	printf '%s\n' '{"op":"announce","prefix":"10.10.30.0/24","path":"er"}' '{"op":"announce","prefix":"fd00:10:10:30::/64","path":"er"}' \
		'{"op":"end-of-rib"}' >"$RUN/routes"
	wait_for 5 in_ns lan ping -c 1 -W 1 $DST && wait_for 5 in_ns lan ping -c 1 -W 1 $DST6
}

# small_config MODE HOOK [HOOK-OF-ER0]
small_config() {
	cat >"$RUN/sameway.yaml" <<-X
		mode: $1
		forward: fast
		paths:
		  - { name: er, class: expressroute, interface: er0, gateway: 192.168.30.18, gateway6: "fd00:192:168:30::2", hook: ${3:-$2} }
		${SMALL_PATH:-}
		inside: [{ interface: lan0, networks: [10.2.30.0/25, "fd00:2:30::/64"], hook: $2 }]
		feeds: [{ name: file, type: jsonl, file: $RUN/routes }]
	X
}

# small_start MODE HOOK: with sameway on it; ends the script when that can't be had.
small_start() {
	small_up >&2 && small_config "$@" && sameway_start && return
	fail "$(basename "$0" .sh): sameway runs on the edge" "see above"
	done_testing
}

# hooks INTERFACE: what ip(8) and status say of its XDP: native, generic or none; and the hooks that status has attached
xdp_of() {
	in_ns edge ip -d link show dev "$1" | awk '/ xdpgeneric/ { mode = "generic" } / xdp / { mode = "native" } END { print mode ? mode : "none" }'
}
xdp_is() { [ "$(xdp_of "$1")" = "$2" ]; }
ready() { true_json '.daemon and .waiting == []' status; }

tool=$ROOT/tests/lab/transfer.py
serve() { # SITE ADDRESS NAME
	background "$1" "$3" /usr/bin/python3 "$tool" serve "$2" 7000
	wait_for 5 lines_reach "$3" listening 1
}
transfer() { in_ns lan timeout 60 /usr/bin/python3 "$tool" send "$1" 7000 "$2"; }
# frame_bytes SITE DEVICE COMMAND...: bytes a frame that the device received while the command ran, on average
frame_bytes() {
	local now was filter='.[0].stats64.rx | "\(.packets) \(.bytes)"'
	read -r -a was < <(ip -n "$LAB-$1" -s -j link show dev "$2" | jq -r "$filter")
	"${@:3}" >/dev/null 2>&1
	read -r -a now < <(ip -n "$LAB-$1" -s -j link show dev "$2" | jq -r "$filter")
	echo $(((now[1] - was[1]) / (now[0] - was[0] + 1)))
}
