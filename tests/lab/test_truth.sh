#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Mixed traffic with known truth: what is told is what was done, all of it and nothing else. Mice, an elephant, scans, half-open
# connections, fragments, losses, pings both ways; and in turn, in random order: nothing, ExpressRoute cut and back, the far side
# answering by VPN. 75 s; an hour with --long. SAMEWAY_SEED repeats a run.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

seconds=75
[ "${SAMEWAY_LONG:-0}" = 0 ] || seconds=3600
seed=${SAMEWAY_SEED:-$((${EPOCHREALTIME/./} % 32768))}
grace=4
echo "# seed $seed"
RANDOM=$seed

lab_start enforce ${grace}s
# retransmits: one packet of 200 is lost, each way
in_ns hub nft 'add table ip loss; add chain ip loss c { type filter hook forward priority 0; };
	add rule ip loss c meta l4proto tcp numgen random mod 200 0 drop'
background edge follow "$SAMEWAY" -i "$LAB" -j alerts -f
background cloud serve /usr/bin/python3 "$ROOT/tests/lab/mix.py" serve $CLOUD4 7000
wait_for 5 lines_reach serve listening 1
background lan send /usr/bin/python3 "$ROOT/tests/lab/mix.py" send $CLOUD4 7000 $((seconds + 10)) "$seed" 10.10.30.77
background lan ping ping -q -i 0.1 -w $((seconds + 10)) $SPOKE4
background lan ping6 ping -q -i 0.1 -w $((seconds + 10)) $CLOUD6
background cloud back ping -q -i 0.1 -w $((seconds + 10)) $LAN4
background lan branch ping -q -i 0.1 -w $((seconds + 10)) $BRANCH4

# nothing ever comes by it: to wait on (not a process a turn: in an hour they are tens of thousands)
mkfifo "$RUN/never" && exec {never}<>"$RUN/never"
# flows that have the verdict now: a packet of theirs came in the last second
now_with() { j "[.[] | select(.verdict == \"$1\" and .idle_s < 1)] | length" flows; }
none_with() { [ "$(now_with "$1")" = 0 ]; }
some_with() { [ "$(now_with "$1")" -gt 0 ]; }
# quiet SECONDS: in that time no flow that lives has a verdict of trouble; says the first that has
quiet() {
	local end=$(($(now_ms) + $1 * 1000)) bad
	while [ "$(now_ms)" -lt $end ]; do
		bad=$(j 'first(.[] | select(.idle_s < 1 and (.verdict | IN("ok", "pending", "transition", "failover", "blind") | not))) // empty' flows)
		[ -z "$bad" ] || { echo "$bad" | tr -d '\n'; return 1; }
		read -rt 0.3 -u "$never" || :
	done
}
# a cut or turn that began at $1 is over: from when to when what it explains may begin
window() { echo "$1 $(($(date -u +%s) + grace + 2))"; }
# all flows that live are well; in the time that a change of both sides takes
settled() { quiet 1 && none_with failover && none_with transition && [ "$(sessions)" = 4 ]; }
sessions() { birdc_at edge show protocols | awk '$2 == "BGP" && $1 != "MON" && /Established/ { n++ } END { print n + 0 }'; }

check_within 20 "all is well at the beginning" settled
check "and nothing is told" true_json '. == []' alerts --all
windows=() cut=() asked=0 told=0 quiets=0 cuts=0 turns=0
end=$(($(now_ms) + seconds * 1000))
while [ "$(now_ms)" -lt $end ]; do
	case $((RANDOM % 3)) in
	0)
		quiets=$((quiets + 1))
		quiet 4 >"$RUN/bad" || fail "quiet: nothing is told" "$(cat "$RUN/bad")"
		;;
	1)
		cuts=$((cuts + 1)) since=$(date -u +%s)
		er_cut
		wait_for 8 some_with failover || fail "a cut: flows are told to have failed over" "not within 8 s"
		er_restore
		wait_for 30 settled || fail "a cut: all is well afterwards" "$(quiet 1)"
		cut+=("$(window "$since")")
		;;
	2)
		turns=$((turns + 1)) since=$(date -u +%s) asked=$((asked + 1))
		far_side_via_vpn
		# new flows at once, old ones after grace
		wait_for $((grace + 10)) some_with asymmetric && told=$((told + 1))
		far_side_via_er
		windows+=("$(window "$since")")
		wait_for 30 settled || fail "turned back: all is well afterwards" "$(quiet 1)"
		;;
	esac
done
echo "# $quiets quiet times, $cuts cuts, $turns turns of the far side"
check_equal "each time that the far side turned was told" "$told" "$asked"
# Incidents: each asymmetric one began when the far side turned. While ExpressRoute comes back Azure may have our prefix by it before
# we have theirs: a new flow is asymmetric then, which is a notice until the route comes, or the far side turns. Where that
# turns before it was seen to have followed ExpressRoute's return, it is said to be stuck.
j '.[] | select(.verdict | IN("asymmetric", "failback-stuck")) | "\(.first_seen) \(.last_seen) \(.severity) \(.side) \(.verdict)"' alerts --all |
	while read -r first last severity side verdict; do
		at=$(date -u -d "$first" +%s) till=$(date -u -d "$last" +%s) in=0 turned=0
		for w in "${windows[@]}"; do
			read -r from to <<<"$w"
			[ "$side" = azure ] && [ "$at" -ge "$from" ] && [ "$at" -le "$to" ] && in=1
			[ "$from" -ge "$at" ] && [ "$from" -le "$till" ] && turned=1
		done
		for w in "${cut[@]}"; do
			read -r from to <<<"$w"
			[ "$verdict" = asymmetric ] && [ "$at" -ge "$from" ] && [ "$at" -le "$to" ] && { [ "$severity" = notice ] || [ $turned = 1 ]; } && in=1
		done
		[ $in = 1 ] || echo "$first $last $severity $side $verdict"
	done >"$RUN/outside"
[ ! -s "$RUN/outside" ] || printf '# turns %s; cuts %s\n' "${windows[*]}" "${cut[*]}"
check_equal "no asymmetry but Azure's, and nothing stuck, but in those times" "$(tr '\n' ' ' <"$RUN/outside")" ""
# no-backup: of the prefix that only ExpressRoute has, while it is cut
check_equal "no incident but of what was done" "$(j '.[] |
	select(.verdict | IN("asymmetric", "failover", "failback", "failback-stuck", "route-change", "flapping", "no-backup") | not) |
	"\(.first_seen) \(.verdict) \(.message)"' alerts --all)" ''
check "no alert was lost" true_json '.alerts.lost == 0' status
for job in send ping ping6 back branch; do wait_for 40 finished "$job"; done
echo "# $(cat "$RUN/send.log")"
check "all kinds of traffic were there" grep -q "UDP answers.*elephant.*mice.*scans" "$RUN/send.log"
done_testing
