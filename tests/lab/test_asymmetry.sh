#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The far side answers by VPN what went out by ExpressRoute: a new flow's alert within a second, an old flow's after grace.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

lab_start enforce 2s
background edge follow "$SAMEWAY" -i "$LAB" -j alerts -f
ping_lost 5 0.02 $CLOUD4 >/dev/null
check_within 10 "the start is past, nothing settles" true_json '.uptime_s >= 4' status
check "healthy traffic opens nothing" true_json '. == []' alerts

# A new flow: nothing is settling. The first pair of packets is the first answered ping.
far_side_via_vpn
in_ns lan ping -q -c 1 -W 1 $CLOUD4 >/dev/null
start=$(now_ms)
check_within 5 "alerts -f shows it live" lines_reach follow '"asymmetric"' 1
opened() { grep -m 1 '"asymmetric"' "$RUN/follow.log"; }
# by its own time: what a busy machine takes to show it to us is not the daemon's
check_at_most "opened within 1 s of the first pair, ms" $(($(date -d "$(opened | jq -r .first_seen)" +%s%3N) - start)) 1000
check "alert: side, cause, paths, severity" eval 'opened | jq -e "select(.event == \"open\" and .verdict == \"asymmetric\" and .side == \"azure\" and
	.cause == \"azure-preference\" and .severity == \"notice\" and .forward_path == \"er1-primary\" and .reverse_path == \"vpn30\")"'
check "alert: prefixes, inside first" eval 'opened | jq -e "select(.src_prefix == \"10.2.30.0/25\" and .dst_prefix == \"10.10.30.0/24\" and .flows >= 1)"'
check "alert: message and fix are there" eval 'opened | jq -e "select((.message | length) > 10 and (.fix | length) > 10)"'
check "the flow's record says so" true_json 'any(.[]; .verdict == "asymmetric" and .forward.path == "er1-primary" and .reverse.path == "vpn30")' flows --verdict asymmetric
check_within 3 "counters: verdicts" true_json '[.verdicts[] | select(.verdict == "asymmetric")][0].flows >= 1' counters
check "the log tells it" grep -qi asymmetric "$RUN/sameway.log"
check_equal "packets still arrive: the alert is all that action alert does" "$(ping_lost 20 0.01 $CLOUD4)" 0
in_ns lan ping -q -c 2 -i 0.05 $CLOUD6 >/dev/null
check_within 3 "IPv6 opens its own" true_json 'any(.[]; .verdict == "asymmetric" and .dst_prefix == "fd00:10:10:30::/64" and .src_prefix == "fd00:2:30::/64")' alerts
# the same pair of prefixes is one incident, however many flows
for p in 5001 5002 5003; do in_ns lan timeout 1 bash -c "exec 3<>/dev/tcp/$CLOUD4/$p" 2>/dev/null; done
check "many flows, one incident a pair" true_json '[.[] | select(.verdict == "asymmetric" and .dst_prefix == "10.10.30.0/24")] | length == 1' alerts
background lan steady ping -i 0.2 -c 200 $CLOUD4
check_within 25 "confirmed after 15 s: a warning" true_json 'any(.[]; .verdict == "asymmetric" and .severity == "warning" and .dst_prefix == "10.10.30.0/24")' alerts

# An old flow: it was seen both ways by ExpressRoute, so grace (2 s) has to pass.
far_side_via_er
end_background steady
background lan old ping -i 0.05 -c 400 $SPOKE4
check_within 5 "an old flow, both ways by ExpressRoute" true_json "any(.[]; .dst == \"$SPOKE4\" and .verdict == \"ok\" and .forward.packets > 3)" flows
far_side_via_vpn
check_within 2 "within grace it is a transition" true_json "any(.[]; .dst == \"$SPOKE4\" and .verdict == \"transition\")" flows
check "and no alert" true_json '[.[] | select(.dst_prefix == "10.11.30.0/26")] == []' alerts
check_within 6 "after grace it is asymmetric" true_json "any(.[]; .dst == \"$SPOKE4\" and .verdict == \"asymmetric\")" flows
check_within 3 "with an alert" true_json 'any(.[]; .dst_prefix == "10.11.30.0/26" and .verdict == "asymmetric" and .side == "azure")' alerts

# Mended: it closes when no flow has the verdict for max(grace, 30 s).
far_side_via_er
check_within 10 "mended: the flow is ok again" true_json "any(.[]; .dst == \"$SPOKE4\" and .verdict == \"ok\")" flows
check_within 60 "the incident closes" true_json '[.[] | select(.dst_prefix == "10.11.30.0/26" and .verdict == "asymmetric")] == []' alerts
check "alerts --all has it, closed" true_json 'any(.[]; .dst_prefix == "10.11.30.0/26" and .state == "closed")' alerts --all
check "alerts -f told the closing" eval 'grep "10.11.30.0/26" "$RUN/follow.log" | jq -e "select(.event == \"close\")"'
done_testing
