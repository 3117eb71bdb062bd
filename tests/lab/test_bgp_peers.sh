#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Five routing daemons feed one sameway over BGP at once: what it holds of each is what that daemon's own command prints,
# candidate by candidate, after every step of a random story. All sessions are signed (TCP MD5).
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/routers.sh
. "$(dirname "$0")/routers.sh"

for tool in bird gobgpd gobgp exabgp bgpd bgpctl $FRR/bgpd; do
	command -v "$tool" >/dev/null || {
		skip "routing daemons feed sameway" "$tool: run ./scripts/deps"
		done_testing
	}
done
SEED=${SEED:-$RANDOM}
echo "# SEED=$SEED"
STEPS=10
[ "${SAMEWAY_LONG:-0}" = 0 ] || STEPS=200
PREFIXES='10.100.0.0/16 10.100.1.0/24 10.100.2.0/24 10.100.3.0/25 10.100.4.4/32 10.0.0.0/8 0.0.0.0/0 10.101.0.0/17
	fd00:100::/32 fd00:100:1::/48 fd00:100:2::7/128 fd00:100:3:4::/63'

feed() { # NAME ADDRESS PEER [MORE]
	echo "  - { name: $1, type: bgp, listen: \"$2:1790\", as: 65021, router-id: 10.255.0.100, peers: [$3], password: \"$SECRET\"${4:-} }"
}
config() {
	cat >"$RUN/sameway.yaml" <<-X
		mode: monitor
		paths:
		  - { name: er, class: expressroute, interface: er0, gateway: 192.168.30.18, gateway6: "fd00:192:168:30::2" }
		  - { name: vpn, class: vpn, interface: vp0, gateway: 192.168.40.18, gateway6: "fd00:192:168:40::2", encrypted: true }
		inside: [{ interface: lan0, networks: [10.2.30.0/25] }]
		feeds:
	X
	{
		feed bird 127.0.0.2 127.0.0.1 ', ttl-security: true'
		feed bird_best 127.0.0.8 127.0.0.1 ', ttl-security: true'
		feed frr $FRRMON 192.168.30.2 ', ttl-security: true'
		feed gobgp 127.0.0.4 127.0.0.14 ', ttl-security: true'
		feed openbgpd 127.0.0.5 127.0.0.15
		feed exabgp 127.0.0.6 127.0.0.16 ', ttl-security: true'
	} >>"$RUN/sameway.yaml"
}

# What sameway holds: FEED, then as the *_says, then whether it is stale, a line a candidate.
rib() {
	s -j routes | jq -r '.[] | .prefix as $p | .candidates[] |
		"\(.feed) \($p) \(.nexthop) \(.as_path | map(tostring) | join(",")) \(.local_pref) \(.stale)"'
}
ours() { sed -n "s/^$1 \(.*\) [a-z]*$/\1/p" | sort; } # FEED: its candidates in what rib wrote

# What each daemon ought to have of its neighbours, with ADD-PATH.
expected() {
	local key n nh
	for key in "${!has[@]}"; do
		n=${key% *} nh=192.168.${NET[${key% *}]}.18
		[[ $key != *:* ]] || nh=fd00:192:168:${NET[$n]}::2
		echo "${key#* } $nh ${NEIGHBOR_AS[$n]}$(prepends "${has[$key]}" | tr ' ' ,) 100"
	done | sort
}

# look: what the daemons and sameway say now, and in $differ who does not agree: the daemon with its neighbours, or sameway with it.
look() {
	local f says held want
	differ='' want=$(expected) held=$(rib)
	for f in $ROUTERS bird_best; do
		says=$("${f}_says" | sort)
		[ "$f" = bird_best ] || [ "$says" = "$want" ] ||
			differ+=" $f has not what it was told: $(diff <(echo "$want") <(echo "$says") | grep '^[<>]' | head -n 4 | tr '\n' ' ')"
		[ "$(ours "$f" <<<"$held")" = "$says" ] && ! grep -q "^$f .* true$" <<<"$held" ||
			differ+=" $f: $(diff <(echo "$says") <(ours "$f" <<<"$held") | grep '^[<>]' | head -n 4 | tr '\n' ' ')"
	done
	[ -z "$differ" ]
}
settle() { # NAME
	if wait_for 45 look; then
		pass "$1: sameway holds what each of the six sessions' daemons print"
	else
		fail "$1: sameway holds what each of the six sessions' daemons print" "$differ"
	fi
}

shuffle() { # some of what the neighbours announce
	local n prefix
	for n in er vpn; do
		for prefix in $PREFIXES; do
			case $((RANDOM % 6)) in
			0 | 1) has["$n $prefix"]=$((RANDOM % 3)) ;;
			2) unset "has[$n $prefix]" ;;
			esac
		done
	done
}
change() {
	local before
	before=$(printf '%s\n' "${!has[@]}")
	shuffle && far_apply && exabgp_set "$before"
}

# A session of a neighbour, or of the feed, begins anew.
restart_session() {
	local f=$1 i
	case $((RANDOM % 3)) in
	0)
		case $f in
		bird) birdc_at bird restart feed_all ;;
		frr) in_ns edge vtysh --vty_socket "$RUN/frr" -c "clear bgp $FRRMON" ;;
		gobgp) in_ns edge gobgp -u 127.0.0.14 neighbor 127.0.0.4 disable && in_ns edge gobgp -u 127.0.0.14 neighbor 127.0.0.4 enable ;;
		openbgpd) in_ns edge bgpctl -s "$RUN/openbgpd.sock" neighbor 127.0.0.5 clear ;;
		exabgp) echo 'teardown 6' >"$RUN/exabgp.in" ;;
		esac
		;;
	*)
		i=$(tr ' ' '\n' <<<"$ROUTERS" | grep -nx "$f" | cut -d: -f1)
		birdc_at far restart "*_$i"
		# OpenBGPD would wait for half a minute
		[ "$f" != openbgpd ] || for i in 192.168.{30,40}.18 fd00:192:168:{30,40}::2; do
			in_ns edge bgpctl -s "$RUN/openbgpd.sock" neighbor "$i" clear
		done
		;;
	esac >/dev/null
}

