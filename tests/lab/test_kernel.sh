#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Kernel forwarding: with a firewall on the box sameway only chooses, by mark, and the kernel sends, so that nft sees
# every packet; ExpressRoute first against BIRD's own best, failover, both families, with the daemon killed.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

xdp_on() { in_ns edge ip link show "$1" | grep -q xdp; }
nft_edge() { in_ns edge nft "$@"; }
# seen CHAIN: packets of the only counter in chain ip t CHAIN
seen() { nft_edge -j list chain ip t "$1" | jq '[.nftables[] | .rule.expr[]? | .counter.packets? // empty] | add'; }
by() { moved edge "$1" tx ping_lost 20 0.005 "${2:-$CLOUD4}"; }
replies() { [ "$(ping_lost 3 0.02 "$1")" = 0 ]; }
ours() { in_ns edge ip "$1" rule show | grep -c 'proto 83\|protocol 83'; }

# BIRD's best is the VPN here: whoever goes by ExpressRoute was chosen by sameway.
lab_edge
in_ns edge ip rule show >"$RUN/rules4" && in_ns edge ip -6 rule show >"$RUN/rules6"
in_ns edge ip route show table all | sort >"$RUN/routes4"
nft_edge 'add table ip t; add chain ip t f { type filter hook forward priority 0; }; add rule ip t f oifname "tun30" counter drop;
	add chain ip t er { type filter hook forward priority 1; }; add rule ip t er oifname "er0" counter'
check_equal "BIRD sends by VPN, where nft drops" "$(ping_lost 3 0.01 $CLOUD4)" 3
EDGE_FORWARD=auto edge_config enforce
check "auto with an nft rule: it starts" sameway_start
check "the kernel forwards" true_json '.mode == "enforce" and .forward == "kernel" and .waiting == []' status
check "no XDP" eval '! xdp_on lan0 && ! xdp_on er0'
before=$(seen er)
check_at_least "ExpressRoute first, against the kernel's main table" "$(by er0)" 20
check_at_least "nft sees it" $(($(seen er) - before)) 20
check_at_least "counted as forwarded" "$(moved_by_us lan0 ping_lost 20 0.005 $CLOUD4)" 20
check_within 2 "the flow is judged" true_json 'any(.[]; .verdict == "ok" and .forward.path == "er1-primary" and .reverse.path == "er1-primary")' flows
check_at_least "tx of the path" "$(j '.[0].tx_packets' paths)" 40
check_at_least "rx of the path" "$(j '.[0].rx_packets' paths)" 40
check_at_least "IPv6 by ExpressRoute" "$(by er0 $CLOUD6)" 20
check "IPv6 is answered" replies $CLOUD6
before=$(seen f)
check_equal "what goes by VPN alone is dropped by nft" "$(ping_lost 3 0.01 $BRANCH4)" 3
check_equal "and nft counts it" $(($(seen f) - before)) 3
check "only by ExpressRoute: passes" replies $REMOTE4
check "traceroute sees this hop" eval 'in_ns lan ping -c 1 -W 1 -t 1 $CLOUD4 | grep -q "From 10.2.30.3"'

# failover, and the VPN is not forbidden any more
nft_edge flush chain ip t f
background lan cut ping -i 0.02 -c 2000 -W 1 $CLOUD4
background lan cut6 ping -i 0.02 -c 2000 -W 1 $CLOUD6
check_within 5 "pings run" eval 'lines_reach cut "bytes from" 10 && lines_reach cut6 "bytes from" 10'
er_cut
check_within 5 "failover by link: the VPN has them" eval '[ "$(moved edge tun30 tx sleep 0.2)" -ge 10 ]'
n=$(lines cut 'bytes from')
check_within 5 "answered" lines_reach cut 'bytes from' $((n + 20))
end_background cut INT && end_background cut6 INT
lost() { awk '/packets transmitted/ { print $1 - $4 }' "$RUN/$1.log"; }
check_at_most "pings lost by it, of one each 20 ms" "$(lost cut)" 15
check_at_most "IPv6 pings lost by it" "$(lost cut6)" 15
echo "# lost by failover in kernel forwarding: $(lost cut) IPv4, $(lost cut6) IPv6 pings of one each 20 ms"
er_restore
check_within 15 "back on ExpressRoute" eval '[ "$(by er0)" -ge 20 ]'

# with the daemon killed, then adopted
sameway_kill
check_equal "killed: no ping lost" "$(ping_lost 20 0.01 $CLOUD4)" 0
check_at_least "killed: by ExpressRoute" "$(by er0)" 20
check "the next daemon takes it over" eval 'sameway_start && true_json ".forward == \"kernel\"" status'
check_equal "rules, IPv4" "$(ours -4)" 2
check_equal "rules, IPv6" "$(ours -6)" 2

# enforce --for holds without the daemon here, too: from the deadline on nothing is marked
check "enforce --for" s enforce --for 4s
sameway_kill
check_at_least "killed: by ExpressRoute to the end" "$(by er0)" 20
check_within 8 "killed: monitor at the deadline" eval '[ "$(j .mode status)" = monitor ]'
check_at_least "killed: by the kernel's own route, the VPN" "$(by tun30)" 20
check "killed: answered" replies $CLOUD4
check "a new daemon enforces again" eval 'sameway_start && [ "$(by er0)" -ge 20 ]'

check "detach" s detach
check "ip rule, ip -6 rule and routes are as before" eval 'in_ns edge ip rule show | diff "$RUN/rules4" - &&
	in_ns edge ip -6 rule show | diff "$RUN/rules6" - && in_ns edge ip route show table all | sort | diff "$RUN/routes4" -'
done_testing
