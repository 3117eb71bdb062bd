# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The lab of scenarios.md's rows, sourced after lib.sh by test_scenarios_*.sh: two circuits of ExpressRoute, two VPN tunnels, real BGP
# for what is announced here, Azure's gateway tables as files for what it has learned of us, and by which way it answers as a row wants.
#
#   lan eth0 10.2.30.10 .70 .140 -- lan0 edge er0 192.168.30.18 (er1-primary) ---- azure -- cloud: every address of
#       eth1 10.2.31.10 (stateful) - lan1     er1 192.168.30.22 (er1-secondary) --/         10.10.N.0/24, 10.11.N.0/24,
#                                             er2 192.168.32.18 (er2-primary) ---/         10.17.N.0/24
#                                             tun30, tun31 == wan, as 52.168.162.84 == /
#
# Row N has prefixes of its own: 10.10.N.0/24 (hub: ExpressRoute and VPN), 10.11.N.0/26 (spoke: the same), 10.11.N.64/26 (branch: VPN
# only), 10.17.N.0/26 (another region: ExpressRoute only). No row has to wait until another's incident has closed.
#
# All rows are here, S1 to S41. What a row needs of Azure that only Azure has is played: a limit that drops a connection (S22) by
# withdrawals while the session stands; hubRoutingPreference, connection weights, user-defined routes (S20, S26, S29, S36) by the way
# that it answers; a daemon's bug (S14) by a preference of BIRD's. Not here, since this kernel or this version has none of it: BFD's
# sessions (S4, S16: its packets pass, a session's end is BGP's), ESP by the kernel (S4, S31: raw packets of protocol 50, and UDP 4500;
# real IPsec is in tests/vm), the times of Azure's own timers (grace is 2 s here, not 60).

SITES='lan edge azure cloud'
HOST=10.2.30.10 HOST2=10.2.30.70 NEWHOST=10.2.30.140 FWHOST=10.2.31.10
NETWORKS='10.2.30.0/25 10.2.30.128/25 10.2.31.0/25'
VPNPEER=10.10.30.254
declare -A ann=() GATEWAY=([er0]=192.168.30.17 [er1]=192.168.30.21 [er2]=192.168.32.17)

# --- The lab. ---

scene_links() {
	local net
	make_link lan eth0 "$HOST/25 $HOST2/25 $NEWHOST/25" edge lan0 '10.2.30.3/25 10.2.30.131/25' &&
		make_link lan eth1 $FWHOST/25 edge lan1 10.2.31.3/25 &&
		make_link edge er0 192.168.30.17/30 azure ce0 192.168.30.18/30 &&
		make_link edge er1 192.168.30.21/30 azure ce1 192.168.30.22/30 &&
		make_link edge er2 192.168.32.17/30 azure ce2 192.168.32.18/30 &&
		make_link edge wan 66.198.12.106/30 azure wan 66.198.12.105/30 &&
		make_link azure hub0 172.16.3.1/30 cloud eth0 172.16.3.2/30 &&
		make_link lan by0 10.77.0.1/30 cloud by0 10.77.0.2/30 || return 1
	ip -n "$LAB-lan" route add default via 10.2.30.3 &&
		ip -n "$LAB-lan" route add default via 10.2.31.3 table 31 && ip -n "$LAB-lan" rule add from 10.2.31.0/25 table 31 &&
		ip -n "$LAB-azure" addr add 52.168.162.84/32 dev lo && ip -n "$LAB-edge" route add 52.168.162.84/32 via 66.198.12.105 &&
		ip -n "$LAB-azure" route add 10.8.0.0/13 via 172.16.3.2 && ip -n "$LAB-azure" route add 10.16.0.0/12 via 172.16.3.2 &&
		ip -n "$LAB-cloud" route add default via 172.16.3.1 || return 1
	for net in 10.10.0.0/16 10.11.0.0/16 10.17.0.0/16; do ip -n "$LAB-cloud" route add local $net dev lo || return 1; done
}

