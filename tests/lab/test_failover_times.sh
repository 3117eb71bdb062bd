#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# How long a steady stream of 1000 packets a second finds no path, by kind of failure, and what it loses: measured where packets
# pass, not asked of sameway. Two rounds of each, SAMEWAY_LONG=1: twenty, with 10 and with 100,000 prefixes. Printed; asserted is
# only what is no matter of the machine's speed: it moves each time, and a drain and a return lose nothing. (BFD: test_bfd.sh.)
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

ROUNDS=2 SIZES=10
[ "${SAMEWAY_LONG:-0}" = 0 ] || ROUNDS=20 SIZES='10 100000'
# BIRD's best is ExpressRoute: what were left to the kernel would follow the dead link.
export EDGE_VPN_PREF=50
lab_edge
export EDGE_FEED="{ name: router, type: bgp, listen: 127.0.0.2:1790, as: 65021, router-id: 10.2.30.250, peers: [127.0.0.1] }
  - { name: more, type: jsonl, file: more.jsonl }"

# more COUNT: so many prefixes more, by both paths
more() {
	awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) for (p = 0; p < 2; p++)
		printf "{\"op\":\"announce\",\"prefix\":\"%d.%d.%d.0/24\",\"path\":\"%s\"}\n", 20 + int(i / 65536), int(i / 256) % 256, i % 256, p ? "vpn30" : "er1-primary"
		print "{\"op\":\"end-of-rib\"}" }' >"$RUN/more.jsonl"
}
usable() { true_json '.[0].usable' paths; }
# The ping's answers end failback-delay, which each failure here would double.
by_er() { [ "$(moved edge er0 tx sleep 0.05)" -ge 20 ]; }
by_vpn() { [ "$(moved edge tun30 tx sleep 0.05)" -ge 20 ]; }
# A silent cut: the link stays up, nothing passes it either way.
silent_cut() {
	in_ns msee nft 'add table inet cut; add chain inet cut in { type filter hook prerouting priority -300; }; add rule inet cut in iifname ce0 drop
		add chain inet cut out { type filter hook postrouting priority 300; }; add rule inet cut out oifname ce0 drop'
}
silent_restore() { in_ns msee nft delete table inet cut; }
# event KIND OLD NEW ...: now, of several kinds at once
event() {
	local now=${EPOCHREALTIME/./}000
	while [ $# -gt 0 ]; do
		echo "$1 $now $2 $3" >>"$RUN/events"
		shift 3
	done
}
# round KIND FROM CUT RESTORE BACK-KIND: FROM: - (from the event) or er (from the last packet by it)
round() {
	event "$1" "$2" vpn
	"$3" || return 1
	wait_for 30 by_vpn || return 1
	sleep 0.5 # some packets of the new state
	event "$5" vpn er "$5-from-repair" - er
	"$4" || return 1
	wait_for 60 by_er && wait_for 30 edge_wait_converged 30
}
drain() { s path er1-primary drain >/dev/null 2>&1; }
undrain() { s path er1-primary undrain >/dev/null; }

# times KIND N: of the last measurement, its N-th figure
figure() { awk -v kind="$1" -v n="$2" '$1 == kind { print $(n + 1) }' "$RUN/times"; }

# measure SIZE
measure() {
	local kind i bad=0
	: >"$RUN/events"
	stream_start
	background lan ping ping -i 0.05 -W 1 $CLOUD4
	wait_for 10 by_er
	for ((i = 0; i < ROUNDS; i++)); do
		round drain er drain undrain undrain || bad=1
		round link-loss er er_cut er_restore failback || bad=1
		round bgp-hold - silent_cut silent_restore failback-silent || bad=1
	done
	check_equal "$1 prefixes: each round ends where it began" $bad 0
	for kind in stream ping at-er at-vpn at-cloud sink; do end_background $kind; done
	"$steady" times "$RUN/events" "$RUN/at-cloud.log" er="$RUN/at-er.log" vpn="$RUN/at-vpn.log" >"$RUN/times"
	echo "# $1 prefixes, load $(cut -d' ' -f1 /proc/loadavg): kind, rounds, moved, median ms, worst ms, lost, lost at worst"
	sed 's/^/#   /' "$RUN/times"
	for kind in drain undrain link-loss failback bgp-hold failback-silent; do
		check_equal "$1 prefixes, $kind: moves each time" "$(figure $kind 2)" "$ROUNDS"
	done
	for kind in drain undrain failback failback-silent; do
		check_equal "$1 prefixes, $kind: loses nothing" "$(figure $kind 5)" 0
	done
	check_at_most "$1 prefixes, bgp-hold: within its hold time and the time to say it" "$(printf '%.0f' "$(figure bgp-hold 4)")" $((6000 * ${LAB_SLOW:-1}))
}

for size in $SIZES; do
	more "$size"
	edge_config enforce
	sameway_start || done_testing
	measure "$size"
	sameway_stop
	s detach >/dev/null
done
done_testing
