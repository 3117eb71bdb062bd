#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The bmp feed with two real routers at once, FRR and gobgpd: what sameway has is what they print, through a random story of
# routes, sessions, links and daemons; sessions that end, streams that are none, who may connect.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/bmp.sh
. "$(dirname "$0")/bmp.sh"

start_sameway() { background edge sameway "$SAMEWAY" -i "$LAB" run -c "$RUN/sameway.yaml"; }
# What the story does to a daemon: test_bmp.sh hook kill|start frr|go|sameway
if [ "${1:-}" = hook ]; then
	trap - EXIT
	case "$2 $3" in
	'kill frr') end_background frr-bgpd KILL ;;
	'kill go') end_background gobgpd KILL ;;
	'kill sameway') end_background sameway KILL ;;
	'start frr') start_frr ;;
	'start go') start_gobgp ;;
	'start sameway')
		start_sameway
		# gobgpd sees that we were gone when it has something to say, and that twice
		wait_for 10 eval "in_ns edge ss -Htln 'sport = :11019' | grep -q ."
		for _ in 1 2 3; do go global rib add 10.2.30.0/25 && go global rib del 10.2.30.0/25; done
		;;
	esac
	exit
fi
for tool in $FRR/bgpd gobgpd gobgp; do
	command -v "$tool" >/dev/null && continue
	skip "routers feed sameway by BMP" "$tool: install frr and gobgpd (./scripts/deps)"
	done_testing
done
STEPS=8
[ "${SAMEWAY_LONG:-0}" = 0 ] || STEPS=200
SEED=${SEED:-$((RANDOM * 32768 + RANDOM))}

bmp_up >&2 || {
	fail "the lab comes up with FRR and gobgpd" "see above"
	done_testing
}
bmp_config
start_sameway
export LAB RUN SAMEWAY STEPS SEED SLOW=${LAB_SLOW:-1} HOOK=$0
/usr/bin/python3 "$(dirname "$0")/bmp_story.py" >"$RUN/story" 2>&1
rc=$?
cat "$RUN/story" >&2
check_equal "a story of $STEPS steps, seed $SEED: sameway has what FRR and gobgpd have" $rc 0 || tail -n 40 "$RUN/sameway.log" >&2
check_within 40 "the cold start is over" true_json '.waiting == []' status
check "nothing was refused, all candidates are seen" true_json '.feeds[0] | .state == "up" and .sees == "all" and .errors == 0' status
# gobgpd, woken by a route that comes and goes, may leave one of its own besides
check "what FRR originates is own" true_json 'any(.[0].candidates[]; .as_path == []) and all(.[0].candidates[]; .path == null)' routes 10.2.30.0/25

# sessions SITE [WORD]: all of them, with the word in each
sessions() {
	local name
	for name in frr4 go4 frr6 go6; do echo "${2:-}" >"$RUN/$1.$name"; done
	birdc -s "$RUN/$1.ctl" configure >/dev/null
}
er_is() { true_json ".[] | select(.name == \"er\") | .usable == $1 and (.reasons | index(\"peer-down\") != null) != $1" paths; }
established() { [ "$(birdc -s "$RUN/msee.ctl" show protocols | grep -c Established)" = 4 ]; }
sessions msee
check_within 40 "all sessions of ExpressRoute are up" established
check_within 5 "it is usable" er_is true
sessions msee 'disabled;'
check_within 10 "all of them down: it is not, for peer-down" er_is false
sessions msee
check_within 40 "one is back: it is" er_is true

# Who else connects: a stranger, and something on gobgpd's address that is no BMP.
# say SITE ADDRESS BYTES: what printf makes of them; back when the other side has closed
say() {
	in_ns "$1" timeout 10 bash -c "exec 3<>/dev/tcp/$2/11019 && { printf '$3' >&3; cat <&3 >/dev/null; }"
}
errors() { j '.feeds[0].errors' status; }
n=$(errors)
check "a stranger's connection is closed" say lan 10.2.30.3 ''
# (not in the log: it takes ten lines of a feed in ten seconds, and the sessions before had theirs)
check "and told" true_json '.feeds[0].last_error | test("connection from 10.2.30.10 refused")' status
check "so is one that does not speak BMP" say edge 127.0.0.1 'GET / HTTP/1.0\r\n'
check "and told, too" true_json '.feeds[0].last_error | test("router 127.0.0.1.*version 71 where 3 should be")' status
check_equal "both are counted" "$(errors)" $((n + 2))
check "both routers are as before" true_json '[.[].candidates[] | select(.stale)] == []' routes
done_testing