scene_tunnel() { # DEVICE PORT EDGE'S AZURE'S
	background edge "tunnel-edge-$1" "$TUNNEL" "$1" 66.198.12.106 52.168.162.84 "$2" &&
		background azure "tunnel-azure-$1" "$TUNNEL" "$1" 52.168.162.84 66.198.12.106 "$2" || return 1
	wait_for 3 ip -n "$LAB-edge" link show "$1" up && wait_for 3 ip -n "$LAB-azure" link show "$1" up &&
		ip -n "$LAB-edge" addr add "$3/32" dev "$1" && ip -n "$LAB-azure" addr add "$4/32" dev "$1" &&
		ip -n "$LAB-edge" route add "$4/32" dev "$1" src "$3" && ip -n "$LAB-azure" route add "$3/32" dev "$1" src "$4"
}

# answers BY [PREFIX]: Azure sends there (all our networks) by that device of azure: ce0 ce1 ce2 tun30 tun31, or nowhere
answers() {
	local net
	for net in ${2:-$NETWORKS}; do
		case $1 in
		tun*) ip -n "$LAB-azure" route replace "$net" dev "$1" ;;
		ce*) ip -n "$LAB-azure" route replace "$net" via "${GATEWAY[er${1#ce}]}" ;;
		*) ip -n "$LAB-azure" route replace blackhole "$net" ;;
		esac || return 1
	done
}
answers_no_more() { ip -n "$LAB-azure" route del "$1" 2>/dev/null; }

# --- BGP: ${ann[NEIGHBOUR PREFIX]} is what it announces, its value the AS numbers behind its own. ---

# a line a neighbour: the edge's device, its address and AS, ours
scene_neighbours() {
	cat <<-X
		er0 192.168.30.18 12076 192.168.30.17
		er1 192.168.30.22 12076 192.168.30.21
		er2 192.168.32.18 12076 192.168.32.17
		tun30 $VPNPEER 65515 10.2.30.125
		tun31 10.10.30.253 65515 10.2.30.126
	X
}

azure_conf() {
	local name addr as remote key
	echo 'log stderr { warning, error, fatal, bug }; router id 192.168.30.18; protocol device {}'
	while read -r name addr as remote; do
		echo "ipv4 table t_$name; protocol static s_$name { ipv4 { table t_$name; };"
		for key in "${!ann[@]}"; do
			[ "${key% *}" != "$name" ] || echo "	route ${key#* } blackhole { bgp_path.empty; ${ann[$key]} };"
		done
		cat <<-X
			}
			protocol bgp p_$name { router id $addr; local $addr as $as; neighbor $remote as 65021; multihop; strict bind yes; passive yes; $BGP_TIMERS
				ipv4 { table t_$name; import none; export all; next hop self; }; }
		X
	done < <(scene_neighbours)
}

# The edge: local preference 200 on ExpressRoute but for rows 10, 12 and 13, where it was forgotten. Equal paths: the older stays, as
# with FRR and IOS. Row 14: a daemon that does not choose by local preference.
edge_conf() {
	local name addr as remote import far
	cat <<-X
		log stderr { warning, error, fatal, bug }; router id 10.2.30.253; protocol device { scan time 1; }
		protocol kernel k4 { ipv4 { import none; export where source = RTS_BGP; }; }
		protocol static peers { ipv4; route $VPNPEER/32 via "tun30"; route 10.10.30.253/32 via "tun31"; }
		filter f_er { bgp_local_pref = 200; if net ~ [10.10.10.0/24, 10.10.12.0/24, 10.10.13.0/24] then bgp_local_pref = 100;
			if net = 10.10.14.0/24 then preference = 90; accept; }
	X
	while read -r name addr as remote; do
		import='filter f_er' far=direct
		[[ $name == er* ]] || import=all far=multihop
		cat <<-X
			protocol bgp p_$name { local $remote as 65021; neighbor $addr as $as; $far; prefer older on; igp metric off; $BGP_TIMERS
				ipv4 { import $import; export none; }; }
		X
	done < <(scene_neighbours)
	cat <<-X
		protocol bgp MON { local 127.0.0.1 as 65021; neighbor 127.0.0.2 port 1790 as 65021; multihop; rr client; $BGP_TIMERS
			ipv4 { import none; add paths tx; export where source = RTS_BGP; next hop keep; }; }
	X
}

# announce NEIGHBOUR PREFIX [AS ...]: with these behind its own AS; unannounce NEIGHBOUR PREFIX; then bgp_apply
announce() {
	local as path=''
	for as in "${@:3}"; do path="bgp_path.prepend($as); $path"; done
	ann["$1 $2"]=$path
}
unannounce() { unset "ann[$1 $2]"; }
unannounce_all() {
	local key
	for key in "${!ann[@]}"; do [[ $key != "$1 "* ]] || unannounce "$1" "${key#* }"; done
}
bgp_apply() { azure_conf >"$RUN/azure.conf" && birdc_at azure configure >/dev/null; }

