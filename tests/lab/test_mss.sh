#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A VPN of 1400 bytes behind an ExpressRoute of 1500: with `mss:` TCP fits both from its start, whichever it begins on and where
# all ICMP is dropped; without, such a session hangs after the failover. What is no TCP is answered by the kernel, `too big`.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

export EDGE_VPN_PREF=50
tool=$ROOT/tests/lab/transfer.py

# mss_said SITE DESTINATION: the MSS of a SYN (SYN-ACK at the LAN) as it arrives at the site when the LAN connects there
mss_said() {
	local filter='tcp[tcpflags] & tcp-syn != 0'
	[[ $2 != *:* ]] || filter='ip6[53] & 2 != 0'
	[ "$1" = lan ] && filter="($filter) and src host $2" || filter="($filter) and dst host $2"
	background "$1" dump tcpdump -nn -i eth0 -c 1 "$filter"
	wait_for 5 lines_reach dump 'listening on' 1
	in_ns lan /usr/bin/python3 "$tool" send "$2" 7000 0 >/dev/null
	wait_for 5 finished dump
	sed -n 's/.*mss \([0-9]*\).*/\1/p' "$RUN/dump.log"
}
config() { # MSS, or nothing
	edge_config "${2:-enforce}" 60s && sed -i "/name: vpn30/s/interface: tun30,/& ${1:+mss: $1,}/" "$RUN/sameway.yaml"
}
healthy() { true_json '.[0].usable and .[0].name == "er1-primary"' paths; }
sent_since() { [ $(($(packets edge er0 tx) - $1)) -ge 2000 ]; }
# over_failover SECONDS: whether a transfer that began on ExpressRoute ends within the time after its loss; 2: it had ended before
over_failover() {
	local first
	first=$(packets edge er0 tx)
	background lan send /usr/bin/python3 "$tool" send "$CLOUD4" 7000 30
	wait_for 10 sent_since "$first"
	er_cut
	! finished send || return 2
	wait_for "$1" finished send
	grep -q 'as sent$' "$RUN/send.log"
}
back() {
	end_background send KILL
	er_restore
	in_ns lan ip route flush cache
	in_ns lan ip -6 route flush cache
	edge_wait_converged 30
	wait_for 30 healthy
}
# What tells a sender that it sends too much gets lost, and it does not try smaller ones by itself.
no_icmp() {
	in_ns "$1" sysctl -qw net.ipv4.tcp_mtu_probing=0
	in_ns "$1" nft 'table inet no_pmtu { chain in { type filter hook input priority 0; icmp type destination-unreachable icmp code 4 drop; icmpv6 type packet-too-big drop; }; }'
}
# Frames as on a wire: what a NIC sends is not larger than the MTU.
one_frame() { in_ns "$1" ethtool -K eth0 tso off gso off >/dev/null; }
# A transfer that lasts for some seconds, however long the cut in its middle takes a busy machine
shaped() { in_ns "$1" tc qdisc add dev eth0 root tbf rate 40mbit burst 64kb latency 50ms; }

lab_edge
if ! { config auto && sameway_start; }; then
	fail "sameway runs on the edge" "see above"
	done_testing
fi
for site in lan cloud; do
	one_frame $site
	no_icmp $site
done
shaped lan
background cloud serve4 /usr/bin/python3 "$tool" serve $CLOUD4 7000
background cloud serve6 /usr/bin/python3 "$tool" serve $CLOUD6 7000
background msee serve_er /usr/bin/python3 "$tool" serve $REMOTE4 7000
for name in serve4 serve6 serve_er; do wait_for 5 lines_reach $name listening 1; done

check "paths says it" true_json '[.[].mss] == [null, 1360]' paths
check_equal "a SYN by ExpressRoute fits the VPN, too" "$(mss_said cloud $CLOUD4)" 1360
check_equal "and the SYN-ACK" "$(mss_said lan $CLOUD4)" 1360
check_equal "a SYN of IPv6" "$(mss_said cloud $CLOUD6)" 1340
check_equal "and its SYN-ACK" "$(mss_said lan $CLOUD6)" 1340
check_equal "a prefix that only ExpressRoute has: as it was" "$(mss_said lan $REMOTE4)" 1460
check "status counts them" true_json '.mss_clamped >= 4' status
check "doctor has nothing against it" eval 's -j doctor -c "$RUN/sameway.yaml" | jq -e "any(.[]; .check == \"mss\" and .ok)"'

check "a transfer goes on over the failover, with all ICMP dropped" over_failover 30
check_at_least "by the VPN" "$(packets edge tun30 tx)" 5000
for site in lan cloud; do in_ns $site nft delete table inet no_pmtu; done
check "what is no TCP: the kernel says too big" eval \
	'in_ns lan ping -c 1 -W 1 -M "do" -s 1400 $CLOUD4 2>&1 | grep -qiE "mtu ?= ?1400|message too long"'
check "IPv6 likewise" eval 'in_ns lan ping -c 1 -W 1 -M "do" -s 1400 $CLOUD6 2>&1 | grep -qiE "mtu ?= ?1400|message too long"'
check "and back" back

check "a number" eval 'config 1200 && s reload && true_json ".[1].mss == 1200" paths'
check_equal "is what is offered" "$(mss_said cloud $CLOUD4)" 1200
check "monitor mode" eval 'config 1200 monitor && s reload'
check_equal "changes nothing" "$(mss_said cloud $CLOUD4)" 1460
check "the kernel forwards" eval 'EDGE_FORWARD=kernel config 1200 && s reload && wait_for 10 true_json ".forward == \"kernel\"" status'
check_equal "lowered all the same" "$(mss_said cloud $CLOUD4)" 1200
check_equal "and the SYN-ACK" "$(mss_said lan $CLOUD4)" 1200
check "none" eval 'config "" && s reload && true_json "[.[].mss] == [null, null]" paths && wait_for 10 true_json ".forward == \"fast\"" status'
check_equal "as it was" "$(mss_said cloud $CLOUD4)" 1460
check "doctor names it" eval 's -j doctor -c "$RUN/sameway.yaml" | jq -e "any(.[]; .check == \"mss\" and (.message | test(\"mss: auto\")))"'
for site in lan cloud; do no_icmp $site; done
check "without it, such a session hangs" eval 'over_failover 12; [ $? = 1 ]'
done_testing
