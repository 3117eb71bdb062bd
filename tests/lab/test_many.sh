#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# 100,000 flows turn asymmetric at once: one incident that counts them all, told calmly, and the daemon answers meanwhile.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

N=100000
export EDGE_EXTRA='flows: 262144'
lab_start enforce 2s
background edge follow "$SAMEWAY" -i "$LAB" -j alerts -f
# hosts that have no socket for these packets: not an error each
in_ns lan sysctl -qw net.ipv4.icmp_ratelimit=1000
in_ns cloud sysctl -qw net.ipv4.icmp_ratelimit=1000
out() { in_ns lan "$ROOT/build/lab/burst" $LAN4 10000 $CLOUD4 7000 $N source; }
back() { in_ns cloud "$ROOT/build/lab/burst" $CLOUD4 7000 $LAN4 10000 $N destination; }
flows() { j "[.verdicts[] | select(.verdict == \"$1\")][0].flows" counters; }

# Asks the daemon again and again, and tells how long answers took.
background edge ask /usr/bin/python3 -c '
import json, signal, socket, sys, time
took = []
def end(*_):
    took.sort()
    print("%d answers, median %.1f ms, 99 of 100 within %.1f ms, slowest %.1f ms" % (len(took), took[len(took) // 2] * 1e3,
          took[len(took) * 99 // 100] * 1e3, took[-1] * 1e3), flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
f = s.makefile("rw")
while True:
    start = time.monotonic()
    f.write(json.dumps({"cmd": "alerts"}) + "\n")
    f.flush()
    assert json.loads(f.readline())["ok"]
    took.append(time.monotonic() - start)
    time.sleep(0.01)
' "/run/sameway/$LAB.sock"

out && back
all() { [ "$(flows ok)" -ge $((N * 99 / 100)) ]; }
check_within 20 "$N flows that are well" all
check "no alert" true_json '. == []' alerts
far_side_via_vpn
rounds=0
most() { [ "$(flows asymmetric)" -ge $((N * 95 / 100)) ]; }
until most || [ $rounds = 12 ]; do
	rounds=$((rounds + 1))
	out && back
	wait_for 2 most
done
check "nearly all of them asymmetric" most
echo "# in $rounds rounds; $(flows asymmetric) of them"
counted() {
	[ "$(j '[.[] | select(.verdict == "asymmetric")] | length' alerts)" = 1 ] &&
		[ "$(j '[.[] | select(.verdict == "asymmetric")][0].flows' alerts)" = "$(flows asymmetric)" ]
}
check_within 30 "one incident, that counts them all" counted
check_equal "it was opened once" "$(lines follow '"event":"open"')" 1
asked=$(cat "$RUN/ask.pid")
check "the daemon answered all the while" kill -0 "$asked"
kill "$asked"
check_within 5 "and says how fast" lines_reach ask answers 1
echo "# $(tail -n 1 "$RUN/ask.log")"
check "none took 2,000 times the median" eval "awk '{ exit !(\$13 < 2000 * \$4) }' '$RUN/ask.log'"
first=$(lines follow '"event":"update"')
sleep_until=$(($(now_ms) + 15000))
wait_for 20 eval "[ \$(now_ms) -ge $sleep_until ]"
check_at_most "updates in 15 s: calm" $(($(lines follow '"event":"update"') - first)) 4
check "no event was lost" true_json '.alerts.lost == 0 and .alerts.open == 1' status
cpu() { awk '{ print ($14 + $15) * 10 }' "/proc/$(pgrep -P "$(cat "$RUN/sameway.pid")" 2>/dev/null || cat "$RUN/sameway.pid")/stat"; }
before=$(cpu)
sleep_until=$(($(now_ms) + 5000))
wait_for 20 eval "[ \$(now_ms) -ge $sleep_until ]"
echo "# CPU time of the daemon, with $N flows on an incident: $((($(cpu) - before) / 5)) ms a second"
done_testing
