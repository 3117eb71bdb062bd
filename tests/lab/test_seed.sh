#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# scripts/lab: the network of Azure's article. Who reaches whom by what, at the wire, in steady state and after each failure;
# sameway at both edges says the same; random failures and repairs (100 with --long, 5 else; SAMEWAY_SEED repeats them); down
# leaves nothing; two labs at once do not meet.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/seed.sh
. "$(dirname "$0")/seed.sh"

seed=${SAMEWAY_SEED:-$((${EPOCHREALTIME/./} % 32768))}
echo "# seed $seed, lab $NAME"
RANDOM=$seed
rounds=5
[ "${SAMEWAY_LONG:-0}" = 0 ] || rounds=100

seed_up --fast
pids=$(cat "$SEEDRUN"/sameway-*.pid)

# What is asked wrongly changes nothing
refused() { # EXIT-STATUS WORDS COMMAND...
	local out
	out=$("${@:3}" 2>&1)
	[ $? = "$1" ] && [[ $out == *"$2"* ]] && return
	echo "$out"
	return 1
}
check "up again is refused" refused 1 "is there already" lab up
check "an unknown failure" refused 2 "er1-link, er1-circuit, er2-circuit, vpn" lab fail er3
check "an unknown site" refused 2 "no such site" lab exec nowhere true
check "a word too many for matrix" refused 2 "-j x" lab matrix -j x
check "and for status" refused 2 "-j x" lab status -j x
check "a lab that is not up" refused 1 "no lab" "$LABTOOL" matrix --name nosuch
check "doctor has nothing to say at Location 1" lab exec ce1 'sameway doctor'
check_within 10 "audit: all pairs of Location 1, each the same way back" true_at ce1 'length == 4 and all(.[]; .verdict == "ok")' audit
check_within 10 "and of Location 2" true_at ce2 'length == 2 and all(.[]; .verdict == "ok")' audit

# Steady state: 20 s of pings, to and from each that Location 1 reaches, and TCP from Location 2
pings() {
	local dst
	for dst in hub spoke branch remote; do
		lab exec loc1 "ping -q -i 0.1 -w 20 ${HOST[$dst]}" >/dev/null &
		lab exec $dst "ping -q -i 0.1 -w 20 ${HOST[loc1]}" >/dev/null &
	done
}
check "steady: as documented" as_documented steady
check "flows at Location 1 are what the wire has" flows_agree ce1 loc1
check "flows at Location 2 too" flows_agree ce2 loc2
check "BFD is up at Location 1, in its two tags" true_at ce1 '.[0].bfd.state == "up"' paths
check "and on both connections at Location 2" true_at ce2 'map(.bfd.state) == ["up", "up"]' paths
background_pings=()
pings
mapfile -t background_pings < <(jobs -p)
lab exec hub 'iperf3 -s -1 >/dev/null' &
wait_for 5 eval "lab exec hub 'ss -Htln sport = :5201' | grep -q ."
check "TCP from Location 2" lab exec loc2 "timeout 20 iperf3 -c ${HOST[hub]} -P 16 -t 2 -b 1M"
check "out by one connection, back by the other: benign-ecmp" true_at ce2 'any(.[]; .verdict == "benign-ecmp")' flows
check "and nothing else but ok" true_at ce2 'all(.[]; .verdict | IN("ok", "benign-ecmp", "pending"))' flows

# Hops, as the article has them; * is one that did not answer there. Its Location 2 has two edges, of which the lab's one
# plays both, and which connection a flow takes is a hash's choice.
hops() { # WANT, of a trace's output
	local got
	got=$(awk 'NR > 1 { print $2 }' | tr '\n' ' ')
	[[ $got =~ ^$1\ $ ]] && return
	echo "$got"
	return 1
}
any='[0-9.*]+'
mapfile -t traces <<-'HOPS'
	hub spoke 10.11.30.4
	hub branch 10.10.30.142 * 10.11.30.68
	hub loc1 10.10.30.132 * * 10.2.30.10
	hub loc2 10.10.30.13[45] * * 10.1.31.10
	hub remote 10.10.30.13[23] * 10.17.30.4
	spoke hub 10.10.30.4
	spoke branch 10.10.30.142 * 10.11.30.68
	spoke loc1 10.10.30.132 * * 10.2.30.10
	spoke remote 10.10.30.13[23] * 10.17.30.4
	branch hub 10.11.30.100 * 10.10.30.4
	branch spoke 10.11.30.100 * 10.11.30.4
	branch loc1 10.11.30.100 * 10.2.30.125 * 10.2.30.10
	loc1 hub 10.2.30.3 192.168.30.0 192.168.30.18 * 10.10.30.4
	loc1 spoke 10.2.30.3 192.168.30.0 192.168.30.18 * 10.11.30.4
	loc1 branch 10.2.30.3 192.168.30.0 10.11.30.68
	loc1 remote 10.2.30.3 192.168.30.0 192.168.30.18 * 10.17.30.4
	loc2 hub 10.1.31.3 192.168.31.0 192.168.31.(18|22) * 10.10.30.4
	loc2 spoke 10.1.31.3 192.168.31.0 192.168.31.(18|22) * 10.11.30.4
	remote hub 10.17.30.3[67] * 10.10.30.4
	remote spoke 10.17.30.3[67] * 10.11.30.4
	remote loc1 10.17.30.36 * * 10.2.30.10
