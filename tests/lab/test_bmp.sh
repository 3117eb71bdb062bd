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
STEPS=12
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
done_testing
