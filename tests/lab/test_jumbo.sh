#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Jumbo frames: native XDP goes on at an MTU of 9000, where a frame is of several buffers, and moves them; what is too big for
# the path is the kernel's to answer; where a device takes no such frame they go by tc. Nothing is lost or counted twice.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/small.sh
. "$(dirname "$0")/small.sh"

big_ping() { in_ns lan ping -q -M 'do' -s 8000 -c "$1" -i 0.01 -W 1 "$2"; }
xdp_redirects() { in_ns edge ethtool -S lan0 | awk '/rx_queue_.*xdp_redirect:/ { n += $2 } END { print n + 0 }'; }
# forwarded packets that lan0 received, and packets of the path
counts() { jq -r '"\([.reasons[] | select(.interface == "lan0" and .reason == "forwarded") | .packets] | add // 0) \(.paths[0].tx_packets) \(.paths[0].rx_packets)"' <<<"$(s -j counters)"; }
# exactly PACKETS DESTINATION: so many pings are so many packets of each counter, and all are answered
exactly() {
	local a b
	read -r -a a < <(counts)
	big_ping "$1" "$2" >"$RUN/ping" || return 1
	wait_for 2 eval 'read -r -a b < <(counts); [ "$((b[2] - a[2]))" -ge '"$1"' ]'
	read -r -a b < <(counts)
	echo "$((b[0] - a[0])) $((b[1] - a[1])) $((b[2] - a[2]))"
	[ "$((b[0] - a[0])) $((b[1] - a[1])) $((b[2] - a[2]))" = "$1 $1 $1" ] && grep -q ' 0% packet loss' "$RUN/ping"
}

SMALL_MTU=9000
small_start enforce xdp
checksums off
serve far $DST echo4
serve far $DST6 echo6
check "native XDP is on" eval 'xdp_is lan0 native && xdp_is er0 native'
before=$(xdp_redirects)
check "pings of 8000 bytes that may not be fragmented: each there and back, counted once" exactly 50 $DST
check_at_least "moved by XDP" $(($(xdp_redirects) - before)) 50
check "IPv6 likewise" exactly 50 $DST6
before=$(xdp_redirects)
check_at_least "TCP: frames of the large MTU arrive" "$(frame_bytes far ce0 transfer $DST 20)" 4000
check_at_least "moved by XDP" $(($(xdp_redirects) - before)) 2000
check "as sent, IPv6" transfer $DST6 20
check "small ones among them" eval 'in_ns lan ping -q -c 20 -i 0.01 -W 1 $DST | grep -q " 0% packet loss"'

# a path that is smaller than the LAN
ip -n "$LAB-edge" link set er0 mtu 1500
check_within 5 "too big for the path: the kernel says so" \
	eval 'in_ns lan ping -c 1 -W 1 -M "do" -s 8000 $DST 2>&1 | grep -qiE "mtu ?= ?1500|message too long"'
check "a smaller one passes" in_ns lan ping -q -c 1 -W 1 -M 'do' -s 1400 $DST
ip -n "$LAB-edge" link set er0 mtu 9000
in_ns lan ip route flush cache
check_within 5 "and large ones again" big_ping 1 $DST
check "hook: tc: the same pings" eval 'small_config enforce tc && s reload && wait_for 10 xdp_is lan0 none && wait_for 10 xdp_is er0 none && exactly 50 $DST'
check "xdp-generic: the same" eval 'small_config enforce xdp-generic && s reload && wait_for 10 xdp_is lan0 generic && wait_for 10 xdp_is er0 generic && exactly 50 $DST'
check "nothing was lost after a redirect" true_json '.redirects.lost == 0' status
done_testing
