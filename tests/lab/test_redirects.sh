#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What the kernel loses after XDP redirected it is counted by device, told, and found by doctor, with the daemon stopped or dead,
# too: a NIC that goes down under it, a far end that takes no such frames. It is the inside's, towards which there is one way only:
# a path's traffic is elsewhere within milliseconds (test_carrier).
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

lost_by() { s -j counters | jq -r "[.redirect_errors[] | select(.interface == \"$1\" and (.error | test(\"$2\"))) | .packets] | add // 0"; }
grows() { [ "$(lost_by "$1" "$2")" -gt "$3" ]; }
by_er() { [ "$(moved edge er0 tx in_ns lan ping -q -c 20 -i 0.01 -W 1 "$CLOUD4")" -ge 20 ]; }
lan_up() {
	ip -n "$LAB-lan" link set eth0 up && ip -n "$LAB-edge" link set lan0 up
	ip -n "$LAB-lan" route replace default via 10.2.30.3
}
verdict() { s -j doctor -c "$RUN/sameway.yaml" | jq -r '.[] | select(.check == "redirect") | .ok'; }

lab_start enforce
background cloud flood ping -q -i 0.002 -c 100000 -W 1 $LAN4
check "nothing is lost on a healthy edge" true_json '.redirect_errors == []' counters
check "status: they are counted" true_json '.redirects.counted and .redirects.lost == 0 and .redirects.last_s == null' status
check_equal "doctor has nothing to say" "$(verdict)" true

# The daemon can't act: it would forget the hosts there.
kill -STOP "$(cat "$RUN/sameway.pid")"
ip -n "$LAB-edge" link set lan0 down
check_within 3 "NIC down under redirect: counted, by device and why" grows lan0 device-down 20
lan_up
kill -CONT "$(cat "$RUN/sameway.pid")"
check_within 5 "told in the log" grep -qE 'lan0 lost [0-9]+ packets that were redirected to it \(.*device-down [0-9]+.*\): see ' "$RUN/sameway.log"
check_equal "doctor names it" "$(verdict)" false
check "text has them" eval 's counters | grep -q "LOST AFTER REDIRECT" && s status | grep -q "^redirect .* packets lost"'
check_within 20 "all is well again" edge_converged
check_within 10 "by ExpressRoute" by_er

# The daemon is dead, and the far end stops taking what XDP sends: of a path, too, whose carrier is well.
sameway_kill
before=$(lost_by er0 '.*')
in_ns msee ethtool -K ce0 gro off
check_within 3 "far end takes nothing: counted with no daemon" grows er0 'no-receiver|not-supported' "$before"
in_ns msee ethtool -K ce0 gro on
# Its end goes down: the device took the packets over and loses them later. Said by the other tracepoint.
wait_for 5 by_er
none=$(lost_by lan0 'no-receiver')
ip -n "$LAB-lan" link set eth0 down
check_within 3 "far end down: counted with no daemon" grows lan0 'no-receiver' "$none"
lan_up
check_at_least "sums go on from what they were" "$(lost_by er0 '.*')" "$((before + 1))"
check "a new daemon goes on counting" eval 'sameway_start && true_json ".redirects.counted and .redirects.lost > $before" status'
check_within 15 "and its doctor is clean" eval '[ "$(verdict)" = true ]'

# The same of what TC redirects, as what came by a TUN: the kernel itself counts nothing of it.
end_background flood
background vpngw branch ping -q -i 0.002 -c 100000 -W 1 -I $BRANCH4 $LAN4
check_at_least "TC: from the branch, by the tunnel" "$(moved edge tun30 rx in_ns vpngw ping -q -c 20 -i 0.01 -W 1 -I $BRANCH4 $LAN4)" 20
n=$(lost_by lan0 device-down)
kill -STOP "$(cat "$RUN/sameway.pid")"
ip -n "$LAB-edge" link set lan0 down
check_within 3 "TC: device down under redirect: counted, by device and why" grows lan0 device-down $((n + 20))
kill -CONT "$(cat "$RUN/sameway.pid")"
check_within 5 "TC: told in the log" grep -qE 'lan0 lost [0-9]+ packets that were redirected to it \(.*device-down [0-9]+' "$RUN/sameway.log"
check_equal "TC: doctor names it" "$(verdict)" false
check_within 5 "TC: with the daemon at work it stops" eval 'n=$(lost_by lan0 device-down); sleep 0.3; [ "$(lost_by lan0 device-down)" = "$n" ]'
lan_up
check_within 20 "TC: back" eval '[ "$(in_ns vpngw ping -q -c 20 -i 0.01 -W 1 -I $BRANCH4 $LAN4 | awk "/transmitted/ { print \$4 }")" = 20 ]'
sameway_kill
n=$(lost_by lan0 device-down)
ip -n "$LAB-edge" link set lan0 down
check_within 3 "TC: the daemon dead: counted, too" grows lan0 device-down $((n + 20))
end_background branch
n=$(lost_by lan0 device-down)
in_ns vpngw ping -q -c 50 -i 0.01 -W 0.1 -I $BRANCH4 $LAN4 >/dev/null
check_equal "each of them" $(($(lost_by lan0 device-down) - n)) 50
lan_up
ids=$(for p in sw_redirect_err sw_devmap_xmit sw_kfree_skb; do bpftool -j prog show pinned "/sys/fs/bpf/sameway/$LAB/$p" | jq .id; done)
check_equal "three programs do it" "$(wc -w <<<"$ids")" 3
s detach >/dev/null
gone() { for id in $ids; do ! bpftool prog show id "$id" || return 1; done; }
check_within 3 "detach ends them" gone
done_testing
