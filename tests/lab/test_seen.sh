#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What others on the box see of what sameway forwards: the table "What others see" of docs/operations.md, measured with `fast` and
# with `kernel`: tcpdump, an nft counter, the user's own tc filters; and the kernel's answer to a DF packet that is too big.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

N=20
# The user's filters: ingress by priority 77, egress by 78, as tc(8) may show both.
prio() { [ "$1" = ingress ] && echo 77 || echo 78; }
filter_add() {
	in_ns edge tc filter add dev "$1" "$2" prio "$(prio "$2")" protocol ip u32 match ip "$3" "$4/32" match ip protocol 1 0xff \
		action mirred egress mirror dev counted
}
filter_seen() {
	in_ns edge tc -s -j filter show dev "$1" "$2" | jq "[.[] | select(.pref == $(prio "$2")) | .options.actions? // [] | .[].stats.packets] | add // 0"
}
nft_seen() { in_ns edge nft -j list chain ip t f | jq '[.nftables[] | .rule.expr[]? | .counter.packets? // empty] | add'; }
dump() { background edge "dump-$1" tcpdump -lnn -i "$1" icmp and host "$2" && wait_for 5 grep -q listening "$RUN/dump-$1.log"; }
dumped() { end_background "dump-$1" INT && lines "dump-$1" ' IP '; }

# seen MODE: what each saw of N pings that XDP moves in fast (to the cloud, by er0) and N that TC moves (to the branch, by tun30)
seen() {
	local d f n before=() after=()
	local filters=('lan0 ingress' 'lan0 egress' 'er0 ingress' 'er0 egress' 'tun30 ingress' 'tun30 egress')
	n=$(nft_seen)
	# shellcheck disable=SC2086 # words
	for f in "${filters[@]}"; do before+=("$(filter_seen $f)"); done
	dump er0 $CLOUD4
	dump tun30 $BRANCH4
	for d in $CLOUD4 $BRANCH4; do in_ns lan ping -q -c $N -i 0.02 -W 1 "$d" >/dev/null; done
	wait_for 3 lines_reach dump-tun30 ' IP ' $((2 * N))
	# shellcheck disable=SC2086 # words
	for f in "${filters[@]}"; do after+=("$(filter_seen $f)"); done
	echo "er0 $(dumped er0) tun30 $(dumped tun30) nft $(($(nft_seen) - n))"
	for d in 0 1 2 3 4 5; do echo "${filters[d]} $((after[d] - before[d]))"; done
}
# too_big: DF packets of 1450 bytes to the VPN's path, of 1400
too_big() {
	in_ns lan ip route flush cache
	in_ns lan ip -6 route flush cache
	in_ns lan ping -c 2 -i 0.05 -W 1 -M "do" -s 1422 $CLOUD4 >"$RUN/out4" 2>&1
	in_ns lan ping -6 -c 2 -i 0.05 -W 1 -M "do" -s 1402 $CLOUD6 >"$RUN/out6" 2>&1
	check "$1: 1450 bytes, DF, into 1400: answered, with the path's MTU" grep -qiE 'From 10.2.30.3 .*mtu ?= ?1400' "$RUN/out4"
	check "$1: IPv6 too" grep -qiE 'From fd00:2:30::3 .*mtu ?= ?1400' "$RUN/out6"
}

EDGE_VPN_PREF=50 lab_edge
in_ns edge ip link set tun30 mtu 1400
EDGE_EXTRA='bypass-netfilter: true' edge_config enforce
in_ns edge nft 'add table ip t; add chain ip t f { type filter hook forward priority 0; }; add rule ip t f icmp type { echo-request, echo-reply } counter'
check "fast, by what the config allows" eval 'sameway_start && true_json ".forward == \"fast\"" status'
in_ns edge ip link add counted type veth peer name counted1 && in_ns edge ip link set counted up && in_ns edge ip link set counted1 up
for d in lan0 er0 tun30; do in_ns edge tc qdisc add dev $d clsact 2>/dev/null; done
for f in "lan0 ingress src $LAN4" "lan0 egress dst $LAN4" "er0 ingress dst $LAN4" "er0 egress src $LAN4" "tun30 ingress dst $LAN4" "tun30 egress src $LAN4"; do
	# shellcheck disable=SC2086 # words
	check "a filter of the user, $f" filter_add $f
done
check_within 5 "XDP is on" eval 'in_ns edge ip link show er0 | grep -q xdp && in_ns edge ip link show lan0 | grep -q xdp'
ping_lost 5 0.05 $CLOUD4 >/dev/null
ping_lost 5 0.05 $BRANCH4 >/dev/null
seen >"$RUN/fast"
fast=$(tr '\n' ' ' <"$RUN/fast")
check_equal "fast: tcpdump has what goes by the TUN alone, nft nothing" "$(head -n 1 "$RUN/fast")" "er0 0 tun30 40 nft 0"
check_equal "fast: the user's tc filters have what TC moves, where it leaves, and nothing else" "${fast#* nft 0 }" \
	"lan0 ingress 0 lan0 egress 20 er0 ingress 0 er0 egress 0 tun30 ingress 0 tun30 egress 20 "
s path er1-primary drain >/dev/null
too_big fast
s path er1-primary undrain >/dev/null
sed -i 's/^forward: .*/forward: kernel/; s/^bypass-netfilter.*//' "$RUN/sameway.yaml"
check "kernel" eval 's reload && wait_for 20 sameway_ready && true_json ".forward == \"kernel\"" status'
check_within 30 "by ExpressRoute" eval '[ "$(moved edge er0 tx ping_lost 10 0.01 $CLOUD4)" -ge 10 ]'
check "the user's filters are still there" eval '[ "$(in_ns edge tc filter show dev er0 egress | grep -c mirred)" -ge 1 ]'
seen >"$RUN/kernel"
kernel=$(tr '\n' ' ' <"$RUN/kernel")
check_equal "kernel: tcpdump and nft have all" "$(head -n 1 "$RUN/kernel")" "er0 40 tun30 40 nft 80"
check_equal "kernel: so have the user's tc filters" "${kernel#* nft 80 }" \
	"lan0 ingress 40 lan0 egress 40 er0 ingress 20 er0 egress 20 tun30 ingress 20 tun30 egress 20 "
s path er1-primary drain >/dev/null
too_big kernel
s detach >/dev/null
check "detach leaves the user's filters" eval '[ "$(in_ns edge tc filter show dev er0 egress | grep -c mirred)" -ge 1 ]'
done_testing