HOPS
# some at a time: what they do is wait for routers that don't answer
tracers=()
for trace in "${traces[@]}"; do
	read -r src dst want <<<"$trace"
	lab trace "$src" "$dst" >"$SEEDRUN/trace-$src-$dst" &
	tracers+=($!)
	[ $((${#tracers[@]} % 7)) != 0 ] || wait "${tracers[@]}"
done
for trace in "${traces[@]}"; do
	read -r src dst want <<<"$trace"
	check "trace $src $dst" hops "${want//\*/$any}" <"$SEEDRUN/trace-$src-$dst"
done
wait "${background_pings[@]}"
check "steady state raised nothing at Location 1" true_at ce1 '. == []' alerts --all
check "nor at Location 2" true_at ce2 '. == []' alerts --all

# Each failure alone, and back
# alert EDGE VERDICT CAUSE
alert() { true_at "$1" "any(.[]; .verdict == \"$2\" and (.cause | test(\"$3\")))" alerts; }
meanwhile() {
	case $1 in
	er1-link)
		check "paths: er1-primary has no link" true_at ce1 '.[0].usable == false and .[0].reasons[0] == "interface-down" and .[1].usable' paths
		check_within 5 "alerts: failover, link-down" alert ce1 failover link-down
		check "trace loc1 hub: by the tunnel, no edge router of Microsoft's" hops "10.2.30.3 192.168.30.0 10.10.30.4" < <(lab trace loc1 hub)
		;;
	er1-circuit)
		check_within 5 "alerts: no-backup, bgp-down; the failover before is still open" alert ce1 no-backup '^b[gf][pd]-down$'
		;;
	er2-circuit)
		check "flows at Location 2 are none" flows_agree ce2 loc2
		check "Location 1 has its path" true_at ce1 'all(.[]; .usable)' paths
		;;
	esac
}
tour er1-link er1-circuit er2-circuit

# Random failures and repairs. The oracle knows the set of failures, nothing else.
declare -A down=()
oracle() {
	awk -F, -v one="${down[er1-link]:-0}" -v circuit="${down[er1-circuit]:-0}" -v two="${down[er2-circuit]:-0}" -v vpn="${down[vpn]:-0}" '
		NR > 1 {
			class = $3; loc1 = $1 == "loc1" || $2 == "loc1"
			if (circuit) class = $6; else if (one) class = $5
			if (two && $7 == "NONE") class = "NONE"
			if (vpn && loc1 && class == "VPN") class = "NONE"
			print $1 "," $2 "," class
		}' "$ROOT/tests/lab/seed_matrix.csv"
}
oracle_has() {
	lab matrix -j >"$SEEDRUN/now"
	diff <(jq -r '.[] | [.src, .dst, .class] | join(",")' "$SEEDRUN/now" | sort) <(oracle | sort)
}
as_oracle() { wait_for 10 oracle_has || oracle_has; }
story='' bad=0
for ((i = 0; i < rounds; i++)); do
	whats=(er1-link er1-circuit er2-circuit vpn)
	what=${whats[RANDOM % 4]}
	if [ "${down[$what]:-0}" = 1 ]; then verb=restore down[$what]=0; else verb=fail down[$what]=1; fi
	story+=" $verb-$what"
	if ! { lab $verb "$what" && as_oracle; } >"$SEEDRUN/why" 2>&1; then
		fail "after$story: the oracle's matrix" "$(tail -n 3 "$SEEDRUN/why" | tr '\n' ' ')"
		bad=1
		break
	fi
done
[ $bad = 1 ] || pass "random failures and repairs: the oracle's matrix after each of $rounds"
echo "#$story"
for what in er1-link er1-circuit er2-circuit vpn; do
	[ "${down[$what]:-0}" = 0 ] || check "restore $what" lab restore "$what"
	down[$what]=0
done
check "all repaired: the oracle's matrix" as_oracle

# While incidents have their time to close: another lab beside this one
first=$NAME other=u${NAME#t}
LABS+=("$other")
NAME=$other
check "another lab comes up beside it" lab up --fast
check "a failure there" lab fail er1-circuit
NAME=$first
check "is none here" as_documented steady
NAME=$other
check "its down" lab down
NAME=$first
check "leaves none of it" nothing_left "$other"
check "this one is as before" as_documented steady

# A path that failed three times in five minutes is said to flap for five more, and its failovers stay open: only --long waits.
settled='all(.[]; .verdict | IN("failover", "flapping"))'
[ $rounds = 5 ] || settled='. == []'
check_within $((rounds * 4 + 40)) "no incident is left open at Location 1 that should not" true_at ce1 "$settled" alerts
check_within $((rounds * 4 + 40)) "nor at Location 2" true_at ce2 "$settled" alerts
check "and flows are well" true_at ce1 'all(.[] | select(.idle_s < 2); .verdict | IN("ok", "pending"))' flows
check "sameway ran all the time" eval "[ \"\$(cat $SEEDRUN/sameway-*.pid)\" = '$pids' ] && kill -0 ${pids//$'\n'/ }"

all=$(for site in hub ce1 ce2 vpngw az1; do ip netns pids "$NAME-$site"; done)
check "down" lab down
check "no namespace, pin or file is left" nothing_left "$NAME"
check "nor a process" eval "! kill -0 ${all//$'\n'/ } 2>/dev/null"
done_testing