# The daemon is killed: what it said is kept, stale, until it has said all of it again.
kill_daemon() {
	local f=$1 name=$1 before
	[ "$f" != frr ] || name=frr-bgpd
	before=$(rib | ours "$f")
	end_background "$name" KILL
	check_within 10 "$2: $f killed: the feed is stale" true_json ".feeds[] | select(.name == \"$f\").state == \"stale\"" status
	check_equal "$2: and its routes are kept" "$(rib | ours "$f")" "$before"
	"${f}_start"
}

listens() { in_ns edge ss -Htln 'sport = :1790' | grep -q '127.0.0.5:1790'; }
sameway_run() {
	background edge sameway "$SAMEWAY" -i "$LAB" run -c "$RUN/sameway.yaml"
	# OpenBGPD would wait for half a minute
	wait_for 10 listens && in_ns edge bgpctl -s "$RUN/openbgpd.sock" neighbor 127.0.0.5 clear >/dev/null
}

# kill_amid NAME PROCESS COMMAND...: killed at a random point of a change, and started again by the command
kill_amid() {
	local killer writer before pid
	before=$(printf '%s\n' "${!has[@]}") pid=$(<"$RUN/$2.pid")
	(
		sleep "$(printf 0.%03d $((RANDOM % 600)))" # the random point, not a wait
		kill -KILL "$pid"
	) &
	killer=$!
	shuffle && far_apply
	exabgp_set "$before" & # blocks where exabgp is the one
	writer=$!
	wait $killer
	end_background "$2" KILL
	[ "$1" != exabgp ] || kill $writer 2>/dev/null
	wait $writer
	"${@:3}"
	settle "$1 killed amid a change"
}

# All that a restart must not change: candidates, answers, what is installed, what the programs say.
state() {
	local p from
	rib | sort
	s -j routes | jq -c '.[] | [.prefix, .tiers, .selected]'
	j '.routes | {prefixes4, prefixes6, candidates}' status
	for p in $PREFIXES; do
		from=10.2.30.10
		[[ $p != *:* ]] || from=fd00:2:30::10
		s -j explain "${p%/*}" from $from | jq -c '[.prefix, .path, .step, .tiers, .if_down]'
	done
}
all_installed() { # and nothing else
	local n
	n=$(j '[.[] | select(.tiers != [])] | length' routes) && [ "$n" = "$(j '.routes | .prefixes4 + .prefixes6' status)" ]
}

up() {
	local site f
	LAB=sw$(printf '%04x%04x' $RANDOM $RANDOM)
	RUN=$(mktemp -d "/tmp/$LAB.XXXXXX") && chmod 755 "$RUN" && : >"$RUN/pids" || return 1
	for site in $SITES; do make_site "$site" || return 1; done
	RANDOM=$SEED
	shuffle
	make_routers_links && far_start || return 1
	for f in $ROUTERS; do
		"${f}_start" || return 1
	done
	config
	sameway_run
}

up >&2 || {
	tail -n 5 "$RUN"/*.log >&2
	fail "the lab comes up" "see above"
	done_testing
}
check_within 30 "all feeds are up" true_json '[.feeds[].state] | all(. == "up")' status || {
	tail -n 5 "$RUN"/*.log >&2
	done_testing
}
check "ADD-PATH: all but one see all" true_json '[.feeds[] | select(.sees == "best").name] == ["bird_best"]' status
settle "at the start"
mapfile -t routers < <(tr ' ' '\n' <<<"$ROUTERS")
for ((step = 1; step <= STEPS; step++)); do
	f=${routers[RANDOM % 5]} what=$((step % 5 ? RANDOM % 7 : 7))
	case $what in
	0 | 1 | 2 | 3 | 4) what='changes' && change ;;
	5 | 6) what="a session of $f" && restart_session "$f" ;;
	7) what="$f killed" && kill_daemon "$f" "step $step" ;;
	esac
	settle "step $step, $what"
done
for f in "${routers[@]}"; do
	name=$f
	[ "$f" != frr ] || name=frr-bgpd
	kill_amid "$f" "$name" "${f}_start"
done
kill_amid sameway sameway sameway_run
check_within 20 "what is installed is what is in the table" all_installed
story=$(state)
sameway_stop
s detach >/dev/null
sameway_run
check_within 90 "a clean run: all feeds are up" true_json '[.feeds[].state] | all(. == "up")' status
settle "a clean run"
check_within 20 "what it installed is what is in the table" all_installed
check_equal "after all that the state was a clean run's" "$(diff <(echo "$story") <(state))" ''
check "no message was refused" true_json '[.feeds[].errors] | all(. == 0)' status
connects() { # FROM TO: a TCP connection without a signature
	in_ns edge /usr/bin/python3 -c 'import socket, sys; socket.create_connection((sys.argv[2], 1790), 1, (sys.argv[1], 0))' "$@"
}
check "who does not sign is not let in" eval '! connects 127.0.0.15 127.0.0.5'
check "a stranger is, to be refused by name" connects 127.0.0.99 127.0.0.5
check "and told" lines_reach sameway 'connection from 127.0.0.99 refused: add it' 1
done_testing
