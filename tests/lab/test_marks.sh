#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The kernel's part of fast forwarding: what goes up (too big, options, fragments) is sent and answered by the path that policy
# says, by mark; its rules and tables are kept, refused where somebody else has them, and gone after detach.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

edit() { sed -i "$1" "$RUN/sameway.yaml"; }
er_dump() { background edge er-dump tcpdump -lnn -Q out -i er0 "$@" && wait_for 5 grep -q listening "$RUN/er-dump.log"; }
# on_er: IP packets that the kernel sent by er0 since er_dump
on_er() { end_background er-dump INT && lines er-dump ' IP6* '; }
rules() { in_ns edge ip "$1" rule show; }
rule_is() { rules "$1" | grep -qE "^700$2:[[:space:]]from all fwmark 0x$3/0xff0000 lookup 700$2 proto 83"; }
# refused NAME PATTERN COMMAND...: exit 1, and says the pattern
refused() {
	local rc
	"${@:3}" >"$RUN/out" 2>"$RUN/err" </dev/null
	rc=$?
	if [ $rc = 1 ] && grep -qE "$2" "$RUN/err"; then pass "$1"; else fail "$1" "exit $rc: $(tail -n 1 "$RUN/err")"; fi
}
start_refused() { in_ns edge timeout 20 "$SAMEWAY" -i "$LAB" run -c "$RUN/sameway.yaml"; }

# BIRD's best is ExpressRoute; the VPN's path is smaller than its device.
EDGE_VPN_PREF=50 lab_edge
rules -4 >"$RUN/rules4" && rules -6 >"$RUN/rules6"
in_ns edge ip route show table all | sort >"$RUN/routes4"
in_ns edge ip -6 route show table all | sort >"$RUN/routes6"
edge_config
edit 's/peers: \[10.10.30.254/mtu: 1380, &/'

in_ns edge ip rule add priority 7042 from 10.9.9.9 lookup main
refused "a priority taken: refused, by name" 'tables: 7000: IPv4 rule 7042 .*somebody else' start_refused
in_ns edge ip rule del priority 7042
in_ns edge ip -6 route add fd77::/64 dev lo table 7063
refused "a table taken: refused, by name" 'tables: 7000: table 7063 has an IPv6 route' start_refused
check "nothing is left of it" eval 'rules -4 | diff "$RUN/rules4" - && [ ! -e "/sys/fs/bpf/sameway/$LAB" ]'
in_ns edge ip -6 route del fd77::/64 dev lo table 7063

check "it starts" sameway_start
check "a rule a path and family" eval 'rule_is -4 0 10000 && rule_is -4 1 20000 && rule_is -6 0 10000 && rule_is -6 1 20000'
check "one route in each table" eval '[ "$(in_ns edge ip route show table 7000)" = "default via 192.168.30.18 dev er0 proto 83 onlink " ] &&
	in_ns edge ip route show table 7001 | grep -qx "default dev tun30 proto 83 scope link mtu lock 1380 " &&
	in_ns edge ip -6 route show table 7000 | grep -q "^default via fd00:192:168:30::2 dev er0 proto 83 .*onlink" &&
	in_ns edge ip -6 route show table 7001 | grep -q "^default dev tun30 proto 83 .*mtu lock 1380"'
check "fast" true_json '.forward == "fast" and .tables == {"first": 7000, "put_back": 0, "foreign": []}' status

# ExpressRoute drained: the kernel's own route is not policy's.
s path er1-primary drain >/dev/null
er_dump "src net 10.2.30.0/25 or src net fd00:2:30::/64"
in_ns lan ping -c 2 -i 0.05 -W 1 -M "do" -s 1422 $CLOUD4 >"$RUN/out" 2>&1
check "too big for the path: answered, with its MTU" grep -qiE 'mtu ?= ?1380' "$RUN/out"
in_ns lan ping -6 -c 2 -i 0.05 -W 1 -M "do" -s 1402 $CLOUD6 >"$RUN/out" 2>&1
check "IPv6 too" grep -qiE 'mtu ?= ?1380' "$RUN/out"
in_ns lan ip route flush cache
check_at_least "IPv4 options go by the path" "$(moved edge tun30 tx in_ns lan ping -c 5 -i 0.02 -W 1 -R $CLOUD4)" 5
in_ns lan ip route flush cache
check_at_least "fragments too, and what has to be fragmented" "$(moved edge tun30 tx in_ns lan ping -c 5 -i 0.02 -W 1 -M dont -s 3000 $CLOUD4)" 15
check "both are answered" eval 'in_ns lan ping -c 2 -i 0.05 -W 1 -R $CLOUD4 | grep -q " 0% packet loss" &&
	in_ns lan ping -c 2 -i 0.05 -W 1 -M dont -s 3000 $CLOUD4 | grep -q " 0% packet loss"'
check_equal "none of it left by ExpressRoute" "$(on_er)" 0
s path er1-primary undrain >/dev/null
check_at_least "undrained: options by ExpressRoute" "$(moved edge er0 tx in_ns lan ping -c 5 -i 0.02 -W 1 -R $CLOUD4)" 5