# maintenance on|off: the primary Microsoft edge prepends its AS eight times to all that it announces
maintenance() {
	local key
	for key in "${!ann[@]}"; do
		# shellcheck disable=SC2086,SC2046
		[[ $key != er0* ]] || announce $key $([ "$1" = off ] || printf '12076 %.0s' 1 2 3 4 5 6 7 8)
	done
	bgp_apply
	wait_for 5 true_json ".[0].candidates | any(.path == \"er1-primary\" and (.as_path | length) == $([ "$1" = off ] && echo 1 || echo 9))" routes "$2"
}

# Row N's own: by both, by VPN only, by ExpressRoute only
announce_row() {
	announce er0 "10.10.$1.0/24" && announce tun30 "10.10.$1.0/24" && announce er0 "10.11.$1.0/26" && announce tun30 "10.11.$1.0/26" &&
		announce tun30 "10.11.$1.64/26" 65516 && announce er0 "10.17.$1.0/26"
}

scene_up() { # ROW...
	local site row
	LAB=sw$(printf '%04x%04x' $RANDOM $RANDOM)
	RUN=$(mktemp -d "/tmp/$LAB.XXXXXX") && chmod 755 "$RUN" && mkdir "$RUN/azure" || return 1
	: >"$RUN/pids"
	for site in $SITES; do make_site "$site" || return 1; done
	scene_links && scene_tunnel tun30 4500 10.2.30.125 $VPNPEER && scene_tunnel tun31 4501 10.2.30.126 10.10.30.253 && answers ce0 || return 1
	announce tun31 10.99.0.0/24 # or it would be told as a backup without routes
	for row in "$@"; do announce_row "$row"; done
	azure_conf >"$RUN/azure.conf" && edge_conf >"$RUN/edge.conf" || return 1
	for site in azure edge; do
		bird -p -c "$RUN/$site.conf" && background $site "bird-$site" bird -f -c "$RUN/$site.conf" -s "$RUN/$site.ctl" || return 1
	done
	background cloud serve /usr/bin/python3 "$ROOT/tests/lab/talk.py" serve
	wait_for 5 lines_reach serve listening 1 && wait_for 20 bgp_up 5
}
# The link of er0, er1 or er2, from Microsoft's side: Azure goes on by VPN. At its return BGP comes again, Azure's answers do not.
er_down() {
	ip -n "$LAB-azure" link set "c${1/er/e}" down
	answers tun30
}
er_up() { # DEVICE PATH DESTINATION
	ip -n "$LAB-azure" link set "c${1/er/e}" up
	wait_for 15 bgp_up 5 && wait_for 15 explained ".path == \"$2\"" "$3"
}
# what Azure discards from that device of azure to a prefix, without a word; discards no more
discards() {
	in_ns azure nft -f - <<-X
		table ip hole { chain f { type filter hook forward priority 0; iifname $1 ip daddr $2 ${3:-} drop; }; }
	X
}
discards_no_more() { in_ns azure nft delete table ip hole; }
bgp_up() { [ "$(birdc_at edge show protocols | awk '$2 == "BGP" && $1 != "MON" && /Established/ { n++ } END { print n + 0 }')" = "$1" ]; }

# --- Azure's own view: the table of its ExpressRoute gateway, as `az network vnet-gateway list-learned-routes` prints it. ---

# holds FILTER JSON: of an answer that there is; to jq none at all is no mistake
holds() { [ -n "$2" ] && jq -e "$1" <<<"$2" >/dev/null; }

