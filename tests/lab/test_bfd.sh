#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# BFD, real BIRD at both ends, 300 ms x 3: ExpressRoute is cut without a word, both ways, and in the same moment every process of
# the edge is stopped, sameway and BIRD: the kernel alone moves the traffic. What paths and incidents say of it; AdminDown; the
# way back. SAMEWAY_LONG=1: 20 cuts, else 3.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

CUTS=$([ "${SAMEWAY_LONG:-}" = 1 ] && echo 20 || echo 3)

# with_bfd SESSION...: BIRD's config, with BFD in these sessions
with_bfd() {
	local script='' session
	for session; do script+="s/protocol bgp $session { /&bfd on; /;"; done
	sed "$script"
	echo 'protocol bfd { interface "*" { interval 300 ms; multiplier 3; idle tx interval 1 s; }; }'
}
eval "$(declare -f bird_edge | sed '1s/bird_edge/plain_edge/')"
eval "$(declare -f bird_msee | sed '1s/bird_msee/plain_msee/')"
bird_edge() { plain_edge | with_bfd ER1 ER1v6; }
bird_msee() { plain_msee | with_bfd CE CEv6; }

bfd_config() {
	edge_config enforce 60s
	sed -i 's/as: 12076 }/as: 12076, bfd: true }/' "$RUN/sameway.yaml"
}

# The link stays up and carries nothing, in either direction.
silent_cut() {
	in_ns msee nft -f - <<-X
		table netdev cut {
			chain in { type filter hook ingress device ce0 priority -500; policy drop; }
			chain out { type filter hook egress device ce0 priority -500; policy drop; }
		}
	X
}
silent_end() { in_ns msee nft delete table netdev cut; }

edge_stopped() {
	local name
	for name in sameway bird-edge; do kill "-$1" "$(cat "$RUN/$name.pid")"; done
}

healthy() { true_json 'all(.[]; .usable) and .[0].name == "er1-primary"' paths; }
bfd_up() { true_json '.[0].bfd.state == "up" and ([.[0].bfd.sessions[] | select(.armed and .own == "up" and .detect_ms < 1000)] | length) == 2' paths; }
# The ping: answers that come by ExpressRoute end what holds it back, which doubles with each cut.
all_well() {
	in_ns lan ping -q -c 1 -W 1 "$CLOUD4"
	healthy && bfd_up && edge_converged
}
by_er() { [ "$(moved edge er0 tx ping_lost 20 0.01 "$CLOUD4")" -ge 20 ]; }

# first_by_vpn MICROSECONDS: ms from then to the first packet of the ping that left by the VPN; empty: none yet
first_by_vpn() {
	awk -v from="$1" '{ t = $1 * 1000000 } t >= from { printf "%d", (t - from) / 1000; exit }' "$RUN/wire.log"
}

# cut_frozen: one cut with the edge's processes stopped; the figure, in ms
cut_frozen() {
	local from ms=''
	background edge wire tcpdump -nn -tt -l --immediate-mode -i tun30 icmp and dst host "$CLOUD4"
	background lan ping ping -q -i 0.005 -W 1 "$CLOUD4"
	wait_for 5 grep -q 'listening on' "$RUN/wire.log"
	sleep "0.$((RANDOM % 300 + 100))" # anywhere between two of the far side's packets
	from=${EPOCHREALTIME/./}
	silent_cut
	edge_stopped STOP
	wait_for 5 eval '[ -n "$(first_by_vpn '"$from"')" ]'
	ms=$(first_by_vpn "$from")
	end_background ping INT
	end_background wire INT
	silent_end
	edge_stopped CONT
	echo "$ms"
}

if ! { edge_up >&2 && edge_wait_converged 20 && warm_up && bfd_config && sameway_start; }; then
	fail "sameway runs on an edge with BFD" "see above"
	done_testing
fi
check_within 20 "both families' sessions are up and armed, ours learned, 300 ms x 3" bfd_up
check "their interval is 300 ms" true_json '[.[0].bfd.sessions[].interval_ms] == [300, 300]' paths
check "the VPN has none" true_json '.[1].bfd == null' paths
check "nothing is refused" true_json '.[0].bfd.refused == {malformed: 0, ttl: 0, source: 0, session: 0}' paths
check "doctor has nothing against it" eval 's -j doctor -c "$RUN/sameway.yaml" | jq -e "[.[] | select(.check == \"bfd\" and (.ok | not))] == []"'

