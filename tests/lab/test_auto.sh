#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# forward: auto as rules come and go: masquerade and conntrack see what is sent, monitor takes the tables away, without rules
# it is fast, and a rule that comes then is obeyed from the moment it is there.
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

lab_edge
EDGE_FORWARD=auto edge_config enforce
check "auto without rules: fast" eval 'sameway_start && true_json ".forward == \"fast\"" status && xdp_on lan0'

# who sends changes under a ping
background lan change ping -i 0.02 -c 2000 -W 1 $CLOUD4
check_within 5 "a ping runs" lines_reach change 'bytes from' 20
nft_edge 'add table ip u; add chain ip u f { type filter hook forward priority 0; }; add rule ip u f counter accept'
check_within 2 "fast, then kernel" true_json '.forward == "kernel"' status
n=$(lines change 'bytes from')
lines_after() { lines_reach change 'bytes from' $((n + 20)); }
check_within 5 "it goes on" lines_after
nft_edge delete table ip u
check "enforce: kernel, then fast" eval 's enforce && true_json ".forward == \"fast\"" status'
n=$(lines change 'bytes from')
check_within 5 "it goes on" lines_after
end_background change INT
check_at_most "pings lost, but for the one in flight at the end" "$(awk '/packets transmitted/ { print $1 - $4 }' "$RUN/change.log")" 1

# conntrack and masquerade
nft_edge 'add table ip t; add chain ip t nat { type nat hook postrouting priority 100; }; add rule ip t nat oifname "er0" counter masquerade'
start_iperf cloud
ip -n "$LAB-hub" route add 192.168.30.16/30 via 172.16.3.2 # the way back to the masquerade's address
check_within 2 "auto: the kernel forwards" true_json '.forward == "kernel"' status
tx=$(j '.[0].tx_packets' paths)
check "a TCP connection through masquerade" in_ns lan iperf3 -c $CLOUD4 -n 200K --connect-timeout 2000
check_at_least "nft's masquerade saw it" "$(seen nat)" 1
check_at_least "its packets are the path's" $(($(j '.[0].tx_packets' paths) - tx)) 20
if [ -r /proc/net/nf_conntrack ]; then
	check "conntrack has it" eval 'in_ns edge cat /proc/thread-self/net/nf_conntrack | grep -q "src=$LAN4 dst=$CLOUD4"'
else
	skip "conntrack has it" "/proc/net/nf_conntrack"
fi

# monitor, then enforce without rules: fast again
check "monitor takes rules and tables away" eval 's monitor && [ "$(ours -4)$(ours -6)" = 00 ] && [ -z "$(in_ns edge ip route show table 7000)" ]'
nft_edge delete table ip t
check "enforce looks again: nothing to obey, fast" eval 's enforce && true_json ".forward == \"fast\"" status'
check_within 10 "XDP is on again" xdp_on lan0
check_at_least "moved" "$(by er0)" 20
# a rule that comes while packets are redirected
long=$(now_ms)
nft_edge 'add table ip t; add chain ip t f { type filter hook forward priority 0; }; add rule ip t f ip daddr '$CLOUD4' counter drop'
check_within 1 "a rule that comes later: the kernel forwards" true_json '.forward == "kernel"' status
echo "# from the rule to there: $(($(now_ms) - long)) ms"
check_equal "it is obeyed" "$(ping_lost 3 0.01 $CLOUD4)" 3
check_equal "nft's counter counts it" "$(seen f)" 3
check_within 10 "XDP is off" eval '! xdp_on lan0 && ! xdp_on er0'
check "the log says what" grep -q 'rules are new on this box: nftables chain ip t f' "$RUN/sameway.log"
check "others pass" replies $SPOKE4
nft_edge delete table ip t
check "the rule goes: no flip back by itself" true_json '.forward == "kernel"' status

# a reload that can't have it fast changes nothing
printf '__attribute__((section("xdp"), used)) int somebody_else(void *ctx) { (void)ctx; return 2; }\nchar l[] __attribute__((section("license"), used)) = "GPL";\n' >"$RUN/other.c"
if clang -O2 -target bpf -c "$RUN/other.c" -o "$RUN/other.o" 2>/dev/null && in_ns edge ip link set dev er0 xdp obj "$RUN/other.o" sec xdp; then
	check "reload would be fast, beside another's XDP: refused, by name" eval '! s reload >"$RUN/out" 2>&1 && grep -q somebody_else "$RUN/out"'
	check "the daemon lives, the kernel forwards" true_json '.daemon and .forward == "kernel"' status
	check_at_least "still" "$(by er0)" 20
	in_ns edge ip link set dev er0 xdp off
else
	skip "reload beside another's XDP" "could not load one: iproute2 without libbpf?"
fi

# asked for
sed -i 's/^forward: .*/forward: kernel/' "$RUN/sameway.yaml"
check "forward: kernel, with no rule there" eval 's reload && true_json ".forward == \"kernel\"" status'
check_within 20 "the feed is back" sameway_ready
check_at_least "by ExpressRoute, against the kernel's main table" "$(by er0)" 20
check_within 10 "without XDP" eval '! xdp_on lan0'

s detach >/dev/null
check "detach leaves no rule" eval '[ "$(ours -4)$(ours -6)" = 00 ]'
done_testing