# azure_table 'NETWORK AS-PATH [PEER]' ...: ExpressRoute where 12076 comes first
azure_table() {
	printf '%s\n' "$@" | jq -Rn '{value: [inputs | split(" ") | (.[1] | startswith("12076")) as $er |
		(.[2] // if $er then "10.10.30.132" else "10.10.30.142" end) as $peer |
		{asPath: .[1], localAddress: "10.10.30.140", network: .[0], nextHop: $peer, origin: (if $er then "EBgp" else "IBgp" end),
		 sourcePeer: $peer, weight: (if $er then 32769 else 32768 end)}]}' >"$RUN/azure.new" && mv "$RUN/azure.new" "$RUN/azure/ergw.json"
}
# circuit_table NETWORK...: the circuit's own table, of the Microsoft edge, as `az network express-route list-route-tables` prints it
circuit_table() {
	printf '%s\n' "$@" | jq -Rn '{value: [inputs | {locPrf: "", network: ., nextHop: "192.168.30.17", path: "65021", weight: 0}]}' \
		>"$RUN/azure.new" && mv "$RUN/azure.new" "$RUN/azure/circuit.json"
}
STEADY=()
for net in $NETWORKS; do STEADY+=("$net 12076-65021" "$net 65021"); done
azure_steady() { azure_table "${STEADY[@]}"; }
# azure_returns ADDRESS CLASS: sameway has read it
azure_returns() { explained ".return.class == \"$2\"" 10.10.1.4 from "$1"; }
# explained FILTER DESTINATION ...: its exit status, 3, where the answer is another way, is not of interest
explained() { holds "$1" "$(s -j explain "${@:2}")"; }

# --- sameway. SCENE_MODE, SCENE_FEEDS, SCENE_EXTRA. ---

scene_config() {
	cat >"$RUN/sameway.yaml" <<-X
		mode: ${SCENE_MODE:-monitor}
		asymmetry: { grace: 2s, confirm: 1s${SCENE_ASYMMETRY:-} }
		failback-delay: 200ms
		forward: fast
		${SCENE_EXTRA:-}
		paths:
		  - { name: er1-primary, class: expressroute, circuit: er1, interface: er0, gateway: 192.168.30.18, peers: [192.168.30.18], as: 12076 }
		  - { name: er1-secondary, class: expressroute, circuit: er1, interface: er1, gateway: 192.168.30.22, peers: [192.168.30.22] }
		  - { name: er2-primary, class: expressroute, circuit: er2, interface: er2, gateway: 192.168.32.18, peers: [192.168.32.18] }
		  - { name: vpn30, class: vpn, circuit: s2s, interface: tun30, peers: [$VPNPEER] }
		  - { name: vpn31, class: vpn, circuit: s2s, interface: tun31, peers: [10.10.30.253] }
		exempt: [{ to: 52.168.162.84/32 }]
		inside:
		  - { interface: lan0, networks: [10.2.30.0/25, 10.2.30.128/25] }
		  - { interface: lan1, networks: [10.2.31.0/25], stateful: true }
		feeds:
		  - { name: router, type: bgp, listen: 127.0.0.2:1790, as: 65021, router-id: 10.2.30.250, peers: [127.0.0.1] }
		  - { name: azure, type: azure, dir: azure/, view: remote, interval: 1s, circuits: { 10.10.30.132: er1, 10.10.30.133: er9 } }
		${SCENE_FEEDS:-}
	X
}

# scene_start ROW...: the lab for these rows, with sameway; ends the script when that can't be had.
scene_start() {
	if scene_up "$@" >&2 && azure_steady && scene_config && sameway_start && wait_for 10 azure_returns "$HOST" expressroute; then
		wait_for 5 true_json '.uptime_s >= 2' status # the start itself explains nothing any more
		BASE=0
		return
	fi
	fail "$(basename "$0" .sh): the lab comes up with sameway" "$(birdc_at edge show protocols 2>&1 | grep BGP | tr '\n' ' ')"
	done_testing
}

# --- What a row says. ---

# row NAME: begins it: what was told before is not its own. NAME begins with its number.
row() {
	ROW="$1${IN:-}"
	BASE=$(j 'map(.id) | max // 0' alerts --all)
}
# rows FUNCTION ...: runs them, or with ONLY='s5 s10' of them these
rows() {
	local row
	for row in "$@"; do
		[[ -n ${ONLY:-} && " $ONLY " != *" ${row%%_*} "* ]] || "$row"
	done
}
# in_mode monitor|enforce: the rows that follow
in_mode() {
	s "$1" >/dev/null
	check_within 20 "$1 is on" true_json ".mode == \"$1\" and .waiting == []" status
	IN=", $1"
}
# all_rows: what follows is of all of them together
all_rows() { ROW='all rows' BASE=0; }
# talk SOURCE>DESTINATION ...: TCP, UDP and ICMP echo, each 50 ms, until hush
talk() { background lan talk /usr/bin/python3 "$ROOT/tests/lab/talk.py" talk "$@"; }
hush() { end_background talk; }
# large SOURCE>DESTINATION ...: TCP that sends what fills some packets, once, and waits
large() {
	background lan large /usr/bin/python3 "$ROOT/tests/lab/talk.py" large "$@"
	wait_for 10 lines_reach large sent 1
}
# df_pings DESTINATION: how many of ten pings in packets of 1328 bytes that nobody may fragment are answered
df_pings() { in_ns lan ping -q -c 10 -i 0.05 -W 0.2 -M 'do' -s 1300 "$1" | awk '/packets transmitted/ { print $4 }'; }
# mtu_told PREFIX: that large packets to it get no answer by vpn30
mtu_told() {
	told ".verdict == \"limit\" and .subject == \"vpn30\" and .severity == \"info\" and .forward_path == \"vpn30\" and
		$(says "large packets get no answer, small ones do: .*$1") and $(says 'MTU') and $(fix_says "MSS to 1350")" 'a hint at the MTU, info' 60
}

