#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Interfaces that come and go at random under ping and TCP in enforce (12 s; five minutes with --long): afterwards all is as it was,
# and nothing has piled up. SAMEWAY_SEED repeats a run.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/churn.sh
. "$(dirname "$0")/churn.sh"

seconds=12
[ "${SAMEWAY_LONG:-0}" = 0 ] || seconds=300
seed=${SAMEWAY_SEED:-$((${EPOCHREALTIME/./} % 32768))}
echo "# seed $seed"

rss() { awk '/^VmRSS/ { print $2 }' "/proc/$(cat "$RUN/sameway.pid")/status"; }
# pause: up to 0.6 s; mostly shorter than what is going on takes
pause() { read -rt "0.$((RANDOM % 6))" <> <(:) || :; }
restore() {
	for d in er0 tun30 lan0; do
		there "was-$d" >/dev/null 2>&1 && edge_link set "was-$d" name "$d"
		there "$d" >/dev/null 2>&1 || "make_$d"
		edge_link set "$d" up
	done 2>/dev/null
	tun30_addresses
	edge_link set tun30 mtu 1400
	edge_link set er0 mtu 1500
	edge_link set lan0 mtu 1500
	ip -n "$LAB-msee" link set ce0 up
	ip -n "$LAB-lan" link set eth0 up
	ip -n "$LAB-lan" route replace default via 10.2.30.3
	ip -n "$LAB-lan" -6 route replace default via fd00:2:30::3
}
act() {
	local d=$1
	case $2 in
	0) if there "$d"; then "delete_$d"; elif ! there "was-$d"; then "make_$d"; fi ;;
	1) if there "$d"; then edge_link set "$d" name "was-$d"; else edge_link set "was-$d" name "$d"; fi ;;
	2) edge_link set "$d" down && pause && edge_link set "$d" up ;;
	3) edge_link set "$d" mtu $((1280 + RANDOM % 120)) ;;
	4) restore ;;
	5) [ "$d" != er0 ] || { er_cut && pause && er_restore; } ;;
	esac
}

lab_start enforce
in_ns edge sysctl -qw net.ipv4.conf.all.rp_filter=0
background lan ping ping -q -i 0.02 -c 100000 -W 1 $CLOUD4
background lan branch ping -q -i 0.02 -c 100000 -W 1 $BRANCH4
background cloud echo /usr/bin/python3 "$ROOT/tests/lab/transfer.py" serve $SPOKE4 7000
# shellcheck disable=SC2016
background lan tcp bash -c 'while :; do timeout 5 /usr/bin/python3 "$0" send "$1" 7000 1 >/dev/null 2>&1; read -rt 0.1 <> <(:); done' \
	"$ROOT/tests/lab/transfer.py" $SPOKE4
check_within 10 "before: hooks whole, by policy" settled
churn_begin
before=$(doctor_result) rss_before=$(rss)

RANDOM=$seed acts=0
end=$(($(now_ms) + seconds * 1000))
while [ "$(now_ms)" -lt $end ]; do
	devices=(er0 tun30 lan0)
	d=${devices[RANDOM % 3]} what=$((RANDOM % 6))
	echo "$(now_ms) $d $what" >>"$RUN/acts"
	act "$d" "$what" >>"$RUN/acts" 2>&1
	acts=$((acts + 1))
	pause
done
restore >>"$RUN/acts" 2>&1
echo "# $acts acts"
check_within 30 "in the end: hooks whole, by policy" settled || s -j status
# (what was lost under a redirect is a finding for a minute)
check_within 80 "doctor says what it said before" eval '[ "$(doctor_result)" = "$before" ]' ||
	diff <(jq -c '.[]' <<<"$before") <(doctor_result | jq -c '.[]')
clean() { s -j doctor -c "$RUN/sameway.yaml" | jq -e 'all(.[]; .ok)'; }
[ "$seconds" -lt 300 ] || check_within 20 "doctor is clean" clean || s doctor -c "$RUN/sameway.yaml"
for job in tcp ping branch echo; do end_background "$job"; done
# every packet that an interface received has one reason, also on the devices made anew
rows() { j "[.reasons[] | select(.interface == \"$1\") | .packets] | add" counters; }
for d in er0 lan0; do
	base=$(($(packets edge $d rx) - $(rows "$d")))
	adds_up() { local low got; low=$(packets edge "$d" rx) got=$(rows "$d"); [ $((got + base - low)) -ge -3 ] && [ $((got + base - low)) -le 20 ]; }
	ping_lost 100 0.005 $CLOUD4 >/dev/null
	check_within 5 "$d: its rows grow as its packets do" adds_up
done
check_at_most "the daemon has not grown, KiB" $(($(rss) - rss_before)) 2048
churn_end
done_testing