figures=()
for ((i = 1; i <= CUTS; i++)); do
	wait_for 40 all_well || break
	ms=$(cut_frozen)
	figures+=("${ms:-none}")
	check_at_most "cut $i, userspace stopped: ms to the first packet by VPN" "${ms:-none}" 3000
	check_within 5 "paths says so" true_json '.[0].usable == false or .[0].bfd.sessions[0].misses + .[0].bfd.sessions[1].misses >= '"$i" paths
	wait_for 40 all_well
done
mapfile -t sorted < <(printf '%s\n' "${figures[@]}" | sort -n)
echo "# silent cut, userspace stopped, 300 ms x 3: median ${sorted[$((${#sorted[@]} / 2))]} ms, worst ${sorted[-1]} ms, of ${figures[*]}"

# with all daemons alive: the story that is told
check_within 40 "all is well again" all_well
background lan ping ping -i 0.02 "$CLOUD4"
wait_for 5 lines_reach ping 'bytes from' 20
silent_cut
check_within 5 "paths: bfd-down, and the link is up" true_json '.[0].usable == false and (.[0].reasons | index("bfd-down") and (index("interface-down") | not))' paths
check_within 3 "the text of paths names the far end" eval 's paths | grep -q "192.168.30.18 .*silent"'
check_within 10 "an incident: failover, cause bfd-down" true_json 'any(.[]; .verdict == "failover" and .state == "open" and .cause == "bfd-down")' alerts
check_within 10 "its duration is the silence" true_json '[.[] | select(.verdict == "failover" and .state == "open")][0].duration_ms | . >= 500 and . < 3000' alerts
check_within 10 "BGP's end, which it brings, and BFD's own are no other cause" true_json '(map(.verdict) | index("no-backup")) and all(.[]; .cause == "bfd-down")' alerts
check_within 10 "nor in audit" eval 's -j audit | jq -e "any(.[]; .dst_prefix == \"10.17.30.0/26\" and .verdict == \"no-route\" and .cause == \"bfd-down\")"'
check "and the log says who is silent" grep -q 'er1-primary is not usable: no BFD from .* for 900 ms' "$RUN/sameway.log"
check_at_least "traffic goes by VPN" "$(moved edge tun30 tx ping_lost 40 0.01 $CLOUD4)" 40
end_background ping INT

# the way back, under a ping
flaps=$(j '[.[] | select(.verdict == "flapping")] | length' alerts --all)
background lan ping ping -i 0.02 -W 1 "$CLOUD4"
wait_for 5 lines_reach ping 'bytes from' 20
silent_end
check_within 40 "usable again, armed again" all_well
check_within 10 "traffic goes by ExpressRoute" by_er
end_background ping INT
check_at_most "the way back: packets lost" "$(awk '/packets transmitted/ { print $1 - $4 }' "$RUN/ping.log")" 0
check_equal "nothing new flaps" "$(j '[.[] | select(.verdict == "flapping")] | length' alerts --all)" "$flaps"

# a restarted daemon finds the sessions as they are
misses=$(j '[.[0].bfd.sessions[].misses] | add' paths)
sameway_kill 2>/dev/null
check "with no daemon paths still says it" bfd_up
sameway_start
check "adopted: armed, nothing missed" true_json '.[0].bfd.state == "up" and ([.[0].bfd.sessions[].misses] | add) == '"$misses" paths

# intervals that change while it is up, by Poll sequences: of either side, up and down, and nothing is missed
# interval SITE MS DETECTION: BIRD there wants it, and the kernel comes to that detection time
interval() {
	sed -i "s/interval [0-9]* ms; multiplier/interval $2 ms; multiplier/" "$RUN/$1.conf"
	birdc_at "$1" configure | grep -q Reconfigured &&
		wait_for 20 true_json '[.[0].bfd.sessions[].detect_ms] == ['"$3, $3]" paths
}
check "the far side's interval grows to 1 s" interval msee 1000 3000
check "so does ours" interval edge 1000 3000
check "the far side's shrinks: ours holds" interval msee 300 3000
check "both are at 300 ms again" interval edge 300 900
check "and nothing was missed" true_json '.[0].usable and ([.[0].bfd.sessions[].misses] | add) == '"$misses" paths