# kept
in_ns edge ip rule del priority 7001
check_within 1 "a rule deleted by hand comes back" rule_is -4 1 20000
in_ns edge ip -6 rule del priority 7000
check_within 1 "IPv6 too" rule_is -6 0 10000
in_ns edge ip route del default table 7000
check_within 3 "so does a route" eval 'in_ns edge ip route show table 7000 | grep -q "via 192.168.30.18 dev er0"'
in_ns edge ip link set er0 down
check_within 2 "a link set down takes its routes" eval '[ -z "$(in_ns edge ip route show table 7000)" ]'
in_ns edge ip link set er0 up
check_within 3 "and they are back with it" eval 'in_ns edge ip route show table 7000 | grep -q er0 && in_ns edge ip -6 route show table 7000 | grep -q er0'
check_equal "what was deleted is counted, not what went with a link" "$(j '.tables.put_back' status)" 3
check "and said" grep -q 'IPv4 rule 7001 was gone, 1 in all: put back' "$RUN/sameway.log"

# reload: other numbers and bits; taken ones change nothing
in_ns edge ip rule add priority 8001 from 10.9.9.9 lookup main
edit '1i tables: 8000'
refused "reload onto a priority taken: refused" 'tables: 8000: IPv4 rule 8001' s reload
check "and nothing changed" rule_is -4 0 10000
in_ns edge ip rule del priority 8001
edit '1i fwmark: 0x7f000000'
check "reload to other numbers and bits" s reload
check "new rules" eval 'rules -4 | grep -qE "^8001:.*fwmark 0x2000000/0x7f000000 lookup 8001 proto 83"'
check "no old ones" eval '! rules -4 | grep -q "^700" && ! rules -6 | grep -q "^700" && [ -z "$(in_ns edge ip route show table 7001)" ]'
check_within 20 "the feed is back" sameway_ready
check_within 30 "so is ExpressRoute, whose link was down" true_json '.[0].selected == ["er1-primary"]' routes 10.10.30.0/24
check_at_least "options by the path, by the new mark" "$(moved edge er0 tx in_ns lan ping -c 5 -i 0.02 -W 1 -R $CLOUD4)" 5

# `forward: fast` and rules
in_ns edge nft 'add table ip t; add chain ip t f { type filter hook forward priority 0; }; add rule ip t f counter accept'
check_within 1 "rules that come later are obeyed all the same" true_json '.forward == "kernel"' status
check "loudly" grep -q 'rules are new on this box: .* in spite of `forward: fast` the kernel forwards' "$RUN/sameway.log"
check_at_least "sent by the kernel" "$(moved edge er0 tx ping_lost 20 0.005 $CLOUD4)" 20
refused "a reload is refused" 'forward: fast would pass by rules on this box: nftables chain ip t f .*bypass-netfilter' s reload
edit '1i bypass-netfilter: true'
check "bypass-netfilter allows it" eval 's reload && true_json ".forward == \"fast\"" status'
check "and says so" grep -q 'bypass-netfilter: packets pass by rules on this box: nftables chain ip t f' "$RUN/sameway.log"
in_ns edge nft delete table ip t
check_within 20 "the feed is back" sameway_ready

# another instance in the same namespace
sed 's/er0/lo/; s/^mode:.*/mode: enforce/' "$RUN/sameway.yaml" >"$RUN/other.yaml"
refused "another instance with these tables: refused, by name" "tables: 8000: instance $LAB has" in_ns edge timeout 20 "$SAMEWAY" -i "${LAB}b" run -c "$RUN/other.yaml"
sed -i 's/^tables:.*/tables: 9000/; s/^fwmark:.*/fwmark: 0xfe000000/' "$RUN/other.yaml"
refused "or with these bits" "fwmark: 0xfe000000: instance $LAB has bits" in_ns edge timeout 20 "$SAMEWAY" -i "${LAB}b" run -c "$RUN/other.yaml"

# detach alone, the daemon dead and the config gone
sameway_kill
cp "$RUN/sameway.yaml" "$RUN/kept.yaml"
rm "$RUN/sameway.yaml"
check "detach" s detach
in_ns edge ip route show table all | sort >"$RUN/now4"
in_ns edge ip -6 route show table all | sort >"$RUN/now6"
check "rules are as before" eval 'rules -4 | diff "$RUN/rules4" - && rules -6 | diff "$RUN/rules6" -'
check "tables are as before, IPv4" diff "$RUN/routes4" "$RUN/now4"
check "tables are as before, IPv6" diff <(sed 's/ expires.*//' "$RUN/routes6") <(sed 's/ expires.*//' "$RUN/now6")

# a VPN's device gone, and the daemon: nothing marked for it leaves elsewhere, in clear
mv "$RUN/kept.yaml" "$RUN/sameway.yaml"
check "it starts again" sameway_start
check "behind the VPN's route: unreachable, both families" eval 'in_ns edge ip route show table 8001 | grep -q "^unreachable default proto 83 metric 4294967295" &&
	in_ns edge ip -6 route show table 8001 | grep -q "^unreachable default dev lo proto 83 metric 4294967295"'
check "not behind ExpressRoute's" eval '! in_ns edge ip route show table 8000 | grep -q unreachable'
sameway_kill
in_ns edge ip link del tun30
er_dump "src net 10.2.30.0/25"
in_ns edge ip route get $CLOUD4 mark 0x2000000 >"$RUN/out" 2>&1
check "its device is gone, the daemon too: marked for it is unreachable" grep -q 'No route to host' "$RUN/out"
in_ns edge ping -c 5 -i 0.05 -W 0.2 -m 0x2000000 -I 10.2.30.3 $CLOUD4 >"$RUN/out" 2>&1
check_equal "nothing leaves by ExpressRoute" "$(on_er)" 0
check "unmarked would" eval 'in_ns edge ip route get $CLOUD4 | grep -q "dev er0"'
check "detach takes the unreachable routes, too" eval 's detach && ! in_ns edge ip route show table all | grep -q "proto 83" &&
	! in_ns edge ip -6 route show table all | grep -q "proto 83"'
done_testing
