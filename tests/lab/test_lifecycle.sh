#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The data plane without its daemon: kill -9, a stop, what a new one adopts; a second instance; a stale socket; commands alone.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

lab_start enforce
tx() { j '[.[] | select(.name == "er1-primary")][0].tx_packets' paths; }
by_er() { moved edge er0 tx ping_lost 40 0.005 "$CLOUD4"; }
background lan long ping -i 0.05 -c 100000 -W 1 $CLOUD4
wait_for 5 lines_reach long 'bytes from' 10

check "a second daemon of the same instance is refused" eval 's run -c "$RUN/sameway.yaml" >"$RUN/second" 2>&1; [ $? = 1 ]'
check "it says what to do" grep -q '^sameway: .*: ' "$RUN/second"
check "the first goes on" true_json '.daemon and .waiting == []' status

tx_before=$(tx)
sameway_kill
check "status without a daemon: exit 1" eval 's -j status >"$RUN/out"; [ $? = 1 ]'
check "status without a daemon: daemon false" jq -e '.daemon == false' "$RUN/out"
check_equal "kill -9: no ping lost" "$(ping_lost 50 0.01 $CLOUD4)" 0
check_at_least "kill -9: still by ExpressRoute" "$(by_er)" 40
check_at_least "paths counts with no daemon" "$(tx)" $((tx_before + 80))
check "flows with no daemon" true_json "any(.[]; .dst == \"$CLOUD4\" and .verdict == \"ok\")" flows
check "counters with no daemon" true_json '.paths[0].name == "er1-primary"' counters
check "routes with no daemon: exit 1" eval 's routes >/dev/null 2>&1; [ $? = 1 ]'
check "explain with no daemon: exit 1" eval "s explain $CLOUD4 >/dev/null 2>&1; [ \$? = 1 ]"
check "alerts -f with no daemon: exit 1" eval 's alerts -f >/dev/null 2>&1; [ $? = 1 ]'
check "alerts with no daemon lists" true_json 'type == "array"' alerts
total=$(j '[.[] | select(.name == "er1-primary")][0].tx_packets' paths)
check_within 3 "the kernel's timer still sums for bpftool" eval "bpftool -j map dump pinned /sys/fs/bpf/sameway/$LAB/path_counters | jq -e '[.. | objects | select(.name? == \"er1-primary\")][0].tx_packets >= $total'"

check "the socket is stale" test -S "/run/sameway/$LAB.sock"
tx_before=$(tx)
created=$(j "[.[] | select(.dst == \"$CLOUD4\" and .proto == \"icmp\") | .age_s] | max" flows)
check "a new daemon starts over the stale socket, and adopts" sameway_start
check_at_least "counters were not reset" "$(tx)" "$tx_before"
check_at_least "flows were kept" "$(j "[.[] | select(.dst == \"$CLOUD4\" and .proto == \"icmp\") | .age_s | floor] | max" flows)" "${created%.*}"
check_at_least "by ExpressRoute" "$(by_er)" 40

sameway_stop
check "a stop leaves the data plane" test -e "/sys/fs/bpf/sameway/$LAB/usable"
check_at_least "stopped: still by ExpressRoute" "$(by_er)" 40
check "and starts again" sameway_start
end_background long INT
check_equal "the ping through all of it lost nothing" "$(awk '/packets transmitted/ { print ($1 - $4 <= 1) ? 0 : $1 - $4 }' "$RUN/long.log")" 0

# A config with fewer paths is adopted too: what is gone is let go.
er_cut
wait_for 5 true_json '.[0].usable == false' paths
sameway_kill
er_restore
edge_wait_converged 20
check "a daemon that died while the path was down" sameway_start
check_within 20 "its successor brings the path back" true_json 'all(.[]; .usable)' paths
check_within 10 "by ExpressRoute" eval '[ "$(by_er)" -ge 40 ]'

kill -HUP "$(cat "$RUN/sameway.pid")"
check_within 3 "SIGHUP reads the config again" grep -q 'reloaded ' "$RUN/sameway.log"
check "and goes on" true_json '.daemon' status

for verb in top "ack 1" "fleet x" "trace 1.2.3.4 1.2.3.5"; do
	# shellcheck disable=SC2086
	check "$verb: refused with a message" eval "s $verb >/dev/null 2>\"\$RUN/err\"; [ \$? != 0 ] && grep -q '^sameway: .*: ' \"\$RUN/err\""
done
check "--help goes to stdout, exit 0" eval 's --help 2>/dev/null | grep -q explain'
check "--version" eval 's --version 2>/dev/null | grep -q "[0-9]"'
check "bare sameway is status" eval 's | grep -q enforce'
check "a unique prefix is taken" eval 's -j stat | jq -e .daemon'
check "an ambiguous one is refused: exit 2" eval 's -j r >/dev/null 2>"$RUN/err"; [ $? = 2 ]'
check "an unknown verb: exit 2" eval 's frobnicate >/dev/null 2>&1; [ $? = 2 ]'

wait_for 15 true_json '.waiting == []' status
ours() { in_ns edge ip rule show | grep -c 'proto 83'; }
check "detach from another network namespace: refused, exit 1" eval '"$SAMEWAY" -i "$LAB" detach >"$RUN/out" 2>"$RUN/err"; [ $? = 1 ]'
check "and says how to enter the right one" grep -q "nothing was removed: .nsenter --net=/run/netns/$LAB-edge sameway -i $LAB detach" "$RUN/err"
check "nothing was removed, the daemon runs" eval 'true_json ".daemon and .waiting == []" status && [ "$(ours)" = 2 ] && in_ns edge ip link show er0 | grep -q xdp'
sameway_kill
check "the same with the daemon dead" eval '! "$SAMEWAY" -i "$LAB" detach 2>"$RUN/err" && [ "$(ours)" = 2 ] && [ -e "/sys/fs/bpf/sameway/$LAB/ctl" ]'
sameway_start
s detach >/dev/null
check_within 5 "detach stops a live daemon" finished sameway
check_equal "no rule left" "$(ours)" 0
check "no pin left" test ! -e "/sys/fs/bpf/sameway/$LAB"
check "no socket, no state left" eval "[ ! -e /run/sameway/$LAB.sock ] && [ ! -e /run/sameway/$LAB.state ]"
check "no XDP left" eval '! in_ns edge ip link show | grep -q xdp'
check "detach again: nothing to do, nothing to say" eval 's detach 2>"$RUN/err" && [ ! -s "$RUN/err" ]'
# what another version left
if mkdir -p "/sys/fs/bpf/sameway/$LAB" && bpftool map create "/sys/fs/bpf/sameway/$LAB/ctl" type array key 4 value 4 entries 1 name ctl 2>/dev/null; then
	check "detach of another version's maps: says what may be left" eval 's detach 2>"$RUN/err" && grep -q "another version.*proto 83" "$RUN/err"'
	check "its pins are gone" test ! -e "/sys/fs/bpf/sameway/$LAB"
else
	skip "detach of another version's maps" bpftool
fi
# the namespace is gone, and all that was in it: the pins can go from anywhere
sameway_start
for job in sameway bird-edge tunnel-edge; do end_background $job; done
ip netns del "$LAB-edge"
check_within 5 "its namespace is gone: detach from here" "$SAMEWAY" -i "$LAB" detach
check "no pin left of it" test ! -e "/sys/fs/bpf/sameway/$LAB"
done_testing
