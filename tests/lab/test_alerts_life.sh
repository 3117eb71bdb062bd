#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# An incident's life with people: the hook is told of its opening, of what got worse and of its close; ack and silence; all of it
# over a reload and a restart; a hook that hangs.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

HUB=10.10.30.0/24 SPOKE=10.11.30.0/26

# exits STATUS COMMAND...: whether it ends with this status
exits() {
	local want=$1 got=0
	shift
	"$@" >/dev/null 2>&1 || got=$?
	[ "$got" = "$want" ]
}
# told FILTER: whether a line that the hook was given fits
told() { [ -s "$RUN/hook.log" ] && jq -es "any(.[]; $1)" "$RUN/hook.log"; }
# hook_is COMMAND: from the next reload or start on
hook_is() {
	EDGE_EXTRA="notify: { command: '$1' }" edge_config enforce "2s, confirm: 3s"
}
incident() { j "[.[] | select(.dst_prefix == \"$1\" and .state == \"open\")][0].id // \"none\"" alerts; }
shown() { true_json "any(.[]; .dst_prefix == \"$1\" and $2)" alerts; }

lab_edge
hook_is "cat >>$RUN/hook.log"
check "sameway runs with a hook" sameway_start || done_testing
background edge follow "$SAMEWAY" -i "$LAB" -j alerts -f
check "status knows the hook" true_json '.notify.sent == 0 and .notify.waiting == 0 and .silences == []' status

background lan steady ping -q -i 0.2 -c 100000 $CLOUD4
check_within 10 "the start is past" true_json '.uptime_s >= 4' status
far_side_via_vpn
check_within 10 "a real incident opens" shown $HUB 'true'
hub=$(incident $HUB)
check_within 5 "the hook is given its opening as JSON" told ".event == \"open\" and .id == $hub and .state == \"open\" and .also == []"
same() { [ "$(jq -cS 'del(.also)' <<<"$(head -n 1 "$RUN/hook.log")")" = "$(jq -cS . <<<"$(grep -m 1 '"open"' "$RUN/follow.log")")" ]; }
check "the same object as alerts -f prints" same
check_within 25 "what gets worse is told" told ".event == \"update\" and .id == $hub and .severity == \"warning\""

check "ack" s ack "$hub"
check "alerts shows it" shown $HUB '.acked and (.silenced | not)'
check_within 5 "and so does who follows" eval 'tail -n 1 "$RUN/follow.log" | jq -e ".acked and .event == \"update\""'
check "in the table, too" eval "s alerts | grep -q '^$hub  open, acked'"
check "an id that is none: exit 2" exits 2 s ack 4711
check "a word: exit 2" exits 2 s ack it
check "no such instance: exit 1" exits 1 in_ns edge "$SAMEWAY" -i "none$LAB" ack 1

check "silence" s silence $SPOKE 20m
check "no prefix, no duration, bits beyond: exit 2" eval "exits 2 s silence x 5m && exits 2 s silence $SPOKE 5 && exits 2 s silence 10.11.30.1/26 5m && exits 2 s silence 10.99.0.0/16 0"
background lan spoke ping -q -i 0.2 -c 100000 $SPOKE4
check_within 10 "an incident in silence is shown" shown $SPOKE '.silenced'
spoke=$(incident $SPOKE)
check "status says what is silenced" true_json ".silences | length == 1 and .[0].prefix == \"$SPOKE\" and .[0].incidents == [$spoke] and .[0].left_s > 1000" status
check_within 25 "it gets worse in silence" shown $SPOKE '.severity == "warning"'
check "alerts -f marks it" eval 'grep "\"open\"" "$RUN/follow.log" | jq -es "any(.[]; .id == '"$spoke"' and .silenced)"'
check "the hook was told nothing of it" eval "! told '.id == $spoke'"

hook_is "tee -a $RUN/hook.log"
check "reload" s reload
kept() { shown "$HUB" ".id == $hub and .acked" && shown "$SPOKE" ".id == $spoke and .silenced" && true_json '.silences | length == 1' status; }
check_within 5 "a reload keeps them: ids, ack, silence" kept
sameway_stop
check "so do the files of a daemon that is gone" eval "shown $HUB '.id == $hub and .acked' && shown $SPOKE '.silenced'"
check "a restart" sameway_start
check_within 5 "keeps them" kept
check "nothing was told twice" eval '[ "$(jq -s "[.[] | select(.event == \"open\")] | length" "$RUN/hook.log")" = 1 ]'

check "the silence ends by hand" s silence $SPOKE 0
check_within 5 "what lasts is told then" told ".event == \"open\" and .id == $spoke and .severity == \"warning\""
check "nothing is silenced" true_json '.silences == []' status

# A hook that hangs, at the closing of both.
hook_is "echo \$\$ >$RUN/hook.pid; exec sleep 1000"
check "reload with a hook that hangs" s reload
end_background steady
end_background spoke
far_side_via_er
check_within 90 "both close" true_json "[.[] | select(.id == $hub or .id == $spoke) | .state] == [\"closed\", \"closed\"]" alerts --all
check_within 5 "the hook runs" test -s "$RUN/hook.pid"
slowest=0
for _ in $(seq 20); do
	start=$(now_ms)
	s -j status >/dev/null
	took=$(($(now_ms) - start))
	[ $took -le $slowest ] || slowest=$took
done
echo "# status, with a hook that hangs: $slowest ms at most of 20"
check "status says what waits" true_json '.notify.waiting >= 1' status
check "an incident that is closed: ack exits 2" exits 2 s ack "$hub"
check_within 45 "it is ended in time, and counted" true_json '.notify.failed >= 1 and (.notify.last_error | test("still running after 30 s"))' status
check_within 30 "and tried again" eval '[ "$(cat "$RUN/hook.pid")" != gone ] && kill -0 "$(cat "$RUN/hook.pid")"'
hook=$(cat "$RUN/hook.pid")
sameway_stop
check_within 3 "the daemon's end leaves no child" eval "! kill -0 $hook"

hook_is "cat >>$RUN/hook.log"
check "started with a hook that works" sameway_start
check_within 10 "the closings that were owed are told" told "any(.id, .also[]; . == $hub) and .event == \"close\""
check_within 10 "of both" told "any(.id, .also[]; . == $spoke) and .event == \"close\""
check_within 5 "nothing waits" true_json '.notify.waiting == 0 and .notify.dropped == 0' status
check "the history is kept" true_json "[.[] | select(.id == $hub or .id == $spoke) | .state] == [\"closed\", \"closed\"]" alerts --all
check "no notify in the config: none" eval 'edge_config enforce 2s && s reload && true_json ".notify == null" status'
done_testing
