#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sameway-bench still measures: each command on little, every row there and not 0; what is wrong with a call is said; killed, it
# leaves nothing. (What it measures is nobody's test.)
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

BENCH=build/sameway-bench
RUN=$(mktemp -d /tmp/swbench.XXXXXX)
pid=''
cleanup() {
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
	rm -rf "$RUN"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# table NAME ROWS ARGUMENT...: exits 0 with so many rows of figures, none of them 0 but what may be: a difference is less than
# nothing on a bad day
table() {
	local name=$1 rows=$2 got
	shift 2
	if ! "$BENCH" "$@" >"$RUN/out" 2>"$RUN/err"; then
		fail "$name" "$(tail -n 1 "$RUN/err")"
		return
	fi
	got=$(grep -cE '^\|.*\| -?[0-9.]+ \|' "$RUN/out")
	if grep -E '\| (0|0\.0|-?nan|inf) \|' "$RUN/out" | grep -qvE 'generator|bare redirect|verdict is due'; then
		fail "$name" "$(grep -m 1 -E '\| (0|0\.0|-?nan|inf) \|' "$RUN/out")"
	else
		check_equal "$name: rows" "$got" "$rows"
	fi
}
# refused NAME STATUS PATTERN ARGUMENT...
refused() {
	local name=$1 status=$2 pattern=$3 rc
	shift 3
	"$BENCH" "$@" >"$RUN/out" 2>"$RUN/err"
	rc=$?
	if [ "$rc" = "$status" ] && grep -q "$pattern" "$RUN/err"; then
		pass "$name"
	else
		fail "$name" "exit status $rc, $(tail -n 1 "$RUN/err")"
	fi
}

table 'forward' 11 forward -n 1 -s 0.02 -f 256 -r 1000 -o noflow,tc,marks,monitor,fib,lpm,kernel,conntrack
table 'stages' 23 stages -n 1 -f 256 -r 1000
table 'flows' 8 flows -n 1 -f 4k -r 1000
table 'failover' 6 failover -n 3 -r 1000
check 'stages as JSON' eval "'$BENCH' stages -j -n 1 -f 256 -r 1000 | jq -e '.\"256\" | length >= 12 and all(.[]; type == \"number\")'"
refused 'no such command' 2 'COMMAND' nonsense
refused 'flows that are no power of two' 1 'a power of two' forward -f 1000
refused 'cached peers that nobody measured' 1 'make bench-peers' forward -c -n 1 -s 0.02 -f 256 -P "$RUN/none"

"$BENCH" forward -n 9 -f 256 -r 1000 >"$RUN/out" 2>&1 &
pid=$!
in_bench() { nsenter --mount="/proc/$pid/ns/mnt" test -e /sys/fs/bpf/sameway/bench/ctl; }
check_within 30 'it runs' in_bench
check 'its pins are its own' test ! -e /sys/fs/bpf/sameway/bench
pinned=$(nsenter --mount="/proc/$pid/ns/mnt" bpftool -j map show pinned /sys/fs/bpf/sameway/bench/ctl | jq .id)
kill -KILL "$pid"
wait "$pid" 2>/dev/null
gone() { ! bpftool map show id "$1" >/dev/null 2>&1; }
check_within 30 'killed, its maps are gone' gone "$pinned"
pid=''
done_testing
