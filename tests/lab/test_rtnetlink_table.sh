#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A large table of the kernel followed by feed rtnetlink on a live edge: loaded, changed at random, by `protocol`, always what
# `ip route` says; and routes that lead nowhere. SAMEWAY_LONG=1: 200,000 routes, else 20,000.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/small.sh
. "$(dirname "$0")/small.sh"

n=20000
[ "${SAMEWAY_LONG:-0}" = 0 ] || n=200000
SEED=${SEED:-$RANDOM}
echo "# SEED=$SEED" >&2

batch() { ip -n "$LAB-edge" -force -batch - >/dev/null 2>&1; }
# table VERB COUNT: routes of table 100, BIRD's and others', by either of the gateway's two addresses
table() {
	awk -v verb="$1" -v count="$2" -v n=$n -v seed="$SEED" 'BEGIN { srand(seed)
		for (i = 0; i < count; i++) {
			k = verb == "add" ? i : int(rand() * n); v = verb == "add" ? verb : rand() < 0.5 ? "replace" : "del"
			printf "route %s 1%d.%d.%d.0/24 table 100 proto %s via 192.168.30.18 dev er0\n", v, k / 65536, k / 256 % 256, k % 256,
				rand() < 0.7 ? "bird" : "bgp" } }'
}
kernel() { ip -n "$LAB-edge" route show table 100 proto bird | awk '$1 != "blackhole" { print $1 }' | sort; }
ours() { j '.[].prefix' routes | sort; }
equal() { cmp <(kernel) <(ours); }

small_up >&2 || done_testing
small_config monitor tc
sed -i 's/^feeds:.*/feeds: [{ name: k, type: rtnetlink, table: 100, protocol: [bird] }]/' "$RUN/sameway.yaml"
check "sameway runs" sameway_start || done_testing
table add $n | batch
check_at_least "the table is there" "$(kernel | wc -l)" $((n / 2))
check_within 30 "loaded while it runs: what ip route says, of this protocol" equal
for round in 1 2 3; do
	SEED=$((SEED + 1))
	table change 3000 | batch
	check_within 20 "random changes, round $round" equal
done
ip -n "$LAB-edge" route add blackhole 10.99.0.0/16 table 100 proto bird
ip -n "$LAB-edge" route add unreachable 10.98.0.0/16 table 100 proto bgp
check_within 5 "a blackhole of the protocol is counted" true_json '.feeds[0].no_way == 1' status
check "and is no candidate" true_json '. == []' routes 10.99.0.0/16
ip -n "$LAB-edge" link set er0 down
check_within 20 "the link falls, the kernel flushes without a word" equal
check "nothing is left" true_json '. == []' routes
check "no errors" true_json '.feeds[0].errors == 0' status
done_testing
