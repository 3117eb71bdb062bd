#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# `path NAME drain --for` as an exercise of the backup: nothing is lost when it begins and ends, its report agrees with the wire,
# what it takes away is said before, and it ends by itself with the daemon dead and the command gone.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# BIRD's best is ExpressRoute: what were left to the kernel would not go by the VPN.
export EDGE_VPN_PREF=50
# The rule binds a part of the traffic to what is drained.
EDGE_EXTRA='rules: [{ name: bound, to: 10.11.30.0/26, proto: udp, port: 9001, only: [er1-primary] }]'
lab_start enforce

drained() { true_json '.[0].reasons == ["drained"]' paths; }
usable() { true_json '.[0].usable' paths; }
# report FILTER: of the last one
report() { jq -r "$1" "$RUN/report"; }
report_is() { jq -e "$1" "$RUN/report" >/dev/null || { jq -c . "$RUN/report" && false; }; }

background cloud sink "$steady" sink $CLOUD4 9000
background cloud at-cloud "$steady" tap eth0 9000
background edge at-vpn "$steady" tap tun30 9000
for name in sink at-cloud at-vpn; do wait_for 10 lines_reach $name listening 1; done
background lan stream "$steady" send $CLOUD4 9000 200
background lan ping ping -i 0.05 -c 100000 -W 1 $CLOUD4
background lan ping-lost ping -i 0.05 -c 100000 -W 1 $REMOTE4
background lan bound "$steady" send $SPOKE4 9001 20
wait_for 5 lines_reach ping 'bytes from' 20 && wait_for 5 lines_reach ping-lost 'bytes from' 20

# A stream, a ping with answers, a ping to a prefix without another path, a flow of the rule: alive when it begins.
check "drained for 4 s: the command ends well" eval 's -j path er1-primary drain --for 4s >"$RUN/report" 2>"$RUN/warned"'
check "the path is back when the command is" usable
check "before it begins it says which prefix has no other path" grep -q '^sameway: path: er1-primary is the only usable path of 1 prefix, .*: 10.17.30.0/26$' "$RUN/warned"
check "and which rule allows no other" grep -q 'path: er1-primary is the only usable path that rule bound allows' "$RUN/warned"
check "one object: back by itself, in time" report_is '.path == "er1-primary" and .usable and .ended == "by-itself" and .for_s == 4 and .took_s >= 4 and .took_s < 9'
check "prefixes moved and lost, rules" report_is '.prefixes_moved >= 2 and .prefixes_lost == 1 and .lost_prefixes == ["10.17.30.0/26"] and .lost_rules == [{name: "bound", prefixes: 1}]'
check "flows: two of four moved, none lost its answers, one is answered by ExpressRoute still" \
	report_is '.flows == {alive: 4, moved: 2, unanswered: 0, answered_by_it: 1}'
check "by which path" report_is '[.backups[].path] == ["vpn30"] and .backups[0].class == "vpn" and .backups[0].flows == 2 and .backups[0].bytes > 0'
check_at_least "what the rule and the lost prefix lost is counted" "$(report '[.losses[] | select((.reason == "rule-denied" or .reason == "no-path") and .packets > 20)] | length')" 2
check "no other packet was lost" report_is '[.losses[].reason] - ["rule-denied", "no-path"] == [] and .packets_lost == ([.losses[].packets] | add)'

# The far side follows: answers come by the VPN, too.
far_side_via_vpn
check "as text" eval 's path er1-primary drain --for 3s >"$RUN/text" 2>/dev/null'
check "begins with what it is about to do, ends with what came of it" eval 'grep -q "^er1-primary is not usable now: .* for 3 s, comes back by itself$" "$RUN/text" &&
	grep -q "^er1-primary is back after [34] s, by itself$" "$RUN/text" && grep -Eq "^ +by vpn30 +2 flows, [0-9.k]+ packets" "$RUN/text" &&
	grep -q "round trip  not known: " "$RUN/text" && grep -q "still come, of each flow that had them" "$RUN/text" && ! grep -q "still come by" "$RUN/text"'
far_side_via_er

# A backup that is a black hole: what goes there gets no answers.
in_ns vpngw nft 'add table ip t; add chain ip t f { type filter hook forward priority 0; }; add rule ip t f ip protocol icmp drop'
check "a black hole" eval 's -j path er1-primary drain --for 6s >"$RUN/report" 2>/dev/null'
check "is told: the flow that had answers has none" report_is '.flows.moved == 2 and .flows.unanswered == 1'
in_ns vpngw nft delete table ip t

