#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Many receive queues: flows from two CPUs at once over veths of two queues. Each packet arrives, is counted once, is in its
# flow's record once, by XDP and by TC.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/small.sh
. "$(dirname "$0")/small.sh"

FLOWS=6
N=400
[ "${SAMEWAY_LONG:-0}" = 0 ] || N=20000
tool=$ROOT/tests/lab/window.py
# send CPU FIRST-PORT: its flows, pinned to the CPU
send() { background lan "send-$2" taskset -c "$1" /usr/bin/python3 "$tool" send "$DST" 7007 "$2" "$FLOWS" "$N"; }
# two_cpus: both senders at once; whether all of it came back, once
two_cpus() {
	send 0 20000 && send 1 30000
	wait_for 120 finished send-20000 && wait_for 120 finished send-30000
	cat "$RUN/send-20000.log" "$RUN/send-30000.log"
	[ ! -s "$RUN/send-20000.log" ] && [ ! -s "$RUN/send-30000.log" ]
}
counts() { jq -r '"\([.reasons[] | select(.reason == "forwarded") | .packets] | add // 0) \(.paths[0].tx_packets) \(.paths[0].rx_packets)"' <<<"$(s -j counters)"; }
# counted BEFORE...: reasons of both interfaces, and both directions of the path, since
counted() {
	local now all=$((2 * FLOWS * N))
	read -r -a now < <(counts)
	echo "$((now[0] - $1)) $((now[1] - $2)) $((now[2] - $3))"
	[ "$((now[0] - $1)) $((now[1] - $2)) $((now[2] - $3))" = "$((2 * all)) $all $all" ]
}
flows_are() { # EACH: the packets of each flow, both ways
	true_json "[.[] | select(.proto == \"udp\" and .dport == 7007)] | length == 2 * $FLOWS and all(.[]; .forward.packets == $1 and .reverse.packets == $1)" flows
}
queues_used() { in_ns edge ethtool -S "$1" | awk '/rx_queue_[01]_xdp_packets:/ && $2 > 0 { n++ } END { exit n != 2 }'; }

[ "$(nproc)" -ge 2 ] || { skip "two CPUs" "this machine has one" && done_testing; }
SMALL_QUEUES=2
small_start enforce xdp
checksums off
background far echo0 /usr/bin/python3 "$tool" serve $DST 7007
wait_for 5 lines_reach echo0 listening 1
check "XDP is on" eval 'xdp_is lan0 native && xdp_is er0 native'
read -r -a before < <(counts)
check "XDP: all of two CPUs' packets are answered, once" two_cpus
check_within 5 "counted once each, exactly" counted "${before[@]}"
check "in their flows' records, exactly" flows_are $N
check "both queues of both interfaces had some" eval 'queues_used lan0 && queues_used er0'
check "hook: tc" eval 'small_config enforce tc && s reload && wait_for 10 xdp_is lan0 none && wait_for 10 xdp_is er0 none'
read -r -a before < <(counts)
check "TC: all are answered, once" two_cpus
check_within 5 "counted once each, exactly" counted "${before[@]}"
check "in the same records, exactly" flows_are $((2 * N))
check "nothing was lost after a redirect" true_json '.redirects.lost == 0' status
done_testing