# flows_are SOURCE DESTINATION VERDICT [FILTER]: all flows of the pair, three protocols
flows_are() {
	local out
	out=$(j "[.[] | select(.src == \"$1\" and .dst == \"$2\" and .idle_s < 1)]" flows)
	holds "([.[].proto] | unique) == [\"icmp\", \"tcp\", \"udp\"] and all(.[]; .verdict == \"$3\" and (${4:-true}))" "$out" && return
	jq -c 'map([.proto, .verdict, .forward.path, .reverse.path])' <<<"$out"
	return 1
}
by() { echo ".forward.path == \"$1\" and .reverse.path == \"$2\""; }
# judged SOURCE DESTINATION VERDICT [FILTER]: checks that
judged() { check_within 10 "$ROW: $1 -> $2 is $3" flows_are "$@"; }
# told FILTER [WHAT [SECONDS]]: an incident since the row began
told() { check_within "${3:-8}" "$ROW: ${2:-the incident}" incident_is "$1"; }
incident_is() {
	local out
	out=$(j "[.[] | select(.id > $BASE and .verdict != \"route-change\")]" alerts --all)
	holds "any(.[]; $1)" "$out" && return
	jq -c 'map(del(.state, .flows, .prefixes_moved, .prefixes_lost, .duration_ms, .first_seen, .last_seen))' <<<"$out"
	return 1
}
# The parts of a filter
incident() { echo ".verdict == \"$1\" and .cause == \"$2\" and .side == \"$3\" and .severity == \"$4\""; }
says() { echo "(.message | test(\"$1\"))"; }
fix_says() { echo "(.fix | test(\"$1\"))"; }
pair() { echo ".src_prefix == \"$1\" and .dst_prefix == \"$2\""; }
# silent [WHAT [FILTER]]: no incident since the row began, but for changes of routes and those of which FILTER is not true
silent() { check "$ROW: ${1:-no incident}" no_incident "${2:-true}"; }
no_incident() {
	local out
	out=$(j "[.[] | select(.id > $BASE and .verdict != \"route-change\" and ($1))]" alerts --all)
	[ "$(jq length <<<"$out")" = 0 ] && return
	jq -c 'map([.verdict, .cause, .severity, .dst_prefix, .message])' <<<"$out"
	return 1
}
# In a message: what was told at once would be 0 s. (On a busy machine a look at what is silent comes after grace.)
export AFTER_GRACE='[1-9][0-9]* s ago'
# over: ends it; nothing is sent any more when Azure answers by ExpressRoute again
over() {
	hush
	answers ce0
}
# A row's flows have been judged for a second: the scan that finds what no event told has been by
steady() { wait_for 3 true_json "any(.[]; .src == \"$1\" and .dst == \"$2\" and .age_s >= 1 and .idle_s < 1)" flows; }

# arrives DEVICE FILTER COMMAND...: packets of the filter that a device of azure sees while the command runs. (On the edge XDP's
# redirects pass tcpdump by.)
arrives() {
	background azure dump tcpdump -nn --immediate-mode -l -i "$1" "$2"
	wait_for 10 lines_reach dump 'listening on' 1
	"${@:3}" >/dev/null
	end_background dump
	lines dump ' IP '
}
# reason INTERFACE REASON: packets
reason() { j "[.reasons[] | select(.interface == \"$1\" and .reason == \"$2\") | .packets] | add // 0" counters; }
