#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What the kernel loses after XDP redirected it is counted by device, told, and found by doctor, with the daemon stopped or dead,
# too: a NIC that goes down under it, a far end that takes no such frames.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

lost_by() { s -j counters | jq -r "[.redirect_errors[] | select(.interface == \"er0\" and (.error | test(\"$1\"))) | .packets] | add // 0"; }
grows() { [ "$(lost_by "$1")" -gt "$2" ]; }
flood() { background lan flood ping -q -i 0.002 -c 30000 -W 1 $CLOUD4; }
by_er() { [ "$(moved edge er0 tx in_ns lan ping -q -c 20 -i 0.01 -W 1 "$CLOUD4")" -ge 20 ]; }
verdict() { s -j doctor -c "$RUN/sameway.yaml" | jq -r '.[] | select(.check == "redirect") | .ok'; }

lab_start enforce
flood
check "nothing is lost on a healthy edge" true_json '.redirect_errors == []' counters
check "status: they are counted" true_json '.redirects.counted and .redirects.lost == 0 and .redirects.last_s == null' status
check_equal "doctor has nothing to say" "$(verdict)" true

# The daemon can't act: the store that moves the traffic does not come.
kill -STOP "$(cat "$RUN/sameway.pid")"
ip -n "$LAB-edge" link set er0 down
check_within 3 "NIC down under redirect: counted, by device and why" grows device-down 0
ip -n "$LAB-edge" link set er0 up
kill -CONT "$(cat "$RUN/sameway.pid")"
check_within 5 "told in the log" grep -qE 'er0 lost [0-9]+ packets that were redirected to it \(.*device-down [0-9]+.*\): see ' "$RUN/sameway.log"
check_equal "doctor names it" "$(verdict)" false
check "text has them" eval 's counters | grep -q "LOST AFTER REDIRECT" && s status | grep -q "^redirect .* packets lost"'
check_within 20 "all is well again" edge_converged
check_within 10 "by ExpressRoute" by_er

# The daemon is dead, and the far end stops taking what XDP sends.
sameway_kill
before=$(lost_by '.*')
in_ns msee ethtool -K ce0 gro off
check_within 3 "far end takes nothing: counted with no daemon" grows 'no-receiver|not-supported' 0
in_ns msee ethtool -K ce0 gro on
# Its end goes down: the device took the packets over and loses them later. Said by the other tracepoint.
wait_for 5 by_er
none=$(lost_by 'no-receiver')
er_cut
check_within 3 "far end down: counted with no daemon" grows 'no-receiver' "$none"
er_restore
check_at_least "sums go on from what they were" "$(lost_by '.*')" "$((before + 1))"
check "a new daemon goes on counting" eval 'sameway_start && true_json ".redirects.counted and .redirects.lost > $before" status'
check_within 15 "and its doctor is clean" eval '[ "$(verdict)" = true ]'

# The same of what TC redirects, to a TUN: the kernel itself counts nothing of it.
lost_tun() { s -j counters | jq -r "[.redirect_errors[] | select(.interface == \"tun30\" and .error == \"$1\") | .packets] | add // 0"; }
tun_grows() { [ "$(lost_tun "$1")" -gt "$2" ]; }
end_background flood
background lan branch ping -q -i 0.002 -c 30000 -W 1 $BRANCH4
check_equal "TC: nothing is lost on a healthy edge" "$(lost_tun device-down)" 0
kill -STOP "$(cat "$RUN/sameway.pid")"
ip -n "$LAB-edge" link set tun30 down
check_within 3 "TC: device down under redirect: counted, by device and why" tun_grows device-down 20
kill -CONT "$(cat "$RUN/sameway.pid")"
check_within 5 "TC: told in the log" grep -qE 'tun30 lost [0-9]+ packets that were redirected to it \(device-down [0-9]+' "$RUN/sameway.log"
check_equal "TC: doctor names it" "$(verdict)" false
check_within 5 "TC: with the daemon at work it stops" eval 'n=$(lost_tun device-down); sleep 0.3; [ "$(lost_tun device-down)" = "$n" ]'
sameway_kill
ip -n "$LAB-edge" link set tun30 up
ip -n "$LAB-edge" route replace $VPNPEER4/32 dev tun30 src 10.2.30.125
check "a daemon" sameway_start
wait_for 15 true_json 'all(.[]; .usable)' paths
# The path is usable before BIRD has its session through it again, and the branch is by it only then.
by_tun() { [ "$(moved edge tun30 tx in_ns lan ping -q -c 20 -i 0.01 -W 1 "$BRANCH4")" -ge 20 ]; }
check_within 20 "TC: by it again" by_tun
sameway_kill
n=$(lost_tun device-down)
ip -n "$LAB-edge" link set tun30 down
check_within 3 "TC: the daemon dead: counted, exactly" tun_grows device-down $((n + 20))
end_background branch
n=$(lost_tun device-down)
in_ns lan ping -q -c 50 -i 0.01 -W 0.1 $BRANCH4 >/dev/null
check_equal "each of them" $(($(lost_tun device-down) - n)) 50
ip -n "$LAB-edge" link set tun30 up
ip -n "$LAB-edge" route replace $VPNPEER4/32 dev tun30 src 10.2.30.125
ids=$(for p in sw_redirect_err sw_devmap_xmit sw_kfree_skb; do bpftool -j prog show pinned "/sys/fs/bpf/sameway/$LAB/$p" | jq .id; done)
check_equal "three programs do it" "$(wc -w <<<"$ids")" 3
s detach >/dev/null
gone() { for id in $ids; do ! bpftool prog show id "$id" || return 1; done; }
check_within 3 "detach ends them" gone
done_testing