# Undrained by somebody else.
background edge drain "$SAMEWAY" -i "$LAB" -j path er1-primary drain --for 60s
wait_for 10 drained
s path er1-primary undrain >/dev/null
check_within 10 "undrained by hand: the command ends" finished drain
check "and says so" eval 'sed "/^sameway:/d" "$RUN/drain.log" >"$RUN/report" && report_is ".ended == \"by-hand\" and .usable"'

# ^C leaves the drain as it is.
background edge drain "$SAMEWAY" -i "$LAB" path er1-primary drain --for 6s
wait_for 10 drained
sleep_from=$(now_ms)
kill -INT "$(cat "$RUN/drain.pid")"
check_within 5 "^C ends the command" finished drain
check "it says how to end the drain" grep -q "path: interrupted: er1-primary stays drained for [0-9]* s more and then comes back by itself; .sameway -i $LAB path er1-primary undrain. ends it now" "$RUN/drain.log"
check "the drain goes on" drained
check_within 15 "and ends by itself" usable
check_at_least "not before its time" $(($(now_ms) - sleep_from)) 4500

# With the daemon stopped at its end the kernel ends it; the daemon that goes on finds the path in use, and leaves it so.
background edge drain "$SAMEWAY" -i "$LAB" path er1-primary drain --for 3s
wait_for 10 drained
kill -STOP "$(cat "$RUN/sameway.pid")"
check_within 20 "the daemon is stopped: the drain ends all the same" usable
downs=$(lines sameway 'er1-primary is not usable')
kill -CONT "$(cat "$RUN/sameway.pid")"
check_within 20 "who says so" lines_reach sameway 'er1-primary: the kernel has ended its drain' 1
check_equal "without taking the path out again" "$(s status >/dev/null && lines sameway 'er1-primary is not usable')" "$downs"
wait_for 10 finished drain

# With the daemon dead: by the deadline in the kernel's maps; the command reads maps alone.
background edge drain "$SAMEWAY" -i "$LAB" -j path er1-primary drain --for 3s
wait_for 10 drained
sameway_kill
check "the daemon is killed: still drained" drained
check_within 20 "it comes back by itself, and the command ends" eval 'usable && finished drain'
check "with its report" eval 'sed "/^sameway:/d" "$RUN/drain.log" >"$RUN/report" && report_is ".ended == \"by-itself\" and .usable and .took_s < 9"'
check_at_least "by ExpressRoute" "$(moved edge er0 tx ping_lost 40 0.005 $CLOUD4)" 40
check "a new daemon finds it undrained" eval 'sameway_start && usable'
check "and drains it for good when asked: nothing of the old end is left" eval 's path er1-primary drain >/dev/null 2>&1'
check_equal "for 3 s at least" "$(end=$(($(now_ms) + 3000)); while [ "$(now_ms)" -lt $end ]; do drained || echo not; done)" ""
check "undrained" eval 's path er1-primary undrain >/dev/null && usable'

# What an earlier daemon saw fail, the next one tells the return of: the drain that the kernel ended, and a cut.
returned() { true_json "[.[] | select(.verdict == \"failback\")] | last | (.cause | IN($1)) and .prefixes_moved >= 2" alerts --all; }
before=$(j '[.[] | select(.verdict == "failback")] | length' alerts --all)
background edge drain "$SAMEWAY" -i "$LAB" path er1-primary drain --for 3s
wait_for 5 drained
wait_for 5 eval "jq -e '.failed[0].cause == \"drained\"' /run/sameway/$LAB.state"
sameway_kill
wait_for 15 finished drain
check "a drain ended with the daemon dead; a new one starts" sameway_start
check_within 30 "and tells the return" eval 'returned "\"drained\"" && [ "$(j "[.[] | select(.verdict == \"failback\")] | length" alerts --all)" -gt '"$before"' ]'
end_background stream
wait_for 5 finished stream
end_background at-cloud
end_background at-vpn
check_at_least "the stream went by the VPN meanwhile" "$(lines at-vpn '^[0-9]')" 1500
check_equal "of all its packets, through each begin and end, none was lost" "$("$steady" lost "$RUN/stream.log" "$RUN/at-cloud.log")" 0

er_cut
wait_for 10 eval "jq -e '.failed[0].cause == \"link-down\"' /run/sameway/$LAB.state"
sameway_kill
check "killed while the link is down: a new daemon starts" eval 'sameway_start && ! usable'
er_restore
# BIRD's session may outlive the cut for a while, end, and return, too
check_within 60 "and tells the return, when the routes are back" returned '"link-down", "bgp-down"'
done_testing