# far_says STATE YOURS PORT TTL: in the far routers' names, both families, with that as your discriminator
far_says() {
	in_ns msee python3 - "$@" <<-'X'
		import socket, struct, sys
		state, yours, port, ttl = map(int, sys.argv[1:])
		for family, source, to, level, option in (
		        (socket.AF_INET, '192.168.30.18', '192.168.30.17', socket.IPPROTO_IP, socket.IP_TTL),
		        (socket.AF_INET6, 'fd00:192:168:30::2', 'fd00:192:168:30::1', socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS)):
		    s = socket.socket(family, socket.SOCK_DGRAM)
		    s.bind((source, 50123))
		    s.setsockopt(level, option, ttl)
		    s.sendto(struct.pack('!BBBBIIIII', 0x20, state << 6, 3, 24, 7, yours, 1000000, 300000, 0), (to, port))
	X
}
refused() { true_json '.[0].bfd.refused == {malformed: 0, ttl: '"$1"', source: 0, session: '"$2"'}' paths; }

# who is not the far side: from beyond it by the port that asks for no TTL, and without our discriminator
downs=$(j '[.[0].bfd.sessions[].downs] | add' paths)
far_says 1 0 4784 60
check_within 2 "Down by multihop is refused" refused 0 2
far_says 1 7 3784 255
check_within 2 "Down with a discriminator that is not ours, too" refused 0 4
far_says 1 0 3784 254
check_within 2 "and from beyond" refused 2 4
check "none of it took the path away" true_json '.[0].usable and ([.[0].bfd.sessions[].downs] | add) == '"$downs" paths

# AdminDown, said by the far side, takes nothing away
kill -STOP "$(cat "$RUN/bird-msee.pid")"
far_says 0 0 3784 255
check_within 2 "AdminDown is heard" true_json '[.[0].bfd.sessions[].state] == ["admin-down", "admin-down"]' paths
sleep 1.5 # longer than the detection time: what is to be seen is that nothing happens
check "and silence after it is no objection" true_json '(.[0].reasons | index("bfd-down")) == null' paths
kill -CONT "$(cat "$RUN/bird-msee.pid")"
check_within 40 "up again" all_well

# without the key the objection ends
kill -STOP "$(cat "$RUN/bird-edge.pid")" # which would withdraw its routes
silent_cut
check_within 5 "cut again: bfd-down" true_json '.[0].reasons | index("bfd-down")' paths
check "explain says why it is not used" true_json '.path == "vpn30" and (.why | contains("er1-primary bfd-down"))' explain $CLOUD4
sed -i 's/, bfd: true//' "$RUN/sameway.yaml"
check "reload without bfd" s reload
check_within 5 "it objects no more" true_json '(.[0].reasons | index("bfd-down")) == null and .[0].bfd == null' paths
silent_end
kill -CONT "$(cat "$RUN/bird-edge.pid")"

# over several hops (UDP 4784), by a device without Ethernet header
wait_for 40 edge_converged
sed -i 's/protocol bgp VPN\(v6\)\? { /&bfd on; /; s/^protocol bfd { /&multihop { interval 400 ms; multiplier 3; }; /' "$RUN/edge.conf"
with_bfd CE CEv6 <"$RUN/vpngw.conf" | sed 's/^protocol bfd { /&multihop { interval 400 ms; multiplier 3; }; /' >"$RUN/new.conf"
mv "$RUN/new.conf" "$RUN/vpngw.conf"
sed -i 's/class: vpn,/&  bfd: true,/' "$RUN/sameway.yaml"
birdc_at edge configure >/dev/null
birdc_at vpngw configure >/dev/null
check "reload: the VPN has bfd" s reload
check_within 40 "multihop, both families, by the tunnel" true_json '.[1].bfd.state == "up" and ([.[1].bfd.sessions[] |
	select(.armed and .own == "up" and .detect_ms == 1200)] | length) == 2' paths
kill -STOP "$(cat "$RUN/tunnel-vpngw.pid")"
check_within 5 "its far end stopped: bfd-down" true_json '.[1].reasons == ["bfd-down"]' paths
kill -CONT "$(cat "$RUN/tunnel-vpngw.pid")"
done_testing
