#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Somebody else in the way of what sameway marks, in kernel forwarding: a route in a path's table, a rule before its own (of the
# shape of Tailscale's), a writer of the mark, a rule of all. Each sends packets by VPN that policy sends by ExpressRoute: told in
# the log as it comes, shown by status and doctor while it is there, and named as the cause of what it does.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

edge_ip() { ip -n "$LAB-edge" "$@"; }
by() { moved edge "$1" tx in_ns lan ping -q -c 20 -i 0.005 -W 1 "$2"; }
by_er0() { [ "$(by er0 "$1")" -ge 20 ]; }
logged() { grep -qE "$1" "$RUN/sameway.log"; }
foreign() { true_json ".tables.foreign | length == $1" status; }
# wrong CHECK SUBJECT: doctor has that finding
wrong() { s -j doctor -c "$RUN/sameway.yaml" | jq -e --arg c "$1" --arg s "$2" 'any(.[]; .check == $c and .subject == $s and (.ok | not))'; }
# told DST MESSAGE FIX: an incident to that prefix by fib-override says so, and no other cause was told for it
told() {
	true_json "[.[] | select(.dst_prefix == \"$1\")] | any(.[]; .cause == \"fib-override\" and .side == \"onprem\" and (.message | test(\"$2\")) and
		(.fix | test(\"$3\"))) and all(.[]; .cause == \"fib-override\")" alerts --all
}

# BIRD's best is the VPN, with equal local preference: the kernel's main table has nothing to do with it here.
lab_edge
EDGE_FORWARD=kernel edge_config enforce 1s
check "kernel forwarding starts" sameway_start
check_at_least "by ExpressRoute" "$(by er0 $CLOUD4)" 20
check "nobody is in the way" foreign 0

edge_ip route add 10.10.30.0/24 dev tun30 table 7000
check_within 3 "a route in a path's table: logged" logged 'IPv4 route 10.10.30.0/24 dev tun30 in table 7000 is somebody else'
check "status shows it" foreign 1
check "as text" eval 's status | grep -q "forward .*1 of others in its way"'
check "so does doctor" wrong route-table 'table 7000'
check_at_least "it has the packets" "$(by tun30 $CLOUD4)" 20
check_within 5 "the cause is that route, not a local preference" told 10.10.30.0/24 'proto boot table 7000' 'ip -4 route del 10.10.30.0/24 dev tun30 table 7000'
edge_ip route del 10.10.30.0/24 dev tun30 table 7000
check_within 3 "gone: nobody is in the way" foreign 0
check_within 5 "by ExpressRoute again" by_er0 $CLOUD4

edge_ip rule add pref 5211 fwmark 0x10000/0xff0000 lookup main
check_within 2 "a rule before ours that asks for our bits: logged" logged 'IPv4 rule 5211 .table 254, fwmark 0x10000/0xff0000. is somebody else.s and takes what sameway marks .*ip -4 rule del priority 5211'
check "status shows it" foreign 1
check "so does doctor" wrong ip-rule 'rule 5211'
check_at_least "it has the packets" "$(by tun30 $SPOKE4)" 20
check_within 5 "the cause is that rule" told 10.11.30.0/26 'proto bird table main' 'ip -4 rule del priority 5211'
edge_ip rule del pref 5211
check_within 2 "gone" foreign 0

in_ns edge nft 'add table ip6 m; add chain ip6 m pre { type filter hook prerouting priority 0; }; add rule ip6 m pre meta mark set 0x20000'
check_within 3 "a writer of our bits: logged" logged 'nftables chain ip6 m pre: a rule writes the mark, bits that are sameway.s'
check "status shows it" foreign 1
check "so does doctor" wrong fwmark nftables
check_at_least "it has the packets" "$(by tun30 $CLOUD6)" 20
check_within 5 "the cause is that rule" told fd00:10:10:30::/64 'something changes that: nftables chain ip6 m pre' 'leave the bits 0xff0000'
in_ns edge nft delete table ip6 m
check_within 8 "gone" foreign 0
check_within 5 "by ExpressRoute again" by_er0 $CLOUD6

# A rule of all: what policy sends by ExpressRoute leaves by VPN, and so do the answers, which come from there: a loop.
edge_ip route add default dev tun30 table 100
edge_ip rule add pref 100 from all lookup 100
check_within 2 "a rule of all before ours: logged" logged 'IPv4 rule 100 .table 100. is somebody else.s and takes what sameway marks'
check "doctor is not ok with it" wrong ip-rule 'rule 100'
in_ns lan ping -q -c 5 -i 0.01 -W 0.2 $CLOUD4 >/dev/null
back() { j '[.egress[].back] | add // 0' counters; }
check_at_least "the loop is counted: more packets than pings" "$(back)" 20
check_within 3 "and told, with where to look" logged '[0-9]+ packets that came by a path left by (tun30|er0): .* a loop until the TTL ends: look for a rule of all before 7000'
check "doctor says it" wrong egress 'came by a path'
check "as text" eval 's counters | grep -q "BACK"'
edge_ip rule del pref 100
edge_ip route flush table 100
check_within 3 "gone" foreign 0
check_within 5 "by ExpressRoute again" by_er0 $CLOUD4

# This box's own traffic: the kernel's main table has it by VPN, and nothing is moved with `kernel`.
stayed() { j '[.egress[] | select(.interface == "tun30") | .stayed] | add // 0' counters; }
all_stay() {
	local n
	n=$(stayed)
	in_ns edge ping -q -c 20 -i 0.01 -W 1 -I 10.2.30.3 "$CLOUD4" >/dev/null
	[ $(($(stayed) - n)) = 20 ]
}
check_within 5 "of this box: goes by VPN, counted" all_stay
check_within 3 "and told, with the fix" logged '[0-9]+ packets of this box itself .* left by tun30, where policy has another path: the kernel forwards, .*local preference'
check "doctor says it" wrong egress "this box's own"
n=$(stayed)
in_ns edge ping -q -c 10 -i 0.01 -W 1 -I 10.2.30.125 $CLOUD4 >/dev/null
check_equal "bound to the VPN by its address: not counted" $(($(stayed) - n)) 0

# What is there at a start is told then, too.
edge_ip rule add pref 9000 fwmark 0x80000/0xff0000 lookup 99
check_within 2 "a rule behind ours that asks for our bits: logged" logged 'IPv4 rule 9000 .* asks for bits that are sameway'
n=$(lines sameway 'IPv4 rule 9000')
check "reload" s reload
check "reload tells it again" lines_reach sameway 'IPv4 rule 9000' $((n + 1))
edge_ip rule del pref 9000
check_within 20 "the feed is back" sameway_ready
done_testing
